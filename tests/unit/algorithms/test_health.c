/* Findings: each kind from a history that earns it, none from one that does not. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/analysis/health.h"
#include "tests/unit/algorithms/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define XY                                                                                         \
	"{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"                                         \
	"\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"
#define BOUNDED ",\"constraints\":[{\"metric\":\"latency\",\"max\":10}]"

struct lab {
	struct fake fake;
	struct arena arena;
	const struct health_finding *items;
	size_t n;
};

static void lab_init(struct lab *lab, const char *more)
{
	fake_init_tuner(&lab->fake, "random", NULL, 7, XY, more);
	arena_init(&lab->arena, 0);
}

static void lab_release(struct lab *lab)
{
	arena_release(&lab->arena);
	fake_release(&lab->fake);
}

static void look(struct lab *lab)
{
	struct health_facts facts;
	assert_int_equal(health_gather(&lab->fake.view, &lab->arena, &facts), 0);
	assert_int_equal(health_find(&facts, &lab->arena, &lab->items, &lab->n), 0);
}

static const struct health_finding *finding(const struct lab *lab, const char *kind)
{
	for (size_t i = 0; i < lab->n; i++)
		if (strcmp(lab->items[i].kind, kind) == 0)
			return &lab->items[i];
	return NULL;
}

static double bowl(double x, double y)
{
	return (x - 0.4) * (x - 0.4) + (y - 0.6) * (y - 0.6);
}
static double slope(double x, double y)
{
	return x + y * (1 - y); /* the least at x = 0; both ends of y */
}
static double only_x(double x, double y)
{
	return (x - 0.5) * (x - 0.5) + 0 * y;
}
static double jumble(double x, double y)
{
	double turns = sin(x * 12345 + y * 6789) * 43758.5;
	return turns - floor(turns);
}
static double level(double x, double y)
{
	return 3 + 0 * x + 0 * y;
}

static void fill(struct lab *lab, size_t n, double (*value)(double x, double y))
{
	for (size_t i = 0; i < n; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&lab->fake, &number), 0);
		fake_observe(&lab->fake, number,
			value(fake_value(&lab->fake, number, "x"),
				fake_value(&lab->fake, number, "y")));
	}
}

static void nothing_is_wrong_with_a_bowl(void **state)
{
	(void)state;
	struct lab lab;
	lab_init(&lab, NULL);
	look(&lab);
	assert_int_equal(lab.n, 0);
	fill(&lab, 150, bowl);
	look(&lab);
	assert_int_equal(lab.n, 0);
	lab_release(&lab);
}

static void failures_and_losses_are_told(void **state)
{
	(void)state;
	struct lab lab;
	lab_init(&lab, NULL);
	fill(&lab, 7, bowl);
	for (int i = 0; i < 3; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&lab.fake, &number), 0);
		fake_fail(&lab.fake, number);
	}
	look(&lab);
	const struct health_finding *failing = finding(&lab, "trials_fail");
	assert_non_null(failing);
	assert_int_equal(failing->severity, HEALTH_WARNING);
	assert_non_null(strstr(failing->message, "3 of 10 ended trials failed"));
	fill(&lab, 1, bowl); /* 3 of 11 is below the threshold */
	look(&lab);
	assert_null(finding(&lab, "trials_fail"));
	lab_release(&lab);
}

static void results_that_teach_nothing(void **state)
{
	(void)state;
	struct lab lab;
	lab_init(&lab, NULL);
	fill(&lab, 60, level);
	look(&lab);
	assert_non_null(finding(&lab, "results_all_equal"));
	assert_int_equal(lab.n, 1); /* and none of the others makes anything of it */
	lab_release(&lab);

	lab_init(&lab, NULL);
	fill(&lab, 10, bowl);
	int64_t number;
	assert_int_equal(fake_suggest(&lab.fake, &number), 0);
	fake_observe(&lab.fake, number, (double)NAN);
	look(&lab);
	assert_non_null(strstr(finding(&lab, "result_not_finite")->message, "1 of 11"));
	lab_release(&lab);
}

static void noise_is_told_from_shape(void **state)
{
	(void)state;
	struct lab lab;
	lab_init(&lab, NULL);
	fill(&lab, 200, jumble);
	look(&lab);
	assert_non_null(finding(&lab, "metric_looks_like_noise"));
	lab_release(&lab);
}

