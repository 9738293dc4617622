/* Parsing, conditions, bounds, writing and reading of search spaces. */
#include "tests/unit/core/space_support.h"

/* nni-features.md 1.6: the spaces NNI tests its tuners with; the equal-bound ones are refused. */
static void nni_fixtures_parse(void **state)
{
	static const char *const spaces[] = { P("choice", "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]"),
		P("choice", "[42,43,-1]"), P("choice", "[0.3,\"cat\",1,null]"),
		P("choice", "[0.1,0.2]"), P("choice", "[\"only\"]"), P("randint", "[-2,3]"),
		P("randint", "[10,11]"), P("uniform", "[-1.0,1.5]"), P("quniform", "[0,10,2.5]"),
		P("quniform", "[2,10,5]"), P("quniform", "[-5.5,-0.5,6]"),
		P("loguniform", "[0.001,100]"), P("qloguniform", "[0.001,100,1]"),
		P("normal", "[-1,5]"), P("qnormal", "[-1.5,5,0.1]"), P("lognormal", "[-1,5]"),
		P("qlognormal", "[-1.5,5,0.1]") };
	struct fixture *fixture = *state;
	struct rng rng;
	rng_init(&rng, 1, RNG_TEST, 1);
	for (size_t i = 0; i < COUNT_OF(spaces); i++) {
		const struct space *space = parse(fixture, spaces[i]);
		for (int draw = 0; draw < 200; draw++) {
			double x[1], y[1];
			space_sample(space, &rng, x);
			assert_true(space_contains(space, x));
			read_point(fixture, space, write_point(fixture, space, x), y);
			assert_true(x[0] == y[0]);
		}
	}
}

static void flat_choices_of_objects_are_opaque(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(
		fixture, P("choice", "[{\"_name\":\"a\",\"b\":[1, 2.50]},{\"c\":\"\\u0001\"}]"));
	double x[1] = { 0 };
	assert_int_equal(space->n, 1);
	assert_null(space->parameters[0].branches);
	assert_string_equal(
		write_point(fixture, space, x), "{\"x\":{\"_name\":\"a\",\"b\":[1,2.5]}}");
	x[0] = 1;
	assert_string_equal(write_point(fixture, space, x), "{\"x\":{\"c\":\"\\u0001\"}}");
	read_point(fixture, space, "{\"x\":{\"b\":[1.0,2.5],\"_name\":\"a\"}}", x);
	assert_true(x[0] == 0);
}

static void nested_choice_writes_as_nni_does(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture,
		"{\"D\":" CHOICE(
			"[{\"_name\":\"UNIFORM\",\"dropout\":{\"_type\":\"uniform\","
			"\"_value\":[0.5,0.9]}},{\"_name\":\"EMPTY\"}]") ",\"n\":{\"_type\":"
									 "\"bool\"}}");
	double x[3] = { 0, 0.7, 1 };
	assert_int_equal(space->n, 3);
	assert_string_equal(space->parameters[1].address, "D.dropout");
	assert_int_equal(space->parameters[1].owner, 0);
	assert_int_equal(space_find(space, "D.dropout"), 1);
	assert_int_equal(space_find(space, "dropout"), -1);
	assert_string_equal(write_point(fixture, space, x),
		"{\"D\":{\"_name\":\"UNIFORM\",\"dropout\":0.7},\"n\":true}");
	x[0] = 1;
	x[1] = NAN;
	assert_true(space_contains(space, x));
	assert_string_equal(
		write_point(fixture, space, x), "{\"D\":{\"_name\":\"EMPTY\"},\"n\":true}");
	x[1] = 0.7;
	assert_false(space_contains(space, x)); /* inactive, but set */
	x[0] = 0;
	x[1] = NAN;
	assert_false(space_contains(space, x)); /* active, but not set */
	x[1] = 0.95;
	assert_false(space_contains(space, x)); /* outside */
}

