#include "gpu/cpu/cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/special.h"

#define SQRT_HALF    0.70710678118654752440
#define HALF_LOG_2PI 0.91893853320467274178
#define TILE	     32	  /* points scored at once */
#define NARROW	     1e-5 /* the midpoint rule is good to its square */

struct mixture {
	const struct kde *kde;
	double *base;	 /* n: log weight and the logs of all normalisers */
	double *inverse; /* d x n: 1 / (sigma sqrt 2) of numeric coordinates */
};

/* log of the standard normal's mass of [a, b], without cancellation or underflow. */
static double log_mass(double a, double b)
{
	if (!(a < b))
		return -HUGE_VAL;
	if (a + b < 0) { /* mirrored, so that b is the end farther out */
		double t = -a;
		a = -b;
		b = t;
	}
	if (a <= 0)
		return log(0.5 * (erf(b * SQRT_HALF) - erf(a * SQRT_HALF)));
	double middle = a + 0.5 * (b - a);
	if ((b - a) * fmax(1, middle) < NARROW)
		return -0.5 * middle * middle - HALF_LOG_2PI + log(b - a);
	double beyond = exp(0.5 * (a - b) * (a + b)) * erfcx_scaled(b * SQRT_HALF);
	return -0.5 * a * a + log(0.5 * (erfcx_scaled(a * SQRT_HALF) - beyond));
}

static void release(struct mixture *mixture)
{
	free(mixture->base);
	free(mixture->inverse);
	*mixture = (struct mixture){ 0 };
}

static void normalise(struct mixture *mixture, size_t j)
{
	const struct kde *kde = mixture->kde;
	const double *mu = kde->mu + j * kde->n, *sigma = kde->sigma + j * kde->n;
	double *inverse = mixture->inverse + j * kde->n;
	for (size_t k = 0; k < kde->n; k++) {
		double whole = log_mass(
			(kde->low[j] - mu[k]) / sigma[k], (kde->high[j] - mu[k]) / sigma[k]);
		inverse[k] = SQRT_HALF / sigma[k];
		mixture->base[k] -= whole;
		if (!(kde->step[j] > 0))
			mixture->base[k] -= log(sigma[k]) + HALF_LOG_2PI;
	}
}

static bool prepare(struct mixture *mixture, const struct kde *kde)
{
	*mixture = (struct mixture){ .kde = kde,
		.base = malloc(kde->n * sizeof(double)),
		.inverse = malloc(kde->n * kde->d * sizeof(double)) };
	if (!mixture->base || !mixture->inverse) {
		release(mixture);
		return false;
	}
	memcpy(mixture->base, kde->log_weight, kde->n * sizeof(double));
	for (size_t j = 0; j < kde->d; j++)
		if (kde->size[j] == 0)
			normalise(mixture, j);
	/* A kernel with no mass in the interval at all is not there. */
	for (size_t k = 0; k < kde->n; k++)
		if (!(mixture->base[k] < HUGE_VAL))
			mixture->base[k] = -HUGE_VAL;
	return true;
}

WIDEST static void score_density(const double *restrict mu, const double *restrict inverse,
	double x, size_t n, double *restrict acc)
{
	for (size_t k = 0; k < n; k++) {
		double z = (x - mu[k]) * inverse[k];
		acc[k] -= z * z;
	}
}

static void log_column(const struct kde *kde, size_t j, double x, double *column)
{
	if (kde->size[j] > 0) {
		const double *table = kde->table + kde->table_at[j] + (size_t)x;
		for (size_t k = 0; k < kde->n; k++)
			column[k] = log(table[k * kde->size[j]]);
		return;
	}
	const double *mu = kde->mu + j * kde->n, *sigma = kde->sigma + j * kde->n;
	double low = fmax(x - 0.5 * kde->step[j], kde->low[j]);
	double high = fmin(x + 0.5 * kde->step[j], kde->high[j]);
	for (size_t k = 0; k < kde->n; k++)
		column[k] = log_mass((low - mu[k]) / sigma[k], (high - mu[k]) / sigma[k]);
}

