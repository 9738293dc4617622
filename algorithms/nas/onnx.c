/*
 * Concrete graphs as ONNX (onnx.ai: IR version 8, operator set 17), for viewers, converters and
 * runtimes. The batch axis is the symbolic "N". Weights are inputs of the graph, named after their
 * node, "block/conv/_weight": the model is untrained, and a file of its architecture stays small.
 * Names that begin with an underscore after the last / are made here; no node has one.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"
#include "algorithms/nas/model_shape.h"
#include "algorithms/nas/onnx_parts.h"

/* Field numbers of a ModelProto (onnx.proto3). */
enum {
	MODEL_IR_VERSION = 1,
	MODEL_PRODUCER = 2,
	MODEL_GRAPH = 7,
	MODEL_OPSET = 8,
	MODEL_METADATA = 14
};
enum { OPSET_VERSION = 2 };

#define IR_VERSION 8
#define OPSET	   17
#define FILE_ROOM  (48u << 20) /* bytes of a file: far more than LIMIT_MODEL_ELEMENTS need */

/* ---- operations ---- */

static const struct shape *input_shape(const struct onnx *onnx)
{
	return &onnx->graph->nodes[onnx->at->inputs[0]].shape;
}

static const char *input_name(const struct onnx *onnx, size_t k)
{
	return onnx->graph->nodes[onnx->at->inputs[k]].name;
}

static bool flag(const struct onnx *onnx, size_t attribute)
{
	return onnx->at->attributes[attribute].v[0] != 0;
}

/* kernel_shape, strides, pads: "same" with an even kernel has one more behind, as in PyTorch. */
static void window_attributes(struct onnx *onnx, const struct attribute_value *kernel,
	const struct attribute_value *stride, const struct attribute_value *padding,
	const struct attribute_value *dilation)
{
	size_t axes = onnx->at->op->axes;
	double pads[4];
	for (size_t i = 0; i < axes; i++) {
		double reach = (kernel->v[i] - 1) * (dilation ? dilation->v[i] : 1);
		bool same = padding->v[i] == PADDING_SAME;
		pads[i] = same ? floor(reach / 2) : padding->v[i];
		pads[axes + i] = same ? reach - pads[i] : padding->v[i];
	}
	onnx_attribute_ints(onnx, "kernel_shape", kernel->v, axes);
	onnx_attribute_ints(onnx, "strides", stride->v, axes);
	onnx_attribute_ints(onnx, "pads", pads, 2 * axes);
	if (dilation)
		onnx_attribute_ints(onnx, "dilations", dilation->v, axes);
}

/* One convolution. part: what its weights are called. */
static void conv_add(struct onnx *onnx, const char *part, const char *input, const char *output,
	int64_t in, int64_t out, int64_t groups, bool pointwise, bool bias)
{
	const struct attribute_value *a = onnx->at->attributes;
	size_t axes = onnx->at->op->axes;
	struct shape shape = { .rank = axes + 2, .size = { out, in / groups, 1, 1 } };
	struct onnx_name w, b, bias_part;
	static const struct attribute_value one = { { 1, 1 } }, none = { { 0, 0 } };

	if (pointwise) {
		window_attributes(onnx, &one, &one, &none, NULL);
	} else {
		for (size_t i = 0; i < axes; i++)
			shape.size[2 + i] = (int64_t)a[CONV_KERNEL].v[i];
		window_attributes(onnx, &a[CONV_KERNEL], &a[CONV_STRIDE], &a[CONV_PADDING],
			&a[CONV_DILATION]);
	}
	onnx_attribute_int(onnx, "group", groups);
	snprintf(bias_part.text, sizeof(bias_part.text), "%s_bias", part);
	const struct shape biases = { .rank = 1, .size = { out } };
	onnx_node_add(onnx, "Conv", output,
		INPUTS(input, onnx_weight(onnx, part, shape, &w),
			bias ? onnx_weight(onnx, bias_part.text, biases, &b) : NULL));
}

