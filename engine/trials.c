/* What people and workers do to trials by hand: release, cancel, retry, stop, enqueue, seed. */
#include <string.h>

#include "engine/internal.h"

/* The trial an operation is about, if it is there and the attempt is the current one. */
static const struct trial *subject(struct draft *draft, struct op *op)
{
	const struct trial *trial = view_trial(draft->view, op->trial.number);
	if (!trial) {
		op_fail(op, CODE_NOT_FOUND, "there is no trial %lld", (long long)op->trial.number);
		return NULL;
	}
	if (op->trial.attempt > 0 && op->trial.attempt != (int64_t)trial->attempt) {
		op_fail(op, CODE_GONE, "the lease is attempt %u's now", trial->attempt);
		return NULL;
	}
	return trial;
}

static void act(struct draft *draft, struct op *op, const struct trial *trial, enum event_kind kind)
{
	struct event event;
	event_init(&event, kind, trial->number);
	event.attempt = trial->attempt;
	event.message = op->trial.message;
	draft_add(draft, &event, NULL);
}

void decide_release(struct draft *draft, struct op *op)
{
	const struct trial *trial = subject(draft, op);
	if (!trial || trial->state == TRIAL_WAITING)
		return;
	if (trial->state != TRIAL_RUNNING) {
		op_fail(op, CODE_CONFLICT, "the trial is %s: only a running one can be released",
			trial_state_name(trial->state));
		return;
	}
	act(draft, op, trial, EVENT_RELEASED);
}

static void end_pending(
	struct draft *draft, struct op *op, enum trial_state to, enum event_kind kind)
{
	const struct trial *trial = subject(draft, op);
	if (!trial || trial->state == to)
		return;
	if (!trial_pending(trial)) {
		op_fail(op, CODE_CONFLICT, "the trial is %s already",
			trial_state_name(trial->state));
		return;
	}
	if (!op->trial.message)
		op->trial.message = "by request";
	act(draft, op, trial, kind);
}

void decide_cancel(struct draft *draft, struct op *op)
{
	end_pending(draft, op, TRIAL_CANCELLED, EVENT_CANCELLED);
}

void decide_stop(struct draft *draft, struct op *op)
{
	end_pending(draft, op, TRIAL_STOPPED, EVENT_STOPPED);
}

void decide_retry(struct draft *draft, struct op *op)
{
	const struct trial *trial = subject(draft, op);
	if (!trial || trial->state == TRIAL_WAITING)
		return;
	if (trial_pending(trial) || trial->state == TRIAL_SUCCEEDED) {
		op_fail(op, CODE_CONFLICT,
			"the trial is %s: only failed, stopped, lost and cancelled ones can be "
			"retried",
			trial_state_name(trial->state));
		return;
	}
	if (draft->view->counts.status == STATUS_STOPPED) {
		op_fail(op, CODE_CONFLICT, "the experiment is stopped: resume it first");
		return;
	}
	act(draft, op, trial, EVENT_RETRIED);
	if (draft->view->counts.status == STATUS_DONE)
		draft_status(draft, STATUS_RUNNING, "a trial is retried");
}

void decide_explain(struct draft *draft, struct op *op)
{
	subject(draft, op);
}

/* op->view is the answer. */
void decide_read(struct draft *draft, struct op *op)
{
	(void)draft;
	(void)op;
}

/* ---- new trials from outside ---- */

/* Parameters into a point of the space, or the first fault in row's error. */
static const double *read_point(struct draft *draft, const char *parameters, struct row_result *row)
{
	const struct space *space = draft->view->spec->space;
	double *x = arena_array(&draft->arena, space->n ? space->n : 1, sizeof(*x));
	struct faults faults;

	faults_init(&faults);
	if (!x) {
		fail(&row->error, CODE_NO_MEMORY, "no memory for a point");
		return NULL;
	}
	int rc = space_read(space, parameters, false, x, &faults, &row->error);
	if (faults.n > 0)
		fail(&row->error, CODE_INVALID, "parameters%s: %s", faults.items[0].pointer,
			faults.items[0].message);
	if (rc || faults.n > 0)
		return NULL;
	if (!space_feasible(space, x)) {
		fail(&row->error, CODE_INVALID, "the parameters violate a parameter constraint");
		return NULL;
	}
	return x;
}

