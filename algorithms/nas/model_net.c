/*
 * A concrete graph in the making. Every operation is checked against its inputs, and left out when
 * it comes to something simpler: the identity, a sum of one, a sum with zeros, zeros of zeros, a
 * second copy of a step without weights. So graphs that compute the same for these reasons end up
 * the same.
 */
#include <math.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"

static void *grown(struct net *net, const void *old, size_t room, size_t size)
{
	char *items = arena_array(net->arena, room, size);
	if (items && net->n)
		memcpy(items, old, net->n * size);
	return items;
}

/* Room for one more node. */
static bool net_grow(struct net *net)
{
	if (net->n < net->room)
		return true;
	size_t room = net->room ? 2 * net->room : 64;
	struct model_node *nodes = grown(net, net->nodes, room, sizeof(*nodes));
	const struct misfit **misfits = grown(net, net->misfits, room, sizeof(*misfits));
	bool *bad = grown(net, net->bad, room, sizeof(*bad));
	int *older = grown(net, net->older, room, sizeof(*older));
	int *newest = arena_array(net->arena, room + 1, sizeof(*newest));
	if (!nodes || !misfits || !bad || !older || !newest)
		return false;
	if (net->room)
		memcpy(newest, net->newest, (net->n + 1) * sizeof(*newest));
	else
		newest[0] = ABSENT;
	net->nodes = nodes;
	net->misfits = misfits;
	net->bad = bad;
	net->older = older;
	net->newest = newest;
	net->room = room;
	return true;
}

/* Adds the node as it is. The arrays it points to are the caller's until then. */
static int net_push(struct net *net, const struct model_node *node, int *out)
{
	if (!net_grow(net))
		return CODE_NO_MEMORY;
	struct model_node *copy = &net->nodes[net->n];
	*copy = *node;
	if (node->n_inputs) {
		copy->inputs = arena_copy(
			net->arena, node->inputs, node->n_inputs * sizeof(*node->inputs));
		if (!copy->inputs)
			return CODE_NO_MEMORY;
	}
	size_t n_attributes = op_n_attributes(node->op);
	if (n_attributes) {
		copy->attributes = arena_copy(
			net->arena, node->attributes, n_attributes * sizeof(*node->attributes));
		if (!copy->attributes)
			return CODE_NO_MEMORY;
	}
	int *head = &net->newest[node->n_inputs ? node->inputs[0] + 1 : 0];
	net->older[net->n] = *head;
	*head = (int)net->n;
	net->newest[net->n + 1] = ABSENT;
	*out = (int)net->n++;
	return 0;
}

int net_input(struct net *net, const struct shape *shape, const char *name)
{
	const struct model_node node = { .op = op_input, .shape = *shape, .name = name };
	int index;
	net->n_inputs++;
	return net_push(net, &node, &index);
}

int net_misfit(
	struct net *net, const struct path *at, const char *message, const char *name, int *out)
{
	struct misfit *misfit = arena_alloc(net->arena, sizeof(*misfit));
	const struct model_node node = { .op = op_zero, .name = name };
	if (!misfit)
		return CODE_NO_MEMORY;
	misfit->at = at;
	snprintf(misfit->message, sizeof(misfit->message), "%s", message);
	int rc = net_push(net, &node, out);
	if (!rc) {
		net->bad[*out] = true;
		net->misfits[*out] = misfit;
	}
	return rc;
}

/* An operation on its way in. */
struct entry {
	struct model_node node;
	struct attribute_value attributes[MODEL_ATTRIBUTES];
	int *inputs; /* those that are there */
	size_t n_inputs;
};

static bool is_zero(const struct net *net, int node)
{
	return net->nodes[node].op == op_zero;
}

static bool all_zero(const struct net *net, const struct entry *entry)
{
	for (size_t i = 0; i < entry->n_inputs; i++)
		if (!is_zero(net, entry->inputs[i]))
			return false;
	return true;
}

/* A sum needs no zeros, but one term. */
static void zeros_drop(const struct net *net, struct entry *entry)
{
	size_t n = 0;
	for (size_t i = 0; i < entry->n_inputs; i++)
		if (!is_zero(net, entry->inputs[i]))
			entry->inputs[n++] = entry->inputs[i];
	entry->n_inputs = n ? n : 1;
}

/* Does the operation make zeros of these inputs? */
static bool makes_zero(const struct net *net, const struct entry *entry)
{
	const struct operation *op = entry->node.op;
	int bias = op_attribute_find(op, "bias");
	if (op == op_zero)
		return true;
	if (strcmp(op->name, "Multiply") == 0) {
		for (size_t i = 0; i < entry->n_inputs; i++)
			if (is_zero(net, entry->inputs[i]))
				return true;
		return false;
	}
	if (!all_zero(net, entry))
		return false;
	if (op == op_add)
		return isnan(entry->attributes[0].v[0]);
	return op == op_mean || op == op_concat || (op->flags & OP_KEEPS_ZERO) ||
	       (bias >= 0 && entry->attributes[bias].v[0] == 0);
}

