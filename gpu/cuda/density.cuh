/*
 * The kernels of compute_kde_ratio, apart from kernels.cuh only for its length; the same
 * conventions. Everything stays in logarithms, so that kernels far away still count.
 */
#ifndef GPU_CUDA_DENSITY_CUH
#define GPU_CUDA_DENSITY_CUH

#include "gpu/cuda/kernels.cuh"

#define HALF_LOG_2PI 0.91893853320467274178
#define SQRT_HALF    0.70710678118654752440
#define SQRT_PI	     1.77245385090551602730
#define NARROW	     1e-5 /* the midpoint rule's relative error is its square */

/* As struct kde, on the device. */
struct density {
	size_t n, d;
	const double *log_weight;
	const uint32_t *size;
	const double *mu, *sigma;
	const double *low, *high, *step;
	const double *table;
	const size_t *table_at;
	double *base; /* d x n: what log f_jk loses whatever x: HUGE_VAL for a kernel without any
		       * mass in the interval; unused for categories */
};

/* exp(t^2) erfc(t), t >= 0. */
static __device__ double scaled_erfc(double t)
{
	if (t < 5)
		return exp(t * t) * erfc(t);
	double f = t; /* Abramowitz and Stegun 7.1.14, from the bottom */
	for (int k = 60; k >= 1; k--)
		f = t + 0.5 * k / f;
	return 1 / (SQRT_PI * f);
}

/* ln(Phi(b) - Phi(a)): around the centre from erf; beside it scaled by exp(-a^2 / 2), which then
 * cannot underflow; where the interval is so narrow that both would cancel, from its middle. */
static __device__ double log_mass(double a, double b)
{
	if (!(a < b))
		return -HUGE_VAL;
	if (a + b < 0) { /* mirrored: b is farther out */
		double t = -a;
		a = -b;
		b = t;
	}
	if (a <= 0)
		return log(0.5 * (erf(b * SQRT_HALF) - erf(a * SQRT_HALF)));
	double width = b - a, middle = a + 0.5 * width;
	if (width * (middle > 1 ? middle : 1) < NARROW)
		return -0.5 * middle * middle - HALF_LOG_2PI + log(width);
	double beyond = exp(-width * middle) * scaled_erfc(b * SQRT_HALF);
	return -0.5 * a * a + log(0.5 * (scaled_erfc(a * SQRT_HALF) - beyond));
}

/* Thread per (coordinate, kernel). Grid: n d / REDUCE, rounded up. */
static __global__ void density_base(struct density density)
{
	size_t at = (size_t)blockIdx.x * REDUCE + threadIdx.x;
	if (at >= density.n * density.d)
		return;
	size_t j = at / density.n;
	if (density.size[j])
		return;
	double mu = density.mu[at], sigma = density.sigma[at];
	double mass = log_mass((density.low[j] - mu) / sigma, (density.high[j] - mu) / sigma);
	double base = density.step[j] > 0 ? mass : mass + log(sigma) + HALF_LOG_2PI;
	density.base[at] = mass > -HUGE_VAL ? base : HUGE_VAL;
}

static __device__ double log_factor(const struct density *density, size_t j, size_t k, double x)
{
	if (density->size[j])
		return log(density->table[density->table_at[j] + k * density->size[j] + (size_t)x]);
	size_t at = j * density->n + k;
	double mu = density->mu[at], sigma = density->sigma[at], half = 0.5 * density->step[j];
	if (half > 0) {
		double low = fmax(x - half, density->low[j]);
		double high = fmin(x + half, density->high[j]);
		return log_mass((low - mu) / sigma, (high - mu) / sigma) - density->base[at];
	}
	double z = (x - mu) / sigma;
	return -0.5 * z * z - density->base[at];
}

/* A sum of exponentials: scale exp(high), where scale is at least 1 unless the sum is 0. */
struct exponentials {
	double high, scale;
};

static __device__ struct exponentials add_exponentials(struct exponentials a, struct exponentials b)
{
	struct exponentials most = a.high >= b.high ? a : b, least = a.high >= b.high ? b : a;
	if (least.high > -HUGE_VAL)
		most.scale += least.scale * exp(least.high - most.high);
	return most;
}

/* out[p] = ln of the density at point p. Grid: points; REDUCE threads. */
static __global__ void density_log(struct density density, const double *x, double *out)
{
	__shared__ struct exponentials slot[REDUCE];
	const double *point = x + blockIdx.x * density.d;
	struct exponentials sum = { -HUGE_VAL, 0 };
	for (size_t k = threadIdx.x; k < density.n; k += REDUCE) {
		struct exponentials term = { density.log_weight[k], 1 };
		for (size_t j = 0; j < density.d; j++)
			term.high += log_factor(&density, j, k, point[j]);
		sum = add_exponentials(sum, term);
	}
	slot[threadIdx.x] = sum;
	__syncthreads();
	for (unsigned half = REDUCE / 2; half > 0; half /= 2) {
		if (threadIdx.x < half)
			slot[threadIdx.x] =
				add_exponentials(slot[threadIdx.x], slot[threadIdx.x + half]);
		__syncthreads();
	}
	if (threadIdx.x == 0)
		out[blockIdx.x] = slot[0].high + log(slot[0].scale);
}

#endif
