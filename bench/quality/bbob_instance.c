/* Where the instances of the BBOB functions come from: optimum, value and rotations. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "bench/quality/bbob.h"
#include "bench/quality/bbob_transform.h"
#include "core/rng.h"

enum draw { DRAW_OPTIMUM, DRAW_VALUE, DRAW_R, DRAW_Q, DRAW_PEAKS, DRAWS };

/* Each part of an instance has a stream of its own; the dimension has no say in its name. */
static void stream(struct rng *rng, const struct bbob *b, unsigned instance, enum draw draw)
{
	rng_init(rng, instance, RNG_TEST, (uint64_t)b->function * DRAWS + draw);
}

static double between(struct rng *rng, double low, double high)
{
	return low + (high - low) * rng_uniform(rng);
}

/* As COCO does it: a Cauchy variate times 100, to two decimals, at most 1000 either way. */
static double draw_value(struct rng *rng)
{
	double a = rng_normal(rng), b = rng_normal(rng);
	double value = round(10000 * a / b) / 100;

	return fmin(1000, fmax(-1000, value));
}

/* z = 1 at the optimum, where z = scale R x + 1/2. */
static void place_rotated(const struct bbob *b)
{
	double half[BBOB_DIMENSIONS], scale = fmax(1, sqrt((double)b->n) / 8);

	for (size_t i = 0; i < b->n; i++)
		half[i] = 0.5 / scale;
	bbob_rotate_back(b->n, b->r, half, b->x_opt);
}

/* The optimum is drawn in [-4,4]^n; some functions have it elsewhere. */
static void place_optimum(const struct bbob *b, struct rng *rng)
{
	double *x = b->x_opt;

	for (size_t i = 0; i < b->n; i++) {
		x[i] = between(rng, -4, 4);
		b->signs[i] = x[i] < 0 ? -1 : 1;
	}
	switch (b->function) {
	case 4: /* the hard half of the odd coordinates is the positive one */
		for (size_t i = 0; i < b->n; i += 2)
			x[i] = fabs(x[i]);
		break;
	case 5:
		for (size_t i = 0; i < b->n; i++)
			x[i] = 5 * b->signs[i];
		break;
	case 8:
		for (size_t i = 0; i < b->n; i++)
			x[i] *= 0.75;
		break;
	case 9:
	case 19:
		place_rotated(b);
		break;
	case 20:
		for (size_t i = 0; i < b->n; i++)
			x[i] = 4.2096874633 / 2 * b->signs[i];
		break;
	case 24:
		for (size_t i = 0; i < b->n; i++)
			x[i] = 2.5 / 2 * b->signs[i];
		break;
	default:
		break;
	}
}

/* The diagonal of C = Lambda^alpha / alpha^(1/4), its entries in random order. */
static void draw_shape(struct rng *rng, size_t n, double alpha, double *shape)
{
	uint32_t order[BBOB_DIMENSIONS];

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	rng_shuffle(rng, n, order);
	for (size_t i = 0; i < n; i++)
		shape[i] = pow(alpha, bbob_share(n, order[i]) / 2) / pow(alpha, 0.25);
}

/* f21: 101 peaks with centres in [-5,5]^n, f22: 21 in [-4.9,4.9]^n. The first is the highest, lies
 * within 0.8 of that, and has a condition of its own; the others share the rest of a ladder. */
static int draw_peaks(struct bbob *b, struct arena *arena, struct rng *rng)
{
	size_t n = b->n, others = b->function == 21 ? 100 : 20;
	double reach = b->function == 21 ? 5 : 4.9, first = b->function == 21 ? 1e3 : 1e6;
	uint32_t ladder[100];

	b->n_peaks = others + 1;
	b->peaks = arena_array(arena, b->n_peaks, sizeof(*b->peaks));
	double *memory = arena_array(arena, 2 * n * b->n_peaks, sizeof(*memory));
	if (!b->peaks || !memory)
		return -1;
	for (uint32_t k = 0; k < others; k++)
		ladder[k] = k;
	rng_shuffle(rng, others, ladder);
	for (size_t k = 0; k < b->n_peaks; k++, memory += 2 * n) {
		double y[BBOB_DIMENSIONS], side = k == 0 ? 0.8 * reach : reach;
		double rung = k == 0 ? 0 : 2 * (double)ladder[k - 1] / (double)(others - 1);

		for (size_t i = 0; i < n; i++)
			y[i] = between(rng, -side, side);
		if (k == 0)
			memcpy(b->x_opt, y, n * sizeof(*y));
		bbob_rotate(n, b->r, y, memory);
		draw_shape(rng, n, k == 0 ? first : pow(1000, rung), memory + n);
		b->peaks[k] = (struct bbob_peak){
			.height = k == 0 ? 10 : 1.1 + 8 * (double)(k - 1) / (double)(others - 1),
			.centre = memory,
			.shape = memory + n,
		};
	}
	return 0;
}

const struct bbob *bbob_new(struct arena *arena, unsigned function, size_t n, unsigned instance)
{
	struct bbob *b = arena_alloc(arena, sizeof(*b));
	struct rng rng;

	assert(function >= 1 && function <= BBOB_FUNCTIONS && n >= 2 && n <= BBOB_DIMENSIONS);
	double *memory = arena_array(arena, 2 * n * (n + 1), sizeof(*memory));
	if (!b || !memory)
		return NULL;
	*b = (struct bbob){ .function = function,
		.n = n,
		.x_opt = memory,
		.signs = memory + n,
		.r = memory + 2 * n,
		.q = memory + 2 * n + n * n };
	stream(&rng, b, instance, DRAW_R);
	bbob_rotation(&rng, n, b->r);
	stream(&rng, b, instance, DRAW_Q);
	bbob_rotation(&rng, n, b->q);
	stream(&rng, b, instance, DRAW_VALUE);
	b->f_opt = draw_value(&rng);
	stream(&rng, b, instance, DRAW_OPTIMUM);
	place_optimum(b, &rng);
	stream(&rng, b, instance, DRAW_PEAKS);
	if ((function == 21 || function == 22) && draw_peaks(b, arena, &rng) != 0)
		return NULL;
	return b;
}
