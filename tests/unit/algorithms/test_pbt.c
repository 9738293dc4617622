/* Population based training: who goes on and who copies whom. */
#include "algorithms/tuners/fork.h"
#include "tests/unit/algorithms/fidelity.h"

#define SMALL "\"population_size\":10,\"interval\":3,\"max_resource\":15"

static void init(struct fake *fake, const char *options, uint64_t seed)
{
	fake_init_tuner(fake, "pbt", options, seed, LINE, NULL);
}

/* ---- the population ---- */

static bool has_result(const struct trial *trial, int64_t level, double *loss)
{
	if (trial->state == TRIAL_SUCCEEDED && trial->resource == (double)level) {
		*loss = trial->loss;
		return true;
	}
	for (uint32_t i = 0; i < trial->n_reports; i++)
		if (trial->reports[i].step == level) {
			*loss = trial->reports[i].value;
			return true;
		}
	return false;
}

/* The trial of the member before this one. */
static const struct trial *replaced_by(const struct fake *fake, const struct trial *trial)
{
	struct fork fork, other;
	const struct trial *before = NULL;

	fork_read(trial, &fork);
	for (int64_t i = 0; i < trial->number; i++) {
		const struct trial *candidate = &fake->view.trials[i];
		if (fork_read(candidate, &other) && other.slot == fork.slot)
			before = candidate;
	}
	return before;
}

/* How many results at the level are better than that of trial. */
static size_t rank_at(const struct fake *fake, const struct trial *trial, int64_t level, size_t *n)
{
	double mine = 0, other;
	size_t better = 0;

	*n = 0;
	assert_true(has_result(trial, level, &mine));
	for (size_t i = 0; i < fake->view.n_trials; i++)
		if (has_result(&fake->view.trials[i], level, &other)) {
			++*n;
			better += other < mine;
		}
	return better;
}

/* The lineage is a forest, and each parent was ahead where it was forked, who it replaced behind.
 */
static void check_lineage(const struct fake *fake, size_t share, bool whole)
{
	for (size_t i = 0; i < fake->view.n_trials; i++) {
		const struct trial *trial = &fake->view.trials[i];
		struct fork fork;
		size_t n;
		assert_true(fork_read(trial, &fork));
		assert_true(trial->parent < trial->number);
		assert_int_equal(trial->parent >= 0, fork.start > 0);
		if (trial->parent < 0)
			continue;
		const struct trial *parent = view_trial(&fake->view, trial->parent);
		const struct trial *before = replaced_by(fake, trial);
		assert_non_null(before);
		assert_int_equal(before->state, TRIAL_PAUSED);
		assert_true(parent != before);
		if (!whole) /* results have come since */
			continue;
		assert_true(rank_at(fake, parent, fork.start, &n) < share);
		assert_int_equal(n, 10);
		assert_true(rank_at(fake, before, fork.start, &n) >= n - share);
		assert_true(before->resource == (double)fork.start);
	}
}

/* Ten members, five levels: every member has one result at each, whoever stood in for whom. */
static void test_generations(void **state)
{
	(void)state;
	for (size_t workers = 1; workers <= 13; workers += 6) {
		struct fake fake;
		init(&fake, "{" SMALL ",\"generations\":true}", workers);
		struct crew *crew = crew_new(&fake, workers, SIZE_MAX, curve_flat);
		crew->shuffle = true;
		crew->every_step = true;
		crew_work(crew);
		for (int64_t level = 3; level <= 15; level += 3)
			assert_int_equal(crew_count(crew, 0, INT64_MAX, level), 10);
		assert_int_equal(crew->n_out, 50);
		assert_true(workers == 1 || crew->waits > 0);
		/* Two copies a level. */
		assert_int_equal(fake.view.n_trials, 10 + 4 * 2);
		check_lineage(&fake, 2, true);
		assert_int_equal(fake.view.counts.by_state[TRIAL_SUCCEEDED], 10);
		/* Nobody trains a step that its parent or an earlier attempt has trained. */
		for (size_t i = 0; i < crew->n_out; i++)
			assert_int_equal(crew->out[i].to - crew->out[i].from, 3);
		free(crew);
		fake_release(&fake);
	}
}

