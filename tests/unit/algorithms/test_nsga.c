#include "algorithms/analysis/pareto.h"
#include "algorithms/tuners/nsga.h"
#include "algorithms/tuners/sobol.h"
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const char *const tuners[] = { "nsga2", "nsga3" };

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
	"\"l\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":4096,\"log\":true}}}";

/* 2 x (1 + 3 x 2 + 3) points. */
static const char small[] = "{\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"none\"},"
			    "{\"_name\":\"a\",\"k\":{\"_type\":\"choice\",\"_value\":[1,2,3]},"
			    "\"w\":{\"_type\":\"randint\",\"_value\":[0,2]}},"
			    "{\"_name\":\"b\",\"k\":{\"_type\":\"choice\",\"_value\":[1,2,3]}}]},"
			    "\"c\":{\"_type\":\"bool\"}}";
#define SMALL_POINTS 20

static const double ones[] = { 1, 1, 1, 1, 1, 1, 1, 1 };

/* n objectives, all to be minimised but for those whose bit is set; c at most 0. */
static void init(struct fake *fake, const char *tuner, const char *options, const char *space,
	size_t n, unsigned maximize)
{
	char objectives[1024] = "";
	struct arena arena;

	for (size_t k = 0; k < n; k++) {
		size_t used = strlen(objectives);
		(void)snprintf(objectives + used, sizeof(objectives) - used,
			"%s{\"name\":\"f%zu\",\"goal\":\"%simize\"}", k ? "," : "", k,
			maximize >> k & 1 ? "max" : "min");
	}
	arena_init(&arena, 0);
	fake_init(fake, arena_printf(&arena,
				"{\"name\":\"t\",\"search_space\":%s,\"objectives\":[%s],"
				"\"constraints\":[{\"metric\":\"c\",\"max\":0}],"
				"\"tuner\":{\"name\":\"%s\",\"options\":%s,\"seed\":7}}",
				space, objectives, tuner, options ? options : "{}"));
	arena_release(&arena);
}

static void observe(struct fake *fake, int64_t number, const double *values, double c)
{
	static const char *const names[] = { "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7" };
	struct metric metrics[LIMIT_OBJECTIVES + 1];
	size_t n = fake->view.spec->n_objectives;

	for (size_t k = 0; k < n; k++)
		metrics[k] = (struct metric){ names[k], values[k], nan("") };
	metrics[n] = (struct metric){ "c", c, nan("") };
	fake_observe_metrics(fake, number, metrics, n + 1);
}

/* Suggested and answered at once. */
static int64_t result(struct fake *fake, const double *values, double c)
{
	int64_t number;

	assert_int_equal(fake_suggest(fake, &number), 0);
	observe(fake, number, values, c);
	return number;
}

/* ---- the population ---- */

static const struct nsga_member *member_of(const struct nsga_pool *pool, int64_t number)
{
	for (size_t i = 0; i < pool->n; i++)
		if (pool->members[i].result.number == number)
			return &pool->members[i];
	return NULL;
}

static int no_thin(struct nsga_pool *pool, size_t kept, size_t end, size_t room)
{
	assert_true(kept < end && end <= pool->n && room > 0 && room < end - kept);
	return 0;
}

static int no_measure(struct nsga_pool *pool)
{
	(void)pool;
	return 0;
}

static const struct nsga_rule plain = { .thin = no_thin, .measure = no_measure };

static void population(struct fake *fake, struct nsga_pool *pool)
{
	arena_reset(&fake->scratch);
	assert_int_equal(nsga_population(&fake->view, &plain, &fake->scratch, pool), 0);
}

/* Feasible by fronts, then by violation, then early ones, then failures of all kinds. */
static void test_order(void **state)
{
	const double good[] = { 1, 5 }, other[] = { 5, 1 }, worse[] = { 2, 6 },
		     half[] = { 0, nan("") };
	struct nsga_pool pool;
	struct fake fake;
	int64_t number;

	(void)state;
	init(&fake, "nsga2", "{\"population_size\":9}", plane, 2, 0);
	int64_t failed = -1, stopped = -1;
	assert_int_equal(fake_suggest(&fake, &failed), 0);
	fake_fail(&fake, failed);
	int64_t lacking = result(&fake, half, 0);
	int64_t bad = result(&fake, good, 2), less_bad = result(&fake, worse, 1),
		as_bad = result(&fake, good, 2);
	assert_int_equal(fake_suggest(&fake, &stopped), 0);
	fake_report(&fake, stopped, 0, -3);
	fake_stop(&fake, stopped);
	int64_t second = result(&fake, worse, 0), first = result(&fake, good, -1),
		also_first = result(&fake, other, 0);
	assert_int_equal(fake_suggest(&fake, &number), 0); /* pending: no member */

	population(&fake, &pool);
	const struct {
		int64_t number;
		uint32_t front;
	} want[] = { { first, 0 }, { also_first, 0 }, { second, 1 }, { stopped, 2 },
		{ less_bad, 3 }, { bad, 4 }, { as_bad, 4 }, { failed, 5 }, { lacking, 5 } };
	assert_int_equal(pool.n, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_int_equal(pool.members[i].result.number, want[i].number);
		assert_int_equal(pool.members[i].front, want[i].front);
	}
	assert_true(pool.ideal[0] == 1 && pool.ideal[1] == 1);
	arena_release(&pool.scratch);
	fake_release(&fake);
}

