/*
 * The tree-structured Parzen estimator (Bergstra et al., 2011): model the good trials, l, and the
 * rest, g, as two mixtures; of some draws from l propose the one with the largest l / g.
 *
 * Parameters that are always active together form a group and are modelled jointly (unless told
 * otherwise). Groups choose one after the other down the tree: first the best values of the root's
 * parameters, then those of the group they activate, each group by its own history, in which the
 * good ones are the best of those that met the group. (Scoring whole branches against each other
 * instead locks onto the branch that was tuned first: its l / g is the sharpest.) Parameters of one
 * legal value are in no group.
 */
#include "algorithms/tuners/tpe.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/parzen.h"
#include "algorithms/tuners/unique.h"

struct settings {
	size_t n_startup, n_candidates;
	bool multivariate, group, parity;
	double category_weight, branch_weight;
	enum tpe_liar liar;
	struct tpe_split_rule split;
	struct parzen_rule parzen;
};

struct group {
	size_t lead; /* its first parameter; active when the group is */
	size_t n;
	uint32_t *members;
};

struct ask {
	const struct view *view;
	const struct space *space;
	struct settings settings;
	struct tpe_history history;
	struct rng *rng;
	struct axis *axes;
	struct group *groups;
	size_t n_groups;
	double *x;     /* n_candidates rows of space->n */
	double *score; /* log l - log g so far */

	/* of the group at hand */
	struct arena scratch;
	uint32_t *kernels;
	double *column, *coordinates;
	struct parzen below, above;
};

static const struct option options[] = {
	{ .name = "n_startup",
		.type = OPTION_INT,
		.low = 0,
		.high = 100000,
		.fallback = "0",
		.help = "results before the model is used; 0: 10 (modern), 20 (parity)",
		.alias = "n_startup_jobs" },
	{ .name = "n_candidates",
		.type = OPTION_INT,
		.low = 0,
		.high = 4096,
		.fallback = "0",
		.help = "draws from the good trials' model per proposal; 0: 64 (modern), 24 "
			"(parity)",
		.alias = "n_ei_candidates" },
	{ .name = "gamma",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0",
		.help = "share of trials that count as good; 0: 0.1 (modern), 0.25 (parity)" },
	{ .name = "split",
		.type = OPTION_CHOICE,
		.choices = "auto|linear|sqrt",
		.fallback = "auto",
		.help = "good trials: gamma n or gamma sqrt(n); auto: linear (modern), sqrt "
			"(parity)" },
	{ .name = "max_good",
		.type = OPTION_INT,
		.low = 1,
		.high = 100000,
		.fallback = "25",
		.help = "most trials that count as good" },
	{ .name = "linear_forgetting",
		.type = OPTION_INT,
		.low = 1,
		.high = 1000000,
		.fallback = "25",
		.help = "newest trials of full weight; older ones fade linearly" },
	{ .name = "prior_weight",
		.type = OPTION_REAL,
		.low = 0.001,
		.high = 1000,
		.fallback = "1",
		.help = "weight of the search space's own distribution against one trial" },
	{ .name = "category_weight",
		.type = OPTION_REAL,
		.low = 0.001,
		.high = 1000,
		.fallback = "2",
		.help = "prior_weight of categorical parameters, as a multiple" },
	{ .name = "branch_weight",
		.type = OPTION_REAL,
		.low = 0.001,
		.high = 1000,
		.fallback = "8",
		.help = "the same of those that others depend on: what a branch is worth shows "
			"only when its own parameters are tuned" },
	{ .name = "multivariate",
		.type = OPTION_BOOL,
		.fallback = "true",
		.help = "model parameters jointly; parity never does" },
	{ .name = "group",
		.type = OPTION_BOOL,
		.fallback = "true",
		.help = "model conditional parameters that occur together jointly, too" },
	{ .name = "constant_liar_type",
		.type = OPTION_CHOICE,
		.choices = "auto|above|best|worst|mean|none",
		.fallback = "auto",
		.help = "pending trials: among the bad ones (above), a made-up loss, or ignored; "
			"auto: above (modern), best (parity)" },
	{ .name = "variant",
		.type = OPTION_CHOICE,
		.choices = "modern|parity",
		.fallback = "modern",
		.help = "parity: NNI 2.7's univariate estimator" },
	{ 0 },
};

