/* Multi-fidelity through suggest and observe: pauses, promotions, restarts, the end. */
#include "tests/unit/engine/support.h"

#include <math.h>

#define SPACE "\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"

static void create_asha(struct fixture *f, const char *limits)
{
	char body[512];

	snprintf(body, sizeof(body),
		"{\"name\":\"a\"," SPACE ",\"objectives\":[{\"name\":\"default\",\"goal\":"
		"\"minimize\"}],\"tuner\":{\"name\":\"asha\",\"seed\":1,\"options\":{"
		"\"max_resource\":9}}%s%s}",
		limits ? ",\"limits\":" : "", limits ? limits : "");
	create(f, body);
}

static struct trial trial_of(struct fixture *f, int64_t number)
{
	static struct waiting w;
	on_trial(f, &w, OP_EXPLAIN, number, 0);
	assert_int_equal(w.op.code, 0);
	return w.subject;
}

/* Takes one trial, which must be number, at its resource and attempt. */
static void take(struct fixture *f, int64_t number, double resource, uint32_t attempt)
{
	struct waiting w;
	suggest(f, &w, 1, 0);
	assert_int_equal(w.op.code, 0);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.trials[0].number, number);
	assert_true(w.trials[0].resource == resource);
	assert_int_equal(w.trials[0].attempt, attempt);
	assert_int_equal(w.trials[0].state, TRIAL_RUNNING);
}

/* A report; answers what the worker is told. */
static enum command report(struct fixture *f, int64_t number, int64_t step, double value)
{
	struct waiting w;
	observe(f, &w, number, 0, OBSERVE_REPORT, step, value);
	assert_int_equal(w.op.code, 0);
	assert_true(w.items[0].accepted);
	if (w.items[0].command == COMMAND_PAUSE)
		assert_string_equal(w.items[0].reason, "rung");
	return w.items[0].command;
}

/* Trials 0 .. n - 1 through the first rung, worse and worse. */
static void first_rung(struct fixture *f, int n)
{
	for (int i = 0; i < n; i++) {
		take(f, i, 1, 1);
		finish(f, i, i);
	}
}

/* Of three trials the best is at work on the second rung. */
static void second_rung(struct fixture *f, const char *limits)
{
	create_asha(f, limits);
	first_rung(f, 3);
	take(f, 0, 3, 2);
}

static void test_pause_and_promotion(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create_asha(f, NULL);
	take(f, 0, 1, 1);
	assert_int_equal(report(f, 0, 1, 0.5), COMMAND_PAUSE);
	struct trial trial = trial_of(f, 0);
	assert_int_equal(trial.state, TRIAL_PAUSED);
	assert_int_equal(trial.last_step, 1);
	assert_true(trial.last_value == 0.5 && trial.resource == 1);
	assert_int_equal(trial.lease_until_ms, 0);
	take(f, 1, 1, 1);
	finish(f, 1, 0.25); /* the final value of a rung is its report */
	trial = trial_of(f, 1);
	assert_int_equal(trial.state, TRIAL_PAUSED);
	assert_int_equal(trial.last_step, 1);
	assert_null(trial.values);
	take(f, 2, 1, 1);
	finish(f, 2, 0.75);
	take(f, 1, 3, 2);
	assert_int_equal(report(f, 1, 2, 0.2), COMMAND_CONTINUE);
	/* Beyond the rung is at the rung. */
	assert_int_equal(report(f, 1, 4, 0.1), COMMAND_PAUSE);
	trial = trial_of(f, 1);
	assert_int_equal(trial.last_step, 3);
	/* A heartbeat says so, too. */
	on_trial(f, &w, OP_HEARTBEAT, 1, 2);
	assert_int_equal(w.items[0].command, COMMAND_PAUSE);
	assert_string_equal(w.item_reason, "rung");
	assert_int_equal(w.counts.handed, 3);
	assert_int_equal(w.counts.by_state[TRIAL_PAUSED], 3);
	assert_int_equal(w.counts.best, -1);
}

/* Reports without steps count on from what is done. */
static void test_steps_unnamed(void **state)
{
	struct fixture *f = *state;

	create_asha(f, NULL);
	for (int i = 0; i < 3; i++) {
		take(f, i, 1, 1);
		assert_int_equal(report(f, i, -1, i), COMMAND_PAUSE);
	}
	take(f, 0, 3, 2);
	assert_int_equal(report(f, 0, -1, 5), COMMAND_CONTINUE);
	assert_int_equal(trial_of(f, 0).last_step, 2);
	assert_int_equal(report(f, 0, -1, 6), COMMAND_PAUSE);
	assert_int_equal(trial_of(f, 0).last_step, 3);
}

