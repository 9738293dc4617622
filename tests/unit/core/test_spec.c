#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/rng.h"
#include "core/spec.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

#define COUNT(a)   (sizeof(a) / sizeof(*(a)))
#define SPACE	   "\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"
#define MINIMAL	   "{\"name\":\"n\"," SPACE "}"
#define WITH(rest) "{\"name\":\"n\"," SPACE "," rest "}"

static const struct option tpe_options[] = {
	{ .name = "lies",
		.type = OPTION_CHOICE,
		.choices = "best|worst|none",
		.fallback = "best",
		.alias = "constant_liar_type" },
	{ .name = "n_startup",
		.type = OPTION_INT,
		.low = 1,
		.high = 100,
		.fallback = "20",
		.alias = "n_startup_jobs" },
	{ .name = "gamma", .type = OPTION_REAL, .low = 0, .high = 1, .fallback = "0.25" },
	{ .name = NULL },
};
static const struct option median_options[] = {
	{ .name = "start_step", .type = OPTION_INT, .low = 0, .high = 1000, .fallback = "0" },
	{ .name = NULL },
};
static const struct option seeded_options[] = {
	{ .name = "seed", .type = OPTION_INT, .low = 0, .high = 9, .fallback = "1" },
	{ .name = NULL },
};
static const struct algorithm tpe = { .name = "tpe", .options = tpe_options },
			      grid = { .name = "gridsearch", .aliases = "grid" },
			      seeded = { .name = "seeded", .options = seeded_options },
			      median = { .name = "medianstop", .options = median_options },
			      curve = { .name = "curvefitting", .aliases = "curve_fitting" };
static const struct algorithm *const tuners[] = { &grid, &tpe, &seeded, NULL };
static const struct algorithm *const assessors[] = { &median, &curve, NULL };
static const struct catalog catalog = { tuners, assessors };

static struct arena arena;
static struct faults faults;
static struct error error;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static int parse(const char *text, const struct spec *previous, const struct spec **out)
{
	faults_init(&faults);
	return spec_parse(text, strlen(text), previous, &catalog, 5, &arena, out, &faults, &error);
}

static void print_faults(const char *text)
{
	print_error("%s: %s\n", text, error.message);
	for (size_t i = 0; i < faults_kept(&faults); i++)
		print_error("  %s: %s\n", faults.items[i].pointer, faults.items[i].message);
}

static const struct spec *parsed(const char *text, const struct spec *previous)
{
	const struct spec *spec = NULL;
	int rc = parse(text, previous, &spec);
	if (rc)
		print_faults(text);
	assert_int_equal(rc, 0);
	assert_int_equal(faults.n, 0);
	assert_non_null(spec);
	return spec;
}

/* Exactly these faults, "pointer message-prefix", in any order. */
static void assert_faults(
	const char *text, const struct spec *previous, size_t n, const char *const *want)
{
	const struct spec *spec = NULL;
	int rc = parse(text, previous, &spec);
	if (rc != CODE_INVALID || faults.n != n)
		print_faults(text);
	assert_int_equal(rc, CODE_INVALID);
	assert_null(spec);
	assert_int_equal(faults.n, n);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		for (; k < n; k++) {
			char line[FAULT_POINTER_MAX + FAULT_MESSAGE_MAX + 2];
			snprintf(line, sizeof(line), "%s %s", faults.items[k].pointer,
				faults.items[k].message);
			if (strncmp(line, want[i], strlen(want[i])) == 0)
				break;
		}
		if (k == n) {
			print_error("missing: %s\n", want[i]);
			print_faults(text);
		}
		assert_true(k < n);
	}
}

static void assert_fault(const char *text, const struct spec *previous, const char *want)
{
	assert_faults(text, previous, 1, &want);
}

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

