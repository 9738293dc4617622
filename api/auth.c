#include "api/auth.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/auth_cache.h"
#include "api/digest.h"
#include "storage/store.h"

#define OPEN_CHECK_MS 1000
#define TOUCH_MS      60000

struct auth {
	pthread_mutex_t lock; /* guards everything below; never held across a store call */
	struct auth_cache cache;
	bool closed; /* a token was seen: for good */
	int64_t counted_ms;
};

int auth_open(struct store *store, struct auth **out, struct error *err)
{
	(void)store; /* sessions come with each call; a store of another kind might be asked here */
	struct auth *auth = calloc(1, sizeof(*auth));
	if (!auth)
		return fail(err, CODE_NO_MEMORY, "no memory for the token cache");
	if (pthread_mutex_init(&auth->lock, NULL)) {
		free(auth);
		return fail(err, CODE_NO_MEMORY, "no mutex for the token cache");
	}
	*out = auth;
	return 0;
}

void auth_close(struct auth *auth)
{
	if (!auth)
		return;
	pthread_mutex_destroy(&auth->lock);
	free(auth);
}

void auth_forget(struct auth *auth)
{
	pthread_mutex_lock(&auth->lock);
	cache_forget(&auth->cache);
	auth->counted_ms = 0;
	pthread_mutex_unlock(&auth->lock);
}

/* ---- open mode ---- */

int auth_open_mode(
	struct auth *auth, struct session *session, int64_t now_ms, bool *out, struct error *err)
{
	int64_t n;

	pthread_mutex_lock(&auth->lock);
	bool closed = auth->closed;
	int64_t age = now_ms - auth->counted_ms;
	bool recent = auth->counted_ms && age >= 0 && age < OPEN_CHECK_MS;
	pthread_mutex_unlock(&auth->lock);
	if (closed || recent) {
		*out = !closed;
		return 0;
	}
	int rc = store_token_count(session, &n, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&auth->lock);
	auth->closed = auth->closed || n > 0;
	auth->counted_ms = now_ms;
	*out = !auth->closed;
	pthread_mutex_unlock(&auth->lock);
	return 0;
}

/* "localhost", "127.0.0.1", "[::1]", each with or without a port. */
static bool local_name(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);
		if (strncasecmp(host, names[i], n) != 0)
			continue;
		const char *rest = host + n;
		if (!*rest || (*rest == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1)))
			return true;
	}
	return false;
}

static bool local_origin(const char *origin)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t n = strlen(schemes[i]);
		if (strncasecmp(origin, schemes[i], n) == 0)
			return local_name(origin + n);
	}
	return false;
}

/* Why an open server does not answer this call; NULL: it does. The Host check stops DNS rebinding,
 * the Origin check other pages of the same browser, the Forwarded check a proxy on this machine
 * that lets the world in. */
static const char *not_local(struct call *call)
{
	static const char *const forwarded[] = { "Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server", "X-Real-IP", "Via" };
	const char *host = call->transport->header(call, "Host");
	const char *origin = call->transport->header(call, "Origin");

	if (!call->loopback)
		return "this request comes from another machine";
	if (!host || !local_name(host))
		return "the Host header is not localhost";
	if (origin && !local_origin(origin))
		return "the Origin header is not localhost";
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(*forwarded); i++) {
		if (call->transport->header(call, forwarded[i]))
			return "this request came through a proxy";
	}
	return NULL;
}

static int check_open(struct call *call, struct error *err)
{
	const char *why = not_local(call);

	if (why)
		return fail(err, CODE_UNAUTHENTICATED,
			"the server has no tokens yet and answers only this machine, but %s; "
			"create "
			"one with: cairnd token create --admin",
			why);
	call->identity = (struct identity){
		.team = "default", .token = "open", .scopes = SCOPE_ALL, .instance_admin = true
	};
	return 0;
}

/* ---- tokens ---- */

