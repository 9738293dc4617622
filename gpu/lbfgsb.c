#include "gpu/lbfgsb.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ARMIJO	     1e-4
#define CURVATURE    0.9
#define TRIES	     20	   /* evaluations of one line search */
#define LEAST_CONVEX 1e-10 /* s'y of a pair against |s| |y| */

size_t lbfgsb_memory(size_t dim)
{
	return dim * (6 + 2 * LBFGSB_MEMORY);
}

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static double clipped(const struct lbfgsb *run, size_t i, double value)
{
	double low = run->limits.low[i], high = run->limits.high[i];
	return value < low ? low : value > high ? high : value;
}

void lbfgsb_init(struct lbfgsb *run, size_t dim, const double *start,
	const struct lbfgsb_limits *limits, double *memory)
{
	double *at = memory;
	*run = (struct lbfgsb){ .dim = dim, .limits = *limits, .live = true };
	double **parts[] = { &run->trial, &run->x, &run->gradient, &run->direction, &run->kept,
		&run->kept_gradient };
	for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++, at += dim)
		*parts[p] = at;
	run->s = at;
	run->y = at + LBFGSB_MEMORY * dim;
	run->objective = HUGE_VAL;
	for (size_t i = 0; i < dim; i++)
		run->trial[i] = run->x[i] = clipped(run, i, start[i]);
}

/* At a bound, and downhill is outside. */
static bool held(const struct lbfgsb *run, size_t i)
{
	double low = run->limits.low[i], high = run->limits.high[i];
	return (run->x[i] <= low && run->gradient[i] >= 0) ||
	       (run->x[i] >= high && run->gradient[i] <= 0);
}

static double projected_gradient_norm(const struct lbfgsb *run)
{
	double sum = 0;
	for (size_t i = 0; i < run->dim; i++) {
		double move = clipped(run, i, run->x[i] - run->gradient[i]) - run->x[i];
		sum += move * move;
	}
	return sqrt(sum);
}

static double free_dot(const struct lbfgsb *run, const double *a, const double *b)
{
	double sum = 0;
	for (size_t i = 0; i < run->dim; i++)
		if (!held(run, i))
			sum += a[i] * b[i];
	return sum;
}

static void free_add(const struct lbfgsb *run, double *to, double factor, const double *what)
{
	for (size_t i = 0; i < run->dim; i++)
		if (!held(run, i))
			to[i] += factor * what[i];
}

/* The pair that is back steps old, 1 the newest. */
static size_t pair_at(const struct lbfgsb *run, unsigned back)
{
	return (run->next_pair + LBFGSB_MEMORY - back) % LBFGSB_MEMORY * run->dim;
}

/* The two-loop recursion on the free coordinates; pairs that are not convex there are left out.
 * false: no pair was of use, the direction is steepest descent. */
static bool quasi_newton(struct lbfgsb *run)
{
	double a[LBFGSB_MEMORY + 1], convex[LBFGSB_MEMORY + 1];
	double *q = run->direction;
	bool scaled = false;

	for (size_t i = 0; i < run->dim; i++)
		q[i] = held(run, i) ? 0 : -run->gradient[i];
	for (unsigned back = 1; back <= run->n_pairs; back++) {
		const double *s = run->s + pair_at(run, back), *y = run->y + pair_at(run, back);
		convex[back] = free_dot(run, s, y);
		if (convex[back] <= LEAST_CONVEX * free_dot(run, y, y))
			convex[back] = 0;
		if (convex[back] == 0)
			continue;
		a[back] = dot(s, q, run->dim) / convex[back]; /* q is 0 where held */
		free_add(run, q, -a[back], y);
	}
	for (unsigned back = 1; back <= run->n_pairs && !scaled; back++) {
		const double *y = run->y + pair_at(run, back);
		if (convex[back] == 0)
			continue;
		double scale = convex[back] / free_dot(run, y, y);
		for (size_t i = 0; i < run->dim; i++)
			q[i] *= scale;
		scaled = true;
	}
	for (unsigned back = run->n_pairs; back >= 1; back--) {
		const double *s = run->s + pair_at(run, back), *y = run->y + pair_at(run, back);
		if (convex[back] == 0)
			continue;
		double b = dot(y, q, run->dim) / convex[back];
		free_add(run, q, a[back] - b, s);
	}
	return scaled;
}

static void propose(struct lbfgsb *run)
{
	for (size_t i = 0; i < run->dim; i++)
		run->trial[i] = clipped(run, i, run->x[i] + run->step * run->direction[i]);
}

/* Begins a line search from x, or ends the run. */
static void begin_search(struct lbfgsb *run)
{
	double norm = projected_gradient_norm(run);
	if (norm <= run->limits.tolerance || run->iterations >= run->limits.max_iterations) {
		run->live = false;
		return;
	}
	bool newton = quasi_newton(run);
	run->slope = dot(run->gradient, run->direction, run->dim);
	if (newton && !(run->slope < 0)) {
		run->n_pairs = 0;
		newton = quasi_newton(run);
		run->slope = dot(run->gradient, run->direction, run->dim);
	}
	/* A gradient has no length of its own. */
	run->step = newton ? 1 : fmin(1 / run->limits.curvature, 1 / sqrt(-run->slope));
	run->step_low = 0;
	run->step_high = HUGE_VAL;
	run->tries = 0;
	run->kept_objective = HUGE_VAL;
	propose(run);
}

