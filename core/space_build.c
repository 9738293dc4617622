/* From drafts to parameters: conditions resolved, parents before children, chained for writing. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/space_json.h"

/* Is draft c written in an object that encloses draft i, so that i may refer to it? */
static bool is_visible(const struct parser *parser, size_t i, size_t c)
{
	const struct parameter *candidate = &parser->drafts[c].p;
	const struct parameter *p = &parser->drafts[i].p;
	if (candidate->owner < 0)
		return true;
	for (; p->owner >= 0; p = &parser->drafts[p->owner].p)
		if (p->owner == candidate->owner && p->owner_option == candidate->owner_option)
			return true;
	return false;
}

/* The parameter that draft i calls by this name: an address, or the name of one written beside
 * it. -1 if there is none. */
static int parent_find(const struct parser *parser, size_t i, const char *name)
{
	const struct parameter *p = &parser->drafts[i].p;
	int beside = -1;
	for (size_t c = 0; c < parser->n; c++) {
		const struct parameter *candidate = &parser->drafts[c].p;
		if (!is_visible(parser, i, c))
			continue;
		if (strcmp(candidate->address, name) == 0)
			return (int)c;
		if (candidate->owner == p->owner && candidate->owner_option == p->owner_option &&
			strcmp(candidate->name, name) == 0)
			beside = (int)c;
	}
	return beside;
}

static int option_compare(const void *a, const void *b)
{
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	return (i > j) - (i < j);
}

/* The values of one _when entry, as options of the parent. */
static int options_read(struct parser *parser, const json_t *values, const struct parameter *parent,
	const struct path *at, struct condition *condition)
{
	size_t n = json_array_size(values);
	uint32_t *options = arena_array(parser->arena, n, sizeof(*options));
	if (!options)
		return no_memory(parser);
	for (size_t k = 0; k < n; k++) {
		struct path here = { at, NULL, k };
		double x;
		if (parameter_read(parent, json_array_get(values, k), &here, parser->faults, &x))
			options[k] = (uint32_t)parameter_index(parent, x);
	}
	qsort(options, n, sizeof(*options), option_compare);
	size_t distinct = 0;
	for (size_t k = 0; k < n; k++)
		if (k == 0 || options[k] != options[k - 1])
			options[distinct++] = options[k];
	condition->options = options;
	condition->n = distinct;
	return 0;
}

static int condition_read(struct parser *parser, size_t i, const char *name, const json_t *values,
	const struct path *at, struct condition *condition, bool *usable)
{
	struct path here = { at, name, 0 };
	int parent = parent_find(parser, i, name);
	const struct draft *draft = parent < 0 ? NULL : &parser->drafts[parent];
	*usable = false;
	if (!draft)
		fault_add(parser->faults, &here,
			"there is no parameter %s at the top level or in the same branch", name);
	else if ((size_t)parent == i)
		fault_add(parser->faults, &here, "a parameter cannot depend on itself");
	else if (!json_is_array(values) || json_array_size(values) == 0)
		fault_add(parser->faults, &here,
			"must be a list of the values of %s that activate this parameter", name);
	else if (draft->broken)
		return 0; /* has been reported; what its values are is unknown */
	else if (draft->p.n_values == 0 || draft->p.n_values > UINT32_MAX)
		fault_add(parser->faults, &here,
			"%s is continuous: only a parameter with countable values can be a parent",
			name);
	else {
		*usable = true;
		condition->parent = parent;
		return options_read(parser, values, &draft->p, &here, condition);
	}
	return 0;
}

static int draft_conditions(struct parser *parser, size_t i)
{
	struct draft *draft = &parser->drafts[i];
	struct parameter *p = &draft->p;
	struct draft_path path;
	const struct path *at = draft_path(parser, i, "_when", &path);
	if (draft->when && (!json_is_object(draft->when) || json_object_size(draft->when) == 0)) {
		fault_add(parser->faults, at,
			"must be an object: {\"parent\": [values that activate this parameter]}");
		draft->when = NULL;
	}
	size_t room = (p->owner >= 0) + json_object_size(draft->when);
	struct condition *conditions = arena_array(parser->arena, room, sizeof(*conditions));
	if (!conditions)
		return no_memory(parser);
	p->conditions = conditions;
	if (p->owner >= 0) {
		const uint32_t *branch =
			arena_copy(parser->arena, &p->owner_option, sizeof(p->owner_option));
		if (!branch)
			return no_memory(parser);
		conditions[p->n_conditions++] = (struct condition){ p->owner, 1, branch };
	}
	const char *name;
	json_t *values;
	json_object_foreach(draft->when, name, values)
	{
		bool usable;
		int rc = condition_read(
			parser, i, name, values, at, &conditions[p->n_conditions], &usable);
		if (rc)
			return rc;
		p->n_conditions += usable;
	}
	return 0;
}

