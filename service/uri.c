#include "service/uri.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "core/limits.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Length of the well-formed sequence at p, 0: there is none (Unicode table 3-7). */
static size_t sequence(const unsigned char *p)
{
	static const struct {
		unsigned char first, last, low, high; /* lead bytes; bounds of the second byte */
		size_t length;
	} rows[] = {
		{ 0x20, 0x7e, 0, 0, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (*p < rows[i].first || *p > rows[i].last)
			continue;
		if (rows[i].length > 1 && (p[1] < rows[i].low || p[1] > rows[i].high))
			return 0;
		for (size_t k = 2; k < rows[i].length; k++)
			if (p[k] < 0x80 || p[k] > 0xbf)
				return 0;
		return rows[i].length;
	}
	return 0;
}

bool uri_text_valid(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	while (*p) {
		size_t n = sequence(p);
		if (!n)
			return false;
		p += n;
	}
	return true;
}

bool uri_request_id_valid(const char *text)
{
	size_t n =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
	return n > 0 && n <= LIMIT_REQUEST_ID && text[n] == '\0';
}

/* Decodes size bytes; plus: '+' is a space, as in queries. */
static int decode(const char *text, size_t size, bool plus, struct arena *arena, const char **out,
	struct error *err)
{
	char *decoded = arena_alloc(arena, size + 1);
	if (!decoded)
		return fail(err, CODE_NO_MEMORY, "no memory for the request target");
	size_t n = 0;
	for (size_t i = 0; i < size; i++) {
		char c = text[i];
		if (c == '%') {
			int high = size - i > 2 ? digit(text[i + 1]) : -1;
			int low = high >= 0 ? digit(text[i + 2]) : -1;
			if (high < 0 || low < 0)
				return fail(err, CODE_MALFORMED,
					"the request target has an incomplete percent-encoding");
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == '\0')
			return fail(err, CODE_MALFORMED, "the request target has a NUL byte");
		decoded[n++] = c;
	}
	decoded[n] = '\0';
	if (!uri_text_valid(decoded))
		return fail(err, CODE_MALFORMED,
			"the request target must be UTF-8 without control characters");
	*out = decoded;
	return 0;
}

static int query_parse(const char *query, struct arena *arena, struct uri *out, struct error *err)
{
	struct uri_argument *arguments = arena_array(arena, URI_ARGUMENTS_MAX, sizeof(*arguments));
	if (!arguments)
		return fail(err, CODE_NO_MEMORY, "no memory for the query");
	out->arguments = arguments;
	for (const char *p = query; *p;) {
		size_t size = strcspn(p, "&");
		const char *equals = memchr(p, '=', size);
		size_t name_size = equals ? (size_t)(equals - p) : size;
		if (size) {
			if (out->n_arguments == URI_ARGUMENTS_MAX)
				return fail(err, CODE_MALFORMED,
					"the query has more than %d arguments", URI_ARGUMENTS_MAX);
			struct uri_argument argument = { .value = "" };
			int code = decode(p, name_size, true, arena, &argument.name, err);
			if (!code && equals)
				code = decode(equals + 1, size - name_size - 1, true, arena,
					&argument.value, err);
			if (code)
				return code;
			if (uri_argument(out, argument.name))
				return fail(err, CODE_MALFORMED,
					"the query argument \"%.100s\" is given twice",
					argument.name);
			arguments[out->n_arguments++] = argument;
		}
		p += size;
		p += *p == '&';
	}
	return 0;
}

/* http://host/path?query -> /path?query (RFC 9112 3.2.2: servers must take absolute-form). */
static const char *origin_form(const char *target)
{
	size_t n = !strncasecmp(target, "http://", 7)	 ? 7
		   : !strncasecmp(target, "https://", 8) ? 8
							 : 0;
	if (!n)
		return target;
	const char *rest = target + n + strcspn(target + n, "/?#");
	return *rest == '/' ? rest : *rest == '\0' ? "/" : "";
}

int uri_parse(const char *target, struct arena *arena, struct uri *out, struct error *err)
{
	*out = (struct uri){ .path = "/" };
	if (strlen(target) > URI_TARGET_MAX)
		return fail(err, CODE_MALFORMED, "the request target is longer than %d bytes",
			URI_TARGET_MAX);
	target = origin_form(target);
	if (!strcmp(target, "*")) {
		out->path = "*";
		return 0;
	}
	if (*target != '/' || strpbrk(target, "# \""))
		return fail(err, CODE_MALFORMED, "the request target is not a path");
	size_t n = strcspn(target, "?");
	int code = decode(target, n, false, arena, &out->path, err);
	if (code || target[n] == '\0')
		return code;
	return query_parse(target + n + 1, arena, out, err);
}

const char *uri_argument(const struct uri *uri, const char *name)
{
	for (size_t i = 0; i < uri->n_arguments; i++)
		if (!strcmp(uri->arguments[i].name, name))
			return uri->arguments[i].value;
	return NULL;
}
