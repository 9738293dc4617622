/*
 * The fold: what each kind of event does to a view. A table by kind; everything an event must find
 * true is checked before anything is changed, so a refused event leaves the view as it was.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/view.h"
#include "core/view_internal.h"

static int no_memory(struct error *err)
{
	return fail(err, CODE_NO_MEMORY, "no memory to follow the experiment's log");
}

static const char *keep_text(struct view *view, const char *text)
{
	return text ? arena_strdup(&view->arena, text) : NULL;
}

static void set_state(struct view *view, struct trial *trial, enum trial_state state)
{
	view->counts.by_state[trial->state]--;
	trial->state = state;
	view->counts.by_state[state]++;
}

/* ---- the experiment itself ---- */

static void clock_stop(struct view *view, int64_t at_ms)
{
	view->counts.active_ms = view_active_ms(view, at_ms);
	view->counts.active_since_ms = 0;
}

static void set_status(struct view *view, enum experiment_status status, int64_t at_ms)
{
	clock_stop(view, at_ms);
	view->counts.status = status;
	if (status == STATUS_RUNNING)
		view->counts.active_since_ms = at_ms;
}

static int apply_created(struct view *view, const struct event *event, struct error *err)
{
	if (view->spec)
		return fail(err, CODE_INTERNAL, "created a second time");
	if (!event->spec)
		return fail(err, CODE_INTERNAL, "created without a spec");
	int rc = view_load_spec(view, event->spec, err);
	if (rc)
		return rc;
	view->created_ms = event->at_ms;
	view->counts.spec_version = event->version;
	set_status(view, STATUS_RUNNING, event->at_ms);
	view->reason = "created";
	return 0;
}

static int apply_edited(struct view *view, const struct event *event, struct error *err)
{
	if (!event->spec)
		return fail(err, CODE_INTERNAL, "edited without a spec");
	const struct spec *before = view->spec;
	bool had_metrics = view->needs_metrics;
	int rc = view_load_spec(view, event->spec, err);
	if (rc)
		return rc;
	view->inexact = true;
	key_set_release(&view->seen);
	for (size_t i = 0; i < view->n_trials; i++) {
		if (view_place(view, &view->trials[i], NULL)) {
			view->spec = before;
			view->stale = true;
			return no_memory(err);
		}
	}
	/* Reports of ended trials may not be in memory: whoever needs them must load the view
	 * again. */
	if (view->needs_metrics && !had_metrics)
		view->stale = true;
	view->counts.spec_version = event->version;
	if (event->revive) {
		set_status(view, STATUS_RUNNING, event->at_ms);
		view->reason = "edited";
	}
	return 0;
}

static int apply_status(struct view *view, const struct event *event, struct error *err)
{
	const char *reason = keep_text(view, event->reason ? event->reason : "");
	if (!reason)
		return no_memory(err);
	set_status(view, event->status, event->at_ms);
	view->reason = reason;
	view->counts.spec_version = event->version;
	return 0;
}

/* ---- new trials ---- */

struct birth {
	enum trial_origin origin;
	enum trial_state state;
};

static int give_birth(struct view *view, const struct event *event, struct birth birth,
	struct trial **out, struct error *err)
{
	if (event->trial < 0 || (size_t)event->trial != view->n_trials)
		return fail(err, CODE_INTERNAL, "new trial %lld where number %zu was due",
			(long long)event->trial, view->n_trials);
	if (!event->parameters)
		return fail(err, CODE_INTERNAL, "a new trial without parameters");
	struct trial *trial = view_push_trial(view);
	if (!trial)
		return no_memory(err);
	trial->origin = birth.origin;
	trial->state = birth.state;
	trial->parameters = keep_text(view, event->parameters);
	trial->meta = keep_text(view, event->meta);
	trial->tag.size = event->tag.size;
	trial->tag.data =
		event->tag.size ? arena_copy(&view->arena, event->tag.data, event->tag.size) : NULL;
	trial->parent = event->parent;
	trial->resource = event->resource;
	trial->base_version = event->base_version;
	trial->suggested_version = event->version;
	trial->created_ms = event->at_ms;
	if (!trial->parameters || (event->meta && !trial->meta) ||
		(event->tag.size && !trial->tag.data) || view_place(view, trial, event->x)) {
		view->n_trials--;
		return no_memory(err);
	}
	view->counts.by_state[birth.state]++;
	if (birth.origin == ORIGIN_SEED)
		view->counts.seeded++;
	else
		view->counts.handed++;
	*out = trial;
	return 0;
}