/* Nobody waits; one worker alone has all results anyway. */
static void test_asynchronous(void **state)
{
	(void)state;
	for (size_t workers = 1; workers <= 16; workers += 5) {
		struct fake fake;
		init(&fake, "{" SMALL "}", workers);
		struct crew *crew = crew_new(&fake, workers, SIZE_MAX, curve_flat);
		crew->shuffle = true;
		crew_work(crew);
		for (int64_t level = 3; level <= 15; level += 3)
			assert_true(crew_count(crew, 0, INT64_MAX, level) <= 10);
		assert_int_equal(crew_count(crew, 0, INT64_MAX, 3), 10);
		assert_int_equal(fake.view.counts.by_state[TRIAL_SUCCEEDED], 10);
		if (workers == 1) {
			assert_int_equal(crew->waits, 0);
			assert_int_equal(fake.view.n_trials, 18);
		}
		assert_true(fake.view.n_trials > 10 && fake.view.n_trials <= 18);
		check_lineage(&fake, 2, workers == 1);
		free(crew);
		fake_release(&fake);
	}
}

/* The least trained member comes first, copies before their originals; replaced ones never again.
 */
static void test_order(void **state)
{
	(void)state;
	struct fake fake;
	int64_t number;

	init(&fake, "{\"population_size\":4,\"interval\":2,\"max_resource\":6,\"fraction\":0.25}",
		1);
	for (int64_t i = 0; i < 4; i++) {
		assert_int_equal(fake_suggest(&fake, &number), 0);
		assert_int_equal(number, i);
		assert_true(fake.view.trials[i].resource == 2);
	}
	assert_int_equal(fake_suggest(&fake, NULL), CODE_WAIT);
	static const double loss[] = { 3, 1, 4, 2 };
	for (int64_t i = 0; i < 4; i++) {
		fake_report(&fake, i, 2, loss[i]);
		fake_pause(&fake, i);
	}
	fake.view.trials[1].checkpoint = "one";
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 4);
	const struct trial *copy = view_trial(&fake.view, 4);
	struct fork fork;
	assert_true(fork_read(copy, &fork));
	assert_int_equal(copy->parent, 1);
	assert_true(copy->resource == 4);
	assert_int_equal(fork.slot, 2);
	assert_int_equal(fork.start, 2);
	assert_int_equal(fork.checkpoint.size, 3);
	assert_memory_equal(fork.checkpoint.data, "one", 3);
	assert_int_equal(rung_reached(fake.view.spec, copy), 2);
	static const int64_t next[] = { 0, 1, 3 };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(fake_suggest(&fake, &number), 0);
		assert_int_equal(number, next[i]);
		assert_true(view_trial(&fake.view, number)->resource == 4);
	}
	assert_int_equal(fake_suggest(&fake, NULL), CODE_WAIT);
	/* The copy comes first at the next level: alone there, it goes on. */
	fake_report(&fake, 4, 4, 9);
	fake_pause(&fake, 4);
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 4);
	fake_observe(&fake, 4, 9);
	/* Its bad result at 4 counts among the others' there, and 2's is no longer anything. */
	for (size_t i = 0; i < 3; i++) {
		fake_report(&fake, next[i], 4, (double)next[i]);
		fake_pause(&fake, next[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(fake_suggest(&fake, &number), 0);
		assert_int_equal(number, next[i]);
		fake_observe(&fake, number, 0);
	}
	assert_int_equal(fake_suggest(&fake, NULL), CODE_EXHAUSTED);
	assert_int_equal(fake.view.trials[2].state, TRIAL_PAUSED);
	fake_release(&fake);
}

/* Equal results: nothing to copy. */
static double curve_same(const struct fake *fake, int64_t number, int64_t step)
{
	(void)fake;
	(void)number;
	(void)step;
	return 1;
}

static void test_ties(void **state)
{
	(void)state;
	struct fake fake;

	init(&fake, "{" SMALL "}", 1);
	struct crew *crew = crew_new(&fake, 3, SIZE_MAX, curve_same);
	crew_work(crew);
	assert_int_equal(fake.view.n_trials, 10);
	assert_int_equal(fake.view.counts.by_state[TRIAL_SUCCEEDED], 10);
	free(crew);
	fake_release(&fake);
}

/* No new numbers: those who are behind stay where they are, the others get to the end. */
static void test_numbers_spent(void **state)
{
	(void)state;
	for (int wait = 0; wait < 2; wait++) {
		struct fake fake;
		init(&fake, wait ? "{" SMALL ",\"generations\":true}" : "{" SMALL "}", 2);
		struct crew *crew = crew_new(&fake, 3, 12, curve_flat);
		crew_work(crew);
		assert_int_equal(fake.view.n_trials, 12);
		int64_t ended = fake.view.counts.by_state[TRIAL_SUCCEEDED];
		assert_true(ended >= 3 && ended < 10);
		assert_int_equal(fake.view.counts.by_state[TRIAL_PAUSED], 12 - ended);
		/* The best is among those that went to the end. */
		double best = HUGE_VAL, complete = HUGE_VAL;
		for (int64_t i = 0; i < 12; i++) {
			double x = fake_value(&fake, i, "x");
			best = fmin(best, x);
			if (fake.view.trials[i].state == TRIAL_SUCCEEDED)
				complete = fmin(complete, x);
		}
		assert_true(best == complete);
		free(crew);
		fake_release(&fake);
	}
	/* Not even the first members are all there. */
	struct fake fake;
	init(&fake, "{" SMALL "}", 2);
	struct crew *crew = crew_new(&fake, 3, 4, curve_flat);
	crew_work(crew);
	assert_int_equal(fake.view.n_trials, 4);
	assert_int_equal(fake.view.counts.by_state[TRIAL_SUCCEEDED], 4);
	free(crew);
	fake_release(&fake);
}

/* ---- what goes wrong ---- */

static double curve_nan(const struct fake *fake, int64_t number, int64_t step)
{
	return (double)NAN * curve_same(fake, number, step);
}

static double curve_broken_later(const struct fake *fake, int64_t number, int64_t step)
{
	return step > 6 ? HUGE_VAL : fake_value(fake, number, "x");
}

/* Failed members are replaced, not-a-numbers too, and whatever happens it comes to an end and
 * replays. */
static void test_failures_and_replay(void **state)
{
	(void)state;
	static curve_fn *const curves[] = { curve_failing, curve_dead, curve_nan,
		curve_broken_later };

	for (size_t c = 0; c < 8; c++) {
		struct fake fake;
		bool wait = c >= 4;
		init(&fake, wait ? "{" SMALL ",\"generations\":true}" : "{" SMALL "}", c);
		struct crew *crew = crew_new(&fake, 1 + c, 80, curves[c % 4]);
		crew->shuffle = true;
		rng_init(&crew->rng, 17, RNG_TEST, c);
		for (int i = 0; i < 40; i++) {
			while (crew->n_running < crew->workers && crew_take(crew) == 0)
				;
			if (i % 5 == 0) {
				check_fidelity_replay(&fake, false);
				check_fidelity_replay(&fake, true);
			}
			if (crew->n_running)
				crew_finish_one(crew);
		}
		crew_work(crew);
		if (curves[c % 4] == curve_failing) {
			/* One that breaks when nobody is short of the top any more is not replaced.
			 */
			assert_true(fake.view.counts.by_state[TRIAL_SUCCEEDED] >= 5);
			assert_true(fake.view.counts.by_state[TRIAL_FAILED] > 3);
		} else if (curves[c % 4] == curve_nan) {
			/* Nobody to copy from: all go on. */
			assert_int_equal(fake.view.counts.by_state[TRIAL_SUCCEEDED], 10);
		} else {
			assert_int_equal(fake.view.n_trials, 80);
		}
		for (size_t i = 0; i < fake.view.n_trials; i++) {
			const struct trial *trial = &fake.view.trials[i];
			const struct trial *parent = view_trial(&fake.view, trial->parent);
			struct fork fork;
			double loss;
			assert_true(fork_read(trial, &fork) && fork.slot < 10);
			if (parent)
				assert_true(
					has_result(parent, fork.start, &loss) && isfinite(loss));
		}
		free(crew);
		fake_release(&fake);
	}
}

static void pause_at(struct fake *fake, int64_t number, int64_t step, double loss)
{
	fake_report(fake, number, step, loss);
	fake_pause(fake, number);
}

/* Stopped early, lost, cancelled and retried members. */
static void test_fates(void **state)
{
	(void)state;
	struct fake fake;
	int64_t number;

	init(&fake, "{\"population_size\":5,\"interval\":2,\"max_resource\":6,\"fraction\":0}", 1);
	for (int64_t i = 0; i < 5; i++)
		assert_int_equal(fake_suggest(&fake, NULL), 0);
	pause_at(&fake, 0, 2, 1);
	fake_report(&fake, 1, 1, 5);
	fake_stop(&fake, 1);
	fake_expire(&fake, 2, true);
	fake_cancel(&fake, 3);
	fake_expire(&fake, 4, false);
	/* Three are replaced, by copies of the only one there is; 4 waits for a worker. */
	for (int64_t i = 5; i < 8; i++) {
		assert_int_equal(fake_suggest(&fake, &number), 0);
		assert_int_equal(number, i);
		assert_int_equal(fake.view.trials[i].parent, 0);
	}
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 0);
	assert_int_equal(fake_suggest(&fake, NULL), CODE_WAIT);
	/* A retry of one that was replaced is nobody's member: it runs, and is left where it
	 * pauses. */
	fake_retry(&fake, 1);
	fake_assign(&fake, 1);
	pause_at(&fake, 1, 2, 0);
	assert_int_equal(fake_suggest(&fake, NULL), CODE_WAIT);
	/* One that is retried before it is replaced stays. */
	fake_fail(&fake, 5);
	fake_retry(&fake, 5);
	assert_int_equal(fake_suggest(&fake, NULL), CODE_WAIT);
	fake_assign(&fake, 5);
	assert_int_equal(rung_reached(fake.view.spec, view_trial(&fake.view, 5)), 2);
	pause_at(&fake, 5, 4, 1);
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 5);
	fake_release(&fake);
}

