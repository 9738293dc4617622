#include "core/special.h"

#include <assert.h>
#include <math.h>

#define SQRT_2	     1.41421356237309504880
#define SQRT_PI	     1.77245385090551602730
#define LN_2	     0.69314718055994530942
#define INV_SQRT_2PI 0.39894228040143267794

double normal_pdf(double x)
{
	return INV_SQRT_2PI * exp(-0.5 * x * x);
}

double normal_cdf(double x)
{
	return 0.5 * erfc(-x / SQRT_2);
}

/* p and q are the coefficients of numerator and denominator, highest power first; q's last is 1. */
static double rational7(const double p[8], const double q[8], double x)
{
	double num = p[0], den = q[0];
	for (int i = 1; i < 8; i++) {
		num = num * x + p[i];
		den = den * x + q[i];
	}
	return num / den;
}

/* AS 241 (Wichura 1988), PPND16: three rational approximations by distance from the median. */
double normal_quantile(double p)
{
	static const double a[8] = { 2.5090809287301226727e3, 3.3430575583588128105e4,
		6.7265770927008700853e4, 4.5921953931549871457e4, 1.3731693765509461125e4,
		1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0 };
	static const double b[8] = { 5.2264952788528545610e3, 2.8729085735721942674e4,
		3.9307895800092710610e4, 2.1213794301586595867e4, 5.3941960214247511077e3,
		6.8718700749205790830e2, 4.2313330701600911252e1, 1.0 };
	static const double c[8] = { 7.74545014278341407640e-4, 2.27238449892691845833e-2,
		2.41780725177450611770e-1, 1.27045825245236838258e0, 3.64784832476320460504e0,
		5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0 };
	static const double d[8] = { 1.05075007164441684324e-9, 5.47593808499534494600e-4,
		1.51986665636164571966e-2, 1.48103976427480074590e-1, 6.89767334985100004550e-1,
		1.67638483018380384940e0, 2.05319162663775882187e0, 1.0 };
	static const double e[8] = { 2.01033439929228813265e-7, 2.71155556874348757815e-5,
		1.24266094738807843860e-3, 2.65321895265761230930e-2, 2.96560571828504891230e-1,
		1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0 };
	static const double f[8] = { 2.04426310338993978564e-15, 1.42151175831644588870e-7,
		1.84631831751005468180e-5, 7.86869131145613259100e-4, 1.48753612908506148525e-2,
		1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0 };

	assert(p >= 0.0 && p <= 1.0);
	double q = p - 0.5;
	if (fabs(q) <= 0.425)
		return q * rational7(a, b, 0.180625 - q * q);
	double tail = q < 0 ? p : 1.0 - p;
	if (tail <= 0.0)
		return q < 0 ? -HUGE_VAL : HUGE_VAL;
	double r = sqrt(-log(tail));
	double z = r <= 5.0 ? rational7(c, d, r - 1.6) : rational7(e, f, r - 5.0);
	return q < 0 ? -z : z;
}

double erfcx_scaled(double x)
{
	if (x < 5.0)
		return exp(x * x) * erfc(x);
	/* Continued fraction (Abramowitz and Stegun 7.1.14), from the bottom; 60 levels are
	 * far more than double precision needs at x >= 5. */
	double f = x;
	for (int k = 60; k >= 1; k--)
		f = x + 0.5 * k / f;
	return 1.0 / (SQRT_PI * f);
}

double normal_log_cdf(double x)
{
	if (x > -1.0)
		return log1p(-0.5 * erfc(x / SQRT_2));
	return -0.5 * x * x + log(0.5 * erfcx_scaled(-x / SQRT_2));
}

/* Maechler, "Accurately computing log(1 - exp(-|a|))" (2012): switch at ln 2. */
double log1m_exp(double x)
{
	assert(x <= 0.0);
	return x > -LN_2 ? log(-expm1(x)) : log1p(-exp(x));
}

double log_sum_exp2(double a, double b)
{
	double high = a > b ? a : b;
	if (high == -HUGE_VAL)
		return -HUGE_VAL;
	return high + log1p(exp(-fabs(a - b)));
}

double log_diff_exp(double a, double b)
{
	assert(a >= b);
	if (b == -HUGE_VAL)
		return a;
	return a + log1m_exp(b - a);
}

double normal_log_mass(double a, double b)
{
	if (b <= 0.0)
		return log_diff_exp(normal_log_cdf(b), normal_log_cdf(a));
	if (a > 0.0)
		return log_diff_exp(normal_log_cdf(-a), normal_log_cdf(-b));
	return log1p(-normal_cdf(a) - normal_cdf(-b));
}
