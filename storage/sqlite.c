/*
 * The SQLite driver. Reads run on each session's own connection; writes of all sessions queue up
 * for one writer connection, and whoever finds it free commits everything that waits in a single
 * transaction, so that many callers share one fsync.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite_connection.h"

#define URL_FILE   "sqlite:///"
#define URL_MEMORY "sqlite::memory:"

/* A write batch waiting for the writer; on the waiting thread's stack. */
struct request {
	struct sql_batch *batch;
	struct error error;
	int rc;
	bool done;
	struct request *next;
};

struct sql {
	char *path;
	bool memory; /* one connection for everything */
	int64_t lock_timeout_ms;
	struct connection writer; /* of the thread that has set writing */

	pthread_mutex_t lock; /* guards the rest; never held while a statement runs */
	pthread_cond_t turn;
	bool writing;
	struct request *first, **last;
};

struct sql_session {
	struct sql *sql;
	struct connection reader; /* unused when the database is in memory */
};

/* ---- opening ---- */

static int path_of(const char *url, char **out, struct error *err)
{
	const char *path;
	if (!strcmp(url, URL_MEMORY))
		path = ":memory:";
	else if (!strncmp(url, URL_FILE, strlen(URL_FILE)) && url[strlen(URL_FILE)])
		path = url + strlen(URL_FILE);
	else
		return fail(err, CODE_INVALID,
			"%s is not of the form sqlite:///relative.db, sqlite:////absolute.db or "
			"sqlite::memory:",
			url);
	*out = strdup(path);
	return *out ? 0 : fail(err, CODE_NO_MEMORY, "no memory for a path");
}

static int open_sqlite(const struct sql_config *config, struct sql **out, struct error *err)
{
	struct sql *sql = calloc(1, sizeof(*sql));
	if (!sql)
		return fail(err, CODE_NO_MEMORY, "no memory for a database");
	sql->lock_timeout_ms = config->lock_timeout_ms;
	sql->last = &sql->first;
	int rc = path_of(config->url, &sql->path, err);
	if (!sql->path) {
		free(sql);
		return rc;
	}
	sql->memory = !strcmp(sql->path, ":memory:");
	rc = connection_open(&sql->writer, sql->path, false, sql->lock_timeout_ms, err);
	if (rc) {
		free(sql->path);
		free(sql);
		return rc;
	}
	pthread_mutex_init(&sql->lock, NULL);
	pthread_cond_init(&sql->turn, NULL);
	*out = sql;
	return 0;
}

static void close_sqlite(struct sql *sql)
{
	if (!sql)
		return;
	assert(!sql->writing && !sql->first);
	connection_close(&sql->writer);
	pthread_cond_destroy(&sql->turn);
	pthread_mutex_destroy(&sql->lock);
	free(sql->path);
	free(sql);
}

static int session_open_sqlite(struct sql *sql, struct sql_session **out, struct error *err)
{
	struct sql_session *session = calloc(1, sizeof(*session));
	if (!session)
		return fail(err, CODE_NO_MEMORY, "no memory for a session");
	session->sql = sql;
	if (!sql->memory) {
		int rc = connection_open(
			&session->reader, sql->path, true, sql->lock_timeout_ms, err);
		if (rc) {
			free(session);
			return rc;
		}
	}
	*out = session;
	return 0;
}

static void session_close_sqlite(struct sql_session *session)
{
	if (!session)
		return;
	if (!session->sql->memory)
		connection_close(&session->reader);
	free(session);
}

/* ---- the writer ---- */

/* Waits for the writer. With a request, it may come back done instead: another thread committed it;
 * then the writer is not ours. */
static bool writer_take(struct sql *sql, struct request *request)
{
	pthread_mutex_lock(&sql->lock);
	if (request) {
		*sql->last = request;
		sql->last = &request->next;
	}
	while (sql->writing && !(request && request->done))
		pthread_cond_wait(&sql->turn, &sql->lock);
	bool ours = !(request && request->done);
	if (ours)
		sql->writing = true;
	pthread_mutex_unlock(&sql->lock);
	return ours;
}

/* Everything that waits now; called by whoever has the writer. */
static struct request *writer_gather(struct sql *sql)
{
	pthread_mutex_lock(&sql->lock);
	struct request *group = sql->first;
	sql->first = NULL;
	sql->last = &sql->first;
	pthread_mutex_unlock(&sql->lock);
	return group;
}

static void writer_give(struct sql *sql, struct request *group)
{
	pthread_mutex_lock(&sql->lock);
	while (group) {
		/* Once done is seen the request's stack frame may be gone. */
		struct request *next = group->next;
		group->done = true;
		group = next;
	}
	sql->writing = false;
	pthread_cond_broadcast(&sql->turn);
	pthread_mutex_unlock(&sql->lock);
}

