#include "tests/unit/algorithms/assess_support.h"

#include "algorithms/assessors/curve_family.h"
#include "algorithms/assessors/curve_forecast.h"
#include "algorithms/assessors/curve_history.h"
#include "core/rng.h"

#define STEPS 30

/* Saturates from start towards end as x^-rate. */
static double saturating(double start, double end, double rate, int x)
{
	return end - (end - start) * pow(x, -rate);
}

/* shift + scale * value: scale < 0 for a loss. */
struct unit {
	const char *goal;
	double shift, scale;
};

static int64_t run_saturating(struct fake *fake, const struct unit *unit, double end, int n)
{
	double values[STEPS];
	for (int x = 1; x <= n; x++)
		values[x - 1] = unit->shift + unit->scale * saturating(0.1, end, 0.8, x);
	return assess_run(fake, 1, (size_t)n, values);
}

/* Ten completed trials with ends 0.3 .. 0.75. */
static void give_past(struct fake *fake, const struct unit *unit)
{
	for (int i = 0; i < 10; i++) {
		int64_t number = run_saturating(fake, unit, 0.3 + 0.05 * i, STEPS);
		fake_observe(fake, number, fake->view.trials[number].last_value);
	}
}

static const struct unit accuracy = { "maximize", 0, 1 };

static void goals_and_units(void **state)
{
	static const struct unit units[] = { { "maximize", 0, 1 }, { "maximize", -2, 1 },
		{ "maximize", 0, 1e12 }, { "minimize", 1, -1 }, { "minimize", 0, -1e-9 } };
	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct fake fake;
		const struct unit *unit = &units[i];
		assess_begin(&fake, "curve", unit->goal, "{}");
		assert_int_equal(assess_judge(&fake, run_saturating(&fake, unit, 0.2, 10)),
			VERDICT_CONTINUE); /* nobody has completed */
		give_past(&fake, unit);
		assert_int_equal(
			assess_judge(&fake, run_saturating(&fake, unit, 0.2, 10)), VERDICT_STOP);
		assert_non_null(strstr(reason, "after 10 reports"));
		assert_non_null(strstr(reason, "ended trials suggest"));
		assert_non_null(strstr(reason, "its own curve leads to"));
		assert_int_equal(assess_judge(&fake, run_saturating(&fake, unit, 0.8, 10)),
			VERDICT_CONTINUE);
		assert_int_equal(assess_judge(&fake, run_saturating(&fake, unit, 0.2, STEPS)),
			VERDICT_CONTINUE); /* nothing left to save */
		fake_release(&fake);
	}
}

/* Two checks, the first at the fourth report and at a tenth of the steps. */
static void when_it_judges(void **state)
{
	struct fake fake;
	(void)state;
	assess_begin(&fake, "curve", "maximize", "{}");
	give_past(&fake, &accuracy);
	for (int n = 0; n < 8; n++)
		assert_int_equal(assess_judge(&fake, run_saturating(&fake, &accuracy, 0.2, n)),
			n < 5 ? VERDICT_CONTINUE : VERDICT_STOP);
	fake_release(&fake);

	assess_begin(&fake, "curve", "maximize", "{\"max_steps\":100,\"start_step\":7}");
	give_past(&fake, &accuracy);
	for (int n = 5; n < 15; n++)
		assert_int_equal(assess_judge(&fake, run_saturating(&fake, &accuracy, 0.2, n)),
			n < 11 ? VERDICT_CONTINUE : VERDICT_STOP);
	fake_release(&fake);

	assess_begin(&fake, "curve", "maximize", "{\"min_trials\":11}");
	give_past(&fake, &accuracy);
	assert_int_equal(
		assess_judge(&fake, run_saturating(&fake, &accuracy, 0.2, 10)), VERDICT_CONTINUE);
	fake_release(&fake);
}

/* keep moves the bar: of ten results the best, or the fifth. */
static void keep_moves_the_bar(void **state)
{
	(void)state;
	for (int half = 0; half < 2; half++) {
		struct fake fake;
		assess_begin(&fake, "curve", "maximize", half ? "{\"keep\":0.5}" : "{\"keep\":0}");
		give_past(&fake, &accuracy);
		assert_int_equal(assess_judge(&fake, run_saturating(&fake, &accuracy, 0.6, 12)),
			half ? VERDICT_CONTINUE : VERDICT_STOP);
		fake_release(&fake);
	}
}

