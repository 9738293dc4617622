#include "bench/quality/bbob.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "bench/quality/bbob_transform.h"
#include "core/rng.h"

#define PI 3.14159265358979323846
/* 2 |x_opt| of f20: where x sin sqrt(x / 100) is largest below 5. */
#define SCHWEFEL 4.2096874633
#define LUNACEK	 2.5

static void subtract(size_t n, const double *a, const double *b, double *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = a[i] - b[i];
}

/* out = R (x - x_opt) */
static void centre(const struct bbob *b, const double *x, double *out)
{
	double away[BBOB_DIMENSIONS];

	subtract(b->n, x, b->x_opt, away);
	bbob_rotate(b->n, b->r, away, out);
}

/* out = Q Lambda^alpha R (x - x_opt) */
static void squeeze(const struct bbob *b, double alpha, const double *x, double *out)
{
	double inner[BBOB_DIMENSIONS];

	centre(b, x, inner);
	bbob_condition(b->n, alpha, inner);
	bbob_rotate(b->n, b->q, inner, out);
}

static double squares(size_t n, const double *x)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * x[i];
	return sum;
}

static double ellipsoid(size_t n, double condition, const double *z)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += pow(condition, bbob_share(n, i)) * z[i] * z[i];
	return sum;
}

static double cosines(size_t n, const double *z)
{
	double sum = (double)n;

	for (size_t i = 0; i < n; i++)
		sum -= cos(2 * PI * z[i]);
	return 10 * sum;
}

static double valley(size_t n, const double *z)
{
	double sum = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		double off = z[i] * z[i] - z[i + 1];
		sum += 100 * off * off + (z[i] - 1) * (z[i] - 1);
	}
	return sum;
}

static double f1_sphere(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	subtract(b->n, x, b->x_opt, z);
	return squares(b->n, z);
}

static double f2_ellipsoid(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	subtract(b->n, x, b->x_opt, z);
	bbob_oscillate(b->n, z);
	return ellipsoid(b->n, 1e6, z);
}

static double f3_rastrigin(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	subtract(b->n, x, b->x_opt, z);
	bbob_oscillate(b->n, z);
	bbob_asymmetry(b->n, 0.2, z);
	bbob_condition(b->n, 10, z);
	return cosines(b->n, z) + squares(b->n, z);
}

static double f4_bueche_rastrigin(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	subtract(b->n, x, b->x_opt, z);
	bbob_oscillate(b->n, z);
	for (size_t i = 0; i < b->n; i += 2) /* the report's odd ones */
		if (z[i] > 0)
			z[i] *= 10;
	bbob_condition(b->n, 10, z);
	return cosines(b->n, z) + squares(b->n, z) + 100 * bbob_penalty(b->n, x);
}

static double f5_slope(const struct bbob *b, const double *x)
{
	double sum = 0;

	for (size_t i = 0; i < b->n; i++) {
		double s = b->signs[i] * pow(10, bbob_share(b->n, i));
		double z = x[i] * b->x_opt[i] < 25 ? x[i] : b->x_opt[i];
		sum += 5 * fabs(s) - s * z;
	}
	return sum;
}

static double f6_attractive_sector(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	squeeze(b, 10, x, z);
	for (size_t i = 0; i < b->n; i++)
		if (z[i] * b->x_opt[i] > 0)
			z[i] *= 100;
	return pow(bbob_oscillation(squares(b->n, z)), 0.9);
}

static double f7_step_ellipsoid(const struct bbob *b, const double *x)
{
	double inner[BBOB_DIMENSIONS], z[BBOB_DIMENSIONS];

	centre(b, x, inner);
	bbob_condition(b->n, 10, inner);
	double first = fabs(inner[0]);
	for (size_t i = 0; i < b->n; i++)
		inner[i] = fabs(inner[i]) > 0.5 ? floor(0.5 + inner[i])
						: floor(0.5 + 10 * inner[i]) / 10;
	bbob_rotate(b->n, b->q, inner, z);
	return 0.1 * fmax(first / 1e4, ellipsoid(b->n, 100, z)) + bbob_penalty(b->n, x);
}

static double scale(size_t n)
{
	return fmax(1, sqrt((double)n) / 8);
}

static double f8_rosenbrock(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	for (size_t i = 0; i < b->n; i++)
		z[i] = scale(b->n) * (x[i] - b->x_opt[i]) + 1;
	return valley(b->n, z);
}

