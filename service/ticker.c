#include "service/ticker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct ticker {
	int64_t period_ms;
	void (*tick)(void *context);
	void *context;
	pthread_t thread;
	pthread_mutex_t lock; /* guards closing */
	pthread_cond_t changed;
	bool closing;
};

static bool wait_period(struct ticker *ticker)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t ns = until.tv_nsec + ticker->period_ms % 1000 * 1000000;
	until.tv_sec += (time_t)(ticker->period_ms / 1000 + ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	int waited = 0;
	pthread_mutex_lock(&ticker->lock);
	while (!ticker->closing && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&ticker->changed, &ticker->lock, &until);
	bool go_on = !ticker->closing;
	pthread_mutex_unlock(&ticker->lock);
	return go_on;
}

static void *loop(void *context)
{
	struct ticker *ticker = context;
	while (wait_period(ticker))
		ticker->tick(ticker->context);
	return NULL;
}

int ticker_open(int64_t period_ms, void (*tick)(void *context), void *context, struct ticker **out,
	struct error *err)
{
	struct ticker *ticker = calloc(1, sizeof(*ticker));
	if (!ticker)
		return fail(err, CODE_NO_MEMORY, "no memory for a thread");
	ticker->period_ms = period_ms;
	ticker->tick = tick;
	ticker->context = context;
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&ticker->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&ticker->lock, NULL);
	if (pthread_create(&ticker->thread, NULL, loop, ticker)) {
		pthread_cond_destroy(&ticker->changed);
		pthread_mutex_destroy(&ticker->lock);
		free(ticker);
		return fail(err, CODE_UNAVAILABLE, "cannot start a thread");
	}
	*out = ticker;
	return 0;
}

void ticker_close(struct ticker *ticker)
{
	if (!ticker)
		return;
	pthread_mutex_lock(&ticker->lock);
	ticker->closing = true;
	pthread_cond_signal(&ticker->changed);
	pthread_mutex_unlock(&ticker->lock);
	pthread_join(ticker->thread, NULL);
	pthread_cond_destroy(&ticker->changed);
	pthread_mutex_destroy(&ticker->lock);
	free(ticker);
}