static void test_repeats(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create_asha(f, NULL);
	take(f, 0, 1, 1);
	finish(f, 0, 0.5);
	/* The same again, as a final value or as a report, at or beyond the rung. */
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, 0.5);
	assert_true(w.items[0].accepted && w.items[0].repeated);
	assert_int_equal(w.items[0].command, COMMAND_PAUSE);
	observe(f, &w, 0, 0, OBSERVE_REPORT, 1, 0.5);
	assert_true(w.items[0].accepted && w.items[0].repeated);
	observe(f, &w, 0, 0, OBSERVE_REPORT, 4, 0.5);
	assert_true(w.items[0].accepted && w.items[0].repeated);
	/* Another value of the rung is refused, a later step is kept and models nothing. */
	observe(f, &w, 0, 0, OBSERVE_FINAL, -1, 0.4);
	assert_int_equal(w.items[0].error.code, CODE_CONFLICT);
	observe(f, &w, 0, 0, OBSERVE_REPORT, 1, 0.4);
	assert_int_equal(w.items[0].error.code, CODE_CONFLICT);
	observe(f, &w, 0, 0, OBSERVE_REPORT, 2, 0.4);
	assert_true(w.items[0].accepted && w.items[0].late);
	assert_int_equal(w.items[0].command, COMMAND_PAUSE);
	/* A worker that breaks after the pause has done its work. */
	observe(f, &w, 0, 0, OBSERVE_FAILED, -1, 0);
	assert_true(w.items[0].accepted && w.items[0].late);
	struct trial trial = trial_of(f, 0);
	assert_int_equal(trial.state, TRIAL_PAUSED);
	assert_true(trial.last_value == 0.5);
	/* And after the promotion. */
	for (int i = 1; i < 3; i++) {
		take(f, i, 1, 1);
		finish(f, i, i);
	}
	take(f, 0, 3, 2);
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, 0.5);
	assert_true(w.items[0].accepted && w.items[0].repeated);
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, 0.1);
	assert_true(w.items[0].accepted && w.items[0].late);
	observe(f, &w, 0, 1, OBSERVE_REPORT, 3, 0.1);
	assert_true(w.items[0].accepted && w.items[0].late);
	observe(f, &w, 0, 1, OBSERVE_FAILED, -1, 0);
	assert_true(w.items[0].late);
	assert_int_equal(trial_of(f, 0).state, TRIAL_RUNNING);
}

/* To the top: there a report lets it go on, and the final value is the trial's. */
static void test_top(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create_asha(f, "{\"max_trials\":9}");
	/* Later trials are worse: 0 is promoted after three of them, 1 after six ... */
	take(f, 0, 1, 1), finish(f, 0, 0);
	take(f, 1, 1, 1), finish(f, 1, 1);
	take(f, 2, 1, 1), finish(f, 2, 2);
	take(f, 0, 3, 2), finish(f, 0, 0.5);
	for (int i = 3; i < 6; i++)
		take(f, i, 1, 1), finish(f, i, i);
	take(f, 1, 3, 2), finish(f, 1, 1.5);
	for (int i = 6; i < 9; i++)
		take(f, i, 1, 1), finish(f, i, i);
	take(f, 2, 3, 2), finish(f, 2, 2.5);
	take(f, 0, 9, 3);
	suggest(f, &w, 1, 0); /* no numbers, nothing to promote, one at work */
	assert_int_equal(w.n, 0);
	assert_false(w.op.suggested.done);
	assert_string_equal(w.reason, "waiting_for_results");
	assert_int_equal(report(f, 0, 9, 0.6), COMMAND_CONTINUE);
	finish(f, 0, 0.7);
	struct trial trial = trial_of(f, 0);
	assert_int_equal(trial.state, TRIAL_SUCCEEDED);
	assert_true(trial.loss == 0.7);
	/* Eight are paused for good. */
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
	assert_string_equal(w.reason, "max_trials");
	assert_int_equal(w.counts.status, STATUS_DONE);
	assert_int_equal(w.counts.by_state[TRIAL_PAUSED], 8);
	assert_int_equal(w.counts.handed, 9);
	assert_int_equal(w.counts.best, 0);
	observe(f, &w, 0, 0, OBSERVE_FINAL, -1, 0.7);
	assert_true(w.items[0].repeated);
	/* An old rung's value again, after the end. */
	observe(f, &w, 0, 2, OBSERVE_FINAL, -1, 0.5);
	assert_true(w.items[0].accepted && w.items[0].repeated);
}

