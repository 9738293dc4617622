/* Asynchronous successive halving, for the tuners that promote like it. */
#ifndef ALGORITHMS_TUNERS_ASHA_H
#define ALGORITHMS_TUNERS_ASHA_H

#include "algorithms/tuners/rung.h"

/* From the highest rung below cap (an index of the ladder) downward: the best trial of the top
 * floor(n / eta) of a rung's n results that waits there is promoted; if there is none, a new trial
 * starts, up to the lowest rung of its group, group g at rung g. group_new: of the new trial.
 * 0 (promote is -1: a new trial, of which only the resource is filled in), CODE_WAIT or
 * CODE_EXHAUSTED. */
int asha_next(const struct knowledge *know, struct climbers *climbers, size_t cap, size_t n_groups,
	size_t group_new, struct proposal *out, struct error *err);

#endif
