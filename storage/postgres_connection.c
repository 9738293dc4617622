#include "storage/postgres_connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond the time the server gives a statement, how long may it be silent? */
#define SILENCE_MS 15000

#define TEXT_MAX 400

/* What the URL may override. A host that has gone must be noticed within seconds. */
static const struct {
	const char *keyword, *value;
} defaults[] = {
	{ "connect_timeout", "5" },
	{ "keepalives_idle", "30" },
	{ "keepalives_interval", "10" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "30000" },
	{ "target_session_attrs", "read-write" },
	{ "fallback_application_name", "cairn" },
	{ "client_encoding", "UTF8" },
};
#define N_DEFAULTS  (sizeof(defaults) / sizeof(defaults[0]))
#define OPTIONS_MAX 64

/* SQLSTATE prefixes. */
static const struct {
	const char *state;
	enum code code;
	bool lost; /* the session is of no more use */
} meanings[] = {
	{ "23505", CODE_CONFLICT, false },    /* unique violation */
	{ "23503", CODE_CONFLICT, false },    /* foreign key violation */
	{ "40", CODE_UNAVAILABLE, false },    /* rolled back: deadlock, serialization */
	{ "55P03", CODE_UNAVAILABLE, false }, /* lock_timeout */
	{ "57014", CODE_UNAVAILABLE, false }, /* statement_timeout */
	{ "57P", CODE_UNAVAILABLE, true },    /* shutting down, crashed, starting */
	{ "08", CODE_UNAVAILABLE, true },     /* connection trouble */
	{ "53", CODE_UNAVAILABLE, false },    /* out of disk, memory, connections */
	{ "58", CODE_UNAVAILABLE, false },    /* input or output failed */
	{ "25006", CODE_UNAVAILABLE, true },  /* read only: it has become a standby */
	{ "26000", CODE_UNAVAILABLE, true }, /* a pooler gave us a session without our statements */
	{ "0A000", CODE_UNAVAILABLE, true }, /* a cached plan from before a migration */
};

/* libpq's messages have several lines; ours have one. */
static void text_clean(char *out, size_t size, const char *message)
{
	size_t n = 0;
	for (; *message && n + 1 < size; message++) {
		char c = *message == '\n' || *message == '\t' ? ' ' : *message;
		if (c != ' ' || (n && out[n - 1] != ' '))
			out[n++] = c;
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

int connection_lost(struct sql_session *session, struct error *err)
{
	char text[TEXT_MAX];
	text_clean(text, sizeof(text), PQerrorMessage(session->conn));
	connection_drop(session);
	session->died = true;
	return fail(err, CODE_UNAVAILABLE, "the connection to PostgreSQL is lost: %s",
		text[0] ? text : "the server closed it");
}

int result_fail(
	struct sql_session *session, const PGresult *result, const char *text, struct error *err)
{
	char message[TEXT_MAX];
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	text_clean(message, sizeof(message), primary ? primary : PQresultErrorMessage(result));
	for (size_t i = 0; state && i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) != 0)
			continue;
		if (meanings[i].lost) {
			connection_drop(session);
			session->died = true;
		}
		return fail(err, meanings[i].code, "PostgreSQL: %s: %s", text, message);
	}
	if (!state && PQstatus(session->conn) == CONNECTION_BAD)
		return connection_lost(session, err);
	return fail(err, CODE_INTERNAL, "PostgreSQL: %s: %s", text, message);
}

/* ---- opening ---- */

/* Outside of a run an error comes as a notice, and it is always the last thing a server says: it
 * shuts down, or ends the connection. Other notices (a table exists already) are of no interest. */
static void notice_take(void *arg, const PGresult *result)
{
	struct sql_session *session = arg;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (state && !strncmp(state, "57P", 3))
		session->ending = true;
}

