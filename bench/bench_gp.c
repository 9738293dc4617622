/*
 * CPU time of the surrogate's parts on the processor's back end: one evaluation of a fit's
 * objective, a whole refit, growing the factor by one point, a posterior of 1024 candidates, and
 * the kernel densities of 1024 candidates. d = 10, one coordinate of them a category.
 *
 * The machine is calibrated by the processor's own exponential: every line also says how many
 * thousands of calls of exp() it costs, which other machines and noisy neighbours change less.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/rng.h"
#include "gpu/compute.h"

#define D	   10
#define N	   2000
#define CANDIDATES 1024
#define KERNELS	   10000
#define ROUNDS_MAX 50

static double x[N * D], y[N], candidates[CANDIDATES * D], alpha[N];
static double mean[CANDIDATES], variance[CANDIDATES];
static unsigned char category[D];
static double exp_seconds;
static struct compute *compute;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	double p = *(const double *)a, q = *(const double *)b;
	return (p > q) - (p < q);
}

static void print_times(const char *what, size_t n, double *times, size_t rounds)
{
	qsort(times, rounds, sizeof(*times), ascending);
	printf("%-34s n = %5zu: least %9.3f ms, median %9.3f ms, %9.1f k exp\n", what, n,
		1e3 * times[0], 1e3 * times[rounds / 2], 1e-3 * times[0] / exp_seconds);
}

static void calibrate(void)
{
	enum { calls = 1000000 };
	double best = HUGE_VAL;
	for (int round = 0; round < 5; round++) {
		volatile double sum = 0;
		double start = seconds();
		for (int i = 0; i < calls; i++)
			sum = sum + exp(-(double)i * 1e-6);
		best = fmin(best, (seconds() - start) / calls);
	}
	exp_seconds = best;
	printf("exp: %.2f ns; %s\n", 1e9 * exp_seconds, compute_fingerprint(compute));
}

static void draw(struct rng *rng, size_t n, double *points)
{
	for (size_t i = 0; i < n * D; i++)
		points[i] = category[i % D] ? (double)rng_below(rng, 4) : rng_uniform(rng);
}

static void init(void)
{
	struct rng rng;
	rng_init(&rng, 1, RNG_TEST, 0);
	category[D - 1] = 1;
	draw(&rng, N, x);
	draw(&rng, CANDIDATES, candidates);
	for (size_t a = 0; a < N; a++)
		y[a] = 2 * sin(6 * x[a * D]) + 3 * x[a * D + 1] * x[a * D + 2] - 1.5 +
		       0.1 * rng_normal(&rng);
}

static void set_start(double *theta, double length)
{
	for (size_t i = 0; i < D; i++)
		theta[i] = -2 * log(length);
	theta[D] = 0;
	theta[D + 1] = -4;
}

static void bench_fit(size_t n, size_t rounds)
{
	double times[ROUNDS_MAX], theta[D + 2], starts[2 * (D + 2)], gradient[D + 2], j;
	double *gradients = gradient, mode = exp(sqrt(2) + 0.5 * log(D));
	set_start(starts, mode * exp(-3));
	set_start(starts + D + 2, mode);
	struct gp_fit fit = { .input = { n, D, x, category },
		.y = y,
		.n_starts = 1,
		.starts = starts,
		.theta = theta };
	for (size_t r = 0; r < rounds; r++) {
		double start = seconds();
		int code = compute_gp_objective(compute, &fit, 1, &j, &gradients, NULL);
		times[r] = seconds() - start;
		assert(code == 0);
	}
	print_times("objective and gradient", n, times, rounds);
	double start = seconds();
	int code = compute_gp_fit(compute, &fit, 1, NULL);
	times[0] = seconds() - start;
	assert(code == 0 && fit.code == 0);
	printf("%u evaluations: ", fit.evaluations);
	print_times("fit, cold", n, times, 1);
	/* A refit starts where the last one ended, with a few points more. */
	double warm[D + 2];
	for (size_t i = 0; i < D + 2; i++)
		warm[i] = theta[i];
	fit.starts = warm;
	fit.input.n = n + n / 20;
	start = seconds();
	code = compute_gp_fit(compute, &fit, 1, NULL);
	times[0] = seconds() - start;
	assert(code == 0 && fit.code == 0);
	printf("%u evaluations: ", fit.evaluations);
	print_times("fit, warm", fit.input.n, times, 1);
}

static void bench_posterior(size_t n, size_t rounds)
{
	double appends[ROUNDS_MAX], both[ROUNDS_MAX], alone[ROUNDS_MAX], theta[D + 2];
	struct gp_factor *factor = NULL;
	struct gp_input input = { n, D, x, category };
	set_start(theta, 0.8);
	double start = seconds();
	int code = gp_factor_new(compute, &input, theta, n + ROUNDS_MAX, &factor, NULL);
	appends[0] = seconds() - start;
	assert(code == 0);
	print_times("factor", n, appends, 1);
	for (size_t r = 0; r < rounds; r++) {
		start = seconds();
		code = gp_factor_extend(factor, x + (n + r) * D, 1, NULL);
		code = code ? code : gp_factor_solve(factor, y, 1, alpha, NULL);
		appends[r] = seconds() - start;
		assert(code == 0);
	}
	print_times("extend by 1, solve", n, appends, rounds);
	for (size_t r = 0; r < rounds; r++) {
		start = seconds();
		code = gp_posterior(factor, alpha, candidates, CANDIDATES, mean, NULL, NULL);
		alone[r] = seconds() - start;
		start = seconds();
		code = code ? code
			    : gp_posterior(
				      factor, alpha, candidates, CANDIDATES, mean, variance, NULL);
		both[r] = seconds() - start;
		assert(code == 0);
	}
	print_times("mean of 1024", n, alone, rounds);
	print_times("mean and variance of 1024", n, both, rounds);
	gp_factor_free(factor);
}

/* A density with a kernel at each point, truncated to the unit cube. */
static void bench_kde(size_t n, size_t rounds)
{
	static double log_weight[KERNELS], mu[D * KERNELS], sigma[D * KERNELS];
	static const uint32_t size[D] = { 0 };
	static const size_t table_at[D] = { 0 };
	double low[D] = { 0 }, high[D], step[D] = { 0 }, times[ROUNDS_MAX];
	struct rng rng;
	rng_init(&rng, 2, RNG_TEST, n);
	for (size_t i = 0; i < D; i++)
		high[i] = 4;
	for (size_t i = 0; i < D * n; i++) {
		mu[i] = rng_uniform(&rng);
		sigma[i] = 0.05 + rng_uniform(&rng);
	}
	struct kde g = { n, D, log_weight, size, mu, sigma, low, high, step, NULL, table_at };
	struct kde l = g;
	l.n = n / 10;
	for (size_t r = 0; r < rounds; r++) {
		double start = seconds();
		int code = compute_kde_ratio(compute, &l, &g, candidates, CANDIDATES, mean, NULL);
		times[r] = seconds() - start;
		assert(code == 0);
	}
	print_times("density ratio of 1024", n, times, rounds);
}

int main(void)
{
	int code = compute_open("cpu", NULL, &compute, NULL);
	assert(code == 0);
	(void)code;
	init();
	calibrate();
	bench_fit(100, 50);
	bench_fit(500, 10);
	bench_fit(1000, 5);
	bench_posterior(100, 50);
	bench_posterior(1000, 10);
	bench_kde(1000, 20);
	bench_kde(KERNELS, 5);
	compute_close(compute);
	return 0;
}
