/*
 * The kernels of the CUDA plug-in, all in double precision. Written once: nvcc compiles them for
 * the device, and a C++17 compiler, with host_shim.h, for the processor, where
 * tests/unit/gpu/cuda/ checks each of them against a plain loop.
 *
 * Conventions: points are row major (point p's d features at x + p * d); matrices are column major
 * with a leading dimension, as cuBLAS has them. Sums are trees or loops of a fixed order, without
 * atomics: the same input gives the same bits. Formulas: gpu/compute.h.
 *
 * A block of tile kernels is TILE x TILE threads; one of reductions is REDUCE threads.
 */
#ifndef GPU_CUDA_KERNELS_CUH
#define GPU_CUDA_KERNELS_CUH

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define LAUNCH(kernel, grid, block, stream, ...)                                                   \
	kernel<<<(grid), (block), 0, (stream)>>>(__VA_ARGS__)
#else
#include "gpu/cuda/host_shim.h"
#endif

#define TILE	     16
#define REDUCE	     128
#define VARIANCE_MIN 1e-12

static inline unsigned tiles_of(size_t n)
{
	return (unsigned)((n + TILE - 1) / TILE);
}

/* Tiles of a lower triangle, row by row. */
static inline __device__ size_t triangle(size_t tile_rows)
{
	return tile_rows * (tile_rows + 1) / 2;
}

/* Sum over the block (a power of two threads, at most TILE * TILE), the same in all of them. */
static __device__ double block_sum(double value)
{
	__shared__ double slot[TILE * TILE];
	unsigned self = threadIdx.y * blockDim.x + threadIdx.x;
	slot[self] = value;
	__syncthreads();
	for (unsigned half = blockDim.x * blockDim.y / 2; half > 0; half /= 2) {
		if (self < half)
			slot[self] += slot[self + half];
		__syncthreads();
	}
	double sum = slot[0];
	__syncthreads();
	return sum;
}

/* ---- Matern 5/2 between two sets of points ---- */

struct matern {
	const unsigned char *category; /* d flags */
	const double *weight;	       /* d: w_i */
	double s2;
	size_t d;
};

/* k(a, b), m x n. lower: only the tiles that touch the lower triangle. */
struct pair_task {
	struct matern kernel;
	const double *a, *b; /* m x d, n x d */
	size_t m, n, ld;
	double diagonal; /* added to the elements (i, i) */
	bool lower;
	double *out;
	double *slope; /* NULL, or like out: s2 (1 + sqrt(5) r) exp(-sqrt(5) r) */
};

/* (1 + sqrt(5) r) exp(-sqrt(5) r) from r^2: both derivatives are multiples of it, finite at 0. */
static __device__ double matern_slope(double r2)
{
	double t = sqrt(5 * r2);
	return (1 + t) * exp(-t);
}

static __device__ double matern_value(double r2)
{
	double t = sqrt(5 * r2);
	return (1 + t + t * t / 3) * exp(-t);
}

/* r^2 between points row + threadIdx.x of a and column + threadIdx.y of b, through shared memory,
 * TILE features at a time. The whole block calls it; points past the end count as zeros. */
static __device__ double tile_distance(const struct matern *kernel, const double *a, size_t m,
	size_t row, const double *b, size_t n, size_t column)
{
	__shared__ double left[TILE][TILE + 1], right[TILE][TILE + 1], weight[TILE];
	__shared__ bool category[TILE];
	unsigned x = threadIdx.x, y = threadIdx.y;
	double r2 = 0;
	for (size_t from = 0; from < kernel->d; from += TILE) {
		size_t i = from + x, d = kernel->d;
		left[y][x] = i < d && row + y < m ? a[(row + y) * d + i] : 0;
		right[y][x] = i < d && column + y < n ? b[(column + y) * d + i] : 0;
		if (y == 0) {
			weight[x] = i < d ? kernel->weight[i] : 0;
			category[x] = i < d && kernel->category[i];
		}
		__syncthreads();
		for (unsigned k = 0; k < TILE; k++) {
			double delta = left[x][k] - right[y][k];
			if (category[k])
				delta = delta != 0;
			r2 += weight[k] * delta * delta;
		}
		__syncthreads();
	}
	return r2;
}

static __device__ void pair_tile(const struct pair_task *task)
{
	size_t row = (size_t)blockIdx.x * TILE, column = (size_t)blockIdx.y * TILE;
	if (row >= task->m || column >= task->n || (task->lower && row < column))
		return;
	double r2 = tile_distance(&task->kernel, task->a, task->m, row, task->b, task->n, column);
	row += threadIdx.x;
	column += threadIdx.y;
	if (row >= task->m || column >= task->n)
		return;
	double value = task->kernel.s2 * matern_value(r2);
	task->out[row + column * task->ld] = row == column ? value + task->diagonal : value;
	if (task->slope)
		task->slope[row + column * task->ld] = task->kernel.s2 * matern_slope(r2);
}

