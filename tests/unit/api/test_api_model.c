/* Model spaces over the api, and experiments that search them. */
#include "tests/unit/api/exchange.h"

#include "tests/unit/algorithms/model_books.h"

#define ARRAY_N(array)	(sizeof(array) / sizeof(*(array)))
#define SPACE_OF(model) "{\"model_space\":" model "}"

static void answers_what_a_space_spans(void **state)
{
	struct exchange *x = post(*state, 200, "/v1/model_spaces", SPACE_OF(BOOK_N2));
	assert_true(json_is_true(at(x, "valid")));
	assert_string_equal(at_text(x, "count"), "9");
	assert_int_equal(at_int(x, "distinct"), 6);
	assert_int_equal(at_int(x, "measured.samples"), 9);
	assert_true(json_is_true(at(x, "measured.complete")));
	assert_int_equal(at_int(x, "measured.parameters.max"), 0);
	assert_int_equal(at_size(x, "dimensions"), 2);
	assert_string_equal(at_text(x, "dimensions.0.label"), "pick_0");
	assert_string_equal(at_text(x, "search_space.pick_1._type"), "choice");
	exchange_free(x);

	/* 6^30 samples are counted, not looked at. */
	x = post(*state, 200, "/v1/model_spaces",
		SPACE_OF(MODEL("\"x\":[4,8,8]",
			"\"r\":{\"type\":\"Repeat\",\"depth\":30,\"block\":{\"type\":"
			"\"LayerChoice\",\"candidates\":[" NODE("ReLU") "," NODE("Tanh") "," NODE(
				"GELU") "," NODE("SiLU") "," NODE("ELU") "," NODE("Sigmoid") "]}}",
			EDGE("_inputs", "r") "," EDGE("r", "_outputs"))));
	assert_string_equal(at_text(x, "count"), "221073919720733357899776");
	assert_true(json_is_null(at(x, "distinct")));
	assert_true(json_is_false(at(x, "measured.complete")));
	exchange_free(x);
}

static void points_at_faults(void **state)
{
	struct exchange *x = post(*state, 422, "/v1/model_spaces",
		"{\"model_space\":{\"inputs\":{\"x\":[4]},\"nodes\":{\"a\":{\"type\":\"Warp\"}},"
		"\"edges\":[{\"from\":\"_inputs\",\"to\":\"a\"},{\"from\":\"a\",\"to\":\"_"
		"outputs\"}]},"
		"\"more\":1}");
	assert_true(has_fault(x, "/model_space/nodes/a/type"));
	assert_true(has_fault(x, "/more"));
	exchange_free(x);
	x = post(*state, 422, "/v1/model_spaces", "{}");
	assert_true(has_fault(x, "/model_space"));
	exchange_free(x);
	x = post(*state, 422, "/v1/model_spaces",
		"{\"model_space\":" BOOK_N1 ",\"parameter_constraints\":[\"add > 7\"]}");
	assert_true(has_fault(x, "/parameter_constraints"));
	exchange_free(x);
}

static void make(struct world *world, const char *model, const char *more, char id[ID_SIZE])
{
	struct buffer body;
	buffer_init(&body, 1 << 20);
	buffer_printf(
		&body, "{\"name\":\"nas\",\"kind\":\"nas\",\"model_space\":%s%s}", model, more);
	struct exchange *x = post(world, 201, "/v1/experiments", buffer_text(&body));
	assert_string_equal(at_text(x, "kind"), "nas");
	assert_non_null(at(x, "search_space"));
	assert_non_null(at(x, "model_space.nodes"));
	snprintf(id, ID_SIZE, "%s", at_text(x, "id"));
	exchange_free(x);
	buffer_release(&body);
}

/* Runs the experiment to its end: how many trials there were. Results are numbers that mean
 * nothing. */
static size_t run(struct world *world, const char *id)
{
	for (size_t n = 0;; n++) {
		char body[128];
		struct exchange *x = post(world, 200, url(id, "/suggest"), "");
		if (at(x, "done")) {
			assert_string_equal(at_text(x, "reason"), "exhausted");
			exchange_free(x);
			return n;
		}
		assert_int_equal(at_size(x, "trials"), 1);
		snprintf(body, sizeof(body), "{\"trial\":%lld,\"value\":%zu,\"final\":true}",
			at_int(x, "trials.0.trial"), n * 7 % 5);
		exchange_free(x);
		post_only(world, 200, url(id, "/observe"), body);
		assert_true(n < 100);
	}
}

/* Whatever the tuner, each model is tried once: six of the nine samples of N2, all of N1 and N3. */
static void tries_each_model_once(void **state)
{
	static const char *const tuners[] = { "random", "gridsearch", "evolution", "tpe", "sobol",
		"anneal", "smac" };
	static const struct {
		const char *model;
		size_t n;
	} books[] = { { BOOK_N1, 27 }, { BOOK_N2, 6 }, { BOOK_N3, 5 } };
	struct world *world = *state;
	for (size_t t = 0; t < ARRAY_N(tuners); t++)
		for (size_t b = 0; b < ARRAY_N(books); b++) {
			char id[ID_SIZE], more[64];
			snprintf(more, sizeof(more), ",\"tuner\":{\"name\":\"%s\",\"seed\":1}",
				tuners[t]);
			make(world, books[b].model, more, id);
			assert_int_equal(run(world, id), books[b].n);
		}
}