/* Several at once: promotions first, then new ones. */
static void test_count(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create_asha(f, "{\"max_trials\":10,\"concurrency\":5}");
	suggest(f, &w, 6, 0);
	assert_int_equal(w.n, 5);
	for (int i = 0; i < 5; i++)
		finish(f, i, i);
	suggest(f, &w, 64, 0); /* one of five results is in the best third */
	assert_int_equal(w.n, 5);
	assert_int_equal(w.trials[0].number, 0);
	assert_true(w.trials[0].resource == 3);
	for (int i = 1; i < 5; i++) {
		assert_int_equal(w.trials[i].number, 4 + i);
		assert_true(w.trials[i].resource == 1);
	}
	suggest(f, &w, 1, 0);
	assert_string_equal(w.reason, "concurrency");
	for (int i = 5; i < 9; i++)
		finish(f, i, i);
	suggest(f, &w, 64, 0); /* three of nine, the last number, and nothing more */
	assert_int_equal(w.n, 3);
	assert_int_equal(w.trials[0].number, 1);
	assert_int_equal(w.trials[1].number, 2);
	assert_int_equal(w.trials[2].number, 9);
	assert_int_equal(w.counts.handed, 10);
}

/* Another engine on the same database goes on where this one stopped, between pause and promotion
 * and in the middle of a promoted attempt. */
static void restart(struct fixture *f)
{
	struct engine_config config = fixture_config(f);
	fixture_reopen(f, &config);
}

static void test_restart(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create_asha(f, "{\"max_trials\":3}");
	first_rung(f, 3);
	restart(f);
	take(f, 0, 3, 2);
	assert_int_equal(report(f, 0, 2, 0.3), COMMAND_CONTINUE);
	restart(f);
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, 0);
	assert_true(w.items[0].repeated);
	assert_int_equal(report(f, 0, 3, 0.2), COMMAND_PAUSE);
	restart(f);
	observe(f, &w, 0, 0, OBSERVE_REPORT, 3, 0.2);
	assert_true(w.items[0].repeated);
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
	restart(f);
	struct trial trial = trial_of(f, 0);
	assert_int_equal(trial.state, TRIAL_PAUSED);
	assert_true(trial.resource == 3 && trial.last_value == 0.2);
	assert_int_equal(trial.n_reports, 3);
}

/* A promoted trial whose worker is gone comes back at the same rung, before anything else. */
static void test_lost_lease(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	second_rung(f, "{\"max_trials\":4,\"max_retries\":1}");
	assert_int_equal(report(f, 0, 2, 0.3), COMMAND_CONTINUE);
	fixture_expire(f);
	assert_int_equal(trial_of(f, 0).state, TRIAL_WAITING);
	take(f, 0, 3, 3);
	/* The old worker is only late. */
	observe(f, &w, 0, 2, OBSERVE_FINAL, -1, 0.1);
	assert_true(w.items[0].accepted && w.items[0].late);
	assert_int_equal(trial_of(f, 0).state, TRIAL_RUNNING);
	fixture_expire(f);
	assert_int_equal(trial_of(f, 0).state, TRIAL_LOST);
	/* What comes now does not bring it back: it would not be complete. */
	observe(f, &w, 0, 3, OBSERVE_FINAL, -1, 0.15);
	assert_true(w.items[0].accepted && w.items[0].late);
	assert_int_equal(trial_of(f, 0).state, TRIAL_LOST);
	take(f, 3, 1, 1);
	finish(f, 3, 0.5);
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
}

/* Its lease ran out, but nobody has taken it yet: the result is welcome. */
static void test_result_while_waiting(void **state)
{
	struct fixture *f = *state;

	create_asha(f, NULL);
	take(f, 0, 1, 1);
	fixture_expire(f);
	assert_int_equal(trial_of(f, 0).state, TRIAL_WAITING);
	finish(f, 0, 0.5);
	assert_int_equal(trial_of(f, 0).state, TRIAL_PAUSED);
	take(f, 1, 1, 1);
}

static void test_failure_and_retry(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	second_rung(f, "{\"max_trials\":3}");
	observe(f, &w, 0, 0, OBSERVE_FAILED, -1, 0);
	assert_int_equal(trial_of(f, 0).state, TRIAL_FAILED);
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
	on_trial(f, &w, OP_RETRY, 0, 0);
	assert_int_equal(w.op.code, 0);
	take(f, 0, 3, 3);
	finish(f, 0, 0.1);
	assert_int_equal(trial_of(f, 0).state, TRIAL_PAUSED);
	/* Paused trials may be cancelled, not released. */
	on_trial(f, &w, OP_RELEASE, 0, 0);
	assert_int_equal(w.op.code, CODE_CONFLICT);
	on_trial(f, &w, OP_CANCEL, 0, 0);
	assert_int_equal(w.op.code, 0);
	assert_int_equal(trial_of(f, 0).state, TRIAL_CANCELLED);
}

