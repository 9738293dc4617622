/* What comes out of a layer, by the rules of PyTorch's documentation of each class. */
#include <stdio.h>
#include <string.h>

#include "algorithms/pruning/network_internal.h"
#include "core/limits.h"

#define SHAPE_TEXT 96

struct inference {
	const struct network *network;
	struct network_layer *layer;
	const struct path *at;
	struct faults *faults;
};

static void misfit(const struct inference *in, const char *field, const char *message)
{
	struct path here = { in->at, field, 0 };
	fault_add(in->faults, field ? &here : in->at, "%s", message);
}

/* "[16, 24, 24]". */
static const char *shape_text(const struct network_shape *shape, char out[SHAPE_TEXT])
{
	size_t used = 0;
	for (unsigned i = 0; i < shape->rank; i++)
		used += (size_t)snprintf(out + used, SHAPE_TEXT - used, "%s%lld", i ? ", " : "[",
			(long long)shape->size[i]);
	snprintf(out + used, SHAPE_TEXT - used, shape->rank ? "]" : "[]");
	return out;
}

static const struct network_shape *input_shape(const struct inference *in, size_t slot)
{
	return &in->network->layers[in->layer->inputs[slot]].shape;
}

static unsigned spatial(const struct network_shape *shape)
{
	return shape->rank - 1;
}

/* Does what the caller says of the input (in_channels and the like) agree with what comes in? */
static bool input_agrees(const struct inference *in, const char *field)
{
	int64_t said = in->layer->options.in_channels, comes = input_shape(in, 0)->size[0];
	struct path here = { in->at, field, 0 };

	if (said && said != comes) {
		fault_add(in->faults, &here, "is %lld, but %lld come from \"%s\"", (long long)said,
			(long long)comes, in->network->layers[in->layer->inputs[0]].name);
		return false;
	}
	return true;
}

/* Length of an axis that a window walks over; less than 1: it does not fit. */
static int64_t window_count(int64_t length, const struct network_options *o, unsigned axis)
{
	int64_t reach = o->dilation[axis] * (o->kernel[axis] - 1) + 1;
	int64_t room = length + 2 * o->padding[axis] - reach;
	int64_t stride = o->stride[axis];

	if (room < 0)
		return 0;
	int64_t n = room / stride + 1;
	/* A last window may hang over, but must begin inside. */
	if (o->ceil_mode && room % stride && n * stride < length + o->padding[axis])
		n++;
	return n;
}

static bool infer_windows(const struct inference *in)
{
	struct network_layer *layer = in->layer;
	const struct network_shape *from = input_shape(in, 0);
	char text[SHAPE_TEXT];

	for (unsigned axis = 0; axis < spatial(from); axis++) {
		int64_t length = from->size[1 + axis];
		int64_t n =
			layer->options.same ? length : window_count(length, &layer->options, axis);
		if (n < 1) {
			fault_add(in->faults, in->at, "its window does not fit into %s",
				shape_text(from, text));
			return false;
		}
		layer->shape.size[1 + axis] = n;
	}
	return true;
}

static bool groups_divide(const struct inference *in)
{
	const struct network_options *o = &in->layer->options;
	int64_t comes = input_shape(in, 0)->size[0];

	if (comes % o->groups == 0 && o->out_channels % o->groups == 0)
		return true;
	struct path here = { in->at, "groups", 0 };
	fault_add(in->faults, &here,
		"must divide the channels that come in (%lld) and go out (%lld)", (long long)comes,
		(long long)o->out_channels);
	return false;
}

static bool infer_input(const struct inference *in)
{
	in->layer->shape = in->layer->claimed;
	return true;
}

static bool infer_convolution(const struct inference *in)
{
	const struct network_options *o = &in->layer->options;
	bool good = input_agrees(in, "in_channels") & groups_divide(in);

	in->layer->shape.size[0] = o->out_channels;
	for (unsigned axis = 0; o->same && axis < spatial(input_shape(in, 0)); axis++) {
		if (o->stride[axis] != 1) {
			misfit(in, "padding", "\"same\" goes with a stride of 1 only");
			return false;
		}
	}
	return good && infer_windows(in);
}

