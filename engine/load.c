/* A mailbox's view: loading it, and following what other replicas append. */
#include <stdio.h>

#include "engine/internal.h"

#define DELTA_EVENTS 4096

int view_catch_up(struct engine *engine, struct session *session, const char *experiment,
	struct view *view, uint64_t up_to, struct error *err)
{
	struct arena arena;
	size_t n;
	int rc;

	(void)engine;
	arena_init(&arena, 0);
	do {
		const struct event *events;
		arena_reset(&arena);
		rc = store_events(session, experiment, view->counts.version, DELTA_EVENTS, &arena,
			&events, &n, err);
		for (size_t i = 0; !rc && i < n && events[i].version <= up_to; i++)
			rc = view_apply(view, &events[i], err);
		if (rc)
			view->stale = true;
	} while (!rc && n == DELTA_EVENTS && view->counts.version < up_to);
	arena_release(&arena);
	return rc;
}

int mailbox_catch_up(
	struct engine *engine, struct session *session, struct mailbox *mailbox, struct error *err)
{
	uint64_t before = mailbox->view.counts.version;
	int rc = view_catch_up(engine, session, mailbox->id, &mailbox->view, UINT64_MAX, err);
	if (rc || mailbox->view.counts.version != before)
		ready_drop(mailbox);
	return rc;
}

size_t mailbox_bytes(const struct mailbox *mailbox)
{
	return view_bytes(&mailbox->view) + learnt_bytes(mailbox);
}

/* A view counts from the moment it is there, not only when its mailbox comes to rest. */
static void account(struct engine *engine, struct mailbox *mailbox)
{
	pthread_mutex_lock(&engine->lock);
	cache_touch(&engine->cache, mailbox, mailbox_bytes(mailbox));
	cache_trim(engine);
	pthread_mutex_unlock(&engine->lock);
	discarded_free(engine);
}

static int reload(
	struct engine *engine, struct session *session, struct mailbox *mailbox, struct error *err)
{
	struct arena arena;
	struct experiment_row row;

	view_release(&mailbox->view);
	mailbox->loaded = false;
	arena_init(&arena, 0);
	int rc = store_view_load(session, mailbox->id, &mailbox->view, &arena, &row, err);
	if (!rc) {
		snprintf(mailbox->team, sizeof(mailbox->team), "%s", row.team);
		mailbox->loaded = true;
		engine->loads++;
		learnt_load(engine, session, mailbox);
		account(engine, mailbox);
	} else {
		view_release(&mailbox->view);
	}
	arena_release(&arena);
	return rc;
}

int mailbox_load(
	struct engine *engine, struct session *session, struct mailbox *mailbox, struct error *err)
{
	int rc = clock_sync(engine, session, err);
	if (rc)
		return rc;
	if (mailbox->loaded && !mailbox->view.stale)
		return 0;
	return reload(engine, session, mailbox, err);
}
