#include "algorithms/pruning/plan.h"

#include <math.h>
#include <string.h>

#include "core/text.h"

#define LIFT_ROUNDS 16 /* one is enough unless groups reach into several layers' blocks */

int plan_init(
	struct plan *plan, const struct network *network, struct arena *arena, struct error *err)
{
	plan->asked = arena_array(arena, network->n_groups, sizeof(*plan->asked));
	plan->kept = arena_array(arena, network->n_parts, sizeof(*plan->kept));
	plan->channels = arena_array(arena, network->n_layers, sizeof(*plan->channels));
	plan->removed = arena_array(arena, network->n_layers, sizeof(*plan->removed));
	if (!plan->asked || !plan->kept || !plan->channels || !plan->removed)
		return fail(err, CODE_NO_MEMORY, "no memory for the plan");
	plan_clear(plan, network);
	return 0;
}

void plan_clear(struct plan *plan, const struct network *network)
{
	for (size_t i = 0; i < network->n_groups; i++)
		plan->asked[i] = (double)NAN;
	for (size_t i = 0; i < network->n_parts; i++)
		plan->kept[i] = network->parts[i].units;
	memset(plan->removed, 0, network->n_layers * sizeof(*plan->removed));
	network_channels(network, plan->kept, plan->channels);
}

uint32_t plan_group_kept(const struct plan *plan, const struct network_group *group)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < group->n_parts; i++)
		n += plan->kept[group->first_part + i];
	return n;
}

/* floor(s n), as NNI's int(s * n); never more than there are. */
static uint64_t removed_of(uint64_t n, double sparsity)
{
	double removed = floor(sparsity * (double)n);

	return removed >= (double)n ? n : (uint64_t)removed;
}

/* ---- balance ---- */

static int64_t block_kept(
	const struct plan *plan, const struct network_balance *balance, size_t start, size_t *end)
{
	int64_t n = 0;

	for (*end = start; *end < balance->n_terms &&
			   balance->terms[*end].block == balance->terms[start].block;
		(*end)++)
		n += (int64_t)plan->kept[balance->terms[*end].share.part] *
		     balance->terms[*end].share.per_unit;
	return n;
}

/* Gives units back to the blocks that keep fewer than the fullest one. */
static void lift(struct plan *plan, const struct network *network,
	const struct network_balance *balance, int64_t full)
{
	for (size_t start = 0, end; start < balance->n_terms; start = end) {
		int64_t lacks = full - block_kept(plan, balance, start, &end);
		for (size_t i = start; i < end && lacks > 0; i++) {
			const struct network_share *share = &balance->terms[i].share;
			int64_t room = network->parts[share->part].units - plan->kept[share->part];
			int64_t more = (lacks + share->per_unit - 1) / share->per_unit;
			more = more < room ? more : room;
			plan->kept[share->part] += (uint32_t)more;
			lacks -= more * share->per_unit;
		}
	}
}

static void keep_all(
	struct plan *plan, const struct network *network, const struct network_balance *balance)
{
	for (size_t i = 0; i < balance->n_terms; i++) {
		uint32_t part = balance->terms[i].share.part;
		plan->kept[part] = network->parts[part].units;
	}
}

/* Blocks of unlike groups may come out uneven: units are given back until they do not. What does
 * not settle soon stays whole, which is always even. */
static void even_out(struct plan *plan, const struct network *network)
{
	int64_t low, high;

	for (size_t round = 0; round < LIFT_ROUNDS; round++) {
		bool even = true;
		for (size_t i = 0; i < network->n_balances; i++) {
			if (network_balanced(&network->balances[i], plan->kept, &low, &high))
				continue;
			lift(plan, network, &network->balances[i], high);
			even = false;
		}
		if (even)
			return;
	}
	for (size_t i = 0; i < network->n_balances; i++)
		keep_all(plan, network, &network->balances[i]);
}

/* ---- from sparsities ---- */

