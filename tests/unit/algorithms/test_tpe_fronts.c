/* How results with several objectives rank for TPE. */
#include "tests/unit/algorithms/support.h"

#include "algorithms/analysis/hypervolume.h"
#include "algorithms/tuners/tpe_fronts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void begin(struct fake *fake, size_t m)
{
	struct arena arena;
	arena_init(&arena, 0);
	char *objectives = arena_strdup(&arena, "");
	for (size_t k = 0; k < m; k++)
		objectives = arena_printf(&arena, "%s%s{\"name\":\"f%zu\",\"goal\":\"minimize\"}",
			objectives, k ? "," : "", k);
	fake_init(
		fake, arena_printf(&arena,
			      "{\"name\":\"fronts\",\"search_space\":{\"x\":{\"_type\":\"uniform\","
			      "\"_value\":[0,1]}},\"objectives\":[%s],"
			      "\"tuner\":{\"name\":\"motpe\",\"seed\":3}}",
			      objectives));
	arena_release(&arena);
}

static int64_t tell(struct fake *fake, size_t m, const double *losses)
{
	static const char *const names[] = { "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7" };
	struct metric metrics[LIMIT_OBJECTIVES];

	int64_t number = fake_place_json(fake, "{\"x\":0.5}");
	for (size_t k = 0; k < m; k++)
		metrics[k] = (struct metric){ names[k], losses[k], (double)NAN };
	fake_observe_metrics(fake, number, metrics, m);
	return number;
}

static struct tpe_history rank(const struct fake *fake, struct arena *arena)
{
	struct tpe_history history;

	assert_int_equal(tpe_history_init(&history, &fake->view, LIAR_AUTO, arena), 0);
	return history;
}

/* Two fronts; of the first, both ends of a staircase are worth less than its middle. */
static void test_fronts_then_volume(void **state)
{
	static const double points[][2] = { { 0, 10 }, { 10, 0 }, { 3, 3 }, { 4, 4 }, { 9, 1 },
		{ 11, 11 } };
	static const double major[] = { 0, 0, 0, 1, 0, 2 };
	/* Under (11, 11): 64, then 9,1 adds 4, then the ends 3 and 1; 10,0 beside 9,1 adds 1. */
	static const double minor[] = { 2, 3, 0, 4, 1, 5 };
	struct arena arena;
	struct fake fake;

	(void)state;
	arena_init(&arena, 0);
	begin(&fake, 2);
	for (size_t i = 0; i < 6; i++)
		tell(&fake, 2, points[i]);
	struct tpe_history history = rank(&fake, &arena);
	assert_int_equal(history.n_results, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_true(history.records[i].major == major[i]);
		if (i < 3 || i == 4)
			assert_true(history.records[i].minor == minor[i]);
	}
	fake_release(&fake);
	arena_release(&arena);
}

static double volume_of(const double *const *points, size_t n, size_t m, const double *reference)
{
	struct arena arena;
	double volume;

	arena_init(&arena, 0);
	assert_int_equal(hypervolume(points, n, m, reference, 0, &arena, &volume), 0);
	arena_release(&arena);
	return volume;
}

