/* Declared equivalences: the pipelines of book-cases.md H4. */
#include "tests/unit/core/space_support.h"

#define TRANSFORMERS                                                                               \
	"{\"_type\":\"choice\",\"_value\":[{\"_name\":\"none\"},"                                  \
	"{\"_name\":\"scale\"},{\"_name\":\"pca\",\"n\":{\"_type\":\"int\",\"_value\":[1,3]},"     \
	"\"w\":{\"_type\":\"bool\"}},{\"_name\":\"poly\",\"degree\":{\"_type\":\"choice\","        \
	"\"_value\":[2,3]}}]}"
/* The same operators, written in another order. */
#define TRANSFORMERS_2                                                                             \
	"{\"_type\":\"choice\",\"_value\":[{\"_name\":\"poly\",\"degree\":{\"_type\":\"ordinal\"," \
	"\"_value\":[1,2,3]}},{\"_name\":\"pca\",\"w\":{\"_type\":\"bool\"},\"n\":{\"_type\":"     \
	"\"randint\",\"_value\":[1,4]}},{\"_name\":\"none\"},{\"_name\":\"scale\"}]}"
#define PIPELINE                                                                                   \
	"{\"op_1\":" TRANSFORMERS ",\"op_2\":" TRANSFORMERS_2 ",\"op_3\":" TRANSFORMERS            \
	",\"model\":{\"_type\":\"choice\",\"_value\":[\"svm\",\"tree\"]}}"

#define SEQUENCE       "\"sequence\":[\"op_1\",\"op_2\",\"op_3\"],\"ignore\":[\"none\"]"
#define NONE	       "{\"_name\":\"none\"}"
#define SCALE	       "{\"_name\":\"scale\"}"
#define PCA	       "{\"_name\":\"pca\",\"n\":2,\"w\":true}"
#define PCA_2	       "{\"_name\":\"pca\",\"w\":true,\"n\":3}"
#define POLY	       "{\"_name\":\"poly\",\"degree\":2}"
#define POINT(a, b, c) "{\"op_1\":" a ",\"op_2\":" b ",\"op_3\":" c ",\"model\":\"svm\"}"

static bool same_key(
	struct fixture *fixture, const struct space *space, const char *a, const char *b)
{
	double x[LIMIT_PARAMETERS], y[LIMIT_PARAMETERS];
	struct key128 key_x, key_y;
	read_point(fixture, space, a, x);
	read_point(fixture, space, b, y);
	space_key(space, x, &key_x);
	space_key(space, y, &key_y);
	return key_equal(&key_x, &key_y);
}

static bool is_ok(struct fixture *fixture, const struct space *space, const char *point)
{
	double x[LIMIT_PARAMETERS];
	read_point(fixture, space, point, x);
	return space_canonical_ok(space, x);
}

static void ignored_steps_drop_out(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse_all(fixture, PIPELINE, NULL, "{" SEQUENCE "}");
	assert_true(same_key(fixture, space, POINT(PCA, NONE, SCALE), POINT(NONE, PCA, SCALE)));
	assert_true(same_key(fixture, space, POINT(PCA, NONE, SCALE), POINT(PCA, SCALE, NONE)));
	assert_true(same_key(fixture, space, POINT(POLY, NONE, NONE), POINT(NONE, NONE, POLY)));
	assert_true(same_key(fixture, space, POINT(POLY, NONE, NONE), POINT(NONE, POLY, NONE)));
	/* the order, the operator, its parameters, how many: all matter */
	assert_false(same_key(fixture, space, POINT(PCA, NONE, SCALE), POINT(SCALE, PCA, NONE)));
	assert_false(same_key(fixture, space, POINT(PCA, NONE, SCALE), POINT(PCA_2, NONE, SCALE)));
	assert_false(same_key(fixture, space, POINT(PCA, NONE, NONE), POINT(POLY, NONE, NONE)));
	assert_false(same_key(fixture, space, POINT(PCA, NONE, NONE), POINT(PCA, PCA, NONE)));
	assert_false(same_key(fixture, space, POINT(PCA, NONE, NONE), POINT(NONE, NONE, NONE)));
	/* and so does the rest of the space */
	assert_false(same_key(fixture, space, POINT(PCA, NONE, NONE),
		"{\"op_1\":" PCA ",\"op_2\":" NONE ",\"op_3\":" NONE ",\"model\":\"tree\"}"));
}

static void without_a_declaration_slots_matter(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture, PIPELINE);
	assert_false(same_key(fixture, space, POINT(PCA, NONE, SCALE), POINT(NONE, PCA, SCALE)));
	assert_true(same_key(fixture, space, POINT(PCA, NONE, SCALE), POINT(PCA, NONE, SCALE)));
	assert_true(is_ok(fixture, space, POINT(PCA, PCA, PCA)));
}

static void order_may_mean_nothing(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space =
		parse_all(fixture, PIPELINE, NULL, "[{" SEQUENCE ",\"ordered\":false}]");
	assert_true(same_key(fixture, space, POINT(PCA, NONE, SCALE), POINT(SCALE, PCA, NONE)));
	assert_true(same_key(fixture, space, POINT(PCA, POLY, SCALE), POINT(SCALE, PCA, POLY)));
	/* a multiset, not a set */
	assert_false(same_key(fixture, space, POINT(PCA, PCA, SCALE), POINT(SCALE, PCA, SCALE)));
	assert_false(same_key(fixture, space, POINT(PCA, PCA, NONE), POINT(PCA, NONE, NONE)));
	/* parameters stay with their operator */
	assert_false(same_key(fixture, space, POINT(PCA, SCALE, NONE), POINT(PCA_2, SCALE, NONE)));
}

