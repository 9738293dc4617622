#include "core/json.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"

#define EXACT_MAX 9007199254740992.0 /* 2^53: integers below it are exact in a double */

/* Where in a text, counted as editors do: from 1, columns in bytes. */
struct place {
	size_t line, column;
};

/*
 * The deepest level that brackets outside strings reach, checked before jansson recurses. *at is
 * where the limit was passed. Text that is not JSON may be judged either way; jansson refuses it.
 */
static bool too_deep(const char *text, size_t size, struct place *at)
{
	size_t depth = 0, line = 1, line_start = 0;
	bool in_string = false;
	for (size_t i = 0; i < size; i++) {
		char c = text[i];
		if (c == '\n') {
			line++;
			line_start = i + 1;
		} else if (in_string && c == '\\') {
			i++;
		} else if (c == '"') {
			in_string = !in_string;
		} else if (!in_string && (c == '[' || c == '{')) {
			if (++depth > LIMIT_JSON_DEPTH) {
				*at = (struct place){ line, i - line_start + 1 };
				return true;
			}
		} else if (!in_string && (c == ']' || c == '}') && depth > 0) {
			depth--;
		}
	}
	return false;
}

/* Length of text without a UTF-8 sequence that was cut off at its end. */
static int whole_utf8(const char *text)
{
	size_t n = strlen(text), start = n;
	while (start > 0 && n - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return (int)n;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	return (int)(n - start + 1 < want ? start - 1 : n);
}

int json_read(const char *text, size_t size, json_t **out, struct error *err)
{
	struct place at;
	if (too_deep(text, size, &at))
		return fail(err, CODE_MALFORMED,
			"JSON, line %zu, column %zu: nested deeper than %d levels", at.line,
			at.column, LIMIT_JSON_DEPTH);

	json_error_t fault;
	json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
	if (!value && json_error_code(&fault) == json_error_out_of_memory)
		return fail(err, CODE_NO_MEMORY, "out of memory while reading JSON");
	if (!value)
		return fail(err, CODE_MALFORMED, "JSON, line %d, column %d: %.*s", fault.line,
			fault.column, whole_utf8(fault.text), fault.text);
	*out = value;
	return 0;
}

void json_write_string(struct buffer *out, const char *text)
{
	/* Characters with a two-character escape; the others below 0x20 become \u00xx. */
	static const char shorthand[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};
	buffer_add_char(out, '"');
	const char *plain = text;
	for (const char *c = text; *c; c++) {
		unsigned char byte = (unsigned char)*c;
		if (byte >= 0x20 && byte != '"' && byte != '\\')
			continue;
		buffer_add(out, plain, (size_t)(c - plain));
		plain = c + 1;
		char escape = byte < 0x20 ? shorthand[byte] : (char)byte;
		if (escape) {
			char pair[2] = { '\\', escape };
			buffer_add(out, pair, sizeof(pair));
		} else {
			buffer_printf(out, "\\u%04x", byte);
		}
	}
	buffer_add_text(out, plain);
	buffer_add_char(out, '"');
}

/* Writes n >= 0 in decimal so that it ends before end; answers where it starts. */
static char *put_digits(char *end, uint64_t n)
{
	do {
		*--end = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return end;
}

static void write_integer(struct buffer *out, int64_t value)
{
	char digits[24];
	char *end = digits + sizeof(digits);
	char *start = put_digits(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
	if (value < 0)
		*--start = '-';
	buffer_add(out, start, (size_t)(end - start));
}

/*
 * The common case of a short decimal, m / 10^k with k <= 9: both are exact, so the division is
 * rounded once, and m / 10^k == x means that the decimal text reads back as x. False: not of
 * that kind.
 */
static bool write_short_decimal(struct buffer *out, double x)
{
	double magnitude = fabs(x), power = 1.0;
	if (magnitude >= 1e6 || magnitude < 1e-4)
		return false;
	for (int k = 1; k <= 9; k++) {
		power *= 10.0;
		double m = rint(magnitude * power);
		if (m / power != magnitude)
			continue;
		char text[32];
		char *end = text + sizeof(text);
		uint64_t whole = (uint64_t)m / (uint64_t)power;
		uint64_t rest = (uint64_t)m % (uint64_t)power;
		char *start = put_digits(end, rest);
		while (end - start < k)
			*--start = '0';
		*--start = '.';
		start = put_digits(start, whole);
		if (x < 0)
			*--start = '-';
		buffer_add(out, start, (size_t)(end - start));
		return true;
	}
	return false;
}

/* 15 digits always survive text -> double -> text and 17 the other way round, so the shortest
 * text that reads back equal has at most 15, or 16, or 17. Subnormals have fewer. */
static void write_real(struct buffer *out, double x)
{
	if (write_short_decimal(out, x))
		return;
	char text[40];
	for (int digits = fabs(x) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, x);
		if (digits == 17 || strtod(text, NULL) == x)
			break;
	}
	buffer_add_text(out, text);
	if (!strpbrk(text, ".e"))
		buffer_add_text(out, ".0");
}

void json_write_number(struct buffer *out, double x, bool integral)
{
	if (isnan(x))
		buffer_add_text(out, "\"nan\"");
	else if (isinf(x))
		buffer_add_text(out, x > 0 ? "\"inf\"" : "\"-inf\"");
	else if (integral && fabs(x) < EXACT_MAX && x == rint(x))
		write_integer(out, (int64_t)x);
	else
		write_real(out, x);
}

static bool write_value(const json_t *value, struct buffer *out, size_t depth);

static bool write_array(const json_t *array, struct buffer *out, size_t depth)
{
	buffer_add_char(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i > 0)
			buffer_add_char(out, ',');
		if (!write_value(json_array_get(array, i), out, depth))
			return false;
	}
	buffer_add_char(out, ']');
	return true;
}

static bool write_object(const json_t *object, struct buffer *out, size_t depth)
{
	const char *key, *separator = "{";
	json_t *member;
	/* jansson iterates a const object through a mutable pointer, without changing it. */
	union {
		const json_t *in;
		json_t *out;
	} borrowed = { .in = object };
	json_object_foreach(borrowed.out, key, member)
	{
		buffer_add_text(out, separator);
		separator = ",";
		json_write_string(out, key);
		buffer_add_char(out, ':');
		if (!write_value(member, out, depth))
			return false;
	}
	buffer_add_text(out, *separator == '{' ? "{}" : "}");
	return true;
}

/* False when the value is nested deeper than json_read would accept. */
static bool write_value(const json_t *value, struct buffer *out, size_t depth)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return depth < LIMIT_JSON_DEPTH && write_object(value, out, depth + 1);
	case JSON_ARRAY:
		return depth < LIMIT_JSON_DEPTH && write_array(value, out, depth + 1);
	case JSON_STRING:
		json_write_string(out, json_string_value(value));
		return true;
	case JSON_INTEGER:
		write_integer(out, json_integer_value(value));
		return true;
	case JSON_REAL:
		json_write_number(out, json_real_value(value), false);
		return true;
	case JSON_TRUE:
		buffer_add_text(out, "true");
		return true;
	case JSON_FALSE:
		buffer_add_text(out, "false");
		return true;
	case JSON_NULL:
		buffer_add_text(out, "null");
		return true;
	}
	assert(false); /* a json_t of no type */
	return false;
}

