/* Models: the newest one an experiment. */
#include "tests/conformance/lab.h"

#include <pthread.h>

#define WRITERS	    6
#define WRITES_EACH 20

static struct model_row model(uint64_t version, const void *data, size_t size)
{
	return (struct model_row){
		.version = version,
		.n_results = (size_t)version / 2,
		.spec_digest = UINT64_MAX - version, /* all 64 bits count */
		.fingerprint = "cpu test",
		.body = { data, size },
		.created_ms = LAB_NOW + (int64_t)version,
	};
}

static int put(struct lab *lab, uint64_t version, const char *text)
{
	struct error err = { 0 };
	struct model_row row = model(version, text, strlen(text));
	return store_model_put(lab->session, lab->id, &row, &err);
}

static int get(struct lab *lab, uint64_t since, struct model_row *row)
{
	struct error err = { 0 };
	return store_model_get(lab->session, lab->id, since, &lab->arena, row, &err);
}

static void assert_body(const struct model_row *row, const char *text)
{
	assert_int_equal(row->body.size, strlen(text));
	assert_memory_equal(row->body.data, text, row->body.size);
}

static void test_newest_only(void **state)
{
	struct lab *lab = *state;
	struct model_row row;

	assert_int_equal(get(lab, 0, &row), CODE_NOT_FOUND);
	assert_int_equal(put(lab, 10, "ten"), 0);
	assert_int_equal(get(lab, 0, &row), 0);
	assert_int_equal(row.version, 10);
	assert_int_equal(row.n_results, 5);
	assert_true(row.spec_digest == UINT64_MAX - 10);
	assert_string_equal(row.fingerprint, "cpu test");
	assert_int_equal(row.created_ms, LAB_NOW + 10);
	assert_body(&row, "ten");
	assert_int_equal(put(lab, 9, "older"), 0);
	assert_int_equal(put(lab, 10, "the same"), 0);
	assert_int_equal(get(lab, 9, &row), 0);
	assert_body(&row, "ten");
	assert_int_equal(get(lab, 10, &row), CODE_NOT_FOUND); /* not above since */
	assert_int_equal(put(lab, 11, "eleven"), 0);
	assert_int_equal(get(lab, 10, &row), 0);
	assert_body(&row, "eleven");
	assert_true(row.spec_digest == UINT64_MAX - 11);
}

static void test_any_bytes(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct model_row row;
	unsigned char *data = malloc(LIMIT_MODEL);

	for (size_t i = 0; i < LIMIT_MODEL; i++)
		data[i] = (unsigned char)(i * 2654435761u >> 13);
	static const size_t sizes[] = { 0, 1, 255, LIMIT_MODEL };
	for (size_t i = 0; i < SQL_N(sizes); i++) {
		struct model_row given = model(1 + i, data, sizes[i]);
		assert_int_equal(store_model_put(lab->session, lab->id, &given, &err), 0);
		assert_int_equal(get(lab, i, &row), 0);
		assert_int_equal(row.body.size, sizes[i]);
		if (sizes[i])
			assert_memory_equal(row.body.data, data, sizes[i]);
	}
	free(data);
}

static void test_goes_with_its_experiment(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct model_row row;

	assert_int_equal(put(lab, 1, "x"), 0);
	assert_int_equal(store_experiment_delete(lab->session, LAB_TEAM, lab->id, &err), 0);
	assert_int_equal(get(lab, 0, &row), CODE_NOT_FOUND);
	assert_int_equal(put(lab, 2, "y"), CODE_NOT_FOUND);
	assert_int_equal(get(lab, 0, &row), CODE_NOT_FOUND);
}

struct writer {
	struct lab *lab;
	uint64_t first;
	int failed;
};

/* Newer and older ones, mixed: the writers' versions interleave. */
static void *write_models(void *context)
{
	struct writer *writer = context;
	struct session *session;
	struct error err = { 0 };

	if (session_open(writer->lab->store, &session, &err)) {
		writer->failed++;
		return NULL;
	}
	for (uint64_t i = 0; i < WRITES_EACH; i++) {
		uint64_t version = writer->first + i * WRITERS;
		struct model_row row = model(version, &version, sizeof(version));
		writer->failed += store_model_put(session, writer->lab->id, &row, &err) != 0;
	}
	session_close(session);
	return NULL;
}

static void test_from_several(void **state)
{
	struct lab *lab = *state;
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	struct model_row row;
	uint64_t version;

	for (size_t i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .lab = lab, .first = 1 + i };
		assert_int_equal(pthread_create(&threads[i], NULL, write_models, &writers[i]), 0);
	}
	for (size_t i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(writers[i].failed, 0);
	}
	assert_int_equal(get(lab, 0, &row), 0);
	assert_int_equal(row.version, WRITERS * WRITES_EACH);
	assert_int_equal(row.body.size, sizeof(version));
	memcpy(&version, row.body.data, sizeof(version));
	assert_int_equal(version, WRITERS * WRITES_EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_newest_only, lab_setup),
		cmocka_unit_test_setup(test_any_bytes, lab_setup),
		cmocka_unit_test_setup(test_goes_with_its_experiment, lab_setup),
		cmocka_unit_test_setup(test_from_several, lab_setup),
	};
	return back_end_run("models", tests, lab_group_setup, lab_group_teardown);
}
