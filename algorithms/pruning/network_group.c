/* Units into parts and groups, and the blocks that must be balanced. */
#include <stdlib.h>

#include "algorithms/pruning/network_internal.h"
#include "core/hash.h"
#include "core/limits.h"

#define TERM_VISITS 8 /* what a channel of a cut costs: it may become a term */

/* What a unit is made of. Channels are looked at in order, so equal sets give equal keys. */
struct unit {
	struct key128 makers; /* the group: whose channels */
	struct key128 blocks; /* the part: in which blocks */
	uint32_t root;
};

/* Units of one part: a run of the sorted units. */
struct run {
	uint32_t group;			  /* the first run of the same group */
	uint32_t group_first, part_first; /* the least root of each */
	uint32_t start, units;
};

uint32_t network_blocks(const struct network *network, size_t index, bool outputs)
{
	const struct network_layer *layer = &network->layers[index];
	enum network_role role = layer->type->role;
	bool convolves = role == ROLE_CONVOLUTION || role == ROLE_TRANSPOSED;

	if (!convolves && role != ROLE_GROUP_NORM)
		return 1;
	int64_t in = network->layers[layer->inputs[0]].shape.size[0],
		groups = layer->options.groups;
	/* As many groups as channels: they go with their channels. */
	if (groups == in || (outputs && role == ROLE_GROUP_NORM))
		return 1;
	return (uint32_t)groups;
}

static int key_compare(const struct key128 *a, const struct key128 *b)
{
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	return a->low < b->low ? -1 : a->low > b->low;
}

static int unit_compare(const void *a, const void *b)
{
	const struct unit *left = a, *right = b;
	int order = key_compare(&left->makers, &right->makers);

	if (!order)
		order = key_compare(&left->blocks, &right->blocks);
	return order ? order : left->root < right->root ? -1 : left->root > right->root;
}

static int run_compare(const void *a, const void *b)
{
	const struct run *left = a, *right = b;

	if (left->group_first != right->group_first)
		return left->group_first < right->group_first ? -1 : 1;
	return left->part_first < right->part_first ? -1 : left->part_first > right->part_first;
}

/* Where a layer's cut channels stand: those it takes, or those it makes. */
static struct network_cursor cut_begin(const struct network *network, size_t layer, bool outputs)
{
	size_t source = outputs ? layer : network->layers[layer].inputs[0];

	return (struct network_cursor){ network, &network->layers[source], 0, 0 };
}

/* Mixes layer, side and block into the units that a cut runs through. */
static bool mark_blocks(struct network_walk *walk, struct unit *units, size_t layer, bool outputs)
{
	struct network *network = walk->network;
	struct path here = { walk->at, NULL, layer };
	uint32_t n_blocks = network_blocks(network, layer, outputs), channel;
	int64_t block;

	if (n_blocks == 1)
		return true;
	struct network_cursor cursor = cut_begin(network, layer, outputs);
	int64_t size = cursor.layer->shape.size[0] / n_blocks;
	for (int64_t at = 0; network_cursor_at(&cursor, &channel, &block); at++) {
		struct key128 *key = &units[network_root(walk->roots, channel)].blocks;
		if (block > 1) {
			fault_add(walk->faults, &here,
				"cannot cut channels that a Flatten has "
				"made several features of");
			return false;
		}
		if (!network_visit(walk, layer, TERM_VISITS))
			return false;
		key_mix(key, 2 * layer + outputs);
		key_mix(key, (uint64_t)(at / size));
		network_cursor_next(&cursor);
	}
	return true;
}

/* Units in order of their first channel, the rest of the array unused. */
static struct unit *describe_units(struct network_walk *walk, size_t *n_units)
{
	struct network *network = walk->network;
	struct unit *units = arena_array(walk->arena, walk->n_channels, sizeof(*units));

	if (!units) {
		fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
		return NULL;
	}
	for (size_t i = 0; i < network->n_layers; i++) {
		const struct network_layer *layer = &network->layers[i];
		int64_t n = network_is_maker(layer->type) ? layer->shape.size[0] : 0;
		for (uint32_t c = layer->first; c < layer->first + n; c++)
			key_mix(&units[network_root(walk->roots, c)].makers, i + 1);
	}
	for (size_t i = 0; i < network->n_layers; i++)
		if (!mark_blocks(walk, units, i, false) || !mark_blocks(walk, units, i, true))
			return NULL;
	*n_units = 0;
	for (uint32_t c = 0; c < walk->n_channels; c++) {
		if (walk->roots[c] != c)
			continue;
		units[*n_units] = units[c];
		units[(*n_units)++].root = c;
	}
	return units;
}

