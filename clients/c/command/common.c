#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 512
#define FILE_MAX  (64u << 20)

enum status complain(const struct cairn_error *error)
{
	fprintf(stderr, "cairn: %s\n", error->detail);
	return error->code == CAIRN_UNREACHABLE ? STATUS_UNREACHABLE : STATUS_REFUSED;
}

static char *ask_path(struct context *context, const char *method, const char *body,
	enum status *status, const char *fmt, va_list args)
{
	char path[PATH_SIZE], *answer;
	struct cairn_error error;

	if ((size_t)vsnprintf(path, sizeof(path), fmt, args) >= sizeof(path)) {
		fprintf(stderr, "cairn: the arguments are too long\n");
		*status = STATUS_USAGE;
		return NULL;
	}
	if (cairn_request(context->cairn, method, path, body, &answer, &error)) {
		*status = complain(&error);
		return NULL;
	}
	*status = STATUS_OK;
	return answer;
}

char *ask_text(struct context *context, const char *method, const char *body, enum status *status,
	const char *path_fmt, ...)
{
	va_list args;
	va_start(args, path_fmt);
	char *answer = ask_path(context, method, body, status, path_fmt, args);
	va_end(args);
	return answer;
}

json_t *ask(struct context *context, const char *method, const char *body, enum status *status,
	const char *path_fmt, ...)
{
	va_list args;
	va_start(args, path_fmt);
	char *answer = ask_path(context, method, body, status, path_fmt, args);
	va_end(args);
	if (!answer)
		return NULL;
	json_t *value = answer[0] ? json_loads(answer, JSON_DECODE_ANY, NULL) : json_null();
	free(answer);
	if (!value) {
		fprintf(stderr, "cairn: the answer is not JSON: is this a Cairn server?\n");
		*status = STATUS_UNREACHABLE;
	}
	return value;
}

char *read_file(const char *name)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
	char *data = NULL;
	size_t size = 0, room = 0, n = 1;

	if (!file) {
		fprintf(stderr, "cairn: %s: %s\n", name, strerror(errno));
		return NULL;
	}
	while (n > 0 && size < FILE_MAX) {
		if (size + 1 >= room) {
			room = room ? room * 2 : 4096;
			char *moved = realloc(data, room);
			if (!moved)
				break;
			data = moved;
		}
		n = fread(data + size, 1, room - size - 1, file);
		size += n;
	}
	bool whole = data && n == 0 && !ferror(file);
	if (file != stdin)
		fclose(file);
	if (!whole) {
		fprintf(stderr, "cairn: %s cannot be read, or is too large\n", name);
		free(data);
		return NULL;
	}
	data[size] = '\0';
	return data;
}

void encode(char *out, size_t size, const char *text)
{
	size_t at = 0;
	for (; *text && at + 4 < size; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			out[at++] = *text;
		else
			at += (size_t)snprintf(out + at, size - at, "%%%02X", (unsigned char)*text);
	}
	out[at] = '\0';
}

void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

const char *show(const json_t *object, const char *name, char *out, size_t size)
{
	const json_t *value = json_object_get(object, name);
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value))
		snprintf(out, size, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(out, size, "%.6g", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(out, size, "%s", json_is_true(value) ? "true" : "false");
	else
		snprintf(out, size, "-");
	return out;
}
