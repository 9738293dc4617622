/*
 * The one thing a database must do for us: run a list of prepared statements as one transaction and
 * one round trip. SQLite and PostgreSQL are two implementations of struct sql_ops; every SQL text
 * is written once, in the portable subset ($1 parameters, ON CONFLICT, RETURNING, CAST), in
 * store_*.c.
 *
 * One session belongs to one thread at a time. On PostgreSQL a batch is one pipeline with one
 * PQpipelineSync: statements are prepared once per session, everything up to the sync is one
 * implicit transaction. On SQLite write batches of all sessions go through one group-committing
 * writer: several batches share one fsync, each inside its own savepoint; read batches run on the
 * session's own connection in one read transaction.
 */
#ifndef STORAGE_SQL_H
#define STORAGE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"

enum sql_type { SQL_NULL, SQL_INT, SQL_REAL, SQL_TEXT, SQL_BLOB };

struct sql_value {
	enum sql_type type;
	int64_t integer;
	double real;	  /* NaN is stored as NULL, infinities as such */
	const char *text; /* NUL-terminated; TEXT only */
	const void *blob;
	size_t size; /* of text or blob */
};

/* A statement, written once, static for the life of the process. Its address is its identity: a
 * session prepares it at first use. The k-th letter of types names parameter $k, the k-th of
 * columns the result column: i int64, r double, t text, b blob. */
struct sql_statement {
	const char *name; /* unique, a C identifier */
	const char *text;
	const char *types;
	const char *columns; /* "" when it answers no rows */
};

struct sql_row {
	const struct sql_value *values;
};

struct sql_result {
	size_t n_rows;
	const struct sql_row *rows; /* in the batch's arena */
	int64_t n_affected;
};

enum sql_mode {
	SQL_READ, /* one consistent snapshot for all statements of the batch */
	SQL_WRITE
};

struct sql_batch; /* statements with their parameters, and the results after sql_run */

struct sql_config {
	const char *url; /* sqlite:///relative.db, sqlite:////abs.db, sqlite::memory:,
			    postgresql://... */
	int64_t statement_timeout_ms;
	int64_t lock_timeout_ms;
};

struct sql;	    /* a database: shared by threads */
struct sql_session; /* a connection: one thread at a time */

/* Counters for tests and /metrics; process-wide, atomic. */
struct sql_stats {
	uint64_t round_trips; /* PostgreSQL: PQpipelineSync calls; SQLite: batches */
	uint64_t commits;     /* transactions that wrote */
	uint64_t reconnects;
};
void sql_stats(struct sql_stats *out);

struct sql_ops {
	const char *scheme; /* "sqlite", "postgresql" */
	int (*open)(const struct sql_config *config, struct sql **out, struct error *err);
	void (*close)(struct sql *sql);
	int (*session_open)(struct sql *sql, struct sql_session **out, struct error *err);
	void (*session_close)(struct sql_session *session);
	int (*run)(struct sql_session *session, enum sql_mode mode, struct sql_batch *batch,
		struct error *err);
	/* Several statements separated by ';', without parameters, in one transaction, under a lock
	 * that keeps other processes' migrations out. */
	int (*script)(struct sql_session *session, const char *text, struct error *err);
};

extern const struct sql_ops sql_sqlite, sql_postgres; /* sql_postgres only if built with libpq */

/* Building a batch. The batch keeps pointers: parameters must live until sql_run returns. Failure
 * (memory) is sticky and comes out of sql_run. */
struct sql_batch *sql_batch_new(struct arena *arena);
void sql_add(struct sql_batch *batch, const struct sql_statement *statement, size_t n,
	const struct sql_value *values); /* values are copied, what they point to is not */
size_t sql_batch_size(const struct sql_batch *batch);
const struct sql_result *sql_result(const struct sql_batch *batch, size_t k);

/* A unique or foreign key violation aborts the batch: CODE_CONFLICT, and this tells which
 * constraint (its name on PostgreSQL; on SQLite "table.column, ..." as the library names it; both
 * contain the table). */
const char *sql_violation(const struct sql_batch *batch);

static inline struct sql_value sql_int(int64_t x)
{
	return (struct sql_value){ .type = SQL_INT, .integer = x };
}
struct sql_value sql_real(double x);	     /* NaN -> NULL */
struct sql_value sql_text(const char *text); /* NULL -> NULL */
struct sql_value sql_blob(const void *data, size_t size);
static inline struct sql_value sql_null(void)
{
	return (struct sql_value){ .type = SQL_NULL };
}

#endif
