/* Shapes and costs of single operations, by hand and as PyTorch computes them. */
#include "tests/unit/algorithms/model_support.h"

/* A model of one operation behind a choice that changes nothing, and what must come out. */
static const struct {
	const char *input, *type, *parameters, *output;
	double weights, flops;
} cases[] = {
	{ "[1,28,28]", "Conv2d", "\"out_channels\":16,\"kernel_size\":5", "[16, 24, 24]", 416,
		400.0 * 576 },
	{ "[3,32,32]", "Conv2d", "\"out_channels\":8,\"kernel_size\":3,\"padding\":1,\"stride\":2",
		"[8, 16, 16]", 224, 216.0 * 256 },
	{ "[3,32,32]", "Conv2d", "\"out_channels\":8,\"kernel_size\":[3,5],\"padding\":\"same\"",
		"[8, 32, 32]", 368, 360.0 * 1024 },
	{ "[3,32,32]", "Conv2d", "\"out_channels\":8,\"kernel_size\":4,\"padding\":\"same\"",
		"[8, 32, 32]", 392, 384.0 * 1024 },
	{ "[4,9,9]", "Conv2d",
		"\"out_channels\":8,\"kernel_size\":3,\"dilation\":2,\"groups\":4,"
		"\"bias\":false",
		"[8, 5, 5]", 72, 72.0 * 25 },
	{ "[2,100]", "Conv1d", "\"out_channels\":4,\"kernel_size\":7,\"stride\":3", "[4, 32]", 60,
		56.0 * 32 },
	{ "[6,8,8]", "DepthwiseConv2d", "\"kernel_size\":3,\"padding\":1,\"multiplier\":2",
		"[12, 8, 8]", 120, 108.0 * 64 },
	{ "[6,8]", "DepthwiseConv1d", "\"kernel_size\":3,\"bias\":false", "[6, 6]", 18, 18.0 * 6 },
	{ "[6,8,8]", "SeparableConv2d", "\"out_channels\":10,\"kernel_size\":3,\"bias\":false",
		"[10, 6, 6]", 114, 114.0 * 36 },
	{ "[6,8]", "SeparableConv1d", "\"out_channels\":10,\"kernel_size\":3", "[10, 6]", 94,
		78.0 * 6 },
	{ "[288]", "Linear", "\"out_features\":64", "[64]", 18496, 18432 },
	{ "[5,7]", "Linear", "\"out_features\":3,\"bias\":false,\"in_features\":7", "[5, 3]", 21,
		105 },
	{ "[16,4,4]", "BatchNorm", "", "[16, 4, 4]", 32, 0 },
	{ "[16,4,4]", "BatchNorm", "\"affine\":false", "[16, 4, 4]", 0, 0 },
	{ "[16,4,5]", "LayerNorm", "\"axes\":2", "[16, 4, 5]", 40, 0 },
	{ "[4,9,9]", "MaxPool2d", "\"kernel_size\":2", "[4, 4, 4]", 0, 0 },
	{ "[4,9,9]", "MaxPool2d", "\"kernel_size\":2,\"ceil_mode\":true", "[4, 5, 5]", 0, 0 },
	/* A window that would begin in the padding behind is left out, as PyTorch does. */
	{ "[4,4,4]", "AvgPool2d", "\"kernel_size\":2,\"stride\":3,\"padding\":1,\"ceil_mode\":true",
		"[4, 2, 2]", 0, 0 },
	{ "[4,9]", "AvgPool1d", "\"kernel_size\":3,\"stride\":1,\"padding\":1", "[4, 9]", 0, 0 },
	{ "[4,9]", "MaxPool1d", "\"kernel_size\":3", "[4, 3]", 0, 0 },
	{ "[4,9,3]", "GlobalAvgPool", "", "[4]", 0, 0 },
	{ "[4,9]", "GlobalMaxPool", "", "[4]", 0, 0 },
	{ "[4,9,3]", "Flatten", "", "[108]", 0, 0 },
	{ "[4]", "Softmax", "", "[4]", 0, 0 },
	{ "[4]", "LeakyReLU", "\"negative_slope\":0.2", "[4]", 0, 0 },
};

static void test_shapes(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buffer_clear(&fixture->text);
		buffer_printf(&fixture->text,
			"{\"inputs\":{\"x\":%s},\"nodes\":{\"c\":" PLUS(N5_VALUES(
				"k", "[1,2]")) ",\"a\":{\"type\":\"%s\",\"parameters\":{%s}}},"
					       "\"edges\":[" EDGE("_inputs", "c") "," EDGE(
						       "c", "a") "," EDGE("a", "_outputs") "]}",
			cases[i].input, cases[i].type, cases[i].parameters);
		const struct model_space *model = model_parse(
			fixture, arena_strdup(&fixture->arena, buffer_text(&fixture->text)));
		const struct model_graph *graph = model_sample(fixture, model, "{\"k\":1}");
		const struct model_node *node = &graph->nodes[graph->outputs[0]];
		char text[SHAPE_TEXT_MAX];
		assert_string_equal(shape_text(&node->shape, text, sizeof(text)), cases[i].output);
		if (graph->parameters != cases[i].weights || graph->flops != cases[i].flops)
			print_error("%s: %g weights, %g flops\n", cases[i].type, graph->parameters,
				graph->flops);
		assert_true(graph->parameters == cases[i].weights);
		assert_true(graph->flops == cases[i].flops);
	}
}

static void test_concat(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_parse(fixture,
		MODEL("\"x\":[4,6],\"y\":[4,3]",
			"\"a\":" WITH("Concat", "\"axis\":1") ",\"b\":" PLUS(
				N5_VALUES("k", "[1,2]")),
			EDGE("_inputs", "a") ",{\"from\":[\"_inputs\",1],\"to\":\"a\"}," EDGE(
				"a", "b") "," EDGE("b", "_outputs")));
	const struct model_graph *graph = model_sample(fixture, model, "{\"k\":1}");
	assert_int_equal(graph->n_inputs, 2);
	assert_int_equal(graph->nodes[2].shape.size[1], 9);
}

static void test_names(void **state)
{
	(void)state;
	for (const struct operation *op = model_ops; op->name; op++) {
		assert_true(op_n_attributes(op) <= MODEL_ATTRIBUTES);
		assert_ptr_equal(op_find(op->name), op->flags & OP_HIDDEN ? NULL : op);
		for (const struct operation *other = model_ops; other < op; other++)
			assert_string_not_equal(op->name, other->name);
	}
	assert_null(op_find("conv2d"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = { TEST(test_shapes), TEST(test_concat),
		TEST(test_names) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
