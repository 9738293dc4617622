#include "algorithms/tuners/gp_candidates.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/sobol.h"
#include "algorithms/tuners/unique.h"

#define BEST_POINTS	5
#define NEAR_WIDTH	0.05  /* standard deviations of a neighbour's step, */
#define NEARER_WIDTH	0.005 /* of every other one */
#define BOX_COORDINATES 20.0  /* of a box's centre that a point moves, on average */

bool gp_settle(const struct gp_features *features, double *z, double *x)
{
	gp_features_decode(features, z, x);
	gp_features_encode(features, x, z);
	return space_feasible(features->space, x);
}

bool gp_exchange(const struct gp_features *features, size_t i, double value, struct rng *rng,
	double *z, double *x)
{
	size_t j = features->parameter[i];
	const struct parameter *parameter = &features->space->parameters[j];

	if (isnan(x[j]))
		return false;
	x[j] = features->category[i] ? value : parameter_from_unit(parameter, value);
	space_complete(features->space, rng, x);
	gp_features_encode(features, x, z);
	return space_feasible(features->space, x);
}

/* Takes the point in the last row in, if it may be proposed. */
static void take(struct gp_candidates *candidates, const struct view *view,
	const struct gp_features *features, double *x)
{
	double *z = candidates->z + candidates->n * candidates->d;

	if (!gp_settle(features, z, x))
		return;
	if (features->discrete && !unique_fresh(view, x))
		return;
	candidates->n++;
}

/* Coordinate i of Sobol point number k + 1 from that of number k: Gray code (Antonov and Saleev,
 * 1979), which changes the order of the points but not the set of the first 2^m. */
static void advance(uint32_t *state, const uint32_t *directions, size_t d, size_t k)
{
	size_t bit = 0;

	for (size_t word = ~k; !(word & 1u); word >>= 1)
		bit++;
	for (size_t i = 0; i < d; i++)
		state[i] ^= directions[i * SOBOL_BITS + bit];
}

/* Within the box: u stretched over its side, or, for coordinates left alone, the centre. */
static double into_box(const struct gp_features *features, const struct gp_box *box, size_t i,
	double u, struct rng *rng)
{
	double share = fmin(1, BOX_COORDINATES / (double)features->d);
	double centre = box->centre[i];

	if (rng_uniform(rng) >= share)
		return centre;
	if (features->category[i])
		return rng_uniform(rng) < 0.5 ? centre : gp_feature_of_unit(features, i, u);
	double low = fmax(0, centre - box->half_side[i]);
	double high = fmin(1, centre + box->half_side[i]);
	return low + u * (high - low);
}

static int add_spread(struct gp_candidates *candidates, const struct view *view,
	const struct gp_features *features, const struct gp_box *box, size_t n, struct rng *rng,
	double *x, struct arena *arena)
{
	size_t d = features->d;
	uint32_t *directions = arena_array(arena, d * SOBOL_BITS, sizeof(*directions));
	uint32_t *state = arena_array(arena, d, sizeof(*state));

	if (!directions || !state)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < d; i++) {
		sobol_directions(i, SOBOL_BITS, directions + i * SOBOL_BITS);
		state[i] = rng_u32(rng); /* a random digital shift */
	}
	for (size_t k = 0; k < n; k++) {
		double *z = candidates->z + candidates->n * d;
		for (size_t i = 0; i < d; i++) {
			double u = ldexp((double)state[i] + 0.5, -SOBOL_BITS);
			z[i] = box ? into_box(features, box, i, u, rng)
				   : gp_feature_of_unit(features, i, u);
		}
		take(candidates, view, features, x);
		advance(state, directions, d, k);
	}
	return 0;
}

/* Another value of feature i than z has there. */
static double neighbour(
	const struct gp_features *features, size_t i, double z, double width, struct rng *rng)
{
	double values = (double)gp_feature_values(features, i);

	if (features->category[i]) {
		double other = (double)rng_below(rng, (uint64_t)values - 1);
		return other + (other >= z);
	}
	if (!gp_feature_smooth(features, i))
		return fmin(fmax(z + (rng_u32(rng) & 1u ? 1 : -1) / values, 0), 1);
	for (int tries = 0; tries < 8; tries++) {
		double moved = z + width * rng_normal(rng);
		if (moved >= 0 && moved <= 1)
			return moved;
	}
	return rng_uniform_open(rng);
}

static void add_near(struct gp_candidates *candidates, const struct view *view,
	const struct gp_features *features, const double *centre, size_t n, struct rng *rng,
	double *x)
{
	size_t d = features->d;

	for (size_t k = 0; k < n; k++) {
		double *z = candidates->z + candidates->n * d;
		double width = k % 2 ? NEARER_WIDTH : NEAR_WIDTH;
		size_t i = rng_below(rng, d);

		memcpy(z, centre, d * sizeof(*z));
		gp_features_decode(features, z, x);
		if (gp_exchange(features, i, neighbour(features, i, z[i], width, rng), rng, z, x))
			take(candidates, view, features, x);
	}
}

/* The next point of a finite space, the last parameter fastest; false after the last. */
static bool next_point(const struct space *space, double *x)
{
	for (size_t i = space->n; i-- > 0;) {
		const struct parameter *parameter = &space->parameters[i];
		uint64_t k = isnan(x[i]) ? 0 : parameter_index(parameter, x[i]) + 1;

		if (isnan(x[i]) || k >= parameter->n_values)
			continue;
		x[i] = parameter_value(parameter, k);
		for (size_t j = i + 1; j < space->n; j++)
			x[j] = space_active(space, x, j) ? parameter_value(&space->parameters[j], 0)
							 : (double)NAN;
		return true;
	}
	return false;
}

static void enumerate(struct gp_candidates *candidates, const struct view *view,
	const struct gp_features *features, double *x)
{
	const struct space *space = features->space;

	for (size_t j = 0; j < space->n; j++)
		x[j] = space_active(space, x, j) ? parameter_value(&space->parameters[j], 0)
						 : (double)NAN;
	do {
		gp_features_encode(features, x, candidates->z + candidates->n * features->d);
		candidates->n += unique_fresh(view, x);
	} while (candidates->n < GP_ENUMERATED_MAX && next_point(space, x));
}

int gp_candidates_init(struct gp_candidates *candidates, const struct view *view,
	const struct gp_features *features, const struct gp_data *data, const struct gp_box *box,
	size_t spread, size_t near, struct rng *rng, struct arena *arena)
{
	const struct space *space = features->space;
	bool all = features->discrete && space->count > 0 && space->count <= GP_ENUMERATED_MAX;
	size_t room = (all ? GP_ENUMERATED_MAX : spread + BEST_POINTS * near) + 1;
	double *x = arena_array(arena, space->n, sizeof(*x));
	uint32_t *order = arena_array(arena, data->n + 1, sizeof(*order));

	*candidates = (struct gp_candidates){ .d = features->d,
		.z = arena_array(arena, room * features->d, sizeof(double)) };
	if (!x || !order || !candidates->z)
		return CODE_NO_MEMORY;
	if (all) {
		enumerate(candidates, view, features, x);
		return 0;
	}
	int code = add_spread(candidates, view, features, box, spread, rng, x, arena);
	gp_order(data->y, data->n, order);
	for (size_t b = 0; b < BEST_POINTS && b < data->n && code == 0; b++)
		add_near(candidates, view, features, data->z + order[b] * data->d, near, rng, x);
	return code;
}
