#include <assert.h>
#include <math.h>
#include <string.h>

#include "storage/store_internal.h"

#define VERSIONS_AT_ONCE 16

static const struct sql_statement experiment_insert = {
	.name = "experiment_insert",
	.text = "INSERT INTO experiments (id, team, name, name_key, kind, spec, version, "
		"spec_version, status, reason, n_waiting, n_running, n_paused, n_succeeded, "
		"n_failed, n_stopped, n_lost, n_cancelled, handed, seeded, since_best, best, "
		"best_value, active_ms, active_since_ms, deadline_ms, needs_metrics, created_ms, "
		"updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
		"$15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)",
	.types = "ttttttiittiiiiiiiiiiiiriiiiii",
	.columns = "",
};

static const struct sql_statement label_insert = {
	.name = "experiment_label_insert",
	.text = "INSERT INTO experiment_labels (experiment, label, label_value) "
		"VALUES ($1, $2, $3) "
		"ON CONFLICT (experiment, label) DO UPDATE SET label_value = excluded.label_value",
	.types = "ttt",
	.columns = "",
};

static const struct sql_statement experiment_select = {
	.name = "experiment_select",
	.text = "SELECT " EXPERIMENT_COLUMNS " FROM experiments "
		"WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR team = $2)",
	.types = "tt",
	.columns = EXPERIMENT_TYPES,
};

static const struct sql_statement experiment_delete = {
	.name = "experiment_delete",
	.text = "DELETE FROM experiments "
		"WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR team = $2)",
	.types = "tt",
	.columns = "",
};

static const struct sql_statement experiment_count = {
	.name = "experiment_count",
	.text = "SELECT COUNT(*) FROM experiments WHERE (CAST($1 AS TEXT) IS NULL OR team = $1)",
	.types = "t",
	.columns = "i",
};

/* VERSIONS_AT_ONCE parameters; what is left over repeats the first. */
static const struct sql_statement experiment_versions = {
	.name = "experiment_versions",
	.text = "SELECT id, version FROM experiments WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, "
		"$9, $10, $11, $12, $13, $14, $15, $16)",
	.types = "tttttttttttttttt",
	.columns = "ti",
};

/* ---- names ---- */

/* Two-byte UTF-8 letters that have a lower-case form, as code point ranges; step 2: upper and lower
 * case alternate, from the first on. */
static const struct fold {
	unsigned first, last, step, distance;
} folds[] = {
	{ 0x00C0, 0x00D6, 1, 32 }, /* Latin-1 */
	{ 0x00D8, 0x00DE, 1, 32 },
	{ 0x0100, 0x012E, 2, 1 }, /* Latin extended A */
	{ 0x0132, 0x0136, 2, 1 },
	{ 0x0139, 0x0147, 2, 1 },
	{ 0x014A, 0x0176, 2, 1 },
	{ 0x0179, 0x017D, 2, 1 },
	{ 0x0391, 0x03A1, 1, 32 }, /* Greek */
	{ 0x03A3, 0x03AB, 1, 32 },
	{ 0x0400, 0x040F, 1, 80 }, /* Cyrillic */
	{ 0x0410, 0x042F, 1, 32 },
	{ 0x0460, 0x0480, 2, 1 },
};

static unsigned letter_fold(unsigned letter)
{
	for (size_t i = 0; i < SQL_N(folds); i++) {
		if (letter >= folds[i].first && letter <= folds[i].last)
			return (letter - folds[i].first) % folds[i].step
				       ? letter
				       : letter + folds[i].distance;
	}
	return letter;
}

/* Done here and not by LOWER(), which knows ASCII in one database and a locale in the other. */
char *name_fold(struct arena *arena, const char *name)
{
	char *out = arena_strdup(arena, name);
	for (char *at = out; out && *at; at++) {
		unsigned char lead = (unsigned char)at[0], next = (unsigned char)at[1];
		if (lead >= 'A' && lead <= 'Z') {
			*at = (char)(lead - 'A' + 'a');
		} else if ((lead & 0xE0) == 0xC0 && (next & 0xC0) == 0x80) {
			unsigned letter = letter_fold((lead & 0x1Fu) << 6 | (next & 0x3Fu));
			at[0] = (char)(0xC0 | letter >> 6);
			at[1] = (char)(0x80 | (letter & 0x3F));
			at++;
		}
	}
	return out;
}

