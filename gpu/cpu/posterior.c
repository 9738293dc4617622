#include "gpu/cpu/cpu.h"

#include <string.h>

#include "gpu/cpu/blas.h"

#define LEAST_VARIANCE 1e-12
#define CANDIDATES     128 /* solved at once: dtrsm is busy, and the block stays in the cache */

static double variance_left(const struct cpu_factor *factor, const double *row)
{
	double left = factor->matern.s2 - dot_lanes(row, row, factor->n);
	return left > LEAST_VARIANCE ? left : LEAST_VARIANCE;
}

int cpu_posterior(void *self, const double *alpha, const double *x, size_t m, double *mean,
	double *variance, struct error *err)
{
	struct cpu_factor *factor = self;
	size_t n = factor->n, block = m < CANDIDATES ? m : CANDIDATES;
	double *rows = factor_scratch(factor, block * n);
	if (!rows)
		return fail(err, CODE_NO_MEMORY, "no memory for a posterior at %zu points", m);
	for (size_t done = 0; done < m; done += block) {
		size_t width = m - done < block ? m - done : block;
		cross_rows(factor, x + done * factor->d, width, rows);
		for (size_t c = 0; c < width; c++)
			mean[done + c] = dot_lanes(rows + c * n, alpha, n);
		if (!variance)
			continue;
		solve_rows(factor, rows, width);
		for (size_t c = 0; c < width; c++)
			variance[done + c] = variance_left(factor, rows + c * n);
	}
	return 0;
}

/* dk/dx_i = -5/3 slope w_i (x_i - x'_i): the sum over the points, weighted. */
static double slope_along(const struct cpu_factor *factor, size_t i, double at,
	const double *slopes, const double *weights)
{
	const double *x = factor->x + i * factor->stride;
	double sum = 0;
	if (factor->category[i])
		return 0;
	for (size_t b = 0; b < factor->n; b++)
		sum += weights[b] * slopes[b] * (at - x[b]);
	return -(5.0 / 3) * factor->weight[i] * sum;
}

int cpu_posterior_gradient(void *self, const double *alpha, const double *x, double *mean,
	double *variance, double *d_mean, double *d_variance, struct error *err)
{
	struct cpu_factor *factor = self;
	struct columns points = { factor->x, factor->stride };
	size_t n = factor->n;
	int order = (int)n, stride = (int)factor->stride, one = 1;
	double *row = factor_scratch(factor, 2 * n);
	if (!row)
		return fail(err, CODE_NO_MEMORY, "no memory for a gradient");
	double *slopes = row + n;
	matern_row(&factor->matern, points, n, x, row, slopes);
	*mean = dot_lanes(row, alpha, n);
	dtrsv_("U", "T", "N", &order, factor->l, &stride, row, &one);
	*variance = variance_left(factor, row);
	dtrsv_("U", "N", "N", &order, factor->l, &stride, row, &one); /* K^-1 k */
	for (size_t i = 0; i < factor->d; i++) {
		d_mean[i] = slope_along(factor, i, x[i], slopes, alpha);
		d_variance[i] = -2 * slope_along(factor, i, x[i], slopes, row);
	}
	return 0;
}

/* covariance (m x p, row major) -= rows of a times rows of b. */
static void subtract_products(const struct cpu_factor *factor, const double *a, size_t m,
	const double *b, size_t p, double *covariance)
{
	int n = (int)factor->n, width = (int)p, height = (int)m;
	double minus = -1, plus = 1;
	if (a != b) {
		dgemm_("T", "N", &width, &height, &n, &minus, b, &n, a, &n, &plus, covariance,
			&width);
		return;
	}
	dsyrk_("U", "T", &height, &n, &minus, a, &n, &plus, covariance, &height);
	for (size_t r = 0; r < m; r++)
		for (size_t c = r + 1; c < m; c++)
			covariance[r * m + c] = covariance[c * m + r];
}

int cpu_covariance(void *self, const double *x, size_t m, const double *z, size_t p,
	double *covariance, struct error *err)
{
	struct cpu_factor *factor = self;
	bool same = x == z && m == p;
	size_t n = factor->n, d = factor->d, more = same ? 0 : p * n;
	double *a = factor_scratch(factor, m * n + more + p * d);
	if (!a)
		return fail(err, CODE_NO_MEMORY, "no memory for a covariance of %zu by %zu", m, p);
	double *b = same ? a : a + m * n, *columns = a + m * n + more;
	for (size_t c = 0; c < p; c++)
		for (size_t i = 0; i < d; i++)
			columns[i * p + c] = z[c * d + i];
	for (size_t r = 0; r < m; r++)
		matern_row(&factor->matern, (struct columns){ columns, p }, p, x + r * d,
			covariance + r * p, NULL);
	cross_rows(factor, x, m, a);
	solve_rows(factor, a, m);
	if (!same) {
		cross_rows(factor, z, p, b);
		solve_rows(factor, b, p);
	}
	subtract_products(factor, a, m, b, p, covariance);
	return 0;
}
