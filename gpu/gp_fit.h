/*
 * The driver of compute_gp_fit, shared by all back ends: every live start of every problem advances
 * by one evaluation, all of them in one call of batch_evaluate. Deterministic, given the back end.
 */
#ifndef GPU_GP_FIT_H
#define GPU_GP_FIT_H

#include "gpu/backend.h"

/* As compute_gp_fit; the fits are valid. Outputs of the fits are untouched unless 0 is returned. */
int gp_fit_run(const struct compute_backend *backend, void *self, struct gp_fit *fits, size_t n,
	struct error *err);

#endif
