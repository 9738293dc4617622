/* Names into indexes: who takes whose output. */
#include <stdlib.h>
#include <string.h>

#include "algorithms/pruning/network_internal.h"
#include "core/limits.h"
#include "core/text.h"

#define NAME_EXCERPT 80

/* qsort has no context, so the sorted thing carries the name. */
struct entry {
	const char *name;
	uint32_t index;
};

static int entry_compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : left->index < right->index ? -1 : left->index > right->index;
}

int64_t network_find(const struct network *network, const char *name)
{
	size_t low = 0, high = network->n_layers;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(network->layers[network->by_name[middle]].name, name);
		if (order == 0)
			return network->by_name[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

static int sort_names(struct network_walk *walk)
{
	struct network *network = walk->network;
	size_t n = network->n_layers;
	struct entry *entries = arena_array(walk->arena, n, sizeof(*entries));
	uint32_t *by_name = arena_array(walk->arena, n, sizeof(*by_name));

	if (!entries || !by_name)
		return fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	for (size_t i = 0; i < n; i++)
		entries[i] = (struct entry){ network->layers[i].name, (uint32_t)i };
	qsort(entries, n, sizeof(*entries), entry_compare);
	for (size_t i = 0; i < n; i++) {
		by_name[i] = entries[i].index;
		if (i == 0 || strcmp(entries[i - 1].name, entries[i].name) != 0)
			continue;
		struct path layer = { walk->at, NULL, entries[i].index };
		struct path here = { &layer, "name", 0 };
		fault_add(walk->faults, &here, "is the name of an earlier layer, too");
	}
	network->by_name = by_name;
	return 0;
}

static bool takes(enum network_role role, size_t n)
{
	if (role == ROLE_ELEMENTWISE || role == ROLE_CONCAT)
		return n >= 2 && n <= LIMIT_LAYER_INPUTS;
	return n == (role == ROLE_INPUT ? 0 : 1);
}

/* The index of the layer that slot takes; the layer's own index: a fault. */
static uint32_t wire_slot(struct network_walk *walk, size_t index, size_t slot)
{
	const struct network_layer *layer = &walk->network->layers[index];
	struct path at = { walk->at, NULL, index }, inputs = { &at, "inputs", 0 };
	struct path here = { &inputs, NULL, slot };
	int64_t found = index ? (int64_t)index - 1 : -1;
	char name[NAME_EXCERPT];

	if (layer->input_names) {
		text_excerpt(layer->input_names[slot], name, sizeof(name));
		found = network_find(walk->network, layer->input_names[slot]);
	}
	if (found >= 0 && found < (int64_t)index)
		return (uint32_t)found;
	if (!layer->input_names)
		fault_add(walk->faults, &at, "has no layer before it; the first is an Input");
	else if (found < 0)
		fault_add(walk->faults, &here, "there is no layer \"%s\"", name);
	else
		fault_add(walk->faults, &here,
			"\"%s\" is not an earlier layer; layers stand in the order of computation",
			name);
	return (uint32_t)index;
}

static int wire_layer(struct network_walk *walk, size_t index, bool *taken)
{
	struct network_layer *layer = &walk->network->layers[index];
	struct path at = { walk->at, NULL, index }, here = { &at, "inputs", 0 };
	enum network_role role = layer->type->role;

	if (!layer->input_names)
		layer->n_inputs = role != ROLE_INPUT;
	if (!takes(role, layer->n_inputs)) {
		bool many = role == ROLE_ELEMENTWISE || role == ROLE_CONCAT;
		fault_add(walk->faults, &here,
			many		     ? "must name two layers or more"
			: role == ROLE_INPUT ? "an Input takes none"
					     : "must name one layer");
		return CODE_INVALID;
	}
	uint32_t *inputs = arena_array(walk->arena, layer->n_inputs, sizeof(*inputs));
	if (!inputs)
		return fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	for (size_t slot = 0; slot < layer->n_inputs; slot++) {
		inputs[slot] = wire_slot(walk, index, slot);
		taken[inputs[slot]] = true;
	}
	layer->inputs = inputs;
	return 0;
}

int network_wire(struct network_walk *walk)
{
	struct network *network = walk->network;
	bool *taken = arena_array(walk->arena, network->n_layers, sizeof(*taken));
	size_t before = walk->faults->n;
	int rc = sort_names(walk);

	if (rc)
		return rc;
	if (!taken)
		return fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	for (size_t i = 0; i < network->n_layers; i++)
		if (wire_layer(walk, i, taken) == CODE_NO_MEMORY)
			return CODE_NO_MEMORY;
	for (size_t i = 0; i < network->n_layers; i++)
		network->layers[i].output |= !taken[i];
	return walk->faults->n > before ? CODE_INVALID : 0;
}
