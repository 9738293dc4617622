/*
 * What the files of the model space share. Reading goes in steps: the graphs as they are declared
 * (model_read.c), written out into elements with their dimensions (model_expand.c and the files of
 * single mutators), the search space of the dimensions (model_dimension.c), expressions over it
 * (model_value.c), samples (model_freeze.c).
 */
#ifndef ALGORITHMS_NAS_MODEL_INTERNAL_H
#define ALGORITHMS_NAS_MODEL_INTERNAL_H

#include "algorithms/nas/model_space.h"
#include "core/constraint.h"
#include "core/json.h"

#define GRAPH_INPUTS (-1) /* as the node of a source: the graph's own inputs */
#define ABSENT	     (-1) /* a tensor that is not there: of an empty choice */

/* An output of a node. */
struct source {
	int node;
	size_t slot;
};

/* A node as declared, and what goes into it. */
struct node_draft {
	const char *name;
	json_t *json;
	size_t n_inputs;
	struct source *inputs;
};

struct graph_draft {
	const char *name; /* NULL: the main graph */
	const struct path *at;
	size_t n_inputs, n, n_outputs;
	struct node_draft *nodes;
	struct source *outputs;
	size_t *order; /* inputs before users */
	bool broken;
};

/* ---- elements: every node of every block and candidate ---- */

enum element_kind {
	ELEMENT_OP,
	ELEMENT_GRAPH,
	ELEMENT_LAYER,
	ELEMENT_INPUT,
	ELEMENT_REPEAT,
	ELEMENT_CELL
};
enum reduction { REDUCE_SUM, REDUCE_MEAN, REDUCE_CONCAT, REDUCE_NONE };
enum value_kind { VALUE_CONSTANT, VALUE_CHOICE, VALUE_EXPRESSION };

struct model_value {
	enum value_kind kind;
	struct attribute_value constant;
	int dimension;			       /* VALUE_CHOICE */
	const struct attribute_value *options; /* of its values */
	const char *text;		       /* VALUE_EXPRESSION */
	const struct space_constraint *expression;
	const struct path *at;
};

struct element {
	enum element_kind kind;
	const char *name;
	const struct path *at;
	size_t n_inputs, n_outputs;
	const struct operation *op; /* OP */
	struct model_value *values;
	const struct graph_draft *graph; /* GRAPH: how the children, in its order, are wired */
	size_t n_children;
	struct element **children; /* nodes, candidates, blocks; CELL: ops by node, op, candidate */
	int dimension;		   /* LAYER; INPUT; REPEAT; -1: none */
	size_t low;		   /* REPEAT: least depth */
	int *dimensions;	   /* INPUT with replacement: n_chosen; CELL: op, input of each */
	size_t n_chosen;	   /* INPUT; 0: any subset */
	bool replacement;	   /* INPUT */
	enum reduction reduction;
	size_t n_nodes, n_ops, n_candidates, axis; /* CELL */
	bool loose;
};

/* ---- dimensions ---- */

enum dimension_kind {
	DIMENSION_LAYER,
	DIMENSION_INPUT,
	DIMENSION_VALUE,
	DIMENSION_DEPTH,
	DIMENSION_KINDS
};

/* Active where a parent takes one of some values; the ones around the parent are implied. */
struct context {
	const struct context *up;
	int dimension;
	size_t first, last; /* values: a range suffices for a candidate or a depth */
};

struct dimension {
	enum dimension_kind kind;
	const char *label;
	size_t n_values;
	const char *const *options; /* JSON texts; NULL: depths from low on, or subsets */
	size_t low;
	size_t n_candidates, n_chosen; /* INPUT of several */
	int parent;		       /* -1: always active */
	bool *active_for;	       /* values of the parent */
	const struct context *context; /* where it was met first, as far as it still counts */
	size_t n_uses;
	int parameter; /* of the space */
};

struct model_space {
	struct element *root;
	struct arena *arena;
	size_t n_inputs;
	const char *const *input_names;
	const struct shape *input_shapes;
	size_t n_dimensions;
	struct dimension *dimensions;
	const struct model_dimension *listing;
	const struct space *space;
	const char *json;
	size_t n_elements, work; /* work: of freezing, in nodes */
	bool merge;
};

/* Where the walk that writes out stands. */
struct scope {
	const struct scope *up;
	const char *name; /* of the element, "" at the root */
	const struct context *context;
	const struct graph_draft *graph; /* of the nearest Subgraph */
	int index;			 /* of the innermost block; -1: none */
	size_t depth;
};

struct model_reader {
	struct arena *arena;
	struct faults *faults;
	struct error *err;
	struct buffer text; /* scratch */
	json_t *document;
	struct model_space *model;
	size_t n_graphs;
	struct graph_draft *graphs; /* 0: the main graph */
	size_t room_dimensions, n_values, room_values;
	struct model_value **values; /* the expressions, to be compiled */
	size_t n_options;	     /* written out so far */
	bool full;		     /* a bound of what is written out was met and reported */
};

/* A step answers 0 or CODE_NO_MEMORY; faults say what is wrong with the document. */
int model_no_memory(struct model_reader *reader);
const struct path *path_keep(struct model_reader *reader, const struct path *up, const char *name,
	size_t index); /* NULL: no memory */
