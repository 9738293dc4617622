#include "algorithms/analysis/pareto.h"
#include "core/error.h"
#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N 200
#define M 5

static double data[N][M];
static const double *rows[N];
static uint32_t ranks[N], again[N];
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

/* levels > 0: that many different losses, so that there are ties and repeated points. */
static void draw(struct rng *rng, size_t n, size_t m, uint64_t levels)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			data[i][k] = levels ? (double)rng_below(rng, levels) : rng_uniform(rng);
}

static void test_dominates(void **state)
{
	const double a[] = { 1, 2, 3 }, b[] = { 1, 2, 4 }, c[] = { 0, 9, 0 };
	const double low[] = { -HUGE_VAL, 2, 3 }, high[] = { HUGE_VAL, 2, 3 };

	(void)state;
	assert_true(pareto_dominates(a, b, 3));
	assert_false(pareto_dominates(b, a, 3));
	assert_false(pareto_dominates(a, b, 2)); /* equal */
	assert_false(pareto_dominates(a, c, 3));
	assert_false(pareto_dominates(c, a, 3));
	assert_true(pareto_dominates(low, a, 3));
	assert_true(pareto_dominates(a, high, 3));
	assert_false(pareto_dominates(high, high, 3));
}

/* Peels one front after the other, by the definition. */
static void peel(size_t n, size_t m, uint32_t *out)
{
	size_t left = n;

	for (size_t i = 0; i < n; i++)
		out[i] = PARETO_UNRANKED;
	for (uint32_t front = 0; left > 0; front++) {
		size_t before = left;
		for (size_t i = 0; i < n; i++) {
			bool dominated = out[i] != PARETO_UNRANKED;
			for (size_t j = 0; j < n && !dominated; j++)
				dominated =
					out[j] >= front && pareto_dominates(rows[j], rows[i], m);
			if (dominated)
				continue;
			out[i] = front;
			left--;
		}
		assert_true(left < before);
	}
}

static void assert_peeled(size_t n, size_t m)
{
	static uint32_t want[N];

	peel(n, m, want);
	assert_int_equal(pareto_sort(rows, n, m, SIZE_MAX, 0, &arena, ranks), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ranks[i], want[i]);
}

static void test_sort_against_peeling(void **state)
{
	static const uint64_t levels[] = { 0, 2, 4, 40 };
	struct rng rng;

	(void)state;
	rng_init(&rng, 11, RNG_TEST, 0);
	for (size_t m = 1; m <= M; m++)
		for (size_t l = 0; l < 4; l++)
			for (size_t n = 0; n <= N; n = 3 * n + 1) {
				draw(&rng, n, m, levels[l]);
				assert_peeled(n, m);
			}
}

static void test_sort_infinite(void **state)
{
	static const double ends[] = { -HUGE_VAL, -1, 0, 1, HUGE_VAL };
	struct rng rng;

	(void)state;
	rng_init(&rng, 12, RNG_TEST, 0);
	for (size_t m = 1; m <= 3; m++) {
		for (size_t i = 0; i < 60; i++)
			for (size_t k = 0; k < m; k++)
				data[i][k] = ends[rng_below(&rng, 5)];
		assert_peeled(60, m);
	}
}

/* Only the order of losses counts. */
static void test_sort_invariant(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 13, RNG_TEST, 0);
	draw(&rng, N, 3, 0);
	assert_int_equal(pareto_sort(rows, N, 3, SIZE_MAX, 0, &arena, ranks), 0);
	for (size_t i = 0; i < N; i++) {
		data[i][0] = exp(20 * data[i][0]);
		data[i][1] = data[i][1] * data[i][1] * data[i][1] - 7;
		data[i][2] = log(data[i][2]);
	}
	assert_int_equal(pareto_sort(rows, N, 3, SIZE_MAX, 0, &arena, again), 0);
	assert_memory_equal(ranks, again, sizeof(ranks));
}

/* Whole fronts, as many as it takes; those beyond have no rank. */
static void test_sort_enough(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 14, RNG_TEST, 0);
	for (size_t m = 2; m <= 3; m++) {
		draw(&rng, N, m, 30);
		assert_int_equal(pareto_sort(rows, N, m, SIZE_MAX, 0, &arena, ranks), 0);
		for (size_t enough = 1; enough < N; enough += 7) {
			size_t sum = 0;
			uint32_t last = 0;

			for (; sum < enough; last++)
				for (size_t i = 0; i < N; i++)
					sum += ranks[i] == last;
			assert_int_equal(pareto_sort(rows, N, m, enough, 0, &arena, again), 0);
			for (size_t i = 0; i < N; i++)
				assert_int_equal(
					again[i], ranks[i] < last ? ranks[i] : PARETO_UNRANKED);
		}
	}
}

static void test_sort_work(void **state)
{
	(void)state;
	/* One front, in which everybody is compared with everybody before. */
	for (size_t i = 0; i < N; i++) {
		data[i][0] = (double)i;
		data[i][1] = -(double)i;
		data[i][2] = 0;
	}
	uint64_t all = (uint64_t)N * (N - 1) / 2;
	assert_int_equal(pareto_sort(rows, N, 3, SIZE_MAX, all, &arena, ranks), 0);
	assert_int_equal(pareto_sort(rows, N, 3, SIZE_MAX, all - 1, &arena, ranks), CODE_TOO_LARGE);
	assert_int_equal(pareto_sort(rows, N, 2, SIZE_MAX, N, &arena, ranks), 0);
}

