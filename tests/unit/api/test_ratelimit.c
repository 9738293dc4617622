/* The token bucket, and the quota of requests per minute through the whole of api_run. */
#include "tests/unit/api/exchange.h"

#include "api/ratelimit.h"

static void test_burst_then_flow(void **state)
{
	struct bucket bucket = { 0 };
	(void)state;

	for (int i = 0; i < 60; i++) {
		struct allowed allowed = bucket_take(&bucket, 60, 1000);
		assert_true(allowed.ok);
		assert_int_equal(allowed.remaining, 59 - i);
		assert_int_equal(allowed.reset_s, i + 1);
	}
	struct allowed refused = bucket_take(&bucket, 60, 1000);
	assert_false(refused.ok);
	assert_int_equal(refused.retry_s, 1);
	assert_int_equal(refused.reset_s, 60);
	assert_false(bucket_take(&bucket, 60, 1999).ok);
	assert_true(bucket_take(&bucket, 60, 2000).ok);
	assert_false(bucket_take(&bucket, 60, 2000).ok);
}

static void test_never_more_than_a_minute(void **state)
{
	struct bucket bucket = { 0 };
	size_t n = 0;
	(void)state;

	bucket_take(&bucket, 10, 1000);
	while (bucket_take(&bucket, 10, 1000 + 3600000).ok)
		n++;
	assert_int_equal(n, 10);
}

static void test_clock_steps_back(void **state)
{
	struct bucket bucket = { 0 };
	(void)state;

	assert_true(bucket_take(&bucket, 1, 100000).ok);
	assert_false(bucket_take(&bucket, 1, 50000).ok);
	assert_false(bucket_take(&bucket, 1, 159999).ok);
	assert_true(bucket_take(&bucket, 1, 160000).ok);
}

static void test_changed_quota(void **state)
{
	struct bucket bucket = { 0 };
	(void)state;

	for (int i = 0; i < 10; i++)
		assert_true(bucket_take(&bucket, 10, 1000).ok);
	assert_false(bucket_take(&bucket, 10, 1000).ok);
	struct allowed raised = bucket_take(&bucket, 15, 1000);
	assert_true(raised.ok);
	assert_int_equal(raised.remaining, 4);
	assert_false(bucket_take(&bucket, 3, 1000).ok); /* lowered below what was used */
}

static void test_slow_quota_tells_when(void **state)
{
	struct bucket bucket = { 0 };
	(void)state;

	assert_true(bucket_take(&bucket, 1, 1000).ok);
	struct allowed refused = bucket_take(&bucket, 1, 1000);
	assert_int_equal(refused.retry_s, 60);
	assert_true(bucket_take(&bucket, 1, 1000 + refused.retry_s * 1000).ok);
}

static void test_quota_of_a_team(void **state)
{
	struct world *world = *state;
	static const char quota[] = "{\"requests_per_minute\":3}";

	exchange_free(exchange_send(
		world, 200, "PUT", "/v1/teams/default/quota", quota, sizeof(quota) - 1, NULL));
	for (int i = 0; i < 3; i++) {
		char left[2] = { (char)('2' - i), '\0' };
		struct exchange *x = get(world, 200, "/v1/tuners");
		assert_string_equal(header(x, "RateLimit-Limit"), "3");
		assert_string_equal(header(x, "RateLimit-Remaining"), left);
		exchange_free(x);
	}
	struct exchange *x = get(world, 429, "/v1/tuners");
	assert_string_equal(header(x, "Retry-After"), "20");
	assert_string_equal(header(x, "RateLimit-Remaining"), "0");
	assert_string_equal(at_text(x, "type"), "/docs/problems#rate_limited");
	exchange_free(x);
	get_only(world, 200, "/healthz"); /* not a team's request */
	world->now_ms += 20000;
	get_only(world, 200, "/v1/tuners");
	get_only(world, 429, "/v1/tuners");
}

static void test_no_quota_no_headers(void **state)
{
	struct exchange *x = get(*state, 200, "/v1/tuners");
	assert_null(header(x, "RateLimit-Limit"));
	exchange_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_flow),
		cmocka_unit_test(test_never_more_than_a_minute),
		cmocka_unit_test(test_clock_steps_back),
		cmocka_unit_test(test_changed_quota),
		cmocka_unit_test(test_slow_quota_tells_when),
		cmocka_unit_test_setup_teardown(test_quota_of_a_team, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_no_quota_no_headers, world_open, world_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
