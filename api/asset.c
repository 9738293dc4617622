#include "api/asset.h"

#include <stdio.h>
#include <string.h>

#include "api/digest.h"
#include "api/problem.h"
#include "api/reply.h"
#include "core/base64.h"

/* cairn_embed makes these symbols (api/CMakeLists.txt). */
extern const char asset_openapi[], asset_openapi_end[];
extern const char asset_dashboard[], asset_dashboard_end[];

#define OPENAPI_SIZE   ((size_t)(asset_openapi_end - asset_openapi))
#define DASHBOARD_SIZE ((size_t)(asset_dashboard_end - asset_dashboard))

static void etag_make(const void *data, size_t size, char out[ETAG_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_hex(data, size, hex);
	snprintf(out, ETAG_SIZE, "\"%.32s\"", hex);
}

/* The text between <tag> and </tag> of the page; NULL: there is none. */
static const char *element(const char *tag, size_t *size)
{
	char open[16], close[16];
	int n = snprintf(open, sizeof(open), "<%s>", tag);
	int m = snprintf(close, sizeof(close), "</%s>", tag);
	const char *from = memmem(asset_dashboard, DASHBOARD_SIZE, open, (size_t)n);

	if (!from)
		return NULL;
	from += n;
	const char *to = memmem(from, (size_t)(asset_dashboard_end - from), close, (size_t)m);
	if (!to)
		return NULL;
	*size = (size_t)(to - from);
	return from;
}

/* "'sha256-...'" of the element's text: the browser runs this script and no other. */
static bool add_source(struct buffer *policy, const char *directive, const char *tag)
{
	unsigned char raw[DIGEST_SIZE];
	size_t size;
	const char *text = element(tag, &size);

	if (!text)
		return false;
	digest_raw(text, size, raw);
	buffer_printf(policy, "; %s 'sha256-", directive);
	base64_write(raw, sizeof(raw), policy);
	buffer_add_char(policy, '\'');
	return true;
}

int assets_open(struct api *api, struct error *err)
{
	struct buffer policy;

	etag_make(asset_openapi, OPENAPI_SIZE, api->openapi_etag);
	etag_make(asset_dashboard, DASHBOARD_SIZE, api->dashboard_etag);
	buffer_init(&policy, sizeof(api->dashboard_policy) - 1);
	buffer_add_text(&policy,
		"default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; "
		"form-action 'none'; frame-ancestors 'none'");
	bool ok = add_source(&policy, "script-src", "script") &&
		  add_source(&policy, "style-src", "style") && !policy.failed;
	if (ok)
		memcpy(api->dashboard_policy, buffer_text(&policy), policy.size + 1);
	buffer_release(&policy);
	return ok ? 0 : fail(err, CODE_INTERNAL, "the status page has no script or style");
}

/* Does If-None-Match name this ETag? Weak comparison, as RFC 9110 wants it here. */
static bool none_match(struct call *call, const char *etag)
{
	const char *given = call->transport->header(call, "If-None-Match");

	return given && (strcmp(given, "*") == 0 || strstr(given, etag));
}

static void reply_asset(
	struct call *call, const char *type, const char *etag, const char *data, size_t size)
{
	call_header(call, "ETag", etag);
	call_header(call, "Cache-Control", "no-cache");
	if (none_match(call, etag)) {
		reply_empty(call, 304);
		return;
	}
	call->status = 200;
	call->content_type = type;
	call->static_body = data;
	call->static_size = size;
	call_finish(call);
}

void asset_openapi_get(struct api *api, struct session *session, struct call *call)
{
	(void)session;
	reply_asset(call, "application/yaml", api->openapi_etag, asset_openapi, OPENAPI_SIZE);
}

void asset_dashboard_get(struct api *api, struct session *session, struct call *call)
{
	(void)session;
	call_header(call, "Content-Security-Policy", api->dashboard_policy);
	call_header(call, "Referrer-Policy", "no-referrer");
	reply_asset(call, "text/html; charset=utf-8", api->dashboard_etag, asset_dashboard,
		DASHBOARD_SIZE);
}

/* The line at or before at that starts with "      summary: ": openapi.yaml is ours, and its
 * operations are written in block style with the summary in front of operationId or behind it,
 * which tests/contract checks. */
static const char *summary_near(const char *at)
{
	static const char key[] = "\n      summary: ";
	const char *end = asset_openapi_end;
	const char *start = at;

	while (start > asset_openapi && memcmp(start, "\n    ", 5) == 0) {
		if (memcmp(start, "\n      ", 7) != 0)
			break; /* "    get:" */
		if (memcmp(start, key, sizeof(key) - 1) == 0)
			return start + sizeof(key) - 1;
		for (start--; start > asset_openapi && *start != '\n'; start--)
			;
	}
	for (at++; (at = memchr(at, '\n', (size_t)(end - at))) && end - at > 16; at++) {
		if (memcmp(at, key, sizeof(key) - 1) == 0)
			return at + sizeof(key) - 1;
		if (memcmp(at, "\n      ", 7) != 0)
			break;
	}
	return NULL;
}

const char *openapi_summary(const char *operation, struct arena *arena)
{
	char line[96];
	int n = snprintf(line, sizeof(line), "\n      operationId: %s\n", operation);
	const char *at = memmem(asset_openapi, OPENAPI_SIZE, line, (size_t)n);
	const char *summary = at ? summary_near(at) : NULL;
	const char *out = summary ? arena_strndup(arena, summary, strcspn(summary, "\n")) : NULL;

	return out ? out : "";
}
