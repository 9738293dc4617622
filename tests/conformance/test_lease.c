/*
 * What storage/lease.h promises: of the local service always, of Redis when CAIRN_TEST_REDIS holds
 * its URL (tests/servers.sh starts one).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* core/error.h has one of that name */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/lease_internal.h"

#define LONG_MS 60000

static const char *service_url; /* of the group that now runs; NULL: local */

static bool remote(void)
{
	return service_url != NULL;
}

/* A name that no other test, and no other run, has used. */
static const char *fresh_name(void)
{
	static char name[64];
	static unsigned counter;
	snprintf(name, sizeof(name), "test:%ld:%u", (long)getpid(), counter++);
	return name;
}

static struct lease_service *service_make(void)
{
	struct lease_service *service;
	struct error err = { 0 };
	assert_int_equal(lease_service_open(service_url, &service, &err), 0);
	return service;
}

static int setup(void **state)
{
	*state = service_make();
	return 0;
}

static int teardown(void **state)
{
	lease_service_close(*state);
	return 0;
}

static void test_exclusive(void **state)
{
	struct lease_service *service = *state;
	const struct lease_ops *ops = service->ops;
	struct lease mine = { 0 }, other = { 0 };
	struct error err = { 0 };
	const char *name = fresh_name();
	assert_true(ops->healthy(service));
	assert_int_equal(ops->acquire(service, name, LONG_MS, &mine, &err), 0);
	assert_true(mine.held);
	assert_int_equal(mine.remote, remote());
	assert_string_equal(mine.name, name);
	assert_int_equal(ops->acquire(service, name, LONG_MS, &other, &err), CODE_CONFLICT);
	assert_false(other.held);
	assert_int_equal(ops->renew(service, &mine, LONG_MS, &err), 0);
	ops->release(service, &mine);
	assert_false(mine.held);
	assert_int_equal(ops->acquire(service, name, LONG_MS, &other, &err), 0);
	ops->release(service, &other);
	struct lease_stats stats;
	ops->stats(service, &stats);
	assert_int_equal(stats.acquired, 2);
	assert_int_equal(stats.contended, 1);
	assert_int_equal(stats.failed_over, 0);
}

static void test_names_are_independent(void **state)
{
	struct lease_service *service = *state;
	const struct lease_ops *ops = service->ops;
	enum { N = 1000 };
	static struct lease leases[N];
	struct error err = { 0 };
	char name[64], prefix[64];
	snprintf(prefix, sizeof(prefix), "%s", fresh_name());
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "%.40s/%d", prefix, i);
		assert_int_equal(ops->acquire(service, name, LONG_MS, &leases[i], &err), 0);
	}
	for (int i = 0; i < N; i += 2)
		ops->release(service, &leases[i]);
	for (int i = 0; i < N; i++) {
		struct lease again;
		snprintf(name, sizeof(name), "%.40s/%d", prefix, i);
		assert_int_equal(ops->acquire(service, name, LONG_MS, &again, &err),
			i % 2 ? CODE_CONFLICT : 0);
		ops->release(service, i % 2 ? &leases[i] : &again);
	}
}

static void test_expiry(void **state)
{
	struct lease_service *service = *state;
	const struct lease_ops *ops = service->ops;
	struct lease first, second;
	struct error err = { 0 };
	const char *name = fresh_name();
	assert_int_equal(ops->acquire(service, name, 30, &first, &err), 0);
	int64_t start = lease_clock_ms();
	int rc;
	do
		rc = ops->acquire(service, name, LONG_MS, &second, &err);
	while (rc == CODE_CONFLICT && lease_clock_ms() < start + 10000);
	assert_int_equal(rc, 0);
	/* The first owner has lost it, and cannot hurt the second. */
	assert_int_equal(ops->renew(service, &first, LONG_MS, &err), CODE_GONE);
	assert_false(first.held);
	first.held = true;
	ops->release(service, &first);
	struct lease third;
	assert_int_equal(ops->acquire(service, name, LONG_MS, &third, &err), CODE_CONFLICT);
	assert_int_equal(ops->renew(service, &second, LONG_MS, &err), 0);
	ops->release(service, &second);
}

