#include "core/canonical.h"

#include <math.h>
#include <string.h>

#include "core/limits.h"
#include "core/space_internal.h"

/* Reading one declaration. */
struct declaration {
	const struct space *space;
	struct arena *arena;
	struct faults *faults;
	bool *is_slot; /* per parameter, over all groups */
};

static int slots_read(struct declaration *declaration, const json_t *list, const struct path *at,
	struct canonical_group *group)
{
	size_t n = json_array_size(list);
	struct path list_at = { at, "sequence", 0 };
	if (n == 0) {
		fault_add(declaration->faults, &list_at,
			"must be a list of the parameters that form the sequence");
		return 0;
	}
	int *slots = arena_array(declaration->arena, n, sizeof(*slots));
	if (!slots)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct path here = { &list_at, NULL, i };
		const char *address = json_string_value(json_array_get(list, i));
		int slot = address ? space_find(declaration->space, address) : -1;
		if (!address)
			fault_add(declaration->faults, &here, "must be a parameter's name");
		else if (slot < 0)
			fault_add(declaration->faults, &here, "there is no parameter %s", address);
		else if (declaration->is_slot[slot])
			fault_add(declaration->faults, &here, "%s is a step of a sequence already",
				address);
		else {
			declaration->is_slot[slot] = true;
			slots[group->n_slots++] = slot;
		}
	}
	group->slots = slots;
	return 0;
}

/* Can the parameter take the value of that key? */
static bool has_value(const struct parameter *p, const json_t *value, const struct key128 *key)
{
	if (p->n_options > 0)
		return p->type != TYPE_INPUT_CHOICE && option_find(p, key) >= 0;
	double x = json_number_value(value);
	return json_is_number(value) && parameter_quantise(p, x) == x;
}

static int ignored_read(struct declaration *declaration, const json_t *list, const struct path *at,
	struct canonical_group *group)
{
	size_t n = json_array_size(list);
	struct path list_at = { at, "ignore", 0 };
	if (list && !json_is_array(list)) {
		fault_add(declaration->faults, &list_at, "must be a list of options");
		return 0;
	}
	struct key128 *keys = arena_array(declaration->arena, n, sizeof(*keys));
	if (!keys)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct path here = { &list_at, NULL, i };
		const json_t *value = json_array_get(list, i);
		bool known = false;
		json_key(value, &keys[i]);
		for (size_t s = 0; s < group->n_slots && !known; s++)
			known = has_value(
				&declaration->space->parameters[group->slots[s]], value, &keys[i]);
		if (!known && group->n_slots > 0)
			fault_add(declaration->faults, &here,
				"no step of the sequence has this option");
	}
	group->ignored = keys;
	group->n_ignored = n;
	return 0;
}

static bool flag_read(struct declaration *declaration, json_t *object, const struct path *at,
	const char *name, bool fallback)
{
	const json_t *value = json_object_get(object, name);
	struct path here = { at, name, 0 };
	if (value && !json_is_boolean(value))
		fault_add(declaration->faults, &here, "must be true or false");
	return value ? json_is_true(value) : fallback;
}

static int group_read(struct declaration *declaration, json_t *object, const struct path *at,
	struct canonical_group *group)
{
	static const char *const known[] = { "sequence", "ignore", "ordered", "no_repeats" };
	if (!json_is_object(object)) {
		fault_add(declaration->faults, at,
			"must be an object such as {\"sequence\": [\"op_1\", \"op_2\"], "
			"\"ignore\": [\"none\"]}");
		return 0;
	}
	const char *name;
	json_t *member;
	json_object_foreach(object, name, member)
	{
		bool found = false;
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			found = found || strcmp(known[i], name) == 0;
		struct path here = { at, name, 0 };
		if (!found)
			fault_add(declaration->faults, &here,
				"unknown field: there are sequence, ignore, ordered and "
				"no_repeats");
	}
	group->ordered = flag_read(declaration, object, at, "ordered", true);
	group->no_repeats = flag_read(declaration, object, at, "no_repeats", false);
	int rc = slots_read(declaration, json_object_get(object, "sequence"), at, group);
	return rc ? rc : ignored_read(declaration, json_object_get(object, "ignore"), at, group);
}

/* Marks the slots and what is written inside them. A slot inside a slot is a fault. */
static void cover(const struct declaration *declaration, const struct path *at, bool *covered)
{
	const struct space *space = declaration->space;
	for (size_t i = 0; i < space->n; i++) {
		int owner = space->parameters[i].owner;
		covered[i] = declaration->is_slot[i] || (owner >= 0 && covered[owner]);
		if (declaration->is_slot[i] && owner >= 0 && covered[owner])
			fault_add(declaration->faults, at,
				"%s is part of another step: a step cannot stand inside a step",
				space->parameters[i].address);
	}
}

