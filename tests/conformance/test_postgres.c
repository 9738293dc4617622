/*
 * What is particular to PostgreSQL: connections that die, time limits, what a commit costs. Needs
 * CAIRN_TEST_POSTGRES (tests/servers.sh), as a user who may end other sessions.
 */
#include "tests/conformance/lab.h"

#ifndef CAIRN_POSTGRES
int main(void)
{
	printf("SKIPPED: built without libpq\n");
	return 0;
}
#else

#include <pthread.h>

struct fixture {
	struct back_end back_end;
	struct sql *sql;
	struct sql_session *session, *other;
	struct arena arena;
};

#define STATEMENT(id, in, out, sql)                                                                \
	{                                                                                          \
		.name = id, .text = sql, .types = in, .columns = out                               \
	}

static const struct sql_statement backend_pid =
	STATEMENT("backend_pid", "", "i", "SELECT CAST(pg_backend_pid() AS BIGINT)");
static const struct sql_statement terminate = STATEMENT("terminate", "i", "i",
	"SELECT CASE WHEN pg_terminate_backend(CAST($1 AS INTEGER)) "
	"THEN 1 ELSE 0 END");
static const struct sql_statement is_gone = STATEMENT("is_gone", "i", "i",
	"SELECT COUNT(*) FROM pg_stat_activity WHERE pid = CAST($1 AS INTEGER)");
static const struct sql_statement is_asleep = STATEMENT("is_asleep", "i", "i",
	"SELECT COUNT(*) FROM pg_stat_activity WHERE pid = CAST($1 AS INTEGER) "
	"AND wait_event = 'PgSleep'");
static const struct sql_statement insert =
	STATEMENT("n_insert", "i", "", "INSERT INTO numbers (n) VALUES ($1)");
static const struct sql_statement count =
	STATEMENT("n_count", "", "i", "SELECT COUNT(*) FROM numbers");
static const struct sql_statement sleep_long =
	STATEMENT("sleep_long", "", "t", "SELECT CAST(pg_sleep(30) AS TEXT)");
/* Sleeps the first time, whatever becomes of the transaction. */
static const struct sql_statement sleep_once = STATEMENT("sleep_once", "", "t",
	"SELECT CAST(pg_sleep(CASE WHEN nextval('turns') = 1 THEN 30 ELSE 0 END) AS TEXT)");
static const struct sql_statement turns =
	STATEMENT("turns", "", "i", "SELECT last_value FROM turns");
static const struct sql_statement lock_table =
	STATEMENT("lock_table", "", "", "LOCK TABLE numbers IN ACCESS EXCLUSIVE MODE");

static int run_int(struct fixture *f, struct sql_session *session, enum sql_mode mode,
	const struct sql_statement *statement, int64_t parameter, int64_t *out, struct error *err)
{
	const struct sql_value value = sql_int(parameter);
	struct sql_batch *batch = sql_batch_new(&f->arena);
	sql_add(batch, statement, strlen(statement->types), &value);
	int rc = sql_postgres.run(session, mode, batch, err);
	if (rc)
		print_message("  %s\n", err->message);
	if (!rc && out)
		*out = sql_result(batch, 0)->rows[0].values[0].integer;
	return rc;
}

static int64_t ask(struct fixture *f, struct sql_session *session,
	const struct sql_statement *statement, int64_t parameter)
{
	struct error err = { 0 };
	int64_t n = -1;
	int rc = run_int(f, session, SQL_READ, statement, parameter, &n, &err);
	assert_int_equal(rc, 0);
	return n;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = { 0 };
	*state = f;
	arena_init(&f->arena, 0);
	if (!back_end_open(BACK_END_POSTGRES, &f->back_end))
		return -1;
	const struct sql_config config = {
		.url = f->back_end.url, .statement_timeout_ms = 20000, .lock_timeout_ms = 100
	};
	if (sql_postgres.open(&config, &f->sql, &err) ||
		sql_postgres.session_open(f->sql, &f->session, &err) ||
		sql_postgres.session_open(f->sql, &f->other, &err) ||
		sql_postgres.script(f->session,
			"CREATE TABLE numbers (n BIGINT PRIMARY KEY); CREATE SEQUENCE turns",
			&err)) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	sql_postgres.session_close(f->session);
	sql_postgres.session_close(f->other);
	sql_postgres.close(f->sql);
	back_end_close(&f->back_end);
	arena_release(&f->arena);
	free(f);
	return 0;
}

