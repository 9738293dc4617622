#include "core/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const names[CODE_COUNT] = {
	[CODE_OK] = "ok",
	[CODE_MALFORMED] = "malformed",
	[CODE_INVALID] = "invalid",
	[CODE_UNAUTHENTICATED] = "unauthenticated",
	[CODE_FORBIDDEN] = "forbidden",
	[CODE_NOT_FOUND] = "not_found",
	[CODE_CONFLICT] = "conflict",
	[CODE_GONE] = "gone",
	[CODE_PRECONDITION] = "precondition_failed",
	[CODE_TOO_LARGE] = "too_large",
	[CODE_MEDIA_TYPE] = "unsupported_media_type",
	[CODE_RATE_LIMITED] = "rate_limited",
	[CODE_UNAVAILABLE] = "unavailable",
	[CODE_KEY_REUSED] = "idempotency_key_reused",
	[CODE_NO_MEMORY] = "no_memory",
	[CODE_INTERNAL] = "internal",
	[CODE_WAIT] = "wait",
	[CODE_EXHAUSTED] = "exhausted",
	[CODE_MISS] = "miss",
};

int fail(struct error *err, enum code code, const char *fmt, ...)
{
	assert(code > CODE_OK && code < CODE_COUNT);
	if (err) {
		va_list args;
		va_start(args, fmt);
		err->code = code;
		vsnprintf(err->message, sizeof(err->message), fmt, args);
		va_end(args);
	}
	return (int)code;
}

const char *code_name(enum code code)
{
	assert(code >= 0 && code < CODE_COUNT);
	return names[code];
}
