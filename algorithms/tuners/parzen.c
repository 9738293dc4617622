#include "algorithms/tuners/parzen.h"

#include <assert.h>
#include <math.h>

#include "core/error.h"
#include "core/special.h"

#define SQRT_HALF      0.70710678118654752440
#define HALF_LOG_2PI   0.91893853320467274178
#define NARROWEST      100.0   /* kernels are at least scale / this wide */
#define LOG_NEGLIGIBLE (-40.0) /* exp of it against 1 is below the last bit, also 10^4 times */
#define SATURATED      6.1     /* erf and erfc of more are 1 and 0 to 17 digits */

/* Phi(b) - Phi(a) for a = low, b = high, both already divided by sqrt 2, a <= b, computed in the
 * tail that loses nothing. */
static double scaled_mass(double a, double b)
{
	if (a <= -SATURATED && b >= SATURATED)
		return 1;
	if (a > 0)
		return 0.5 * (erfc(a) - erfc(b));
	if (b < 0)
		return 0.5 * (erfc(-b) - erfc(-a));
	return 0.5 * (erf(b) - erf(a));
}

static void *columns(struct arena *arena, size_t n, size_t size, bool *failed)
{
	void *out = arena_array(arena, n, size);
	if (!out)
		*failed = true;
	return out;
}

static void init_weights(struct parzen *parzen, const double *multiplicity, double prior_weight)
{
	size_t n = parzen->n, newest = parzen->rule->forgetting;
	double total = 0, lowest = n ? 1.0 / (double)n : 1;
	double *weight = parzen->weight;
	double old = n > newest ? (double)(n - newest) : 0;

	for (size_t k = 0; k < n; k++) {
		weight[k] = 1;
		if (k + newest < n && old > 1)
			weight[k] = lowest + (1 - lowest) * (double)k / (old - 1);
		else if (k + newest < n)
			weight[k] = lowest;
		if (multiplicity)
			weight[k] *= multiplicity[k];
		total += weight[k];
	}
	weight[n] = prior_weight;
	total += prior_weight;

	double sum = 0;
	for (size_t k = 0; k <= n; k++) {
		weight[k] /= total;
		sum += weight[k];
		parzen->cumulated[k] = sum;
		parzen->base[k] = log(weight[k]);
	}
}

int parzen_init(struct parzen *parzen, size_t n, const double *const *points,
	const double *multiplicity, const struct parzen_rule *rule, double n_options,
	size_t n_candidates, struct arena *arena)
{
	bool failed = false;
	size_t kernels = n + 1;
	*parzen = (struct parzen){
		.n = n,
		.points = points,
		.rule = rule,
		.n_candidates = n_candidates,
		.weight = columns(arena, kernels, sizeof(double), &failed),
		.cumulated = columns(arena, kernels, sizeof(double), &failed),
		.centre = columns(arena, kernels, sizeof(double), &failed),
		.width = columns(arena, kernels, sizeof(double), &failed),
		.inverse = columns(arena, kernels, sizeof(double), &failed),
		.slot = columns(arena, kernels, sizeof(uint32_t), &failed),
		.slot_centre = columns(arena, kernels, sizeof(double), &failed),
		.slot_inverse = columns(arena, kernels, sizeof(double), &failed),
		.slot_mass = columns(arena, kernels, sizeof(double), &failed),
		.table = columns(arena, kernels, sizeof(double), &failed),
		.items = columns(arena, kernels, sizeof(struct parzen_item), &failed),
		.spare = columns(arena, kernels, sizeof(struct parzen_item), &failed),
		.base = columns(arena, kernels, sizeof(double), &failed),
		.acc = columns(arena, kernels * n_candidates, sizeof(double), &failed),
	};
	if (failed)
		return CODE_NO_MEMORY;
	double prior = rule->prior_weight;
	init_weights(
		parzen, multiplicity, rule->parity && n_options > 0 ? prior * n_options : prior);
	return 0;
}

/* Stable bottom-up merge sort by t. */
static struct parzen_item *sort_items(
	struct parzen_item *items, struct parzen_item *spare, size_t n)
{
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t start = 0; start < n; start += 2 * width) {
			size_t middle = start + width < n ? start + width : n;
			size_t end = start + 2 * width < n ? start + 2 * width : n;
			size_t a = start, b = middle;
			for (size_t out = start; out < end; out++) {
				bool left = a < middle && (b == end || items[a].t <= items[b].t);
				spare[out] = items[left ? a++ : b++];
			}
		}
		struct parzen_item *swap = items;
		items = spare;
		spare = swap;
	}
	return items;
}

/* Ours: the gaps to the neighbours, the interval's ends counting as neighbours, except that the two
 * outermost of several observations look inwards only. */
static void widths_from_ends(struct parzen *parzen, const struct parzen_item *sorted)
{
	const struct axis *axis = parzen->axis;
	size_t n = parzen->n;
	for (size_t i = 0; i < n; i++) {
		double t = sorted[i].t;
		double left = i > 0 ? t - sorted[i - 1].t : n > 1 ? 0 : t - axis->low;
		double right = i + 1 < n ? sorted[i + 1].t - t : n > 1 ? 0 : axis->high - t;
		parzen->width[sorted[i].index] = left > right ? left : right;
	}
}

