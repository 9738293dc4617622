/* Requests through the transport: bodies, bounds, the queue, clients that leave. */
#include "tests/unit/service/harness.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void test_inline_and_keep_alive(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	for (int i = 0; i < 3; i++) {
		client_send(&client, GET("/inline"));
		assert_true(client_receive(&client, false));
		assert_int_equal(client.status, 200);
		assert_int_equal(client.body_size, 4);
		assert_memory_equal(client.body, "pong", 4);
		client_next(&client);
	}
	client_close(&client);
	harness_close();
}

static void test_pipelined(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	client_send(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" GET(
				     "/inline") GET("/nowhere") GET("/big"));
	static const int expected[] = { 200, 200, 404, 200 };
	for (size_t i = 0; i < 4; i++) {
		assert_true(client_receive(&client, false));
		assert_int_equal(client.status, expected[i]);
		client_next(&client);
	}
	client_close(&client);
	harness_close();
}

static void test_body_at_its_bound(void **state)
{
	(void)state;
	struct client client;
	char *body = malloc(ECHO_MAX + 1);
	assert_non_null(body);
	memset(body, 'x', ECHO_MAX + 1);
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	char head[128];
	snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
		ECHO_MAX);
	client_send(&client, head);
	assert_true(client_send_bytes(&client, body, ECHO_MAX));
	assert_true(client_receive(&client, false));
	assert_int_equal(client.status, 200);
	assert_int_equal(client.body_size, ECHO_MAX);
	client_next(&client);
	/* One byte more is refused, and the connection goes on. */
	int runs = atomic_load(&harness.runs);
	snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
		ECHO_MAX + 1);
	client_send(&client, head);
	assert_true(client_send_bytes(&client, body, ECHO_MAX + 1));
	assert_true(client_receive(&client, false));
	assert_int_equal(client.status, 413);
	client_next(&client);
	client_send(&client, GET("/inline"));
	assert_true(client_receive(&client, false));
	assert_int_equal(client.status, 200);
	assert_int_equal(atomic_load(&harness.runs), runs + 1);
	AWAIT(atomic_load(&harness.counters.body_bytes) == 0);
	client_close(&client);
	harness_close();
	free(body);
}

static void test_chunked_body(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	client_send(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
			     "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
	assert_true(client_receive(&client, false));
	assert_int_equal(client.status, 200);
	assert_int_equal(client.body_size, 7);
	assert_memory_equal(client.body, "abcdefg", 7);
	client_next(&client);
	/* A chunked body does not say how long it will be; it is cut where the bound is. */
	client_send(
		&client, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	static char chunk[4096 + 8];
	memcpy(chunk, "1000\r\n", 6);
	memset(chunk + 6, 'y', 4096);
	for (int i = 0; i < 20; i++) {
		assert_true(client_send_bytes(&client, chunk, 6 + 4096));
		client_send(&client, "\r\n");
	}
	client_send(&client, "0\r\n\r\n");
	assert_true(client_receive(&client, false));
	assert_int_equal(client.status, 413);
	AWAIT(atomic_load(&harness.counters.body_bytes) == 0);
	client_close(&client);
	harness_close();
}

static void test_expect_continue(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ 0 });
	client_open(&client);
	client_send(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
			     "Content-Length: 2\r\n\r\n");
	assert_true(client_await(&client, "\r\n\r\n"));
	assert_memory_equal(client.text, "HTTP/1.1 100", 12);
	client.size = 0;
	client_send(&client, "ok");
	assert_true(client_receive(&client, false));
	assert_int_equal(client.status, 200);
	client_close(&client);
	/* A refused body is never asked for. */
	client_open(&client);
	client_send(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
			     "Content-Length: 70000\r\n\r\n");
	assert_true(client_receive(&client, false));
	assert_int_equal(client.status, 413);
	assert_true(client_has(&client, "Connection: close"));
	client_next(&client);
	assert_false(client_more(&client));
	client_close(&client);
	harness_close();
}

