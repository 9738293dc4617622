/*
 * Where results are still to come, the value of a point is its expected improvement over whatever
 * they may turn out to be (Snoek et al., NIPS 2012; Wilson et al., NeurIPS 2018): joint draws of
 * the pending results, and for each the improvement at the point given them, which is known in
 * closed form. The draws are quasi-random and the same for all points.
 */
#ifndef ALGORITHMS_TUNERS_GP_FANTASY_H
#define ALGORITHMS_TUNERS_GP_FANTASY_H

#include "algorithms/tuners/gp_surrogate.h"

#define GP_FANTASY_PENDING 16	/* at most; beyond, the believer alone */
#define GP_FANTASY_RESULTS 1000 /* at most */

/* values[m] of the points z, in place of gp_surrogate_values. Afterwards the surrogate's factors
 * are without the pending points. 0 or a code of compute.h. */
int gp_fantasy_values(struct gp_surrogate *surrogate, const double *z, size_t m, uint64_t seed,
	double *values, struct arena *arena, struct error *err);

#endif
