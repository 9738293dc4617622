/* Handing out trials: what comes first, what the limits allow, what the tuner proposes. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "algorithms/tuners/rung.h"
#include "engine/internal.h"

#define RETRY_AFTER_MS 1000 /* a client that does not use wait should not ask more often */

/* One suggest on its way. */
struct hand_out {
	struct draft *draft;
	struct op *op;
	const struct trial **trials;
	int64_t *numbers; /* first numbers: the array of trials moves as it grows */
	size_t n;
	const char *reason; /* why there are no more */
	struct asked asked; /* how the last proposal came about */
};

static bool is_done(enum experiment_status status)
{
	return status == STATUS_STOPPED || status == STATUS_DONE;
}

static void say_done(struct op *op, const char *reason)
{
	op->suggested.done = true;
	op->suggested.reason = reason;
}

static int64_t lease_of(const struct draft *draft, const struct op *op)
{
	const struct limits *limits = &draft->view->spec->limits;
	int64_t lease_ms = op->suggest.lease_ms;
	if (lease_ms <= 0)
		lease_ms = limits->max_trial_duration_ms;
	if (lease_ms <= 0)
		lease_ms = DEFAULT_LEASE_MS;
	return lease_ms < LIMIT_LEASE_MS ? lease_ms : LIMIT_LEASE_MS;
}

static bool room_to_run(struct hand_out *out)
{
	const struct view *view = out->draft->view;
	int64_t concurrency = view->spec->limits.concurrency;
	if (concurrency && view->counts.by_state[TRIAL_RUNNING] >= concurrency) {
		out->reason = "concurrency";
		return false;
	}
	return true;
}

/* What this worker has already: it may have died and come back. */
static void resume_own(struct hand_out *out)
{
	const struct view *view = out->draft->view;
	const struct suggest_request *request = &out->op->suggest;

	if (!request->resume || !request->worker)
		return;
	for (size_t i = 0; i < view->n_trials && out->n < request->count; i++) {
		const struct trial *trial = &view->trials[i];
		if (trial->state == TRIAL_RUNNING && trial->worker &&
			strcmp(trial->worker, request->worker) == 0)
			out->numbers[out->n++] = trial->number;
	}
}

/* Hands a trial out again, up to resource (NaN: what its tuner gives to a complete trial, if it
 * speaks of resources at all). */
static bool assign(struct hand_out *out, const struct trial *trial, double resource)
{
	struct event event;
	event_init(&event, EVENT_ASSIGNED, trial->number);
	event.attempt = trial->attempt + 1;
	event.resource = isnan(resource) ? rung_top(out->draft->view->spec) : resource;
	event.worker = out->op->suggest.worker;
	event.lease_ms = lease_of(out->draft, out->op);
	out->numbers[out->n++] = event.trial;
	return draft_add(out->draft, &event, NULL) == 0;
}

/* Custom trials and those that came back from a lost worker, oldest number first. */
static bool assign_waiting(struct hand_out *out)
{
	const struct view *view = out->draft->view;

	for (size_t i = 0; i < view->n_trials && view->counts.by_state[TRIAL_WAITING] > 0; i++) {
		if (view->trials[i].state != TRIAL_WAITING)
			continue;
		if (out->n == out->op->suggest.count || !room_to_run(out))
			return true;
		if (!assign(out, &view->trials[i], view->trials[i].resource))
			return false;
	}
	return true;
}

static const char *write_parameters(struct draft *draft, const double *x)
{
	struct buffer text;
	buffer_init(&text, LIMIT_BODY_BYTES);
	space_write(draft->view->spec->space, x, &text);
	const char *out = text.failed ? NULL : arena_strdup(&draft->arena, buffer_text(&text));
	buffer_release(&text);
	return out;
}

static const char *write_meta(
	struct draft *draft, const struct proposal *proposal, const struct asked *asked)
{
	const char *tuner = draft->view->spec->tuner->name;
	const char *arm = proposal->arm ? proposal->arm : "default";
	const char *how = asked_write(asked, &draft->arena);
	if (!how)
		return NULL;
	if (!isfinite(proposal->acquisition))
		return arena_printf(
			&draft->arena, "{\"tuner\":\"%s\",\"arm\":\"%s\"%s}", tuner, arm, how);
	return arena_printf(&draft->arena,
		"{\"tuner\":\"%s\",\"arm\":\"%s\",\"acquisition\":%.9g%s}", tuner, arm,
		proposal->acquisition, how);
}

