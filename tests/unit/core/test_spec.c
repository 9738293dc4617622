#include "tests/unit/core/spec_support.h"

/* ---- defaults and the whole ---- */

static void test_minimal(void **state)
{
	(void)state;
	const struct spec *spec = parsed(MINIMAL, NULL);

	assert_string_equal(spec->name, "n");
	assert_int_equal(spec->kind, KIND_HPO);
	assert_int_equal(spec->space->n, 1);
	assert_int_equal(spec->n_objectives, 1);
	assert_string_equal(spec->objectives[0].name, "default");
	assert_true(spec->objectives[0].maximize);
	assert_int_equal(spec->n_constraints, 0);
	assert_ptr_equal(spec->tuner, &tpe);
	assert_int_equal(option_int(&spec->tuner_options, "n_startup"), 20);
	assert_int_equal(spec->seed, 5);
	assert_null(spec->assessor);
	assert_int_equal(spec->limits.max_trials, 0);
	assert_int_equal(spec->limits.max_duration_ms, 0);
	assert_int_equal(spec->limits.max_trial_duration_ms, 0);
	assert_int_equal(spec->limits.concurrency, 0);
	assert_int_equal(spec->limits.max_retries, DEFAULT_RETRIES);
	assert_true(isnan(spec->limits.target));
	assert_int_equal(spec->limits.patience, 0);
	assert_string_equal(spec->note, "");
	assert_int_equal(spec->n_labels, 0);
	assert_string_equal(spec->json,
		"{\"name\":\"n\",\"kind\":\"hpo\"," SPACE
		",\"objectives\":[{\"name\":\"default\",\"goal\":\"maximize\"}],\"constraints\":[],"
		"\"parameter_constraints\":[],\"canonical\":null,\"tuner\":{\"name\":\"tpe\","
		"\"options\":{\"lies\":\"best\",\"n_startup\":20,\"gamma\":0.25},\"seed\":5},"
		"\"assessor\":null,\"limits\":{\"max_trials\":null,\"max_duration\":null,"
		"\"max_trial_duration\":null,\"concurrency\":null,\"max_retries\":1,"
		"\"target\":null,\"patience\":null},\"labels\":{},\"note\":\"\"}");
}

static void test_full(void **state)
{
	(void)state;
	const struct spec *spec = parsed(full, NULL);

	assert_string_equal(spec->name, "lenet");
	assert_string_equal(spec->note, "# a\nb");
	assert_int_equal(spec->n_labels, 2);
	assert_string_equal(spec->labels[0], "z");
	assert_string_equal(spec->labels[1], "1");
	assert_string_equal(spec->labels[2], "a");
	assert_string_equal(spec->labels[3], "\xc3\xbc");
	assert_int_equal(spec->limits.max_trials, 100);
	assert_int_equal(spec->limits.max_duration_ms, 5 * 3600 * 1000);
	assert_int_equal(spec->limits.max_trial_duration_ms, 90000);
	assert_int_equal(spec->limits.concurrency, 8);
	assert_int_equal(spec->limits.max_retries, 0);
	assert_true(spec->limits.target == 0.99);
	assert_int_equal(spec->limits.patience, 50);
	assert_ptr_equal(spec->assessor, &median);
	assert_int_equal(option_int(&spec->assessor_options, "start_step"), 10);
	assert_ptr_equal(spec->tuner, &tpe);
	assert_true(option_real(&spec->tuner_options, "gamma") == 0.5);
	assert_int_equal(option_int(&spec->tuner_options, "n_startup"), 20);
	assert_int_equal(spec->seed, 9007199254740991);
	assert_int_equal(spec->n_constraints, 2);
	assert_string_equal(spec->constraints[0].metric, "ms");
	assert_true(isinf(spec->constraints[0].min) && spec->constraints[0].min < 0);
	assert_true(spec->constraints[0].max == 20);
	assert_true(spec->constraints[1].min == 0.5 && spec->constraints[1].max == 1);
	assert_int_equal(spec->n_objectives, 2);
	assert_string_equal(spec->objectives[1].name, "ms");
	assert_false(spec->objectives[1].maximize);
	assert_int_equal(spec->space->n, 2);
	assert_int_equal(spec->space->n_constraints, 1);
	/* The space as it was given, with its order. */
	assert_non_null(strstr(spec->json,
		"\"search_space\":{\"b\":{\"_type\":\"uniform\",\"_value\":[0,1]},\"a\":{"
		"\"_value\":["));
	assert_non_null(strstr(spec->json,
		"\"limits\":{\"max_trials\":100,\"max_duration\":\"5h\",\"max_trial_duration\":"
		"\"90s\",\"concurrency\":8,\"max_retries\":0,\"target\":0.99,\"patience\":50}"));
	assert_non_null(strstr(spec->json, "\"constraints\":[{\"metric\":\"ms\",\"max\":20},"
					   "{\"metric\":\"acc\",\"min\":0.5,\"max\":1}]"));
}

