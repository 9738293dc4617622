#include "algorithms/analysis/hypervolume.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* Points are kept as gains, reference minus loss: positive, the more the better, and the volume is
 * that of the union of the boxes from 0. */
struct gain {
	double value;
	uint32_t index;
};

/* A set within a slice. Its points have m gains, rows of `stride`. */
struct level {
	double *points;
	size_t n, m;
	size_t next;   /* the points before it are done */
	double weight; /* what a unit of its volume adds to the whole; below 0 when it is taken off
			*/
};

struct corner {
	double x, y;
};

struct computation {
	struct level levels[LIMIT_OBJECTIVES];
	size_t stride;
	struct gain *gains;	/* room for one set */
	double *copy;		/* ... */
	struct corner *corners; /* of a staircase: x ascending, y descending */
	uint64_t work, work_max;
	double volume;
};

static int by_gain(const void *a, const void *b)
{
	const struct gain *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Sorts a set by its last gain: descending, or the other way round. */
static void level_sort(struct computation *c, struct level *level, bool ascending)
{
	size_t row = c->stride * sizeof(double);

	for (size_t i = 0; i < level->n; i++) {
		double value = level->points[i * c->stride + level->m - 1];
		c->gains[i] = (struct gain){ ascending ? -value : value, (uint32_t)i };
	}
	qsort(c->gains, level->n, sizeof(*c->gains), by_gain);
	memcpy(c->copy, level->points, level->n * row);
	for (size_t i = 0; i < level->n; i++)
		memcpy(level->points + i * c->stride, c->copy + c->gains[i].index * c->stride, row);
	c->work += level->n;
}

static void level_append(const struct computation *c, struct level *level, const double *point)
{
	memcpy(level->points + level->n++ * c->stride, point, level->m * sizeof(double));
}

/* a is at least b in all of m gains. */
static bool covers(const double *a, const double *b, size_t m)
{
	size_t i = 0;

	while (i < m && a[i] >= b[i])
		i++;
	return i == m;
}

/* Takes a point into a set that none of it covers another of, and drops what it covers. */
static void level_add(struct computation *c, struct level *level, const double *point)
{
	size_t kept = 0;

	for (size_t i = 0; i < level->n; i++) {
		double *other = level->points + i * c->stride;
		c->work++;
		if (covers(other, point, level->m))
			return; /* and then it covers nothing that was dropped: kept == i */
		if (covers(point, other, level->m))
			continue;
		if (kept < i)
			memcpy(level->points + kept * c->stride, other, level->m * sizeof(double));
		kept++;
	}
	memcpy(level->points + kept * c->stride, point, level->m * sizeof(double));
	level->n = kept + 1;
}

/* ---- one, two and three objectives ---- */

/* Adds a corner to the staircase of *n; answers the area that this gains. */
static double stairs_add(struct computation *c, size_t *n, struct corner corner)
{
	struct corner *stairs = c->corners;
	size_t low = 0, high = *n;

	while (low < high) { /* the first with x >= corner.x */
		size_t middle = low + (high - low) / 2;
		if (stairs[middle].x < corner.x)
			low = middle + 1;
		else
			high = middle;
	}
	double floor = low < *n ? stairs[low].y : 0; /* what is covered up to corner.x */
	if (floor >= corner.y)
		return 0;
	/* What the corner covers goes; area by area, from it to the left. */
	size_t end = low + (low < *n && stairs[low].x == corner.x);
	double area = 0, right = corner.x;
	double under = floor; /* height of the stairs just left of `right` */
	while (low > 0 && stairs[low - 1].y <= corner.y) {
		low--;
		area += (right - stairs[low].x) * (corner.y - under);
		right = stairs[low].x;
		under = stairs[low].y;
	}
	double left = low > 0 ? stairs[low - 1].x : 0;
	area += (right - left) * (corner.y - under);
	memmove(stairs + low + 1, stairs + end, (*n - end) * sizeof(*stairs));
	stairs[low] = corner;
	c->work += 1 + (*n - end) / 16 + (end - low);
	*n = *n - (end - low) + 1;
	return area;
}

/* From the highest slice down: the staircase of the points so far is the cross-section. */
static double volume_3(struct computation *c, struct level *level)
{
	double area = 0, volume = 0;
	size_t n = 0;

	level_sort(c, level, false);
	for (size_t i = 0; i < level->n; i++) {
		const double *point = level->points + i * c->stride;
		double below = i + 1 < level->n ? point[c->stride + 2] : 0;

		area += stairs_add(c, &n, (struct corner){ point[0], point[1] });
		if (point[2] > below)
			volume += area * (point[2] - below);
	}
	return volume;
}

static double volume_small(struct computation *c, struct level *level)
{
	double best = 0, area = 0;
	size_t n = 0;

	if (level->m == 3)
		return volume_3(c, level);
	for (size_t i = 0; i < level->n; i++) {
		const double *point = level->points + i * c->stride;
		if (level->m == 1)
			best = fmax(best, point[0]);
		else
			area += stairs_add(c, &n, (struct corner){ point[0], point[1] });
	}
	return level->m == 1 ? best : area;
}

/* ---- more objectives ---- */

/* The box of the next point, less what the points after it share with it. The set is sorted by its
 * last gain, ascending, so that what they share is as thick as the point's own slice. */
static void level_step(struct computation *c, size_t depth)
{
	struct level *level = &c->levels[depth], *shared = &c->levels[depth + 1];
	const double *point = level->points + level->next++ * c->stride;
	size_t m = level->m - 1;
	double limited[LIMIT_OBJECTIVES], box = 1;

	for (size_t k = 0; k < m; k++)
		box *= point[k];
	double weight = level->weight * point[m];
	c->volume += weight * box;
	shared->n = 0;
	shared->m = m;
	shared->next = 0;
	shared->weight = -weight;
	for (size_t i = level->next; i < level->n; i++) {
		const double *other = level->points + i * c->stride;
		for (size_t k = 0; k < m; k++)
			limited[k] = fmin(point[k], other[k]);
		level_add(c, shared, limited);
	}
	if (m > 3)
		level_sort(c, shared, true);
}

/* A walk over a tree as deep as there are objectives above three. */
static int compute(struct computation *c)
{
	size_t depth = 0;

	for (;;) {
		struct level *level = &c->levels[depth];

		if (c->work_max && c->work > c->work_max)
			return CODE_TOO_LARGE;
		if (level->m > 3 && level->next < level->n) {
			level_step(c, depth++);
			continue;
		}
		if (level->m <= 3)
			c->volume += level->weight * volume_small(c, level);
		if (depth == 0)
			return 0;
		depth--;
	}
}

static int make_room(struct computation *c, size_t n, struct arena *scratch)
{
	size_t levels = c->stride > 3 ? c->stride - 2 : 1;

	c->gains = arena_array(scratch, n + 1, sizeof(*c->gains));
	c->copy = arena_array(scratch, n + 1, c->stride * sizeof(double));
	c->corners = arena_array(scratch, n + 1, sizeof(*c->corners));
	if (!c->gains || !c->copy || !c->corners)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < levels; i++) {
		c->levels[i].points = arena_array(scratch, n + 1, c->stride * sizeof(double));
		if (!c->levels[i].points)
			return CODE_NO_MEMORY;
	}
	return 0;
}