static void hand_out(
	struct trial *trial, const struct event *event, const char *worker, uint32_t attempt)
{
	trial->attempt = attempt;
	trial->worker = worker;
	trial->lease_ms = event->lease_ms;
	trial->lease_until_ms = event->at_ms + event->lease_ms;
	trial->started_ms = event->at_ms;
	trial->last_step = -1;
	trial->last_value = NAN;
}

static int apply_suggested(struct view *view, const struct event *event, struct error *err)
{
	struct trial *trial = NULL;
	const char *worker = keep_text(view, event->worker);
	if (event->worker && !worker)
		return no_memory(err);
	struct birth birth = { ORIGIN_TUNER, TRIAL_RUNNING };
	int rc = give_birth(view, event, birth, &trial, err);
	if (rc)
		return rc;
	assert(trial);
	hand_out(trial, event, worker, 1);
	return 0;
}

static int apply_enqueued(struct view *view, const struct event *event, struct error *err)
{
	struct trial *trial;
	struct birth birth = { ORIGIN_CUSTOM, TRIAL_WAITING };
	return give_birth(view, event, birth, &trial, err);
}

/* ---- results ---- */

static int set_values(struct view *view, struct trial *trial, const struct event *event)
{
	const struct spec *spec = view->spec;
	struct buffer json;
	double *values = arena_array(&view->arena, spec->n_objectives, sizeof(*values));
	double violation;

	if (!values)
		return CODE_NO_MEMORY;
	view_objectives(spec, event->metrics, event->n_metrics, values, &violation);
	buffer_init(&json, LIMIT_BODY_BYTES);
	metrics_write(event->metrics, event->n_metrics, &json);
	const char *text = json.failed ? NULL : keep_text(view, buffer_text(&json));
	buffer_release(&json);
	if (!text)
		return CODE_NO_MEMORY;
	trial->values = values;
	trial->values_json = text;
	trial->violation = violation;
	trial->loss = objective_loss(&spec->objectives[0], values[0]);
	trial->digest = metrics_digest(event->metrics, event->n_metrics);
	return 0;
}

static void update_best(struct view *view, const struct trial *trial)
{
	const struct trial *best = view_trial(view, view->counts.best);
	bool better = trial->state == TRIAL_SUCCEEDED && trial->violation <= 0 &&
		      !isnan(trial->loss) && (!best || trial->loss < best->loss);
	if (better) {
		view->counts.best = trial->number;
		view->counts.since_best = 0;
	} else if (view_has_result(trial)) {
		view->counts.since_best++;
	}
}

static int finish(
	struct view *view, struct trial *trial, enum trial_state state, const struct event *event)
{
	set_state(view, trial, state);
	trial->ended_ms = event->at_ms;
	trial->ended_version = event->version;
	trial->lease_until_ms = 0;
	if (view_has_result(trial) && view_push_finished(view, trial))
		return CODE_NO_MEMORY;
	update_best(view, trial);
	return 0;
}

static int apply_seeded(struct view *view, const struct event *event, struct error *err)
{
	struct trial *trial = NULL;
	if (event->state != TRIAL_SUCCEEDED && event->state != TRIAL_FAILED)
		return fail(err, CODE_INTERNAL, "a seed must have succeeded or failed");
	struct birth birth = { ORIGIN_SEED, event->state };
	int rc = give_birth(view, event, birth, &trial, err);
	if (rc)
		return rc;
	assert(trial);
	trial->message = keep_text(view, event->message);
	if ((event->message && !trial->message) ||
		((event->n_metrics || event->state == TRIAL_SUCCEEDED) &&
			set_values(view, trial, event)))
		return no_memory(err);
	if (event->state == TRIAL_FAILED)
		trial->loss = NAN;
	return finish(view, trial, event->state, event) ? no_memory(err) : 0;
}