/* ---- rows ---- */

static int counts_read(
	const struct sql_value *values, struct view_counts *counts, struct error *err)
{
	const char *status = value_text(&values[5]);
	if (!status || !experiment_status_parse(status, &counts->status))
		return fail(err, CODE_INTERNAL, "an experiments row has the status %s",
			status ? status : "NULL");
	counts->version = value_uint(&values[6]);
	counts->spec_version = value_uint(&values[7]);
	_Static_assert(TRIAL_STATE_COUNT == 8, "one column per state");
	for (size_t i = 0; i < TRIAL_STATE_COUNT; i++)
		counts->by_state[i] = value_int(&values[8 + i]);
	counts->handed = value_int(&values[16]);
	counts->seeded = value_int(&values[17]);
	counts->since_best = value_int(&values[18]);
	counts->best = value_int(&values[19]);
	counts->active_ms = value_int(&values[21]);
	counts->active_since_ms = value_int(&values[22]);
	counts->updated_ms = value_int(&values[24]);
	return 0;
}

int experiment_row_read(
	const struct sql_value *values, struct experiment_row *out, struct error *err)
{
	*out = (struct experiment_row){
		.id = value_text(&values[0]),
		.team = value_text(&values[1]),
		.name = value_text(&values[2]),
		.spec = value_text(&values[3]),
		.reason = value_text(&values[4]),
		.best_value = value_real(&values[20]),
		.created_ms = value_int(&values[23]),
	};
	return counts_read(values, &out->counts, err);
}

struct sql_value experiment_deadline(const struct spec *spec, const struct view_counts *counts)
{
	if (!spec->limits.max_duration_ms || counts->status != STATUS_RUNNING ||
		!counts->active_since_ms)
		return sql_null();
	return sql_int(counts->active_since_ms + spec->limits.max_duration_ms - counts->active_ms);
}

/* As view_load_spec decides it (core/view.c). */
bool spec_needs_metrics(const struct spec *spec)
{
	return spec->assessor || (spec->tuner && spec->tuner->caps & ALGORITHM_NEEDS_METRICS);
}

void experiment_add_labels(struct sql_batch *batch, const char *experiment, const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_labels; i++) {
		const struct sql_value values[] = {
			sql_text(experiment),
			sql_text(spec->labels[2 * i]),
			sql_text(spec->labels[2 * i + 1]),
		};
		sql_add(batch, &label_insert, SQL_N(values), values);
	}
}

void counters_fill(struct sql_value *out, const struct view_counts *counts, const struct spec *spec,
	const char *reason, double best_value)
{
	size_t n = 0;

	out[n++] = sql_uint(counts->version);
	out[n++] = sql_uint(counts->spec_version);
	out[n++] = sql_text(experiment_status_name(counts->status));
	out[n++] = sql_text(reason);
	for (int state = 0; state < TRIAL_STATE_COUNT; state++)
		out[n++] = sql_int(counts->by_state[state]);
	out[n++] = sql_int(counts->handed);
	out[n++] = sql_int(counts->seeded);
	out[n++] = sql_int(counts->since_best);
	out[n++] = sql_int(counts->best);
	out[n++] = sql_real(best_value);
	out[n++] = sql_int(counts->active_ms);
	out[n++] = sql_int(counts->active_since_ms);
	out[n++] = experiment_deadline(spec, counts);
	assert(n == COUNTER_VALUES);
}

static void experiment_add(
	struct sql_batch *batch, const struct experiment_row *row, const char *name_key)
{
	struct sql_value values[6 + COUNTER_VALUES + 3] = {
		sql_text(row->id),
		sql_text(row->team),
		sql_text(row->name),
		sql_text(name_key),
		sql_text(kind_name(row->parsed->kind)),
		sql_text(row->spec),
	};
	struct sql_value *rest = values + 6 + COUNTER_VALUES;

	counters_fill(values + 6, &row->counts, row->parsed, row->reason, row->best_value);
	rest[0] = sql_int(spec_needs_metrics(row->parsed));
	rest[1] = sql_int(row->created_ms);
	rest[2] = sql_int(row->counts.updated_ms);
	sql_add(batch, &experiment_insert, SQL_N(values), values);
}

/* ---- one experiment ---- */

