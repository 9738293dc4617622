/* The table of mailboxes, and who watches them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "engine/internal.h"

static size_t bucket_of(const char *id)
{
	struct key128 key;
	key_init(&key, 0);
	key_mix_bytes(&key, id, strlen(id));
	return key.low % MAILBOX_BUCKETS;
}

struct mailbox *mailbox_find(struct engine *engine, const char *id)
{
	struct mailbox *mailbox = engine->buckets[bucket_of(id)];
	while (mailbox && strcmp(mailbox->id, id) != 0)
		mailbox = mailbox->hash_next;
	return mailbox;
}

struct mailbox *mailbox_get(struct engine *engine, const char *id)
{
	struct mailbox *mailbox = mailbox_find(engine, id);
	if (mailbox)
		return mailbox;
	size_t size = strlen(id);
	if (size >= ID_SIZE)
		return NULL;
	mailbox = calloc(1, sizeof(*mailbox));
	if (!mailbox)
		return NULL;
	memcpy(mailbox->id, id, size + 1);
	mailbox->tail = &mailbox->head;
	view_init(&mailbox->view, &engine_catalog);
	size_t bucket = bucket_of(id);
	mailbox->hash_next = engine->buckets[bucket];
	engine->buckets[bucket] = mailbox;
	engine->n_mailboxes++;
	return mailbox;
}

void mailbox_push(struct mailbox *mailbox, struct op *op)
{
	op->next = NULL;
	*mailbox->tail = op;
	mailbox->tail = &op->next;
}

/* It is in no list any more. engine.lock is held, or nobody else is there. */
void mailbox_free(struct engine *engine, struct mailbox *mailbox)
{
	cache_remove(mailbox);
	view_release(&mailbox->view);
	learnt_discard(engine, mailbox);
	free(mailbox->fitted);
	free(mailbox);
}

void mailbox_release(struct engine *engine, struct mailbox *mailbox)
{
	if (mailbox->running || mailbox->loaded || mailbox->head || mailbox->parked ||
		mailbox->n_watches)
		return;
	struct mailbox **link = &engine->buckets[bucket_of(mailbox->id)];
	while (*link != mailbox)
		link = &(*link)->hash_next;
	*link = mailbox->hash_next;
	mailbox_free(engine, mailbox);
	engine->n_mailboxes--;
}

size_t mailbox_unpark(struct engine *engine, struct mailbox *mailbox, int64_t now_ms, bool all)
{
	struct op **link = &mailbox->parked;
	size_t n = 0;

	while (*link) {
		struct op *op = *link;
		if (!all && op->parked_until_ms > now_ms) {
			link = &op->next;
			continue;
		}
		*link = op->next;
		mailbox_push(mailbox, op);
		engine->n_parked--;
		n++;
	}
	return n;
}

bool engine_forget(struct engine *engine, struct op *op)
{
	bool found = false;

	pthread_mutex_lock(&engine->lock);
	struct mailbox *mailbox = mailbox_find(engine, op->experiment);
	struct op **link = mailbox ? &mailbox->parked : NULL;
	while (link && *link && *link != op)
		link = &(*link)->next;
	if (link && *link) {
		*link = op->next;
		engine->n_parked--;
		found = true;
		mailbox_release(engine, mailbox);
	}
	pthread_mutex_unlock(&engine->lock);
	return found;
}

/* ---- watching ---- */

int engine_watch(struct engine *engine, const char *experiment, void (*wake)(void *context),
	void *context, struct watch **out, struct error *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return fail(err, CODE_NO_MEMORY, "no memory for a watch");
	pthread_mutex_lock(&engine->lock);
	struct mailbox *mailbox = engine->draining ? NULL : mailbox_get(engine, experiment);
	if (mailbox) {
		*watch = (struct watch){ .next = mailbox->watches,
			.mailbox = mailbox,
			.wake = wake,
			.context = context };
		mailbox->watches = watch;
		mailbox->n_watches++;
		engine->n_watches++;
	}
	pthread_mutex_unlock(&engine->lock);
	if (!mailbox) {
		free(watch);
		return fail(err, CODE_UNAVAILABLE, "the server is stopping");
	}
	*out = watch;
	return 0;
}

void engine_unwatch(struct engine *engine, struct watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_lock(&engine->lock);
	struct mailbox *mailbox = watch->mailbox;
	watch->dead = true;
	while (watch->calls > 0)
		pthread_cond_wait(&engine->idle, &engine->lock);
	struct watch **link = &mailbox->watches;
	while (*link != watch)
		link = &(*link)->next;
	*link = watch->next;
	mailbox->n_watches--;
	engine->n_watches--;
	mailbox_release(engine, mailbox);
	pthread_mutex_unlock(&engine->lock);
	free(watch);
}

/* Calls are made without the lock; calls > 0 keeps the watch (and so its mailbox) alive meanwhile.
 */
void watches_wake(struct engine *engine, struct mailbox *mailbox)
{
	pthread_mutex_lock(&engine->lock);
	struct watch *watch = mailbox->watches;
	while (watch) {
		if (watch->dead) {
			watch = watch->next;
			continue;
		}
		watch->calls++;
		pthread_mutex_unlock(&engine->lock);
		watch->wake(watch->context);
		pthread_mutex_lock(&engine->lock);
		struct watch *next = watch->next;
		if (--watch->calls == 0)
			pthread_cond_broadcast(&engine->idle);
		watch = next;
	}
	pthread_mutex_unlock(&engine->lock);
}
