#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/option.h"
#include "core/option_json.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

static const struct option table[] = {
	{ .name = "lies",
		.type = OPTION_CHOICE,
		.choices = "best|worst|mean|none",
		.fallback = "best",
		.help = "what running trials count as",
		.alias = "constant_liar_type" },
	{ .name = "n_startup",
		.type = OPTION_INT,
		.low = 1,
		.high = 1000,
		.fallback = "20",
		.help = "random trials first",
		.alias = "n_startup_jobs" },
	{ .name = "gamma",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0.25",
		.help = "part of \"good\" trials" },
	{ .name = "open",
		.type = OPTION_REAL,
		.low = 0,
		.high = (double)INFINITY,
		.fallback = "1" },
	{ .name = "dedup", .type = OPTION_BOOL, .fallback = "true", .help = "no repeats" },
	{ .name = "mode", .type = OPTION_CHOICE, .choices = "fast|slow", .fallback = "slow" },
	{ .name = "dir", .type = OPTION_IGNORED, .help = "where NNI puts it" },
	{ .name = NULL },
};

static const struct algorithm tpe = { .name = "tpe", .options = table };
static const struct algorithm grid = { .name = "gridsearch", .aliases = "grid|grid_search" };
static const struct algorithm *const list[] = { &tpe, &grid, NULL };

static void assert_defaults(const struct option_set *set)
{
	assert_int_equal(set->n, 7);
	assert_true(option_is(set, "lies", "best"));
	assert_int_equal(option_int(set, "n_startup"), 20);
	assert_true(option_real(set, "n_startup") == 20.0);
	assert_true(option_real(set, "gamma") == 0.25);
	assert_true(option_real(set, "open") == 1.0);
	assert_true(option_flag(set, "dedup"));
	assert_true(option_is(set, "mode", "slow"));
	assert_false(option_is(set, "mode", "fast"));
}

static void test_defaults(void **state)
{
	(void)state;
	struct option_set set;
	struct arena arena;

	options_init(&set, table);
	assert_defaults(&set);
	arena_init(&arena, 0);
	assert_string_equal(option_choice(&set, "lies", &arena), "best");
	set.values[0].choice = 3;
	assert_string_equal(option_choice(&set, "lies", &arena), "none");
	arena_release(&arena);

	options_init(&set, NULL);
	assert_int_equal(set.n, 0);
}

static void test_catalog(void **state)
{
	(void)state;
	assert_ptr_equal(catalog_find(list, "tpe"), &tpe);
	assert_ptr_equal(catalog_find(list, "TPE"), &tpe);
	assert_ptr_equal(catalog_find(list, "GridSearch"), &grid);
	assert_ptr_equal(catalog_find(list, "Grid"), &grid);
	assert_ptr_equal(catalog_find(list, "GRID_search"), &grid);
	assert_null(catalog_find(list, "gri"));
	assert_null(catalog_find(list, "grid|grid_search"));
	assert_null(catalog_find(list, ""));
	assert_null(catalog_find(NULL, "tpe"));
}

/* Reads text over the defaults; the extras "optimize_mode" and "seed" are set aside. */
static void read_over(const char *text, struct option_set *set, struct option_extra extras[2],
	struct faults *faults)
{
	static const struct path at = { NULL, "options", 0 };
	json_t *object;

	extras[0] = (struct option_extra){ .name = "optimize_mode" };
	extras[1] = (struct option_extra){ .name = "seed" };
	faults_init(faults);
	options_init(set, table);
	assert_int_equal(json_read(text, strlen(text), &object, NULL), 0);
	options_read(object, &at, set, extras, 2, faults);
	/* The extras borrow from object: what a test needs of them is looked at before. */
	for (size_t i = 0; i < 2; i++)
		if (extras[i].value)
			extras[i].value =
				json_is_string(extras[i].value) ? json_true() : json_false();
	json_decref(object);
}

