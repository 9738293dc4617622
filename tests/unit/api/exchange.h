/*
 * Requests without HTTP: a server on an SQLite store in memory, with a clock that stands still
 * until a test moves it, and a transport that keeps what it is given. For tests of api/ only.
 */
#ifndef TESTS_UNIT_API_EXCHANGE_H
#define TESTS_UNIT_API_EXCHANGE_H

/* Before cmocka.h, which makes a macro of fail. */
#include "api/api.h"
#include "api/internal.h"
#include "api/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#define WORLD_START_MS	 1800000000000
#define EXCHANGE_PAIRS	 16
#define EXCHANGE_WAIT_MS 60000
#define EXCHANGE_PIECES	 10000 /* of one stream: more is a stream that never ends */

struct world {
	struct store *store;
	struct session *session;
	struct lease_service *leases;
	struct engine *engine;
	struct api *api;
	int64_t now_ms;
};

/* One request and its answer; freed with the world's exchange_free. */
struct exchange {
	struct call call;
	char path[2048], query[2048];
	const char *names[EXCHANGE_PAIRS], *values[EXCHANGE_PAIRS];
	size_t n_headers;
	char *query_names[EXCHANGE_PAIRS], *query_values[EXCHANGE_PAIRS];
	size_t n_query;
	atomic_bool finished; /* the last thing that is written */
	unsigned wakes;
	struct buffer text; /* the body of the answer, streams read to their end */
	json_t *json;	    /* the same, when it is JSON */
};

/* ---- the transport ---- */

static inline const char *exchange_header(struct call *call, const char *name)
{
	const struct exchange *x = call->transport_data;
	for (size_t i = 0; i < x->n_headers; i++)
		if (strcasecmp(x->names[i], name) == 0)
			return x->values[i];
	return NULL;
}

static inline const char *exchange_query(struct call *call, const char *name)
{
	const struct exchange *x = call->transport_data;
	for (size_t i = 0; i < x->n_query; i++)
		if (strcmp(x->query_names[i], name) == 0)
			return x->query_values[i];
	return NULL;
}

static inline void exchange_each_query(
	struct call *call, void (*see)(void *context, const char *name), void *context)
{
	const struct exchange *x = call->transport_data;
	for (size_t i = 0; i < x->n_query; i++)
		see(context, x->query_names[i]);
}

static inline void exchange_finish(struct call *call)
{
	struct exchange *x = call->transport_data;
	assert_false(x->finished);
	x->finished = true;
}

static inline void exchange_wake(struct call *call)
{
	struct exchange *x = call->transport_data;
	x->wakes++;
}

static const struct transport exchange_transport = {
	.header = exchange_header,
	.query = exchange_query,
	.each_query = exchange_each_query,
	.finish = exchange_finish,
	.wake = exchange_wake,
};

/* ---- the world ---- */

static inline int64_t world_now(void *context)
{
	const struct world *world = context;
	return world->now_ms;
}

static inline bool world_ready(void *context, struct session *session, struct buffer *why)
{
	(void)context;
	(void)session;
	(void)why;
	return true;
}

static inline void world_metrics(void *context, struct buffer *out)
{
	(void)context;
	buffer_add_text(out, "# none\n");
}

static inline void world_log(
	void *context, const char *level, const char *request_id, const char *message)
{
	(void)context;
	fprintf(stderr, "%s %s %s\n", level, request_id ? request_id : "-", message);
}

static inline int world_open(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct error err = { 0 };
	struct store_config store = { .url = "sqlite::memory:" };
	struct engine_config engine = { .now_ms = world_now, .now_context = world };
	struct api_config api = { .version = "test",
		.ready = world_ready,
		.metrics = world_metrics,
		.log = world_log,
		.context = world };

	world->now_ms = WORLD_START_MS;
	if (store_open(&store, &world->store, &err) || store_migrate(world->store, &err) ||
		session_open(world->store, &world->session, &err) ||
		lease_service_open(NULL, &world->leases, &err))
		fail_msg("%s", err.message);
	engine.store = world->store;
	engine.leases = world->leases;
	if (engine_open(&engine, &world->engine, &err))
		fail_msg("%s", err.message);
	api.engine = world->engine;
	api.store = world->store;
	if (api_open(&api, &world->api, &err))
		fail_msg("%s", err.message);
	*state = world;
	return 0;
}

static inline int world_close(void **state)
{
	struct world *world = *state;
	engine_drain(world->engine);
	api_close(world->api);
	engine_close(world->engine);
	session_close(world->session);
	store_close(world->store);
	lease_service_close(world->leases);
	free(world);
	return 0;
}

/* ---- requests ---- */

static inline enum method method_of(const char *name)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE",
		"OPTIONS" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum method)i;
	return METHOD_OTHER;
}

