/*
 * Beyond some results the model is a local one: of the best results, those around the very best,
 * and a few of the rest, searched in a box around the best whose side follows success (TuRBO:
 * Eriksson et al., NeurIPS 2019). The side is a function of the history: nothing is kept.
 */
#ifndef ALGORITHMS_TUNERS_GP_LOCAL_H
#define ALGORITHMS_TUNERS_GP_LOCAL_H

#include "algorithms/tuners/gp_candidates.h"

/* The side after the results from `from` on have been had, in the unit cube, before scaling by
 * length scales. */
double gp_local_side(const struct gp_history *history, size_t from, size_t d);

/* Thins data and sets the box; theta: d + 2. 0 or CODE_NO_MEMORY. */
int gp_local_select(struct gp_data *data, const struct gp_features *features, const double *theta,
	double side, struct gp_box *box, struct arena *arena);

#endif