static void test_read(void **state)
{
	(void)state;
	struct option_set set;
	struct option_extra extras[2];
	struct faults faults;

	read_over("{}", &set, extras, &faults);
	assert_int_equal(faults.n, 0);
	assert_defaults(&set);

	read_over("{\"lies\":\"mean\",\"n_startup\":1000,\"gamma\":1,\"dedup\":false,"
		  "\"open\":1e300,\"mode\":\"fast\",\"dir\":{\"any\":[1]}}",
		&set, extras, &faults);
	assert_int_equal(faults.n, 0);
	assert_true(option_is(&set, "lies", "mean"));
	assert_int_equal(option_int(&set, "n_startup"), 1000);
	assert_true(option_real(&set, "n_startup") == 1000.0);
	assert_true(option_real(&set, "gamma") == 1.0);
	assert_true(option_real(&set, "open") == 1e300);
	assert_false(option_flag(&set, "dedup"));
	assert_true(option_is(&set, "mode", "fast"));

	/* 7.0 is an integer. */
	read_over("{\"n_startup\":7.0}", &set, extras, &faults);
	assert_int_equal(faults.n, 0);
	assert_int_equal(option_int(&set, "n_startup"), 7);
}

static void test_read_as_nni(void **state)
{
	(void)state;
	struct option_set set;
	struct option_extra extras[2];
	struct faults faults;

	read_over("{\"optimize_mode\":\"maximize\",\"seed\":3,\"tpe_args\":"
		  "{\"constant_liar_type\":\"worst\",\"n_startup_jobs\":5,\"gamma\":0.5}}",
		&set, extras, &faults);
	assert_int_equal(faults.n, 0);
	assert_true(option_is(&set, "lies", "worst"));
	assert_int_equal(option_int(&set, "n_startup"), 5);
	assert_true(option_real(&set, "gamma") == 0.5);
	assert_ptr_equal(extras[0].value, json_true());
	assert_false(extras[0].nested);
	assert_ptr_equal(extras[1].value, json_false());

	/* null: "none" where that can be said, the default elsewhere. */
	read_over("{\"lies\":null,\"mode\":null,\"gamma\":null,\"tpe_args\":null}", &set, extras,
		&faults);
	assert_int_equal(faults.n, 0);
	assert_true(option_is(&set, "lies", "none"));
	assert_true(option_is(&set, "mode", "slow"));
	assert_true(option_real(&set, "gamma") == 0.25);

	read_over("{\"tpe_args\":{\"seed\":1}}", &set, extras, &faults);
	assert_int_equal(faults.n, 0);
	assert_true(extras[1].nested);
}

static void test_faults(void **state)
{
	(void)state;
	static const struct {
		const char *text, *pointer, *message;
	} cases[] = {
		{ "[]", "/options", "must be an object" },
		{ "{\"x\":1}", "/options/x",
			"is unknown; the options are: lies, n_startup, gamma, open, dedup, mode" },
		{ "{\"tpe_args\":{\"x\":1}}", "/options/tpe_args/x", "is unknown; " },
		{ "{\"tpe_args\":3}", "/options/tpe_args", "must be an object" },
		{ "{\"tpe_args\":{\"tpe_args\":{}}}", "/options/tpe_args/tpe_args",
			"is unknown; " },
		{ "{\"other_args\":{}}", "/options/other_args", "is unknown; " },
		{ "{\"lies\":\"mea\"}", "/options/lies",
			"must be one of: best, worst, mean, none" },
		{ "{\"lies\":\"best|worst\"}", "/options/lies", "must be one of: " },
		{ "{\"lies\":1}", "/options/lies", "must be one of: " },
		{ "{\"n_startup\":0}", "/options/n_startup", "must be from 1 to 1000" },
		{ "{\"n_startup\":1001}", "/options/n_startup", "must be from 1 to 1000" },
		{ "{\"n_startup\":2.5}", "/options/n_startup", "must be an integer" },
		{ "{\"n_startup\":\"2\"}", "/options/n_startup", "must be an integer" },
		{ "{\"n_startup\":true}", "/options/n_startup", "must be an integer" },
		{ "{\"n_startup\":9223372036854775807}", "/options/n_startup", "must be from" },
		{ "{\"gamma\":1.5}", "/options/gamma", "must be from 0 to 1" },
		{ "{\"gamma\":\"nan\"}", "/options/gamma", "must be a number" },
		{ "{\"open\":-1}", "/options/open", "must be at least 0" },
		{ "{\"dedup\":1}", "/options/dedup", "must be true or false" },
		{ "{\"n_startup\":3,\"n_startup_jobs\":3}", "/options/n_startup_jobs",
			"is given twice (also as \"n_startup\")" },
		{ "{\"seed\":1,\"tpe_args\":{\"seed\":1}}", "/options/tpe_args/seed",
			"is given twice" },
	};
	struct option_set set;
	struct option_extra extras[2];
	struct faults faults;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		read_over(cases[i].text, &set, extras, &faults);
		assert_int_equal(faults.n, 1);
		assert_string_equal(faults.items[0].pointer, cases[i].pointer);
		assert_non_null(strstr(faults.items[0].message, cases[i].message));
		assert_ptr_equal(
			strstr(faults.items[0].message, cases[i].message), faults.items[0].message);
	}

	/* What is ignored is not recommended. */
	read_over("{\"x\":1}", &set, extras, &faults);
	assert_null(strstr(faults.items[0].message, "dir"));

	/* All at once, and the good ones are taken all the same. */
	read_over("{\"a\":1,\"gamma\":2,\"n_startup\":9,\"b\":2}", &set, extras, &faults);
	assert_int_equal(faults.n, 3);
	assert_int_equal(option_int(&set, "n_startup"), 9);
	assert_true(option_real(&set, "gamma") == 0.25);

	/* Without a table everything is unknown. */
	static const struct path at = { NULL, "options", 0 };
	json_t *object = json_pack("{s:i}", "x", 1);
	options_init(&set, NULL);
	faults_init(&faults);
	options_read(object, &at, &set, NULL, 0, &faults);
	json_decref(object);
	assert_int_equal(faults.n, 1);
	assert_string_equal(faults.items[0].message, "is unknown: there are no options");
}

