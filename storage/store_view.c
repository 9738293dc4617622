/*
 * Loading a view from the projections: one batch, one snapshot. Which reports are needed is known
 * for certain only when the spec has been parsed; the experiments row remembers it, and when the
 * row is wrong (the tuner has learnt to read metrics since) the batch is run again.
 */
#include <string.h>

#include "storage/store_internal.h"

static const struct sql_statement view_experiment = {
	.name = "view_experiment",
	.text = "SELECT " EXPERIMENT_COLUMNS ", needs_metrics FROM experiments WHERE id = $1",
	.types = "t",
	.columns = EXPERIMENT_TYPES "i",
};

static const struct sql_statement view_trials = {
	.name = "view_trials",
	.text = "SELECT " TRIAL_COLUMNS " FROM trials WHERE experiment = $1 ORDER BY number",
	.types = "t",
	.columns = TRIAL_TYPES,
};

static const struct sql_statement view_reports_pending = {
	.name = "view_reports_pending",
	.text = "SELECT m.trial, m.step, m.value, m.digest, m.attempt, m.late "
		"FROM trials t JOIN metrics m ON m.experiment = t.experiment AND m.trial = "
		"t.number "
		"WHERE t.experiment = $1 AND t.state IN ('waiting', 'running', 'paused') "
		"AND NOT ($2 = 1 OR EXISTS "
		"(SELECT 1 FROM experiments e WHERE e.id = $1 AND e.needs_metrics = 1)) "
		"ORDER BY m.trial, m.version",
	.types = "ti",
	.columns = "iiriii",
};

static const struct sql_statement view_reports_all = {
	.name = "view_reports_all",
	.text = "SELECT m.trial, m.step, m.value, m.digest, m.attempt, m.late FROM metrics m "
		"WHERE m.experiment = $1 AND ($2 = 1 OR EXISTS "
		"(SELECT 1 FROM experiments e WHERE e.id = $1 AND e.needs_metrics = 1)) "
		"ORDER BY m.trial, m.version",
	.types = "ti",
	.columns = "iiriii",
};

enum view_call { CALL_EXPERIMENT, CALL_TRIALS, CALL_PENDING, CALL_ALL };

static int snapshot_read(struct session *session, const char *experiment, bool all,
	struct sql_batch **out, struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_int(all) };
	struct sql_batch *batch = session_batch(session);
	sql_add(batch, &view_experiment, 1, values);
	sql_add(batch, &view_trials, 1, values);
	sql_add(batch, &view_reports_pending, 2, values);
	sql_add(batch, &view_reports_all, 2, values);
	int rc = session_run(session, SQL_READ, batch, err);
	if (rc)
		return rc;
	if (!sql_result(batch, CALL_EXPERIMENT)->n_rows)
		return fail(err, CODE_NOT_FOUND, "there is no experiment %s", experiment);
	*out = batch;
	return 0;
}

static int trials_load(struct session *session, const struct sql_result *trials, struct view *view,
	struct error *err)
{
	for (size_t i = 0; i < trials->n_rows; i++) {
		struct trial trial;
		int rc = trial_row_read(trials->rows[i].values, &session->scratch, &trial, err);
		if (!rc)
			rc = view_load_trial(view, &trial, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int reports_load(const struct sql_result *reports, struct view *view, struct error *err)
{
	for (size_t i = 0; i < reports->n_rows; i++) {
		const struct sql_value *row = reports->rows[i].values;
		const struct report report = {
			.step = value_int(&row[1]),
			.value = value_real(&row[2]),
			.digest = value_uint(&row[3]),
			.attempt = (uint32_t)value_int(&row[4]),
			.late = value_int(&row[5]) != 0,
		};
		int rc = view_load_report(view, value_int(&row[0]), &report, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The texts of a row in the scratch arena move to the caller's. */
static int row_keep(struct experiment_row *row, struct arena *arena, struct error *err)
{
	const char **texts[] = { &row->id, &row->team, &row->name, &row->spec, &row->reason };
	for (size_t i = 0; i < SQL_N(texts); i++) {
		*texts[i] = arena_strdup(arena, *texts[i]);
		if (!*texts[i])
			return fail(err, CODE_NO_MEMORY, "no memory for an experiments row");
	}
	return 0;
}

static int view_fill(struct session *session, const struct sql_batch *batch, struct view *view,
	const struct experiment_row *row, struct error *err)
{
	view->counts = row->counts;
	view->created_ms = row->created_ms;
	view->reason = arena_strdup(&view->arena, row->reason);
	if (!view->reason)
		return fail(err, CODE_NO_MEMORY, "no memory for a view");
	int rc = trials_load(session, sql_result(batch, CALL_TRIALS), view, err);
	if (!rc)
		rc = reports_load(sql_result(batch, CALL_PENDING), view, err);
	if (!rc)
		rc = reports_load(sql_result(batch, CALL_ALL), view, err);
	return rc ? rc : view_load_end(view, err);
}

int store_view_load(struct session *session, const char *experiment, struct view *view,
	struct arena *arena, struct experiment_row *row, struct error *err)
{
	struct sql_batch *batch = NULL;
	const struct sql_value *values;
	struct experiment_row found;
	for (bool all = false;; all = true) {
		int rc = snapshot_read(session, experiment, all, &batch, err);
		if (rc)
			return rc;
		values = sql_result(batch, CALL_EXPERIMENT)->rows[0].values;
		rc = experiment_row_read(values, &found, err);
		if (!rc)
			rc = view_load_spec(view, found.spec, err);
		if (rc)
			return rc;
		bool loaded = all || value_int(&values[sizeof(EXPERIMENT_TYPES) - 1]);
		if (loaded || !view->needs_metrics)
			break;
		const struct catalog *catalog = view->catalog;
		view_release(view);
		view_init(view, catalog);
	}
	int rc = view_fill(session, batch, view, &found, err);
	if (!rc)
		rc = row_keep(&found, arena, err);
	if (!rc)
		*row = found;
	return rc;
}
