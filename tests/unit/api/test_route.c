/* The route table: matching, methods, and what api_route answers by itself. */
#include "tests/unit/api/exchange.h"

static void nothing(struct api *api, struct session *session, struct call *call)
{
	(void)api;
	(void)session;
	(void)call;
}

static const struct route things[] = {
	{ METHOD_GET, "/things", "list", nothing },
	{ METHOD_POST, "/things", "create", nothing },
	{ METHOD_GET, "/things/{id}", "get", nothing },
	{ METHOD_POST, "/things/{id}", "act", nothing },
	{ METHOD_POST, "/things/import", "import", nothing },
	{ METHOD_GET, "/things/{id}/parts/{n}/files/{name}", "file", nothing },
	{ 0 },
};
static const struct route root[] = { { METHOD_GET, "/", "root", nothing }, { 0 } };
static const struct route *const tables[] = { things, root, NULL };

struct found {
	const struct route *route;
	unsigned allowed;
	const char *args[CALL_ARGS];
	struct arena arena;
};

static void find(struct found *out, enum method method, const char *path)
{
	arena_release(&out->arena);
	out->route = route_find(tables, method, path, &out->arena, out->args, &out->allowed);
}

static void assert_finds(enum method method, const char *path, const char *operation)
{
	struct found found = { 0 };
	find(&found, method, path);
	if (operation) {
		assert_non_null(found.route);
		assert_string_equal(found.route->operation, operation);
	} else {
		assert_null(found.route);
	}
	arena_release(&found.arena);
}

static void test_literals_and_placeholders(void **state)
{
	(void)state;
	assert_finds(METHOD_GET, "/", "root");
	assert_finds(METHOD_GET, "/things", "list");
	assert_finds(METHOD_POST, "/things", "create");
	assert_finds(METHOD_HEAD, "/things", "list");
	assert_finds(METHOD_GET, "/things/a", "get");
	assert_finds(METHOD_POST, "/things/import", "import"); /* wins over {id} */
	assert_finds(METHOD_POST, "/things/imports", "act");
	assert_finds(METHOD_GET, "/things/import", "get"); /* another method: {id} only */
}

static void test_no_such_path(void **state)
{
	(void)state;
	static const char *const paths[] = { "", "things", "/thing", "/things/", "//things",
		"/things//", "/things/a/", "/things/a/b", "/things/a b", "/things/a\nb",
		"/things/é", "/Things", "/things/a/parts", "/things/a/parts/1/files/" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct found found = { 0 };
		find(&found, METHOD_GET, paths[i]);
		if (found.route || found.allowed)
			fail_msg("%s was found", paths[i]);
		arena_release(&found.arena);
	}
}

static void test_arguments(void **state)
{
	struct found found = { 0 };
	(void)state;
	find(&found, METHOD_GET, "/things/exp_-.9/parts/12/files/a b.txt");
	assert_non_null(found.route);
	assert_string_equal(found.args[0], "exp_-.9");
	assert_string_equal(found.args[1], "12");
	assert_string_equal(found.args[2], "a b.txt");
	arena_release(&found.arena);
}

static void test_numbers(void **state)
{
	static const char *const good[] = { "0", "1", "10", "9007199254740992" };
	static const char *const bad[] = { "00", "01", "-1", "+1", "1.0", "1e3", "x", "",
		"9007199254740993", "99999999999999999999" };
	char path[128];
	(void)state;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(path, sizeof(path), "/things/a/parts/%s/files/f", good[i]);
		assert_finds(METHOD_GET, path, "file");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(path, sizeof(path), "/things/a/parts/%s/files/f", bad[i]);
		assert_finds(METHOD_GET, path, NULL);
	}
}

