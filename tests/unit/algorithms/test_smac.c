/* What is special about smac; test_tuner.c has what all tuners promise. */
/* before cmocka.h, whose macro fail() is not our function */
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/tuners/smac_model.h"
#include "algorithms/tuners/smac_search.h"

#include <cmocka.h>

static const char plane[] = "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			    "\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}";

static const char mixed[] =
	"{\"lr\":{\"_type\":\"loguniform\",\"_value\":[1e-4,1]},"
	" \"n\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":512,\"log\":true}},"
	" \"q\":{\"_type\":\"quniform\",\"_value\":[1,11,2.5]},"
	" \"one\":{\"_type\":\"choice\",\"_value\":[\"only\"]},"
	" \"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"a\","
	"   \"k\":{\"_type\":\"choice\",\"_value\":[1,2,3]}},{\"_name\":\"b\","
	"   \"w\":{\"_type\":\"normal\",\"_value\":[0,1]}},{\"_name\":\"c\"}]}}";

static void place(struct fake *fake, double x, double y, double value)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"x\":%.17g,\"y\":%.17g}", x, y);
	int64_t number = fake_place_json(fake, text);
	if (!isnan(value))
		fake_observe(fake, number, value);
}

/* A grid of results with the best at (0.25, 0.75). */
static void place_bowl(struct fake *fake, int side)
{
	for (int i = 0; i < side; i++)
		for (int k = 0; k < side; k++) {
			double x = (i + 0.5) / side, y = (k + 0.5) / side;
			place(fake, x, y, (x - 0.25) * (x - 0.25) + (y - 0.75) * (y - 0.75));
		}
}

static const char no_chance[] = "{\"n_startup\":5,\"random_fraction\":0}";

static void test_improvement(void **state)
{
	(void)state;
	/* Against the integral of (e^best - e^y) over the normal, by Simpson's rule. */
	for (int t = 0; t < 40; t++) {
		double mean = -3 + 0.5 * (t % 8), s = 0.1 + 0.4 * (t / 8), best = -1.5;
		double low = mean - 10 * s, h = (best - low) / 20000, sum = 0;

		for (int i = 0; i <= 20000; i++) {
			double y = low + i * h, z = (y - mean) / s;
			double f =
				(exp(best) - exp(y)) * exp(-0.5 * z * z) / s / 2.5066282746310002;
			sum += f * (i == 0 || i == 20000 ? 1 : i % 2 ? 4 : 2);
		}
		double got = smac_log_improvement(mean, s * s, best);
		if (best > low && sum > 1e-200)
			assert_true(fabs(got - log(sum * h / 3)) < 1e-5);
	}
	/* it rises with uncertainty and falls with the mean, ever so far out */
	double last = -HUGE_VAL;
	for (double mean = 60; mean >= -1; mean -= 1) {
		double next = smac_log_improvement(mean, 1, 0);
		assert_true(next > last && isfinite(next));
		last = next;
	}
	assert_true(smac_log_improvement(1, 4, 0) > smac_log_improvement(1, 1, 0));
}

static void test_features(void **state)
{
	(void)state;
	struct smac_features features;
	struct fake fake;

	fake_init_tuner(&fake, "smac", NULL, 1, mixed, NULL);
	const struct space *space = fake.view.spec->space;
	assert_int_equal(smac_features_init(&features, space, &fake.arena), 0);
	assert_int_equal(features.d, space->n - 1); /* "one" is none */
	assert_true(features.parent[space_find(space, "op")]);
	assert_false(features.parent[space_find(space, "lr")]);
	for (uint64_t i = 0; i < 200; i++) {
		double x[8], row[8], back[8];
		struct rng rng;

		rng_init(&rng, i, RNG_TEST, 0);
		space_sample(space, &rng, x);
		smac_features_of(&features, x, row);
		smac_point_of(&features, row, back);
		for (size_t j = 0; j < space->n; j++) {
			assert_true(isnan(x[j]) == isnan(back[j]));
			if (!isnan(x[j]))
				assert_true(fabs(x[j] - back[j]) <= 1e-9 * (1 + fabs(x[j])));
		}
	}
	fake_release(&fake);
}

static void test_goes_where_it_is_good(void **state)
{
	(void)state;
	size_t near = 0;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct fake fake;
		int64_t n;

		fake_init_tuner(&fake, "smac", no_chance, seed, plane, NULL);
		place_bowl(&fake, 8);
		assert_int_equal(fake_suggest(&fake, &n), 0);
		near += fabs(fake_value(&fake, n, "x") - 0.25) < 0.15 &&
			fabs(fake_value(&fake, n, "y") - 0.75) < 0.15;
		fake_release(&fake);
	}
	assert_int_equal(near, 5);
}

