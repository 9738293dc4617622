#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/rng.h"

#include <cmocka.h> /* last: its fail() is a macro */

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static int read_text(const char *text, json_t **out, struct error *err)
{
	return json_read(text, strlen(text), out, err);
}

static void malformed_text_is_refused(void **state)
{
	static const char *const texts[] = { "", " ", "{", "[1,2", "[1,]", "{\"a\":1,}", "{a:1}",
		"'a'", "nul", "01", "1.", ".5", "+1", "NaN", "[NaN]", "Infinity", "-Infinity",
		"1e999", "-1e999", "9223372036854775808", "-9223372036854775809", "\"a", "\"\\x\"",
		"\"\t\"", "\"\\u0000\"", "{\"\\u0000\":1}", "\"\\ud800\"", "\"\xff\"", "\"\xc3\"",
		"\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\xef\xbb\xbf{}", "{} x", "1 2", "{}{}",
		"{\"a\":1,\"a\":2}", "[{\"a\":{\"b\":1,\"b\":1}}]", "// c\n1" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct error err = { 0 };
		json_t *value = NULL;
		int rc = read_text(texts[i], &value, &err);
		if (rc != CODE_MALFORMED)
			print_error("accepted: %s\n", texts[i]);
		assert_int_equal(rc, CODE_MALFORMED);
		assert_int_equal(err.code, CODE_MALFORMED);
		assert_null(value);
		assert_non_null(strstr(err.message, "line "));
	}
	/* NUL bytes, inside and after */
	json_t *value = NULL;
	assert_int_equal(json_read("[1]\0", 4, &value, NULL), CODE_MALFORMED);
	assert_int_equal(json_read("\"a\0b\"", 5, &value, NULL), CODE_MALFORMED);
}

static void errors_say_where(void **state)
{
	struct error err;
	json_t *value;
	(void)state;
	assert_int_equal(read_text("{\"a\": 1,\n  \"b\": tru}", &value, &err), CODE_MALFORMED);
	assert_non_null(strstr(err.message, "line 2"));
	assert_non_null(strstr(err.message, "tru"));
}

static void depth_is_bounded(void **state)
{
	(void)state;
	for (int depth = LIMIT_JSON_DEPTH; depth <= LIMIT_JSON_DEPTH + 1; depth++) {
		char text[2 * LIMIT_JSON_DEPTH + 16];
		struct error err;
		json_t *value = NULL;
		/* Brackets inside strings do not count. */
		memset(text, '[', (size_t)depth);
		memcpy(text + depth, "\"[[\\\"{\"", 7);
		memset(text + depth + 7, ']', (size_t)depth);
		int rc = json_read(text, 2 * (size_t)depth + 7, &value, &err);
		if (depth > LIMIT_JSON_DEPTH) {
			assert_int_equal(rc, CODE_MALFORMED);
			assert_non_null(strstr(err.message, "line 1, column 65"));
		} else {
			struct buffer out;
			assert_int_equal(rc, 0);
			buffer_init(&out, 4096);
			assert_int_equal(json_write(value, &out, &err), 0);
			assert_int_equal(out.size, 2 * (size_t)depth + 7);
			/* One level more cannot be written, as it could not be read. */
			json_t *outer = json_pack("[O]", value);
			assert_int_equal(json_write(outer, &out, &err), CODE_INTERNAL);
			json_decref(outer);
			buffer_release(&out);
		}
		json_decref(value);
	}
	/* Far too deep for a recursive parser. */
	size_t size = 1000000;
	char *text = malloc(size);
	json_t *value = NULL;
	assert_non_null(text);
	memset(text, '[', size);
	assert_int_equal(json_read(text, size, &value, NULL), CODE_MALFORMED);
	free(text);
}

