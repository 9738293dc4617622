#include "algorithms/assessors/curve_forecast.h"

#include <math.h>

/* What the families do not know of the steps to come: the sd, as a share of the range seen so far,
 * of an end that is all still ahead. */
#define HORIZON_SD 0.1

/* Error variance below which a fit is as good as exact. */
#define EXACT 1e-24

static const enum curve_family_index families[FORECAST_FAMILIES] = {
	CURVE_LINEAR,
	CURVE_LOG_LINEAR,
	CURVE_INVERSE_LOG,
	CURVE_POWER3,
	CURVE_POWER4,
	CURVE_MMF,
	CURVE_WEIBULL,
};

/* The curve as fitted: x from 1, y between 0 and 1, rising when all is well. */
struct normal_curve {
	size_t n;
	double x[FORECAST_POINTS + 1], y[FORECAST_POINTS + 1];
	double worst, range; /* loss = worst - range y */
	double end;
};

static bool normalise(
	struct normal_curve *curve, size_t n, const double *x, const double *loss, double end)
{
	if (n < 4)
		return false;
	double low = loss[0], high = loss[0];
	for (size_t i = 1; i < n; i++) {
		low = fmin(low, loss[i]);
		high = fmax(high, loss[i]);
	}
	*curve = (struct normal_curve){ .worst = high, .range = high - low, .end = end / x[0] };
	if (!(curve->range > 0) || !isfinite(curve->range))
		return false;
	size_t stride = (n + FORECAST_POINTS - 1) / FORECAST_POINTS;
	for (size_t i = (n - 1) % stride; i < n; i += stride) {
		curve->x[curve->n] = x[i] / x[0];
		curve->y[curve->n++] = (high - loss[i]) / curve->range;
	}
	return true;
}

/* More gained in the later half of the steps than in the earlier one. */
static bool accelerates(const struct normal_curve *curve)
{
	double middle = 0.5 * (curve->x[0] + curve->x[curve->n - 1]);
	size_t at = 0;
	while (curve->x[at + 1] <= middle)
		at++;
	double share = (middle - curve->x[at]) / (curve->x[at + 1] - curve->x[at]);
	double there = curve->y[at] + share * (curve->y[at + 1] - curve->y[at]);
	return curve->y[curve->n - 1] - there > there - curve->y[0];
}

struct share {
	double end, variance, aicc;
	size_t df;
};

/* False: the family does not fit, or has too many parameters for the points. */
static bool assess_fit(const struct normal_curve *curve, const struct curve_family *family,
	const struct curve_fit *fit, struct share *out)
{
	double n = (double)curve->n, k = (double)family->n;
	*out = (struct share){ .end = family->value(fit->p, curve->end) };
	if (!isfinite(fit->sse) || !isfinite(out->end) || curve->n < family->n + 2)
		return false;
	out->df = curve->n - family->n;
	out->variance = fit->sse / (double)out->df;
	out->aicc = n * log(fit->sse / n + EXACT) + 2 * k + 2 * k * (k + 1) / (n - k - 1);
	return true;
}

/* Mean and variance of the mixture; the residuals' variance grows with how far the end is. */
static bool mix(const struct normal_curve *curve, const struct share *shares, size_t n,
	struct forecast *out)
{
	double least = HUGE_VAL, sum = 0, mean = 0, variance = 0, df = 0;
	double last = curve->x[curve->n - 1], ahead = 1 - last / curve->end;
	for (size_t f = 0; f < n; f++)
		least = fmin(least, shares[f].aicc);
	for (size_t f = 0; f < n; f++) {
		double weight = exp(-0.5 * (shares[f].aicc - least));
		sum += weight;
		mean += weight * shares[f].end;
		df += weight * (double)shares[f].df;
	}
	if (!(sum > 0))
		return false;
	mean /= sum;
	for (size_t f = 0; f < n; f++) {
		double weight = exp(-0.5 * (shares[f].aicc - least)) / sum;
		double d = shares[f].end - mean;
		variance += weight * (d * d + shares[f].variance * curve->end / last);
	}
	variance += HORIZON_SD * HORIZON_SD * ahead * ahead;
	out->mean = curve->worst - curve->range * mean;
	out->sd = curve->range * sqrt(variance);
	out->df = (size_t)(df / sum);
	return isfinite(out->mean) && isfinite(out->sd);
}

bool curve_forecast(size_t n, const double *x, const double *loss, double end,
	const struct forecast *earlier, struct forecast *out)
{
	struct normal_curve curve;
	struct share shares[FORECAST_FAMILIES];
	size_t n_shares = 0;

	if (!normalise(&curve, n, x, loss, end))
		return false;
	out->accelerates = accelerates(&curve);
	for (size_t f = 0; f < FORECAST_FAMILIES; f++) {
		const struct curve_family *family = &curve_families[families[f]];
		struct curve_fit *fit = &out->fits[f];
		if (curve.n < family->n + 2) {
			*fit = (struct curve_fit){ .sse = HUGE_VAL };
			continue;
		}
		if (earlier && isfinite(earlier->fits[f].sse)) {
			*fit = earlier->fits[f];
			curve_refit(family, curve.n, curve.x, curve.y, fit);
		} else {
			curve_fit(family, curve.n, curve.x, curve.y, fit);
		}
		n_shares += assess_fit(&curve, family, fit, &shares[n_shares]);
	}
	return mix(&curve, shares, n_shares, out);
}
