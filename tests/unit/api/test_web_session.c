/* /v1/session: the cookie of a browser, what it may do, and where it must come from. */
#include "tests/unit/api/exchange.h"

#define ORIGIN "Origin", "http://localhost"

static void make_admin(struct world *world, char secret[API_SECRET_SIZE], const char *given)
{
	struct error err = { 0 };
	assert_int_equal(
		api_token_bootstrap(world->session, NULL, "root", true, given, secret, &err), 0);
	world->now_ms += 2000; /* the server looks at most once a second */
}

static struct exchange *send(struct world *world, int status, const char *method, const char *path,
	const char *body, const char *const *headers)
{
	return exchange_send(world, status, method, path, body, body ? strlen(body) : 0, headers);
}

/* Logs in; cookie gets what the browser would send. */
static void log_in(struct world *world, const char *secret, char cookie[256])
{
	const char *const headers[] = { ORIGIN, NULL };
	char body[160];

	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", secret);
	struct exchange *x = send(world, 200, "POST", "/v1/session", body, headers);
	const char *set = header(x, "Set-Cookie");
	assert_non_null(set);
	assert_non_null(strstr(set, "; HttpOnly; SameSite=Strict"));
	assert_null(strstr(set, "Secure"));
	assert_null(strstr(set, secret));
	assert_string_equal(header(x, "Cache-Control"), "no-store");
	assert_true(json_is_true(at(x, "authenticated")));
	snprintf(cookie, 256, "other=1; %.*s", (int)strcspn(set, ";"), set);
	exchange_free(x);
}

static void want(struct world *world, int status, const char *method, const char *path,
	const char *body, const char *const *headers)
{
	exchange_free(send(world, status, method, path, body, headers));
}

static void test_cookie_reads(void **state)
{
	char secret[API_SECRET_SIZE], cookie[256];

	make_admin(*state, secret, NULL);
	want(*state, 401, "GET", "/v1/tuners", NULL, NULL);
	log_in(*state, secret, cookie);
	const char *const headers[] = { "Cookie", cookie, NULL };
	want(*state, 200, "GET", "/v1/tuners", NULL, headers);
	struct exchange *x = send(*state, 200, "GET", "/v1/session", NULL, headers);
	assert_true(json_is_true(at(x, "authenticated")));
	assert_true(json_is_false(at(x, "open")));
	assert_string_equal(at_text(x, "team"), "default");
	assert_int_equal(at_size(x, "scopes"), 4);
	exchange_free(x);
}

/* A token that a cookie could not hold as it is. */
static void test_cookie_of_any_token(void **state)
{
	static const char odd[] = "a;b, c=d\\e[01234567890123456789]";
	char text[sizeof(odd)];
	char secret[API_SECRET_SIZE], cookie[256], body[160];
	const char *const origin[] = { ORIGIN, NULL };

	snprintf(text, sizeof(text), "%s", odd);
	text[4] = '-'; /* no spaces in tokens */
	make_admin(*state, secret, text);
	snprintf(body, sizeof(body), "{\"token\":\"a;b,-c=d\\\\e[01234567890123456789]\"}");
	struct exchange *x = send(*state, 200, "POST", "/v1/session", body, origin);
	const char *set = header(x, "Set-Cookie");
	snprintf(cookie, sizeof(cookie), "%.*s", (int)strcspn(set, ";"), set);
	exchange_free(x);
	const char *const headers[] = { "Cookie", cookie, NULL };
	want(*state, 200, "GET", "/v1/tuners", NULL, headers);
}

static void test_cookie_writes(void **state)
{
	char secret[API_SECRET_SIZE], cookie[256], id[ID_SIZE];
	static const char spec[] = "{\"name\":\"a\",\"search_space\":{\"x\":{\"_type\":\"uniform\","
				   "\"_value\":[0,1]}}}";

	make_admin(*state, secret, NULL);
	log_in(*state, secret, cookie);
	const char *const none[] = { "Cookie", cookie, NULL };
	const char *const other[] = { "Cookie", cookie, "Origin", "http://evil.example", NULL };
	const char *const port[] = { "Cookie", cookie, "Origin", "http://localhost:99", NULL };
	const char *const form[] = { "Cookie", cookie, ORIGIN, "Content-Type", "text/plain", NULL };
	const char *const good[] = { "Cookie", cookie, ORIGIN, NULL };
	const char *const typed[] = { "Cookie", cookie, ORIGIN, "Content-Type", "application/json",
		NULL };
	want(*state, 403, "POST", "/v1/experiments", spec, none);
	want(*state, 403, "POST", "/v1/experiments", spec, other);
	want(*state, 403, "POST", "/v1/experiments", spec, port);
	want(*state, 403, "POST", "/v1/experiments", spec, form);
	struct exchange *x = send(*state, 201, "POST", "/v1/experiments", spec, good);
	snprintf(id, sizeof(id), "%s", at_text(x, "id"));
	exchange_free(x);
	want(*state, 403, "POST", url(id, "/pause"), NULL, good); /* no type, as a form may be */
	want(*state, 200, "POST", url(id, "/pause"), NULL, typed);
	want(*state, 403, "DELETE", url(id, "%s", ""), NULL, none);
	want(*state, 204, "DELETE", url(id, "%s", ""), NULL, good);
}

