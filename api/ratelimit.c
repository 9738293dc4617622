#include "api/ratelimit.h"

#include <assert.h>
#include <math.h>

#define MINUTE_MS 60000.0

static void refill(struct bucket *bucket, int64_t per_minute, int64_t now_ms)
{
	if (bucket->capacity != per_minute) {
		bucket->level += (double)(per_minute - bucket->capacity);
		bucket->capacity = per_minute;
		if (bucket->level < 0)
			bucket->level = 0;
	}
	if (now_ms > bucket->at_ms) {
		bucket->level += (double)(now_ms - bucket->at_ms) * (double)per_minute / MINUTE_MS;
		bucket->at_ms = now_ms;
	}
	if (bucket->level > (double)per_minute)
		bucket->level = (double)per_minute;
}

struct allowed bucket_take(struct bucket *bucket, int64_t per_minute, int64_t now_ms)
{
	double per_second = (double)per_minute / 60;
	struct allowed out = { .limit = per_minute };

	assert(per_minute > 0);
	refill(bucket, per_minute, now_ms);
	out.ok = bucket->level >= 1;
	if (out.ok)
		bucket->level -= 1;
	else
		out.retry_s = (int64_t)ceil((1 - bucket->level) / per_second);
	if (!out.ok && out.retry_s < 1)
		out.retry_s = 1;
	out.remaining = (int64_t)floor(bucket->level);
	out.reset_s = (int64_t)ceil(((double)per_minute - bucket->level) / per_second);
	return out;
}
