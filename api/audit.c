#include "api/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/problem.h"
#include "api/reply.h"
#include "api/team.h"

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
	snprintf(message, sizeof(message), "%s of %s was not recorded in the audit log: %s", action,
		target ? target : "-", err.message);
	api->config.log(api->config.context, "error", call->request_id, message);
}

/* ---- GET /v1/audit ---- */

static void write_audit(struct buffer *out, const struct audit_row *row)
{
	buffer_printf(out, "{\"id\":%" PRId64, row->id);
	write_time_member(out, "at", row->at_ms);
	write_text_member(out, "team", row->team);
	write_text_member(out, "actor", row->actor);
	write_text_member(out, "action", row->action);
	write_text_member(out, "target", row->target);
	write_json_member(out, "detail", row->detail);
	write_text_member(out, "request_id", row->request_id);
	buffer_add_char(out, '}');
}

void audit_list(struct api *api, struct session *session, struct call *call)
{
	const struct audit_row *rows;
	struct error err = { 0 };
	const char *cursor, *team;
	char next[24];
	size_t limit, n;

	(void)api;
	if (!page_arguments(call, &limit, &cursor) || !team_of_list(call, &team))
		return;
	int64_t before = cursor ? strtoll(cursor, NULL, 10) : 0;
	if (store_audit_list(session, team, before, limit + 1, &call->arena, &rows, &n, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	page_begin(call);
	for (size_t i = 0; i < n && i < limit; i++) {
		page_between(call);
		write_audit(&call->out, &rows[i]);
	}
	if (n > limit)
		snprintf(next, sizeof(next), "%" PRId64, rows[limit - 1].id);
	page_end(call, n > limit ? next : NULL);
	reply_json(call, 200);
}
