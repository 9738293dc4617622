#include "api/experiment.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/allowance.h"
#include "api/body.h"
#include "api/problem.h"
#include "api/reply.h"

/* ---- shared ---- */

const char *team_of(const struct call *call)
{
	return call->identity.instance_admin ? NULL : call->identity.team;
}

void no_memory_reply(struct call *call)
{
	problem_replyf(call, CODE_NO_MEMORY, "no memory for this request");
}

bool experiment_of(
	struct api *api, struct session *session, struct call *call, struct experiment_row *out)
{
	struct error err = { 0 };
	(void)api;
	if (!store_experiment_get(session, team_of(call), call->args[0], &call->arena, out, &err))
		return true;
	problem_reply(call, &err, NULL);
	return false;
}

bool trial_number_of(struct call *call, size_t k, int64_t *out)
{
	const char *text = call->args[k];
	char *end;
	long long number = strtoll(text, &end, 10);
	bool digits = *text >= '0' && *text <= '9';
	if (digits && !*end && number >= 0 && number <= LIMIT_TRIALS) {
		*out = number;
		return true;
	}
	problem_replyf(call, CODE_NOT_FOUND, "there is no trial %.40s", text);
	return false;
}

void row_of_view(
	const struct view *view, const char *id, const char *team, struct experiment_row *out)
{
	const struct trial *best = view_trial(view, view->counts.best);
	*out = (struct experiment_row){
		.id = id,
		.team = team,
		.name = view->spec->name,
		.reason = view->reason,
		.spec = view->spec->json,
		.counts = view->counts,
		.best_value = best && best->values ? best->values[0] : (double)NAN,
		.created_ms = view->created_ms,
	};
}

bool key_with_status(struct call *call, const struct idempotency **key, int status)
{
	if (!*key)
		return true;
	struct idempotency *copy = arena_copy(&call->arena, *key, sizeof(**key));
	if (!copy) {
		no_memory_reply(call);
		return false;
	}
	copy->status = status;
	*key = copy;
	return true;
}

void reply_replayed(struct call *call, bool replayed)
{
	if (replayed)
		call_header(call, "Idempotency-Replayed", "true");
}

bool query_choice(
	struct call *call, const char *name, const char *const *choices, int fallback, int *out)
{
	const char *text = call->transport->query(call, name);
	*out = fallback;
	if (!text)
		return true;
	for (int i = 0; choices[i]; i++) {
		if (strcmp(text, choices[i]) == 0) {
			*out = i;
			return true;
		}
	}
	struct buffer names;
	buffer_init(&names, ERROR_MESSAGE_MAX);
	for (size_t i = 0; choices[i]; i++)
		buffer_printf(&names, "%s%s", i ? ", " : "", choices[i]);
	problem_replyf(
		call, CODE_MALFORMED, "query argument %s: one of %s", name, buffer_text(&names));
	buffer_release(&names);
	return false;
}

void page_end_number(struct call *call, bool more, int64_t last)
{
	char cursor[24];
	snprintf(cursor, sizeof(cursor), "%" PRId64, last);
	page_end(call, more ? cursor : NULL);
}

static void etag_of(struct call *call, const struct experiment_row *row)
{
	char etag[32];
	snprintf(etag, sizeof(etag), "\"%" PRIu64 "\"", row->counts.spec_version);
	call_header(call, "ETag", etag);
}

void reply_experiment(struct call *call, int status, const struct experiment_row *row)
{
	etag_of(call, row);
	if (status == 201) {
		const char *location = arena_printf(&call->arena, "/v1/experiments/%s", row->id);
		if (location)
			call_header(call, "Location", location);
	}
	write_experiment(&call->out, row);
	reply_json(call, status);
}

void reply_experiment_id(
	struct api *api, struct session *session, struct call *call, int status, const char *id)
{
	struct experiment_row row;
	struct error err = { 0 };
	(void)api;
	if (store_experiment_get(session, team_of(call), id, &call->arena, &row, &err))
		problem_reply(call, &err, NULL);
	else
		reply_experiment(call, status, &row);
}

/* ---- create, get, delete ---- */

