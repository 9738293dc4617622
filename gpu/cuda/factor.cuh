/* Factors that stay on the device: see struct gp_factor in gpu/compute.h. */
#ifndef GPU_CUDA_FACTOR_CUH
#define GPU_CUDA_FACTOR_CUH

#include <math.h>

#include "gpu/cuda/device.cuh"
#include "gpu/cuda/kernels.cuh"

#define EXTEND_PANEL  32    /* points appended at a time */
#define PIVOT_MIN     1e-10 /* of s2: a new pivot is raised to it */
#define JITTER_FIRST  1e-10 /* of s2 */
#define JITTER_RUNGS  7	    /* times 10 each */
#define JITTER_FACTOR 10

struct factor {
	struct device *device;
	size_t n, room, d;
	double noise;	      /* and the jitter, if there is any */
	struct matern kernel; /* on the device */
	double *x, *l;	      /* on the device: room x d; room x room, the lower triangle */
	double *numbers;      /* one allocation: l, x, weights */
	unsigned char *flags;
};

static size_t factor_numbers(size_t room, size_t d)
{
	return room * room + room * d + d;
}

static size_t factor_bytes(const void *self)
{
	const struct factor *factor = (const struct factor *)self;
	return sizeof(*factor) + factor_numbers(factor->room, factor->d) * sizeof(double) +
	       factor->d;
}

static void factor_free(void *self)
{
	struct factor *factor = (struct factor *)self;
	if (!factor)
		return;
	if (factor->numbers)
		cudaFreeAsync(factor->numbers, factor->device->stream);
	if (factor->flags)
		cudaFreeAsync(factor->flags, factor->device->stream);
	free(factor);
}

static void factor_truncate(void *self, size_t n)
{
	struct factor *factor = (struct factor *)self;
	if (n < factor->n)
		factor->n = n;
}

/* ---- steps on a lane ---- */

/* out := k(a, b), m x n; slope as in struct pair_task. */
static int pairs(const struct factor *factor, const struct lane *lane, const double *a, size_t m,
	const double *b, size_t n, double *out, size_t ld, double *slope, struct error *err)
{
	if (!m || !n)
		return 0;
	struct pair_task task = { factor->kernel, a, b, m, n, ld, 0, false, out, slope };
	LAUNCH(pair_one, dim3(tiles_of(m), tiles_of(n)), dim3(TILE, TILE), lane->stream, task);
	LAUNCHED(pair_one);
	return 0;
}

/* out := the lower triangle of k(a, a) + diagonal I, n x n, ld = room. */
static int gram(const struct factor *factor, const struct lane *lane, const double *a, size_t n,
	double diagonal, double *out, struct error *err)
{
	if (!n)
		return 0;
	struct pair_task task = { factor->kernel, a, a, n, n, factor->room, diagonal, true, out,
		NULL };
	LAUNCH(pair_one, dim3(tiles_of(n), tiles_of(n)), dim3(TILE, TILE), lane->stream, task);
	LAUNCHED(pair_one);
	return 0;
}

/* matrix := L^-1 matrix, or L^-T matrix; n x columns, ld = n. */
static int solve_lower(const struct factor *factor, const struct lane *lane, cublasOperation_t op,
	double *matrix, size_t columns, struct error *err)
{
	const double one = 1;
	int n = (int)factor->n;
	if (!n || !columns)
		return 0;
	TRY(cublasDtrsm(lane->blas, CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_LOWER, op,
		CUBLAS_DIAG_NON_UNIT, n, (int)columns, &one, factor->l, (int)factor->room, matrix,
		n));
	return 0;
}

/* Columns of n rows that are in flight at once. */
static size_t columns_at_once(size_t n, size_t columns)
{
	size_t most = CHUNK_DOUBLES / (n ? n : 1);
	most = most ? most : 1;
	return columns < most ? columns : most;
}

/* ---- making and growing ---- */

/* K into l, then L. info: 0, or which leading minor is not positive. */
static int factorise(struct factor *factor, const struct lane *lane, double diagonal, int *info,
	struct error *err)
{
	int n = (int)factor->n, ld = (int)factor->room, size = 0;
	device_array<double> work;
	device_array<int> device_info;
	PASS(gram(factor, lane, factor->x, factor->n, diagonal, factor->l, err));
	TRY(cusolverDnDpotrf_bufferSize(
		lane->solver, CUBLAS_FILL_MODE_LOWER, n, factor->l, ld, &size));
	PASS(work.allocate(factor->device, lane->stream, (size_t)size, err));
	PASS(device_info.allocate(factor->device, lane->stream, 1, err));
	TRY(cusolverDnDpotrf(lane->solver, CUBLAS_FILL_MODE_LOWER, n, factor->l, ld, work.at, size,
		device_info.at));
	PASS(device_info.read(info, 1, err));
	TRY(cudaStreamSynchronize(lane->stream));
	return 0;
}

