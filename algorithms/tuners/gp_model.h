/*
 * What the Gaussian-process tuner learns in the background: hyperparameters (theta of
 * gpu/compute.h), one set for the results and, where there are outcome constraints, one for their
 * excess. Stored as a version byte, the number of sets, d (4 bytes) and the doubles, all little-
 * endian.
 */
#ifndef ALGORITHMS_TUNERS_GP_MODEL_H
#define ALGORITHMS_TUNERS_GP_MODEL_H

#include "algorithms/tuners/tuner.h"

#define GP_MODEL_SETS 2

struct gp_data;

extern const struct learner gp_learner;

/* The mode of the prior, where nothing has been learnt: d + 2. */
void gp_prior_mode(size_t d, bool noiseless, double *theta);

void gp_model_write(const double *thetas, size_t n_sets, size_t d, struct buffer *out);

/* The theta (d + 2) that a fit finds for data, noisy or exact, whichever is more likely; its excess
 * is not looked at. Cubic in data->n. 0, CODE_NO_MEMORY, CODE_INVALID, CODE_UNAVAILABLE. */
int gp_theta_fit(const struct gp_data *data, const unsigned char *category, struct compute *compute,
	double *theta, struct arena *arena, struct error *err);

/* False, and thetas as they were: bytes of another dimension or version, or damaged ones. */
bool gp_model_read(const struct bytes *bytes, size_t n_sets, size_t d, double *thetas);

#endif
