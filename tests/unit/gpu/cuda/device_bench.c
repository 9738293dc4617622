/*
 * How long the back ends take: a fit, an evaluation, a factor, an extension, posteriors and kernel
 * densities by number of points, on the processor and on the device. Prints a table; tests nothing.
 * gpu/cuda/device-check builds and runs it. Usage: device_bench [n ...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/unit/gpu/lab.h"

#define D	   20
#define CANDIDATES 2048
#define STARTS	   4
#define REPEATS	   3

struct case_of {
	struct compute *compute;
	struct problem *problem;
	struct gp_factor *factor;
	double *starts, *x, *alpha, *mean, *variance, *gradient;
	const struct kde *below, *above;
};

static double now_ms(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return 1e3 * (double)at.tv_sec + 1e-6 * (double)at.tv_nsec;
}

static void run_fit(struct case_of *c)
{
	struct gp_fit fit = { .input = c->problem->input,
		.y = c->problem->y,
		.n_starts = STARTS,
		.starts = c->starts,
		.max_iterations = 20,
		.theta = c->gradient };
	assert_int_equal(compute_gp_fit(c->compute, &fit, 1, NULL), 0);
}

/* STARTS thetas at once. */
static void run_evaluations(struct case_of *c)
{
	struct gp_fit problems[STARTS];
	double objectives[STARTS], *gradients[STARTS];
	for (size_t s = 0; s < STARTS; s++) {
		problems[s] = (struct gp_fit){ .input = c->problem->input,
			.y = c->problem->y,
			.n_starts = 1,
			.starts = c->starts + s * (D + 2) };
		gradients[s] = c->gradient + s * (D + 2);
	}
	assert_int_equal(
		compute_gp_objective(c->compute, problems, STARTS, objectives, gradients, NULL), 0);
}

static void run_factor(struct case_of *c)
{
	size_t n = c->problem->input.n, room = n + 32 < GP_LIMIT_N ? n + 32 : GP_LIMIT_N;
	struct gp_input input = c->problem->input;
	input.n = n + 32 < GP_LIMIT_N ? n : GP_LIMIT_N - 32;
	gp_factor_free(c->factor);
	assert_int_equal(gp_factor_new(c->compute, &input, c->starts, room, &c->factor, NULL), 0);
}

static void run_solve(struct case_of *c)
{
	assert_int_equal(gp_factor_solve(c->factor, c->problem->y, 1, c->alpha, NULL), 0);
}

static void run_extend(struct case_of *c)
{
	size_t n = gp_factor_n(c->factor);
	assert_int_equal(gp_factor_extend(c->factor, c->x, 32, NULL), 0);
	gp_factor_truncate(c->factor, n);
}

static void run_mean(struct case_of *c)
{
	assert_int_equal(
		gp_posterior(c->factor, c->alpha, c->x, CANDIDATES, c->mean, NULL, NULL), 0);
}

static void run_posterior(struct case_of *c)
{
	assert_int_equal(
		gp_posterior(c->factor, c->alpha, c->x, CANDIDATES, c->mean, c->variance, NULL), 0);
}

static void run_gradient(struct case_of *c)
{
	assert_int_equal(gp_posterior_gradient(c->factor, c->alpha, c->x, c->mean, c->variance,
				 c->gradient, c->gradient + D, NULL),
		0);
}

static void run_kde(struct case_of *c)
{
	assert_int_equal(
		compute_kde_ratio(c->compute, c->below, c->above, c->x, CANDIDATES, c->mean, NULL),
		0);
}

