/* Who gets gzip, and that it unpacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "service/gzip.h"

static void test_accepted(void **state)
{
	(void)state;
	static const char *const yes[] = { "gzip", "GZIP", "deflate, gzip", "gzip;q=1.0, *;q=0",
		"br;q=1, gzip;q=0.2", "*", "*;q=0.1", "identity;q=0, gzip ; q=0.001" };
	static const char *const no[] = { "", "identity", "deflate, br", "gzip;q=0", "gzip;q=0.000",
		"*;q=0", "gzip;q=0, *", "xgzip", "gzipx" };
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(gzip_accepted(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(gzip_accepted(no[i]));
	assert_false(gzip_accepted(NULL));
}

static void test_worth(void **state)
{
	(void)state;
	assert_true(gzip_worth("application/json"));
	assert_true(gzip_worth("text/html; charset=utf-8"));
	assert_true(gzip_worth("application/x-ndjson"));
	assert_false(gzip_worth("text/event-stream"));
	assert_false(gzip_worth("application/octet-stream"));
	assert_false(gzip_worth("image/png"));
	assert_false(gzip_worth(NULL));
}

static void test_compress(void **state)
{
	(void)state;
	enum { SIZE = 100000 };
	char *text = malloc(SIZE), *back = malloc(SIZE);
	assert_non_null(text);
	assert_non_null(back);
	for (size_t i = 0; i < SIZE; i++)
		text[i] = (char)('a' + i * i % 7);
	void *out;
	size_t size;
	assert_true(gzip_compress(text, SIZE, 1, &out, &size));
	assert_true(size < SIZE / 4);
	z_stream stream = {
		.next_in = out, .avail_in = (uInt)size, .next_out = (Bytef *)back, .avail_out = SIZE
	};
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	inflateEnd(&stream);
	assert_memory_equal(text, back, SIZE);
	free(out);
	/* What does not shrink is not sent compressed. */
	uint32_t x = 1;
	for (size_t i = 0; i < SIZE; i++) {
		x = x * 1664525u + 1013904223u;
		text[i] = (char)(x >> 24);
	}
	assert_false(gzip_compress(text, SIZE, 6, &out, &size));
	free(text);
	free(back);
}

static void test_cache(void **state)
{
	(void)state;
	static const char text[5000] = "zeros";
	struct gzip_cache *cache = gzip_cache_new();
	struct bytes one, two;
	assert_non_null(cache);
	assert_true(gzip_cache_get(cache, text, sizeof(text), &one));
	assert_true(gzip_cache_get(cache, text, sizeof(text), &two));
	assert_ptr_equal(one.data, two.data);
	assert_int_equal(one.size, two.size);
	assert_false(gzip_cache_get(cache, text, 3, &one));
	gzip_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_worth),
		cmocka_unit_test(test_compress),
		cmocka_unit_test(test_cache),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