static void test_names_at_their_limits(void **state)
{
	char path[512], name[LIMIT_NAME + 2];
	(void)state;

	memset(name, 'x', sizeof(name));
	name[LIMIT_NAME] = '\0';
	snprintf(path, sizeof(path), "/things/a/parts/1/files/%s", name);
	assert_finds(METHOD_GET, path, "file");
	name[LIMIT_NAME] = 'x';
	name[LIMIT_NAME + 1] = '\0';
	snprintf(path, sizeof(path), "/things/a/parts/1/files/%s", name);
	assert_finds(METHOD_GET, path, NULL);
	assert_finds(METHOD_GET, "/things/a/parts/1/files/..", NULL);
	assert_finds(METHOD_GET, "/things/a/parts/1/files/.", NULL);
	assert_finds(METHOD_GET, "/things/a/parts/1/files/...", "file");
	assert_finds(METHOD_GET, "/things/a/parts/1/files/a\\b", NULL);
	assert_finds(METHOD_GET, "/things/a/parts/1/files/a\x7f", NULL);
	memset(name, 'i', 65);
	name[64] = '\0';
	snprintf(path, sizeof(path), "/things/%s", name);
	assert_finds(METHOD_GET, path, "get");
	name[64] = 'i';
	name[65] = '\0';
	snprintf(path, sizeof(path), "/things/%s", name);
	assert_finds(METHOD_GET, path, NULL);
}

static void test_allow(void **state)
{
	struct found found = { 0 };
	struct buffer text;
	(void)state;

	buffer_init(&text, 200);
	find(&found, METHOD_DELETE, "/things");
	assert_null(found.route);
	route_allow(found.allowed, &text);
	assert_string_equal(buffer_text(&text), "GET, HEAD, POST, OPTIONS");
	buffer_release(&text);
	arena_release(&found.arena);
}

static void test_takes(void **state)
{
	(void)state;
	assert_true(route_takes("limit cursor", "limit"));
	assert_true(route_takes("limit cursor", "cursor"));
	assert_false(route_takes("limit cursor", "curs"));
	assert_false(route_takes("limit cursor", "cursors"));
	assert_false(route_takes("limit cursor", "limit cursor"));
	assert_false(route_takes("", "limit"));
	assert_false(route_takes(NULL, "limit"));
}

/* ---- the real tables ---- */

static void test_tables_are_sound(void **state)
{
	(void)state;
	size_t n = 0;
	for (const struct route *const *table = route_tables; *table; table++) {
		for (const struct route *route = *table; route->handler; route++, n++) {
			assert_int_equal(route->path[0], '/');
			assert_non_null(route->operation);
			/* An inline route has no session to look a token up with. */
			assert_true(!(route->flags & ROUTE_INLINE) || route->scope == SCOPE_NONE);
			assert_true(
				!(route->flags & ROUTE_INSTANCE) || route->scope == SCOPE_ADMIN);
			bool typed = route->flags & (ROUTE_JSON | ROUTE_NDJSON | ROUTE_RAW);
			assert_true(typed == (route->body_max > 0));
			for (const struct route *const *t = route_tables; *t; t++)
				for (const struct route *other = *t; other->handler; other++)
					assert_true(
						other == route ||
						strcmp(other->operation, route->operation) != 0);
		}
	}
	assert_true(n > 15);
}

static void test_wrong_method(void **state)
{
	struct exchange *x = exchange_send(*state, 405, "DELETE", "/v1/tuners", NULL, 0, NULL);
	assert_string_equal(header(x, "Allow"), "GET, HEAD, OPTIONS");
	assert_int_equal(at_int(x, "status"), 405);
	assert_string_equal(at_text(x, "type"), "/docs/problems#method_not_allowed");
	exchange_free(x);
	x = exchange_send(*state, 405, "BREW", "/healthz", NULL, 0, NULL);
	exchange_free(x);
}

static void test_options(void **state)
{
	struct exchange *x = exchange_send(*state, 204, "OPTIONS", "/v1/tokens", NULL, 0, NULL);
	assert_string_equal(header(x, "Allow"), "GET, HEAD, POST, OPTIONS");
	assert_int_equal(x->text.size, 0);
	exchange_free(x);
	exchange_free(exchange_send(*state, 404, "OPTIONS", "/nothing", NULL, 0, NULL));
}

