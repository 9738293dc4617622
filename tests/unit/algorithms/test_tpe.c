#include "tests/unit/algorithms/support.h"

#include "algorithms/tuners/parzen.h"
#include "algorithms/tuners/tpe_history.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"

/* A running trial at x. */
static int64_t place_at(struct fake *fake, const double *x)
{
	struct buffer text;
	buffer_init(&text, LIMIT_BODY_BYTES);
	space_write(fake->view.spec->space, x, &text);
	int64_t number = fake_place_json(fake, buffer_text(&text));
	buffer_release(&text);
	return number;
}

static const char mixed_space[] =
	"{\"lr\":{\"_type\":\"loguniform\",\"_value\":[1e-5,1]},"
	"\"units\":{\"_type\":\"randint\",\"_value\":[1,65]},"
	"\"act\":{\"_type\":\"choice\",\"_value\":[\"relu\",\"tanh\",\"gelu\"]},"
	"\"noise\":{\"_type\":\"normal\",\"_value\":[2,3]},"
	"\"q\":{\"_type\":\"quniform\",\"_value\":[1,11,2.5]},"
	"\"ln\":{\"_type\":\"qlognormal\",\"_value\":[0,1,0.5]},"
	"\"size\":{\"_type\":\"ordinal\",\"_value\":[8,16,32]},"
	"\"one\":{\"_type\":\"choice\",\"_value\":[\"only\"]},"
	"\"pinned\":{\"_type\":\"fixed\",\"_value\":7}}";

static const char nested_space[] =
	"{\"op\":{\"_type\":\"choice\",\"_value\":["
	"{\"_name\":\"conv\",\"k\":{\"_type\":\"randint\",\"_value\":[1,8]},"
	"\"mode\":{\"_type\":\"choice\",\"_value\":["
	"{\"_name\":\"same\"},{\"_name\":\"pad\",\"p\":{\"_type\":\"uniform\",\"_value\":[0,1]}}]}}"
	","
	"{\"_name\":\"pool\",\"size\":{\"_type\":\"quniform\",\"_value\":[0,4,0.5]}},"
	"{\"_name\":\"none\"}]},"
	"\"rate\":{\"_type\":\"uniform\",\"_value\":[0,1]}}";

/* One run over every kind of parameter: each proposal valid, and the same when asked again or on
 * the view rebuilt from its log. */
static void check_run(const char *space, const char *options, size_t trials)
{
	struct fake fake;
	fake_init_tuner(&fake, "tpe", options, 11, space, NULL);
	for (size_t t = 0; t < trials; t++) {
		int64_t number;
		if (t % 7 == 0)
			assert_int_equal(fake_check_replay(&fake), 0);
		assert_int_equal(fake_suggest(&fake, &number), 0);
		const struct trial *trial = view_trial(&fake.view, number);
		assert_true(space_contains(fake.view.spec->space, trial->x));
		if (t % 9 == 8)
			fake_fail(&fake, number);
		else if (t % 9 == 7)
			fake_observe(&fake, number, t % 2 ? (double)INFINITY : (double)NAN);
		else if (t % 9 != 6) /* the rest stay pending */
			fake_observe(&fake, number, sin((double)t * 1.7));
	}
	fake_release(&fake);
}

static void every_parameter_type(void **state)
{
	(void)state;
	check_run(mixed_space, NULL, 45);
	check_run(mixed_space, "{\"multivariate\":false}", 30);
	check_run(mixed_space, "{\"variant\":\"parity\"}", 45);
	check_run(mixed_space, "{\"constant_liar_type\":\"mean\",\"split\":\"sqrt\"}", 30);
}

static void nested_spaces(void **state)
{
	(void)state;
	check_run(nested_space, NULL, 60);
	check_run(nested_space, "{\"group\":false}", 40);
	check_run(nested_space, "{\"variant\":\"parity\",\"n_startup\":5}", 40);
}

/* NNI's names for the options are the options. */
static void aliases(void **state)
{
	struct fake fake;
	(void)state;
	fake_init_tuner(
		&fake, "TPE", "{\"n_startup_jobs\":3,\"n_ei_candidates\":5}", 1, LINE, NULL);
	assert_int_equal(option_int(&fake.view.spec->tuner_options, "n_startup"), 3);
	assert_int_equal(option_int(&fake.view.spec->tuner_options, "n_candidates"), 5);
	fake_release(&fake);
}

