/*
 * What a team may still have: the quotas of store.h, checked where something is about to be made.
 * Refusals are 429 problems that name the quota. A repeat under an Idempotency-Key that was used is
 * never refused: it makes nothing.
 */
#ifndef API_ALLOWANCE_H
#define API_ALLOWANCE_H

#include "api/internal.h"

/* The trials of a team are a sum over its experiments, so they are counted every few seconds only,
 * and again before anything is refused. */
#define ALLOWANCE_REFRESH_MS 5000

struct allowance; /* the counts; shared by threads */

int allowance_open(struct allowance **out, struct error *err);
void allowance_close(struct allowance *allowance);

/* Each: false when refused (or the database is away), and then the problem is replied. */
bool allowance_experiment(
	struct api *api, struct session *session, struct call *call, const struct idempotency *key);
bool allowance_trials(struct api *api, struct session *session, struct call *call,
	const struct idempotency *key, const char *team, size_t count);
bool allowance_artifact(
	struct api *api, struct session *session, struct call *call, const char *team, size_t size);

#endif
