/*
 * Annealing over the history (hyperopt's anneal, Bergstra et al.; NNI's Anneal): pick a good trial
 * at random, mostly one of the best few, and draw from the declared distributions narrowed around
 * it, the more the more results a parameter has.
 *
 * One rank is drawn for a point, so that its parameters come from one trial as far as that trial
 * has them; a parameter it lacks comes from the trial of that rank among those that have it. The
 * width of a parameter with t results is 1 / (1 + shrink t) of the unit interval, shifted inside; a
 * categorical one is drawn anew with that probability.
 *
 * Pending trials: of a few candidates, the one farthest from its nearest pending trial is taken.
 */
#include <math.h>
#include <string.h>

#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/tuner_rank.h"

#define BEST_KEPT   64 /* ranks beyond: one in 2^64 at the default mean of 2 */
#define CANDIDATES  4
#define PENDING_MAX 64 /* the newest; what was handed out long before is far from here */

static const struct option anneal_options[] = {
	{ .name = "best_rank",
		.type = OPTION_REAL,
		.low = 1,
		.high = 20,
		.fallback = "2",
		.help = "mean rank of the trial to start from: 1 is always the best one",
		.alias = "avg_best_idx" },
	{ .name = "shrink",
		.type = OPTION_REAL,
		.low = 0,
		.high = 10,
		.fallback = "0.1",
		.help = "how fast the width falls with the results t: 1 / (1 + shrink t)",
		.alias = "shrink_coef" },
	{ .name = "startup",
		.type = OPTION_INT,
		.low = 0,
		.high = 10000,
		.fallback = "10",
		.help = "results to wait for, with points drawn from the declared distributions" },
	{ .name = NULL },
};

struct anneal {
	const struct view *view;
	const struct rank *best; /* best first, none failed */
	size_t n_best;
	const uint32_t *counts; /* results that have the parameter */
	const struct trial **pending;
	size_t n_pending;
};

/* Ranks all results that have not failed and counts who has which parameter: of those without a
 * condition, everybody. */
static int anneal_results(struct anneal *anneal, struct arena *arena)
{
	const struct view *view = anneal->view;
	const struct space *space = view->spec->space;
	size_t n, kept = 0;
	uint32_t *counts = arena_array(arena, space->n ? space->n : 1, sizeof(*counts));
	struct rank *ranks = rank_finished(view, SIZE_MAX, arena, &n);

	if (!counts || !ranks)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		if (ranks[i].tier != TIER_FAILED)
			ranks[kept++] = ranks[i];
	for (size_t j = 0; j < space->n; j++) {
		if (space->parameters[j].n_conditions == 0) {
			counts[j] = (uint32_t)kept;
			continue;
		}
		for (size_t i = 0; i < kept; i++)
			if (!isnan(view->trials[ranks[i].number].x[j]))
				counts[j]++;
	}
	rank_select(ranks, kept, BEST_KEPT);
	anneal->best = ranks;
	anneal->n_best = kept;
	anneal->counts = counts;
	return 0;
}

static int anneal_pending(struct anneal *anneal, struct arena *arena)
{
	const struct view *view = anneal->view;
	int64_t left = view_pending(view);

	anneal->pending = arena_array(arena, PENDING_MAX, sizeof(anneal->pending[0]));
	if (!anneal->pending)
		return CODE_NO_MEMORY;
	for (size_t i = view->n_trials; i-- > 0 && left > 0 && anneal->n_pending < PENDING_MAX;) {
		if (!trial_pending(&view->trials[i]))
			continue;
		left--;
		if (view->trials[i].x)
			anneal->pending[anneal->n_pending++] = &view->trials[i];
	}
	return 0;
}

/* Geometric with the given mean, from 1: the number of the first success. */
static size_t geometric(double mean, struct rng *rng)
{
	double r = rng_uniform_open(rng);
	double rank = mean > 1 ? floor(log(r) / log1p(-1.0 / mean)) : 0.0;

	return 1 + (size_t)fmin(rank, BEST_KEPT);
}

/* The value of parameter i in the rank-th best trial that has it, the last if there are fewer; NaN
 * if none of the best has it. */