/* Lazily as when all gains are computed anew for every pick. */
static void test_greedy(void **state)
{
	enum { M = 3, N = 40 };
	double points[N][M], reference[M] = { 0 };
	const double *picked[N];
	bool is_picked[N] = { false };
	struct arena arena;
	struct fake fake;
	struct rng rng;

	(void)state;
	rng_init(&rng, 5, RNG_FIT, 0);
	arena_init(&arena, 0);
	begin(&fake, M);
	for (size_t i = 0; i < N; i++) {
		double a = rng_uniform(&rng), b = rng_uniform(&rng) * (1 - a);
		points[i][0] = a;
		points[i][1] = b;
		points[i][2] = 1 - a - b;
		tell(&fake, M, points[i]);
		for (size_t k = 0; k < M; k++)
			reference[k] = fmax(reference[k], 1.1 * points[i][k]);
	}
	struct tpe_history history = rank(&fake, &arena);
	for (size_t n = 0; n < N; n++) {
		size_t best = N, ours = N;
		double most = -1, got = -1;
		for (size_t i = 0; i < N; i++) {
			assert_true(history.records[i].major == 0);
			if (is_picked[i])
				continue;
			picked[n] = points[i];
			double volume = volume_of(picked, n + 1, M, reference);
			if (volume > most) {
				most = volume;
				best = i;
			}
			if (history.records[i].minor == (double)n) {
				got = volume;
				ours = i;
			}
		}
		assert_true(best < N && ours < N);
		assert_true(got >= most * (1 - 1e-12));
		is_picked[ours] = true;
		picked[n] = points[ours];
	}
	fake_release(&fake);
	arena_release(&arena);
}

static void test_odd_losses(void **state)
{
	static const double points[][2] = { { 1, 2 }, { (double)NAN, 0 }, { HUGE_VAL, 1 },
		{ 2, HUGE_VAL }, { -HUGE_VAL, 5 } };
	struct arena arena;
	struct fake fake;

	(void)state;
	arena_init(&arena, 0);
	begin(&fake, 2);
	for (size_t i = 0; i < 5; i++)
		tell(&fake, 2, points[i]);
	struct tpe_history history = rank(&fake, &arena);
	size_t failed = 0;
	for (size_t i = 0; i < history.n; i++) {
		failed += history.records[i].rank == RANK_FAILED;
		assert_true(!isnan(history.records[i].major));
		assert_true(!isnan(history.records[i].minor));
	}
	assert_int_equal(history.n_results + failed, history.n);
	assert_true(history.n_results >= 1);
	assert_true(history.records[0].major == 0);
	fake_release(&fake);
	arena_release(&arena);
}

/* Eight objectives and thousands of results: by places, in which dominance still shows. */
static void test_many(void **state)
{
	enum { N = 3000, M = LIMIT_OBJECTIVES };
	double losses[M];
	struct arena arena;
	struct fake fake;
	struct rng rng;

	(void)state;
	rng_init(&rng, 6, RNG_FIT, 0);
	arena_init(&arena, 0);
	begin(&fake, M);
	for (size_t i = 0; i < N; i++) {
		for (size_t k = 0; k < M; k++)
			losses[k] = i == 7 ? -1 : i == 8 ? 2 : rng_uniform(&rng);
		tell(&fake, M, losses);
	}
	struct tpe_history history = rank(&fake, &arena);
	assert_int_equal(history.n_results, N);
	for (size_t i = 0; i < N; i++) {
		assert_true(history.records[i].major >= history.records[7].major);
		assert_true(history.records[i].major <= history.records[8].major);
	}
	assert_true(history.records[7].major == 0);
	assert_true(history.records[8].major == (double)M * (N - 1));
	fake_release(&fake);
	arena_release(&arena);
}

/* A run: pending trials, a failure, results; every ask is the same on the rebuilt view. */
static void test_run(void **state)
{
	struct fake fake;

	(void)state;
	begin(&fake, 2);
	for (int i = 0; i < 40; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		double x = fake.view.trials[number].x[0];
		struct metric metrics[] = { { "f0", x, (double)NAN },
			{ "f1", (1 - x) * (1 - x), (double)NAN } };
		if (i % 10 == 3)
			continue; /* pending for ever */
		fake_observe_metrics(&fake, number, metrics, i % 10 == 7 ? 1 : 2);
		if (i % 8 == 0)
			assert_int_equal(fake_check_replay(&fake), 0);
	}
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fronts_then_volume),
		cmocka_unit_test(test_greedy),
		cmocka_unit_test(test_odd_losses),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_run),
	};
	return cmocka_run_group_tests_name("tpe_fronts", tests, NULL, NULL);
}
