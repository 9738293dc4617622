/* A ticker ticks, never twice at a time, and never after its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "service/ticker.h"

static atomic_int ticks;

static void tick(void *context)
{
	assert_ptr_equal(context, &ticks);
	atomic_fetch_add(&ticks, 1);
}

static void test_ticks_until_closed(void **state)
{
	(void)state;
	struct ticker *ticker;
	struct error err;
	assert_int_equal(ticker_open(1, tick, &ticks, &ticker, &err), 0);
	while (atomic_load(&ticks) < 3)
		sched_yield();
	ticker_close(ticker);
	int n = atomic_load(&ticks);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	assert_int_equal(atomic_load(&ticks), n);
}

/* Closing does not wait for the period to pass. */
static void test_close_is_prompt(void **state)
{
	(void)state;
	struct ticker *ticker;
	struct error err;
	atomic_store(&ticks, 0);
	assert_int_equal(ticker_open(3600000, tick, &ticks, &ticker, &err), 0);
	ticker_close(ticker); /* else the test's own timeout fails it */
	assert_int_equal(atomic_load(&ticks), 0);
	ticker_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticks_until_closed),
		cmocka_unit_test(test_close_is_prompt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
