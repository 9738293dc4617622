#include "tests/unit/core/event_support.h"

/* ---- metrics ---- */

static void assert_metrics(const struct metric *metrics, size_t n, const char *text)
{
	struct buffer out;
	buffer_init(&out, 4096);
	metrics_write(metrics, n, &out);
	assert_string_equal(buffer_text(&out), text);
	buffer_release(&out);
}

static void test_metrics_write(void **state)
{
	(void)state;
	const double none = (double)NAN, inf = (double)INFINITY;
	const struct metric some[] = { { "default", 0.9, none }, { "loss", 0.1, 0.01 },
		{ "a\"b", none, none }, { "c", inf, 0 }, { "d", -inf, none }, { "e", -0.0, none } };
	assert_metrics(some, 0, "{}");
	assert_metrics(some, 2, "{\"default\":0.9,\"loss\":{\"value\":0.1,\"stderr\":0.01}}");
	assert_metrics(some, 6,
		"{\"default\":0.9,\"loss\":{\"value\":0.1,\"stderr\":0.01},\"a\\\"b\":\"nan\","
		"\"c\":{\"value\":\"inf\",\"stderr\":0.0},\"d\":\"-inf\",\"e\":-0.0}");
}

static void test_metrics_read(void **state)
{
	struct scratch *s = *state;
	static const char text[] = "{ \"a\": 1, \"b\": \"nan\", \"c\": {\"stderr\": 0, \"value\": "
				   "\"-inf\"}, \"d\": {\"value\": 2.5}, \"e\": 1e400 }";
	const struct metric *metrics = NULL;
	size_t n = 77;

	/* 1e400 is no number we can hold. */
	assert_int_equal(
		metrics_read(text, strlen(text), &s->arena, &metrics, &n, &s->err), CODE_MALFORMED);
	assert_int_equal(n, 77);
	static const char fine[] = "{ \"a\": 1, \"b\": \"nan\", \"c\": {\"stderr\": 0, \"value\": "
				   "\"-inf\"}, \"d\": {\"value\": 2.5} }";
	assert_int_equal(metrics_read(fine, strlen(fine), &s->arena, &metrics, &n, &s->err), 0);
	const double none = (double)NAN;
	const struct metric want[] = { { "a", 1, none }, { "b", none, none },
		{ "c", -(double)INFINITY, 0 }, { "d", 2.5, none } };
	assert_true(same_metrics(metrics, n, want, COUNT(want)));

	static const struct {
		const char *text;
		int code;
	} refused[] = {
		{ "", CODE_MALFORMED },
		{ "{\"a\":NaN}", CODE_MALFORMED },
		{ "{\"a\":1,\"a\":2}", CODE_MALFORMED },
		{ "[]", CODE_INVALID },
		{ "1", CODE_INVALID },
		{ "{\"a\":null}", CODE_INVALID },
		{ "{\"a\":true}", CODE_INVALID },
		{ "{\"a\":\"NaN\"}", CODE_INVALID },
		{ "{\"a\":\"1\"}", CODE_INVALID },
		{ "{\"a\":[1]}", CODE_INVALID },
		{ "{\"a\":{}}", CODE_INVALID },
		{ "{\"a\":{\"stderr\":1}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"stderr\":-1}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"stderr\":\"-inf\"}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"stderr\":null}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"std\":1}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"stderr\":1,\"n\":3}}", CODE_INVALID },
	};
	for (size_t i = 0; i < COUNT(refused); i++) {
		const struct metric *before = metrics;
		assert_int_equal(metrics_read(refused[i].text, strlen(refused[i].text), &s->arena,
					 &metrics, &n, &s->err),
			refused[i].code);
		assert_ptr_equal(metrics, before);
		assert_int_equal(n, 4);
		assert_true(s->err.message[0] != '\0');
	}
}

static void test_metrics_digest(void **state)
{
	(void)state;
	const double none = (double)NAN;
	const double other_nan = -none;
	const struct metric base[] = { { "a", 1, none }, { "b", 0.0, 0.5 }, { "c", none, none } };
	const struct metric turned[] = { { "c", other_nan, none }, { "a", 1, other_nan },
		{ "b", -0.0, 0.5 } };
	const uint64_t digest = metrics_digest(base, 3);

	assert_int_equal(metrics_digest(turned, 3), digest);
	assert_int_not_equal(metrics_digest(base, 2), digest);
	assert_int_not_equal(metrics_digest(base, 0), metrics_digest(base, 1));
	for (size_t i = 0; i < 3; i++) {
		struct metric changed[3];
		memcpy(changed, base, sizeof(changed));
		changed[i].value = isnan(base[i].value) ? 0 : nextafter(base[i].value, 2);
		assert_int_not_equal(metrics_digest(changed, 3), digest);
		memcpy(changed, base, sizeof(changed));
		changed[i].stderr_ = isnan(base[i].stderr_) ? 0 : none;
		assert_int_not_equal(metrics_digest(changed, 3), digest);
		memcpy(changed, base, sizeof(changed));
		changed[i].name = "x";
		assert_int_not_equal(metrics_digest(changed, 3), digest);
	}
	/* Which value belongs to which name matters. */
	const struct metric swapped[] = { { "b", 1, none }, { "a", 0.0, 0.5 },
		{ "c", none, none } };
	assert_int_not_equal(metrics_digest(swapped, 3), digest);
	/* Two of a kind do not cancel out. */
	const struct metric twice[] = { { "a", 1, none }, { "a", 1, none } };
	const struct metric twice_other[] = { { "a", 2, none }, { "a", 2, none } };
	assert_int_not_equal(metrics_digest(twice, 2), metrics_digest(twice_other, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics_write),
		cmocka_unit_test(test_metrics_read),
		cmocka_unit_test(test_metrics_digest),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