static int suggest_new(struct hand_out *out, const struct proposal *proposal)
{
	struct draft *draft = out->draft;
	struct event event;

	event_init(&event, EVENT_SUGGESTED, (int64_t)draft->view->n_trials);
	event.attempt = 1;
	event.x = proposal->x;
	event.parameters = write_parameters(draft, proposal->x);
	event.meta = write_meta(draft, proposal, &out->asked);
	event.tag = proposal->tag;
	event.parent = proposal->parent;
	event.resource = proposal->resource;
	event.base_version = out->asked.base_version;
	event.worker = out->op->suggest.worker;
	event.lease_ms = lease_of(draft, out->op);
	if (!event.parameters || !event.meta) {
		fail(&draft->error, CODE_NO_MEMORY, "no memory for a suggestion");
		return draft->code = CODE_NO_MEMORY;
	}
	out->numbers[out->n++] = event.trial;
	return draft_add(draft, &event, NULL);
}

static int ask(
	struct hand_out *out, bool promote_only, struct proposal *proposal, struct error *err)
{
	int64_t deadline_us = out->op->suggest.deadline_us;
	return draft_ask(out->draft, promote_only, deadline_us, proposal, &out->asked, err);
}

/* Nothing new will ever come; what is still running may come back, and then somebody must take it.
 * Paused trials that are not promoted stay as they are. */
static void no_more(struct hand_out *out, const char *reason)
{
	struct draft *draft = out->draft;
	const int64_t *by_state = draft->view->counts.by_state;
	if (by_state[TRIAL_RUNNING] + by_state[TRIAL_WAITING] > 0) {
		out->reason = "waiting_for_results";
	} else {
		draft_status(draft, STATUS_DONE, reason);
		say_done(out->op, reason);
	}
}

/* May the tuner get no more numbers? */
static bool is_spent(const struct view *view)
{
	int64_t handed = view->counts.handed, max = view->spec->limits.max_trials;
	return (max && handed >= max) || handed >= LIMIT_TRIALS;
}

/* Asks for a new trial while there are numbers, and for a promotion when there are none, or when
 * the search space has no new point. *reason: why there are no more. */
static int ask_next(
	struct hand_out *out, struct proposal *proposal, const char **reason, struct error *err)
{
	const struct view *view = out->draft->view;
	bool promotes = (view->spec->tuner->caps & TUNER_MULTI_FIDELITY) != 0;
	int rc = CODE_EXHAUSTED;

	*reason = is_spent(view) ? "max_trials" : "exhausted";
	if (!is_spent(view))
		rc = ask(out, false, proposal, err);
	if (rc == CODE_EXHAUSTED && promotes)
		rc = ask(out, true, proposal, err);
	return rc;
}

static bool hand_over(struct hand_out *out, const struct proposal *proposal)
{
	if (proposal->promote < 0)
		return suggest_new(out, proposal) == 0;
	const struct trial *trial = view_trial(out->draft->view, proposal->promote);
	assert(trial && trial->state == TRIAL_PAUSED);
	return assign(out, trial, proposal->resource);
}

/* False: a failure that ends the draft. */
static bool propose(struct hand_out *out)
{
	while (out->n < out->op->suggest.count && room_to_run(out)) {
		struct proposal proposal;
		struct error error = { 0 };
		const char *reason;
		int rc = ask_next(out, &proposal, &reason, &error);
		if (rc == CODE_EXHAUSTED) {
			no_more(out, reason);
			return true;
		}
		if (rc == CODE_WAIT) {
			out->reason = "waiting_for_results";
			return true;
		}
		if (rc) {
			op_fail(out->op, error.code, "%s", error.message);
			return true;
		}
		if (!hand_over(out, &proposal))
			return false;
	}
	return true;
}

void decide_suggest(struct draft *draft, struct op *op)
{
	struct view *view = draft->view;
	size_t count = op->suggest.count;
	struct hand_out out = {
		.draft = draft,
		.op = op,
		.trials = arena_array(op->arena, count, sizeof(*out.trials)),
		.numbers = arena_array(op->arena, count, sizeof(*out.numbers)),
	};

	op->suggested = (struct suggest_answer){ .retry_after_ms = RETRY_AFTER_MS };
	if (!out.trials || !out.numbers) {
		op_fail(op, CODE_NO_MEMORY, "no memory for %zu suggestions", count);
		return;
	}
	draft->ask_us = 0;
	draft->n_ready = 0;
	if (is_done(view->counts.status))
		say_done(op, view->counts.status == STATUS_STOPPED ? "stopped" : view->reason);
	else if (view->counts.status == STATUS_PAUSED)
		out.reason = "paused";
	else {
		resume_own(&out);
		if (!assign_waiting(&out) || !propose(&out))
			return;
	}
	/* Trials already in hand are worth more than the reason why there are not more. */
	if (out.n > 0)
		op->code = 0;
	op->ask_us = draft->ask_us;
	op->ready = draft->n_ready > 0;
	op->suggested.n = out.n;
	op->suggested.trials = out.trials;
	op->suggested.numbers = out.numbers;
	op->suggested.version = view->counts.version;
	if (out.n > 0)
		op->suggested.done = false;
	else if (!op->suggested.done)
		op->suggested.reason = out.reason ? out.reason : "waiting_for_results";
}

