/*
 * Parametric learning curves and their least-squares fit. The twelve families are those of Domhan,
 * Springenberg and Hutter, "Speeding up automatic hyperparameter optimization of deep neural
 * networks by extrapolation of learning curves", IJCAI 2015, as NNI 2.7 selects them; all of them
 * describe curves that rise with x = 1, 2, ...
 */
#ifndef ALGORITHMS_ASSESSORS_CURVE_FAMILY_H
#define ALGORITHMS_ASSESSORS_CURVE_FAMILY_H

#include <stdbool.h>
#include <stddef.h>

enum curve_family_index {
	CURVE_VAPOR,
	CURVE_POWER3,
	CURVE_LINEAR,
	CURVE_LOG_LINEAR,
	CURVE_HILL,
	CURVE_LOG_POWER,
	CURVE_POWER4,
	CURVE_MMF,
	CURVE_EXP4,
	CURVE_INVERSE_LOG,
	CURVE_WEIBULL,
	CURVE_JANOSCHEK,
	CURVE_FAMILIES
};

#define CURVE_PARAMETERS 4
#define CURVE_STARTS	 2

struct curve_family {
	const char *name;
	size_t n;				    /* parameters */
	double (*value)(const double *p, double x); /* NaN outside the family's domain */
	/* Where the fit begins, from the curve's first and last value and last x. gain > 0 is how
	 * much of the curve's height is still to come. */
	void (*start)(double first, double last, double x, double gain, double *p);
};

extern const struct curve_family curve_families[CURVE_FAMILIES];

struct curve_fit {
	double p[CURVE_PARAMETERS];
	double sse; /* sum of squared errors; infinite: no fit */
};

/* Levenberg-Marquardt from each start, the best kept. n points (x, y), x ascending, n >= 2, y of
 * the order of 1. Deterministic; a fixed bound on the evaluations. */
void curve_fit(const struct curve_family *family, size_t n, const double *x, const double *y,
	struct curve_fit *out);

/* Levenberg-Marquardt from the parameters that fit already has. */
void curve_refit(const struct curve_family *family, size_t n, const double *x, const double *y,
	struct curve_fit *fit);

#endif
