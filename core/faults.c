#include "core/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void faults_init(struct faults *faults)
{
	faults->n = 0;
}

size_t faults_kept(const struct faults *faults)
{
	return faults->n < LIMIT_FAULTS ? faults->n : LIMIT_FAULTS;
}

/* Puts c in front of what stands at out[at..]; false when there is no room left. */
static int put_front(char *out, size_t *at, char c)
{
	if (*at == 0)
		return 0;
	out[--*at] = c;
	return 1;
}

static int put_name(char *out, size_t *at, const char *name)
{
	for (size_t i = strlen(name); i-- > 0;) {
		int ok;
		if (name[i] == '~')
			ok = put_front(out, at, '0') && put_front(out, at, '~');
		else if (name[i] == '/')
			ok = put_front(out, at, '1') && put_front(out, at, '~');
		else
			ok = put_front(out, at, name[i]);
		if (!ok)
			return 0;
	}
	return put_front(out, at, '/');
}

void path_write(const struct path *at, char *out, size_t size)
{
	char text[FAULT_POINTER_MAX];
	size_t start = sizeof(text) - 1;

	text[start] = '\0';
	for (const struct path *p = at; p; p = p->up) {
		char digits[24];
		snprintf(digits, sizeof(digits), "%zu", p->index);
		if (!put_name(text, &start, p->name ? p->name : digits))
			break;
	}
	if (size > 0 && sizeof(text) - start > size)
		start = sizeof(text) - size;
	/* Never start in the middle of a UTF-8 sequence. */
	while ((text[start] & 0xc0) == 0x80)
		start++;
	snprintf(out, size, "%s", text + start);
}

/* A message that did not fit may end in the middle of a UTF-8 sequence: drop what is left of it. */
static void trim_utf8(char *text)
{
	size_t n = strlen(text), start = n;
	while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	unsigned char lead = start > 0 ? (unsigned char)text[start - 1] : 0;
	size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (size > 1 && n - start + 1 < size)
		text[start - 1] = '\0';
}

void fault_add(struct faults *faults, const struct path *at, const char *fmt, ...)
{
	if (faults->n < LIMIT_FAULTS) {
		struct fault *fault = &faults->items[faults->n];
		va_list args;
		path_write(at, fault->pointer, sizeof(fault->pointer));
		va_start(args, fmt);
		vsnprintf(fault->message, sizeof(fault->message), fmt, args);
		va_end(args);
		trim_utf8(fault->message);
	}
	faults->n++;
}
