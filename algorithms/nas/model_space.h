/*
 * Model spaces: a base model as a data-flow graph whose nodes may be mutators, and the search
 * space that they span (shared design: algorithms.md B.1, nni-features.md 7).
 *
 *   { "inputs":  {"image": [1, 28, 28]},            shapes without the batch axis
 *     "nodes":   {"conv": {"type": "Conv2d", "parameters": {"out_channels": 16, ...}}, ...},
 *     "edges":   [{"from": "_inputs", "to": "conv"}, {"from": "conv", "to": "_outputs"}],
 *     "graphs":  {"block": {"inputs": 1, "nodes": {...}, "edges": [...]}},
 *     "merge_isomorphic": true }
 *
 * An edge's end is a node's name or [name, slot]; without a slot, "from" means output 0 and "to"
 * the next free input. Types of nodes, beside the operations of model_op.h:
 *   Subgraph     {graph}: a graph of "graphs" in this place
 *   LayerChoice  {candidates: list or object of nodes, label}: one of them
 *   InputChoice  {n_chosen, replacement, reduction: sum|mean|concat|none, label}: some of its
 *                inputs; n_chosen null: any subset, the empty one too
 *   Repeat       {block | blocks, depth: [low, high] or a number, label}: the first blocks in a row
 *   Cell         {candidates, nodes, ops_per_node, merge: all|loose_end, concat_axis, label}
 * A parameter is a value, {"type": "ValueChoice", "values": [...], "label": ...}, or
 * {"expression": "hidden * 2"} over the labels of value choices and depths. In labels and
 * expressions {i} is the index of the innermost Repeat's block. Mutators of one label share one
 * value, so they are one dimension.
 *
 * A sample is a point of the search space; freezing it gives a concrete graph: what is not chosen
 * is gone, what no output needs is removed, equal steps without weights are one. Two samples that
 * give isomorphic graphs have one key, and so are one point to every tuner, unless the space says
 * "merge_isomorphic": false.
 *
 * Everything lives in the arena it was parsed into and is immutable afterwards.
 */
#ifndef ALGORITHMS_NAS_MODEL_SPACE_H
#define ALGORITHMS_NAS_MODEL_SPACE_H

#include "algorithms/nas/model_op.h"
#include "core/space.h"

struct model_space;

/* Reads a space from JSON; pointers begin with /model_space. constraints_json: parameter
 * constraints over the labels; NULL: none. Besides all declarations it freezes samples - every
 * single change of the default, then random ones, within a budget - and reports what does not fit
 * together in them. 0, CODE_INVALID (see faults), CODE_NO_MEMORY. */
int model_space_parse(const char *json, const char *constraints_json, struct arena *arena,
	const struct model_space **out, struct faults *faults, struct error *err);

/* The same for struct catalog: with the points at once. */
int model_space_read(const char *json, const char *constraints_json, struct arena *arena,
	const struct model_space **out, const struct space **points, const char **points_json,
	struct faults *faults, struct error *err);

/* What tuners search; space_key of it is by graph. */
const struct space *model_space_points(const struct model_space *model);
/* Its JSON, as POST /v1/experiments takes it. */
const char *model_space_json(const struct model_space *model);

/* One mutable. */
struct model_dimension {
	const char *label;
	const char *mutator; /* "LayerChoice" ... */
	uint64_t n_values;
	size_t n_uses; /* places that share it */
};
size_t model_space_dimensions(const struct model_space *model, const struct model_dimension **out);

/* ---- samples ---- */

struct model_node {
	const struct operation *op;
	const struct attribute_value *attributes; /* as many as op_n_attributes */
	size_t n_inputs;
	const int *inputs; /* nodes before this one */
	struct shape shape;
	double parameters, flops;
	const char *name; /* where it came from: "block/0/conv"; unique */
};

/* Nodes in an order in which inputs come first; the inputs themselves are nodes 0 .. n_inputs-1. */
struct model_graph {
	size_t n, n_inputs, n_outputs;
	const struct model_node *nodes;
	const int *outputs;
	double parameters, flops;
	struct key128 key; /* equal for isomorphic graphs */
};

/* The graph of a valid point. CODE_INVALID: its parts do not fit together (err says which and
 * why). */
int model_freeze(const struct model_space *model, const double *x, struct arena *arena,
	const struct model_graph **out, struct error *err);

/* As JSON in the format above with a "summary" beside it: {"model": {...}, "summary": {"hash",
 * "parameters", "flops", "nodes": {name: {"shape", "parameters", "flops"}}}}. */
void model_graph_write(const struct model_graph *graph, struct buffer *out);
/* As Graphviz. */
void model_graph_dot(const struct model_graph *graph, struct buffer *out);
/* As ONNX (IR version 8, operator set 17), the batch axis "N". Weights are inputs of its graph. */
void model_graph_onnx(const struct model_graph *graph, struct buffer *out);
/* 32 hexadecimal digits and NUL. */
void model_key_text(const struct key128 *key, char out[33]);

/* ---- how many, how large ---- */

/* Samples: points of the search space before constraints, as decimal digits. 0 or
 * CODE_NO_MEMORY. */
int model_space_count(const struct model_space *model, struct buffer *out, struct error *err);

struct model_range {
	double low, high;
};

struct model_measure {
	bool complete;	   /* every sample was frozen; else a fixed number of random ones */
	uint64_t seen;	   /* samples that were frozen and fit */
	uint64_t distinct; /* different graphs among them */
	struct model_range parameters, flops;
};

/* Freezes all samples if their number is at most budget, else that many random ones. */
int model_space_measure(const struct model_space *model, uint64_t budget, struct model_measure *out,
	struct error *err);
/* A budget that takes a second or so. */
uint64_t model_space_budget(const struct model_space *model);

#endif
