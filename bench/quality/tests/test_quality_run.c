/* Problems, contenders and runs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/quality/run.h"
#include "bench/quality/session.h"
#include "core/rng.h"

#include <cmocka.h>

#define MAX_TRIALS 120

static struct suite suite;

static void add(const char *name, unsigned instances)
{
	struct error err = { 0 };

	if (suite_add(&suite, name, instances, &err) != 0)
		fail_msg("%s: %s", name, err.message);
}

static int tear_down(void **state)
{
	(void)state;
	suite_release(&suite);
	return 0;
}

static const struct problem *find(const char *name)
{
	for (size_t i = 0; i < suite.n; i++)
		if (strcmp(suite.problems[i]->name, name) == 0)
			return suite.problems[i];
	fail_msg("no problem %s", name);
	return NULL;
}

static struct run one_run(const struct problem *problem, const struct contender *contender,
	uint64_t seed, size_t budget, unsigned workers, double *best)
{
	struct run run = { .problem = problem,
		.contender = contender,
		.seed = seed,
		.budget = budget,
		.workers = workers,
		.best = best };

	run_execute(&run);
	return run;
}

static const struct contender random_search = { "random", "random", "{}" };
static const struct contender tpe = { "tpe", "tpe", "{}" };

static void test_suites(void **state)
{
	struct error err = { 0 };

	(void)state;
	add("bbob3", 2);
	assert_int_equal(suite.n, 48);
	assert_int_equal(suite.problems[0]->space->n, 3);
	assert_string_equal(suite.problems[47]->suite, "bbob3");
	assert_int_equal(suite.problems[47]->instance, 2);
	add("book", 4);
	assert_int_equal(suite.n, 48 + 3 * 4);
	static const char *const wrong[] = { "bbob", "bbob1", "bbob41", "bbob5x", "boob", "" };
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(suite_add(&suite, wrong[i], 1, &err), CODE_INVALID);
}

/* No point is better than the optimum; every instance differs from the first somewhere. */
static void test_optima(void **state)
{
	struct rng rng;
	double x[64];

	(void)state;
	add("classic", 3);
	add("mixed", 3);
	add("conditional", 3);
	add("book", 1);
	add("tabular", 1);
	for (size_t i = 0; i < suite.n; i++) {
		const struct problem *problem = suite.problems[i];
		double slack = 1e-9 * fmax(1, fabs(problem->optimum));
		bool differs = problem->instance == 1;
		rng_init(&rng, 1, RNG_TEST, i);
		for (int k = 0; k < 500; k++) {
			space_sample(problem->space, &rng, x);
			assert_true(problem->value(problem, x) >= problem->optimum - slack);
			if (problem->instance > 1)
				differs |= suite.problems[i - 1]->value(suite.problems[i - 1], x) !=
					   problem->value(problem, x);
		}
		assert_true(differs);
	}
}

/* The optimum of a finite mixed problem is one of its points. */
static void test_optimum_is_attained(void **state)
{
	static const char *const names[] = { "choice sphere", "choice Rosenbrock" };

	(void)state;
	add("mixed", 1);
	for (size_t i = 0; i < 2; i++) {
		const struct problem *problem = find(names[i]);
		double least = (double)INFINITY, x[6];
		assert_int_equal(problem->space->n, 6);
		assert_int_equal(problem->space->count, 15625);
		for (size_t k = 0; k < 15625; k++) {
			for (size_t j = 0, rest = k; j < 6; j++, rest /= 5)
				x[j] = (double)(rest % 5);
			least = fmin(least, problem->value(problem, x));
		}
		assert_true(fabs(least - problem->optimum) < 1e-9);
	}
}

/* Where the optimum is a limit, a good tuner comes near it. */
static void test_optimum_is_near(void **state)
{
	static const struct {
		const char *name;
		double within;
	} cases[] = { { "Branin", 0.1 }, { "Hartmann-6", 0.5 }, { "three learners", 0.03 } };
	double best[MAX_TRIALS];

	(void)state;
	add("classic", 1);
	add("conditional", 1);
	for (size_t i = 0; i < 3; i++) {
		const struct problem *problem = find(cases[i].name);
		struct run run = one_run(problem, &tpe, 3, MAX_TRIALS, 1, best);
		assert_int_equal(run.code, 0);
		assert_true(best[MAX_TRIALS - 1] - problem->optimum < cases[i].within);
	}
}

