/* The portfolio: every trial says whose it is, arms find their own tags again, whatever the space.
 * Which arms take part is test_auto_plan's business, how well they search tests/quality's. */
#include "tests/unit/algorithms/support.h" /* before cmocka.h, whose macro fail() is not ours */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/tuners/arm_tag.h"
#include "algorithms/tuners/auto_plan.h"
#include "algorithms/tuners/cmaes_tag.h"
#include "algorithms/tuners/trustregion_state.h"

#include <cmocka.h>

#define REAL	 "{\"_type\":\"uniform\",\"_value\":[-5,5]}"
#define CATEGORY "{\"_type\":\"choice\",\"_value\":[\"p\",\"q\",\"r\",\"s\"]}"

static const char box[] = "{\"a\":" REAL ",\"b\":" REAL ",\"c\":" REAL "}";
static const char mixed[] = "{\"a\":" REAL ",\"b\":" REAL ",\"k\":" CATEGORY "}";
static const char branches[] =
	"{\"m\":{\"_type\":\"choice\",\"_value\":["
	"{\"_name\":\"one\",\"u\":" REAL ",\"v\":{\"_type\":\"loguniform\",\"_value\":[1e-4,1]}},"
	"{\"_name\":\"two\",\"w\":" REAL ",\"k\":" CATEGORY "},"
	"{\"_name\":\"none\"}]},"
	"\"n\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":64}}}";

static double sphere(const struct fake *fake, int64_t number)
{
	const double *x = fake->view.trials[number].x;
	double sum = 0;

	for (size_t i = 0; i < fake->view.spec->space->n; i++)
		sum += isnan(x[i]) ? 0 : (x[i] - 1.3) * (x[i] - 1.3);
	return sum;
}

/* Suggests, having asked for the arm first: what the meta will say is what the tag says. */
static int suggest(struct fake *fake, int64_t *number, unsigned *arms)
{
	const struct knowledge know = { .view = &fake->view,
		.model = &fake->model,
		.compute = fake_compute(),
		.workspace = &fake->workspace };
	struct error err = { 0 };
	struct proposal proposal = { .parent = -1 };
	double x[64];

	assert_int_equal(
		tuner_learn(&fake->view, fake_compute(), &fake->model, &fake->model_bytes, &err),
		0);
	proposal.x = x;
	arena_reset(&fake->scratch);
	int code = tuner_ask(&know, &fake->scratch, &proposal, &err);
	if (code != 0)
		return code;
	const char *said = proposal.arm;
	assert_int_equal(fake_suggest(fake, number), 0);
	int arm = arm_of(view_trial(&fake->view, *number));
	if (arm < 0) { /* none knew a new point any more */
		assert_string_equal(said, "untried");
		return 0;
	}
	assert_in_range(arm, 0, ARM_COUNT - 1);
	assert_string_equal(said, auto_arm_label((enum auto_arm)arm));
	*arms |= 1u << arm;
	return 0;
}

/* n trials with some pending at any time; answers which arms proposed one. */
static unsigned run(struct fake *fake, size_t n, size_t pending)
{
	size_t first = fake->view.n_trials;
	unsigned arms = 0;

	for (size_t i = 0; i < n + pending; i++) {
		int64_t number = (int64_t)(first + i);
		if (i < n) {
			assert_int_equal(suggest(fake, &number, &arms), 0);
			for (int64_t j = 0; j < number; j++)
				assert_false(key_equal(
					&fake->view.trials[j].key, &fake->view.trials[number].key));
		}
		if (i >= pending) {
			number = (int64_t)(first + i - pending);
			fake_observe(fake, number, sphere(fake, number));
		}
	}
	return arms;
}

/* All arms of a numeric space have their turn, and it ends near the optimum. */
static void test_numeric(void **state)
{
	struct fake fake;

	(void)state;
	for (size_t pending = 0; pending <= 8; pending += 8) {
		fake_init_tuner(&fake, "auto", NULL, 1, box, NULL);
		unsigned arms = run(&fake, 120, pending);
		assert_int_equal(arms, 1u << ARM_STARTUP | 1u << ARM_GP | 1u << ARM_TPE |
					       1u << ARM_CMAES | 1u << ARM_TRUSTREGION);
		assert_true(fake.view.trials[fake.view.counts.best].loss < 1e-3);
		assert_int_equal(fake_check_replay(&fake), 0);
		fake_release(&fake);
	}
}

