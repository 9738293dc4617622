/* The manual page in docs/ is the one the program would print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/config.h"
#include "service/manual.h"

static void test_page_is_fresh(void **state)
{
	(void)state;
	static char page[1 << 20];
	struct buffer text;
	buffer_init(&text, sizeof(page));
	manual_write(&text);
	assert_false(text.failed);
	FILE *file = fopen("docs/man/cairnd.8", "re");
	assert_non_null(file);
	size_t n = fread(page, 1, sizeof(page) - 1, file);
	fclose(file);
	if (n != text.size || memcmp(page, text.data, n))
		print_error("run: cairnd --print-man > docs/man/cairnd.8\n");
	assert_int_equal(n, text.size);
	assert_memory_equal(page, text.data, n);
	buffer_release(&text);
}

/* Each setting is in the page and in --help. */
static void test_all_settings(void **state)
{
	(void)state;
	struct buffer page, usage;
	buffer_init(&page, 1 << 20);
	buffer_init(&usage, 1 << 20);
	manual_write(&page);
	usage_write(&usage);
	for (const struct setting *setting = config_settings; setting->name; setting++) {
		char flag[64], escaped[128] = "";
		snprintf(flag, sizeof(flag), "--%s ", setting->name);
		for (char *p = flag; *p; p++)
			*p = *p == '_' ? '-' : *p;
		assert_non_null(strstr(buffer_text(&usage), flag));
		size_t n = 0;
		for (char *p = flag; *p; p++) {
			if (*p == '-')
				escaped[n++] = '\\';
			escaped[n++] = *p;
		}
		assert_non_null(strstr(buffer_text(&page), escaped));
	}
	buffer_release(&page);
	buffer_release(&usage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_is_fresh),
		cmocka_unit_test(test_all_settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
