/* Which arms take part and how much: the rules, and what results make of them. */
#include "tests/unit/algorithms/support.h" /* before cmocka.h, whose macro fail() is not ours */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/tuners/arm_tag.h"
#include "algorithms/tuners/auto_plan.h"

#include <cmocka.h>

#define REAL	    "{\"_type\":\"uniform\",\"_value\":[0,1]}"
#define CATEGORY    "{\"_type\":\"choice\",\"_value\":[\"p\",\"q\",\"r\",\"s\"]}"
#define TWO_REALS   "{\"x\":" REAL ",\"y\":" REAL "}"
#define GOAL(name)  "{\"name\":\"" name "\",\"goal\":\"minimize\"}"
#define SUM_NEAR(s) (fabs((s)-1) < 1e-12)
#define ARM(arm)    (1u << ARM_##arm)
#define SPACE_MAX   8192
#define SUFFIX_MAX  512
#define BODY_MAX    (SPACE_MAX + SUFFIX_MAX + 256)

static const char *many(size_t d, const char *one)
{
	static char text[SPACE_MAX];
	size_t at = 0;

	for (size_t i = 0; i < d; i++)
		at += (size_t)snprintf(
			text + at, sizeof(text) - at, "%s\"x%zu\":%s", i ? "," : "{", i, one);
	(void)snprintf(text + at, sizeof(text) - at, "}");
	return text;
}

static const char conditional[] = "{\"m\":{\"_type\":\"choice\",\"_value\":["
				  "{\"_name\":\"one\",\"x\":" REAL "},"
				  "{\"_name\":\"two\",\"y\":" REAL ",\"z\":" REAL "}]}}";

/* An experiment with n results of distinct values, the later the better. */
static void open_with(
	struct fake *fake, const char *space, const char *objectives, const char *more, size_t n)
{
	char body[BODY_MAX];
	double values[LIMIT_OBJECTIVES];

	(void)snprintf(body, sizeof(body),
		"{\"name\":\"plan\",\"search_space\":%s,\"objectives\":[%s],"
		"\"tuner\":{\"name\":\"random\"}%s}",
		space, objectives, more);
	fake_init(fake, body);
	for (size_t i = 0; i < n; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(fake, &number), 0);
		for (size_t k = 0; k < LIMIT_OBJECTIVES; k++)
			values[k] = k ? (double)i : -(double)i;
		fake_observe_many(fake, number, values);
	}
}

/* The arms with a share, as bits; shares add up to 1. */
static unsigned arms_of(const struct auto_plan *plan)
{
	unsigned arms = 0;
	double sum = 0;

	for (unsigned a = 0; a < ARM_COUNT; a++) {
		assert_true(plan->shares[a] >= 0);
		arms |= plan->shares[a] > 0 ? 1u << a : 0;
		sum += plan->shares[a];
	}
	assert_true(SUM_NEAR(sum));
	return arms;
}

