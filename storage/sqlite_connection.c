#include "storage/sqlite_connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ROWS_FIRST     8
#define WAL_WAIT_MS    5
#define MEMORY_PATH    ":memory:"
#define MESSAGE_UNIQUE "UNIQUE constraint failed: "

struct prepared {
	sqlite3_stmt *stmt;
	size_t n;
	int at[SQL_PARAMETERS_MAX]; /* SQLite's index of $1, $2, ...; 0: the text does not use it */
};

/* ---- errors ---- */

/* What the library's result codes mean to a caller. */
static const struct meaning {
	int result; /* primary code */
	enum code code;
	const char *text;
} meanings[] = {
	{ SQLITE_BUSY, CODE_UNAVAILABLE, "it is locked by another process" },
	{ SQLITE_LOCKED, CODE_UNAVAILABLE, "it is locked" },
	{ SQLITE_FULL, CODE_UNAVAILABLE, "the disk is full" },
	{ SQLITE_IOERR, CODE_UNAVAILABLE, "input or output failed" },
	{ SQLITE_CANTOPEN, CODE_UNAVAILABLE, "it cannot be opened" },
	{ SQLITE_READONLY, CODE_UNAVAILABLE, "it cannot be written" },
	{ SQLITE_PERM, CODE_UNAVAILABLE, "access is denied" },
	{ SQLITE_CORRUPT, CODE_UNAVAILABLE, "it is damaged" },
	{ SQLITE_NOTADB, CODE_UNAVAILABLE, "it is not an SQLite database" },
	{ SQLITE_INTERRUPT, CODE_UNAVAILABLE, "the statement was interrupted" },
	{ SQLITE_NOMEM, CODE_NO_MEMORY, "no memory" },
};

static int fail_result(const struct connection *connection, struct error *err)
{
	int result = sqlite3_errcode(connection->db) & 0xff;
	const char *message = sqlite3_errmsg(connection->db);
	if (result == SQLITE_CONSTRAINT)
		return fail(err, CODE_CONFLICT, "database %s: %s", connection->path, message);
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].result == result)
			return fail(err, meanings[i].code, "database %s: %s (%s)", connection->path,
				meanings[i].text, message);
	}
	return fail(err, CODE_INTERNAL, "database %s: %s", connection->path, message);
}

/* The same for call k of a batch, whose constraint violations have a meaning of their own. */
static int fail_call(
	const struct connection *connection, struct sql_batch *batch, size_t k, struct error *err)
{
	const struct sql_statement *statement = batch->calls[k].statement;
	const char *message = sqlite3_errmsg(connection->db);
	switch (sqlite3_extended_errcode(connection->db)) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		if (!strncmp(message, MESSAGE_UNIQUE, strlen(MESSAGE_UNIQUE)))
			message += strlen(MESSAGE_UNIQUE);
		return sql_batch_refuse(batch, k, REFUSAL_UNIQUE, message, err);
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		/* SQLite does not say which key; the statement's name tells the table. */
		return sql_batch_refuse(batch, k, REFUSAL_FOREIGN_KEY, statement->name, err);
	default:
		break;
	}
	if ((sqlite3_errcode(connection->db) & 0xff) == SQLITE_CONSTRAINT)
		return fail(err, CODE_INTERNAL, "%s: %s", statement->name, message);
	return fail_result(connection, err);
}

/* ---- opening ---- */

/* The directories above path, as far as they are missing. */
static int parents_make(const char *path, struct error *err)
{
	char *copy = strdup(path);
	if (!copy)
		return fail(err, CODE_NO_MEMORY, "no memory for a path");
	int rc = 0;
	for (char *slash = strchr(copy + 1, '/'); slash && !rc; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			rc = fail(err, CODE_UNAVAILABLE, "cannot create the directory %s: %s", copy,
				strerror(errno));
		*slash = '/';
	}
	free(copy);
	return rc;
}

/* The switch to write-ahead logging needs the file for itself for a moment, and SQLite's busy
 * handler does not wait for that. */
