/*
 * The databases that the store's tests run over: SQLite in a file and in memory always, PostgreSQL
 * when CAIRN_TEST_POSTGRES holds the URL of a server where we may create databases
 * (tests/servers.sh starts one). Every group of tests gets an empty database of its own.
 */
#ifndef TESTS_CONFORMANCE_BACK_END_H
#define TESTS_CONFORMANCE_BACK_END_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* core/error.h has one of that name */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/store_internal.h"

struct back_end {
	const char *name;
	char url[512];
	char dir[64];	   /* of the SQLite file; "" if there is none */
	char database[64]; /* on the PostgreSQL server; "" if there is none */
};

#define BACK_END_MEMORY	  "sqlite in memory"
#define BACK_END_FILE	  "sqlite in a file"
#define BACK_END_POSTGRES "postgresql"

static const char *const back_end_names[] = { BACK_END_FILE, BACK_END_MEMORY, BACK_END_POSTGRES };

static inline const struct sql_ops *back_end_ops(const struct back_end *back_end)
{
	(void)back_end; /* without libpq there is no choice */
#ifdef CAIRN_POSTGRES
	if (!strcmp(back_end->name, BACK_END_POSTGRES))
		return &sql_postgres;
#endif
	return &sql_sqlite;
}

#ifdef CAIRN_POSTGRES
#include <libpq-fe.h>

/* One statement on the server itself, not on a database of ours. */
static inline bool back_end_admin(const char *text)
{
	PGconn *conn = PQconnectdb(getenv("CAIRN_TEST_POSTGRES"));
	PGresult *result = PQexec(conn, text);
	bool good = PQresultStatus(result) == PGRES_COMMAND_OK ||
		    PQresultStatus(result) == PGRES_TUPLES_OK;
	if (!good)
		fprintf(stderr, "%s: %s", text, PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
	return good;
}

static inline bool back_end_open_postgres(struct back_end *out)
{
	static unsigned counter;
	const char *server = getenv("CAIRN_TEST_POSTGRES");
	char text[128];
	snprintf(out->database, sizeof(out->database), "cairn_test_%ld_%u", (long)getpid(),
		counter++);
	snprintf(text, sizeof(text), "CREATE DATABASE %s", out->database);
	if (!back_end_admin(text))
		return false;
	snprintf(out->url, sizeof(out->url), "%s%cdbname=%s", server,
		strchr(server, '?') ? '&' : '?', out->database);
	return true;
}

static inline void back_end_close_postgres(struct back_end *back_end)
{
	char text[128];
	snprintf(text, sizeof(text), "DROP DATABASE %s WITH (FORCE)", back_end->database);
	back_end_admin(text);
}
#endif

/* False: it cannot be had here; the reason was printed. */
static inline bool back_end_open(const char *name, struct back_end *out)
{
	*out = (struct back_end){ .name = name };
	if (!strcmp(name, BACK_END_MEMORY)) {
		snprintf(out->url, sizeof(out->url), "sqlite::memory:");
		return true;
	}
	if (!strcmp(name, BACK_END_FILE)) {
		snprintf(out->dir, sizeof(out->dir), "/tmp/cairn-test-XXXXXX");
		if (!mkdtemp(out->dir))
			return false;
		snprintf(out->url, sizeof(out->url), "sqlite:///%s/cairn.db", out->dir);
		return true;
	}
#ifdef CAIRN_POSTGRES
	if (getenv("CAIRN_TEST_POSTGRES"))
		return back_end_open_postgres(out);
	printf("SKIPPED on PostgreSQL: CAIRN_TEST_POSTGRES is not set (tests/servers.sh sets "
	       "it)\n");
#else
	printf("SKIPPED on PostgreSQL: built without libpq\n");
#endif
	return false;
}

static inline void back_end_close(struct back_end *back_end)
{
	static const char *const files[] = { "cairn.db", "cairn.db-wal", "cairn.db-shm" };
	char path[128];
	for (size_t i = 0; back_end->dir[0] && i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", back_end->dir, files[i]);
		unlink(path);
	}
	if (back_end->dir[0])
		rmdir(back_end->dir);
#ifdef CAIRN_POSTGRES
	if (back_end->database[0])
		back_end_close_postgres(back_end);
#endif
}

/* What the group that now runs has; cmocka's group set-ups take no argument. */
static const char *back_end_name;

/* Runs the group once per back end. */
#define back_end_run(title, tests, setup, teardown)                                                \
	__extension__({                                                                            \
		int failed_ = 0;                                                                   \
		for (size_t i_ = 0; i_ < SQL_N(back_end_names); i_++) {                            \
			struct back_end probe_;                                                    \
			back_end_name = back_end_names[i_];                                        \
			if (!strcmp(back_end_name, BACK_END_POSTGRES)) {                           \
				if (!back_end_open(back_end_name, &probe_))                        \
					continue;                                                  \
				back_end_close(&probe_);                                           \
			}                                                                          \
			printf("%s: %s\n", title, back_end_name);                                  \
			fflush(stdout);                                                            \
			failed_ += cmocka_run_group_tests_name(title, tests, setup, teardown);     \
		}                                                                                  \
		failed_;                                                                           \
	})

#endif
