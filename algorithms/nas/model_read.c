/* The graphs of a model space as they are declared: inputs, nodes, edges, an order without cycles.
 * What nodes mean is for model_expand.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"
#include "core/text.h"

static const struct path root_at = { NULL, "model_space", 0 };

int model_no_memory(struct model_reader *reader)
{
	return fail(reader->err, CODE_NO_MEMORY, "out of memory while reading the model space");
}

const struct path *path_keep(
	struct model_reader *reader, const struct path *up, const char *name, size_t index)
{
	struct path *path = arena_alloc(reader->arena, sizeof(*path));
	char *copy = path && name ? arena_strdup(reader->arena, name) : NULL;
	if (!path || (name && !copy))
		return NULL;
	*path = (struct path){ up, copy, index };
	return path;
}

const char *json_keep(struct model_reader *reader, const json_t *value)
{
	buffer_clear(&reader->text);
	if (json_write(value, &reader->text, NULL))
		return NULL;
	return arena_strndup(reader->arena, buffer_text(&reader->text), reader->text.size);
}

void members_check(struct model_reader *reader, const struct path *at, json_t *object,
	const char *const *names)
{
	const char *name;
	json_t *member;
	json_object_foreach(object, name, member)
	{
		struct path here = { at, name, 0 };
		size_t i = 0;
		while (names[i] && strcmp(names[i], name) != 0)
			i++;
		if (!names[i])
			fault_add(reader->faults, &here, "is not a known field");
	}
}

bool member_integer(struct model_reader *reader, const struct path *at, json_t *object,
	const char *name, size_t low, size_t high, size_t *out)
{
	const json_t *value = json_object_get(object, name);
	struct path here = { at, name, 0 };
	if (!value)
		return true;
	double x = json_is_number(value) ? json_number_value(value) : -1;
	if (!(x >= (double)low && x <= (double)high) || x != floor(x)) {
		fault_add(reader->faults, &here, "must be an integer from %zu to %zu", low, high);
		return false;
	}
	*out = (size_t)x;
	return true;
}

bool member_word(struct model_reader *reader, const struct path *at, json_t *object,
	const char *name, const char *const *words, size_t *out)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	struct path here = { at, name, 0 };
	char list[FAULT_MESSAGE_MAX] = "";
	if (!value)
		return true;
	for (size_t i = 0; words[i]; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof(list) - used, i ? ", %s" : "%s", words[i]);
		if (text && strcmp(text, words[i]) == 0) {
			*out = i;
			return true;
		}
	}
	fault_add(reader->faults, &here, "must be one of %s", list);
	return false;
}

/* ---- inputs ---- */

static void shape_read(
	struct model_reader *reader, const json_t *list, const struct path *at, struct shape *out)
{
	if (!json_is_array(list) || json_array_size(list) > MODEL_RANK) {
		fault_add(reader->faults, at,
			"must be a shape without the batch axis, such as [3, 32, 32], of at most "
			"%d axes",
			MODEL_RANK);
		return;
	}
	out->rank = json_array_size(list);
	for (size_t i = 0; i < out->rank; i++) {
		struct path here = { at, NULL, i };
		const json_t *size = json_array_get(list, i);
		json_int_t n = json_integer_value(size);
		if (!json_is_integer(size) || n < 1 || n > MODEL_AXIS)
			fault_add(reader->faults, &here, "must be an integer from 1 to %d",
				MODEL_AXIS);
		out->size[i] = n >= 1 && n <= MODEL_AXIS ? n : 1;
	}
}

bool name_check(struct model_reader *reader, const struct path *at, const char *name)
{
	bool ok = *name && *name != '_' && strlen(name) <= LIMIT_NAME && text_is_plain(name) &&
		  !strchr(name, '/');
	if (!ok)
		fault_add(reader->faults, at,
			"a name has 1 to %d bytes, no / and no control characters, and does not "
			"begin with _",
			LIMIT_NAME);
	return ok;
}

