/*
 * The engine's own structures. Two locks:
 *   engine.lock guards the table of mailboxes: their queues, parked lists, running flags, the
 * cache, the watches and the queue of fits. Held for a few pointer moves, never across a store,
 * compute or callback call.
 *   engine.clock_lock guards the offset between database and monotonic time.
 * A mailbox's view, and what its tuner has learnt, belong to whichever thread set its running flag.
 */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "algorithms/tuners/tuner.h"
#include "engine/engine.h"

#define MAILBOX_BUCKETS 4096
#define MAILBOX_BATCH	256 /* operations decided together; bounds the size of one append */
#define TEAM_SIZE	64

struct watch {
	struct watch *next;
	struct mailbox *mailbox;
	void (*wake)(void *context);
	void *context;
	unsigned calls; /* wake() calls under way: unwatch waits for them */
	bool dead;
};

/* A model on its way from a compute thread, or from the store, to a mailbox. */
struct fitted {
	uint64_t version, digest; /* digest: spec_digest of the view it was fitted on */
	size_t n_results, size;
	unsigned char bytes[];
};

/* A proposal computed ahead. It holds as long as nothing happens that an ask would see. */
struct ready {
	bool there;
	bool tried; /* nothing has happened since the last attempt: another would end the same */
	struct proposal proposal;
	uint64_t base_version, model;
	struct arena arena; /* of the proposal's parts */
};

/* What a mailbox's tuner has learnt and keeps in mind; of tuners with a learner only. */
struct learnt {
	struct learnt *next;   /* in engine.discarded */
	uint64_t spec_version; /* digest is of this one */
	uint64_t digest;
	struct fitted *fitted; /* owns what model points to; NULL: no model yet */
	struct model model;
	struct workspace workspace;
	struct ready ready;
};

enum ask_path {
	PATH_PLAIN,   /* a tuner that learns nothing from fits */
	PATH_PRIOR,   /* no model was there yet */
	PATH_MODEL,   /* with a model */
	PATH_READY,   /* with a model or not, computed ahead */
	PATH_FALLBACK /* the start design, for the sake of the deadline */
};

/* How a proposal came about: what its event records, and a replay goes by. */
struct asked {
	enum ask_path path;
	uint64_t model;	       /* version of the model it went by; 0: none */
	uint64_t base_version; /* of the view it was computed on */
};

struct fit_job;

struct mailbox {
	char id[ID_SIZE];
	struct mailbox *hash_next;
	struct mailbox *newer, *older; /* in its segment of the cache */

	/* guarded by engine.lock */
	struct op *head, **tail; /* waiting, in order of arrival */
	struct op *parked;	 /* suggests that are being held */
	bool running;		 /* a thread owns the view */
	bool refresh;		 /* events of others are known to be waiting in the store */
	struct segment *segment; /* of the cache; NULL: not in it */
	uint64_t touched;	 /* the cache's clock then; 0: never */
	uint64_t version;	 /* last one seen here, for watches */
	size_t bytes;		 /* of the view and what is learnt, as the cache counts them */
	struct fit_job *fit;	 /* queued or running; only compared, never followed */
	struct fitted *fitted;	 /* a model for the runner to take over */
	size_t failed_at;	 /* results at the last fit that failed */
	int64_t look_ms;	 /* no fit before, monotonic: another replica was at it */
	size_t n_watches;
	struct watch *watches;

	/* owned by the running thread */
	bool loaded;
	int64_t contended_ms; /* monotonic time of the last lost race, 0: none */
	struct view view;
	struct learnt *learnt; /* NULL: nothing yet, or the tuner has no learner */
	double ask_us;	       /* what an ask takes, averaged; 0: not known */
	char team[TEAM_SIZE];
};

/* One of the two lists of the cache (engine/cache.c). */
struct segment {
	struct mailbox *newest, *oldest;
	size_t n, bytes;
};

struct cache {
	struct segment kept, probation;
	size_t bytes_max;
	uint64_t clock; /* uses so far, but for those soon after another of the same view */
};

/* The threads that fit models; all guarded by engine.lock. */
struct compute_pool {
	struct fit_job *head, **tail;
	struct fit_job *active[COMPUTE_THREADS_MAX]; /* by thread */
	pthread_t threads[COMPUTE_THREADS_MAX];
	size_t n_threads, n_idle, n_max;
	pthread_cond_t work;
	bool closing;
};

