#include "algorithms/tuners/gp_acquisition.h"

#include <math.h>
#include <stddef.h>

#include "core/special.h"

#define HALF_LN_2PI 0.91893853320467274178
#define HALF_LN_PI2 0.22579135264472743236 /* ln(pi / 2) / 2 */

/* Below this the asymptotic series is exact to double precision. */
#define FAR (-25.0)

static double log_pdf(double z)
{
	return -0.5 * z * z - HALF_LN_2PI;
}

/* h(z) = phi(z) / z^2 (1 - 3 / z^2 + 15 / z^4 - 105 / z^6 + ...), z far below 0 (from the
 * asymptotic series of Mills' ratio, Abramowitz and Stegun 26.2.12). */
static double log_h_far(double z)
{
	double r = 1 / (z * z);
	double tail = r * (-3 + r * (15 + r * (-105 + r * (945 + r * (-10395 + r * 135135)))));

	return log_pdf(z) - 2 * log(-z) + log1p(tail);
}

double gp_log_h(double z)
{
	if (z > -1)
		return log(normal_pdf(z) + z * normal_cdf(z));
	if (z < FAR)
		return log_h_far(z);
	return log_pdf(z) + log1m_exp(log(-z * erfcx_scaled(-z * M_SQRT1_2)) + HALF_LN_PI2);
}

/* Phi(z) / h(z) and phi(z) / h(z) from log h(z). */
static void ratios(double z, double log_h, double *cdf, double *pdf)
{
	*pdf = exp(log_pdf(z) - log_h);
	*cdf = exp(normal_log_cdf(z) - log_h);
}

static double log_ei(double z, double sd, double *d_mean, double *d_sd)
{
	double log_h = gp_log_h(z), cdf, pdf;

	if (d_mean) {
		ratios(z, log_h, &cdf, &pdf);
		*d_mean = cdf / sd;
		*d_sd = pdf / sd;
	}
	return log(sd) + log_h;
}

static double log_pi(double z, double sd, double *d_mean, double *d_sd)
{
	double log_cdf = normal_log_cdf(z);

	if (d_mean) {
		double slope = exp(log_pdf(z) - log_cdf);
		*d_mean = slope / sd;
		*d_sd = -z * slope / sd;
	}
	return log_cdf;
}

double gp_acquire(const struct gp_acquisition *acquisition, double mean, double sd, double *d_mean,
	double *d_sd)
{
	double z = (mean - acquisition->best - acquisition->xi) / sd;

	if (acquisition->utility == GP_LOG_EI)
		return log_ei(z, sd, d_mean, d_sd);
	if (acquisition->utility == GP_LOG_PI)
		return log_pi(z, sd, d_mean, d_sd);
	if (d_mean) {
		*d_mean = 1;
		*d_sd = acquisition->kappa;
	}
	return mean + acquisition->kappa * sd;
}

double gp_log_feasible(double mean, double sd, double *d_mean, double *d_sd)
{
	double value = log_pi(-mean / sd, sd, d_mean, d_sd);

	if (d_mean)
		*d_mean = -*d_mean;
	return value;
}
