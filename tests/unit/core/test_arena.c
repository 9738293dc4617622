#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

#include <cmocka.h>

static bool all_zero(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static void memory_is_zeroed_aligned_and_apart(void **state)
{
	enum { N = 500 };
	struct arena arena;
	unsigned char *blocks[N];
	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < N; i++) {
		size_t size = i * 7 % 301;
		blocks[i] = arena_alloc(&arena, size);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % 16, 0);
		assert_true(all_zero(blocks[i], size));
		memset(blocks[i], (int)(i % 255 + 1), size);
	}
	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < i * 7 % 301; k++)
			assert_int_equal(blocks[i][k], i % 255 + 1);
	arena_release(&arena);
	assert_int_equal(arena.held, 0);
	assert_null(arena.head);
}

static void large_requests_get_their_own_block(void **state)
{
	struct arena arena;
	(void)state;
	arena_init(&arena, 0);
	unsigned char *large = arena_alloc(&arena, 5u << 20);
	assert_non_null(large);
	large[(5u << 20) - 1] = 1;
	assert_non_null(arena_alloc(&arena, 16));
	arena_release(&arena);
}

static void the_limit_is_kept(void **state)
{
	struct arena arena;
	(void)state;
	for (size_t limit = 1; limit < 20000; limit += 257) {
		size_t got = 0;
		arena_init(&arena, limit);
		while (arena_alloc(&arena, 48))
			got += 48;
		assert_true(arena.held <= limit);
		assert_true(got <= limit);
		assert_true(limit - got < 48 || got > limit / 2); /* little is wasted */
		/* What is refused changes nothing. */
		assert_null(arena_alloc(&arena, limit + 1));
		arena_release(&arena);
		assert_int_equal(arena.limit, limit);
	}
}

static void absurd_sizes_are_refused(void **state)
{
	struct arena arena;
	(void)state;
	arena_init(&arena, 0);
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 8));
	assert_null(arena_array(&arena, SIZE_MAX / 4, 8));
	assert_null(arena_array(&arena, SIZE_MAX, SIZE_MAX));
	assert_non_null(arena_array(&arena, 0, 8));
	assert_non_null(arena_alloc(&arena, 0));
	arena_release(&arena);
}

static void a_reset_arena_starts_clean(void **state)
{
	struct arena arena;
	(void)state;
	arena_init(&arena, 100000);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 100; i++) {
			void *data = arena_alloc(&arena, 100);
			assert_non_null(data);
			assert_true(all_zero(data, 100));
			memset(data, 0xaa, 100);
		}
		arena_reset(&arena);
		assert_int_equal(arena.used, 0);
		assert_true(arena.held <= 100000);
		assert_int_equal(arena.limit, 100000);
	}
	arena_release(&arena);
	arena_reset(&arena); /* nothing to keep */
	assert_null(arena.head);
}

static void strings_are_copied(void **state)
{
	struct arena arena;
	char text[] = "cairn";
	(void)state;
	arena_init(&arena, 0);
	char *copy = arena_strdup(&arena, text);
	char *part = arena_strndup(&arena, text, 3);
	char *bytes = arena_copy(&arena, text, 2);
	text[0] = 'x';
	assert_string_equal(copy, "cairn");
	assert_string_equal(part, "cai");
	assert_memory_equal(bytes, "ca", 2);
	assert_string_equal(arena_printf(&arena, "%s-%d", copy, 7), "cairn-7");
	char *wide = arena_printf(&arena, "%5000s", "end");
	assert_int_equal(strlen(wide), 5000);
	assert_string_equal(wide + 4997, "end");
	assert_string_equal(arena_printf(&arena, "%s", ""), "");
	arena_release(&arena);

	arena_init(&arena, 8);
	assert_null(arena_strdup(&arena, "longer than the arena"));
	assert_null(arena_strndup(&arena, "longer than the arena", 12));
	assert_null(arena_printf(&arena, "%100s", ""));
	assert_null(arena_copy(&arena, text, 17));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(large_requests_get_their_own_block),
		cmocka_unit_test(the_limit_is_kept),
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(a_reset_arena_starts_clean),
		cmocka_unit_test(strings_are_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
