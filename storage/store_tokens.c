#include "storage/store_internal.h"

#define COLUMNS	     "id, team, name, digest, scopes, created_ms, expires_ms, used_ms"
#define COLUMN_TYPES "ttttiiii"

static const struct sql_statement token_insert = {
	.name = "token_insert",
	.text = "INSERT INTO tokens (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	.types = COLUMN_TYPES,
	.columns = "",
};

static const struct sql_statement token_by_digest = {
	.name = "token_by_digest",
	.text = "SELECT " COLUMNS " FROM tokens WHERE digest = $1",
	.types = "t",
	.columns = COLUMN_TYPES,
};

static const struct sql_statement token_list = {
	.name = "token_list",
	.text = "SELECT " COLUMNS " FROM tokens WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) "
		"AND id > $2 ORDER BY id LIMIT $3",
	.types = "tti",
	.columns = COLUMN_TYPES,
};

static const struct sql_statement token_delete = {
	.name = "token_delete",
	.text = "DELETE FROM tokens WHERE id = $2 AND (CAST($1 AS TEXT) IS NULL OR team = $1)",
	.types = "tt",
	.columns = "",
};

static const struct sql_statement token_touch = {
	.name = "token_touch",
	.text = "UPDATE tokens SET used_ms = $2 WHERE id = $1 AND used_ms < $2",
	.types = "ti",
	.columns = "",
};

static const struct sql_statement token_count = {
	.name = "token_count",
	.text = "SELECT COUNT(*) FROM tokens",
	.types = "",
	.columns = "i",
};

static struct token_row token_read(const struct sql_row *row)
{
	const struct sql_value *values = row->values;
	return (struct token_row){
		.id = value_text(&values[0]),
		.team = value_text(&values[1]),
		.name = value_text(&values[2]),
		.digest = value_text(&values[3]),
		.scopes = (unsigned)value_int(&values[4]),
		.created_ms = value_int(&values[5]),
		.expires_ms = value_int(&values[6]),
		.used_ms = value_int(&values[7]),
	};
}

int store_token_create(struct session *session, const struct token_row *row, struct error *err)
{
	const struct sql_value values[] = {
		sql_text(row->id),
		sql_text(row->team),
		sql_text(row->name),
		sql_text(row->digest),
		sql_int(row->scopes),
		sql_int(row->created_ms),
		sql_int(row->expires_ms),
		sql_int(row->used_ms),
	};
	struct sql_batch *batch = session_batch(session);
	sql_add(batch, &token_insert, SQL_N(values), values);
	int rc = session_run(session, SQL_WRITE, batch, err);
	if (rc != CODE_CONFLICT)
		return rc;
	if (batch->refusal == REFUSAL_FOREIGN_KEY)
		return fail(err, CODE_NOT_FOUND, "there is no team %s", row->team);
	return fail(err, CODE_CONFLICT, "there is a token %s already", row->id);
}

int store_token_by_digest(struct session *session, const char *digest, struct arena *arena,
	struct token_row *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(digest) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &token_by_digest, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail(err, CODE_NOT_FOUND, "there is no such token");
	*out = token_read(&result->rows[0]);
	return 0;
}

int store_token_list(struct session *session, const char *team, const char *after, size_t limit,
	struct arena *arena, const struct token_row **out, size_t *n, struct error *err)
{
	const struct sql_value values[] = { sql_text(team), sql_text(after ? after : ""),
		sql_int((int64_t)limit) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &token_list, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	struct token_row *rows = arena_array(arena, result->n_rows, sizeof(*rows));
	if (!rows)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu tokens", result->n_rows);
	for (size_t i = 0; i < result->n_rows; i++)
		rows[i] = token_read(&result->rows[i]);
	*out = rows;
	*n = result->n_rows;
	return 0;
}

int store_token_delete(struct session *session, const char *team, const char *id, struct error *err)
{
	const struct sql_value values[] = { sql_text(team), sql_text(id) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_WRITE, &token_delete, SQL_N(values), values, NULL, &result, err);
	if (rc)
		return rc;
	return result->n_affected ? 0 : fail(err, CODE_NOT_FOUND, "there is no token %s", id);
}

int store_token_touch(struct session *session, const char *id, int64_t now_ms, struct error *err)
{
	const struct sql_value values[] = { sql_text(id), sql_int(now_ms) };
	return session_run_one(
		session, SQL_WRITE, &token_touch, SQL_N(values), values, NULL, NULL, err);
}

int store_token_count(struct session *session, int64_t *out, struct error *err)
{
	return session_run_int(session, &token_count, 0, NULL, out, err);
}
