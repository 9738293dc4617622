#include "algorithms/analysis/hypervolume.h"
#include "core/error.h"
#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N 2001
#define M LIMIT_OBJECTIVES

static double data[N][M];
static const double *rows[N];
static const double ones[M] = { 1, 1, 1, 1, 1, 1, 1, 1 };
static const double tenths[M] = { 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1 };
static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < N; i++)
		rows[i] = data[i];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static double volume(size_t n, size_t m, const double *reference)
{
	double out = -1;

	arena_reset(&arena);
	assert_int_equal(hypervolume(rows, n, m, reference, 0, &arena, &out), 0);
	return out;
}

static void assert_near(double a, double b, double tolerance)
{
	if (!(fabs(a - b) <= tolerance))
		fail_msg("%.17g is not %.17g", a, b);
}

static void draw(struct rng *rng, size_t n, size_t m)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			data[i][k] = rng_uniform(rng);
}

/* Points of the positive part of the unit sphere about the reference 1: a front. */
static void draw_front(struct rng *rng, size_t n, size_t m)
{
	for (size_t i = 0; i < n; i++) {
		double square = 0;
		for (size_t k = 0; k < m; k++) {
			data[i][k] = fabs(rng_normal(rng));
			square += data[i][k] * data[i][k];
		}
		for (size_t k = 0; k < m; k++)
			data[i][k] = 1 - data[i][k] / sqrt(square);
	}
}

static void test_by_hand(void **state)
{
	(void)state;
	const double reference[] = { 3, 3, 3, 3, 3 };

	assert_true(volume(0, 2, reference) == 0);
	memcpy(data[0], (double[]){ 1, 2 }, 2 * sizeof(double));
	memcpy(data[1], (double[]){ 2, 1 }, 2 * sizeof(double));
	assert_true(volume(2, 2, reference) == 3);
	/* One point: a box; two that share all but one side. */
	for (size_t m = 1; m <= M; m++) {
		for (size_t k = 0; k < m; k++)
			data[0][k] = data[1][k] = 0.5;
		data[1][m - 1] = 0;
		assert_near(volume(1, m, ones), pow(0.5, (double)m), 1e-15);
		assert_near(volume(2, m, ones), pow(0.5, (double)m - 1), 1e-15);
	}
	/* Three boxes of sides 1 by 2 by 3, each way round: 3 x 6, less what they share. */
	const double boxes[3][3] = { { 2, 1, 0 }, { 0, 2, 1 }, { 1, 0, 2 } };
	memcpy(data[0], boxes[0], sizeof(boxes[0]));
	memcpy(data[1], boxes[1], sizeof(boxes[1]));
	memcpy(data[2], boxes[2], sizeof(boxes[2]));
	assert_true(volume(3, 3, reference) == 18 - 3 * 2 + 1);
}

/* On or beyond the reference in one objective: nothing. */
static void test_reference(void **state)
{
	(void)state;
	for (size_t m = 1; m <= 5; m++) {
		for (size_t k = 0; k < m; k++)
			data[0][k] = data[1][k] = data[2][k] = 0.5;
		data[1][m - 1] = 1;
		data[2][m - 1] = HUGE_VAL;
		data[2][0] = m > 1 ? -HUGE_VAL : HUGE_VAL;
		assert_near(volume(3, m, ones), pow(0.5, (double)m), 1e-15);
		data[1][m - 1] = -HUGE_VAL;
		assert_true(volume(3, m, ones) == HUGE_VAL);
	}
}

/* A fine grid of the front comes near to its known volume, from below. */
static void test_zdt(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		data[i][0] = (double)i / (N - 1);
		data[i][1] = 1 - sqrt(data[i][0]);
	}
	assert_near(volume(N, 2, tenths), 0.876667, 4e-4);
	assert_true(volume(N, 2, tenths) < 0.8766667);
	for (size_t i = 0; i < N; i++)
		data[i][1] = 1 - data[i][0] * data[i][0];
	assert_near(volume(N, 2, tenths), 0.543333, 4e-4);
	assert_true(volume(N, 2, tenths) < 0.5433334);
}

/* By inclusion and exclusion over all subsets: exact, and another way altogether. */
static double by_subsets(size_t n, size_t m)
{
	double sum = 0;

	for (uint32_t set = 1; set < 1u << n; set++) {
		double box = -1;
		for (size_t i = 0; i < n; i++)
			if (set >> i & 1)
				box = -box;
		for (size_t k = 0; k < m; k++) {
			double edge = 1;
			for (size_t i = 0; i < n; i++)
				if (set >> i & 1)
					edge = fmin(edge, 1 - data[i][k]);
			box *= edge;
		}
		sum += box;
	}
	return sum;
}