static void test_renewal_lengthens(void **state)
{
	struct lease_service *service = *state;
	const struct lease_ops *ops = service->ops;
	struct lease mine, other;
	struct error err = { 0 };
	const char *name = fresh_name();
	assert_int_equal(ops->acquire(service, name, 300, &mine, &err), 0);
	assert_int_equal(ops->renew(service, &mine, LONG_MS, &err), 0);
	/* it stays ours beyond the 300 ms of its beginning */
	for (int64_t start = lease_clock_ms(); lease_clock_ms() < start + 350;)
		assert_int_equal(ops->acquire(service, name, LONG_MS, &other, &err), CODE_CONFLICT);
	ops->release(service, &mine);
}

static void test_long_names(void **state)
{
	struct lease_service *service = *state;
	struct lease lease;
	struct error err = { 0 };
	char name[LEASE_NAME_MAX + 1];
	memset(name, 'n', sizeof(name));
	name[LEASE_NAME_MAX] = '\0';
	assert_int_equal(service->ops->acquire(service, name, 10, &lease, &err), CODE_TOO_LARGE);
	name[LEASE_NAME_MAX - 1] = '\0';
	assert_int_equal(service->ops->acquire(service, name, 10, &lease, &err), 0);
	service->ops->release(service, &lease);
}

/* ---- threads ---- */

#define THREADS	   8
#define TURNS_EACH 200

struct contest {
	struct lease_service *service;
	char name[64];
	_Atomic int inside;
	_Atomic int broken;
	_Atomic uint64_t wins;
};

static void *contend(void *arg)
{
	struct contest *contest = arg;
	const struct lease_ops *ops = contest->service->ops;
	for (int i = 0; i < TURNS_EACH; i++) {
		struct lease lease;
		int rc = ops->acquire(contest->service, contest->name, LONG_MS, &lease, NULL);
		if (rc == CODE_CONFLICT)
			continue;
		if (rc || atomic_fetch_add(&contest->inside, 1) != 0)
			atomic_fetch_add(&contest->broken, 1);
		atomic_fetch_add(&contest->wins, 1);
		atomic_fetch_sub(&contest->inside, 1);
		ops->release(contest->service, &lease);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[THREADS];
	struct contest contest = { .service = *state };
	struct lease_stats stats;
	snprintf(contest.name, sizeof(contest.name), "%s", fresh_name());
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, contend, &contest), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	contest.service->ops->stats(contest.service, &stats);
	assert_int_equal(contest.broken, 0);
	assert_true(contest.wins > 0);
	assert_int_equal(stats.acquired, contest.wins);
	assert_int_equal(stats.acquired + stats.contended, THREADS * TURNS_EACH);
}

/* ---- Redis only ---- */

#ifdef CAIRN_REDIS
#include "storage/redis_link.h"

static void admin(const char *command)
{
	struct redis_pool pool;
	struct error err = { 0 };
	assert_int_equal(redis_pool_open(&pool, service_url, &err), 0);
	struct redis_link *link = redis_pool_take(&pool);
	assert_non_null(link);
	freeReplyObject(redis_command(link, command));
	redis_pool_give(&pool, link, true);
	redis_pool_close(&pool);
}

/* Two replicas: what is held through one cannot be had through the other. */
static void test_two_services(void **state)
{
	struct lease_service *a = *state, *b = service_make();
	const struct lease_ops *ops = a->ops;
	struct lease mine, other;
	struct error err = { 0 };
	const char *name = fresh_name();
	assert_int_equal(ops->acquire(a, name, LONG_MS, &mine, &err), 0);
	assert_int_equal(ops->acquire(b, name, LONG_MS, &other, &err), CODE_CONFLICT);
	ops->release(a, &mine);
	assert_int_equal(ops->acquire(b, name, LONG_MS, &other, &err), 0);
	/* a conflict that Redis reports leaves no local lease behind */
	ops->release(b, &other);
	assert_int_equal(ops->acquire(a, name, LONG_MS, &mine, &err), 0);
	ops->release(a, &mine);
	lease_service_close(b);
}

