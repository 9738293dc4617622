/* The state of CMA-ES: folded alike from any history, restarted when it is done, kept from
 * freezing. */
#include "tests/unit/algorithms/cmaes_support.h"

#include "core/special.h"

static void test_replay(void **state)
{
	static const size_t pending[] = { 0, 3, 40 };

	(void)state;
	for (size_t p = 0; p < 3; p++) {
		struct fake fake;
		size_t answered = 0;

		fake_init_tuner(&fake, "cmaes", NULL, 7,
			"{\"a\":" UNIFORM ",\"b\":" INTEGERS ",\"c\":{\"_type\":\"loguniform\","
			"\"_value\":[1e-5,1]},\"d\":{\"_type\":\"bool\"}}",
			NULL);
		for (size_t i = 0; i < 200; i++) {
			assert_int_equal(fake_suggest(&fake, NULL), 0);
			if (i < pending[p])
				continue;
			/* Not in the order they were handed out, and some fail. */
			int64_t number = (int64_t)(answered ^ (pending[p] == 40 ? 1 : 0));
			if (answered % 7 == 3)
				fake_fail(&fake, number);
			else
				fake_observe(&fake, number, sphere(&fake, number));
			answered++;
			if (i % 9 == 0)
				check_pure(&fake, 4);
		}
		assert_true(tag_of(&fake, 199).generation > 1);
		fake_release(&fake);
	}
}

/* The 43 kB of 100 dimensions, in pieces; one trial's tag carries them for 26. */
static void test_state_in_tags(void **state)
{
	static const size_t dimensions[] = { 1, 26, 27, 40, 100 };

	(void)state;
	for (size_t k = 0; k < 5; k++) {
		size_t d = dimensions[k], popsize = 4 + (size_t)(3 * log((double)d));
		struct cmaes_model model;
		struct cmaes cmaes;
		struct arena arena;
		struct fake fake;

		fake_init_tuner(&fake, "cmaes", NULL, 7, box(d, UNIFORM), NULL);
		run(&fake, 3 * popsize, 0, sphere);
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		arena_init(&arena, 0);
		assert_true(load(&fake, &arena, &model, &cmaes));
		assert_int_equal(cmaes.head->generation, d <= 26 ? 3 : 2);
		check_pure(&fake, d);
		strip_states(&fake);
		assert_false(load(&fake, &arena, &model, &cmaes));
		arena_release(&arena);
		fake_release(&fake);
	}
}

/* Only ranks matter: the same proposals, bit for bit, for any increasing function of the values. */
static void test_monotone(void **state)
{
	struct fake plain, bent;

	(void)state;
	fake_init_tuner(&plain, "cmaes", NULL, 3, box(5, UNIFORM), NULL);
	fake_init_tuner(&bent, "cmaes", NULL, 3, box(5, UNIFORM), NULL);
	for (int64_t i = 0; i < 500; i++) {
		assert_int_equal(fake_suggest(&plain, NULL), 0);
		assert_int_equal(fake_suggest(&bent, NULL), 0);
		assert_memory_equal(
			plain.view.trials[i].x, bent.view.trials[i].x, 5 * sizeof(double));
		fake_observe(&plain, i, sphere(&plain, i));
		fake_observe(&bent, i, cbrt(sphere(&bent, i)) * 1e6 - 17);
	}
	assert_true(sphere(&plain, 499) < 1e-4);
	fake_release(&plain);
	fake_release(&bent);
}

static double never(const struct fake *fake, int64_t number)
{
	(void)fake;
	(void)number;
	return (double)NAN;
}

static void test_failures(void **state)
{
	struct fake fake;

	(void)state;
	/* A generation that failed altogether is drawn again from the same distribution. */
	fake_init_tuner(&fake, "cmaes", "{\"popsize\":6}", 4, box(3, UNIFORM), NULL);
	for (int64_t i = 0; i < 12; i++) {
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		if (i % 2)
			fake_fail(&fake, i);
		else
			fake_observe(&fake, i, never(&fake, i));
	}
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	struct arena arena;
	struct cmaes_model model;
	struct cmaes cmaes;
	arena_init(&arena, 0);
	assert_true(load(&fake, &arena, &model, &cmaes));
	assert_int_equal(cmaes.head->generation, 0);
	assert_int_equal(cmaes.head->results, 12);
	assert_true(cmaes.head->sigma == 0.167 && cmaes.mean[0] == 0.5);
	check_pure(&fake, 3);
	arena_release(&arena);
	fake_release(&fake);
	/* Half of the space fails: the other half is searched. */
	fake_init_tuner(&fake, "cmaes", NULL, 4, box(3, UNIFORM), NULL);
	double best = 100;
	for (int64_t i = 0; i < 300; i++) {
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		if (fake.view.trials[i].x[0] > 1.4) {
			fake_fail(&fake, i);
			continue;
		}
		fake_observe(&fake, i, sphere(&fake, i));
		best = fmin(best, sphere(&fake, i));
	}
	assert_true(best < 1e-5);
	fake_release(&fake);
}

static double level(const struct fake *fake, int64_t number)
{
	(void)fake;
	(void)number;
	return 3;
}

/* Nothing to find: runs end after 10 + 30 d / popsize generations, and the next are as restarts
 * says. */
