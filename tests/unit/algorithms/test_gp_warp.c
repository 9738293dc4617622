/* What a Gaussian process is told of the results. */
#include "algorithms/tuners/gp_warp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/rng.h"
#include "core/special.h"

#include <cmocka.h>

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

#define N 40

static void warp(const double *loss, size_t n, double *y)
{
	struct arena arena;

	arena_init(&arena, 0);
	assert_int_equal(gp_warp(loss, n, y, &arena), 0);
	arena_release(&arena);
}

static void draw(uint64_t seed, double *loss)
{
	struct rng rng;

	rng_init(&rng, seed, RNG_TEST, 0);
	for (size_t i = 0; i < N; i++)
		loss[i] = exp(2 * rng_normal(&rng));
}

/* Losses 1 to 5 by hand: the median is 3; the good are 0, 1, 2 in units of sqrt(5 / 3). */
static void test_by_hand(void **state)
{
	const double loss[5] = { 4, 2, 5, 1, 3 };
	double unit = sqrt(5.0 / 3), y[5];
	double expected[5] = { normal_quantile(0.3), 1 / unit, normal_quantile(0.1), 2 / unit, 0 };

	(void)state;
	warp(loss, 5, y);
	gp_standardise(expected, 5);
	for (int i = 0; i < 5; i++)
		assert_near(y[i], expected[i], 1e-12);
}

/* With an even number the median is between two values and none of them. */
static void test_even(void **state)
{
	const double loss[4] = { 1, 2, 4, 8 };
	double unit = sqrt((2.0 * 2 + 1 * 1) / 2), y[4];
	double expected[4] = { 2 / unit, 1 / unit, normal_quantile(0.375), normal_quantile(0.125) };

	(void)state;
	warp(loss, 4, y);
	gp_standardise(expected, 4);
	for (int i = 0; i < 4; i++)
		assert_near(y[i], expected[i], 1e-12);
}

static void test_standard(void **state)
{
	double loss[N], y[N], mean = 0, squares = 0;

	(void)state;
	draw(1, loss);
	warp(loss, N, y);
	for (size_t i = 0; i < N; i++) {
		mean += y[i] / N;
		squares += y[i] * y[i] / N;
		for (size_t j = 0; j < N; j++)
			if (loss[i] < loss[j])
				assert_true(y[i] > y[j]);
	}
	assert_near(mean, 0, 1e-12);
	assert_near(squares, 1, 1e-12);
}

static void test_scale_and_shift(void **state)
{
	static const double scales[] = { 1e-100, 3, 1e200 }, shifts[] = { 0, -5, 1e3 };
	double loss[N], other[N], y[N], z[N];

	(void)state;
	draw(2, loss);
	loss[7] = (double)NAN;
	warp(loss, N, y);
	for (size_t a = 0; a < 3; a++)
		for (size_t b = 0; b < 3; b++) {
			for (size_t i = 0; i < N; i++)
				other[i] = scales[a] * (loss[i] + shifts[b]);
			warp(other, N, z);
			for (size_t i = 0; i < N; i++)
				assert_near(z[i], y[i], 1e-9);
		}
}

/* The bad half counts by ranks: how bad the worst is does not matter. */
static void test_bad_half(void **state)
{
	double loss[N], y[N], z[N];
	size_t worst = 0;

	(void)state;
	draw(3, loss);
	for (size_t i = 1; i < N; i++)
		if (loss[i] > loss[worst])
			worst = i;
	warp(loss, N, y);
	loss[worst] = 1e9;
	warp(loss, N, z);
	for (size_t i = 0; i < N; i++)
		assert_near(z[i], y[i], 1e-6);
	loss[worst] = 1e300; /* the others are all but equal beside it, and still told apart */
	warp(loss, N, z);
	assert_true(isfinite(z[worst]));
	for (size_t i = 0; i < N; i++)
		assert_true(z[i] >= z[worst]);
}

static void test_failures(void **state)
{
	double loss[N], y[N], worst = HUGE_VAL;

	(void)state;
	draw(4, loss);
	loss[3] = loss[20] = (double)NAN;
	warp(loss, N, y);
	for (size_t i = 0; i < N; i++)
		if (!isnan(loss[i]))
			worst = fmin(worst, y[i]);
	assert_true(y[3] < worst);
	assert_true(y[3] == y[20]);
	assert_true(isfinite(y[3]));
}

static void test_infinite(void **state)
{
	double loss[6] = { 1, 2, 3, 4, HUGE_VAL, -HUGE_VAL }, y[6];

	(void)state;
	warp(loss, 6, y);
	assert_true(y[4] == y[3]);
	assert_true(y[5] == y[0]);
	for (int i = 0; i < 6; i++)
		assert_true(isfinite(y[i]));
}

static void test_nothing_to_tell(void **state)
{
	double same[4] = { 5, 5, 5, 5 }, failed[3] = { (double)NAN, (double)NAN, HUGE_VAL };
	double one[1] = { 7 }, half[4] = { 1, 1, 1, 9 }, y[4];

	(void)state;
	warp(same, 4, y);
	for (int i = 0; i < 4; i++)
		assert_true(y[i] == 0);
	warp(failed, 3, y);
	for (int i = 0; i < 3; i++)
		assert_true(y[i] == 0);
	warp(one, 1, y);
	assert_true(y[0] == 0);
	warp(half, 4, y); /* the good half is all the same, and better */
	assert_true(y[0] == y[1] && y[1] == y[2] && y[2] > y[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_even),
		cmocka_unit_test(test_standard),
		cmocka_unit_test(test_scale_and_shift),
		cmocka_unit_test(test_bad_half),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_infinite),
		cmocka_unit_test(test_nothing_to_tell),
	};
	return cmocka_run_group_tests_name("gp_warp", tests, NULL, NULL);
}