static void classic_nas_types_write_value_and_index(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture,
		"{\"conv\":{\"_type\":\"layer_choice\",\"_value\":[\"c1\",\"c3\",\"c5\"]},"
		"\"skip\":{\"_type\":\"input_choice\",\"_value\":{\"candidates\":[\"a\",\"b\","
		"\"c\"],"
		"\"n_chosen\":2}},\"any\":{\"_type\":\"input_choice\",\"_value\":{\"candidates\":["
		"\"a\",\"b\"],\"n_chosen\":null}}}");
	static const char *const any[] = { "{\"_value\":[],\"_idx\":[]}",
		"{\"_value\":[\"a\"],\"_idx\":[0]}", "{\"_value\":[\"a\",\"b\"],\"_idx\":[0,1]}",
		"{\"_value\":[\"b\"],\"_idx\":[1]}" };
	static const char *const two[] = { "{\"_value\":[\"a\",\"b\"],\"_idx\":[0,1]}",
		"{\"_value\":[\"a\",\"c\"],\"_idx\":[0,2]}",
		"{\"_value\":[\"b\",\"c\"],\"_idx\":[1,2]}" };
	assert_int_equal(space->count, 3 * 3 * 4);
	for (int i = 0; i < 36; i++) {
		double x[3] = { i % 3, i / 3 % 3, i / 9 }, y[3];
		char want[256];
		snprintf(want, sizeof(want),
			"{\"conv\":{\"_value\":\"c%d\",\"_idx\":%d},\"skip\":%s,\"any\":%s}",
			i % 3 * 2 + 1, i % 3, two[i / 3 % 3], any[i / 9]);
		assert_string_equal(write_point(fixture, space, x), want);
		read_point(fixture, space, want, y);
		assert_true(same_point(space, x, y));
	}
}

static void subsets_are_numbered_in_lexicographic_order(void **state)
{
	struct fixture *fixture = *state;
	for (unsigned chosen = 0; chosen <= 7; chosen++) {
		char text[256], size[8] = "null", before[64] = "";
		if (chosen > 0)
			snprintf(size, sizeof(size), "%u", chosen);
		snprintf(text, sizeof(text),
			"{\"x\":{\"_type\":\"input_choice\",\"_value\":{\"candidates\":[0,1,2,3,4,"
			"5,6],"
			"\"n_chosen\":%s}}}",
			size);
		const struct space *space = parse(fixture, text);
		for (uint64_t k = 0; k < space->count; k++) {
			double x[1] = { (double)k }, y[1];
			const char *json = write_point(fixture, space, x);
			char digits[64];
			snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(json + 15, "]"),
				json + 15);
			assert_true(k == 0 || strcmp(before, digits) < 0);
			snprintf(before, sizeof(before), "%s", digits);
			read_point(fixture, space, json, y);
			assert_true(x[0] == y[0]);
		}
	}
}

static void later_parents_come_first(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space =
		parse(fixture, "{\"momentum\":{\"_type\":\"uniform\",\"_value\":[0,1],\"_when\":{"
			       "\"opt\":[\"sgd\"]}},"
			       "\"lr\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			       "\"opt\":" CHOICE("[\"sgd\",\"adam\"]") "}");
	int momentum = space_find(space, "momentum"), opt = space_find(space, "opt");
	assert_true(opt < momentum);
	double x[3];
	x[opt] = 0;
	x[momentum] = 0.5;
	x[space_find(space, "lr")] = 0.25;
	assert_true(space_contains(space, x));
	/* written in the order of the declaration all the same */
	assert_string_equal(
		write_point(fixture, space, x), "{\"momentum\":0.5,\"lr\":0.25,\"opt\":\"sgd\"}");
	x[opt] = 1;
	x[momentum] = NAN;
	assert_true(space_contains(space, x));
	assert_string_equal(write_point(fixture, space, x), "{\"lr\":0.25,\"opt\":\"adam\"}");
}

static void conditions_see_siblings_and_nested_parents(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture,
		"{\"op\":" CHOICE(
			"[{\"_name\":\"conv\",\"act\":{\"_type\":\"bool\"},"
			"\"slope\":{\"_type\":\"uniform\",\"_value\":[0,1],\"_when\":{\"act\":["
			"true]}},"
			"\"bias\":{\"_type\":\"bool\",\"_when\":{\"op.act\":[false]}}},"
			"{\"_name\":\"pool\"}]") ",\"depth\":{\"_type\":\"int\",\"_value\":[1,3],"
						 "\"_when\":{\"op\":[\"conv\"]}},\"wide\":{\"_"
						 "type\":\"bool\",\"_when\":{\"depth\":[2,3]}"
						 "}}");
	struct rng rng;
	rng_init(&rng, 3, RNG_TEST, 0);
	int op = space_find(space, "op"), act = space_find(space, "op.act");
	int depth = space_find(space, "depth");
	for (int draw = 0; draw < 500; draw++) {
		double x[8];
		space_sample(space, &rng, x);
		bool conv = x[op] == 0;
		assert_int_equal(!isnan(x[act]), conv);
		assert_int_equal(!isnan(x[space_find(space, "op.slope")]), conv && x[act] == 1);
		assert_int_equal(!isnan(x[space_find(space, "op.bias")]), conv && x[act] == 0);
		assert_int_equal(!isnan(x[depth]), conv);
		assert_int_equal(!isnan(x[space_find(space, "wide")]), conv && x[depth] >= 2);
	}
}