/* NNI 2.7 and hyperopt: the prior's centre is a neighbour like the others, the ends are not; beside
 * a single observation the prior is half its own width away, wherever it stands. */
static void widths_from_prior(struct parzen *parzen, const struct parzen_item *sorted)
{
	const struct axis *axis = parzen->axis;
	size_t n = parzen->n;
	for (size_t i = 0; i < n; i++) {
		double t = sorted[i].t;
		double left = i > 0 ? t - sorted[i - 1].t : 0;
		double right = i + 1 < n ? sorted[i + 1].t - t : 0;
		bool prior_left = axis->centre <= t && (i == 0 || sorted[i - 1].t < axis->centre);
		bool prior_right =
			axis->centre > t && (i + 1 == n || sorted[i + 1].t >= axis->centre);
		if (prior_left)
			left = t - axis->centre;
		if (prior_right)
			right = axis->centre - t;
		parzen->width[sorted[i].index] = left > right ? left : right;
	}
	if (n == 1)
		parzen->width[sorted[0].index] = 0.5 * axis->scale;
}

static double clipped_width(const struct parzen *parzen, double width)
{
	double n = (double)parzen->n + 2, scale = parzen->axis->scale;
	double narrowest = scale / (n < NARROWEST ? n : NARROWEST);
	return width < narrowest ? narrowest : width > scale ? scale : width;
}

static double interval_mass(const struct axis *axis, double centre, double inverse)
{
	return scaled_mass((axis->low - centre) * inverse, (axis->high - centre) * inverse);
}

static void fit_real(struct parzen *parzen)
{
	const struct axis *axis = parzen->axis;
	for (size_t k = 0; k <= parzen->n; k++) {
		double mass = interval_mass(axis, parzen->centre[k], parzen->inverse[k]);
		parzen->base[k] -= log(parzen->width[k] * mass) + HALF_LOG_2PI;
	}
}

/* Equal (centre, width) pairs share a slot: a grid of v values has at most 3 v + 1 of them, however
 * many observations there are. sorted by centre; within a centre widths differ at most at its two
 * ends, so looking back over the run's slots is short. */
static void fit_stepped(struct parzen *parzen, const struct parzen_item *sorted)
{
	size_t n_slots = 0, run = 0;
	for (size_t i = 0; i <= parzen->n; i++) {
		size_t k = i < parzen->n ? sorted[i].index : parzen->n;
		double centre = parzen->centre[k], inverse = parzen->inverse[k];
		if (n_slots && parzen->slot_centre[n_slots - 1] != centre)
			run = n_slots;
		size_t slot = run;
		while (slot < n_slots && parzen->slot_inverse[slot] != inverse)
			slot++;
		if (slot == n_slots) {
			parzen->slot_centre[slot] = centre;
			parzen->slot_inverse[slot] = inverse;
			parzen->slot_mass[slot] = interval_mass(parzen->axis, centre, inverse);
			n_slots++;
		}
		parzen->slot[k] = (uint32_t)slot;
	}
	parzen->n_slots = n_slots;
}

static void fit_numeric(struct parzen *parzen)
{
	const struct axis *axis = parzen->axis;
	size_t n = parzen->n;
	for (size_t k = 0; k < n; k++)
		parzen->items[k] = (struct parzen_item){ parzen->centre[k], (uint32_t)k };
	struct parzen_item *sorted = sort_items(parzen->items, parzen->spare, n);

	if (parzen->rule->parity)
		widths_from_prior(parzen, sorted);
	else
		widths_from_ends(parzen, sorted);
	for (size_t k = 0; k < n; k++) {
		parzen->width[k] = clipped_width(parzen, parzen->width[k]);
		parzen->inverse[k] = SQRT_HALF / parzen->width[k];
	}
	parzen->centre[n] = axis->centre;
	parzen->width[n] = axis->scale;
	parzen->inverse[n] = SQRT_HALF / axis->scale;
	if (axis->kind == AXIS_STEPPED)
		fit_stepped(parzen, sorted);
	else
		fit_real(parzen);
}

/* Each kernel puts 1 on its own option and the prior's share, smoothing / kernels, on every
 * option. In parity kernels are one-hot and the prior kernel, heavier by the number of options, is
 * what smooths: counts. */
static void fit_categorical(struct parzen *parzen)
{
	const struct parzen_rule *rule = parzen->rule;
	double options = parzen->axis->n_options;
	double share = rule->prior_weight * parzen->axis->smoothing / ((double)parzen->n + 1);
	if (rule->parity)
		share = 0;
	double total = log(1 + options * share);
	parzen->log_hit = log(1 + share) - total;
	parzen->log_miss = log(share) - total; /* -inf in parity */
	parzen->log_flat = -log(options);
}

void parzen_fit(struct parzen *parzen, const struct axis *axis, size_t j)
{
	assert(axis->kind != AXIS_DROPPED);
	parzen->axis = axis;
	for (size_t k = 0; k < parzen->n; k++)
		parzen->centre[k] = axis_coordinate(axis, parzen->points[k][j]);
	if (axis->kind == AXIS_CATEGORICAL)
		fit_categorical(parzen);
	else
		fit_numeric(parzen);
}

