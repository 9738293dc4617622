/* Artifacts and logs of trials over the api. */
#include "tests/unit/api/exchange.h"

static struct exchange *put(struct world *world, int status, const char *target, const char *type,
	const void *data, size_t size)
{
	const char *const headers[] = { "Content-Type", type, NULL };
	return exchange_send(world, status, "PUT", target, data, size, type ? headers : NULL);
}

static void put_only(struct world *world, int status, const char *target, const char *data)
{
	exchange_free(put(world, status, target, "text/plain", data, strlen(data)));
}

static void make_trial(struct world *world, char id[ID_SIZE])
{
	experiment_make(world, "", id);
	suggest_one(world, id);
}

static void comes_back_as_it_was_put(void **state)
{
	struct world *world = *state;
	size_t size = 1000003; /* several chunks, and no round number */
	unsigned char *data = malloc(size);
	char id[ID_SIZE];
	make_trial(world, id);
	for (size_t i = 0; i < size; i++)
		data[i] = (unsigned char)(i * 2654435761u >> 13);

	struct exchange *x =
		put(world, 201, url(id, "/trials/0/artifacts/model.pt"), "", data, size);
	assert_int_equal(at_int(x, "size"), size);
	assert_int_equal(strlen(at_text(x, "sha256")), 64);
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/0/artifacts/model.pt"));
	assert_int_equal(x->text.size, size);
	assert_memory_equal(x->text.data, data, size);
	assert_string_equal(header(x, "Content-Disposition"), "attachment; filename=\"model.pt\"");
	assert_string_equal(header(x, "X-Content-Type-Options"), "nosniff");
	char etag[80];
	snprintf(etag, sizeof(etag), "%s", header(x, "ETag"));
	exchange_free(x);
	const char *const headers[] = { "If-None-Match", etag, NULL };
	x = exchange_send(
		world, 304, "GET", url(id, "/trials/0/artifacts/model.pt"), NULL, 0, headers);
	assert_int_equal(x->text.size, 0);
	exchange_free(x);
	free(data);
}

static void is_replaced_listed_and_deleted(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE], target[512];
	make_trial(world, id);
	put_only(world, 201, url(id, "/trials/0/artifacts/b"), "one");
	put_only(world, 200, url(id, "/trials/0/artifacts/b"), "three");
	put_only(world, 201, url(id, "/trials/0/artifacts/a \"x\".txt"), "");
	put_only(world, 201, url(id, "/trials/0/artifacts/c"), "two");

	struct exchange *x = get(world, 200, url(id, "/trials/0/artifacts?limit=2"));
	assert_string_equal(at_text(x, "items.0.name"), "a \"x\".txt");
	assert_int_equal(at_int(x, "items.0.size"), 0);
	assert_string_equal(at_text(x, "items.1.name"), "b");
	assert_int_equal(at_int(x, "items.1.size"), 5);
	assert_string_equal(at_text(x, "items.1.content_type"), "text/plain");
	snprintf(target, sizeof(target), "%s",
		url(id, "/trials/0/artifacts?limit=2&cursor=%s", at_text(x, "next_cursor")));
	exchange_free(x);
	x = get(world, 200, target);
	assert_string_equal(at_text(x, "items.0.name"), "c");
	assert_true(json_is_null(at(x, "next_cursor")));
	exchange_free(x);

	x = get(world, 200, url(id, "/trials/0/artifacts/b"));
	assert_string_equal(buffer_text(&x->text), "three");
	assert_string_equal(x->call.content_type, "text/plain");
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/0/artifacts/a \"x\".txt"));
	assert_int_equal(x->text.size, 0);
	assert_string_equal(header(x, "Content-Disposition"), "attachment; filename=\"a__x_.txt\"");
	exchange_free(x);
	target[0] = '\0';
	exchange_free(exchange_send(
		world, 204, "DELETE", url(id, "/trials/0/artifacts/b"), NULL, 0, NULL));
	get_only(world, 404, url(id, "/trials/0/artifacts/b"));
	exchange_free(exchange_send(
		world, 404, "DELETE", url(id, "/trials/0/artifacts/b"), NULL, 0, NULL));
}

static void needs_a_trial(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make_trial(world, id);
	put_only(world, 404, url(id, "/trials/1/artifacts/a"), "x");
	put_only(world, 404, url("exp_none", "/trials/0/artifacts/a"), "x");
	put_only(world, 404, url(id, "/trials/0/artifacts/.."), "x");
	get_only(world, 404, url(id, "/trials/1/artifacts"));
	get_only(world, 404, url(id, "/trials/0/artifacts/none"));
}