/* Steps that begin at 0, or come in strides, or as an attempt's: the same curve. */
static void steps_and_attempts(void **state)
{
	(void)state;
	for (int stride = 1; stride <= 1000; stride *= 1000)
		for (int first = 0; first <= 1; first++) {
			struct fake fake;
			int64_t number = 0;
			assess_begin(&fake, "curve", "maximize", "{}");
			for (int t = 0; t <= 10; t++) {
				assert_int_equal(fake_suggest(&fake, &number), 0);
				for (int x = 1; x <= (t < 10 ? STEPS : 8); x++)
					fake_report(&fake, number,
						first ? x * stride : (x - 1) * stride,
						saturating(0.1, t < 10 ? 0.3 + 0.05 * t : 0.2, 0.8,
							x));
				if (t < 10)
					fake_observe(
						&fake, number, fake.view.trials[number].last_value);
			}
			assert_int_equal(assess_judge(&fake, number), VERDICT_STOP);
			fake.view.trials[number].attempt++;
			assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE);
			fake_release(&fake);
		}
}

/* Every curve jumps by a third of its height at step 16: extrapolated, all are hopeless before; the
 * past knows better. */
static double jumping(double end, int x)
{
	return (x < 16 ? 0.7 : 1) * saturating(0.1, end, 1.2, x);
}

static void the_past_knows_of_jumps(void **state)
{
	double values[STEPS];
	struct fake fake;
	(void)state;
	assess_begin(&fake, "curve", "maximize", "{}");
	for (int t = 0; t < 12; t++) {
		double end = t < 10 ? 0.3 + 0.05 * t : t == 10 ? 0.72 : 0.35;
		for (int x = 1; x <= STEPS; x++)
			values[x - 1] = jumping(end, x);
		if (t < 10)
			fake_observe(&fake, assess_run(&fake, 1, STEPS, values), values[STEPS - 1]);
		else
			assert_int_equal(assess_judge(&fake, assess_run(&fake, 1, 12, values)),
				t == 10 ? VERDICT_CONTINUE : VERDICT_STOP);
	}
	fake_release(&fake);
}

/* ---- no curve of its own families is stopped whose end is the best ---- */

static double between(struct rng *rng, double low, double high)
{
	return low + (high - low) * rng_uniform(rng);
}

/* A rising curve of the family over STEPS steps. */
static void draw_curve(enum curve_family_index family, struct rng *rng, double *p)
{
	double end = between(rng, 0.6, 1), start = between(rng, 0, 0.3);
	double scale = between(rng, 1, STEPS / 2.0), power = between(rng, 0.5, 2);
	const double draws[CURVE_FAMILIES][CURVE_PARAMETERS] = {
		[CURVE_POWER3] = { end, end - start, power },
		[CURVE_LINEAR] = { end / STEPS, start },
		[CURVE_LOG_LINEAR] = { 0.2 * end, start },
		[CURVE_HILL] = { end, power, scale },
		[CURVE_LOG_POWER] = { end, log(scale), -power },
		[CURVE_POWER4] = { end, 1 / scale, 1 / (end - start) + 1, power },
		[CURVE_MMF] = { end, start, 1 / scale, power },
		[CURVE_EXP4] = { end, pow(scale, -power), log(end - start), power },
		[CURVE_INVERSE_LOG] = { end, 0.3 * end },
		[CURVE_WEIBULL] = { end, start, 1 / scale, power },
		[CURVE_JANOSCHEK] = { end, start, pow(scale, -power), power },
	};
	memcpy(p, draws[family], CURVE_PARAMETERS * sizeof(double));
}

/* The past: curves that begin higher and saturate sooner, but end lower. */
static void give_quick_past(
	struct fake *fake, struct rng *rng, double start, double end, bool reports)
{
	double values[STEPS];
	for (int t = 0; t < 12; t++) {
		double low = end - (end - start) * between(rng, 0.01, 0.5);
		double rate = between(rng, 0.5, 1.5), head = between(rng, 0, 0.8);
		for (int x = 1; x <= STEPS; x++)
			values[x - 1] = saturating(start + head * (low - start), low, rate, x);
		if (reports)
			fake_observe(fake, assess_run(fake, 1, STEPS, values), values[STEPS - 1]);
		else
			fake_seed(fake, "{\"x\":0.5}", values[STEPS - 1]);
	}
}

static void own_families_survive(void **state)
{
	(void)state;
	for (int f = 0; f < CURVE_FAMILIES; f++)
		for (uint64_t draw = 0; f != CURVE_VAPOR && draw < 8; draw++) {
			const struct curve_family *family = &curve_families[f];
			bool reports = draw % 2;
			double p[CURVE_PARAMETERS];
			struct fake fake;
			struct rng rng;
			int64_t number;
			rng_init(&rng, (uint64_t)f, RNG_TEST, draw);
			draw_curve((enum curve_family_index)f, &rng, p);
			assess_begin(
				&fake, "curve", "maximize", "{\"max_steps\":30,\"start_step\":5}");
			give_quick_past(
				&fake, &rng, family->value(p, 1), family->value(p, STEPS), reports);
			assert_int_equal(fake_suggest(&fake, &number), 0);
			for (int x = 1; x <= STEPS; x++) {
				fake_report(&fake, number, x, family->value(p, x));
				if (assess_judge(&fake, number) == VERDICT_STOP)
					fail_msg(
						"%s, draw %d: %s", family->name, (int)draw, reason);
			}
			fake_release(&fake);
		}
}

