/*
 * A running transport with an app of its own, and a client that sends bytes as they are. Each test
 * program includes it once.
 *
 * The app: GET /inline (inline), POST /echo (body back, at most ECHO_MAX), GET /big (JSON, BIG
 * bytes), GET /static, GET /empty (204), GET /hold (parked until harness_release), GET /stream
 * (harness.pieces pieces), GET /events (idle until woken); the rest is 404.
 */
#ifndef TESTS_SERVICE_HARNESS_H
#define TESTS_SERVICE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/http.h"

#define ECHO_MAX   65536
#define BIG	   200000
#define CLIENT_MAX (8u << 20)

struct test_stream {
	struct stream stream;
	struct call *call;
	int left;
	atomic_int *closed;
};

struct harness {
	struct http *http;
	struct pool *pool;
	struct log *log;
	struct counters counters;
	int port;
	int pieces;
	bool database_away;
	pthread_mutex_t lock; /* guards held and events */
	pthread_cond_t changed;
	struct call *held[64];
	size_t n_held, n_abandoned;
	struct call *events;
	int say; /* pieces that the event stream has to say */
	atomic_int pings, closed, runs;
};

static struct harness harness;
static char big_text[BIG + 1];

static void app_answer(struct call *call, int status, const char *type, const char *text)
{
	call_ready(call);
	call->status = status;
	call->content_type = type;
	buffer_add_text(&call->out, text);
	call_finish(call);
}

static bool app_is(const struct call *call, const char *path)
{
	return !strcmp(call->path, path);
}

static bool app_route(void *context, struct call *call)
{
	static const char *const paths[] = { "/inline", "/echo", "/big", "/static", "/empty",
		"/hold", "/stream", "/events", "/headers" };
	(void)context;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (app_is(call, paths[i]))
			return true;
	app_answer(call, 404, "application/problem+json", "{\"status\":404}");
	return false;
}

static size_t app_body_max(void *context, const struct call *call)
{
	(void)context;
	return app_is(call, "/echo") ? ECHO_MAX : 0;
}

static bool app_inline(void *context, const struct call *call)
{
	(void)context;
	return app_is(call, "/inline");
}

static void app_refuse(void *context, struct call *call, enum code code, const char *detail)
{
	static const int statuses[CODE_COUNT] = { [CODE_MALFORMED] = 400,
		[CODE_TOO_LARGE] = 413,
		[CODE_MEDIA_TYPE] = 415,
		[CODE_UNAVAILABLE] = 503,
		[CODE_NO_MEMORY] = 503 };
	char text[300];
	(void)context;
	snprintf(text, sizeof(text), "{\"detail\":\"%s\"}", detail);
	call->problem = code;
	app_answer(call, statuses[code] ? statuses[code] : 500, "application/problem+json", text);
}

static int stream_next(struct stream *stream, struct session *session, bool ping,
	struct buffer *out, bool *done, struct error *err)
{
	struct test_stream *test = (struct test_stream *)stream;
	(void)session;
	(void)err;
	if (test->left < 0) {
		pthread_mutex_lock(&harness.lock);
		int say = harness.say;
		harness.say = 0;
		pthread_mutex_unlock(&harness.lock);
		for (; say; say--)
			buffer_add_text(out, "data: x\n\n");
		if (ping && !out->size)
			buffer_add_text(out, ": ping\n\n");
		atomic_fetch_add(&harness.pings, ping);
		return 0;
	}
	if (test->left == 1000)
		return fail(err, CODE_INTERNAL, "the stream broke");
	buffer_printf(out, "piece %d\n", test->left);
	*done = --test->left == 0;
	return 0;
}

static void stream_close(struct stream *stream)
{
	atomic_fetch_add(&harness.closed, 1);
	pthread_mutex_lock(&harness.lock);
	if (harness.events == ((struct test_stream *)stream)->call)
		harness.events = NULL;
	pthread_mutex_unlock(&harness.lock);
	free(stream);
}

static void app_stream(struct call *call, int pieces)
{
	struct test_stream *test = calloc(1, sizeof(*test));
	assert_non_null(test);
	*test = (struct test_stream){
		.stream = { stream_next, stream_close }, .call = call, .left = pieces
	};
	call_ready(call);
	call->status = 200;
	call->content_type = pieces < 0 ? "text/event-stream" : "application/x-ndjson";
	call->stream = &test->stream;
	if (pieces < 0) {
		pthread_mutex_lock(&harness.lock);
		harness.events = call;
		pthread_cond_broadcast(&harness.changed);
		pthread_mutex_unlock(&harness.lock);
	}
	call_finish(call);
}

