/*
 * GET /v1/experiments/{id}/export: everything that makes an experiment, as NDJSON: a header, its
 * events in order, and a last line that says the file is whole.
 */
#include <inttypes.h>
#include <string.h>

#include "api/problem.h"
#include "api/reply.h"
#include "api/table.h"
#include "api/transfer.h"

struct export
{
	struct table table;
	const char *id, *header;
	uint64_t since, last; /* last: of the experiment when the request came */
	bool began;
};

static int export_rows(struct table *table, struct session *session, struct buffer *out, bool *done,
	struct error *err)
{
	struct export *export = (struct export *)table;
	const struct event *events;
	size_t n;
	uint64_t since = export->since;
	int rc = store_events(
		session, export->id, since, table->limit, &table->page, &events, &n, err);
	if (rc)
		return rc;
	if (!export->began)
		buffer_printf(out, "%s\n", export->header);
	for (size_t i = 0; i < n && since < export->last; i++) {
		event_write(&events[i], out);
		buffer_add_char(out, '\n');
		since = events[i].version;
	}
	if (n == 0 && since < export->last) /* deleted meanwhile: no false end */
		return fail(err, CODE_NOT_FOUND, "experiment %s is gone", export->id);
	*done = since >= export->last;
	if (*done) /* versions have no gaps: the last one is the count */
		buffer_printf(out, "{\"end\":true,\"events\":%" PRIu64 "}\n", export->last);
	if (!out->failed) {
		export->began = true;
		export->since = since;
	}
	return 0;
}

static const char *header_of(struct arena *arena, const struct experiment_row *row)
{
	struct buffer text;
	buffer_init(&text, 2 * LIMIT_BODY_BYTES);
	buffer_printf(&text, "{\"cairn\":\"export\",\"format\":%d,\"experiment\":", EXPORT_FORMAT);
	write_experiment(&text, row);
	buffer_add_char(&text, '}');
	const char *header = text.failed ? NULL : arena_strndup(arena, text.data, text.size);
	buffer_release(&text);
	return header;
}

void experiment_export(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;

	if (!experiment_of(api, session, call, &row))
		return;
	struct export *export = table_new(call, sizeof(*export), FORMAT_NDJSON, export_rows);
	if (!export)
		return;
	export->id = arena_strdup(&export->table.keep, row.id);
	export->header = header_of(&export->table.keep, &row);
	export->last = row.counts.version;
	if (!export->id || !export->header) {
		table_free(&export->table);
		no_memory_reply(call);
		return;
	}
	const char *name =
		arena_printf(&call->arena, "attachment; filename=\"%s.ndjson\"", export->id);
	if (name)
		call_header(call, "Content-Disposition", name);
	table_reply(call, &export->table);
}
