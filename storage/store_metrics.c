#include "storage/store_internal.h"

#define COLUMNS	     "m.trial, m.step, m.at_ms, m.attempt, m.version, m.late, m.values_json"
#define COLUMN_TYPES "iiiiiit"

static const struct sql_statement metric_list_all = {
	.name = "metric_list_all",
	.text = "SELECT " COLUMNS " FROM metrics m WHERE m.experiment = $1 AND m.version > $2 "
		"ORDER BY m.version LIMIT $3",
	.types = "tii",
	.columns = COLUMN_TYPES,
};

static const struct sql_statement metric_list_trial = {
	.name = "metric_list_trial",
	.text = "SELECT " COLUMNS " FROM metrics m WHERE m.experiment = $1 AND m.version > $2 "
		"AND m.trial = $4 ORDER BY m.version LIMIT $3",
	.types = "tiii",
	.columns = COLUMN_TYPES,
};

/* The index events_once knows where a report is. */
static const struct sql_statement metric_select = {
	.name = "metric_select",
	.text = "SELECT " COLUMNS " FROM events e JOIN metrics m ON m.experiment = e.experiment "
		"AND m.trial = e.trial AND m.version = e.version WHERE e.experiment = $1 "
		"AND e.trial = $2 AND e.attempt = $3 AND e.kind = 'reported' AND e.step = $4",
	.types = "tiii",
	.columns = COLUMN_TYPES,
};

static struct metric_row metric_read(const struct sql_row *row)
{
	const struct sql_value *values = row->values;
	return (struct metric_row){
		.trial = value_int(&values[0]),
		.step = value_int(&values[1]),
		.at_ms = value_int(&values[2]),
		.attempt = (uint32_t)value_int(&values[3]),
		.version = value_uint(&values[4]),
		.late = value_int(&values[5]) != 0,
		.values = value_text(&values[6]),
	};
}

int store_metric_list(struct session *session, const char *experiment, int64_t trial,
	uint64_t since, size_t limit, struct arena *arena, const struct metric_row **out, size_t *n,
	struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_uint(since),
		sql_int((int64_t)limit), sql_int(trial) };
	const struct sql_statement *statement = trial < 0 ? &metric_list_all : &metric_list_trial;
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, statement, trial < 0 ? 3 : 4, values, arena, &result, err);
	if (rc)
		return rc;
	struct metric_row *rows = arena_array(arena, result->n_rows, sizeof(*rows));
	if (!rows)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu reports", result->n_rows);
	for (size_t i = 0; i < result->n_rows; i++)
		rows[i] = metric_read(&result->rows[i]);
	*out = rows;
	*n = result->n_rows;
	return 0;
}

int store_metric_get(struct session *session, const char *experiment, int64_t trial,
	uint32_t attempt, int64_t step, struct arena *arena, struct metric_row *out,
	struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_int(trial), sql_int(attempt),
		sql_int(step) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &metric_select, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail(err, CODE_NOT_FOUND, "trial %lld has no report of step %lld",
			(long long)trial, (long long)step);
	*out = metric_read(&result->rows[0]);
	return 0;
}
