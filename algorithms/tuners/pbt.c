/*
 * Population based training (Jaderberg et al.: "Population based training of neural networks",
 * arXiv:1711.09846): a population trains side by side, and at the end of each interval those that
 * are behind *exploit*: they go on from the state of one that is ahead, and *explore*: with its
 * parameters, perturbed. So parameters follow a schedule that is found in one training.
 *
 * The server never touches weights. To go on is to promote the paused trial by an interval. To
 * exploit is a new trial whose parent is the one ahead: resume_from names it, the resource it had
 * reached and its checkpoint then.
 *
 * Whoever is behind decides when a worker asks, the least trained member first and the copies
 * before their originals. generations = false: by the results that are there at its level (the
 * fraction is rounded down until all are). generations = true: when all are there, as NNI does.
 */
#include "algorithms/tuners/pbt_explore.h"
#include "algorithms/tuners/pbt_population.h"
#include "algorithms/tuners/rung.h"

#include <math.h>
#include <string.h>

#define TRIES 64   /* for a copy that is valid and not its original again */
#define WHOLE 1e-9 /* a share that is whole in exact arithmetic may come out a little off */

static const struct option options[] = {
	{ .name = "population_size",
		.type = OPTION_INT,
		.low = 2,
		.high = 1000,
		.fallback = "10",
		.help = "members that train side by side" },
	{ .name = "interval",
		.type = OPTION_INT,
		.low = 1,
		.high = RESOURCE_MAX,
		.fallback = "10",
		.help = "steps that a member trains between two comparisons" },
	{ .name = "max_resource",
		.type = OPTION_INT,
		.low = 1,
		.high = RESOURCE_MAX,
		.fallback = "100",
		.help = "resource of a complete trial, in steps" },
	{ .name = "fraction",
		.type = OPTION_REAL,
		.low = 0,
		.high = 0.5,
		.fallback = "0.2",
		.help = "part of the population that is replaced by copies of as large a part, the "
			"best" },
	{ .name = "factor",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0.2",
		.help = "relative size of a perturbation: a parameter is multiplied by 1 + factor "
			"or "
			"1 - factor; of a logarithmic or normal one it is a part of the range or "
			"of "
			"sigma" },
	{ .name = "resample_probability",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0.25",
		.help = "chance of each parameter of a copy to be drawn anew instead" },
	{ .name = "generations",
		.type = OPTION_BOOL,
		.fallback = "false",
		.help = "compare only when the whole population has come to a level; workers "
			"wait" },
	{ .name = "all_checkpoint_dir",
		.type = OPTION_IGNORED,
		.help = "ignored: checkpoints stay where the workers keep them; resume_from names "
			"the one to load" },
	{ 0 },
};

/* One ask on its way. */
struct asking {
	struct pbt pbt;
	const struct knowledge *know;
	const struct option_set *options;
	struct rng *rng;
	struct arena *arena;
	struct proposal *out;
	int64_t ranked; /* the level that places are of; 0: none */
	size_t n_ranked;
};

static size_t rank_at(struct asking *ask, int64_t level)
{
	if (ask->ranked != level) {
		ask->n_ranked = pbt_rank(&ask->pbt, level);
		ask->ranked = level;
	}
	return ask->n_ranked;
}

/* How many of n results are behind, and as many ahead. */
static size_t share_of(const struct asking *ask, size_t n)
{
	double share = option_real(ask->options, "fraction") * (double)n;
	size_t whole = (size_t)(n < ask->pbt.size ? floor(share + WHOLE) : ceil(share - WHOLE));

	return whole < n / 2 ? whole : n / 2;
}

/* One of those ahead at a level: of the first few that have a state to go on from and a loss below
 * that given. NULL: there is none. */
static const struct pbt_trial *draw_source(
	struct asking *ask, int64_t level, const struct pbt_member *but, double loss)
{
	const struct pbt_trial *source = NULL;
	size_t n = rank_at(ask, level), share = share_of(ask, n), found = 0;
	size_t end = isfinite(loss) ? n - share : n; /* who has nothing takes anybody's */

	for (size_t r = 0; r < end && found < (share ? share : 1); r++) {
		const struct pbt_place *place = &ask->pbt.places[r];
		const struct pbt_member *member = &ask->pbt.members[place->member];
		bool current = &ask->pbt.trials[member->newest - 1] == place->trial;
		if (!(place->loss < loss))
			break;
		if (!current || member == but || !pbt_is_source(&ask->pbt, member))
			continue;
		if (rng_below(ask->rng, ++found) == 0)
			source = place->trial;
	}
	return source;
}

/* ---- proposals ---- */

