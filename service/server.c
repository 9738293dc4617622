#include "service/server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "engine/engine.h"
#include "gpu/compute.h"
#include "service/exposition.h"
#include "service/http.h"
#include "service/pool.h"
#include "service/process.h"
#include "service/ticker.h"
#include "storage/lease.h"
#include "storage/store.h"

#define SWEEP_MS	 250	/* architecture.md: events of other replicas within this */
#define BEAT_MS		 1000	/* deadlines of connections, pings */
#define PING_MS		 15000	/* below the 60 s after which proxies give up a silent stream */
#define SESSION_RETRY_US 500000 /* between attempts to reach a database that is away */
#define READY_US	 1000000
#define SECRET_FILE_MAX	 256

struct server {
	const struct config *config;
	struct log *log;
	struct store *store;
	struct lease_service *leases;
	struct compute *compute;
	struct engine *engine;
	struct api *api;
	struct pool *pool;
	struct http *http;
	struct counters counters;
	struct ticker *sweeper, *heart;
	struct session *sweep_session; /* the sweeper's */
	int64_t sweep_tried_us;
	atomic_bool leaving;
	atomic_int_least64_t drain_delay_ms, drain_timeout_ms;

	pthread_mutex_t ready_lock;	 /* guards the two below */
	int64_t ready_us;		 /* when the database was asked last; 0: never */
	char unready[ERROR_MESSAGE_MAX]; /* "": it answered */
};

static void pause_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* ---- the database ---- */

static int store_try(const struct config *config, struct store **out, struct error *err)
{
	struct store_config store_config = { .url = config->database };
	struct store *store;
	int code = store_open(&store_config, &store, err);
	if (code)
		return code;
	code = store_migrate(store, err);
	if (code) {
		store_close(store);
		return code;
	}
	*out = store;
	return 0;
}

int server_store_open(
	const struct config *config, struct log *log, struct store **out, struct error *err)
{
	int64_t deadline = monotonic_us() + config->startup_timeout_ms * 1000;
	for (int64_t wait_ms = 100;; wait_ms = wait_ms < 1600 ? wait_ms * 2 : wait_ms) {
		struct error reason;
		int code = store_try(config, out, &reason);
		if (!code)
			return 0;
		if (code != CODE_UNAVAILABLE || monotonic_us() + wait_ms * 1000 > deadline)
			return fail(err, reason.code, "%s", reason.message);
		log_message(log, LOG_LEVEL_WARNING, "waiting for the database: %s", reason.message);
		pause_ms(wait_ms);
	}
}

static int worker_session_open(void *context, struct session **out, struct error *err)
{
	struct server *server = context;
	return session_open(server->store, out, err);
}

static void worker_session_close(void *context, struct session *session)
{
	(void)context;
	session_close(session);
}

static void worker_session_failed(void *context, const struct error *err)
{
	struct server *server = context;
	log_message(server->log, LOG_LEVEL_WARNING, "no database session: %s", err->message);
}

/* ---- what the api asks of the process ---- */

static bool app_ready(void *context, struct session *session, struct buffer *why)
{
	struct server *server = context;
	int64_t now = monotonic_us();
	pthread_mutex_lock(&server->ready_lock);
	bool ask = session && (!server->ready_us || now - server->ready_us > READY_US);
	if (ask)
		server->ready_us = now; /* others take the last answer meanwhile */
	pthread_mutex_unlock(&server->ready_lock);
	if (ask) {
		struct error err = { .message = "" };
		int64_t version = 0;
		int code = store_schema_version(session, &version, &err);
		if (!code && version < store_schema_latest())
			fail(&err, CODE_UNAVAILABLE, "the database has schema %lld of %d",
				(long long)version, store_schema_latest());
		pthread_mutex_lock(&server->ready_lock);
		memcpy(server->unready, err.message, sizeof(server->unready));
		pthread_mutex_unlock(&server->ready_lock);
	}
	bool ready = !atomic_load(&server->leaving);
	if (!ready)
		buffer_add_text(why, "the server is shutting down");
	pthread_mutex_lock(&server->ready_lock);
	if (ready && *server->unready) {
		buffer_add_text(why, server->unready);
		ready = false;
	}
	pthread_mutex_unlock(&server->ready_lock);
	if (ready && !server->leases->ops->healthy(server->leases))
		buffer_printf(
			why, "%s is away, work may be done twice", server->leases->ops->scheme);
	return ready;
}

