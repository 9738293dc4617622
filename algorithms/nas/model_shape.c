#include "algorithms/nas/model_shape.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static bool refuse(struct op_case *at, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(at->message, sizeof(at->message), fmt, args);
	va_end(args);
	return false;
}

double shape_elements(const struct shape *shape)
{
	double n = 1;
	for (size_t i = 0; i < shape->rank; i++)
		n *= (double)shape->size[i];
	return n;
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
	return a->rank == b->rank && memcmp(a->size, b->size, a->rank * sizeof(*a->size)) == 0;
}

const char *shape_text(const struct shape *shape, char *out, size_t size)
{
	size_t at = 0;
	out[0] = '\0';
	for (size_t i = 0; i < shape->rank && at < size; i++)
		at += (size_t)snprintf(
			out + at, size - at, i ? ", %lld" : "[%lld", (long long)shape->size[i]);
	if (at < size)
		snprintf(out + at, size - at, shape->rank ? "]" : "[]");
	return out;
}

bool infer_same(struct op_case *at)
{
	at->output = at->inputs[0];
	return true;
}

bool infer_vectors(struct op_case *at)
{
	if (at->inputs[0].rank == 0)
		return refuse(at, "%s needs at least one axis, not a single number", at->op->name);
	return infer_same(at);
}

bool infer_equal(struct op_case *at)
{
	for (size_t i = 1; i < at->n_inputs; i++) {
		char a[SHAPE_TEXT_MAX], b[SHAPE_TEXT_MAX];
		if (!shape_equal(&at->inputs[0], &at->inputs[i]))
			return refuse(at, "%s needs inputs of one shape, has %s and %s",
				at->op->name, shape_text(&at->inputs[0], a, sizeof(a)),
				shape_text(&at->inputs[i], b, sizeof(b)));
	}
	return infer_same(at);
}

bool infer_constant(struct op_case *at)
{
	if (!isnan(at->attributes[0].v[0]) && at->n_inputs > 1)
		return refuse(
			at, "%s with a value takes one input, has %zu", at->op->name, at->n_inputs);
	return infer_equal(at);
}

bool infer_concat(struct op_case *at)
{
	size_t axis = (size_t)at->attributes[0].v[0];
	at->output = at->inputs[0];
	if (axis >= at->output.rank) {
		char text[SHAPE_TEXT_MAX];
		return refuse(at, "Concat along axis %zu, but the shape is %s", axis,
			shape_text(&at->output, text, sizeof(text)));
	}
	for (size_t i = 1; i < at->n_inputs; i++) {
		struct shape other = at->inputs[i];
		char a[SHAPE_TEXT_MAX], b[SHAPE_TEXT_MAX];
		if (axis < other.rank)
			other.size[axis] = at->inputs[0].size[axis];
		if (!shape_equal(&at->inputs[0], &other))
			return refuse(at,
				"Concat needs shapes that differ along axis %zu only, "
				"has %s and %s",
				axis, shape_text(&at->inputs[0], a, sizeof(a)),
				shape_text(&at->inputs[i], b, sizeof(b)));
		at->output.size[axis] += at->inputs[i].size[axis];
	}
	return true;
}

/* The input is [channels] and the operation's axes. */
static bool spatial_check(struct op_case *at)
{
	char text[SHAPE_TEXT_MAX];
	if (at->inputs[0].rank == at->op->axes + 1)
		return true;
	return refuse(at, "%s takes %s, not %s", at->op->name,
		at->op->axes == 1 ? "[channels, length]" : "[channels, height, width]",
		shape_text(&at->inputs[0], text, sizeof(text)));
}

/* "same" as the number it stands for, where there is one. */
static bool padding_resolve(
	struct op_case *at, size_t axis, double reach, double stride, double *padding)
{
	if (*padding != PADDING_SAME)
		return true;
	if (stride != 1)
		return refuse(at, "padding \"same\" goes with stride 1 only");
	if (fmod(reach, 2) == 0)
		*padding = reach / 2;
	at->output.size[axis] = at->inputs[0].size[axis];
	return true;
}

