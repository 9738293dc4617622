#include "algorithms/tuners/trustregion_state.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "algorithms/tuners/arm_tag.h"

#define MAGIC UINT64_C(0x74727573742d7267)

#define SHRINK	     0.7
#define SHRINK_LEAST 0.1
#define UNSURE	     0.4 /* of the decrease: a doubt that excuses a failure */
#define GROW	     2.0
#define POOR	     0.1 /* of the expected decrease: the region is too large */
#define GOOD	     0.7 /* and here perhaps too small */
#define FULL	     0.7 /* of a radius: a step that the region held back */
#define APART	     0.1 /* of the cube's diagonal: another basin */
#define SAME	     1.001

static_assert(sizeof(struct region_tag) == 9 * 8, "no padding: it is stored");

const struct option region_options[] = {
	{ .name = "radius",
		.type = OPTION_REAL,
		.low = 1e-6,
		.high = 1,
		.fallback = "0.4",
		.help = "of the first region, as a share of each parameter's range" },
	{ .name = "radius_min",
		.type = OPTION_REAL,
		.low = 1e-12,
		.high = 1,
		.fallback = "1e-7",
		.help = "a run ends, and the next begins elsewhere, when its region is smaller" },
	{ .name = "startup",
		.type = OPTION_INT,
		.low = 0,
		.high = 10000,
		.fallback = "8",
		.help = "stratified points before the search starts from the best of them" },
	{ .name = NULL },
};

bool region_moves(const struct space *space, const double *x, size_t i)
{
	const struct parameter *parameter = &space->parameters[i];

	return !parameter->categorical && parameter->n_values != 1 && !isnan(x[i]);
}

bool region_alike(const struct space *space, const double *a, const double *b)
{
	for (size_t i = 0; i < space->n; i++) {
		if (isnan(a[i]) != isnan(b[i]))
			return false;
		if (space->parameters[i].categorical && a[i] != b[i] && !isnan(a[i]))
			return false;
	}
	return true;
}

double region_distance(const struct space *space, const double *a, const double *b)
{
	double sum = 0;

	for (size_t i = 0; i < space->n; i++) {
		if (!region_moves(space, a, i) || isnan(b[i]))
			continue;
		double apart = parameter_to_unit(&space->parameters[i], a[i]) -
			       parameter_to_unit(&space->parameters[i], b[i]);
		sum += apart * apart;
	}
	return sqrt(sum);
}

bool region_tag_read(const struct trial *trial, uint64_t fingerprint, struct region_tag *tag)
{
	struct bytes stored = arm_tag(trial);

	if (stored.size != sizeof(*tag))
		return false;
	memcpy(tag, stored.data, sizeof(*tag));
	return tag->fingerprint == fingerprint;
}

/* How a result changes the radius. Nothing is learnt of a region that has changed since: a failure
 * in a larger one, a success in a smaller one. A failure that the model was not sure of makes the
 * region no smaller than the step was, for the model knows better now. On a plateau, where nothing
 * differs, the region widens. */
static void take_result(
	struct region_state *state, const struct region_tag *tag, const struct trial *trial)
{
	struct rank rank = rank_of(state->view, trial);
	bool sound = rank.tier == TIER_FEASIBLE;
	double share = -1;

	if (tag->kind != REGION_STEP)
		return;
	if (sound && tag->decrease > 0)
		share = (tag->level - rank.score) / tag->decrease;
	if (sound && rank.score == tag->level) {
		state->radius = fmin(GROW * state->radius, state->options.radius);
	} else if (share < POOR) {
		double factor = tag->doubt > UNSURE * tag->decrease ? 1 : SHRINK;
		double tried = fmin(tag->length * tag->radius, state->radius);
		if (tag->radius <= SAME * state->radius)
			state->radius = fmax(factor * tried, SHRINK_LEAST * state->radius);
	} else if (share >= GOOD && tag->length >= FULL && SAME * tag->radius >= state->radius) {
		state->radius = fmin(GROW * tag->radius, state->options.radius);
	}
}

