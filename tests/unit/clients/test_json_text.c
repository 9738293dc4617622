/* Numbers are the shortest text that reads back, whatever the program's locale; the rest is
 * jansson's. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clients/c/json_text.h"

static void expect(json_t *value, const char *wanted)
{
	char *text = json_text(value);
	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(value);
}

static void test_numbers(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 9726.11, "9726.11" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 5.0, "5.0" },
		{ -0.0, "-0.0" },
		{ 1e22, "1e+22" },
		{ 1e-7, "1e-07" },
		{ 123456789012345678.0, "1.2345678901234568e+17" },
		{ 5e-324, "5e-324" },
		{ DBL_MAX, "1.7976931348623157e+308" },
		{ DBL_MIN, "2.2250738585072014e-308" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect(json_real(cases[i].value), cases[i].text);
	expect(json_integer(INT64_MIN), "-9223372036854775808");
	expect(json_integer(0), "0");
}

/* No text with fewer digits reads back equal. */
static void test_shortest(void **state)
{
	uint64_t bits = 0x9e3779b97f4a7c15u;
	(void)state;
	for (int i = 0; i < 20000; i++) {
		double x;
		bits = bits * 6364136223846793005u + 1442695040888963407u;
		memcpy(&x, &bits, sizeof(x));
		if (!isfinite(x))
			continue;
		if (i % 2)
			x = round(x * 1e-300 * 1e4) / 1e4;
		if (!isfinite(x))
			continue;
		json_t *real = json_real(x);
		char *text = json_text(real), shorter[400];
		assert_true(strtod(text, NULL) == x);
		int digits = 0;
		char *integral = strstr(text, ".0");
		if (integral && !integral[2])
			*integral = '\0';
		for (const char *c = text; *c && *c != 'e'; c++)
			digits += (*c >= '1' && *c <= '9') || (*c == '0' && digits > 0);
		if (digits > 15) {
			snprintf(shorter, sizeof(shorter), "%.*g", digits - 1, x);
			assert_true(strtod(shorter, NULL) != x);
		}
		free(text);
		json_decref(real);
	}
}

static void test_values(void **state)
{
	(void)state;
	expect(json_pack(
		       "{s:[i,f,b,n,s], s:{}, s:[]}", "list", 1, 2.5, 1, "text", "object", "array"),
		"{\"list\":[1,2.5,true,null,\"text\"],\"object\":{},\"array\":[]}");
	expect(json_string("a \"quoted\" \\ line\nand\ttab\r\x01\x7f \xc3\xa9 \xf0\x9f\x98\x80"),
		"\"a \\\"quoted\\\" \\\\ line\\nand\\ttab\\u000d\\u0001\\u007f \xc3\xa9 "
		"\xf0\x9f\x98\x80\"");
	expect(json_false(), "false");
}

/* What is written is read back as the same value. */
static void test_round_trip(void **state)
{
	static const char text[] =
		"{\"a\":[1,-2,3.25,{\"b\":\"\\\"\\\\\\n\\u0007\"}],\"c\":{\"d\":[]},"
		"\"e\":1e300}";
	(void)state;
	json_t *value = json_loads(text, 0, NULL);
	char *written = json_text(value);
	json_t *again = json_loads(written, 0, NULL);
	assert_true(json_equal(value, again));
	json_decref(again);
	json_decref(value);
	free(written);
}

static void test_indented(void **state)
{
	char text[256] = "";
	(void)state;
	FILE *out = fmemopen(text, sizeof(text), "w");
	json_t *value = json_pack("{s:[i,i], s:{}, s:{s:s}}", "a", 1, 2, "b", "c", "d", "e");
	json_text_print(out, value, true);
	fclose(out);
	json_decref(value);
	assert_string_equal(text, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n"
				  "  \"c\": {\n    \"d\": \"e\"\n  }\n}");
}

/* A program that writes 2,5 for two and a half still sends JSON. */
static void test_locale(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE" };
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!setlocale(LC_NUMERIC, names[i]))
			continue;
		expect(json_real(2.5), "2.5");
		expect(json_real(0.1 + 0.2), "0.30000000000000004");
		setlocale(LC_NUMERIC, "C");
		return;
	}
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_shortest),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_indented),
		cmocka_unit_test(test_locale),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
