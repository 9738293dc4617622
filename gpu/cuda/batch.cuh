/* Batches of objectives: see struct gp_evaluation in gpu/backend.h. */
#ifndef GPU_CUDA_BATCH_CUH
#define GPU_CUDA_BATCH_CUH

#include <math.h>

#include "gpu/cuda/device.cuh"
#include "gpu/cuda/kernels.cuh"

#define NOISE_MIN 1e-6

struct batch_problem {
	size_t n, d;
	bool noiseless;
	const double *x, *y; /* on the device */
	const unsigned char *category;
};

struct batch {
	struct device *device;
	size_t n;
	double *numbers; /* on the device: every x and y */
	unsigned char *flags;
	struct batch_problem problems[]; /* a GNU extension that nvcc's host compiler has too */
};

static void batch_free(void *self)
{
	struct batch *batch = (struct batch *)self;
	if (!batch)
		return;
	if (batch->numbers)
		cudaFreeAsync(batch->numbers, batch->device->stream);
	if (batch->flags)
		cudaFreeAsync(batch->flags, batch->device->stream);
	free(batch);
}

/* Packs all x, y and category, remembers where each will lie, and sends them. */
static int batch_upload(struct batch *batch, const struct gp_fit *problems, struct error *err)
{
	size_t n_numbers = 0, n_flags = 0;
	for (size_t p = 0; p < batch->n; p++) {
		n_numbers += problems[p].input.n * (problems[p].input.d + 1);
		n_flags += problems[p].input.d;
	}
	struct device *device = batch->device;
	host_array<double> numbers;
	host_array<unsigned char> flags;
	device_array<double> device_numbers;
	device_array<unsigned char> device_flags;
	PASS(numbers.allocate(n_numbers, err));
	PASS(flags.allocate(n_flags, err));
	PASS(device_numbers.allocate(device, device->stream, n_numbers, err));
	PASS(device_flags.allocate(device, device->stream, n_flags, err));

	double *number = numbers.at;
	unsigned char *flag = flags.at;
	for (size_t p = 0; p < batch->n; p++) {
		const struct gp_input *input = &problems[p].input;
		struct batch_problem *problem = &batch->problems[p];
		size_t n = input->n, d = input->d;
		problem->n = n;
		problem->d = d;
		problem->noiseless = problems[p].noiseless;
		problem->x = device_numbers.at + (number - numbers.at);
		problem->y = problem->x + n * d;
		problem->category = device_flags.at + (flag - flags.at);
		memcpy(number, input->x, n * d * sizeof(double));
		memcpy(number + n * d, problems[p].y, n * sizeof(double));
		memcpy(flag, input->category, d);
		number += n * (d + 1);
		flag += d;
	}
	PASS(device_numbers.write(numbers.at, n_numbers, err));
	PASS(device_flags.write(flags.at, n_flags, err));
	TRY(cudaStreamSynchronize(device->stream));
	batch->numbers = device_numbers.keep();
	batch->flags = device_flags.keep();
	return 0;
}

static int batch_new(
	void *self, const struct gp_fit *problems, size_t n, void **out, struct error *err)
{
	size_t size = sizeof(struct batch) + n * sizeof(struct batch_problem);
	TRY(cudaSetDevice(0));
	struct batch *batch = (struct batch *)calloc(1, size);
	if (!batch)
		return report(err, CODE_NO_MEMORY, "out of memory");
	batch->device = (struct device *)self;
	batch->n = n;
	int code = batch_upload(batch, problems, err);
	if (code)
		batch_free(batch);
	else
		*out = batch;
	return code;
}

/* Evaluations of one problem that are on the device at once. Never of several: the libraries may
 * choose their ways by the number of matrices, and a problem's bits are not to depend on which
 * others it came with. */
struct chunk {
	struct device *device;
	struct lane *lane;
	const struct batch_problem *problem;
	struct gp_evaluation *evaluations;
	size_t count, n, d;
	bool batched;

	host_array<double> host; /* weights; later terms and gradients */
	host_array<struct pair_task> host_pairs;
	host_array<struct evaluation_task> host_tasks;
	host_array<double *> host_pointers; /* factor, inverse, alpha of each */
	host_array<int> host_info;