/* Without reports of others the extrapolation decides alone, if the number of steps is known. */
static void results_without_reports(void **state)
{
	(void)state;
	for (int known = 0; known < 2; known++) {
		struct fake fake;
		assess_begin(&fake, "curve", "maximize", known ? "{\"max_steps\":30}" : "{}");
		for (int i = 0; i < 8; i++)
			fake_seed(&fake, "{\"x\":0.5}", 0.5 + 0.05 * i);
		assert_int_equal(assess_judge(&fake, run_saturating(&fake, &accuracy, 0.3, 12)),
			known ? VERDICT_STOP : VERDICT_CONTINUE);
		assert_int_equal(assess_judge(&fake, run_saturating(&fake, &accuracy, 0.9, 12)),
			VERDICT_CONTINUE);
		fake_release(&fake);
	}
}

/* ---- the regression ---- */

/* Finals are 2 x best - 0.3 exactly; a stopped trial's is filled in, a diverged one bends nothing.
 */
static void regression_over_ended_trials(void **state)
{
	struct fake fake;
	struct arena arena;
	struct history history;
	struct prediction prediction;
	int64_t judged;
	(void)state;
	assess_begin(&fake, "curve", "minimize", "{}");
	for (int i = 0; i < 9; i++) {
		double value = 0.5 + 0.01 * i, values[] = { value, value, value + 0.1, value };
		if (i == 8)
			fake_stop(&fake, assess_run(&fake, 1, 2, values));
		else
			fake_observe(&fake, assess_run(&fake, 1, 4, values), 2 * value - 0.3);
	}
	assert_int_equal(fake_suggest(&fake, &judged), 0);
	arena_init(&arena, 0);
	assert_int_equal(
		history_read(&fake.view, view_trial(&fake.view, judged), 0, &arena, &history), 0);
	assert_true(history.horizon == 4 && history.columns == 4);
	assert_int_equal(history.n, 9);
	assert_int_equal(history.n_completed, 8);
	assert_int_equal(history_column(&history, 0.5), -1);
	assert_int_equal(history_column(&history, 2), 1);
	assert_int_equal(history_column(&history, 9), 3);
	assert_true(isnan(history.rows[8].final));
	history_fill(&history, 2);
	assert_true(isnan(history.rows[8].final));
	history_fill(&history, 1);
	assert_true(fabs(history.rows[8].final - (2 * 0.58 - 0.3)) < 1e-12);
	assert_true(history_predict(&history, 1, 0.55, &prediction));
	assert_true(fabs(prediction.mean - 0.8) < 1e-12 && prediction.df == 6);
	assert_true(prediction.sd < 1e-9);
	assert_true(fabs(history_bar(&history, 0) - 0.7) < 1e-12);
	assert_true(fabs(history_bar(&history, 0.25) - 0.74) < 1e-12); /* the third of nine */
	assert_true(fabs(history_reported_bar(&history, 0.25) - 0.52) < 1e-12);

	static const double diverged[] = { 0.6, 1e300, HUGE_VAL, HUGE_VAL };
	fake_observe(&fake, assess_run(&fake, 1, 4, diverged), HUGE_VAL);
	arena_reset(&arena);
	assert_int_equal(
		history_read(&fake.view, view_trial(&fake.view, judged), 0, &arena, &history), 0);
	history_fill(&history, 1);
	assert_true(history_predict(&history, 1, 0.55, &prediction));
	assert_true(fabs(prediction.mean - 0.8) < 0.1);
	arena_release(&arena);
	fake_release(&fake);
}

/* A forecast of a noisy power law: its sd is honest, and it needs no scale. */
static void forecasts_are_calibrated(void **state)
{
	int within = 0, runs = 200;
	(void)state;
	for (int r = 0; r < runs; r++) {
		double x[20], loss[20];
		struct forecast forecast;
		struct rng rng;
		rng_init(&rng, 5, RNG_TEST, (uint64_t)r);
		double end = between(&rng, 0.5, 0.9), rate = between(&rng, 0.3, 1.5);
		for (int i = 0; i < 20; i++) {
			x[i] = 10 * (i + 1);
			loss[i] = -1e5 *
				  (saturating(0.1, end, rate, i + 1) + 0.01 * rng_normal(&rng));
		}
		assert_true(curve_forecast(20, x, loss, 500, NULL, &forecast));
		double z = (-1e5 * saturating(0.1, end, rate, 50) - forecast.mean) / forecast.sd;
		within += fabs(z) < 2;
	}
	assert_true(within >= 0.9 * runs);
}

