/* From the JSON that a trial sees back to a point. */
#include <math.h>
#include <string.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/space_json.h"
#include "core/text.h"

#define EXCERPT_SIZE 80 /* of an option shown in a message */

static bool number_read(const struct parameter *p, const json_t *value, const struct path *at,
	struct faults *faults, double *out)
{
	double x = json_number_value(value);
	if (!json_is_number(value)) {
		fault_add(faults, at, "must be a number");
		return false;
	}
	double legal = parameter_quantise(p, x);
	double slack = GRID_TOLERANCE * fmax(fmax(fabs(x), fabs(legal)), p->q);
	if (fabs(x - legal) <= slack) {
		*out = legal;
		return true;
	}
	if (x < p->low || x > p->high)
		fault_add(faults, at, "must be from %.15g to %.15g", p->low, p->high);
	else if (p->q > 0)
		fault_add(faults, at, "is not a value of this grid; a legal one near it is %.15g",
			legal);
	else
		fault_add(faults, at, "must be a number above 0");
	return false;
}

static bool option_read(const struct parameter *p, const json_t *value, const struct path *at,
	struct faults *faults, double *out)
{
	struct key128 key;
	json_key(value, &key);
	int64_t k = option_find(p, &key);
	if (k >= 0) {
		*out = (double)k;
		return true;
	}
	char such[EXCERPT_SIZE];
	fault_add(faults, at, "must be %s of the %zu options, such as %s",
		p->branches ? "the _name of one" : "one", p->n_options,
		text_excerpt(p->options[0], such, sizeof(such)));
	return false;
}

/* {"_value": ..., "_idx": ...} without more fields. False: reported. */
static bool wrapper_check(json_t *object, const struct path *at, struct faults *faults)
{
	const char *name;
	json_t *member;
	bool ok = true;
	json_object_foreach(object, name, member)
	{
		struct path here = { at, name, 0 };
		if (strcmp(name, "_value") == 0 || strcmp(name, "_idx") == 0)
			continue;
		fault_add(faults, &here, "unknown field: there are _value and _idx");
		ok = false;
	}
	return ok;
}

/* {"_value": "conv", "_idx": 1}; or the bare value. */
static bool layer_read(const struct parameter *p, json_t *value, const struct path *at,
	struct faults *faults, double *out)
{
	const json_t *inner = json_object_get(value, "_value");
	const json_t *index = json_object_get(value, "_idx");
	struct path value_at = { at, "_value", 0 }, index_at = { at, "_idx", 0 };
	double x;
	if (!inner)
		return option_read(p, value, at, faults, out);
	if (!wrapper_check(value, at, faults) || !option_read(p, inner, &value_at, faults, &x))
		return false;
	if (index && (!json_is_integer(index) || (double)json_integer_value(index) != x)) {
		fault_add(faults, &index_at, "is not the index of _value, which is %.0f", x);
		return false;
	}
	*out = x;
	return true;
}

/* One chosen candidate, by value or by index; -1: no such. */
static int64_t candidate_find(const struct parameter *p, const json_t *entry, bool by_index)
{
	struct key128 key;
	if (!by_index) {
		json_key(entry, &key);
		return option_find(p, &key);
	}
	json_int_t k = json_is_integer(entry) ? json_integer_value(entry) : -1;
	return k >= 0 && (uint64_t)k < p->n_candidates ? (int64_t)k : -1;
}

/* A list of candidates or of their indexes: distinct, in the order of the candidates, and as many
 * as n_chosen says. */
