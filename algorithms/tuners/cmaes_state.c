#include "algorithms/tuners/cmaes_state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/tuners/cmaes_eigen.h"

#define DEVIATION_MAX 1.0   /* of any coordinate: wider than the cube tells nothing */
#define LOG_STEP_MAX  1.0   /* sigma grows e-fold in a generation, at most */
#define LENGTH_FLOOR  1e-8  /* of a negative step's length, squared */
#define AXIS_FLOOR    1e-12 /* of the shortest axis, of the longest */

/* Weights and learning rates of a generation of n results. */
struct rates {
	double *weights; /* [n], the negative ones last */
	size_t mu;
	double mu_eff;
	double c1, c_mu, c_sigma, d_sigma, c_c, chi;
};

int cmaes_init(struct cmaes *cmaes, const struct cmaes_model *model, struct arena *arena)
{
	size_t d = model->d, triangle = d * (d + 1) / 2;
	size_t size = sizeof(struct cmaes_head) + (4 * d + triangle) * sizeof(double);
	char *block = arena_alloc(arena, size);
	double *derived = arena_array(arena, 2 * d * d + 5 * d + 1, sizeof(double));

	if (!block || !derived)
		return CODE_NO_MEMORY;
	*cmaes = (struct cmaes){ .model = model, .size = size };
	cmaes->head = (struct cmaes_head *)block;
	cmaes->mean = (double *)(block + sizeof(struct cmaes_head));
	cmaes->path_sigma = cmaes->mean + d;
	cmaes->path_c = cmaes->path_sigma + d;
	cmaes->width = cmaes->path_c + d;
	cmaes->covariance = cmaes->width + d;
	cmaes->basis = derived;
	cmaes->axes = cmaes->basis + d * d;
	cmaes->work = cmaes->axes + d;
	return 0;
}

void cmaes_begin_run(struct cmaes *cmaes, size_t popsize, double sigma)
{
	struct cmaes_head *head = cmaes->head;
	size_t d = cmaes->model->d;

	head->popsize = popsize;
	head->generation = 0;
	head->results = 0;
	head->budget = 0;
	head->flat = 0;
	head->sigma = head->sigma_start = sigma;
	head->share = 1;
	memset(cmaes->path_sigma, 0, d * sizeof(double));
	memset(cmaes->path_c, 0, d * sizeof(double));
	memset(cmaes->covariance, 0, d * (d + 1) / 2 * sizeof(double));
	for (size_t i = 0; i < d; i++) {
		cmaes->width[i] = 1;
		cmaes->covariance[i * (i + 1) / 2 + i] = 1;
	}
}

int cmaes_begin(struct cmaes *cmaes, uint64_t start, struct arena *arena)
{
	int code = 0;

	cmaes->head->start = cmaes->head->consumed = start;
	for (size_t i = 0; i < cmaes->model->d; i++)
		cmaes->mean[i] = 0.5;
	cmaes_begin_run(cmaes, cmaes->model->popsize, cmaes->model->sigma);
	if (cmaes->model->warm)
		code = cmaes_warm_up(cmaes, arena);
	cmaes_decompose(cmaes);
	return code;
}

static void reset_covariance(struct cmaes *cmaes)
{
	size_t d = cmaes->model->d;

	memset(cmaes->covariance, 0, d * (d + 1) / 2 * sizeof(double));
	memset(cmaes->basis, 0, d * d * sizeof(double));
	for (size_t i = 0; i < d; i++) {
		cmaes->covariance[i * (i + 1) / 2 + i] = 1;
		cmaes->basis[i * d + i] = 1;
		cmaes->axes[i] = 1;
	}
}

void cmaes_decompose(struct cmaes *cmaes)
{
	size_t d = cmaes->model->d;
	double *full = cmaes->work, longest = 0;

	for (size_t i = 0; i < d; i++)
		for (size_t j = 0; j <= i; j++)
			full[i * d + j] = full[j * d + i] = cmaes->covariance[i * (i + 1) / 2 + j];
	if (!eigen_symmetric(d, full, cmaes->axes, cmaes->basis, full + d * d)) {
		reset_covariance(cmaes);
		return;
	}
	for (size_t i = 0; i < d; i++)
		longest = fmax(longest, sqrt(fmax(cmaes->axes[i], 0)));
	for (size_t i = 0; i < d; i++)
		cmaes->axes[i] = fmax(sqrt(fmax(cmaes->axes[i], 0)), AXIS_FLOOR * longest);
	if (!(longest > 0))
		reset_covariance(cmaes);
}

/* |C^-1/2 y|^2 */
static double length2(const struct cmaes *cmaes, const double *y)
{
	size_t d = cmaes->model->d;
	double sum = 0;

	for (size_t k = 0; k < d; k++) {
		double along = 0;
		for (size_t i = 0; i < d; i++)
			along += cmaes->basis[k * d + i] * y[i];
		along /= cmaes->axes[k];
		sum += along * along;
	}
	return sum;
}