static void test_against_subsets(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 21, RNG_TEST, 0);
	for (size_t m = 1; m <= M; m++)
		for (size_t n = 1; n <= 9; n++) {
			draw(&rng, n, m);
			assert_near(volume(n, m, ones), by_subsets(n, m), 1e-12);
			draw_front(&rng, n, m);
			assert_near(volume(n, m, ones), by_subsets(n, m), 1e-12);
			/* Coarse, so that losses tie and points repeat. */
			for (size_t i = 0; i < n; i++)
				for (size_t k = 0; k < m; k++)
					data[i][k] = (double)rng_below(&rng, 3) / 3;
			assert_near(volume(n, m, ones), by_subsets(n, m), 1e-12);
		}
}

static void test_against_monte_carlo(void **state)
{
	enum { POINTS = 60, DRAWS = 40000 };
	struct rng rng;

	(void)state;
	rng_init(&rng, 22, RNG_TEST, 0);
	for (size_t m = 2; m <= 5; m++) {
		size_t inside = 0;

		draw_front(&rng, POINTS, m);
		double exact = volume(POINTS, m, ones);
		for (size_t i = 0; i < DRAWS; i++) {
			double x[M];
			bool covered = false;
			for (size_t k = 0; k < m; k++)
				x[k] = rng_uniform(&rng);
			for (size_t p = 0; p < POINTS && !covered; p++) {
				size_t k = 0;
				while (k < m && data[p][k] <= x[k])
					k++;
				covered = k == m;
			}
			inside += covered;
		}
		/* Within four standard errors. */
		assert_near(exact, (double)inside / DRAWS, 4 * sqrt(exact * (1 - exact) / DRAWS));
	}
}

/* Dominated and repeated points change nothing, nor does the order of points or objectives; a new
 * point of the front adds. */
static void test_what_changes_it(void **state)
{
	enum { POINTS = 25 };
	struct rng rng;

	(void)state;
	rng_init(&rng, 23, RNG_TEST, 0);
	for (size_t m = 1; m <= 6; m++) {
		draw_front(&rng, POINTS, m);
		double before = volume(POINTS, m, ones);
		for (size_t i = 0; i < POINTS; i++) {
			memcpy(data[POINTS + 2 * i], data[i], sizeof(data[i]));
			for (size_t k = 0; k < m; k++)
				data[POINTS + 2 * i + 1][k] =
					data[i][k] + 0.1 * rng_uniform(&rng) * (1 - data[i][k]);
		}
		assert_near(volume(3 * POINTS, m, ones), before, 1e-12);

		for (size_t i = 0; i < POINTS / 2; i++)
			for (size_t k = 0; k < m; k++) {
				double swap = data[i][k];
				data[i][k] = data[POINTS - 1 - i][k];
				data[POINTS - 1 - i][k] = swap;
			}
		for (size_t i = 0; i < POINTS; i++) {
			double first = data[i][0];
			memmove(data[i], data[i] + 1, (m - 1) * sizeof(double));
			data[i][m - 1] = first;
		}
		assert_near(volume(POINTS, m, ones), before, 1e-12);
		for (size_t k = 0; k < m; k++)
			data[POINTS][k] = data[0][k];
		data[POINTS][m - 1] -= 0.01;
		assert_true(volume(POINTS + 1, m, ones) > before);
	}
}

static void test_work(void **state)
{
	struct rng rng;
	double out = 7;

	(void)state;
	rng_init(&rng, 24, RNG_TEST, 0);
	for (size_t m = 4; m <= M; m++) {
		draw_front(&rng, 300, m);
		arena_reset(&arena);
		assert_int_equal(
			hypervolume(rows, 300, m, ones, 1000, &arena, &out), CODE_TOO_LARGE);
		assert_true(out == 7);
	}
	/* Enough for the fronts people have: a hundred points of five objectives. */
	draw_front(&rng, 100, 5);
	assert_int_equal(hypervolume(rows, 100, 5, ones, 10000000, &arena, &out), 0);
	assert_near(out, volume(100, 5, ones), 0);
}

static void test_no_memory(void **state)
{
	struct rng rng;
	double out = 7;

	(void)state;
	rng_init(&rng, 25, RNG_TEST, 0);
	draw_front(&rng, 50, 5);
	int code = CODE_NO_MEMORY;
	for (size_t limit = 64; code == CODE_NO_MEMORY && limit < 1u << 20; limit *= 2) {
		struct arena small;
		arena_init(&small, limit);
		code = hypervolume(rows, 50, 5, ones, 0, &small, &out);
		assert_true(code == CODE_NO_MEMORY ? out == 7 : code == 0);
		arena_release(&small);
	}
	assert_int_equal(code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_zdt),
		cmocka_unit_test(test_against_subsets),
		cmocka_unit_test(test_against_monte_carlo),
		cmocka_unit_test(test_what_changes_it),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests_name("hypervolume", tests, setup, teardown);
}
