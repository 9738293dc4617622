#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/store_internal.h"

static const struct sql_statement trial_select = {
	.name = "trial_select",
	.text = "SELECT " TRIAL_COLUMNS " FROM trials WHERE experiment = $1 AND number = $2",
	.types = "ti",
	.columns = TRIAL_TYPES,
};

/* $1 experiment, $2 state, $3 worker, $4 limit, $5 the last number of the page before. */
#define LIST(label, order, beyond)                                                                 \
	{                                                                                          \
		.name = "trial_list_" label,                                                       \
		.text = "SELECT " TRIAL_COLUMNS " FROM trials WHERE experiment = $1"               \
			" AND (CAST($2 AS TEXT) IS NULL OR state = $2)"                            \
			" AND (CAST($3 AS TEXT) IS NULL OR worker = $3)"                           \
			" AND number " beyond " $5 ORDER BY number " order " LIMIT $4",            \
		.types = "tttii", .columns = TRIAL_TYPES,                                          \
	}

static const struct sql_statement trial_lists[2] = { LIST("up", "ASC", ">"),
	LIST("down", "DESC", "<") };

/* The condition is that of the index trials_loss. $5 and $6: loss and number before. */
static const struct sql_statement trial_best = {
	.name = "trial_best",
	.text = "SELECT " TRIAL_COLUMNS " FROM trials WHERE experiment = $1 "
		"AND state = 'succeeded' AND violation <= 0 AND loss IS NOT NULL "
		"AND (CAST($2 AS TEXT) IS NULL OR state = $2) "
		"AND (CAST($3 AS TEXT) IS NULL OR worker = $3) "
		"AND (loss, number) > ($5, $6) ORDER BY loss, number LIMIT $4",
	.types = "tttiri",
	.columns = TRIAL_TYPES,
};

static const struct sql_statement lease_extend = {
	.name = "lease_extend",
	.text = "UPDATE trials SET lease_until_ms = $4 WHERE experiment = $1 AND number = $2 "
		"AND attempt = $3 AND state = 'running'",
	.types = "tiii",
	.columns = "",
};

static const struct sql_statement due_leases = {
	.name = "due_leases",
	.text = "SELECT t.experiment, e.team, t.number, t.attempt, t.lease_until_ms "
		"FROM trials t JOIN experiments e ON e.id = t.experiment "
		"WHERE t.state = 'running' AND t.lease_until_ms > 0 AND t.lease_until_ms <= $1 "
		"ORDER BY t.lease_until_ms, t.experiment, t.number LIMIT $2",
	.types = "ii",
	.columns = "ttiii",
};

static const struct sql_statement due_deadlines = {
	.name = "due_deadlines",
	.text = "SELECT id, team, -1, 0, deadline_ms FROM experiments "
		"WHERE deadline_ms IS NOT NULL AND deadline_ms <= $1 "
		"ORDER BY deadline_ms, id LIMIT $2",
	.types = "ii",
	.columns = "ttiii",
};

/* ---- rows ---- */

/* Little-endian doubles; NULL stays NULL. */
static int objectives_read(
	const struct sql_value *value, struct arena *arena, const double **out, struct error *err)
{
	*out = NULL;
	if (value->type != SQL_BLOB)
		return 0;
	size_t n = value->size / sizeof(double);
	const unsigned char *bytes = value->blob;
	double *x = arena_array(arena, n, sizeof(*x));
	if (!x)
		return fail(err, CODE_NO_MEMORY, "no memory for objective values");
	for (size_t i = 0; i < n; i++) {
		uint64_t bits = 0;
		for (size_t k = 0; k < sizeof(bits); k++)
			bits |= (uint64_t)bytes[i * sizeof(bits) + k] << (8 * k);
		memcpy(&x[i], &bits, sizeof(bits));
	}
	*out = x;
	return 0;
}

int trial_row_read(
	const struct sql_value *values, struct arena *arena, struct trial *out, struct error *err)
{
	const char *state = value_text(&values[1]), *origin = value_text(&values[2]);
	*out = (struct trial){
		.number = value_int(&values[0]),
		.attempt = (uint32_t)value_int(&values[3]),
		.retries = (uint32_t)value_int(&values[4]),
		.parameters = value_text(&values[5]),
		.values_json = value_text(&values[7]),
		.loss = value_real(&values[8]),
		.violation = value_real(&values[9]),
		.digest = value_uint(&values[10]),
		.last_step = value_int(&values[11]),
		.last_value = value_real(&values[12]),
		.parent = value_int(&values[13]),
		.resource = value_real(&values[14]),
		.tag = { .data = values[15].blob, .size = values[15].size },
		.meta = value_text(&values[16]),
		.checkpoint = value_text(&values[17]),
		.worker = value_text(&values[18]),
		.message = value_text(&values[19]),
		.lease_until_ms = value_int(&values[20]),
		.lease_ms = value_int(&values[21]),
		.created_ms = value_int(&values[22]),
		.started_ms = value_int(&values[23]),
		.ended_ms = value_int(&values[24]),
		.base_version = value_uint(&values[25]),
		.suggested_version = value_uint(&values[26]),
		.ended_version = value_uint(&values[27]),
	};
	if (!state || !origin || !trial_state_parse(state, &out->state) ||
		!trial_origin_parse(origin, &out->origin))
		return fail(err, CODE_INTERNAL, "a trials row has the state %s and the origin %s",
			state ? state : "NULL", origin ? origin : "NULL");
	return objectives_read(&values[6], arena, &out->values, err);
}

