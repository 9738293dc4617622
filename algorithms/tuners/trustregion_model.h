/*
 * A local polynomial through noisy results: in steps y from the centre, measured in radii,
 *     f(y) = level + g.y + y'Hy / 2 + rest,
 * a Gaussian process whose kernel is that of a random quadratic. The gradient has the prior
 * variance 1 (times the amplitude) in each coordinate, the Hessian the least Frobenius norm that
 * explains the results (Powell, "Least Frobenius norm updating of quadratic models", 2004, is the
 * limit without noise), or one that is nearly a multiple of the identity, or nearly diagonal. The
 * rest beyond second order is noise that grows with |y|^3, so distant results count for less; a
 * constant noise stands for ripples and for what trials do not repeat. With few results the model
 * is linear, with many a full quadratic, with more still a regression: there is nothing to switch.
 *
 * The scales of curvature, rest and noise are chosen by marginal likelihood from short lists.
 */
#ifndef ALGORITHMS_TUNERS_TRUSTREGION_MODEL_H
#define ALGORITHMS_TUNERS_TRUSTREGION_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"

enum region_structure { HESSIAN_FULL, HESSIAN_ISOTROPIC, HESSIAN_DIAGONAL, HESSIAN_STRUCTURES };

/* Indexes into the lists of scales. */
struct region_scales {
	unsigned structure, curvature, rest, noise;
};

struct region_model {
	size_t d, n, room;
	double *y;    /* [room][d] */
	double *f;    /* [room] less the centre's, in units of the spread */
	double *rest; /* [room] |y|^6 */

	struct region_scales scales;
	double amplitude; /* standard deviation that the prior's 1 stands for */
	double *factor;	  /* [room][room], lower triangle: the kernel matrix is L L' */
	double *alpha;	  /* [room] */
	double *work;	  /* [room] */
	double level;	  /* the mean at the centre */
	double *gradient; /* [d] */
	double *hessian;  /* [d][d] */
};

/* Memory for room results in d coordinates. 0 or CODE_NO_MEMORY. */
int region_model_init(struct region_model *model, size_t d, size_t room, struct arena *arena);

/* n, y and f are set: fits. */
void region_model_fit(struct region_model *model);

/* A result that is still to come is believed to be what the model says: its place becomes certain,
 * nothing else changes. n < room. */
void region_model_believe(struct region_model *model, const double *y);

/* f at y, and its standard deviation (without noise). */
double region_model_mean(const struct region_model *model, const double *y);
double region_model_deviation(const struct region_model *model, const double *y);

/* The standard deviation of a result that repeats the centre's. */
double region_model_noise(const struct region_model *model);

#endif