static int inputs_read(struct model_reader *reader)
{
	json_t *object = json_object_get(reader->document, "inputs");
	const struct path at = { &root_at, "inputs", 0 };
	size_t n = json_object_size(object), i = 0;
	const char *name;
	json_t *shape;

	if (n == 0 || n > LIMIT_MODEL_INPUTS) {
		fault_add(reader->faults, &at,
			"must be an object of 1 to %d shapes, such as {\"image\": [3, 32, 32]}",
			LIMIT_MODEL_INPUTS);
		return 0;
	}
	const char **names = arena_array(reader->arena, n, sizeof(*names));
	struct shape *shapes = arena_array(reader->arena, n, sizeof(*shapes));
	if (!names || !shapes)
		return model_no_memory(reader);
	json_object_foreach(object, name, shape)
	{
		struct path here = { &at, name, 0 };
		name_check(reader, &here, name);
		shape_read(reader, shape, &here, &shapes[i]);
		names[i] = arena_strdup(reader->arena, name);
		if (!names[i++])
			return model_no_memory(reader);
	}
	reader->model->n_inputs = n;
	reader->model->input_names = names;
	reader->model->input_shapes = shapes;
	return 0;
}

/* ---- edges ---- */

/* One end of an edge. *slot stays SIZE_MAX when none is named. False: a fault was added. */
static bool end_read(struct model_reader *reader, const struct graph_draft *graph,
	const json_t *end, const struct path *at, const char **name, size_t *slot)
{
	const json_t *first = json_is_array(end) ? json_array_get(end, 0) : end;
	const json_t *second = json_is_array(end) ? json_array_get(end, 1) : NULL;
	json_int_t n = second ? json_integer_value(second) : 0;
	(void)graph;
	*name = json_string_value(first);
	*slot = second ? (size_t)n : SIZE_MAX;
	if (*name &&
		(!json_is_array(end) || (json_array_size(end) == 2 && json_is_integer(second) &&
						n >= 0 && n < LIMIT_CANDIDATES)))
		return true;
	fault_add(reader->faults, at, "must be a node's name or [name, slot]");
	return false;
}

static int node_find(const struct graph_draft *graph, const char *name)
{
	for (size_t i = 0; i < graph->n; i++)
		if (strcmp(graph->nodes[i].name, name) == 0)
			return (int)i;
	return GRAPH_INPUTS;
}

/* The list of sources that an edge adds to: a node's inputs or the graph's outputs. */
struct sink {
	struct source *sources; /* LIMIT_CANDIDATES at most */
	bool *taken;
	size_t n, room; /* n: one more than the highest slot taken */
};

static bool sink_put(struct sink *sink, size_t slot, struct source source)
{
	if (slot == SIZE_MAX)
		for (slot = 0; slot < sink->n && sink->taken[slot];)
			slot++;
	if (slot >= sink->room) {
		size_t room = slot < 8 ? 16 : 2 * slot;
		struct source *sources = realloc(sink->sources, room * sizeof(*sources));
		if (sources)
			sink->sources = sources;
		bool *taken = realloc(sink->taken, room * sizeof(*taken));
		if (taken)
			sink->taken = taken;
		if (!sources || !taken)
			return false;
		memset(taken + sink->room, 0, (room - sink->room) * sizeof(*taken));
		sink->room = room;
	}
	sink->sources[slot] = source;
	sink->taken[slot] = true;
	if (slot >= sink->n)
		sink->n = slot + 1;
	return true;
}

static int edge_read(struct model_reader *reader, struct graph_draft *graph, json_t *edge,
	const struct path *at, struct sink *sinks)
{
	static const char *const members[] = { "from", "to", NULL };
	const struct path from_at = { at, "from", 0 }, to_at = { at, "to", 0 };
	const char *from, *to;
	size_t out, in;

	if (!json_is_object(edge)) {
		fault_add(reader->faults, at, "must be an object {\"from\": ..., \"to\": ...}");
		return 0;
	}
	members_check(reader, at, edge, members);
	if (!end_read(reader, graph, json_object_get(edge, "from"), &from_at, &from, &out) ||
		!end_read(reader, graph, json_object_get(edge, "to"), &to_at, &to, &in))
		return 0;
	struct source source = { node_find(graph, from), out == SIZE_MAX ? 0 : out };
	int target = node_find(graph, to);
	bool leaves = strcmp(from, "_inputs") == 0, ends = strcmp(to, "_outputs") == 0;
	size_t before = reader->faults->n;
	if (source.node == GRAPH_INPUTS && !leaves)
		fault_add(reader->faults, &from_at, "there is no node of this name");
	if (leaves && source.slot >= graph->n_inputs)
		fault_add(reader->faults, &from_at, "the graph has %zu input%s", graph->n_inputs,
			graph->n_inputs == 1 ? "" : "s");
	if (target == GRAPH_INPUTS && !ends)
		fault_add(reader->faults, &to_at, "there is no node of this name");
	if (reader->faults->n > before)
		return 0;
	struct sink *sink = &sinks[ends ? graph->n : (size_t)target];
	if (in != SIZE_MAX && in < sink->n && sink->taken[in])
		fault_add(reader->faults, &to_at, "two edges lead into this slot");
	else if (!sink_put(sink, in, source))
		return model_no_memory(reader);
	return 0;
}