/* With one objective the population is the best of all that has finished, whenever that was. */
static void test_elite(void **state)
{
	struct nsga_pool pool;
	struct fake fake;
	struct rng rng;

	(void)state;
	rng_init(&rng, 8, RNG_TEST, 0);
	init(&fake, "nsga2", "{\"population_size\":7}", plane, 1, 1);
	for (int i = 0; i < 60; i++) {
		double value = (double)rng_below(&rng, 1000) + i * 1e-3;
		result(&fake, &value, 0);
		size_t better = 0;
		population(&fake, &pool);
		assert_int_equal(pool.n, i + 1 < 7 ? i + 1 : 7);
		double least = fake.view.trials[pool.members[pool.n - 1].result.number].values[0];
		for (size_t j = 0; j < fake.view.n_trials; j++)
			better += fake.view.trials[j].values[0] > least;
		assert_int_equal(better, pool.n - 1);
		arena_release(&pool.scratch);
	}
	fake_release(&fake);
}

/* As long as what nobody dominates fits into the population, it is all there, as the first front.
 */
static void test_front_survives(void **state)
{
	const double *points[200];
	uint32_t ranks[200];
	struct nsga_pool pool;
	struct fake fake;
	struct rng rng;

	(void)state;
	rng_init(&rng, 9, RNG_TEST, 0);
	init(&fake, "nsga2", "{\"population_size\":20}", plane, 2, 0);
	for (size_t i = 0; i < 200; i++) {
		double values[2] = { rng_uniform(&rng), rng_uniform(&rng) };
		int64_t number = result(&fake, values, 0);
		points[number] = fake.view.trials[number].values;
	}
	assert_int_equal(pareto_sort(points, 200, 2, SIZE_MAX, 0, &fake.scratch, ranks), 0);
	size_t n = 0;
	for (size_t i = 0; i < 200; i++)
		n += ranks[i] == 0;
	assert_true(n > 2 && n <= 20);
	population(&fake, &pool);
	assert_int_equal(pool.n, 20);
	for (size_t i = 0; i < 200; i++)
		if (ranks[i] == 0)
			assert_true(member_of(&pool, (int64_t)i) &&
				    member_of(&pool, (int64_t)i)->front == 0);
	for (size_t i = 0; i < pool.n; i++)
		assert_int_equal(pool.members[i].front == 0, i < n);
	arena_release(&pool.scratch);
	fake_release(&fake);
}

/* Of one front, those with the most crowding distance: the ends first. */
static void test_nsga2_thins(void **state)
{
	static const double x[] = { 5, 0, 5.1, 1, 10, 4.9, 2, 9.9, 7, 7.1, 9.8, 3.5 };
	const double *points[COUNT(x)];
	double distance[COUNT(x)];
	struct nsga_pool pool;
	struct fake fake;

	(void)state;
	init(&fake, "nsga2", "{\"population_size\":6}", plane, 2, 0);
	/* Twelve together are one batch of six and one of six. */
	for (size_t i = 0; i < COUNT(x); i++) {
		const double values[] = { x[i], -3 * x[i] };
		result(&fake, values, 0);
	}
	for (size_t i = 0; i < COUNT(x); i++)
		points[i] = fake.view.trials[i].values;
	assert_int_equal(pareto_crowding(points, COUNT(x), 2, &fake.scratch, distance), 0);
	assert_int_equal(nsga_population(&fake.view, &nsga2_rule, &fake.arena, &pool), 0);
	arena_release(&pool.scratch);
	assert_int_equal(pool.n, 6);
	for (size_t i = 0; i < COUNT(x); i++) {
		size_t roomier = 0;
		for (size_t j = 0; j < COUNT(x); j++)
			roomier +=
				distance[j] > distance[i] || (distance[j] == distance[i] && j < i);
		assert_int_equal(member_of(&pool, (int64_t)i) != NULL, roomier < 6);
	}
	/* What the tournament goes by is measured among the survivors. */
	for (size_t i = 0; i < pool.n; i++) {
		uint32_t number = pool.members[i].result.number;
		assert_int_equal(isinf(pool.members[i].room) != 0, number == 1 || number == 4);
		assert_true(pool.members[i].room > 0);
	}
	fake_release(&fake);
}

