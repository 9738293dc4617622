/* The use cases, one by one, on SQLite with a clock that only moves when the test says so. */
#include "tests/unit/engine/support.h"

#include <math.h>

#define SPACE  "\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"
#define SMALL  "\"search_space\":{\"x\":{\"_type\":\"choice\",\"_value\":[1,2,3]}}"
#define RANDOM "\"tuner\":{\"name\":\"random\",\"seed\":1}"

static void test_loop_to_max_trials(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"max_trials\":5}}");
	for (int64_t i = 0; i < 5; i++) {
		suggest(f, &w, 1, 0);
		assert_int_equal(w.n, 1);
		assert_int_equal(w.trials[0].number, i);
		assert_int_equal(w.trials[0].attempt, 1);
		assert_int_equal(w.trials[0].lease_until_ms, f->now_ms + DEFAULT_LEASE_MS);
		observe(f, &w, i, 0, OBSERVE_FINAL, -1, (double)i);
		assert_true(w.items[0].accepted);
		assert_int_equal(w.items[0].state, TRIAL_SUCCEEDED);
	}
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 0);
	assert_true(w.op.suggested.done);
	assert_string_equal(w.reason, "max_trials");
	assert_int_equal(w.counts.status, STATUS_DONE);
	assert_int_equal(w.counts.best, 4);
}

static void test_more_than_max_is_never_handed_out(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"max_trials\":5}}");
	suggest(f, &w, 64, 0);
	assert_int_equal(w.n, 5);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 0);
	assert_false(w.op.suggested.done);
	assert_string_equal(w.reason, "waiting_for_results");
}

static void test_concurrency(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"concurrency\":2}}");
	suggest(f, &w, 3, 0);
	assert_int_equal(w.n, 2);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 0);
	assert_string_equal(w.reason, "concurrency");
	observe(f, &w, 1, 0, OBSERVE_FAILED, -1, 0);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.trials[0].number, 2);
}

static void test_exhausted_after_the_last_result(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SMALL "," RANDOM "}");
	suggest(f, &w, 10, 0);
	assert_int_equal(w.n, 3);
	suggest(f, &w, 1, 0);
	assert_false(w.op.suggested.done);
	for (int64_t i = 0; i < 3; i++)
		observe(f, &w, i, 0, OBSERVE_FINAL, -1, 1);
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
	assert_string_equal(w.reason, "exhausted");
}

static void test_parked_until_a_result(void **state)
{
	struct fixture *f = *state;
	struct waiting w, parked;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"concurrency\":1}}");
	suggest(f, &w, 1, 0);
	suggest(f, &parked, 1, 10000);
	assert_false(parked.completed);
	observe(f, &w, 0, 0, OBSERVE_FINAL, -1, 1);
	assert_true(parked.completed);
	assert_int_equal(parked.n, 1);
	assert_int_equal(parked.trials[0].number, 1);
}

static void test_parked_until_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct waiting w, parked;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"concurrency\":1}}");
	suggest(f, &w, 1, 0);
	suggest(f, &parked, 1, 10000);
	f->now_ms += 9000;
	engine_tick(f->engine, f->session);
	assert_false(parked.completed);
	f->now_ms += 1001;
	engine_tick(f->engine, f->session);
	assert_true(parked.completed);
	assert_int_equal(parked.n, 0);
	assert_string_equal(parked.reason, "concurrency");
}

static void test_forget_and_drain(void **state)
{
	struct fixture *f = *state;
	struct waiting w, gone, parked;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"concurrency\":1}}");
	suggest(f, &w, 1, 0);
	suggest(f, &gone, 1, 10000);
	suggest(f, &parked, 1, 10000);
	assert_true(engine_forget(f->engine, &gone.op));
	assert_false(engine_forget(f->engine, &gone.op));
	engine_drain(f->engine);
	assert_true(parked.completed);
	assert_false(gone.completed);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.op.code, CODE_UNAVAILABLE);
}

