#include "algorithms/tuners/pbt_explore.h"

#include <math.h>

static double grid_neighbour(const struct parameter *parameter, double value, bool up)
{
	if (parameter->n_values == 0)
		return parameter_quantise(
			parameter, up ? value + parameter->q : value - parameter->q);
	uint64_t k = parameter_index(parameter, value);
	if (up ? k + 1 == parameter->n_values : k == 0)
		return value;
	return parameter_value(parameter, up ? k + 1 : k - 1);
}

static double numeric_step(const struct parameter *parameter, double value, double factor, bool up)
{
	double sign = up ? 1 : -1;
	double reach = parameter->normal ? parameter->sigma
		       : parameter->log	 ? log(parameter->high) - log(parameter->low)
					 : parameter->high - parameter->low;
	bool scales =
		!parameter->normal && value != 0 && (parameter->low >= 0 || parameter->high <= 0);

	if (parameter->log)
		return exp(log(value) + sign * factor * reach);
	return scales ? value * (1 + sign * factor) : value + sign * factor * reach;
}

static double step(const struct parameter *parameter, double value, double factor, struct rng *rng)
{
	if (parameter->n_values == 1)
		return value;
	if (parameter->categorical) {
		uint64_t k = rng_below(rng, parameter->n_values - 1);
		return parameter_value(parameter, k + (k >= parameter_index(parameter, value)));
	}
	bool up = rng_below(rng, 2) == 1;
	if (parameter->n_options > 0)
		return grid_neighbour(parameter, value, up);
	double next = parameter_quantise(parameter, numeric_step(parameter, value, factor, up));
	bool on_grid = parameter->q > 0 || parameter->n_values > 0;
	return next == value && on_grid ? grid_neighbour(parameter, value, up) : next;
}

/* Does parameter i hang on one that is not what it was? */
static bool is_unsettled(const struct space *space, const double *from, const double *x, size_t i)
{
	const struct parameter *parameter = &space->parameters[i];

	for (size_t c = 0; c < parameter->n_conditions; c++) {
		int parent = parameter->conditions[c].parent;
		if (!(x[parent] == from[parent]))
			return true;
	}
	return false;
}

void explore_from(const struct explore *explore, const struct space *space, const double *from,
	struct rng *rng, double *x)
{
	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];

		x[i] = (double)NAN;
		if (!space_active(space, x, i))
			continue;
		bool draw = rng_uniform(rng) < explore->resample || isnan(from[i]) ||
			    is_unsettled(space, from, x, i);
		x[i] = draw ? parameter_from_unit(parameter, rng_uniform_open(rng))
			    : step(parameter, from[i], explore->factor, rng);
	}
}
