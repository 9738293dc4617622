#include "algorithms/assessors/curve_family.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define ITERATIONS   40
#define WORK	     1280 /* iterations times points, if that allows more of them */
#define DAMPING_HIGH 1e10
#define CONVERGED    1e-10 /* relative decrease of the error that is not worth another step */

/* The smallest height a start assumes, so that logarithms of a flat curve stay finite. */
#define FLAT 1e-3

static double vapor(const double *p, double x)
{
	return exp(p[0] + p[1] / x + p[2] * log(x));
}

static double power3(const double *p, double x)
{
	return p[0] - p[1] * pow(x, -p[2]);
}

static double linear(const double *p, double x)
{
	return p[0] * x + p[1];
}

static double log_linear(const double *p, double x)
{
	return p[0] * log(x) + p[1];
}

static double hill(const double *p, double x)
{
	double power = pow(x, p[1]);
	return p[0] * power / (pow(p[2], p[1]) + power);
}

static double log_power(const double *p, double x)
{
	return p[0] / (1 + pow(x / exp(p[1]), p[2]));
}

static double power4(const double *p, double x)
{
	return p[0] - pow(p[1] * x + p[2], -p[3]);
}

static double mmf(const double *p, double x)
{
	return p[0] - (p[0] - p[1]) / (1 + pow(p[2] * x, p[3]));
}

static double exp4(const double *p, double x)
{
	return p[0] - exp(p[2] - p[1] * pow(x, p[3]));
}

/* ln(x + 1) where NNI has ln x, which divides by 0 at the first report. */
static double inverse_log(const double *p, double x)
{
	return p[0] - p[1] / log(x + 1);
}

static double weibull(const double *p, double x)
{
	return p[0] - (p[0] - p[1]) * exp(-pow(p[2] * x, p[3]));
}

static double janoschek(const double *p, double x)
{
	return p[0] - (p[0] - p[1]) * exp(-p[2] * pow(x, p[3]));
}

static double height(double first, double last)
{
	return last - first > FLAT ? last - first : FLAT;
}

static void start_vapor(double first, double last, double x, double gain, double *p)
{
	(void)x;
	double low = first > FLAT ? first : FLAT, high = last > FLAT ? last : FLAT;
	p[0] = log(high * (1 + gain));
	p[1] = log(low / high) - gain;
	p[2] = 0;
}

static void start_power3(double first, double last, double x, double gain, double *p)
{
	(void)x;
	p[0] = last + gain * height(first, last);
	p[1] = p[0] - first;
	p[2] = gain > 0.5 ? 0.3 : 1;
}

static void start_linear(double first, double last, double x, double gain, double *p)
{
	(void)gain;
	p[0] = (last - first) / (x > 1 ? x - 1 : 1);
	p[1] = first - p[0];
}

static void start_log_linear(double first, double last, double x, double gain, double *p)
{
	(void)gain;
	p[0] = (last - first) / log(x > 1 ? x : 2);
	p[1] = first;
}

static void start_hill(double first, double last, double x, double gain, double *p)
{
	(void)first;
	p[0] = last * (1 + gain);
	p[1] = gain > 0.5 ? 0.5 : 1;
	p[2] = gain > 0.5 ? 0.5 * x : 1;
}

static void start_log_power(double first, double last, double x, double gain, double *p)
{
	(void)first;
	p[0] = last * (1 + gain);
	p[1] = gain > 0.5 ? log(0.5 * x) : 0;
	p[2] = gain > 0.5 ? -0.5 : -1;
}

/* 1 / (c - y) is a line in x when the exponent is 1. */
static void start_power4(double first, double last, double x, double gain, double *p)
{
	p[0] = last + gain * height(first, last);
	double from = 1 / fmax(p[0] - first, FLAT), to = 1 / fmax(p[0] - last, FLAT);
	p[1] = fmax((to - from) / (x > 1 ? x - 1 : 1), FLAT);
	p[2] = fmax(from - p[1], FLAT);
	p[3] = 1;
}

static void start_mmf(double first, double last, double x, double gain, double *p)
{
	p[0] = last + gain * height(first, last);
	p[1] = first - gain * height(first, last);
	p[2] = 4 / x;
	p[3] = 1;
}

static void start_exp4(double first, double last, double x, double gain, double *p)
{
	p[0] = last + gain * height(first, last);
	double from = fmax(p[0] - first, FLAT), to = fmax(p[0] - last, FLAT);
	p[3] = gain > 0.5 ? 0.5 : 1;
	p[1] = log(from / to) / pow(x, p[3]);
	p[2] = log(from);
}

static void start_inverse_log(double first, double last, double x, double gain, double *p)
{
	(void)x;
	(void)gain;
	p[0] = last;
	p[1] = (last - first) * log(2);
}

static void start_weibull(double first, double last, double x, double gain, double *p)
{
	p[0] = last + gain * height(first, last);
	p[1] = first - gain * height(first, last);
	p[2] = 2 / x;
	p[3] = gain > 0.5 ? 0.5 : 1;
}

const struct curve_family curve_families[CURVE_FAMILIES] = {
	[CURVE_VAPOR] = { "vapor", 3, vapor, start_vapor },
	[CURVE_POWER3] = { "power3", 3, power3, start_power3 },
	[CURVE_LINEAR] = { "linear", 2, linear, start_linear },
	[CURVE_LOG_LINEAR] = { "log_linear", 2, log_linear, start_log_linear },
	[CURVE_HILL] = { "hill", 3, hill, start_hill },
	[CURVE_LOG_POWER] = { "log_power", 3, log_power, start_log_power },
	[CURVE_POWER4] = { "power4", 4, power4, start_power4 },
	[CURVE_MMF] = { "mmf", 4, mmf, start_mmf },
	[CURVE_EXP4] = { "exp4", 4, exp4, start_exp4 },
	[CURVE_INVERSE_LOG] = { "inverse_log", 2, inverse_log, start_inverse_log },
	[CURVE_WEIBULL] = { "weibull", 4, weibull, start_weibull },
	[CURVE_JANOSCHEK] = { "janoschek", 4, janoschek, start_weibull },
};

