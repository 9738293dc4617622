/*
 * What a colleague would notice about an experiment: findings, in plain words.
 *
 * health_gather copies what is looked at while the view is at hand (at most HEALTH_POINTS results,
 * spread evenly over the history); health_find then works without it. Findings come in the order
 * of the table in health.c, the grave ones first. The same history gives the same findings.
 */
#ifndef ALGORITHMS_ANALYSIS_HEALTH_H
#define ALGORITHMS_ANALYSIS_HEALTH_H

#include "algorithms/analysis/importance.h"
#include "core/view.h"

#define HEALTH_POINTS 1000 /* results looked at: pairs of them are compared */

struct health_constraint {
	const char *metric;
	int64_t known, met; /* results that tell the metric, and are within the bounds */
};

struct health_facts {
	int64_t by_state[TRIAL_STATE_COUNT];
	const char *message;		 /* of the last failed trial; NULL */
	int64_t n_results;		 /* succeeded trials */
	int64_t not_a_number;		 /* of those: first objective NaN or infinite */
	struct importance_points points; /* results only, in the order they came in */
	const bool *numeric;		 /* points.d: has ends that the optimum may lie at */
	size_t n_constraints;
	const struct health_constraint *constraints;
	uint64_t seed, version; /* of the experiment: they name the forest's random stream */
};

enum health_severity { HEALTH_WARNING, HEALTH_INFO };

struct health_finding {
	const char *kind; /* snake_case, for programs */
	enum health_severity severity;
	const char *subject; /* the parameter or metric it is about; NULL: the experiment */
	const char *message; /* for people, with the numbers */
};

/* 0 or CODE_NO_MEMORY. All of it lives in arena. */
int health_gather(const struct view *view, struct arena *arena, struct health_facts *out);
int health_find(const struct health_facts *facts, struct arena *arena,
	const struct health_finding **out, size_t *n);

#endif
