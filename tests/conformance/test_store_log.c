/* Appending, reading back, loading views: the log and what is folded from it. */
#include "tests/conformance/lab.h"

#include <pthread.h>
#include <time.h>

/* ---- comparing views ---- */

static void assert_text_equal(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void assert_real_equal(double a, double b)
{
	assert_true(a == b || (isnan(a) && isnan(b)));
}

static void assert_trial_equal(const struct trial *a, const struct trial *b, size_t n_objectives)
{
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->origin, b->origin);
	assert_int_equal(a->attempt, b->attempt);
	assert_int_equal(a->retries, b->retries);
	assert_text_equal(a->parameters, b->parameters);
	assert_text_equal(a->values_json, b->values_json);
	assert_text_equal(a->meta, b->meta);
	assert_text_equal(a->checkpoint, b->checkpoint);
	assert_text_equal(a->worker, b->worker);
	assert_text_equal(a->message, b->message);
	assert_real_equal(a->loss, b->loss);
	assert_real_equal(a->violation, b->violation);
	assert_real_equal(a->resource, b->resource);
	assert_real_equal(a->last_value, b->last_value);
	assert_int_equal(a->last_step, b->last_step);
	assert_int_equal(a->parent, b->parent);
	assert_true(a->digest == b->digest);
	assert_int_equal(a->tag.size, b->tag.size);
	if (a->tag.size)
		assert_memory_equal(a->tag.data, b->tag.data, a->tag.size);
	assert_int_equal(!a->values, !b->values);
	for (size_t i = 0; a->values && i < n_objectives; i++)
		assert_real_equal(a->values[i], b->values[i]);
	assert_int_equal(a->lease_until_ms, b->lease_until_ms);
	assert_int_equal(a->lease_ms, b->lease_ms);
	assert_int_equal(a->created_ms, b->created_ms);
	assert_int_equal(a->started_ms, b->started_ms);
	assert_int_equal(a->ended_ms, b->ended_ms);
	assert_int_equal(a->base_version, b->base_version);
	assert_int_equal(a->suggested_version, b->suggested_version);
	assert_int_equal(a->ended_version, b->ended_version);
}

static void assert_reports_equal(const struct trial *a, const struct trial *b)
{
	assert_int_equal(a->n_reports, b->n_reports);
	for (uint32_t i = 0; i < a->n_reports; i++) {
		assert_int_equal(a->reports[i].step, b->reports[i].step);
		assert_real_equal(a->reports[i].value, b->reports[i].value);
		assert_true(a->reports[i].digest == b->reports[i].digest);
		assert_int_equal(a->reports[i].attempt, b->reports[i].attempt);
		assert_int_equal(a->reports[i].late, b->reports[i].late);
	}
}

