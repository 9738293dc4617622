/*
 * Special functions of the normal distribution, in double precision.
 */
#ifndef CORE_SPECIAL_H
#define CORE_SPECIAL_H

double normal_pdf(double x);
double normal_cdf(double x); /* full relative accuracy in the lower tail (erfc) */
double normal_quantile(
	double p); /* Wichura, AS 241 (PPND16): relative error about 1e-16; 0 -> -inf, 1 -> inf */
double normal_log_cdf(double x); /* log Phi(x), accurate far into the lower tail */
double erfcx_scaled(double x);	 /* exp(x^2) erfc(x), no overflow for x > -26 */
double log1m_exp(double x);	 /* log(1 - exp(x)), x < 0 */
double log_sum_exp2(double a, double b);
double log_diff_exp(double a, double b);    /* log(exp(a) - exp(b)), a >= b */
double normal_log_mass(double a, double b); /* log(Phi(b) - Phi(a)), a < b, without cancellation */

#endif
