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
#define SCOPE_ADMIN 8u /* tokens and quotas of the team; with instance_admin: teams */

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
	routes_event[], routes_transfer[], routes_catalog[], routes_team[], routes_process[];
extern const struct route *const route_tables[]; /* all of them, NULL at the end */

#endif
