#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "storage/lease_internal.h"

#define BUCKETS 256

struct entry {
	struct entry *next;
	int64_t expires_ms;
	char name[LEASE_NAME_MAX];
	char owner[sizeof(((struct lease *)0)->owner)];
};

struct lease_table {
	pthread_mutex_t lock; /* guards buckets */
	struct entry *buckets[BUCKETS];
};

int lease_table_new(struct lease_table **out, struct error *err)
{
	struct lease_table *table = calloc(1, sizeof(*table));
	if (!table)
		return fail(err, CODE_NO_MEMORY, "no memory for leases");
	pthread_mutex_init(&table->lock, NULL);
	*out = table;
	return 0;
}

void lease_table_free(struct lease_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (table->buckets[i]) {
			struct entry *entry = table->buckets[i];
			table->buckets[i] = entry->next;
			free(entry);
		}
	}
	pthread_mutex_destroy(&table->lock);
	free(table);
}

/* Where name is, or where the chain ends. What has expired in the chain is freed on the way, so the
 * table holds no more than what is in use. */
static struct entry **entry_find(struct lease_table *table, const char *name)
{
	struct key128 key;
	key_init(&key, 0);
	key_mix_bytes(&key, name, strlen(name));
	int64_t now = lease_clock_ms();
	struct entry **at = &table->buckets[key.low % BUCKETS];
	while (*at) {
		struct entry *entry = *at;
		if (entry->expires_ms <= now) {
			*at = entry->next;
			free(entry);
		} else if (!strcmp(entry->name, name)) {
			break;
		} else {
			at = &entry->next;
		}
	}
	return at;
}

int lease_table_take(
	struct lease_table *table, const struct lease *lease, int64_t ttl_ms, struct error *err)
{
	struct entry *fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return fail(err, CODE_NO_MEMORY, "no memory for a lease");
	memcpy(fresh->name, lease->name, sizeof(fresh->name));
	memcpy(fresh->owner, lease->owner, sizeof(fresh->owner));
	fresh->expires_ms = lease_clock_ms() + ttl_ms;
	pthread_mutex_lock(&table->lock);
	struct entry **at = entry_find(table, lease->name);
	bool held = *at != NULL;
	if (!held)
		*at = fresh;
	pthread_mutex_unlock(&table->lock);
	if (!held)
		return 0;
	free(fresh);
	return fail(err, CODE_CONFLICT, "the lease %s is held by somebody else", lease->name);
}

int lease_table_renew(
	struct lease_table *table, const struct lease *lease, int64_t ttl_ms, struct error *err)
{
	pthread_mutex_lock(&table->lock);
	struct entry *entry = *entry_find(table, lease->name);
	bool ours = entry && !strcmp(entry->owner, lease->owner);
	if (ours)
		entry->expires_ms = lease_clock_ms() + ttl_ms;
	pthread_mutex_unlock(&table->lock);
	return ours ? 0 : fail(err, CODE_GONE, "the lease %s is no longer ours", lease->name);
}

void lease_table_drop(struct lease_table *table, const struct lease *lease)
{
	pthread_mutex_lock(&table->lock);
	struct entry **at = entry_find(table, lease->name);
	struct entry *entry = *at;
	if (entry && !strcmp(entry->owner, lease->owner)) {
		*at = entry->next;
		free(entry);
	}
	pthread_mutex_unlock(&table->lock);
}
