/* What the system says of this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "service/process.h"

static void test_stats(void **state)
{
	(void)state;
	struct process_stats before, after;
	process_stats(&before);
	assert_in_range(before.resident_bytes, 100 << 10, (uint64_t)8 << 30);
	assert_true(before.virtual_bytes >= before.resident_bytes);
	assert_true(before.threads >= 1);
	assert_true(before.max_fds >= before.open_fds);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	process_stats(&after);
	close(fd);
	assert_int_equal(after.open_fds, before.open_fds + 1);
	assert_true(after.cpu_seconds >= before.cpu_seconds);
}

static void test_limits(void **state)
{
	(void)state;
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(process_files_max(), limit.rlim_max);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(limit.rlim_cur, limit.rlim_max);
	assert_true(process_cores() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
