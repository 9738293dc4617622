/* What is wrong with a model space, and where: every rule once. */
#include "tests/unit/algorithms/model_support.h"

#define LINE(from, middle, to) EDGE(from, middle) "," EDGE(middle, to)
/* One node a between one input of a shape and the output. */
#define ONE(shape, node)      MODEL("\"x\":" shape, "\"a\":" node, LINE("_inputs", "a", "_outputs"))
#define CHOICE_OF(candidates) "{\"type\":\"LayerChoice\",\"candidates\":" candidates "}"
#define SOME		      VALUES("k", "[1,2]")

static const struct {
	const char *json, *pointer, *message;
} cases[] = {
	{ "[]", "/model_space:", "must be an object" },
	{ "{", "/model_space:", "line 1" },
	{ MODEL_WITH(
		  "\"x\":[]", "\"a\":" PLUS(SOME), LINE("_inputs", "a", "_outputs"), "\"what\":1"),
		"/model_space/what:", "not a known field" },
	{ MODEL("", "\"a\":" PLUS(SOME), LINE("_inputs", "a", "_outputs")),
		"/model_space/inputs:", "object of 1 to 64 shapes" },
	{ ONE("[0]", PLUS(SOME)), "/model_space/inputs/x/0:", "integer from 1" },
	{ ONE("[1,2,3,4,5]", PLUS(SOME)), "/model_space/inputs/x:", "at most 4 axes" },
	{ MODEL("\"x\":[]", "\"x\":" PLUS(SOME), LINE("_inputs", "x", "_outputs")),
		"/model_space/nodes/x:", "name of an input" },
	{ MODEL("\"x\":[]", "\"a/b\":" PLUS(SOME), LINE("_inputs", "a/b", "_outputs")),
		"/model_space/nodes/a~1b:", "no /" },
	/* edges */
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME), LINE("_inputs", "b", "_outputs")),
		"/model_space/edges/0/to:", "no node of this name" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME), LINE("_inputs", "a", "_outputs") ",7"),
		"/model_space/edges/2:", "must be an object" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME), "{\"from\":[\"_inputs\",1],\"to\":\"a\"}"),
		"/model_space/edges/0/from:", "1 input" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME),
		  "{\"from\":\"_inputs\",\"to\":[\"a\",0]},{\"from\":\"_inputs\",\"to\":[\"a\",0]"
		  "}"),
		"/model_space/edges/1/to:", "two edges" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME),
		  "{\"from\":\"_inputs\",\"to\":[\"a\",1]}," EDGE("a", "_outputs")),
		"/model_space/edges:", "no edge leads into slot 0 of a" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME), EDGE("_inputs", "a")),
		"/model_space/edges:", "_outputs" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME),
		  EDGE("_inputs", "a") ",{\"from\":[\"a\",1],\"to\":\"_outputs\"}"),
		"/model_space/edges:", "a has 1 output, not slot 1" },
	{ MODEL("\"x\":[]", "\"a\":" NODE("Add") ",\"b\":" PLUS(SOME),
		  EDGE("_inputs", "a") "," EDGE("b", "a") "," EDGE("a", "b") "," EDGE(
			  "b", "_outputs")),
		"/model_space/nodes/b:", "cycle" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME) ",\"b\":" NODE("ReLU"),
		  LINE("_inputs", "a", "_outputs")),
		"/model_space/nodes/b:", "nothing goes into" },
	{ MODEL("\"x\":[]", "\"a\":" NODE("ReLU"),
		  EDGE("_inputs", "a") "," EDGE("_inputs", "a") "," EDGE("a", "_outputs")),
		"/model_space/nodes/a:", "takes one input, has 2" },
	/* nodes and parameters */
	{ ONE("[]", "7"), "/model_space/nodes/a:", "object with a type" },
	{ ONE("[]", NODE("Warp")), "/model_space/nodes/a/type:", "no operation" },
	{ ONE("[]", NODE("Input")), "/model_space/nodes/a/type:", "no operation" },
	{ ONE("[3,8,8]", WITH("Conv2d", "\"kernel_size\":3")),
		"/model_space/nodes/a/parameters/out_channels:", "is required" },
	{ ONE("[3,8,8]", WITH("Conv2d", "\"out_channels\":0,\"kernel_size\":[3,2.5]")),
		"/model_space/nodes/a/parameters/kernel_size/1:", "an integer" },
	{ ONE("[8]", WITH("Linear", "\"out_features\":4,\"bias\":1")),
		"/model_space/nodes/a/parameters/bias:", "true or false" },
	{ ONE("[8]", WITH("ReLU", "\"slope\":1")),
		"/model_space/nodes/a/parameters/slope:", "no parameter of ReLU" },
	{ ONE("[8]", WITH("Dropout", "\"p\":2")),
		"/model_space/nodes/a/parameters/p:", "a number from 0 to 1" },
	{ ONE("[8]", WITH("Dropout", "\"p\":{}")),
		"/model_space/nodes/a/parameters/p:", "ValueChoice" },
	/* mutators */
	{ ONE("[]", NODE("ReLU")), "/model_space:", "nothing to choose" },
	{ ONE("[]", PLUS(VALUES("k", "[]"))),
		"/model_space/nodes/a/parameters/value/values:", "a list of 1" },
	{ ONE("[]", PLUS(VALUES("k", "[1,\"2\"]"))),
		"/model_space/nodes/a/parameters/value/values/1:", "must be a number" },
	{ ONE("[]", PLUS(VALUES("k", "[1,1]"))), "/model_space:", "label k" },
	{ ONE("[]", PLUS(VALUES("_k", "[1,2]"))),
		"/model_space/nodes/a/parameters/value/label:", "the first a letter" },
	{ ONE("[]", PLUS(VALUES("k{i}", "[1,2]"))),
		"/model_space/nodes/a/parameters/value/label:", "only inside a Repeat" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME) ",\"b\":" PLUS(VALUES("k", "[1,3]")),
		  EDGE("_inputs", "a") "," LINE("a", "b", "_outputs")),
		"/model_space/nodes/b/parameters/value:", "other choices" },
	{ ONE("[]", CHOICE_OF("[]")), "/model_space/nodes/a/candidates:", "1 to 256 nodes" },
	{ ONE("[]", CHOICE_OF("{\"b\":{\"type\":\"Warp\"}}")),
		"/model_space/nodes/a/candidates/b/type:", "no operation" },
	{ ONE("[]", CHOICE_OF("[" NODE("ReLU") ",7]")),
		"/model_space/nodes/a/candidates/1:", "object with a type" },
	{ ONE("[]", "{\"type\":\"InputChoice\",\"n_chosen\":2}"),
		"/model_space/nodes/a/n_chosen:", "from 1 to 1" },
	{ ONE("[]", "{\"type\":\"InputChoice\",\"reduction\":\"max\"}"),
		"/model_space/nodes/a/reduction:", "sum, mean, concat, none" },
	{ ONE("[]", "{\"type\":\"InputChoice\",\"n_chosen\":null,\"reduction\":\"none\"}"),
		"/model_space/nodes/a/reduction:", "each is an output" },
	{ ONE("[]", "{\"type\":\"Repeat\",\"depth\":[1,2]}"),
		"/model_space/nodes/a:", "either a block" },
	{ ONE("[]", "{\"type\":\"Repeat\",\"depth\":[3,2],\"block\":" NODE("ReLU") "}"),
		"/model_space/nodes/a/depth:", "[least, most]" },
	{ ONE("[]", "{\"type\":\"Repeat\",\"depth\":[1,3],\"blocks\":[" NODE("ReLU") "]}"),
		"/model_space/nodes/a/depth:", "there are 1 blocks" },
	{ ONE("[]", "{\"type\":\"Repeat\",\"depth\":[1,65],\"block\":" NODE("ReLU") "}"),
		"/model_space/nodes/a/depth:", "at most 64" },
	{ ONE("[]", "{\"type\":\"Cell\",\"nodes\":33,\"candidates\":[" NODE("ReLU") "]}"),
		"/model_space/nodes/a/nodes:", "1 to 32" },
	{ ONE("[]", "{\"type\":\"Subgraph\",\"graph\":\"g\"}"),
		"/model_space/nodes/a/graph:", "one of \"graphs\"" },
	{ MODEL_WITH("\"x\":[]", "\"a\":{\"type\":\"Subgraph\",\"graph\":\"g\"}",
		  LINE("_inputs", "a", "_outputs"),
		  "\"graphs\":{\"g\":{\"nodes\":{\"b\":{\"type\":\"Subgraph\",\"graph\":\"g\"}},"
		  "\"edges\":[" LINE("_inputs", "b", "_outputs") "]}}"),
		"/model_space/graphs/g/nodes/b/graph:", "contains itself" },
	/* expressions */
	{ ONE("[]", PLUS("{\"expression\":\"q * 2\"}")), "/model_space:", "nothing to choose" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME) ",\"b\":" PLUS("{\"expression\":\"q * 2\"}"),
		  EDGE("_inputs", "a") "," LINE("a", "b", "_outputs")),
		"/model_space/nodes/b/parameters/value/expression:", "no parameter q" },
	{ MODEL("\"x\":[]", "\"a\":" PLUS(SOME) ",\"b\":" PLUS("{\"expression\":\"k < 2\"}"),
		  EDGE("_inputs", "a") "," LINE("a", "b", "_outputs")),
		"/model_space/nodes/b/parameters/value/expression:", "no comparison" },
	{ MODEL("\"x\":[4]",
		  "\"a\":" PLUS(SOME) ",\"b\":" WITH(
			  "Linear", "\"out_features\":{\"expression\":\"k / 2\"}"),
		  EDGE("_inputs", "a") "," LINE("a", "b", "_outputs")),
		"/model_space/nodes/b:", "out_features = k / 2 is 0.5, must be an integer" },
	/* shapes, found by freezing */
	{ ONE("[3,8,8]",
		  WITH("Conv2d", "\"out_channels\":4,\"kernel_size\":" VALUES("k", "[3,9]"))),
		"/model_space/nodes/a:", "the kernel reaches over 9 positions, but axis 1 has 8" },
	{ ONE("[3,8]", WITH("Conv2d", "\"out_channels\":4,\"kernel_size\":" SOME)),
		"/model_space/nodes/a:", "takes [channels, height, width], not [3, 8]" },
	{ MODEL("\"x\":[4,8,8]",
		  "\"a\":" WITH(
			  "Conv2d", "\"out_channels\":" VALUES("c",
					    "[4,6]") ",\"kernel_size\":1") ",\"b\":" NODE("Add"),
		  EDGE("_inputs", "a") "," EDGE("_inputs", "b") "," LINE("a", "b", "_outputs")),
		"/model_space/nodes/b:", "inputs of one shape, has [4, 8, 8] and [6, 8, 8]" },
	{ ONE("[4]", CHOICE_OF("{\"a\":" NODE("ReLU") ",\"b\":" NODE("GlobalAvgPool") "}")),
		"/model_space/nodes/a/candidates/b:", "at least one more axis" },
};

