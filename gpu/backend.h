/*
 * What a back end of gpu/compute.h implements. compute.c owns the policy (checks of arguments,
 * counting, falling back to the processor); a back end owns the arithmetic.
 *
 * The CUDA plug-in is a shared object that exports COMPUTE_BACKEND_SYMBOL; it may use nothing of
 * cairnd but what stands in this header and in core/error.h's types (it fills struct error itself).
 */
#ifndef GPU_BACKEND_H
#define GPU_BACKEND_H

#include "gpu/compute.h"

#define COMPUTE_ABI 1 /* of this header; a plug-in of another number is refused */

/* One evaluation of a problem's objective, as compute_gp_objective. */
struct gp_evaluation {
	size_t problem;	     /* index into the batch's problems */
	const double *theta; /* d + 2 */
	double objective;    /* out; +HUGE_VAL: not positive definite */
	double *gradient;    /* out: d + 2 */
};

struct compute_backend {
	unsigned abi;
	const char *name;
	void *(*open)(char *fingerprint, size_t size, struct error *err); /* NULL: see err */
	void (*close)(void *self);

	/* A batch of problems, whose x and y go to the device once; then evaluations of any of
	 * them, many at a time: the L-BFGS driver (gpu/gp_fit.c) calls it with all live starts. */
	int (*batch_new)(void *self, const struct gp_fit *problems, size_t n, void **batch,
		struct error *err);
	int (*batch_evaluate)(
		void *batch, struct gp_evaluation *evaluations, size_t n, struct error *err);
	void (*batch_free)(void *batch);

	/* Factors: as in compute.h. factor_new is for factor->n = input->n points at once. */
	int (*factor_new)(void *self, const struct gp_input *input, const double *theta,
		size_t room, void **factor, struct error *err);
	void (*factor_free)(void *factor);
	size_t (*factor_bytes)(const void *factor);
	int (*factor_extend)(void *factor, const double *x, size_t m, struct error *err);
	void (*factor_truncate)(void *factor, size_t n);
	int (*factor_solve)(
		void *factor, const double *y, size_t n_y, double *alpha, struct error *err);
	int (*posterior)(void *factor, const double *alpha, const double *x, size_t m, double *mean,
		double *variance, struct error *err);
	int (*posterior_gradient)(void *factor, const double *alpha, const double *x, double *mean,
		double *variance, double *d_mean, double *d_variance, struct error *err);
	int (*covariance)(void *factor, const double *x, size_t m, const double *z, size_t p,
		double *covariance, struct error *err);

	int (*kde_ratio)(void *self, const struct kde *l, const struct kde *g, const double *x,
		size_t m, double *log_ratio, struct error *err);
};

extern const struct compute_backend compute_cpu;

/* The symbol of a plug-in. */
#define COMPUTE_BACKEND_SYMBOL "cairn_compute_backend" /* a const struct compute_backend */

#endif
