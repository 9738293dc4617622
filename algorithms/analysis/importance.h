/*
 * How much each parameter matters for an objective, from the points tried so far.
 *
 *   PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023): how far the distribution of the best tenth
 *   of the points differs from that of all. O(n) per parameter, good enough for a live page. Points
 *   without a result, or infeasible ones, count among all, never among the best: a parameter that
 *   makes trials fail matters.
 *
 *   fANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014): the shares of the variance of a random
 *   forest's prediction, over the whole space, that single parameters and pairs of them explain.
 *   Only points with a finite result are used, feasible or not; the loss of a trial that was
 *   stopped or failed is not known.
 *
 * Conditional parameters. PED-ANOVA compares points in which the parameter is active, weighted by
 * how often it is; that it is active at all is its parent's merit. fANOVA takes "not active" for
 * one more value of the parameter, as heavy as its share of the points; combinations that cannot
 * occur count with what the trees say of them, so a parent may get some of its children's merit.
 *
 * The order of the points does not matter, and parameters of one legal value get nothing.
 */
#ifndef ALGORITHMS_ANALYSIS_IMPORTANCE_H
#define ALGORITHMS_ANALYSIS_IMPORTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/rng.h"
#include "core/space.h"
#include "core/view.h"

#define IMPORTANCE_FEW	 4  /* fewer points with a result say nothing */
#define IMPORTANCE_PAIRS 15 /* of the six parameters that the forest splits most on */

struct importance_axis {
	bool dropped;	    /* one legal value */
	uint32_t n_options; /* categorical; else 0 */
	uint64_t n_values;  /* evenly spaced on the unit interval; 0: not so, or continuous */
};

struct importance_points {
	size_t n, d;
	const struct importance_axis *axes; /* d */
	const double *u;	      /* n rows of d: [0, 1], a category's index, NaN: not active */
	const double *loss;	      /* n: to be minimised; NaN: none */
	const bool *feasible;	      /* n */
	const char *const *addresses; /* d; NULL: not needed */
};

enum importance_reason {
	IMPORTANCE_KNOWN,
	IMPORTANCE_TOO_FEW, /* points with a result */
	IMPORTANCE_FLAT	    /* all results are equal */
};

struct importance_pair {
	size_t a, b;	 /* parameters, a < b */
	double variance; /* of the prediction, beyond what a and b explain alone: a share */
};

struct importance {
	enum importance_reason reason; /* if not KNOWN, all numbers are 0 */
	size_t n_used;		       /* points that were looked at */
	double *share;		       /* d: sum to 1, unless all are 0 */
	double *variance; /* d: fANOVA: share of the whole variance; NULL for PED-ANOVA */
	struct importance_pair *pairs; /* fANOVA: the largest first */
	size_t n_pairs;
};

struct importance_axis importance_axis_of(const struct parameter *parameter);
double importance_coordinate(const struct parameter *parameter, double value);

/* The ended trials of view that still are points of its space, with their loss in objective k (NaN
 * unless they succeeded): those whose loss is finite only, or all; at most so many, spread evenly
 * over the history. Copies, in arena: the view can go on. 0 or CODE_NO_MEMORY. */
int importance_gather(const struct view *view, size_t k, bool results_only, size_t most,
	struct arena *arena, struct importance_points *out);

/* 0 or CODE_NO_MEMORY; out's arrays live in arena. */
int importance_pedanova(
	const struct importance_points *points, struct arena *arena, struct importance *out);

/* A forest of 64 trees on the points that have a result: callers hand in at most a few thousand (n
 * d at most some 10^5), which take about a second. */
int importance_fanova(const struct importance_points *points, struct rng *rng, struct arena *arena,
	struct importance *out);

/* What both share: room for the answer, all 0. False: no memory. */
bool importance_init(struct importance *out, size_t d, struct arena *arena);
/* Shares from amounts >= 0, in place. */
void importance_normalise(double *share, size_t d);

#endif
