#include "gpu/gp_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/lbfgsb.h"

#define NOISE_FLOOR 1e-6
#define ITERATIONS  60
#define TOLERANCE   1e-3 /* times sqrt(dim) */
#define LEAST_GAIN  1e-6 /* beyond that theta moves along the ridges of flat length scales only */

/* Bounds of A.2.1 step 4. ln(noise - 1e-6) has no end: stop at 1 % over the floor, where the prior
 * of the noise has long been flat. */
#define LENGTH_LOW  0.02
#define LENGTH_HIGH 100.0
#define SCALE_LOW   0.05
#define SCALE_HIGH  20.0
#define NOISE_LOW   1e-8
#define NOISE_HIGH  (1 - NOISE_FLOOR)

struct start {
	size_t problem;
	struct lbfgsb run;
	double *theta, *gradient; /* of the evaluation asked for */
};

struct driver {
	struct gp_fit *fits;
	size_t n_fits;
	struct start *starts;
	size_t n_starts;
	struct gp_evaluation *evaluations;
	double *memory; /* of everything */
	double **low, **high;
};

/* The optimiser's coordinates are theta's, but for the last: ln(noise - 1e-6), or ln noise, fixed,
 * of a noiseless problem. */
static void theta_of(const struct gp_fit *fit, const double *x, double *theta)
{
	size_t last = fit->input.d + 1;
	memcpy(theta, x, (last + 1) * sizeof(*theta));
	theta[last] = log(NOISE_FLOOR);
	if (!fit->noiseless)
		theta[last] = log(exp(x[last]) + NOISE_FLOOR);
}

static void coordinates_of(const struct gp_fit *fit, const double *theta, double *x)
{
	size_t last = fit->input.d + 1;
	memcpy(x, theta, (last + 1) * sizeof(*x));
	double above = exp(theta[last]) - NOISE_FLOOR;
	x[last] = fit->noiseless ? 0 : log(fmax(above, NOISE_LOW));
}

static void set_bounds(const struct gp_fit *fit, double *low, double *high)
{
	size_t d = fit->input.d;
	for (size_t i = 0; i < d; i++) {
		low[i] = -2 * log(LENGTH_HIGH);
		high[i] = -2 * log(LENGTH_LOW);
	}
	low[d] = log(SCALE_LOW);
	high[d] = log(SCALE_HIGH);
	low[d + 1] = fit->noiseless ? 0 : log(NOISE_LOW);
	high[d + 1] = fit->noiseless ? 0 : log(NOISE_HIGH);
}

static void release(struct driver *driver)
{
	free(driver->starts);
	free(driver->evaluations);
	free(driver->memory);
}

/* Memory a start: the optimiser's, theta, gradient. A problem: its bounds, a start's coordinates.
 */
static size_t count_memory(const struct gp_fit *fits, size_t n, size_t *n_starts)
{
	size_t doubles = 0;
	*n_starts = 0;
	for (size_t p = 0; p < n; p++) {
		size_t dim = fits[p].input.d + 2;
		doubles += 3 * dim + fits[p].n_starts * (lbfgsb_memory(dim) + 2 * dim);
		*n_starts += fits[p].n_starts;
	}
	return doubles;
}

static int init(struct driver *driver, struct gp_fit *fits, size_t n)
{
	size_t doubles = count_memory(fits, n, &driver->n_starts);
	driver->fits = fits;
	driver->n_fits = n;
	driver->starts = calloc(driver->n_starts, sizeof(*driver->starts));
	driver->evaluations = calloc(driver->n_starts, sizeof(*driver->evaluations));
	driver->memory = calloc(doubles, sizeof(double));
	if (!driver->starts || !driver->evaluations || !driver->memory)
		return CODE_NO_MEMORY;

	double *at = driver->memory;
	struct start *start = driver->starts;
	for (size_t p = 0; p < n; p++) {
		size_t dim = fits[p].input.d + 2;
		double *low = at, *high = at + dim, *x = at + 2 * dim;
		at += 3 * dim;
		set_bounds(&fits[p], low, high);
		struct lbfgsb_limits limits = { .low = low,
			.high = high,
			.max_iterations =
				fits[p].max_iterations ? fits[p].max_iterations : ITERATIONS,
			.tolerance = TOLERANCE * sqrt((double)dim),
			.least_gain = LEAST_GAIN,
			/* Of ln s2 and ln noise: at most 1/2 a point, where y fits. */
			.curvature = 1 + 0.5 * (double)fits[p].input.n };
		for (size_t s = 0; s < fits[p].n_starts; s++, start++) {
			start->problem = p;
			start->theta = at;
			start->gradient = at + dim;
			coordinates_of(&fits[p], fits[p].starts + s * dim, x);
			lbfgsb_init(&start->run, dim, x, &limits, at + 2 * dim);
			at += lbfgsb_memory(dim) + 2 * dim;
		}
	}
	return 0;
}

/* One evaluation of every live start. *live: how many there were. */
static int advance(struct driver *driver, const struct compute_backend *backend, void *batch,
	size_t *live, struct error *err)
{
	size_t n = 0;
	for (size_t s = 0; s < driver->n_starts; s++) {
		struct start *start = &driver->starts[s];
		if (!start->run.live)
			continue;
		theta_of(&driver->fits[start->problem], start->run.trial, start->theta);
		driver->evaluations[n++] = (struct gp_evaluation){ .problem = start->problem,
			.theta = start->theta,
			.gradient = start->gradient };
	}
	*live = n;
	if (n == 0)
		return 0;
	int code = backend->batch_evaluate(batch, driver->evaluations, n, err);
	if (code)
		return code;
	n = 0;
	for (size_t s = 0; s < driver->n_starts; s++) {
		struct start *start = &driver->starts[s];
		if (start->run.live) {
			double objective = driver->evaluations[n++].objective;
			lbfgsb_advance(&start->run, objective, start->gradient);
		}
	}
	return 0;
}

/* The best end of each problem's starts; the first of equals. */
static void hand_out(const struct driver *driver)
{
	const struct start *start = driver->starts;
	for (size_t p = 0; p < driver->n_fits; p++) {
		struct gp_fit *fit = &driver->fits[p];
		const struct start *best = start;
		fit->evaluations = 0;
		for (size_t s = 0; s < fit->n_starts; s++, start++) {
			fit->evaluations += start->run.evaluations;
			if (start->run.objective < best->run.objective)
				best = start;
		}
		fit->objective = best->run.objective;
		fit->code = fit->objective < HUGE_VAL ? 0 : CODE_INVALID;
		theta_of(fit, best->run.x, fit->theta);
	}
}

int gp_fit_run(const struct compute_backend *backend, void *self, struct gp_fit *fits, size_t n,
	struct error *err)
{
	struct driver driver = { 0 };
	void *batch = NULL;
	int code = init(&driver, fits, n);
	if (code) {
		fail(err, CODE_NO_MEMORY, "no memory to fit %zu models", n);
		goto out;
	}
	code = backend->batch_new(self, fits, n, &batch, err);
	if (code)
		goto out;
	size_t live = 1;
	while (code == 0 && live)
		code = advance(&driver, backend, batch, &live, err);
	backend->batch_free(batch);
	if (code == 0)
		hand_out(&driver);
out:
	release(&driver);
	return code;
}
