/* Answers in pieces: their end, waking, pings, clients that leave, bounds, draining. */
#include "tests/unit/service/harness.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void test_pieces(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	for (int round = 1; round <= 3; round++) {
		client_send(&client, GET("/stream"));
		assert_true(client_receive(&client, false));
		assert_int_equal(client.status, 200);
		assert_non_null(strstr(client.body, "piece 3\n"));
		assert_non_null(strstr(client.body, "piece 2\n"));
		assert_non_null(strstr(client.body, "piece 1\n"));
		client_next(&client);
		AWAIT(atomic_load(&harness.closed) == round);
	}
	client_close(&client);
	harness_close();
}

static void test_many_pieces(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	harness.pieces = 999;
	client_open(&client);
	client_send(&client, GET("/stream"));
	assert_true(client_receive(&client, false));
	const char *at = client.body;
	for (int i = 999; i > 0; i--) {
		char line[32];
		snprintf(line, sizeof(line), "piece %d\n", i);
		at = strstr(at, line);
		assert_non_null(at);
	}
	client_close(&client);
	harness_close();
}

/* A stream that breaks must not look complete: the connection ends without the last chunk. */
static void test_broken(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	harness.pieces = 1002;
	client_open(&client);
	client_send(&client, GET("/stream"));
	assert_false(client_receive(&client, false));
	assert_int_equal(client.status, 200);
	assert_non_null(strstr(client.body, "piece 1001\n"));
	assert_null(strstr(client.body, "0\r\n\r\n"));
	AWAIT(atomic_load(&harness.closed) == 1);
	client_close(&client);
	harness_close();
}

static void test_http_1_0_ends_with_the_connection(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	client_send(&client, "GET /stream HTTP/1.0\r\n\r\n");
	while (client_more(&client))
		;
	assert_non_null(strstr(client.text, "\r\n\r\npiece 3\npiece 2\npiece 1\n"));
	assert_null(strstr(client.text, "chunked"));
	client_close(&client);
	harness_close();
}

/* No body, not even the last chunk: it would be taken for the next answer. */
static void test_head_closes_the_stream(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	client_send(&client, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(client_receive(&client, true));
	assert_int_equal(client.status, 200);
	assert_true(client_has(&client, "Connection: close"));
	client_next(&client);
	assert_false(client_more(&client));
	assert_int_equal(client.size, 0);
	AWAIT(atomic_load(&harness.closed) == 1);
	client_close(&client);
	harness_close();
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* No event may be lost, however wakes fall between the worker and the sender. */
static void test_wakes(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	client_send(&client, GET("/events"));
	assert_true(client_await(&client, "\r\n\r\n"));
	for (int i = 0; i < 500; i++)
		harness_say(1 + i % 2);
	while (count(client.text, "data: x\n\n") < 750)
		assert_true(client_more(&client));
	assert_int_equal(count(client.text, "data: x\n\n"), 750);
	client_close(&client);
	harness_close();
	assert_int_equal(atomic_load(&harness.closed), 1);
}

/* Who has gone is noticed by the ping, and only then. */
static void test_ping_finds_who_is_gone(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ .ping_ms = 1 });
	client_open(&client);
	client_send(&client, GET("/events"));
	assert_true(client_await(&client, "\r\n\r\n"));
	AWAIT((http_tick(harness.http), atomic_load(&harness.pings) > 0));
	assert_true(client_await(&client, ": ping\n\n"));
	assert_int_equal(atomic_load(&harness.counters.streams), 1);
	client_close(&client);
	AWAIT((http_tick(harness.http), atomic_load(&harness.closed) == 1));
	AWAIT(atomic_load(&harness.counters.streams) == 0);
	harness_close();
}

/* The stream is there, but nobody to send it to: its place is free again. When exactly a client
 * goes is chance, so many do. */
static void test_gone_before_it_begins(void **state)
{
	enum { ROUNDS = 50, CLIENTS = 16 };
	(void)state;
	harness_open(&(struct harness_options){ 0 });
	for (int round = 1; round <= ROUNDS; round++) {
		struct client clients[CLIENTS];
		int runs = atomic_load(&harness.runs);
		for (int i = 0; i < CLIENTS; i++) {
			client_open(&clients[i]);
			client_send(&clients[i], GET("/stream"));
		}
		AWAIT(atomic_load(&harness.runs) > runs + round % CLIENTS);
		for (int i = 0; i < CLIENTS; i++)
			client_reset(&clients[i]);
		AWAIT(atomic_load(&harness.counters.connections) == 0);
	}
	AWAIT(atomic_load(&harness.counters.streams) == 0);
	harness_close();
}

static void test_too_many(void **state)
{
	(void)state;
	struct client one, two;
	harness_open(&(struct harness_options){ .streams = 1 });
	client_open(&one);
	client_send(&one, GET("/events"));
	assert_true(client_await(&one, "\r\n\r\n"));
	client_open(&two);
	client_send(&two, GET("/stream"));
	assert_true(client_receive(&two, false));
	assert_int_equal(two.status, 503);
	assert_int_equal(atomic_load(&harness.closed), 1);
	assert_int_equal(atomic_load(&harness.counters.streams), 1);
	client_next(&two);
	client_send(&two, GET("/inline"));
	assert_true(client_receive(&two, false));
	client_close(&one);
	client_close(&two);
	harness_close();
}

/* Leaving ends idle streams properly: the client sees the last chunk. */
static void test_drain_ends_streams(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	client_send(&client, GET("/events"));
	assert_true(client_await(&client, "\r\n\r\n"));
	harness_say(1);
	assert_true(client_await(&client, "data: x\n\n"));
	harness_close();
	assert_true(client_await(&client, "0\r\n\r\n"));
	assert_int_equal(atomic_load(&harness.closed), 1);
	client_close(&client);
}

/* A stream whose client stops reading holds one connection, not a worker. */
static void test_stalled_reader(void **state)
{
	(void)state;
	struct client stalled, other;
	harness_open(&(struct harness_options){ .workers = 1 });
	harness.pieces = 999;
	client_open(&stalled);
	int small = 2048;
	setsockopt(stalled.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(&stalled, GET("/stream"));
	client_open(&other);
	for (int i = 0; i < 50; i++) {
		client_send(&other, GET("/big"));
		assert_true(client_receive(&other, false));
		assert_int_equal(other.status, 200);
		client_next(&other);
	}
	client_close(&stalled);
	client_close(&other);
	harness_close();
	assert_int_equal(atomic_load(&harness.closed), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_many_pieces),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_http_1_0_ends_with_the_connection),
		cmocka_unit_test(test_head_closes_the_stream),
		cmocka_unit_test(test_wakes),
		cmocka_unit_test(test_ping_finds_who_is_gone),
		cmocka_unit_test(test_gone_before_it_begins),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_drain_ends_streams),
		cmocka_unit_test(test_stalled_reader),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
