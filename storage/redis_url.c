#include "storage/redis_url.h"

#include <stdlib.h>
#include <string.h>

#define SCHEME_TCP  "redis://"
#define SCHEME_UNIX "redis+unix://"
#define PORT	    6379
#define DB_MAX	    1000000

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX in place. */
static bool percent_decode(char *text)
{
	char *to = text;
	for (; *text; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
		if (low < 0 || high * 16 + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

static bool number_parse(const char *text, long max, int *out)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	long n = strtol(text, &end, 10);
	if (*end || n > max)
		return false;
	*out = (int)n;
	return true;
}

/* [[user]:password@] in front of the host; *rest is what follows. */
static bool credentials_parse(char *text, struct redis_url *out, char **rest)
{
	char *at = strrchr(text, '@');
	*rest = at ? at + 1 : text;
	if (!at)
		return true;
	*at = '\0';
	char *colon = strchr(text, ':');
	if (!colon)
		return false;
	*colon = '\0';
	if (!percent_decode(text) || !percent_decode(colon + 1))
		return false;
	out->user = *text ? text : NULL;
	out->password = colon[1] ? colon + 1 : NULL;
	return true;
}

/* host[:port], the host of an IPv6 address in brackets. */
static bool host_parse(char *text, struct redis_url *out)
{
	char *port = NULL;
	if (*text == '[') {
		char *end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		port = end[1] ? end + 2 : NULL;
		*end = '\0';
		text++;
	} else {
		char *colon = strchr(text, ':');
		if (colon) {
			*colon = '\0';
			port = colon + 1;
		}
	}
	out->host = text;
	return *text && (!port || number_parse(port, 65535, &out->port));
}

static bool tcp_parse(char *text, struct redis_url *out)
{
	char *rest;
	if (!credentials_parse(text, out, &rest))
		return false;
	char *slash = strchr(rest, '/');
	if (slash) {
		*slash = '\0';
		if (slash[1] && !number_parse(slash + 1, DB_MAX, &out->db))
			return false;
	}
	return host_parse(rest, out);
}

int redis_url_parse(const char *url, struct redis_url *out, struct error *err)
{
	struct redis_url parsed = { .port = PORT, .text = strdup(url) };
	if (!parsed.text)
		return fail(err, CODE_NO_MEMORY, "no memory for a URL");
	bool good = false;
	if (!strncmp(url, SCHEME_UNIX, strlen(SCHEME_UNIX))) {
		parsed.socket = parsed.text + strlen(SCHEME_UNIX);
		good = percent_decode(parsed.text + strlen(SCHEME_UNIX)) && parsed.socket[0] == '/';
	} else if (!strncmp(url, SCHEME_TCP, strlen(SCHEME_TCP))) {
		good = tcp_parse(parsed.text + strlen(SCHEME_TCP), &parsed);
	}
	if (!good) {
		redis_url_release(&parsed);
		return fail(err, CODE_INVALID,
			"the Redis URL is not of the form redis://[:password@]host[:port][/db] "
			"or redis+unix:///path");
	}
	*out = parsed;
	return 0;
}

void redis_url_release(struct redis_url *url)
{
	if (url->text) /* it may hold a password */
		explicit_bzero(url->text, strlen(url->text));
	free(url->text);
	*url = (struct redis_url){ 0 };
}
