/* The heartbeat thread of a trial. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

/* Waits until it is time for the next beat. False: the trial ends. */
static bool rest(struct cairn_trial *trial)
{
	struct timespec until;
	int64_t third = trial->lease_ms / 3 > 0 ? trial->lease_ms / 3 : 1;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += third / 1000;
	until.tv_nsec += third % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&trial->lock);
	while (!trial->closing && rc == 0)
		rc = pthread_cond_timedwait(&trial->wake, &trial->lock, &until);
	bool go_on = !trial->closing;
	pthread_mutex_unlock(&trial->lock);
	return go_on;
}

static void *beat(void *context)
{
	struct cairn_trial *trial = context;
	char path[PATH_MAX_], body[48];

	snprintf(path, sizeof(path), "/v1/experiments/%s/trials/%" PRId64 "/heartbeat",
		trial->experiment, trial->number);
	snprintf(body, sizeof(body), "{\"attempt\":%" PRId64 "}", trial->attempt);
	while (rest(trial)) {
		/* No key: beating twice is beating. One try: the next beat is soon enough. */
		struct client_call call = {
			.method = "POST", .path = path, .body = body, .tries = 1
		};
		struct cairn_error error = { 0 };
		json_t *answer = NULL;
		int rc = client_json(trial->cairn, &call, &answer, &error);
		const char *command = json_string_value(json_object_get(answer, "command"));
		/* 404: deleted. 410: the trial is somebody else's now; its result is still welcome.
		 */
		bool stop = (command && strcmp(command, "stop") == 0) ||
			    (rc == CAIRN_REFUSED && error.status == 404);
		json_decref(answer);
		if (stop) {
			pthread_mutex_lock(&trial->lock);
			trial->stopped = true;
			pthread_mutex_unlock(&trial->lock);
		}
	}
	return NULL;
}

int heart_start(struct cairn_trial *trial, struct cairn_error *error)
{
	if (pthread_create(&trial->heart, NULL, beat, trial))
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no thread for the heartbeat");
	trial->beating = true;
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
