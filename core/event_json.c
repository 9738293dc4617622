/*
 * Events as JSON. One table says which field is called what, where it lies, of which type it is
 * and which kinds of event may or must carry it; one codec per type does the rest.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "core/base64.h"
#include "core/event.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/metrics_json.h"
#include "core/text.h"
#include "core/time_text.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define ON(kind) (1u << (kind))

/* What makes a trial, what hands one out, what comes from a worker. */
#define BIRTHS	 (ON(EVENT_SUGGESTED) | ON(EVENT_ENQUEUED) | ON(EVENT_SEEDED))
#define HAND_OUT (ON(EVENT_SUGGESTED) | ON(EVENT_ASSIGNED))
#define WORKERS	 (ON(EVENT_REPORTED) | ON(EVENT_OBSERVED) | ON(EVENT_FAILED))
#define SPECS	 (ON(EVENT_CREATED) | ON(EVENT_EDITED))
/* Of the experiment itself; all others are of a trial. */
#define EXPERIMENT (SPECS | ON(EVENT_STATUS))
#define TRIAL	   (ON(EVENT_KIND_COUNT) - 1 - EXPERIMENT)

struct field;

/* One reading. */
struct reading {
	struct event *event;
	struct arena *arena;
	struct error *err;
	bool foreign; /* bounds are checked too: not for what we have stored ourselves */
};

/* How fields of one type are told to be there, written and read. */
struct codec {
	bool (*present)(const struct event *event, const struct field *field);
	void (*write)(const struct event *event, const struct field *field, struct buffer *out);
	int (*read)(const struct reading *reading, const struct field *field, const json_t *value);
};

struct field {
	const char *name;
	const struct codec *codec;
	size_t offset;
	unsigned kinds, required; /* masks of ON(kind) */
	size_t limit;		  /* bytes, for foreign events; 0: none but the document's */
};

static const void *field_of(const struct event *event, const struct field *field)
{
	return (const char *)event + field->offset;
}

static void *place_of(const struct reading *reading, const struct field *field)
{
	return (char *)reading->event + field->offset;
}

static int invalid(const struct reading *reading, const struct field *field, const char *what)
{
	return fail(reading->err, CODE_INVALID, "event: \"%s\" %s", field->name, what);
}

static int no_memory(const struct reading *reading)
{
	return fail(reading->err, CODE_NO_MEMORY, "no memory for an event");
}

static int too_long(const struct reading *reading, const struct field *field, size_t size)
{
	if (!reading->foreign || !field->limit || size <= field->limit)
		return 0;
	return fail(reading->err, CODE_INVALID, "event: \"%s\" must be at most %zu bytes, is %zu",
		field->name, field->limit, size);
}

/* ---- JSON objects, kept as text ---- */

static bool text_present(const struct event *event, const struct field *field)
{
	const char *const *text = field_of(event, field);
	return *text != NULL;
}

/* White space between tokens is dropped: an event is one line, wherever its parts come from. */
static void json_write_field(
	const struct event *event, const struct field *field, struct buffer *out)
{
	const char *const *text = field_of(event, field);
	const char *from = *text, *c = from;

	for (bool in_string = false; *c; c++) {
		if (*c == '"') {
			in_string = !in_string;
		} else if (in_string && *c == '\\' && c[1]) {
			c++;
		} else if (!in_string && strchr(" \t\r\n", *c)) {
			buffer_add(out, from, (size_t)(c - from));
			from = c + 1;
		}
	}
	buffer_add(out, from, (size_t)(c - from));
}

static int json_read_field(
	const struct reading *reading, const struct field *field, const json_t *value)
{
	const char **place = place_of(reading, field);
	struct buffer text;

	if (!json_is_object(value))
		return invalid(reading, field, "must be an object");
	buffer_init(&text, SIZE_MAX / 2); /* the document it comes from is bounded */
	int rc = json_write(value, &text, reading->err);
	if (!rc)
		rc = too_long(reading, field, text.size);
	if (!rc) {
		*place = arena_strndup(reading->arena, buffer_text(&text), text.size);
		rc = *place ? 0 : no_memory(reading);
	}
	buffer_release(&text);
	return rc;
}