/* Output length of one axis of a convolution: all but the channels, which the caller sets. */
static bool conv_axes(struct op_case *at)
{
	at->output.rank = at->op->axes + 1;
	for (size_t i = 0; i < at->op->axes; i++) {
		double reach =
			at->attributes[CONV_DILATION].v[i] * (at->attributes[CONV_KERNEL].v[i] - 1);
		double stride = at->attributes[CONV_STRIDE].v[i];
		double *padding = &at->attributes[CONV_PADDING].v[i];
		double size = (double)at->inputs[0].size[i + 1];
		if (!padding_resolve(at, i + 1, reach, stride, padding))
			return false;
		if (*padding == PADDING_SAME)
			continue;
		double room = size + 2 * *padding - reach - 1;
		if (room < 0)
			return refuse(at,
				"%s: the kernel reaches over %.0f positions, but axis "
				"%zu has %.0f with its padding",
				at->op->name, reach + 1, i + 1, size + 2 * *padding);
		at->output.size[i + 1] = (int64_t)floor(room / stride) + 1;
	}
	return true;
}

static double kernel_area(const struct op_case *at)
{
	double area = 1;
	for (size_t i = 0; i < at->op->axes; i++)
		area *= at->attributes[CONV_KERNEL].v[i];
	return area;
}

/* weights: without biases; each output channel's are used at every output position. */
static void conv_cost(struct op_case *at, double weights, double biases)
{
	double positions = shape_elements(&at->output) / (double)at->output.size[0];
	at->parameters = weights + biases;
	at->flops = weights * positions;
}

/* What a layer expects of its input: where nothing is said, what is there. */
static bool channels_check(
	struct op_case *at, const char *name, struct attribute_value *wanted, int64_t have)
{
	if (!isnan(wanted->v[0]) && wanted->v[0] != (double)have)
		return refuse(at, "%s is %.0f, but the input has %lld", name, wanted->v[0],
			(long long)have);
	wanted->v[0] = wanted->v[1] = (double)have;
	return true;
}

bool infer_conv(struct op_case *at)
{
	double groups = at->attributes[CONV_GROUPS].v[0], out = at->attributes[CONV_OUT].v[0];
	if (!spatial_check(at) ||
		!channels_check(at, "in_channels", &at->attributes[CONV_IN], at->inputs[0].size[0]))
		return false;
	double in = (double)at->inputs[0].size[0];
	if (fmod(in, groups) != 0 || fmod(out, groups) != 0)
		return refuse(at, "%.0f groups do not divide %.0f input and %.0f output channels",
			groups, in, out);
	at->output.size[0] = (int64_t)out;
	if (!conv_axes(at))
		return false;
	conv_cost(at, out * in / groups * kernel_area(at), at->attributes[CONV_BIAS].v[0] * out);
	return true;
}

bool infer_depthwise(struct op_case *at)
{
	if (!spatial_check(at))
		return false;
	double out = (double)at->inputs[0].size[0] * at->attributes[DEPTHWISE_MULTIPLIER].v[0];
	if (out > MODEL_AXIS)
		return refuse(at, "%.0f output channels are too many", out);
	at->output.size[0] = (int64_t)out;
	if (!conv_axes(at))
		return false;
	conv_cost(at, out * kernel_area(at), at->attributes[DEPTHWISE_BIAS].v[0] * out);
	return true;
}

bool infer_separable(struct op_case *at)
{
	if (!spatial_check(at))
		return false;
	double in = (double)at->inputs[0].size[0], out = at->attributes[CONV_OUT].v[0];
	at->output.size[0] = (int64_t)out;
	if (!conv_axes(at))
		return false;
	conv_cost(at, in * kernel_area(at) + in * out,
		at->attributes[SEPARABLE_BIAS].v[0] * (in + out));
	return true;
}

