/* Creating, cloning, deleting, importing and replaying whole experiments. */
#include <stdlib.h>
#include <string.h>

#include "algorithms/tuners/tuner.h"
#include "engine/internal.h"

#define SEED_BITS	53 /* what every JSON reader keeps exact */
#define IMPORT_CHUNK	2048
#define REPLAY_CHUNK	4096
#define IMPORT_LEASE_MS (24ll * 3600 * 1000) /* no sweeper touches a trial while it is imported */

static uint64_t random_seed(void)
{
	uint64_t seed;
	random_bytes(&seed, sizeof(seed));
	return seed >> (64 - SEED_BITS);
}

/* The created event folded into a fresh view, and the row that follows from it. */
static int first_row(struct view *view, const char *id, const char *team,
	const struct event *created, struct experiment_row *row, struct error *err)
{
	view_init(view, &engine_catalog);
	int rc = view_apply(view, created, err);
	if (rc)
		return rc;
	*row = (struct experiment_row){
		.id = id,
		.team = team,
		.name = view->spec->name,
		.reason = view->reason,
		.spec = created->spec,
		.parsed = view->spec,
		.counts = view->counts,
		.best_value = __builtin_nan(""),
		.created_ms = created->at_ms,
	};
	return 0;
}

static int create(struct engine *engine, struct session *session, const char *team,
	const char *spec_json, const struct idempotency *key, char *id_out, struct error *err)
{
	struct view view;
	struct event created;
	struct experiment_row row;
	struct idempotency full;
	char id[ID_SIZE];

	int rc = clock_sync(engine, session, err);
	if (rc)
		return rc;
	id_make("exp", id);
	event_init(&created, EVENT_CREATED, -1);
	created.version = 1;
	created.at_ms = engine_now_ms(engine);
	created.spec = spec_json;
	if (key) {
		full = *key;
		full.experiment = id;
		full.first_version = full.last_version = 1;
		full.created_ms = created.at_ms;
	}
	rc = first_row(&view, id, team, &created, &row, err);
	if (!rc)
		rc = store_experiment_create(session, &row, &created, key ? &full : NULL, err);
	if (!rc)
		memcpy(id_out, id, ID_SIZE);
	view_release(&view);
	return rc;
}

int engine_experiment_create(struct engine *engine, struct session *session, const char *team,
	const char *text, size_t size, const struct idempotency *key, char *id_out, bool *replayed,
	struct faults *faults, struct error *err)
{
	struct arena arena;
	const struct spec *spec;
	struct idempotency found;

	arena_init(&arena, 0);
	*replayed = false;
	int rc = engine_spec_check(text, size, NULL, random_seed(), &arena, &spec, faults, err);
	if (rc)
		goto out;
	rc = create(engine, session, team, spec->json, key, id_out, err);
	if (rc != CODE_CONFLICT || !key)
		goto out;
	rc = store_idempotency_get(session, key->team, key->key, &arena, &found, err);
	if (rc)
		goto out;
	if (strcmp(found.digest, key->digest) != 0) {
		rc = fail(err, CODE_KEY_REUSED,
			"this Idempotency-Key was used for another request: use a new key");
		goto out;
	}
	*replayed = true;
	memset(id_out, 0, ID_SIZE);
	memcpy(id_out, found.experiment, strnlen(found.experiment, ID_SIZE - 1));
out:
	arena_release(&arena);
	return rc;
}

/* A JSON string of a name: quotes and backslashes escaped; names hold no control characters. */
static const char *rename_body(struct arena *arena, const char *name)
{
	size_t n = strlen(name);
	char *out = arena_alloc(arena, 2 * n + 16);
	if (!out)
		return NULL;
	char *at = stpcpy(out, "{\"name\":\"");
	for (size_t i = 0; i < n; i++) {
		if (name[i] == '"' || name[i] == '\\')
			*at++ = '\\';
		*at++ = name[i];
	}
	memcpy(at, "\"}", 3);
	return out;
}

