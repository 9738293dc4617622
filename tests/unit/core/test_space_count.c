/* How many points a space has; keys that tell them apart. */
#include "tests/unit/core/space_support.h"

/* book-cases.md H1, H2, H3 */
static const char lenet[] = "{\"filter_size\":" CHOICE("[8,16,32]") ",\"kernel_size\":" CHOICE(
	"[2,"
	"3,"
	"5]") ",\"l1_size\":" CHOICE("[32,64,128]") ",\"batch_size\":" CHOICE("[256,512,"
									      "1024]") ",\""
										       "lea"
										       "rni"
										       "ng_"
										       "rat"
										       "e\""
										       ":" CHOICE(
											       "[0"
											       ".0"
											       "1,"
											       "0."
											       "00"
											       "1,"
											       "0."
											       "00"
											       "01"
											       "]") "}";
static const char lenet_upgrade[] =
	"{\"activation\":" CHOICE("[\"sigmoid\",\"relu\"]") ",\"use_dropout\":" CHOICE(
		"[{\"_name\":0},{\"_name\":1,\"rate\":{\"_type\":\"choice\",\"_value\":[0.3,0.5,"
		"0.7]}}]") ",\"filter\":" CHOICE("[16,32]") ",\"kernel\":" CHOICE("[5,7]") ",\"l1\""
											   ":" CHOICE("[64,128,256]") ",\"batch\":" CHOICE(
												   "[512,1024]") ",\"lr\":" CHOICE("[0.001,0.0001]") "}";
static void book_spaces_have_their_counts(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(parse(fixture, lenet)->count, 243);
	assert_int_equal(parse(fixture, lenet_upgrade)->count, 384);
	assert_int_equal(parse(fixture, LENET_EVOLUTION)->count, 6353046);
	assert_true(parse(fixture, LENET_EVOLUTION)->finite);
}

static void counts_of_single_parameters(void **state)
{
	static const struct {
		const char *space;
		uint64_t count;
	} cases[] = {
		{ P("quniform", "[1,11,2.5]"), 6 },
		{ P("quniform", "[2,10,5]"), 3 },
		{ P("quniform", "[0,10,2.5]"), 5 },
		{ P("quniform", "[-5.5,-0.5,6]"), 2 },
		{ P("quniform", "[1,100,1]"), 100 },
		{ P("quniform", "[1,10000,0.01]"), 999901 },
		{ P("qloguniform", "[0.001,100,1]"), 101 },
		{ P("randint", "[-2,3]"), 5 },
		{ P("randint", "[10,11]"), 1 },
		{ P("int", "[1,10]"), 10 },
		{ P("int", "{\"low\":1,\"high\":10,\"step\":2}"), 5 },
		{ P("int", "{\"low\":7,\"high\":7}"), 1 },
		{ P("ordinal", "[\"s\",\"m\",\"l\"]"), 3 },
		{ P("fixed", "{\"a\":[1,2]}"), 1 },
		{ P("input_choice", "{\"candidates\":[1,2,3,4],\"n_chosen\":2}"), 6 },
		{ P("input_choice", "{\"candidates\":[1,2,3],\"n_chosen\":null}"), 8 },
		{ P("layer_choice", "[\"a\",\"b\"]"), 2 },
		{ P("uniform", "[0,1]"), 0 },
		{ P("qnormal", "[0,1,1]"), 0 },
		{ "{\"x\":{\"_type\":\"bool\"}}", 2 },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct space *space = parse(fixture, cases[i].space);
		assert_int_equal(space->count, cases[i].count);
		assert_int_equal(space->finite, cases[i].count > 0);
		assert_int_equal(space->parameters[0].n_values, cases[i].count);
	}
}

static void count_overflows_to_zero(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text;
	buffer_init(&text, 1u << 20);
	for (int n = 8; n <= 9; n++) { /* 256^8 = 2^64 */
		buffer_clear(&text);
		for (int i = 0; i < n; i++)
			buffer_printf(&text, "%c\"p%d\":{\"_type\":\"randint\",\"_value\":[0,256]}",
				i ? ',' : '{', i);
		buffer_add_char(&text, '}');
		const struct space *space = parse(fixture, buffer_text(&text));
		assert_true(space->finite);
		assert_int_equal(space->count, 0);
	}
	buffer_release(&text);
	const struct space *space =
		parse(fixture, "{\"a\":{\"_type\":\"randint\",\"_value\":[0,4294967296]},"
			       "\"b\":{\"_type\":\"randint\",\"_value\":[0,4294967295]}}");
	assert_true(space->count == UINT64_C(4294967296) * UINT64_C(4294967295));
}

/* Counts by going through every assignment of the unit cube's cell centres. */
static uint64_t brute_count(const struct space *space)
{
	double u[16], x[16];
	uint64_t total = 1, distinct = 0;
	struct key_set seen;
	key_set_init(&seen);
	for (size_t i = 0; i < space->n; i++)
		total *= space->parameters[i].n_values;
	for (uint64_t k = 0; k < total; k++) {
		uint64_t rest = k;
		for (size_t i = 0; i < space->n; i++) {
			uint64_t n = space->parameters[i].n_values;
			u[i] = parameter_to_unit(&space->parameters[i],
				parameter_value(&space->parameters[i], rest % n));
			rest /= n;
		}
		struct key128 key;
		space_from_unit(space, u, x);
		assert_true(space_contains(space, x));
		space_key(space, x, &key);
		assert_int_equal(key_set_add(&seen, &key), 0);
	}
	distinct = seen.n;
	key_set_release(&seen);
	return distinct;
}