/* Three points about each of ten directions: the nearest of each goes on. */
static void test_nsga3_thins(void **state)
{
	static const double off[] = { 0.01, 0, 0.02 };
	static double directions[30], losses[30][3];
	static struct nsga_member members[30];
	struct nsga_pool pool = { .m = 3, .capacity = 10, .members = members, .n = 30 };
	struct fake fake;

	(void)state;
	init(&fake, "nsga3", "{\"population_size\":10}", plane, 3, 0);
	pareto_directions(3, 3, 0, directions);
	for (size_t i = 0; i < 30; i++) {
		/* All on the plane x + y + z = 1; from the direction away from its largest. */
		size_t most = 0;
		for (size_t k = 0; k < 3; k++) {
			losses[i][k] = directions[3 * (i / 3) + k];
			most = losses[i][k] > losses[i][most] ? k : most;
		}
		losses[i][most] -= off[i % 3];
		losses[i][(most + 1) % 3] += off[i % 3];
		members[i] = (struct nsga_member){
			.result = { TIER_FEASIBLE, losses[i][0], (uint32_t)i }, .losses = losses[i]
		};
	}
	pool.spec = fake.view.spec;
	arena_init(&pool.scratch, 0);
	assert_int_equal(nsga3_rule.start(&pool, &fake.arena), 0);
	assert_int_equal(nsga3_rule.thin(&pool, 0, 30, 10), 0);
	pool.n = 10;
	assert_int_equal(nsga3_rule.measure(&pool), 0);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(members[i].result.number % 3, 1);
		assert_true(members[i].room == -1); /* alone in its niche */
		assert_non_null(member_of(&pool, 3 * (int64_t)i + 1));
	}
	arena_release(&pool.scratch);
	fake_release(&fake);
}

/* ---- the tuners ---- */

/* How many of the first trials are Sobol points, all of them answered at once. */
static size_t first_generation(const char *tuner, const char *options, const char *more)
{
	struct fake fake;
	size_t n = 0;

	fake_init_tuner(&fake, tuner, options, 17, plane, more);
	for (int64_t i = 0; i < 80; i++) {
		assert_int_equal(fake_suggest(&fake, NULL), 0);
		n += n == (size_t)i && view_trial(&fake.view, i)->parent < 0 &&
		     fabs(fake_value(&fake, i, "x") - sobol_point(17, 0, (uint64_t)i)) < 1e-15;
		fake_observe(&fake, i, fake_value(&fake, i, "x"));
	}
	fake_release(&fake);
	return n;
}

static void test_population_size(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(tuners); t++) {
		assert_int_equal(first_generation(tuners[t], NULL, NULL), 50);
		assert_int_equal(first_generation(tuners[t], "{\"population_size\":7}", NULL), 7);
		assert_int_equal(
			first_generation(tuners[t], NULL, ",\"limits\":{\"max_trials\":90}"), 20);
		assert_int_equal(
			first_generation(tuners[t], NULL, ",\"limits\":{\"max_trials\":450}"), 30);
		assert_int_equal(
			first_generation(tuners[t], NULL, ",\"limits\":{\"max_trials\":9000}"), 50);
	}
}

/* No result, or none that is any good: points of the space all the same, never a wait. */
static void test_never_waits(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(tuners); t++) {
		const double nothing[] = { nan(""), 1 };
		struct fake fake;

		init(&fake, tuners[t], "{\"population_size\":5}", plane, 2, 0);
		for (int i = 0; i < 40; i++)
			assert_int_equal(fake_suggest(&fake, NULL), 0);
		for (int i = 0; i < 40; i++) {
			if (i % 2)
				fake_fail(&fake, i);
			else
				observe(&fake, i, nothing, 0);
			assert_int_equal(fake_suggest(&fake, NULL), 0);
		}
		/* The first good one is everybody's parent. */
		observe(&fake, 77, (double[]){ 3, 4 }, 0);
		observe(&fake, 78, (double[]){ 3, 5 }, 1);
		int64_t number;
		for (int i = 0; i < 20; i++)
			assert_int_equal(fake_suggest(&fake, &number), 0);
		assert_true(view_trial(&fake.view, number)->parent >= 0);
		fake_release(&fake);
	}
}

