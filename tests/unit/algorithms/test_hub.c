/* The ready-made model spaces: what they span, against what was published about them. */
#include "tests/unit/algorithms/model_support.h"

#include <stdlib.h>

static void counts_are_those_published(void **state)
{
	static const struct {
		const char *name, *count;
		size_t n_dimensions;
	} spaces[] = {
		/* (8 operations * 2..5 earlier tensors)^2 for each of four nodes, two cells */
		{ "darts", "58366651170721628160000", 32 },
		/* the same with 5 operations and five nodes */
		{ "enas", "25628906250000000000000000", 40 },
		{ "general_supernet", "1528823808", 11 }, /* 6^6 * 2^15 */
		{ "lenet", "186880", 19 },
		{ "nasbench201", "15625", 6 },
		/* 6 layers that stay and 15 that may go: 6^6 * 7^15 */
		{ "proxylessnas", "221502229807900608", 57 },
		{ "resnet", "32", 4 },
	};
	struct fixture *fixture = *state;
	const struct model_dimension *dimensions;
	json_t *hub = hub_read();

	assert_int_equal(json_array_size(hub), sizeof(spaces) / sizeof(*spaces));
	for (size_t i = 0; i < json_array_size(hub); i++) {
		const json_t *entry = json_array_get(hub, i);
		assert_string_equal(
			json_string_value(json_object_get(entry, "name")), spaces[i].name);
		const struct model_space *model = model_hub(fixture, spaces[i].name);
		assert_string_equal(model_count(fixture, model), spaces[i].count);
		assert_int_equal(
			model_space_dimensions(model, &dimensions), spaces[i].n_dimensions);
	}
	assert_null(hub_find(hub, "no"));
	json_decref(hub);
}

#define EDGES(op)                                                                                  \
	"{\"edge_1_0\":\"" op "\",\"edge_2_0\":\"" op "\",\"edge_2_1\":\"" op                      \
	"\",\"edge_3_0\":\"" op "\",\"edge_3_1\":\"" op "\",\"edge_3_2\":\"" op "\"}"

/* NAS-Bench-201's table: its largest network has 1.531546 MB of parameters and takes 220.11968 M
 * multiply-adds; one of poolings has 0.073306 MB and 7.783 M. */
static void nasbench201_has_its_sizes(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_hub(fixture, "nasbench201");
	const struct model_graph *largest = model_sample(fixture, model, EDGES("nor_conv_3x3"));
	const struct model_graph *smallest = model_sample(fixture, model, EDGES("avg_pool_3x3"));
	assert_true(largest->parameters == 1531546);
	assert_true(largest->flops == 220119680);
	assert_true(smallest->parameters == 73306);
	assert_true(smallest->flops == 7783040);
	assert_int_equal(model_distinct(fixture, model), 6398); /* docs/model-spaces.md */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			counts_are_those_published, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			nasbench201_has_its_sizes, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}
