/*
 * Private to the lease services.
 */
#ifndef STORAGE_LEASE_INTERNAL_H
#define STORAGE_LEASE_INTERNAL_H

#include "storage/lease.h"

/* Fills name and a fresh random owner; held and remote are false. */
int lease_begin(struct lease *lease, const char *name, struct error *err);

/* Milliseconds that no change of the wall clock moves. */
int64_t lease_clock_ms(void);

/* ---- the names held by this process ---- */

/* A hash of names under one mutex. Nobody waits here: a name is free or it is not. */
struct lease_table;
int lease_table_new(struct lease_table **out, struct error *err);
void lease_table_free(struct lease_table *table);

/* 0: taken for ttl_ms. CODE_CONFLICT: somebody's, and not expired. */
int lease_table_take(
	struct lease_table *table, const struct lease *lease, int64_t ttl_ms, struct error *err);
/* CODE_GONE: it is not this owner's any more. */
int lease_table_renew(
	struct lease_table *table, const struct lease *lease, int64_t ttl_ms, struct error *err);
void lease_table_drop(struct lease_table *table, const struct lease *lease);

#endif
