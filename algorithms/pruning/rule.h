/*
 * Config lists of NNI 2.7: which layers are to become how sparse.
 *
 * A layer is selected by an entry when its type is among op_types (or there are none) and its name
 * is among op_names or contains one of op_partial_names (or there are neither). Later entries win,
 * layer by layer; an entry with exclude takes its layers out of all earlier ones.
 */
#ifndef ALGORITHMS_PRUNING_RULE_H
#define ALGORITHMS_PRUNING_RULE_H

#include "algorithms/pruning/pruner.h"

#define RULE_CAP 0.99 /* NNI's max_sparsity_per_layer where nothing is said */

struct rule_names {
	const char *const *items;
	size_t n; /* 0: not given */
};

struct rule_cap {
	const char *name; /* of a layer */
	double most;
};

struct rule {
	struct rule_names types, names, partial_names;
	double sparsity;       /* of each layer, [0, 1); NaN: not given */
	double total_sparsity; /* of all its layers together, [0, 1); NaN: not given */
	double cap;	       /* max_sparsity_per_layer as a number, (0, 1]; NaN: not given */
	const struct rule_cap *caps; /* ... as an object */
	size_t n_caps;
	bool exclude; /* exactly one of exclude, sparsity and total_sparsity is given */
};

/*
 * targets[layer]: the sparsity that is asked of each layer, NaN where nothing is asked, 0 where it
 * is excluded. The layers of a total_sparsity share it evenly, up to their caps: how a pruner that
 * ranks globally shares it out depends on the scores.
 *
 * Stricter than NNI: a name or type that the network lacks, a name of a layer that the pruner does
 * not score, an entry that selects nothing, and a total beyond what the caps allow are faults. They
 * are reported below at, the path of the list. 0, CODE_INVALID or CODE_NO_MEMORY.
 */
int rules_resolve(const struct network *network, const struct pruner *pruner,
	const struct rule *rules, size_t n_rules, const struct path *at, struct arena *arena,
	double *targets, struct faults *faults, struct error *err);

#endif
