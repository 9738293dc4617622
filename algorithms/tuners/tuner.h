/*
 * A tuner proposes the next point. It is a pure function of (view, model, rng): no clock, no I/O,
 * no globals, no locks; budgets are counts. The same history, model and seed give the same
 * proposal, on any machine, in any thread.
 *
 * Most tuners read all they need from the view at each ask. One with a slow fit has a learner: its
 * model is fitted in the background, never while a request waits, and is a plain value that is
 * stored and shared between replicas. An ask takes the newest model there is (or none yet) and
 * conditions it on every result the view holds.
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
#include "gpu/compute.h"

/* algorithm.caps of a tuner; GET /v1/tuners shows them */
#define TUNER_NESTED	      1u /* nested and conditional spaces */
#define TUNER_CONTINUOUS      2u /* spaces that are not finite */
#define TUNER_MULTI_OBJECTIVE 4u
#define TUNER_NEEDS_METRICS   ALGORITHM_NEEDS_METRICS /* reads the reports of ended trials */
#define TUNER_OWN_ORDER	      16u /* decides itself about duplicates and constraints */
#define TUNER_EXTERNAL	      32u /* never proposes: clients enqueue trials */
#define TUNER_MULTI_FIDELITY  64u /* gives trials a resource and promotes paused ones */

/* What a learner found: the version of the view it was fitted on, and its own bytes, at most
 * LIMIT_MODEL: hyperparameters, never factors. */
struct model {
	uint64_t version;
	size_t n_results; /* view->n_finished then */
	struct bytes bytes;
};

/* A memo between asks of one tuner on one experiment: factors and the like. Answers never depend on
 * it; it may be dropped at any time. It belongs to one thread at a time, as the view does. */
struct workspace {
	void *state;
	void (*free)(void *state); /* NULL: nothing there */
	size_t bytes;		   /* what it holds, for the cache */
};

void workspace_clear(struct workspace *workspace);

/* What an ask goes by. */
struct knowledge {
	const struct view *view;
	const struct model *model;   /* NULL: none yet, or the tuner learns nothing */
	struct compute *compute;     /* NULL only for tuners without a learner */
	struct workspace *workspace; /* NULL: no memo is kept */
	bool promote_only;	     /* no new numbers any more: paused trials at most */
};

struct proposal {
	double *x; /* space->n coordinates, allocated by the caller of ask, all NaN at first */
	struct bytes tag;   /* from the arena; stored with the trial, <= LIMIT_TAG */
	int64_t parent;	    /* the trial it continues or was derived from; -1: none */
	int64_t promote;    /* a paused trial to go on with, up to resource; -1: a new trial */
	double resource;    /* total budget of the trial so far, in steps; NaN: none */
	double acquisition; /* the score it won by; NaN: none */
	const char *arm; /* what proposed it ("startup", "model", "grid"...): shown in meta; static
			    text */
};

struct learner {
	/* Is a fit due, fitted results after the last one (0: there was none)? Cheap. */
	bool (*due)(const struct view *view, size_t fitted);

	/* Copies into arena what fit needs of the view. On the thread that owns the view: cheap. */
	int (*gather)(
		const struct view *view, struct arena *arena, const void **out, struct error *err);

	/* The slow part, on any thread; writes the model's bytes. A pure function of what was
	 * gathered and rng (seed, RNG_FIT, version of the view). */
	int (*fit)(const void *gathered, struct compute *compute, struct rng *rng,
		struct buffer *out, struct error *err);
};

struct tuner {
	struct algorithm algorithm;
	const struct learner *learner; /* NULL: no slow fits */

	/* Is this space (and objectives, and options against each other) something the tuner can
	 * do? Adds faults below at. NULL: anything its caps allow. */
	void (*check)(const struct spec *spec, const struct path *at, struct faults *faults);

	/* One proposal for trial number view->n_trials. Scratch and tag come from arena.
	 * 0, CODE_WAIT (nothing before another result comes), CODE_EXHAUSTED (nothing ever again),
	 * CODE_NO_MEMORY. */
	int (*ask)(const struct knowledge *know, struct rng *rng, struct arena *arena,
		struct proposal *out, struct error *err);
};

extern const struct tuner tuner_random, tuner_sobol, tuner_gridsearch, tuner_batch, tuner_evolution,
	tuner_anneal, tuner_auto, tuner_tpe, tuner_gp, tuner_smac, tuner_cmaes, tuner_trustregion,
	tuner_nsga2, tuner_nsga3, tuner_hyperband, tuner_asha, tuner_pasha, tuner_bohb, tuner_dehb,
	tuner_pbt, tuner_external;

/* All of them as the catalogue wants them: pointers to tuner->algorithm, NULL at the end. */
extern const struct algorithm *const tuner_algorithms[];

/* The tuner whose algorithm this is (the algorithm is its first member). */
const struct tuner *tuner_of(const struct algorithm *algorithm);

/* Ask, then make sure: valid, feasible, canonical, on a finite space not seen before (on a
 * continuous one not either, bit for bit). Deterministic: number and attempt name the streams. */
int tuner_ask(
	const struct knowledge *know, struct arena *arena, struct proposal *out, struct error *err);

/* Gathers and fits in one go, at the view's version, into *model and its storage: for replays, the
 * quality bench and tests. Does nothing when no fit is due. CODE_UNAVAILABLE and others: the
 * model stays as it was. */
int tuner_learn(const struct view *view, struct compute *compute, struct model *model,
	struct buffer *storage, struct error *err);

#endif
