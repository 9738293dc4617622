/*
 * As much of the CUDA runtime, cuBLAS and cuSOLVER as gpu/cuda/ uses, on the processor: so that the
 * plug-in's host side (placing, chunking, ladders, releasing) runs where there is no device, with
 * the kernels under gpu/cuda/host_shim.h. Device memory is malloc's, streams are in order because
 * everything happens at once, and the linear algebra is plain loops in column major order.
 *
 * Every call but those that release can be made to fail: the one that comes when fake.fail_in has
 * counted down to 0. fake.live counts what has been made and not been released.
 */
#ifndef TESTS_UNIT_GPU_CUDA_FAKE_CUDA_H
#define TESTS_UNIT_GPU_CUDA_FAKE_CUDA_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cuda/host_shim.h"

struct fake_state {
	int devices;
	long fail_in; /* this many calls succeed, then one fails; negative: none */
	bool memory;  /* that one fails for want of memory */
	long live;
	unsigned calls;
};
inline fake_state fake = { 1, -1, true, 0, 0 };

static inline bool fake_fails(void)
{
	fake.calls++;
	return fake.fail_in >= 0 && fake.fail_in-- == 0;
}

/* A library's status of the call that fails. */
template <typename T> static T fake_failure(T memory, T other)
{
	return fake.memory ? memory : other;
}

/* ---- the runtime ---- */

enum cudaError_t { cudaSuccess, cudaErrorMemoryAllocation = 2, cudaErrorLaunchFailure = 719 };
enum { cudaStreamNonBlocking = 1 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost };
enum { cudaMemAllocationTypePinned = 1 };
enum { cudaMemHandleTypeNone = 0 };
enum { cudaMemLocationTypeDevice = 1 };
enum { cudaMemPoolAttrReleaseThreshold = 4 };
typedef char *cudaStream_t, *cudaMemPool_t;

struct cudaMemPoolProps {
	int allocType, handleTypes;
	struct {
		int type, id;
	} location;
};
struct cudaDeviceProp {
	char name[256];
	int major, minor, multiProcessorCount;
};

static inline cudaError_t fake_result(void)
{
	return fake_fails() ? fake_failure(cudaErrorMemoryAllocation, cudaErrorLaunchFailure)
			    : cudaSuccess;
}

template <typename T> static cudaError_t fake_make(T **out, size_t size)
{
	if (fake_fails())
		return fake_failure(cudaErrorMemoryAllocation, cudaErrorLaunchFailure);
	*out = (T *)malloc(size);
	memset((void *)*out, 0xa5, size); /* nobody may count on zeros */
	fake.live++;
	return cudaSuccess;
}

static inline cudaError_t cudaFree(void *memory)
{
	fake.live--;
	free(memory);
	return cudaSuccess;
}

static inline cudaError_t cudaFreeAsync(void *memory, cudaStream_t)
{
	return cudaFree(memory);
}

static inline cudaError_t cudaMalloc(void **out, size_t size)
{
	return fake_make((char **)out, size);
}

static inline cudaError_t cudaMallocFromPoolAsync(
	void **out, size_t size, cudaMemPool_t, cudaStream_t)
{
	return fake_make((char **)out, size);
}

static inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, int)
{
	return fake_make(out, 1);
}

static inline cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
	return cudaFree(stream);
}

static inline cudaError_t cudaStreamSynchronize(cudaStream_t)
{
	return fake_result();
}

static inline cudaError_t cudaMemPoolCreate(cudaMemPool_t *out, const cudaMemPoolProps *)
{
	return fake_make(out, 1);
}

static inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, int, void *)
{
	return fake_result();
}

static inline cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool)
{
	return cudaFree(pool);
}

static inline cudaError_t cudaMemcpyAsync(
	void *to, const void *from, size_t size, cudaMemcpyKind, cudaStream_t)
{
	cudaError_t status = fake_result();
	if (status == cudaSuccess)
		memcpy(to, from, size);
	return status;
}

static inline cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from,
	size_t from_pitch, size_t width, size_t height, cudaMemcpyKind, cudaStream_t)
{
	cudaError_t status = fake_result();
	for (size_t row = 0; row < height && status == cudaSuccess; row++)
		memcpy((char *)to + row * to_pitch, (const char *)from + row * from_pitch, width);
	return status;
}

static inline cudaError_t cudaGetDeviceCount(int *count)
{
	*count = fake.devices;
	return fake_result();
}

static inline cudaError_t cudaSetDevice(int)
{
	return fake_result();
}

/* Also where the last launch went wrong. */
static inline cudaError_t cudaGetLastError(void)
{
	return host_shim_trouble() ? cudaErrorLaunchFailure : fake_result();
}

static inline const char *cudaGetErrorString(cudaError_t status)
{
	return status == cudaErrorLaunchFailure ? host_shim_trouble() : "out of memory";
}

static inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *out, int)
{
	snprintf(out->name, sizeof(out->name), "fake");
	out->major = 9;
	out->minor = 0;
	out->multiProcessorCount = 1;
	return fake_result();
}

