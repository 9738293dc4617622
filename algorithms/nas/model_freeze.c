/* A sample: from the elements and a point to a concrete graph. The walk recurses as deep as the
 * elements are nested, LIMIT_MODEL_DEPTH levels. */
#include <math.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"

struct freezer {
	const struct model_space *model;
	const double *x;
	struct net net;
};

static int walk(
	struct freezer *freezer, const struct element *element, const int *inputs, int *outputs);

static int op_walk(
	struct freezer *freezer, const struct element *element, const int *inputs, int *outputs)
{
	struct attribute_value attributes[MODEL_ATTRIBUTES];
	char message[FAULT_MESSAGE_MAX];
	for (size_t i = 0; element->op->attributes[i].name; i++)
		if (!value_take(freezer->model, &element->values[i], &element->op->attributes[i],
			    freezer->x, &attributes[i], message))
			return net_misfit(
				&freezer->net, element->at, message, element->name, outputs);
	return net_add(&freezer->net, element->op, attributes, inputs, element->n_inputs,
		element->at, element->name, outputs);
}

/* The tensors that sources stand for; tensors[node] are the outputs of a node. */
static void sources_take(
	const struct source *sources, size_t n, const int *inputs, int *const *tensors, int *out)
{
	for (size_t k = 0; k < n; k++)
		out[k] = sources[k].node == GRAPH_INPUTS
				 ? inputs[sources[k].slot]
				 : tensors[sources[k].node][sources[k].slot];
}

static int graph_walk(
	struct freezer *freezer, const struct element *element, const int *inputs, int *outputs)
{
	const struct graph_draft *graph = element->graph;
	struct arena *arena = freezer->net.arena;
	int **tensors = arena_array(arena, graph->n + 1, sizeof(*tensors));
	if (!tensors)
		return CODE_NO_MEMORY;
	for (size_t k = 0; k < graph->n; k++) {
		size_t i = graph->order[k];
		const struct node_draft *node = &graph->nodes[i];
		int *taken = arena_array(arena, node->n_inputs + 1, sizeof(*taken));
		tensors[i] = arena_array(arena, element->children[i]->n_outputs, sizeof(int));
		if (!taken || !tensors[i])
			return CODE_NO_MEMORY;
		sources_take(node->inputs, node->n_inputs, inputs, tensors, taken);
		int rc = walk(freezer, element->children[i], taken, tensors[i]);
		if (rc)
			return rc;
	}
	sources_take(graph->outputs, graph->n_outputs, inputs, tensors, outputs);
	return 0;
}

static int layer_walk(
	struct freezer *freezer, const struct element *element, const int *inputs, int *outputs)
{
	size_t k = dimension_value(freezer->model, element->dimension, freezer->x);
	return walk(freezer, element->children[k], inputs, outputs);
}

static int repeat_walk(
	struct freezer *freezer, const struct element *element, const int *inputs, int *outputs)
{
	size_t depth = element->low;
	int tensor = inputs[0];
	if (element->dimension >= 0)
		depth += dimension_value(freezer->model, element->dimension, freezer->x);
	for (size_t i = 0; i < depth; i++) {
		int next;
		int rc = walk(freezer, element->children[i], &tensor, &next);
		if (rc)
			return rc;
		tensor = next;
	}
	*outputs = tensor;
	return 0;
}

static int reduce(struct freezer *freezer, const struct element *element, enum reduction reduction,
	const int *inputs, size_t n, size_t axis, const char *name, int *out)
{
	static const struct operation *const *const ops[] = {
		[REDUCE_SUM] = &op_add,
		[REDUCE_MEAN] = &op_mean,
		[REDUCE_CONCAT] = &op_concat,
	};
	const struct attribute_value attribute = {
		.v = { reduction == REDUCE_CONCAT ? (double)axis : (double)NAN,
			reduction == REDUCE_CONCAT ? (double)axis : (double)NAN },
	};
	return net_add(
		&freezer->net, *ops[reduction], &attribute, inputs, n, element->at, name, out);
}

static int input_walk(
	struct freezer *freezer, const struct element *element, const int *inputs, int *outputs)
{
	const struct model_space *model = freezer->model;
	const double *x = freezer->x;
	uint32_t picked[LIMIT_CANDIDATES];
	size_t n = element->n_chosen;

	if (element->replacement) {
		for (size_t k = 0; k < n; k++)
			picked[k] = (uint32_t)dimension_value(model, element->dimensions[k], x);
	} else if (n == 1) {
		picked[0] = (uint32_t)dimension_value(model, element->dimension, x);
	} else {
		int parameter = model->dimensions[element->dimension].parameter;
		n = parameter_subset(&model->space->parameters[parameter], x[parameter], picked);
	}
	int *chosen = arena_array(freezer->net.arena, n + 1, sizeof(*chosen));
	if (!chosen)
		return CODE_NO_MEMORY;
	for (size_t k = 0; k < n; k++)
		chosen[k] = inputs[picked[k]];
	if (element->reduction != REDUCE_NONE)
		return reduce(
			freezer, element, element->reduction, chosen, n, 0, element->name, outputs);
	memcpy(outputs, chosen, n * sizeof(*chosen));
	return 0;
}

