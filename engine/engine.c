/* Opening, closing, and what must happen without a request. */
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"

#define CACHE_BYTES_DEFAULT  (512u << 20)
#define DUE_MAX		     256 /* expired leases handled in one tick */
#define SWEEP_LOCK_MS	     2000
#define KEYS_EXPIRE_EVERY_MS (600 * 1000)
#define POLL_MAX	     512 /* experiments whose version is asked for in one tick */

int engine_open(const struct engine_config *config, struct engine **out, struct error *err)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	if (!engine)
		return fail(err, CODE_NO_MEMORY, "no memory for the engine");
	engine->config = *config;
	engine->compute = config->compute;
	engine->own_compute = !config->compute;
	if (engine->own_compute && compute_open("cpu", NULL, &engine->compute, err)) {
		free(engine);
		return err->code;
	}
	engine->cache.bytes_max = config->cache_bytes ? config->cache_bytes : CACHE_BYTES_DEFAULT;
	fit_open(engine);
	pthread_mutex_init(&engine->lock, NULL);
	pthread_mutex_init(&engine->clock_lock, NULL);
	pthread_cond_init(&engine->idle, NULL);
	*out = engine;
	return 0;
}

static bool any_running(const struct engine *engine)
{
	for (size_t i = 0; i < MAILBOX_BUCKETS; i++)
		for (const struct mailbox *m = engine->buckets[i]; m; m = m->hash_next)
			if (m->running)
				return true;
	return false;
}

/* Parked suggests are answered here, with what they know: nothing now, come back. */
static struct op *collect_parked(struct engine *engine)
{
	struct op *all = NULL;
	for (size_t i = 0; i < MAILBOX_BUCKETS; i++) {
		for (struct mailbox *m = engine->buckets[i]; m; m = m->hash_next) {
			while (m->parked) {
				struct op *op = m->parked;
				m->parked = op->next;
				op->next = all;
				all = op;
				engine->n_parked--;
			}
		}
	}
	return all;
}

void engine_drain(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->draining = true;
	fit_drain(engine);
	struct op *parked = collect_parked(engine);
	pthread_mutex_unlock(&engine->lock);
	while (parked) {
		struct op *op = parked;
		parked = op->next;
		op->view = NULL;
		op->done(op);
	}
	/* Running batches end by themselves; what they would park is answered instead. */
	pthread_mutex_lock(&engine->lock);
	while (any_running(engine))
		pthread_cond_wait(&engine->idle, &engine->lock);
	pthread_mutex_unlock(&engine->lock);
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	fit_close(engine);
	for (size_t i = 0; i < MAILBOX_BUCKETS; i++) {
		while (engine->buckets[i]) {
			struct mailbox *mailbox = engine->buckets[i];
			engine->buckets[i] = mailbox->hash_next;
			mailbox_free(engine, mailbox);
		}
	}
	discarded_free(engine);
	if (engine->own_compute)
		compute_close(engine->compute);
	pthread_mutex_destroy(&engine->lock);
	pthread_mutex_destroy(&engine->clock_lock);
	pthread_cond_destroy(&engine->idle);
	free(engine);
}

struct compute *engine_compute(const struct engine *engine)
{
	return engine->compute;
}

/* ---- the sweeper ---- */

struct sweep_op {
	struct op op;
	struct arena arena;
};

static void sweep_done(struct op *op)
{
	struct sweep_op *sweep = op->context;
	arena_release(&sweep->arena);
	free(sweep);
}

static void submit_due(struct engine *engine, struct session *session, const struct due *due)
{
	struct sweep_op *sweep = calloc(1, sizeof(*sweep));
	if (!sweep)
		return; /* the next tick finds it again */
	arena_init(&sweep->arena, 0);
	sweep->op = (struct op){
		.kind = OP_EXPIRE,
		.experiment = arena_strdup(&sweep->arena, due->experiment),
		.arena = &sweep->arena,
		.trial = { .number = due->trial,
			.attempt = due->attempt,
			.lease_until_ms = due->lease_until_ms },
		.done = sweep_done,
		.context = sweep,
	};
	if (sweep->op.experiment)
		engine_submit(engine, session, &sweep->op);
	else
		sweep_done(&sweep->op);
}

/* One replica at a time looks for what is due; two would only find the same. */
static void sweep(struct engine *engine, struct session *session)
{
	const struct lease_ops *leases = engine->config.leases->ops;
	struct lease lease = { 0 };
	struct arena arena;
	const struct due *due;
	size_t n = 0;

	if (leases->acquire(engine->config.leases, "sweep", SWEEP_LOCK_MS, &lease, NULL))
		return;
	arena_init(&arena, 0);
	if (!store_due(session, engine_now_ms(engine), DUE_MAX, &arena, &due, &n, NULL))
		for (size_t i = 0; i < n; i++)
			submit_due(engine, session, &due[i]);
	arena_release(&arena);
	leases->release(engine->config.leases, &lease);
}