static bool selection_read(const struct parameter *p, const json_t *list, const struct path *at,
	bool by_index, struct faults *faults, struct selection *out)
{
	size_t n = json_array_size(list);
	if (!json_is_array(list) || n > p->n_candidates || (p->n_chosen && n != p->n_chosen)) {
		if (p->n_chosen)
			fault_add(faults, at, "must be a list of %zu of the %zu candidates",
				p->n_chosen, p->n_candidates);
		else
			fault_add(faults, at, "must be a list of at most %zu candidates",
				p->n_candidates);
		return false;
	}
	out->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct path here = { at, NULL, i };
		int64_t k = candidate_find(p, json_array_get(list, i), by_index);
		if (k < 0) {
			fault_add(faults, &here, "is not %s candidate",
				by_index ? "the index of a" : "a");
			return false;
		}
		if (i > 0 && (uint32_t)k <= out->picked[i - 1]) {
			fault_add(
				faults, &here, "stands out of order: keep that of the candidates");
			return false;
		}
		out->picked[out->n++] = (uint32_t)k;
	}
	return true;
}

/* {"_value": [...], "_idx": [...]}, either of them alone, or the bare list of values. */
static bool input_read(const struct parameter *p, json_t *value, const struct path *at,
	struct faults *faults, double *out)
{
	struct selection by_value, by_index;
	struct path value_at = { at, "_value", 0 }, index_at = { at, "_idx", 0 };
	const json_t *values = json_object_get(value, "_value");
	const json_t *indexes = json_object_get(value, "_idx");

	if (!json_is_object(value)) {
		if (!selection_read(p, value, at, false, faults, &by_value))
			return false;
		*out = (double)selection_rank(p, &by_value);
		return true;
	}
	if (!wrapper_check(value, at, faults))
		return false;
	if (!values && !indexes) {
		fault_add(faults, at, "needs _value, the list of the chosen candidates");
		return false;
	}
	if (values && !selection_read(p, values, &value_at, false, faults, &by_value))
		return false;
	if (indexes && !selection_read(p, indexes, &index_at, true, faults, &by_index))
		return false;
	uint64_t k = selection_rank(p, values ? &by_value : &by_index);
	if (values && indexes && selection_rank(p, &by_index) != k) {
		fault_add(faults, &index_at, "does not say the same as _value");
		return false;
	}
	*out = (double)k;
	return true;
}

bool parameter_read(const struct parameter *p, json_t *value, const struct path *at,
	struct faults *faults, double *out)
{
	if (p->type == TYPE_LAYER_CHOICE)
		return layer_read(p, value, at, faults, out);
	if (p->type == TYPE_INPUT_CHOICE)
		return input_read(p, value, at, faults, out);
	if (p->n_options > 0)
		return option_read(p, value, at, faults, out);
	return number_read(p, value, at, faults, out);
}

/* One space_read under way. */
struct reader {
	const struct space *space;
	struct faults *faults;
	bool complete;
	double *x;
	json_t *root;
	/* Of nested choices: the object that stands for it, NULL if there is none to look into. */
	json_t *objects[LIMIT_PARAMETERS];
	/* Members of that object that are parameters of the branch; the root's at the end. */
	size_t used[LIMIT_PARAMETERS + 1];
};

struct value_path {
	struct path links[LIMIT_SPACE_DEPTH + 3];
};

/* /parameters/op/rate, rebuilt from the owners: only faults need it. */
static const struct path *parameter_path(
	const struct space *space, size_t i, const char *member, struct value_path *out)
{
	struct path *link = out->links;
	if (member)
		*link++ = (struct path){ NULL, member, 0 };
	for (int p = (int)i; p >= 0; p = space->parameters[p].owner)
		*link++ = (struct path){ NULL, space->parameters[p].name, 0 };
	*link = (struct path){ NULL, "parameters", 0 };
	for (struct path *l = out->links; l < link; l++)
		l->up = l + 1;
	return out->links;
}

/* A nested choice is {"_name": ..., children}; the children wait for their own turn. */
static void nested_read(struct reader *reader, size_t i, json_t *value)
{
	const struct parameter *p = &reader->space->parameters[i];
	struct value_path path;
	char such[EXCERPT_SIZE];
	json_t *name = json_object_get(value, "_name");
	if (!name)
		fault_add(reader->faults, parameter_path(reader->space, i, NULL, &path),
			"must be an object with _name, such as {\"_name\": %s, ...}",
			text_excerpt(p->options[0], such, sizeof(such)));
	else if (option_read(p, name, parameter_path(reader->space, i, "_name", &path),
			 reader->faults, &reader->x[i]))
		reader->objects[i] = value;
}

