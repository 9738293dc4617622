#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/faults.h"

#include <cmocka.h>

static void pointers_are_rfc_6901(void **state)
{
	struct path root = { NULL, "search_space", 0 };
	struct path name = { &root, "a/b~c", 0 };
	struct path value = { &name, "_value", 0 };
	struct path item = { &value, NULL, 12 };
	struct path empty = { &item, "", 0 };
	char text[FAULT_POINTER_MAX];
	(void)state;
	path_write(NULL, text, sizeof(text));
	assert_string_equal(text, "");
	path_write(&root, text, sizeof(text));
	assert_string_equal(text, "/search_space");
	path_write(&item, text, sizeof(text));
	assert_string_equal(text, "/search_space/a~1b~0c/_value/12");
	path_write(&empty, text, sizeof(text));
	assert_string_equal(text, "/search_space/a~1b~0c/_value/12/");
	struct path first = { NULL, NULL, 0 };
	path_write(&first, text, sizeof(text));
	assert_string_equal(text, "/0");
}

static void long_pointers_keep_their_leaf(void **state)
{
	char name[300], text[64];
	struct path root = { NULL, name, 0 };
	struct path leaf = { &root, "leaf", 0 };
	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(text, 'x', sizeof(text));
	path_write(&leaf, text, sizeof(text));
	assert_true(strlen(text) < sizeof(text));
	assert_true(strlen(text) > sizeof(text) - 8);
	assert_string_equal(text + strlen(text) - 6, "n/leaf");
}

static void utf8_is_not_cut(void **state)
{
	char name[200] = "";
	struct path root = { NULL, name, 0 };
	(void)state;
	for (size_t i = 0; i + 3 < sizeof(name); i += 3)
		memcpy(name + i, "\xe2\x82\xac", 4); /* the euro sign */
	for (size_t size = 2; size < 40; size++) {
		char text[64];
		path_write(&root, text, size);
		assert_true(strlen(text) < size);
		assert_true((text[0] & 0xc0) != 0x80);
		assert_true(strlen(text) == 0 || text[0] == '/' || strlen(text) % 3 == 0);
	}
}

static void all_are_counted_and_the_first_kept(void **state)
{
	struct faults *faults = calloc(1, sizeof(*faults));
	(void)state;
	assert_non_null(faults);
	faults->n = 77;
	faults_init(faults);
	assert_int_equal(faults_kept(faults), 0);
	for (size_t i = 0; i < LIMIT_FAULTS + 10; i++) {
		struct path at = { NULL, NULL, i };
		fault_add(faults, &at, "fault %zu", i);
		assert_int_equal(faults->n, i + 1);
	}
	assert_int_equal(faults_kept(faults), LIMIT_FAULTS);
	for (size_t i = 0; i < LIMIT_FAULTS; i++) {
		char want[32];
		snprintf(want, sizeof(want), "/%zu", i);
		assert_string_equal(faults->items[i].pointer, want);
		snprintf(want, sizeof(want), "fault %zu", i);
		assert_string_equal(faults->items[i].message, want);
	}
	free(faults);
}

static void long_messages_are_cut(void **state)
{
	struct faults *faults = calloc(1, sizeof(*faults));
	(void)state;
	assert_non_null(faults);
	/* 254 bytes, then a euro sign of three: one of them would fit */
	fault_add(faults, NULL, "%254s\xe2\x82\xac", "x");
	assert_int_equal(strlen(faults->items[0].message), 254);
	faults_init(faults);
	fault_add(faults, NULL, "%252s\xe2\x82\xac", "x");
	assert_int_equal(strlen(faults->items[0].message), 255);
	faults_init(faults);
	fault_add(faults, NULL, "%1000s", "x");
	assert_int_equal(strlen(faults->items[0].message), FAULT_MESSAGE_MAX - 1);
	assert_string_equal(faults->items[0].pointer, "");
	free(faults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointers_are_rfc_6901),
		cmocka_unit_test(long_pointers_keep_their_leaf),
		cmocka_unit_test(utf8_is_not_cut),
		cmocka_unit_test(all_are_counted_and_the_first_kept),
		cmocka_unit_test(long_messages_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
