#include "algorithms/tuners/gp_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/tuners/gp_warp.h"

/* Values on both sides of 0, whose sign means something: scaled, not shifted. */
static void scale_excess(const double *from, size_t n, double *to)
{
	double squares = 0;

	for (size_t i = 0; i < n; i++) {
		to[i] = isfinite(from[i]) ? from[i] : 0;
		squares += to[i] * to[i] / (double)n;
	}
	for (size_t i = 0; i < n && squares > 0; i++)
		to[i] /= sqrt(squares);
}

int gp_data_init(struct gp_data *data, const struct gp_features *features,
	const struct gp_history *history, struct arena *arena)
{
	size_t n = history->n, d = features->d;

	*data = (struct gp_data){ .n = n,
		.d = d,
		.z = arena_array(arena, n * d + 1, sizeof(double)),
		.y = arena_array(arena, n + 1, sizeof(double)),
		.good = arena_array(arena, n + 1, sizeof(bool)) };
	if (history->excess)
		data->excess = arena_array(arena, n + 1, sizeof(double));
	if (!data->z || !data->y || !data->good || (history->excess && !data->excess))
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		gp_features_encode(features, history->x[i], data->z + i * d);
		data->good[i] =
			!isnan(history->loss[i]) && (!history->excess || history->excess[i] <= 0);
	}
	if (history->excess)
		scale_excess(history->excess, n, data->excess);
	return gp_warp(history->loss, n, data->y, arena);
}

void gp_data_keep(struct gp_data *data, const bool *keep)
{
	size_t d = data->d, kept = 0;

	for (size_t i = 0; i < data->n; i++) {
		if (!keep[i])
			continue;
		memmove(data->z + kept * d, data->z + i * d, d * sizeof(*data->z));
		data->y[kept] = data->y[i];
		data->good[kept] = data->good[i];
		if (data->excess)
			data->excess[kept] = data->excess[i];
		kept++;
	}
	data->n = kept;
}

static bool before(const double *score, uint32_t a, uint32_t b)
{
	return score[a] != score[b] ? score[a] > score[b] : a < b;
}

static void sift(const double *score, uint32_t *heap, size_t n, size_t at)
{
	uint32_t moving = heap[at];

	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && before(score, heap[child], heap[child + 1]))
			child++;
		if (!before(score, moving, heap[child]))
			break;
		heap[at] = heap[child];
	}
	heap[at] = moving;
}

/* Heapsort: in place, and n log n whatever comes. The worst is on top. */
void gp_order(const double *score, size_t n, uint32_t *order)
{
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (size_t i = n / 2; i-- > 0;)
		sift(score, order, n, i);
	for (size_t end = n; end-- > 1;) {
		uint32_t worst = order[0];
		order[0] = order[end];
		order[end] = worst;
		sift(score, order, end, 0);
	}
}

int gp_data_thin(
	struct gp_data *data, size_t n_best, size_t n_new, size_t n_other, struct arena *arena)
{
	size_t n = data->n, rest = 0, seen = 0;

	if (n <= n_best + n_new + n_other)
		return 0;
	uint32_t *order = arena_array(arena, n, sizeof(*order));
	bool *keep = arena_array(arena, n, sizeof(*keep));
	if (!order || !keep)
		return CODE_NO_MEMORY;
	gp_order(data->y, n, order);
	for (size_t i = 0; i < n_best; i++)
		keep[order[i]] = true;
	for (size_t i = 0; i < n_new; i++)
		keep[n - 1 - i] = true;
	for (size_t i = 0; i < n; i++)
		rest += !keep[i];
	for (size_t i = 0; i < n; i++) {
		if (keep[i])
			continue;
		/* one of each of n_other strata of the rest */
		keep[i] = (seen + 1) * n_other / rest > seen * n_other / rest;
		seen++;
	}
	gp_data_keep(data, keep);
	return 0;
}
