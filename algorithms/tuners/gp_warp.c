#include "algorithms/tuners/gp_warp.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/special.h"

#define FLAT 1e-10 /* a standard deviation that is rounding */

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void gp_standardise(double *y, size_t n)
{
	double mean = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		mean += y[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (y[i] - mean) * (y[i] - mean) / (double)n;
	double sd = sqrt(squares);
	for (size_t i = 0; i < n; i++)
		y[i] = sd > FLAT ? (y[i] - mean) / sd : 0;
}

/* Gains (negated losses) within [-1, 1]; NaN stays. False: no finite one. The factor is a power of
 * two, so that a small range next to a large offset loses nothing more. */
static bool scale_gains(const double *loss, size_t n, double *y)
{
	double low = HUGE_VAL, high = -HUGE_VAL;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(loss[i]))
			continue;
		low = fmin(low, loss[i]);
		high = fmax(high, loss[i]);
	}
	if (low > high)
		return false;
	int exponent;
	(void)frexp(fmax(fabs(low), fabs(high)), &exponent);
	for (size_t i = 0; i < n; i++)
		y[i] = isnan(loss[i]) ? loss[i] : -ldexp(fmin(fmax(loss[i], low), high), -exponent);
	return true;
}

/* Keeps each value once; answers how many there are. */
static size_t drop_repeats(double *sorted, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept == 0 || sorted[i] != sorted[kept - 1])
			sorted[kept++] = sorted[i];
	return kept;
}

/* How many of sorted[n] are below v. */
static size_t count_below(const double *sorted, size_t n, double v)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;
		if (sorted[middle] < v)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

/* Root mean square of the distances of sorted[n] to the centre. */
static double spread(const double *sorted, size_t n, double centre)
{
	double squares = 0;

	for (size_t i = 0; i < n; i++)
		squares += (sorted[i] - centre) * (sorted[i] - centre);
	return n ? sqrt(squares / (double)n) : 0;
}

/* y: gains, NaN where failed; afterwards in units of the good half's spread. sorted: the n_ok that
 * are numbers. */
static void warp_gains(double *y, size_t n, double *sorted, size_t n_ok)
{
	double median = 0.5 * (sorted[(n_ok - 1) / 2] + sorted[n_ok / 2]);
	size_t unlike = drop_repeats(sorted, n_ok);
	size_t below = count_below(sorted, unlike, median);
	double places = (double)below + (sorted[below] == median ? 0.5 : 0.0);
	double unit = spread(sorted + below, unlike - below, median);
	double low = HUGE_VAL, high = -HUGE_VAL;

	if (!(unit > 0)) /* the better half is all the same */
		unit = spread(sorted, unlike, median);
	for (size_t i = 0; i < n; i++) {
		if (isnan(y[i]))
			continue;
		double rank = (double)count_below(sorted, unlike, y[i]);
		y[i] = y[i] >= median ? (unit > 0 ? (y[i] - median) / unit : 0)
				      : normal_quantile(0.5 * (rank + 0.5) / places);
		low = fmin(low, y[i]);
		high = fmax(high, y[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (isnan(y[i]))
			y[i] = low - (0.5 * (high - low) + 1);
}

int gp_warp(const double *loss, size_t n, double *y, struct arena *arena)
{
	double *sorted = arena_array(arena, n ? n : 1, sizeof(*sorted));
	size_t n_ok = 0;

	if (!sorted)
		return CODE_NO_MEMORY;
	if (!scale_gains(loss, n, y)) {
		memset(y, 0, n * sizeof(*y));
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (!isnan(y[i]))
			sorted[n_ok++] = y[i];
	qsort(sorted, n_ok, sizeof(*sorted), ascending);
	warp_gains(y, n, sorted, n_ok);
	gp_standardise(y, n);
	return 0;
}
