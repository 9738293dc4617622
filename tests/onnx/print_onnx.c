/* print_onnx DIRECTORY: writes models of every operation, of the book and of the hub as ONNX, with
 * their shapes as JSON beside them, for check.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/nas/hub.h"
#include "algorithms/nas/model_space.h"
#include "tests/unit/algorithms/model_cases.h"

/* Sums, products and joins of several tensors; outputs that are inputs, or the same. */
#define MANY                                                                                       \
	MODEL("\"x\":[4,8,8],\"y\":[4,8,8]",                                                       \
		"\"k\":" PLUS(VALUES("k", "[1,2]")) ",\"sum\":" NODE("Add") ",\"product\":" NODE(  \
			"Multiply") ",\"mean\":" NODE("Mean") ",\"join\":" WITH("Concat",          \
			"\"axis\":2") ",\"zero\":" NODE("Zero") ",\"all\":" NODE("Concat"),        \
		EDGE("_inputs", "k") "," EDGE(                                                     \
			"k", "sum") ",{\"from\":[\"_inputs\",1],\"to\":\"sum\"}," EDGE("k",        \
			"product") "," EDGE("sum", "product") "," EDGE("_inputs",                  \
			"product") "," EDGE("product", "mean") "," EDGE("sum",                     \
			"mean") "," EDGE("mean", "join") "," EDGE("k", "join") "," EDGE("k",       \
			"zero") "," EDGE("zero", "all") "," EDGE("k", "all") "," EDGE("join",      \
			"_outputs") "," EDGE("join", "_outputs") "," EDGE("_inputs",               \
			"_outputs") "," EDGE("all", "_outputs"))

static bool file_write(
	const char *directory, size_t number, const char *ending, const struct buffer *content)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%03zu.%s", directory, number, ending);
	FILE *file = fopen(path, "wb");
	if (!file)
		return false;
	bool ok = fwrite(content->data, 1, content->size, file) == content->size;
	return fclose(file) == 0 && ok;
}

/* A random sample of the space, from a fixed seed. */
static bool print(const char *json, const char *directory, size_t number)
{
	const struct model_space *model;
	const struct model_graph *graph;
	struct buffer file, shapes;
	struct arena arena;
	struct faults faults;
	struct error err;
	struct rng rng;
	double x[64];

	arena_init(&arena, 0);
	faults_init(&faults);
	buffer_init(&file, 64u << 20);
	buffer_init(&shapes, 64u << 20);
	rng_init(&rng, 1, RNG_TEST, number);
	bool ok = model_space_parse(json, NULL, &arena, &model, &faults, &err) == 0 &&
		  model_space_points(model)->n <= sizeof(x) / sizeof(*x);
	if (ok)
		space_sample(model_space_points(model), &rng, x);
	ok = ok && model_freeze(model, x, &arena, &graph, &err) == 0;
	if (ok) {
		model_graph_onnx(graph, &file);
		model_graph_write(graph, &shapes);
		ok = !file.failed && !shapes.failed &&
		     file_write(directory, number, "onnx", &file) &&
		     file_write(directory, number, "json", &shapes);
	}
	if (!ok)
		fprintf(stderr, "model %zu was not written: %s\n", number, json);
	buffer_release(&file);
	buffer_release(&shapes);
	arena_release(&arena);
	return ok;
}

/* A sample of each space of the hub. */
static bool print_hub(const char *directory, size_t *n)
{
	json_t *hub = hub_read();
	const json_t *entry;
	bool ok = hub != NULL;
	size_t i;

	json_array_foreach(hub, i, entry)
	{
		char *json = json_dumps(json_object_get(entry, "model_space"), 0);
		ok = ok && json && print(json, directory, (*n)++);
		free(json);
	}
	json_decref(hub);
	return ok;
}

int main(int argc, char **argv)
{
	static const char *const books[] = { BOOK_N1, BOOK_N2, BOOK_N3, MANY };
	size_t n = 0;
	bool ok = argc == 2;

	for (size_t i = 0; ok && i < sizeof(books) / sizeof(*books); i++)
		ok = print(books[i], argv[1], n++);
	ok = ok && print_hub(argv[1], &n);
	for (size_t i = 0; ok && i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer json;
		buffer_init(&json, 65536);
		case_write(&cases[i], &json);
		ok = print(buffer_text(&json), argv[1], n++);
		buffer_release(&json);
	}
	return ok ? 0 : 1;
}
