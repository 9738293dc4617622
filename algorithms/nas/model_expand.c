/* From declared graphs to elements: every block and candidate written out, so that a sample is a
 * walk without JSON. The walk recurses, LIMIT_MODEL_DEPTH levels at most. */
#include <string.h>

#include "algorithms/nas/model_internal.h"

int element_new(struct model_reader *reader, enum element_kind kind, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out)
{
	*out = NULL;
	if (reader->model->n_elements == LIMIT_MODEL_ELEMENTS) {
		if (!reader->full)
			fault_add(reader->faults, at,
				"with all blocks and candidates written out the model has more "
				"than %d nodes",
				LIMIT_MODEL_ELEMENTS);
		reader->full = true;
		return 0;
	}
	struct element *element = arena_alloc(reader->arena, sizeof(*element));
	if (!element)
		return model_no_memory(reader);
	reader->model->n_elements++;
	*element = (struct element){
		.kind = kind,
		.name = scope->name,
		.at = at,
		.n_inputs = n_inputs,
		.n_outputs = 1,
		.dimension = -1,
	};
	*out = element;
	return 0;
}

bool options_take(struct model_reader *reader, size_t n, const struct path *at)
{
	reader->n_options += n;
	if (reader->n_options <= LIMIT_MODEL_OPTIONS)
		return true;
	if (!reader->full)
		fault_add(reader->faults, at,
			"with all blocks and candidates written out the mutators have more than "
			"%d options",
			LIMIT_MODEL_OPTIONS);
	reader->full = true;
	return false;
}

bool children_complete(const struct element *element)
{
	for (size_t k = 0; k < element->n_children; k++)
		if (!element->children[k])
			return false;
	return true;
}

int scope_enter(struct model_reader *reader, const struct scope *up, const char *name,
	struct scope *out, const struct path *at)
{
	*out = *up;
	out->up = up;
	out->depth++;
	if (out->depth > LIMIT_MODEL_DEPTH) {
		fault_add(reader->faults, at, "is nested deeper than %d levels", LIMIT_MODEL_DEPTH);
		return CODE_INVALID;
	}
	out->name = *up->name ? arena_printf(reader->arena, "%s/%s", up->name, name)
			      : arena_strdup(reader->arena, name);
	return out->name ? 0 : model_no_memory(reader);
}

/* ---- operations and sub-graphs ---- */

static int op_read(struct model_reader *reader, const struct operation *op, json_t *json,
	const struct path *at, const struct scope *scope, size_t n_inputs, struct element **out)
{
	static const char *const members[] = { "type", "parameters", NULL };
	const struct path parameters_at = { at, "parameters", 0 };
	struct element *element;
	size_t before = reader->faults->n;

	int rc = element_new(reader, ELEMENT_OP, at, scope, n_inputs, &element);
	if (rc || !element)
		return rc;
	members_check(reader, at, json, members);
	if (n_inputs == 0)
		fault_add(reader->faults, at, "nothing goes into this node");
	if (n_inputs > 1 && !(op->flags & OP_MANY))
		fault_add(reader->faults, at, "%s takes one input, has %zu", op->name, n_inputs);
	element->op = op;
	rc = values_read(reader, op, json_object_get(json, "parameters"), &parameters_at, scope,
		&element->values);
	if (!rc && reader->faults->n == before)
		*out = element;
	return rc;
}

static struct graph_draft *graph_find(struct model_reader *reader, const char *name)
{
	for (size_t i = 1; name && i < reader->n_graphs; i++)
		if (strcmp(reader->graphs[i].name, name) == 0)
			return &reader->graphs[i];
	return NULL;
}

/* Sources must exist: outputs of nodes are known once these are read. */
static void wiring_check(
	struct model_reader *reader, const struct graph_draft *graph, const struct element *element)
{
	const struct path at = { graph->at, "edges", 0 };
	for (size_t i = 0; i <= graph->n; i++) {
		const struct source *sources =
			i < graph->n ? graph->nodes[i].inputs : graph->outputs;
		size_t n = i < graph->n ? graph->nodes[i].n_inputs : graph->n_outputs;
		for (size_t k = 0; k < n; k++) {
			if (sources[k].node == GRAPH_INPUTS)
				continue;
			const struct element *from = element->children[sources[k].node];
			if (from && sources[k].slot >= from->n_outputs)
				fault_add(reader->faults, &at, "%s has %zu output%s, not slot %zu",
					graph->nodes[sources[k].node].name, from->n_outputs,
					from->n_outputs == 1 ? "" : "s", sources[k].slot);
		}
	}
}

static int graph_expand(struct model_reader *reader, struct graph_draft *graph,
	const struct path *at, const struct scope *scope, size_t n_inputs, struct element **out)
{
	struct element *element;
	size_t before = reader->faults->n;
	int rc = element_new(reader, ELEMENT_GRAPH, at, scope, n_inputs, &element);
	if (rc || !element || graph->broken)
		return rc;
	if (n_inputs != graph->n_inputs) {
		fault_add(reader->faults, at, "the graph takes %zu input%s, %zu edge%s here",
			graph->n_inputs, graph->n_inputs == 1 ? "" : "s", n_inputs,
			n_inputs == 1 ? " leads" : "s lead");
		return 0;
	}
	element->graph = graph;
	element->n_outputs = graph->n_outputs;
	element->n_children = graph->n;
	element->children = arena_array(reader->arena, graph->n + 1, sizeof(*element->children));
	const struct path *nodes_at = path_keep(reader, graph->at, "nodes", 0);
	if (!element->children || !nodes_at)
		return model_no_memory(reader);
	for (size_t k = 0; k < graph->n && !reader->full; k++) {
		const struct node_draft *node = &graph->nodes[graph->order[k]];
		const struct path *here = path_keep(reader, nodes_at, node->name, 0);
		struct scope inner;
		if (!here)
			return model_no_memory(reader);
		rc = scope_enter(reader, scope, node->name, &inner, here);
		inner.graph = graph;
		if (!rc)
			rc = element_read(reader, node->json, here, &inner, node->n_inputs,
				&element->children[graph->order[k]]);
		if (rc)
			return rc == CODE_INVALID ? 0 : rc;
	}
	if (children_complete(element))
		wiring_check(reader, graph, element);
	/* Its faults are those of every other use: once is enough. */
	graph->broken = reader->faults->n > before || !children_complete(element);
	if (!graph->broken)
		*out = element;
	return 0;
}

