#include "algorithms/tuners/evolution_vary.h"
#include "algorithms/tuners/sobol.h"
#include "algorithms/tuners/tuner_rank.h"
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char plane[] = "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			    "\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}";

static const char nested[] =
	"{\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"none\"},"
	"{\"_name\":\"a\",\"k\":{\"_type\":\"choice\",\"_value\":[1,2,3]},"
	"\"w\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
	"{\"_name\":\"b\",\"k\":{\"_type\":\"choice\",\"_value\":[1,2,3]}}]},"
	"\"one\":{\"_type\":\"fixed\",\"_value\":3},"
	"\"c\":{\"_type\":\"choice\",\"_value\":[1,2,3,4]},"
	"\"i\":{\"_type\":\"randint\",\"_value\":[0,3]},"
	"\"n\":{\"_type\":\"normal\",\"_value\":[0,1]},"
	"\"q\":{\"_type\":\"qnormal\",\"_value\":[0,1,1]},"
	"\"l\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":4096,\"log\":true}}}";

/* Parameters active in both points that differ. */
static size_t differences(size_t n, const double *a, const double *b)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += !isnan(a[i]) && !isnan(b[i]) && a[i] != b[i];
	return sum;
}

/* Exactly one parameter changes, whatever the space; what it switches on is drawn, what it switches
 * off is gone. */
static void test_mutate(void **state)
{
	(void)state;
	const struct vary vary = { .eta = 20, .jump = 0.2 };
	double x[16], y[16];
	int options[4] = { 0 };
	struct fake fake;
	struct rng rng;

	fake_init_tuner(&fake, "random", NULL, 1, nested, NULL);
	const struct space *space = fake.view.spec->space;
	int c = space_find(space, "c");
	assert_true(space->n <= 16 && c > 0);
	rng_init(&rng, 4, RNG_TEST, 0);
	for (int i = 0; i < 3000; i++) {
		space_sample(space, &rng, x);
		x[c] = 1;
		memcpy(y, x, sizeof(y));
		assert_true(vary_mutate(&vary, space, &rng, y));
		assert_true(space_contains(space, y));
		assert_int_equal(differences(space->n, x, y), 1);
		if (x[0] == y[0])
			for (size_t j = 0; j < space->n; j++)
				assert_true(isnan(x[j]) == isnan(y[j]));
		options[(int)y[c]] += y[c] != x[c];
	}
	/* The other options of c alike; six to eight parameters share the mutations. */
	for (int k = 0; k < 4; k++)
		assert_true(k == 1 ? options[k] == 0 : options[k] > 110 && options[k] < 210);
	fake_release(&fake);
}

/* Steps are small, on both sides, and inside; with jump 1 they are anywhere. */
static void test_mutation_steps(void **state)
{
	(void)state;
	const struct vary small = { .eta = 20, .jump = 0 }, jump = { .eta = 20, .jump = 1 };
	int up = 0, near = 0, far = 0;
	struct fake fake;
	struct rng rng;

	fake_init_tuner(
		&fake, "random", NULL, 1, "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}", NULL);
	rng_init(&rng, 4, RNG_TEST, 0);
	for (int i = 0; i < 4000; i++) {
		double x = 0.5, edge = i % 2 ? 0.001 : 1, anywhere = 0.5;

		assert_true(vary_mutate(&small, fake.view.spec->space, &rng, &x));
		up += x > 0.5;
		/* At the middle P(|step| < s) = (1 - (1 - s)^21) / (1 - 2^-21). */
		near += fabs(x - 0.5) < 0.05;
		assert_true(vary_mutate(&small, fake.view.spec->space, &rng, &edge));
		assert_true(edge >= 0 && edge <= 1);
		assert_true(vary_mutate(&jump, fake.view.spec->space, &rng, &anywhere));
		far += fabs(anywhere - 0.5) > 0.25;
	}
	assert_true(fabs(up - 2000.0) < 4 * sqrt(1000));
	assert_true(fabs(near / 4000.0 - (1 - pow(0.95, 21))) < 0.04);
	assert_true(fabs(far - 2000.0) < 4 * sqrt(1000));
	fake_release(&fake);
}

static void test_nothing_to_mutate(void **state)
{
	(void)state;
	const struct vary vary = { .eta = 20, .jump = 0.2 };
	double x = 0;
	struct fake fake;
	struct rng rng;

	fake_init_tuner(&fake, "random", NULL, 1,
		"{\"x\":{\"_type\":\"choice\",\"_value\":[\"only\"]}}", NULL);
	rng_init(&rng, 4, RNG_TEST, 0);
	assert_false(vary_mutate(&vary, fake.view.spec->space, &rng, &x));
	assert_true(x == 0);
	fake_release(&fake);
}

