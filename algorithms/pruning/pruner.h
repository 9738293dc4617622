/*
 * Pruners by name: what a scoring rule removes, and of which layers. The scores themselves are the
 * client's to compute; the names are those of NNI 2.7's pruning_algorithm.
 */
#ifndef ALGORITHMS_PRUNING_PRUNER_H
#define ALGORITHMS_PRUNING_PRUNER_H

#include "algorithms/pruning/network.h"

struct pruner {
	const char *name;
	const char *alias;   /* NNI's class */
	const char *summary; /* one sentence */
	bool by_weight;	     /* single weights become zero, shapes stay; else whole channels go */
	bool norms;	     /* scores the layers with a scale a channel, else those that make
				channels */
};

extern const struct pruner pruners[]; /* ends with a NULL name */

/* By name or alias, without regard to case. NULL: no such pruner. */
const struct pruner *pruner_find(const char *name);

/* Does the pruner score this layer? */
bool pruner_scores(const struct pruner *pruner, const struct network_layer *layer);

#endif
