/* The ladder and what is read from a view about it. */
#include "tests/unit/algorithms/fidelity.h"

static void init(struct fake *fake, const char *tuner, const char *options)
{
	fake_init_tuner(fake, tuner, options, 1, LINE, NULL);
}

static void check_ladder(const char *tuner, const char *options, size_t n, const int64_t *level)
{
	struct ladder ladder;
	struct fake fake;

	init(&fake, tuner, options);
	ladder_init(&ladder, fake.view.spec);
	assert_int_equal(ladder.n, n);
	for (size_t k = 0; k < n; k++)
		assert_int_equal(ladder.level[k], level[k]);
	fake_release(&fake);
}

#define LEVELS(...)                                                                                \
	sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), (const int64_t[])              \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static void test_ladders(void **state)
{
	(void)state;
	check_ladder("hyperband", "{}", LEVELS(1, 3, 9, 27, 81));
	check_ladder("asha", "{}", LEVELS(1, 3, 9, 27, 81));
	check_ladder("hyperband", "{\"R\":60}", LEVELS(2, 6, 20, 60)); /* NNI's default */
	check_ladder("hyperband", "{\"max_resource\":100}", LEVELS(1, 3, 11, 33, 100));
	check_ladder("asha", "{\"max_resource\":100}", LEVELS(1, 3, 9, 27, 81, 100));
	check_ladder(
		"pasha", "{\"min_resource\":2,\"max_resource\":50,\"eta\":5}", LEVELS(2, 10, 50));
	check_ladder("asha", "{\"min_resource\":7,\"max_resource\":7}", LEVELS(7));
	check_ladder("hyperband", "{\"min_resource\":7,\"max_resource\":7}", LEVELS(7));
	check_ladder("hyperband", "{\"min_resource\":7,\"max_resource\":20}", LEVELS(20));
	check_ladder("asha", "{\"max_resource\":16,\"eta\":2.5}", LEVELS(1, 2, 6, 15, 16));
	check_ladder("hyperband", "{\"max_resource\":1000,\"eta\":10}", LEVELS(1, 10, 100, 1000));
}

/* The longest ladders fit, and always rise. */
static void test_extreme_ladders(void **state)
{
	(void)state;
	static const char *const tuners[] = { "hyperband", "asha" };
	static const char *const options[] = { "{\"max_resource\":1000000000,\"eta\":2}",
		"{\"max_resource\":999999999,\"eta\":2}",
		"{\"max_resource\":1000000000,\"eta\":2.0001}",
		"{\"max_resource\":1000000000,\"eta\":1000}", "{\"max_resource\":1,\"eta\":1000}",
		"{\"min_resource\":1000000000,\"max_resource\":1000000000}" };

	for (size_t i = 0; i < 12; i++) {
		struct ladder ladder;
		struct fake fake;

		init(&fake, tuners[i % 2], options[i / 2]);
		ladder_init(&ladder, fake.view.spec);
		assert_true(ladder.n >= 1 && ladder.n <= RUNGS_MAX);
		assert_true(ladder.level[0] >= 1);
		for (size_t k = 1; k < ladder.n; k++)
			assert_true(ladder.level[k] > ladder.level[k - 1]);
		assert_int_equal(ladder.level[ladder.n - 1], (int64_t)rung_top(fake.view.spec));
		fake_release(&fake);
	}
}

static void test_share(void **state)
{
	(void)state;
	assert_int_equal(rung_share(81, 3, 0), 81);
	assert_int_equal(rung_share(81, 3, 4), 1);
	assert_int_equal(rung_share(34, 3, 1), 11);
	assert_int_equal(rung_share(2, 3, 1), 0);
	assert_int_equal(rung_share(1000, 10, 3), 1);
	assert_int_equal(rung_share(1e9, 10, 9), 1);
}

static void test_check(void **state)
{
	(void)state;
	struct fake fake;
	struct faults faults;

	init(&fake, "asha", "{\"min_resource\":9,\"max_resource\":9}");
	faults_init(&faults);
	rung_check(fake.view.spec, NULL, &faults);
	assert_int_equal(faults.n, 0);
	fake_release(&fake);
	init(&fake, "asha", "{\"min_resource\":10,\"max_resource\":9}");
	rung_check(fake.view.spec, NULL, &faults);
	assert_int_equal(faults.n, 1);
	assert_string_equal(faults.items[0].pointer, "/options/min_resource");
	fake_release(&fake);
}