static enum tpe_liar liar_of(const struct option_set *set, bool parity)
{
	static const char *const names[] = { "auto", "above", "best", "worst", "mean", "none" };
	enum tpe_liar liar = LIAR_AUTO;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (option_is(set, "constant_liar_type", names[i]))
			liar = (enum tpe_liar)i;
	if (liar == LIAR_AUTO)
		liar = parity ? LIAR_BEST : LIAR_ABOVE;
	return liar;
}

/* The variants' own values of what was left open are part of what the variant means: they do not
 * change once released. */
static void read_settings(const struct option_set *set, struct settings *out)
{
	bool parity = option_is(set, "variant", "parity");
	size_t startup = (size_t)option_int(set, "n_startup");
	size_t candidates = (size_t)option_int(set, "n_candidates");
	double gamma = option_real(set, "gamma");
	bool automatic = option_is(set, "split", "auto");

	*out = (struct settings){
		.n_startup = startup ? startup : parity ? 20 : 10,
		.n_candidates = candidates ? candidates : parity ? 24 : 64,
		.multivariate = option_flag(set, "multivariate") && !parity,
		.group = option_flag(set, "group"),
		.parity = parity,
		.category_weight = option_real(set, "category_weight"),
		.branch_weight = option_real(set, "branch_weight"),
		.liar = liar_of(set, parity),
		.split = {
			.gamma = gamma > 0 ? gamma : parity ? 0.25 : 0.1,
			.root = automatic ? parity : option_is(set, "split", "sqrt"),
			.below_max = (size_t)option_int(set, "max_good"),
		},
		.parzen = {
			.prior_weight = option_real(set, "prior_weight"),
			.forgetting = (size_t)option_int(set, "linear_forgetting"),
			.parity = parity,
		},
	};
}

static bool same_conditions(const struct parameter *a, const struct parameter *b)
{
	if (a->n_conditions != b->n_conditions)
		return false;
	for (size_t i = 0; i < a->n_conditions; i++) {
		const struct condition *p = &a->conditions[i], *q = &b->conditions[i];
		if (p->parent != q->parent || p->n != q->n ||
			memcmp(p->options, q->options, p->n * sizeof(*p->options)) != 0)
			return false;
	}
	return true;
}

static bool joins(
	const struct ask *ask, const struct parameter *parameter, const struct group *group)
{
	const struct settings *settings = &ask->settings;
	if (!settings->multivariate || (parameter->n_conditions && !settings->group))
		return false;
	return same_conditions(parameter, &ask->space->parameters[group->lead]);
}

static void init_axes(struct ask *ask)
{
	const struct parameter *parameters = ask->space->parameters;
	for (size_t i = 0; i < ask->space->n; i++) {
		axis_init(&ask->axes[i], &parameters[i], ask->settings.parity);
		ask->axes[i].smoothing = ask->settings.category_weight;
		for (size_t c = 0; c < parameters[i].n_conditions; c++) {
			int parent = parameters[i].conditions[c].parent;
			ask->axes[parent].smoothing = ask->settings.branch_weight;
		}
	}
}

/* Groups in the order of their leads, so that a group comes after the groups it depends on. */
static int init_groups(struct ask *ask, struct arena *arena)
{
	size_t n = ask->space->n;
	uint32_t *group_of = arena_array(arena, n, sizeof(uint32_t));
	uint32_t *members = arena_array(arena, n, sizeof(uint32_t));
	ask->axes = arena_array(arena, n, sizeof(struct axis));
	ask->groups = arena_array(arena, n, sizeof(struct group));
	if (!group_of || !members || !ask->axes || !ask->groups)
		return CODE_NO_MEMORY;

	init_axes(ask);
	for (size_t i = 0; i < n; i++) {
		const struct parameter *parameter = &ask->space->parameters[i];
		if (ask->axes[i].kind == AXIS_DROPPED)
			continue;
		size_t g = 0;
		while (g < ask->n_groups && !joins(ask, parameter, &ask->groups[g]))
			g++;
		if (g == ask->n_groups)
			ask->groups[ask->n_groups++].lead = i;
		ask->groups[g].n++;
		group_of[i] = (uint32_t)g;
	}
	for (size_t g = 0; g < ask->n_groups; g++) {
		ask->groups[g].members = members;
		members += ask->groups[g].n;
		ask->groups[g].n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct group *group = &ask->groups[group_of[i]];
		if (ask->axes[i].kind != AXIS_DROPPED)
			group->members[group->n++] = (uint32_t)i;
	}
	return 0;
}

