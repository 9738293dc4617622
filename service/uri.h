/*
 * The request target, strictly: what is not a valid URI reference is refused instead of guessed at.
 * Percent-encoding must be complete; what comes out must be UTF-8 without control characters.
 */
#ifndef SERVICE_URI_H
#define SERVICE_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/error.h"

#define URI_TARGET_MAX	  8192
#define URI_ARGUMENTS_MAX 64

struct uri_argument {
	const char *name, *value;
};

struct uri {
	const char *path; /* starts with '/', or is "*" */
	size_t n_arguments;
	const struct uri_argument *arguments; /* in the arena, in the order given, no name twice */
};

/* target: as in the request line, origin-form, absolute-form or "*". CODE_MALFORMED,
 * CODE_NO_MEMORY. */
int uri_parse(const char *target, struct arena *arena, struct uri *out, struct error *err);

/* NULL: not given. */
const char *uri_argument(const struct uri *uri, const char *name);

/* Well-formed UTF-8 (no overlong forms, no surrogates) without C0 controls and DEL. */
bool uri_text_valid(const char *text);

/* X-Request-Id as we accept it: 1 to LIMIT_REQUEST_ID of A-Z a-z 0-9 . _ - */
bool uri_request_id_valid(const char *text);

#endif
