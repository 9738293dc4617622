/* Asynchronous successive halving. */
#include "tests/unit/algorithms/fidelity.h"

static void init(struct fake *fake, const char *options, uint64_t seed)
{
	fake_init_tuner(fake, "asha", options, seed, LINE, NULL);
}

static double curve_worsening(const struct fake *fake, int64_t number, int64_t step)
{
	(void)fake;
	(void)step;
	return (double)number;
}

/* With one worker one in eta of a rung's results is promoted at each time, when no later trial is
 * better than an earlier one; otherwise some that the later ones push out of the best come on top,
 * of the order of the root of how many there are. */
static void test_one_in_eta(void **state)
{
	(void)state;
	for (int drawn = 0; drawn < 2; drawn++) {
		struct fake fake;

		init(&fake, NULL, 4);
		struct crew *crew =
			crew_new(&fake, 1, SIZE_MAX, drawn ? curve_flat : curve_worsening);
		for (int i = 0; i < 700; i++) {
			crew_turn(crew);
			size_t results = crew_count(crew, 0, INT64_MAX, 1);
			for (int64_t level = 3; level <= 81; level *= 3) {
				size_t promoted = crew_count(crew, 0, INT64_MAX, level);
				double slack = drawn ? 2 * sqrt((double)results) : 0;
				assert_true((double)promoted <= (double)(results / 3) + slack);
				results = promoted;
			}
		}
		assert_true(crew_count(crew, 0, INT64_MAX, 81) > 0);
		crew_free(crew);
	}
}

/* Each promotion is, at its time, the best that waits in the top third of the highest rung that has
 * one: checked against a plain search. */
static void check_choice(const struct fake *fake, const struct crew *crew, int64_t number)
{
	const struct trial *trial = view_trial(&fake->view, number);
	int64_t from = crew->out[crew->n_out - 1].from;
	double mine = fake_value(fake, number, "x");
	size_t results = 0, better = 0;

	if (from == 0)
		return;
	for (size_t i = 0; i < fake->view.n_trials; i++) {
		const struct trial *other = &fake->view.trials[i];
		bool here = other->resource > (double)from ||
			    ((double)from == other->resource && other->state == TRIAL_PAUSED);
		results += here;
		better += here && fake_value(fake, other->number, "x") < mine;
		if (here && other->state == TRIAL_PAUSED && other->resource == (double)from)
			assert_true(fake_value(fake, other->number, "x") > mine);
	}
	assert_true(better < results / 3);
	assert_true(trial->resource == 3.0 * (double)from);
}

static void test_choice(void **state)
{
	(void)state;
	for (size_t workers = 1; workers <= 64; workers *= 8) {
		struct fake fake;
		init(&fake, NULL, workers);
		struct crew *crew = crew_new(&fake, workers, SIZE_MAX, curve_flat);
		crew_shuffle(crew);
		for (int i = 0; i < 400; i++) {
			while (crew->n_running < workers) { /* nobody ever waits */
				assert_int_equal(crew_take(crew), 0);
				check_choice(&fake, crew, crew->running[crew->n_running - 1]);
			}
			crew_finish_one(crew);
		}
		assert_true(fake.view.counts.by_state[TRIAL_SUCCEEDED] > 0);
		crew_free(crew);
	}
}

/* The best of all is complete in the end, where training does not change the order. */
static void test_finds_the_best(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++) {
		struct fake fake;

		init(&fake, NULL, seed);
		struct crew *crew = crew_new(&fake, 9, 243, curve_flat);
		crew->shuffle = true;
		crew_work(crew);
		assert_int_equal(fake.view.n_trials, 243);
		assert_int_equal(fake.view.counts.best, least_x(&fake, 0, 243));
		/* Those that stay behind are paused, and the work is a fraction of 243 * 81. */
		assert_true(crew_steps(crew, 0, 243) < 243 * 81 / 8);
		crew_free(crew);
	}
}

/* Failures count among the results of a rung, last; neither they nor what is no number is promoted
 * while there is better. */
