/*
 * Runs CUDA kernels on the processor, so that their arithmetic, bounds and barriers can be tested
 * (also under AddressSanitizer) where there is no device. C++17; included by kernels.cuh when the
 * compiler is not nvcc. Blocks run one after another in order; within a block every thread is a
 * fiber (ucontext), resumed in order of its index and switched at __syncthreads only. A __shared__
 * variable is static thread_local: one per operating-system thread, as only one block runs there.
 *
 * Not modelled: warps and their intrinsics, atomics, memory ordering, dynamic shared memory. A
 * kernel that reads shared memory another thread writes without a barrier between computes
 * something else here, deterministically.
 *
 * Divergence: threads of one block that wait at different barriers, or at one that others have
 * left the kernel without reaching, is undefined in CUDA. Here the launch stops and
 * host_shim_trouble() says which lines; NULL after a launch without fault.
 *
 * host_shim_state.dry: launches are checked, but run nothing; for tests of what is around them.
 */
#ifndef GPU_CUDA_HOST_SHIM_H
#define GPU_CUDA_HOST_SHIM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define __global__ __attribute__((unused))
#define __device__ __attribute__((unused))
#define __shared__ static thread_local

struct dim3 {
	unsigned x, y, z;
	dim3(unsigned nx = 1, unsigned ny = 1, unsigned nz = 1) : x(nx), y(ny), z(nz)
	{
	}
};

#define HOST_SHIM_THREADS 256	     /* of a block, at most */
#define HOST_SHIM_STACK	  (64 << 10) /* bytes of a fiber; ASan's red zones included */

struct host_fiber {
	ucontext_t context;
	char *stack;
	dim3 index;
	int line; /* of the barrier it waits at; 0: it has left the kernel */
#ifdef __SANITIZE_ADDRESS__
	void *fake_stack;
#endif
};

struct host_shim {
	dim3 grid, block, block_index;
	host_fiber fibers[HOST_SHIM_THREADS];
	host_fiber *current;
	ucontext_t scheduler;
	void (*body)(const void *closure);
	const void *closure;
	char trouble[160];
	bool dry;
#ifdef __SANITIZE_ADDRESS__
	const void *scheduler_stack;
	size_t scheduler_size;
	void *scheduler_fake;
#endif
};

inline thread_local host_shim host_shim_state;

#define threadIdx	(host_shim_state.current->index)
#define blockIdx	(host_shim_state.block_index)
#define blockDim	(host_shim_state.block)
#define gridDim		(host_shim_state.grid)
#define __syncthreads() host_shim_barrier(__LINE__)

static inline const char *host_shim_trouble(void)
{
	return host_shim_state.trouble[0] ? host_shim_state.trouble : NULL;
}

/* From a fiber to the scheduler; for good when line is 0. */
static inline void host_shim_barrier(int line)
{
	host_shim *shim = &host_shim_state;
	host_fiber *self = shim->current;
	self->line = line;
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(
		line ? &self->fake_stack : NULL, shim->scheduler_stack, shim->scheduler_size);
#endif
	swapcontext(&self->context, &shim->scheduler);
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
#endif
}

static inline void host_shim_enter(void)
{
	host_shim *shim = &host_shim_state;
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(NULL, &shim->scheduler_stack, &shim->scheduler_size);
#endif
	shim->body(shim->closure);
	host_shim_barrier(0);
}

static inline void host_shim_resume(host_fiber *fiber)
{
	host_shim *shim = &host_shim_state;
	shim->current = fiber;
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&shim->scheduler_fake, fiber->stack, HOST_SHIM_STACK);
#endif
	swapcontext(&shim->scheduler, &fiber->context);
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(shim->scheduler_fake, NULL, NULL);
#endif
}

static inline void host_shim_prepare(host_fiber *fiber, unsigned i)
{
	host_shim *shim = &host_shim_state;
	unsigned x = shim->block.x, y = shim->block.y;
	if (!fiber->stack)
		fiber->stack = (char *)malloc(HOST_SHIM_STACK);
	if (!fiber->stack)
		abort();
#ifdef __SANITIZE_ADDRESS__
	__asan_unpoison_memory_region(fiber->stack, HOST_SHIM_STACK); /* frames left for good */
#endif
	fiber->index = dim3(i % x, i / x % y, i / x / y);
	fiber->line = -1;
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = HOST_SHIM_STACK;
	fiber->context.uc_link = NULL;
	makecontext(&fiber->context, host_shim_enter, 0);
}

/* Rounds from barrier to barrier until every thread has left. false: they diverged. */
static inline bool host_shim_run_block(void)
{
	host_shim *shim = &host_shim_state;
	unsigned n = shim->block.x * shim->block.y * shim->block.z;
	for (unsigned i = 0; i < n; i++)
		host_shim_prepare(&shim->fibers[i], i);
	do {
		for (unsigned i = 0; i < n; i++) {
			host_shim_resume(&shim->fibers[i]);
			int first = shim->fibers[0].line, line = shim->fibers[i].line;
			if (line == first)
				continue;
			snprintf(shim->trouble, sizeof(shim->trouble),
				"divergent barrier: thread 0 is at line %d and thread %u at line "
				"%d (0: it has ended)",
				first, i, line);
			return false;
		}
	} while (shim->fibers[0].line);
	return true;
}

template <typename Call> static void host_shim_call(const void *closure)
{
	(*(const Call *)closure)();
}

template <typename Call> static void host_shim_launch(dim3 grid, dim3 block, const Call &call)
{
	host_shim *shim = &host_shim_state;
	shim->trouble[0] = '\0';
	if (!grid.x || !grid.y || !grid.z || !block.x || !block.y || !block.z ||
		block.x * block.y * block.z > HOST_SHIM_THREADS) {
		snprintf(shim->trouble, sizeof(shim->trouble), "invalid launch configuration");
		return;
	}
	if (shim->dry)
		return;
	shim->grid = grid;
	shim->block = block;
	shim->body = host_shim_call<Call>;
	shim->closure = &call;
	for (unsigned z = 0; z < grid.z; z++)
		for (unsigned y = 0; y < grid.y; y++)
			for (unsigned x = 0; x < grid.x; x++) {
				shim->block_index = dim3(x, y, z);
				if (!host_shim_run_block())
					return;
			}
}

/* The fibers' stacks of this thread, which launches keep for the next. */
static inline void host_shim_release(void)
{
	for (unsigned i = 0; i < HOST_SHIM_THREADS; i++) {
		free(host_shim_state.fibers[i].stack);
		host_shim_state.fibers[i].stack = NULL;
	}
}

#define LAUNCH(kernel, grid, block, stream, ...)                                                   \
	((void)(stream), host_shim_launch((grid), (block), [&] { kernel(__VA_ARGS__); }))

#endif
