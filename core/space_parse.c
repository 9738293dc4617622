/* From JSON to struct space: walk the document, order the parameters, link and check them. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/canonical.h"
#include "core/constraint.h"
#include "core/space_json.h"

#define FEASIBLE_SEED 0x5eed /* any constant: the verdict on a space must not vary */

int no_memory(struct parser *parser)
{
	return fail(parser->err, CODE_NO_MEMORY, "out of memory while reading the search space");
}

const char *text_keep(struct parser *parser, const json_t *value)
{
	buffer_clear(&parser->text);
	if (json_write(value, &parser->text, NULL))
		return NULL;
	return arena_strndup(parser->arena, buffer_text(&parser->text), parser->text.size);
}

const struct path *draft_path(
	const struct parser *parser, size_t i, const char *member, struct draft_path *out)
{
	/* Leaf first: member, name, then per level the option, "_value" and the owner's name. */
	struct path *link = out->links;
	*link++ = (struct path){ NULL, member, 0 };
	const struct parameter *p = &parser->drafts[i].p;
	*link++ = (struct path){ NULL, p->name, 0 };
	while (p->owner >= 0) {
		*link++ = (struct path){ NULL, NULL, p->owner_option };
		*link++ = (struct path){ NULL, "_value", 0 };
		p = &parser->drafts[p->owner].p;
		*link++ = (struct path){ NULL, p->name, 0 };
	}
	*link = (struct path){ NULL, "search_space", 0 };
	for (struct path *l = out->links; l < link; l++)
		l->up = l + 1;
	return out->links;
}

static bool name_ok(struct parser *parser, const char *name, const struct path *at)
{
	if (!*name)
		fault_add(parser->faults, at, "a parameter needs a name");
	else if (*name == '_')
		fault_add(parser->faults, at, "names that begin with _ are reserved%s",
			strcmp(name, "_type") == 0
				? ": put this parameter under a name, {\"x\": {\"_type\": ...}}"
				: "");
	else if (strlen(name) > LIMIT_NAME)
		fault_add(parser->faults, at, "a name has at most %d bytes", LIMIT_NAME);
	else
		return true;
	return false;
}

static void fields_check(struct parser *parser, json_t *object, const struct path *at)
{
	static const char *const known[] = { "_type", "_value", "_default", "_when" };
	const char *key;
	json_t *member;
	json_object_foreach(object, key, member)
	{
		bool found = false;
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			found = found || strcmp(key, known[i]) == 0;
		struct path here = { at, key, 0 };
		if (!found)
			fault_add(parser->faults, &here,
				"unknown field: a parameter has _type, _value, _default and _when");
	}
}

static int draft_add(struct parser *parser, const struct draft *draft)
{
	if (parser->n == parser->room) {
		size_t room = parser->room ? parser->room * 2 : 16;
		struct draft *drafts = realloc(parser->drafts, room * sizeof(*drafts));
		if (!drafts)
			return no_memory(parser);
		parser->drafts = drafts;
		parser->room = room;
	}
	parser->drafts[parser->n++] = *draft;
	return 0;
}

static int draft_name(struct parser *parser, const char *name, struct parameter *p)
{
	p->name = arena_strdup(parser->arena, name);
	if (p->owner < 0)
		p->address = p->name;
	else
		p->address = arena_printf(
			parser->arena, "%s.%s", parser->drafts[p->owner].p.address, name);
	return p->name && p->address ? 0 : no_memory(parser);
}

static void default_read(
	struct parser *parser, json_t *value, const struct path *at, struct parameter *p)
{
	p->fallback = (double)NAN;
	struct path here = { at, "_default", 0 };
	if (value)
		parameter_read(p, value, &here, parser->faults, &p->fallback);
}

/* Everything of one parameter but its children. */
static int draft_read(
	struct parser *parser, json_t *object, const struct path *at, struct draft *draft)
{
	struct parameter *p = &draft->p;
	size_t before = parser->faults->n;
	bool known = false;
	int rc = 0;

