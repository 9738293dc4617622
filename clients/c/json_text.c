#include "json_text.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* 15 digits always survive text -> double -> text and 17 the other way round; subnormals have
 * fewer. */
static void print_real(FILE *out, double x)
{
	char text[40];

	for (int digits = fabs(x) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			break;
	}
	/* The program's locale decides what the decimal point looks like; JSON does not ask it. */
	char *point = text + strspn(text, "-0123456789");
	if (*point && *point != 'e') {
		char *rest = point + strcspn(point, "0123456789");
		*point = '.';
		memmove(point + 1, rest, strlen(rest) + 1);
	}
	fputs(text, out);
	if (!strpbrk(text, ".e"))
		fputs(".0", out);
}

static void print_string(FILE *out, const char *text, size_t size)
{
	putc('"', out);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c == '\t')
			fputs("\\t", out);
		else if (c < ' ' || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

/* depth < 0: all on one line. */
static void start_line(FILE *out, int depth)
{
	if (depth >= 0)
		fprintf(out, "\n%*s", 2 * depth, "");
}

/* As deep as the value, and jansson reads nothing deeper than 2048. */
static void print_value(FILE *out, const json_t *value, int depth)
{
	/* jansson walks a const object by a mutable pointer, without changing it. */
	json_t *object = (json_t *)(uintptr_t)value, *member;
	int inner = depth < 0 ? depth : depth + 1;
	const char *name, *separator = "";
	size_t i;

	if (json_is_object(value)) {
		putc('{', out);
		json_object_foreach(object, name, member)
		{
			fputs(separator, out);
			start_line(out, inner);
			print_string(out, name, strlen(name));
			fputs(depth < 0 ? ":" : ": ", out);
			print_value(out, member, inner);
			separator = ",";
		}
		if (json_object_size(value) > 0)
			start_line(out, depth);
		putc('}', out);
	} else if (json_is_array(value)) {
		putc('[', out);
		json_array_foreach(value, i, member)
		{
			fputs(separator, out);
			start_line(out, inner);
			print_value(out, member, inner);
			separator = ",";
		}
		if (json_array_size(value) > 0)
			start_line(out, depth);
		putc(']', out);
	} else if (json_is_string(value)) {
		print_string(out, json_string_value(value), json_string_length(value));
	} else if (json_is_integer(value)) {
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	} else if (json_is_real(value)) {
		print_real(out, json_real_value(value));
	} else {
		fputs(json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null", out);
	}
}

void json_text_print(FILE *out, const json_t *value, bool indented)
{
	print_value(out, value, indented ? 0 : -1);
}

char *json_text(const json_t *value)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	json_text_print(out, value, false);
	bool whole = !ferror(out);
	if (fclose(out) || !whole) {
		free(text);
		return NULL;
	}
	return text;
}
