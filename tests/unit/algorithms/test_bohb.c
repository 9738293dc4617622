/* BOHB: whose results its model goes by. */
#include "algorithms/tuners/bracket.h"
#include "tests/unit/algorithms/fidelity.h"

static void init(struct fake *fake, const char *options, uint64_t seed)
{
	fake_init_tuner(fake, "bohb", options, seed, LINE, NULL);
}

static const char *arm_of(const struct fake *fake, struct arena *arena, double *x)
{
	struct error err = { 0 };
	struct proposal proposal = { .x = x };

	assert_int_equal(
		tuner_ask(&(struct knowledge){ .view = &fake->view }, arena, &proposal, &err), 0);
	return proposal.arm;
}

/* Little training favours small x, more of it large x. */
static double curve_turning(const struct fake *fake, int64_t number, int64_t step)
{
	double x = fake_value(fake, number, "x");
	return step < 3 ? x : 1 - x;
}

/* Mean of the next n new trials, all of them at work at once. */
static double mean_of_next(struct fake *fake, int n)
{
	int64_t number, first = (int64_t)fake->view.n_trials;

	for (int i = 0; i < n; i++) {
		assert_int_equal(fake_suggest(fake, &number), 0);
		assert_int_equal(number, first + i);
	}
	return mean_x(fake, first, first + n);
}

/* A model when its rung has 2 (d + 1) results, and not before; then that of a higher rung as soon
 * as that has so many. */
static void test_highest_rung(void **state)
{
	(void)state;
	struct fake fake;
	struct arena arena;
	double x[1];

	arena_init(&arena, 0);
	init(&fake, "{\"random_fraction\":0,\"max_resource\":9}", 5); /* 9@1,3@3,1@9; 5@3 ... */
	struct crew *crew = crew_new(&fake, 1, SIZE_MAX, curve_turning);
	for (int i = 0; i < 4; i++) {
		assert_string_equal(arm_of(&fake, &arena, x), "startup");
		crew_turn(crew);
	}
	assert_string_equal(arm_of(&fake, &arena, x), "model");
	/* A whole round: 9 results of step 1, 8 of step 3, and of step 9 one and one and three. */
	while (fake.view.n_trials < 17) {
		crew_turn(crew);
	}
	size_t top = crew_count(crew, 0, 17, 9);
	assert_true(crew_count(crew, 0, 17, 3) >= 4);
	assert_true(top >= 4);
	assert_true(mean_of_next(&fake, 8) > 0.6);
	crew_free(crew);
	/* With no more than the lowest rung's results it goes by those. */
	init(&fake, "{\"random_fraction\":0,\"max_resource\":81}", 5);
	crew = crew_new(&fake, 1, SIZE_MAX, curve_turning);
	for (int i = 0; i < 40; i++) {
		crew_turn(crew);
	}
	assert_true(mean_of_next(&fake, 8) < 0.4);
	crew_free(crew);
	arena_release(&arena);
}

static void test_random_fraction(void **state)
{
	(void)state;
	struct fake fake;
	struct arena arena;
	double x[1];
	int random = 0;

	arena_init(&arena, 0);
	for (int fraction = 0; fraction < 2; fraction++) {
		init(&fake, fraction ? "{\"random_fraction\":1}" : "{}", 7);
		struct crew *crew = crew_new(&fake, 1, SIZE_MAX, curve_flat);
		for (int i = 0; i < 80; i++) {
			const char *arm = arm_of(&fake, &arena, x);
			random += fraction == 0 && strcmp(arm, "random") == 0;
			if (fraction)
				assert_string_equal(arm, "random");
			crew_turn(crew);
		}
		crew_free(crew);
	}
	assert_in_range(random, 16, 38); /* a third of 80 */
	arena_release(&arena);
}

/* Foreign results are of complete trials: with enough of them there is a model at once. */
static void test_seeds(void **state)
{
	(void)state;
	struct fake fake;
	struct arena arena;
	char parameters[64];
	double x[1];

	arena_init(&arena, 0);
	init(&fake, "{\"random_fraction\":0,\"min_points_in_model\":4}", 7);
	for (int i = 0; i < 8; i++) {
		assert_string_equal(arm_of(&fake, &arena, x), "startup");
		(void)snprintf(parameters, sizeof(parameters), "{\"x\":%g}", (i + 0.5) / 8);
		fake_seed(&fake, parameters, 1 - i);
	}
	assert_string_equal(arm_of(&fake, &arena, x), "model");
	assert_true(mean_of_next(&fake, 8) > 0.5);
	fake_release(&fake);
	arena_release(&arena);
}

/* The schedule is Hyperband's. */
static void test_schedule(void **state)
{
	(void)state;
	struct fake fake;

	init(&fake, "{\"max_budget\":9,\"min_budget\":1,\"eta\":3}", 3);
	struct crew *crew = crew_new(&fake, 5, 17, curve_flat);
	crew->shuffle = true;
	crew_work(crew);
	static const struct bracket_row brackets[] = {
		{ 9, { 9, 3, 1 } },
		{ 5, { 0, 5, 1 } },
		{ 3, { 0, 0, 3 } },
	};
	assert_int_equal(check_brackets(crew, brackets, 3), fake.view.n_trials);
	crew_free(crew);
}

/* Many workers, failures, values that are no numbers; the log alone tells what comes next. */
static void test_failures_and_replay(void **state)
{
	(void)state;
	struct fake fake;

	init(&fake, "{\"max_resource\":27}", 6);
	struct crew *crew = crew_new(&fake, 64, SIZE_MAX, curve_failing);
	check_crew_replay(crew, 500);
	/* It has learnt where the good ones are. */
	int64_t end = (int64_t)fake.view.n_trials;
	assert_true(mean_x(&fake, end - 60, end) < 0.45);
	crew_free(crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_highest_rung),
		cmocka_unit_test(test_random_fraction),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_schedule),
		cmocka_unit_test(test_failures_and_replay),
	};
	return cmocka_run_group_tests_name("bohb", tests, NULL, NULL);
}
