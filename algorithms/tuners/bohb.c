/*
 * BOHB (Falkner, Klein, Hutter: "BOHB: robust and efficient hyperparameter optimization at scale",
 * ICML 2018): Hyperband's brackets, whose new trials come from a density model instead of from
 * chance.
 *
 * The model is that of the highest rung with enough results: twice min_points_in_model, so that
 * both the good and the bad have as many. It is our tree-structured Parzen estimator (tpe.c), which
 * models groups of parameters jointly and walks nested spaces, in place of the paper's product
 * kernel with imputed values; results count only by their rung. Trials at work stand among the bad
 * ones, so that many workers do not ask for the same. Complete trials that are not the tuner's own
 * (seeds, customised ones) are results of the top rung.
 */
#include <math.h>

#include "algorithms/tuners/bracket.h"
#include "algorithms/tuners/tpe.h"

static const struct option options[] = {
	RUNG_OPTIONS("min_budget", "max_budget"),
	BRACKET_OPTIONS,
	{ .name = "min_points_in_model",
		.type = OPTION_INT,
		.low = 0,
		.high = 100000,
		.fallback = "0",
		.help = "good and bad results that a model needs, each; 0: parameters + 1" },
	{ .name = "top_n_percent",
		.type = OPTION_INT,
		.low = 1,
		.high = 99,
		.fallback = "15",
		.help = "share of the results that count as good, in percent" },
	{ .name = "num_samples",
		.type = OPTION_INT,
		.low = 1,
		.high = 4096,
		.fallback = "64",
		.help = "draws from the good results' model per proposal" },
	{ .name = "random_fraction",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0.33333333333333331",
		.help = "share of new trials that are drawn at random all the same" },
	{ 0 },
};

/* min_points_in_model: each parameter of more than one value is a dimension. */
static size_t points_needed(const struct spec *spec)
{
	size_t points = (size_t)option_int(&spec->tuner_options, "min_points_in_model"), n = 0;

	for (size_t i = 0; i < spec->space->n; i++)
		n += spec->space->parameters[i].n_values != 1;
	return points ? points : n + 1;
}

static void add(
	struct tpe_history *history, const struct trial *trial, enum tpe_rank rank, double loss)
{
	history->records[history->n++] = (struct tpe_record){
		.x = trial->x,
		.number = (uint32_t)trial->number,
		.rank = rank,
		.major = loss,
	};
	history->n_results += rank == RANK_RESULT;
}

/* A complete trial that is not on the ladder. */
static bool is_foreign(const struct trial *trial)
{
	return trial->origin != ORIGIN_TUNER && trial->state == TRIAL_SUCCEEDED &&
	       !isnan(trial->loss);
}

/* What rung k says. climbers and trials are both in the order of numbers. */
static void read_rung(const struct climbers *climbers, const struct view *view, size_t k,
	struct tpe_history *history)
{
	size_t at = 0;

	history->n = history->n_results = 0;
	for (size_t i = 0; i < view->n_trials; i++) {
		const struct trial *trial = &view->trials[i];
		const struct climber *climber = NULL;
		if (at < climbers->n && climbers->items[at].trial == trial)
			climber = &climbers->items[at++];
		if (!trial->x)
			continue;
		bool passed = climber && climber->rung > k;
		bool here = climber && climber->rung == k;
		if (passed || (here && climber->reached))
			add(history, trial, RANK_RESULT, climber_loss(climbers, view, climber, k));
		else if (here && climber->dead && trial->state != TRIAL_CANCELLED)
			add(history, trial, RANK_FAILED, 0);
		else if (is_foreign(trial) && k + 1 == climbers->ladder.n)
			add(history, trial, RANK_RESULT, trial->loss);
		else if (trial->state == TRIAL_RUNNING || trial->state == TRIAL_WAITING)
			add(history, trial, RANK_PENDING, 0);
	}
}

/* The highest rung that has results enough; false: none has. */
static bool find_rung(const struct climbers *climbers, const struct view *view, size_t enough,
	struct tpe_history *history)
{
	for (size_t k = climbers->ladder.n; k-- > 0;) {
		read_rung(climbers, view, k, history);
		if (history->n_results >= enough)
			return true;
	}
	return false;
}

static int propose_new(const struct view *view, const struct climbers *climbers, struct rng *rng,
	struct arena *arena, struct proposal *out, struct error *err)
{
	const struct option_set *set = &view->spec->tuner_options;
	size_t points = points_needed(view->spec), room = view->n_trials ? view->n_trials : 1;
	struct tpe_history history = {
		.records = arena_array(arena, room, sizeof(struct tpe_record)),
		.order = arena_array(arena, room, sizeof(uint32_t)),
	};
	const struct tpe_plan plan = {
		.n_candidates = (size_t)option_int(set, "num_samples"),
		.n_group = points,
		.n_good = points,
		.good = option_real(set, "top_n_percent") / 100,
	};

	if (!history.records || !history.order)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu trials", room);
	bool model = rng_uniform(rng) >= option_real(set, "random_fraction");
	if (model && find_rung(climbers, view, 2 * points, &history))
		return tpe_propose(view, &history, &plan, rng, arena, out, err);
	propose_random(view, rng, out);
	if (model)
		out->arm = "startup";
	return 0;
}

static int bohb_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	struct climbers climbers;
	int code = bracket_next(know, &climbers, arena, out, err);

	if (code != 0 || out->promote >= 0)
		return code;
	return propose_new(know->view, &climbers, rng, arena, out, err);
}

const struct tuner tuner_bohb = {
	.algorithm = {
		.name = "bohb",
		.aliases = "BOHB",
		.summary = "Hyperband whose new trials come from a density model of the highest rung "
			   "with enough results.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_NEEDS_METRICS |
			TUNER_MULTI_FIDELITY,
		.options = options,
	},
	.check = rung_check,
	.ask = bohb_ask,
};
