/*
 * What makes a proposal one that may be handed out (tuner_ask, and the tuners that own their
 * order).
 */
#ifndef ALGORITHMS_TUNERS_UNIQUE_H
#define ALGORITHMS_TUNERS_UNIQUE_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/rng.h"
#include "core/view.h"

/* x is a point of the space, satisfies its constraints, is not ruled out by the canonical
 * declaration, and no trial of view (pending ones count) has had it. */
bool unique_fresh(const struct view *view, const double *x);

struct proposal;

/* A stratified first point, for tuners that have too few results to go by. */
int propose_startup(const struct view *view, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err);

#endif
