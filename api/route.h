/*
 * The HTTP surface as data: one row per operation. openapi.yaml and this table are compared both
 * ways by a test, so a route exists in both or in neither.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/call.h"

struct api;

#define SCOPE_NONE  0u /* no token needed */
#define SCOPE_READ  1u
#define SCOPE_TRIAL 2u /* suggest, observe, heartbeat, logs, artifacts */
#define SCOPE_WRITE 4u /* create, edit, delete */
#define SCOPE_ADMIN 8u /* all of the above, tokens and the audit log of the team */
#define SCOPE_ALL   15u
#define SCOPE_INSTANCE                                                                             \
	16u /* kept with a token's scopes: an instance admin's, who also has teams and quotas */

#define ROUTE_INLINE   1u  /* answered on the transport's thread: no session, no blocking */
#define ROUTE_JSON     2u  /* the body must be application/json */
#define ROUTE_NDJSON   4u  /* the body is application/x-ndjson */
#define ROUTE_RAW      8u  /* any content type */
#define ROUTE_OPTIONAL 16u /* the JSON body may be empty, meaning {} */
#define ROUTE_INSTANCE 32u /* instance admins only */

struct route {
	enum method method;
	const char *path; /* "/v1/experiments/{id}/trials/{n}": {id} any id, {n} a number, {name} a
			     file name */
	const char *operation; /* operationId in openapi.yaml */
	void (*handler)(struct api *api, struct session *session, struct call *call);
	unsigned scope;
	unsigned flags;
	size_t body_max; /* 0: no body */
	const char
		*query; /* names of the query arguments it takes, space-separated; others are 400 */
};

/* Each file of handlers exports its rows; api/routes.c joins them. End: handler NULL. */
extern const struct route routes_experiment[], routes_loop[], routes_trial[], routes_artifact[],
	routes_event[], routes_transfer[], routes_catalog[], routes_model[], routes_pruning[],
	routes_team[], routes_session[], routes_process[];
extern const struct route *const route_tables[]; /* all of them, NULL at the end */

/*
 * The row of tables for a request; HEAD is answered by GET rows. args gets the values of the
 * placeholders in order, copied into arena. A literal segment wins over a placeholder. NULL: there
 * is none, and *allowed says which methods (bit 1 << METHOD_...) the path would take; 0: no such
 * path. A trailing slash makes another path, which nobody serves.
 */
const struct route *route_find(const struct route *const *tables, enum method method,
	const char *path, struct arena *arena, const char *args[CALL_ARGS], unsigned *allowed);

/* "GET, HEAD, OPTIONS" of such bits. */
void route_allow(unsigned allowed, struct buffer *out);

/* name is one of the space-separated names of list (NULL: none). */
bool route_takes(const char *list, const char *name);

#endif
