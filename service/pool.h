/*
 * Worker threads, each with a database session of its own, and the bounded queue they serve. A
 * session that cannot be opened does not stop its worker: jobs then run without one (and answer
 * that the database is away), and opening is tried again from time to time.
 */
#ifndef SERVICE_POOL_H
#define SERVICE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct session;
struct pool;

/* Embedded in what is to be done; belongs to the pool from submit until run is called. */
struct job {
	/* session: NULL when the database is away. May free the job. */
	void (*run)(struct job *job, struct session *session);
	struct job *next;
};

struct pool_config {
	size_t workers;
	size_t capacity; /* jobs that may wait */
	int (*session_open)(void *context, struct session **out, struct error *err);
	void (*session_close)(void *context, struct session *session);
	void (*failed)(void *context, const struct error *err); /* opening failed: for the log */
	void *context;
	int64_t retry_us; /* between two attempts of a worker to open its session */
};

struct pool_stats {
	size_t workers, waiting, running, capacity;
	uint64_t refused;
};

int pool_open(const struct pool_config *config, struct pool **out, struct error *err);

/* False: as many wait as may, or the pool is closed. */
bool pool_submit(struct pool *pool, struct job *job);

/* For jobs whose number is bounded elsewhere (streams): never refused before pool_close. */
void pool_submit_always(struct pool *pool, struct job *job);

/* Would pool_submit refuse now? A hint, for a cheap refusal. */
bool pool_full(struct pool *pool);

void pool_stats(struct pool *pool, struct pool_stats *out);

/* Runs what still waits, ends the workers, closes their sessions. */
void pool_close(struct pool *pool);

#endif
