/*
 * Running a mailbox: take what waits, decide, append, answer; again until nothing waits.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/internal.h"

#define TRIES_MAX	    64 /* lost races in a row before the caller is asked to come back */
#define RACES_BEFORE_LOCK   4  /* lost in a row before any operation is worth the lock */
#define SUGGEST_LOCK_TTL_MS 5000
#define SUGGEST_LOCK_TRIES  25	  /* times 2 ms: longer than an ask and an append take */
#define CONTENDED_MS	    10000 /* after a lost race the lock is taken for that long */

void op_fail(struct op *op, enum code code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	op->code = (int)code;
	op->error.code = code;
	vsnprintf(op->error.message, sizeof(op->error.message), fmt, args);
	va_end(args);
}

static void op_fail_with(struct op *op, const struct error *error)
{
	op->code = (int)error->code;
	op->error = *error;
}

/* ---- the draft ---- */

static void draft_init(struct draft *draft, struct engine *engine, struct session *session,
	struct mailbox *mailbox)
{
	*draft = (struct draft){
		.engine = engine,
		.session = session,
		.mailbox = mailbox,
		.view = &mailbox->view,
	};
	arena_init(&draft->arena, 0);
}

static void draft_reset(struct draft *draft)
{
	draft->n = 0;
	draft->code = 0;
	draft->ask_us = 0;
	draft->n_ready = 0;
	arena_reset(&draft->arena);
	draft->now_ms = engine_now_ms(draft->engine);
}

static void draft_release(struct draft *draft)
{
	arena_release(&draft->arena);
	free(draft->events);
}

/* A view that could not follow is of no more use: the whole draft fails, the view is loaded again.
 */
static int draft_break(struct draft *draft, const struct error *error)
{
	draft->code = (int)error->code;
	draft->error = *error;
	draft->view->stale = true;
	return draft->code;
}

int draft_add(struct draft *draft, struct event *event, struct error *err)
{
	struct error error;

	if (draft->code)
		return draft->code;
	if (draft->n == draft->room) {
		size_t room = draft->room ? draft->room * 2 : 64;
		struct event *moved = reallocarray(draft->events, room, sizeof(*moved));
		if (!moved) {
			fail(&error, CODE_NO_MEMORY, "no memory for %zu events", room);
			if (err)
				*err = error;
			return draft_break(draft, &error);
		}
		draft->events = moved;
		draft->room = room;
	}
	event->version = draft->view->counts.version + 1;
	event->at_ms = draft->now_ms;
	if (view_apply(draft->view, event, &error)) {
		if (err)
			*err = error;
		return draft_break(draft, &error);
	}
	draft->events[draft->n++] = *event;
	/* Reports of running trials are no news to a tuner that does not read them. */
	if (event->kind != EVENT_REPORTED || draft->view->needs_metrics)
		ready_drop(draft->mailbox);
	return 0;
}

void draft_status(struct draft *draft, enum experiment_status to, const char *reason)
{
	struct event event;
	event_init(&event, EVENT_STATUS, -1);
	event.status = to;
	event.reason = reason;
	draft_add(draft, &event, NULL);
}

/* ---- deciding ---- */

static decide_fn *const decide[OP_KIND_COUNT] = {
	[OP_SUGGEST] = decide_suggest,
	[OP_OBSERVE] = decide_observe,
	[OP_HEARTBEAT] = decide_heartbeat,
	[OP_RELEASE] = decide_release,
	[OP_CANCEL] = decide_cancel,
	[OP_RETRY] = decide_retry,
	[OP_STOP] = decide_stop,
	[OP_ENQUEUE] = decide_enqueue,
	[OP_SEED] = decide_seed,
	[OP_EDIT] = decide_edit,
	[OP_STATUS] = decide_status,
	[OP_EXPIRE] = decide_expire,
	[OP_EXPLAIN] = decide_explain,
	[OP_READ] = decide_read,
};

