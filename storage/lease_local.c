/* Leases for a server that is the only one: between the threads of this process. */
#include <stdatomic.h>
#include <stdlib.h>

#include "storage/lease_internal.h"

struct local {
	struct lease_service service;
	struct lease_table *table;
	_Atomic uint64_t acquired, contended;
};

static int open_local(const char *url, struct lease_service **out, struct error *err)
{
	(void)url;
	struct local *local = calloc(1, sizeof(*local));
	if (!local)
		return fail(err, CODE_NO_MEMORY, "no memory for leases");
	int rc = lease_table_new(&local->table, err);
	if (rc) {
		free(local);
		return rc;
	}
	local->service.ops = &lease_local;
	*out = &local->service;
	return 0;
}

static void close_local(struct lease_service *service)
{
	struct local *local = (struct local *)service;
	if (!local)
		return;
	lease_table_free(local->table);
	free(local);
}

static int acquire_local(struct lease_service *service, const char *name, int64_t ttl_ms,
	struct lease *out, struct error *err)
{
	struct local *local = (struct local *)service;
	struct lease lease;
	int rc = lease_begin(&lease, name, err);
	if (!rc)
		rc = lease_table_take(local->table, &lease, ttl_ms, err);
	if (rc == CODE_CONFLICT)
		atomic_fetch_add(&local->contended, 1);
	if (rc)
		return rc;
	atomic_fetch_add(&local->acquired, 1);
	lease.held = true;
	*out = lease;
	return 0;
}

static int renew_local(
	struct lease_service *service, struct lease *lease, int64_t ttl_ms, struct error *err)
{
	struct local *local = (struct local *)service;
	int rc = lease_table_renew(local->table, lease, ttl_ms, err);
	if (rc)
		lease->held = false;
	return rc;
}

static void release_local(struct lease_service *service, struct lease *lease)
{
	struct local *local = (struct local *)service;
	if (lease->held)
		lease_table_drop(local->table, lease);
	lease->held = false;
}

static bool healthy_local(struct lease_service *service)
{
	(void)service;
	return true;
}

static void stats_local(struct lease_service *service, struct lease_stats *out)
{
	struct local *local = (struct local *)service;
	*out = (struct lease_stats){
		.acquired = atomic_load(&local->acquired),
		.contended = atomic_load(&local->contended),
	};
}

const struct lease_ops lease_local = {
	.scheme = "local",
	.open = open_local,
	.close = close_local,
	.acquire = acquire_local,
	.renew = renew_local,
	.release = release_local,
	.healthy = healthy_local,
	.stats = stats_local,
};
