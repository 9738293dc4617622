#include "storage/store_internal.h"

static const struct sql_statement audit_insert = {
	.name = "audit_insert",
	.text = "INSERT INTO audit (at_ms, team, actor, action, target, detail, request_id) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7)",
	.types = "itttttt",
	.columns = "",
};

static const struct sql_statement audit_list = {
	.name = "audit_list",
	.text = "SELECT id, at_ms, team, actor, action, target, detail, request_id FROM audit "
		"WHERE (CAST($1 AS TEXT) IS NULL OR team = $1) AND id < $2 "
		"ORDER BY id DESC LIMIT $3",
	.types = "tii",
	.columns = "iitttttt",
};

int store_audit_add(struct session *session, const struct audit_row *row, struct error *err)
{
	const struct sql_value values[] = {
		sql_int(row->at_ms),
		sql_text(row->team),
		sql_text(row->actor),
		sql_text(row->action),
		sql_text(row->target),
		sql_text(row->detail),
		sql_text(row->request_id),
	};
	return session_run_one(
		session, SQL_WRITE, &audit_insert, SQL_N(values), values, NULL, NULL, err);
}

static struct audit_row audit_read(const struct sql_row *row)
{
	const struct sql_value *values = row->values;
	return (struct audit_row){
		.id = value_int(&values[0]),
		.at_ms = value_int(&values[1]),
		.team = value_text(&values[2]),
		.actor = value_text(&values[3]),
		.action = value_text(&values[4]),
		.target = value_text(&values[5]),
		.detail = value_text(&values[6]),
		.request_id = value_text(&values[7]),
	};
}

int store_audit_list(struct session *session, const char *team, int64_t before_id, size_t limit,
	struct arena *arena, const struct audit_row **out, size_t *n, struct error *err)
{
	const struct sql_value values[] = { sql_text(team),
		sql_int(before_id ? before_id : INT64_MAX), sql_int((int64_t)limit) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &audit_list, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	struct audit_row *rows = arena_array(arena, result->n_rows, sizeof(*rows));
	if (!rows)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu audit rows", result->n_rows);
	for (size_t i = 0; i < result->n_rows; i++)
		rows[i] = audit_read(&result->rows[i]);
	*out = rows;
	*n = result->n_rows;
	return 0;
}
