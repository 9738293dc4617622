/* POST /v1/experiments/{id}/clone: the same experiment again, without its history. */
#include <stdio.h>

#include "api/allowance.h"
#include "api/body.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/transfer.h"

struct clone_body {
	const char *name;
};

static const struct field clone_fields[] = {
	FIELD(struct clone_body, name, FIELD_STRING, FIELD_NULLABLE, 1, LIMIT_NAME),
	{ NULL },
};

/* Names are checked with the spec, but for this: the engine writes them into JSON as they are. */
static bool name_printable(struct call *call, const char *name)
{
	static const struct path at = { NULL, "name", 0 };
	struct faults faults;

	for (const char *c = name; c && *c; c++) {
		if ((unsigned char)*c >= ' ' && *c != 0x7f)
			continue;
		faults_init(&faults);
		fault_add(&faults, &at, "must not hold control characters");
		reply_faults(call, &faults);
		return false;
	}
	return true;
}

void experiment_clone(struct api *api, struct session *session, struct call *call)
{
	struct clone_body body = { 0 };
	const struct idempotency *key;
	struct experiment_row row;
	struct error err = { 0 };
	json_t *document;
	char id[ID_SIZE], detail[64];

	if (!body_read(call, clone_fields, &body, &document))
		return;
	json_decref(document);
	if (!name_printable(call, body.name) || !idempotency_of(call, &key) ||
		!key_with_status(call, &key, 201) || key_answered(api, session, call, key) ||
		!experiment_of(api, session, call, &row) ||
		!allowance_experiment(api, session, call, NULL))
		return;
	if (engine_experiment_clone(api->engine, session, row.team, row.id, body.name, id, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	/* Ids need no escapes. */
	snprintf(detail, sizeof(detail), "{\"from\":\"%s\"}", row.id);
	experiment_made(api, session, call, key, id, "experiment.clone", detail);
}
