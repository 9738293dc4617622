/* Reading config lists (NNI 2.7) and counts. */
#include <math.h>
#include <string.h>

#include "api/body.h"
#include "api/pruning.h"

#define BELOW_ONE 0x1.fffffffffffffp-1 /* the greatest double below 1 */

struct rule_body {
	double sparsity, sparsity_per_layer, total_sparsity;
	json_t *max_sparsity_per_layer;
	json_t *op_types, *op_names, *op_partial_names;
	json_t *exclude;
};

static const struct field rule_fields[] = {
	FIELD(struct rule_body, sparsity, FIELD_REAL, 0, 0, BELOW_ONE),
	FIELD(struct rule_body, sparsity_per_layer, FIELD_REAL, 0, 0, BELOW_ONE),
	FIELD(struct rule_body, total_sparsity, FIELD_REAL, 0, 0, BELOW_ONE),
	FIELD(struct rule_body, max_sparsity_per_layer, FIELD_JSON, 0, 0, 0),
	FIELD(struct rule_body, op_types, FIELD_ARRAY, 0, 1, LIMIT_CONFIG_TYPES),
	FIELD(struct rule_body, op_names, FIELD_ARRAY, 0, 1, LIMIT_NETWORK_LAYERS),
	FIELD(struct rule_body, op_partial_names, FIELD_ARRAY, 0, 1, LIMIT_CONFIG_PARTIALS),
	FIELD(struct rule_body, exclude, FIELD_JSON, 0, 0, 0),
	{ NULL },
};

struct reader {
	struct call *call;
	struct faults *faults;
	size_t partials; /* so far */
};

static struct rule_names read_names(
	const struct reader *reader, const json_t *value, const struct path *at, const char *field)
{
	struct path here = { at, field, 0 };
	struct rule_names out = { 0 };

	if (value)
		out.items = pruning_read_names(reader->call, value, &here, &out.n, reader->faults);
	if (!out.items)
		out.n = 0;
	return out;
}

static bool read_cap(
	const struct reader *reader, const json_t *value, const struct path *at, double *out)
{
	double x = json_number_value(value);

	if (json_is_number(value) && x > 0 && x <= 1) {
		*out = x;
		return true;
	}
	fault_add(reader->faults, at, "must be a number above 0, to 1");
	return false;
}

static void read_caps(
	const struct reader *reader, json_t *value, const struct path *at, struct rule *rule)
{
	struct rule_cap *caps;
	const char *name;
	json_t *most;

	if (!json_is_object(value)) {
		read_cap(reader, value, at, &rule->cap);
		return;
	}
	caps = arena_array(&reader->call->arena, json_object_size(value), sizeof(*caps));
	if (!caps) {
		fault_add(reader->faults, at, "no memory to keep it");
		return;
	}
	json_object_foreach(value, name, most)
	{
		struct path here = { at, name, 0 };
		struct rule_cap *cap = &caps[rule->n_caps];
		cap->name = arena_strdup(&reader->call->arena, name);
		if (!cap->name)
			fault_add(reader->faults, &here, "no memory to keep it");
		else if (read_cap(reader, most, &here, &cap->most))
			rule->n_caps++;
	}
	rule->caps = caps;
}

/* One of exclude, sparsity (or its other name) and total_sparsity. */
static void check_goal(const struct reader *reader, const json_t *entry,
	const struct rule_body *body, const struct path *at)
{
	static const char *const goals[] = { "exclude", "sparsity", "sparsity_per_layer",
		"total_sparsity" };
	struct path exclude = { at, "exclude", 0 }, caps = { at, "max_sparsity_per_layer", 0 };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(goals) / sizeof(*goals); i++)
		n += json_object_get(entry, goals[i]) != NULL;
	if (n != 1)
		fault_add(reader->faults, at,
			"must have one of sparsity (or sparsity_per_layer), total_sparsity and "
			"exclude");
	if (body->exclude && !json_is_true(body->exclude))
		fault_add(reader->faults, &exclude, "must be true; leave it out otherwise");
	if (body->max_sparsity_per_layer && isnan(body->total_sparsity))
		fault_add(reader->faults, &caps, "goes with total_sparsity only");
	if (!body->op_types && !body->op_names && !body->op_partial_names)
		fault_add(reader->faults, at,
			"must select layers by op_types, op_names or op_partial_names");
}

static void read_rule(
	struct reader *reader, const json_t *entry, const struct path *at, struct rule *rule)
{
	struct path caps = { at, "max_sparsity_per_layer", 0 };
	struct path partials = { at, "op_partial_names", 0 };
	struct rule_body body = { .sparsity = (double)NAN,
		.sparsity_per_layer = (double)NAN,
		.total_sparsity = (double)NAN };

	body_decode(reader->call, entry, at, rule_fields, &body, reader->faults);
	if (!json_is_object(entry))
		return;
	check_goal(reader, entry, &body, at);
	rule->sparsity = isnan(body.sparsity) ? body.sparsity_per_layer : body.sparsity;
	rule->total_sparsity = body.total_sparsity;
	rule->cap = (double)NAN;
	rule->exclude = json_is_true(body.exclude);
	rule->types = read_names(reader, body.op_types, at, "op_types");
	rule->names = read_names(reader, body.op_names, at, "op_names");
	rule->partial_names = read_names(reader, body.op_partial_names, at, "op_partial_names");
	if (body.max_sparsity_per_layer)
		read_caps(reader, body.max_sparsity_per_layer, &caps, rule);
	reader->partials += rule->partial_names.n;
	if (reader->partials > LIMIT_CONFIG_PARTIALS)
		fault_add(reader->faults, &partials, "the list has more than %d of these by here",
			LIMIT_CONFIG_PARTIALS);
}

int pruning_read_rules(struct call *call, const json_t *value, const struct path *at,
	struct rule **out, size_t *n, struct faults *faults, struct error *err)
{
	struct reader reader = { .call = call, .faults = faults };
	size_t before = faults->n;

	*n = json_array_size(value);
	*out = arena_array(&call->arena, *n, sizeof(**out));
	if (!*out)
		return fail(err, CODE_NO_MEMORY, "no memory for the config list");
	for (size_t i = 0; i < *n; i++) {
		struct path here = { at, NULL, i };
		read_rule(&reader, json_array_get(value, i), &here, &(*out)[i]);
	}
	return faults->n > before ? fail(err, CODE_INVALID, "the config list cannot be read") : 0;
}

int pruning_read_kept(struct call *call, json_t *value, const struct path *at,
	struct plan_kept **out, size_t *n, struct faults *faults, struct error *err)
{
	size_t before = faults->n;
	const char *name;
	json_t *count;

	*n = 0;
	*out = arena_array(&call->arena, json_object_size(value), sizeof(**out));
	if (!*out)
		return fail(err, CODE_NO_MEMORY, "no memory for the counts");
	json_object_foreach(value, name, count)
	{
		struct path here = { at, name, 0 };
		const char *kept = arena_strdup(&call->arena, name);
		if (!kept)
			return fail(err, CODE_NO_MEMORY, "no memory for the counts");
		(*out)[(*n)++] = (struct plan_kept){ kept, json_integer_value(count) };
		if (!json_is_integer(count))
			fault_add(faults, &here, "must be an integer");
	}
	return faults->n > before ? fail(err, CODE_INVALID, "the counts cannot be read") : 0;
}
