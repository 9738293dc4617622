/*
 * Local search from one point: along gradients in the coordinates that have them, each in units of
 * its length scale, then through the values of the others one by one, and again until nothing
 * changes.
 */
#ifndef ALGORITHMS_TUNERS_GP_CLIMB_H
#define ALGORITHMS_TUNERS_GP_CLIMB_H

#include "algorithms/tuners/gp_candidates.h"
#include "algorithms/tuners/gp_surrogate.h"

struct gp_climb {
	struct gp_surrogate *surrogate;
	const struct view *view;
	const struct gp_box *box; /* NULL: everywhere */
	struct rng *rng;
	struct arena *arena; /* scratch */
};

/* z[d] and its value, before and after. 0 or a code of compute.h. */
int gp_climb(const struct gp_climb *climb, double *z, double *value, struct error *err);

#endif
