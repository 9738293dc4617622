/* Functions that more than one quality test minimises, less their least values. */
#ifndef TESTS_QUALITY_FUNCTIONS_H
#define TESTS_QUALITY_FUNCTIONS_H

#include <math.h>

#define PI 3.14159265358979323846

/* On [-5, 10] x [0, 15]; three optima. */
static inline double branin(const double *x)
{
	double a = x[1] - 5.1 / (4 * PI * PI) * x[0] * x[0] + 5 / PI * x[0] - 6;
	return a * a + 10 * (1 - 1 / (8 * PI)) * cos(x[0]) + 10 - 0.39788735772973816;
}

/* On the unit cube. The second best of its optima is 0.119 above the best. */
static inline double hartmann6(const double *x)
{
	static const double alpha[4] = { 1, 1.2, 3, 3.2 };
	static const double a[4][6] = { { 10, 3, 17, 3.5, 1.7, 8 }, { 0.05, 10, 17, 0.1, 8, 14 },
		{ 3, 3.5, 1.7, 10, 17, 8 }, { 17, 8, 0.05, 10, 0.1, 14 } };
	static const double p[4][6] = { { .1312, .1696, .5569, .0124, .8283, .5886 },
		{ .2329, .4135, .8307, .3736, .1004, .9991 },
		{ .2348, .1451, .3522, .2883, .3047, .6650 },
		{ .4047, .8828, .8732, .5743, .1091, .0381 } };
	double sum = 3.32236801141551;
	for (int i = 0; i < 4; i++) {
		double inner = 0;
		for (int j = 0; j < 6; j++)
			inner += a[i][j] * (x[j] - p[i][j]) * (x[j] - p[i][j]);
		sum -= alpha[i] * exp(-inner);
	}
	return fmax(sum, 0);
}

#endif
