#include "tests/unit/algorithms/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Waits, always: before anything, with work under way, and when all is done. Never exhausted, for a
 * client may enqueue more. */
static void test_waits(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "external", NULL, 1,
		"{\"x\":{\"_type\":\"choice\",\"_value\":[1,2]}}", NULL);
	assert_true(tuner_external.algorithm.caps & TUNER_EXTERNAL);
	assert_int_equal(fake_suggest(&fake, NULL), CODE_WAIT);
	int64_t a = fake_enqueue(&fake, "{\"x\":1}");
	assert_int_equal(fake_suggest(&fake, NULL), CODE_WAIT);
	fake_assign(&fake, a);
	fake_observe(&fake, a, 3);
	int64_t b = fake_enqueue(&fake, "{\"x\":2}");
	fake_assign(&fake, b);
	fake_observe(&fake, b, 1);
	assert_int_equal(fake_suggest(&fake, NULL), CODE_WAIT);
	assert_int_equal(fake_check_replay(&fake), CODE_WAIT);
	assert_int_equal(fake.view.counts.best, b);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
	};
	return cmocka_run_group_tests_name("external", tests, NULL, NULL);
}
