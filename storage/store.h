/*
 * The store: experiments, their logs and projections, teams, tokens, artifacts. Everything the
 * server must not lose is here; PostgreSQL or SQLite below (storage/sql.h) makes no difference to a
 * caller.
 *
 * Rules: each call is one transaction and one round trip. What it answers lives in the caller's
 * arena. Errors: CODE_NOT_FOUND, CODE_CONFLICT as named below; CODE_UNAVAILABLE when the database
 * is away (the session reconnects by itself at the next call); CODE_NO_MEMORY.
 *
 * Appending is optimistic: events carry the versions base+1 ... base+n, and the primary key of the
 * log (experiment, version) refuses them when somebody else appended first. That is the fence that
 * makes versions gapless and limits exact; locks elsewhere only save work.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include "core/arena.h"
#include "core/error.h"
#include "core/event.h"
#include "core/limits.h"
#include "core/trial.h"
#include "core/view.h"

struct store;	/* shared by threads */
struct session; /* one connection; one thread at a time */

struct store_config {
	const char *url;
};

int store_open(const struct store_config *config, struct store **out, struct error *err);
void store_close(struct store *store);
const char *store_scheme(const struct store *store); /* "sqlite" or "postgresql" */

/* Applies the numbered migrations that are missing, under a lock. Safe to call from many processes.
 */
int store_migrate(struct store *store, struct error *err);
int store_schema_version(struct session *session, int64_t *out, struct error *err);
int store_schema_latest(void);

int session_open(struct store *store, struct session **out, struct error *err);
void session_close(struct session *session);

/* Database time, milliseconds since the Unix epoch. */
int store_clock(struct session *session, int64_t *now_ms, struct error *err);

/* ---- experiments ---- */

struct experiment_row {
	const char *id, *team, *name, *reason;
	const char *spec;	   /* canonical JSON */
	struct view_counts counts; /* version, spec_version, status, counters */
	double best_value;	   /* NaN: none */
	int64_t created_ms;
	const struct spec *parsed; /* for store_experiment_create (kind, labels, limits): the
				      view's spec; NULL in rows that were read */
};

/* An Idempotency-Key and what was done under it, written with the events it made. */
struct idempotency {
	const char *team, *key;
	const char *digest;	/* of method, path and body, hex */
	const char *experiment; /* "" when it is not about one */
	uint64_t first_version, last_version;
	const char *answer; /* body to repeat, for requests that make no events; NULL */
	int status;	    /* HTTP status of the answer, chosen by api/ */
	int64_t created_ms;
};

/* The row, its created event (version 1) and the key (NULL: none), together. CODE_CONFLICT: the key
 * is used. CODE_NOT_FOUND: no such team ("default" is always there). */
int store_experiment_create(struct session *session, const struct experiment_row *row,
	const struct event *created, const struct idempotency *key, struct error *err);
int store_experiment_get(struct session *session, const char *team, const char *id,
	struct arena *arena, struct experiment_row *out, struct error *err);
int store_experiment_delete(
	struct session *session, const char *team, const char *id, struct error *err);

enum experiment_sort { SORT_CREATED, SORT_UPDATED, SORT_NAME };

struct experiment_filter {
	const char *team;			     /* NULL: all teams (instance admin) */
	const char *status, *kind;		     /* NULL: any */
	const char *name;			     /* substring, case-insensitive; NULL: any */
	const char *label_key, *label_value;	     /* value NULL: any value of that key */
	int64_t created_after_ms, created_before_ms; /* 0: open */
	enum experiment_sort sort;
	bool descending;
	const char *cursor; /* from the page before; NULL: the first */
	size_t limit;
};

struct experiment_page {
	size_t n;
	const struct experiment_row *rows;
	const char *next; /* cursor; NULL: the last page. A plain text the api wraps */
};

int store_experiment_list(struct session *session, const struct experiment_filter *filter,
	struct arena *arena, struct experiment_page *out, struct error *err);
int store_experiment_count(
	struct session *session, const char *team, int64_t *out, struct error *err);

/* Current versions of these experiments (0: gone), for replicas that watch them. */
int store_versions(struct session *session, size_t n, const char *const *ids, uint64_t *versions,
	struct error *err);

/* ---- the log ---- */

