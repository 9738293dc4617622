#include "tests/unit/core/view_support.h"

#include "core/limits.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define ON(x)	 (1u << (x))

static const double none = (double)NAN, inf = (double)INFINITY;

static struct view view;

static int setup(void **state)
{
	(void)state;
	view_begin(&view, WIDE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	view_release(&view);
	return 0;
}

static void assert_trial(int64_t number, enum trial_state state)
{
	assert_sound(&view);
	assert_int_equal(view_trial(&view, number)->state, state);
}

/* ---- the life of a trial ---- */

static void test_created(void **state)
{
	(void)state;
	assert_int_equal(view.counts.version, 1);
	assert_int_equal(view.counts.spec_version, 1);
	assert_int_equal(view.counts.status, STATUS_RUNNING);
	assert_int_equal(view.counts.best, -1);
	assert_int_equal(view.created_ms, 1000);
	assert_string_equal(view.spec->name, "v");
	assert_null(view_trial(&view, 0));
	assert_null(view_trial(&view, -1));
	assert_sound(&view);
}

static void test_life(void **state)
{
	(void)state;
	int64_t t = apply_new(&view, EVENT_SUGGESTED, 0.25);
	const struct trial *trial = view_trial(&view, t);

	assert_trial(t, TRIAL_RUNNING);
	assert_int_equal(trial->origin, ORIGIN_TUNER);
	assert_int_equal(trial->attempt, 1);
	assert_string_equal(trial->worker, "w0");
	assert_int_equal(trial->created_ms, 2000);
	assert_int_equal(trial->started_ms, 2000);
	assert_int_equal(trial->lease_until_ms, 7000);
	assert_int_equal(trial->suggested_version, 2);
	assert_true(trial->x[0] == 0.25);

	apply_reported(&view, t, 0, 0.5, false);
	apply_reported(&view, t, 2, 0.7, false);
	assert_int_equal(trial->n_reports, 2);
	assert_int_equal(trial->last_step, 2);
	assert_true(trial->last_value == 0.7);
	/* A report is a sign of life: the lease runs from the last one. */
	assert_int_equal(trial->lease_until_ms, 4000 + 5000);
	/* Out of order: kept, but the last step stays the last. */
	apply_reported(&view, t, 1, 0.6, false);
	assert_int_equal(trial->n_reports, 3);
	assert_int_equal(trial->last_step, 2);
	assert_true(trial->last_value == 0.7);

	apply_kind(&view, EVENT_PAUSED, t);
	assert_trial(t, TRIAL_PAUSED);
	assert_int_equal(trial->lease_until_ms, 0);
	assert_int_equal(view_pending(&view), 1);

	apply_assigned(&view, t, "w1");
	assert_trial(t, TRIAL_RUNNING);
	assert_int_equal(trial->attempt, 2);
	assert_string_equal(trial->worker, "w1");
	assert_int_equal(trial->last_step, -1); /* of this attempt */
	assert_int_equal(trial->n_reports, 3);

	apply_observed(&view, t, 0.9, 10);
	assert_trial(t, TRIAL_SUCCEEDED);
	assert_true(trial->values[0] == 0.9 && trial->values[1] == 10);
	assert_true(trial->loss == -0.9);
	assert_true(trial->violation == 0);
	assert_string_equal(trial->values_json, "{\"acc\":0.9,\"ms\":10.0}");
	assert_int_equal(trial->ended_version, view.counts.version);
	assert_int_equal(trial->lease_until_ms, 0);
	assert_int_equal(view.counts.best, t);
	assert_int_equal(view.counts.handed, 1);
	assert_int_equal(view_pending(&view), 0);
}

static void test_enqueued(void **state)
{
	(void)state;
	int64_t t = apply_new(&view, EVENT_ENQUEUED, 0.5);
	assert_trial(t, TRIAL_WAITING);
	assert_int_equal(view_trial(&view, t)->origin, ORIGIN_CUSTOM);
	assert_int_equal(view_trial(&view, t)->attempt, 0);
	assert_int_equal(view_trial(&view, t)->started_ms, 0);
	assert_int_equal(view.counts.handed, 1);
	apply_assigned(&view, t, NULL);
	assert_trial(t, TRIAL_RUNNING);
	assert_null(view_trial(&view, t)->worker);
	assert_int_equal(view_trial(&view, t)->attempt, 1);
	apply_kind(&view, EVENT_RELEASED, t);
	assert_trial(t, TRIAL_WAITING);
	assert_int_equal(view_trial(&view, t)->retries, 0);
	apply_kind(&view, EVENT_CANCELLED, t);
	assert_trial(t, TRIAL_CANCELLED);
	assert_int_equal(view.n_finished, 0);
	assert_int_equal(view.counts.since_best, 0);
}

/* Seeds are history: they count neither as handed out nor do they need a worker. */
static void test_seeded(void **state)
{
	(void)state;
	const struct metric metrics[] = { { "ms", 3, none }, { "acc", 0.0, none } };
	struct event event = event_next(&view, EVENT_SEEDED, 0);
	event.parameters = "{\"x\":0.5,\"op\":{\"_name\":\"a\",\"k\":4}}";
	event.state = TRIAL_SUCCEEDED;
	event.metrics = metrics;
	event.n_metrics = 2;
	apply(&view, &event);
	assert_trial(0, TRIAL_SUCCEEDED);
	assert_int_equal(view.counts.handed, 0);
	assert_int_equal(view.counts.seeded, 1);
	assert_int_equal(view.counts.best, 0); /* zero is a value */
	assert_true(view.trials[0].x[2] == 4 || view.trials[0].x[1] == 4);

	event = event_next(&view, EVENT_SEEDED, 1);
	event.parameters = "{\"x\":0.25,\"op\":{\"_name\":\"b\"}}";
	event.state = TRIAL_FAILED;
	event.message = "nan loss";
	apply(&view, &event);
	assert_trial(1, TRIAL_FAILED);
	assert_string_equal(view.trials[1].message, "nan loss");
	assert_true(isnan(view.trials[1].loss));
	assert_int_equal(view.counts.best, 0);
	assert_int_equal(view.counts.since_best, 1);

	event = event_next(&view, EVENT_SEEDED, 2);
	event.parameters = "{\"x\":0.25,\"op\":{\"_name\":\"b\"}}";
	event.state = TRIAL_RUNNING;
	struct error err;
	assert_int_equal(view_apply(&view, &event, &err), CODE_INTERNAL);
	assert_int_equal(view.n_trials, 2);
	assert_sound(&view);
}

static void test_expired(void **state)
{
	(void)state;
	int64_t t = apply_new(&view, EVENT_SUGGESTED, 0.5);
	const struct trial *trial = &view.trials[t];
	struct event event;

	apply_kind(&view, EVENT_EXPIRED, t);
	assert_trial(t, TRIAL_WAITING);
	assert_int_equal(trial->retries, 1);
	apply_assigned(&view, t, "w1");
	event = event_next(&view, EVENT_EXPIRED, t);
	event.lost = true;
	apply(&view, &event);
	assert_trial(t, TRIAL_LOST);
	assert_true(trial_ended(trial));
	assert_int_equal(view.n_finished, 0);

	/* The worker was only slow: its result wins over lost. */
	apply_observed(&view, t, 0.5, 1);
	assert_trial(t, TRIAL_SUCCEEDED);
	assert_int_equal(view.n_finished, 1);
	assert_int_equal(view.counts.best, t);
}

static void test_result_of_an_older_attempt(void **state)
{
	(void)state;
	int64_t t = apply_new(&view, EVENT_SUGGESTED, 0.5);
	apply_kind(&view, EVENT_EXPIRED, t);
	apply_observed(&view, t, 0.5, 1); /* while it waits for another worker */
	assert_trial(t, TRIAL_SUCCEEDED);

	t = apply_new(&view, EVENT_SUGGESTED, 0.6);
	apply_kind(&view, EVENT_EXPIRED, t);
	apply_assigned(&view, t, "w1");
	struct event event = event_next(&view, EVENT_FAILED, t);
	event.attempt = 1;
	event.message = "out of memory";
	apply(&view, &event);
	assert_trial(t, TRIAL_FAILED);
	assert_string_equal(view.trials[t].message, "out of memory");
}

static void test_retried(void **state)
{
	(void)state;
	int64_t t = apply_new(&view, EVENT_SUGGESTED, 0.5);
	int64_t other = apply_new(&view, EVENT_SUGGESTED, 0.6);
	const struct trial *trial = &view.trials[t];

	apply_kind(&view, EVENT_EXPIRED, t);
	apply_assigned(&view, t, "w1");
	struct event event = event_next(&view, EVENT_FAILED, t);
	event.message = "bad luck";
	apply(&view, &event);
	apply_observed(&view, other, 0.1, 1);
	apply_kind(&view, EVENT_RETRIED, t);
	assert_trial(t, TRIAL_WAITING);
	assert_null(trial->values);
	assert_null(trial->message);
	assert_int_equal(trial->retries, 0);
	assert_int_equal(trial->attempt, 2);
	assert_int_equal(trial->ended_version, 0);
	assert_int_equal(trial->ended_ms, 0);
	apply_assigned(&view, t, "w2");
	assert_int_equal(trial->attempt, 3);
	apply_observed(&view, t, 0.9, 1);
	assert_trial(t, TRIAL_SUCCEEDED);
	/* Its result is the later one now. */
	assert_int_equal(view.finished[0], other);
	assert_int_equal(view.finished[1], t);
	assert_int_equal(view.counts.best, t);
	assert_int_equal(view.counts.handed, 2);
}

static void test_late_reports(void **state)
{
	(void)state;
	int64_t t = apply_new(&view, EVENT_SUGGESTED, 0.5);
	const struct trial *trial = &view.trials[t];
	apply_reported(&view, t, 3, 0.5, false);
	apply_reported(&view, t, 9, 0.6, true);
	assert_int_equal(trial->n_reports, 2);
	assert_true(trial->reports[1].late);
	assert_int_equal(trial->last_step, 3);
	apply_kind(&view, EVENT_STOPPED, t);
	apply_reported(&view, t, -1, 0.99, true); /* a final value after the end */
	assert_trial(t, TRIAL_STOPPED);
	assert_null(trial->values);
	assert_int_equal(trial->last_step, 3);
	assert_int_equal(view.counts.best, -1);
}

/* Which events may come in which state; rows are states. */
static void make_state(enum trial_state want, int64_t *trial)
{
	*trial = apply_new(&view, want == TRIAL_WAITING ? EVENT_ENQUEUED : EVENT_SUGGESTED,
		(double)view.n_trials / 1024);
	struct event event = event_next(&view, EVENT_EXPIRED, *trial);
	event.lost = true;
	if (want == TRIAL_LOST)
		apply(&view, &event);
	static const enum event_kind makers[TRIAL_STATE_COUNT] = {
		[TRIAL_PAUSED] = EVENT_PAUSED,
		[TRIAL_FAILED] = EVENT_FAILED,
		[TRIAL_STOPPED] = EVENT_STOPPED,
		[TRIAL_CANCELLED] = EVENT_CANCELLED,
	};
	if (want == TRIAL_SUCCEEDED)
		apply_observed(&view, *trial, 0.5, 1);
	else if (makers[want])
		apply_kind(&view, makers[want], *trial);
	assert_int_equal(view.trials[*trial].state, want);
}

static const struct {
	enum event_kind kind;
	unsigned states; /* where it may come */
	int to;		 /* -1: stays */
} moves[] = {
	{ EVENT_ASSIGNED, ON(TRIAL_WAITING) | ON(TRIAL_PAUSED), TRIAL_RUNNING },
	{ EVENT_REPORTED, ON(TRIAL_STATE_COUNT) - 1, -1 },
	{ EVENT_OBSERVED, ON(TRIAL_WAITING) | ON(TRIAL_RUNNING) | ON(TRIAL_PAUSED) | ON(TRIAL_LOST),
		TRIAL_SUCCEEDED },
	{ EVENT_FAILED, ON(TRIAL_WAITING) | ON(TRIAL_RUNNING) | ON(TRIAL_PAUSED), TRIAL_FAILED },
	{ EVENT_STOPPED, ON(TRIAL_WAITING) | ON(TRIAL_RUNNING) | ON(TRIAL_PAUSED), TRIAL_STOPPED },
	{ EVENT_PAUSED, ON(TRIAL_WAITING) | ON(TRIAL_RUNNING), TRIAL_PAUSED },
	{ EVENT_EXPIRED, ON(TRIAL_RUNNING), TRIAL_WAITING },
	{ EVENT_RELEASED, ON(TRIAL_RUNNING), TRIAL_WAITING },
	{ EVENT_CANCELLED, ON(TRIAL_WAITING) | ON(TRIAL_RUNNING) | ON(TRIAL_PAUSED),
		TRIAL_CANCELLED },
	{ EVENT_RETRIED,
		ON(TRIAL_FAILED) | ON(TRIAL_STOPPED) | ON(TRIAL_LOST) | ON(TRIAL_CANCELLED),
		TRIAL_WAITING },
};

static void test_moves(void **state)
{
	(void)state;
	struct buffer before, after;
	buffer_init(&before, 1u << 24);
	buffer_init(&after, 1u << 24);
	for (size_t i = 0; i < COUNT(moves); i++) {
		for (int from = 0; from < TRIAL_STATE_COUNT; from++) {
			struct error err;
			int64_t t;
			make_state((enum trial_state)from, &t);
			struct event event = event_next(&view, moves[i].kind, t);
			bool allowed = moves[i].states & ON(from);
			dump_view(&view, &before);
			int rc = view_apply(&view, &event, &err);
			assert_int_equal(rc, allowed ? 0 : CODE_INTERNAL);
			assert_int_equal(view.trials[t].state,
				allowed && moves[i].to >= 0 ? moves[i].to : from);
			assert_sound(&view);
			dump_view(&view, &after);
			/* What is refused leaves no trace. */
			assert_int_equal(
				strcmp(buffer_text(&before), buffer_text(&after)) == 0, !allowed);
		}
	}
	buffer_release(&before);
	buffer_release(&after);
}

/* ---- damaged logs ---- */

static void assert_refused(const struct event *event)
{
	struct buffer before, after;
	struct error err = { 0 };
	buffer_init(&before, 1u << 20);
	buffer_init(&after, 1u << 20);
	dump_view(&view, &before);
	assert_int_equal(view_apply(&view, event, &err), CODE_INTERNAL);
	assert_true(err.message[0] != '\0');
	dump_view(&view, &after);
	assert_string_equal(buffer_text(&before), buffer_text(&after));
	buffer_release(&before);
	buffer_release(&after);
}

static void test_refused(void **state)
{
	(void)state;
	int64_t t = apply_new(&view, EVENT_SUGGESTED, 0.5);
	struct event event;

	event = event_next(&view, EVENT_RELEASED, t);
	event.version++; /* a gap */
	assert_refused(&event);
	event.version -= 2; /* a repetition */
	assert_refused(&event);
	event = event_next(&view, EVENT_RELEASED, t + 1);
	assert_refused(&event);
	event = event_next(&view, EVENT_RELEASED, -1);
	assert_refused(&event);
	event = event_next(&view, EVENT_ENQUEUED, t + 2); /* a number skipped */
	event.parameters = "{\"x\":0.5,\"op\":{\"_name\":\"b\"}}";
	assert_refused(&event);
	event = event_next(&view, EVENT_ENQUEUED, t); /* and one given twice */
	event.parameters = "{\"x\":0.5,\"op\":{\"_name\":\"b\"}}";
	assert_refused(&event);
	event = event_next(&view, EVENT_ENQUEUED, t + 1);
	assert_refused(&event); /* without parameters */
	event = event_next(&view, EVENT_CREATED, -1);
	event.spec = WIDE;
	assert_refused(&event);
	event = event_next(&view, EVENT_EDITED, -1);
	assert_refused(&event);
	event.spec = "{\"name\":\"v\"}";
	assert_refused(&event);

	struct view empty;
	struct error err;
	view_init(&empty, &view_catalog);
	event = event_next(&empty, EVENT_STATUS, -1);
	assert_int_equal(view_apply(&empty, &event, &err), CODE_INTERNAL);
	event = event_next(&empty, EVENT_CREATED, -1);
	assert_int_equal(view_apply(&empty, &event, &err), CODE_INTERNAL);
	event.spec = "{}";
	assert_int_equal(view_apply(&empty, &event, &err), CODE_INTERNAL);
	assert_int_equal(empty.counts.version, 0);
	view_release(&empty);
}

/* ---- best, patience, values ---- */

static void test_best(void **state)
{
	(void)state;
	static const struct {
		double acc, ms;
		int64_t best, since;
	} rows[] = {
		{ none, 1, -1, 1 },  /* no value is no best */
		{ 0.1, 21, -1, 2 },  /* infeasible */
		{ -inf, 20, 2, 0 },  /* as bad as can be, but a value */
		{ 0.5, none, 2, 1 }, /* a missing constraint metric is a violation */
		{ 0.3, 1, 4, 0 },
		{ 0.3, 1, 4, 1 }, /* the first of equals */
		{ 0.2, 1, 4, 2 },
		{ none, 1, 4, 3 },
		{ 0.4, 1, 8, 0 },
		{ inf, 1, 9, 0 },
		{ inf, 1, 9, 1 },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t t = apply_new(&view, EVENT_SUGGESTED, (double)i / 16);
		apply_observed(&view, t, rows[i].acc, rows[i].ms);
		assert_trial(t, TRIAL_SUCCEEDED);
		assert_int_equal(view.counts.best, rows[i].best);
		assert_int_equal(view.counts.since_best, rows[i].since);
	}
	/* Failed and stopped trials use up patience; lost and cancelled ones told us nothing. */
	static const enum event_kind ends[] = { EVENT_FAILED, EVENT_STOPPED, EVENT_CANCELLED,
		EVENT_EXPIRED };
	for (size_t i = 0; i < COUNT(ends); i++) {
		int64_t t = apply_new(&view, EVENT_SUGGESTED, 0.9 + (double)i / 100);
		struct event event = event_next(&view, ends[i], t);
		event.lost = ends[i] == EVENT_EXPIRED;
		apply(&view, &event);
		assert_int_equal(view.counts.since_best, i < 2 ? 2 + (int)i : 3);
		assert_int_equal(view.counts.best, 9);
		assert_sound(&view);
	}
}

static void test_objectives(void **state)
{
	(void)state;
	static const char *const spec_text =
		"{\"name\":\"v\",\"search_space\":" SPACE_WIDE ",\"objectives\":[{\"name\":\"b\","
		"\"goal\":\"maximize\"},{\"name\":\"a\",\"goal\":\"minimize\"},{\"name\":\"c\","
		"\"goal\":\"minimize\"}],\"constraints\":[{\"metric\":\"a\",\"min\":1,\"max\":2},"
		"{\"metric\":\"d\",\"min\":-1}],\"tuner\":{\"name\":\"tpe\"}}";
	static const struct {
		double a, d, violation;
	} rows[] = {
		{ 1, -1, 0 },
		{ 2, 100, 0 },
		{ 2.5, 0, 0.5 },
		{ 0, -3, 3 },
		{ none, 0, 1 },
		{ inf, 0, inf },
	};
	view_release(&view);
	view_begin(&view, spec_text);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct metric metrics[] = { { "a", rows[i].a, none }, { "b", 7, none },
			{ "d", rows[i].d, none } };
		double values[3] = { 0 }, violation = -1;
		view_objectives(view.spec, metrics, 3, values, &violation);
		assert_true(values[0] == 7);
		assert_true(values[1] == rows[i].a || (isnan(values[1]) && isnan(rows[i].a)));
		assert_true(isnan(values[2]));
		assert_true(violation == rows[i].violation);
	}
	double values[3], violation;
	view_objectives(view.spec, NULL, 0, values, &violation);
	assert_true(violation == 2);
	assert_true(isnan(values[0]) && isnan(values[1]) && isnan(values[2]));
}

