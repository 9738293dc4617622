#include "tests/unit/algorithms/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* NNI's batch space: complete parameter sets, each once, in order. */
static void test_in_order(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "Batch", NULL, 1,
		"{\"combine_params\":{\"_type\":\"choice\",\"_value\":["
		"{\"optimizer\":\"Adam\",\"lr\":0.001},{\"optimizer\":\"Adam\",\"lr\":0.01},"
		"{\"optimizer\":\"SGD\",\"lr\":0.1}]}}",
		NULL);
	assert_int_equal(fake_drain(&fake, 2, 3, NULL), 3);
	for (int64_t i = 0; i < 3; i++)
		assert_true(fake_value(&fake, i, "combine_params") == (double)i);
	assert_non_null(strstr(view_trial(&fake.view, 2)->parameters, "\"SGD\""));
	assert_int_equal(fake_check_replay(&fake), CODE_EXHAUSTED);
	/* More options are more work. */
	fake_edit(&fake,
		"{\"search_space\":{\"combine_params\":{\"_type\":\"choice\",\"_value\":["
		"{\"optimizer\":\"RMSProp\",\"lr\":0.1},"
		"{\"optimizer\":\"Adam\",\"lr\":0.001},{\"optimizer\":\"Adam\",\"lr\":0.01}]}}}");
	assert_int_equal(fake_drain(&fake, 0, 1, NULL), 1);
	assert_true(fake_value(&fake, 3, "combine_params") == 0);
	fake_release(&fake);
}

static void test_skips_seen(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "batch", NULL, 1,
		"{\"x\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\",\"d\"]}}", NULL);
	fake_seed(&fake, "{\"x\":\"c\"}", 0);
	fake_enqueue(&fake, "{\"x\":\"a\"}");
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	assert_true(fake_value(&fake, 2, "x") == 1);
	assert_true(fake_value(&fake, 3, "x") == 3);
	assert_int_equal(fake_suggest(&fake, NULL), CODE_EXHAUSTED);
	fake_release(&fake);
}

/* Anything but one flat choice is refused where the experiment is made. */
static void test_check(void **state)
{
	(void)state;
	static const struct {
		const char *space;
		size_t faults;
	} cases[] = {
		{ "{\"x\":{\"_type\":\"choice\",\"_value\":[1,2]}}", 0 },
		{ "{\"x\":{\"_type\":\"randint\",\"_value\":[1,4]}}", 1 },
		{ "{\"x\":{\"_type\":\"choice\",\"_value\":[1,2]},"
		  "\"y\":{\"_type\":\"choice\",\"_value\":[1,2]}}",
			1 },
		{ "{\"x\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"a\"},{\"_name\":\"b\","
		  "\"k\":{\"_type\":\"choice\",\"_value\":[1,2]}}]}}",
			1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct path at = { NULL, "search_space", 0 };
		struct faults faults;
		struct fake fake;

		faults_init(&faults);
		fake_init_tuner(&fake, "random", NULL, 1, cases[i].space, NULL);
		tuner_batch.check(fake.view.spec, &at, &faults);
		assert_int_equal(faults.n, cases[i].faults);
		if (faults.n)
			assert_string_equal(faults.items[0].pointer, "/search_space");
		fake_release(&fake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_skips_seen),
		cmocka_unit_test(test_check),
	};
	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
