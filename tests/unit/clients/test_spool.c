/* What a trial says to its agent, and what becomes of records that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/c/command/spool.h"

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/c/json_text.h"

struct trial {
	char directory[64], file[128];
	struct spool spool;
};

static int set_up(void **state)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	char inner[128];

	snprintf(trial->directory, sizeof(trial->directory), "/tmp/cairn-spool-XXXXXX");
	if (!mkdtemp(trial->directory) || !spool_open(&trial->spool, 0, false))
		return -1;
	snprintf(inner, sizeof(inner), "%s/.nni", trial->directory);
	snprintf(trial->file, sizeof(trial->file), "%s/" SPOOL_FILE, trial->directory);
	*state = trial;
	return mkdir(inner, 0700);
}

static int tear_down(void **state)
{
	struct trial *trial = *state;
	char inner[128];

	snprintf(inner, sizeof(inner), "%s/.nni", trial->directory);
	spool_close(&trial->spool);
	unlink(trial->file);
	rmdir(inner);
	rmdir(trial->directory);
	free(trial);
	return 0;
}

static void put(const struct trial *trial, const char *mode, const char *data, size_t n)
{
	FILE *file = fopen(trial->file, mode);
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void put_record(const struct trial *trial, const char *json)
{
	char *line;
	int n = asprintf(&line, "ME%06zu%s\n", strlen(json) + 1, json);
	assert_true(n > 0);
	put(trial, "ab", line, (size_t)n);
	free(line);
}

/* The next record as an observation; "": it says nothing. */
static void expect(struct trial *trial, const char *observation, const char *reason)
{
	const char *why;
	assert_int_equal(spool_next(&trial->spool, trial->directory), SPOOL_RECORD_READY);
	json_t *item = spool_observation(&trial->spool, &why);
	char *text = item ? json_text(item) : strdup("");
	assert_string_equal(text, observation);
	assert_string_equal(why ? why : "", reason);
	free(text);
	json_decref(item);
	spool_done(&trial->spool);
}

static void test_records(void **state)
{
	static const struct {
		const char *record, *observation, *why;
	} cases[] = {
		{ "{\"type\":\"PERIODICAL\",\"value\":0.5}", "{\"value\":0.5,\"step\":0}", "" },
		{ "{\"type\":\"PERIODICAL\",\"value\":1}", "{\"value\":1,\"step\":1}", "" },
		{ "{\"type\":\"PERIODICAL\",\"value\":1,\"step\":7,\"checkpoint\":\"c\"}",
			"{\"value\":1,\"step\":7,\"checkpoint\":\"c\"}", "" },
		{ "{\"type\":\"PERIODICAL\",\"value\":2}", "{\"value\":2,\"step\":8}", "" },
		{ "{\"type\":\"PERIODICAL\",\"sequence\":3,\"value\":\"0.25\"}",
			"{\"value\":0.25,\"step\":3}", "" },
		{ "{\"type\":\"PERIODICAL\",\"sequence\":4,\"value\":\"NaN\"}",
			"{\"value\":\"nan\",\"step\":4}", "" },
		{ "{\"type\":\"FINAL\",\"value\":\"-Infinity\"}",
			"{\"value\":\"-inf\",\"final\":true}", "" },
		{ "{\"type\":\"FINAL\",\"value\":{\"a\":1,\"b\":\"nan\",\"c\":\"text\"}}",
			"{\"values\":{\"a\":1,\"b\":\"nan\"},\"final\":true}", "" },
		{ "{\"type\":\"FINAL\",\"value\":\"{\\\"default\\\": 0.5}\"}",
			"{\"values\":{\"default\":0.5},\"final\":true}", "" },
		{ "{\"type\":\"REQUEST_PARAMETER\",\"sequence\":0}", "", "" },
		{ "{\"type\":\"OTHER\",\"value\":1}", "",
			"a report is neither a number nor an object of numbers" },
		{ "{\"type\":\"FINAL\",\"value\":\"much\"}", "",
			"a report is neither a number nor an object of numbers" },
		{ "{\"type\":\"FINAL\",\"value\":{\"a\":\"text\"}}", "",
			"a report is neither a number nor an object of numbers" },
		{ "{\"type\":\"FINAL\",\"value\":[1]}", "",
			"a report is neither a number nor an object of numbers" },
		{ "{\"type\":\"FINAL\"}", "",
			"a report is neither a number nor an object of numbers" },
		{ "{}", "", "" },
		{ "{", "", "a report is not JSON" },
	};
	struct trial *trial = *state;

	assert_int_equal(spool_next(&trial->spool, trial->directory), SPOOL_NOTHING);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		put_record(trial, cases[i].record);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect(trial, cases[i].observation, cases[i].why);
	assert_int_equal(spool_next(&trial->spool, trial->directory), SPOOL_NOTHING);
}