static inline void exchange_split(struct exchange *x, const char *target)
{
	size_t size = strcspn(target, "?");
	assert_true(size < sizeof(x->path) && strlen(target) < sizeof(x->query));
	memcpy(x->path, target, size);
	if (!target[size])
		return;
	snprintf(x->query, sizeof(x->query), "%s", target + size + 1);
	char *rest = x->query, *pair;
	while ((pair = strsep(&rest, "&"))) {
		char *value = strchr(pair, '=');
		if (value)
			*value++ = '\0';
		assert_true(x->n_query < EXCHANGE_PAIRS);
		x->query_names[x->n_query] = pair;
		x->query_values[x->n_query++] = value ? value : pair + strlen(pair);
	}
}

static inline void exchange_add_header(struct exchange *x, const char *name, const char *value)
{
	assert_true(x->n_headers < EXCHANGE_PAIRS);
	x->names[x->n_headers] = name;
	x->values[x->n_headers++] = value;
}

/* A request that has been sent but whose answer is not looked at yet: it may be held. headers:
 * name, value, ..., NULL; may be NULL. */
static inline struct exchange *exchange_start(struct world *world, const char *method,
	const char *target, const void *body, size_t size, const char *const *headers)
{
	struct exchange *x = calloc(1, sizeof(*x));
	struct call *call = &x->call;

	exchange_split(x, target);
	for (; headers && headers[0]; headers += 2)
		exchange_add_header(x, headers[0], headers[1]);
	if (!exchange_header(&(struct call){ .transport_data = x }, "Host"))
		exchange_add_header(x, "Host", "localhost");
	if (size && !exchange_header(&(struct call){ .transport_data = x }, "Content-Type"))
		exchange_add_header(x, "Content-Type", "application/json");
	call->transport = &exchange_transport;
	call->transport_data = x;
	arena_init(&call->arena, CALL_ARENA_BYTES);
	call->method = method_of(method);
	call->method_name = method;
	call->path = x->path;
	call->loopback = true;
	call->request_id = "test";
	call->received_us = call->started_us = monotonic_us();
	call->body.data = body;
	call->body.size = size;
	buffer_init(&x->text, SIZE_MAX / 2);
	if (api_route(world->api, call)) {
		if (size > api_body_max(call))
			api_refuse(world->api, call, CODE_TOO_LARGE, "too large");
		else
			api_run(world->api, world->session, call);
	}
	return x;
}

/* One piece of a stream, appended to text; true: it was the last. */
static inline bool exchange_piece(struct world *world, struct exchange *x, bool ping)
{
	struct error err = { 0 };
	bool done = false;
	int rc = x->call.stream->next(x->call.stream, world->session, ping, &x->text, &done, &err);
	if (rc)
		fail_msg("stream: %s", err.message);
	return done;
}

static inline void exchange_close_stream(struct exchange *x)
{
	if (x->call.stream)
		x->call.stream->close(x->call.stream);
	x->call.stream = NULL;
}

/* The answer comes on the caller's thread, unless a thread that fits models runs the mailbox just
 * then. */
