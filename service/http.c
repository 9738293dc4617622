#include "service/http.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "service/http_internal.h"

/* ---- suspending ---- */

bool http_suspend(struct http *http, struct MHD_Connection *connection)
{
	pthread_mutex_lock(&http->idle_lock);
	bool may = !http->stopping;
	http->suspended += may;
	pthread_mutex_unlock(&http->idle_lock);
	if (may)
		MHD_suspend_connection(connection);
	return may;
}

void http_resume(struct http *http, struct MHD_Connection *connection)
{
	MHD_resume_connection(connection);
	pthread_mutex_lock(&http->idle_lock);
	assert(http->suspended > 0);
	http->suspended--;
	if (atomic_load(&http->draining))
		pthread_cond_broadcast(&http->idle);
	pthread_mutex_unlock(&http->idle_lock);
}

void http_idle_check(struct http *http)
{
	pthread_mutex_lock(&http->idle_lock);
	pthread_cond_broadcast(&http->idle);
	pthread_mutex_unlock(&http->idle_lock);
}

void http_tick(struct http *http)
{
	int64_t now_us = monotonic_us();
	peers_tick(http, now_us);
	feeds_tick(http, now_us);
}

/* ---- the daemon ---- */

/* What libmicrohttpd complains of is the clients' doing. */
static void complain(void *context, const char *fmt, va_list args)
{
	struct http *http = context;
	char message[512];
	vsnprintf(message, sizeof(message), fmt, args);
	size_t n = strlen(message);
	while (n && message[n - 1] == '\n')
		message[--n] = '\0';
	log_message(http->config.log, LOG_LEVEL_DEBUG, "libmicrohttpd: %s", message);
}

/* Targets are decoded by service/uri.c, which refuses what this one would guess at. */
static size_t unescape_nothing(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

static struct MHD_Daemon *daemon_start(struct http *http, int fd)
{
	const struct http_config *config = &http->config;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
			 MHD_USE_ERROR_LOG;
	struct MHD_OptionItem options[] = {
		{ MHD_OPTION_CONNECTION_LIMIT, (intptr_t)config->connections_max, NULL },
		{ MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)config->connections_per_ip_max,
			NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)(config->idle_timeout_ms / 1000), NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_MEMORY, NULL },
		{ MHD_OPTION_LISTEN_SOCKET, fd, NULL },
		{ MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_completed, http },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)peer_changed, http },
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_target, http },
		{ MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)unescape_nothing, NULL },
		/* A pool of one is an error to libmicrohttpd: one thread is no pool. */
		{ config->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END,
			(intptr_t)config->threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	return MHD_start_daemon(flags, 0, NULL, NULL, request_access, http,
		MHD_OPTION_EXTERNAL_LOGGER, complain, http, MHD_OPTION_ARRAY, options,
		MHD_OPTION_END);
}

static void http_free(struct http *http)
{
	if (http->stand_in >= 0)
		close(http->stand_in);
	gzip_cache_free(http->gzip);
	pthread_mutex_destroy(&http->peers_lock);
	pthread_mutex_destroy(&http->streams_lock);
	pthread_mutex_destroy(&http->idle_lock);
	pthread_cond_destroy(&http->idle);
	free(http);
}

static struct http *http_new(const struct http_config *config)
{
	struct http *http = calloc(1, sizeof(*http));
	if (!http)
		return NULL;
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&http->idle, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&http->peers_lock, NULL);
	pthread_mutex_init(&http->streams_lock, NULL);
	pthread_mutex_init(&http->idle_lock, NULL);
	http->config = *config;
	http->listener = -1;
	http->stand_in = eventfd(0, EFD_CLOEXEC);
	atomic_init(&http->access_log, config->access_log);
	if (getrandom(&http->id_key, sizeof(http->id_key), 0) < 0)
		http->id_key = (uint64_t)monotonic_us();
	http->gzip = gzip_cache_new();
	if (http->gzip && http->stand_in >= 0)
		return http;
	http_free(http);
	return NULL;
}

int http_open(const struct http_config *config, struct http **out, struct error *err)
{
	assert(config->threads > 0 && config->ping_ms > 0);
	struct http *http = http_new(config);
	if (!http)
		return fail(err, CODE_NO_MEMORY, "no memory for the HTTP server");
	int fd;
	int code = listen_open(config->listen, &fd, http->address, err);
	if (!code) {
		http->daemon = daemon_start(http, fd);
		if (!http->daemon) {
			close(fd);
			code = fail(err, CODE_UNAVAILABLE, "cannot start the HTTP server on %s",
				http->address);
		}
	}
	if (code) {
		http_free(http);
		return code;
	}
	http->listener = fd;
	*out = http;
	return 0;
}

const char *http_address(const struct http *http)
{
	return http->address;
}

void http_access_log(struct http *http, bool on)
{
	atomic_store(&http->access_log, on);
}

/*
 * No new connections: the listening socket is closed, and its number refers to a descriptor that
 * never has anything to say. MHD_quiesce_daemon would be the call for this, but in 0.9.75 it takes
 * the socket out of each thread's epoll set while the thread may be doing the same, and whoever
 * comes second ends the process ("Failed to remove listen FD from epoll set"). dup3 replaces it in
 * one step and the kernel takes a closed socket out of every set by itself. The bare system call:
 * ThreadSanitizer takes a number's change of meaning under MHD's feet for a race, but here it is
 * the purpose.
 */
static void listener_replace(struct http *http)
{
	syscall(SYS_dup3, http->stand_in, http->listener, O_CLOEXEC);
	close(http->stand_in);
	http->stand_in = -1;
}

void http_quiesce(struct http *http)
{
	if (atomic_exchange(&http->draining, true))
		return;
	listener_replace(http);
	if (!strncmp(http->address, "unix:", 5))
		unlink(http->address + 5);
}

bool http_wait_idle(struct http *http, int64_t deadline_us)
{
	assert(atomic_load(&http->draining)); /* else nobody would say that the last has ended */
	struct timespec until = { .tv_sec = (time_t)(deadline_us / 1000000),
		.tv_nsec = (long)(deadline_us % 1000000) * 1000 };
	int waited = 0;
	pthread_mutex_lock(&http->idle_lock);
	while ((atomic_load(&http->active) || http->suspended) && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&http->idle, &http->idle_lock, &until);
	bool idle = !http->suspended;
	http->stopping = idle;
	pthread_mutex_unlock(&http->idle_lock);
	return idle;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	http_quiesce(http);
	MHD_stop_daemon(http->daemon);
	assert(!http->peers && !http->streams);
	http_free(http);
}
