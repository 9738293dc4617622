/*
 * The least value of a quadratic within a ball and a box: the trust-region subproblem (More and
 * Sorensen, "Computing a trust region step", 1983), solved by decomposition, with an active set for
 * the box.
 */
#ifndef ALGORITHMS_TUNERS_TRUSTREGION_STEP_H
#define ALGORITHMS_TUNERS_TRUSTREGION_STEP_H

#include "core/arena.h"

struct region_box {
	const double *low, *high; /* [d]: low <= 0 <= high */
};

/* s[d]: minimises g.s + s'Hs / 2 with |s| <= length, low <= s <= high; h is d x d, symmetric. Where
 * bounds meet the ball it need not be the least, but is below 0 or 0. 0 or CODE_NO_MEMORY. */
int region_step(size_t d, const double *g, const double *h, const struct region_box *box,
	double length, double *s, struct arena *arena);

#endif
