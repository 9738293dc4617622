/* POST /v1/experiments/{id}/suggest: trials for a worker. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "algorithms/tuners/fork.h"
#include "algorithms/tuners/rung.h"
#include "api/allowance.h"
#include "api/body.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/reply.h"
#include "core/json.h"

#define LEASE_MIN_MS	1000 /* shorter ones run out before a worker can extend them */
#define DEADLINE_MAX_MS 600000

struct suggest_body {
	int64_t count;
	const char *worker;
	int64_t lease, wait;
	int64_t deadline_ms; /* since the request came; 0: none */
	bool resume;
};

static const struct field suggest_fields[] = {
	FIELD(struct suggest_body, count, FIELD_INT, 0, 1, LIMIT_SUGGEST_COUNT),
	FIELD(struct suggest_body, worker, FIELD_STRING, FIELD_NULLABLE, 1, LIMIT_WORKER),
	FIELD(struct suggest_body, lease, FIELD_DURATION, FIELD_NULLABLE, LEASE_MIN_MS,
		LIMIT_LEASE_MS),
	FIELD(struct suggest_body, wait, FIELD_DURATION, FIELD_NULLABLE, 0, LIMIT_WAIT_MS),
	FIELD(struct suggest_body, deadline_ms, FIELD_INT, FIELD_NULLABLE, 1, DEADLINE_MAX_MS),
	FIELD(struct suggest_body, resume, FIELD_BOOL, 0, 0, 0),
	{ NULL },
};

/* Where a worker can go on; steps that are negative are not known. */
struct origin {
	int64_t trial, step;
	int64_t rung; /* highest one completed; -1: the tuner knows no resources */
	const char *checkpoint;
};

static void write_step(struct buffer *out, const char *key, int64_t step)
{
	buffer_printf(out, ",\"%s\":", key);
	if (step >= 0)
		buffer_printf(out, "%" PRId64, step);
	else
		buffer_add_text(out, "null");
}

static void write_resume(struct buffer *out, const struct origin *origin)
{
	buffer_printf(out, ",\"resume_from\":{\"trial\":%" PRId64, origin->trial);
	write_step(out, "step", origin->step);
	if (origin->rung >= 0)
		write_step(out, "resource", origin->rung);
	buffer_add_text(out, ",\"checkpoint\":");
	if (origin->checkpoint)
		json_write_string(out, origin->checkpoint);
	else
		buffer_add_text(out, "null");
	buffer_add_char(out, '}');
}

/* The last step of the attempts before the current one; -1: none known. */
static int64_t step_before(const struct trial *trial)
{
	int64_t step = -1;
	for (uint32_t i = 0; i < trial->n_reports; i++) {
		const struct report *report = &trial->reports[i];
		if (report->attempt < trial->attempt && !report->late && report->step > step)
			step = report->step;
	}
	return step;
}

/* The state of its parent that a trial starts from: as it was when the trial was forked, whatever
 * has become of the parent since. */
static struct origin origin_parent(
	const struct trial *trial, const struct trial *parent, bool climbs, struct arena *arena)
{
	struct fork fork;

	if (!fork_read(trial, &fork) || fork.start == 0)
		return (struct origin){ parent->number, parent->last_step, climbs ? 0 : -1,
			parent->checkpoint };
	return (struct origin){
		.trial = parent->number,
		.step = fork.start,
		.rung = climbs ? fork.start : -1,
		.checkpoint = fork.checkpoint.size ? arena_strndup(arena, fork.checkpoint.data,
							     fork.checkpoint.size)
						   : NULL,
	};
}

/* What the worker can go on from: an earlier attempt of the trial itself, or its parent. An attempt
 * that has left no checkpoint where the parent did has left nothing. */
static void write_origin(
	struct buffer *out, const struct view *view, const struct trial *trial, struct arena *arena)
{
	const struct trial *parent = trial->parent >= 0 ? view_trial(view, trial->parent) : NULL;
	bool climbs = !isnan(rung_top(view->spec));
	struct origin own = { trial->number, step_before(trial),
		climbs ? rung_reached(view->spec, trial) : -1, trial->checkpoint };
	struct origin first = { .trial = -1 };

	if (parent)
		first = origin_parent(trial, parent, climbs, arena);
	bool more = own.checkpoint || (own.step >= 0 && !first.checkpoint);
	if (trial->attempt > 1 && more)
		write_resume(out, &own);
	else if (parent)
		write_resume(out, &first);
}

/* What the tuner said of it, and the version of the log it knew. */
static void write_meta(struct buffer *out, const struct trial *trial)
{
	size_t size = trial->meta ? strlen(trial->meta) : 0;
	if (size < 2)
		return;
	buffer_add_text(out, ",\"meta\":");
	buffer_add(out, trial->meta, size - 1);
	buffer_printf(out, "%s\"version\":%" PRIu64 "}", size > 2 ? "," : "", trial->base_version);
}