static void step_of(const struct cmaes *cmaes, const double *raw, double *y)
{
	for (size_t i = 0; i < cmaes->model->d; i++)
		y[i] = (raw[i] - cmaes->mean[i]) / (cmaes->head->sigma * cmaes->width[i]);
}

double cmaes_distance2(const struct cmaes *cmaes, const double *raw)
{
	step_of(cmaes, raw, cmaes->work);
	return length2(cmaes, cmaes->work);
}

/* ---- weights and rates ---- */

/* Logarithmic weights, not scaled yet. Failed results have no positive ones: alive are not. */
static void rates_weigh(struct rates *rates, size_t n, size_t alive)
{
	double sum = 0, squares = 0;

	rates->mu = alive < n / 2 ? alive : n / 2;
	for (size_t i = 0; i < n; i++) {
		rates->weights[i] = log(((double)n + 1) / 2) - log((double)i + 1);
		if (i >= rates->mu && rates->weights[i] > 0)
			rates->weights[i] = 0;
	}
	for (size_t i = 0; i < rates->mu; i++) {
		sum += rates->weights[i];
		squares += rates->weights[i] * rates->weights[i];
	}
	rates->mu_eff = sum * sum / squares;
	for (size_t i = 0; i < rates->mu; i++)
		rates->weights[i] /= sum;
}

static void rates_learn(struct rates *rates, size_t d)
{
	double n = (double)d, mu = rates->mu_eff;

	rates->c1 = 2 / ((n + 1.3) * (n + 1.3) + mu);
	rates->c_mu = fmin(1 - rates->c1 - 1e-8, 2 * (mu - 2 + 1 / mu) / ((n + 2) * (n + 2) + mu));
	rates->c_sigma = (mu + 2) / (n + mu + 5);
	rates->d_sigma = 1 + rates->c_sigma + 2 * fmax(0, sqrt((mu - 1) / (n + 1)) - 1);
	rates->c_c = (4 + mu / n) / (n + 4 + 2 * mu / n);
	rates->chi = sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
}

/* The negative weights' sum is as large as keeps the covariance positive. */
static void rates_balance(struct rates *rates, size_t d, size_t n, bool active)
{
	double sum = 0, squares = 0, total;

	for (size_t i = rates->mu; i < n; i++) {
		sum -= rates->weights[i];
		squares += rates->weights[i] * rates->weights[i];
	}
	if (!active || !(squares > 0) || !(rates->c_mu > 0)) {
		for (size_t i = rates->mu; i < n; i++)
			rates->weights[i] = 0;
		return;
	}
	total = fmin(
		1 + rates->c1 / rates->c_mu, 1 + 2 * (sum * sum / squares) / (rates->mu_eff + 2));
	total = fmin(total, (1 - rates->c1 - rates->c_mu) / ((double)d * rates->c_mu));
	for (size_t i = rates->mu; i < n; i++)
		rates->weights[i] *= total / sum;
}

/* ---- the update ---- */

static int compare_members(const void *a, const void *b)
{
	const struct cmaes_member *left = a, *right = b;

	if (rank_better(&left->rank, &right->rank))
		return -1;
	return rank_better(&right->rank, &left->rank);
}

/* mean and both paths; step: the weighted mean of the good steps. Answers h_sigma. */
static bool move(struct cmaes *cmaes, const struct rates *rates, const double *step)
{
	struct cmaes_head *head = cmaes->head;
	size_t d = cmaes->model->d;
	double keep = 1 - rates->c_sigma, square = 0;
	double gain = sqrt(rates->c_sigma * (2 - rates->c_sigma) * rates->mu_eff);
	double gain_c = sqrt(rates->c_c * (2 - rates->c_c) * rates->mu_eff);

	for (size_t i = 0; i < d; i++)
		cmaes->path_sigma[i] *= keep;
	for (size_t k = 0; k < d; k++) {
		const double *row = cmaes->basis + k * d;
		double along = 0;
		for (size_t i = 0; i < d; i++)
			along += row[i] * step[i];
		along *= gain / cmaes->axes[k];
		for (size_t i = 0; i < d; i++)
			cmaes->path_sigma[i] += along * row[i];
	}
	for (size_t i = 0; i < d; i++)
		square += cmaes->path_sigma[i] * cmaes->path_sigma[i];
	double length = sqrt(square / head->share);
	double settled = sqrt(1 - pow(keep, 2 * (double)(head->generation + 1)));
	bool h_sigma = length / settled < (1.4 + 2 / ((double)d + 1)) * rates->chi;
	for (size_t i = 0; i < d; i++) {
		cmaes->mean[i] += head->sigma * cmaes->width[i] * step[i];
		cmaes->path_c[i] =
			(1 - rates->c_c) * cmaes->path_c[i] + (h_sigma ? gain_c * step[i] : 0);
	}
	head->sigma *= exp(
		fmin(LOG_STEP_MAX, rates->c_sigma / rates->d_sigma * (length / rates->chi - 1)));
	return h_sigma;
}