int engine_experiment_clone(struct engine *engine, struct session *session, const char *team,
	const char *id, const char *name, char *id_out, struct error *err)
{
	struct arena arena;
	struct experiment_row row;
	const struct spec *spec;
	struct faults faults;

	arena_init(&arena, 0);
	faults_init(&faults);
	int rc = store_experiment_get(session, team, id, &arena, &row, err);
	if (!rc)
		rc = spec_parse(row.spec, strlen(row.spec), NULL, &engine_catalog, 0, &arena, &spec,
			&faults, err);
	if (!rc && name) {
		const char *body = rename_body(&arena, name);
		rc = body ? spec_parse(body, strlen(body), spec, &engine_catalog, 0, &arena, &spec,
				    &faults, err)
			  : fail(err, CODE_NO_MEMORY, "no memory for a name");
	}
	if (rc == CODE_INVALID && faults.n > 0)
		fail(err, CODE_INVALID, "%s: %s", faults.items[0].pointer, faults.items[0].message);
	if (!rc)
		rc = create(engine, session, row.team, spec->json, NULL, id_out, err);
	arena_release(&arena);
	return rc;
}

int engine_experiment_delete(struct engine *engine, struct session *session, const char *team,
	const char *id, struct error *err)
{
	int rc = store_experiment_delete(session, team, id, err);
	if (rc)
		return rc;
	/* Who still waits for it learns that it is gone; the cached view goes with the next batch.
	 */
	pthread_mutex_lock(&engine->lock);
	struct mailbox *mailbox = mailbox_find(engine, id);
	bool mine = mailbox && !mailbox->running;
	if (mailbox) {
		mailbox_unpark(engine, mailbox, 0, true);
		if (mine)
			mailbox->running = true;
	}
	pthread_mutex_unlock(&engine->lock);
	if (mine) {
		mailbox->view.stale = true;
		mailbox_run(engine, session, mailbox);
	}
	return 0;
}

/* ---- import ---- */

struct import {
	struct engine *engine;
	char id[ID_SIZE];
	char team[TEAM_SIZE];
	bool created;
	struct view view;
	struct arena arena; /* of the events of this chunk */
	struct event *events;
	size_t n;
	size_t n_before; /* trials that are stored already */
	uint64_t base;
	int64_t now_ms;
};

int engine_import_begin(
	struct engine *engine, const char *team, struct import **out, struct error *err)
{
	struct import *import = calloc(1, sizeof(*import));
	if (!import)
		return fail(err, CODE_NO_MEMORY, "no memory for an import");
	import->events = calloc(IMPORT_CHUNK, sizeof(*import->events));
	if (!import->events) {
		free(import);
		return fail(err, CODE_NO_MEMORY, "no memory for an import");
	}
	import->engine = engine;
	import->now_ms = engine_now_ms(engine);
	id_make("exp", import->id);
	memcpy(import->team, team, strnlen(team, TEAM_SIZE - 1));
	arena_init(&import->arena, 0);
	view_init(&import->view, &engine_catalog);
	*out = import;
	return 0;
}

static void import_free(struct import *import)
{
	view_release(&import->view);
	arena_release(&import->arena);
	free(import->events);
	free(import);
}

static int import_flush(struct import *import, struct session *session, struct error *err)
{
	struct view *view = &import->view;
	if (import->n == 0)
		return 0;
	size_t room = view->n_undo + view->n_trials - import->n_before;
	uint32_t *changed = arena_array(&import->arena, room + 1, sizeof(*changed));
	if (!changed)
		return fail(err, CODE_NO_MEMORY, "no memory for an import");
	for (size_t i = 0; i < view->n_trials; i++)
		if (view->trials[i].state == TRIAL_RUNNING)
			view->trials[i].lease_until_ms = import->now_ms + IMPORT_LEASE_MS;
	struct append append = {
		.experiment = import->id,
		.base_version = import->base,
		.events = import->events,
		.n_events = import->n,
		.view = view,
		.changed = changed,
		.n_changed = view_changed(view, changed, room),
		.n_trials_before = import->n_before,
	};
	int rc = store_append(session, &append, NULL, err);
	if (rc == CODE_MISS)
		return fail(
			err, CODE_CONFLICT, "somebody used the experiment before its import ended");
	if (rc)
		return rc;
	view_keep(view);
	view_mark(view);
	import->base = view->counts.version;
	import->n_before = view->n_trials;
	import->n = 0;
	arena_reset(&import->arena);
	return 0;
}

