/*
 * Where sobol_directions starts from: a primitive polynomial over GF(2) for each dimension but the
 * first, in order of degree and then of value, and the first direction numbers m_1 .. m_degree.
 */
#ifndef ALGORITHMS_TUNERS_SOBOL_DIRECTIONS_H
#define ALGORITHMS_TUNERS_SOBOL_DIRECTIONS_H

#include <stddef.h>
#include <stdint.h>

#define SOBOL_DEGREE 13 /* there are 1110 primitive polynomials up to here */

/* polynomial: bit i is the coefficient of x^i. m[0 .. degree-1], odd, m[k] < 2^(k+1).
 * 1 <= dimension < SOBOL_DIMENSIONS. Answers the degree. */
size_t sobol_initial(size_t dimension, uint32_t *polynomial, uint32_t m[SOBOL_DEGREE]);

/* The initial numbers that draw stands for (see sobol_directions.c). */
void sobol_draw(size_t dimension, uint32_t draw, size_t degree, uint32_t m[SOBOL_DEGREE]);

#endif