static void test_bad_logins(void **state)
{
	char secret[API_SECRET_SIZE], body[160];
	const char *const origin[] = { ORIGIN, NULL };
	const char *const other[] = { "Origin", "http://evil.example", NULL };

	make_admin(*state, secret, NULL);
	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", secret);
	want(*state, 403, "POST", "/v1/session", body, NULL);
	want(*state, 403, "POST", "/v1/session", body, other);
	want(*state, 401, "POST", "/v1/session", "{\"token\":\"cairn_wrong\"}", origin);
	want(*state, 422, "POST", "/v1/session", "{\"token\":\"\"}", origin);
	want(*state, 422, "POST", "/v1/session", "{}", origin);
	want(*state, 403, "DELETE", "/v1/session", NULL, other);
	struct exchange *x = send(*state, 204, "DELETE", "/v1/session", NULL, origin);
	assert_non_null(strstr(header(x, "Set-Cookie"), "Max-Age=0"));
	exchange_free(x);
}

static void test_secure_over_https(void **state)
{
	char secret[API_SECRET_SIZE], body[160];
	const char *const origin[] = { "Host", "cairn.example", "Origin", "https://cairn.example",
		NULL };

	make_admin(*state, secret, NULL);
	snprintf(body, sizeof(body), "{\"token\":\"%s\"}", secret);
	struct exchange *x = send(*state, 200, "POST", "/v1/session", body, origin);
	assert_non_null(strstr(header(x, "Set-Cookie"), "; Secure"));
	exchange_free(x);
}

static void test_made_up_cookies(void **state)
{
	static const char *const cookies[] = { "cairn_session=", "cairn_session", "=", ";;;", "",
		"cairn_session=!!!!", "cairn_session=YQ", "cairn_session=YQ; cairn_session=YQ",
		"xcairn_session=YQ" };
	char secret[API_SECRET_SIZE];

	make_admin(*state, secret, NULL);
	for (size_t i = 0; i < sizeof(cookies) / sizeof(*cookies); i++) {
		const char *const headers[] = { "Cookie", cookies[i], NULL };
		want(*state, 401, "GET", "/v1/tuners", NULL, headers);
		struct exchange *x = send(*state, 200, "GET", "/v1/session", NULL, headers);
		assert_true(json_is_false(at(x, "authenticated")));
		assert_true(strlen(at_text(x, "detail")) > 0);
		assert_true(json_is_null(at(x, "team")));
		exchange_free(x);
	}
}

/* Cookies know no ports: one of another server must not close an open one. */
static void test_open_server_takes_no_notice(void **state)
{
	const char *const headers[] = { "Cookie", "cairn_session=YQ", NULL };
	const char *const far[] = { "Host", "example.com", NULL };

	want(*state, 200, "GET", "/v1/tuners", NULL, headers);
	struct exchange *x = send(*state, 200, "GET", "/v1/session", NULL, headers);
	assert_true(json_is_true(at(x, "open")));
	assert_string_equal(at_text(x, "token"), "open");
	exchange_free(x);
	x = send(*state, 200, "GET", "/v1/session", NULL, far);
	assert_true(json_is_false(at(x, "authenticated")));
	assert_true(json_is_true(at(x, "open")));
	exchange_free(x);
}

static void test_scopes_hold(void **state)
{
	char secret[API_SECRET_SIZE], cookie[256], bearer[96], reader[API_SECRET_SIZE];

	make_admin(*state, secret, NULL);
	snprintf(bearer, sizeof(bearer), "Bearer %s", secret);
	const char *const admin[] = { "Authorization", bearer, NULL };
	struct exchange *x = send(
		*state, 201, "POST", "/v1/tokens", "{\"name\":\"r\",\"scopes\":[\"read\"]}", admin);
	snprintf(reader, sizeof(reader), "%s", at_text(x, "secret"));
	exchange_free(x);
	log_in(*state, reader, cookie);
	const char *const headers[] = { "Cookie", cookie, ORIGIN, NULL };
	want(*state, 200, "GET", "/v1/experiments", NULL, headers);
	want(*state, 403, "POST", "/v1/experiments", "{}", headers);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_cookie_reads),
		WORLD_TEST(test_cookie_of_any_token),
		WORLD_TEST(test_cookie_writes),
		WORLD_TEST(test_bad_logins),
		WORLD_TEST(test_secure_over_https),
		WORLD_TEST(test_made_up_cookies),
		WORLD_TEST(test_open_server_takes_no_notice),
		WORLD_TEST(test_scopes_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