static void write_suggestion(
	struct buffer *out, const struct view *view, const struct trial *trial, struct arena *arena)
{
	buffer_printf(out,
		"{\"trial\":%" PRId64 ",\"parameters\":%s,\"lease_expires_at\":", trial->number,
		trial->parameters);
	write_time(out, trial->lease_until_ms);
	buffer_printf(out, ",\"attempt\":%u", (unsigned)trial->attempt);
	if (!isnan(trial->resource)) {
		buffer_add_text(out, ",\"resource\":");
		json_write_number(out, trial->resource, true);
	}
	write_origin(out, view, trial, arena);
	write_meta(out, trial);
	buffer_add_char(out, '}');
}

static void server_timing(struct call *call, const struct op *op)
{
	double total_us = (double)(monotonic_us() - call->received_us);
	double queue_us = total_us - (double)op->ask_us - (double)op->db_us;
	/* No request waits for a fit: models are fitted beside, and asks take what there is. */
	const char *text =
		arena_printf(&call->arena, "queue;dur=%.3f, db;dur=%.3f, fit;dur=0, ask;dur=%.3f%s",
			fmax(queue_us, 0) / 1e3, (double)op->db_us / 1e3, (double)op->ask_us / 1e3,
			op->ready ? ";desc=\"ready\"" : "");
	if (text)
		call_header(call, "Server-Timing", text);
}

static void suggest_done(struct op *op)
{
	struct call *call = op->context;
	struct buffer *out = &call->out;
	const struct suggest_answer *answer = &op->suggested;

	if (op->code) {
		problem_reply(call, &op->error, NULL);
		return;
	}
	buffer_add_text(out, "{\"trials\":[");
	for (size_t i = 0; i < answer->n; i++) {
		if (i)
			buffer_add_char(out, ',');
		write_suggestion(out, op->view, answer->trials[i], &call->arena);
	}
	buffer_add_char(out, ']');
	if (answer->n == 0) {
		if (answer->done)
			buffer_add_text(out, ",\"done\":true");
		else
			buffer_printf(out, ",\"retry_after_ms\":%" PRId64, answer->retry_after_ms);
		buffer_add_text(out, ",\"reason\":");
		json_write_string(out, answer->reason ? answer->reason : "");
	}
	buffer_printf(out, ",\"version\":%" PRIu64 "}", answer->version);
	server_timing(call, op);
	reply_replayed(call, op->replayed);
	reply_json(call, 200);
}

struct suggesting {
	struct engine *engine;
	struct op *op;
};

/* The client has gone: a trial must not be handed to it. */
static void suggest_abandon(struct call *call)
{
	struct suggesting *suggesting = call->handler_data;

	if (engine_forget(suggesting->engine, suggesting->op))
		problem_replyf(call, CODE_UNAVAILABLE, "the client went away");
}

void suggest(struct api *api, struct session *session, struct call *call)
{
	struct suggest_body body = { .count = 1 };
	const struct idempotency *key;
	struct experiment_row row;
	json_t *document;

	if (!body_read(call, suggest_fields, &body, &document))
		return;
	json_decref(document);
	if (!idempotency_of(call, &key) || !key_with_status(call, &key, 200))
		return;
	/* An open server has one team; of what an instance admin takes the owner's quota is
	 * charged. */
	bool open = strcmp(call->identity.token, "open") == 0;
	const char *team = open ? call->identity.team : team_of(call);
	if (!team) {
		if (!experiment_of(api, session, call, &row))
			return;
		team = row.team;
	}
	if (!allowance_trials(api, session, call, key, team, (size_t)body.count))
		return;
	struct op *op = op_new(call, OP_SUGGEST, key);
	if (!op) {
		no_memory_reply(call);
		return;
	}
	int64_t deadline_us = call->received_us + body.deadline_ms * 1000;
	bool hurry = body.deadline_ms > 0;
	op->suggest = (struct suggest_request){
		.count = (size_t)body.count,
		.worker = body.worker,
		.lease_ms = body.lease,
		.wait_ms = hurry && body.deadline_ms < body.wait ? body.deadline_ms : body.wait,
		.deadline_us = hurry ? deadline_us : 0,
		.resume = body.resume,
	};
	op->done = suggest_done;
	op->context = call;
	struct suggesting *suggesting = arena_alloc(&call->arena, sizeof(*suggesting));
	if (suggesting && body.wait > 0 && call->transport->parked) {
		*suggesting = (struct suggesting){ api->engine, op };
		call->handler_data = suggesting;
		call->transport->parked(call, suggest_abandon);
	}
	engine_submit(api->engine, session, op);
}