	if (!json_is_object(object)) {
		fault_add(parser->faults, at,
			"a parameter is an object with _type and _value, such as "
			"{\"_type\": \"uniform\", \"_value\": [0, 1]}");
	} else {
		fields_check(parser, object, at);
		const char *type = json_string_value(json_object_get(object, "_type"));
		struct path here = { at, "_type", 0 };
		if (!type)
			fault_add(parser->faults, &here, "needs _type, the name of a type");
		else
			rc = type_read(
				parser, type, json_object_get(object, "_value"), at, p, &known);
		draft->when = json_object_get(object, "_when");
	}
	if (rc)
		return rc;
	draft->broken = !known || parser->faults->n > before;
	if (p->branches) {
		draft->heads = arena_array(parser->arena, p->n_options, sizeof(*draft->heads));
		if (!draft->heads)
			return no_memory(parser);
		p->branch_first = draft->heads;
	}
	if (draft->broken && !p->branches) {
		/* Something that expressions and conditions may name without another fault. */
		*p = (struct parameter){ .name = p->name,
			.address = p->address,
			.type = TYPE_UNIFORM,
			.owner = p->owner,
			.owner_option = p->owner_option };
	} else if (!draft->broken) {
		default_read(parser, json_object_get(object, "_default"), at, p);
	}
	return 0;
}

static int parameters_read(struct parser *parser, json_t *object, int owner, uint32_t option,
	size_t depth, const struct path *at);

static int branches_read(
	struct parser *parser, json_t *object, int owner, size_t depth, const struct path *at)
{
	const json_t *options = json_object_get(object, "_value");
	struct path value_at = { at, "_value", 0 };
	for (size_t k = 0; k < json_array_size(options); k++) {
		struct path here = { &value_at, NULL, k };
		json_t *branch = json_array_get(options, k);
		if (depth == LIMIT_SPACE_DEPTH && json_object_size(branch) > 1) {
			fault_add(parser->faults, &here, "choices are nested deeper than %d levels",
				LIMIT_SPACE_DEPTH);
			return 0;
		}
		int rc = parameters_read(parser, branch, owner, (uint32_t)k, depth + 1, &here);
		if (rc)
			return rc;
	}
	return 0;
}

/* The walk that recurses: an object of parameters, then the branches of each, LIMIT_SPACE_DEPTH
 * levels at most. */
static int parameters_read(struct parser *parser, json_t *object, int owner, uint32_t option,
	size_t depth, const struct path *at)
{
	const char *name;
	json_t *member;
	json_object_foreach(object, name, member)
	{
		struct path here = { at, name, 0 };
		if (owner >= 0 && strcmp(name, "_name") == 0)
			continue;
		if (!name_ok(parser, name, &here))
			continue;
		if (parser->n == LIMIT_PARAMETERS) {
			if (!parser->full)
				fault_add(parser->faults, &here,
					"a space has at most %d parameters", LIMIT_PARAMETERS);
			parser->full = true;
			return 0;
		}
		struct draft draft = { .p = { .owner = owner, .owner_option = option } };
		int rc = draft_name(parser, name, &draft.p);
		if (!rc)
			rc = draft_read(parser, member, &here, &draft);
		if (!rc)
			rc = draft_add(parser, &draft);
		if (!rc && draft.p.branches)
			rc = branches_read(parser, member, (int)parser->n - 1, depth, &here);
		if (rc)
			return rc;
	}
	return 0;
}

/* A name with a dot may look like the address of a nested parameter. */
static void addresses_check(struct parser *parser)
{
	for (size_t i = 0; i < parser->n; i++) {
		const struct parameter *p = &parser->drafts[i].p;
		if (!strchr(p->name, '.'))
			continue;
		for (size_t j = 0; j < parser->n; j++) {
			struct draft_path path;
			if (j == i || strcmp(p->address, parser->drafts[j].p.address) != 0)
				continue;
			fault_add(parser->faults, draft_path(parser, i, NULL, &path)->up,
				"another parameter has the same address, %s: rename one",
				p->address);
			break;
		}
	}
}

static int read_part(struct parser *parser, const char *name, const char *text, json_t **out)
{
	struct path at = { NULL, name, 0 };
	struct error err;
	int rc = json_read(text, strlen(text), out, &err);
	if (rc == CODE_NO_MEMORY)
		return no_memory(parser);
	if (rc)
		fault_add(parser->faults, &at, "%s", err.message);
	return 0;
}