bool infer_linear(struct op_case *at)
{
	if (!infer_vectors(at))
		return false;
	int64_t *last = &at->output.size[at->output.rank - 1];
	double in = (double)*last, out = at->attributes[LINEAR_OUT].v[0];
	double rows = shape_elements(&at->output) / in;
	if (!channels_check(at, "in_features", &at->attributes[LINEAR_IN], *last))
		return false;
	*last = (int64_t)out;
	at->parameters = in * out + at->attributes[LINEAR_BIAS].v[0] * out;
	at->flops = in * out * rows;
	return true;
}

bool infer_batch_norm(struct op_case *at)
{
	if (!infer_vectors(at) || !channels_check(at, "num_features",
					  &at->attributes[NORM_FEATURES], at->inputs[0].size[0]))
		return false;
	at->parameters = at->attributes[NORM_AFFINE].v[0] * 2 * (double)at->inputs[0].size[0];
	return true;
}

bool infer_layer_norm(struct op_case *at)
{
	size_t axes = (size_t)at->attributes[NORM_AXES].v[0];
	const struct shape *in = &at->inputs[0];
	char text[SHAPE_TEXT_MAX];
	double n = 1;
	if (axes > in->rank)
		return refuse(at, "LayerNorm over %zu axes, but the shape is %s", axes,
			shape_text(in, text, sizeof(text)));
	for (size_t i = in->rank - axes; i < in->rank; i++)
		n *= (double)in->size[i];
	at->parameters = at->attributes[NORM_AFFINE].v[0] * 2 * n;
	return infer_same(at);
}

bool infer_pool(struct op_case *at)
{
	if (!spatial_check(at))
		return false;
	at->output = at->inputs[0];
	for (size_t i = 0; i < at->op->axes; i++) {
		double kernel = at->attributes[POOL_KERNEL].v[i];
		double padding = at->attributes[POOL_PADDING].v[i];
		double *stride = &at->attributes[POOL_STRIDE].v[i];
		double size = (double)at->inputs[0].size[i + 1];
		if (isnan(*stride))
			*stride = kernel;
		if (padding > kernel / 2)
			return refuse(
				at, "%s: padding is at most half of the kernel", at->op->name);
		double room = size + 2 * padding - kernel;
		if (room < 0)
			return refuse(at,
				"%s: the kernel has %.0f positions, but axis %zu has "
				"%.0f with its padding",
				at->op->name, kernel, i + 1, size + 2 * padding);
		double steps = at->attributes[POOL_CEIL].v[0] > 0 ? ceil(room / *stride)
								  : floor(room / *stride);
		/* A window that would begin in the padding behind the end is left out. */
		if (steps * *stride >= size + padding)
			steps--;
		at->output.size[i + 1] = (int64_t)steps + 1;
	}
	return true;
}

bool infer_global_pool(struct op_case *at)
{
	char text[SHAPE_TEXT_MAX];
	if (at->inputs[0].rank < 2)
		return refuse(at, "%s takes channels and at least one more axis, not %s",
			at->op->name, shape_text(&at->inputs[0], text, sizeof(text)));
	at->output = (struct shape){ .rank = 1, .size = { at->inputs[0].size[0] } };
	return true;
}

bool infer_flatten(struct op_case *at)
{
	double n = shape_elements(&at->inputs[0]);
	if (n > 1e15)
		return refuse(at, "%.0f features are too many", n);
	at->output = (struct shape){ .rank = 1, .size = { (int64_t)n } };
	return true;
}

bool op_infer(struct op_case *at)
{
	at->output = (struct shape){ 0 };
	at->parameters = at->flops = 0;
	if (!at->op->infer(at))
		return false;
	for (size_t i = 0; i < at->output.rank; i++)
		if (at->output.size[i] > MODEL_AXIS && at->op->infer != infer_flatten)
			return refuse(at, "an axis of %lld is longer than %d",
				(long long)at->output.size[i], MODEL_AXIS);
	if (shape_elements(&at->output) > MODEL_ELEMENTS)
		return refuse(at, "the output has more numbers than this server counts");
	if (at->parameters > 0x1p53 || at->flops > 0x1p53)
		return refuse(at, "the cost is more than this server counts exactly");
	return true;
}
