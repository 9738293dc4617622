/*
 * The operations of model graphs, as one table: what attributes each takes, how many tensors go in,
 * which shape comes out, what it costs.
 *
 * Shapes leave the batch axis out: an image is [channels, height, width], a sequence [channels,
 * length], a vector [features], a number []. Convolution and pooling arithmetic is PyTorch's
 * (floor; dilation; padding on both sides).
 *
 * Costs: parameters are the trained weights (biases and affine scales included, running statistics
 * not); flops are the multiply-adds of convolutions and linear layers for one example, the usual
 * convention of architecture benchmarks.
 */
#ifndef ALGORITHMS_NAS_MODEL_OP_H
#define ALGORITHMS_NAS_MODEL_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/faults.h"

#define MODEL_RANK	 4	 /* axes of a shape, at most */
#define MODEL_AXIS	 1000000 /* length of an axis, at most */
#define MODEL_ELEMENTS	 0x1p40	 /* numbers in one tensor, at most */
#define MODEL_ATTRIBUTES 8	 /* of one operation, at most */
#define PADDING_SAME	 (-1.0)

struct shape {
	size_t rank;
	int64_t size[MODEL_RANK];
};

enum attribute_type {
	ATTRIBUTE_INT,
	ATTRIBUTE_PAIR,	   /* one integer for both axes, or two */
	ATTRIBUTE_PADDING, /* as PAIR (in one dimension: one integer), or "same" */
	ATTRIBUTE_REAL,
	ATTRIBUTE_FLAG
};

struct op_attribute {
	const char *name; /* NULL ends the list */
	enum attribute_type type;
	double low, high; /* inclusive */
	double fallback;  /* when absent; NaN: stays NaN, "not given" */
	bool required;
};

/* A value has two components: equal, but for pairs. */
struct attribute_value {
	double v[2];
};

/* One node whose shape and cost are asked for. */
struct op_case {
	const struct operation *op;
	struct attribute_value *attributes; /* "same" and unset strides are replaced by numbers */
	size_t n_inputs;
	const struct shape *inputs;
	struct shape output;
	double parameters, flops;
	char message[FAULT_MESSAGE_MAX]; /* why not */
};

#define OP_COMMUTES   1u  /* the order of its inputs means nothing */
#define OP_KEEPS_ZERO 2u  /* zeros in, zeros out */
#define OP_RANDOM     4u  /* two of them on one input differ */
#define OP_MANY	      8u  /* takes one input or more; else exactly one */
#define OP_HIDDEN     16u /* made by the machinery, not written in a model */

struct operation {
	const char *name;
	unsigned flags;
	unsigned axes; /* convolution and pooling: 1 or 2 */
	const struct op_attribute *attributes;
	bool (*infer)(struct op_case *at); /* false: message says why not */
};

extern const struct operation model_ops[]; /* the end has no name */

const struct operation *op_find(const char *name); /* NULL: none, or hidden */

/* The hidden source of an input, and those that mutators put together. */
extern const struct operation *const op_input,
	*const op_add, *const op_mean, *const op_concat, *const op_zero, *const op_identity;

size_t op_n_attributes(const struct operation *op);
/* Its index, or -1. */
int op_attribute_find(const struct operation *op, const char *name);

/* Output shape and cost; false: message says why the operation does not fit its inputs. */
bool op_infer(struct op_case *at);

double shape_elements(const struct shape *shape);
bool shape_equal(const struct shape *a, const struct shape *b);
/* "[3, 32, 32]"; answers out. */
const char *shape_text(const struct shape *shape, char *out, size_t size);
#define SHAPE_TEXT_MAX 64

#endif
