/* The book's model spaces (book-cases.md 5): how many samples, how many models, which is best. */
#include "tests/unit/algorithms/model_support.h"

/* Counts and sums of small integers: exact in a double. */
static void check_number(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		print_error("%.17g is not %.17g\n", value, expected);
	assert_true(fabs(value - expected) <= tolerance);
}

/* ---- a client that evaluates graphs of numbers ---- */

static double apply(const struct model_node *node, const double *values)
{
	const char *op = node->op->name;
	double value = values[node->inputs[0]];
	if (strcmp(op, "Tanh") == 0)
		return tanh(value);
	if (strcmp(op, "Sigmoid") == 0)
		return 1 / (1 + exp(-value));
	if (strcmp(op, "ReLU") == 0)
		return fmax(value, 0);
	bool product = strcmp(op, "Multiply") == 0;
	assert_true(product || strcmp(op, "Add") == 0);
	double constant = node->attributes[0].v[0];
	if (!isnan(constant))
		return product ? value * constant : value + constant;
	for (size_t k = 1; k < node->n_inputs; k++)
		value = product ? value * values[node->inputs[k]] : value + values[node->inputs[k]];
	return value;
}

static double evaluate(const struct model_graph *graph, double input)
{
	double values[64];
	assert_true(graph->n <= COUNT_OF(values));
	values[0] = input;
	for (size_t i = 1; i < graph->n; i++)
		values[i] = apply(&graph->nodes[i], values);
	return values[graph->outputs[0]];
}

/* Evaluates every sample at 1; outputs gets the results, in the order of the points. */
static size_t evaluate_all(struct fixture *fixture, const struct model_space *model,
	double *outputs, size_t room, double *best)
{
	const struct space *space = model_space_points(model);
	const struct model_graph *graph;
	double x[16];
	size_t n = 0;
	assert_true(space->n <= COUNT_OF(x));
	space_first(space, x);
	do {
		assert_true(n < room);
		assert_int_equal(model_freeze(model, x, &fixture->arena, &graph, &fixture->err), 0);
		outputs[n] = evaluate(graph, 1);
		if (n == 0 || outputs[n] > outputs[(size_t)best[15]]) {
			memcpy(best, x, space->n * sizeof(*x));
			best[15] = (double)n;
		}
		n++;
	} while (space_next(space, x));
	return n;
}

static void check_best(struct fixture *fixture, const struct model_space *model, const double *best,
	const char *expected)
{
	buffer_clear(&fixture->text);
	space_write(model_space_points(model), best, &fixture->text);
	assert_string_equal(buffer_text(&fixture->text), expected);
}

static void test_arithmetic_graph(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, BOOK_N1);
	double outputs[27], best[16];
	assert_string_equal(model_count(fixture, model), "27");
	assert_int_equal(evaluate_all(fixture, model, outputs, 27, best), 27);
	check_number(outputs[(size_t)best[15]], 16, 0);
	check_best(fixture, model, best, "{\"op1\":\"relu\",\"add\":2,\"op2\":\"relu\"}");
	assert_int_equal(model_distinct(fixture, model), 27);
	assert_int_equal(model_space_points(model)->count, 27);
}

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x < y) - (x > y);
}

static void test_choice_with_replacement(void **state)
{
	static const double expected[] = { 48, 30, 30, 26, 26, 12, 8, 8, 4 };
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, BOOK_N2);
	double outputs[9], best[16];
	assert_string_equal(model_count(fixture, model), "9");
	assert_int_equal(evaluate_all(fixture, model, outputs, 9, best), 9);
	check_best(fixture, model, best, "{\"pick_0\":2,\"pick_1\":2}");
	qsort(outputs, 9, sizeof(*outputs), descending);
	for (size_t i = 0; i < 9; i++)
		check_number(outputs[i], expected[i], 0);
	assert_int_equal(model_distinct(fixture, model), 6);
}

