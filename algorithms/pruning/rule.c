#include "algorithms/pruning/rule.h"

#include <math.h>
#include <string.h>

#include "core/limits.h"
#include "core/text.h"

#define NAME_EXCERPT 80

struct resolver {
	const struct network *network;
	const struct pruner *pruner;
	const struct rule *rule;
	const struct path *at; /* the entry */
	struct faults *faults;
	bool *typed, *named; /* per layer: selected by type, by name */
	uint32_t *owner;     /* per layer: the entry that won so far, plus 1 */
	double *caps;	     /* per layer */
};

/* ---- selecting ---- */

static void select_types(const struct resolver *r)
{
	struct path list = { r->at, "op_types", 0 };
	char name[NAME_EXCERPT];

	for (size_t i = 0; i < r->rule->types.n; i++) {
		struct path here = { &list, NULL, i };
		const char *text = r->rule->types.items[i];
		bool is_default = strcmp(text, "default") == 0, found = false;
		const struct network_type *wanted = network_type_find(text);
		for (size_t l = 0; l < r->network->n_layers; l++) {
			const struct network_type *type = r->network->layers[l].type;
			if (type != wanted && !(is_default && type->flags & TYPE_DEFAULT))
				continue;
			r->typed[l] = true;
			found = true;
		}
		if (!found)
			fault_add(r->faults, &here, "the model has no layer of type \"%s\"",
				text_excerpt(text, name, sizeof(name)));
	}
}

static bool scored(const struct resolver *r, size_t layer)
{
	return pruner_scores(r->pruner, &r->network->layers[layer]);
}

static void select_names(const struct resolver *r)
{
	struct path list = { r->at, "op_names", 0 };
	char name[NAME_EXCERPT];

	for (size_t i = 0; i < r->rule->names.n; i++) {
		struct path here = { &list, NULL, i };
		int64_t found = network_find(r->network, r->rule->names.items[i]);
		if (found < 0) {
			fault_add(r->faults, &here, "the model has no layer \"%s\"",
				text_excerpt(r->rule->names.items[i], name, sizeof(name)));
			continue;
		}
		r->named[found] = true;
		if (!r->rule->exclude && !scored(r, (size_t)found))
			fault_add(r->faults, &here, "is of type %s, which %s does not prune",
				r->network->layers[found].type->name, r->pruner->name);
	}
}

static void select_partial_names(const struct resolver *r)
{
	struct path list = { r->at, "op_partial_names", 0 };
	char name[NAME_EXCERPT];

	for (size_t i = 0; i < r->rule->partial_names.n; i++) {
		struct path here = { &list, NULL, i };
		const char *part = r->rule->partial_names.items[i];
		bool found = false;
		for (size_t l = 0; l < r->network->n_layers; l++) {
			if (!strstr(r->network->layers[l].name, part))
				continue;
			r->named[l] = true;
			found = true;
		}
		if (!found)
			fault_add(r->faults, &here, "no name of a layer contains \"%s\"",
				text_excerpt(part, name, sizeof(name)));
	}
}

/* Gives the layers of an entry to it. */
static void select_layers(const struct resolver *r, uint32_t number)
{
	size_t before = r->faults->n, n = 0;
	bool by_name = r->rule->names.n || r->rule->partial_names.n;

	memset(r->typed, r->rule->types.n == 0, r->network->n_layers * sizeof(*r->typed));
	memset(r->named, !by_name, r->network->n_layers * sizeof(*r->named));
	select_types(r);
	select_names(r);
	select_partial_names(r);
	for (size_t l = 0; l < r->network->n_layers; l++) {
		if (!r->typed[l] || !r->named[l] || (!r->rule->exclude && !scored(r, l)))
			continue;
		r->owner[l] = number;
		r->caps[l] = isnan(r->rule->cap) ? RULE_CAP : r->rule->cap;
		n++;
	}
	if (n == 0 && r->faults->n == before)
		fault_add(r->faults, r->at, "selects no layer that %s prunes", r->pruner->name);
}

