/*
 * The inside of a struct compute: shared by compute.c (opening, fits, densities) and gp_factor.c
 * (factors), and the hook by which tests put a back end of their own in the device's place.
 */
#ifndef GPU_COMPUTE_INTERNAL_H
#define GPU_COMPUTE_INTERNAL_H

#include <stdatomic.h>

#include "gpu/backend.h"

#define FINGERPRINT_SIZE 256

struct engine { /* an open back end */
	const struct compute_backend *ops;
	void *self;
	char fingerprint[FINGERPRINT_SIZE];
};

enum trouble { TROUBLE_NONE, TROUBLE_WRITING, TROUBLE_WRITTEN };

struct compute {
	struct engine cpu;
	struct engine device;	  /* ops NULL: none; open until compute_close, also when given up */
	void *plugin;		  /* of dlopen, or NULL */
	atomic_bool lost;	  /* the device was given up: set once, never cleared */
	atomic_int trouble_state; /* who makes it TROUBLE_WRITING writes trouble */
	char trouble[ERROR_MESSAGE_MAX];
	atomic_uint_fast64_t fits, evaluations, factors, posteriors, failures;
};

/* The cpu and, unless NULL, device, which is opened here. What compute_open does, but for finding
 * the plug-in. */
int compute_new(const struct compute_backend *device, struct compute **out, struct error *err);

/* Whom a call goes to now. */
const struct engine *compute_engine(struct compute *compute);
bool compute_lost(const struct compute *compute, const struct engine *engine);
/* After code from engine: true where the call is to be done again on the processor. A device that
 * is CODE_UNAVAILABLE is given up; one that has no memory left is not. */
bool compute_again(
	struct compute *compute, const struct engine *engine, int code, const struct error *err);

/* n >= 1 points, finite x, legal sizes. */
int check_input(const struct gp_input *input, struct error *err);
int check_finite(const double *values, size_t n, const char *what, struct error *err);

#endif
