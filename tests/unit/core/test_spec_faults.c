#include "tests/unit/core/spec_support.h"

/* ---- faults ---- */

static void test_malformed(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "{", "{\"name\":\"a\",\"name\":\"b\"}",
		"{\"name\":\"\xff\"}", MINIMAL "x", "{\"limits\":{\"target\":NaN}}" };
	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct spec *spec = NULL;
		assert_int_equal(parse(texts[i], NULL, &spec), CODE_MALFORMED);
		assert_null(spec);
		assert_int_equal(faults.n, 0);
	}
}

/* One body, one fault: "pointer message", as far as it is written here. */
static const struct {
	const char *body, *fault;
} cases[] = {
	{ "[]", " must be an object" },
	{ "3", " must be an object" },
	{ "{" SPACE "}", "/name is required" },
	{ "{\"name\":null," SPACE "}", "/name is required" },
	{ "{\"name\":\"n\"}", "/search_space is required" },
	{ "{\"name\":\"n\",\"search_space\":null}", "/search_space is required" },
	{ "{\"name\":3," SPACE "}", "/name must be a string" },
	{ "{\"name\":\"\"," SPACE "}", "/name must not be empty" },
	{ "{\"name\":\"a\\nb\"," SPACE "}", "/name must not contain control characters" },
	{ WITH("\"search-space\":1"), "/search-space is not a known field" },
	{ WITH("\"\":1"), "/ is not a known field" },
	{ WITH("\"a/b~\":1"), "/a~1b~0 is not a known field" },
	{ WITH("\"kind\":\"zoo\""), "/kind \"zoo\" is not supported" },
	{ "{\"name\":\"n\",\"kind\":\"nas\"}",
		"/search_space is required, or model_space in its place" },
	{ WITH("\"model_space\":{}"), "/model_space goes with the kind \"nas\"" },
	{ WITH("\"kind\":1"), "/kind must be a string" },
	/* objectives */
	{ WITH("\"objectives\":[]"), "/objectives must be an array of 1 to 8" },
	{ WITH("\"objectives\":{}"), "/objectives must be an array" },
	{ WITH("\"objectives\":[1]"), "/objectives/0 must be an object" },
	{ WITH("\"objectives\":[{\"name\":\"a\"}]"),
		"/objectives/0/goal must be \"maximize\" or \"minimize\"" },
	{ WITH("\"objectives\":[{\"name\":\"a\",\"goal\":\"max\"}]"),
		"/objectives/0/goal must be" },
	{ WITH("\"objectives\":[{\"goal\":\"maximize\"}]"), "/objectives/0/name is required" },
	{ WITH("\"objectives\":[{\"name\":\"\",\"goal\":\"maximize\"}]"),
		"/objectives/0/name must not be empty" },
	{ WITH("\"objectives\":[{\"name\":\"a\",\"goal\":\"maximize\",\"w\":1}]"),
		"/objectives/0/w is not a known field" },
	{ WITH("\"objectives\":[{\"name\":\"a\",\"goal\":\"maximize\"},{\"name\":\"b\","
	       "\"goal\":\"minimize\"},{\"name\":\"a\",\"goal\":\"minimize\"}]"),
		"/objectives/2 has the name of objective 0" },
	/* constraints */
	{ WITH("\"constraints\":{}"), "/constraints must be an array" },
	{ WITH("\"constraints\":[3]"), "/constraints/0 must be an object" },
	{ WITH("\"constraints\":[{\"max\":3}]"), "/constraints/0/metric is required" },
	{ WITH("\"constraints\":[{\"metric\":\"a\"}]"),
		"/constraints/0 must have \"min\" or \"max\"" },
	{ WITH("\"constraints\":[{\"metric\":\"a\",\"max\":\"3\"}]"),
		"/constraints/0/max must be a number" },
	{ WITH("\"constraints\":[{\"metric\":\"a\",\"max\":1,\"min\":2}]"),
		"/constraints/0 can never hold" },
	{ WITH("\"constraints\":[{\"metric\":\"a\",\"max\":1,\"mean\":2}]"),
		"/constraints/0/mean is not a known field" },
	/* tuner */
	{ WITH("\"tuner\":\"tpe\""), "/tuner must be an object" },
	{ WITH("\"tuner\":{\"name\":\"tp\"}"),
		"/tuner/name there is no tuner \"tp\"; known: gridsearch, tpe, seeded" },
	{ WITH("\"tuner\":{\"name\":\"medianstop\"}"), "/tuner/name there is no tuner" },
	{ WITH("\"tuner\":{\"name\":null}"), "/tuner/name must be a string" },
	{ WITH("\"tuner\":{\"nam\":\"tpe\"}"), "/tuner/nam is not a known field" },
	{ WITH("\"tuner\":{\"options\":[]}"), "/tuner/options must be an object" },
	{ WITH("\"tuner\":{\"options\":{\"gama\":1}}"),
		"/tuner/options/gama is unknown; the options are: lies, n_startup, gamma" },
	{ WITH("\"tuner\":{\"options\":{\"gamma\":2}}"), "/tuner/options/gamma must be from" },
	{ WITH("\"tuner\":{\"classArgs\":{\"gamma\":2}}"), "/tuner/classArgs/gamma must be" },
	{ WITH("\"tuner\":{\"classArgs\":{\"tpe_args\":{\"gamma\":2}}}"),
		"/tuner/classArgs/tpe_args/gamma must be" },
	{ WITH("\"tuner\":{\"options\":{},\"classArgs\":{}}"), "/tuner/classArgs is NNI's" },
	{ WITH("\"tuner\":{\"seed\":-1}"),
		"/tuner/seed must be an integer from 0 to 9007199254740991" },
	{ WITH("\"tuner\":{\"seed\":9007199254740992}"), "/tuner/seed must be" },
	{ WITH("\"tuner\":{\"seed\":1.5}"), "/tuner/seed must be" },
	{ WITH("\"tuner\":{\"seed\":\"1\"}"), "/tuner/seed must be" },
	{ WITH("\"tuner\":{\"seed\":1,\"classArgs\":{\"seed\":1}}"),
		"/tuner/classArgs/seed is given twice" },
	{ WITH("\"tuner\":{\"classArgs\":{\"seed\":-1}}"), "/tuner/classArgs/seed must be" },
	/* assessor */
	{ WITH("\"assessor\":{}"), "/assessor/name is required" },
	{ WITH("\"assessor\":{\"name\":\"tpe\"}"),
		"/assessor/name there is no assessor \"tpe\"; known: medianstop, "
		"curvefitting" },
	{ WITH("\"assessor\":{\"name\":\"medianstop\",\"seed\":1}"),
		"/assessor/seed is not a known field" },
	{ WITH("\"assessor\":{\"name\":\"medianstop\",\"options\":{\"seed\":1}}"),
		"/assessor/options/seed is unknown" },
	{ WITH("\"assessor\":{\"name\":\"curvefitting\",\"options\":{\"gap\":1}}"),
		"/assessor/options/gap is unknown: there are no options" },
	/* limits */
	{ WITH("\"limits\":[]"), "/limits must be an object" },
	{ WITH("\"limits\":{\"max_trial\":1}"), "/limits/max_trial is not a known limit" },
	{ WITH("\"limits\":{\"max_trials\":0}"),
		"/limits/max_trials must be an integer from 1 to 10000000" },
	{ WITH("\"limits\":{\"max_trials\":10000001}"), "/limits/max_trials must be" },
	{ WITH("\"limits\":{\"max_trials\":\"1\"}"), "/limits/max_trials must be" },
	{ WITH("\"limits\":{\"max_trials\":1e300}"), "/limits/max_trials must be" },
	{ WITH("\"limits\":{\"concurrency\":0}"), "/limits/concurrency must be" },
	{ WITH("\"limits\":{\"concurrency\":100001}"), "/limits/concurrency must be" },
	{ WITH("\"limits\":{\"max_retries\":-1}"), "/limits/max_retries must be" },
	{ WITH("\"limits\":{\"max_retries\":101}"), "/limits/max_retries must be" },
	{ WITH("\"limits\":{\"patience\":0}"), "/limits/patience must be" },
	{ WITH("\"limits\":{\"patience\":1.5}"), "/limits/patience must be" },
	{ WITH("\"limits\":{\"target\":\"0.9\"}"), "/limits/target must be a number" },
	{ WITH("\"limits\":{\"max_duration\":\"5 h\"}"), "/limits/max_duration must be a time" },
	{ WITH("\"limits\":{\"max_duration\":0}"), "/limits/max_duration must be a time" },
	{ WITH("\"limits\":{\"max_duration\":-1}"), "/limits/max_duration must be a time" },
	{ WITH("\"limits\":{\"max_duration\":1e300}"), "/limits/max_duration must be a time" },
	{ WITH("\"limits\":{\"max_duration\":\"3651d\"}"), "/limits/max_duration must be" },
	{ WITH("\"limits\":{\"max_duration\":true}"), "/limits/max_duration must be a time" },
	{ WITH("\"limits\":{\"max_trial_duration\":\"31d\"}"),
		"/limits/max_trial_duration must be" },
	/* labels, note */
	{ WITH("\"labels\":[]"), "/labels must be an object" },
	{ WITH("\"labels\":{\"a\":1}"), "/labels/a must be a string" },
	{ WITH("\"labels\":{\"\":\"x\"}"), "/labels/ a label's name" },
	{ WITH("\"labels\":{\"a\":\"b\\u0007\"}"), "/labels/a must not contain control" },
	{ WITH("\"note\":1"), "/note must be a string" },
	/* the space's own faults come through */
	{ "{\"name\":\"n\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[1,0]}"
	  "}}",
		"/search_space/x/_value" },
	{ WITH("\"parameter_constraints\":[\"z <= 1\"]"), "/parameter_constraints/0" },
};

