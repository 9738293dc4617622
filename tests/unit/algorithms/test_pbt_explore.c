/* Options of population based training, and with which parameters a copy goes on. */
#include "algorithms/tuners/pbt_explore.h"
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/limits.h"

#include <cmocka.h>

static const char types[] = "{\"u\":{\"_type\":\"uniform\",\"_value\":[1,3]},"
			    "\"z\":{\"_type\":\"uniform\",\"_value\":[-1,1]},"
			    "\"l\":{\"_type\":\"loguniform\",\"_value\":[1e-5,1]},"
			    "\"n\":{\"_type\":\"normal\",\"_value\":[0,2]},"
			    "\"ln\":{\"_type\":\"lognormal\",\"_value\":[0,2]},"
			    "\"q\":{\"_type\":\"quniform\",\"_value\":[0,10,1]},"
			    "\"r\":{\"_type\":\"randint\",\"_value\":[0,1000]},"
			    "\"o\":{\"_type\":\"ordinal\",\"_value\":[\"a\",\"b\",\"c\",\"d\"]},"
			    "\"c\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\"]},"
			    "\"f\":{\"_type\":\"fixed\",\"_value\":7}}";

/* One of the two, in turn; each in about half of the draws. */
static void check_two(double x, double low, double high, size_t *ups)
{
	double slack = 1e-12 * (1 + fabs(low) + fabs(high));

	assert_true(fabs(x - low) <= slack || fabs(x - high) <= slack);
	*ups += fabs(x - high) <= slack;
}

static void test_steps(void **state)
{
	(void)state;
	static const double from[] = { 2, -0.5, 1e-3, 1, 2, 3, 500, 2, 1, 0 };
	static const struct explore explore = { .factor = 0.2, .resample = 0 };
	struct fake fake;
	struct rng rng;
	double x[16];
	size_t ups[10] = { 0 }, options[3] = { 0 };

	fake_init_tuner(&fake, "pbt", NULL, 1, types, NULL);
	const struct space *space = fake.view.spec->space;
	assert_int_equal(space->n, 10);
	rng_init(&rng, 3, RNG_TEST, 0);
	for (int i = 0; i < 400; i++) {
		explore_from(&explore, space, from, &rng, x);
		assert_true(space_contains(space, x));
		check_two(x[0], 1.6, 2.4, &ups[0]);   /* times 0.8 or 1.2 */
		check_two(x[1], -0.9, -0.1, &ups[1]); /* passes zero: a part of the range */
		check_two(log(x[2]), log(1e-4), log(1e-2), &ups[2]);
		check_two(x[3], 0.6, 1.4, &ups[3]); /* sigma 2 */
		check_two(log(x[4]), log(2) - 0.4, log(2) + 0.4, &ups[4]);
		check_two(x[5], 2, 4, &ups[5]); /* 3 times 1.2 rounds to 4 */
		check_two(x[6], 400, 600, &ups[6]);
		check_two(x[7], 1, 3, &ups[7]);
		assert_true(x[8] == 0 || x[8] == 2);
		options[(size_t)x[8]]++;
		assert_true(x[9] == 0);
	}
	for (size_t i = 0; i < 8; i++)
		assert_true(ups[i] > 150 && ups[i] < 250);
	assert_true(options[0] > 150 && options[2] > 150);
	fake_release(&fake);
}

/* At the ends, at zero, and where a step of the factor is less than one of the grid. */
static void test_step_edges(void **state)
{
	(void)state;
	static const double from[] = { 3, 1, 1, 0, 1e-300, 1, 0, 0, 0, 0 };
	static const struct explore explore = { .factor = 0.2, .resample = 0 };
	struct fake fake;
	struct rng rng;
	double x[16];
	size_t ups[10] = { 0 };

	fake_init_tuner(&fake, "pbt", NULL, 1, types, NULL);
	const struct space *space = fake.view.spec->space;
	rng_init(&rng, 4, RNG_TEST, 0);
	for (int i = 0; i < 400; i++) {
		explore_from(&explore, space, from, &rng, x);
		assert_true(space_contains(space, x));
		check_two(x[0], 2.4, 3, &ups[0]);
		check_two(x[1], 0.6, 1, &ups[1]);
		check_two(x[5], 0, 2, &ups[5]);
		check_two(x[6], 0, 200, &ups[6]);
		check_two(x[7], 0, 1, &ups[7]);
	}
	assert_true(ups[5] > 150 && ups[5] < 250);
	fake_release(&fake);
}

