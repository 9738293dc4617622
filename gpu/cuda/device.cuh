/*
 * What the plug-in's calls share: the device, lanes, memory that frees itself, error checks.
 *
 * A lane is a stream with its cuBLAS and cuSOLVER handles, used by one call at a time: a call takes
 * a free one (or makes one), and gives it back when it returns, with its stream synchronised. So
 * any number of threads may call. The lock guards the list of free lanes and nothing else.
 *
 * Every result of CUDA, cuBLAS and cuSOLVER goes through TRY: what is not success becomes
 * CODE_NO_MEMORY (of the device) or CODE_UNAVAILABLE with the call's name and the library's words.
 */
#ifndef GPU_CUDA_DEVICE_CUH
#define GPU_CUDA_DEVICE_CUH

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cusolverDn.h>

/* struct compute_stats and compute_stats(): to C++ one hides the other's constructor. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "gpu/backend.h"
}
#pragma GCC diagnostic pop

#define LANE_WORKSPACE ((size_t)8 << 20)   /* bytes for cuBLAS: with its own, results repeat */
#define POOL_KEEPS     ((size_t)256 << 20) /* bytes of device memory not given back when idle */

/* How much is in flight at once; tests define less. */
#ifndef CHUNK_DOUBLES
#define CHUNK_DOUBLES	 ((size_t)1 << 23) /* of a matrix of kernel values */
#define CHUNK_ROWS	 ((size_t)1 << 12) /* of a block of covariances, at least */
#define EVALUATION_BYTES ((size_t)1 << 30) /* of the matrices of evaluations */
#define EVALUATIONS_MAX	 1024		   /* however small */
#define BATCHED_MAX	 512   /* points up to which many small factorisations are one call */
#define KDE_POINTS	 65536 /* of a kernel density */
#endif

struct lane {
	struct lane *next;
	cudaStream_t stream;
	cublasHandle_t blas;
	cusolverDnHandle_t solver;
	void *workspace;
};

struct device {
	cudaMemPool_t pool;
	cudaStream_t stream; /* on which what outlives a call is allocated and freed */
	pthread_mutex_t lock;
	struct lane *free; /* guarded by lock */
};

__attribute__((format(printf, 3, 4))) static int report(
	struct error *err, enum code code, const char *format, ...)
{
	if (err) {
		va_list args;
		va_start(args, format);
		err->code = code;
		vsnprintf(err->message, sizeof(err->message), format, args);
		va_end(args);
	}
	return (int)code;
}

/* Without memory for this call the device is still good for the next; any other failure is its end.
 */
static int failed(struct error *err, bool memory, const char *call, const char *words, int status)
{
	int length = (int)strcspn(call, "("); /* the name alone */
	return report(err, memory ? CODE_NO_MEMORY : CODE_UNAVAILABLE, "%.*s: %s (%d)", length,
		call, words, status);
}

static int checked(cudaError_t status, const char *call, struct error *err)
{
	if (status == cudaSuccess)
		return 0;
	cudaGetLastError(); /* what can be cleared, is */
	return failed(err, status == cudaErrorMemoryAllocation, call, cudaGetErrorString(status),
		(int)status);
}

static int checked(cublasStatus_t status, const char *call, struct error *err)
{
	if (status == CUBLAS_STATUS_SUCCESS)
		return 0;
	return failed(err, status == CUBLAS_STATUS_ALLOC_FAILED, call,
		cublasGetStatusString(status), (int)status);
}

static int checked(cusolverStatus_t status, const char *call, struct error *err)
{
	if (status == CUSOLVER_STATUS_SUCCESS)
		return 0;
	return failed(err, status == CUSOLVER_STATUS_ALLOC_FAILED, call,
		"cuSOLVER failed with this status", (int)status);
}

