#include "algorithms/pruning/network.h"

#include <string.h>

#include "algorithms/pruning/network_internal.h"
#include "core/limits.h"

/* Products and sums of sizes that somebody made up: too much is UINT64_MAX. */
static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t out;
	return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	uint64_t out;
	return __builtin_add_overflow(a, b, &out) ? UINT64_MAX : out;
}

/* ---- channels ---- */

void network_channels(const struct network *network, const uint32_t *kept, int64_t *channels)
{
	for (size_t i = 0; i < network->n_layers; i++) {
		const struct network_layer *layer = &network->layers[i];
		channels[i] = 0;
		for (size_t k = 0; k < layer->n_shares; k++)
			channels[i] +=
				(int64_t)kept[layer->shares[k].part] * layer->shares[k].per_unit;
	}
}

/* Channels, or features, that are left of a layer's output. */
static int64_t output_kept(const struct network_layer *layer, const int64_t *channels)
{
	int64_t n = 0;

	if (!channels)
		return layer->shape.size[0];
	for (size_t i = 0; i < layer->n_spans; i++)
		n += channels[layer->spans[i].maker] * layer->spans[i].block;
	return n;
}

static int64_t groups_kept(
	const struct network *network, const struct network_layer *layer, int64_t in_kept)
{
	enum network_role role = layer->type->role;

	if (role != ROLE_CONVOLUTION && role != ROLE_TRANSPOSED && role != ROLE_GROUP_NORM)
		return 1;
	/* As many groups as channels: they go with their channels. */
	return layer->options.groups == network->layers[layer->inputs[0]].shape.size[0] &&
			       layer->options.groups > 1
		       ? in_kept
		       : layer->options.groups;
}

/* ---- sizes ---- */

static uint64_t product(const int64_t *factors, unsigned n)
{
	uint64_t out = 1;
	for (unsigned i = 0; i < n; i++)
		out = times(out, (uint64_t)factors[i]);
	return out;
}

static void measure_convolution(const struct network_layer *layer, const struct network_shape *from,
	struct network_size *size)
{
	unsigned axes = layer->type->rank - 1;
	uint64_t in = (uint64_t)size->in_channels, out = (uint64_t)size->out_channels;
	uint64_t window = product(layer->options.kernel, axes);

	size->weights = times(times(in / (uint64_t)size->groups, out), window);
	size->parameters = plus(size->weights, layer->options.bias ? out : 0);
	/* Every weight is used once for each place of the window. */
	const struct network_shape *places =
		layer->type->role == ROLE_TRANSPOSED ? from : &layer->shape;
	size->macs = times(size->weights, product(&places->size[1], axes));
}

static void measure_linear(const struct network_layer *layer, const struct network_shape *from,
	struct network_size *size)
{
	(void)from;
	size->weights = times((uint64_t)size->in_channels, (uint64_t)size->out_channels);
	size->parameters =
		plus(size->weights, layer->options.bias ? (uint64_t)size->out_channels : 0);
	size->macs = size->weights;
}

static void measure_norm(const struct network_layer *layer, const struct network_shape *from,
	struct network_size *size)
{
	(void)from;
	size->weights = layer->options.affine ? (uint64_t)size->out_channels : 0;
	size->parameters = 2 * size->weights;
}

static void measure_layer_norm(const struct network_layer *layer, const struct network_shape *from,
	struct network_size *size)
{
	(void)from;
	if (layer->options.affine)
		size->weights = product(size->shape.size, size->shape.rank);
	size->parameters = plus(size->weights, layer->options.bias ? size->weights : 0);
}

static void measure_prelu(const struct network_layer *layer, const struct network_shape *from,
	struct network_size *size)
{
	(void)from;
	size->weights = layer->options.in_channels == 1 ? 1 : (uint64_t)size->out_channels;
	size->parameters = size->weights;
}

static void (*const measure[ROLE_COUNT])(const struct network_layer *layer,
	const struct network_shape *from, struct network_size *size) = {
	[ROLE_CONVOLUTION] = measure_convolution,
	[ROLE_TRANSPOSED] = measure_convolution,
	[ROLE_LINEAR] = measure_linear,
	[ROLE_NORM] = measure_norm,
	[ROLE_GROUP_NORM] = measure_norm,
	[ROLE_LAYER_NORM] = measure_layer_norm,
	[ROLE_PRELU] = measure_prelu,
};

void network_measure(const struct network *network, size_t index, const int64_t *channels,
	struct network_size *out)
{
	const struct network_layer *layer = &network->layers[index];
	const struct network_layer *from =
		layer->n_inputs ? &network->layers[layer->inputs[0]] : NULL;

	*out = (struct network_size){ .shape = layer->shape };
	out->in_channels = from ? output_kept(from, channels) : 0;
	out->out_channels = output_kept(layer, channels);
	out->shape.size[0] = out->out_channels;
	out->groups = groups_kept(network, layer, out->in_channels);
	if (measure[layer->type->role])
		measure[layer->type->role](layer, from ? &from->shape : NULL, out);
}

void network_total(const struct network *network, const int64_t *channels, uint64_t *parameters,
	uint64_t *macs)
{
	struct network_size size;

	*parameters = 0;
	*macs = 0;
	for (size_t i = 0; i < network->n_layers; i++) {
		network_measure(network, i, channels, &size);
		*parameters = plus(*parameters, size.parameters);
		*macs = plus(*macs, size.macs);
	}
}

bool network_balanced(
	const struct network_balance *balance, const uint32_t *kept, int64_t *low, int64_t *high)
{
	*low = INT64_MAX;
	*high = 0;
	for (size_t i = 0; i < balance->n_terms;) {
		uint32_t block = balance->terms[i].block;
		int64_t n = 0;
		for (; i < balance->n_terms && balance->terms[i].block == block; i++)
			n += (int64_t)kept[balance->terms[i].share.part] *
			     balance->terms[i].share.per_unit;
		*low = n < *low ? n : *low;
		*high = n > *high ? n : *high;
	}
	return *low == *high;
}

/* ---- building ---- */

static int check_total(const struct network *network, const struct path *at, struct faults *faults,
	struct error *err)
{
	uint64_t parameters, macs;

	network_total(network, NULL, &parameters, &macs);
	if (parameters <= LIMIT_NETWORK_COUNT && macs <= LIMIT_NETWORK_COUNT / 2)
		return 0;
	fault_add(faults, at, "have more than 2^53 parameters or operations");
	return fail(err, CODE_INVALID, "the network is too large");
}

static int infer_all(
	struct network *network, const struct path *at, struct faults *faults, struct error *err)
{
	size_t before = faults->n;

	for (size_t i = 0; i < network->n_layers; i++) {
		struct path here = { at, NULL, i };
		network_infer(network, &network->layers[i], &here, faults);
	}
	return faults->n > before ? fail(err, CODE_INVALID, "the network's shapes do not fit") : 0;
}

int network_build(struct network *network, const struct path *at, struct arena *arena,
	struct faults *faults, struct error *err)
{
	struct network_walk walk = { .network = network,
		.arena = arena,
		.faults = faults,
		.at = at,
		.err = err,
		.visits = LIMIT_CHANNEL_VISITS };
	int rc = network_wire(&walk);

	if (!rc)
		rc = infer_all(network, at, faults, err);
	if (!rc)
		rc = network_tie(&walk);
	if (!rc)
		rc = network_group(&walk);
	if (rc == CODE_INVALID)
		return fail(err, rc, "the network does not fit together");
	return rc ? rc : check_total(network, at, faults, err);
}