static void an_optimum_at_a_bound_names_the_parameter(void **state)
{
	(void)state;
	struct lab lab;
	lab_init(&lab, NULL);
	/* Points near x = 0 by hand, as a tuner would place them. */
	fill(&lab, 30, slope);
	for (int i = 0; i < 20; i++) {
		char text[64];
		snprintf(text, sizeof(text), "{\"x\":%g,\"y\":%g}", i * 0.0005, 0.02 * i + 0.3);
		int64_t number = fake_place_json(&lab.fake, text);
		fake_observe(&lab.fake, number, slope(i * 0.0005, 0) * 0.001);
	}
	look(&lab);
	const struct health_finding *bound = finding(&lab, "optimum_at_bound");
	assert_non_null(bound);
	assert_string_equal(bound->subject, "x");
	assert_non_null(strstr(bound->message, "lower end of x"));
	assert_int_equal(bound->severity, HEALTH_INFO);
	lab_release(&lab);
}

static void a_parameter_without_effect_is_named(void **state)
{
	(void)state;
	struct lab lab;
	lab_init(&lab, NULL);
	fill(&lab, 1500, only_x); /* more than are looked at */
	look(&lab);
	const struct health_finding *idle = finding(&lab, "parameter_without_effect");
	assert_non_null(idle);
	assert_string_equal(idle->subject, "y");
	assert_null(finding(&lab, "metric_looks_like_noise"));
	lab_release(&lab);
}

/* What a search leaves behind that has learnt to keep y within ten fine teeth: the best results
 * have the same y as most, and yet y decides. */
static void a_parameter_that_the_search_has_settled_is_not_without_effect(void **state)
{
	(void)state;
	struct lab lab;
	lab_init(&lab, NULL);
	for (int i = 0; i < 210; i++) {
		bool off = i % 21 == 20;
		double x = fmod(i * 0.6180339887498949, 1), y = i % 10 * 0.1 + (off ? 0.07 : 0.02);
		char text[64];
		snprintf(text, sizeof(text), "{\"x\":%.9f,\"y\":%.9f}", x, y);
		fake_observe(&lab.fake, fake_place_json(&lab.fake, text), off ? 10 : x);
	}
	look(&lab);
	assert_null(finding(&lab, "parameter_without_effect"));
	lab_release(&lab);
}

static void observe_latency(struct lab *lab, double latency)
{
	int64_t number;
	assert_int_equal(fake_suggest(&lab->fake, &number), 0);
	const struct metric metrics[] = { { "default", (double)number, (double)NAN },
		{ "latency", latency, (double)NAN } };
	fake_observe_metrics(&lab->fake, number, metrics, isnan(latency) ? 1 : 2);
}

static void a_constraint_out_of_reach(void **state)
{
	(void)state;
	struct lab lab;
	lab_init(&lab, BOUNDED);
	for (int i = 0; i < 10; i++)
		observe_latency(&lab, 11 + i);
	look(&lab);
	const struct health_finding *unmet = finding(&lab, "constraint_never_met");
	assert_non_null(unmet);
	assert_string_equal(unmet->subject, "latency");
	assert_non_null(strstr(unmet->message, "none of 10 results"));
	observe_latency(&lab, 10);
	look(&lab);
	assert_null(finding(&lab, "constraint_never_met"));
	lab_release(&lab);

	lab_init(&lab, BOUNDED);
	for (int i = 0; i < 10; i++)
		observe_latency(&lab, (double)NAN);
	look(&lab);
	assert_non_null(strstr(finding(&lab, "constraint_never_met")->message, "no result tells"));
	lab_release(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_wrong_with_a_bowl),
		cmocka_unit_test(failures_and_losses_are_told),
		cmocka_unit_test(results_that_teach_nothing),
		cmocka_unit_test(noise_is_told_from_shape),
		cmocka_unit_test(an_optimum_at_a_bound_names_the_parameter),
		cmocka_unit_test(a_parameter_without_effect_is_named),
		cmocka_unit_test(a_parameter_that_the_search_has_settled_is_not_without_effect),
		cmocka_unit_test(a_constraint_out_of_reach),
	};
	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
