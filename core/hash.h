/* 128-bit non-cryptographic hashing (MurmurHash3 finalisers over two lanes): keys of points and
 * digests of reports. Not for secrets, and not against an adversary; a collision would merge two
 * points. */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key128 {
	uint64_t low, high;
};

void key_init(struct key128 *key, uint64_t seed);
void key_mix(struct key128 *key, uint64_t word);
void key_mix_bytes(struct key128 *key, const void *data, size_t size); /* mixes the size too */
bool key_equal(const struct key128 *a, const struct key128 *b);

/* An open-addressing set of keys. Grows by doubling; nothing is ever removed but by truncation. */
struct key_set {
	struct key128 *slots; /* {0,0} marks an empty slot */
	size_t n, room;
};

void key_set_init(struct key_set *set);
void key_set_release(struct key_set *set);
bool key_set_has(const struct key_set *set, const struct key128 *key);
int key_set_add(struct key_set *set, const struct key128 *key); /* 0, or CODE_NO_MEMORY */
void key_set_remove(struct key_set *set, const struct key128 *key);

#endif