static bool may_enqueue(struct draft *draft, struct row_result *row)
{
	const struct view *view = draft->view;
	const struct limits *limits = &view->spec->limits;

	if (limits->max_trials && view->counts.handed >= limits->max_trials) {
		fail(&row->error, CODE_CONFLICT,
			"max_trials (%lld) are handed out: raise limits.max_trials first",
			(long long)limits->max_trials);
		return false;
	}
	if (view->counts.status == STATUS_STOPPED || view->counts.status == STATUS_DONE) {
		fail(&row->error, CODE_CONFLICT, "the experiment is %s (%s)",
			experiment_status_name(view->counts.status), view->reason);
		return false;
	}
	return true;
}

void decide_enqueue(struct draft *draft, struct op *op)
{
	size_t n = op->enqueue.n;
	op->rows = arena_array(op->arena, n ? n : 1, sizeof(*op->rows));
	if (!op->rows) {
		op_fail(op, CODE_NO_MEMORY, "no memory for %zu rows", n);
		return;
	}
	for (size_t i = 0; i < n && !draft->code; i++) {
		struct row_result *row = &op->rows[i];
		struct event event;
		const double *x = read_point(draft, op->enqueue.parameters[i], row);
		if (!x || !may_enqueue(draft, row))
			continue;
		event_init(&event, EVENT_ENQUEUED, (int64_t)draft->view->n_trials);
		event.x = x;
		event.parameters = op->enqueue.parameters[i];
		row->trial = event.trial;
		row->accepted = draft_add(draft, &event, &row->error) == 0;
	}
}

static void add_curve(struct draft *draft, int64_t number, const struct seed_row *seed)
{
	for (size_t k = 0; k < seed->n_curve && !draft->code; k++) {
		struct event event;
		event_init(&event, EVENT_REPORTED, number);
		event.step = seed->curve[k].step;
		event.metrics = seed->curve[k].metrics;
		event.n_metrics = seed->curve[k].n_metrics;
		draft_add(draft, &event, NULL);
	}
}

static bool seed_complete(
	const struct spec *spec, const struct seed_row *seed, struct row_result *row)
{
	for (size_t i = 0; !seed->failed && i < spec->n_objectives; i++) {
		size_t k = 0;
		while (k < seed->n_metrics &&
			strcmp(seed->metrics[k].name, spec->objectives[i].name) != 0)
			k++;
		if (k == seed->n_metrics) {
			fail(&row->error, CODE_INVALID, "the result lacks the objective \"%s\"",
				spec->objectives[i].name);
			return false;
		}
	}
	return true;
}

void decide_seed(struct draft *draft, struct op *op)
{
	size_t n = op->seed.n;
	op->rows = arena_array(op->arena, n ? n : 1, sizeof(*op->rows));
	if (!op->rows) {
		op_fail(op, CODE_NO_MEMORY, "no memory for %zu rows", n);
		return;
	}
	for (size_t i = 0; i < n && !draft->code; i++) {
		const struct seed_row *seed = &op->seed.rows[i];
		struct row_result *row = &op->rows[i];
		struct event event;
		const double *x = read_point(draft, seed->parameters, row);
		if (!x || !seed_complete(draft->view->spec, seed, row))
			continue;
		event_init(&event, EVENT_SEEDED, (int64_t)draft->view->n_trials);
		event.x = x;
		event.parameters = seed->parameters;
		event.metrics = seed->metrics;
		event.n_metrics = seed->n_metrics;
		event.state = seed->failed ? TRIAL_FAILED : TRIAL_SUCCEEDED;
		event.message = seed->message;
		row->trial = event.trial;
		row->accepted = draft_add(draft, &event, &row->error) == 0;
		if (row->accepted)
			add_curve(draft, event.trial, seed);
	}
}
