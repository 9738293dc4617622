/*
 * A bare loop over sqlite3 that writes the rows of a suggest and an observe (event, trial,
 * experiment) with the pragmas that cairnd uses, one transaction each. What cairnd on SQLite is
 * measured against. Usage: bench_sqlite FILE SECONDS; FILE was made by "cairnd migrate". Prints
 * transactions per second.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sqlite3 *db;

static void die(void)
{
	fprintf(stderr, "bench_sqlite: %s\n", sqlite3_errmsg(db));
	exit(1);
}

static void script(const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL))
		die();
}

static sqlite3_stmt *prepare(const char *text)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(db, text, -1, &statement, NULL))
		die();
	return statement;
}

static void step(sqlite3_stmt *statement, sqlite3_int64 a, sqlite3_int64 b)
{
	sqlite3_bind_int64(statement, 1, a);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_int64(statement, 2, b);
	if (sqlite3_step(statement) != SQLITE_DONE)
		die();
	sqlite3_reset(statement);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	if (argc != 3 || sqlite3_open(argv[1], &db)) {
		fprintf(stderr, "usage: bench_sqlite FILE SECONDS\n");
		return 2;
	}
	script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
	script("CREATE TABLE IF NOT EXISTS b_experiments (id INTEGER PRIMARY KEY, version BIGINT, "
	       "running BIGINT, ended BIGINT, updated BIGINT);"
	       "CREATE TABLE IF NOT EXISTS b_events (experiment BIGINT REFERENCES b_experiments, "
	       "version BIGINT, kind TEXT, trial BIGINT, at BIGINT, body TEXT, "
	       "PRIMARY KEY (experiment, version));"
	       "CREATE TABLE IF NOT EXISTS b_trials (experiment BIGINT REFERENCES b_experiments, "
	       "number BIGINT, state TEXT, parameters TEXT, value DOUBLE PRECISION, "
	       "lease BIGINT, PRIMARY KEY (experiment, number));"
	       "INSERT OR REPLACE INTO b_experiments VALUES (1, 0, 0, 0, 0)");
	sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
	sqlite3_stmt *event = prepare("INSERT INTO b_events VALUES (1, ?1, 'suggested', ?2, 0, "
				      "'{\"parameters\":{\"x\":0.123456789,\"y\":0.987654321}}')");
	sqlite3_stmt *trial =
		prepare("INSERT INTO b_trials VALUES (1, ?1, 'running', "
			"'{\"x\":0.123456789,\"y\":0.987654321}', NULL, 1700000000000)");
	sqlite3_stmt *result = prepare("UPDATE b_trials SET state = 'succeeded', value = 0.5, "
				       "lease = 0 WHERE experiment = 1 AND number = ?1");
	sqlite3_stmt *counters = prepare("UPDATE b_experiments SET version = ?1, running = running "
					 "+ 1, ended = ended + 1, updated = ?2 WHERE id = 1");
	double until = now_s() + strtod(argv[2], NULL), started = now_s();
	long n = 0;
	for (; now_s() < until; n += 2) {
		for (int half = 0; half < 2; half++) {
			if (sqlite3_step(begin) != SQLITE_DONE)
				die();
			sqlite3_reset(begin);
			step(event, n + half + 1, n / 2);
			step(half ? result : trial, n / 2, 0);
			step(counters, n + half + 1, n);
			if (sqlite3_step(commit) != SQLITE_DONE)
				die();
			sqlite3_reset(commit);
		}
	}
	printf("%.0f\n", (double)n / (now_s() - started));
	return 0;
}