static void keeps_isomorphic_models_apart_on_request(void **state)
{
	struct world *world = *state;
	struct buffer model;
	char id[ID_SIZE];
	buffer_init(&model, 1 << 20);
	buffer_add(&model, BOOK_N2, sizeof(BOOK_N2) - 2);
	buffer_add_text(&model, ",\"merge_isomorphic\":false}");
	make(world, buffer_text(&model), ",\"tuner\":{\"name\":\"random\"}", id);
	assert_int_equal(run(world, id), 9);
	buffer_release(&model);
}

static void shows_the_model_of_a_trial(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make(world, BOOK_N2, "", id);
	struct exchange *x = post(
		world, 201, url(id, "/trials"), "{\"parameters\":{\"pick_0\":2,\"pick_1\":0}}");
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/0/model"));
	/* Three products, one sum. */
	assert_int_equal(json_object_size(at(x, "model.nodes")), 4);
	assert_string_equal(at_text(x, "model.nodes.pick.type"), "Add");
	assert_int_equal(strlen(at_text(x, "summary.hash")), 32);
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/0/model?format=dot"));
	assert_string_equal(x->call.content_type, "text/vnd.graphviz; charset=utf-8");
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/0/model?format=onnx"));
	assert_string_equal(x->call.content_type, "application/octet-stream");
	assert_memory_equal(x->call.out.data,
		"\x08\x08\x12\x05"
		"cairn",
		9);
	exchange_free(x);
	get_only(world, 400, url(id, "/trials/0/model?format=png"));
	get_only(world, 404, url(id, "/trials/7/model"));

	experiment_make(world, "", id);
	suggest_one(world, id);
	get_only(world, 409, url(id, "/trials/0/model"));
}

static struct exchange *patch(struct world *world, int status, const char *id, const char *body)
{
	static const char *const headers[] = { "Content-Type", "application/json", NULL };
	return exchange_send(
		world, status, "PATCH", url(id, "%s", ""), body, strlen(body), headers);
}

static void checks_the_spec(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	struct exchange *x =
		post(world, 422, "/v1/experiments", "{\"name\":\"n\",\"model_space\":" BOOK_N1 "}");
	assert_true(has_fault(x, "/model_space"));
	exchange_free(x);
	x = post(world, 422, "/v1/experiments",
		"{\"name\":\"n\",\"kind\":\"nas\",\"canonical\":{\"sequence\":[\"op1\"]},"
		"\"search_space\":{\"x\":{\"_type\":\"bool\"}},\"model_space\":" BOOK_N1 "}");
	assert_true(has_fault(x, "/canonical"));
	assert_true(has_fault(x, "/search_space"));
	exchange_free(x);
	x = post(world, 422, "/v1/experiments",
		"{\"name\":\"n\",\"kind\":\"nas\",\"model_space\":{\"inputs\":{}}}");
	assert_true(has_fault(x, "/model_space/inputs"));
	exchange_free(x);

	make(world, BOOK_N1, "", id);
	x = patch(world, 422, id, "{\"model_space\":" BOOK_N3 "}");
	assert_true(has_fault(x, "/model_space"));
	exchange_free(x);
	x = patch(world, 200, id, "{\"note\":\"new\"}");
	assert_string_equal(at_text(x, "kind"), "nas");
	exchange_free(x);
	x = post(world, 201, url(id, "/clone"), "{}");
	assert_non_null(at(x, "model_space.nodes.op1"));
	exchange_free(x);
}

/* NNI's classic file is a search space of layer_choice and input_choice (N7). */
static void takes_a_classic_file(void **state)
{
	struct world *world = *state;
	post_only(world, 201, "/v1/experiments",
		"{\"name\":\"classic\",\"kind\":\"nas\",\"search_space\":{"
		"\"conv1\":{\"_type\":\"layer_choice\",\"_value\":[\"a\",\"b\",\"c\"]},"
		"\"skip\":{\"_type\":\"input_choice\",\"_value\":{\"candidates\":[\"x\",\"y\"],"
		"\"n_chosen\":1}}}}");
	struct exchange *x = get(world, 200, "/v1/experiments?kind=nas");
	assert_int_equal(at_size(x, "items"), 1);
	exchange_free(x);
}

/* A space of the hub makes an experiment as it is. */
static void offers_ready_spaces(void **state)
{
	struct world *world = *state;
	struct exchange *x = get(world, 200, "/v1/model_spaces");
	assert_int_equal(at_size(x, "items"), 7);
	assert_string_equal(at_text(x, "items.4.name"), "nasbench201");
	assert_null(at(x, "items.4.model_space"));
	exchange_free(x);

	x = get(world, 200, "/v1/model_spaces/resnet");
	assert_string_equal(at_text(x, "title"), "Small ResNet for CIFAR-10");
	char *space = json_dumps(at(x, "model_space"), 0);
	char id[ID_SIZE];
	make(world, space, "", id);
	free(space);
	exchange_free(x);

	x = get(world, 404, "/v1/model_spaces/alexnet");
	assert_non_null(strstr(at_text(x, "detail"), "alexnet"));
	exchange_free(x);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(answers_what_a_space_spans),
		WORLD_TEST(points_at_faults),
		WORLD_TEST(tries_each_model_once),
		WORLD_TEST(keeps_isomorphic_models_apart_on_request),
		WORLD_TEST(shows_the_model_of_a_trial),
		WORLD_TEST(checks_the_spec),
		WORLD_TEST(takes_a_classic_file),
		WORLD_TEST(offers_ready_spaces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
