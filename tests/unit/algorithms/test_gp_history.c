/* What the Gaussian-process tuner learns from. */
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "algorithms/tuners/gp_data.h"

#include <cmocka.h>

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static const char line[] = "{\"x\":{\"_type\":\"randint\",\"_value\":[0,1000]}}";

static void history_of(const struct fake *fake, const double *weights, struct gp_history *history,
	struct arena *arena)
{
	arena_init(arena, 0);
	assert_int_equal(gp_history_init(history, &fake->view, weights, arena), 0);
}

/* What the tuner learns from, and as it learns from it. */
struct learnt {
	struct arena arena;
	struct gp_history history;
	struct gp_features features;
	struct gp_data data;
};

static void learn(const struct fake *fake, struct learnt *out)
{
	history_of(fake, NULL, &out->history, &out->arena);
	assert_int_equal(gp_features_init(&out->features, fake->view.spec->space, &out->arena), 0);
	assert_int_equal(gp_data_init(&out->data, &out->features, &out->history, &out->arena), 0);
}

static void place(struct fake *fake, int x)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "{\"x\":%d}", x);
	fake_place_json(fake, text);
}

static void test_order_and_kinds(void **state)
{
	static const double x[] = { 3, 0, 1, 2, 4, 5 };
	static const double loss[] = { 9, 1, 5, 5, 7, 0 };
	struct gp_history history;
	struct arena arena;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 1, line, NULL);
	for (int i = 0; i < 10; i++)
		place(&fake, i);
	fake_observe(&fake, 3, 9); /* results come in another order than trials */
	fake_observe(&fake, 0, 1);
	fake_report(&fake, 1, 0, -4); /* stopped: no better than the median of 1, 5, 9 */
	fake_stop(&fake, 1);
	fake_observe(&fake, 2, 5);
	fake_report(&fake, 4, 0, 7); /* and no better than it was */
	fake_stop(&fake, 4);
	fake_fail(&fake, 5);
	fake_cancel(&fake, 6);
	history_of(&fake, NULL, &history, &arena);
	assert_int_equal(history.n, 6);
	for (size_t i = 0; i < history.n; i++) {
		assert_near(history.x[i][0], x[i], 0);
		if (i < 5)
			assert_near(history.loss[i], loss[i], 0);
		else
			assert_true(isnan(history.loss[i]));
	}
	assert_int_equal(history.n_feasible, 5);
	assert_null(history.excess);
	assert_int_equal(history.n_pending, 3);
	for (size_t i = 0; i < 3; i++)
		assert_near(history.pending[i][0], 7 + (double)i, 0);
	assert_int_equal(gp_history_count(&fake.view, 100), 6);
	assert_int_equal(gp_history_count(&fake.view, 4), 4);
	arena_release(&arena);
	fake_release(&fake);
}

/* The newest pending trials, when there are too many. */
static void test_many_pending(void **state)
{
	struct gp_history history;
	struct arena arena;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 1, line, NULL);
	for (int i = 0; i < GP_PENDING_MAX + 10; i++)
		place(&fake, i);
	history_of(&fake, NULL, &history, &arena);
	assert_int_equal(history.n_pending, GP_PENDING_MAX);
	assert_near(history.pending[0][0], 10, 0);
	assert_near(history.pending[GP_PENDING_MAX - 1][0], GP_PENDING_MAX + 9, 0);
	arena_release(&arena);
	fake_release(&fake);
}