struct append {
	const char *experiment;
	uint64_t base_version; /* events carry base_version + 1 ... */
	const struct event *events;
	size_t n_events;
	const struct view *view; /* after the events: counters and trials are taken from it */
	const uint32_t *changed; /* trials to write, ascending (view_changed) */
	size_t n_changed;
	size_t n_trials_before; /* numbers from here on are new rows */
	const struct idempotency *keys;
	size_t n_keys;
};

/* One pipeline, one commit. CODE_MISS: the log has moved on (or the key of one of keys is used and
 * *key_used, if not NULL, is set): read and try again. CODE_NOT_FOUND: the experiment is gone. */
int store_append(
	struct session *session, const struct append *append, bool *key_used, struct error *err);

/* Events with version > since, ascending, at most limit. */
int store_events(struct session *session, const char *experiment, uint64_t since, size_t limit,
	struct arena *arena, const struct event **out, size_t *n, struct error *err);

/* The whole projection as of one snapshot, into an initialised view: spec, all trials, the reports
 * of running trials, and those of ended ones if view->needs_metrics. team and id of the row in
 * *row. */
int store_view_load(struct session *session, const char *experiment, struct view *view,
	struct arena *arena, struct experiment_row *row, struct error *err);

int store_idempotency_get(struct session *session, const char *team, const char *key,
	struct arena *arena, struct idempotency *out, struct error *err);
int store_idempotency_put(struct session *session, const struct idempotency *key,
	struct error *err); /* CODE_CONFLICT: used */
int store_idempotency_expire(struct session *session, int64_t before_ms, struct error *err);

/* ---- trials ---- */

enum trial_sort {
	TRIAL_BY_NUMBER,
	TRIAL_BY_LOSS
}; /* by loss: succeeded and feasible ones only, best first */

struct trial_filter {
	const char *experiment;
	int state;	    /* enum trial_state, or -1: any */
	const char *worker; /* NULL: any */
	enum trial_sort sort;
	bool descending; /* by number only */
	const char *cursor;
	size_t limit;
};

struct trial_page {
	size_t n;
	const struct trial *rows; /* without reports; x is NULL */
	const char *next;
};

int store_trial_list(struct session *session, const struct trial_filter *filter,
	struct arena *arena, struct trial_page *out, struct error *err);
int store_trial_get(struct session *session, const char *experiment, int64_t number,
	struct arena *arena, struct trial *out, struct error *err);

struct metric_row {
	int64_t trial, step, at_ms;
	uint32_t attempt;
	uint64_t version;
	bool late;
	const char *values; /* JSON object */
};

/* Intermediate reports in version order; trial -1: of all trials. since: version, exclusive. */
int store_metric_list(struct session *session, const char *experiment, int64_t trial,
	uint64_t since, size_t limit, struct arena *arena, const struct metric_row **out, size_t *n,
	struct error *err);
/* One report, for duplicates of ended trials. CODE_NOT_FOUND: none. */
int store_metric_get(struct session *session, const char *experiment, int64_t trial,
	uint32_t attempt, int64_t step, struct arena *arena, struct metric_row *out,
	struct error *err);

/* ---- leases ---- */

/* Sets the lease of a running trial if this is its attempt. CODE_GONE: it is not. */
int store_lease_extend(struct session *session, const char *experiment, int64_t trial,
	uint32_t attempt, int64_t until_ms, struct error *err);

struct due {
	const char *experiment, *team;
	int64_t trial; /* -1: the experiment's own deadline (max_duration) */
	uint32_t attempt;
	int64_t lease_until_ms;
};

/* Running trials whose lease has run out and running experiments past their deadline, oldest first.
 */
int store_due(struct session *session, int64_t now_ms, size_t limit, struct arena *arena,
	const struct due **out, size_t *n, struct error *err);

/* ---- artifacts and logs ---- */

struct artifact_row {
	int64_t trial;
	const char *name, *content_type;
	int64_t size, updated_ms;
	const char *sha256; /* hex */
};

/* Stored in chunk rows; replaces an artifact of the same name. CODE_NOT_FOUND: no such trial. */
int store_artifact_put(struct session *session, const char *experiment,
	const struct artifact_row *row, const void *data, struct error *err);
int store_artifact_get(struct session *session, const char *experiment, int64_t trial,
	const char *name, struct arena *arena, struct artifact_row *out, struct error *err);