/* ---- reading what was written ---- */

/* For each field, ways to write it; "" leaves it out. */
static const char *const variants[][5] = {
	{ "\"objectives\":[{\"name\":\"a\",\"goal\":\"minimize\"},{\"name\":\"b\\\"\",\"goal\":"
	  "\"maximize\"}]",
		"\"objectives\":null", "" },
	{ "\"kind\":\"hpo\"", "" },
	{ "\"constraints\":[]", "\"constraints\":[{\"metric\":\"m\",\"min\":-1e300}]",
		"\"constraints\":[{\"metric\":\"m\",\"max\":0.1},{\"metric\":\"m\",\"min\":-0.1}]",
		"" },
	{ "\"parameter_constraints\":[\"x <= y\"]", "\"parameter_constraints\":null", "" },
	{ "\"tuner\":{\"name\":\"Grid\"}", "\"tuner\":{\"seed\":0}",
		"\"tuner\":{\"name\":\"tpe\",\"classArgs\":{\"tpe_args\":{\"gamma\":0.1,"
		"\"constant_liar_type\":null},\"seed\":12}}",
		"\"tuner\":{\"name\":\"seeded\",\"options\":{\"seed\":4},\"seed\":null}", "" },
	{ "\"assessor\":{\"name\":\"curve_fitting\"}",
		"\"assessor\":{\"name\":\"medianstop\",\"classArgs\":{\"start_step\":7}}",
		"\"assessor\":null", "" },
	{ "\"limits\":{\"max_trials\":1,\"max_duration\":\"90061ms\",\"target\":-1e-7}",
		"\"limits\":{\"max_trial_duration\":0.25,\"max_retries\":100,\"patience\":3}",
		"\"limits\":{\"concurrency\":100000,\"target\":12,\"max_duration\":\"36h\"}",
		"\"limits\":{}", "" },
	{ "\"labels\":{\"b\":\"\\\\\",\"a\":\"\"}", "\"labels\":{}", "" },
	{ "\"note\":\"tab\\t\\u0001 \\\"q\\\"\"", "\"note\":null", "" },
};

static const char *random_body(struct rng *rng)
{
	struct buffer out;

	buffer_init(&out, 65536);
	buffer_add_text(&out, "{\"name\":\"r\",\"search_space\":{\"y\":{\"_type\":\"quniform\","
			      "\"_value\":[0,1,0.1]},\"x\":{\"_value\":[0.0,1e0],\"_type\":"
			      "\"uniform\"}}");
	for (size_t i = 0; i < COUNT(variants); i++) {
		size_t n = 0;
		while (n < COUNT(variants[i]) && variants[i][n])
			n++;
		const char *field = variants[i][rng_below(rng, n)];
		if (*field)
			buffer_printf(&out, ",%s", field);
	}
	buffer_add_char(&out, '}');
	const char *body = arena_strdup(&arena, buffer_text(&out));
	buffer_release(&out);
	return body;
}

