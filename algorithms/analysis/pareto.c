#include "algorithms/analysis/pareto.h"

#include <math.h>
#include <stdlib.h>

#include "core/error.h"

bool pareto_dominates(const double *a, const double *b, size_t m)
{
	bool better = false;

	for (size_t i = 0; i < m; i++) {
		if (a[i] > b[i])
			return false;
		better |= a[i] < b[i];
	}
	return better;
}

/* ---- fronts ---- */

struct item {
	const double *point;
	size_t m;
	size_t next; /* the one before it in its front, as a place in sorted order; n: none */
	uint32_t index;
};

struct front {
	size_t newest; /* place in sorted order */
	size_t n;
};

struct sorting {
	struct item *items; /* in lexicographic order */
	size_t n, m;
	struct front *fronts;
	size_t n_fronts;
	size_t last; /* fronts from here on are not wanted */
	uint64_t work;
};

static int by_losses(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	for (size_t i = 0; i < x->m; i++)
		if (x->point[i] != y->point[i])
			return x->point[i] < y->point[i] ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static bool equal(const double *a, const double *b, size_t m)
{
	size_t i = 0;

	while (i < m && a[i] == b[i])
		i++;
	return i == m;
}

/* Does a point of the front dominate? With two objectives the newest has the least second one, so
 * that it does if any does; otherwise the newest are the nearest, hence the likeliest. */
static bool front_dominates(struct sorting *sorting, const struct front *front, const double *point)
{
	size_t m = sorting->m, at = front->newest;

	while (at < sorting->n) {
		sorting->work++;
		if (pareto_dominates(sorting->items[at].point, point, m))
			return true;
		at = m <= 2 ? sorting->n : sorting->items[at].next;
	}
	return false;
}

/* The first front, up to the last wanted, that does not dominate the point; last: none. */
static size_t front_find(struct sorting *sorting, const double *point)
{
	size_t low = 0;
	size_t high = sorting->n_fronts < sorting->last ? sorting->n_fronts : sorting->last;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (front_dominates(sorting, &sorting->fronts[middle], point))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Once the first fronts hold enough, the others are of no interest. */
static void narrow(struct sorting *sorting, size_t enough)
{
	size_t sum = 0;

	for (size_t k = 0; k < sorting->n_fronts && k < sorting->last; k++) {
		sum += sorting->fronts[k].n;
		if (sum >= enough)
			sorting->last = k + 1;
	}
}

static void front_add(struct sorting *sorting, size_t k, size_t at)
{
	struct front *front = &sorting->fronts[k];

	if (k == sorting->n_fronts) {
		*front = (struct front){ .newest = sorting->n };
		sorting->n_fronts++;
	}
	sorting->items[at].next = front->newest;
	front->newest = at;
	front->n++;
}

int pareto_sort(const double *const *points, size_t n, size_t m, size_t enough, uint64_t work,
	struct arena *scratch, uint32_t *ranks)
{
	struct sorting sorting = { .n = n, .m = m, .last = n };

	sorting.items = arena_array(scratch, n + 1, sizeof(*sorting.items));
	sorting.fronts = arena_array(scratch, n + 1, sizeof(*sorting.fronts));
	if (!sorting.items || !sorting.fronts)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		sorting.items[i] = (struct item){ points[i], m, n, (uint32_t)i };
	qsort(sorting.items, n, sizeof(*sorting.items), by_losses);
	for (size_t i = 0; i < n; i++) {
		const struct item *item = &sorting.items[i];
		const struct item *before = i ? &sorting.items[i - 1] : NULL;
		bool repeats = before && equal(before->point, item->point, m);
		size_t k = repeats ? ranks[before->index] : front_find(&sorting, item->point);

		if (work && sorting.work > work)
			return CODE_TOO_LARGE;
		ranks[item->index] = PARETO_UNRANKED;
		if (k >= sorting.last)
			continue;
		ranks[item->index] = (uint32_t)k;
		front_add(&sorting, k, i);
		if (enough < n)
			narrow(&sorting, enough);
	}
	/* What was ranked before the limit came down. */
	for (size_t i = 0; i < n; i++)
		if (ranks[i] >= sorting.last)
			ranks[i] = PARETO_UNRANKED;
	return 0;
}

/* ---- crowding ---- */

struct place {
	double loss;
	uint32_t index;
};

static int by_loss(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->loss != y->loss)
		return x->loss < y->loss ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* The losses of one objective ascending; infinite ones moved to the ends of the finite ones. */
static void order_losses(
	const double *const *points, size_t n, size_t objective, struct place *places)
{
	double low = HUGE_VAL, high = -HUGE_VAL;

	for (size_t i = 0; i < n; i++) {
		double loss = points[i][objective];
		if (!isfinite(loss))
			continue;
		low = fmin(low, loss);
		high = fmax(high, loss);
	}
	if (low > high)
		low = high = 0; /* none is finite */
	for (size_t i = 0; i < n; i++)
		places[i] =
			(struct place){ fmin(fmax(points[i][objective], low), high), (uint32_t)i };
	qsort(places, n, sizeof(*places), by_loss);
}

int pareto_crowding(
	const double *const *points, size_t n, size_t m, struct arena *scratch, double *distance)
{
	struct place *places = arena_array(scratch, n + 1, sizeof(*places));

	if (!places)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		distance[i] = 0;
	for (size_t k = 0; k < m && n > 0; k++) {
		order_losses(points, n, k, places);
		/* Halves, so that no difference overflows. */
		double range = places[n - 1].loss / 2 - places[0].loss / 2;
		if (!(range > 0))
			continue;
		distance[places[0].index] = distance[places[n - 1].index] = HUGE_VAL;
		for (size_t i = 1; i + 1 < n; i++)
			distance[places[i].index] +=
				(places[i + 1].loss / 2 - places[i - 1].loss / 2) / range;
	}
	return 0;
}

/* ---- directions ---- */

size_t pareto_directions_count(size_t m, size_t divisions)
{
	size_t count = 1, k = m - 1 < divisions ? m - 1 : divisions;

	/* binomial(m - 1 + divisions, k); each product is divisible, by induction. */
	for (size_t i = 1; i <= k; i++) {
		if (__builtin_mul_overflow(count, m - 1 + divisions - k + i, &count))
			return SIZE_MAX;
		count /= i;
		if (count > SIZE_MAX / 2)
			return SIZE_MAX;
	}
	return count;
}

/* parts: m numbers that sum to divisions, in out. The next ones in order; false after the last. */
static bool next_parts(size_t m, const double *parts, double *next)
{
	size_t i = m - 1;

	/* The last part but the trailing one that can pass something on to its left. */
	while (i > 0 && parts[i] == 0)
		i--;
	if (i == 0)
		return false;
	for (size_t k = 0; k < m; k++)
		next[k] = k < i ? parts[k] : 0;
	next[i - 1] += 1;
	next[m - 1] = parts[i] - 1;
	return true;
}

void pareto_directions(size_t m, size_t divisions, double shrink, double *out)
{
	size_t n = 1;

	for (size_t k = 0; k < m; k++)
		out[k] = k + 1 == m ? (double)divisions : 0;
	while (next_parts(m, out + (n - 1) * m, out + n * m))
		n++;
	for (size_t i = 0; i < n * m; i++) {
		double part = divisions ? out[i] / (double)divisions : 1 / (double)m;
		out[i] = (1 - shrink) * part + shrink / (double)m;
	}
}
