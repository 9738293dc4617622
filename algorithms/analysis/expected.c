#include "algorithms/analysis/expected.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/tuners/gp_data.h"
#include "algorithms/tuners/gp_model.h"

#define DISASTER 10.0 /* times the distance of the median from the best */

static bool is_result(const struct trial *trial)
{
	return trial->x && trial->state == TRIAL_SUCCEEDED && isfinite(trial->loss);
}

/* The trials to look at, by number. NULL: no memory. */
static const struct trial **choose(
	const struct view *view, struct arena *arena, struct expected *out)
{
	size_t all = 0, half = EXPECTED_MOST / 2, seen = 0;

	for (size_t i = 0; i < view->n_trials; i++)
		all += is_result(&view->trials[i]);
	const struct trial **found = arena_array(arena, all + 1, sizeof(*found));
	double *score = arena_array(arena, all + 1, sizeof(*score));
	uint32_t *order = arena_array(arena, all + 1, sizeof(*order));
	bool *keep = arena_array(arena, all + 1, sizeof(*keep));
	if (!found || !score || !order || !keep)
		return NULL;
	for (size_t i = 0; i < view->n_trials; i++)
		if (is_result(&view->trials[i])) {
			found[out->n_results] = &view->trials[i];
			score[out->n_results++] = -view->trials[i].loss;
		}
	if (all <= EXPECTED_MOST) {
		out->n = all;
		return found;
	}
	gp_order(score, all, order);
	for (size_t i = 0; i < half; i++)
		keep[order[i]] = true;
	for (size_t i = 0; i < all; i++) {
		size_t rest = all - half;
		if (!keep[i]) {
			keep[i] = (seen + 1) * half / rest > seen * half / rest;
			seen++;
		}
		if (keep[i])
			found[out->n++] = found[i];
	}
	return found;
}

int expected_gather(const struct view *view, struct arena *arena, struct expected *out)
{
	struct gp_features features;

	*out = (struct expected){ .noise = (double)NAN,
		.maximize = view->spec->objectives[0].maximize };
	const struct trial **chosen = choose(view, arena, out);
	if (!chosen || gp_features_init(&features, view->spec->space, arena) != 0)
		return CODE_NO_MEMORY;
	out->d = features.d;
	out->category = features.category;
	out->items = arena_array(arena, out->n + 1, sizeof(*out->items));
	out->loss = arena_array(arena, out->n + 1, sizeof(*out->loss));
	out->z = arena_array(arena, out->n * out->d + 1, sizeof(*out->z));
	if (!out->items || !out->loss || !out->z)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < out->n; i++) {
		const struct trial *trial = chosen[i];
		out->items[i] = (struct expected_item){ trial->number, !(trial->violation > 0),
			trial->values[0], (double)NAN, (double)NAN };
		out->loss[i] = trial->loss;
		gp_features_encode(&features, trial->x, out->z + i * out->d);
	}
	return 0;
}

/* ---- the estimate ---- */

struct scale {
	double mean, deviation, worst; /* of the losses; worse ones count as worst */
};

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* y: room for n. False: all losses are equal. */
static bool standardise(const double *loss, size_t n, struct scale *scale, double *y)
{
	double squares = 0;

	memcpy(y, loss, n * sizeof(*y));
	qsort(y, n, sizeof(*y), ascending);
	scale->worst = y[0] + DISASTER * (y[n / 2] - y[0]);
	if (!(scale->worst > y[0]) || !isfinite(scale->worst))
		scale->worst = y[n - 1];
	scale->mean = 0;
	for (size_t i = 0; i < n; i++) {
		y[i] = fmin(loss[i], scale->worst);
		scale->mean += y[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++)
		squares += pow(y[i] - scale->mean, 2) / (double)n;
	scale->deviation = sqrt(squares);
	if (!(scale->deviation > 0) || !isfinite(scale->deviation))
		return false;
	for (size_t i = 0; i < n; i++)
		y[i] = -(y[i] - scale->mean) / scale->deviation; /* a process maximises */
	return true;
}

static int compare_items(const void *a, const void *b, void *context)
{
	const struct expected_item *x = a, *y = b;
	const bool *maximize = context;
	double u = isnan(x->mean) ? x->value : x->mean, v = isnan(y->mean) ? y->value : y->mean;

	if (x->feasible != y->feasible)
		return x->feasible ? -1 : 1;
	if (u != v)
		return (u > v) == *maximize ? -1 : 1;
	return (x->trial > y->trial) - (x->trial < y->trial);
}

/* mean and variance: room for n each, standardised. */
static int posterior(const struct expected *expected, struct compute *compute, double *y,
	double *mean, double *variance, double *noise, struct arena *arena, struct error *err)
{
	size_t n = expected->n, d = expected->d;
	const struct gp_data data = { .n = n, .d = d, .z = expected->z, .y = y };
	const struct gp_input input = { n, d, expected->z, expected->category };
	double *theta = arena_array(arena, d + 2, sizeof(*theta));
	double *alpha = arena_array(arena, n, sizeof(*alpha));
	struct gp_factor *factor = NULL;

	if (!theta || !alpha)
		return fail(err, CODE_NO_MEMORY, "no memory for an estimate");
	int code = gp_theta_fit(&data, expected->category, compute, theta, arena, err);
	if (code == 0)
		code = gp_factor_new(compute, &input, theta, n, &factor, err);
	if (code == 0)
		code = gp_factor_solve(factor, y, 1, alpha, err);
	if (code == 0)
		code = gp_posterior(factor, alpha, expected->z, n, mean, variance, err);
	gp_factor_free(factor);
	if (code == 0)
		*noise = sqrt(exp(theta[d + 1]));
	return code;
}

int expected_estimate(
	struct expected *expected, struct compute *compute, struct arena *arena, struct error *err)
{
	size_t n = expected->n;
	double *y = arena_array(arena, 3 * n + 1, sizeof(*y)), noise = 0;
	struct scale scale;
	int code = 0;

	if (!y)
		return fail(err, CODE_NO_MEMORY, "no memory for an estimate");
	bool known = n >= EXPECTED_FEW && expected->d > 0 && expected->d <= GP_LIMIT_D &&
		     standardise(expected->loss, n, &scale, y);
	if (known)
		code = posterior(expected, compute, y, y + n, y + 2 * n, &noise, arena, err);
	if (code != 0 && code != CODE_INVALID) /* invalid: no process explains them */
		return code;
	for (size_t i = 0; known && code == 0 && i < n; i++) {
		double loss = scale.mean - scale.deviation * y[n + i];
		expected->items[i].mean = expected->maximize ? -loss : loss;
		expected->items[i].error = scale.deviation * sqrt(y[2 * n + i]);
		expected->noise = scale.deviation * noise;
	}
	if (n > 1)
		qsort_r(expected->items, n, sizeof(*expected->items), compare_items,
			&expected->maximize);
	return 0;
}
