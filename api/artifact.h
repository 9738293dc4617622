/* Files of trials: artifacts and logs. */
#ifndef API_ARTIFACT_H
#define API_ARTIFACT_H

#include "api/experiment.h"
#include "core/json.h"

/* The experiment and trial of the path. False: the problem is replied. */
bool trial_of(struct api *api, struct session *session, struct call *call,
	struct experiment_row *row, int64_t *number);

void log_append(struct api *api, struct session *session, struct call *call);
void log_get(struct api *api, struct session *session, struct call *call);

#endif
