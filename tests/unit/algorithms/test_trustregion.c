/* What the trust-region search promises whatever the problem; how well it searches is
 * tests/quality's business. */
#include "tests/unit/algorithms/support.h" /* before cmocka.h, whose macro fail() is not ours */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/tuners/trustregion_state.h"

#include <cmocka.h>

static const char box[] = "{\"a\":{\"_type\":\"uniform\",\"_value\":[-5,5]},"
			  "\"b\":{\"_type\":\"uniform\",\"_value\":[-5,5]},"
			  "\"c\":{\"_type\":\"uniform\",\"_value\":[-5,5]}}";

static const char branches[] = "{\"m\":{\"_type\":\"choice\",\"_value\":["
			       "{\"_name\":\"one\",\"u\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			       "\"v\":{\"_type\":\"loguniform\",\"_value\":[1e-4,1]}},"
			       "{\"_name\":\"two\",\"w\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			       "\"k\":{\"_type\":\"choice\",\"_value\":[\"p\",\"q\",\"r\"]}},"
			       "{\"_name\":\"none\"}]},"
			       "\"n\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":64}}}";

typedef double value_function(const struct fake *fake, int64_t number);

static double sphere(const struct fake *fake, int64_t number)
{
	const double *x = fake->view.trials[number].x;
	double sum = 0;

	for (size_t i = 0; i < fake->view.spec->space->n; i++)
		sum += isnan(x[i]) ? 0 : (x[i] - 1.3) * (x[i] - 1.3);
	return sum;
}

static double plateau(const struct fake *fake, int64_t number)
{
	(void)fake;
	(void)number;
	return 7;
}

/* A basin in every corner of the cube. */
static double corners(const struct fake *fake, int64_t number)
{
	const double *x = fake->view.trials[number].x;
	double sum = 0;

	for (size_t i = 0; i < 3; i++)
		sum += (fabs(x[i]) - 3) * (fabs(x[i]) - 3) + 0.1 * x[i];
	return sum;
}

/* n more trials, answered in order, pending of them under way at any time. */
static void run(struct fake *fake, size_t n, size_t pending, value_function *value)
{
	size_t first = fake->view.n_trials;

	for (size_t i = 0; i < n + pending; i++) {
		if (i < n)
			assert_int_equal(fake_suggest(fake, NULL), 0);
		if (i >= pending) {
			int64_t number = (int64_t)(first + i - pending);
			fake_observe(fake, number, value(fake, number));
		}
	}
}

static double best_of(const struct fake *fake)
{
	return fake->view.trials[fake->view.counts.best].loss;
}

static struct region_state state_of(const struct fake *fake)
{
	struct region_state state;

	region_state_fold(&state, &fake->view);
	return state;
}

static struct region_tag tag_of(const struct fake *fake, size_t number)
{
	struct region_tag tag;

	assert_true(region_tag_read(&fake->view.trials[number], state_of(fake).fingerprint, &tag));
	return tag;
}

/* A quadratic is solved as soon as its model is known, and the steps say so beforehand. */
static void test_quadratic(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "trustregion", NULL, 1, box, NULL);
	run(&fake, 8, 0, sphere);
	assert_int_equal(state_of(&fake).run, 0);
	double before = best_of(&fake);
	run(&fake, 22, 0, sphere);
	assert_true(best_of(&fake) < 1e-4 * before);
	fake_release(&fake);
}

/* 16 at a time: no two alike, and not much worse than one by one. */
static void test_parallel(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "trustregion", NULL, 1, box, NULL);
	run(&fake, 100, 16, sphere);
	for (size_t i = 0; i < fake.view.n_trials; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(key_equal(&fake.view.trials[i].key, &fake.view.trials[j].key));
	assert_true(best_of(&fake) < 1e-2);
	assert_int_equal(fake_check_replay(&fake), 0);
	fake_release(&fake);
}

/* A run ends where nothing is to be gained, and the next begins in another basin. */
static void test_restart(void **state)
{
	unsigned basins = 0;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "trustregion", "{\"radius_min\":1e-3}", 3, box, NULL);
	run(&fake, 150, 0, corners);
	assert_true(state_of(&fake).run >= 2);
	for (size_t i = 0; i < fake.view.n_trials; i++) {
		const double *x = fake.view.trials[i].x;
		bool bottom = true;
		for (size_t k = 0; k < 3; k++)
			bottom = bottom && fabs(fabs(x[k]) - 3) < 0.2;
		if (bottom)
			basins |= 1u << ((x[0] > 0) + 2 * (x[1] > 0) + 4 * (x[2] > 0));
	}
	assert_true((basins & (basins - 1)) != 0); /* two at least */
	fake_release(&fake);
}

/* The radius moves by what came of the steps: a success that reached the edge widens it, a failure
 * makes it smaller; what is still pending changes nothing. */
