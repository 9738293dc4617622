/* A device that fails is given up, once, and the processor goes on. */
#include <pthread.h>

#include "tests/unit/gpu/lab.h"

#include "tests/unit/gpu/fake.h"

#define D 3

static struct compute *open_fake(long fail_after, enum code failure)
{
	static struct compute_backend backend;
	struct compute *compute = NULL;
	memset(&fake, 0, sizeof(fake));
	fake.fail_after = fail_after;
	fake.failure = failure;
	backend = fake_backend();
	assert_int_equal(compute_new(&backend, &compute, NULL), 0);
	assert_string_equal(compute_name(compute), "fake");
	assert_string_equal(compute_fingerprint(compute), "fake 1.0");
	assert_null(compute_trouble(compute));
	return compute;
}

static void assert_given_up(struct compute *compute, bool expected)
{
	struct compute_stats stats;
	compute_stats(compute, &stats);
	assert_int_equal(stats.device_failures, expected);
	assert_string_equal(compute_name(compute), expected ? "cpu" : "fake");
	if (expected) {
		assert_string_equal(compute_trouble(compute), "the fake device fell off the bus");
		assert_memory_equal(compute_fingerprint(compute), "cpu", 3);
	} else {
		assert_null(compute_trouble(compute));
	}
}

static void close_fake(struct compute *compute)
{
	compute_close(compute);
	assert_int_equal(fake.live, 0);
}

/* However far a fit had come on the device, the processor does it from its beginning. */
static void fits_are_done_again(void **state)
{
	(void)state;
	struct problem problem;
	double start[D + 2], want[D + 2], theta[D + 2];
	problem_init(&problem, 1, 25, D, 0);
	set_theta(start, D, 0.5, 1, 0.02);
	struct gp_fit fit = { .input = problem.input,
		.y = problem.y,
		.n_starts = 1,
		.starts = start,
		.theta = want };
	struct compute *cpu = open_back_end("cpu");
	assert_int_equal(compute_gp_fit(cpu, &fit, 1, NULL), 0);
	unsigned evaluations = fit.evaluations;
	fit.theta = theta;
	for (long after = 1; after <= 4; after++) {
		struct compute *compute = open_fake(after, CODE_UNAVAILABLE);
		assert_int_equal(compute_gp_fit(compute, &fit, 1, NULL), 0);
		assert_memory_equal(theta, want, sizeof(theta));
		assert_int_equal(fit.evaluations, evaluations);
		assert_given_up(compute, true);
		fake.fail_after = 100; /* it is not asked again, though it would answer */
		assert_int_equal(compute_gp_fit(compute, &fit, 1, NULL), 0);
		assert_int_equal(fake.fail_after, 100);
		close_fake(compute);
	}
	compute_close(cpu);
	problem_release(&problem);
}

static void objectives_and_densities_are_done_again(void **state)
{
	(void)state;
	struct problem problem;
	double start[D + 2], gradient[D + 2], *gradients = gradient, objective = 0, ratio = 9;
	const double zero = 0, mu = 0.5, sigma = 1, high = 1;
	const uint32_t size = 0;
	const size_t at = 0;
	struct kde kde = { 1, 1, &zero, &size, &mu, &sigma, &zero, &high, &zero, NULL, &at };
	problem_init(&problem, 2, 10, D, 0);
	set_theta(start, D, 0.5, 1, 0.02);
	struct gp_fit fit = {
		.input = problem.input, .y = problem.y, .n_starts = 1, .starts = start
	};
	struct compute *compute = open_fake(2, CODE_UNAVAILABLE);
	assert_int_equal(compute_gp_objective(compute, &fit, 1, &objective, &gradients, NULL), 0);
	assert_true(objective != 0 && isfinite(objective));
	assert_given_up(compute, true);
	close_fake(compute);

	compute = open_fake(1, CODE_UNAVAILABLE);
	assert_int_equal(compute_kde_ratio(compute, &kde, &kde, &mu, 1, &ratio, NULL), 0);
	assert_true(ratio == 0);
	assert_given_up(compute, true);
	close_fake(compute);
	problem_release(&problem);
}

/* Factors of a device that was given up say so, and are made again by their owner. */
static void factors_are_lost(void **state)
{
	(void)state;
	struct problem problem;
	struct gp_factor *first = NULL, *second = NULL, *third = NULL;
	struct error err = { 0 };
	double theta[D + 2], alpha[20], mean = 7, variance = 7;
	problem_init(&problem, 3, 20, D, 0);
	set_theta(theta, D, 0.5, 1, 0.02);
	struct compute *compute = open_fake(3, CODE_UNAVAILABLE);
	assert_int_equal(gp_factor_new(compute, &problem.input, theta, 30, &first, NULL), 0);
	assert_int_equal(gp_factor_new(compute, &problem.input, theta, 30, &second, NULL), 0);
	assert_int_equal(gp_factor_extend(first, problem.x, 1, &err), CODE_UNAVAILABLE);
	assert_int_equal(gp_factor_n(first), 20);
	assert_given_up(compute, true);

	fake.fail_after = 100;
	assert_int_equal(gp_factor_solve(second, problem.y, 1, alpha, &err), CODE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "make it again"));
	gp_factor_truncate(second, 5); /* no harm */
	assert_int_equal(gp_posterior(second, alpha, problem.x, 1, &mean, &variance, NULL),
		CODE_UNAVAILABLE);
	assert_true(mean == 7 && variance == 7);
	assert_int_equal(fake.fail_after, 100);

	assert_int_equal(gp_factor_new(compute, &problem.input, theta, 30, &third, NULL), 0);
	assert_int_equal(gp_factor_solve(third, problem.y, 1, alpha, NULL), 0);
	assert_int_equal(gp_posterior(third, alpha, problem.x, 1, &mean, &variance, NULL), 0);
	assert_given_up(compute, true);
	gp_factor_free(first);
	gp_factor_free(second);
	gp_factor_free(third);
	close_fake(compute);
	problem_release(&problem);
}

