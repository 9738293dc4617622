/* Single trials: what they are, and what people and workers do with them by hand. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/table.h"
#include "core/json.h"

static void trial_get(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	struct trial trial;
	struct error err = { 0 };
	int64_t number;

	if (!trial_number_of(call, 1, &number) || !experiment_of(api, session, call, &row))
		return;
	if (store_trial_get(session, row.id, number, &call->arena, &trial, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	write_trial(&call->out, &trial);
	reply_json(call, 200);
}

/* ---- operations on one trial ---- */

struct act_body {
	int64_t attempt;
	int64_t lease;
	const char *message;
};

/* HEARTBEAT */
static const struct field heartbeat_fields[] = {
	FIELD(struct act_body, attempt, FIELD_INT, FIELD_NULLABLE, 1, INT32_MAX),
	FIELD(struct act_body, lease, FIELD_DURATION, FIELD_NULLABLE, 1000, LIMIT_LEASE_MS),
	{ NULL },
};

/* RELEASE, RETRY */
static const struct field attempt_fields[] = {
	FIELD(struct act_body, attempt, FIELD_INT, FIELD_NULLABLE, 1, INT32_MAX),
	{ NULL },
};

/* CANCEL, STOP */
static const struct field end_fields[] = {
	FIELD(struct act_body, attempt, FIELD_INT, FIELD_NULLABLE, 1, INT32_MAX),
	FIELD(struct act_body, message, FIELD_STRING, FIELD_NULLABLE, 1, LIMIT_MESSAGE),
	{ NULL },
};

static void act_done(struct op *op)
{
	struct call *call = op->context;
	const struct trial *trial =
		op->subject || !op->view ? op->subject : view_trial(op->view, op->trial.number);

	if (op->code || !trial) {
		problem_reply(call, &op->error, NULL);
		return;
	}
	write_trial(&call->out, trial);
	reply_replayed(call, op->replayed);
	reply_json(call, 200);
}

static void heartbeat_done(struct op *op)
{
	struct call *call = op->context;
	struct buffer *out = &call->out;

	if (op->code) {
		problem_reply(call, &op->error, NULL);
		return;
	}
	const struct observe_item *item = &op->items[0];
	buffer_printf(out, "{\"command\":\"%s\",\"reason\":", command_name(item->command));
	if (item->reason)
		json_write_string(out, item->reason);
	else
		buffer_add_text(out, "null");
	buffer_printf(
		out, ",\"state\":\"%s\",\"lease_expires_at\":", trial_state_name(item->state));
	write_time(out, item->lease_until_ms);
	buffer_add_char(out, '}');
	reply_json(call, 200);
}

static void act(struct api *api, struct session *session, struct call *call, enum op_kind kind,
	const struct field *fields, void (*done)(struct op *op))
{
	struct act_body body = { 0 };
	const struct idempotency *key;
	json_t *document;
	int64_t number;

	if (!trial_number_of(call, 1, &number) || !body_read(call, fields, &body, &document))
		return;
	json_decref(document);
	if (!idempotency_of(call, &key) || !key_with_status(call, &key, 200))
		return;
	/* A heartbeat makes no event that a key could be kept with. */
	struct op *op = op_new(call, kind, kind == OP_HEARTBEAT ? NULL : key);
	if (!op) {
		no_memory_reply(call);
		return;
	}
	op->trial.number = number;
	op->trial.attempt = body.attempt;
	op->trial.lease_ms = body.lease;
	op->trial.message = body.message;
	op->done = done;
	op->context = call;
	engine_submit(api->engine, session, op);
}

static void trial_heartbeat(struct api *api, struct session *session, struct call *call)
{
	act(api, session, call, OP_HEARTBEAT, heartbeat_fields, heartbeat_done);
}

static void trial_release(struct api *api, struct session *session, struct call *call)
{
	act(api, session, call, OP_RELEASE, attempt_fields, act_done);
}

static void trial_cancel(struct api *api, struct session *session, struct call *call)
{
	act(api, session, call, OP_CANCEL, end_fields, act_done);
}