static void experiment_create(struct api *api, struct session *session, struct call *call)
{
	const struct idempotency *key;
	struct error err = { 0 };
	struct faults faults;
	char id[ID_SIZE];
	bool replayed = false;

	faults_init(&faults);
	if (!idempotency_of(call, &key) || !key_with_status(call, &key, 201) ||
		!allowance_experiment(api, session, call, key))
		return;
	if (engine_experiment_create(api->engine, session, call->identity.team, call->body.data,
		    call->body.size, key, id, &replayed, &faults, &err)) {
		problem_reply(call, &err, &faults);
		return;
	}
	if (!replayed)
		audit(api, session, call, "experiment.create", id, NULL);
	reply_replayed(call, replayed);
	reply_experiment_id(api, session, call, 201, id);
}

/* What experiment_create would make of the body: the spec with every default, or all faults. */
static void experiment_validate(struct api *api, struct session *session, struct call *call)
{
	const struct spec *spec;
	struct error err = { 0 };
	struct faults faults;

	(void)api;
	(void)session;
	faults_init(&faults);
	if (engine_spec_check(call->body.data ? call->body.data : "", call->body.size, NULL, 0,
		    &call->arena, &spec, &faults, &err)) {
		problem_reply(call, &err, &faults);
		return;
	}
	buffer_add_text(&call->out, "{\"valid\":true");
	write_json_member(&call->out, "spec", spec->json);
	buffer_add_char(&call->out, '}');
	reply_json(call, 200);
}

static void experiment_get(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	if (experiment_of(api, session, call, &row))
		reply_experiment(call, 200, &row);
}

