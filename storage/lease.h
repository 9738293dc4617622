/*
 * Short locks between threads and replicas: "suggest:{experiment}", "fit:{experiment}". They save
 * work, never correctness: the version of the log is the fence (storage/store.h). So a lock service
 * that is away answers as if the lock were free, counts it, and comes back by itself.
 */
#ifndef STORAGE_LEASE_H
#define STORAGE_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

#define LEASE_NAME_MAX 128

struct lease_service;

struct lease {
	char name[LEASE_NAME_MAX];
	char owner[40]; /* random per acquisition: what compare-and-delete compares */
	bool held;
	bool remote; /* it was the lock service that granted it */
};

struct lease_stats {
	uint64_t acquired, contended,
		failed_over; /* failed_over: granted only because the service was away */
};

struct lease_ops {
	const char *scheme; /* "local", "redis" */
	int (*open)(const char *url, struct lease_service **out, struct error *err);
	void (*close)(struct lease_service *service);
	/* 0: held for ttl_ms (or the service is away). CODE_CONFLICT: somebody else has it. */
	int (*acquire)(struct lease_service *service, const char *name, int64_t ttl_ms,
		struct lease *out, struct error *err);
	/* CODE_GONE: it is no longer ours. */
	int (*renew)(struct lease_service *service, struct lease *lease, int64_t ttl_ms,
		struct error *err);
	void (*release)(struct lease_service *service, struct lease *lease);
	bool (*healthy)(struct lease_service *service);
	void (*stats)(struct lease_service *service, struct lease_stats *out);
};

extern const struct lease_ops lease_local, lease_redis; /* lease_redis only if built with hiredis */

/* Threads share a service. One that has been opened remembers its ops. */
struct lease_service {
	const struct lease_ops *ops;
};

/* NULL or "" -> local; redis://[:password@]host[:port][/db], unix sockets as redis+unix:///path. */
int lease_service_open(const char *url, struct lease_service **out, struct error *err);
void lease_service_close(struct lease_service *service);

#endif
