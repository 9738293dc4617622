#include "algorithms/tuners/gp_climb.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/unique.h"
#include "gpu/lbfgsb.h"

#define ROUNDS		3 /* of both searches */
#define ROUNDS_DISCRETE 12
#define ITERATIONS	30
#define EVALUATIONS	45
#define TOLERANCE	1e-4
#define GAIN		1e-6 /* that is worth another round */
#define VALUES_MAX	16

/* One start. */
struct state {
	const struct gp_climb *climb;
	const struct gp_features *features;
	size_t d;
	double *z, *x; /* the best point so far */
	double value;
	double *try_z, *try_x, *gradient;
};

/* Takes try_z in if it is better, once rounded to the point it stands for. */
static int offer(struct state *state, struct error *err)
{
	double value;

	if (!gp_settle(state->features, state->try_z, state->try_x))
		return 0;
	int code = gp_surrogate_values(
		state->climb->surrogate, state->try_z, 1, &value, state->climb->arena, err);
	if (code == 0 && value > state->value) {
		memcpy(state->z, state->try_z, state->d * sizeof(double));
		memcpy(state->x, state->try_x, state->features->space->n * sizeof(double));
		state->value = value;
	}
	return code;
}

/* ---- along gradients ---- */

struct slopes {
	size_t dim;
	size_t *feature;
	double *low, *high, *start, *gradient, *memory;
};

static int slopes_init(struct slopes *slopes, const struct state *state)
{
	size_t d = state->d;
	const struct gp_box *box = state->climb->box;
	struct arena *arena = state->climb->arena;
	const double *scales = state->climb->surrogate->scales;

	*slopes = (struct slopes){ .feature = arena_array(arena, d, sizeof(size_t)),
		.low = arena_array(arena, d, sizeof(double)),
		.high = arena_array(arena, d, sizeof(double)),
		.start = arena_array(arena, d, sizeof(double)),
		.gradient = arena_array(arena, d, sizeof(double)) };
	if (!slopes->feature || !slopes->low || !slopes->high || !slopes->start ||
		!slopes->gradient)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < d; i++) {
		if (!gp_feature_smooth(state->features, i) ||
			isnan(state->x[state->features->parameter[i]]))
			continue;
		double low = 0, high = 1;
		if (box) {
			low = fmax(low, box->centre[i] - box->half_side[i]);
			high = fmin(high, box->centre[i] + box->half_side[i]);
		}
		slopes->feature[slopes->dim] = i;
		slopes->low[slopes->dim] = low / scales[i];
		slopes->high[slopes->dim] = high / scales[i];
		slopes->start[slopes->dim++] = state->z[i] / scales[i];
	}
	slopes->memory = arena_array(arena, lbfgsb_memory(slopes->dim) + 1, sizeof(double));
	return slopes->memory ? 0 : CODE_NO_MEMORY;
}

static void set_trial(const struct slopes *slopes, struct state *state, const double *t)
{
	const double *scales = state->climb->surrogate->scales;

	memcpy(state->try_z, state->z, state->d * sizeof(double));
	for (size_t k = 0; k < slopes->dim; k++) {
		size_t i = slopes->feature[k];
		state->try_z[i] = fmin(fmax(t[k] * scales[i], 0), 1);
	}
}

static int follow_gradients(struct state *state, struct error *err)
{
	struct gp_surrogate *surrogate = state->climb->surrogate;
	struct slopes slopes;
	struct lbfgsb run;
	int code = slopes_init(&slopes, state);

	if (code != 0)
		return fail(err, code, "no memory for a local search");
	if (slopes.dim == 0)
		return 0;
	const struct lbfgsb_limits limits = { slopes.low, slopes.high, ITERATIONS, TOLERANCE };
	lbfgsb_init(&run, slopes.dim, slopes.start, &limits, slopes.memory);
	while (run.live && run.evaluations < EVALUATIONS) {
		double value;
		set_trial(&slopes, state, run.trial);
		code = gp_surrogate_gradient(
			surrogate, state->try_z, &value, state->gradient, state->climb->arena, err);
		if (code != 0)
			return code;
		for (size_t k = 0; k < slopes.dim; k++)
			slopes.gradient[k] = -state->gradient[slopes.feature[k]] *
					     surrogate->scales[slopes.feature[k]];
		lbfgsb_advance(&run, -value, slopes.gradient);
	}
	set_trial(&slopes, state, run.x);
	return offer(state, err);
}

/* ---- through the values ---- */

/* Feature i's values to try: all of a few, or as many drawn from a lot. */
static size_t list_values(const struct state *state, size_t i, double *values)
{
	uint64_t all = gp_feature_values(state->features, i);
	size_t n = all < VALUES_MAX ? (size_t)all : VALUES_MAX;

	for (size_t k = 0; k < n; k++) {
		uint64_t index = all > VALUES_MAX ? rng_below(state->climb->rng, all) : k;
		values[k] = state->features->category[i] ? (double)index
							 : ((double)index + 0.5) / (double)all;
	}
	return n;
}

static int try_values(struct state *state, size_t i, struct error *err)
{
	const struct gp_climb *climb = state->climb;
	size_t d = state->d, n_x = state->features->space->n, kept = 0;
	double values[VALUES_MAX], scores[VALUES_MAX];
	size_t n = list_values(state, i, values);
	double *rows = arena_array(climb->arena, n * d, sizeof(*rows));
	double *points = arena_array(climb->arena, n * n_x, sizeof(*points));

	if (!rows || !points)
		return fail(err, CODE_NO_MEMORY, "no memory for a local search");
	for (size_t k = 0; k < n; k++) {
		double *z = rows + kept * d, *x = points + kept * n_x;
		memcpy(z, state->z, d * sizeof(*z));
		memcpy(x, state->x, n_x * sizeof(*x));
		if (gp_exchange(state->features, i, values[k], climb->rng, z, x))
			kept += !state->features->discrete || unique_fresh(climb->view, x);
	}
	int code = gp_surrogate_values(climb->surrogate, rows, kept, scores, climb->arena, err);
	for (size_t k = 0; k < kept && code == 0; k++) {
		if (!(scores[k] > state->value))
			continue;
		state->value = scores[k];
		memcpy(state->z, rows + k * d, d * sizeof(double));
		memcpy(state->x, points + k * n_x, n_x * sizeof(double));
	}
	return code;
}

static int exchange_values(struct state *state, struct error *err)
{
	int code = 0;

	for (size_t i = 0; i < state->d && code == 0; i++)
		if (!gp_feature_smooth(state->features, i) &&
			!isnan(state->x[state->features->parameter[i]]))
			code = try_values(state, i, err);
	return code;
}

int gp_climb(const struct gp_climb *climb, double *z, double *value, struct error *err)
{
	const struct gp_features *features = climb->surrogate->features;
	size_t d = features->d, n_x = features->space->n;
	double *memory = arena_array(climb->arena, 2 * d + 2 * n_x, sizeof(*memory));
	struct state state = { climb, features, d, z, memory, *value, memory + n_x,
		memory + n_x + d, memory + 2 * n_x + d };
	int rounds = features->discrete ? ROUNDS_DISCRETE : ROUNDS, code = 0;
	double before = -HUGE_VAL;

	if (!memory)
		return fail(err, CODE_NO_MEMORY, "no memory for a local search");
	gp_features_decode(features, z, state.x);
	for (int r = 0; r < rounds && code == 0 && state.value > before + (r ? GAIN : 0); r++) {
		before = state.value;
		code = follow_gradients(&state, err);
		if (code == 0)
			code = exchange_values(&state, err);
	}
	*value = state.value;
	return code;
}
