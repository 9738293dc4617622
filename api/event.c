/* GET /v1/experiments/{id}/events: as pages, NDJSON, or server-sent events (sse.c). */
#include "api/event.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/reply.h"
#include "api/table.h"

struct event_table {
	struct table table;
	const char *experiment;
	uint64_t since, last; /* last: of the experiment when the request came */
};

static int event_rows(struct table *table, struct session *session, struct buffer *out, bool *done,
	struct error *err)
{
	struct event_table *list = (struct event_table *)table;
	const struct event *events;
	size_t n;
	uint64_t since = list->since;
	int rc = store_events(
		session, list->experiment, since, table->limit, &table->page, &events, &n, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < n && since < list->last; i++) {
		event_write(&events[i], out);
		buffer_add_char(out, '\n');
		since = events[i].version;
	}
	*done = n < table->limit || since >= list->last;
	if (!out->failed)
		list->since = since;
	return 0;
}

static void event_stream(struct call *call, const struct experiment_row *row, uint64_t since)
{
	struct event_table *list = table_new(call, sizeof(*list), FORMAT_NDJSON, event_rows);
	if (!list)
		return;
	list->experiment = arena_strdup(&list->table.keep, row->id);
	list->since = since;
	list->last = row->counts.version;
	if (!list->experiment) {
		table_free(&list->table);
		no_memory_reply(call);
		return;
	}
	table_reply(call, &list->table);
}

/* Where to begin: a page's cursor, Last-Event-ID, or since. */
static bool since_of(struct call *call, const char *cursor, enum format format, uint64_t *out)
{
	const char *last = call->transport->header(call, "Last-Event-ID");
	int64_t since;
	char *end;

	if (!query_int(call, "since", 0, INT64_MAX, 0, &since))
		return false;
	*out = (uint64_t)since;
	if (cursor)
		*out = strtoull(cursor, NULL, 10);
	/* An EventSource that lost its connection repeats the URL, and says here where it was. */
	if (format != FORMAT_EVENTS || !last || !*last)
		return true;
	unsigned long long id = strtoull(last, &end, 10);
	if (*last < '0' || *last > '9' || *end || id > INT64_MAX) {
		problem_replyf(call, CODE_MALFORMED, "Last-Event-ID is the version of an event");
		return false;
	}
	*out = id;
	return true;
}

static void event_list(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	const struct event *events;
	const char *cursor;
	struct error err = { 0 };
	size_t limit, n;
	uint64_t since;

	enum format format = reply_format(call, true);
	if (!page_arguments(call, &limit, &cursor) || !since_of(call, cursor, format, &since) ||
		!experiment_of(api, session, call, &row))
		return;
	if (format == FORMAT_EVENTS) {
		sse_reply(api, call, &row, since);
		return;
	}
	if (format == FORMAT_NDJSON) {
		event_stream(call, &row, since);
		return;
	}
	if (store_events(session, row.id, since, limit, &call->arena, &events, &n, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	page_begin(call);
	for (size_t i = 0; i < n; i++) {
		page_between(call);
		event_write(&events[i], &call->out);
	}
	page_end_number(call, n == limit, n ? (int64_t)events[n - 1].version : 0);
	reply_json(call, 200);
}

const struct route routes_event[] = {
	{ METHOD_GET, "/v1/experiments/{id}/events", "listEvents", event_list, SCOPE_READ, 0, 0,
		"since limit cursor" },
	{ METHOD_GET, NULL },
};
