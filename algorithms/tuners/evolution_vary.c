#include "algorithms/tuners/evolution_vary.h"

#include <math.h>

#define REDRAWS 16 /* a draw that came out the same is tried again; then one step will do */

/* The normal family has no values at the ends of the unit interval. */
#define UNIT_MARGIN 1e-9

static double unit_clip(double u)
{
	return fmin(fmax(u, UNIT_MARGIN), 1.0 - UNIT_MARGIN);
}

/* Polynomial mutation, bounded: density falls as (1 - |step|)^eta, and no mass is lost beyond 0 and
 * 1. */
static double unit_mutate(double u, double eta, struct rng *rng)
{
	double r = rng_uniform_open(rng), power = 1.0 / (eta + 1.0);

	if (r < 0.5) {
		double mass = 2 * r + (1 - 2 * r) * pow(1 - u, eta + 1);
		return u + pow(mass, power) - 1;
	}
	double mass = 2 * (1 - r) + (2 * r - 1) * pow(u, eta + 1);
	return u + 1 - pow(mass, power);
}

/* The neighbour of value on the grid, on a random side where there is one. */
static double grid_neighbour(const struct parameter *parameter, double value, struct rng *rng)
{
	bool up = rng_below(rng, 2) == 1;

	if (parameter->n_values == 0)
		return parameter_quantise(
			parameter, up ? value + parameter->q : value - parameter->q);
	uint64_t k = parameter_index(parameter, value);
	if (k == 0)
		up = true;
	else if (k + 1 == parameter->n_values)
		up = false;
	return parameter_value(parameter, up ? k + 1 : k - 1);
}

static double numeric_mutate(
	const struct vary *vary, const struct parameter *parameter, double value, struct rng *rng)
{
	double u = unit_clip(parameter_to_unit(parameter, value));
	bool jump = rng_uniform(rng) < vary->jump;

	for (int i = 0; i < REDRAWS; i++) {
		double v = jump ? rng_uniform_open(rng) : unit_mutate(u, vary->eta, rng);
		double next = parameter_from_unit(parameter, unit_clip(v));
		if (next != value)
			return next;
		if (!jump && parameter->n_values > 0)
			break; /* the grid is coarse: do not favour the rare long step */
	}
	return parameter->q > 0 || parameter->n_values > 0 ? grid_neighbour(parameter, value, rng)
							   : value;
}

/* Another value: any other option alike, or a step. */
static double parameter_mutate(
	const struct vary *vary, const struct parameter *parameter, double value, struct rng *rng)
{
	if (!parameter->categorical)
		return numeric_mutate(vary, parameter, value, rng);
	uint64_t k = rng_below(rng, parameter->n_values - 1);
	if (k >= parameter_index(parameter, value))
		k++;
	return parameter_value(parameter, k);
}

/* Active, and with a choice. */
static bool is_mutable(const struct space *space, const double *x, size_t i)
{
	return !isnan(x[i]) && space->parameters[i].n_values != 1;
}

/* A mutable parameter, every one alike; space->n: there is none. */
static size_t mutable_pick(const struct space *space, const double *x, struct rng *rng)
{
	size_t picked = space->n;
	uint64_t n = 0;

	for (size_t i = 0; i < space->n; i++)
		if (is_mutable(space, x, i) && rng_below(rng, ++n) == 0)
			picked = i;
	return picked;
}

bool vary_mutate(const struct vary *vary, const struct space *space, struct rng *rng, double *x)
{
	size_t i = mutable_pick(space, x, rng);

	if (i == space->n)
		return false;
	x[i] = parameter_mutate(vary, &space->parameters[i], x[i], rng);
	space_complete(space, rng, x);
	return true;
}

bool vary_mutate_each(
	const struct vary *vary, const struct space *space, struct rng *rng, double *x)
{
	bool changed = false;
	double n = 0;

	for (size_t i = 0; i < space->n; i++)
		n += is_mutable(space, x, i);
	for (size_t i = 0; i < space->n; i++) {
		/* A change before it may have switched it off. */
		if (!is_mutable(space, x, i) || !space_active(space, x, i))
			continue;
		if (rng_uniform(rng) * n >= 1)
			continue;
		x[i] = parameter_mutate(vary, &space->parameters[i], x[i], rng);
		changed = true;
	}
	if (changed)
		space_complete(space, rng, x);
	return changed;
}

/* ---- crossover ---- */

/* A child of two points of the unit interval, near one or the other. */
static double unit_blend(double a, double b, double eta, struct rng *rng)
{
	double low = fmin(a, b), high = fmax(a, b), gap = high - low, power = 1 / (eta + 1);
	bool upper = rng_below(rng, 2) == 1;
	double r = rng_uniform_open(rng);

	if (!(gap > 0))
		return a;
	double reach = 1 + 2 * (upper ? 1 - high : low) / gap; /* the spread that meets the end */
	double mass = 2 - pow(reach, -(eta + 1));
	double spread = r * mass <= 1 ? pow(r * mass, power) : pow(1 / (2 - r * mass), power);
	return 0.5 * (low + high + (upper ? spread : -spread) * gap);
}

static double numeric_blend(const struct parameter *parameter, double mother, double father,
	double eta, struct rng *rng)
{
	if (mother == father)
		return mother;
	double a = unit_clip(parameter_to_unit(parameter, mother));
	double b = unit_clip(parameter_to_unit(parameter, father));
	return parameter_from_unit(parameter, unit_clip(unit_blend(a, b, eta, rng)));
}

/* eta NaN: no blending. */
static void cross(const struct space *space, struct rng *rng, double eta, const double *mother,
	const double *father, double *x)
{
	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];
		bool first = rng_below(rng, 2) == 0;
		bool blend = !isnan(eta) && !first && !parameter->categorical;
		double value = first ? mother[i] : father[i];

		if (isnan(value))
			value = first ? father[i] : mother[i];
		x[i] = (double)NAN;
		if (!space_active(space, x, i))
			continue;
		/* Neither may have it: the parents' branches, taken together, open a third. */
		if (isnan(value))
			x[i] = parameter_from_unit(parameter, rng_uniform_open(rng));
		else if (blend && !isnan(mother[i]) && !isnan(father[i]))
			x[i] = numeric_blend(parameter, mother[i], father[i], eta, rng);
		else
			x[i] = value;
	}
}

void vary_cross(const struct space *space, struct rng *rng, const double *mother,
	const double *father, double *x)
{
	cross(space, rng, (double)NAN, mother, father, x);
}

void vary_recombine(const struct space *space, struct rng *rng, double eta, const double *mother,
	const double *father, double *x)
{
	cross(space, rng, eta, mother, father, x);
}
