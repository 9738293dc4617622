/* What is particular to the SQLite driver; what all drivers promise is in tests/conformance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* core/error.h has one of that name */

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/sql_batch.h"

struct fixture {
	char dir[64], path[128], url[160];
	struct sql *sql;
	struct sql_session *session;
	struct arena arena;
};

static const struct sql_statement insert = {
	.name = "n_insert",
	.text = "INSERT INTO numbers (n) VALUES ($1)",
	.types = "i",
	.columns = "",
};

static const struct sql_statement count = {
	.name = "n_count",
	.text = "SELECT COUNT(*) FROM numbers",
	.types = "",
	.columns = "i",
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = { 0 };
	*state = f;
	arena_init(&f->arena, 0);
	snprintf(f->dir, sizeof(f->dir), "/tmp/cairn-test-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/deep/er/cairn.db", f->dir);
	snprintf(f->url, sizeof(f->url), "sqlite:///%s", f->path);
	const struct sql_config config = { .url = f->url, .lock_timeout_ms = 60 };
	if (sql_sqlite.open(&config, &f->sql, &err) ||
		sql_sqlite.session_open(f->sql, &f->session, &err) ||
		sql_sqlite.script(
			f->session, "CREATE TABLE numbers (n BIGINT PRIMARY KEY)", &err)) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[192];
	static const char *const names[] = { "deep/er/cairn.db", "deep/er/cairn.db-wal",
		"deep/er/cairn.db-shm", "deep/er", "deep", "" };
	sql_sqlite.session_close(f->session);
	sql_sqlite.close(f->sql);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		remove(path);
	}
	arena_release(&f->arena);
	free(f);
	return 0;
}

static int write_one(struct sql_session *session, struct arena *arena, int64_t n, struct error *err)
{
	const struct sql_value value = sql_int(n);
	struct sql_batch *batch = sql_batch_new(arena);
	sql_add(batch, &insert, 1, &value);
	return sql_sqlite.run(session, SQL_WRITE, batch, err);
}

static int read_count(struct fixture *f, int64_t *out, struct error *err)
{
	struct sql_batch *batch = sql_batch_new(&f->arena);
	sql_add(batch, &count, 0, NULL);
	int rc = sql_sqlite.run(f->session, SQL_READ, batch, err);
	if (!rc)
		*out = sql_result(batch, 0)->rows[0].values[0].integer;
	return rc;
}

static void test_directories_are_made(void **state)
{
	struct fixture *f = *state;
	struct stat info;
	assert_int_equal(stat(f->path, &info), 0);
	assert_true(S_ISREG(info.st_mode));
}

static sqlite3 *raw_open(struct fixture *f)
{
	sqlite3 *raw;
	assert_int_equal(sqlite3_open(f->path, &raw), SQLITE_OK);
	return raw;
}

static int text_is_wal(void *context, int n, char **values, char **names)
{
	(void)n;
	(void)names;
	*(bool *)context = !strcmp(values[0], "wal");
	return 0;
}

static void test_write_ahead_log(void **state)
{
	bool wal = false;
	sqlite3 *raw = raw_open(*state);
	assert_int_equal(
		sqlite3_exec(raw, "PRAGMA journal_mode", text_is_wal, &wal, NULL), SQLITE_OK);
	assert_true(wal);
	sqlite3_close(raw);
}

/* Another process that holds the write lock: a clear answer after lock_timeout, reads go on, and
 * all is well when it lets go. */
