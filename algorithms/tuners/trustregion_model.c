#include "algorithms/tuners/trustregion_model.h"

#include <math.h>
#include <string.h>

#include "core/error.h"

#define LEVEL	 1.0   /* prior variance of the level */
#define FAVOURED 30.0  /* of the favoured part of the Hessian, of the rest of it */
#define PIVOT	 1e-13 /* least share of a diagonal element that a pivot keeps */

/* Standard deviations: of the Hessian's elements, of the rest at one radius as a share of that, and
 * of noise. */
static const double curvatures[] = { 0.1, 1, 10 };
static const double rests[] = { 0.001, 0.03, 0.3, 1 };
static const double noises[] = { 1e-6, 0.03, 0.2, 0.6 };

#define COUNT(list) ((unsigned)(sizeof(list) / sizeof((list)[0])))

static double square(double x)
{
	return x * x;
}

static double dot(size_t n, const double *a, const double *b)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

int region_model_init(struct region_model *model, size_t d, size_t room, struct arena *arena)
{
	*model = (struct region_model){ .d = d, .room = room };
	model->y = arena_array(arena, room * d + 1, sizeof(double));
	model->f = arena_array(arena, 4 * room + 1, sizeof(double));
	model->factor = arena_array(arena, room * room + 1, sizeof(double));
	model->gradient = arena_array(arena, d * (d + 1) + 1, sizeof(double));
	if (!model->y || !model->f || !model->factor || !model->gradient)
		return CODE_NO_MEMORY;
	model->rest = model->f + room;
	model->alpha = model->rest + room;
	model->work = model->alpha + room;
	model->hessian = model->gradient + d;
	return 0;
}

/* The prior covariance of f at y and z, without rest and noise. */
static double kernel(const struct region_model *model, const double *y, const double *z)
{
	size_t d = model->d;
	double product = dot(d, y, z), favoured = 0;
	double variance = square(curvatures[model->scales.curvature]);

	if (model->scales.structure == HESSIAN_ISOTROPIC)
		favoured = dot(d, y, y) * dot(d, z, z);
	else if (model->scales.structure == HESSIAN_DIAGONAL)
		for (size_t i = 0; i < d; i++)
			favoured += square(y[i] * z[i]);
	return LEVEL + product + variance * (0.5 * square(product) + 0.25 * FAVOURED * favoured);
}

/* Of the rest and noise at a place |y|^6. */
static double noise_variance(const struct region_model *model, double rest)
{
	const struct region_scales *scales = &model->scales;

	return square(noises[scales->noise]) +
	       square(rests[scales->rest] * curvatures[scales->curvature]) * rest;
}

/* Row k of the factor, given those before it; diagonal: of the matrix. */
static void factor_row(struct region_model *model, size_t k, double diagonal)
{
	double *row = model->factor + k * model->room;
	double left = diagonal;

	for (size_t i = 0; i < k; i++) {
		const double *above = model->factor + i * model->room;
		row[i] = (row[i] - dot(i, row, above)) / above[i];
		left -= square(row[i]);
	}
	row[k] = sqrt(fmax(left, PIVOT * diagonal));
}

static void factorise(struct region_model *model)
{
	for (size_t k = 0; k < model->n; k++) {
		const double *y = model->y + k * model->d;
		double *row = model->factor + k * model->room;

		for (size_t i = 0; i < k; i++)
			row[i] = kernel(model, y, model->y + i * model->d);
		factor_row(model, k, kernel(model, y, y) + noise_variance(model, model->rest[k]));
	}
}

/* out = L^-1 b */
static void solve_lower(const struct region_model *model, const double *b, double *out)
{
	for (size_t k = 0; k < model->n; k++) {
		const double *row = model->factor + k * model->room;
		out[k] = (b[k] - dot(k, row, out)) / row[k];
	}
}

/* Minus twice the log likelihood, less a constant, at the amplitude that makes it least. */
static double misfit(struct region_model *model)
{
	double n = (double)model->n, logs = 0;

	factorise(model);
	solve_lower(model, model->f, model->work);
	double energy = dot(model->n, model->work, model->work) / n;
	for (size_t k = 0; k < model->n; k++)
		logs += 2 * log(model->factor[k * model->room + k]);
	return n * log(fmax(energy, 1e-300)) + logs;
}

/* The best of the list for one of the scales, the others as they are. Answers whether it is
 * another one. */