/* Losses and a violation out of a point of any space; now and then none. */
static void answer_at(struct fake *fake, int64_t number, const double *weights)
{
	const struct space *space = fake->view.spec->space;
	size_t m = fake->view.spec->n_objectives;
	double u[16], values[LIMIT_OBJECTIVES], sum = 0;

	assert_true(space->n <= COUNT(u));
	space_to_unit(space, fake->view.trials[number].x, u);
	for (size_t j = 0; j < space->n; j++)
		sum += (u[j] - 0.5) * (u[j] - 0.5);
	for (size_t k = 0; k < m; k++) {
		double at = u[(size_t)k % space->n] - (double)(k % 3) / 2;
		values[k] = weights[k] * (sum + at * at);
	}
	if (number % 11 == 5)
		fake_fail(fake, number);
	else if (number % 13 == 7)
		observe(fake, number, ones, nan("")); /* breaks the constraint */
	else
		observe(fake, number, values, u[0] - 0.9);
}

/* The same from the view as it grew and from its log; with pending, paused, cancelled, customised
 * and failed trials, in nested spaces, for one objective and for many. */
static void test_replay(void **state)
{
	static const size_t objectives[] = { 1, 2, 3, 5, 8 };

	(void)state;
	for (size_t t = 0; t < COUNT(tuners); t++)
		for (size_t o = 0; o < COUNT(objectives); o++) {
			struct fake fake;
			init(&fake, tuners[t], "{\"population_size\":12}", nested, objectives[o],
				0);
			for (int64_t i = 0; i < 70; i++) {
				assert_int_equal(fake_suggest(&fake, NULL), 0);
				assert_true(space_contains(
					fake.view.spec->space, fake.view.trials[i].x));
				if (i % 17 == 3)
					fake_cancel(&fake, i);
				else if (i % 17 == 9)
					fake_pause(&fake, i);
				else if (i >= 20 && i - 20 != 3 && (i - 20) % 17 != 3 &&
					 (i - 20) % 17 != 9)
					answer_at(&fake, i - 20, ones);
				if (i % 10 == 9)
					assert_int_equal(fake_check_replay(&fake), 0);
			}
			fake_release(&fake);
		}
}

/* Two experiments whose values say the same are led the same way. */
static void assert_led_alike(const char *tuner, const double *weights, unsigned maximize, size_t m)
{
	struct fake a, b;

	init(&a, tuner, "{\"population_size\":12}", nested, m, 0);
	init(&b, tuner, "{\"population_size\":12}", nested, m, maximize);
	for (int64_t i = 0; i < 90; i++) {
		assert_int_equal(fake_suggest(&a, NULL), 0);
		assert_int_equal(fake_suggest(&b, NULL), 0);
		assert_memory_equal(a.view.trials[i].x, b.view.trials[i].x,
			a.view.spec->space->n * sizeof(double));
		answer_at(&a, i, ones);
		answer_at(&b, i, weights);
	}
	fake_release(&a);
	fake_release(&b);
}

/* Units do not matter, nor does it whether the negative is maximised. (Powers of two: exact.) */
static void test_units_and_goals(void **state)
{
	const double weights[] = { 1024, -0.25, 8, -2 };

	(void)state;
	for (size_t t = 0; t < COUNT(tuners); t++)
		for (size_t m = 1; m <= 4; m++)
			assert_led_alike(tuners[t], weights, 2 + 8, m);
}

/* Of one objective only the order counts. */
static void test_one_objective_monotone(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(tuners); t++) {
		struct fake a, b;

		fake_init_tuner(&a, tuners[t], "{\"population_size\":10}", 5, plane, NULL);
		fake_init_tuner(&b, tuners[t], "{\"population_size\":10}", 5, plane, NULL);
		for (int64_t i = 0; i < 80; i++) {
			assert_int_equal(fake_suggest(&a, NULL), 0);
			assert_int_equal(fake_suggest(&b, NULL), 0);
			assert_memory_equal(
				a.view.trials[i].x, b.view.trials[i].x, 2 * sizeof(double));
			double loss = hypot(fake_value(&a, i, "x") - 0.3, fake_value(&a, i, "y"));
			fake_observe(&a, i, loss);
			fake_observe(&b, i, exp(30 * loss) - 5);
		}
		fake_release(&a);
		fake_release(&b);
	}
}