static bool infer_transposed(const struct inference *in)
{
	const struct network_options *o = &in->layer->options;
	const struct network_shape *from = input_shape(in, 0);

	if (!input_agrees(in, "in_channels") || !groups_divide(in))
		return false;
	in->layer->shape.size[0] = o->out_channels;
	for (unsigned axis = 0; axis < spatial(from); axis++) {
		int64_t n = (from->size[1 + axis] - 1) * o->stride[axis] - 2 * o->padding[axis] +
			    o->dilation[axis] * (o->kernel[axis] - 1) + o->output_padding[axis] + 1;
		if (n < 1 || n > LIMIT_LAYER_SIDE) {
			misfit(in, NULL, "its output would be empty or too large");
			return false;
		}
		in->layer->shape.size[1 + axis] = n;
	}
	return true;
}

static bool infer_linear(const struct inference *in)
{
	in->layer->shape.size[0] = in->layer->options.out_channels;
	return input_agrees(in, "in_features");
}

static bool infer_norm(const struct inference *in)
{
	if (in->layer->type->rank == 0 && in->layer->shape.rank > 2) {
		misfit(in, "type", "BatchNorm1d takes [C] or [C, L]");
		return false;
	}
	return input_agrees(in, "num_features");
}

static bool infer_group_norm(const struct inference *in)
{
	if (!input_agrees(in, "num_channels"))
		return false;
	if (in->layer->shape.size[0] % in->layer->options.groups) {
		misfit(in, "num_groups", "must divide the channels that come in");
		return false;
	}
	return true;
}

static bool infer_prelu(const struct inference *in)
{
	int64_t said = in->layer->options.in_channels;

	if (said == 1)
		return true;
	return input_agrees(in, "num_parameters");
}

static bool infer_pool(const struct inference *in)
{
	const struct network_options *o = &in->layer->options;

	for (unsigned axis = 0; axis < spatial(input_shape(in, 0)); axis++) {
		if (2 * o->padding[axis] > o->kernel[axis]) {
			misfit(in, "padding", "must be at most half of the kernel_size");
			return false;
		}
	}
	return infer_windows(in);
}

static bool infer_adaptive(const struct inference *in)
{
	for (unsigned axis = 0; axis < spatial(&in->layer->shape); axis++)
		if (in->layer->options.size[axis])
			in->layer->shape.size[1 + axis] = in->layer->options.size[axis];
	return true;
}

static bool infer_pass(const struct inference *in)
{
	(void)in;
	return true;
}

/* As PyTorch broadcasts: axes are equal, or 1. */
static bool infer_elementwise(const struct inference *in)
{
	struct network_shape *shape = &in->layer->shape;
	struct path inputs = { in->at, "inputs", 0 };
	char ours[SHAPE_TEXT], theirs[SHAPE_TEXT];

	for (size_t slot = 1; slot < in->layer->n_inputs; slot++) {
		const struct network_shape *other = input_shape(in, slot);
		struct path here = { &inputs, NULL, slot };
		bool fits = other->rank == shape->rank;
		for (unsigned axis = 0; fits && axis < shape->rank; axis++) {
			int64_t a = shape->size[axis], b = other->size[axis];
			fits = a == b || a == 1 || b == 1;
		}
		if (!fits) {
			fault_add(in->faults, &here, "is %s, which does not go with %s",
				shape_text(other, theirs), shape_text(shape, ours));
			return false;
		}
		for (unsigned axis = 0; axis < shape->rank; axis++)
			if (shape->size[axis] == 1)
				shape->size[axis] = other->size[axis];
	}
	return true;
}

static bool infer_concat(const struct inference *in)
{
	struct network_shape *shape = &in->layer->shape;
	struct path inputs = { in->at, "inputs", 0 };
	char ours[SHAPE_TEXT], theirs[SHAPE_TEXT];

	for (size_t slot = 1; slot < in->layer->n_inputs; slot++) {
		const struct network_shape *other = input_shape(in, slot);
		struct path here = { &inputs, NULL, slot };
		if (other->rank != shape->rank || memcmp(&other->size[1], &shape->size[1],
							  (shape->rank - 1) * sizeof(int64_t))) {
			fault_add(in->faults, &here,
				"is %s; only the channels may differ from the first input's %s",
				shape_text(other, theirs), shape_text(input_shape(in, 0), ours));
			return false;
		}
		shape->size[0] += other->size[0];
	}
	return true;
}

