/*
 * The body of an experiment. One table lists its fields; each is read into a draft that starts
 * with the defaults. A PATCH is two readings into one draft: the whole experiment as it was, then
 * what changes.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "core/limits.h"
#include "core/spec_json.h"
#include "core/text.h"

#define SEED_MASK ((1ull << 53) - 1)
#define COUNT(a)  (sizeof(a) / sizeof(*(a)))

/* ---- values ---- */

const char *spec_read_text(struct spec_draft *draft, const struct path *at, const json_t *value,
	size_t least, size_t most, bool plain)
{
	if (!json_is_string(value)) {
		fault_add(draft->faults, at, "must be a string");
		return NULL;
	}
	const char *text = json_string_value(value);
	size_t size = strlen(text);
	if (size < least || size > most) {
		if (size < least)
			fault_add(draft->faults, at, "must not be empty");
		else
			fault_add(
				draft->faults, at, "must be at most %zu bytes, is %zu", most, size);
		return NULL;
	}
	if (plain && !text_is_plain(text)) {
		fault_add(draft->faults, at, "must not contain control characters");
		return NULL;
	}
	char *copy = arena_strdup(draft->arena, text);
	draft->no_memory |= !copy;
	return copy;
}

bool spec_read_integer(struct spec_draft *draft, const struct path *at, const json_t *value,
	int64_t low, int64_t high, int64_t *out)
{
	double x = json_number_value(value);
	bool whole = json_is_integer(value) ||
		     (json_is_real(value) && floor(x) == x && fabs(x) < 0x1p53);
	int64_t n = json_is_integer(value) ? (int64_t)json_integer_value(value)
		    : whole		   ? (int64_t)x
					   : 0;
	if (!whole || n < low || n > high) {
		fault_add(draft->faults, at, "must be an integer from %lld to %lld", (long long)low,
			(long long)high);
		return false;
	}
	*out = n;
	return true;
}

void spec_check_members(struct spec_draft *draft, const struct path *at, json_t *object,
	const char *const *names, size_t n)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		size_t i = 0;
		while (i < n && strcmp(names[i], name) != 0)
			i++;
		struct path below = { at, name, 0 };
		if (i == n)
			fault_add(draft->faults, &below, "is not a known field");
	}
}

/* An array of at most most items in the arena, zeroed. */
static void *make_array(struct spec_draft *draft, size_t n, size_t size)
{
	void *items = arena_array(draft->arena, n ? n : 1, size);
	draft->no_memory |= !items;
	return items;
}

/* ---- fields: value is NULL or null where the default is meant ---- */

static void read_name(struct spec_draft *draft, const struct path *at, json_t *value)
{
	if (json_is_null(value))
		return;
	draft->name_given = true;
	draft->spec.name = spec_read_text(draft, at, value, 1, LIMIT_NAME, true);
}

static void read_kind(struct spec_draft *draft, const struct path *at, json_t *value)
{
	const char *name = json_string_value(value);
	char excerpt[64];
	if (json_is_null(value))
		return;
	if (!name)
		fault_add(draft->faults, at, "must be a string");
	else if (!kind_parse(name, &draft->spec.kind))
		fault_add(draft->faults, at,
			"\"%s\" is not supported: this server runs experiments of the kinds "
			"\"hpo\" and \"nas\"",
			text_excerpt(name, excerpt, sizeof(excerpt)));
}

static json_t *value_or_absent(json_t *value)
{
	return json_is_null(value) ? NULL : value;
}

static void read_search_space(struct spec_draft *draft, const struct path *at, json_t *value)
{
	(void)at;
	draft->search_space = value_or_absent(value);
}

static void read_model_space(struct spec_draft *draft, const struct path *at, json_t *value)
{
	(void)at;
	draft->model_space = value_or_absent(value);
}

static void read_parameter_constraints(
	struct spec_draft *draft, const struct path *at, json_t *value)
{
	(void)at;
	draft->parameter_constraints = value_or_absent(value);
}

