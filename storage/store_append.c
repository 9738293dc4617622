/*
 * The log: appending and reading events. The insert of the first event is the fence of the whole
 * transaction: its primary key (experiment, version) is taken if somebody else appended first, its
 * foreign key is broken if the experiment is gone.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "storage/store_internal.h"

const struct sql_statement event_insert = {
	.name = "event_insert",
	.text = "INSERT INTO events (experiment, version, kind, trial, attempt, step, at_ms, body) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	.types = "titiiiit",
	.columns = "",
};

static const struct sql_statement event_select = {
	.name = "event_select",
	.text = "SELECT version, kind, trial, attempt, step, at_ms, body FROM events "
		"WHERE experiment = $1 AND version > $2 ORDER BY version LIMIT $3",
	.types = "tii",
	.columns = "itiiiit",
};

static const struct sql_statement trial_insert = {
	.name = "trial_insert",
	.text = "INSERT INTO trials (experiment, number, state, origin, attempt, retries, "
		"parameters, objectives, values_json, loss, violation, digest, last_step, "
		"last_value, parent, resource, tag, meta, checkpoint, worker, message, "
		"lease_until_ms, lease_ms, created_ms, started_ms, ended_ms, base_version, "
		"suggested_version, ended_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
		"$10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, "
		"$26, $27, $28, $29)",
	.types = "tittiitbtrriirirbttttiiiiiiii",
	.columns = "",
};

/* The same parameters. A heartbeat on another replica may have moved the lease of this hand-out on
 * since the view was loaded, and we must not take that back. */
static const struct sql_statement trial_update = {
	.name = "trial_update",
	.text = "UPDATE trials SET state = $3, origin = $4, attempt = $5, retries = $6, "
		"parameters = $7, objectives = $8, values_json = $9, loss = $10, violation = $11, "
		"digest = $12, last_step = $13, last_value = $14, parent = $15, resource = $16, "
		"tag = $17, meta = $18, checkpoint = $19, worker = $20, message = $21, "
		"lease_until_ms = CASE WHEN $3 = 'running' AND state = 'running' AND attempt = $5 "
		"AND lease_until_ms > $22 THEN lease_until_ms ELSE $22 END, "
		"lease_ms = $23, created_ms = $24, started_ms = $25, ended_ms = $26, "
		"base_version = $27, suggested_version = $28, ended_version = $29 "
		"WHERE experiment = $1 AND number = $2",
	.types = "tittiitbtrriirirbttttiiiiiiii",
	.columns = "",
};

static const struct sql_statement metric_insert = {
	.name = "metric_insert",
	.text = "INSERT INTO metrics (experiment, trial, version, attempt, step, at_ms, late, "
		"value, digest, values_json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	.types = "tiiiiiirit",
	.columns = "",
};

static const struct sql_statement experiment_update = {
	.name = "experiment_update",
	.text = "UPDATE experiments SET version = $2, spec_version = $3, status = $4, reason = $5, "
		"n_waiting = $6, n_running = $7, n_paused = $8, n_succeeded = $9, n_failed = $10, "
		"n_stopped = $11, n_lost = $12, n_cancelled = $13, handed = $14, seeded = $15, "
		"since_best = $16, best = $17, best_value = $18, active_ms = $19, "
		"active_since_ms = $20, deadline_ms = $21, updated_ms = $22 WHERE id = $1",
	.types = "tiittiiiiiiiiiiiiriiii",
	.columns = "",
};

static const struct sql_statement experiment_respec = {
	.name = "experiment_respec",
	.text = "UPDATE experiments SET spec = $2, name = $3, name_key = $4, needs_metrics = $5 "
		"WHERE id = $1",
	.types = "tttti",
	.columns = "",
};

static const struct sql_statement labels_delete = {
	.name = "experiment_labels_delete",
	.text = "DELETE FROM experiment_labels WHERE experiment = $1",
	.types = "t",
	.columns = "",
};

static const struct sql_statement version_select = {
	.name = "experiment_version",
	.text = "SELECT version FROM experiments WHERE id = $1",
	.types = "t",
	.columns = "i",
};

/* ---- building the batch ---- */

bool event_add(struct sql_batch *batch, const char *experiment, const struct event *event,
	uint64_t version, struct buffer *body)
{
	buffer_clear(body);
	event_write_body(event, body);
	const char *text =
		body->failed ? NULL : arena_copy(batch->arena, buffer_text(body), body->size + 1);
	if (!text)
		return false;
	const struct sql_value values[] = {
		sql_text(experiment),
		sql_uint(version),
		sql_text(event_kind_name(event->kind)),
		sql_int(event->trial),
		sql_int(event->attempt),
		sql_int(event->step),
		sql_int(event->at_ms),
		{ .type = SQL_TEXT, .text = text, .size = body->size },
	};
	sql_add(batch, &event_insert, SQL_N(values), values);
	return true;
}

