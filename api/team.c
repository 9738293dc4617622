#include "api/team.h"

#include <inttypes.h>
#include <string.h>

#include "api/auth_cache.h"
#include "api/body.h"
#include "api/problem.h"
#include "api/reply.h"
#include "core/json.h"

#define QUOTA_MAX 9007199254740991.0 /* 2^53 - 1: what every JSON reader keeps */
#define RATE_MAX  100000000.0	     /* requests per minute */

bool team_visible(struct call *call, const char *team)
{
	const char *own = call->identity.team;

	if (call->identity.instance_admin || (own && strcmp(own, team) == 0))
		return true;
	problem_replyf(call, CODE_NOT_FOUND, "there is no team %s", team);
	return false;
}

bool team_of_list(struct call *call, const char **team)
{
	const char *given = call->transport->query(call, "team");

	*team = given && *given			? given
		: call->identity.instance_admin ? NULL
						: call->identity.team;
	return !*team || team_visible(call, *team);
}

static void write_limit(struct buffer *out, const char *name, int64_t value)
{
	write_count_member(out, name, value ? value : -1);
}

static void write_quota(struct buffer *out, const struct quota *quota)
{
	buffer_add_text(out, "{\"experiments\":");
	if (quota->experiments)
		buffer_printf(out, "%" PRId64, quota->experiments);
	else
		buffer_add_text(out, "null");
	write_limit(out, "trials", quota->trials);
	write_limit(out, "requests_per_minute", quota->requests_per_minute);
	write_limit(out, "artifact_bytes", quota->artifact_bytes);
}

static void write_team(struct buffer *out, const struct team_row *row)
{
	buffer_add_text(out, "{\"id\":");
	json_write_string(out, row->id);
	write_text_member(out, "name", row->name);
	buffer_add_text(out, ",\"quota\":");
	write_quota(out, &row->quota);
	buffer_add_char(out, '}');
	write_time_member(out, "created_at", row->created_ms);
	buffer_add_char(out, '}');
}

/* ---- bodies ---- */

struct team_body {
	const char *id, *name;
	json_t *quota;
};

static const struct field team_fields[] = {
	FIELD(struct team_body, id, FIELD_STRING, FIELD_NULLABLE, 1, TEAM_MAX),
	FIELD(struct team_body, name, FIELD_STRING, FIELD_REQUIRED, 1, LIMIT_NAME),
	FIELD(struct team_body, quota, FIELD_OBJECT, FIELD_NULLABLE, 0, 0),
	{ NULL },
};

static const struct field quota_fields[] = {
	FIELD(struct quota, experiments, FIELD_INT, FIELD_NULLABLE, 1, QUOTA_MAX),
	FIELD(struct quota, trials, FIELD_INT, FIELD_NULLABLE, 1, QUOTA_MAX),
	FIELD(struct quota, requests_per_minute, FIELD_INT, FIELD_NULLABLE, 1, RATE_MAX),
	FIELD(struct quota, artifact_bytes, FIELD_INT, FIELD_NULLABLE, 1, QUOTA_MAX),
	{ NULL },
};

/* Ids appear in paths and file names: lower case, digits, - and _, a letter or digit in front. */
static bool team_id_ok(const char *id)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	return strchr(letters, id[0]) &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(id);
}

/* False: replied. */
static bool read_team(struct call *call, struct team_row *out)
{
	static const struct path quota_path = { .name = "quota" }, id_path = { .name = "id" };
	struct team_body body = { 0 };
	struct faults faults;

	json_t *document = body_json(call);
	if (!document)
		return false;
	faults_init(&faults);
	body_decode(call, document, NULL, team_fields, &body, &faults);
	if (body.quota)
		body_decode(call, body.quota, &quota_path, quota_fields, &out->quota, &faults);
	json_decref(document);
	if (body.id && !team_id_ok(body.id))
		fault_add(&faults, &id_path,
			"must be of a-z, 0-9, - and _, and start with a letter or digit");
	if (faults.n) {
		reply_faults(call, &faults);
		return false;
	}
	out->id = body.id;
	out->name = body.name;
	return true;
}

/* ---- teams ---- */

static void team_location(struct call *call, const char *id)
{
	const char *location = arena_printf(&call->arena, "/v1/teams/%s", id);

	if (location)
		call_header(call, "Location", location);
}