static void test_observe_is_idempotent(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM "}");
	suggest(f, &w, 1, 0);
	observe(f, &w, 0, 1, OBSERVE_REPORT, 3, 0.5);
	assert_true(w.items[0].accepted && !w.items[0].repeated);
	uint64_t version = w.counts.version;
	observe(f, &w, 0, 1, OBSERVE_REPORT, 3, 0.5);
	assert_true(w.items[0].accepted && w.items[0].repeated);
	assert_int_equal(w.counts.version, version);
	observe(f, &w, 0, 1, OBSERVE_REPORT, 3, 0.6);
	assert_false(w.items[0].accepted);
	assert_int_equal(w.items[0].error.code, CODE_CONFLICT);
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, NAN);
	assert_true(w.items[0].accepted);
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, NAN);
	assert_true(w.items[0].accepted && w.items[0].repeated);
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, 1);
	assert_int_equal(w.items[0].error.code, CODE_CONFLICT);
	observe(f, &w, 0, 1, OBSERVE_FAILED, -1, 0);
	assert_int_equal(w.items[0].error.code, CODE_CONFLICT);
	observe(f, &w, 7, 1, OBSERVE_FINAL, -1, 1);
	assert_int_equal(w.items[0].error.code, CODE_NOT_FOUND);
	observe(f, &w, 0, 9, OBSERVE_FINAL, -1, 1);
	assert_int_equal(w.items[0].error.code, CODE_CONFLICT);
}

static void test_late_results(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"max_retries\":1}}");
	suggest(f, &w, 2, 0);
	on_trial(f, &w, OP_STOP, 0, 0);
	assert_int_equal(w.subject.state, TRIAL_STOPPED);
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, 5);
	assert_true(w.items[0].accepted && w.items[0].late);
	assert_int_equal(w.items[0].state, TRIAL_STOPPED);
	assert_int_equal(w.items[0].command, COMMAND_STOP);
	uint64_t version = w.counts.version;
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, 5);
	assert_true(w.items[0].repeated);
	assert_int_equal(w.counts.version, version);
	assert_int_equal(w.counts.best, -1);

	/* Trial 1 expires twice: handed out again, then lost; its result still counts. */
	fixture_expire(f);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.trials[0].number, 1);
	assert_int_equal(w.trials[0].attempt, 2);
	fixture_expire(f);
	on_trial(f, &w, OP_EXPLAIN, 1, 0);
	assert_int_equal(w.subject.state, TRIAL_LOST);
	observe(f, &w, 1, 1, OBSERVE_FINAL, -1, 5);
	assert_true(w.items[0].accepted);
	assert_int_equal(w.items[0].state, TRIAL_SUCCEEDED);
	assert_int_equal(w.counts.best, 1);
}

static void test_old_attempts(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"max_retries\":5}}");
	suggest(f, &w, 1, 0);
	fixture_expire(f);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.trials[0].attempt, 2);
	observe(f, &w, 0, 1, OBSERVE_FAILED, -1, 0);
	assert_true(w.items[0].accepted && w.items[0].late);
	assert_int_equal(w.items[0].state, TRIAL_RUNNING);
	observe(f, &w, 0, 1, OBSERVE_REPORT, 1, 0.1);
	assert_true(w.items[0].accepted && w.items[0].late);
	on_trial(f, &w, OP_HEARTBEAT, 0, 1);
	assert_int_equal(w.op.code, CODE_GONE);
	on_trial(f, &w, OP_HEARTBEAT, 0, 2);
	assert_int_equal(w.op.code, 0);
	observe(f, &w, 0, 1, OBSERVE_FINAL, -1, 1);
	assert_int_equal(w.items[0].state, TRIAL_SUCCEEDED);
}

static void test_heartbeat(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM "}");
	struct op *op = prepare(f, &w, OP_SUGGEST);
	op->suggest = (struct suggest_request){ .count = 1, .lease_ms = 60000 };
	submit(f, &w);
	int64_t until = w.trials[0].lease_until_ms;
	f->now_ms += 10000;
	on_trial(f, &w, OP_HEARTBEAT, 0, 1);
	assert_int_equal(w.items[0].lease_until_ms, until); /* more than half is left */
	f->now_ms += 40000;
	on_trial(f, &w, OP_HEARTBEAT, 0, 1);
	assert_int_equal(w.items[0].lease_until_ms, f->now_ms + 60000);
	f->now_ms += 59000;
	engine_tick(f->engine, f->session);
	on_trial(f, &w, OP_EXPLAIN, 0, 0);
	assert_int_equal(w.subject.state, TRIAL_RUNNING);
	f->now_ms += 2000;
	engine_tick(f->engine, f->session);
	on_trial(f, &w, OP_HEARTBEAT, 0, 1);
	assert_int_equal(w.op.code, CODE_GONE);
}