static void load(struct lab *lab, struct view *view, struct experiment_row *row)
{
	struct error err = { 0 };
	view_init(view, &lab_catalog);
	int rc = store_view_load(lab->session, lab->id, view, &lab->arena, row, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	assert_int_equal(rc, 0);
}

/* What the store loads is what the fold has made. */
static void assert_loads_as_folded(struct lab *lab)
{
	struct view view;
	struct experiment_row row;
	const struct view *own = &lab->view;
	load(lab, &view, &row);
	assert_string_equal(row.id, lab->id);
	assert_string_equal(row.team, LAB_TEAM);
	assert_string_equal(view.reason, own->reason);
	assert_string_equal(view.spec->json, own->spec->json);
	assert_memory_equal(
		&view.counts.by_state, &own->counts.by_state, sizeof(view.counts.by_state));
	assert_int_equal(view.counts.version, own->counts.version);
	assert_int_equal(view.counts.spec_version, own->counts.spec_version);
	assert_int_equal(view.counts.status, own->counts.status);
	assert_int_equal(view.counts.best, own->counts.best);
	assert_int_equal(view.counts.since_best, own->counts.since_best);
	assert_int_equal(view.counts.handed, own->counts.handed);
	assert_int_equal(view.counts.seeded, own->counts.seeded);
	assert_int_equal(view.counts.active_ms, own->counts.active_ms);
	assert_int_equal(view.counts.active_since_ms, own->counts.active_since_ms);
	assert_int_equal(view.counts.updated_ms, own->counts.updated_ms);
	assert_int_equal(view.created_ms, LAB_NOW);
	assert_int_equal(view.n_trials, own->n_trials);
	assert_int_equal(view.n_finished, own->n_finished);
	for (size_t i = 0; i < own->n_finished; i++)
		assert_int_equal(view.finished[i], own->finished[i]);
	for (size_t i = 0; i < own->n_trials; i++) {
		const struct trial *loaded = &view.trials[i], *folded = &own->trials[i];
		assert_trial_equal(loaded, folded, own->spec->n_objectives);
		assert_int_equal(
			loaded->reports_loaded, trial_pending(folded) || own->needs_metrics);
		if (loaded->reports_loaded)
			assert_reports_equal(loaded, folded);
		else
			assert_int_equal(loaded->n_reports, 0);
	}
	view_release(&view);
}

/* One of everything that an experiment can go through. */
static void live(struct lab *lab)
{
	struct metric two[] = { lab_loss(0.5),
		{ .name = "size", .value = (double)INFINITY, .stderr_ = 0.25 } };
	int64_t first = lab_suggest(lab), second = lab_suggest(lab), third = lab_suggest(lab);
	lab->now_ms += 1000;
	lab_report(lab, first, 1, 0.9);
	lab_report(lab, second, 1, (double)NAN);
	lab_report(lab, first, 2, 0.8);
	struct event event = lab_result(EVENT_OBSERVED, first, 1, -1, lab->now_ms, two);
	event.n_metrics = 2;
	event.checkpoint = "s3://bucket/model";
	lab_append(lab, &event, 1);
	event = lab_result(EVENT_FAILED, third, 1, -1, lab->now_ms, NULL);
	event.n_metrics = 0;
	event.message = "out of memory: \"größe\"\n at line 3";
	lab_append(lab, &event, 1);
	event = lab_suggested(&lab->view, lab->now_ms);
	event.tag = (struct bytes){ "\0\1\2\xff", 4 };
	event.meta = "{\"tuner\":\"plain\"}";
	event.resource = 3;
	event.parent = 1;
	event.worker = NULL;
	lab_append(lab, &event, 1);
	struct event batch[2];
	batch[0] = lab_seeded((int64_t)lab->view.n_trials, lab->now_ms, two, 2);
	event_init(&batch[1], EVENT_ENQUEUED, (int64_t)lab->view.n_trials + 1);
	batch[1].parameters = "{\"x\":0.75}";
	batch[1].at_ms = lab->now_ms;
	lab_append(lab, batch, 2);
	event_init(&event, EVENT_STATUS, -1);
	event.status = STATUS_PAUSED;
	event.reason = "user";
	event.at_ms = lab->now_ms + 500;
	lab_append(lab, &event, 1);
}

static void test_view_loads_as_folded(void **state)
{
	struct lab *lab = *state;
	live(lab);
	assert_loads_as_folded(lab);
	lab->now_ms = LAB_NOW;
	lab_begin(lab, LAB_CURIOUS);
	assert_loads_as_folded(lab);
	live(lab);
	assert_true(lab->view.needs_metrics);
	assert_loads_as_folded(lab);
	lab->now_ms = LAB_NOW;
}

/* The row's hint says no, the tuner of this build says yes: the view gets its reports all the
 * same. */
static void test_view_with_an_old_hint(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	lab_begin(lab, LAB_CURIOUS);
	int64_t trial = lab_suggest(lab);
	lab_report(lab, trial, 1, 0.5);
	lab_observe(lab, trial, 0.25);
	assert_int_equal(lab->store->ops->script(lab->session->sql,
				 "UPDATE experiments SET needs_metrics = 0", &err),
		0);
	assert_loads_as_folded(lab);
}

static void test_view_of_nothing(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct view view;
	struct experiment_row row;
	view_init(&view, &lab_catalog);
	assert_int_equal(store_view_load(lab->session, "exp_none", &view, &lab->arena, &row, &err),
		CODE_NOT_FOUND);
	view_release(&view);
}

/* ---- events ---- */

static void test_events_come_back(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	const struct event *events;
	size_t n;
	struct view view;
	live(lab);
	lab->now_ms = LAB_NOW;
	uint64_t version = lab->view.counts.version;
	assert_int_equal(
		store_events(lab->session, lab->id, 0, 1000, &lab->arena, &events, &n, &err), 0);
	assert_int_equal(n, version);
	/* Folded again they give the same experiment. */
	view_init(&view, &lab_catalog);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(events[i].version, i + 1);
		assert_int_equal(view_apply(&view, &events[i], &err), 0);
	}
	assert_int_equal(view.n_trials, lab->view.n_trials);
	for (size_t i = 0; i < view.n_trials; i++) {
		assert_trial_equal(&view.trials[i], &lab->view.trials[i], 1);
		assert_reports_equal(&view.trials[i], &lab->view.trials[i]);
	}
	view_release(&view);
	/* Pages. */
	assert_int_equal(
		store_events(lab->session, lab->id, 3, 2, &lab->arena, &events, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(events[0].version, 4);
	assert_int_equal(events[1].version, 5);
	assert_int_equal(
		store_events(lab->session, lab->id, version, 10, &lab->arena, &events, &n, &err),
		0);
	assert_int_equal(n, 0);
	assert_int_equal(
		store_events(lab->session, "exp_none", 0, 10, &lab->arena, &events, &n, &err), 0);
	assert_int_equal(n, 0);
}

/* ---- the fence ---- */

static void test_stale_append_misses(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct view stale;
	struct experiment_row row;
	load(lab, &stale, &row);
	lab_suggest(lab);
	struct event event = lab_suggested(&stale, LAB_NOW);
	assert_int_equal(
		lab_append_with(lab->session, &stale, lab->id, &event, 1, NULL, NULL, &err),
		CODE_MISS);
	view_release(&stale);
	/* Nothing of it is there. */
	assert_loads_as_folded(lab);
}

static void test_append_to_nothing(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct event event = lab_suggested(&lab->view, LAB_NOW);
	assert_int_equal(store_experiment_delete(lab->session, LAB_TEAM, lab->id, &err), 0);
	assert_int_equal(lab_try(lab, &event, 1, &err), CODE_NOT_FOUND);
}

/* A defect above must not put a report into the log twice. */
static void test_safety_net(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct metric metric = lab_loss(0.5);
	int64_t trial = lab_suggest(lab);
	lab_report(lab, trial, 3, 0.5);
	struct event again = lab_result(EVENT_REPORTED, trial, 1, 3, LAB_NOW, &metric);
	assert_int_equal(lab_try(lab, &again, 1, &err), CODE_CONFLICT);
	again.step = 4;
	assert_int_equal(lab_try(lab, &again, 1, &err), 0);
	/* Other kinds may repeat: paused, assigned, paused. */
	for (int i = 0; i < 2; i++) {
		struct event events[2];
		event_init(&events[0], EVENT_PAUSED, trial);
		event_init(&events[1], EVENT_ASSIGNED, trial);
		events[0].attempt = events[1].attempt = 1;
		events[0].at_ms = events[1].at_ms = LAB_NOW;
		events[1].lease_ms = 1000;
		lab_append(lab, events, 2);
	}
	assert_loads_as_folded(lab);
}

static void test_trips_and_commits(void **state)
{
	struct lab *lab = *state;
	struct sql_stats before, after;
	sql_stats(&before);
	int64_t trial = lab_suggest(lab);
	sql_stats(&after);
	assert_int_equal(after.round_trips - before.round_trips, 1);
	assert_int_equal(after.commits - before.commits, 1);
	sql_stats(&before);
	lab_observe(lab, trial, 0.5);
	sql_stats(&after);
	assert_int_equal(after.round_trips - before.round_trips, 1);
	assert_int_equal(after.commits - before.commits, 1);
	struct view view;
	struct experiment_row row;
	sql_stats(&before);
	load(lab, &view, &row);
	sql_stats(&after);
	view_release(&view);
	assert_int_equal(after.round_trips - before.round_trips, 1);
	assert_int_equal(after.commits - before.commits, 0);
}

/* ---- edits ---- */

static void test_edit_rewrites_the_row(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct faults faults;
	const struct spec *spec;
	struct experiment_row row;
	const char *patch = "{\"name\":\"ÄNDERUNG\",\"labels\":{\"b\":\"2\"},\"tuner\":{\"name\":"
			    "\"curious\"},\"limits\":{\"max_duration\":\"1h\"}}";
	lab_begin(lab, LAB_PLAIN ",\"labels\":{\"a\":\"1\"}");
	faults_init(&faults);
	assert_int_equal(spec_parse(patch, strlen(patch), lab->view.spec, &lab_catalog, 7,
				 &lab->arena, &spec, &faults, &err),
		0);
	struct event event;
	event_init(&event, EVENT_EDITED, -1);
	event.at_ms = LAB_NOW + 5;
	event.spec = spec->json;
	lab_append(lab, &event, 1);
	assert_int_equal(
		store_experiment_get(lab->session, LAB_TEAM, lab->id, &lab->arena, &row, &err), 0);
	assert_string_equal(row.name, "ÄNDERUNG");
	assert_string_equal(row.spec, spec->json);
	assert_int_equal(row.counts.spec_version, 2);
	struct experiment_page page;
	struct experiment_filter filter = { .team = LAB_TEAM, .label_key = "b", .limit = 10 };
	assert_int_equal(store_experiment_list(lab->session, &filter, &lab->arena, &page, &err), 0);
	assert_int_equal(page.n, 1);
	assert_string_equal(page.rows[0].id, lab->id);
	filter = (struct experiment_filter){ .name = "änderung", .limit = 10 };
	assert_int_equal(store_experiment_list(lab->session, &filter, &lab->arena, &page, &err), 0);
	assert_int_equal(page.n, 1);
	filter = (struct experiment_filter){ .label_key = "a", .limit = 10 };
	assert_int_equal(store_experiment_list(lab->session, &filter, &lab->arena, &page, &err), 0);
	assert_int_equal(page.n, 0);
	/* max_duration runs from when the experiment became active. */
	const struct due *due;
	size_t n;
	assert_int_equal(
		store_due(lab->session, LAB_NOW + 3600000 - 1, 10, &lab->arena, &due, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(
		store_due(lab->session, LAB_NOW + 3600000, 10, &lab->arena, &due, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(due[0].experiment, lab->id);
	assert_string_equal(due[0].team, LAB_TEAM);
	assert_int_equal(due[0].trial, -1);
	assert_int_equal(store_experiment_delete(lab->session, NULL, lab->id, &err), 0);
}

/* ---- many ---- */

static int64_t elapsed_ms(const struct timespec *since)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void test_ten_thousand_seeds(void **state)
{
	struct lab *lab = *state;
	struct sql_stats before, after;
	struct timespec start;
	const size_t n = 10000;
	struct event *events = calloc(n, sizeof(*events));
	struct metric *metrics = calloc(n, sizeof(*metrics));
	for (size_t i = 0; i < n; i++) {
		metrics[i] = lab_loss((double)((i * 7919) % n));
		events[i] = lab_seeded((int64_t)i, LAB_NOW, &metrics[i], 1);
	}
	sql_stats(&before);
	clock_gettime(CLOCK_MONOTONIC, &start);
	lab_append(lab, events, n);
	printf("  %zu seeds appended in %lld ms\n", n, (long long)elapsed_ms(&start));
	sql_stats(&after);
	assert_int_equal(after.round_trips - before.round_trips, 1);
	assert_int_equal(after.commits - before.commits, 1);
	clock_gettime(CLOCK_MONOTONIC, &start);
	struct view view;
	struct experiment_row row;
	load(lab, &view, &row);
	printf("  %zu trials loaded in %lld ms\n", n, (long long)elapsed_ms(&start));
	assert_int_equal(view.n_trials, n);
	assert_real_equal(row.best_value, 0);
	view_release(&view);
	assert_loads_as_folded(lab);
	free(events);
	free(metrics);
}

/* ---- threads ---- */

#define THREADS	    6
#define EVENTS_EACH 25

struct replica {
	struct lab *lab;
	int rc;
	size_t misses;
	char message[ERROR_MESSAGE_MAX];
};

/* A suggest and its observation, as often as it takes. */
static int replica_work(struct replica *replica, struct session *session, struct view *view)
{
	struct error err = { 0 };
	struct arena arena;
	struct experiment_row row;
	arena_init(&arena, 0);
	int rc = 0;
	for (int i = 0; i < EVENTS_EACH && !rc; i++) {
		do {
			view_release(view);
			view_init(view, &lab_catalog);
			arena_reset(&arena);
			rc = store_view_load(session, replica->lab->id, view, &arena, &row, &err);
			if (rc)
				break;
			struct event event = lab_suggested(view, LAB_NOW);
			rc = lab_append_with(
				session, view, replica->lab->id, &event, 1, NULL, NULL, &err);
			replica->misses += rc == CODE_MISS;
		} while (rc == CODE_MISS);
	}
	snprintf(replica->message, sizeof(replica->message), "%s", err.message);
	arena_release(&arena);
	return rc;
}

static void *replica_run(void *arg)
{
	struct replica *replica = arg;
	struct session *session;
	struct error err;
	struct view view;
	view_init(&view, &lab_catalog);
	replica->rc = session_open(replica->lab->store, &session, &err);
	if (!replica->rc)
		replica->rc = replica_work(replica, session, &view);
	session_close(session);
	view_release(&view);
	return NULL;
}

static void test_replicas(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	pthread_t threads[THREADS];
	struct replica replicas[THREADS];
	for (int i = 0; i < THREADS; i++) {
		replicas[i] = (struct replica){ .lab = lab };
		assert_int_equal(pthread_create(&threads[i], NULL, replica_run, &replicas[i]), 0);
	}
	size_t misses = 0;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		if (replicas[i].rc)
			fprintf(stderr, "%s\n", replicas[i].message);
		assert_int_equal(replicas[i].rc, 0);
		misses += replicas[i].misses;
	}
	printf("  %zu misses\n", misses);
	const struct event *events;
	size_t n;
	assert_int_equal(
		store_events(lab->session, lab->id, 0, 10000, &lab->arena, &events, &n, &err), 0);
	assert_int_equal(n, 1 + THREADS * EVENTS_EACH);
	view_release(&lab->view);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(view_apply(&lab->view, &events[i], &err), 0);
	assert_int_equal(lab->view.n_trials, THREADS * EVENTS_EACH);
	assert_loads_as_folded(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_view_loads_as_folded, lab_setup),
		cmocka_unit_test_setup(test_view_with_an_old_hint, lab_setup),
		cmocka_unit_test_setup(test_view_of_nothing, lab_setup),
		cmocka_unit_test_setup(test_events_come_back, lab_setup),
		cmocka_unit_test_setup(test_stale_append_misses, lab_setup),
		cmocka_unit_test_setup(test_append_to_nothing, lab_setup),
		cmocka_unit_test_setup(test_safety_net, lab_setup),
		cmocka_unit_test_setup(test_trips_and_commits, lab_setup),
		cmocka_unit_test_setup(test_edit_rewrites_the_row, lab_setup),
		cmocka_unit_test_setup(test_ten_thousand_seeds, lab_setup),
		cmocka_unit_test_setup(test_replicas, lab_setup),
	};
	return back_end_run("log", tests, lab_group_setup, lab_group_teardown);
}