/* ---- the clock ---- */

static void test_active_time(void **state)
{
	(void)state;
	/* created at 1000 */
	assert_int_equal(view_active_ms(&view, 1000), 0);
	assert_int_equal(view_active_ms(&view, 3000), 2000);
	assert_int_equal(view_active_ms(&view, 500), 0); /* a clock that lags */
	apply_status(&view, STATUS_PAUSED, 5000);
	assert_int_equal(view_active_ms(&view, 100000), 4000);
	assert_int_equal(view.counts.status, STATUS_PAUSED);
	assert_string_equal(view.reason, "paused");
	assert_int_equal(view.counts.spec_version, 2);
	apply_status(&view, STATUS_RUNNING, 10000);
	assert_int_equal(view_active_ms(&view, 11000), 5000);
	/* resumed twice: nothing is counted twice */
	apply_status(&view, STATUS_RUNNING, 12000);
	assert_int_equal(view_active_ms(&view, 13000), 7000);
	apply_status(&view, STATUS_DONE, 14000);
	assert_int_equal(view_active_ms(&view, 20000), 8000);

	/* An edit leaves a done experiment alone, unless it says otherwise. */
	apply_spec(&view, EVENT_EDITED, NARROW);
	assert_int_equal(view.counts.status, STATUS_DONE);
	struct event event = event_next(&view, EVENT_EDITED, -1);
	event.spec = WIDE;
	event.revive = true;
	event.at_ms = 30000;
	apply(&view, &event);
	assert_int_equal(view.counts.status, STATUS_RUNNING);
	assert_int_equal(view_active_ms(&view, 31000), 9000);
	assert_int_equal(view.counts.spec_version, view.counts.version);
}