static void test_custom_and_seeds(void **state)
{
	struct fixture *f = *state;
	struct waiting w;
	const char *parameters[] = { "{\"x\":0.25}", "{\"x\":2}", "{\"y\":1}" };
	struct metric zero = { "default", 0, NAN };
	struct seed_row rows[] = {
		{ .parameters = "{\"x\":0.5}", .metrics = &zero, .n_metrics = 1 },
		{ .parameters = "{\"x\":0.75}", .failed = true },
		{ .parameters = "{\"x\":0.75}" },
	};

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"max_trials\":2}}");
	struct op *op = prepare(f, &w, OP_SEED);
	op->seed.rows = rows;
	op->seed.n = 3;
	submit(f, &w);
	assert_true(w.rows[0].accepted && w.rows[1].accepted);
	assert_int_equal(w.rows[2].error.code, CODE_INVALID);
	assert_int_equal(w.counts.best, 0); /* zero is a value */
	op = prepare(f, &w, OP_ENQUEUE);
	op->enqueue.parameters = parameters;
	op->enqueue.n = 3;
	submit(f, &w);
	assert_true(w.rows[0].accepted);
	assert_int_equal(w.rows[0].trial, 2);
	assert_int_equal(w.rows[1].error.code, CODE_INVALID);
	assert_int_equal(w.rows[2].error.code, CODE_INVALID);
	suggest(f, &w, 5, 0);
	assert_int_equal(w.n, 2); /* the custom one first; seeds do not count */
	assert_int_equal(w.trials[0].number, 2);
	assert_string_equal(w.trials[0].parameters, "{\"x\":0.25}");
}

static void test_cancel_retry_release(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM "}");
	suggest(f, &w, 2, 0);
	on_trial(f, &w, OP_RELEASE, 0, 2);
	assert_int_equal(w.op.code, CODE_GONE);
	on_trial(f, &w, OP_RELEASE, 0, 1);
	assert_int_equal(w.subject.state, TRIAL_WAITING);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.trials[0].number, 0);
	assert_int_equal(w.trials[0].attempt, 2);
	on_trial(f, &w, OP_RETRY, 0, 0);
	assert_int_equal(w.op.code, CODE_CONFLICT);
	on_trial(f, &w, OP_CANCEL, 0, 0);
	assert_int_equal(w.subject.state, TRIAL_CANCELLED);
	on_trial(f, &w, OP_HEARTBEAT, 0, 2);
	assert_int_equal(w.items[0].command, COMMAND_STOP);
	on_trial(f, &w, OP_RETRY, 0, 0);
	assert_int_equal(w.subject.state, TRIAL_WAITING);
	observe(f, &w, 1, 0, OBSERVE_FAILED, -1, 0);
	on_trial(f, &w, OP_RETRY, 1, 0);
	suggest(f, &w, 2, 0);
	assert_int_equal(w.n, 2);
	observe(f, &w, 1, 0, OBSERVE_FINAL, -1, 3);
	assert_int_equal(w.items[0].state, TRIAL_SUCCEEDED);
	assert_int_equal(w.counts.best, 1);
}

static void test_medianstop_verdict_rides_on_the_report(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"assessor\":{\"name\":\"medianstop\"}}");
	suggest(f, &w, 3, 0);
	for (int64_t trial = 0; trial < 2; trial++) {
		for (int64_t step = 0; step < 5; step++)
			observe(f, &w, trial, 0, OBSERVE_REPORT, step, 10);
		observe(f, &w, trial, 0, OBSERVE_FINAL, -1, 10);
	}
	observe(f, &w, 2, 0, OBSERVE_REPORT, 0, 1);
	assert_int_equal(w.items[0].command, COMMAND_STOP);
	assert_int_equal(w.items[0].state, TRIAL_STOPPED);
	assert_true(strlen(w.item_reason) > 0);
}

static void test_resume_own_trials(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM "}");
	suggest(f, &w, 2, 0);
	struct op *op = prepare(f, &w, OP_SUGGEST);
	op->suggest = (struct suggest_request){ .count = 2, .worker = "w1", .resume = true };
	submit(f, &w);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.trials[0].number, 0);
	assert_int_equal(w.trials[1].number, 1);
	op = prepare(f, &w, OP_SUGGEST);
	op->suggest = (struct suggest_request){ .count = 1, .worker = "w2", .resume = true };
	submit(f, &w);
	assert_int_equal(w.trials[0].number, 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(test_loop_to_max_trials),
		T(test_more_than_max_is_never_handed_out),
		T(test_concurrency),
		T(test_exhausted_after_the_last_result),
		T(test_parked_until_a_result),
		T(test_parked_until_its_deadline),
		T(test_forget_and_drain),
		T(test_observe_is_idempotent),
		T(test_late_results),
		T(test_old_attempts),
		T(test_heartbeat),
		T(test_custom_and_seeds),
		T(test_cancel_retry_release),
		T(test_medianstop_verdict_rides_on_the_report),
		T(test_resume_own_trials),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