static bool infer_flatten(const struct inference *in)
{
	const struct network_shape *from = input_shape(in, 0);
	int64_t features = 1;

	for (unsigned axis = 0; axis < from->rank; axis++) {
		/* No factor is above 2^26, so the product cannot wrap before it is looked at. */
		features *= from->size[axis];
		if (features > LIMIT_LAYER_FEATURES)
			break;
	}
	in->layer->shape = (struct network_shape){ .rank = 1, .size = { features } };
	return true;
}

static bool infer_upsample(const struct inference *in)
{
	for (unsigned axis = 0; axis < spatial(&in->layer->shape); axis++)
		in->layer->shape.size[1 + axis] *= in->layer->options.size[axis];
	return true;
}

static bool (*const infer[ROLE_COUNT])(const struct inference *in) = {
	[ROLE_INPUT] = infer_input,
	[ROLE_CONVOLUTION] = infer_convolution,
	[ROLE_TRANSPOSED] = infer_transposed,
	[ROLE_LINEAR] = infer_linear,
	[ROLE_NORM] = infer_norm,
	[ROLE_GROUP_NORM] = infer_group_norm,
	[ROLE_LAYER_NORM] = infer_pass,
	[ROLE_PRELU] = infer_prelu,
	[ROLE_POOL] = infer_pool,
	[ROLE_ADAPTIVE] = infer_adaptive,
	[ROLE_PASS] = infer_pass,
	[ROLE_ELEMENTWISE] = infer_elementwise,
	[ROLE_CONCAT] = infer_concat,
	[ROLE_FLATTEN] = infer_flatten,
	[ROLE_UPSAMPLE] = infer_upsample,
};

static bool rank_fits(const struct inference *in)
{
	unsigned rank = in->layer->type->rank;
	char text[SHAPE_TEXT];

	if (!rank || in->layer->n_inputs == 0 || input_shape(in, 0)->rank == rank)
		return true;
	fault_add(in->faults, in->at, "a %s takes %s without the batch axis, but %s comes in%s",
		in->layer->type->name,
		rank == 1   ? "a vector"
		: rank == 2 ? "[C, L]"
		: rank == 3 ? "[C, H, W]"
			    : "[C, D, H, W]",
		shape_text(input_shape(in, 0), text), rank == 1 ? ": Flatten it first" : "");
	return false;
}

static bool within_bounds(const struct inference *in)
{
	const struct network_shape *shape = &in->layer->shape;
	int64_t most = shape->rank == 1 ? LIMIT_LAYER_FEATURES : LIMIT_LAYER_CHANNELS;
	bool fits = shape->size[0] <= most;
	char text[SHAPE_TEXT];

	for (unsigned axis = 1; axis < shape->rank; axis++)
		fits &= shape->size[axis] <= LIMIT_LAYER_SIDE;
	if (!fits)
		fault_add(
			in->faults, in->at, "its output %s is too large", shape_text(shape, text));
	return fits;
}

static bool claim_holds(const struct inference *in)
{
	const struct network_shape *shape = &in->layer->shape, *claimed = &in->layer->claimed;
	struct path here = { in->at, "shape", 0 };
	char ours[SHAPE_TEXT], theirs[SHAPE_TEXT];

	if (!claimed->rank ||
		(claimed->rank == shape->rank && memcmp(claimed->size, shape->size,
							 shape->rank * sizeof(*shape->size)) == 0))
		return true;
	fault_add(in->faults, &here, "is %s, but %s comes out", shape_text(claimed, theirs),
		shape_text(shape, ours));
	return false;
}

bool network_infer(const struct network *network, struct network_layer *layer,
	const struct path *at, struct faults *faults)
{
	struct inference in = { network, layer, at, faults };

	layer->shape = (struct network_shape){ 0 };
	for (size_t slot = 0; slot < layer->n_inputs; slot++)
		if (!input_shape(&in, slot)->rank)
			return true; /* unknown, as its input's fault is reported already */
	if (layer->n_inputs)
		layer->shape = *input_shape(&in, 0);
	if (rank_fits(&in) && infer[layer->type->role](&in) && within_bounds(&in) &&
		claim_holds(&in))
		return true;
	layer->shape = (struct network_shape){ 0 };
	return false;
}