/* Runs of equal units, a group's side by side; sorts the units. */
static struct run *find_runs(
	struct network_walk *walk, struct unit *units, size_t n_units, size_t *n_runs)
{
	struct run *runs = arena_array(walk->arena, n_units, sizeof(*runs));
	uint32_t n = 0, group = 0;

	if (!runs) {
		fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
		return NULL;
	}
	qsort(units, n_units, sizeof(*units), unit_compare);
	for (size_t i = 0; i < n_units; i++) {
		bool same = i && key_equal(&units[i].makers, &units[i - 1].makers);
		if (same && key_equal(&units[i].blocks, &units[i - 1].blocks)) {
			runs[n - 1].units++;
			continue;
		}
		group = same ? group : n;
		runs[n++] = (struct run){ group, units[i].root, units[i].root, (uint32_t)i, 1 };
		if (units[i].root < runs[group].group_first)
			runs[group].group_first = units[i].root;
	}
	for (uint32_t i = 0; i < n; i++)
		runs[i].group_first = runs[runs[i].group].group_first;
	qsort(runs, n, sizeof(*runs), run_compare);
	*n_runs = n;
	return runs;
}

/* Parts and groups in order of their first channel. */
static int number_parts(
	struct network_walk *walk, const struct unit *units, const struct run *runs, size_t n_runs)
{
	struct network *network = walk->network;

	network->parts = arena_array(walk->arena, n_runs, sizeof(*network->parts));
	network->groups = arena_array(walk->arena, n_runs, sizeof(*network->groups));
	walk->part_of = arena_array(walk->arena, walk->n_channels, sizeof(*walk->part_of));
	if (!network->parts || !network->groups || !walk->part_of)
		return fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	network->n_parts = n_runs;
	for (uint32_t i = 0; i < n_runs; i++) {
		if (i == 0 || runs[i].group_first != runs[i - 1].group_first)
			network->groups[network->n_groups++].first_part = i;
		struct network_group *group = &network->groups[network->n_groups - 1];
		group->n_parts++;
		group->units += runs[i].units;
		network->parts[i] =
			(struct network_part){ (uint32_t)network->n_groups - 1, runs[i].units };
		for (uint32_t k = 0; k < runs[i].units; k++)
			walk->part_of[units[runs[i].start + k].root] = i;
	}
	return 0;
}

/* ---- shares ---- */

static uint32_t part_of(struct network_walk *walk, uint32_t channel)
{
	return walk->part_of[network_root(walk->roots, channel)];
}

/* Turns channels a part into channels a unit. False: a fault. Equal keys of unlike units, which
 * nobody meets by chance, are found here. */
static bool share_evenly(struct network_walk *walk, size_t layer, struct network_share *share)
{
	uint32_t units = walk->network->parts[share->part].units;
	struct path here = { walk->at, NULL, layer };

	if (share->per_unit % units) {
		fault_add(walk->faults, &here, "its dependencies cannot be told apart");
		return false;
	}
	share->per_unit /= units;
	return true;
}

/* tally: a number for each part, all 0 before and after. */
static int share_maker(struct network_walk *walk, size_t index, uint32_t *tally)
{
	struct network_layer *layer = &walk->network->layers[index];
	uint32_t n = (uint32_t)layer->shape.size[0];
	size_t n_shares = 0, at = 0;

	for (uint32_t c = layer->first; c < layer->first + n; c++)
		n_shares += tally[part_of(walk, c)]++ == 0;
	struct network_share *shares = arena_array(walk->arena, n_shares, sizeof(*shares));
	if (!shares)
		return fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	for (uint32_t c = layer->first; c < layer->first + n; c++) {
		uint32_t part = part_of(walk, c);
		if (!tally[part])
			continue;
		shares[at++] = (struct network_share){ part, tally[part] };
		tally[part] = 0;
	}
	layer->shares = shares;
	layer->n_shares = n_shares;
	for (size_t i = 0; i < n_shares; i++)
		if (!share_evenly(walk, index, &shares[i]))
			return CODE_INVALID;
	return 0;
}

/* ---- groups ---- */

/* Visits each group of a maker once: last[group] is the maker that was there last, plus 1. */
static int list_makers(struct network_walk *walk)
{
	struct network *network = walk->network;
	uint32_t *last = arena_array(walk->arena, network->n_groups, sizeof(*last));

	/* First how many, then which. */
	for (int pass = 0; last && pass < 2; pass++) {
		for (size_t g = 0; g < network->n_groups; g++) {
			struct network_group *group = &network->groups[g];
			last[g] = 0;
			if (pass == 0)
				continue;
			group->makers =
				arena_array(walk->arena, group->n_makers, sizeof(*group->makers));
			if (!group->makers)
				return fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
			group->n_makers = 0;
		}
		for (uint32_t i = 0; i < network->n_layers; i++) {
			const struct network_layer *layer = &network->layers[i];
			for (size_t k = 0; k < layer->n_shares; k++) {
				uint32_t g = network->parts[layer->shares[k].part].group;
				struct network_group *group = &network->groups[g];
				if (last[g] == i + 1)
					continue;
				last[g] = i + 1;
				if (pass)
					((uint32_t *)(uintptr_t)group->makers)[group->n_makers] = i;
				group->n_makers++;
			}
		}
	}
	return last ? 0 : fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
}