static void app_metrics(void *context, struct buffer *out)
{
	struct server *server = context;
	exposition_write(&server->counters, server->pool, server->engine, server->leases, out);
}

static void engine_complains(void *context, const char *message)
{
	struct server *server = context;
	log_message(server->log, LOG_LEVEL_WARNING, "%s", message);
}

static void app_log(void *context, const char *level, const char *request_id, const char *message)
{
	struct server *server = context;
	enum log_level parsed = LOG_LEVEL_INFO;
	struct log_line line;
	log_level_parse(level, &parsed);
	log_begin(server->log, &line, parsed, message);
	log_text(&line, "request_id", request_id);
	log_end(&line);
}

/* ---- the api as the transport's app ---- */

static bool app_route(void *context, struct call *call)
{
	struct server *server = context;
	return api_route(server->api, call);
}

static size_t app_body_max(void *context, const struct call *call)
{
	(void)context;
	return api_body_max(call);
}

static bool app_inline(void *context, const struct call *call)
{
	(void)context;
	return api_inline(call);
}

static void app_run(void *context, struct session *session, struct call *call)
{
	struct server *server = context;
	api_run(server->api, session, call);
}

static void app_refuse(void *context, struct call *call, enum code code, const char *detail)
{
	struct server *server = context;
	api_refuse(server->api, call, code, detail);
}

/* ---- starting ---- */

static void sweep(void *context)
{
	struct server *server = context;
	struct error err;
	int64_t now = monotonic_us();
	if (!server->sweep_session) {
		if (now - server->sweep_tried_us < SESSION_RETRY_US)
			return;
		server->sweep_tried_us = now;
		if (session_open(server->store, &server->sweep_session, &err)) {
			server->sweep_session = NULL;
			worker_session_failed(server, &err);
			return;
		}
	}
	engine_tick(server->engine, server->sweep_session);
}

static void beat(void *context)
{
	struct server *server = context;
	http_tick(server->http);
}

/* The secret in the file, without the newline an editor leaves. */
static int secret_read(const char *path, char out[SECRET_FILE_MAX], struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, SECRET_FILE_MAX - 1);
	int reason = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return fail(err, CODE_INVALID, "cannot read bootstrap_token_file %s: %s", path,
			strerror(reason));
	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == '\r' || out[n - 1] == ' '))
		n--;
	out[n] = '\0';
	return 0;
}

static int bootstrap(struct server *server, struct error *err)
{
	const char *path = server->config->bootstrap_token_file;
	char secret[SECRET_FILE_MAX] = "", made[API_SECRET_SIZE] = "";
	struct session *session;
	if (!*path)
		return 0;
	int code = secret_read(path, secret, err);
	if (!code)
		code = session_open(server->store, &session, err);
	if (code)
		return code;
	code = api_token_bootstrap(session, NULL, "bootstrap", true, secret, made, err);
	session_close(session);
	if (!code && *made)
		log_message(
			server->log, LOG_LEVEL_INFO, "made the first admin token from %s", path);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(made, sizeof(made));
	return code;
}

static size_t or_default(int64_t given, size_t per_core, size_t low, size_t high)
{
	size_t n = per_core * process_cores();
	if (given)
		return (size_t)given;
	return n < low ? low : n > high ? high : n;
}

static int engine_start(struct server *server, struct error *err)
{
	const struct config *config = server->config;
	const char *plugins = *config->compute_plugins ? config->compute_plugins : NULL;
	int code = compute_open(config->compute, plugins, &server->compute, err);
	if (code)
		return code;
	const char *trouble = compute_trouble(server->compute);
	log_message(server->log, LOG_LEVEL_INFO, "models are fitted with %s%s%s",
		compute_fingerprint(server->compute), trouble ? ": " : "", trouble ? trouble : "");
	struct engine_config engine_config = { .store = server->store,
		.leases = server->leases,
		.cache_bytes = (size_t)config->cache_bytes,
		.compute = server->compute,
		.compute_threads = config->compute_threads ? (size_t)config->compute_threads
							   : or_default(0, 1, 2, 4) / 2,
		.complain = engine_complains,
		.complain_context = server };
	return engine_open(&engine_config, &server->engine, err);
}

