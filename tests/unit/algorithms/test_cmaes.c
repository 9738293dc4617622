/* What CMA-ES promises whatever the problem; how well it searches is tests/quality's business. */
#include "tests/unit/algorithms/cmaes_support.h"

static void test_parallel(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "cmaes", NULL, 1, box(3, UNIFORM), NULL);
	run(&fake, 800, 64, sphere);
	for (size_t i = 0; i < 800; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(key_equal(&fake.view.trials[i].key, &fake.view.trials[j].key));
	/* A generation ends after popsize results, but not without one of its own. */
	uint32_t generations = tag_of(&fake, 799).generation;
	assert_in_range(generations, 800 / 80, 800 / 40);
	fake_release(&fake);
	fake_init_tuner(&fake, "cmaes", NULL, 1, box(3, UNIFORM), NULL);
	run(&fake, 141, 0, sphere);
	assert_int_equal(tag_of(&fake, 140).generation, 140 / 7);
	fake_release(&fake);
}

/* Strays of an earlier generation count, unless they lie far off; those of an earlier run never. */
static void test_strays(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "cmaes", NULL, 1, box(3, UNIFORM), NULL);
	for (int i = 0; i < 14; i++)
		assert_int_equal(fake_suggest(&fake, NULL), 0);
	for (int64_t i = 0; i < 7; i++)
		fake_observe(&fake, i, sphere(&fake, i));
	assert_int_equal(fake_suggest(&fake, NULL), 0); /* 14: of generation 1 */
	assert_int_equal(tag_of(&fake, 14).generation, 1);
	for (int64_t i = 7; i < 14; i++)
		fake_observe(&fake, i, sphere(&fake, i));
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	assert_int_equal(tag_of(&fake, 15).generation, 1);
	fake_observe(&fake, 14, sphere(&fake, 14));
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	assert_int_equal(tag_of(&fake, 16).generation, 2);
	fake_release(&fake);

	/* Trial 0 is out while the distribution shrinks, and then for a whole run. */
	for (int far = 0; far < 2; far++) {
		fake_init_tuner(&fake, "cmaes", "{\"tolerance\":1e-3}", 1, box(3, UNIFORM), NULL);
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		run(&fake, far ? 700 : 7 * 20, 0, sphere);
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		struct cmaes_tag before = tag_of(&fake, fake.view.n_trials - 1);
		assert_int_equal(before.run > 0, far);
		fake_observe(&fake, 0, -1);
		double with[3], without[3];
		fake_ask(&fake.view, with);
		fake.view.n_finished--;
		fake_ask(&fake.view, without);
		fake.view.n_finished++;
		assert_memory_equal(with, without, sizeof(with));
		fake_release(&fake);
	}
}

static void fill_finite(const char *space, size_t points)
{
	struct fake fake;

	fake_init_tuner(&fake, "cmaes", NULL, 5, space, NULL);
	assert_int_equal(fake_drain(&fake, 3, points, NULL), points);
	fake_release(&fake);
}

static void test_finite(void **state)
{
	(void)state;
	fill_finite("{\"a\":{\"_type\":\"randint\",\"_value\":[0,6]},\"b\":{\"_type\":\"bool\"},"
		    "\"c\":{\"_type\":\"ordinal\",\"_value\":[\"s\",\"m\",\"l\"]},"
		    "\"d\":{\"_type\":\"choice\",\"_value\":[\"on\",\"off\"]},"
		    "\"e\":{\"_type\":\"choice\",\"_value\":[1]},"
		    "\"f\":{\"_type\":\"quniform\",\"_value\":[1,11,2.5]}}",
		6 * 2 * 3 * 2 * 6);
	fill_finite("{\"a\":{\"_type\":\"choice\",\"_value\":[1]}}", 1);
}

/* Parameter constraints hold, and the search goes to the edge they make. */
static double distance_to_two(const struct fake *fake, int64_t number)
{
	const double *x = fake->view.trials[number].x;
	return hypot(x[0] - 2, x[1] - 2);
}

