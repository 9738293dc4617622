/*
 * A tuner proposes the next point. It is a pure function of (view, rng): no clock, no I/O, no
 * globals, no locks; budgets are counts. The same history and seed give the same proposal, on any
 * machine, in any thread.
 *
 * What a tuner need not do: duplicates, parameter constraints and the canonical form are handled
 * for all of them by tuner_ask (below), which asks again with another stream and, on a finite
 * space, ends by walking to a point not seen yet. Tuners that must own their order (grid, batch,
 * external) say so with TUNER_OWN_ORDER.
 *
 * Pending trials (view->trials in state waiting, running, paused) are part of the history: a
 * proposal must not pile up where results are still to come.
 */
#ifndef ALGORITHMS_TUNERS_TUNER_H
#define ALGORITHMS_TUNERS_TUNER_H

#include "core/arena.h"
#include "core/error.h"
#include "core/faults.h"
#include "core/option.h"
#include "core/rng.h"
#include "core/view.h"

/* algorithm.caps of a tuner; GET /v1/tuners shows them */
#define TUNER_NESTED	      1u /* nested and conditional spaces */
#define TUNER_CONTINUOUS      2u /* spaces that are not finite */
#define TUNER_MULTI_OBJECTIVE 4u
#define TUNER_NEEDS_METRICS   ALGORITHM_NEEDS_METRICS /* reads the reports of ended trials */
#define TUNER_OWN_ORDER	      16u /* decides itself about duplicates and constraints */
#define TUNER_EXTERNAL	      32u /* never proposes: clients enqueue trials */

struct proposal {
	double *x; /* space->n coordinates, allocated by the caller of ask, all NaN at first */
	struct bytes tag;   /* from the arena; stored with the trial, <= LIMIT_TAG */
	int64_t parent;	    /* the trial it continues or was derived from; -1: none */
	double resource;    /* NaN: none */
	double acquisition; /* the score it won by; NaN: none */
	const char *arm; /* what proposed it ("startup", "model", "grid"...): shown in meta; static
			    text */
};

struct tuner {
	struct algorithm algorithm;

	/* Is this space (and objectives, and options against each other) something the tuner can
	 * do? Adds faults below at. NULL: anything its caps allow. */
	void (*check)(const struct spec *spec, const struct path *at, struct faults *faults);

	/* One proposal for trial number view->n_trials. Scratch and tag come from arena.
	 * 0, CODE_WAIT (nothing before another result comes), CODE_EXHAUSTED (nothing ever again),
	 * CODE_NO_MEMORY. */
	int (*ask)(const struct view *view, struct rng *rng, struct arena *arena,
		struct proposal *out, struct error *err);
};

extern const struct tuner tuner_random, tuner_sobol, tuner_gridsearch, tuner_batch, tuner_evolution,
	tuner_anneal, tuner_tpe, tuner_cmaes, tuner_nsga2, tuner_nsga3, tuner_external;

/* All of them as the catalogue wants them: pointers to tuner->algorithm, NULL at the end. */
extern const struct algorithm *const tuner_algorithms[];

/* The tuner whose algorithm this is (the algorithm is its first member). */
const struct tuner *tuner_of(const struct algorithm *algorithm);

/* Ask, then make sure: valid, feasible, canonical, on a finite space not seen before (on a
 * continuous one not either, bit for bit). Deterministic: number and attempt name the streams. */
int tuner_ask(
	const struct view *view, struct arena *arena, struct proposal *out, struct error *err);

#endif
