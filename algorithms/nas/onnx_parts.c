#include "algorithms/nas/onnx_parts.h"

#include <stdio.h>
#include <string.h>

/* Field numbers of the messages in a graph (onnx.proto3), and what its enumerations mean. */
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum { ATTR_NAME = 1, ATTR_F = 2, ATTR_I = 3, ATTR_T = 5, ATTR_INTS = 8, ATTR_TYPE = 20 };
enum { ATTR_IS_FLOAT = 1, ATTR_IS_INT = 2, ATTR_IS_TENSOR = 4, ATTR_IS_INTS = 7 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_FLOATS = 4, TENSOR_INTS = 7, TENSOR_NAME = 8 };
enum {
	VALUE_NAME = 1,
	VALUE_TYPE = 2,
	TYPE_TENSOR = 1,
	TENSOR_ELEMENT = 1,
	TENSOR_SHAPE = 2,
	SHAPE_DIM = 1,
	DIM_VALUE = 1,
	DIM_PARAM = 2
};
enum { DATA_FLOAT = 1, DATA_INT64 = 7 };

/* ---- values: name, type, shape ---- */

static void write_dim(struct buffer *shape, int64_t size)
{
	struct buffer dim;
	buffer_init(&dim, 64);
	if (size)
		protobuf_int(&dim, DIM_VALUE, size);
	else
		protobuf_text(&dim, DIM_PARAM, "N");
	protobuf_message(shape, SHAPE_DIM, &dim);
	buffer_release(&dim);
}

void onnx_write_value(
	struct buffer *out, unsigned field, const char *name, const struct shape *shape, bool batch)
{
	struct buffer dims, tensor, type, value;
	buffer_init(&dims, 4096);
	buffer_init(&tensor, 8192);
	buffer_init(&type, 8192);
	buffer_init(&value, 32768);
	if (batch)
		write_dim(&dims, 0);
	for (size_t i = 0; i < shape->rank; i++)
		write_dim(&dims, shape->size[i]);
	protobuf_int(&tensor, TENSOR_ELEMENT, DATA_FLOAT);
	protobuf_message(&tensor, TENSOR_SHAPE, &dims);
	protobuf_message(&type, TYPE_TENSOR, &tensor);
	protobuf_text(&value, VALUE_NAME, name);
	protobuf_message(&value, VALUE_TYPE, &type);
	protobuf_message(out, field, &value);
	buffer_release(&dims);
	buffer_release(&tensor);
	buffer_release(&type);
	buffer_release(&value);
}

/* ---- names made here ---- */

const char *onnx_made(const struct onnx *onnx, const char *part, struct onnx_name *out)
{
	snprintf(out->text, sizeof(out->text), "%s/_%s", onnx->at->name, part);
	return out->text;
}

/* ---- nodes ---- */

static void attribute_begin(struct onnx *onnx, const char *name, int type)
{
	buffer_clear(&onnx->scratch);
	protobuf_text(&onnx->scratch, ATTR_NAME, name);
	protobuf_int(&onnx->scratch, ATTR_TYPE, type);
}

static void attribute_end(struct onnx *onnx)
{
	protobuf_message(&onnx->attributes, NODE_ATTRIBUTE, &onnx->scratch);
}

void onnx_attribute_int(struct onnx *onnx, const char *name, int64_t value)
{
	attribute_begin(onnx, name, ATTR_IS_INT);
	protobuf_int(&onnx->scratch, ATTR_I, value);
	attribute_end(onnx);
}

void onnx_attribute_float(struct onnx *onnx, const char *name, double value)
{
	attribute_begin(onnx, name, ATTR_IS_FLOAT);
	protobuf_float(&onnx->scratch, ATTR_F, (float)value);
	attribute_end(onnx);
}

void onnx_attribute_ints(struct onnx *onnx, const char *name, const double *values, size_t n)
{
	attribute_begin(onnx, name, ATTR_IS_INTS);
	for (size_t i = 0; i < n; i++)
		protobuf_int(&onnx->scratch, ATTR_INTS, (int64_t)values[i]);
	attribute_end(onnx);
}

void onnx_attribute_fill(struct onnx *onnx, float value)
{
	struct buffer tensor;
	buffer_init(&tensor, 64);
	protobuf_int(&tensor, TENSOR_DIMS, 1);
	protobuf_int(&tensor, TENSOR_TYPE, DATA_FLOAT);
	protobuf_float(&tensor, TENSOR_FLOATS, value);
	attribute_begin(onnx, "value", ATTR_IS_TENSOR);
	protobuf_message(&onnx->scratch, ATTR_T, &tensor);
	attribute_end(onnx);
	buffer_release(&tensor);
}

void onnx_node_add(
	struct onnx *onnx, const char *type, const char *output, const char *const *inputs)
{
	buffer_clear(&onnx->node);
	for (; *inputs; inputs++)
		protobuf_text(&onnx->node, NODE_INPUT, *inputs);
	protobuf_text(&onnx->node, NODE_OUTPUT, output);
	protobuf_text(&onnx->node, NODE_NAME, output);
	protobuf_text(&onnx->node, NODE_OP_TYPE, type);
	if (onnx->attributes.size)
		buffer_add(&onnx->node, onnx->attributes.data, onnx->attributes.size);
	protobuf_message(&onnx->nodes, GRAPH_NODE, &onnx->node);
	buffer_clear(&onnx->attributes);
}

const char *onnx_weight(
	struct onnx *onnx, const char *part, struct shape shape, struct onnx_name *out)
{
	onnx_made(onnx, part, out);
	onnx_write_value(&onnx->inputs, GRAPH_INPUT, out->text, &shape, false);
	return out->text;
}

const char *onnx_number(struct onnx *onnx, const char *part, double value, struct onnx_name *out)
{
	struct buffer tensor;
	onnx_made(onnx, part, out);
	buffer_init(&tensor, 2 * ONNX_NAME_ROOM);
	protobuf_int(&tensor, TENSOR_TYPE, DATA_FLOAT);
	protobuf_float(&tensor, TENSOR_FLOATS, (float)value);
	protobuf_text(&tensor, TENSOR_NAME, out->text);
	protobuf_message(&onnx->initializers, GRAPH_INITIALIZER, &tensor);
	buffer_release(&tensor);
	return out->text;
}

const char *onnx_integers(
	struct onnx *onnx, const char *part, const int64_t *values, size_t n, struct onnx_name *out)
{
	struct buffer tensor;
	onnx_made(onnx, part, out);
	buffer_init(&tensor, 2 * ONNX_NAME_ROOM);
	protobuf_int(&tensor, TENSOR_DIMS, (int64_t)n);
	protobuf_int(&tensor, TENSOR_TYPE, DATA_INT64);
	for (size_t i = 0; i < n; i++)
		protobuf_int(&tensor, TENSOR_INTS, values[i]);
	protobuf_text(&tensor, TENSOR_NAME, out->text);
	protobuf_message(&onnx->initializers, GRAPH_INITIALIZER, &tensor);
	buffer_release(&tensor);
	return out->text;
}
