/*
 * A random forest for regression (Breiman, Machine Learning 45, 2001) over points of mixed and
 * conditional spaces, as SMAC and functional ANOVA use it (Hutter, Hoos and Leyton-Brown, LION
 * 2011).
 *
 * A row is d features. An ordered feature is a number in [0, 1]; a category is the index of one of
 * at most FOREST_CATEGORIES options; FOREST_INACTIVE stands for a parameter that is not active, and
 * trees tell it from all others. Each tree sees a bootstrap sample and splits, down to single rows
 * or equal targets, at the best of one random split per feature: a threshold uniform in the range
 * of the node, or a random set of the categories that the node holds. Averaged over trees, random
 * thresholds interpolate.
 *
 * The same rows and stream give the same forest. Everything lives in the arena of forest_fit; none
 * of it is recursive. Building takes O(T n log n d), a prediction O(T log n).
 */
#ifndef ALGORITHMS_ANALYSIS_FOREST_H
#define ALGORITHMS_ANALYSIS_FOREST_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/rng.h"
#include "core/space.h"

#define FOREST_INACTIVE	  (-1.0)
#define FOREST_CATEGORIES 63 /* options of a category: with "inactive" the bits of a set */

struct forest_rows {
	size_t n, d;
	const double *x;	   /* n rows of d */
	const double *y;	   /* n targets, finite */
	const uint8_t *categories; /* d: how many options; 0: ordered */
};

/* Left is x[feature] <= cut, or a category in left. A leaf is its own child; a split by threshold
 * has no set, one by set a cut below everything, so that a walk need not ask which it is. */
struct forest_node {
	double cut;
	uint64_t left;	/* bit 0: inactive; bit 1 + c: category c */
	uint32_t child; /* the left one; the right one is next to it */
	uint32_t feature;
};

struct forest_leaf {
	double weight; /* rows, as often as the bootstrap drew them; 0: not a leaf */
	double mean, variance;
};

struct forest_tree {
	struct forest_node *nodes;  /* the root first */
	struct forest_leaf *leaves; /* of the node of the same index */
	uint32_t n_nodes;
};

struct forest {
	size_t d, n_trees;
	struct forest_tree *trees;
	double *gain; /* d: squared error that splits on the feature took away, over all trees */
};

/* n > 0, d > 0, n_trees > 0. 0 or CODE_NO_MEMORY. */
int forest_fit(struct forest *forest, const struct forest_rows *rows, size_t n_trees,
	struct rng *rng, struct arena *arena);

/* Mean and variance at each of n rows: the trees' means differ, and so do the targets within a leaf
 * (law of total variance). variance may be NULL. */
void forest_predict(
	const struct forest *forest, const double *x, size_t n, double *mean, double *variance);

/* A copy whose leaves forest_add may change; it shares the splits. 0 or CODE_NO_MEMORY. */
int forest_copy(struct forest *copy, const struct forest *forest, struct arena *arena);

/* One more row, in the leaves it falls into, without new splits; each tree takes it as often as a
 * bootstrap would. */
void forest_add(struct forest *forest, const double *x, double y, struct rng *rng);

/* A parameter as a feature. Categorical ones of more than FOREST_CATEGORIES options are ordered by
 * their index. value NaN: inactive. */
unsigned feature_categories(const struct parameter *parameter);
double feature_of(const struct parameter *parameter, double value);

#endif
