/*
 * Schedules: how sparse a layer is to be at which iteration, on its way to the sparsity that is
 * asked of it in the end.
 *
 *   linear          s t / N                  iterations 0 .. N
 *   agp             s (1 - (1 - t / N)^3)    0 .. N    (Zhu and Gupta, 2017, from 0)
 *   lottery_ticket  1 - (1 - s)^(t / N)      1 .. N    (Frankle and Carbin, 2019)
 *
 * as NNI 2.7's iterative pruners have them, with their total_iteration as N. The end is met
 * exactly.
 */
#ifndef ALGORITHMS_PRUNING_SCHEDULE_H
#define ALGORITHMS_PRUNING_SCHEDULE_H

#include <stdint.h>

struct schedule {
	const char *name;
	const char *alias;			   /* NNI's class */
	int64_t first;				   /* iteration */
	double (*at)(double sparsity, double t_N); /* t / N in [0, 1) */
};

extern const struct schedule schedules[]; /* ends with a NULL name */

/* By name or alias, without regard to case. NULL: no such schedule. */
const struct schedule *schedule_find(const char *name);

/* The sparsity at iteration t of n, first <= t <= n, n >= 1, when sparsity in [0, 1] is asked in
 * the end; NaN stays NaN. Never falls as t grows. */
double schedule_sparsity(const struct schedule *schedule, double sparsity, int64_t t, int64_t n);

/* The sparsity that is still to be had from what is left, once now of the original is gone: max(0,
 * (target - now) / (1 - now)), 0 when nothing is left. Both in [0, 1]. */
double schedule_rest(double target, double now);

#endif
