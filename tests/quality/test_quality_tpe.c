/*
 * Does TPE find what it should? Runs of equal budget over fixed seeds, against random search with
 * the same seeds; the printed table is what the thresholds below were set from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/quality/functions.h"
#include "tests/quality/lab.h" /* before cmocka, whose fail is a macro */

#include <cmocka.h>

#define SEEDS 10

struct problem {
	const char *name;
	const char *space;
	double (*loss)(const double *x); /* optimum 0 */
	size_t trials;
	double worst; /* largest geometric mean of TPE's loss over random's that passes */
};

#define AXIS(name, low, high) "\"" name "\":{\"_type\":\"uniform\",\"_value\":[" #low "," #high "]}"
#define BOX5(low, high)                                                                            \
	"{" AXIS("a", low, high) "," AXIS("b", low, high) "," AXIS("c", low, high) "," AXIS(       \
		"d", low, high) "," AXIS("e", low, high) "}"

static double sphere(const double *x)
{
	double sum = 0;
	for (int i = 0; i < 5; i++)
		sum += (x[i] - 1.3) * (x[i] - 1.3);
	return sum;
}

static double rosenbrock(const double *x)
{
	double sum = 0;
	for (int i = 0; i < 4; i++) {
		double curve = x[i + 1] - x[i] * x[i];
		sum += 100 * curve * curve + (1 - x[i]) * (1 - x[i]);
	}
	return sum;
}

static double ackley(const double *x)
{
	double squares = 0, cosines = 0;
	for (int i = 0; i < 5; i++) {
		double y = x[i] - 2.1;
		squares += y * y / 5;
		cosines += cos(2 * PI * y) / 5;
	}
	return 20 - 20 * exp(-0.2 * sqrt(squares)) + exp(1) - exp(cosines);
}

static double rastrigin(const double *x)
{
	double sum = 50;
	for (int i = 0; i < 5; i++) {
		double y = x[i] + 0.9;
		sum += y * y - 10 * cos(2 * PI * y);
	}
	return sum;
}

/* lr log, width log-int, layers int, dropout, optimiser and activation unordered, warm-up on a
 * grid: best at 3e-3, 128, 4, 0.2, option 2, option 1, 0.3. */
static const char mixed_space[] =
	"{\"lr\":{\"_type\":\"loguniform\",\"_value\":[1e-5,1]},"
	"\"width\":{\"_type\":\"int\",\"_value\":{\"low\":8,\"high\":1024,\"log\":true}},"
	"\"layers\":{\"_type\":\"randint\",\"_value\":[1,9]},"
	"\"dropout\":{\"_type\":\"uniform\",\"_value\":[0,0.9]},"
	"\"optimizer\":{\"_type\":\"choice\",\"_value\":[\"sgd\",\"rmsprop\",\"adam\",\"lamb\"]},"
	"\"activation\":{\"_type\":\"choice\",\"_value\":[\"relu\",\"gelu\",\"tanh\"]},"
	"\"warmup\":{\"_type\":\"quniform\",\"_value\":[0,1,0.05]}}";

static double mixed(const double *x)
{
	static const double optimizers[4] = { 0.4, 0.25, 0, 0.1 };
	double lr = log10(x[0]) - log10(3e-3), width = log2(x[1]) - 7;
	double shift = x[4] == 0 ? 1 : 0; /* sgd wants ten times the rate */
	lr -= shift;
	return 0.15 * lr * lr + 0.02 * width * width + 0.03 * (x[2] - 4) * (x[2] - 4) +
	       (x[3] - 0.2) * (x[3] - 0.2) + optimizers[(int)x[4]] + (x[5] == 1 ? 0 : 0.1) +
	       0.5 * (x[6] - 0.3) * (x[6] - 0.3);
}

/* Three learners with their own parameters; the best of them differ by 0.05. */
static const char branch_space[] =
	"{\"model\":{\"_type\":\"choice\",\"_value\":["
	"{\"_name\":\"svm\",\"c\":{\"_type\":\"loguniform\",\"_value\":[1e-3,1e3]},"
	"\"gamma\":{\"_type\":\"loguniform\",\"_value\":[1e-5,10]}},"
	"{\"_name\":\"forest\",\"trees\":{\"_type\":\"int\",\"_value\":{\"low\":10,\"high\":500,"
	"\"log\":true}},"
	"\"depth\":{\"_type\":\"randint\",\"_value\":[2,21]},"
	"\"criterion\":{\"_type\":\"choice\",\"_value\":[\"gini\",\"entropy\",\"log\"]}},"
	"{\"_name\":\"net\",\"lr\":{\"_type\":\"loguniform\",\"_value\":[1e-5,1]},"
	"\"hidden\":{\"_type\":\"int\",\"_value\":{\"low\":4,\"high\":256,\"log\":true}},"
	"\"layers\":{\"_type\":\"randint\",\"_value\":[1,6]},"
	"\"momentum\":{\"_type\":\"uniform\",\"_value\":[0,1]}}]}}";

