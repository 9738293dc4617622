#include "algorithms/analysis/importance.h"

#include <math.h>

static bool has_one_value(const struct parameter *parameter)
{
	if (parameter->n_options)
		return parameter->n_options == 1;
	return !parameter->normal &&
	       (parameter->n_values == 1 || !(parameter->low < parameter->high));
}

struct importance_axis importance_axis_of(const struct parameter *parameter)
{
	struct importance_axis axis = { .dropped = has_one_value(parameter) };
	bool integer = parameter->type == TYPE_INT || parameter->type == TYPE_RANDINT;

	if (parameter->categorical)
		axis.n_options = (uint32_t)parameter->n_options;
	else if (parameter->n_options || (integer && !parameter->log))
		axis.n_values = parameter->n_values;
	return axis;
}

double importance_coordinate(const struct parameter *parameter, double value)
{
	if (isnan(value) || parameter->categorical)
		return value;
	return parameter_to_unit(parameter, value);
}

bool importance_init(struct importance *out, size_t d, struct arena *arena)
{
	*out = (struct importance){ .share = arena_array(arena, d ? d : 1, sizeof(double)) };
	return out->share != NULL;
}

void importance_normalise(double *share, size_t d)
{
	double sum = 0;

	for (size_t j = 0; j < d; j++)
		sum += share[j];
	for (size_t j = 0; j < d && sum > 0; j++)
		share[j] /= sum;
}
