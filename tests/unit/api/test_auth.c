/* Who may do what: open mode, tokens, scopes, teams, expiry, bootstrap, and the cache. */
#include "tests/unit/api/exchange.h"

#include "api/auth_cache.h"

/* A request with a token (NULL: none) and perhaps one more header. */
static struct exchange *ask(struct world *world, int status, const char *method, const char *path,
	const char *token, const char *body, const char *name, const char *value)
{
	char bearer[128];
	const char *headers[5] = { NULL };
	size_t n = 0;

	if (token) {
		snprintf(bearer, sizeof(bearer), "Bearer %s", token);
		headers[n++] = "Authorization";
		headers[n++] = bearer;
	}
	if (name) {
		headers[n++] = name;
		headers[n++] = value;
	}
	return exchange_send(world, status, method, path, body, body ? strlen(body) : 0, headers);
}

static void want(struct world *world, int status, const char *method, const char *path,
	const char *token, const char *body)
{
	exchange_free(ask(world, status, method, path, token, body, NULL, NULL));
}

static void want_open(struct world *world, int status, const char *name, const char *value)
{
	exchange_free(ask(world, status, "GET", "/v1/tuners", NULL, NULL, name, value));
}

static void make_admin(struct world *world, char secret[API_SECRET_SIZE])
{
	struct error err = { 0 };
	assert_int_equal(
		api_token_bootstrap(world->session, NULL, "root", true, NULL, secret, &err), 0);
	world->now_ms += 2000; /* the server looks at most once a second */
}

static void make_token(
	struct world *world, const char *admin, const char *body, char secret[API_SECRET_SIZE])
{
	struct exchange *x = ask(world, 201, "POST", "/v1/tokens", admin, body, NULL, NULL);
	snprintf(secret, API_SECRET_SIZE, "%s", at_text(x, "secret"));
	assert_string_equal(header(x, "Cache-Control"), "no-store");
	exchange_free(x);
}

/* ---- open mode ---- */

