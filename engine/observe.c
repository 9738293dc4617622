/* Results, reports and failures: what each observation does to its trial. */
#include <math.h>
#include <string.h>

#include "algorithms/assessors/assessor.h"
#include "algorithms/tuners/rung.h"
#include "engine/internal.h"

static int item_fail(struct observe_item *item, enum code code, const char *what)
{
	item->accepted = false;
	return fail(&item->error, code, "%s", what);
}

enum command trial_command(const struct view *view, const struct trial *trial, const char **reason)
{
	*reason = NULL;
	if (trial->state == TRIAL_STOPPED || trial->state == TRIAL_CANCELLED) {
		*reason = trial->message ? trial->message : trial_state_name(trial->state);
		return COMMAND_STOP;
	}
	if (trial->state == TRIAL_PAUSED) {
		*reason = "rung";
		return COMMAND_PAUSE;
	}
	if (trial->state == TRIAL_RUNNING && view->counts.status == STATUS_STOPPED) {
		*reason = "the experiment was stopped";
		return COMMAND_STOP;
	}
	return COMMAND_CONTINUE;
}

/* A bare value reports "default"; with a single objective it means that one. */
static const struct metric *name_default(struct draft *draft, const struct observation *observation)
{
	const struct spec *spec = draft->view->spec;
	const struct metric *metrics = observation->metrics;

	if (observation->n_metrics != 1 || spec->n_objectives != 1 ||
		strcmp(metrics[0].name, "default") != 0 ||
		strcmp(spec->objectives[0].name, "default") == 0)
		return metrics;
	struct metric *renamed = arena_copy(&draft->arena, metrics, sizeof(*metrics));
	if (renamed)
		renamed->name = spec->objectives[0].name;
	return renamed;
}

static void fill_event(struct draft *draft, struct event *event,
	const struct observation *observation, uint32_t attempt)
{
	event->attempt = attempt;
	event->step = observation->step;
	event->metrics = name_default(draft, observation);
	event->n_metrics = event->metrics ? observation->n_metrics : 0;
	event->message = observation->message;
	event->attributes = observation->attributes;
	event->checkpoint = observation->checkpoint;
}

/* The objectives must be there: a result without them would be worth nothing. */
static bool has_objectives(const struct spec *spec, const struct event *event, struct error *err)
{
	for (size_t i = 0; i < spec->n_objectives; i++) {
		bool found = false;
		for (size_t k = 0; k < event->n_metrics && !found; k++)
			found = strcmp(event->metrics[k].name, spec->objectives[i].name) == 0;
		if (!found) {
			fail(err, CODE_INVALID, "the final result lacks the objective \"%s\"",
				spec->objectives[i].name);
			return false;
		}
	}
	return true;
}

/* ---- reports ---- */

static const struct report *find_report(const struct trial *trial, uint32_t attempt, int64_t step)
{
	for (uint32_t i = trial->n_reports; i-- > 0;)
		if (trial->reports[i].step == step && trial->reports[i].attempt == attempt)
			return &trial->reports[i];
	return NULL;
}

/* Did we have this report? 0: no. 1: yes, the same. 2: yes, another. -1: the store failed. */
static int known_report(struct draft *draft, const struct trial *trial, const struct event *event,
	struct error *err)
{
	uint64_t digest = metrics_digest(event->metrics, event->n_metrics);
	const struct report *known = find_report(trial, event->attempt, event->step);
	if (known)
		return known->digest == digest ? 1 : 2;
	if (trial->reports_loaded)
		return 0;
	struct metric_row row;
	int rc = store_metric_get(draft->session, draft->mailbox->id, trial->number, event->attempt,
		event->step, &draft->arena, &row, err);
	if (rc == CODE_NOT_FOUND)
		return 0;
	const struct metric *metrics;
	size_t n;
	if (rc || metrics_read(row.values, strlen(row.values), &draft->arena, &metrics, &n, err))
		return -1;
	return metrics_digest(metrics, n) == digest ? 1 : 2;
}