int conditions_read(struct parser *parser)
{
	for (size_t i = 0; i < parser->n; i++) {
		int rc = draft_conditions(parser, i);
		if (rc)
			return rc;
	}
	return 0;
}

/* Every draft without a place waits for another one, so walking from parent to parent ends in a
 * loop: report one of its members. */
static void cycle_report(struct parser *parser, const int *place, size_t i)
{
	for (size_t step = 0; step < parser->n; step++) {
		const struct parameter *p = &parser->drafts[i].p;
		size_t c = 0;
		while (place[p->conditions[c].parent] >= 0) {
			c++;
			assert(c < p->n_conditions);
		}
		i = (size_t)p->conditions[c].parent;
	}
	struct draft_path path;
	fault_add(parser->faults, draft_path(parser, i, NULL, &path)->up,
		"the conditions form a cycle: %s depends on itself", parser->drafts[i].p.address);
}

/* place[i]: where draft i goes, such that parents stand before children and otherwise the order
 * of declaration is kept. False: a cycle, reported. */
static bool drafts_order(struct parser *parser, int *place)
{
	size_t placed = 0;
	for (size_t i = 0; i < parser->n; i++)
		place[i] = -1;
	while (placed < parser->n) {
		size_t before = placed, stuck = 0;
		for (size_t i = 0; i < parser->n; i++) {
			const struct parameter *p = &parser->drafts[i].p;
			bool ready = place[i] < 0;
			for (size_t c = 0; ready && c < p->n_conditions; c++)
				ready = place[p->conditions[c].parent] >= 0;
			if (ready)
				place[i] = (int)placed++;
			else if (place[i] < 0)
				stuck = i;
		}
		if (placed == before) {
			cycle_report(parser, place, stuck);
			return false;
		}
	}
	return true;
}

/* Draft i becomes parameter place[i]; its references follow. */
static int parameter_place(
	struct parser *parser, size_t i, const int *place, struct parameter *parameters)
{
	struct parameter *p = &parameters[place[i]];
	*p = parser->drafts[i].p;
	if (p->owner >= 0)
		p->owner = place[p->owner];
	struct condition *conditions =
		arena_copy(parser->arena, p->conditions, p->n_conditions * sizeof(*conditions));
	if (!conditions)
		return no_memory(parser);
	for (size_t c = 0; c < p->n_conditions; c++)
		conditions[c].parent = place[conditions[c].parent];
	p->conditions = conditions;
	return 0;
}

/* Chains the parameters of each JSON object in declaration order: from the back, each goes in
 * front of those declared after it. Answers the first one at the top. */
static int links_make(struct parser *parser, const int *place, struct parameter *parameters)
{
	int top = -1;
	for (size_t i = 0; i < parser->n; i++)
		for (size_t k = 0; parser->drafts[i].heads && k < parser->drafts[i].p.n_options;
			k++)
			parser->drafts[i].heads[k] = -1;
	for (size_t i = parser->n; i-- > 0;) {
		const struct parameter *p = &parser->drafts[i].p;
		int *head = p->owner < 0 ? &top : &parser->drafts[p->owner].heads[p->owner_option];
		parameters[place[i]].next = *head;
		*head = place[i];
	}
	return top;
}

int space_build(struct parser *parser, struct space **out)
{
	int place[LIMIT_PARAMETERS];
	struct space *space = arena_alloc(parser->arena, sizeof(*space));
	struct parameter *parameters = arena_array(parser->arena, parser->n, sizeof(*parameters));
	if (!space || !parameters)
		return no_memory(parser);
	if (!drafts_order(parser, place))
		return 0;
	for (size_t i = 0; i < parser->n; i++) {
		int rc = parameter_place(parser, i, place, parameters);
		if (rc)
			return rc;
	}
	space->n = parser->n;
	space->parameters = parameters;
	space->first = links_make(parser, place, parameters);
	*out = space;
	return 0;
}
