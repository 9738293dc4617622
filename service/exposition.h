/* /metrics: everything this process counts, as Prometheus text. */
#ifndef SERVICE_EXPOSITION_H
#define SERVICE_EXPOSITION_H

#include "core/buffer.h"
#include "service/counters.h"
#include "service/pool.h"

struct engine;
struct lease_service;

/* pool: NULL when the role does not listen. */
void exposition_write(struct counters *counters, struct pool *pool, struct engine *engine,
	struct lease_service *leases, struct buffer *out);

#endif
