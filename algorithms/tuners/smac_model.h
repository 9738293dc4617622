/*
 * What SMAC knows of an experiment: a random forest over its results, as losses on a logarithmic
 * scale, and where results are still to come.
 *
 * Scale (SMAC3's log-scaled costs): with low a little below the best loss, as far as the best is
 * from the best twentieth, y = ln((loss - low) / (worst - low)); so the best few stand out, and the
 * worst feasible loss is at 0. Above it come, in the order that all tuners keep: trials stopped
 * early (0), infeasible ones by their violation, failures last.
 *
 * The forest is grown on the first results; how many depends on their number alone (all, then in
 * steps), so an ask does not depend on earlier ones, and the workspace is only a memo. Later
 * results are added to the leaves they fall into, and so are pending trials, as mediocre ones:
 * proposals keep away from them.
 */
#ifndef ALGORITHMS_TUNERS_SMAC_MODEL_H
#define ALGORITHMS_TUNERS_SMAC_MODEL_H

#include "algorithms/analysis/forest.h"
#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/tuner_rank.h"

/* Parameters of more than one value as features of a forest, in order. */
struct smac_features {
	const struct space *space;
	size_t d;
	uint32_t *parameter; /* d: index in the space */
	uint8_t *categories; /* d */
	bool *parent;	     /* space->n: others' conditions name it */
};

struct smac_model {
	struct smac_features features;
	struct forest forest;
	struct rank *ranks; /* of all results, the best SMAC_BEST first */
	size_t n_ranks;
	double best; /* the least y */
};

#define SMAC_BEST 20

/* 0 or CODE_NO_MEMORY. */
int smac_features_init(
	struct smac_features *features, const struct space *space, struct arena *arena);

/* The features of a point; out has room for d. */
void smac_features_of(const struct smac_features *features, const double *x, double *out);

/* Back: the legal point nearest to a row of features, as far as parameters are active. */
void smac_point_of(const struct smac_features *features, const double *row, double *x);

/* The features are there, the view has a result that is a point, d > 0, and there is a workspace,
 * which keeps what the model shares with it: it must outlive the model. 0 or CODE_NO_MEMORY. */
int smac_model_init(struct smac_model *model, const struct knowledge *know, size_t n_trees,
	struct arena *arena);

#endif
