/* The log of an experiment over the api: pages, NDJSON, server-sent events. */
#include "tests/unit/api/exchange.h"

static void make_events(struct world *world, char id[ID_SIZE])
{
	experiment_make(world, "", id); /* 1 */
	suggest_one(world, id);		/* 2 */
	post_only(
		world, 200, url(id, "/observe"), "{\"trial\":0,\"step\":0,\"value\":0.5}"); /* 3 */
	post_only(world, 200, url(id, "/observe"),
		"{\"trial\":0,\"value\":\"inf\",\"final\":true}"); /* 4 */
}

static void pages_hold_the_log(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE], target[512];
	make_events(world, id);

	struct exchange *x = get(world, 200, url(id, "/events?limit=3"));
	assert_int_equal(at_size(x, "items"), 3);
	assert_string_equal(at_text(x, "items.0.type"), "created");
	assert_string_equal(at_text(x, "items.0.spec.name"), "lenet");
	assert_string_equal(at_text(x, "items.1.type"), "suggested");
	assert_int_equal(at_int(x, "items.2.version"), 3);
	snprintf(target, sizeof(target), "%s",
		url(id, "/events?limit=3&cursor=%s", at_text(x, "next_cursor")));
	exchange_free(x);
	x = get(world, 200, target);
	assert_int_equal(at_size(x, "items"), 1);
	assert_string_equal(at_text(x, "items.0.metrics.default"), "inf");
	assert_true(json_is_null(at(x, "next_cursor")));
	exchange_free(x);
	x = get(world, 200, url(id, "/events?since=3"));
	assert_int_equal(at_size(x, "items"), 1);
	exchange_free(x);
	x = get(world, 200, url(id, "/events?since=4"));
	assert_int_equal(at_size(x, "items"), 0);
	exchange_free(x);
	get_only(world, 400, url(id, "/events?since=-1"));
	get_only(world, 400, url(id, "/events?since=x"));
	get_only(world, 404, url("exp_none", "/events"));
}

static void ndjson_ends_with_the_present(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	size_t lines = 0;
	experiment_make(world, "", id);
	for (int i = 0; i < 5; i++)
		post_only(world, 200, url(id, "/suggest"), "{\"count\":256}");

	const char *const headers[] = { "Accept", "application/x-ndjson", NULL };
	struct exchange *x =
		exchange_start(world, "GET", url(id, "/events?since=1"), NULL, 0, headers);
	suggest_one(world, id); /* after the request: not in the answer */
	exchange_read(world, x);
	for (char *line = x->text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
		json_t *event = json_loadb(line, (size_t)(end - line), 0, NULL);
		assert_int_equal(json_integer_value(json_object_get(event, "version")), lines + 2);
		json_decref(event);
		lines++;
	}
	assert_int_equal(lines, 5 * 256);
	exchange_free(x);
}

/* ---- server-sent events ---- */

static struct exchange *listen(struct world *world, const char *target, const char *last_event_id)
{
	const char *const headers[] = { "Accept", "text/event-stream",
		last_event_id ? "Last-Event-ID" : NULL, last_event_id, NULL };
	struct exchange *x = exchange_start(world, "GET", target, NULL, 0, headers);
	exchange_await(x);
	return x;
}

static size_t count_of(const struct exchange *x, const char *needle)
{
	size_t n = 0;
	for (const char *c = buffer_text(&x->text); (c = strstr(c, needle)); c += strlen(needle))
		n++;
	return n;
}

static void a_listener_hears_what_comes(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make_events(world, id);

	struct exchange *x = listen(world, url(id, "/events"), NULL);
	assert_int_equal(x->call.status, 200);
	assert_string_equal(x->call.content_type, "text/event-stream");
	assert_string_equal(header(x, "Cache-Control"), "no-store");
	assert_false(exchange_piece(world, x, false));
	assert_int_equal(strncmp(buffer_text(&x->text), "retry: 2000\n\nid: 1\ndata: {", 26), 0);
	assert_int_equal(count_of(x, "\nid: "), 4);
	assert_non_null(strstr(buffer_text(&x->text), "\"type\":\"observed\""));

	buffer_clear(&x->text);
	assert_false(exchange_piece(world, x, false)); /* nothing new, nothing said */
	assert_int_equal(x->text.size, 0);
	assert_false(exchange_piece(world, x, true));
	assert_string_equal(buffer_text(&x->text), ": ping\n\n");

	unsigned wakes = x->wakes;
	suggest_one(world, id);
	assert_true(x->wakes > wakes);
	buffer_clear(&x->text);
	assert_false(exchange_piece(world, x, false));
	assert_int_equal(strncmp(buffer_text(&x->text), "id: 5\ndata: {", 13), 0);
	assert_int_equal(count_of(x, "id: "), 1);

	exchange_close_stream(x);
	wakes = x->wakes;
	suggest_one(world, id); /* who left is woken no more */
	assert_int_equal(x->wakes, wakes);
	exchange_free(x);
}