static void test_restarts(void **state)
{
	static const char *const options[] = { "{\"restarts\":\"ipop\"}",
		"{\"restarts\":\"bipop\"}", "{\"restarts\":\"none\"}" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct cmaes_model model;
		struct cmaes cmaes;
		struct arena arena;
		struct fake fake;

		/* d 2, popsize 6: 20 generations without a difference, then one more */
		fake_init_tuner(&fake, "cmaes", options[i], 4, box(2, UNIFORM), NULL);
		run(&fake, 127, 0, level);
		assert_int_equal(tag_of(&fake, 125).run, 0);
		assert_int_equal(tag_of(&fake, 126).run, i == 2 ? 0 : 1);
		check_pure(&fake, 2);
		run(&fake, 1000, 0, level);
		check_pure(&fake, 2);
		arena_init(&arena, 0);
		assert_true(load(&fake, &arena, &model, &cmaes));
		if (i == 0) /* 21 of 6, 17 of 12, 14 of 24 = 666, 12 of 48 would take 1242 */
			assert_int_equal(cmaes.head->popsize, 48);
		if (i == 1) {
			assert_true(cmaes.head->run > 3);
			assert_true(cmaes.head->spent_small > 0);
			assert_in_range(cmaes.head->spent_small, 1,
				cmaes.head->spent_large + cmaes.head->spent_large / 2 + 48);
		}
		if (i == 2) {
			assert_int_equal(cmaes.head->frozen, 1);
			assert_int_equal(cmaes.head->generation, 21);
		}
		arena_release(&arena);
		fake_release(&fake);
	}
}

/* A run that finds the optimum of a narrow tolerance ends, and the next one starts elsewhere. */
static void test_converged(void **state)
{
	struct fake fake;
	uint32_t last = 0;

	(void)state;
	fake_init_tuner(&fake, "cmaes", "{\"tolerance\":1e-3}", 4, box(2, UNIFORM), NULL);
	run(&fake, 600, 0, sphere);
	for (size_t i = 1; i < 600; i++) {
		struct cmaes_tag tag = tag_of(&fake, i);
		if (tag.run == 1 && last == 0) {
			assert_true(sphere(&fake, (int64_t)i - 1) < 1e-2);
			assert_true(sphere(&fake, (int64_t)i) > 1e-2);
		}
		last = tag.run;
	}
	assert_true(last >= 1);
	fake_release(&fake);
}

/* The smallest probability, of all coordinates, to leave the step the mean is on, to a side where
 * there is one; in units of the margin 1 / (d popsize). */
static double least_escape(const struct cmaes *cmaes)
{
	const struct cmaes_model *model = cmaes->model;
	double least = 1;

	for (size_t i = 0; i < model->d; i++) {
		double low, high, mean = cmaes->mean[i];
		double deviation =
			cmaes->head->sigma * cmaes->width[i] * sqrt(cmaes_variance(cmaes, i));

		cmaes_step(model, i, mean, &low, &high);
		if (isfinite(low))
			least = fmin(least, normal_cdf((low - mean) / deviation));
		if (isfinite(high))
			least = fmin(least, normal_cdf((mean - high) / deviation));
	}
	return least * (double)model->d * (double)cmaes->head->popsize;
}

static double sphere_int(const struct fake *fake, int64_t number)
{
	const double *x = fake->view.trials[number].x;
	double sum = 0;

	for (size_t i = 0; i < fake->view.spec->space->n; i++)
		sum += (x[i] - 3) * (x[i] - 3);
	return sum;
}

static void test_margin(void **state)
{
	(void)state;
	for (int with = 0; with < 2; with++) {
		double least = 1;
		struct fake fake;

		fake_init_tuner(&fake, "cmaes",
			with ? "{\"restarts\":\"none\"}"
			     : "{\"restarts\":\"none\",\"margin\":false}",
			1, box(10, INTEGERS), NULL);
		for (int k = 0; k < 20; k++) {
			struct cmaes_model model;
			struct cmaes cmaes;
			struct arena arena;

			run(&fake, 30, 0, sphere_int);
			arena_init(&arena, 0);
			assert_true(load(&fake, &arena, &model, &cmaes));
			least = fmin(least, least_escape(&cmaes));
			arena_release(&arena);
		}
		/* Half of the margin on either side is what the update sees to. */
		if (with)
			assert_true(least > 0.45);
		else
			assert_true(least < 0.05);
		fake_release(&fake);
	}
}

/* Tags that are cut, from elsewhere or full of rubbish are ignored. */
static void test_bad_tags(void **state)
{
	static char rubbish[LIMIT_TAG];
	double x[4];
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "cmaes", NULL, 3, box(4, UNIFORM), NULL);
	run(&fake, 60, 0, sphere);
	for (size_t i = 0; i < 60; i++) {
		struct bytes *tag = &fake.view.trials[i].tag;

		memcpy(rubbish, tag->data, tag->size);
		for (size_t k = sizeof(struct cmaes_tag); k < sizeof(rubbish); k++)
			rubbish[k] = (char)(i % 3 ? 0xff : (char)(k * 7)); /* NaN; anything */
		tag->data = rubbish;
		tag->size = i % 4 == 0	 ? 3
			    : i % 4 == 1 ? 41
			    : i % 4 == 2 ? sizeof(rubbish)
					 : tag->size;
		assert_int_equal(fake_ask(&fake.view, x), 0);
		for (size_t k = 0; k < 4; k++)
			assert_true(x[k] >= -5 && x[k] <= 5);
	}
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_state_in_tags),
		cmocka_unit_test(test_monotone),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_converged),
		cmocka_unit_test(test_margin),
		cmocka_unit_test(test_bad_tags),
	};
	return cmocka_run_group_tests_name("cmaes_state", tests, NULL, NULL);
}