static int import_created(struct import *import, struct session *session, const struct event *event,
	struct error *err)
{
	struct experiment_row row;
	struct faults faults;
	const struct spec *spec;

	if (event->kind != EVENT_CREATED || !event->spec)
		return fail(err, CODE_INVALID, "the first event must be created, with its spec");
	faults_init(&faults);
	/* The spec comes from a stranger: all checks of a new experiment. */
	int rc = engine_spec_check(
		event->spec, strlen(event->spec), NULL, 0, &import->arena, &spec, &faults, err);
	if (rc == CODE_INVALID && faults.n > 0)
		fail(err, CODE_INVALID, "spec%s: %s", faults.items[0].pointer,
			faults.items[0].message);
	if (rc)
		return rc;
	struct event created = *event;
	created.spec = spec->json;
	rc = first_row(&import->view, import->id, import->team, &created, &row, err);
	if (!rc)
		rc = store_experiment_create(session, &row, &created, NULL, err);
	if (rc)
		return rc;
	import->created = true;
	import->base = 1;
	view_mark(&import->view);
	return 0;
}

/* The event outlives its line: its strings are kept until the chunk is written. */
static int keep_event(struct import *import, const struct event *event, struct error *err)
{
	struct buffer text;
	buffer_init(&text, LIMIT_BULK_BODY_BYTES);
	event_write(event, &text);
	struct event *own = &import->events[import->n];
	int rc = text.failed ? fail(err, CODE_TOO_LARGE, "an event is too large")
			     : event_read(buffer_text(&text), text.size, own, &import->arena, err);
	buffer_release(&text);
	if (!rc)
		import->n++;
	return rc;
}

int engine_import_event(struct import *import, struct session *session, const struct event *event,
	struct error *err)
{
	uint64_t due = import->view.counts.version + 1;

	if (event->version != due)
		return fail(err, CODE_INVALID, "version %llu stands where %llu should",
			(unsigned long long)event->version, (unsigned long long)due);
	if (!import->created)
		return import_created(import, session, event, err);
	int rc = view_apply(&import->view, event, err);
	if (rc == CODE_INTERNAL)
		err->code =
			CODE_INVALID; /* here it is the stranger's log that cannot be followed */
	if (rc)
		return rc == CODE_INTERNAL ? CODE_INVALID : rc;
	rc = keep_event(import, event, err);
	if (!rc && import->n == IMPORT_CHUNK)
		rc = import_flush(import, session, err);
	return rc;
}

/* Nobody here runs what ran there. */
static int import_release(struct import *import, struct session *session, struct error *err)
{
	for (size_t i = 0; i < import->view.n_trials; i++) {
		struct event event;
		if (import->view.trials[i].state != TRIAL_RUNNING)
			continue;
		event_init(&event, EVENT_RELEASED, (int64_t)i);
		event.attempt = import->view.trials[i].attempt;
		event.version = import->view.counts.version + 1;
		event.at_ms = import->now_ms;
		int rc = engine_import_event(import, session, &event, err);
		if (rc)
			return rc;
	}
	return 0;
}

int engine_import_end(
	struct import *import, struct session *session, char *id_out, struct error *err)
{
	int rc = import->created ? 0 : fail(err, CODE_INVALID, "there is no event to import");
	if (!rc)
		rc = import_release(import, session, err);
	if (!rc)
		rc = import_flush(import, session, err);
	if (rc) {
		engine_import_abort(import, session);
		return rc;
	}
	memcpy(id_out, import->id, ID_SIZE);
	import_free(import);
	return 0;
}

