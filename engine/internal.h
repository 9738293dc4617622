/*
 * The engine's own structures. Two locks:
 *   engine.lock guards the table of mailboxes: their queues, parked lists, running flags, the LRU
 * and the watches. Held for a few pointer moves, never across a store, compute or callback call.
 *   engine.clock_lock guards the offset between database and monotonic time.
 * A mailbox's view belongs to whichever thread set its running flag.
 */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

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

struct mailbox {
	char id[ID_SIZE];
	struct mailbox *hash_next;
	struct mailbox *newer, *older; /* LRU of mailboxes that hold a view */

	/* guarded by engine.lock */
	struct op *head, **tail; /* waiting, in order of arrival */
	struct op *parked;	 /* suggests that are being held */
	bool running;		 /* a thread owns the view */
	bool refresh;		 /* events of others are known to be waiting in the store */
	bool in_lru;
	uint64_t version; /* last one seen here, for watches */
	size_t bytes;	  /* of the view */
	size_t n_watches;
	struct watch *watches;

	/* owned by the running thread */
	bool loaded;
	int64_t contended_ms; /* monotonic time of the last lost race, 0: none */
	struct view view;
	char team[TEAM_SIZE];
};

struct engine {
	struct engine_config config;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* a mailbox stopped running, or a watch's call returned */
	struct mailbox *buckets[MAILBOX_BUCKETS];
	struct mailbox *newest, *oldest;
	size_t n_mailboxes, n_parked, n_watches;
	size_t cache_bytes;
	bool draining;

	pthread_mutex_t clock_lock;
	int64_t clock_offset_ms; /* database time - monotonic time */
	int64_t clock_read_ms;	 /* monotonic time of the last reading, 0: never */
	int64_t keys_expired_ms; /* monotonic time of the last clean-up of idempotency keys */

	_Atomic uint64_t suggests, observes, asks, appends, misses, events, expired, loads,
		evictions, stops;
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
	int code; /* not 0: the view is no longer what the log says */
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

/* Mailboxes: all with engine.lock held, but for run. */
struct mailbox *mailbox_get(struct engine *engine, const char *id);
struct mailbox *mailbox_find(struct engine *engine, const char *id);
void mailbox_push(struct mailbox *mailbox, struct op *op);
/* Drops the mailbox when nobody needs it. */
void mailbox_release(struct engine *engine, struct mailbox *mailbox);
void cache_trim(struct engine *engine);
void cache_touch(struct engine *engine, struct mailbox *mailbox, size_t bytes);
void cache_remove(struct engine *engine, struct mailbox *mailbox);

/* The caller has set mailbox->running; engine.lock is not held. */
void mailbox_run(struct engine *engine, struct session *session, struct mailbox *mailbox);

/* Takes parked suggests whose time has come (or all) back into the queue; engine.lock held. */
size_t mailbox_unpark(struct engine *engine, struct mailbox *mailbox, int64_t now_ms, bool all);

/* Wakes the watches of a mailbox. engine.lock must not be held. */
void watches_wake(struct engine *engine, struct mailbox *mailbox);

/* Reads what others have appended since the view's version. */
int view_catch_up(struct engine *engine, struct session *session, const char *experiment,
	struct view *view, uint64_t up_to, struct error *err);

int clock_sync(struct engine *engine, struct session *session, struct error *err);

int64_t mono_ms(void);
int64_t mono_us(void);
void random_bytes(void *out, size_t size);

#endif
