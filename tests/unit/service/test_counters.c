/* Counting, and the text it becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/counters.h"

static struct counters counters;

static void test_text(void **state)
{
	(void)state;
	struct buffer out;
	memset(&counters, 0, sizeof(counters));
	counters_request(&counters, "suggest", 200, 900);
	counters_request(&counters, "suggest", 200, 1000);
	counters_request(&counters, "suggest", 503, 70000000);
	counters_request(&counters, NULL, 404, 50);
	buffer_init(&out, 1 << 20);
	counters_write(&counters, &out);
	static const char *const lines[] = {
		"cairn_http_requests_total{operation=\"suggest\",status=\"2xx\"} 2\n",
		"cairn_http_requests_total{operation=\"suggest\",status=\"5xx\"} 1\n",
		"cairn_http_requests_total{operation=\"none\",status=\"4xx\"} 1\n",
		"duration_seconds_bucket{operation=\"suggest\",le=\"0.0005\"} 0\n",
		"duration_seconds_bucket{operation=\"suggest\",le=\"0.001\"} 2\n",
		"duration_seconds_bucket{operation=\"suggest\",le=\"60\"} 2\n",
		"duration_seconds_bucket{operation=\"suggest\",le=\"+Inf\"} 3\n",
		"duration_seconds_sum{operation=\"suggest\"} 70.001900\n",
		"duration_seconds_count{operation=\"suggest\"} 3\n",
		"# TYPE cairn_http_streams gauge\ncairn_http_streams 0\n",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!strstr(buffer_text(&out), lines[i]))
			print_error("lacks %s%s", lines[i], buffer_text(&out));
		assert_non_null(strstr(buffer_text(&out), lines[i]));
	}
	buffer_release(&out);
}

static char names[COUNTERS_OPERATIONS_MAX + 10][16];

static void *add_all(void *context)
{
	(void)context;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		counters_request(&counters, names[i], 200, 1);
	return NULL;
}

/* Threads that meet an operation for the first time together count it in one place. */
static void test_threads(void **state)
{
	(void)state;
	pthread_t threads[4];
	memset(&counters, 0, sizeof(counters));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		snprintf(names[i], sizeof(names[i]), "op%zu", i);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_all, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < COUNTERS_OPERATIONS_MAX; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
				counters.operations[i].name, counters.operations[k].name);
	uint64_t total = 0;
	for (size_t i = 0; i <= COUNTERS_OPERATIONS_MAX; i++)
		total += counters.operations[i].by_class[1];
	assert_int_equal(total, 4 * (COUNTERS_OPERATIONS_MAX + 10));
	assert_int_equal(counters.operations[COUNTERS_OPERATIONS_MAX].by_class[1], 4 * 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
