/*
 * The PostgreSQL driver: a batch is one pipeline with one sync, which makes it one round trip and
 * one transaction. Statements are prepared within the pipeline that first uses them; parameters
 * and results travel in binary.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "storage/postgres_connection.h"

#define SCRIPT_MAX (4u << 20)

/* "cairn" in ASCII: what other users of the database are not likely to lock. */
#define ADVISORY_LOCK "426836062830"

#define BEGIN_SNAPSHOT "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

enum preparation { PREPARATION_NONE, PREPARATION_SENT, PREPARATION_DONE };

/* PostgreSQL's type numbers (catalog/pg_type.h). */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_INT4 = 23, OID_TEXT = 25, OID_FLOAT8 = 701 };

/* ---- opening ---- */

static int open_postgres(const struct sql_config *config, struct sql **out, struct error *err)
{
	char *message = NULL;
	PQconninfoOption *options = PQconninfoParse(config->url, &message);
	PQfreemem(message); /* it may quote the URL, password and all */
	if (!options)
		return fail(err, CODE_INVALID,
			"the PostgreSQL URL is not of the form "
			"postgresql://user@host:port/database?option=value");
	struct sql *sql = calloc(1, sizeof(*sql));
	if (!sql) {
		PQconninfoFree(options);
		return fail(err, CODE_NO_MEMORY, "no memory for a database");
	}
	sql->options = options;
	sql->statement_timeout_ms = config->statement_timeout_ms;
	sql->lock_timeout_ms = config->lock_timeout_ms;
	*out = sql;
	return 0;
}

static void close_postgres(struct sql *sql)
{
	if (!sql)
		return;
	PQconninfoFree(sql->options);
	free(sql);
}

static int session_open_postgres(struct sql *sql, struct sql_session **out, struct error *err)
{
	struct sql_session *session = calloc(1, sizeof(*session));
	if (!session)
		return fail(err, CODE_NO_MEMORY, "no memory for a session");
	session->sql = sql;
	int rc = connection_ensure(session, err);
	if (rc) {
		free(session);
		return rc;
	}
	*out = session;
	return 0;
}

static void session_close_postgres(struct sql_session *session)
{
	if (!session)
		return;
	connection_drop(session);
	free(session);
}

/* ---- sending ---- */

static void big_endian(unsigned char out[8], uint64_t bits)
{
	for (int i = 0; i < 8; i++)
		out[i] = (unsigned char)(bits >> (56 - 8 * i));
}

struct parameters {
	const char *values[SQL_PARAMETERS_MAX];
	int lengths[SQL_PARAMETERS_MAX], formats[SQL_PARAMETERS_MAX];
	unsigned char numbers[SQL_PARAMETERS_MAX][8];
};

static void parameter_set(struct parameters *parameters, size_t i, const struct sql_value *value)
{
	uint64_t bits;
	parameters->formats[i] = 1;
	parameters->values[i] = NULL;
	parameters->lengths[i] = (int)value->size;
	switch (value->type) {
	case SQL_NULL:
		return;
	case SQL_TEXT:
		parameters->values[i] = value->text;
		return;
	case SQL_BLOB:
		parameters->values[i] = value->blob;
		return;
	case SQL_INT:
		bits = (uint64_t)value->integer;
		break;
	case SQL_REAL:
	default:
		memcpy(&bits, &value->real, sizeof(bits));
		break;
	}
	big_endian(parameters->numbers[i], bits);
	parameters->values[i] = (const char *)parameters->numbers[i];
	parameters->lengths[i] = 8;
}

static bool send_prepare(PGconn *conn, const struct sql_statement *statement)
{
	Oid types[SQL_PARAMETERS_MAX];
	size_t n = strlen(statement->types);
	for (size_t i = 0; i < n; i++) {
		switch (statement->types[i]) {
		case 'i':
			types[i] = OID_INT8;
			break;
		case 'r':
			types[i] = OID_FLOAT8;
			break;
		case 'b':
			types[i] = OID_BYTEA;
			break;
		default:
			types[i] = OID_TEXT;
			break;
		}
	}
	return PQsendPrepare(conn, statement->name, statement->text, (int)n, types);
}