static bool branch_taken(const struct reader *reader, const struct parameter *p)
{
	return p->owner < 0 || reader->x[p->owner] == (double)p->owner_option;
}

static void one_read(struct reader *reader, size_t i)
{
	const struct space *space = reader->space;
	const struct parameter *p = &space->parameters[i];
	struct value_path path;
	json_t *object = p->owner < 0 ? reader->root : reader->objects[p->owner];
	reader->x[i] = (double)NAN;
	reader->objects[i] = NULL;
	reader->used[i] = 0;
	if (!object || !branch_taken(reader, p))
		return;
	json_t *value = json_object_get(object, p->name);
	bool active = space_active(space, reader->x, i);
	if (value)
		reader->used[p->owner < 0 ? LIMIT_PARAMETERS : (size_t)p->owner]++;
	if (value && !active)
		fault_add(reader->faults, parameter_path(space, i, NULL, &path),
			"is not active: what it depends on is missing or has another value");
	else if (!value && active && !reader->complete)
		fault_add(reader->faults, parameter_path(space, i, NULL, &path), "is missing");
	else if (value && p->branches)
		nested_read(reader, i, value);
	else if (value)
		parameter_read(p, value, parameter_path(space, i, NULL, &path), reader->faults,
			&reader->x[i]);
}

static bool is_member(const struct space *space, int first, const char *name)
{
	for (int i = first; i >= 0; i = space->parameters[i].next)
		if (strcmp(space->parameters[i].name, name) == 0)
			return true;
	return false;
}

/* Reports the members of object that are none of the parameters chained from first. */
static void unknown_report(struct reader *reader, json_t *object, int first, int owner)
{
	const char *name;
	json_t *member;
	struct value_path path;
	json_object_foreach(object, name, member)
	{
		if (is_member(reader->space, first, name))
			continue;
		if (owner >= 0 && strcmp(name, "_name") == 0)
			continue;
		struct path top = { NULL, "parameters", 0 };
		struct path here = { &top, name, 0 };
		if (owner >= 0)
			here.up = parameter_path(reader->space, (size_t)owner, NULL, &path);
		fault_add(reader->faults, &here, "there is no such parameter%s",
			owner >= 0 ? " in this branch" : "");
	}
}

static void unknown_check(struct reader *reader)
{
	const struct space *space = reader->space;
	if (json_object_size(reader->root) != reader->used[LIMIT_PARAMETERS])
		unknown_report(reader, reader->root, space->first, -1);
	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *p = &space->parameters[i];
		json_t *object = reader->objects[i];
		if (object && json_object_size(object) != reader->used[i] + 1) /* _name */
			unknown_report(
				reader, object, p->branch_first[(size_t)reader->x[i]], (int)i);
	}
}

int space_read(const struct space *space, const char *json, bool complete, double *x,
	struct faults *faults, struct error *err)
{
	struct reader reader;
	size_t before = faults->n;
	json_t *root;
	int rc = json_read(json, strlen(json), &root, err);
	if (rc)
		return rc;
	struct path at = { NULL, "parameters", 0 };
	if (json_is_object(root)) {
		reader.space = space;
		reader.faults = faults;
		reader.complete = complete;
		reader.x = x;
		reader.root = root;
		reader.used[LIMIT_PARAMETERS] = 0;
		for (size_t i = 0; i < space->n; i++)
			one_read(&reader, i);
		unknown_check(&reader);
	} else {
		fault_add(faults, &at, "must be an object of parameters");
	}
	json_decref(root);
	return faults->n > before ? fail(err, CODE_INVALID, "the parameters have faults") : 0;
}