/* Asks without a result in between spread out. */
static void test_pending_keep_apart(void **state)
{
	(void)state;
	struct fake fake;
	double x[8], y[8], widest = 0;

	fake_init_tuner(&fake, "smac", no_chance, 2, plane, NULL);
	place_bowl(&fake, 8);
	for (size_t i = 0; i < 8; i++) {
		int64_t n;

		assert_int_equal(fake_suggest(&fake, &n), 0);
		x[i] = fake_value(&fake, n, "x");
		y[i] = fake_value(&fake, n, "y");
		for (size_t k = 0; k < i; k++)
			widest = fmax(widest, hypot(x[i] - x[k], y[i] - y[k]));
	}
	assert_true(widest > 0.1);

	/* and one that is pending right there makes it less inviting */
	struct smac_model model = { 0 }, after = { 0 };
	struct workspace workspace = { 0 };
	struct knowledge know = { .view = &fake.view, .workspace = &workspace };
	double here[2] = { 0.3, 0.7 }, mean, later;
	assert_int_equal(
		smac_features_init(&model.features, fake.view.spec->space, &fake.scratch), 0);
	after.features = model.features;
	assert_int_equal(smac_model_init(&model, &know, 10, &fake.scratch), 0);
	forest_predict(&model.forest, here, 1, &mean, NULL);
	place(&fake, 0.3, 0.7, (double)NAN);
	assert_int_equal(smac_model_init(&after, &know, 10, &fake.scratch), 0);
	forest_predict(&after.forest, here, 1, &later, NULL);
	assert_true(later > mean);
	workspace_clear(&workspace);
	fake_release(&fake);
}

/* The workspace is a memo: with it, without it, with another's, the same is proposed. */
static void test_workspace_changes_nothing(void **state)
{
	(void)state;
	struct workspace kept = { 0 };
	struct fake fake;

	fake_init_tuner(&fake, "smac", no_chance, 4, plane, NULL);
	place_bowl(&fake, 4);
	for (size_t i = 0; i < 12; i++) {
		double with[2], without[2];
		struct error err;

		for (int memo = 0; memo < 2; memo++) {
			struct proposal out = { .x = memo ? with : without };
			struct knowledge know = { .view = &fake.view,
				.workspace = memo ? &kept : NULL };
			struct arena arena;

			arena_init(&arena, 0);
			assert_int_equal(tuner_ask(&know, &arena, &out, &err), 0);
			arena_release(&arena);
		}
		assert_memory_equal(with, without, sizeof(with));
		assert_true(kept.bytes > 1000);
		place(&fake, with[0], with[1], i % 3 ? (double)NAN : (double)i);
		if (i == 5)
			fake_edit(&fake, "{\"name\":\"another\"}");
	}
	workspace_clear(&kept);
	fake_release(&fake);
}

/* Past 512 results the forest is grown with every eighth; those in between still count. */
static void test_long_history(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "smac", no_chance, 4, plane, NULL);
	place_bowl(&fake, 23); /* 529 = 8 * 66 + 1 */
	for (size_t i = 0; i < 3; i++) {
		int64_t n;

		assert_int_equal(fake_suggest(&fake, &n), 0);
		assert_true(fabs(fake_value(&fake, n, "x") - 0.25) < 0.2);
		fake_observe(&fake, n, 1e-4);
	}
	fake_check_replay(&fake);
	fake_release(&fake);
}

/* Feasible results are better than stopped ones, those than infeasible ones, those than failures:
 * the forest says so. */
static void test_tiers(void **state)
{
	(void)state;
	struct smac_model model = { 0 };
	struct workspace workspace = { 0 };
	struct fake fake;
	double mean[5];

	fake_init_tuner(&fake, "smac", no_chance, 4, plane,
		",\"constraints\":[{\"metric\":\"c\",\"max\":0}]");
	for (int i = 0; i < 100; i++) {
		double x = (i % 5 + 0.5) / 5, y = (i / 5 + 0.5) / 20;
		char text[128];
		snprintf(text, sizeof(text), "{\"x\":%.17g,\"y\":%.17g}", x, y);
		int64_t n = fake_place_json(&fake, text);
		struct metric metrics[] = { { "default", 5 - i % 5, (double)NAN },
			{ "c",
				i % 5 == 2   ? 1
				: i % 5 == 3 ? 9
					     : -1,
				(double)NAN } };

		if (i % 5 == 4) {
			fake_fail(&fake, n);
		} else if (i % 5 == 1) {
			fake_report(&fake, n, 1, 0.5);
			fake_stop(&fake, n);
		} else {
			metrics[0].value += y;
			fake_observe_metrics(&fake, n, metrics, 2);
		}
	}
	struct knowledge know = { .view = &fake.view, .workspace = &workspace };
	assert_int_equal(
		smac_features_init(&model.features, fake.view.spec->space, &fake.scratch), 0);
	assert_int_equal(smac_model_init(&model, &know, 50, &fake.scratch), 0);
	for (int i = 0; i < 5; i++) {
		double row[2] = { (i + 0.5) / 5, 0.3 };
		forest_predict(&model.forest, row, 1, &mean[i], NULL);
	}
	for (int i = 0; i < 4; i++)
		assert_true(mean[i] < mean[i + 1]);
	workspace_clear(&workspace);
	fake_release(&fake);
}