static void remember_pair(struct lbfgsb *run, const double *x, const double *gradient)
{
	double *s = run->s + run->next_pair * run->dim, *y = run->y + run->next_pair * run->dim;
	for (size_t i = 0; i < run->dim; i++) {
		s[i] = x[i] - run->x[i];
		y[i] = gradient[i] - run->gradient[i];
	}
	double product = dot(s, y, run->dim);
	if (!(product > LEAST_CONVEX * sqrt(dot(s, s, run->dim) * dot(y, y, run->dim))))
		return;
	run->next_pair = (run->next_pair + 1) % LBFGSB_MEMORY;
	run->n_pairs += run->n_pairs < LBFGSB_MEMORY;
}

/* Moves to a point that the line search accepts. */
static void accept(struct lbfgsb *run, const double *x, double objective, const double *gradient)
{
	double gain = run->objective - objective;
	double least = run->limits.least_gain * fmax(fabs(objective), 10);
	remember_pair(run, x, gradient);
	memcpy(run->x, x, run->dim * sizeof(*x));
	memcpy(run->gradient, gradient, run->dim * sizeof(*gradient));
	run->objective = objective;
	run->iterations++;
	run->idle = gain <= least ? run->idle + 1 : 0;
	if (run->idle == 2)
		run->live = false;
	else
		begin_search(run);
}

/* The search is over without a point that satisfies both conditions. */
static void settle(struct lbfgsb *run)
{
	if (run->kept_objective < run->objective) {
		accept(run, run->kept, run->kept_objective, run->kept_gradient);
		return;
	}
	if (run->n_pairs == 0) {
		run->live = false;
		return;
	}
	run->n_pairs = 0; /* the model misleads: once more along the gradient */
	begin_search(run);
}

/* The minimum of the parabola through value and slope at 0 and the value at step, kept away from
 * both ends of [low, high]. */
static double shorter(const struct lbfgsb *run, double objective)
{
	double low = run->step_low, high = run->step_high, width = high - low;
	if (low > 0)
		return low + 0.5 * width;
	if (!(objective < HUGE_VAL))
		return 0.25 * high;
	double parabola =
		-0.5 * run->slope * high * high / (objective - run->objective - run->slope * high);
	return fmin(fmax(parabola, 0.1 * high), 0.5 * high);
}

static bool finite_all(const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(values[i]))
			return false;
	return true;
}

static void keep(struct lbfgsb *run, double objective, const double *gradient)
{
	if (objective >= run->kept_objective)
		return;
	run->kept_objective = objective;
	memcpy(run->kept, run->trial, run->dim * sizeof(*run->kept));
	memcpy(run->kept_gradient, gradient, run->dim * sizeof(*gradient));
}

static void search(struct lbfgsb *run, double objective, const double *gradient)
{
	double promised = 0; /* by the slope, along the projected step */
	bool moved = false, bent = false;
	for (size_t i = 0; i < run->dim; i++) {
		double move = run->trial[i] - run->x[i];
		promised += run->gradient[i] * move;
		moved = moved || move != 0;
		bent = bent || run->trial[i] != run->x[i] + run->step * run->direction[i];
	}
	run->tries++;
	bool enough = objective < HUGE_VAL && promised < 0 &&
		      objective <= run->objective + ARMIJO * promised;
	if (enough)
		keep(run, objective, gradient);
	bool steep = dot(gradient, run->direction, run->dim) < CURVATURE * run->slope;
	/* Where the step was cut at a bound the slope along it means nothing: Armijo decides. */
	if (enough && (bent || !steep)) {
		accept(run, run->trial, objective, gradient);
		return;
	}
	if (run->tries >= TRIES || !moved) {
		settle(run);
		return;
	}
	if (enough) {
		run->step_low = run->step;
		run->step = run->step_high < HUGE_VAL ? 0.5 * (run->step + run->step_high)
						      : 2 * run->step;
	} else {
		run->step_high = run->step;
		run->step = shorter(run, objective);
	}
	propose(run);
}

void lbfgsb_advance(struct lbfgsb *run, double objective, const double *gradient)
{
	assert(run->live);
	run->evaluations++;
	if (!isfinite(objective) || !finite_all(gradient, run->dim))
		objective = HUGE_VAL;
	if (run->evaluations > 1) {
		search(run, objective, gradient);
		return;
	}
	if (objective == HUGE_VAL) {
		run->live = false;
		return;
	}
	run->objective = objective;
	memcpy(run->gradient, gradient, run->dim * sizeof(*gradient));
	begin_search(run);
}