/* Adds a report unless it is known. True: the item is answered. */
static void add_report(struct draft *draft, const struct trial *trial, struct event *event,
	struct observe_item *item)
{
	switch (known_report(draft, trial, event, &item->error)) {
	case 1:
		item->repeated = true;
		return;
	case 2:
		item_fail(item, CODE_CONFLICT,
			"this step of this attempt was reported with other values");
		return;
	case -1:
		item->accepted = false;
		return;
	default:
		break;
	}
	if (trial->n_reports >= LIMIT_REPORTS) {
		item_fail(item, CODE_TOO_LARGE,
			"this trial has reported too often: report fewer steps");
		return;
	}
	item->late = event->late;
	draft_add(draft, event, &item->error);
}

static void stop_trial(struct draft *draft, const struct trial *trial, const char *message)
{
	struct event event;
	event_init(&event, EVENT_STOPPED, trial->number);
	event.attempt = trial->attempt;
	event.message = arena_strdup(&draft->arena, message);
	draft_add(draft, &event, NULL);
	draft->engine->stops++;
}

static bool over_time(const struct draft *draft, const struct trial *trial)
{
	int64_t limit = draft->view->spec->limits.max_trial_duration_ms;
	return limit && trial->state == TRIAL_RUNNING && draft->now_ms - trial->started_ms > limit;
}

static void assess(struct draft *draft, int64_t number)
{
	const struct view *view = draft->view;
	const struct trial *trial = &view->trials[number];
	enum verdict verdict = VERDICT_CONTINUE;
	char reason[256] = "";
	struct rng rng;

	if (draft->code || trial->state != TRIAL_RUNNING)
		return;
	if (over_time(draft, trial)) {
		stop_trial(draft, trial, "it ran longer than max_trial_duration");
		return;
	}
	if (!view->spec->assessor)
		return;
	rng_init(&rng, view->spec->seed, RNG_ASSESS,
		(uint64_t)number << 20 | (trial->n_reports & 0xfffff));
	/* A judgement that fails (memory) is no reason to lose the report: the trial goes on. */
	int rc = assessor_of(view->spec->assessor)
			 ->judge(view, trial, &rng, &draft->arena, &verdict, reason, sizeof(reason),
				 NULL);
	if (!rc && verdict == VERDICT_STOP)
		stop_trial(draft, trial, reason);
}

/* The step of a report that names none. Where steps are units of a resource they count from one,
 * and on from what earlier attempts have reached. */
static int64_t next_step(const struct view *view, const struct trial *trial, uint32_t attempt)
{
	if (attempt != trial->attempt)
		return 0;
	if (isnan(trial->resource) || isnan(rung_top(view->spec)))
		return trial->last_step + 1;
	int64_t reached = rung_reached(view->spec, trial);
	return (trial->last_step > reached ? trial->last_step : reached) + 1;
}

/* ---- rungs: results short of the resource of a complete trial ---- */

/* Is this attempt's result one for a rung, given or still to come? A trial that waits since its
 * lease ran out may deliver it as well as a running one. */
static bool ends_rung(const struct view *view, const struct trial *trial, uint32_t attempt)
{
	return attempt == trial->attempt && rung_pauses(view->spec, trial) &&
	       (trial->state == TRIAL_RUNNING || trial->state == TRIAL_WAITING ||
		       trial->state == TRIAL_PAUSED);
}

static void pause_trial(struct draft *draft, const struct trial *trial)
{
	struct event event;
	event_init(&event, EVENT_PAUSED, trial->number);
	event.attempt = trial->attempt;
	event.resource = trial->resource;
	draft_add(draft, &event, NULL);
}

/* A report at or beyond the trial's resource, or its final value: kept as the report of the step
 * that the resource is, and the trial is paused. When it is paused already the same value is a
 * repeat, another one at that step a conflict, and what comes for later steps is late. */
static void observe_rung(struct draft *draft, const struct trial *trial, struct event *event,
	struct observe_item *item)
{
	int64_t number = trial->number, step = (int64_t)trial->resource;
	const struct report *known = find_report(trial, event->attempt, step);
	bool same = known && known->digest == metrics_digest(event->metrics, event->n_metrics);

	if (trial->state == TRIAL_PAUSED && event->step > step && !same) {
		event->late = true;
		add_report(draft, trial, event, item);
		return;
	}
	event->step = step;
	add_report(draft, trial, event, item);
	if (item->accepted && !item->repeated && !draft->code)
		pause_trial(draft, &draft->view->trials[number]);
}