static const struct codec json_codec = { text_present, json_write_field, json_read_field };

/* ---- text ---- */

static void text_write(const struct event *event, const struct field *field, struct buffer *out)
{
	const char *const *text = field_of(event, field);
	json_write_string(out, *text);
}

static int text_read(const struct reading *reading, const struct field *field, const json_t *value)
{
	const char **place = place_of(reading, field);

	if (!json_is_string(value))
		return invalid(reading, field, "must be a string");
	size_t size = json_string_length(value);
	int rc = too_long(reading, field, size);
	if (rc)
		return rc;
	*place = arena_strndup(reading->arena, json_string_value(value), size);
	return *place ? 0 : no_memory(reading);
}

static const struct codec text_codec = { text_present, text_write, text_read };

/* ---- bytes ---- */

static bool bytes_present(const struct event *event, const struct field *field)
{
	const struct bytes *bytes = field_of(event, field);
	return bytes->size > 0;
}

static void bytes_write(const struct event *event, const struct field *field, struct buffer *out)
{
	const struct bytes *bytes = field_of(event, field);
	buffer_add_char(out, '"');
	base64_write(bytes->data, bytes->size, out);
	buffer_add_char(out, '"');
}

static int bytes_read(const struct reading *reading, const struct field *field, const json_t *value)
{
	struct bytes *place = place_of(reading, field);
	size_t size;

	if (!json_is_string(value) ||
		!base64_check(json_string_value(value), json_string_length(value), &size))
		return invalid(reading, field, "must be base64");
	int rc = too_long(reading, field, size);
	if (rc)
		return rc;
	place->data =
		base64_read(json_string_value(value), json_string_length(value), reading->arena);
	place->size = size;
	return place->data ? 0 : no_memory(reading);
}

static const struct codec bytes_codec = { bytes_present, bytes_write, bytes_read };

/* ---- metrics ---- */

static bool metrics_present(const struct event *event, const struct field *field)
{
	(void)field;
	return event->n_metrics > 0;
}

static void metrics_write_field(
	const struct event *event, const struct field *field, struct buffer *out)
{
	(void)field;
	metrics_write(event->metrics, event->n_metrics, out);
}

static int metrics_read_field(
	const struct reading *reading, const struct field *field, const json_t *value)
{
	if (reading->foreign && json_object_size(value) > field->limit)
		return invalid(reading, field, "has too many values");
	return metrics_of_json(value, reading->arena, &reading->event->metrics,
		&reading->event->n_metrics, reading->err);
}

static const struct codec metrics_codec = { metrics_present, metrics_write_field,
	metrics_read_field };

/* ---- numbers ---- */

static int integer_read(const struct reading *reading, const struct field *field,
	const json_t *value, int64_t least)
{
	int64_t *place = place_of(reading, field);

	if (!json_is_integer(value) || json_integer_value(value) < least)
		return fail(reading->err, CODE_INVALID,
			"event: \"%s\" must be an integer, at least %lld", field->name,
			(long long)least);
	*place = json_integer_value(value);
	return 0;
}

static void integer_write(const struct event *event, const struct field *field, struct buffer *out)
{
	const int64_t *n = field_of(event, field);
	buffer_printf(out, "%lld", (long long)*n);
}

/* A number of a trial: -1 is none. */
static bool number_present(const struct event *event, const struct field *field)
{
	const int64_t *n = field_of(event, field);
	return *n != -1;
}

static int number_read(
	const struct reading *reading, const struct field *field, const json_t *value)
{
	return integer_read(reading, field, value, 0);
}

static const struct codec number_codec = { number_present, integer_write, number_read };