static void export_conv(struct onnx *onnx)
{
	conv_add(onnx, "weight", input_name(onnx, 0), onnx->at->name, input_shape(onnx)->size[0],
		onnx->at->shape.size[0], (int64_t)onnx->at->attributes[CONV_GROUPS].v[0], false,
		flag(onnx, CONV_BIAS));
}

static void export_depthwise(struct onnx *onnx)
{
	int64_t in = input_shape(onnx)->size[0];
	conv_add(onnx, "weight", input_name(onnx, 0), onnx->at->name, in, onnx->at->shape.size[0],
		in, false, flag(onnx, DEPTHWISE_BIAS));
}

static void export_separable(struct onnx *onnx)
{
	int64_t in = input_shape(onnx)->size[0], out = onnx->at->shape.size[0];
	bool bias = flag(onnx, SEPARABLE_BIAS);
	struct onnx_name between;
	onnx_made(onnx, "between", &between);
	conv_add(onnx, "depthwise", input_name(onnx, 0), between.text, in, in, in, false, bias);
	conv_add(onnx, "pointwise", between.text, onnx->at->name, in, out, 1, true, bias);
}

static void export_linear(struct onnx *onnx)
{
	int64_t in = (int64_t)onnx->at->attributes[LINEAR_IN].v[0];
	int64_t out = (int64_t)onnx->at->attributes[LINEAR_OUT].v[0];
	const struct shape biases = { .rank = 1, .size = { out } };
	const struct shape weights = { .rank = 2, .size = { out, in } };
	const struct shape turned = { .rank = 2, .size = { in, out } };
	const char *output = onnx->at->name;
	bool bias = flag(onnx, LINEAR_BIAS);
	struct onnx_name w, b, product;

	if (input_shape(onnx)->rank == 1) {
		onnx_attribute_int(onnx, "transB", 1);
		onnx_node_add(onnx, "Gemm", output,
			INPUTS(input_name(onnx, 0), onnx_weight(onnx, "weight", weights, &w),
				bias ? onnx_weight(onnx, "bias", biases, &b) : NULL));
		return;
	}
	onnx_made(onnx, "product", &product);
	onnx_node_add(onnx, "MatMul", bias ? product.text : output,
		INPUTS(input_name(onnx, 0), onnx_weight(onnx, "weight", turned, &w)));
	if (bias)
		onnx_node_add(onnx, "Add", output,
			INPUTS(product.text, onnx_weight(onnx, "bias", biases, &b)));
}

/* A weight, or where there is none, a tensor full of value. */
static const char *weight_or(struct onnx *onnx, bool trained, const char *part,
	const struct shape *shape, float value, struct onnx_name *out)
{
	struct onnx_name size, size_part;
	if (trained)
		return onnx_weight(onnx, part, *shape, out);
	snprintf(size_part.text, sizeof(size_part.text), "%s_shape", part);
	onnx_integers(onnx, size_part.text, shape->size, shape->rank, &size);
	onnx_made(onnx, part, out);
	onnx_attribute_fill(onnx, value);
	onnx_node_add(onnx, "ConstantOfShape", out->text, INPUTS(size.text));
	return out->text;
}

static void export_batch_norm(struct onnx *onnx)
{
	const struct shape channels = { .rank = 1, .size = { onnx->at->shape.size[0] } };
	struct onnx_name scale, shift, mean, variance;
	bool affine = flag(onnx, NORM_AFFINE);
	weight_or(onnx, affine, "scale", &channels, 1, &scale);
	weight_or(onnx, affine, "bias", &channels, 0, &shift);
	onnx_weight(onnx, "mean", channels, &mean);
	onnx_weight(onnx, "variance", channels, &variance);
	onnx_attribute_float(onnx, "epsilon", onnx->at->attributes[NORM_EPS].v[0]);
	onnx_node_add(onnx, "BatchNormalization", onnx->at->name,
		INPUTS(input_name(onnx, 0), scale.text, shift.text, mean.text, variance.text));
}