static void expire_keys(struct engine *engine, struct session *session)
{
	int64_t now = mono_ms();
	if (now - engine->keys_expired_ms < KEYS_EXPIRE_EVERY_MS)
		return;
	engine->keys_expired_ms = now;
	store_idempotency_expire(session, engine_now_ms(engine) - IDEMPOTENCY_TTL_MS, NULL);
}

/* ---- long polls ---- */

/* A mailbox whose waiting operations nobody is running yet; it is marked as running. */
static struct mailbox *next_ready(struct engine *engine, int64_t now_ms)
{
	struct mailbox *found = NULL;

	pthread_mutex_lock(&engine->lock);
	for (size_t i = 0; i < MAILBOX_BUCKETS && engine->n_parked > 0 && !found; i++) {
		for (struct mailbox *m = engine->buckets[i]; m && !found; m = m->hash_next) {
			if (!m->parked || !mailbox_unpark(engine, m, now_ms, false))
				continue;
			if (!m->running) {
				m->running = true;
				found = m;
			}
		}
	}
	pthread_mutex_unlock(&engine->lock);
	return found;
}

/* ---- other replicas ---- */

struct poll {
	size_t n;
	char ids[POLL_MAX][ID_SIZE];
	const char *names[POLL_MAX];
	uint64_t known[POLL_MAX], now[POLL_MAX];
};

static void poll_collect(struct engine *engine, struct poll *poll)
{
	poll->n = 0;
	pthread_mutex_lock(&engine->lock);
	bool any = engine->n_parked > 0 || engine->n_watches > 0;
	for (size_t i = 0; any && i < MAILBOX_BUCKETS; i++) {
		for (struct mailbox *m = engine->buckets[i]; m; m = m->hash_next) {
			if ((!m->parked && !m->n_watches) || m->running || poll->n == POLL_MAX)
				continue;
			memcpy(poll->ids[poll->n], m->id, ID_SIZE);
			poll->names[poll->n] = poll->ids[poll->n];
			poll->known[poll->n] = m->version;
			poll->n++;
		}
	}
	pthread_mutex_unlock(&engine->lock);
}

/* Somebody else appended: catch up where suggests wait, wake those who watch. */
static void poll_news(
	struct engine *engine, struct session *session, const char *id, uint64_t version)
{
	pthread_mutex_lock(&engine->lock);
	struct mailbox *mailbox = mailbox_find(engine, id);
	bool news = mailbox && !mailbox->running && mailbox->version < version;
	bool run = false;
	if (news) {
		mailbox->version = version;
		mailbox->n_watches++; /* keeps it here until they have been woken */
		run = mailbox->loaded || mailbox->parked;
		if (run) {
			mailbox->refresh = true;
			mailbox->running = true;
		}
	}
	pthread_mutex_unlock(&engine->lock);
	if (!news)
		return;
	if (run)
		mailbox_run(engine, session, mailbox);
	else
		watches_wake(engine, mailbox);
	pthread_mutex_lock(&engine->lock);
	mailbox->n_watches--;
	mailbox_release(engine, mailbox);
	pthread_mutex_unlock(&engine->lock);
}

static void poll_replicas(struct engine *engine, struct session *session)
{
	struct poll *poll = malloc(sizeof(*poll));
	if (!poll)
		return;
	poll_collect(engine, poll);
	if (poll->n > 0 && !store_versions(session, poll->n, poll->names, poll->now, NULL))
		for (size_t i = 0; i < poll->n; i++)
			if (poll->now[i] > poll->known[i])
				poll_news(engine, session, poll->ids[i], poll->now[i]);
	free(poll);
}

void engine_tick(struct engine *engine, struct session *session)
{
	struct mailbox *mailbox;

	fit_renew(engine);
	discarded_free(engine);
	if (clock_sync(engine, session, NULL))
		return; /* the database is away: there is nothing to do before it is back */
	sweep(engine, session);
	poll_replicas(engine, session);
	int64_t now_ms = engine_now_ms(engine);
	while ((mailbox = next_ready(engine, now_ms)))
		mailbox_run(engine, session, mailbox);
	expire_keys(engine, session);
}

void engine_stats(struct engine *engine, struct engine_stats *out)
{
	*out = (struct engine_stats){
		.suggests = engine->suggests,
		.observes = engine->observes,
		.asks = engine->asks,
		.appends = engine->appends,
		.misses = engine->misses,
		.events = engine->events,
		.expired = engine->expired,
		.cache_loads = engine->loads,
		.cache_evictions = engine->evictions,
		.stops = engine->stops,
		.fits = engine->fits,
		.fit_failures = engine->fit_failures,
		.fits_held = engine->fits_held,
		.fit_us = engine->fit_us,
		.models_shared = engine->models_shared,
		.ready_made = engine->ready_made,
		.ready_hits = engine->ready_hits,
		.fallbacks = engine->fallbacks,
	};
	pthread_mutex_lock(&engine->lock);
	out->parked = engine->n_parked;
	out->cache_bytes = cache_bytes(&engine->cache);
	out->mailboxes = engine->n_mailboxes;
	pthread_mutex_unlock(&engine->lock);
}