/* ---- live edits ---- */

static void test_edits(void **state)
{
	(void)state;
	struct fake fake;
	int64_t number;

	init(&fake, "{\"population_size\":3,\"interval\":2,\"max_resource\":8,\"fraction\":0}", 1);
	for (int64_t i = 0; i < 3; i++) {
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		pause_at(&fake, i, 2, 1 + (double)i);
	}
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 0);
	pause_at(&fake, 0, 4, 1);
	/* A larger population: who comes late starts from somebody's state. */
	fake_edit(&fake, "{\"tuner\":{\"options\":{\"population_size\":4}}}");
	assert_int_equal(fake_check_replay(&fake), 0);
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 3);
	assert_int_equal(fake.view.trials[3].parent, 0);
	assert_int_equal(fork_start(&fake.view.trials[3]), 4);
	pause_at(&fake, 3, 6, 1);
	/* A smaller one: the others are left. */
	fake_edit(&fake, "{\"tuner\":{\"options\":{\"population_size\":2}}}");
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 1);
	pause_at(&fake, 1, 4, 2);
	/* Another interval: 4 is between two levels now. */
	fake_edit(&fake, "{\"tuner\":{\"options\":{\"interval\":3}}}");
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 0);
	assert_true(fake.view.trials[0].resource == 6);
	pause_at(&fake, 0, 6, 1);
	/* The end comes nearer. */
	fake_edit(&fake, "{\"tuner\":{\"options\":{\"max_resource\":6}}}");
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 1);
	fake_observe(&fake, 1, 1);
	assert_int_equal(fake_suggest(&fake, NULL), CODE_EXHAUSTED);
	/* And goes away again: 1 has ended, so a copy goes on. */
	fake_edit(&fake, "{\"tuner\":{\"options\":{\"max_resource\":9}}}");
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(number, 4);
	assert_int_equal(fake.view.trials[4].parent, 0);
	assert_int_equal(fake_check_replay(&fake), 0);
	fake_release(&fake);
}