static void suggest_again(struct draft *draft, struct op *op, const struct event *events, size_t n)
{
	const struct trial **trials = arena_array(op->arena, n ? n : 1, sizeof(*trials));
	size_t at = 0;

	for (size_t i = 0; trials && i < n; i++) {
		const struct event *event = &events[i];
		const struct trial *now = view_trial(draft->view, event->trial);
		bool handed = event->kind == EVENT_SUGGESTED || event->kind == EVENT_ASSIGNED;
		if (!handed || !now)
			continue;
		struct trial *then = arena_copy(op->arena, now, sizeof(*now));
		if (!then) {
			trials = NULL;
			break;
		}
		/* As it was handed out then, whatever has become of it. */
		then->attempt = event->attempt;
		if (!isnan(event->resource))
			then->resource = event->resource;
		then->worker = event->worker;
		then->lease_ms = event->lease_ms;
		then->lease_until_ms = event->at_ms + event->lease_ms;
		trials[at++] = then;
	}
	if (!trials) {
		op_fail(op, CODE_NO_MEMORY, "no memory for the answer");
		return;
	}
	op->suggested = (struct suggest_answer){ .n = at, .trials = trials };
	if (at == 0)
		say_done(op, draft->view->reason);
}

/* Is this the event that row made? A row that was refused differs from every accepted one in what
 * it says, or comes after all of them. */
static bool row_made(const struct op *op, size_t row, const struct event *event)
{
	if (op->kind == OP_ENQUEUE)
		return strcmp(op->enqueue.parameters[row], event->parameters) == 0;
	const struct seed_row *seed = &op->seed.rows[row];
	return strcmp(seed->parameters, event->parameters) == 0 &&
	       seed->failed == (event->state == TRIAL_FAILED) &&
	       metrics_digest(seed->metrics, seed->n_metrics) ==
		       metrics_digest(event->metrics, event->n_metrics);
}

static void rows_again(struct op *op, const struct event *events, size_t n, size_t n_rows)
{
	op->rows = arena_array(op->arena, n_rows ? n_rows : 1, sizeof(*op->rows));
	size_t row = 0;

	if (!op->rows) {
		op_fail(op, CODE_NO_MEMORY, "no memory for the answer");
		return;
	}
	for (size_t k = 0; k < n_rows; k++)
		fail(&op->rows[k].error, CODE_INVALID, "was refused the first time");
	for (size_t i = 0; i < n && row < n_rows; i++) {
		if (events[i].kind != EVENT_ENQUEUED && events[i].kind != EVENT_SEEDED)
			continue;
		while (row < n_rows && !row_made(op, row, &events[i]))
			row++;
		if (row < n_rows)
			op->rows[row++] =
				(struct row_result){ .accepted = true, .trial = events[i].trial };
	}
}

void answer_again(struct draft *draft, struct op *op, const struct idempotency *key)
{
	const struct event *events;
	size_t n, limit = (size_t)(key->last_version - key->first_version) + 1;
	struct error error;

	if (strcmp(key->experiment, draft->mailbox->id) != 0) {
		op_fail(op, CODE_KEY_REUSED,
			"this Idempotency-Key was used for another experiment");
		return;
	}
	/* The range may be news to this replica. */
	if (draft->view->counts.version < key->last_version &&
		mailbox_catch_up(draft->engine, draft->session, draft->mailbox, &error)) {
		op_fail(op, error.code, "%s", error.message);
		return;
	}
	int rc = store_events(draft->session, draft->mailbox->id, key->first_version - 1, limit,
		op->arena, &events, &n, &error);
	if (rc) {
		op_fail(op, error.code, "%s", error.message);
		return;
	}
	switch (op->kind) {
	case OP_SUGGEST:
		suggest_again(draft, op, events, n);
		op->suggested.version = key->last_version;
		break;
	case OP_ENQUEUE:
		rows_again(op, events, n, op->enqueue.n);
		break;
	case OP_SEED:
		rows_again(op, events, n, op->seed.n);
		break;
	case OP_OBSERVE:
		/* Idempotent by itself: decided again, without the key. */
		op->replayed = false;
		op->key = NULL;
		break;
	default:
		op->subject = view_trial(draft->view, n ? events[0].trial : -1);
		break;
	}
}
