/*
 * The options of the Gaussian-process tuner, read.
 */
#ifndef ALGORITHMS_TUNERS_GP_SETTINGS_H
#define ALGORITHMS_TUNERS_GP_SETTINGS_H

#include "algorithms/tuners/gp_acquisition.h"
#include "core/faults.h"
#include "core/spec.h"

/* More are not looked at, whatever is asked for (NNI's default is 100,000 and 250). */
#define GP_CANDIDATES_MAX 4096
#define GP_STARTS_MAX	  64

struct gp_settings {
	enum gp_utility utility;
	double kappa, xi;
	size_t n_startup;	       /* resolved */
	size_t n_candidates, n_starts; /* 0: as the history's size allows */
	bool noiseless, trust_mask;
	double least_noise; /* variance, of results with variance 1 */
	double explore;	    /* probability */
	size_t exact_max;   /* results up to which all of them are used */
};

extern const struct option gp_options[];

/* d: features of the space. */
void gp_settings_read(const struct spec *spec, size_t d, struct gp_settings *out);

/* tuner.check. */
void gp_settings_check(const struct spec *spec, const struct path *at, struct faults *faults);

#endif
