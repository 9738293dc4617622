/* What results are worth beyond luck. */
#include "algorithms/analysis/expected.h"
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char plane[] = "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			    "\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}";

static double truth(const struct fake *fake, int64_t number)
{
	return pow(fake_value(fake, number, "x") - 0.3, 2) +
	       pow(fake_value(fake, number, "y") - 0.6, 2);
}

/* n random trials of the plane, with that much noise. */
static void make(struct fake *fake, size_t n, uint64_t seed, double noise)
{
	struct rng rng;

	fake_init_tuner(fake, "random", NULL, seed, plane, NULL);
	rng_init(&rng, seed, RNG_TEST, 1);
	for (size_t i = 0; i < n; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(fake, &number), 0);
		fake_observe(fake, number, truth(fake, number) + noise * rng_normal(&rng));
	}
}

static void estimate(const struct view *view, struct arena *arena, struct expected *out)
{
	struct error err = { 0 };

	arena_init(arena, 0);
	assert_int_equal(expected_gather(view, arena, out), 0);
	assert_int_equal(expected_estimate(out, fake_compute(), arena, &err), 0);
}

/* The point that is best by expectation is truly better than the luckiest one, and the estimates
 * are off by as much as they say. */
static void test_noise(void **state)
{
	(void)state;
	double lucky = 0, expected_best = 0, noise = 0;
	size_t within = 0, all = 0;

	for (uint64_t seed = 0; seed < 12; seed++) {
		struct fake fake;
		struct arena arena;
		struct expected expected;
		make(&fake, 60, seed, 0.1);
		estimate(&fake.view, &arena, &expected);
		assert_int_equal(expected.n, 60);
		lucky += truth(&fake, fake.view.counts.best) / 12;
		expected_best += truth(&fake, expected.items[0].trial) / 12;
		noise += expected.noise / 12;
		for (size_t i = 0; i < 60; i++) {
			const struct expected_item *item = &expected.items[i];
			within += fabs(item->mean - truth(&fake, item->trial)) < 2 * item->error;
			all++;
			assert_true(item->error < 0.1);
			assert_true(item->value == fake.view.trials[item->trial].values[0]);
			assert_true(i == 0 || item->mean >= expected.items[i - 1].mean);
		}
		arena_release(&arena);
		fake_release(&fake);
	}
	printf("truth of the luckiest %.4f, of the best by expectation %.4f; noise %.3f; %zu of "
	       "%zu within two errors\n",
		lucky, expected_best, noise, within, all);
	assert_true(expected_best < 0.75 * lucky);
	assert_true(noise > 0.08 && noise < 0.12);
	assert_true((double)within > 0.85 * (double)all);
}

/* Without noise what was observed is what is expected. */
static void test_exact(void **state)
{
	(void)state;
	struct fake fake;
	struct arena arena;
	struct expected expected;

	make(&fake, 40, 3, 0);
	estimate(&fake.view, &arena, &expected);
	assert_int_equal(expected.items[0].trial, fake.view.counts.best);
	assert_true(expected.noise < 0.002);
	for (size_t i = 0; i < expected.n; i++) {
		assert_true(fabs(expected.items[i].mean - expected.items[i].value) < 0.002);
		assert_true(expected.items[i].error < 0.005);
	}
	arena_release(&arena);
	fake_release(&fake);
}

/* The same point again and again: about the mean of its results. A better single one of another
 * point does not beat it; maximised. */
static void test_repeats(void **state)
{
	(void)state;
	struct fake fake;
	struct arena arena;
	struct expected expected;
	struct rng rng;
	double mean = 0;

	fake_init(&fake,
		"{\"name\":\"r\",\"search_space\":{\"c\":{\"_type\":\"choice\",\"_value\":"
		"[\"a\",\"b\",\"c\"]}},\"objectives\":[{\"name\":\"acc\",\"goal\":\"maximize\"}],"
		"\"tuner\":{\"name\":\"external\"}}");
	rng_init(&rng, 5, RNG_TEST, 2);
	for (int i = 0; i < 30; i++) {
		static const char *const points[] = { "{\"c\":\"a\"}", "{\"c\":\"b\"}",
			"{\"c\":\"c\"}" };
		int64_t number = fake_enqueue(&fake, points[i % 3]);
		double value = (i % 3 == 1 ? 0.8 : 0.7) + 0.02 * rng_normal(&rng);
		if (i == 0)
			value = 0.86; /* luck of a */
		mean += i % 3 == 1 ? value / 10 : 0;
		fake_assign(&fake, number);
		fake_observe(&fake, number, value);
	}
	estimate(&fake.view, &arena, &expected);
	assert_int_equal(fake.view.counts.best, 0);
	assert_int_equal(expected.items[0].trial, 1);
	assert_true(fabs(expected.items[0].mean - mean) < 0.01);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(expected.items[i].trial % 3, 1);
		assert_true(fabs(expected.items[i].mean - expected.items[0].mean) < 1e-9);
	}
	arena_release(&arena);
	fake_release(&fake);
}