static void test_rules(void **state)
{
	const struct {
		const char *what, *space, *objectives, *more;
		size_t results;
		unsigned arms;
	} cases[] = {
		{ "small", "{\"x\":" CATEGORY ",\"y\":" CATEGORY "}", GOAL("a"), "", 0,
			ARM(SHUFFLED) },
		{ "small, several objectives", "{\"x\":" CATEGORY ",\"y\":" CATEGORY "}",
			GOAL("a") "," GOAL("b"), "", 3, ARM(SHUFFLED) },
		{ "as large as the budget", "{\"x\":{\"_type\":\"randint\",\"_value\":[0,500]}}",
			GOAL("a"), ",\"limits\":{\"max_trials\":500}", 3, ARM(SHUFFLED) },
		{ "larger", "{\"x\":{\"_type\":\"randint\",\"_value\":[0,501]}}", GOAL("a"),
			",\"limits\":{\"max_trials\":500}", 3, ARM(STARTUP) },
		{ "start", TWO_REALS, GOAL("a"), "", 5, ARM(STARTUP) },
		{ "numeric", TWO_REALS, GOAL("a"), "", 6, ARM(TRUSTREGION) | ARM(GP) | ARM(TPE) },
		{ "numeric, later", TWO_REALS, GOAL("a"), "", 100,
			ARM(TRUSTREGION) | ARM(GP) | ARM(TPE) | ARM(CMAES) },
		{ "numeric, late", TWO_REALS, GOAL("a"), "", 300,
			ARM(TRUSTREGION) | ARM(TPE) | ARM(CMAES) },
		{ "two options", "{\"x\":" REAL ",\"y\":{\"_type\":\"bool\"}}", GOAL("a"), "", 100,
			ARM(TRUSTREGION) | ARM(GP) | ARM(TPE) | ARM(CMAES) },
		{ "mixed", "{\"x\":" REAL ",\"y\":" CATEGORY "}", GOAL("a"), "", 100,
			ARM(TRUSTREGION) | ARM(GP) | ARM(TPE) | ARM(EVOLUTION) },
		{ "mixed, late", "{\"x\":" REAL ",\"y\":" CATEGORY "}", GOAL("a"), "", 300,
			ARM(TRUSTREGION) | ARM(TPE) | ARM(EVOLUTION) },
		{ "conditional", conditional, GOAL("a"), "", 100,
			ARM(TRUSTREGION) | ARM(GP) | ARM(TPE) | ARM(EVOLUTION) },
		{ "wide", TWO_REALS, GOAL("a"),
			",\"limits\":{\"max_trials\":40,\"concurrency\":10}", 9, ARM(STARTUP) },
		{ "wide, then", TWO_REALS, GOAL("a"),
			",\"limits\":{\"max_trials\":40,\"concurrency\":10}", 10, ARM(TPE) },
		{ "two objectives", TWO_REALS, GOAL("a") "," GOAL("b"), "", 20,
			ARM(GP) | ARM(NSGA2) },
		{ "two, late", TWO_REALS, GOAL("a") "," GOAL("b"), "", 300, ARM(NSGA2) },
		{ "four objectives", TWO_REALS, GOAL("a") "," GOAL("b") "," GOAL("c") "," GOAL("d"),
			"", 20, ARM(NSGA3) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct auto_plan plan;
		struct fake fake;

		open_with(&fake, cases[i].space, cases[i].objectives, cases[i].more,
			cases[i].results);
		auto_plan_init(&plan, &fake.view);
		if (arms_of(&plan) != cases[i].arms)
			fail_msg("%s: arms %#x", cases[i].what, arms_of(&plan));
		auto_plan_credit(&plan, &fake.view);
		assert_int_equal(arms_of(&plan), cases[i].arms);
		fake_release(&fake);
	}
}

/* Dimensions: local models up to 40 parameters, covariances up to 100. */
static void test_dimensions(void **state)
{
	static const struct {
		size_t d;
		unsigned arms;
	} cases[] = { { 40, ARM(TRUSTREGION) | ARM(GP) | ARM(TPE) | ARM(CMAES) },
		{ 41, ARM(GP) | ARM(TPE) | ARM(CMAES) }, { 100, ARM(GP) | ARM(TPE) | ARM(CMAES) },
		{ 101, ARM(TPE) | ARM(EVOLUTION) } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct auto_plan plan;
		struct fake fake;

		open_with(&fake, many(cases[i].d, REAL), GOAL("a"), "", 50);
		auto_plan_init(&plan, &fake.view);
		if (arms_of(&plan) != cases[i].arms)
			fail_msg("%zu: arms %#x", cases[i].d, arms_of(&plan));
		fake_release(&fake);
	}
}

/* Only categories: the Gaussian process where it can look at all of them, mutation later. */
static void test_categories(void **state)
{
	struct auto_plan plan;
	struct fake fake;

	(void)state;
	open_with(&fake, many(6, CATEGORY), GOAL("a"), "", 20);
	auto_plan_init(&plan, &fake.view);
	assert_int_equal(arms_of(&plan), ARM(GP) | ARM(TPE) | ARM(EVOLUTION));
	double early = plan.shares[ARM_EVOLUTION];
	fake_release(&fake);
	open_with(&fake, many(8, CATEGORY), GOAL("a"), "", 20); /* 65,536 */
	auto_plan_init(&plan, &fake.view);
	assert_int_equal(arms_of(&plan), ARM(TPE) | ARM(EVOLUTION));
	fake_release(&fake);
	open_with(&fake, many(8, CATEGORY), GOAL("a"), "", 120);
	auto_plan_init(&plan, &fake.view);
	assert_true(plan.shares[ARM_EVOLUTION] > 2 * early);
	fake_release(&fake);
}

/* Says of every trial which arm it came from: two take turns. */
static void attribute(struct fake *fake, unsigned even, unsigned odd)
{
	for (size_t i = 0; i < fake->view.n_trials; i++) {
		struct bytes tag = { NULL, 0 };
		assert_int_equal(arm_tag_wrap(i % 2 ? odd : even, &tag, &fake->arena), 0);
		fake->view.trials[i].tag = tag;
	}
}

/* Trials that better the best earn a larger share; none falls below the minimum. */
static void test_credit(void **state)
{
	struct auto_plan plan, fair;
	struct fake fake;

	(void)state;
	open_with(&fake, TWO_REALS, GOAL("a"), "", 8);
	for (int i = 0; i < 120; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		fake_observe(&fake, number, number % 2 ? -100.0 - i : 100 + i);
	}
	attribute(&fake, ARM_TRUSTREGION, ARM_GP);
	auto_plan_init(&fair, &fake.view);
	plan = fair;
	auto_plan_credit(&plan, &fake.view);
	assert_int_equal(arms_of(&plan), arms_of(&fair));
	assert_true(plan.shares[ARM_GP] > 1.25 * fair.shares[ARM_GP]);
	assert_true(plan.shares[ARM_TRUSTREGION] < 0.5 * fair.shares[ARM_TRUSTREGION]);
	for (unsigned a = 0; a < ARM_COUNT; a++)
		assert_true(plan.shares[a] == 0 || plan.shares[a] >= AUTO_SHARE_MIN);
	/* And the other way round: nothing is for ever. */
	attribute(&fake, ARM_GP, ARM_TRUSTREGION);
	plan = fair;
	auto_plan_credit(&plan, &fake.view);
	assert_true(plan.shares[ARM_GP] < 0.5 * fair.shares[ARM_GP]);
	assert_true(plan.shares[ARM_GP] >= AUTO_SHARE_MIN);
	fake_release(&fake);
}

/* What is best in one of several objectives says little: the rules alone. */
static void test_no_credit(void **state)
{
	struct auto_plan plan, fair;
	struct fake fake;

	(void)state;
	open_with(&fake, TWO_REALS, GOAL("a") "," GOAL("b"), "", 60);
	attribute(&fake, ARM_NSGA2, ARM_GP);
	auto_plan_init(&fair, &fake.view);
	plan = fair;
	auto_plan_credit(&plan, &fake.view);
	assert_memory_equal(plan.shares, fair.shares, sizeof(plan.shares));
	fake_release(&fake);
}

/* Failures and NaN earn nothing, not even when there is nothing else; foreign trials are nobody's.
 */
static void test_failures(void **state)
{
	struct auto_plan plan, fair;
	struct fake fake;

	(void)state;
	open_with(&fake, TWO_REALS, GOAL("a"), "", 0);
	for (int i = 0; i < 60; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		if (i % 4)
			fake_fail(&fake, number);
		else
			fake_observe(&fake, number, (double)NAN);
	}
	auto_plan_init(&fair, &fake.view);
	plan = fair;
	auto_plan_credit(&plan, &fake.view); /* no tags: nobody's */
	for (unsigned a = 0; a < ARM_COUNT; a++)
		assert_true(fabs(plan.shares[a] - fair.shares[a]) < 0.1);
	attribute(&fake, ARM_GP, ARM_GP);
	plan = fair;
	auto_plan_credit(&plan, &fake.view);
	assert_true(plan.shares[ARM_GP] < fair.shares[ARM_GP]);
	for (unsigned a = 0; a < ARM_COUNT; a++)
		assert_true(plan.shares[a] == 0 || plan.shares[a] >= AUTO_SHARE_MIN);
	/* An arm that a later version might have is nobody's either. */
	attribute(&fake, 200, 255);
	plan = fair;
	auto_plan_credit(&plan, &fake.view);
	assert_int_equal(arms_of(&plan), arms_of(&fair));
	fake_release(&fake);
}

static void test_arms(void **state)
{
	(void)state;
	for (unsigned a = 0; a < ARM_COUNT; a++) {
		const struct tuner *tuner = auto_arm_tuner((enum auto_arm)a);

		assert_non_null(tuner);
		assert_false(tuner->algorithm.caps & (TUNER_OWN_ORDER | TUNER_MULTI_FIDELITY));
		assert_true(*auto_arm_label((enum auto_arm)a));
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(
				auto_arm_label((enum auto_arm)a), auto_arm_label((enum auto_arm)b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_dimensions),
		cmocka_unit_test(test_categories),
		cmocka_unit_test(test_credit),
		cmocka_unit_test(test_no_credit),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_arms),
	};
	return cmocka_run_group_tests_name("auto_plan", tests, NULL, NULL);
}
