#include "tests/unit/algorithms/assess_support.h"

static void strictly_worse_is_stopped(void **state)
{
	static const double equal[] = { 1, 3 }, worse[] = { 2.9, 2 }, better[] = { 0, 3.1 };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "medianstop", "maximize", "{}");
	assert_int_equal(assess_values(&fake, 2, worse), VERDICT_CONTINUE); /* nothing to compare */
	for (int i = 1; i <= 5; i++)
		assess_complete(&fake, 4, i); /* median 3 */
	assert_int_equal(assess_values(&fake, 2, equal), VERDICT_CONTINUE);
	assert_int_equal(assess_values(&fake, 2, better), VERDICT_CONTINUE);
	assert_int_equal(assess_values(&fake, 2, worse), VERDICT_STOP);
	assert_non_null(strstr(reason, "2.9"));
	assert_non_null(strstr(reason, "worse than 3,"));
	assert_non_null(strstr(reason, "5 completed trials"));
	assert_non_null(strstr(reason, "step 1"));
	fake_release(&fake);
}

/* The same mirrored: every verdict must be. */
static void both_goals_mirror(void **state)
{
	struct fake up, down;
	(void)state;
	assess_begin(&up, "medianstop", "maximize", "{}");
	assess_begin(&down, "medianstop", "minimize", "{}");
	for (int i = 0; i < 7; i++) {
		double value = fmod(i * 0.618, 1) - 0.4;
		assess_complete(&up, 5, value);
		assess_complete(&down, 5, -value);
	}
	int stopped = 0;
	for (int i = 0; i < 20; i++) {
		double values[3], mirrored[3];
		for (int j = 0; j < 3; j++) {
			values[j] = fmod(i * 0.4142, 1) - 0.5 + 0.01 * j;
			mirrored[j] = -values[j];
		}
		enum verdict verdict = assess_values(&up, 3, values);
		assert_int_equal(assess_values(&down, 3, mirrored), verdict);
		stopped += verdict == VERDICT_STOP;
	}
	assert_true(stopped > 0 && stopped < 20);
	fake_release(&up);
	fake_release(&down);
}

/* The running average up to the step counts, not the value at it: 0, 0, 9 average 3. */
static void averages_are_running(void **state)
{
	static const double late_bloomer[] = { 0, 0, 9 }, a[] = { 2.9, 2.9, 2.9 }, b[] = { 3.1 };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "medianstop", "maximize", "{}");
	fake_observe(&fake, assess_run(&fake, 0, 3, late_bloomer), 9);
	assert_int_equal(assess_values(&fake, 3, a), VERDICT_STOP);
	assert_int_equal(assess_values(&fake, 2, a), VERDICT_CONTINUE); /* average 0 so far */
	assert_int_equal(assess_values(&fake, 1, b), VERDICT_CONTINUE);
	fake_release(&fake);
}

static void start_step_and_min_trials(void **state)
{
	static const double bad[] = { 0, 0, 0, 0, 0 };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "medianstop", "maximize", "{\"start_step\":3,\"min_trials\":2}");
	assess_complete(&fake, 6, 5);
	assert_int_equal(assess_values(&fake, 5, bad), VERDICT_CONTINUE);
	assess_complete(&fake, 6, 5);
	assert_int_equal(assess_values(&fake, 2, bad), VERDICT_CONTINUE);
	assert_int_equal(assess_values(&fake, 3, bad), VERDICT_STOP);
	assess_complete(&fake, 2, 1); /* too short to compare with at step 4 */
	assess_complete(&fake, 2, -9);
	assess_complete(&fake, 2, -9);
	assert_int_equal(assess_values(&fake, 5, bad), VERDICT_STOP);
	fake_release(&fake);
}

/* Of two, the mean lies between; NNI takes the worse one in either direction. */
static void even_numbers(void **state)
{
	static const double between[] = { 2.5 }, low[] = { 1.5 };
	(void)state;
	for (int lenient = 0; lenient < 2; lenient++) {
		struct fake up, down;
		const char *options = lenient ? "{\"median\":\"lenient\"}" : "{}";
		assess_begin(&up, "medianstop", "maximize", options);
		assess_begin(&down, "medianstop", "minimize", options);
		assess_complete(&up, 1, 2);
		assess_complete(&up, 1, 4);
		assess_complete(&down, 1, 1);
		assess_complete(&down, 1, 3);
		enum verdict expected = lenient ? VERDICT_CONTINUE : VERDICT_STOP;
		assert_int_equal(assess_values(&up, 1, between), expected);
		assert_int_equal(assess_values(&down, 1, between), expected);
		assert_int_equal(assess_values(&up, 1, low), VERDICT_STOP);
		fake_release(&up);
		fake_release(&down);
	}
}

