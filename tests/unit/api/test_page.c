/* Pages: limits, cursors, the Link header, and a walk over a real list. */
#include "tests/unit/api/exchange.h"

#include "api/digest.h"
#include "api/reply.h"

static void make_teams(struct world *world, int n)
{
	char body[64];
	for (int i = 0; i < n; i++) {
		snprintf(body, sizeof(body), "{\"id\":\"t%02d\",\"name\":\"T\"}", i);
		post_only(world, 201, "/v1/teams", body);
	}
}

static void test_walk(void **state)
{
	char path[512] = "/v1/teams?limit=3";
	size_t seen = 0, pages = 0;
	const char *last = "";
	char kept[64];

	make_teams(*state, 7); /* with default: 8 */
	for (;;) {
		struct exchange *x = get(*state, 200, path);
		pages++;
		for (size_t i = 0; i < at_size(x, "items"); i++, seen++) {
			char at_id[32];
			snprintf(at_id, sizeof(at_id), "items.%zu.id", i);
			assert_true(strcmp(last, at_text(x, at_id)) < 0);
			snprintf(kept, sizeof(kept), "%s", at_text(x, at_id));
			last = kept;
		}
		if (json_is_null(at(x, "next_cursor"))) {
			assert_null(header(x, "Link"));
			exchange_free(x);
			break;
		}
		char link[512];
		snprintf(link, sizeof(link), "</v1/teams?limit=3&cursor=%s>; rel=\"next\"",
			at_text(x, "next_cursor"));
		assert_string_equal(header(x, "Link"), link);
		snprintf(path, sizeof(path), "/v1/teams?limit=3&cursor=%s",
			at_text(x, "next_cursor"));
		exchange_free(x);
	}
	assert_int_equal(seen, 8);
	assert_int_equal(pages, 3);
}

static void test_page_that_just_fits(void **state)
{
	make_teams(*state, 2);
	struct exchange *x = get(*state, 200, "/v1/teams?limit=3");
	assert_int_equal(at_size(x, "items"), 3);
	assert_true(json_is_null(at(x, "next_cursor")));
	exchange_free(x);
}

static void test_limits(void **state)
{
	static const char *const bad[] = { "0", "-1", "1001", "x", "", "1x", " 1", "+1", "1.0",
		"99999999999999999999" };
	char path[128];

	get_only(*state, 200, "/v1/teams?limit=1");
	get_only(*state, 200, "/v1/teams?limit=1000");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(path, sizeof(path), "/v1/teams?limit=%s", bad[i]);
		struct exchange *x = get(*state, 400, path);
		assert_non_null(strstr(at_text(x, "detail"), "from 1 to 1000"));
		exchange_free(x);
	}
}

static void test_made_up_cursors(void **state)
{
	static const char *const bad[] = { "", "x", "abc", "dDAx", "AAAAAAAA", "****", "AAAAAAAAA",
		"AAAAAHQwMQ" };
	char path[2048], long_one[1100];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(path, sizeof(path), "/v1/teams?cursor=%s", bad[i]);
		get_only(*state, 400, path);
	}
	memset(long_one, 'A', sizeof(long_one));
	long_one[sizeof(long_one) - 1] = '\0';
	snprintf(path, sizeof(path), "/v1/teams?cursor=%s", long_one);
	get_only(*state, 400, path);
}

static void test_cursor_of_another_list(void **state)
{
	char path[512];

	make_teams(*state, 2);
	struct exchange *x = get(*state, 200, "/v1/teams?limit=1");
	snprintf(path, sizeof(path), "/v1/audit?limit=1&cursor=%s", at_text(x, "next_cursor"));
	exchange_free(x);
	get_only(*state, 400, path);
}

static void test_audit_newest_first(void **state)
{
	char path[512];

	make_teams(*state, 3);
	struct exchange *x = get(*state, 200, "/v1/audit?limit=2&team=default");
	assert_int_equal(at_size(x, "items"), 2);
	assert_string_equal(at_text(x, "items.0.target"), "t02");
	assert_string_equal(at_text(x, "items.0.action"), "team.create");
	assert_string_equal(at_text(x, "items.0.actor"), "open");
	assert_string_equal(at_text(x, "items.0.request_id"), "test");
	assert_string_equal(at_text(x, "items.0.at"), "2027-01-15T08:00:00.000Z");
	assert_non_null(strstr(header(x, "Link"), "limit=2&team=default&cursor="));
	snprintf(path, sizeof(path), "/v1/audit?limit=2&cursor=%s", at_text(x, "next_cursor"));
	exchange_free(x);
	x = get(*state, 200, path);
	assert_int_equal(at_size(x, "items"), 1);
	assert_string_equal(at_text(x, "items.0.target"), "t00");
	assert_true(json_is_null(at(x, "next_cursor")));
	exchange_free(x);
}

static void test_base64url(void **state)
{
	/* RFC 4648, section 10, without padding, and the two letters that differ. */
	static const struct {
		const char *text, *encoded;
	} rows[] = { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "-__-" } };
	static const char *const bad[] = { "Z", "Zh", "Zm9", "Zm9vY", "Zg==", "Zm 8", "+//+" };
	unsigned char raw[16];
	char out[16];
	size_t n;
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		base64url_write(rows[i].text, strlen(rows[i].text), out);
		assert_string_equal(out, rows[i].encoded);
		assert_true(base64url_read(out, strlen(out), raw, &n));
		assert_int_equal(n, strlen(rows[i].text));
		assert_memory_equal(raw, rows[i].text, n);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (base64url_read(bad[i], strlen(bad[i]), raw, &n))
			fail_msg("%s was read", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_walk, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_page_that_just_fits, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_limits, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_made_up_cursors, world_open, world_close),
		cmocka_unit_test_setup_teardown(
			test_cursor_of_another_list, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_audit_newest_first, world_open, world_close),
		cmocka_unit_test(test_base64url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
