#include "algorithms/tuners/sobol.h"

#include <assert.h>
#include <math.h>

#include "algorithms/tuners/sobol_directions.h"
#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/unique.h"

void sobol_directions(size_t dimension, size_t n, uint32_t *v)
{
	uint32_t polynomial, m[SOBOL_DEGREE];
	size_t degree;

	assert(dimension < SOBOL_DIMENSIONS && n <= SOBOL_BITS);
	if (dimension == 0) { /* van der Corput: the bits of the index, mirrored */
		for (size_t k = 0; k < n; k++)
			v[k] = 1u << (SOBOL_BITS - 1 - k);
		return;
	}
	degree = sobol_initial(dimension, &polynomial, m);
	for (size_t k = 0; k < n && k < degree; k++)
		v[k] = m[k] << (SOBOL_BITS - 1 - k);
	for (size_t k = degree; k < n; k++) {
		v[k] = v[k - degree] ^ (v[k - degree] >> degree);
		for (size_t i = 1; i < degree; i++)
			if (polynomial >> (degree - i) & 1u)
				v[k] ^= v[k - i];
	}
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xFF51AFD7ED558CCDu;
	x ^= x >> 33;
	x *= 0xC4CEB9FE1A85EC53u;
	return x ^ (x >> 33);
}

/* Bit b is flipped by the hash of the node its higher bits lead to: node 1 is the root, 2i and
 * 2i + 1 are the children of i. */
static uint32_t scramble(uint32_t value, uint64_t key)
{
	uint32_t flips = 0;

	for (unsigned b = 0; b < SOBOL_BITS; b++) {
		uint64_t node = ((uint64_t)1 << b) | ((uint64_t)value >> (SOBOL_BITS - b));
		flips |= (uint32_t)(mix(key ^ mix(node)) & 1u) << (SOBOL_BITS - 1 - b);
	}
	return value ^ flips;
}

double sobol_point(uint64_t seed, size_t dimension, uint64_t index)
{
	uint32_t v[SOBOL_BITS];
	uint32_t value = 0;
	size_t n = 0;
	struct rng rng;

	assert(index >> SOBOL_BITS == 0);
	while (index >> n)
		n++;
	sobol_directions(dimension, n, v);
	for (size_t k = 0; k < n; k++)
		if (index >> k & 1u)
			value ^= v[k];
	rng_init(&rng, seed, RNG_SCRAMBLE, dimension);
	return ldexp((double)scramble(value, rng_u64(&rng)) + 0.5, -SOBOL_BITS);
}

/* The point's number is the trial's, so that suggestions made at the same time never share one.
 * Parameters with one value get no dimension: the first dimensions are the best. A point that is
 * taken or not allowed is shifted at random, modulo 1; tuner_ask, which then asks again with
 * another stream, gets another shift. */
static int sobol_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	const struct space *space = view->spec->space;
	double *u = arena_array(arena, space->n ? space->n : 1, sizeof(*u));
	size_t dimension = 0;

	if (!u)
		return fail(err, CODE_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < space->n; i++)
		u[i] = space->parameters[i].n_values == 1
			       ? 0.5
			       : sobol_point(view->spec->seed, dimension++, view->n_trials);
	space_from_unit(space, u, out->x);
	out->arm = "sobol";
	if (unique_fresh(view, out->x))
		return 0;
	for (size_t i = 0; i < space->n; i++)
		u[i] = fmod(u[i] + rng_uniform_open(rng), 1.0);
	space_from_unit(space, u, out->x);
	out->arm = "shifted";
	return 0;
}

const struct tuner tuner_sobol = {
	.algorithm = {
		.name = "sobol",
		.aliases = "qmc",
		.summary = "Scrambled Sobol points: they fill the space more evenly than random ones.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE,
	},
	.ask = sobol_ask,
};
