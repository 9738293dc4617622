/*
 * A back end in the device's place: evaluates functions written down here, or does what the
 * processor does; and fails when told to.
 */
#ifndef TESTS_UNIT_GPU_FAKE_H
#define TESTS_UNIT_GPU_FAKE_H

#include "gpu/compute_internal.h"

/* (fail)(...) is core/error.h's; without brackets it is a macro of cmocka. */

/* What the fake does; one test at a time. */
static struct {
	/* of theta, dim values, last one ln noise; NULL: the processor's */
	double (*function)(const double *theta, size_t dim, double *gradient);
	size_t calls, evaluations, most_at_once; /* of batch_evaluate */
	long fail_after;			 /* calls of any kind that still succeed */
	enum code failure;
	int live; /* batches and factors not freed yet, and open itself */
} fake;

static const struct gp_fit *fake_problems;

static int fake_fails(struct error *err)
{
	if (fake.fail_after-- > 0)
		return 0;
	fake.fail_after = 0;
	return (fail)(err, fake.failure, "the fake device fell off the bus");
}

static void *fake_open(char *fingerprint, size_t size, struct error *err)
{
	if (fake_fails(err))
		return NULL;
	snprintf(fingerprint, size, "fake 1.0");
	fake.live++;
	return &fake;
}

static void fake_close(void *self)
{
	assert_ptr_equal(self, &fake);
	fake.live--;
}

static int fake_batch_new(
	void *self, const struct gp_fit *problems, size_t n, void **batch, struct error *err)
{
	int code = fake_fails(err);
	code = code ? code : compute_cpu.batch_new(self, problems, n, batch, err);
	fake_problems = problems;
	fake.live += code == 0;
	return code;
}

static int fake_batch_evaluate(
	void *batch, struct gp_evaluation *evaluations, size_t n, struct error *err)
{
	int code = fake_fails(err);
	fake.calls++;
	fake.evaluations += n;
	fake.most_at_once = n > fake.most_at_once ? n : fake.most_at_once;
	if (code || !fake.function)
		return code ? code : compute_cpu.batch_evaluate(batch, evaluations, n, err);
	for (size_t e = 0; e < n; e++) {
		struct gp_evaluation *at = &evaluations[e];
		size_t dim = fake_problems[at->problem].input.d + 2;
		at->objective = fake.function(at->theta, dim, at->gradient);
	}
	return 0;
}

static void fake_batch_free(void *batch)
{
	fake.live--;
	compute_cpu.batch_free(batch);
}

static int fake_factor_new(void *self, const struct gp_input *input, const double *theta,
	size_t room, void **factor, struct error *err)
{
	int code = fake_fails(err);
	code = code ? code : compute_cpu.factor_new(self, input, theta, room, factor, err);
	fake.live += code == 0;
	return code;
}

static void fake_factor_free(void *factor)
{
	fake.live--;
	compute_cpu.factor_free(factor);
}

static int fake_factor_extend(void *factor, const double *x, size_t m, struct error *err)
{
	int code = fake_fails(err);
	return code ? code : compute_cpu.factor_extend(factor, x, m, err);
}

static int fake_factor_solve(
	void *factor, const double *y, size_t n_y, double *alpha, struct error *err)
{
	int code = fake_fails(err);
	return code ? code : compute_cpu.factor_solve(factor, y, n_y, alpha, err);
}

static int fake_posterior(void *factor, const double *alpha, const double *x, size_t m,
	double *mean, double *variance, struct error *err)
{
	int code = fake_fails(err);
	return code ? code : compute_cpu.posterior(factor, alpha, x, m, mean, variance, err);
}

static int fake_kde_ratio(void *self, const struct kde *l, const struct kde *g, const double *x,
	size_t m, double *log_ratio, struct error *err)
{
	int code = fake_fails(err);
	return code ? code : compute_cpu.kde_ratio(self, l, g, x, m, log_ratio, err);
}

static struct compute_backend fake_backend(void)
{
	struct compute_backend backend = compute_cpu;
	backend.name = "fake";
	backend.open = fake_open;
	backend.close = fake_close;
	backend.batch_new = fake_batch_new;
	backend.batch_evaluate = fake_batch_evaluate;
	backend.batch_free = fake_batch_free;
	backend.factor_new = fake_factor_new;
	backend.factor_free = fake_factor_free;
	backend.factor_extend = fake_factor_extend;
	backend.factor_solve = fake_factor_solve;
	backend.posterior = fake_posterior;
	backend.kde_ratio = fake_kde_ratio;
	return backend;
}

#endif
