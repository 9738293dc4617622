/*
 * Two engines on one store (two replicas of the server), many threads each: whatever the order,
 * limits hold exactly, versions have no gaps, nothing is counted twice, and every replica ends with
 * the view that the log folds to.
 */
#include "tests/unit/engine/support.h"

#include <pthread.h>

#define THREADS	   6
#define MAX_TRIALS 60

struct worker {
	struct fixture *f;
	struct engine *engine;
	pthread_t thread;
	int finished;
	struct error error; /* what stopped it; cmocka's checks work in the main thread only */
};

struct sync_op {
	struct op op;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool completed;
	int64_t trial;
	int64_t attempt;
	bool done;
	bool accepted;
	int code;
};

static void sync_done(struct op *op)
{
	struct sync_op *sync = op->context;
	pthread_mutex_lock(&sync->lock);
	sync->code = op->code;
	sync->trial = -1;
	if (!op->code && op->kind == OP_SUGGEST) {
		sync->done = op->suggested.done;
		if (op->suggested.n) {
			sync->trial = op->suggested.trials[0]->number;
			sync->attempt = op->suggested.trials[0]->attempt;
		}
	}
	if (!op->code && op->kind == OP_OBSERVE)
		sync->accepted = op->items[0].accepted;
	sync->completed = true;
	pthread_cond_signal(&sync->cond);
	pthread_mutex_unlock(&sync->lock);
}

static void run_op(struct worker *worker, struct session *session, struct sync_op *sync)
{
	struct arena arena;
	arena_init(&arena, 0);
	sync->completed = false;
	sync->op.experiment = worker->f->id;
	sync->op.team = "default";
	sync->op.arena = &arena;
	sync->op.done = sync_done;
	sync->op.context = sync;
	engine_submit(worker->engine, session, &sync->op);
	pthread_mutex_lock(&sync->lock);
	while (!sync->completed)
		pthread_cond_wait(&sync->cond, &sync->lock);
	pthread_mutex_unlock(&sync->lock);
	arena_release(&arena);
}

static int observe_twice(struct worker *worker, struct session *session, struct sync_op *sync)
{
	struct metric metric = { "default", (double)(sync->trial % 7), __builtin_nan("") };
	struct observation observation = { .trial = sync->trial,
		.kind = OBSERVE_FINAL,
		.step = -1,
		.metrics = &metric,
		.n_metrics = 1 };
	for (int i = 0; i < 2; i++) {
		struct op op = { .kind = OP_OBSERVE };
		sync->op = op;
		sync->op.observe.items = &observation;
		sync->op.observe.n = 1;
		run_op(worker, session, sync);
		if (sync->code) {
			worker->error = sync->op.error;
			return sync->code;
		}
		if (!sync->accepted) {
			snprintf(worker->error.message, sizeof(worker->error.message),
				"trial %lld: not accepted", (long long)sync->trial);
			return CODE_CONFLICT;
		}
	}
	return 0;
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct session *session;
	struct sync_op sync = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER };

	if (session_open(worker->f->store, &session, &worker->error))
		return NULL;
	for (;;) {
		struct op op = { .kind = OP_SUGGEST };
		sync.op = op;
		sync.op.suggest = (struct suggest_request){ .count = 1, .wait_ms = 100000 };
		run_op(worker, session, &sync);
		if (sync.code)
			worker->error = sync.op.error;
		if (sync.code || sync.done)
			break;
		if (sync.trial < 0) {
			/* A parked suggest of the other replica is woken by its poll. */
			engine_tick(worker->engine, session);
			continue;
		}
		worker->finished++;
		if (observe_twice(worker, session, &sync))
			break;
	}
	session_close(session);
	return NULL;
}

struct ticker {
	struct fixture *f;
	struct error error;
	struct engine *engines[2];
	_Atomic bool stop;
	pthread_t thread;
};

static void *tick(void *context)
{
	struct ticker *ticker = context;
	struct session *session;
	if (session_open(ticker->f->store, &session, &ticker->error))
		return NULL;
	while (!ticker->stop) {
		engine_tick(ticker->engines[0], session);
		engine_tick(ticker->engines[1], session);
		sched_yield();
	}
	session_close(session);
	return NULL;
}