size_t parzen_kernel(const struct parzen *parzen, double u)
{
	size_t low = 0, high = parzen->n; /* the first kernel whose cumulated weight passes u */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (parzen->cumulated[middle] > u)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static double draw_option(const struct parzen *parzen, size_t k, struct rng *rng)
{
	double n = parzen->axis->n_options;
	double own = k < parzen->n ? exp(parzen->log_hit) - exp(parzen->log_miss) : 0;
	double u = rng_uniform(rng);
	if (u < own)
		return parzen->centre[k];
	double option = floor((u - own) / (1 - own) * n);
	return option < n ? option : n - 1;
}

static double draw_coordinate(const struct parzen *parzen, size_t k, struct rng *rng)
{
	const struct axis *axis = parzen->axis;
	double centre = parzen->centre[k], width = parzen->width[k];
	double low = normal_cdf((axis->low - centre) / width);
	double high = normal_cdf((axis->high - centre) / width);
	double p = low + rng_uniform_open(rng) * (high - low);
	double t = centre + width * normal_quantile(p);
	return t < axis->low ? axis->low : t > axis->high ? axis->high : t;
}

void parzen_draw(const struct parzen *parzen, size_t k, struct rng *rng, double *x, double *t)
{
	bool categorical = parzen->axis->kind == AXIS_CATEGORICAL;
	*t = categorical ? draw_option(parzen, k, rng) : draw_coordinate(parzen, k, rng);
	*x = axis_value(parzen->axis, *t);
	if (!parzen->rule->parity)
		*t = axis_coordinate(parzen->axis, *x);
}

static void score_real(const struct parzen *parzen, double t, double *restrict acc)
{
	const double *restrict centre = parzen->centre;
	const double *restrict inverse = parzen->inverse;
	size_t n = parzen->n + 1;
	for (size_t k = 0; k < n; k++) {
		double z = (t - centre[k]) * inverse[k];
		acc[k] -= z * z;
	}
}

static void score_categorical(const struct parzen *parzen, double t, double *restrict acc)
{
	const double *restrict centre = parzen->centre;
	double hit = parzen->log_hit, miss = parzen->log_miss;
	size_t n = parzen->n;
	for (size_t k = 0; k < n; k++)
		acc[k] += centre[k] == t ? hit : miss;
	acc[n] += parzen->log_flat;
}

static void tabulate(struct parzen *parzen, double x)
{
	double low, high;
	axis_cell(parzen->axis, x, &low, &high);
	for (size_t s = 0; s < parzen->n_slots; s++) {
		double a = (low - parzen->slot_centre[s]) * parzen->slot_inverse[s];
		double b = (high - parzen->slot_centre[s]) * parzen->slot_inverse[s];
		bool apart = a > SATURATED || b < -SATURATED;
		parzen->table[s] =
			apart ? -HUGE_VAL : log(scaled_mass(a, b) / parzen->slot_mass[s]);
	}
}

/* Value by value rather than candidate by candidate: candidates on a grid often agree. */
static void score_stepped(struct parzen *parzen, const double *x)
{
	size_t n = parzen->n_candidates, kernels = parzen->n + 1;
	for (size_t c = 0; c < n; c++) {
		bool met = false;
		for (size_t earlier = 0; earlier < c && !met; earlier++)
			met = x[earlier] == x[c];
		if (met)
			continue;
		tabulate(parzen, x[c]);
		for (size_t same = c; same < n; same++) {
			if (x[same] != x[c])
				continue;
			double *restrict acc = parzen->acc + same * kernels;
			for (size_t k = 0; k < kernels; k++)
				acc[k] += parzen->table[parzen->slot[k]];
		}
	}
}

void parzen_score(struct parzen *parzen, const double *x, const double *t)
{
	size_t n = parzen->n_candidates, kernels = parzen->n + 1;
	switch (parzen->axis->kind) {
	case AXIS_STEPPED:
		score_stepped(parzen, x);
		break;
	case AXIS_CATEGORICAL:
		for (size_t c = 0; c < n; c++)
			score_categorical(parzen, t[c], parzen->acc + c * kernels);
		break;
	case AXIS_REAL:
		for (size_t c = 0; c < n; c++)
			score_real(parzen, t[c], parzen->acc + c * kernels);
		break;
	case AXIS_DROPPED:
		break;
	}
}

double parzen_log_density(const struct parzen *parzen, size_t candidate)
{
	size_t kernels = parzen->n + 1;
	const double *acc = parzen->acc + candidate * kernels;
	double highest = -HUGE_VAL, sum = 0;
	for (size_t k = 0; k < kernels; k++) {
		double term = parzen->base[k] + acc[k];
		highest = term > highest ? term : highest;
	}
	if (highest == -HUGE_VAL)
		return highest;
	for (size_t k = 0; k < kernels; k++) {
		double term = parzen->base[k] + acc[k] - highest;
		if (term > LOG_NEGLIGIBLE)
			sum += exp(term);
	}
	return highest + log(sum);
}