/* In this order: the later ones need the factor and alpha of the earlier. */
static const struct {
	const char *name;
	void (*run)(struct case_of *);
} steps[] = {
	{ "fit, 4 starts, 20 iterations", run_fit },
	{ "4 evaluations with gradients", run_evaluations },
	{ "factor", run_factor },
	{ "solve, 1 column", run_solve },
	{ "extend by 32", run_extend },
	{ "mean of 2048", run_mean },
	{ "mean and variance of 2048", run_posterior },
	{ "posterior and gradient at 1", run_gradient },
	{ "kde ratio at 2048", run_kde },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* n kernels, all coordinates numeric, over memory that the caller frees by mu. */
static struct kde make_kde(struct rng *rng, size_t n)
{
	double *numbers = lab_memory(2 * n * D + n + 3 * D, sizeof(double));
	double *sigma = numbers + n * D, *weight = sigma + n * D, *low = weight + n;
	for (size_t i = 0; i < n * D; i++) {
		numbers[i] = rng_uniform(rng);
		sigma[i] = 0.05 + rng_uniform(rng);
	}
	for (size_t k = 0; k < n; k++)
		weight[k] = -log((double)n);
	for (size_t j = 0; j < D; j++)
		low[D + j] = 1;
	return (struct kde){ .n = n,
		.d = D,
		.log_weight = weight,
		.size = lab_memory(D, sizeof(uint32_t)),
		.mu = numbers,
		.sigma = sigma,
		.low = low,
		.high = low + D,
		.step = low + (size_t)2 * D };
}

static void free_kde(const struct kde *kde)
{
	free((void *)(uintptr_t)kde->mu);
	free((void *)(uintptr_t)kde->size);
}

/* ms[step]: the least of REPEATS, after one that is not counted. */
static void measure(struct compute *compute, size_t n, double *ms)
{
	struct problem problem;
	problem_init(&problem, 1, n, D, 0);
	struct kde below = make_kde(&problem.rng, 25), above = make_kde(&problem.rng, n);
	struct case_of c = { .compute = compute, .problem = &problem };
	size_t room = n > CANDIDATES ? n : CANDIDATES;
	c.starts = lab_memory(STARTS * (D + 2), sizeof(double));
	c.x = lab_memory(CANDIDATES * D, sizeof(double));
	c.alpha = lab_memory(room, sizeof(double));
	c.mean = lab_memory(room, sizeof(double));
	c.variance = lab_memory(room, sizeof(double));
	c.gradient = lab_memory(STARTS * (D + 2), sizeof(double));
	c.below = &below;
	c.above = &above;
	draw_points(&problem, CANDIDATES, c.x);
	for (size_t s = 0; s < STARTS; s++)
		set_theta(c.starts + s * (D + 2), D, 0.5 + 0.5 * (double)s, 1, 0.01);
	for (size_t s = 0; s < STEPS; s++) {
		steps[s].run(&c);
		ms[s] = HUGE_VAL;
		for (int repeat = 0; repeat < (n > 2000 && s < 2 ? 1 : REPEATS); repeat++) {
			double start = now_ms();
			steps[s].run(&c);
			ms[s] = fmin(ms[s], now_ms() - start);
		}
	}
	gp_factor_free(c.factor);
	free(c.starts);
	free(c.x);
	free(c.alpha);
	free(c.mean);
	free(c.variance);
	free(c.gradient);
	free_kde(&below);
	free_kde(&above);
	problem_release(&problem);
}

static void table(struct compute *const *computes, size_t n)
{
	double ms[BACK_ENDS][STEPS];
	for (size_t b = 0; b < BACK_ENDS; b++)
		if (computes[b])
			measure(computes[b], n, ms[b]);
	printf("\nn = %zu, d = %d: milliseconds\n%-30s", n, D, "");
	for (size_t b = 0; b < BACK_ENDS; b++)
		printf("%12s", computes[b] ? back_ends[b] : "");
	for (size_t s = 0; s < STEPS; s++) {
		printf("\n%-30s", steps[s].name);
		for (size_t b = 0; b < BACK_ENDS; b++)
			if (computes[b])
				printf("%12.3f", ms[b][s]);
	}
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char *usual[] = { "", "100", "1000", "4000" };
	struct compute *computes[BACK_ENDS];
	if (argc < 2) {
		argc = 4;
		argv = usual;
	}
	for (size_t b = 0; b < BACK_ENDS; b++) {
		computes[b] = open_back_end(back_ends[b]);
		if (computes[b])
			printf("%s: %s\n", back_ends[b], compute_fingerprint(computes[b]));
	}
	for (int i = 1; i < argc; i++)
		table(computes, strtoul(argv[i], NULL, 10));
	for (size_t b = 0; b < BACK_ENDS; b++)
		compute_close(computes[b]);
	return 0;
}
