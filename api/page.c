#include "api/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/digest.h"
#include "api/problem.h"
#include "api/route.h"
#include "core/json.h"
#include "core/limits.h"

#define CURSOR_CHECK 4 /* bytes of check in front of the store's text */
#define CURSOR_MAX   1024

/* A cursor is good only for the list that gave it out. This keeps honest clients from mixing lists
 * up; it is no secret, and the store takes any cursor without harm. */
static void cursor_check(const struct call *call, const char *text, size_t size, unsigned char *out)
{
	struct key128 key;

	key_init(&key, 0x637572736f72ull);
	key_mix_bytes(&key, call->route->operation, strlen(call->route->operation));
	key_mix_bytes(&key, text, size);
	memcpy(out, &key.low, CURSOR_CHECK);
}

const char *page_cursor(struct call *call, const char *next)
{
	size_t size = strlen(next);
	unsigned char *raw = arena_alloc(&call->arena, CURSOR_CHECK + size);
	char *out = arena_alloc(&call->arena, 4 * (CURSOR_CHECK + size + 2) / 3 + 1);

	if (!raw || !out)
		return NULL;
	cursor_check(call, next, size, raw);
	memcpy(raw + CURSOR_CHECK, next, size);
	base64url_write(raw, CURSOR_CHECK + size, out);
	return out;
}

/* The store's text of a cursor; NULL: none of ours. */
static const char *cursor_read(struct call *call, const char *text)
{
	size_t size = strlen(text), n;
	unsigned char check[CURSOR_CHECK];

	if (size > CURSOR_MAX)
		return NULL;
	unsigned char *raw = arena_alloc(&call->arena, 3 * size / 4 + 2);
	if (!raw || !base64url_read(text, size, raw, &n) || n <= CURSOR_CHECK)
		return NULL;
	const char *out = (const char *)raw + CURSOR_CHECK;
	if (memchr(out, '\0', n - CURSOR_CHECK))
		return NULL;
	cursor_check(call, out, n - CURSOR_CHECK, check);
	return memcmp(check, raw, CURSOR_CHECK) == 0 ? out : NULL;
}

bool query_int(struct call *call, const char *name, int64_t low, int64_t high, int64_t fallback,
	int64_t *out)
{
	const char *text = call->transport->query(call, name);
	char *end;

	if (!text) {
		*out = fallback;
		return true;
	}
	errno = 0;
	long long value = strtoll(text, &end, 10);
	bool digits = strspn(text, "-0123456789") == strlen(text) && end != text && !*end;
	if (!digits || errno || value < low || value > high) {
		problem_replyf(call, CODE_MALFORMED,
			"the query argument %s must be an integer from %lld to %lld", name,
			(long long)low, (long long)high);
		return false;
	}
	*out = value;
	return true;
}

bool page_arguments(struct call *call, size_t *limit, const char **cursor)
{
	const char *text = call->transport->query(call, "cursor");
	const char *read = NULL;
	int64_t n;

	if (!query_int(call, "limit", 1, LIMIT_PAGE, DEFAULT_PAGE, &n))
		return false;
	if (text && !(read = cursor_read(call, text))) {
		problem_replyf(call, CODE_MALFORMED,
			"cursor is not one that a page of this list gave out; start without it");
		return false;
	}
	*limit = (size_t)n;
	*cursor = read;
	return true;
}

void page_begin(struct call *call)
{
	buffer_add_text(&call->out, "{\"items\":[");
}

void page_between(struct call *call)
{
	if (call->out.size && call->out.data[call->out.size - 1] != '[')
		buffer_add_char(&call->out, ',');
}

static void write_percent(struct buffer *out, const char *text, const char *keep)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++) {
		if (strchr(plain, *text) || strchr(keep, *text))
			buffer_add_char(out, *text);
		else
			buffer_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

struct link {
	struct call *call;
	struct buffer text;
};

static void link_argument(void *context, const char *name)
{
	struct link *link = context;
	const char *value = link->call->transport->query(link->call, name);

	if (strcmp(name, "cursor") == 0)
		return;
	write_percent(&link->text, name, "");
	buffer_add_char(&link->text, '=');
	write_percent(&link->text, value ? value : "", "");
	buffer_add_char(&link->text, '&');
}

static void link_next(struct call *call, const char *cursor)
{
	struct link link = { .call = call };

	buffer_init(&link.text, 16384);
	buffer_add_char(&link.text, '<');
	write_percent(&link.text, call->path, "/");
	buffer_add_char(&link.text, '?');
	call->transport->each_query(call, link_argument, &link);
	buffer_printf(&link.text, "cursor=%s>; rel=\"next\"", cursor);
	if (!link.text.failed) /* the body says it too */
		call_header(call, "Link", buffer_text(&link.text));
	buffer_release(&link.text);
}

void page_end(struct call *call, const char *next)
{
	const char *cursor = next ? page_cursor(call, next) : NULL;

	buffer_add_text(&call->out, "],\"next_cursor\":");
	if (cursor) {
		json_write_string(&call->out, cursor);
		link_next(call, cursor);
	} else {
		buffer_add_text(&call->out, "null");
	}
	buffer_add_char(&call->out, '}');
	if (next && !cursor)
		call->out.failed = true; /* no memory: a page that looks like the last would lie */
}