static void observe_report(struct draft *draft, const struct observation *observation,
	uint32_t attempt, struct observe_item *item)
{
	const struct trial *trial = &draft->view->trials[observation->trial];
	struct event event;

	event_init(&event, EVENT_REPORTED, trial->number);
	fill_event(draft, &event, observation, attempt);
	if (event.step < 0)
		event.step = next_step(draft->view, trial, attempt);
	if (ends_rung(draft->view, trial, attempt) && (double)event.step >= trial->resource) {
		observe_rung(draft, trial, &event, item);
		return;
	}
	event.late = trial->state != TRIAL_RUNNING || attempt != trial->attempt;
	add_report(draft, trial, &event, item);
	if (item->accepted && !item->repeated && !event.late)
		assess(draft, observation->trial);
}

/* ---- ends ---- */

/* After the end the first result stands; one that comes after a stop is stored with the reports. */
static void observe_late_final(struct draft *draft, const struct observation *observation,
	uint32_t attempt, struct observe_item *item)
{
	const struct trial *trial = &draft->view->trials[observation->trial];
	struct event event;

	event_init(&event, EVENT_REPORTED, trial->number);
	fill_event(draft, &event, observation, attempt);
	event.step = -1;
	event.late = true;
	add_report(draft, trial, &event, item);
}

/* Where trials are promoted the final value of an older attempt may have been for a lower rung, and
 * that of a lost trial was not for the resource of a complete one: they end nothing. */
static bool ends_nothing(const struct view *view, const struct trial *trial, uint32_t attempt)
{
	if (isnan(trial->resource) || isnan(rung_top(view->spec)))
		return false;
	return attempt < trial->attempt ||
	       (trial->state == TRIAL_LOST && rung_pauses(view->spec, trial));
}

static void observe_past_final(struct draft *draft, const struct observation *observation,
	const struct event *event, struct observe_item *item)
{
	const struct trial *trial = &draft->view->trials[event->trial];
	uint64_t digest = metrics_digest(event->metrics, event->n_metrics);

	for (uint32_t i = 0; i < trial->n_reports; i++)
		item->repeated = item->repeated || (trial->reports[i].attempt == event->attempt &&
							   trial->reports[i].digest == digest);
	if (!item->repeated)
		observe_late_final(draft, observation, event->attempt, item);
}

static void observe_final(struct draft *draft, const struct observation *observation,
	uint32_t attempt, struct observe_item *item)
{
	const struct trial *trial = &draft->view->trials[observation->trial];
	struct event event;

	event_init(&event, EVENT_OBSERVED, trial->number);
	fill_event(draft, &event, observation, attempt);
	if (!has_objectives(draft->view->spec, &event, &item->error)) {
		item->accepted = false;
		return;
	}
	if (ends_rung(draft->view, trial, attempt)) {
		event.kind = EVENT_REPORTED;
		event.step = (int64_t)trial->resource;
		observe_rung(draft, trial, &event, item);
	} else if (ends_nothing(draft->view, trial, attempt)) {
		observe_past_final(draft, observation, &event, item);
	} else if (trial->state == TRIAL_SUCCEEDED) {
		if (trial->digest == metrics_digest(event.metrics, event.n_metrics))
			item->repeated = true;
		else
			item_fail(
				item, CODE_CONFLICT, "the trial already has another final result");
	} else if (trial->state == TRIAL_FAILED) {
		item_fail(item, CODE_CONFLICT,
			"the trial was reported as failed: retry it to have it run again");
	} else if (trial->state == TRIAL_STOPPED || trial->state == TRIAL_CANCELLED) {
		observe_late_final(draft, observation, attempt, item);
	} else {
		draft_add(draft, &event, &item->error);
	}
}

static void observe_failed(struct draft *draft, const struct observation *observation,
	uint32_t attempt, struct observe_item *item)
{
	const struct trial *trial = &draft->view->trials[observation->trial];
	struct event event;

	if (trial->state == TRIAL_SUCCEEDED) {
		item_fail(item, CODE_CONFLICT, "the trial already has a final result");
		return;
	}
	if (trial->state == TRIAL_FAILED) {
		item->repeated = true;
		return;
	}
	/* An attempt that was given up on may fail: the one that replaced it goes on. One that has
	 * brought its rung's result is over. */
	if (trial_ended(trial) || attempt != trial->attempt || trial->state == TRIAL_PAUSED) {
		item->late = true;
		return;
	}
	event_init(&event, EVENT_FAILED, trial->number);
	fill_event(draft, &event, observation, attempt);
	draft_add(draft, &event, &item->error);
}

