#include "api/asset.h"
#include "api/internal.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/route.h"
#include "core/json.h"

static void healthz(struct api *api, struct session *session, struct call *call)
{
	(void)api;
	(void)session;
	buffer_add_text(&call->out, "{\"status\":\"ok\"}");
	reply_json(call, 200);
}

static void readyz(struct api *api, struct session *session, struct call *call)
{
	const struct api_config *config = &api->config;
	struct buffer why;

	buffer_init(&why, ERROR_MESSAGE_MAX - 1);
	if (!config->ready || config->ready(config->context, session, &why)) {
		buffer_add_text(&call->out, "{\"status\":\"ready\"}");
		reply_json(call, 200);
	} else {
		problem_replyf(call, CODE_UNAVAILABLE, "%s",
			why.size ? buffer_text(&why) : "the server is not ready");
	}
	buffer_release(&why);
}

static void metrics(struct api *api, struct session *session, struct call *call)
{
	(void)session;
	if (api->config.metrics)
		api->config.metrics(api->config.context, &call->out);
	if (call->out.failed) {
		problem_replyf(call, CODE_NO_MEMORY, "no memory for the metrics");
		return;
	}
	call->status = 200;
	call->content_type = "text/plain; version=0.0.4; charset=utf-8";
	call_header(call, "Cache-Control", "no-store");
	call_finish(call);
}

static void version(struct api *api, struct session *session, struct call *call)
{
	(void)session;
	buffer_add_text(&call->out, "{\"name\":\"cairn\",\"version\":");
	json_write_string(&call->out, api->config.version);
	buffer_add_text(&call->out, ",\"api\":\"v1\"}");
	reply_json(call, 200);
}

/* ---- the pages for people ---- */

static const char page_head[] =
	"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n<title>Cairn</title>\n<style>\n"
	"body{margin:0 auto;max-width:80rem;padding:1rem;font:15px/1.45 system-ui,sans-serif}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;"
	"border-bottom:1px solid #8884}\n"
	"</style>\n</head>\n"
	"<body>\n";

static void reply_html(struct call *call)
{
	buffer_add_text(&call->out, "</body>\n</html>\n");
	if (call->out.failed) {
		problem_replyf(call, CODE_NO_MEMORY, "no memory for the page");
		return;
	}
	call->status = 200;
	call->content_type = "text/html; charset=utf-8";
	call_header(call, "Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
	call_header(call, "Cache-Control", "no-cache");
	call_finish(call);
}

static void add_html(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			buffer_add_text(out, "&lt;");
		else if (*text == '&')
			buffer_add_text(out, "&amp;");
		else
			buffer_add_char(out, *text);
	}
}

static const char *const method_names[] = { [METHOD_GET] = "GET",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE" };

static void add_route(struct call *call, const struct route *route)
{
	struct buffer *out = &call->out;

	buffer_printf(out, "<tr id=\"%s\"><td>%s</td><td><code>%s</code></td><td>",
		route->operation, method_names[route->method], route->path);
	add_html(out, openapi_summary(route->operation, &call->arena));
	buffer_add_text(out, "</td><td>");
	buffer_add_text(out, route->query && *route->query ? route->query : "");
	buffer_printf(out, "</td><td>%s%s</td></tr>\n",
		route->scope == SCOPE_NONE ? "no token" : scope_name(route->scope),
		route->flags & ROUTE_INSTANCE ? " (instance admin)" : "");
}

static void docs(struct api *api, struct session *session, struct call *call)
{
	(void)api;
	(void)session;
	buffer_add_text(&call->out, page_head);
	buffer_add_text(&call->out,
		"<h1>Cairn: HTTP operations</h1>\n"
		"<p>The contract with every field is <a href=\"/openapi.yaml\">openapi.yaml</a>; "
		"<a href=\"/docs/problems\">errors</a> have a page of their own.</p>\n"
		"<table>\n<thead><tr><th>Method</th><th>Path</th><th>What it does</th>"
		"<th>Query arguments</th><th>Scope</th></tr></thead>\n<tbody>\n");
	for (const struct route *const *table = route_tables; *table; table++) {
		for (const struct route *route = *table; route->handler; route++)
			add_route(call, route);
	}
	buffer_add_text(&call->out, "</tbody>\n</table>\n");
	reply_html(call);
}

static void docs_problems(struct api *api, struct session *session, struct call *call)
{
	(void)api;
	(void)session;
	buffer_add_text(&call->out, page_head);
	buffer_add_text(&call->out,
		"<h1>Cairn: errors</h1>\n<p>Each is an <code>application/problem+json</code> body "
		"(RFC 9457) whose <code>type</code> points here.</p>\n"
		"<table>\n<thead><tr><th>Status</th><th>Type</th><th>Title</th><th>Meaning</th></"
		"tr>"
		"</thead>\n<tbody>\n");
	problem_document(&call->out);
	buffer_add_text(&call->out, "</tbody>\n</table>\n");
	reply_html(call);
}

const struct route routes_process[] = {
	{ METHOD_GET, "/", "getDashboard", asset_dashboard_get, SCOPE_NONE, ROUTE_INLINE, 0, "" },
	{ METHOD_GET, "/assets/{name}", "getAsset", asset_file_get, SCOPE_NONE, ROUTE_INLINE, 0,
		"" },
	{ METHOD_GET, "/docs", "getDocs", docs, SCOPE_NONE, ROUTE_INLINE, 0, "" },
	{ METHOD_GET, "/docs/problems", "getProblemDocs", docs_problems, SCOPE_NONE, ROUTE_INLINE,
		0, "" },
	{ METHOD_GET, "/healthz", "getHealth", healthz, SCOPE_NONE, ROUTE_INLINE, 0, "" },
	{ METHOD_GET, "/metrics", "getMetrics", metrics, SCOPE_NONE, ROUTE_INLINE, 0, "" },
	{ METHOD_GET, "/openapi.yaml", "getOpenapi", asset_openapi_get, SCOPE_NONE, ROUTE_INLINE, 0,
		"" },
	{ METHOD_GET, "/readyz", "getReadiness", readyz, SCOPE_NONE, 0, 0, "" },
	{ METHOD_GET, "/version", "getVersion", version, SCOPE_NONE, ROUTE_INLINE, 0, "" },
	{ 0 },
};