/* What a model sees of a report, beside the report itself. */
static bool metric_add(struct sql_batch *batch, const struct append *append,
	const struct event *event, uint64_t version, struct buffer *text)
{
	double objectives[LIMIT_OBJECTIVES], violation;
	view_objectives(
		append->view->spec, event->metrics, event->n_metrics, objectives, &violation);
	buffer_clear(text);
	metrics_write(event->metrics, event->n_metrics, text);
	const char *json =
		text->failed ? NULL : arena_copy(batch->arena, buffer_text(text), text->size + 1);
	if (!json)
		return false;
	const struct sql_value values[] = {
		sql_text(append->experiment),
		sql_int(event->trial),
		sql_uint(version),
		sql_int(event->attempt),
		sql_int(event->step),
		sql_int(event->at_ms),
		sql_int(event->late),
		sql_real(objectives[0]),
		sql_uint(metrics_digest(event->metrics, event->n_metrics)),
		{ .type = SQL_TEXT, .text = json, .size = text->size },
	};
	sql_add(batch, &metric_insert, SQL_N(values), values);
	return true;
}

/* In the column's byte order. */
static struct sql_value objectives_pack(
	struct arena *arena, const double *values, size_t n, bool *good)
{
	if (!values)
		return sql_null();
	unsigned char *out = arena_array(arena, n, sizeof(double));
	*good = *good && out;
	for (size_t i = 0; out && i < n; i++) {
		uint64_t bits;
		memcpy(&bits, &values[i], sizeof(bits));
		for (size_t k = 0; k < sizeof(bits); k++)
			out[i * sizeof(bits) + k] = (unsigned char)(bits >> (8 * k));
	}
	return sql_blob(out, n * sizeof(double));
}

static bool trial_add(struct sql_batch *batch, const struct append *append, size_t number)
{
	const struct trial *trial = &append->view->trials[number];
	bool good = true;
	const struct sql_value values[] = {
		sql_text(append->experiment),
		sql_int(trial->number),
		sql_text(trial_state_name(trial->state)),
		sql_text(trial_origin_name(trial->origin)),
		sql_int(trial->attempt),
		sql_int(trial->retries),
		sql_text(trial->parameters),
		objectives_pack(
			batch->arena, trial->values, append->view->spec->n_objectives, &good),
		sql_text(trial->values_json),
		sql_real(trial->loss),
		sql_real(trial->violation),
		sql_uint(trial->digest),
		sql_int(trial->last_step),
		sql_real(trial->last_value),
		sql_int(trial->parent),
		sql_real(trial->resource),
		trial->tag.size ? sql_blob(trial->tag.data, trial->tag.size) : sql_null(),
		sql_text(trial->meta),
		sql_text(trial->checkpoint),
		sql_text(trial->worker),
		sql_text(trial->message),
		sql_int(trial->lease_until_ms),
		sql_int(trial->lease_ms),
		sql_int(trial->created_ms),
		sql_int(trial->started_ms),
		sql_int(trial->ended_ms),
		sql_uint(trial->base_version),
		sql_uint(trial->suggested_version),
		sql_uint(trial->ended_version),
	};
	sql_add(batch, number < append->n_trials_before ? &trial_update : &trial_insert,
		SQL_N(values), values);
	return good;
}

static void counters_add(struct sql_batch *batch, const struct append *append)
{
	const struct view *view = append->view;
	const struct trial *best = view_trial(view, view->counts.best);
	double best_value = best && best->values ? best->values[0] : nan("");
	struct sql_value values[1 + COUNTER_VALUES + 1] = { sql_text(append->experiment) };

	counters_fill(values + 1, &view->counts, view->spec, view->reason, best_value);
	values[1 + COUNTER_VALUES] = sql_int(view->counts.updated_ms);
	sql_add(batch, &experiment_update, SQL_N(values), values);
}

static bool spec_add(struct sql_batch *batch, const struct append *append)
{
	const struct spec *spec = append->view->spec;
	const char *name_key = name_fold(batch->arena, spec->name);
	if (!name_key)
		return false;
	const struct sql_value values[] = {
		sql_text(append->experiment),
		sql_text(spec->json),
		sql_text(spec->name),
		sql_text(name_key),
		sql_int(append->view->needs_metrics),
	};
	sql_add(batch, &experiment_respec, SQL_N(values), values);
	sql_add(batch, &labels_delete, 1, values);
	experiment_add_labels(batch, append->experiment, spec);
	return true;
}