static bool send_call(PGconn *conn, const struct sql_call *call)
{
	struct parameters parameters;
	size_t n = strlen(call->statement->types);
	for (size_t i = 0; i < n; i++)
		parameter_set(&parameters, i, &call->values[i]);
	return PQsendQueryPrepared(conn, call->statement->name, (int)n, parameters.values,
		parameters.lengths, parameters.formats, 1);
}

static bool send_text(PGconn *conn, const char *text)
{
	return PQsendQueryParams(conn, text, 0, NULL, NULL, NULL, NULL, 1);
}

/* A batch under way. */
struct flight {
	struct sql_session *session;
	struct sql_batch *batch;
	bool snapshot;	/* wrapped in BEGIN and COMMIT */
	bool *prepares; /* of call k: a preparation was sent before it */
};

/* libpq sends as it goes and keeps what the socket does not take; the rest follows when results are
 * awaited, so neither side can wait for the other. */
static bool flight_send(struct flight *flight)
{
	struct sql_session *session = flight->session;
	struct sql_batch *batch = flight->batch;
	PGconn *conn = session->conn;
	if (flight->snapshot && !send_text(conn, BEGIN_SNAPSHOT))
		return false;
	for (size_t k = 0; k < batch->n; k++) {
		const struct sql_call *call = &batch->calls[k];
		void **slot = statement_map_at(&session->prepared, call->statement);
		if (!slot)
			return false;
		if ((uintptr_t)*slot == PREPARATION_NONE) {
			*slot = (void *)(uintptr_t)PREPARATION_SENT;
			flight->prepares[k] = true;
			if (!send_prepare(conn, call->statement))
				return false;
		}
		if (!send_call(conn, call))
			return false;
	}
	if (flight->snapshot && !send_text(conn, "COMMIT"))
		return false;
	sql_count(COUNT_ROUND_TRIPS);
	return PQpipelineSync(conn);
}

/* ---- receiving ---- */

static uint64_t bits_of(const unsigned char *bytes, int n)
{
	uint64_t bits = 0;
	for (int i = 0; i < n; i++)
		bits = bits << 8 | bytes[i];
	return bits;
}

static bool column_fits(Oid type, char letter)
{
	switch (letter) {
	case 'i':
		return type == OID_INT8 || type == OID_INT4;
	case 'r':
		return type == OID_FLOAT8;
	case 'b':
		return type == OID_BYTEA;
	default:
		return type == OID_TEXT;
	}
}

/* One cell; bytes are copied to *room, which has space for them and a NUL. */
static struct sql_value cell_read(
	const PGresult *result, int row, int column, char letter, char **room)
{
	if (PQgetisnull(result, row, column))
		return sql_null();
	const char *data = PQgetvalue(result, row, column);
	int size = PQgetlength(result, row, column);
	double real;
	uint64_t bits;
	switch (letter) {
	case 'i':
		bits = bits_of((const unsigned char *)data, size);
		return sql_int(size == 4 ? (int64_t)(int32_t)bits : (int64_t)bits);
	case 'r':
		bits = bits_of((const unsigned char *)data, size);
		memcpy(&real, &bits, sizeof(real));
		return sql_real(real);
	default:
		break;
	}
	char *copy = *room;
	memcpy(copy, data, (size_t)size);
	copy[size] = '\0';
	*room += size + 1;
	if (letter == 'b')
		return sql_blob(copy, (size_t)size);
	return (struct sql_value){ .type = SQL_TEXT, .text = copy, .size = (size_t)size };
}

/* Space for all texts and blobs of a result. */
static size_t bytes_needed(const PGresult *result, const char *letters)
{
	size_t total = 1;
	for (int column = 0; letters[column]; column++) {
		if (letters[column] == 'i' || letters[column] == 'r')
			continue;
		for (int row = 0; row < PQntuples(result); row++)
			total += (size_t)PQgetlength(result, row, column) + 1;
	}
	return total;
}

