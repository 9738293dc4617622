/*
 * Good replies, and the parts that many of them share.
 */
#ifndef API_REPLY_H
#define API_REPLY_H

#include <stdint.h>

#include "api/call.h"
#include "core/trial.h"
#include "core/view.h"
#include "storage/store.h"

/* call->out holds the JSON: sets status and content type, finishes. A body that did not fit
 * (out.failed) becomes a problem. */
void reply_json(struct call *call, int status);
void reply_empty(struct call *call, int status); /* 204 */

/* RFC 3339 in UTC with milliseconds, quoted; "null" for 0. */
void write_time(struct buffer *out, int64_t ms);

/* ,"name":value pieces of an object: text NULL and numbers below 0 are written as null. */
void write_text_member(struct buffer *out, const char *name, const char *text);
void write_count_member(struct buffer *out, const char *name, int64_t value);
void write_time_member(struct buffer *out, const char *name, int64_t ms);
void write_json_member(struct buffer *out, const char *name, const char *json);

/* An experiment as GET /v1/experiments/{id} answers it, and a trial as GET .../trials/{n} does. */
void write_experiment(struct buffer *out, const struct experiment_row *row);
void write_trial(struct buffer *out, const struct trial *trial);
void write_trial_open(struct buffer *out, const struct trial *trial); /* without the last brace */

/* ---- pages and formats ---- */

enum format { FORMAT_JSON, FORMAT_CSV, FORMAT_NDJSON, FORMAT_EVENTS };

/* From Accept, by its q-values; lists allow all but EVENTS. FORMAT_JSON when the header is absent,
 * accepts anything, or accepts nothing that we have: a JSON answer helps more than a 406. Adds
 * Vary: Accept. */
enum format reply_format(struct call *call, bool allow_events);

/* limit (1 .. LIMIT_PAGE, default DEFAULT_PAGE) and cursor of a list request. Cursors are base64url
 * of the store's text with a check, so that a made-up one is a clear 400. False: the problem is
 * replied. */
bool page_arguments(struct call *call, size_t *limit, const char **cursor);

/* {"items":[ ... ],"next_cursor":...}: begin, the items with page_between before each, end. next is
 * the store's cursor, NULL on the last page; adds Link: rel="next". Nothing is replied yet. */
void page_begin(struct call *call);
void page_between(struct call *call);
void page_end(struct call *call, const char *next);

/* The page's cursor as clients see it, in the call's arena; NULL: no memory. */
const char *page_cursor(struct call *call, const char *next);

/* An integer query argument within bounds; fallback when absent. False: the problem is replied. */
bool query_int(struct call *call, const char *name, int64_t low, int64_t high, int64_t fallback,
	int64_t *out);

#endif
