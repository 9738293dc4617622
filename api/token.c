#include "api/team.h"

#include <string.h>

#include "api/auth_cache.h"
#include "api/body.h"
#include "api/problem.h"
#include "api/reply.h"
#include "core/json.h"

#define EXPIRY_MAX_MS (3650ll * 24 * 3600 * 1000) /* ten years; leave expires_in out for ever */

struct token_body {
	const char *name, *team;
	json_t *scopes;
	bool instance_admin;
	int64_t expires_in, expires_at;
};

static const struct field token_fields[] = {
	FIELD(struct token_body, name, FIELD_STRING, FIELD_REQUIRED, 1, LIMIT_NAME),
	FIELD(struct token_body, team, FIELD_STRING, FIELD_NULLABLE, 1, TEAM_MAX),
	FIELD(struct token_body, scopes, FIELD_ARRAY, FIELD_REQUIRED, 1, 4),
	FIELD(struct token_body, instance_admin, FIELD_BOOL, 0, 0, 0),
	FIELD(struct token_body, expires_in, FIELD_DURATION, FIELD_NULLABLE, 1000, EXPIRY_MAX_MS),
	FIELD(struct token_body, expires_at, FIELD_TIME, FIELD_NULLABLE, 0, 0),
	{ NULL },
};

/* All but the end of the object, which creation adds the secret to. */
static void write_token(struct buffer *out, const struct token_row *row)
{
	buffer_add_text(out, "{\"id\":");
	json_write_string(out, row->id);
	write_text_member(out, "team", row->team);
	write_text_member(out, "name", row->name);
	buffer_add_text(out, ",\"scopes\":");
	scopes_write(row->scopes, out);
	buffer_printf(out, ",\"instance_admin\":%s",
		row->scopes & SCOPE_INSTANCE || !row->team ? "true" : "false");
	write_time_member(out, "created_at", row->created_ms);
	write_time_member(out, "expires_at", row->expires_ms);
	write_time_member(out, "last_used_at", row->used_ms);
}

/* ---- create ---- */

static unsigned read_scopes(const json_t *array, struct faults *faults)
{
	static const struct path up = { .name = "scopes" };
	unsigned scopes = 0, bit;

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));
		struct path at = { .up = &up, .index = i };
		if (!name || !scope_parse(name, &bit))
			fault_add(faults, &at, "must be one of read, trial, write, admin");
		else
			scopes |= bit;
	}
	return scopes;
}

static int64_t read_expiry(const struct token_body *body, int64_t now_ms, struct faults *faults)
{
	static const struct path at = { .name = "expires_at" };

	if (body->expires_in && body->expires_at)
		fault_add(faults, &at, "give expires_at or expires_in, not both");
	else if (body->expires_at && body->expires_at <= now_ms)
		fault_add(faults, &at, "is in the past");
	return body->expires_in ? now_ms + body->expires_in : body->expires_at;
}

/* False: replied. */
static bool read_token(struct api *api, struct call *call, struct token_row *out)
{
	static const struct path scopes_path = { .name = "scopes" };
	struct token_body body = { 0 };
	struct faults faults;

	json_t *document = body_json(call);
	if (!document)
		return false;
	faults_init(&faults);
	out->created_ms = engine_now_ms(api->engine);
	body_decode(call, document, NULL, token_fields, &body, &faults);
	out->scopes = read_scopes(body.scopes, &faults);
	out->expires_ms = read_expiry(&body, out->created_ms, &faults);
	json_decref(document);
	if (body.instance_admin && out->scopes && !(out->scopes & SCOPE_ADMIN))
		fault_add(&faults, &scopes_path, "an instance admin needs the scope admin");
	if (faults.n) {
		reply_faults(call, &faults);
		return false;
	}
	out->name = body.name;
	out->team = body.team ? body.team : call->identity.team;
	if (!out->team)
		out->team = "default";
	if (body.instance_admin)
		out->scopes |= SCOPE_INSTANCE;
	return true;
}

/* May this caller make that token? False: replied. */
static bool may_create(struct call *call, const struct token_row *row)
{
	if (!team_visible(call, row->team))
		return false;
	if (row->scopes & SCOPE_INSTANCE && !call->identity.instance_admin) {
		problem_replyf(call, CODE_FORBIDDEN,
			"only an instance admin can make another instance admin");
		return false;
	}
	if (strcmp(call->identity.token, "open") == 0 && !(row->scopes & SCOPE_INSTANCE)) {
		problem_replyf(call, CODE_CONFLICT,
			"the first token must have instance_admin: true, for it closes the server "
			"and nobody else could make another");
		return false;
	}
	return true;
}

/* The first answer carries the secret; what is kept for repeats says that it did. */
static int finish_create(struct api *api, struct session *session, struct call *call,
	const struct idempotency *key, const struct token_row *row, const char *secret,
	struct error *err)
{
	struct buffer kept;

	buffer_init(&kept, LIMIT_BODY_BYTES);
	write_token(&kept, row);
	buffer_add_text(&kept,
		",\"secret\":null,\"detail\":\"the secret was in the first answer and is not "
		"kept\"}");
	int rc = kept.failed ? fail(err, CODE_NO_MEMORY, "no memory for the answer")
			     : idempotency_keep(api, session, key, buffer_text(&kept), 201, err);
	buffer_release(&kept);
	if (rc)
		return rc;
	write_token(&call->out, row);
	buffer_printf(&call->out, ",\"secret\":\"%s\"}", secret);
	return 0;
}