static int factorise_with_jitter(struct factor *factor, struct error *err)
{
	lane_use use(factor->device);
	PASS(use.take(err));
	double jitter = 0, noise = factor->noise;
	for (int rung = 0; factor->n && rung <= JITTER_RUNGS; rung++) {
		int info = 0;
		factor->noise = noise + jitter * factor->kernel.s2;
		PASS(factorise(factor, use.lane, factor->noise, &info, err));
		if (info == 0)
			return 0;
		jitter = rung ? jitter * JITTER_FACTOR : JITTER_FIRST;
	}
	return factor->n ? report(err, CODE_INVALID,
				   "the covariance matrix of %zu points is not positive definite",
				   factor->n)
			 : 0;
}

static int factor_upload(
	struct factor *factor, const struct gp_input *input, const double *theta, struct error *err)
{
	struct device *device = factor->device;
	size_t n = input->n, d = input->d, room = factor->room;
	host_array<double> weights;
	device_array<double> numbers;
	device_array<unsigned char> flags;
	PASS(weights.allocate(d, err));
	for (size_t i = 0; i < d; i++)
		weights.at[i] = exp(theta[i]);
	PASS(numbers.allocate(device, device->stream, factor_numbers(room, d), err));
	PASS(flags.allocate(device, device->stream, d, err));
	PASS(flags.write(input->category, d, err));
	double *x = numbers.at + room * room, *weight = x + room * d;
	if (n)
		TRY(cudaMemcpyAsync(x, input->x, n * d * sizeof(double), cudaMemcpyHostToDevice,
			device->stream));
	TRY(cudaMemcpyAsync(
		weight, weights.at, d * sizeof(double), cudaMemcpyHostToDevice, device->stream));
	TRY(cudaStreamSynchronize(device->stream));
	factor->x = x;
	factor->l = numbers.at;
	factor->kernel = { flags.at, weight, exp(theta[d]), d };
	factor->numbers = numbers.keep();
	factor->flags = flags.keep();
	return 0;
}

static int factor_new(void *self, const struct gp_input *input, const double *theta, size_t room,
	void **out, struct error *err)
{
	TRY(cudaSetDevice(0));
	struct factor *factor = (struct factor *)calloc(1, sizeof(*factor));
	if (!factor)
		return report(err, CODE_NO_MEMORY, "out of memory");
	factor->device = (struct device *)self;
	factor->n = input->n;
	factor->d = input->d;
	factor->room = room;
	factor->noise = exp(theta[input->d + 1]);
	int code = factor_upload(factor, input, theta, err);
	if (!code)
		code = factorise_with_jitter(factor, err);
	if (code)
		factor_free(factor);
	else
		*out = factor;
	return code;
}

/* p more rows below the first n of L: L21 = K21 L11^-T, then L22 from K22 - L21 L21'. The points
 * are in x already. */
static int extend_panel(
	const struct factor *factor, const struct lane *lane, size_t n, size_t p, struct error *err)
{
	const double one = 1, minus = -1;
	size_t ld = factor->room;
	const double *added = factor->x + n * factor->d;
	double *left = factor->l + n, *corner = left + n * ld;
	PASS(pairs(factor, lane, added, p, factor->x, n, left, ld, NULL, err));
	PASS(gram(factor, lane, added, p, factor->noise, corner, err));
	if (n) {
		TRY(cublasDtrsm(lane->blas, CUBLAS_SIDE_RIGHT, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_T,
			CUBLAS_DIAG_NON_UNIT, (int)p, (int)n, &one, factor->l, (int)ld, left,
			(int)ld));
		TRY(cublasDsyrk(lane->blas, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, (int)p, (int)n,
			&minus, left, (int)ld, &one, corner, (int)ld));
	}
	LAUNCH(floored_cholesky, dim3(1), dim3(REDUCE), lane->stream, corner, p, ld,
		PIVOT_MIN * factor->kernel.s2);
	LAUNCHED(floored_cholesky);
	return 0;
}