static void end_backend(struct fixture *f, int64_t pid)
{
	assert_int_equal(ask(f, f->other, &terminate, pid), 1);
	while (ask(f, f->other, &is_gone, pid))
		continue;
}

/* A session that was ended while it had nothing to do: neither reads nor writes notice. */
static void test_idle_session_is_ended(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	struct sql_stats before, after;
	for (int64_t i = 0; i < 3; i++) {
		int64_t pid = ask(f, f->session, &backend_pid, 0);
		end_backend(f, pid);
		sql_stats(&before);
		assert_int_equal(run_int(f, f->session, SQL_WRITE, &insert, i, NULL, &err), 0);
		sql_stats(&after);
		assert_int_equal(after.reconnects - before.reconnects, 1);
		assert_int_not_equal(ask(f, f->session, &backend_pid, 0), pid);
		end_backend(f, ask(f, f->session, &backend_pid, 0));
		assert_int_equal(ask(f, f->session, &count, 0), i + 1);
	}
}

struct sleeper {
	struct fixture *f;
	enum sql_mode mode;
	struct arena arena;
	int rc;
	struct error err;
};

static void *sleep_in_batch(void *arg)
{
	struct sleeper *sleeper = arg;
	struct sql_batch *batch = sql_batch_new(&sleeper->arena);
	sql_add(batch, &sleep_once, 0, NULL);
	sleeper->rc = sql_postgres.run(sleeper->f->session, sleeper->mode, batch, &sleeper->err);
	return NULL;
}

/* Ends the session in the middle of a batch. */
static void end_in_flight(struct fixture *f, struct sleeper *sleeper)
{
	pthread_t thread;
	int64_t pid = ask(f, f->session, &backend_pid, 0);
	arena_init(&sleeper->arena, 0);
	assert_int_equal(pthread_create(&thread, NULL, sleep_in_batch, sleeper), 0);
	while (!ask(f, f->other, &is_asleep, pid))
		continue;
	end_backend(f, pid);
	pthread_join(thread, NULL);
	arena_release(&sleeper->arena);
}

static void test_read_in_flight_is_repeated(void **state)
{
	struct fixture *f = *state;
	struct sleeper sleeper = { .f = f, .mode = SQL_READ };
	end_in_flight(f, &sleeper);
	if (sleeper.rc)
		print_message("  %s\n", sleeper.err.message);
	assert_int_equal(sleeper.rc, 0);
	assert_int_equal(ask(f, f->session, &turns, 0), 2);
}

static void test_write_in_flight_is_not_repeated(void **state)
{
	struct fixture *f = *state;
	struct sleeper sleeper = { .f = f, .mode = SQL_WRITE };
	end_in_flight(f, &sleeper);
	assert_int_equal(sleeper.rc, CODE_UNAVAILABLE);
	assert_int_equal(ask(f, f->session, &turns, 0), 1);
}

static void test_lock_timeout(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	PGconn *raw = PQconnectdb(f->back_end.url);
	PQclear(PQexec(raw, "BEGIN"));
	PQclear(PQexec(raw, lock_table.text));
	assert_int_equal(PQtransactionStatus(raw), PQTRANS_INTRANS);
	assert_int_equal(
		run_int(f, f->session, SQL_WRITE, &insert, 1, NULL, &err), CODE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "lock timeout"));
	PQfinish(raw);
	int rc;
	do /* the server notices the end of the session when it does */
		rc = run_int(f, f->session, SQL_WRITE, &insert, 1, NULL, &err);
	while (rc == CODE_UNAVAILABLE);
	assert_int_equal(rc, 0);
}

static void test_statement_timeout(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	struct sql *sql;
	struct sql_session *session;
	const struct sql_config config = { .url = f->back_end.url, .statement_timeout_ms = 50 };
	assert_int_equal(sql_postgres.open(&config, &sql, &err), 0);
	assert_int_equal(sql_postgres.session_open(sql, &session, &err), 0);
	for (int several = 0; several < 2; several++) {
		struct sql_batch *batch = sql_batch_new(&f->arena);
		if (several)
			sql_add(batch, &count, 0, NULL);
		sql_add(batch, &sleep_long, 0, NULL);
		assert_int_equal(
			sql_postgres.run(session, SQL_READ, batch, &err), CODE_UNAVAILABLE);
		assert_non_null(strstr(err.message, "statement timeout"));
		assert_non_null(strstr(err.message, "sleep_long"));
		/* and no transaction stays open */
		assert_int_equal(run_int(f, session, SQL_WRITE, &insert, several, NULL, &err), 0);
	}
	assert_int_equal(ask(f, f->other, &count, 0), 2);
	sql_postgres.session_close(session);
	sql_postgres.close(sql);
}

