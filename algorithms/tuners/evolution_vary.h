/*
 * Variation: new points from old ones. What comes out is a valid point of the space, parameter
 * constraints not applied.
 */
#ifndef ALGORITHMS_TUNERS_EVOLUTION_VARY_H
#define ALGORITHMS_TUNERS_EVOLUTION_VARY_H

#include <stdbool.h>

#include "core/rng.h"
#include "core/space.h"

struct vary {
	double eta;  /* of the polynomial mutation: the larger, the smaller the steps */
	double jump; /* probability that a numeric parameter is drawn anew instead */
};

/* Changes exactly one active parameter to another value; parameters that this makes active are
 * drawn. A categorical one takes any other option alike; a numeric one moves by Deb and Agrawal's
 * polynomial mutation in the unit interval (KanGAL report 99003), by a step of its grid at least.
 * False: no active parameter has two values; x is as it was. */
bool vary_mutate(const struct vary *vary, const struct space *space, struct rng *rng, double *x);

/* Changes each active parameter in the same way with probability 1 / (how many of them have two
 * values): one on average. False: none this time; x is as it was. */
bool vary_mutate_each(
	const struct vary *vary, const struct space *space, struct rng *rng, double *x);

/* Uniform crossover, parents before children: each active parameter takes its value from either
 * parent that has one. */
void vary_cross(const struct space *space, struct rng *rng, const double *mother,
	const double *father, double *x);

/* The same, but of a numeric parameter that both parents have the mother's value or, half the time,
 * one near hers or the father's: simulated binary crossover in the unit interval, bounded (Deb and
 * Agrawal, Complex Systems 9, 1995). eta: the larger, the nearer. */
void vary_recombine(const struct space *space, struct rng *rng, double eta, const double *mother,
	const double *father, double *x);

#endif
