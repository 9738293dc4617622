/* Progressive asynchronous successive halving: when the ladder grows. */
#include "tests/unit/algorithms/fidelity.h"

static int64_t highest(const struct crew *crew)
{
	int64_t to = 0;

	for (size_t i = 0; i < crew->n_out; i++)
		if (crew->out[i].to > to)
			to = crew->out[i].to;
	return to;
}

/* What the highest resource is in the end, for so many trials on these curves. */
static int64_t cap_of(curve_fn *curve, size_t workers, const char *options, bool every_step)
{
	struct fake fake;

	fake_init_tuner(&fake, "pasha", options, 4, LINE, NULL);
	struct crew *crew = crew_new(&fake, workers, 200, curve);
	crew->every_step = every_step;
	crew->shuffle = true;
	crew_work(crew);
	int64_t cap = highest(crew);
	assert_int_equal(fake.view.n_trials, 200);
	/* Rung by rung: never more than one rung above what the hand-outs before have reached. */
	struct ladder ladder;
	ladder_init(&ladder, fake.view.spec);
	size_t so_far = 0;
	for (size_t i = 0; i < crew->n_out; i++) {
		size_t k = 0;
		while (ladder.level[k] != crew->out[i].to)
			k++;
		assert_true(k <= so_far + 1);
		so_far = k > so_far ? k : so_far;
	}
	crew_free(crew);
	return cap;
}

/* The order never changes: nothing beyond the second rung. */
static void test_stable(void **state)
{
	(void)state;
	assert_int_equal(cap_of(curve_flat, 1, NULL, true), 3);
	assert_int_equal(cap_of(curve_flat, 64, NULL, false), 3);
	assert_int_equal(
		cap_of(curve_flat, 8, "{\"min_resource\":2,\"max_resource\":50,\"eta\":5}", false),
		10);
	assert_int_equal(cap_of(curve_flat, 1, "{\"max_resource\":1}", false), 1);
}

/* The order changes from rung to rung: half of the trials fall behind at each, by a third of what
 * it was at the one before, so that next to no two change places twice. */
static double curve_falling(const struct fake *fake, int64_t number, int64_t step)
{
	double loss = fake_value(fake, number, "x"), fall = 3;

	for (int64_t rung = 3; rung <= step; rung *= 3, fall /= 3)
		if (hash_unit(number, (uint64_t)rung) < 0.5)
			loss += fall;
	return loss;
}

static void test_unstable(void **state)
{
	(void)state;
	assert_int_equal(cap_of(curve_falling, 1, NULL, false), 81);
	assert_int_equal(cap_of(curve_falling, 16, "{\"max_resource\":27}", false), 27);
}

/* It changes once, between steps 1 and 3, and never again: the third rung is enough to see that. */
static double curve_settles(const struct fake *fake, int64_t number, int64_t step)
{
	return step < 3 ? hash_unit(number, 1) : fake_value(fake, number, "x");
}

static void test_settles(void **state)
{
	(void)state;
	assert_int_equal(cap_of(curve_settles, 1, NULL, false), 9);
}

/* Noise much smaller than the differences between most trials changes the order of the closest. The
 * pairs that flip back and forth tell how large it is, and then it raises the cap no more; the
 * rungs' values alone tell less of it. */
static double curve_noisy(const struct fake *fake, int64_t number, int64_t step)
{
	return fake_value(fake, number, "x") + 0.04 * hash_unit(number, (uint64_t)step);
}

static void test_noise(void **state)
{
	(void)state;
	assert_true(cap_of(curve_noisy, 1, "{\"max_resource\":729}", true) <
		    cap_of(curve_noisy, 1, "{\"max_resource\":729}", false));
}

static void test_failures_and_replay(void **state)
{
	(void)state;
	struct fake fake;

	/* Failures and values that are no numbers take no part in the comparison. */
	assert_int_equal(cap_of(curve_failing, 8, NULL, false), 3);
	fake_init_tuner(&fake, "pasha", NULL, 4, LINE, NULL);
	struct crew *crew = crew_new(&fake, 64, SIZE_MAX, curve_falling);
	crew->every_step = true;
	check_crew_replay(crew, 400);
	crew_free(crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_unstable),
		cmocka_unit_test(test_settles),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_failures_and_replay),
	};
	return cmocka_run_group_tests_name("pasha", tests, NULL, NULL);
}
