/*
 * cairn_cuda.so: gpu/backend.h on a CUDA device with cuBLAS and cuSOLVER. Device 0 of those the
 * process may see (CUDA_VISIBLE_DEVICES). Batches are in batch.cuh, factors in factor.cuh; here are
 * opening, closing and kernel densities.
 */
#include "gpu/cuda/batch.cuh"
#include "gpu/cuda/density.cuh"
#include "gpu/cuda/device.cuh"
#include "gpu/cuda/factor.cuh"

static void device_close(void *self)
{
	struct device *device = (struct device *)self;
	if (!device)
		return;
	cudaSetDevice(0);
	while (device->free) {
		struct lane *lane = device->free;
		device->free = lane->next;
		lane_free(lane);
	}
	if (device->stream) {
		cudaStreamSynchronize(device->stream);
		cudaStreamDestroy(device->stream);
	}
	if (device->pool)
		cudaMemPoolDestroy(device->pool);
	pthread_mutex_destroy(&device->lock);
	free(device);
}

static int device_init(struct device *device, struct error *err)
{
	cudaMemPoolProps props = {};
	uint64_t keeps = POOL_KEEPS;
	props.allocType = cudaMemAllocationTypePinned;
	props.handleTypes = cudaMemHandleTypeNone;
	props.location.type = cudaMemLocationTypeDevice;
	props.location.id = 0;
	TRY(cudaSetDevice(0));
	TRY(cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking));
	TRY(cudaMemPoolCreate(&device->pool, &props));
	TRY(cudaMemPoolSetAttribute(device->pool, cudaMemPoolAttrReleaseThreshold, &keeps));
	lane_use use(device); /* so that a library that fails to start fails here */
	return use.take(err);
}

/* Everything that the bits of a result depend on: the device, the libraries, and their driver. */
static int fingerprint_write(char *out, size_t size, struct error *err)
{
	struct cudaDeviceProp properties;
	int runtime = 0, driver = 0, blas_major = 0, blas_minor = 0, blas_patch = 0, solver = 0;
	TRY(cudaGetDeviceProperties(&properties, 0));
	TRY(cudaRuntimeGetVersion(&runtime));
	TRY(cudaDriverGetVersion(&driver));
	TRY(cublasGetProperty(MAJOR_VERSION, &blas_major));
	TRY(cublasGetProperty(MINOR_VERSION, &blas_minor));
	TRY(cublasGetProperty(PATCH_LEVEL, &blas_patch));
	TRY(cusolverGetVersion(&solver));
	snprintf(out, size,
		"cuda %s sm_%d%d %d processors, runtime %d, driver %d, cublas %d.%d.%d, cusolver "
		"%d",
		properties.name, properties.major, properties.minor, properties.multiProcessorCount,
		runtime, driver, blas_major, blas_minor, blas_patch, solver);
	return 0;
}

static int device_find(struct error *err)
{
	int count = 0;
	TRY(cudaGetDeviceCount(&count));
	return count > 0 ? 0 : report(err, CODE_UNAVAILABLE, "no CUDA device");
}

