/*
 * A store with one experiment and its view, kept in step as the engine does it: events are applied
 * to the view, appended, and taken back when the store refuses them.
 */
#ifndef TESTS_CONFORMANCE_LAB_H
#define TESTS_CONFORMANCE_LAB_H

#include "tests/conformance/back_end.h"

#include <math.h>

#define LAB_NOW	 1700000000000
#define LAB_TEAM "default"

static const struct algorithm lab_plain = { .name = "plain", .summary = "no metrics" };
static const struct algorithm lab_curious = {
	.name = "curious",
	.summary = "reads the reports of ended trials",
	.caps = ALGORITHM_NEEDS_METRICS,
};
static const struct algorithm *const lab_tuners[] = { &lab_plain, &lab_curious, NULL };
static const struct algorithm *const lab_assessors[] = { NULL };
static const struct catalog lab_catalog = { lab_tuners, lab_assessors };

struct lab {
	struct back_end back_end;
	struct store *store;
	struct session *session;
	struct arena arena; /* of one test */
	struct view view;
	char id[ID_SIZE];
	int64_t now_ms;
};

/* More of the spec than the search space: "" or members that start with a comma. */
static inline char *lab_spec(struct arena *arena, const char *name, const char *more)
{
	return arena_printf(arena,
		"{\"name\":\"%s\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"
		","
		"\"objectives\":[{\"name\":\"loss\",\"goal\":\"minimize\"}]%s}",
		name, more);
}

#define LAB_PLAIN   ",\"tuner\":{\"name\":\"plain\"}"
#define LAB_CURIOUS ",\"tuner\":{\"name\":\"curious\"}"

/* The view of a new experiment, and the row and event to store. */
static inline int lab_draft(struct arena *arena, struct view *view, const char *id,
	const char *name, const char *more, int64_t at_ms, struct experiment_row *row,
	struct event *created, struct error *err)
{
	struct faults faults;
	const struct spec *spec;
	faults_init(&faults);
	char *text = lab_spec(arena, name, more);
	int rc = spec_parse(text, strlen(text), NULL, &lab_catalog, 7, arena, &spec, &faults, err);
	if (rc) {
		fprintf(stderr, "%s: %s\n", faults.items[0].pointer, faults.items[0].message);
		return rc;
	}
	event_init(created, EVENT_CREATED, -1);
	created->version = 1;
	created->at_ms = at_ms;
	created->spec = spec->json;
	view_init(view, &lab_catalog);
	rc = view_apply(view, created, err);
	*row = (struct experiment_row){
		.id = id,
		.team = LAB_TEAM,
		.name = spec->name,
		.reason = view->reason,
		.spec = spec->json,
		.counts = view->counts,
		.best_value = (double)NAN,
		.created_ms = at_ms,
		.parsed = spec,
	};
	return rc;
}