/* Grids: tiles of m, tiles of n, tasks. */
static __global__ void pair_batch(const struct pair_task *tasks)
{
	pair_tile(&tasks[blockIdx.z]);
}

static __global__ void pair_one(struct pair_task task)
{
	pair_tile(&task);
}

/* ---- the objective and its gradient, many evaluations at once ---- */

struct evaluation_task {
	struct matern kernel;
	const double *x, *y; /* n x d; n */
	size_t n;
	double *factor;	  /* n x n: L in the lower triangle */
	double *inverse;  /* n x n: K^-1 in the lower triangle, overwritten; may be factor */
	double *alpha;	  /* n: K^-1 y */
	double *terms;	  /* out: sum_a ln L_aa; y' alpha */
	double *partials; /* triangle(tiles) x 2, then tiles x d */
	double *gradient; /* out: d + 2: with respect to ln w_i, ln s2, noise */
};

/* alpha := y; inverse := I unless it is the factor. Grid: tiles, tiles, tasks. */
static __global__ void evaluation_start(const struct evaluation_task *tasks)
{
	const struct evaluation_task *task = &tasks[blockIdx.z];
	size_t row = (size_t)blockIdx.x * TILE + threadIdx.x;
	size_t column = (size_t)blockIdx.y * TILE + threadIdx.y;
	if (row >= task->n || column >= task->n)
		return;
	if (column == 0)
		task->alpha[row] = task->y[row];
	if (task->inverse != task->factor)
		task->inverse[row + column * task->n] = row == column;
}

/* Grid: tasks; REDUCE threads. */
static __global__ void evaluation_terms(const struct evaluation_task *tasks)
{
	const struct evaluation_task *task = &tasks[blockIdx.x];
	double log_diagonal = 0, product = 0;
	for (size_t i = threadIdx.x; i < task->n; i += REDUCE) {
		log_diagonal += log(task->factor[i * (task->n + 1)]);
		product += task->y[i] * task->alpha[i];
	}
	log_diagonal = block_sum(log_diagonal);
	product = block_sum(product);
	if (threadIdx.x == 0) {
		task->terms[0] = log_diagonal;
		task->terms[1] = product;
	}
}

/* With G = K^-1 - alpha alpha': G k and the trace of G, summed over a tile of the lower triangle
 * (what lies below the diagonal counts twice), and G slope left in place of K^-1, with zeros above
 * the diagonal of a diagonal tile. Grid: tiles, tiles, tasks. */
static __global__ void gradient_pairs(const struct evaluation_task *tasks)
{
	const struct evaluation_task *task = &tasks[blockIdx.z];
	size_t n = task->n, row = (size_t)blockIdx.x * TILE, column = (size_t)blockIdx.y * TILE;
	if (row >= n || row < column)
		return;
	double r2 = tile_distance(&task->kernel, task->x, n, row, task->x, n, column);
	row += threadIdx.x;
	column += threadIdx.y;
	double s2 = task->kernel.s2, scaled = 0, trace = 0;
	if (row < n && column < n) {
		double *at = &task->inverse[row + column * n];
		double g = row >= column ? *at - task->alpha[row] * task->alpha[column] : 0;
		if (row == column)
			trace = g;
		else
			g *= 2;
		scaled = g * s2 * matern_value(r2);
		*at = g * s2 * matern_slope(r2);
	}
	scaled = block_sum(scaled);
	trace = block_sum(trace);
	if (threadIdx.x == 0 && threadIdx.y == 0) {
		double *out = task->partials + 2 * (triangle(blockIdx.x) + blockIdx.y);
		out[0] = scaled;
		out[1] = trace;
	}
}

/* sum_ab (G slope)_ab delta_i^2 for TILE features over the tile row blockIdx.x of the triangle:
 * thread (x, y) has feature x of row y, and walks along the columns. Grid: tiles, tiles of the
 * largest d, tasks. */
