/*
 * Grid search over nested spaces.
 *
 * Order: epoch after epoch; within one, the parameters are the digits of a counter in declaration
 * order, the last active one fastest; inactive ones have no digit. Epoch e has the fine axes'
 * levels 1 to e (grid_axis.h) and skips the points that earlier epochs had, those where no fine
 * axis is at level e. So a space of choices and short integer ranges is walked exactly once, in
 * epoch 1, and a continuous one coarsely at first.
 *
 * The place of the walk is that of the last point this tuner proposed. Its tag says in which epoch
 * and under which version of the spec; after an edit the walk starts again and passes over what it
 * has seen. Infeasible, equivalent and seen points are passed over anyway.
 */
#include <math.h>
#include <string.h>

#include "algorithms/tuners/grid_axis.h"
#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/unique.h"

/* Points in a row that may not be handed out and were not handed out before: a few seconds. */
#define FRUITLESS_LIMIT (1u << 22)

struct grid_tag {
	uint64_t spec_version;
	uint64_t epoch;
};

struct grid {
	const struct space *space;
	unsigned epoch;
	double *x;
	struct grid_place *places;
	size_t last_fine; /* index of the last fine axis; space->n: there is none */
};

/* Axes from first on take their first place, as far as they are active. */
static void grid_reset(struct grid *grid, size_t first)
{
	const struct space *space = grid->space;

	for (size_t i = first; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];

		grid->x[i] = (double)NAN;
		if (!space_active(space, grid->x, i))
			continue;
		/* Level 1 is never empty. */
		(void)grid_axis_first(parameter, 1, grid->epoch, &grid->places[i]);
		grid->x[i] = grid_axis_value(parameter, &grid->places[i]);
	}
}

/* The next epoch that has anything new, at its first point; false: there is none. */
static bool grid_next_epoch(struct grid *grid)
{
	struct grid_place place;

	while (grid->epoch < GRID_LEVELS) {
		grid->epoch++;
		for (size_t i = 0; i < grid->space->n; i++) {
			const struct parameter *parameter = &grid->space->parameters[i];

			if (!grid_axis_fine(parameter) ||
				!grid_axis_first(parameter, grid->epoch, grid->epoch, &place))
				continue;
			grid_reset(grid, 0);
			return true;
		}
	}
	return false;
}

/* The counter's next state within the epoch; false after the last. */
static bool grid_count(struct grid *grid)
{
	for (size_t i = grid->space->n; i-- > 0;) {
		const struct parameter *parameter = &grid->space->parameters[i];

		if (isnan(grid->x[i]) || !grid_axis_next(parameter, grid->epoch, &grid->places[i]))
			continue;
		grid->x[i] = grid_axis_value(parameter, &grid->places[i]);
		grid_reset(grid, i + 1);
		return true;
	}
	return false;
}

/* Had an earlier epoch the point? */
static bool grid_old(const struct grid *grid)
{
	if (grid->epoch == 1)
		return false;
	for (size_t i = 0; i < grid->space->n; i++)
		if (!isnan(grid->x[i]) && grid->places[i].level == grid->epoch)
			return false;
	return true;
}

/* The point is old. If no fine axis can follow the last active one, all points up to the one where
 * that axis comes to the epoch's level are old too: go there at once. */
static bool grid_leap(struct grid *grid)
{
	size_t i = grid->last_fine;
	struct grid_place place;

	if (i == grid->space->n || isnan(grid->x[i]))
		return grid_count(grid);
	if (!grid_axis_first(&grid->space->parameters[i], grid->epoch, grid->epoch, &place)) {
		/* Nothing new in the rest of this axis: let the one before it move on. */
		for (size_t j = i; j < grid->space->n; j++)
			grid->x[j] = (double)NAN;
		return grid_count(grid);
	}
	grid->places[i] = place;
	grid->x[i] = grid_axis_value(&grid->space->parameters[i], &place);
	grid_reset(grid, i + 1);
	return true;
}

/* One step; false: the walk is over. */
static bool grid_step(struct grid *grid)
{
	bool more = grid_old(grid) ? grid_leap(grid) : grid_count(grid);

	return more || grid_next_epoch(grid);
}

/* Where the tuner's last proposal left the walk; false: at the start. */
static bool grid_resume(struct grid *grid, const struct view *view)
{
	const struct space *space = grid->space;
	struct grid_tag tag;

	for (size_t t = view->n_trials; t-- > 0;) {
		const struct trial *trial = &view->trials[t];

		if (trial->origin != ORIGIN_TUNER || trial->tag.size != sizeof(tag))
			continue;
		memcpy(&tag, trial->tag.data, sizeof(tag));
		if (tag.spec_version != view->counts.spec_version || !trial->x || tag.epoch < 1 ||
			tag.epoch > GRID_LEVELS)
			return false;
		grid->epoch = (unsigned)tag.epoch;
		for (size_t i = 0; i < space->n; i++) {
			grid->x[i] = trial->x[i];
			if (!isnan(trial->x[i]))
				grid_axis_locate(
					&space->parameters[i], trial->x[i], &grid->places[i]);
		}
		return true;
	}
	return false;
}

static int grid_start(
	const struct view *view, struct arena *arena, double *x, struct grid *grid, bool *resumed)
{
	const struct space *space = view->spec->space;

	*grid = (struct grid){ .space = space, .epoch = 1, .x = x, .last_fine = space->n };
	grid->places = arena_array(arena, space->n ? space->n : 1, sizeof(*grid->places));
	if (!grid->places)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < space->n; i++)
		if (grid_axis_fine(&space->parameters[i]))
			grid->last_fine = i;
	*resumed = grid_resume(grid, view);
	if (!*resumed)
		grid_reset(grid, 0);
	return 0;
}

/* From where the walk stands to the first point that may be handed out. */
static int grid_seek(const struct view *view, struct grid *grid, bool step_first, struct error *err)
{
	struct key128 key;
	uint32_t fruitless = 0;

	for (bool more = !step_first || grid_step(grid); more; more = grid_step(grid)) {
		if (grid_old(grid))
			continue;
		if (unique_fresh(view, grid->x))
			return 0;
		space_key(grid->space, grid->x, &key);
		if (!key_set_has(&view->seen, &key) && ++fruitless == FRUITLESS_LIMIT)
			return fail(err, CODE_EXHAUSTED,
				"the next %u grid points break the constraints", fruitless);
	}
	return fail(err, CODE_EXHAUSTED, "every grid point has been tried");
}

static int grid_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	struct grid_tag tag;
	struct grid grid;
	bool resumed;
	int code;

	(void)rng;
	if (grid_start(view, arena, out->x, &grid, &resumed) != 0)
		return fail(err, CODE_NO_MEMORY, "out of memory");
	code = grid_seek(view, &grid, resumed, err);
	if (code != 0)
		return code;
	tag = (struct grid_tag){ view->counts.spec_version, grid.epoch };
	out->tag.data = arena_copy(arena, &tag, sizeof(tag));
	out->tag.size = sizeof(tag);
	if (!out->tag.data)
		return fail(err, CODE_NO_MEMORY, "out of memory");
	out->arm = "grid";
	return 0;
}

const struct tuner tuner_gridsearch = {
	.algorithm = {
		.name = "gridsearch",
		.aliases = "GridSearch|grid",
		.summary = "Every point of a finite space, in order; of continuous parameters the "
			   "median, then ever finer bisections.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE | TUNER_OWN_ORDER,
	},
	.ask = grid_ask,
};
