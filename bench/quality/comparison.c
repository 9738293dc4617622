#include "bench/quality/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/quality/statistics.h"

#define RANDOM_SEEDS 1000000 /* where the yardstick's seeds begin */

static const struct contender random_search = {
	.label = "random", .tuner = "random", .options = "{}"
};

size_t comparison_trials(const struct comparison *c)
{
	return c->plan.budgets[c->plan.n_budgets - 1];
}

static size_t place_of(const struct comparison *c, size_t w, size_t k, size_t p, size_t s)
{
	const struct plan *plan = &c->plan;

	return ((w * plan->n_contenders + k) * plan->suite->n + p) * plan->seeds + s;
}

const struct run *comparison_of(
	const struct comparison *c, size_t workers, size_t contender, size_t problem, size_t seed)
{
	return &c->runs[place_of(c, workers, contender, problem, seed)];
}

static void lay_out(struct comparison *c)
{
	const struct plan *plan = &c->plan;
	size_t trials = comparison_trials(c), total = c->n_runs;

	for (size_t i = 0; i < total; i++) {
		size_t p = i / plan->seeds % plan->suite->n;
		size_t k = i / plan->seeds / plan->suite->n % plan->n_contenders;
		size_t w = i / plan->seeds / plan->suite->n / plan->n_contenders;
		const struct problem *problem = plan->suite->problems[p];
		c->runs[i] = (struct run){
			.problem = problem,
			.contender = &plan->contenders[k],
			.seed = (problem->instance - 1) * plan->seeds + i % plan->seeds + 1,
			.budget = trials,
			.workers = plan->workers[w],
			.best = c->bests + i * trials,
		};
	}
	for (size_t i = 0; i < plan->suite->n * plan->baseline; i++) {
		const struct problem *problem = plan->suite->problems[i / plan->baseline];
		c->random[i] = (struct run){
			.problem = problem,
			.contender = &random_search,
			.seed = RANDOM_SEEDS + (problem->instance - 1) * plan->baseline +
				i % plan->baseline,
			.budget = trials,
			.workers = 1,
			.best = c->bests + (total + i) * trials,
		};
	}
}

/* The mean regret of the random runs, trial by trial. */
static int measure(struct comparison *c, struct error *err)
{
	size_t trials = comparison_trials(c), baseline = c->plan.baseline;

	for (size_t i = 0; i < c->plan.suite->n * baseline; i++) {
		const struct run *run = &c->random[i];
		if (run->code != 0)
			return fail(err, run->err.code, "random search on %s: %s",
				run->problem->name, run->err.message);
		double *yardstick = c->yardstick + i / baseline * trials;
		for (size_t t = 0; t < trials; t++)
			yardstick[t] +=
				fmax(0, run->best[t] - run->problem->optimum) / (double)baseline;
	}
	return 0;
}

int comparison_run(struct comparison *c, const struct plan *plan,
	void (*progress)(size_t done, size_t n), struct error *err)
{
	*c = (struct comparison){ .plan = *plan };
	size_t trials = comparison_trials(c), n_random = plan->suite->n * plan->baseline;

	c->n_runs = plan->n_workers * plan->n_contenders * plan->suite->n * plan->seeds;
	/* In one array, so that one pool of threads does all of them. */
	c->runs = calloc(c->n_runs + n_random + 1, sizeof(*c->runs));
	c->bests = calloc((c->n_runs + n_random) * trials + 1, sizeof(*c->bests));
	c->yardstick = calloc(plan->suite->n * trials + 1, sizeof(*c->yardstick));
	if (!c->runs || !c->bests || !c->yardstick) {
		comparison_release(c);
		return fail(err, CODE_NO_MEMORY, "no memory for %zu runs", c->n_runs);
	}
	c->random = c->runs + c->n_runs;
	lay_out(c);
	run_execute_all(c->runs, c->n_runs + n_random, plan->threads, progress);
	int code = measure(c, err);
	if (code != 0)
		comparison_release(c);
	return code;
}

void comparison_release(struct comparison *c)
{
	free(c->runs);
	free(c->bests);
	free(c->yardstick);
	*c = (struct comparison){ 0 };
}

/* Random search has not always solved it after so many trials, up to rounding. */
static bool telling(const struct comparison *c, size_t problem, size_t trials)
{
	double regret = c->yardstick[problem * comparison_trials(c) + trials - 1];

	return regret > 1e-12 * fmax(1, fabs(c->plan.suite->problems[problem]->optimum));
}

static bool belongs(const struct problem *problem, const char *suite, const char *name)
{
	return strcmp(problem->suite, suite) == 0 && (!name || strcmp(problem->name, name) == 0);
}