int canonical_read(json_t *value, const struct space *space, const struct path *at,
	struct arena *arena, const struct canonical **out, struct faults *faults)
{
	bool is_list = json_is_array(value);
	size_t n = is_list ? json_array_size(value) : 1;
	struct canonical *canonical = arena_alloc(arena, sizeof(*canonical));
	struct canonical_group *groups = arena_array(arena, n, sizeof(*groups));
	bool *covered = arena_array(arena, space->n, sizeof(*covered));
	bool is_slot[LIMIT_PARAMETERS] = { false };
	struct declaration declaration = { space, arena, faults, is_slot };
	if (!canonical || !groups || !covered)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct path item = { at, NULL, i };
		int rc = group_read(&declaration, is_list ? json_array_get(value, i) : value,
			is_list ? &item : at, &groups[i]);
		if (rc)
			return rc;
	}
	cover(&declaration, at, covered);
	*canonical = (struct canonical){ n, groups, covered };
	*out = canonical;
	return 0;
}

bool canonical_covers(const struct canonical *canonical, size_t parameter)
{
	return canonical && canonical->covered[parameter];
}

/* The value of a slot, unless it is inactive or ignored: then false. */
static bool step_value(const struct canonical_group *group, const struct space *space,
	const double *x, size_t s, struct key128 *key)
{
	int slot = group->slots[s];
	if (isnan(x[slot]))
		return false;
	parameter_key(&space->parameters[slot], x[slot], key);
	for (size_t i = 0; i < group->n_ignored; i++)
		if (key_equal(key, &group->ignored[i]))
			return false;
	return true;
}

static void mix_key(struct key128 *key, const struct key128 *other)
{
	key_mix(key, other->low);
	key_mix(key, other->high);
}

/* Mixes in what is written inside a slot. Names and values are summed up, so that two slots which
 * declare the same sub-parameters in another order agree. */
static void inner_key(const struct space *space, const double *x, int slot, struct key128 *key)
{
	int after[LIMIT_SPACE_DEPTH + 1];
	struct key128 prefix[LIMIT_SPACE_DEPTH + 1], sum = { 0, 0 };
	size_t depth = 0;
	const struct parameter *p = &space->parameters[slot];
	int i = p->branches ? p->branch_first[(size_t)x[slot]] : -1;

	key_init(&prefix[0], 0);
	while (i >= 0 || depth > 0) {
		if (i < 0) {
			i = after[--depth];
			continue;
		}
		p = &space->parameters[i];
		int next = p->next;
		if (!isnan(x[i])) {
			struct key128 value, mine = prefix[depth];
			key_mix_bytes(&mine, p->name, strlen(p->name));
			parameter_key(p, x[i], &value);
			mix_key(&mine, &value);
			sum.low += mine.low;
			sum.high += mine.high;
			if (p->branches) {
				after[depth++] = next;
				prefix[depth] = mine;
				next = p->branch_first[(size_t)x[i]];
			}
		}
		i = next;
	}
	mix_key(key, &sum);
}

static void group_key(const struct canonical_group *group, const struct space *space,
	const double *x, struct key128 *key)
{
	struct key128 sum = { 0, 0 };
	size_t steps = 0;
	for (size_t s = 0; s < group->n_slots; s++) {
		struct key128 step;
		if (!step_value(group, space, x, s, &step))
			continue;
		inner_key(space, x, group->slots[s], &step);
		steps++;
		if (group->ordered)
			mix_key(key, &step);
		sum.low += step.low;
		sum.high += step.high;
	}
	if (!group->ordered)
		mix_key(key, &sum);
	key_mix(key, steps);
}

void canonical_key(const struct canonical *canonical, const struct space *space, const double *x,
	struct key128 *key)
{
	for (size_t g = 0; canonical && g < canonical->n_groups; g++)
		group_key(&canonical->groups[g], space, x, key);
}

static bool has_repeats(
	const struct canonical_group *group, const struct space *space, const double *x)
{
	struct key128 seen[LIMIT_PARAMETERS];
	size_t n = 0;
	for (size_t s = 0; s < group->n_slots; s++) {
		if (!step_value(group, space, x, s, &seen[n]))
			continue;
		for (size_t i = 0; i < n; i++)
			if (key_equal(&seen[i], &seen[n]))
				return true;
		n++;
	}
	return false;
}

bool canonical_holds(const struct canonical *canonical, const struct space *space, const double *x)
{
	for (size_t g = 0; canonical && g < canonical->n_groups; g++)
		if (canonical->groups[g].no_repeats && has_repeats(&canonical->groups[g], space, x))
			return false;
	return true;
}