void engine_import_abort(struct import *import, struct session *session)
{
	if (!import)
		return;
	if (import->created)
		store_experiment_delete(session, import->team, import->id, NULL);
	import_free(import);
}

/* ---- replay ---- */

static int fold_until(struct engine *engine, struct session *session, const char *id,
	uint64_t version, struct view *view, struct error *err)
{
	int rc = view_catch_up(engine, session, id, view, version, err);
	if (!rc && view->counts.version != version)
		rc = fail(err, CODE_INTERNAL, "the log of %s ends at %llu, before %llu", id,
			(unsigned long long)view->counts.version, (unsigned long long)version);
	return rc;
}

/* The model a suggestion went by, fitted again on the view at the model's version. */
static int refit(struct engine *engine, const struct view *view, struct arena *arena,
	struct model *model, struct error *err)
{
	struct buffer body;

	buffer_init(&body, LIMIT_MODEL);
	int rc = fit_now(view, engine->compute, &body, err);
	if (!rc) {
		*model = (struct model){
			.version = view->counts.version,
			.n_results = view->n_finished,
			.bytes = { arena_copy(arena, body.data, body.size), body.size },
		};
		if (body.size && !model->bytes.data)
			rc = fail(err, CODE_NO_MEMORY, "no memory for a model");
	}
	buffer_release(&body);
	return rc;
}

static int recompute(const struct knowledge *know, const struct asked *asked,
	const struct trial *trial, struct arena *arena, const char **recomputed, bool *equal,
	struct error *err)
{
	const struct view *view = know->view;
	struct proposal proposal;
	struct buffer text;

	int rc = proposal_init(view, arena, &proposal, err);
	if (!rc)
		rc = ask_again(know, asked, arena, &proposal, err);
	if (rc == CODE_WAIT || rc == CODE_EXHAUSTED) {
		*recomputed = "null";
		*equal = false;
		return 0;
	}
	if (rc)
		return rc;
	buffer_init(&text, LIMIT_BODY_BYTES);
	space_write(view->spec->space, proposal.x, &text);
	*recomputed = text.failed ? NULL : arena_strdup(arena, buffer_text(&text));
	buffer_release(&text);
	if (!*recomputed)
		return fail(err, CODE_NO_MEMORY, "no memory for a proposal");
	*equal = strcmp(*recomputed, trial->parameters) == 0;
	return 0;
}

int engine_replay(struct engine *engine, struct session *session, const char *team,
	const char *experiment, int64_t number, struct arena *arena, const char **recorded,
	const char **recomputed, bool *equal, struct error *err)
{
	struct experiment_row row;
	struct trial trial;
	struct view view;
	struct asked asked;
	struct model model = { 0 };

	int rc = store_experiment_get(session, team, experiment, arena, &row, err);
	if (!rc)
		rc = store_trial_get(session, experiment, number, arena, &trial, err);
	if (rc)
		return rc;
	if (trial.origin != ORIGIN_TUNER)
		return fail(err, CODE_CONFLICT,
			"the tuner did not make this trial (it is a %s one)",
			trial_origin_name(trial.origin));
	asked_read(trial.meta, &asked);
	if (asked.model > trial.base_version)
		return fail(err, CODE_CONFLICT, "its model is newer than what the tuner knew");
	view_init(&view, &engine_catalog);
	if (asked.model)
		rc = fold_until(engine, session, experiment, asked.model, &view, err);
	if (!rc && asked.model)
		rc = refit(engine, &view, arena, &model, err);
	if (!rc)
		rc = fold_until(engine, session, experiment, trial.base_version, &view, err);
	const struct knowledge know = {
		.view = &view, .model = asked.model ? &model : NULL, .compute = engine->compute
	};
	if (!rc)
		rc = recompute(&know, &asked, &trial, arena, recomputed, equal, err);
	if (!rc)
		*recorded = trial.parameters;
	view_release(&view);
	return rc;
}
