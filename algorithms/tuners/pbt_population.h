/*
 * The population of population based training, folded from the view.
 *
 * A population is so many *members*, each a line of trials: the first starts from nothing, and each
 * later one was forked (fork.h) to take the place of the one before. Its *levels* are the multiples
 * of interval, and max_resource. A member's result at a level is that of its newest trial that
 * trained through it; a trial that was replaced is never gone on with, and its results stay what
 * the others are compared with, each counted once.
 */
#ifndef ALGORITHMS_TUNERS_PBT_POPULATION_H
#define ALGORITHMS_TUNERS_PBT_POPULATION_H

#include "algorithms/tuners/fork.h"
#include "algorithms/tuners/tuner.h"

enum pbt_state {
	PBT_EMPTY,  /* no trial yet */
	PBT_BUSY,   /* running, or waiting for a worker */
	PBT_READY,  /* paused: goes on, or is replaced */
	PBT_BROKEN, /* failed, lost, stopped, cancelled, or not of this space: is replaced */
	PBT_DONE,   /* complete */
	PBT_OUT	    /* is neither gone on with nor replaced: the caller's */
};

struct pbt_trial {
	const struct trial *trial;
	int64_t start;	 /* forked there */
	int64_t level;	 /* of its last hand-out */
	int64_t reached; /* the highest with a result, or start */
	size_t before;	 /* index + 1 of the member's trial before it; 0: none */
};

struct pbt_member {
	enum pbt_state state;
	int64_t level; /* where it stands or fell, or is on the way to; 0: empty */
	size_t newest; /* index + 1 of its trial; 0: none */
};

struct pbt_place {
	double loss; /* infinite: not a number, or it never got there */
	uint32_t member;
	const struct pbt_trial *trial;
};

struct pbt {
	const struct view *view;
	int64_t interval, top;
	size_t size; /* members */
	struct pbt_member *members;
	size_t n_trials;
	struct pbt_trial *trials; /* by number */
	struct pbt_place *places; /* room for size: pbt_rank writes here */
};

/* 0 or CODE_NO_MEMORY (err is set). */
int pbt_init(struct pbt *pbt, const struct view *view, struct arena *arena, struct error *err);

/* The level above, at most the top. */
int64_t pbt_level_above(const struct pbt *pbt, int64_t level);

/* The results at a level into places, best first, ties to the earlier trial; answers how many. */
size_t pbt_rank(struct pbt *pbt, int64_t level);

/* Has every member that is not out got where it will ever get at this level? */
bool pbt_settled(const struct pbt *pbt, int64_t level);

/* Can others go on from the member's state? It is alive, has a number where it stands, and is short
 * of the top. */
bool pbt_is_source(const struct pbt *pbt, const struct pbt_member *member);

#endif
