/*
 * A token bucket: a team may send a minute's worth of requests at once, and then as many as flow
 * in. Each replica counts for itself, so n replicas allow up to n times the quota.
 */
#ifndef API_RATELIMIT_H
#define API_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	double level;	  /* requests that may come now */
	int64_t at_ms;	  /* when level was right */
	int64_t capacity; /* the quota it was filled for; 0: never used */
};

struct allowed {
	bool ok;
	int64_t limit, remaining;
	int64_t reset_s; /* until the bucket is full again */
	int64_t retry_s; /* until one more request is allowed; when !ok */
};

/* One request at now_ms under a quota of per_minute > 0. A clock that steps back adds nothing; a
 * changed quota keeps what is left, up to the new capacity, and a raise adds the difference. */
struct allowed bucket_take(struct bucket *bucket, int64_t per_minute, int64_t now_ms);

#endif
