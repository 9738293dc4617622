/* The heartbeat thread of a trial. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

/* The server extends a lease once half of it is gone, so of three beats at most two count; after a
 * beat that failed the next one comes sooner, for there may be only a third of the lease left. */
#define BEATS_A_LEASE	   3
#define BEATS_WHEN_FAILING 12
#define BEAT_MIN_MS	   100

/* Waits until it is time for the next beat. False: there is none. */
static bool rest(struct cairn_trial *trial, bool failing)
{
	struct timespec until;
	int64_t ms = trial->lease_ms / (failing ? BEATS_WHEN_FAILING : BEATS_A_LEASE);
	int rc = 0;

	if (ms < BEAT_MIN_MS)
		ms = BEAT_MIN_MS;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000 * 1000000);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&trial->lock);
	while (!trial->closing && !trial->settled && rc == 0)
		rc = pthread_cond_timedwait(&trial->wake, &trial->lock, &until);
	bool go_on = !trial->closing && !trial->settled;
	pthread_mutex_unlock(&trial->lock);
	return go_on;
}

static bool is_over(const void *context)
{
	struct cairn_trial *trial = (struct cairn_trial *)(uintptr_t)context; /* for its lock */
	pthread_mutex_lock(&trial->lock);
	bool over = trial->closing || trial->settled;
	pthread_mutex_unlock(&trial->lock);
	return over;
}

static void *beat(void *context)
{
	struct cairn_trial *trial = context;
	char path[PATH_SIZE], body[80];
	bool failing = false;

	snprintf(path, sizeof(path), "/v1/experiments/%s/trials/%" PRId64 "/heartbeat",
		trial->experiment, trial->number);
	snprintf(body, sizeof(body), "{\"attempt\":%" PRId64 ",\"lease\":\"%" PRId64 "ms\"}",
		trial->attempt, trial->lease_ms);
	while (rest(trial, failing)) {
		/* No key: beating twice is beating. One try: the next beat is soon enough. */
		struct client_call call = { .method = "POST",
			.path = path,
			.body = body,
			.tries = 1,
			.timeout_ms = trial->lease_ms / 2,
			.is_over = is_over,
			.context = trial };
		struct cairn_error error = { 0 };
		json_t *answer = NULL;
		int rc = client_json(trial->cairn, &call, &answer, &error);
		failing = rc != CAIRN_OK;
		if (rc == CAIRN_OK)
			trial_note(trial, answer);
		else if (rc == CAIRN_REFUSED && error.status == 404)
			trial_settle(trial, true); /* deleted: nobody waits for the result */
		else if (rc == CAIRN_REFUSED && error.status == 410)
			trial_settle(trial, false); /* somebody else's; the result is welcome */
		json_decref(answer);
	}
	return NULL;
}

int heart_start(struct cairn_trial *trial, struct cairn_error *error)
{
	sigset_t all, before;

	/* The program's signals are for its own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	trial->beating = pthread_create(&trial->heart, NULL, beat, trial) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!trial->beating)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no thread for the heartbeat");
	return CAIRN_OK;
}

void heart_stop(struct cairn_trial *trial)
{
	if (!trial->beating)
		return;
	pthread_mutex_lock(&trial->lock);
	trial->closing = true;
	pthread_cond_signal(&trial->wake);
	pthread_mutex_unlock(&trial->lock);
	pthread_join(trial->heart, NULL);
	trial->beating = false;
}
