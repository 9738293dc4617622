/* The pack of what browsers see: how it is read, refused, and served. */
#include "tests/unit/api/exchange.h"

static const char good[] = "cairn-pack 1\n"
			   "5 index.html text/html; charset=utf-8\n"
			   "3 a-1.js text/javascript\n"
			   "\n"
			   "<ok/>abc";

static void test_pack(void **state)
{
	struct asset files[ASSETS_MAX];
	struct error err = { 0 };
	size_t n;
	(void)state;

	assert_int_equal(pack_read(good, sizeof(good) - 1, files, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(files[0].name, "index.html");
	assert_string_equal(files[0].type, "text/html; charset=utf-8");
	assert_memory_equal(files[0].data, "<ok/>", 5);
	assert_string_equal(files[1].name, "a-1.js");
	assert_int_equal(files[1].size, 3);
	assert_memory_equal(files[1].data, "abc", 3);
	assert_string_not_equal(files[0].etag, files[1].etag);
}

static void test_bad_packs(void **state)
{
	static const char *const packs[] = { "", "cairn-pack 2\n\n", "cairn-pack 1\n",
		"cairn-pack 1\n\n", "cairn-pack 1\n3 a t\n\nab", "cairn-pack 1\n3 a t\n\nabcd",
		"cairn-pack 1\n3 a\n\nabc", "cairn-pack 1\nx a t\n\nabc",
		"cairn-pack 1\n-3 a t\n\nabc", "cairn-pack 1\n99999999999999999999999 a t\n\nabc",
		"cairn-pack 1\n3  t\n\nabc", "cairn-pack 1\n3 a \n\nabc", "cairn-pack 1\n3 a t",
		"cairn-pack 1\n3 "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
		"t\n\nabc" };
	struct asset files[ASSETS_MAX];
	size_t n = 77;
	(void)state;

	for (size_t i = 0; i < sizeof(packs) / sizeof(*packs); i++) {
		struct error err = { 0 };
		if (!pack_read(packs[i], strlen(packs[i]), files, &n, &err))
			fail_msg("taken: %s", packs[i]);
		assert_int_equal(err.code, CODE_INTERNAL);
		assert_int_equal(n, 77);
	}
	char many[1024] = "cairn-pack 1\n";
	for (size_t i = 0; i <= ASSETS_MAX; i++)
		strncat(many, "0 a t\n", sizeof(many) - strlen(many) - 1);
	strncat(many, "\n", sizeof(many) - strlen(many) - 1);
	struct error err = { 0 };
	assert_int_not_equal(pack_read(many, strlen(many), files, &n, &err), 0);
}

static struct asset page_of(const char *text)
{
	return (struct asset){ .data = text, .size = strlen(text) };
}

static void test_policy(void **state)
{
	struct asset dashboard = page_of("<script type=\"module\" src=\"/assets/a.js\"></script>");
	struct asset inlined = page_of("<style>a</style><script>abc</script>");
	struct asset bare = page_of("<script>abc</script>");
	char policy[320];
	(void)state;

	assert_true(page_policy(&dashboard, policy, sizeof(policy)));
	assert_non_null(strstr(policy, "default-src 'none'"));
	assert_non_null(strstr(policy, "script-src 'self'; style-src 'self'"));
	assert_null(strstr(policy, "unsafe"));
	assert_true(page_policy(&inlined, policy, sizeof(policy)));
	/* printf abc | openssl dgst -sha256 -binary | base64 */
	assert_non_null(
		strstr(policy, "script-src 'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='"));
	assert_null(strstr(policy, "script-src 'self'"));
	assert_false(page_policy(&bare, policy, sizeof(policy)));
	assert_false(page_policy(&dashboard, policy, 64));
}

static void test_page(void **state)
{
	struct exchange *x = get(*state, 200, "/");
	char etag[64];

	assert_non_null(strstr(buffer_text(&x->text), "<title>Cairn</title>"));
	assert_non_null(strstr(header(x, "Content-Security-Policy"), "frame-ancestors 'none'"));
	assert_string_equal(header(x, "Cache-Control"), "no-cache");
	snprintf(etag, sizeof(etag), "%s", header(x, "ETag"));
	exchange_free(x);
	const char *const headers[] = { "If-None-Match", etag, NULL };
	exchange_free(exchange_send(*state, 304, "GET", "/", NULL, 0, headers));
}

/* Whatever the build made of the dashboard: all that the page names is there, to be kept for ever.
 */
static void test_files(void **state)
{
	struct world *world = *state;
	struct exchange *page = get(world, 200, "/");
	size_t named = 0;

	for (const char *at = buffer_text(&page->text); (at = strstr(at, "\"/assets/")); at++) {
		char path[128];
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(at + 1, "\""), at + 1);
		struct exchange *x = get(world, 200, path);
		assert_non_null(strstr(header(x, "Cache-Control"), "immutable"));
		assert_true(x->text.size > 0);
		exchange_free(x);
		named++;
	}
	assert_int_equal(named > 0, world->api->n_assets > 1);
	exchange_free(page);
	get_only(world, 404, "/assets/index.html"); /* that is at / */
	get_only(world, 404, "/assets/none.js");
	get_only(world, 404, "/assets/");
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_bad_packs),
		cmocka_unit_test(test_policy),
		WORLD_TEST(test_page),
		WORLD_TEST(test_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