/* ---- edits of the search space ---- */

static void test_edited_space(void **state)
{
	(void)state;
	int64_t inside = apply_new(&view, EVENT_SUGGESTED, 0.25);
	int64_t outside = apply_new(&view, EVENT_SUGGESTED, 0.75);
	struct buffer before, after;

	apply_observed(&view, outside, 0.9, 1);
	apply_observed(&view, inside, 0.8, 1);
	assert_int_equal(view.seen.n, 2);
	buffer_init(&before, 1u << 20);
	buffer_init(&after, 1u << 20);
	dump_view(&view, &before);

	apply_spec(&view, EVENT_EDITED, NARROW);
	assert_sound(&view);
	assert_int_equal(view.spec->space->n, 2);
	assert_null(view.trials[outside].x); /* counted, not modelled */
	assert_non_null(view.trials[inside].x);
	assert_int_equal(view.seen.n, 1);
	assert_true(key_set_has(&view.seen, &view.trials[inside].key));
	assert_int_equal(view.counts.best, outside); /* a result is a result */

	/* and back again, as if nothing had been */
	apply_spec(&view, EVENT_EDITED, WIDE);
	assert_sound(&view);
	assert_true(view.trials[outside].x[0] == 0.75);
	view.counts.version -= 2;
	view.counts.spec_version = 1;
	view.counts.updated_ms -= 2000;
	dump_view(&view, &after);
	assert_string_equal(buffer_text(&before), buffer_text(&after));
	buffer_release(&before);
	buffer_release(&after);
}