static void export_layer_norm(struct onnx *onnx)
{
	size_t axes = (size_t)onnx->at->attributes[NORM_AXES].v[0];
	const struct shape *all = &onnx->at->shape;
	struct shape last = { .rank = axes };
	struct onnx_name scale, shift;
	bool affine = flag(onnx, NORM_AFFINE);
	for (size_t i = 0; i < axes; i++)
		last.size[i] = all->size[all->rank - axes + i];
	weight_or(onnx, affine, "scale", &last, 1, &scale);
	weight_or(onnx, affine, "bias", &last, 0, &shift);
	onnx_attribute_int(onnx, "axis", (int64_t)(all->rank - axes) + 1);
	onnx_attribute_float(onnx, "epsilon", onnx->at->attributes[NORM_EPS].v[0]);
	onnx_node_add(onnx, "LayerNormalization", onnx->at->name,
		INPUTS(input_name(onnx, 0), scale.text, shift.text));
}

/* ceil_mode only where it makes a difference here: ONNX keeps a window that PyTorch leaves out. */
static bool pool_ceils(const struct onnx *onnx)
{
	const struct attribute_value *a = onnx->at->attributes;
	for (size_t i = 0; i < onnx->at->op->axes; i++) {
		double room = (double)input_shape(onnx)->size[i + 1] + 2 * a[POOL_PADDING].v[i] -
			      a[POOL_KERNEL].v[i];
		if ((int64_t)floor(room / a[POOL_STRIDE].v[i]) + 1 != onnx->at->shape.size[i + 1])
			return true;
	}
	return false;
}

static void export_pool(struct onnx *onnx)
{
	const struct attribute_value *a = onnx->at->attributes;
	bool mean = onnx->at->op->name[0] == 'A';
	window_attributes(onnx, &a[POOL_KERNEL], &a[POOL_STRIDE], &a[POOL_PADDING], NULL);
	onnx_attribute_int(onnx, "ceil_mode", pool_ceils(onnx));
	if (mean)
		onnx_attribute_int(onnx, "count_include_pad", 1);
	onnx_node_add(onnx, mean ? "AveragePool" : "MaxPool", onnx->at->name,
		INPUTS(input_name(onnx, 0)));
}

static void export_global_pool(struct onnx *onnx)
{
	bool mean = strcmp(onnx->at->op->name, "GlobalAvgPool") == 0;
	struct onnx_name pooled;
	onnx_made(onnx, "pooled", &pooled);
	onnx_node_add(onnx, mean ? "GlobalAveragePool" : "GlobalMaxPool", pooled.text,
		INPUTS(input_name(onnx, 0)));
	onnx_attribute_int(onnx, "axis", 1);
	onnx_node_add(onnx, "Flatten", onnx->at->name, INPUTS(pooled.text));
}

static void export_flatten(struct onnx *onnx)
{
	onnx_attribute_int(onnx, "axis", 1);
	onnx_node_add(onnx, "Flatten", onnx->at->name, INPUTS(input_name(onnx, 0)));
}

static void export_relu6(struct onnx *onnx)
{
	struct onnx_name low, high;
	onnx_node_add(onnx, "Clip", onnx->at->name,
		INPUTS(input_name(onnx, 0), onnx_number(onnx, "low", 0, &low),
			onnx_number(onnx, "high", 6, &high)));
}

static void export_leaky_relu(struct onnx *onnx)
{
	onnx_attribute_float(onnx, "alpha", onnx->at->attributes[0].v[0]);
	onnx_node_add(onnx, "LeakyRelu", onnx->at->name, INPUTS(input_name(onnx, 0)));
}

static void export_elu(struct onnx *onnx)
{
	onnx_attribute_float(onnx, "alpha", onnx->at->attributes[0].v[0]);
	onnx_node_add(onnx, "Elu", onnx->at->name, INPUTS(input_name(onnx, 0)));
}

