/*
 * The search for the point of the largest acquisition (algorithms.md A.2.1 step 9): candidates,
 * local searches from the most promising, and the best end that may be proposed. What it does is
 * bounded by counts, which fall as the results grow, so that an ask stays affordable.
 */
#ifndef ALGORITHMS_TUNERS_GP_SEARCH_H
#define ALGORITHMS_TUNERS_GP_SEARCH_H

#include "algorithms/tuners/gp_candidates.h"
#include "algorithms/tuners/gp_surrogate.h"

/* Sobol points, and neighbours of each of the best results, for n results in d dimensions. */
size_t gp_search_spread(const struct gp_settings *settings, size_t n, size_t d);
size_t gp_search_near(size_t n);

struct gp_found {
	bool any;     /* false: none of the candidates may be proposed */
	double value; /* its acquisition */
};

/* x[space->n]: the point. box NULL: everywhere. The surrogate's factors may lose their pending
 * points. 0 or a code of compute.h. */
int gp_search(struct gp_surrogate *surrogate, const struct gp_candidates *candidates,
	const struct view *view, const struct gp_settings *settings, const struct gp_box *box,
	struct rng *rng, struct arena *arena, double *x, struct gp_found *found, struct error *err);

#endif
