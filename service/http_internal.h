/* What the files of the transport share. */
#ifndef SERVICE_HTTP_INTERNAL_H
#define SERVICE_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "service/gzip.h"
#include "service/http.h"
#include "service/uri.h"

/* A body beyond its bound is still read, up to this, so that the client gets to read the answer
 * instead of a reset. */
#define HTTP_DISCARD_MAX (16u << 20)
#define HTTP_RATE_BYTES	 (16u << 10) /* per second: what a deadline grants for bytes */
#define HTTP_MEMORY	 (32u << 10) /* per connection: request line and headers must fit */

/* ---- a connection, for its deadline ---- */

enum phase {
	PHASE_READING, /* between requests, or a request is coming in */
	PHASE_WORKING, /* the connection is suspended, or about to be */
	PHASE_SENDING
};

struct peer {
	int fd;
	atomic_int phase;
	atomic_int_least64_t deadline_us; /* 0: none */
	struct peer *previous, *next;
	/* guarded by http->peers_lock */
	struct request *parked;	    /* to be abandoned when the client goes */
	int64_t hangup_deadline_us; /* deadline when the other side was first seen closed; 0: not */
};

/* ---- a request ---- */

struct feed { /* an answer in pieces; guarded by http->streams_lock, but see piece */
	struct job job;
	bool listed;  /* in http->streams */
	bool waiting; /* the connection is suspended until there is a piece */
	bool busy;    /* a worker has it or will; then piece is the worker's, else the sender's */
	bool woken;   /* wake() came since next() began */
	bool idle;    /* next() had nothing */
	bool ping;    /* the next run is one */
	bool done, failed, gone;
	struct buffer piece;
	size_t sent; /* of piece */
	int64_t last_us;
	uint64_t total;
	struct request *previous, *next;
};

struct request {
	struct call call; /* transport_data is the request */
	struct http *http;
	struct MHD_Connection *connection;
	struct peer *peer;
	struct job job;
	atomic_int references; /* libmicrohttpd's, a worker's, a stream's */

	char *target; /* as received; NULL: too long or no memory */
	struct uri uri;
	char own_id[24];

	bool begun, suspended;
	enum code refusal; /* 0: none; else what will be answered, and the body is not kept */
	char refusal_detail[160];
	bool close; /* the connection, after the answer */

	struct buffer body;
	size_t body_max;
	uint64_t received;
	int64_t counted;	     /* of http->counters->body_bytes */
	int64_t begun_us, queued_us; /* headers there; given to the workers, 0: not */

	void (*abandon)(struct call *call); /* NULL: not parked */

	atomic_bool finished;
	struct MHD_Response *response;
	uint64_t response_bytes;
	struct feed feed;
};

struct http {
	struct http_config config;
	struct MHD_Daemon *daemon;
	int listener; /* MHD's listening socket; closed by MHD_stop_daemon */
	int stand_in; /* takes the listener's place when draining; -1: it has */
	char address[LISTEN_ADDRESS_MAX];
	atomic_bool access_log, draining;
	struct gzip_cache *gzip;
	atomic_uint_least64_t next_id;
	uint64_t id_key;

	pthread_mutex_t peers_lock; /* guards the list: a peer in it has an open descriptor */
	struct peer *peers;

	pthread_mutex_t streams_lock; /* guards the list and every feed; held for moments */
	struct request *streams;
	bool streams_ended;

	atomic_size_t active; /* requests, from their headers to the end of their answer */

	pthread_mutex_t idle_lock; /* guards what follows */
	pthread_cond_t idle;	   /* active or suspended became less; said only while draining */
	size_t suspended; /* connections suspended: libmicrohttpd cannot be stopped with one */
	bool stopping;	  /* none will be suspended any more */
};

extern const struct transport http_transport;

/* http_request.c: the handlers libmicrohttpd calls. */
void *request_target(void *http, const char *target, struct MHD_Connection *connection);
enum MHD_Result request_access(void *http, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **request);
void request_completed(void *http, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode code);
void request_release(struct request *request);

/* http_check.c: what a request must be before anybody looks at it. False: it is refused. */
bool request_check(struct request *request, const char *method, const char *version);
void request_refuse(struct request *request, enum code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *request_header(const struct request *request, const char *name);

/* http_reply.c */
void reply_finish(struct call *call);
enum MHD_Result reply_send(struct request *request);

/* http_stream.c */
bool feed_admit(struct request *request); /* false: too many */
struct MHD_Response *feed_response(struct request *request);
void feed_wake(struct call *call);
void feeds_tick(struct http *http, int64_t now_us);

/* http.c */
bool http_suspend(struct http *http, struct MHD_Connection *connection); /* false: stopping */
void http_resume(struct http *http, struct MHD_Connection *connection);

void http_idle_check(struct http *http); /* has http_wait_idle look again */

/* http_peer.c */
void peer_changed(void *http, struct MHD_Connection *connection, void **peer,
	enum MHD_ConnectionNotificationCode code);
void peer_phase(struct request *request, enum phase phase, int64_t deadline_us);
void peer_park(struct call *call, void (*abandon)(struct call *call));
void peer_unpark(struct request *request);
void peers_tick(struct http *http, int64_t now_us);

#endif