static int factor_extend(void *self, const double *x, size_t m, struct error *err)
{
	struct factor *factor = (struct factor *)self;
	if (m > factor->room - factor->n)
		return report(err, CODE_INTERNAL, "no room for %zu more points", m);
	lane_use use(factor->device);
	PASS(use.take(err));
	size_t n = factor->n, end = n + m, d = factor->d;
	if (m)
		TRY(cudaMemcpyAsync(factor->x + n * d, x, m * d * sizeof(double),
			cudaMemcpyHostToDevice, use.lane->stream));
	while (n < end) {
		size_t p = end - n < EXTEND_PANEL ? end - n : EXTEND_PANEL;
		PASS(extend_panel(factor, use.lane, n, p, err));
		n += p;
	}
	TRY(cudaStreamSynchronize(use.lane->stream));
	factor->n = end;
	return 0;
}

/* ---- using ---- */

static int factor_solve(void *self, const double *y, size_t n_y, double *alpha, struct error *err)
{
	const struct factor *factor = (const struct factor *)self;
	lane_use use(factor->device);
	PASS(use.take(err));
	size_t n = factor->n, most = columns_at_once(n, n_y);
	device_array<double> columns;
	PASS(columns.allocate(factor->device, use.lane->stream, n * most, err));
	for (size_t from = 0; from < n_y; from += most) {
		size_t count = n_y - from < most ? n_y - from : most;
		PASS(columns.write(y + from * n, n * count, err));
		PASS(solve_lower(factor, use.lane, CUBLAS_OP_N, columns.at, count, err));
		PASS(solve_lower(factor, use.lane, CUBLAS_OP_T, columns.at, count, err));
		PASS(columns.read(alpha + from * n, n * count, err));
		TRY(cudaStreamSynchronize(use.lane->stream));
	}
	return 0;
}

/* Means, and variances if there are any, of count points on the device. */
static int posterior_chunk(const struct factor *factor, const struct lane *lane, const double *x,
	size_t count, double *cross, const double *alpha, double *mean, double *variance,
	struct error *err)
{
	size_t n = factor->n;
	dim3 grid((unsigned)count), block(REDUCE);
	PASS(pairs(factor, lane, factor->x, n, x, count, cross, n, NULL, err));
	LAUNCH(column_dot, grid, block, lane->stream, cross, n, n, alpha, mean);
	LAUNCHED(column_dot);
	if (!variance)
		return 0;
	PASS(solve_lower(factor, lane, CUBLAS_OP_N, cross, count, err));
	LAUNCH(column_variance, grid, block, lane->stream, cross, n, n, factor->kernel.s2,
		variance);
	LAUNCHED(column_variance);
	return 0;
}

static int posterior(void *self, const double *alpha, const double *x, size_t m, double *mean,
	double *variance, struct error *err)
{
	const struct factor *factor = (const struct factor *)self;
	lane_use use(factor->device);
	PASS(use.take(err));
	struct device *device = factor->device;
	cudaStream_t stream = use.lane->stream;
	size_t n = factor->n, d = factor->d, most = columns_at_once(n, m);
	device_array<double> weights, points, cross, means, variances;
	PASS(weights.allocate(device, stream, n, err));
	PASS(points.allocate(device, stream, most * d, err));
	PASS(cross.allocate(device, stream, most * n, err));
	PASS(means.allocate(device, stream, most, err));
	PASS(variances.allocate(device, stream, most, err));
	PASS(weights.write(alpha, n, err));
	for (size_t from = 0; from < m; from += most) {
		size_t count = m - from < most ? m - from : most;
		PASS(points.write(x + from * d, count * d, err));
		PASS(posterior_chunk(factor, use.lane, points.at, count, cross.at, weights.at,
			means.at, variance ? variances.at : NULL, err));
		PASS(means.read(mean + from, count, err));
		if (variance)
			PASS(variances.read(variance + from, count, err));
		TRY(cudaStreamSynchronize(stream));
	}
	return 0;
}

/* The device's side of posterior_gradient. at: the point, then n each of alpha, k, slope; out:
 * mean, variance, 2 d gradients. */
static int gradient_steps(const struct factor *factor, const struct lane *lane, double *at,
	double *out, struct error *err)
{
	size_t n = factor->n, d = factor->d;
	double *alpha = at + d, *k = alpha + n, *slope = k + n;
	PASS(pairs(factor, lane, factor->x, n, at, 1, k, n, slope, err));
	LAUNCH(column_dot, dim3(1), dim3(REDUCE), lane->stream, k, n, n, alpha, out);
	LAUNCHED(column_dot);
	PASS(solve_lower(factor, lane, CUBLAS_OP_N, k, 1, err));
	LAUNCH(column_variance, dim3(1), dim3(REDUCE), lane->stream, k, n, n, factor->kernel.s2,
		out + 1);
	LAUNCHED(column_variance);
	PASS(solve_lower(factor, lane, CUBLAS_OP_T, k, 1, err));
	LAUNCH(point_gradient, dim3((unsigned)d), dim3(REDUCE), lane->stream, factor->kernel,
		factor->x, n, at, slope, alpha, k, out + 2);
	LAUNCHED(point_gradient);
	return 0;
}

