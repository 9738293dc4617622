/*
 * Where runs of CMA-ES begin and end: warm starts, stopping rules, and restarts with growing
 * populations (IPOP: Auger and Hansen, CEC 2005; BIPOP: Hansen, GECCO 2009 workshop).
 */
#include <math.h>
#include <string.h>

#include "algorithms/tuners/cmaes_state.h"

#define CONDITION_MAX	  1e14
#define FLAT_BASE	  10 /* generations without a difference: this and 30 d / popsize */
#define FLAT_SHARE	  30
#define EFFECT_COORDINATE 0.2
#define EFFECT_AXIS	  0.1

#define WARM_SHARE   0.1 /* the best of what is known (WS-CMA-ES: Nomura et al., AAAI 2021) */
#define WARM_SPREAD  0.1 /* deviation around each of them */
#define WARM_SIGMA   0.3 /* at most */
#define WARM_RESULTS 10	 /* fewer say where to begin, but not how wide */

/* Streams of restarts; trial numbers are far below. */
#define RESTART_STREAM (UINT64_C(1) << 62)

/* ---- warm start ---- */

/* The distribution of the best k: their mean, and their covariance widened by WARM_SPREAD. */
static void fit(struct cmaes *cmaes, const double *points, size_t k)
{
	size_t d = cmaes->model->d;
	double *entry = cmaes->covariance, log_volume = 0;

	memset(cmaes->mean, 0, d * sizeof(double));
	for (size_t p = 0; p < k; p++)
		for (size_t i = 0; i < d; i++)
			cmaes->mean[i] += points[p * d + i] / (double)k;
	for (size_t i = 0; i < d; i++)
		for (size_t j = 0; j <= i; j++) {
			double sum = i == j ? WARM_SPREAD * WARM_SPREAD : 0;
			for (size_t p = 0; p < k; p++)
				sum += (points[p * d + i] - cmaes->mean[i]) *
				       (points[p * d + j] - cmaes->mean[j]) / (double)k;
			*entry++ = sum;
		}
	cmaes_decompose(cmaes);
	for (size_t i = 0; i < d; i++)
		log_volume += log(cmaes->axes[i]);
	double sigma = exp(log_volume / (double)d);
	for (size_t i = 0; i < d * (d + 1) / 2; i++)
		cmaes->covariance[i] /= sigma * sigma;
	cmaes->head->sigma = cmaes->head->sigma_start = fmin(sigma, WARM_SIGMA);
}

int cmaes_warm_up(struct cmaes *cmaes, struct arena *arena)
{
	const struct cmaes_model *model = cmaes->model;
	const struct view *view = model->view;
	size_t n = 0, d = model->d, before = 0;
	struct rank *ranks;

	while (before < view->n_finished &&
		view->trials[view->finished[before]].ended_version <= cmaes->head->start)
		before++;
	ranks = arena_array(arena, before ? before : 1, sizeof(*ranks));
	if (!ranks)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < before; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		struct rank rank = rank_of(view, trial);
		if (trial->x && rank.tier != TIER_FAILED)
			ranks[n++] = rank;
	}
	if (n == 0)
		return 0;
	size_t k = n < WARM_RESULTS ? 1 : (size_t)((double)n * WARM_SHARE);
	double *points = arena_array(arena, k * d, sizeof(*points));
	if (!points)
		return CODE_NO_MEMORY;
	rank_select(ranks, n, k);
	for (size_t i = 0; i < k; i++)
		cmaes_encode(model, view->trials[ranks[i].number].x, points + i * d);
	if (n < WARM_RESULTS)
		memcpy(cmaes->mean, points, d * sizeof(*points));
	else
		fit(cmaes, points, k);
	return 0;
}

/* ---- the end of a run ---- */

/* Did the best and the worst result of many generations differ by less than the tolerance? The
 * window grows from where they last did. */
static bool is_flat(struct cmaes *cmaes, const struct cmaes_member *members, size_t n)
{
	struct cmaes_head *head = cmaes->head;
	double best = members[0].rank.score, worst = members[n - 1].rank.score;
	double enough =
		FLAT_BASE + ceil(FLAT_SHARE * (double)cmaes->model->d / (double)head->popsize);

	if (members[n - 1].rank.tier != members[0].rank.tier) {
		head->flat = 0;
		return false;
	}
	double low = head->flat ? fmin(head->flat_low, best) : best;
	double high = head->flat ? fmax(head->flat_high, worst) : worst;
	if (low == high || high - low < cmaes->model->tolerance) {
		head->flat++;
	} else {
		head->flat = worst == best || worst - best < cmaes->model->tolerance;
		low = best;
		high = worst;
	}
	head->flat_low = low;
	head->flat_high = high;
	return (double)head->flat > enough;
}

