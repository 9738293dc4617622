/* The Gaussian-process tuner as a whole; what every tuner promises is in test_tuner.c. */
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/tuners/gp_local.h"

#include <cmocka.h>

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static const char square[] = "{\"a\":{\"_type\":\"uniform\",\"_value\":[-1,1]},"
			     "\"b\":{\"_type\":\"uniform\",\"_value\":[-1,1]}}";

static double bowl(const double *x)
{
	return (x[0] - 0.3) * (x[0] - 0.3) + (x[1] + 0.2) * (x[1] + 0.2);
}

/* One ask with all there is to go by; NULL workspace: none. */
static int ask(struct fake *fake, struct workspace *workspace, struct proposal *out)
{
	struct knowledge know = { .view = &fake->view,
		.model = &fake->model,
		.compute = fake_compute(),
		.workspace = workspace };
	struct error err = { 0 };

	arena_reset(&fake->scratch);
	*out = (struct proposal){ .parent = -1, .promote = -1 };
	out->x = arena_array(&fake->scratch, fake->view.spec->space->n, sizeof(double));
	assert_non_null(out->x);
	assert_int_equal(
		tuner_learn(&fake->view, fake_compute(), &fake->model, &fake->model_bytes, &err),
		0);
	return tuner_ask(&know, &fake->scratch, out, &err);
}

static void run(struct fake *fake, int trials, double (*loss)(const double *x))
{
	for (int i = 0; i < trials; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(fake, &number), 0);
		fake_observe(fake, number, loss(view_trial(&fake->view, number)->x));
	}
}

static double best_of(const struct fake *fake)
{
	double best = HUGE_VAL;

	for (size_t i = 0; i < fake->view.n_trials; i++)
		if (!isnan(fake->view.trials[i].loss) && !(fake->view.trials[i].violation > 0))
			best = fmin(best, fake->view.trials[i].loss);
	return best;
}

static void test_start_then_model(void **state)
{
	struct proposal proposal;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 1, square, NULL);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(ask(&fake, NULL, &proposal), 0);
		assert_string_equal(proposal.arm, i < 4 ? "startup" : "model");
		assert_int_equal(isfinite(proposal.acquisition) != 0, i >= 4);
		run(&fake, 1, bowl);
	}
	run(&fake, 12, bowl);
	assert_true(best_of(&fake) < 1e-3);
	fake_release(&fake);
}

static void test_defaults_first(void **state)
{
	struct proposal proposal;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 1,
		"{\"a\":{\"_type\":\"uniform\",\"_value\":[0,1],\"_default\":0.125},"
		"\"b\":{\"_type\":\"uniform\",\"_value\":[0,2]}}",
		NULL);
	assert_int_equal(ask(&fake, NULL, &proposal), 0);
	assert_near(proposal.x[0], 0.125, 0);
	assert_near(proposal.x[1], 1, 0);
	assert_string_equal(proposal.arm, "default");
	fake_release(&fake);
}

/* What the workspace holds never shows: with it, without it, dropped in between. */
static void test_workspace(void **state)
{
	struct workspace kept = { 0 }, dropped = { 0 };
	struct proposal a, b, c;
	struct fake fake;
	double x[2][2];

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 3, square, NULL);
	for (int i = 0; i < 90; i++) {
		assert_int_equal(ask(&fake, NULL, &a), 0);
		memcpy(x[0], a.x, sizeof(x[0]));
		assert_int_equal(ask(&fake, &kept, &b), 0);
		memcpy(x[1], b.x, sizeof(x[1]));
		assert_memory_equal(x[0], x[1], sizeof(x[0]));
		if (i % 3 == 0) {
			workspace_clear(&dropped);
			assert_int_equal(dropped.bytes, 0);
		}
		assert_int_equal(ask(&fake, &dropped, &c), 0);
		assert_memory_equal(x[0], c.x, sizeof(x[0]));
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		if (i % 4) /* some stay pending */
			fake_observe(&fake, number, bowl(view_trial(&fake.view, number)->x));
	}
	assert_true(kept.bytes > 60 * 60 * sizeof(double));
	workspace_clear(&kept);
	workspace_clear(&dropped);
	fake_release(&fake);
}

static double waves(const double *x)
{
	return sin(7 * x[0]) * cos(5 * x[1]) + 0.3 * bowl(x);
}

/* Many workers at once: nobody gets what another has, nor next to it. */
static void spread_over(size_t pending)
{
	struct fake fake;
	size_t n;

	fake_init_tuner(&fake, "gp", NULL, 3, square, NULL);
	run(&fake, 12, waves);
	for (size_t i = 0; i < pending; i++)
		assert_int_equal(fake_suggest(&fake, NULL), 0);
	n = fake.view.n_trials;
	for (size_t i = n - pending; i < n; i++)
		for (size_t j = n - pending; j < i; j++) {
			const double *x = fake.view.trials[i].x, *y = fake.view.trials[j].x;
			assert_true(fabs(x[0] - y[0]) + fabs(x[1] - y[1]) > 1e-3);
		}
	fake_release(&fake);
}