static int posterior_gradient(void *self, const double *alpha, const double *x, double *mean,
	double *variance, double *d_mean, double *d_variance, struct error *err)
{
	const struct factor *factor = (const struct factor *)self;
	lane_use use(factor->device);
	PASS(use.take(err));
	cudaStream_t stream = use.lane->stream;
	size_t n = factor->n, d = factor->d, results = 2 + 2 * d;
	host_array<double> host;
	device_array<double> at, out;
	PASS(host.allocate(d + n + results, err));
	PASS(at.allocate(factor->device, stream, d + 3 * n, err));
	PASS(out.allocate(factor->device, stream, results, err));
	memcpy(host.at, x, d * sizeof(double));
	if (n)
		memcpy(host.at + d, alpha, n * sizeof(double));
	PASS(at.write(host.at, d + n, err));
	PASS(gradient_steps(factor, use.lane, at.at, out.at, err));
	double *result = host.at + d + n;
	PASS(out.read(result, results, err));
	TRY(cudaStreamSynchronize(stream));
	*mean = result[0];
	*variance = result[1];
	memcpy(d_mean, result + 2, d * sizeof(double));
	memcpy(d_variance, result + 2 + d, d * sizeof(double));
	return 0;
}

struct covariance_side {
	device_array<double> points, whitened; /* count x d; n x count: L^-1 k(X, points) */
	size_t count;
};

static int whiten(const struct factor *factor, const struct lane *lane,
	struct covariance_side *side, const double *x, size_t count, struct error *err)
{
	side->count = count;
	PASS(side->points.write(x, count * factor->d, err));
	PASS(pairs(factor, lane, factor->x, factor->n, side->points.at, count, side->whitened.at,
		factor->n, NULL, err));
	return solve_lower(factor, lane, CUBLAS_OP_N, side->whitened.at, count, err);
}

/* out := k(z, x) - Z' X, column major, which is x by z row major. */
static int covariance_block(const struct factor *factor, const struct lane *lane,
	const struct covariance_side *x, const struct covariance_side *z, double *out,
	struct error *err)
{
	const double one = 1, minus = -1;
	int n = (int)factor->n, rows = (int)z->count, columns = (int)x->count;
	PASS(pairs(factor, lane, z->points.at, z->count, x->points.at, x->count, out, z->count,
		NULL, err));
	if (n)
		TRY(cublasDgemm(lane->blas, CUBLAS_OP_T, CUBLAS_OP_N, rows, columns, n, &minus,
			z->whitened.at, n, x->whitened.at, n, &one, out, rows));
	return 0;
}

static int covariance(void *self, const double *x, size_t m, const double *z, size_t p, double *out,
	struct error *err)
{
	const struct factor *factor = (const struct factor *)self;
	lane_use use(factor->device);
	PASS(use.take(err));
	struct device *device = factor->device;
	cudaStream_t stream = use.lane->stream;
	size_t n = factor->n, d = factor->d;
	size_t most_z = columns_at_once(n > CHUNK_ROWS ? n : CHUNK_ROWS, p);
	size_t most_x = columns_at_once(n > most_z ? n : most_z, m);
	struct covariance_side side_x, side_z;
	device_array<double> block;
	PASS(side_x.points.allocate(device, stream, most_x * d, err));
	PASS(side_x.whitened.allocate(device, stream, most_x * n, err));
	PASS(side_z.points.allocate(device, stream, most_z * d, err));
	PASS(side_z.whitened.allocate(device, stream, most_z * n, err));
	PASS(block.allocate(device, stream, most_x * most_z, err));
	for (size_t j = 0; j < p; j += most_z) {
		size_t count = p - j < most_z ? p - j : most_z;
		PASS(whiten(factor, use.lane, &side_z, z + j * d, count, err));
		for (size_t i = 0; i < m; i += most_x) {
			size_t rows = m - i < most_x ? m - i : most_x;
			PASS(whiten(factor, use.lane, &side_x, x + i * d, rows, err));
			PASS(covariance_block(factor, use.lane, &side_x, &side_z, block.at, err));
			TRY(cudaMemcpy2DAsync(out + i * p + j, p * sizeof(double), block.at,
				count * sizeof(double), count * sizeof(double), rows,
				cudaMemcpyDeviceToHost, stream));
		}
	}
	TRY(cudaStreamSynchronize(stream));
	return 0;
}

#endif
