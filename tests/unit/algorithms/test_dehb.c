/* DEHB: its schedule, its populations, what it breeds. */
#include "algorithms/tuners/dehb_population.h"
#include "tests/unit/algorithms/fidelity.h"

static void init(struct fake *fake, const char *options, uint64_t seed)
{
	fake_init_tuner(fake, "dehb", options, seed, LINE, NULL);
}

static void test_sizes(void **state)
{
	(void)state;
	static const size_t first[] = { 81, 27, 9, 6, 5 };

	for (size_t bracket = 0; bracket < 10; bracket++) {
		assert_int_equal(dehb_bottom(5, bracket), bracket % 5);
		assert_int_equal(dehb_rung_size(5, 3, bracket, 0), first[bracket % 5]);
	}
	assert_int_equal(dehb_rung_size(5, 3, 0, 4), 1);
	assert_int_equal(dehb_rung_size(5, 3, 1, 3), 1);
	assert_int_equal(dehb_rung_size(5, 3, 3, 1), 2);
}

/* The first bracket halves; the others evaluate as many new trials on each of their rungs. */
static void test_schedule(void **state)
{
	(void)state;
	static const size_t later[4][5] = { /* evaluations at 1, 3, 9, 27, 81 */
		{ 0, 27, 9, 3, 1 }, { 0, 0, 9, 3, 1 }, { 0, 0, 0, 6, 2 }, { 0, 0, 0, 0, 5 }
	};
	static const int64_t levels[] = { 1, 3, 9, 27, 81 };
	int64_t total = 81 + 40 + 13 + 8 + 5;

	for (size_t workers = 1; workers <= 16; workers += 15) {
		struct fake fake;
		init(&fake, NULL, 3);
		struct crew *crew = crew_new(&fake, workers, (size_t)total, curve_flat);
		crew->shuffle = true;
		crew_work(crew);
		size_t halving[5] = { 81, 27, 9, 3, 1 };
		for (size_t k = 0; k < 5; k++) {
			size_t expected = halving[k];
			for (size_t b = 0; b < 4; b++)
				expected += later[b][k];
			/* More workers are in later brackets before the early ones end. */
			if (workers == 1)
				assert_int_equal(
					crew_count(crew, 0, INT64_MAX, levels[k]), expected);
			/* Only trials of the first bracket were promoted. */
			size_t promoted = 0;
			for (size_t i = 0; i < crew->n_out; i++)
				promoted += crew->out[i].to == levels[k] && crew->out[i].from > 0;
			assert_int_equal(promoted, k ? halving[k] : 0);
		}
		assert_int_equal(fake.view.n_trials, total);
		crew_free(crew);
	}
}

/* Each slot holds the best that was ever evaluated for it, on each rung: against a plain search. */
static void test_populations(void **state)
{
	(void)state;
	struct fake fake;
	struct arena arena;
	struct error err;
	static struct dehb dehb;

	init(&fake, "{\"max_resource\":9}", 3); /* 9@1 3@3 1@9; 3@3, 1@9; 3@9 */
	struct crew *crew = crew_new(&fake, 3, 80, curve_flat);
	crew->shuffle = true;
	crew_work(crew);
	arena_init(&arena, 0);
	assert_int_equal(dehb_init(&dehb, &fake.view, &arena, &err), 0);
	assert_int_equal(dehb.populations[0].size, 9);
	assert_int_equal(dehb.populations[1].size, 3);
	assert_int_equal(dehb.populations[2].size, 3);
	for (size_t k = 0; k < 3; k++) {
		double best[9];
		for (size_t j = 0; j < 9; j++)
			best[j] = HUGE_VAL;
		size_t turn = 0, size = dehb.populations[k].size;
		for (size_t i = 0; i < dehb.climbers.n; i++) {
			const struct climber *climber = &dehb.climbers.items[i];
			bool first = dehb.tags[i].bracket == 0;
			if (first ? climber->rung < k : climber->rung != k)
				continue;
			size_t slot = (first ? turn++ : dehb.tags[i].slot) % size;
			best[slot] =
				fmin(best[slot], fake_value(&fake, climber->trial->number, "x"));
		}
		for (size_t j = 0; j < size; j++)
			assert_true(dehb.populations[k].slots[j].loss == best[j]);
	}
	/* Slots take turns. */
	size_t per_slot[9] = { 0 };
	for (size_t i = 0; i < dehb.climbers.n; i++)
		if (dehb.tags[i].bracket > 0 && dehb.tags[i].rung == 0)
			per_slot[dehb.tags[i].slot]++;
	for (size_t j = 1; j < 9; j++)
		assert_true(per_slot[j] + 1 >= per_slot[0] && per_slot[j] <= per_slot[0] + 1);
	arena_release(&arena);
	crew_free(crew);
}

/* With the default tag missing or out of range a trial is one of the first bracket. */
static void test_tags(void **state)
{
	(void)state;
	struct fake fake;
	struct arena arena;
	struct error err;
	static struct dehb dehb;
	struct dehb_tag far = { 4000000000u, 65535, 65535 };

	init(&fake, "{\"max_resource\":9}", 3);
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	arena_init(&arena, 0);
	assert_int_equal(dehb_tag_write(&far, &arena, &fake.view.trials[0].tag, &err), 0);
	fake.view.trials[1].tag.size = 3;
	assert_int_equal(dehb_init(&dehb, &fake.view, &arena, &err), 0);
	assert_int_equal(dehb.n_brackets, 1);
	assert_int_equal(dehb.standings[0].sent, 2);
	arena_release(&arena);
	fake_release(&fake);
}

/* It improves on its first, random bracket: the mean of the last trials that it bred. */
static void test_improves(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 3; seed++) {
		struct fake fake;
		init(&fake, "{\"max_resource\":27}", seed);
		struct crew *crew = crew_new(&fake, 4, 300, curve_flat);
		crew_work(crew);
		assert_true(mean_x(&fake, 240, 300) < 0.3); /* 0.5 by chance */
		crew_free(crew);
	}
}

static void test_failures_and_replay(void **state)
{
	(void)state;
	curve_fn *const curves[] = { curve_failing, curve_dead };

	for (size_t c = 0; c < 2; c++) {
		struct fake fake;
		init(&fake, "{\"max_resource\":27}", 6);
		struct crew *crew = crew_new(&fake, 64, SIZE_MAX, curves[c]);
		check_crew_replay(crew, 500);
		crew_free(crew);
	}
}

/* A finite space: the last points are given to the rungs that are due, then nothing is left. */
static void test_finite(void **state)
{
	(void)state;
	struct fake fake;
	int64_t number;

	fake_init_tuner(&fake, "dehb", "{\"max_resource\":3}", 1,
		"{\"x\":{\"_type\":\"randint\",\"_value\":[0,12]}}", NULL);
	struct crew *crew = crew_new(&fake, 1, SIZE_MAX, curve_flat);
	while (crew_take(crew) == 0)
		crew_finish_one(crew);
	assert_int_equal(fake.view.n_trials, 12);
	/* 3@1 and 1@3, then 2@3, and again 3, 1, 2 and 3. */
	assert_int_equal(crew_count(crew, 0, 12, 3), 1 + 2 + 1 + 2);
	assert_int_equal(fake_promote(&fake, &number), CODE_EXHAUSTED);
	crew_free(crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_schedule),
		cmocka_unit_test(test_populations),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_improves),
		cmocka_unit_test(test_failures_and_replay),
		cmocka_unit_test(test_finite),
	};
	return cmocka_run_group_tests_name("dehb", tests, NULL, NULL);
}
