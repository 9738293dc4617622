#include "algorithms/assessors/statistics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/rng.h"
#include "core/special.h"

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Against a sorted copy, every k, with many ties. */
static void selection(void **state)
{
	struct rng rng;
	(void)state;
	rng_init(&rng, 1, RNG_TEST, 1);
	for (ptrdiff_t n = 1; n <= 40; n++) {
		double v[40], sorted[40], work[40];
		for (ptrdiff_t i = 0; i < n; i++)
			v[i] = sorted[i] = (double)rng_below(&rng, 9);
		qsort(sorted, (size_t)n, sizeof(double), ascending);
		for (ptrdiff_t k = 0; k < n; k++) {
			for (ptrdiff_t i = 0; i < n; i++)
				work[i] = v[i];
			assert_true(select_kth(work, n, k) == sorted[k]);
			for (ptrdiff_t i = 0; i < k; i++)
				assert_true(work[i] <= work[k]);
		}
	}
}

/* Closed forms of one and two degrees of freedom, and quantiles of printed tables. */
static void student(void **state)
{
	static const struct {
		double t;
		size_t df;
		double p;
	} table[] = {
		{ 1, 1, 0.25 },
		{ 12.706205, 1, 0.025 },
		{ 4.302653, 2, 0.025 },
		{ 2.353363, 3, 0.05 },
		{ 3.746947, 4, 0.01 },
		{ 2.015048, 5, 0.05 },
		{ 1.812461, 10, 0.05 },
		{ 2.457262, 30, 0.01 },
		{ 1.660234, 100, 0.05 },
		{ 1.644854, STUDENT_DF_MAX + 1, 0.05 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		double p = student_tail(table[i].t, table[i].df);
		assert_true(fabs(p - table[i].p) < 1e-7);
		assert_true(fabs(student_tail(-table[i].t, table[i].df) - (1 - p)) < 1e-12);
	}
	for (double t = -3; t <= 3; t += 0.25) {
		double expected = 0.5 * (1 - t / sqrt(2 + t * t));
		assert_true(fabs(student_tail(t, 2) - expected) < 1e-12);
		assert_true(fabs(student_tail(t, STUDENT_DF_MAX) - normal_cdf(-t)) < 2e-3);
	}
	assert_true(student_tail(0, 7) == 0.5);
	assert_true(student_tail(HUGE_VAL, 7) < 1e-12);
	assert_true(isnan(student_tail(nan(""), 7)));
}

/* The sums of the subsets of 1 .. n, counted one by one. */
static void signed_ranks(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 12; n++) {
		unsigned subsets = 1u << n;
		size_t top = n * (n + 1) / 2;
		for (size_t w = 0; w <= top; w++) {
			unsigned reach = 0;
			for (unsigned set = 0; set < subsets; set++) {
				size_t sum = 0;
				for (size_t rank = 1; rank <= n; rank++)
					sum += set >> (rank - 1) & 1u ? rank : 0;
				reach += sum >= w;
			}
			assert_true(
				signed_rank_tail((double)w, n) == (double)reach / (double)subsets);
		}
	}
	/* The printed critical value of n = 10 at 5 %: 45, with P = 43 / 1024. */
	assert_true(signed_rank_tail(45, 10) == 43.0 / 1024);
	assert_true(signed_rank_tail(0, SIGNED_RANK_EXACT) == 1);
	assert_true(signed_rank_tail(1275, SIGNED_RANK_EXACT) == ldexp(1, -SIGNED_RANK_EXACT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selection),
		cmocka_unit_test(student),
		cmocka_unit_test(signed_ranks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
