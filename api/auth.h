/*
 * Who is calling. Tokens are 256-bit secrets of which only the SHA-256 is stored; a look-up is
 * cached for a few seconds, so a revoked token dies within that. Without any token the server is
 * open, to loopback only: peer, Host header and the absence of Forwarded headers are all checked.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/call.h"
#include "api/route.h"
#include "core/error.h"

struct auth;
struct store;

int auth_open(struct store *store, struct auth **out, struct error *err);
void auth_close(struct auth *auth);

/* Fills call->identity or answers CODE_UNAUTHENTICATED, CODE_FORBIDDEN, CODE_RATE_LIMITED. now_ms:
 * database time. */
int auth_check(struct auth *auth, struct session *session, struct call *call, int64_t now_ms,
	struct error *err);

/* The cookie that holds a browser's token. */
#define AUTH_COOKIE "cairn_session"

/* Who calls, without a look at scopes and rates: by the Authorization header, as this machine on an
 * open server, or by the cookie; by the cookie, a call that changes something must be JSON and come
 * from this server's own pages (CODE_FORBIDDEN). Fills call->identity or answers
 * CODE_UNAUTHENTICATED. */
int auth_identify(struct auth *auth, struct session *session, struct call *call, int64_t now_ms,
	struct error *err);

/* The same with a token that came in another way. */
int auth_secret(struct auth *auth, struct session *session, struct call *call, const char *secret,
	int64_t now_ms, struct error *err);

/* Is there an Origin header, of the same host and port as Host? */
bool auth_same_origin(struct call *call);

/* Forgets what is cached: after a token or quota was changed here. */
void auth_forget(struct auth *auth);

/* "read trial write admin" and back; false: an unknown scope. */
void scopes_write(unsigned scopes, struct buffer *json_array);
bool scope_parse(const char *name, unsigned *out);
const char *scope_name(unsigned scope); /* of one SCOPE_* bit */

/* Is the server open, that is without any token? Counted again at most once a second; once a token
 * was seen the answer stays false, so that deleting tokens never opens a running server. */
int auth_open_mode(
	struct auth *auth, struct session *session, int64_t now_ms, bool *out, struct error *err);

/* SHA-256 as 64 hex digits and NUL. */
void digest_hex(const void *data, size_t size, char out[65]);

/* A fresh secret: "cairn_" and 43 base64url characters. out: API_SECRET_SIZE. */
void secret_make(char *out);

#endif
