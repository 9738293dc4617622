#include "storage/store_internal.h"

/* Versions only grow, so the newer model is that of the higher one, whatever the spec was. */
static const struct sql_statement model_put = {
	.name = "model_put",
	.text = "INSERT INTO models (experiment, version, n_results, spec_digest, fingerprint, "
		"body, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) "
		"ON CONFLICT (experiment) DO UPDATE SET version = excluded.version, "
		"n_results = excluded.n_results, spec_digest = excluded.spec_digest, "
		"fingerprint = excluded.fingerprint, body = excluded.body, "
		"created_ms = excluded.created_ms WHERE models.version < excluded.version",
	.types = "tiiitbi",
	.columns = "",
};

static const struct sql_statement model_get = {
	.name = "model_get",
	.text = "SELECT version, n_results, spec_digest, fingerprint, body, created_ms "
		"FROM models WHERE experiment = $1 AND version > $2",
	.types = "ti",
	.columns = "iiitbi",
};

int store_model_put(struct session *session, const char *experiment, const struct model_row *row,
	struct error *err)
{
	const struct sql_value values[] = {
		sql_text(experiment),
		sql_uint(row->version),
		sql_int((int64_t)row->n_results),
		sql_uint(row->spec_digest),
		sql_text(row->fingerprint),
		sql_blob(row->body.data, row->body.size),
		sql_int(row->created_ms),
	};
	struct sql_batch *batch = session_batch(session);
	sql_add(batch, &model_put, SQL_N(values), values);
	int rc = session_run(session, SQL_WRITE, batch, err);
	if (rc == CODE_CONFLICT && batch->refusal == REFUSAL_FOREIGN_KEY)
		return fail(err, CODE_NOT_FOUND, "there is no experiment %s", experiment);
	return rc;
}

int store_model_get(struct session *session, const char *experiment, uint64_t since,
	struct arena *arena, struct model_row *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_uint(since) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &model_get, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail(err, CODE_NOT_FOUND, "there is no newer model");
	const struct sql_value *row = result->rows[0].values;
	*out = (struct model_row){
		.version = value_uint(&row[0]),
		.n_results = (size_t)value_int(&row[1]),
		.spec_digest = value_uint(&row[2]),
		.fingerprint = value_text(&row[3]),
		.body = { .data = row[4].blob, .size = row[4].size },
		.created_ms = value_int(&row[5]),
	};
	return 0;
}
