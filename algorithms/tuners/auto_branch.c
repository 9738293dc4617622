#include "algorithms/tuners/auto_branch.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/gp_features.h"
#include "algorithms/tuners/gp_model.h"
#include "algorithms/tuners/tuner_rank.h"

#define FIRST_TURNS   6 /* and PER_PARAMETER more: trials of every branch before any falls back */
#define PER_PARAMETER 4
#define HOPE	      2.0  /* times what the second half brought: a branch so far behind may win */
#define LEAST	      0.25 /* of the best branch's trials */
#define MODEL_BYTES   65536

/* ---- the choice ---- */

static bool activated(const struct parameter *parameter, int parent, uint32_t option)
{
	for (size_t c = 0; c < parameter->n_conditions; c++) {
		const struct condition *condition = &parameter->conditions[c];
		bool named = false;

		for (size_t k = 0; k < condition->n; k++)
			named |= condition->options[k] == option;
		if (condition->parent == parent && !named)
			return false;
	}
	return true;
}

/* Parameters that are active with some options of the parent and not with others. */
static size_t count_below(const struct space *space, int parent)
{
	size_t n = 0;

	for (size_t i = (size_t)parent + 1; i < space->n; i++)
		for (size_t c = 0; c < space->parameters[i].n_conditions; c++)
			n += space->parameters[i].conditions[c].parent == parent;
	return n;
}

int branch_parameter(const struct view *view)
{
	const struct space *space = view->spec->space;
	size_t most = 0;
	int found = -1;

	if (space->n_constraints > 0 || space->canonical || view->n_trials > BRANCH_TRIALS)
		return -1;
	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];
		size_t below = 0;

		if (parameter->categorical && parameter->n_conditions == 0 &&
			parameter->n_options > 1 && parameter->n_options <= BRANCHES_MAX)
			below = count_below(space, (int)i);
		if (below > most) {
			most = below;
			found = (int)i;
		}
	}
	return found;
}

/* ---- whose turn ---- */

struct standing {
	size_t trials, results; /* trials: pending ones too */
	double best, halfway;	/* losses: now, and after half of the results */
	size_t first_turns;
};

static void count_trials(const struct view *view, int parameter, struct standing *standings)
{
	const struct space *space = view->spec->space;

	for (size_t k = 0; k < space->parameters[parameter].n_options; k++) {
		standings[k] = (struct standing){ .best = HUGE_VAL, .halfway = HUGE_VAL };
		standings[k].first_turns = FIRST_TURNS;
		for (size_t i = 0; i < space->n; i++) {
			const struct parameter *below = &space->parameters[i];
			if (below->n_values != 1 && (int)i != parameter &&
				activated(below, parameter, (uint32_t)k))
				standings[k].first_turns += PER_PARAMETER;
		}
	}
	for (size_t i = 0; i < view->n_trials; i++) {
		const struct trial *trial = &view->trials[i];
		if (trial->x && trial->state != TRIAL_CANCELLED)
			standings[(size_t)trial->x[parameter]].trials++;
		if (trial->x && trial_ended(trial) && trial->state != TRIAL_CANCELLED)
			standings[(size_t)trial->x[parameter]].results++;
	}
}

static void follow_results(const struct view *view, int parameter, struct standing *standings)
{
	size_t seen[BRANCHES_MAX] = { 0 };

	for (size_t i = 0; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];

		if (!trial->x || trial->state == TRIAL_CANCELLED)
			continue;
		size_t k = (size_t)trial->x[parameter];
		struct rank rank = rank_of(view, trial);
		if (rank.tier == TIER_FEASIBLE)
			standings[k].best = fmin(standings[k].best, rank.score);
		if (2 * ++seen[k] <= standings[k].results)
			standings[k].halfway = standings[k].best;
	}
}

/* The share of the best branch's trials that this one is worth. */
static double worth(const struct standing *standing, double best)
{
	double behind = standing->best - best;

	if (standing->results < standing->first_turns || !(behind > 0))
		return 1;
	if (!isfinite(standing->best) || !isfinite(best))
		return isfinite(standing->halfway - standing->best) ? 1 : LEAST;
	return fmin(fmax(HOPE * (standing->halfway - standing->best) / behind, LEAST), 1);
}