static void repeats_are_ruled_out(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space =
		parse_all(fixture, PIPELINE, NULL, "{" SEQUENCE ",\"no_repeats\":true}");
	assert_true(is_ok(fixture, space, POINT(PCA, POLY, SCALE)));
	assert_true(is_ok(fixture, space, POINT(NONE, NONE, NONE)));
	assert_true(is_ok(fixture, space, POINT(NONE, NONE, PCA)));
	assert_false(is_ok(fixture, space, POINT(PCA, NONE, PCA)));
	assert_false(is_ok(fixture, space, POINT(SCALE, SCALE, NONE)));
	/* one operator, whatever its parameters */
	assert_false(is_ok(fixture, space, POINT(PCA, PCA_2, NONE)));
}

static void plain_values_form_sequences_too(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse_all(fixture,
		"{\"a\":{\"_type\":\"choice\",\"_value\":[0,16,32]},"
		"\"b\":{\"_type\":\"int\",\"_value\":[0,64]},\"c\":{\"_type\":\"bool\"},"
		"\"d\":{\"_type\":\"bool\"}}",
		NULL,
		"[{\"sequence\":[\"a\",\"b\"],\"ignore\":[0]},{\"sequence\":[\"d\",\"c\"],"
		"\"ignore\":[false],\"ordered\":false}]");
#define FLAT(a, b, c, d) "{\"a\":" a ",\"b\":" b ",\"c\":" c ",\"d\":" d "}"
	assert_true(same_key(fixture, space, FLAT("0", "16", "true", "false"),
		FLAT("16", "0", "false", "true")));
	assert_false(same_key(fixture, space, FLAT("32", "16", "true", "false"),
		FLAT("16", "32", "true", "false")));
	assert_false(same_key(fixture, space, FLAT("32", "16", "true", "true"),
		FLAT("32", "16", "true", "false")));
#undef FLAT
}

/* The number of distinct keys is the number of pipelines, counted by hand. */
static void distinct_pipelines_are_counted(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space =
		parse_all(fixture, PIPELINE, NULL, "{" SEQUENCE ",\"no_repeats\":true}");
	struct key_set seen;
	struct rng rng;
	key_set_init(&seen);
	rng_init(&rng, 1, RNG_TEST, 0);
	for (int draw = 0; draw < 200000; draw++) {
		double x[LIMIT_PARAMETERS];
		struct key128 key;
		space_sample(space, &rng, x);
		if (!space_canonical_ok(space, x))
			continue;
		space_key(space, x, &key);
		assert_int_equal(key_set_add(&seen, &key), 0);
	}
	/*
	 * Operators: scale 1, pca 6, poly 2 ways, or 3 where op_2 makes it: degree 1 exists there
	 * only. Lists: none 1; one step 1+6+3 = 10; two steps: without poly 2*6 = 12, with poly
	 * first or second 2*3*(1+6) = 42; three steps: 6 orders; poly in the middle 2*6*3 = 36,
	 * else 4*6*2 = 48. Twice for the model.
	 */
	assert_int_equal(seen.n, 2 * (1 + 10 + 12 + 42 + 36 + 48));
	key_set_release(&seen);
}

static void bad_declarations_are_refused(void **state)
{
	static const struct {
		const char *canonical, *pointer, *message;
	} cases[] = {
		{ "3", "/canonical", "an object" },
		{ "[3]", "/canonical/0", "an object" },
		{ "{}", "/canonical/sequence", "a list" },
		{ "{\"sequence\":[]}", "/canonical/sequence", "a list" },
		{ "{\"sequence\":[3]}", "/canonical/sequence/0", "a parameter's name" },
		{ "{\"sequence\":[\"op_1\",\"op_1\"]}", "/canonical/sequence/1", "already" },
		{ "[{\"sequence\":[\"op_1\"]},{\"sequence\":[\"op_1\"]}]",
			"/canonical/1/sequence/0", "already" },
		{ "{\"sequence\":[\"zz\"]}", "/canonical/sequence/0", "no parameter zz" },
		{ "{\"sequence\":[\"op_1\",\"op_1.n\"]}", "/canonical", "inside a step" },
		{ "{\"sequence\":[\"op_1\"],\"ignore\":\"none\"}", "/canonical/ignore", "a list" },
		{ "{\"sequence\":[\"op_1\"],\"ignore\":[\"nil\"]}", "/canonical/ignore/0",
			"no step" },
		{ "{\"sequence\":[\"op_1\"],\"ordered\":1}", "/canonical/ordered",
			"true or false" },
		{ "{\"sequence\":[\"op_1\"],\"no_repeats\":null}", "/canonical/no_repeats",
			"true or false" },
		{ "{\"sequence\":[\"op_1\"],\"repeat\":true}", "/canonical/repeat",
			"unknown field" },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		refuse_all(fixture, PIPELINE, NULL, cases[i].canonical, cases[i].pointer,
			cases[i].message);
	assert_null(parse_all(fixture, PIPELINE, NULL, "null")->canonical);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(ignored_steps_drop_out),
		SPACE_TEST(without_a_declaration_slots_matter),
		SPACE_TEST(order_may_mean_nothing),
		SPACE_TEST(repeats_are_ruled_out),
		SPACE_TEST(plain_values_form_sequences_too),
		SPACE_TEST(distinct_pipelines_are_counted),
		SPACE_TEST(bad_declarations_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
