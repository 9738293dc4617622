/*
 * RFC 9457 problems: the only place that knows which HTTP status a code becomes, and the only
 * writer of bodies that are not 2xx.
 */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include "api/call.h"
#include "core/faults.h"

/* 400, 401, 404 ...: CODE_MISS, WAIT and EXHAUSTED never get here (assert). */
int problem_status(enum code code);

/* The whole reply: status, application/problem+json, type, title, status, detail, request_id,
 * errors. Adds WWW-Authenticate to 401, Retry-After to 429 and 503. faults may be NULL. Then
 * call_finish. */
void problem_reply(struct call *call, const struct error *err, const struct faults *faults);
void problem_replyf(struct call *call, enum code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* 422 with the faults of the body. */
void reply_faults(struct call *call, const struct faults *faults);

/* 405: the path exists, but not for this method. allow: the value of the Allow header. */
void problem_method(struct call *call, const char *allow);

/* The table of problems as HTML rows, for /docs/problems: the page that "type" points to. */
void problem_document(struct buffer *out);

/* The same object without the reply, for items of a batch: {"type","title","status","detail"}. */
void problem_write(struct buffer *out, const struct error *err, const char *request_id,
	const struct faults *faults);

#endif