static void flat_and_short_curves_say_nothing(void **state)
{
	static const double x[] = { 1, 2, 3, 4, 5 }, flat[] = { 7, 7, 7, 7, 7 };
	static const double wide[] = { -1.7e308, 0, 1, 2, 1.7e308 };
	struct forecast forecast;
	(void)state;
	assert_false(curve_forecast(5, x, flat, 9, NULL, &forecast));
	assert_false(curve_forecast(3, x, x, 9, NULL, &forecast));
	assert_false(curve_forecast(5, x, wide, 9, NULL, &forecast));
}

/* ---- hostile reports ---- */

/* Everything ends in a verdict; a loss that is infinite from the start is stopped. */
static void odd_values(void **state)
{
	static const double shapes[][8] = { { 0 }, { 5, 5, 5, 5, 5, 5, 5, 5 },
		{ 1e308, -1e308, 1e308, -1e308, 1e308, -1e308, 1e308, -1e308 },
		{ (double)NAN, (double)NAN, (double)NAN, 1, 2, 3, 4, 5 },
		{ HUGE_VAL, -HUGE_VAL, 1, 2, 3, 4, 5, 6 }, { 0, 0, 0, 0, 0, 0, 0, 1e-300 } };
	static const double sunk[] = { HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL };
	static const struct unit loss = { "minimize", 1, -1 };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "curve", "minimize", "{}");
	give_past(&fake, &loss);
	assert_int_equal(assess_judge(&fake, assess_run(&fake, 1, 6, sunk)), VERDICT_STOP);
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		assess_values(&fake, 8, shapes[s]);
		for (double final = -HUGE_VAL; !isnan(final); final = final < 0		 ? 1e308
								      : final < HUGE_VAL ? HUGE_VAL
											 : nan(""))
			fake_observe(&fake, assess_run(&fake, 1, 8, shapes[s]), final);
		assess_judge(&fake, run_saturating(&fake, &loss, 0.2, 10));
	}
	fake_release(&fake);
}

/* A hundred thousand reports, last step first, of the judged trial and of a completed one. */
static void many_reports(void **state)
{
	enum { MANY = 100000 };
	struct fake fake;
	int64_t numbers[2];
	(void)state;
	assess_begin(&fake, "curve", "maximize", "{}");
	give_past(&fake, &accuracy);
	struct report *reports = calloc(MANY, sizeof(*reports));
	assert_non_null(reports);
	for (int i = 0; i < MANY; i++)
		reports[i] = (struct report){
			.step = MANY - i,
			.value = 0.1 + 1e-6 * i,
			.attempt = 1,
		};
	for (int t = 0; t < 2; t++) {
		numbers[t] = run_saturating(&fake, &accuracy, 0.2, 1);
		if (t == 0)
			fake_observe(&fake, numbers[t], 0.2);
	}
	struct trial saved[2];
	for (int t = 0; t < 2; t++) {
		struct trial *trial = &fake.view.trials[numbers[t]];
		saved[t] = *trial;
		trial->reports = reports;
		trial->n_reports = MANY - 10 * (uint32_t)t; /* the judged one is not at its end */
	}
	assess_judge(&fake, numbers[1]);
	for (int t = 0; t < 2; t++)
		fake.view.trials[numbers[t]] = saved[t];
	free(reports);
	fake_release(&fake);
}

/* The verdict depends on the view alone, not on trials judged before. */
static void no_state_between_trials(void **state)
{
	struct fake fake;
	char first[sizeof(reason)];
	(void)state;
	assess_begin(&fake, "curve", "maximize", "{}");
	give_past(&fake, &accuracy);
	int64_t a = run_saturating(&fake, &accuracy, 0.2, 10);
	int64_t b = run_saturating(&fake, &accuracy, 0.6, 20);
	assert_int_equal(assess_judge(&fake, a), VERDICT_STOP);
	memcpy(first, reason, sizeof(first));
	assess_judge(&fake, b);
	assess_judge(&fake, a);
	assert_string_equal(reason, first);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goals_and_units),
		cmocka_unit_test(when_it_judges),
		cmocka_unit_test(keep_moves_the_bar),
		cmocka_unit_test(steps_and_attempts),
		cmocka_unit_test(the_past_knows_of_jumps),
		cmocka_unit_test(own_families_survive),
		cmocka_unit_test(results_without_reports),
		cmocka_unit_test(regression_over_ended_trials),
		cmocka_unit_test(forecasts_are_calibrated),
		cmocka_unit_test(flat_and_short_curves_say_nothing),
		cmocka_unit_test(odd_values),
		cmocka_unit_test(many_reports),
		cmocka_unit_test(no_state_between_trials),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
