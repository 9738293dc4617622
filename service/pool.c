#include "service/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "api/call.h"

struct pool {
	struct pool_config config;
	pthread_mutex_t lock; /* guards all below; never held while a job runs */
	pthread_cond_t work;
	struct job *head, **tail;
	size_t waiting, running;
	uint64_t refused;
	bool closing;
	size_t n_threads;
	pthread_t *threads;
};

static struct job *pop(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (!pool->head && !pool->closing)
		pthread_cond_wait(&pool->work, &pool->lock);
	struct job *job = pool->head;
	if (job) {
		pool->head = job->next;
		if (!pool->head)
			pool->tail = &pool->head;
		pool->waiting--;
		pool->running++;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void done(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->running--;
	pthread_mutex_unlock(&pool->lock);
}

/* Opens the session unless the last attempt was a moment ago. */
static void session_ensure(struct pool *pool, struct session **session, int64_t *tried_us)
{
	const struct pool_config *config = &pool->config;
	int64_t now = monotonic_us();
	if (*session || (*tried_us && now - *tried_us < config->retry_us))
		return;
	struct error err;
	*tried_us = now;
	if (config->session_open(config->context, session, &err)) {
		*session = NULL;
		config->failed(config->context, &err);
	}
}

static void *work(void *context)
{
	struct pool *pool = context;
	struct session *session = NULL;
	int64_t tried_us = 0;
	session_ensure(pool, &session, &tried_us);
	for (struct job *job; (job = pop(pool));) {
		session_ensure(pool, &session, &tried_us);
		job->run(job, session);
		done(pool);
	}
	if (session)
		pool->config.session_close(pool->config.context, session);
	return NULL;
}

int pool_open(const struct pool_config *config, struct pool **out, struct error *err)
{
	assert(config->workers > 0 && config->capacity > 0);
	struct pool *pool = calloc(1, sizeof(*pool));
	pthread_t *threads = calloc(config->workers, sizeof(*threads));
	if (!pool || !threads) {
		free(pool);
		free(threads);
		return fail(err, CODE_NO_MEMORY, "no memory for %zu workers", config->workers);
	}
	pool->config = *config;
	pool->tail = &pool->head;
	pool->threads = threads;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	for (size_t i = 0; i < config->workers; i++, pool->n_threads++) {
		if (!pthread_create(&threads[i], NULL, work, pool))
			continue;
		pool_close(pool);
		return fail(err, CODE_UNAVAILABLE, "cannot start worker %zu of %zu", i + 1,
			config->workers);
	}
	*out = pool;
	return 0;
}

static bool push(struct pool *pool, struct job *job, size_t capacity)
{
	job->next = NULL;
	pthread_mutex_lock(&pool->lock);
	bool fits = !pool->closing && pool->waiting < capacity;
	if (fits) {
		*pool->tail = job;
		pool->tail = &job->next;
		pool->waiting++;
		pthread_cond_signal(&pool->work);
	} else {
		pool->refused++;
	}
	pthread_mutex_unlock(&pool->lock);
	return fits;
}

bool pool_submit(struct pool *pool, struct job *job)
{
	return push(pool, job, pool->config.capacity);
}

void pool_submit_always(struct pool *pool, struct job *job)
{
	bool fits = push(pool, job, SIZE_MAX);
	assert(fits); /* streams end before the pool closes */
	(void)fits;
}

bool pool_full(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	bool full = pool->closing || pool->waiting >= pool->config.capacity;
	pool->refused += full;
	pthread_mutex_unlock(&pool->lock);
	return full;
}

void pool_stats(struct pool *pool, struct pool_stats *out)
{
	pthread_mutex_lock(&pool->lock);
	*out = (struct pool_stats){ .workers = pool->n_threads,
		.waiting = pool->waiting,
		.running = pool->running,
		.capacity = pool->config.capacity,
		.refused = pool->refused };
	pthread_mutex_unlock(&pool->lock);
}

void pool_close(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->closing = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool->threads);
	free(pool);
}