static void test_no_memory(void **state)
{
	struct arena small;
	double distance[N];

	(void)state;
	arena_init(&small, 64);
	assert_int_equal(pareto_sort(rows, N, 2, 1, 0, &small, ranks), CODE_NO_MEMORY);
	assert_int_equal(pareto_crowding(rows, N, 2, &small, distance), CODE_NO_MEMORY);
	arena_release(&small);
}

static void test_crowding(void **state)
{
	static const double points[][2] = { { 0, 8 }, { 1, 4 }, { 2, 3 }, { 5, 2 }, { 10, 0 } };
	double distance[N];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		memcpy(data[4 - i], points[i], sizeof(points[i])); /* in any order */
	assert_int_equal(pareto_crowding(rows, 5, 2, &arena, distance), 0);
	assert_true(isinf(distance[0]) && isinf(distance[4]));
	assert_true(fabs(distance[3] - (2.0 / 10 + 5.0 / 8)) < 1e-15);
	assert_true(fabs(distance[2] - (4.0 / 10 + 2.0 / 8)) < 1e-15);
	assert_true(fabs(distance[1] - (8.0 / 10 + 3.0 / 8)) < 1e-15);
}

static void test_crowding_edges(void **state)
{
	double distance[N];

	(void)state;
	assert_int_equal(pareto_crowding(rows, 0, 2, &arena, distance), 0);
	/* All alike: nobody is an end. */
	for (size_t i = 0; i < 3; i++)
		data[i][0] = data[i][1] = 7;
	assert_int_equal(pareto_crowding(rows, 3, 2, &arena, distance), 0);
	for (size_t i = 0; i < 3; i++)
		assert_true(distance[i] == 0);
	/* Repeated points take each other's room; of repeated ends one is an end. */
	const double x[] = { 0, 0, 1, 1, 2 };
	for (size_t i = 0; i < 5; i++) {
		data[i][0] = x[i];
		data[i][1] = -x[i];
	}
	assert_int_equal(pareto_crowding(rows, 5, 2, &arena, distance), 0);
	assert_true(isinf(distance[0]) && isinf(distance[4]));
	assert_true(distance[2] == 1 && distance[3] == 1);
	/* Infinite losses: the ends of the finite ones; ranges that overflow do not. */
	const double y[] = { -HUGE_VAL, -1e308, 0, 1.5e308, HUGE_VAL };
	for (size_t i = 0; i < 5; i++) {
		data[i][0] = y[i];
		data[i][1] = -y[i];
	}
	assert_int_equal(pareto_crowding(rows, 5, 2, &arena, distance), 0);
	for (size_t i = 1; i < 4; i++)
		assert_true(distance[i] >= 0 && (isinf(distance[i]) || distance[i] <= 2));
	assert_true(fabs(distance[2] - 2) < 1e-12);
}

static void test_directions_count(void **state)
{
	(void)state;
	assert_int_equal(pareto_directions_count(1, 9), 1);
	assert_int_equal(pareto_directions_count(2, 49), 50);
	assert_int_equal(pareto_directions_count(3, 12), 91);
	assert_int_equal(pareto_directions_count(4, 3), 20);
	assert_int_equal(pareto_directions_count(8, 3), 120);
	assert_int_equal(pareto_directions_count(5, 0), 1);
	assert_true(pareto_directions_count(8, 100) == 26075972546u);
	assert_true(pareto_directions_count(40, 1000) == SIZE_MAX);
}

static void test_directions(void **state)
{
	static double out[1000 * 6];

	(void)state;
	for (size_t m = 1; m <= 6; m++)
		for (size_t divisions = 1; divisions <= 5; divisions++) {
			size_t n = pareto_directions_count(m, divisions);

			pareto_directions(m, divisions, 0, out);
			for (size_t i = 0; i < n; i++) {
				double sum = 0;
				for (size_t k = 0; k < m; k++) {
					double part = out[i * m + k] * (double)divisions;
					assert_true(part >= 0 && fabs(part - round(part)) < 1e-12);
					sum += out[i * m + k];
				}
				assert_true(fabs(sum - 1) < 1e-12);
				/* Ascending, so all different; and there are as many as there can
				 * be. */
				size_t k = 0;
				while (i && k < m && out[i * m + k] == out[(i - 1) * m + k])
					k++;
				assert_true(i == 0 || out[i * m + k] > out[(i - 1) * m + k]);
			}
		}
	pareto_directions(2, 1, 0.5, out);
	assert_true(out[0] == 0.25 && out[1] == 0.75 && out[2] == 0.75 && out[3] == 0.25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dominates),
		cmocka_unit_test(test_sort_against_peeling),
		cmocka_unit_test(test_sort_infinite),
		cmocka_unit_test(test_sort_invariant),
		cmocka_unit_test(test_sort_enough),
		cmocka_unit_test(test_sort_work),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_crowding),
		cmocka_unit_test(test_crowding_edges),
		cmocka_unit_test(test_directions_count),
		cmocka_unit_test(test_directions),
	};
	return cmocka_run_group_tests_name("pareto", tests, setup, teardown);
}