/* The space loses points: their members are replaced by copies of those that are still in it. */
static void test_space_edit(void **state)
{
	(void)state;
	struct fake fake;
	size_t gone = 0;

	init(&fake, "{\"population_size\":8,\"interval\":2,\"max_resource\":8,\"fraction\":0}", 1);
	for (int64_t i = 0; i < 8; i++) {
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		pause_at(&fake, i, 2, fake_value(&fake, i, "x"));
	}
	fake_edit(&fake, "{\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0.4,1]}}}");
	for (size_t i = 0; i < 8; i++)
		gone += !fake.view.trials[i].x;
	assert_true(gone > 0 && gone < 8);
	struct crew *crew = crew_new(&fake, 2, SIZE_MAX, curve_flat);
	crew_work(crew);
	assert_int_equal(fake.view.n_trials, 8 + gone);
	for (size_t i = 8; i < fake.view.n_trials; i++) {
		assert_non_null(view_trial(&fake.view, fake.view.trials[i].parent)->x);
		assert_true(fake_value(&fake, (int64_t)i, "x") >= 0.4);
	}
	free(crew);
	/* None is left: the population begins again. */
	fake_edit(&fake, "{\"search_space\":{\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
			 "\"tuner\":{\"options\":{\"max_resource\":10}}}");
	int64_t number;
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(fake.view.trials[number].parent, -1);
	assert_true(fake.view.trials[number].resource == 2);
	fake_release(&fake);
}