static void test_exhausts(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(tuners); t++)
		for (size_t pending = 0; pending < 4; pending += 3) {
			struct fake fake;

			fake_init_tuner(
				&fake, tuners[t], "{\"population_size\":6}", 3, small, NULL);
			assert_int_equal(
				fake_drain(&fake, pending, SMALL_POINTS, NULL), SMALL_POINTS);
			fake_release(&fake);
			/* Of two objectives and a constraint only the first ever comes: all are
			 * bad. */
			init(&fake, tuners[t], "{\"population_size\":6}", small, 2, 0);
			assert_int_equal(
				fake_drain(&fake, pending, SMALL_POINTS, NULL), SMALL_POINTS);
			fake_release(&fake);
		}
}

/* A space of one point, and one narrowed while results of the old one are there. */
static void test_edges_of_space(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(tuners); t++) {
		struct fake fake;
		struct nsga_pool pool;

		init(&fake, tuners[t], NULL, "{\"x\":{\"_type\":\"choice\",\"_value\":[1]}}", 2, 0);
		result(&fake, ones, 0);
		assert_int_equal(fake_suggest(&fake, NULL), CODE_EXHAUSTED);
		fake_release(&fake);

		init(&fake, tuners[t], "{\"population_size\":5}", plane, 2, 0);
		for (int64_t i = 0; i < 30; i++) {
			assert_int_equal(fake_suggest(&fake, NULL), 0);
			answer_at(&fake, i, ones);
		}
		fake_edit(&fake,
			"{\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,0.5]},"
			"\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}}");
		population(&fake, &pool);
		for (size_t i = 0; i < pool.n; i++)
			assert_non_null(fake.view.trials[pool.members[i].result.number].x);
		arena_release(&pool.scratch);
		for (int i = 0; i < 20; i++) {
			result(&fake, ones, 0);
			assert_true(fake_value(&fake, (int64_t)fake.view.n_trials - 1, "x") <= 0.5);
		}
		fake_release(&fake);
	}
}

/* However little memory there is: an error or a point. */
static void test_no_memory(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(tuners); t++) {
		const struct tuner *tuner = tuner_of(catalog_find(tuner_algorithms, tuners[t]));
		struct fake fake;
		size_t refused = 0;
		int code = CODE_NO_MEMORY;

		init(&fake, tuners[t], "{\"population_size\":8}", plane, 3, 0);
		for (int i = 0; i < 30; i++)
			result(&fake, (double[]){ i, 30 - i, i % 7 }, 0);
		for (size_t limit = 64; code != 0; limit += limit / 4) {
			double x[2] = { nan(""), nan("") };
			struct proposal proposal = { .x = x, .parent = -1 };
			struct error err = { 0 };
			struct arena tight;
			struct rng rng;

			assert_true(limit < 1u << 24);
			rng_init(&rng, 7, RNG_SUGGEST, fake.view.n_trials);
			arena_init(&tight, limit);
			code = tuner->ask(&(struct knowledge){ .view = &fake.view }, &rng, &tight,
				&proposal, &err);
			assert_true(code == 0 || code == CODE_NO_MEMORY);
			assert_true(code != 0 || space_contains(fake.view.spec->space, x));
			refused += code != 0;
			arena_release(&tight);
		}
		assert_true(refused > 3);
		fake_release(&fake);
	}
}

static void test_catalogue(void **state)
{
	static const char *const nicknames[][2] = { { "NSGA-II", "nsga2" },
		{ "nsgaiii", "nsga3" } };
	struct path at = { .name = "tuner" };
	struct faults faults;
	struct fake fake;

	(void)state;
	for (size_t i = 0; i < COUNT(nicknames); i++) {
		const struct algorithm *found = catalog_find(tuner_algorithms, nicknames[i][0]);
		assert_non_null(found);
		assert_string_equal(found->name, nicknames[i][1]);
		assert_int_equal(
			found->caps, TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE);
	}
	faults_init(&faults);
	init(&fake, "nsga3", "{\"divisions\":12}", plane, 5, 0);
	tuner_nsga3.check(fake.view.spec, &at, &faults);
	assert_int_equal(faults.n, 0);
	fake_release(&fake);
	init(&fake, "nsga3", "{\"divisions\":100}", plane, 8, 0);
	tuner_nsga3.check(fake.view.spec, &at, &faults);
	assert_int_equal(faults.n, 1);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_elite),
		cmocka_unit_test(test_front_survives),
		cmocka_unit_test(test_nsga2_thins),
		cmocka_unit_test(test_nsga3_thins),
		cmocka_unit_test(test_population_size),
		cmocka_unit_test(test_never_waits),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_units_and_goals),
		cmocka_unit_test(test_one_objective_monotone),
		cmocka_unit_test(test_exhausts),
		cmocka_unit_test(test_edges_of_space),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_catalogue),
	};
	return cmocka_run_group_tests_name("nsga", tests, NULL, NULL);
}