	device_array<double> numbers, work;
	device_array<struct pair_task> pairs;
	device_array<struct evaluation_task> tasks;
	device_array<double *> pointers;
	device_array<int> info;
};

static size_t partials_of(size_t n, size_t d)
{
	size_t tiles = tiles_of(n);
	return tiles * (tiles + 1) + tiles * d;
}

/* Doubles of one evaluation: weights, factor, inverse, alpha, terms, gradient, partials. */
static size_t chunk_stride(const struct chunk *chunk)
{
	size_t n = chunk->n, d = chunk->d, matrices = chunk->batched ? 2 : 1;
	return d + matrices * n * n + n + 2 + d + 2 + partials_of(n, d);
}

static int chunk_allocate(struct chunk *chunk, struct error *err)
{
	struct device *device = chunk->device;
	cudaStream_t stream = chunk->lane->stream;
	size_t count = chunk->count;
	PASS(chunk->host.allocate(count * (2 * chunk->d + 4), err));
	PASS(chunk->host_pairs.allocate(count, err));
	PASS(chunk->host_tasks.allocate(count, err));
	PASS(chunk->host_pointers.allocate(3 * count, err));
	PASS(chunk->host_info.allocate(count + 1, err));
	PASS(chunk->numbers.allocate(device, stream, count * chunk_stride(chunk), err));
	PASS(chunk->pairs.allocate(device, stream, count, err));
	PASS(chunk->tasks.allocate(device, stream, count, err));
	PASS(chunk->pointers.allocate(device, stream, 3 * count, err));
	PASS(chunk->info.allocate(device, stream, count + 1, err));
	return 0;
}

/* Where everything of evaluation e lies: weights of all first, then terms and gradients of all, so
 * that each goes over in one copy; then the rest. */
static void chunk_place(struct chunk *chunk, size_t e)
{
	const struct gp_evaluation *evaluation = &chunk->evaluations[e];
	const struct batch_problem *problem = chunk->problem;
	size_t n = chunk->n, d = chunk->d, count = chunk->count, results = d + 4;
	double *weights = chunk->numbers.at + e * d;
	double *out = chunk->numbers.at + count * d + e * results;
	double *rest =
		chunk->numbers.at + count * (d + results) + e * (chunk_stride(chunk) - d - results);
	for (size_t i = 0; i < d; i++)
		chunk->host.at[e * d + i] = exp(evaluation->theta[i]);

	struct evaluation_task *task = &chunk->host_tasks.at[e];
	task->kernel.category = problem->category;
	task->kernel.weight = weights;
	task->kernel.s2 = exp(evaluation->theta[d]);
	task->kernel.d = d;
	task->x = problem->x;
	task->y = problem->y;
	task->n = n;
	task->terms = out;
	task->gradient = out + 2;
	task->factor = rest;
	task->inverse = chunk->batched ? rest + n * n : rest;
	task->alpha = task->inverse + n * n;
	task->partials = task->alpha + n;

	struct pair_task *pair = &chunk->host_pairs.at[e];
	pair->kernel = task->kernel;
	pair->a = pair->b = problem->x;
	pair->m = pair->n = pair->ld = n;
	pair->diagonal = exp(evaluation->theta[d + 1]);
	pair->lower = true;
	pair->out = task->factor;

	chunk->host_pointers.at[e] = task->factor;
	chunk->host_pointers.at[count + e] = task->inverse;
	chunk->host_pointers.at[2 * count + e] = task->alpha;
}

/* Builds every K, alpha := y, inverse := I where it is apart. */
static int chunk_build(struct chunk *chunk, struct error *err)
{
	size_t count = chunk->count;
	unsigned tiles = tiles_of(chunk->n);
	dim3 grid(tiles, tiles, (unsigned)count), block(TILE, TILE);
	cudaStream_t stream = chunk->lane->stream;
	for (size_t e = 0; e < count; e++)
		chunk_place(chunk, e);
	PASS(chunk->numbers.write(chunk->host.at, count * chunk->d, err));
	PASS(chunk->pairs.write(chunk->host_pairs.at, count, err));
	PASS(chunk->tasks.write(chunk->host_tasks.at, count, err));
	PASS(chunk->pointers.write(chunk->host_pointers.at, 3 * count, err));
	LAUNCH(pair_batch, grid, block, stream, chunk->pairs.at);
	LAUNCHED(pair_batch);
	LAUNCH(evaluation_start, grid, block, stream, chunk->tasks.at);
	LAUNCHED(evaluation_start);
	return 0;
}