static void test_write(void **state)
{
	(void)state;
	struct option_set set, again;
	struct option_extra extras[2];
	struct faults faults;
	struct buffer out;

	buffer_init(&out, 4096);
	read_over("{\"lies\":\"none\",\"n_startup\":5,\"gamma\":0.125}", &set, extras, &faults);
	options_write(&set, &out);
	assert_string_equal(buffer_text(&out),
		"{\"lies\":\"none\",\"n_startup\":5,\"gamma\":0.125,\"open\":1.0,\"dedup\":true,"
		"\"mode\":\"slow\"}");
	read_over(buffer_text(&out), &again, extras, &faults);
	assert_int_equal(faults.n, 0);
	for (size_t i = 0; i < set.n; i++) {
		assert_int_equal(set.values[i].choice, again.values[i].choice);
		assert_true(set.values[i].real == again.values[i].real);
		assert_int_equal(set.values[i].integer, again.values[i].integer);
		assert_int_equal(set.values[i].flag, again.values[i].flag);
	}
	buffer_clear(&out);
	options_init(&set, NULL);
	options_write(&set, &out);
	assert_string_equal(buffer_text(&out), "{}");
	buffer_release(&out);
}

static void test_table_write(void **state)
{
	(void)state;
	struct buffer out;

	buffer_init(&out, 8192);
	option_table_write(table, &out);
	assert_true(json_text_equal(buffer_text(&out),
		"[{\"name\":\"lies\",\"type\":\"choice\",\"default\":\"best\","
		"\"choices\":[\"best\",\"worst\",\"mean\",\"none\"],"
		"\"alias\":\"constant_liar_type\",\"help\":\"what running trials count as\"},"
		"{\"name\":\"n_startup\",\"type\":\"int\",\"default\":20,\"low\":1,\"high\":1000,"
		"\"alias\":\"n_startup_jobs\",\"help\":\"random trials first\"},"
		"{\"name\":\"gamma\",\"type\":\"real\",\"default\":0.25,\"low\":0,\"high\":1,"
		"\"alias\":null,\"help\":\"part of \\\"good\\\" trials\"},"
		"{\"name\":\"open\",\"type\":\"real\",\"default\":1,\"low\":0,\"high\":null,"
		"\"alias\":null,\"help\":\"\"},"
		"{\"name\":\"dedup\",\"type\":\"bool\",\"default\":true,\"alias\":null,"
		"\"help\":\"no repeats\"},"
		"{\"name\":\"mode\",\"type\":\"choice\",\"default\":\"slow\","
		"\"choices\":[\"fast\",\"slow\"],\"alias\":null,\"help\":\"\"},"
		"{\"name\":\"dir\",\"type\":\"ignored\",\"default\":null,\"alias\":null,"
		"\"help\":\"where NNI puts it\"}]"));
	buffer_clear(&out);
	option_table_write(NULL, &out);
	assert_string_equal(buffer_text(&out), "[]");
	buffer_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_catalog),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_as_nni),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_table_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