/* Does its one input come out as it went in? */
static bool passes(const struct entry *entry)
{
	const struct operation *op = entry->node.op;
	if (entry->n_inputs != 1)
		return false;
	if (op == op_identity || op == op_mean || op == op_concat)
		return true;
	if (op->flags & OP_RANDOM)
		return entry->attributes[0].v[0] == 0; /* a dropout of nothing */
	return (op->flags & OP_MANY) && isnan(entry->attributes[0].v[0]);
}

static void sort_inputs(struct entry *entry)
{
	for (size_t i = 1; i < entry->n_inputs; i++) {
		int input = entry->inputs[i];
		size_t k = i;
		for (; k > 0 && entry->inputs[k - 1] > input; k--)
			entry->inputs[k] = entry->inputs[k - 1];
		entry->inputs[k] = input;
	}
}

/* The same step on the same inputs, if it has neither weights nor chance; else ABSENT. */
static int twin_find(const struct net *net, const struct entry *entry)
{
	const struct operation *op = entry->node.op;
	size_t n_attributes = op_n_attributes(op);
	if (entry->node.parameters > 0 || (op->flags & OP_RANDOM))
		return ABSENT;
	int i = net->newest[entry->n_inputs ? entry->inputs[0] + 1 : 0];
	for (; i != ABSENT; i = net->older[i]) {
		const struct model_node *node = &net->nodes[i];
		if (node->op == op && !net->bad[i] && node->n_inputs == entry->n_inputs &&
			(!node->n_inputs || memcmp(node->inputs, entry->inputs,
						    node->n_inputs * sizeof(int)) == 0) &&
			(!n_attributes || memcmp(node->attributes, entry->attributes,
						  n_attributes * sizeof(*node->attributes)) == 0) &&
			shape_equal(&node->shape, &entry->node.shape))
			return i;
	}
	return ABSENT;
}

/* Shape and cost; false: a misfit was made, or *rc says no memory. */
static bool entry_infer(
	struct net *net, struct entry *entry, const struct path *at, int *out, int *rc)
{
	struct shape *shapes = arena_array(net->arena, entry->n_inputs, sizeof(*shapes));
	struct op_case inference = {
		.op = entry->node.op,
		.attributes = entry->attributes,
		.n_inputs = entry->n_inputs,
		.inputs = shapes,
	};
	if (!shapes) {
		*rc = CODE_NO_MEMORY;
		return false;
	}
	for (size_t i = 0; i < entry->n_inputs; i++)
		shapes[i] = net->nodes[entry->inputs[i]].shape;
	if (!op_infer(&inference)) {
		*rc = net_misfit(net, at, inference.message, entry->node.name, out);
		return false;
	}
	entry->node.shape = inference.output;
	entry->node.parameters = inference.parameters;
	entry->node.flops = inference.flops;
	return true;
}

/* The inputs that are there; false: one of them is bad. */
static bool entry_inputs(
	const struct net *net, struct entry *entry, const int *inputs, size_t n_inputs)
{
	bool good = true;
	for (size_t i = 0; i < n_inputs; i++) {
		if (inputs[i] == ABSENT)
			continue;
		entry->inputs[entry->n_inputs++] = inputs[i];
		good = good && !net->bad[inputs[i]];
	}
	return good;
}

int net_add(struct net *net, const struct operation *op, const struct attribute_value *attributes,
	const int *inputs, size_t n_inputs, const struct path *at, const char *name, int *out)
{
	struct entry entry = { .node = { .op = op, .name = name } };
	int rc = 0;

	entry.inputs = arena_array(net->arena, n_inputs ? n_inputs : 1, sizeof(*entry.inputs));
	if (!entry.inputs)
		return CODE_NO_MEMORY;
	if (op_n_attributes(op))
		memcpy(entry.attributes, attributes, op_n_attributes(op) * sizeof(*attributes));
	bool good = entry_inputs(net, &entry, inputs, n_inputs);
	*out = ABSENT;
	if (entry.n_inputs == 0)
		return 0;
	entry.node.inputs = entry.inputs;
	entry.node.attributes = entry.attributes;
	entry.node.n_inputs = entry.n_inputs;
	if (!good) {
		rc = net_push(net, &entry.node, out);
		if (!rc)
			net->bad[*out] = true;
		return rc;
	}
	if (!entry_infer(net, &entry, at, out, &rc))
		return rc;
	if (makes_zero(net, &entry)) {
		entry.node.op = op_zero;
		entry.node.parameters = entry.node.flops = 0;
		entry.n_inputs = 0;
	} else if (op == op_add && isnan(entry.attributes[0].v[0])) {
		zeros_drop(net, &entry);
	}
	if (passes(&entry)) {
		*out = entry.inputs[0];
		return 0;
	}
	if (op->flags & OP_COMMUTES)
		sort_inputs(&entry);
	entry.node.n_inputs = entry.n_inputs;
	*out = twin_find(net, &entry);
	return *out == ABSENT ? net_push(net, &entry.node, out) : 0;
}
