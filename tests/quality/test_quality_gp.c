/*
 * Does the Gaussian process find what it should, within the trials that it is chosen for? Shares of
 * runs over fixed seeds; the printed table is what the thresholds below were set from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/quality/functions.h"
#include "tests/quality/lab.h" /* before cmocka, whose fail is a macro */

#include <cmocka.h>

#define SEEDS_MAX 100

struct problem {
	const char *name;
	const char *space;
	double (*loss)(const double *x); /* optimum 0 */
	int trials, workers, seeds;
	double loss_enough;
	int share; /* runs in a hundred that must get there */
};

#define AXIS(name, low, high) "\"" name "\":{\"_type\":\"uniform\",\"_value\":[" #low "," #high "]}"

/* Two branches with parameters of their own, and a category and a grid in one: the best of the
 * second is 0, of the first 0.2. */
static const char branches_space[] =
	"{\"model\":{\"_type\":\"choice\",\"_value\":["
	"{\"_name\":\"svm\",\"c\":{\"_type\":\"loguniform\",\"_value\":[1e-3,1e3]},"
	"\"gamma\":{\"_type\":\"loguniform\",\"_value\":[1e-5,10]}},"
	"{\"_name\":\"net\",\"lr\":{\"_type\":\"loguniform\",\"_value\":[1e-5,1]},"
	"\"layers\":{\"_type\":\"randint\",\"_value\":[1,6]},"
	"\"act\":{\"_type\":\"choice\",\"_value\":[\"relu\",\"gelu\",\"tanh\"]}}]}}";

static double branches(const double *x)
{
	if (x[0] == 0) {
		double c = log10(x[1]) - 1, gamma = log10(x[2]) + 2;
		return 0.2 + 0.02 * c * c + 0.03 * gamma * gamma;
	}
	double lr = log10(x[3]) + 2.5, layers = x[4] - 3;
	return 0.06 * lr * lr + 0.03 * layers * layers + (x[5] == 1 ? 0 : 0.1);
}

#define BRANIN "{" AXIS("a", -5, 10) "," AXIS("b", 0, 15) "}"
#define CUBE6                                                                                      \
	"{" AXIS("a", 0, 1) "," AXIS("b", 0, 1) "," AXIS("c", 0, 1) "," AXIS("d", 0, 1) "," AXIS(  \
		"e", 0, 1) "," AXIS("f", 0, 1) "}"

static const struct problem problems[] = {
	{ "branin", BRANIN, branin, 30, 1, 40, 1e-2, 70 },
	{ "branin, found roughly", BRANIN, branin, 30, 1, 40, 0.1, 90 },
	{ "branin, 16 workers", BRANIN, branin, 64, 16, 10, 0.1, 80 },
	{ "hartmann-6", CUBE6, hartmann6, 80, 1, 10, 0.13, 70 },
	{ "hartmann-6, 16 workers", CUBE6, hartmann6, 128, 16, 5, 0.3, 60 },
	{ "branches", branches_space, branches, 40, 1, 10, 0.01, 80 },
};

/* As many pending as there are workers; results in the order of the suggestions. */
static double run(const struct problem *problem, uint64_t seed)
{
	double best = HUGE_VAL;
	struct lab lab;

	lab_init(&lab, problem->space, &tuner_gp, NULL, seed, false);
	lab.spec.limits.max_trials = problem->trials;
	for (int done = 0, asked = 0; done < problem->trials; done++) {
		while (asked < problem->trials && asked - done < problem->workers) {
			assert_int_equal(lab_suggest(&lab), asked);
			asked++;
		}
		double loss = problem->loss(lab.view.trials[done].x);
		lab_observe(&lab, done, loss);
		best = fmin(best, loss);
	}
	lab_release(&lab);
	return best;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void test_problem(void **state)
{
	const struct problem *problem = *state;
	double best[SEEDS_MAX], start = lab_seconds();
	int found = 0;

	for (int s = 0; s < problem->seeds; s++) {
		best[s] = run(problem, 1000 + (uint64_t)s);
		found += best[s] < problem->loss_enough;
	}
	qsort(best, (size_t)problem->seeds, sizeof(*best), ascending);
	printf("%-24s %2d of %2d below %.3g, median %.2g, worst %.2g, %.1f s\n", problem->name,
		found, problem->seeds, problem->loss_enough, best[problem->seeds / 2],
		best[problem->seeds - 1], lab_seconds() - start);
	assert_true(100 * found >= problem->share * problem->seeds);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(problems) / sizeof(problems[0])];
	static struct problem own[sizeof(problems) / sizeof(problems[0])];

	memcpy(own, problems, sizeof(own));
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
		tests[i] =
			(struct CMUnitTest){ problems[i].name, test_problem, NULL, NULL, &own[i] };
	return cmocka_run_group_tests_name("quality_gp", tests, NULL, NULL);
}
