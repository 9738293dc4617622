/*
 * The HTTP transport on libmicrohttpd: from bytes on a socket to a struct call, and back. It knows
 * nothing of what the calls mean: whoever answers them is given as a struct http_app.
 *
 * A few epoll threads read and write; they never block. What has a cheap answer is answered on
 * them; for the rest the connection is suspended and the call goes to a worker (service/pool.h),
 * which ends it with call_finish from whatever thread: then the connection is resumed and the
 * answer sent. A call that is parked (a long poll) holds a suspended connection and nothing else.
 *
 * Invariants: a request is refused as early as it can be, before its body is taken into memory;
 * memory for bodies is bounded over all requests; every phase of a request has a deadline, so no
 * client holds a connection by being slow; a call outlives the worker that has it, whatever its
 * client does.
 */
#ifndef SERVICE_HTTP_H
#define SERVICE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/call.h"
#include "core/error.h"
#include "service/log.h"
#include "service/counters.h"
#include "service/pool.h"

/* Who answers. See api/api.h: these are its functions, with a context in front. */
struct http_app {
	bool (*route)(void *context, struct call *call);
	size_t (*body_max)(void *context, const struct call *call);
	bool (*is_inline)(void *context, const struct call *call);
	void (*run)(void *context, struct session *session, struct call *call);
	void (*refuse)(void *context, struct call *call, enum code code, const char *detail);
	void *context;
};

struct http_config {
	const char *listen; /* HOST:PORT, [IPV6]:PORT, unix:PATH */
	size_t threads;
	size_t connections_max, connections_per_ip_max; /* the latter 0: no bound */
	size_t streams_max;
	size_t body_bytes_max; /* of all requests */
	int64_t idle_timeout_ms, request_timeout_ms;
	int64_t ping_ms; /* of idle streams */
	bool access_log;
	struct http_app app;
	struct pool *pool;
	struct counters *counters;
	struct log *log;
};

struct http;

/* Listens and serves. */
int http_open(const struct http_config *config, struct http **out, struct error *err);

/* "http://127.0.0.1:8080", with the port that is really used. */
const char *http_address(const struct http *http);

void http_access_log(struct http *http, bool on);

/* Cuts off who is too slow, pings idle streams. Call it about once a second, from one thread. */
void http_tick(struct http *http);

/* Leaving, in this order. No new connections; every answer says Connection: close. */
void http_quiesce(struct http *http);
/* Ends all streams, now and from now on. */
void http_streams_end(struct http *http);
/* True when no request is left, or at the deadline (monotonic_us) none that is being answered; from
 * then on new ones are refused. False: at the deadline somebody still works on one, and the rest
 * must not be called. */
bool http_wait_idle(struct http *http, int64_t deadline_us);
/* After the threads that might end a call have been joined (the pool's too). */
void http_close(struct http *http);

/* ---- a socket to listen on (service/listen.c) ---- */

#define LISTEN_ADDRESS_MAX 160

/* Bound and listening; address: how to reach it, for people. CODE_INVALID: not an address,
 * CODE_UNAVAILABLE: it cannot be had. */
int listen_open(
	const char *text, int *socket_out, char address[LISTEN_ADDRESS_MAX], struct error *err);

#endif
