/*
 * The compute vtable: the linear algebra of surrogate models, on the processor or on a CUDA device.
 * Calls are coarse: one call pays for one trip to the device. cpu (gpu/cpu/) defines the meaning;
 * every other back end must match it within the tolerances of tests/unit/gpu/test_compute.c.
 *
 * Gaussian process (Rasmussen & Williams 2006): features x in [0, 1]^d, or category indices where
 * category[i] is set; delta_i^2 = (x_i - x'_i)^2, or [x_i != x'_i] for a category;
 *     r^2 = sum_i w_i delta_i^2
 *     k(x, x') = s2 (1 + sqrt(5) r + 5 r^2 / 3) exp(-sqrt(5) r)      Matern 5/2
 *     K = k(X, X) + noise I, mean 0.
 * A theta is d + 2 doubles: ln w_1 ... ln w_d, ln s2, ln noise. Length scales are l_i = w_i^(-1/2).
 *
 * Thread safety: a compute may be used by many threads at once; a factor by one at a time.
 * Errors: CODE_NO_MEMORY, CODE_INVALID (not positive definite, though jitter was added),
 * CODE_UNAVAILABLE (the device failed). compute.c catches the last one: it gives the device up for
 * good, counts it, and does the call again on the processor; factors made by the device then answer
 * CODE_UNAVAILABLE, and their owner makes them again. A device without memory for a call leaves
 * that call to the processor and stays in use. Nothing here ends the process. err may be NULL.
 */
#ifndef GPU_COMPUTE_H
#define GPU_COMPUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

#define GP_LIMIT_D 512	/* features */
#define GP_LIMIT_N 4096 /* points of one factor */

struct compute;

/* name: "cpu", "cuda", or "auto" (cuda where the plug-in loads and finds a device, else cpu).
 * plugin_dir: where cairn_cuda.so lies; NULL: beside the program, then the library directory.
 * CODE_UNAVAILABLE, with the reason: only when cuda was asked for by name. */
int compute_open(const char *name, const char *plugin_dir, struct compute **out, struct error *err);
void compute_close(struct compute *compute);

/* Back end in use, and a fingerprint of what results depend on to the last bit (back end, library
 * and its processor type, or device). Static or the compute's own; valid until compute_close. */
const char *compute_name(const struct compute *compute);
const char *compute_fingerprint(const struct compute *compute);

struct compute_stats {
	uint64_t fits, evaluations, factors, posteriors; /* calls, or objective evaluations */
	uint64_t device_failures;			 /* 1: the device was given up */
};
void compute_stats(const struct compute *compute, struct compute_stats *out);
/* Why the device was given up, or was not there ("auto"): NULL if neither. */
const char *compute_trouble(const struct compute *compute);

/* ---- fitting: maximum a posteriori hyperparameters ---- */

struct gp_input {
	size_t n, d;
	const double *x;	       /* n x d, row major */
	const unsigned char *category; /* d flags */
};

/*
 * Minimises over theta (algorithms.md A.2.1 step 4)
 *     J = 1/2 y'K^-1 y + 1/2 ln|K| + sum_i (ln l_i - sqrt(2) - 1/2 ln d)^2 / 6
 *         + (ln s2)^2 / 2 + (ln noise + 4)^2 / 2
 * within l in [0.02, 100], s2 in [0.05, 20], noise in [1e-6, 1], by L-BFGS-B with analytic
 * gradients (memory 10) from each start; the best end counts. Noise is parametrised by ln(noise -
 * 1e-6), from ln 1e-8 on. A start ends when its projected gradient is at most 1e-3 sqrt(d + 2), or
 * two iterations in a row gained less than 1e-6 max(|J|, 10). Starts are clipped to the bounds.
 */
struct gp_fit {
	struct gp_input input;
	const double *y;	 /* n, standardised */
	bool noiseless;		 /* noise stays 1e-6 and has no prior */
	size_t n_starts;	 /* at least 1 */
	const double *starts;	 /* n_starts thetas */
	unsigned max_iterations; /* of each start; 0: 60 */