/* Only ranks matter: a strictly increasing transform of the losses changes nothing. */
static double ask_after(double (*transform)(double))
{
	struct fake fake;
	double x;
	fake_init_tuner(&fake, "tpe", NULL, 3, LINE, NULL);
	for (int t = 0; t < 40; t++) {
		double at = fmod(t * 0.6180339887, 1.0), loss = (at - 0.3) * (at - 0.3);
		int64_t number = place_at(&fake, &at);
		fake_observe(&fake, number, transform(loss));
	}
	assert_int_equal(fake_ask(&fake.view, &x), 0);
	fake_release(&fake);
	return x;
}

static double as_is(double loss)
{
	return loss;
}

static double stretched(double loss)
{
	return -1e3 + exp(9 * loss);
}

static double flattened(double loss)
{
	return loss > 0.2 ? (double)INFINITY : log(loss + 1e-9);
}

static void ranks_are_all_that_counts(void **state)
{
	(void)state;
	double x = ask_after(as_is);
	assert_true(ask_after(stretched) == x);
	assert_true(ask_after(flattened) == x);
	assert_true(fabs(x - 0.3) < 0.2);
}

/* With the good ones around 1/4 and 3/4, ask under many seeds; pending trials at 1/4 must send the
 * proposals to 3/4. Answers the share near 1/4. */
static double share_near(size_t pending, const char *liar)
{
	static const double good[] = { 0.24, 0.25, 0.26, 0.74, 0.75, 0.76 };
	int near = 0;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct fake fake;
		char options[128];
		double x;
		snprintf(options, sizeof(options), "{\"constant_liar_type\":\"%s\"}", liar);
		fake_init_tuner(&fake, "tpe", options, seed, LINE, NULL);
		for (int t = 0; t < 60; t++) {
			double at = t < 6 ? good[t] : fmod(t / 2 * 0.6180339887, 1.0);
			if (t >= 6 && t % 2)
				at = 1 - at; /* the bad ones favour neither side */
			fake_observe(&fake, place_at(&fake, &at), t < 6 ? 0 : 1);
		}
		for (size_t p = 0; p < pending; p++) {
			double at = 0.23 + 0.04 * ((double)p + 0.5) / (double)pending;
			place_at(&fake, &at);
		}
		assert_int_equal(fake_ask(&fake.view, &x), 0);
		near += fabs(x - 0.25) < 0.1;
		fake_release(&fake);
	}
	return near / 40.0;
}

static void pending_trials_repel(void **state)
{
	(void)state;
	double alone = share_near(0, "auto");
	assert_true(alone > 0.15);
	assert_true(share_near(8, "auto") < 0.4 * alone);
	assert_true(share_near(8, "none") > 0.5 * alone);
}

/* log l - log g at x, from the parts the tuner is made of. */
static double acquisition_at(const struct view *view, enum tpe_liar liar, double x)
{
	static const struct tpe_split_rule split = { .gamma = 0.1, .below_max = 25 };
	static const struct parzen_rule rule = { .prior_weight = 1, .forgetting = 25 };
	struct tpe_history history;
	struct tpe_side sides[2];
	struct arena arena;
	struct axis axis;
	double density[2];

	arena_init(&arena, 0);
	axis_init(&axis, &view->spec->space->parameters[0], false);
	assert_int_equal(tpe_history_init(&history, view, liar, &arena), 0);
	assert_int_equal(tpe_history_split(&history, 0, &split, &arena, &sides[0], &sides[1]), 0);
	for (int i = 0; i < 2; i++) {
		struct parzen parzen;
		assert_int_equal(parzen_init(&parzen, sides[i].n, sides[i].points,
					 sides[i].multiplicity, &rule, 0, 1, &arena),
			0);
		parzen_fit(&parzen, &axis, 0);
		parzen_score(&parzen, &x, &x);
		density[i] = parzen_log_density(&parzen, 0);
	}
	arena_release(&arena);
	return density[0] - density[1];
}

/* A pending trial at x strictly lowers the acquisition at x; the lie that it will be the best does
 * not, which is why it is not the default. */
static void pending_lowers_acquisition(void **state)
{
	struct fake fake;
	(void)state;
	fake_init_tuner(&fake, "tpe", NULL, 1, LINE, NULL);
	for (int t = 0; t < 30; t++) {
		double at = fmod(t * 0.6180339887, 1.0);
		fake_observe(&fake, place_at(&fake, &at), fabs(at - 0.4));
	}
	for (int i = 0; i < 20; i++) {
		double x = (i + 0.5) / 20, before = acquisition_at(&fake.view, LIAR_ABOVE, x);
		int64_t number = place_at(&fake, &x);
		assert_true(acquisition_at(&fake.view, LIAR_ABOVE, x) < before);
		assert_true(acquisition_at(&fake.view, LIAR_NONE, x) == before);
		assert_true(acquisition_at(&fake.view, LIAR_BEST, x) > before);
		fake_cancel(&fake, number);
	}
	fake_release(&fake);
}

