#include "api/allowance.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/experiment.h"
#include "api/problem.h"

#define SLOTS	  256 /* teams remembered; a collision only costs a count */
#define TEAM_SIZE 64  /* longer ids are counted each time */

struct slot {
	char team[TEAM_SIZE];
	int64_t limit; /* 0: none */
	int64_t used;  /* as counted, plus what was asked for since */
	int64_t counted_ms;
};

struct allowance {
	pthread_mutex_t mutex; /* guards slots; never held across a store call */
	struct slot slots[SLOTS];
};

int allowance_open(struct allowance **out, struct error *err)
{
	struct allowance *allowance = calloc(1, sizeof(*allowance));
	if (!allowance)
		return fail(err, CODE_NO_MEMORY, "no memory for the quotas");
	if (pthread_mutex_init(&allowance->mutex, NULL)) {
		free(allowance);
		return fail(err, CODE_NO_MEMORY, "no mutex for the quotas");
	}
	*out = allowance;
	return 0;
}

void allowance_close(struct allowance *allowance)
{
	if (!allowance)
		return;
	pthread_mutex_destroy(&allowance->mutex);
	free(allowance);
}

/* Was the key used before? Then the answer is a repeat, or a problem of its own. */
static bool key_used(struct session *session, struct call *call, const struct idempotency *key)
{
	struct idempotency found;
	return key &&
	       !store_idempotency_get(session, key->team, key->key, &call->arena, &found, NULL);
}

bool allowance_experiment(
	struct api *api, struct session *session, struct call *call, const struct idempotency *key)
{
	struct team_row team;
	struct error err = { 0 };
	int64_t n;

	(void)api;
	if (!call->identity.team) {
		problem_replyf(call, CODE_FORBIDDEN,
			"this token belongs to no team that could own an experiment");
		return false;
	}
	if (store_team_get(session, call->identity.team, &call->arena, &team, &err)) {
		problem_reply(call, &err, NULL);
		return false;
	}
	if (team.quota.experiments <= 0)
		return true;
	if (store_experiment_count(session, call->identity.team, &n, &err)) {
		problem_reply(call, &err, NULL);
		return false;
	}
	if (n < team.quota.experiments || key_used(session, call, key))
		return true;
	problem_replyf(call, CODE_RATE_LIMITED,
		"quota \"experiments\" of team %s is used up: %" PRId64 " of %" PRId64, team.id, n,
		team.quota.experiments);
	return false;
}

static struct slot *slot_of(struct allowance *allowance, const char *team)
{
	struct key128 key;
	if (strlen(team) >= TEAM_SIZE)
		return NULL;
	key_init(&key, 0);
	key_mix_bytes(&key, team, strlen(team));
	return &allowance->slots[key.low % SLOTS];
}

/* Answers from memory: true when count more trials are surely allowed. */
static bool remembered(struct allowance *allowance, const char *team, int64_t count, int64_t now_ms)
{
	struct slot *slot = slot_of(allowance, team);
	bool allowed = false;
	if (!slot)
		return false;
	pthread_mutex_lock(&allowance->mutex);
	if (strcmp(slot->team, team) == 0 && now_ms - slot->counted_ms < ALLOWANCE_REFRESH_MS) {
		allowed = !slot->limit || slot->used + count <= slot->limit;
		if (allowed)
			slot->used += count;
	}
	pthread_mutex_unlock(&allowance->mutex);
	return allowed;
}

static void remember(
	struct allowance *allowance, const char *team, int64_t limit, int64_t used, int64_t now_ms)
{
	struct slot *slot = slot_of(allowance, team);
	if (!slot)
		return;
	pthread_mutex_lock(&allowance->mutex);
	snprintf(slot->team, sizeof(slot->team), "%s", team);
	slot->limit = limit;
	slot->used = used;
	slot->counted_ms = now_ms;
	pthread_mutex_unlock(&allowance->mutex);
}

bool allowance_trials(struct api *api, struct session *session, struct call *call,
	const struct idempotency *key, const char *team, size_t count)
{
	struct team_row row;
	struct error err = { 0 };
	int64_t used = 0, more = (int64_t)count, now_ms = engine_now_ms(api->engine);

	if (remembered(api->allowance, team, more, now_ms))
		return true;
	if (store_team_get(session, team, &call->arena, &row, &err) ||
		(row.quota.trials > 0 && store_team_trials(session, team, &used, &err))) {
		problem_reply(call, &err, NULL);
		return false;
	}
	int64_t limit = row.quota.trials > 0 ? row.quota.trials : 0;
	bool allowed = !limit || used + more <= limit;
	remember(api->allowance, team, limit, allowed ? used + more : used, now_ms);
	if (allowed || key_used(session, call, key))
		return true;
	problem_replyf(call, CODE_RATE_LIMITED,
		"quota \"trials\" of team %s: %" PRId64 " of %" PRId64
		" are handed out, %zu more are too many",
		team, used, limit, count);
	return false;
}

bool allowance_artifact(
	struct api *api, struct session *session, struct call *call, const char *team, size_t size)
{
	struct team_row row;
	struct error err = { 0 };
	int64_t used = 0;

	(void)api;
	if (store_team_get(session, team, &call->arena, &row, &err) ||
		(row.quota.artifact_bytes > 0 &&
			store_artifact_bytes(session, team, &used, &err))) {
		problem_reply(call, &err, NULL);
		return false;
	}
	if (row.quota.artifact_bytes <= 0 || used + (int64_t)size <= row.quota.artifact_bytes)
		return true;
	problem_replyf(call, CODE_RATE_LIMITED,
		"quota \"artifact_bytes\" of team %s: %" PRId64 " of %" PRId64
		" bytes are used, %zu more are too many",
		team, used, row.quota.artifact_bytes, size);
	return false;
}
