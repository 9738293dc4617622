/*
 * Artifacts: one row that describes, and the bytes in chunk rows of one size, so that a part can be
 * read without the rest.
 */
#include <string.h>

#include "storage/store_internal.h"

/* Large enough that a row's overhead vanishes, small enough to read a part of. Part of the stored
 * format: never change. */
#define CHUNK 262144

#define COLUMNS	     "trial, name, content_type, size, sha256, updated_ms"
#define COLUMN_TYPES "ittiti"

static const struct sql_statement artifact_upsert = {
	.name = "artifact_upsert",
	.text = "INSERT INTO artifacts (experiment, trial, name, content_type, size, sha256, "
		"updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) "
		"ON CONFLICT (experiment, trial, name) DO UPDATE SET "
		"content_type = excluded.content_type, size = excluded.size, "
		"sha256 = excluded.sha256, updated_ms = excluded.updated_ms",
	.types = "tittiti",
	.columns = "",
};

static const struct sql_statement chunks_delete = {
	.name = "artifact_chunks_delete",
	.text = "DELETE FROM artifact_chunks "
		"WHERE experiment = $1 AND trial = $2 AND name = $3",
	.types = "tit",
	.columns = "",
};

static const struct sql_statement chunk_insert = {
	.name = "artifact_chunk_insert",
	.text = "INSERT INTO artifact_chunks (experiment, trial, name, chunk, data) "
		"VALUES ($1, $2, $3, $4, $5)",
	.types = "titib",
	.columns = "",
};

static const struct sql_statement artifact_select = {
	.name = "artifact_select",
	.text = "SELECT " COLUMNS " FROM artifacts "
		"WHERE experiment = $1 AND trial = $2 AND name = $3",
	.types = "tit",
	.columns = COLUMN_TYPES,
};

static const struct sql_statement chunks_select = {
	.name = "artifact_chunks_select",
	.text = "SELECT data FROM artifact_chunks WHERE experiment = $1 AND trial = $2 "
		"AND name = $3 AND chunk >= $4 AND chunk <= $5 ORDER BY chunk",
	.types = "titii",
	.columns = "b",
};

static const struct sql_statement artifact_list = {
	.name = "artifact_list",
	.text = "SELECT " COLUMNS " FROM artifacts "
		"WHERE experiment = $1 AND trial = $2 AND name > $3 ORDER BY name LIMIT $4",
	.types = "titi",
	.columns = COLUMN_TYPES,
};

static const struct sql_statement artifact_delete = {
	.name = "artifact_delete",
	.text = "DELETE FROM artifacts WHERE experiment = $1 AND trial = $2 AND name = $3",
	.types = "tit",
	.columns = "",
};

static const struct sql_statement artifact_bytes = {
	.name = "artifact_bytes",
	.text = "SELECT CAST(COALESCE(SUM(a.size), 0) AS BIGINT) FROM experiments e "
		"JOIN artifacts a ON a.experiment = e.id "
		"WHERE (CAST($1 AS TEXT) IS NULL OR e.team = $1)",
	.types = "t",
	.columns = "i",
};

static struct artifact_row artifact_read(const struct sql_row *row)
{
	return (struct artifact_row){
		.trial = value_int(&row->values[0]),
		.name = value_text(&row->values[1]),
		.content_type = value_text(&row->values[2]),
		.size = value_int(&row->values[3]),
		.sha256 = value_text(&row->values[4]),
		.updated_ms = value_int(&row->values[5]),
	};
}

static int fail_absent(int64_t trial, const char *name, struct error *err)
{
	return fail(err, CODE_NOT_FOUND, "trial %lld has no artifact %s", (long long)trial, name);
}

