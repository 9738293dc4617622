#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "service/http_internal.h"

#define PARKED_MAX 256 /* abandoned in one tick; the rest in the next */

static int64_t reading_us(const struct http *http)
{
	return (http->config.idle_timeout_ms + http->config.request_timeout_ms) * 1000;
}

static void peer_add(struct http *http, int fd, void **out)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	*out = peer;
	if (!peer)
		return; /* a connection without a deadline; it still has the idle timeout */
	peer->fd = fd;
	atomic_init(&peer->phase, PHASE_READING);
	atomic_init(&peer->deadline_us, monotonic_us() + reading_us(http));
	pthread_mutex_lock(&http->peers_lock);
	peer->next = http->peers;
	if (peer->next)
		peer->next->previous = peer;
	http->peers = peer;
	pthread_mutex_unlock(&http->peers_lock);
}

static void peer_remove(struct http *http, struct peer *peer)
{
	if (!peer)
		return;
	pthread_mutex_lock(&http->peers_lock);
	assert(!peer->parked);
	if (peer->next)
		peer->next->previous = peer->previous;
	if (peer->previous)
		peer->previous->next = peer->next;
	else
		http->peers = peer->next;
	pthread_mutex_unlock(&http->peers_lock);
	free(peer);
}

/* libmicrohttpd closes the descriptor after it has told us. */
void peer_changed(void *context, struct MHD_Connection *connection, void **peer,
	enum MHD_ConnectionNotificationCode code)
{
	struct http *http = context;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		peer_remove(http, *peer);
		*peer = NULL;
		atomic_fetch_sub(&http->config.counters->connections, 1);
		return;
	}
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	atomic_fetch_add(&http->config.counters->connections, 1);
	if (info)
		peer_add(http, info->connect_fd, peer);
}

void peer_phase(struct request *request, enum phase phase, int64_t deadline_us)
{
	struct peer *peer = request->peer;
	if (!peer)
		return;
	atomic_store_explicit(&peer->phase, (int)phase, memory_order_relaxed);
	atomic_store_explicit(&peer->deadline_us, deadline_us, memory_order_relaxed);
}

/* transport->parked */
void peer_park(struct call *call, void (*abandon)(struct call *call))
{
	struct request *request = call->transport_data;
	if (!request->peer || !request->suspended)
		return;
	request->abandon = abandon;
	pthread_mutex_lock(&request->http->peers_lock);
	request->peer->parked = request;
	pthread_mutex_unlock(&request->http->peers_lock);
}

/* Before the call is finished: from then on nobody may abandon it, except who has begun to, and
 * that one holds a reference. */
void peer_unpark(struct request *request)
{
	if (!request->abandon)
		return;
	pthread_mutex_lock(&request->http->peers_lock);
	if (request->peer->parked == request)
		request->peer->parked = NULL;
	pthread_mutex_unlock(&request->http->peers_lock);
}

/* Is the other side's end of the connection closed? */
static bool is_closed(const struct peer *peer)
{
	struct pollfd entry = { .fd = peer->fd, .events = POLLRDHUP };
	return poll(&entry, 1, 0) > 0;
}

/* libmicrohttpd notices what it reads, and it may not read: a suspended connection is not looked
 * at, and an end that came together with the last bytes can go unseen. peers_lock is held. */
static bool is_dead(struct peer *peer, int64_t deadline_us)
{
	bool reading = atomic_load_explicit(&peer->phase, memory_order_relaxed) == PHASE_READING;
	if (!reading || !is_closed(peer)) {
		peer->hangup_deadline_us = 0;
		return false;
	}
	/* What was sent before the end may still be on its way to be read. It has been if a whole
	 * tick changed nothing. */
	bool again = peer->hangup_deadline_us == deadline_us;
	peer->hangup_deadline_us = deadline_us;
	return again;
}

/* Takes the call of a peer that has gone. peers_lock is held. */
static struct request *abandoned(struct peer *peer)
{
	struct request *request = peer->parked;
	if (!request || !is_closed(peer))
		return NULL;
	peer->parked = NULL;
	atomic_fetch_add(&request->references, 1);
	return request;
}

void peers_tick(struct http *http, int64_t now_us)
{
	struct request *gone[PARKED_MAX];
	size_t n = 0;
	pthread_mutex_lock(&http->peers_lock);
	for (struct peer *it = http->peers; it; it = it->next) {
		int64_t deadline = atomic_load_explicit(&it->deadline_us, memory_order_relaxed);
		bool late = deadline && now_us >= deadline;
		if (late)
			atomic_fetch_add(&http->config.counters->timed_out, 1);
		if (late || is_dead(it, deadline)) {
			/* libmicrohttpd then sees the end of the connection and closes it. */
			shutdown(it->fd, SHUT_RDWR);
			atomic_store_explicit(&it->deadline_us, 0, memory_order_relaxed);
		}
		if (n < PARKED_MAX && (gone[n] = abandoned(it)))
			n++;
	}
	pthread_mutex_unlock(&http->peers_lock);
	for (size_t i = 0; i < n; i++) {
		gone[i]->abandon(&gone[i]->call);
		request_release(gone[i]);
	}
}
