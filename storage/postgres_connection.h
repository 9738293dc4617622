/*
 * Private to the PostgreSQL driver: one connection, how it is opened, watched and lost.
 */
#ifndef STORAGE_POSTGRES_CONNECTION_H
#define STORAGE_POSTGRES_CONNECTION_H

#include <libpq-fe.h>

#include "storage/sql_batch.h"

struct sql {
	PQconninfoOption *options; /* the URL, taken apart */
	int64_t statement_timeout_ms, lock_timeout_ms;
};

struct sql_session {
	struct sql *sql;
	PGconn *conn; /* NULL: lost, or not yet opened */
	bool opened;  /* it was there once: the next is a reconnect */
	bool ending;  /* the server has said that it is about to end the session */
	bool died;    /* the connection was lost during the current run (not given up by us) */
	struct statement_map prepared; /* data: a struct preparation, as a number */
};

/* Open, in pipeline mode and not blocking. If a connection is there but dead, a new one. */
int connection_ensure(struct sql_session *session, struct error *err);
void connection_drop(struct sql_session *session);

/* Waits until the next result can be had without blocking, sending what is still to be sent. NULL
 * ends the results of one statement. CODE_UNAVAILABLE: the connection is lost, and dropped. */
int connection_result(struct sql_session *session, PGresult **out, struct error *err);

/* Takes the reason from the connection, drops it, answers CODE_UNAVAILABLE. */
int connection_lost(struct sql_session *session, struct error *err);

/* What an error result means; text names what was tried. Drops the connection if the server has
 * ended it. Constraint violations are CODE_CONFLICT. */
int result_fail(
	struct sql_session *session, const PGresult *result, const char *text, struct error *err);

#endif
