/* Request targets and the texts in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <stdio.h>
#include <string.h>

#include "core/limits.h"
#include "service/uri.h"

static void test_paths(void **state)
{
	(void)state;
	static const struct {
		const char *target, *path; /* NULL: malformed */
	} cases[] = {
		{ "/", "/" },
		{ "/v1/a", "/v1/a" },
		{ "/a%20b", "/a b" },
		{ "/a+b", "/a+b" },
		{ "/%41%5a%5A", "/AZZ" },
		{ "/%c3%a9", "/\xc3\xa9" },
		{ "/\xc3\xa9", "/\xc3\xa9" },
		{ "/%f0%9f%98%80", "/\xf0\x9f\x98\x80" },
		{ "/%2525", "/%25" },
		{ "*", "*" },
		{ "http://host:1/x?y=1", "/x" },
		{ "HTTPS://host", "/" },
		{ "http://host?x", NULL },
		{ "", NULL },
		{ "x", NULL },
		{ "/%", NULL },
		{ "/%4", NULL },
		{ "/%4g", NULL },
		{ "/%00", NULL },
		{ "/%1f", NULL },
		{ "/%7f", NULL },
		{ "/a b", NULL },
		{ "/a#b", NULL },
		{ "/%80", NULL },
		{ "/%c1%81", NULL },
		{ "/%e0%80%80", NULL },
		{ "/%ed%a0%80", NULL },
		{ "/%f4%90%80%80", NULL },
		{ "/%f5%80%80%80", NULL },
		{ "/%c3", NULL },
		{ "/%e2%82", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena;
		struct uri uri;
		struct error err;
		arena_init(&arena, 0);
		int code = uri_parse(cases[i].target, &arena, &uri, &err);
		if (code != (cases[i].path ? 0 : CODE_MALFORMED))
			print_error("%s: %d\n", cases[i].target, code);
		assert_int_equal(code, cases[i].path ? 0 : CODE_MALFORMED);
		if (cases[i].path)
			assert_string_equal(uri.path, cases[i].path);
		arena_release(&arena);
	}
}

static void test_queries(void **state)
{
	(void)state;
	struct arena arena;
	struct uri uri;
	struct error err;
	arena_init(&arena, 0);
	assert_int_equal(uri_parse("/p?a=1&b=x+y%26z&c&d=&&e=1=2", &arena, &uri, &err), 0);
	assert_int_equal(uri.n_arguments, 5);
	assert_string_equal(uri_argument(&uri, "a"), "1");
	assert_string_equal(uri_argument(&uri, "b"), "x y&z");
	assert_string_equal(uri_argument(&uri, "c"), "");
	assert_string_equal(uri_argument(&uri, "d"), "");
	assert_string_equal(uri_argument(&uri, "e"), "1=2");
	assert_null(uri_argument(&uri, "f"));
	assert_int_equal(uri_parse("/p?", &arena, &uri, &err), 0);
	assert_int_equal(uri.n_arguments, 0);
	assert_int_equal(uri_parse("/p?a=1&%61=2", &arena, &uri, &err), CODE_MALFORMED);
	assert_non_null(strstr(err.message, "twice"));
	assert_int_equal(uri_parse("/p?a=%0a", &arena, &uri, &err), CODE_MALFORMED);
	assert_int_equal(uri_parse("/p?a=%e", &arena, &uri, &err), CODE_MALFORMED);
	arena_release(&arena);
}

static void test_bounds(void **state)
{
	(void)state;
	struct arena arena;
	struct uri uri;
	struct error err;
	static char target[URI_TARGET_MAX + 2];
	arena_init(&arena, 0);
	memset(target, 'a', sizeof(target) - 1);
	target[0] = '/';
	assert_int_equal(uri_parse(target, &arena, &uri, &err), CODE_MALFORMED);
	target[URI_TARGET_MAX] = '\0';
	assert_int_equal(uri_parse(target, &arena, &uri, &err), 0);
	size_t size = (size_t)snprintf(target, sizeof(target), "/?");
	for (int i = 0; i < URI_ARGUMENTS_MAX; i++)
		size += (size_t)snprintf(target + size, sizeof(target) - size, "a%d&", i);
	assert_int_equal(uri_parse(target, &arena, &uri, &err), 0);
	assert_int_equal(uri.n_arguments, URI_ARGUMENTS_MAX);
	snprintf(target + size, sizeof(target) - size, "b");
	assert_int_equal(uri_parse(target, &arena, &uri, &err), CODE_MALFORMED);
	arena_release(&arena);
	arena_init(&arena, 1);
	assert_int_equal(uri_parse("/a", &arena, &uri, &err), CODE_NO_MEMORY);
	arena_release(&arena);
}

static void test_request_ids(void **state)
{
	(void)state;
	char text[LIMIT_REQUEST_ID + 2];
	assert_true(uri_request_id_valid("a"));
	assert_true(uri_request_id_valid("A-z_0.9"));
	assert_false(uri_request_id_valid(""));
	assert_false(uri_request_id_valid("a b"));
	assert_false(uri_request_id_valid("a\nb"));
	assert_false(uri_request_id_valid("\xc3\xa9"));
	memset(text, 'x', sizeof(text));
	text[LIMIT_REQUEST_ID + 1] = '\0';
	assert_false(uri_request_id_valid(text));
	text[LIMIT_REQUEST_ID] = '\0';
	assert_true(uri_request_id_valid(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_request_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
