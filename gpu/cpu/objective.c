#include "gpu/cpu/cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cpu/blas.h"

#define NOISE_FLOOR 1e-6

struct problem {
	const struct gp_fit *fit; /* x and y are the caller's, as long as the batch lives */
	double *x;		  /* by coordinate */
};

struct batch {
	struct problem *problems;
	size_t n_problems;
	double *x;
	/* of one evaluation, for the largest problem */
	double *k;	/* row-major lower triangle: K, then L, then K^-1 */
	double *slopes; /* of the pairs b < a, packed by rows */
	double *alpha;
	double *factor; /* of one row */
	double *weight, *sums;
};

void cpu_batch_free(void *self)
{
	struct batch *batch = self;
	if (!batch)
		return;
	free(batch->problems);
	free(batch->x);
	free(batch->k);
	free(batch->slopes);
	free(batch->alpha);
	free(batch->factor);
	free(batch->weight);
	free(batch->sums);
	free(batch);
}

static double *doubles(size_t n, bool *failed)
{
	double *out = malloc((n ? n : 1) * sizeof(*out));
	*failed = *failed || !out;
	return out;
}

static void transpose(const struct gp_input *input, double *columns)
{
	for (size_t a = 0; a < input->n; a++)
		for (size_t i = 0; i < input->d; i++)
			columns[i * input->n + a] = input->x[a * input->d + i];
}

int cpu_batch_new(
	void *self, const struct gp_fit *problems, size_t n, void **out, struct error *err)
{
	(void)self;
	size_t total = 0, most_n = 0, most_d = 0;
	bool failed = false;
	struct batch *batch = calloc(1, sizeof(*batch));
	if (!batch)
		return fail(err, CODE_NO_MEMORY, "no memory to fit a model");
	for (size_t p = 0; p < n; p++) {
		const struct gp_input *input = &problems[p].input;
		total += input->n * input->d;
		most_n = input->n > most_n ? input->n : most_n;
		most_d = input->d > most_d ? input->d : most_d;
	}
	batch->n_problems = n;
	batch->problems = calloc(n, sizeof(*batch->problems));
	batch->x = doubles(total, &failed);
	batch->k = doubles(most_n * most_n, &failed);
	batch->slopes = doubles(most_n * (most_n - 1) / 2, &failed);
	batch->alpha = doubles(most_n, &failed);
	batch->factor = doubles(most_n, &failed);
	batch->weight = doubles(most_d, &failed);
	batch->sums = doubles(most_d, &failed);
	if (failed || !batch->problems) {
		cpu_batch_free(batch);
		return fail(err, CODE_NO_MEMORY, "no memory to fit a model to %zu points", most_n);
	}
	double *x = batch->x;
	for (size_t p = 0; p < n; p++) {
		batch->problems[p] = (struct problem){ .fit = &problems[p], .x = x };
		transpose(&problems[p].input, x);
		x += problems[p].input.n * problems[p].input.d;
	}
	*out = batch;
	return 0;
}

/* Adds the prior's terms to the gradient and returns its part of J. */
static double add_prior(const struct gp_fit *fit, const double *theta, double *gradient)
{
	size_t d = fit->input.d;
	double centre = sqrt(2) + 0.5 * log((double)d), sum = 0;
	for (size_t i = 0; i < d; i++) {
		double off = -0.5 * theta[i] - centre; /* ln l = -1/2 ln w */
		sum += off * off / 6;
		gradient[i] -= off / 6;
	}
	sum += 0.5 * theta[d] * theta[d];
	gradient[d] += theta[d];
	if (!fit->noiseless) {
		double off = theta[d + 1] + 4, noise = exp(theta[d + 1]);
		sum += 0.5 * off * off;
		gradient[d + 1] += off * (noise - NOISE_FLOOR) / noise;
	}
	return sum;
}

