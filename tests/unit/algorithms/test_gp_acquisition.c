/* Acquisitions: reference values, monotony, derivatives. */
#include "algorithms/tuners/gp_acquisition.h"
#include "tests/unit/expected_improvement.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

#define GRID 1000000

static void test_log_h(void **state)
{
	(void)state;
	for (size_t i = 0; i < LOG_H_REFERENCES; i++)
		assert_near(gp_log_h(log_h_reference[i].z), log_h_reference[i].log_h,
			1e-12 * fabs(log_h_reference[i].log_h));
	assert_true(isfinite(gp_log_h(-1e100)));
}

static void test_increasing(void **state)
{
	static const double lows[] = { -60, -26, -1.001, -1e7 };
	static const double highs[] = { 10, -24, -0.999, -1e5 };

	(void)state;
	for (size_t r = 0; r < 4; r++) {
		double before = -HUGE_VAL;
		for (int i = 0; i <= GRID; i++) {
			double h = gp_log_h(lows[r] + (highs[r] - lows[r]) * i / GRID);
			assert_true(h > before || (r == 2 && h >= before - 1e-15));
			before = h;
		}
	}
}

static double value_at(const struct gp_acquisition *a, bool feasible, double mean, double sd)
{
	return feasible ? gp_log_feasible(mean, sd, NULL, NULL)
			: gp_acquire(a, mean, sd, NULL, NULL);
}

static void check_slopes(const struct gp_acquisition *a, bool feasible, double mean, double sd)
{
	double by_mean, by_sd, step = 1e-5 * sd;
	double value = feasible ? gp_log_feasible(mean, sd, &by_mean, &by_sd)
				: gp_acquire(a, mean, sd, &by_mean, &by_sd);
	double mean_slope =
		(value_at(a, feasible, mean + step, sd) - value_at(a, feasible, mean - step, sd)) /
		(2 * step);
	double sd_slope =
		(value_at(a, feasible, mean, sd + step) - value_at(a, feasible, mean, sd - step)) /
		(2 * step);

	assert_true(value == value_at(a, feasible, mean, sd));
	assert_near(by_mean, mean_slope, 1e-5 * (1 + fabs(mean_slope)));
	assert_near(by_sd, sd_slope, 1e-5 * (1 + fabs(sd_slope)));
}

static void test_slopes(void **state)
{
	static const double sds[] = { 0.05, 0.7, 2 };
	static const double means[] = { -3, -0.6, 0.4, 0.5, 1.9 };

	(void)state;
	for (int u = GP_LOG_EI; u <= GP_LOG_PI; u++) {
		struct gp_acquisition a = { (enum gp_utility)u, 0.5, 0.1, 1.8 };
		for (size_t s = 0; s < 3; s++)
			for (size_t m = 0; m < 5; m++) {
				check_slopes(&a, false, means[m], sds[s]);
				check_slopes(&a, true, means[m], sds[s]);
			}
	}
}

static void test_meaning(void **state)
{
	struct gp_acquisition ei = { GP_LOG_EI, 1, 0, 0 }, ucb = { GP_UCB, 1, 0, 2 };
	struct gp_acquisition poi = { GP_LOG_PI, 1, 0.5, 0 };

	(void)state;
	/* sure of an improvement by 3 */
	assert_near(gp_acquire(&ei, 4, 1e-6, NULL, NULL), log(3), 1e-9);
	assert_near(gp_acquire(&ucb, 4, 0.5, NULL, NULL), 5, 1e-12);
	assert_near(gp_acquire(&poi, 1.5, 0.3, NULL, NULL), log(0.5), 1e-12);
	assert_near(gp_log_feasible(0, 3, NULL, NULL), log(0.5), 1e-12);
	assert_true(gp_log_feasible(-1, 1, NULL, NULL) > gp_log_feasible(1, 1, NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_h),
		cmocka_unit_test(test_increasing),
		cmocka_unit_test(test_slopes),
		cmocka_unit_test(test_meaning),
	};
	return cmocka_run_group_tests_name("gp_acquisition", tests, NULL, NULL);
}
