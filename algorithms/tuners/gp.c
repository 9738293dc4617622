/*
 * Bayesian optimisation with a Gaussian process (algorithms.md A.2.1): Matern 5/2 with a length
 * scale for each parameter, results half-ranked, hyperparameters of the highest posterior density,
 * log expected improvement.
 *
 * The learner fits the hyperparameters in the background, from scratch each time; an ask takes the
 * newest ones there are (or the prior's mode) and conditions on every result. So an answer depends
 * on the view, the model and the stream alone.
 */
#include "algorithms/tuners/tuner.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/gp_local.h"
#include "algorithms/tuners/gp_model.h"
#include "algorithms/tuners/gp_search.h"
#include "algorithms/tuners/unique.h"

#define UNTRIED_DRAWS 1024
#define EXPLORE_KAPPA 1e6 /* the mean does not matter any more */

/* One ask. */
struct ask {
	const struct knowledge *know;
	const struct view *view;
	struct rng *rng;
	struct arena *arena;
	struct gp_settings settings;
	struct gp_features features;
	struct gp_history history;
	struct gp_data data;
	double *thetas;	 /* GP_MODEL_SETS x (d + 2) */
	double *pending; /* rows of features */
	struct gp_box box;
	bool local;
};

static bool declares_defaults(const struct space *space)
{
	for (size_t j = 0; j < space->n; j++)
		if (!isnan(space->parameters[j].fallback))
			return true;
	return false;
}

/* First what the user thinks is good, then points that fill the space. */
static int start(const struct view *view, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct space *space = view->spec->space;

	if (view->n_trials == 0 && declares_defaults(space)) {
		space_default(space, out->x);
		out->arm = "default";
		if (unique_fresh(view, out->x))
			return 0;
	}
	return propose_startup(view, rng, arena, out, err);
}

static int set_thetas(struct ask *ask)
{
	size_t d = ask->features.d;
	const struct model *model = ask->know->model;

	ask->thetas = arena_array(ask->arena, GP_MODEL_SETS * (d + 2), sizeof(double));
	if (!ask->thetas)
		return CODE_NO_MEMORY;
	for (size_t s = 0; s < GP_MODEL_SETS; s++)
		gp_prior_mode(d, ask->settings.noiseless, ask->thetas + s * (d + 2));
	if (model && model->bytes.size)
		(void)gp_model_read(
			&model->bytes, ask->data.excess ? GP_MODEL_SETS : 1, d, ask->thetas);
	return 0;
}

static int set_pending(struct ask *ask)
{
	size_t d = ask->features.d, p = ask->history.n_pending;

	ask->pending = arena_array(ask->arena, p * d + 1, sizeof(double));
	for (size_t i = 0; i < p && ask->pending; i++)
		gp_features_encode(&ask->features, ask->history.pending[i], ask->pending + i * d);
	return ask->pending ? 0 : CODE_NO_MEMORY;
}

/* History, hyperparameters, and, when the results are many, which of them. */
static int prepare(struct ask *ask)
{
	const struct spec *spec = ask->view->spec;
	double weights[LIMIT_OBJECTIVES];
	const double *chosen = NULL;

	if (spec->n_objectives > 1) {
		gp_weights_draw(ask->rng, spec->n_objectives, weights);
		chosen = weights;
	}
	int code = gp_history_init(&ask->history, ask->view, chosen, ask->arena);
	if (code == 0)
		code = gp_data_init(&ask->data, &ask->features, &ask->history, ask->arena);
	if (code == 0)
		code = set_thetas(ask);
	if (code == 0)
		code = set_pending(ask);
	ask->local = code == 0 && ask->data.n > ask->settings.exact_max;
	if (ask->local)
		code = gp_local_select(&ask->data, &ask->features, ask->thetas,
			gp_local_side(&ask->history, ask->settings.exact_max, ask->features.d),
			&ask->box, ask->arena);
	return code;
}

/* No candidate is left: points drawn at random, and then whatever tuner_ask makes of it. */
static void propose_untried(struct ask *ask, struct proposal *out)
{
	const struct space *space = ask->view->spec->space;

	out->arm = "untried";
	if (space_sample_feasible(space, ask->rng, out->x) != 0)
		return;
	for (int i = 0; i < UNTRIED_DRAWS && !unique_fresh(ask->view, out->x); i++)
		space_sample(space, ask->rng, out->x);
}

static int propose(struct ask *ask, struct proposal *out, struct error *err)
{
	const struct gp_box *box = ask->local ? &ask->box : NULL;
	size_t points = ask->data.n + ask->history.n_pending;
	bool explores = rng_uniform(ask->rng) < ask->settings.explore;
	struct gp_candidates candidates;
	struct gp_surrogate surrogate;
	struct gp_found found = { .any = false };

	int code = gp_candidates_init(&candidates, ask->view, &ask->features, &ask->data, box,
		gp_search_spread(&ask->settings, points, ask->features.d), gp_search_near(points),
		ask->rng, ask->arena);
	if (code != 0)
		return fail(err, code, "no memory for candidates");
	if (candidates.n > 0) {
		if (explores) {
			ask->settings.utility = GP_UCB;
			ask->settings.kappa = EXPLORE_KAPPA;
		}
		code = gp_surrogate_init(&surrogate, ask->know, &ask->features, &ask->data,
			ask->pending, ask->history.n_pending, ask->thetas, &ask->settings,
			ask->arena, err);
		if (code == 0)
			code = gp_search(&surrogate, &candidates, ask->view, &ask->settings, box,
				ask->rng, ask->arena, out->x, &found, err);
		gp_surrogate_release(&surrogate);
		gp_memo_settle(ask->know->workspace);
	}
	if (code != 0)
		return code;
	if (found.any) {
		out->acquisition = found.value;
		out->arm = explores ? "explore" : ask->local ? "local" : "model";
	} else {
		propose_untried(ask, out);
	}
	return 0;
}

static int model_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct spec *spec = know->view->spec;
	struct ask ask = { .know = know, .view = know->view, .rng = rng, .arena = arena };

	if (gp_features_init(&ask.features, spec->space, arena) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory for the model");
	gp_settings_read(spec, ask.features.d, &ask.settings);
	if (!know->compute || ask.features.d == 0 || ask.features.d > GP_LIMIT_D ||
		gp_history_count(know->view, ask.settings.n_startup) < ask.settings.n_startup)
		return start(know->view, rng, arena, out, err);
	if (prepare(&ask) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory for the model");
	return propose(&ask, out, err);
}

/* A device that was given up takes its factors with it: once more, on the processor. Where the
 * covariance cannot be factored the model has nothing to say. */
static int gp_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	struct rng again = *rng;
	int code = model_ask(know, rng, arena, out, err);

	if (code == CODE_UNAVAILABLE) {
		if (know->workspace)
			workspace_clear(know->workspace);
		*rng = again;
		code = model_ask(know, rng, arena, out, err);
	}
	if (code == CODE_INVALID)
		code = propose_startup(know->view, rng, arena, out, err);
	return code;
}

const struct tuner tuner_gp = {
	.algorithm = {
		.name = "gp",
		.aliases = "GP|Metis",
		.summary = "Bayesian optimisation with a Gaussian process: the most of few, costly "
			   "trials; any space, outcome constraints, several objectives.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE,
		.options = gp_options,
	},
	.learner = &gp_learner,
	.check = gp_settings_check,
	.ask = gp_ask,
};
