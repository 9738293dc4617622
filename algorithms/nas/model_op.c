#include "algorithms/nas/model_op.h"

#include <math.h>
#include <string.h>

#include "algorithms/nas/model_shape.h"

#define SIZE_MAX_KERNEL 1024
#define CHANNELS_MAX	MODEL_AXIS
#define NONE		((double)NAN)

/* What stands in a row of attributes, named after what it means. */
#define REQUIRED_INT(name_, high_)                                                                 \
	{                                                                                          \
		.name = name_, .type = ATTRIBUTE_INT, .low = 1, .high = high_, .required = true    \
	}
#define OPTIONAL_INT(name_, low_, high_, value)                                                    \
	{                                                                                          \
		.name = name_, .type = ATTRIBUTE_INT, .low = low_, .high = high_,                  \
		.fallback = value                                                                  \
	}
#define KERNEL                                                                                     \
	{                                                                                          \
		.name = "kernel_size", .type = ATTRIBUTE_PAIR, .low = 1, .high = SIZE_MAX_KERNEL,  \
		.required = true                                                                   \
	}
#define STEP(name_, value)                                                                         \
	{                                                                                          \
		.name = name_, .type = ATTRIBUTE_PAIR, .low = 1, .high = SIZE_MAX_KERNEL,          \
		.fallback = value                                                                  \
	}
#define PADDING                                                                                    \
	{                                                                                          \
		.name = "padding", .type = ATTRIBUTE_PADDING, .low = 0, .high = SIZE_MAX_KERNEL    \
	}
#define REAL(name_, low_, high_, value)                                                            \
	{                                                                                          \
		.name = name_, .type = ATTRIBUTE_REAL, .low = low_, .high = high_,                 \
		.fallback = value                                                                  \
	}
#define FLAG(name_, value)                                                                         \
	{                                                                                          \
		.name = name_, .type = ATTRIBUTE_FLAG, .low = 0, .high = 1, .fallback = value      \
	}

/* The order is that of the enumerations in model_shape.h. */
static const struct op_attribute conv[] = {
	REQUIRED_INT("out_channels", CHANNELS_MAX),
	KERNEL,
	STEP("stride", 1),
	PADDING,
	STEP("dilation", 1),
	OPTIONAL_INT("groups", 1, CHANNELS_MAX, 1),
	FLAG("bias", 1),
	OPTIONAL_INT("in_channels", 1, CHANNELS_MAX, NONE),
	{ NULL },
};

static const struct op_attribute depthwise[] = {
	OPTIONAL_INT("multiplier", 1, 1024, 1),
	KERNEL,
	STEP("stride", 1),
	PADDING,
	STEP("dilation", 1),
	FLAG("bias", 1),
	{ NULL },
};

static const struct op_attribute separable[] = {
	REQUIRED_INT("out_channels", CHANNELS_MAX),
	KERNEL,
	STEP("stride", 1),
	PADDING,
	STEP("dilation", 1),
	FLAG("bias", 1),
	{ NULL },
};

static const struct op_attribute linear[] = {
	REQUIRED_INT("out_features", CHANNELS_MAX),
	FLAG("bias", 1),
	OPTIONAL_INT("in_features", 1, CHANNELS_MAX, NONE),
	{ NULL },
};

static const struct op_attribute batch_norm[] = {
	FLAG("affine", 1),
	REAL("eps", 0, 1, 1e-5),
	OPTIONAL_INT("num_features", 1, CHANNELS_MAX, NONE),
	{ NULL },
};

static const struct op_attribute layer_norm[] = {
	FLAG("affine", 1),
	REAL("eps", 0, 1, 1e-5),
	OPTIONAL_INT("axes", 1, MODEL_RANK, 1),
	{ NULL },
};

static const struct op_attribute pool[] = {
	KERNEL,
	STEP("stride", NONE),
	{ .name = "padding", .type = ATTRIBUTE_PAIR, .low = 0, .high = SIZE_MAX_KERNEL },
	FLAG("ceil_mode", 0),
	{ NULL },
};

static const struct op_attribute leaky_relu[] = { REAL("negative_slope", 0, 1e6, 0.01), { NULL } };
static const struct op_attribute elu[] = { REAL("alpha", 0, 1e6, 1), { NULL } };
static const struct op_attribute dropout[] = { REAL("p", 0, 1, 0.5), { NULL } };
static const struct op_attribute constant[] = { REAL("value", -1e300, 1e300, NONE), { NULL } };
static const struct op_attribute concat[] = { OPTIONAL_INT("axis", 0, MODEL_RANK - 1, 0),
	{ NULL } };
