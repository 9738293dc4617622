/* What the handlers of api/ share: the opened api itself. */
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include "api/api.h"
#include "api/asset.h"
#include "api/auth.h"
#include "engine/engine.h"
#include "storage/store.h"

struct allowance;

struct api {
	struct api_config config;
	struct engine *engine;
	struct store *store;
	struct auth *auth;
	struct allowance *allowance; /* api/allowance.h */
	char openapi_etag[ETAG_SIZE];
	struct asset assets[ASSETS_MAX]; /* the first is the page at / */
	size_t n_assets;
	char page_policy[320]; /* its Content-Security-Policy */
};

/* Idempotency-Key of a POST with what identifies the request (method, path, body): NULL when there
 * is none. False: the key is not acceptable and the problem is replied. */
bool idempotency_of(struct call *call, const struct idempotency **out);

/* For POSTs that make no events. Was the key used? True: it was, or could not be looked up, and the
 * call is replied: the first answer again (with Idempotency-Replayed: true), 422 for another
 * request under the same key. */
bool idempotency_replay(
	struct api *api, struct session *session, struct call *call, const struct idempotency *key);

/* ... and after it was done: keeps answer (no secrets in it) and status under the key.
 * CODE_CONFLICT: the same request came twice at once and the other one was first; the caller takes
 * back what it did and replies the error. key NULL: nothing to do. */
int idempotency_keep(struct api *api, struct session *session, const struct idempotency *key,
	const char *answer, int status, struct error *err);

/* An op with the call's experiment (args[0]), team, arena and key filled in, in the call's arena.
 */
struct op *op_new(struct call *call, enum op_kind kind, const struct idempotency *key);

/* Records who did what; failures are logged, never fatal to the request. */
void audit(struct api *api, struct session *session, struct call *call, const char *action,
	const char *target, const char *detail_json);

#endif
