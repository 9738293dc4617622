/* Hyperband's brackets. */
#include "algorithms/tuners/bracket.h"
#include "tests/unit/algorithms/fidelity.h"

static void init(struct fake *fake, const char *options, uint64_t seed)
{
	fake_init_tuner(fake, "hyperband", options, seed, LINE, NULL);
}

static void test_sizes(void **state)
{
	(void)state;
	static const size_t sizes[] = { 5, 8, 15, 34, 81 };

	for (size_t s = 0; s < 5; s++)
		assert_int_equal(bracket_size(5, 3, s), sizes[s]);
	assert_int_equal(bracket_size(1, 3, 0), 1);
	assert_int_equal(bracket_size(4, 10, 3), 1000);
}

/* The table of R = 81, eta = 3, one bracket after the other, and round again. */
static void test_table(void **state)
{
	(void)state;
	static const struct bracket_row brackets[] = {
		{ 81, { 81, 27, 9, 3, 1 } },
		{ 34, { 0, 34, 11, 3, 1 } },
		{ 15, { 0, 0, 15, 5, 1 } },
		{ 8, { 0, 0, 0, 8, 2 } },
		{ 5, { 0, 0, 0, 0, 5 } },
		{ 81, { 81, 27, 9, 3, 1 } },
	};
	static const char *const modes[] = { "{\"exec_mode\":\"serial\"}", "{}" };

	for (size_t mode = 0; mode < 2; mode++) {
		struct fake fake;
		init(&fake, modes[mode], 3);
		struct crew *crew = crew_new(&fake, 7, 143 + 81, curve_flat);
		crew->shuffle = true;
		crew_work(crew);
		assert_int_equal(check_brackets(crew, brackets, 6), fake.view.n_trials);
		assert_int_equal(fake.view.counts.by_state[TRIAL_SUCCEEDED], 11);
		assert_int_equal(fake.view.counts.by_state[TRIAL_PAUSED], 224 - 11);
		/* Only waiting in turns makes workers wait before the numbers are used up. */
		if (mode == 0)
			assert_true(crew->waits > 0);
		crew_free(crew);
	}
}

/* Where training does not change the order, each bracket ends with its very best. */
static void test_finds_the_best(void **state)
{
	(void)state;
	static const int64_t sizes[] = { 81, 34, 15, 8, 5 };

	for (uint64_t seed = 0; seed < 5; seed++) {
		struct fake fake;
		init(&fake, NULL, seed);
		struct crew *crew = crew_new(&fake, 1 + 15 * seed, 143, curve_flat);
		crew->shuffle = true;
		crew_work(crew);
		int64_t first = 0;
		for (size_t b = 0; b < 5; b++) {
			int64_t best = least_x(&fake, first, first + sizes[b]);
			assert_int_equal(view_trial(&fake.view, best)->state, TRIAL_SUCCEEDED);
			first += sizes[b];
		}
		crew_free(crew);
	}
}

/* No bracket costs more than (s_max + 1) R steps beyond what its own rounding up adds: a trial
 * more at each rung. */
static void test_cost(void **state)
{
	(void)state;
	static const struct {
		int64_t max, min;
		double eta;
	} cases[] = { { 81, 1, 3 }, { 60, 1, 3 }, { 100, 1, 4 }, { 64, 1, 2 }, { 50, 3, 2.5 },
		{ 27, 27, 3 } };

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct fake fake;
		char options[128];
		(void)snprintf(options, sizeof(options),
			"{\"max_resource\":%d,\"min_resource\":%d,\"eta\":%g}", (int)cases[c].max,
			(int)cases[c].min, cases[c].eta);
		init(&fake, options, c);
		struct ladder ladder;
		ladder_init(&ladder, fake.view.spec);
		size_t numbers = 0;
		for (size_t s = 0; s < ladder.n; s++)
			numbers += bracket_size(ladder.n, cases[c].eta, s);
		struct crew *crew = crew_new(&fake, 4, numbers, curve_flat);
		crew_work(crew);
		int64_t first = 0;
		for (size_t s = ladder.n; s-- > 0;) {
			int64_t end = first + (int64_t)bracket_size(ladder.n, cases[c].eta, s);
			int64_t steps = crew_steps(crew, first, end);
			assert_true(steps > 0);
			assert_true(steps <= (int64_t)ladder.n * cases[c].max + cases[c].max);
			if (c == 0) /* nothing is rounded here but the counts */
				assert_true(steps <= (int64_t)ladder.n * cases[c].max);
			first = end;
		}
		crew_free(crew);
	}
}

/* Failures and values that are no numbers rank last, hold nothing up and are never promoted over
 * what is better. */