/* Like a long poll that is given up: finished if it was still held. */
static void app_abandon(struct call *call)
{
	bool held = false;
	pthread_mutex_lock(&harness.lock);
	for (size_t i = 0; i < harness.n_held; i++) {
		if (harness.held[i] != call)
			continue;
		harness.held[i] = harness.held[--harness.n_held];
		held = true;
	}
	harness.n_abandoned++;
	pthread_mutex_unlock(&harness.lock);
	if (held)
		app_answer(call, 503, "text/plain", "abandoned");
}

static void app_hold(struct call *call)
{
	call->transport->parked(call, app_abandon);
	pthread_mutex_lock(&harness.lock);
	harness.held[harness.n_held++] = call;
	pthread_cond_broadcast(&harness.changed);
	pthread_mutex_unlock(&harness.lock);
}

static void app_run(void *context, struct session *session, struct call *call)
{
	(void)context;
	(void)session;
	atomic_fetch_add(&harness.runs, 1);
	if (app_is(call, "/inline")) {
		app_answer(call, 200, "text/plain", "pong");
	} else if (app_is(call, "/echo")) {
		call_ready(call);
		call->status = 200;
		call->content_type = "application/octet-stream";
		buffer_add(&call->out, call->body.data, call->body.size);
		call_finish(call);
	} else if (app_is(call, "/big")) {
		app_answer(call, 200, "application/json", big_text);
	} else if (app_is(call, "/static")) {
		call_ready(call);
		call->status = 200;
		call->content_type = "text/html";
		call->static_body = big_text;
		call->static_size = BIG;
		call_finish(call);
	} else if (app_is(call, "/empty")) {
		app_answer(call, 204, NULL, "");
	} else if (app_is(call, "/hold")) {
		app_hold(call);
	} else if (app_is(call, "/headers")) {
		const char *q = call->transport->query(call, "q");
		call_header(call, "X-Query", q ? q : "(none)");
		call_header(call, "X-Loopback", call->loopback ? "yes" : "no");
		call_header(call, "Cache-Control", "max-age=60");
		app_answer(call, 200, "text/plain", "ok");
	} else {
		app_stream(call, app_is(call, "/events") ? -1 : harness.pieces);
	}
}

static int test_session_open(void *context, struct session **out, struct error *err)
{
	static int anything;
	(void)context;
	if (harness.database_away)
		return fail(err, CODE_UNAVAILABLE, "away");
	*out = (struct session *)&anything;
	return 0;
}

static void test_session_close(void *context, struct session *session)
{
	(void)context;
	(void)session;
}

static void test_session_failed(void *context, const struct error *err)
{
	(void)context;
	(void)err;
}

struct harness_options {
	size_t workers, queue, streams, body_bytes;
	int64_t request_ms, ping_ms;
	bool database_away;
};

/* Fields left 0 take defaults. */
static inline void harness_open(const struct harness_options *options)
{
	struct error err;
	harness = (struct harness){ .pieces = 3, .database_away = options->database_away };
	pthread_mutex_init(&harness.lock, NULL);
	pthread_cond_init(&harness.changed, NULL);
	memset(big_text, 'b', BIG);
	assert_int_equal(
		log_open("/dev/null", LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, &harness.log, &err), 0);
	struct pool_config pool_config = { .workers = options->workers ? options->workers : 2,
		.capacity = options->queue ? options->queue : 16,
		.session_open = test_session_open,
		.session_close = test_session_close,
		.failed = test_session_failed,
		.retry_us = 1000 };
	assert_int_equal(pool_open(&pool_config, &harness.pool, &err), 0);
	struct http_config config = { .listen = "127.0.0.1:0",
		.threads = 2,
		.connections_max = 256,
		.streams_max = options->streams ? options->streams : 4,
		.body_bytes_max = options->body_bytes ? options->body_bytes : 1 << 20,
		.idle_timeout_ms = 5000,
		.request_timeout_ms = options->request_ms ? options->request_ms : 5000,
		.ping_ms = options->ping_ms ? options->ping_ms : 5000,
		.access_log = true,
		.app = { app_route, app_body_max, app_inline, app_run, app_refuse, NULL },
		.pool = harness.pool,
		.counters = &harness.counters,
		.log = harness.log };
	assert_int_equal(http_open(&config, &harness.http, &err), 0);
	harness.port = (int)strtol(strrchr(http_address(harness.http), ':') + 1, NULL, 10);
}

static inline void harness_close(void)
{
	http_quiesce(harness.http);
	http_streams_end(harness.http);
	assert_true(http_wait_idle(harness.http, monotonic_us() + 5000000));
	pool_close(harness.pool);
	http_close(harness.http);
	log_close(harness.log);
	pthread_mutex_destroy(&harness.lock);
	pthread_cond_destroy(&harness.changed);
}

/* Waits until n calls are parked at /hold. */
static inline void harness_await_held(size_t n)
{
	pthread_mutex_lock(&harness.lock);
	while (harness.n_held < n)
		pthread_cond_wait(&harness.changed, &harness.lock);
	pthread_mutex_unlock(&harness.lock);
}