static void team_create(struct api *api, struct session *session, struct call *call)
{
	struct team_row row = { .created_ms = engine_now_ms(api->engine) };
	const struct idempotency *key;
	struct error err = { 0 };
	char id[ID_SIZE];

	if (!read_team(call, &row) || !idempotency_of(call, &key) ||
		idempotency_replay(api, session, call, key))
		return;
	if (!row.id) {
		id_make("team", id);
		row.id = id;
	}
	if (store_team_create(session, &row, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	write_team(&call->out, &row);
	if (idempotency_keep(api, session, key, buffer_text(&call->out), 201, &err)) {
		(void)store_team_delete(session, row.id, NULL);
		problem_reply(call, &err, NULL);
		return;
	}
	audit(api, session, call, "team.create", row.id, NULL);
	team_location(call, row.id);
	reply_json(call, 201);
}

static void list_own_team(struct session *session, struct call *call)
{
	struct team_row row;
	struct error err = { 0 };

	page_begin(call);
	if (call->identity.team) {
		if (store_team_get(session, call->identity.team, &call->arena, &row, &err)) {
			problem_reply(call, &err, NULL);
			return;
		}
		write_team(&call->out, &row);
	}
	page_end(call, NULL);
	reply_json(call, 200);
}

static void team_list(struct api *api, struct session *session, struct call *call)
{
	const struct team_row *rows;
	struct error err = { 0 };
	const char *after;
	size_t limit, n;

	(void)api;
	if (!page_arguments(call, &limit, &after))
		return;
	if (!call->identity.instance_admin) {
		list_own_team(session, call);
		return;
	}
	if (store_team_list(session, after, limit + 1, &call->arena, &rows, &n, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	page_begin(call);
	for (size_t i = 0; i < n && i < limit; i++) {
		page_between(call);
		write_team(&call->out, &rows[i]);
	}
	page_end(call, n > limit ? rows[limit - 1].id : NULL);
	reply_json(call, 200);
}

static void team_get(struct api *api, struct session *session, struct call *call)
{
	struct team_row row;
	struct error err = { 0 };

	(void)api;
	if (!team_visible(call, call->args[0]))
		return;
	if (store_team_get(session, call->args[0], &call->arena, &row, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	write_team(&call->out, &row);
	reply_json(call, 200);
}

static void team_delete(struct api *api, struct session *session, struct call *call)
{
	const char *team = call->args[0];
	struct error err = { 0 };

	/* Open mode, and tokens without a team of their own, work in it. */
	if (strcmp(team, "default") == 0)
		fail(&err, CODE_CONFLICT, "the team default stays");
	else if (call->identity.team && strcmp(team, call->identity.team) == 0)
		fail(&err, CODE_CONFLICT, "this token belongs to the team %s itself", team);
	else
		store_team_delete(session, team, &err);
	if (err.code) {
		problem_reply(call, &err, NULL);
		return;
	}
	auth_forget(api->auth);
	audit(api, session, call, "team.delete", team, NULL);
	reply_empty(call, 204);
}

/* ---- quotas ---- */

/* The limits, and what of them is used. */
static void reply_quota(struct session *session, struct call *call, const struct quota *quota)
{
	const char *team = call->args[0];
	int64_t experiments, trials, bytes;
	struct error err = { 0 };

	if (store_experiment_count(session, team, &experiments, &err) ||
		store_team_trials(session, team, &trials, &err) ||
		store_artifact_bytes(session, team, &bytes, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	write_quota(&call->out, quota);
	buffer_printf(&call->out,
		",\"used\":{\"experiments\":%" PRId64 ",\"trials\":%" PRId64
		",\"artifact_bytes\":%" PRId64 "}}",
		experiments, trials, bytes);
	reply_json(call, 200);
}

static void quota_get(struct api *api, struct session *session, struct call *call)
{
	struct team_row row;
	struct error err = { 0 };

	(void)api;
	if (!team_visible(call, call->args[0]))
		return;
	if (store_team_get(session, call->args[0], &call->arena, &row, &err))
		problem_reply(call, &err, NULL);
	else
		reply_quota(session, call, &row.quota);
}

static void quota_put(struct api *api, struct session *session, struct call *call)
{
	struct quota quota = { 0 };
	struct faults faults;
	struct error err = { 0 };

	json_t *document = body_json(call);
	if (!document)
		return;
	faults_init(&faults);
	body_decode(call, document, NULL, quota_fields, &quota, &faults);
	json_decref(document);
	if (faults.n) {
		reply_faults(call, &faults);
		return;
	}
	if (store_quota_set(session, call->args[0], &quota, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	auth_forget(api->auth);
	const char *detail = arena_strndup(&call->arena, call->body.data, call->body.size);
	audit(api, session, call, "quota.set", call->args[0], detail);
	reply_quota(session, call, &quota);
}

#define TEAM_BODY_BYTES 16384

const struct route routes_team[] = {
	{ METHOD_GET, "/v1/audit", "listAudit", audit_list, SCOPE_ADMIN, 0, 0,
		"limit cursor team" },
	{ METHOD_GET, "/v1/teams", "listTeams", team_list, SCOPE_READ, 0, 0, "limit cursor" },
	{ METHOD_POST, "/v1/teams", "createTeam", team_create, SCOPE_ADMIN,
		ROUTE_JSON | ROUTE_INSTANCE, TEAM_BODY_BYTES, "" },
	{ METHOD_GET, "/v1/teams/{id}", "getTeam", team_get, SCOPE_READ, 0, 0, "" },
	{ METHOD_DELETE, "/v1/teams/{id}", "deleteTeam", team_delete, SCOPE_ADMIN, ROUTE_INSTANCE,
		0, "" },
	{ METHOD_GET, "/v1/teams/{id}/quota", "getQuota", quota_get, SCOPE_READ, 0, 0, "" },
	{ METHOD_PUT, "/v1/teams/{id}/quota", "setQuota", quota_put, SCOPE_ADMIN,
		ROUTE_JSON | ROUTE_INSTANCE, TEAM_BODY_BYTES, "" },
	{ METHOD_GET, "/v1/tokens", "listTokens", token_list, SCOPE_ADMIN, 0, 0,
		"limit cursor team" },
	{ METHOD_POST, "/v1/tokens", "createToken", token_create, SCOPE_ADMIN, ROUTE_JSON,
		TEAM_BODY_BYTES, "" },
	{ METHOD_DELETE, "/v1/tokens/{id}", "deleteToken", token_delete, SCOPE_ADMIN, 0, 0, "" },
	{ 0 },
};