static int init_candidates(struct ask *ask, struct arena *arena)
{
	size_t n = ask->settings.n_candidates, d = ask->space->n;
	ask->x = arena_array(arena, n * d, sizeof(double));
	ask->score = arena_array(arena, n, sizeof(double));
	ask->kernels = arena_array(arena, n, sizeof(uint32_t));
	ask->column = arena_array(arena, n, sizeof(double));
	ask->coordinates = arena_array(arena, n, sizeof(double));
	if (!ask->x || !ask->score || !ask->kernels || !ask->column || !ask->coordinates)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n * d; i++)
		ask->x[i] = NAN;
	return 0;
}

/* Parameters of one legal value in [from, to), where active. */
static void settle_dropped(struct ask *ask, size_t from, size_t to)
{
	for (size_t j = from; j < to; j++) {
		if (ask->axes[j].kind != AXIS_DROPPED)
			continue;
		for (size_t c = 0; c < ask->settings.n_candidates; c++) {
			double *x = ask->x + c * ask->space->n;
			if (space_active(ask->space, x, j))
				x[j] = axis_only_value(&ask->axes[j]);
		}
	}
}

/* Too few results to model this group: the declared distributions, which favour nobody. */
static void draw_from_prior(struct ask *ask, const struct group *group)
{
	for (size_t c = 0; c < ask->settings.n_candidates; c++) {
		double *x = ask->x + c * ask->space->n;
		for (size_t m = 0; m < group->n; m++) {
			size_t j = group->members[m];
			x[j] = parameter_from_unit(
				&ask->space->parameters[j], rng_uniform_open(ask->rng));
		}
	}
}

static void draw_and_score(struct ask *ask, const struct group *group)
{
	size_t n = ask->settings.n_candidates;
	for (size_t c = 0; c < n; c++)
		ask->kernels[c] = (uint32_t)parzen_kernel(&ask->below, rng_uniform(ask->rng));
	for (size_t m = 0; m < group->n; m++) {
		size_t j = group->members[m];
		parzen_fit(&ask->below, &ask->axes[j], j);
		for (size_t c = 0; c < n; c++) {
			parzen_draw(&ask->below, ask->kernels[c], ask->rng, &ask->column[c],
				&ask->coordinates[c]);
			ask->x[c * ask->space->n + j] = ask->column[c];
		}
		parzen_score(&ask->below, ask->column, ask->coordinates);
		parzen_fit(&ask->above, &ask->axes[j], j);
		parzen_score(&ask->above, ask->column, ask->coordinates);
	}
	for (size_t c = 0; c < n; c++)
		ask->score[c] +=
			parzen_log_density(&ask->below, c) - parzen_log_density(&ask->above, c);
}

static int model_group(struct ask *ask, const struct group *group)
{
	const struct settings *settings = &ask->settings;
	double n_options = ask->axes[group->lead].n_options;
	struct tpe_side below, above;
	int code = tpe_history_split(
		&ask->history, group->lead, &settings->split, &ask->scratch, &below, &above);
	if (code == 0)
		code = parzen_init(&ask->below, below.n, below.points, below.multiplicity,
			&settings->parzen, n_options, settings->n_candidates, &ask->scratch);
	if (code == 0)
		code = parzen_init(&ask->above, above.n, above.points, above.multiplicity,
			&settings->parzen, n_options, settings->n_candidates, &ask->scratch);
	if (code == 0)
		draw_and_score(ask, group);
	return code;
}

static int extend_candidates(struct ask *ask, const struct group *group)
{
	if (tpe_history_count(&ask->history, group->lead) < ask->settings.n_startup) {
		draw_from_prior(ask, group);
		return 0;
	}
	arena_reset(&ask->scratch);
	return model_group(ask, group);
}

