/*
 * Explore, of population based training: the parameters a copy goes on with.
 */
#ifndef ALGORITHMS_TUNERS_PBT_EXPLORE_H
#define ALGORITHMS_TUNERS_PBT_EXPLORE_H

#include "core/rng.h"
#include "core/space.h"

struct explore {
	double factor;	 /* relative size of a step: 0.2 */
	double resample; /* probability that a parameter is drawn anew instead */
};

/* x from the point from, each active parameter by itself: drawn from its distribution with
 * probability resample; else one step up or down, alike. A step is
 *   linear             a factor of 1 + factor or 1 - factor, where the range does not pass zero;
 *                      factor times the range where it does, or where the value is zero
 *   log                factor times the range, in the logarithm
 *   normal, lognormal  factor times sigma, in the logarithm for lognormal
 *   on a grid          that, and at least to the neighbour; of an ordinal to the neighbour
 *   categorical        any other option alike
 * clipped into the range. One whose condition hangs on a parameter that has changed, or that from
 * has not got, is drawn. A valid point comes out, parameter constraints not applied. */
void explore_from(const struct explore *explore, const struct space *space, const double *from,
	struct rng *rng, double *x);

#endif