static const struct op_attribute none[] = { { NULL } };

enum { ROW_INPUT, ROW_IDENTITY, ROW_ZERO, ROW_ADD, ROW_MEAN, ROW_CONCAT };

const struct operation model_ops[] = {
	[ROW_INPUT] = { "Input", OP_HIDDEN, 0, none, NULL },
	[ROW_IDENTITY] = { "Identity", OP_KEEPS_ZERO, 0, none, infer_same },
	[ROW_ZERO] = { "Zero", 0, 0, none, infer_same },
	[ROW_ADD] = { "Add", OP_MANY | OP_COMMUTES, 0, constant, infer_constant },
	[ROW_MEAN] = { "Mean", OP_MANY | OP_COMMUTES, 0, none, infer_equal },
	[ROW_CONCAT] = { "Concat", OP_MANY, 0, concat, infer_concat },
	{ "Multiply", OP_MANY | OP_COMMUTES, 0, constant, infer_constant },
	{ "Conv1d", 0, 1, conv, infer_conv },
	{ "Conv2d", 0, 2, conv, infer_conv },
	{ "DepthwiseConv1d", 0, 1, depthwise, infer_depthwise },
	{ "DepthwiseConv2d", 0, 2, depthwise, infer_depthwise },
	{ "SeparableConv1d", 0, 1, separable, infer_separable },
	{ "SeparableConv2d", 0, 2, separable, infer_separable },
	{ "Linear", 0, 0, linear, infer_linear },
	{ "BatchNorm", 0, 0, batch_norm, infer_batch_norm },
	{ "LayerNorm", 0, 0, layer_norm, infer_layer_norm },
	{ "MaxPool1d", OP_KEEPS_ZERO, 1, pool, infer_pool },
	{ "MaxPool2d", OP_KEEPS_ZERO, 2, pool, infer_pool },
	{ "AvgPool1d", OP_KEEPS_ZERO, 1, pool, infer_pool },
	{ "AvgPool2d", OP_KEEPS_ZERO, 2, pool, infer_pool },
	{ "GlobalAvgPool", OP_KEEPS_ZERO, 0, none, infer_global_pool },
	{ "GlobalMaxPool", OP_KEEPS_ZERO, 0, none, infer_global_pool },
	{ "Flatten", OP_KEEPS_ZERO, 0, none, infer_flatten },
	{ "ReLU", OP_KEEPS_ZERO, 0, none, infer_same },
	{ "ReLU6", OP_KEEPS_ZERO, 0, none, infer_same },
	{ "LeakyReLU", OP_KEEPS_ZERO, 0, leaky_relu, infer_same },
	{ "ELU", OP_KEEPS_ZERO, 0, elu, infer_same },
	{ "GELU", OP_KEEPS_ZERO, 0, none, infer_same },
	{ "SiLU", OP_KEEPS_ZERO, 0, none, infer_same },
	{ "Hardswish", OP_KEEPS_ZERO, 0, none, infer_same },
	{ "Tanh", OP_KEEPS_ZERO, 0, none, infer_same },
	{ "Sigmoid", 0, 0, none, infer_same },
	{ "Softmax", 0, 0, none, infer_vectors },
	{ "Dropout", OP_KEEPS_ZERO | OP_RANDOM, 0, dropout, infer_same },
	{ NULL },
};

const struct operation *const op_input = &model_ops[ROW_INPUT];
const struct operation *const op_identity = &model_ops[ROW_IDENTITY];
const struct operation *const op_zero = &model_ops[ROW_ZERO];
const struct operation *const op_add = &model_ops[ROW_ADD];
const struct operation *const op_mean = &model_ops[ROW_MEAN];
const struct operation *const op_concat = &model_ops[ROW_CONCAT];

const struct operation *op_find(const char *name)
{
	for (const struct operation *op = model_ops; op->name; op++)
		if (!(op->flags & OP_HIDDEN) && strcmp(op->name, name) == 0)
			return op;
	return NULL;
}

size_t op_n_attributes(const struct operation *op)
{
	size_t n = 0;
	while (op->attributes[n].name)
		n++;
	return n;
}

int op_attribute_find(const struct operation *op, const char *name)
{
	for (int i = 0; op->attributes[i].name; i++)
		if (strcmp(op->attributes[i].name, name) == 0)
			return i;
	return -1;
}
