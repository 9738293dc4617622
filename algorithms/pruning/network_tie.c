/* Spans of every layer's output, and which channels are tied to which. */
#include "algorithms/pruning/network_internal.h"
#include "core/limits.h"

#define SPAN_VISITS 8 /* what a span costs, so that lists of lists stay small */

bool network_visit(struct network_walk *walk, size_t layer, size_t n)
{
	struct path here = { walk->at, NULL, layer };

	if (n <= walk->visits) {
		walk->visits -= n;
		return true;
	}
	walk->visits = 0;
	fault_add(walk->faults, &here,
		"by here the network has more channels and joins than fit "
		"into one plan");
	return false;
}

/* Path halving; the first channel of a unit is its root, so numbers tell who was there first. */
uint32_t network_root(uint32_t *roots, uint32_t channel)
{
	while (roots[channel] != channel) {
		roots[channel] = roots[roots[channel]];
		channel = roots[channel];
	}
	return channel;
}

static void tie(uint32_t *roots, uint32_t a, uint32_t b)
{
	a = network_root(roots, a);
	b = network_root(roots, b);
	if (a < b)
		roots[b] = a;
	else
		roots[a] = b;
}

/* ---- cursors ---- */

static int64_t channels_of(const struct network *network, const struct network_span *span)
{
	return network->layers[span->maker].shape.size[0];
}

bool network_cursor_at(const struct network_cursor *cursor, uint32_t *channel, int64_t *block)
{
	if (cursor->span == cursor->layer->n_spans)
		return false;
	const struct network_span *span = &cursor->layer->spans[cursor->span];
	*channel = cursor->network->layers[span->maker].first + cursor->within;
	*block = span->block;
	return true;
}

void network_cursor_next(struct network_cursor *cursor)
{
	const struct network_span *span = &cursor->layer->spans[cursor->span];

	if (++cursor->within == channels_of(cursor->network, span)) {
		cursor->within = 0;
		cursor->span++;
	}
}

/* ---- ties ---- */

/* Feature by feature. Where one side has several features a channel (after Flatten), the channels
 * of the other side that meet them all belong to its unit. */
static bool tie_outputs(struct network_walk *walk, size_t layer, size_t a, size_t b)
{
	struct network *network = walk->network;
	struct network_cursor left = { network, &network->layers[a], 0, 0 };
	struct network_cursor right = { network, &network->layers[b], 0, 0 };
	uint32_t channel_a, channel_b;
	int64_t block_a, block_b, used_a = 0, used_b = 0;

	while (network_cursor_at(&left, &channel_a, &block_a) &&
		network_cursor_at(&right, &channel_b, &block_b)) {
		if (!network_visit(walk, layer, 1))
			return false;
		tie(walk->roots, channel_a, channel_b);
		int64_t rest_a = block_a - used_a, rest_b = block_b - used_b;
		int64_t step = rest_a < rest_b ? rest_a : rest_b;
		used_a += step;
		used_b += step;
		if (used_a == block_a) {
			used_a = 0;
			network_cursor_next(&left);
		}
		if (used_b == block_b) {
			used_b = 0;
			network_cursor_next(&right);
		}
	}
	return true;
}

/* Input channel c of a depthwise convolution makes output channels c * m ... c * m + m - 1. */
static bool tie_depthwise(struct network_walk *walk, size_t index)
{
	struct network *network = walk->network;
	const struct network_layer *layer = &network->layers[index];
	struct network_cursor in = { network, &network->layers[layer->inputs[0]], 0, 0 };
	uint32_t n = (uint32_t)layer->shape.size[0], channel;
	uint32_t m = n / (uint32_t)layer->options.groups;
	int64_t block;

	if (!network_visit(walk, index, n))
		return false;
	for (uint32_t c = 0; network_cursor_at(&in, &channel, &block); c++) {
		for (uint32_t k = 0; k < m; k++)
			tie(walk->roots, channel, layer->first + c * m + k);
		network_cursor_next(&in);
	}
	return true;
}

/* ---- spans ---- */

static struct network_span *spans_new(struct network_walk *walk, size_t index, size_t n)
{
	struct network_layer *layer = &walk->network->layers[index];

	if (!network_visit(walk, index, n * SPAN_VISITS))
		return NULL;
	struct network_span *spans = arena_array(walk->arena, n, sizeof(*spans));
	if (!spans)
		fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	layer->spans = spans;
	layer->n_spans = spans ? n : 0;
	return spans;
}

static bool link_maker(struct network_walk *walk, size_t index)
{
	struct network_layer *layer = &walk->network->layers[index];
	struct network_span *span = spans_new(walk, index, 1);

	if (!span)
		return false;
	*span = (struct network_span){ .maker = (uint32_t)index, .block = 1 };
	if (layer->n_inputs &&
		network_is_depthwise(layer, walk->network->layers[layer->inputs[0]].shape.size[0]))
		return tie_depthwise(walk, index);
	return true;
}

