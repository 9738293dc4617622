#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"

#include <cmocka.h>

static void text_grows_and_stays_terminated(void **state)
{
	struct buffer buffer;
	(void)state;
	buffer_init(&buffer, 100000);
	assert_string_equal(buffer_text(&buffer), ""); /* never NULL */
	for (int i = 0; i < 10000; i++) {
		buffer_add_char(&buffer, (char)('a' + i % 26));
		assert_int_equal(buffer.size, i + 1);
		assert_int_equal(buffer.data[buffer.size], '\0');
	}
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buffer.data[i], 'a' + i % 26);
	buffer_clear(&buffer);
	assert_string_equal(buffer_text(&buffer), "");
	buffer_add_text(&buffer, "one ");
	buffer_printf(&buffer, "%d %s", 2, "three");
	buffer_add(&buffer, "\0four", 5);
	assert_int_equal(buffer.size, 16);
	assert_memory_equal(buffer.data, "one 2 three\0four", 17);
	buffer_release(&buffer);
	assert_string_equal(buffer_text(&buffer), "");
	assert_int_equal(buffer.limit, 100000);
}

static void the_ceiling_is_exact_and_failure_sticks(void **state)
{
	struct buffer buffer;
	(void)state;
	buffer_init(&buffer, 5);
	buffer_add_text(&buffer, "12345");
	assert_false(buffer.failed);
	buffer_add_char(&buffer, '6');
	assert_true(buffer.failed);
	assert_string_equal(buffer_text(&buffer), "12345");
	buffer_clear(&buffer);
	assert_false(buffer.failed);
	buffer_add_text(&buffer, "123");
	buffer_add_text(&buffer, "456"); /* all or nothing */
	buffer_add_text(&buffer, "4");	 /* would fit, but the text would have a hole */
	assert_true(buffer.failed);
	assert_string_equal(buffer_text(&buffer), "123");
	buffer_clear(&buffer);
	buffer_printf(&buffer, "%06d", 1);
	assert_true(buffer.failed);
	assert_string_equal(buffer_text(&buffer), "");
	buffer_clear(&buffer);
	buffer_printf(&buffer, "%05d", 1);
	assert_false(buffer.failed);
	buffer_release(&buffer);
}

static void absurd_sizes_are_refused(void **state)
{
	struct buffer buffer;
	(void)state;
	buffer_init(&buffer, 10);
	buffer_add(&buffer, "x", SIZE_MAX);
	assert_true(buffer.failed);
	buffer_clear(&buffer);
	buffer_add(&buffer, NULL, 0);
	assert_false(buffer.failed);
	assert_int_equal(buffer.size, 0);
	buffer_release(&buffer);
	buffer_init(&buffer, 0);
	buffer_add_char(&buffer, 'x');
	assert_true(buffer.failed);
	buffer_release(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_grows_and_stays_terminated),
		cmocka_unit_test(the_ceiling_is_exact_and_failure_sticks),
		cmocka_unit_test(absurd_sizes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