static void the_quota_counts_what_is_replaced_once(void **state)
{
	struct world *world = *state;
	struct quota quota = { .artifact_bytes = 10 };
	char id[ID_SIZE];
	make_trial(world, id);
	assert_int_equal(store_quota_set(world->session, "default", &quota, NULL), 0);
	put_only(world, 201, url(id, "/trials/0/artifacts/a"), "12345678");
	put_only(world, 200, url(id, "/trials/0/artifacts/a"), "1234567890");
	struct exchange *x =
		put(world, 429, url(id, "/trials/0/artifacts/b"), "text/plain", "1", 1);
	assert_non_null(strstr(at_text(x, "detail"), "\"artifact_bytes\""));
	exchange_free(x);
	put_only(world, 429, url(id, "/trials/0/artifacts/a"), "12345678901");
	put_only(world, 200, url(id, "/trials/0/artifacts/a"), "");
	put_only(world, 201, url(id, "/trials/0/artifacts/b"), "1234567890");
}

static void breaks_off_when_it_is_replaced(void **state)
{
	struct world *world = *state;
	size_t size = 300000; /* more than one chunk */
	char *data = calloc(1, size), id[ID_SIZE];
	make_trial(world, id);
	exchange_free(put(world, 201, url(id, "/trials/0/artifacts/a"), NULL, data, size));
	struct exchange *x =
		exchange_start(world, "GET", url(id, "/trials/0/artifacts/a"), NULL, 0, NULL);
	assert_false(exchange_piece(world, x, false));
	data[0] = 1;
	exchange_free(put(world, 200, url(id, "/trials/0/artifacts/a"), NULL, data, size));
	struct error err = { 0 };
	bool done = false;
	int rc = x->call.stream->next(x->call.stream, world->session, false, &x->text, &done, &err);
	assert_int_equal(rc, CODE_CONFLICT);
	exchange_free(x);
	free(data);
}

/* ---- logs ---- */

static struct exchange *append(
	struct world *world, int status, const char *id, long long offset, const char *text)
{
	const char *const headers[] = { "Content-Type", "text/plain", NULL };
	return exchange_send(world, status, "POST", url(id, "/trials/0/log?offset=%lld", offset),
		text, strlen(text), headers);
}

static void log_is(struct world *world, const char *target, const char *want, const char *length)
{
	struct exchange *x = get(world, 200, target);
	assert_string_equal(buffer_text(&x->text), want);
	assert_string_equal(header(x, "Upload-Offset"), length);
	assert_string_equal(x->call.content_type, "text/plain; charset=utf-8");
	exchange_free(x);
}

static void a_log_grows_at_its_end_only(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make_trial(world, id);
	log_is(world, url(id, "/trials/0/log"), "", "0");

	struct exchange *x = append(world, 200, id, 0, "one\n");
	assert_int_equal(at_int(x, "length"), 4);
	exchange_free(x);
	x = append(world, 409, id, 0, "one\n"); /* its answer was lost */
	assert_string_equal(header(x, "Upload-Offset"), "4");
	assert_non_null(strstr(at_text(x, "detail"), "4 bytes"));
	exchange_free(x);
	exchange_free(append(world, 409, id, 9, "x"));
	exchange_free(append(world, 200, id, 4, "two\n"));
	log_is(world, url(id, "/trials/0/log"), "one\ntwo\n", "8");
	log_is(world, url(id, "/trials/0/log?offset=4"), "two\n", "8");
	log_is(world, url(id, "/trials/0/log?offset=8"), "", "8");
	log_is(world, url(id, "/trials/0/log?offset=100"), "", "8");
	log_is(world, url(id, "/trials/0/log?tail=3"), "wo\n", "8");
	log_is(world, url(id, "/trials/0/log?tail=300"), "one\ntwo\n", "8");
	get_only(world, 400, url(id, "/trials/0/log?tail=3&offset=1"));
	get_only(world, 400, url(id, "/trials/0/log?tail=0"));
	get_only(world, 400, url(id, "/trials/0/log?offset=x"));
	get_only(world, 404, url(id, "/trials/1/log"));
	exchange_free(append(world, 400, id, -1, "x"));
	exchange_free(append(world, 413, id, LIMIT_LOG_BYTES, "x"));
	post_only(world, 400, url(id, "/trials/0/log"), "x");
	post_only(world, 404, url(id, "/trials/5/log?offset=0"), "x");
}

static void a_long_log_is_streamed(void **state)
{
	struct world *world = *state;
	size_t size = 700001;
	char *text = malloc(size + 1), id[ID_SIZE];
	make_trial(world, id);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + i * 7 % 26);
	text[size] = '\0';
	exchange_free(append(world, 200, id, 0, text));
	struct exchange *x = get(world, 200, url(id, "/trials/0/log?offset=1"));
	assert_string_equal(buffer_text(&x->text), text + 1);
	exchange_free(x);
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(comes_back_as_it_was_put),
		TEST(is_replaced_listed_and_deleted),
		TEST(needs_a_trial),
		TEST(the_quota_counts_what_is_replaced_once),
		TEST(breaks_off_when_it_is_replaced),
		TEST(a_log_grows_at_its_end_only),
		TEST(a_long_log_is_streamed),
	};
	return cmocka_run_group_tests_name("artifact", tests, NULL, NULL);
}
