#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/special.h"
#include "tests/unit/expected_improvement.h"

#include <cmocka.h>

static void close_to(double got, double want, double relative)
{
	if (!(fabs(got - want) <= relative * fabs(want)))
		print_error("%.17g, not %.17g\n", got, want);
	assert_true(fabs(got - want) <= relative * fabs(want));
}

/* Values to 15 or more digits from tables (Abramowitz and Stegun 26.1, 7.1). */
static void known_values(void **state)
{
	(void)state;
	close_to(normal_pdf(0), 0.398942280401432678, 1e-15);
	close_to(normal_pdf(-1), 0.241970724519143349, 1e-15);
	close_to(normal_cdf(0), 0.5, 1e-16);
	close_to(normal_cdf(1), 0.841344746068542949, 1e-15);
	close_to(normal_cdf(-1), 0.158655253931457051, 1e-14);
	close_to(normal_cdf(-5), 2.86651571879193912e-07, 1e-13);
	close_to(normal_cdf(-10), 7.61985302416052606e-24, 1e-12);
	close_to(normal_cdf(-30), 4.90671392714819007e-198, 1e-11);
	assert_true(normal_cdf(40) == 1.0);
	close_to(normal_quantile(0.975), 1.95996398454005424, 1e-15);
	close_to(normal_quantile(0.75), 0.674489750196081743, 1e-15);
	close_to(normal_quantile(1e-10), -6.36134090240405682, 1e-14);
	close_to(normal_quantile(1e-300), -37.0470962993611992, 1e-14);
	assert_true(normal_quantile(0.5) == 0.0);
	assert_true(normal_quantile(0) == -(double)INFINITY);
	assert_true(normal_quantile(1) == (double)INFINITY);
	close_to(erfcx_scaled(0), 1, 1e-16);
	close_to(erfcx_scaled(1), 0.427583576155807005, 1e-14);
	close_to(erfcx_scaled(-2), 108.940904389977972, 1e-14);
	close_to(erfcx_scaled(10), 0.0561409927438225852, 1e-14);
	close_to(erfcx_scaled(1e8), 5.64189583547756287e-09, 1e-14);
	close_to(normal_log_cdf(-10), -53.2312851505124696, 1e-14);
	close_to(normal_log_cdf(-40), -804.608442013753788, 1e-13);
	close_to(normal_log_cdf(5), -2.86651612963763593e-07, 1e-14);
}

static void quantile_inverts_cdf(void **state)
{
	(void)state;
	for (double x = -37.0; x <= 8.0; x += 0.0625) {
		double p = normal_cdf(x);
		/* dx = dp / pdf: near 1 the spacing of p is what limits x. */
		double slack = 4e-15 * (1 + fabs(x)) + 2.3e-16 * p / normal_pdf(x);
		assert_true(fabs(normal_quantile(p) - x) <= slack);
	}
	for (double p = 0.001; p < 1; p += 0.001) {
		close_to(normal_cdf(normal_quantile(p)), p, 1e-14);
		assert_true(fabs(normal_quantile(p) + normal_quantile(1 - p)) < 1e-12);
	}
}

/* The branches meet: no jump where one formula hands over to the next. */
static void branches_meet(void **state)
{
	static const double edges[] = { 0.075, 0.925, 1.3887943864964021e-11 };
	(void)state;
	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		double below = normal_quantile(nextafter(edges[i], 0));
		double above = normal_quantile(nextafter(edges[i], 1));
		assert_true(fabs(below - above) < 1e-14 * (1 + fabs(above)));
	}
	close_to(erfcx_scaled(nextafter(5, 0)), erfcx_scaled(5), 1e-13);
	close_to(normal_log_cdf(nextafter(-1, 0)), normal_log_cdf(-1), 1e-14);
	close_to(log1m_exp(nextafter(-0.69314718055994531, 0)), log1m_exp(-0.69314718055994531),
		1e-15);
}

static void everything_is_monotone(void **state)
{
	double quantile = -(double)INFINITY, log_cdf = -(double)INFINITY;
	double erfcx = (double)INFINITY;
	(void)state;
	for (int i = 1; i < 1000000; i++) {
		double u = i / 1e6, x = -60 + 70 * u;
		double q = normal_quantile(u), l = normal_log_cdf(x), e = erfcx_scaled(x / 3);
		assert_true(q > quantile && l >= log_cdf && e <= erfcx);
		quantile = q;
		log_cdf = l;
		erfcx = e;
	}
}

static void logarithms_do_not_cancel(void **state)
{
	(void)state;
	close_to(log1m_exp(-1e-20), log(1e-20), 1e-15);
	close_to(log1m_exp(-1), -0.458675145387081890, 1e-15);
	close_to(log1m_exp(-50), -exp(-50), 1e-15);
	close_to(log_sum_exp2(1000, 1000), 1000.69314718055995, 3e-16);
	close_to(log_sum_exp2(-1000, -1001), -999.686738312481777, 1e-15);
	assert_true(log_sum_exp2(-(double)INFINITY, 3) == 3);
	assert_true(log_sum_exp2(-(double)INFINITY, -(double)INFINITY) == -(double)INFINITY);
	close_to(log_diff_exp(1000, 999), 999.541324854612918, 1e-15);
	assert_true(log_diff_exp(2, -(double)INFINITY) == 2);
	assert_true(log_diff_exp(2, 2) == -(double)INFINITY);
	/* Phi(b) - Phi(a): in both tails, and across the middle */
	close_to(normal_log_mass(-1, 1), log(0.682689492137085898), 1e-14);
	close_to(normal_log_mass(-11, -10), log(7.61985302416052606e-24 - 1.91066e-28), 1e-9);
	close_to(normal_log_mass(10, 11), normal_log_mass(-11, -10), 1e-14);
	close_to(normal_log_mass(40, 41), -804.608442013753788, 1e-12);
	/* 1e-8 wide: the mass is nearly pdf times width */
	close_to(normal_log_mass(2, 2 + 1e-8), log(normal_pdf(2) * 1e-8), 1e-7);
}

/* h by the functions it is made of: where z <= -1 the sum would cancel. */
static void expected_improvement_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < LOG_H_REFERENCES; i++) {
		double z = log_h_reference[i].z, log_h = log_h_reference[i].log_h;
		if (z > -1) {
			close_to(log(normal_pdf(z) + z * normal_cdf(z)), log_h, 1e-14);
			continue;
		}
		double ratio = log(fabs(z) * erfcx_scaled(-z / sqrt(2))) + 0.5 * log(M_PI / 2);
		close_to(-0.5 * z * z - 0.5 * log(2 * M_PI) + log1m_exp(ratio), log_h, 1e-12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(quantile_inverts_cdf),
		cmocka_unit_test(branches_meet),
		cmocka_unit_test(everything_is_monotone),
		cmocka_unit_test(logarithms_do_not_cancel),
		cmocka_unit_test(expected_improvement_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
