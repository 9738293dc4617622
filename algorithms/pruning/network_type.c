#include <string.h>

#include "algorithms/pruning/network.h"
#include "core/limits.h"

const struct network_type network_types[] = {
	{ "Input", ROLE_INPUT, 0, 0 },
	{ "Conv1d", ROLE_CONVOLUTION, 2, TYPE_DEFAULT },
	{ "Conv2d", ROLE_CONVOLUTION, 3, TYPE_DEFAULT },
	{ "Conv3d", ROLE_CONVOLUTION, 4, TYPE_DEFAULT },
	{ "ConvTranspose1d", ROLE_TRANSPOSED, 2, TYPE_DEFAULT },
	{ "ConvTranspose2d", ROLE_TRANSPOSED, 3, TYPE_DEFAULT },
	{ "ConvTranspose3d", ROLE_TRANSPOSED, 4, TYPE_DEFAULT },
	{ "Linear", ROLE_LINEAR, 1, TYPE_DEFAULT },
	{ "BatchNorm1d", ROLE_NORM, 0, 0 }, /* of [C] or [C, L] */
	{ "BatchNorm2d", ROLE_NORM, 3, 0 },
	{ "BatchNorm3d", ROLE_NORM, 4, 0 },
	{ "InstanceNorm1d", ROLE_NORM, 2, TYPE_NOT_AFFINE },
	{ "InstanceNorm2d", ROLE_NORM, 3, TYPE_NOT_AFFINE },
	{ "InstanceNorm3d", ROLE_NORM, 4, TYPE_NOT_AFFINE },
	{ "GroupNorm", ROLE_GROUP_NORM, 0, 0 },
	{ "LayerNorm", ROLE_LAYER_NORM, 0, 0 },
	{ "PReLU", ROLE_PRELU, 0, TYPE_DEFAULT },
	{ "MaxPool1d", ROLE_POOL, 2, 0 },
	{ "MaxPool2d", ROLE_POOL, 3, 0 },
	{ "MaxPool3d", ROLE_POOL, 4, 0 },
	{ "AvgPool1d", ROLE_POOL, 2, 0 },
	{ "AvgPool2d", ROLE_POOL, 3, 0 },
	{ "AvgPool3d", ROLE_POOL, 4, 0 },
	{ "AdaptiveAvgPool1d", ROLE_ADAPTIVE, 2, 0 },
	{ "AdaptiveAvgPool2d", ROLE_ADAPTIVE, 3, 0 },
	{ "AdaptiveAvgPool3d", ROLE_ADAPTIVE, 4, 0 },
	{ "AdaptiveMaxPool1d", ROLE_ADAPTIVE, 2, 0 },
	{ "AdaptiveMaxPool2d", ROLE_ADAPTIVE, 3, 0 },
	{ "AdaptiveMaxPool3d", ROLE_ADAPTIVE, 4, 0 },
	{ "ReLU", ROLE_PASS, 0, 0 },
	{ "ReLU6", ROLE_PASS, 0, 0 },
	{ "LeakyReLU", ROLE_PASS, 0, 0 },
	{ "ELU", ROLE_PASS, 0, 0 },
	{ "SELU", ROLE_PASS, 0, 0 },
	{ "CELU", ROLE_PASS, 0, 0 },
	{ "GELU", ROLE_PASS, 0, 0 },
	{ "SiLU", ROLE_PASS, 0, 0 },
	{ "Mish", ROLE_PASS, 0, 0 },
	{ "Sigmoid", ROLE_PASS, 0, 0 },
	{ "Tanh", ROLE_PASS, 0, 0 },
	{ "Softplus", ROLE_PASS, 0, 0 },
	{ "Hardswish", ROLE_PASS, 0, 0 },
	{ "Hardsigmoid", ROLE_PASS, 0, 0 },
	{ "Hardtanh", ROLE_PASS, 0, 0 },
	{ "Softmax", ROLE_PASS, 0, 0 },
	{ "LogSoftmax", ROLE_PASS, 0, 0 },
	{ "Dropout", ROLE_PASS, 0, 0 },
	{ "Dropout2d", ROLE_PASS, 0, 0 },
	{ "Identity", ROLE_PASS, 0, 0 },
	{ "Add", ROLE_ELEMENTWISE, 0, 0 },
	{ "Sub", ROLE_ELEMENTWISE, 0, 0 },
	{ "Mul", ROLE_ELEMENTWISE, 0, 0 },
	{ "Concat", ROLE_CONCAT, 0, 0 },
	{ "Flatten", ROLE_FLATTEN, 0, 0 },
	{ "Upsample", ROLE_UPSAMPLE, 0, 0 },
	{ 0 },
};

const struct network_type *network_type_find(const char *name)
{
	for (const struct network_type *type = network_types; type->name; type++)
		if (strcmp(type->name, name) == 0)
			return type;
	return NULL;
}

bool network_is_maker(const struct network_type *type)
{
	return type->role == ROLE_INPUT || type->role == ROLE_CONVOLUTION ||
	       type->role == ROLE_TRANSPOSED || type->role == ROLE_LINEAR;
}

bool network_is_depthwise(const struct network_layer *layer, int64_t in_channels)
{
	bool convolves =
		layer->type->role == ROLE_CONVOLUTION || layer->type->role == ROLE_TRANSPOSED;

	return convolves && layer->options.groups > 1 && layer->options.groups == in_channels;
}
