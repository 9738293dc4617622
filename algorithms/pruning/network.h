/*
 * A network as pruning sees it: layers in the order of computation, their shapes, and which of
 * their channels stand or fall together. Sizes follow from counts of channels alone; no weight is
 * looked at.
 *
 * A layer that makes channels (Input, convolutions, Linear) is a maker. The output of any layer is
 * a list of spans, each all channels of one maker, times a block of features a channel (1 but after
 * Flatten, which makes height * width features of each). Element-wise layers tie the channels of
 * their inputs position by position, depthwise convolutions each input channel to its outputs. What
 * is tied is one unit: it is kept or removed as a whole, at once in every layer that has a share in
 * it. Units that the same makers have the same shares in form a dependency group. Grouped
 * convolutions and GroupNorm want as many channels in each of their blocks, so a group that they
 * cut consists of parts, one a block.
 *
 * Follows the channel and group dependencies of NNI 2.7
 * (nni.compression.pytorch.utils.shape_dependency) and DepGraph (Fang et al., CVPR 2023), at the
 * grain of single channels.
 */
#ifndef ALGORITHMS_PRUNING_NETWORK_H
#define ALGORITHMS_PRUNING_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/faults.h"

#define NETWORK_SPATIAL 3		      /* Conv3d */
#define NETWORK_RANK	(1 + NETWORK_SPATIAL) /* channels first, no batch */

/* size[0]: channels, or features where rank is 1. rank 0: unknown. */
struct network_shape {
	unsigned rank;
	int64_t size[NETWORK_RANK];
};

enum network_role {
	ROLE_INPUT,
	ROLE_CONVOLUTION,
	ROLE_TRANSPOSED,
	ROLE_LINEAR,
	ROLE_NORM,	 /* scale and shift a channel */
	ROLE_GROUP_NORM, /* ... and statistics a block of channels */
	ROLE_LAYER_NORM, /* scale and shift a value */
	ROLE_PRELU,
	ROLE_POOL,
	ROLE_ADAPTIVE,
	ROLE_PASS,
	ROLE_ELEMENTWISE,
	ROLE_CONCAT,
	ROLE_FLATTEN,
	ROLE_UPSAMPLE,
	ROLE_COUNT
};

#define TYPE_DEFAULT	1u /* one of NNI's op_types "default" (those with a weight) */
#define TYPE_NOT_AFFINE 2u /* affine is false unless said */

/* The names are PyTorch's classes, and Input, Add, Sub, Mul, Concat. */
struct network_type {
	const char *name;
	enum network_role role;
	unsigned rank; /* of input and output; 0: any */
	unsigned flags;
};

/* NULL: no such type. */
const struct network_type *network_type_find(const char *name);
extern const struct network_type network_types[]; /* ends with a NULL name */

/* As PyTorch has them; only those of the layer's role are looked at. */
struct network_options {
	int64_t in_channels, out_channels; /* in_features, num_features ...: 0 where not said */
	int64_t kernel[NETWORK_SPATIAL], stride[NETWORK_SPATIAL], padding[NETWORK_SPATIAL];
	int64_t dilation[NETWORK_SPATIAL], output_padding[NETWORK_SPATIAL];
	int64_t size[NETWORK_SPATIAL]; /* output_size of adaptive pooling, scale_factor */
	int64_t groups;		       /* of a convolution or GroupNorm */
	bool bias, affine, ceil_mode, same;
};

struct network_span {
	uint32_t maker; /* layer */
	int64_t block;	/* features a channel, >= 1 */
};

/* A maker's share in a part: so many of its channels belong to each unit. */
struct network_share {
	uint32_t part;
	uint32_t per_unit;
};

struct network_layer {
	const char *name;
	const struct network_type *type;
	const char *const *input_names; /* of earlier layers, in slot order; none: the one before */
	size_t n_inputs;
	struct network_options options;
	struct network_shape claimed; /* what the caller says comes out; rank 0: nothing said */
	bool output;		      /* its channels leave the network and stay */

	/* set by network_build (n_inputs, too, when it was 0) */
	const uint32_t *inputs; /* indexes */
	struct network_shape shape;
	const struct network_span *spans;
	size_t n_spans;
	uint32_t first;			    /* of a maker: number of its first channel */
	const struct network_share *shares; /* of a maker */
	size_t n_shares;
};

enum network_fixed { FIXED_NOT, FIXED_INPUT, FIXED_OUTPUT };

struct network_part {
	uint32_t group;
	uint32_t units;
};

struct network_group {
	uint32_t first_part, n_parts;
	uint32_t units; /* of all parts */
	enum network_fixed fixed;
	const uint32_t *makers; /* ascending */
	size_t n_makers;
};

/* Blocks that must keep as many channels each: block b holds per_unit channels of each unit of
 * part. Terms are in order of block. */
struct network_term {
	uint32_t block;
	struct network_share share;
};

struct network_balance {
	uint32_t layer;
	uint32_t n_blocks;
	const struct network_term *terms;
	size_t n_terms;
};

struct network {
	struct network_layer *layers;
	size_t n_layers;

	/* set by network_build */
	const uint32_t *by_name; /* all layers, sorted */
	struct network_part *parts;
	size_t n_parts;
	struct network_group *groups; /* in order of their first channel */
	size_t n_groups;
	struct network_balance *balances;
	size_t n_balances;
};

/*
 * Wires the layers up, infers shapes and dependencies. The caller has filled in layers, 1 to
 * LIMIT_NETWORK_LAYERS of them, with options within the bounds of core/limits.h. A layer that no
 * other takes is an output, besides those marked as such. Faults (a name used twice, an input that
 * is no earlier layer, shapes that do not fit ...) are reported below at, the path of the list of
 * layers. 0, CODE_INVALID or CODE_NO_MEMORY. The results live in arena.
 */
int network_build(struct network *network, const struct path *at, struct arena *arena,
	struct faults *faults, struct error *err);

/* By name, once built; -1: no such layer. */
int64_t network_find(const struct network *network, const char *name);

bool network_is_maker(const struct network_type *type);
bool network_is_depthwise(const struct network_layer *layer, int64_t in_channels);

/* ---- sizes ---- */

struct network_size {
	int64_t in_channels, out_channels; /* features where there are no channels; in: of the first
					      input, 0 of an Input */
	int64_t groups;			   /* of a convolution or GroupNorm, else 1 */
	struct network_shape shape;	   /* what comes out */
	uint64_t weights;		   /* entries of the weight tensor, without the bias */
	uint64_t parameters;		   /* weights and biases, scales and shifts */
	uint64_t macs; /* multiply-accumulates for one input, of convolutions and
			  Linear; FLOPs are twice as many */
};

/* channels[layer]: how many of the channels that the layer makes are left, when each part keeps
 * kept[part] of its units, 1 <= kept <= units; 0 for layers that make none. */
void network_channels(const struct network *network, const uint32_t *kept, int64_t *channels);

/* channels as above; NULL: all are there. */
void network_measure(const struct network *network, size_t layer, const int64_t *channels,
	struct network_size *out);

/* Of all layers. */
void network_total(const struct network *network, const int64_t *channels, uint64_t *parameters,
	uint64_t *macs);

/* Do the blocks of the balance keep the same number of channels? low, high: the least and the most
 * that one keeps. */
bool network_balanced(
	const struct network_balance *balance, const uint32_t *kept, int64_t *low, int64_t *high);

#endif
