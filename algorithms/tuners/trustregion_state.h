/*
 * Where a trust-region search stands: the run, its centre and radius. A trial's tag holds the state
 * that it was proposed from and what was expected of it; the newest tag and the results since make
 * the state of a view.
 *
 * The centre is the best result of the run, or one that others proposed: in the first run wherever
 * it is, later only near the centre. A run ends when its radius falls below the limit; the next
 * starts from the best result that lies apart from all earlier runs' centres, or from a new point.
 */
#ifndef ALGORITHMS_TUNERS_TRUSTREGION_STATE_H
#define ALGORITHMS_TUNERS_TRUSTREGION_STATE_H

#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/tuner_rank.h"

enum region_kind {
	REGION_STEP,	 /* to the least value of the model */
	REGION_GEOMETRY, /* to where the model knows least */
	REGION_RESTART,	 /* the first point of a run, a new one */
	REGION_NEIGHBOUR /* the centre with other categories */
};

struct region_tag {
	uint64_t fingerprint;
	uint64_t consumed; /* ended_version of the last result that the state knew */
	int64_t centre;	   /* trial number; -1: none */
	uint32_t run, kind;
	double radius;	 /* in the unit cube */
	double length;	 /* of the step, in radii */
	double level;	 /* what the model said of the centre, as a loss */
	double decrease; /* and by how much less this would be */
	double doubt;	 /* standard deviation of that */
};

/* The options. */
struct region_options {
	double radius, radius_min;
	int64_t startup;
};

struct region_state {
	const struct view *view;
	struct region_options options;
	uint64_t fingerprint, consumed;
	uint32_t run;
	double radius;
	const struct trial *centre; /* NULL: nothing to stand on */
};

extern const struct option region_options[];

/* A parameter that the search moves: ordered, with more than one value, active in x. */
bool region_moves(const struct space *space, const double *x, size_t i);

/* Same categories, same parameters active: one polynomial can describe both. */
bool region_alike(const struct space *space, const double *a, const double *b);

/* Distance in the unit cube, over the parameters that move. */
double region_distance(const struct space *space, const double *a, const double *b);

void region_state_fold(struct region_state *state, const struct view *view);

/* The next run, from the best result apart from earlier centres; centre NULL: there is none. */
void region_state_restart(struct region_state *state);

/* The tag of a trial of this tuner. False: it is another's. */
bool region_tag_read(const struct trial *trial, uint64_t fingerprint, struct region_tag *tag);

#endif