/* The canonical text is a fixed point, whatever seed is offered the second time. */
static void assert_fixed_point(const char *body)
{
	const struct spec *first = parsed(body, NULL), *second = NULL;
	faults_init(&faults);
	int rc = spec_parse(first->json, strlen(first->json), NULL, &catalog, 777, &arena, &second,
		&faults, &error);
	if (rc)
		print_faults(first->json);
	assert_int_equal(rc, 0);
	assert_same(first, second);
	/* An empty PATCH changes nothing either. */
	assert_same(first, parsed("{}", first));
}

static void test_fixed_point(void **state)
{
	(void)state;
	assert_fixed_point(MINIMAL);
	assert_fixed_point(full);
	for (unsigned i = 0; i < 500; i++) {
		struct rng rng;
		rng_init(&rng, 11, RNG_TEST, i);
		arena_reset(&arena);
		assert_fixed_point(random_body(&rng));
	}
}

/* ---- NNI's ways ---- */

static void test_optimize_mode(void **state)
{
	(void)state;
	static const struct {
		const char *rest;
		bool maximize;
	} good[] = {
		{ "\"tuner\":{\"classArgs\":{\"optimize_mode\":\"minimize\"}}", false },
		{ "\"tuner\":{\"options\":{\"optimize_mode\":\"maximize\"}}", true },
		{ "\"tuner\":{\"classArgs\":{\"tpe_args\":{\"optimize_mode\":\"minimize\"}}}",
			false },
		{ "\"assessor\":{\"name\":\"medianstop\",\"classArgs\":{\"optimize_mode\":"
		  "\"minimize\"}}",
			false },
		{ "\"tuner\":{\"classArgs\":{\"optimize_mode\":\"minimize\"}},\"objectives\":["
		  "{\"name\":\"a\",\"goal\":\"minimize\"},{\"name\":\"b\",\"goal\":\"maximize\"}]",
			false },
		{ "\"tuner\":{\"classArgs\":{\"optimize_mode\":\"minimize\"}},\"assessor\":{"
		  "\"name\":"
		  "\"medianstop\",\"classArgs\":{\"optimize_mode\":\"minimize\"}}",
			false },
	};
	for (size_t i = 0; i < COUNT(good); i++) {
		const char *body =
			arena_printf(&arena, "{\"name\":\"n\"," SPACE ",%s}", good[i].rest);
		const struct spec *spec = parsed(body, NULL);
		assert_int_equal(spec->objectives[0].maximize, good[i].maximize);
		assert_null(strstr(spec->json, "optimize_mode"));
	}
	assert_fault(WITH("\"tuner\":{\"options\":{\"optimize_mode\":\"min\"}}"), NULL,
		"/tuner/options/optimize_mode must be \"maximize\" or \"minimize\"");
	assert_fault(WITH("\"tuner\":{\"classArgs\":{\"optimize_mode\":\"minimize\"}},"
			  "\"objectives\":[{\"name\":\"a\",\"goal\":\"maximize\"}]"),
		NULL, "/tuner/classArgs/optimize_mode contradicts the goal");
	assert_fault(
		WITH("\"tuner\":{\"classArgs\":{\"tpe_args\":{\"optimize_mode\":\"minimize\"}}},"
		     "\"objectives\":[{\"name\":\"a\",\"goal\":\"maximize\"}]"),
		NULL, "/tuner/classArgs/tpe_args/optimize_mode contradicts the goal");
	assert_fault(WITH("\"tuner\":{\"options\":{\"optimize_mode\":\"minimize\"}},\"assessor\":"
			  "{\"name\":\"medianstop\",\"options\":{\"optimize_mode\":\"maximize\"}}"),
		NULL, "/assessor/options/optimize_mode contradicts the tuner's");
}

