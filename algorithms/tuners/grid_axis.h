/*
 * One parameter as the grid walks it: an ordered list of values, coarse before fine.
 *
 *   whole   categorical, ordinal, and countable with at most GRID_WHOLE values: every value,
 *           ascending, all from the first epoch on;
 *   fine    the others: level 1 is the median, level l the values at the odd multiples of 2^-l of
 *           the unit interval that no lower level has. Epoch e walks levels 1 to e. Where values
 *           are quantised, levels end by having each of them once.
 *
 * The ends of a continuous range are never reached, as in NNI, whose GridSearch bisects the same
 * way. Levels end at GRID_LEVELS: what lies between two neighbours there has a mass below 2^-31.
 */
#ifndef ALGORITHMS_TUNERS_GRID_AXIS_H
#define ALGORITHMS_TUNERS_GRID_AXIS_H

#include <stdbool.h>

#include "core/space.h"

#define GRID_WHOLE  64
#define GRID_LEVELS 31

/* A place in the list. whole: level 0, at is the value's index. fine: the value at at / 2^level, at
 * odd. */
struct grid_place {
	unsigned level;
	uint64_t at;
};

bool grid_axis_fine(const struct parameter *parameter);

/* The first place; of a fine axis among those of level lowest or above, up to epoch. False: there
 * is none. */
bool grid_axis_first(const struct parameter *parameter, unsigned lowest, unsigned epoch,
	struct grid_place *place);

/* The next place, levels up to epoch; false after the last. */
bool grid_axis_next(const struct parameter *parameter, unsigned epoch, struct grid_place *place);

double grid_axis_value(const struct parameter *parameter, const struct grid_place *place);

/* The place of a value that grid_axis_value gave (of any other, one near it). */
void grid_axis_locate(const struct parameter *parameter, double value, struct grid_place *place);

#endif