static void test_locked_file(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	int64_t n = -1;
	sqlite3 *raw = raw_open(f);
	assert_int_equal(sqlite3_exec(raw, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(write_one(f->session, &f->arena, 1, &err), CODE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "locked by another process"));
	assert_non_null(strstr(err.message, f->path));
	assert_int_equal(
		sql_sqlite.script(f->session, "DELETE FROM numbers", &err), CODE_UNAVAILABLE);
	assert_int_equal(read_count(f, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(sqlite3_exec(raw, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(raw);
	assert_int_equal(write_one(f->session, &f->arena, 1, &err), 0);
	assert_int_equal(read_count(f, &n, &err), 0);
	assert_int_equal(n, 1);
}

static void test_not_a_database(void **state)
{
	struct fixture *f = *state;
	char path[192], url[224];
	struct sql *sql;
	struct error err = { 0 };
	snprintf(path, sizeof(path), "%s/text", f->dir);
	snprintf(url, sizeof(url), "sqlite:///%s", path);
	FILE *file = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is not a database\n", file);
	fclose(file);
	const struct sql_config config = { .url = url, .lock_timeout_ms = 10 };
	assert_int_equal(sql_sqlite.open(&config, &sql, &err), CODE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "not an SQLite database"));
	unlink(path);
}

static void test_wrong_urls(void **state)
{
	struct sql *sql;
	struct error err = { 0 };
	(void)state;
	static const char *const urls[] = { "sqlite:", "sqlite://", "sqlite:///", "sqlite://host/x",
		"sqlite::memory", "file.db" };
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const struct sql_config config = { .url = urls[i] };
		assert_int_equal(sql_sqlite.open(&config, &sql, &err), CODE_INVALID);
	}
	const struct sql_config config = { .url = "sqlite:////dev/null/x.db" };
	assert_int_equal(sql_sqlite.open(&config, &sql, &err), CODE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "/dev/null"));
}

/* Two databases in memory are two databases; two sessions of one see the same. */
static void test_memory(void **state)
{
	struct sql *a, *b;
	struct sql_session *first, *second, *other;
	struct error err = { 0 };
	struct fixture *f = *state;
	const struct sql_config config = { .url = "sqlite::memory:" };
	assert_int_equal(sql_sqlite.open(&config, &a, &err), 0);
	assert_int_equal(sql_sqlite.open(&config, &b, &err), 0);
	assert_int_equal(sql_sqlite.session_open(a, &first, &err), 0);
	assert_int_equal(sql_sqlite.session_open(a, &second, &err), 0);
	assert_int_equal(sql_sqlite.session_open(b, &other, &err), 0);
	const char *table = "CREATE TABLE numbers (n BIGINT PRIMARY KEY)";
	assert_int_equal(sql_sqlite.script(first, table, &err), 0);
	assert_int_equal(sql_sqlite.script(other, table, &err), 0);
	assert_int_equal(write_one(first, &f->arena, 1, &err), 0);
	assert_int_equal(write_one(second, &f->arena, 1, &err), CODE_CONFLICT);
	assert_int_equal(write_one(other, &f->arena, 1, &err), 0);
	sql_sqlite.session_close(first);
	sql_sqlite.session_close(second);
	sql_sqlite.session_close(other);
	sql_sqlite.close(a);
	sql_sqlite.close(b);
}

/* ---- group commit ---- */

#define WRITERS 8
#define ROUNDS	50

struct writer {
	struct fixture *f;
	int64_t first;
	int rc;
};

static void *write_some(void *arg)
{
	struct writer *writer = arg;
	struct sql_session *session;
	struct error err = { 0 };
	struct arena arena;
	arena_init(&arena, 0);
	writer->rc = sql_sqlite.session_open(writer->f->sql, &session, &err);
	for (int64_t i = 0; i < 20 && !writer->rc; i++) {
		writer->rc = write_one(session, &arena, writer->first + i, &err);
		arena_reset(&arena);
	}
	sql_sqlite.session_close(session);
	arena_release(&arena);
	return NULL;
}

static void test_writers_share_commits(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	struct sql_stats before, after;
	uint64_t commits = WRITERS * 20;
	int64_t n = 0, expected = 0;
	/* How threads meet is up to the scheduler; without sharing they never do. */
	for (int round = 0; round < ROUNDS && commits >= WRITERS * 20; round++) {
		pthread_t threads[WRITERS];
		struct writer writers[WRITERS];
		sql_stats(&before);
		for (int i = 0; i < WRITERS; i++) {
			writers[i] = (struct writer){ .f = f, .first = expected };
			expected += 20;
			assert_int_equal(
				pthread_create(&threads[i], NULL, write_some, &writers[i]), 0);
		}
		for (int i = 0; i < WRITERS; i++) {
			pthread_join(threads[i], NULL);
			assert_int_equal(writers[i].rc, 0);
		}
		sql_stats(&after);
		commits = after.commits - before.commits;
	}
	assert_int_equal(read_count(f, &n, &err), 0);
	assert_int_equal(n, expected);
	assert_true(commits < WRITERS * 20);
	printf("  %d batches in %llu commits\n", WRITERS * 20, (unsigned long long)commits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_directories_are_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_ahead_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_a_database, setup, teardown),
		cmocka_unit_test(test_wrong_urls),
		cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writers_share_commits, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
