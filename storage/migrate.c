/*
 * Migrations: numbered scripts, forward only. Each runs in one transaction together with the row
 * that says it was applied, under the lock that sql_ops.script takes; so of several processes that
 * start at once one applies a step, and the others are refused by that row's primary key and go on.
 */
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "storage/store_internal.h"

#define SCRIPT_MAX (1u << 20)

/* storage/CMakeLists.txt embeds migrations/NNNN_name.sql as migration_NNNN_name, with a NUL. */
extern const char migration_0001_init[], migration_0002_experiments[], migration_0003_artifacts[],
	migration_0004_models[];

/* Step k is migrations[k - 1]. Append only. */
static const struct {
	const char *name;
	const char *text;
} migrations[] = {
	{ "0001_init", migration_0001_init },
	{ "0002_experiments", migration_0002_experiments },
	{ "0003_artifacts", migration_0003_artifacts },
	{ "0004_models", migration_0004_models },
};

/* The one question that the portable subset cannot ask. */
static const struct {
	const char *scheme;
	struct sql_statement statement;
} probes[] = {
	{ "sqlite",
		{ .name = "schema_probe_sqlite",
			.text = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_version'",
			.types = "",
			.columns = "i" } },
	{ "postgresql", { .name = "schema_probe_postgresql",
				.text = "SELECT COUNT(*) FROM pg_catalog.pg_class "
					"WHERE oid = to_regclass('schema_version')",
				.types = "",
				.columns = "i" } },
};

static const struct sql_statement schema_step = {
	.name = "schema_step",
	.text = "SELECT COALESCE(MAX(step), 0) FROM schema_version",
	.types = "",
	.columns = "i",
};

int store_schema_latest(void)
{
	return (int)SQL_N(migrations);
}

int store_schema_version(struct session *session, int64_t *out, struct error *err)
{
	const char *scheme = store_scheme(session->store);
	for (size_t i = 0; i < SQL_N(probes); i++) {
		if (strcmp(probes[i].scheme, scheme))
			continue;
		int64_t n;
		int rc = session_run_int(session, &probes[i].statement, 0, NULL, &n, err);
		if (rc)
			return rc;
		if (n)
			break;
		*out = 0;
		return 0;
	}
	return session_run_int(session, &schema_step, 0, NULL, out, err);
}

static int step_apply(struct session *session, int64_t step, struct error *err)
{
	struct buffer script;
	buffer_init(&script, SCRIPT_MAX);
	buffer_printf(&script, "INSERT INTO schema_version (step, name) VALUES (%lld, '%s');\n",
		(long long)step, migrations[step - 1].name);
	buffer_add_text(&script, migrations[step - 1].text);
	int rc = script.failed
			 ? fail(err, CODE_NO_MEMORY, "no memory for a migration")
			 : session->store->ops->script(session->sql, buffer_text(&script), err);
	buffer_release(&script);
	return rc;
}

int store_migrate_to(struct session *session, int64_t step, struct error *err)
{
	int64_t at;
	int rc = session->store->ops->script(session->sql,
		"CREATE TABLE IF NOT EXISTS schema_version "
		"(step BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL);",
		err);
	if (!rc)
		rc = store_schema_version(session, &at, err);
	if (rc)
		return rc;
	if (at > store_schema_latest())
		return fail(err, CODE_CONFLICT,
			"the database is at schema step %lld, this program knows %d: it was used "
			"by a newer release",
			(long long)at, store_schema_latest());
	while (at < step) {
		rc = step_apply(session, at + 1, err);
		if (rc && rc != CODE_CONFLICT) /* conflict: another process has just applied it */
			return rc;
		at++;
	}
	return 0;
}

int store_migrate(struct store *store, struct error *err)
{
	struct session *session;
	int rc = session_open(store, &session, err);
	if (rc)
		return rc;
	rc = store_migrate_to(session, store_schema_latest(), err);
	session_close(session);
	return rc;
}
