#include "storage/redis_link.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "storage/lease_internal.h"

/* A lock saves work; waiting longer than this for it would cost more. */
#define TIMEOUT_US	200000
#define BACK_OFF_MIN_MS 100
#define BACK_OFF_MAX_MS 5000

/* KEYS[1] name, ARGV[1] owner, ARGV[2] milliseconds. Each answers 1 when the lease is, or was,
 * the owner's. */
static const char *const scripts[SCRIPT_COUNT] = {
	[SCRIPT_RELEASE] = "if redis.call('get', KEYS[1]) == ARGV[1] then "
			   "return redis.call('del', KEYS[1]) end return 0",
	[SCRIPT_RENEW] = "if redis.call('get', KEYS[1]) == ARGV[1] then "
			 "return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0",
	/* For a lease granted while Redis was away: take it now, unless somebody else has. */
	[SCRIPT_ADOPT] = "local owner = redis.call('get', KEYS[1]) "
			 "if owner and owner ~= ARGV[1] then return 0 end "
			 "redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1",
};

/* hiredis writes with write(2), which raises SIGPIPE when Redis has gone: that must not end the
 * process, and signal dispositions are not ours to change. */
struct pipe_guard {
	sigset_t old;
	bool pending;
};

static void pipe_guard_begin(struct pipe_guard *guard)
{
	sigset_t set, pending;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigpending(&pending);
	guard->pending = sigismember(&pending, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &set, &guard->old);
}

static void pipe_guard_end(const struct pipe_guard *guard)
{
	sigset_t set;
	const struct timespec now = { 0 };
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	if (!guard->pending)
		sigtimedwait(&set, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &guard->old, NULL);
}

redisReply *redis_command(struct redis_link *link, const char *format, ...)
{
	struct pipe_guard guard;
	va_list args;
	pipe_guard_begin(&guard);
	va_start(args, format);
	redisReply *reply = redisvCommand(link->context, format, args);
	va_end(args);
	pipe_guard_end(&guard);
	return reply;
}

redisReply *redis_script_run(struct redis_link *link, enum redis_script script, const char *key,
	const char *owner, int64_t ttl_ms)
{
	redisReply *reply = redis_command(
		link, "EVALSHA %s 1 %s %s %" PRId64, link->sha[script], key, owner, ttl_ms);
	if (!reply || reply->type != REDIS_REPLY_ERROR || strncmp(reply->str, "NOSCRIPT", 8) != 0)
		return reply;
	freeReplyObject(reply); /* Redis was restarted, or its scripts were flushed */
	return redis_command(link, "EVAL %s 1 %s %s %" PRId64, scripts[script], key, owner, ttl_ms);
}

/* ---- connecting ---- */

static void link_close(struct redis_link *link)
{
	if (!link)
		return;
	if (link->context)
		redisFree(link->context);
	free(link);
}

static bool reply_good(redisReply *reply)
{
	bool good = reply && reply->type != REDIS_REPLY_ERROR;
	freeReplyObject(reply);
	return good;
}

static bool link_login(struct redis_link *link, const struct redis_url *url)
{
	if (url->password && url->user &&
		!reply_good(redis_command(link, "AUTH %s %s", url->user, url->password)))
		return false;
	if (url->password && !url->user &&
		!reply_good(redis_command(link, "AUTH %s", url->password)))
		return false;
	return !url->db || reply_good(redis_command(link, "SELECT %d", url->db));
}

static bool link_load(struct redis_link *link)
{
	for (int i = 0; i < SCRIPT_COUNT; i++) {
		redisReply *reply = redis_command(link, "SCRIPT LOAD %s", scripts[i]);
		bool good = reply && reply->type == REDIS_REPLY_STRING && reply->len == 40;
		if (good)
			memcpy(link->sha[i], reply->str, 41);
		freeReplyObject(reply);
		if (!good)
			return false;
	}
	return true;
}

static struct redis_link *link_open(const struct redis_url *url)
{
	const struct timeval timeout = { .tv_usec = TIMEOUT_US };
	struct redis_link *link = calloc(1, sizeof(*link));
	if (!link)
		return NULL;
	link->context = url->socket ? redisConnectUnixWithTimeout(url->socket, timeout)
				    : redisConnectWithTimeout(url->host, url->port, timeout);
	if (!link->context || link->context->err ||
		redisSetTimeout(link->context, timeout) != REDIS_OK || !link_login(link, url) ||
		!link_load(link)) {
		link_close(link);
		return NULL;
	}
	return link;
}

/* ---- the pool ---- */

int redis_pool_open(struct redis_pool *pool, const char *url, struct error *err)
{
	*pool = (struct redis_pool){ .away = false };
	int rc = redis_url_parse(url, &pool->url, err);
	if (!rc)
		pthread_mutex_init(&pool->lock, NULL);
	return rc;
}

static void links_close(struct redis_link *link)
{
	while (link) {
		struct redis_link *next = link->next;
		link_close(link);
		link = next;
	}
}

void redis_pool_close(struct redis_pool *pool)
{
	links_close(pool->idle);
	pthread_mutex_destroy(&pool->lock);
	redis_url_release(&pool->url);
}

struct redis_link *redis_pool_take(struct redis_pool *pool)
{
	int64_t now = lease_clock_ms();
	pthread_mutex_lock(&pool->lock);
	bool wait = pool->away && now < pool->retry_at_ms;
	if (pool->away && !wait) /* we try; the others go on without */
		pool->retry_at_ms = now + pool->back_off_ms;
	struct redis_link *link = wait ? NULL : pool->idle;
	if (link)
		pool->idle = link->next;
	pthread_mutex_unlock(&pool->lock);
	if (wait || link)
		return link;
	link = link_open(&pool->url);
	if (!link)
		redis_pool_give(pool, NULL, false);
	return link;
}

static int64_t back_off_next(int64_t ms)
{
	ms = ms ? ms * 2 : BACK_OFF_MIN_MS;
	return ms > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : ms;
}

void redis_pool_give(struct redis_pool *pool, struct redis_link *link, bool good)
{
	struct redis_link *dead = NULL;
	pthread_mutex_lock(&pool->lock);
	if (good) {
		pool->away = false;
		pool->back_off_ms = 0;
		link->next = pool->idle;
		pool->idle = link;
	} else {
		pool->away = true;
		pool->back_off_ms = back_off_next(pool->back_off_ms);
		pool->retry_at_ms = lease_clock_ms() + pool->back_off_ms;
		dead = pool->idle; /* opened before it went away */
		pool->idle = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	if (!good)
		link_close(link);
	links_close(dead);
}