static void read_caps(const struct resolver *r, uint32_t number)
{
	struct path list = { r->at, "max_sparsity_per_layer", 0 };

	for (size_t i = 0; i < r->rule->n_caps; i++) {
		const struct rule_cap *cap = &r->rule->caps[i];
		struct path here = { &list, cap->name, 0 };
		int64_t found = network_find(r->network, cap->name);
		if (found < 0)
			fault_add(r->faults, &here, "the model has no such layer");
		else if (r->owner[found] != number)
			fault_add(r->faults, &here, "this entry does not select it");
		else
			r->caps[found] = cap->most;
	}
}

/* ---- sharing ---- */

static double weights_of(const struct network *network, size_t layer)
{
	struct network_size size;

	network_measure(network, layer, NULL, &size);
	return (double)size.weights;
}

/* One level for all layers of the entry, those with a lower cap at their cap. */
static void share_total(const struct resolver *r, uint32_t number, double *targets)
{
	double all = 0, most = 0, open = 0, left, level = r->rule->total_sparsity;
	struct path here = { r->at, "total_sparsity", 0 };

	for (size_t l = 0; l < r->network->n_layers; l++) {
		if (r->owner[l] != number)
			continue;
		double n = weights_of(r->network, l);
		all += n;
		most += n * r->caps[l];
	}
	left = level * all;
	if (left > most * (1 + 1e-12)) {
		fault_add(r->faults, &here,
			"cannot be reached: max_sparsity_per_layer (%g where it is not said) "
			"allows %.4g",
			RULE_CAP, most / all);
		return;
	}
	open = all;
	/* Each round caps a layer, or is the last. */
	for (bool again = true; again && open > 0;) {
		again = false;
		level = left / open;
		for (size_t l = 0; l < r->network->n_layers; l++) {
			if (r->owner[l] != number || targets[l] == r->caps[l] || r->caps[l] > level)
				continue;
			double n = weights_of(r->network, l);
			targets[l] = r->caps[l];
			left -= n * r->caps[l];
			open -= n;
			again = true;
		}
	}
	for (size_t l = 0; l < r->network->n_layers; l++)
		if (r->owner[l] == number && isnan(targets[l]))
			targets[l] = level;
}

static void share(const struct resolver *r, uint32_t number, double *targets)
{
	if (!isnan(r->rule->total_sparsity)) {
		share_total(r, number, targets);
		return;
	}
	for (size_t l = 0; l < r->network->n_layers; l++)
		if (r->owner[l] == number)
			targets[l] = r->rule->exclude ? 0 : r->rule->sparsity;
}

int rules_resolve(const struct network *network, const struct pruner *pruner,
	const struct rule *rules, size_t n_rules, const struct path *at, struct arena *arena,
	double *targets, struct faults *faults, struct error *err)
{
	size_t n = network->n_layers, before = faults->n;
	struct resolver r = { .network = network,
		.pruner = pruner,
		.faults = faults,
		.typed = arena_array(arena, n, sizeof(*r.typed)),
		.named = arena_array(arena, n, sizeof(*r.named)),
		.owner = arena_array(arena, n, sizeof(*r.owner)),
		.caps = arena_array(arena, n, sizeof(*r.caps)) };

	if (!r.typed || !r.named || !r.owner || !r.caps)
		return fail(err, CODE_NO_MEMORY, "no memory for the config list");
	for (size_t i = 0; i < n_rules; i++) {
		struct path here = { at, NULL, i };
		r.rule = &rules[i];
		r.at = &here;
		select_layers(&r, (uint32_t)i + 1);
		read_caps(&r, (uint32_t)i + 1);
	}
	for (size_t l = 0; l < n; l++)
		targets[l] = (double)NAN;
	for (size_t i = 0; i < n_rules && faults->n == before; i++) {
		struct path here = { at, NULL, i };
		r.rule = &rules[i];
		r.at = &here;
		share(&r, (uint32_t)i + 1, targets);
	}
	if (faults->n > before)
		return fail(err, CODE_INVALID, "the config list does not fit the model");
	return 0;
}