static int subgraph_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out)
{
	static const char *const members[] = { "type", "graph", NULL };
	const struct path here = { at, "graph", 0 };
	struct graph_draft *graph =
		graph_find(reader, json_string_value(json_object_get(json, "graph")));

	members_check(reader, at, json, members);
	if (!graph) {
		fault_add(reader->faults, &here, "must be the name of one of \"graphs\"");
		return 0;
	}
	for (const struct scope *s = scope; s; s = s->up)
		if (s->graph == graph) {
			fault_add(reader->faults, &here, "the graph contains itself");
			return 0;
		}
	return graph_expand(reader, graph, at, scope, n_inputs, out);
}

/* ---- candidates ---- */

int candidates_count(struct model_reader *reader, json_t *json, const struct path *at, size_t *n)
{
	const struct path here = { at, "candidates", 0 };
	*n = json_is_object(json) ? json_object_size(json) : json_array_size(json);
	if (*n >= 1 && *n <= LIMIT_LAYER_CANDIDATES)
		return 0;
	fault_add(reader->faults, &here,
		"must be a list or an object of 1 to %d nodes to choose from",
		LIMIT_LAYER_CANDIDATES);
	return CODE_INVALID;
}

/* Member number k of an object, or item number k of a list. */
static json_t *candidate_get(json_t *json, size_t k, const char **name)
{
	const char *key;
	json_t *member;
	*name = NULL;
	if (json_is_array(json))
		return json_array_get(json, k);
	json_object_foreach(json, key, member)
	{
		*name = key;
		if (k-- == 0)
			return member;
	}
	return NULL;
}

int candidate_names(struct model_reader *reader, json_t *json, size_t n, const char *const **out)
{
	const char *name;
	const char **names = arena_array(reader->arena, n, sizeof(*names));
	for (size_t k = 0; names && k < n; k++) {
		candidate_get(json, k, &name);
		buffer_clear(&reader->text);
		if (name)
			json_write_string(&reader->text, name);
		else
			buffer_printf(&reader->text, "%zu", k);
		names[k] = arena_strdup(reader->arena, buffer_text(&reader->text));
		if (!names[k])
			names = NULL;
	}
	*out = names;
	return names ? 0 : model_no_memory(reader);
}

int candidate_read(struct model_reader *reader, json_t *json, const struct path *at, size_t k,
	const struct scope *scope, int dimension, size_t n_inputs, struct element **out)
{
	const char *name;
	char digits[24];
	json_t *node = candidate_get(json, k, &name);
	struct scope inner;

	snprintf(digits, sizeof(digits), "%zu", k);
	const struct path *list_at = path_keep(reader, at, "candidates", 0);
	const struct path *here = list_at ? path_keep(reader, list_at, name, k) : NULL;
	if (!here)
		return model_no_memory(reader);
	if (name && !name_check(reader, here, name))
		return 0;
	int rc = scope_enter(reader, scope, name ? name : digits, &inner, here);
	if (rc)
		return rc == CODE_INVALID ? 0 : rc;
	struct context *context = arena_alloc(reader->arena, sizeof(*context));
	if (!context)
		return model_no_memory(reader);
	*context = (struct context){ scope->context, dimension, k, k };
	inner.context = context;
	return element_read(reader, node, here, &inner, n_inputs, out);
}

/* ---- the whole ---- */

static const struct {
	const char *type;
	int (*read)(struct model_reader *reader, json_t *json, const struct path *at,
		const struct scope *scope, size_t n_inputs, struct element **out);
} readers[] = {
	{ "Subgraph", subgraph_read },
	{ "LayerChoice", layer_choice_read },
	{ "InputChoice", input_choice_read },
	{ "Repeat", repeat_read },
	{ "Cell", cell_read },
};

int element_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out)
{
	const struct path type_at = { at, "type", 0 };
	const char *type = json_string_value(json_object_get(json, "type"));

	*out = NULL;
	if (!json_is_object(json) || !type) {
		fault_add(reader->faults, json_is_object(json) ? &type_at : at,
			json_is_object(json) ? "must be the name of an operation or mutator"
					     : "must be an object with a type");
		return 0;
	}
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		if (strcmp(readers[i].type, type) == 0)
			return readers[i].read(reader, json, at, scope, n_inputs, out);
	const struct operation *op = op_find(type);
	if (op)
		return op_read(reader, op, json, at, scope, n_inputs, out);
	fault_add(reader->faults, &type_at, "there is no operation or mutator of this name");
	return 0;
}

int root_expand(struct model_reader *reader)
{
	const struct scope scope = { .name = "", .index = -1 };
	struct graph_draft *graph = &reader->graphs[0];
	return graph_expand(
		reader, graph, graph->at, &scope, graph->n_inputs, &reader->model->root);
}
