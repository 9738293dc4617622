/* Well-known functions, each instance with its optimum somewhere else. */
#include <math.h>
#include <stdint.h>

#include "bench/quality/problem.h"
#include "core/rng.h"

#define PI	   3.14159265358979323846
#define DIMENSIONS 10

struct classic {
	double (*value)(size_t n, const double *z); /* least at its optimum, 0 there or .least */
	size_t n;
	double shift[DIMENSIONS];
};

static double branin(size_t n, const double *z)
{
	(void)n;
	double a = z[1] - 5.1 / (4 * PI * PI) * z[0] * z[0] + 5 / PI * z[0] - 6;
	return a * a + 10 * (1 - 1 / (8 * PI)) * cos(z[0]) + 10;
}

static double hartmann(size_t n, const double *z)
{
	static const double height[4] = { 1, 1.2, 3, 3.2 };
	static const double width[4][6] = { { 10, 3, 17, 3.5, 1.7, 8 },
		{ 0.05, 10, 17, 0.1, 8, 14 }, { 3, 3.5, 1.7, 10, 17, 8 },
		{ 17, 8, 0.05, 10, 0.1, 14 } };
	static const double centre[4][6] = { { .1312, .1696, .5569, .0124, .8283, .5886 },
		{ .2329, .4135, .8307, .3736, .1004, .9991 },
		{ .2348, .1451, .3522, .2883, .3047, .6650 },
		{ .4047, .8828, .8732, .5743, .1091, .0381 } };
	double sum = 0;

	for (size_t i = 0; i < 4; i++) {
		double distance = 0;
		for (size_t j = 0; j < n; j++) {
			double away = z[j] - centre[i][j];
			distance += width[i][j] * away * away;
		}
		sum -= height[i] * exp(-distance);
	}
	return sum;
}

static double ackley(size_t n, const double *z)
{
	double squares = 0, waves = 0;

	for (size_t i = 0; i < n; i++) {
		squares += z[i] * z[i] / (double)n;
		waves += cos(2 * PI * z[i]) / (double)n;
	}
	return 20 - 20 * exp(-0.2 * sqrt(squares)) + exp(1) - exp(waves);
}

static double rosenbrock(size_t n, const double *z)
{
	double sum = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		double off = z[i + 1] - z[i] * z[i];
		sum += 100 * off * off + (1 - z[i]) * (1 - z[i]);
	}
	return sum;
}

static double levy(size_t n, const double *z)
{
	double first = sin(PI * (1 + (z[0] - 1) / 4)), sum = first * first;

	for (size_t i = 0; i < n; i++) {
		double w = 1 + (z[i] - 1) / 4, wave = sin(i + 1 < n ? PI * w + 1 : 2 * PI * w);
		sum += (w - 1) * (w - 1) * (1 + (i + 1 < n ? 10 : 1) * wave * wave);
	}
	return sum;
}

static double griewank(size_t n, const double *z)
{
	double sum = 0, product = 1;

	for (size_t i = 0; i < n; i++) {
		sum += z[i] * z[i] / 4000;
		product *= cos(z[i] / sqrt((double)(i + 1)));
	}
	return sum - product + 1;
}

static double rastrigin(size_t n, const double *z)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += z[i] * z[i] + 10 * (1 - cos(2 * PI * z[i]));
	return sum;
}

/* reach: the optimum moves by up to that share of the box either way, and stays inside. */
static const struct {
	const char *name;
	double (*value)(size_t n, const double *z);
	size_t n;
	double low, high, least, reach;
} functions[] = {
	{ "Branin", branin, 2, 0, 1, 0.39788735772973816, 0.1 },
	{ "Hartmann-6", hartmann, 6, 0, 1, -3.32236801141551, 0.1 },
	{ "Ackley-10", ackley, 10, -32.768, 32.768, 0, 0.4 },
	{ "Rosenbrock-5", rosenbrock, 5, -5, 5, 0, 0.3 },
	{ "Levy-5", levy, 5, -10, 10, 0, 0.35 },
	{ "Griewank-5", griewank, 5, -600, 600, 0, 0.4 },
	{ "Rastrigin-5", rastrigin, 5, -5.12, 5.12, 0, 0.4 },
};

static double value_classic(const struct problem *problem, const double *x)
{
	const struct classic *classic = problem->state;
	double z[DIMENSIONS];

	for (size_t i = 0; i < classic->n; i++)
		z[i] = x[i] - classic->shift[i];
	if (classic->value == branin) { /* on the unit square here; its box is [-5,10] x [0,15] */
		z[0] = 15 * z[0] - 5;
		z[1] = 15 * z[1];
	}
	return classic->value(classic->n, z);
}

static int add(struct suite *suite, size_t which, unsigned instance, struct error *err)
{
	struct problem *problem = suite_begin(suite, functions[which].name, instance);
	struct classic *classic = problem ? arena_alloc(&problem->arena, sizeof(*classic)) : NULL;
	double reach = functions[which].reach * (functions[which].high - functions[which].low);
	struct rng rng;

	if (!classic)
		return fail(err, CODE_NO_MEMORY, "no memory for %s", functions[which].name);
	classic->value = functions[which].value;
	classic->n = functions[which].n;
	rng_init(&rng, instance, RNG_TEST, 1000 + which);
	for (size_t i = 0; i < classic->n; i++)
		classic->shift[i] = reach * (2 * rng_uniform(&rng) - 1);
	problem->state = classic;
	problem->value = value_classic;
	problem->optimum = functions[which].least;
	return problem_set_box(
		problem, classic->n, functions[which].low, functions[which].high, err);
}

int suite_add_classic(struct suite *suite, unsigned instances, struct error *err)
{
	int code = 0;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		for (unsigned k = 1; k <= instances && code == 0; k++)
			code = add(suite, i, k, err);
	return code;
}
