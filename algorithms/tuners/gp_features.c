#include "algorithms/tuners/gp_features.h"

#include <math.h>

size_t gp_features_count(const struct space *space)
{
	size_t d = 0;

	for (size_t j = 0; j < space->n; j++) {
		struct axis axis;
		axis_init(&axis, &space->parameters[j], false);
		d += axis.kind != AXIS_DROPPED;
	}
	return d;
}

int gp_features_init(struct gp_features *features, const struct space *space, struct arena *arena)
{
	size_t room = space->n ? space->n : 1;
	struct axis *axes = arena_array(arena, room, sizeof(*axes));
	uint32_t *parameter = arena_array(arena, room, sizeof(*parameter));
	unsigned char *category = arena_array(arena, room, 1);

	if (!axes || !parameter || !category)
		return CODE_NO_MEMORY;
	*features = (struct gp_features){ .space = space,
		.axes = axes,
		.parameter = parameter,
		.category = category,
		.discrete = true };
	for (size_t j = 0; j < space->n; j++) {
		axis_init(&axes[j], &space->parameters[j], false);
		features->conditional |= space->parameters[j].n_conditions > 0;
		if (axes[j].kind == AXIS_DROPPED)
			continue;
		parameter[features->d] = (uint32_t)j;
		category[features->d] = axes[j].kind == AXIS_CATEGORICAL;
		features->d++;
		features->discrete &= space->parameters[j].n_values > 0;
	}
	return 0;
}

void gp_features_encode(const struct gp_features *features, const double *x, double *z)
{
	for (size_t i = 0; i < features->d; i++) {
		size_t j = features->parameter[i];
		if (features->category[i])
			z[i] = isnan(x[j]) ? 0 : x[j];
		else
			z[i] = isnan(x[j])
				       ? 0.5
				       : parameter_to_unit(&features->space->parameters[j], x[j]);
	}
}

void gp_features_decode(const struct gp_features *features, const double *z, double *x)
{
	size_t i = 0;

	for (size_t j = 0; j < features->space->n; j++) {
		const struct parameter *parameter = &features->space->parameters[j];
		bool dropped = features->axes[j].kind == AXIS_DROPPED;
		double value = dropped ? 0 : z[i];

		if (dropped)
			value = axis_only_value(&features->axes[j]);
		else if (features->category[i])
			value = parameter_quantise(parameter, value);
		else
			value = parameter_from_unit(parameter, value);
		x[j] = space_active(features->space, x, j) ? value : (double)NAN;
		i += !dropped;
	}
}

double gp_feature_of_unit(const struct gp_features *features, size_t i, double u)
{
	if (!features->category[i])
		return u;
	return parameter_from_unit(&features->space->parameters[features->parameter[i]], u);
}

uint64_t gp_feature_values(const struct gp_features *features, size_t i)
{
	return features->space->parameters[features->parameter[i]].n_values;
}

bool gp_feature_smooth(const struct gp_features *features, size_t i)
{
	uint64_t values = gp_feature_values(features, i);

	return !features->category[i] && (values == 0 || values > GP_FEW_VALUES);
}