static void test_pending(void **state)
{
	(void)state;
	spread_over(8);	 /* fantasies */
	spread_over(64); /* the believer */
}

static void test_constraints(void **state)
{
	struct fake fake;

	(void)state;
	/* the best without the constraint is at 0.3, -0.2; with it, a + b <= -0.9 */
	fake_init_tuner(&fake, "gp", NULL, 2, square,
		",\"constraints\":[{\"metric\":\"sum\",\"max\":-0.9}]");
	for (int i = 0; i < 30; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		const double *x = view_trial(&fake.view, number)->x;
		struct metric metrics[2] = { { "default", bowl(x), (double)NAN },
			{ "sum", x[0] + x[1], (double)NAN } };
		fake_observe_metrics(&fake, number, metrics, 2);
	}
	assert_true(best_of(&fake) < 0.5 + 0.02); /* 0.5: half of 1 squared, on the line */
	fake_release(&fake);
}

/* None is feasible for long: it looks for where one might be. */
static void test_nothing_feasible(void **state)
{
	struct fake fake;
	size_t feasible = 0;

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 2, square,
		",\"constraints\":[{\"metric\":\"a\",\"min\":0.95},"
		"{\"metric\":\"b\",\"min\":0.95}]");
	for (int i = 0; i < 25; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		const double *x = view_trial(&fake.view, number)->x;
		struct metric metrics[3] = { { "default", bowl(x), (double)NAN },
			{ "a", x[0], (double)NAN }, { "b", x[1], (double)NAN } };
		fake_observe_metrics(&fake, number, metrics, 3);
		feasible += view_trial(&fake.view, number)->violation == 0;
	}
	assert_true(feasible >= 5); /* one in 1600 at random */
	fake_release(&fake);
}

/* Both ends of the front and its middle are found. */
static void test_objectives(void **state)
{
	double ends[2] = { HUGE_VAL, HUGE_VAL }, middle = HUGE_VAL;
	struct fake fake;

	(void)state;
	fake_init(&fake,
		"{\"name\":\"t\",\"search_space\":{\"a\":{\"_type\":\"uniform\",\"_value\":"
		"[-1,1]},\"b\":{\"_type\":\"uniform\",\"_value\":[-1,1]}},\"objectives\":["
		"{\"name\":\"f\",\"goal\":\"minimize\"},{\"name\":\"g\",\"goal\":"
		"\"minimize\"}],\"tuner\":{\"name\":\"gp\",\"seed\":4}}");
	for (int i = 0; i < 40; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		const double *x = view_trial(&fake.view, number)->x;
		const double values[2] = { (x[0] - 0.5) * (x[0] - 0.5) + x[1] * x[1],
			(x[0] + 0.5) * (x[0] + 0.5) + x[1] * x[1] };
		fake_observe_many(&fake, number, values);
		ends[0] = fmin(ends[0], values[0]);
		ends[1] = fmin(ends[1], values[1]);
		middle = fmin(middle, fmax(values[0], values[1]));
	}
	assert_true(ends[0] < 0.05 && ends[1] < 0.05);
	assert_true(middle < 0.25 + 0.03);
	fake_release(&fake);
}

static void test_local(void **state)
{
	struct proposal proposal;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "gp", "{\"max_points\":64}", 5, square, NULL);
	run(&fake, 64, bowl);
	assert_int_equal(ask(&fake, NULL, &proposal), 0);
	assert_string_equal(proposal.arm, "model");
	run(&fake, 16, bowl);
	assert_int_equal(ask(&fake, NULL, &proposal), 0);
	assert_string_equal(proposal.arm, "local");
	assert_true(best_of(&fake) < 1e-4);
	assert_int_equal(fake_check_replay(&fake), 0);
	fake_release(&fake);
}

/* The box: larger after successes, smaller after failures, anew when it is tiny. */
static void test_local_side(void **state)
{
	double loss[64];
	struct gp_history history = { .n = 0, .loss = loss };

	(void)state;
	for (size_t i = 0; i < 64; i++)
		loss[i] = 1;
	history.n = 10;
	assert_near(gp_local_side(&history, 10, 2), 0.8, 0);
	history.n = 14;
	assert_near(gp_local_side(&history, 10, 2), 0.4, 0);
	assert_near(gp_local_side(&history, 10, 5), 0.8, 0);
	for (size_t i = 14; i < 17; i++)
		loss[i] = 1.0 / (double)i;
	history.n = 17;
	assert_near(gp_local_side(&history, 10, 2), 0.8, 0);
	history.n = 17 + 24; /* 0.8 halved six times */
	assert_near(gp_local_side(&history, 10, 2), 0.8 / 64, 1e-12);
	history.n = 17 + 28;
	assert_near(gp_local_side(&history, 10, 2), 0.8, 0);
}

