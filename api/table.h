/*
 * Replies of many rows: the same list as pages of JSON, or as CSV or NDJSON streamed over all
 * pages. A streamed table loads one page at a time into an arena of its own, so a list of millions
 * costs no more memory than a page.
 */
#ifndef API_TABLE_H
#define API_TABLE_H

#include "api/call.h"
#include "api/reply.h"

#define TABLE_PAGE	 500	     /* rows loaded at a time, unless they are large */
#define TABLE_PAGE_BYTES (32u << 20) /* ceiling of one page's memory */

struct table {
	struct stream stream; /* first: the transport's stream is the table */
	struct arena keep;    /* what lives as long as the stream */
	struct arena page;    /* what lives as long as a page */
	size_t limit;	      /* rows of a page; table_next makes it smaller for large ones */
	enum format format;
	/* Writes the next rows, at most limit; sets *done with the last ones. A page without rows
	 * must be done. It may be called again for the same rows with a smaller limit: when it
	 * fails, or when out did not take everything, it must not have moved on. */
	int (*rows)(struct table *table, struct session *session, struct buffer *out, bool *done,
		struct error *err);
	void (*release)(struct table *table); /* beyond the arenas; may be NULL */
};

/* Pages that do not fit are tried again with fewer rows: true when there is a smaller limit, and
 * then out is as long as before again. start: the size of out before the page. */
bool table_shrink(size_t *limit, int rc, struct buffer *out, size_t start);

/* A structure of size bytes, zeroed, that starts with a struct table. NULL and a problem reply when
 * there is no memory. The caller sets rows, copies what it needs into keep, and replies. */
void *table_new(struct call *call, size_t size, enum format format,
	int (*rows)(struct table *, struct session *, struct buffer *, bool *, struct error *));

/* Frees a table that was not replied. */
void table_free(struct table *table);

/* Status 200, the content type of the format, and the stream. */
void table_reply(struct call *call, struct table *table);

/* One CSV cell (RFC 4180). Texts are quoted when they must be, and never altered: a table is data
 * first. Numbers and times come without the quotes that JSON gives them. NULL: empty. */
void csv_text(struct buffer *out, const char *text);
void csv_number(struct buffer *out, double x, bool integral); /* NaN: nan */
void csv_time(struct buffer *out, int64_t ms);		      /* 0: empty */

#endif