/* Trials stopped early rank behind results, infeasible ones behind those, failures last: with one
 * good trial wanted, it is the result however bad, else the one that got furthest ... */
static double ask_with(void (*history)(struct fake *), const char *more)
{
	struct fake fake;
	double x;
	fake_init_tuner(&fake, "tpe", "{\"n_startup\":1,\"n_candidates\":200,\"gamma\":0.01}", 5,
		LINE, more);
	history(&fake);
	assert_int_equal(fake_ask(&fake.view, &x), 0);
	fake_release(&fake);
	return x;
}

static void place_line(
	struct fake *fake, double from, double to, void (*end)(struct fake *, int64_t))
{
	for (int i = 0; i < 12; i++) {
		double at = from + (to - from) * i / 11;
		end(fake, place_at(fake, &at));
	}
}

static void stop_late(struct fake *fake, int64_t number)
{
	fake_report(fake, number, 9, 100);
	fake_stop(fake, number);
}

static void stop_soon(struct fake *fake, int64_t number)
{
	fake_report(fake, number, 2, -5);
	fake_stop(fake, number);
}

static void result_and_stopped(struct fake *fake)
{
	double good = 0.9;
	place_line(fake, 0, 0.6, stop_late);
	place_line(fake, 0, 0.6, stop_soon);
	fake_observe(fake, place_at(fake, &good), 1e9);
}

static void stopped_late_and_soon(struct fake *fake)
{
	double good = 0.9;
	place_line(fake, 0, 0.6, stop_soon);
	stop_late(fake, place_at(fake, &good));
}

static void stopped_and_failed(struct fake *fake)
{
	double good = 0.9;
	place_line(fake, 0, 0.6, fake_fail);
	stop_soon(fake, place_at(fake, &good));
}

static void order_of_ends(void **state)
{
	(void)state;
	assert_true(fabs(ask_with(result_and_stopped, NULL) - 0.9) < 0.15);
	assert_true(fabs(ask_with(stopped_late_and_soon, NULL) - 0.9) < 0.15);
	assert_true(fabs(ask_with(stopped_and_failed, NULL) - 0.9) < 0.15);
}

static void observe_infeasible(struct fake *fake, int64_t number)
{
	const struct metric metrics[] = { { "default", -100, (double)NAN },
		{ "memory", 50 + (double)number, (double)NAN } };
	struct event event;
	struct error err = { 0 };
	event_init(&event, EVENT_OBSERVED, number);
	event.version = fake->view.counts.version + 1;
	event.attempt = 1;
	event.at_ms = fake->clock_ms += 1000;
	event.metrics = metrics;
	event.n_metrics = 2;
	assert_int_equal(view_apply(&fake->view, &event, &err), 0);
}

static void infeasible_and_stopped(struct fake *fake)
{
	double good = 0.9;
	place_line(fake, 0, 0.6, observe_infeasible);
	stop_soon(fake, place_at(fake, &good));
}

static void infeasible_are_not_good(void **state)
{
	static const char more[] = ",\"constraints\":[{\"metric\":\"memory\",\"max\":10}]";
	(void)state;
	assert_true(fabs(ask_with(infeasible_and_stopped, more) - 0.9) < 0.15);
}

/* Lies and failures do not end the startup; results do. */
static void startup_counts_results(void **state)
{
	struct fake fake, none;
	double x, random;
	(void)state;
	fake_init_tuner(&fake, "tpe", "{\"variant\":\"parity\",\"n_startup\":4}", 9, LINE, NULL);
	for (int t = 0; t < 20; t++) {
		double at = t / 20.0;
		int64_t number = place_at(&fake, &at);
		if (t < 3)
			fake_observe(&fake, number, at);
		else if (t < 10)
			fake_fail(&fake, number);
	}
	assert_int_equal(fake_ask(&fake.view, &x), 0);
	fake_init_tuner(&none, "random", NULL, 9, LINE, NULL);
	for (int t = 0; t < 20; t++) {
		double at = t / 20.0;
		place_at(&none, &at);
	}
	assert_int_equal(fake_ask(&none.view, &random), 0);
	assert_true(x == random);
	fake_observe(&fake, 15, 0.5);
	assert_int_equal(fake_ask(&fake.view, &x), 0);
	assert_true(x != random);
	fake_release(&fake);
	fake_release(&none);
}