static double f9_rosenbrock_rotated(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	bbob_rotate(b->n, b->r, x, z);
	for (size_t i = 0; i < b->n; i++)
		z[i] = scale(b->n) * z[i] + 0.5;
	return valley(b->n, z);
}

static double f10_ellipsoid_rotated(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	centre(b, x, z);
	bbob_oscillate(b->n, z);
	return ellipsoid(b->n, 1e6, z);
}

static double f11_discus(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	centre(b, x, z);
	bbob_oscillate(b->n, z);
	return 1e6 * z[0] * z[0] + squares(b->n - 1, z + 1);
}

static double f12_bent_cigar(const struct bbob *b, const double *x)
{
	double inner[BBOB_DIMENSIONS], z[BBOB_DIMENSIONS];

	centre(b, x, inner);
	bbob_asymmetry(b->n, 0.5, inner);
	bbob_rotate(b->n, b->r, inner, z);
	return z[0] * z[0] + 1e6 * squares(b->n - 1, z + 1);
}

static double f13_sharp_ridge(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS];

	squeeze(b, 10, x, z);
	return z[0] * z[0] + 100 * sqrt(squares(b->n - 1, z + 1));
}

static double f14_powers(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS], sum = 0;

	centre(b, x, z);
	for (size_t i = 0; i < b->n; i++)
		sum += pow(fabs(z[i]), 2 + 4 * bbob_share(b->n, i));
	return sqrt(sum);
}

static double f15_rastrigin_rotated(const struct bbob *b, const double *x)
{
	double inner[BBOB_DIMENSIONS], z[BBOB_DIMENSIONS];

	centre(b, x, inner);
	bbob_oscillate(b->n, inner);
	bbob_asymmetry(b->n, 0.2, inner);
	bbob_rotate(b->n, b->q, inner, z);
	bbob_condition(b->n, 10, z);
	bbob_rotate(b->n, b->r, z, inner);
	return cosines(b->n, inner) + squares(b->n, inner);
}

/* Twelve waves, each a third as long and half as high as the one before. */
static double fractal(double z)
{
	double sum = 0, height = 1, rate = 1;

	for (int k = 0; k < 12; k++) {
		sum += height * cos(2 * PI * rate * (z + 0.5));
		height /= 2;
		rate *= 3;
	}
	return sum;
}

static double f16_weierstrass(const struct bbob *b, const double *x)
{
	double inner[BBOB_DIMENSIONS], z[BBOB_DIMENSIONS], sum = 0, n = (double)b->n;

	centre(b, x, inner);
	bbob_oscillate(b->n, inner);
	bbob_rotate(b->n, b->q, inner, z);
	bbob_condition(b->n, 0.01, z);
	bbob_rotate(b->n, b->r, z, inner);
	for (size_t i = 0; i < b->n; i++)
		sum += fractal(inner[i]);
	return 10 * pow(sum / n - fractal(0), 3) + 10 / n * bbob_penalty(b->n, x);
}

static double schaffers(const struct bbob *b, double alpha, const double *x)
{
	double inner[BBOB_DIMENSIONS], z[BBOB_DIMENSIONS], sum = 0;

	centre(b, x, inner);
	bbob_asymmetry(b->n, 0.5, inner);
	bbob_rotate(b->n, b->q, inner, z);
	bbob_condition(b->n, alpha, z);
	for (size_t i = 0; i + 1 < b->n; i++) {
		double s = hypot(z[i], z[i + 1]), wave = sin(50 * pow(s, 0.2));
		sum += sqrt(s) * (1 + wave * wave);
	}
	sum /= (double)(b->n - 1);
	return sum * sum + 10 * bbob_penalty(b->n, x);
}

static double f17_schaffers(const struct bbob *b, const double *x)
{
	return schaffers(b, 10, x);
}

static double f18_schaffers_ill(const struct bbob *b, const double *x)
{
	return schaffers(b, 1000, x);
}

static double f19_griewank_rosenbrock(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS], sum = 0;

	bbob_rotate(b->n, b->r, x, z);
	for (size_t i = 0; i < b->n; i++)
		z[i] = scale(b->n) * z[i] + 0.5;
	for (size_t i = 0; i + 1 < b->n; i++) {
		double s = valley(2, z + i);
		sum += s / 4000 - cos(s);
	}
	return 10 * sum / (double)(b->n - 1) + 10;
}

