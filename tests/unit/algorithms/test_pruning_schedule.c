#include "algorithms/pruning/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check(const char *name, double sparsity, const double *want, int64_t first, int64_t n)
{
	const struct schedule *schedule = schedule_find(name);

	assert_non_null(schedule);
	assert_int_equal(schedule->first, first);
	for (int64_t t = first; t <= n; t++)
		assert_true(fabs(schedule_sparsity(schedule, sparsity, t, n) - want[t - first]) <
			    1e-15);
}

/* By hand. */
static void test_values(void **state)
{
	(void)state;
	check("linear", 0.5, (const double[]){ 0, 0.1, 0.2, 0.3, 0.4, 0.5 }, 0, 5);
	check("LinearPruner", 0.85, (const double[]){ 0, 0.425, 0.85 }, 0, 2);
	/* 1 - (3/4)^3 = 37/64, 1 - (1/2)^3 = 7/8, 1 - (1/4)^3 = 63/64. */
	check("agp", 0.64, (const double[]){ 0, 0.37, 0.56, 0.63, 0.64 }, 0, 4);
	check("LotteryTicketPruner", 0.75, (const double[]){ 0.5, 0.75 }, 1, 2);
	check("lottery_ticket", 0.488, (const double[]){ 0.2, 0.36, 0.488 }, 1, 3);
}

static void test_course(void **state)
{
	(void)state;
	for (const struct schedule *schedule = schedules; schedule->name; schedule++) {
		for (int i = 0; i <= 100; i++) {
			double sparsity = i == 100 ? 0x1.fffffffffffffp-1 : i / 100.0, before = 0;
			for (int64_t t = schedule->first; t <= 37; t++) {
				double now = schedule_sparsity(schedule, sparsity, t, 37);
				assert_true(now >= before && now <= sparsity);
				before = now;
			}
			assert_true(before == sparsity);
		}
		assert_true(isnan(schedule_sparsity(schedule, (double)NAN, 1, 2)));
	}
}

static void test_rest(void **state)
{
	(void)state;
	assert_true(fabs(schedule_rest(0.75, 0.5) - 0.5) < 1e-15);
	assert_true(schedule_rest(0.5, 0.75) == 0);
	assert_true(schedule_rest(0.5, 0.5) == 0);
	assert_true(schedule_rest(1, 1) == 0);
	assert_true(schedule_rest(0.3, 0) == 0.3);
}

static void test_names(void **state)
{
	(void)state;
	assert_null(schedule_find("cubic"));
	assert_null(schedule_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_course),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