/* Known points of the book's functions. */
static void test_book(void **state)
{
	(void)state;
	add("book", 1);
	const struct problem *box = find("B1 black box"), *table = find("B3 Holder table");
	assert_true(box->value(box, (double[]){ 49, 2, 7024.61 }) == -48.02);
	assert_true(box->value(box, (double[]){ 50, 4, 9418.49 }) == -50);
	for (int i = 0; i < 4; i++) {
		double x[2] = { i & 1 ? 8.05502 : -8.05502, i & 2 ? 9.66459 : -9.66459 };
		assert_true(fabs(table->value(table, x) - table->optimum) < 1e-8);
	}
	assert_true(fabs(find("B4 Ackley")->optimum + 40.8251) < 1e-4);
}

/* Facts of the tables that their readme states; a query draws one of the results. */
static void test_tables(void **state)
{
	(void)state;
	add("tabular", 1);
	if (suite.n < 3) {
		print_message("skipped: %s\n", suite.skipped);
		skip();
	}
	const struct problem *nas = find("nasbench201-cifar10");
	double best[] = { 3, 3, 3, 1, 3, 2 }, sum = 0;
	assert_true(fabs(nas->optimum + 91.607) < 5e-4);
	assert_true(nas->value(nas, best) == nas->optimum);
	struct rng rng;
	rng_init(&rng, 1, RNG_TEST, 0);
	for (int i = 0; i < 3000; i++)
		sum += nas->reported(nas, best, &rng) / 3000;
	assert_true(fabs(sum - nas->optimum) < 0.02);
	/* The first row: "000000000,0.341951,0.341037,0.339186,0.338689". */
	const struct problem *protein = find("hpolib-protein");
	assert_true(fabs(protein->value(protein, (double[9]){ 0 }) - 0.34021575) < 1e-12);
	assert_int_equal(protein->space->count, 62208);
	assert_int_equal(find("hpobench-vehicle")->space->count, 30000);
}

static void test_contenders(void **state)
{
	struct arena arena;
	struct contender contender;
	struct error err = { 0 };

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(contender_parse("tpe", &arena, &contender, &err), 0);
	assert_string_equal(contender.options, "{}");
	assert_int_equal(contender_parse("TPE:multivariate=false:gamma=0.2:variant=parity", &arena,
				 &contender, &err),
		0);
	assert_string_equal(contender.tuner, "tpe");
	assert_string_equal(contender.label, "TPE:multivariate=false:gamma=0.2:variant=parity");
	assert_string_equal(
		contender.options, "{\"multivariate\":false,\"gamma\":0.2,\"variant\":\"parity\"}");
	assert_int_equal(contender_parse("nothing", &arena, &contender, &err), CODE_INVALID);
	assert_int_equal(contender_parse("external", &arena, &contender, &err), CODE_INVALID);
	assert_int_equal(contender_parse("tpe:gamma", &arena, &contender, &err), CODE_INVALID);
	arena_release(&arena);
}

/* best never rises, is what the trials give, and depends on the seed alone. */
static void test_sequential(void **state)
{
	double a[60], b[60], c[60];

	(void)state;
	add("bbob2", 1);
	const struct problem *problem = find("f8 Rosenbrock");
	struct run run = one_run(problem, &tpe, 5, 60, 1, a);
	assert_int_equal(run.code, 0);
	assert_int_equal(run.n_trials, 60);
	assert_true(run.ask_s > 0);
	for (size_t i = 1; i < 60; i++)
		assert_true(a[i] <= a[i - 1] && a[i] >= problem->optimum);
	one_run(problem, &tpe, 5, 60, 1, b);
	assert_memory_equal(a, b, sizeof(a));
	one_run(problem, &tpe, 6, 60, 1, c);
	assert_true(memcmp(a, c, sizeof(a)) != 0);
	/* A run with a smaller budget is the beginning of the longer one. */
	one_run(problem, &tpe, 5, 20, 1, b);
	assert_memory_equal(a, b, 20 * sizeof(*a));
}

/* Random search does not see results: what it finds in all is the same in any order. */
static void test_parallel(void **state)
{
	double alone[MAX_TRIALS], together[MAX_TRIALS], again[MAX_TRIALS];

	(void)state;
	add("bbob2", 1);
	const struct problem *problem = find("f1 sphere");
	one_run(problem, &random_search, 5, MAX_TRIALS, 1, alone);
	for (unsigned workers = 4; workers <= RUN_WORKERS_MAX; workers *= 4) {
		struct run run = one_run(problem, &random_search, 5, MAX_TRIALS, workers, together);
		assert_int_equal(run.code, 0);
		assert_int_equal(run.n_trials, MAX_TRIALS);
		assert_true(together[MAX_TRIALS - 1] == alone[MAX_TRIALS - 1]);
		assert_true(memcmp(alone, together, sizeof(alone)) != 0);
		one_run(problem, &random_search, 5, MAX_TRIALS, workers, again);
		assert_memory_equal(together, again, sizeof(again));
	}
	/* A model sees less with more workers, so it proposes otherwise. */
	one_run(problem, &tpe, 5, MAX_TRIALS, 1, alone);
	one_run(problem, &tpe, 5, MAX_TRIALS, 16, together);
	assert_true(alone[MAX_TRIALS - 1] != together[MAX_TRIALS - 1]);
}

