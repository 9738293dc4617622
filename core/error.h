/*
 * Errors are values. A function that can fail returns int: 0, or the enum code it also stored in
 * the caller's struct error (the last argument). Outputs are untouched on failure. Libraries never
 * log; whoever is at the top does, once. Only api/problem.c knows what HTTP status a code becomes.
 */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <stddef.h>

enum code {
	CODE_OK = 0,
	CODE_MALFORMED,	      /* not JSON, bad UTF-8, NUL bytes, duplicate keys, too deep */
	CODE_INVALID,	      /* well-formed, but breaks a rule; struct faults says where */
	CODE_UNAUTHENTICATED, /* no token, or one we do not know */
	CODE_FORBIDDEN,	      /* known, but lacks the scope */
	CODE_NOT_FOUND,	      /* no such thing, or another team's */
	CODE_CONFLICT,	      /* the state does not allow it */
	CODE_GONE,	      /* the lease is another attempt's */
	CODE_PRECONDITION,    /* If-Match failed */
	CODE_TOO_LARGE,	      /* beyond a bound of core/limits.h */
	CODE_MEDIA_TYPE,      /* content type or encoding not supported */
	CODE_RATE_LIMITED,    /* a quota or request rate is used up */
	CODE_UNAVAILABLE,     /* database away, queue full, draining: try again */
	CODE_KEY_REUSED,      /* an Idempotency-Key came back with another request */
	CODE_NO_MEMORY,
	CODE_INTERNAL, /* a defect: nothing the caller can do */
	/* Not failures, but answers: */
	CODE_WAIT,	/* tuner: nothing now, ask again after a result */
	CODE_EXHAUSTED, /* tuner: nothing ever again */
	CODE_MISS,	/* store: somebody appended first; catch up and try again */
	CODE_COUNT
};

#define ERROR_MESSAGE_MAX 512

struct error {
	enum code code;
	char message[ERROR_MESSAGE_MAX]; /* one sentence a user can act on, no trailing newline */
};

/* Stores code and message in err (which may be NULL) and returns code, so that
 * "return fail(err, CODE_CONFLICT, ...)" reads as what it does. */
int fail(struct error *err, enum code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "malformed", "not_found", ...: stable, for logs and problem types. */
const char *code_name(enum code code);

#endif
