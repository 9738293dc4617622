#include "tests/unit/algorithms/assess_support.h"

#include "algorithms/assessors/curve_family.h"

/* Rises from 0.1 towards end as 1 - x^-0.8. */
static double rising(double end, int x)
{
	return 0.1 + (end - 0.1) * (1 - pow(x, -0.8));
}

/* A running trial that has reported shift + scale * rising(end, 1 .. n). */
static int64_t run_curve(struct fake *fake, double end, int n, double shift, double scale)
{
	int64_t number;
	assert_int_equal(fake_suggest(fake, &number), 0);
	for (int x = 1; x <= n; x++)
		fake_report(fake, number, x - 1, shift + scale * rising(end, x));
	return number;
}

/* A family with these parameters, fitted to its own noiseless values, predicts itself. */
static void families_fit_themselves(void **state)
{
	static const double truth[CURVE_FAMILIES][CURVE_PARAMETERS] = {
		{ -0.1, -1.2, 0.02 },
		{ 0.9, 0.6, 0.8 },
		{ 0.02, 0.3 },
		{ 0.12, 0.4 },
		{ 0.9, 1.2, 3 },
		{ 0.9, 0.8, -0.9 },
		{ 0.95, 0.8, 0.7, 0.9 },
		{ 0.9, 0.2, 0.25, 1.3 },
		{ 0.9, 0.4, -0.5, 0.8 },
		{ 0.95, 0.4 },
		{ 0.9, 0.2, 0.3, 0.9 },
		{ 0.9, 0.2, 0.35, 0.9 },
	};
	double x[15], y[15];
	(void)state;
	for (size_t f = 0; f < CURVE_FAMILIES; f++) {
		const struct curve_family *family = &curve_families[f];
		struct curve_fit fit;
		for (int i = 0; i < 15; i++) {
			x[i] = i + 1;
			y[i] = family->value(truth[f], x[i]);
		}
		curve_fit(family, 15, x, y, &fit);
		double end = family->value(fit.p, 30), expected = family->value(truth[f], 30);
		if (!(fabs(end - expected) < 2e-3))
			fail_msg("%s: %g for %g, sse %g", family->name, end, expected, fit.sse);
	}
}

/* Reference: least squares of a line has a closed form. */
static void line_is_least_squares(void **state)
{
	static const double x[] = { 1, 2, 3, 4, 5, 6 }, y[] = { 0.1, 0.35, 0.3, 0.55, 0.5, 0.7 };
	struct curve_fit fit;
	double sx = 0, sy = 0, sxx = 0, sxy = 0;
	(void)state;
	for (int i = 0; i < 6; i++) {
		sx += x[i];
		sy += y[i];
		sxx += x[i] * x[i];
		sxy += x[i] * y[i];
	}
	double slope = (6 * sxy - sx * sy) / (6 * sxx - sx * sx);
	curve_fit(&curve_families[2], 6, x, y, &fit);
	assert_string_equal(curve_families[2].name, "linear");
	assert_true(fabs(fit.p[0] - slope) < 1e-8);
	assert_true(fabs(fit.p[1] - (sy - slope * sx) / 6) < 1e-8);
}

/* Degenerate curves end in a verdict, not in NaN or a crash. */
static void degenerate_curves(void **state)
{
	static const double shapes[][8] = { { 0 }, { 5, 5, 5, 5, 5, 5, 5, 5 },
		{ 1, 0, 1, 0, 1, 0, 1, 0 }, { 9, 8, 7, 6, 5, 4, 3, 2 },
		{ 1e300, 1e301, 1e302, 1e303, 1e304, 1e305, 1e306, 1e307 },
		{ 0, 0, 0, 0, 0, 0, 0, 1e-300 }, { -1, -2, -4, -8, -16, -32, -64, -128 } };
	static const char *const goals[] = { "maximize", "minimize" };
	(void)state;
	for (size_t g = 0; g < 2; g++) {
		struct fake fake;
		assess_begin(&fake, "curvefitting", goals[g], "{}");
		fake_observe(&fake, run_curve(&fake, 0.5, 20, 0, 1), 0.5);
		for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
			assess_values(&fake, 8, shapes[s]);
		}
		fake_release(&fake);
	}
}