void token_create(struct api *api, struct session *session, struct call *call)
{
	char id[ID_SIZE], secret[API_SECRET_SIZE], digest[65];
	struct token_row row = { .id = id, .digest = digest };
	const struct idempotency *key;
	struct error err = { 0 };

	if (!read_token(api, call, &row) || !may_create(call, &row) ||
		!idempotency_of(call, &key) || idempotency_replay(api, session, call, key))
		return;
	id_make("tok", id);
	secret_make(secret);
	digest_hex(secret, strlen(secret), digest);
	if (store_token_create(session, &row, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	if (finish_create(api, session, call, key, &row, secret, &err)) {
		(void)store_token_delete(session, NULL, id, NULL);
		problem_reply(call, &err, NULL);
		return;
	}
	auth_forget(api->auth); /* the first token closes the server at once */
	audit(api, session, call, "token.create", id, NULL);
	call_header(call, "Cache-Control", "no-store");
	reply_json(call, 201);
}

/* ---- list, delete ---- */

void token_list(struct api *api, struct session *session, struct call *call)
{
	const struct token_row *rows;
	struct error err = { 0 };
	const char *after, *team;
	size_t limit, n;

	(void)api;
	if (!page_arguments(call, &limit, &after) || !team_of_list(call, &team))
		return;
	if (store_token_list(session, team, after, limit + 1, &call->arena, &rows, &n, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	page_begin(call);
	for (size_t i = 0; i < n && i < limit; i++) {
		page_between(call);
		write_token(&call->out, &rows[i]);
		buffer_add_char(&call->out, '}');
	}
	page_end(call, n > limit ? rows[limit - 1].id : NULL);
	reply_json(call, 200);
}

/* Without any token a restarted server would be open, so the last instance admin's stays. */
static int check_last(struct session *session, struct call *call, const char *id, struct error *err)
{
	const struct token_row *rows;
	const char *after = NULL;
	bool is_admin = false, other = false;
	size_t n;

	do {
		int rc = store_token_list(
			session, NULL, after, LIMIT_PAGE, &call->arena, &rows, &n, err);
		if (rc)
			return rc;
		for (size_t i = 0; i < n; i++) {
			bool admin = rows[i].scopes & SCOPE_INSTANCE || !rows[i].team;
			bool same = strcmp(rows[i].id, id) == 0;
			is_admin = is_admin || (admin && same);
			other = other || (admin && !same);
		}
		after = n ? rows[n - 1].id : NULL;
	} while (n == LIMIT_PAGE);
	if (is_admin && !other)
		return fail(err, CODE_CONFLICT,
			"%s is the last instance admin's token; create another one first", id);
	return 0;
}

void token_delete(struct api *api, struct session *session, struct call *call)
{
	const char *team = call->identity.instance_admin ? NULL : call->identity.team;
	const char *id = call->args[0];
	struct error err = { 0 };

	if (check_last(session, call, id, &err) || store_token_delete(session, team, id, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	auth_forget(api->auth);
	audit(api, session, call, "token.delete", id, NULL);
	reply_empty(call, 204);
}

/* ---- without a request ---- */

/* Makes the team default when it is asked for by name or by silence: older databases may lack it.
 */
static int need_team(struct session *session, const char *team, int64_t now_ms, struct error *err)
{
	struct arena arena;
	struct team_row row;

	arena_init(&arena, 0);
	int rc = store_team_get(session, team, &arena, &row, err);
	arena_release(&arena);
	if (rc != CODE_NOT_FOUND || strcmp(team, "default") != 0)
		return rc;
	row = (struct team_row){ .id = "default", .name = "default", .created_ms = now_ms };
	rc = store_team_create(session, &row, err);
	return rc == CODE_CONFLICT ? 0 : rc;
}

static bool secret_ok(const char *secret)
{
	size_t n = strlen(secret);

	if (n < API_SECRET_MIN || n >= API_SECRET_SIZE)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (secret[i] <= ' ' || secret[i] > '~')
			return false;
	}
	return true;
}

int api_token_bootstrap(struct session *session, const char *team, const char *name,
	bool instance_admin, const char *secret_in, char *secret_out, struct error *err)
{
	char id[ID_SIZE], secret[API_SECRET_SIZE], digest[65];
	int64_t now_ms, n = 0;

	if (secret_in && !secret_ok(secret_in))
		return fail(err, CODE_INVALID,
			"the secret must be %d to %d visible ASCII characters", API_SECRET_MIN,
			API_SECRET_SIZE - 1);
	team = team ? team : "default";
	int rc = store_clock(session, &now_ms, err);
	if (!rc)
		rc = need_team(session, team, now_ms, err);
	if (!rc && secret_in)
		rc = store_token_count(session, &n, err);
	if (rc)
		return rc;
	if (n > 0) {
		secret_out[0] = '\0';
		return 0;
	}
	id_make("tok", id);
	if (secret_in)
		memcpy(secret, secret_in, strlen(secret_in) + 1);
	else
		secret_make(secret);
	digest_hex(secret, strlen(secret), digest);
	const struct token_row row = {
		.id = id,
		.team = team,
		.name = name,
		.digest = digest,
		.scopes = SCOPE_ALL | (instance_admin ? SCOPE_INSTANCE : 0),
		.created_ms = now_ms,
	};
	rc = store_token_create(session, &row, err);
	if (!rc)
		memcpy(secret_out, secret, strlen(secret) + 1);
	return rc;
}
