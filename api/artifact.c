/*
 * Artifacts of trials: checkpoints, TensorBoard event files, models. What clients store is served
 * as a download, never as a page of this server.
 */
#include "api/artifact.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/allowance.h"
#include "api/problem.h"
#include "api/reply.h"

#define CHUNK_BYTES   (256u << 10)
#define MEDIA_DEFAULT "application/octet-stream"
#define MEDIA_MAX     200

static void write_artifact(struct buffer *out, const struct artifact_row *row)
{
	buffer_add_text(out, "{\"name\":");
	json_write_string(out, row->name);
	write_text_member(out, "content_type", row->content_type);
	buffer_printf(out, ",\"size\":%" PRId64, row->size);
	write_text_member(out, "sha256", row->sha256);
	write_time_member(out, "updated_at", row->updated_ms);
	buffer_add_char(out, '}');
}

bool trial_of(struct api *api, struct session *session, struct call *call,
	struct experiment_row *row, int64_t *number)
{
	struct trial trial;
	struct error err = { 0 };

	if (!trial_number_of(call, 1, number) || !experiment_of(api, session, call, row))
		return false;
	if (!store_trial_get(session, row->id, *number, &call->arena, &trial, &err))
		return true;
	problem_reply(call, &err, NULL);
	return false;
}

static const char *media_type_of(struct call *call)
{
	const char *type = call->transport->header(call, "Content-Type");
	if (!type || !*type || strlen(type) > MEDIA_MAX)
		return MEDIA_DEFAULT;
	for (const char *c = type; *c; c++)
		if (*c < ' ' || *c > '~')
			return MEDIA_DEFAULT;
	return type;
}

