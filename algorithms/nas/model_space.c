#include "algorithms/nas/model_space.h"

#include <stdlib.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"

static bool point_key(const void *context, const double *x, struct key128 *key)
{
	const struct model_space *model = context;
	const struct model_graph *graph;
	struct misfit misfit;
	struct arena arena;

	arena_init(&arena, 0);
	int rc = freeze(model, x, &arena, &graph, &misfit);
	if (!rc)
		*key = graph->key;
	arena_release(&arena);
	return rc == 0;
}

/* Without the merging, what does not fit is still not a point. */
static bool point_fits(const void *context, const double *x, struct key128 *key)
{
	const struct model_space *model = context;
	if (!point_key(context, x, key))
		return false;
	space_value_key(model->space, x, key);
	return true;
}

static int identity_set(struct model_reader *reader)
{
	struct model_space *model = reader->model;
	struct space *space = arena_copy(reader->arena, model->space, sizeof(*space));
	struct space_identity *identity = arena_alloc(reader->arena, sizeof(*identity));
	if (!space || !identity)
		return model_no_memory(reader);
	*identity = (struct space_identity){
		.key = model->merge ? point_key : point_fits,
		.context = model,
		.work = model->work,
	};
	space->identity = identity;
	model->space = space;
	return 0;
}

static int steps(struct model_reader *reader, const char *constraints_json)
{
	size_t before = reader->faults->n;
	int rc = graphs_read(reader);
	if (!rc)
		rc = root_expand(reader);
	if (rc || reader->faults->n > before)
		return rc;
	rc = dimensions_build(reader, constraints_json);
	if (!rc && reader->model->space)
		rc = expressions_compile(reader);
	if (!rc && reader->faults->n == before)
		rc = samples_check(reader);
	if (!rc && reader->faults->n == before)
		rc = identity_set(reader);
	return rc;
}

/* What the samples need of the document stays: names of nodes and graphs. */
static int names_keep(struct model_reader *reader)
{
	for (size_t g = 0; g < reader->n_graphs; g++) {
		struct graph_draft *graph = &reader->graphs[g];
		for (size_t i = 0; i < graph->n; i++) {
			graph->nodes[i].name = arena_strdup(reader->arena, graph->nodes[i].name);
			graph->nodes[i].json = NULL;
			if (!graph->nodes[i].name)
				return model_no_memory(reader);
		}
	}
	return 0;
}

static int document_read(struct model_reader *reader, const char *json)
{
	static const struct path at = { NULL, "model_space", 0 };
	struct error err;
	int rc = json_read(json, strlen(json), &reader->document, &err);
	if (rc == CODE_NO_MEMORY)
		return model_no_memory(reader);
	if (rc)
		fault_add(reader->faults, &at, "%s", err.message);
	else if (!json_is_object(reader->document))
		fault_add(reader->faults, &at, "must be an object with inputs, nodes and edges");
	return 0;
}

int model_space_parse(const char *json, const char *constraints_json, struct arena *arena,
	const struct model_space **out, struct faults *faults, struct error *err)
{
	struct model_space *model = arena_alloc(arena, sizeof(*model));
	struct model_reader reader = {
		.arena = arena, .faults = faults, .err = err, .model = model
	};
	size_t before = faults->n;

	if (!model)
		return model_no_memory(&reader);
	buffer_init(&reader.text, LIMIT_BULK_BODY_BYTES);
	int rc = document_read(&reader, json);
	if (!rc && faults->n == before)
		rc = steps(&reader, constraints_json);
	if (!rc)
		rc = names_keep(&reader);
	if (!rc && faults->n > before)
		rc = fail(err, CODE_INVALID, "the model space has faults");
	if (!rc)
		*out = model;
	json_decref(reader.document);
	free(reader.values);
	buffer_release(&reader.text);
	return rc;
}

int model_space_read(const char *json, const char *constraints_json, struct arena *arena,
	const struct model_space **out, const struct space **points, const char **points_json,
	struct faults *faults, struct error *err)
{
	int rc = model_space_parse(json, constraints_json, arena, out, faults, err);
	if (rc)
		return rc;
	*points = (*out)->space;
	*points_json = (*out)->json;
	return 0;
}

const struct space *model_space_points(const struct model_space *model)
{
	return model->space;
}

const char *model_space_json(const struct model_space *model)
{
	return model->json;
}

size_t model_space_dimensions(const struct model_space *model, const struct model_dimension **out)
{
	*out = model->listing;
	return model->n_dimensions;
}

int model_freeze(const struct model_space *model, const double *x, struct arena *arena,
	const struct model_graph **out, struct error *err)
{
	char pointer[FAULT_POINTER_MAX];
	struct misfit misfit;
	int rc = freeze(model, x, arena, out, &misfit);
	if (rc == CODE_NO_MEMORY)
		return fail(err, CODE_NO_MEMORY, "out of memory for the model");
	if (!rc)
		return 0;
	path_write(misfit.at, pointer, sizeof(pointer));
	return fail(err, CODE_INVALID, "the sample is no model: %s: %s", pointer, misfit.message);
}
