/*
 * What the transport counts, and the Prometheus text it becomes. All counters are atomics, added to
 * from any thread without a lock; a reader sees each at some moment, not all at the same.
 */
#ifndef SERVICE_COUNTERS_H
#define SERVICE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/buffer.h"

#define COUNTERS_OPERATIONS_MAX 128 /* routes; what comes beyond is counted as "other" */
#define COUNTERS_BUCKETS	16

struct histogram {
	atomic_uint_least64_t buckets[COUNTERS_BUCKETS + 1]; /* not cumulative; the last is +Inf */
	atomic_uint_least64_t sum_us;
};

void histogram_add(struct histogram *histogram, int64_t us);

struct operation_counters {
	_Atomic(const char *) name;	   /* NULL: a free slot */
	atomic_uint_least64_t by_class[5]; /* 1xx ... 5xx */
	struct histogram duration;
};

struct counters {
	struct operation_counters operations[COUNTERS_OPERATIONS_MAX + 1];
	struct histogram queue_wait;
	atomic_uint_least64_t unavailable;    /* 503s of the transport: queue, memory, streams */
	atomic_uint_least64_t aborted;	      /* the client went before its answer was sent */
	atomic_uint_least64_t timed_out;      /* connections cut off for being too slow */
	atomic_uint_least64_t received_bytes; /* of bodies */
	atomic_uint_least64_t sent_bytes;     /* of bodies, as compressed */
	atomic_int_least64_t connections, in_flight, streams, body_bytes; /* now */
};

/* operation: static text, known by its address; NULL for a request without a route. */
void counters_request(struct counters *counters, const char *operation, int status, int64_t us);

void counters_write(struct counters *counters, struct buffer *out);

/* The pieces of Prometheus text, for what others count. type: "counter" or "gauge". */
void sample_head(struct buffer *out, const char *name, const char *type, const char *help);
void sample_integer(
	struct buffer *out, const char *name, const char *type, const char *help, uint64_t value);

#endif
