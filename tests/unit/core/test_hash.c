#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/rng.h"

#include <cmocka.h>

static struct key128 key_of(uint64_t n)
{
	struct key128 key;
	key_init(&key, 1);
	key_mix(&key, n);
	return key;
}

static void words_and_their_order_matter(void **state)
{
	struct key128 a, b;
	(void)state;
	key_init(&a, 1);
	key_init(&b, 2);
	assert_false(key_equal(&a, &b));
	key_init(&b, 1);
	assert_true(key_equal(&a, &b));
	key_mix(&a, 1);
	key_mix(&a, 2);
	key_mix(&b, 2);
	key_mix(&b, 1);
	assert_false(key_equal(&a, &b));
}

static void bytes_are_framed_by_their_size(void **state)
{
	static const char zeros[24] = { 0 };
	struct key128 keys[25], a, b;
	(void)state;
	for (size_t n = 0; n <= 24; n++) {
		key_init(&keys[n], 0);
		key_mix_bytes(&keys[n], zeros, n);
		for (size_t m = 0; m < n; m++)
			assert_false(key_equal(&keys[n], &keys[m]));
	}
	key_init(&a, 0);
	key_mix_bytes(&a, "ab", 2);
	key_mix_bytes(&a, "c", 1);
	key_init(&b, 0);
	key_mix_bytes(&b, "a", 1);
	key_mix_bytes(&b, "bc", 2);
	assert_false(key_equal(&a, &b));
}

/* One bit of input flips about half of the bits of the key. */
static void bits_avalanche(void **state)
{
	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		int flipped = 0;
		for (uint64_t n = 0; n < 64; n++) {
			struct key128 a = key_of(n), b = key_of(n ^ (UINT64_C(1) << bit));
			flipped += __builtin_popcountll(a.low ^ b.low) +
				   __builtin_popcountll(a.high ^ b.high);
		}
		assert_in_range(flipped, 64 * 56, 64 * 72);
	}
}

static void sets_hold_what_was_added(void **state)
{
	enum { N = 50000 };
	struct key_set set;
	(void)state;
	key_set_init(&set);
	for (uint64_t i = 0; i < N; i++) {
		struct key128 key = key_of(i);
		assert_false(key_set_has(&set, &key));
		assert_int_equal(key_set_add(&set, &key), 0);
		assert_int_equal(key_set_add(&set, &key), 0);
		assert_int_equal(set.n, i + 1);
	}
	for (uint64_t i = 0; i < 2 * N; i++) {
		struct key128 key = key_of(i);
		assert_int_equal(key_set_has(&set, &key), i < N);
	}
	key_set_release(&set);
	assert_int_equal(set.n, 0);
}

/* Against a plain array of flags; keys that share their home slot make long runs. */
static void removal_leaves_the_rest_findable(void **state)
{
	enum { N = 300 };
	struct key_set set;
	struct rng rng;
	bool in[N] = { false };
	size_t n = 0;
	(void)state;
	key_set_init(&set);
	rng_init(&rng, 1, RNG_TEST, 0);
	for (int step = 0; step < 20000; step++) {
		uint64_t i = rng_below(&rng, N);
		struct key128 key = { i % 5, i + 1 };
		if (rng_below(&rng, 2)) {
			assert_int_equal(key_set_add(&set, &key), 0);
			n += !in[i];
			in[i] = true;
		} else {
			key_set_remove(&set, &key);
			n -= in[i];
			in[i] = false;
		}
		assert_int_equal(set.n, n);
		for (uint64_t k = 0; step % 100 == 0 && k < N; k++) {
			struct key128 other = { k % 5, k + 1 };
			assert_int_equal(key_set_has(&set, &other), in[k]);
		}
	}
	key_set_release(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_their_order_matter),
		cmocka_unit_test(bytes_are_framed_by_their_size),
		cmocka_unit_test(bits_avalanche),
		cmocka_unit_test(sets_hold_what_was_added),
		cmocka_unit_test(removal_leaves_the_rest_findable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
