#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/route.h"
#include "service/http_internal.h"

static struct request *request_of(struct call *call)
{
	return call->transport_data;
}

static const char *call_request_header(struct call *call, const char *name)
{
	return request_header(request_of(call), name);
}

static const char *call_query(struct call *call, const char *name)
{
	return uri_argument(&request_of(call)->uri, name);
}

static void call_each_query(
	struct call *call, void (*see)(void *context, const char *name), void *context)
{
	const struct uri *uri = &request_of(call)->uri;
	for (size_t i = 0; i < uri->n_arguments; i++)
		see(context, uri->arguments[i].name);
}

const struct transport http_transport = { .header = call_request_header,
	.query = call_query,
	.each_query = call_each_query,
	.finish = reply_finish,
	.wake = feed_wake,
	.parked = peer_park };

static struct request *request_new(struct http *http, struct MHD_Connection *connection)
{
	struct request *request = calloc(1, sizeof(*request));
	if (!request)
		return NULL;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	request->http = http;
	request->connection = connection;
	request->peer = info ? info->socket_context : NULL;
	atomic_init(&request->references, 1);
	atomic_init(&request->finished, false);
	request->call.transport = &http_transport;
	request->call.transport_data = request;
	request->call.received_us = monotonic_us();
	arena_init(&request->call.arena, CALL_ARENA_BYTES);
	return request;
}

/* The request line is there; headers are not yet. */
void *request_target(void *context, const char *target, struct MHD_Connection *connection)
{
	struct http *http = context;
	struct request *request = request_new(http, connection);
	if (!request)
		return NULL;
	request->target = strdup(target);
	peer_phase(request, PHASE_READING,
		request->call.received_us + http->config.request_timeout_ms * 1000);
	return request;
}

/* May touch nothing but the request: the transport may be closing. */
void request_release(struct request *request)
{
	if (atomic_fetch_sub(&request->references, 1) > 1)
		return;
	assert(!request->response);
	buffer_release(&request->body);
	buffer_release(&request->call.out);
	buffer_release(&request->feed.piece);
	arena_release(&request->call.arena);
	free(request->target);
	free(request);
}

static bool expects_continue(const struct request *request)
{
	const char *expect = request_header(request, MHD_HTTP_HEADER_EXPECT);
	return expect && !strcasecmp(expect, "100-continue");
}

/* What the headers say of the body, against what the route allows. */
static void body_expect(struct request *request, uint64_t declared)
{
	const struct http *http = request->http;
	const struct http_app *app = &http->config.app;
	request->body_max = app->body_max(app->context, &request->call);
	buffer_init(&request->body, request->body_max);
	const char *encoding = request_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING);
	const char *expect = request_header(request, MHD_HTTP_HEADER_EXPECT);
	int64_t used = atomic_load(&http->config.counters->body_bytes);
	if (declared > request->body_max)
		request_refuse(request, CODE_TOO_LARGE,
			request->body_max ? "the body may have at most %zu bytes"
					  : "this operation takes no body (%zu bytes)",
			request->body_max);
	else if (encoding && strcasecmp(encoding, "identity"))
		request_refuse(
			request, CODE_MEDIA_TYPE, "Content-Encoding is not supported for requests");
	else if (expect && !expects_continue(request))
		request_refuse(request, CODE_MALFORMED, "the only Expect is 100-continue");
	else if ((uint64_t)used + declared > http->config.body_bytes_max)
		request_refuse(request, CODE_UNAVAILABLE, "too many request bodies are being read");
}

/* Ends the call with its refusal, on this thread. */
static void refuse_now(struct request *request)
{
	const struct http_app *app = &request->http->config.app;
	if (request->refusal == CODE_UNAVAILABLE)
		atomic_fetch_add(&request->http->config.counters->unavailable, 1);
	app->refuse(app->context, &request->call, request->refusal, request->refusal_detail);
}