static int rows_read(
	struct sql_batch *batch, struct sql_call *call, const PGresult *result, struct error *err)
{
	const char *letters = call->statement->columns;
	size_t columns = strlen(letters), n = (size_t)PQntuples(result);
	if ((size_t)PQnfields(result) != columns)
		return fail(err, CODE_INTERNAL, "%s answers %d columns", call->statement->name,
			PQnfields(result));
	for (size_t i = 0; i < columns; i++) {
		if (!column_fits(PQftype(result, (int)i), letters[i]))
			return fail(err, CODE_INTERNAL, "column %zu of %s has the type %u", i,
				call->statement->name, (unsigned)PQftype(result, (int)i));
	}
	struct sql_row *rows = arena_array(batch->arena, n, sizeof(*rows));
	struct sql_value *values = arena_array(batch->arena, n * columns, sizeof(*values));
	char *room = arena_alloc(batch->arena, bytes_needed(result, letters));
	if (!rows || !values || !room)
		return fail(
			err, CODE_NO_MEMORY, "no memory for the rows of %s", call->statement->name);
	for (size_t row = 0; row < n; row++) {
		struct sql_value *cells = values + row * columns;
		for (size_t i = 0; i < columns; i++)
			cells[i] = cell_read(result, (int)row, (int)i, letters[i], &room);
		rows[row].values = cells;
	}
	call->result.rows = rows;
	call->result.n_rows = n;
	return 0;
}

static int call_fail(struct flight *flight, size_t k, const PGresult *result, struct error *err)
{
	struct sql_batch *batch = flight->batch;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	if (state && !strcmp(state, "23505"))
		return sql_batch_refuse(
			batch, k, REFUSAL_UNIQUE, constraint ? constraint : "", err);
	if (state && !strcmp(state, "23503"))
		return sql_batch_refuse(
			batch, k, REFUSAL_FOREIGN_KEY, constraint ? constraint : "", err);
	return result_fail(flight->session, result, batch->calls[k].statement->name, err);
}