/* x / 2 (1 + erf(x / sqrt 2)) */
static void export_gelu(struct onnx *onnx)
{
	struct onnx_name scaled, erf_, plus, product, a, b, c;
	const char *x = input_name(onnx, 0);
	onnx_node_add(onnx, "Mul", onnx_made(onnx, "scaled", &scaled),
		INPUTS(x, onnx_number(onnx, "root", M_SQRT1_2, &a)));
	onnx_node_add(onnx, "Erf", onnx_made(onnx, "erf", &erf_), INPUTS(scaled.text));
	onnx_node_add(onnx, "Add", onnx_made(onnx, "plus", &plus),
		INPUTS(erf_.text, onnx_number(onnx, "one", 1, &b)));
	onnx_node_add(onnx, "Mul", onnx_made(onnx, "product", &product), INPUTS(x, plus.text));
	onnx_node_add(onnx, "Mul", onnx->at->name,
		INPUTS(product.text, onnx_number(onnx, "half", 0.5, &c)));
}

static void export_silu(struct onnx *onnx)
{
	struct onnx_name gate;
	const char *x = input_name(onnx, 0);
	onnx_node_add(onnx, "Sigmoid", onnx_made(onnx, "gate", &gate), INPUTS(x));
	onnx_node_add(onnx, "Mul", onnx->at->name, INPUTS(x, gate.text));
}

static void export_softmax(struct onnx *onnx)
{
	onnx_attribute_int(onnx, "axis", -1);
	onnx_node_add(onnx, "Softmax", onnx->at->name, INPUTS(input_name(onnx, 0)));
}

static void export_dropout(struct onnx *onnx)
{
	struct onnx_name ratio;
	onnx_node_add(onnx, "Dropout", onnx->at->name,
		INPUTS(input_name(onnx, 0),
			onnx_number(onnx, "ratio", onnx->at->attributes[0].v[0], &ratio)));
}

/* All inputs at once; attributes are set. */
static void variadic_add(struct onnx *onnx, const char *type)
{
	const struct model_node *node = onnx->at;
	const char **inputs = calloc(node->n_inputs + 1, sizeof(*inputs));
	if (!inputs) {
		onnx->nodes.failed = true;
		return;
	}
	for (size_t k = 0; k < node->n_inputs; k++)
		inputs[k] = input_name(onnx, k);
	onnx_node_add(onnx, type, node->name, inputs);
	free(inputs);
}

static void export_add(struct onnx *onnx)
{
	double value = onnx->at->attributes[0].v[0];
	struct onnx_name constant;
	if (isnan(value))
		variadic_add(onnx, "Sum");
	else
		onnx_node_add(onnx, "Add", onnx->at->name,
			INPUTS(input_name(onnx, 0), onnx_number(onnx, "value", value, &constant)));
}

/* Products have two factors in ONNX. */
static void export_multiply(struct onnx *onnx)
{
	const struct model_node *node = onnx->at;
	double value = node->attributes[0].v[0];
	struct onnx_name constant, left, right;
	if (!isnan(value)) {
		onnx_node_add(onnx, "Mul", node->name,
			INPUTS(input_name(onnx, 0), onnx_number(onnx, "value", value, &constant)));
		return;
	}
	snprintf(left.text, sizeof(left.text), "%s", input_name(onnx, 0));
	for (size_t k = 1; k < node->n_inputs; k++) {
		char part[32];
		snprintf(part, sizeof(part), "product_%zu", k);
		bool last = k + 1 == node->n_inputs;
		const char *output = last ? node->name : onnx_made(onnx, part, &right);
		onnx_node_add(onnx, "Mul", output, INPUTS(left.text, input_name(onnx, k)));
		left = right;
	}
}

static void export_mean(struct onnx *onnx)
{
	variadic_add(onnx, "Mean");
}