static int wal_enable(struct connection *connection, int64_t lock_timeout_ms, struct error *err)
{
	const struct timespec pause = { .tv_nsec = WAL_WAIT_MS * 1000000l };
	for (int64_t waited = 0;; waited += WAL_WAIT_MS) {
		int rc =
			sqlite3_exec(connection->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			return 0;
		if ((rc & 0xff) != SQLITE_BUSY || waited >= lock_timeout_ms)
			return fail_result(connection, err);
		nanosleep(&pause, NULL);
	}
}

int connection_open(struct connection *connection, const char *path, bool reader,
	int64_t lock_timeout_ms, struct error *err)
{
	bool memory = !strcmp(path, MEMORY_PATH);
	int rc = memory || reader ? 0 : parents_make(path, err);
	if (rc)
		return rc;
	*connection = (struct connection){ .path = path };
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (reader ? 0 : SQLITE_OPEN_CREATE);
	if (sqlite3_open_v2(path, &connection->db, flags, NULL) != SQLITE_OK) {
		rc = connection->db ? fail_result(connection, err)
				    : fail(err, CODE_NO_MEMORY, "no memory for a connection");
		connection_close(connection);
		return rc;
	}
	sqlite3_extended_result_codes(connection->db, 1);
	sqlite3_busy_timeout(connection->db, (int)lock_timeout_ms);
	if (!reader && !memory)
		rc = wal_enable(connection, lock_timeout_ms, err);
	if (!rc)
		rc = connection_exec(connection,
			"PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;"
			"PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000",
			err);
	if (!rc && reader)
		rc = connection_exec(connection, "PRAGMA query_only = ON", err);
	if (rc)
		connection_close(connection);
	return rc;
}

static void prepared_free(void *data)
{
	struct prepared *prepared = data;
	sqlite3_finalize(prepared->stmt);
	free(prepared);
}

void connection_close(struct connection *connection)
{
	statement_map_clear(&connection->prepared, prepared_free);
	sqlite3_close(connection->db);
	connection->db = NULL;
}

int connection_exec(struct connection *connection, const char *text, struct error *err)
{
	if (sqlite3_exec(connection->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return fail_result(connection, err);
	return 0;
}

/* ---- running ---- */

static int statement_prepare(struct connection *connection, struct sql_batch *batch, size_t k,
	struct prepared **out, struct error *err)
{
	const struct sql_statement *statement = batch->calls[k].statement;
	void **slot = statement_map_at(&connection->prepared, statement);
	if (!slot)
		return fail(err, CODE_NO_MEMORY, "no memory for %s", statement->name);
	if (*slot) {
		*out = *slot;
		return 0;
	}
	struct prepared *prepared = calloc(1, sizeof(*prepared));
	if (!prepared)
		return fail(err, CODE_NO_MEMORY, "no memory for %s", statement->name);
	if (sqlite3_prepare_v3(connection->db, statement->text, -1, SQLITE_PREPARE_PERSISTENT,
		    &prepared->stmt, NULL) != SQLITE_OK) {
		free(prepared);
		return fail_call(connection, batch, k, err);
	}
	prepared->n = strlen(statement->types);
	for (size_t i = 0; i < prepared->n; i++) {
		char name[24];
		snprintf(name, sizeof(name), "$%zu", i + 1);
		prepared->at[i] = sqlite3_bind_parameter_index(prepared->stmt, name);
	}
	*slot = prepared;
	*out = prepared;
	return 0;
}

/* The batch keeps what is bound alive until the statement is reset: no copies. */
static int value_bind(sqlite3_stmt *stmt, int at, const struct sql_value *value)
{
	switch (value->type) {
	case SQL_INT:
		return sqlite3_bind_int64(stmt, at, value->integer);
	case SQL_REAL:
		return sqlite3_bind_double(stmt, at, value->real);
	case SQL_TEXT:
		return sqlite3_bind_text64(
			stmt, at, value->text, value->size, SQLITE_STATIC, SQLITE_UTF8);
	case SQL_BLOB:
		return sqlite3_bind_blob64(stmt, at, value->blob, value->size, SQLITE_STATIC);
	case SQL_NULL:
		break;
	}
	return sqlite3_bind_null(stmt, at);
}

/* False: no memory. */
static bool value_read(
	struct arena *arena, sqlite3_stmt *stmt, int at, char kind, struct sql_value *out)
{
	*out = sql_null();
	if (sqlite3_column_type(stmt, at) == SQLITE_NULL)
		return true;
	switch (kind) {
	case 'i':
		*out = sql_int(sqlite3_column_int64(stmt, at));
		return true;
	case 'r':
		*out = sql_real(sqlite3_column_double(stmt, at));
		return true;
	case 't': {
		const char *text = (const char *)sqlite3_column_text(stmt, at);
		out->type = SQL_TEXT;
		out->size = (size_t)sqlite3_column_bytes(stmt, at);
		out->text = text ? arena_strndup(arena, text, out->size) : NULL;
		return out->text != NULL;
	}
	default: {
		const void *blob = sqlite3_column_blob(stmt, at);
		out->type = SQL_BLOB;
		out->size = (size_t)sqlite3_column_bytes(stmt, at);
		out->blob = arena_copy(arena, blob, out->size);
		return out->blob != NULL;
	}
	}
}

struct rows {
	struct sql_row *rows;
	size_t n, room;
};

static bool row_read(
	struct arena *arena, sqlite3_stmt *stmt, const char *columns, struct rows *rows)
{
	if (rows->n == rows->room) {
		size_t room = rows->room ? rows->room * 2 : ROWS_FIRST;
		struct sql_row *more = arena_array(arena, room, sizeof(*more));
		if (!more)
			return false;
		if (rows->n)
			memcpy(more, rows->rows, rows->n * sizeof(*more));
		rows->rows = more;
		rows->room = room;
	}
	size_t n = strlen(columns);
	struct sql_value *values = arena_array(arena, n, sizeof(*values));
	for (size_t i = 0; values && i < n; i++) {
		if (!value_read(arena, stmt, (int)i, columns[i], &values[i]))
			return false;
	}
	rows->rows[rows->n++].values = values;
	return values != NULL;
}

static int statement_step(struct connection *connection, struct sql_batch *batch, size_t k,
	sqlite3_stmt *stmt, struct error *err)
{
	struct sql_call *call = &batch->calls[k];
	struct rows rows = { 0 };
	int state;
	while ((state = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!row_read(batch->arena, stmt, call->statement->columns, &rows))
			return fail(err, CODE_NO_MEMORY, "no memory for the rows of %s",
				call->statement->name);
	}
	if (state != SQLITE_DONE)
		return fail_call(connection, batch, k, err);
	call->result.rows = rows.rows;
	call->result.n_rows = rows.n;
	call->result.n_affected =
		sqlite3_stmt_readonly(stmt) ? (int64_t)rows.n : sqlite3_changes(connection->db);
	return 0;
}

static int call_run(
	struct connection *connection, struct sql_batch *batch, size_t k, struct error *err)
{
	const struct sql_call *call = &batch->calls[k];
	struct prepared *prepared = NULL;
	int rc = statement_prepare(connection, batch, k, &prepared, err);
	if (!prepared)
		return rc;
	if ((size_t)sqlite3_column_count(prepared->stmt) != strlen(call->statement->columns))
		return fail(err, CODE_INTERNAL, "%s answers %d columns", call->statement->name,
			sqlite3_column_count(prepared->stmt));
	for (size_t i = 0; i < prepared->n && !rc; i++) {
		if (prepared->at[i] &&
			value_bind(prepared->stmt, prepared->at[i], &call->values[i]) != SQLITE_OK)
			rc = fail_call(connection, batch, k, err);
	}
	if (!rc)
		rc = statement_step(connection, batch, k, prepared->stmt, err);
	sqlite3_reset(prepared->stmt);
	sqlite3_clear_bindings(prepared->stmt);
	return rc;
}

int connection_run(struct connection *connection, struct sql_batch *batch, struct error *err)
{
	for (size_t k = 0; k < batch->n; k++) {
		int rc = call_run(connection, batch, k, err);
		if (rc)
			return rc;
	}
	return 0;
}
