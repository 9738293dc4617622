#include "core/hash.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

static uint64_t finalise(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ (x >> 33);
}

void key_init(struct key128 *key, uint64_t seed)
{
	key->low = finalise(seed + 0x9e3779b97f4a7c15ull);
	key->high = finalise(seed ^ 0xc2b2ae3d27d4eb4full);
}

void key_mix(struct key128 *key, uint64_t word)
{
	key->low = finalise(key->low ^ word) + 0x9e3779b97f4a7c15ull;
	key->high = finalise(key->high + word * 0xc2b2ae3d27d4eb4full) ^ key->low;
}

void key_mix_bytes(struct key128 *key, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	key_mix(key, size);
	while (size > 0) {
		uint64_t word = 0;
		size_t n = size < sizeof(word) ? size : sizeof(word);
		memcpy(&word, bytes, n);
		key_mix(key, word);
		bytes += n;
		size -= n;
	}
}

bool key_equal(const struct key128 *a, const struct key128 *b)
{
	return a->low == b->low && a->high == b->high;
}

void key_set_init(struct key_set *set)
{
	*set = (struct key_set){ 0 };
}

void key_set_release(struct key_set *set)
{
	free(set->slots);
	key_set_init(set);
}

static bool is_empty(const struct key128 *slot)
{
	return slot->low == 0 && slot->high == 0;
}

/* The slot that holds key, or the empty one where it would go. room is a power of two. */
static size_t find(const struct key128 *slots, size_t room, const struct key128 *key)
{
	size_t i = key->low & (room - 1);
	while (!is_empty(&slots[i]) && !key_equal(&slots[i], key))
		i = (i + 1) & (room - 1);
	return i;
}

bool key_set_has(const struct key_set *set, const struct key128 *key)
{
	return set->room && !is_empty(&set->slots[find(set->slots, set->room, key)]);
}

static int grow(struct key_set *set)
{
	size_t room = set->room ? set->room * 2 : 64;
	struct key128 *slots = calloc(room, sizeof(*slots));
	if (!slots)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < set->room; i++)
		if (!is_empty(&set->slots[i]))
			slots[find(slots, room, &set->slots[i])] = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->room = room;
	return 0;
}

int key_set_add(struct key_set *set, const struct key128 *key)
{
	if (set->n * 4 >= set->room * 3) {
		int rc = grow(set);
		if (rc)
			return rc;
	}
	size_t i = find(set->slots, set->room, key);
	if (is_empty(&set->slots[i])) {
		set->slots[i] = *key;
		set->n++;
	}
	return 0;
}

/* Linear probing without tombstones: what follows in the same run moves up. */
void key_set_remove(struct key_set *set, const struct key128 *key)
{
	if (!key_set_has(set, key))
		return;
	size_t mask = set->room - 1;
	size_t hole = find(set->slots, set->room, key);
	for (size_t i = (hole + 1) & mask; !is_empty(&set->slots[i]); i = (i + 1) & mask) {
		size_t home = set->slots[i].low & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			set->slots[hole] = set->slots[i];
			hole = i;
		}
	}
	set->slots[hole] = (struct key128){ 0, 0 };
	set->n--;
}
