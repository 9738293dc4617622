#include "tests/unit/algorithms/assess_support.h"

/* The best trial: instance i has the value i + 1. */
static void best_is(struct fake *fake, size_t n)
{
	double values[64];
	for (size_t i = 0; i < n; i++)
		values[i] = (double)i + 1;
	fake_observe(fake, assess_run(fake, 0, n, values), 100);
}

/* The p of the last reason. */
static double p_of(void)
{
	const char *at = strstr(reason, "p = ");
	assert_non_null(at);
	return strtod(at + 4, NULL);
}

/* Worse by a different amount on each of n instances: p = 2^-n, exactly. */
static void exact_null_distribution(void **state)
{
	double values[8];
	(void)state;
	for (size_t n = 1; n <= 8; n++) {
		struct fake fake;
		assess_begin(&fake, "wilcoxon", "maximize", "{}");
		best_is(&fake, 20);
		for (size_t i = 0; i < n; i++)
			values[i] = (double)i + 1 - 0.1 * (double)(i + 1);
		enum verdict verdict = assess_values(&fake, n, values);
		assert_int_equal(verdict, n >= 4 ? VERDICT_STOP : VERDICT_CONTINUE);
		if (n >= 4)
			assert_true(fabs(p_of() - ldexp(1, -(int)n)) < 5e-3 * ldexp(1, -(int)n));
		fake_release(&fake);
	}
}

/* Differences 0.1 .. 0.9 but that of rank 4 in favour: W = 41 of 45; 7 of the 512 subsets of 1 .. 9
 * leave out at most 4 (none, 1, 2, 3, 1+2, 4, 1+3). */
static void one_instance_better(void **state)
{
	double values[9];
	struct fake fake;
	(void)state;
	assess_begin(&fake, "wilcoxon", "minimize", "{}");
	for (size_t i = 0; i < 9; i++)
		values[i] = 5;
	fake_observe(&fake, assess_run(&fake, 0, 9, values), 5);
	for (size_t i = 0; i < 9; i++)
		values[i] = 5 + (i == 3 ? -0.1 : 0.1) * (double)(i + 1);
	assert_int_equal(assess_values(&fake, 9, values), VERDICT_STOP);
	assert_true(fabs(p_of() - 7.0 / 512) < 1e-4);
	assert_non_null(strstr(reason, "on 9 instances"));
	assert_non_null(strstr(reason, "trial 0"));
	fake_release(&fake);
}

/* With ties and zeros, by hand: differences 0, 0, 1, 1, 1, 1. Ranks 1.5, 1.5, 4.5 (four times);
 * half of the zeros' 3 joins the 18: 19.5. Mean 10.5, variance 6 7 13 / 24 - (6 + 60) / 48 =
 * 21.375; z = 9 / 4.6233 = 1.9466; P = 0.02579. */
static void ties_and_zeros(void **state)
{
	static const double best[] = { 3, 4, 5, 6, 7, 8 }, own[] = { 3, 4, 6, 7, 8, 9 };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "wilcoxon", "minimize", "{}");
	fake_observe(&fake, assess_run(&fake, 0, 6, best), 5);
	assert_int_equal(assess_values(&fake, 6, best), VERDICT_CONTINUE); /* all zeros */
	assert_int_equal(assess_values(&fake, 6, own), VERDICT_STOP);
	assert_true(fabs(p_of() - 0.02579) < 1e-4);
	fake_release(&fake);
}

/* Worse on nearly every instance but better on average: it would be the best, were it to end. */
static void a_better_mean_is_never_stopped(void **state)
{
	double values[12];
	(void)state;
	for (int better = 0; better < 2; better++) {
		struct fake fake;
		assess_begin(&fake, "wilcoxon", "maximize", "{}");
		best_is(&fake, 12);
		for (size_t i = 0; i < 12; i++)
			values[i] = (double)i + 1 - 0.1 * (double)(i + 1);
		values[11] = better ? 100 : 12.05;
		assert_int_equal(
			assess_values(&fake, 12, values), better ? VERDICT_CONTINUE : VERDICT_STOP);
		fake_release(&fake);
	}
}

/* So is one ahead of the best trial's mean over all instances, though behind on those in common. */
static void easy_instances_first(void **state)
{
	static const double best[] = { 9, 9, 9, 9, 9, 0, 0, 0, 0, 0 };
	static const double own[] = { 8.9, 8.8, 8.7, 8.6, 8.5 };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "wilcoxon", "maximize", "{}");
	fake_observe(&fake, assess_run(&fake, 0, 10, best), 4.5);
	assert_int_equal(assess_values(&fake, 5, own), VERDICT_CONTINUE);
	fake_release(&fake);
}

/* Instances are matched by number, whatever the order, and only common ones count. */
static void instances_are_matched(void **state)
{
	static const int64_t order[] = { 7, 2, 40, 5, 3, 41, 6 };
	struct fake fake;
	int64_t number;
	(void)state;
	assess_begin(&fake, "wilcoxon", "maximize", "{\"n_startup_steps\":5}");
	best_is(&fake, 10);
	assert_int_equal(fake_suggest(&fake, &number), 0);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE);
		fake_report(
			&fake, number, order[i], (double)order[i] / 2 - (order[i] > 30 ? 90 : 0));
	}
	assert_int_equal(assess_judge(&fake, number), VERDICT_STOP); /* at the fifth in common */
	assert_non_null(strstr(reason, "on 5 instances"));
	fake_release(&fake);
}

static void options_and_odd_values(void **state)
{
	static const double worse[] = { 0.9, 1.8, 2.7, 3.6, 4.5 };
	static const double nothing[] = { (double)NAN, (double)NAN, (double)NAN };
	static const double sunk[] = { -HUGE_VAL, -HUGE_VAL, -HUGE_VAL, -HUGE_VAL, -HUGE_VAL };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "wilcoxon", "maximize", "{\"p_threshold\":0.02}");
	assert_int_equal(assess_values(&fake, 5, worse), VERDICT_CONTINUE); /* no best */
	fake_seed(&fake, "{\"x\":0.5}", 50);
	assert_int_equal(assess_values(&fake, 5, worse), VERDICT_CONTINUE); /* without reports */
	best_is(&fake, 20);
	assert_int_equal(assess_values(&fake, 5, worse), VERDICT_CONTINUE); /* p = 1/32 */
	assert_int_equal(assess_values(&fake, 3, nothing), VERDICT_CONTINUE);
	assert_int_equal(assess_values(&fake, 0, NULL), VERDICT_CONTINUE);
	fake_release(&fake);

	assess_begin(&fake, "wilcoxon", "maximize", "{}");
	best_is(&fake, 20);
	assert_int_equal(assess_values(&fake, 5, sunk), VERDICT_STOP);
	int64_t number = assess_run(&fake, 0, 5, worse);
	assert_int_equal(assess_judge(&fake, number), VERDICT_STOP);
	fake.view.trials[number].attempt++; /* nothing reported yet */
	assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_null_distribution),
		cmocka_unit_test(one_instance_better),
		cmocka_unit_test(ties_and_zeros),
		cmocka_unit_test(a_better_mean_is_never_stopped),
		cmocka_unit_test(easy_instances_first),
		cmocka_unit_test(instances_are_matched),
		cmocka_unit_test(options_and_odd_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