static void test_failures(void **state)
{
	(void)state;
	struct fake fake;

	init(&fake, "{\"max_resource\":9}", 4);
	struct crew *crew = crew_new(&fake, 16, 200, curve_failing);
	crew->shuffle = true;
	crew_work(crew);
	assert_true(fake.view.counts.by_state[TRIAL_FAILED] > 80);
	assert_true(fake.view.counts.by_state[TRIAL_SUCCEEDED] > 3);
	for (size_t i = 0; i < crew->n_out; i++)
		assert_true(crew->out[i].from == 0 || !is_nan_trial(crew->out[i].number));
	crew_free(crew);
}

/* Groups start one rung apart, in Hyperband's proportions 81/5 : 27/4 : 9/3, and are compared among
 * themselves. */
static void test_brackets(void **state)
{
	(void)state;
	struct fake fake;

	init(&fake, "{\"brackets\":3}", 4);
	struct crew *crew = crew_new(&fake, 1, 260, curve_flat);
	size_t first[3] = { 0 };
	crew_work(crew);
	for (size_t i = 0; i < crew->n_out; i++) {
		if (crew->out[i].from > 0)
			continue;
		int64_t to = crew->out[i].to;
		assert_true(to == 1 || to == 3 || to == 9);
		first[to == 1 ? 0 : to == 3 ? 1 : 2]++;
	}
	assert_int_equal(first[0] + first[1] + first[2], 260);
	assert_in_range(first[0], 161, 164); /* 260 * 16.2 / 25.95 */
	assert_in_range(first[1], 66, 69);
	assert_in_range(first[2], 29, 32);
	assert_int_equal(fake_promote(&fake, NULL), CODE_EXHAUSTED);
	crew_free(crew);
	/* More brackets than rungs are as many as there are rungs. */
	init(&fake, "{\"brackets\":31,\"max_resource\":1}", 4);
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	fake_release(&fake);
}

/* Lost at the next rung: it is neither promoted again, nor missed in the rung below. */
static void test_lost(void **state)
{
	(void)state;
	struct fake fake;
	int64_t number;

	init(&fake, "{\"max_resource\":9}", 4);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fake_suggest(&fake, &number), 0);
		fake_report(&fake, number, 1, i);
		fake_pause(&fake, number);
	}
	assert_int_equal(fake_promote(&fake, &number), 0);
	assert_int_equal(number, 0);
	assert_int_equal(fake_promote(&fake, &number), CODE_WAIT);
	fake_expire(&fake, number, false);
	assert_int_equal(fake_promote(&fake, &number), CODE_WAIT);
	fake_assign(&fake, 0);
	fake_expire(&fake, 0, true);
	assert_int_equal(fake_promote(&fake, &number), CODE_EXHAUSTED);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fake_suggest(&fake, &number), 0);
		assert_int_equal(number, 3 + i);
		fake_report(&fake, number, 1, 10);
		fake_pause(&fake, number);
	}
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 1); /* second of six: the first was lost */
	fake_release(&fake);
}

/* A finite space: its points all start, then the best go on, then nothing is left. */
static void test_finite(void **state)
{
	(void)state;
	struct fake fake;
	int64_t number;

	fake_init_tuner(&fake, "asha", "{\"max_resource\":9}", 1,
		"{\"x\":{\"_type\":\"randint\",\"_value\":[0,9]}}", NULL);
	struct crew *crew = crew_new(&fake, 1, SIZE_MAX, curve_flat);
	while (crew_take(crew) == 0) {
		assert_true(crew->out[crew->n_out - 1].to >= 1);
		crew_finish_one(crew);
	}
	assert_int_equal(fake.view.n_trials, 9);
	assert_int_equal(fake_promote(&fake, &number), CODE_EXHAUSTED);
	assert_int_equal(fake.view.counts.by_state[TRIAL_SUCCEEDED], 1);
	assert_true(fake_value(&fake, fake.view.counts.best, "x") == 0);
	crew_free(crew);
}

static void test_replay(void **state)
{
	(void)state;
	static const char *const options[] = { "{}", "{\"brackets\":2,\"sampler\":\"sobol\"}" };

	for (size_t o = 0; o < 2; o++) {
		struct fake fake;
		init(&fake, options[o], 6);
		struct crew *crew = crew_new(&fake, 64, SIZE_MAX, curve_failing);
		check_crew_replay(crew, 400);
		crew_free(crew);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_in_eta),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_finds_the_best),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_brackets),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_finite),
		cmocka_unit_test(test_replay),
	};
	return cmocka_run_group_tests_name("asha", tests, NULL, NULL);
}