static void test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_fault(cases[i].body, NULL, cases[i].fault);
}

static void test_all_faults(void **state)
{
	(void)state;
	static const char *const want[] = { "/name must not be empty", "/search_space/x/_value",
		"/objectives/0/goal", "/tuner/options/gamma", "/tuner/seed", "/tuner/x",
		"/assessor/name", "/limits/max_trials", "/limits/target", "/labels/a", "/note",
		"/y" };
	assert_faults(
		"{\"name\":\"\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[1,0]"
		"}},\"objectives\":[{\"name\":\"a\"}],\"tuner\":{\"x\":1,\"seed\":-1,\"options\":"
		"{\"gamma\":7}},\"assessor\":{\"name\":\"none\"},\"limits\":{\"max_trials\":0,"
		"\"target\":[]},\"labels\":{\"a\":[]},\"note\":[],\"y\":1}",
		NULL, COUNT(want), want);
	assert_non_null(strstr(error.message, "12 faults: /name must not be empty"));

	/* What was found before stays, and does not count as ours. */
	const struct spec *spec = NULL;
	faults_init(&faults);
	fault_add(&faults, NULL, "an older one");
	assert_int_equal(spec_parse(MINIMAL, strlen(MINIMAL), NULL, &catalog, 0, &arena, &spec,
				 &faults, &error),
		0);
	assert_int_equal(faults.n, 1);
}

