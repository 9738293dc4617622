#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base64.h"

static void test_vectors(void **state)
{
	(void)state;
	/* RFC 4648, section 10, and the ends of the alphabet */
	static const struct {
		const char *data, *text;
	} cases[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xff\xff\xff", "////" },
		{ "\xfb\xef\xbe", "++++" },
	};
	struct buffer out;
	struct arena arena;

	buffer_init(&out, 64);
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t length = strlen(cases[i].text), size = 99;
		buffer_clear(&out);
		base64_write(cases[i].data, strlen(cases[i].data), &out);
		assert_string_equal(buffer_text(&out), cases[i].text);
		assert_true(base64_check(cases[i].text, length, &size));
		assert_int_equal(size, strlen(cases[i].data));
		assert_memory_equal(
			base64_read(cases[i].text, length, &arena), cases[i].data, size + 1);
	}
	arena_release(&arena);
	buffer_release(&out);
}

static void test_every_length(void **state)
{
	(void)state;
	unsigned char data[300];
	struct buffer out;
	struct arena arena;

	buffer_init(&out, 1024);
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof(data); n++) {
		size_t size;
		buffer_clear(&out);
		base64_write(data, n, &out);
		assert_int_equal(out.size, (n + 2) / 3 * 4);
		assert_true(base64_check(buffer_text(&out), out.size, &size));
		assert_int_equal(size, n);
		assert_memory_equal(base64_read(buffer_text(&out), out.size, &arena), data, n);
	}
	arena_release(&arena);
	buffer_release(&out);
}

static void test_strict(void **state)
{
	(void)state;
	static const char *const refused[] = { "Z", "Zg", "Zg=", "Zg==Zg==", "Zh==", "Zm9=", "Zm-v",
		"Zm_v", "Zm9v\n", " Zm9", "====", "=g==", "Z===", "Zg=A", "Zm9v=", "Z\xc3\xbcg" };
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		size_t size = 99;
		assert_false(base64_check(refused[i], strlen(refused[i]), &size));
		assert_int_equal(size, 99);
	}
	/* A NUL is of no alphabet either. */
	size_t size;
	assert_false(base64_check("Zm\0v", 4, &size));

	struct arena arena;
	arena_init(&arena, 1);
	assert_null(base64_read("Zm9v", 4, &arena));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_strict),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