static void add_outer(struct cmaes *cmaes, double factor, const double *y)
{
	double *at = cmaes->covariance;

	for (size_t i = 0; i < cmaes->model->d; i++)
		for (size_t j = 0; j <= i; j++)
			*at++ += factor * y[i] * y[j];
}

/* steps: [n][d], with the axes they were drawn with. */
static void reshape(
	struct cmaes *cmaes, const struct rates *rates, const double *steps, size_t n, bool h_sigma)
{
	size_t d = cmaes->model->d;
	double sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += rates->weights[k];
	double keep = 1 - rates->c1 - rates->c_mu * sum;
	if (!h_sigma)
		keep += rates->c1 * rates->c_c * (2 - rates->c_c);
	for (size_t i = 0; i < d * (d + 1) / 2; i++)
		cmaes->covariance[i] *= keep;
	add_outer(cmaes, rates->c1, cmaes->path_c);
	for (size_t k = 0; k < n; k++) {
		double weight = rates->weights[k];
		if (weight < 0)
			weight *= (double)d / fmax(length2(cmaes, steps + k * d), LENGTH_FLOOR);
		if (weight != 0)
			add_outer(cmaes, rates->c_mu * weight, steps + k * d);
	}
}

static void cap_sigma(struct cmaes *cmaes)
{
	double widest = 0;

	for (size_t i = 0; i < cmaes->model->d; i++)
		widest = fmax(widest, cmaes->width[i] * sqrt(cmaes_variance(cmaes, i)));
	cmaes->head->sigma = fmin(cmaes->head->sigma, DEVIATION_MAX / widest);
}

/* Shortens the step where it would take the mean out of the cube. The paths do not see what is cut
 * off, or sigma would grow for as long as the mean is at a bound; and what is left of the step is
 * expected to be shorter, or sigma would shrink. */
static void stay_inside(struct cmaes *cmaes, const struct rates *rates, double *step)
{
	struct cmaes_head *head = cmaes->head;
	double left = 0, keep = 1 - rates->c_sigma;

	for (size_t i = 0; i < cmaes->model->d; i++) {
		double deviation = head->sigma * cmaes->width[i], ratio = 1;
		double mean = cmaes->mean[i] + deviation * step[i];

		if (!cmaes->model->stepped[i] && (mean < 0 || mean > 1)) {
			ratio = (fmin(fmax(mean, 0), 1) - cmaes->mean[i]) / (mean - cmaes->mean[i]);
			step[i] *= ratio;
		}
		left += ratio * ratio / (double)cmaes->model->d;
	}
	head->share = keep * keep * head->share + (1 - keep * keep) * left;
}

/* members sorted, the first alive of them not failed. */
static int learn(struct cmaes *cmaes, const struct cmaes_member *members, size_t n, size_t alive,
	struct arena *arena)
{
	size_t d = cmaes->model->d;
	struct rates rates = { .weights = arena_array(arena, n, sizeof(double)) };
	double *steps = arena_array(arena, (n + 1) * d, sizeof(*steps));

	if (!rates.weights || !steps)
		return CODE_NO_MEMORY;
	double *step = steps + n * d;
	rates_weigh(&rates, n, alive);
	rates_learn(&rates, d);
	rates_balance(&rates, d, n, cmaes->model->active);
	for (size_t k = 0; k < n; k++) {
		step_of(cmaes, members[k].raw, steps + k * d);
		for (size_t i = 0; i < d && k < rates.mu; i++)
			step[i] += rates.weights[k] * steps[k * d + i];
	}
	stay_inside(cmaes, &rates, step);
	bool h_sigma = move(cmaes, &rates, step);
	reshape(cmaes, &rates, steps, n, h_sigma);
	cap_sigma(cmaes);
	if (cmaes->model->margin && cmaes->model->n_stepped > 0)
		cmaes_keep_margin(cmaes);
	return 0;
}

int cmaes_update(struct cmaes *cmaes, struct cmaes_member *members, size_t n, struct arena *arena)
{
	struct cmaes_head *head = cmaes->head;
	size_t alive = 0;

	assert(n >= 2);
	head->results += n;
	if (head->frozen)
		return 0;
	qsort(members, n, sizeof(*members), compare_members);
	while (alive < n && members[alive].rank.tier != TIER_FAILED)
		alive++;
	if (alive == 0) /* nothing was learnt: draw again */
		return 0;
	int code = learn(cmaes, members, n, alive, arena);
	if (code)
		return code;
	head->generation++;
	cmaes_decompose(cmaes);
	if (!cmaes_converged(cmaes, members, n))
		return 0;
	if (cmaes->model->restarts == RESTARTS_NONE) {
		head->frozen = 1;
		return 0;
	}
	cmaes_restart(cmaes);
	cmaes_decompose(cmaes);
	return 0;
}
