/*
 * What CMA-ES searches: the parameters that vary, as coordinates of the unit cube, and the options.
 * Countable parameters and grids are steps in their coordinate, at which the distribution needs a
 * margin (cmaes_margin.c).
 */
#ifndef ALGORITHMS_TUNERS_CMAES_MODEL_H
#define ALGORITHMS_TUNERS_CMAES_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/view.h"

/* A covariance of 100 x 100 is decomposed in 4 ms; the next power of ten would take seconds. */
#define CMAES_DIMENSIONS_MAX 100
#define CMAES_POPSIZE_MIN    4
#define CMAES_POPSIZE_MAX    4096 /* of a population that restarts have doubled, too */

enum cmaes_restarts { RESTARTS_NONE, RESTARTS_IPOP, RESTARTS_BIPOP };

struct cmaes_model {
	const struct view *view;
	size_t d;		    /* dimensions: parameters with more than one value */
	const uint32_t *parameters; /* [d], indexes into the space */
	const bool *stepped;	    /* [d] */
	size_t n_stepped;
	uint64_t fingerprint; /* of all that follows from space and options: another one, another
				 search */
	size_t popsize;	      /* of the first run */
	double sigma, tolerance;
	bool active, margin, warm;
	enum cmaes_restarts restarts;
};

extern const struct option cmaes_options[];

/* A parameter CMA-ES cannot order: more than two options without an order. */
bool cmaes_unordered(const struct parameter *parameter);

/* 0 or CODE_NO_MEMORY; lives in arena. */
int cmaes_model_init(struct cmaes_model *model, const struct view *view, struct arena *arena);

/* A point of the space (all of x) from coordinates, and the coordinates of a point. */
void cmaes_decode(const struct cmaes_model *model, const double *u, double *x);
void cmaes_encode(const struct cmaes_model *model, const double *x, double *u);

/* Of the step that coordinate u of stepped dimension i is on: where it ends, below and above, in
 * the unit interval. -inf, inf: it is the first, the last. */
void cmaes_step(const struct cmaes_model *model, size_t i, double u, double *low, double *high);

#endif
