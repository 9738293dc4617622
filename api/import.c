/*
 * POST /v1/experiments/import: reads back what export wrote. The file is a stranger's: each line is
 * checked, a fault is told with its line, and a file that is not whole leaves nothing behind.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/allowance.h"
#include "api/body.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/transfer.h"
#include "core/json.h"

#define END_LINE_MAX 256

struct reading {
	const char *at; /* what is left of the body */
	size_t left;
	struct bytes line;
	size_t number; /* of line, from 1 */
	uint64_t events;
	struct arena arena; /* of one event */
};

/* The next line without its end; false: there is none. */
static bool next_line(struct reading *reading)
{
	if (!reading->left)
		return false;
	const char *end = memchr(reading->at, '\n', reading->left);
	size_t size = end ? (size_t)(end - reading->at) : reading->left;
	size_t step = end ? size + 1 : size;

	reading->line = (struct bytes){ reading->at, size };
	if (size > 0 && reading->at[size - 1] == '\r')
		reading->line.size--;
	reading->at += step;
	reading->left -= step;
	reading->number++;
	return true;
}

static int wrong(struct error *err, const char *what)
{
	return fail(err, CODE_INVALID, "%s", what);
}

static int read_header(struct reading *reading, struct error *err)
{
	json_t *header;

	if (!next_line(reading))
		return wrong(err, "the body is empty; it must be what export writes");
	int rc = json_read(reading->line.data, reading->line.size, &header, err);
	if (rc)
		return rc;
	const char *cairn = json_string_value(json_object_get(header, "cairn"));
	json_int_t format = json_integer_value(json_object_get(header, "format"));
	if (!cairn || strcmp(cairn, "export") != 0)
		rc = wrong(err, "the first line is not the header of an export");
	else if (format != EXPORT_FORMAT)
		rc = fail(err, CODE_INVALID,
			"this server reads format %d, not %" JSON_INTEGER_FORMAT, EXPORT_FORMAT,
			format);
	json_decref(header);
	return rc;
}

/* 1: the last line, and it agrees; 0: another line; else a code. */
static int read_end(struct reading *reading, bool *is_end, struct error *err)
{
	json_t *line;

	*is_end = false;
	if (reading->line.size > END_LINE_MAX ||
		json_read(reading->line.data, reading->line.size, &line, NULL))
		return 0;
	*is_end = json_is_true(json_object_get(line, "end"));
	json_int_t n = json_integer_value(json_object_get(line, "events"));
	json_decref(line);
	if (!*is_end || (n >= 0 && (uint64_t)n == reading->events))
		return 0;
	return fail(err, CODE_INVALID,
		"it counts %" JSON_INTEGER_FORMAT " events, but there are %" PRIu64, n,
		reading->events);
}

static int read_event(
	struct reading *reading, struct import *import, struct session *session, struct error *err)
{
	struct event event;

	arena_reset(&reading->arena);
	int rc = event_read(reading->line.data, reading->line.size, &event, &reading->arena, err);
	if (!rc)
		rc = engine_import_event(import, session, &event, err);
	if (!rc)
		reading->events++;
	return rc;
}

static int read_lines(
	struct reading *reading, struct import *import, struct session *session, struct error *err)
{
	bool ended = false;

	while (next_line(reading)) {
		int rc = ended ? wrong(err, "nothing may follow the last line")
			       : read_end(reading, &ended, err);
		if (!rc && !ended)
			rc = read_event(reading, import, session, err);
		if (rc)
			return rc;
	}
	reading->number++;
	return ended ? 0 : wrong(err, "the file is cut off: the line with \"end\" is missing");
}

/* Faults of the file get their line; a database that is away is not the file's fault. */
static void tell_line(const struct reading *reading, struct error *err)
{
	struct error plain = *err;
	if (plain.code == CODE_INVALID || plain.code == CODE_MALFORMED ||
		plain.code == CODE_TOO_LARGE)
		fail(err, plain.code, "line %zu: %.400s", reading->number, plain.message);
}

static int import_body(struct api *api, struct session *session, struct call *call, char *id,
	struct reading *reading, struct error *err)
{
	struct import *import;

	int rc = read_header(reading, err);
	if (!rc)
		rc = engine_import_begin(api->engine, call->identity.team, &import, err);
	if (rc)
		return rc;
	rc = read_lines(reading, import, session, err);
	if (rc) {
		engine_import_abort(import, session);
		return rc;
	}
	return engine_import_end(import, session, id, err);
}

void experiment_import(struct api *api, struct session *session, struct call *call)
{
	const struct idempotency *key;
	struct reading reading = { .at = call->body.data, .left = call->body.size };
	struct error err = { 0 };
	char id[ID_SIZE], detail[64];

	if (!idempotency_of(call, &key) || !key_with_status(call, &key, 201) ||
		key_answered(api, session, call, key) ||
		!allowance_experiment(api, session, call, NULL))
		return;
	arena_init(&reading.arena, LIMIT_BULK_BODY_BYTES * 4u);
	int rc = import_body(api, session, call, id, &reading, &err);
	arena_release(&reading.arena);
	if (rc) {
		tell_line(&reading, &err);
		problem_reply(call, &err, NULL);
		return;
	}
	snprintf(detail, sizeof(detail), "{\"events\":%" PRIu64 "}", reading.events);
	experiment_made(api, session, call, key, id, "experiment.import", detail);
}