static void read_canonical(struct spec_draft *draft, const struct path *at, json_t *value)
{
	(void)at;
	draft->canonical = value_or_absent(value);
}

static void read_objective(
	struct spec_draft *draft, const struct path *at, json_t *value, struct objective *out)
{
	static const char *const members[] = { "name", "goal" };
	struct path name_at = { at, "name", 0 }, goal_at = { at, "goal", 0 };

	if (!json_is_object(value)) {
		fault_add(draft->faults, at, "must be an object with \"name\" and \"goal\"");
		return;
	}
	spec_check_members(draft, at, value, members, COUNT(members));
	json_t *name = json_object_get(value, "name");
	if (name)
		out->name = spec_read_text(draft, &name_at, name, 1, LIMIT_NAME, true);
	else
		fault_add(draft->faults, &name_at, "is required");
	const char *goal = json_string_value(json_object_get(value, "goal"));
	if (goal && (strcmp(goal, "maximize") == 0 || strcmp(goal, "minimize") == 0))
		out->maximize = strcmp(goal, "maximize") == 0;
	else
		fault_add(draft->faults, &goal_at, "must be \"maximize\" or \"minimize\"");
}

static void check_unique(struct spec_draft *draft, const struct path *at,
	const struct objective *objectives, size_t i)
{
	for (size_t k = 0; objectives[i].name && k < i; k++) {
		if (!objectives[k].name || strcmp(objectives[k].name, objectives[i].name) != 0)
			continue;
		fault_add(draft->faults, at, "has the name of objective %zu", k);
		return;
	}
}

static void default_objectives(struct spec_draft *draft)
{
	static const struct objective only = { "default", true };
	draft->spec.objectives = &only;
	draft->spec.n_objectives = 1;
	draft->objectives_given = false;
}

static void read_objectives(struct spec_draft *draft, const struct path *at, json_t *value)
{
	size_t n = json_array_size(value);

	if (json_is_null(value)) {
		default_objectives(draft);
		return;
	}
	if (!json_is_array(value) || n < 1 || n > LIMIT_OBJECTIVES) {
		fault_add(draft->faults, at, "must be an array of 1 to %d objectives",
			LIMIT_OBJECTIVES);
		return;
	}
	struct objective *objectives = make_array(draft, n, sizeof(*objectives));
	if (!objectives)
		return;
	for (size_t i = 0; i < n; i++) {
		struct path item = { at, NULL, i };
		read_objective(draft, &item, json_array_get(value, i), &objectives[i]);
		check_unique(draft, &item, objectives, i);
	}
	draft->spec.objectives = objectives;
	draft->spec.n_objectives = n;
	draft->objectives_given = true;
	spec_default_tuner(draft); /* "tuner" comes after "objectives" in the table below */
}

static void read_bound(struct spec_draft *draft, const struct path *at, json_t *object,
	const char *name, double *out)
{
	json_t *value = json_object_get(object, name);
	struct path below = { at, name, 0 };
	if (!value || json_is_null(value))
		return;
	if (json_is_number(value))
		*out = json_number_value(value);
	else
		fault_add(draft->faults, &below, "must be a number");
}

static void read_constraint(struct spec_draft *draft, const struct path *at, json_t *value,
	struct outcome_constraint *out)
{
	static const char *const members[] = { "metric", "min", "max" };
	struct path metric_at = { at, "metric", 0 };
	size_t before = draft->faults->n;

