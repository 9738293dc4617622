/*
 * What auth knows without asking the store: tokens by digest and teams by id, each for a few
 * seconds, in tables of fixed size. A full set loses its oldest entry, which costs a look-up (and a
 * team its half-used bucket), never correctness. No lock here: api/auth.c holds its own.
 */
#ifndef API_AUTH_CACHE_H
#define API_AUTH_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/digest.h"
#include "api/ratelimit.h"
#include "core/limits.h"

#define CACHE_SETS   256
#define CACHE_WAYS   4
#define CACHE_TTL_MS 5000 /* how long a revoked token lives on, at most, on other replicas */
#define TEAM_MAX     64	  /* bytes of a team's id (api/route.c takes no longer ones) */

struct known_token {
	char digest[DIGEST_HEX_SIZE];
	char id[ID_SIZE];
	char team[TEAM_MAX + 1]; /* "": of no team */
	unsigned scopes;
	int64_t expires_ms;
	int64_t loaded_ms; /* 0: empty or forgotten */
};

struct known_team {
	char id[TEAM_MAX + 1];
	int64_t requests_per_minute;
	int64_t loaded_ms; /* 0: forgotten, but the bucket stays */
	struct bucket bucket;
};

struct auth_cache {
	struct known_token tokens[CACHE_SETS][CACHE_WAYS];
	struct known_team teams[CACHE_SETS][CACHE_WAYS];
};

/* The fresh entry, or NULL. */
const struct known_token *cache_token(
	const struct auth_cache *cache, const char *digest, int64_t now_ms);
void cache_token_put(struct auth_cache *cache, const struct known_token *token);

/* The team's entry, fresh or not; a new one, with loaded_ms 0, takes the place of the oldest. */
struct known_team *cache_team(struct auth_cache *cache, const char *id);

/* Is an entry loaded at loaded_ms still good? Not if the clock went back, either. */
bool cache_fresh(int64_t loaded_ms, int64_t now_ms);

/* Everything must be loaded again; buckets keep their levels. */
void cache_forget(struct auth_cache *cache);

#endif
