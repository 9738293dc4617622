/*
 * Where SMAC's forest expects the most: expected improvement of losses that are lognormal, over
 * random points, the best points so far, and the neighbours of the most promising of both.
 */
#ifndef ALGORITHMS_TUNERS_SMAC_SEARCH_H
#define ALGORITHMS_TUNERS_SMAC_SEARCH_H

#include "algorithms/tuners/smac_model.h"

/* ln E[max(0, exp(best) - exp(Y))] of a normal Y (Hutter, Bartz-Beielstein, Hoos, Leyton-Brown and
 * Murphy, GECCO 2009), where losses are exponentials. */
double smac_log_improvement(double mean, double variance, double best);

/* The best point found that may be handed out, into x, and its score; *found: there is one.
 * n_candidates: random points. 0 or CODE_NO_MEMORY. */
int smac_search(const struct smac_model *model, const struct view *view, size_t n_candidates,
	struct rng *rng, struct arena *arena, double *x, double *score, bool *found);

#endif