/* A record that is read again, since it could not be delivered, is the same step. */
static void test_read_again(void **state)
{
	struct trial *trial = *state;
	const char *why;

	put_record(trial, "{\"type\":\"PERIODICAL\",\"value\":1}");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(spool_next(&trial->spool, trial->directory), SPOOL_RECORD_READY);
		json_t *item = spool_observation(&trial->spool, &why);
		assert_int_equal(json_integer_value(json_object_get(item, "step")), 0);
		json_decref(item);
	}
}

static void test_steps_of_a_resource(void **state)
{
	struct trial *trial = *state;

	spool_close(&trial->spool);
	assert_true(spool_open(&trial->spool, 3, true));
	put_record(trial, "{\"type\":\"PERIODICAL\",\"value\":1}");
	put_record(trial, "{\"type\":\"PERIODICAL\",\"sequence\":2,\"value\":1}");
	expect(trial, "{\"value\":1,\"step\":4}", "");
	expect(trial, "{\"value\":1,\"step\":6}", "");
}

static void test_pieces(void **state)
{
	static const char record[] = "ME000020{\"type\":\"FI\":12345}\n";
	struct trial *trial = *state;

	put(trial, "ab", record, 5);
	assert_int_equal(spool_next(&trial->spool, trial->directory), SPOOL_NOTHING);
	put(trial, "ab", record + 5, 10);
	assert_int_equal(spool_next(&trial->spool, trial->directory), SPOOL_NOTHING);
	put(trial, "ab", record + 15, sizeof(record) - 1 - 15);
	expect(trial, "", "a report is not JSON");
	/* Opened anew by somebody, as NNI 2.0 does. */
	put(trial, "wb", "ME000003{}\n", 11);
	expect(trial, "", "");
}

static void test_broken(void **state)
{
	static const char *const records[] = { "XX000003{}\n", "ME00000x{}\n", "ME000000{}\n",
		"ME999999{}\n", "MEEEEEEEEEEEEE" };
	struct trial *trial = *state;

	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		put(trial, "wb", records[i], strlen(records[i]));
		assert_int_equal(spool_next(&trial->spool, trial->directory), SPOOL_BROKEN);
	}
	/* A NUL ends the text, not the record. */
	put(trial, "wb", "ME000006{}\0\0\0\nME000003{}\n", 14 + 11);
	expect(trial, "", "");
	expect(trial, "", "");
}

static void test_no_regular_file(void **state)
{
	struct trial *trial = *state;

	assert_int_equal(mkfifo(trial->file, 0600), 0);
	assert_int_equal(spool_next(&trial->spool, trial->directory), SPOOL_NOTHING);
	unlink(trial->file);
	spool_close(&trial->spool);
	assert_true(spool_open(&trial->spool, 0, false));
	assert_int_equal(symlink("/etc/passwd", trial->file), 0);
	assert_int_equal(spool_next(&trial->spool, trial->directory), SPOOL_NOTHING);
}

static void test_write(void **state)
{
	struct trial *trial = *state;
	json_t *record = json_pack("{s:s, s:f}", "type", "FINAL", "value", 0.1);

	assert_true(spool_write(trial->directory, record));
	assert_true(spool_write(trial->directory, record));
	expect(trial, "{\"value\":0.1,\"final\":true}", "");
	expect(trial, "{\"value\":0.1,\"final\":true}", "");
	assert_false(spool_write("/nonexistent", record));
	char *large = malloc(SPOOL_RECORD + 1);
	memset(large, 'x', SPOOL_RECORD);
	large[SPOOL_RECORD] = '\0';
	json_object_set_new(record, "checkpoint", json_string(large));
	assert_false(spool_write(trial->directory, record));
	free(large);
	json_decref(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_read_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_steps_of_a_resource, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pieces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_regular_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_write, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
