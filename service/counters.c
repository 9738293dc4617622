#include "service/counters.h"

#include <inttypes.h>
#include <stdio.h>

/* Upper bounds in microseconds: from an inline answer to a long poll of 30 s. */
static const int64_t bounds_us[COUNTERS_BUCKETS] = { 100, 250, 500, 1000, 2500, 5000, 10000, 25000,
	50000, 100000, 250000, 500000, 1000000, 5000000, 15000000, 60000000 };

#define ADD(counter, n) atomic_fetch_add_explicit(&(counter), (n), memory_order_relaxed)
#define GET(counter)	atomic_load_explicit(&(counter), memory_order_relaxed)

void histogram_add(struct histogram *histogram, int64_t us)
{
	size_t i = 0;
	while (i < COUNTERS_BUCKETS && us > bounds_us[i])
		i++;
	ADD(histogram->buckets[i], 1);
	ADD(histogram->sum_us, us > 0 ? (uint64_t)us : 0);
}

/* Slots are claimed in order and never given back, so a search ends at the first free one. */
static struct operation_counters *operation_of(struct counters *counters, const char *name)
{
	for (size_t i = 0; i < COUNTERS_OPERATIONS_MAX; i++) {
		struct operation_counters *slot = &counters->operations[i];
		const char *known = atomic_load_explicit(&slot->name, memory_order_acquire);
		if (!known && atomic_compare_exchange_strong(&slot->name, &known, name))
			return slot;
		if (known == name)
			return slot;
	}
	return &counters->operations[COUNTERS_OPERATIONS_MAX];
}

void counters_request(struct counters *counters, const char *operation, int status, int64_t us)
{
	struct operation_counters *slot = operation_of(counters, operation ? operation : "none");
	int class = status / 100 - 1;
	if (class >= 0 && class < 5)
		ADD(slot->by_class[class], 1);
	histogram_add(&slot->duration, us);
}

void sample_head(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_printf(out, "# HELP cairn_%s %s\n# TYPE cairn_%s %s\n", name, help, name, type);
}

void sample_integer(
	struct buffer *out, const char *name, const char *type, const char *help, uint64_t value)
{
	sample_head(out, name, type, help);
	buffer_printf(out, "cairn_%s %" PRIu64 "\n", name, value);
}

/* labels: "" or "operation=\"...\"". */
static void histogram_write(
	struct buffer *out, const char *name, const char *labels, struct histogram *histogram)
{
	uint64_t total = 0;
	const char *comma = *labels ? "," : "";
	for (size_t i = 0; i <= COUNTERS_BUCKETS; i++) {
		total += GET(histogram->buckets[i]);
		buffer_printf(out, "cairn_%s_bucket{%s%sle=\"", name, labels, comma);
		if (i < COUNTERS_BUCKETS)
			buffer_printf(out, "%g", (double)bounds_us[i] * 1e-6);
		else
			buffer_add_text(out, "+Inf");
		buffer_printf(out, "\"} %" PRIu64 "\n", total);
	}
	const char *open = *labels ? "{" : "", *close = *labels ? "}" : "";
	buffer_printf(out, "cairn_%s_sum%s%s%s %.6f\n", name, open, labels, close,
		(double)GET(histogram->sum_us) * 1e-6);
	buffer_printf(out, "cairn_%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, total);
}

static const char *slot_name(const struct counters *counters, size_t i)
{
	return i == COUNTERS_OPERATIONS_MAX ? "other" : GET(counters->operations[i].name);
}

static void operations_write(struct counters *counters, struct buffer *out)
{
	sample_head(out, "http_requests_total", "counter", "Requests answered.");
	for (size_t i = 0; i <= COUNTERS_OPERATIONS_MAX; i++) {
		const char *name = slot_name(counters, i);
		for (size_t k = 0; name && k < 5; k++) {
			uint64_t n = GET(counters->operations[i].by_class[k]);
			if (n)
				buffer_printf(out,
					"cairn_http_requests_total{operation=\"%s\",status=\"%"
					"zuxx\"} "
					"%" PRIu64 "\n",
					name, k + 1, n);
		}
	}
	sample_head(out, "http_request_duration_seconds", "histogram",
		"From the request line to the end of the answer.");
	for (size_t i = 0; i < COUNTERS_OPERATIONS_MAX; i++) {
		const char *name = slot_name(counters, i);
		if (!name)
			break;
		char labels[128];
		snprintf(labels, sizeof(labels), "operation=\"%s\"", name);
		histogram_write(out, "http_request_duration_seconds", labels,
			&counters->operations[i].duration);
	}
}

static void gauge(struct buffer *out, const char *name, const char *help, int64_t value)
{
	sample_integer(out, name, "gauge", help, value > 0 ? (uint64_t)value : 0);
}

void counters_write(struct counters *counters, struct buffer *out)
{
	operations_write(counters, out);
	sample_head(out, "http_queue_wait_seconds", "histogram", "Waiting for a worker.");
	histogram_write(out, "http_queue_wait_seconds", "", &counters->queue_wait);
	sample_integer(out, "http_unavailable_total", "counter",
		"Requests turned away by the transport: queue, body memory or streams at their "
		"bound.",
		GET(counters->unavailable));
	sample_integer(out, "http_aborted_total", "counter",
		"Requests whose client went away before the answer was sent.",
		GET(counters->aborted));
	sample_integer(out, "http_timeouts_total", "counter",
		"Connections cut off because a request or its answer took too long.",
		GET(counters->timed_out));
	sample_integer(out, "http_received_bytes_total", "counter", "Request bodies.",
		GET(counters->received_bytes));
	sample_integer(out, "http_sent_bytes_total", "counter", "Response bodies.",
		GET(counters->sent_bytes));
	gauge(out, "http_connections", "Open connections.", GET(counters->connections));
	gauge(out, "http_requests_in_flight", "Requests being read or answered.",
		GET(counters->in_flight));
	gauge(out, "http_streams", "Streams being sent.", GET(counters->streams));
	gauge(out, "http_body_bytes", "Memory held by request bodies.", GET(counters->body_bytes));
}
