/*
 * The hypervolume of a set of points: the volume of what they dominate within a reference point.
 * The one measure of a front that never falls when a point is added, and rises when the point is a
 * new one of the front (Zitzler and Thiele, IEEE TEC 3, 1999).
 */
#ifndef ALGORITHMS_ANALYSIS_HYPERVOLUME_H
#define ALGORITHMS_ANALYSIS_HYPERVOLUME_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/limits.h"

/* *out: exact, up to rounding, of n rows of m losses (to be minimised; no NaN; 1 <= m <=
 * LIMIT_OBJECTIVES) under a finite reference. Points that are not better than the reference in
 * every objective add nothing; dominated and repeated ones are welcome. Infinite when a point is at
 * -infinity.
 *
 * m = 2: a sweep; m = 3: a sweep over a staircase, O(n^2) at worst, nearly n log n in practice;
 * more: the exclusive volumes of While, Bradstreet and Barone (WFG, IEEE TEC 16, 2012), one
 * objective sliced off at a time down to three. That grows exponentially with m: CODE_TOO_LARGE
 * when it takes more than `work` steps (some twenty nanoseconds each; 0: no limit). Or
 * CODE_NO_MEMORY. */
int hypervolume(const double *const *points, size_t n, size_t m, const double *reference,
	uint64_t work, struct arena *scratch, double *out);

#endif
