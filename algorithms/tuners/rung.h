/*
 * Multi-fidelity: what the tuners share that train many trials a little and few of them long.
 *
 * A resource is a number of steps, total, not increment: a trial that is given resource 9 after 3
 * trains six steps more. The *ladder* of an experiment is its resources in ascending order, the
 * *rungs*; the last one is max_resource, where a trial is complete. A trial is handed out up to a
 * rung, reports there and is paused; a promotion hands it out again up to the next one.
 *
 * Everything is folded from the view. Of a trial's reports the first at a rung's very step counts,
 * whichever attempt made it (one that starts over passes the lower rungs again); late ones do not.
 * Rungs are compared by the first objective; not a number ranks last, and so does a trial that
 * ended short of its rung (failed, lost, stopped early, cancelled).
 */
#ifndef ALGORITHMS_TUNERS_RUNG_H
#define ALGORITHMS_TUNERS_RUNG_H

#include "algorithms/tuners/tuner.h"

#define RUNGS_MAX    31		/* of a ladder: eta is 2 at least */
#define RESOURCE_MAX 1000000000 /* below eta ^ RUNGS_MAX */

/* The options all of them have; aliases are NNI's names. */
#define RUNG_OPTIONS(min_alias, max_alias)                                                         \
	{ .name = "min_resource",                                                                  \
		.type = OPTION_INT,                                                                \
		.low = 1,                                                                          \
		.high = RESOURCE_MAX,                                                              \
		.fallback = "1",                                                                   \
		.help = "least resource of a trial, in steps",                                     \
		.alias = min_alias },                                                              \
		{ .name = "max_resource",                                                          \
			.type = OPTION_INT,                                                        \
			.low = 1,                                                                  \
			.high = RESOURCE_MAX,                                                      \
			.fallback = "81",                                                          \
			.help = "resource of a complete trial, in steps",                          \
			.alias = max_alias },                                                      \
	{                                                                                          \
		.name = "eta", .type = OPTION_REAL, .low = 2, .high = 1000, .fallback = "3",       \
		.help = "one trial in eta is promoted, to eta times the resource"                  \
	}

#define RUNG_SAMPLER                                                                               \
	{                                                                                          \
		.name = "sampler", .type = OPTION_CHOICE, .choices = "random|sobol",               \
		.fallback = "random",                                                              \
		.help = "where new trials come from: independent draws, or scrambled Sobol "       \
			"points"                                                                   \
	}

struct ladder {
	size_t n;
	int64_t level[RUNGS_MAX]; /* ascending */
};

/* The experiment's ladder. Asynchronous successive halving counts from below: min eta^k as long as
 * it is less than max, then max. Hyperband counts from above: floor(max eta^-k), as long as max
 * eta^-k is not less than min. The spec's tuner must be one of TUNER_MULTI_FIDELITY other than pbt,
 * whose rungs are the multiples of its interval, and more than a ladder has. */
void ladder_init(struct ladder *ladder, const struct spec *spec);

/* n / eta^k, rounded down; a power that is whole but for its last bit is not rounded below it. */
size_t rung_share(double n, double eta, size_t k);

/* Resource of a complete trial; NaN when the experiment's tuner knows no resources. */
double rung_top(const struct spec *spec);

/* Will the trial be paused when it is where it was told to go, rather than be complete? */
bool rung_pauses(const struct spec *spec, const struct trial *trial);

/* The highest rung below its resource that earlier attempts of the trial have reached, or its
 * parent before it was forked (fork.h); 0: none. */
int64_t rung_reached(const struct spec *spec, const struct trial *trial);

/* Faults of the shared options against each other. */
void rung_check(const struct spec *spec, const struct path *at, struct faults *faults);

/* A trial on the ladder. */
struct climber {
	const struct trial *trial;
	uint32_t rung;	/* of its last hand-out */
	uint32_t group; /* the tuner's own: trials are compared within one */
	bool reached;	/* has a result there */
	bool dead;	/* ended without one */
};

struct climbers {
	struct ladder ladder;
	size_t n;
	struct climber *items;	     /* by number: all the tuner's trials that have a resource */
	struct rung_result *results; /* room for n: rung_rank writes here */
};

struct rung_result {
	double loss; /* infinite: not a number, or dead */
	uint32_t climber;
	bool dead;
};

/* 0 or CODE_NO_MEMORY (err is set). */
int climbers_init(
	struct climbers *climbers, const struct view *view, struct arena *arena, struct error *err);

/* The results at rung k of the climbers [first, first + n) of the group into climbers->results,
 * best first, ties to the earlier trial; answers how many. */
size_t rung_rank(struct climbers *climbers, const struct view *view, size_t first, size_t n,
	uint32_t group, size_t k);

/* Loss at rung k; infinite when there is none or it is not a number. */
double climber_loss(const struct climbers *climbers, const struct view *view,
	const struct climber *climber, size_t k);

/* Loss by the trial's report at step level, or else the last one before; infinite when there is
 * none or it is not a number. */
double rung_loss(const struct view *view, const struct trial *trial, int64_t level);

/* May this one be promoted from rung k? It waits there and still is a point of the space. */
bool climber_waits(const struct climber *climber, size_t k);

/* The proposal to go on with it up to the rung above. */
void propose_promotion(
	const struct climbers *climbers, const struct climber *climber, struct proposal *out);

/* A new trial by chance. */
void propose_random(const struct view *view, struct rng *rng, struct proposal *out);

/* Fills in a new trial from the sampler option. 0 or CODE_NO_MEMORY. */
int propose_sample(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err);

/* Nothing to promote now and no new trials: CODE_WAIT while results can still come, else
 * CODE_EXHAUSTED. */
int rung_wait(const struct view *view, struct error *err);

#endif
