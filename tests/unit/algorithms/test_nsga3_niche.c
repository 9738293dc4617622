#include "algorithms/tuners/nsga3_niche.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void test_directions(void **state)
{
	/* With room for 50: divisions, and an inner layer where the outer one has none inside. */
	static const size_t want[] = { 0, 1, 50, 45, 35, 35 + 15, 21 + 21, 28 + 7, 36 + 8 };
	struct arena arena;
	struct directions directions, again, other;

	(void)state;
	arena_init(&arena, 0);
	for (size_t m = 1; m <= LIMIT_OBJECTIVES; m++) {
		assert_int_equal(directions_count(m, 50, 0), want[m]);
		assert_true(directions_count(m, 1, 0) >= m);
		assert_int_equal(directions_make(m, 50, 0, 3, &arena, &directions), 0);
		assert_int_equal(directions_make(m, 50, 0, 3, &arena, &again), 0);
		assert_int_equal(directions_make(m, 50, 0, 4, &arena, &other), 0);
		size_t size = want[m] * m * sizeof(double);
		assert_int_equal(directions.n, want[m]);
		assert_memory_equal(directions.rows, again.rows, size);
		if (m > 1)
			assert_memory_not_equal(directions.rows, other.rows, size);
		for (size_t i = 0; i < directions.n; i++) {
			const double *row = directions.rows + i * m;
			double square = 0;
			for (size_t k = 0; k < m; k++) {
				assert_true(row[k] >= 0);
				square += row[k] * row[k];
			}
			assert_true(fabs(square - 1) < 1e-12);
			for (size_t j = 0; j < i; j++)
				assert_memory_not_equal(
					row, directions.rows + j * m, m * sizeof(double));
		}
	}
	assert_int_equal(directions_count(4, 1, 3), 20);
	arena_release(&arena);
}

/* A pool of members in one front, with the losses given. */
static void pool_of(struct nsga_pool *pool, struct nsga_member *members, size_t n, size_t m,
	const double losses[][3])
{
	*pool = (struct nsga_pool){ .m = m, .n = n, .capacity = n, .members = members };
	for (size_t k = 0; k < m; k++) {
		pool->ideal[k] = HUGE_VAL;
		for (size_t i = 0; i < n; i++)
			if (isfinite(losses[i][k]))
				pool->ideal[k] = fmin(pool->ideal[k], losses[i][k]);
	}
	for (size_t i = 0; i < n; i++)
		members[i] = (struct nsga_member){
			.result = { TIER_FEASIBLE, losses[i][0], (uint32_t)i }, .losses = losses[i]
		};
}

static void assert_scale(const double losses[][3], size_t n, double a, double b, double c)
{
	const double want[] = { a, b, c };
	struct nsga_member members[8];
	struct nsga_pool pool;
	double scale[LIMIT_OBJECTIVES];

	pool_of(&pool, members, n, 3, losses);
	niche_scale(&pool, n, scale);
	for (size_t k = 0; k < 3; k++)
		if (!(fabs(scale[k] - want[k]) <= 1e-6 * want[k]))
			fail_msg("scale %zu: %g is not %g", k, scale[k], want[k]);
}

static void test_scale(void **state)
{
	(void)state;
	/* A plane with intercepts 2, 30 and 400 above the ideal (5, 5, 5). */
	const double axes[][3] = { { 7, 5, 5 }, { 5, 35, 5 }, { 5, 5, 405 }, { 5.5, 20, 105 } };
	assert_scale(axes, 4, 2, 30, 400);
	/* Extreme points off the axes, on the plane x + y + z = 1. */
	const double off[][3] = { { 0.8, 0.2, 0 }, { 0, 0.8, 0.2 }, { 0.2, 0, 0.8 } };
	assert_scale(off, 3, 0.8, 0.8, 0.8); /* it leaves their range: their worst */
	const double bent[][3] = { { 0.9, 0.05, 0 }, { 0.05, 0.9, 0 }, { 0, 0.05, 0.9 },
		{ 0.95, 0, 0.5 } };
	assert_scale(bent, 4, 0.95, 0.9, 0.9);
	/* No plane: one point; two; a loss that never varies; infinite ones. */
	assert_scale(axes, 1, 1, 1, 1);
	const double two[][3] = { { 1, 2, 3 }, { 3, 1, 3 } };
	assert_scale(two, 2, 2, 1, 1);
	const double endless[][3] = { { HUGE_VAL, 0, 0 }, { 2, 1, 0 }, { 0, 2, -HUGE_VAL } };
	assert_scale(endless, 3, 2, 2, 1);
}

static void test_niche(void **state)
{
	const double losses[][3] = { { 0, 0, 0 }, { 4, 0, 0 }, { 0, 4, 0 }, { 0, 0, 4 },
		{ 3, 3, 0.5 }, { HUGE_VAL, 1, 1 } };
	const double scale[] = { 4, 4, 4 };
	struct nsga_member members[8];
	struct nsga_pool pool;
	struct directions directions;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(directions_make(3, 10, 0, 1, &arena, &directions), 0);
	assert_int_equal(directions.n, 10);
	pool_of(&pool, members, COUNT(losses), 3, losses);
	assert_true(niche_of(&directions, &pool, scale, &members[0]).distance == 0);
	for (size_t k = 0; k < 3; k++) {
		struct niche niche = niche_of(&directions, &pool, scale, &members[1 + k]);
		assert_true(niche.distance < 1e-7);
		assert_true(directions.rows[3 * niche.direction + k] == 1);
	}
	/* Against all directions, by hand. */
	struct niche niche = niche_of(&directions, &pool, scale, &members[4]);
	const double f[] = { 0.75, 0.75, 0.125 };
	for (size_t i = 0; i < directions.n; i++) {
		const double *w = directions.rows + 3 * i;
		double along = f[0] * w[0] + f[1] * w[1] + f[2] * w[2];
		double distance = sqrt(pow(f[0] - along * w[0], 2) + pow(f[1] - along * w[1], 2) +
				       pow(f[2] - along * w[2], 2));
		assert_true(niche.distance <= distance + 1e-9);
		if (i == niche.direction)
			assert_true(fabs(niche.distance - distance) < 1e-9);
	}
	niche = niche_of(&directions, &pool, scale, &members[5]);
	assert_true(directions.rows[3 * niche.direction] == 1); /* far out along the first axis */
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_niche),
	};
	return cmocka_run_group_tests_name("nsga3_niche", tests, NULL, NULL);
}