static __global__ void gradient_features(const struct evaluation_task *tasks)
{
	__shared__ double points[TILE][TILE + 1], coefficient[TILE][TILE + 1];
	const struct evaluation_task *task = &tasks[blockIdx.z];
	size_t n = task->n, d = task->kernel.d;
	size_t row = (size_t)blockIdx.x * TILE, from = (size_t)blockIdx.y * TILE;
	if (row >= n || from >= d)
		return;
	unsigned x = threadIdx.x, y = threadIdx.y;
	size_t feature = from + x;
	bool inside = feature < d, category = inside && task->kernel.category[feature];
	double own = inside && row + y < n ? task->x[(row + y) * d + feature] : 0;
	double sum = 0;
	for (size_t column = 0; column <= row; column += TILE) {
		bool here = row + x < n && column + y < n;
		points[y][x] = inside && column + y < n ? task->x[(column + y) * d + feature] : 0;
		coefficient[y][x] = here ? task->inverse[row + x + (column + y) * n] : 0;
		__syncthreads();
		for (unsigned k = 0; k < TILE; k++) {
			double delta = own - points[k][x];
			if (category)
				delta = delta != 0;
			sum += coefficient[k][y] * delta * delta;
		}
		__syncthreads();
	}
	points[y][x] = sum;
	__syncthreads();
	if (y > 0 || !inside)
		return;
	for (unsigned k = 1; k < TILE; k++)
		sum += points[k][x];
	double *out = task->partials + 2 * triangle((n + TILE - 1) / TILE);
	out[(size_t)blockIdx.x * d + feature] = sum;
}

/* Half of the sums over the tiles. Grid: largest d + 2, tasks; REDUCE threads. */
static __global__ void gradient_finish(const struct evaluation_task *tasks)
{
	const struct evaluation_task *task = &tasks[blockIdx.y];
	size_t i = blockIdx.x, d = task->kernel.d, tiles = (task->n + TILE - 1) / TILE;
	if (i >= d + 2)
		return;
	bool feature = i < d;
	size_t n = feature ? tiles : triangle(tiles), step = feature ? d : 2;
	const double *from = task->partials + (feature ? 2 * triangle(tiles) + i : i - d);
	double sum = 0;
	for (size_t k = threadIdx.x; k < n; k += REDUCE)
		sum += from[k * step];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		task->gradient[i] = feature ? -5.0 / 12 * task->kernel.weight[i] * sum : 0.5 * sum;
}

/* ---- factors ---- */

/* L of an m x m Schur complement, in place in the lower triangle. A pivot below lowest is raised to
 * it, as when points are appended one at a time. One block of REDUCE threads; m is small. */
static __global__ void floored_cholesky(double *matrix, size_t m, size_t ld, double lowest)
{
	for (size_t j = 0; j < m; j++) {
		double *column = matrix + j * ld;
		double pivot = sqrt(column[j] >= lowest ? column[j] : lowest);
		__syncthreads(); /* everybody has read what thread 0 overwrites */
		if (threadIdx.x == 0)
			column[j] = pivot;
		for (size_t i = j + 1 + threadIdx.x; i < m; i += REDUCE)
			column[i] /= pivot;
		__syncthreads();
		for (size_t i = j + 1 + threadIdx.x; i < m; i += REDUCE)
			for (size_t k = j + 1; k <= i; k++)
				matrix[i + k * ld] -= column[i] * column[k];
		__syncthreads();
	}
}

/* out[j] = sum_i matrix_ij vector_i. Grid: columns; REDUCE threads. */
static __global__ void column_dot(
	const double *matrix, size_t rows, size_t ld, const double *vector, double *out)
{
	const double *column = matrix + blockIdx.x * ld;
	double sum = 0;
	for (size_t i = threadIdx.x; i < rows; i += REDUCE)
		sum += column[i] * vector[i];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		out[blockIdx.x] = sum;
}

/* out[j] = s2 - sum_i matrix_ij^2, at least VARIANCE_MIN. Grid: columns; REDUCE threads. */
static __global__ void column_variance(
	const double *matrix, size_t rows, size_t ld, double s2, double *out)
{
	const double *column = matrix + blockIdx.x * ld;
	double sum = 0;
	for (size_t i = threadIdx.x; i < rows; i += REDUCE)
		sum += column[i] * column[i];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		out[blockIdx.x] = s2 - sum >= VARIANCE_MIN ? s2 - sum : VARIANCE_MIN;
}

/* Gradients of mean and variance at one point: out[i] and out[d + i]. slope: n, of pair_task;
 * alpha = K^-1 y and beta = K^-1 k: n. Grid: d; REDUCE threads. */
static __global__ void point_gradient(struct matern kernel, const double *x, size_t n,
	const double *point, const double *slope, const double *alpha, const double *beta,
	double *out)
{
	size_t i = blockIdx.x, d = kernel.d;
	double mean = 0, variance = 0;
	if (!kernel.category[i]) {
		for (size_t a = threadIdx.x; a < n; a += REDUCE) {
			double step = slope[a] * (point[i] - x[a * d + i]);
			mean += alpha[a] * step;
			variance += beta[a] * step;
		}
	}
	mean = block_sum(mean);
	variance = block_sum(variance);
	if (threadIdx.x == 0) {
		out[i] = -5.0 / 3 * kernel.weight[i] * mean;
		out[d + i] = 10.0 / 3 * kernel.weight[i] * variance;
	}
}

#endif
