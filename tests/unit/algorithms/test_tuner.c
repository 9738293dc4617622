/* What every tuner promises: tests that run over all of them, and tuner_ask. */
/* before cmocka.h, whose macro fail() is not our function */
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The tuners that can do nested finite and continuous spaces, several settings of some. */
static const struct {
	const char *name, *options;
} tuners[] = {
	{ "random", NULL },
	{ "sobol", NULL },
	{ "gridsearch", NULL },
	{ "evolution", "{\"population_size\":8}" },
	{ "evolution", "{\"population_size\":8,\"selection\":\"pair\"}" },
	{ "evolution", "{\"population_size\":8,\"survival\":\"best\",\"crossover\":0.5}" },
	{ "nsga2", "{\"population_size\":8}" },
	{ "nsga3", "{\"population_size\":8}" },
	{ "anneal", "{\"startup\":5}" },
	{ "tpe", NULL },
	/* One rung only: what is promoted is no new trial, and has its own tests. */
	{ "hyperband", "{\"max_resource\":1}" },
	{ "hyperband", "{\"max_resource\":1,\"sampler\":\"sobol\"}" },
	{ "asha", "{\"max_resource\":1}" },
	{ "pasha", "{\"max_resource\":1}" },
	{ "bohb", "{\"max_resource\":1}" },
	{ "dehb", "{\"max_resource\":1}" },
	{ "smac", "{\"n_startup\":5}" },
	{ "gp", NULL },
	{ "trustregion", NULL },
	{ "trustregion", "{\"startup\":3,\"radius_min\":0.1}" },
	{ "auto", NULL },
	{ "gp", "{\"n_startup\":4,\"max_points\":64,\"trust_mask\":true}" },
};

#define TUNERS (sizeof(tuners) / sizeof(tuners[0]))

/* 5 points with op b; with op a, k + m <= 4 leaves 9 of 15, times 5 for deep: 50. */
static const char nested[] =
	"{\"op\":{\"_type\":\"choice\",\"_value\":["
	"  {\"_name\":\"a\",\"k\":{\"_type\":\"choice\",\"_value\":[1,2,3]},"
	"   \"deep\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"x\"},"
	"      {\"_name\":\"y\",\"z\":{\"_type\":\"randint\",\"_value\":[0,4]}}]}},"
	"  {\"_name\":\"b\"}]},"
	" \"one\":{\"_type\":\"choice\",\"_value\":[\"only\"]},"
	" \"m\":{\"_type\":\"randint\",\"_value\":[0,5]}}";
static const char nested_constraints[] = ",\"parameter_constraints\":[\"op.k + m <= 4\"]";
#define NESTED_ALL	80
#define NESTED_FEASIBLE 50

/* Every type, nested, with a single value here and there. */
static const char mixed[] =
	"{\"c\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\"]},"
	" \"r\":{\"_type\":\"randint\",\"_value\":[-3,4]},"
	" \"u\":{\"_type\":\"uniform\",\"_value\":[-1,2]},"
	" \"qu\":{\"_type\":\"quniform\",\"_value\":[1,11,2.5]},"
	" \"lu\":{\"_type\":\"loguniform\",\"_value\":[1e-5,1]},"
	" \"qlu\":{\"_type\":\"qloguniform\",\"_value\":[1,100,1]},"
	" \"n\":{\"_type\":\"normal\",\"_value\":[0,2]},"
	" \"qn\":{\"_type\":\"qnormal\",\"_value\":[5,3,0.5]},"
	" \"ln\":{\"_type\":\"lognormal\",\"_value\":[0,1]},"
	" \"qln\":{\"_type\":\"qlognormal\",\"_value\":[1,1,0.25]},"
	" \"i\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":1000,\"log\":true}},"
	" \"o\":{\"_type\":\"ordinal\",\"_value\":[\"s\",\"m\",\"l\"]},"
	" \"b\":{\"_type\":\"bool\"},"
	" \"f\":{\"_type\":\"fixed\",\"_value\":7},"
	" \"net\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"none\"},"
	"   {\"_name\":\"one\",\"w\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
	"    \"in\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"p\","
	"      \"v\":{\"_type\":\"normal\",\"_value\":[1,1]}},{\"_name\":\"q\"}]}}]}}";