	double *theta;	  /* out: d + 2, the caller's memory */
	double objective; /* out: J there */
	unsigned evaluations;
	int code; /* out: 0, or why this one failed */
};

/* All of them, and all their starts, at once. 0 when the calls were made: see each fit's code. */
int compute_gp_fit(struct compute *compute, struct gp_fit *fits, size_t n, struct error *err);

/* J and dJ/dtheta (with respect to ln w_i, ln s2, ln(noise - 1e-6)) of each of n problems at its
 * first start; +HUGE_VAL where K is not positive definite. gradients: problem i's d + 2 at
 * gradients[i]. What the conformance tests compare. */
int compute_gp_objective(struct compute *compute, const struct gp_fit *problems, size_t n,
	double *objectives, double *const *gradients, struct error *err);

/* ---- a factor: L L' = K ---- */

struct gp_factor;

/* room: points it can grow to by extending, at most GP_LIMIT_N; input.n <= room. The input is
 * copied. Where K is not positive definite, 1e-10 s2 ... 1e-4 s2 is added to its diagonal. */
int gp_factor_new(struct compute *compute, const struct gp_input *input, const double *theta,
	size_t room, struct gp_factor **out, struct error *err);
void gp_factor_free(struct gp_factor *factor);
size_t gp_factor_n(const struct gp_factor *factor);
size_t gp_factor_bytes(const struct gp_factor *factor);

/* Appends m points (m x d): O(m n^2). A new diagonal below 1e-10 s2 is raised to that. */
int gp_factor_extend(struct gp_factor *factor, const double *x, size_t m, struct error *err);
/* Back to the first n points, at least 1: O(1). */
void gp_factor_truncate(struct gp_factor *factor, size_t n);

/* alpha = K^-1 y for n_y columns of length n, each at y + column * n. */
int gp_factor_solve(
	struct gp_factor *factor, const double *y, size_t n_y, double *alpha, struct error *err);

/* Posterior of f (without noise) at m points x (m x d), given alpha (n, the first column):
 * mean[m]; variance[m], at least 1e-12, unless variance is NULL. */
int gp_posterior(struct gp_factor *factor, const double *alpha, const double *x, size_t m,
	double *mean, double *variance, struct error *err);

/* The same at one point, with gradients with respect to x (0 for categories): d each. */
int gp_posterior_gradient(struct gp_factor *factor, const double *alpha, const double *x,
	double *mean, double *variance, double *d_mean, double *d_variance, struct error *err);

/* Posterior covariance of f between m points x and p points z: m x p, row major. */
int gp_covariance(struct gp_factor *factor, const double *x, size_t m, const double *z, size_t p,
	double *covariance, struct error *err);

/* ---- kernel densities ---- */

/* log of sum_k weight_k prod_j f_jk(x_j), n kernels over d coordinates: coordinate j is a category
 * (size[j] > 0: f_jk(x) = table[table_at[j] + k * size[j] + x]) or numeric (size[j] == 0: a normal
 * around mu[j * n + k] with sigma[j * n + k], truncated to [low[j], high[j]]; with step[j] > 0 the
 * mass of [x - step/2, x + step/2] instead of the density). */
struct kde {
	size_t n, d;
	const double *log_weight;	 /* n */
	const uint32_t *size;		 /* d */
	const double *mu, *sigma;	 /* d x n */
	const double *low, *high, *step; /* d */
	const double *table;
	const size_t *table_at; /* d */
};

/* log_ratio[m] = log l(x) - log g(x) at m points (m x d, row major). -HUGE_VAL where l is 0, also
 * if g is too; HUGE_VAL where g alone is. l and g have the same d and sizes; a stepped cell counts
 * as far as it lies in [low, high]. */
int compute_kde_ratio(struct compute *compute, const struct kde *l, const struct kde *g,
	const double *x, size_t m, double *log_ratio, struct error *err);

#endif