static void test_seed(void **state)
{
	(void)state;
	assert_int_equal(parsed(WITH("\"tuner\":{\"seed\":0}"), NULL)->seed, 0);
	assert_int_equal(parsed(WITH("\"tuner\":{\"seed\":7.0}"), NULL)->seed, 7);
	assert_int_equal(parsed(WITH("\"tuner\":{\"seed\":null}"), NULL)->seed, 5);
	assert_int_equal(parsed(WITH("\"tuner\":{\"classArgs\":{\"seed\":31}}"), NULL)->seed, 31);
	assert_int_equal(parsed(WITH("\"tuner\":{\"classArgs\":{\"seed\":null}}"), NULL)->seed, 5);

	/* A tuner with an option of that name keeps it to itself. */
	const struct spec *spec =
		parsed(WITH("\"tuner\":{\"name\":\"seeded\",\"options\":{\"seed\":3}}"), NULL);
	assert_int_equal(spec->seed, 5);
	assert_int_equal(option_int(&spec->tuner_options, "seed"), 3);
	/* The offered seed is cut to what every JSON reader keeps. */
	faults_init(&faults);
	assert_int_equal(spec_parse(MINIMAL, strlen(MINIMAL), NULL, &catalog, UINT64_MAX, &arena,
				 &spec, &faults, &error),
		0);
	assert_int_equal(spec->seed, 9007199254740991);
}

/* A body with n objectives and whatever else. */
static const char *body_of(size_t n, const char *rest)
{
	char *objectives = arena_strdup(&arena, "");

	for (size_t i = 0; i < n; i++)
		objectives = arena_printf(&arena, "%s%s{\"name\":\"o%zu\",\"goal\":\"minimize\"}",
			objectives, i ? "," : "", i);
	return arena_printf(
		&arena, "{\"name\":\"n\"," SPACE "%s,\"objectives\":[%s]}", rest, objectives);
}

/* Who names no tuner gets one for so many objectives, wherever in the body they stand. */
static void test_default_tuner(void **state)
{
	static const struct {
		size_t objectives;
		const struct algorithm *tuner;
	} cases[] = { { 1, &tpe }, { 2, &nsga2 }, { 3, &nsga2 }, { 4, &nsga3 },
		{ LIMIT_OBJECTIVES, &nsga3 } };
	static const char *const rest[] = { "", ",\"tuner\":null", ",\"tuner\":{}",
		",\"tuner\":{\"seed\":3}" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t k = 0; k < COUNT(rest); k++) {
			const char *body = body_of(cases[i].objectives, rest[k]);
			const struct spec *spec = parsed(body, NULL);

			assert_ptr_equal(spec->tuner, cases[i].tuner);
			assert_ptr_equal(spec->tuner_options.table, cases[i].tuner->options);
			assert_int_equal(spec->seed, k == 3 ? 3 : 5);
			assert_fixed_point(body);
		}
	/* A name is a name; an edit does not choose again. */
	const char *named = body_of(2, ",\"tuner\":{\"name\":\"tpe\",\"options\":{\"gamma\":0.5}}");
	const struct spec *spec = parsed(named, NULL);
	assert_ptr_equal(spec->tuner, &tpe);
	assert_true(option_real(&spec->tuner_options, "gamma") == 0.5);
	assert_ptr_equal(parsed("{\"tuner\":{\"seed\":9}}", spec)->tuner, &tpe);
	/* The options are those of the one that is chosen. */
	assert_fault(body_of(2, ",\"tuner\":{\"options\":{\"gamma\":0.5}}"), NULL,
		"/tuner/options/gamma is unknown");
}

static const struct spec *parse_with(const struct algorithm *const *list, const char *body)
{
	const struct catalog small = { list, assessors };
	const struct spec *spec = NULL;

	faults_init(&faults);
	int rc = spec_parse(body, strlen(body), NULL, &small, 0, &arena, &spec, &faults, &error);
	assert_int_equal(rc, spec ? 0 : CODE_INVALID);
	return spec;
}

