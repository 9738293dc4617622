#include "core/rng.h"

#include <assert.h>

#include "core/special.h"

#define ROUNDS	     10
#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0	     0x9E3779B9u
#define WEYL_1	     0xBB67AE85u

void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
	uint32_t k0 = key[0], k1 = key[1];

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0;
		uint64_t p1 = (uint64_t)MULTIPLIER_1 * c2;
		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += WEYL_0;
		k1 += WEYL_1;
	}
	out[0] = c0;
	out[1] = c1;
	out[2] = c2;
	out[3] = c3;
}

void rng_init(struct rng *rng, uint64_t seed, enum rng_purpose purpose, uint64_t number)
{
	*rng = (struct rng){
		.key = { (uint32_t)seed, (uint32_t)(seed >> 32) },
		/* Word 0 counts blocks; the rest names the stream. Numbers stay below 2^56. */
		.counter = { 0, (uint32_t)number,
			(uint32_t)(number >> 32) ^ ((uint32_t)purpose << 24), 0x4361u },
		.used = 4,
	};
}

uint32_t rng_u32(struct rng *rng)
{
	if (rng->used == 4) {
		philox4x32(rng->counter, rng->key, rng->out);
		rng->counter[0]++;
		rng->used = 0;
	}
	return rng->out[rng->used++];
}

uint64_t rng_u64(struct rng *rng)
{
	uint64_t low = rng_u32(rng);
	return low | ((uint64_t)rng_u32(rng) << 32);
}

double rng_uniform(struct rng *rng)
{
	return (double)(rng_u64(rng) >> 11) * 0x1.0p-53;
}

double rng_uniform_open(struct rng *rng)
{
	return ((double)(rng_u64(rng) >> 12) + 0.5) * 0x1.0p-52;
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
	assert(n > 0);
	/* Reject the tail of the range that would favour small results. */
	uint64_t limit = UINT64_MAX - UINT64_MAX % n;
	uint64_t draw;
	do {
		draw = rng_u64(rng);
	} while (draw >= limit);
	return draw % n;
}

double rng_normal(struct rng *rng)
{
	return normal_quantile(rng_uniform_open(rng));
}

void rng_shuffle(struct rng *rng, size_t n, uint32_t *items)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)rng_below(rng, i);
		uint32_t swap = items[i - 1];
		items[i - 1] = items[j];
		items[j] = swap;
	}
}
