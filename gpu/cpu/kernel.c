#include "gpu/cpu/cpu.h"

#include <string.h>

#define SQRT_5 2.23606797749978969641
#define BLOCK  512 /* points whose squared distances stay in the first-level cache */
#define LOWEST (-300.0)

/*
 * exp for x in [LOWEST, 0], written for vectors: x = m ln 2 + r, |r| <= ln 2 / 2; Taylor's
 * polynomial of degree 13 (truncation 4e-18); 2^m by adding m to the exponent. Adding SHIFTER, 1.5
 * * 2^52, rounds to an integer and leaves it in the lowest bits. ln 2 is split (Cody & Waite 1980)
 * so that m times its high part is exact.
 */
#define SHIFTER	 0x1.8p52
#define LOG2_E	 1.44269504088896340736
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW	 0x1.a39ef35793c76p-33

static inline __attribute__((always_inline)) double exp_negative(double x)
{
	uint64_t exponent, bits;
	x = x < LOWEST ? LOWEST : x;
	double shifted = x * LOG2_E + SHIFTER;
	double m = shifted - SHIFTER;
	double r = (x - m * LN2_HIGH) - m * LN2_LOW;
	double p = 1.0 / 6227020800;
	p = p * r + 1.0 / 479001600;
	p = p * r + 1.0 / 39916800;
	p = p * r + 1.0 / 3628800;
	p = p * r + 1.0 / 362880;
	p = p * r + 1.0 / 40320;
	p = p * r + 1.0 / 5040;
	p = p * r + 1.0 / 720;
	p = p * r + 1.0 / 120;
	p = p * r + 1.0 / 24;
	p = p * r + 1.0 / 6;
	p = p * r + 0.5;
	p = p * r + 1;
	p = p * r + 1;
	memcpy(&exponent, &shifted, sizeof(exponent));
	memcpy(&bits, &p, sizeof(bits));
	bits += exponent << 52;
	memcpy(&p, &bits, sizeof(p));
	return p;
}

WIDEST void exp_in_place(double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		values[i] = exp_negative(values[i]);
}

/* Eight partial sums as one value of the compiler's vector type, read from anywhere. */
typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(8), may_alias));

static inline __attribute__((always_inline)) double sum_of(const lanes *sums)
{
	const lanes s = *sums;
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

WIDEST double dot_lanes(const double *a, const double *b, size_t n)
{
	lanes sums = { 0 };
	size_t i = 0;
	for (; i + LANES <= n; i += LANES)
		sums += *(const lanes *)(a + i) * *(const lanes *)(b + i);
	double rest = 0;
	for (; i < n; i++)
		rest += a[i] * b[i];
	return sum_of(&sums) + rest;
}

WIDEST double sum_lanes(const double *values, size_t n)
{
	lanes sums = { 0 };
	size_t i = 0;
	for (; i + LANES <= n; i += LANES)
		sums += *(const lanes *)(values + i);
	double rest = 0;
	for (; i < n; i++)
		rest += values[i];
	return sum_of(&sums) + rest;
}

WIDEST static void add_numeric(
	const double *restrict x, double at, double weight, size_t n, double *restrict squares)
{
	for (size_t b = 0; b < n; b++) {
		double delta = x[b] - at;
		squares[b] += weight * (delta * delta);
	}
}

WIDEST static void add_category(
	const double *restrict x, double at, double weight, size_t n, double *restrict squares)
{
	for (size_t b = 0; b < n; b++)
		squares[b] += x[b] != at ? weight : 0;
}

WIDEST static void matern_values(
	const double *restrict squares, size_t n, double s2, double *restrict k)
{
	for (size_t b = 0; b < n; b++) {
		double r = SQRT_5 * __builtin_sqrt(squares[b]);
		k[b] = (1 + r + (5.0 / 3) * squares[b]) * (s2 * exp_negative(-r));
	}
}

WIDEST static void matern_slopes(const double *restrict squares, size_t n, double s2,
	double *restrict k, double *restrict slope)
{
	for (size_t b = 0; b < n; b++) {
		double r = SQRT_5 * __builtin_sqrt(squares[b]);
		double decay = s2 * exp_negative(-r);
		slope[b] = (1 + r) * decay;
		k[b] = (1 + r + (5.0 / 3) * squares[b]) * decay;
	}
}

void matern_row(const struct matern *matern, struct columns points, size_t n, const double *point,
	double *k, double *slope)
{
	double squares[BLOCK];
	for (size_t first = 0; first < n; first += BLOCK) {
		size_t width = n - first < BLOCK ? n - first : BLOCK;
		memset(squares, 0, width * sizeof(*squares));
		for (size_t i = 0; i < matern->d; i++) {
			const double *x = points.x + i * points.stride + first;
			if (matern->category[i])
				add_category(x, point[i], matern->weight[i], width, squares);
			else
				add_numeric(x, point[i], matern->weight[i], width, squares);
		}
		if (slope)
			matern_slopes(squares, width, matern->s2, k + first, slope + first);
		else
			matern_values(squares, width, matern->s2, k + first);
	}
}

WIDEST static double squares_numeric(const double *x, double at, const double *factor, size_t n)
{
	lanes sums = { 0 };
	double rest = 0;
	size_t b = 0;
	for (; b + LANES <= n; b += LANES) {
		lanes delta = *(const lanes *)(x + b) - at;
		sums += *(const lanes *)(factor + b) * (delta * delta);
	}
	for (; b < n; b++)
		rest += factor[b] * ((x[b] - at) * (x[b] - at));
	return sum_of(&sums) + rest;
}

WIDEST static double squares_category(const double *x, double at, const double *factor, size_t n)
{
	double sums[LANES] = { 0 };
	for (size_t b = 0; b < n; b++)
		sums[b % LANES] += x[b] != at ? factor[b] : 0;
	return ((sums[0] + sums[4]) + (sums[2] + sums[6])) +
	       ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

void add_squared_distances(const struct matern *matern, struct columns points, size_t n,
	const double *point, const double *factor, double *sums)
{
	for (size_t i = 0; i < matern->d; i++) {
		const double *x = points.x + i * points.stride;
		sums[i] += matern->category[i] ? squares_category(x, point[i], factor, n)
					       : squares_numeric(x, point[i], factor, n);
	}
}