/* Acquires and releases until Redis grants it again. */
static void await_return(struct lease_service *service, const char *name)
{
	struct lease lease = { 0 };
	int64_t start = lease_clock_ms();
	while (lease_clock_ms() < start + 20000) {
		assert_int_equal(service->ops->acquire(service, name, LONG_MS, &lease, NULL), 0);
		bool back = lease.remote;
		service->ops->release(service, &lease);
		if (back)
			return;
		sched_yield();
	}
	assert_true(lease.remote);
}

static void test_redis_stops_answering(void **state)
{
	struct lease_service *service = *state;
	const struct lease_ops *ops = service->ops;
	struct lease lease, other;
	struct error err = { 0 };
	struct lease_stats stats;
	char name[64];
	snprintf(name, sizeof(name), "%s", fresh_name());
	admin("CLIENT PAUSE 1500");
	int64_t start = lease_clock_ms();
	assert_int_equal(ops->acquire(service, name, LONG_MS, &lease, &err), 0);
	assert_true(lease_clock_ms() < start + 1400);
	assert_true(lease.held);
	assert_false(lease.remote);
	/* threads of this process still exclude each other, and do not wait */
	assert_int_equal(ops->acquire(service, name, LONG_MS, &other, &err), CODE_CONFLICT);
	assert_int_equal(ops->renew(service, &lease, LONG_MS, &err), 0);
	ops->release(service, &lease);
	assert_false(ops->healthy(service));
	ops->stats(service, &stats);
	assert_int_equal(stats.failed_over, 1);
	await_return(service, name);
	assert_true(ops->healthy(service));
}

/* A lease from the time without Redis becomes a real one at its next renewal. */
static void test_lease_is_adopted(void **state)
{
	struct lease_service *service = *state, *replica = service_make();
	const struct lease_ops *ops = service->ops;
	struct lease lease, other;
	struct error err = { 0 };
	char name[64], probe[64];
	snprintf(name, sizeof(name), "%s", fresh_name());
	snprintf(probe, sizeof(probe), "%s", fresh_name());
	admin("CLIENT PAUSE 700");
	assert_int_equal(ops->acquire(service, name, LONG_MS, &lease, &err), 0);
	assert_false(lease.remote);
	await_return(service, probe);
	assert_int_equal(ops->renew(service, &lease, LONG_MS, &err), 0);
	assert_true(lease.remote);
	assert_int_equal(ops->acquire(replica, name, LONG_MS, &other, &err), CODE_CONFLICT);
	ops->release(service, &lease);
	/* unless somebody was faster */
	admin("CLIENT PAUSE 700");
	assert_int_equal(ops->acquire(service, name, LONG_MS, &lease, &err), 0);
	assert_false(lease.remote);
	await_return(service, probe);
	await_return(replica, probe);
	/* our timed-out request may have been carried out: the name is free only after that */
	char command[128];
	snprintf(command, sizeof(command), "SET cairn:%s somebody", name);
	admin(command);
	assert_int_equal(ops->renew(service, &lease, LONG_MS, &err), CODE_GONE);
	assert_false(lease.held);
	snprintf(command, sizeof(command), "DEL cairn:%s", name);
	admin(command);
	lease_service_close(replica);
}

static void test_scripts_flushed(void **state)
{
	struct lease_service *service = *state;
	const struct lease_ops *ops = service->ops;
	struct lease lease;
	struct error err = { 0 };
	const char *name = fresh_name();
	assert_int_equal(ops->acquire(service, name, LONG_MS, &lease, &err), 0);
	admin("SCRIPT FLUSH");
	assert_int_equal(ops->renew(service, &lease, LONG_MS, &err), 0);
	assert_true(lease.remote);
	admin("SCRIPT FLUSH");
	ops->release(service, &lease);
	assert_int_equal(ops->acquire(service, name, LONG_MS, &lease, &err), 0);
	assert_true(lease.remote);
	ops->release(service, &lease);
}