	*out = (struct outcome_constraint){ NULL, -INFINITY, INFINITY };
	if (!json_is_object(value)) {
		fault_add(draft->faults, at,
			"must be an object with \"metric\" and \"min\" or \"max\"");
		return;
	}
	spec_check_members(draft, at, value, members, COUNT(members));
	json_t *metric = json_object_get(value, "metric");
	if (metric)
		out->metric = spec_read_text(draft, &metric_at, metric, 1, LIMIT_NAME, true);
	else
		fault_add(draft->faults, &metric_at, "is required");
	read_bound(draft, at, value, "min", &out->min);
	read_bound(draft, at, value, "max", &out->max);
	if (draft->faults->n > before)
		return;
	if (isinf(out->min) && isinf(out->max))
		fault_add(draft->faults, at, "must have \"min\" or \"max\"");
	else if (out->min > out->max)
		fault_add(draft->faults, at, "can never hold: min is greater than max");
}

static void read_constraints(struct spec_draft *draft, const struct path *at, json_t *value)
{
	size_t n = json_array_size(value);

	draft->spec.n_constraints = 0;
	if (json_is_null(value))
		return;
	if (!json_is_array(value) || n > LIMIT_OUTCOME_CONSTRAINTS) {
		fault_add(draft->faults, at, "must be an array of at most %d constraints",
			LIMIT_OUTCOME_CONSTRAINTS);
		return;
	}
	struct outcome_constraint *constraints = make_array(draft, n, sizeof(*constraints));
	if (!constraints)
		return;
	for (size_t i = 0; i < n; i++) {
		struct path item = { at, NULL, i };
		read_constraint(draft, &item, json_array_get(value, i), &constraints[i]);
	}
	draft->spec.constraints = constraints;
	draft->spec.n_constraints = n;
}

/* ---- limits ---- */

struct limit_rule {
	const char *name;
	size_t offset; /* of an int64_t in struct limits */
	bool duration;
	int64_t low, high;
	int64_t none; /* what absent and null mean */
};

static const struct limit_rule limit_rules[] = {
	{ "max_trials", offsetof(struct limits, max_trials), false, 1, LIMIT_TRIALS, 0 },
	{ "max_duration", offsetof(struct limits, max_duration_ms), true, 1, LIMIT_DURATION_MS, 0 },
	{ "max_trial_duration", offsetof(struct limits, max_trial_duration_ms), true, 1,
		LIMIT_LEASE_MS, 0 },
	{ "concurrency", offsetof(struct limits, concurrency), false, 1, LIMIT_CONCURRENCY, 0 },
	{ "max_retries", offsetof(struct limits, max_retries), false, 0, LIMIT_RETRIES,
		DEFAULT_RETRIES },
	{ "patience", offsetof(struct limits, patience), false, 1, LIMIT_TRIALS, 0 },
};

static void read_duration(struct spec_draft *draft, const struct path *at, const json_t *value,
	const struct limit_rule *rule, int64_t *out)
{
	int64_t ms = -1;
	if (json_is_string(value)) {
		ms = duration_parse(json_string_value(value));
	} else if (json_is_number(value)) {
		double x = json_number_value(value) * 1000;
		ms = x >= 0 && x < 0x1p53 ? llround(x) : -1;
	}
	if (ms < rule->low || ms > rule->high)
		fault_add(draft->faults, at,
			"must be a time such as \"5h\", \"30m\" or a number of seconds, greater "
			"than 0 and at most %lld days",
			(long long)(rule->high / (24 * 3600 * 1000ll)));
	else
		*out = ms;
}

static void read_limit(struct spec_draft *draft, const struct path *at, const json_t *value,
	const struct limit_rule *rule)
{
	int64_t *out = (int64_t *)(void *)((char *)&draft->spec.limits + rule->offset);

	if (json_is_null(value))
		*out = rule->none;
	else if (rule->duration)
		read_duration(draft, at, value, rule, out);
	else
		spec_read_integer(draft, at, value, rule->low, rule->high, out);
}

static void default_limits(struct spec_draft *draft)
{
	for (size_t i = 0; i < COUNT(limit_rules); i++)
		read_limit(draft, NULL, json_null(), &limit_rules[i]);
	draft->spec.limits.target = NAN;
}