static void test_failures(void **state)
{
	(void)state;
	for (size_t workers = 1; workers <= 64; workers += 63) {
		struct fake fake;
		init(&fake, "{\"max_resource\":27}", 8);
		struct crew *crew = crew_new(&fake, workers, 300, curve_failing);
		crew->shuffle = true;
		crew_work(crew);
		assert_true(fake.view.counts.by_state[TRIAL_FAILED] > 120);
		assert_true(fake.view.counts.by_state[TRIAL_SUCCEEDED] > 5);
		for (size_t i = 0; i < crew->n_out; i++)
			if (crew->out[i].from > 0)
				assert_true(!fails_at(crew->out[i].number, crew->out[i].from));
		crew_free(crew);
	}
}

/* A whole bracket that fails is over, also for who waits for it. */
static void test_all_fail(void **state)
{
	(void)state;
	struct fake fake;

	init(&fake, "{\"exec_mode\":\"serial\",\"R\":9}", 2);
	struct crew *crew = crew_new(&fake, 3, 60, curve_dead);
	crew_work(crew);
	assert_int_equal(fake.view.counts.by_state[TRIAL_FAILED], 60);
	crew_free(crew);
}

/* Lost and cancelled trials count as failures; one that is retried comes back into its rung. */
static void test_lost_and_retried(void **state)
{
	(void)state;
	struct fake fake;
	int64_t number;

	init(&fake, "{\"exec_mode\":\"serial\",\"R\":3}", 2); /* 3@1, 1@3; 2@3 */
	for (int i = 0; i < 3; i++)
		assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(fake_suggest(&fake, &number), CODE_WAIT);
	fake_cancel(&fake, 0);
	fake_report(&fake, 1, 1, 5);
	fake_pause(&fake, 1);
	assert_int_equal(fake_suggest(&fake, &number), CODE_WAIT);
	fake_fail(&fake, 2);
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 1);
	assert_true(view_trial(&fake.view, 1)->resource == 3);
	assert_int_equal(fake_suggest(&fake, &number), CODE_WAIT);
	fake_retry(&fake, 2);
	fake_observe(&fake, 1, 4);
	/* The rung is open again; but it has sent on all it may. */
	assert_int_equal(fake_suggest(&fake, &number), CODE_WAIT);
	fake_assign(&fake, 2);
	fake_report(&fake, 2, 1, 1);
	fake_pause(&fake, 2);
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 3);
	assert_true(view_trial(&fake.view, 3)->resource == 3);
	fake_release(&fake);
}

/* A bracket that max_trials cut short goes on with what it has: 20 trials, 6, 2 and none. */
static void test_cut_short(void **state)
{
	(void)state;
	struct fake fake;

	init(&fake, NULL, 5);
	struct crew *crew = crew_new(&fake, 4, 20, curve_flat);
	crew_work(crew);
	assert_int_equal(crew_count(crew, 0, 20, 1), 20);
	assert_int_equal(crew_count(crew, 0, 20, 3), 6);
	assert_int_equal(crew_count(crew, 0, 20, 9), 2);
	assert_int_equal(crew_count(crew, 0, 20, 27), 0);
	/* More numbers: the bracket fills up, and those that went ahead are its own. */
	crew->numbers = 81;
	crew_work(crew);
	assert_int_equal(crew_count(crew, 0, 81, 3), 27);
	assert_int_equal(crew_count(crew, 0, 81, 9), 9);
	assert_int_equal(crew_count(crew, 0, 81, 81), 1);
	crew_free(crew);
}

/* With as many workers as you like nobody waits while there are numbers, and the log alone tells
 * what comes next. */
static void test_parallel_replay(void **state)
{
	(void)state;
	struct fake fake;

	init(&fake, "{\"R\":27}", 6);
	struct crew *crew = crew_new(&fake, 64, SIZE_MAX, curve_failing);
	check_crew_replay(crew, 600);
	assert_true(fake.view.counts.by_state[TRIAL_SUCCEEDED] > 0);
	crew_free(crew);
}

/* The Sobol points of a bracket are spread: of the first 64 each 16th of the interval has 4. */
static void test_sobol(void **state)
{
	(void)state;
	struct fake fake;
	int counts[16] = { 0 };

	init(&fake, "{\"sampler\":\"sobol\"}", 6);
	for (int i = 0; i < 64; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		counts[(int)(16 * fake_value(&fake, number, "x"))]++;
	}
	for (int i = 0; i < 16; i++)
		assert_int_equal(counts[i], 4);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_finds_the_best),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_all_fail),
		cmocka_unit_test(test_lost_and_retried),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_parallel_replay),
		cmocka_unit_test(test_sobol),
	};
	return cmocka_run_group_tests_name("hyperband", tests, NULL, NULL);
}
