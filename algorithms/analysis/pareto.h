/*
 * Pareto dominance, and what multi-objective selection is made of.
 *
 * A point is a row of m losses, all to be minimised; points come as an array of rows. No loss is
 * NaN; infinite ones are as good as any. Only pareto_crowding looks at more than the order of
 * losses. Ties go by index, so the same points give the same answers. Scratch comes from the arena.
 */
#ifndef ALGORITHMS_ANALYSIS_PARETO_H
#define ALGORITHMS_ANALYSIS_PARETO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"

#define PARETO_UNRANKED UINT32_MAX

/* a is as good as b in every objective and better in one. */
bool pareto_dominates(const double *a, const double *b, size_t m);

/* ranks[i]: the front of point i. Front 0 is what no point dominates, front k what only points of
 * fronts before it dominate. Equal points share a front. Fronts are found whole, the first ones
 * until they hold `enough` points (SIZE_MAX: all); the points of later ones are PARETO_UNRANKED.
 * 0, CODE_NO_MEMORY, or CODE_TOO_LARGE when it takes more than `work` comparisons (0: no limit).
 *
 * Efficient non-dominated sorting (Zhang, Tian, Cheng and Jin, IEEE TEC 19, 2015): in lexicographic
 * order a point is dominated only by earlier ones, and the fronts that hold a point dominating it
 * are the first few, so its own is found by bisection. m <= 2: O(n log n); else O(m n^2) at worst,
 * O(m n log n) for few large fronts. */
int pareto_sort(const double *const *points, size_t n, size_t m, size_t enough, uint64_t work,
	struct arena *scratch, uint32_t *ranks);

/* Crowding distance of points that do not dominate each other (Deb, Pratap, Agarwal and Meyarivan,
 * IEEE TEC 6, 2002): per objective the gap between the neighbours over the range, summed; infinite
 * for the first and last of an objective, whose range is not 0. Infinite losses count as the worst
 * or best finite one. 0 or CODE_NO_MEMORY. */
int pareto_crowding(
	const double *const *points, size_t n, size_t m, struct arena *scratch, double *distance);

/* How many directions pareto_directions makes: binomial(m + divisions - 1, divisions), or SIZE_MAX
 * when that is more than SIZE_MAX / 2. m > 0. */
size_t pareto_directions_count(size_t m, size_t divisions);

/* Das and Dennis's directions (SIAM J. Optim. 8, 1998): the points of the unit simplex whose
 * coordinates are multiples of 1 / divisions, ascending lexicographically. shrink moves them that
 * share of the way to the centre, for an inner layer. out: as many rows of m as counted. */
void pareto_directions(size_t m, size_t divisions, double shrink, double *out);

#endif