/* A time span or a version: 0 is none. Versions are unsigned but never come near 2^63. */
static bool count_present(const struct event *event, const struct field *field)
{
	const int64_t *n = field_of(event, field);
	return *n != 0;
}

static int count_read(const struct reading *reading, const struct field *field, const json_t *value)
{
	return integer_read(reading, field, value, 1);
}

static const struct codec count_codec = { count_present, integer_write, count_read };

static bool real_present(const struct event *event, const struct field *field)
{
	const double *x = field_of(event, field);
	return !isnan(*x);
}

static void real_write(const struct event *event, const struct field *field, struct buffer *out)
{
	const double *x = field_of(event, field);
	json_write_number(out, *x, true);
}

static int real_read(const struct reading *reading, const struct field *field, const json_t *value)
{
	double *place = place_of(reading, field), x;
	if (!json_metric(value, &x) || isnan(x))
		return invalid(reading, field, "must be a number");
	*place = x;
	return 0;
}

static const struct codec real_codec = { real_present, real_write, real_read };

/* ---- names and flags ---- */

static bool state_present(const struct event *event, const struct field *field)
{
	(void)field;
	return event->state != 0;
}

static void state_write(const struct event *event, const struct field *field, struct buffer *out)
{
	(void)field;
	json_write_string(out, trial_state_name(event->state));
}

static int state_read(const struct reading *reading, const struct field *field, const json_t *value)
{
	const char *name = json_string_value(value);
	enum trial_state state;
	if (!name || !trial_state_parse(name, &state) ||
		(state != TRIAL_SUCCEEDED && state != TRIAL_FAILED))
		return invalid(reading, field, "must be \"succeeded\" or \"failed\"");
	reading->event->state = state;
	return 0;
}

static const struct codec state_codec = { state_present, state_write, state_read };

static bool status_present(const struct event *event, const struct field *field)
{
	(void)field;
	return event->status != 0;
}

static void status_write(const struct event *event, const struct field *field, struct buffer *out)
{
	(void)field;
	json_write_string(out, experiment_status_name(event->status));
}

static int status_read(
	const struct reading *reading, const struct field *field, const json_t *value)
{
	const char *name = json_string_value(value);
	if (!name || !experiment_status_parse(name, &reading->event->status))
		return invalid(reading, field, "is not a status of an experiment");
	return 0;
}

static const struct codec status_codec = { status_present, status_write, status_read };

static bool flag_present(const struct event *event, const struct field *field)
{
	const bool *flag = field_of(event, field);
	return *flag;
}

static void flag_write(const struct event *event, const struct field *field, struct buffer *out)
{
	const bool *flag = field_of(event, field);
	buffer_add_text(out, *flag ? "true" : "false");
}

static int flag_read(const struct reading *reading, const struct field *field, const json_t *value)
{
	bool *place = place_of(reading, field);
	if (!json_is_boolean(value))
		return invalid(reading, field, "must be true or false");
	*place = json_is_true(value);
	return 0;
}

static const struct codec flag_codec = { flag_present, flag_write, flag_read };

/* ---- the table ---- */

#define AT(member) offsetof(struct event, member)

