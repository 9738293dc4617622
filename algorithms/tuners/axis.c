#include "algorithms/tuners/axis.h"

#include <math.h>

/* External to model coordinate, no rounding; 0 and below have no logarithm and go to -inf. */
static double transform(const struct parameter *parameter, double x)
{
	double t = x;
	if (parameter->log)
		t = x > 0 ? log(x) : -HUGE_VAL;
	if (parameter->normal)
		t = (t - parameter->mu) / parameter->sigma;
	return t;
}

static bool is_widened(const struct parameter *parameter)
{
	return parameter->type == TYPE_INT || parameter->type == TYPE_RANDINT;
}

static bool has_one_value(const struct parameter *parameter)
{
	if (parameter->n_options)
		return parameter->n_options == 1;
	if (parameter->normal)
		return false;
	return parameter->n_values == 1 || !(parameter->low < parameter->high);
}

/* [low, high] of t. Integers own half a step beyond their ends, so that every value weighs alike;
 * for a logarithm the lower edge must stay above 0. */
static void init_interval(struct axis *axis)
{
	const struct parameter *p = axis->parameter;
	if (p->normal) {
		axis->low = -HUGE_VAL;
		axis->high = HUGE_VAL;
		axis->centre = 0;
		axis->scale = 1;
		return;
	}
	double low = p->low, high = p->high;
	if (p->n_options) { /* ordinal */
		low = -0.5;
		high = (double)p->n_options - 0.5;
	} else if (is_widened(p)) {
		low -= 0.5 * p->q;
		high += 0.5 * p->q;
		if (p->log && low <= 0)
			low = 0.5 * p->low;
	}
	axis->low = transform(p, low);
	axis->high = transform(p, high);
	axis->centre = 0.5 * (axis->low + axis->high);
	axis->scale = axis->high - axis->low;
}

static bool is_stepped(const struct parameter *parameter, bool raw)
{
	if (parameter->n_options)
		return true;
	if (parameter->q <= 0 || raw)
		return false;
	if (parameter->log)
		return true;
	double range = parameter->normal ? parameter->sigma : parameter->high - parameter->low;
	return range / parameter->q <= AXIS_DENSE;
}

void axis_init(struct axis *axis, const struct parameter *parameter, bool raw)
{
	*axis = (struct axis){ .parameter = parameter, .smoothing = 1 };
	bool counted =
		raw && parameter->type == TYPE_RANDINT && parameter->n_values <= LIMIT_OPTIONS;
	if (parameter->type == TYPE_FIXED || has_one_value(parameter)) {
		axis->kind = AXIS_DROPPED;
	} else if (parameter->categorical || counted) {
		axis->kind = AXIS_CATEGORICAL;
		axis->n_options =
			counted ? (double)parameter->n_values : (double)parameter->n_options;
	} else {
		axis->kind = is_stepped(parameter, raw) ? AXIS_STEPPED : AXIS_REAL;
		init_interval(axis);
	}
}

double axis_coordinate(const struct axis *axis, double x)
{
	const struct parameter *p = axis->parameter;
	if (axis->kind == AXIS_CATEGORICAL)
		return p->n_options ? x : x - p->low;
	if (p->log && x <= 0) /* qlognormal rounds to 0: the middle of what rounds to it */
		x = 0.25 * p->q;
	return transform(p, x);
}

double axis_value(const struct axis *axis, double t)
{
	const struct parameter *p = axis->parameter;
	if (axis->kind == AXIS_CATEGORICAL)
		return p->n_options ? t : t + p->low;
	if (p->normal)
		t = p->mu + p->sigma * t;
	return parameter_quantise(p, p->log ? exp(t) : t);
}

double axis_only_value(const struct axis *axis)
{
	const struct parameter *p = axis->parameter;
	return p->n_options ? 0 : parameter_quantise(p, p->low);
}

/* Where rounding goes from the k-th value of a q-grid to the next: half a step from a multiple of
 * q, half way to a bound that rounding alone would not reach. */
static double edge_after(const struct parameter *p, uint64_t k)
{
	double a = parameter_value(p, k), b = parameter_value(p, k + 1);
	double edge = 0.5 * (a + b);
	if (p->n_values > 2 && k == 0 && b - 0.5 * p->q > a)
		edge = b - 0.5 * p->q;
	else if (p->n_values > 2 && k + 2 == p->n_values && a + 0.5 * p->q < b)
		edge = a + 0.5 * p->q;
	return edge;
}

void axis_cell(const struct axis *axis, double x, double *low, double *high)
{
	const struct parameter *p = axis->parameter;
	if (p->normal) {
		*low = transform(p, x - 0.5 * p->q);
		*high = transform(p, x + 0.5 * p->q);
		return;
	}
	double half = p->n_options ? 0.5 : 0.5 * p->q;
	bool even = p->n_options || is_widened(p);
	uint64_t k = parameter_index(p, x);
	*low = axis->low;
	*high = axis->high;
	if (k > 0)
		*low = transform(p, even ? x - half : edge_after(p, k - 1));
	if (k + 1 < p->n_values)
		*high = transform(p, even ? x + half : edge_after(p, k));
}