/* Only completed trials are compared with: not failed ones, not cancelled ones, and stopped ones
 * only when asked for. */
static void who_is_compared_with(void **state)
{
	static const double high[] = { 9, 9, 9 }, low[] = { 1, 1, 1 };
	(void)state;
	for (int include = 0; include < 2; include++) {
		struct fake fake;
		assess_begin(&fake, "medianstop", "maximize",
			include ? "{\"include_stopped\":true}" : "{}");
		fake_fail(&fake, assess_run(&fake, 0, 3, high));
		fake_cancel(&fake, assess_run(&fake, 0, 3, high));
		assert_int_equal(assess_values(&fake, 3, low), VERDICT_CONTINUE);
		fake_stop(&fake, assess_run(&fake, 0, 3, high));
		assert_int_equal(
			assess_values(&fake, 3, low), include ? VERDICT_STOP : VERDICT_CONTINUE);
		fake_release(&fake);
	}
}

/* Trials that report every other step are compared at the step, not at the count. */
static void steps_are_matched_by_number(void **state)
{
	struct fake fake;
	int64_t sparse;
	(void)state;
	assess_begin(&fake, "medianstop", "maximize", "{}");
	double rising[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	fake_observe(&fake, assess_run(&fake, 0, 11, rising), 10);
	assert_int_equal(fake_suggest(&fake, &sparse), 0);
	for (int step = 0; step <= 10; step += 5)
		fake_report(&fake, sparse, step, 4);
	assert_int_equal(assess_judge(&fake, sparse), VERDICT_STOP); /* average up to 10: 5 */
	assert_non_null(strstr(reason, "after 3 reports"));
	fake_release(&fake);
}

/* A report without the objective, and infinities, neither stop nor crash. */
static void odd_values(void **state)
{
	static const double nothing[] = { (double)NAN, (double)NAN },
			    down[] = { -(double)INFINITY, 1 };
	struct fake fake;
	(void)state;
	assess_begin(&fake, "medianstop", "maximize", "{}");
	assert_int_equal(assess_values(&fake, 0, NULL), VERDICT_CONTINUE);
	assess_complete(&fake, 2, (double)INFINITY);
	assess_complete(&fake, 2, 0);
	assess_complete(&fake, 2, 0.5);
	assert_int_equal(assess_values(&fake, 2, nothing), VERDICT_CONTINUE);
	assert_int_equal(assess_values(&fake, 1, down), VERDICT_STOP);
	assert_int_equal(assess_values(&fake, 2, down), VERDICT_CONTINUE);
	fake_release(&fake);
}

/* The median of n against a sorted copy, for every n and with many ties. */
static void medians_of_many(void **state)
{
	struct fake fake;
	(void)state;
	assess_begin(&fake, "medianstop", "maximize", "{}");
	double sorted[48];
	for (int n = 1; n <= 48; n++) {
		double value = (double)((n * 37) % 11);
		assess_complete(&fake, 1, value);
		int at = n - 1;
		for (; at > 0 && sorted[at - 1] > value; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = value;
		double median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
		double below[] = { median - 0.01 };
		assert_int_equal(assess_values(&fake, 1, &median), VERDICT_CONTINUE);
		assert_int_equal(assess_values(&fake, 1, below), VERDICT_STOP);
	}
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strictly_worse_is_stopped),
		cmocka_unit_test(both_goals_mirror),
		cmocka_unit_test(averages_are_running),
		cmocka_unit_test(start_step_and_min_trials),
		cmocka_unit_test(even_numbers),
		cmocka_unit_test(who_is_compared_with),
		cmocka_unit_test(steps_are_matched_by_number),
		cmocka_unit_test(odd_values),
		cmocka_unit_test(medians_of_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
