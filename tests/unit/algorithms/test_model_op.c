/* Shapes and costs of single operations, by hand and as PyTorch computes them. */
#include "tests/unit/algorithms/model_cases.h"
#include "tests/unit/algorithms/model_support.h"

static void test_shapes(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buffer_clear(&fixture->text);
		case_write(&cases[i], &fixture->text);
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
			"\"a\":" WITH("Concat", "\"axis\":1") ",\"b\":" PLUS(VALUES("k", "[1,2]")),
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
