#include "api/problem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/json.h"

/* What a code becomes. explanation is for /docs/problems. */
struct problem {
	int status;
	const char *slug, *title, *explanation;
};

static const struct problem problems[CODE_COUNT] = {
	[CODE_MALFORMED] = { 400, "malformed", "Malformed request",
		"The request could not be read: not JSON, bad UTF-8, a repeated key, an unknown "
		"query argument or a cursor that no page gave out." },
	[CODE_INVALID] = { 422, "invalid", "Invalid content",
		"The request was read, but breaks a rule. errors lists every fault found with a "
		"JSON pointer to its place." },
	[CODE_UNAUTHENTICATED] = { 401, "unauthenticated", "Authentication required",
		"No token was sent, or one that is unknown or expired. Send Authorization: "
		"Bearer with a token." },
	[CODE_FORBIDDEN] = { 403, "forbidden", "Not allowed",
		"The token is known, but lacks the scope that the operation needs." },
	[CODE_NOT_FOUND] = { 404, "not_found", "Not found",
		"There is no such thing, or it belongs to another team." },
	[CODE_CONFLICT] = { 409, "conflict", "Conflict",
		"What is there now does not allow the request." },
	[CODE_GONE] = { 410, "gone", "Lease gone",
		"The trial has been handed to another worker since." },
	[CODE_PRECONDITION] = { 412, "precondition_failed", "Precondition failed",
		"If-Match names another version than the current one. Read it again and "
		"repeat the change." },
	[CODE_TOO_LARGE] = { 413, "too_large", "Content too large",
		"The body, or a part of it, is beyond a limit that detail names." },
	[CODE_MEDIA_TYPE] = { 415, "unsupported_media_type", "Unsupported media type",
		"The operation does not take a body of this content type or encoding." },
	[CODE_RATE_LIMITED] = { 429, "rate_limited", "Too many requests",
		"A quota of the team is used up. Retry-After says when to try again." },
	[CODE_UNAVAILABLE] = { 503, "unavailable", "Service unavailable",
		"The server cannot answer now: its database is away, its queue is full or it is "
		"shutting down. Try again after Retry-After seconds." },
	[CODE_KEY_REUSED] = { 422, "idempotency_key_reused", "Idempotency-Key reused",
		"The Idempotency-Key came with another request before. Use a fresh key for each "
		"new request." },
	[CODE_NO_MEMORY] = { 503, "no_memory", "Out of memory",
		"The request needed more memory than the server gives to one." },
	[CODE_INTERNAL] = { 500, "internal", "Internal error",
		"A defect of the server. The log has the details under the request id." },
};

static const struct problem method_problem = { 405, "method_not_allowed", "Method not allowed",
	"The path exists, but not for this method. The Allow header lists those it takes." };

static const struct problem *problem_of(enum code code)
{
	assert(code > CODE_OK && code < CODE_COUNT && problems[code].status);
	return &problems[code];
}

int problem_status(enum code code)
{
	return problem_of(code)->status;
}

static void write_faults(struct buffer *out, const struct faults *faults)
{
	buffer_add_text(out, ",\"errors\":[");
	for (size_t i = 0; i < faults_kept(faults); i++) {
		buffer_add_text(out, i ? ",{\"pointer\":" : "{\"pointer\":");
		json_write_string(out, faults->items[i].pointer);
		buffer_add_text(out, ",\"message\":");
		json_write_string(out, faults->items[i].message);
		buffer_add_char(out, '}');
	}
	buffer_add_char(out, ']');
	if (faults->n > LIMIT_FAULTS)
		buffer_printf(out, ",\"errors_total\":%zu", faults->n);
}

static void write_object(struct buffer *out, const struct problem *problem, const char *detail,
	const char *request_id, const struct faults *faults)
{
	buffer_printf(out, "{\"type\":\"/docs/problems#%s\",\"title\":\"%s\",\"status\":%d",
		problem->slug, problem->title, problem->status);
	buffer_add_text(out, ",\"detail\":");
	json_write_string(out, detail);
	if (request_id) {
		buffer_add_text(out, ",\"request_id\":");
		json_write_string(out, request_id);
	}
	if (faults && faults->n)
		write_faults(out, faults);
	buffer_add_char(out, '}');
}

/* What the caller may know: the cause of a defect is for the log. */
static const char *shown_detail(const struct error *err)
{
	return err->code == CODE_INTERNAL
		       ? "the server failed to handle this request; its log says why"
		       : err->message;
}

void problem_write(struct buffer *out, const struct error *err, const char *request_id,
	const struct faults *faults)
{
	write_object(out, problem_of(err->code), shown_detail(err), request_id, faults);
}

static void reply(struct call *call, const struct problem *problem, const char *detail,
	const struct faults *faults)
{
	call_ready(call);
	buffer_clear(&call->out);
	call->static_body = NULL;
	call->static_size = 0;
	call->status = problem->status;
	call->content_type = "application/problem+json";
	call_header(call, "Cache-Control", "no-store");
	if (problem->status == 401 && !call_header_find(call, "WWW-Authenticate"))
		call_header(call, "WWW-Authenticate", "Bearer realm=\"cairn\"");
	bool later = problem->status == 429 || problem->status == 503;
	if (later && !call_header_find(call, "Retry-After"))
		call_header(call, "Retry-After", "1");
	write_object(&call->out, problem, detail, call->request_id, faults);
	if (call->out.failed) { /* no memory: the status alone must do */
		buffer_release(&call->out);
		call->static_body = "{}";
		call->static_size = 2;
	}
	call_finish(call);
}

void problem_reply(struct call *call, const struct error *err, const struct faults *faults)
{
	call->problem = err->code;
	call->problem_detail = arena_strdup(&call->arena, err->message);
	reply(call, problem_of(err->code), shown_detail(err), faults);
}

void problem_replyf(struct call *call, enum code code, const char *fmt, ...)
{
	struct error err = { .code = code };
	va_list args;

	va_start(args, fmt);
	vsnprintf(err.message, sizeof(err.message), fmt, args);
	va_end(args);
	problem_reply(call, &err, NULL);
}

void problem_method(struct call *call, const char *allow)
{
	char detail[ERROR_MESSAGE_MAX];

	snprintf(detail, sizeof(detail), "%s is not possible here; this path takes %s",
		call->method_name ? call->method_name : "this method", allow);
	call_header(call, "Allow", allow);
	call->problem = CODE_NOT_FOUND;
	call->problem_detail = arena_strdup(&call->arena, detail);
	reply(call, &method_problem, detail, NULL);
}

static void document_row(struct buffer *out, const struct problem *problem)
{
	buffer_printf(out,
		"<tr id=\"%s\"><td>%d</td><td><code>%s</code></td><td>%s</td><td>%s</td></tr>\n",
		problem->slug, problem->status, problem->slug, problem->title,
		problem->explanation);
}

void problem_document(struct buffer *out)
{
	for (int code = 0; code < CODE_COUNT; code++) {
		if (problems[code].status)
			document_row(out, &problems[code]);
	}
	document_row(out, &method_problem);
}

void reply_faults(struct call *call, const struct faults *faults)
{
	struct error err;

	fail(&err, CODE_INVALID, "the body breaks %zu rule%s; see errors", faults->n,
		faults->n == 1 ? "" : "s");
	problem_reply(call, &err, faults);
}