static int chunk_terms(struct chunk *chunk, struct error *err)
{
	LAUNCH(evaluation_terms, dim3((unsigned)chunk->count), dim3(REDUCE), chunk->lane->stream,
		chunk->tasks.at);
	LAUNCHED(evaluation_terms);
	return 0;
}

/* Many at once. One that is not positive definite spoils only its own numbers. */
static int chunk_solve_batched(struct chunk *chunk, struct error *err)
{
	const struct lane *lane = chunk->lane;
	int n = (int)chunk->n, count = (int)chunk->count;
	double **factors = chunk->pointers.at, **inverses = factors + count;
	double **alphas = inverses + count;
	const double one = 1;
	TRY(cusolverDnDpotrfBatched(
		lane->solver, CUBLAS_FILL_MODE_LOWER, n, factors, n, chunk->info.at, count));
	PASS(chunk->info.read(chunk->host_info.at, chunk->count, err));
	TRY(cusolverDnDpotrsBatched(lane->solver, CUBLAS_FILL_MODE_LOWER, n, 1, factors, n, alphas,
		n, chunk->info.at + count, count));
	PASS(chunk_terms(chunk, err));
	TRY(cublasDtrsmBatched(lane->blas, CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N,
		CUBLAS_DIAG_NON_UNIT, n, n, &one, factors, n, inverses, n, count));
	TRY(cublasDtrsmBatched(lane->blas, CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_T,
		CUBLAS_DIAG_NON_UNIT, n, n, &one, factors, n, inverses, n, count));
	return 0;
}

/* One after another, each large enough to fill the device. */
static int chunk_solve_each(struct chunk *chunk, struct error *err)
{
	const struct lane *lane = chunk->lane;
	cublasFillMode_t lower = CUBLAS_FILL_MODE_LOWER;
	int n = (int)chunk->n, potrf_size = 0, potri_size = 0;
	double *first = chunk->host_tasks.at[0].factor;
	TRY(cusolverDnDpotrf_bufferSize(lane->solver, lower, n, first, n, &potrf_size));
	TRY(cusolverDnDpotri_bufferSize(lane->solver, lower, n, first, n, &potri_size));
	int size = potrf_size > potri_size ? potrf_size : potri_size;
	PASS(chunk->work.allocate(chunk->device, lane->stream, (size_t)size, err));
	for (size_t e = 0; e < chunk->count; e++) {
		double *factor = chunk->host_tasks.at[e].factor;
		TRY(cusolverDnDpotrf(lane->solver, lower, n, factor, n, chunk->work.at, size,
			chunk->info.at + e));
	}
	PASS(chunk->info.read(chunk->host_info.at, chunk->count, err));
	TRY(cudaStreamSynchronize(lane->stream));
	for (size_t e = 0; e < chunk->count; e++) {
		const struct evaluation_task *task = &chunk->host_tasks.at[e];
		if (chunk->host_info.at[e] == 0)
			TRY(cusolverDnDpotrs(lane->solver, lower, n, 1, task->factor, n,
				task->alpha, n, chunk->info.at + chunk->count));
	}
	PASS(chunk_terms(chunk, err));
	for (size_t e = 0; e < chunk->count; e++) {
		double *factor = chunk->host_tasks.at[e].factor;
		if (chunk->host_info.at[e] == 0)
			TRY(cusolverDnDpotri(lane->solver, lower, n, factor, n, chunk->work.at,
				size, chunk->info.at + chunk->count));
	}
	return 0;
}

