/*
 * The model of an ask: one Gaussian process of the results and, where there are outcome
 * constraints, one of their excess, both conditioned on every result, with the pending points
 * appended at their predicted means (the Kriging believer: they lower the variance around them, and
 * what is to be improved on is the best of results and beliefs).
 *
 * A point's value is its acquisition, plus the log probability that the constraints hold; before
 * the first result that satisfies them only the latter counts.
 */
#ifndef ALGORITHMS_TUNERS_GP_SURROGATE_H
#define ALGORITHMS_TUNERS_GP_SURROGATE_H

#include "algorithms/tuners/gp_acquisition.h"
#include "algorithms/tuners/gp_data.h"
#include "algorithms/tuners/gp_memo.h"
#include "algorithms/tuners/gp_settings.h"

struct gp_process {
	struct gp_factor *factor;
	bool owned; /* by the surrogate, not by a workspace */
	const double *theta;
	double *alpha; /* n + p, 0 for pending points */
};

struct gp_surrogate {
	const struct gp_features *features;
	struct compute *compute;
	size_t d, n, p; /* features, results, pending points */
	double *z;	/* (n + p) x d */
	double *y;	/* n + p; of pending points the predicted mean */
	double *excess; /* the same of the excess, NULL without constraints */
	struct gp_process objective, constraint;
	struct gp_acquisition acquisition; /* its best counts what is believed of pending points */
	double observed_best;		   /* and this one does not */
	bool aimless;			   /* no feasible result yet: only feasibility counts */
	size_t incumbent; /* index of the result with the best predicted mean; SIZE_MAX: none */
	double *scales;	  /* length scales of the objective's process, d */
	double jitter;	  /* noise that is not: the results are exact; else 0 */
	double trust;	  /* radius of the trust mask; 0: none */
};

/* thetas: GP_MODEL_SETS x (d + 2). pending: p x d features. 0, CODE_NO_MEMORY, CODE_INVALID,
 * CODE_UNAVAILABLE; to be released either way. */
int gp_surrogate_init(struct gp_surrogate *surrogate, const struct knowledge *know,
	const struct gp_features *features, const struct gp_data *data, const double *pending,
	size_t p, const double *thetas, const struct gp_settings *settings, struct arena *arena,
	struct error *err);
void gp_surrogate_release(struct gp_surrogate *surrogate);

/* Only means of the objective: m points. */
int gp_surrogate_means(struct gp_surrogate *surrogate, const double *z, size_t m, double *means,
	struct error *err);

/* Values of m points. */
int gp_surrogate_values(struct gp_surrogate *surrogate, const double *z, size_t m, double *values,
	struct arena *arena, struct error *err);

/* The value at one point, and its gradient (d; 0 for categories). */
int gp_surrogate_gradient(struct gp_surrogate *surrogate, const double *z, double *value,
	double *gradient, struct arena *arena, struct error *err);

/* A surrogate of the k points nearest to z only: cheap, and nearly the same around z. */
int gp_surrogate_near(const struct gp_surrogate *whole, const double *z, size_t k,
	struct gp_surrogate *out, struct arena *arena, struct error *err);

#endif
