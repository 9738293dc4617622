/* The statistics against values from elsewhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/quality/statistics.h"

static void assert_near(double a, double b, double relative)
{
	if (!(fabs(a - b) <= relative * fabs(b)))
		fail_msg("%.17g is not %.17g", a, b);
}

static void test_means(void **state)
{
	(void)state;
	double x[] = { 1, 4, 16 };

	assert_near(stat_mean(3, x), 7, 1e-15);
	assert_near(stat_geometric_mean(3, x, 1e-12), 4, 1e-15);
	assert_near(stat_geometric_mean(3, (double[]){ 0, 1, 1 }, 1e-12), 1e-4, 1e-12);
	assert_near(stat_standard_error(3, x), sqrt(63.0) / sqrt(3), 1e-14);
	assert_true(stat_standard_error(1, x) == 0);
	assert_true(isnan(stat_mean(0, x)) && isnan(stat_geometric_mean(0, x, 1)));
}

static void test_quantile(void **state)
{
	(void)state;
	double x[] = { 5, 1, 3, 2 };

	assert_near(stat_quantile(4, x, 0.5), 2.5, 1e-15);
	assert_near(stat_quantile(4, x, 0), 1, 1e-15);
	assert_near(stat_quantile(4, x, 1), 5, 1e-15);
	assert_near(stat_quantile(4, x, 0.25), 1.75, 1e-15);
	assert_true(isnan(stat_quantile(0, x, 0.5)));
}

static void test_ranks(void **state)
{
	(void)state;
	double ranks[5];

	stat_ranks(5, (double[]){ 3, 1, 3, 0.5, 3 }, ranks);
	assert_true(ranks[0] == 4 && ranks[1] == 2 && ranks[2] == 4 && ranks[3] == 1);
}

static void test_wilcoxon_exact(void **state)
{
	(void)state;
	/* Darwin's maize, as in the manual of scipy.stats.wilcoxon: W = 24, p = 0.041259765625. */
	double maize[] = { 6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75 };

	assert_near(stat_wilcoxon(15, maize), 0.041259765625, 1e-14);
	for (int i = 0; i < 15; i++)
		maize[i] = -maize[i];
	assert_near(stat_wilcoxon(15, maize), 0.041259765625, 1e-14);
	/* All of one sign: 2 / 2^n. */
	assert_near(stat_wilcoxon(5, (double[]){ 1, 2, 3, 4, 5 }), 2.0 / 32, 1e-15);
	assert_near(stat_wilcoxon(1, (double[]){ 1 }), 1, 1e-15);
	assert_near(stat_wilcoxon(0, NULL), 1, 1e-15);
	assert_near(stat_wilcoxon(3, (double[]){ 0, 0, 0 }), 1, 1e-15);
	/* Zeros are left out. */
	assert_near(stat_wilcoxon(7, (double[]){ 1, 0, 2, 3, 0, 4, 5 }), 2.0 / 32, 1e-15);
	/* Balanced: W+ = 5 = W-. */
	assert_near(stat_wilcoxon(4, (double[]){ 1, -2, -3, 4 }), 1, 1e-15);
}

static void test_wilcoxon_ties(void **state)
{
	(void)state;
	/* By hand: sizes 1 1 2 2 3 3, ranks 1.5 1.5 3.5 3.5 5.5 5.5; W- = 1.5, mean 10.5, variance
	 * 6*7*13/24 - 3*(8-2)/48 = 22.375; z = -9 / sqrt(22.375), p = 0.0570885... */
	double z = -9 / sqrt(22.375);

	assert_near(stat_wilcoxon(6, (double[]){ 1, -1, 2, 2, 3, 3 }), erfc(-z / sqrt(2)), 1e-12);
	assert_near(erfc(-z / sqrt(2)), 0.05708, 1e-3);
}

/* Beyond fifty the approximation takes over; at fifty the exact value is close to it. W- is
 * 1 + 4 + ... + 49 = 425. */
static void test_wilcoxon_many(void **state)
{
	(void)state;
	double x[51];

	for (int i = 0; i < 51; i++)
		x[i] = (i % 3 == 0 ? -1 : 1) * (i + 1);
	double z51 = (51 * 52 / 4.0 - 425) / sqrt(51 * 52 * 103 / 24.0);
	double z50 = (50 * 51 / 4.0 - 425) / sqrt(50 * 51 * 101 / 24.0);
	assert_near(stat_wilcoxon(51, x), erfc(z51 / sqrt(2)), 1e-12);
	assert_near(stat_wilcoxon(50, x), erfc(z50 / sqrt(2)), 0.02);
	assert_true(fabs(stat_wilcoxon(50, x) - erfc(z50 / sqrt(2))) > 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_means),
		cmocka_unit_test(test_quantile),
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_wilcoxon_exact),
		cmocka_unit_test(test_wilcoxon_ties),
		cmocka_unit_test(test_wilcoxon_many),
	};
	return cmocka_run_group_tests_name("quality_statistics", tests, NULL, NULL);
}
