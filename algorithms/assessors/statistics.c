#include "algorithms/assessors/statistics.h"

#include <assert.h>
#include <math.h>

#include "core/special.h"

#define PI 3.14159265358979323846

static void swap_doubles(double *a, double *b)
{
	double swap = *a;
	*a = *b;
	*b = swap;
}

double select_kth(double *v, ptrdiff_t n, ptrdiff_t k)
{
	ptrdiff_t low = 0, high = n - 1;
	while (low < high) {
		double pivot = v[low + (high - low) / 2];
		ptrdiff_t i = low, j = high;
		while (i <= j) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i <= j)
				swap_doubles(&v[i++], &v[j--]);
		}
		if (k <= j)
			high = j;
		else if (k >= i)
			low = i;
		else
			break;
	}
	return v[k];
}

/* P(|T| < t) by the finite series in cos(theta), theta = atan(t / sqrt(df)). */
static double student_inside(double t, size_t df)
{
	double theta = atan(t / sqrt((double)df)), c = cos(theta), c2 = c * c;
	double term = df % 2 ? c : 1, sum = df > 1 ? term : 0;
	for (size_t k = df % 2 ? 3 : 2; k < df; k += 2) {
		term *= c2 * (double)(k - 1) / (double)k;
		sum += term;
	}
	if (df % 2)
		return 2 / PI * (theta + sin(theta) * sum);
	return sin(theta) * sum;
}

double student_tail(double t, size_t df)
{
	if (df > STUDENT_DF_MAX)
		return normal_cdf(-t);
	double half = 0.5 * student_inside(fabs(t), df);
	return t > 0 ? fmax(0.5 - half, 0) : 0.5 + half;
}

double signed_rank_tail(double w, size_t n)
{
	double counts[SIGNED_RANK_EXACT * (SIGNED_RANK_EXACT + 1) / 2 + 1] = { 1 };
	size_t top = 0;
	assert(n >= 1 && n <= SIGNED_RANK_EXACT);
	for (size_t rank = 1; rank <= n; rank++) {
		top += rank;
		for (size_t sum = top; sum >= rank; sum--)
			counts[sum] += counts[sum - rank];
	}
	double tail = 0;
	for (size_t sum = top + 1; sum-- > 0 && (double)sum >= w;)
		tail += counts[sum];
	return ldexp(tail, -(int)n);
}