static void test_constraints(void **state)
{
	double best = 9;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "cmaes", NULL, 2, box(2, UNIFORM),
		",\"parameter_constraints\":[\"x0 + x1 <= 1\"]");
	run(&fake, 300, 2, distance_to_two);
	for (int64_t i = 0; i < 300; i++) {
		const double *x = fake.view.trials[i].x;
		assert_true(x[0] + x[1] <= 1);
		best = fmin(best, distance_to_two(&fake, i));
	}
	assert_true(best < 1.5 * sqrt(2) + 1e-3);
	fake_release(&fake);
}

/* An optimum in the corner is handed out exactly, and nothing outside ever is. */
static double towards_corner(const struct fake *fake, int64_t number)
{
	const double *x = fake->view.trials[number].x;
	return x[0] - x[1] + 2 * x[2];
}

static void test_bounds(void **state)
{
	double best = 9;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "cmaes", NULL, 2, box(3, UNIFORM), NULL);
	run(&fake, 300, 0, towards_corner);
	for (int64_t i = 0; i < 300; i++) {
		assert_true(space_contains(fake.view.spec->space, fake.view.trials[i].x));
		best = fmin(best, towards_corner(&fake, i));
	}
	assert_true(best == -20);
	fake_release(&fake);
}

/* Every type that has an order. */
static void test_types(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "cmaes", NULL, 2,
		"{\"qu\":{\"_type\":\"quniform\",\"_value\":[1,11,2.5]},"
		"\"lu\":{\"_type\":\"loguniform\",\"_value\":[1e-5,1]},"
		"\"qlu\":{\"_type\":\"qloguniform\",\"_value\":[1,100,1]},"
		"\"n\":{\"_type\":\"normal\",\"_value\":[0,2]},"
		"\"qn\":{\"_type\":\"qnormal\",\"_value\":[5,3,0.5]},"
		"\"ln\":{\"_type\":\"lognormal\",\"_value\":[0,1]},"
		"\"qln\":{\"_type\":\"qlognormal\",\"_value\":[1,1,0.25]},"
		"\"i\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":1000,\"log\":true}},"
		"\"f\":{\"_type\":\"fixed\",\"_value\":7}}",
		NULL);
	run(&fake, 600, 1, sphere);
	for (int64_t i = 0; i < 600; i++)
		assert_true(space_contains(fake.view.spec->space, fake.view.trials[i].x));
	fake_release(&fake);
}

/* The best of them is the first, at around. */
static void seed(struct fake *fake, int n, double around, double spread)
{
	char text[96];

	for (int i = 0; i < n; i++) {
		double x = around + spread * sin(7.0 * i), y = around + spread * sin(5.0 * i);
		(void)snprintf(text, sizeof(text), "{\"x0\":%.9f,\"x1\":%.9f}", x, y);
		fake_seed(fake, text, hypot(x - around, y - around));
	}
}

/* Mean of n proposals, and their largest distance from it. */
static void sample(struct fake *fake, size_t n, double mean[2], double *spread)
{
	size_t first = fake->view.n_trials;

	mean[0] = mean[1] = *spread = 0;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fake_suggest(fake, NULL), 0);
	for (size_t i = first; i < first + n; i++)
		for (int k = 0; k < 2; k++)
			mean[k] += fake->view.trials[i].x[k] / (double)n;
	for (size_t i = first; i < first + n; i++) {
		const double *x = fake->view.trials[i].x;
		*spread = fmax(*spread, hypot(x[0] - mean[0], x[1] - mean[1]));
	}
}

static void test_warm_start(void **state)
{
	static const struct {
		const char *options;
		int seeds;
		double centre, low, high; /* of the proposals, and of their spread */
	} cases[] = {
		{ "{\"warm_start\":\"none\"}", 100, 0, 2.5, 9 },
		{ "{}", 100, -2, 1.5, 5 }, /* deviation about 1 of 10 */
		{ "{}", 3, -2, 2.5, 9 },   /* too few to say how wide */
		{ "{}", 0, 0, 2.5, 9 },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		double mean[2], spread;
		struct fake fake;

		fake_init_tuner(&fake, "cmaes", cases[i].options, 3, box(2, UNIFORM), NULL);
		seed(&fake, cases[i].seeds, -2, 1.5);
		sample(&fake, 80, mean, &spread);
		assert_true(fabs(mean[0] - cases[i].centre) < 0.75);
		assert_true(fabs(mean[1] - cases[i].centre) < 0.75);
		assert_true(spread > cases[i].low && spread < cases[i].high);
		/* What is learnt about the start later does not change it. */
		seed(&fake, 20, 3, 0.1);
		sample(&fake, 80, mean, &spread);
		assert_true(fabs(mean[0] - cases[i].centre) < 0.75);
		check_pure(&fake, 2);
		fake_release(&fake);
	}
}