static bool same_team(const struct mailbox *mailbox, const struct op *op)
{
	return !op->team || strcmp(op->team, mailbox->team) == 0;
}

/* Two requests with one key at the same moment: the second is told to wait for the first. */
static bool key_in_flight(const struct op *first, const struct op *op)
{
	for (const struct op *other = first; op->key && other != op; other = other->next)
		if (other->key && strcmp(other->key->key, op->key->key) == 0 &&
			strcmp(other->key->team, op->key->team) == 0)
			return true;
	return false;
}

static void decide_one(
	struct draft *draft, struct op *first, struct op *op, struct idempotency *keys, size_t *n)
{
	struct mailbox *mailbox = draft->mailbox;
	size_t before = draft->n;

	if (op->replayed)
		return;
	op->code = 0;
	op->view = draft->view;
	op->db_us = 0;
	op->ask_us = 0;
	op->ready = false;
	if (!same_team(mailbox, op)) {
		op->view = NULL;
		op_fail(op, CODE_NOT_FOUND, "there is no experiment %s", mailbox->id);
		return;
	}
	if (key_in_flight(first, op)) {
		op_fail(op, CODE_CONFLICT, "a request with this Idempotency-Key is being answered");
		return;
	}
	decide[op->kind](draft, op);
	if (!op->key || draft->n == before || draft->code)
		return;
	keys[*n] = *op->key;
	keys[*n].experiment = mailbox->id;
	keys[*n].first_version = draft->events[before].version;
	keys[*n].last_version = draft->events[draft->n - 1].version;
	keys[*n].created_ms = draft->now_ms;
	(*n)++;
}

/* Everything that brings news first, then the suggests, which should know it. */
static void decide_all(
	struct draft *draft, struct op *ops, struct idempotency *keys, size_t *n_keys)
{
	*n_keys = 0;
	for (struct op *op = ops; op; op = op->next)
		if (op->kind != OP_SUGGEST)
			decide_one(draft, ops, op, keys, n_keys);
	if (draft->n > 0 && !draft->code)
		settle(draft);
	for (struct op *op = ops; op; op = op->next)
		if (op->kind == OP_SUGGEST)
			decide_one(draft, ops, op, keys, n_keys);
}

static int append(struct draft *draft, uint64_t base, size_t n_before,
	const struct idempotency *keys, size_t n_keys, bool *key_used, struct error *err)
{
	struct view *view = draft->view;
	size_t room = view->n_undo + view->n_trials - n_before;
	uint32_t *changed = arena_array(&draft->arena, room + 1, sizeof(*changed));
	if (!changed)
		return fail(err, CODE_NO_MEMORY, "no memory for the changed trials");
	struct append append = {
		.experiment = draft->mailbox->id,
		.base_version = base,
		.events = draft->events,
		.n_events = draft->n,
		.view = view,
		.changed = changed,
		.n_changed = view_changed(view, changed, room),
		.n_trials_before = n_before,
		.keys = keys,
		.n_keys = n_keys,
	};
	draft->engine->appends++;
	return store_append(draft->session, &append, key_used, err);
}

/* Operations whose key has been used get their old answer. Observations are idempotent by
 * themselves: they are only looked up when the append says so, which keeps them at one round trip.
 */
static int resolve_keys(struct draft *draft, struct op *ops, bool refused, struct error *err)
{
	struct session *session = draft->session;

	for (struct op *op = ops; op; op = op->next) {
		struct idempotency found;
		if (!op->key || op->replayed || op->code || (!refused && op->kind == OP_OBSERVE))
			continue;
		int rc = store_idempotency_get(
			session, op->key->team, op->key->key, op->arena, &found, err);
		if (rc == CODE_NOT_FOUND)
			continue;
		if (rc)
			return rc;
		op->replayed = true;
		op->view = draft->view;
		if (strcmp(found.digest, op->key->digest) != 0)
			op_fail(op, CODE_KEY_REUSED,
				"this Idempotency-Key was used for another request: use a new key");
		else
			answer_again(draft, op, &found);
	}
	return 0;
}

