/*
 * The points among which the search for a proposal starts: scrambled Sobol points, through the tree
 * of a conditional space, and neighbours of the best results; on a small finite space all there
 * are. Those that the constraints forbid are left out, and on a discrete space those already tried.
 */
#ifndef ALGORITHMS_TUNERS_GP_CANDIDATES_H
#define ALGORITHMS_TUNERS_GP_CANDIDATES_H

#include "algorithms/tuners/gp_data.h"
#include "core/rng.h"
#include "core/view.h"

#define GP_ENUMERATED_MAX 1024 /* points of a space that are listed one by one */

/* Sobol points in a box around the best result only, and moved in some coordinates only; the local
 * search of TuRBO. NULL: everywhere. */
struct gp_box {
	const double *centre;	 /* d */
	const double *half_side; /* d */
};

struct gp_candidates {
	size_t n, d;
	double *z; /* n x d, each as its point encodes */
};

/* spread: Sobol points; near: neighbours of each of the 5 best results. 0 or CODE_NO_MEMORY. */
int gp_candidates_init(struct gp_candidates *candidates, const struct view *view,
	const struct gp_features *features, const struct gp_data *data, const struct gp_box *box,
	size_t spread, size_t near, struct rng *rng, struct arena *arena);

/* Rounds z to the point it stands for; false: a constraint forbids it. x: scratch, the point. */
bool gp_settle(const struct gp_features *features, double *z, double *x);

/* Another value of feature i in point x, and what hangs on it drawn anew: z and x change. False:
 * the feature is not active. */
bool gp_exchange(const struct gp_features *features, size_t i, double value, struct rng *rng,
	double *z, double *x);

#endif
