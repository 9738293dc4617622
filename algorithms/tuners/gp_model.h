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

extern const struct learner gp_learner;

/* The mode of the prior, where nothing has been learnt: d + 2. */
void gp_prior_mode(size_t d, bool noiseless, double *theta);

void gp_model_write(const double *thetas, size_t n_sets, size_t d, struct buffer *out);

/* False, and thetas as they were: bytes of another dimension or version, or damaged ones. */
bool gp_model_read(const struct bytes *bytes, size_t n_sets, size_t d, double *thetas);

#endif