static PGconn *connect_with(const PQconninfoOption *options)
{
	const char *keywords[N_DEFAULTS + OPTIONS_MAX + 1], *values[N_DEFAULTS + OPTIONS_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; i < N_DEFAULTS; i++, n++) {
		keywords[n] = defaults[i].keyword;
		values[n] = defaults[i].value;
	}
	/* Of a keyword that comes twice the last counts. */
	for (const PQconninfoOption *option = options; option->keyword; option++) {
		if (!option->val || n == N_DEFAULTS + OPTIONS_MAX)
			continue;
		keywords[n] = option->keyword;
		values[n++] = option->val;
	}
	keywords[n] = values[n] = NULL;
	return PQconnectdbParams(keywords, values, 0);
}

/* Not as start-up options, which PgBouncer refuses. */
static int settings_send(struct sql_session *session, struct error *err)
{
	char text[256];
	snprintf(text, sizeof(text),
		"SET statement_timeout = %lld; SET lock_timeout = %lld; "
		"SET default_transaction_isolation = 'read committed'",
		(long long)session->sql->statement_timeout_ms,
		(long long)session->sql->lock_timeout_ms);
	PGresult *result = PQexec(session->conn, text);
	int rc = 0;
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		rc = result_fail(session, result, "SET", err);
	PQclear(result);
	return rc;
}

static int connection_open(struct sql_session *session, struct error *err)
{
	session->conn = connect_with(session->sql->options);
	if (!session->conn)
		return fail(err, CODE_NO_MEMORY, "no memory for a connection");
	if (PQstatus(session->conn) != CONNECTION_OK) {
		char text[TEXT_MAX];
		text_clean(text, sizeof(text), PQerrorMessage(session->conn));
		connection_drop(session);
		return fail(err, CODE_UNAVAILABLE, "cannot connect to PostgreSQL: %s", text);
	}
	PQsetNoticeReceiver(session->conn, notice_take, session);
	int rc = settings_send(session, err);
	if (rc) {
		connection_drop(session);
		return rc;
	}
	if (PQsetnonblocking(session->conn, 1) || !PQenterPipelineMode(session->conn))
		return connection_lost(session, err);
	if (session->opened)
		sql_count(COUNT_RECONNECTS);
	session->opened = true;
	session->ending = false;
	return 0;
}

void connection_drop(struct sql_session *session)
{
	PQfinish(session->conn);
	session->conn = NULL;
	statement_map_clear(&session->prepared, NULL);
}

/* Asking the kernel costs a microsecond and spares the caller a write that cannot be repeated. */
static bool connection_alive(const struct sql_session *session)
{
	PGconn *conn = session->conn;
	struct pollfd poll_fd = { .fd = PQsocket(conn), .events = POLLIN };
	while (PQstatus(conn) == CONNECTION_OK && poll(&poll_fd, 1, 0) > 0) {
		if (poll_fd.revents & (POLLERR | POLLNVAL) || !PQconsumeInput(conn))
			return false;
		PQisBusy(conn); /* parses what came */
	}
	return PQstatus(conn) == CONNECTION_OK && !session->ending;
}

int connection_ensure(struct sql_session *session, struct error *err)
{
	if (session->conn && !connection_alive(session))
		connection_drop(session);
	return session->conn ? 0 : connection_open(session, err);
}

/* ---- results ---- */

int connection_result(struct sql_session *session, PGresult **out, struct error *err)
{
	PGconn *conn = session->conn;
	int64_t silence = session->sql->statement_timeout_ms + SILENCE_MS;
	while (PQisBusy(conn)) {
		int pending = PQflush(conn);
		if (pending < 0)
			return connection_lost(session, err);
		struct pollfd poll_fd = {
			.fd = PQsocket(conn),
			.events = (short)(POLLIN | (pending ? POLLOUT : 0)),
		};
		int ready = poll(&poll_fd, 1, (int)silence);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0) {
			connection_drop(session);
			return fail(err, CODE_UNAVAILABLE, "PostgreSQL was silent for %lld ms",
				(long long)silence);
		}
		if (ready < 0 || !PQconsumeInput(conn))
			return connection_lost(session, err);
	}
	*out = PQgetResult(conn);
	return 0;
}