/* Node i of a cell: the sum of its operators, each on one earlier tensor. */
static int cell_node(
	struct freezer *freezer, const struct element *element, size_t i, int *tensors, bool *used)
{
	size_t n_tensors = element->n_inputs + i;
	int terms[LIMIT_CELL_NODES];
	for (size_t k = 0; k < element->n_ops; k++) {
		size_t at = i * element->n_ops + k;
		size_t op =
			dimension_value(freezer->model, element->dimensions[2 * at], freezer->x);
		size_t from = dimension_value(
			freezer->model, element->dimensions[2 * at + 1], freezer->x);
		used[from] = true;
		int rc = walk(freezer, element->children[at * element->n_candidates + op],
			&tensors[from], &terms[k]);
		if (rc)
			return rc;
	}
	const char *name =
		arena_printf(freezer->net.arena, "%s/node_%zu", element->name, n_tensors);
	if (!name)
		return CODE_NO_MEMORY;
	return reduce(
		freezer, element, REDUCE_SUM, terms, element->n_ops, 0, name, &tensors[n_tensors]);
}

static int cell_walk(
	struct freezer *freezer, const struct element *element, const int *inputs, int *outputs)
{
	size_t n = element->n_inputs + element->n_nodes, n_merged = 0;
	int *tensors = arena_array(freezer->net.arena, n, sizeof(*tensors));
	int *merged = arena_array(freezer->net.arena, n, sizeof(*merged));
	bool *used = arena_array(freezer->net.arena, n, sizeof(*used));
	if (!tensors || !merged || !used)
		return CODE_NO_MEMORY;
	memcpy(tensors, inputs, element->n_inputs * sizeof(*inputs));
	for (size_t i = 0; i < element->n_nodes; i++) {
		int rc = cell_node(freezer, element, i, tensors, used);
		if (rc)
			return rc;
	}
	for (size_t i = element->n_inputs; i < n; i++)
		if (!element->loose || !used[i])
			merged[n_merged++] = tensors[i];
	return reduce(freezer, element, REDUCE_CONCAT, merged, n_merged, element->axis,
		element->name, outputs);
}

static int walk(
	struct freezer *freezer, const struct element *element, const int *inputs, int *outputs)
{
	static int (*const walks[])(
		struct freezer *, const struct element *, const int *, int *) = {
		[ELEMENT_OP] = op_walk,
		[ELEMENT_GRAPH] = graph_walk,
		[ELEMENT_LAYER] = layer_walk,
		[ELEMENT_INPUT] = input_walk,
		[ELEMENT_REPEAT] = repeat_walk,
		[ELEMENT_CELL] = cell_walk,
	};
	return walks[element->kind](freezer, element, inputs, outputs);
}

/* The first misfit that an output depends on. */
static const struct misfit *misfit_find(struct net *net, const int *outputs, size_t n_outputs)
{
	bool *needed = arena_array(net->arena, net->n, sizeof(*needed));
	const struct misfit *first = NULL;
	for (size_t j = 0; needed && j < n_outputs; j++)
		needed[outputs[j]] = true;
	for (size_t i = net->n; needed && i-- > 0;) {
		if (!needed[i])
			continue;
		if (net->misfits[i])
			first = net->misfits[i];
		for (size_t k = 0; k < net->nodes[i].n_inputs; k++)
			needed[net->nodes[i].inputs[k]] = true;
	}
	return first;
}

/* All outputs are there and fit: 0, else CODE_INVALID. */
static int outputs_check(struct freezer *freezer, const int *outputs, struct misfit *misfit)
{
	size_t n = freezer->model->root->n_outputs;
	bool bad = false;
	for (size_t j = 0; j < n; j++) {
		if (outputs[j] == ABSENT) {
			misfit->at = freezer->model->root->at;
			snprintf(misfit->message, sizeof(misfit->message),
				"nothing reaches output %zu", j);
			return CODE_INVALID;
		}
		bad = bad || freezer->net.bad[outputs[j]];
	}
	if (!bad)
		return 0;
	const struct misfit *first = misfit_find(&freezer->net, outputs, n);
	if (!first)
		return CODE_NO_MEMORY;
	*misfit = *first;
	return CODE_INVALID;
}

int freeze(const struct model_space *model, const double *x, struct arena *arena,
	const struct model_graph **out, struct misfit *misfit)
{
	struct freezer freezer = { .model = model, .x = x, .net = { .arena = arena } };
	int *inputs = arena_array(arena, model->n_inputs, sizeof(*inputs));
	int *outputs = arena_array(arena, model->root->n_outputs, sizeof(*outputs));
	struct model_graph *graph;

	if (!inputs || !outputs)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < model->n_inputs; i++) {
		inputs[i] = (int)i;
		if (net_input(&freezer.net, &model->input_shapes[i], model->input_names[i]))
			return CODE_NO_MEMORY;
	}
	int rc = walk(&freezer, model->root, inputs, outputs);
	if (!rc)
		rc = outputs_check(&freezer, outputs, misfit);
	if (!rc)
		rc = net_finish(&freezer.net, outputs, model->root->n_outputs, &graph);
	if (!rc)
		*out = graph;
	return rc;
}