/* Stepped dimensions do not count: the margin keeps them wide. */
static bool is_narrow(const struct cmaes *cmaes)
{
	const struct cmaes_model *model = cmaes->model;
	const struct cmaes_head *head = cmaes->head;
	double least = model->tolerance * head->sigma_start;
	bool any = false;

	for (size_t i = 0; i < model->d; i++) {
		double deviation = head->sigma * sqrt(cmaes_variance(cmaes, i));

		if (model->stepped[i] && model->margin)
			continue;
		any = true;
		if (deviation >= least || head->sigma * fabs(cmaes->path_c[i]) >= least)
			return false;
	}
	return any;
}

/* Steps along an axis, one after the other, or a coordinate are lost to rounding. */
static bool is_numb(const struct cmaes *cmaes)
{
	size_t d = cmaes->model->d, k = cmaes->head->generation % d;
	double along = EFFECT_AXIS * cmaes->head->sigma * cmaes->axes[k];
	bool axis = false;

	for (size_t i = 0; i < d; i++) {
		double mean = cmaes->mean[i];
		double across = EFFECT_COORDINATE * cmaes->head->sigma * cmaes->width[i] *
				sqrt(cmaes_variance(cmaes, i));

		if (mean == mean + across)
			return true;
		axis |= mean != mean + along * cmaes->width[i] * cmaes->basis[k * d + i];
	}
	return !axis;
}

static bool is_degenerate(const struct cmaes *cmaes)
{
	double shortest = (double)INFINITY, longest = 0;

	for (size_t i = 0; i < cmaes->model->d; i++) {
		shortest = fmin(shortest, cmaes->axes[i]);
		longest = fmax(longest, cmaes->axes[i]);
	}
	return longest * longest > CONDITION_MAX * shortest * shortest;
}

/* Most proposals had to be drawn wider than the distribution is: it has no new points. */
static bool is_exhausted(const struct cmaes_member *members, size_t n)
{
	size_t widened = 0;

	for (size_t i = 0; i < n; i++)
		widened += members[i].widened;
	return 2 * widened > n;
}

bool cmaes_converged(struct cmaes *cmaes, const struct cmaes_member *members, size_t n)
{
	const struct cmaes_head *head = cmaes->head;
	bool flat = is_flat(cmaes, members, n); /* counts */

	return flat || is_narrow(cmaes) || is_numb(cmaes) || is_degenerate(cmaes) ||
	       is_exhausted(members, n) || (head->budget && head->results >= head->budget);
}

/* ---- the next run ---- */

static size_t popsize_doubled(const struct cmaes *cmaes)
{
	double popsize = ldexp((double)cmaes->model->popsize, (int)cmaes->head->doublings);

	return (size_t)fmin(popsize, CMAES_POPSIZE_MAX);
}

static void begin_large(struct cmaes *cmaes)
{
	if (popsize_doubled(cmaes) < CMAES_POPSIZE_MAX)
		cmaes->head->doublings++;
	cmaes_begin_run(cmaes, popsize_doubled(cmaes), cmaes->model->sigma);
}

/* Small and local: from the first popsize up to half the large one, mostly small; narrower; and no
 * longer than half of what the large runs have taken. */
static void begin_small(struct cmaes *cmaes, struct rng *rng)
{
	const struct cmaes_model *model = cmaes->model;
	double ratio = 0.5 * (double)popsize_doubled(cmaes) / (double)model->popsize;
	double u = rng_uniform(rng);
	double popsize = floor((double)model->popsize * pow(fmax(ratio, 1), u * u));
	double sigma = model->sigma * pow(10, -2 * rng_uniform(rng));

	cmaes_begin_run(cmaes, (size_t)popsize, sigma);
	cmaes->head->budget = cmaes->head->spent_large / 2 + 1;
}

void cmaes_restart(struct cmaes *cmaes)
{
	struct cmaes_head *head = cmaes->head;
	struct rng rng;

	if (head->budget)
		head->spent_small += head->results;
	else
		head->spent_large += head->results;
	head->run++;
	rng_init(&rng, cmaes->model->view->spec->seed, RNG_SUGGEST, RESTART_STREAM + head->run);
	for (size_t i = 0; i < cmaes->model->d; i++)
		cmaes->mean[i] = rng_uniform_open(&rng);
	if (cmaes->model->restarts == RESTARTS_BIPOP && head->spent_small < head->spent_large)
		begin_small(cmaes, &rng);
	else
		begin_large(cmaes);
}