static void test_other_spaces(void **state)
{
	static const struct {
		const char *space, *more;
	} cases[] = { { mixed, NULL }, { branches, NULL },
		{ mixed, ",\"parameter_constraints\":[\"a + b <= 1\"]" },
		{ branches, ",\"constraints\":[{\"metric\":\"default\",\"max\":30}]" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake fake;

		fake_init_tuner(&fake, "auto", NULL, i, cases[i].space, cases[i].more);
		unsigned arms = run(&fake, 70, 3);
		assert_true(arms & 1u << ARM_TPE);
		assert_true(arms & 1u << ARM_TRUSTREGION);
		assert_true(arms & 1u << ARM_GP);
		for (size_t k = 0; k < fake.view.n_trials; k++)
			assert_true(space_feasible(fake.view.spec->space, fake.view.trials[k].x));
		assert_int_equal(fake_check_replay(&fake), 0);
		fake_release(&fake);
	}
}

/* What an arm wrote on its trials it reads again: CMA-ES goes through generations, the trust region
 * through radii; neither takes another's tag for its own. */
static void test_tags_survive(void **state)
{
	size_t generations = 0, steps = 0;
	struct cmaes_model model;
	struct region_state region;
	struct arena arena;
	struct fake fake;

	(void)state;
	arena_init(&arena, 0);
	fake_init_tuner(&fake, "auto", NULL, 1, box, ",\"limits\":{\"max_trials\":1000}");
	(void)run(&fake, 200, 0);
	struct view view = fake.view;
	struct spec as_cmaes = *view.spec, as_region = *view.spec;
	as_cmaes.tuner = &tuner_cmaes.algorithm;
	options_init(&as_cmaes.tuner_options, as_cmaes.tuner->options);
	as_region.tuner = &tuner_trustregion.algorithm;
	options_init(&as_region.tuner_options, as_region.tuner->options);
	view.spec = &as_cmaes;
	assert_int_equal(cmaes_model_init(&model, &view, &arena), 0);
	view.spec = &as_region;
	region_state_fold(&region, &view);
	for (size_t i = 0; i < view.n_trials; i++) {
		const struct trial *trial = &view.trials[i];
		struct cmaes_tag cmaes;
		struct region_tag tag;
		const char *raw;
		int arm = arm_of(trial);

		bool is_cmaes = cmaes_tag_read(&model, trial, &cmaes, &raw);
		assert_int_equal(is_cmaes, arm == ARM_CMAES);
		if (is_cmaes && cmaes.generation > generations)
			generations = cmaes.generation;
		bool is_region = region_tag_read(trial, region.fingerprint, &tag);
		assert_true(is_region <= (arm == ARM_TRUSTREGION));
		steps += is_region;
	}
	assert_true(generations >= 1);
	assert_true(steps > 10);
	assert_true(region.radius != region.options.radius || region.run > 0);
	fake_release(&fake);
	arena_release(&arena);
}

/* One of each fate, on a space with branches. */
static void test_fates(void **state)
{
	struct fake fake;
	unsigned arms = 0;

	(void)state;
	fake_init_tuner(&fake, "auto", NULL, 6, branches, NULL);
	for (int i = 0; i < 90; i++) {
		int64_t number;
		assert_int_equal(suggest(&fake, &number, &arms), 0);
		double value = sphere(&fake, number);
		switch (i % 7) {
		case 0:
			fake_fail(&fake, number);
			break;
		case 1:
			fake_observe(&fake, number, i % 2 ? (double)NAN : (double)-INFINITY);
			break;
		case 2:
			fake_report(&fake, number, 1, value);
			fake_stop(&fake, number);
			break;
		case 3:
			fake_cancel(&fake, number);
			break;
		case 4:
			break; /* stays pending */
		default:
			fake_observe(&fake, number, value);
		}
		if (i % 30 == 29)
			assert_int_equal(fake_check_replay(&fake), 0);
	}
	fake_release(&fake);
}

/* From numbers to categories and back to branches, with what is known of each. */
static void test_live_edit(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "auto", NULL, 6, box, NULL);
	(void)run(&fake, 60, 0);
	fake_edit(&fake, "{\"search_space\":{\"a\":" REAL ",\"b\":" CATEGORY ",\"c\":" REAL "}}");
	unsigned arms = run(&fake, 40, 0);
	assert_false(arms & 1u << ARM_CMAES);
	fake_edit(&fake, "{\"search_space\":{\"b\":" CATEGORY ",\"c\":{\"_type\":\"choice\","
			 "\"_value\":[1,2,3]}}}");
	assert_int_equal(run(&fake, 5, 0), 1u << ARM_SHUFFLED);
	assert_int_equal(fake_check_replay(&fake), 0);
	fake_release(&fake);
}

