/*
 * How results with several objectives rank for TPE (MOTPE: Ozaki, Tanigaki, Watanabe and Onishi,
 * GECCO 2020): by fronts, and within a front by the hypervolume that each adds to those picked
 * before it (greedy subset selection, within 1 - 1/e of the best subset). So the good side holds
 * whole fronts, and of the last one those that cover it best.
 */
#ifndef ALGORITHMS_TUNERS_TPE_FRONTS_H
#define ALGORITHMS_TUNERS_TPE_FRONTS_H

#include "algorithms/tuners/tpe_history.h"

/* So many are picked by hypervolume, in all; after them age decides within a front. */
#define TPE_FRONTS_PICKS 64

/* Sets major (the front, from 0) and minor (the pick within it) of the records that are results;
 * one in which an objective is not a number has failed. Several thousand results with many
 * objectives take too many comparisons: then major is the sum over objectives of the places
 * (Bentley and Wakefield, 1997). 0 or CODE_NO_MEMORY. */
int tpe_fronts_rank(struct tpe_history *history, const struct view *view, struct arena *arena);

#endif
