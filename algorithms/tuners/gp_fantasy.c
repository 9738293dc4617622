#include "algorithms/tuners/gp_fantasy.h"

#include <math.h>

#include "algorithms/tuners/sobol.h"
#include "core/special.h"

#define DRAWS  64
#define JITTER 1e-9

struct fantasy {
	size_t p;
	double *root;	/* p x p, lower: its product with its transpose is the covariance */
	double *normal; /* DRAWS x p */
	double *best;	/* DRAWS: the incumbent, or a better pending result of this draw */
};

/* In place; a pivot that rounding has eaten is raised. */
static void cholesky(double *a, size_t p)
{
	for (size_t i = 0; i < p; i++)
		for (size_t j = 0; j <= i; j++) {
			double sum = a[i * p + j];
			for (size_t k = 0; k < j; k++)
				sum -= a[i * p + k] * a[j * p + k];
			a[i * p + j] = i == j ? sqrt(fmax(sum, JITTER)) : sum / a[j * p + j];
		}
}

/* v := L^-1 v */
static void solve_lower(const double *root, size_t p, double *v)
{
	for (size_t i = 0; i < p; i++) {
		for (size_t k = 0; k < i; k++)
			v[i] -= root[i * p + k] * v[k];
		v[i] /= root[i * p + i];
	}
}

static void draw(struct fantasy *fantasy, const struct gp_surrogate *surrogate, uint64_t seed)
{
	size_t p = fantasy->p;
	const double *mean = surrogate->y + surrogate->n;

	for (size_t s = 0; s < DRAWS; s++) {
		double *normal = fantasy->normal + s * p;
		fantasy->best[s] = surrogate->observed_best;
		for (size_t i = 0; i < p; i++)
			normal[i] = normal_quantile(sobol_point(seed, i, s));
		for (size_t i = 0; i < p; i++) {
			double f = mean[i];
			for (size_t k = 0; k <= i; k++)
				f += fantasy->root[i * p + k] * normal[k];
			fantasy->best[s] = fmax(fantasy->best[s], f);
		}
	}
}

static int fantasy_init(struct fantasy *fantasy, struct gp_surrogate *surrogate, uint64_t seed,
	struct arena *arena, struct error *err)
{
	size_t p = surrogate->p;
	const double *pending = surrogate->z + surrogate->n * surrogate->d;

	*fantasy = (struct fantasy){ .p = p,
		.root = arena_array(arena, p * p, sizeof(double)),
		.normal = arena_array(arena, DRAWS * p, sizeof(double)),
		.best = arena_array(arena, DRAWS, sizeof(double)) };
	if (!fantasy->root || !fantasy->normal || !fantasy->best)
		return fail(err, CODE_NO_MEMORY, "no memory for fantasies");
	gp_factor_truncate(surrogate->objective.factor, surrogate->n);
	int code = gp_covariance(
		surrogate->objective.factor, pending, p, pending, p, fantasy->root, err);
	if (code != 0)
		return code;
	cholesky(fantasy->root, p);
	draw(fantasy, surrogate, seed);
	return 0;
}

/* log mean over the draws of the expected improvement. weights: L^-1 of the covariances between
 * point and pending points. */
static double expectation(const struct fantasy *fantasy, const struct gp_acquisition *base,
	double mean, double variance, const double *weights)
{
	struct gp_acquisition acquisition = *base;
	double left = variance, total = -HUGE_VAL;

	for (size_t k = 0; k < fantasy->p; k++)
		left -= weights[k] * weights[k];
	double sd = sqrt(fmax(left, 1e-12));
	for (size_t s = 0; s < DRAWS; s++) {
		double shifted = mean;
		for (size_t k = 0; k < fantasy->p; k++)
			shifted += weights[k] * fantasy->normal[s * fantasy->p + k];
		acquisition.best = fantasy->best[s];
		total = log_sum_exp2(total, gp_acquire(&acquisition, shifted, sd, NULL, NULL));
	}
	return total - log(DRAWS);
}

int gp_fantasy_values(struct gp_surrogate *surrogate, const double *z, size_t m, uint64_t seed,
	double *values, struct arena *arena, struct error *err)
{
	size_t p = surrogate->p;
	struct gp_process *objective = &surrogate->objective;
	double *mean = arena_array(arena, m, sizeof(*mean));
	double *variance = arena_array(arena, m, sizeof(*variance));
	double *weights = arena_array(arena, m * p, sizeof(*weights));
	struct fantasy fantasy;

	if (!mean || !variance || !weights)
		return fail(err, CODE_NO_MEMORY, "no memory for fantasies");
	int code = fantasy_init(&fantasy, surrogate, seed, arena, err);
	if (code == 0)
		code = gp_posterior(objective->factor, objective->alpha, z, m, mean, variance, err);
	if (code == 0)
		code = gp_covariance(objective->factor, z, m,
			surrogate->z + surrogate->n * surrogate->d, p, weights, err);
	for (size_t i = 0; i < m && code == 0; i++) {
		solve_lower(fantasy.root, p, weights + i * p);
		values[i] = expectation(
			&fantasy, &surrogate->acquisition, mean[i], variance[i], weights + i * p);
	}
	if (code != 0 || !surrogate->excess)
		return code;
	code = gp_posterior(surrogate->constraint.factor, surrogate->constraint.alpha, z, m, mean,
		variance, err);
	for (size_t i = 0; i < m && code == 0; i++)
		values[i] += gp_log_feasible(mean[i], sqrt(variance[i]), NULL, NULL);
	return code;
}