uint32_t branch_choose(const struct view *view, int parameter)
{
	size_t n = view->spec->space->parameters[parameter].n_options;
	struct standing standings[BRANCHES_MAX];
	double best = HUGE_VAL, least = HUGE_VAL;
	uint32_t chosen = 0;

	count_trials(view, parameter, standings);
	follow_results(view, parameter, standings);
	for (size_t k = 0; k < n; k++)
		best = fmin(best, standings[k].best);
	for (size_t k = 0; k < n; k++) {
		double turns = (double)standings[k].trials / worth(&standings[k], best);
		if (turns < least) {
			least = turns;
			chosen = (uint32_t)k;
		}
	}
	return chosen;
}

/* ---- the space of a branch ---- */

/* Its conditions but those on the choice; false: it is not in the branch. places: of the whole
 * space's parameters in the branch, -1 outside. */
static int set_conditions(struct parameter *parameter, int choice, const int *places,
	struct arena *arena, bool *inside)
{
	struct condition *kept = arena_array(arena, parameter->n_conditions + 1, sizeof(*kept));
	size_t n = 0;

	if (!kept)
		return CODE_NO_MEMORY;
	for (size_t c = 0; c < parameter->n_conditions; c++) {
		const struct condition *condition = &parameter->conditions[c];

		if (condition->parent == choice)
			continue;
		*inside = *inside && places[condition->parent] >= 0;
		kept[n] = *condition;
		kept[n++].parent = places[condition->parent];
	}
	parameter->conditions = kept;
	parameter->n_conditions = n;
	return 0;
}

/* Points, as core/space.h has it. */
static void count_points(struct space *space)
{
	bool known = true;

	space->finite = true;
	space->count = 1;
	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];

		space->finite = space->finite && parameter->n_values > 0;
		known = known && parameter->n_conditions == 0 && parameter->n_values > 0 &&
			space->count <= UINT64_MAX / parameter->n_values;
		if (known)
			space->count *= parameter->n_values;
	}
	if (!known)
		space->count = 0;
}

static int set_space(struct branch *branch, struct arena *arena)
{
	const struct space *whole = branch->whole->spec->space;
	struct parameter *parameters = arena_array(arena, whole->n, sizeof(*parameters));
	uint32_t *origin = arena_array(arena, whole->n, sizeof(*origin));
	int *places = arena_array(arena, whole->n, sizeof(*places));
	size_t n = 0;

	if (!parameters || !origin || !places)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < whole->n; i++) {
		bool inside = (int)i != branch->parameter &&
			      activated(&whole->parameters[i], branch->parameter, branch->option);

		places[i] = -1;
		parameters[n] = whole->parameters[i];
		parameters[n].owner = parameters[n].next = -1;
		if (inside && set_conditions(&parameters[n], branch->parameter, places, arena,
				      &inside) != 0)
			return CODE_NO_MEMORY;
		if (!inside)
			continue;
		places[i] = (int)n;
		origin[n++] = (uint32_t)i;
	}
	branch->origin = origin;
	branch->space = (struct space){ .n = n, .parameters = parameters, .first = -1 };
	count_points(&branch->space);
	return 0;
}

/* ---- its history ---- */

static int set_point(struct branch *branch, struct trial *trial, struct arena *arena)
{
	const double *whole_x = trial->x;
	double *x = arena_array(arena, branch->space.n + 1, sizeof(*x));

	if (!x)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < branch->space.n; i++)
		x[i] = whole_x[branch->origin[i]];
	trial->x = x;
	space_key(&branch->space, x, &trial->key);
	return key_set_add(&branch->view.seen, &trial->key);
}

static void leave_out(struct trial *trial)
{
	trial->x = NULL;
	trial->state = TRIAL_CANCELLED;
	trial->tag = (struct bytes){ NULL, 0 };
}

