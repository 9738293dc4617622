/*
 * Sobol's sequence, scrambled. (Sobol', USSR Comput. Math. 7, 1967; Bratley and Fox, ACM TOMS 14,
 * 1988, algorithm 659; Joe and Kuo, SIAM J. Sci. Comput. 30, 2008.)
 *
 * The scrambling is Owen's nested uniform one (1995), each node of the binary tree flipped by a
 * hash of its place and the key of (seed, dimension), so it needs no state. It keeps what makes the
 * sequence good: of the first 2^m points each dyadic interval of length 2^-m has one in every
 * dimension, and the first two dimensions are a (0, m, 2)-net.
 */
#ifndef ALGORITHMS_TUNERS_SOBOL_H
#define ALGORITHMS_TUNERS_SOBOL_H

#include <stddef.h>
#include <stdint.h>

#include "core/limits.h"

#define SOBOL_BITS	 32
#define SOBOL_DIMENSIONS LIMIT_PARAMETERS

/* Coordinate of point index in dimension (both from 0), in (0, 1): the middle of one of 2^32
 * intervals. dimension < SOBOL_DIMENSIONS, index < 2^32 (asserted). */
double sobol_point(uint64_t seed, size_t dimension, uint64_t index);

/* The first n direction numbers of a dimension (n <= SOBOL_BITS): v[k] is exclusive-ored in when
 * bit k of the index is set; the most significant bit is a half. */
void sobol_directions(size_t dimension, size_t n, uint32_t *v);

#endif