int json_write(const json_t *value, struct buffer *out, struct error *err)
{
	if (!write_value(value, out, 0))
		return fail(
			err, CODE_INTERNAL, "JSON nested deeper than %d levels", LIMIT_JSON_DEPTH);
	if (out->failed)
		return fail(
			err, CODE_TOO_LARGE, "the JSON text is larger than %zu bytes", out->limit);
	return 0;
}

bool json_metric(const json_t *value, double *out)
{
	static const struct {
		const char *text;
		double value;
	} words[] = { { "nan", (double)NAN }, { "inf", (double)INFINITY },
		{ "-inf", -(double)INFINITY } };

	if (json_is_number(value)) {
		*out = json_number_value(value);
		return true;
	}
	const char *text = json_string_value(value);
	for (size_t i = 0; text && i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(text, words[i].text) == 0) {
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

void json_number_key(double x, struct key128 *key)
{
	uint64_t bits;
	x += 0.0; /* -0 is 0 */
	memcpy(&bits, &x, sizeof(bits));
	key_init(key, JSON_REAL);
	key_mix(key, bits);
}

static void integer_key(int64_t value, struct key128 *key)
{
	/* 2^63 itself is a double but no int64_t: converting it back would overflow. */
	double x = (double)value;
	if (x < 0x1p63 && (int64_t)x == value) {
		json_number_key(x, key);
		return;
	}
	key_init(key, JSON_INTEGER);
	key_mix(key, (uint64_t)value);
}

static void value_key(const json_t *value, struct key128 *key);

static void object_key(const json_t *object, struct key128 *key)
{
	union {
		const json_t *in;
		json_t *out;
	} borrowed = { .in = object };
	const char *name;
	json_t *member;
	struct key128 sum = { 0, 0 };
	json_object_foreach(borrowed.out, name, member)
	{
		struct key128 inner;
		value_key(member, &inner);
		key_mix_bytes(&inner, name, strlen(name));
		/* A sum, because the order of members means nothing. */
		sum.low += inner.low;
		sum.high += inner.high;
	}
	key_mix(key, sum.low);
	key_mix(key, sum.high);
}

static void value_key(const json_t *value, struct key128 *key)
{
	if (json_is_real(value)) {
		json_number_key(json_real_value(value), key);
		return;
	}
	if (json_is_integer(value)) {
		integer_key(json_integer_value(value), key);
		return;
	}
	key_init(key, (uint64_t)json_typeof(value));
	if (json_is_string(value))
		key_mix_bytes(key, json_string_value(value), json_string_length(value));
	if (json_is_object(value))
		object_key(value, key);
	for (size_t i = 0; i < json_array_size(value); i++) {
		struct key128 inner;
		value_key(json_array_get(value, i), &inner);
		key_mix(key, inner.low);
		key_mix(key, inner.high);
	}
}

void json_key(const json_t *value, struct key128 *key)
{
	value_key(value, key);
}

bool json_text_equal(const char *a, const char *b)
{
	json_t *value_a = NULL, *value_b = NULL;
	bool equal = false;
	if (json_read(a, strlen(a), &value_a, NULL) == 0 &&
		json_read(b, strlen(b), &value_b, NULL) == 0) {
		struct key128 key_a, key_b;
		json_key(value_a, &key_a);
		json_key(value_b, &key_b);
		equal = key_equal(&key_a, &key_b);
	}
	json_decref(value_a);
	json_decref(value_b);
	return equal;
}