/* A catalogue that lacks what we would choose. */
static void test_no_default_tuner(void **state)
{
	static const struct algorithm *const few[] = { &grid, NULL };
	static const struct algorithm *const some[] = { &grid, &nsga2, NULL };
	static const struct algorithm *const whole[] = { &tpe, &nsga2, &nsga3, &portfolio, NULL };

	(void)state;
	assert_null(parse_with(few, MINIMAL));
	assert_int_equal(faults.n, 1);
	assert_string_equal(faults.items[0].pointer, "/tuner");
	assert_ptr_equal(
		parse_with(few, WITH("\"tuner\":{\"name\":\"GridSearch\"}"))->tuner, &grid);
	assert_null(parse_with(some, MINIMAL));
	assert_ptr_equal(parse_with(some, body_of(2, ""))->tuner, &nsga2);
	assert_ptr_equal(parse_with(some, body_of(8, ""))->tuner, &nsga2);
	assert_null(parse_with(some, WITH("\"tuner\":{\"seed\":1}")));
	assert_string_equal(faults.items[0].pointer, "/tuner/name");
	/* The portfolio comes before all others, but where objectives are many. */
	assert_ptr_equal(parse_with(whole, MINIMAL)->tuner, &portfolio);
	assert_ptr_equal(parse_with(whole, body_of(3, ""))->tuner, &portfolio);
	assert_ptr_equal(parse_with(whole, body_of(4, ""))->tuner, &nsga3);
}

/* ---- small functions ---- */

static void test_durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "90", 90000 },
		{ "90s", 90000 },
		{ "5m", 300000 },
		{ "2h", 7200000 },
		{ "1d", 86400000 },
		{ "250ms", 250 },
		{ "0", 0 },
		{ "007s", 7000 },
		{ "106751991167d", 9223372036828800000 },
		{ "106751991168d", -1 },
		{ "9223372036854775807ms", INT64_MAX },
		{ "9223372036854775808ms", -1 },
		{ "99999999999999999999", -1 },
		{ "", -1 },
		{ "s", -1 },
		{ "-1s", -1 },
		{ "+1s", -1 },
		{ " 1s", -1 },
		{ "1s ", -1 },
		{ "1 s", -1 },
		{ "1.5h", -1 },
		{ "1H", -1 },
		{ "1w", -1 },
		{ "1h30m", -1 },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(duration_parse(cases[i].text), cases[i].ms);
}

static void test_objectives(void **state)
{
	(void)state;
	const struct objective up = { "a", true }, down = { "a", false };
	const double none = (double)NAN, inf = (double)INFINITY;

	assert_true(objective_better(&up, 2, 1));
	assert_false(objective_better(&up, 1, 2));
	assert_false(objective_better(&up, 1, 1));
	assert_true(objective_better(&down, 1, 2));
	assert_false(objective_better(&down, 2, 1));
	assert_true(objective_better(&up, -inf, none));
	assert_true(objective_better(&down, inf, none));
	assert_false(objective_better(&up, none, -inf));
	assert_false(objective_better(&down, none, none));

	assert_true(objective_loss(&up, 2) == -2);
	assert_true(objective_loss(&down, 2) == 2);
	assert_true(objective_loss(&up, inf) == -inf);
	assert_true(isnan(objective_loss(&up, none)));
	assert_true(isnan(objective_loss(&down, none)));
}

/* However little memory there is: an error, and no spec. */
static void test_no_memory(void **state)
{
	(void)state;
	bool done = false;
	for (size_t limit = 1; !done && limit < (1u << 20); limit += limit / 8 + 16) {
		struct arena tight;
		const struct spec *spec = NULL;
		arena_init(&tight, limit);
		faults_init(&faults);
		int rc = spec_parse(
			full, strlen(full), NULL, &catalog, 1, &tight, &spec, &faults, &error);
		done = rc == 0;
		if (!done) {
			assert_int_equal(rc, CODE_NO_MEMORY);
			assert_null(spec);
		}
		arena_release(&tight);
	}
	assert_true(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimal),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_fixed_point),
		cmocka_unit_test(test_optimize_mode),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_default_tuner),
		cmocka_unit_test(test_no_default_tuner),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_objectives),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