static bool append_build(struct sql_batch *batch, const struct append *append, struct buffer *text)
{
	uint64_t version = append->base_version;
	bool edited = false;
	for (size_t i = 0; i < append->n_events; i++) {
		if (!event_add(batch, append->experiment, &append->events[i], ++version, text))
			return false;
		edited = edited || append->events[i].kind == EVENT_EDITED;
	}
	version = append->base_version;
	for (size_t i = 0; i < append->n_events; i++) {
		version++;
		if (append->events[i].kind == EVENT_REPORTED &&
			!metric_add(batch, append, &append->events[i], version, text))
			return false;
	}
	for (size_t i = 0; i < append->n_changed; i++) {
		if (!trial_add(batch, append, append->changed[i]))
			return false;
	}
	if (edited && !spec_add(batch, append))
		return false;
	counters_add(batch, append);
	for (size_t i = 0; i < append->n_keys; i++)
		idempotency_add(batch, &append->keys[i]);
	return true;
}

/* ---- appending ---- */

/* Not the fence, but the safety net behind it. It may have fired only because somebody appended the
 * same report first: then the version has moved. If it has not, the caller is wrong. */
static int refused_twice(struct session *session, const struct append *append, struct error *err)
{
	const struct sql_value values[] = { sql_text(append->experiment) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &version_select, SQL_N(values), values, NULL, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail(err, CODE_NOT_FOUND, "the experiment %s is gone", append->experiment);
	uint64_t version = value_uint(&result->rows[0].values[0]);
	if (version != append->base_version)
		return fail(err, CODE_MISS, "the log of %s is at version %llu, not %llu",
			append->experiment, (unsigned long long)version,
			(unsigned long long)append->base_version);
	return fail(err, CODE_CONFLICT, "the log of %s holds some of these events already",
		append->experiment);
}

/* The primary key of the log, under the name that either database gives it. */
static bool is_fence(const char *violation)
{
	return !strcmp(violation, "events_pkey") ||
	       !strcmp(violation, "events.experiment, events.version");
}

static int append_refused(struct session *session, const struct append *append,
	const struct sql_batch *batch, bool *key_used, struct error *err)
{
	const struct sql_statement *refused = sql_batch_refused(batch);
	if (batch->refusal == REFUSAL_FOREIGN_KEY)
		return fail(err, CODE_NOT_FOUND, "the experiment %s is gone", append->experiment);
	if (refused == &idempotency_insert) {
		if (key_used)
			*key_used = true;
		return fail(err, CODE_MISS, "an idempotency key of this append is used");
	}
	if (is_fence(sql_violation(batch)))
		return fail(err, CODE_MISS, "the log of %s is past version %llu",
			append->experiment, (unsigned long long)append->base_version);
	return refused_twice(session, append, err);
}

int store_append(
	struct session *session, const struct append *append, bool *key_used, struct error *err)
{
	assert(append->n_events && append->n_events <= LIMIT_BATCH_EVENTS);
	assert(append->view->counts.version == append->base_version + append->n_events);
	if (key_used)
		*key_used = false;
	struct sql_batch *batch = session_batch(session);
	struct buffer text;
	buffer_init(&text, EVENT_BODY_MAX);
	bool good = batch && append_build(batch, append, &text);
	buffer_release(&text);
	if (!good)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu events", append->n_events);
	int rc = session_run(session, SQL_WRITE, batch, err);
	return rc == CODE_CONFLICT ? append_refused(session, append, batch, key_used, err) : rc;
}

/* ---- reading ---- */

static int event_row_read(
	const struct sql_value *row, struct arena *arena, struct event *out, struct error *err)
{
	enum event_kind kind;
	const char *name = value_text(&row[1]);
	if (!name || !event_kind_parse(name, &kind))
		return fail(err, CODE_INTERNAL, "event %lld is of the kind %s",
			(long long)value_int(&row[0]), name ? name : "NULL");
	event_init(out, kind, value_int(&row[2]));
	out->version = value_uint(&row[0]);
	out->attempt = (uint32_t)value_int(&row[3]);
	out->step = value_int(&row[4]);
	out->at_ms = value_int(&row[5]);
	return event_read_body(value_text(&row[6]), row[6].size, out, arena, err);
}

int store_events(struct session *session, const char *experiment, uint64_t since, size_t limit,
	struct arena *arena, const struct event **out, size_t *n, struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_uint(since),
		sql_int((int64_t)limit) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &event_select, SQL_N(values), values, NULL, &result, err);
	if (rc)
		return rc;
	struct event *events = arena_array(arena, result->n_rows, sizeof(*events));
	if (!events)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu events", result->n_rows);
	for (size_t i = 0; i < result->n_rows; i++) {
		rc = event_row_read(result->rows[i].values, arena, &events[i], err);
		if (rc)
			return rc;
	}
	*out = events;
	*n = result->n_rows;
	return 0;
}