/* The lower triangle of K, and the slopes below its diagonal. */
static void fill(struct batch *batch, const struct problem *problem, const struct matern *matern,
	double noise)
{
	const struct gp_input *input = &problem->fit->input;
	struct columns points = { problem->x, input->n };
	double *slopes = batch->slopes;
	for (size_t a = 0; a < input->n; a++) {
		double *row = batch->k + a * input->n;
		matern_row(matern, points, a, input->x + a * input->d, row, slopes);
		row[a] = matern->s2 + noise;
		slopes += a;
	}
}

/* sums[i] = sum over pairs of (K^-1 - alpha alpha')_ab slope_ab delta_i^2; returns tr K^-1. */
static double sum_pairs(
	struct batch *batch, const struct problem *problem, const struct matern *matern)
{
	const struct gp_input *input = &problem->fit->input;
	struct columns points = { problem->x, input->n };
	const double *slopes = batch->slopes, *alpha = batch->alpha;
	double *restrict factor = batch->factor, trace = 0;
	memset(batch->sums, 0, input->d * sizeof(*batch->sums));
	for (size_t a = 0; a < input->n; a++) {
		const double *inverse = batch->k + a * input->n;
		for (size_t b = 0; b < a; b++)
			factor[b] = (inverse[b] - alpha[a] * alpha[b]) * slopes[b];
		add_squared_distances(
			matern, points, a, input->x + a * input->d, factor, batch->sums);
		trace += inverse[a];
		slopes += a;
	}
	return trace;
}

/* A.2.1 step 4. The diagonal has no distances, so each pair counts twice and cancels the 1/2; with
 * k = K - noise I the trace terms need no k: tr(K^-1 k) = n - noise tr K^-1, alpha'k alpha =
 * y'alpha - noise alpha'alpha. */
static void evaluate(struct batch *batch, struct gp_evaluation *evaluation)
{
	const struct problem *problem = &batch->problems[evaluation->problem];
	const struct gp_fit *fit = problem->fit;
	size_t d = fit->input.d, n = fit->input.n;
	const double *theta = evaluation->theta, *y = fit->y;
	double *gradient = evaluation->gradient, *alpha = batch->alpha;
	double noise = exp(theta[d + 1]);
	struct matern matern = { d, fit->input.category, batch->weight, exp(theta[d]) };
	int order = (int)n, one = 1, info = 0;

	for (size_t i = 0; i < d; i++)
		batch->weight[i] = exp(theta[i]);
	memset(gradient, 0, (d + 2) * sizeof(*gradient));
	evaluation->objective = HUGE_VAL;
	fill(batch, problem, &matern, noise);
	dpotrf_("U", &order, batch->k, &order, &info);
	if (info)
		return;
	double log_root = 0;
	for (size_t a = 0; a < n; a++)
		log_root += log(batch->k[a * n + a]);
	memcpy(alpha, y, n * sizeof(*alpha));
	dtrsv_("U", "T", "N", &order, batch->k, &order, alpha, &one);
	dtrsv_("U", "N", "N", &order, batch->k, &order, alpha, &one);
	dpotri_("U", &order, batch->k, &order, &info);
	if (info)
		return;

	double trace = sum_pairs(batch, problem, &matern);
	double fitted = dot_lanes(y, alpha, n), square = dot_lanes(alpha, alpha, n);
	for (size_t i = 0; i < d; i++)
		gradient[i] = -(5.0 / 6) * batch->weight[i] * batch->sums[i];
	gradient[d] = 0.5 * ((double)n - noise * trace - (fitted - noise * square));
	if (!fit->noiseless)
		gradient[d + 1] = 0.5 * (noise - NOISE_FLOOR) * (trace - square);
	double objective = 0.5 * fitted + log_root + add_prior(fit, theta, gradient);
	evaluation->objective = isfinite(objective) ? objective : HUGE_VAL;
}

int cpu_batch_evaluate(void *self, struct gp_evaluation *evaluations, size_t n, struct error *err)
{
	(void)err;
	for (size_t e = 0; e < n; e++)
		evaluate(self, &evaluations[e]);
	return 0;
}
