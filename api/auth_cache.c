#include "api/auth_cache.h"

#include <stdio.h>
#include <string.h>

#include "core/hash.h"

/* Digests are uniform already, but team ids are not, so both are hashed the same way. */
static size_t set_of(const char *key)
{
	struct key128 hash;

	key_init(&hash, 0);
	key_mix_bytes(&hash, key, strlen(key));
	return (size_t)(hash.low % CACHE_SETS);
}

bool cache_fresh(int64_t loaded_ms, int64_t now_ms)
{
	return loaded_ms && now_ms >= loaded_ms && now_ms - loaded_ms < CACHE_TTL_MS;
}

const struct known_token *cache_token(
	const struct auth_cache *cache, const char *digest, int64_t now_ms)
{
	const struct known_token *set = cache->tokens[set_of(digest)];

	for (size_t i = 0; i < CACHE_WAYS; i++) {
		/* Plain comparison will do: who could time it would learn about a SHA-256, from
		 * which no secret can be built. */
		if (cache_fresh(set[i].loaded_ms, now_ms) && strcmp(set[i].digest, digest) == 0)
			return &set[i];
	}
	return NULL;
}

void cache_token_put(struct auth_cache *cache, const struct known_token *token)
{
	struct known_token *set = cache->tokens[set_of(token->digest)];
	struct known_token *place = set;

	for (size_t i = 0; i < CACHE_WAYS; i++) {
		if (strcmp(set[i].digest, token->digest) == 0) {
			place = &set[i];
			break;
		}
		if (set[i].loaded_ms < place->loaded_ms)
			place = &set[i];
	}
	*place = *token;
}

struct known_team *cache_team(struct auth_cache *cache, const char *id)
{
	struct known_team *set = cache->teams[set_of(id)];
	struct known_team *place = set;

	for (size_t i = 0; i < CACHE_WAYS; i++) {
		if (strcmp(set[i].id, id) == 0)
			return &set[i];
		if (set[i].bucket.at_ms < place->bucket.at_ms)
			place = &set[i];
	}
	*place = (struct known_team){ 0 };
	snprintf(place->id, sizeof(place->id), "%s", id);
	return place;
}

void cache_forget(struct auth_cache *cache)
{
	for (size_t set = 0; set < CACHE_SETS; set++) {
		for (size_t way = 0; way < CACHE_WAYS; way++) {
			cache->tokens[set][way].loaded_ms = 0;
			cache->teams[set][way].loaded_ms = 0;
		}
	}
}
