#include "api/route.h"

#include <string.h>

#include "core/limits.h"

#define NUMBER_MAX 9007199254740992ull /* 2^53 */
#define ID_MAX	   64

static const char *const method_names[] = {
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
};

/* 0 .. 2^53 without leading zeros, so that a trial has one URL. */
static bool number_ok(const char *text, size_t n)
{
	uint64_t value = 0;

	if (n == 0 || n > 16 || (n > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	return value <= NUMBER_MAX;
}

static bool id_ok(const char *text, size_t n)
{
	if (n == 0 || n > ID_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool digit = c >= '0' && c <= '9';
		if (!letter && !digit && c != '_' && c != '-' && c != '.')
			return false;
	}
	return true;
}

static bool name_ok(const char *text, size_t n)
{
	if (n == 0 || n > LIMIT_NAME)
		return false;
	if (text[0] == '.' && (n == 1 || (n == 2 && text[1] == '.')))
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f || text[i] == '\\')
			return false;
	}
	return true;
}

/* Does the segment at text fill the placeholder (with its braces) at pattern? */
static bool fills(const char *pattern, size_t pattern_size, const char *text, size_t n)
{
	if (pattern_size == 3 && pattern[1] == 'n')
		return number_ok(text, n);
	if (pattern_size == 6 && memcmp(pattern, "{name}", 6) == 0)
		return name_ok(text, n);
	return id_ok(text, n);
}

/* What a path gave to a pattern. */
struct match {
	size_t n;
	struct bytes args[CALL_ARGS];
};

static bool match_path(const char *pattern, const char *path, struct match *match)
{
	match->n = 0;
	for (;;) {
		if (*pattern != '/' || *path != '/')
			return *pattern == *path;
		size_t a = strcspn(++pattern, "/"), b = strcspn(++path, "/");
		if (*pattern == '{') {
			if (match->n == CALL_ARGS || !fills(pattern, a, path, b))
				return false;
			match->args[match->n++] = (struct bytes){ path, b };
		} else if (a != b || memcmp(pattern, path, a) != 0) {
			return false;
		}
		pattern += a;
		path += b;
	}
}

static bool serves(const struct route *route, enum method method)
{
	return route->method == method || (route->method == METHOD_GET && method == METHOD_HEAD);
}

const struct route *route_find(const struct route *const *tables, enum method method,
	const char *path, struct arena *arena, const char *args[CALL_ARGS], unsigned *allowed)
{
	const struct route *best = NULL;
	struct match found = { 0 }, match;

	*allowed = 0;
	for (; *tables; tables++) {
		for (const struct route *route = *tables; route->handler; route++) {
			if (!match_path(route->path, path, &match))
				continue;
			*allowed |= 1u << route->method;
			if (serves(route, method) && (!best || match.n < found.n)) {
				best = route;
				found = match;
			}
		}
	}
	if (*allowed & 1u << METHOD_GET)
		*allowed |= 1u << METHOD_HEAD;
	if (*allowed)
		*allowed |= 1u << METHOD_OPTIONS;
	for (size_t i = 0; best && i < found.n; i++) {
		args[i] = arena_strndup(arena, found.args[i].data, found.args[i].size);
		if (!args[i])
			return NULL;
	}
	return best;
}

void route_allow(unsigned allowed, struct buffer *out)
{
	const char *between = "";

	for (unsigned i = 0; i < sizeof(method_names) / sizeof(*method_names); i++) {
		if (!(allowed & 1u << i))
			continue;
		buffer_add_text(out, between);
		buffer_add_text(out, method_names[i]);
		between = ", ";
	}
}

bool route_takes(const char *list, const char *name)
{
	size_t n = strlen(name);

	while (list && *list) {
		size_t word = strcspn(list, " ");
		if (word == n && memcmp(list, name, n) == 0)
			return true;
		list += word;
		list += strspn(list, " ");
	}
	return false;
}