/* Value by value, not point by point: points on a grid often agree. */
static void score_discrete(const struct kde *kde, size_t j, const double *x, size_t points,
	double *column, double *acc)
{
	size_t d = kde->d, n = kde->n;
	for (size_t c = 0; c < points; c++) {
		bool met = false;
		for (size_t earlier = 0; earlier < c && !met; earlier++)
			met = x[earlier * d + j] == x[c * d + j];
		if (met)
			continue;
		log_column(kde, j, x[c * d + j], column);
		for (size_t same = c; same < points; same++) {
			double *restrict row = acc + same * n;
			if (x[same * d + j] != x[c * d + j])
				continue;
			for (size_t k = 0; k < n; k++)
				row[k] += column[k];
		}
	}
}

WIDEST static double highest_of(const double *values, size_t n)
{
	double lanes[LANES], highest = -HUGE_VAL;
	size_t k = 0;
	for (size_t l = 0; l < LANES; l++)
		lanes[l] = -HUGE_VAL;
	for (; k + LANES <= n; k += LANES)
		for (size_t l = 0; l < LANES; l++)
			lanes[l] = values[k + l] > lanes[l] ? values[k + l] : lanes[l];
	for (; k < n; k++)
		highest = values[k] > highest ? values[k] : highest;
	for (size_t l = 0; l < LANES; l++)
		highest = lanes[l] > highest ? lanes[l] : highest;
	return highest;
}

static double log_sum_exp(double *values, size_t n)
{
	double highest = highest_of(values, n);
	if (highest == -HUGE_VAL)
		return highest;
	for (size_t k = 0; k < n; k++)
		values[k] -= highest;
	exp_in_place(values, n);
	return highest + log(sum_lanes(values, n));
}

/* out[c] = the log density of points points (at most TILE). acc: TILE + 1 rows of n. */
static void score(
	const struct mixture *mixture, const double *x, size_t points, double *acc, double *out)
{
	const struct kde *kde = mixture->kde;
	size_t n = kde->n;
	for (size_t c = 0; c < points; c++)
		memcpy(acc + c * n, mixture->base, n * sizeof(*acc));
	for (size_t j = 0; j < kde->d; j++) {
		const double *mu = kde->mu + j * n, *inverse = mixture->inverse + j * n;
		if (kde->size[j] > 0 || kde->step[j] > 0) {
			score_discrete(kde, j, x, points, acc + TILE * n, acc);
			continue;
		}
		for (size_t c = 0; c < points; c++)
			score_density(mu, inverse, x[c * kde->d + j], n, acc + c * n);
	}
	for (size_t c = 0; c < points; c++)
		out[c] = log_sum_exp(acc + c * n, n);
}

int cpu_kde_ratio(void *self, const struct kde *l, const struct kde *g, const double *x, size_t m,
	double *log_ratio, struct error *err)
{
	(void)self;
	struct mixture good = { 0 }, rest = { 0 };
	size_t most = l->n > g->n ? l->n : g->n;
	double *acc = malloc((TILE + 1) * most * sizeof(*acc)), low[TILE], high[TILE];
	int code = 0;
	if (!acc || !prepare(&good, l) || !prepare(&rest, g)) {
		code = fail(err, CODE_NO_MEMORY, "no memory for densities of %zu kernels", most);
		goto out;
	}
	for (size_t done = 0; done < m; done += TILE) {
		size_t points = m - done < TILE ? m - done : TILE;
		score(&good, x + done * l->d, points, acc, high);
		score(&rest, x + done * l->d, points, acc, low);
		/* Impossible under l is never worth trying, whatever g says of it. */
		for (size_t c = 0; c < points; c++)
			log_ratio[done + c] = high[c] == -HUGE_VAL ? high[c] : high[c] - low[c];
	}
out:
	release(&good);
	release(&rest);
	free(acc);
	return code;
}
