#include "api/asset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/digest.h"
#include "api/internal.h"
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

/* ---- the pack ---- */

/* One line "SIZE NAME TYPE" without its end; false: it is none. */
static bool line_read(const char *line, size_t size, struct asset *out)
{
	char text[2 * ASSET_NAME_SIZE + 24], *rest;

	if (size >= sizeof(text))
		return false;
	memcpy(text, line, size);
	text[size] = '\0';
	if (*text < '0' || *text > '9')
		return false;
	out->size = strtoul(text, &rest, 10);
	char *name = *rest == ' ' ? rest + 1 : rest;
	char *type = strchr(name, ' ');
	if (!type || type == name || type - name >= ASSET_NAME_SIZE)
		return false;
	*type++ = '\0';
	if (!*type || strlen(type) >= ASSET_NAME_SIZE)
		return false;
	snprintf(out->name, sizeof(out->name), "%s", name);
	snprintf(out->type, sizeof(out->type), "%s", type);
	return true;
}

/* Reads the head; *at is then where the first file begins. */
static bool head_read(const char **at, const char *end, struct asset *files, size_t *n)
{
	static const char first[] = "cairn-pack 1\n";

	if ((size_t)(end - *at) < sizeof(first) - 1 || memcmp(*at, first, sizeof(first) - 1) != 0)
		return false;
	*at += sizeof(first) - 1;
	for (*n = 0;; (*n)++) {
		const char *stop = memchr(*at, '\n', (size_t)(end - *at));
		if (!stop)
			return false;
		size_t size = (size_t)(stop - *at);
		const char *line = *at;
		*at = stop + 1;
		if (!size)
			return *n > 0;
		if (*n == ASSETS_MAX || !line_read(line, size, &files[*n]))
			return false;
	}
}

int pack_read(
	const char *pack, size_t size, struct asset files[ASSETS_MAX], size_t *n, struct error *err)
{
	const char *at = pack, *end = pack + size;
	struct asset found[ASSETS_MAX] = { 0 };
	size_t count;

	if (!head_read(&at, end, found, &count))
		return fail(err, CODE_INTERNAL, "the pack of the dashboard has no head");
	for (size_t i = 0; i < count; i++) {
		if (found[i].size > (size_t)(end - at))
			return fail(err, CODE_INTERNAL, "the pack of the dashboard is cut short");
		found[i].data = at;
		at += found[i].size;
		etag_make(found[i].data, found[i].size, found[i].etag);
	}
	if (at != end)
		return fail(err, CODE_INTERNAL, "the pack of the dashboard goes on after its end");
	memcpy(files, found, sizeof(found));
	*n = count;
	return 0;
}

/* ---- the policy of the page ---- */

/* The text between <tag> and </tag> of the page; NULL: there is none. */
static const char *element(const struct asset *page, const char *tag, size_t *size)
{
	const char *end = page->data + page->size;
	char open[16], close[16];
	int n = snprintf(open, sizeof(open), "<%s>", tag);
	int m = snprintf(close, sizeof(close), "</%s>", tag);
	const char *from = memmem(page->data, page->size, open, (size_t)n);

	if (!from)
		return NULL;
	from += n;
	const char *to = memmem(from, (size_t)(end - from), close, (size_t)m);
	if (!to)
		return NULL;
	*size = (size_t)(to - from);
	return from;
}

/* "'sha256-...'" of the element's text: the browser runs this script and no other. */
static bool add_source(
	struct buffer *policy, const struct asset *page, const char *directive, const char *tag)
{
	unsigned char raw[DIGEST_SIZE];
	size_t size;
	const char *text = element(page, tag, &size);

	if (!text)
		return false;
	digest_raw(text, size, raw);
	buffer_printf(policy, "; %s 'sha256-", directive);
	base64_write(raw, sizeof(raw), policy);
	buffer_add_char(policy, '\'');
	return true;
}

bool page_policy(const struct asset *page, char *out, size_t size)
{
	struct buffer policy;
	bool ok = true;

	buffer_init(&policy, size - 1);
	buffer_add_text(&policy,
		"default-src 'none'; connect-src 'self'; img-src 'self' data: blob:; "
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
	if (memmem(page->data, page->size, "<script>", strlen("<script>")))
		ok = add_source(&policy, page, "script-src", "script") &&
		     add_source(&policy, page, "style-src", "style");
	else
		buffer_add_text(
			&policy, "; script-src 'self'; style-src 'self'; worker-src 'self'");
	ok = ok && !policy.failed;
	if (ok)
		memcpy(out, buffer_text(&policy), policy.size + 1);
	buffer_release(&policy);
	return ok;
}

int assets_open(struct api *api, struct error *err)
{
	etag_make(asset_openapi, OPENAPI_SIZE, api->openapi_etag);
	int rc = pack_read(asset_dashboard, DASHBOARD_SIZE, api->assets, &api->n_assets, err);
	if (rc)
		return rc;
	return page_policy(&api->assets[0], api->page_policy, sizeof(api->page_policy))
		       ? 0
		       : fail(err, CODE_INTERNAL, "the status page has no script or style");
}

/* ---- answers ---- */

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
	if (!call_header_find(call, "Cache-Control"))
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
	const struct asset *page = &api->assets[0];

	(void)session;
	call_header(call, "Content-Security-Policy", api->page_policy);
	call_header(call, "Referrer-Policy", "no-referrer");
	reply_asset(call, page->type, page->etag, page->data, page->size);
}

void asset_file_get(struct api *api, struct session *session, struct call *call)
{
	(void)session;
	for (size_t i = 1; i < api->n_assets; i++) {
		const struct asset *file = &api->assets[i];
		if (strcmp(file->name, call->args[0]) != 0)
			continue;
		call_header(call, "Cache-Control", "public, max-age=31536000, immutable");
		reply_asset(call, file->type, file->etag, file->data, file->size);
		return;
	}
	problem_replyf(call, CODE_NOT_FOUND,
		"there is no such file; the server may have been renewed: "
		"load the page again");
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