static void test_unknown_path(void **state)
{
	struct exchange *x = get(*state, 404, "/v1/tuners/");
	assert_string_equal(at_text(x, "type"), "/docs/problems#not_found");
	assert_string_equal(at_text(x, "request_id"), "test");
	assert_string_equal(header(x, "X-Request-Id"), "test");
	exchange_free(x);
}

static void test_head(void **state)
{
	exchange_free(exchange_send(*state, 200, "HEAD", "/v1/tuners", NULL, 0, NULL));
}

static void test_unknown_query_argument(void **state)
{
	struct exchange *x = get(*state, 400, "/v1/teams?limit=1&size=2");
	assert_non_null(strstr(at_text(x, "detail"), "size"));
	assert_non_null(strstr(at_text(x, "detail"), "limit cursor"));
	exchange_free(x);
	get_only(*state, 400, "/v1/tuners?limit=1");
	get_only(*state, 400, "/healthz?");
}

static const char space[] = "{\"search_space\":{\"a\":{\"_type\":\"uniform\",\"_value\":[0,1]}}}";

static void send_type(struct world *world, int status, const char *type, const char *encoding)
{
	const char *const headers[] = { "Content-Type", type, encoding ? "Content-Encoding" : NULL,
		encoding, NULL };
	exchange_free(exchange_send(
		world, status, "POST", "/v1/spaces/validate", space, sizeof(space) - 1, headers));
}

static void test_content_type(void **state)
{
	send_type(*state, 200, "application/json", NULL);
	send_type(*state, 200, "application/json; charset=utf-8", NULL);
	send_type(*state, 200, "Application/JSON;charset=\"UTF-8\"", NULL);
	send_type(*state, 200, "application/json", "identity");
	send_type(*state, 415, "application/json; charset=latin1", NULL);
	send_type(*state, 415, "application/json; charset=utf-80", NULL);
	send_type(*state, 415, "application/jsonp", NULL);
	send_type(*state, 415, "text/plain", NULL);
	send_type(*state, 415, "application/x-www-form-urlencoded", NULL);
	send_type(*state, 415, "application/json", "gzip");
}

static void test_body_sizes(void **state)
{
	static const char replay[] = "/v1/experiments/exp_0000000000000000000000/trials/1/replay";
	struct world *world = *state;
	size_t size = LIMIT_BODY_BYTES;
	char *body = malloc(size + 1);
	assert_non_null(body);
	memset(body, ' ', size + 1);
	memcpy(body, space, sizeof(space) - 1);
	exchange_free(exchange_send(world, 200, "POST", "/v1/spaces/validate", body, size, NULL));
	exchange_free(
		exchange_send(world, 413, "POST", "/v1/spaces/validate", body, size + 1, NULL));
	free(body);
	exchange_free(exchange_send(world, 413, "GET", "/v1/tuners", "{}", 2, NULL));
	/* An empty object is as good as no body, where none is taken. */
	exchange_free(exchange_send(world, 404, "POST", replay, "{}", 2, NULL));
	exchange_free(exchange_send(world, 404, "POST", replay, " { }\r\n", 7, NULL));
	exchange_free(exchange_send(world, 413, "POST", replay, "{\0}", 3, NULL));
	exchange_free(exchange_send(world, 413, "POST", replay, "{1}", 3, NULL));
	exchange_free(exchange_send(world, 413, "POST", replay, "{}       ", 9, NULL));
	exchange_free(exchange_send(world, 400, "POST", "/v1/spaces/validate", NULL, 0, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals_and_placeholders),
		cmocka_unit_test(test_no_such_path),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_names_at_their_limits),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_tables_are_sound),
		cmocka_unit_test_setup_teardown(test_wrong_method, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_options, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_unknown_path, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_head, world_open, world_close),
		cmocka_unit_test_setup_teardown(
			test_unknown_query_argument, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_content_type, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_body_sizes, world_open, world_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
