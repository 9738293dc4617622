#include "api/call.h"

#include <assert.h>
#include <strings.h>
#include <time.h>

const char *call_header_find(const struct call *call, const char *name)
{
	for (size_t i = 0; i < call->n_headers; i++) {
		if (strcasecmp(call->headers[i].name, name) == 0)
			return call->headers[i].value;
	}
	return NULL;
}

void call_header(struct call *call, const char *name, const char *value)
{
	char *copy = arena_strdup(&call->arena, value);
	size_t i = 0;

	if (!copy)
		return; /* an answer without an optional header is better than none */
	while (i < call->n_headers && strcasecmp(call->headers[i].name, name) != 0)
		i++;
	assert(i < CALL_HEADERS);
	call->headers[i] = (struct header){ .name = name, .value = copy };
	if (i == call->n_headers)
		call->n_headers++;
}

void call_ready(struct call *call)
{
	if (!call->out.limit)
		buffer_init(&call->out, CALL_OUT_BYTES);
}

void call_finish(struct call *call)
{
	assert(call->status >= 200 && call->status < 600);
	if (call->request_id)
		call_header(call, "X-Request-Id", call->request_id);
	call_header(call, "X-Content-Type-Options", "nosniff");
	call->transport->finish(call);
}

int64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