/* A device that is full does not do this one; it stays in use. A wrong argument is nobody's fault
 * but the caller's. */
static void a_full_device_stays(void **state)
{
	(void)state;
	struct problem problem;
	struct gp_factor *factor = NULL, *next = NULL;
	double theta[D + 2], alpha[20];
	problem_init(&problem, 3, 20, D, 0);
	set_theta(theta, D, 0.5, 1, 0.02);
	struct compute *compute = open_fake(1, CODE_NO_MEMORY);
	assert_int_equal(gp_factor_new(compute, &problem.input, theta, 30, &factor, NULL), 0);
	assert_int_equal(gp_factor_solve(factor, problem.y, 1, alpha, NULL), 0);
	assert_given_up(compute, false);
	fake.fail_after = 1;
	assert_int_equal(gp_factor_new(compute, &problem.input, theta, 30, &next, NULL), 0);
	fake.failure = CODE_INVALID;
	assert_int_equal(gp_factor_solve(next, problem.y, 1, alpha, NULL), CODE_INVALID);
	assert_given_up(compute, false);
	gp_factor_free(factor);
	gp_factor_free(next);
	close_fake(compute);
	problem_release(&problem);
}

/* ---- many threads, one failure ---- */

static struct compute *shared;

static void *fit_repeatedly(void *argument)
{
	double theta[D + 2], start[D + 2];
	const struct problem *problem = argument;
	set_theta(start, D, 0.5, 1, 0.02);
	struct gp_fit fit = { .input = problem->input,
		.y = problem->y,
		.n_starts = 1,
		.starts = start,
		.theta = theta };
	for (int t = 0; t < 20; t++)
		if (compute_gp_fit(shared, &fit, 1, NULL) || fit.code)
			return NULL;
	return argument;
}

/* The fake counts without locks: the threads use only its evaluations, through the cpu's. */
static atomic_long evaluations_left;

static int racing_evaluate(
	void *batch, struct gp_evaluation *evaluations, size_t n, struct error *err)
{
	if (atomic_fetch_sub(&evaluations_left, 1) <= 0)
		return (fail)(err, CODE_UNAVAILABLE, "the fake device fell off the bus");
	return compute_cpu.batch_evaluate(batch, evaluations, n, err);
}

static void threads_give_it_up_once(void **state)
{
	(void)state;
	struct compute_backend backend = compute_cpu;
	struct problem problems[4];
	pthread_t threads[4];
	backend.name = "fake";
	backend.batch_evaluate = racing_evaluate;
	atomic_store(&evaluations_left, 100);
	assert_int_equal(compute_new(&backend, &shared, NULL), 0);
	for (size_t t = 0; t < 4; t++) {
		problem_init(&problems[t], t, 8, D, 0);
		assert_int_equal(
			pthread_create(&threads[t], NULL, fit_repeatedly, &problems[t]), 0);
	}
	for (size_t t = 0; t < 4; t++) {
		void *ended = NULL;
		assert_int_equal(pthread_join(threads[t], &ended), 0);
		assert_ptr_equal(ended, &problems[t]);
		problem_release(&problems[t]);
	}
	struct compute_stats stats;
	compute_stats(shared, &stats);
	assert_int_equal(stats.fits, 80);
	assert_given_up(shared, true);
	compute_close(shared);
}

/* Another version of the interface, and a device that does not open. */
static void what_does_not_open(void **state)
{
	(void)state;
	struct compute *compute = NULL;
	struct error err = { 0 };
	struct compute_backend backend = fake_backend();
	memset(&fake, 0, sizeof(fake));
	fake.failure = CODE_UNAVAILABLE;
	assert_int_equal(compute_new(&backend, &compute, &err), CODE_UNAVAILABLE);
	assert_string_equal(err.message, "the fake device fell off the bus");
	backend.abi = COMPUTE_ABI + 1;
	fake.fail_after = 100;
	assert_int_equal(compute_new(&backend, &compute, &err), CODE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "version"));
	assert_null(compute);
	assert_int_equal(fake.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits_are_done_again),
		cmocka_unit_test(objectives_and_densities_are_done_again),
		cmocka_unit_test(factors_are_lost),
		cmocka_unit_test(a_full_device_stays),
		cmocka_unit_test(threads_give_it_up_once),
		cmocka_unit_test(what_does_not_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
