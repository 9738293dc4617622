#include "algorithms/tuners/nsga3_niche.h"

#include <math.h>
#include <string.h>

#include "algorithms/analysis/pareto.h"
#include "algorithms/tuners/sobol.h"

#define INNER_SHRINK 0.5
#define OFF_AXIS     1e-6 /* weight of the other objectives when an extreme point is looked for */
#define PIVOT_LEAST  1e-10
#define SCALE_LEAST  1e-12 /* an objective that varies less is not divided by it */

/* Its own stream, beside those of Sobol's dimensions. */
#define SHUFFLE_STREAM SOBOL_DIMENSIONS

/* ---- directions ---- */

/* The most divisions that make at most count directions; 0: already one makes more. */
static size_t divisions_within(size_t m, size_t count)
{
	size_t divisions = 0;

	while (m > 1 && pareto_directions_count(m, divisions + 1) <= count)
		divisions++;
	return divisions;
}

static void layers(size_t m, size_t count, size_t divisions, size_t *outer, size_t *inner)
{
	*outer = divisions ? divisions : divisions_within(m, count);
	*inner = 0;
	if (*outer == 0)
		*outer = 1; /* the axes, at least */
	if (divisions == 0 && *outer < m && pareto_directions_count(m, *outer) < count)
		*inner = divisions_within(m, count - pareto_directions_count(m, *outer));
}

size_t directions_count(size_t m, size_t count, size_t divisions)
{
	size_t outer, inner;

	layers(m, count, divisions, &outer, &inner);
	return pareto_directions_count(m, outer) + (inner ? pareto_directions_count(m, inner) : 0);
}

static void normalise(double *row, size_t m)
{
	double sum = 0;

	for (size_t k = 0; k < m; k++)
		sum += row[k] * row[k];
	for (size_t k = 0; k < m; k++)
		row[k] /= sqrt(sum);
}

int directions_make(size_t m, size_t count, size_t divisions, uint64_t seed, struct arena *arena,
	struct directions *out)
{
	size_t n = directions_count(m, count, divisions), outer, inner;
	double *rows = arena_array(arena, n, m * sizeof(*rows));
	double *shuffled = arena_array(arena, n, m * sizeof(*rows));
	uint32_t *order = arena_array(arena, n, sizeof(*order));
	struct rng rng;

	if (!rows || !shuffled || !order)
		return CODE_NO_MEMORY;
	layers(m, count, divisions, &outer, &inner);
	pareto_directions(m, outer, 0, rows);
	if (inner)
		pareto_directions(
			m, inner, INNER_SHRINK, rows + m * pareto_directions_count(m, outer));
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	rng_init(&rng, seed, RNG_SCRAMBLE, SHUFFLE_STREAM);
	rng_shuffle(&rng, n, order);
	for (size_t i = 0; i < n; i++) {
		memcpy(shuffled + i * m, rows + order[i] * m, m * sizeof(*rows));
		normalise(shuffled + i * m, m);
	}
	*out = (struct directions){ .n = n, .m = m, .rows = shuffled };
	return 0;
}

/* ---- normalisation ---- */

/* How far a loss is above the ideal; an infinite one that is not known to be finite anywhere is
 * told apart by its sign only. */
static double above_ideal(const struct nsga_pool *pool, const double *losses, size_t k)
{
	double ideal = isfinite(pool->ideal[k]) ? pool->ideal[k] : 0;

	return fmin(fmax(losses[k] - ideal, 0), 1e300);
}

/* The worst of each objective over n members, infinite ones left out. */
static void worst_of(const struct nsga_pool *pool, size_t n, double *worst)
{
	for (size_t k = 0; k < pool->m; k++) {
		worst[k] = 0;
		for (size_t i = 0; i < n; i++)
			if (isfinite(pool->members[i].losses[k]))
				worst[k] = fmax(
					worst[k], above_ideal(pool, pool->members[i].losses, k));
	}
}

