/* The routes of export, import, seed and clone. */
#include "api/transfer.h"

#include <string.h>

#include "api/problem.h"

bool key_answered(
	struct api *api, struct session *session, struct call *call, const struct idempotency *key)
{
	struct idempotency found;
	struct error err = { 0 };
	int64_t oldest_ms = engine_now_ms(api->engine) - IDEMPOTENCY_TTL_MS;

	if (!key)
		return false;
	int rc = store_idempotency_get(session, key->team, key->key, &call->arena, &found, &err);
	if (!rc && found.created_ms < oldest_ms)
		/* Old keys go away now and then; this one must go before it is used again. */
		rc = store_idempotency_expire(session, oldest_ms, &err) ? (int)err.code
									: CODE_NOT_FOUND;
	if (rc == CODE_NOT_FOUND)
		return false;
	if (rc) {
		problem_reply(call, &err, NULL);
	} else if (strcmp(found.digest, key->digest) != 0 || !*found.experiment) {
		problem_replyf(call, CODE_KEY_REUSED,
			"this Idempotency-Key was used for another request: use a new key");
	} else {
		reply_replayed(call, true);
		reply_experiment_id(api, session, call, 201, found.experiment);
	}
	return true;
}

static int key_keep(struct api *api, struct session *session, const struct idempotency *key,
	const char *experiment, struct error *err)
{
	if (!key)
		return 0;
	struct idempotency full = *key;
	full.experiment = experiment;
	full.first_version = full.last_version = 1;
	full.created_ms = engine_now_ms(api->engine);
	int rc = store_idempotency_put(session, &full, err);
	if (rc == CODE_CONFLICT)
		return fail(err, rc,
			"a request with this Idempotency-Key is being answered: repeat it to get "
			"its answer");
	return rc;
}

void experiment_made(struct api *api, struct session *session, struct call *call,
	const struct idempotency *key, const char *id, const char *action, const char *detail)
{
	struct error err = { 0 };

	if (key_keep(api, session, key, id, &err)) {
		engine_experiment_delete(api->engine, session, NULL, id, NULL);
		problem_reply(call, &err, NULL);
		return;
	}
	audit(api, session, call, action, id, detail);
	reply_experiment_id(api, session, call, 201, id);
}

const struct route routes_transfer[] = {
	{ METHOD_GET, "/v1/experiments/{id}/export", "exportExperiment", experiment_export,
		SCOPE_READ, 0, 0, "" },
	{ METHOD_POST, "/v1/experiments/import", "importExperiment", experiment_import, SCOPE_WRITE,
		ROUTE_NDJSON, LIMIT_IMPORT_BYTES, "" },
	{ METHOD_POST, "/v1/experiments/{id}/seed", "seedExperiment", experiment_seed, SCOPE_WRITE,
		ROUTE_JSON, LIMIT_BULK_BODY_BYTES, "" },
	{ METHOD_POST, "/v1/experiments/{id}/clone", "cloneExperiment", experiment_clone,
		SCOPE_WRITE, ROUTE_JSON | ROUTE_OPTIONAL, LIMIT_BODY_BYTES, "" },
	{ METHOD_GET, NULL },
};