static void trial_retry(struct api *api, struct session *session, struct call *call)
{
	act(api, session, call, OP_RETRY, attempt_fields, act_done);
}

static void trial_stop(struct api *api, struct session *session, struct call *call)
{
	act(api, session, call, OP_STOP, end_fields, act_done);
}

/* ---- intermediate values ---- */

struct metric_table {
	struct table table;
	const char *experiment;
	int64_t trial;
	uint64_t since;
	bool began;
};

static void write_metric(struct buffer *out, const struct metric_row *row)
{
	buffer_printf(out, "{\"attempt\":%u,\"step\":", (unsigned)row->attempt);
	if (row->step >= 0)
		buffer_printf(out, "%" PRId64, row->step);
	else
		buffer_add_text(out, "null");
	buffer_printf(out, ",\"values\":%s,\"late\":%s,\"at\":", row->values,
		row->late ? "true" : "false");
	write_time(out, row->at_ms);
	buffer_printf(out, ",\"version\":%" PRIu64 "}", row->version);
}

/* One line for each value: the metrics of reports differ. */
static int write_metric_csv(
	struct buffer *out, const struct metric_row *row, struct arena *arena, struct error *err)
{
	const struct metric *metrics;
	size_t n;
	int rc = metrics_read(row->values, strlen(row->values), arena, &metrics, &n, err);

	for (size_t i = 0; !rc && i < n; i++) {
		buffer_printf(out, "%u,%" PRId64 ",", (unsigned)row->attempt, row->step);
		csv_text(out, metrics[i].name);
		buffer_add_char(out, ',');
		csv_number(out, metrics[i].value, false);
		buffer_printf(out, ",%s,", row->late ? "true" : "false");
		csv_time(out, row->at_ms);
		buffer_add_text(out, "\r\n");
	}
	return rc;
}

static int metric_rows(struct table *table, struct session *session, struct buffer *out, bool *done,
	struct error *err)
{
	struct metric_table *list = (struct metric_table *)table;
	const struct metric_row *rows;
	size_t n;
	int rc = store_metric_list(session, list->experiment, list->trial, list->since,
		table->limit, &table->page, &rows, &n, err);

	if (!list->began && table->format == FORMAT_CSV)
		buffer_add_text(out, "attempt,step,metric,value,late,at\r\n");
	for (size_t i = 0; !rc && i < n; i++) {
		if (table->format == FORMAT_CSV) {
			rc = write_metric_csv(out, &rows[i], &table->page, err);
		} else {
			write_metric(out, &rows[i]);
			buffer_add_char(out, '\n');
		}
	}
	*done = !rc && n < table->limit;
	if (!rc && !out->failed) {
		list->began = true;
		list->since = n ? rows[n - 1].version : list->since;
	}
	return rc;
}

static void metric_stream(struct call *call, const struct experiment_row *row, int64_t number,
	uint64_t since, enum format format)
{
	struct metric_table *list = table_new(call, sizeof(*list), format, metric_rows);
	if (!list)
		return;
	list->experiment = arena_strdup(&list->table.keep, row->id);
	list->trial = number;
	list->since = since;
	if (!list->experiment) {
		table_free(&list->table);
		no_memory_reply(call);
		return;
	}
	table_reply(call, &list->table);
}

