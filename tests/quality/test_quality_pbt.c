/*
 * What population based training is for: parameters that are best at one value early and at another
 * late. Simulated trainings, each against random search with the same number of steps in all;
 * random search trains with one value from the first step to the last.
 *
 *   gate     the toy of the paper (Jaderberg et al., arXiv:1711.09846, figure 2): the quality is
 *            1.2 - t1^2 - t2^2, but h lets the gradient reach only one of t1 and t2 (here the
 *            second a little more slowly)
 *   rate     stochastic gradient descent on a quadratic, in expectation: with error e the rate h
 *            gives (1 - h)^2 e + h^2: a large one is fast and stays far away
 *   mixed    the same, with a weight decay whose best value is fixed and two parameters that do
 *            nothing
 *   kind     the rate again, and a choice of four, of which one is quieter than the others
 */
#include "algorithms/tuners/fork.h"
#include "tests/unit/algorithms/fidelity.h"

#define STEPS 100
#define RUNS  30

struct training {
	double theta[2];
};

typedef void step_fn(const struct fake *fake, int64_t number, struct training *training);
typedef double loss_fn(const struct fake *fake, int64_t number, const struct training *training);

static void gate_step(const struct fake *fake, int64_t number, struct training *training)
{
	size_t open = (size_t)fake_value(fake, number, "h");

	training->theta[open] *= 1 - 2 * (open ? 0.015 : 0.02);
}

static double gate_loss(const struct fake *fake, int64_t number, const struct training *training)
{
	(void)fake;
	(void)number;
	return pow(training->theta[0], 2) + pow(training->theta[1], 2) - 1.2;
}

static void rate_step(const struct fake *fake, int64_t number, struct training *training)
{
	double h = fake_value(fake, number, "h");

	training->theta[0] = pow(1 - h, 2) * training->theta[0] + h * h;
}

static void kind_step(const struct fake *fake, int64_t number, struct training *training)
{
	double h = fake_value(fake, number, "h");
	double rough = fake_value(fake, number, "kind") == 1 ? 1 : 3;

	training->theta[0] = pow(1 - h, 2) * training->theta[0] + rough * h * h;
}

static double rate_loss(const struct fake *fake, int64_t number, const struct training *training)
{
	(void)fake;
	(void)number;
	return training->theta[0];
}

static double mixed_loss(const struct fake *fake, int64_t number, const struct training *training)
{
	return training->theta[0] * (1 + 4 * pow(fake_value(fake, number, "decay") - 0.3, 2));
}

static const struct problem {
	const char *name, *space;
	double start[2];
	step_fn *step;
	loss_fn *loss;
} problems[] = {
	{ "gate", "{\"h\":{\"_type\":\"choice\",\"_value\":[0,1]}}", { 0.9, 0.9 }, gate_step,
		gate_loss },
	{ "rate", "{\"h\":{\"_type\":\"loguniform\",\"_value\":[0.001,1]}}", { 100, 0 }, rate_step,
		rate_loss },
	{ "mixed",
		"{\"h\":{\"_type\":\"loguniform\",\"_value\":[0.001,1]},"
		"\"decay\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		"\"a\":{\"_type\":\"uniform\",\"_value\":[0,1]},\"b\":{\"_type\":\"choice\","
		"\"_value\":[1,2,3]}}",
		{ 100, 0 }, rate_step, mixed_loss },
	{ "kind",
		"{\"h\":{\"_type\":\"loguniform\",\"_value\":[0.001,1]},\"kind\":{\"_type\":"
		"\"choice\",\"_value\":[0,1,2,3]}}",
		{ 100, 0 }, kind_step, rate_loss },
};

#define PROBLEMS (sizeof(problems) / sizeof(problems[0]))

/* The state of each trial at each step: who forks needs the parent's. */
static struct training states[2000][STEPS + 1];

/* Best loss of a fully trained trial, with that many trainings' steps in all. */
static double run(const struct problem *problem, const char *tuner, const char *options,
	uint64_t seed, int64_t budget)
{
	struct fake fake;
	double best = HUGE_VAL;
	int64_t number;

	fake_init_tuner(&fake, tuner, options, seed, problem->space, NULL);
	while (budget > 0 && fake_suggest(&fake, &number) == 0) {
		const struct trial *trial = view_trial(&fake.view, number);
		int64_t from = rung_reached(fake.view.spec, trial);
		int64_t to = trial->resource > 0 ? (int64_t)trial->resource : STEPS;
		assert_true(number < 2000 && to <= STEPS);
		struct training now = { { problem->start[0], problem->start[1] } };
		if (from > 0)
			now = from == fork_start(trial) ? states[trial->parent][from]
							: states[number][from];
		for (int64_t step = from; step < to; step++) {
			problem->step(&fake, number, &now);
			states[number][step + 1] = now;
		}
		budget -= to - from;
		double loss = problem->loss(&fake, number, &now);
		if (rung_pauses(fake.view.spec, trial)) {
			fake_report(&fake, number, to, loss);
			fake_pause(&fake, number);
		} else {
			fake_observe(&fake, number, loss);
			best = fmin(best, loss);
		}
	}
	fake_release(&fake);
	return best;
}

static double mean(const struct problem *problem, const char *tuner, const char *options)
{
	double sum = 0;

	for (uint64_t seed = 0; seed < RUNS; seed++)
		sum += run(problem, tuner, options, seed, 10 * STEPS);
	printf("  %-6s %-7s %-40s %8.4f\n", problem->name, tuner, options, sum / RUNS);
	return sum / RUNS;
}

static void test_schedules(void **state)
{
	(void)state;
	double random[PROBLEMS], pbt[PROBLEMS], waiting[PROBLEMS], idle[PROBLEMS];

	printf("mean of the best loss after ten full trainings' steps\n");
	for (size_t p = 0; p < PROBLEMS; p++) {
		random[p] = mean(&problems[p], "random", "{}");
		pbt[p] = mean(&problems[p], "pbt", "{\"interval\":5}");
		waiting[p] = mean(&problems[p], "pbt", "{\"interval\":5,\"generations\":true}");
		idle[p] = mean(&problems[p], "pbt", "{\"interval\":5,\"fraction\":0}");
	}
	for (size_t p = 0; p < PROBLEMS; p++) {
		/* One worker has all results before it decides. */
		assert_true(pbt[p] == waiting[p]);
		/* Without exploiting it is random search. */
		assert_true(fabs(idle[p] - random[p]) < 0.3 * fabs(random[p]));
	}
	/* Whatever gate is always open, one coordinate stays: 1.2 - 0.81 is the most. */
	assert_true(random[0] >= -0.39 - 1e-9);
	assert_true(pbt[0] < -1.0);
	for (size_t p = 1; p < PROBLEMS; p++)
		assert_true(pbt[p] < 0.5 * random[p]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_schedules) };
	return cmocka_run_group_tests_name("quality_pbt", tests, NULL, NULL);
}