static double sum_of(const struct space *space, const double *x)
{
	double sum = 0;

	for (size_t i = 0; i < space->n; i++)
		if (!isnan(x[i]))
			sum += fabs(x[i] - 1);
	return sum;
}

static void test_catalogue(void **state)
{
	(void)state;
	size_t n = 0;

	for (; tuner_algorithms[n]; n++) {
		const struct algorithm *algorithm = tuner_algorithms[n];
		struct option_set set;

		assert_ptr_equal(&tuner_of(algorithm)->algorithm, algorithm);
		assert_non_null(tuner_of(algorithm)->ask);
		assert_non_null(algorithm->summary);
		assert_ptr_equal(catalog_find(tuner_algorithms, algorithm->name), algorithm);
		for (const char *c = algorithm->name; *c; c++)
			assert_true((*c >= 'a' && *c <= 'z') || *c == '_' ||
				    (*c >= '0' && *c <= '9' && c > algorithm->name));
		options_init(&set, algorithm->options); /* asserts that defaults are in bounds */
		for (size_t i = 0; i < set.n; i++) {
			assert_non_null(algorithm->options[i].help);
			assert_true(strlen(algorithm->options[i].help) > 10);
		}
	}
	assert_int_equal(n, 21);
	static const char *const nni[] = { "Random", "GridSearch", "Batch", "Evolution", "Anneal",
		"TPE", "GP", "Metis", "SMAC", "Hyperband", "BOHB", "PBT" };
	for (size_t i = 0; i < sizeof(nni) / sizeof(nni[0]); i++)
		assert_non_null(catalog_find(tuner_algorithms, nni[i]));
}

/* A finite space: every point once, then exhausted; with constraints only the feasible ones. */
static void test_exactly_once(void **state)
{
	(void)state;
	for (size_t t = 0; t < TUNERS; t++) {
		for (size_t pending = 0; pending <= 4; pending += 4) {
			struct fake fake;

			fake_init_tuner(&fake, tuners[t].name, tuners[t].options, 3 + t, nested,
				nested_constraints);
			assert_int_equal(fake.view.spec->space->count, NESTED_ALL);
			assert_int_equal(fake_drain(&fake, pending, NESTED_FEASIBLE, sum_of),
				NESTED_FEASIBLE);
			assert_int_equal(fake_check_replay(&fake), CODE_EXHAUSTED);
			fake_release(&fake);
		}
	}
}

/* Ignored steps and repeats: "", A, B, AB, BA are all there is. */
static void test_canonical(void **state)
{
	(void)state;
	static const char space[] =
		"{\"s1\":{\"_type\":\"choice\",\"_value\":[\"none\",\"A\",\"B\"]},"
		" \"s2\":{\"_type\":\"choice\",\"_value\":[\"none\",\"A\",\"B\"]},"
		" \"s3\":{\"_type\":\"choice\",\"_value\":[\"none\",\"A\",\"B\"]}}";
	static const char canonical[] =
		",\"canonical\":{\"sequence\":[\"s1\",\"s2\",\"s3\"],\"ignore\":[\"none\"],"
		"\"ordered\":true,\"no_repeats\":true}";

	for (size_t t = 0; t < TUNERS; t++) {
		struct fake fake;

		fake_init_tuner(&fake, tuners[t].name, tuners[t].options, t, space, canonical);
		assert_int_equal(fake_drain(&fake, 1, 5, sum_of), 5);
		fake_release(&fake);
	}
}

