/*
 * PED-ANOVA. Each parameter is cut into bins; a Parzen estimator of the best points and one of all
 * give two distributions over the bins, and the importance is the Pearson divergence between them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/analysis/importance.h"
#include "core/error.h"
#include "core/special.h"

#define BINS	   50  /* of a numeric parameter; integers may have fewer values */
#define BEST_SHARE 0.1 /* of the points with a result */
#define BEST_MIN   2
#define PRIOR	   1.0 /* weight of the uniform distribution, in points */
#define SCOTT	   1.059
#define SIGMA_MIN  (0.5 / 1.64) /* bins: nine tenths of a kernel stay in its own bin */

struct histogram {
	size_t bins;
	double *count, *density;
	double n;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The loss of the worst point that is still one of the best; all that tie with it are, too, so that
 * the order of points does not matter. *limit stays as it is when
 * out->reason says that there is none. */
static int find_best(const struct importance_points *points, struct arena *arena, double *limit,
	struct importance *out)
{
	double *losses = arena_array(arena, points->n + 1, sizeof(*losses));
	size_t n = 0;

	if (!losses)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < points->n; i++)
		if (points->feasible[i] && !isnan(points->loss[i]))
			losses[n++] = points->loss[i];
	qsort(losses, n, sizeof(*losses), by_value);
	if (n < IMPORTANCE_FEW) {
		out->reason = IMPORTANCE_TOO_FEW;
		return 0;
	}
	size_t best = (size_t)ceil(BEST_SHARE * (double)n);
	*limit = losses[best < BEST_MIN ? BEST_MIN - 1 : best - 1];
	/* Where some have failed, the rest still differs from all. */
	if (losses[0] == losses[n - 1] && n == points->n)
		out->reason = IMPORTANCE_FLAT;
	return 0;
}

static bool is_best(const struct importance_points *points, size_t i, double limit)
{
	return points->feasible[i] && points->loss[i] <= limit;
}

static size_t bins_of(const struct importance_axis *axis)
{
	if (axis->n_options)
		return axis->n_options;
	return axis->n_values > 0 && axis->n_values < BINS ? (size_t)axis->n_values : BINS;
}

static size_t bin_of(const struct importance_axis *axis, double u, size_t bins)
{
	double bin = axis->n_options ? u : floor(u * (double)bins);
	return bin < (double)bins ? (size_t)bin : bins - 1;
}

static void count_points(const struct importance_points *points, size_t j, double limit,
	bool best_only, struct histogram *out)
{
	memset(out->count, 0, out->bins * sizeof(*out->count));
	out->n = 0;
	for (size_t i = 0; i < points->n; i++) {
		double u = points->u[i * points->d + j];

		if (isnan(u) || (best_only && !is_best(points, i, limit)))
			continue;
		out->count[bin_of(&points->axes[j], u, out->bins)]++;
		out->n++;
	}
}

/* The bin below which a share of the points lies. */
static double quantile(const struct histogram *histogram, double share)
{
	double left = share * histogram->n;
	size_t bin = 0;

	while (bin + 1 < histogram->bins && left > histogram->count[bin])
		left -= histogram->count[bin++];
	return (double)bin;
}

/* Scott's rule, robust: whichever of standard deviation and interquartile range is less. */
static double bandwidth(const struct histogram *histogram)
{
	double sum = 0, squares = 0, n = histogram->n;

	for (size_t b = 0; b < histogram->bins; b++)
		sum += histogram->count[b] * (double)b;
	for (size_t b = 0; b < histogram->bins; b++) {
		double gap = (double)b - sum / n;
		squares += histogram->count[b] * gap * gap;
	}
	double deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
	double range = quantile(histogram, 0.75) - quantile(histogram, 0.25);

	return fmax(SIGMA_MIN, SCOTT * fmin(range / 1.34, deviation) * pow(n, -0.2));
}

/* Adds a normal at the middle of bin k, cut off at the ends. */
static void add_kernel(struct histogram *histogram, size_t k, double sigma)
{
	double low = (-0.5 - (double)k) / sigma;
	double high = ((double)histogram->bins - 0.5 - (double)k) / sigma;
	double all = normal_cdf(high) - normal_cdf(low), below = normal_cdf(low);

	for (size_t b = 0; b < histogram->bins; b++) {
		double edge = normal_cdf(((double)b + 0.5 - (double)k) / sigma);
		histogram->density[b] += histogram->count[k] * (edge - below) / all;
		below = edge;
	}
}

static void smooth(struct histogram *histogram, bool categorical)
{
	double sigma = categorical || histogram->n == 0 ? 0 : bandwidth(histogram);

	for (size_t b = 0; b < histogram->bins; b++)
		histogram->density[b] = PRIOR / (double)histogram->bins;
	for (size_t k = 0; k < histogram->bins; k++) {
		if (histogram->count[k] == 0)
			continue;
		if (categorical)
			histogram->density[k] += histogram->count[k];
		else
			add_kernel(histogram, k, sigma);
	}
	for (size_t b = 0; b < histogram->bins; b++)
		histogram->density[b] /= histogram->n + PRIOR;
}

/* sum p (q / p - 1)^2 of q, the best, against p, all. */
static double divergence(const struct histogram *best, const struct histogram *all)
{
	double sum = 0;

	for (size_t b = 0; b < all->bins; b++) {
		double ratio = best->density[b] / all->density[b] - 1;
		sum += all->density[b] * ratio * ratio;
	}
	return sum;
}

static bool histogram_init(struct histogram *histogram, size_t bins, struct arena *arena)
{
	*histogram = (struct histogram){
		.bins = bins,
		.count = arena_array(arena, bins, sizeof(double)),
		.density = arena_array(arena, bins, sizeof(double)),
	};
	return histogram->count && histogram->density;
}

/* Over all values of the parameter and "not active", the divergence is a part within the values and
 * one of being active or not. The first is alpha^2 / beta times the divergence among points in
 * which the parameter is active: alpha of the best, beta of all. */
static int amount(const struct importance_points *points, size_t j, double limit, double n_best,
	struct arena *arena, double *out)
{
	struct histogram best, all;
	size_t bins = bins_of(&points->axes[j]);

	if (!histogram_init(&best, bins, arena) || !histogram_init(&all, bins, arena))
		return CODE_NO_MEMORY;
	count_points(points, j, limit, true, &best);
	count_points(points, j, limit, false, &all);
	if (best.n == 0)
		return 0;
	smooth(&best, points->axes[j].n_options > 0);
	smooth(&all, points->axes[j].n_options > 0);
	double alpha = best.n / n_best, beta = all.n / (double)points->n;
	*out = alpha * alpha / beta * divergence(&best, &all);
	return 0;
}

int importance_pedanova(
	const struct importance_points *points, struct arena *arena, struct importance *out)
{
	double limit = (double)NAN, n_best = 0;
	struct arena scratch; /* of one parameter: a choice may have many options */
	int code = CODE_NO_MEMORY;

	if (importance_init(out, points->d, arena))
		code = find_best(points, arena, &limit, out);
	out->n_used = points->n;
	if (code || out->reason != IMPORTANCE_KNOWN)
		return code;
	for (size_t i = 0; i < points->n; i++)
		n_best += is_best(points, i, limit);
	arena_init(&scratch, 0);
	for (size_t j = 0; j < points->d && code == 0; j++) {
		arena_reset(&scratch);
		if (!points->axes[j].dropped)
			code = amount(points, j, limit, n_best, &scratch, &out->share[j]);
	}
	arena_release(&scratch);
	importance_normalise(out->share, points->d);
	return code;
}
