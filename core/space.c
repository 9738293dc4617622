#include "core/space.h"

#include <math.h>
#include <string.h>

#include "core/canonical.h"
#include "core/constraint.h"
#include "core/limits.h"
#include "core/space_internal.h"

int space_find(const struct space *space, const char *address)
{
	for (size_t i = 0; i < space->n; i++)
		if (strcmp(space->parameters[i].address, address) == 0)
			return (int)i;
	return -1;
}

bool condition_holds(const struct condition *condition, const struct parameter *parent, double x)
{
	if (isnan(x))
		return false;
	uint64_t option = parent->n_options > 0 ? (uint64_t)x : parameter_index(parent, x);
	size_t low = 0, high = condition->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (condition->options[middle] < option)
			low = middle + 1;
		else
			high = middle;
	}
	return low < condition->n && condition->options[low] == option;
}

bool space_active(const struct space *space, const double *x, size_t i)
{
	const struct parameter *p = &space->parameters[i];
	for (size_t c = 0; c < p->n_conditions; c++) {
		const struct condition *condition = &p->conditions[c];
		int parent = condition->parent;
		if (!condition_holds(condition, &space->parameters[parent], x[parent]))
			return false;
	}
	return true;
}

void space_complete(const struct space *space, struct rng *rng, double *x)
{
	for (size_t i = 0; i < space->n; i++) {
		if (!space_active(space, x, i))
			x[i] = (double)NAN;
		else if (isnan(x[i]))
			x[i] = parameter_from_unit(&space->parameters[i], rng_uniform_open(rng));
	}
}

void space_sample(const struct space *space, struct rng *rng, double *x)
{
	for (size_t i = 0; i < space->n; i++)
		x[i] = (double)NAN;
	space_complete(space, rng, x);
}

int space_sample_feasible(const struct space *space, struct rng *rng, double *x)
{
	for (size_t draw = 0; draw < LIMIT_FEASIBLE_DRAWS; draw++) {
		space_sample(space, rng, x);
		if (space_feasible(space, x))
			return 0;
	}
	return CODE_EXHAUSTED;
}

/* Parameters from first on take their lowest value, as far as they are active. */
static void lowest_set(const struct space *space, size_t first, double *x)
{
	for (size_t i = first; i < space->n; i++)
		x[i] = space_active(space, x, i) ? parameter_value(&space->parameters[i], 0)
						 : (double)NAN;
}

void space_first(const struct space *space, double *x)
{
	lowest_set(space, 0, x);
}

/* A point is a number in mixed radix: one digit per active parameter, the last fastest. */
bool space_next(const struct space *space, double *x)
{
	for (size_t i = space->n; i-- > 0;) {
		const struct parameter *p = &space->parameters[i];
		if (isnan(x[i]))
			continue;
		uint64_t digit = parameter_index(p, x[i]) + 1;
		if (digit >= p->n_values)
			continue;
		x[i] = parameter_value(p, digit);
		lowest_set(space, i + 1, x);
		return true;
	}
	lowest_set(space, 0, x);
	return false;
}

void space_default(const struct space *space, double *x)
{
	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *p = &space->parameters[i];
		if (!space_active(space, x, i))
			x[i] = (double)NAN;
		else if (!isnan(p->fallback))
			x[i] = p->fallback;
		else
			x[i] = p->categorical ? 0.0 : parameter_from_unit(p, 0.5);
	}
}

bool space_feasible(const struct space *space, const double *x)
{
	for (size_t c = 0; c < space->n_constraints; c++)
		if (!constraint_holds(&space->constraints[c], space, x))
			return false;
	return true;
}

bool space_contains(const struct space *space, const double *x)
{
	for (size_t i = 0; i < space->n; i++) {
		bool present = !isnan(x[i]);
		if (present != space_active(space, x, i))
			return false;
		if (present && parameter_quantise(&space->parameters[i], x[i]) != x[i])
			return false;
	}
	return true;
}

void space_to_unit(const struct space *space, const double *x, double *u)
{
	for (size_t i = 0; i < space->n; i++)
		u[i] = isnan(x[i]) ? 0.5 : parameter_to_unit(&space->parameters[i], x[i]);
}

void space_from_unit(const struct space *space, const double *u, double *x)
{
	for (size_t i = 0; i < space->n; i++)
		x[i] = space_active(space, x, i) ? parameter_from_unit(&space->parameters[i], u[i])
						 : (double)NAN;
}

void space_value_key(const struct space *space, const double *x, struct key128 *key)
{
	key_init(key, space->n);
	for (size_t i = 0; i < space->n; i++) {
		if (canonical_covers(space->canonical, i))
			continue;
		/* One NaN stands for all, and 0 for -0. */
		double value = isnan(x[i]) ? (double)NAN : x[i] + 0.0;
		uint64_t bits;
		memcpy(&bits, &value, sizeof(bits));
		key_mix(key, bits);
	}
	canonical_key(space->canonical, space, x, key);
}

void space_key(const struct space *space, const double *x, struct key128 *key)
{
	if (!space->identity || !space->identity->key(space->identity->context, x, key))
		space_value_key(space, x, key);
}

bool space_canonical_ok(const struct space *space, const double *x)
{
	struct key128 key;
	return canonical_holds(space->canonical, space, x) &&
	       (!space->identity || space->identity->key(space->identity->context, x, &key));
}