static int apply_reported(struct view *view, struct trial *trial, const struct event *event)
{
	double values[LIMIT_OBJECTIVES], violation;
	view_objectives(view->spec, event->metrics, event->n_metrics, values, &violation);
	struct report report = {
		.step = event->step,
		.value = values[0],
		.digest = metrics_digest(event->metrics, event->n_metrics),
		.attempt = event->attempt,
		.late = event->late,
	};
	if (event->checkpoint) {
		const char *checkpoint = keep_text(view, event->checkpoint);
		if (!checkpoint)
			return CODE_NO_MEMORY;
		trial->checkpoint = checkpoint;
	}
	if (view_push_report(view, trial, &report))
		return CODE_NO_MEMORY;
	if (event->late)
		return 0;
	if (event->step >= trial->last_step) {
		trial->last_step = event->step;
		trial->last_value = report.value;
	}
	/* A report is a sign of life. */
	int64_t until = event->at_ms + trial->lease_ms;
	if (trial->state == TRIAL_RUNNING && until > trial->lease_until_ms)
		trial->lease_until_ms = until;
	return 0;
}

static int apply_observed(struct view *view, struct trial *trial, const struct event *event)
{
	if (event->checkpoint) {
		const char *checkpoint = keep_text(view, event->checkpoint);
		if (!checkpoint)
			return CODE_NO_MEMORY;
		trial->checkpoint = checkpoint;
	}
	if (set_values(view, trial, event))
		return CODE_NO_MEMORY;
	return finish(view, trial, TRIAL_SUCCEEDED, event);
}

static int set_message(struct view *view, struct trial *trial, const char *message)
{
	const char *kept = keep_text(view, message);
	if (message && !kept)
		return CODE_NO_MEMORY;
	trial->message = kept;
	return 0;
}

static int apply_failed(struct view *view, struct trial *trial, const struct event *event)
{
	if (set_message(view, trial, event->message))
		return CODE_NO_MEMORY;
	return finish(view, trial, TRIAL_FAILED, event);
}

static int apply_stopped(struct view *view, struct trial *trial, const struct event *event)
{
	if (set_message(view, trial, event->message))
		return CODE_NO_MEMORY;
	return finish(view, trial, TRIAL_STOPPED, event);
}

static int apply_cancelled(struct view *view, struct trial *trial, const struct event *event)
{
	if (set_message(view, trial, event->message))
		return CODE_NO_MEMORY;
	return finish(view, trial, TRIAL_CANCELLED, event);
}

/* ---- handing out and taking back ---- */

static int apply_assigned(struct view *view, struct trial *trial, const struct event *event)
{
	const char *worker = keep_text(view, event->worker);
	if (event->worker && !worker)
		return CODE_NO_MEMORY;
	set_state(view, trial, TRIAL_RUNNING);
	if (!isnan(event->resource)) /* a promotion, or told again */
		trial->resource = event->resource;
	hand_out(trial, event, worker, trial->attempt + 1);
	return 0;
}

static int apply_paused(struct view *view, struct trial *trial, const struct event *event)
{
	(void)event;
	set_state(view, trial, TRIAL_PAUSED);
	trial->lease_until_ms = 0;
	return 0;
}

static int apply_expired(struct view *view, struct trial *trial, const struct event *event)
{
	trial->retries++;
	if (event->lost)
		return finish(view, trial, TRIAL_LOST, event);
	set_state(view, trial, TRIAL_WAITING);
	trial->lease_until_ms = 0;
	return 0;
}

static int apply_released(struct view *view, struct trial *trial, const struct event *event)
{
	(void)event;
	set_state(view, trial, TRIAL_WAITING);
	trial->lease_until_ms = 0;
	return 0;
}

static int apply_retried(struct view *view, struct trial *trial, const struct event *event)
{
	(void)event;
	view_drop_finished(view, trial);
	set_state(view, trial, TRIAL_WAITING);
	trial->retries = 0;
	trial->values = NULL;
	trial->values_json = NULL;
	trial->loss = NAN;
	trial->violation = 0;
	trial->digest = 0;
	trial->message = NULL;
	trial->ended_ms = 0;
	trial->ended_version = 0;
	return 0;
}

