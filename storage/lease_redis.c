/*
 * Leases between replicas, by Redis. Every lease is first one of this process (lease_table), so
 * threads exclude each other without a trip, and go on doing so while Redis is away.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/lease_internal.h"
#include "storage/redis_link.h"

#define KEY_PREFIX "cairn:"
#define KEY_SIZE   (sizeof(KEY_PREFIX) + LEASE_NAME_MAX)

struct redis {
	struct lease_service service;
	struct lease_table *table;
	struct redis_pool pool;
	_Atomic uint64_t acquired, contended, failed_over;
};

/* What Redis says to a question about a lease. */
enum answer { ANSWER_AWAY, ANSWER_YES, ANSWER_NO };

static int open_redis(const char *url, struct lease_service **out, struct error *err)
{
	struct redis *redis = calloc(1, sizeof(*redis));
	if (!redis)
		return fail(err, CODE_NO_MEMORY, "no memory for leases");
	int rc = redis_pool_open(&redis->pool, url, err);
	if (rc) {
		free(redis);
		return rc;
	}
	rc = lease_table_new(&redis->table, err);
	if (rc) {
		redis_pool_close(&redis->pool);
		free(redis);
		return rc;
	}
	redis->service.ops = &lease_redis;
	*out = &redis->service;
	return 0;
}

static void close_redis(struct lease_service *service)
{
	struct redis *redis = (struct redis *)service;
	if (!redis)
		return;
	redis_pool_close(&redis->pool);
	lease_table_free(redis->table);
	free(redis);
}

static void key_make(const struct lease *lease, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, KEY_PREFIX "%s", lease->name);
}

/* An error reply (loading, read only, no memory, no permission) is as good as no reply. */
static enum answer answer_take(struct redis *redis, struct redis_link *link, redisReply *reply)
{
	enum answer answer = ANSWER_AWAY;
	if (reply && reply->type == REDIS_REPLY_STATUS)
		answer = ANSWER_YES;
	else if (reply && reply->type == REDIS_REPLY_INTEGER)
		answer = reply->integer ? ANSWER_YES : ANSWER_NO;
	else if (reply && reply->type == REDIS_REPLY_NIL)
		answer = ANSWER_NO;
	freeReplyObject(reply);
	redis_pool_give(&redis->pool, link, answer != ANSWER_AWAY);
	return answer;
}

static enum answer ask_set(struct redis *redis, const struct lease *lease, int64_t ttl_ms)
{
	char key[KEY_SIZE];
	struct redis_link *link = redis_pool_take(&redis->pool);
	if (!link)
		return ANSWER_AWAY;
	key_make(lease, key);
	return answer_take(redis, link,
		redis_command(link, "SET %s %s NX PX %" PRId64, key, lease->owner, ttl_ms));
}

static enum answer ask_script(
	struct redis *redis, enum redis_script script, const struct lease *lease, int64_t ttl_ms)
{
	char key[KEY_SIZE];
	struct redis_link *link = redis_pool_take(&redis->pool);
	if (!link)
		return ANSWER_AWAY;
	key_make(lease, key);
	return answer_take(redis, link, redis_script_run(link, script, key, lease->owner, ttl_ms));
}

static int acquire_redis(struct lease_service *service, const char *name, int64_t ttl_ms,
	struct lease *out, struct error *err)
{
	struct redis *redis = (struct redis *)service;
	struct lease lease;
	int rc = lease_begin(&lease, name, err);
	if (!rc)
		rc = lease_table_take(redis->table, &lease, ttl_ms, err);
	if (rc == CODE_CONFLICT)
		atomic_fetch_add(&redis->contended, 1);
	if (rc)
		return rc;
	enum answer answer = ask_set(redis, &lease, ttl_ms);
	if (answer == ANSWER_NO) {
		lease_table_drop(redis->table, &lease);
		atomic_fetch_add(&redis->contended, 1);
		return fail(err, CODE_CONFLICT, "the lease %s is held by another process", name);
	}
	lease.remote = answer == ANSWER_YES;
	lease.held = true;
	atomic_fetch_add(lease.remote ? &redis->acquired : &redis->failed_over, 1);
	*out = lease;
	return 0;
}

static int renew_redis(
	struct lease_service *service, struct lease *lease, int64_t ttl_ms, struct error *err)
{
	struct redis *redis = (struct redis *)service;
	int rc = lease_table_renew(redis->table, lease, ttl_ms, err);
	if (rc) {
		lease->held = false;
		return rc;
	}
	enum answer answer =
		ask_script(redis, lease->remote ? SCRIPT_RENEW : SCRIPT_ADOPT, lease, ttl_ms);
	if (answer == ANSWER_NO) {
		lease_table_drop(redis->table, lease);
		lease->held = false;
		return fail(err, CODE_GONE, "the lease %s is no longer ours", lease->name);
	}
	lease->remote = answer == ANSWER_YES;
	return 0;
}

static void release_redis(struct lease_service *service, struct lease *lease)
{
	struct redis *redis = (struct redis *)service;
	if (!lease->held)
		return;
	/* Also what was granted without Redis: the request may have arrived, and only its answer
	 * have been lost. */
	ask_script(redis, SCRIPT_RELEASE, lease, 0);
	lease_table_drop(redis->table, lease);
	lease->held = lease->remote = false;
}

static bool healthy_redis(struct lease_service *service)
{
	struct redis *redis = (struct redis *)service;
	struct redis_link *link = redis_pool_take(&redis->pool);
	return link && answer_take(redis, link, redis_command(link, "PING")) == ANSWER_YES;
}

static void stats_redis(struct lease_service *service, struct lease_stats *out)
{
	struct redis *redis = (struct redis *)service;
	*out = (struct lease_stats){
		.acquired = atomic_load(&redis->acquired),
		.contended = atomic_load(&redis->contended),
		.failed_over = atomic_load(&redis->failed_over),
	};
}

const struct lease_ops lease_redis = {
	.scheme = "redis",
	.open = open_redis,
	.close = close_redis,
	.acquire = acquire_redis,
	.renew = renew_redis,
	.release = release_redis,
	.healthy = healthy_redis,
	.stats = stats_redis,
};