/* svm 0.10, forest 0.05, net 0: the hardest to tune is the best. */
static double branches(const double *x)
{
	if (x[0] == 0) {
		double c = log10(x[1]) - 1, gamma = log10(x[2]) + 2;
		return 0.10 + 0.02 * c * c + 0.03 * gamma * gamma;
	}
	if (x[0] == 1) {
		double trees = log(x[3] / 200), depth = x[4] - 12;
		return 0.05 + 0.02 * trees * trees + 0.002 * depth * depth + (x[5] == 1 ? 0 : 0.03);
	}
	double lr = log10(x[6]) + 2.5, hidden = log2(x[7]) - 6, layers = x[8] - 3;
	return 0.06 * lr * lr + 0.02 * hidden * hidden + 0.03 * layers * layers +
	       0.3 * (x[9] - 0.9) * (x[9] - 0.9);
}

static const struct problem problems[] = {
	{ "sphere 5-d", BOX5(-5, 5), sphere, 100, 0.06 },
	{ "rosenbrock 5-d", BOX5(-2, 2), rosenbrock, 100, 0.13 },
	{ "ackley 5-d", BOX5(-5, 5), ackley, 100, 0.5 },
	{ "rastrigin 5-d", BOX5(-5, 5), rastrigin, 100, 0.75 },
	{ "hartmann-6",
		"{" AXIS("a", 0, 1) "," AXIS("b", 0, 1) "," AXIS("c", 0, 1) "," AXIS(
			"d", 0, 1) "," AXIS("e", 0, 1) "," AXIS("f", 0, 1) "}",
		hartmann6, 100, 0.16 },
	{ "branin", "{" AXIS("x", -5, 10) "," AXIS("y", 0, 15) "}", branin, 60, 0.35 },
	{ "mixed 7-d", mixed_space, mixed, 100, 0.3 },
	{ "three branches", branch_space, branches, 100, 0.35 },
};

/* Best loss of a run with pending trials more than one under way; best_x, unless NULL, gets where.
 */
static double run(const struct problem *problem, const struct tuner *tuner, const char *options,
	uint64_t seed, size_t pending, double *best_x)
{
	struct lab lab;
	double best = (double)INFINITY;
	size_t answered = 0;

	lab_init(&lab, problem->space, tuner, options, seed, false);
	for (size_t t = 0; t < problem->trials + pending; t++) {
		if (t < problem->trials)
			assert_true(lab_suggest(&lab) >= 0);
		if (t < pending)
			continue;
		const double *x = lab.view.trials[answered].x;
		double loss = problem->loss(x);
		if (loss < best && best_x)
			memcpy(best_x, x, lab.spec.space->n * sizeof(*x));
		best = fmin(best, loss);
		lab_observe(&lab, (int64_t)answered++, loss);
	}
	lab_release(&lab);
	return best;
}

static double geometric(const struct problem *problem, const struct tuner *tuner,
	const char *options, size_t pending)
{
	double sum = 0;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		sum += log(run(problem, tuner, options, seed, pending, NULL) + 1e-12);
	return exp(sum / SEEDS);
}

static void beats_random(void **state)
{
	(void)state;
	printf("%-16s %7s %10s %10s %10s %10s %10s %7s\n", "geometric means", "trials", "random",
		"tpe", "tpe, 8 at", "univariate", "parity", "ratio");
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		const struct problem *p = &problems[i];
		double random = geometric(p, &tuner_random, NULL, 0);
		double tpe = geometric(p, &tuner_tpe, NULL, 0);
		double parallel = geometric(p, &tuner_tpe, NULL, 7);
		double univariate = geometric(p, &tuner_tpe, "multivariate=false", 0);
		double parity = geometric(p, &tuner_tpe, "variant=parity", 0);
		printf("%-16s %7zu %10.4g %10.4g %10.4g %10.4g %10.4g %7.3f\n", p->name, p->trials,
			random, tpe, parallel, univariate, parity, tpe / random);
		assert_true(tpe / random <= p->worst);
		assert_true(parallel < random);
		assert_true(tpe < parity);
	}
}

