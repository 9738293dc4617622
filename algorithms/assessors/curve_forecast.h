/*
 * A learning curve's end from its beginning, for assessors: seven families of curves, fitted by
 * Levenberg-Marquardt and mixed by their corrected Akaike weights exp(-AICc / 2) (Hurvich and Tsai,
 * Biometrika 1989). They are those of the twelve that stay what they are when a curve is shifted
 * and scaled, and they contain the others but for vapor pressure: Hill and logistic power curves
 * are MMF curves, exp4 and Janoschek curves are Weibull curves. So the reports can be normalised,
 * worst to 0 and best to 1, and minimising means fitting the mirrored curve.
 */
#ifndef ALGORITHMS_ASSESSORS_CURVE_FORECAST_H
#define ALGORITHMS_ASSESSORS_CURVE_FORECAST_H

#include <stdbool.h>
#include <stddef.h>

#include "algorithms/assessors/curve_family.h"

#define FORECAST_FAMILIES 7
#define FORECAST_POINTS	  32 /* of a longer curve every k-th point is fitted, the last always */

struct forecast {
	double mean, sd;  /* of the loss at the end */
	size_t df;	  /* of Student's distribution */
	bool accelerates; /* the later half of the steps gained more than the earlier */
	struct curve_fit fits[FORECAST_FAMILIES];
};

/* n points (x, loss), x > 0 ascending, finite; end >= x[n - 1] in the same unit. earlier: NULL, or
 * a forecast of the same curve with a point more, from whose parameters the fits begin. False: the
 * curve says nothing (fewer than four points, all equal, or no family fits). Deterministic, with a
 * fixed bound on the work. */
bool curve_forecast(size_t n, const double *x, const double *loss, double end,
	const struct forecast *earlier, struct forecast *out);

#endif
