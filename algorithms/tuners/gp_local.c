#include "algorithms/tuners/gp_local.h"

#include <math.h>
#include <string.h>

#define SIDE_FIRST 0.8
#define SIDE_MOST  1.6
#define SIDE_LEAST 0.0078125 /* 2^-7: given up, and large again */
#define SUCCESSES  3
#define FAILURES   4 /* or d */
#define IMPROVES   1e-3

#define KEPT_BEST  200
#define KEPT_NEAR  300
#define KEPT_OTHER 100

static bool counts(const struct gp_history *history, size_t i)
{
	return !isnan(history->loss[i]) && (!history->excess || history->excess[i] <= 0);
}

double gp_local_side(const struct gp_history *history, size_t from, size_t d)
{
	double best = HUGE_VAL, side = SIDE_FIRST;
	size_t successes = 0, failures = 0, patience = d > FAILURES ? d : FAILURES;

	for (size_t i = 0; i < history->n; i++) {
		double loss = counts(history, i) ? history->loss[i] : HUGE_VAL;
		bool better = loss < best - IMPROVES * fabs(isfinite(best) ? best : 0);

		best = fmin(best, loss);
		if (i < from)
			continue;
		successes = better ? successes + 1 : 0;
		failures = better ? 0 : failures + 1;
		if (successes == SUCCESSES) {
			side = fmin(2 * side, SIDE_MOST);
			successes = 0;
		} else if (failures == patience) {
			side = side / 2 < SIDE_LEAST ? SIDE_FIRST : side / 2;
			failures = 0;
		}
	}
	return side;
}

/* Minus the squared distance to the centre in length scales. */
static void measure(const struct gp_data *data, const struct gp_features *features,
	const double *centre, const double *theta, double *closeness)
{
	for (size_t i = 0; i < data->n; i++) {
		const double *z = data->z + i * data->d;
		closeness[i] = 0;
		for (size_t j = 0; j < data->d; j++) {
			double gap = features->category[j] ? (double)(z[j] != centre[j])
							   : z[j] - centre[j];
			closeness[i] -= exp(theta[j]) * gap * gap;
		}
	}
}

static void set_box(const double *theta, size_t d, double side, double *half_side)
{
	double mean = 0; /* of the length scales' logarithms */

	for (size_t j = 0; j < d; j++)
		mean -= 0.5 * theta[j] / (double)d;
	for (size_t j = 0; j < d; j++)
		half_side[j] = 0.5 * side * exp(-0.5 * theta[j] - mean);
}

int gp_local_select(struct gp_data *data, const struct gp_features *features, const double *theta,
	double side, struct gp_box *box, struct arena *arena)
{
	size_t n = data->n, d = data->d, chosen = 0, best = 0;
	double *closeness = arena_array(arena, n, sizeof(*closeness));
	double *half_side = arena_array(arena, d, sizeof(*half_side));
	uint32_t *order = arena_array(arena, n, sizeof(*order));
	bool *keep = arena_array(arena, n, sizeof(*keep));

	if (!closeness || !half_side || !order || !keep)
		return CODE_NO_MEMORY;
	for (size_t i = 1; i < n; i++)
		if (data->good[i] > data->good[best] ||
			(data->good[i] == data->good[best] && data->y[i] > data->y[best]))
			best = i;
	double *centre = arena_copy(arena, data->z + best * d, d * sizeof(*centre));
	if (!centre)
		return CODE_NO_MEMORY;
	set_box(theta, d, side, half_side);
	*box = (struct gp_box){ centre, half_side };
	gp_order(data->y, n, order);
	for (size_t i = 0; i < KEPT_BEST && i < n; i++)
		keep[order[i]] = true;
	measure(data, features, centre, theta, closeness);
	gp_order(closeness, n, order);
	for (size_t i = 0; i < n && chosen < KEPT_NEAR; i++) {
		chosen += !keep[order[i]];
		keep[order[i]] = true;
	}
	for (size_t k = 0; k < KEPT_OTHER; k++)
		keep[n * k / KEPT_OTHER] = true;
	gp_data_keep(data, keep);
	return 0;
}