static double taxicab(const struct space *space, const double *x)
{
	double sum = 0;
	for (size_t i = 0; i < space->n; i++)
		sum += fabs(x[i] - 2);
	return sum;
}

/* A finite space is walked to its end without a repeat, workers in parallel. */
static void finite_space_to_the_end(void **state)
{
	struct fake fake;
	(void)state;
	fake_init_tuner(&fake, "tpe", NULL, 2,
		"{\"a\":{\"_type\":\"choice\",\"_value\":[0,1,2,3]},"
		"\"b\":{\"_type\":\"randint\",\"_value\":[0,5]},"
		"\"c\":{\"_type\":\"bool\"}}",
		NULL);
	assert_int_equal(fake_drain(&fake, 3, 40, taxicab), 40);
	fake_release(&fake);
}

static void constrained_space(void **state)
{
	struct fake fake;
	(void)state;
	fake_init_tuner(&fake, "tpe", NULL, 4,
		"{\"a\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		"\"b\":{\"_type\":\"uniform\",\"_value\":[0,1]}}",
		",\"parameter_constraints\":[\"a + b <= 0.4\"]");
	for (int t = 0; t < 40; t++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		const double *x = view_trial(&fake.view, number)->x;
		assert_true(x[0] + x[1] <= 0.4);
		fake_observe(&fake, number, -x[0] - x[1]); /* pulls over the border */
	}
	fake_release(&fake);
}

/* A thousand parameters: finite, and in an arena of a size a server can spare. */
static void a_thousand_parameters(void **state)
{
	struct fake fake;
	struct arena arena;
	struct error err = { 0 };
	char *text = malloc(1000 * 64), *end = text;
	(void)state;
	*end++ = '{';
	for (int i = 0; i < 1000; i++)
		end += snprintf(end, 64, "%s\"p%d\":{\"_type\":\"uniform\",\"_value\":[0,1]}",
			i ? "," : "", i);
	memcpy(end, "}", 2);
	fake_init_tuner(&fake, "tpe", NULL, 6, text, NULL);
	struct proposal proposal = { .x = calloc(1000, sizeof(double)) };
	for (int t = 0; t < 30; t++) {
		for (int i = 0; i < 1000; i++)
			proposal.x[i] = fmod((t + 1) * (i + 1) * 0.6180339887, 1.0);
		fake_observe(&fake, place_at(&fake, proposal.x), proposal.x[0]);
	}
	arena_init(&arena, 16u << 20);
	assert_int_equal(
		tuner_ask(&(struct knowledge){ .view = &fake.view }, &arena, &proposal, &err), 0);
	assert_true(space_contains(fake.view.spec->space, proposal.x));
	assert_true(isfinite(proposal.acquisition));
	assert_string_equal(proposal.arm, "model");

	/* and too small a one is an error, not a crash */
	arena_release(&arena);
	arena_init(&arena, 64u << 10);
	assert_int_equal(
		tuner_ask(&(struct knowledge){ .view = &fake.view }, &arena, &proposal, &err),
		CODE_NO_MEMORY);
	arena_release(&arena);
	fake_release(&fake);
	free(proposal.x);
	free(text);
}

/* Old news: beyond the limit the bad side is thinned, and the proposals still go where the good
 * ones are. */
static void a_long_history(void **state)
{
	struct fake fake;
	double x;
	(void)state;
	fake_init_tuner(&fake, "tpe", NULL, 8, LINE, NULL);
	for (int t = 0; t < 5000; t++) {
		double at = fmod(t * 0.6180339887, 1.0);
		fake_observe(&fake, place_at(&fake, &at), fabs(at - 0.25));
	}
	assert_int_equal(fake_ask(&fake.view, &x), 0);
	assert_true(fabs(x - 0.25) < 0.05);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_parameter_type),
		cmocka_unit_test(nested_spaces),
		cmocka_unit_test(aliases),
		cmocka_unit_test(ranks_are_all_that_counts),
		cmocka_unit_test(pending_trials_repel),
		cmocka_unit_test(pending_lowers_acquisition),
		cmocka_unit_test(order_of_ends),
		cmocka_unit_test(infeasible_are_not_good),
		cmocka_unit_test(startup_counts_results),
		cmocka_unit_test(finite_space_to_the_end),
		cmocka_unit_test(constrained_space),
		cmocka_unit_test(a_thousand_parameters),
		cmocka_unit_test(a_long_history),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