/* A tuner sees two orders of one choice as one point, unless the space says otherwise. */
static void test_isomorphic_points(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, BOOK_N2);
	const struct space *space = model_space_points(model);
	struct key128 one, other;
	space_key(space, (double[]){ 0, 1 }, &one);
	space_key(space, (double[]){ 1, 0 }, &other);
	assert_true(key_equal(&one, &other));
	space_key(space, (double[]){ 1, 1 }, &other);
	assert_false(key_equal(&one, &other));

	buffer_clear(&fixture->text);
	buffer_add(&fixture->text, BOOK_N2, sizeof(BOOK_N2) - 2);
	buffer_add_text(&fixture->text, ",\"merge_isomorphic\":false}");
	model = model_parse(fixture, arena_strdup(&fixture->arena, buffer_text(&fixture->text)));
	space = model_space_points(model);
	space_key(space, (double[]){ 0, 1 }, &one);
	space_key(space, (double[]){ 1, 0 }, &other);
	assert_false(key_equal(&one, &other));
}

static void test_repeat(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, BOOK_N3);
	double outputs[5], best[16];
	assert_string_equal(model_count(fixture, model), "5");
	assert_int_equal(evaluate_all(fixture, model, outputs, 5, best), 5);
	for (size_t i = 0; i < 5; i++)
		check_number(outputs[i], 1 + (double)(i * (i + 1)) / 2, 0);
	check_best(fixture, model, best, "{\"depth\":5}");
	assert_int_equal(model_distinct(fixture, model), 5);
}

/* Two mutators of one label are one dimension, and take one value. */
static void test_shared_label(void **state)
{
	static const char json[] = MODEL("\"x\":[]",
		"\"a\":" PLUS(VALUES("k", "[1,5]")) ",\"b\":" TIMES(VALUES("k", "[1,5]")),
		EDGE("_inputs", "a") "," EDGE("a", "b") "," EDGE("b", "_outputs"));
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, json);
	const struct model_dimension *dimensions;
	double outputs[2], best[16];
	assert_int_equal(model_space_dimensions(model, &dimensions), 1);
	assert_string_equal(dimensions[0].label, "k");
	assert_string_equal(dimensions[0].mutator, "ValueChoice");
	assert_int_equal(dimensions[0].n_uses, 2);
	assert_int_equal(dimensions[0].n_values, 2);
	assert_string_equal(model_count(fixture, model), "2");
	evaluate_all(fixture, model, outputs, 2, best);
	check_number(outputs[0], 2, 0);
	check_number(outputs[1], 30, 0);
}

/* A dropout that is not chosen has a rate that changes nothing. */
static void test_lenet(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_hub(fixture, "lenet");
	const struct model_graph *graph;
	assert_string_equal(model_count(fixture, model), "186880");
	assert_int_equal(model_space_points(model)->count, 186880);
	graph = model_sample(fixture, model,
		"{\"fe_depth\":2,\"fe_activation\":\"relu\",\"fe_kernel_size_0\":5,\"fe_switch_0\":"
		"0,"
		"\"fe_kernel_size_1\":3,\"fe_switch_1\":0,\"fc_depth\":1,\"fc_activation\":"
		"\"relu\","
		"\"l1_size\":128,\"l1_dropout\":0.5,\"fc_switch_1\":1}");
	/* 3->8 (5x5), 8->16 (3x3), 16*8*8->128, 128->10 */
	check_number(graph->parameters, 608 + 1168 + (1024 * 128 + 128) + (128 * 10 + 10), 0);
	check_number(graph->flops, 600.0 * 32 * 32 + 1152.0 * 16 * 16 + 1024 * 128 + 128 * 10, 0);
	/* image, conv, pool, relu, conv, pool, relu, flatten, linear, relu, linear */
	assert_int_equal(graph->n, 11);
}

static void test_lenet_distinct(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_hub(fixture, "lenet");
	struct model_measure measure;
	assert_int_equal(model_space_measure(model, 2000, &measure, &fixture->err), 0);
	assert_false(measure.complete);
	assert_int_equal(measure.seen, 2000);
	assert_true(measure.distinct < 2000);
	assert_true(measure.parameters.low < measure.parameters.high);
}

