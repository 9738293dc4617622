/* The trust-region subproblem, against known answers and against many guesses. */
#include "algorithms/tuners/trustregion_step.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "core/rng.h"

#include <cmocka.h>

#define D_MAX 8

static const double far_low[D_MAX] = { -9, -9, -9, -9, -9, -9, -9, -9 };
static const double far_high[D_MAX] = { 9, 9, 9, 9, 9, 9, 9, 9 };
static const struct region_box no_box = { far_low, far_high };

static void solve(size_t d, const double *g, const double *h, const struct region_box *box,
	double length, double *s)
{
	struct arena arena;

	arena_init(&arena, 0);
	assert_int_equal(region_step(d, g, h, box, length, s, &arena), 0);
	arena_release(&arena);
}

static double value_at(size_t d, const double *g, const double *h, const double *s)
{
	double sum = 0;

	for (size_t i = 0; i < d; i++) {
		sum += g[i] * s[i];
		for (size_t j = 0; j < d; j++)
			sum += 0.5 * h[i * d + j] * s[i] * s[j];
	}
	return sum;
}

static double norm(size_t d, const double *s)
{
	double sum = 0;

	for (size_t i = 0; i < d; i++)
		sum += s[i] * s[i];
	return sqrt(sum);
}

static void assert_step(const double *s, double a, double b)
{
	if (fabs(s[0] - a) > 1e-6 || fabs(s[1] - b) > 1e-6)
		fail_msg("(%g, %g) is not (%g, %g)", s[0], s[1], a, b);
}

static void test_known(void **state)
{
	static const double bowl[4] = { 2, 0, 0, 4 }, flat[4] = { 0 }, saddle[4] = { -2, 0, 0, 1 };
	static const double tilt[2] = { -1, 1 }, plain[2] = { -3, 4 }, aside[2] = { 0, 1 };
	double s[2];

	(void)state;
	solve(2, tilt, bowl, &no_box, 1, s); /* inside */
	assert_step(s, 0.5, -0.25);
	solve(2, plain, flat, &no_box, 2, s); /* downhill as far as it goes */
	assert_step(s, 1.2, -1.6);
	/* The hard case: no slope along the direction of negative curvature. */
	solve(2, aside, saddle, &no_box, 1, s);
	assert_true(fabs(fabs(s[0]) - sqrt(8) / 3) < 1e-6 && fabs(s[1] + 1 / 3.0) < 1e-6);
	solve(2, flat, flat, &no_box, 1, s);
	assert_true(norm(2, s) <= 1 + 1e-9);
}

static void test_box(void **state)
{
	static const double flat[4] = { 0 }, slope[2] = { -1, -0.1 }, low[2] = { -1, 0 };
	static const double high[2] = { 0.25, 0 }, corner[2] = { 0, 0 };
	const struct region_box narrow = { low, high }, point = { corner, corner };
	double s[2];

	(void)state;
	solve(2, slope, flat, &narrow, 1, s);
	assert_step(s, 0.25, 0);
	solve(2, slope, flat, &point, 1, s); /* in a corner with nowhere to go */
	assert_step(s, 0, 0);
}

/* Random problems, curved either way: no feasible guess is better; without a box the step is the
 * least up to rounding, with one it is feasible and goes down. */
static void test_against_guesses(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 4, RNG_TEST, 1);
	for (int round = 0; round < 200; round++) {
		size_t d = 1 + (size_t)round % D_MAX;
		double g[D_MAX], h[D_MAX * D_MAX], s[D_MAX], guess[D_MAX], low[D_MAX], high[D_MAX];
		const struct region_box box = { low, high };
		double size = pow(10, 4 * rng_uniform(&rng) - 2);

		for (size_t i = 0; i < d; i++) {
			g[i] = rng_normal(&rng);
			low[i] = -rng_uniform(&rng);
			high[i] = rng_uniform(&rng);
			for (size_t j = 0; j <= i; j++)
				h[i * d + j] = h[j * d + i] = size * rng_normal(&rng);
		}
		solve(d, g, h, &no_box, 1, s);
		double least = value_at(d, g, h, s);
		assert_true(norm(d, s) <= 1 + 1e-6);
		for (int k = 0; k < 300; k++) {
			for (size_t i = 0; i < d; i++)
				guess[i] = rng_normal(&rng);
			double scale = rng_uniform(&rng) / norm(d, guess);
			for (size_t i = 0; i < d; i++)
				guess[i] *= scale;
			assert_true(value_at(d, g, h, guess) >= least - 1e-6 * (1 + size));
		}
		solve(d, g, h, &box, 1, s);
		assert_true(norm(d, s) <= 1 + 1e-6);
		assert_true(value_at(d, g, h, s) <= 1e-9 * (1 + size));
		for (size_t i = 0; i < d; i++)
			assert_true(s[i] >= low[i] && s[i] <= high[i]);
	}
}

static void test_memory(void **state)
{
	static const double g[2] = { 1, 1 }, h[4] = { 1, 0, 0, 1 };
	struct arena arena;
	double s[2];

	(void)state;
	arena_init(&arena, 16);
	assert_int_equal(region_step(2, g, h, &no_box, 1, s, &arena), CODE_NO_MEMORY);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_box),
		cmocka_unit_test(test_against_guesses),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests_name("trustregion_step", tests, NULL, NULL);
}