static void test_constraints(void **state)
{
	static const double size[] = { 20, 5, 80, (double)NAN };
	static const double rate[] = { 0.5, 0.9, 0.2, 0.5 };
	struct learnt got;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 1, line,
		",\"constraints\":[{\"metric\":\"size\",\"max\":50},"
		"{\"metric\":\"rate\",\"min\":0.4}]");
	for (int i = 0; i < 4; i++) {
		struct metric metrics[3] = { { "default", i, (double)NAN },
			{ "rate", rate[i], (double)NAN }, { "size", size[i], (double)NAN } };
		place(&fake, i);
		fake_observe_metrics(&fake, i, metrics, isnan(size[i]) ? 2 : 3);
	}
	place(&fake, 4);
	fake_fail(&fake, 4);
	learn(&fake, &got);
	assert_int_equal(got.history.n, 5);
	assert_non_null(got.history.excess);
	assert_true(got.history.excess[0] < 0);
	assert_true(got.history.excess[1] < got.history.excess[0]); /* farther inside of both */
	assert_true(got.history.excess[2] > 0);
	assert_true(got.history.excess[3] > 0); /* a missing metric breaks its constraint */
	assert_true(isnan(got.history.excess[4]));
	assert_int_equal(got.history.n_feasible, 2);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(got.data.good[i], i < 2);
	assert_near(got.data.excess[4], 0, 0);
	assert_true(got.data.excess[0] < 0 && got.data.excess[2] > 0);
	arena_release(&got.arena);
	fake_release(&fake);
}

/* The weighted largest of the scaled objectives, and a little of all. */
static void test_objectives(void **state)
{
	static const double values[4][2] = { { 0, 10 }, { 2, 20 }, { 4, 30 }, { 1, 30 } };
	static const double weights[2] = { 0.75, 0.25 };
	static const double scaled[4][2] = { { 0, 1 }, { 0.5, 0.5 }, { 1, 0 }, { 0.25, 0 } };
	struct gp_history history;
	struct arena arena;
	struct fake fake;

	(void)state;
	fake_init(&fake,
		"{\"name\":\"t\",\"search_space\":{\"x\":{\"_type\":\"randint\",\"_value\":"
		"[0,9]}},\"objectives\":[{\"name\":\"a\",\"goal\":\"minimize\"},"
		"{\"name\":\"b\",\"goal\":\"maximize\"}],\"tuner\":{\"name\":\"gp\"}}");
	for (int i = 0; i < 5; i++) {
		const double none[2] = { 1, (double)NAN };
		place(&fake, i);
		fake_observe_many(&fake, i, i < 4 ? values[i] : none);
	}
	history_of(&fake, weights, &history, &arena);
	for (size_t i = 0; i < 4; i++) {
		double a = weights[0] * scaled[i][0], b = weights[1] * scaled[i][1];
		assert_near(history.loss[i], fmax(a, b) + 0.05 * (a + b), 1e-12);
	}
	assert_true(isnan(history.loss[4]));
	arena_release(&arena);
	fake_release(&fake);
}

static void test_weights(void **state)
{
	double w[3], sums[3] = { 0 };
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, RNG_TEST, 0);
	for (int t = 0; t < 3000; t++) {
		gp_weights_draw(&rng, 3, w);
		assert_near(w[0] + w[1] + w[2], 1, 1e-12);
		for (int k = 0; k < 3; k++) {
			assert_true(w[k] >= 0);
			sums[k] += w[k] / 3000;
		}
	}
	for (int k = 0; k < 3; k++)
		assert_near(sums[k], 1.0 / 3, 0.02);
}

/* Which rows stay, and in which order. */
static void test_thin(void **state)
{
	struct learnt got;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 1, line, NULL);
	for (int i = 0; i < 100; i++) {
		place(&fake, i);
		fake_observe(&fake, i, i < 50 ? 50 - i : i); /* 40 to 49 are the best ten */
	}
	learn(&fake, &got);
	struct gp_data *data = &got.data;
	assert_int_equal(gp_data_thin(data, 10, 10, 20, &got.arena), 0);
	assert_int_equal(data->n, 40);
	bool kept[100] = { false };
	for (size_t i = 0; i < data->n; i++) {
		double x;
		gp_features_decode(&got.features, data->z + i, &x);
		kept[(int)x] = true;
		assert_true(i == 0 || data->z[i] > data->z[i - 1]);
	}
	for (int i = 40; i < 50; i++)
		assert_true(kept[i] && kept[i + 50]);
	assert_int_equal(gp_data_thin(data, 20, 10, 10, &got.arena), 0); /* few enough: all stay */
	assert_int_equal(data->n, 40);
	arena_release(&got.arena);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_kinds),
		cmocka_unit_test(test_many_pending),
		cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_objectives),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_thin),
	};
	return cmocka_run_group_tests_name("gp_history", tests, NULL, NULL);
}