static inline cudaError_t cudaRuntimeGetVersion(int *out)
{
	*out = 13000;
	return fake_result();
}

static inline cudaError_t cudaDriverGetVersion(int *out)
{
	*out = 13000;
	return fake_result();
}

/* ---- cuBLAS ---- */

enum cublasStatus_t {
	CUBLAS_STATUS_SUCCESS,
	CUBLAS_STATUS_ALLOC_FAILED = 3,
	CUBLAS_STATUS_EXECUTION_FAILED = 13
};
enum cublasSideMode_t { CUBLAS_SIDE_LEFT, CUBLAS_SIDE_RIGHT };
enum cublasFillMode_t { CUBLAS_FILL_MODE_LOWER };
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T };
enum cublasDiagType_t { CUBLAS_DIAG_NON_UNIT };
enum libraryPropertyType { MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL };
typedef char *cublasHandle_t;

static inline cublasStatus_t fake_blas(void)
{
	return fake_fails()
		       ? fake_failure(CUBLAS_STATUS_ALLOC_FAILED, CUBLAS_STATUS_EXECUTION_FAILED)
		       : CUBLAS_STATUS_SUCCESS;
}

static inline const char *cublasGetStatusString(cublasStatus_t)
{
	return "the GPU program failed to execute";
}

static inline cublasStatus_t cublasCreate(cublasHandle_t *out)
{
	return fake_make(out, 1)
		       ? fake_failure(CUBLAS_STATUS_ALLOC_FAILED, CUBLAS_STATUS_EXECUTION_FAILED)
		       : CUBLAS_STATUS_SUCCESS;
}

static inline cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
	cudaFree(handle);
	return CUBLAS_STATUS_SUCCESS;
}

static inline cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t)
{
	return fake_blas();
}

static inline cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t)
{
	return fake_blas();
}

static inline cublasStatus_t cublasGetProperty(libraryPropertyType, int *out)
{
	*out = 13;
	return fake_blas();
}

/* L x = b or L' x = b, in place. */
static inline void fake_solve(
	cublasOperation_t op, int n, const double *l, int ld, double *x, int step)
{
	for (int k = 0; k < n; k++) {
		int i = op == CUBLAS_OP_N ? k : n - 1 - k;
		double sum = x[i * step];
		int from = op == CUBLAS_OP_N ? 0 : i + 1, to = op == CUBLAS_OP_N ? i : n;
		for (int j = from; j < to; j++)
			sum -= (op == CUBLAS_OP_N ? l[i + j * ld] : l[j + i * ld]) * x[j * step];
		x[i * step] = sum / l[i + i * ld];
	}
}

/* side right with op T: X L' = B, that is L X' = B'. */
static inline cublasStatus_t cublasDtrsm(cublasHandle_t, cublasSideMode_t side, cublasFillMode_t,
	cublasOperation_t op, cublasDiagType_t, int m, int n, const double *, const double *a,
	int lda, double *b, int ldb)
{
	cublasStatus_t status = fake_blas();
	if (status || lda < (side == CUBLAS_SIDE_LEFT ? m : n) || ldb < m)
		return fake_failure(CUBLAS_STATUS_ALLOC_FAILED, CUBLAS_STATUS_EXECUTION_FAILED);
	for (int j = 0; side == CUBLAS_SIDE_LEFT && j < n; j++)
		fake_solve(op, m, a, lda, b + (ptrdiff_t)j * ldb, 1);
	for (int i = 0; side == CUBLAS_SIDE_RIGHT && i < m; i++)
		fake_solve(op == CUBLAS_OP_T ? CUBLAS_OP_N : CUBLAS_OP_T, n, a, lda, b + i, ldb);
	return status;
}

static inline cublasStatus_t cublasDtrsmBatched(cublasHandle_t handle, cublasSideMode_t side,
	cublasFillMode_t uplo, cublasOperation_t op, cublasDiagType_t diag, int m, int n,
	const double *alpha, const double *const a[], int lda, double *const b[], int ldb,
	int count)
{
	cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
	for (int i = 0; i < count && status == CUBLAS_STATUS_SUCCESS; i++)
		status = cublasDtrsm(
			handle, side, uplo, op, diag, m, n, alpha, a[i], lda, b[i], ldb);
	return status;
}

/* A' B with beta 1: what is used. */
static inline cublasStatus_t cublasDgemm(cublasHandle_t, cublasOperation_t, cublasOperation_t,
	int m, int n, int k, const double *alpha, const double *a, int lda, const double *b,
	int ldb, const double *, double *c, int ldc)
{
	for (int j = 0; j < n; j++)
		for (int i = 0; i < m; i++)
			for (int p = 0; p < k; p++)
				c[i + j * ldc] += *alpha * a[p + i * lda] * b[p + j * ldb];
	return fake_blas();
}

