/* Single operations: what goes in, what must come out, what it costs; by hand, and as PyTorch has
 * it. */
#ifndef TESTS_MODEL_CASES_H
#define TESTS_MODEL_CASES_H

#include "core/buffer.h"
#include "tests/unit/algorithms/model_books.h"

/* A model of one operation behind a choice that changes nothing, and what must come out. */
static const struct model_case {
	const char *input, *type, *parameters, *output;
	double weights, flops;
} cases[] = {
	{ "[1,28,28]", "Conv2d", "\"out_channels\":16,\"kernel_size\":5", "[16, 24, 24]", 416,
		400.0 * 576 },
	{ "[3,32,32]", "Conv2d", "\"out_channels\":8,\"kernel_size\":3,\"padding\":1,\"stride\":2",
		"[8, 16, 16]", 224, 216.0 * 256 },
	{ "[3,32,32]", "Conv2d", "\"out_channels\":8,\"kernel_size\":[3,5],\"padding\":\"same\"",
		"[8, 32, 32]", 368, 360.0 * 1024 },
	{ "[3,32,32]", "Conv2d", "\"out_channels\":8,\"kernel_size\":4,\"padding\":\"same\"",
		"[8, 32, 32]", 392, 384.0 * 1024 },
	{ "[4,9,9]", "Conv2d",
		"\"out_channels\":8,\"kernel_size\":3,\"dilation\":2,\"groups\":4,"
		"\"bias\":false",
		"[8, 5, 5]", 72, 72.0 * 25 },
	{ "[2,100]", "Conv1d", "\"out_channels\":4,\"kernel_size\":7,\"stride\":3", "[4, 32]", 60,
		56.0 * 32 },
	{ "[6,8,8]", "DepthwiseConv2d", "\"kernel_size\":3,\"padding\":1,\"multiplier\":2",
		"[12, 8, 8]", 120, 108.0 * 64 },
	{ "[6,8]", "DepthwiseConv1d", "\"kernel_size\":3,\"bias\":false", "[6, 6]", 18, 18.0 * 6 },
	{ "[6,8,8]", "SeparableConv2d", "\"out_channels\":10,\"kernel_size\":3,\"bias\":false",
		"[10, 6, 6]", 114, 114.0 * 36 },
	{ "[6,8]", "SeparableConv1d", "\"out_channels\":10,\"kernel_size\":3", "[10, 6]", 94,
		78.0 * 6 },
	{ "[288]", "Linear", "\"out_features\":64", "[64]", 18496, 18432 },
	{ "[5,7]", "Linear", "\"out_features\":3,\"bias\":false,\"in_features\":7", "[5, 3]", 21,
		105 },
	{ "[16,4,4]", "BatchNorm", "", "[16, 4, 4]", 32, 0 },
	{ "[16,4,4]", "BatchNorm", "\"affine\":false", "[16, 4, 4]", 0, 0 },
	{ "[16,4,5]", "LayerNorm", "\"axes\":2", "[16, 4, 5]", 40, 0 },
	{ "[4,9,9]", "MaxPool2d", "\"kernel_size\":2", "[4, 4, 4]", 0, 0 },
	{ "[4,9,9]", "MaxPool2d", "\"kernel_size\":2,\"ceil_mode\":true", "[4, 5, 5]", 0, 0 },
	/* A window that would begin in the padding behind is left out, as PyTorch does. */
	{ "[4,4,4]", "AvgPool2d", "\"kernel_size\":2,\"stride\":3,\"padding\":1,\"ceil_mode\":true",
		"[4, 2, 2]", 0, 0 },
	{ "[4,9]", "AvgPool1d", "\"kernel_size\":3,\"stride\":1,\"padding\":1", "[4, 9]", 0, 0 },
	{ "[4,9]", "MaxPool1d", "\"kernel_size\":3", "[4, 3]", 0, 0 },
	{ "[4,9,3]", "GlobalAvgPool", "", "[4]", 0, 0 },
	{ "[4,9]", "GlobalMaxPool", "", "[4]", 0, 0 },
	{ "[4,9,3]", "Flatten", "", "[108]", 0, 0 },
	{ "[4]", "Softmax", "", "[4]", 0, 0 },
	{ "[4]", "LeakyReLU", "\"negative_slope\":0.2", "[4]", 0, 0 },
	{ "[4]", "ELU", "", "[4]", 0, 0 },
	{ "[4]", "GELU", "", "[4]", 0, 0 },
	{ "[4]", "SiLU", "", "[4]", 0, 0 },
	{ "[4]", "ReLU", "", "[4]", 0, 0 },
	{ "[4]", "ReLU6", "", "[4]", 0, 0 },
	{ "[4]", "Hardswish", "", "[4]", 0, 0 },
	{ "[4]", "Sigmoid", "", "[4]", 0, 0 },
	{ "[]", "Tanh", "", "[]", 0, 0 },
	{ "[4]", "Dropout", "\"p\":0.3", "[4]", 0, 0 },
	{ "[4]", "Zero", "", "[4]", 0, 0 },
	{ "[4]", "Multiply", "\"value\":-2.5", "[4]", 0, 0 },
	{ "[2,4]", "LayerNorm", "\"affine\":false", "[2, 4]", 0, 0 },
};

static inline void case_write(const struct model_case *one, struct buffer *out)
{
	buffer_printf(out,
		"{\"inputs\":{\"x\":%s},\"nodes\":{\"c\":" PLUS(
			VALUES("k", "[1,2]")) ",\"a\":{\"type\":\"%s\",\"parameters\":{%s}}},"
					      "\"edges\":[" EDGE("_inputs", "c") "," EDGE(
						      "c", "a") "," EDGE("a", "_outputs") "]}",
		one->input, one->type, one->parameters);
}

#endif