static void a_listener_that_comes_back_misses_nothing(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make_events(world, id);

	struct exchange *x = listen(world, url(id, "/events?since=1"), "3");
	assert_false(exchange_piece(world, x, false));
	assert_int_equal(count_of(x, "id: "), 1);
	assert_non_null(strstr(buffer_text(&x->text), "id: 4\n"));
	exchange_free(x);
	x = listen(world, url(id, "/events?since=2"), NULL);
	assert_false(exchange_piece(world, x, false));
	assert_int_equal(count_of(x, "id: "), 2);
	exchange_free(x);
	static const char *const wrong[] = { "x", "-1", "3x", "99999999999999999999" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		x = listen(world, url(id, "/events"), wrong[i]);
		assert_int_equal(x->call.status, 400);
		exchange_free(x);
	}
	x = listen(world, url("exp_none", "/events"), NULL);
	assert_int_equal(x->call.status, 404);
	exchange_free(x);
}

static void a_long_log_comes_in_pieces(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	for (int i = 0; i < 3; i++)
		post_only(world, 200, url(id, "/suggest"), "{\"count\":256}");
	struct exchange *x = listen(world, url(id, "/events"), NULL);
	for (int i = 0; i < 4; i++)
		assert_false(exchange_piece(world, x, false));
	assert_int_equal(count_of(x, "\nid: "), 1 + 3 * 256);
	exchange_free(x);
}

static void a_deleted_experiment_ends_the_stream(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make_events(world, id);
	struct exchange *x = listen(world, url(id, "/events"), NULL);
	assert_false(exchange_piece(world, x, false));
	exchange_free(exchange_send(world, 204, "DELETE", url(id, "%s", ""), NULL, 0, NULL));
	buffer_clear(&x->text);
	assert_true(exchange_piece(world, x, true));
	assert_non_null(strstr(buffer_text(&x->text), "event: deleted\n"));
	exchange_free(x);
}

/* Each edit keeps the whole spec, nearly a megabyte here: more than a page of the usual length may
 * hold in memory. All three streams get through, in smaller pages. */
static void large_events_come_in_smaller_pages(void **state)
{
	enum { LARGE = 900000, EDITS = 40 }; /* together more than one page may take */
	struct world *world = *state;
	char id[ID_SIZE], *option = malloc(LARGE + 1);
	struct buffer body;

	memset(option, 'x', LARGE);
	option[LARGE] = '\0';
	buffer_init(&body, LIMIT_BODY_BYTES);
	buffer_printf(&body,
		"{\"name\":\"large\",\"search_space\":{\"c\":{\"_type\":\"choice\",\"_value\":"
		"[1,\"%s\"]}}}",
		option);
	struct exchange *x = post(world, 201, "/v1/experiments", buffer_text(&body));
	snprintf(id, sizeof(id), "%s", at_text(x, "id"));
	exchange_free(x);
	for (int i = 0; i < EDITS; i++) {
		char note[32];
		snprintf(note, sizeof(note), "{\"note\":\"%d\"}", i);
		x = exchange_start(world, "PATCH", url(id, "%s", ""), note, strlen(note), NULL);
		assert_int_equal(x->call.status, 200);
		exchange_free(x);
	}

	x = get_as(world, 200, "application/x-ndjson", url(id, "/events"));
	assert_int_equal(count_of(x, "\n{\"version\":"), EDITS);
	exchange_free(x);
	x = get(world, 200, url(id, "/export"));
	assert_int_equal(count_of(x, "\n{\"version\":"), EDITS + 1);
	assert_int_equal(count_of(x, "{\"cairn\":"), 1);
	exchange_free(x);
	x = listen(world, url(id, "/events"), NULL);
	assert_false(exchange_piece(world, x, false));
	assert_in_range(count_of(x, "\nid: "), 1, EDITS);
	for (int i = 0; i < EDITS && count_of(x, "\nid: ") < EDITS + 1; i++)
		assert_false(exchange_piece(world, x, false));
	assert_int_equal(count_of(x, "\nid: "), EDITS + 1);
	assert_int_equal(count_of(x, "retry: "), 1);
	exchange_free(x);
	buffer_release(&body);
	free(option);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_hold_the_log),
		TEST(ndjson_ends_with_the_present),
		TEST(a_listener_hears_what_comes),
		TEST(a_listener_that_comes_back_misses_nothing),
		TEST(a_long_log_comes_in_pieces),
		TEST(a_deleted_experiment_ends_the_stream),
		TEST(large_events_come_in_smaller_pages),
	};
	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
