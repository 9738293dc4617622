#include <assert.h>
#include <string.h>
#include <strings.h>

#include "service/http_internal.h"

#define GZIP_LEVEL 1 /* three times as fast as 6, and JSON shrinks nearly as well */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	/* The length is libmicrohttpd's to say. A value with a line end is refused there. */
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH))
		MHD_add_response_header(response, name, value);
}

static bool gzip_wanted(const struct request *request, size_t size)
{
	const struct call *call = &request->call;
	return size >= GZIP_MIN && gzip_worth(call->content_type) &&
	       !call_header_find(call, MHD_HTTP_HEADER_CONTENT_ENCODING) &&
	       gzip_accepted(request_header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING));
}

/* persistent: bytes outlive the response; else it takes them over. */
static struct MHD_Response *of_bytes(
	struct request *request, void *data, size_t size, bool persistent)
{
	request->response_bytes = size;
	return MHD_create_response_from_buffer(
		size, data, persistent ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
}

static struct MHD_Response *of_static(struct request *request, bool *gzipped)
{
	const struct call *call = &request->call;
	struct bytes bytes = { call->static_body, call->static_size };
	*gzipped = gzip_wanted(request, bytes.size) &&
		   gzip_cache_get(request->http->gzip, bytes.data, bytes.size, &bytes);
	char *data;
	memcpy(&data, &bytes.data, sizeof(data)); /* PERSISTENT bytes are only read */
	return of_bytes(request, data, bytes.size, true);
}

static struct MHD_Response *of_out(struct request *request, bool *gzipped)
{
	struct buffer *out = &request->call.out;
	void *compressed;
	size_t size;
	*gzipped = gzip_wanted(request, out->size) &&
		   gzip_compress(out->data, out->size, GZIP_LEVEL, &compressed, &size);
	if (*gzipped)
		return of_bytes(request, compressed, size, false);
	if (!out->size)
		return of_bytes(request, NULL, 0, true);
	struct MHD_Response *response = of_bytes(request, out->data, out->size, false);
	if (response)
		*out = (struct buffer){ .limit = out->limit };
	return response;
}

static struct MHD_Response *response_make(struct request *request)
{
	struct call *call = &request->call;
	bool gzipped = false;
	struct MHD_Response *response = call->stream	    ? feed_response(request)
					: call->static_body ? of_static(request, &gzipped)
							    : of_out(request, &gzipped);
	if (!response)
		return NULL;
	if (call->content_type)
		add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, call->content_type);
	for (size_t i = 0; i < call->n_headers; i++)
		add_header(response, call->headers[i].name, call->headers[i].value);
	if (gzipped)
		add_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	if (!call->stream && gzip_worth(call->content_type))
		add_header(response, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
	if (!call_header_find(call, MHD_HTTP_HEADER_CACHE_CONTROL))
		add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	return response;
}

/* Takes an answer that cannot be given back, and gives a problem instead. */
static void replace(struct request *request, enum code code, const char *detail)
{
	const struct http_app *app = &request->http->config.app;
	struct call *call = &request->call;
	if (call->stream)
		call->stream->close(call->stream);
	call->stream = NULL;
	call->static_body = NULL;
	call->n_headers = 0;
	buffer_clear(&call->out);
	app->refuse(app->context, call, code, detail);
}

/* transport->finish: any thread, once. Compression is done here, on the worker's time. */
void reply_finish(struct call *call)
{
	struct request *request = call->transport_data;
	struct http *http = request->http;
	assert(!atomic_load(&request->finished));
	peer_unpark(request);
	if (call->stream && !feed_admit(request)) {
		atomic_fetch_add(&http->config.counters->unavailable, 1);
		replace(request, CODE_UNAVAILABLE, "too many streams are being sent");
		return; /* replace came by here */
	}
	request->response = response_make(request);
	struct MHD_Connection *connection = request->connection;
	bool suspended = request->suspended;
	atomic_store(&request->finished, true);
	/* From here on the request may be gone. */
	if (suspended)
		http_resume(http, connection);
}

enum MHD_Result reply_send(struct request *request)
{
	struct http *http = request->http;
	struct MHD_Response *response = request->response;
	if (!response)
		return MHD_NO; /* no memory for an answer */
	if (request->close || atomic_load(&http->draining))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	int64_t allowed_ms = http->config.request_timeout_ms +
			     (int64_t)(request->response_bytes / HTTP_RATE_BYTES) * 1000;
	peer_phase(request, PHASE_SENDING,
		request->call.stream ? 0 : monotonic_us() + allowed_ms * 1000);
	enum MHD_Result result =
		MHD_queue_response(request->connection, (unsigned)request->call.status, response);
	request->response = NULL;
	MHD_destroy_response(response);
	return result;
}
