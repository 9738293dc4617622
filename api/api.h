/*
 * The contract as a whole: from a call to its reply. See api/route.h for the route table.
 */
#ifndef API_API_H
#define API_API_H

#include "api/call.h"
#include "core/error.h"

struct api;
struct engine;
struct store;

struct api_config {
	struct engine *engine;
	struct store *store;
	const char *version; /* of the program */
	/* Process-level answers that only service/ can give. */
	bool (*ready)(void *context, struct session *session, struct buffer *why);
	void (*metrics)(void *context, struct buffer *out); /* Prometheus text */
	void (*log)(void *context, const char *level, const char *request_id, const char *message);
	void *context;
};

int api_open(const struct api_config *config, struct api **out, struct error *err);
void api_close(struct api *api);

/* Picks the route before the body is read. True: go on (read the body up to api_body_max, then
 * api_run). False: the reply is in the call already (404, 405, OPTIONS ...) and call_finish was
 * called. No I/O. */
bool api_route(struct api *api, struct call *call);

size_t api_body_max(const struct call *call);

/* Inline routes need no session and never block: the transport may run them on its own thread. */
bool api_inline(const struct call *call);

/* Authenticates, checks, handles. Ends, now or later, with one call_finish. session: the worker's;
 * NULL for inline routes. */
void api_run(struct api *api, struct session *session, struct call *call);

/* A problem made by the transport itself: too large, queue full, malformed request. Ends with
 * call_finish. */
void api_refuse(struct api *api, struct call *call, enum code code, const char *detail);

/*
 * A token made without a request. secret_in NULL ("cairnd token create"): always a new one, of all
 * scopes; secret_out (API_SECRET_SIZE bytes) gets "cairn_...". secret_in given
 * (CAIRN_BOOTSTRAP_TOKEN_FILE): it becomes a token only while there is none at all, so that a
 * restart does not bring a revoked one back; secret_out gets it, or "" when nothing was made.
 * team NULL: "default", made when missing. CODE_INVALID: secret_in is shorter than
 * API_SECRET_MIN bytes, too long or not visible ASCII. CODE_NOT_FOUND: no such team.
 */
#define API_SECRET_SIZE 64
#define API_SECRET_MIN	32
int api_token_bootstrap(struct session *session, const char *team, const char *name,
	bool instance_admin, const char *secret_in, char *secret_out, struct error *err);

#endif