static void test_messages_keep_the_password(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		int code;
	} wrong[] = {
		{ "postgresql://me:s3cret@127.0.0.1:1/db", CODE_UNAVAILABLE },
		{ "postgresql://me:s3cret@/db?host=/nonexistent", CODE_UNAVAILABLE },
		{ "postgresql://me:s3cret@[::1/db", CODE_INVALID },
		{ "postgresql://me:s3cret%zz@host/db", CODE_INVALID },
		{ "postgresql://me:s3cret@host/db?nonsense=1", CODE_INVALID },
	};
	for (size_t i = 0; i < SQL_N(wrong); i++) {
		const struct store_config config = { .url = wrong[i].url };
		struct store *store;
		struct session *session;
		struct error err = { 0 };
		int rc = store_open(&config, &store, &err);
		if (!rc) {
			rc = session_open(store, &session, &err);
			store_close(store);
		}
		assert_int_equal(rc, wrong[i].code);
		assert_null(strstr(err.message, "s3cret"));
		assert_null(strchr(err.message, '\n'));
	}
}

/* ---- what the server counts ---- */

static int64_t server_commits(PGconn *conn, const char *database)
{
	const char *const values[] = { database };
	PGresult *result = PQexecParams(conn,
		"SELECT xact_commit, pg_sleep(0.002), (SELECT COUNT(*) FROM pg_stat_activity WHERE "
		"datname = $1) "
		"FROM pg_stat_database WHERE datname = $1",
		1, NULL, values, NULL, NULL, 0);
	assert_int_equal(PQntuples(result), 1);
	bool quiet = !strcmp(PQgetvalue(result, 0, 2), "0");
	int64_t n = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return quiet ? n : -1; /* sessions hand in their counts when they end */
}

/* Until the server has counted everything: no session, and no change for a while. */
static int64_t settled_commits(const char *database)
{
	PGconn *conn = PQconnectdb(getenv("CAIRN_TEST_POSTGRES"));
	int64_t last = -1;
	for (int same = 0; same < 200;) {
		int64_t now = server_commits(conn, database);
		same = now >= 0 && now == last ? same + 1 : 0;
		last = now;
	}
	PQfinish(conn);
	return last;
}

/* Commits that n suggests and observations cost, with what opening a session costs. */
static int64_t commits_of(struct lab *lab, int n)
{
	struct error err = { 0 };
	int64_t before = settled_commits(lab->back_end.database);
	assert_int_equal(session_open(lab->store, &lab->session, &err), 0);
	for (int i = 0; i < n; i++)
		lab_observe(lab, lab_suggest(lab), 0.5);
	session_close(lab->session);
	lab->session = NULL;
	return settled_commits(lab->back_end.database) - before;
}

static void test_commits_as_the_server_counts(void **state)
{
	void *own;
	(void)state;
	back_end_name = BACK_END_POSTGRES;
	assert_int_equal(lab_group_setup(&own), 0);
	assert_int_equal(lab_setup(&own), 0);
	struct lab *lab = own;
	session_close(lab->session);
	lab->session = NULL;
	int64_t idle = commits_of(lab, 0);
	/* Autovacuum, where it runs, commits too: not every time. */
	int64_t busy = 0;
	for (int i = 0; i < 3 && busy != idle + 40; i++)
		busy = commits_of(lab, 20);
	assert_int_equal(busy, idle + 40);
	lab_group_teardown(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_idle_session_is_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_in_flight_is_repeated, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_write_in_flight_is_not_repeated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_timeout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statement_timeout, setup, teardown),
		cmocka_unit_test(test_commits_as_the_server_counts),
	};
	const struct CMUnitTest without_server[] = {
		cmocka_unit_test(test_messages_keep_the_password),
	};
	int failed = cmocka_run_group_tests_name("messages", without_server, NULL, NULL);
	if (getenv("CAIRN_TEST_POSTGRES"))
		return failed + cmocka_run_group_tests_name("postgresql", tests, NULL, NULL);
	printf("SKIPPED on PostgreSQL: CAIRN_TEST_POSTGRES is not set (tests/servers.sh sets "
	       "it)\n");
	return failed;
}
#endif
