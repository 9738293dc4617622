/* cairn_cuda.so as nvcc built it, on a machine without a device, or with the devices hidden
 * (CUDA_VISIBLE_DEVICES is empty here): it loads, is whole, and declines. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gpu/backend.h"

#include <cmocka.h>

static const struct compute_backend *load(void **plugin)
{
	*plugin = dlopen(PLUGIN_FILE, RTLD_NOW | RTLD_LOCAL);
	if (!*plugin)
		fail_msg("%s", dlerror());
	const struct compute_backend *ops = dlsym(*plugin, COMPUTE_BACKEND_SYMBOL);
	assert_non_null(ops);
	return ops;
}

static void exports_a_whole_back_end(void **state)
{
	(void)state;
	void *plugin;
	const struct compute_backend *ops = load(&plugin);
	assert_int_equal(ops->abi, COMPUTE_ABI);
	assert_string_equal(ops->name, "cuda");
	/* Everything from open on is a pointer to a function. */
	const unsigned char *at = (const unsigned char *)&ops->open;
	const unsigned char *end = (const unsigned char *)(ops + 1);
	for (; at < end; at += sizeof(void *)) {
		static const unsigned char none[sizeof(void *)];
		assert_memory_not_equal(at, none, sizeof(none));
	}
	dlclose(plugin);
}

static void without_a_device_it_declines(void **state)
{
	(void)state;
	void *plugin;
	const struct compute_backend *ops = load(&plugin);
	for (int again = 0; again < 2; again++) {
		char fingerprint[256] = "untouched";
		struct error err = { CODE_OK, "" };
		assert_null(ops->open(fingerprint, sizeof(fingerprint), &err));
		assert_int_equal(err.code, CODE_UNAVAILABLE);
		assert_true(strlen(err.message) > 10); /* in CUDA's words: they differ */
		assert_string_equal(fingerprint, "untouched");
	}
	assert_null(ops->open((char[256]){ 0 }, 256, NULL));
	dlclose(plugin);
}

static void a_compute_does_without_it(void **state)
{
	(void)state;
	struct compute *compute = NULL;
	struct error err = { CODE_OK, "" };
	assert_int_equal(compute_open("cuda", PLUGIN_DIR, &compute, &err), CODE_UNAVAILABLE);
	assert_null(compute);
	assert_int_equal(compute_open("auto", PLUGIN_DIR, &compute, &err), 0);
	assert_string_equal(compute_name(compute), "cpu");
	assert_string_equal(compute_trouble(compute), err.message);
	compute_close(compute);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exports_a_whole_back_end),
		cmocka_unit_test(without_a_device_it_declines),
		cmocka_unit_test(a_compute_does_without_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
