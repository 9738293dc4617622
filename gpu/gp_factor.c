#include <assert.h>
#include <stdlib.h>

#include "gpu/compute_internal.h"

struct gp_factor {
	struct compute *compute;
	const struct engine *engine; /* that made it; its alone to use */
	void *self;
	size_t n, d, room;
};

static int make(struct gp_factor *factor, const struct engine *engine, const struct gp_input *input,
	const double *theta, struct error *err)
{
	factor->engine = engine;
	return engine->ops->factor_new(
		engine->self, input, theta, factor->room, &factor->self, err);
}

int gp_factor_new(struct compute *compute, const struct gp_input *input, const double *theta,
	size_t room, struct gp_factor **out, struct error *err)
{
	struct error local;
	err = err ? err : &local;
	int code = check_input(input, err);
	code = code ? code : check_finite(theta, input->d + 2, "theta", err);
	if (code)
		return code;
	if (room < input->n || room > GP_LIMIT_N)
		return fail(err, CODE_INVALID, "room for %zu points (%zu to %d)", room, input->n,
			GP_LIMIT_N);
	struct gp_factor *factor = malloc(sizeof(*factor));
	if (!factor)
		return fail(err, CODE_NO_MEMORY, "no memory for a model");
	*factor = (struct gp_factor){
		.compute = compute, .n = input->n, .d = input->d, .room = room
	};
	const struct engine *engine = compute_engine(compute);
	code = make(factor, engine, input, theta, err);
	if (compute_again(compute, engine, code, err))
		code = make(factor, &compute->cpu, input, theta, err);
	if (code) {
		free(factor);
		return code;
	}
	atomic_fetch_add(&compute->factors, 1);
	*out = factor;
	return 0;
}

void gp_factor_free(struct gp_factor *factor)
{
	if (!factor)
		return;
	factor->engine->ops->factor_free(factor->self);
	free(factor);
}

size_t gp_factor_n(const struct gp_factor *factor)
{
	return factor->n;
}

size_t gp_factor_bytes(const struct gp_factor *factor)
{
	return sizeof(*factor) + factor->engine->ops->factor_bytes(factor->self);
}

/* Before a call: a device that was given up is not asked again, and values are numbers. */
static int begin(const struct gp_factor *factor, const double *values, size_t n, const char *what,
	struct error *err)
{
	if (compute_lost(factor->compute, factor->engine))
		return fail(err, CODE_UNAVAILABLE,
			"the device that held this model was given up: make it again");
	return check_finite(values, n, what, err);
}

/* After a call: a device that failed is given up. The factor was its own, so the call is not done
 * again. */
static int report(struct gp_factor *factor, int code, const struct error *err)
{
	compute_again(factor->compute, factor->engine, code, err);
	return code;
}

int gp_factor_extend(struct gp_factor *factor, const double *x, size_t m, struct error *err)
{
	struct error local;
	err = err ? err : &local;
	int code = begin(factor, x, m * factor->d, "x", err);
	if (code || m == 0)
		return code;
	if (m > factor->room - factor->n)
		return fail(err, CODE_INVALID, "%zu points more than %zu, with room for %zu", m,
			factor->n, factor->room);
	code = factor->engine->ops->factor_extend(factor->self, x, m, err);
	if (code == 0)
		factor->n += m;
	return report(factor, code, err);
}

void gp_factor_truncate(struct gp_factor *factor, size_t n)
{
	assert(n >= 1 && n <= factor->n);
	if (compute_lost(factor->compute, factor->engine))
		return;
	factor->engine->ops->factor_truncate(factor->self, n);
	factor->n = n;
}

int gp_factor_solve(
	struct gp_factor *factor, const double *y, size_t n_y, double *alpha, struct error *err)
{
	struct error local;
	err = err ? err : &local;
	int code = begin(factor, y, n_y * factor->n, "y", err);
	if (code || n_y == 0)
		return code;
	code = factor->engine->ops->factor_solve(factor->self, y, n_y, alpha, err);
	return report(factor, code, err);
}

int gp_posterior(struct gp_factor *factor, const double *alpha, const double *x, size_t m,
	double *mean, double *variance, struct error *err)
{
	struct error local;
	err = err ? err : &local;
	int code = begin(factor, x, m * factor->d, "x", err);
	if (code || m == 0)
		return code;
	atomic_fetch_add(&factor->compute->posteriors, 1);
	code = factor->engine->ops->posterior(factor->self, alpha, x, m, mean, variance, err);
	return report(factor, code, err);
}

int gp_posterior_gradient(struct gp_factor *factor, const double *alpha, const double *x,
	double *mean, double *variance, double *d_mean, double *d_variance, struct error *err)
{
	struct error local;
	err = err ? err : &local;
	int code = begin(factor, x, factor->d, "x", err);
	if (code)
		return code;
	atomic_fetch_add(&factor->compute->posteriors, 1);
	code = factor->engine->ops->posterior_gradient(
		factor->self, alpha, x, mean, variance, d_mean, d_variance, err);
	return report(factor, code, err);
}

int gp_covariance(struct gp_factor *factor, const double *x, size_t m, const double *z, size_t p,
	double *covariance, struct error *err)
{
	struct error local;
	err = err ? err : &local;
	int code = begin(factor, x, m * factor->d, "x", err);
	code = code ? code : check_finite(z, p * factor->d, "z", err);
	if (code || m == 0 || p == 0)
		return code;
	atomic_fetch_add(&factor->compute->posteriors, 1);
	code = factor->engine->ops->covariance(factor->self, x, m, z, p, covariance, err);
	return report(factor, code, err);
}
