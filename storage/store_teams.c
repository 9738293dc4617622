#include "storage/store_internal.h"

#define COLUMNS                                                                                    \
	"id, name, quota_experiments, quota_trials, quota_requests_per_minute, "                   \
	"quota_artifact_bytes, created_ms"
#define COLUMN_TYPES "ttiiiii"

static const struct sql_statement team_insert = {
	.name = "team_insert",
	.text = "INSERT INTO teams (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7)",
	.types = COLUMN_TYPES,
	.columns = "",
};

static const struct sql_statement team_select = {
	.name = "team_select",
	.text = "SELECT " COLUMNS " FROM teams WHERE id = $1",
	.types = "t",
	.columns = COLUMN_TYPES,
};

static const struct sql_statement team_list = {
	.name = "team_list",
	.text = "SELECT " COLUMNS " FROM teams WHERE id > $1 ORDER BY id LIMIT $2",
	.types = "ti",
	.columns = COLUMN_TYPES,
};

static const struct sql_statement team_delete = {
	.name = "team_delete",
	.text = "DELETE FROM teams WHERE id = $1",
	.types = "t",
	.columns = "",
};

static const struct sql_statement quota_update = {
	.name = "quota_update",
	.text = "UPDATE teams SET quota_experiments = $2, quota_trials = $3, "
		"quota_requests_per_minute = $4, quota_artifact_bytes = $5 WHERE id = $1",
	.types = "tiiii",
	.columns = "",
};

static const struct sql_statement team_trials = {
	.name = "team_trials",
	.text = "SELECT CAST(COALESCE(SUM(handed), 0) AS BIGINT) FROM experiments WHERE team = $1",
	.types = "t",
	.columns = "i",
};

static struct team_row team_read(const struct sql_row *row)
{
	const struct sql_value *values = row->values;
	return (struct team_row){
		.id = value_text(&values[0]),
		.name = value_text(&values[1]),
		.quota = {
			.experiments = value_int(&values[2]),
			.trials = value_int(&values[3]),
			.requests_per_minute = value_int(&values[4]),
			.artifact_bytes = value_int(&values[5]),
		},
		.created_ms = value_int(&values[6]),
	};
}

static int fail_absent(const char *id, struct error *err)
{
	return fail(err, CODE_NOT_FOUND, "there is no team %s", id);
}

int store_team_create(struct session *session, const struct team_row *row, struct error *err)
{
	const struct sql_value values[] = {
		sql_text(row->id),
		sql_text(row->name),
		sql_int(row->quota.experiments),
		sql_int(row->quota.trials),
		sql_int(row->quota.requests_per_minute),
		sql_int(row->quota.artifact_bytes),
		sql_int(row->created_ms),
	};
	int rc = session_run_one(
		session, SQL_WRITE, &team_insert, SQL_N(values), values, NULL, NULL, err);
	return rc == CODE_CONFLICT ? fail(err, rc, "there is a team %s already", row->id) : rc;
}

int store_team_get(struct session *session, const char *id, struct arena *arena,
	struct team_row *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(id) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &team_select, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail_absent(id, err);
	*out = team_read(&result->rows[0]);
	return 0;
}

int store_team_list(struct session *session, const char *after, size_t limit, struct arena *arena,
	const struct team_row **out, size_t *n, struct error *err)
{
	const struct sql_value values[] = { sql_text(after ? after : ""), sql_int((int64_t)limit) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &team_list, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	struct team_row *rows = arena_array(arena, result->n_rows, sizeof(*rows));
	if (!rows)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu teams", result->n_rows);
	for (size_t i = 0; i < result->n_rows; i++)
		rows[i] = team_read(&result->rows[i]);
	*out = rows;
	*n = result->n_rows;
	return 0;
}

int store_team_delete(struct session *session, const char *id, struct error *err)
{
	const struct sql_value values[] = { sql_text(id) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_WRITE, &team_delete, SQL_N(values), values, NULL, &result, err);
	if (rc == CODE_CONFLICT)
		return fail(err, rc, "the team %s still has experiments", id);
	if (rc)
		return rc;
	return result->n_affected ? 0 : fail_absent(id, err);
}

int store_quota_set(
	struct session *session, const char *team, const struct quota *quota, struct error *err)
{
	const struct sql_value values[] = {
		sql_text(team),
		sql_int(quota->experiments),
		sql_int(quota->trials),
		sql_int(quota->requests_per_minute),
		sql_int(quota->artifact_bytes),
	};
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_WRITE, &quota_update, SQL_N(values), values, NULL, &result, err);
	if (rc)
		return rc;
	return result->n_affected ? 0 : fail_absent(team, err);
}

int store_team_trials(struct session *session, const char *team, int64_t *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(team) };
	return session_run_int(session, &team_trials, SQL_N(values), values, out, err);
}
