#include "api/api.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/allowance.h"
#include "api/asset.h"
#include "api/internal.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/route.h"

int api_open(const struct api_config *config, struct api **out, struct error *err)
{
	struct api *api = calloc(1, sizeof(*api));
	if (!api)
		return fail(err, CODE_NO_MEMORY, "no memory for the api");
	api->config = *config;
	api->engine = config->engine;
	api->store = config->store;
	int rc = auth_open(config->store, &api->auth, err);
	if (!rc)
		rc = allowance_open(&api->allowance, err);
	if (!rc)
		rc = assets_open(api, err);
	if (rc) {
		api_close(api);
		return rc;
	}
	*out = api;
	return 0;
}

void api_close(struct api *api)
{
	if (!api)
		return;
	auth_close(api->auth);
	allowance_close(api->allowance);
	free(api);
}

/* ---- before the body ---- */

static void reply_allowed(struct call *call, unsigned allowed)
{
	struct buffer text;

	buffer_init(&text, 128);
	route_allow(allowed, &text);
	if (call->method == METHOD_OPTIONS) {
		call_header(call, "Allow", buffer_text(&text));
		reply_empty(call, 204);
	} else {
		problem_method(call, buffer_text(&text));
	}
	buffer_release(&text);
}

bool api_route(struct api *api, struct call *call)
{
	unsigned allowed;

	(void)api;
	call_ready(call);
	call->route = route_find(
		route_tables, call->method, call->path, &call->arena, call->args, &allowed);
	if (call->route)
		return true;
	if (allowed)
		reply_allowed(call, allowed);
	else
		problem_replyf(call, CODE_NOT_FOUND, "there is nothing at this path; see /docs");
	return false;
}

/* Many a client sends "{}" with every POST: as good as no body. */
#define NOTHING_BYTES 8

static bool is_nothing(struct bytes body)
{
	const char *at = body.data;
	char seen[NOTHING_BYTES + 1] = "";

	if (body.size > NOTHING_BYTES)
		return false;
	for (size_t i = 0, n = 0; i < body.size; i++)
		if (!strchr(" \t\r\n", at[i]) || at[i] == '\0')
			seen[n++] = at[i];
	return strcmp(seen, "") == 0 || strcmp(seen, "{}") == 0;
}

size_t api_body_max(const struct call *call)
{
	const struct route *route = call->route;
	bool post = route->method == METHOD_POST;

	return route->body_max == 0 && post ? NOTHING_BYTES : route->body_max;
}

bool api_inline(const struct call *call)
{
	return call->route->flags & ROUTE_INLINE;
}

void api_refuse(struct api *api, struct call *call, enum code code, const char *detail)
{
	(void)api;
	problem_replyf(call, code, "%s", detail);
}

/* ---- the body's type ---- */

static bool is_type(const char *header, const char *type)
{
	size_t n = strlen(type);

	return strncasecmp(header, type, n) == 0 && strchr("; \t", header[n]);
}

/* No charset parameter, or utf-8: JSON has no other. */
static bool charset_ok(const char *header)
{
	const char *at = strcasestr(header, "charset=");

	if (!at)
		return true;
	at += strlen("charset=");
	at += *at == '"';
	return strncasecmp(at, "utf-8", 5) == 0 && strchr("\"; \t", at[5]);
}

/* NULL: acceptable; otherwise what is wrong. */
static const char *type_fault(struct call *call)
{
	unsigned flags = call->route->flags;
	const char *type = call->transport->header(call, "Content-Type");
	const char *encoding = call->transport->header(call, "Content-Encoding");
	bool empty = call->body.size == 0;

	if (!empty && encoding && strcasecmp(encoding, "identity") != 0 && !(flags & ROUTE_RAW))
		return "send the body without Content-Encoding";
	if (empty && !(flags & (ROUTE_JSON | ROUTE_NDJSON)))
		return NULL;
	if (empty && (flags & ROUTE_OPTIONAL || !type))
		return NULL; /* the handler says that a body is missing */
	if (flags & ROUTE_JSON && !(type && is_type(type, "application/json")))
		return "send the body as Content-Type: application/json";
	if (flags & ROUTE_NDJSON && !(type && is_type(type, "application/x-ndjson")))
		return "send the body as Content-Type: application/x-ndjson";
	if (flags & (ROUTE_JSON | ROUTE_NDJSON) && !charset_ok(type))
		return "JSON is UTF-8 only; leave charset out";
	return NULL;
}

static bool check_body(struct call *call)
{
	if (call->route->body_max == 0 && is_nothing(call->body))
		call->body.size = 0;
	if (call->body.size > call->route->body_max) {
		if (call->route->body_max)
			problem_replyf(call, CODE_TOO_LARGE,
				"the body has %zu bytes; at most %zu are taken here",
				call->body.size, call->route->body_max);
		else
			problem_replyf(call, CODE_TOO_LARGE, "this operation takes no body");
		return false;
	}
	const char *fault = type_fault(call);
	if (fault)
		problem_replyf(call, CODE_MEDIA_TYPE, "%s", fault);
	return !fault;
}

/* ---- query arguments ---- */

struct query_check {
	const struct route *route;
	struct arena *arena;
	const char *unknown; /* the first one */
};

static void see_argument(void *context, const char *name)
{
	struct query_check *check = context;

	if (check->unknown ||
		(*name && !strchr(name, ' ') && route_takes(check->route->query, name)))
		return;
	check->unknown = arena_strdup(check->arena, name);
	if (!check->unknown)
		check->unknown = "?";
}

static bool check_query(struct call *call)
{
	struct query_check check = { .route = call->route, .arena = &call->arena };

	call->transport->each_query(call, see_argument, &check);
	if (!check.unknown)
		return true;
	const char *known = call->route->query;
	problem_replyf(call, CODE_MALFORMED, "unknown query argument %.100s; known here: %s",
		check.unknown, known && *known ? known : "none");
	return false;
}

void api_run(struct api *api, struct session *session, struct call *call)
{
	const struct route *route = call->route;
	struct error err = { 0 };

	assert(route && (session || route->flags & ROUTE_INLINE));
	if (route->scope != SCOPE_NONE) {
		assert(session); /* an inline route cannot look a token up */
		if (auth_check(api->auth, session, call, engine_now_ms(api->engine), &err)) {
			problem_reply(call, &err, NULL);
			return;
		}
	}
	if (check_body(call) && check_query(call))
		route->handler(api, session, call);
}
