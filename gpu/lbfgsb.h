/*
 * Minimises a smooth function within bounds: limited-memory BFGS on the free coordinates, with
 * steps projected onto the box (Bertsekas, "Projected Newton methods for optimization problems with
 * simple constraints", 1982; Nocedal, "Updating quasi-Newton matrices with limited storage", 1980).
 *
 * A state machine that asks for one evaluation at a time, so that many minimisations advance in
 * lockstep and their evaluations make one call to a device:
 *
 *	lbfgsb_init(&run, ...);
 *	while (run.live)
 *		lbfgsb_advance(&run, f(run.trial), gradient of f at run.trial);
 *
 * +HUGE_VAL (or not a number) is a legal value: the line search backs off.
 */
#ifndef GPU_LBFGSB_H
#define GPU_LBFGSB_H

#include <stdbool.h>
#include <stddef.h>

#define LBFGSB_MEMORY 10

struct lbfgsb_limits {
	const double *low, *high; /* dim each; low <= high, equal for a fixed coordinate */
	unsigned max_iterations;
	double tolerance;  /* on the Euclidean norm of the projected gradient */
	double least_gain; /* relative to max(|f|, 10): two iterations in a row of less end it */
	double curvature;  /* a guess at the second derivative along the steepest direction, for the
			      first step; that also moves by 1 at most */
};

struct lbfgsb {
	size_t dim;
	struct lbfgsb_limits limits;
	bool live;	      /* wants the value and gradient at trial */
	double *trial;	      /* dim */
	double *x, *gradient; /* dim: the best point so far, and the gradient there */
	double objective;     /* there; +HUGE_VAL before the first evaluation */
	unsigned iterations, evaluations;
	unsigned idle; /* iterations in a row of less than least_gain */

	/* the line search: trial = projection of x + step * direction */
	double *direction;
	double slope; /* directional derivative at x, over free coordinates */
	double step, step_low, step_high;
	unsigned tries;
	/* the least Armijo point met in this search, should curvature never be satisfied */
	double *kept, *kept_gradient;
	double kept_objective;
	/* pairs, oldest overwritten first: s and y of pair p at p * dim */
	double *s, *y;
	unsigned n_pairs, next_pair;
};

/* Doubles of memory that lbfgsb_init takes. */
size_t lbfgsb_memory(size_t dim);

/* Starts at start, clipped to the bounds. memory: lbfgsb_memory(dim) doubles. limits' arrays and
 * memory must live as long as run. */
void lbfgsb_init(struct lbfgsb *run, size_t dim, const double *start,
	const struct lbfgsb_limits *limits, double *memory);

void lbfgsb_advance(struct lbfgsb *run, double objective, const double *gradient);

#endif