static void read_target(struct spec_draft *draft, const struct path *at, const json_t *value)
{
	if (json_is_null(value))
		draft->spec.limits.target = NAN;
	else if (json_is_number(value))
		draft->spec.limits.target = json_number_value(value);
	else
		fault_add(draft->faults, at, "must be a number");
}

static void read_limits(struct spec_draft *draft, const struct path *at, json_t *value)
{
	const char *name;
	json_t *member;

	if (json_is_null(value)) {
		default_limits(draft);
		return;
	}
	if (!json_is_object(value)) {
		fault_add(draft->faults, at, "must be an object");
		return;
	}
	json_object_foreach(value, name, member)
	{
		struct path below = { at, name, 0 };
		size_t i = 0;
		while (i < COUNT(limit_rules) && strcmp(limit_rules[i].name, name) != 0)
			i++;
		if (i < COUNT(limit_rules))
			read_limit(draft, &below, member, &limit_rules[i]);
		else if (strcmp(name, "target") == 0)
			read_target(draft, &below, member);
		else
			fault_add(draft->faults, &below, "is not a known limit");
	}
}

/* ---- labels and note ---- */

static void read_labels(struct spec_draft *draft, const struct path *at, json_t *value)
{
	const char *name;
	json_t *member;
	size_t n = 0;

	draft->spec.n_labels = 0;
	if (json_is_null(value))
		return;
	if (!json_is_object(value) || json_object_size(value) > LIMIT_LABELS) {
		fault_add(
			draft->faults, at, "must be an object of at most %d strings", LIMIT_LABELS);
		return;
	}
	const char **labels = make_array(draft, 2 * json_object_size(value), sizeof(*labels));
	if (!labels)
		return;
	json_object_foreach(value, name, member)
	{
		struct path below = { at, name, 0 };
		labels[n++] = arena_strdup(draft->arena, name);
		draft->no_memory |= !labels[n - 1];
		if (!*name || strlen(name) > LIMIT_NAME || !text_is_plain(name))
			fault_add(draft->faults, &below,
				"a label's name must be 1 to %d bytes without control characters",
				LIMIT_NAME);
		labels[n++] = spec_read_text(draft, &below, member, 0, LIMIT_NAME, true);
	}
	draft->spec.labels = labels;
	draft->spec.n_labels = n / 2;
}

static void read_note(struct spec_draft *draft, const struct path *at, json_t *value)
{
	if (json_is_null(value))
		draft->spec.note = "";
	else
		draft->spec.note = spec_read_text(draft, at, value, 0, LIMIT_NOTE, false);
}

/* ---- the whole ---- */

static const struct field {
	const char *name;
	bool patchable;
	bool removable; /* a PATCH may say null */
	void (*read)(struct spec_draft *draft, const struct path *at, json_t *value);
} fields[] = {
	{ "name", true, false, read_name },
	{ "kind", false, false, read_kind },
	{ "search_space", true, false, read_search_space },
	{ "model_space", false, false, read_model_space },
	{ "objectives", false, false, read_objectives },
	{ "constraints", false, false, read_constraints },
	{ "parameter_constraints", true, true, read_parameter_constraints },
	{ "canonical", true, true, read_canonical },
	{ "tuner", true, false, spec_read_tuner },
	{ "assessor", true, true, spec_read_assessor },
	{ "limits", true, true, read_limits },
	{ "labels", true, true, read_labels },
	{ "note", true, true, read_note },
};

static void read_field(
	struct spec_draft *draft, const struct field *field, const struct path *at, json_t *value)
{
	if (draft->patch && !field->patchable)
		fault_add(draft->faults, at, "cannot be changed: clone the experiment instead");
	else if (draft->patch && !field->removable && json_is_null(value))
		fault_add(draft->faults, at, "cannot be removed");
	else
		field->read(draft, at, value);
}

