/* What a mailbox's tuner has learnt: its model, its workspace, and the proposal computed ahead. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "engine/internal.h"

struct fitted *fitted_new(uint64_t version, size_t n_results, uint64_t digest, struct bytes bytes)
{
	struct fitted *fitted = malloc(sizeof(*fitted) + bytes.size);
	if (!fitted)
		return NULL;
	*fitted = (struct fitted){
		.version = version, .digest = digest, .n_results = n_results, .size = bytes.size
	};
	if (bytes.size)
		memcpy(fitted->bytes, bytes.data, bytes.size);
	return fitted;
}

/* ---- the digest of a spec ---- */

/* The end of the JSON value at text: a ',' or '}' of the object around it. Our own canonical text,
 * so only strings and nesting matter. */
static const char *value_end(const char *text)
{
	unsigned depth = 0;
	bool quoted = false;

	for (; *text; text++) {
		if (quoted && *text == '\\' && text[1]) {
			text++;
			continue;
		}
		if (quoted) {
			quoted = *text != '"';
			continue;
		}
		if (depth == 0 && (*text == ',' || *text == '}'))
			break;
		quoted = *text == '"';
		depth += *text == '{' || *text == '[';
		depth -= *text == '}' || *text == ']';
	}
	return text;
}

static bool is_member(const char *at, const char *const *names)
{
	for (; *names; names++)
		if (strncmp(at, *names, strlen(*names)) == 0)
			return true;
	return false;
}

uint64_t spec_digest(const struct spec *spec)
{
	static const char *const beside_the_model[] = {
		"\"name\":", "\"assessor\":", "\"limits\":", "\"labels\":", "\"note\":", NULL
	};
	struct key128 key;

	key_init(&key, 0);
	for (const char *at = spec->json; *at == '{' || *at == ',';) {
		const char *end = value_end(++at);
		if (!is_member(at, beside_the_model))
			key_mix_bytes(&key, at, (size_t)(end - at));
		at = end;
	}
	return key.low;
}

/* ---- parts ---- */

void ready_drop(struct mailbox *mailbox)
{
	if (!mailbox->learnt)
		return;
	mailbox->learnt->ready.there = false;
	mailbox->learnt->ready.tried = false;
}

static void model_set(struct learnt *learnt, struct fitted *fitted)
{
	free(learnt->fitted);
	learnt->fitted = fitted;
	learnt->model = fitted ? fitted_model(fitted) : (struct model){ 0 };
	learnt->ready.there = false;
	learnt->ready.tried = false;
}

void learnt_forget(struct mailbox *mailbox)
{
	if (!mailbox->learnt)
		return;
	workspace_clear(&mailbox->learnt->workspace);
	ready_drop(mailbox);
}

size_t learnt_bytes(const struct mailbox *mailbox)
{
	const struct learnt *learnt = mailbox->learnt;
	if (!learnt)
		return 0;
	return sizeof(*learnt) + learnt->model.bytes.size + learnt->workspace.bytes +
	       learnt->ready.arena.held;
}

void learnt_discard(struct engine *engine, struct mailbox *mailbox)
{
	if (!mailbox->learnt)
		return;
	mailbox->learnt->next = engine->discarded;
	engine->discarded = mailbox->learnt;
	mailbox->learnt = NULL;
}

void discarded_free(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	struct learnt *learnt = engine->discarded;
	engine->discarded = NULL;
	pthread_mutex_unlock(&engine->lock);
	while (learnt) {
		struct learnt *next = learnt->next;
		model_set(learnt, NULL);
		workspace_clear(&learnt->workspace);
		arena_release(&learnt->ready.arena);
		free(learnt);
		learnt = next;
	}
}

/* ---- the whole ---- */

/* The one that waits for the runner, or NULL. */
static struct fitted *take_fitted(struct engine *engine, struct mailbox *mailbox)
{
	pthread_mutex_lock(&engine->lock);
	struct fitted *fitted = mailbox->fitted;
	/* One from another replica may know results that this view does not: not yet. */
	if (fitted && fitted->version > mailbox->view.counts.version) {
		mailbox->refresh = true;
		fitted = NULL;
	}
	if (fitted)
		mailbox->fitted = NULL;
	pthread_mutex_unlock(&engine->lock);
	return fitted;
}

/* The spec may have been edited: a model of another space or tuner is of no use. */
static void digest_update(struct engine *engine, struct mailbox *mailbox)
{
	struct learnt *learnt = mailbox->learnt;
	uint64_t digest = spec_digest(mailbox->view.spec);

	learnt->spec_version = mailbox->view.counts.spec_version;
	if (digest == learnt->digest)
		return;
	learnt->digest = digest;
	model_set(learnt, NULL);
	learnt_forget(mailbox);
	pthread_mutex_lock(&engine->lock);
	mailbox->failed_at = 0;
	pthread_mutex_unlock(&engine->lock);
}

/* Takes the model if it is of this spec and newer. Frees it otherwise. */
static bool offer(struct learnt *learnt, struct fitted *fitted)
{
	bool better = fitted && fitted->digest == learnt->digest &&
		      fitted->version > learnt->model.version;
	if (better)
		model_set(learnt, fitted);
	else
		free(fitted);
	return better;
}

struct learnt *learnt_current(struct engine *engine, struct mailbox *mailbox)
{
	const struct tuner *tuner = tuner_of(mailbox->view.spec->tuner);

	if (!tuner->learner) {
		/* It may have had one before an edit. */
		pthread_mutex_lock(&engine->lock);
		learnt_discard(engine, mailbox);
		pthread_mutex_unlock(&engine->lock);
		return NULL;
	}
	if (!mailbox->learnt) {
		struct learnt *learnt = calloc(1, sizeof(*learnt));
		if (!learnt)
			return NULL;
		arena_init(&learnt->ready.arena, 0);
		mailbox->learnt = learnt;
	}
	struct learnt *learnt = mailbox->learnt;
	if (learnt->spec_version != mailbox->view.counts.spec_version)
		digest_update(engine, mailbox);
	offer(learnt, take_fitted(engine, mailbox));
	return learnt;
}

void learnt_load(struct engine *engine, struct session *session, struct mailbox *mailbox)
{
	struct learnt *learnt = learnt_current(engine, mailbox);
	struct model_row row;
	struct arena arena;

	if (!learnt)
		return;
	learnt_forget(mailbox);
	arena_init(&arena, 0);
	/* Without it the tuner goes on from what it has: the next fit brings it. */
	if (!store_model_get(session, mailbox->id, learnt->model.version, &arena, &row, NULL) &&
		row.version <= mailbox->view.counts.version) {
		struct fitted *fitted =
			fitted_new(row.version, row.n_results, row.spec_digest, row.body);
		engine->models_shared += offer(learnt, fitted);
	}
	arena_release(&arena);
}
