/*
 * Order statistics and tail probabilities that the assessors share.
 */
#ifndef ALGORITHMS_ASSESSORS_STATISTICS_H
#define ALGORITHMS_ASSESSORS_STATISTICS_H

#include <stddef.h>

/* The k-th smallest of v[0 .. n), k < n; afterwards none before it is larger. Hoare's FIND
 * (Algorithm 65, CACM 1961), linear on average, also when many values are equal. No NaN. */
double select_kth(double *v, ptrdiff_t n, ptrdiff_t k);

/* P(T > t) for Student's distribution with df >= 1 degrees of freedom (Abramowitz and Stegun,
 * 26.7.3 and 26.7.4); beyond STUDENT_DF_MAX the normal one. NaN for NaN. */
#define STUDENT_DF_MAX 200
double student_tail(double t, size_t df);

/* P(W >= w) under the null hypothesis for Wilcoxon's signed-rank statistic W, the sum of the ranks
 * of the positive ones among n differences without ties or zeros, 1 <= n <= SIGNED_RANK_EXACT; by
 * counting the subsets of 1 .. n with each sum (Wilcoxon, "Individual comparisons by ranking
 * methods", Biometrics 1945). */
#define SIGNED_RANK_EXACT 50
double signed_rank_tail(double w, size_t n);

#endif