/* shift and scale map accuracies to what the experiment reports; scale < 0 is a loss. */
static void check_verdicts(const char *goal, double shift, double scale)
{
	struct fake fake;
	assess_begin(&fake, "curvefitting", goal, "{\"epoch_num\":20}");
	int64_t early = run_curve(&fake, 0.2, 10, shift, scale);
	assert_int_equal(assess_judge(&fake, early), VERDICT_CONTINUE); /* nobody has completed */
	double best = shift + scale * rising(0.9, 20);
	fake_observe(&fake, run_curve(&fake, 0.9, 20, shift, scale), best);
	assert_int_equal(
		assess_judge(&fake, run_curve(&fake, 0.3, 5, shift, scale)), VERDICT_CONTINUE);
	assert_int_equal(assess_judge(&fake, run_curve(&fake, 0.3, 8, shift, scale)), VERDICT_STOP);
	assert_non_null(strstr(reason, "8 reports"));
	char text[32];
	snprintf(text, sizeof(text), "has %.6g", best);
	assert_non_null(strstr(reason, text));
	assert_int_equal(
		assess_judge(&fake, run_curve(&fake, 0.95, 8, shift, scale)), VERDICT_CONTINUE);
	assert_int_equal(
		assess_judge(&fake, run_curve(&fake, 0.3, 20, shift, scale)), VERDICT_CONTINUE);
	fake_release(&fake);
}

static void goals_and_signs(void **state)
{
	(void)state;
	check_verdicts("maximize", 0, 1);
	check_verdicts("maximize", 0, 100);
	check_verdicts("maximize", -1, 1); /* negative rewards */
	check_verdicts("minimize", 1, -1); /* error rates */
	check_verdicts("minimize", 0, -1); /* negative losses */
}

static void threshold_and_gap(void **state)
{
	struct fake strict, lax;
	(void)state;
	assess_begin(&strict, "curvefitting", "maximize", "{\"threshold\":0.95}");
	assess_begin(&lax, "curvefitting", "maximize", "{\"threshold\":0.5,\"gap\":3}");
	fake_observe(&strict, run_curve(&strict, 0.9, 20, 0, 1), rising(0.9, 20));
	fake_observe(&lax, run_curve(&lax, 0.9, 20, 0, 1), rising(0.9, 20));
	assert_int_equal(assess_judge(&strict, run_curve(&strict, 0.7, 9, 0, 1)), VERDICT_STOP);
	assert_int_equal(assess_judge(&lax, run_curve(&lax, 0.7, 9, 0, 1)), VERDICT_CONTINUE);
	/* due at 6, 9, 12, ... */
	assert_int_equal(assess_judge(&lax, run_curve(&lax, 0.2, 8, 0, 1)), VERDICT_CONTINUE);
	assert_int_equal(assess_judge(&lax, run_curve(&lax, 0.2, 9, 0, 1)), VERDICT_STOP);
	fake_release(&strict);
	fake_release(&lax);
}

/* The verdict and its reason depend on the view and the stream alone, not on trials judged before
 * (NNI kept fitted parameters between trials). */
static void no_state_between_trials(void **state)
{
	struct fake fake;
	char first[sizeof(reason)];
	(void)state;
	assess_begin(&fake, "curvefitting", "maximize", "{}");
	fake_observe(&fake, run_curve(&fake, 0.9, 20, 0, 1), 0.9);
	int64_t a = run_curve(&fake, 0.3, 8, 0, 1), b = run_curve(&fake, 0.6, 12, 3, 0.01);
	assess_judge(&fake, a);
	memcpy(first, reason, sizeof(first));
	assess_judge(&fake, b);
	assess_judge(&fake, a);
	assert_string_equal(reason, first);
	fake_release(&fake);
}

/* A curve of a thousand reports is thinned, not refused. */
static void long_curves(void **state)
{
	struct fake fake;
	(void)state;
	assess_begin(&fake, "curvefitting", "maximize", "{\"epoch_num\":2000}");
	fake_observe(&fake, run_curve(&fake, 0.9, 20, 0, 1), 0.9);
	assert_int_equal(assess_judge(&fake, run_curve(&fake, 0.3, 1000, 0, 1)), VERDICT_STOP);
	assert_non_null(strstr(reason, "1000 reports"));
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_fit_themselves),
		cmocka_unit_test(line_is_least_squares),
		cmocka_unit_test(degenerate_curves),
		cmocka_unit_test(goals_and_signs),
		cmocka_unit_test(threshold_and_gap),
		cmocka_unit_test(no_state_between_trials),
		cmocka_unit_test(long_curves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
