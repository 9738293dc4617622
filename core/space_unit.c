/* The codec of one coordinate: value, grid index, unit interval (algorithms.md 0.1). */
#include <assert.h>
#include <float.h>
#include <math.h>

#include "core/space_internal.h"
#include "core/special.h"

/* int and randint: the grid starts at low, and every value has the same mass. */
static bool is_anchored(const struct parameter *p)
{
	return p->type == TYPE_INT || p->type == TYPE_RANDINT;
}

static double clip(double x, double low, double high)
{
	return x < low ? low : x > high ? high : x;
}

/* k q. A decimal step is multiplied and divided as integers, so that 3 * 0.1 is 0.3. */
static double grid_value(const struct parameter *p, double k)
{
	double x = p->decimals > 0 ? k * p->step_units / p->decimals : k * p->q;
	return x + 0.0; /* -0 is 0 */
}

static double grid_last(const struct parameter *p)
{
	return p->grid_first + (double)p->n_values - 3.0;
}

/* Finds step_units and decimals with q == step_units / decimals, if q is a short decimal. */
static void derive_decimals(struct parameter *p)
{
	double power = 1.0;
	for (int k = 0; k <= 12; k++, power *= 10.0) {
		double units = rint(p->q * power);
		if (units > 0 && units < 0x1p40 && units / power == p->q) {
			p->step_units = units;
			p->decimals = power;
			return;
		}
	}
}

static bool is_integral_grid(const struct parameter *p)
{
	bool bounds = p->normal || (p->low == rint(p->low) && p->high == rint(p->high));
	return p->q > 0 && p->q == rint(p->q) && bounds;
}

/* The values of a bounded q-type: low, the multiples of q strictly between, high. */
static void derive_grid(struct parameter *p)
{
	double slack = GRID_TOLERANCE * p->q;
	double first = floor(p->low / p->q), last = ceil(p->high / p->q);
	while (grid_value(p, first) - p->low <= slack)
		first++;
	while (p->high - grid_value(p, last) <= slack)
		last--;
	p->grid_first = first;
	p->n_values = 2 + (last >= first ? (uint64_t)(last - first + 1.0) : 0);
}

void parameter_derive(struct parameter *p)
{
	if (p->q > 0)
		derive_decimals(p);
	p->integral = is_integral_grid(p);
	if (p->normal)
		return;
	double low = p->low, high = p->high;
	if (is_anchored(p)) {
		p->n_values = (uint64_t)((high - low) / p->q) + 1;
		low -= 0.5 * p->q;
		high += 0.5 * p->q;
	} else if (p->q > 0) {
		derive_grid(p);
	}
	p->unit_low = p->log ? log(low) : low;
	p->unit_span = (p->log ? log(high) : high) - p->unit_low;
}

/* Where rounding cannot reach a bound of a q-type, the bound takes what is nearer to it than to
 * its neighbour on the grid. value: x rounded and clipped. */
static double reach_bounds(const struct parameter *p, double x, double value)
{
	double low_k = rint(p->low / p->q), high_k = rint(p->high / p->q);
	if (p->n_values == 2) /* no multiple of q between the bounds */
		return low_k != high_k ? value : x - p->low < p->high - x ? p->low : p->high;
	if (low_k >= p->grid_first && value <= grid_value(p, p->grid_first) &&
		x - p->low < value - x)
		return p->low;
	if (high_k <= grid_last(p) && value >= grid_value(p, grid_last(p)) &&
		p->high - x < x - value)
		return p->high;
	return value;
}

static double quantise_grid(const struct parameter *p, double x)
{
	double value = grid_value(p, rint(x / p->q)); /* rint: ties to even */
	if (p->normal)
		return value;
	double slack = GRID_TOLERANCE * p->q;
	if (value - p->low <= slack)
		value = p->low;
	else if (p->high - value <= slack)
		value = p->high;
	return reach_bounds(p, x, value);
}

double parameter_quantise(const struct parameter *p, double x)
{
	if (isnan(x))
		return x;
	if (p->n_options > 0)
		return clip(rint(x), 0.0, (double)p->n_options - 1.0) + 0.0;
	if (!p->normal)
		x = clip(x, p->low, p->high);
	else
		x = clip(x, p->log ? 0.0 : -DBL_MAX, DBL_MAX);
	if (is_anchored(p))
		return p->low + rint((x - p->low) / p->q) * p->q;
	if (p->q > 0)
		return quantise_grid(p, x);
	return p->normal && p->log && x < DBL_MIN ? DBL_MIN : x + 0.0;
}

double parameter_to_unit(const struct parameter *p, double x)
{
	if (p->n_options > 0)
		return (x + 0.5) / (double)p->n_options;
	if (is_anchored(p) && !p->log)
		return ((x - p->low) / p->q + 0.5) / (double)p->n_values;
	double y = p->log ? log(x) : x;
	if (p->normal)
		return normal_cdf((y - p->mu) / p->sigma);
	return clip((y - p->unit_low) / p->unit_span, 0.0, 1.0);
}

double parameter_from_unit(const struct parameter *p, double u)
{
	u = u > 0.0 ? clip(u, 0.0, 1.0) : 0.0; /* NaN becomes 0 */
	if (p->n_options > 0 || (is_anchored(p) && !p->log)) {
		double n = p->n_options > 0 ? (double)p->n_options : (double)p->n_values;
		double k = clip(floor(u * n), 0.0, n - 1.0);
		return p->n_options > 0 ? k : p->low + k * p->q;
	}
	if (p->normal) {
		/* The unit interval's last doubles: about 8.2 sigma either way. */
		double z = normal_quantile(clip(u, 0x1p-53, 1.0 - 0x1p-53));
		double y = p->mu + p->sigma * z;
		return parameter_quantise(p, p->log ? exp(y) : y);
	}
	if (u == 0.0 || u == 1.0) /* exactly, whatever exp(log(bound)) is */
		return u == 0.0 ? p->low : p->high;
	double y = p->unit_low + u * p->unit_span;
	return parameter_quantise(p, p->log ? exp(y) : y);
}

double parameter_value(const struct parameter *p, uint64_t k)
{
	assert(k < p->n_values);
	if (p->n_options > 0)
		return (double)k;
	if (is_anchored(p))
		return p->low + (double)k * p->q;
	if (k == 0 || k == p->n_values - 1)
		return k == 0 ? p->low : p->high;
	return grid_value(p, p->grid_first + (double)(k - 1));
}

uint64_t parameter_index(const struct parameter *p, double x)
{
	assert(p->n_values > 0 && !isnan(x));
	x = parameter_quantise(p, x);
	if (p->n_options > 0)
		return (uint64_t)x;
	if (is_anchored(p))
		return (uint64_t)rint((x - p->low) / p->q);
	if (x <= p->low)
		return 0;
	if (x >= p->high)
		return p->n_values - 1;
	return (uint64_t)(rint(x / p->q) - p->grid_first) + 1;
}
