#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/http.h"

#define BACKLOG	  1024
#define UNIX_WORD "unix:"

static int host_split(const char *text, char host[256], char port[8], struct error *err)
{
	const char *colon = strrchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;
	const char *start = text;
	if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
		start++;
		size -= 2;
	} else if (size && memchr(text, ':', size)) {
		size = 0; /* a bare IPv6 address: where would its port begin? */
	}
	size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
	if (!size || size > 255 || !digits || digits > 5 || colon[1 + digits] ||
		strtol(colon + 1, NULL, 10) > 65535)
		return fail(err, CODE_INVALID,
			"listen: \"%.200s\" must be HOST:PORT, [IPV6]:PORT or unix:PATH", text);
	memcpy(host, start, size);
	host[size] = '\0';
	memcpy(port, colon + 1, digits + 1);
	return 0;
}

static int bound(
	int fd, const struct sockaddr *address, socklen_t size, const char *text, struct error *err)
{
	int one = 1;
	if (address->sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (!bind(fd, address, size) && !listen(fd, BACKLOG))
		return 0;
	return fail(err, CODE_UNAVAILABLE, "cannot listen on %.200s: %s", text, strerror(errno));
}

static int unix_listen(const char *text, int *out, char name[LISTEN_ADDRESS_MAX], struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = text + strlen(UNIX_WORD);
	size_t size = strlen(path);
	if (!size || size >= sizeof(address.sun_path))
		return fail(err, CODE_INVALID,
			"listen: the path of %.100s must have 1 to %zu bytes", text,
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, size + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err, CODE_UNAVAILABLE, "cannot make a socket: %s", strerror(errno));
	/* A socket left by a process that was killed is in the way; one that answers is not ours.
	 */
	struct stat st;
	if (!stat(path, &st) && S_ISSOCK(st.st_mode) &&
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) &&
		errno == ECONNREFUSED)
		unlink(path);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err, CODE_UNAVAILABLE, "cannot make a socket: %s", strerror(errno));
	int code = bound(fd, (const struct sockaddr *)&address, sizeof(address), text, err);
	if (code) {
		close(fd);
		return code;
	}
	snprintf(name, LISTEN_ADDRESS_MAX, "%s", text);
	*out = fd;
	return 0;
}

static void address_name(int fd, char name[LISTEN_ADDRESS_MAX])
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char host[NI_MAXHOST], port[NI_MAXSERV];
	snprintf(name, LISTEN_ADDRESS_MAX, "http://?");
	if (getsockname(fd, (struct sockaddr *)&address, &size) ||
		getnameinfo((const struct sockaddr *)&address, size, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	bool v6 = address.ss_family == AF_INET6;
	snprintf(name, LISTEN_ADDRESS_MAX, "http://%s%.100s%s:%s", v6 ? "[" : "", host,
		v6 ? "]" : "", port);
}

int listen_open(
	const char *text, int *socket_out, char address[LISTEN_ADDRESS_MAX], struct error *err)
{
	char host[256], port[8];
	if (!strncmp(text, UNIX_WORD, strlen(UNIX_WORD)))
		return unix_listen(text, socket_out, address, err);
	int code = host_split(text, host, port, err);
	if (code)
		return code;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	int reason = getaddrinfo(host, port, &hints, &found);
	if (reason)
		return fail(
			err, CODE_INVALID, "listen: \"%.200s\": %s", text, gai_strerror(reason));
	code = fail(err, CODE_UNAVAILABLE, "listen: \"%.200s\" has no address", text);
	for (const struct addrinfo *it = found; it && code; it = it->ai_next) {
		int fd = socket(it->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0) {
			code = fail(
				err, CODE_UNAVAILABLE, "cannot make a socket: %s", strerror(errno));
			continue;
		}
		code = bound(fd, it->ai_addr, it->ai_addrlen, text, err);
		if (code)
			close(fd);
		else
			*socket_out = fd;
	}
	freeaddrinfo(found);
	if (!code)
		address_name(*socket_out, address);
	return code;
}
