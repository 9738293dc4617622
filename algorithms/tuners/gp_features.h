/*
 * Points of a space as a Gaussian process sees them: one feature per parameter that can vary,
 * numbers in the unit interval (core/space.h's codec), categories as their index, compared by
 * equality. What is not active stands at 1/2, or at category 0: that one point lacks a parameter
 * which another has shows in the parent's category, so the kernel stays positive definite.
 */
#ifndef ALGORITHMS_TUNERS_GP_FEATURES_H
#define ALGORITHMS_TUNERS_GP_FEATURES_H

#include "algorithms/tuners/axis.h"
#include "core/arena.h"

/* Grids of more values are searched as if they were continuous, and rounded. */
#define GP_FEW_VALUES 16

struct gp_features {
	const struct space *space;
	const struct axis *axes; /* space->n */
	size_t d;
	const uint32_t *parameter;     /* d: which parameter it is */
	const unsigned char *category; /* d flags */
	bool conditional;	       /* some parameter is not always active */
	bool discrete;		       /* all features are categories or grids */
};

/* 0 or CODE_NO_MEMORY. */
int gp_features_init(struct gp_features *features, const struct space *space, struct arena *arena);

/* d of a space. */
size_t gp_features_count(const struct space *space);

/* z[d] of a point, and back: decode makes a valid point of any z (activity from the parents). */
void gp_features_encode(const struct gp_features *features, const double *x, double *z);
void gp_features_decode(const struct gp_features *features, const double *z, double *x);

/* u in [0, 1) to z: u itself, or the category whose share of the interval it lies in. */
double gp_feature_of_unit(const struct gp_features *features, size_t i, double u);

/* The number of values of feature i if it is a category or a grid, else 0. */
uint64_t gp_feature_values(const struct gp_features *features, size_t i);

/* Is it searched by gradients? (Not a category, nor a grid of few values.) */
bool gp_feature_smooth(const struct gp_features *features, size_t i);

#endif
