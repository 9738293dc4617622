/*
 * Differential evolution, with a population for each rung of the ladder (dehb.c). A population has
 * slots; each holds the best of all trials that were evaluated for it, so it does not matter in
 * which order their results came.
 */
#ifndef ALGORITHMS_TUNERS_DEHB_POPULATION_H
#define ALGORITHMS_TUNERS_DEHB_POPULATION_H

#include "algorithms/tuners/rung.h"

/* What a trial was made for; bracket 0 is successive halving, whose trials go on to later rungs. */
struct dehb_tag {
	uint32_t bracket;
	uint16_t rung, slot;
};

#define DEHB_SLOTS_MAX 1024 /* of a population; more would only make the mutants' parents older */

struct dehb_slot {
	double loss;		   /* infinite: nobody, or nobody with a result yet */
	const struct trial *trial; /* NULL: nobody */
};

struct dehb_population {
	size_t size, issued; /* slots, and trials sent to this rung so far: they take turns */
	struct dehb_slot *slots;
};

/* How a bracket stands at a rung. */
struct dehb_standing {
	size_t sent, passed; /* trials that were sent there; of these, sent further */
	size_t ended;	     /* that have a result there, or never will */
};

struct dehb {
	struct climbers climbers;	 /* group 0: of bracket 0 */
	struct dehb_tag *tags;		 /* of the climbers */
	size_t n_brackets;		 /* that have trials, at least one */
	struct dehb_standing *standings; /* [n_brackets][rungs of the ladder] */
	struct dehb_slot *ranked; /* room for the slots of all populations, and those twice */
	struct dehb_population populations[RUNGS_MAX];
};

/* Trials that rung i of bracket t has (t from 0, i from its lowest); s = s_max - t mod (s_max + 1)
 * rungs follow the lowest: floor((s_max + 1) / (s + 1)) eta^s, a share of eta of them each. */
size_t dehb_rung_size(size_t n_rungs, double eta, size_t bracket, size_t i);

/* The index in the ladder of bracket t's lowest rung. */
size_t dehb_bottom(size_t n_rungs, size_t bracket);

/* From the view: 0 or CODE_NO_MEMORY. */
int dehb_init(struct dehb *dehb, const struct view *view, struct arena *arena, struct error *err);

/* The tag as the trial carries it, from the arena. 0 or CODE_NO_MEMORY. */
int dehb_tag_write(
	const struct dehb_tag *tag, struct arena *arena, struct bytes *out, struct error *err);

/* A new point for that slot: a mutant a + F (b - c) of the rung's parents crossed with who is
 * there. The parents are the population itself on the bracket's lowest rung, and the best of the
 * rung below otherwise; where they are fewer than three, those of all populations join, and then
 * random points. 0 or CODE_NO_MEMORY. */
int dehb_evolve(struct dehb *dehb, const struct view *view, const struct dehb_tag *tag,
	struct rng *rng, struct arena *arena, double *x, struct error *err);

#endif
