#include "storage/store_internal.h"

const struct sql_statement idempotency_insert = {
	.name = "idempotency_insert",
	.text = "INSERT INTO idempotency_keys (team, request_key, digest, experiment, "
		"first_version, last_version, answer, status, created_ms) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	.types = "ttttiitii",
	.columns = "",
};

static const struct sql_statement idempotency_select = {
	.name = "idempotency_select",
	.text = "SELECT team, request_key, digest, COALESCE(experiment, ''), first_version, "
		"last_version, answer, status, created_ms FROM idempotency_keys "
		"WHERE team = $1 AND request_key = $2",
	.types = "tt",
	.columns = "ttttiitii",
};

static const struct sql_statement idempotency_expire = {
	.name = "idempotency_expire",
	.text = "DELETE FROM idempotency_keys WHERE created_ms < $1",
	.types = "i",
	.columns = "",
};

void idempotency_add(struct sql_batch *batch, const struct idempotency *key)
{
	bool about = key->experiment && key->experiment[0];
	const struct sql_value values[] = {
		sql_text(key->team),
		sql_text(key->key),
		sql_text(key->digest),
		about ? sql_text(key->experiment) : sql_null(),
		sql_uint(key->first_version),
		sql_uint(key->last_version),
		sql_text(key->answer),
		sql_int(key->status),
		sql_int(key->created_ms),
	};
	sql_add(batch, &idempotency_insert, SQL_N(values), values);
}

int store_idempotency_get(struct session *session, const char *team, const char *key,
	struct arena *arena, struct idempotency *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(team), sql_text(key) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &idempotency_select, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail(err, CODE_NOT_FOUND, "the idempotency key was not used");
	const struct sql_value *row = result->rows[0].values;
	*out = (struct idempotency){
		.team = value_text(&row[0]),
		.key = value_text(&row[1]),
		.digest = value_text(&row[2]),
		.experiment = value_text(&row[3]),
		.first_version = value_uint(&row[4]),
		.last_version = value_uint(&row[5]),
		.answer = value_text(&row[6]),
		.status = (int)value_int(&row[7]),
		.created_ms = value_int(&row[8]),
	};
	return 0;
}

int store_idempotency_put(struct session *session, const struct idempotency *key, struct error *err)
{
	struct sql_batch *batch = session_batch(session);
	idempotency_add(batch, key);
	int rc = session_run(session, SQL_WRITE, batch, err);
	if (rc != CODE_CONFLICT)
		return rc;
	if (batch->refusal == REFUSAL_FOREIGN_KEY)
		return fail(err, CODE_NOT_FOUND, "the team or experiment of the key is gone");
	return fail(err, CODE_CONFLICT, "the idempotency key %s is used", key->key);
}

int store_idempotency_expire(struct session *session, int64_t before_ms, struct error *err)
{
	const struct sql_value values[] = { sql_int(before_ms) };
	return session_run_one(
		session, SQL_WRITE, &idempotency_expire, SQL_N(values), values, NULL, NULL, err);
}
