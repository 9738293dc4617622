/*
 * Server-sent events: the log of an experiment as it grows. The id of an event is its version, so a
 * client that comes back with Last-Event-ID misses nothing. The stream is a position in the log and
 * nothing else: a wake only says "look again".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/event.h"
#include "api/problem.h"
#include "api/table.h"

#define SSE_PAGE	256
#define SSE_RETRY_MS	2000
#define SSE_GREETING_MS "retry: 2000\n\n"

struct sse {
	struct stream stream; /* first: the transport's stream is this */
	struct engine *engine;
	struct watch *watch;
	struct call *call;
	struct arena page;
	size_t limit; /* events of a piece */
	char experiment[ID_SIZE];
	uint64_t since;
	bool greeted;
};

_Static_assert(SSE_RETRY_MS == 2000, "as SSE_GREETING_MS says");

static void sse_wake(void *context)
{
	struct sse *sse = context;
	sse->call->transport->wake(sse->call);
}

static void write_message(struct buffer *out, const struct event *event)
{
	buffer_printf(out, "id: %" PRIu64 "\ndata: ", event->version);
	event_write(event, out); /* one line: JSON escapes line ends */
	buffer_add_text(out, "\n\n");
}

/* Nothing new: a comment keeps the connection alive, and an experiment that was deleted ends it. */
static int sse_idle(
	struct sse *sse, struct session *session, struct buffer *out, bool *done, struct error *err)
{
	const char *id = sse->experiment;
	uint64_t version;
	int rc = store_versions(session, 1, &id, &version, err);

	if (rc)
		return rc;
	*done = version == 0;
	buffer_add_text(out, *done ? "event: deleted\ndata: {}\n\n" : ": ping\n\n");
	return 0;
}

/* The next events, n of them; as with tables, nothing has moved on when they did not fit. */
static int write_news(
	struct sse *sse, struct session *session, struct buffer *out, size_t *n, struct error *err)
{
	const struct event *events;

	arena_reset(&sse->page);
	int rc = store_events(
		session, sse->experiment, sse->since, sse->limit, &sse->page, &events, n, err);
	if (rc)
		return rc;
	if (!sse->greeted)
		buffer_add_text(out, SSE_GREETING_MS);
	for (size_t i = 0; i < *n; i++)
		write_message(out, &events[i]);
	if (*n && !out->failed)
		sse->since = events[*n - 1].version;
	return 0;
}

static int sse_next(struct stream *stream, struct session *session, bool ping, struct buffer *out,
	bool *done, struct error *err)
{
	struct sse *sse = (struct sse *)stream;
	size_t n = 0, start = out->size;
	int rc = 0;

	/* Not earlier: a wake must find the stream with the transport. Before the log is read, so
	 * that what comes in between is seen or woken for. */
	if (!sse->watch)
		rc = engine_watch(sse->engine, sse->experiment, sse_wake, sse, &sse->watch, err);
	if (rc)
		return rc;
	do {
		rc = write_news(sse, session, out, &n, err);
	} while (table_shrink(&sse->limit, rc, out, start));
	if (rc)
		return rc;
	sse->greeted = true;
	return n == 0 && ping ? sse_idle(sse, session, out, done, err) : 0;
}

static void sse_close(struct stream *stream)
{
	struct sse *sse = (struct sse *)stream;
	if (sse->watch)
		engine_unwatch(sse->engine, sse->watch);
	arena_release(&sse->page);
	free(sse);
}

void sse_reply(struct api *api, struct call *call, const struct experiment_row *row, uint64_t since)
{
	struct sse *sse = calloc(1, sizeof(*sse));

	if (!sse) {
		no_memory_reply(call);
		return;
	}
	sse->stream = (struct stream){ sse_next, sse_close };
	sse->engine = api->engine;
	sse->call = call;
	sse->since = since;
	sse->limit = SSE_PAGE;
	arena_init(&sse->page, TABLE_PAGE_BYTES);
	snprintf(sse->experiment, sizeof(sse->experiment), "%s", row->id);
	call_header(call, "Cache-Control", "no-store");
	call_header(call, "X-Accel-Buffering", "no"); /* proxies must not hold events back */
	call->status = 200;
	call->content_type = "text/event-stream";
	call->stream = &sse->stream;
	call_finish(call);
}