/* Every slot below the highest must be taken. */
static int sink_keep(struct model_reader *reader, const struct sink *sink, const char *name,
	const struct path *at, size_t *n, struct source **out)
{
	for (size_t i = 0; i < sink->n; i++)
		if (!sink->taken[i])
			fault_add(reader->faults, at, "no edge leads into slot %zu of %s", i, name);
	*n = sink->n;
	*out = arena_copy(reader->arena, sink->sources, sink->n * sizeof(**out));
	return *out || sink->n == 0 ? 0 : model_no_memory(reader);
}

static int edges_read(struct model_reader *reader, struct graph_draft *graph, json_t *list)
{
	const struct path at = { graph->at, "edges", 0 };
	size_t n = json_array_size(list);
	int rc = 0;

	if (!json_is_array(list) || n > LIMIT_GRAPH_EDGES) {
		fault_add(reader->faults, &at, "must be a list of at most %d edges",
			LIMIT_GRAPH_EDGES);
		return 0;
	}
	struct sink *sinks = calloc(graph->n + 1, sizeof(*sinks));
	if (!sinks)
		return model_no_memory(reader);
	size_t before = reader->faults->n;
	for (size_t i = 0; i < n && !rc; i++) {
		struct path here = { &at, NULL, i };
		rc = edge_read(reader, graph, json_array_get(list, i), &here, sinks);
	}
	for (size_t i = 0; i < graph->n && !rc && reader->faults->n == before; i++)
		rc = sink_keep(reader, &sinks[i], graph->nodes[i].name, &at,
			&graph->nodes[i].n_inputs, &graph->nodes[i].inputs);
	if (!rc && reader->faults->n == before)
		rc = sink_keep(reader, &sinks[graph->n], "_outputs", &at, &graph->n_outputs,
			&graph->outputs);
	if (!rc && reader->faults->n == before && graph->n_outputs == 0)
		fault_add(reader->faults, &at, "no edge leads to _outputs");
	for (size_t i = 0; i <= graph->n; i++) {
		free(sinks[i].sources);
		free(sinks[i].taken);
	}
	free(sinks);
	return rc;
}

/* ---- nodes and order ---- */

static int nodes_read(struct model_reader *reader, struct graph_draft *graph, json_t *object)
{
	const struct path at = { graph->at, "nodes", 0 };
	size_t n = json_object_size(object);
	const char *name;
	json_t *node;

	if (!json_is_object(object) || n > LIMIT_GRAPH_NODES) {
		fault_add(reader->faults, &at, "must be an object of at most %d nodes",
			LIMIT_GRAPH_NODES);
		return 0;
	}
	graph->nodes = arena_array(reader->arena, n ? n : 1, sizeof(*graph->nodes));
	graph->order = arena_array(reader->arena, n ? n : 1, sizeof(*graph->order));
	if (!graph->nodes || !graph->order)
		return model_no_memory(reader);
	json_object_foreach(object, name, node)
	{
		struct path here = { &at, name, 0 };
		name_check(reader, &here, name);
		graph->nodes[graph->n++] = (struct node_draft){ .name = name, .json = node };
	}
	return 0;
}