/* The token of "Authorization: Bearer TOKEN"; NULL: another scheme, or none in it. */
static const char *bearer(const char *header)
{
	if (strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	header += 7;
	header += strspn(header, " ");
	return *header && !strpbrk(header, " \t") ? header : NULL;
}

static int unknown_token(struct call *call, struct error *err)
{
	call_header(call, "WWW-Authenticate", "Bearer realm=\"cairn\", error=\"invalid_token\"");
	return fail(err, CODE_UNAUTHENTICATED, "the token is unknown or has been revoked");
}

/* A row longer than the cache's fields cannot be ours. */
static bool token_keep(const struct token_row *row, int64_t now_ms, struct known_token *out)
{
	const char *team = row->team ? row->team : "";

	if (strlen(row->id) >= sizeof(out->id) || strlen(team) >= sizeof(out->team))
		return false;
	*out = (struct known_token){
		.scopes = row->scopes, .expires_ms = row->expires_ms, .loaded_ms = now_ms
	};
	snprintf(out->digest, sizeof(out->digest), "%s", row->digest);
	snprintf(out->id, sizeof(out->id), "%s", row->id);
	snprintf(out->team, sizeof(out->team), "%s", team);
	return true;
}

static int token_load(struct auth *auth, struct session *session, struct call *call,
	const char *digest, int64_t now_ms, struct known_token *out, struct error *err)
{
	struct token_row row;

	int rc = store_token_by_digest(session, digest, &call->arena, &row, err);
	if (rc == CODE_NOT_FOUND)
		return unknown_token(call, err);
	if (rc)
		return rc;
	if (!token_keep(&row, now_ms, out))
		return fail(err, CODE_INTERNAL, "the row of token %s is damaged", row.id);
	/* Best effort: a stale "last used" is no reason to refuse a request. */
	if (now_ms - row.used_ms >= TOUCH_MS)
		(void)store_token_touch(session, row.id, now_ms, NULL);
	pthread_mutex_lock(&auth->lock);
	cache_token_put(&auth->cache, out);
	auth->closed = true;
	pthread_mutex_unlock(&auth->lock);
	return 0;
}

static int check_token(struct auth *auth, struct session *session, struct call *call,
	const char *secret, int64_t now_ms, struct error *err)
{
	char digest[DIGEST_HEX_SIZE];
	struct known_token token = { 0 };

	digest_hex(secret, strlen(secret), digest);
	pthread_mutex_lock(&auth->lock);
	const struct known_token *known = cache_token(&auth->cache, digest, now_ms);
	if (known)
		token = *known;
	pthread_mutex_unlock(&auth->lock);
	int rc = known ? 0 : token_load(auth, session, call, digest, now_ms, &token, err);
	if (rc)
		return rc;
	if (token.expires_ms && token.expires_ms <= now_ms) {
		call_header(call, "WWW-Authenticate",
			"Bearer realm=\"cairn\", error=\"invalid_token\", "
			"error_description=\"expired\"");
		return fail(err, CODE_UNAUTHENTICATED, "the token %s has expired", token.id);
	}
	call->identity = (struct identity){
		.team = *token.team ? arena_strdup(&call->arena, token.team) : NULL,
		.token = arena_strdup(&call->arena, token.id),
		.scopes = token.scopes & SCOPE_ADMIN ? SCOPE_ALL : token.scopes & SCOPE_ALL,
		.instance_admin = token.scopes & SCOPE_INSTANCE || !*token.team,
	};
	bool lost = (*token.team && !call->identity.team) || !call->identity.token;
	return lost ? fail(err, CODE_NO_MEMORY, "no memory for the request") : 0;
}

/* ---- sessions of browsers: the token in a cookie (api/web_session.c) ---- */

/* The token in the Cookie header, in the call's arena; NULL: there is none. It is written in
 * base64url, for a token may hold what ends a cookie. */
static const char *cookie_secret(struct call *call)
{
	static const char name[] = AUTH_COOKIE "=";
	const char *at = call->transport->header(call, "Cookie");
	size_t n;

	for (; at && *at; at += strcspn(at, ";")) {
		at += strspn(at, "; \t");
		size_t size = strcspn(at, "; \t");
		if (size < sizeof(name) || strncmp(at, name, sizeof(name) - 1) != 0)
			continue;
		size -= sizeof(name) - 1;
		unsigned char *secret = arena_alloc(&call->arena, size + 1);
		if (!secret || !base64url_read(at + sizeof(name) - 1, size, secret, &n))
			return NULL;
		secret[n] = '\0';
		return (const char *)secret;
	}
	return NULL;
}

bool auth_same_origin(struct call *call)
{
	const char *origin = call->transport->header(call, "Origin");
	const char *host = call->transport->header(call, "Host");
	const char *authority = origin ? strstr(origin, "://") : NULL;

	return authority && host && strcasecmp(authority + 3, host) == 0;
}

/* Browsers send the cookie whoever made the request, so that one that changes something must show
 * where it comes from, and be of a type that no form can send. */
static int check_cookie_write(struct call *call, struct error *err)
{
	static const char *const types[] = { "application/json", "application/x-ndjson" };
	const char *type = call->transport->header(call, "Content-Type");
	bool json = call->method == METHOD_DELETE;

	if (call->method == METHOD_GET || call->method == METHOD_HEAD ||
		call->method == METHOD_OPTIONS)
		return 0;
	for (size_t i = 0; type && i < sizeof(types) / sizeof(*types); i++)
		json = json || strncasecmp(type, types[i], strlen(types[i])) == 0;
	if (!json)
		return fail(err, CODE_FORBIDDEN,
			"with a session cookie, Content-Type must be application/json");
	if (!auth_same_origin(call))
		return fail(err, CODE_FORBIDDEN,
			"with a session cookie, Origin must be the server that Host names");
	return 0;
}

int auth_secret(struct auth *auth, struct session *session, struct call *call, const char *secret,
	int64_t now_ms, struct error *err)
{
	return check_token(auth, session, call, secret, now_ms, err);
}

int auth_identify(struct auth *auth, struct session *session, struct call *call, int64_t now_ms,
	struct error *err)
{
	const char *header = call->transport->header(call, "Authorization");
	bool open;

	if (header) {
		const char *secret = bearer(header);
		if (!secret)
			return fail(err, CODE_UNAUTHENTICATED,
				"the Authorization header must be: Bearer TOKEN");
		return check_token(auth, session, call, secret, now_ms, err);
	}
	int rc = auth_open_mode(auth, session, now_ms, &open, err);
	if (rc)
		return rc;
	if (open)
		return check_open(call, err);
	const char *secret = cookie_secret(call);
	if (!secret)
		return fail(
			err, CODE_UNAUTHENTICATED, "send a token: Authorization: Bearer cairn_...");
	rc = check_token(auth, session, call, secret, now_ms, err);
	if (rc)
		return rc;
	call->identity.by_cookie = true;
	return check_cookie_write(call, err);
}

static int check_scope(struct call *call, struct error *err)
{
	unsigned scope = call->route->scope;

	if ((call->identity.scopes & scope) != scope) {
		char challenge[128];
		snprintf(challenge, sizeof(challenge),
			"Bearer realm=\"cairn\", error=\"insufficient_scope\", scope=\"%s\"",
			scope_name(scope));
		call_header(call, "WWW-Authenticate", challenge);
		return fail(err, CODE_FORBIDDEN, "this needs a token with the scope %s",
			scope_name(scope));
	}
	if (call->route->flags & ROUTE_INSTANCE && !call->identity.instance_admin)
		return fail(err, CODE_FORBIDDEN, "this needs the token of an instance admin");
	return 0;
}

/* ---- request rate ---- */

static void rate_headers(struct call *call, const struct allowed *allowed)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, allowed->limit);
	call_header(call, "RateLimit-Limit", text);
	snprintf(text, sizeof(text), "%" PRId64, allowed->remaining);
	call_header(call, "RateLimit-Remaining", text);
	snprintf(text, sizeof(text), "%" PRId64, allowed->reset_s);
	call_header(call, "RateLimit-Reset", text);
	if (allowed->ok)
		return;
	snprintf(text, sizeof(text), "%" PRId64, allowed->retry_s);
	call_header(call, "Retry-After", text);
}

