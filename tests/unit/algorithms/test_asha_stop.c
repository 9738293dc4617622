#include "tests/unit/algorithms/assess_support.h"

/* n reports of value, at steps 1, 2, ...; the verdict after the last. */
static enum verdict steady(struct fake *fake, size_t n, double value)
{
	double values[64];
	for (size_t i = 0; i < n; i++)
		values[i] = value;
	return assess_judge(fake, assess_run(fake, 1, n, values));
}

/* At a rung with n values the best max(1, n / 3) go on; nobody is judged off a rung. */
static void one_in_eta_goes_on(void **state)
{
	struct fake fake;
	(void)state;
	assess_begin(&fake, "asha", "maximize", "{\"min_resource\":2}");
	assert_int_equal(steady(&fake, 1, 0), VERDICT_CONTINUE);
	assert_int_equal(steady(&fake, 2, 5), VERDICT_CONTINUE); /* alone, hence the best */
	assert_int_equal(steady(&fake, 2, 4), VERDICT_STOP);
	assert_int_equal(steady(&fake, 2, 6), VERDICT_CONTINUE);
	assert_int_equal(steady(&fake, 2, 3), VERDICT_STOP);
	assert_int_equal(steady(&fake, 2, 5.5), VERDICT_STOP); /* second of 5 */
	assert_int_equal(
		steady(&fake, 2, 5.5), VERDICT_CONTINUE); /* of 6, with its equal: two go on */
	assert_int_equal(steady(&fake, 2, 5.4), VERDICT_STOP);
	assert_non_null(strstr(reason, "5.4 at the rung of 2 steps"));
	assert_non_null(strstr(reason, "behind 3 of 7 values"));
	assert_int_equal(steady(&fake, 3, 0), VERDICT_CONTINUE); /* off a rung */
	fake_release(&fake);
}

/* Rungs at 1, 3, 9, 27, each with its own values; none at max_resource. */
static void rungs_are_apart(void **state)
{
	struct fake fake;
	(void)state;
	assess_begin(&fake, "asha", "minimize", "{\"eta\":3,\"max_resource\":27}");
	for (size_t n = 1; n <= 27; n++)
		assert_int_equal(steady(&fake, n, 1), VERDICT_CONTINUE);
	for (size_t n = 1; n <= 30; n++) {
		bool rung = n == 1 || n == 3 || n == 9;
		assert_int_equal(steady(&fake, n, 2), rung ? VERDICT_STOP : VERDICT_CONTINUE);
	}
	fake_release(&fake);
}

/* A rung of 2.5^2 = 6.25 steps is reached at 7. */
static void broken_eta(void **state)
{
	struct fake fake;
	(void)state;
	assess_begin(&fake, "asha", "maximize", "{\"eta\":2.5,\"grace_period\":1}");
	steady(&fake, 7, 1);
	assert_int_equal(steady(&fake, 6, 0), VERDICT_CONTINUE);
	assert_int_equal(steady(&fake, 7, 0), VERDICT_STOP);
	fake_release(&fake);
}

/* Steps that begin at 0 are the same trial as steps that begin at 1. */
static void steps_from_zero(void **state)
{
	static const double good[] = { 1, 1, 1 }, bad[] = { 0, 0, 0 };
	(void)state;
	for (int64_t first = 0; first <= 1; first++) {
		struct fake fake;
		assess_begin(&fake, "asha", "maximize", "{\"min_resource\":3}");
		assess_run(&fake, first, 3, good);
		assert_int_equal(
			assess_judge(&fake, assess_run(&fake, first, 2, bad)), VERDICT_CONTINUE);
		assert_int_equal(
			assess_judge(&fake, assess_run(&fake, first, 3, bad)), VERDICT_STOP);
		fake_release(&fake);
	}
}

/* The first report at or after a rung stands for it, also among the others; a trial that skips
 * rungs is judged once, at the highest. */
static void skipped_rungs(void **state)
{
	struct fake fake;
	int64_t other, number;
	(void)state;
	assess_begin(&fake, "asha", "maximize", "{\"min_resource\":4,\"eta\":2}");
	assert_int_equal(fake_suggest(&fake, &other), 0);
	fake_report(&fake, other, 5, 3); /* for rung 4 */
	fake_report(&fake, other, 7, 9);
	fake_report(&fake, other, 20, 1); /* for rungs 8 and 16 */
	assert_int_equal(fake_suggest(&fake, &number), 0);
	fake_report(&fake, number, 6, 4);
	assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE); /* 4 against 3 */
	fake_report(&fake, number, 7, -4);
	assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE); /* decided before */
	fake_report(&fake, number, 40, 0); /* reaches 32, where nobody else is */
	assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE);
	assert_int_equal(fake_suggest(&fake, &number), 0);
	fake_report(&fake, number, 17, 0.5);
	assert_int_equal(assess_judge(&fake, number), VERDICT_STOP); /* rung 16: 1, 0 and 0.5 */
	assert_non_null(strstr(reason, "behind 1 of 3 values"));
	fake_release(&fake);
}

/* Trials count whatever became of them. */
static void ended_trials_count(void **state)
{
	static const double high[] = { 9 };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "asha", "maximize", "{}");
	fake_stop(&fake, assess_run(&fake, 1, 1, high));
	fake_fail(&fake, assess_run(&fake, 1, 1, high));
	fake_observe(&fake, assess_run(&fake, 1, 1, high), 9);
	assert_int_equal(steady(&fake, 1, 1), VERDICT_STOP);
	assert_non_null(strstr(reason, "behind 3 of 4 values"));
	fake_release(&fake);
}

/* A loss that is NaN fails a rung where others have a value at that step, and only there. */
static void odd_values(void **state)
{
	static const double nothing[] = { (double)NAN, (double)NAN }, infinite[] = { HUGE_VAL };
	struct fake fake;
	int64_t number;
	(void)state;
	assess_begin(&fake, "asha", "minimize", "{}");
	assert_int_equal(assess_values(&fake, 0, NULL), VERDICT_CONTINUE);
	number = assess_run(&fake, 1, 2, nothing); /* the objective comes every third step only */
	assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE);
	fake_report(&fake, number, 3, 5);
	assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE);
	assert_int_equal(assess_judge(&fake, assess_run(&fake, 1, 2, nothing)), VERDICT_CONTINUE);
	assert_int_equal(steady(&fake, 1, 7), VERDICT_STOP);
	assert_int_equal(assess_judge(&fake, assess_run(&fake, 1, 1, infinite)), VERDICT_STOP);
	assert_int_equal(assess_judge(&fake, assess_run(&fake, 1, 1, nothing)), VERDICT_STOP);
	assert_non_null(strstr(reason, "no value at step 1"));
	fake_release(&fake);
}

/* Reports of an older attempt do not count, neither the trial's nor the others'. */
static void retries(void **state)
{
	static const double high[] = { 9 }, low[] = { 1 };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "asha", "maximize", "{}");
	int64_t other = assess_run(&fake, 1, 1, high), number = assess_run(&fake, 1, 1, low);
	assert_int_equal(assess_judge(&fake, number), VERDICT_STOP);
	fake.view.trials[other].attempt++;
	assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE);
	fake.view.trials[number].attempt++;
	assert_int_equal(assess_judge(&fake, number), VERDICT_CONTINUE);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_in_eta_goes_on),
		cmocka_unit_test(rungs_are_apart),
		cmocka_unit_test(broken_eta),
		cmocka_unit_test(steps_from_zero),
		cmocka_unit_test(skipped_rungs),
		cmocka_unit_test(ended_trials_count),
		cmocka_unit_test(odd_values),
		cmocka_unit_test(retries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
