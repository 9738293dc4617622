#include "tests/unit/core/spec_support.h"

/* ---- PATCH ---- */

static void test_patch(void **state)
{
	(void)state;
	const struct spec *before = parsed(full, NULL);
	const struct spec *after = parsed("{\"name\":\"new\"}", before);

	assert_string_equal(after->name, "new");
	assert_string_equal(after->note, before->note);
	assert_string_equal(before->name, "lenet");

	after = parsed("{\"note\":null,\"labels\":{\"q\":\"r\"}}", before);
	assert_string_equal(after->note, "");
	assert_int_equal(after->n_labels, 1);
	assert_string_equal(after->labels[0], "q");
	assert_string_equal(after->name, "lenet");
	assert_int_equal(parsed("{\"labels\":null}", before)->n_labels, 0);

	after = parsed("{\"search_space\":{\"a\":{\"_type\":\"choice\",\"_value\":[1,2]}},"
		       "\"parameter_constraints\":null}",
		before);
	assert_int_equal(after->space->n, 1);
	assert_int_equal(after->space->n_constraints, 0);
	assert_int_equal(before->space->n, 2);

	/* The old constraints must fit the new space. */
	assert_fault("{\"search_space\":{\"a\":{\"_type\":\"choice\",\"_value\":[1,2]}}}", before,
		"/parameter_constraints/0");

	after = parsed("{\"canonical\":{\"sequence\":[\"a\",\"b\"]}}", before);
	assert_non_null(after->space->canonical);
	assert_null(parsed("{\"canonical\":null}", after)->space->canonical);
}

static void test_patch_limits(void **state)
{
	(void)state;
	const struct spec *before = parsed(full, NULL);
	const struct spec *after = parsed("{\"limits\":{\"max_trials\":200,\"target\":null,"
					  "\"patience\":null,\"max_retries\":null,"
					  "\"max_duration\":\"1d\"}}",
		before);
	assert_int_equal(after->limits.max_trials, 200);
	assert_true(isnan(after->limits.target));
	assert_int_equal(after->limits.patience, 0);
	assert_int_equal(after->limits.max_retries, DEFAULT_RETRIES);
	assert_int_equal(after->limits.max_duration_ms, 86400000);
	assert_int_equal(after->limits.max_trial_duration_ms, 90000);
	assert_int_equal(after->limits.concurrency, 8);
	assert_int_equal(parsed("{\"limits\":{}}", before)->limits.max_trials, 100);
	after = parsed("{\"limits\":null}", before);
	assert_int_equal(after->limits.max_trials, 0);
	assert_int_equal(after->limits.concurrency, 0);
	assert_fault("{\"limits\":{\"max_trials\":0}}", before, "/limits/max_trials must be");
}

static void test_patch_algorithms(void **state)
{
	(void)state;
	const struct spec *before = parsed(full, NULL);

	/* The same tuner: options are merged, under any of their names; the seed stays. */
	const struct spec *after =
		parsed("{\"tuner\":{\"classArgs\":{\"n_startup_jobs\":3}}}", before);
	assert_ptr_equal(after->tuner, &tpe);
	assert_int_equal(option_int(&after->tuner_options, "n_startup"), 3);
	assert_true(option_real(&after->tuner_options, "gamma") == 0.5);
	assert_int_equal(after->seed, 9007199254740991);
	after = parsed("{\"tuner\":{\"name\":\"tpe\",\"options\":{\"gamma\":null},\"seed\":null}}",
		before);
	assert_true(option_real(&after->tuner_options, "gamma") == 0.25);
	assert_int_equal(after->seed, 9007199254740991);
	assert_int_equal(parsed("{\"tuner\":{\"seed\":2}}", before)->seed, 2);
	after = parsed("{\"tuner\":{\"name\":\"TPE\",\"options\":{\"n_startup\":9}}}", before);
	assert_int_equal(option_int(&after->tuner_options, "n_startup"), 9);
	assert_true(option_real(&after->tuner_options, "gamma") == 0.5);

	/* Another one: its own defaults. */
	after = parsed("{\"tuner\":{\"name\":\"gridsearch\"}}", before);
	assert_ptr_equal(after->tuner, &grid);
	assert_int_equal(after->tuner_options.n, 0);
	assert_int_equal(after->seed, 9007199254740991);
	after = parsed("{\"tuner\":{\"name\":\"tpe\"}}", after);
	assert_true(option_real(&after->tuner_options, "gamma") == 0.25);
	/* ... to which the old options mean nothing */
	assert_fault("{\"tuner\":{\"name\":\"grid\",\"options\":{\"gamma\":0.1}}}", before,
		"/tuner/options/gamma is unknown");

	assert_int_equal(
		option_int(&parsed("{\"assessor\":{\"options\":{\"start_step\":4}}}", before)
				    ->assessor_options,
			"start_step"),
		4);
	after = parsed("{\"assessor\":null}", before);
	assert_null(after->assessor);
	assert_non_null(strstr(after->json, "\"assessor\":null"));
	assert_fault("{\"assessor\":{\"options\":{}}}", after, "/assessor/name is required");
	assert_ptr_equal(
		parsed("{\"assessor\":{\"name\":\"Curve_Fitting\"}}", after)->assessor, &curve);
	assert_fault("{\"tuner\":{\"options\":{\"optimize_mode\":\"minimize\"}}}", before,
		"/tuner/options/optimize_mode contradicts the goal");
	parsed("{\"tuner\":{\"options\":{\"optimize_mode\":\"maximize\"}}}", before);
}

static void test_patch_faults(void **state)
{
	(void)state;
	const struct spec *before = parsed(full, NULL);
	static const char *const want[] = {
		"/kind cannot be changed: clone the experiment instead",
		"/objectives cannot be changed: clone the experiment instead",
		"/constraints cannot be changed: clone the experiment instead",
		"/x is not a known field",
		"/limits/patience must be",
	};
	assert_faults("{\"kind\":\"hpo\",\"objectives\":null,\"constraints\":[],\"x\":1,"
		      "\"limits\":{\"patience\":-1}}",
		before, COUNT(want), want);
	assert_fault("{\"name\":null}", before, "/name cannot be removed");
	assert_fault("{\"search_space\":null}", before, "/search_space cannot be removed");
	assert_fault("{\"tuner\":null}", before, "/tuner cannot be removed");
	assert_fault("[]", before, " must be an object");

	/* A stored experiment that cannot be read is our fault, not the client's. */
	struct spec damaged = *before;
	const struct spec *spec = NULL;
	damaged.json = "{\"name\":3}";
	assert_int_equal(parse("{}", &damaged, &spec), CODE_INTERNAL);
	damaged.json = "{";
	assert_int_equal(parse("{}", &damaged, &spec), CODE_INTERNAL);
	assert_int_equal(faults.n, 0);
	assert_null(spec);
}

/* The old experiment may go: nothing of it is shared. */
static void test_patch_is_a_copy(void **state)
{
	(void)state;
	struct arena old;
	const struct spec *before = NULL;

	arena_init(&old, 0);
	faults_init(&faults);
	assert_int_equal(
		spec_parse(full, strlen(full), NULL, &catalog, 1, &old, &before, &faults, &error),
		0);
	const struct spec *after = parsed("{\"name\":\"new\"}", before);
	char *json = arena_strdup(&arena, after->json);
	arena_release(&old);
	const struct spec *again = parsed(json, NULL);
	assert_same(after, again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patch),
		cmocka_unit_test(test_patch_limits),
		cmocka_unit_test(test_patch_algorithms),
		cmocka_unit_test(test_patch_faults),
		cmocka_unit_test(test_patch_is_a_copy),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
