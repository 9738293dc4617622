/*
 * The processor's back end, inside: kernels (kernel.c), the objective of fitting (objective.c),
 * factors (factor.c), what is read off them (posterior.c), kernel densities (kde.c).
 */
#ifndef GPU_CPU_CPU_H
#define GPU_CPU_CPU_H

#include "gpu/backend.h"

/* The loops over points are compiled for several widths of vector registers, the widest that the
 * processor has is taken at load time. Nothing is fused or reordered (-ffp-contract=off), sums run
 * over LANES partial sums whatever the width: so all of them give the same bits. Sanitizers are not
 * up yet when the loader chooses. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDEST
#endif

#define LANES 8

/* ---- kernel.c ---- */

/* values[i] = exp(values[i]), relative error below 1e-15, for values <= 0; less than -300 counts
 * as -300, so that neither the result nor its square is denormal. */
void exp_in_place(double *values, size_t n);

/* Sums over LANES partial sums, in a fixed order. */
double dot_lanes(const double *a, const double *b, size_t n);
double sum_lanes(const double *values, size_t n);

struct matern {
	size_t d;
	const unsigned char *category; /* d */
	const double *weight;	       /* d */
	double s2;
};

/* Points by coordinate: x_i of point b at x[i * stride + b]. */
struct columns {
	const double *x;
	size_t stride;
};

/* k(point, b) for the points b < n; slope, unless NULL: s2 (1 + sqrt(5) r) exp(-sqrt(5) r), so that
 * dk/d(r^2) = -5/6 slope. */
void matern_row(const struct matern *matern, struct columns points, size_t n, const double *point,
	double *k, double *slope);

/* sums[i] += sum over b < n of factor[b] delta_i(point, b)^2. */
void add_squared_distances(const struct matern *matern, struct columns points, size_t n,
	const double *point, const double *factor, double *sums);

/* ---- objective.c ---- */
int cpu_batch_new(
	void *self, const struct gp_fit *problems, size_t n, void **batch, struct error *err);
int cpu_batch_evaluate(void *batch, struct gp_evaluation *evaluations, size_t n, struct error *err);
void cpu_batch_free(void *batch);

/* ---- factor.c ---- */
struct cpu_factor {
	size_t n, d, room, stride; /* stride >= room: of rows of L, and of coordinates */
	struct matern matern;
	double noise;	/* with the jitter that K needed */
	double *l;	/* row i of L at l + i * stride */
	double *x;	/* by coordinate */
	double *weight; /* d */
	unsigned char *category;
	double *scratch; /* of posterior.c, grown as needed */
	size_t scratch_size;
};

int cpu_factor_new(void *self, const struct gp_input *input, const double *theta, size_t room,
	void **factor, struct error *err);
void cpu_factor_free(void *factor);
size_t cpu_factor_bytes(const void *factor);
int cpu_factor_extend(void *factor, const double *x, size_t m, struct error *err);
void cpu_factor_truncate(void *factor, size_t n);
int cpu_factor_solve(void *factor, const double *y, size_t n_y, double *alpha, struct error *err);

/* Rows of k(x, X) for m points x, then each row L^-1 of it. rows: m x n. */
void cross_rows(const struct cpu_factor *factor, const double *x, size_t m, double *rows);
void solve_rows(const struct cpu_factor *factor, double *rows, size_t m);
/* size doubles of the factor's own, until the next call; NULL: no memory. */
double *factor_scratch(struct cpu_factor *factor, size_t size);

/* ---- posterior.c ---- */
int cpu_posterior(void *factor, const double *alpha, const double *x, size_t m, double *mean,
	double *variance, struct error *err);
int cpu_posterior_gradient(void *factor, const double *alpha, const double *x, double *mean,
	double *variance, double *d_mean, double *d_variance, struct error *err);
int cpu_covariance(void *factor, const double *x, size_t m, const double *z, size_t p,
	double *covariance, struct error *err);

/* ---- kde.c ---- */
int cpu_kde_ratio(void *self, const struct kde *l, const struct kde *g, const double *x, size_t m,
	double *log_ratio, struct error *err);

#endif