static bool link_pass(struct network_walk *walk, size_t index)
{
	struct network_layer *layer = &walk->network->layers[index];
	const struct network_layer *from = &walk->network->layers[layer->inputs[0]];

	layer->spans = from->spans;
	layer->n_spans = from->n_spans;
	return true;
}

/* An input of one channel among wider ones is spread over them and tied to none. */
static bool link_elementwise(struct network_walk *walk, size_t index)
{
	struct network *network = walk->network;
	struct network_layer *layer = &network->layers[index];
	size_t first = layer->n_inputs;

	for (size_t slot = 0; slot < layer->n_inputs; slot++) {
		const struct network_layer *from = &network->layers[layer->inputs[slot]];
		if (from->shape.size[0] != layer->shape.size[0])
			continue;
		if (first == layer->n_inputs) {
			first = slot;
			layer->spans = from->spans;
			layer->n_spans = from->n_spans;
		} else if (!tie_outputs(walk, index, layer->inputs[first], layer->inputs[slot])) {
			return false;
		}
	}
	return true;
}

static bool link_concat(struct network_walk *walk, size_t index)
{
	struct network *network = walk->network;
	struct network_layer *layer = &network->layers[index];
	size_t n = 0, at = 0;

	for (size_t slot = 0; slot < layer->n_inputs; slot++)
		n += network->layers[layer->inputs[slot]].n_spans;
	struct network_span *spans = spans_new(walk, index, n);
	if (!spans)
		return false;
	for (size_t slot = 0; slot < layer->n_inputs; slot++) {
		const struct network_layer *from = &network->layers[layer->inputs[slot]];
		for (size_t i = 0; i < from->n_spans; i++)
			spans[at++] = from->spans[i];
	}
	return true;
}

static bool link_flatten(struct network_walk *walk, size_t index)
{
	struct network_layer *layer = &walk->network->layers[index];
	const struct network_layer *from = &walk->network->layers[layer->inputs[0]];
	int64_t features = layer->shape.size[0] / from->shape.size[0];
	struct network_span *spans = spans_new(walk, index, from->n_spans);

	if (!spans)
		return false;
	for (size_t i = 0; i < from->n_spans; i++) {
		spans[i] = from->spans[i];
		spans[i].block *= features;
	}
	return true;
}

static bool (*const link[ROLE_COUNT])(struct network_walk *walk, size_t index) = {
	[ROLE_INPUT] = link_maker,
	[ROLE_CONVOLUTION] = link_maker,
	[ROLE_TRANSPOSED] = link_maker,
	[ROLE_LINEAR] = link_maker,
	[ROLE_NORM] = link_pass,
	[ROLE_GROUP_NORM] = link_pass,
	[ROLE_LAYER_NORM] = link_pass,
	[ROLE_PRELU] = link_pass,
	[ROLE_POOL] = link_pass,
	[ROLE_ADAPTIVE] = link_pass,
	[ROLE_PASS] = link_pass,
	[ROLE_ELEMENTWISE] = link_elementwise,
	[ROLE_CONCAT] = link_concat,
	[ROLE_FLATTEN] = link_flatten,
	[ROLE_UPSAMPLE] = link_pass,
};

/* Numbers the channels of all makers. */
static int number_channels(struct network_walk *walk)
{
	struct network *network = walk->network;
	size_t n = 0;

	for (size_t i = 0; i < network->n_layers; i++) {
		struct network_layer *layer = &network->layers[i];
		struct path here = { walk->at, NULL, i };
		if (!network_is_maker(layer->type))
			continue;
		layer->first = (uint32_t)n;
		n += (size_t)layer->shape.size[0];
		if (n > LIMIT_CHANNELS) {
			fault_add(walk->faults, &here,
				"by here the network has more than %u channels", LIMIT_CHANNELS);
			return CODE_INVALID;
		}
	}
	walk->n_channels = n;
	walk->roots = arena_array(walk->arena, n, sizeof(*walk->roots));
	if (!walk->roots)
		return fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	for (uint32_t i = 0; i < n; i++)
		walk->roots[i] = i;
	return 0;
}

/* The spans of all inputs: whoever measures the layer reads them again. */
static bool visit_inputs(struct network_walk *walk, size_t index)
{
	const struct network_layer *layer = &walk->network->layers[index];
	size_t n = 0;

	for (size_t slot = 0; slot < layer->n_inputs; slot++)
		n += walk->network->layers[layer->inputs[slot]].n_spans;
	return network_visit(walk, index, n);
}

int network_tie(struct network_walk *walk)
{
	int rc = number_channels(walk);
	size_t before = walk->faults->n;

	if (rc)
		return rc;
	for (size_t i = 0; i < walk->network->n_layers; i++) {
		enum network_role role = walk->network->layers[i].type->role;
		if (!visit_inputs(walk, i) || !link[role](walk, i))
			return walk->faults->n > before ? CODE_INVALID : CODE_NO_MEMORY;
	}
	return 0;
}