/* An append proves that the view it was decided on was the newest. Where nothing is appended
 * ("there is no such trial", "paused", "continue") another replica may know better: CODE_MISS if it
 * did. */
static int check_current(struct draft *draft, struct error *err)
{
	uint64_t before = draft->view->counts.version;

	if (draft->checked)
		return 0;
	draft->checked = true;
	int rc = mailbox_catch_up(draft->engine, draft->session, draft->mailbox, err);
	return rc ? rc : draft->view->counts.version != before ? CODE_MISS : 0;
}

/* One try: 0 when everything decided is committed (or nothing had to be). */
static int try_batch(struct draft *draft, struct op *ops, struct error *err)
{
	struct view *view = draft->view;
	struct idempotency keys[MAILBOX_BATCH];
	size_t n_keys, n_before = view->n_trials;
	uint64_t base = view->counts.version;
	bool key_used = false;

	draft_reset(draft);
	view_mark(view);
	decide_all(draft, ops, keys, &n_keys);
	int rc = draft->code;
	if (rc && err)
		*err = draft->error;
	if (!rc && draft->n > 0) {
		int64_t started = mono_us();
		rc = append(draft, base, n_before, keys, n_keys, &key_used, err);
		for (struct op *op = ops; op; op = op->next)
			op->db_us = mono_us() - started;
	}
	if (!rc) {
		view_keep(view);
		draft->engine->events += draft->n;
		return draft->n > 0 ? 0 : check_current(draft, err);
	}
	view_rollback(view);
	learnt_forget(draft->mailbox);
	if (rc != CODE_MISS)
		return rc;
	draft->engine->misses++;
	if (key_used) {
		int failed = resolve_keys(draft, ops, true, err);
		return failed ? failed : rc;
	}
	draft->mailbox->contended_ms = mono_ms();
	if (view->stale)
		return rc;
	int failed = mailbox_catch_up(draft->engine, draft->session, draft->mailbox, err);
	return failed && failed != CODE_INTERNAL ? failed : rc;
}

/* ---- the lock that keeps replicas from computing asks which would collide ---- */

static void suggest_lock(struct engine *engine, const struct mailbox *mailbox, struct lease *lease)
{
	char name[LEASE_NAME_MAX];
	struct timespec pause = { .tv_nsec = 2000000 };

	snprintf(name, sizeof(name), "suggest:%s", mailbox->id);
	for (int i = 0; i < SUGGEST_LOCK_TRIES; i++) {
		const struct lease_ops *ops = engine->config.leases->ops;
		int rc =
			ops->acquire(engine->config.leases, name, SUGGEST_LOCK_TTL_MS, lease, NULL);
		if (rc != CODE_CONFLICT)
			return;
		nanosleep(&pause, NULL);
	}
	/* Go on without: the log's key still decides who was first. */
}

/* An ask is worth a lock only while another replica is at the same experiment. */
static bool wants_lock(const struct mailbox *mailbox, const struct op *ops)
{
	if (!mailbox->contended_ms || mono_ms() - mailbox->contended_ms > CONTENDED_MS)
		return false;
	for (; ops; ops = ops->next)
		if (ops->kind == OP_SUGGEST)
			return true;
	return false;
}

/* Whoever lost several races in a row takes the lock whatever it has to write: the others' asks
 * then wait for it, and it is not kept losing against a faster replica. */
static int process(struct draft *draft, struct op *ops, struct lease *lease, struct error *err)
{
	int rc = 0;

	for (int i = 0; i < TRIES_MAX; i++) {
		if (i == RACES_BEFORE_LOCK && !lease->held)
			suggest_lock(draft->engine, draft->mailbox, lease);
		rc = mailbox_load(draft->engine, draft->session, draft->mailbox, err);
		/* A key that was used is found before anything is decided: a repeat must get its
		 * answer also where the limits would give it nothing new. */
		if (!rc && i == 0)
			rc = resolve_keys(draft, ops, false, err);
		if (!rc)
			rc = try_batch(draft, ops, err);
		if (rc != CODE_MISS)
			return rc;
	}
	return fail(err, CODE_UNAVAILABLE,
		"other replicas are writing to this experiment all the time: try again");
}