/* Kahn's algorithm; nodes in declaration order wherever the edges leave a choice. */
static void nodes_order(struct model_reader *reader, struct graph_draft *graph)
{
	const struct path at = { graph->at, "nodes", 0 };
	bool done[LIMIT_GRAPH_NODES] = { false };
	size_t n = 0;
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 0; i < graph->n; i++) {
			bool ready = !done[i];
			for (size_t k = 0; ready && k < graph->nodes[i].n_inputs; k++) {
				int from = graph->nodes[i].inputs[k].node;
				ready = from == GRAPH_INPUTS || done[from];
			}
			if (!ready)
				continue;
			done[i] = moved = true;
			graph->order[n++] = i;
		}
	}
	for (size_t i = 0; i < graph->n; i++) {
		struct path here = { &at, graph->nodes[i].name, 0 };
		if (!done[i])
			fault_add(reader->faults, &here, "stands on a cycle, or behind one");
	}
}

/* Inputs and nodes become nodes of one graph, so their names must differ. */
static void names_check(struct model_reader *reader, const struct graph_draft *graph)
{
	for (size_t i = 0; i < reader->model->n_inputs; i++) {
		const struct path nodes_at = { graph->at, "nodes", 0 },
				  at = { &nodes_at, reader->model->input_names[i], 0 };
		if (node_find(graph, reader->model->input_names[i]) != GRAPH_INPUTS)
			fault_add(reader->faults, &at, "has the name of an input");
	}
}

static int graph_read(struct model_reader *reader, struct graph_draft *graph, json_t *json)
{
	size_t before = reader->faults->n;
	int rc = nodes_read(reader, graph, json_object_get(json, "nodes"));
	if (!rc && reader->faults->n == before)
		rc = edges_read(reader, graph, json_object_get(json, "edges"));
	if (!rc && reader->faults->n == before)
		nodes_order(reader, graph);
	graph->broken = reader->faults->n > before;
	return rc;
}

static int subgraph_read(
	struct model_reader *reader, struct graph_draft *graph, const char *name, json_t *json)
{
	static const char *const members[] = { "inputs", "nodes", "edges", NULL };
	static const struct path at = { &root_at, "graphs", 0 };
	graph->name = name;
	graph->n_inputs = 1;
	graph->at = path_keep(reader, &at, name, 0);
	if (!graph->at)
		return model_no_memory(reader);
	name_check(reader, graph->at, name);
	graph->broken = true;
	if (!json_is_object(json)) {
		fault_add(reader->faults, graph->at, "must be an object with nodes and edges");
		return 0;
	}
	members_check(reader, graph->at, json, members);
	if (!member_integer(
		    reader, graph->at, json, "inputs", 1, LIMIT_MODEL_INPUTS, &graph->n_inputs))
		return 0;
	return graph_read(reader, graph, json);
}

int graphs_read(struct model_reader *reader)
{
	static const char *const members[] = { "inputs", "nodes", "edges", "graphs",
		"merge_isomorphic", NULL };
	static const struct path graphs_at = { &root_at, "graphs", 0 },
				 merge_at = { &root_at, "merge_isomorphic", 0 };
	json_t *graphs = json_object_get(reader->document, "graphs"), *graph;
	json_t *merge = json_object_get(reader->document, "merge_isomorphic");
	const char *name;

	members_check(reader, &root_at, reader->document, members);
	if (merge && !json_is_boolean(merge))
		fault_add(reader->faults, &merge_at, "must be true or false");
	reader->model->merge = !json_is_false(merge);
	if ((graphs && !json_is_object(graphs)) || json_object_size(graphs) > LIMIT_MODEL_GRAPHS) {
		fault_add(reader->faults, &graphs_at, "must be an object of at most %d graphs",
			LIMIT_MODEL_GRAPHS);
		graphs = NULL;
	}
	reader->graphs =
		arena_array(reader->arena, json_object_size(graphs) + 1, sizeof(*reader->graphs));
	if (!reader->graphs)
		return model_no_memory(reader);
	int rc = inputs_read(reader);
	if (rc)
		return rc;
	reader->graphs[0].at = &root_at;
	reader->graphs[0].n_inputs = reader->model->n_inputs;
	reader->n_graphs = 1;
	rc = graph_read(reader, &reader->graphs[0], reader->document);
	names_check(reader, &reader->graphs[0]);
	json_object_foreach(graphs, name, graph)
	{
		if (!rc)
			rc = subgraph_read(
				reader, &reader->graphs[reader->n_graphs++], name, graph);
	}
	return rc;
}