static void artifact_put(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	struct artifact_row before, artifact = { .name = call->args[2] };
	struct error err = { 0 };
	char digest[65];

	if (!trial_of(api, session, call, &row, &artifact.trial))
		return;
	int known = store_artifact_get(
		session, row.id, artifact.trial, artifact.name, &call->arena, &before, &err);
	if (known && known != CODE_NOT_FOUND) {
		problem_reply(call, &err, NULL);
		return;
	}
	/* What it replaces is given back first. */
	size_t size = call->body.size;
	size_t freed = known ? 0 : (size_t)before.size;
	if (size > freed && !allowance_artifact(api, session, call, row.team, size - freed))
		return;
	digest_hex(call->body.data ? call->body.data : "", size, digest);
	artifact.content_type = media_type_of(call);
	artifact.size = (int64_t)size;
	artifact.updated_ms = engine_now_ms(api->engine);
	artifact.sha256 = digest;
	if (store_artifact_put(
		    session, row.id, &artifact, call->body.data ? call->body.data : "", &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	write_artifact(&call->out, &artifact);
	reply_json(call, known ? 201 : 200);
}

/* ---- reading ---- */

struct artifact_stream {
	struct stream stream; /* first: the transport's stream is this */
	struct arena page, keep;
	const char *experiment, *name, *sha256;
	int64_t trial, offset, size;
};

/* The row is read with each chunk: an artifact that is replaced while it is sent must break off,
 * not become a mixture. */
static int artifact_same(
	struct artifact_stream *artifact, struct session *session, struct error *err)
{
	struct artifact_row row;
	int rc = store_artifact_get(session, artifact->experiment, artifact->trial, artifact->name,
		&artifact->page, &row, err);
	if (!rc && strcmp(row.sha256, artifact->sha256) != 0)
		return fail(err, CODE_CONFLICT, "artifact %s was replaced while it was sent",
			artifact->name);
	return rc;
}

static int artifact_next(struct stream *stream, struct session *session, bool ping,
	struct buffer *out, bool *done, struct error *err)
{
	struct artifact_stream *artifact = (struct artifact_stream *)stream;
	const void *data;
	size_t n = 0;

	(void)ping; /* never idle */
	arena_reset(&artifact->page);
	int rc = store_artifact_read(session, artifact->experiment, artifact->trial, artifact->name,
		artifact->offset, CHUNK_BYTES, &artifact->page, &data, &n, err);
	if (rc)
		return rc;
	buffer_add(out, data, n);
	artifact->offset += (int64_t)n;
	*done = artifact->offset >= artifact->size;
	rc = artifact_same(artifact, session, err);
	if (!rc && n == 0 && !*done)
		rc = fail(err, CODE_INTERNAL, "artifact %s ends at byte %" PRId64 " of %" PRId64,
			artifact->name, artifact->offset, artifact->size);
	return rc;
}

static void artifact_close(struct stream *stream)
{
	struct artifact_stream *artifact = (struct artifact_stream *)stream;
	arena_release(&artifact->page);
	arena_release(&artifact->keep);
	free(artifact);
}

/* The name as a header may carry it: other bytes than letters, digits and . _ - become _. */
static void disposition(struct call *call, const char *name)
{
	char *text = arena_printf(&call->arena, "attachment; filename=\"%s\"", name);
	if (!text)
		return;
	for (char *c = text + strlen("attachment; filename=\""); c[1]; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9') || strchr("._-", *c);
		if (!plain)
			*c = '_';
	}
	call_header(call, "Content-Disposition", text);
}

static bool same_tag(struct call *call, const char *etag)
{
	const char *text = call->transport->header(call, "If-None-Match");
	return text && (strcmp(text, "*") == 0 || strstr(text, etag));
}

static void stream_artifact(struct call *call, const char *id, const struct artifact_row *row)
{
	struct artifact_stream *artifact = calloc(1, sizeof(*artifact));
	if (!artifact) {
		no_memory_reply(call);
		return;
	}
	arena_init(&artifact->keep, 0);
	arena_init(&artifact->page, 4 * CHUNK_BYTES);
	artifact->stream = (struct stream){ artifact_next, artifact_close };
	artifact->experiment = arena_strdup(&artifact->keep, id);
	artifact->name = arena_strdup(&artifact->keep, row->name);
	artifact->sha256 = arena_strdup(&artifact->keep, row->sha256);
	artifact->trial = row->trial;
	artifact->size = row->size;
	if (!artifact->experiment || !artifact->name || !artifact->sha256) {
		artifact_close(&artifact->stream);
		no_memory_reply(call);
		return;
	}
	call->status = 200;
	call->content_type = row->content_type;
	call->stream = &artifact->stream;
	call_finish(call);
}

static void artifact_get(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	struct artifact_row artifact;
	struct error err = { 0 };
	int64_t number;

	if (!trial_of(api, session, call, &row, &number))
		return;
	if (store_artifact_get(
		    session, row.id, number, call->args[2], &call->arena, &artifact, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	artifact.trial = number;
	const char *etag = arena_printf(&call->arena, "\"%s\"", artifact.sha256);
	if (etag)
		call_header(call, "ETag", etag);
	if (etag && same_tag(call, etag)) {
		reply_empty(call, 304);
		return;
	}
	disposition(call, artifact.name);
	call_header(call, "Content-Security-Policy", "sandbox");
	if (artifact.size > 0) {
		stream_artifact(call, row.id, &artifact);
		return;
	}
	call->status = 200;
	call->content_type = artifact.content_type;
	call_finish(call);
}

static void artifact_delete(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	struct error err = { 0 };
	int64_t number;

	if (!trial_of(api, session, call, &row, &number))
		return;
	if (store_artifact_delete(session, row.id, number, call->args[2], &err))
		problem_reply(call, &err, NULL);
	else
		reply_empty(call, 204);
}

static void artifact_list(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	const struct artifact_row *rows;
	const char *cursor;
	struct error err = { 0 };
	size_t limit, n;
	int64_t number;

	if (!page_arguments(call, &limit, &cursor) || !trial_of(api, session, call, &row, &number))
		return;
	if (store_artifact_list(
		    session, row.id, number, cursor, limit, &call->arena, &rows, &n, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	page_begin(call);
	for (size_t i = 0; i < n; i++) {
		page_between(call);
		write_artifact(&call->out, &rows[i]);
	}
	page_end(call, n == limit ? rows[n - 1].name : NULL);
	reply_json(call, 200);
}

#define TRIAL "/v1/experiments/{id}/trials/{n}"

const struct route routes_artifact[] = {
	{ METHOD_GET, TRIAL "/artifacts", "listArtifacts", artifact_list, SCOPE_READ, 0, 0,
		"limit cursor" },
	{ METHOD_PUT, TRIAL "/artifacts/{name}", "putArtifact", artifact_put, SCOPE_TRIAL,
		ROUTE_RAW, LIMIT_ARTIFACT_BYTES, "" },
	{ METHOD_GET, TRIAL "/artifacts/{name}", "getArtifact", artifact_get, SCOPE_READ, 0, 0,
		"" },
	{ METHOD_DELETE, TRIAL "/artifacts/{name}", "deleteArtifact", artifact_delete, SCOPE_TRIAL,
		0, 0, "" },
	{ METHOD_POST, TRIAL "/log", "appendLog", log_append, SCOPE_TRIAL, ROUTE_RAW,
		LIMIT_BODY_BYTES, "offset" },
	{ METHOD_GET, TRIAL "/log", "getLog", log_get, SCOPE_READ, 0, 0, "offset tail" },
	{ METHOD_GET, NULL },
};