/* ---- answering ---- */

static bool must_park(struct engine *engine, const struct op *op)
{
	return op->kind == OP_SUGGEST && !op->code && !op->replayed && op->suggested.n == 0 &&
	       !op->suggested.done && op->parked_until_ms > engine_now_ms(engine) &&
	       !engine->draining;
}

/* Numbers become pointers only now: the array of trials moved while the batch was decided. */
static void resolve(struct op *op)
{
	if (op->code || op->replayed || !op->view)
		return;
	if (op->kind == OP_SUGGEST) {
		const struct trial **trials = op->suggested.trials;
		for (size_t i = 0; i < op->suggested.n; i++)
			trials[i] = view_trial(op->view, op->suggested.numbers[i]);
	} else if (op->kind >= OP_HEARTBEAT && op->kind <= OP_STOP) {
		op->subject = view_trial(op->view, op->trial.number);
	} else if (op->kind == OP_EXPLAIN) {
		op->subject = view_trial(op->view, op->trial.number);
	}
}

static void answer(struct engine *engine, struct mailbox *mailbox, struct op *ops, int rc,
	const struct error *error)
{
	while (ops) {
		struct op *op = ops;
		ops = op->next;
		if (rc && !op->replayed) {
			op->view = NULL;
			op_fail_with(op, error);
		}
		pthread_mutex_lock(&engine->lock);
		bool park = !rc && must_park(engine, op);
		if (park) {
			op->next = mailbox->parked;
			mailbox->parked = op;
			engine->n_parked++;
		}
		pthread_mutex_unlock(&engine->lock);
		if (!park) {
			resolve(op);
			op->done(op);
		}
	}
}

static void count(struct engine *engine, const struct op *ops)
{
	for (; ops; ops = ops->next) {
		engine->suggests += ops->kind == OP_SUGGEST;
		engine->observes += ops->kind == OP_OBSERVE;
	}
}

/* The first operations of the queue, at most MAILBOX_BATCH. engine.lock is held. */
static struct op *take(struct mailbox *mailbox)
{
	struct op *first = mailbox->head, **link = &mailbox->head;
	for (size_t n = 0; *link && n < MAILBOX_BATCH; n++)
		link = &(*link)->next;
	mailbox->head = *link;
	*link = NULL;
	if (!mailbox->head)
		mailbox->tail = &mailbox->head;
	return first;
}

/* What others have appended, when the poll said so. */
static void refresh(struct engine *engine, struct session *session, struct mailbox *mailbox)
{
	struct error error;
	if (!mailbox->loaded || mailbox->view.stale)
		return;
	mailbox_catch_up(engine, session, mailbox, &error);
}

static void run_batch(struct engine *engine, struct session *session, struct mailbox *mailbox,
	struct op *ops, bool *changed)
{
	struct draft draft;
	struct error error = { 0 };
	struct lease lease = { 0 };
	uint64_t before = mailbox->version;

	draft_init(&draft, engine, session, mailbox);
	if (wants_lock(mailbox, ops))
		suggest_lock(engine, mailbox, &lease);
	int rc = process(&draft, ops, &lease, &error);
	if (lease.held)
		engine->config.leases->ops->release(engine->config.leases, &lease);
	count(engine, ops);
	answer(engine, mailbox, ops, rc, &error);
	draft_release(&draft);
	if (rc == CODE_NOT_FOUND) {
		view_release(&mailbox->view);
		mailbox->loaded = false;
	}
	uint64_t version = mailbox->loaded ? mailbox->view.counts.version : before;
	*changed = version != before;
	pthread_mutex_lock(&engine->lock);
	mailbox->version = version;
	cache_resize(mailbox, mailbox->loaded ? mailbox_bytes(mailbox) : 0);
	pthread_mutex_unlock(&engine->lock);
	fit_consider(engine, mailbox);
}