static void test_connections_killed(void **state)
{
	struct lease_service *service = *state;
	struct lease lease;
	struct error err = { 0 };
	char name[64];
	snprintf(name, sizeof(name), "%s", fresh_name());
	assert_int_equal(service->ops->acquire(service, name, LONG_MS, &lease, &err), 0);
	service->ops->release(service, &lease);
	admin("CLIENT KILL TYPE normal SKIPME no");
	await_return(service, name);
}
#endif

/* Nobody listens there: no error, no waiting, no exclusion of other processes. */
static void test_redis_is_not_there(void **state)
{
	(void)state;
#ifdef CAIRN_REDIS
	static const char *const urls[] = { "redis+unix:///nonexistent/redis.sock",
		"redis://127.0.0.1:1/0" };
	for (size_t i = 0; i < 2; i++) {
		struct lease_service *service;
		struct lease lease, other;
		struct error err = { 0 };
		struct lease_stats stats;
		assert_int_equal(lease_service_open(urls[i], &service, &err), 0);
		assert_int_equal(service->ops->acquire(service, "x", LONG_MS, &lease, &err), 0);
		assert_true(lease.held && !lease.remote);
		assert_int_equal(
			service->ops->acquire(service, "x", LONG_MS, &other, &err), CODE_CONFLICT);
		assert_false(service->ops->healthy(service));
		service->ops->release(service, &lease);
		service->ops->stats(service, &stats);
		assert_int_equal(stats.failed_over, 1);
		assert_int_equal(stats.acquired, 0);
		lease_service_close(service);
	}
#else
	printf("SKIPPED: built without hiredis\n");
#endif
}

static void test_urls(void **state)
{
	struct lease_service *service;
	struct error err = { 0 };
	(void)state;
	static const char *const wrong[] = { "http://x", "redis", "redis://:s3cret@", "redis://h:x",
		"redis://s3cret@h" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(lease_service_open(wrong[i], &service, &err), CODE_INVALID);
		assert_null(strstr(err.message, "s3cret"));
	}
	assert_int_equal(lease_service_open("", &service, &err), 0);
	assert_ptr_equal(service->ops, &lease_local);
	lease_service_close(service);
	lease_service_close(NULL);
}

#define COMMON                                                                                     \
	cmocka_unit_test_setup_teardown(test_exclusive, setup, teardown),                          \
		cmocka_unit_test_setup_teardown(test_names_are_independent, setup, teardown),      \
		cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),                     \
		cmocka_unit_test_setup_teardown(test_renewal_lengthens, setup, teardown),          \
		cmocka_unit_test_setup_teardown(test_long_names, setup, teardown),                 \
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown)

int main(void)
{
	const struct CMUnitTest local[] = { COMMON, cmocka_unit_test(test_urls),
		cmocka_unit_test(test_redis_is_not_there) };
	int failed = cmocka_run_group_tests_name("leases: local", local, NULL, NULL);
#ifdef CAIRN_REDIS
	const struct CMUnitTest redis[] = { COMMON,
		cmocka_unit_test_setup_teardown(test_two_services, setup, teardown),
		cmocka_unit_test_setup_teardown(test_redis_stops_answering, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lease_is_adopted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scripts_flushed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connections_killed, setup, teardown) };
	service_url = getenv("CAIRN_TEST_REDIS");
	if (service_url)
		return failed + cmocka_run_group_tests_name("leases: Redis", redis, NULL, NULL);
	printf("SKIPPED on Redis: CAIRN_TEST_REDIS is not set (tests/servers.sh sets it)\n");
#else
	printf("SKIPPED on Redis: built without hiredis\n");
#endif
	return failed;
}
