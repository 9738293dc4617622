/* The handlers of /v1/spaces (catalog_space.c), for the table in catalog.c. */
#ifndef API_CATALOG_H
#define API_CATALOG_H

#include "api/call.h"

struct api;

void space_validate_post(struct api *api, struct session *session, struct call *call);
void space_sample_post(struct api *api, struct session *session, struct call *call);

#endif