static inline void lab_create_in(struct lab *lab, struct session *session, struct view *view,
	const char *id, const char *name, const char *more, int64_t at_ms)
{
	struct experiment_row row;
	struct event created;
	struct error err = { 0 };
	assert_int_equal(
		lab_draft(&lab->arena, view, id, name, more, at_ms, &row, &created, &err), 0);
	int rc = store_experiment_create(session, &row, &created, NULL, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	assert_int_equal(rc, 0);
}

/* Another experiment; its view is dropped. */
static inline void lab_create(
	struct lab *lab, const char *id, const char *name, const char *more, int64_t at_ms)
{
	struct view view;
	lab_create_in(lab, lab->session, &view, id, name, more, at_ms);
	view_release(&view);
}

/* The lab's own experiment, anew. */
static inline void lab_begin(struct lab *lab, const char *more)
{
	static unsigned counter;
	view_release(&lab->view);
	snprintf(lab->id, sizeof(lab->id), "exp_lab%06u", counter++);
	lab_create_in(lab, lab->session, &lab->view, lab->id, "lab", more, lab->now_ms);
}

/* Applies the events to view, numbering them, and appends them; takes them back if refused. */
static inline int lab_append_with(struct session *session, struct view *view, const char *id,
	struct event *events, size_t n, const struct idempotency *key, bool *key_used,
	struct error *err)
{
	uint64_t base = view->counts.version;
	size_t n_before = view->n_trials;
	int rc = 0;
	view_mark(view);
	for (size_t i = 0; i < n && !rc; i++) {
		events[i].version = base + i + 1;
		rc = view_apply(view, &events[i], err);
	}
	size_t room = view->n_undo + view->n_trials - n_before + 1;
	uint32_t *changed = calloc(room, sizeof(*changed));
	struct append append = {
		.experiment = id,
		.base_version = base,
		.events = events,
		.n_events = n,
		.view = view,
		.changed = changed,
		.n_changed = view_changed(view, changed, room),
		.n_trials_before = n_before,
		.keys = key,
		.n_keys = key ? 1 : 0,
	};
	if (!rc)
		rc = store_append(session, &append, key_used, err);
	free(changed);
	if (rc)
		view_rollback(view);
	else
		view_keep(view);
	return rc;
}

static inline int lab_try(struct lab *lab, struct event *events, size_t n, struct error *err)
{
	return lab_append_with(lab->session, &lab->view, lab->id, events, n, NULL, NULL, err);
}

static inline void lab_append(struct lab *lab, struct event *events, size_t n)
{
	struct error err = { 0 };
	int rc = lab_try(lab, events, n, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	assert_int_equal(rc, 0);
}

/* ---- events ---- */

static inline struct event lab_suggested(const struct view *view, int64_t at_ms)
{
	struct event event;
	event_init(&event, EVENT_SUGGESTED, (int64_t)view->n_trials);
	event.attempt = 1;
	event.at_ms = at_ms;
	event.parameters = "{\"x\":0.5}";
	event.lease_ms = 60000;
	event.worker = "worker-1";
	event.base_version = view->counts.version;
	return event;
}

static inline struct event lab_seeded(
	int64_t trial, int64_t at_ms, const struct metric *metrics, size_t n)
{
	struct event event;
	event_init(&event, EVENT_SEEDED, trial);
	event.at_ms = at_ms;
	event.parameters = "{\"x\":0.25}";
	event.state = TRIAL_SUCCEEDED;
	event.metrics = metrics;
	event.n_metrics = n;
	return event;
}

static inline struct event lab_result(enum event_kind kind, int64_t trial, uint32_t attempt,
	int64_t step, int64_t at_ms, const struct metric *metrics)
{
	struct event event;
	event_init(&event, kind, trial);
	event.attempt = attempt;
	event.step = step;
	event.at_ms = at_ms;
	event.metrics = metrics;
	event.n_metrics = 1;
	return event;
}

static inline struct metric lab_loss(double value)
{
	return (struct metric){ .name = "loss", .value = value, .stderr_ = (double)NAN };
}

static inline int64_t lab_suggest(struct lab *lab)
{
	struct event event = lab_suggested(&lab->view, lab->now_ms);
	lab_append(lab, &event, 1);
	return event.trial;
}

static inline void lab_report(struct lab *lab, int64_t trial, int64_t step, double value)
{
	struct metric metric = lab_loss(value);
	struct event event = lab_result(
		EVENT_REPORTED, trial, lab->view.trials[trial].attempt, step, lab->now_ms, &metric);
	lab_append(lab, &event, 1);
}

static inline void lab_observe(struct lab *lab, int64_t trial, double value)
{
	struct metric metric = lab_loss(value);
	struct event event = lab_result(
		EVENT_OBSERVED, trial, lab->view.trials[trial].attempt, -1, lab->now_ms, &metric);
	lab_append(lab, &event, 1);
}

/* ---- set-up ---- */

static inline int lab_group_setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct error err = { 0 };
	*state = lab;
	if (!back_end_open(back_end_name, &lab->back_end))
		return -1;
	const struct store_config config = { .url = lab->back_end.url };
	view_init(&lab->view, &lab_catalog);
	arena_init(&lab->arena, 0);
	lab->now_ms = LAB_NOW;
	if (store_open(&config, &lab->store, &err) || store_migrate(lab->store, &err) ||
		session_open(lab->store, &lab->session, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return 0;
}

static inline int lab_group_teardown(void **state)
{
	struct lab *lab = *state;
	view_release(&lab->view);
	session_close(lab->session);
	store_close(lab->store);
	back_end_close(&lab->back_end);
	arena_release(&lab->arena);
	free(lab);
	return 0;
}

static inline int lab_setup(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	arena_reset(&lab->arena);
	lab->now_ms = LAB_NOW;
	if (lab->store->ops->script(lab->session->sql, "DELETE FROM experiments", &err)) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	lab_begin(lab, LAB_PLAIN);
	return 0;
}

#endif