static void (*const observers[])(
	struct draft *, const struct observation *, uint32_t, struct observe_item *) = {
	[OBSERVE_REPORT] = observe_report,
	[OBSERVE_FINAL] = observe_final,
	[OBSERVE_FAILED] = observe_failed,
};

static void observe_one(
	struct draft *draft, const struct observation *observation, struct observe_item *item)
{
	const struct trial *trial = view_trial(draft->view, observation->trial);

	*item = (struct observe_item){ .trial = observation->trial, .accepted = true };
	if (!trial) {
		item->accepted = false;
		fail(&item->error, CODE_NOT_FOUND, "there is no trial %lld",
			(long long)observation->trial);
		return;
	}
	if (observation->attempt > (int64_t)trial->attempt) {
		item_fail(item, CODE_CONFLICT, "there has been no such attempt of this trial");
	} else {
		uint32_t attempt =
			observation->attempt > 0 ? (uint32_t)observation->attempt : trial->attempt;
		observers[observation->kind](draft, observation, attempt, item);
	}
	if (item->error.code)
		item->accepted = false;
	trial = view_trial(draft->view, observation->trial);
	item->state = trial->state;
	item->command = trial_command(draft->view, trial, &item->reason);
	item->lease_until_ms = trial->state == TRIAL_RUNNING ? trial->lease_until_ms : 0;
}

void decide_observe(struct draft *draft, struct op *op)
{
	op->items = arena_array(op->arena, op->observe.n ? op->observe.n : 1, sizeof(*op->items));
	if (!op->items) {
		op_fail(op, CODE_NO_MEMORY, "no memory for %zu answers", op->observe.n);
		return;
	}
	for (size_t i = 0; i < op->observe.n && !draft->code; i++)
		observe_one(draft, &op->observe.items[i], &op->items[i]);
}

/* ---- heartbeats ---- */

void decide_heartbeat(struct draft *draft, struct op *op)
{
	struct view *view = draft->view;
	const struct trial *trial = view_trial(view, op->trial.number);
	struct observe_item *item = arena_alloc(op->arena, sizeof(*item));

	if (!item) {
		op_fail(op, CODE_NO_MEMORY, "no memory for the answer");
		return;
	}
	if (!trial) {
		op_fail(op, CODE_NOT_FOUND, "there is no trial %lld", (long long)op->trial.number);
		return;
	}
	op->items = item;
	*item = (struct observe_item){ .trial = trial->number, .accepted = true };
	uint32_t attempt = op->trial.attempt > 0 ? (uint32_t)op->trial.attempt : trial->attempt;
	bool taken = attempt != trial->attempt ||
		     (trial->state == TRIAL_WAITING || trial->state == TRIAL_LOST);
	if (taken) {
		op_fail(op, CODE_GONE,
			"the lease of this attempt has run out; the trial is %s, attempt %u: its "
			"final result is still welcome",
			trial_state_name(trial->state), trial->attempt);
		return;
	}
	if (over_time(draft, trial))
		stop_trial(draft, trial, "it ran longer than max_trial_duration");
	trial = &view->trials[op->trial.number];
	item->state = trial->state;
	item->command = trial_command(view, trial, &item->reason);
	if (trial->state != TRIAL_RUNNING)
		return;
	int64_t lease_ms = op->trial.lease_ms > 0 ? op->trial.lease_ms : trial->lease_ms;
	/* While more than half of the lease remains a write would buy nothing. */
	if (trial->lease_until_ms - draft->now_ms <= lease_ms / 2) {
		int64_t until = draft->now_ms + lease_ms;
		int rc = store_lease_extend(draft->session, draft->mailbox->id, trial->number,
			trial->attempt, until, &op->error);
		if (rc) {
			op->code = rc;
			return;
		}
		/* Not an event: the fold of the log knows nothing of heartbeats. */
		view->trials[op->trial.number].lease_until_ms = until;
	}
	item->lease_until_ms = view->trials[op->trial.number].lease_until_ms;
}
