/*
 * Private to the Redis lease service: a pool of connections, and what to do while Redis is away.
 */
#ifndef STORAGE_REDIS_LINK_H
#define STORAGE_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdbool.h>

#include "storage/redis_url.h"

enum redis_script { SCRIPT_RELEASE, SCRIPT_RENEW, SCRIPT_ADOPT, SCRIPT_COUNT };

/* A connection of the thread that has taken it: hiredis is not thread-safe. */
struct redis_link {
	redisContext *context;
	char sha[SCRIPT_COUNT][41];
	struct redis_link *next;
};

struct redis_pool {
	struct redis_url url;

	pthread_mutex_t lock; /* guards the rest; never held while Redis is spoken to */
	struct redis_link *idle;
	bool away;
	int64_t back_off_ms, retry_at_ms; /* while away: nobody tries before */
};

int redis_pool_open(struct redis_pool *pool, const char *url, struct error *err);
void redis_pool_close(struct redis_pool *pool);

/* NULL: Redis is away, or was a moment ago. */
struct redis_link *redis_pool_take(struct redis_pool *pool);

/* good: the last command was answered. Otherwise the link is closed and the pool backs off. */
void redis_pool_give(struct redis_pool *pool, struct redis_link *link, bool good);

/* Commands; NULL or an error reply when Redis did not do it. Free with freeReplyObject. */
redisReply *redis_command(struct redis_link *link, const char *format, ...);
redisReply *redis_script_run(struct redis_link *link, enum redis_script script, const char *key,
	const char *owner, int64_t ttl_ms);

#endif