const char *json_keep(struct model_reader *reader, const json_t *value);
/* Faults for members that are not among names (NULL at the end). */
void members_check(struct model_reader *reader, const struct path *at, json_t *object,
	const char *const *names);
/* An optional integer member; false: a fault was added. */
bool member_integer(struct model_reader *reader, const struct path *at, json_t *object,
	const char *name, size_t low, size_t high, size_t *out);
/* An optional member that is one of words (NULL at the end): its index. */
bool member_word(struct model_reader *reader, const struct path *at, json_t *object,
	const char *name, const char *const *words, size_t *out);

/* A fault unless the name may stand in a path. */
bool name_check(struct model_reader *reader, const struct path *at, const char *name);

/* model_read.c: inputs, graphs, edges, cycles. */
int graphs_read(struct model_reader *reader);

/* model_expand.c. *out NULL: faults were added. at: where json stands; n_inputs: edges into it. */
int element_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out);
int root_expand(struct model_reader *reader);
/* *out NULL: the bound on elements was met, and reported. */
int element_new(struct model_reader *reader, enum element_kind kind, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out);
/* Counts n options of a mutator against LIMIT_MODEL_OPTIONS; false: they are too many, reported. */
bool options_take(struct model_reader *reader, size_t n, const struct path *at);
/* None of its children had faults. */
bool children_complete(const struct element *element);
/* One level deeper, with name behind up's. CODE_INVALID: too deep, reported. */
int scope_enter(struct model_reader *reader, const struct scope *up, const char *name,
	struct scope *out, const struct path *at);
/* Nodes that are alternatives or operators of a cell: a list, or an object whose names are the
 * options. CODE_INVALID: their number is wrong, reported. */
int candidates_count(struct model_reader *reader, json_t *json, const struct path *at, size_t *n);
int candidate_read(struct model_reader *reader, json_t *json, const struct path *at, size_t k,
	const struct scope *scope, int dimension, size_t n_inputs, struct element **out);
/* Each one's JSON text as an option. */
int candidate_names(struct model_reader *reader, json_t *json, size_t n, const char *const **out);

/* model_mutator.c: the readers of single types. */
int layer_choice_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out);
int input_choice_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out);
int repeat_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out);
int cell_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out);

/* model_value.c */
int values_read(struct model_reader *reader, const struct operation *op, json_t *parameters,
	const struct path *at, const struct scope *scope, struct model_value **out);
int expressions_compile(struct model_reader *reader);
/* The value in a sample; false: message says why there is none. */
bool value_take(const struct model_space *model, const struct model_value *value,
	const struct op_attribute *attribute, const double *x, struct attribute_value *out,
	char message[FAULT_MESSAGE_MAX]);

/* model_dimension.c. The label of json, with {i} replaced, or the scope's own name and suffix
 * (NULL: none). *out NULL: faults were added. */
int label_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, const char *suffix, const char **out);
/* text with the index for each {i}. *out NULL: there is no index here, reported. */
int index_replace(struct model_reader *reader, const char *text, int index, const struct path *at,
	const char **out);
/* Finds or makes the dimension of wanted's label; -1 after a fault. */
int dimension_use(struct model_reader *reader, const struct dimension *wanted,
	const struct path *at, const struct context *context, int *out);
int dimensions_build(struct model_reader *reader, const char *constraints_json);
/* The value's index, 0 .. n_values-1; the dimension must be active. */
size_t dimension_value(const struct model_space *model, int dimension, const double *x);

/* model_freeze.c. A sample that does not fit: where and why. */
struct misfit {
	const struct path *at;
	char message[FAULT_MESSAGE_MAX];
};

/* The nodes of one sample in the making. Nodes whose inputs do not fit stay: what no output needs
 * does no harm. */
struct net {
	struct arena *arena;
	size_t n, room, n_inputs;
	struct model_node *nodes;
	const struct misfit **misfits; /* per node */
	bool *bad;		       /* per node: has a misfit, or an input that is bad */
	int *newest; /* per node, shifted by one: its newest user by first input */
	int *older;  /* per node: the user before of the same first input */
};

/* 0, CODE_INVALID (see misfit) or CODE_NO_MEMORY. */
int freeze(const struct model_space *model, const double *x, struct arena *arena,
	const struct model_graph **out, struct misfit *misfit);

/* model_net.c: adds an operation, unless it comes to something simpler. *out: the node, or ABSENT.
 * at, name: of the element. 0 or CODE_NO_MEMORY. */
int net_add(struct net *net, const struct operation *op, const struct attribute_value *attributes,
	const int *inputs, size_t n_inputs, const struct path *at, const char *name, int *out);
int net_input(struct net *net, const struct shape *shape, const char *name);
int net_misfit(
	struct net *net, const struct path *at, const char *message, const char *name, int *out);

/* model_key.c: the nodes that outputs need, and their key. 0 or CODE_NO_MEMORY. */
int net_finish(struct net *net, const int *outputs, size_t n_outputs, struct model_graph **out);

/* model_check.c: faults for samples that do not fit. */
int samples_check(struct model_reader *reader);

#endif
