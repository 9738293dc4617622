#include "api/internal.h"

#include <stdio.h>

void audit(struct api *api, struct session *session, struct call *call, const char *action,
	const char *target, const char *detail_json)
{
	struct error err = { 0 };
	const struct audit_row row = {
		.at_ms = engine_now_ms(api->engine),
		.team = call->identity.team,
		.actor = call->identity.token,
		.action = action,
		.target = target,
		.detail = detail_json,
		.request_id = call->request_id,
	};

	if (!store_audit_add(session, &row, &err) || !api->config.log)
		return;
	char message[ERROR_MESSAGE_MAX + 128];
	snprintf(message, sizeof(message), "%s of %s was not recorded in the audit log: %s",
		action, target ? target : "-", err.message);
	api->config.log(api->config.context, "error", call->request_id, message);
}
