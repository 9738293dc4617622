#include "storage/store_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* No statement of ours runs that long; a query that does must not hold a worker for ever. */
#define STATEMENT_TIMEOUT_MS 30000
#define LOCK_TIMEOUT_MS	     10000

/* Scratch memory kept between calls; a large view or a seed is given back. */
#define SCRATCH_KEPT (8u << 20)

static const struct sql_ops *ops_of(const char *url)
{
	static const struct {
		const char *prefix;
		const struct sql_ops *ops;
	} schemes[] = {
		{ "sqlite:", &sql_sqlite },
#ifdef CAIRN_POSTGRES
		{ "postgresql:", &sql_postgres },
		{ "postgres:", &sql_postgres },
#endif
	};
	for (size_t i = 0; i < SQL_N(schemes); i++) {
		if (!strncmp(url, schemes[i].prefix, strlen(schemes[i].prefix)))
			return schemes[i].ops;
	}
	return NULL;
}

int store_open_on(const struct sql_ops *ops, const struct store_config *config, struct store **out,
	struct error *err)
{
	const struct sql_config sql = {
		.url = config->url,
		.statement_timeout_ms = STATEMENT_TIMEOUT_MS,
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
	};
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return fail(err, CODE_NO_MEMORY, "no memory for a store");
	store->ops = ops;
	int rc = ops->open(&sql, &store->sql, err);
	if (rc) {
		free(store);
		return rc;
	}
	*out = store;
	return 0;
}

int store_open(const struct store_config *config, struct store **out, struct error *err)
{
	const struct sql_ops *ops = ops_of(config->url);
	if (!ops) /* without the URL: it may hold a password */
		return fail(err, CODE_INVALID,
			"the store URL must start with sqlite: or (where built in) postgresql:");
	return store_open_on(ops, config, out, err);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store->ops->close(store->sql);
	free(store);
}

const char *store_scheme(const struct store *store)
{
	return store->ops->scheme;
}

int session_open(struct store *store, struct session **out, struct error *err)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session)
		return fail(err, CODE_NO_MEMORY, "no memory for a session");
	session->store = store;
	arena_init(&session->scratch, 0);
	int rc = store->ops->session_open(store->sql, &session->sql, err);
	if (rc) {
		free(session);
		return rc;
	}
	*out = session;
	return 0;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	session->store->ops->session_close(session->sql);
	arena_release(&session->scratch);
	free(session);
}

/* ---- short forms ---- */

struct sql_batch *session_batch(struct session *session)
{
	if (session->scratch.held > SCRATCH_KEPT)
		arena_release(&session->scratch);
	else
		arena_reset(&session->scratch);
	return sql_batch_new(&session->scratch);
}

int session_run(
	struct session *session, enum sql_mode mode, struct sql_batch *batch, struct error *err)
{
	return session->store->ops->run(session->sql, mode, batch, err);
}

int session_run_one(struct session *session, enum sql_mode mode,
	const struct sql_statement *statement, size_t n, const struct sql_value *values,
	struct arena *arena, const struct sql_result **out, struct error *err)
{
	struct sql_batch *batch = arena ? sql_batch_new(arena) : session_batch(session);
	sql_add(batch, statement, n, values);
	int rc = session_run(session, mode, batch, err);
	if (!rc && out)
		*out = sql_result(batch, 0);
	return rc;
}

int session_run_int(struct session *session, const struct sql_statement *statement, size_t n,
	const struct sql_value *values, int64_t *out, struct error *err)
{
	const struct sql_result *result;
	int rc = session_run_one(session, SQL_READ, statement, n, values, NULL, &result, err);
	if (rc)
		return rc;
	if (result->n_rows != 1)
		return fail(err, CODE_INTERNAL, "%s answered %zu rows", statement->name,
			result->n_rows);
	*out = value_int(&result->rows[0].values[0]);
	return 0;
}

double value_real(const struct sql_value *value)
{
	return value->type == SQL_REAL ? value->real : (double)NAN;
}

static const struct sql_statement clock_now = {
	.name = "clock_now",
	.text = "SELECT now_ms FROM clock",
	.types = "",
	.columns = "i",
};

int store_clock(struct session *session, int64_t *now_ms, struct error *err)
{
	return session_run_int(session, &clock_now, 0, NULL, now_ms, err);
}
