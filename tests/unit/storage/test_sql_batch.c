/* Batches, values, the statement map, scripts for one database or the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* core/error.h has one of that name */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "storage/sql_batch.h"

static const struct sql_statement one = { .name = "one", .text = "?", .types = "i", .columns = "" };

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(sql_real((double)NAN).type, SQL_NULL);
	assert_true(sql_real((double)INFINITY).real == (double)INFINITY);
	assert_int_equal(sql_text(NULL).type, SQL_NULL);
	assert_int_equal(sql_text("abc").size, 3);
	assert_int_equal(sql_blob(NULL, 0).type, SQL_BLOB);
	assert_non_null(sql_blob(NULL, 0).blob);
	assert_int_equal(sql_int(-1).integer, -1);
}

static void test_batch_copies_values(void **state)
{
	struct arena arena;
	(void)state;
	arena_init(&arena, 0);
	struct sql_batch *batch = sql_batch_new(&arena);
	for (int64_t i = 0; i < 1000; i++) {
		struct sql_value value = sql_int(i);
		sql_add(batch, &one, 1, &value);
	}
	assert_int_equal(sql_batch_size(batch), 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(batch->calls[i].values[0].integer, i);
	assert_int_equal(sql_batch_size(NULL), 0);
	sql_add(NULL, &one, 0, NULL); /* what follows from a batch that could not be made */
	arena_release(&arena);
}

static void test_failure_is_sticky(void **state)
{
	struct arena arena;
	const struct sql_value value = sql_int(1);
	(void)state;
	for (size_t limit = sizeof(struct sql_batch); limit < 4096; limit += 16) {
		arena_init(&arena, limit);
		struct sql_batch *batch = sql_batch_new(&arena);
		for (int i = 0; batch && i < 1000; i++)
			sql_add(batch, &one, 1, &value);
		if (batch) {
			assert_true(batch->failed);
			assert_true(sql_batch_size(batch) < 1000);
		}
		arena_release(&arena);
	}
}

static void test_refusal(void **state)
{
	struct arena arena;
	struct error err;
	const struct sql_value value = sql_int(1);
	char name[SQL_VIOLATION_MAX * 2];
	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	arena_init(&arena, 0);
	struct sql_batch *batch = sql_batch_new(&arena);
	sql_add(batch, &one, 1, &value);
	assert_null(sql_batch_refused(batch));
	assert_int_equal(sql_batch_refuse(batch, 0, REFUSAL_UNIQUE, name, &err), CODE_CONFLICT);
	assert_int_equal(strlen(sql_violation(batch)), SQL_VIOLATION_MAX - 1);
	assert_ptr_equal(sql_batch_refused(batch), &one);
	sql_batch_begin(batch);
	assert_null(sql_batch_refused(batch));
	assert_string_equal(sql_violation(batch), "");
	arena_release(&arena);
}

static void test_statement_map(void **state)
{
	enum { N = 500 };
	static struct sql_statement statements[N];
	struct statement_map map = { 0 };
	(void)state;
	for (int round = 0; round < 2; round++) {
		for (uintptr_t i = 0; i < N; i++) {
			void **slot = statement_map_at(&map, &statements[i]);
			assert_non_null(slot);
			assert_int_equal((uintptr_t)*slot, round ? i + 1 : 0);
			*slot = (void *)(i + 1);
		}
	}
	assert_int_equal(map.n, N);
	statement_map_clear(&map, NULL);
	assert_int_equal((uintptr_t)*statement_map_at(&map, &statements[3]), 0);
	statement_map_clear(&map, NULL);
}

static size_t forgotten;

static void forget(void *data)
{
	free(data);
	forgotten++;
}

static void test_statement_map_frees(void **state)
{
	static struct sql_statement statements[3];
	struct statement_map map = { 0 };
	(void)state;
	*statement_map_at(&map, &statements[0]) = malloc(1);
	*statement_map_at(&map, &statements[1]) = malloc(1);
	statement_map_at(&map, &statements[2]);
	statement_map_clear(&map, forget);
	assert_int_equal(forgotten, 2);
	assert_int_equal(map.n, 0);
}

static void test_scripts(void **state)
{
	static const struct {
		const char *text, *scheme, *expected;
	} rows[] = {
		{ "", "pg", "" },
		{ "a;\n", "pg", "a;\n" },
		{ "--pg a;\n--sqlite b;\nc", "pg", "a;\n--sqlite b;\nc" },
		{ "--pg a;\n--sqlite b;\nc", "sqlite", "--pg a;\nb;\nc" },
		{ "--pgx a\n -- pg b\n--pg", "pg", "--pgx a\n -- pg b\n--pg" },
		{ "x --pg a\n\n\n--pg b", "pg", "x --pg a\n\n\nb" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *script = sql_script_for(rows[i].text, rows[i].scheme);
		assert_string_equal(script, rows[i].expected);
		free(script);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_batch_copies_values),
		cmocka_unit_test(test_failure_is_sticky),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_statement_map),
		cmocka_unit_test(test_statement_map_frees),
		cmocka_unit_test(test_scripts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
