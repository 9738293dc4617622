/* What is done to whole experiments: edits, status, limits, keys, replay, import. */
#include "tests/unit/engine/support.h"

#include <math.h>

#define SPACE  "\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"
#define SMALL  "\"search_space\":{\"x\":{\"_type\":\"choice\",\"_value\":[1,2,3]}}"
#define RANDOM "\"tuner\":{\"name\":\"random\",\"seed\":1}"

static void test_experiment_stop_reaches_workers(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM "}");
	suggest(f, &w, 1, 0);
	struct op *op = prepare(f, &w, OP_STATUS);
	op->status.to = STATUS_STOPPED;
	submit(f, &w);
	assert_int_equal(w.op.code, 0);
	on_trial(f, &w, OP_HEARTBEAT, 0, 1);
	assert_int_equal(w.items[0].command, COMMAND_STOP);
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
	assert_string_equal(w.reason, "stopped");
	op = prepare(f, &w, OP_STATUS);
	op->status.to = STATUS_PAUSED;
	submit(f, &w);
	assert_int_equal(w.op.code, CODE_CONFLICT);
	op = prepare(f, &w, OP_STATUS);
	op->status.to = STATUS_RUNNING;
	submit(f, &w);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 1);
}

static void test_idempotency_keys(void **state)
{
	struct fixture *f = *state;
	struct waiting w;
	struct idempotency key = {
		.team = "default", .key = "k1", .digest = "d1", .experiment = "", .status = 200
	};

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM "}");
	for (int i = 0; i < 3; i++) {
		struct op *op = prepare(f, &w, OP_SUGGEST);
		op->suggest = (struct suggest_request){ .count = 2, .worker = "w" };
		op->key = &key;
		submit(f, &w);
		assert_int_equal(w.op.code, 0);
		assert_int_equal(w.n, 2);
		assert_int_equal(w.trials[0].number, 0);
		assert_int_equal(w.trials[1].number, 1);
		assert_int_equal(w.op.replayed, i > 0);
		f->now_ms += 1000;
	}
	assert_int_equal(w.trials[0].lease_until_ms, f->now_ms - 3000 + DEFAULT_LEASE_MS);
	struct idempotency other = key;
	other.digest = "d2";
	struct op *op = prepare(f, &w, OP_SUGGEST);
	op->suggest = (struct suggest_request){ .count = 1 };
	op->key = &other;
	submit(f, &w);
	assert_int_equal(w.op.code, CODE_KEY_REUSED);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.trials[0].number, 2);
}

static void test_edit(void **state)
{
	struct fixture *f = *state;
	struct waiting w;
	struct faults faults;

	create(f, "{\"name\":\"a\"," SMALL "," RANDOM ",\"limits\":{\"max_trials\":2}}");
	suggest(f, &w, 2, 0);
	observe(f, &w, 0, 0, OBSERVE_FINAL, -1, 1);
	observe(f, &w, 1, 0, OBSERVE_FINAL, -1, 2);
	assert_int_equal(w.counts.status, STATUS_DONE);
	edit(f, &w, "{\"limits\":{\"max_trials\":3}}", 1, &faults);
	assert_int_equal(w.op.code, CODE_PRECONDITION);
	edit(f, &w, "{\"limits\":{\"max_trials\":-3}}", -1, &faults);
	assert_int_equal(w.op.code, CODE_INVALID);
	assert_string_equal(faults.items[0].pointer, "/limits/max_trials");
	edit(f, &w, "{\"limits\":{\"max_trials\":3}}", (int64_t)w.counts.spec_version, &faults);
	assert_int_equal(w.op.code, 0);
	assert_int_equal(w.counts.status, STATUS_RUNNING);
	suggest(f, &w, 5, 0);
	assert_int_equal(w.n, 1);
	/* Out of the new space: kept, counted, no longer the model's. */
	edit(f, &w,
		"{\"search_space\":{\"x\":{\"_type\":\"choice\",\"_value\":[7,8,9]}},"
		"\"limits\":{\"max_trials\":100}}",
		-1, &faults);
	assert_int_equal(w.op.code, 0);
	suggest(f, &w, 5, 0);
	assert_int_equal(w.n, 3);
	on_trial(f, &w, OP_EXPLAIN, 0, 0);
	assert_null(w.subject.x);
}