/* Another space or other options are another search, which starts from what was found. */
static void test_edits(void **state)
{
	static const char *const patches[] = {
		"{\"search_space\":{\"x0\":{\"_type\":\"uniform\",\"_value\":[-10,6]},"
		"\"x1\":" UNIFORM "}}",
		"{\"tuner\":{\"name\":\"cmaes\",\"options\":{\"popsize\":20},\"seed\":3}}",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		double mean[2], spread;
		struct fake fake;

		fake_init_tuner(&fake, "cmaes", NULL, 3, box(2, UNIFORM), NULL);
		run(&fake, 120, 3, sphere);
		fake_edit(&fake, patches[i]);
		check_pure(&fake, 2);
		sample(&fake, 60, mean, &spread);
		assert_true(fabs(mean[0] - 1.3) < 0.75 && fabs(mean[1] - 1.3) < 0.75);
		assert_true(spread > 0.5); /* not as narrow as it had become */
		struct cmaes_tag tag = tag_of(&fake, 120);
		assert_int_equal(tag.generation, 0);
		assert_true(tag.start > 0);
		check_pure(&fake, 2);
		fake_release(&fake);
	}
}

static void expect_fault(const char *options, const char *space, const char *text)
{
	const struct path at = { NULL, "tuner", 0 };
	static struct faults faults;
	struct fake fake;

	faults_init(&faults);
	fake_init_tuner(&fake, "cmaes", options, 1, space, NULL);
	tuner_cmaes.check(fake.view.spec, &at, &faults);
	assert_int_equal(faults.n, text ? 1 : 0);
	if (text)
		assert_non_null(strstr(faults.items[0].message, text));
	fake_release(&fake);
}

static void test_check(void **state)
{
	(void)state;
	assert_int_equal(tuner_cmaes.algorithm.caps & (TUNER_NESTED | TUNER_MULTI_OBJECTIVE), 0);
	expect_fault(NULL, box(100, UNIFORM), NULL);
	expect_fault(NULL, box(101, UNIFORM), "100 parameters at most");
	expect_fault(NULL,
		"{\"x\":" UNIFORM ",\"c\":{\"_type\":\"choice\",\"_value\":[1,2,3]},"
		"\"e\":{\"_type\":\"choice\",\"_value\":[1,2,3]}}",
		"options of c have");
	expect_fault(NULL,
		"{\"c\":{\"_type\":\"choice\",\"_value\":[1,2]},\"b\":{\"_type\":\"bool\"}}", NULL);
	expect_fault("{\"popsize\":3}", box(2, UNIFORM), "at least 4");
	expect_fault("{\"popsize\":4}", box(2, UNIFORM), NULL);
}

/* Short of memory at any place: said so, and nothing else happens. */
static void test_memory(void **state)
{
	bool done = false;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "cmaes", NULL, 3, box(12, UNIFORM), NULL);
	run(&fake, 33, 0, sphere);
	strip_states(&fake);
	for (size_t limit = 256; !done; limit += 512) {
		double x[12];
		struct proposal proposal = { .x = x, .parent = -1 };
		struct error err = { 0 };
		struct arena arena;
		struct rng rng;

		arena_init(&arena, limit);
		rng_init(&rng, 3, RNG_SUGGEST, 33);
		int code = tuner_cmaes.ask(
			&(struct knowledge){ .view = &fake.view }, &rng, &arena, &proposal, &err);
		assert_true(code == 0 || code == CODE_NO_MEMORY);
		assert_int_equal(err.code, code);
		done = code == 0;
		assert_true(limit < 1 << 20);
		arena_release(&arena);
	}
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_strays),
		cmocka_unit_test(test_finite),
		cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_warm_start),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests_name("cmaes", tests, NULL, NULL);
}