static bool choose(struct region_model *model, unsigned *scale, unsigned n, double *least)
{
	unsigned best = *scale, before = *scale;

	for (unsigned i = 0; i < n; i++) {
		if (i == before)
			continue;
		*scale = i;
		double value = misfit(model);
		if (value < *least) {
			*least = value;
			best = i;
		}
	}
	*scale = best;
	return best != before;
}

static void choose_scales(struct region_model *model)
{
	struct region_scales *scales = &model->scales;
	double least;

	*scales = (struct region_scales){ .curvature = 1, .rest = 1, .noise = 0 };
	least = misfit(model);
	for (int round = 0; round < 2; round++) {
		bool changed = choose(model, &scales->rest, COUNT(rests), &least);

		changed |= choose(model, &scales->noise, COUNT(noises), &least);
		changed |= choose(model, &scales->curvature, COUNT(curvatures), &least);
		changed |= choose(model, &scales->structure, HESSIAN_STRUCTURES, &least);
		if (!changed)
			break;
	}
}

/* The mean as a polynomial. */
static void expand(struct region_model *model)
{
	size_t d = model->d;
	double variance = square(curvatures[model->scales.curvature]), spheres = 0;

	memset(model->gradient, 0, d * (d + 1) * sizeof(double));
	model->level = 0;
	for (size_t k = 0; k < model->n; k++) {
		const double *y = model->y + k * d;
		double alpha = model->alpha[k];

		model->level += LEVEL * alpha;
		spheres += alpha * dot(d, y, y);
		for (size_t i = 0; i < d; i++) {
			model->gradient[i] += alpha * y[i];
			for (size_t j = 0; j < d; j++)
				model->hessian[i * d + j] += variance * alpha * y[i] * y[j];
			if (model->scales.structure == HESSIAN_DIAGONAL)
				model->hessian[i * d + i] +=
					0.5 * FAVOURED * variance * alpha * square(y[i]);
		}
	}
	if (model->scales.structure == HESSIAN_ISOTROPIC)
		for (size_t i = 0; i < d; i++)
			model->hessian[i * d + i] += 0.5 * FAVOURED * variance * spheres;
}

void region_model_fit(struct region_model *model)
{
	for (size_t k = 0; k < model->n; k++) {
		const double *y = model->y + k * model->d;
		double length2 = dot(model->d, y, y);
		model->rest[k] = length2 * length2 * length2;
	}
	choose_scales(model);
	(void)misfit(model);
	model->amplitude = sqrt(dot(model->n, model->work, model->work) / (double)model->n);
	for (size_t k = model->n; k-- > 0;) { /* alpha = L'^-1 work */
		double sum = model->work[k];
		for (size_t i = k + 1; i < model->n; i++)
			sum -= model->factor[i * model->room + k] * model->alpha[i];
		model->alpha[k] = sum / model->factor[k * model->room + k];
	}
	expand(model);
}

void region_model_believe(struct region_model *model, const double *y)
{
	size_t k = model->n, d = model->d;
	double length2 = dot(d, y, y);

	memcpy(model->y + k * d, y, d * sizeof(double));
	for (size_t i = 0; i < k; i++)
		model->factor[k * model->room + i] = kernel(model, y, model->y + i * d);
	factor_row(
		model, k, kernel(model, y, y) + noise_variance(model, length2 * length2 * length2));
	model->n++;
}

double region_model_mean(const struct region_model *model, const double *y)
{
	size_t d = model->d;
	double sum = model->level + dot(d, model->gradient, y);

	for (size_t i = 0; i < d; i++)
		sum += 0.5 * y[i] * dot(d, model->hessian + i * d, y);
	return sum;
}

double region_model_deviation(const struct region_model *model, const double *y)
{
	double length2 = dot(model->d, y, y), left = kernel(model, y, y);

	for (size_t k = 0; k < model->n; k++) {
		const double *row = model->factor + k * model->room;
		double value = kernel(model, y, model->y + k * model->d);
		model->work[k] = (value - dot(k, row, model->work)) / row[k];
		left -= square(model->work[k]);
	}
	left = fmax(left, 0) + noise_variance(model, length2 * length2 * length2) -
	       noise_variance(model, 0);
	return model->amplitude * sqrt(left);
}

double region_model_noise(const struct region_model *model)
{
	return model->amplitude * sqrt(noise_variance(model, 0));
}
