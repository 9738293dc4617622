/* What is refused, where, and with which words: spaces and points. */
#include "tests/unit/core/space_support.h"

/* nni-features.md 1.4 and 1.6, and our own rules. */
static const struct {
	const char *space, *pointer, *message;
} bad_spaces[] = {
	{ "\"x\"", "/search_space", "is an object" },
	{ "[1", "/search_space", "line 1" },
	{ "{}", "/search_space", "no parameters" },
	{ "{\"x\":[1,2,3]}", "/search_space/x", "an object with _type and _value" },
	{ "{\"x\":{\"type\":\"choice\",\"value\":[1]}}", "/search_space/x/type", "unknown field" },
	{ "{\"x\":{\"type\":\"choice\",\"value\":[1]}}", "/search_space/x/_type", "needs _type" },
	{ "{\"_type\":\"choice\",\"_value\":[1]}", "/search_space/_type",
		"put this parameter under a name" },
	{ "{\"x\":{\"_type\":\"choice\"}}", "/search_space/x", "a list" },
	{ "{\"\":{\"_type\":\"bool\"}}", "/search_space/", "needs a name" },
	{ P("choic", "[1]"), "/search_space/x/_type", "no type \"choic\"" },
	{ P("choice", "\"ab\""), "/search_space/x/_value", "a list" },
	{ P("choice", "[]"), "/search_space/x/_value", "at least one" },
	{ P("choice", "[1,\"a\",1.0]"), "/search_space/x/_value/2", "number 0" },
	{ P("choice", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]"), "/search_space/x/_value/1",
		"the same" },
	{ P("choice", "[{\"_name\":\"a\"},{\"_name\":\"a\"}]"), "/search_space/x/_value/1",
		"same _name" },
	{ P("choice", "[{\"_name\":[1]}]"), "/search_space/x/_value/0/_name", "a string" },
	{ P("choice", "[{\"_name\":\"a\",\"r\":3}]"), "/search_space/x/_value/0/r", "an object" },
	{ P("choice", "[{\"_name\":\"a\",\"r\":{\"_type\":\"uniform\",\"_value\":[1,0]}}]"),
		"/search_space/x/_value/0/r/_value", "high must be above low" },
	{ P("randint", "[1,2,3]"), "/search_space/x/_value", "[low, high]" },
	{ P("randint", "[1.0,2.0]"), "/search_space/x/_value/0", "integer" },
	{ P("randint", "[0,true]"), "/search_space/x/_value/1", "integer" },
	{ P("randint", "[0,0]"), "/search_space/x/_value", "above low" },
	{ P("randint", "[0,9007199254740993]"), "/search_space/x/_value/1", "2^53" },
	{ P("quniform", "[0]"), "/search_space/x/_value", "[low, high, q]" },
	{ P("quniform", "[2,1,0.1]"), "/search_space/x/_value", "above low" },
	{ P("quniform", "[0,1,0]"), "/search_space/x/_value/2", "q must be above 0" },
	{ P("quniform", "[0,1,-1]"), "/search_space/x/_value/2", "q must be above 0" },
	{ P("quniform", "[0,1,1e-300]"), "/search_space/x/_value", "too small" },
	{ P("uniform", "[\"0.1\",\"0.2\"]"), "/search_space/x/_value/0", "a number" },
	{ P("uniform", "[\"0.1\",\"0.2\"]"), "/search_space/x/_value/1", "a number" },
	{ P("uniform", "[0,true]"), "/search_space/x/_value/1", "a number" },
	{ P("uniform", "[99.9,99.9]"), "/search_space/x/_value", "\"_value\": 99.9}" },
	{ P("uniform", "[-1e308,1e308]"), "/search_space/x/_value", "too wide" },
	{ P("uniform", "{\"low\":0}"), "/search_space/x/_value/high", "missing" },
	{ P("uniform", "{\"low\":0,\"high\":1,\"q\":1}"), "/search_space/x/_value/q",
		"unknown field" },
	{ P("loguniform", "[0,1]"), "/search_space/x/_value", "above 0" },
	{ P("loguniform", "[1,1]"), "/search_space/x/_value", "above low" },
	{ P("normal", "[0,0]"), "/search_space/x/_value", "sigma" },
	{ P("lognormal", "[0,100]"), "/search_space/x/_value", "overflows" },
	{ P("qnormal", "[0,1,0]"), "/search_space/x/_value/2", "q must" },
	{ P("int", "[3,1]"), "/search_space/x/_value", "below low" },
	{ P("int", "{\"low\":1,\"high\":3,\"step\":0}"), "/search_space/x/_value/step",
		"at least 1" },
	{ P("int", "{\"low\":1,\"high\":3,\"step\":2,\"log\":true}"), "/search_space/x/_value/step",
		"no step" },
	{ P("int", "{\"low\":0,\"high\":3,\"log\":true}"), "/search_space/x/_value", "at least 1" },
	{ P("int", "{\"low\":1,\"high\":3,\"log\":1}"), "/search_space/x/_value/log",
		"true or false" },
	{ P("bool", "[true]"), "/search_space/x/_value", "left out" },
	{ "{\"x\":{\"_type\":\"fixed\"}}", "/search_space/x", "the value" },
	{ P("input_choice", "[1,2]"), "/search_space/x/_value", "candidates" },
	{ P("input_choice", "{\"candidates\":[1,2],\"n_chosen\":3}"),
		"/search_space/x/_value/n_chosen", "from 1 to 2" },
	{ P("input_choice", "{\"candidates\":[1,1]}"), "/search_space/x/_value/candidates/1",
		"number 0" },
	{ P("input_choice", "{\"candidates\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}"),
		"/search_space/x/_value", "subsets" },
	{ "{\"a.b\":{\"_type\":\"bool\"},\"a\":" CHOICE(
		  "[{\"_name\":\"n\",\"b\":{\"_type\":\"bool\"}}]") "}",
		"/search_space/a.b", "same address" },
	{ "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1],\"_default\":2}}",
		"/search_space/x/_default", "from 0 to 1" },
	{ "{\"x\":{\"_type\":\"choice\",\"_value\":[1,2],\"_default\":\"1\"}}",
		"/search_space/x/_default", "one of the 2 options" },
	{ "{\"x\":{\"_type\":\"bool\",\"_when\":{\"y\":[1]}}}", "/search_space/x/_when/y",
		"no parameter y" },
	{ "{\"x\":{\"_type\":\"bool\",\"_when\":{\"x\":[true]}}}", "/search_space/x/_when/x",
		"on itself" },
	{ "{\"x\":{\"_type\":\"bool\",\"_when\":[]}}", "/search_space/x/_when", "an object" },
	{ "{\"x\":{\"_type\":\"bool\",\"_when\":{\"y\":true}},\"y\":{\"_type\":\"bool\"}}",
		"/search_space/x/_when/y", "a list" },
	{ "{\"x\":{\"_type\":\"bool\",\"_when\":{\"y\":[0]}},\"y\":{\"_type\":\"bool\"}}",
		"/search_space/x/_when/y/0", "one of the 2 options" },
	{ "{\"x\":{\"_type\":\"bool\",\"_when\":{\"y\":[0.5]}},"
	  "\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}",
		"/search_space/x/_when/y", "continuous" },
	{ "{\"x\":{\"_type\":\"bool\",\"_when\":{\"op.k\":[true]}},\"op\":" CHOICE(
		  "[{\"_name\":\"n\",\"k\":{\"_type\":\"bool\"}}]") "}",
		"/search_space/x/_when/op.k", "no parameter op.k" },
	{ "{\"x\":{\"_type\":\"bool\",\"_when\":{\"y\":[true]}},"
	  "\"y\":{\"_type\":\"bool\",\"_when\":{\"z\":[true]}},"
	  "\"z\":{\"_type\":\"bool\",\"_when\":{\"y\":[true]}}}",
		"/search_space/y", "cycle" },
};

