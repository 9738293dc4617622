/* What the verbs share: requests, files, output. */
#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_text.h"

#define PATH_SIZE 512
#define FILE_MAX  (256u << 20)

/* Names and messages are other people's; they shall not steer the terminal. */
static char harmless(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
}

enum status complain(const struct cairn_error *error)
{
	fputs("cairn: ", stderr);
	for (const char *c = error->detail; *c; c++)
		putc(*c == '\n' ? '\n' : harmless(*c), stderr);
	putc('\n', stderr);
	if (error->code == CAIRN_BAD_ARGUMENT)
		return STATUS_USAGE;
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

/* Takes text, the answer of ask_path. */
static json_t *read_answer(char *text, enum status *status)
{
	if (!text)
		return NULL;
	json_t *value = json_loads(text, 0, NULL);
	free(text);
	if (!value) {
		fprintf(stderr, "cairn: the answer is not JSON: is this a Cairn server?\n");
		*status = STATUS_UNREACHABLE;
	}
	return value;
}

json_t *ask(struct context *context, const char *method, const char *body, enum status *status,
	const char *path_fmt, ...)
{
	va_list args;
	va_start(args, path_fmt);
	char *answer = ask_path(context, method, body, status, path_fmt, args);
	va_end(args);
	return read_answer(answer, status);
}

json_t *ask_with(
	struct context *context, json_t *body, enum status *status, const char *path_fmt, ...)
{
	char *text = body ? json_text(body) : NULL;
	json_decref(body);
	if (!text) {
		fprintf(stderr, "cairn: an argument is not UTF-8\n");
		*status = STATUS_USAGE;
		return NULL;
	}
	va_list args;
	va_start(args, path_fmt);
	char *answer = ask_path(context, "POST", text, status, path_fmt, args);
	va_end(args);
	free(text);
	return read_answer(answer, status);
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
	bool whole = data && n == 0 && !ferror(file) && !memchr(data, '\0', size);
	if (file != stdin)
		fclose(file);
	if (!whole) {
		fprintf(stderr, "cairn: %s cannot be read, is no text, or is too large\n", name);
		free(data);
		return NULL;
	}
	data[size] = '\0';
	return data;
}

char *encode(const char *text)
{
	size_t size = text ? 3 * strlen(text) + 1 : 0, at = 0;
	char *out = text ? malloc(size) : NULL;

	if (!out)
		return NULL;
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			out[at++] = *text;
		else
			at += (size_t)snprintf(out + at, size - at, "%%%02X", (unsigned char)*text);
	}
	out[at] = '\0';
	return out;
}

bool read_int(const char *what, const char *text, long long *out)
{
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || *end || end == text || isspace((unsigned char)*text)) {
		fprintf(stderr, "cairn: %s: %s is not a whole number\n", what, text);
		return false;
	}
	*out = value;
	return true;
}

bool read_count(const char *what, const char *text, long long low, long long high, long long *out)
{
	long long value;

	if (!text)
		return true;
	if (!read_int(what, text, &value))
		return false;
	if (value < low || value > high) {
		fprintf(stderr, "cairn: %s: %lld is not in %lld to %lld\n", what, value, low, high);
		return false;
	}
	*out = value;
	return true;
}

struct unit {
	const char *name;
	int64_t size;
};

/* A number and a unit of the list, whose first one is meant when there is none. */
static bool read_unit(
	const char *what, const char *text, const struct unit *units, int64_t most, int64_t *out)
{
	char *end;

	if (!text)
		return true;
	double number = strtod(text, &end);
	const struct unit *unit = units;
	while (*end && unit->name && strcasecmp(unit->name, end) != 0)
		unit++;
	double value = number * (double)unit->size;
	bool plain = isdigit((unsigned char)*text) && text + strspn(text, "0123456789.") == end;
	if (!plain || !unit->name || !(value >= 1) || value > (double)most) {
		fprintf(stderr, "cairn: %s: %s is no number with a unit of", what, text);
		for (unit = units; unit->name; unit++)
			fprintf(stderr, " %s", unit->name);
		fprintf(stderr, ", or is out of bounds\n");
		return false;
	}
	*out = (int64_t)value;
	return true;
}

bool read_duration(const char *what, const char *text, int64_t *ms)
{
	static const struct unit units[] = { { "s", 1000 }, { "ms", 1 }, { "m", 60 * 1000 },
		{ "h", 3600 * 1000 }, { "d", 24 * 3600 * 1000 }, { 0 } };
	return read_unit(what, text, units, 3650ll * 24 * 3600 * 1000, ms);
}

bool read_size(const char *what, const char *text, int64_t *bytes)
{
	static const struct unit units[] = { { "b", 1 }, { "kb", 1ll << 10 }, { "mb", 1ll << 20 },
		{ "gb", 1ll << 30 }, { "tb", 1ll << 40 }, { 0 } };
	return read_unit(what, text, units, 1ll << 50, bytes);
}

json_t *read_value(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);
	char *end;

	if (json_is_object(value))
		return value;
	json_decref(value);
	errno = 0;
	double number = strtod(text, &end);
	if (end == text || *end || (errno && isinf(number)))
		return json_string(text);
	if (isnan(number))
		return json_string("nan");
	if (isinf(number))
		return json_string(number > 0 ? "inf" : "-inf");
	return json_real(number);
}

void print_json(const json_t *value)
{
	json_text_print(stdout, value, true);
	putchar('\n');
}

void print_line(const json_t *value)
{
	json_text_print(stdout, value, false);
	putchar('\n');
}

const char *show(const json_t *object, const char *name, char *out, size_t size)
{
	const json_t *value = json_object_get(object, name);
	char *text = json_is_null(value) || !value ? NULL : json_text(value);
	const char *shown = json_is_string(value) ? json_string_value(value) : text;

	snprintf(out, size, "%s", shown ? shown : "-");
	free(text);
	char *end = json_is_real(value) ? strstr(out, ".0") : NULL;
	if (end && !end[2])
		*end = '\0'; /* JSON tells 1000.0 from 1000, people do not */
	for (char *c = out; *c; c++)
		*c = harmless(*c);
	return out;
}

enum status print_member(
	const struct context *context, json_t *answer, const char *name, enum status status)
{
	char text[256];

	if (!answer)
		return status;
	if (context->options.json)
		print_json(answer);
	else
		puts(show(answer, name, text, sizeof(text)));
	json_decref(answer);
	return STATUS_OK;
}