static void test_open_to_this_machine(void **state)
{
	static const char *const hosts[] = { "localhost", "localhost:8080", "LOCALHOST:1",
		"127.0.0.1", "127.0.0.1:9", "[::1]", "[::1]:8080" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		want_open(*state, 200, "Host", hosts[i]);
}

static void test_closed_to_others(void **state)
{
	static const char *const hosts[] = { "example.com", "localhost.example.com", "localhost:x",
		"localhost:80.evil", "127.0.0.1.evil", "127.0.0.11", "", "[::1", "[::1]x" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		want_open(*state, 401, "Host", hosts[i]);
	want_open(*state, 401, "Forwarded", "for=1.2.3.4");
	want_open(*state, 401, "X-Forwarded-For", "");
	want_open(*state, 401, "x-forwarded-host", "localhost");
	want_open(*state, 401, "X-Real-IP", "127.0.0.1");
	want_open(*state, 401, "Origin", "https://evil.example");
	want_open(*state, 401, "Origin", "null");
	want_open(*state, 200, "Origin", "http://localhost:8080");
	struct exchange *x =
		ask(*state, 401, "GET", "/v1/tuners", NULL, NULL, "Host", "example.com");
	assert_non_null(strstr(at_text(x, "detail"), "cairnd token create --admin"));
	assert_string_equal(header(x, "WWW-Authenticate"), "Bearer realm=\"cairn\"");
	exchange_free(x);
}

static void test_closed_to_other_machines(void **state)
{
	struct world *world = *state;
	struct exchange *x = get(world, 200, "/v1/tuners"); /* for a call with its headers */
	struct error err = { 0 };

	x->call.loopback = false;
	int rc = auth_check(world->api->auth, world->session, &x->call, world->now_ms, &err);
	assert_int_equal(rc, CODE_UNAUTHENTICATED);
	assert_non_null(strstr(err.message, "another machine"));
	x->call.loopback = true;
	assert_int_equal(
		auth_check(world->api->auth, world->session, &x->call, world->now_ms, &err), 0);
	assert_string_equal(x->call.identity.token, "open");
	assert_string_equal(x->call.identity.team, "default");
	exchange_free(x);
}

static void test_first_token_closes(void **state)
{
	static const char body[] =
		"{\"name\":\"root\",\"scopes\":[\"admin\"],\"instance_admin\":true}";
	char secret[API_SECRET_SIZE];

	want(*state, 200, "GET", "/v1/tuners", NULL, NULL);
	want(*state, 409, "POST", "/v1/tokens", NULL, "{\"name\":\"a\",\"scopes\":[\"admin\"]}");
	make_token(*state, NULL, body, secret);
	want(*state, 401, "GET", "/v1/tuners", NULL, NULL); /* at once: no time has passed */
	want(*state, 200, "GET", "/v1/tuners", secret, NULL);
}

static void test_token_of_another_process_closes(void **state)
{
	struct world *world = *state;
	struct error err = { 0 };
	char secret[API_SECRET_SIZE];

	want(world, 200, "GET", "/v1/tuners", NULL, NULL);
	assert_int_equal(
		api_token_bootstrap(world->session, NULL, "root", true, NULL, secret, &err), 0);
	world->now_ms += 999;
	want(world, 200, "GET", "/v1/tuners", NULL, NULL);
	world->now_ms += 1;
	want(world, 401, "GET", "/v1/tuners", NULL, NULL);
}

static void test_never_opens_again(void **state)
{
	struct world *world = *state;
	struct arena arena = { 0 };
	const struct token_row *rows;
	struct error err = { 0 };
	char secret[API_SECRET_SIZE];
	size_t n;

	make_admin(world, secret);
	want(world, 200, "GET", "/v1/tuners", secret, NULL);
	assert_int_equal(
		store_token_list(world->session, NULL, NULL, 9, &arena, &rows, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_token_delete(world->session, NULL, rows[0].id, &err), 0);
	arena_release(&arena);
	world->now_ms += 60000;
	want(world, 401, "GET", "/v1/tuners", NULL, NULL);
	want(world, 401, "GET", "/v1/tuners", secret, NULL);
}

static void test_open_routes_need_nothing(void **state)
{
	char secret[API_SECRET_SIZE];

	make_admin(*state, secret);
	want(*state, 200, "GET", "/healthz", NULL, NULL);
	want(*state, 200, "GET", "/readyz", NULL, NULL);
	want(*state, 200, "GET", "/version", NULL, NULL);
	want(*state, 200, "GET", "/metrics", "wrong", NULL);
}

/* ---- tokens ---- */

static void test_bad_tokens(void **state)
{
	static const char *const values[] = { "Basic abc", "Bearer", "Bearer ", "cairn_abc",
		"Bearer a b" };
	char secret[API_SECRET_SIZE];

	want(*state, 401, "GET", "/v1/tuners", "cairn_unknown", NULL); /* in open mode, too */
	make_admin(*state, secret);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		exchange_free(ask(
			*state, 401, "GET", "/v1/tuners", NULL, NULL, "Authorization", values[i]));
	secret[10] = secret[10] == 'a' ? 'b' : 'a';
	struct exchange *x = ask(*state, 401, "GET", "/v1/tuners", secret, NULL, NULL, NULL);
	assert_non_null(strstr(header(x, "WWW-Authenticate"), "invalid_token"));
	exchange_free(x);
}

static void test_scopes(void **state)
{
	char admin[API_SECRET_SIZE], reader[API_SECRET_SIZE], team_admin[API_SECRET_SIZE];
	char id[ID_SIZE];

	experiment_make(*state, "", id);
	make_admin(*state, admin);
	make_token(*state, admin, "{\"name\":\"r\",\"scopes\":[\"read\"]}", reader);
	make_token(*state, admin, "{\"name\":\"a\",\"scopes\":[\"admin\"]}", team_admin);
	want(*state, 200, "GET", "/v1/tuners", reader, NULL);
	want(*state, 403, "POST", url(id, "/suggest"), reader, "{}");
	want(*state, 403, "DELETE", url(id, "%s", ""), reader, NULL);
	struct exchange *x = ask(*state, 403, "GET", "/v1/tokens", reader, NULL, NULL, NULL);
	assert_non_null(strstr(header(x, "WWW-Authenticate"), "scope=\"admin\""));
	exchange_free(x);
	/* admin implies the others, but not the instance. */
	want(*state, 200, "POST", url(id, "/suggest"), team_admin, "{}");
	want(*state, 200, "GET", "/v1/tokens", team_admin, NULL);
	want(*state, 403, "POST", "/v1/teams", team_admin, "{\"name\":\"x\"}");
	want(*state, 403, "PUT", "/v1/teams/default/quota", team_admin, "{}");
	want(*state, 403, "POST", "/v1/tokens", team_admin,
		"{\"name\":\"x\",\"scopes\":[\"admin\"],\"instance_admin\":true}");
}

static void test_teams_are_apart(void **state)
{
	char admin[API_SECRET_SIZE], other[API_SECRET_SIZE], id[ID_SIZE];

	experiment_make(*state, "", id);
	make_admin(*state, admin);
	want(*state, 201, "POST", "/v1/teams", admin, "{\"id\":\"blue\",\"name\":\"Blue\"}");
	make_token(
		*state, admin, "{\"name\":\"b\",\"team\":\"blue\",\"scopes\":[\"admin\"]}", other);
	want(*state, 404, "GET", url(id, "%s", ""), other, NULL);
	want(*state, 404, "GET", "/v1/teams/default", other, NULL);
	want(*state, 404, "GET", "/v1/teams/default/quota", other, NULL);
	want(*state, 404, "GET", "/v1/tokens?team=default", other, NULL);
	want(*state, 404, "GET", "/v1/audit?team=default", other, NULL);
	want(*state, 404, "POST", "/v1/tokens", other,
		"{\"name\":\"x\",\"team\":\"default\",\"scopes\":[\"read\"]}");
	struct exchange *x = ask(*state, 200, "GET", "/v1/teams", other, NULL, NULL, NULL);
	assert_int_equal(at_size(x, "items"), 1);
	assert_string_equal(at_text(x, "items.0.id"), "blue");
	exchange_free(x);
	x = ask(*state, 200, "GET", "/v1/tokens", other, NULL, NULL, NULL);
	assert_int_equal(at_size(x, "items"), 1);
	exchange_free(x);
	x = ask(*state, 200, "GET", "/v1/teams", admin, NULL, NULL, NULL);
	assert_int_equal(at_size(x, "items"), 2);
	exchange_free(x);
}

static void test_expiry(void **state)
{
	struct world *world = *state;
	char admin[API_SECRET_SIZE], secret[API_SECRET_SIZE];

	make_admin(world, admin);
	make_token(world, admin, "{\"name\":\"t\",\"scopes\":[\"read\"],\"expires_in\":\"10s\"}",
		secret);
	world->now_ms += 9999;
	want(world, 200, "GET", "/v1/tuners", secret, NULL);
	world->now_ms += 1; /* although the look-up is cached */
	struct exchange *x = ask(world, 401, "GET", "/v1/tuners", secret, NULL, NULL, NULL);
	assert_non_null(strstr(at_text(x, "detail"), "expired"));
	exchange_free(x);
}

static void test_revoked_here_at_once(void **state)
{
	char admin[API_SECRET_SIZE], secret[API_SECRET_SIZE], path[128];

	make_admin(*state, admin);
	struct exchange *x = ask(*state, 201, "POST", "/v1/tokens", admin,
		"{\"name\":\"t\",\"scopes\":[\"read\"]}", NULL, NULL);
	snprintf(secret, sizeof(secret), "%s", at_text(x, "secret"));
	snprintf(path, sizeof(path), "/v1/tokens/%s", at_text(x, "id"));
	exchange_free(x);
	want(*state, 200, "GET", "/v1/tuners", secret, NULL);
	want(*state, 204, "DELETE", path, admin, NULL);
	want(*state, 401, "GET", "/v1/tuners", secret, NULL);
	want(*state, 404, "DELETE", path, admin, NULL);
}

static void test_revoked_elsewhere_within_the_cache_time(void **state)
{
	struct world *world = *state;
	char admin[API_SECRET_SIZE], secret[API_SECRET_SIZE], id[ID_SIZE];
	struct error err = { 0 };

	make_admin(world, admin);
	struct exchange *x = ask(world, 201, "POST", "/v1/tokens", admin,
		"{\"name\":\"t\",\"scopes\":[\"read\"]}", NULL, NULL);
	snprintf(secret, sizeof(secret), "%s", at_text(x, "secret"));
	snprintf(id, sizeof(id), "%s", at_text(x, "id"));
	exchange_free(x);
	want(world, 200, "GET", "/v1/tuners", secret, NULL);
	assert_int_equal(store_token_delete(world->session, NULL, id, &err), 0);
	world->now_ms += CACHE_TTL_MS - 1;
	want(world, 200, "GET", "/v1/tuners", secret, NULL);
	world->now_ms += 1;
	want(world, 401, "GET", "/v1/tuners", secret, NULL);
}

static int64_t used_ms(struct world *world, const char *secret)
{
	char digest[65];
	struct arena arena = { 0 };
	struct token_row row;
	struct error err = { 0 };

	digest_hex(secret, strlen(secret), digest);
	assert_int_equal(store_token_by_digest(world->session, digest, &arena, &row, &err), 0);
	arena_release(&arena);
	return row.used_ms;
}

static void test_last_used_once_a_minute(void **state)
{
	struct world *world = *state;
	char secret[API_SECRET_SIZE];

	make_admin(world, secret);
	assert_int_equal(used_ms(world, secret), 0);
	want(world, 200, "GET", "/v1/tuners", secret, NULL);
	int64_t first = world->now_ms;
	assert_int_equal(used_ms(world, secret), first);
	world->now_ms = first + 59999;
	want(world, 200, "GET", "/v1/tuners", secret, NULL);
	assert_int_equal(used_ms(world, secret), first);
	world->now_ms = first + 59999 + CACHE_TTL_MS;
	want(world, 200, "GET", "/v1/tuners", secret, NULL);
	assert_int_equal(used_ms(world, secret), world->now_ms);
}

static void test_last_admin_stays(void **state)
{
	char admin[API_SECRET_SIZE], second[API_SECRET_SIZE], path[128];

	make_admin(*state, admin);
	struct exchange *x = ask(*state, 200, "GET", "/v1/tokens", admin, NULL, NULL, NULL);
	snprintf(path, sizeof(path), "/v1/tokens/%s", at_text(x, "items.0.id"));
	exchange_free(x);
	want(*state, 409, "DELETE", path, admin, NULL);
	make_token(*state, admin, "{\"name\":\"2\",\"scopes\":[\"admin\"],\"instance_admin\":true}",
		second);
	want(*state, 204, "DELETE", path, admin, NULL);
	want(*state, 401, "GET", "/v1/tuners", admin, NULL);
	want(*state, 200, "GET", "/v1/tuners", second, NULL);
}

static void test_team_deleted_with_its_tokens(void **state)
{
	char admin[API_SECRET_SIZE], other[API_SECRET_SIZE];

	make_admin(*state, admin);
	want(*state, 201, "POST", "/v1/teams", admin, "{\"id\":\"blue\",\"name\":\"Blue\"}");
	make_token(
		*state, admin, "{\"name\":\"b\",\"team\":\"blue\",\"scopes\":[\"read\"]}", other);
	want(*state, 200, "GET", "/v1/teams/blue", other, NULL);
	want(*state, 409, "DELETE", "/v1/teams/default", admin, NULL);
	want(*state, 204, "DELETE", "/v1/teams/blue", admin, NULL);
	want(*state, 401, "GET", "/v1/tuners", other, NULL);
	want(*state, 404, "DELETE", "/v1/teams/blue", admin, NULL);
}

static void test_token_bodies(void **state)
{
	struct exchange *x = post(*state, 422, "/v1/tokens",
		"{\"scopes\":[\"read\",\"fly\",3],\"expires_in\":\"1h\","
		"\"expires_at\":\"2020-01-01T00:00:00Z\",\"colour\":1}");
	assert_true(has_fault(x, "/name"));
	assert_true(has_fault(x, "/scopes/1"));
	assert_true(has_fault(x, "/scopes/2"));
	assert_true(has_fault(x, "/expires_at"));
	assert_true(has_fault(x, "/colour"));
	exchange_free(x);
	post_only(*state, 422, "/v1/tokens", "{\"name\":\"a\",\"scopes\":[]}");
	post_only(*state, 422, "/v1/tokens",
		"{\"name\":\"a\",\"scopes\":[\"read\"],\"instance_admin\":true}");
	post_only(*state, 404, "/v1/tokens",
		"{\"name\":\"a\",\"team\":\"none\",\"scopes\":[\"admin\"],"
		"\"instance_admin\":true}");
}

/* ---- bootstrap ---- */

static void test_bootstrap_secret(void **state)
{
	struct world *world = *state;
	static const char given[] = "0123456789abcdef0123456789abcdef";
	struct error err = { 0 };
	char out[API_SECRET_SIZE];
	int64_t n;

	assert_int_equal(api_token_bootstrap(world->session, NULL, "f", true, "short", out, &err),
		CODE_INVALID);
	assert_int_equal(api_token_bootstrap(world->session, NULL, "f", true,
				 "0123456789abcdef 123456789abcdef", out, &err),
		CODE_INVALID);
	assert_int_equal(api_token_bootstrap(world->session, "none", "f", true, given, out, &err),
		CODE_NOT_FOUND);
	assert_int_equal(api_token_bootstrap(world->session, NULL, "f", true, given, out, &err), 0);
	assert_string_equal(out, given);
	/* Again, as at each start: nothing more is made. */
	assert_int_equal(api_token_bootstrap(world->session, NULL, "f", true, given, out, &err), 0);
	assert_string_equal(out, "");
	assert_int_equal(store_token_count(world->session, &n, &err), 0);
	assert_int_equal(n, 1);
	world->now_ms += 2000;
	want(world, 201, "POST", "/v1/teams", given, "{\"name\":\"x\"}");
}

static void test_secrets(void **state)
{
	char a[API_SECRET_SIZE], b[API_SECRET_SIZE], digest[65];
	(void)state;

	secret_make(a);
	secret_make(b);
	assert_int_equal(strlen(a), 49);
	assert_memory_equal(a, "cairn_", 6);
	assert_string_not_equal(a, b);
	digest_hex("abc", 3, digest); /* FIPS 180-2, appendix B.1 */
	assert_string_equal(
		digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* ---- the cache ---- */

static void test_cache_is_bounded(void **state)
{
	struct auth_cache *cache = calloc(1, sizeof(*cache));
	size_t kept = 0;
	(void)state;

	assert_non_null(cache);
	for (int i = 0; i < 5000; i++) {
		struct known_token token = { .loaded_ms = 1000 + i };
		snprintf(token.digest, sizeof(token.digest), "%d", i);
		cache_token_put(cache, &token);
		const struct known_token *found = cache_token(cache, token.digest, 1000 + i);
		assert_non_null(found);
		assert_string_equal(found->digest, token.digest);
	}
	for (int i = 0; i < 5000; i++) {
		char digest[DIGEST_HEX_SIZE];
		snprintf(digest, sizeof(digest), "%d", i);
		kept += cache_token(cache, digest, 5999) != NULL;
	}
	assert_true(kept > CACHE_SETS && kept <= CACHE_SETS * CACHE_WAYS);
	cache_forget(cache);
	assert_null(cache_token(cache, "4999", 5999));
	free(cache);
}

static void test_cache_of_a_clock_that_steps_back(void **state)
{
	(void)state;
	assert_true(cache_fresh(1000, 1000));
	assert_true(cache_fresh(1000, 1000 + CACHE_TTL_MS - 1));
	assert_false(cache_fresh(1000, 1000 + CACHE_TTL_MS));
	assert_false(cache_fresh(1000, 999));
	assert_false(cache_fresh(0, 1));
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_open_to_this_machine),
		WORLD_TEST(test_closed_to_others),
		WORLD_TEST(test_closed_to_other_machines),
		WORLD_TEST(test_first_token_closes),
		WORLD_TEST(test_token_of_another_process_closes),
		WORLD_TEST(test_never_opens_again),
		WORLD_TEST(test_open_routes_need_nothing),
		WORLD_TEST(test_bad_tokens),
		WORLD_TEST(test_scopes),
		WORLD_TEST(test_teams_are_apart),
		WORLD_TEST(test_expiry),
		WORLD_TEST(test_revoked_here_at_once),
		WORLD_TEST(test_revoked_elsewhere_within_the_cache_time),
		WORLD_TEST(test_last_used_once_a_minute),
		WORLD_TEST(test_last_admin_stays),
		WORLD_TEST(test_team_deleted_with_its_tokens),
		WORLD_TEST(test_token_bodies),
		WORLD_TEST(test_bootstrap_secret),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_cache_is_bounded),
		cmocka_unit_test(test_cache_of_a_clock_that_steps_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
