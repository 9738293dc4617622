/*
 * Do tuners mind outcome constraints? Two circles: the feasible points are inside both, on a
 * twentieth of the square, and what is best without the constraints lies far outside. A tuner that
 * looked at the objective alone would go there; one that orders results as all should (feasible by
 * loss, stopped early, infeasible by violation, failed) hands out ever more feasible points, and
 * finds better ones than random search. The figures are printed; fixed seeds.
 */
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEEDS  8
#define BUDGET 100
#define LATE   50 /* the trials whose share of feasible ones counts: the last half */

static const char square[] = "{\"x\":{\"_type\":\"uniform\",\"_value\":[-2,2]},"
			     "\"y\":{\"_type\":\"uniform\",\"_value\":[-2,2]}}";
static const char more[] = ",\"constraints\":[{\"metric\":\"left\",\"max\":1},"
			   "{\"metric\":\"right\",\"max\":1}],"
			   "\"limits\":{\"max_trials\":100}";

static double objective(double x, double y)
{
	return pow(x - 1.6, 2) + pow(y - 1.6, 2);
}

/* From the circles' centres; their radius is 1. */
static double to_left(double x, double y)
{
	return hypot(x + 0.5, y);
}

static double to_right(double x, double y)
{
	return hypot(x - 0.7, y);
}

/* Of the left circle what is nearest to (1.6, 1.6), which is inside the right one. */
static double best_feasible(void)
{
	return pow(hypot(2.1, 1.6) - 1, 2);
}

struct outcome {
	double share, regret; /* means over seeds */
};

static void observe(struct fake *fake, int64_t number, double value, double left, double right)
{
	struct metric metrics[] = { { "default", value, (double)NAN },
		{ "left", left, (double)NAN }, { "right", right, (double)NAN } };

	fake_observe_metrics(fake, number, metrics, 3);
}

static void run_once(const char *tuner, uint64_t seed, struct outcome *outcome)
{
	double best = HUGE_VAL, late = 0;
	struct fake fake;

	fake_init_tuner(&fake, tuner, NULL, seed, square, more);
	for (size_t i = 0; i < BUDGET; i++) {
		int64_t n;

		assert_int_equal(fake_suggest(&fake, &n), 0);
		double x = fake_value(&fake, n, "x"), y = fake_value(&fake, n, "y");
		double left = to_left(x, y), right = to_right(x, y);
		observe(&fake, n, objective(x, y), left, right);
		if (left > 1 || right > 1)
			continue;
		best = fmin(best, objective(x, y));
		late += i >= BUDGET - LATE;
	}
	outcome->share += late / LATE / SEEDS;
	/* nothing found: as bad as the worst that is feasible */
	outcome->regret += (fmin(best, objective(-0.3, 0)) - best_feasible()) / SEEDS;
	fake_release(&fake);
}

static struct outcome run(const char *tuner)
{
	struct outcome outcome = { 0, 0 };

	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_once(tuner, seed, &outcome);
	print_message("%-12s feasible of the last %d: %.2f, regret of the best feasible: %.4f\n",
		tuner, LATE, outcome.share, outcome.regret);
	return outcome;
}

static const char *const tuners[] = { "tpe", "cmaes", "evolution", "anneal", "nsga2", "trustregion",
	"smac", "gp" };

#define TUNERS (sizeof(tuners) / sizeof(tuners[0]))

static void test_two_circles(void **state)
{
	(void)state;
	struct outcome random = run("random");

	assert_true(random.share < 0.1);
	for (size_t i = 0; i < TUNERS; i++) {
		struct outcome outcome = run(tuners[i]);

		assert_true(outcome.share > 4 * random.share);
		assert_true(outcome.regret < 0.5 * random.regret);
	}
}

/* The mean violation of the last twenty when nothing is feasible; the objective misleads. */
static double violation_in_vain(const char *tuner)
{
	double last = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct fake fake;

		fake_init_tuner(&fake, tuner, NULL, seed, square, more);
		for (size_t k = 0; k < BUDGET; k++) {
			int64_t n;

			assert_int_equal(fake_suggest(&fake, &n), 0);
			double violation = 0.1 + hypot(fake_value(&fake, n, "x") - 1,
							 fake_value(&fake, n, "y") + 1);
			observe(&fake, n, -violation, 1 + violation, 1);
			last += k >= BUDGET - 20 ? violation / 20 / SEEDS : 0;
		}
		fake_release(&fake);
	}
	print_message("%-12s violation of the last 20: %.2f\n", tuner, last);
	return last;
}

/* The least violation is then what is worked from. */
static void test_nothing_is_feasible(void **state)
{
	(void)state;
	double random = violation_in_vain("random");

	for (size_t i = 0; i < TUNERS; i++)
		assert_true(violation_in_vain(tuners[i]) < 0.6 * random);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_circles),
		cmocka_unit_test(test_nothing_is_feasible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