/* N6: pool {2,3}; 2 to 5 residual cells that share one skip switch; fc1 {256,512}. */
static void test_resnet(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_hub(fixture, "resnet");
	const struct model_dimension *dimensions;
	assert_int_equal(model_space_dimensions(model, &dimensions), 4);
	assert_string_equal(model_count(fixture, model), "32");
	assert_int_equal(model_distinct(fixture, model), 32);
	const struct model_graph *with =
		model_sample(fixture, model, "{\"pool\":2,\"cells\":2,\"skip\":0,\"fc1\":256}");
	const struct model_graph *without =
		model_sample(fixture, model, "{\"pool\":2,\"cells\":2,\"skip\":1,\"fc1\":256}");
	/* A sum with zeros is no step of the model. */
	assert_int_equal(with->n, without->n + 2);
	check_number(with->parameters, without->parameters, 0);
}

/* O4's counting rule: candidates to the power of layers, times subsets of earlier outputs. */
static void test_subsets(void **state)
{
	static const char json[] = MODEL("\"x\":[4,8,8]",
		"\"a\":" NODE("ReLU") ",\"b\":" NODE("Sigmoid") ",\"c\":" NODE(
			"Tanh") ","
				"\"any\":{\"type\":\"InputChoice\",\"n_chosen\":null,\"reduction\":"
				"\"mean\"},"
				"\"sum\":" NODE("Add"),
		EDGE("_inputs", "a") "," EDGE("_inputs", "b") "," EDGE("_inputs", "c") "," EDGE(
			"a", "any") "," EDGE("b", "any") "," EDGE("c", "any") "," EDGE("any",
			"sum") "," EDGE("c", "sum") "," EDGE("sum", "_outputs"));
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, json);
	assert_string_equal(model_count(fixture, model), "8");
	assert_int_equal(model_distinct(fixture, model), 8);
	/* Nothing chosen: the sum is of what is left, so it is not a step. */
	const struct model_graph *graph =
		model_sample(fixture, model, "{\"any\":{\"_value\":[],\"_idx\":[]}}");
	assert_int_equal(graph->n, 2);
	graph = model_sample(fixture, model, "{\"any\":{\"_value\":[0,2],\"_idx\":[0,2]}}");
	assert_int_equal(graph->n, 5);
}

static void test_big_count(void **state)
{
	struct fixture *fixture = *state;
	struct buffer json;
	buffer_init(&json, 1 << 20);
	buffer_add_text(&json, "{\"inputs\":{\"x\":[]},\"nodes\":{");
	for (int i = 0; i < 100; i++)
		buffer_printf(&json,
			"%s\"n%d\":" PLUS(
				"{\"type\":\"ValueChoice\",\"values\":[0,1,2,3,4,5,6,7,8,9]}"),
			i ? "," : "", i);
	buffer_add_text(&json, "},\"edges\":[{\"from\":\"_inputs\",\"to\":\"n0\"}");
	for (int i = 1; i < 100; i++)
		buffer_printf(&json, ",{\"from\":\"n%d\",\"to\":\"n%d\"}", i - 1, i);
	buffer_add_text(&json, ",{\"from\":\"n99\",\"to\":\"_outputs\"}]}");
	const struct model_space *model = model_parse(fixture, buffer_text(&json));
	const char *digits = model_count(fixture, model);
	assert_int_equal(strlen(digits), 101);
	assert_int_equal(digits[0], '1');
	assert_int_equal(strspn(digits + 1, "0"), 100);
	buffer_release(&json);
}

/* Equal layers are two layers, one layer used twice is one: their graphs differ. */
static void test_sharing_is_not_copying(void **state)
{
	static const char json[] = MODEL("\"x\":[8]",
		"\"a\":" WITH("Linear", "\"out_features\":8") ",\"b\":" WITH("Linear",
			"\"out_features\":8") ","
					      "\"two\":{\"type\":\"InputChoice\",\"label\":\"two\","
					      "\"n_chosen\":2,\"replacement\":true}",
		EDGE("_inputs", "a") "," EDGE("_inputs", "b") "," EDGE("a", "two") "," EDGE(
			"b", "two") "," EDGE("two", "_outputs"));
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, json);
	/* (a,a) and (b,b) are one model; (a,b) and (b,a) another. */
	assert_int_equal(model_distinct(fixture, model), 2);
	check_number(model_sample(fixture, model, "{\"two_0\":0,\"two_1\":1}")->parameters, 144, 0);
	check_number(model_sample(fixture, model, "{\"two_0\":1,\"two_1\":1}")->parameters, 72, 0);
}

