/* What the files of network_* share. */
#ifndef ALGORITHMS_PRUNING_NETWORK_INTERNAL_H
#define ALGORITHMS_PRUNING_NETWORK_INTERNAL_H

#include "algorithms/pruning/network.h"

/* The analysis of dependencies, and what it may still cost. */
struct network_walk {
	struct network *network;
	struct arena *arena;
	struct faults *faults;
	const struct path *at; /* the list of layers */
	struct error *err;
	size_t visits;	   /* left of LIMIT_CHANNEL_VISITS */
	uint32_t *roots;   /* per channel: an earlier one of the same unit, or itself */
	size_t n_channels; /* of all makers */
	uint32_t *part_of; /* per channel that is first of its unit */
};

/* Channels of a layer's output in order of position, a maker's channel at a time. */
struct network_cursor {
	const struct network *network;
	const struct network_layer *layer;
	size_t span;
	uint32_t within; /* of the span's channels */
};

/* Names and inputs: by_name, inputs, output. 0, CODE_INVALID with faults, or CODE_NO_MEMORY. */
int network_wire(struct network_walk *walk);

/* The shape that comes out of a layer whose inputs' shapes are known. False: faults below at. */
bool network_infer(const struct network *network, struct network_layer *layer,
	const struct path *at, struct faults *faults);

/* The steps after all shapes are known, in this order: spans and ties; parts, groups and shares;
 * balances. 0, CODE_INVALID with faults, or CODE_NO_MEMORY. */
int network_tie(struct network_walk *walk);
int network_group(struct network_walk *walk);

/* The first channel of a channel's unit. */
uint32_t network_root(uint32_t *roots, uint32_t channel);

/* Pays for n looks at channels. False: too many in all, and a fault was added for the layer. */
bool network_visit(struct network_walk *walk, size_t layer, size_t n);

/* The channel under the cursor and how many features it has there; false past the end. */
bool network_cursor_at(const struct network_cursor *cursor, uint32_t *channel, int64_t *block);
void network_cursor_next(struct network_cursor *cursor);

/* How many blocks, of more than one channel each, a layer cuts the channels of its input into; 1 if
 * it cuts nothing. outputs: the same of what it makes. */
uint32_t network_blocks(const struct network *network, size_t layer, bool outputs);

#endif
