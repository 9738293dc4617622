/*
 * What a Gaussian process is told of the results (algorithms.md A.2.1 step 2; Vizier's half-rank
 * and infeasible warpers): the good half keeps its values, the bad half only its ranks, as normal
 * quantiles, so that a few huge losses do not flatten what matters. Failures lie half the range
 * and one standard deviation below the worst. Then mean 0 and standard deviation 1.
 *
 * Loss a x + b with a > 0 gives the same as loss x.
 */
#ifndef ALGORITHMS_TUNERS_GP_WARP_H
#define ALGORITHMS_TUNERS_GP_WARP_H

#include "core/arena.h"

/* loss[n] to minimise, NaN where a trial failed, infinite ones as bad (or good) as the worst (or
 * best) finite one; y[n] to maximise: all 0 when there is nothing to tell apart.
 * 0 or CODE_NO_MEMORY. */
int gp_warp(const double *loss, size_t n, double *y, struct arena *arena);

/* In place: mean 0, standard deviation 1; all 0 when they are as good as equal. */
void gp_standardise(double *y, size_t n);

#endif