static int team_load(struct auth *auth, struct session *session, struct call *call, int64_t now_ms,
	struct error *err)
{
	const char *team = call->identity.team;
	struct team_row row;

	int rc = store_team_get(session, team, &call->arena, &row, err);
	if (rc == CODE_NOT_FOUND) /* deleted since the token was looked up */
		return unknown_token(call, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&auth->lock);
	struct known_team *known = cache_team(&auth->cache, team);
	known->requests_per_minute = row.quota.requests_per_minute;
	known->loaded_ms = now_ms;
	pthread_mutex_unlock(&auth->lock);
	return 0;
}

static int check_rate(struct auth *auth, struct session *session, struct call *call, int64_t now_ms,
	struct error *err)
{
	const char *team = call->identity.team;
	struct allowed allowed = { .ok = true };

	if (!team)
		return 0;
	pthread_mutex_lock(&auth->lock);
	bool fresh = cache_fresh(cache_team(&auth->cache, team)->loaded_ms, now_ms);
	pthread_mutex_unlock(&auth->lock);
	int rc = fresh ? 0 : team_load(auth, session, call, now_ms, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&auth->lock);
	struct known_team *known = cache_team(&auth->cache, team);
	if (known->requests_per_minute > 0)
		allowed = bucket_take(&known->bucket, known->requests_per_minute, now_ms);
	else
		known->bucket.at_ms = now_ms; /* the least recently used team gives way */
	pthread_mutex_unlock(&auth->lock);
	if (allowed.limit)
		rate_headers(call, &allowed);
	return allowed.ok ? 0
			  : fail(err, CODE_RATE_LIMITED,
				    "team %s has used up its %" PRId64 " requests per minute", team,
				    allowed.limit);
}

int auth_check(struct auth *auth, struct session *session, struct call *call, int64_t now_ms,
	struct error *err)
{
	int rc = auth_identify(auth, session, call, now_ms, err);
	if (!rc)
		rc = check_scope(call, err);
	if (!rc)
		rc = check_rate(auth, session, call, now_ms, err);
	return rc;
}