/* The book's black box, chapter 1. The true best is 50. */
static double black_box(const double *x)
{
	double r;
	if (fmod(x[1], 2) == 0) {
		double up = x[0] > 50 ? pow(x[0], sin(x[2])) - x[0] : pow(x[0], cos(x[2])) + x[0];
		r = x[0] > 50 ? up * x[0] / 2 : up * x[0];
	} else {
		r = pow(x[1], 2 - sin(x[0]) * cos(x[2]));
	}
	return -rint(r) / 100;
}

static double holder_table(const double *x)
{
	double away = fabs(1 - sqrt(x[0] * x[0] + x[1] * x[1]) / PI);
	return -fabs(sin(x[0]) * cos(x[1]) * exp(away));
}

/* Ackley as the book writes it: 40 at the origin, its best, about 40.8, beside it. */
static double book_ackley(const double *x)
{
	double radius = sqrt((x[0] * x[0] + x[1] * x[1]) / 2);
	double waves = (cos(2 * PI * x[0]) + cos(2 * PI * x[1])) / 2;
	return -(20 * exp(-0.2 * radius) - exp(waves) + exp(1) + 20);
}

#define TEN "[-10,10,0.01]"

static void book_cases(void **state)
{
	static const struct {
		struct problem problem;
		size_t pending, seeds;
		double mean; /* least mean of the best values that passes */
	} cases[] = {
		{ { "B1 black box",
			  "{\"x\":{\"_type\":\"quniform\",\"_value\":[1,100,1]},"
			  "\"y\":{\"_type\":\"quniform\",\"_value\":[1,10,1]},"
			  "\"z\":{\"_type\":\"quniform\",\"_value\":[1,10000,0.01]}}",
			  black_box, 1000, 0 },
			3, 3, 49 },
		{ { "B3 holder table",
			  "{\"x\":{\"_type\":\"uniform\",\"_value\":[-10,10]},"
			  "\"y\":{\"_type\":\"uniform\",\"_value\":[-10,10]}}",
			  holder_table, 100, 0 },
			0, SEEDS, 18.5 },
		{ { "B4 ackley",
			  "{\"x\":{\"_type\":\"quniform\",\"_value\":" TEN "},"
			  "\"y\":{\"_type\":\"quniform\",\"_value\":" TEN "}}",
			  book_ackley, 100, 0 },
			0, SEEDS, 40.3 },
	};
	(void)state;
	printf("%-16s %7s %10s %10s %10s %10s\n", "best value", "trials", "random", "tpe",
		"tpe worst", "parity");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct problem *p = &cases[i].problem;
		double random = 0, tpe = 0, parity = 0, worst = 1e9;
		for (uint64_t seed = 0; seed < cases[i].seeds; seed++) {
			double n = (double)cases[i].seeds;
			size_t pending = cases[i].pending;
			double best = -run(p, &tuner_tpe, NULL, seed, pending, NULL);
			tpe += best / n;
			worst = fmin(worst, best);
			random -= run(p, &tuner_random, NULL, seed, pending, NULL) / n;
			parity -= run(p, &tuner_tpe, "variant=parity", seed, pending, NULL) / n;
		}
		printf("%-16s %7zu %10.4g %10.4g %10.4g %10.4g\n", p->name, p->trials, random, tpe,
			worst, parity);
		assert_true(tpe >= cases[i].mean);
		assert_true(tpe > random);
	}
}

/* How many of ten runs end in the branch whose optimum is best, by 0.05. */
static void finds_the_branch(void **state)
{
	static const char *const variants[] = { NULL, "branch_weight=2", "variant=parity" };
	(void)state;
	for (size_t v = 0; v < 3; v++) {
		size_t found[2] = { 0, 0 };
		for (size_t b = 0; b < 2; b++) {
			struct problem problem = problems[7];
			problem.trials = b ? 200 : 100;
			for (uint64_t seed = 0; seed < SEEDS; seed++) {
				double x[16];
				run(&problem, &tuner_tpe, variants[v], seed, 0, x);
				found[b] += x[0] == 2;
			}
		}
		printf("right branch of three, %-16s %zu of %d after 100 trials, %zu after 200\n",
			variants[v] ? variants[v] : "tpe", found[0], SEEDS, found[1]);
		if (v == 0) {
			assert_true(found[0] >= 6);
			assert_true(found[1] >= 9);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beats_random),
		cmocka_unit_test(book_cases),
		cmocka_unit_test(finds_the_branch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
