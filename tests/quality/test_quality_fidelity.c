/*
 * What multi-fidelity is for: better trials for the same number of epochs.
 *
 * On real learning curves and on simulated ones that have a structure to be learnt. A run may spend
 * so many epochs; then the accuracy at full training of the trial it would choose is looked up: the
 * best complete one, or else the best on the highest rung. Everybody trains one trial at a time and
 * goes on from where it was paused. Random search trains each trial fully.
 */
#include "tests/quality/curves.h"
#include "tests/unit/algorithms/fidelity.h"

#define RUNS 30

/* To be minimised: loss after step epochs of training. */
typedef double problem_fn(const struct fake *fake, int64_t number, int64_t step);

static double real_loss(const struct fake *fake, int64_t number, int64_t step)
{
	return -curves[(size_t)fake_value(fake, number, "network")][step - 1];
}

/* Four parameters, of which one sets how fast it learns: fast learners are worse in the end than
 * the slow ones can be, so that the first rung is a hint and no more. */
static double simulated_loss(const struct fake *fake, int64_t number, int64_t step)
{
	double a = fake_value(fake, number, "a"), b = fake_value(fake, number, "b");
	double c = fake_value(fake, number, "c"), rate = fake_value(fake, number, "rate");
	double end = pow(a - 0.7, 2) + pow(b - 0.2, 2) + 0.5 * pow(c - 0.5, 2) +
		     0.3 * pow(rate - 0.4, 2);
	return end + 0.5 * exp(-(double)step * (0.02 + 0.3 * rate)) +
	       0.01 * hash_unit(number, (uint64_t)step);
}

static const char networks[] = "{\"network\":{\"_type\":\"randint\",\"_value\":[0,486]}}";
static const char four[] = "{\"a\":{\"_type\":\"uniform\",\"_value\":[0,1]},\"b\":{\"_type\":"
			   "\"uniform\",\"_value\":[0,1]},"
			   "\"c\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			   "\"rate\":{\"_type\":\"uniform\",\"_value\":[0,1]}}";

struct contender {
	const char *name, *options;
};

/* The trial that a user would choose: the highest rung first, then the best there. */
static int64_t choose(const struct fake *fake, const int64_t *trained)
{
	int64_t best = -1;

	for (size_t i = 0; i < fake->view.n_trials; i++) {
		const struct trial *trial = &fake->view.trials[i];
		const struct trial *other = view_trial(&fake->view, best);
		if (trained[i] == 0)
			continue;
		double mine = trial->state == TRIAL_SUCCEEDED ? trial->loss : trial->last_value;
		if (!other || trained[i] > trained[best] ||
			(trained[i] == trained[best] &&
				mine < (other->state == TRIAL_SUCCEEDED ? other->loss
									: other->last_value)))
			best = (int64_t)i;
	}
	return best;
}

/* One run; what the chosen trial is worth, fully trained, at each of the budgets. */
static void run(const struct contender *contender, const char *space, problem_fn *problem,
	uint64_t seed, const int64_t *budgets, size_t n_budgets, double *worth)
{
	static int64_t trained[20000];
	struct fake fake;
	int64_t spent = 0;
	size_t at = 0;

	memset(trained, 0, sizeof(trained));
	fake_init_tuner(&fake, contender->name, contender->options, seed, space, NULL);
	while (at < n_budgets) {
		int64_t number;
		int code = fake_suggest(&fake, &number);
		if (code == CODE_EXHAUSTED) /* every network has been started */
			code = fake_promote(&fake, &number);
		if (code == CODE_EXHAUSTED)
			break;
		assert_int_equal(code, 0);
		const struct trial *trial = view_trial(&fake.view, number);
		int64_t to = trial->resource > 0 ? (int64_t)trial->resource : EPOCHS;
		spent += to - trained[number];
		/* What is not paid for is not seen. */
		while (at < n_budgets && spent > budgets[at])
			worth[at++] = problem(&fake, choose(&fake, trained), EPOCHS);
		double loss = problem(&fake, number, to);
		if (rung_pauses(fake.view.spec, trial)) {
			fake_report(&fake, number, to, loss);
			fake_pause(&fake, number);
		} else {
			fake_observe(&fake, number, loss);
		}
		trained[number] = to;
	}
	while (at < n_budgets)
		worth[at++] = problem(&fake, choose(&fake, trained), EPOCHS);
	fake_release(&fake);
}