/* ---- the table ---- */

#define IN(state)    (1u << (state))
#define IN_RUNNING   IN(TRIAL_RUNNING)
#define IN_WAITING   IN(TRIAL_WAITING)
#define IN_PAUSED    IN(TRIAL_PAUSED)
#define IN_PENDING   (IN_WAITING | IN_RUNNING | IN_PAUSED)
#define IN_RETRIABLE (IN(TRIAL_FAILED) | IN(TRIAL_STOPPED) | IN(TRIAL_LOST) | IN(TRIAL_CANCELLED))
#define IN_ANY	     ((1u << TRIAL_STATE_COUNT) - 1)

struct rule {
	/* Exactly one of the two; on_trial gets a trial that has been saved for undo. */
	int (*on_experiment)(struct view *, const struct event *, struct error *);
	int (*on_trial)(struct view *, struct trial *, const struct event *);
	unsigned states; /* in which the trial must be; a late report may come in any */
};

static const struct rule rules[EVENT_KIND_COUNT] = {
	[EVENT_CREATED] = { .on_experiment = apply_created },
	[EVENT_EDITED] = { .on_experiment = apply_edited },
	[EVENT_STATUS] = { .on_experiment = apply_status },
	[EVENT_SUGGESTED] = { .on_experiment = apply_suggested },
	[EVENT_ENQUEUED] = { .on_experiment = apply_enqueued },
	[EVENT_SEEDED] = { .on_experiment = apply_seeded },
	[EVENT_ASSIGNED] = { .on_trial = apply_assigned, .states = IN_WAITING | IN_PAUSED },
	[EVENT_REPORTED] = { .on_trial = apply_reported, .states = IN_ANY },
	[EVENT_OBSERVED] = { .on_trial = apply_observed, .states = IN_PENDING | IN(TRIAL_LOST) },
	[EVENT_FAILED] = { .on_trial = apply_failed, .states = IN_PENDING },
	[EVENT_STOPPED] = { .on_trial = apply_stopped, .states = IN_PENDING },
	/* Waiting: its lease ran out, but then the result came all the same. */
	[EVENT_PAUSED] = { .on_trial = apply_paused, .states = IN_RUNNING | IN_WAITING },
	[EVENT_EXPIRED] = { .on_trial = apply_expired, .states = IN_RUNNING },
	[EVENT_RELEASED] = { .on_trial = apply_released, .states = IN_RUNNING },
	[EVENT_CANCELLED] = { .on_trial = apply_cancelled, .states = IN_PENDING },
	[EVENT_RETRIED] = { .on_trial = apply_retried, .states = IN_RETRIABLE },
};

static int apply_to_trial(
	struct view *view, const struct rule *rule, const struct event *event, struct error *err)
{
	if (event->trial < 0 || (size_t)event->trial >= view->n_trials)
		return fail(err, CODE_INTERNAL, "%s: there is no trial %lld",
			event_kind_name(event->kind), (long long)event->trial);
	struct trial *trial = &view->trials[event->trial];
	if (!(rule->states & IN(trial->state)))
		return fail(err, CODE_INTERNAL, "%s: trial %lld is %s",
			event_kind_name(event->kind), (long long)event->trial,
			trial_state_name(trial->state));
	if (view_save(view, trial))
		return no_memory(err);
	return rule->on_trial(view, trial, event) ? no_memory(err) : 0;
}

int view_apply(struct view *view, const struct event *event, struct error *err)
{
	assert(event->kind >= 0 && event->kind < EVENT_KIND_COUNT);
	const struct rule *rule = &rules[event->kind];

	if (event->version != view->counts.version + 1)
		return fail(err, CODE_INTERNAL, "version %llu cannot follow %llu",
			(unsigned long long)event->version,
			(unsigned long long)view->counts.version);
	if (!view->spec && event->kind != EVENT_CREATED)
		return fail(err, CODE_INTERNAL, "the log does not begin with created");
	int rc = rule->on_experiment ? rule->on_experiment(view, event, err)
				     : apply_to_trial(view, rule, event, err);
	if (rc)
		return rc;
	view->counts.version = event->version;
	view->counts.updated_ms = event->at_ms;
	return 0;
}