static void read_body(struct spec_draft *draft, json_t *body)
{
	const char *names[COUNT(fields)];

	for (size_t i = 0; i < COUNT(fields); i++) {
		struct path at = { NULL, fields[i].name, 0 };
		json_t *value = json_object_get(body, fields[i].name);
		names[i] = fields[i].name;
		if (value)
			read_field(draft, &fields[i], &at, value);
	}
	spec_check_members(draft, NULL, body, names, COUNT(names));
}

static void draft_init(struct spec_draft *draft, const struct catalog *catalog, uint64_t seed,
	struct arena *arena, struct faults *faults)
{
	*draft = (struct spec_draft){ .catalog = catalog, .arena = arena, .faults = faults };
	draft->spec.kind = KIND_HPO;
	draft->spec.note = "";
	draft->spec.seed = seed & SEED_MASK;
	default_objectives(draft);
	spec_default_tuner(draft);
	default_limits(draft);
}

/* What can only be said once every field is read. */
static int finish(struct spec_draft *draft, struct error *err)
{
	const struct path name_at = { NULL, "name", 0 }, tuner_at = { NULL, "tuner", 0 };

	if (!draft->name_given)
		fault_add(draft->faults, &name_at, "is required");
	if (!draft->spec.tuner && !draft->tuner_given)
		fault_add(draft->faults, &tuner_at, "is required");
	spec_apply_wishes(draft);
	int rc = spec_read_space(draft, err);
	if (rc)
		return rc;
	if (draft->no_memory)
		return fail(err, CODE_NO_MEMORY, "no memory for the experiment");
	return 0;
}

static int invalid(const struct faults *faults, size_t before, struct error *err)
{
	const struct fault *first = before < LIMIT_FAULTS ? &faults->items[before] : NULL;
	size_t n = faults->n - before;
	char excerpt[200];
	return fail(err, CODE_INVALID, "the experiment has %zu fault%s: %s %s", n,
		n == 1 ? "" : "s", first ? text_excerpt(first->pointer, excerpt, 200) : "",
		first ? first->message : "");
}

/* The experiment as it is, into draft. It was checked when it was stored. */
static int read_previous(
	struct spec_draft *draft, const struct spec *previous, json_t **out, struct error *err)
{
	struct faults faults, *outer = draft->faults;

	int rc = json_read(previous->json, strlen(previous->json), out, err);
	if (rc)
		return fail(err, CODE_INTERNAL, "the stored experiment is not JSON");
	faults_init(&faults);
	draft->faults = &faults;
	read_body(draft, *out);
	draft->faults = outer;
	draft->patch = true;
	if (faults.n)
		return fail(err, CODE_INTERNAL, "the stored experiment is not valid: %s %s",
			faults.items[0].pointer, faults.items[0].message);
	return 0;
}

int spec_parse(const char *text, size_t size, const struct spec *previous,
	const struct catalog *catalog, uint64_t seed, struct arena *arena, const struct spec **out,
	struct faults *faults, struct error *err)
{
	struct spec_draft draft;
	json_t *body = NULL, *old = NULL;
	size_t before = faults->n;

	int rc = json_read(text, size, &body, err);
	if (rc)
		return rc;
	draft_init(&draft, catalog, seed, arena, faults);
	if (previous)
		rc = read_previous(&draft, previous, &old, err);
	if (!rc && !json_is_object(body))
		fault_add(faults, NULL, "must be an object");
	else if (!rc) {
		read_body(&draft, body);
		rc = finish(&draft, err);
	}
	if (!rc && faults->n > before)
		rc = invalid(faults, before, err);
	if (!rc)
		rc = spec_write(&draft, err);
	if (!rc) {
		*out = arena_copy(arena, &draft.spec, sizeof(draft.spec));
		if (!*out)
			rc = fail(err, CODE_NO_MEMORY, "no memory for the experiment");
	}
	json_decref(old);
	json_decref(body);
	return rc;
}