static void test_radius(void **state)
{
	struct fake fake;

	(void)state;
	for (int good = 0; good < 2; good++) {
		size_t steps = 0;
		fake_init_tuner(&fake, "trustregion", "{\"radius\":0.05}", 1, box, NULL);
		run(&fake, 10, 0, sphere);
		while (steps < 4) {
			double before = state_of(&fake).radius;
			int64_t number;
			assert_int_equal(fake_suggest(&fake, &number), 0);
			assert_true(state_of(&fake).radius == tag_of(&fake, (size_t)number).radius);
			struct region_tag tag = tag_of(&fake, (size_t)number);
			double value = good ? sphere(&fake, number) : 1000;
			fake_observe(&fake, number, value);
			assert_true(state_of(&fake).radius <= 0.05);
			if (tag.kind != REGION_STEP)
				continue;
			steps++;
			if (!good)
				assert_true(state_of(&fake).radius <= before);
		}
		if (!good)
			assert_true(state_of(&fake).radius < 0.05);
		fake_release(&fake);
	}
}

/* Nothing differs anywhere: it goes on, and elsewhere. */
static void test_plateau(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "trustregion", NULL, 1, box, NULL);
	run(&fake, 60, 4, plateau);
	assert_int_equal(fake_check_replay(&fake), 0);
	fake_release(&fake);
}

/* Failures, NaN and infinities near the centre push it away, and never stop it. */
static void test_failures(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "trustregion", NULL, 2, box, NULL);
	for (int i = 0; i < 120; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		const double *x = view_trial(&fake.view, number)->x;
		if (x[0] > 1) /* the optimum at 1.3 is out of reach */
			fake_fail(&fake, number);
		else if (x[1] < -4)
			fake_observe(&fake, number, number % 2 ? (double)NAN : (double)INFINITY);
		else
			fake_observe(&fake, number, sphere(&fake, number));
	}
	assert_true(best_of(&fake) < 0.2);
	assert_int_equal(fake_check_replay(&fake), 0);
	fake_release(&fake);
}

/* Categories change now and then, what depends on them is filled in, and the best is found. */
static double pick_two(const struct fake *fake, int64_t number)
{
	double n = fake_value(fake, number, "n");

	if (fake_value(fake, number, "m") != 1)
		return 2 + fabs(n - 40) / 64;
	double w = fake_value(fake, number, "m.w") - 0.3;
	return w * w + (fake_value(fake, number, "m.k") == 2 ? 0 : 0.5) +
	       (n - 40) * (n - 40) / 4096;
}

static void test_nested(void **state)
{
	struct fake fake;
	size_t changed = 0;

	(void)state;
	fake_init_tuner(&fake, "trustregion", NULL, 4, branches, NULL);
	run(&fake, 80, 3, pick_two);
	for (size_t i = 8; i < fake.view.n_trials; i++)
		changed += tag_of(&fake, i).kind == REGION_NEIGHBOUR;
	assert_true(changed > 2 && changed < 40);
	assert_true(best_of(&fake) < 0.05);
	assert_int_equal(fake_check_replay(&fake), 0);
	fake_release(&fake);
}

/* An edit of the space and trials that others propose. */
static void test_edit(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "trustregion", NULL, 4, box, NULL);
	run(&fake, 30, 0, sphere);
	fake_seed(&fake, "{\"a\":1.3,\"b\":1.3,\"c\":1.31}", 1e-4);
	int64_t custom = fake_enqueue(&fake, "{\"a\":1.3,\"b\":1.31,\"c\":1.3}");
	fake_assign(&fake, custom);
	fake_observe(&fake, custom, 1e-4);
	run(&fake, 5, 0, sphere);
	fake_edit(&fake, "{\"search_space\":{\"a\":{\"_type\":\"uniform\",\"_value\":[-5,1]},"
			 "\"d\":{\"_type\":\"int\",\"_value\":{\"low\":0,\"high\":9}}}}");
	run(&fake, 30, 0, sphere);
	assert_int_equal(fake_check_replay(&fake), 0);
	fake_release(&fake);
}

/* On one parameter with few values every value comes, once. */
static void test_finite(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "trustregion", "{\"startup\":2}", 4,
		"{\"n\":{\"_type\":\"int\",\"_value\":{\"low\":0,\"high\":24}}}", NULL);
	assert_int_equal(fake_drain(&fake, 2, 25, NULL), 25);
	fake_release(&fake);
}

/* A tag cut short, of another size or of another tuner is not read. */
static void test_tags(void **state)
{
	struct region_tag tag;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "trustregion", NULL, 1, box, NULL);
	run(&fake, 12, 0, sphere);
	uint64_t fingerprint = state_of(&fake).fingerprint;
	struct trial trial = fake.view.trials[11];
	assert_true(region_tag_read(&trial, fingerprint, &tag));
	assert_false(region_tag_read(&trial, fingerprint + 1, &tag));
	for (size_t size = 0; size < sizeof(tag); size++) {
		trial.tag.size = size;
		assert_false(region_tag_read(&trial, fingerprint, &tag));
	}
	trial = fake.view.trials[11];
	trial.origin = ORIGIN_CUSTOM;
	assert_false(region_tag_read(&trial, fingerprint, &tag));
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quadratic),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_radius),
		cmocka_unit_test(test_plateau),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_edit),
		cmocka_unit_test(test_finite),
		cmocka_unit_test(test_tags),
	};
	return cmocka_run_group_tests_name("trustregion", tests, NULL, NULL);
}
