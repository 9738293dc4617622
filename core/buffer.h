/*
 * A growing byte string with a hard ceiling. Failure is sticky: after a write that would pass the
 * ceiling (or when memory is short) failed is set, the content stays as it was, and later writes do
 * nothing, so a writer checks once at the end.
 *
 * Invariant: data[size] is NUL whenever data is not NULL; buffer_text never answers NULL.
 */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Borrowed bytes. */
struct bytes {
	const void *data;
	size_t size;
};

struct buffer {
	char *data;
	size_t size;
	size_t room;
	size_t limit;
	bool failed;
};

void buffer_init(struct buffer *buffer, size_t limit);
void buffer_release(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* empty again, memory kept, failed reset */

void buffer_add(struct buffer *buffer, const void *data, size_t size);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

const char *buffer_text(const struct buffer *buffer);

#endif
