/*
 * The pieces that an ONNX graph is written with: values with their shapes, nodes with attributes,
 * weights, constants. onnx.c puts operations together from them.
 */
#ifndef ALGORITHMS_NAS_ONNX_PARTS_H
#define ALGORITHMS_NAS_ONNX_PARTS_H

#include "algorithms/nas/model_space.h"
#include "algorithms/nas/protobuf.h"

/* Field numbers of a GraphProto (onnx.proto3). */
enum {
	GRAPH_NODE = 1,
	GRAPH_NAME = 2,
	GRAPH_INITIALIZER = 5,
	GRAPH_INPUT = 11,
	GRAPH_OUTPUT = 12,
	GRAPH_VALUE_INFO = 13
};
#define ONNX_NAME_ROOM                                                                             \
	4096 /* a name: LIMIT_MODEL_DEPTH times LIMIT_NAME, and what is made here                  \
	      */

struct onnx {
	const struct model_graph *graph;
	struct buffer nodes, inputs, values, initializers; /* parts of the GraphProto */
	struct buffer node, attributes, scratch;
	const struct model_node *at; /* what is being exported */
};

/* A name made here, "block/conv/_weight": no node has one, for theirs never begin with _. */
struct onnx_name {
	char text[ONNX_NAME_ROOM];
};

/* A list of names, up to a NULL. */
#define INPUTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The name of a part of the current node; answers out->text. */
const char *onnx_made(const struct onnx *onnx, const char *part, struct onnx_name *out);

/* A ValueInfoProto; batch: with the batch axis "N" in front. */
void onnx_write_value(struct buffer *out, unsigned field, const char *name,
	const struct shape *shape, bool batch);

/* Attributes of the next node. */
void onnx_attribute_int(struct onnx *onnx, const char *name, int64_t value);
void onnx_attribute_float(struct onnx *onnx, const char *name, double value);
void onnx_attribute_ints(struct onnx *onnx, const char *name, const double *values, size_t n);
/* One number of the type FLOAT, as the value that ConstantOfShape repeats. */
void onnx_attribute_fill(struct onnx *onnx, float value);

/* Adds a node, named after its output, with the attributes so far. */
void onnx_node_add(
	struct onnx *onnx, const char *type, const char *output, const char *const *inputs);

/* A weight of the current node: an input of the graph. Answers its name, out->text. */
const char *onnx_weight(
	struct onnx *onnx, const char *part, struct shape shape, struct onnx_name *out);
/* A number, and a list of integers, that are in the file; likewise. */
const char *onnx_number(struct onnx *onnx, const char *part, double value, struct onnx_name *out);
const char *onnx_integers(struct onnx *onnx, const char *part, const int64_t *values, size_t n,
	struct onnx_name *out);

#endif