static double f20_schwefel(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS], sum = 0, n = (double)b->n;

	for (size_t i = 0; i < b->n; i++) {
		z[i] = 2 * b->signs[i] * x[i];
		if (i > 0)
			z[i] += 0.25 * (2 * b->signs[i - 1] * x[i - 1] - SCHWEFEL);
	}
	for (size_t i = 0; i < b->n; i++)
		z[i] -= SCHWEFEL;
	bbob_condition(b->n, 10, z);
	for (size_t i = 0; i < b->n; i++) {
		z[i] += SCHWEFEL;
		sum += 100 * z[i] * sin(sqrt(100 * fabs(z[i])));
	}
	return -sum / (100 * n) + 4.189828872724339 + 100 * bbob_penalty(b->n, z);
}

static double gallagher(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS], best = 0;

	bbob_rotate(b->n, b->r, x, z);
	for (size_t k = 0; k < b->n_peaks; k++) {
		const struct bbob_peak *peak = &b->peaks[k];
		double distance = 0;
		for (size_t i = 0; i < b->n; i++) {
			double away = z[i] - peak->centre[i];
			distance += peak->shape[i] * away * away;
		}
		best = fmax(best, peak->height * exp(-distance / (2 * (double)b->n)));
	}
	double below = bbob_oscillation(10 - best);
	return below * below + bbob_penalty(b->n, x);
}

static double f23_katsuura(const struct bbob *b, const double *x)
{
	double z[BBOB_DIMENSIONS], product = 1, n = (double)b->n, height = 10 / (n * n);

	squeeze(b, 100, x, z);
	for (size_t i = 0; i < b->n; i++) {
		double sum = 0, power = 1;
		for (int j = 1; j <= 32; j++) {
			power *= 2;
			sum += fabs(power * z[i] - nearbyint(power * z[i])) / power;
		}
		product *= pow(1 + (double)(i + 1) * sum, 10 / pow(n, 1.2));
	}
	return height * product - height + bbob_penalty(b->n, x);
}

static double f24_lunacek(const struct bbob *b, const double *x)
{
	double away[BBOB_DIMENSIONS], inner[BBOB_DIMENSIONS], n = (double)b->n;
	double s = 1 - 1 / (2 * sqrt(n + 20) - 8.2), other = -sqrt((LUNACEK * LUNACEK - 1) / s);
	double near = 0, far = 0;

	for (size_t i = 0; i < b->n; i++) {
		double hat = 2 * b->signs[i] * x[i];
		away[i] = hat - LUNACEK;
		near += away[i] * away[i];
		far += (hat - other) * (hat - other);
	}
	bbob_rotate(b->n, b->r, away, inner);
	bbob_condition(b->n, 100, inner);
	bbob_rotate(b->n, b->q, inner, away);
	return fmin(near, n + s * far) + cosines(b->n, away) + 1e4 * bbob_penalty(b->n, x);
}

static const struct {
	const char *name;
	double (*value)(const struct bbob *b, const double *x);
} functions[BBOB_FUNCTIONS] = {
	{ "sphere", f1_sphere },
	{ "ellipsoid", f2_ellipsoid },
	{ "Rastrigin", f3_rastrigin },
	{ "Bueche-Rastrigin", f4_bueche_rastrigin },
	{ "linear slope", f5_slope },
	{ "attractive sector", f6_attractive_sector },
	{ "step ellipsoid", f7_step_ellipsoid },
	{ "Rosenbrock", f8_rosenbrock },
	{ "Rosenbrock, rotated", f9_rosenbrock_rotated },
	{ "ellipsoid, rotated", f10_ellipsoid_rotated },
	{ "discus", f11_discus },
	{ "bent cigar", f12_bent_cigar },
	{ "sharp ridge", f13_sharp_ridge },
	{ "different powers", f14_powers },
	{ "Rastrigin, rotated", f15_rastrigin_rotated },
	{ "Weierstrass", f16_weierstrass },
	{ "Schaffers F7", f17_schaffers },
	{ "Schaffers F7, ill-conditioned", f18_schaffers_ill },
	{ "Griewank-Rosenbrock F8F2", f19_griewank_rosenbrock },
	{ "Schwefel", f20_schwefel },
	{ "Gallagher, 101 peaks", gallagher },
	{ "Gallagher, 21 peaks", gallagher },
	{ "Katsuura", f23_katsuura },
	{ "Lunacek bi-Rastrigin", f24_lunacek },
};

const char *bbob_name(unsigned function)
{
	assert(function >= 1 && function <= BBOB_FUNCTIONS);
	return functions[function - 1].name;
}

double bbob_value(const struct bbob *bbob, const double *x)
{
	return functions[bbob->function - 1].value(bbob, x) + bbob->f_opt;
}