/* Came from another tuner: not members. Seeds and customised trials neither. */
static void test_foreign(void **state)
{
	(void)state;
	struct fake fake;
	int64_t number;

	fake_init_tuner(&fake, "asha", "{\"max_resource\":9}", 1, LINE, NULL);
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	pause_at(&fake, 0, 1, 0);
	fake_seed(&fake, "{\"x\":0.5}", 0);
	fake_assign(&fake, fake_enqueue(&fake, "{\"x\":0.25}"));
	fake_observe(&fake, 2, 0);
	fake_edit(&fake, "{\"tuner\":{\"name\":\"pbt\",\"options\":{\"population_size\":2}}}");
	for (int64_t i = 3; i < 5; i++) {
		assert_int_equal(fake_suggest(&fake, &number), 0);
		assert_int_equal(number, i);
		assert_true(fake.view.trials[i].resource == 10);
	}
	assert_int_equal(fake_suggest(&fake, NULL), CODE_WAIT);
	/* And away again: what it forked goes on as any other. */
	pause_at(&fake, 3, 10, 0);
	pause_at(&fake, 4, 10, 1);
	fake_edit(&fake, "{\"tuner\":{\"name\":\"asha\"}}");
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	fake_release(&fake);
}

/* ---- spaces ---- */

static double curve_sum(const struct fake *fake, int64_t number, int64_t step)
{
	const struct trial *trial = view_trial(&fake->view, number);
	double sum = 0;

	(void)step;
	for (size_t i = 0; i < fake->view.spec->space->n; i++)
		sum += isnan(trial->x[i]) ? 0 : trial->x[i];
	return sum;
}

static void test_spaces(void **state)
{
	(void)state;
	static const struct {
		const char *space, *more;
	} spaces[] = {
		{ "{\"l\":{\"_type\":\"qloguniform\",\"_value\":[1,100,1]},\"n\":{\"_type\":"
		  "\"normal\",\"_value\":[0,2]},\"f\":{\"_type\":\"fixed\",\"_value\":7}}",
			NULL },
		/* Two draws in ten thousand are feasible. */
		{ "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		  "\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}",
			",\"parameter_constraints\":[\"x + y <= 0.02\"]" },
		/* Fewer points than members. */
		{ "{\"c\":{\"_type\":\"choice\",\"_value\":[1,2,3]}}", NULL },
		{ "{\"c\":{\"_type\":\"choice\",\"_value\":[\"only\"]}}", NULL },
		{ "{\"s1\":{\"_type\":\"choice\",\"_value\":[\"none\",\"A\",\"B\"]},"
		  "\"s2\":{\"_type\":\"choice\",\"_value\":[\"none\",\"A\",\"B\"]}}",
			",\"canonical\":{\"sequence\":[\"s1\",\"s2\"],\"ignore\":[\"none\"],"
			"\"ordered\":true,\"no_repeats\":true}" },
		{ "{\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"a\",\"k\":{\"_type\":"
		  "\"randint\",\"_value\":[0,9]}},{\"_name\":\"b\"}]},\"m\":{\"_type\":\"randint\","
		  "\"_value\":[0,9]}}",
			",\"parameter_constraints\":[\"op.k + m <= 9\"]" },
	};

	for (size_t s = 0; s < sizeof(spaces) / sizeof(spaces[0]); s++) {
		struct fake fake;
		fake_init_tuner(&fake, "pbt", "{" SMALL "}", s, spaces[s].space, spaces[s].more);
		const struct space *space = fake.view.spec->space;
		struct crew *crew = crew_new(&fake, 3, SIZE_MAX, curve_sum);
		crew_work(crew);
		assert_int_equal(fake.view.counts.by_state[TRIAL_SUCCEEDED], 10);
		for (size_t i = 0; i < fake.view.n_trials; i++) {
			const struct trial *trial = &fake.view.trials[i];
			assert_true(space_contains(space, trial->x));
			assert_true(space_feasible(space, trial->x));
			assert_true(space_canonical_ok(space, trial->x));
			if (trial->parent >= 0 && space->count != 1)
				assert_false(key_equal(
					&trial->key, &view_trial(&fake.view, trial->parent)->key));
		}
		free(crew);
		fake_release(&fake);
	}
}

static void test_seed_matters(void **state)
{
	(void)state;
	double x[2];

	for (uint64_t seed = 0; seed < 2; seed++) {
		struct fake fake;
		init(&fake, NULL, seed);
		assert_int_equal(fake_ask(&fake.view, &x[seed]), 0);
		fake_release(&fake);
	}
	assert_true(x[0] != x[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_asynchronous),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_ties),
		cmocka_unit_test(test_numbers_spent),
		cmocka_unit_test(test_failures_and_replay),
		cmocka_unit_test(test_fates),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_space_edit),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_spaces),
		cmocka_unit_test(test_seed_matters),
	};
	return cmocka_run_group_tests_name("pbt", tests, NULL, NULL);
}