struct problem {
	const struct curve_family *family;
	size_t n;
	const double *x, *y;
};

/* Infinite outside the domain, so a step there is refused. */
static double squared_error(const struct problem *problem, const double *p)
{
	double sum = 0;
	for (size_t i = 0; i < problem->n; i++) {
		double e = problem->y[i] - problem->family->value(p, problem->x[i]);
		sum += e * e;
	}
	return isfinite(sum) ? sum : HUGE_VAL;
}

/* The normal equations J'J and J'r at p, J by forward differences: an error of their size only
 * slows the last steps. */
static bool normal_equations(const struct problem *problem, const double *p,
	double a[CURVE_PARAMETERS][CURVE_PARAMETERS], double g[CURVE_PARAMETERS])
{
	size_t n = problem->family->n;
	memset(a, 0, sizeof(double[CURVE_PARAMETERS][CURVE_PARAMETERS]));
	memset(g, 0, sizeof(double[CURVE_PARAMETERS]));
	for (size_t i = 0; i < problem->n; i++) {
		double x = problem->x[i], row[CURVE_PARAMETERS] = { 0 };
		double here = problem->family->value(p, x);
		for (size_t j = 0; j < n; j++) {
			double h = 1e-7 * fmax(fabs(p[j]), 1e-2), q[CURVE_PARAMETERS];
			memcpy(q, p, sizeof(q));
			q[j] = p[j] + h;
			row[j] = (problem->family->value(q, x) - here) / h;
			if (!isfinite(row[j]))
				return false;
		}
		double e = problem->y[i] - here;
		for (size_t j = 0; j < n; j++) {
			g[j] += row[j] * e;
			for (size_t k = 0; k <= j; k++)
				a[j][k] += row[j] * row[k];
		}
	}
	return true;
}

/* Solves (a + damping diag a) step = g by Cholesky; false when that is not positive definite. */
static bool damped_step(size_t n, double a[CURVE_PARAMETERS][CURVE_PARAMETERS], const double *g,
	double damping, double *step)
{
	double l[CURVE_PARAMETERS][CURVE_PARAMETERS] = { 0 };
	for (size_t j = 0; j < n; j++) {
		for (size_t i = j; i < n; i++) {
			double sum = a[i][j];
			if (i == j)
				sum += damping * a[j][j] + DBL_MIN;
			for (size_t k = 0; k < j; k++)
				sum -= l[i][k] * l[j][k];
			if (i == j && !(sum > 0))
				return false;
			l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
		}
	}
	for (size_t i = 0; i < n; i++) {
		step[i] = g[i];
		for (size_t k = 0; k < i; k++)
			step[i] -= l[i][k] * step[k];
		step[i] /= l[i][i];
	}
	for (size_t i = n; i-- > 0;) {
		for (size_t k = i + 1; k < n; k++)
			step[i] -= l[k][i] * step[k];
		step[i] /= l[i][i];
	}
	return true;
}

static void descend(const struct problem *problem, struct curve_fit *fit)
{
	double a[CURVE_PARAMETERS][CURVE_PARAMETERS], g[CURVE_PARAMETERS];
	double damping = 1e-3;
	size_t bound = WORK / problem->n > ITERATIONS ? WORK / problem->n : ITERATIONS;
	bool moved = true, done = false;

	fit->sse = squared_error(problem, fit->p);
	for (size_t i = 0; i < bound && !done && damping < DAMPING_HIGH; i++) {
		double step[CURVE_PARAMETERS] = { 0 }, p[CURVE_PARAMETERS] = { 0 };
		double sse = HUGE_VAL, promise = HUGE_VAL;
		if (!isfinite(fit->sse) || (moved && !normal_equations(problem, fit->p, a, g)))
			return;
		if (damped_step(problem->family->n, a, g, damping, step)) {
			promise = 0; /* what a linear model would gain by the step, within 2 */
			for (size_t j = 0; j < problem->family->n; j++) {
				p[j] = fit->p[j] + step[j];
				promise += step[j] * g[j];
			}
			sse = squared_error(problem, p);
		}
		moved = sse < fit->sse;
		damping = moved ? damping * 0.2 : damping * 5;
		done = promise <= CONVERGED * fit->sse ||
		       (moved && fit->sse - sse <= CONVERGED * fit->sse);
		if (moved) {
			memcpy(fit->p, p, sizeof(p));
			fit->sse = sse;
		}
	}
}

void curve_fit(const struct curve_family *family, size_t n, const double *x, const double *y,
	struct curve_fit *out)
{
	static const double gains[CURVE_STARTS] = { 0.1, 0.8 };
	struct problem problem = { family, n, x, y };
	*out = (struct curve_fit){ .sse = HUGE_VAL };
	for (size_t s = 0; s < CURVE_STARTS; s++) {
		struct curve_fit fit = { .sse = HUGE_VAL };
		family->start(y[0], y[n - 1], x[n - 1], gains[s], fit.p);
		descend(&problem, &fit);
		if (fit.sse < out->sse)
			*out = fit;
	}
}

void curve_refit(const struct curve_family *family, size_t n, const double *x, const double *y,
	struct curve_fit *fit)
{
	struct problem problem = { family, n, x, y };
	descend(&problem, fit);
}
