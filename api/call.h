/*
 * One HTTP request and its answer, without HTTP: what the transport (service/http.c, or a test)
 * hands to the api, and gets back. A call belongs to one thread at a time: the transport's, then a
 * worker's, then the transport's again after call_finish.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"

struct session; /* storage/store.h */
struct route;	/* api/route.h */

enum method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_OTHER
};

#define CALL_ARGS	 4
#define CALL_HEADERS	 24
#define CALL_ARENA_BYTES (256u << 20)
#define CALL_OUT_BYTES	 (64u << 20) /* of one reply held in memory; longer ones are streams */

struct call;

/* What the transport must offer. */
struct transport {
	/* NULL when absent. Names without regard to case. */
	const char *(*header)(struct call *call, const char *name);
	/* Decoded query argument; NULL when absent, "" when it has no value. */
	const char *(*query)(struct call *call, const char *name);
	/* Each query argument, for the unknown-argument check. */
	void (*each_query)(
		struct call *call, void (*see)(void *context, const char *name), void *context);
	/* The reply is complete: send it. May be called from any thread, exactly once. */
	void (*finish)(struct call *call);
	/* call->stream has something to say: have next() called soon. From any thread. */
	void (*wake)(struct call *call);
	/* The call may wait long. abandon(call) is called, at most once and from any thread, when
	 * its client goes away before it is finished; it may finish it. To be said before the wait
	 * begins. NULL where clients do not go away. */
	void (*parked)(struct call *call, void (*abandon)(struct call *call));
};

/* A reply produced piece by piece. next() runs on a worker, appends to out, and sets *done after
 * the last piece. Adding nothing without *done means idle: it is called again after wake(), or with
 * ping set every few seconds. close() is called exactly once, whatever happens. */
struct stream {
	int (*next)(struct stream *stream, struct session *session, bool ping, struct buffer *out,
		bool *done, struct error *err);
	void (*close)(struct stream *stream);
};

struct identity {
	const char *team;  /* NULL: none */
	const char *token; /* token id, or "open" in open mode */
	unsigned scopes;   /* SCOPE_* of api/auth.h */
	bool instance_admin;
	bool by_cookie;
};

struct header {
	const char *name, *value; /* in the call's arena, or static */
};

struct call {
	const struct transport *transport;
	void *transport_data;
	struct arena arena; /* lives as long as the call; the transport releases it */

	/* request */
	enum method method;
	const char *method_name;
	const char *path; /* percent-decoded, no query; bad encodings were refused */
	struct bytes body;
	bool loopback;		/* the peer's address is 127.0.0.0/8, ::1 or a unix socket */
	const char *request_id; /* from X-Request-Id if it was acceptable, else made here */
	int64_t received_us;	/* monotonic */
	int64_t started_us;	/* when a worker took it */

	/* routing, filled in by api_route */
	const struct route *route; /* NULL: the reply (404, 405 ...) is already there */
	const char *args[CALL_ARGS];
	struct identity identity;

	/* reply */
	int status;
	struct buffer out; /* made ready by api_route and api_refuse; the transport releases it */
	const void *static_body; /* instead of out: bytes that live for ever */
	size_t static_size;
	const char *content_type;
	struct header headers[CALL_HEADERS];
	size_t n_headers;
	struct stream *stream; /* instead of out */
	enum code problem;     /* for the log: 0 when the answer is not a problem */
	const char
		*problem_detail; /* for the log, where a defect's cause is not shown to callers */

	void *handler_data; /* between a handler and its completion */
};

/* Sets a header of the reply; a second value of the same name replaces the first. value is copied,
 * name is not. */
void call_header(struct call *call, const char *name, const char *value);
const char *call_header_find(const struct call *call, const char *name); /* NULL: not set */

/* Gives out its ceiling, unless somebody did. */
void call_ready(struct call *call);

/* The reply is complete: adds the headers that every reply has (X-Request-Id,
 * X-Content-Type-Options) and hands the call to its transport, which may free it before this
 * returns. */
void call_finish(struct call *call);
int64_t monotonic_us(void);

#endif
