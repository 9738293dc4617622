/*
 * Input: a model space, then perhaps parameter constraints and a sample, separated by lines of
 * "---". Whatever model_space_parse accepts keeps its promises.
 */
#include <math.h>
#include <string.h>

#include "algorithms/nas/model_space.h"
#include "core/json.h"
#include "core/limits.h"
#include "tests/fuzz/fuzz.h"

#define PARTS	    3
#define INPUT_MAX   65536
#define ARENA_MAX   (256u << 20)
#define POINT_DRAWS 8
#define BUDGET	    64

/* Inputs come first, shapes and costs are what they may be, and every writer writes. */
static void check_graph(const struct model_graph *graph, struct buffer *text)
{
	double parameters = 0;
	json_t *json = NULL;
	for (size_t i = 0; i < graph->n; i++) {
		const struct model_node *node = &graph->nodes[i];
		parameters += node->parameters;
		REQUIRE(node->shape.rank <= MODEL_RANK);
		for (size_t k = 0; k < node->shape.rank; k++)
			REQUIRE(node->shape.size[k] > 0);
		for (size_t k = 0; k < node->n_inputs; k++)
			REQUIRE(node->inputs[k] >= 0 && (size_t)node->inputs[k] < i);
	}
	REQUIRE(parameters == graph->parameters);
	buffer_clear(text);
	model_graph_write(graph, text);
	REQUIRE(!text->failed && json_read(buffer_text(text), text->size, &json, NULL) == 0);
	json_decref(json);
	buffer_clear(text);
	model_graph_dot(graph, text);
	REQUIRE(!text->failed);
	buffer_clear(text);
	model_graph_onnx(graph, text);
	REQUIRE(!text->failed);
}

/* A point that may be tried has a graph, and that has the point's key. */
static void check_point(const struct model_space *model, const double *x, struct buffer *text)
{
	const struct space *space = model_space_points(model);
	const struct model_graph *graph = NULL;
	struct arena arena;
	struct error err;
	REQUIRE(space_contains(space, x));
	arena_init(&arena, 0);
	int rc = model_freeze(model, x, &arena, &graph, &err);
	REQUIRE((rc == 0) == space_canonical_ok(space, x));
	if (rc == 0)
		check_graph(graph, text);
	else
		REQUIRE(rc == CODE_INVALID && err.message[0]);
	arena_release(&arena);
}

static void check_model(const struct model_space *model, const char *point)
{
	const struct space *space = model_space_points(model);
	const struct model_dimension *dimensions;
	struct model_measure measure;
	struct faults faults;
	struct buffer text;
	struct rng rng;
	double x[LIMIT_PARAMETERS];

	REQUIRE(model_space_dimensions(model, &dimensions) == space->n);
	buffer_init(&text, 64u << 20);
	REQUIRE(model_space_count(model, &text, NULL) == 0 && text.size > 0);
	/* Both ways of counting agree where the other can. */
	if (space->count > 0)
		REQUIRE(strtoull(buffer_text(&text), NULL, 10) == space->count);
	REQUIRE(model_space_measure(model, BUDGET, &measure, NULL) == 0);
	REQUIRE(measure.distinct <= measure.seen);
	rng_init(&rng, 1, RNG_TEST, 0);
	for (int draw = 0; draw < POINT_DRAWS; draw++) {
		space_sample(space, &rng, x);
		check_point(model, x, &text);
	}
	faults_init(&faults);
	if (point && space_read(space, point, true, x, &faults, NULL) == 0) {
		space_complete(space, &rng, x);
		check_point(model, x, &text);
	}
	buffer_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct model_space *model = NULL;
	char *parts[PARTS];
	struct faults faults;
	struct arena arena;
	struct error err = { 0 };
	if (size > INPUT_MAX)
		return 0;
	fuzz_parts(data, size, parts, PARTS);
	arena_init(&arena, ARENA_MAX);
	faults_init(&faults);
	int rc = model_space_parse(parts[0], parts[1], &arena, &model, &faults, &err);
	if (rc == 0)
		check_model(model, parts[2]);
	else
		REQUIRE((rc == CODE_INVALID && faults.n > 0 && faults.items[0].message[0]) ||
			rc == CODE_NO_MEMORY);
	arena_release(&arena);
	free(parts[0]);
	return 0;
}