struct engine {
	struct engine_config config;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* a mailbox stopped running, or a watch's call returned */
	struct mailbox *buckets[MAILBOX_BUCKETS];
	size_t n_mailboxes, n_parked, n_watches;
	struct cache cache;
	struct learnt *discarded; /* of mailboxes that are gone: freed without the lock */
	struct compute_pool pool;
	bool draining;

	struct compute *compute;
	bool own_compute;

	pthread_mutex_t clock_lock;
	int64_t clock_offset_ms; /* database time - monotonic time */
	int64_t clock_read_ms;	 /* monotonic time of the last reading, 0: never */
	int64_t keys_expired_ms; /* monotonic time of the last clean-up of idempotency keys */

	_Atomic uint64_t suggests, observes, asks, appends, misses, events, expired, loads,
		evictions, stops, fits, fit_failures, fits_held, fit_us, models_shared, ready_made,
		ready_hits, fallbacks;
};

/*
 * A draft: events being decided on a view, applied as they are added so that the next decision sees
 * them, taken back if the append does not succeed.
 */
struct draft {
	struct engine *engine;
	struct session *session;
	struct mailbox *mailbox;
	struct view *view;
	struct arena arena; /* the events' memory; released after the append */
	struct event *events;
	size_t n, room;
	int64_t now_ms;
	int64_t ask_us;
	size_t n_ready; /* proposals that were there already */
	bool checked;	/* the view is known to be the newest, as of this batch */
	int code;	/* not 0: the view is no longer what the log says */
	struct error error;
};

/* The next event: fills in version and time, applies it, remembers it. event's memory must live as
 * long as the draft. */
int draft_add(struct draft *draft, struct event *event, struct error *err);

/* decide_*: one per kind of operation. Sets the op's answer and adds events. Decisions are made
 * again after a lost race, so they start from scratch each time. */
typedef void decide_fn(struct draft *draft, struct op *op);
void decide_suggest(struct draft *draft, struct op *op);
void decide_observe(struct draft *draft, struct op *op);
void decide_heartbeat(struct draft *draft, struct op *op);
void decide_release(struct draft *draft, struct op *op);
void decide_cancel(struct draft *draft, struct op *op);
void decide_retry(struct draft *draft, struct op *op);
void decide_stop(struct draft *draft, struct op *op);
void decide_enqueue(struct draft *draft, struct op *op);
void decide_seed(struct draft *draft, struct op *op);
void decide_edit(struct draft *draft, struct op *op);
void decide_status(struct draft *draft, struct op *op);
void decide_expire(struct draft *draft, struct op *op);
void decide_explain(struct draft *draft, struct op *op);
void decide_read(struct draft *draft, struct op *op);

/* Ends the experiment when a limit says so (target, patience, max_trials). */
void settle(struct draft *draft);

/* Sets the experiment's status, with the event. */
void draft_status(struct draft *draft, enum experiment_status to, const char *reason);

