#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"

#include <cmocka.h>

/* Known answers of the Random123 distribution (kat_vectors, philox4x32 10 rounds). */
static void philox_gives_the_known_answers(void **state)
{
	static const struct {
		uint32_t counter[4], key[2], out[4];
	} cases[] = {
		{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, { 0xffffffff, 0xffffffff },
			{ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 },
			{ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t out[4];
		philox4x32(cases[i].counter, cases[i].key, out);
		assert_memory_equal(out, cases[i].out, sizeof(out));
	}
}

static void streams_are_named_by_all_three_parts(void **state)
{
	static const struct {
		uint64_t seed;
		enum rng_purpose purpose;
		uint64_t number;
	} names[] = { { 1, RNG_SUGGEST, 0 }, { 2, RNG_SUGGEST, 0 }, { 1, RNG_ASSESS, 0 },
		{ 1, RNG_SUGGEST, 1 }, { 1, RNG_SUGGEST, UINT64_C(1) << 32 },
		{ UINT64_C(1) << 32, RNG_SUGGEST, 0 }, { 1, RNG_SUGGEST, UINT64_C(1) << 48 } };
	enum { N = sizeof(names) / sizeof(*names) };
	uint64_t first[N];
	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct rng a, b;
		rng_init(&a, names[i].seed, names[i].purpose, names[i].number);
		rng_init(&b, names[i].seed, names[i].purpose, names[i].number);
		first[i] = rng_u64(&a);
		assert_true(first[i] == rng_u64(&b));
		for (size_t j = 0; j < i; j++)
			assert_true(first[i] != first[j]);
		for (int k = 0; k < 100; k++)
			assert_true(rng_u64(&a) == rng_u64(&b));
	}
}

/* Restarting a stream gives its draws again; they do not repeat within it. */
static void blocks_follow_each_other(void **state)
{
	struct rng rng;
	uint32_t out[4];
	(void)state;
	rng_init(&rng, 7, RNG_TEST, 3);
	uint32_t counter[4], key[2] = { rng.key[0], rng.key[1] };
	memcpy(counter, rng.counter, sizeof(counter));
	for (uint32_t block = 0; block < 5; block++) {
		counter[0] = block;
		philox4x32(counter, key, out);
		for (int i = 0; i < 4; i++)
			assert_int_equal(rng_u32(&rng), out[i]);
	}
}

static void uniforms_stay_inside_and_spread(void **state)
{
	enum { N = 100000, BINS = 20 };
	struct rng rng;
	size_t bins[BINS] = { 0 }, open_bins[BINS] = { 0 };
	(void)state;
	rng_init(&rng, 11, RNG_TEST, 0);
	for (int i = 0; i < N; i++) {
		double u = rng_uniform(&rng), v = rng_uniform_open(&rng);
		assert_true(u >= 0.0 && u < 1.0);
		assert_true(v > 0.0 && v < 1.0);
		bins[(size_t)(u * BINS)]++;
		open_bins[(size_t)(v * BINS)]++;
	}
	/* chi-squared with 19 degrees of freedom: 43.8 is the 0.1 % point */
	double chi = 0, open_chi = 0, want = (double)N / BINS;
	for (int i = 0; i < BINS; i++) {
		chi += pow((double)bins[i] - want, 2) / want;
		open_chi += pow((double)open_bins[i] - want, 2) / want;
	}
	assert_true(chi < 43.8 && open_chi < 43.8);
	assert_true(chi > 3 && open_chi > 3); /* too even is not random either */
}

static void below_is_unbiased_and_bounded(void **state)
{
	enum { N = 70000 };
	struct rng rng;
	size_t bins[7] = { 0 };
	(void)state;
	rng_init(&rng, 12, RNG_TEST, 0);
	for (int i = 0; i < N; i++)
		bins[rng_below(&rng, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_true(fabs((double)bins[i] - N / 7.0) < 5 * sqrt(N / 7.0));
	for (int i = 0; i < 100; i++) {
		assert_int_equal(rng_below(&rng, 1), 0);
		/* A range of which rejection throws away almost half. */
		assert_true(rng_below(&rng, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
		rng_below(&rng, UINT64_MAX);
	}
}

static void normals_have_their_moments(void **state)
{
	enum { N = 100000 };
	struct rng rng;
	double sum[5] = { 0 };
	(void)state;
	rng_init(&rng, 13, RNG_TEST, 0);
	for (int i = 0; i < N; i++) {
		double z = rng_normal(&rng);
		assert_true(isfinite(z));
		for (int k = 1; k < 5; k++)
			sum[k] += pow(z, k) / N;
	}
	assert_true(fabs(sum[1]) < 0.015);
	assert_true(fabs(sum[2] - 1) < 0.025);
	assert_true(fabs(sum[3]) < 0.06);
	assert_true(fabs(sum[4] - 3) < 0.2);
}

static void shuffles_are_permutations_all_alike(void **state)
{
	enum { N = 24000 };
	struct rng rng;
	size_t seen[4][4] = { 0 };
	(void)state;
	rng_init(&rng, 14, RNG_TEST, 0);
	for (int i = 0; i < N; i++) {
		uint32_t items[4] = { 0, 1, 2, 3 };
		unsigned mask = 0;
		rng_shuffle(&rng, 4, items);
		for (int k = 0; k < 4; k++) {
			mask |= 1u << items[k];
			seen[k][items[k]]++;
		}
		assert_int_equal(mask, 15);
	}
	for (int k = 0; k < 16; k++)
		assert_true(fabs((double)seen[k / 4][k % 4] - N / 4.0) < 5 * sqrt(N / 4.0));
	rng_shuffle(&rng, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(philox_gives_the_known_answers),
		cmocka_unit_test(streams_are_named_by_all_three_parts),
		cmocka_unit_test(blocks_follow_each_other),
		cmocka_unit_test(uniforms_stay_inside_and_spread),
		cmocka_unit_test(below_is_unbiased_and_bounded),
		cmocka_unit_test(normals_have_their_moments),
		cmocka_unit_test(shuffles_are_permutations_all_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
