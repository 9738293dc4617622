/*
 * The transformations the BBOB functions are made of (Hansen, Finck, Ros, Auger 2009, INRIA
 * RR-6829, section 0.2). Vectors of n doubles are changed in place; matrices are n x n, by rows. i
 * counts from 0 here, so the report's (i-1)/(D-1) is i/(n-1): n is at least 2.
 */
#ifndef BENCH_QUALITY_BBOB_TRANSFORM_H
#define BENCH_QUALITY_BBOB_TRANSFORM_H

#include <stddef.h>

#include "core/rng.h"

/* i/(n-1): 0 for the first coordinate, 1 for the last. */
double bbob_share(size_t n, size_t i);

/* T_osz: small, smooth oscillations that keep sign and order. */
double bbob_oscillation(double x);
void bbob_oscillate(size_t n, double *x);

/* T_asy^beta: positive coordinates grow by a power that rises with i. */
void bbob_asymmetry(size_t n, double beta, double *x);

/* Lambda^alpha: coordinate i times alpha^(i/(2(n-1))). */
void bbob_condition(size_t n, double alpha, double *x);

/* out = matrix x; out may not be x. */
void bbob_rotate(size_t n, const double *matrix, const double *x, double *out);

/* out = transposed matrix x; out may not be x. */
void bbob_rotate_back(size_t n, const double *matrix, const double *x, double *out);

/* f_pen: the squared distance from [-5,5]^n. */
double bbob_penalty(size_t n, const double *x);

/* An orthogonal matrix: Gram-Schmidt of standard normal rows. */
void bbob_rotation(struct rng *rng, size_t n, double *matrix);

#endif