/* The others' trials are pending when a worker asks, and no more than there are workers. */
static void test_pending(void **state)
{
	struct session session;
	struct error err = { 0 };
	size_t number;

	(void)state;
	add("bbob2", 1);
	assert_int_equal(session_init(&session, suite.problems[0], &tpe, 1, 10, 3, &err), 0);
	assert_int_equal(session.view.spec->limits.max_trials, 10);
	assert_int_equal(session.view.spec->limits.concurrency, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(session_suggest(&session, &number, &err), 0);
		assert_int_equal(number, i);
		assert_int_equal(view_pending(&session.view), i + 1);
	}
	assert_int_equal(session_observe(&session, 1, 0.5, &err), 0);
	assert_int_equal(view_pending(&session.view), 2);
	assert_int_equal(session.view.trials[1].state, TRIAL_SUCCEEDED);
	assert_true(session.view.trials[1].loss == 0.5);
	assert_int_equal(session.view.counts.best, 1);
	assert_int_equal(session.asks, 3);
	session_release(&session);
}

static double first_coordinate(const struct problem *problem, const double *x)
{
	(void)problem;
	return -x[0];
}

/* A tuner that ends early keeps its last; one that cannot says why. */
static void test_ends(void **state)
{
	const struct contender grid = { "gridsearch", "gridsearch", "{}" };
	const struct contender wrong = { "tpe", "tpe", "{\"gamma\":7}" };
	struct error err = { 0 };
	double best[10];

	(void)state;
	struct problem *problem = suite_begin(&suite, "five", 1);
	assert_non_null(problem);
	assert_int_equal(problem_set_space(problem, &err,
				 "{\"a\":{\"_type\":\"choice\",\"_value\":[1,2,3,4,5]}}"),
		0);
	problem->value = first_coordinate;
	for (unsigned workers = 1; workers <= 8; workers *= 8) {
		struct run run = one_run(problem, &grid, 1, 10, workers, best);
		assert_int_equal(run.code, 0);
		assert_int_equal(run.n_trials, 5);
		for (size_t i = 4; i < 10; i++)
			assert_true(best[i] == -4);
	}
	struct run run = one_run(problem, &wrong, 1, 10, 1, best);
	assert_int_equal(run.code, CODE_INVALID);
	assert_non_null(strstr(run.err.message, "gamma"));
	assert_int_equal(
		problem_set_space(problem, &err, "{\"a\":{\"_type\":\"chance\"}}"), CODE_INVALID);
	assert_non_null(strstr(err.message, "five: /search_space/a"));
}

/* The same on any number of threads. */
static void test_threads(void **state)
{
	enum { RUNS = 24, TRIALS = 40 };
	static double bests[3][RUNS][TRIALS];
	static struct run runs[RUNS];
	static const unsigned threads[3] = { 1, 2, 7 };

	(void)state;
	add("mixed", 1);
	for (size_t t = 0; t < 3; t++) {
		for (size_t i = 0; i < RUNS; i++)
			runs[i] = (struct run){ .problem = suite.problems[i % suite.n],
				.contender = i % 2 ? &tpe : &random_search,
				.seed = i,
				.budget = TRIALS,
				.workers = i % 3 ? 1 : 5,
				.best = bests[t][i] };
		run_execute_all(runs, RUNS, threads[t], NULL);
		for (size_t i = 0; i < RUNS; i++)
			assert_int_equal(runs[i].code, 0);
	}
	assert_memory_equal(bests[0], bests[1], sizeof(bests[0]));
	assert_memory_equal(bests[0], bests[2], sizeof(bests[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_suites, tear_down),
		cmocka_unit_test_teardown(test_optima, tear_down),
		cmocka_unit_test_teardown(test_optimum_is_attained, tear_down),
		cmocka_unit_test_teardown(test_optimum_is_near, tear_down),
		cmocka_unit_test_teardown(test_book, tear_down),
		cmocka_unit_test_teardown(test_tables, tear_down),
		cmocka_unit_test(test_contenders),
		cmocka_unit_test_teardown(test_sequential, tear_down),
		cmocka_unit_test_teardown(test_parallel, tear_down),
		cmocka_unit_test_teardown(test_pending, tear_down),
		cmocka_unit_test_teardown(test_ends, tear_down),
		cmocka_unit_test_teardown(test_threads, tear_down),
	};
	return cmocka_run_group_tests_name("quality_run", tests, NULL, NULL);
}