static void *device_open(char *fingerprint, size_t size, struct error *err)
{
	if (device_find(err))
		return NULL;
	struct device *device = (struct device *)calloc(1, sizeof(*device));
	if (!device) {
		report(err, CODE_NO_MEMORY, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&device->lock, NULL);
	if (device_init(device, err) || fingerprint_write(fingerprint, size, err)) {
		device_close(device);
		return NULL;
	}
	return device;
}

/* ---- kernel densities ---- */

struct density_memory {
	device_array<double> numbers; /* base, mu, sigma, low, high, step, log_weight, table */
	device_array<uint32_t> size;
	device_array<size_t> table_at;
};

static size_t table_length(const struct kde *kde)
{
	size_t length = 0;
	for (size_t j = 0; j < kde->d; j++) {
		size_t end = kde->size[j] ? kde->table_at[j] + kde->n * kde->size[j] : 0;
		length = end > length ? end : length;
	}
	return length;
}

/* Appends n doubles, or as many zeros where from is NULL. Returns where they lie on the device. */
static double *append(double *host, const double *device, size_t *at, const double *from, size_t n)
{
	if (from && n)
		memcpy(host + *at, from, n * sizeof(double));
	const double *place = device + *at;
	*at += n;
	return (double *)place;
}

static int density_upload(struct device *device, const struct lane *lane, const struct kde *kde,
	struct density_memory *memory, struct density *out, struct error *err)
{
	size_t n = kde->n, d = kde->d, table = table_length(kde), at = 0;
	size_t total = 3 * n * d + 3 * d + n + table;
	host_array<double> host;
	PASS(host.allocate(total, err));
	PASS(memory->numbers.allocate(device, lane->stream, total, err));
	PASS(memory->size.allocate(device, lane->stream, d, err));
	PASS(memory->table_at.allocate(device, lane->stream, d, err));
	const double *base = memory->numbers.at;
	out->n = n;
	out->d = d;
	out->base = append(host.at, base, &at, NULL, n * d);
	out->mu = append(host.at, base, &at, kde->mu, n * d);
	out->sigma = append(host.at, base, &at, kde->sigma, n * d);
	out->low = append(host.at, base, &at, kde->low, d);
	out->high = append(host.at, base, &at, kde->high, d);
	out->step = append(host.at, base, &at, kde->step, d);
	out->log_weight = append(host.at, base, &at, kde->log_weight, n);
	out->table = append(host.at, base, &at, kde->table, table);
	out->size = memory->size.at;
	out->table_at = memory->table_at.at;
	PASS(memory->numbers.write(host.at, total, err));
	PASS(memory->size.write(kde->size, d, err));
	if (table)
		PASS(memory->table_at.write(kde->table_at, d, err));
	if (n > 0 && d > 0) {
		unsigned blocks = (unsigned)((n * d + REDUCE - 1) / REDUCE);
		LAUNCH(density_base, dim3(blocks), dim3(REDUCE), lane->stream, *out);
		LAUNCHED(density_base);
	}
	TRY(cudaStreamSynchronize(lane->stream)); /* host goes */
	return 0;
}

static int kde_ratio(void *self, const struct kde *l, const struct kde *g, const double *x,
	size_t m, double *log_ratio, struct error *err)
{
	struct device *device = (struct device *)self;
	lane_use use(device);
	PASS(use.take(err));
	cudaStream_t stream = use.lane->stream;
	struct density_memory memory_l, memory_g;
	struct density density_l = {}, density_g = {};
	size_t most = m < KDE_POINTS ? m : KDE_POINTS, d = l->d;
	host_array<double> host;
	device_array<double> points, out;
	PASS(host.allocate(2 * most, err));
	PASS(points.allocate(device, stream, most * d, err));
	PASS(out.allocate(device, stream, 2 * most, err));
	PASS(density_upload(device, use.lane, l, &memory_l, &density_l, err));
	PASS(density_upload(device, use.lane, g, &memory_g, &density_g, err));
	for (size_t from = 0; from < m; from += most) {
		size_t count = m - from < most ? m - from : most;
		dim3 grid((unsigned)count), block(REDUCE);
		PASS(points.write(x + from * d, count * d, err));
		LAUNCH(density_log, grid, block, stream, density_l, points.at, out.at);
		LAUNCHED(density_log);
		LAUNCH(density_log, grid, block, stream, density_g, points.at, out.at + count);
		LAUNCHED(density_log);
		PASS(out.read(host.at, 2 * count, err));
		TRY(cudaStreamSynchronize(stream));
		for (size_t i = 0; i < count; i++) {
			double top = host.at[i], bottom = host.at[count + i];
			log_ratio[from + i] = top > -HUGE_VAL ? top - bottom : top;
		}
	}
	return 0;
}

/* In C++ a const object is the file's own unless declared otherwise. */
extern "C" {
extern __attribute__((visibility("default"))) const struct compute_backend cairn_compute_backend;
const struct compute_backend cairn_compute_backend = {
	.abi = COMPUTE_ABI,
	.name = "cuda",
	.open = device_open,
	.close = device_close,
	.batch_new = batch_new,
	.batch_evaluate = batch_evaluate,
	.batch_free = batch_free,
	.factor_new = factor_new,
	.factor_free = factor_free,
	.factor_bytes = factor_bytes,
	.factor_extend = factor_extend,
	.factor_truncate = factor_truncate,
	.factor_solve = factor_solve,
	.posterior = posterior,
	.posterior_gradient = posterior_gradient,
	.covariance = covariance,
	.kde_ratio = kde_ratio,
};
}