static int core_open(struct server *server, struct error *err)
{
	const struct config *config = server->config;
	int code = server_store_open(config, server->log, &server->store, err);
	if (!code)
		code = bootstrap(server, err);
	if (!code)
		code = lease_service_open(config->redis, &server->leases, err);
	if (code)
		return code;
	code = engine_start(server, err);
	if (code)
		return code;
	struct api_config api_config = { .engine = server->engine,
		.store = server->store,
		.version = CAIRN_VERSION,
		.ready = app_ready,
		.metrics = app_metrics,
		.log = app_log,
		.context = server };
	code = api_open(&api_config, &server->api, err);
	return code ? code : ticker_open(SWEEP_MS, sweep, server, &server->sweeper, err);
}

static int front_open(struct server *server, struct error *err)
{
	const struct config *config = server->config;
	struct pool_config pool_config = { .workers = or_default(config->workers, 2, 4, 64),
		.capacity = (size_t)config->queue,
		.session_open = worker_session_open,
		.session_close = worker_session_close,
		.failed = worker_session_failed,
		.context = server,
		.retry_us = SESSION_RETRY_US };
	int code = pool_open(&pool_config, &server->pool, err);
	if (code)
		return code;
	struct http_config http_config = { .listen = config->listen,
		.threads = or_default(config->http_threads, 1, 1, 4),
		.connections_max = (size_t)config->max_connections,
		.connections_per_ip_max = (size_t)config->max_connections_per_ip,
		.streams_max = (size_t)config->max_streams,
		.body_bytes_max = (size_t)config->body_bytes,
		.idle_timeout_ms = config->idle_timeout_ms,
		.request_timeout_ms = config->request_timeout_ms,
		.ping_ms = PING_MS,
		.access_log = config->access_log,
		.app = { .route = app_route,
			.body_max = app_body_max,
			.is_inline = app_inline,
			.run = app_run,
			.refuse = app_refuse,
			.context = server },
		.pool = server->pool,
		.counters = &server->counters,
		.log = server->log };
	code = http_open(&http_config, &server->http, err);
	return code ? code : ticker_open(BEAT_MS, beat, server, &server->heart, err);
}

/* In the opposite order of opening, with whatever is there. No thread may be in a call any more. */
static void release(struct server *server)
{
	pool_close(server->pool);
	ticker_close(server->heart);
	ticker_close(server->sweeper);
	if (server->sweep_session)
		session_close(server->sweep_session);
	http_close(server->http);
	if (server->api)
		api_close(server->api);
	if (server->engine)
		engine_close(server->engine);
	compute_close(server->compute);
	if (server->leases)
		lease_service_close(server->leases);
	if (server->store)
		store_close(server->store);
	pthread_mutex_destroy(&server->ready_lock);
	free(server);
}

int server_open(
	const struct config *config, struct log *log, struct server **out, struct error *err)
{
	struct server *server = calloc(1, sizeof(*server));
	if (!server)
		return fail(err, CODE_NO_MEMORY, "no memory for the server");
	server->config = config;
	server->log = log;
	pthread_mutex_init(&server->ready_lock, NULL);
	server_reload(server, config);
	int code = core_open(server, err);
	if (!code && strcmp(config->role, "worker"))
		code = front_open(server, err);
	if (code) {
		release(server);
		return code;
	}
	*out = server;
	return 0;
}

const char *server_address(const struct server *server)
{
	return server->http ? http_address(server->http) : NULL;
}

void server_reload(struct server *server, const struct config *config)
{
	atomic_store(&server->drain_delay_ms, config->drain_delay_ms);
	atomic_store(&server->drain_timeout_ms, config->drain_timeout_ms);
	if (server->http)
		http_access_log(server->http, config->access_log);
}

/* ---- leaving ---- */

void server_leave(struct server *server)
{
	atomic_store(&server->leaving, true);
}

bool server_close(struct server *server)
{
	server_leave(server);
	if (server->http) {
		pause_ms(atomic_load(&server->drain_delay_ms));
		http_quiesce(server->http);
	}
	engine_drain(server->engine);
	if (server->http) {
		int64_t timeout_us = atomic_load(&server->drain_timeout_ms) * 1000;
		http_streams_end(server->http);
		if (!http_wait_idle(server->http, monotonic_us() + timeout_us))
			return false;
	}
	release(server);
	return true;
}