/* What is asked of the channels that each layer makes; NaN: they follow others. */
static void ask_makers(const struct network *network, const struct pruner *pruner,
	const double *targets, double *asked)
{
	for (size_t i = 0; i < network->n_layers; i++) {
		const struct network_layer *layer = &network->layers[i];
		bool follows = !network_is_maker(layer->type) || layer->type->role == ROLE_INPUT ||
			       network_is_depthwise(
				       layer, network->layers[layer->inputs[0]].shape.size[0]);
		asked[i] = follows ? (double)NAN : 0;
		if (!pruner->norms && pruner_scores(pruner, layer) && !isnan(targets[i]))
			asked[i] = targets[i];
	}
	if (!pruner->norms)
		return;
	/* A scale stands for the channels that come to it; of several the least counts. */
	for (size_t i = 0; i < network->n_layers; i++) {
		const struct network_layer *layer = &network->layers[i];
		if (!pruner_scores(pruner, layer))
			continue;
		for (size_t s = 0; s < layer->n_spans; s++)
			asked[layer->spans[s].maker] = INFINITY;
	}
	for (size_t i = 0; i < network->n_layers; i++) {
		const struct network_layer *layer = &network->layers[i];
		if (!pruner_scores(pruner, layer))
			continue;
		for (size_t s = 0; s < layer->n_spans; s++) {
			double *maker = &asked[layer->spans[s].maker];
			*maker = fmin(*maker, isnan(targets[i]) ? 0 : targets[i]);
		}
	}
}

static void ask_groups(struct plan *plan, const struct network *network, const double *makers)
{
	for (size_t g = 0; g < network->n_groups; g++) {
		const struct network_group *group = &network->groups[g];
		double least = INFINITY;
		for (size_t i = 0; i < group->n_makers; i++)
			least = fmin(least, makers[group->makers[i]]); /* fmin passes NaN over */
		if (!group->fixed && least > 0 && !isinf(least))
			plan->asked[g] = least;
	}
}

static int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static void keep_group(struct plan *plan, const struct network *network, size_t index,
	const struct plan_bounds *bounds)
{
	const struct network_group *group = &network->groups[index];
	/* The parts share the multiple: two parts of 4 make an 8. */
	int64_t step = bounds->round_to / gcd(bounds->round_to, group->n_parts);
	int64_t least = (bounds->min_keep + group->n_parts - 1) / group->n_parts;

	for (uint32_t i = 0; i < group->n_parts; i++) {
		int64_t units = network->parts[group->first_part + i].units;
		int64_t kept = units - (int64_t)removed_of((uint64_t)units, plan->asked[index]);
		kept = kept < least ? least : kept;
		kept = (kept + step - 1) / step * step;
		plan->kept[group->first_part + i] = (uint32_t)(kept < units ? kept : units);
	}
}

static void remove_weights(struct plan *plan, const struct network *network,
	const struct pruner *pruner, const double *targets)
{
	struct network_size size;

	for (size_t i = 0; i < network->n_layers; i++) {
		if (isnan(targets[i]) || !pruner_scores(pruner, &network->layers[i]))
			continue;
		network_measure(network, i, NULL, &size);
		plan->removed[i] = removed_of(size.weights, targets[i]);
	}
}

int plan_sparsity(struct plan *plan, const struct network *network, const struct pruner *pruner,
	const double *targets, const struct plan_bounds *bounds, struct arena *arena,
	struct error *err)
{
	if (pruner->by_weight) {
		remove_weights(plan, network, pruner, targets);
		return 0;
	}
	double *makers = arena_array(arena, network->n_layers, sizeof(*makers));
	if (!makers)
		return fail(err, CODE_NO_MEMORY, "no memory for the plan");
	ask_makers(network, pruner, targets, makers);
	ask_groups(plan, network, makers);
	for (size_t g = 0; g < network->n_groups; g++)
		if (!isnan(plan->asked[g]))
			keep_group(plan, network, g, bounds);
	even_out(plan, network);
	network_channels(network, plan->kept, plan->channels);
	return 0;
}

/* ---- from counts ---- */

int64_t plan_group_of(const struct network *network, const struct network_layer *layer)
{
	for (size_t i = 0; i < layer->n_shares; i++)
		if (network->parts[layer->shares[i].part].group !=
			network->parts[layer->shares[0].part].group)
			return -1;
	return layer->n_shares ? (int64_t)network->parts[layer->shares[0].part].group : -1;
}

struct counting {
	struct plan *plan;
	const struct network *network;
	const struct plan_kept *entries;
	const struct plan_kept **by; /* per group: the entry that named it first */
	struct faults *faults;
};