static int set_trials(struct branch *branch, struct arena *arena)
{
	const struct view *whole = branch->whole;
	struct view *view = &branch->view;
	int code = 0;

	view->trials = arena_array(arena, whole->n_trials + 1, sizeof(*view->trials));
	view->finished = arena_array(arena, whole->n_finished + 1, sizeof(*view->finished));
	if (!view->trials || !view->finished)
		return CODE_NO_MEMORY;
	memset(view->counts.by_state, 0, sizeof(view->counts.by_state));
	for (size_t i = 0; i < whole->n_trials && code == 0; i++) {
		struct trial *trial = &view->trials[i];

		*trial = whole->trials[i];
		if (trial->x && trial->x[branch->parameter] == (double)branch->option)
			code = set_point(branch, trial, arena);
		else
			leave_out(trial);
		view->counts.by_state[trial->state]++;
	}
	view->n_finished = 0;
	for (size_t i = 0; i < whole->n_finished; i++)
		if (view->trials[whole->finished[i]].x)
			view->finished[view->n_finished++] = whole->finished[i];
	return code;
}

int branch_init(struct branch *branch, const struct view *whole, int parameter, uint32_t option,
	struct arena *arena)
{
	*branch = (struct branch){ .view = *whole,
		.spec = *whole->spec,
		.whole = whole,
		.parameter = parameter,
		.option = option };
	branch->view.spec = &branch->spec;
	branch->spec.space = &branch->space;
	branch->spec.limits.max_trials = 0; /* which of them are the branch's is not known */
	key_set_init(&branch->view.seen);
	int code = set_space(branch, arena);
	if (code == 0)
		code = set_trials(branch, arena);
	if (code != 0)
		branch_release(branch);
	return code;
}

void branch_release(struct branch *branch)
{
	key_set_release(&branch->view.seen);
}

bool branch_exhausted(const struct branch *branch)
{
	return branch->space.count > 0 && branch->view.seen.n >= branch->space.count;
}

void branch_embed(const struct branch *branch, const double *x, double *whole_x)
{
	for (size_t i = 0; i < branch->whole->spec->space->n; i++)
		whole_x[i] = (double)NAN;
	whole_x[branch->parameter] = branch->option;
	for (size_t i = 0; i < branch->space.n; i++)
		whole_x[branch->origin[i]] = x[i];
}

/* ---- the model ---- */

/* The set of the whole space's features, without those outside. */
static void project(const struct gp_features *whole, const struct gp_features *part,
	const struct branch *branch, const double *theta, double *out)
{
	size_t k = 0;

	for (size_t i = 0; i < part->d; i++) {
		while (whole->parameter[k] != branch->origin[part->parameter[i]])
			k++;
		out[i] = theta[k];
	}
	out[part->d] = theta[whole->d];
	out[part->d + 1] = theta[whole->d + 1];
}

bool branch_model(const struct branch *branch, const struct model *whole, struct model *out,
	struct arena *arena)
{
	struct gp_features all, part;
	struct buffer bytes;
	bool done = false;

	if (whole->bytes.size == 0 ||
		gp_features_init(&all, branch->whole->spec->space, arena) != 0 ||
		gp_features_init(&part, &branch->space, arena) != 0)
		return false;
	double *thetas = arena_array(arena, GP_MODEL_SETS * (all.d + 2), sizeof(*thetas));
	double *projected = arena_array(arena, GP_MODEL_SETS * (part.d + 2), sizeof(*projected));
	if (!thetas || !projected)
		return false;
	buffer_init(&bytes, MODEL_BYTES);
	for (size_t sets = 1; sets <= GP_MODEL_SETS && !done; sets++) {
		if (!gp_model_read(&whole->bytes, sets, all.d, thetas))
			continue;
		for (size_t s = 0; s < sets; s++)
			project(&all, &part, branch, thetas + s * (all.d + 2),
				projected + s * (part.d + 2));
		gp_model_write(projected, sets, part.d, &bytes);
		*out = *whole;
		out->bytes.data = arena_copy(arena, bytes.data, bytes.size);
		out->bytes.size = bytes.size;
		done = !bytes.failed && out->bytes.data;
	}
	buffer_release(&bytes);
	return done;
}
