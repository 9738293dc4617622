#include "bench/quality/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/special.h"

#define EXACT_MAX 50

double stat_mean(size_t n, const double *x)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / (double)n : (double)NAN;
}

double stat_geometric_mean(size_t n, const double *x, double floor)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += log(fmax(x[i], floor));
	return n ? exp(sum / (double)n) : (double)NAN;
}

double stat_standard_error(size_t n, const double *x)
{
	double mean = stat_mean(n, x), sum = 0;

	if (n < 2)
		return 0;
	for (size_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sqrt(sum / (double)(n - 1) / (double)n);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stat_quantile(size_t n, double *x, double p)
{
	if (n == 0)
		return (double)NAN;
	qsort(x, n, sizeof(*x), compare);
	double at = p * (double)(n - 1);
	size_t below = (size_t)at;
	if (below + 1 >= n)
		return x[n - 1];
	return x[below] + (at - (double)below) * (x[below + 1] - x[below]);
}

void stat_ranks(size_t n, const double *x, double *ranks)
{
	for (size_t i = 0; i < n; i++) {
		double less = 0, equal = 0;
		for (size_t j = 0; j < n; j++) {
			less += x[j] < x[i];
			equal += x[j] == x[i];
		}
		ranks[i] = less + (equal + 1) / 2;
	}
}

/* The share of the 2^n sign patterns whose positive ranks sum to at most w; n <= EXACT_MAX. */
static double exact_tail(size_t n, double w)
{
	static const size_t sums = EXACT_MAX * (EXACT_MAX + 1) / 2 + 1;
	double *share = calloc(sums, sizeof(*share)), tail = 0;

	if (!share)
		return (double)NAN;
	share[0] = 1;
	for (size_t rank = 1; rank <= n; rank++)
		for (size_t s = sums; s-- > 0;)
			share[s] = (share[s] + (s >= rank ? share[s - rank] : 0)) / 2;
	for (size_t s = 0; s < sums && (double)s <= w; s++)
		tail += share[s];
	free(share);
	return tail;
}

/* sum of t^3 - t over the groups of t equal ranks. */
static double tie_term(size_t n, const double *ranks)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double equal = 0;
		for (size_t j = 0; j < n; j++)
			equal += ranks[j] == ranks[i];
		sum += equal * equal - 1; /* each of the t members brings t^2 - 1 */
	}
	return sum;
}

static double signed_rank(size_t n, const double *differences, double *sizes, double *ranks)
{
	double positive = 0, count = (double)n, total = count * (count + 1) / 2;

	for (size_t i = 0; i < n; i++)
		sizes[i] = fabs(differences[i]);
	stat_ranks(n, sizes, ranks);
	for (size_t i = 0; i < n; i++)
		positive += differences[i] > 0 ? ranks[i] : 0;
	double ties = tie_term(n, ranks), least = fmin(positive, total - positive);
	if (n <= EXACT_MAX && ties == 0)
		return fmin(1, 2 * exact_tail(n, least));
	double variance = count * (count + 1) * (2 * count + 1) / 24 - ties / 48;
	return fmin(1, 2 * normal_cdf((least - total / 2) / sqrt(variance)));
}

double stat_wilcoxon(size_t n, const double *differences)
{
	double *memory = calloc(3 * n + 1, sizeof(*memory));
	size_t kept = 0;

	if (!memory)
		return (double)NAN;
	for (size_t i = 0; i < n; i++)
		if (differences[i] != 0)
			memory[kept++] = differences[i];
	double p = kept ? signed_rank(kept, memory, memory + n, memory + 2 * n) : 1;
	free(memory);
	return p;
}