static inline void harness_release(void)
{
	pthread_mutex_lock(&harness.lock);
	size_t n = harness.n_held;
	harness.n_held = 0;
	pthread_mutex_unlock(&harness.lock);
	for (size_t i = 0; i < n; i++)
		app_answer(harness.held[i], 200, "text/plain", "held");
}

/* Has the event stream say n times something. */
static inline void harness_say(int n)
{
	pthread_mutex_lock(&harness.lock);
	while (!harness.events)
		pthread_cond_wait(&harness.changed, &harness.lock);
	harness.say += n;
	struct call *call = harness.events;
	call->transport->wake(call);
	pthread_mutex_unlock(&harness.lock);
}

/* Spins (with a yield) until a counter says so: what another thread does after it has answered. */
#define AWAIT(condition)                                                                           \
	for (int64_t until_ = monotonic_us() + 10000000; !(condition);) {                          \
		assert_true(monotonic_us() < until_);                                              \
		sched_yield();                                                                     \
	}

/* ---- the client ---- */

struct client {
	int fd;
	size_t size; /* received and not yet taken */
	char *text;  /* CLIENT_MAX + 1 bytes */
	int status;
	const char *head; /* of the last answer, NUL-terminated, in text */
	const char *body;
	size_t body_size;
};

static inline void client_open(struct client *client)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)harness.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	*client = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	struct timeval patience = { .tv_sec = 10 };
	setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	client->text = malloc(CLIENT_MAX + 1);
	assert_non_null(client->text);
	assert_int_equal(
		connect(client->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
}

static inline void client_close(struct client *client)
{
	close(client->fd);
	free(client->text);
}

/* The other side hears of it at once, in the midst of whatever it does. */
static inline void client_reset(struct client *client)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	client_close(client);
}

static inline bool client_send_bytes(struct client *client, const void *data, size_t size)
{
	const char *p = data;
	while (size) {
		ssize_t n = send(client->fd, p, size, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

static inline void client_send(struct client *client, const char *text)
{
	assert_true(client_send_bytes(client, text, strlen(text)));
}

/* More bytes into text. False: the end. */
static inline bool client_more(struct client *client)
{
	assert_true(client->size < CLIENT_MAX);
	ssize_t n = recv(client->fd, client->text + client->size, CLIENT_MAX - client->size, 0);
	if (n > 0)
		client->size += (size_t)n;
	client->text[client->size] = '\0';
	return n > 0;
}

/* Reads until text contains what. */
static inline bool client_await(struct client *client, const char *what)
{
	client->text[client->size] = '\0';
	while (!strstr(client->text, what))
		if (!client_more(client))
			return false;
	return true;
}

/* The end of a chunked body that starts at body; NULL: not there yet. Unchunks nothing. */
static inline const char *client_chunks_end(const char *body)
{
	const char *end = strstr(body, "0\r\n\r\n");
	return end ? end + 5 : NULL;
}

/* Reads one answer. head_only: to a HEAD request. False: the connection ended before. */
static inline bool client_receive(struct client *client, bool head_only)
{
	client->status = 0;
	if (!client_await(client, "\r\n\r\n"))
		return false;
	char *end = strstr(client->text, "\r\n\r\n");
	end[2] = '\0';
	client->head = client->text;
	client->body = end + 4;
	client->status = (int)strtol(client->text + 9, NULL, 10);
	const char *length = strcasestr(client->head, "\r\nContent-Length:");
	size_t at = (size_t)(client->body - client->text);
	if (head_only || client->status == 204) {
		client->body_size = 0;
	} else if (length) {
		client->body_size = strtoul(length + 17, NULL, 10);
		while (client->size < at + client->body_size)
			if (!client_more(client))
				return false;
	} else {
		while (!client_chunks_end(client->body))
			if (!client_more(client))
				return false;
		client->body_size = (size_t)(client_chunks_end(client->body) - client->body);
	}
	return true;
}

/* Forgets the answer just read; what came after it stays. */
static inline void client_next(struct client *client)
{
	size_t used = (size_t)(client->body - client->text) + client->body_size;
	memmove(client->text, client->text + used, client->size - used);
	client->size -= used;
	client->text[client->size] = '\0';
}

static inline bool client_has(const struct client *client, const char *header)
{
	return strcasestr(client->head, header) != NULL;
}

/* Sends text on a connection of its own and answers the status (0: closed without one). */
static inline int client_once(const char *text, size_t size)
{
	struct client client;
	client_open(&client);
	client_send_bytes(&client, text, size);
	shutdown(client.fd, SHUT_WR);
	client_receive(&client, false);
	int status = client.status;
	client_close(&client);
	return status;
}

#endif