/* The best result that the run may stand on. */
static void find_centre(struct region_state *state, int64_t known)
{
	const struct view *view = state->view;
	const struct space *space = view->spec->space;
	const struct trial *old = view_trial(view, known), *best = NULL;
	struct rank best_rank = { 0 };

	if (old && (!old->x || !trial_ended(old)))
		old = NULL;
	for (size_t i = 0; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		struct region_tag tag;

		if (!trial->x)
			continue;
		struct rank rank = rank_of(view, trial);
		if (rank.tier == TIER_FAILED || (best && !rank_better(&rank, &best_rank)))
			continue;
		bool own =
			region_tag_read(trial, state->fingerprint, &tag) && tag.run == state->run;
		bool near = old && region_alike(space, old->x, trial->x) &&
			    region_distance(space, old->x, trial->x) <= 2 * state->radius;
		if (state->run > 0 && !own && !near && trial != old)
			continue;
		best = trial;
		best_rank = rank;
	}
	state->centre = best;
	if (!old || !best || best == old)
		return;
	/* A jump to where another had been: nothing is known of the radius there. */
	double jump = region_distance(space, old->x, best->x);
	if (jump > 2 * state->radius || !region_alike(space, old->x, best->x))
		state->radius = fmin(state->options.radius, fmax(state->radius, 0.5 * jump));
}

void region_state_fold(struct region_state *state, const struct view *view)
{
	const struct option_set *options = &view->spec->tuner_options;
	struct region_tag tag = { .centre = -1 };
	struct key128 key;
	size_t newest = view->n_trials, i = view->n_finished;

	*state = (struct region_state){ .view = view };
	state->options.radius = option_real(options, "radius");
	state->options.radius_min = option_real(options, "radius_min");
	state->options.startup = option_int(options, "startup");
	key_init(&key, MAGIC);
	key_mix(&key, view->spec->space->n);
	state->fingerprint = key.low;
	while (newest > 0 && !region_tag_read(&view->trials[newest - 1], state->fingerprint, &tag))
		newest--;
	if (newest == 0)
		tag = (struct region_tag){ .centre = -1, .radius = state->options.radius };
	state->run = tag.run;
	state->radius = tag.radius;
	state->consumed = tag.consumed;
	while (i > 0 && view->trials[view->finished[i - 1]].ended_version > tag.consumed)
		i--;
	for (; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		struct region_tag own;

		state->consumed = trial->ended_version;
		if (region_tag_read(trial, state->fingerprint, &own) && own.run == state->run)
			take_result(state, &own, trial);
	}
	find_centre(state, tag.centre);
}

/* Does the trial lie apart from the centres of all runs? Every tag names one. */
static bool lies_apart(const struct region_state *state, const struct trial *trial)
{
	const struct view *view = state->view;
	const struct space *space = view->spec->space;
	double radius = APART * sqrt((double)space->n);
	int64_t last = -1;

	for (size_t i = 0; i < view->n_trials; i++) {
		const struct trial *centre;
		struct region_tag tag;

		if (!region_tag_read(&view->trials[i], state->fingerprint, &tag) ||
			tag.centre == last)
			continue;
		last = tag.centre;
		centre = view_trial(view, last);
		if (centre && centre->x && region_alike(space, centre->x, trial->x) &&
			region_distance(space, centre->x, trial->x) < radius)
			return false;
	}
	return true;
}

void region_state_restart(struct region_state *state)
{
	const struct view *view = state->view;
	struct rank best_rank = { 0 };

	state->run++;
	state->radius = state->options.radius;
	state->centre = NULL;
	for (size_t i = 0; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		struct rank rank;

		if (!trial->x)
			continue;
		rank = rank_of(view, trial);
		if (rank.tier == TIER_FAILED ||
			(state->centre && !rank_better(&rank, &best_rank)) ||
			!lies_apart(state, trial))
			continue;
		state->centre = trial;
		best_rank = rank;
	}
}
