#include "algorithms/analysis/importance.h"

#include <math.h>

#include "core/error.h"

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

static double loss_of(const struct view *view, const struct trial *trial, size_t k)
{
	if (trial->state != TRIAL_SUCCEEDED || !trial->values)
		return (double)NAN;
	return objective_loss(&view->spec->objectives[k], trial->values[k]);
}

static bool counts(const struct view *view, const struct trial *trial, size_t k, bool results_only)
{
	return trial->x && (!results_only || isfinite(loss_of(view, trial, k)));
}

static int gather_axes(
	const struct space *space, struct arena *arena, struct importance_points *out)
{
	struct importance_axis *axes = arena_array(arena, space->n + 1, sizeof(*axes));
	const char **addresses = arena_array(arena, space->n + 1, sizeof(*addresses));

	if (!axes || !addresses)
		return CODE_NO_MEMORY;
	for (size_t j = 0; j < space->n; j++) {
		axes[j] = importance_axis_of(&space->parameters[j]);
		addresses[j] = arena_strdup(arena, space->parameters[j].address);
		if (!addresses[j])
			return CODE_NO_MEMORY;
	}
	out->d = space->n;
	out->axes = axes;
	out->addresses = addresses;
	return 0;
}

int importance_gather(const struct view *view, size_t k, bool results_only, size_t most,
	struct arena *arena, struct importance_points *out)
{
	const struct space *space = view->spec->space;
	size_t all = 0, seen = 0, taken = 0;

	for (size_t i = 0; i < view->n_finished; i++)
		all += counts(view, &view->trials[view->finished[i]], k, results_only);
	size_t n = all < most ? all : most;
	double *u = arena_array(arena, n * space->n + 1, sizeof(*u));
	double *loss = arena_array(arena, n + 1, sizeof(*loss));
	bool *feasible = arena_array(arena, n + 1, sizeof(*feasible));

	*out = (struct importance_points){ .n = n, .u = u, .loss = loss, .feasible = feasible };
	if (!u || !loss || !feasible)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < view->n_finished && taken < n; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];

		if (!counts(view, trial, k, results_only) || seen++ != taken * all / n)
			continue;
		for (size_t j = 0; j < space->n; j++)
			u[taken * space->n + j] =
				importance_coordinate(&space->parameters[j], trial->x[j]);
		loss[taken] = loss_of(view, trial, k);
		feasible[taken++] = !(trial->violation > 0);
	}
	return gather_axes(space, arena, out);
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