static void bad_spaces_are_refused(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(bad_spaces); i++)
		refuse(fixture, bad_spaces[i].space, bad_spaces[i].pointer, bad_spaces[i].message);
}

static void all_faults_are_reported(void **state)
{
	struct fixture *fixture = *state;
	refuse_all(fixture,
		"{\"a\":{\"_type\":\"uniform\",\"_value\":[1,0]},\"b\":{\"_type\":\"nope\"},"
		"\"c\":" CHOICE("[{\"_name\":\"p\",\"q\":{\"_type\":\"quniform\",\"_value\":[0,1,0]"
				"}},{\"_name\":\"p\"}]") "}",
		"[\"a < \", \"zz < 1\"]", "{\"sequence\":[\"nope\"]}", "/search_space/a/_value",
		"above low");
	assert_true(has_fault(fixture, "/search_space/b/_type", "no type"));
	assert_true(has_fault(fixture, "/search_space/c/_value/1", "same _name"));
	assert_true(has_fault(fixture, "/search_space/c/_value/0/q/_value/2", "above 0"));
	assert_true(has_fault(fixture, "/parameter_constraints/0", "not finished"));
	assert_true(has_fault(fixture, "/parameter_constraints/1", "no parameter zz"));
	assert_true(has_fault(fixture, "/canonical/sequence/0", "no parameter nope"));
	assert_int_equal(fixture->faults.n, 7);
}