/* No feasible result yet, losses without bound, losses of any size, all of them equal. */
static void test_odd_losses(void **state)
{
	(void)state;
	static const double losses[][2] = {
		{ HUGE_VAL, 1 },
		{ -HUGE_VAL, 1 },
		{ 1.7e308, -1.7e308 },
		{ HUGE_VAL, HUGE_VAL },
		{ 3, 3 },
		{ 0, 0 },
		{ 1e-300, 3e-300 },
	};

	for (size_t c = 0; c < sizeof(losses) / sizeof(*losses); c++) {
		struct fake fake;

		fake_init_tuner(&fake, "smac", no_chance, 4, plane, NULL);
		for (int i = 0; i < 20; i++)
			place(&fake, 0.05 * i, 0.5, losses[c][i % 2]);
		for (int i = 0; i < 3; i++) {
			int64_t n;
			assert_int_equal(fake_suggest(&fake, &n), 0);
			fake_fail(&fake, n);
		}
		fake_release(&fake);
	}
	struct fake fake;
	fake_init_tuner(&fake, "smac", no_chance, 4, plane,
		",\"constraints\":[{\"metric\":\"none\",\"max\":0}]");
	for (int i = 0; i < 20; i++)
		place(&fake, 0.05 * i, 0.5, i);
	assert_int_equal(fake_suggest(&fake, NULL), 0);
	fake_release(&fake);
}

static void test_startup_follows_the_budget(void **state)
{
	(void)state;
	static const struct {
		const char *limits;
		int64_t startup;
	} cases[] = {
		{ ",\"limits\":{\"max_trials\":40}", 10 },
		{ ",\"limits\":{\"max_trials\":4}", 2 },
		{ ",\"limits\":{\"max_trials\":4000}", 20 },
		{ "", 20 },
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct fake fake;
		struct proposal out;
		double x[2];
		int64_t startup = 0;

		fake_init_tuner(&fake, "smac", NULL, 3, plane, cases[c].limits);
		for (;;) {
			struct knowledge know = { .view = &fake.view };
			struct error err;

			out = (struct proposal){ .x = x };
			arena_reset(&fake.scratch);
			assert_int_equal(tuner_ask(&know, &fake.scratch, &out, &err), 0);
			if (strcmp(out.arm, "startup") != 0)
				break;
			place(&fake, x[0], x[1], x[0]);
			startup++;
		}
		assert_int_equal(startup, cases[c].startup);
		fake_release(&fake);
	}
}

static void test_memory(void **state)
{
	(void)state;
	struct fake fake;
	size_t refused = 0;
	bool done = false;

	fake_init_tuner(&fake, "smac", no_chance, 3, plane, NULL);
	place_bowl(&fake, 5);
	for (size_t limit = 64; !done; limit *= 2) {
		double x[2] = { (double)NAN, (double)NAN };
		struct knowledge know = { .view = &fake.view };
		struct proposal out = { .x = x };
		struct error err = { 0 };
		struct arena arena;
		struct rng rng;

		assert_true(limit < 1u << 26);
		arena_init(&arena, limit);
		rng_init(&rng, 3, RNG_SUGGEST, 25);
		int code = tuner_smac.ask(&know, &rng, &arena, &out, &err);
		assert_true(code == 0 || code == CODE_NO_MEMORY);
		done = code == 0;
		refused += code != 0;
		arena_release(&arena);
	}
	assert_true(refused > 3);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_improvement),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_goes_where_it_is_good),
		cmocka_unit_test(test_pending_keep_apart),
		cmocka_unit_test(test_workspace_changes_nothing),
		cmocka_unit_test(test_long_history),
		cmocka_unit_test(test_tiers),
		cmocka_unit_test(test_odd_losses),
		cmocka_unit_test(test_startup_follows_the_budget),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