/* Bytes that are no model of this space are as good as none. */
static void test_damaged_model(void **state)
{
	struct knowledge know;
	struct proposal a, b;
	struct error err = { 0 };
	struct arena arena;
	struct fake fake;
	double xa[2], xb[2];

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 6, square, NULL);
	run(&fake, 10, bowl);
	arena_init(&arena, 0);
	struct model damaged = { 1, 10, { "nonsense", 8 } }, none = { 1, 10, { NULL, 0 } };
	a.x = xa;
	b.x = xb;
	know = (struct knowledge){
		.view = &fake.view, .model = &damaged, .compute = fake_compute()
	};
	assert_int_equal(tuner_ask(&know, &arena, &a, &err), 0);
	know.model = &none;
	assert_int_equal(tuner_ask(&know, &arena, &b, &err), 0);
	assert_string_equal(a.arm, "model");
	assert_string_equal(b.arm, "model");
	assert_true(fabs(xa[0] - xb[0]) + fabs(xa[1] - xb[1]) < 1e-3);
	arena_release(&arena);
	fake_release(&fake);
}

static void test_options(void **state)
{
	static const char *const good[] = { "{\"acquisition\":\"ucb\",\"kappa\":5}",
		"{\"acquisition\":\"poi\",\"xi\":0.01}", "{\"acquisition\":\"ei\"}",
		"{\"noiseless\":true,\"trust_mask\":true}", "{\"no_candidates\":true}",
		"{\"n_candidates\":100000,\"n_starts\":250,\"min_noise\":0.01}" };
	struct proposal proposal;
	struct fake fake;

	(void)state;
	for (size_t k = 0; k < sizeof(good) / sizeof(good[0]); k++) {
		fake_init_tuner(&fake, k % 2 ? "Metis" : "GP", good[k], 7, square, NULL);
		run(&fake, 12, bowl);
		assert_int_equal(ask(&fake, NULL, &proposal), 0);
		assert_string_equal(proposal.arm, "model");
		fake_release(&fake);
	}
	fake_init_tuner(&fake, "gp", "{\"exploration_probability\":1}", 7, square, NULL);
	run(&fake, 12, bowl);
	assert_int_equal(ask(&fake, NULL, &proposal), 0);
	assert_string_equal(proposal.arm, "explore");
	fake_release(&fake);
}

static size_t faults_of(const char *options, const char *pointer)
{
	static struct faults faults;
	struct path at = { NULL, "tuner", 0 };
	struct fake fake;

	faults_init(&faults);
	fake_init_tuner(&fake, "gp", options, 1, square, NULL);
	tuner_gp.check(fake.view.spec, &at, &faults);
	if (faults.n)
		assert_string_equal(faults.items[0].pointer, pointer);
	fake_release(&fake);
	return faults.n;
}

static void test_check(void **state)
{
	(void)state;
	assert_int_equal(faults_of("{\"nu\":2.5,\"no_resampling\":true}", ""), 0);
	assert_int_equal(faults_of("{\"nu\":1.5}", "/tuner/options/nu"), 1);
	assert_int_equal(faults_of("{\"no_resampling\":false}", "/tuner/options/no_resampling"), 1);
}

/* Too little memory is an error, and what there is suffices in the end. */
static void test_memory(void **state)
{
	struct fake fake;
	bool done = false;

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 8, square, NULL);
	run(&fake, 12, bowl);
	assert_int_equal(fake_suggest(&fake, NULL), 0); /* one is pending */
	for (size_t limit = 1024; !done; limit += limit / 3) {
		struct knowledge know = {
			.view = &fake.view, .model = &fake.model, .compute = fake_compute()
		};
		struct error err = { 0 };
		struct proposal proposal;
		struct arena arena;
		double x[2] = { 0, 0 };

		arena_init(&arena, limit);
		proposal = (struct proposal){ .x = x };
		int code = tuner_ask(&know, &arena, &proposal, &err);
		assert_true(code == 0 || code == CODE_NO_MEMORY);
		done = code == 0;
		assert_true(limit < 64u << 20);
		arena_release(&arena);
	}
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_then_model),
		cmocka_unit_test(test_defaults_first),
		cmocka_unit_test(test_workspace),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_nothing_feasible),
		cmocka_unit_test(test_objectives),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_local_side),
		cmocka_unit_test(test_damaged_model),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests_name("gp", tests, NULL, NULL);
}