static void partial_points_are_completed(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture, LENET_EVOLUTION);
	struct rng rng;
	rng_init(&rng, 9, RNG_TEST, 0);
	double x[LIMIT_PARAMETERS];
	faults_init(&fixture->faults);
	assert_int_equal(space_read(space,
				 "{\"fe_slot_2\":{\"_name\":\"simple\",\"kernel\":9},\"lr\":0.001}",
				 true, x, &fixture->faults, &fixture->err),
		0);
	assert_true(isnan(x[0]));
	space_complete(space, &rng, x);
	assert_true(space_contains(space, x));
	const char *json = write_point(fixture, space, x);
	assert_non_null(strstr(json, "\"lr\":0.001"));
	assert_non_null(strstr(json, "\"fe_slot_2\":{\"_name\":\"simple\",\"filters\":"));
	assert_non_null(strstr(json, "\"kernel\":9"));
}

static void defaults_are_used(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture,
		"{\"a\":{\"_type\":\"uniform\",\"_value\":[0,1],\"_default\":0.125},"
		"\"b\":{\"_type\":\"int\",\"_value\":[1,9]},"
		"\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"n\"},{\"_name\":\"c\",\"k\":"
		"{"
		"\"_type\":\"choice\",\"_value\":[3,5],\"_default\":5}}],\"_default\":\"c\"},"
		"\"i\":{\"_type\":\"input_choice\",\"_value\":{\"candidates\":[7,8,9],\"n_chosen\":"
		"1},"
		"\"_default\":[8]},\"o\":{\"_type\":\"ordinal\",\"_value\":[1,2,3]},"
		"\"l\":{\"_type\":\"layer_choice\",\"_value\":[\"x\",\"y\"],\"_default\":\"y\"},"
		"\"f\":{\"_type\":\"fixed\",\"_value\":[1]},\"t\":{\"_type\":\"bool\"}}");
	double x[16];
	space_default(space, x);
	assert_true(space_contains(space, x));
	assert_string_equal(write_point(fixture, space, x),
		"{\"a\":0.125,\"b\":5,\"op\":{\"_name\":\"c\",\"k\":5},\"i\":{\"_value\":[8],\"_"
		"idx\":"
		"[1]},\"o\":2,\"l\":{\"_value\":\"y\",\"_idx\":1},\"f\":[1],\"t\":false}");
}

static void repeat(struct buffer *text, const char *part, int n)
{
	for (int i = 0; i < n; i++)
		buffer_add_text(text, part);
}

static void nesting_is_bounded(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text;
	buffer_init(&text, 1u << 20);
	for (int depth = LIMIT_SPACE_DEPTH; depth <= LIMIT_SPACE_DEPTH + 1; depth++) {
		buffer_clear(&text);
		repeat(&text,
			"{\"p\":{\"_type\":\"choice\",\"_value\":[{\"_name\":0},{\"_name\":1,\"q\":"
			"{\"_type\":\"bool\"},\"r\":",
			1);
		repeat(&text, "{\"_type\":\"choice\",\"_value\":[{\"_name\":0},{\"_name\":1,\"r\":",
			depth - 1);
		buffer_add_text(&text, "{\"_type\":\"bool\"}");
		repeat(&text, "}]}", depth);
		buffer_add_char(&text, '}');
		if (depth > LIMIT_SPACE_DEPTH) {
			const struct space *space = NULL;
			faults_init(&fixture->faults);
			assert_int_equal(
				space_parse(buffer_text(&text), NULL, NULL, &fixture->arena, &space,
					&fixture->faults, &fixture->err),
				CODE_INVALID);
			assert_non_null(strstr(fixture->faults.items[0].message, "deeper than"));
			continue;
		}
		const struct space *space = parse(fixture, buffer_text(&text));
		assert_int_equal(space->n, depth + 2);
		/* c(d) = 1 + c(d+1), doubled at the top for q: 1 + 2 (16 - 1 + 2) */
		assert_int_equal(space->count, 1 + 2 * (depth + 1));
		double x[LIMIT_PARAMETERS], y[LIMIT_PARAMETERS];
		for (size_t i = 0; i < space->n; i++)
			x[i] = 1;
		assert_true(space_contains(space, x));
		read_point(fixture, space, write_point(fixture, space, x), y);
		assert_true(same_point(space, x, y));
	}
	buffer_release(&text);
}