/* What had succeeded did not last. */
static void group_fail(struct request *group, int rc, const struct error *err)
{
	for (; group; group = group->next) {
		if (!group->rc) {
			group->rc = rc;
			group->error = *err;
		}
	}
}

/* Each batch in a savepoint of its own, so that a refused one takes no other with it. False: the
 * transaction is gone (disk full, out of memory). */
static bool group_run(struct connection *writer, struct request *group, struct error *err)
{
	for (struct request *request = group; request; request = request->next) {
		if (connection_exec(writer, "SAVEPOINT batch", err))
			return false;
		sql_batch_begin(request->batch);
		request->rc = connection_run(writer, request->batch, &request->error);
		if (request->rc && sqlite3_get_autocommit(writer->db)) {
			*err = request->error;
			return false;
		}
		if (request->rc && connection_exec(writer, "ROLLBACK TO batch", err))
			return false;
		if (connection_exec(writer, "RELEASE batch", err))
			return false;
	}
	return true;
}

static bool any_good(const struct request *group)
{
	for (; group; group = group->next) {
		if (!group->rc)
			return true;
	}
	return false;
}

static void group_commit(struct connection *writer, struct request *group)
{
	struct error err = { 0 };
	int rc = connection_exec(writer, "BEGIN IMMEDIATE", &err);
	if (rc) {
		group_fail(group, rc, &err);
		return;
	}
	if (!group_run(writer, group, &err))
		group_fail(group, (int)err.code, &err);
	if (any_good(group)) {
		rc = connection_exec(writer, "COMMIT", &err);
		if (rc)
			group_fail(group, rc, &err);
		else
			sql_count(COUNT_COMMITS);
	}
	if (!sqlite3_get_autocommit(writer->db))
		connection_exec(writer, "ROLLBACK", NULL);
}

static int batch_write(struct sql *sql, struct sql_batch *batch, struct error *err)
{
	struct request own = { .batch = batch };
	if (writer_take(sql, &own)) {
		struct request *group = writer_gather(sql);
		group_commit(&sql->writer, group);
		writer_give(sql, group);
	}
	if (own.rc && err)
		*err = own.error;
	return own.rc;
}

/* ---- running ---- */

static int batch_read(struct connection *connection, struct sql_batch *batch, struct error *err)
{
	bool several = batch->n > 1; /* one statement is a snapshot by itself */
	int rc = several ? connection_exec(connection, "BEGIN", err) : 0;
	if (rc)
		return rc;
	sql_batch_begin(batch);
	rc = connection_run(connection, batch, err);
	if (several && !sqlite3_get_autocommit(connection->db))
		connection_exec(connection, "ROLLBACK", NULL);
	return rc;
}

static int run_sqlite(
	struct sql_session *session, enum sql_mode mode, struct sql_batch *batch, struct error *err)
{
	if (!batch || batch->failed)
		return fail(err, CODE_NO_MEMORY, "no memory for a batch of statements");
	if (!batch->n)
		return 0;
	sql_count(COUNT_ROUND_TRIPS);
	struct sql *sql = session->sql;
	if (mode == SQL_WRITE)
		return batch_write(sql, batch, err);
	if (!sql->memory)
		return batch_read(&session->reader, batch, err);
	writer_take(sql, NULL);
	int rc = batch_read(&sql->writer, batch, err);
	writer_give(sql, NULL);
	return rc;
}

static int script_sqlite(struct sql_session *session, const char *text, struct error *err)
{
	struct sql *sql = session->sql;
	char *own = sql_script_for(text, "sqlite");
	if (!own)
		return fail(err, CODE_NO_MEMORY, "no memory for a script");
	writer_take(sql, NULL);
	struct connection *writer = &sql->writer;
	int rc = connection_exec(writer, "BEGIN EXCLUSIVE", err);
	if (!rc)
		rc = connection_exec(writer, own, err);
	if (!rc)
		rc = connection_exec(writer, "COMMIT", err);
	if (!sqlite3_get_autocommit(writer->db))
		connection_exec(writer, "ROLLBACK", NULL);
	writer_give(sql, NULL);
	free(own);
	return rc;
}

const struct sql_ops sql_sqlite = {
	.scheme = "sqlite",
	.open = open_sqlite,
	.close = close_sqlite,
	.session_open = session_open_sqlite,
	.session_close = session_close_sqlite,
	.run = run_sqlite,
	.script = script_sqlite,
};