#define TRY(call)                                                                                  \
	do {                                                                                       \
		int try_code = checked((call), #call, err);                                        \
		if (try_code)                                                                      \
			return try_code;                                                           \
	} while (0)

/* For our own functions, which have filled err. */
#define PASS(call)                                                                                 \
	do {                                                                                       \
		int pass_code = (call);                                                            \
		if (pass_code)                                                                     \
			return pass_code;                                                          \
	} while (0)

/* After a LAUNCH. */
#define LAUNCHED(kernel)                                                                           \
	do {                                                                                       \
		int launch_code = checked(cudaGetLastError(), #kernel, err);                       \
		if (launch_code)                                                                   \
			return launch_code;                                                        \
	} while (0)

/* Device memory in a stream's order, freed there at the end of the scope. */
template <typename T> struct device_array {
	T *at = NULL;
	cudaStream_t stream = NULL;

	device_array() = default;
	device_array(const device_array &) = delete;
	device_array &operator=(const device_array &) = delete;
	~device_array()
	{
		if (at)
			cudaFreeAsync(at, stream);
	}
	/* At least one element, so that there is an address. */
	int allocate(struct device *device, cudaStream_t on, size_t n, struct error *err)
	{
		stream = on;
		void *memory = NULL;
		size_t bytes = (n ? n : 1) * sizeof(T);
		TRY(cudaMallocFromPoolAsync(&memory, bytes, device->pool, stream));
		at = (T *)memory;
		return 0;
	}
	/* from must stay until the stream is synchronised. */
	int write(const T *from, size_t n, struct error *err)
	{
		if (n)
			TRY(cudaMemcpyAsync(
				at, from, n * sizeof(T), cudaMemcpyHostToDevice, stream));
		return 0;
	}
	int read(T *to, size_t n, struct error *err) const
	{
		if (n)
			TRY(cudaMemcpyAsync(to, at, n * sizeof(T), cudaMemcpyDeviceToHost, stream));
		return 0;
	}
	T *keep() /* the caller frees it */
	{
		T *kept = at;
		at = NULL;
		return kept;
	}
};

/* Zeroed memory of the host. */
template <typename T> struct host_array {
	T *at = NULL;

	host_array() = default;
	host_array(const host_array &) = delete;
	host_array &operator=(const host_array &) = delete;
	~host_array()
	{
		free(at);
	}
	int allocate(size_t n, struct error *err)
	{
		at = (T *)calloc(n ? n : 1, sizeof(T));
		return at ? 0 : report(err, CODE_NO_MEMORY, "out of memory");
	}
};

static void lane_free(struct lane *lane)
{
	if (lane->solver)
		cusolverDnDestroy(lane->solver);
	if (lane->blas)
		cublasDestroy(lane->blas);
	if (lane->workspace)
		cudaFree(lane->workspace);
	if (lane->stream)
		cudaStreamDestroy(lane->stream);
	free(lane);
}

static int lane_init(struct lane *lane, struct error *err)
{
	TRY(cudaStreamCreateWithFlags(&lane->stream, cudaStreamNonBlocking));
	TRY(cudaMalloc(&lane->workspace, LANE_WORKSPACE));
	TRY(cublasCreate(&lane->blas));
	TRY(cublasSetStream(lane->blas, lane->stream));
	TRY(cublasSetWorkspace(lane->blas, lane->workspace, LANE_WORKSPACE));
	TRY(cusolverDnCreate(&lane->solver));
	TRY(cusolverDnSetStream(lane->solver, lane->stream));
	return 0;
}

/* Takes a lane for a scope; arrays on its stream are declared after it. */
struct lane_use {
	struct device *device;
	struct lane *lane = NULL;

	explicit lane_use(struct device *of) : device(of)
	{
	}
	lane_use(const lane_use &) = delete;
	lane_use &operator=(const lane_use &) = delete;
	~lane_use()
	{
		if (!lane)
			return;
		pthread_mutex_lock(&device->lock);
		lane->next = device->free;
		device->free = lane;
		pthread_mutex_unlock(&device->lock);
	}
	int take(struct error *err)
	{
		TRY(cudaSetDevice(0));
		pthread_mutex_lock(&device->lock);
		lane = device->free;
		if (lane)
			device->free = lane->next;
		pthread_mutex_unlock(&device->lock);
		return lane ? 0 : make(err);
	}

      private:
	int make(struct error *err)
	{
		struct lane *made = (struct lane *)calloc(1, sizeof(*made));
		if (!made)
			return report(err, CODE_NO_MEMORY, "out of memory");
		int code = lane_init(made, err);
		if (code)
			lane_free(made);
		else
			lane = made;
		return code;
	}
};

#endif
