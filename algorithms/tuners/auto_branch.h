/*
 * A space with branches taken apart: what one option of a choice makes active is a space of its
 * own, in which the trials with that option are the history. Tuners that look at all branches at
 * once soon settle in the one that was easy; here each has its turn for as long as it may still
 * win.
 *
 * The branch's experiment is a view like any other, made for one ask: trials elsewhere are
 * cancelled ones without a point, tags and numbers are as they were.
 */
#ifndef ALGORITHMS_TUNERS_AUTO_BRANCH_H
#define ALGORITHMS_TUNERS_AUTO_BRANCH_H

#include "algorithms/tuners/tuner.h"

#define BRANCHES_MAX  8	   /* each needs trials enough to show what it can do */
#define BRANCH_TRIALS 8192 /* trials that are worth copying for an ask */

/* The choice that divides the view's space: at the top, with the most parameters below it; -1:
 * there is none, or what the space declares about points (constraints, canonical forms) does not
 * come apart. */
int branch_parameter(const struct view *view);

/* Which of its options has the next turn: all alike at first; then those that are behind the best
 * by more than the second half of their trials brought them fall back. */
uint32_t branch_choose(const struct view *view, int parameter);

struct branch {
	struct view view;
	struct spec spec;
	struct space space;
	const struct view *whole;
	int parameter;
	uint32_t option;
	const uint32_t *origin; /* [space.n]: the parameter's index in the whole space */
};

/* The experiment in one option. Memory but for view.seen is from the arena. 0 or CODE_NO_MEMORY;
 * then it need not be released. */
int branch_init(struct branch *branch, const struct view *whole, int parameter, uint32_t option,
	struct arena *arena);
void branch_release(struct branch *branch);

/* All points of the branch have been handed out. */
bool branch_exhausted(const struct branch *branch);

/* x[space.n] in the whole space. */
void branch_embed(const struct branch *branch, const double *x, double *whole_x);

/* What the Gaussian process learnt of the whole space, for the branch: false when that is not a
 * model of the whole space. *out is from the arena. */
bool branch_model(const struct branch *branch, const struct model *whole, struct model *out,
	struct arena *arena);

#endif
