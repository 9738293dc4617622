/*
 * Private to the SQLite driver: one connection and its prepared statements.
 */
#ifndef STORAGE_SQLITE_CONNECTION_H
#define STORAGE_SQLITE_CONNECTION_H

#include <sqlite3.h>

#include "storage/sql_batch.h"

struct connection {
	sqlite3 *db;
	const char *path; /* for messages */
	struct statement_map prepared;
};

/* path ":memory:" is a database of its own. A reader refuses to write. */
int connection_open(struct connection *connection, const char *path, bool reader,
	int64_t lock_timeout_ms, struct error *err);
void connection_close(struct connection *connection);

/* Text without parameters or rows: BEGIN, COMMIT, a whole script. */
int connection_exec(struct connection *connection, const char *text, struct error *err);

/* All calls of the batch, in whatever transaction is open. */
int connection_run(struct connection *connection, struct sql_batch *batch, struct error *err);

#endif
