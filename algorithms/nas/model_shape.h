/*
 * Shape inference and cost of each operation: the functions of the table in model_op.c.
 */
#ifndef ALGORITHMS_NAS_MODEL_SHAPE_H
#define ALGORITHMS_NAS_MODEL_SHAPE_H

#include "algorithms/nas/model_op.h"

/* Indexes into the attributes of convolutions and pools. */
enum {
	CONV_OUT,
	CONV_KERNEL,
	CONV_STRIDE,
	CONV_PADDING,
	CONV_DILATION,
	CONV_GROUPS,
	CONV_BIAS,
	CONV_IN
};
enum { DEPTHWISE_MULTIPLIER, DEPTHWISE_BIAS = 5, SEPARABLE_BIAS = 5 }; /* 1..4 as CONV */
enum { POOL_KERNEL, POOL_STRIDE, POOL_PADDING, POOL_CEIL };
enum { LINEAR_OUT, LINEAR_BIAS, LINEAR_IN };
enum { NORM_AFFINE, NORM_EPS, NORM_FEATURES, NORM_AXES = 2 };

bool infer_same(struct op_case *at);	 /* element by element */
bool infer_vectors(struct op_case *at);	 /* the same, but not of a single number */
bool infer_equal(struct op_case *at);	 /* inputs of one shape */
bool infer_constant(struct op_case *at); /* the same, or one input and a number */
bool infer_concat(struct op_case *at);
bool infer_conv(struct op_case *at);
bool infer_depthwise(struct op_case *at);
bool infer_separable(struct op_case *at);
bool infer_linear(struct op_case *at);
bool infer_batch_norm(struct op_case *at);
bool infer_layer_norm(struct op_case *at);
bool infer_pool(struct op_case *at);
bool infer_global_pool(struct op_case *at);
bool infer_flatten(struct op_case *at);

#endif
