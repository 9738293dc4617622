/*
 * Private to the store: what a session is, and the short forms in which store_*.c talk to a
 * database. Also for tests, which put their own sql_ops below a store.
 */
#ifndef STORAGE_STORE_INTERNAL_H
#define STORAGE_STORE_INTERNAL_H

#include "storage/sql_batch.h"
#include "storage/store.h"

struct store {
	const struct sql_ops *ops;
	struct sql *sql;
};

struct session {
	struct store *store;
	struct sql_session *sql;
	struct arena scratch; /* of the current call */
};

/* store_open, but on these ops. */
int store_open_on(const struct sql_ops *ops, const struct store_config *config, struct store **out,
	struct error *err);

/* The migrations up to and including step (1 ... store_schema_latest()). */
int store_migrate_to(struct session *session, int64_t step, struct error *err);

/* An empty batch in the session's scratch arena; the one before is forgotten. */
struct sql_batch *session_batch(struct session *session);

int session_run(
	struct session *session, enum sql_mode mode, struct sql_batch *batch, struct error *err);

/* One statement; *out is in arena (NULL: the scratch arena). out may be NULL. */
int session_run_one(struct session *session, enum sql_mode mode,
	const struct sql_statement *statement, size_t n, const struct sql_value *values,
	struct arena *arena, const struct sql_result **out, struct error *err);

/* The same for a statement with one row and one integer column. */
int session_run_int(struct session *session, const struct sql_statement *statement, size_t n,
	const struct sql_value *values, int64_t *out, struct error *err);

#define SQL_N(values) (sizeof(values) / sizeof((values)[0]))

/* ---- reading columns ---- */

static inline const char *value_text(const struct sql_value *value) /* NULL stays NULL */
{
	return value->type == SQL_TEXT ? value->text : NULL;
}

static inline int64_t value_int(const struct sql_value *value)
{
	return value->integer;
}

static inline uint64_t value_uint(const struct sql_value *value)
{
	return (uint64_t)value->integer;
}

double value_real(const struct sql_value *value); /* NULL is NaN */

static inline struct sql_value sql_uint(uint64_t x)
{
	return sql_int((int64_t)x);
}

/* ---- shared between store_*.c ---- */

#define EXPERIMENT_COLUMNS                                                                         \
	"id, team, name, spec, reason, status, version, spec_version, n_waiting, n_running, "      \
	"n_paused, n_succeeded, n_failed, n_stopped, n_lost, n_cancelled, handed, seeded, "        \
	"since_best, best, best_value, active_ms, active_since_ms, created_ms, updated_ms"
#define EXPERIMENT_TYPES "ttttttiiiiiiiiiiiiiiriiii"

/* A row of EXPERIMENT_COLUMNS; the texts stay where the row is. */
int experiment_row_read(
	const struct sql_value *values, struct experiment_row *out, struct error *err);

#define TRIAL_COLUMNS                                                                              \
	"number, state, origin, attempt, retries, parameters, objectives, values_json, loss, "     \
	"violation, digest, last_step, last_value, parent, resource, tag, meta, checkpoint, "      \
	"worker, message, lease_until_ms, lease_ms, created_ms, started_ms, ended_ms, "            \
	"base_version, suggested_version, ended_version"
#define TRIAL_TYPES "ittiitbtrriirirbttttiiiiiiii"

/* Likewise; objectives are decoded into arena. */
int trial_row_read(
	const struct sql_value *values, struct arena *arena, struct trial *out, struct error *err);

/* The name as filters and sorting see it: lower case. NULL: no memory. */
char *name_fold(struct arena *arena, const char *name);

/* Adds the statements that write labels, spec and name of an experiment from its spec. */
void experiment_add_labels(
	struct sql_batch *batch, const char *experiment, const struct spec *spec);

/* When the experiment has used up max_duration: NULL value if never. */
struct sql_value experiment_deadline(const struct spec *spec, const struct view_counts *counts);

/* The columns version ... deadline_ms, in the order that the insert and the update of an experiment
 * name them: COUNTER_VALUES values into out. */
#define COUNTER_VALUES 20
void counters_fill(struct sql_value *out, const struct view_counts *counts, const struct spec *spec,
	const char *reason, double best_value);

bool spec_needs_metrics(const struct spec *spec);

/* More than the largest request body that an event can hold. */
#define EVENT_BODY_MAX (64u << 20)

/* One event, for the insert that all writers of the log share. False: no memory. */
bool event_add(struct sql_batch *batch, const char *experiment, const struct event *event,
	uint64_t version, struct buffer *body);
extern const struct sql_statement event_insert;

/* One idempotency key. */
void idempotency_add(struct sql_batch *batch, const struct idempotency *key);
extern const struct sql_statement idempotency_insert;

#endif