void trial_metrics(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	struct trial trial;
	const struct metric_row *rows;
	const char *cursor;
	struct error err = { 0 };
	size_t limit, n;
	int64_t number, since;

	if (!trial_number_of(call, 1, &number) || !page_arguments(call, &limit, &cursor) ||
		!query_int(call, "since", 0, INT64_MAX, 0, &since) ||
		!experiment_of(api, session, call, &row))
		return;
	if (cursor)
		since = strtoll(cursor, NULL, 10);
	if (store_trial_get(session, row.id, number, &call->arena, &trial, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	enum format format = reply_format(call, false);
	if (format != FORMAT_JSON) {
		metric_stream(call, &row, number, (uint64_t)since, format);
		return;
	}
	if (store_metric_list(session, row.id, number, (uint64_t)since, limit, &call->arena, &rows,
		    &n, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	page_begin(call);
	for (size_t i = 0; i < n; i++) {
		page_between(call);
		write_metric(&call->out, &rows[i]);
	}
	page_end_number(call, n == limit, n ? (int64_t)rows[n - 1].version : 0);
	reply_json(call, 200);
}

/* ---- explaining ---- */

void trial_replay(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	const struct idempotency *key; /* nothing is changed, so a repeat is answered anew */
	const char *recorded, *recomputed;
	struct error err = { 0 };
	int64_t number;
	bool equal;

	if (!trial_number_of(call, 1, &number) || !idempotency_of(call, &key) ||
		!experiment_of(api, session, call, &row))
		return;
	if (engine_replay(api->engine, session, row.team, row.id, number, &call->arena, &recorded,
		    &recomputed, &equal, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	buffer_printf(&call->out, "{\"trial\":%" PRId64 ",\"equal\":%s,\"recorded\":", number,
		equal ? "true" : "false");
	buffer_add_text(&call->out, recorded);
	buffer_add_text(&call->out, ",\"recomputed\":");
	buffer_add_text(&call->out, recomputed);
	buffer_add_char(&call->out, '}');
	reply_json(call, 200);
}

#define TRIAL	       "/v1/experiments/{id}/trials/{n}"
#define ACT_BODY_BYTES (LIMIT_MESSAGE * 6 + 1024) /* a message, escaped, and some room */
#define ACT_FLAGS      (ROUTE_JSON | ROUTE_OPTIONAL)

const struct route routes_trial[] = {
	{ METHOD_GET, "/v1/experiments/{id}/trials", "listTrials", trial_list, SCOPE_READ, 0, 0,
		"state worker sort limit cursor" },
	{ METHOD_GET, TRIAL, "getTrial", trial_get, SCOPE_READ, 0, 0, "" },
	{ METHOD_POST, TRIAL "/heartbeat", "heartbeatTrial", trial_heartbeat, SCOPE_TRIAL,
		ACT_FLAGS, ACT_BODY_BYTES, "" },
	{ METHOD_POST, TRIAL "/release", "releaseTrial", trial_release, SCOPE_TRIAL, ACT_FLAGS,
		ACT_BODY_BYTES, "" },
	{ METHOD_POST, TRIAL "/cancel", "cancelTrial", trial_cancel, SCOPE_WRITE, ACT_FLAGS,
		ACT_BODY_BYTES, "" },
	{ METHOD_POST, TRIAL "/retry", "retryTrial", trial_retry, SCOPE_WRITE, ACT_FLAGS,
		ACT_BODY_BYTES, "" },
	{ METHOD_POST, TRIAL "/stop", "stopTrial", trial_stop, SCOPE_WRITE, ACT_FLAGS,
		ACT_BODY_BYTES, "" },
	{ METHOD_GET, TRIAL "/metrics", "listTrialMetrics", trial_metrics, SCOPE_READ, 0, 0,
		"since limit cursor" },
	{ METHOD_GET, TRIAL "/explain", "explainTrial", trial_explain, SCOPE_READ, 0, 0, "" },
	{ METHOD_POST, TRIAL "/replay", "replayTrial", trial_replay, SCOPE_READ, 0, 0, "" },
	{ METHOD_GET, "/v1/experiments/{id}/best", "bestTrials", trial_best, SCOPE_READ, 0, 0,
		"rank top" },
	{ METHOD_GET, "/v1/experiments/{id}/pareto", "paretoTrials", trial_pareto, SCOPE_READ, 0, 0,
		"reference limit cursor" },
	{ METHOD_GET, "/v1/experiments/{id}/importance", "getImportance", trial_importance,
		SCOPE_READ, 0, 0, "method objective top" },
	{ METHOD_GET, "/v1/experiments/{id}/progress", "getProgress", trial_progress, SCOPE_READ, 0,
		0, "points" },
	{ METHOD_GET, NULL },
};