static void test_limits_that_results_reach(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"target\":0.9}}");
	suggest(f, &w, 2, 0);
	observe(f, &w, 0, 0, OBSERVE_FINAL, -1, 0.95);
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
	assert_string_equal(w.reason, "target");

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"patience\":2}}");
	for (int64_t i = 0; i < 3; i++) {
		suggest(f, &w, 1, 0);
		observe(f, &w, i, 0, OBSERVE_FINAL, -1, i == 0 ? 1 : 0);
	}
	suggest(f, &w, 1, 0);
	assert_string_equal(w.reason, "patience");

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"max_duration\":\"1h\"}}");
	suggest(f, &w, 1, 0);
	f->now_ms += 3600 * 1000 + 1;
	engine_tick(f->engine, f->session);
	suggest(f, &w, 1, 0);
	assert_true(w.op.suggested.done);
	assert_string_equal(w.reason, "max_duration");

	create(f,
		"{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"max_trial_duration\":\"1m\"}}");
	struct op *op = prepare(f, &w, OP_SUGGEST);
	op->suggest = (struct suggest_request){ .count = 1, .lease_ms = 3600000 };
	submit(f, &w);
	f->now_ms += 60 * 1000 + 1;
	on_trial(f, &w, OP_HEARTBEAT, 0, 1);
	assert_int_equal(w.items[0].command, COMMAND_STOP);
	assert_int_equal(w.items[0].state, TRIAL_STOPPED);
}

static void test_other_teams_see_nothing(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM "}");
	struct op *op = prepare(f, &w, OP_SUGGEST);
	op->team = "stranger";
	op->suggest.count = 1;
	submit(f, &w);
	assert_int_equal(w.op.code, CODE_NOT_FOUND);
}

static void test_delete_answers_who_waits(void **state)
{
	struct fixture *f = *state;
	struct waiting w, parked;
	struct error err;

	create(f, "{\"name\":\"a\"," SPACE "," RANDOM ",\"limits\":{\"concurrency\":1}}");
	suggest(f, &w, 1, 0);
	suggest(f, &parked, 1, 10000);
	assert_int_equal(
		engine_experiment_delete(f->engine, f->session, "default", f->id, &err), 0);
	assert_true(parked.completed);
	assert_int_equal(parked.op.code, CODE_NOT_FOUND);
	suggest(f, &w, 1, 0);
	assert_int_equal(w.op.code, CODE_NOT_FOUND);
}

static void test_replay_every_trial(void **state)
{
	static const char *const tuners[] = { "random", "tpe", "evolution", "anneal", "sobol" };
	struct fixture *f = *state;
	struct waiting w;
	char body[512];

	for (size_t t = 0; t < sizeof(tuners) / sizeof(*tuners); t++) {
		snprintf(body, sizeof(body),
			"{\"name\":\"a\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":"
			"[0,1]},\"c\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\"]}},"
			"\"tuner\":{\"name\":\"%s\",\"seed\":5}}",
			tuners[t]);
		create(f, body);
		for (int64_t i = 0; i < 45; i += 3) {
			suggest(f, &w, 3, 0);
			assert_int_equal(w.n, 3);
			for (int64_t k = 0; k < 2; k++)
				observe(f, &w, i + k, 0, OBSERVE_FINAL, -1,
					(double)((i * 7 + k) % 5));
		}
		for (int64_t i = 0; i < 45; i++) {
			const char *recorded, *recomputed;
			struct error err = { 0 };
			bool equal;
			assert_int_equal(engine_replay(f->engine, f->session, "default", f->id, i,
						 &f->arena, &recorded, &recomputed, &equal, &err),
				0);
			if (!equal)
				fail_msg("%s trial %d: %s, then %s", tuners[t], (int)i, recorded,
					recomputed);
		}
	}
}

static void test_import_goes_on_exactly(void **state)
{
	struct fixture *f = *state;
	struct waiting w, copy;
	struct import *import;
	const struct event *events;
	size_t n;
	struct error err = { 0 };
	char original[ID_SIZE];

	create(f, "{\"name\":\"a\"," SPACE ",\"tuner\":{\"name\":\"tpe\",\"seed\":5}}");
	for (int64_t i = 0; i < 30; i++) {
		suggest(f, &w, 1, 0);
		observe(f, &w, i, 0, OBSERVE_FINAL, -1, (double)(i % 4));
	}
	assert_int_equal(store_events(f->session, f->id, 0, 1000, &f->arena, &events, &n, &err), 0);
	assert_int_equal(engine_import_begin(f->engine, "default", &import, &err), 0);
	for (size_t i = 0; i < n; i++)
		if (engine_import_event(import, f->session, &events[i], &err))
			fail_msg("event %zu: %s", i, err.message);
	memcpy(original, f->id, ID_SIZE);
	char id[ID_SIZE];
	assert_int_equal(engine_import_end(import, f->session, id, &err), 0);
	suggest(f, &w, 1, 0);
	memcpy(f->id, id, ID_SIZE);
	suggest(f, &copy, 1, 0);
	assert_string_not_equal(original, id);
	assert_int_equal(copy.trials[0].number, w.trials[0].number);
	assert_string_equal(copy.trials[0].parameters, w.trials[0].parameters);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(test_experiment_stop_reaches_workers),
		T(test_idempotency_keys),
		T(test_edit),
		T(test_limits_that_results_reach),
		T(test_other_teams_see_nothing),
		T(test_delete_answers_who_waits),
		T(test_replay_every_trial),
		T(test_import_goes_on_exactly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
