#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/quality/report.h"

#define BEGIN_MARK "<!-- quality:begin -->\n"
#define END_MARK   "<!-- quality:end -->\n"
#define FILE_MAX   (16u << 20)

int report_save(const char *path, const char *text, size_t size, struct error *err)
{
	FILE *file = fopen(path, "wb");

	if (!file)
		return fail(err, CODE_UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
	size_t written = fwrite(text, 1, size, file);
	if (fclose(file) != 0 || written != size)
		return fail(err, CODE_UNAVAILABLE, "cannot write %s", path);
	return 0;
}

/* What path holds; nothing if it is not there. */
static void load(const char *path, struct buffer *out)
{
	char part[4096];
	size_t n;
	FILE *file = fopen(path, "rb");

	if (!file)
		return;
	while ((n = fread(part, 1, sizeof(part), file)) > 0)
		buffer_add(out, part, n);
	(void)fclose(file);
}

int report_insert(const char *path, const char *text, struct error *err)
{
	struct buffer old, new;
	int code;

	buffer_init(&old, FILE_MAX);
	buffer_init(&new, FILE_MAX);
	load(path, &old);
	const char *whole = buffer_text(&old), *begin = strstr(whole, BEGIN_MARK);
	const char *end = begin ? strstr(begin, END_MARK) : NULL;
	if (old.size && !end) {
		code = fail(
			err, CODE_CONFLICT, "%s has no lines " BEGIN_MARK " and " END_MARK, path);
	} else {
		if (end)
			buffer_add(&new, whole, (size_t)(begin - whole));
		else
			buffer_add_text(&new, "# Benchmarks\n\n");
		buffer_printf(&new, "%s%s%s%s", BEGIN_MARK, text, END_MARK,
			end ? end + strlen(END_MARK) : "");
		code = old.failed || new.failed
			       ? fail(err, CODE_TOO_LARGE, "%s is too large", path)
			       : report_save(path, buffer_text(&new), new.size, err);
	}
	buffer_release(&old);
	buffer_release(&new);
	return code;
}