static void texts_come_back_canonical(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ " { \"b\" : [ 1 , 2.50, -0.0 ] , \"a\":null }\n",
			"{\"b\":[1,2.5,-0.0],\"a\":null}" },
		{ "[true,false,{},[],\"\"]", "[true,false,{},[],\"\"]" },
		{ "[1.0,1e2,1E-7,1e300,0.1,100000000000000000000.0]",
			"[1.0,100.0,1e-07,1e+300,0.1,1e+20]" },
		{ "[9223372036854775807,-9223372036854775808,0,-0]",
			"[9223372036854775807,-9223372036854775808,0,0]" },
		{ "\"\\u0041\\u00e9\\n\\t\\b\\f\\r\\\"\\\\\\/\\u0001\\u007f\"",
			"\"A\xc3\xa9\\n\\t\\b\\f\\r\\\"\\\\/\\u0001\x7f\"" },
		{ "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
		{ "{\"a\\n\":{\"\":0}}", "{\"a\\n\":{\"\":0}}" },
		{ "3", "3" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buffer out;
		json_t *value;
		buffer_init(&out, 4096);
		assert_int_equal(read_text(cases[i].in, &value, NULL), 0);
		assert_int_equal(json_write(value, &out, NULL), 0);
		assert_string_equal(buffer_text(&out), cases[i].out);
		json_decref(value);
		buffer_release(&out);
	}
}

static void a_full_buffer_is_reported(void **state)
{
	struct buffer out;
	struct error err;
	json_t *value;
	(void)state;
	assert_int_equal(read_text("[1,2,3]", &value, NULL), 0);
	for (size_t limit = 0; limit <= 7; limit++) {
		buffer_init(&out, limit);
		assert_int_equal(json_write(value, &out, &err), limit < 7 ? CODE_TOO_LARGE : 0);
		buffer_release(&out);
	}
	json_decref(value);
}

static const char *number_text(struct buffer *out, double x, bool integral)
{
	buffer_clear(out);
	json_write_number(out, x, integral);
	return buffer_text(out);
}

static void numbers_have_these_texts(void **state)
{
	static const struct {
		double x;
		bool integral;
		const char *text;
	} cases[] = {
		{ 0, true, "0" },
		{ -0.0, true, "0" },
		{ 3, true, "3" },
		{ -3, true, "-3" },
		{ 3, false, "3.0" },
		{ 2.5, true, "2.5" },
		{ 0.1, false, "0.1" },
		{ 0.3, false, "0.3" },
		{ 0.1 + 0.2, false, "0.30000000000000004" },
		{ 7024.61, false, "7024.61" },
		{ -0.000123, false, "-0.000123" },
		{ 1e-5, false, "1e-05" },
		{ 123456.000000001, false, "123456.000000001" },
		{ 1e21, true, "1e+21" },
		{ 9007199254740991.0, true, "9007199254740991" },
		{ 9007199254740992.0, true, "9007199254740992.0" },
		{ 1.0 / 3.0, false, "0.3333333333333333" },
		{ 5e-324, false, "5e-324" },
		{ 1.7976931348623157e308, false, "1.7976931348623157e+308" },
		{ (double)NAN, true, "\"nan\"" },
		{ (double)INFINITY, false, "\"inf\"" },
		{ -(double)INFINITY, true, "\"-inf\"" },
	};
	struct buffer out;
	(void)state;
	buffer_init(&out, 64);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_string_equal(
			number_text(&out, cases[i].x, cases[i].integral), cases[i].text);
	buffer_release(&out);
}

/* Whatever the double, its text reads back as it, and no shorter one does. */
static void numbers_survive_a_round_trip(void **state)
{
	struct rng rng;
	struct buffer out;
	(void)state;
	buffer_init(&out, 64);
	rng_init(&rng, 1, RNG_TEST, 0);
	for (int i = 0; i < 40000; i++) {
		uint64_t bits = rng_u64(&rng);
		double x;
		memcpy(&x, &bits, sizeof(x));
		if (i % 4 == 1)
			x = rng_uniform(&rng);
		else if (i % 4 == 2) /* short decimals */
			x = (double)rng_below(&rng, 10000000) / pow(10, (double)rng_below(&rng, 9));
		else if (i % 4 == 3)
			x = rint(rng_normal(&rng) * 1e6);
		if (!isfinite(x))
			continue;
		const char *text = number_text(&out, x, i % 8 < 4);
		json_t *value = NULL;
		assert_int_equal(read_text(text, &value, NULL), 0);
		assert_true(json_number_value(value) == x);
		json_decref(value);
		/* No text with fewer significant digits is equal. */
		char digits[40], shorter[40];
		snprintf(digits, sizeof(digits), "%s", text);
		size_t n = 0, first = strspn(text, "-0.");
		for (const char *c = text + first; *c && *c != 'e'; c++)
			n += *c != '.';
		for (int fewer = 1;
			fewer < (int)n && fewer < 17 && !strstr(text, ".0") && strchr(text, '.');
			fewer++) {
			snprintf(shorter, sizeof(shorter), "%.*g", fewer, x);
			assert_true(strtod(shorter, NULL) != x);
		}
	}
	buffer_release(&out);
}

