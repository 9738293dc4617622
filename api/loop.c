/* The routes of the loop, customised trials, and what the handlers of the loop share. */
#include "api/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/body.h"
#include "api/problem.h"
#include "api/reply.h"

bool body_read(struct call *call, const struct field *fields, void *out, json_t **document)
{
	struct faults faults;
	json_t *json = body_json(call);

	if (!json)
		return false;
	faults_init(&faults);
	if (body_decode(call, json, NULL, fields, out, &faults)) {
		*document = json;
		return true;
	}
	json_decref(json);
	reply_faults(call, &faults);
	return false;
}

void write_row_results(struct call *call, const struct row_result *rows, size_t n)
{
	struct buffer *out = &call->out;
	size_t accepted = 0;

	buffer_add_text(out, "{\"items\":[");
	for (size_t i = 0; i < n; i++) {
		buffer_printf(out, "%s{\"row\":%zu,\"accepted\":%s,", i ? "," : "", i,
			rows[i].accepted ? "true" : "false");
		if (rows[i].accepted) {
			accepted++;
			buffer_printf(out, "\"trial\":%" PRId64 "}", rows[i].trial);
		} else {
			buffer_add_text(out, "\"error\":");
			problem_write(out, &rows[i].error, NULL, NULL);
			buffer_add_char(out, '}');
		}
	}
	buffer_printf(out, "],\"accepted\":%zu,\"refused\":%zu}", accepted, n - accepted);
}

/* ---- customised trials ---- */

struct custom_body {
	json_t *parameters;
};

static const struct field custom_fields[] = {
	FIELD(struct custom_body, parameters, FIELD_OBJECT, FIELD_REQUIRED, 0, 0),
	{ NULL },
};

struct enqueueing {
	struct call *call;
	bool single;
};

/* A single trial is answered as GET would show it. */
static void reply_single(struct call *call, const struct op *op)
{
	const struct row_result *row = &op->rows[0];
	const struct trial *trial = view_trial(op->view, row->trial);

	if (!row->accepted || !trial) {
		problem_reply(call, &row->error, NULL);
		return;
	}
	const char *location = arena_printf(
		&call->arena, "/v1/experiments/%s/trials/%" PRId64, call->args[0], row->trial);
	if (location)
		call_header(call, "Location", location);
	write_trial(&call->out, trial);
	reply_json(call, 201);
}

static void enqueue_done(struct op *op)
{
	const struct enqueueing *enqueueing = op->context;
	struct call *call = enqueueing->call;

	if (op->code) {
		problem_reply(call, &op->error, op->faults);
		return;
	}
	reply_replayed(call, op->replayed);
	if (enqueueing->single) {
		reply_single(call, op);
		return;
	}
	write_row_results(call, op->rows, op->enqueue.n);
	reply_json(call, 200);
}

/* The parameters of each item as text; false: the problem is replied. */
static bool custom_of(struct call *call, const json_t *document, const char **texts, size_t n)
{
	bool array = json_is_array(document);
	struct faults faults;

	faults_init(&faults);
	for (size_t i = 0; i < n && faults.n < LIMIT_FAULTS; i++) {
		struct path at = { NULL, NULL, i };
		struct custom_body body = { 0 };
		const json_t *item = array ? json_array_get(document, i) : document;
		if (!body_decode(call, item, array ? &at : NULL, custom_fields, &body, &faults))
			continue;
		texts[i] = body_text(call, body.parameters);
		if (!texts[i])
			fault_add(&faults, array ? &at : NULL, "no memory for the parameters");
	}
	if (faults.n)
		reply_faults(call, &faults);
	return faults.n == 0;
}

void enqueue(struct api *api, struct session *session, struct call *call)
{
	const struct idempotency *key;
	json_t *document = body_json(call);

	if (!document)
		return;
	bool single = !json_is_array(document);
	size_t n = single ? 1 : json_array_size(document);
	if (n == 0 || n > LIMIT_SUGGEST_COUNT) {
		problem_replyf(call, CODE_INVALID, "1 to %d trials can be added at once",
			LIMIT_SUGGEST_COUNT);
		goto out;
	}
	const char **texts = arena_array(&call->arena, n, sizeof(*texts));
	struct enqueueing *enqueueing = arena_alloc(&call->arena, sizeof(*enqueueing));
	if (!texts || !enqueueing) {
		no_memory_reply(call);
		goto out;
	}
	if (!custom_of(call, document, texts, n) || !idempotency_of(call, &key) ||
		!key_with_status(call, &key, single ? 201 : 200))
		goto out;
	struct op *op = op_new(call, OP_ENQUEUE, key);
	if (!op) {
		no_memory_reply(call);
		goto out;
	}
	*enqueueing = (struct enqueueing){ call, single };
	op->enqueue.parameters = texts;
	op->enqueue.n = n;
	op->done = enqueue_done;
	op->context = enqueueing;
	json_decref(document);
	engine_submit(api->engine, session, op);
	return;
out:
	json_decref(document);
}

const struct route routes_loop[] = {
	{ METHOD_POST, "/v1/experiments/{id}/suggest", "suggest", suggest, SCOPE_TRIAL,
		ROUTE_JSON | ROUTE_OPTIONAL, LIMIT_BODY_BYTES, "" },
	{ METHOD_POST, "/v1/experiments/{id}/observe", "observe", observe, SCOPE_TRIAL, ROUTE_JSON,
		LIMIT_BULK_BODY_BYTES, "" },
	{ METHOD_POST, "/v1/experiments/{id}/trials", "enqueueTrials", enqueue, SCOPE_WRITE,
		ROUTE_JSON, LIMIT_BODY_BYTES, "" },
	{ METHOD_GET, NULL },
};
