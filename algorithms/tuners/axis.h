/*
 * One parameter as a Parzen estimator sees it: the coordinate t it is modelled in, the interval t
 * lives on, and the cell of t that a discrete value owns.
 *
 *   real         t = x, ln x, or (x - mu) / sigma; densities
 *   stepped      the same t, but a value is the cell of t that rounds to it; probability masses
 *   categorical  the option's index; probabilities
 *   dropped      one legal value: in no model
 *
 * Ordinals are stepped on their index. A linear grid of more than AXIS_DENSE values is modelled as
 * real: kernels are never narrower than a hundredth of the range, so a cell is at most a tenth of a
 * kernel wide, and mass / (width * density) is 1 + O((z / 10)^2 / 24) at z standard deviations,
 * which no choice between candidates depends on.
 */
#ifndef ALGORITHMS_TUNERS_AXIS_H
#define ALGORITHMS_TUNERS_AXIS_H

#include "core/space.h"

#define AXIS_DENSE 1024

enum axis_kind { AXIS_REAL, AXIS_STEPPED, AXIS_CATEGORICAL, AXIS_DROPPED };

struct axis {
	enum axis_kind kind;
	const struct parameter *parameter;
	double low, high;     /* of t; infinite for the normal family */
	double centre, scale; /* of the prior kernel; scale is also the widest bandwidth */
	double n_options;     /* categorical */
	double smoothing;     /* categorical: how much of the prior each kernel holds; 1 */
};

/* raw: NNI 2.7's view, where grids are ignored until a value is handed out and randint is unordered
 * when it is short enough to be an option list. */
void axis_init(struct axis *axis, const struct parameter *parameter, bool raw);

/* Legal value to coordinate and back; back clips and rounds to the nearest legal value. */
double axis_coordinate(const struct axis *axis, double x);
double axis_value(const struct axis *axis, double t);

/* The one legal value of a dropped axis. */
double axis_only_value(const struct axis *axis);

/* Stepped: the cell of legal value x. The cells of all values tile [low, high]. */
void axis_cell(const struct axis *axis, double x, double *low, double *high);

#endif