/* Everybody goes on with the best values so far. */
static void agree(struct ask *ask)
{
	size_t n = ask->space->n, best = 0;
	for (size_t c = 1; c < ask->settings.n_candidates; c++)
		if (ask->score[c] > ask->score[best])
			best = c;
	for (size_t c = 0; c < ask->settings.n_candidates; c++) {
		if (c == best)
			continue;
		memcpy(ask->x + c * n, ask->x + best * n, n * sizeof(*ask->x));
		ask->score[c] = ask->score[best];
	}
}

/* The best candidate that may be handed out, or the best of all when none may. */
static size_t choose(struct ask *ask, struct arena *arena)
{
	size_t n = ask->settings.n_candidates, best_of_all = 0;
	bool *refused = arena_array(arena, n, sizeof(bool));
	for (size_t tries = 0; tries < n; tries++) {
		size_t best = n;
		for (size_t c = 0; c < n; c++)
			if (!(refused && refused[c]) &&
				(best == n || ask->score[c] > ask->score[best]))
				best = c;
		if (tries == 0)
			best_of_all = best;
		if (unique_fresh(ask->view, ask->x + best * ask->space->n))
			return best;
		if (!refused)
			break;
		refused[best] = true;
	}
	return best_of_all;
}

static int propose(struct ask *ask, struct arena *arena, struct proposal *out)
{
	int code = init_groups(ask, arena);
	if (code == 0)
		code = init_candidates(ask, arena);
	size_t settled = 0;
	for (size_t g = 0; g < ask->n_groups && code == 0; g++) {
		const struct group *group = &ask->groups[g];
		settle_dropped(ask, settled, group->lead);
		settled = group->lead;
		if (!space_active(ask->space, ask->x, group->lead))
			continue;
		code = extend_candidates(ask, group);
		if (g + 1 < ask->n_groups)
			agree(ask); /* the last group leaves a choice to choose() */
	}
	if (code)
		return code;
	settle_dropped(ask, settled, ask->space->n);
	size_t best = choose(ask, arena);
	memcpy(out->x, ask->x + best * ask->space->n, ask->space->n * sizeof(double));
	out->acquisition = ask->score[best];
	out->arm = "model";
	return 0;
}

static int tpe_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	struct ask ask = { .view = view, .space = view->spec->space, .rng = rng };
	read_settings(&view->spec->tuner_options, &ask.settings);
	int code = tpe_history_init(&ask.history, view, ask.settings.liar, arena);
	if (code == 0 && ask.history.n_results < ask.settings.n_startup) {
		space_sample(ask.space, rng, out->x);
		out->arm = "startup";
		return 0;
	}
	if (code == 0) {
		arena_init(&ask.scratch, arena->limit);
		code = propose(&ask, arena, out);
		arena_release(&ask.scratch);
	}
	return code ? fail(err, CODE_NO_MEMORY, "no memory for the tree-structured Parzen model")
		    : 0;
}

int tpe_propose(const struct view *view, const struct tpe_history *history,
	const struct tpe_plan *plan, struct rng *rng, struct arena *arena, struct proposal *out,
	struct error *err)
{
	struct ask ask = {
		.view = view, .space = view->spec->space, .rng = rng, .history = *history
	};
	struct option_set defaults;

	options_init(&defaults, options);
	read_settings(&defaults, &ask.settings);
	ask.settings.n_startup = plan->n_group;
	ask.settings.n_candidates = plan->n_candidates;
	ask.settings.split = (struct tpe_split_rule){
		.gamma = plan->good, .below_max = SIZE_MAX, .below_min = plan->n_good
	};
	arena_init(&ask.scratch, arena->limit);
	int code = propose(&ask, arena, out);
	arena_release(&ask.scratch);
	return code ? fail(err, CODE_NO_MEMORY, "no memory for the tree-structured Parzen model")
		    : 0;
}

const struct tuner tuner_tpe = {
	.algorithm = {
		.name = "tpe",
		.aliases = "TPE|TPE_legacy|MOTPE",
		.summary = "Tree-structured Parzen estimator: proposes where good trials are dense "
			   "and bad ones are not; any space, any number of workers or objectives.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE,
		.options = options,
	},
	.ask = tpe_ask,
};
