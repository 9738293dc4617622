/* YAML and JSON as values with lines; and what is refused, with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/c/command/document.h"

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/c/json_text.h"

static void test_values(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "a: 1\nb: text of words\n", "{\"a\":1,\"b\":\"text of words\"}" },
		{ "a: [1, 2.5, -3, +4, .5, 1., 1e-5, 1E+3]",
			"{\"a\":[1,2.5,-3,4,0.5,1.0,1e-05,1000.0]}" },
		{ "a: 1e-5", "{\"a\":1e-05}" },
		{ "- ~\n- null\n- NULL\n-\n- Null\n", "[null,null,null,null,null]" },
		{ "- true\n- True\n- FALSE\n- tRUE\n", "[true,true,false,\"tRUE\"]" },
		{ "- 'yes'\n- \"010\"\n- '1'\n- \"null\"\n", "[\"yes\",\"010\",\"1\",\"null\"]" },
		{ "- -x\n- .\n- e5\n- 1.2.3\n- 5h\n- 1:30\n- 1,000\n- 2022-01-01\n",
			"[\"-x\",\".\",\"e5\",\"1.2.3\",\"5h\",\"1:30\",\"1,000\",\"2022-01-"
			"01\"]" },
		{ "a: |\n  two\n  lines\nb: >\n  one\n  line\n",
			"{\"a\":\"two\\nlines\\n\",\"b\":\"one line\\n\"}" },
		{ "a: {b: [], c: {}}", "{\"a\":{\"b\":[],\"c\":{}}}" },
		{ "? a\n: 1\n'b c': 2\n3: 4\n", "{\"a\":1,\"b c\":2,\"3\":4}" },
		{ "a: 9223372036854775807\nb: 9223372036854775808\n",
			"{\"a\":9223372036854775807,\"b\":9.223372036854776e+18}" },
		{ "---\na: 1\n...\n", "{\"a\":1}" },
		{ "# only\na: 1 # this\n", "{\"a\":1}" },
		{ "{\"a\": \"\\ud83d\\ude00\\/\", \"b\": yes}", NULL },
		{ "{\"a\": \"\\ud83d\\ude00\\/\"}", "{\"a\":\"\xf0\x9f\x98\x80/\"}" },
		{ "{\n\t\"a\":\t[1]\n}\n", "{\"a\":[1]}" },
		{ "{a: 1, b: two}", "{\"a\":1,\"b\":\"two\"}" },
		{ "text", "\"text\"" },
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct document document;
		bool ok = document_read(&document, "f", cases[i].text, why, sizeof(why));
		assert_int_equal(ok, cases[i].json != NULL);
		if (!ok)
			continue;
		char *text = json_text(document.value);
		if (json_is_string(document.value))
			assert_string_equal(json_string_value(document.value), cases[i].text);
		else
			assert_string_equal(text, cases[i].json);
		free(text);
		document_release(&document);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "f:1: there is nothing in it" },
		{ "a: 1\na: 2\n", "f:2: a is there twice" },
		{ "a: 1\nb: yes\n", "f:2: yes means different things" },
		{ "a: On", "f:1: On means" },
		{ "a: .inf", "f:1: .inf means" },
		{ "a:\n  b: 010\n", "f:2: 010 is a number to some" },
		{ "a: 0x1F", "f:1: 0x1F is a number to some" },
		{ "a: 1_000", "f:1: 1_000 is a number to some" },
		{ "a: 1e999", "f:1: 1e999 is a number to some" },
		{ "a: &x 1\nb: *x\n", "f:1: anchors" },
		{ "a: !!str 1", "f:1: anchors" },
		{ "a: !x [1]", "f:1: anchors" },
		{ "a: {<<: {b: 1}}", "f:1: merging" },
		{ "[a]: 1", "f:1: a name must be a text" },
		{ "a: 1\n---\nb: 2\n", "f:2: there is a second document" },
		{ "a: 1\n b: 2\n", "f:2: " },
		{ "a: [1\nb: 2\n", "f:2: " },
		{ "a: \"\\0\"", "f:1: there is a NUL" },
		{ "\"\\0\": 1", "f:1: there is a NUL" },
		{ "\t", "f:1: " },
		{ "a: \x80", "f:" },
		{ "{\"a\": 1, \"a\": 2}", "f:1: a is there twice" },
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct document document;
		assert_false(document_read(&document, "f", cases[i].text, why, sizeof(why)));
		if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0)
			print_error("%s: %s\n", cases[i].text, why);
		assert_memory_equal(why, cases[i].why, strlen(cases[i].why));
	}
}

static void test_lines(void **state)
{
	static const char text[] = "# a comment\n"
				   "name: x\n"
				   "space:\n"
				   "  lr:\n"
				   "    _type: uniform\n"
				   "    _value:\n"
				   "      - 1\n"
				   "      - 2\n"
				   "  a/b~c: {d: 1,\n"
				   "    e: 2}\n";
	static const struct {
		const char *pointer;
		int line;
	} cases[] = { { "", 2 }, { "/name", 2 }, { "/space", 3 }, { "/space/lr", 4 },
		{ "/space/lr/_type", 5 }, { "/space/lr/_value", 6 }, { "/space/lr/_value/1", 8 },
		{ "/space/a~1b~0c/e", 10 }, { "/space/lr/none", 4 }, { "/none/lr", 2 } };
	struct document document;
	char why[256];

	(void)state;
	assert_true(document_read(&document, "f", text, why, sizeof(why)));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(document_line(&document, cases[i].pointer), cases[i].line);
	document_release(&document);
	/* JSON has lines too, where it is YAML as well. */
	assert_true(document_read(&document, "f", "{\n\"a\":\n{\"b\": 1}}", why, sizeof(why)));
	assert_int_equal(document_line(&document, "/a/b"), 3);
	document_release(&document);
}

static char *repeat(const char *text, size_t n)
{
	size_t length = strlen(text);
	char *out = malloc(n * length + 1);
	for (size_t i = 0; i < n; i++)
		memcpy(out + i * length, text, length);
	out[n * length] = '\0';
	return out;
}

static void test_bounds(void **state)
{
	struct document document;
	char why[256];
	char *deep = repeat("[", 100000), *fits = repeat("- ", DOCUMENT_DEPTH);
	char *many = repeat("- 1\n", DOCUMENT_NODES), *large = repeat("#\n", DOCUMENT_MAX / 2 + 1);
	char *name = repeat("n", DOCUMENT_POINTER);

	(void)state;
	assert_false(document_read(&document, "f", deep, why, sizeof(why)));
	assert_non_null(strstr(why, "nested too deeply"));
	assert_true(document_read(&document, "f", fits, why, sizeof(why)));
	document_release(&document);
	assert_false(document_read(&document, "f", many, why, sizeof(why)));
	assert_non_null(strstr(why, "too much"));
	assert_false(document_read(&document, "f", large, why, sizeof(why)));
	assert_non_null(strstr(why, "too large"));
	char *text = malloc(DOCUMENT_POINTER + 8);
	snprintf(text, DOCUMENT_POINTER + 8, "%s: 1", name);
	assert_false(document_read(&document, "f", text, why, sizeof(why)));
	assert_non_null(strstr(why, "too long"));
	free(text);
	free(name);
	free(large);
	free(many);
	free(fits);
	free(deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