static void test_faults(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *found = model_faults(fixture, cases[i].json);
		const char *at = strstr(found, cases[i].pointer);
		if (!at || !strstr(at, cases[i].message))
			print_error("case %zu: %s\n%s not found in:\n%s", i, cases[i].json,
				cases[i].message, found);
		assert_non_null(at);
		assert_non_null(strstr(at, cases[i].message));
	}
}

/* Blocks in blocks in blocks: 64^3 nodes are refused, not written out. */
static void test_explosion(void **state)
{
#define REPEAT(block) "{\"type\":\"Repeat\",\"depth\":64,\"block\":" block "}"
	struct fixture *fixture = *state;
	const char *found = model_faults(fixture, ONE("[]", REPEAT(REPEAT(REPEAT(PLUS(SOME))))));
	assert_non_null(strstr(found, "more than 16384 nodes"));
}

static void test_options_explosion(void **state)
{
	struct fixture *fixture = *state;
	struct buffer json;
	buffer_init(&json, 1 << 20);
	buffer_add_text(&json,
		"{\"inputs\":{\"x\":[]},\"nodes\":{\"a\":{\"type\":\"Repeat\",\"depth\":64,"
		"\"block\":{\"type\":\"Add\",\"parameters\":{\"value\":{\"type\":\"ValueChoice\","
		"\"values\":[0");
	for (int i = 1; i < 5000; i++)
		buffer_printf(&json, ",%d", i);
	buffer_add_text(&json, "]}}}}},\"edges\":[" LINE("_inputs", "a", "_outputs") "]}");
	assert_non_null(
		strstr(model_faults(fixture, buffer_text(&json)), "more than 262144 options"));
	buffer_release(&json);
}

static void test_depth(void **state)
{
#define NEST(node)  CHOICE_OF("[" node "]")
#define NEST4(node) NEST(NEST(NEST(NEST(node))))
	struct fixture *fixture = *state;
	assert_non_null(
		strstr(model_faults(fixture, ONE("[]", NEST4(NEST4(NEST4(NEST4(NODE("ReLU"))))))),
			"nested deeper than 16 levels"));
	model_parse(fixture, ONE("[]", NEST4(NEST4(NEST4(NEST(NEST(NEST(NODE("ReLU")))))))));
}

/* A shape that fits in no sample breaks the space only where an output needs it. */
static void test_dead_misfit(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(
		fixture, MODEL("\"x\":[4]", "\"a\":" PLUS(SOME) ",\"b\":" NODE("GlobalAvgPool"),
				 EDGE("_inputs", "b") "," LINE("_inputs", "a", "_outputs")));
	assert_string_equal(model_count(fixture, model), "2");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_faults),
		TEST(test_explosion),
		TEST(test_options_explosion),
		TEST(test_depth),
		TEST(test_dead_misfit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
