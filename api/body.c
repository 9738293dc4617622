#include "api/body.h"

#include <math.h>
#include <string.h>

#include "api/problem.h"
#include "api/route.h"
#include "core/json.h"
#include "core/spec.h"
#include "core/time_text.h"

#define EXACT_INTEGERS 9007199254740992.0 /* 2^53 */

json_t *body_json(struct call *call)
{
	struct error err;
	json_t *out;

	if (call->body.size == 0 && call->route->flags & ROUTE_OPTIONAL) {
		out = json_object();
		if (!out)
			problem_replyf(call, CODE_NO_MEMORY, "no memory for the request");
		return out;
	}
	if (call->body.size == 0) {
		problem_replyf(call, CODE_MALFORMED, "the body is empty; it must be JSON");
		return NULL;
	}
	if (json_read(call->body.data, call->body.size, &out, &err)) {
		problem_reply(call, &err, NULL);
		return NULL;
	}
	return out;
}

const char *body_text(struct call *call, const json_t *value)
{
	struct buffer text;
	const char *out = NULL;

	buffer_init(&text, (size_t)LIMIT_BULK_BODY_BYTES * 6); /* escapes may lengthen it */
	if (json_write(value, &text, NULL) == 0)
		out = arena_strndup(&call->arena, buffer_text(&text), text.size);
	buffer_release(&text);
	return out;
}

/* ---- one field ---- */

struct place {
	const struct field *field;
	const struct path *at;
	struct faults *faults;
	struct arena *arena;
	char *out;
};

static void range_fault(const struct place *place, const char *what, const char *unit)
{
	const struct field *field = place->field;

	if (field->low == 0 && field->high == 0)
		fault_add(place->faults, place->at, "must be %s", what);
	else if (isinf(field->high))
		fault_add(place->faults, place->at, "must be %s of at least %.17g%s", what,
			field->low, unit);
	else
		fault_add(place->faults, place->at, "must be %s from %.17g to %.17g%s", what,
			field->low, field->high, unit);
}

static bool in_range(const struct field *field, double x)
{
	return (field->low == 0 && field->high == 0) || (x >= field->low && x <= field->high);
}

static void take_string(const struct place *place, const json_t *value)
{
	if (!json_is_string(value) || !in_range(place->field, (double)json_string_length(value))) {
		bool any = place->field->low == 0 && place->field->high == 0;
		if (any)
			fault_add(place->faults, place->at, "must be a string");
		else
			fault_add(place->faults, place->at,
				"must be a string of %.0f to %.0f bytes", place->field->low,
				place->field->high);
		return;
	}
	const char *copy =
		arena_strndup(place->arena, json_string_value(value), json_string_length(value));
	if (!copy)
		fault_add(place->faults, place->at, "no memory to keep it");
	else
		memcpy(place->out, &copy, sizeof(copy));
}

static void take_int(const struct place *place, const json_t *value)
{
	double x = json_number_value(value);
	bool whole = json_is_integer(value) ||
		     (json_is_real(value) && x == floor(x) && fabs(x) <= EXACT_INTEGERS);

	if (!whole || !in_range(place->field, x)) {
		range_fault(place, "an integer", "");
		return;
	}
	int64_t integer = json_is_integer(value) ? json_integer_value(value) : (int64_t)x;
	memcpy(place->out, &integer, sizeof(integer));
}

static void take_real(const struct place *place, const json_t *value)
{
	double x = json_number_value(value);

	if (!json_is_number(value) || !in_range(place->field, x))
		range_fault(place, "a number", "");
	else
		memcpy(place->out, &x, sizeof(x));
}

static void take_bool(const struct place *place, const json_t *value)
{
	bool flag = json_is_true(value);

	if (!json_is_boolean(value))
		fault_add(place->faults, place->at, "must be true or false");
	else
		memcpy(place->out, &flag, sizeof(flag));
}