static void test_conditional_space(void **state)
{
	static const char json[] = MODEL("\"x\":[8]",
		"\"op\":{\"type\":\"LayerChoice\",\"label\":\"op\",\"candidates\":{"
		"\"plain\":" NODE(
			"ReLU") ","
				"\"wide\":" WITH("Linear",
					"\"out_features\":" VALUES("width", "[8,16,32]")) "}}",
		EDGE("_inputs", "op") "," EDGE("op", "_outputs"));
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, json);
	assert_string_equal(model_space_json(model),
		"{\"op\":{\"_type\":\"choice\",\"_value\":[\"plain\",\"wide\"]},"
		"\"width\":{\"_type\":\"choice\",\"_value\":[8,16,32],\"_when\":{\"op\":[\"wide\"]}"
		"}}");
	assert_string_equal(model_count(fixture, model), "4");
	assert_int_equal(model_distinct(fixture, model), 4);
}

/* A label inside two blocks of a Repeat is active where the first of them is; one used outside as
 * well always is. */
static void test_shared_conditions(void **state)
{
	static const char json[] = MODEL("\"x\":[8]",
		"\"blocks\":{\"type\":\"Repeat\",\"label\":\"depth\",\"depth\":[1,3],\"blocks\":"
		"[" NODE("ReLU") "," PLUS(VALUES("k", "[1,2]")) "," PLUS(VALUES("k", "[1,2]")) "]}",
		EDGE("_inputs", "blocks") "," EDGE("blocks", "_outputs"));
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, json);
	assert_string_equal(model_space_json(model),
		"{\"depth\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":3}},"
		"\"k\":{\"_type\":\"choice\",\"_value\":[1,2],\"_when\":{\"depth\":[2,3]}}}");
	assert_string_equal(model_count(fixture, model), "5");
}

/* A NAS-Bench-101-like cell: two nodes of one operator each, loose ends joined. */
static void test_cell(void **state)
{
	static const char json[] = MODEL("\"x\":[4,8,8]",
		"\"cell\":{\"type\":\"Cell\",\"label\":\"cell\",\"nodes\":2,\"merge\":\"loose_"
		"end\","
		"\"candidates\":{\"pool\":" WITH("MaxPool2d",
			"\"kernel_size\":3,\"stride\":1,\"padding\":1") ","
									"\"skip\":" NODE(
										"Identity") "}}",
		EDGE("_inputs", "cell") "," EDGE("cell", "_outputs"));
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture, json);
	const struct space *space = model_space_points(model);
	assert_int_equal(space->n, 4);
	assert_int_equal(space_find(space, "cell_input_2_0"), 3);
	/* Ops 2 x 2; node 1 sees the input, node 2 the input or node 1. */
	assert_string_equal(model_count(fixture, model), "8");
	const struct model_graph *chain = model_sample(fixture, model,
		"{\"cell_op_1_0\":\"pool\",\"cell_op_2_0\":\"pool\",\"cell_input_2_0\":1}");
	assert_int_equal(chain->n, 3); /* node 1 is used, so it is no loose end */
	assert_int_equal(chain->nodes[chain->outputs[0]].shape.size[0], 4);
	const struct model_graph *both = model_sample(fixture, model,
		"{\"cell_op_1_0\":\"pool\",\"cell_op_2_0\":\"skip\",\"cell_input_2_0\":0}");
	assert_int_equal(both->nodes[both->outputs[0]].shape.size[0], 8);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_arithmetic_graph),
		TEST(test_choice_with_replacement),
		TEST(test_isomorphic_points),
		TEST(test_repeat),
		TEST(test_shared_label),
		TEST(test_lenet),
		TEST(test_lenet_distinct),
		TEST(test_resnet),
		TEST(test_subsets),
		TEST(test_big_count),
		TEST(test_sharing_is_not_copying),
		TEST(test_conditional_space),
		TEST(test_shared_conditions),
		TEST(test_cell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