static double base_value(const struct anneal *anneal, size_t i, size_t rank)
{
	size_t n = anneal->n_best < BEST_KEPT ? anneal->n_best : BEST_KEPT;
	double value = (double)NAN;

	for (size_t k = 0; k < n && rank > 0; k++) {
		double here = anneal->view->trials[anneal->best[k].number].x[i];

		if (isnan(here))
			continue;
		value = here;
		rank--;
	}
	return value;
}

/* A draw of parameter i from its distribution, narrowed around base. */
static double draw_near(
	const struct parameter *parameter, double base, double width, struct rng *rng)
{
	double u = rng_uniform_open(rng);

	if (parameter->categorical)
		return u < width ? parameter_from_unit(parameter, u / width) : base;
	double low = parameter_to_unit(parameter, base) - 0.5 * width;
	low = fmin(fmax(low, 0.0), 1.0 - width);
	return parameter_from_unit(parameter, low + u * width);
}

static void draw_point(const struct anneal *anneal, struct rng *rng, double *x)
{
	const struct spec *spec = anneal->view->spec;
	const struct space *space = spec->space;
	double shrink = option_real(&spec->tuner_options, "shrink");
	size_t rank = geometric(option_real(&spec->tuner_options, "best_rank"), rng);

	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];
		double base = base_value(anneal, i, rank);

		x[i] = (double)NAN;
		if (!space_active(space, x, i))
			continue;
		if (isnan(base))
			x[i] = parameter_from_unit(parameter, rng_uniform_open(rng));
		else
			x[i] = draw_near(
				parameter, base, 1.0 / (1.0 + shrink * anneal->counts[i]), rng);
	}
}

/* Mean over the parameters that either has: squared in the unit interval, 1 for another option or a
 * parameter that only one has. */
static double distance(const struct space *space, const double *a, const double *b)
{
	double sum = 0, n = 0;

	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];

		if ((isnan(a[i]) && isnan(b[i])) || parameter->n_values == 1)
			continue;
		n++;
		if (a[i] == b[i])
			continue;
		double gap = isnan(a[i]) || isnan(b[i]) || parameter->categorical
				     ? 1.0
				     : parameter_to_unit(parameter, a[i]) -
					       parameter_to_unit(parameter, b[i]);
		sum += gap * gap;
	}
	return n > 0 ? sum / n : 0;
}

static double nearest_pending(const struct anneal *anneal, const double *x)
{
	double nearest = INFINITY;

	for (size_t i = 0; i < anneal->n_pending; i++)
		nearest = fmin(
			nearest, distance(anneal->view->spec->space, x, anneal->pending[i]->x));
	return nearest;
}

static int draw_apart(
	const struct anneal *anneal, struct rng *rng, struct arena *arena, double *best)
{
	size_t n = anneal->view->spec->space->n;
	double *x = arena_array(arena, n ? n : 1, sizeof(*x));
	double farthest;

	if (!x)
		return CODE_NO_MEMORY;
	draw_point(anneal, rng, best);
	farthest = nearest_pending(anneal, best);
	for (int i = 1; i < CANDIDATES && anneal->n_pending > 0; i++) {
		draw_point(anneal, rng, x);
		double apart = nearest_pending(anneal, x);
		if (apart > farthest) {
			farthest = apart;
			memcpy(best, x, n * sizeof(*x));
		}
	}
	return 0;
}

static int anneal_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	int64_t startup = option_int(&view->spec->tuner_options, "startup");
	struct anneal anneal = { .view = view };

	if (anneal_results(&anneal, arena) != 0 || anneal_pending(&anneal, arena) != 0)
		return fail(err, CODE_NO_MEMORY, "out of memory");
	if (anneal.n_best == 0 || (int64_t)anneal.n_best < startup) {
		out->arm = "startup";
		space_sample(view->spec->space, rng, out->x);
		return 0;
	}
	if (draw_apart(&anneal, rng, arena, out->x) != 0)
		return fail(err, CODE_NO_MEMORY, "out of memory");
	out->arm = "anneal";
	return 0;
}

const struct tuner tuner_anneal = {
	.algorithm = {
		.name = "anneal",
		.aliases = "Anneal",
		.summary = "Draws around the best trials so far, ever closer to them.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS,
		.options = anneal_options,
	},
	.ask = anneal_ask,
};
