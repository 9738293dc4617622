#include <stdio.h>

#include "gpu/cpu/blas.h"
#include "gpu/cpu/cpu.h"

static char nothing; /* the processor has no state */

static void *cpu_open(char *fingerprint, size_t size, struct error *err)
{
	(void)err;
	blas_open();
	snprintf(fingerprint, size, "cpu %s, %s", openblas_get_config(), openblas_get_corename());
	return &nothing;
}

static void cpu_close(void *self)
{
	(void)self;
}

const struct compute_backend compute_cpu = {
	.abi = COMPUTE_ABI,
	.name = "cpu",
	.open = cpu_open,
	.close = cpu_close,
	.batch_new = cpu_batch_new,
	.batch_evaluate = cpu_batch_evaluate,
	.batch_free = cpu_batch_free,
	.factor_new = cpu_factor_new,
	.factor_free = cpu_factor_free,
	.factor_bytes = cpu_factor_bytes,
	.factor_extend = cpu_factor_extend,
	.factor_truncate = cpu_factor_truncate,
	.factor_solve = cpu_factor_solve,
	.posterior = cpu_posterior,
	.posterior_gradient = cpu_posterior_gradient,
	.covariance = cpu_covariance,
	.kde_ratio = cpu_kde_ratio,
};
