/*
 * Which nodes of a sample count, and the key of what remains.
 *
 * The key goes three times through the graph: downwards every node is named by its operation,
 * attributes and inputs; upwards by what uses it, in which place; downwards again by both. What is
 * left is the multiset of names, so neither the order of nodes nor of a sum's terms matters, while
 * one layer used twice differs from two equal layers. This is colour refinement with directed,
 * ordered edges (Weisfeiler and Leman 1968; NAS-Bench-101 identifies its cells in the same manner):
 * isomorphic graphs always have one key; that others never do is not proved, as for any refinement.
 */
#include <math.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"

static void mix_key(struct key128 *key, const struct key128 *other)
{
	key_mix(key, other->low);
	key_mix(key, other->high);
}

static void add_key(struct key128 *sum, const struct key128 *other)
{
	struct key128 term;
	key_init(&term, 0);
	mix_key(&term, other); /* scrambled, so that sums do not cancel */
	sum->low += term.low;
	sum->high += term.high;
}

static void node_label(const struct model_node *node, size_t index, struct key128 *key)
{
	key_init(key, node->n_inputs);
	key_mix_bytes(key, node->op->name, strlen(node->op->name));
	if (node->op == op_input)
		key_mix(key, index);
	if (node->op == op_zero || node->op == op_input)
		for (size_t i = 0; i < node->shape.rank; i++)
			key_mix(key, (uint64_t)node->shape.size[i]);
	for (size_t i = 0; node->op != op_zero && node->op->attributes[i].name; i++)
		for (size_t k = 0; k < 2; k++) {
			double value = node->attributes[i].v[k];
			uint64_t bits;
			value = isnan(value) ? (double)NAN : value + 0.0;
			memcpy(&bits, &value, sizeof(bits));
			key_mix(key, bits);
		}
}

/* names[i] from labels[i] and the names of its inputs. */
static void refine_down(
	const struct model_graph *graph, const struct key128 *labels, struct key128 *names)
{
	for (size_t i = 0; i < graph->n; i++) {
		const struct model_node *node = &graph->nodes[i];
		struct key128 sum = { 0, 0 };
		names[i] = labels[i];
		for (size_t k = 0; k < node->n_inputs; k++) {
			if (node->op->flags & OP_COMMUTES)
				add_key(&sum, &names[node->inputs[k]]);
			else
				mix_key(&names[i], &names[node->inputs[k]]);
		}
		mix_key(&names[i], &sum);
	}
}

/* labels[i] from names[i] and what uses it. */
static void refine_up(
	const struct model_graph *graph, const struct key128 *names, struct key128 *labels)
{
	memset(labels, 0, graph->n * sizeof(*labels));
	for (size_t j = 0; j < graph->n_outputs; j++) {
		struct key128 use;
		key_init(&use, j);
		add_key(&labels[graph->outputs[j]], &use);
	}
	for (size_t i = graph->n; i-- > 0;) {
		const struct model_node *node = &graph->nodes[i];
		struct key128 uses = labels[i];
		labels[i] = names[i];
		mix_key(&labels[i], &uses);
		for (size_t k = 0; k < node->n_inputs; k++) {
			struct key128 use = labels[i];
			key_mix(&use, node->op->flags & OP_COMMUTES ? 0 : k);
			add_key(&labels[node->inputs[k]], &use);
		}
	}
}

static int graph_key(struct arena *arena, struct model_graph *graph)
{
	struct key128 *names = arena_array(arena, graph->n, sizeof(*names));
	struct key128 *labels = arena_array(arena, graph->n, sizeof(*labels));
	struct key128 sum = { 0, 0 };
	if (!names || !labels)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < graph->n; i++)
		node_label(&graph->nodes[i], i, &labels[i]);
	refine_down(graph, labels, names);
	refine_up(graph, names, labels);
	refine_down(graph, labels, names);
	for (size_t i = 0; i < graph->n; i++)
		add_key(&sum, &names[i]);
	key_init(&graph->key, graph->n_outputs);
	mix_key(&graph->key, &sum);
	for (size_t j = 0; j < graph->n_outputs; j++)
		mix_key(&graph->key, &names[graph->outputs[j]]);
	return 0;
}

/* live[i] becomes the new index of a node that counts, else ABSENT. Inputs always count. */
static size_t live_mark(const struct net *net, const int *outputs, size_t n_outputs, int *live)
{
	size_t n = 0;
	for (size_t i = 0; i < net->n; i++)
		live[i] = i < net->n_inputs ? 0 : ABSENT;
	for (size_t j = 0; j < n_outputs; j++)
		live[outputs[j]] = 0;
	for (size_t i = net->n; i-- > 0;)
		for (size_t k = 0; live[i] != ABSENT && k < net->nodes[i].n_inputs; k++)
			live[net->nodes[i].inputs[k]] = 0;
	for (size_t i = 0; i < net->n; i++)
		if (live[i] != ABSENT)
			live[i] = (int)n++;
	return n;
}

static int node_keep(
	struct arena *arena, const struct model_node *node, const int *live, struct model_node *out)
{
	int *inputs = arena_array(arena, node->n_inputs ? node->n_inputs : 1, sizeof(*inputs));
	if (!inputs)
		return CODE_NO_MEMORY;
	*out = *node;
	for (size_t k = 0; k < node->n_inputs; k++)
		inputs[k] = live[node->inputs[k]];
	out->inputs = inputs;
	return 0;
}

int net_finish(struct net *net, const int *outputs, size_t n_outputs, struct model_graph **out)
{
	struct model_graph *graph = arena_alloc(net->arena, sizeof(*graph));
	int *live = arena_array(net->arena, net->n, sizeof(*live));
	int *kept = arena_array(net->arena, n_outputs, sizeof(*kept));
	if (!graph || !live || !kept)
		return CODE_NO_MEMORY;
	*graph = (struct model_graph){ .n_inputs = net->n_inputs, .n_outputs = n_outputs };
	graph->n = live_mark(net, outputs, n_outputs, live);
	struct model_node *nodes = arena_array(net->arena, graph->n, sizeof(*nodes));
	if (!nodes)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < net->n; i++) {
		if (live[i] == ABSENT)
			continue;
		if (node_keep(net->arena, &net->nodes[i], live, &nodes[live[i]]))
			return CODE_NO_MEMORY;
		graph->parameters += net->nodes[i].parameters;
		graph->flops += net->nodes[i].flops;
	}
	for (size_t j = 0; j < n_outputs; j++)
		kept[j] = live[outputs[j]];
	graph->nodes = nodes;
	graph->outputs = kept;
	*out = graph;
	return graph_key(net->arena, graph);
}