static int space_walk(struct parser *parser, json_t *root, struct space **out)
{
	struct path at = { NULL, "search_space", 0 };
	if (!json_is_object(root)) {
		fault_add(parser->faults, &at,
			"the search space is an object: {\"name\": {\"_type\": ..., \"_value\": "
			"...}}");
		return 0;
	}
	if (json_object_size(root) == 0)
		fault_add(parser->faults, &at, "the search space has no parameters");
	int rc = parameters_read(parser, root, -1, 0, 0, &at);
	if (rc)
		return rc;
	addresses_check(parser);
	rc = conditions_read(parser);
	return rc ? rc : space_build(parser, out);
}

/* The parameters that the constraints look at, and those that decide whether they are active. */
static void needed_mark(const struct space *space, bool *needed)
{
	for (size_t c = 0; c < space->n_constraints; c++)
		constraint_mark(&space->constraints[c], needed);
	for (size_t i = space->n; i-- > 0;)
		for (size_t c = 0; needed[i] && c < space->parameters[i].n_conditions; c++)
			needed[space->parameters[i].conditions[c].parent] = true;
}

static bool draw_feasible(const struct space *space, const bool *needed, double *x)
{
	struct rng rng;
	rng_init(&rng, FEASIBLE_SEED, RNG_SPACE, 0);
	for (size_t draw = 0; draw < LIMIT_FEASIBLE_DRAWS; draw++) {
		for (size_t i = 0; i < space->n; i++) {
			x[i] = (double)NAN;
			if (needed[i] && space_active(space, x, i))
				x[i] = parameter_from_unit(
					&space->parameters[i], rng_uniform_open(&rng));
		}
		if (space_feasible(space, x))
			return true;
	}
	return false;
}

static void feasible_check(struct parser *parser, const struct space *space)
{
	struct path at = { NULL, "parameter_constraints", 0 };
	bool needed[LIMIT_PARAMETERS] = { false };
	double x[LIMIT_PARAMETERS];
	if (space->n_constraints == 0)
		return;
	needed_mark(space, needed);
	if (!draw_feasible(space, needed, x))
		fault_add(parser->faults, &at,
			"none of %d random points satisfies all constraints: relax them, or narrow "
			"the ranges to where they hold",
			LIMIT_FEASIBLE_DRAWS);
}

/* The expressions and declarations about parameters, once these are known. */
static int rules_read(
	struct parser *parser, const json_t *constraints, json_t *canonical, struct space *space)
{
	struct path constraints_at = { NULL, "parameter_constraints", 0 };
	struct path canonical_at = { NULL, "canonical", 0 };
	int rc = 0;
	if (constraints && !json_is_null(constraints))
		rc = constraints_read(constraints, space, &constraints_at, parser->arena,
			&space->constraints, &space->n_constraints, parser->faults);
	if (!rc && canonical && !json_is_null(canonical))
		rc = canonical_read(canonical, space, &canonical_at, parser->arena,
			&space->canonical, parser->faults);
	return rc ? no_memory(parser) : 0;
}

static int parts_read(struct parser *parser, json_t *const parts[3], struct space **out)
{
	size_t before = parser->faults->n;
	struct space *space = NULL;
	int rc = parts[0] ? space_walk(parser, parts[0], &space) : 0;
	if (!rc && space)
		rc = rules_read(parser, parts[1], parts[2], space);
	if (!rc && space && parser->faults->n == before) {
		rc = space_count(space, parser->err);
		feasible_check(parser, space);
	}
	*out = space;
	return rc;
}

int space_parse(const char *space_json, const char *constraints_json, const char *canonical_json,
	struct arena *arena, const struct space **out, struct faults *faults, struct error *err)
{
	static const char *const names[3] = { "search_space", "parameter_constraints",
		"canonical" };
	const char *const texts[3] = { space_json, constraints_json, canonical_json };
	json_t *parts[3] = { NULL, NULL, NULL };
	struct parser parser = { .arena = arena, .faults = faults, .err = err };
	struct space *space = NULL;
	size_t before = faults->n;
	int rc = 0;

	buffer_init(&parser.text, LIMIT_BULK_BODY_BYTES);
	for (size_t i = 0; !rc && i < 3; i++)
		if (texts[i])
			rc = read_part(&parser, names[i], texts[i], &parts[i]);
	if (!rc)
		rc = parts_read(&parser, parts, &space);
	if (!rc && faults->n > before)
		rc = fail(err, CODE_INVALID, "the search space has faults");
	if (!rc)
		*out = space;
	for (size_t i = 0; i < 3; i++)
		json_decref(parts[i]);
	free(parser.drafts);
	buffer_release(&parser.text);
	return rc;
}