static int create_refused(const struct sql_batch *batch, const struct experiment_row *row,
	const struct idempotency *key, struct error *err)
{
	const struct sql_statement *refused = sql_batch_refused(batch);
	if (refused == &idempotency_insert)
		return fail(err, CODE_CONFLICT, "the idempotency key %s is used", key->key);
	if (refused == &experiment_insert && batch->refusal == REFUSAL_FOREIGN_KEY)
		return fail(err, CODE_NOT_FOUND, "there is no team %s", row->team);
	return fail(err, CODE_CONFLICT, "there is an experiment %s already", row->id);
}

int store_experiment_create(struct session *session, const struct experiment_row *row,
	const struct event *created, const struct idempotency *key, struct error *err)
{
	/* kind, labels, limits: of the view that created was applied to, view->spec */
	assert(row->parsed);
	assert(created->kind == EVENT_CREATED && row->counts.version == 1);
	struct sql_batch *batch = session_batch(session);
	const char *name_key = name_fold(&session->scratch, row->name);
	struct buffer body;
	buffer_init(&body, EVENT_BODY_MAX);
	bool good = batch && name_key;
	if (good) {
		experiment_add(batch, row, name_key);
		good = event_add(batch, row->id, created, 1, &body);
		experiment_add_labels(batch, row->id, row->parsed);
		if (key)
			idempotency_add(batch, key);
	}
	buffer_release(&body);
	if (!good)
		return fail(err, CODE_NO_MEMORY, "no memory for an experiment");
	int rc = session_run(session, SQL_WRITE, batch, err);
	return rc == CODE_CONFLICT ? create_refused(batch, row, key, err) : rc;
}

int store_experiment_get(struct session *session, const char *team, const char *id,
	struct arena *arena, struct experiment_row *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(id), sql_text(team) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &experiment_select, SQL_N(values), values, arena, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail(err, CODE_NOT_FOUND, "there is no experiment %s", id);
	return experiment_row_read(result->rows[0].values, out, err);
}

int store_experiment_delete(
	struct session *session, const char *team, const char *id, struct error *err)
{
	const struct sql_value values[] = { sql_text(id), sql_text(team) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_WRITE, &experiment_delete, SQL_N(values), values, NULL, &result, err);
	if (rc)
		return rc;
	return result->n_affected ? 0 : fail(err, CODE_NOT_FOUND, "there is no experiment %s", id);
}

int store_experiment_count(
	struct session *session, const char *team, int64_t *out, struct error *err)
{
	const struct sql_value values[] = { sql_text(team) };
	return session_run_int(session, &experiment_count, SQL_N(values), values, out, err);
}

/* ---- versions ---- */

static void versions_add(struct sql_batch *batch, size_t n, const char *const *ids)
{
	struct sql_value values[VERSIONS_AT_ONCE];
	for (size_t i = 0; i < VERSIONS_AT_ONCE; i++)
		values[i] = sql_text(ids[i < n ? i : 0]);
	sql_add(batch, &experiment_versions, SQL_N(values), values);
}

static void versions_read(
	const struct sql_result *result, size_t n, const char *const *ids, uint64_t *versions)
{
	for (size_t i = 0; i < n; i++) {
		versions[i] = 0;
		for (size_t k = 0; k < result->n_rows; k++) {
			const struct sql_value *row = result->rows[k].values;
			if (!strcmp(value_text(&row[0]), ids[i]))
				versions[i] = value_uint(&row[1]);
		}
	}
}

int store_versions(struct session *session, size_t n, const char *const *ids, uint64_t *versions,
	struct error *err)
{
	if (!n)
		return 0;
	struct sql_batch *batch = session_batch(session);
	for (size_t i = 0; i < n; i += VERSIONS_AT_ONCE)
		versions_add(batch, n - i < VERSIONS_AT_ONCE ? n - i : VERSIONS_AT_ONCE, ids + i);
	int rc = session_run(session, SQL_READ, batch, err);
	if (rc)
		return rc;
	for (size_t i = 0, k = 0; i < n; i += VERSIONS_AT_ONCE, k++)
		versions_read(sql_result(batch, k),
			n - i < VERSIONS_AT_ONCE ? n - i : VERSIONS_AT_ONCE, ids + i, versions + i);
	return 0;
}