/* op->code and op->error in one. */
void op_fail(struct op *op, enum code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What the worker of this trial should do, and why. */
enum command trial_command(const struct view *view, const struct trial *trial, const char **reason);

/* The answer of a suggest or enqueue whose key was used before, from the events it made then. */
void answer_again(struct draft *draft, struct op *op, const struct idempotency *key);

/* ---- asking (engine/ask.c) ---- */

/* The next proposal for draft's view, in draft's arena, and how it came about. deadline_us:
 * monotonic, 0: none; when an ask is not expected to end by then, the start design answers. What
 * tuner_ask answers, or CODE_NO_MEMORY. */
int draft_ask(struct draft *draft, bool promote_only, int64_t deadline_us, struct proposal *out,
	struct asked *asked, struct error *err);

/* The same again from a view and the model that asked names: for replays. */
int ask_again(const struct knowledge *know, const struct asked *asked, struct arena *arena,
	struct proposal *out, struct error *err);

/* An empty proposal; its x is from arena. CODE_NO_MEMORY. */
int proposal_init(
	const struct view *view, struct arena *arena, struct proposal *out, struct error *err);

/* The members of meta that say how: "" or ',"model":41,"path":"model"'. And back. */
const char *asked_write(const struct asked *asked, struct arena *arena);
void asked_read(const char *meta, struct asked *out);

/* Would a proposal computed now be of use to the next suggest? Cheap. The runner only. */
bool ready_wanted(const struct mailbox *mailbox);
void ready_make(struct engine *engine, struct mailbox *mailbox);
/* Something happened that an ask would see. */
void ready_drop(struct mailbox *mailbox);

/* ---- what a mailbox's tuner has learnt (engine/learnt.c); the runner only ---- */

/* NULL: the tuner of the view has no learner, or no memory. Drops what an edit of the spec has made
 * useless, and takes over a model that was fitted meanwhile. */
struct learnt *learnt_current(struct engine *engine, struct mailbox *mailbox);
/* The view was loaded: so is the model that the store has. */
void learnt_load(struct engine *engine, struct session *session, struct mailbox *mailbox);
/* The view went back: what was derived from it is void, the model is not. */
void learnt_forget(struct mailbox *mailbox);
size_t learnt_bytes(const struct mailbox *mailbox);
/* With engine.lock held: for discarded_free. */
void learnt_discard(struct engine *engine, struct mailbox *mailbox);
/* Without it: frees what was discarded. */
void discarded_free(struct engine *engine);

/* What a model depends on in the spec: all but name, assessor, limits, labels and note. */
uint64_t spec_digest(const struct spec *spec);

struct fitted *fitted_new(uint64_t version, size_t n_results, uint64_t digest, struct bytes bytes);
static inline struct model fitted_model(const struct fitted *fitted)
{
	return (struct model){ fitted->version, fitted->n_results,
		{ fitted->bytes, fitted->size } };
}

/* ---- fits (engine/fit.c) ---- */

/* Queues a fit if one is due and none is under way. The runner, after a batch. */
void fit_consider(struct engine *engine, struct mailbox *mailbox);
/* Gathers and fits at the view's version, on this thread: for replays. */
int fit_now(
	const struct view *view, struct compute *compute, struct buffer *out, struct error *err);
/* Fits that last keep their locks. */
void fit_renew(struct engine *engine);
void fit_open(struct engine *engine);
/* Fits that have not begun are given up; running ones go on. engine.lock is held. */
void fit_drain(struct engine *engine);
/* Waits for running ones. */
void fit_close(struct engine *engine);

/* ---- mailboxes ---- */

/* Mailboxes: all with engine.lock held, but for run. */
struct mailbox *mailbox_get(struct engine *engine, const char *id);
struct mailbox *mailbox_find(struct engine *engine, const char *id);
void mailbox_push(struct mailbox *mailbox, struct op *op);
/* Drops the mailbox when nobody needs it. */
void mailbox_release(struct engine *engine, struct mailbox *mailbox);
void mailbox_free(struct engine *engine, struct mailbox *mailbox);

/* ---- the cache (engine/cache.c): which views stay in memory; engine.lock held ---- */

/* The mailbox's view was used; it holds so many bytes now. */
void cache_touch(struct cache *cache, struct mailbox *mailbox, size_t bytes);
/* Only its size has changed. */
void cache_resize(struct mailbox *mailbox, size_t bytes);
void cache_remove(struct mailbox *mailbox);
/* The view that should go, of a mailbox that is not running; NULL: the cache is within its bounds,
 * or every view is in use. */
struct mailbox *cache_victim(const struct cache *cache);
/* Drops views until the cache is within its bounds. */
void cache_trim(struct engine *engine);
static inline size_t cache_bytes(const struct cache *cache)
{
	return cache->kept.bytes + cache->probation.bytes;
}

/* The caller has set mailbox->running; engine.lock is not held. */
void mailbox_run(struct engine *engine, struct session *session, struct mailbox *mailbox);

/* Takes parked suggests whose time has come (or all) back into the queue; engine.lock held. */
size_t mailbox_unpark(struct engine *engine, struct mailbox *mailbox, int64_t now_ms, bool all);

/* Wakes the watches of a mailbox. engine.lock must not be held. */
void watches_wake(struct engine *engine, struct mailbox *mailbox);

/* The bytes of view, model and workspace. */
size_t mailbox_bytes(const struct mailbox *mailbox);

/* The view is in memory afterwards, and time is known. The runner only. */
int mailbox_load(
	struct engine *engine, struct session *session, struct mailbox *mailbox, struct error *err);

/* Reads what others have appended since the mailbox's view. The runner only. */
int mailbox_catch_up(
	struct engine *engine, struct session *session, struct mailbox *mailbox, struct error *err);

/* Reads what others have appended since the view's version. */
int view_catch_up(struct engine *engine, struct session *session, const char *experiment,
	struct view *view, uint64_t up_to, struct error *err);

int clock_sync(struct engine *engine, struct session *session, struct error *err);

int64_t mono_ms(void);
int64_t mono_us(void);
void random_bytes(void *out, size_t size);

#endif