size_t comparison_regrets(const struct comparison *c, const char *suite, const char *name,
	size_t workers, size_t contender, size_t trials, size_t against, double *regrets)
{
	size_t n = 0;

	for (size_t p = 0; p < c->plan.suite->n; p++) {
		const struct problem *problem = c->plan.suite->problems[p];
		if (!belongs(problem, suite, name) || !telling(c, p, against))
			continue;
		double yardstick = c->yardstick[p * comparison_trials(c) + against - 1];
		for (size_t s = 0; s < c->plan.seeds; s++) {
			const struct run *run = comparison_of(c, workers, contender, p, s);
			double regret = fmax(0, run->best[trials - 1] - problem->optimum);
			regrets[n++] = regret / yardstick;
		}
	}
	return n;
}

const char *comparison_obstacle(
	const struct comparison *c, const char *suite, size_t workers, size_t contender)
{
	for (size_t p = 0; p < c->plan.suite->n; p++)
		for (size_t s = 0; s < c->plan.seeds; s++) {
			const struct run *run = comparison_of(c, workers, contender, p, s);
			if (belongs(run->problem, suite, NULL) && run->code != 0)
				return run->err.message;
		}
	return NULL;
}

/* Mean rank of one contender, run by run; regrets[k] are those of contender k, NULL if it could
 * not. */
static double mean_rank(size_t n_contenders, double *const *regrets, size_t contender, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double own = regrets[contender][i], less = 0, equal = 0;
		for (size_t k = 0; k < n_contenders; k++) {
			if (!regrets[k])
				continue;
			less += regrets[k][i] < own;
			equal += regrets[k][i] == own;
		}
		sum += less + (equal + 1) / 2;
	}
	return n ? sum / (double)n : (double)NAN;
}

static double mean_ask_us(
	const struct comparison *c, const char *suite, size_t workers, size_t contender)
{
	double seconds = 0, trials = 0;

	for (size_t p = 0; p < c->plan.suite->n; p++)
		for (size_t s = 0; s < c->plan.seeds; s++) {
			const struct run *run = comparison_of(c, workers, contender, p, s);
			if (!belongs(run->problem, suite, NULL))
				continue;
			seconds += run->ask_s;
			trials += (double)run->n_trials;
		}
	return trials > 0 ? 1e6 * seconds / trials : (double)NAN;
}

bool comparison_score(const struct comparison *c, const char *suite, size_t workers,
	size_t contender, size_t trials, struct score *out)
{
	size_t room = c->plan.suite->n * c->plan.seeds, n = 0, found = 0;
	double nan = (double)NAN, *regrets[COMPARISON_MAX] = { NULL };

	*out = (struct score){ .mean = nan,
		.geometric = nan,
		.found = nan,
		.rank = nan,
		.ask_us = nan,
		.why = comparison_obstacle(c, suite, workers, contender) };
	if (out->why)
		return true;
	double *memory = calloc(c->plan.n_contenders * room + 1, sizeof(*memory));
	if (!memory)
		return false;
	for (size_t k = 0; k < c->plan.n_contenders; k++) {
		if (comparison_obstacle(c, suite, workers, k))
			continue;
		regrets[k] = memory + k * room;
		n = comparison_regrets(c, suite, NULL, workers, k, trials, trials, regrets[k]);
	}
	for (size_t i = 0; i < n; i++)
		found += regrets[contender][i] <= COMPARISON_FOUND;
	out->n = n;
	out->mean = stat_mean(n, regrets[contender]);
	out->geometric = stat_geometric_mean(n, regrets[contender], COMPARISON_FLOOR);
	out->found = n ? (double)found / (double)n : nan;
	out->rank = mean_rank(c->plan.n_contenders, regrets, contender, n);
	out->ask_us = mean_ask_us(c, suite, workers, contender);
	free(memory);
	return true;
}

double comparison_p(const struct comparison *c, const char *suite, size_t workers, size_t a,
	size_t b, size_t trials)
{
	size_t room = c->plan.suite->n * c->plan.seeds;

	if (comparison_obstacle(c, suite, workers, a) || comparison_obstacle(c, suite, workers, b))
		return (double)NAN;
	double *first = calloc(2 * room + 1, sizeof(*first)), *second = first + room;
	if (!first)
		return (double)NAN;
	size_t n = comparison_regrets(c, suite, NULL, workers, a, trials, trials, first);
	(void)comparison_regrets(c, suite, NULL, workers, b, trials, trials, second);
	for (size_t i = 0; i < n; i++)
		first[i] = log(fmax(first[i], COMPARISON_FLOOR)) -
			   log(fmax(second[i], COMPARISON_FLOOR));
	double p = stat_wilcoxon(n, first);
	free(first);
	return p;
}

size_t comparison_names(
	const struct comparison *c, const char *suite, size_t room, const char **names)
{
	size_t n = 0;

	for (size_t p = 0; p < c->plan.suite->n; p++) {
		const struct problem *problem = c->plan.suite->problems[p];
		const char *name = suite ? problem->name : problem->suite;
		size_t i = 0;
		if (suite && strcmp(problem->suite, suite) != 0)
			continue;
		while (i < n && strcmp(names[i], name) != 0)
			i++;
		if (i == n && n < room)
			names[n++] = name;
	}
	return n;
}