/* Spaces that end: the small one at random, a larger one by its arms; every point once. */
static void test_finite(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "auto", NULL, 2, "{\"a\":" CATEGORY ",\"b\":" CATEGORY "}", NULL);
	assert_int_equal(fake_drain(&fake, 2, 16, NULL), 16);
	fake_release(&fake);
	fake_init_tuner(&fake, "auto", NULL, 2,
		"{\"a\":" CATEGORY ",\"b\":" CATEGORY ",\"c\":{\"_type\":\"randint\","
		"\"_value\":[0,8]}}",
		NULL);
	assert_int_equal(fake_drain(&fake, 3, 128, NULL), 128);
	fake_release(&fake);
}

/* Several objectives: the Gaussian process and a genetic algorithm, or that alone. */
static void test_objectives(void **state)
{
	static const struct {
		const char *objectives;
		unsigned arms;
	} cases[] = {
		{ "{\"name\":\"f\",\"goal\":\"minimize\"},{\"name\":\"g\",\"goal\":\"maximize\"}",
			1u << ARM_STARTUP | 1u << ARM_GP | 1u << ARM_NSGA2 },
		{ "{\"name\":\"f\",\"goal\":\"minimize\"},{\"name\":\"g\",\"goal\":\"maximize\"},"
		  "{\"name\":\"h\",\"goal\":\"minimize\"},{\"name\":\"i\",\"goal\":\"minimize\"}",
			1u << ARM_STARTUP | 1u << ARM_NSGA3 },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char body[1024];
		struct fake fake;
		unsigned arms = 0;

		(void)snprintf(body, sizeof(body),
			"{\"name\":\"n\",\"search_space\":%s,\"objectives\":[%s],"
			"\"tuner\":{\"name\":\"auto\",\"seed\":3}}",
			branches, cases[i].objectives);
		fake_init(&fake, body);
		for (int k = 0; k < 50; k++) {
			int64_t number;
			assert_int_equal(suggest(&fake, &number, &arms), 0);
			double f = sphere(&fake, number);
			fake_observe_many(&fake, number, (double[]){ f, 3 * f - k, k, -f });
		}
		assert_int_equal(arms, cases[i].arms);
		assert_int_equal(fake_check_replay(&fake), 0);
		fake_release(&fake);
	}
}

/* The only model that is fitted in the background is the Gaussian process's, while it takes part.
 */
static void test_learner(void **state)
{
	const struct learner *learner = tuner_auto.learner;
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "auto", NULL, 2, box, NULL);
	(void)run(&fake, 6, 0);
	assert_false(learner->due(&fake.view, 0));
	(void)run(&fake, 5, 0);
	assert_true(learner->due(&fake.view, 0));
	assert_false(learner->due(&fake.view, fake.view.n_finished));
	(void)run(&fake, 12, 0);
	assert_true(fake.model.bytes.size > 0);
	fake_release(&fake);
	fake_init_tuner(&fake, "auto", NULL, 2, "{\"a\":" CATEGORY ",\"b\":" CATEGORY "}", NULL);
	(void)run(&fake, 12, 0);
	assert_false(learner->due(&fake.view, 0));
	assert_int_equal(fake.model.bytes.size, 0);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numeric),
		cmocka_unit_test(test_other_spaces),
		cmocka_unit_test(test_tags_survive),
		cmocka_unit_test(test_fates),
		cmocka_unit_test(test_live_edit),
		cmocka_unit_test(test_finite),
		cmocka_unit_test(test_objectives),
		cmocka_unit_test(test_learner),
	};
	return cmocka_run_group_tests_name("auto", tests, NULL, NULL);
}