/* A body of one string of n bytes between before and after. */
static const char *stuffed(const char *before, size_t n, const char *after)
{
	char *text = arena_alloc(&arena, strlen(before) + n + strlen(after) + 1);
	assert_non_null(text);
	memcpy(text, before, strlen(before));
	memset(text + strlen(before), 'x', n);
	memcpy(text + strlen(before) + n, after, strlen(after) + 1);
	return text;
}

/* n items joined by commas: printf of one with its index. */
static const char *repeated(const char *before, size_t n, const char *item_before,
	const char *item_after, const char *after)
{
	struct buffer out;
	buffer_init(&out, 1u << 20);
	buffer_add_text(&out, before);
	for (size_t i = 0; i < n; i++)
		buffer_printf(&out, "%s%s%zu%s", i ? "," : "", item_before, i, item_after);
	buffer_add_text(&out, after);
	const char *text = arena_strdup(&arena, buffer_text(&out));
	buffer_release(&out);
	return text;
}

static void test_edges(void **state)
{
	(void)state;
	parsed(stuffed("{" SPACE ",\"name\":\"", LIMIT_NAME, "\"}"), NULL);
	assert_fault(stuffed("{" SPACE ",\"name\":\"", LIMIT_NAME + 1, "\"}"), NULL,
		"/name must be at most 200 bytes, is 201");
	parsed(stuffed("{\"name\":\"n\"," SPACE ",\"note\":\"", LIMIT_NOTE, "\"}"), NULL);
	assert_fault(stuffed("{\"name\":\"n\"," SPACE ",\"note\":\"", LIMIT_NOTE + 1, "\"}"), NULL,
		"/note must be at most");

	static const char head[] = "{\"name\":\"n\"," SPACE ",";
	static const struct {
		const char *field, *item_before, *item_after, *end, *fault;
		size_t limit;
	} lists[] = {
		{ "\"objectives\":[", "{\"goal\":\"maximize\",\"name\":\"m", "\"}", "]}",
			"/objectives must be an array of 1 to 8", LIMIT_OBJECTIVES },
		{ "\"constraints\":[", "{\"max\":1,\"metric\":\"m", "\"}", "]}",
			"/constraints must be an array of at most 16", LIMIT_OUTCOME_CONSTRAINTS },
		{ "\"labels\":{", "\"k", "\":\"v\"", "}}",
			"/labels must be an object of at most 64", LIMIT_LABELS },
	};
	for (size_t i = 0; i < COUNT(lists); i++) {
		const char *before = arena_printf(&arena, "%s%s", head, lists[i].field);
		parsed(repeated(before, lists[i].limit, lists[i].item_before, lists[i].item_after,
			       lists[i].end),
			NULL);
		assert_fault(repeated(before, lists[i].limit + 1, lists[i].item_before,
				     lists[i].item_after, lists[i].end),
			NULL, lists[i].fault);
	}
	const struct spec *spec = parsed(
		WITH("\"limits\":{\"max_trials\":10000000,\"concurrency\":100000,\"max_retries\":"
		     "100,"
		     "\"patience\":1e7,\"max_duration\":\"3650d\",\"max_trial_duration\":\"30d\"},"
		     "\"tuner\":{\"seed\":9007199254740991}"),
		NULL);
	assert_int_equal(spec->limits.patience, 10000000);
	assert_int_equal(spec->limits.max_duration_ms, LIMIT_DURATION_MS);
	assert_int_equal(spec->limits.max_trial_duration_ms, LIMIT_LEASE_MS);
	/* More faults than are kept. */
	const struct spec *none = NULL;
	assert_int_equal(parse(repeated(head, 100, "\"f", "\":1", "}"), NULL, &none), CODE_INVALID);
	assert_int_equal(faults.n, 100);
	assert_int_equal(faults_kept(&faults), LIMIT_FAULTS);
}

/* User text in messages is cut between characters, so that a problem document stays UTF-8. */
static void test_long_names_in_messages(void **state)
{
	(void)state;
	struct buffer out;
	for (size_t shift = 0; shift < 2; shift++) {
		const struct spec *spec = NULL;
		json_t *message;
		buffer_init(&out, 65536);
		buffer_add_text(&out, "{\"name\":\"n\"," SPACE ",\"tuner\":{\"name\":\"");
		buffer_add_text(&out, shift ? "x" : "");
		for (int i = 0; i < 300; i++)
			buffer_add_text(&out, "\xc3\xbc");
		buffer_add_text(&out, "\"}}");
		assert_int_equal(parse(buffer_text(&out), NULL, &spec), CODE_INVALID);
		buffer_release(&out);
		message = json_string(faults.items[0].message); /* refuses broken UTF-8 */
		assert_non_null(message);
		json_decref(message);
		assert_non_null(strstr(faults.items[0].message, "known: gridsearch, tpe"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_all_faults),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_long_names_in_messages),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
