/* Addresses to listen on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/http.h"

static void test_good(void **state)
{
	(void)state;
	static const struct {
		const char *text, *starts;
	} cases[] = { { "127.0.0.1:0", "http://127.0.0.1:" }, { "localhost:0", "http://" },
		{ "0.0.0.0:0", "http://0.0.0.0:" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char address[LISTEN_ADDRESS_MAX];
		struct error err;
		int fd = -1;
		assert_int_equal(listen_open(cases[i].text, &fd, address, &err), 0);
		assert_true(fd >= 0);
		assert_memory_equal(address, cases[i].starts, strlen(cases[i].starts));
		assert_true(strtol(strrchr(address, ':') + 1, NULL, 10) > 0);
		close(fd);
	}
}

static void test_bad(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "8080", ":8080", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:123456",
		"::1:80", "[]:80", "unix:", "127.0.0.1:80x" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char address[LISTEN_ADDRESS_MAX];
		struct error err;
		int fd = -1;
		assert_int_equal(listen_open(texts[i], &fd, address, &err), CODE_INVALID);
		assert_int_equal(fd, -1);
	}
}

static void test_taken(void **state)
{
	(void)state;
	char address[LISTEN_ADDRESS_MAX], other[LISTEN_ADDRESS_MAX];
	struct error err;
	int fd, second = -1;
	assert_int_equal(listen_open("127.0.0.1:0", &fd, address, &err), 0);
	assert_int_equal(
		listen_open(address + strlen("http://"), &second, other, &err), CODE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "Address already in use"));
	close(fd);
}

/* A socket that a killed process left is replaced, one in use is not. */
static void test_unix(void **state)
{
	(void)state;
	char directory[] = "/tmp/cairn-test-listen-XXXXXX";
	char text[128], address[LISTEN_ADDRESS_MAX];
	struct error err;
	struct stat st;
	int fd, second = -1;
	assert_non_null(mkdtemp(directory));
	snprintf(text, sizeof(text), "unix:%s/s", directory);
	assert_int_equal(listen_open(text, &fd, address, &err), 0);
	assert_string_equal(address, text);
	assert_int_equal(listen_open(text, &second, address, &err), CODE_UNAVAILABLE);
	close(fd);
	assert_int_equal(stat(text + 5, &st), 0);
	assert_int_equal(listen_open(text, &fd, address, &err), 0);
	close(fd);
	unlink(text + 5);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_unix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
