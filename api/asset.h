/* The files that are part of the binary: openapi.yaml and the status page. */
#ifndef API_ASSET_H
#define API_ASSET_H

#include "api/call.h"
#include "api/internal.h"

/* Computes the ETags and the page's Content-Security-Policy once. CODE_INTERNAL: the page lacks the
 * elements that the policy names. */
int assets_open(struct api *api, struct error *err);

/* handlers */
void asset_openapi_get(struct api *api, struct session *session, struct call *call);
void asset_dashboard_get(struct api *api, struct session *session, struct call *call);

/* The summary of an operation in openapi.yaml, "" when it is not there. In the arena. */
const char *openapi_summary(const char *operation, struct arena *arena);

#endif
