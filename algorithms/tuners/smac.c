/*
 * SMAC (Hutter, Hoos and Leyton-Brown, LION 2011; SMAC3: Lindauer et al., JMLR 23, 2022): a random
 * forest over the results, and expected improvement. At home where categories and conditions are
 * many, which a tree takes as they are.
 *
 * It begins with a Sobol design; then, one time in five, a point is drawn at random, so that no
 * region is given up for good. The others are the best that a search of the forest finds.
 */
#include <math.h>

#include "algorithms/tuners/smac_model.h"
#include "algorithms/tuners/smac_search.h"
#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/unique.h"

#define STARTUP_EACH	 10 /* results for each parameter */
#define STARTUP_SHARE	 4  /* ... but no more than a quarter of the budget */
#define STARTUP_MOST	 50 /* ... or than this without one */
#define STARTUP_LEAST	 2
#define COORDINATES_MOST 200000 /* of random points, so that many parameters do not cost more */
#define CANDIDATES_LEAST 1000
#define SAMPLE		 64 /* points of a finite space drawn to see whether any is new */
#define SAMPLE_ENOUGH	 16 /* of those, feasible ones that say that none is */

static const struct option smac_options[] = {
	{ .name = "n_startup",
		.type = OPTION_INT,
		.low = 0,
		.high = 100000,
		.fallback = "0",
		.help = "points of the first design; 0: 10 for each parameter, at most a quarter "
			"of max_trials, or 50 without max_trials" },
	{ .name = "n_trees",
		.type = OPTION_INT,
		.low = 1,
		.high = 200,
		.fallback = "10",
		.help = "trees of the forest" },
	{ .name = "n_candidates",
		.type = OPTION_INT,
		.low = 1,
		.high = 100000,
		.fallback = "10000",
		.help = "random points looked at per proposal; with more than 20 parameters "
			"fewer" },
	{ .name = "random_fraction",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0.2",
		.help = "share of proposals drawn at random" },
	{ .name = "config_dedup",
		.type = OPTION_BOOL,
		.fallback = "true",
		.help = "NNI's; without effect, as no point is ever proposed twice" },
	{ .name = NULL },
};

static size_t startup_size(const struct spec *spec, size_t d)
{
	int64_t asked = option_int(&spec->tuner_options, "n_startup");
	size_t n = STARTUP_EACH * d, most = STARTUP_MOST;

	if (asked > 0)
		return (size_t)asked;
	if (spec->limits.max_trials > 0)
		most = (size_t)spec->limits.max_trials / STARTUP_SHARE;
	n = n < most ? n : most;
	return n > STARTUP_LEAST ? n : STARTUP_LEAST;
}

/* The first points are handed out before any result is there, too. */
static bool is_starting(const struct view *view, size_t startup)
{
	bool any = false;

	if (rank_count(view, startup) < startup)
		return true;
	for (size_t i = 0; i < view->n_finished && !any; i++)
		any = view->trials[view->finished[i]].x != NULL;
	return !any;
}

static size_t candidates_of(const struct spec *spec, size_t d)
{
	size_t asked = (size_t)option_int(&spec->tuner_options, "n_candidates");
	size_t most = COORDINATES_MOST / d;

	most = most > CANDIDATES_LEAST ? most : CANDIDATES_LEAST;
	return asked < most ? asked : most;
}

/* Nearly every point has been tried: a forest has little left to choose between, and the walk over
 * what remains is tuner_ask's. Points that constraints rule out tell nothing. */
static bool is_used_up(const struct view *view, struct rng *rng, double *x)
{
	const struct space *space = view->spec->space;
	size_t feasible = 0;

	for (size_t i = 0; i < SAMPLE && space->finite; i++) {
		space_sample(space, rng, x);
		if (unique_fresh(view, x))
			return false;
		feasible += space_feasible(space, x);
	}
	return feasible >= SAMPLE_ENOUGH;
}

static int propose(const struct knowledge *know, struct smac_model *model, struct rng *rng,
	struct arena *arena, struct proposal *out)
{
	const struct spec *spec = know->view->spec;
	size_t n_trees = (size_t)option_int(&spec->tuner_options, "n_trees");
	bool found = false;
	int code = smac_model_init(model, know, n_trees, arena);

	if (code == 0)
		code = smac_search(model, know->view, candidates_of(spec, model->features.d), rng,
			arena, out->x, &out->acquisition, &found);
	if (code)
		return code;
	out->arm = "model";
	if (!found) { /* every point that the search came by is known */
		space_sample(spec->space, rng, out->x);
		out->arm = "random";
	}
	return 0;
}

static int smac_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	const struct spec *spec = view->spec;
	struct smac_model model = { 0 };
	struct workspace own = { 0 };
	struct knowledge mine = *know;

	if (!mine.workspace)
		mine.workspace = &own;
	if (smac_features_init(&model.features, spec->space, arena) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory for a point's features");
	if (model.features.d == 0 || is_starting(view, startup_size(spec, model.features.d)))
		return propose_startup(view, rng, arena, out, err);
	if (rng_uniform(rng) < option_real(&spec->tuner_options, "random_fraction") ||
		is_used_up(view, rng, out->x)) {
		space_sample(spec->space, rng, out->x);
		out->arm = "random";
		return 0;
	}
	int code = propose(&mine, &model, rng, arena, out);
	workspace_clear(&own);
	return code ? fail(err, CODE_NO_MEMORY, "no memory for the random forest") : 0;
}

const struct tuner tuner_smac = {
	.algorithm = {
		.name = "smac",
		.aliases = "SMAC|SMACTuner",
		.summary = "Random forest and expected improvement: for many categories and "
			   "conditions, and long experiments.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS,
		.options = smac_options,
	},
	.ask = smac_ask,
};
