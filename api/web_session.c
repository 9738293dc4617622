/* /v1/session: a browser changes a token for a cookie, because EventSource can send no other
 * header. The cookie holds the token itself, so there is nothing to keep and revoking the token
 * ends the session; scripts cannot read it, and other sites' requests come without it. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/body.h"
#include "api/digest.h"
#include "api/internal.h"
#include "api/problem.h"
#include "api/reply.h"
#include "core/json.h"

#define SESSION_BODY_BYTES 1024

struct session_body {
	const char *token;
};

static const struct field session_fields[] = {
	FIELD(struct session_body, token, FIELD_STRING, FIELD_REQUIRED, 1, API_SECRET_SIZE - 1),
	{ NULL },
};

/* detail: why nobody is logged in; NULL: somebody is. */
static void reply_session(struct call *call, bool open, const char *detail)
{
	const struct identity *who = &call->identity;
	struct buffer *out = &call->out;

	buffer_printf(out, "{\"authenticated\":%s,\"open\":%s", detail ? "false" : "true",
		open ? "true" : "false");
	write_text_member(out, "team", detail ? NULL : who->team);
	write_text_member(out, "token", detail ? NULL : who->token);
	buffer_add_text(out, ",\"scopes\":");
	scopes_write(detail ? 0 : who->scopes, out);
	buffer_printf(
		out, ",\"instance_admin\":%s", !detail && who->instance_admin ? "true" : "false");
	write_text_member(out, "detail", detail);
	buffer_add_char(out, '}');
	call_header(call, "Cache-Control", "no-store");
	reply_json(call, 200);
}

/* Whom the server takes the caller for. Nobody is an answer too: the dashboard asks this first. */
static void session_get(struct api *api, struct session *session, struct call *call)
{
	int64_t now_ms = engine_now_ms(api->engine);
	struct error err = { 0 };
	bool open = false;

	int rc = auth_open_mode(api->auth, session, now_ms, &open, &err);
	if (!rc)
		rc = auth_identify(api->auth, session, call, now_ms, &err);
	if (rc && rc != CODE_UNAUTHENTICATED) {
		problem_reply(call, &err, NULL);
		return;
	}
	reply_session(call, open, rc ? err.message : NULL);
}

/* Secure where the browser came by https, which only its Origin tells behind a proxy. */
static void set_cookie(struct call *call, const char *secret)
{
	const char *origin = call->transport->header(call, "Origin");
	bool secure = origin && strncasecmp(origin, "https://", 8) == 0;
	char value[2 * API_SECRET_SIZE], cookie[256];

	base64url_write(secret, strlen(secret), value);
	snprintf(cookie, sizeof(cookie), AUTH_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
		value, secure ? "; Secure" : "", *secret ? "" : "; Max-Age=0");
	call_header(call, "Set-Cookie", cookie);
}

static void session_create(struct api *api, struct session *session, struct call *call)
{
	struct session_body body = { 0 };
	struct error err = { 0 };
	struct faults faults;

	if (!auth_same_origin(call)) {
		problem_replyf(call, CODE_FORBIDDEN,
			"log in from a page of this server: Origin must be "
			"the server that Host names");
		return;
	}
	json_t *document = body_json(call);
	if (!document)
		return;
	faults_init(&faults);
	bool valid = body_decode(call, document, NULL, session_fields, &body, &faults);
	json_decref(document);
	if (!valid) {
		err = (struct error){ CODE_INVALID, "the body is not a login" };
		problem_reply(call, &err, &faults);
		return;
	}
	if (auth_secret(api->auth, session, call, body.token, engine_now_ms(api->engine), &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	audit(api, session, call, "session.create", call->identity.token, NULL);
	set_cookie(call, body.token);
	reply_session(call, false, NULL);
}

/* A browser that has no session, or an old one, may end it as well. */
static void session_delete(struct api *api, struct session *session, struct call *call)
{
	(void)api;
	(void)session;
	if (!auth_same_origin(call)) {
		problem_replyf(call, CODE_FORBIDDEN,
			"log out from a page of this server: Origin must be "
			"the server that Host names");
		return;
	}
	set_cookie(call, "");
	reply_empty(call, 204);
}

const struct route routes_session[] = {
	{ METHOD_GET, "/v1/session", "getSession", session_get, SCOPE_NONE, 0, 0, "" },
	{ METHOD_POST, "/v1/session", "createSession", session_create, SCOPE_NONE, ROUTE_JSON,
		SESSION_BODY_BYTES, "" },
	{ METHOD_DELETE, "/v1/session", "deleteSession", session_delete, SCOPE_NONE, 0, 0, "" },
	{ METHOD_GET, NULL },
};
