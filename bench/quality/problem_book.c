/*
 * The black-box functions of Gridin, "Automated Deep Learning Using Neural Network Intelligence"
 * (Apress 2022), negated: the book maximises. They have one instance.
 */
#include <math.h>

#include "bench/quality/problem.h"

#define PI 3.14159265358979323846

/* Chapter 1: at most 50, at x = 50, y even, z a multiple of 2 pi. */
static double black_box(const struct problem *problem, const double *x)
{
	double a = x[0], b = x[1], c = x[2], r;

	(void)problem;
	if (fmod(b, 2) == 0)
		r = a > 50 ? (pow(a, sin(c)) - a) * a / 2 : (pow(a, cos(c)) + a) * a;
	else
		r = pow(b, 2 - sin(a) * cos(c));
	return -round(r) / 100;
}

/* Chapter 3: four equal maxima. */
static double holder_table(const struct problem *problem, const double *x)
{
	(void)problem;
	return -fabs(sin(x[0]) * cos(x[1]) * exp(fabs(1 - hypot(x[0], x[1]) / PI)));
}

/* As the book writes it, to be maximised: the sign of its second term puts the four best points
 * about (+-0.32, +-0.32). */
static double ackley(const struct problem *problem, const double *x)
{
	(void)problem;
	return -20 * exp(-0.2 * sqrt((x[0] * x[0] + x[1] * x[1]) / 2)) +
	       exp((cos(2 * PI * x[0]) + cos(2 * PI * x[1])) / 2) - exp(1) - 20;
}

/* Beyond 1 the first term alone costs more than the second can give, and the signs do not matter,
 * so the grid's best is in [0,1]^2. */
static double least_ackley(void)
{
	double least = 0;

	for (int i = 0; i <= 100; i++)
		for (int j = 0; j <= i; j++) {
			double x[2] = { i * 0.01, j * 0.01 };
			least = fmin(least, ackley(NULL, x));
		}
	return least;
}

#define AXIS(name, type, values) "\"" name "\":{\"_type\":\"" type "\",\"_value\":" values "}"

static const struct {
	const char *name, *space;
	double (*value)(const struct problem *problem, const double *x);
	double least;
} problems[] = {
	{ "B1 black box",
		"{" AXIS("x", "quniform", "[1,100,1]") "," AXIS("y", "quniform",
			"[1,10,1]") "," AXIS("z", "quniform", "[1,10000,0.01]") "}",
		black_box, -50 },
	{ "B3 Holder table",
		"{" AXIS("x", "uniform", "[-10,10]") "," AXIS("y", "uniform", "[-10,10]") "}",
		holder_table, -19.208502567886747 },
	{ "B4 Ackley",
		"{" AXIS("x", "quniform", "[-10,10,0.01]") "," AXIS(
			"y", "quniform", "[-10,10,0.01]") "}",
		ackley, 0 },
};

int suite_add_book(struct suite *suite, unsigned instances, struct error *err)
{
	int code = 0;

	(void)instances;
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]) && code == 0; i++) {
		struct problem *problem = suite_begin(suite, problems[i].name, 1);
		if (!problem)
			return fail(err, CODE_NO_MEMORY, "no memory for %s", problems[i].name);
		problem->value = problems[i].value;
		problem->optimum = problems[i].value == ackley ? least_ackley() : problems[i].least;
		code = problem_set_space(problem, err, "%s", problems[i].space);
	}
	return code;
}