static void experiment_delete(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	struct error err = { 0 };

	if (!experiment_of(api, session, call, &row))
		return;
	if (engine_experiment_delete(api->engine, session, row.team, row.id, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	struct buffer detail;
	buffer_init(&detail, LIMIT_BODY_BYTES);
	buffer_printf(&detail, "{\"version\":%" PRIu64 ",\"status\":\"%s\"}", row.counts.version,
		experiment_status_name(row.counts.status));
	audit(api, session, call, "experiment.delete", row.id, buffer_text(&detail));
	buffer_release(&detail);
	reply_empty(call, 204);
}

/* ---- edit and status: operations that end with the experiment as it is now ---- */

struct change {
	struct call *call;
	const char *id, *team;
	struct experiment_row row; /* its texts are copies in the call's arena */
	bool replayed, complete;
};

static void keep_row(struct op *op, void *context)
{
	struct change *change = context;
	struct arena *arena = &change->call->arena;
	struct experiment_row *row = &change->row;

	row_of_view(op->view, change->id, change->team, row);
	row->name = arena_strdup(arena, row->name);
	row->reason = arena_strdup(arena, row->reason);
	row->spec = arena_strdup(arena, row->spec);
	change->complete = row->name && row->reason && row->spec;
	change->replayed = op->replayed;
}

static void run_change(struct api *api, struct session *session, struct call *call, struct op *op,
	const char *action, const struct experiment_row *before, const char *detail)
{
	struct change change = { .call = call, .id = before->id, .team = before->team };
	if (op_wait(api, session, op, keep_row, &change)) {
		problem_reply(call, &op->error, op->faults);
		return;
	}
	if (!change.complete) {
		no_memory_reply(call);
		return;
	}
	if (!change.replayed && change.row.counts.version != before->counts.version)
		audit(api, session, call, action, before->id, detail);
	reply_replayed(call, change.replayed);
	reply_experiment(call, 200, &change.row);
}

/* The spec_version that If-Match names: -1 for none or "*", -2 for one that no experiment can have
 * (a weak tag, a list, another format). */
static int64_t if_match_of(struct call *call)
{
	const char *text = call->transport->header(call, "If-Match");
	char *end;
	if (!text || strcmp(text, "*") == 0)
		return -1;
	if (text[0] != '"' || text[1] < '0' || text[1] > '9')
		return -2;
	long long version = strtoll(text + 1, &end, 10);
	return version >= 0 && strcmp(end, "\"") == 0 ? version : -2;
}

static void experiment_edit(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	struct faults faults;
	int64_t if_match = if_match_of(call);

	faults_init(&faults);
	if (!experiment_of(api, session, call, &row))
		return;
	if (if_match == -2) {
		problem_replyf(call, CODE_PRECONDITION,
			"If-Match is not the ETag of this experiment, \"%" PRIu64 "\"",
			row.counts.spec_version);
		return;
	}
	struct op *op = op_new(call, OP_EDIT, NULL);
	if (!op) {
		no_memory_reply(call);
		return;
	}
	op->faults = &faults;
	op->edit.text = call->body.data ? call->body.data : "";
	op->edit.size = call->body.size;
	op->edit.if_match = if_match;
	/* The edit itself is worth keeping, and what is not JSON never succeeds. */
	const char *detail = arena_strndup(&call->arena, op->edit.text, op->edit.size);
	run_change(api, session, call, op, "experiment.edit", &row, detail);
}

struct status_body {
	const char *reason;
};

static const struct field status_fields[] = {
	FIELD(struct status_body, reason, FIELD_STRING, FIELD_NULLABLE, 1, LIMIT_NAME),
	{ NULL },
};

static void status_change(struct api *api, struct session *session, struct call *call,
	enum experiment_status to, const char *action)
{
	struct status_body body = { .reason = "user" };
	const struct idempotency *key;
	struct experiment_row row;
	struct faults faults;

	json_t *document = body_json(call);
	if (!document)
		return;
	faults_init(&faults);
	bool valid = body_decode(call, document, NULL, status_fields, &body, &faults);
	json_decref(document);
	if (!valid) {
		struct error err = { CODE_INVALID, "the body is not a status change" };
		problem_reply(call, &err, &faults);
		return;
	}
	if (!experiment_of(api, session, call, &row) || !idempotency_of(call, &key) ||
		!key_with_status(call, &key, 200))
		return;
	struct op *op = op_new(call, OP_STATUS, key);
	if (!op) {
		no_memory_reply(call);
		return;
	}
	op->status.to = to;
	op->status.reason = body.reason;
	run_change(api, session, call, op, action, &row, NULL);
}

static void experiment_pause(struct api *api, struct session *session, struct call *call)
{
	status_change(api, session, call, STATUS_PAUSED, "experiment.pause");
}

static void experiment_resume(struct api *api, struct session *session, struct call *call)
{
	status_change(api, session, call, STATUS_RUNNING, "experiment.resume");
}

static void experiment_stop(struct api *api, struct session *session, struct call *call)
{
	status_change(api, session, call, STATUS_STOPPED, "experiment.stop");
}

#define STATUS_BODY_BYTES 4096 /* a reason of LIMIT_NAME bytes, escaped, and some room */

const struct route routes_experiment[] = {
	{ METHOD_GET, "/v1/experiments", "listExperiments", experiment_list, SCOPE_READ, 0, 0,
		"team status kind name label created_after created_before sort limit cursor" },
	{ METHOD_POST, "/v1/experiments", "createExperiment", experiment_create, SCOPE_WRITE,
		ROUTE_JSON, LIMIT_BODY_BYTES, "" },
	{ METHOD_POST, "/v1/experiments/validate", "validateExperiment", experiment_validate,
		SCOPE_READ, ROUTE_JSON, LIMIT_BODY_BYTES, "" },
	{ METHOD_GET, "/v1/experiments/{id}", "getExperiment", experiment_get, SCOPE_READ, 0, 0,
		"" },
	{ METHOD_PATCH, "/v1/experiments/{id}", "editExperiment", experiment_edit, SCOPE_WRITE,
		ROUTE_JSON, LIMIT_BODY_BYTES, "" },
	{ METHOD_DELETE, "/v1/experiments/{id}", "deleteExperiment", experiment_delete, SCOPE_WRITE,
		0, 0, "" },
	{ METHOD_GET, "/v1/experiments/{id}/health", "getExperimentHealth", experiment_health,
		SCOPE_READ, 0, 0, "" },
	{ METHOD_POST, "/v1/experiments/{id}/pause", "pauseExperiment", experiment_pause,
		SCOPE_WRITE, ROUTE_JSON | ROUTE_OPTIONAL, STATUS_BODY_BYTES, "" },
	{ METHOD_POST, "/v1/experiments/{id}/resume", "resumeExperiment", experiment_resume,
		SCOPE_WRITE, ROUTE_JSON | ROUTE_OPTIONAL, STATUS_BODY_BYTES, "" },
	{ METHOD_POST, "/v1/experiments/{id}/stop", "stopExperiment", experiment_stop, SCOPE_WRITE,
		ROUTE_JSON | ROUTE_OPTIONAL, STATUS_BODY_BYTES, "" },
	{ METHOD_GET, NULL },
};