/* Up to size bytes from offset; *n = 0 at the end. */
int store_artifact_read(struct session *session, const char *experiment, int64_t trial,
	const char *name, int64_t offset, size_t size, struct arena *arena, const void **out,
	size_t *n, struct error *err);
int store_artifact_list(struct session *session, const char *experiment, int64_t trial,
	const char *after, size_t limit, struct arena *arena, const struct artifact_row **out,
	size_t *n, struct error *err);
int store_artifact_delete(struct session *session, const char *experiment, int64_t trial,
	const char *name, struct error *err);
int store_artifact_bytes(
	struct session *session, const char *team, int64_t *out, struct error *err);

/* Appends at offset, which must be the log's length: else CODE_CONFLICT and *length tells it. */
int store_log_append(struct session *session, const char *experiment, int64_t trial, int64_t offset,
	const void *data, size_t size, int64_t *length, struct error *err);
int store_log_read(struct session *session, const char *experiment, int64_t trial, int64_t offset,
	size_t size, struct arena *arena, const void **out, size_t *n, int64_t *length,
	struct error *err);

/* ---- models: what tuners have learnt ---- */

struct model_row {
	uint64_t version;	 /* of the view it was fitted on */
	size_t n_results;	 /* results in that view */
	uint64_t spec_digest;	 /* of what the model depends on in the spec */
	const char *fingerprint; /* of the back end that computed it */
	struct bytes body;	 /* at most LIMIT_MODEL */
	int64_t created_ms;
};

/* Kept only if newer than the one there is; answers 0 either way. CODE_NOT_FOUND: the experiment is
 * gone. */
int store_model_put(struct session *session, const char *experiment, const struct model_row *row,
	struct error *err);
/* The experiment's model, if its version is above since. CODE_NOT_FOUND: it is not, or there is
 * none. */
int store_model_get(struct session *session, const char *experiment, uint64_t since,
	struct arena *arena, struct model_row *out, struct error *err);

/* ---- teams, tokens, quotas, audit ---- */

struct quota { /* 0: no limit */
	int64_t experiments, trials, requests_per_minute, artifact_bytes;
};

struct team_row {
	const char *id, *name;
	struct quota quota;
	int64_t created_ms;
};

int store_team_create(struct session *session, const struct team_row *row, struct error *err);
int store_team_get(struct session *session, const char *id, struct arena *arena,
	struct team_row *out, struct error *err);
int store_team_list(struct session *session, const char *after, size_t limit, struct arena *arena,
	const struct team_row **out, size_t *n, struct error *err);
int store_team_delete(struct session *session, const char *id, struct error *err);
/* CODE_CONFLICT: it still has experiments */
int store_quota_set(
	struct session *session, const char *team, const struct quota *quota, struct error *err);
/* Trial numbers handed out by all experiments of the team. */
int store_team_trials(struct session *session, const char *team, int64_t *out, struct error *err);

struct token_row {
	const char *id, *team, *name;
	const char *digest;			 /* SHA-256 of the secret, hex */
	unsigned scopes;			 /* bits defined in api/ */
	int64_t created_ms, expires_ms, used_ms; /* 0: never */
};

int store_token_create(struct session *session, const struct token_row *row, struct error *err);
int store_token_by_digest(struct session *session, const char *digest, struct arena *arena,
	struct token_row *out, struct error *err);
int store_token_list(struct session *session, const char *team, const char *after, size_t limit,
	struct arena *arena, const struct token_row **out, size_t *n, struct error *err);
/* team NULL: all */
int store_token_delete(
	struct session *session, const char *team, const char *id, struct error *err);
int store_token_touch(struct session *session, const char *id, int64_t now_ms, struct error *err);
int store_token_count(struct session *session, int64_t *out, struct error *err);

struct audit_row {
	int64_t id, at_ms;
	const char *team, *actor, *action, *target,
		*detail; /* detail: JSON or NULL; actor: token id or "open" */
	const char *request_id;
};

int store_audit_add(struct session *session, const struct audit_row *row, struct error *err);
int store_audit_list(struct session *session, const char *team, int64_t before_id, size_t limit,
	struct arena *arena, const struct audit_row **out, size_t *n, struct error *err);
/* newest first; before_id 0: from the newest; team NULL: all */

#endif