static const struct field fields[] = {
	{ "parameters", &json_codec, AT(parameters), BIRTHS, BIRTHS, LIMIT_BODY_BYTES },
	{ "state", &state_codec, AT(state), ON(EVENT_SEEDED), ON(EVENT_SEEDED), 0 },
	{ "metrics", &metrics_codec, AT(metrics), WORKERS | ON(EVENT_SEEDED), 0,
		LIMIT_METRIC_NAMES },
	{ "tag", &bytes_codec, AT(tag), BIRTHS | HAND_OUT | ON(EVENT_PAUSED), 0, LIMIT_TAG },
	{ "meta", &json_codec, AT(meta), BIRTHS | HAND_OUT, 0, LIMIT_ATTRIBUTES },
	{ "attributes", &json_codec, AT(attributes), WORKERS | ON(EVENT_SEEDED), 0,
		LIMIT_ATTRIBUTES },
	{ "checkpoint", &text_codec, AT(checkpoint), WORKERS | ON(EVENT_PAUSED), 0, LIMIT_MESSAGE },
	{ "worker", &text_codec, AT(worker), TRIAL, 0, LIMIT_WORKER },
	{ "message", &text_codec, AT(message), TRIAL, 0, LIMIT_MESSAGE },
	{ "reason", &text_codec, AT(reason), EXPERIMENT, 0, LIMIT_MESSAGE },
	{ "spec", &json_codec, AT(spec), SPECS, SPECS, 0 },
	{ "status", &status_codec, AT(status), ON(EVENT_STATUS), ON(EVENT_STATUS), 0 },
	{ "lease_ms", &count_codec, AT(lease_ms), HAND_OUT, 0, 0 },
	{ "parent", &number_codec, AT(parent), BIRTHS | HAND_OUT, 0, 0 },
	{ "resource", &real_codec, AT(resource), BIRTHS | HAND_OUT | ON(EVENT_PAUSED), 0, 0 },
	{ "base_version", &count_codec, AT(base_version), BIRTHS | HAND_OUT, 0, 0 },
	{ "lost", &flag_codec, AT(lost), ON(EVENT_EXPIRED), 0, 0 },
	{ "late", &flag_codec, AT(late), ON(EVENT_REPORTED), 0, 0 },
	{ "revive", &flag_codec, AT(revive), ON(EVENT_EDITED), 0, 0 },
};

static const char *const heads[] = { "version", "type", "trial", "attempt", "step", "at" };

/* ---- writing ---- */

/* The members, each with a comma before it but the first if bare. */
static void write_fields(const struct event *event, bool bare, struct buffer *out)
{
	unsigned kind = ON(event->kind);

	for (size_t i = 0; i < COUNT(fields); i++) {
		const struct field *field = &fields[i];
		bool present = field->codec->present(event, field);
		/* A field the log cannot carry would be lost at the next reading. */
		assert(!present || (field->kinds & kind));
		if (!present && !(field->required & kind))
			continue;
		buffer_printf(out, "%s\"%s\":", bare ? "" : ",", field->name);
		field->codec->write(event, field, out);
		bare = false;
	}
}

void event_write_body(const struct event *event, struct buffer *out)
{
	buffer_add_char(out, '{');
	write_fields(event, true, out);
	buffer_add_char(out, '}');
}

void event_write(const struct event *event, struct buffer *out)
{
	char at[TIME_TEXT_SIZE];

	time_write(event->at_ms, at);
	buffer_printf(out, "{\"version\":%llu,\"type\":\"%s\"", (unsigned long long)event->version,
		event_kind_name(event->kind));
	if (event->trial >= 0)
		buffer_printf(out, ",\"trial\":%lld", (long long)event->trial);
	if (event->attempt)
		buffer_printf(out, ",\"attempt\":%u", event->attempt);
	if (event->step >= 0)
		buffer_printf(out, ",\"step\":%lld", (long long)event->step);
	buffer_printf(out, ",\"at\":\"%s\"", at);
	write_fields(event, false, out);
	buffer_add_char(out, '}');
}

/* ---- reading ---- */

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static bool is_head(const char *name)
{
	for (size_t i = 0; i < COUNT(heads); i++)
		if (strcmp(heads[i], name) == 0)
			return true;
	return false;
}