int store_artifact_put(struct session *session, const char *experiment,
	const struct artifact_row *row, const void *data, struct error *err)
{
	struct sql_batch *batch = session_batch(session);
	struct sql_value values[] = {
		sql_text(experiment),
		sql_int(row->trial),
		sql_text(row->name),
		sql_text(row->content_type),
		sql_int(row->size),
		sql_text(row->sha256),
		sql_int(row->updated_ms),
	};
	sql_add(batch, &artifact_upsert, 7, values);
	sql_add(batch, &chunks_delete, 3, values);
	for (int64_t at = 0, k = 0; at < row->size; at += CHUNK, k++) {
		size_t size = row->size - at < CHUNK ? (size_t)(row->size - at) : CHUNK;
		values[3] = sql_int(k);
		values[4] = sql_blob((const char *)data + at, size);
		sql_add(batch, &chunk_insert, 5, values);
	}
	int rc = session_run(session, SQL_WRITE, batch, err);
	if (rc == CODE_CONFLICT && batch->refusal == REFUSAL_FOREIGN_KEY)
		return fail(err, CODE_NOT_FOUND, "there is no trial %lld in %s",
			(long long)row->trial, experiment);
	return rc;
}

int store_artifact_get(struct session *session, const char *experiment, int64_t trial,
	const char *name, struct arena *arena, struct artifact_row *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_int(trial), sql_text(name) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &artifact_select, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail_absent(trial, name, err);
	*out = artifact_read(&result->rows[0]);
	return 0;
}

/* Of the chunks from the one that holds offset on, the bytes from offset, at most size. */
static int chunks_join(const struct sql_result *chunks, size_t skip, size_t size,
	struct arena *arena, const void **out, size_t *n, struct error *err)
{
	size_t total = 0;
	for (size_t i = 0; i < chunks->n_rows; i++)
		total += chunks->rows[i].values[0].size;
	size_t room = total > skip ? total - skip : 0;
	if (room > size)
		room = size;
	char *joined = arena_alloc(arena, room);
	if (!joined)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu bytes of an artifact", room);
	size_t done = 0;
	for (size_t i = 0; i < chunks->n_rows && done < room; i++) {
		const struct sql_value *chunk = &chunks->rows[i].values[0];
		size_t from = i ? 0 : skip;
		size_t part = chunk->size - from < room - done ? chunk->size - from : room - done;
		memcpy(joined + done, (const char *)chunk->blob + from, part);
		done += part;
	}
	*out = joined;
	*n = room;
	return 0;
}

int store_artifact_read(struct session *session, const char *experiment, int64_t trial,
	const char *name, int64_t offset, size_t size, struct arena *arena, const void **out,
	size_t *n, struct error *err)
{
	if (offset < 0)
		return fail(err, CODE_INVALID, "an offset cannot be negative");
	int64_t last;
	if (!size || __builtin_add_overflow(offset, (int64_t)size - 1, &last))
		last = offset;
	const struct sql_value values[] = {
		sql_text(experiment),
		sql_int(trial),
		sql_text(name),
		sql_int(offset / CHUNK),
		sql_int(last / CHUNK),
	};
	struct sql_batch *batch = session_batch(session);
	sql_add(batch, &artifact_select, 3, values);
	sql_add(batch, &chunks_select, 5, values);
	int rc = session_run(session, SQL_READ, batch, err);
	if (rc)
		return rc;
	if (!sql_result(batch, 0)->n_rows)
		return fail_absent(trial, name, err);
	return chunks_join(
		sql_result(batch, 1), (size_t)(offset % CHUNK), size, arena, out, n, err);
}

int store_artifact_list(struct session *session, const char *experiment, int64_t trial,
	const char *after, size_t limit, struct arena *arena, const struct artifact_row **out,
	size_t *n, struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_int(trial),
		sql_text(after ? after : ""), sql_int((int64_t)limit) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &artifact_list, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	struct artifact_row *rows = arena_array(arena, result->n_rows, sizeof(*rows));
	if (!rows)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu artifacts", result->n_rows);
	for (size_t i = 0; i < result->n_rows; i++)
		rows[i] = artifact_read(&result->rows[i]);
	*out = rows;
	*n = result->n_rows;
	return 0;
}

int store_artifact_delete(struct session *session, const char *experiment, int64_t trial,
	const char *name, struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_int(trial), sql_text(name) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_WRITE, &artifact_delete, SQL_N(values), values, NULL, &result, err);
	if (rc)
		return rc;
	return result->n_affected ? 0 : fail_absent(trial, name, err);
}

int store_artifact_bytes(struct session *session, const char *team, int64_t *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(team) };
	return session_run_int(session, &artifact_bytes, SQL_N(values), values, out, err);
}