/* Seeds and customised trials count as seen, whatever became of them. */
static void test_foreign_trials(void **state)
{
	(void)state;
	for (size_t t = 0; t < TUNERS; t++) {
		struct fake fake;

		fake_init_tuner(
			&fake, tuners[t].name, tuners[t].options, 11, nested, nested_constraints);
		fake_seed(&fake, "{\"op\":{\"_name\":\"b\"},\"one\":\"only\",\"m\":0}", 0.0);
		fake_seed(
			&fake, "{\"op\":{\"_name\":\"b\"},\"one\":\"only\",\"m\":1}", (double)NAN);
		int64_t custom = fake_enqueue(&fake,
			"{\"op\":{\"_name\":\"a\",\"k\":2,\"deep\":{\"_name\":\"y\",\"z\":3}},"
			"\"one\":\"only\",\"m\":2}");
		fake_assign(&fake, custom);
		fake_observe(&fake, custom, -1.0);
		assert_int_equal(fake_drain(&fake, 2, 47, sum_of), 47);
		fake_release(&fake);
	}
}

/* One of each fate; the tuner goes on, and replays. */
static void answer_by_turns(struct fake *fake, int64_t number, double value)
{
	switch (number % 9) {
	case 0:
		fake_fail(fake, number);
		break;
	case 1:
		fake_observe(fake, number, (double)NAN);
		break;
	case 2:
		fake_observe(fake, number, (double)INFINITY);
		break;
	case 3:
		fake_report(fake, number, 0, value);
		fake_stop(fake, number);
		break;
	case 4:
		fake_cancel(fake, number);
		break;
	case 5:
		fake_report(fake, number, 0, value);
		fake_pause(fake, number);
		break;
	default:
		fake_observe(fake, number, value);
	}
}

static void test_mixed_space(void **state)
{
	(void)state;
	for (size_t t = 0; t < TUNERS; t++) {
		struct fake fake;

		fake_init_tuner(&fake, tuners[t].name, tuners[t].options, 5, mixed,
			",\"parameter_constraints\":[\"u + net.w <= 2\"]");
		for (int i = 0; i < 120; i++) {
			const struct space *space = fake.view.spec->space;
			int64_t number;

			if (i % 15 == 14)
				assert_int_equal(fake_check_replay(&fake), 0);
			assert_int_equal(fake_suggest(&fake, &number), 0);
			const struct trial *trial = view_trial(&fake.view, number);
			assert_true(space_contains(space, trial->x));
			assert_true(space_feasible(space, trial->x));
			for (int64_t j = 0; j < number; j++)
				assert_false(
					key_equal(&view_trial(&fake.view, j)->key, &trial->key));
			if (number >= 3) {
				int64_t done = number - 3;
				answer_by_turns(&fake, done,
					sum_of(space, view_trial(&fake.view, done)->x));
			}
		}
		fake_release(&fake);
	}
}

/* Everything failed: every tuner still proposes. */
static void test_all_failed(void **state)
{
	(void)state;
	for (size_t t = 0; t < TUNERS; t++) {
		struct fake fake;

		fake_init_tuner(&fake, tuners[t].name, tuners[t].options, 5, mixed, NULL);
		for (int i = 0; i < 40; i++) {
			int64_t number;

			assert_int_equal(fake_suggest(&fake, &number), 0);
			fake_fail(&fake, number);
		}
		assert_int_equal(fake_check_replay(&fake), 0);
		fake_release(&fake);
	}
}

