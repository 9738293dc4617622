/* The shim itself: indices, shared memory, barriers, and that it notices divergence. */
#include "gpu/cuda/host_shim.h"

#include <string.h>

#include "support.h"

static void write_index(unsigned *out)
{
	unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
	unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
	unsigned threads = blockDim.x * blockDim.y * blockDim.z;
	out[block * threads + thread] += block * threads + thread + 1;
}

static void test_each_thread_runs_once(void **)
{
	std::vector<unsigned> out(2 * 3 * 2 * 4 * 2 * 3);
	LAUNCH(write_index, dim3(2, 3, 2), dim3(4, 2, 3), 0, out.data());
	assert_null(host_shim_trouble());
	for (unsigned i = 0; i < out.size(); i++)
		assert_int_equal(out[i], i + 1);
}

/* Every thread reads what another wrote before the barrier, twice over. */
static void reverse_twice(int *values)
{
	__shared__ int slot[64];
	unsigned x = threadIdx.x, last = blockDim.x - 1;
	slot[x] = values[x];
	__syncthreads();
	int other = slot[last - x];
	__syncthreads();
	slot[x] = other + 100;
	__syncthreads();
	values[x] = slot[last - x];
}

static void test_barriers_order_shared_memory(void **)
{
	std::vector<int> values(64);
	for (int i = 0; i < 64; i++)
		values[(size_t)i] = i * i;
	LAUNCH(reverse_twice, dim3(1), dim3(64), 0, values.data());
	assert_null(host_shim_trouble());
	for (int i = 0; i < 64; i++)
		assert_int_equal(values[(size_t)i], i * i + 100);
}

static void no_barrier(int *values)
{
	__shared__ int slot[8];
	slot[threadIdx.x] = values[threadIdx.x];
	values[threadIdx.x] = slot[7 - threadIdx.x];
}

/* A forgotten barrier is not silently right: thread 0 would have to see what thread 7 writes. */
static void test_missing_barrier_shows(void **)
{
	std::vector<int> values(8, 5);
	LAUNCH(no_barrier, dim3(1), dim3(8), 0, values.data());
	int wrong = 0;
	for (int value : values)
		wrong += value != 5;
	assert_true(wrong > 0);
}

static void leaves_early(bool leave)
{
	if (leave && threadIdx.x >= 3)
		return;
	__syncthreads();
}

static void different_barriers(bool differ)
{
	if (differ && threadIdx.x == 2)
		__syncthreads();
	else
		__syncthreads();
}

static void test_divergence_is_reported(void **)
{
	LAUNCH(leaves_early, dim3(2), dim3(8), 0, true);
	assert_non_null(host_shim_trouble());
	assert_non_null(strstr(host_shim_trouble(), "divergent barrier"));
	assert_non_null(strstr(host_shim_trouble(), "thread 3"));
	LAUNCH(different_barriers, dim3(1), dim3(8), 0, true);
	assert_non_null(host_shim_trouble());
	assert_non_null(strstr(host_shim_trouble(), "thread 2"));
}

/* After a divergence, whose fibers were left in the middle, the next launch is sound. */
static void test_launches_after_divergence(void **)
{
	LAUNCH(leaves_early, dim3(2), dim3(256), 0, true);
	assert_non_null(host_shim_trouble());
	LAUNCH(leaves_early, dim3(2), dim3(256), 0, false);
	assert_null(host_shim_trouble());
	LAUNCH(different_barriers, dim3(2), dim3(256), 0, false);
	assert_null(host_shim_trouble());
}

static void test_refuses_empty_grids_and_large_blocks(void **)
{
	unsigned out = 0;
	LAUNCH(write_index, dim3(0), dim3(8), 0, &out);
	assert_non_null(host_shim_trouble());
	LAUNCH(write_index, dim3(1), dim3(HOST_SHIM_THREADS + 1), 0, &out);
	assert_non_null(host_shim_trouble());
	assert_int_equal(out, 0);
}

static int release(void **)
{
	host_shim_release();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_thread_runs_once),
		cmocka_unit_test(test_barriers_order_shared_memory),
		cmocka_unit_test(test_missing_barrier_shows),
		cmocka_unit_test(test_divergence_is_reported),
		cmocka_unit_test(test_launches_after_divergence),
		cmocka_unit_test(test_refuses_empty_grids_and_large_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, release);
}
