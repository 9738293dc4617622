/*
 * Problems for the tests of gpu/, and the back ends that they run on.
 */
#ifndef TESTS_UNIT_GPU_LAB_H
#define TESTS_UNIT_GPU_LAB_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "gpu/compute.h"

#include <cmocka.h>

#define LAB_UNUSED __attribute__((unused)) static

/* n points of d features; the last n_categories features have 3 categories each. y is a smooth
 * function of them with a little noise, standardised. */
struct problem {
	struct gp_input input;
	double *x, *y;
	unsigned char *category;
	struct rng rng; /* for further draws */
};

LAB_UNUSED double draw_feature(struct problem *problem, size_t i)
{
	if (problem->category[i])
		return (double)rng_below(&problem->rng, 3);
	return rng_uniform(&problem->rng);
}

LAB_UNUSED void draw_points(struct problem *problem, size_t n, double *x)
{
	size_t d = problem->input.d;
	for (size_t a = 0; a < n; a++)
		for (size_t i = 0; i < d; i++)
			x[a * d + i] = draw_feature(problem, i);
}

LAB_UNUSED double surface(const struct problem *problem, const double *x)
{
	double sum = 0;
	for (size_t i = 0; i < problem->input.d; i++)
		sum += problem->category[i] ? 0.3 * x[i]
					    : sin((3 + (double)(i % 3)) * x[i]) / (1 + (double)i);
	return sum;
}

LAB_UNUSED void standardise(double *y, size_t n)
{
	double mean = 0, square = 0;
	for (size_t a = 0; a < n; a++)
		mean += y[a] / (double)n;
	for (size_t a = 0; a < n; a++)
		square += (y[a] - mean) * (y[a] - mean) / (double)n;
	for (size_t a = 0; a < n; a++)
		y[a] = (y[a] - mean) / fmax(sqrt(square), 1e-10);
}

LAB_UNUSED void *lab_memory(size_t n, size_t size)
{
	void *out = calloc(n ? n : 1, size);
	assert_non_null(out);
	return out;
}

LAB_UNUSED void problem_init(
	struct problem *problem, uint64_t seed, size_t n, size_t d, size_t n_categories)
{
	memset(problem, 0, sizeof(*problem));
	rng_init(&problem->rng, seed, RNG_TEST, n);
	problem->x = lab_memory(n * d, sizeof(double));
	problem->y = lab_memory(n, sizeof(double));
	problem->category = lab_memory(d, 1);
	memset(problem->category + d - n_categories, 1, n_categories);
	problem->input =
		(struct gp_input){ .n = n, .d = d, .x = problem->x, .category = problem->category };
	draw_points(problem, n, problem->x);
	for (size_t a = 0; a < n; a++)
		problem->y[a] =
			surface(problem, problem->x + a * d) + 0.05 * rng_normal(&problem->rng);
	standardise(problem->y, n);
}

LAB_UNUSED void problem_release(struct problem *problem)
{
	free(problem->x);
	free(problem->y);
	free(problem->category);
}

LAB_UNUSED double log_uniform(struct rng *rng, double low, double high)
{
	return log(low) + rng_uniform(rng) * (log(high) - log(low));
}

LAB_UNUSED void draw_theta(struct problem *problem, double *theta)
{
	size_t d = problem->input.d;
	for (size_t i = 0; i < d; i++)
		theta[i] = -2 * log_uniform(&problem->rng, 0.1, 10);
	theta[d] = log_uniform(&problem->rng, 0.1, 10);
	theta[d + 1] = log_uniform(&problem->rng, 1e-4, 0.9);
}

/* Length scales, s2 and noise, the same for all features. */
LAB_UNUSED void set_theta(double *theta, size_t d, double length, double s2, double noise)
{
	for (size_t i = 0; i < d; i++)
		theta[i] = -2 * log(length);
	theta[d] = log(s2);
	theta[d + 1] = log(noise);
}

LAB_UNUSED void assert_close(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		print_error("%.17g, not %.17g (tolerance %g)\n", got, want, tolerance);
	assert_true(fabs(got - want) <= tolerance);
}

/* Every back end that opens here. The plug-in is looked for beside the test. */
static const char *const back_ends[] = { "cpu", "cuda" };
#define BACK_ENDS (sizeof(back_ends) / sizeof(back_ends[0]))

LAB_UNUSED struct compute *open_back_end(const char *name)
{
	struct error err = { 0 };
	struct compute *compute = NULL;
	int code = compute_open(name, NULL, &compute, &err);
	if (code) {
		print_message("skipped: %s: %s\n", name, err.message);
		assert_int_equal(code, CODE_UNAVAILABLE);
		assert_string_not_equal(name, "cpu");
		return NULL;
	}
	assert_string_equal(compute_name(compute), name);
	assert_true(strlen(compute_fingerprint(compute)) > 3);
	return compute;
}

/* Runs check on every back end; a device that fails on the way is a failure of the test. */
LAB_UNUSED void on_every_back_end(void (*check)(struct compute *))
{
	for (size_t b = 0; b < BACK_ENDS; b++) {
		struct compute *compute = open_back_end(back_ends[b]);
		if (!compute)
			continue;
		check(compute);
		assert_string_equal(compute_name(compute), back_ends[b]);
		compute_close(compute);
	}
}

#endif
