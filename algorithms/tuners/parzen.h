/*
 * A Parzen estimator: a mixture of product kernels, one kernel an observation and one for the
 * prior.
 *
 *   p(x) = sum_k w_k prod_j f_jk(x_j)
 *
 * f_jk is a normal truncated to the axis' interval (real), the mass of a cell under it (stepped),
 * or a smoothed one-hot (categorical). Bandwidths follow the neighbours: the larger gap to the next
 * observation on either side, clipped to [scale / min(100, n + 2), scale]. (Bergstra et al.,
 * "Algorithms for hyper-parameter optimization", 2011; the multivariate form as in Optuna 5.)
 *
 * Axes are streamed: one axis' column of kernels at a time is fitted, drawn from and scored, so
 * memory does not grow with the number of parameters. log p of candidate c accumulates in row c of
 * acc, kernel by kernel, and parzen_log_density ends it.
 */
#ifndef ALGORITHMS_TUNERS_PARZEN_H
#define ALGORITHMS_TUNERS_PARZEN_H

#include "algorithms/tuners/axis.h"
#include "core/arena.h"
#include "core/rng.h"

/* What differs between the variants. */
struct parzen_rule {
	double prior_weight;
	size_t forgetting; /* newest observations of weight 1; older ones ramp down to 1/n */
	bool parity;	   /* NNI 2.7: the prior is one of the neighbours that set bandwidths, and
			      categories are counted; one axis only */
};

struct parzen {
	size_t n; /* observations, oldest first; kernel n is the prior */
	const double *const *points;
	double *weight; /* n + 1, sum 1 */
	double *cumulated;
	const struct parzen_rule *rule;

	/* the column of the axis fitted last */
	const struct axis *axis;
	double *centre, *width;		    /* n + 1; categorical: centre is the option */
	double *inverse;		    /* 1 / (width sqrt 2) */
	double log_hit, log_miss, log_flat; /* categorical: observed option, others, prior */
	uint32_t *slot;			    /* stepped: kernel -> distinct (centre, width) */
	size_t n_slots;
	double *slot_centre, *slot_inverse, *slot_mass; /* mass: of the interval */
	double *table;					/* stepped: log mass of one value by slot */
	struct parzen_item *items, *spare;

	/* candidates */
	size_t n_candidates;
	double *base; /* n + 1: sum of the log normalisers of the axes so far */
	double *acc;  /* n_candidates rows of n + 1 */
};

struct parzen_item { /* for sorting observations along an axis */
	double t;
	uint32_t index;
};

/* multiplicity: NULL, or how many observations each point stands for. n_options: the rule's
 * categorical prior is spread over them in parity; else ignored. 0 or CODE_NO_MEMORY (err not
 * needed). */
int parzen_init(struct parzen *parzen, size_t n, const double *const *points,
	const double *multiplicity, const struct parzen_rule *rule, double n_options,
	size_t n_candidates, struct arena *arena);

/* Fits the column of axis, which is coordinate j of the points. */
void parzen_fit(struct parzen *parzen, const struct axis *axis, size_t j);

/* The kernel of quantile u in [0, 1). */
size_t parzen_kernel(const struct parzen *parzen, double u);

/* A draw of the fitted axis from kernel k: *x a legal value, *t its coordinate (before rounding, in
 * parity). */
void parzen_draw(const struct parzen *parzen, size_t k, struct rng *rng, double *x, double *t);

/* Adds the fitted axis to every candidate: x[c] and t[c] as parzen_draw gave them. */
void parzen_score(struct parzen *parzen, const double *x, const double *t);

/* log p of a candidate over all axes scored so far. */
double parzen_log_density(const struct parzen *parzen, size_t candidate);

#endif