/* Who breaks a constraint comes after all others; disasters change little. */
static void test_constraints_and_disasters(void **state)
{
	(void)state;
	struct fake fake;
	struct arena arena;
	struct expected expected;

	fake_init_tuner(&fake, "random", NULL, 1, plane,
		",\"constraints\":[{\"metric\":\"size\",\"max\":1}]");
	for (int64_t i = 0; i < 40; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		struct metric metrics[] = {
			{ "default", i == 7 ? 1e300 : truth(&fake, number), (double)NAN },
			{ "size", i % 4 == 0 ? 2 : 0.5, (double)NAN },
		};
		fake_observe_metrics(&fake, number, metrics, 2);
	}
	int64_t number;
	assert_int_equal(fake_suggest(&fake, &number), 0);
	fake_observe(&fake, number, (double)NAN);
	assert_int_equal(fake_suggest(&fake, &number), 0);
	fake_fail(&fake, number);
	estimate(&fake.view, &arena, &expected);
	assert_int_equal(expected.n, 40);
	assert_int_equal(expected.items[0].trial, fake.view.counts.best);
	for (size_t i = 0; i < 40; i++) {
		const struct expected_item *item = &expected.items[i];
		assert_int_equal(item->feasible, i < 30);
		if (item->trial != 7)
			assert_true(fabs(item->mean - item->value) < 0.2);
	}
	arena_release(&arena);
	fake_release(&fake);
}

/* More than are looked at: the best ones are among them. */
static void test_many(void **state)
{
	(void)state;
	struct fake fake;
	struct arena arena;
	struct expected expected;
	size_t better = 0, among = 0;

	make(&fake, 500, 2, 0.05);
	estimate(&fake.view, &arena, &expected);
	assert_int_equal(expected.n_results, 500);
	assert_int_equal(expected.n, EXPECTED_MOST);
	double limit = 0;
	for (size_t i = 0; i < expected.n; i++)
		if (expected.items[i].trial == fake.view.counts.best)
			among++;
	assert_int_equal(among, 1);
	/* The hundredth best value: as many trials are at least as good as are kept for it. */
	for (size_t i = 0; i < fake.view.n_trials; i++) {
		size_t rank = 0;
		for (size_t k = 0; k < fake.view.n_trials; k++)
			rank += fake.view.trials[k].loss < fake.view.trials[i].loss;
		if (rank == EXPECTED_MOST / 2 - 1)
			limit = fake.view.trials[i].loss;
	}
	for (size_t i = 0; i < expected.n; i++)
		better += expected.items[i].value <= limit;
	assert_int_equal(better, EXPECTED_MOST / 2);
	arena_release(&arena);
	fake_release(&fake);
}

static void check_unknown(const struct fake *fake, size_t n)
{
	struct arena arena;
	struct expected expected;

	estimate(&fake->view, &arena, &expected);
	assert_int_equal(expected.n, n);
	assert_true(isnan(expected.noise) != 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(isnan(expected.items[i].mean) && isnan(expected.items[i].error));
		assert_true(i == 0 || expected.items[i].value >= expected.items[i - 1].value);
	}
	arena_release(&arena);
}

static void test_unknown(void **state)
{
	(void)state;
	struct fake fake;

	for (size_t n = 0; n < EXPECTED_FEW; n++) {
		make(&fake, n, 1, 0.1);
		check_unknown(&fake, n);
		fake_release(&fake);
	}
	fake_init_tuner(&fake, "random", NULL, 1, plane, NULL);
	for (int64_t i = 0; i < 8; i++) {
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		fake_observe(&fake, i, 0.5);
	}
	check_unknown(&fake, 8);
	fake_release(&fake);
	fake_init_tuner(
		&fake, "external", NULL, 1, "{\"f\":{\"_type\":\"fixed\",\"_value\":7}}", NULL);
	for (int64_t i = 0; i < 8; i++) {
		fake_assign(&fake, fake_enqueue(&fake, "{\"f\":7}"));
		fake_observe(&fake, i, (double)(i * 5 % 8));
	}
	check_unknown(&fake, 8);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_constraints_and_disasters),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_unknown),
	};
	return cmocka_run_group_tests_name("expected", tests, NULL, NULL);
}
