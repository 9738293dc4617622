/* Concrete graphs as JSON and as Graphviz. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"

void model_key_text(const struct key128 *key, char out[33])
{
	snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, key->high, key->low);
}

static void write_number(struct buffer *out, const struct op_attribute *attribute, double value)
{
	if (attribute->type == ATTRIBUTE_FLAG)
		buffer_add_text(out, value != 0 ? "true" : "false");
	else if (attribute->type == ATTRIBUTE_PADDING && value == PADDING_SAME)
		buffer_add_text(out, "\"same\"");
	else
		json_write_number(out, value, true);
}

static void write_attribute(struct buffer *out, const struct op_attribute *attribute,
	const struct attribute_value *value)
{
	bool pair = value->v[0] != value->v[1] &&
		    (attribute->type == ATTRIBUTE_PAIR || attribute->type == ATTRIBUTE_PADDING);
	if (pair)
		buffer_add_char(out, '[');
	write_number(out, attribute, value->v[0]);
	if (!pair)
		return;
	buffer_add_char(out, ',');
	write_number(out, attribute, value->v[1]);
	buffer_add_char(out, ']');
}

static void write_attributes(struct buffer *out, const struct model_node *node)
{
	const char *separator = "";
	for (size_t i = 0; node->op->attributes[i].name; i++) {
		if (isnan(node->attributes[i].v[0]))
			continue;
		buffer_add_text(out, separator);
		separator = ",";
		json_write_string(out, node->op->attributes[i].name);
		buffer_add_char(out, ':');
		write_attribute(out, &node->op->attributes[i], &node->attributes[i]);
	}
}

static void write_shape(struct buffer *out, const struct shape *shape)
{
	buffer_add_char(out, '[');
	for (size_t i = 0; i < shape->rank; i++)
		buffer_printf(out, i ? ",%" PRId64 : "%" PRId64, shape->size[i]);
	buffer_add_char(out, ']');
}

static void write_inputs(struct buffer *out, const struct model_graph *graph)
{
	buffer_add_text(out, "\"inputs\":{");
	for (size_t i = 0; i < graph->n_inputs; i++) {
		if (i)
			buffer_add_char(out, ',');
		json_write_string(out, graph->nodes[i].name);
		buffer_add_char(out, ':');
		write_shape(out, &graph->nodes[i].shape);
	}
	buffer_add_char(out, '}');
}

static void write_nodes(struct buffer *out, const struct model_graph *graph)
{
	buffer_add_text(out, ",\"nodes\":{");
	for (size_t i = graph->n_inputs; i < graph->n; i++) {
		const struct model_node *node = &graph->nodes[i];
		if (i > graph->n_inputs)
			buffer_add_char(out, ',');
		json_write_string(out, node->name);
		buffer_printf(out, ":{\"type\":\"%s\",\"parameters\":{", node->op->name);
		write_attributes(out, node);
		buffer_add_text(out, "}}");
	}
	buffer_add_char(out, '}');
}

static void write_edge(struct buffer *out, const struct model_graph *graph, int from,
	const char *to, size_t slot, bool first)
{
	buffer_add_text(out, first ? "{\"from\":" : ",{\"from\":");
	if ((size_t)from < graph->n_inputs)
		buffer_printf(out, "[\"_inputs\",%d]", from);
	else
		json_write_string(out, graph->nodes[from].name);
	buffer_add_text(out, ",\"to\":[");
	json_write_string(out, to);
	buffer_printf(out, ",%zu]}", slot);
}

static void write_edges(struct buffer *out, const struct model_graph *graph)
{
	bool first = true;
	buffer_add_text(out, ",\"edges\":[");
	for (size_t i = graph->n_inputs; i < graph->n; i++)
		for (size_t k = 0; k < graph->nodes[i].n_inputs; k++, first = false)
			write_edge(out, graph, graph->nodes[i].inputs[k], graph->nodes[i].name, k,
				first);
	for (size_t j = 0; j < graph->n_outputs; j++, first = false)
		write_edge(out, graph, graph->outputs[j], "_outputs", j, first);
	buffer_add_char(out, ']');
}

static void write_summary(struct buffer *out, const struct model_graph *graph)
{
	char key[33];
	model_key_text(&graph->key, key);
	buffer_printf(out, "\"summary\":{\"hash\":\"%s\",\"parameters\":", key);
	json_write_number(out, graph->parameters, true);
	buffer_add_text(out, ",\"flops\":");
	json_write_number(out, graph->flops, true);
	buffer_add_text(out, ",\"nodes\":{");
	for (size_t i = graph->n_inputs; i < graph->n; i++) {
		const struct model_node *node = &graph->nodes[i];
		if (i > graph->n_inputs)
			buffer_add_char(out, ',');
		json_write_string(out, node->name);
		buffer_add_text(out, ":{\"shape\":");
		write_shape(out, &node->shape);
		buffer_add_text(out, ",\"parameters\":");
		json_write_number(out, node->parameters, true);
		buffer_add_text(out, ",\"flops\":");
		json_write_number(out, node->flops, true);
		buffer_add_char(out, '}');
	}
	buffer_add_text(out, "}}");
}

void model_graph_write(const struct model_graph *graph, struct buffer *out)
{
	buffer_add_text(out, "{\"model\":{");
	write_inputs(out, graph);
	write_nodes(out, graph);
	write_edges(out, graph);
	buffer_add_text(out, "},");
	write_summary(out, graph);
	buffer_add_char(out, '}');
}

/* The inside of a quoted string of Graphviz. */
static void dot_text(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buffer_add_char(out, '\\');
		buffer_add_char(out, *text);
	}
}

static void dot_node(struct buffer *out, const struct model_node *node, size_t i)
{
	char shape[SHAPE_TEXT_MAX];
	struct buffer attributes;
	buffer_printf(out, "  n%zu [label=\"", i);
	dot_text(out, node->name);
	buffer_printf(out, "\\n%s", node->op->name);
	buffer_init(&attributes, LIMIT_BODY_BYTES);
	if (node->op->attributes[0].name)
		write_attributes(&attributes, node);
	if (attributes.size) {
		buffer_add_text(out, "\\n");
		/* {"stride":1} reads better as stride:1. */
		for (const char *c = buffer_text(&attributes); *c; c++)
			if (*c != '"')
				buffer_add_char(out, *c);
	}
	buffer_release(&attributes);
	buffer_printf(out, "\\n%s\"];\n", shape_text(&node->shape, shape, sizeof(shape)));
}

void model_graph_dot(const struct model_graph *graph, struct buffer *out)
{
	buffer_add_text(out, "digraph model {\n  node [shape=box];\n");
	for (size_t i = 0; i < graph->n; i++)
		dot_node(out, &graph->nodes[i], i);
	for (size_t j = 0; j < graph->n_outputs; j++)
		buffer_printf(out, "  out%zu [label=\"output %zu\", shape=ellipse];\n", j, j);
	for (size_t i = 0; i < graph->n; i++)
		for (size_t k = 0; k < graph->nodes[i].n_inputs; k++)
			buffer_printf(out, "  n%d -> n%zu;\n", graph->nodes[i].inputs[k], i);
	for (size_t j = 0; j < graph->n_outputs; j++)
		buffer_printf(out, "  n%d -> out%zu;\n", graph->outputs[j], j);
	buffer_add_text(out, "}\n");
}