static int chunk_gradients(struct chunk *chunk, struct error *err)
{
	unsigned tiles = tiles_of(chunk->n), count = (unsigned)chunk->count;
	dim3 block(TILE, TILE);
	cudaStream_t stream = chunk->lane->stream;
	LAUNCH(gradient_pairs, dim3(tiles, tiles, count), block, stream, chunk->tasks.at);
	LAUNCHED(gradient_pairs);
	LAUNCH(gradient_features, dim3(tiles, tiles_of(chunk->d), count), block, stream,
		chunk->tasks.at);
	LAUNCHED(gradient_features);
	LAUNCH(gradient_finish, dim3((unsigned)chunk->d + 2, count), dim3(REDUCE), stream,
		chunk->tasks.at);
	LAUNCHED(gradient_finish);
	return 0;
}

/* Adds the priors (compute.h) to what the device made: log-determinant and product in out[0] and
 * out[1], then the gradient. */
static void finish(
	const struct batch_problem *problem, struct gp_evaluation *evaluation, const double *out)
{
	size_t d = problem->d;
	const double *theta = evaluation->theta, *device_gradient = out + 2;
	double objective = 0.5 * out[1] + out[0];
	double mode = sqrt(2.0) + 0.5 * log((double)d); /* of ln l_i */
	for (size_t i = 0; i < d; i++) {
		double off = -0.5 * theta[i] - mode;
		objective += off * off / 6;
		evaluation->gradient[i] = device_gradient[i] - off / 6;
	}
	objective += 0.5 * theta[d] * theta[d];
	evaluation->gradient[d] = device_gradient[d] + theta[d];
	evaluation->gradient[d + 1] = 0;
	if (!problem->noiseless) {
		double noise = exp(theta[d + 1]), off = theta[d + 1] + 4;
		objective += 0.5 * off * off;
		evaluation->gradient[d + 1] =
			(noise - NOISE_MIN) * (device_gradient[d + 1] + off / noise);
	}
	evaluation->objective = objective;
}

static void chunk_finish(const struct chunk *chunk)
{
	for (size_t e = 0; e < chunk->count; e++) {
		struct gp_evaluation *evaluation = &chunk->evaluations[e];
		const double *out = chunk->host.at + e * (chunk->d + 4);
		if (chunk->host_info.at[e] == 0 && isfinite(out[0]) && isfinite(out[1])) {
			finish(chunk->problem, evaluation, out);
			continue;
		}
		evaluation->objective = HUGE_VAL;
		memset(evaluation->gradient, 0, (chunk->d + 2) * sizeof(double));
	}
}

static int chunk_evaluate(struct batch *batch, struct lane *lane, struct gp_evaluation *evaluations,
	size_t count, struct error *err)
{
	struct chunk chunk;
	chunk.device = batch->device;
	chunk.lane = lane;
	chunk.problem = &batch->problems[evaluations[0].problem];
	chunk.evaluations = evaluations;
	chunk.count = count;
	chunk.n = chunk.problem->n;
	chunk.d = chunk.problem->d;
	chunk.batched = chunk.n <= BATCHED_MAX;
	PASS(chunk_allocate(&chunk, err));
	PASS(chunk_build(&chunk, err));
	PASS(chunk.batched ? chunk_solve_batched(&chunk, err) : chunk_solve_each(&chunk, err));
	PASS(chunk_gradients(&chunk, err));
	TRY(cudaMemcpyAsync(chunk.host.at, chunk.numbers.at + count * chunk.d,
		count * (chunk.d + 4) * sizeof(double), cudaMemcpyDeviceToHost, lane->stream));
	TRY(cudaStreamSynchronize(lane->stream));
	chunk_finish(&chunk);
	return 0;
}

/* Runs of neighbours of the same problem, no longer than the memory allows. */
static int batch_evaluate(
	void *self, struct gp_evaluation *evaluations, size_t n, struct error *err)
{
	struct batch *batch = (struct batch *)self;
	lane_use use(batch->device);
	PASS(use.take(err));
	for (size_t from = 0; from < n;) {
		size_t problem = evaluations[from].problem, points = batch->problems[problem].n;
		size_t most = EVALUATION_BYTES / (2 * points * points * sizeof(double));
		most = most < 1 ? 1 : most > EVALUATIONS_MAX ? EVALUATIONS_MAX : most;
		size_t count = 1;
		while (count < most && from + count < n &&
			evaluations[from + count].problem == problem)
			count++;
		PASS(chunk_evaluate(batch, use.lane, evaluations + from, count, err));
		from += count;
	}
	return 0;
}

#endif
