#include "bench/quality/bbob_transform.h"

#include <math.h>

double bbob_share(size_t n, size_t i)
{
	return (double)i / (double)(n - 1);
}

double bbob_oscillation(double x)
{
	if (x == 0)
		return 0;
	double size = log(fabs(x));
	double waves = x > 0 ? sin(10 * size) + sin(7.9 * size) : sin(5.5 * size) + sin(3.1 * size);
	return copysign(exp(size + 0.049 * waves), x);
}

void bbob_oscillate(size_t n, double *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = bbob_oscillation(x[i]);
}

void bbob_asymmetry(size_t n, double beta, double *x)
{
	for (size_t i = 0; i < n; i++)
		if (x[i] > 0)
			x[i] = pow(x[i], 1 + beta * bbob_share(n, i) * sqrt(x[i]));
}

void bbob_condition(size_t n, double alpha, double *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= pow(alpha, bbob_share(n, i) / 2);
}

void bbob_rotate(size_t n, const double *matrix, const double *x, double *out)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = 0;
		for (size_t j = 0; j < n; j++)
			out[i] += matrix[i * n + j] * x[j];
	}
}

void bbob_rotate_back(size_t n, const double *matrix, const double *x, double *out)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = 0;
		for (size_t j = 0; j < n; j++)
			out[i] += matrix[j * n + i] * x[j];
	}
}

double bbob_penalty(size_t n, const double *x)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double outside = fmax(0, fabs(x[i]) - 5);
		sum += outside * outside;
	}
	return sum;
}

static double dot(size_t n, const double *a, const double *b)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

void bbob_rotation(struct rng *rng, size_t n, double *matrix)
{
	for (size_t i = 0; i < n; i++) {
		double *row = matrix + i * n;
		for (size_t j = 0; j < n; j++)
			row[j] = rng_normal(rng);
		/* Twice: once leaves rows that are orthogonal to about 1e-13 only. */
		for (size_t k = 0; k < 2 * i; k++) {
			const double *earlier = matrix + (k % i) * n;
			double along = dot(n, row, earlier);
			for (size_t j = 0; j < n; j++)
				row[j] -= along * earlier[j];
		}
		double length = sqrt(dot(n, row, row));
		for (size_t j = 0; j < n; j++)
			row[j] /= length;
	}
}