/* Values come from the parents, about half from each; nested ones with their branch. */
static void test_cross(void **state)
{
	(void)state;
	double a[16], b[16], x[16];
	int from_a = 0, from_b = 0;
	struct fake fake;
	struct rng rng;

	fake_init_tuner(&fake, "random", NULL, 1, nested, NULL);
	const struct space *space = fake.view.spec->space;
	rng_init(&rng, 4, RNG_TEST, 0);
	for (int i = 0; i < 2000; i++) {
		space_sample(space, &rng, a);
		space_sample(space, &rng, b);
		vary_cross(space, &rng, a, b, x);
		assert_true(space_contains(space, x));
		for (size_t j = 0; j < space->n; j++) {
			if (isnan(x[j]))
				continue;
			/* No branch of op opens without a parent who took it. */
			assert_true(x[j] == a[j] || x[j] == b[j]);
			from_a += x[j] == a[j] && x[j] != b[j];
			from_b += x[j] == b[j] && x[j] != a[j];
		}
	}
	assert_true(fabs((double)(from_a - from_b)) < 4 * sqrt((double)(from_a + from_b)));
	fake_release(&fake);
}

static void test_rank(void **state)
{
	(void)state;
	struct rank ranks[64], sorted[64];
	struct fake fake;
	struct rng rng;

	fake_init_tuner(&fake, "random", NULL, 1, plane, NULL);
	for (int i = 0; i < 5; i++)
		assert_int_equal(fake_suggest(&fake, NULL), 0);
	fake_fail(&fake, 0);
	fake_report(&fake, 1, 0, -5);
	fake_stop(&fake, 1);
	fake_observe(&fake, 2, 3);
	fake_observe(&fake, 3, 2);
	fake_observe(&fake, 4, (double)NAN);
	for (size_t i = 0; i < 5; i++)
		ranks[i] = rank_of(&fake.view, &fake.view.trials[i]);
	rank_select(ranks, 5, 5);
	const uint32_t best_first[] = { 3, 2, 1, 0, 4 };
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(ranks[i].number, best_first[i]);
	fake_release(&fake);

	/* A selection is the front of the sorted whole, and loses nobody. */
	rng_init(&rng, 1, RNG_TEST, 0);
	for (size_t k = 0; k <= 70; k += 7) {
		bool there[64] = { false };

		for (uint32_t i = 0; i < 64; i++)
			ranks[i] = (struct rank){ (enum rank_tier)rng_below(&rng, 4),
				(double)rng_below(&rng, 10), i };
		memcpy(sorted, ranks, sizeof(sorted));
		rank_select(sorted, 64, 64);
		for (size_t i = 1; i < 64; i++)
			assert_true(rank_better(&sorted[i - 1], &sorted[i]));
		rank_select(ranks, 64, k);
		for (size_t i = 0; i < 64; i++) {
			if (i < k)
				assert_int_equal(ranks[i].number, sorted[i].number);
			assert_false(there[ranks[i].number]);
			there[ranks[i].number] = true;
		}
	}
}

/* Breaking an outcome constraint is worse than any feasible result, the more so the more. */
static void test_rank_constraint(void **state)
{
	(void)state;
	struct rank ranks[3];
	struct fake fake;

	fake_init(&fake,
		"{\"name\":\"t\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
		"\"objectives\":[{\"name\":\"loss\",\"goal\":\"minimize\"}],"
		"\"constraints\":[{\"metric\":\"loss\",\"min\":0}],"
		"\"tuner\":{\"name\":\"evolution\",\"seed\":1}}");
	for (int i = 0; i < 3; i++)
		assert_int_equal(fake_suggest(&fake, NULL), 0);
	fake_observe(&fake, 0, -9);
	fake_observe(&fake, 1, -1);
	fake_observe(&fake, 2, 100);
	for (size_t i = 0; i < 3; i++)
		ranks[i] = rank_of(&fake.view, &fake.view.trials[i]);
	rank_select(ranks, 3, 3);
	assert_int_equal(ranks[0].number, 2);
	assert_int_equal(ranks[1].number, 1);
	assert_int_equal(ranks[2].number, 0);
	fake_release(&fake);
}

/* How many of the first 120 trials are Sobol points: the size of the first generation. */
static size_t first_generation(const char *options, const char *more)
{
	size_t n = 0;
	struct fake fake;

	fake_init_tuner(&fake, "evolution", options, 17, plane, more);
	for (int64_t i = 0; i < 120; i++) {
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		if (n == (size_t)i &&
			fabs(fake_value(&fake, i, "x") - sobol_point(17, 0, (uint64_t)i)) < 1e-15 &&
			view_trial(&fake.view, i)->parent < 0)
			n++;
		fake_observe(&fake, i, fake_value(&fake, i, "x"));
	}
	fake_release(&fake);
	return n;
}

