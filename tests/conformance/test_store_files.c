/* Artifacts and logs. */
#include "tests/conformance/lab.h"

#include <pthread.h>

#define CHUNK ((size_t)256 * 1024) /* of storage/store_artifacts.c */

static void put(struct lab *lab, int64_t trial, const char *name, const void *data, size_t size)
{
	struct error err = { 0 };
	const struct artifact_row row = { .trial = trial,
		.name = name,
		.content_type = "application/x-test",
		.size = (int64_t)size,
		.sha256 = "cafe",
		.updated_ms = LAB_NOW };
	int rc = store_artifact_put(lab->session, lab->id, &row, data, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	assert_int_equal(rc, 0);
}

static void assert_part(struct lab *lab, const char *name, const char *whole, size_t total,
	size_t offset, size_t size)
{
	struct error err = { 0 };
	const void *data;
	size_t n;
	size_t expected = offset >= total ? 0 : total - offset < size ? total - offset : size;
	assert_int_equal(store_artifact_read(lab->session, lab->id, 0, name, (int64_t)offset, size,
				 &lab->arena, &data, &n, &err),
		0);
	assert_int_equal(n, expected);
	assert_int_equal(memcmp(data, whole + (expected ? offset : 0), n), 0);
}

static void test_artifact_parts(void **state)
{
	struct lab *lab = *state;
	static const size_t sizes[] = { 0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17 };
	char *whole = malloc(4 * CHUNK);
	for (size_t i = 0; i < 4 * CHUNK; i++)
		whole[i] = (char)(i * 2654435761u >> 23);
	lab_suggest(lab);
	for (size_t i = 0; i < SQL_N(sizes); i++) {
		size_t total = sizes[i];
		put(lab, 0, "model.bin", whole, total);
		assert_part(lab, "model.bin", whole, total, 0, total);
		assert_part(lab, "model.bin", whole, total, 0, SIZE_MAX / 4);
		assert_part(lab, "model.bin", whole, total, 0, 1);
		assert_part(lab, "model.bin", whole, total, total, 10);
		assert_part(lab, "model.bin", whole, total, total / 2, 1000);
		assert_part(lab, "model.bin", whole, total, CHUNK - 1, 2);
		assert_part(lab, "model.bin", whole, total, CHUNK, CHUNK);
		assert_part(lab, "model.bin", whole, total, CHUNK + 5, 2 * CHUNK);
		assert_part(lab, "model.bin", whole, total, 100 * CHUNK, 5);
	}
	free(whole);
}

static void test_artifact_rows(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct artifact_row row;
	const struct artifact_row *rows;
	const void *data;
	size_t n;
	int64_t bytes;
	struct session *session = lab->session;
	lab_suggest(lab);
	lab_suggest(lab);
	put(lab, 0, "b", "second", 6);
	put(lab, 0, "a", "first", 5);
	put(lab, 0, "Z", "upper", 5);
	put(lab, 1, "other", "x", 1);
	assert_int_equal(store_artifact_get(session, lab->id, 0, "a", &lab->arena, &row, &err), 0);
	assert_int_equal(row.size, 5);
	assert_string_equal(row.sha256, "cafe");
	assert_string_equal(row.content_type, "application/x-test");
	assert_int_equal(row.updated_ms, LAB_NOW);
	put(lab, 0, "a", "1st", 3);
	assert_int_equal(store_artifact_get(session, lab->id, 0, "a", &lab->arena, &row, &err), 0);
	assert_int_equal(row.size, 3);
	assert_int_equal(
		store_artifact_read(session, lab->id, 0, "a", 0, 100, &lab->arena, &data, &n, &err),
		0);
	assert_int_equal(n, 3);
	/* names in byte order, page by page */
	assert_int_equal(
		store_artifact_list(session, lab->id, 0, NULL, 2, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].name, "Z");
	assert_string_equal(rows[1].name, "a");
	assert_int_equal(
		store_artifact_list(session, lab->id, 0, "a", 2, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].name, "b");
	assert_int_equal(store_artifact_bytes(session, LAB_TEAM, &bytes, &err), 0);
	assert_int_equal(bytes, 6 + 3 + 5 + 1);
	assert_int_equal(store_artifact_bytes(session, "other", &bytes, &err), 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(store_artifact_delete(session, lab->id, 0, "a", &err), 0);
	assert_int_equal(store_artifact_delete(session, lab->id, 0, "a", &err), CODE_NOT_FOUND);
	assert_int_equal(store_artifact_get(session, lab->id, 0, "a", &lab->arena, &row, &err),
		CODE_NOT_FOUND);
	assert_int_equal(
		store_artifact_read(session, lab->id, 0, "a", 0, 100, &lab->arena, &data, &n, &err),
		CODE_NOT_FOUND);
	assert_int_equal(store_artifact_read(
				 session, lab->id, 0, "b", -1, 100, &lab->arena, &data, &n, &err),
		CODE_INVALID);
	const struct artifact_row orphan = {
		.trial = 7, .name = "a", .content_type = "", .size = 1, .sha256 = ""
	};
	assert_int_equal(store_artifact_put(session, lab->id, &orphan, "x", &err), CODE_NOT_FOUND);
	assert_int_equal(
		store_artifact_put(session, "exp_none", &orphan, "x", &err), CODE_NOT_FOUND);
}

/* ---- logs ---- */

static void test_log(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct session *session = lab->session;
	static const char *const parts[] = { "epoch 1\n", "e", "poch 2\n", "done" };
	char whole[64] = "";
	int64_t length = -1;
	const void *data;
	size_t n;
	lab_suggest(lab);
	assert_int_equal(
		store_log_read(session, lab->id, 0, 0, 10, &lab->arena, &data, &n, &length, &err),
		0);
	assert_int_equal(n, 0);
	assert_int_equal(length, 0);
	for (size_t i = 0; i < SQL_N(parts); i++) {
		size_t at = strlen(whole), size = strlen(parts[i]);
		assert_int_equal(store_log_append(session, lab->id, 0, (int64_t)at, parts[i], size,
					 &length, &err),
			0);
		memcpy(whole + at, parts[i], size + 1);
		assert_int_equal(length, strlen(whole));
	}
	size_t total = strlen(whole);
	for (size_t from = 0; from <= total + 1; from++) {
		for (size_t size = 0; size <= total + 1; size++) {
			size_t expected = from >= total		? 0
					  : total - from < size ? total - from
								: size;
			assert_int_equal(store_log_read(session, lab->id, 0, (int64_t)from, size,
						 &lab->arena, &data, &n, &length, &err),
				0);
			assert_int_equal(n, expected);
			assert_int_equal(length, total);
			assert_memory_equal(data, whole + (n ? from : 0), n);
		}
	}
	/* repeated, ahead, and to nobody */
	static const int64_t wrong[] = { 0, 8, 100 };
	for (size_t i = 0; i < SQL_N(wrong); i++) {
		length = -1;
		assert_int_equal(
			store_log_append(session, lab->id, 0, wrong[i], "x", 1, &length, &err),
			CODE_CONFLICT);
		assert_int_equal(length, total);
	}
	assert_int_equal(
		store_log_append(session, lab->id, 0, (int64_t)total, "", 0, &length, &err), 0);
	assert_int_equal(
		store_log_append(session, lab->id, 0, 3, "", 0, &length, &err), CODE_CONFLICT);
	assert_int_equal(
		store_log_append(session, lab->id, 1, 0, "x", 1, &length, &err), CODE_NOT_FOUND);
	assert_int_equal(
		store_log_append(session, "exp_none", 0, 0, "x", 1, &length, &err), CODE_NOT_FOUND);
	assert_int_equal(
		store_log_read(session, lab->id, 1, 0, 10, &lab->arena, &data, &n, &length, &err),
		CODE_NOT_FOUND);
}

#define APPENDERS    4
#define APPENDS_EACH 25

static void *append_lines(void *arg)
{
	struct lab *lab = arg;
	struct session *session;
	struct error err;
	int64_t length = 0;
	if (session_open(lab->store, &session, &err))
		return lab;
	for (int i = 0; i < APPENDS_EACH;) {
		int rc = store_log_append(session, lab->id, 0, length, "line\n", 5, &length, &err);
		if (rc && rc != CODE_CONFLICT)
			return lab;
		i += !rc;
	}
	session_close(session);
	return NULL;
}

static void test_log_from_several(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	pthread_t threads[APPENDERS];
	const void *data;
	size_t n;
	int64_t length;
	lab_suggest(lab);
	for (int i = 0; i < APPENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, append_lines, lab), 0);
	for (int i = 0; i < APPENDERS; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(store_log_read(lab->session, lab->id, 0, 0, 10000, &lab->arena, &data, &n,
				 &length, &err),
		0);
	assert_int_equal(n, APPENDERS * APPENDS_EACH * 5);
	for (size_t i = 0; i < n; i += 5)
		assert_memory_equal((const char *)data + i, "line\n", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_artifact_parts, lab_setup),
		cmocka_unit_test_setup(test_artifact_rows, lab_setup),
		cmocka_unit_test_setup(test_log, lab_setup),
		cmocka_unit_test_setup(test_log_from_several, lab_setup),
	};
	return back_end_run("files", tests, lab_group_setup, lab_group_teardown);
}
