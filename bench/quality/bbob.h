/*
 * The 24 noiseless functions of the Black-Box Optimization Benchmark, f1 to f24, in any dimension
 * from 2 to BBOB_DIMENSIONS on [-5,5]^n, from their published definitions (Hansen, Finck, Ros,
 * Auger 2009, INRIA RR-6829). An instance fixes the optimum, its value and the rotations; ours are
 * drawn from our own generator, so they are not COCO's instances of the same numbers.
 */
#ifndef BENCH_QUALITY_BBOB_H
#define BENCH_QUALITY_BBOB_H

#include <stddef.h>

#include "core/arena.h"

#define BBOB_FUNCTIONS	24
#define BBOB_DIMENSIONS 40

/* One hill of f21 and f22, in rotated coordinates. */
struct bbob_peak {
	double height;
	const double *centre; /* R y_i */
	const double *shape;  /* the diagonal of C_i */
};

struct bbob {
	unsigned function; /* 1 .. BBOB_FUNCTIONS */
	size_t n;
	double f_opt;	/* the least value, at x_opt only (f7: also nearby) */
	double *x_opt;	/* n */
	double *signs;	/* n of +-1 (f5, f20, f24) */
	double *r, *q;	/* rotations */
	size_t n_peaks; /* f21, f22 */
	struct bbob_peak *peaks;
};

/* Lives in arena; NULL when memory is short. */
const struct bbob *bbob_new(struct arena *arena, unsigned function, size_t n, unsigned instance);

/* "Rastrigin, rotated" ... */
const char *bbob_name(unsigned function);

double bbob_value(const struct bbob *bbob, const double *x);

#endif