/* The headers are there, the body is not. */
static enum MHD_Result begin(struct request *request, const char *method, const char *version)
{
	struct http *http = request->http;
	const struct http_app *app = &http->config.app;
	atomic_fetch_add(&http->active, 1);
	atomic_fetch_add(&http->config.counters->in_flight, 1);
	request->begun = true;
	request->begun_us = monotonic_us();
	bool sound = request_check(request, method, version);
	const char *length = request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t declared = length ? strtoull(length, NULL, 10) : 0;
	bool chunked = request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
	/* A route that is not there has its answer in the call at once. */
	if (sound && app->route(app->context, &request->call))
		body_expect(request, declared);
	bool over = request->refusal || atomic_load(&request->finished);
	if (!over)
		return MHD_YES;
	/* A body that nobody wants is read and thrown away, so that the connection can go on, but
	 * not if it is huge, not yet sent, or of unknown extent. */
	if ((declared || chunked) && (declared > HTTP_DISCARD_MAX || expects_continue(request)))
		request->close = true;
	if (!request->close)
		return MHD_YES;
	if (request->refusal)
		refuse_now(request);
	return reply_send(request);
}

static void body_drop(struct request *request)
{
	buffer_release(&request->body);
	atomic_fetch_sub(&request->http->config.counters->body_bytes, request->counted);
	request->counted = 0;
}

static enum MHD_Result body_take(struct request *request, const char *data, size_t size)
{
	struct http *http = request->http;
	struct counters *counters = http->config.counters;
	request->received += size;
	atomic_fetch_add(&counters->received_bytes, size);
	peer_phase(request, PHASE_READING,
		request->begun_us + http->config.request_timeout_ms * 1000 +
			(int64_t)(request->received / HTTP_RATE_BYTES) * 1000000);
	if (request->refusal || atomic_load(&request->finished))
		return request->received > request->body_max + HTTP_DISCARD_MAX ? MHD_NO : MHD_YES;
	buffer_add(&request->body, data, size);
	int64_t grown = (int64_t)request->body.room - request->counted;
	request->counted += grown;
	int64_t total = atomic_fetch_add(&counters->body_bytes, grown) + grown;
	if (request->received > request->body_max)
		request_refuse(request, CODE_TOO_LARGE, "the body may have at most %zu bytes",
			request->body_max);
	else if (request->body.failed)
		request_refuse(request, CODE_NO_MEMORY, "no memory for the body");
	else if ((uint64_t)total > http->config.body_bytes_max)
		request_refuse(request, CODE_UNAVAILABLE, "too many request bodies are being read");
	if (request->refusal)
		body_drop(request);
	return MHD_YES;
}

static void run(struct job *job, struct session *session)
{
	struct request *request = (struct request *)((char *)job - offsetof(struct request, job));
	struct http *http = request->http;
	const struct http_app *app = &http->config.app;
	struct call *call = &request->call;
	call->started_us = monotonic_us();
	histogram_add(&http->config.counters->queue_wait, call->started_us - request->queued_us);
	if (session)
		app->run(app->context, session, call);
	else
		app->refuse(app->context, call, CODE_UNAVAILABLE, "the database is away");
	request_release(request);
}

static void refuse_busy(struct request *request)
{
	bool leaving = atomic_load(&request->http->draining);
	request_refuse(request, CODE_UNAVAILABLE,
		leaving ? "the server is shutting down" : "too many requests are waiting");
	refuse_now(request);
}

/* Suspends the connection and queues the call. The order matters: a worker may be done before this
 * returns. */
static enum MHD_Result queue(struct request *request)
{
	struct http *http = request->http;
	bool full = pool_full(http->config.pool);
	if (full || !http_suspend(http, request->connection)) {
		refuse_busy(request);
		return reply_send(request);
	}
	request->suspended = true;
	request->queued_us = monotonic_us();
	request->job.run = run;
	atomic_fetch_add(&request->references, 1);
	if (pool_submit(http->config.pool, &request->job))
		return MHD_YES;
	request_release(request);
	refuse_busy(request); /* resumes */
	return MHD_YES;
}

