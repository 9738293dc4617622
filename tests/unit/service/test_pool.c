/* Workers: every job once, bounds, sessions that come late, an orderly end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "service/pool.h"

static struct {
	atomic_int opened, closed, failures, fail_first;
	atomic_int ran, without_session;
	pthread_mutex_t gate;
} test;

static int open_session(void *context, struct session **out, struct error *err)
{
	(void)context;
	if (atomic_fetch_sub(&test.fail_first, 1) > 0)
		return fail(err, CODE_UNAVAILABLE, "away");
	atomic_fetch_add(&test.opened, 1);
	*out = malloc(1);
	return 0;
}

static void close_session(void *context, struct session *session)
{
	(void)context;
	free(session);
	atomic_fetch_add(&test.closed, 1);
}

static void session_failed(void *context, const struct error *err)
{
	(void)context;
	assert_int_equal(err->code, CODE_UNAVAILABLE);
	atomic_fetch_add(&test.failures, 1);
}

static struct pool *open_pool(size_t workers, size_t capacity)
{
	struct pool_config config = { .workers = workers,
		.capacity = capacity,
		.session_open = open_session,
		.session_close = close_session,
		.failed = session_failed,
		.retry_us = 0 };
	struct pool *pool;
	struct error err;
	atomic_store(&test.ran, 0);
	atomic_store(&test.without_session, 0);
	atomic_store(&test.opened, 0);
	atomic_store(&test.closed, 0);
	atomic_store(&test.failures, 0);
	assert_int_equal(pool_open(&config, &pool, &err), 0);
	return pool;
}

static void count(struct job *job, struct session *session)
{
	atomic_fetch_add(session ? &test.ran : &test.without_session, 1);
	free(job);
}

static struct job *counting(void)
{
	struct job *job = calloc(1, sizeof(*job));
	assert_non_null(job);
	job->run = count;
	return job;
}

static void test_every_job_once(void **state)
{
	(void)state;
	struct pool *pool = open_pool(4, 10000);
	for (int i = 0; i < 10000; i++)
		assert_true(pool_submit(pool, counting()));
	pool_close(pool);
	assert_int_equal(atomic_load(&test.ran), 10000);
	assert_int_equal(atomic_load(&test.opened), 4);
	assert_int_equal(atomic_load(&test.closed), 4);
}

static void pass(struct job *job, struct session *session)
{
	(void)job;
	(void)session;
	pthread_mutex_lock(&test.gate);
	pthread_mutex_unlock(&test.gate);
}

static void test_bound(void **state)
{
	(void)state;
	struct pool_stats stats;
	struct job gate = { .run = pass };
	pthread_mutex_init(&test.gate, NULL);
	pthread_mutex_lock(&test.gate);
	struct pool *pool = open_pool(1, 2);
	assert_true(pool_submit(pool, &gate));
	do {
		pool_stats(pool, &stats);
	} while (stats.running != 1);
	assert_false(pool_full(pool));
	assert_true(pool_submit(pool, counting()));
	assert_true(pool_submit(pool, counting()));
	assert_true(pool_full(pool));
	struct job *refused = counting();
	assert_false(pool_submit(pool, refused));
	/* Jobs that are bounded elsewhere are taken nevertheless. */
	pool_submit_always(pool, refused);
	pool_stats(pool, &stats);
	assert_int_equal(stats.waiting, 3);
	assert_int_equal(stats.capacity, 2);
	assert_int_equal(stats.workers, 1);
	assert_int_equal(stats.refused, 2);
	pthread_mutex_unlock(&test.gate);
	pool_close(pool);
	assert_int_equal(atomic_load(&test.ran), 3);
	pthread_mutex_destroy(&test.gate);
}

/* A database that is away at the start: jobs run without a session, later ones with. */
static void test_late_session(void **state)
{
	(void)state;
	atomic_store(&test.fail_first, 3);
	struct pool *pool = open_pool(1, 100);
	for (int i = 0; i < 10; i++)
		assert_true(pool_submit(pool, counting()));
	pool_close(pool);
	assert_int_equal(atomic_load(&test.failures), 3);
	assert_int_equal(atomic_load(&test.without_session), 2); /* the first attempt had no job */
	assert_int_equal(atomic_load(&test.ran), 8);
	assert_int_equal(atomic_load(&test.opened), 1);
	assert_int_equal(atomic_load(&test.closed), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_job_once),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_late_session),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