/* Nothing waits: give the view to the cache. Still running while the cache is trimmed, so that it
 * is not this one that goes. engine.lock is held; mailbox may be gone afterwards. */
static void rest(struct engine *engine, struct mailbox *mailbox)
{
	if (mailbox->loaded) {
		cache_touch(&engine->cache, mailbox, mailbox_bytes(mailbox));
	} else {
		cache_remove(mailbox);
		learnt_discard(engine, mailbox);
	}
	cache_trim(engine);
	mailbox->running = false;
	mailbox_release(engine, mailbox);
	pthread_cond_broadcast(&engine->idle);
}

/* What a runner does when nothing waits, one thing at a time: who comes meanwhile waits for no more
 * than one ask. */
enum spare { SPARE_NONE, SPARE_MODEL, SPARE_READY };

/* engine.lock is held. model_seen: the version of the last model looked at; one that cannot be
 * taken yet, because the view does not know all it was fitted on, is looked at once. */
static enum spare spare_work(
	const struct engine *engine, const struct mailbox *mailbox, uint64_t *model_seen)
{
	if (engine->draining || !mailbox->loaded || mailbox->view.stale)
		return SPARE_NONE;
	if (mailbox->fitted && mailbox->fitted->version != *model_seen) {
		*model_seen = mailbox->fitted->version;
		return SPARE_MODEL;
	}
	return ready_wanted(mailbox) ? SPARE_READY : SPARE_NONE;
}

void mailbox_run(struct engine *engine, struct session *session, struct mailbox *mailbox)
{
	uint64_t model_seen = 0;

	for (;;) {
		bool changed = false;
		pthread_mutex_lock(&engine->lock);
		bool news = mailbox->refresh;
		struct op *ops = take(mailbox);
		mailbox->refresh = false;
		enum spare spare =
			ops || news ? SPARE_NONE : spare_work(engine, mailbox, &model_seen);
		if (!ops && !news && spare == SPARE_NONE) {
			rest(engine, mailbox);
			pthread_mutex_unlock(&engine->lock);
			discarded_free(engine);
			return;
		}
		pthread_mutex_unlock(&engine->lock);
		if (spare == SPARE_MODEL)
			fit_consider(engine, mailbox); /* takes it over */
		else if (spare == SPARE_READY)
			ready_make(engine, mailbox);
		if (news)
			refresh(engine, session, mailbox);
		if (ops)
			run_batch(engine, session, mailbox, ops, &changed);
		if (!changed && !news)
			continue;
		/* Something happened: those who wait for it are asked again. */
		pthread_mutex_lock(&engine->lock);
		mailbox_unpark(engine, mailbox, 0, true);
		pthread_mutex_unlock(&engine->lock);
		watches_wake(engine, mailbox);
	}
}

void engine_submit(struct engine *engine, struct session *session, struct op *op)
{
	op->next = NULL;
	op->replayed = false;
	op->code = 0;
	op->parked_until_ms = 0;
	if (op->kind == OP_SUGGEST && op->suggest.wait_ms > 0)
		op->parked_until_ms = engine_now_ms(engine) + op->suggest.wait_ms;
	pthread_mutex_lock(&engine->lock);
	struct mailbox *mailbox = engine->draining ? NULL : mailbox_get(engine, op->experiment);
	bool mine = false;
	if (mailbox) {
		mailbox_push(mailbox, op);
		mine = !mailbox->running;
		mailbox->running = true;
	}
	pthread_mutex_unlock(&engine->lock);
	if (!mailbox) {
		op->view = NULL;
		op_fail(op, CODE_UNAVAILABLE, "the server is stopping: try again");
		op->done(op);
		return;
	}
	if (mine)
		mailbox_run(engine, session, mailbox);
}