static void test_population_size(void **state)
{
	(void)state;
	assert_int_equal(first_generation(NULL, NULL), 32);
	assert_int_equal(first_generation("{\"population_size\":7}", NULL), 7);
	assert_int_equal(first_generation(NULL, ",\"limits\":{\"max_trials\":99}"), 20);
	assert_int_equal(first_generation(NULL, ",\"limits\":{\"max_trials\":200}"), 40);
	assert_int_equal(first_generation(NULL, ",\"limits\":{\"max_trials\":100000}"), 100);
}

/* Parents with a tournament over everybody: the best of the population, which is the last five with
 * age, and the best five with best. */
static void test_survival(void **state)
{
	(void)state;
	static const char *const survival[] = { "age", "best" };

	for (int best = 0; best < 2; best++) {
		char options[128];
		struct fake fake;

		(void)snprintf(options, sizeof(options),
			"{\"population_size\":5,\"sample_size\":1000,\"crossover\":0,"
			"\"survival\":\"%s\"}",
			survival[best]);
		fake_init_tuner(&fake, "evolution", options, 3, plane, NULL);
		for (int64_t i = 0; i < 40; i++) {
			assert_int_equal(fake_suggest(&fake, NULL), 0);
			const struct trial *trial = view_trial(&fake.view, i);
			if (i < 5) {
				assert_int_equal(trial->parent, -1);
			} else {
				/* Losses rise: the oldest is the best. */
				assert_int_equal(trial->parent, best ? 0 : i - 5);
				assert_int_equal(differences(2, trial->x,
							 view_trial(&fake.view, trial->parent)->x),
					1);
			}
			fake_observe(&fake, i, (double)i);
		}
		fake_release(&fake);
	}
}

/* Failures are the worst; with nobody else in the sample the next one is a newcomer. */
static void test_failures(void **state)
{
	(void)state;
	int64_t number;
	struct fake fake;

	fake_init_tuner(
		&fake, "evolution", "{\"population_size\":6,\"sample_size\":1000}", 3, plane, NULL);
	for (int64_t i = 0; i < 6; i++) {
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		if (i == 2)
			fake_observe(&fake, i, 1e300);
		else
			fake_fail(&fake, i);
	}
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(view_trial(&fake.view, number)->parent, 2);
	fake_fail(&fake, number);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(fake_suggest(&fake, &number), 0);
		fake_fail(&fake, number);
	}
	/* By now the one that worked has died of age. */
	assert_int_equal(fake_suggest(&fake, &number), 0);
	assert_int_equal(view_trial(&fake.view, number)->parent, -1);
	fake_release(&fake);
}

/* NNI's: each child costs the worse of two its life, and the dead have no children. */
static void test_pair(void **state)
{
	(void)state;
	bool dead[200] = { false };
	int children = 0;
	struct fake fake;

	fake_init_tuner(&fake, "evolution",
		"{\"population_size\":10,\"selection\":\"pair\",\"crossover\":0}", 3, plane, NULL);
	for (int64_t i = 0; i < 200; i++) {
		uint32_t victim;

		assert_int_equal(fake_suggest(&fake, NULL), 0);
		const struct trial *trial = view_trial(&fake.view, i);
		assert_int_equal(trial->parent >= 0, trial->tag.size == sizeof(victim));
		if (trial->parent >= 0) {
			memcpy(&victim, trial->tag.data, sizeof(victim));
			assert_true(victim != (uint32_t)trial->parent && victim < i);
			assert_false(dead[victim] || dead[trial->parent]);
			assert_true(fake.view.trials[victim].loss >=
				    fake.view.trials[trial->parent].loss);
			dead[victim] = true;
			children++;
		}
		if (i >= 3) /* three are always pending */
			fake_observe(&fake, i - 3, fake_value(&fake, i - 3, "x"));
	}
	assert_int_equal(children, 190);
	fake_release(&fake);
}

/* More pending than the population: newcomers, never a wait. */
static void test_never_waits(void **state)
{
	(void)state;
	static const char *const options[] = { "{\"population_size\":4}",
		"{\"population_size\":4,\"selection\":\"pair\"}" };

	for (size_t k = 0; k < 2; k++) {
		struct fake fake;

		fake_init_tuner(&fake, "evolution", options[k], 3, plane, NULL);
		for (int i = 0; i < 50; i++)
			assert_int_equal(fake_suggest(&fake, NULL), 0);
		for (int64_t i = 0; i < 6; i++)
			fake_observe(&fake, i, (double)i);
		for (int i = 0; i < 50; i++)
			assert_int_equal(fake_suggest(&fake, NULL), 0);
		assert_int_equal(fake_check_replay(&fake), 0);
		fake_release(&fake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutate),
		cmocka_unit_test(test_mutation_steps),
		cmocka_unit_test(test_nothing_to_mutate),
		cmocka_unit_test(test_cross),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_rank_constraint),
		cmocka_unit_test(test_population_size),
		cmocka_unit_test(test_survival),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_never_waits),
	};
	return cmocka_run_group_tests_name("evolution", tests, NULL, NULL);
}
