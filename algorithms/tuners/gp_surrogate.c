#include "algorithms/tuners/gp_surrogate.h"

#include <math.h>
#include <string.h>

#define ROOM_STEP 128 /* a factor's room: rounded up, so that not every ask wants another */
#define BASE_STEP 16  /* without a model the factor starts anew after as many results */
/* With so many trials out, one more that is to improve on belief by less would only crowd. */
#define MANY_PENDING 17
#define XI_MANY	     0.02

#define VARIANCE_LEAST 1e-12
#define EXACT_NOISE    (-13.8) /* ln noise at its floor, nearly */
#define OUT_OF_TRUST   (-1e4)

/* How large the trust region is with n results in d dimensions; 0: all of the space. */
static double trust_radius(const struct gp_settings *settings, size_t n, size_t d)
{
	double radius = 0.2 + 0.3 * (double)n / (5.0 * (double)(d + 1));

	return settings->trust_mask && radius < 0.5 ? radius : 0;
}

static size_t base_of(const struct knowledge *know, size_t n)
{
	size_t base = n - n % BASE_STEP;

	if (know->model && know->model->bytes.size)
		base = know->model->n_results;
	return base > 0 && base < n ? base : n;
}

static int process_init(struct gp_process *process, struct gp_surrogate *surrogate,
	const struct knowledge *know, unsigned slot, const double *y, struct error *err)
{
	size_t n = surrogate->n, room = n + surrogate->p + 1;
	const struct gp_input input = { n, surrogate->d, surrogate->z,
		surrogate->features->category };
	const struct gp_wanted wanted = { .slot = slot,
		.input = &input,
		.theta = process->theta,
		.base = base_of(know, n),
		.room = (room + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP };

	process->owned = !know->workspace;
	int code = gp_memo_factor(know, &wanted, &process->factor, err);
	return code ? code : gp_factor_solve(process->factor, y, 1, process->alpha, err);
}

/* Predicted means of the pending points go to y[n ...]; their alphas stay 0, which is exact: what
 * is predicted anyway tells nothing. */
static int believe(
	struct gp_surrogate *surrogate, struct gp_process *process, double *y, struct error *err)
{
	size_t n = surrogate->n, p = surrogate->p;
	const double *pending = surrogate->z + n * surrogate->d;

	if (p == 0)
		return 0;
	int code = gp_posterior(process->factor, process->alpha, pending, p, y + n, NULL, err);
	return code ? code : gp_factor_extend(process->factor, pending, p, err);
}

/* The best predicted mean among results that count; the mean at a result is y - noise alpha. */
static void set_incumbent(
	struct gp_surrogate *surrogate, const struct gp_data *data, bool noiseless)
{
	double noise = noiseless ? 0 : exp(surrogate->objective.theta[surrogate->d + 1]);
	double best = -HUGE_VAL;

	surrogate->incumbent = SIZE_MAX;
	for (size_t i = 0; i < data->n; i++) {
		double mean = data->y[i] - noise * surrogate->objective.alpha[i];
		if (!data->good[i] || !(mean > best))
			continue;
		best = mean;
		surrogate->incumbent = i;
	}
	surrogate->aimless = data->excess && surrogate->incumbent == SIZE_MAX;
	surrogate->observed_best = surrogate->incumbent == SIZE_MAX ? 0 : best;
	surrogate->acquisition.best = surrogate->observed_best;
}

static int allocate(struct gp_surrogate *surrogate, bool constrained, const double *thetas,
	const struct gp_settings *settings, struct arena *arena)
{
	size_t d = surrogate->d, total = surrogate->n + surrogate->p;
	double *own = arena_array(arena, GP_MODEL_SETS * (d + 2), sizeof(double));

	surrogate->z = arena_array(arena, total * d, sizeof(double));
	surrogate->y = arena_array(arena, total, sizeof(double));
	surrogate->objective.alpha = arena_array(arena, total, sizeof(double));
	surrogate->scales = arena_array(arena, d, sizeof(double));
	if (constrained) {
		surrogate->excess = arena_array(arena, total, sizeof(double));
		surrogate->constraint.alpha = arena_array(arena, total, sizeof(double));
	}
	if (!own || !surrogate->z || !surrogate->y || !surrogate->objective.alpha ||
		!surrogate->scales ||
		(constrained && (!surrogate->excess || !surrogate->constraint.alpha)))
		return CODE_NO_MEMORY;
	memcpy(own, thetas, (constrained ? 2 : 1) * (d + 2) * sizeof(*own));
	own[d + 1] = fmax(own[d + 1], log(settings->least_noise));
	surrogate->objective.theta = own;
	surrogate->constraint.theta = own + d + 2;
	surrogate->jitter = own[d + 1] < EXACT_NOISE ? exp(own[d + 1]) : 0;
	for (size_t i = 0; i < d; i++)
		surrogate->scales[i] = exp(-0.5 * own[i]);
	return 0;
}

int gp_surrogate_init(struct gp_surrogate *surrogate, const struct knowledge *know,
	const struct gp_features *features, const struct gp_data *data, const double *pending,
	size_t p, const double *thetas, const struct gp_settings *settings, struct arena *arena,
	struct error *err)
{
	size_t n = data->n, d = data->d;

	*surrogate = (struct gp_surrogate){ .features = features,
		.compute = know->compute,
		.d = d,
		.n = n,
		.p = p,
		.acquisition = { settings->utility, 0, settings->xi, settings->kappa },
		.trust = trust_radius(settings, n, d) };
	if (allocate(surrogate, data->excess != NULL, thetas, settings, arena) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory for the model");
	memcpy(surrogate->z, data->z, n * d * sizeof(double));
	memcpy(surrogate->y, data->y, n * sizeof(double));
	if (p)
		memcpy(surrogate->z + n * d, pending, p * d * sizeof(double));
	int code = process_init(&surrogate->objective, surrogate, know, 0, surrogate->y, err);
	if (code != 0)
		return code;
	set_incumbent(surrogate, data, settings->noiseless);
	code = believe(surrogate, &surrogate->objective, surrogate->y, err);
	for (size_t i = 0; i < p && code == 0; i++)
		surrogate->acquisition.best =
			fmax(surrogate->acquisition.best, surrogate->y[n + i]);
	if (p >= MANY_PENDING)
		surrogate->acquisition.xi = fmax(surrogate->acquisition.xi, XI_MANY);
	if (code != 0 || !data->excess)
		return code;
	memcpy(surrogate->excess, data->excess, n * sizeof(double));
	code = process_init(&surrogate->constraint, surrogate, know, 1, surrogate->excess, err);
	return code ? code : believe(surrogate, &surrogate->constraint, surrogate->excess, err);
}

void gp_surrogate_release(struct gp_surrogate *surrogate)
{
	if (surrogate->objective.owned)
		gp_factor_free(surrogate->objective.factor);
	if (surrogate->constraint.owned)
		gp_factor_free(surrogate->constraint.factor);
	*surrogate = (struct gp_surrogate){ 0 };
}

int gp_surrogate_means(
	struct gp_surrogate *surrogate, const double *z, size_t m, double *means, struct error *err)
{
	return gp_posterior(
		surrogate->objective.factor, surrogate->objective.alpha, z, m, means, NULL, err);
}

/* Largest coordinate's distance to the nearest result; categories and short grids do not count. */
static double distance_to_results(const struct gp_surrogate *surrogate, const double *z)
{
	size_t d = surrogate->d;
	double nearest = HUGE_VAL;

	for (size_t i = 0; i < surrogate->n; i++) {
		double farthest = 0;
		for (size_t j = 0; j < d; j++) {
			uint64_t values = gp_feature_values(surrogate->features, j);
			if (!surrogate->features->category[j] && (values == 0 || values > 5))
				farthest = fmax(farthest, fabs(z[j] - surrogate->z[i * d + j]));
		}
		nearest = fmin(nearest, farthest);
	}
	return nearest;
}

static double masked(const struct gp_surrogate *surrogate, const double *z, double value)
{
	if (surrogate->trust == 0)
		return value;
	double beyond = distance_to_results(surrogate, z) - surrogate->trust;
	return beyond > 0 ? OUT_OF_TRUST - beyond : value;
}

/* Standard deviation of f. Where results are exact, the noise in the covariance is there for its
 * factor's sake only: what it leaves of the variance at points that have been tried is not doubt,
 * and would be worth trying them again. */
static double deviation(const struct gp_surrogate *surrogate, double variance)
{
	return sqrt(fmax(variance - surrogate->jitter, VARIANCE_LEAST));
}

int gp_surrogate_values(struct gp_surrogate *surrogate, const double *z, size_t m, double *values,
	struct arena *arena, struct error *err)
{
	double *mean = arena_array(arena, m + 1, sizeof(*mean));
	double *variance = arena_array(arena, m + 1, sizeof(*variance));
	int code = 0;

	if (!mean || !variance)
		return fail(err, CODE_NO_MEMORY, "no memory for a prediction");
	memset(values, 0, m * sizeof(*values));
	if (!surrogate->aimless) {
		code = gp_posterior(surrogate->objective.factor, surrogate->objective.alpha, z, m,
			mean, variance, err);
		for (size_t i = 0; i < m && code == 0; i++)
			values[i] = gp_acquire(
				&surrogate->acquisition, mean[i], sqrt(variance[i]), NULL, NULL);
	}
	if (code == 0 && surrogate->excess) {
		code = gp_posterior(surrogate->constraint.factor, surrogate->constraint.alpha, z, m,
			mean, variance, err);
		for (size_t i = 0; i < m && code == 0; i++)
			values[i] += gp_log_feasible(mean[i], sqrt(variance[i]), NULL, NULL);
	}
	for (size_t i = 0; i < m && code == 0; i++)
		values[i] = masked(surrogate, z + i * surrogate->d, values[i]);
	return code;
}

/* Adds one process's part; feasibility or not. */
static int add_gradient(struct gp_surrogate *surrogate, struct gp_process *process,
	bool feasibility, const double *z, double *value, double *gradient, double *scratch,
	struct error *err)
{
	size_t d = surrogate->d;
	double *d_mean = scratch, *d_variance = scratch + d;
	double mean, variance, by_mean, by_sd;

	int code = gp_posterior_gradient(
		process->factor, process->alpha, z, &mean, &variance, d_mean, d_variance, err);
	if (code != 0)
		return code;
	double sd = feasibility ? sqrt(variance) : deviation(surrogate, variance);
	*value += feasibility ? gp_log_feasible(mean, sd, &by_mean, &by_sd)
			      : gp_acquire(&surrogate->acquisition, mean, sd, &by_mean, &by_sd);
	for (size_t i = 0; i < d; i++)
		gradient[i] += by_mean * d_mean[i] + by_sd * d_variance[i] / (2 * sd);
	return 0;
}

int gp_surrogate_gradient(struct gp_surrogate *surrogate, const double *z, double *value,
	double *gradient, struct arena *arena, struct error *err)
{
	double *scratch = arena_array(arena, 2 * surrogate->d, sizeof(*scratch));
	int code = 0;

	if (!scratch)
		return fail(err, CODE_NO_MEMORY, "no memory for a prediction");
	*value = 0;
	memset(gradient, 0, surrogate->d * sizeof(*gradient));
	if (!surrogate->aimless)
		code = add_gradient(
			surrogate, &surrogate->objective, false, z, value, gradient, scratch, err);
	if (code == 0 && surrogate->excess)
		code = add_gradient(
			surrogate, &surrogate->constraint, true, z, value, gradient, scratch, err);
	return code;
}

/* ---- a part of it ---- */

static int near_process(const struct gp_surrogate *near, const struct gp_process *whole,
	const double *y, struct gp_process *out, struct arena *arena, struct error *err)
{
	const struct gp_input input = { near->n, near->d, near->z, near->features->category };

	*out = (struct gp_process){ .owned = true,
		.theta = whole->theta,
		.alpha = arena_array(arena, near->n, sizeof(double)) };
	if (!out->alpha)
		return fail(err, CODE_NO_MEMORY, "no memory for a prediction");
	int code = gp_factor_new(near->compute, &input, whole->theta, near->n, &out->factor, err);
	return code ? code : gp_factor_solve(out->factor, y, 1, out->alpha, err);
}

/* closeness[i]: minus the squared distance in length scales, of all n + p points. */
static void measure(const struct gp_surrogate *whole, const double *z, double *closeness)
{
	size_t d = whole->d;

	for (size_t i = 0; i < whole->n + whole->p; i++) {
		const double *row = whole->z + i * d;
		double sum = 0;
		for (size_t j = 0; j < d; j++) {
			double gap = whole->features->category[j] ? (double)(row[j] != z[j])
								  : row[j] - z[j];
			sum += gap * gap / (whole->scales[j] * whole->scales[j]);
		}
		closeness[i] = -sum;
	}
}

int gp_surrogate_near(const struct gp_surrogate *whole, const double *z, size_t k,
	struct gp_surrogate *out, struct arena *arena, struct error *err)
{
	size_t d = whole->d, total = whole->n + whole->p;
	double *closeness = arena_array(arena, total, sizeof(*closeness));
	uint32_t *order = arena_array(arena, total, sizeof(*order));

	*out = *whole;
	out->objective.owned = out->constraint.owned = false;
	out->n = k < total ? k : total;
	out->p = 0;
	out->z = arena_array(arena, out->n * d, sizeof(double));
	out->y = arena_array(arena, out->n, sizeof(double));
	out->excess = whole->excess ? arena_array(arena, out->n, sizeof(double)) : NULL;
	if (!closeness || !order || !out->z || !out->y || (whole->excess && !out->excess))
		return fail(err, CODE_NO_MEMORY, "no memory for a prediction");
	measure(whole, z, closeness);
	gp_order(closeness, total, order);
	for (size_t i = 0; i < out->n; i++) {
		memcpy(out->z + i * d, whole->z + order[i] * d, d * sizeof(double));
		out->y[i] = whole->y[order[i]];
		if (whole->excess)
			out->excess[i] = whole->excess[order[i]];
	}
	int code = near_process(out, &whole->objective, out->y, &out->objective, arena, err);
	if (code == 0 && whole->excess)
		code = near_process(
			out, &whole->constraint, out->excess, &out->constraint, arena, err);
	return code;
}