static void test_resample(void **state)
{
	(void)state;
	static const double from[] = { 2, -0.5, 1e-3, 1, 2, 3, 500, 2, 1, 0 };
	struct fake fake;
	struct rng rng;
	double x[16], low = HUGE_VAL, high = -HUGE_VAL;
	size_t drawn = 0;

	fake_init_tuner(&fake, "pbt", NULL, 1, types, NULL);
	const struct space *space = fake.view.spec->space;
	rng_init(&rng, 5, RNG_TEST, 0);
	for (int i = 0; i < 2000; i++) {
		explore_from(
			&(struct explore){ .factor = 0.2, .resample = 0.25 }, space, from, &rng, x);
		drawn += fabs(x[0] - 1.6) > 1e-9 && fabs(x[0] - 2.4) > 1e-9;
		low = fmin(low, x[0]);
		high = fmax(high, x[0]);
	}
	assert_true(drawn > 430 && drawn < 570); /* a quarter */
	assert_true(low < 1.02 && high > 2.98);	 /* of the whole range */
	fake_release(&fake);
}

/* What hangs on a parameter that has changed is drawn, the rest moves a step. */
static void test_conditions(void **state)
{
	(void)state;
	static const char space_json[] =
		"{\"op\":{\"_type\":\"choice\",\"_value\":["
		" {\"_name\":\"a\",\"k\":{\"_type\":\"uniform\",\"_value\":[1,2]}},"
		" {\"_name\":\"b\",\"k\":{\"_type\":\"uniform\",\"_value\":[1,2]}}]},"
		"\"w\":{\"_type\":\"uniform\",\"_value\":[1,2],\"_when\":{\"op\":[\"a\",\"b\"]}},"
		"\"m\":{\"_type\":\"uniform\",\"_value\":[1,2]}}";
	struct fake fake;
	struct rng rng;
	double x[8];
	size_t switched = 0, near = 0;

	fake_init_tuner(&fake, "pbt", NULL, 1, space_json, NULL);
	const struct space *space = fake.view.spec->space;
	assert_int_equal(space->n, 5);
	const double from[] = { 0, 1.5, (double)NAN, 1.5, 1.5 };
	rng_init(&rng, 6, RNG_TEST, 0);
	for (int i = 0; i < 300; i++) {
		bool redraw = i % 2 == 0; /* every other time op may be drawn, and stay */
		explore_from(&(struct explore){ .factor = 0.02, .resample = redraw ? 0.25 : 0 },
			space, from, &rng, x);
		assert_true(space_contains(space, x));
		assert_true(isnan(x[x[0] == 0 ? 2 : 1]));
		if (redraw)
			continue;
		assert_true(x[0] == 1); /* the other option, always */
		switched++;
		near += fabs(x[3] - 1.5) < 0.04;
		assert_true(fabs(fabs(x[4] - 1.5) - 0.03) < 1e-9);
	}
	assert_int_equal(switched, 150);
	assert_true(near < 40); /* one in thirteen by chance */
	fake_release(&fake);
}

/* NNI's class and its arguments. */
static void test_nni_names(void **state)
{
	(void)state;
	struct fake fake;

	fake_init(&fake, "{\"name\":\"n\",\"search_space\":"
			 "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"
			 ",\"tuner\":{\"name\":\"PBTTuner\",\"classArgs\":{\"optimize_mode\":"
			 "\"maximize\",\"all_checkpoint_dir\":\"/nfs/x\",\"population_size\":4,"
			 "\"factor\":0.1,\"resample_probability\":0.5,\"fraction\":0.3}}}");
	const struct option_set *options = &fake.view.spec->tuner_options;
	assert_ptr_equal(fake.view.spec->tuner, &tuner_pbt.algorithm);
	assert_true(fake.view.spec->objectives[0].maximize);
	assert_int_equal(option_int(options, "population_size"), 4);
	assert_true(option_real(options, "factor") == 0.1);
	assert_true(option_real(options, "resample_probability") == 0.5);
	assert_true(option_real(options, "fraction") == 0.3);
	assert_null(strstr(fake.view.spec->json, "checkpoint_dir"));
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_step_edges),
		cmocka_unit_test(test_resample),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_nni_names),
	};
	return cmocka_run_group_tests_name("pbt_explore", tests, NULL, NULL);
}
