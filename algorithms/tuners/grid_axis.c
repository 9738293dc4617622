#include "algorithms/tuners/grid_axis.h"

#include <math.h>

bool grid_axis_fine(const struct parameter *parameter)
{
	if (parameter->n_options > 0 || parameter->categorical)
		return false;
	return parameter->n_values == 0 || parameter->n_values > GRID_WHOLE;
}

double grid_axis_value(const struct parameter *parameter, const struct grid_place *place)
{
	if (place->level == 0)
		return parameter_value(parameter, place->at);
	return parameter_from_unit(parameter, ldexp((double)place->at, -(int)place->level));
}

/* Are there values strictly between those at left / 2^level and right / 2^level? The ends of the
 * unit interval are no values: beyond them lies nothing, and what is there counts as between. */
static bool values_between(
	const struct parameter *parameter, unsigned level, uint64_t left, uint64_t right)
{
	bool at_low = left == 0, at_high = right == (uint64_t)1 << level;
	double a, b;

	if (parameter->q == 0)
		return true;
	a = parameter_from_unit(parameter, ldexp((double)left, -(int)level));
	b = parameter_from_unit(parameter, ldexp((double)right, -(int)level));
	if (parameter->n_values > 0) {
		uint64_t first = at_low ? 0 : parameter_index(parameter, a) + 1;
		uint64_t end = at_high ? parameter->n_values : parameter_index(parameter, b);
		return first < end;
	}
	/* Countless, but on a grid: the normal family. */
	return at_low || at_high || b - a > 1.5 * parameter->q;
}

/* Has no lower level the value at this place? Its neighbours on the lower levels are the ones half
 * a step away on either side, and values ascend. */
static bool place_new(const struct parameter *parameter, const struct grid_place *place)
{
	uint64_t end = (uint64_t)1 << place->level;
	double value;

	if (parameter->q == 0)
		return true;
	value = grid_axis_value(parameter, place);
	if (place->at > 1 && parameter_from_unit(parameter,
				     ldexp((double)(place->at - 1), -(int)place->level)) == value)
		return false;
	return place->at + 1 >= end ||
	       parameter_from_unit(parameter, ldexp((double)(place->at + 1), -(int)place->level)) !=
		       value;
}

/* The end, in steps of this place's level, of the widest interval of a lower level that holds the
 * place and has no values left to find; 0 if every one has. Skipping it keeps a sparse level cheap.
 */
static uint64_t barren_end(const struct parameter *parameter, const struct grid_place *place)
{
	for (unsigned level = 1; level < place->level; level++) {
		unsigned shift = place->level - level;
		uint64_t left = place->at >> shift;

		if (!values_between(parameter, level, left, left + 1))
			return (left + 1) << shift;
	}
	return 0;
}

/* From place on, which may not be new, to one that is; on its level only. */
static bool level_seek(const struct parameter *parameter, struct grid_place *place)
{
	uint64_t end = (uint64_t)1 << place->level;

	while (place->at < end) {
		if (place_new(parameter, place))
			return true;
		uint64_t skip = barren_end(parameter, place);
		place->at = skip > place->at ? skip + 1 : place->at + 2;
	}
	return false;
}

bool grid_axis_first(const struct parameter *parameter, unsigned lowest, unsigned epoch,
	struct grid_place *place)
{
	if (!grid_axis_fine(parameter)) {
		*place = (struct grid_place){ 0, 0 };
		return true;
	}
	for (unsigned level = lowest ? lowest : 1; level <= epoch; level++) {
		*place = (struct grid_place){ level, 1 };
		if (level_seek(parameter, place))
			return true;
	}
	return false;
}

bool grid_axis_next(const struct parameter *parameter, unsigned epoch, struct grid_place *place)
{
	if (place->level == 0)
		return ++place->at < parameter->n_values;
	place->at += 2;
	return level_seek(parameter, place) ||
	       grid_axis_first(parameter, place->level + 1, epoch, place);
}

/* Quantised: halves the interval until the middle has the value. Continuous: the middle nearest to
 * its unit coordinate, the first one that is as near as rounding can tell. */
void grid_axis_locate(const struct parameter *parameter, double value, struct grid_place *place)
{
	const double rounding = 0x1p-40; /* far below the last level's spacing, far above 2^-53 */

	if (!grid_axis_fine(parameter)) {
		*place = (struct grid_place){ 0, parameter_index(parameter, value) };
		return;
	}
	*place = (struct grid_place){ 1, 1 };
	double unit = parameter_to_unit(parameter, value);
	while (place->level < GRID_LEVELS) {
		double middle = ldexp((double)place->at, -(int)place->level);
		double here = parameter_from_unit(parameter, middle);

		if (here == value || (parameter->q == 0 && fabs(middle - unit) < rounding))
			return;
		place->at = here < value ? 2 * place->at + 1 : 2 * place->at - 1;
		place->level++;
	}
}