static inline cublasStatus_t cublasDsyrk(cublasHandle_t, cublasFillMode_t, cublasOperation_t, int n,
	int k, const double *alpha, const double *a, int lda, const double *, double *c, int ldc)
{
	for (int j = 0; j < n; j++)
		for (int i = j; i < n; i++)
			for (int p = 0; p < k; p++)
				c[i + j * ldc] += *alpha * a[i + p * lda] * a[j + p * lda];
	return fake_blas();
}

/* ---- cuSOLVER ---- */

enum cusolverStatus_t {
	CUSOLVER_STATUS_SUCCESS,
	CUSOLVER_STATUS_ALLOC_FAILED = 2,
	CUSOLVER_STATUS_EXECUTION_FAILED = 6
};
typedef char *cusolverDnHandle_t;

static inline cusolverStatus_t fake_solver(void)
{
	return fake_fails() ? fake_failure(CUSOLVER_STATUS_ALLOC_FAILED,
				      CUSOLVER_STATUS_EXECUTION_FAILED)
			    : CUSOLVER_STATUS_SUCCESS;
}

static inline cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *out)
{
	return fake_make(out, 1) ? fake_failure(CUSOLVER_STATUS_ALLOC_FAILED,
					   CUSOLVER_STATUS_EXECUTION_FAILED)
				 : CUSOLVER_STATUS_SUCCESS;
}

static inline cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle)
{
	cudaFree(handle);
	return CUSOLVER_STATUS_SUCCESS;
}

static inline cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t, cudaStream_t)
{
	return fake_solver();
}

static inline cusolverStatus_t cusolverGetVersion(int *out)
{
	*out = 12000;
	return fake_solver();
}

static inline cusolverStatus_t cusolverDnDpotrf_bufferSize(
	cusolverDnHandle_t, cublasFillMode_t, int n, double *, int, int *size)
{
	*size = n;
	return fake_solver();
}

static inline cusolverStatus_t cusolverDnDpotri_bufferSize(
	cusolverDnHandle_t, cublasFillMode_t, int n, double *, int, int *size)
{
	*size = n * n;
	return fake_solver();
}

static inline int fake_potrf(int n, double *a, int lda)
{
	if (host_shim_state.dry) /* no kernel has made a matrix */
		return 0;
	for (int j = 0; j < n; j++) {
		for (int i = j; i < n; i++)
			for (int k = 0; k < j; k++)
				a[i + j * lda] -= a[i + k * lda] * a[j + k * lda];
		if (!(a[j + j * lda] > 0))
			return j + 1;
		a[j + j * lda] = sqrt(a[j + j * lda]);
		for (int i = j + 1; i < n; i++)
			a[i + j * lda] /= a[j + j * lda];
	}
	return 0;
}

static inline cusolverStatus_t cusolverDnDpotrf(cusolverDnHandle_t, cublasFillMode_t, int n,
	double *a, int lda, double *work, int size, int *info)
{
	*info = fake_potrf(n, a, lda);
	memset(work, 0, (size_t)size * sizeof(*work));
	return fake_solver();
}

static inline cusolverStatus_t cusolverDnDpotrs(cusolverDnHandle_t, cublasFillMode_t, int n,
	int columns, const double *a, int lda, double *b, int ldb, int *info)
{
	for (int j = 0; j < columns; j++) {
		fake_solve(CUBLAS_OP_N, n, a, lda, b + j * ldb, 1);
		fake_solve(CUBLAS_OP_T, n, a, lda, b + j * ldb, 1);
	}
	*info = 0;
	return fake_solver();
}

static inline cusolverStatus_t cusolverDnDpotri(cusolverDnHandle_t, cublasFillMode_t, int n,
	double *a, int lda, double *work, int size, int *info)
{
	memset(work, 0, (size_t)size * sizeof(*work));
	for (int j = 0; j < n; j++) {
		work[j + j * n] = 1;
		fake_solve(CUBLAS_OP_N, n, a, lda, work + j * n, 1);
		fake_solve(CUBLAS_OP_T, n, a, lda, work + j * n, 1);
	}
	for (int j = 0; j < n; j++)
		for (int i = j; i < n; i++)
			a[i + j * lda] = work[i + j * n];
	*info = 0;
	return fake_solver();
}

static inline cusolverStatus_t cusolverDnDpotrfBatched(
	cusolverDnHandle_t, cublasFillMode_t, int n, double *a[], int lda, int *info, int count)
{
	for (int i = 0; i < count; i++)
		info[i] = fake_potrf(n, a[i], lda);
	return fake_solver();
}

static inline cusolverStatus_t cusolverDnDpotrsBatched(cusolverDnHandle_t handle,
	cublasFillMode_t uplo, int n, int columns, double *a[], int lda, double *b[], int ldb,
	int *info, int count)
{
	cusolverStatus_t status = CUSOLVER_STATUS_SUCCESS;
	for (int i = 0; i < count && status == CUSOLVER_STATUS_SUCCESS; i++)
		status = cusolverDnDpotrs(handle, uplo, n, columns, a[i], lda, b[i], ldb, info);
	return status;
}

#endif