/* The space changes under the tuner: old points that fit are history, others are not. */
static void test_live_edit(void **state)
{
	(void)state;
	for (size_t t = 0; t < TUNERS; t++) {
		struct fake fake;

		fake_init_tuner(&fake, tuners[t].name, tuners[t].options, 5,
			"{\"a\":{\"_type\":\"choice\",\"_value\":[1,2,3]},"
			"\"b\":{\"_type\":\"randint\",\"_value\":[0,6]}}",
			NULL);
		for (int i = 0; i < 12; i++) {
			int64_t number;

			assert_int_equal(fake_suggest(&fake, &number), 0);
			if (i % 3)
				fake_observe(&fake, number, i);
		}
		fake_edit(&fake,
			"{\"search_space\":{\"a\":{\"_type\":\"choice\",\"_value\":[2,3,4]},"
			"\"b\":{\"_type\":\"randint\",\"_value\":[0,4]}}}");
		size_t known = 0;
		for (size_t i = 0; i < fake.view.n_trials; i++)
			known += fake.view.trials[i].x != NULL;
		assert_true(known > 0 && known < 12);
		assert_int_equal(fake_check_replay(&fake), 0);
		for (size_t i = 0; i < fake.view.n_trials; i++)
			if (trial_pending(&fake.view.trials[i]))
				fake_observe(&fake, (int64_t)i, 1.0);
		assert_int_equal(fake_drain(&fake, 2, 12 - known, sum_of), 12 - known);
		fake_release(&fake);
	}
}

/* Two draws in ten thousand are feasible; redraws alone would not find one. */
static void test_tight_constraint(void **state)
{
	(void)state;
	for (size_t t = 0; t < TUNERS; t++) {
		struct fake fake;

		if (strcmp(tuners[t].name, "gridsearch") == 0)
			continue; /* walks to it: below */
		fake_init_tuner(&fake, tuners[t].name, tuners[t].options, 5,
			"{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			"\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}",
			",\"parameter_constraints\":[\"x + y <= 0.02\"]");
		for (int i = 0; i < 12; i++) {
			int64_t number;

			assert_int_equal(fake_suggest(&fake, &number), 0);
			assert_true(
				fake_value(&fake, number, "x") + fake_value(&fake, number, "y") <=
				0.02);
			fake_observe(&fake, number, i);
		}
		fake_release(&fake);
	}
}

/* A finite space too large to be walked whole, with few feasible points, found all the same. */
static void test_large_finite_space(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "random", NULL, 5,
		"{\"i\":{\"_type\":\"randint\",\"_value\":[0,9000000]}}",
		",\"parameter_constraints\":[\"i < 2000\"]");
	for (int i = 0; i < 20; i++) {
		int64_t number;

		assert_int_equal(fake_suggest(&fake, &number), 0);
		assert_true(fake_value(&fake, number, "i") < 2000);
		fake_observe(&fake, number, 0);
	}
	fake_release(&fake);
}

/* One point is a space too. */
static void test_single_point(void **state)
{
	(void)state;
	for (size_t t = 0; t < TUNERS; t++) {
		struct fake fake;

		fake_init_tuner(&fake, tuners[t].name, tuners[t].options, 5,
			"{\"x\":{\"_type\":\"choice\",\"_value\":[\"only\"]}}", NULL);
		assert_int_equal(fake_drain(&fake, 0, 1, NULL), 1);
		fake_release(&fake);
	}
}

/* The proposal for a trial depends on the history and the number, not on what was asked before; an
 * other seed gives others. */
static void test_seed_matters(void **state)
{
	(void)state;
	for (size_t t = 0; t < TUNERS; t++) {
		double x[2][64];
		struct fake fake;

		if (strcmp(tuners[t].name, "gridsearch") == 0)
			continue;
		for (uint64_t seed = 0; seed < 2; seed++) {
			fake_init_tuner(
				&fake, tuners[t].name, tuners[t].options, seed, mixed, NULL);
			assert_true(fake.view.spec->space->n <= 64);
			assert_int_equal(fake_ask(&fake.view, x[seed]), 0);
			fake_release(&fake);
		}
		assert_true(x[0][2] != x[1][2]); /* u */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_catalogue),
		cmocka_unit_test(test_exactly_once),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_foreign_trials),
		cmocka_unit_test(test_mixed_space),
		cmocka_unit_test(test_all_failed),
		cmocka_unit_test(test_live_edit),
		cmocka_unit_test(test_tight_constraint),
		cmocka_unit_test(test_large_finite_space),
		cmocka_unit_test(test_single_point),
		cmocka_unit_test(test_seed_matters),
	};
	return cmocka_run_group_tests_name("tuner", tests, NULL, NULL);
}
