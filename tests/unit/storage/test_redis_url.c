#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* core/error.h has one of that name */

#include <stdio.h>
#include <string.h>

#include "storage/redis_url.h"

#ifndef CAIRN_REDIS
int main(void)
{
	printf("SKIPPED: built without hiredis\n");
	return 0;
}
#else

static const struct {
	const char *url, *socket, *host;
	int port;
	const char *user, *password;
	int db;
} good[] = {
	{ "redis://localhost", NULL, "localhost", 6379, NULL, NULL, 0 },
	{ "redis://localhost/", NULL, "localhost", 6379, NULL, NULL, 0 },
	{ "redis://10.0.0.1:7000/3", NULL, "10.0.0.1", 7000, NULL, NULL, 3 },
	{ "redis://[::1]:7000", NULL, "::1", 7000, NULL, NULL, 0 },
	{ "redis://[fe80::2]/1", NULL, "fe80::2", 6379, NULL, NULL, 1 },
	{ "redis://:pa%3Ass@host", NULL, "host", 6379, NULL, "pa:ss", 0 },
	{ "redis://user:p%40ss@host:1", NULL, "host", 1, "user", "p@ss", 0 },
	{ "redis://:p@ss@host", NULL, "host", 6379, NULL, "p@ss", 0 },
	{ "redis://:@host", NULL, "host", 6379, NULL, NULL, 0 },
	{ "redis+unix:///run/redis.sock", "/run/redis.sock", NULL, 6379, NULL, NULL, 0 },
	{ "redis+unix:///with%20space", "/with space", NULL, 6379, NULL, NULL, 0 },
};

static const char *const bad[] = { "", "redis:", "redis://", "redis:///1", "redis://:1",
	"redis://host:", "redis://host:port", "redis://host:65536", "redis://host:-1",
	"redis://host/x", "redis://host/1x", "redis://host/9999999999", "redis://[::1",
	"redis://[::1]x", "redis://[]", "redis://user@host", "redis://:%zz@host",
	"redis://:%0@host", "redis://:%00@host", "redis+unix://", "redis+unix://relative",
	"rediss://host", "http://host" };

static void assert_same(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void test_good(void **state)
{
	struct redis_url url;
	struct error err;
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(redis_url_parse(good[i].url, &url, &err), 0);
		assert_same(url.socket, good[i].socket);
		assert_same(url.host, good[i].host);
		assert_same(url.user, good[i].user);
		assert_same(url.password, good[i].password);
		assert_int_equal(url.port, good[i].port);
		assert_int_equal(url.db, good[i].db);
		redis_url_release(&url);
		assert_null(url.password);
	}
}

static void test_bad(void **state)
{
	struct redis_url url;
	struct error err;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(redis_url_parse(bad[i], &url, &err), CODE_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