/* Raised limits go on with what was left paused. */
static void test_more_trials(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create_asha(f, "{\"max_trials\":2}");
	first_rung(f, 2);
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
	patch(f, "{\"limits\":{\"max_trials\":3}}");
	take(f, 2, 1, 1);
	finish(f, 2, 2);
	take(f, 0, 3, 2);
}

/* A space without new points does not keep paused ones from being promoted. */
static void test_exhausted_space(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\",\"search_space\":{\"x\":{\"_type\":\"choice\",\"_value\":[1,2,3]"
		  "}},"
		  "\"objectives\":[{\"name\":\"default\",\"goal\":\"minimize\"}],"
		  "\"tuner\":{\"name\":\"hyperband\",\"options\":{\"R\":9}}}");
	suggest(f, &w, 9, 0);
	assert_int_equal(w.n, 3);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 0);
	assert_false(w.op.suggested.done);
	for (int i = 0; i < 3; i++)
		finish(f, i, i);
	take(f, 0, 3, 2);
	finish(f, 0, 0);
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
	assert_string_equal(w.reason, "exhausted");
	assert_int_equal(w.counts.by_state[TRIAL_PAUSED], 3);
}

/* Customised trials are complete ones: they get the whole resource, and end. */
static void test_custom_trial(void **state)
{
	struct fixture *f = *state;
	struct waiting w;
	static const char *const parameters[] = { "{\"x\":0.5}" };

	create_asha(f, NULL);
	struct op *op = prepare(f, &w, OP_ENQUEUE);
	op->enqueue.parameters = parameters;
	op->enqueue.n = 1;
	submit(f, &w);
	assert_true(w.rows[0].accepted);
	take(f, 0, 9, 1);
	assert_int_equal(report(f, 0, 1, 0.5), COMMAND_CONTINUE);
	finish(f, 0, 0.5);
	assert_int_equal(trial_of(f, 0).state, TRIAL_SUCCEEDED);
}

/* Two workers wait; a pause wakes them to a new trial or a promotion. */
static void test_parked(void **state)
{
	struct fixture *f = *state;
	struct waiting w, held;

	create_asha(f, "{\"max_trials\":3}");
	suggest(f, &w, 3, 0);
	assert_int_equal(w.n, 3);
	suggest(f, &held, 1, 30000);
	assert_false(held.completed);
	finish(f, 0, 0);
	finish(f, 1, 1);
	assert_false(held.completed);
	finish(f, 2, 2);
	assert_true(held.completed);
	assert_int_equal(held.n, 1);
	assert_int_equal(held.trials[0].number, 0);
	assert_true(held.trials[0].resource == 3);
}

/* A key's repeat answers the promotion as it was made. */
static void test_idempotency_key(void **state)
{
	struct fixture *f = *state;
	struct waiting w;
	struct idempotency key = {
		.team = "default", .key = "k1", .digest = "d1", .experiment = "", .status = 200
	};

	create_asha(f, NULL);
	first_rung(f, 3);
	for (int i = 0; i < 2; i++) {
		struct op *op = prepare(f, &w, OP_SUGGEST);
		op->suggest = (struct suggest_request){ .count = 1, .worker = "w" };
		op->key = &key;
		submit(f, &w);
		assert_int_equal(w.op.replayed, i);
		assert_int_equal(w.n, 1);
		assert_int_equal(w.trials[0].number, 0);
		assert_int_equal(w.trials[0].attempt, 2);
		assert_true(w.trials[0].resource == 3);
	}
}

/* Of another tuner's trials with a resource nobody speaks any more. */
static void test_other_tuner(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create_asha(f, "{\"max_trials\":4}");
	first_rung(f, 2);
	take(f, 2, 1, 1);
	patch(f, "{\"tuner\":{\"name\":\"random\"}}");
	finish(f, 2, 2);
	assert_int_equal(trial_of(f, 2).state, TRIAL_SUCCEEDED);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 1);
	assert_true(isnan(w.trials[0].resource) != 0);
	finish(f, 3, 2);
	on_trial(f, &w, OP_EXPLAIN, 3, 0);
	assert_int_equal(w.counts.status, STATUS_DONE);
	assert_int_equal(w.counts.by_state[TRIAL_PAUSED], 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_pause_and_promotion),
		CASE(test_steps_unnamed),
		CASE(test_repeats),
		CASE(test_top),
		CASE(test_count),
		CASE(test_restart),
		CASE(test_lost_lease),
		CASE(test_result_while_waiting),
		CASE(test_failure_and_retry),
		CASE(test_more_trials),
		CASE(test_exhausted_space),
		CASE(test_custom_trial),
		CASE(test_parked),
		CASE(test_idempotency_key),
		CASE(test_other_tuner),
	};
	return cmocka_run_group_tests_name("fidelity", tests, NULL, NULL);
}
