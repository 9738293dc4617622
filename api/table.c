#include "api/table.h"

#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "core/json.h"

bool table_shrink(size_t *limit, int rc, struct buffer *out, size_t start)
{
	bool fits = !out->failed && rc != CODE_NO_MEMORY;
	if (fits || *limit == 1)
		return false;
	*limit = *limit > 8 ? *limit / 8 : 1;
	out->failed = false;
	out->size = start;
	if (out->data)
		out->data[start] = '\0';
	return true;
}

static int table_next(struct stream *stream, struct session *session, bool ping, struct buffer *out,
	bool *done, struct error *err)
{
	struct table *table = (struct table *)stream;
	size_t start = out->size;
	int rc;

	(void)ping; /* a table is never idle */
	do {
		*done = false;
		arena_reset(&table->page);
		rc = table->rows(table, session, out, done, err);
	} while (table_shrink(&table->limit, rc, out, start));
	return rc;
}

static void table_close(struct stream *stream)
{
	table_free((struct table *)stream);
}

void *table_new(struct call *call, size_t size, enum format format,
	int (*rows)(struct table *, struct session *, struct buffer *, bool *, struct error *))
{
	struct table *table = calloc(1, size);
	if (!table) {
		problem_replyf(call, CODE_NO_MEMORY, "no memory for this list");
		return NULL;
	}
	table->stream.next = table_next;
	table->stream.close = table_close;
	table->format = format;
	table->limit = TABLE_PAGE;
	table->rows = rows;
	arena_init(&table->keep, TABLE_PAGE_BYTES);
	arena_init(&table->page, TABLE_PAGE_BYTES);
	return table;
}

void table_free(struct table *table)
{
	if (table->release)
		table->release(table);
	arena_release(&table->keep);
	arena_release(&table->page);
	free(table);
}

void table_reply(struct call *call, struct table *table)
{
	call->status = 200;
	call->content_type =
		table->format == FORMAT_CSV ? "text/csv; charset=utf-8" : "application/x-ndjson";
	call->stream = &table->stream;
	call_finish(call);
}

void csv_text(struct buffer *out, const char *text)
{
	if (!text)
		return;
	if (!strpbrk(text, ",\"\r\n") && *text != ' ') {
		buffer_add_text(out, text);
		return;
	}
	buffer_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			buffer_add_char(out, '"');
		buffer_add_char(out, *text);
	}
	buffer_add_char(out, '"');
}

/* What was written from start on, without the quotes around it. */
static void unquote(struct buffer *out, size_t start)
{
	if (out->failed || out->size < start + 2 || out->data[start] != '"')
		return;
	size_t size = out->size - start - 2;
	memmove(out->data + start, out->data + start + 1, size);
	out->size = start + size;
	out->data[out->size] = '\0';
}

void csv_number(struct buffer *out, double x, bool integral)
{
	size_t start = out->size;
	json_write_number(out, x, integral);
	unquote(out, start);
}

void csv_time(struct buffer *out, int64_t ms)
{
	size_t start = out->size;
	if (!ms)
		return;
	write_time(out, ms);
	unquote(out, start);
}
