/* The statistics of comparisons. */
#ifndef BENCH_QUALITY_STATISTICS_H
#define BENCH_QUALITY_STATISTICS_H

#include <stddef.h>

double stat_mean(size_t n, const double *x);

/* exp of the mean of ln max(x, floor). */
double stat_geometric_mean(size_t n, const double *x, double floor);

/* Of the mean: the sample's standard deviation over sqrt(n); 0 for fewer than two. */
double stat_standard_error(size_t n, const double *x);

/* p in [0,1], linear between the order statistics; sorts x. */
double stat_quantile(size_t n, double *x, double p);

/* Ranks from 1 for the least; equal values share the mean of theirs. */
void stat_ranks(size_t n, const double *x, double *ranks);

/*
 * Wilcoxon's signed-rank test of paired differences, two-sided: how likely ranks so one-sided are
 * when the differences are as likely positive as negative. Zeros are left out (Wilcoxon's way).
 * Exact up to 50 differences without ties, else the normal approximation with the variance
 * corrected for ties. 1 when nothing is left; NaN when memory is short.
 */
double stat_wilcoxon(size_t n, const double *differences);

#endif