int store_trial_get(struct session *session, const char *experiment, int64_t number,
	struct arena *arena, struct trial *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_int(number) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &trial_select, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail(err, CODE_NOT_FOUND, "there is no trial %lld in %s", (long long)number,
			experiment);
	return trial_row_read(result->rows[0].values, arena, out, err);
}

/* ---- pages ---- */

/* "17", or by loss "0x1.8p-3|17" (hexadecimal, so that it comes back exactly). */
static int cursor_read(
	const struct trial_filter *filter, double *loss, int64_t *number, struct error *err)
{
	*loss = -INFINITY;
	*number = filter->sort == TRIAL_BY_NUMBER && filter->descending ? INT64_MAX : -1;
	const char *at = filter->cursor;
	if (!at)
		return 0;
	char *end;
	if (filter->sort == TRIAL_BY_LOSS) {
		*loss = strtod(at, &end);
		if (end == at || *end != '|' || isnan(*loss))
			return fail(err, CODE_INVALID, "the cursor is not one of ours");
		at = end + 1;
	}
	*number = strtoll(at, &end, 10);
	if (end == at || *end)
		return fail(err, CODE_INVALID, "the cursor is not one of ours");
	return 0;
}

static int page_read(const struct trial_filter *filter, const struct sql_result *result,
	struct arena *arena, struct trial_page *out, struct error *err)
{
	size_t n = result->n_rows < filter->limit ? result->n_rows : filter->limit;
	struct trial *rows = arena_array(arena, n, sizeof(*rows));
	if (!rows)
		return fail(err, CODE_NO_MEMORY, "no memory for a page");
	for (size_t i = 0; i < n; i++) {
		int rc = trial_row_read(result->rows[i].values, arena, &rows[i], err);
		if (rc)
			return rc;
	}
	const char *next = NULL;
	if (n && result->n_rows > n) {
		const struct trial *last = &rows[n - 1];
		next = filter->sort == TRIAL_BY_LOSS
			       ? arena_printf(arena, "%a|%lld", last->loss, (long long)last->number)
			       : arena_printf(arena, "%lld", (long long)last->number);
		if (!next)
			return fail(err, CODE_NO_MEMORY, "no memory for a cursor");
	}
	*out = (struct trial_page){ .n = n, .rows = rows, .next = next };
	return 0;
}

int store_trial_list(struct session *session, const struct trial_filter *filter,
	struct arena *arena, struct trial_page *out, struct error *err)
{
	double loss;
	int64_t number;
	int rc = cursor_read(filter, &loss, &number, err);
	if (rc)
		return rc;
	bool by_loss = filter->sort == TRIAL_BY_LOSS;
	struct sql_value values[6] = {
		sql_text(filter->experiment),
		filter->state < 0 ? sql_null()
				  : sql_text(trial_state_name((enum trial_state)filter->state)),
		sql_text(filter->worker),
		sql_int((int64_t)filter->limit + 1),
		by_loss ? sql_real(loss) : sql_int(number),
		sql_int(number),
	};
	const struct sql_statement *statement =
		by_loss ? &trial_best : &trial_lists[filter->descending];
	const struct sql_result *result;
	rc = session_run_one(
		session, SQL_READ, statement, by_loss ? 6 : 5, values, arena, &result, err);
	return rc ? rc : page_read(filter, result, arena, out, err);
}

/* ---- leases ---- */

int store_lease_extend(struct session *session, const char *experiment, int64_t trial,
	uint32_t attempt, int64_t until_ms, struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_int(trial), sql_int(attempt),
		sql_int(until_ms) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_WRITE, &lease_extend, SQL_N(values), values, NULL, &result, err);
	if (rc)
		return rc;
	return result->n_affected ? 0
				  : fail(err, CODE_GONE, "attempt %u of trial %lld is not running",
					    (unsigned)attempt, (long long)trial);
}

static struct due due_read(const struct sql_row *row)
{
	return (struct due){
		.experiment = value_text(&row->values[0]),
		.team = value_text(&row->values[1]),
		.trial = value_int(&row->values[2]),
		.attempt = (uint32_t)value_int(&row->values[3]),
		.lease_until_ms = value_int(&row->values[4]),
	};
}

int store_due(struct session *session, int64_t now_ms, size_t limit, struct arena *arena,
	const struct due **out, size_t *n, struct error *err)
{
	const struct sql_value values[] = { sql_int(now_ms), sql_int((int64_t)limit) };
	struct sql_batch *batch = sql_batch_new(arena);
	sql_add(batch, &due_leases, SQL_N(values), values);
	sql_add(batch, &due_deadlines, SQL_N(values), values);
	int rc = session_run(session, SQL_READ, batch, err);
	if (rc)
		return rc;
	const struct sql_result *leases = sql_result(batch, 0), *deadlines = sql_result(batch, 1);
	size_t total = leases->n_rows + deadlines->n_rows;
	struct due *due = arena_array(arena, total, sizeof(*due));
	if (!due)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu leases", total);
	size_t k = 0, a = 0, b = 0;
	while (k < limit && k < total) {
		bool lease =
			b == deadlines->n_rows ||
			(a < leases->n_rows && value_int(&leases->rows[a].values[4]) <=
						       value_int(&deadlines->rows[b].values[4]));
		due[k++] = due_read(lease ? &leases->rows[a++] : &deadlines->rows[b++]);
	}
	*out = due;
	*n = k;
	return 0;
}
