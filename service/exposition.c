#include "service/exposition.h"

#include <inttypes.h>

#include "engine/engine.h"
#include "gpu/compute.h"
#include "service/process.h"
#include "storage/lease.h"
#include "storage/sql.h"

struct row {
	const char *name, *type, *help;
	uint64_t value;
};

static void rows_write(struct buffer *out, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sample_integer(out, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
}

#define ROWS(out, rows) rows_write(out, rows, sizeof(rows) / sizeof((rows)[0]))

static void engine_write(struct engine *engine, struct buffer *out)
{
	struct engine_stats stats = { 0 };
	engine_stats(engine, &stats);
	const struct row rows[] = {
		{ "suggests_total", "counter", "Suggest operations.", stats.suggests },
		{ "observes_total", "counter", "Observe operations.", stats.observes },
		{ "asks_total", "counter", "Times a tuner was asked.", stats.asks },
		{ "appends_total", "counter", "Transactions that appended events.", stats.appends },
		{ "append_misses_total", "counter", "Appends that another replica was ahead of.",
			stats.misses },
		{ "events_total", "counter", "Events appended.", stats.events },
		{ "parked", "gauge", "Long polls being held.", stats.parked },
		{ "leases_expired_total", "counter", "Trials whose lease ran out.", stats.expired },
		{ "stops_total", "counter", "Trials stopped early by an assessor.", stats.stops },
		{ "cache_loads_total", "counter", "Views read from the database.",
			stats.cache_loads },
		{ "cache_evictions_total", "counter", "Views dropped for room.",
			stats.cache_evictions },
		{ "cache_bytes", "gauge", "Memory of the cached views.", stats.cache_bytes },
		{ "mailboxes", "gauge", "Experiments in memory.", stats.mailboxes },
	};
	ROWS(out, rows);
}

/* What the lines of a metric with labels are made of; sample_head writes their head. */
static void fits_write(struct engine *engine, struct buffer *out)
{
	struct engine_stats stats = { 0 };
	struct compute_stats compute = { 0 };
	engine_stats(engine, &stats);
	compute_stats(engine_compute(engine), &compute);
	sample_head(out, "fits_total", "counter", "Models fitted, failed, or left to a replica.");
	buffer_printf(out,
		"cairn_fits_total{result=\"ok\"} %" PRIu64 "\n"
		"cairn_fits_total{result=\"failed\"} %" PRIu64 "\n"
		"cairn_fits_total{result=\"held\"} %" PRIu64 "\n",
		stats.fits - stats.fit_failures, stats.fit_failures, stats.fits_held);
	sample_head(out, "fit_seconds", "summary", "Time spent in fits.");
	buffer_printf(out, "cairn_fit_seconds_sum %.6f\ncairn_fit_seconds_count %" PRIu64 "\n",
		(double)stats.fit_us / 1e6, stats.fits);
	const struct row rows[] = {
		{ "models_shared_total", "counter", "Models taken from the database.",
			stats.models_shared },
		{ "ready_made_total", "counter", "Proposals computed ahead.", stats.ready_made },
		{ "ready_hits_total", "counter", "Proposals computed ahead and used.",
			stats.ready_hits },
		{ "deadline_fallbacks_total", "counter",
			"Proposals of the start design, for the sake of a deadline.",
			stats.fallbacks },
		{ "compute_device_failures_total", "counter", "Devices given up.",
			compute.device_failures },
	};
	ROWS(out, rows);
	sample_head(out, "compute_info", "gauge", "What models are fitted with.");
	buffer_printf(out, "cairn_compute_info{backend=\"%s\"} 1\n",
		compute_name(engine_compute(engine)));
}

static void storage_write(struct lease_service *leases, struct buffer *out)
{
	struct sql_stats sql = { 0 };
	struct lease_stats lease = { 0 };
	sql_stats(&sql);
	leases->ops->stats(leases, &lease);
	const struct row rows[] = {
		{ "database_round_trips_total", "counter", "Trips to the database.",
			sql.round_trips },
		{ "database_commits_total", "counter", "Transactions that wrote.", sql.commits },
		{ "database_reconnects_total", "counter", "Connections lost and made again.",
			sql.reconnects },
		{ "locks_acquired_total", "counter", "Short locks granted.", lease.acquired },
		{ "locks_contended_total", "counter", "Short locks somebody else had.",
			lease.contended },
		{ "locks_failed_over_total", "counter",
			"Short locks granted only because the lock service was away.",
			lease.failed_over },
		{ "lock_service_up", "gauge", "Whether the lock service answers.",
			leases->ops->healthy(leases) },
	};
	ROWS(out, rows);
}

static void pool_write(struct pool *pool, struct buffer *out)
{
	struct pool_stats stats;
	pool_stats(pool, &stats);
	const struct row rows[] = {
		{ "workers", "gauge", "Worker threads.", stats.workers },
		{ "workers_busy", "gauge", "Worker threads with a request.", stats.running },
		{ "queue_depth", "gauge", "Requests waiting for a worker.", stats.waiting },
		{ "queue_capacity", "gauge", "Requests that may wait.", stats.capacity },
		{ "queue_refused_total", "counter", "Requests that found the queue full.",
			stats.refused },
	};
	ROWS(out, rows);
}

static void process_write(struct buffer *out)
{
	struct process_stats stats;
	process_stats(&stats);
	const struct row rows[] = {
		{ "process_resident_memory_bytes", "gauge", "Memory in use.",
			stats.resident_bytes },
		{ "process_virtual_memory_bytes", "gauge", "Address space.", stats.virtual_bytes },
		{ "process_open_fds", "gauge", "Open descriptors.", stats.open_fds },
		{ "process_max_fds", "gauge", "Descriptors allowed.", stats.max_fds },
		{ "process_threads", "gauge", "Threads.", stats.threads },
	};
	ROWS(out, rows);
	sample_head(out, "process_cpu_seconds_total", "counter", "User and system time.");
	buffer_printf(out, "cairn_process_cpu_seconds_total %.6f\n", stats.cpu_seconds);
}

void exposition_write(struct counters *counters, struct pool *pool, struct engine *engine,
	struct lease_service *leases, struct buffer *out)
{
	sample_head(out, "build_info", "gauge", "The program.");
	buffer_add_text(out, "cairn_build_info{version=\"" CAIRN_VERSION "\"} 1\n");
	counters_write(counters, out);
	if (pool)
		pool_write(pool, out);
	engine_write(engine, out);
	fits_write(engine, out);
	storage_write(leases, out);
	process_write(out);
}
