/* Whole experiments and foreign results, in and out. */
#ifndef API_TRANSFER_H
#define API_TRANSFER_H

#include "api/experiment.h"

/*
 * Idempotency of requests that make an experiment by other means than an append: the key is looked
 * up before, and kept after. key_answered: true when the key was used (or could not be looked up),
 * and then the call is replied. experiment_made: keeps the key and replies the new experiment; when
 * another request with the same key was faster the new one is taken back and the reply is a 409.
 */
bool key_answered(
	struct api *api, struct session *session, struct call *call, const struct idempotency *key);
void experiment_made(struct api *api, struct session *session, struct call *call,
	const struct idempotency *key, const char *id, const char *action, const char *detail);

void experiment_export(struct api *api, struct session *session, struct call *call);
void experiment_import(struct api *api, struct session *session, struct call *call);
void experiment_seed(struct api *api, struct session *session, struct call *call);
void experiment_clone(struct api *api, struct session *session, struct call *call);

/* The format that export writes and import reads. */
#define EXPORT_FORMAT 1

#endif
