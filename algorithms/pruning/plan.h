/*
 * What is left of a network: from sparsities, or from counts that somebody chose.
 *
 * Channels: a dependency group takes the least sparsity that is asked of the layers which make its
 * channels (0 where nothing is asked of one, but for depthwise convolutions, which then follow), so
 * that no removed channel is missed anywhere; of n units in each part it loses floor(s n), as NNI
 * does. Groups that hold the network's inputs or outputs stay whole. Weights: a layer of n weights
 * loses floor(s n) of them, its biases and its shape stay.
 */
#ifndef ALGORITHMS_PRUNING_PLAN_H
#define ALGORITHMS_PRUNING_PLAN_H

#include "algorithms/pruning/pruner.h"

struct plan {
	double *asked;	   /* per group: sparsity, NaN: none */
	uint32_t *kept;	   /* per part: units */
	int64_t *channels; /* per layer, as network_channels has them */
	uint64_t *removed; /* per layer: weights that are zero */
};

struct plan_bounds {
	int64_t round_to; /* a group keeps a multiple of so many units, or all; >= 1 */
	int64_t min_keep; /* ... and no fewer than so many, or all; >= 1 */
};

/* Layer by name, and how many of the channels it makes are to stay. */
struct plan_kept {
	const char *layer;
	int64_t channels;
};

/* Nothing is removed. 0 or CODE_NO_MEMORY. */
int plan_init(
	struct plan *plan, const struct network *network, struct arena *arena, struct error *err);

/* As plan_init left it. */
void plan_clear(struct plan *plan, const struct network *network);

/* targets: as rules_resolve leaves them. 0 or CODE_NO_MEMORY. */
int plan_sparsity(struct plan *plan, const struct network *network, const struct pruner *pruner,
	const double *targets, const struct plan_bounds *bounds, struct arena *arena,
	struct error *err);

/* A count holds for all layers of the dependency group; groups that no entry names stay whole.
 * Faults, below at and the layer's name: no such layer, one that makes no channels or those of
 * several groups, too many channels or none, unlike counts for one group, a number that its blocks
 * cannot keep alike, a group that must stay whole. 0, CODE_INVALID or CODE_NO_MEMORY. */
int plan_counts(struct plan *plan, const struct network *network, const struct plan_kept *entries,
	size_t n, const struct path *at, struct arena *arena, struct faults *faults,
	struct error *err);

/* The one group that all channels of a layer belong to; -1: there are several, or it makes none. */
int64_t plan_group_of(const struct network *network, const struct network_layer *layer);

/* Units that all parts of a group keep. */
uint32_t plan_group_kept(const struct plan *plan, const struct network_group *group);

/* Sizes of a layer, and of all of them, under the plan: zero weights are not counted as
 * parameters. */
void plan_measure(const struct plan *plan, const struct network *network, size_t layer,
	struct network_size *out);
void plan_total(const struct plan *plan, const struct network *network, uint64_t *parameters,
	uint64_t *macs);

#endif