/* The body is complete. */
static enum MHD_Result dispatch(struct request *request)
{
	const struct http_app *app = &request->http->config.app;
	struct call *call = &request->call;
	peer_phase(request, PHASE_WORKING, 0);
	if (request->refusal) {
		refuse_now(request);
		return reply_send(request);
	}
	call->body = (struct bytes){ buffer_text(&request->body), request->body.size };
	if (!app->is_inline(app->context, call))
		return queue(request);
	call->started_us = monotonic_us();
	app->run(app->context, NULL, call);
	assert(atomic_load(&request->finished)); /* what "inline" promises */
	return reply_send(request);
}

enum MHD_Result request_access(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **at)
{
	struct request *request = *at;
	(void)context;
	(void)connection;
	(void)url;
	if (!request)
		return MHD_NO; /* request_target had no memory */
	if (!request->begun)
		return begin(request, method, version);
	if (*size) {
		size_t n = *size;
		*size = 0;
		return body_take(request, data, n);
	}
	if (atomic_load(&request->finished))
		return reply_send(request);
	return dispatch(request);
}

static void access_log(const struct request *request, enum MHD_RequestTerminationCode code)
{
	const struct http *http = request->http;
	const struct call *call = &request->call;
	int64_t now = monotonic_us();
	bool defect = call->status >= 500 && call->status != 503;
	struct log_line line;
	if (!defect && !atomic_load(&http->access_log))
		return;
	log_begin(http->config.log, &line, defect ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "request");
	log_text(&line, "request_id", call->request_id);
	log_text(&line, "method", call->method_name);
	log_text(&line, "path", call->path);
	log_text(&line, "operation", call->route ? call->route->operation : NULL);
	log_int(&line, "status", call->status);
	log_int(&line, "duration_us", now - call->received_us);
	if (request->queued_us && call->started_us)
		log_int(&line, "queue_us", call->started_us - request->queued_us);
	log_int(&line, "bytes", (int64_t)request->response_bytes);
	log_int(&line, "body_bytes", (int64_t)request->received);
	log_text(&line, "team", call->identity.team);
	log_text(&line, "problem", call->problem ? code_name(call->problem) : NULL);
	log_text(&line, "detail", defect ? call->problem_detail : NULL);
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		log_text(&line, "ended",
			code == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED	 ? "timeout"
			: code == MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN ? "shutdown"
									 : "aborted");
	log_end(&line);
}

/* An answer that nobody was left to take. Here and not with the request: what a stream is made into
 * holds its request. */
static void response_drop(struct request *request)
{
	struct MHD_Response *response = request->response;
	request->response = NULL;
	if (response)
		MHD_destroy_response(response);
}

/* The answer is sent, or nobody is left to send it to. */
void request_completed(void *context, struct MHD_Connection *connection, void **at,
	enum MHD_RequestTerminationCode code)
{
	struct http *http = context;
	struct request *request = *at;
	struct counters *counters = http->config.counters;
	(void)connection;
	if (!request)
		return;
	*at = NULL;
	int64_t now = monotonic_us();
	peer_phase(request, PHASE_READING,
		now + (http->config.idle_timeout_ms + http->config.request_timeout_ms) * 1000);
	body_drop(request);
	if (request->begun) {
		const struct route *route = request->call.route;
		if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
			atomic_fetch_add(&counters->aborted, 1);
		counters_request(counters, route ? route->operation : NULL, request->call.status,
			now - request->call.received_us);
		atomic_fetch_add(&counters->sent_bytes, request->response_bytes);
		atomic_fetch_sub(&counters->in_flight, 1);
		access_log(request, code);
		atomic_fetch_sub(&http->active, 1);
		if (atomic_load(&http->draining))
			http_idle_check(http);
	}
	response_drop(request);
	request_release(request);
}