static const char full[] =
	"{\"note\":\"# a\\nb\",\"labels\":{\"z\":\"1\",\"a\":\"\xc3\xbc\"},"
	"\"limits\":{\"max_trials\":100,\"max_duration\":\"5h\",\"max_trial_duration\":90,"
	"\"concurrency\":8,\"max_retries\":0,\"target\":0.99,\"patience\":50},"
	"\"assessor\":{\"name\":\"MedianStop\",\"options\":{\"start_step\":10}},"
	"\"tuner\":{\"name\":\"TPE\",\"options\":{\"gamma\":0.5},\"seed\":9007199254740991},"
	"\"parameter_constraints\":[\"b <= a\"],"
	"\"constraints\":[{\"metric\":\"ms\",\"max\":20},{\"metric\":\"acc\",\"min\":0.5,\"max\":1}"
	"],"
	"\"objectives\":[{\"name\":\"acc\",\"goal\":\"maximize\"},{\"name\":\"ms\",\"goal\":"
	"\"minimize\"}],"
	"\"search_space\":{\"b\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
	"\"a\":{\"_value\":[1e-5,1.0],\"_type\":\"loguniform\"}},"
	"\"kind\":\"hpo\",\"name\":\"lenet\"}";

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

static void assert_same_options(const struct option_set *a, const struct option_set *b)
{
	assert_ptr_equal(a->table, b->table);
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->values[i].flag, b->values[i].flag);
		assert_int_equal(a->values[i].integer, b->values[i].integer);
		assert_true(a->values[i].real == b->values[i].real);
		assert_int_equal(a->values[i].choice, b->values[i].choice);
	}
}

static void assert_same(const struct spec *a, const struct spec *b)
{
	assert_string_equal(a->json, b->json);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->note, b->note);
	assert_int_equal(a->space->n, b->space->n);
	assert_int_equal(a->space->n_constraints, b->space->n_constraints);
	assert_int_equal(a->n_objectives, b->n_objectives);
	for (size_t i = 0; i < a->n_objectives; i++) {
		assert_string_equal(a->objectives[i].name, b->objectives[i].name);
		assert_int_equal(a->objectives[i].maximize, b->objectives[i].maximize);
	}
	assert_int_equal(a->n_constraints, b->n_constraints);
	for (size_t i = 0; i < a->n_constraints; i++) {
		assert_string_equal(a->constraints[i].metric, b->constraints[i].metric);
		assert_true(a->constraints[i].min == b->constraints[i].min);
		assert_true(a->constraints[i].max == b->constraints[i].max);
	}
	assert_ptr_equal(a->tuner, b->tuner);
	assert_same_options(&a->tuner_options, &b->tuner_options);
	assert_int_equal(a->seed, b->seed);
	assert_ptr_equal(a->assessor, b->assessor);
	if (a->assessor)
		assert_same_options(&a->assessor_options, &b->assessor_options);
	assert_int_equal(a->limits.max_trials, b->limits.max_trials);
	assert_int_equal(a->limits.max_duration_ms, b->limits.max_duration_ms);
	assert_int_equal(a->limits.max_trial_duration_ms, b->limits.max_trial_duration_ms);
	assert_int_equal(a->limits.concurrency, b->limits.concurrency);
	assert_int_equal(a->limits.max_retries, b->limits.max_retries);
	assert_int_equal(a->limits.patience, b->limits.patience);
	assert_true(a->limits.target == b->limits.target ||
		    (isnan(a->limits.target) && isnan(b->limits.target)));
	assert_int_equal(a->n_labels, b->n_labels);
	for (size_t i = 0; i < 2 * a->n_labels; i++)
		assert_string_equal(a->labels[i], b->labels[i]);
}

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

