#include "core/base64.h"

#include <assert.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(const void *data, size_t size, struct buffer *out)
{
	const unsigned char *bytes = data;
	for (; size > 0; bytes += 3) {
		size_t n = size < 3 ? size : 3;
		unsigned group = (unsigned)bytes[0] << 16;
		if (n > 1)
			group |= (unsigned)bytes[1] << 8;
		if (n > 2)
			group |= bytes[2];
		char text[4] = { alphabet[group >> 18], alphabet[group >> 12 & 63],
			n > 1 ? alphabet[group >> 6 & 63] : '=',
			n > 2 ? alphabet[group & 63] : '=' };
		buffer_add(out, text, sizeof(text));
		size -= n;
	}
}

/* -1: not of the alphabet. */
static int value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

bool base64_check(const char *text, size_t length, size_t *size)
{
	size_t padding = 0;

	if (length % 4 != 0)
		return false;
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < length - padding; i++)
		if (value_of(text[i]) < 0)
			return false;
	/* One byte leaves 4 unused bits in its second character, two leave 2 in their third. */
	int unused = padding == 2 ? 15 : padding == 1 ? 3 : 0;
	if (unused && (value_of(text[length - 1 - padding]) & unused))
		return false;
	*size = length / 4 * 3 - padding;
	return true;
}

void *base64_read(const char *text, size_t length, struct arena *arena)
{
	size_t size = 0;
	bool valid = base64_check(text, length, &size);
	assert(valid);
	unsigned char *out = arena_alloc(arena, size + 1);
	if (!out)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		/* Byte i spans the characters i * 4 / 3 and the next one. */
		size_t at = i / 3 * 4 + i % 3;
		unsigned high = (unsigned)value_of(text[at]),
			 low = (unsigned)value_of(text[at + 1]);
		unsigned shift = 2 * (unsigned)(i % 3) + 2;
		out[i] = (unsigned char)((high << shift | low >> (6 - shift)) & 255);
	}
	return out;
}
