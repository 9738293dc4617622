/*
 * The engine: the use cases on experiments. Everything that changes one goes through its *mailbox*:
 * operations queue up, one thread at a time takes all that wait, decides them on the cached view,
 * appends the resulting events in one transaction, and completes them. So suggests of an experiment
 * are combined into one ask sequence, observations into one commit, and the view needs no lock.
 *
 * Whoever submits an operation may find itself running the mailbox, with its own session, for
 * others too; done() is called on that thread, before it moves on, while the view still belongs to
 * it: it must encode what it needs and return, not block.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "core/arena.h"
#include "core/error.h"
#include "core/event.h"
#include "core/faults.h"
#include "core/spec.h"
#include "core/view.h"
#include "gpu/compute.h"
#include "storage/lease.h"
#include "storage/store.h"

struct engine;

struct engine_config {
	struct store *store;
	struct lease_service *leases;
	size_t cache_bytes;		  /* views kept in memory; 0: the default, 512 MiB */
	struct compute *compute;	  /* borrowed; NULL: the engine opens "cpu" */
	size_t compute_threads;		  /* that fit models; 0: COMPUTE_THREADS_DEFAULT */
	int64_t (*now_ms)(void *context); /* NULL: database time; tests put their own clock here */
	void *now_context;
	/* What went wrong where no request waits for an answer: one sentence, from any thread.
	 * NULL: nobody wants to know. */
	void (*complain)(void *context, const char *message);
	void *complain_context;
};

#define COMPUTE_THREADS_DEFAULT 2 /* one long fit does not hold up the others */
#define COMPUTE_THREADS_MAX	64

/* All tuners and assessors of this build. */
extern const struct catalog engine_catalog;

int engine_open(const struct engine_config *config, struct engine **out, struct error *err);

/* No new operations (CODE_UNAVAILABLE), parked ones are completed with what they would get when
 * their wait ends. Fits that have not begun are given up. Call before the workers stop. */
void engine_drain(struct engine *engine);
/* Waits for the fits that run: their models are stored. */
void engine_close(struct engine *engine);

/* What fits and asks compute with; the engine's own. */
struct compute *engine_compute(const struct engine *engine);

/* Database time as the engine sees it: read from the database now and then, carried on by the
 * monotonic clock in between. */
int64_t engine_now_ms(struct engine *engine);

/* What must happen without a request: expired leases, deadlines, the end of long polls, events of
 * other replicas, old idempotency keys. Call it every 250 ms or so from one thread. */
void engine_tick(struct engine *engine, struct session *session);

/* ---- operations ---- */

enum op_kind {
	OP_SUGGEST,
	OP_OBSERVE,
	OP_HEARTBEAT,
	OP_RELEASE, /* a worker gives its trial back */
	OP_CANCEL,
	OP_RETRY,
	OP_STOP,    /* a user ends one trial early */
	OP_ENQUEUE, /* customised trials */
	OP_SEED,    /* foreign results */
	OP_EDIT,    /* PATCH */
	OP_STATUS,  /* pause, resume, stop the experiment */
	OP_EXPIRE,  /* from the sweeper */
	OP_EXPLAIN,
	OP_READ, /* nothing: done() looks at the view */
	OP_KIND_COUNT
};

struct suggest_request {
	size_t count;	     /* 1 .. LIMIT_SUGGEST_COUNT */
	const char *worker;  /* NULL: anonymous */
	int64_t lease_ms;    /* 0: max_trial_duration, else 24 h */
	int64_t wait_ms;     /* how long to be held when there is nothing now */
	int64_t deadline_us; /* CLOCK_MONOTONIC: answer by then with the best there is; 0: none */
	bool resume;	     /* this worker's running trials come first */
};

struct suggest_answer {
	size_t n;
	const struct trial **trials; /* valid inside done() */
	uint64_t version;
	bool done;	    /* nothing ever again (n is 0) */
	const char *reason; /* when n is 0: concurrency, waiting_for_results, paused, max_trials,
			       exhausted, ... */
	int64_t retry_after_ms;
	int64_t *numbers; /* the engine's own, until trials can be pointed to */
};

enum observe_kind { OBSERVE_REPORT, OBSERVE_FINAL, OBSERVE_FAILED };

struct observation {
	int64_t trial;
	int64_t attempt; /* 0: the current one */
	enum observe_kind kind;
	int64_t step; /* -1: none given; a report then takes the next step */
	const struct metric *metrics;
	size_t n_metrics;
	const char *message;	/* FAILED */
	const char *attributes; /* JSON object or NULL */
	const char *checkpoint;
};

enum command { COMMAND_CONTINUE, COMMAND_STOP, COMMAND_PAUSE };
const char *command_name(enum command command);

struct observe_item { /* the answer to one observation, or to a heartbeat */
	int64_t trial;
	bool accepted;
	bool repeated; /* accepted, but we knew it */
	bool late;     /* stored, not modelled */
	enum command command;
	const char *reason; /* of a stop, or NULL */
	enum trial_state state;
	int64_t lease_until_ms; /* 0: no lease */
	struct error error;	/* code 0 when accepted */
};

struct seed_row {
	const char *parameters;	      /* JSON */
	const struct metric *metrics; /* final values */
	size_t n_metrics;
	bool failed;
	const char *message;
	const struct report_row *curve; /* intermediate values, step ascending */
	size_t n_curve;
};

struct report_row {
	int64_t step;
	const struct metric *metrics;
	size_t n_metrics;
};

struct row_result { /* of one seeded or enqueued row */
	bool accepted;
	int64_t trial;
	struct error error;
};

