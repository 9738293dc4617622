#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TRIALS 2000

/* Draws follow the declared distributions: counts within 4 standard deviations. */
static void test_distributions(void **state)
{
	(void)state;
	const double quarter = 4 * sqrt(TRIALS * 0.25 * 0.75), half = 4 * sqrt(TRIALS * 0.25);
	int option = 0, low_u = 0, low_lu = 0, low_n = 0, branch = 0, inner = 0;
	struct fake fake;

	fake_init_tuner(&fake, "random", NULL, 9,
		"{\"c\":{\"_type\":\"choice\",\"_value\":[1,2,3,4]},"
		"\"u\":{\"_type\":\"uniform\",\"_value\":[2,6]},"
		"\"lu\":{\"_type\":\"loguniform\",\"_value\":[0.0001,1]},"
		"\"n\":{\"_type\":\"normal\",\"_value\":[3,2]},"
		"\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"a\"},{\"_name\":\"b\","
		"\"w\":{\"_type\":\"uniform\",\"_value\":[0,1]}}]}}",
		NULL);
	for (int i = 0; i < TRIALS; i++) {
		int64_t number;

		assert_int_equal(fake_suggest(&fake, &number), 0);
		option += fake_value(&fake, number, "c") == 2;
		low_u += fake_value(&fake, number, "u") < 3;
		low_lu += fake_value(&fake, number, "lu") < 0.001;
		low_n += fake_value(&fake, number, "n") < 3;
		branch += fake_value(&fake, number, "op") == 1;
		inner += fake_value(&fake, number, "op.w") < 0.5;
		fake_observe(&fake, number, i);
	}
	assert_true(fabs(option - TRIALS * 0.25) < quarter);
	assert_true(fabs(low_u - TRIALS * 0.25) < quarter);
	assert_true(fabs(low_lu - TRIALS * 0.25) < quarter);
	assert_true(fabs(low_n - TRIALS * 0.5) < half);
	assert_true(fabs(branch - TRIALS * 0.5) < half);
	assert_true(fabs(inner - TRIALS * 0.25) < quarter);
	fake_release(&fake);
}

/* The draw for trial n depends on the seed and n, not on results. */
static void test_ignores_results(void **state)
{
	(void)state;
	static const char space[] = "{\"u\":{\"_type\":\"uniform\",\"_value\":[0,1]}}";
	struct fake good, bad;

	fake_init_tuner(&good, "random", NULL, 9, space, NULL);
	fake_init_tuner(&bad, "random", NULL, 9, space, NULL);
	for (int64_t i = 0; i < 30; i++) {
		assert_int_equal(fake_suggest(&good, NULL), 0);
		assert_int_equal(fake_suggest(&bad, NULL), 0);
		assert_true(fake_value(&good, i, "u") == fake_value(&bad, i, "u"));
		fake_observe(&good, i, fake_value(&good, i, "u"));
		fake_fail(&bad, i);
	}
	fake_release(&good);
	fake_release(&bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distributions),
		cmocka_unit_test(test_ignores_results),
	};
	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
