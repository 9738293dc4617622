/* Good replies: formats, times, and the routes of the process and its pages. */
#include "tests/unit/api/exchange.h"

#include "api/reply.h"

static enum format format_of(const char *accept, bool allow_events)
{
	struct exchange x = { 0 };

	x.call.transport = &exchange_transport;
	x.call.transport_data = &x;
	arena_init(&x.call.arena, 0);
	if (accept)
		exchange_add_header(&x, "Accept", accept);
	enum format format = reply_format(&x.call, allow_events);
	assert_string_equal(header(&x, "Vary"), "Accept");
	arena_release(&x.call.arena);
	return format;
}

static void test_formats(void **state)
{
	static const struct {
		const char *accept;
		enum format format;
	} rows[] = {
		{ NULL, FORMAT_JSON },
		{ "", FORMAT_JSON },
		{ "*/*", FORMAT_JSON },
		{ "application/*", FORMAT_JSON },
		{ "text/*", FORMAT_CSV },
		{ "text/csv", FORMAT_CSV },
		{ "TEXT/CSV", FORMAT_CSV },
		{ "application/x-ndjson", FORMAT_NDJSON },
		{ "application/ndjson", FORMAT_NDJSON },
		{ "text/csv, */*;q=0.1", FORMAT_CSV },
		{ "text/csv;q=0.1, application/json;q=0.2", FORMAT_JSON },
		{ "text/csv, application/json", FORMAT_JSON },
		{ "*/*;q=0.9, application/json;q=0.1, text/csv;q=0.5", FORMAT_NDJSON },
		{ "application/json;q=0, text/csv", FORMAT_CSV },
		{ "text/csv ; header=present ; q=0.5", FORMAT_CSV },
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", FORMAT_JSON },
		{ "image/png", FORMAT_JSON },
		{ "text/event-stream", FORMAT_JSON },
		{ "text/csvx", FORMAT_JSON },
		{ "text/csv;q=", FORMAT_CSV }, /* as if it said nothing */
		{ ",,;;q", FORMAT_JSON },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (format_of(rows[i].accept, false) != rows[i].format)
			fail_msg("%s: %d", rows[i].accept, format_of(rows[i].accept, false));
	assert_int_equal(format_of("text/event-stream", true), FORMAT_EVENTS);
	assert_int_equal(format_of("text/*", true), FORMAT_CSV);
}

static void test_times(void **state)
{
	struct buffer out;
	(void)state;

	buffer_init(&out, 100);
	write_time(&out, 1769851800250);
	buffer_add_char(&out, ',');
	write_time(&out, 0);
	assert_string_equal(buffer_text(&out), "\"2026-01-31T09:30:00.250Z\",null");
	buffer_release(&out);
}

static void test_members(void **state)
{
	struct buffer out;
	(void)state;

	buffer_init(&out, 200);
	write_text_member(&out, "a", "x\"y");
	write_text_member(&out, "b", NULL);
	write_count_member(&out, "c", 0);
	write_count_member(&out, "d", -1);
	write_json_member(&out, "e", "[1]");
	write_json_member(&out, "f", NULL);
	write_time_member(&out, "g", 0);
	assert_string_equal(buffer_text(&out), ",\"a\":\"x\\\"y\",\"b\":null,\"c\":0,\"d\":null,"
					       "\"e\":[1],\"f\":null,\"g\":null");
	buffer_release(&out);
}

static void test_answer_that_does_not_fit(void **state)
{
	struct exchange *x = get(*state, 200, "/version");

	x->finished = false;
	json_decref(x->json);
	buffer_clear(&x->text);
	x->call.out.failed = true;
	reply_json(&x->call, 200);
	exchange_read(*state, x);
	assert_int_equal(x->call.status, 413);
	exchange_free(x);
}

static void test_headers_are_set_once(void **state)
{
	struct exchange *x = get(*state, 200, "/version");
	size_t n = x->call.n_headers;

	call_header(&x->call, "x-request-id", "other");
	assert_int_equal(x->call.n_headers, n);
	assert_string_equal(call_header_find(&x->call, "X-Request-Id"), "other");
	assert_null(call_header_find(&x->call, "X-None"));
	exchange_free(x);
}

/* ---- the process ---- */

static void test_process(void **state)
{
	struct exchange *x = get(*state, 200, "/version");
	assert_string_equal(at_text(x, "version"), "test");
	assert_string_equal(header(x, "X-Content-Type-Options"), "nosniff");
	exchange_free(x);
	x = get(*state, 200, "/metrics");
	assert_string_equal(buffer_text(&x->text), "# none\n");
	assert_non_null(strstr(x->call.content_type, "version=0.0.4"));
	exchange_free(x);
	get_only(*state, 200, "/healthz");
	get_only(*state, 200, "/readyz");
}

static bool not_ready(void *context, struct session *session, struct buffer *why)
{
	(void)context;
	assert_non_null(session);
	buffer_add_text(why, "draining");
	return false;
}

static void test_not_ready(void **state)
{
	struct world *world = *state;

	world->api->config.ready = not_ready;
	struct exchange *x = get(world, 503, "/readyz");
	assert_string_equal(at_text(x, "detail"), "draining");
	exchange_free(x);
	get_only(world, 200, "/healthz");
}

static void test_etags(void **state)
{
	static const char *const paths[] = { "/", "/openapi.yaml" };

	for (size_t i = 0; i < 2; i++) {
		char etag[64], list[80];
		struct exchange *x = get(*state, 200, paths[i]);
		assert_true(x->text.size > 400);
		snprintf(etag, sizeof(etag), "%s", header(x, "ETag"));
		exchange_free(x);
		snprintf(list, sizeof(list), "\"x\", W/%s", etag);
		const char *const same[] = { "If-None-Match", list, NULL };
		x = exchange_send(*state, 304, "GET", paths[i], NULL, 0, same);
		assert_int_equal(x->text.size, 0);
		assert_string_equal(header(x, "ETag"), etag);
		exchange_free(x);
		const char *const other[] = { "If-None-Match", "\"x\"", NULL };
		exchange_free(exchange_send(*state, 200, "GET", paths[i], NULL, 0, other));
	}
}

static void test_openapi_is_the_file(void **state)
{
	struct exchange *x = get(*state, 200, "/openapi.yaml");
	assert_string_equal(x->call.content_type, "application/yaml");
	assert_memory_equal(buffer_text(&x->text), "openapi: 3.1", 12);
	exchange_free(x);
}

/* Every operation stands on the page with the summary that openapi.yaml gives it. */
static void test_docs(void **state)
{
	struct exchange *x = get(*state, 200, "/docs");
	const char *text = buffer_text(&x->text);

	for (const struct route *const *table = route_tables; *table; table++) {
		for (const struct route *route = *table; route->handler; route++) {
			char row[256];
			snprintf(row, sizeof(row), "<tr id=\"%s\">", route->operation);
			const char *at_row = strstr(text, row);
			if (!at_row)
				fail_msg("%s is missing", route->operation);
			const char *end = strstr(at_row, "</tr>");
			const char *empty = strstr(at_row, "</code></td><td></td>");
			assert_non_null(end);
			if (empty && empty < end)
				fail_msg("%s has no summary", route->operation);
		}
	}
	assert_non_null(strstr(text, "<td>Check a search space</td>"));
	exchange_free(x);
}

/* The dashboard's files, or the one page that a build without node has. */
static void test_page_policy(void **state)
{
	struct exchange *x = get(*state, 200, "/");
	const char *policy = header(x, "Content-Security-Policy");
	const char *text = buffer_text(&x->text);

	assert_non_null(strstr(policy, "default-src 'none'"));
	assert_null(strstr(policy, "unsafe"));
	if (strstr(text, "<script>")) {
		assert_non_null(strstr(policy, "script-src 'sha256-"));
		assert_non_null(strstr(policy, "style-src 'sha256-"));
		/* One script, one style, nothing from elsewhere. */
		assert_null(strstr(strstr(text, "<script>") + 1, "<script"));
		assert_null(strstr(strstr(text, "<style>") + 1, "<style"));
		assert_null(strstr(text, " src="));
	} else {
		assert_non_null(strstr(policy, "script-src 'self'"));
		assert_non_null(strstr(policy, "style-src 'self'"));
		assert_null(strstr(text, "<style"));
	}
	assert_null(strstr(text, "https://"));
	assert_null(strstr(text, " style="));
	assert_null(strstr(text, " onclick="));
	assert_null(strstr(text, "innerHTML"));
	exchange_free(x);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_members),
		WORLD_TEST(test_answer_that_does_not_fit),
		WORLD_TEST(test_headers_are_set_once),
		WORLD_TEST(test_process),
		WORLD_TEST(test_not_ready),
		WORLD_TEST(test_etags),
		WORLD_TEST(test_openapi_is_the_file),
		WORLD_TEST(test_docs),
		WORLD_TEST(test_page_policy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
