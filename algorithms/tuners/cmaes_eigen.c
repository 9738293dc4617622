#include "algorithms/tuners/cmaes_eigen.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define ITERATIONS_MAX 60 /* of one eigenvalue; two or three are usual */

/* Makes column k of a zero below its subdiagonal with the reflection I - beta v v', applied to the
 * trailing block from both sides. v is left in row k, right of the diagonal. p: scratch of n. */
static void reflect(size_t n, size_t k, double *a, double *off, double *beta, double *p)
{
	double *v = a + k * n;
	double square = 0, overlap = 0;

	for (size_t i = k + 1; i < n; i++)
		square += v[i] * v[i];
	off[k] = -copysign(sqrt(square), v[k + 1]);
	square -= v[k + 1] * v[k + 1];
	v[k + 1] -= off[k];
	square += v[k + 1] * v[k + 1];
	*beta = square > 0 ? 2 / square : 0;
	for (size_t i = k + 1; i < n; i++) {
		double sum = 0;
		for (size_t j = k + 1; j < n; j++)
			sum += a[i * n + j] * v[j];
		p[i] = *beta * sum;
		overlap += p[i] * v[i];
	}
	for (size_t i = k + 1; i < n; i++)
		p[i] -= 0.5 * *beta * overlap * v[i];
	for (size_t i = k + 1; i < n; i++)
		for (size_t j = k + 1; j < n; j++)
			a[i * n + j] -= v[i] * p[j] + p[i] * v[j];
}

/* a = Q T Q': T's diagonal and off-diagonal, Q's transpose in rows. */
static void tridiagonalise(
	size_t n, double *a, double *diagonal, double *off, double *rows, double *scratch)
{
	for (size_t k = 0; k + 2 < n; k++) {
		double beta;
		reflect(n, k, a, off, &beta, scratch);
		diagonal[k] = a[k * n + k];
		a[k * n + k] = beta; /* its place is free now */
	}
	if (n >= 2) {
		diagonal[n - 2] = a[(n - 2) * n + n - 2];
		off[n - 2] = a[(n - 2) * n + n - 1];
	}
	diagonal[n - 1] = a[n * n - 1];
	memset(rows, 0, n * n * sizeof(*rows));
	for (size_t i = 0; i < n; i++)
		rows[i * n + i] = 1;
	/* Q = H0 H1 ...; row i of Q' is changed by H_k only from column k + 1 on. */
	for (size_t k = n; k-- > 0;) {
		const double *v = a + k * n;
		if (k + 2 >= n)
			continue;
		for (size_t i = k + 1; i < n; i++) {
			double *row = rows + i * n, sum = 0;
			for (size_t j = k + 1; j < n; j++)
				sum += row[j] * v[j];
			sum *= v[k];
			for (size_t j = k + 1; j < n; j++)
				row[j] -= sum * v[j];
		}
	}
}

static void rotate(size_t n, double *a, double *b, double c, double s)
{
	for (size_t k = 0; k < n; k++) {
		double old = b[k];
		b[k] = s * a[k] + c * old;
		a[k] = c * a[k] - s * old;
	}
}

/* One implicit QL sweep over the unreduced block first .. last. */
static void sweep(size_t n, size_t first, size_t last, double *d, double *e, double *rows)
{
	double g = (d[first + 1] - d[first]) / (2 * e[first]);
	double s = 1, c = 1, shift = 0;

	g = d[last] - d[first] + e[first] / (g + copysign(hypot(g, 1), g));
	for (size_t i = last; i-- > first;) {
		double f = s * e[i], b = c * e[i], r = hypot(f, g);
		e[i + 1] = r;
		if (r == 0) { /* the block has come apart: start over */
			d[i + 1] -= shift;
			e[last] = 0;
			return;
		}
		s = f / r;
		c = g / r;
		g = d[i + 1] - shift;
		r = (d[i] - g) * s + 2 * c * b;
		shift = s * r;
		d[i + 1] = g + shift;
		g = c * r - b;
		rotate(n, rows + i * n, rows + (i + 1) * n, c, s);
	}
	d[first] -= shift;
	e[first] = g;
	e[last] = 0;
}

bool eigen_symmetric(size_t n, double *a, double *values, double *vectors, double *work)
{
	double *off = work; /* n, of which the sweeps use the last one as scratch */

	if (n == 0)
		return true;
	tridiagonalise(n, a, values, off, vectors, work + n);
	for (size_t first = 0; first < n; first++) {
		for (int i = 0;; i++) {
			size_t last = first;
			while (last < n - 1 &&
				!(fabs(off[last]) <= DBL_EPSILON * (fabs(values[last]) +
									   fabs(values[last + 1]))))
				last++;
			if (last == first)
				break;
			if (i == ITERATIONS_MAX)
				return false;
			sweep(n, first, last, values, off, vectors);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (!isfinite(values[i]))
			return false;
	return true;
}