/* A trial handed out before an edit may report after it. */
static void test_edited_while_running(void **state)
{
	(void)state;
	int64_t t = apply_new(&view, EVENT_SUGGESTED, 0.75);
	apply_spec(&view, EVENT_EDITED, NARROW);
	assert_null(view.trials[t].x);
	apply_reported(&view, t, 0, 0.1, false);
	apply_observed(&view, t, 0.5, 1);
	assert_trial(t, TRIAL_SUCCEEDED);
	assert_int_equal(view.counts.best, t);
	assert_int_equal(apply_new(&view, EVENT_SUGGESTED, 0.3), t + 1);
	assert_sound(&view);
}

static void test_needs_metrics(void **state)
{
	(void)state;
	assert_false(view.needs_metrics);
	view_release(&view);
	view_begin(&view, NEEDY);
	assert_true(view.needs_metrics);
	/* Turned on by an edit: the reports of ended trials may not be in memory. */
	view_release(&view);
	view_begin(&view, WIDE);
	assert_false(view.stale);
	apply_spec(&view, EVENT_EDITED, NEEDY);
	assert_true(view.needs_metrics);
	assert_true(view.stale);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_created, setup, teardown),
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_enqueued, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seeded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expired, setup, teardown),
		cmocka_unit_test_setup_teardown(test_result_of_an_older_attempt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retried, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_reports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_best, setup, teardown),
		cmocka_unit_test_setup_teardown(test_objectives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_active_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_edited_space, setup, teardown),
		cmocka_unit_test_setup_teardown(test_edited_while_running, setup, teardown),
		cmocka_unit_test_setup_teardown(test_needs_metrics, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