static void metrics_may_be_words(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		double value;
	} cases[] = {
		{ "1", true, 1 },
		{ "-2.5", true, -2.5 },
		{ "\"nan\"", true, (double)NAN },
		{ "\"inf\"", true, (double)INFINITY },
		{ "\"-inf\"", true, -(double)INFINITY },
		{ "\"NaN\"", false, 0 },
		{ "\"1\"", false, 0 },
		{ "true", false, 0 },
		{ "null", false, 0 },
		{ "[1]", false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		json_t *value;
		double x = 42;
		assert_int_equal(read_text(cases[i].text, &value, NULL), 0);
		assert_int_equal(json_metric(value, &x), cases[i].ok);
		if (!cases[i].ok)
			assert_true(x == 42);
		else if (isnan(cases[i].value))
			assert_true(isnan(x));
		else
			assert_true(x == cases[i].value);
		json_decref(value);
	}
}

static void texts_are_compared_by_value(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "1", "1.0", true },
		{ "1", "1e0", true },
		{ "0", "-0.0", true },
		{ "1", "1.0000000000000002", false },
		{ "9007199254740993", "9007199254740992.0", false },
		{ "9223372036854775807", "9223372036854775808.0", false },
		{ "9007199254740993", "9007199254740993", true },
		{ "{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true },
		{ "{\"a\":1}", "{\"a\":1,\"b\":null}", false },
		{ "{\"a\":1}", "{\"b\":1}", false },
		{ "{\"a\":{\"b\":1}}", "{\"b\":{\"a\":1}}", false },
		{ "[1,2]", "[2,1]", false },
		{ "[1,2]", "[1,2,null]", false },
		{ "[]", "{}", false },
		{ "[]", "[[]]", false },
		{ "\"1\"", "1", false },
		{ "true", "1", false },
		{ "null", "false", false },
		{ "\"\\u0041\"", "\"A\"", true },
		{ "\"a\"", "\"b\"", false },
		{ " [ ] ", "[]", true },
		{ "[", "[", false },
		{ "[]", "", false },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (json_text_equal(cases[i].a, cases[i].b) != cases[i].equal)
			print_error("%s and %s\n", cases[i].a, cases[i].b);
		assert_int_equal(json_text_equal(cases[i].a, cases[i].b), cases[i].equal);
		assert_int_equal(json_text_equal(cases[i].b, cases[i].a), cases[i].equal);
	}
}

static size_t allocations_left;

static void *counting_malloc(size_t size)
{
	return allocations_left == 0 ? NULL : (allocations_left--, malloc(size));
}

/* Every allocation of the parser in turn fails. */
static void memory_may_run_out_anywhere(void **state)
{
	static const char text[] = "{\"a\":[1,2.5,\"text\",{\"b\":null}],\"c\":true}";
	size_t n;
	(void)state;
	json_set_alloc_funcs(counting_malloc, free);
	for (n = 0;; n++) {
		struct error err;
		json_t *value = NULL;
		allocations_left = n;
		int rc = json_read(text, sizeof(text) - 1, &value, &err);
		json_decref(value);
		if (rc == 0)
			break;
		assert_null(value);
		/* jansson reports a lack of memory where it can, else that parsing failed. */
		assert_true(rc == CODE_NO_MEMORY || rc == CODE_MALFORMED);
	}
	json_set_alloc_funcs(malloc, free);
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_text_is_refused),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(texts_come_back_canonical),
		cmocka_unit_test(a_full_buffer_is_reported),
		cmocka_unit_test(numbers_have_these_texts),
		cmocka_unit_test(numbers_survive_a_round_trip),
		cmocka_unit_test(metrics_may_be_words),
		cmocka_unit_test(texts_are_compared_by_value),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