static inline void exchange_await(struct exchange *x)
{
	for (int ms = 0; !x->finished && ms < EXCHANGE_WAIT_MS; ms++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_true(x->finished);
}

/* Reads the answer: all of a stream. */
static inline void exchange_read(struct world *world, struct exchange *x)
{
	struct call *call = &x->call;
	exchange_await(x);
	if (call->stream) {
		size_t pieces = 0;
		while (!exchange_piece(world, x, false))
			assert_true(++pieces < EXCHANGE_PIECES);
		exchange_close_stream(x);
	} else if (call->static_body) {
		buffer_add(&x->text, call->static_body, call->static_size);
	} else {
		buffer_add(&x->text, call->out.data, call->out.size);
	}
	if (call->content_type && strstr(call->content_type, "json") &&
		!strstr(call->content_type, "ndjson")) {
		json_error_t error;
		x->json = json_loads(buffer_text(&x->text), JSON_REJECT_DUPLICATES, &error);
		if (!x->json)
			fail_msg("%s in %s", error.text, buffer_text(&x->text));
	}
}

static inline void exchange_free(struct exchange *x)
{
	exchange_close_stream(x);
	json_decref(x->json);
	buffer_release(&x->text);
	buffer_release(&x->call.out);
	arena_release(&x->call.arena);
	free(x);
}

/* Sends, reads, and wants this status. */
static inline struct exchange *exchange_send(struct world *world, int status, const char *method,
	const char *target, const void *body, size_t size, const char *const *headers)
{
	struct exchange *x = exchange_start(world, method, target, body, size, headers);
	exchange_read(world, x);
	if (x->call.status != status)
		fail_msg("%s %s: %d, not %d: %s", method, target, x->call.status, status,
			buffer_text(&x->text));
	return x;
}

static inline struct exchange *get(struct world *world, int status, const char *target)
{
	return exchange_send(world, status, "GET", target, NULL, 0, NULL);
}

static inline struct exchange *get_as(
	struct world *world, int status, const char *accept, const char *target)
{
	const char *const headers[] = { "Accept", accept, NULL };
	return exchange_send(world, status, "GET", target, NULL, 0, headers);
}

static inline struct exchange *post(
	struct world *world, int status, const char *target, const char *body)
{
	return exchange_send(world, status, "POST", target, body, strlen(body), NULL);
}

static inline struct exchange *post_key(
	struct world *world, int status, const char *key, const char *target, const char *body)
{
	const char *const headers[] = { "Idempotency-Key", key, NULL };
	return exchange_send(world, status, "POST", target, body, strlen(body), headers);
}

/* The same, when only the status matters. */
static inline void get_only(struct world *world, int status, const char *target)
{
	exchange_free(get(world, status, target));
}

static inline void post_only(struct world *world, int status, const char *target, const char *body)
{
	exchange_free(post(world, status, target, body));
}

/* ---- answers ---- */

/* A member by a path of names and indexes with dots between them: "items.0.trial". */
static inline const json_t *at(const struct exchange *x, const char *path)
{
	const json_t *value = x->json;
	char name[128];

	while (*path && value) {
		size_t size = strcspn(path, ".");
		assert_true(size < sizeof(name));
		memcpy(name, path, size);
		name[size] = '\0';
		path += size + (path[size] == '.');
		if (json_is_array(value))
			value = json_array_get(value, strtoul(name, NULL, 10));
		else
			value = json_object_get(value, name);
	}
	return value;
}

static inline long long at_int(const struct exchange *x, const char *path)
{
	const json_t *value = at(x, path);
	if (!json_is_integer(value))
		fail_msg("%s is no integer in %s", path, buffer_text(&x->text));
	return json_integer_value(value);
}

static inline double at_real(const struct exchange *x, const char *path)
{
	const json_t *value = at(x, path);
	if (!json_is_number(value))
		fail_msg("%s is no number in %s", path, buffer_text(&x->text));
	return json_number_value(value);
}

static inline const char *at_text(const struct exchange *x, const char *path)
{
	const json_t *value = at(x, path);
	if (!json_is_string(value))
		fail_msg("%s is no string in %s", path, buffer_text(&x->text));
	return json_string_value(value);
}

static inline size_t at_size(const struct exchange *x, const char *path)
{
	const json_t *value = at(x, path);
	if (!json_is_array(value))
		fail_msg("%s is no array in %s", path, buffer_text(&x->text));
	return json_array_size(value);
}

static inline const char *header(const struct exchange *x, const char *name)
{
	for (size_t i = 0; i < x->call.n_headers; i++)
		if (strcasecmp(x->call.headers[i].name, name) == 0)
			return x->call.headers[i].value;
	return NULL;
}

/* A fault of a 422, by its JSON pointer. */
static inline bool has_fault(const struct exchange *x, const char *pointer)
{
	const json_t *errors = json_object_get(x->json, "errors");
	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *fault = json_array_get(errors, i);
		const char *text = json_string_value(json_object_get(fault, "pointer"));
		if (text && strcmp(text, pointer) == 0)
			return true;
	}
	return false;
}

/* ---- experiments ---- */

/* Two parameters and a random tuner; extra: more members, each with a comma before it. */
static inline void experiment_make(struct world *world, const char *extra, char id[ID_SIZE])
{
	char body[4096];
	snprintf(body, sizeof(body),
		"{\"name\":\"lenet\",\"search_space\":{"
		"\"lr\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		"\"units\":{\"_type\":\"choice\",\"_value\":[16,32]}},"
		"\"tuner\":{\"name\":\"random\",\"seed\":7}%s}",
		extra);
	struct exchange *x = post(world, 201, "/v1/experiments", body);
	snprintf(id, ID_SIZE, "%s", at_text(x, "id"));
	exchange_free(x);
}

/* The URL of something of an experiment; the text is good until the next but three. */
static inline const char *url(const char *id, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline const char *url(const char *id, const char *fmt, ...)
{
	static char texts[4][512];
	static unsigned next;
	char *text = texts[next++ % 4];
	va_list args;
	int n = snprintf(text, 512, "/v1/experiments/%s", id);

	va_start(args, fmt);
	vsnprintf(text + n, 512 - (size_t)n, fmt, args);
	va_end(args);
	return text;
}

/* Hands out one trial and answers its number. */
static inline long long suggest_one(struct world *world, const char *id)
{
	struct exchange *x = post(world, 200, url(id, "/suggest"), "{\"worker\":\"w\"}");
	long long number = at_int(x, "trials.0.trial");
	exchange_free(x);
	return number;
}

/* Hands out one trial and reports its final value. */
static inline long long finish_one(struct world *world, const char *id, const char *value)
{
	char body[256];
	long long number = suggest_one(world, id);
	snprintf(body, sizeof(body), "{\"trial\":%lld,\"value\":%s,\"final\":true}", number, value);
	post_only(world, 200, url(id, "/observe"), body);
	return number;
}

#endif