static const int64_t budgets[] = { 5 * EPOCHS, 10 * EPOCHS, 20 * EPOCHS, 40 * EPOCHS };
#define BUDGETS (sizeof(budgets) / sizeof(budgets[0]))

/* Mean over the runs, less the least possible; printed. */
static void compare(const char *what, const struct contender *contenders, size_t n,
	const char *space, problem_fn *problem, double least, double (*regrets)[BUDGETS])
{
	printf("%s: mean regret after 5, 10, 20 and 40 full trainings' epochs\n", what);
	for (size_t k = 0; k < n; k++) {
		for (size_t b = 0; b < BUDGETS; b++)
			regrets[k][b] = 0;
		for (uint64_t seed = 0; seed < RUNS; seed++) {
			double worth[BUDGETS];
			run(&contenders[k], space, problem, seed, budgets, BUDGETS, worth);
			for (size_t b = 0; b < BUDGETS; b++)
				regrets[k][b] += (worth[b] - least) / RUNS;
		}
		printf("  %-10s %-40s %8.4f %8.4f %8.4f %8.4f\n", contenders[k].name,
			contenders[k].options, regrets[k][0], regrets[k][1], regrets[k][2],
			regrets[k][3]);
	}
}

static void test_real_curves(void **state)
{
	(void)state;
	static const struct contender contenders[] = {
		{ "random", "{}" },
		{ "asha", "{\"max_resource\":50,\"min_resource\":10}" },
		{ "pasha", "{\"max_resource\":50,\"min_resource\":10}" },
		{ "hyperband", "{\"max_resource\":50,\"min_resource\":10}" },
		{ "asha", "{\"max_resource\":50}" },
		{ "pasha", "{\"max_resource\":50}" },
		{ "hyperband", "{\"max_resource\":50}" },
	};
	double regrets[7][BUDGETS], least = 0;

	if (!curves_read()) {
		printf("skipped: there is no " CURVES_FILE "\n");
		skip();
	}
	for (size_t i = 0; i < CURVES; i++)
		least = fmin(least, -curves[i][EPOCHS - 1]);
	compare("real curves", contenders, 7, networks, real_loss, least, regrets);
	/* The accuracies of the first epochs tell next to nothing of the last one here (rank
	 * correlation 0.08 after one, 0.55 after ten), so it is the ladders that start at ten which
	 * must do better than to train everything. */
	for (size_t b = 1; b < BUDGETS; b++)
		assert_true(regrets[1][b] < 0.85 * regrets[0][b]);
	assert_true(regrets[3][1] + regrets[3][2] + regrets[3][3] <
		    regrets[0][1] + regrets[0][2] + regrets[0][3]);
	/* And those that start at one must not do much worse. */
	for (size_t k = 4; k < 7; k++)
		for (size_t b = 0; b < BUDGETS; b++)
			assert_true(regrets[k][b] < 1.4 * regrets[0][b]);
}

static void test_simulated_curves(void **state)
{
	(void)state;
	static const struct contender contenders[] = {
		{ "random", "{}" },
		{ "asha", "{\"max_resource\":50}" },
		{ "hyperband", "{\"max_resource\":50}" },
		{ "bohb", "{\"max_resource\":50}" },
		{ "dehb", "{\"max_resource\":50}" },
	};
	double regrets[5][BUDGETS];

	compare("simulated curves", contenders, 5, four, simulated_loss, 0, regrets);
	for (size_t b = 1; b < BUDGETS; b++) {
		assert_true(regrets[1][b] < regrets[0][b]);
		assert_true(regrets[2][b] < regrets[0][b]);
	}
	/* The model is worth something, once there are results to build it on. */
	assert_true(regrets[3][2] < 0.8 * regrets[2][2]);
	assert_true(regrets[3][3] < 0.8 * regrets[2][3]);
	/* So are the populations, if later. */
	assert_true(regrets[4][3] < 0.7 * regrets[0][3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_curves),
		cmocka_unit_test(test_simulated_curves),
	};
	return cmocka_run_group_tests_name("quality_fidelity", tests, NULL, NULL);
}
