/* Any bytes as an event of an import, as the body of a stored event of any kind, and as metrics:
 * no crash, and what is accepted is written as a text that reads back the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "core/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const char *text, size_t size, struct arena *arena)
{
	struct event event, again;
	struct buffer first, second;
	struct error err = { 0 };

	if (event_read(text, size, &event, arena, &err)) {
		assert(err.message[0] != '\0');
		return;
	}
	buffer_init(&first, SIZE_MAX / 2);
	buffer_init(&second, SIZE_MAX / 2);
	event_write(&event, &first);
	int rc = event_read(buffer_text(&first), first.size, &again, arena, &err);
	/* A number may be longer in our writing than in theirs, and so pass a bound of bytes. */
	assert(rc == 0 || rc == CODE_INVALID);
	if (!rc) {
		event_write(&again, &second);
		assert(strcmp(buffer_text(&first), buffer_text(&second)) == 0);
	}
	assert(!strpbrk(buffer_text(&first), "\r\n"));
	buffer_release(&first);
	buffer_release(&second);
}

static void check_body(enum event_kind kind, const char *text, size_t size, struct arena *arena)
{
	struct event event, again;
	struct buffer first, second;

	event_init(&event, kind, 0);
	if (event_read_body(text, size, &event, arena, NULL))
		return;
	buffer_init(&first, SIZE_MAX / 2);
	buffer_init(&second, SIZE_MAX / 2);
	event_write_body(&event, &first);
	event_init(&again, kind, 0);
	int rc = event_read_body(buffer_text(&first), first.size, &again, arena, NULL);
	assert(rc == 0);
	event_write_body(&again, &second);
	assert(strcmp(buffer_text(&first), buffer_text(&second)) == 0);
	assert(metrics_digest(event.metrics, event.n_metrics) ==
		metrics_digest(again.metrics, again.n_metrics));
	buffer_release(&first);
	buffer_release(&second);
}

static void check_metrics(const char *text, size_t size, struct arena *arena)
{
	const struct metric *metrics, *again;
	size_t n, n_again;
	struct buffer out;

	if (metrics_read(text, size, arena, &metrics, &n, NULL))
		return;
	buffer_init(&out, SIZE_MAX / 2);
	metrics_write(metrics, n, &out);
	int rc = metrics_read(buffer_text(&out), out.size, arena, &again, &n_again, NULL);
	assert(rc == 0 && n == n_again);
	assert(metrics_digest(metrics, n) == metrics_digest(again, n));
	buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct arena arena;

	arena_init(&arena, 0);
	check_event(text, size, &arena);
	for (int kind = 0; kind < EVENT_KIND_COUNT; kind++)
		check_body((enum event_kind)kind, text, size, &arena);
	check_metrics(text, size, &arena);
	arena_release(&arena);
	return 0;
}