/* The member nearest to axis k, by the achievement scalarising function. */
static const double *extreme_of(const struct nsga_pool *pool, size_t n, size_t axis)
{
	const double *extreme = NULL;
	double best = HUGE_VAL;

	for (size_t i = 0; i < n; i++) {
		const double *losses = pool->members[i].losses;
		double value = 0;
		for (size_t k = 0; k < pool->m; k++)
			value = fmax(
				value, above_ideal(pool, losses, k) / (k == axis ? 1 : OFF_AXIS));
		if (value < best) {
			best = value;
			extreme = losses;
		}
	}
	return extreme;
}

/* Gauss's elimination with row pivots: a is m rows of m + 1. False: (nearly) singular. */
static bool solve(double a[][LIMIT_OBJECTIVES + 1], size_t m, double *x)
{
	for (size_t k = 0; k < m; k++) {
		size_t pivot = k;
		for (size_t i = k + 1; i < m; i++)
			if (fabs(a[i][k]) > fabs(a[pivot][k]))
				pivot = i;
		if (!(fabs(a[pivot][k]) > PIVOT_LEAST))
			return false;
		for (size_t j = 0; j <= m && pivot != k; j++) {
			double swap = a[k][j];
			a[k][j] = a[pivot][j];
			a[pivot][j] = swap;
		}
		for (size_t i = k + 1; i < m; i++) {
			double factor = a[i][k] / a[k][k];
			for (size_t j = k; j <= m; j++)
				a[i][j] -= factor * a[k][j];
		}
	}
	for (size_t k = m; k-- > 0;) {
		x[k] = a[k][m];
		for (size_t j = k + 1; j < m; j++)
			x[k] -= a[k][j] * x[j];
		x[k] /= a[k][k];
	}
	return true;
}

/* The intercepts of the plane through the extreme points. Solved in units of the worst, so that
 * objectives of different size do not look singular. False: none that make sense. */
static bool intercepts(const struct nsga_pool *pool, size_t n, const double *worst, double *scale)
{
	double a[LIMIT_OBJECTIVES][LIMIT_OBJECTIVES + 1], x[LIMIT_OBJECTIVES];
	size_t m = pool->m;

	for (size_t axis = 0; axis < m; axis++) {
		const double *extreme = extreme_of(pool, n, axis);
		if (!extreme || !(worst[axis] > SCALE_LEAST))
			return false;
		for (size_t k = 0; k < m; k++)
			a[axis][k] = fmin(above_ideal(pool, extreme, k) / worst[k], 1);
		a[axis][m] = 1;
	}
	if (!solve(a, m, x))
		return false;
	for (size_t k = 0; k < m; k++) {
		/* 1 / x is the intercept, as a share of the worst. */
		if (!(x[k] >= 1 - 1e-9 && x[k] < 1 / OFF_AXIS))
			return false;
		scale[k] = worst[k] / x[k];
	}
	return true;
}

void niche_scale(const struct nsga_pool *pool, size_t n, double *scale)
{
	double worst[LIMIT_OBJECTIVES], nadir[LIMIT_OBJECTIVES];
	size_t first = 0;

	worst_of(pool, n, worst);
	if (intercepts(pool, n, worst, scale))
		return;
	while (first < n && pool->members[first].front == pool->members[0].front)
		first++;
	worst_of(pool, first, nadir);
	for (size_t k = 0; k < pool->m; k++)
		scale[k] = nadir[k] > SCALE_LEAST   ? nadir[k]
			   : worst[k] > SCALE_LEAST ? worst[k]
						    : 1;
}

/* ---- niches ---- */

struct niche niche_of(const struct directions *directions, const struct nsga_pool *pool,
	const double *scale, const struct nsga_member *member)
{
	struct niche best = { 0, HUGE_VAL };
	double f[LIMIT_OBJECTIVES], square = 0;
	size_t m = directions->m;

	for (size_t k = 0; k < m; k++) {
		f[k] = fmin(above_ideal(pool, member->losses, k) / scale[k], 1e100);
		square += f[k] * f[k];
	}
	for (size_t i = 0; i < directions->n; i++) {
		const double *direction = directions->rows + i * m;
		double along = 0;
		for (size_t k = 0; k < m; k++)
			along += f[k] * direction[k];
		double distance = square - along * along;
		if (distance < best.distance)
			best = (struct niche){ i, distance };
	}
	best.distance = sqrt(fmax(best.distance, 0));
	return best;
}
