/* What answers look like: headers, HEAD, compression. */
#include <zlib.h>

#include "tests/unit/service/harness.h"

static void ask(struct client *client, const char *method, const char *path, const char *headers)
{
	char text[2048];
	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path,
		headers);
	client_send(client, text);
	assert_true(client_receive(client, !strcmp(method, "HEAD")));
}

static void test_headers(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	ask(&client, "GET", "/headers?q=a%20b", "X-Request-Id: abc-1.2_3\r\n");
	assert_true(client_has(&client, "\r\nX-Request-Id: abc-1.2_3\r\n"));
	assert_true(client_has(&client, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_true(client_has(&client, "\r\nCache-Control: max-age=60\r\n"));
	assert_false(client_has(&client, "no-store"));
	assert_true(client_has(&client, "\r\nX-Query: a b\r\n"));
	assert_true(client_has(&client, "\r\nX-Loopback: yes\r\n"));
	assert_true(client_has(&client, "\r\nDate: "));
	client_next(&client);
	ask(&client, "GET", "/inline", "");
	assert_true(client_has(&client, "\r\nCache-Control: no-store\r\n"));
	assert_true(client_has(&client, "\r\nX-Request-Id: req-"));
	client_close(&client);
	harness_close();
}

/* An id that could forge a log line or a header is replaced by one of ours. */
static void test_request_ids(void **state)
{
	(void)state;
	struct client client;
	static const char *const bad[] = { "X-Request-Id: a b\r\n", "X-Request-Id: \r\n",
		"X-Request-Id: a\"b\r\n", "X-Request-Id: \xc3\xa9\r\n" };
	char long_id[200];
	snprintf(long_id, sizeof(long_id), "X-Request-Id: %0129d\r\n", 0);
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		ask(&client, "GET", "/inline", i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : long_id);
		assert_int_equal(client.status, 200);
		assert_true(client_has(&client, "\r\nX-Request-Id: req-"));
		client_next(&client);
	}
	client_close(&client);
	harness_close();
}

static void gunzip(const void *data, size_t size)
{
	static char out[BIG + 16];
	z_stream stream = { 0 };
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	char *input = malloc(size);
	assert_non_null(input);
	memcpy(input, data, size);
	stream.next_in = (Bytef *)input;
	stream.avail_in = (uInt)size;
	stream.next_out = (Bytef *)out;
	stream.avail_out = sizeof(out);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, BIG);
	assert_memory_equal(out, big_text, BIG);
	inflateEnd(&stream);
	free(input);
}

static void test_gzip(void **state)
{
	(void)state;
	struct client client;
	static const char *const paths[] = { "/big", "/static", "/static" };
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	for (size_t i = 0; i < 3; i++) {
		ask(&client, "GET", paths[i], "Accept-Encoding: br, gzip;q=0.5\r\n");
		assert_true(client_has(&client, "\r\nContent-Encoding: gzip\r\n"));
		assert_true(client_has(&client, "\r\nVary: Accept-Encoding\r\n"));
		assert_true(client.body_size < BIG / 10);
		gunzip(client.body, client.body_size);
		client_next(&client);
		ask(&client, "GET", paths[i], "Accept-Encoding: gzip;q=0\r\n");
		assert_false(client_has(&client, "Content-Encoding"));
		assert_true(client_has(&client, "\r\nVary: Accept-Encoding\r\n"));
		assert_int_equal(client.body_size, BIG);
		client_next(&client);
	}
	/* Small answers and streams stay as they are. */
	ask(&client, "GET", "/inline", "Accept-Encoding: gzip\r\n");
	assert_false(client_has(&client, "Content-Encoding"));
	client_next(&client);
	ask(&client, "GET", "/stream", "Accept-Encoding: gzip\r\n");
	assert_false(client_has(&client, "Content-Encoding"));
	client_close(&client);
	harness_close();
}

/* HEAD says what GET would, without the body. */
static void test_head(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	ask(&client, "HEAD", "/big", "");
	assert_int_equal(client.status, 200);
	assert_true(client_has(&client, "\r\nContent-Length: 200000\r\n"));
	client_next(&client);
	ask(&client, "HEAD", "/nowhere", "");
	assert_int_equal(client.status, 404);
	client_next(&client);
	ask(&client, "GET", "/empty", "");
	assert_int_equal(client.status, 204);
	assert_false(client_has(&client, "\r\nContent-Type:"));
	client_next(&client);
	ask(&client, "GET", "/inline", "");
	assert_memory_equal(client.body, "pong", 4);
	client_close(&client);
	harness_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_request_ids),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_head),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
