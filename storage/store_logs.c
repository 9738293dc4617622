/*
 * Logs of trials: chunk rows named by the offset of their first byte. A chunk is taken only if it
 * starts where the log ends, so the chunks leave no gap, and of two that come at once the second
 * breaks the primary key.
 */
#include <string.h>

#include "storage/store_internal.h"

#define LENGTH                                                                                     \
	"COALESCE((SELECT l.start + l.size FROM log_chunks l WHERE l.experiment = $1 "             \
	"AND l.trial = $2 ORDER BY l.start DESC LIMIT 1), 0)"

static const struct sql_statement log_insert = {
	.name = "log_chunk_insert",
	.text = "INSERT INTO log_chunks (experiment, trial, start, size, data) "
		"SELECT $1, $2, $3, $4, $5 WHERE " LENGTH " = $3",
	.types = "tiiib",
	.columns = "",
};

static const struct sql_statement log_length = {
	.name = "log_length",
	.text = "SELECT " LENGTH " FROM trials WHERE experiment = $1 AND number = $2",
	.types = "ti",
	.columns = "i",
};

/* From the chunk that holds $3 on, those that start before $4. */
static const struct sql_statement log_select = {
	.name = "log_chunks_select",
	.text = "SELECT start, data FROM log_chunks WHERE experiment = $1 AND trial = $2 "
		"AND start >= COALESCE((SELECT l.start FROM log_chunks l "
		"WHERE l.experiment = $1 AND l.trial = $2 AND l.start <= $3 "
		"ORDER BY l.start DESC LIMIT 1), 0) AND start < $4 ORDER BY start",
	.types = "tiii",
	.columns = "ib",
};

static int fail_absent(const char *experiment, int64_t trial, struct error *err)
{
	return fail(
		err, CODE_NOT_FOUND, "there is no trial %lld in %s", (long long)trial, experiment);
}

/* The chunk was refused: by the condition, or by the key of one that came at the same time. */
static int append_refused(struct session *session, const char *experiment, int64_t trial,
	int64_t *length, struct error *err)
{
	const struct sql_value values[] = { sql_text(experiment), sql_int(trial) };
	const struct sql_result *result;
	int rc = session_run_one(
		session, SQL_READ, &log_length, SQL_N(values), values, NULL, &result, err);
	if (rc)
		return rc;
	if (!result->n_rows)
		return fail_absent(experiment, trial, err);
	*length = value_int(&result->rows[0].values[0]);
	return fail(err, CODE_CONFLICT, "the log is %lld bytes long", (long long)*length);
}

int store_log_append(struct session *session, const char *experiment, int64_t trial, int64_t offset,
	const void *data, size_t size, int64_t *length, struct error *err)
{
	const struct sql_value values[] = {
		sql_text(experiment),
		sql_int(trial),
		sql_int(offset),
		sql_int((int64_t)size),
		sql_blob(data, size),
	};
	struct sql_batch *batch = session_batch(session);
	if (size)
		sql_add(batch, &log_insert, 5, values);
	sql_add(batch, &log_length, 2, values);
	int rc = session_run(session, size ? SQL_WRITE : SQL_READ, batch, err);
	if (rc == CODE_CONFLICT)
		return append_refused(session, experiment, trial, length, err);
	if (rc)
		return rc;
	const struct sql_result *result = sql_result(batch, size ? 1 : 0);
	if (!result->n_rows)
		return fail_absent(experiment, trial, err);
	*length = value_int(&result->rows[0].values[0]);
	bool taken = size ? sql_result(batch, 0)->n_affected > 0 : *length == offset;
	return taken ? 0
		     : fail(err, CODE_CONFLICT, "the log is %lld bytes long", (long long)*length);
}

int store_log_read(struct session *session, const char *experiment, int64_t trial, int64_t offset,
	size_t size, struct arena *arena, const void **out, size_t *n, int64_t *length,
	struct error *err)
{
	if (offset < 0)
		return fail(err, CODE_INVALID, "an offset cannot be negative");
	int64_t end;
	if (__builtin_add_overflow(offset, (int64_t)size, &end))
		end = INT64_MAX;
	const struct sql_value values[] = { sql_text(experiment), sql_int(trial), sql_int(offset),
		sql_int(end) };
	struct sql_batch *batch = session_batch(session);
	sql_add(batch, &log_length, 2, values);
	sql_add(batch, &log_select, 4, values);
	int rc = session_run(session, SQL_READ, batch, err);
	if (rc)
		return rc;
	const struct sql_result *found = sql_result(batch, 0), *chunks = sql_result(batch, 1);
	if (!found->n_rows)
		return fail_absent(experiment, trial, err);
	int64_t total = value_int(&found->rows[0].values[0]);
	int64_t stop = end < total ? end : total;
	size_t room = stop > offset ? (size_t)(stop - offset) : 0;
	char *joined = arena_alloc(arena, room);
	if (!joined)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu bytes of a log", room);
	for (size_t i = 0; room && i < chunks->n_rows; i++) {
		const struct sql_value *row = chunks->rows[i].values;
		int64_t start = value_int(&row[0]), after = start + (int64_t)row[1].size;
		int64_t from = start > offset ? start : offset, to = after < stop ? after : stop;
		if (from < to)
			memcpy(joined + (from - offset), (const char *)row[1].blob + (from - start),
				(size_t)(to - from));
	}
	*out = joined;
	*n = room;
	*length = total;
	return 0;
}
