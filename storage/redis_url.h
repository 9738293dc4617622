/*
 * redis://[[user]:password@]host[:port][/db] and redis+unix:///path, taken apart. Private to the
 * Redis lease service, and to its test.
 */
#ifndef STORAGE_REDIS_URL_H
#define STORAGE_REDIS_URL_H

#include <stdbool.h>

#include "core/error.h"

struct redis_url {
	char *text;	    /* what the others point into */
	const char *socket; /* NULL: host and port */
	const char *host;
	int port;
	const char *user, *password; /* NULL: none */
	int db;
};

/* CODE_INVALID without the URL in the message: it may hold a password. */
int redis_url_parse(const char *url, struct redis_url *out, struct error *err);
void redis_url_release(struct redis_url *url);

#endif