static void entangled_conditions_are_counted(void **state)
{
	static const char *const spaces[] = {
		/* two parents */
		"{\"a\":{\"_type\":\"bool\"},\"b\":{\"_type\":\"choice\",\"_value\":[1,2,3]},"
		"\"c\":{\"_type\":\"int\",\"_value\":[1,5],\"_when\":{\"a\":[true],\"b\":[2,3]}}}",
		/* the parent is declared later, and is itself conditional */
		"{\"c\":{\"_type\":\"int\",\"_value\":[1,5],\"_when\":{\"b\":[2,3]}},"
		"\"b\":{\"_type\":\"choice\",\"_value\":[1,2,3],\"_when\":{\"a\":[false]}},"
		"\"a\":{\"_type\":\"bool\"}}",
		/* a numeric parent, and a nested child with a condition of its own */
		"{\"n\":{\"_type\":\"int\",\"_value\":[0,6]},\"op\":" CHOICE(
			"[{\"_name\":\"a\",\"k\":{\"_type\":\"int\",\"_value\":[1,3],\"_when\":{"
			"\"n\":[0,1,6]}},\"f\":{\"_type\":\"bool\"}},{\"_name\":\"b\"}]") "}",
		/* a child of two children */
		"{\"a\":{\"_type\":\"bool\"},\"b\":{\"_type\":\"bool\",\"_when\":{\"a\":[true]}},"
		"\"c\":{\"_type\":\"ordinal\",\"_value\":[1,2,3],\"_when\":{\"a\":[true,false]}},"
		"\"d\":{\"_type\":\"randint\",\"_value\":[0,4],\"_when\":{\"b\":[false],\"c\":[1,3]"
		"}},\"e\":{\"_type\":\"bool\"}}",
		/* never active */
		"{\"op\":" CHOICE("[{\"_name\":\"a\",\"k\":{\"_type\":\"int\",\"_value\":[1,3],"
				  "\"_when\":{\"op\":[\"b\"]}}},{\"_name\":\"b\"}]") "}",
	};
	static const uint64_t counts[] = { 14, 12, 33, 30, 2 };
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(spaces); i++) {
		const struct space *space = parse(fixture, spaces[i]);
		assert_int_equal(space->count, brute_count(space));
		assert_int_equal(space->count, counts[i]);
	}
}

static void keys_tell_points_apart(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture, lenet_upgrade);
	assert_int_equal(brute_count(space), 384);
	double x[2] = { 0.0, -0.0 };
	struct key128 a, b;
	space = parse(fixture, P("uniform", "[-1,1]"));
	space_key(space, &x[0], &a);
	space_key(space, &x[1], &b);
	assert_true(key_equal(&a, &b));
}

/* Every point once, in order, and then the first again. */
static void points_follow_each_other(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture, lenet_upgrade);
	double x[LIMIT_PARAMETERS];
	struct key_set seen;
	size_t n = 0;
	key_set_init(&seen);
	for (int round = 0; round < 2; round++) {
		space_first(space, x);
		do {
			struct key128 key;
			assert_true(space_contains(space, x));
			space_key(space, x, &key);
			assert_int_equal(key_set_has(&seen, &key), round);
			assert_int_equal(key_set_add(&seen, &key), 0);
			n++;
		} while (space_next(space, x));
	}
	assert_int_equal(n, 2 * space->count);
	key_set_release(&seen);
}

/* Subset number k of an input_choice, as its candidates. */
static void subsets_are_taken_apart(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse(
		fixture, P("input_choice", "{\"candidates\":[\"a\",\"b\",\"c\"],\"n_chosen\":2}"));
	uint32_t picked[3];
	assert_int_equal(parameter_subset(&space->parameters[0], 2, picked), 2);
	assert_int_equal(picked[0], 1);
	assert_int_equal(picked[1], 2);
}

/* An identity makes points equal that differ, and rules points out. */
static bool parity(const void *context, const double *x, struct key128 *key)
{
	(void)context;
	key_init(key, (uint64_t)x[0] % 2);
	return x[0] != 4;
}

static void an_identity_makes_keys(void **state)
{
	struct fixture *fixture = *state;
	const struct space_identity identity = { .key = parity, .work = 1 };
	struct space space = *parse(fixture, P("int", "[0,5]"));
	struct key128 a, b;
	space.identity = &identity;
	space_key(&space, &(double){ 1 }, &a);
	space_key(&space, &(double){ 3 }, &b);
	assert_true(key_equal(&a, &b));
	space_key(&space, &(double){ 2 }, &b);
	assert_false(key_equal(&a, &b));
	assert_true(space_canonical_ok(&space, &(double){ 2 }));
	assert_false(space_canonical_ok(&space, &(double){ 4 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(book_spaces_have_their_counts),
		SPACE_TEST(counts_of_single_parameters),
		SPACE_TEST(count_overflows_to_zero),
		SPACE_TEST(entangled_conditions_are_counted),
		SPACE_TEST(keys_tell_points_apart),
		SPACE_TEST(points_follow_each_other),
		SPACE_TEST(subsets_are_taken_apart),
		SPACE_TEST(an_identity_makes_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
