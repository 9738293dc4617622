#include "core/text.h"

#include <assert.h>
#include <string.h>

bool text_is_plain(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	for (; *c; c++)
		if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
			return false;
	return true;
}

const char *text_excerpt(const char *text, char *out, size_t size)
{
	size_t n = strlen(text);
	assert(size >= 8);
	if (n < size) {
		memcpy(out, text, n + 1);
		return out;
	}
	n = size - sizeof("...");
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, text, n);
	memcpy(out + n, "...", sizeof("..."));
	return out;
}
