#include "gpu/cpu/cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cpu/blas.h"

#define LEAST_DIAGONAL 1e-10 /* times s2 */
#define MOST_JITTER    1e-4
#define ROWS	       64 /* appended at once: enough for dtrsm to be busy, few enough for the rest */

static const double one = 1;

void cpu_factor_free(void *self)
{
	struct cpu_factor *factor = self;
	if (!factor)
		return;
	free(factor->l);
	free(factor->x);
	free(factor->weight);
	free(factor->category);
	free(factor->scratch);
	free(factor);
}

size_t cpu_factor_bytes(const void *self)
{
	const struct cpu_factor *factor = self;
	size_t rows = factor->n * factor->stride + factor->d * factor->stride;
	return sizeof(*factor) + (rows + factor->d + factor->scratch_size) * sizeof(double) +
	       factor->d;
}

double *factor_scratch(struct cpu_factor *factor, size_t size)
{
	if (size > factor->scratch_size) {
		free(factor->scratch);
		factor->scratch = malloc(size * sizeof(double));
		factor->scratch_size = factor->scratch ? size : 0;
	}
	return factor->scratch;
}

void cross_rows(const struct cpu_factor *factor, const double *x, size_t m, double *rows)
{
	struct columns points = { factor->x, factor->stride };
	for (size_t c = 0; c < m; c++)
		matern_row(&factor->matern, points, factor->n, x + c * factor->d,
			rows + c * factor->n, NULL);
}

void solve_rows(const struct cpu_factor *factor, double *rows, size_t m)
{
	int n = (int)factor->n, columns = (int)m, stride = (int)factor->stride;
	if (n && m)
		dtrsm_("L", "U", "T", "N", &n, &columns, &one, factor->l, &stride, rows, &n);
}

/* x of the points from first on. */
static void store_points(struct cpu_factor *factor, size_t first, const double *x, size_t m)
{
	for (size_t c = 0; c < m; c++)
		for (size_t i = 0; i < factor->d; i++)
			factor->x[i * factor->stride + first + c] = x[c * factor->d + i];
}

static void fill(struct cpu_factor *factor, size_t n, const double *x, double noise)
{
	struct columns points = { factor->x, factor->stride };
	for (size_t a = 0; a < n; a++) {
		double *row = factor->l + a * factor->stride;
		matern_row(&factor->matern, points, a, x + a * factor->d, row, NULL);
		row[a] = factor->matern.s2 + noise;
	}
}

/* dpotrf lets values that are not numbers pass. */
static bool sound(const struct cpu_factor *factor, size_t n)
{
	for (size_t a = 0; a < n; a++)
		if (!isfinite(factor->l[a * factor->stride + a]))
			return false;
	return true;
}

/* Cholesky with the jitter that it takes; false: none is enough. */
static bool decompose(struct cpu_factor *factor, size_t n, const double *x)
{
	int order = (int)n, stride = (int)factor->stride, info;
	double noise = factor->noise, jitter = 0;
	for (;;) {
		factor->noise = noise + jitter * factor->matern.s2;
		fill(factor, n, x, factor->noise);
		dpotrf_("U", &order, factor->l, &stride, &info);
		if (info == 0 && sound(factor, n))
			return true;
		jitter = jitter > 0 ? 10 * jitter : LEAST_DIAGONAL;
		if (jitter > 2 * MOST_JITTER)
			return false;
	}
}

/* A power of two as the distance of rows would put a column into few sets of the cache. */
static size_t stride_for(size_t room)
{
	size_t stride = (room + 7) & ~(size_t)7;
	return stride % 64 ? stride : stride + 8;
}

static struct cpu_factor *allocate(size_t d, size_t room)
{
	struct cpu_factor *factor = calloc(1, sizeof(*factor));
	if (!factor)
		return NULL;
	factor->d = d;
	factor->room = room;
	factor->stride = stride_for(room);
	/* Rows not reached yet cost address space only. */
	factor->l = malloc(room * factor->stride * sizeof(double));
	factor->x = malloc(d * factor->stride * sizeof(double));
	factor->weight = malloc(d * sizeof(double));
	factor->category = malloc(d);
	if (factor->l && factor->x && factor->weight && factor->category)
		return factor;
	cpu_factor_free(factor);
	return NULL;
}

int cpu_factor_new(void *self, const struct gp_input *input, const double *theta, size_t room,
	void **out, struct error *err)
{
	(void)self;
	size_t d = input->d;
	struct cpu_factor *factor = allocate(d, room);
	if (!factor)
		return fail(err, CODE_NO_MEMORY, "no memory for a model of %zu points", room);
	memcpy(factor->category, input->category, d);
	for (size_t i = 0; i < d; i++)
		factor->weight[i] = exp(theta[i]);
	factor->matern = (struct matern){ d, factor->category, factor->weight, exp(theta[d]) };
	factor->noise = exp(theta[d + 1]);
	store_points(factor, 0, input->x, input->n);
	if (!decompose(factor, input->n, input->x)) {
		cpu_factor_free(factor);
		return fail(err, CODE_INVALID,
			"the covariance of %zu points is not positive definite", input->n);
	}
	factor->n = input->n;
	*out = factor;
	return 0;
}

/* Row c of the block: its part left of the block is done, and so are the rows above. */
static void finish_row(struct cpu_factor *factor, size_t c, double diagonal)
{
	double *row = factor->l + (factor->n + c) * factor->stride;
	double least = LEAST_DIAGONAL * factor->matern.s2;
	for (size_t b = factor->n; b < factor->n + c; b++) {
		const double *above = factor->l + b * factor->stride;
		row[b] = (row[b] - dot_lanes(row, above, b)) / above[b];
	}
	double rest = diagonal - dot_lanes(row, row, factor->n + c);
	row[factor->n + c] = sqrt(rest > least ? rest : least);
}

int cpu_factor_extend(void *self, const double *x, size_t m, struct error *err)
{
	struct cpu_factor *factor = self;
	struct columns points = { factor->x, factor->stride };
	int stride = (int)factor->stride;
	(void)err;
	for (size_t done = 0; done < m;) {
		size_t rows = m - done < ROWS ? m - done : ROWS, old = factor->n;
		const double *block = x + done * factor->d;
		double *first = factor->l + old * factor->stride;
		int n = (int)old, columns = (int)rows;
		store_points(factor, old, block, rows);
		for (size_t c = 0; c < rows; c++)
			matern_row(&factor->matern, points, old + c, block + c * factor->d,
				first + c * factor->stride, NULL);
		if (old)
			dtrsm_("L", "U", "T", "N", &n, &columns, &one, factor->l, &stride, first,
				&stride);
		for (size_t c = 0; c < rows; c++)
			finish_row(factor, c, factor->matern.s2 + factor->noise);
		factor->n += rows;
		done += rows;
	}
	return 0;
}

void cpu_factor_truncate(void *self, size_t n)
{
	struct cpu_factor *factor = self;
	factor->n = n;
}

int cpu_factor_solve(void *self, const double *y, size_t n_y, double *alpha, struct error *err)
{
	struct cpu_factor *factor = self;
	int n = (int)factor->n, columns = (int)n_y, stride = (int)factor->stride;
	(void)err;
	memmove(alpha, y, factor->n * n_y * sizeof(*alpha));
	dtrsm_("L", "U", "T", "N", &n, &columns, &one, factor->l, &stride, alpha, &n);
	dtrsm_("L", "U", "N", "N", &n, &columns, &one, factor->l, &stride, alpha, &n);
	return 0;
}
