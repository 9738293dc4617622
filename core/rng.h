/*
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a
 * counter-based generator. A stream is named, not seeded in sequence: (experiment seed, purpose,
 * number), so the draws for trial 7 do not depend on who asked for trial 6, or when.
 */
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

enum rng_purpose {	 /* part of the stream's name: never renumber */
	RNG_SUGGEST = 1, /* number = trial number */
	RNG_REDRAW =
		2, /* number = trial number * 4096 + attempt: a proposal that was a duplicate */
	RNG_ASSESS = 3,	  /* number = trial number */
	RNG_SPACE = 4,	  /* number = draw index: validation, sampling, seeds */
	RNG_SCRAMBLE = 5, /* number = dimension */
	RNG_TEST = 6,
	RNG_FIT = 7 /* number = version of the view a model is fitted on */
};

struct rng {
	uint32_t key[2];
	uint32_t counter[4];
	uint32_t out[4];
	unsigned used; /* words of out already taken */
};

void rng_init(struct rng *rng, uint64_t seed, enum rng_purpose purpose, uint64_t number);

/* The raw block function: ten rounds of counter under key. For known-answer tests and hashing. */
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

uint32_t rng_u32(struct rng *rng);
uint64_t rng_u64(struct rng *rng);
double rng_uniform(struct rng *rng);		 /* [0, 1), 53 bits */
double rng_uniform_open(struct rng *rng);	 /* (0, 1) */
uint64_t rng_below(struct rng *rng, uint64_t n); /* 0 .. n-1, unbiased; n > 0 */
double rng_normal(struct rng *rng);		 /* standard normal by inverse cdf: one draw each */
void rng_shuffle(struct rng *rng, size_t n, uint32_t *items); /* Fisher-Yates */

#endif
