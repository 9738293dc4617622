/*
 * An event: one entry of an experiment's log, at its own version. The log is the truth; trials and
 * experiments rows are folds of it (core/view.h). Which fields an event carries depends on its kind
 * (the table in event.c); the rest stay zero, or -1 for trial, step and parent, NaN for resource.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/trial.h"

enum event_kind {
	EVENT_CREATED,	 /* spec */
	EVENT_EDITED,	 /* spec: the whole new one */
	EVENT_STATUS,	 /* status, reason */
	EVENT_SUGGESTED, /* a new trial by the tuner, handed out: parameters, tag, meta,
			    base_version, worker, lease */
	EVENT_ENQUEUED,	 /* a customised trial, waiting: parameters */
	EVENT_SEEDED,	 /* a foreign result: parameters, state, metrics */
	EVENT_ASSIGNED,	 /* a waiting or paused trial handed out: worker, lease */
	EVENT_REPORTED,	 /* intermediate: step, metrics */
	EVENT_OBSERVED,	 /* final: metrics */
	EVENT_FAILED,	 /* message */
	EVENT_STOPPED,	 /* early: message is the assessor's reason */
	EVENT_PAUSED,	 /* the trial waits for a promotion */
	EVENT_EXPIRED,	 /* lease ran out: back to waiting, or lost */
	EVENT_RELEASED,	 /* the worker gave it back */
	EVENT_CANCELLED,
	EVENT_RETRIED,
	EVENT_KIND_COUNT
};

enum experiment_status {
	STATUS_RUNNING,
	STATUS_PAUSED,
	STATUS_STOPPED, /* by request; edits and resume bring it back */
	STATUS_DONE,	/* by its limits; raising them brings it back */
	STATUS_COUNT
};

struct metric {
	const char *name;
	double value;	/* NaN and infinities possible */
	double stderr_; /* NaN: not given */
};

struct event {
	uint64_t version;
	enum event_kind kind;
	int64_t trial; /* -1: the experiment itself */
	uint32_t attempt;
	int64_t step;  /* -1: none */
	int64_t at_ms; /* database time, Unix epoch */

	const char *parameters; /* JSON */
	const double *x;	/* the same, decoded; NULL after reading from a store */
	const struct metric *metrics;
	size_t n_metrics;
	struct bytes tag;
	const char *meta;	/* JSON object */
	const char *attributes; /* JSON object */
	const char *checkpoint;
	const char *worker;
	const char *message;
	const char *reason;
	const char *spec; /* JSON */
	int64_t lease_ms;
	int64_t parent;
	double resource;
	uint64_t base_version;
	enum trial_state state;	       /* SEEDED */
	enum experiment_status status; /* STATUS */
	bool lost;		       /* EXPIRED: retries are spent */
	bool late;   /* REPORTED: stored, not modelled; also a final value that came after the end
			(step -1) */
	bool revive; /* EDITED: the edit sets a done experiment running again */
};

const char *event_kind_name(enum event_kind kind);
bool event_kind_parse(const char *name, enum event_kind *out);
const char *experiment_status_name(enum experiment_status status);
bool experiment_status_parse(const char *name, enum experiment_status *out);

/* An event with every field absent. */
void event_init(struct event *event, enum event_kind kind, int64_t trial);

/* The fields beyond version, kind, trial, attempt, step and time, as a JSON object, and back.
 * Reading allocates from arena. */
void event_write_body(const struct event *event, struct buffer *out);
int event_read_body(
	const char *json, size_t size, struct event *event, struct arena *arena, struct error *err);

/* The whole event as one JSON object (events lists, SSE, export), and back. */
void event_write(const struct event *event, struct buffer *out);
int event_read(
	const char *json, size_t size, struct event *event, struct arena *arena, struct error *err);

/* Metrics as {"default": 0.9, "loss": {"value": 0.1, "stderr": 0.01}}, and back. */
void metrics_write(const struct metric *metrics, size_t n, struct buffer *out);
int metrics_read(const char *json, size_t size, struct arena *arena, const struct metric **out,
	size_t *n, struct error *err);

/* Order does not matter; equal values give equal digests. */
uint64_t metrics_digest(const struct metric *metrics, size_t n);

#endif
