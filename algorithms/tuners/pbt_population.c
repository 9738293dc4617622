#include "algorithms/tuners/pbt_population.h"

#include <math.h>
#include <stdlib.h>

#include "algorithms/tuners/rung.h"

/* The highest level that is not above a resource: after an edit it may stand between two. */
static int64_t level_of(const struct pbt *pbt, double resource)
{
	if (resource >= (double)pbt->top)
		return pbt->top;
	return (int64_t)floor(resource / (double)pbt->interval) * pbt->interval;
}

int64_t pbt_level_above(const struct pbt *pbt, int64_t level)
{
	int64_t above = (level / pbt->interval + 1) * pbt->interval;

	return above < pbt->top ? above : pbt->top;
}

static const struct pbt_trial *newest(const struct pbt *pbt, const struct pbt_member *member)
{
	return member->newest ? &pbt->trials[member->newest - 1] : NULL;
}

static void settle_in(struct pbt *pbt, const struct trial *trial, const struct fork *fork)
{
	struct pbt_member *member = &pbt->members[fork->slot];
	struct pbt_trial *now = &pbt->trials[pbt->n_trials++];
	bool there = trial->state == TRIAL_PAUSED || trial->state == TRIAL_SUCCEEDED;

	*now = (struct pbt_trial){
		.trial = trial,
		.start = fork->start,
		.level = level_of(pbt, trial->resource),
		.before = member->newest,
	};
	now->reached = there ? now->level : rung_reached(pbt->view->spec, trial);
	if (now->reached < now->start)
		now->reached = now->start;
	member->newest = pbt->n_trials;
}

static enum pbt_state state_of(const struct pbt *pbt, const struct pbt_trial *now)
{
	const struct trial *trial = now->trial;
	bool complete = trial->state == TRIAL_SUCCEEDED || trial->state == TRIAL_PAUSED;

	if (trial->state == TRIAL_RUNNING || trial->state == TRIAL_WAITING)
		return PBT_BUSY;
	if (complete && now->level >= pbt->top)
		return PBT_DONE;
	return trial->state == TRIAL_PAUSED && trial->x ? PBT_READY : PBT_BROKEN;
}

int pbt_init(struct pbt *pbt, const struct view *view, struct arena *arena, struct error *err)
{
	const struct option_set *options = &view->spec->tuner_options;
	struct fork fork;

	*pbt = (struct pbt){
		.view = view,
		.interval = option_int(options, "interval"),
		.top = option_int(options, "max_resource"),
		.size = (size_t)option_int(options, "population_size"),
	};
	pbt->members = arena_array(arena, pbt->size, sizeof(*pbt->members));
	pbt->places = arena_array(arena, pbt->size, sizeof(*pbt->places));
	pbt->trials = arena_array(arena, view->n_trials ? view->n_trials : 1, sizeof(*pbt->trials));
	if (!pbt->members || !pbt->places || !pbt->trials)
		return fail(err, CODE_NO_MEMORY, "no memory for a population");
	for (size_t i = 0; i < view->n_trials; i++) {
		const struct trial *trial = &view->trials[i];
		if (trial->origin == ORIGIN_TUNER && !isnan(trial->resource) &&
			fork_read(trial, &fork) && fork.slot < pbt->size)
			settle_in(pbt, trial, &fork);
	}
	for (size_t i = 0; i < pbt->size; i++) {
		struct pbt_member *member = &pbt->members[i];
		const struct pbt_trial *now = newest(pbt, member);
		member->state = now ? state_of(pbt, now) : PBT_EMPTY;
		member->level = now ? now->level : 0;
	}
	return 0;
}

/* Infinite where it is not a number or there is none. */
static double loss_at(const struct pbt *pbt, const struct pbt_trial *at, int64_t level)
{
	const struct trial *trial = at->trial;

	if (level > at->reached)
		return HUGE_VAL;
	if (level == at->level && trial->state == TRIAL_SUCCEEDED)
		return isnan(trial->loss) ? HUGE_VAL : trial->loss;
	return rung_loss(pbt->view, trial, level);
}

/* The newest trial of the member that trained through level, or broke on the way to it. */
static const struct pbt_trial *trial_at(
	const struct pbt *pbt, const struct pbt_member *member, int64_t level)
{
	for (size_t i = member->newest; i > 0; i = pbt->trials[i - 1].before) {
		const struct pbt_trial *at = &pbt->trials[i - 1];
		bool ended = trial_ended(at->trial);
		if (at->start < level && (at->reached >= level || (ended && at->level >= level)))
			return at;
	}
	return NULL;
}

static int compare_places(const void *a, const void *b)
{
	const struct pbt_place *x = a, *y = b;
	int64_t i = x->trial->trial->number, j = y->trial->trial->number;

	if (x->loss != y->loss)
		return x->loss < y->loss ? -1 : 1;
	return (i > j) - (i < j);
}

size_t pbt_rank(struct pbt *pbt, int64_t level)
{
	size_t n = 0;

	for (size_t i = 0; i < pbt->size; i++) {
		const struct pbt_trial *at = trial_at(pbt, &pbt->members[i], level);
		if (at)
			pbt->places[n++] =
				(struct pbt_place){ loss_at(pbt, at, level), (uint32_t)i, at };
	}
	if (n > 1)
		qsort(pbt->places, n, sizeof(*pbt->places), compare_places);
	return n;
}

bool pbt_settled(const struct pbt *pbt, int64_t level)
{
	for (size_t i = 0; i < pbt->size; i++) {
		const struct pbt_member *member = &pbt->members[i];
		if (member->state == PBT_OUT)
			continue;
		if (member->level < level || (member->level == level && member->state == PBT_BUSY))
			return false;
	}
	return true;
}

bool pbt_is_source(const struct pbt *pbt, const struct pbt_member *member)
{
	const struct pbt_trial *now = newest(pbt, member);

	if (!now || !now->trial->x || now->reached < 1 || now->reached >= pbt->top)
		return false;
	if (member->state == PBT_BROKEN && now->trial->state != TRIAL_SUCCEEDED)
		return false;
	/* A fork that is on its way has its parent's state and no number of its own. */
	return now->reached > now->start && isfinite(loss_at(pbt, now, now->reached));
}
