/*
 * Which tuners auto lets take part, and how much: algorithms.md A.14. The rules give each arm a
 * share of the trials for this space, these objectives and so many results; what the arms have
 * earned so far (auto_credit) moves the shares, none below AUTO_SHARE_MIN.
 */
#ifndef ALGORITHMS_TUNERS_AUTO_PLAN_H
#define ALGORITHMS_TUNERS_AUTO_PLAN_H

#include "algorithms/tuners/tuner.h"

/* Stored in tags: never renumber. */
enum auto_arm {
	ARM_STARTUP,	 /* stratified points */
	ARM_SHUFFLED,	 /* a finite space in random order */
	ARM_GP,		 /* Gaussian process */
	ARM_TPE,	 /* Parzen estimator */
	ARM_CMAES,	 /* covariance matrix adaptation */
	ARM_TRUSTREGION, /* local polynomial models */
	ARM_EVOLUTION,	 /* mutations of good ones */
	ARM_NSGA2,	 /* several objectives */
	ARM_NSGA3,	 /* four and more */
	ARM_COUNT
};

#define AUTO_SHARE_MIN 0.05

/* Results after which every arm may go by its model: the plan itself sees to the startup. */
#define AUTO_STARTUP_LEAST 4

struct auto_plan {
	double shares[ARM_COUNT]; /* 0: does not take part; else they add up to 1 */
};

/* The tuner of an arm. */
const struct tuner *auto_arm_tuner(enum auto_arm arm);

/* What the meta of its trials says: "gp" ... */
const char *auto_arm_label(enum auto_arm arm);

/* The name of its option that says how many results it waits for; NULL: it has none. */
const char *auto_arm_startup(enum auto_arm arm);

/* Is this an experiment whose branches are worth their own plans, if the space has some? */
bool auto_plan_divides(const struct view *view);

/* The rules alone. */
void auto_plan_init(struct auto_plan *plan, const struct view *view);

/* And what was earned: each finished trial that an arm proposed is rewarded by its rank among the
 * results before it; rewards fade, and the shares grow with the exponential of their mean. With
 * several objectives, where no rank says it all, the shares stay as they are. */
void auto_plan_credit(struct auto_plan *plan, const struct view *view);

#endif
