#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/text.h"

static void test_plain(void **state)
{
	(void)state;
	assert_true(text_is_plain(""));
	assert_true(text_is_plain("lenet, \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80 ~"));
	assert_true(text_is_plain("\xc2\xa0")); /* the first after C1 */
	assert_false(text_is_plain("a\nb"));
	assert_false(text_is_plain("a\x1f"));
	assert_false(text_is_plain("\x7f"));
	assert_false(text_is_plain("\xc2\x80"));
	assert_false(text_is_plain("x\xc2\x9f"));
}

static void test_excerpt(void **state)
{
	(void)state;
	char out[8];
	assert_string_equal(text_excerpt("1234567", out, sizeof(out)), "1234567");
	assert_string_equal(text_excerpt("12345678", out, sizeof(out)), "1234...");
	assert_string_equal(text_excerpt("", out, sizeof(out)), "");
	/* Never half a character: the cut falls before, inside and after one of 2 and of 4 bytes.
	 */
	assert_string_equal(text_excerpt("1234\xc3\xbc"
					 "567",
				    out, sizeof(out)),
		"1234...");
	assert_string_equal(text_excerpt("123\xc3\xbc"
					 "4567",
				    out, sizeof(out)),
		"123...");
	assert_string_equal(text_excerpt("12\xc3\xbc"
					 "34567",
				    out, sizeof(out)),
		"12\xc3\xbc...");
	assert_string_equal(text_excerpt("1\xf0\x9f\x98\x80"
					 "34567",
				    out, sizeof(out)),
		"1...");
	assert_string_equal(text_excerpt("\xf0\x9f\x98\x80\xf0\x9f\x98\x80", out, sizeof(out)),
		"\xf0\x9f\x98\x80...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_excerpt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