static void take_duration(const struct place *place, const json_t *value)
{
	static const char what[] =
		"a duration: \"90s\", \"5m\", \"250ms\", or a number of seconds,";
	int64_t ms = -1;

	if (json_is_string(value))
		ms = duration_parse(json_string_value(value));
	else if (json_is_number(value) && fabs(json_number_value(value)) < EXACT_INTEGERS / 1000)
		ms = llround(json_number_value(value) * 1000);
	if (ms < 0 || !in_range(place->field, (double)ms))
		range_fault(place, what, " milliseconds");
	else
		memcpy(place->out, &ms, sizeof(ms));
}

static void take_time(const struct place *place, const json_t *value)
{
	int64_t ms;

	if (!json_is_string(value) || !time_parse(json_string_value(value), &ms))
		fault_add(place->faults, place->at,
			"must be a time as RFC 3339 writes it: \"2030-01-31T12:00:00Z\"");
	else
		memcpy(place->out, &ms, sizeof(ms));
}

static void take_object(const struct place *place, const json_t *value)
{
	if (!json_is_object(value))
		fault_add(place->faults, place->at, "must be an object");
	else
		memcpy(place->out, &value, sizeof(value));
}

static void take_array(const struct place *place, const json_t *value)
{
	if (!json_is_array(value) || !in_range(place->field, (double)json_array_size(value)))
		range_fault(place, "an array", " items");
	else
		memcpy(place->out, &value, sizeof(value));
}

static void take_json(const struct place *place, const json_t *value)
{
	memcpy(place->out, &value, sizeof(value));
}

static void (*const takers[])(const struct place *place, const json_t *value) = {
	[FIELD_STRING] = take_string,
	[FIELD_INT] = take_int,
	[FIELD_REAL] = take_real,
	[FIELD_BOOL] = take_bool,
	[FIELD_DURATION] = take_duration,
	[FIELD_TIME] = take_time,
	[FIELD_OBJECT] = take_object,
	[FIELD_ARRAY] = take_array,
	[FIELD_JSON] = take_json,
};

/* ---- the object ---- */

static void unknown_fault(
	const struct field *fields, const char *name, const struct path *at, struct faults *faults)
{
	char known[FAULT_MESSAGE_MAX] = "";
	size_t used = 0;

	for (const struct field *field = fields; field->name; field++) {
		size_t n = strlen(field->name);
		if (used + n + 8 > sizeof(known))
			break;
		memcpy(known + used, used ? ", " : "", used ? 2 : 0);
		used += used ? 2 : 0;
		memcpy(known + used, field->name, n + 1);
		used += n;
	}
	struct path leaf = { .up = at, .name = name };
	fault_add(faults, &leaf, "unknown field; known here: %s", *known ? known : "none");
}

static bool known(const struct field *fields, const char *name)
{
	while (fields->name && strcmp(fields->name, name) != 0)
		fields++;
	return fields->name;
}

bool body_decode(struct call *call, const json_t *document, const struct path *at,
	const struct field *fields, void *out, struct faults *faults)
{
	size_t before = faults->n;
	const char *name;
	json_t *value;

	if (!json_is_object(document)) {
		fault_add(faults, at, "must be an object");
		return false;
	}
	for (const struct field *field = fields; field->name; field++) {
		struct path leaf = { .up = at, .name = field->name };
		struct place place = { .field = field,
			.at = &leaf,
			.faults = faults,
			.arena = &call->arena,
			.out = (char *)out + field->offset };
		value = json_object_get(document, field->name);
		bool absent = !value || (json_is_null(value) && field->flags & FIELD_NULLABLE);
		if (!absent)
			takers[field->type](&place, value);
		else if (field->flags & FIELD_REQUIRED)
			fault_add(faults, &leaf, "is required");
	}
	/* jansson iterates objects that it does not change, but wants them without const. */
	json_t *walked = (json_t *)(uintptr_t)document;
	json_object_foreach(walked, name, value)
	{
		if (!known(fields, name))
			unknown_fault(fields, name, at, faults);
	}
	return faults->n == before;
}
