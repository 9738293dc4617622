/* What the tests of events share: scratch space, and random events of every kind. */
#ifndef TESTS_EVENT_SUPPORT_H
#define TESTS_EVENT_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/rng.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

#define ROUNDS	 4000
#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define ON(kind) (1u << (kind))

struct scratch {
	struct arena arena;
	struct buffer out, again;
	struct error err;
};

static inline int setup(void **state)
{
	static struct scratch scratch;
	arena_init(&scratch.arena, 0);
	buffer_init(&scratch.out, 1u << 20);
	buffer_init(&scratch.again, 1u << 20);
	*state = &scratch;
	return 0;
}

static inline int teardown(void **state)
{
	struct scratch *s = *state;
	arena_release(&s->arena);
	buffer_release(&s->out);
	buffer_release(&s->again);
	return 0;
}

static inline bool same_number(double a, double b)
{
	return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static inline bool same_metrics(
	const struct metric *a, size_t na, const struct metric *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (strcmp(a[i].name, b[i].name) != 0 || !same_number(a[i].value, b[i].value) ||
			!same_number(a[i].stderr_, b[i].stderr_))
			return false;
	return true;
}

/* ---- random events ---- */

static const unsigned births = ON(EVENT_SUGGESTED) | ON(EVENT_ENQUEUED) | ON(EVENT_SEEDED);
static const unsigned hand_outs = ON(EVENT_SUGGESTED) | ON(EVENT_ASSIGNED);
static const unsigned workers = ON(EVENT_REPORTED) | ON(EVENT_OBSERVED) | ON(EVENT_FAILED);
static const unsigned experiment = ON(EVENT_CREATED) | ON(EVENT_EDITED) | ON(EVENT_STATUS);

static inline bool coin(struct rng *rng)
{
	return rng_below(rng, 2) == 1;
}

static inline const char *random_text(struct rng *rng, struct arena *arena)
{
	static const char *const pieces[] = { "a", "Z", " ", "\"", "\\", "/", "\n", "\x01", "\x7f",
		"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\\u0041", "{", "]", ",", ":" };
	struct buffer out;
	buffer_init(&out, 4096);
	for (uint64_t n = rng_below(rng, 12); n > 0; n--)
		buffer_add_text(&out, pieces[rng_below(rng, COUNT(pieces))]);
	const char *text = arena_strdup(arena, buffer_text(&out));
	buffer_release(&out);
	return text;
}

static inline double random_number(struct rng *rng)
{
	static const double special[] = { 0.0, -0.0, 1.0, -1.0, 0.1, 5e-324, 1.7976931348623157e308,
		(double)INFINITY, -(double)INFINITY, 9007199254740993.0, 1e21, (double)NAN };
	if (coin(rng))
		return special[rng_below(rng, COUNT(special))];
	return (rng_uniform(rng) - 0.5) * pow(10, (double)rng_below(rng, 40) - 20);
}

/* A JSON object as json_write would have it, so that reading gives the same text. */
static inline const char *random_object(struct rng *rng, struct arena *arena)
{
	struct buffer out;
	buffer_init(&out, 65536);
	buffer_add_char(&out, '{');
	for (uint64_t n = rng_below(rng, 4), i = 0; i < n; i++) {
		buffer_printf(&out, "%s\"k%d\":", i ? "," : "", (int)i);
		if (coin(rng))
			json_write_string(&out, random_text(rng, arena));
		else
			json_write_number(&out, random_number(rng), coin(rng));
	}
	if (coin(rng))
		buffer_printf(&out, "%s\"deep\":{\"list\":[1,{\"x\":null},true,[]]}",
			out.size > 1 ? "," : "");
	buffer_add_char(&out, '}');
	const char *text = arena_strdup(arena, buffer_text(&out));
	buffer_release(&out);
	return text;
}

static inline void random_metrics(struct rng *rng, struct arena *arena, struct event *event)
{
	size_t n = rng_below(rng, 4);
	struct metric *metrics = arena_array(arena, n + 1, sizeof(*metrics));
	for (size_t i = 0; i < n; i++)
		metrics[i] = (struct metric){ arena_printf(arena, "m%zu", i), random_number(rng),
			coin(rng) ? (double)NAN : fabs(random_number(rng)) };
	event->metrics = metrics;
	event->n_metrics = n;
}

static inline void random_bytes(struct rng *rng, struct arena *arena, struct event *event)
{
	size_t n = rng_below(rng, 20);
	unsigned char *data = arena_alloc(arena, n + 1);
	for (size_t i = 0; i < n; i++)
		data[i] = (unsigned char)rng_below(rng, 256);
	event->tag = (struct bytes){ n ? data : NULL, n };
}

/* Everything the kind may carry, each part there or not as the coin falls. */
static inline void random_event(
	struct rng *rng, struct arena *arena, enum event_kind kind, struct event *event)
{
	unsigned on = ON(kind);
	bool of_trial = !(on & experiment);

	event_init(event, kind, of_trial ? (int64_t)rng_below(rng, LIMIT_TRIALS) : -1);
	event->version = 1 + rng_below(rng, 1000000);
	event->at_ms = (int64_t)rng_below(rng, 253402300800000u);
	event->attempt = of_trial && coin(rng) ? (uint32_t)rng_below(rng, 1u << 31) * 2 + 1 : 0;
	event->step = of_trial && coin(rng) ? (int64_t)rng_below(rng, 1000) : -1;
	if (on & births)
		event->parameters = random_object(rng, arena);
	if (on & (ON(EVENT_CREATED) | ON(EVENT_EDITED)))
		event->spec = random_object(rng, arena);
	event->state = on & ON(EVENT_SEEDED) ? coin(rng) ? TRIAL_SUCCEEDED : TRIAL_FAILED : 0;
	event->status =
		on & ON(EVENT_STATUS) ? (enum experiment_status)rng_below(rng, STATUS_COUNT) : 0;
	if (on & (workers | ON(EVENT_SEEDED)) && coin(rng))
		random_metrics(rng, arena, event);
	if (on & (births | hand_outs | ON(EVENT_PAUSED)) && coin(rng))
		random_bytes(rng, arena, event);
	if (on & (births | hand_outs)) {
		event->meta = coin(rng) ? random_object(rng, arena) : NULL;
		event->parent = coin(rng) ? (int64_t)rng_below(rng, 1000) : -1;
		event->resource = coin(rng) ? fabs(random_number(rng)) : (double)NAN;
		event->base_version = coin(rng) ? rng_below(rng, 1000) : 0;
	}
	if (on & (workers | ON(EVENT_SEEDED)))
		event->attributes = coin(rng) ? random_object(rng, arena) : NULL;
	if (on & workers)
		event->checkpoint = coin(rng) ? random_text(rng, arena) : NULL;
	if (of_trial) {
		event->worker = coin(rng) ? random_text(rng, arena) : NULL;
		event->message = coin(rng) ? random_text(rng, arena) : NULL;
	} else {
		event->reason = coin(rng) ? random_text(rng, arena) : NULL;
	}
	if (on & hand_outs)
		event->lease_ms = coin(rng) ? 1 + (int64_t)rng_below(rng, 1u << 30) : 0;
	event->lost = on & ON(EVENT_EXPIRED) && coin(rng);
	event->late = on & ON(EVENT_REPORTED) && coin(rng);
	event->revive = on & ON(EVENT_EDITED) && coin(rng);
}

#endif
