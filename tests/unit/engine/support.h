/* An engine on a private SQLite database with a clock that the test moves. */
#ifndef TESTS_ENGINE_SUPPORT_H
#define TESTS_ENGINE_SUPPORT_H

#include "engine/engine.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	char path[64];
	struct store *store;
	struct lease_service *leases;
	struct engine *engine;
	struct session *session;
	struct arena arena;
	_Atomic int64_t now_ms;
	char id[ID_SIZE];
};

static int64_t fixture_now(void *context)
{
	return ((struct fixture *)context)->now_ms;
}

static inline struct engine_config fixture_config(struct fixture *f)
{
	return (struct engine_config){
		.store = f->store,
		.leases = f->leases,
		.now_ms = fixture_now,
		.now_context = f,
	};
}

static inline struct engine *fixture_open(const struct engine_config *config)
{
	struct error err;
	struct engine *engine;

	assert_int_equal(engine_open(config, &engine, &err), 0);
	return engine;
}

static inline struct engine *fixture_engine(struct fixture *f)
{
	struct engine_config config = fixture_config(f);
	return fixture_open(&config);
}

/* Another engine in the place of this one, on the same database. */
static inline void fixture_reopen(struct fixture *f, const struct engine_config *config)
{
	engine_drain(f->engine);
	engine_close(f->engine);
	f->engine = fixture_open(config);
}

/* Whoever holds a lease has been silent for too long. */
static inline void fixture_expire(struct fixture *f)
{
	f->now_ms += DEFAULT_LEASE_MS + 1;
	engine_tick(f->engine, f->session);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = { 0 };
	char url[96];

	snprintf(f->path, sizeof(f->path), "/tmp/cairn-test-XXXXXX");
	int fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	snprintf(url, sizeof(url), "sqlite:///%s", f->path);
	struct store_config config = { .url = url };
	if (store_open(&config, &f->store, &err) || store_migrate(f->store, &err) ||
		lease_service_open(NULL, &f->leases, &err) ||
		session_open(f->store, &f->session, &err)) {
		fprintf(stderr, "setup: %s\n", err.message);
		return -1;
	}
	f->now_ms = 1700000000000;
	f->engine = fixture_engine(f);
	arena_init(&f->arena, 0);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	char name[96];

	engine_drain(f->engine);
	engine_close(f->engine);
	session_close(f->session);
	store_close(f->store);
	lease_service_close(f->leases);
	arena_release(&f->arena);
	unlink(f->path);
	snprintf(name, sizeof(name), "%s-wal", f->path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", f->path);
	unlink(name);
	free(f);
	return 0;
}

static inline void create(struct fixture *f, const char *body)
{
	struct faults faults;
	struct error err = { 0 };
	bool replayed;

	faults_init(&faults);
	int rc = engine_experiment_create(f->engine, f->session, "default", body, strlen(body),
		NULL, f->id, &replayed, &faults, &err);
	if (rc)
		fail_msg("create: %s (%s: %s)", err.message, faults.items[0].pointer,
			faults.items[0].message);
}

/* An op whose completion is remembered; done copies what the test wants to see. */
struct waiting {
	struct op op;
	_Atomic bool completed;
	size_t n; /* trials handed out */
	struct trial trials[64];
	char reason[64];
	struct observe_item items[64];
	char item_reason[256];
	struct row_result rows[64];
	struct trial subject;
	struct view_counts counts;
};

static inline void waiting_done(struct op *op)
{
	struct waiting *w = op->context;
	w->n = op->code ? 0 : op->suggested.n;
	for (size_t i = 0; i < w->n && i < 64; i++)
		w->trials[i] = *op->suggested.trials[i];
	snprintf(w->reason, sizeof(w->reason), "%s",
		op->suggested.reason ? op->suggested.reason : "");
	if (op->kind == OP_OBSERVE && !op->code)
		for (size_t i = 0; i < op->observe.n && i < 64; i++)
			w->items[i] = op->items[i];
	if (op->kind == OP_HEARTBEAT && !op->code)
		w->items[0] = *op->items;
	if (w->items[0].reason)
		snprintf(w->item_reason, sizeof(w->item_reason), "%s", w->items[0].reason);
	size_t rows = op->kind == OP_SEED ? op->seed.n : op->kind == OP_ENQUEUE ? op->enqueue.n : 0;
	for (size_t i = 0; !op->code && i < rows && i < 64; i++)
		w->rows[i] = op->rows[i];
	if (op->subject)
		w->subject = *op->subject;
	if (op->view)
		w->counts = op->view->counts;
	w->completed = true;
}

static inline struct op *prepare(struct fixture *f, struct waiting *w, enum op_kind kind)
{
	memset(w, 0, sizeof(*w));
	w->op.kind = kind;
	w->op.experiment = f->id;
	w->op.team = "default";
	w->op.arena = &f->arena;
	w->op.done = waiting_done;
	w->op.context = w;
	return &w->op;
}

/* Another thread may be running the mailbox: what is not to be parked is waited for. */
static inline void submit(struct fixture *f, struct waiting *w)
{
	engine_submit(f->engine, f->session, &w->op);
	while (!w->completed && !(w->op.kind == OP_SUGGEST && w->op.suggest.wait_ms > 0))
		sched_yield();
}

static inline void suggest(struct fixture *f, struct waiting *w, size_t count, int64_t wait_ms)
{
	struct op *op = prepare(f, w, OP_SUGGEST);
	op->suggest =
		(struct suggest_request){ .count = count, .worker = "w1", .wait_ms = wait_ms };
	submit(f, w);
}

static inline void observe(struct fixture *f, struct waiting *w, int64_t trial, int64_t attempt,
	enum observe_kind kind, int64_t step, double value)
{
	static struct metric metric;
	static struct observation observation;
	metric = (struct metric){ "default", value, __builtin_nan("") };
	observation = (struct observation){ .trial = trial,
		.attempt = attempt,
		.kind = kind,
		.step = step,
		.metrics = &metric,
		.n_metrics = kind == OBSERVE_FAILED ? 0 : 1,
		.message = kind == OBSERVE_FAILED ? "it broke" : NULL };
	struct op *op = prepare(f, w, OP_OBSERVE);
	op->observe.items = &observation;
	op->observe.n = 1;
	submit(f, w);
}

static inline void finish(struct fixture *f, int64_t trial, double value)
{
	struct waiting w;
	observe(f, &w, trial, 0, OBSERVE_FINAL, -1, value);
	assert_int_equal(w.op.code, 0);
	assert_true(w.items[0].accepted);
}

static inline void on_trial(
	struct fixture *f, struct waiting *w, enum op_kind kind, int64_t number, int64_t attempt)
{
	struct op *op = prepare(f, w, kind);
	op->trial.number = number;
	op->trial.attempt = attempt;
	submit(f, w);
}

static inline void edit(struct fixture *f, struct waiting *w, const char *text, int64_t if_match,
	struct faults *faults)
{
	struct op *op = prepare(f, w, OP_EDIT);
	op->faults = faults;
	op->edit.text = text;
	op->edit.size = strlen(text);
	op->edit.if_match = if_match;
	submit(f, w);
}

/* An edit that must be accepted, whatever the version. */
static inline void patch(struct fixture *f, const char *body)
{
	struct waiting w;
	struct faults faults;

	faults_init(&faults);
	edit(f, &w, body, -1, &faults);
	assert_int_equal(w.op.code, 0);
}

#endif
