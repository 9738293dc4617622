/*
 * What results are worth beyond luck: the posterior of a Gaussian process at the points that were
 * tried. Where the metric is noisy the best of many observations is the best and the luckiest; a
 * process that knows the noise, and the neighbours and repetitions of each point, says what the
 * point gives on average.
 *
 * Matern 5/2 with hyperparameters from a fit with noise or one without, whichever is more likely
 * (algorithms.md A.2.1); results are standardised, and those worse than ten times as far from the
 * best as the median is count as that bad, so that disasters do not pass for noise.
 */
#ifndef ALGORITHMS_ANALYSIS_EXPECTED_H
#define ALGORITHMS_ANALYSIS_EXPECTED_H

#include "core/arena.h"
#include "core/error.h"
#include "core/view.h"
#include "gpu/compute.h"

#define EXPECTED_FEW  5	  /* fewer results say nothing */
#define EXPECTED_MOST 200 /* results: a fit takes some tenths of a second */

struct expected_item {
	int64_t trial;
	bool feasible;
	double value; /* as reported, of the first objective */
	double mean;  /* expected instead, in the same units; NaN: not known */
	double error; /* of mean */
};

struct expected {
	size_t n_results; /* that there are; at most EXPECTED_MOST of them are looked at */
	size_t n;
	struct expected_item *items; /* by trial number at first, then best first */
	double noise;		     /* standard deviation of an observation; NaN: not known */

	/* copied from the view */
	bool maximize;
	size_t d;
	double *z;    /* n x d features */
	double *loss; /* n */
	const unsigned char *category;
};

/* Copies the trials that have a finite result and are points of the space: all, or the better half
 * of so many and the rest evenly over time. 0 or CODE_NO_MEMORY. */
int expected_gather(const struct view *view, struct arena *arena, struct expected *out);

/* Fills in mean, error and noise and sorts the items: feasible ones first, by mean, ties to the
 * earlier trial. With too few results, a space of one point, or equal results everywhere nothing is
 * known, and the order is that of the values. 0, CODE_NO_MEMORY, CODE_UNAVAILABLE. */
int expected_estimate(
	struct expected *expected, struct compute *compute, struct arena *arena, struct error *err);

#endif
