/*
 * Does the portfolio find what its arms alone miss? On spaces with branches the right one; on
 * numeric ones smooth valleys at once, and with 16 workers hardly less than with one. Fixed seeds;
 * what is printed is what the thresholds were set from, a little below it, so getting worse fails.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/quality/comparison.h"
#include "bench/quality/contender.h"
#include "bench/quality/statistics.h"

#include <cmocka.h>

#define BRANCH_GAP   0.05 /* the best of a wrong branch is so much worse, or twice that */
#define BRANCH_SEEDS 10
#define TRIALS	     100

static const struct contender portfolio = { .label = "auto", .tuner = "auto", .options = "{}" };

/* Three learners whose best settings differ by 0.05: the right one in nine of ten runs. */
static void test_branches(void **state)
{
	struct error err = { 0 };
	struct suite suite;

	(void)state;
	suite_init(&suite);
	assert_int_equal(suite_add(&suite, "conditional", 2, &err), 0);
	for (size_t p = 0; p < suite.n; p++) {
		size_t right = 0;

		for (uint64_t seed = 1; seed <= BRANCH_SEEDS; seed++) {
			double best[TRIALS];
			struct run run = { .problem = suite.problems[p],
				.contender = &portfolio,
				.seed = seed,
				.budget = TRIALS,
				.workers = 1,
				.best = best };
			run_execute(&run);
			assert_int_equal(run.code, 0);
			right += best[TRIALS - 1] - suite.problems[p]->optimum < BRANCH_GAP;
		}
		printf("%s, instance %zu: the right branch in %zu of %d runs of %d trials\n",
			suite.problems[p]->name, p + 1, right, BRANCH_SEEDS, TRIALS);
		assert_true(right >= 9);
	}
	suite_release(&suite);
}

struct figures {
	double mean, geometric;
};

/* Relative regret over a few BBOB functions of each kind, 5-D, two seeds each. */
static void measure(unsigned workers, size_t budget, struct figures *out)
{
	static const unsigned functions[] = { 1, 3, 6, 8, 10, 13, 15, 17 };
	struct error err = { 0 };
	struct comparison comparison;
	double regrets[64];
	struct suite suite;
	struct plan plan = { .suite = &suite,
		.n_contenders = 1,
		.contenders = &portfolio,
		.n_workers = 1,
		.workers = &workers,
		.n_budgets = 1,
		.budgets = &budget,
		.seeds = 2,
		.baseline = 30,
		.threads = 1 };

	suite_init(&suite);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		assert_int_equal(suite_add_bbob(&suite, "bbob", functions[i], 5, 1, &err), 0);
	assert_int_equal(comparison_run(&comparison, &plan, NULL, &err), 0);
	size_t n = comparison_regrets(&comparison, "bbob", NULL, 0, 0, budget, budget, regrets);
	assert_int_equal(n, 16);
	out->mean = stat_mean(n, regrets);
	out->geometric = 0;
	for (size_t i = 0; i < n; i++)
		out->geometric += log(fmax(regrets[i], 1e-12)) / (double)n;
	out->geometric = exp(out->geometric);
	printf("BBOB, 5-D, %zu trials, %u workers: mean %.3f, geometric mean %.4f\n", budget,
		workers, out->mean, out->geometric);
	comparison_release(&comparison);
	suite_release(&suite);
}

static void test_numeric(void **state)
{
	struct figures alone, together;

	(void)state;
	measure(1, TRIALS, &alone);
	measure(16, 2 * TRIALS, &together);
	assert_true(alone.mean < 0.17);
	assert_true(alone.geometric < 0.008);
	assert_true(together.mean < 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_branches),
		cmocka_unit_test(test_numeric),
	};
	return cmocka_run_group_tests_name("quality_auto", tests, NULL, NULL);
}