static void fix_groups(struct network *network)
{
	for (size_t i = 0; i < network->n_layers; i++) {
		const struct network_layer *layer = &network->layers[i];
		for (size_t s = 0; layer->output && s < layer->n_spans; s++) {
			const struct network_layer *maker = &network->layers[layer->spans[s].maker];
			for (size_t k = 0; k < maker->n_shares; k++) {
				uint32_t part = maker->shares[k].part;
				network->groups[network->parts[part].group].fixed = FIXED_OUTPUT;
			}
		}
	}
	for (size_t i = 0; i < network->n_layers; i++) {
		const struct network_layer *layer = &network->layers[i];
		for (size_t k = 0; layer->type->role == ROLE_INPUT && k < layer->n_shares; k++) {
			uint32_t part = layer->shares[k].part;
			network->groups[network->parts[part].group].fixed = FIXED_INPUT;
		}
	}
}

/* ---- balances ---- */

/* The terms of one side; those of a block with the same part are one. tally as above. */
static int balance_add(struct network_walk *walk, size_t layer, bool outputs, uint32_t *tally,
	struct network_balance *balance)
{
	struct network *network = walk->network;
	uint32_t n_blocks = network_blocks(network, layer, outputs), channel;
	struct network_cursor cursor = cut_begin(network, layer, outputs);
	uint32_t size = (uint32_t)cursor.layer->shape.size[0] / n_blocks;
	struct network_term *terms =
		arena_array(walk->arena, (size_t)n_blocks * size, sizeof(*terms));
	size_t n = 0, start = 0;
	int64_t block;

	if (!terms)
		return fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	for (uint32_t at = 0; network_cursor_at(&cursor, &channel, &block); at++) {
		uint32_t part = part_of(walk, channel);
		if (tally[part]++ == 0)
			terms[n++] = (struct network_term){ at / size, { part, 0 } };
		network_cursor_next(&cursor);
		if ((at + 1) % size)
			continue;
		for (; start < n; start++) {
			struct network_share *share = &terms[start].share;
			share->per_unit = tally[share->part];
			tally[share->part] = 0;
			if (!share_evenly(walk, layer, share))
				return CODE_INVALID;
		}
	}
	*balance = (struct network_balance){ (uint32_t)layer, n_blocks, terms, n };
	return 0;
}

static int find_balances(struct network_walk *walk, uint32_t *tally)
{
	struct network *network = walk->network;
	size_t n = 0;

	for (size_t i = 0; i < network->n_layers; i++)
		for (int outputs = 0; outputs < 2; outputs++)
			n += network_blocks(network, i, outputs) > 1;
	if (n == 0)
		return 0;
	network->balances = arena_array(walk->arena, n, sizeof(*network->balances));
	if (!network->balances)
		return fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	for (size_t i = 0; i < network->n_layers; i++) {
		for (int outputs = 0; outputs < 2; outputs++) {
			if (network_blocks(network, i, outputs) == 1)
				continue;
			int rc = balance_add(
				walk, i, outputs, tally, &network->balances[network->n_balances++]);
			if (rc)
				return rc;
		}
	}
	return 0;
}

int network_group(struct network_walk *walk)
{
	struct network *network = walk->network;
	size_t n_units, n_runs, before = walk->faults->n;
	struct unit *units = describe_units(walk, &n_units);

	if (!units)
		return walk->faults->n > before ? CODE_INVALID : CODE_NO_MEMORY;
	struct run *runs = find_runs(walk, units, n_units, &n_runs);
	if (!runs)
		return CODE_NO_MEMORY;
	int rc = number_parts(walk, units, runs, n_runs);
	uint32_t *tally = rc ? NULL : arena_array(walk->arena, n_runs, sizeof(*tally));
	if (!rc && !tally)
		rc = fail(walk->err, CODE_NO_MEMORY, "no memory for the network");
	for (size_t i = 0; !rc && i < network->n_layers; i++)
		if (network_is_maker(network->layers[i].type))
			rc = share_maker(walk, i, tally);
	if (!rc)
		rc = list_makers(walk);
	if (!rc)
		rc = find_balances(walk, tally);
	if (!rc)
		fix_groups(network);
	return rc;
}
