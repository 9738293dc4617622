/* The log of an experiment over HTTP. */
#ifndef API_EVENT_H
#define API_EVENT_H

#include "api/experiment.h"

/* Replies the events after since as server-sent events, for as long as the client listens. */
void sse_reply(
	struct api *api, struct call *call, const struct experiment_row *row, uint64_t since);

#endif
