/* Time, identifiers and names. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "algorithms/assessors/assessor.h"
#include "algorithms/nas/model_space.h"
#include "algorithms/tuners/tuner.h"
#include "engine/internal.h"

#define CLOCK_REREAD_MS                                                                            \
	30000 /* clocks drift by milliseconds in that time, leases last for minutes */

const struct catalog engine_catalog = {
	.tuners = tuner_algorithms,
	.assessors = assessor_algorithms,
	.model_space = model_space_read,
};

static int64_t mono_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t mono_ms(void)
{
	return mono_ns() / 1000000;
}

int64_t mono_us(void)
{
	return mono_ns() / 1000;
}

int64_t engine_now_ms(struct engine *engine)
{
	if (engine->config.now_ms)
		return engine->config.now_ms(engine->config.now_context);
	pthread_mutex_lock(&engine->clock_lock);
	int64_t now = mono_ms() + engine->clock_offset_ms;
	pthread_mutex_unlock(&engine->clock_lock);
	return now;
}

/* Database time again, when the last reading is old. Half of the round trip is the error made. */
int clock_sync(struct engine *engine, struct session *session, struct error *err)
{
	int64_t before = mono_ms(), database_ms;

	pthread_mutex_lock(&engine->clock_lock);
	bool fresh = engine->clock_read_ms && before - engine->clock_read_ms < CLOCK_REREAD_MS;
	pthread_mutex_unlock(&engine->clock_lock);
	if (fresh || engine->config.now_ms)
		return 0;
	int rc = store_clock(session, &database_ms, err);
	if (rc)
		return rc;
	int64_t after = mono_ms();
	pthread_mutex_lock(&engine->clock_lock);
	engine->clock_offset_ms = database_ms - (before + (after - before) / 2);
	engine->clock_read_ms = after;
	pthread_mutex_unlock(&engine->clock_lock);
	return 0;
}

void random_bytes(void *out, size_t size)
{
	char *at = out;
	while (size > 0) {
		ssize_t n = getrandom(at, size, 0);
		if (n < 0)
			continue; /* EINTR: the only error left once the pool is up */
		at += n;
		size -= (size_t)n;
	}
}

void id_make(const char *prefix, char *out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char raw[17]; /* 128 bits fill 22 characters of 6 bits with 4 to spare */
	char text[23];
	unsigned bits = 0;
	uint32_t pool = 0;
	size_t at = 0;

	random_bytes(raw, sizeof(raw));
	for (size_t i = 0; i < 22; i++) {
		if (bits < 6) {
			pool = (pool << 8 | raw[at++]) & 0xffffff;
			bits += 8;
		}
		bits -= 6;
		text[i] = alphabet[pool >> bits & 63];
	}
	text[22] = '\0';
	snprintf(out, ID_SIZE, "%s_%s", prefix, text);
}

const char *command_name(enum command command)
{
	static const char *const names[] = {
		[COMMAND_CONTINUE] = "continue",
		[COMMAND_STOP] = "stop",
		[COMMAND_PAUSE] = "pause",
	};
	return names[command];
}
