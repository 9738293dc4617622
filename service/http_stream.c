#include <assert.h>
#include <string.h>

#include "service/http_internal.h"

/*
 * An answer in pieces. Three threads meet: a connection thread sends a piece (reader), a worker
 * makes the next one (run), and anybody wakes it. The piece itself needs no lock: it is the
 * worker's while busy, else the reader's, and busy is set only while the connection is suspended.
 */

#define KEEP_BYTES (256u << 10) /* a piece's memory is kept for the next one up to this */

static struct request *request_of(struct feed *feed)
{
	return (struct request *)((char *)feed - offsetof(struct request, feed));
}

static void run(struct job *job, struct session *session);

/* Gives the feed to a worker. streams_lock is held. */
static void start(struct request *request)
{
	assert(request->feed.waiting && !request->feed.busy);
	request->feed.busy = true;
	request->feed.job.run = run;
	pool_submit_always(request->http->config.pool, &request->feed.job);
}

bool feed_admit(struct request *request)
{
	struct http *http = request->http;
	struct feed *feed = &request->feed;
	bool fits = false;
	pthread_mutex_lock(&http->streams_lock);
	if (!http->streams_ended &&
		(size_t)atomic_load(&http->config.counters->streams) < http->config.streams_max) {
		fits = true;
		feed->listed = true;
		feed->next = http->streams;
		if (http->streams)
			http->streams->feed.previous = request;
		http->streams = request;
		atomic_fetch_add(&http->config.counters->streams, 1);
	}
	pthread_mutex_unlock(&http->streams_lock);
	return fits;
}

/* streams_lock is held. */
static void unlist(struct request *request)
{
	struct http *http = request->http;
	struct feed *feed = &request->feed;
	assert(feed->listed);
	feed->listed = false;
	if (feed->next)
		feed->next->feed.previous = feed->previous;
	if (feed->previous)
		feed->previous->feed.next = feed->next;
	else
		http->streams = feed->next;
	atomic_fetch_sub(&http->config.counters->streams, 1);
}

/* A connection thread wants bytes. */
static ssize_t reader(void *context, uint64_t position, char *out, size_t room)
{
	struct request *request = context;
	struct feed *feed = &request->feed;
	struct http *http = request->http;
	(void)position;
	assert(!feed->waiting);
	if (feed->sent < feed->piece.size) {
		size_t n = feed->piece.size - feed->sent;
		n = n < room ? n : room;
		memcpy(out, feed->piece.data + feed->sent, n);
		feed->sent += n;
		request->response_bytes += n;
		return (ssize_t)n;
	}
	if (feed->failed)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (feed->done)
		return MHD_CONTENT_READER_END_OF_STREAM;
	ssize_t answer = 0;
	pthread_mutex_lock(&http->streams_lock);
	if (http->streams_ended || !http_suspend(http, request->connection)) {
		answer = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		feed->waiting = true;
		if (!feed->idle || feed->woken)
			start(request);
	}
	pthread_mutex_unlock(&http->streams_lock);
	return answer;
}

/* The response is gone: sent, or its client went away. Nobody is busy: the connection would be
 * suspended, and a suspended connection stays. */
static void released(void *context)
{
	struct request *request = context;
	struct stream *stream = request->call.stream;
	assert(!request->feed.busy);
	/* Without the lock: close() may wait for a thread that is in feed_wake. */
	stream->close(stream);
	pthread_mutex_lock(&request->http->streams_lock);
	unlist(request);
	pthread_mutex_unlock(&request->http->streams_lock);
	request_release(request);
}

struct MHD_Response *feed_response(struct request *request)
{
	buffer_init(&request->feed.piece, CALL_OUT_BYTES);
	request->feed.last_us = monotonic_us();
	atomic_fetch_add(&request->references, 1);
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, 32u << 10, reader, request, released);
	if (!response)
		released(request);
	else if (request->call.method == METHOD_HEAD)
		/* libmicrohttpd 0.9.75 writes the last chunk of an answer to HEAD, which has none
		 * and would be read as the next answer. Not chunked, it writes nothing. */
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return response;
}

void feed_wake(struct call *call)
{
	struct request *request = call->transport_data;
	struct feed *feed = &request->feed;
	pthread_mutex_lock(&request->http->streams_lock);
	feed->woken = true;
	if (feed->waiting && !feed->busy)
		start(request);
	pthread_mutex_unlock(&request->http->streams_lock);
}

/* One next(), on a worker. */
static void produce(struct request *request, struct session *session, bool ping)
{
	struct feed *feed = &request->feed;
	struct stream *stream = request->call.stream;
	struct error err;
	bool done = false;
	if (feed->piece.room > KEEP_BYTES)
		buffer_release(&feed->piece);
	buffer_clear(&feed->piece);
	feed->sent = 0;
	int code = stream->next(stream, session, ping, &feed->piece, &done, &err);
	if (!code && feed->piece.failed)
		code = fail(
			&err, CODE_NO_MEMORY, "a piece is larger than %u bytes", CALL_OUT_BYTES);
	if (code) {
		buffer_clear(&feed->piece);
		log_message(request->http->config.log, LOG_LEVEL_WARNING,
			"stream of request %s ends: %s", request->call.request_id, err.message);
	}
	feed->failed = code != 0;
	feed->done = done;
}

static void run(struct job *job, struct session *session)
{
	struct feed *feed = (struct feed *)((char *)job - offsetof(struct feed, job));
	struct request *request = request_of(feed);
	struct http *http = request->http;
	pthread_mutex_lock(&http->streams_lock);
	bool ping = feed->ping;
	feed->ping = false;
	if (session)
		feed->woken = false;
	pthread_mutex_unlock(&http->streams_lock);
	if (session) /* else the next ping tries again */
		produce(request, session, ping);
	pthread_mutex_lock(&http->streams_lock);
	feed->busy = false;
	feed->last_us = monotonic_us();
	feed->idle = feed->sent == feed->piece.size && !feed->done && !feed->failed;
	bool resume = !feed->idle || http->streams_ended;
	if (resume)
		feed->waiting = false;
	else if (session && feed->woken)
		start(request);
	struct MHD_Connection *connection = request->connection;
	pthread_mutex_unlock(&http->streams_lock);
	if (resume)
		http_resume(http, connection);
}

void feeds_tick(struct http *http, int64_t now_us)
{
	int64_t before_us = now_us - http->config.ping_ms * 1000;
	pthread_mutex_lock(&http->streams_lock);
	for (struct request *it = http->streams; it; it = it->feed.next) {
		struct feed *feed = &it->feed;
		if (!feed->waiting || feed->busy || feed->last_us > before_us)
			continue;
		feed->ping = true;
		start(it);
	}
	pthread_mutex_unlock(&http->streams_lock);
}

void http_streams_end(struct http *http)
{
	pthread_mutex_lock(&http->streams_lock);
	http->streams_ended = true;
	for (struct request *it = http->streams; it; it = it->feed.next) {
		if (!it->feed.waiting || it->feed.busy)
			continue;
		it->feed.waiting = false;
		http_resume(http, it->connection);
	}
	pthread_mutex_unlock(&http->streams_lock);
}