static void export_concat(struct onnx *onnx)
{
	onnx_attribute_int(onnx, "axis", (int64_t)onnx->at->attributes[0].v[0] + 1);
	variadic_add(onnx, "Concat");
}

/* Zeros of the batch's size, which only an input knows. */
static void export_zero(struct onnx *onnx)
{
	const struct shape *shape = &onnx->at->shape;
	struct onnx_name batch, sizes, all;
	onnx_attribute_int(onnx, "start", 0);
	onnx_attribute_int(onnx, "end", 1);
	onnx_node_add(onnx, "Shape", onnx_made(onnx, "batch", &batch),
		INPUTS(onnx->graph->nodes[0].name));
	onnx_integers(onnx, "sizes", shape->size, shape->rank, &sizes);
	onnx_attribute_int(onnx, "axis", 0);
	onnx_node_add(
		onnx, "Concat", onnx_made(onnx, "shape", &all), INPUTS(batch.text, sizes.text));
	onnx_attribute_fill(onnx, 0);
	onnx_node_add(onnx, "ConstantOfShape", onnx->at->name, INPUTS(all.text));
}

/* Operations of model_op.c; those without a function are one node of that type. */
static const struct export
{
	const char *op, *type;
	void (*write)(struct onnx * onnx);
}
exports[] = {
	{ "Zero", NULL, export_zero },
	{ "Add", NULL, export_add },
	{ "Mean", NULL, export_mean },
	{ "Concat", NULL, export_concat },
	{ "Multiply", NULL, export_multiply },
	{ "Conv1d", NULL, export_conv },
	{ "Conv2d", NULL, export_conv },
	{ "DepthwiseConv1d", NULL, export_depthwise },
	{ "DepthwiseConv2d", NULL, export_depthwise },
	{ "SeparableConv1d", NULL, export_separable },
	{ "SeparableConv2d", NULL, export_separable },
	{ "Linear", NULL, export_linear },
	{ "BatchNorm", NULL, export_batch_norm },
	{ "LayerNorm", NULL, export_layer_norm },
	{ "MaxPool1d", NULL, export_pool },
	{ "MaxPool2d", NULL, export_pool },
	{ "AvgPool1d", NULL, export_pool },
	{ "AvgPool2d", NULL, export_pool },
	{ "GlobalAvgPool", NULL, export_global_pool },
	{ "GlobalMaxPool", NULL, export_global_pool },
	{ "Flatten", NULL, export_flatten },
	{ "ReLU", "Relu", NULL },
	{ "ReLU6", NULL, export_relu6 },
	{ "LeakyReLU", NULL, export_leaky_relu },
	{ "ELU", NULL, export_elu },
	{ "GELU", NULL, export_gelu },
	{ "SiLU", NULL, export_silu },
	{ "Hardswish", "HardSwish", NULL },
	{ "Tanh", "Tanh", NULL },
	{ "Sigmoid", "Sigmoid", NULL },
	{ "Softmax", NULL, export_softmax },
	{ "Dropout", NULL, export_dropout },
};

static void export_node(struct onnx *onnx, const struct model_node *node)
{
	size_t i = 0;
	onnx->at = node;
	while (i < sizeof(exports) / sizeof(*exports) && strcmp(exports[i].op, node->op->name) != 0)
		i++;
	assert(i < sizeof(exports) / sizeof(*exports)); /* test_onnx: every operation is there */
	if (exports[i].write)
		exports[i].write(onnx);
	else
		onnx_node_add(onnx, exports[i].type, node->name, INPUTS(input_name(onnx, 0)));
}

/* ---- the whole ---- */

static void onnx_init(struct onnx *onnx, const struct model_graph *graph)
{
	*onnx = (struct onnx){ .graph = graph };
	struct buffer *const parts[] = { &onnx->nodes, &onnx->inputs, &onnx->values,
		&onnx->initializers, &onnx->node, &onnx->attributes, &onnx->scratch };
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		buffer_init(parts[i], FILE_ROOM);
}