static void test_faults(void **state)
{
	(void)state;
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
		{ WITH("\"kind\":\"nas\""), "/kind \"nas\" is not supported" },
		{ WITH("\"kind\":1"), "/kind must be a string" },
		/* objectives */
		{ WITH("\"objectives\":[]"), "/objectives must be an array of 1 to 8" },
		{ WITH("\"objectives\":{}"), "/objectives must be an array" },
		{ WITH("\"objectives\":[1]"), "/objectives/0 must be an object" },
		{ WITH("\"objectives\":[{\"name\":\"a\"}]"),
			"/objectives/0/goal must be \"maximize\" or \"minimize\"" },
		{ WITH("\"objectives\":[{\"name\":\"a\",\"goal\":\"max\"}]"),
			"/objectives/0/goal must be" },
		{ WITH("\"objectives\":[{\"goal\":\"maximize\"}]"),
			"/objectives/0/name is required" },
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
		{ WITH("\"tuner\":{\"options\":{\"gamma\":2}}"),
			"/tuner/options/gamma must be from" },
		{ WITH("\"tuner\":{\"classArgs\":{\"gamma\":2}}"),
			"/tuner/classArgs/gamma must be" },
		{ WITH("\"tuner\":{\"classArgs\":{\"tpe_args\":{\"gamma\":2}}}"),
			"/tuner/classArgs/tpe_args/gamma must be" },
		{ WITH("\"tuner\":{\"options\":{},\"classArgs\":{}}"),
			"/tuner/classArgs is NNI's" },
		{ WITH("\"tuner\":{\"seed\":-1}"),
			"/tuner/seed must be an integer from 0 to 9007199254740991" },
		{ WITH("\"tuner\":{\"seed\":9007199254740992}"), "/tuner/seed must be" },
		{ WITH("\"tuner\":{\"seed\":1.5}"), "/tuner/seed must be" },
		{ WITH("\"tuner\":{\"seed\":\"1\"}"), "/tuner/seed must be" },
		{ WITH("\"tuner\":{\"seed\":1,\"classArgs\":{\"seed\":1}}"),
			"/tuner/classArgs/seed is given twice" },
		{ WITH("\"tuner\":{\"classArgs\":{\"seed\":-1}}"),
			"/tuner/classArgs/seed must be" },
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
		{ WITH("\"limits\":{\"max_duration\":\"5 h\"}"),
			"/limits/max_duration must be a time" },
		{ WITH("\"limits\":{\"max_duration\":0}"), "/limits/max_duration must be a time" },
		{ WITH("\"limits\":{\"max_duration\":-1}"), "/limits/max_duration must be a time" },
		{ WITH("\"limits\":{\"max_duration\":1e300}"),
			"/limits/max_duration must be a time" },
		{ WITH("\"limits\":{\"max_duration\":\"3651d\"}"), "/limits/max_duration must be" },
		{ WITH("\"limits\":{\"max_duration\":true}"),
			"/limits/max_duration must be a time" },
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

static void test_without_tpe(void **state)
{
	(void)state;
	static const struct algorithm *const few[] = { &grid, NULL };
	const struct catalog small = { few, assessors };
	const struct spec *spec = NULL;

	faults_init(&faults);
	assert_int_equal(spec_parse(MINIMAL, strlen(MINIMAL), NULL, &small, 0, &arena, &spec,
				 &faults, &error),
		CODE_INVALID);
	assert_string_equal(faults.items[0].pointer, "/tuner");
	const char *body = WITH("\"tuner\":{\"name\":\"GridSearch\"}");
	faults_init(&faults);
	assert_int_equal(
		spec_parse(body, strlen(body), NULL, &small, 0, &arena, &spec, &faults, &error), 0);
	assert_ptr_equal(spec->tuner, &grid);
}

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
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_all_faults),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_long_names_in_messages),
		cmocka_unit_test(test_optimize_mode),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_without_tpe),
		cmocka_unit_test(test_patch),
		cmocka_unit_test(test_patch_limits),
		cmocka_unit_test(test_patch_algorithms),
		cmocka_unit_test(test_patch_faults),
		cmocka_unit_test(test_patch_is_a_copy),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_objectives),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
