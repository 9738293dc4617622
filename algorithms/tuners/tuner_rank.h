/*
 * How good a trial was, for tuners that only compare: a total order over ended trials.
 */
#ifndef ALGORITHMS_TUNERS_TUNER_RANK_H
#define ALGORITHMS_TUNERS_TUNER_RANK_H

#include <stdbool.h>

#include "core/view.h"

enum rank_tier {
	TIER_FEASIBLE,	 /* by loss */
	TIER_STOPPED,	 /* early: by its last report */
	TIER_INFEASIBLE, /* breaks an outcome constraint: by how much */
	TIER_FAILED	 /* failed, lost, or a result that is not a number */
};

struct rank {
	enum rank_tier tier;
	double score; /* the smaller the better */
	uint32_t number;
};

struct rank rank_of(const struct view *view, const struct trial *trial);

/* Ties go to the earlier trial, so that the order is strict. */
bool rank_better(const struct rank *a, const struct rank *b);

/* Trials that have or may still get a rank: points of the current space, not cancelled; counted up
 * to enough of them. */
size_t rank_count(const struct view *view, size_t enough);

/* The ranks of the newest of view->finished, only trials that are points of the current space, in
 * order of their results; *n of them. newest SIZE_MAX: all. NULL: out of memory. */
struct rank *rank_finished(const struct view *view, size_t newest, struct arena *arena, size_t *n);

/* Moves the best k (or all n) to the front, best first. */
void rank_select(struct rank *ranks, size_t n, size_t k);

#endif