static void check_log(struct fixture *f)
{
	const struct event *events;
	size_t n, suggested = 0, observed = 0;
	struct error err;

	assert_int_equal(
		store_events(f->session, f->id, 0, 10000, &f->arena, &events, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(events[i].version, i + 1);
		suggested += events[i].kind == EVENT_SUGGESTED;
		observed += events[i].kind == EVENT_OBSERVED;
	}
	assert_int_equal(suggested, MAX_TRIALS);
	assert_int_equal(observed, MAX_TRIALS);
}

static void test_two_replicas(void **state)
{
	struct fixture *f = *state;
	struct worker workers[2 * THREADS] = { 0 };
	struct engine *second = fixture_engine(f);
	struct ticker ticker = { .f = f, .engines = { f->engine, second } };
	int finished = 0;

	create(f,
		"{\"name\":\"a\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
		"\"tuner\":{\"name\":\"random\",\"seed\":1},\"limits\":{\"max_trials\":60,"
		"\"concurrency\":5}}");
	assert_int_equal(pthread_create(&ticker.thread, NULL, tick, &ticker), 0);
	for (int i = 0; i < 2 * THREADS; i++) {
		workers[i].f = f;
		workers[i].engine = i % 2 ? second : f->engine;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 2 * THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_string_equal(workers[i].error.message, "");
		finished += workers[i].finished;
	}
	ticker.stop = true;
	pthread_join(ticker.thread, NULL);
	assert_string_equal(ticker.error.message, "");
	assert_int_equal(finished, MAX_TRIALS);
	check_log(f);
	engine_drain(second);
	engine_close(second);
}

static void set_status(struct fixture *f, enum experiment_status to)
{
	struct waiting w;
	struct op *op = prepare(f, &w, OP_STATUS);
	op->status.to = to;
	op->status.reason = "user";
	submit(f, &w);
	assert_int_equal(w.op.code, 0);
}

/* Each request goes to another replica, without a poll in between: answers that append nothing
 * must not come from a view that is behind either. */
static void test_answers_are_current(void **state)
{
	struct fixture *f = *state;
	struct engine *a = f->engine, *b = fixture_engine(f);
	struct waiting w;

	create(f,
		"{\"name\":\"a\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
		"\"tuner\":{\"name\":\"random\",\"seed\":1},\"limits\":{\"concurrency\":1}}");
	on_trial(f, &w, OP_EXPLAIN, 0, 0); /* a has a view */
	f->engine = b;
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 1);
	f->engine = a;
	on_trial(f, &w, OP_HEARTBEAT, 0, 1); /* a trial that a has not seen */
	assert_int_equal(w.op.code, 0);
	assert_int_equal(w.items[0].command, COMMAND_CONTINUE);
	f->engine = b;
	on_trial(f, &w, OP_STOP, 0, 0);
	f->engine = a;
	on_trial(f, &w, OP_HEARTBEAT, 0, 1);
	assert_int_equal(w.items[0].command, COMMAND_STOP);
	f->engine = b;
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 1);
	f->engine = a;
	observe(f, &w, 1, 0, OBSERVE_FINAL, -1, 0.5);
	assert_true(w.items[0].accepted);
	f->engine = b;
	suggest(f, &w, 1, 0); /* b still counts trial 1 as running */
	assert_int_equal(w.n, 1);
	set_status(f, STATUS_PAUSED);
	f->engine = a;
	suggest(f, &w, 1, 0);
	assert_string_equal(w.reason, "paused");
	observe(f, &w, 2, 0, OBSERVE_FINAL, -1, 0.5);
	f->engine = b;
	set_status(f, STATUS_RUNNING);
	f->engine = a;
	suggest(f, &w, 1, 0);
	assert_int_equal(w.n, 1);
	on_trial(f, &w, OP_EXPLAIN, 77, 0); /* and what is not there is still not there */
	assert_int_equal(w.op.code, CODE_NOT_FOUND);
	engine_drain(b);
	engine_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_answers_are_current, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_two_replicas, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