static void sizes_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text;
	buffer_init(&text, 4u << 20);
	for (int n = LIMIT_PARAMETERS; n <= LIMIT_PARAMETERS + 1; n++) {
		buffer_clear(&text);
		for (int i = 0; i < n; i++)
			buffer_printf(&text, "%c\"p%d\":{\"_type\":\"bool\"}", i ? ',' : '{', i);
		buffer_add_char(&text, '}');
		if (n == LIMIT_PARAMETERS)
			assert_int_equal(parse(fixture, buffer_text(&text))->n, n);
		else
			refuse(fixture, buffer_text(&text), "/search_space/p1024", "at most 1024");
	}
	for (int n = LIMIT_OPTIONS; n <= LIMIT_OPTIONS + 1; n++) {
		buffer_clear(&text);
		for (int i = 0; i < n; i++)
			buffer_printf(&text, "%s%d",
				i ? "," : "{\"x\":{\"_type\":\"choice\",\"_value\":[", i);
		buffer_add_text(&text, "]}}");
		if (n == LIMIT_OPTIONS)
			assert_int_equal(parse(fixture, buffer_text(&text))->count, n);
		else
			refuse(fixture, buffer_text(&text), "/search_space/x/_value", "at most");
	}
	buffer_clear(&text);
	repeat(&text, "a", LIMIT_NAME);
	char *name = arena_strdup(&fixture->arena, buffer_text(&text));
	buffer_clear(&text);
	buffer_printf(&text, "{\"%s\":{\"_type\":\"bool\"}}", name);
	parse(fixture, buffer_text(&text));
	buffer_clear(&text);
	buffer_printf(&text, "{\"%sa\":{\"_type\":\"bool\"}}", name);
	const struct space *space = NULL;
	assert_int_equal(space_parse(buffer_text(&text), NULL, NULL, &fixture->arena, &space,
				 &fixture->faults, &fixture->err),
		CODE_INVALID);
	buffer_release(&text);
}

static void candidates_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text;
	buffer_init(&text, 65536);
	for (int n = LIMIT_CANDIDATES; n <= LIMIT_CANDIDATES + 1; n++) {
		buffer_clear(&text);
		buffer_add_text(
			&text, "{\"x\":{\"_type\":\"input_choice\",\"_value\":{\"candidates\":");
		for (int i = 0; i < n; i++)
			buffer_printf(&text, "%c%d", i ? ',' : '[', i);
		buffer_add_text(&text, "],\"n_chosen\":1}}}");
		if (n > LIMIT_CANDIDATES) {
			refuse(fixture, buffer_text(&text), "/search_space/x/_value/candidates",
				"1 to 1024");
			continue;
		}
		const struct space *space = parse(fixture, buffer_text(&text));
		double x[1] = { n - 1 }, y[1];
		assert_int_equal(space->count, n);
		read_point(fixture, space, write_point(fixture, space, x), y);
		assert_true(y[0] == n - 1);
	}
	buffer_release(&text);
}

static void memory_may_run_out_anywhere(void **state)
{
	struct fixture *fixture = *state;
	size_t refused = 0;
	for (size_t limit = 16;; limit += 16) {
		struct arena arena;
		const struct space *space = NULL;
		arena_init(&arena, limit);
		faults_init(&fixture->faults);
		int rc = space_parse(LENET_EVOLUTION, "[\"lr < dropout\", \"l1_size > 1\"]",
			"{\"sequence\":[\"fe_slot_1\",\"fe_slot_2\"],\"ignore\":[\"none\"]}",
			&arena, &space, &fixture->faults, &fixture->err);
		assert_int_equal(fixture->faults.n, 0);
		if (rc == 0)
			assert_int_equal(space->count, 6353046);
		else
			assert_null(space);
		arena_release(&arena);
		if (rc == 0)
			break;
		assert_int_equal(rc, CODE_NO_MEMORY);
		refused++;
	}
	assert_true(refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(nni_fixtures_parse),
		SPACE_TEST(flat_choices_of_objects_are_opaque),
		SPACE_TEST(nested_choice_writes_as_nni_does),
		SPACE_TEST(classic_nas_types_write_value_and_index),
		SPACE_TEST(subsets_are_numbered_in_lexicographic_order),
		SPACE_TEST(later_parents_come_first),
		SPACE_TEST(conditions_see_siblings_and_nested_parents),
		SPACE_TEST(partial_points_are_completed),
		SPACE_TEST(defaults_are_used),
		SPACE_TEST(nesting_is_bounded),
		SPACE_TEST(sizes_are_bounded),
		SPACE_TEST(candidates_are_bounded),
		SPACE_TEST(memory_may_run_out_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