static const struct {
	const char *point, *pointer, *message;
} bad_points[] = {
	{ "[]", "/parameters", "an object" },
	{ "{\"op\":{\"_name\":\"none\"},\"m\":true}", "/parameters/lr", "is missing" },
	{ "{\"lr\":2,\"op\":{\"_name\":\"none\"},\"m\":true}", "/parameters/lr",
		"from 0.001 to 1" },
	{ "{\"lr\":\"0.1\",\"op\":{\"_name\":\"none\"},\"m\":true}", "/parameters/lr",
		"must be a number" },
	{ "{\"lr\":true,\"op\":{\"_name\":\"none\"},\"m\":true}", "/parameters/lr",
		"must be a number" },
	{ "{\"lr\":0.1,\"op\":\"none\",\"m\":true}", "/parameters/op", "with _name" },
	{ "{\"lr\":0.1,\"op\":{\"_name\":\"pool\"}}", "/parameters/op/_name",
		"one of the 2 options" },
	{ "{\"lr\":0.1,\"op\":{\"_name\":\"none\",\"k\":1},\"m\":true}", "/parameters/op/k",
		"in this branch" },
	{ "{\"lr\":0.1,\"op\":{\"_name\":\"none\"},\"m\":1}", "/parameters/m",
		"one of the 2 options" },
	{ "{\"lr\":0.1,\"op\":{\"_name\":\"none\"},\"m\":true,\"z\":1}", "/parameters/z",
		"no such parameter" },
	{ "{\"lr\":0.1,\"op\":{\"_name\":\"conv\",\"k\":1,\"d\":0.3},\"m\":true}", "/parameters/m",
		"not active" },
	{ "{\"lr\":0.1,\"op\":{\"_name\":\"conv\",\"k\":1.5,\"d\":0.3}}", "/parameters/op/k",
		"grid" },
	{ "{\"lr\":0.1,\"op\":{\"_name\":\"conv\",\"k\":1,\"d\":0.35}}", "/parameters/op/d",
		"grid" },
	{ "{\"lr\":0.1,\"op\":{\"_name\":\"conv\",\"k\":6,\"d\":0.3}}", "/parameters/op/k",
		"from 1 to 5" },
};

static void points_are_read_strictly(void **state)
{
	static const char space_json[] =
		"{\"lr\":{\"_type\":\"loguniform\",\"_value\":[0.001,1]},"
		"\"op\":" CHOICE("[{\"_name\":\"none\"},{\"_name\":\"conv\",\"k\":{"
				 "\"_type\":\"int\",\"_value\":"
				 "[1,5]},\"d\":{\"_type\":\"quniform\",\"_value\":["
				 "0,1,0.1]}}]") ",\"m\":{\"_type\":\"bool\",\"_"
						"when\":{\"op\":[\"none\"]}}}";
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture, space_json);
	double x[8];
	for (size_t i = 0; i < COUNT_OF(bad_points); i++) {
		faults_init(&fixture->faults);
		int rc = space_read(
			space, bad_points[i].point, false, x, &fixture->faults, &fixture->err);
		assert_int_equal(rc, CODE_INVALID);
		if (!has_fault(fixture, bad_points[i].pointer, bad_points[i].message))
			print_error("%s gave %s: %s\n", bad_points[i].point,
				fixture->faults.items[0].pointer, fixture->faults.items[0].message);
		assert_true(has_fault(fixture, bad_points[i].pointer, bad_points[i].message));
	}
	assert_int_equal(
		space_read(space, "{", false, x, &fixture->faults, &fixture->err), CODE_MALFORMED);
	/* A grid value computed in floating point is meant, and stored exactly. */
	read_point(fixture, space,
		"{\"lr\":1.0000000001,\"op\":{\"_name\":\"conv\",\"k\":3.0,\"d\":0."
		"30000000000000004}}",
		x);
	assert_true(x[0] == 1.0);
	assert_true(x[space_find(space, "op.d")] == 0.3);
	assert_true(x[space_find(space, "op.k")] == 3.0);
	assert_true(space_contains(space, x));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(bad_spaces_are_refused),
		SPACE_TEST(all_faults_are_reported),
		SPACE_TEST(points_are_read_strictly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