static bool is_valid(const struct space *space, const double *x)
{
	return space_contains(space, x) && space_feasible(space, x) && space_canonical_ok(space, x);
}

static int propose_fork(struct asking *ask, const struct pbt_member *member,
	const struct pbt_trial *source, struct error *err)
{
	struct fork fork = { .slot = (uint32_t)(member - ask->pbt.members) };
	struct proposal *out = ask->out;
	int64_t level = 0;

	if (source) {
		const char *checkpoint = source->trial->checkpoint;
		level = fork.start = source->reached;
		if (checkpoint)
			fork.checkpoint = (struct bytes){ checkpoint, strlen(checkpoint) };
		out->parent = source->trial->number;
	}
	out->resource = (double)pbt_level_above(&ask->pbt, level);
	return fork_write(&fork, ask->arena, &out->tag, err);
}

/* A member that starts from nothing, at a point that is new where there is one. */
static int propose_start(struct asking *ask, const struct pbt_member *member, struct error *err)
{
	const struct space *space = ask->know->view->spec->space;
	double *x = ask->out->x;

	propose_random(ask->know->view, ask->rng, ask->out);
	for (size_t i = 0; i < LIMIT_FEASIBLE_DRAWS && !is_valid(space, x); i++)
		space_sample(space, ask->rng, x);
	if (!is_valid(space, x))
		return fail(err, CODE_EXHAUSTED, "no point satisfies the constraints");
	return propose_fork(ask, member, NULL, err);
}

static int propose_copy(struct asking *ask, const struct pbt_member *member,
	const struct pbt_trial *source, struct error *err)
{
	const struct space *space = ask->know->view->spec->space;
	const struct explore explore = {
		.factor = option_real(ask->options, "factor"),
		.resample = option_real(ask->options, "resample_probability"),
	};
	double *x = ask->out->x, *spare = arena_array(ask->arena, space->n + 1, sizeof(*spare));
	bool moved = false;

	if (!spare)
		return fail(err, CODE_NO_MEMORY, "no memory for a point");
	/* At the worst the same again: what was feasible once may not be after an edit, but it is
	 * nearer to it than anything else. */
	memcpy(x, source->trial->x, space->n * sizeof(*x));
	for (int i = 0; i < TRIES && !moved; i++) {
		explore_from(&explore, space, source->trial->x, ask->rng, spare);
		if (!is_valid(space, spare))
			continue;
		for (size_t k = 0; k < space->n; k++) {
			moved = moved || (!isnan(spare[k]) && spare[k] != x[k]);
			x[k] = spare[k];
		}
	}
	ask->out->arm = "exploit";
	return propose_fork(ask, member, source, err);
}

static void propose_next(struct asking *ask, const struct pbt_member *member)
{
	ask->out->promote = ask->pbt.trials[member->newest - 1].trial->number;
	ask->out->resource = (double)pbt_level_above(&ask->pbt, member->level);
	ask->out->arm = "promotion";
}

/* ---- decisions ---- */

enum decision { DECIDE_NOTHING, DECIDE_START, DECIDE_COPY, DECIDE_NEXT };

/* A member that is at its level goes on, unless it is behind there and somebody who is ahead has a
 * state to go on from. When there are no numbers for copies it does not: to train it further would
 * be of little use. */
static enum decision decide_ready(
	struct asking *ask, const struct pbt_member *member, const struct pbt_trial **source)
{
	const struct pbt_trial *now = &ask->pbt.trials[member->newest - 1];
	size_t n = member->level > 0 ? rank_at(ask, member->level) : 0, r = 0;
	size_t share = share_of(ask, n);
	const struct pbt_place *places = ask->pbt.places;

	while (r < n && places[r].trial != now)
		r++;
	if (r == n || (r + share < n && isfinite(places[r].loss)))
		return DECIDE_NEXT;
	*source = draw_source(ask, member->level, member, places[r].loss);
	bool left = ask->know->promote_only && places[0].loss < places[r].loss;
	return *source || left ? DECIDE_COPY : DECIDE_NEXT;
}

/* The highest level up to that given at which somebody has a state to go on from, or else the
 * lowest above it; 0: nobody has one. */
static int64_t source_level(const struct asking *ask, int64_t level)
{
	int64_t below = 0, above = INT64_MAX;

	for (size_t i = 0; i < ask->pbt.size; i++) {
		const struct pbt_member *member = &ask->pbt.members[i];
		if (!pbt_is_source(&ask->pbt, member))
			continue;
		const struct pbt_trial *now = &ask->pbt.trials[member->newest - 1];
		int64_t at = now->reached < level ? now->reached : level;
		if (now->start < at)
			below = at > below ? at : below;
		else
			above = now->reached < above ? now->reached : above;
	}
	return below ? below : above < INT64_MAX ? above : 0;
}