/* Shares out units among the parts of a group in proportion. False: there is a remainder. */
static bool keep_units(struct plan *plan, const struct network *network,
	const struct network_group *group, int64_t units)
{
	for (uint32_t i = 0; i < group->n_parts; i++) {
		uint32_t part = group->first_part + i;
		int64_t scaled = units * network->parts[part].units;
		if (scaled % group->units)
			return false;
		plan->kept[part] = (uint32_t)(scaled / group->units);
	}
	return true;
}

static void count_group(const struct counting *c, const struct plan_kept *entry,
	const struct network_layer *layer, size_t index, const struct path *here)
{
	const struct network_group *group = &c->network->groups[index];
	int64_t all = layer->shape.size[0], per_unit = all / group->units;
	int64_t units = entry->channels / per_unit;

	if (entry->channels < 1 || entry->channels > all)
		fault_add(c->faults, here, "must be from 1 to %lld", (long long)all);
	else if (entry->channels % per_unit)
		fault_add(c->faults, here,
			"must be a multiple of %lld: so many stand or fall together",
			(long long)per_unit);
	else if (group->fixed && entry->channels != all)
		fault_add(c->faults, here, "must be %lld: the network's %s has them",
			(long long)all, group->fixed == FIXED_INPUT ? "input" : "output");
	else if (c->by[index] && units != plan_group_kept(c->plan, group))
		fault_add(c->faults, here,
			"does not agree with %s, whose channels depend on these: it keeps %.4g%%",
			c->by[index]->layer,
			100.0 * plan_group_kept(c->plan, group) / group->units);
	else if (!keep_units(c->plan, c->network, group, units))
		fault_add(c->faults, here, "must be a multiple of %u: the blocks keep as many each",
			group->n_parts);
	else if (!c->by[index])
		c->by[index] = entry;
}

static void count_entry(
	const struct counting *c, const struct plan_kept *entry, const struct path *here)
{
	int64_t found = network_find(c->network, entry->layer);

	if (found < 0) {
		fault_add(c->faults, here, "the model has no such layer");
		return;
	}
	const struct network_layer *layer = &c->network->layers[found];
	int64_t group = plan_group_of(c->network, layer);
	if (layer->n_shares == 0)
		fault_add(c->faults, here, "a %s makes no channels of its own", layer->type->name);
	else if (group < 0)
		fault_add(c->faults, here,
			"its channels belong to several dependency groups; name other layers of "
			"them");
	else
		count_group(c, entry, layer, (size_t)group, here);
}

int plan_counts(struct plan *plan, const struct network *network, const struct plan_kept *entries,
	size_t n, const struct path *at, struct arena *arena, struct faults *faults,
	struct error *err)
{
	struct counting c = { .plan = plan,
		.network = network,
		.entries = entries,
		.by = arena_array(arena, network->n_groups, sizeof(*c.by)),
		.faults = faults };
	size_t before = faults->n;
	int64_t low, high;

	if (!c.by)
		return fail(err, CODE_NO_MEMORY, "no memory for the plan");
	for (size_t i = 0; i < n; i++) {
		struct path here = { at, entries[i].layer, 0 };
		count_entry(&c, &entries[i], &here);
	}
	for (size_t i = 0; i < network->n_balances && faults->n == before; i++) {
		const struct network_balance *balance = &network->balances[i];
		if (!network_balanced(balance, plan->kept, &low, &high))
			fault_add(faults, at,
				"the blocks of \"%s\" would hold %lld to %lld channels each, and "
				"must "
				"hold as many",
				network->layers[balance->layer].name, (long long)low,
				(long long)high);
	}
	if (faults->n > before)
		return fail(err, CODE_INVALID, "the counts do not fit the model");
	network_channels(network, plan->kept, plan->channels);
	return 0;
}

/* ---- sizes ---- */

void plan_measure(const struct plan *plan, const struct network *network, size_t layer,
	struct network_size *out)
{
	network_measure(network, layer, plan->channels, out);
	out->weights -= plan->removed[layer];
	out->parameters -= plan->removed[layer];
}

void plan_total(const struct plan *plan, const struct network *network, uint64_t *parameters,
	uint64_t *macs)
{
	struct network_size size;

	*parameters = *macs = 0;
	for (size_t i = 0; i < network->n_layers; i++) {
		plan_measure(plan, network, i, &size);
		*parameters += size.parameters;
		*macs += size.macs;
	}
}
