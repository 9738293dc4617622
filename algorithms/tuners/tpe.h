/* The tree-structured Parzen estimator on a history of the caller's making. */
#ifndef ALGORITHMS_TUNERS_TPE_H
#define ALGORITHMS_TUNERS_TPE_H

#include "algorithms/tuners/tpe_history.h"
#include "algorithms/tuners/tuner.h"

struct tpe_plan {
	size_t n_candidates; /* draws from the good trials' model; 1 at least */
	size_t n_group;	     /* results a group of parameters needs to be modelled */
	size_t n_good;	     /* trials that count as good, at least */
	double good;	     /* share of trials that do */
};

/* A new trial by the model of history, everything else as the tuner tpe has it by default. history
 * is borrowed, its order is used up. 0 or CODE_NO_MEMORY. */
int tpe_propose(const struct view *view, const struct tpe_history *history,
	const struct tpe_plan *plan, struct rng *rng, struct arena *arena, struct proposal *out,
	struct error *err);

#endif