static bool any_is(const struct pbt *pbt, enum pbt_state state)
{
	for (size_t i = 0; i < pbt->size; i++)
		if (pbt->members[i].state == state)
			return true;
	return false;
}

/* Is anybody alive beyond the first level? */
static bool is_under_way(const struct pbt *pbt)
{
	for (size_t i = 0; i < pbt->size; i++) {
		const struct pbt_member *member = &pbt->members[i];
		if (member->state != PBT_EMPTY && member->state != PBT_BROKEN &&
			(pbt->trials[member->newest - 1].start > 0 ||
				member->level > pbt_level_above(pbt, 0)))
			return true;
	}
	return false;
}

/* A member that has nothing to go on with. */
static enum decision decide_vacant(
	struct asking *ask, const struct pbt_member *member, const struct pbt_trial **source)
{
	const struct pbt *pbt = &ask->pbt;
	bool first = member->level <= pbt_level_above(pbt, 0);

	if (member->state == PBT_EMPTY && !is_under_way(pbt))
		return DECIDE_START;
	int64_t level = source_level(ask, first ? pbt_level_above(pbt, 0) : member->level);
	if (level > 0)
		*source = draw_source(ask, level, member, HUGE_VAL);
	if (*source)
		return DECIDE_COPY;
	if (!is_under_way(pbt) || !(any_is(pbt, PBT_BUSY) || any_is(pbt, PBT_DONE)))
		return DECIDE_START;
	return DECIDE_NOTHING;
}

static enum decision decide(
	struct asking *ask, const struct pbt_member *member, const struct pbt_trial **source)
{
	*source = NULL;
	if (member->state == PBT_READY)
		return decide_ready(ask, member, source);
	return decide_vacant(ask, member, source);
}

/* The lowest level above last at which a member may be decided on; -1: there is none. */
static int64_t next_level(const struct pbt *pbt, int64_t last)
{
	int64_t level = -1;

	for (size_t i = 0; i < pbt->size; i++) {
		const struct pbt_member *member = &pbt->members[i];
		bool open = member->state == PBT_EMPTY || member->state == PBT_READY ||
			    member->state == PBT_BROKEN;
		if (open && member->level > last && (level < 0 || member->level < level))
			level = member->level;
	}
	return level;
}

/* The first member of a level for which that is the decision: true, and the proposal's code. When
 * there are no new numbers, those that would need one drop out. */
static bool act(struct asking *ask, int64_t level, bool copies, int *code, struct error *err)
{
	for (size_t i = 0; i < ask->pbt.size; i++) {
		struct pbt_member *member = &ask->pbt.members[i];
		const struct pbt_trial *source;
		if (member->level != level || member->state == PBT_BUSY ||
			member->state == PBT_DONE || member->state == PBT_OUT)
			continue;
		enum decision decision = decide(ask, member, &source);
		if (decision == DECIDE_NOTHING && !any_is(&ask->pbt, PBT_BUSY))
			member->state = PBT_OUT;
		if (decision == DECIDE_NOTHING || (decision == DECIDE_NEXT) == copies)
			continue;
		if (decision == DECIDE_NEXT) {
			propose_next(ask, member);
			*code = 0;
		} else if (ask->know->promote_only) {
			member->state = PBT_OUT;
			continue;
		} else {
			*code = decision == DECIDE_START ? propose_start(ask, member, err)
							 : propose_copy(ask, member, source, err);
		}
		return true;
	}
	return false;
}

static int pbt_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	struct asking ask = {
		.know = know,
		.options = &view->spec->tuner_options,
		.rng = rng,
		.arena = arena,
		.out = out,
	};
	int code = pbt_init(&ask.pbt, view, arena, err);

	if (code != 0)
		return code;
	bool wait = option_flag(ask.options, "generations");
	for (int64_t level = next_level(&ask.pbt, -1); level >= 0;
		level = next_level(&ask.pbt, level)) {
		if (wait && level > 0 && !pbt_settled(&ask.pbt, level))
			break;
		if (act(&ask, level, true, &code, err) || act(&ask, level, false, &code, err))
			return code;
	}
	return rung_wait(view, err);
}

const struct tuner tuner_pbt = {
	.algorithm = {
		.name = "pbt",
		.aliases = "PBT|PBTTuner",
		.summary = "Population based training: members that are behind go on from the state "
			   "of one ahead, with its parameters perturbed.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_NEEDS_METRICS |
			TUNER_MULTI_FIDELITY | TUNER_OWN_ORDER,
		.options = options,
	},
	.ask = pbt_ask,
};
