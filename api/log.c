/*
 * Logs of trials. A worker appends at the offset it believes the log to have; when it is wrong (an
 * append whose answer was lost) the 409 says where to go on, in the header Upload-Offset.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/artifact.h"
#include "api/problem.h"
#include "api/reply.h"

#define CHUNK_BYTES (256u << 10)

static void length_header(struct call *call, int64_t length)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, length);
	call_header(call, "Upload-Offset", text);
}

void log_append(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	const struct idempotency *key; /* the offset tells a repeat already */
	struct error err = { 0 };
	int64_t number, offset, length = -1;

	if (!query_int(call, "offset", 0, LIMIT_LOG_BYTES, -1, &offset) ||
		!idempotency_of(call, &key))
		return;
	if (offset < 0) {
		problem_replyf(call, CODE_MALFORMED,
			"query argument offset: the length of the log so far, 0 at first");
		return;
	}
	if ((uint64_t)offset + call->body.size > LIMIT_LOG_BYTES) {
		problem_replyf(call, CODE_TOO_LARGE, "a trial's log has at most %u bytes",
			LIMIT_LOG_BYTES);
		return;
	}
	if (!trial_of(api, session, call, &row, &number))
		return;
	if (store_log_append(session, row.id, number, offset,
		    call->body.data ? call->body.data : "", call->body.size, &length, &err)) {
		if (err.code == CODE_CONFLICT && length >= 0) {
			length_header(call, length);
			fail(&err, CODE_CONFLICT, "the log has %" PRId64 " bytes, not %" PRId64,
				length, offset);
		}
		problem_reply(call, &err, NULL);
		return;
	}
	length_header(call, length);
	buffer_printf(&call->out, "{\"length\":%" PRId64 "}", length);
	reply_json(call, 200);
}

/* ---- reading ---- */

struct log_stream {
	struct stream stream; /* first: the transport's stream is this */
	struct arena page;
	char experiment[ID_SIZE];
	int64_t trial, offset, end;
};

static int log_next(struct stream *stream, struct session *session, bool ping, struct buffer *out,
	bool *done, struct error *err)
{
	struct log_stream *log = (struct log_stream *)stream;
	const void *data;
	int64_t length;
	size_t n = 0, left = (size_t)(log->end - log->offset);

	(void)ping; /* never idle */
	arena_reset(&log->page);
	int rc = store_log_read(session, log->experiment, log->trial, log->offset,
		left < CHUNK_BYTES ? left : CHUNK_BYTES, &log->page, &data, &n, &length, err);
	if (rc)
		return rc;
	buffer_add(out, data, n);
	log->offset += (int64_t)n;
	*done = n == 0 || log->offset >= log->end;
	return 0;
}

static void log_close(struct stream *stream)
{
	struct log_stream *log = (struct log_stream *)stream;
	arena_release(&log->page);
	free(log);
}

static void stream_log(
	struct call *call, const char *id, int64_t trial, int64_t offset, int64_t end)
{
	struct log_stream *log = calloc(1, sizeof(*log));
	if (!log) {
		no_memory_reply(call);
		return;
	}
	log->stream = (struct stream){ log_next, log_close };
	log->trial = trial;
	log->offset = offset;
	log->end = end;
	arena_init(&log->page, 0);
	snprintf(log->experiment, sizeof(log->experiment), "%s", id);
	call->status = 200;
	call->stream = &log->stream;
	call_finish(call);
}

void log_get(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	const void *data;
	struct error err = { 0 };
	int64_t number, offset, tail, length = 0;
	size_t n;

	if (!query_int(call, "offset", 0, LIMIT_LOG_BYTES, -1, &offset) ||
		!query_int(call, "tail", 1, LIMIT_LOG_BYTES, -1, &tail))
		return;
	if (offset >= 0 && tail >= 0) {
		problem_replyf(call, CODE_MALFORMED, "either offset or tail, not both");
		return;
	}
	if (!trial_of(api, session, call, &row, &number))
		return;
	/* One byte, for the length. */
	if (store_log_read(session, row.id, number, 0, 1, &call->arena, &data, &n, &length, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	if (offset < 0)
		offset = tail >= 0 && tail < length ? length - tail : 0;
	length_header(call, length);
	call_header(call, "Cache-Control", "private, no-cache");
	call->content_type = "text/plain; charset=utf-8";
	if (offset < length) {
		stream_log(call, row.id, number, offset, length);
		return;
	}
	call->status = 200;
	call_finish(call);
}