/* Which trials are paused, and where they go on. */
static void test_pauses_and_reached(void **state)
{
	(void)state;
	struct fake fake;
	int64_t a, again;

	init(&fake, "asha", "{\"max_resource\":9}");
	assert_int_equal(fake_suggest(&fake, &a), 0);
	const struct spec *spec = fake.view.spec;
	assert_true(rung_top(spec) == 9);
	assert_true(rung_pauses(spec, view_trial(&fake.view, a)));
	assert_int_equal(rung_reached(spec, view_trial(&fake.view, a)), 0);
	fake_report(&fake, a, 1, 0.5);
	/* This attempt's own reports are nothing to go on from. */
	assert_int_equal(rung_reached(spec, view_trial(&fake.view, a)), 0);
	fake_pause(&fake, a);
	for (int i = 0; i < 2; i++) {
		int64_t other;
		assert_int_equal(fake_suggest(&fake, &other), 0);
		fake_report(&fake, other, 1, 2.0 + i);
		fake_pause(&fake, other);
	}
	assert_int_equal(fake_suggest(&fake, &again), 0);
	assert_int_equal(again, a);
	assert_true(view_trial(&fake.view, a)->resource == 3);
	assert_int_equal(rung_reached(spec, view_trial(&fake.view, a)), 1);
	/* A lost attempt got to step 2, which is no rung. */
	fake_report(&fake, a, 2, 0.4);
	struct trial lost = *view_trial(&fake.view, a);
	lost.attempt++;
	assert_int_equal(rung_reached(spec, &lost), 1);
	lost.resource = 9;
	assert_false(rung_pauses(spec, &lost));
	lost.resource = (double)NAN;
	assert_false(rung_pauses(spec, &lost));
	assert_int_equal(rung_reached(spec, &lost), 0);
	fake_release(&fake);
	init(&fake, "random", NULL);
	assert_true(isnan(rung_top(fake.view.spec)) != 0);
	lost.resource = 3;
	assert_false(rung_pauses(fake.view.spec, &lost));
	assert_int_equal(rung_reached(fake.view.spec, &lost), 0);
	fake_release(&fake);
}

/* Best first; not a number, then those that never got there, last; late reports do not count; of
 * two attempts the first. */
static void test_rank(void **state)
{
	(void)state;
	static const double values[] = { 3, (double)NAN, 1, 2, 0, 1, 7 };
	struct climbers climbers;
	struct error err;
	struct fake fake;
	struct arena arena;

	init(&fake, "asha", "{\"max_resource\":9,\"eta\":1000}"); /* 1, 9 */
	for (size_t i = 0; i < 7; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		if (number == 4) {
			fake_fail(&fake, number);
		} else if (number != 6) {
			fake_report(&fake, number, 1, values[i]);
			fake_pause(&fake, number);
		}
	}
	/* Handed out again, trial 0 starts over and says something else of step 1. */
	fake_assign(&fake, 0);
	fake_report(&fake, 0, 1, -5);
	fake_pause(&fake, 0);
	int64_t seed = fake_seed(&fake, "{\"x\":0.123}", -9);
	arena_init(&arena, 0);
	assert_int_equal(climbers_init(&climbers, &fake.view, &arena, &err), 0);
	assert_int_equal(climbers.n, 7);
	assert_int_equal(seed, 7); /* a foreign result is on no rung */
	static const uint32_t order[] = { 2, 5, 3, 0, 1, 4 };
	assert_int_equal(rung_rank(&climbers, &fake.view, 0, 7, 0, 0), 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(climbers.results[i].climber, order[i]);
	assert_true(climbers.results[4].loss == HUGE_VAL && !climbers.results[4].dead);
	assert_true(climbers.results[5].dead);
	assert_true(climber_waits(&climbers.items[2], 0));
	assert_false(climber_waits(&climbers.items[2], 1));
	assert_false(climber_waits(&climbers.items[4], 0));
	assert_false(climber_waits(&climbers.items[6], 0));
	assert_int_equal(rung_rank(&climbers, &fake.view, 0, 7, 0, 1), 0);
	assert_int_equal(rung_rank(&climbers, &fake.view, 2, 2, 0, 0), 2);
	arena_release(&arena);
	fake_release(&fake);
}

/* The order turns when the objective is to be maximised. */
static void test_maximise(void **state)
{
	(void)state;
	struct climbers climbers;
	struct error err;
	struct fake fake;
	struct arena arena;

	fake_init(&fake,
		"{\"name\":\"test\",\"search_space\":" LINE ",\"objectives\":[{\"name\":"
		"\"acc\",\"goal\":\"maximize\"}],\"tuner\":{\"name\":\"asha\",\"seed\":1}}");
	for (int i = 0; i < 2; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		fake_report(&fake, number, 1, i);
		fake_pause(&fake, number);
	}
	arena_init(&arena, 0);
	assert_int_equal(climbers_init(&climbers, &fake.view, &arena, &err), 0);
	assert_int_equal(rung_rank(&climbers, &fake.view, 0, 2, 0, 0), 2);
	assert_int_equal(climbers.results[0].climber, 1);
	arena_release(&arena);
	fake_release(&fake);
}

/* A trial whose parameters the edited space does not have is not gone on with; one whose resource
 * is between two rungs stands on the lower one. */
static void test_edits(void **state)
{
	(void)state;
	struct climbers climbers;
	struct error err;
	struct fake fake;
	struct arena arena;
	int64_t number;

	init(&fake, "asha", "{\"max_resource\":9}");
	assert_int_equal(fake_suggest(&fake, &number), 0);
	fake_report(&fake, number, 1, 1);
	fake_pause(&fake, number);
	fake_edit(&fake, "{\"tuner\":{\"name\":\"asha\",\"options\":{\"min_resource\":5,"
			 "\"max_resource\":50}},"
			 "\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[2,3]}}}");
	arena_init(&arena, 0);
	assert_int_equal(climbers_init(&climbers, &fake.view, &arena, &err), 0);
	assert_int_equal(climbers.items[0].rung, 0);
	assert_true(climbers.items[0].reached);
	assert_false(climber_waits(&climbers.items[0], 0));
	assert_true(climber_loss(&climbers, &fake.view, &climbers.items[0], 0) == 1);
	arena_release(&arena);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ladders),
		cmocka_unit_test(test_extreme_ladders),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_pauses_and_reached),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_maximise),
		cmocka_unit_test(test_edits),
	};
	return cmocka_run_group_tests_name("rung", tests, NULL, NULL);
}