static void test_body_memory_is_bounded(void **state)
{
	(void)state;
	struct client one, two;
	harness_open(&(struct harness_options){ .body_bytes = 50000 });
	static char body[40000];
	memset(body, 'z', sizeof(body));
	client_open(&one);
	client_send(&one, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n");
	assert_true(client_send_bytes(&one, body, 29000));
	AWAIT(atomic_load(&harness.counters.body_bytes) >= 29000);
	client_open(&two);
	client_send(&two, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n");
	assert_true(client_send_bytes(&two, body, 40000));
	assert_true(client_receive(&two, false));
	assert_int_equal(two.status, 503);
	assert_true(client_send_bytes(&one, body, 1000));
	assert_true(client_receive(&one, false));
	assert_int_equal(one.status, 200);
	client_next(&two);
	AWAIT(atomic_load(&harness.counters.body_bytes) == 0);
	client_send(&two, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1");
	assert_true(client_receive(&two, false));
	assert_int_equal(two.status, 200);
	client_close(&one);
	client_close(&two);
	harness_close();
}

/* A session job that blocks its worker, so that what follows must queue. */
struct gate {
	struct job job;
	pthread_mutex_t lock;
};

static void pass_gate(struct job *job, struct session *session)
{
	struct gate *gate = (struct gate *)job;
	(void)session;
	pthread_mutex_lock(&gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void test_queue_full(void **state)
{
	(void)state;
	struct client clients[3];
	struct gate gate = { .job = { .run = pass_gate } };
	struct pool_stats stats;
	pthread_mutex_init(&gate.lock, NULL);
	harness_open(&(struct harness_options){ .workers = 1, .queue = 2 });
	pthread_mutex_lock(&gate.lock);
	assert_true(pool_submit(harness.pool, &gate.job));
	do {
		pool_stats(harness.pool, &stats);
	} while (stats.running != 1);
	for (size_t i = 0; i < 3; i++) {
		client_open(&clients[i]);
		client_send(&clients[i], GET("/big"));
		if (i == 2)
			break;
		AWAIT((pool_stats(harness.pool, &stats), stats.waiting == i + 1));
	}
	assert_true(client_receive(&clients[2], false));
	assert_int_equal(clients[2].status, 503);
	/* Inline answers need no worker. */
	client_next(&clients[2]);
	client_send(&clients[2], GET("/inline"));
	assert_true(client_receive(&clients[2], false));
	assert_int_equal(clients[2].status, 200);
	pthread_mutex_unlock(&gate.lock);
	for (size_t i = 0; i < 3; i++) {
		if (i < 2)
			assert_true(client_receive(&clients[i], false));
		assert_int_equal(clients[i].status, 200);
		client_close(&clients[i]);
	}
	assert_int_equal(atomic_load(&harness.counters.unavailable), 1);
	harness_close();
	pthread_mutex_destroy(&gate.lock);
}

static void test_parked_calls_hold_no_worker(void **state)
{
	(void)state;
	enum { N = 20 };
	struct client clients[N];
	harness_open(&(struct harness_options){ .workers = 1 });
	for (size_t i = 0; i < N; i++) {
		client_open(&clients[i]);
		client_send(&clients[i], GET("/hold"));
		harness_await_held(i + 1);
	}
	struct client other;
	client_open(&other);
	client_send(&other, GET("/big"));
	assert_true(client_receive(&other, false));
	assert_int_equal(other.status, 200);
	client_close(&other);
	harness_release();
	for (size_t i = 0; i < N; i++) {
		assert_true(client_receive(&clients[i], false));
		assert_int_equal(clients[i].status, 200);
		client_close(&clients[i]);
	}
	harness_close();
}

/* The client goes away while its call is parked: the call stays whole until it is finished. */
static void test_client_gone(void **state)
{
	(void)state;
	harness_open(&(struct harness_options){ 0 });
	for (size_t i = 0; i < 10; i++) {
		struct client client;
		client_open(&client);
		client_send(&client, GET("/hold"));
		harness_await_held(i + 1);
		struct linger hard = { .l_onoff = 1 };
		setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		client_close(&client);
	}
	harness_release();
	AWAIT(atomic_load(&harness.counters.in_flight) == 0);
	AWAIT(atomic_load(&harness.counters.connections) == 0);
	harness_close();
}

/* Who waits for nobody is told, so that nothing is handed to a client that has gone. */
static void test_parked_call_is_abandoned(void **state)
{
	(void)state;
	struct client gone, there;
	harness_open(&(struct harness_options){ 0 });
	client_open(&there);
	client_send(&there, GET("/hold"));
	harness_await_held(1);
	client_open(&gone);
	client_send(&gone, GET("/hold"));
	harness_await_held(2);
	http_tick(harness.http);
	assert_int_equal(harness.n_held, 2);
	client_close(&gone);
	AWAIT((http_tick(harness.http), atomic_load(&harness.counters.in_flight) == 1));
	assert_int_equal(harness.n_abandoned, 1);
	assert_int_equal(harness.n_held, 1);
	harness_release();
	assert_true(client_receive(&there, false));
	assert_int_equal(there.status, 200);
	client_close(&there);
	harness_close();
}

static void test_client_gone_while_sending(void **state)
{
	(void)state;
	harness_open(&(struct harness_options){ 0 });
	static const char *const cut[] = { "G", "GET /inline", "GET /inline HTTP/1.1\r\n",
		"GET /inline HTTP/1.1\r\nHost: a\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\nabc" };
	for (size_t i = 0; i < 20 * sizeof(cut) / sizeof(cut[0]); i++) {
		const char *text = cut[i % (sizeof(cut) / sizeof(cut[0]))];
		struct client client;
		client_open(&client);
		client_send(&client, text);
		client_close(&client);
	}
	AWAIT((http_tick(harness.http), atomic_load(&harness.counters.connections) == 0));
	assert_int_equal(atomic_load(&harness.counters.in_flight), 0);
	assert_int_equal(atomic_load(&harness.counters.body_bytes), 0);
	assert_int_equal(atomic_load(&harness.runs), 0);
	harness_close();
}

static void test_database_away(void **state)
{
	(void)state;
	struct client client;
	harness_open(&(struct harness_options){ .database_away = true });
	client_open(&client);
	client_send(&client, GET("/big"));
	assert_true(client_receive(&client, false));
	assert_int_equal(client.status, 503);
	client_next(&client);
	client_send(&client, GET("/inline"));
	assert_true(client_receive(&client, false));
	assert_int_equal(client.status, 200);
	client_close(&client);
	harness_close();
}

/* The idle timeout does not help against who sends a byte now and then: the deadline does. */
static void test_slow_requests_are_cut(void **state)
{
	(void)state;
	static const char *const slow[] = { "GET /inline HTTP/1.1\r\nHost: a\r\nX-Slow: ",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc" };
	harness_open(&(struct harness_options){ .request_ms = 300 });
	for (size_t i = 0; i < 2; i++) {
		struct client client;
		client_open(&client);
		client_send(&client, slow[i]);
		struct timeval short_wait = { .tv_usec = 20000 };
		setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof(short_wait));
		int64_t begun = monotonic_us();
		while (client_send_bytes(&client, "x", 1) && monotonic_us() - begun < 3000000) {
			http_tick(harness.http);
			if (recv(client.fd, client.text, 1, 0) == 0)
				break;
		}
		int64_t took = monotonic_us() - begun;
		assert_in_range(took, 200000, 2000000);
		client_close(&client);
	}
	AWAIT(atomic_load(&harness.counters.connections) == 0);
	assert_int_equal(atomic_load(&harness.counters.timed_out), 2);
	harness_close();
}

static void test_drain(void **state)
{
	(void)state;
	struct client held, kept;
	harness_open(&(struct harness_options){ 0 });
	client_open(&held);
	client_send(&held, GET("/hold"));
	harness_await_held(1);
	client_open(&kept);
	client_send(&kept, GET("/inline"));
	assert_true(client_receive(&kept, false));
	client_next(&kept);
	http_quiesce(harness.http);
	/* The call that is held is worked on: it must not be abandoned. */
	assert_false(http_wait_idle(harness.http, monotonic_us() + 50000));
	client_send(&kept, GET("/inline"));
	assert_true(client_receive(&kept, false));
	assert_int_equal(kept.status, 200);
	assert_true(client_has(&kept, "Connection: close"));
	harness_release();
	assert_true(client_receive(&held, false));
	assert_int_equal(held.status, 200);
	client_close(&held);
	client_close(&kept);
	harness_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inline_and_keep_alive),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_body_at_its_bound),
		cmocka_unit_test(test_chunked_body),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_body_memory_is_bounded),
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_parked_calls_hold_no_worker),
		cmocka_unit_test(test_client_gone),
		cmocka_unit_test(test_parked_call_is_abandoned),
		cmocka_unit_test(test_client_gone_while_sending),
		cmocka_unit_test(test_database_away),
		cmocka_unit_test(test_slow_requests_are_cut),
		cmocka_unit_test(test_drain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