struct op {
	enum op_kind kind;
	const char *experiment;
	const char *team;	       /* NULL: any (instance admin, sweeper) */
	struct arena *arena;	       /* the request's; answers are allocated here */
	const struct idempotency *key; /* team, key, digest and status filled in; NULL: none */
	struct faults *faults;	       /* EDIT, ENQUEUE: where body faults go */

	/* The request, by kind. */
	union {
		struct suggest_request suggest;
		struct {
			const struct observation *items;
			size_t n;
		} observe;
		struct { /* HEARTBEAT, RELEASE, CANCEL, RETRY, STOP, EXPIRE, EXPLAIN */
			int64_t number;
			int64_t attempt;	/* 0: the current one */
			int64_t lease_ms;	/* HEARTBEAT; 0: as handed out */
			int64_t lease_until_ms; /* EXPIRE: what the sweeper saw */
			const char *message;	/* CANCEL, STOP */
		} trial;
		struct {
			const char *const *parameters; /* JSON, one each */
			size_t n;
		} enqueue;
		struct {
			const struct seed_row *rows;
			size_t n;
		} seed;
		struct {
			const char *text; /* the PATCH body */
			size_t size;
			int64_t if_match; /* spec_version the client saw; -1: any */
		} edit;
		struct {
			enum experiment_status to;
			const char *reason; /* "user", ... */
		} status;
	};

	/* The answer, valid inside done(). */
	int code; /* 0, or what error says */
	struct error error;
	bool replayed; /* the key was used before: same answer again */
	struct suggest_answer suggested;
	struct observe_item *items;  /* OBSERVE (n of them), HEARTBEAT (one) */
	struct row_result *rows;     /* SEED, ENQUEUE */
	const struct view *view;     /* as of the answer; NULL when code says the view never came */
	const struct trial *subject; /* RELEASE, CANCEL, RETRY, STOP, EXPLAIN */
	int64_t ask_us, db_us;	     /* for Server-Timing; queue time is the caller's */
	bool ready;		     /* SUGGEST: a proposal had been computed ahead */

	void (*done)(struct op *op);
	void *context;

	/* the engine's own */
	struct op *next;
	int64_t parked_until_ms;
};

/* Runs now or later, on this thread or another; done() is called exactly once. op must live until
 * then. */
void engine_submit(struct engine *engine, struct session *session, struct op *op);

/* Gives up a parked suggest (the client went away). False: it is no longer parked. done() is not
 * called when this answers true. */
bool engine_forget(struct engine *engine, struct op *op);

/* ---- experiments ---- */

/* Parses, checks with the tuner and assessor, stores. id_out: at least ID_SIZE bytes. A key that
 * was used before answers the experiment that was created then (*replayed). */
int engine_experiment_create(struct engine *engine, struct session *session, const char *team,
	const char *text, size_t size, const struct idempotency *key, char *id_out, bool *replayed,
	struct faults *faults, struct error *err);

/* spec_parse plus the checks of tuner and assessor: POST /v1/spaces/validate, imports. */
int engine_spec_check(const char *text, size_t size, const struct spec *previous, uint64_t seed,
	struct arena *arena, const struct spec **out, struct faults *faults, struct error *err);

/* Same spec, no history; name: NULL keeps it. */
int engine_experiment_clone(struct engine *engine, struct session *session, const char *team,
	const char *id, const char *name, char *id_out, struct error *err);

int engine_experiment_delete(struct engine *engine, struct session *session, const char *team,
	const char *id, struct error *err);

/* An experiment from another server, given as its events in version order (a fold is a fold):
 * new id, same seed; running trials become waiting. */
struct import;
int engine_import_begin(
	struct engine *engine, const char *team, struct import **out, struct error *err);
int engine_import_event(struct import *import, struct session *session, const struct event *event,
	struct error *err);
int engine_import_end(struct import *import, struct session *session, char *id_out,
	struct error *err); /* frees import */
void engine_import_abort(
	struct import *import, struct session *session); /* removes what was written */

/* The suggestion of a trial again, from the log up to its base version, with the model it went by
 * fitted again from the log: *equal tells whether the parameters come out the same. They do on the
 * compute back end that made them; another one rounds differently. CODE_CONFLICT: the tuner did not
 * make that trial. */
int engine_replay(struct engine *engine, struct session *session, const char *team,
	const char *experiment, int64_t trial, struct arena *arena, const char **recorded,
	const char **recomputed, bool *equal, struct error *err);

/* A random id: prefix, '_', 22 base64url characters. out: ID_SIZE bytes. */
void id_make(const char *prefix, char *out);

/* ---- watching ---- */

/* wake(context) is called after new events of the experiment have been committed, here or (within a
 * poll) on another replica. From any thread; it must not block or call the engine. */
struct watch;
int engine_watch(struct engine *engine, const char *experiment, void (*wake)(void *context),
	void *context, struct watch **out, struct error *err);
void engine_unwatch(struct engine *engine, struct watch *watch);

struct engine_stats {
	uint64_t suggests, observes, asks, appends, misses, events, parked, expired, cache_loads,
		cache_evictions, stops;
	uint64_t fits, fit_failures; /* fits counts failed ones too */
	uint64_t fits_held;	     /* left to another replica that was at it */
	uint64_t fit_us;	     /* spent in fits */
	uint64_t models_shared;	     /* taken from the store */
	uint64_t ready_made, ready_hits;
	uint64_t fallbacks; /* suggestions by the start design, for a deadline */
	size_t cache_bytes, mailboxes;
};
void engine_stats(struct engine *engine, struct engine_stats *out);

#endif