static int call_take(struct flight *flight, size_t k, const PGresult *result, struct error *err)
{
	struct sql_call *call = &flight->batch->calls[k];
	switch (PQresultStatus(result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		call->result.n_affected =
			strtoll(PQcmdTuples((PGresult *)(uintptr_t)result), NULL, 10);
		return rows_read(flight->batch, call, result, err);
	case PGRES_FATAL_ERROR:
		return call_fail(flight, k, result, err);
	default: /* PGRES_PIPELINE_ABORTED: an earlier statement has failed, and was reported */
		return 0;
	}
}

/* The result of one statement, with the NULL that ends it taken away. */
static int result_next(struct sql_session *session, PGresult **out, struct error *err)
{
	PGresult *result = NULL, *end = NULL;
	int rc = connection_result(session, &result, err);
	if (rc)
		return rc;
	if (!result)
		return connection_lost(session, err);
	if (PQstatus(session->conn) == CONNECTION_OK)
		rc = connection_result(session, &end, err);
	if (rc || end) { /* a statement of ours has one result */
		PQclear(result);
		PQclear(end);
		return rc ? rc : connection_lost(session, err);
	}
	*out = result;
	return 0;
}

/* BEGIN or COMMIT around a snapshot. */
static int text_take(struct flight *flight, const char *text, struct error *err)
{
	PGresult *result = NULL;
	int rc = result_next(flight->session, &result, err);
	if (rc)
		return rc;
	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		rc = result_fail(flight->session, result, text, err);
	PQclear(result);
	return rc;
}

/* Of call k: the result of its preparation, if one was sent, and its own. */
static int call_receive(struct flight *flight, size_t k, struct error *err)
{
	struct sql_session *session = flight->session;
	PGresult *result = NULL;
	int rc = 0, rc_prepare = 0;
	if (flight->prepares[k]) {
		rc = result_next(session, &result, err);
		if (rc)
			return rc;
		bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
		void **slot =
			statement_map_at(&session->prepared, flight->batch->calls[k].statement);
		*slot = (void *)(uintptr_t)(good ? PREPARATION_DONE : PREPARATION_NONE);
		if (PQresultStatus(result) == PGRES_FATAL_ERROR)
			rc_prepare = call_fail(flight, k, result, err);
		PQclear(result);
		if (!session->conn)
			return rc_prepare;
	}
	rc = result_next(session, &result, err);
	if (rc)
		return rc;
	rc = call_take(flight, k, result, rc_prepare ? NULL : err);
	PQclear(result);
	return rc_prepare ? rc_prepare : rc;
}

/* The end of the pipeline. */
static int sync_take(struct sql_session *session, struct error *err)
{
	for (;;) {
		PGresult *result = NULL;
		int rc = connection_result(session, &result, err);
		if (rc)
			return rc;
		if (!result && PQstatus(session->conn) == CONNECTION_BAD)
			return connection_lost(session, err);
		bool end = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		PQclear(result);
		if (end)
			return 0;
	}
}

/* An error inside BEGIN leaves the transaction open. */
static void snapshot_abandon(struct sql_session *session)
{
	PGresult *result = NULL;
	if (!send_text(session->conn, "ROLLBACK") || !PQpipelineSync(session->conn)) {
		connection_drop(session);
		return;
	}
	sql_count(COUNT_ROUND_TRIPS);
	if (result_next(session, &result, NULL))
		return;
	PQclear(result);
	sync_take(session, NULL);
}

/* Reads every result, whatever becomes of the statements: the first error counts. */
static int flight_receive(struct flight *flight, struct error *err)
{
	struct sql_session *session = flight->session;
	int first = flight->snapshot ? text_take(flight, "BEGIN", err) : 0;
	for (size_t k = 0; session->conn && k < flight->batch->n; k++) {
		int rc = call_receive(flight, k, first ? NULL : err);
		first = first ? first : rc;
	}
	if (session->conn && flight->snapshot) {
		int rc = text_take(flight, "COMMIT", first ? NULL : err);
		first = first ? first : rc;
	}
	if (session->conn) {
		int rc = sync_take(session, first ? NULL : err);
		first = first ? first : rc;
	}
	if (session->conn && PQtransactionStatus(session->conn) != PQTRANS_IDLE)
		snapshot_abandon(session);
	return first;
}

/* ---- running ---- */

static int batch_fly(
	struct sql_session *session, enum sql_mode mode, struct sql_batch *batch, struct error *err)
{
	struct flight flight = {
		.session = session,
		.batch = batch,
		.snapshot = mode == SQL_READ && batch->n > 1,
		.prepares = arena_array(batch->arena, batch->n, sizeof(bool)),
	};
	if (!flight.prepares)
		return fail(err, CODE_NO_MEMORY, "no memory for a batch of statements");
	sql_batch_begin(batch);
	session->died = false;
	if (!flight_send(&flight))
		return connection_lost(session, err);
	return flight_receive(&flight, err);
}

static int run_postgres(
	struct sql_session *session, enum sql_mode mode, struct sql_batch *batch, struct error *err)
{
	if (!batch || batch->failed)
		return fail(err, CODE_NO_MEMORY, "no memory for a batch of statements");
	if (!batch->n)
		return 0;
	int rc = connection_ensure(session, err);
	if (rc)
		return rc;
	rc = batch_fly(session, mode, batch, err);
	/* A read may be repeated; a write may have happened. */
	if (rc && mode == SQL_READ && session->died) {
		rc = connection_ensure(session, err);
		if (!rc)
			rc = batch_fly(session, mode, batch, err);
	}
	if (!rc && mode == SQL_WRITE)
		sql_count(COUNT_COMMITS);
	return rc;
}

/* ---- scripts ---- */

static int script_run(struct sql_session *session, const char *text, struct error *err)
{
	if (!PQexitPipelineMode(session->conn))
		return connection_lost(session, err);
	PGresult *result = PQexec(session->conn, text);
	int rc = 0;
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		rc = result_fail(session, result, "script", err);
	PQclear(result);
	if (session->conn && rc)
		PQclear(PQexec(session->conn, "ROLLBACK"));
	if (session->conn && !PQenterPipelineMode(session->conn))
		connection_drop(session);
	return rc;
}

static int script_postgres(struct sql_session *session, const char *text, struct error *err)
{
	int rc = connection_ensure(session, err);
	if (rc)
		return rc;
	char *own = sql_script_for(text, "pg");
	struct buffer script;
	buffer_init(&script, SCRIPT_MAX);
	buffer_add_text(&script,
		"BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;"
		"SELECT pg_advisory_xact_lock(" ADVISORY_LOCK ");\n");
	if (own)
		buffer_add_text(&script, own);
	buffer_add_text(&script, "\n; COMMIT");
	if (!own || script.failed)
		rc = fail(err, CODE_NO_MEMORY, "no memory for a script");
	else
		rc = script_run(session, buffer_text(&script), err);
	buffer_release(&script);
	free(own);
	return rc;
}

const struct sql_ops sql_postgres = {
	.scheme = "postgresql",
	.open = open_postgres,
	.close = close_postgres,
	.session_open = session_open_postgres,
	.session_close = session_close_postgres,
	.run = run_postgres,
	.script = script_postgres,
};