/* The points better than the reference, as gains; *endless: one is so without end. */
static int take(struct computation *c, const double *const *points, size_t n,
	const double *reference, bool *endless)
{
	struct level *whole = &c->levels[0];
	double gains[LIMIT_OBJECTIVES];

	*endless = false;
	for (size_t i = 0; i < n; i++) {
		double least = HUGE_VAL, most = 0;
		for (size_t k = 0; k < whole->m; k++) {
			gains[k] = reference[k] - points[i][k];
			least = fmin(least, gains[k]);
			most = fmax(most, gains[k]);
		}
		if (!(least > 0))
			continue;
		*endless |= isinf(most);
		if (whole->m > 3)
			level_add(c, whole, gains);
		else
			level_append(c, whole, gains);
		if (c->work_max && c->work > c->work_max)
			return CODE_TOO_LARGE;
	}
	if (whole->m > 3)
		level_sort(c, whole, true);
	return 0;
}

int hypervolume(const double *const *points, size_t n, size_t m, const double *reference,
	uint64_t work, struct arena *scratch, double *out)
{
	struct computation c = { .stride = m, .work_max = work };
	bool endless;
	int code;

	assert(m >= 1 && m <= LIMIT_OBJECTIVES);
	if (make_room(&c, n, scratch) != 0)
		return CODE_NO_MEMORY;
	c.levels[0].m = m;
	c.levels[0].weight = 1;
	code = take(&c, points, n, reference, &endless);
	if (code == 0 && !endless)
		code = compute(&c);
	if (code == 0)
		*out = endless ? HUGE_VAL : c.volume;
	return code;
}