static void onnx_release(struct onnx *onnx)
{
	struct buffer *const parts[] = { &onnx->nodes, &onnx->inputs, &onnx->values,
		&onnx->initializers, &onnx->node, &onnx->attributes, &onnx->scratch };
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		buffer_release(parts[i]);
}

/* Outputs of the graph: the tensors themselves, or copies where one is an input or comes twice. */
static void write_outputs(struct onnx *onnx, struct buffer *out)
{
	static const struct model_node end = { .name = "" };
	const struct model_graph *graph = onnx->graph;
	onnx->at = &end;
	for (size_t j = 0; j < graph->n_outputs; j++) {
		size_t i = (size_t)graph->outputs[j];
		const char *name = graph->nodes[i].name;
		bool taken = i < graph->n_inputs;
		struct onnx_name copy;
		char part[32];
		for (size_t k = 0; k < j; k++)
			taken = taken || graph->outputs[k] == graph->outputs[j];
		if (taken) {
			snprintf(part, sizeof(part), "output_%zu", j);
			onnx_node_add(onnx, "Identity", onnx_made(onnx, part, &copy), INPUTS(name));
			name = copy.text;
		}
		onnx_write_value(out, GRAPH_OUTPUT, name, &graph->nodes[i].shape, true);
	}
}

/* Is the tensor an output under its own name? Then its value is described there. */
static bool is_output(const struct model_graph *graph, size_t i)
{
	for (size_t j = 0; j < graph->n_outputs; j++)
		if ((size_t)graph->outputs[j] == i)
			return true;
	return false;
}

static void write_graph(struct onnx *onnx, struct buffer *out)
{
	const struct model_graph *graph = onnx->graph;
	struct buffer outputs;
	buffer_init(&outputs, FILE_ROOM);
	for (size_t i = 0; i < graph->n; i++) {
		const struct model_node *node = &graph->nodes[i];
		if (i < graph->n_inputs) {
			onnx_write_value(
				&onnx->inputs, GRAPH_INPUT, node->name, &node->shape, true);
			continue;
		}
		export_node(onnx, node);
		if (!is_output(graph, i))
			onnx_write_value(
				&onnx->values, GRAPH_VALUE_INFO, node->name, &node->shape, true);
	}
	write_outputs(onnx, &outputs);
	const struct buffer *const parts[] = { &onnx->nodes, NULL, &onnx->initializers,
		&onnx->inputs, &outputs, &onnx->values };
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (!parts[i]) {
			protobuf_text(out, GRAPH_NAME, "model");
			continue;
		}
		if (parts[i]->size)
			buffer_add(out, parts[i]->data, parts[i]->size);
		out->failed = out->failed || parts[i]->failed;
	}
	buffer_release(&outputs);
}

static void write_metadata(struct buffer *out, const char *key, const char *value)
{
	struct buffer entry;
	buffer_init(&entry, 256);
	protobuf_text(&entry, 1, key);
	protobuf_text(&entry, 2, value);
	protobuf_message(out, MODEL_METADATA, &entry);
	buffer_release(&entry);
}

void model_graph_onnx(const struct model_graph *graph, struct buffer *out)
{
	struct buffer body, opset;
	struct onnx onnx;
	char key[33];

	onnx_init(&onnx, graph);
	buffer_init(&body, FILE_ROOM);
	buffer_init(&opset, 64);
	write_graph(&onnx, &body);
	protobuf_int(&opset, OPSET_VERSION, OPSET);
	protobuf_int(out, MODEL_IR_VERSION, IR_VERSION);
	protobuf_text(out, MODEL_PRODUCER, "cairn");
	protobuf_message(out, MODEL_GRAPH, &body);
	protobuf_message(out, MODEL_OPSET, &opset);
	model_key_text(&graph->key, key);
	write_metadata(out, "hash", key);
	buffer_release(&opset);
	buffer_release(&body);
	onnx_release(&onnx);
}