/* Every member but the heads, if they are there, into reading->event, whose kind is set. */
static int read_fields(const struct reading *reading, json_t *object, bool with_heads)
{
	unsigned kind = ON(reading->event->kind);
	const char *kind_name = event_kind_name(reading->event->kind), *name;
	json_t *value;
	char excerpt[64];

	json_object_foreach(object, name, value)
	{
		if (with_heads && is_head(name))
			continue;
		const struct field *field = find_field(name);
		if (!field || !(field->kinds & kind))
			return fail(reading->err, CODE_INVALID, "event: %s has no field \"%s\"",
				kind_name, text_excerpt(name, excerpt, sizeof(excerpt)));
		int rc = field->codec->read(reading, field, value);
		if (rc)
			return rc;
	}
	for (size_t i = 0; i < COUNT(fields); i++)
		if ((fields[i].required & kind) && !json_object_get(object, fields[i].name))
			return fail(reading->err, CODE_INVALID, "event: %s must have \"%s\"",
				kind_name, fields[i].name);
	return 0;
}

static int read_object(const char *json, size_t size, json_t **out, struct error *err)
{
	json_t *object;
	int rc = json_read(json, size, &object, err);
	if (rc)
		return rc;
	if (!json_is_object(object)) {
		json_decref(object);
		return fail(err, CODE_INVALID, "event: must be an object");
	}
	*out = object;
	return 0;
}

int event_read_body(
	const char *json, size_t size, struct event *event, struct arena *arena, struct error *err)
{
	struct event copy = *event;
	const struct reading reading = { &copy, arena, err, false };
	json_t *object;

	int rc = read_object(json, size, &object, err);
	if (rc)
		return rc;
	rc = read_fields(&reading, object, false);
	json_decref(object);
	if (!rc)
		*event = copy;
	return rc;
}

/* An integer of the head from low to high; absent: untouched, a fault if it is required. */
static int read_head(const struct reading *reading, json_t *object, const char *name, int64_t low,
	int64_t high, bool required, int64_t *out)
{
	json_t *value = json_object_get(object, name);
	if (!value && !required)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < low ||
		json_integer_value(value) > high)
		return fail(reading->err, CODE_INVALID,
			"event: \"%s\" must be an integer from %lld to %lld", name, (long long)low,
			(long long)high);
	*out = json_integer_value(value);
	return 0;
}

/* Version, type, trial, attempt, step and time. */
static int read_heads(const struct reading *reading, json_t *object)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	const char *at = json_string_value(json_object_get(object, "at"));
	int64_t version = 0, trial = -1, attempt = 0, step = -1, at_ms;
	enum event_kind kind;

	if (!type || !event_kind_parse(type, &kind))
		return fail(reading->err, CODE_INVALID, "event: \"type\" is not a kind of event");
	if (!at || !time_parse(at, &at_ms))
		return fail(reading->err, CODE_INVALID, "event: \"at\" must be an RFC 3339 time");
	bool of_trial = TRIAL & ON(kind);
	if (!of_trial && (json_object_get(object, "trial") || json_object_get(object, "attempt") ||
				 json_object_get(object, "step")))
		return fail(reading->err, CODE_INVALID, "event: %s is of no trial", type);
	int rc = read_head(reading, object, "version", 1, INT64_MAX, true, &version);
	if (!rc)
		rc = read_head(reading, object, "trial", 0, LIMIT_TRIALS - 1, of_trial, &trial);
	if (!rc)
		rc = read_head(reading, object, "attempt", 0, UINT32_MAX, false, &attempt);
	if (!rc)
		rc = read_head(reading, object, "step", 0, INT64_MAX, false, &step);
	if (rc)
		return rc;
	event_init(reading->event, kind, trial);
	reading->event->version = (uint64_t)version;
	reading->event->attempt = (uint32_t)attempt;
	reading->event->step = step;
	reading->event->at_ms = at_ms;
	return 0;
}

int event_read(
	const char *json, size_t size, struct event *event, struct arena *arena, struct error *err)
{
	struct event read;
	const struct reading reading = { &read, arena, err, true };
	json_t *object = NULL;

	int rc = read_object(json, size, &object, err);
	if (rc)
		return rc;
	rc = read_heads(&reading, object);
	if (!rc)
		rc = read_fields(&reading, object, true);
	json_decref(object);
	if (!rc)
		*event = read;
	return rc;
}
