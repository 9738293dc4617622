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

static int setup(void **state)
{
	static struct scratch scratch;
	arena_init(&scratch.arena, 0);
	buffer_init(&scratch.out, 1u << 20);
	buffer_init(&scratch.again, 1u << 20);
	*state = &scratch;
	return 0;
}

static int teardown(void **state)
{
	struct scratch *s = *state;
	arena_release(&s->arena);
	buffer_release(&s->out);
	buffer_release(&s->again);
	return 0;
}

/* ---- names ---- */

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < EVENT_KIND_COUNT; i++) {
		enum event_kind kind;
		assert_true(event_kind_parse(event_kind_name((enum event_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	for (int i = 0; i < STATUS_COUNT; i++) {
		enum experiment_status status;
		assert_true(experiment_status_parse(
			experiment_status_name((enum experiment_status)i), &status));
		assert_int_equal(status, i);
	}
	enum event_kind kind = EVENT_PAUSED;
	enum experiment_status status = STATUS_DONE;
	assert_false(event_kind_parse("Created", &kind));
	assert_false(event_kind_parse("", &kind));
	assert_false(experiment_status_parse("waiting", &status));
	assert_int_equal(kind, EVENT_PAUSED);
	assert_int_equal(status, STATUS_DONE);
}

/* ---- metrics ---- */

static void assert_metrics(const struct metric *metrics, size_t n, const char *text)
{
	struct buffer out;
	buffer_init(&out, 4096);
	metrics_write(metrics, n, &out);
	assert_string_equal(buffer_text(&out), text);
	buffer_release(&out);
}

static bool same_number(double a, double b)
{
	return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static bool same_metrics(const struct metric *a, size_t na, const struct metric *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (strcmp(a[i].name, b[i].name) != 0 || !same_number(a[i].value, b[i].value) ||
			!same_number(a[i].stderr_, b[i].stderr_))
			return false;
	return true;
}

static void test_metrics_write(void **state)
{
	(void)state;
	const double none = (double)NAN, inf = (double)INFINITY;
	const struct metric some[] = { { "default", 0.9, none }, { "loss", 0.1, 0.01 },
		{ "a\"b", none, none }, { "c", inf, 0 }, { "d", -inf, none }, { "e", -0.0, none } };
	assert_metrics(some, 0, "{}");
	assert_metrics(some, 2, "{\"default\":0.9,\"loss\":{\"value\":0.1,\"stderr\":0.01}}");
	assert_metrics(some, 6,
		"{\"default\":0.9,\"loss\":{\"value\":0.1,\"stderr\":0.01},\"a\\\"b\":\"nan\","
		"\"c\":{\"value\":\"inf\",\"stderr\":0.0},\"d\":\"-inf\",\"e\":-0.0}");
}

static void test_metrics_read(void **state)
{
	struct scratch *s = *state;
	static const char text[] = "{ \"a\": 1, \"b\": \"nan\", \"c\": {\"stderr\": 0, \"value\": "
				   "\"-inf\"}, \"d\": {\"value\": 2.5}, \"e\": 1e400 }";
	const struct metric *metrics = NULL;
	size_t n = 77;

	/* 1e400 is no number we can hold. */
	assert_int_equal(
		metrics_read(text, strlen(text), &s->arena, &metrics, &n, &s->err), CODE_MALFORMED);
	assert_int_equal(n, 77);
	static const char fine[] = "{ \"a\": 1, \"b\": \"nan\", \"c\": {\"stderr\": 0, \"value\": "
				   "\"-inf\"}, \"d\": {\"value\": 2.5} }";
	assert_int_equal(metrics_read(fine, strlen(fine), &s->arena, &metrics, &n, &s->err), 0);
	const double none = (double)NAN;
	const struct metric want[] = { { "a", 1, none }, { "b", none, none },
		{ "c", -(double)INFINITY, 0 }, { "d", 2.5, none } };
	assert_true(same_metrics(metrics, n, want, COUNT(want)));

	static const struct {
		const char *text;
		int code;
	} refused[] = {
		{ "", CODE_MALFORMED },
		{ "{\"a\":NaN}", CODE_MALFORMED },
		{ "{\"a\":1,\"a\":2}", CODE_MALFORMED },
		{ "[]", CODE_INVALID },
		{ "1", CODE_INVALID },
		{ "{\"a\":null}", CODE_INVALID },
		{ "{\"a\":true}", CODE_INVALID },
		{ "{\"a\":\"NaN\"}", CODE_INVALID },
		{ "{\"a\":\"1\"}", CODE_INVALID },
		{ "{\"a\":[1]}", CODE_INVALID },
		{ "{\"a\":{}}", CODE_INVALID },
		{ "{\"a\":{\"stderr\":1}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"stderr\":-1}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"stderr\":\"-inf\"}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"stderr\":null}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"std\":1}}", CODE_INVALID },
		{ "{\"a\":{\"value\":1,\"stderr\":1,\"n\":3}}", CODE_INVALID },
	};
	for (size_t i = 0; i < COUNT(refused); i++) {
		const struct metric *before = metrics;
		assert_int_equal(metrics_read(refused[i].text, strlen(refused[i].text), &s->arena,
					 &metrics, &n, &s->err),
			refused[i].code);
		assert_ptr_equal(metrics, before);
		assert_int_equal(n, 4);
		assert_true(s->err.message[0] != '\0');
	}
}

static void test_metrics_digest(void **state)
{
	(void)state;
	const double none = (double)NAN;
	const double other_nan = -none;
	const struct metric base[] = { { "a", 1, none }, { "b", 0.0, 0.5 }, { "c", none, none } };
	const struct metric turned[] = { { "c", other_nan, none }, { "a", 1, other_nan },
		{ "b", -0.0, 0.5 } };
	const uint64_t digest = metrics_digest(base, 3);

	assert_int_equal(metrics_digest(turned, 3), digest);
	assert_int_not_equal(metrics_digest(base, 2), digest);
	assert_int_not_equal(metrics_digest(base, 0), metrics_digest(base, 1));
	for (size_t i = 0; i < 3; i++) {
		struct metric changed[3];
		memcpy(changed, base, sizeof(changed));
		changed[i].value = isnan(base[i].value) ? 0 : nextafter(base[i].value, 2);
		assert_int_not_equal(metrics_digest(changed, 3), digest);
		memcpy(changed, base, sizeof(changed));
		changed[i].stderr_ = isnan(base[i].stderr_) ? 0 : none;
		assert_int_not_equal(metrics_digest(changed, 3), digest);
		memcpy(changed, base, sizeof(changed));
		changed[i].name = "x";
		assert_int_not_equal(metrics_digest(changed, 3), digest);
	}
	/* Which value belongs to which name matters. */
	const struct metric swapped[] = { { "b", 1, none }, { "a", 0.0, 0.5 },
		{ "c", none, none } };
	assert_int_not_equal(metrics_digest(swapped, 3), digest);
	/* Two of a kind do not cancel out. */
	const struct metric twice[] = { { "a", 1, none }, { "a", 1, none } };
	const struct metric twice_other[] = { { "a", 2, none }, { "a", 2, none } };
	assert_int_not_equal(metrics_digest(twice, 2), metrics_digest(twice_other, 2));
}

/* ---- random events ---- */

static const unsigned births = ON(EVENT_SUGGESTED) | ON(EVENT_ENQUEUED) | ON(EVENT_SEEDED);
static const unsigned hand_outs = ON(EVENT_SUGGESTED) | ON(EVENT_ASSIGNED);
static const unsigned workers = ON(EVENT_REPORTED) | ON(EVENT_OBSERVED) | ON(EVENT_FAILED);
static const unsigned experiment = ON(EVENT_CREATED) | ON(EVENT_EDITED) | ON(EVENT_STATUS);

static bool coin(struct rng *rng)
{
	return rng_below(rng, 2) == 1;
}

static const char *random_text(struct rng *rng, struct arena *arena)
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

static double random_number(struct rng *rng)
{
	static const double special[] = { 0.0, -0.0, 1.0, -1.0, 0.1, 5e-324, 1.7976931348623157e308,
		(double)INFINITY, -(double)INFINITY, 9007199254740993.0, 1e21, (double)NAN };
	if (coin(rng))
		return special[rng_below(rng, COUNT(special))];
	return (rng_uniform(rng) - 0.5) * pow(10, (double)rng_below(rng, 40) - 20);
}

/* A JSON object as json_write would have it, so that reading gives the same text. */
static const char *random_object(struct rng *rng, struct arena *arena)
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

static void random_metrics(struct rng *rng, struct arena *arena, struct event *event)
{
	size_t n = rng_below(rng, 4);
	struct metric *metrics = arena_array(arena, n + 1, sizeof(*metrics));
	for (size_t i = 0; i < n; i++)
		metrics[i] = (struct metric){ arena_printf(arena, "m%zu", i), random_number(rng),
			coin(rng) ? (double)NAN : fabs(random_number(rng)) };
	event->metrics = metrics;
	event->n_metrics = n;
}

static void random_bytes(struct rng *rng, struct arena *arena, struct event *event)
{
	size_t n = rng_below(rng, 20);
	unsigned char *data = arena_alloc(arena, n + 1);
	for (size_t i = 0; i < n; i++)
		data[i] = (unsigned char)rng_below(rng, 256);
	event->tag = (struct bytes){ n ? data : NULL, n };
}

/* Everything the kind may carry, each part there or not as the coin falls. */
static void random_event(
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

static void assert_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

static void assert_same_body(const struct event *a, const struct event *b)
{
	assert_text(a->parameters, b->parameters);
	assert_true(same_metrics(a->metrics, a->n_metrics, b->metrics, b->n_metrics));
	assert_int_equal(a->tag.size, b->tag.size);
	if (a->tag.size)
		assert_memory_equal(a->tag.data, b->tag.data, a->tag.size);
	assert_text(a->meta, b->meta);
	assert_text(a->attributes, b->attributes);
	assert_text(a->checkpoint, b->checkpoint);
	assert_text(a->worker, b->worker);
	assert_text(a->message, b->message);
	assert_text(a->reason, b->reason);
	assert_text(a->spec, b->spec);
	assert_int_equal(a->lease_ms, b->lease_ms);
	assert_int_equal(a->parent, b->parent);
	assert_true((isnan(a->resource) && isnan(b->resource)) || a->resource == b->resource);
	assert_int_equal(a->base_version, b->base_version);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->lost, b->lost);
	assert_int_equal(a->late, b->late);
	assert_int_equal(a->revive, b->revive);
	assert_null(b->x);
}

static void assert_same_head(const struct event *a, const struct event *b)
{
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->trial, b->trial);
	assert_int_equal(a->attempt, b->attempt);
	assert_int_equal(a->step, b->step);
	assert_int_equal(a->at_ms, b->at_ms);
}

static void test_round_trip(void **state)
{
	struct scratch *s = *state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct rng rng;
		struct event event, back;
		enum event_kind kind = (enum event_kind)(i % EVENT_KIND_COUNT);

		rng_init(&rng, 42, RNG_TEST, i);
		arena_reset(&s->arena);
		random_event(&rng, &s->arena, kind, &event);

		/* the body, as stores keep it */
		buffer_clear(&s->out);
		event_write_body(&event, &s->out);
		event_init(&back, kind, event.trial);
		assert_int_equal(event_read_body(buffer_text(&s->out), s->out.size, &back,
					 &s->arena, &s->err),
			0);
		assert_same_body(&event, &back);

		/* the whole, as lists, streams and exports have it */
		buffer_clear(&s->out);
		event_write(&event, &s->out);
		assert_false(s->out.failed);
		assert_null(strpbrk(buffer_text(&s->out), "\r\n"));
		memset(&back, 0x5a, sizeof(back));
		assert_int_equal(
			event_read(buffer_text(&s->out), s->out.size, &back, &s->arena, &s->err),
			0);
		assert_same_head(&event, &back);
		assert_same_body(&event, &back);

		/* and once more: one event has one text */
		buffer_clear(&s->again);
		event_write(&back, &s->again);
		assert_string_equal(buffer_text(&s->out), buffer_text(&s->again));
	}
}

static void test_write(void **state)
{
	struct scratch *s = *state;
	const struct metric metrics[] = { { "default", 0.5, (double)NAN } };
	struct event event;

	buffer_clear(&s->out);
	event_init(&event, EVENT_OBSERVED, 3);
	event.version = 7;
	event.attempt = 1;
	event.at_ms = 1000;
	event.metrics = metrics;
	event.n_metrics = 1;
	event_write(&event, &s->out);
	assert_string_equal(buffer_text(&s->out),
		"{\"version\":7,\"type\":\"observed\",\"trial\":3,\"attempt\":1,"
		"\"at\":\"1970-01-01T00:00:01.000Z\",\"metrics\":{\"default\":0.5}}");

	buffer_clear(&s->out);
	event_init(&event, EVENT_STATUS, -1);
	event.version = 8;
	event_write(&event, &s->out);
	assert_string_equal(buffer_text(&s->out), "{\"version\":8,\"type\":\"status\",\"at\":"
						  "\"1970-01-01T00:00:00.000Z\",\"status\":"
						  "\"running\"}");

	buffer_clear(&s->out);
	event_init(&event, EVENT_RELEASED, 0);
	event_write_body(&event, &s->out);
	assert_string_equal(buffer_text(&s->out), "{}");
}

/* Parts come as users wrote them; an event is one line all the same. */
static void test_one_line(void **state)
{
	struct scratch *s = *state;
	struct event event;

	event_init(&event, EVENT_ENQUEUED, 0);
	event.parameters = "\r\n { \"a b\" : [ 1 ,\t2 ] , \"q\\\" \\\\\" : \" \\\" \\\\\" }\n";
	buffer_clear(&s->out);
	event_write_body(&event, &s->out);
	assert_string_equal(buffer_text(&s->out),
		"{\"parameters\":{\"a b\":[1,2],\"q\\\" \\\\\":\" \\\" \\\\\"}}");
}

/* ---- strictness ---- */

#define HEAD "\"version\":7,\"at\":\"2026-01-31T09:30:00Z\""

static void test_read_strict(void **state)
{
	struct scratch *s = *state;
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{ "{" HEAD ",\"type\":\"observed\",\"trial\":3}", 0 },
		{ "{" HEAD ",\"type\":\"observed\",\"trial\":3,\"metrics\":{}}", 0 },
		{ "{" HEAD ",\"type\":\"status\",\"status\":\"done\"}", 0 },
		{ "{" HEAD ",\"type\":\"created\",\"spec\":{}}", 0 },
		{ "", CODE_MALFORMED },
		{ "{", CODE_MALFORMED },
		{ "{\"version\":1,\"version\":1}", CODE_MALFORMED },
		{ "[]", CODE_INVALID },
		{ "{}", CODE_INVALID },
		{ "{" HEAD ",\"trial\":3}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"Observed\",\"trial\":3}", CODE_INVALID },
		{ "{" HEAD ",\"type\":3,\"trial\":3}", CODE_INVALID },
		{ "{\"version\":7,\"type\":\"released\",\"trial\":3}", CODE_INVALID },
		{ "{\"version\":7,\"type\":\"released\",\"trial\":3,\"at\":0}", CODE_INVALID },
		{ "{\"version\":7,\"type\":\"released\",\"trial\":3,\"at\":\"now\"}",
			CODE_INVALID },
		{ "{\"type\":\"released\",\"trial\":3,\"at\":\"2026-01-31T09:30:00Z\"}",
			CODE_INVALID },
		{ "{\"version\":0,\"type\":\"released\",\"trial\":3,"
		  "\"at\":\"2026-01-31T09:30:00Z\"}",
			CODE_INVALID },
		{ "{\"version\":1.0,\"type\":\"released\",\"trial\":3,"
		  "\"at\":\"2026-01-31T09:30:00Z\"}",
			CODE_INVALID },
		/* of which trial? */
		{ "{" HEAD ",\"type\":\"released\"}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"released\",\"trial\":-1}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"released\",\"trial\":10000000}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"released\",\"trial\":9999999}", 0 },
		{ "{" HEAD ",\"type\":\"released\",\"trial\":\"3\"}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"status\",\"status\":\"done\",\"trial\":3}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"status\",\"status\":\"done\",\"step\":3}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"released\",\"trial\":3,\"attempt\":-1}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"released\",\"trial\":3,\"attempt\":4294967295}", 0 },
		{ "{" HEAD ",\"type\":\"released\",\"trial\":3,\"attempt\":4294967296}",
			CODE_INVALID },
		{ "{" HEAD ",\"type\":\"reported\",\"trial\":3,\"step\":-1}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"reported\",\"trial\":3,\"step\":1.5}", CODE_INVALID },
		/* fields of other kinds, and of none */
		{ "{" HEAD ",\"type\":\"released\",\"trial\":3,\"metrics\":{}}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"released\",\"trial\":3,\"late\":true}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"observed\",\"trial\":3,\"lost\":true}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"released\",\"trial\":3,\"x\":[1]}", CODE_INVALID },
		/* required ones */
		{ "{" HEAD ",\"type\":\"created\"}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"edited\"}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"status\"}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"suggested\",\"trial\":3}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"enqueued\",\"trial\":3}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"seeded\",\"trial\":3,\"parameters\":{}}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"seeded\",\"trial\":3,\"state\":\"failed\"}", CODE_INVALID },
		/* types */
		{ "{" HEAD ",\"type\":\"created\",\"spec\":\"{}\"}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"enqueued\",\"trial\":3,\"parameters\":[]}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"seeded\",\"trial\":3,\"parameters\":{},"
		  "\"state\":\"running\"}",
			CODE_INVALID },
		{ "{" HEAD ",\"type\":\"seeded\",\"trial\":3,\"parameters\":{},\"state\":2}",
			CODE_INVALID },
		{ "{" HEAD ",\"type\":\"status\",\"status\":\"error\"}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"failed\",\"trial\":3,\"message\":null}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"failed\",\"trial\":3,\"metrics\":{\"a\":null}}",
			CODE_INVALID },
		{ "{" HEAD ",\"type\":\"reported\",\"trial\":3,\"late\":1}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"lease_ms\":0}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"lease_ms\":1.5}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"parent\":-1}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"resource\":\"nan\"}",
			CODE_INVALID },
		{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"tag\":\"Zg=\"}", CODE_INVALID },
		{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"tag\":7}", CODE_INVALID },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct event event;
		event_init(&event, EVENT_RETRIED, 99);
		int rc = event_read(
			cases[i].text, strlen(cases[i].text), &event, &s->arena, &s->err);
		if (rc != cases[i].code)
			print_error("%s: %s\n", cases[i].text, rc ? s->err.message : "accepted");
		assert_int_equal(rc, cases[i].code);
		/* untouched on failure */
		assert_int_equal(event.trial == 99, rc != 0);
		assert_int_equal(event.kind == EVENT_RETRIED, rc != 0);
	}
}

/* Each bound at its edge, for strangers; what we have stored ourselves is read as it is. */
static void test_read_bounds(void **state)
{
	struct scratch *s = *state;
	static const struct {
		const char *kind, *before, *after;
		size_t limit;
	} cases[] = {
		{ "released", "\"worker\":\"", "\"", LIMIT_WORKER },
		{ "failed", "\"message\":\"", "\"", LIMIT_MESSAGE },
		{ "failed", "\"checkpoint\":\"", "\"", LIMIT_MESSAGE },
		{ "failed", "\"attributes\":{\"a\":\"", "\"}", LIMIT_ATTRIBUTES - 8 },
		{ "assigned", "\"meta\":{\"a\":\"", "\"}", LIMIT_ATTRIBUTES - 8 },
	};
	char *filler = malloc(LIMIT_ATTRIBUTES + 2);
	assert_non_null(filler);
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t over = 0; over < 2; over++) {
			struct event event;
			enum event_kind kind = 0;
			memset(filler, 'x', cases[i].limit + over);
			filler[cases[i].limit + over] = '\0';
			buffer_clear(&s->out);
			buffer_printf(&s->out, "{" HEAD ",\"type\":\"%s\",\"trial\":3,%s%s%s}",
				cases[i].kind, cases[i].before, filler, cases[i].after);
			assert_int_equal(event_read(buffer_text(&s->out), s->out.size, &event,
						 &s->arena, &s->err),
				over ? CODE_INVALID : 0);
			buffer_clear(&s->out);
			buffer_printf(&s->out, "{%s%s%s}", cases[i].before, filler, cases[i].after);
			assert_true(event_kind_parse(cases[i].kind, &kind));
			event_init(&event, kind, 3);
			assert_int_equal(event_read_body(buffer_text(&s->out), s->out.size, &event,
						 &s->arena, &s->err),
				0);
		}
	}
	free(filler);

	/* The tag, in bytes, and the number of metrics. */
	static unsigned char data[LIMIT_TAG + 1];
	struct metric metrics[LIMIT_METRIC_NAMES + 1];
	for (size_t i = 0; i < COUNT(metrics); i++)
		metrics[i] = (struct metric){ arena_printf(&s->arena, "m%zu", i), 1, (double)NAN };
	for (size_t over = 0; over < 2; over++) {
		struct event event, back;
		event_init(&event, EVENT_ASSIGNED, 3);
		event.version = 1;
		event.tag = (struct bytes){ data, LIMIT_TAG + over };
		buffer_clear(&s->out);
		event_write(&event, &s->out);
		assert_int_equal(
			event_read(buffer_text(&s->out), s->out.size, &back, &s->arena, &s->err),
			over ? CODE_INVALID : 0);
		event_init(&event, EVENT_OBSERVED, 3);
		event.version = 1;
		event.metrics = metrics;
		event.n_metrics = LIMIT_METRIC_NAMES + over;
		buffer_clear(&s->out);
		event_write(&event, &s->out);
		assert_int_equal(
			event_read(buffer_text(&s->out), s->out.size, &back, &s->arena, &s->err),
			over ? CODE_INVALID : 0);
	}
}

static void test_body_strict(void **state)
{
	struct scratch *s = *state;
	struct event event;

	event_init(&event, EVENT_OBSERVED, 3);
	event.version = 9;
	/* The heads are no part of a body. */
	assert_int_equal(
		event_read_body("{\"version\":1}", 13, &event, &s->arena, &s->err), CODE_INVALID);
	assert_int_equal(
		event_read_body("{\"trial\":1}", 11, &event, &s->arena, &s->err), CODE_INVALID);
	assert_int_equal(event_read_body("[]", 2, &event, &s->arena, &s->err), CODE_INVALID);
	assert_int_equal(event_read_body("{}", 1, &event, &s->arena, &s->err), CODE_MALFORMED);
	assert_int_equal(event_read_body("{}", 2, &event, &s->arena, &s->err), 0);
	assert_int_equal(event.version, 9);
	assert_int_equal(event.trial, 3);
}

/* However little memory there is: an error, and nothing half done. */
static void test_no_memory(void **state)
{
	struct scratch *s = *state;
	struct rng rng;
	struct event event;

	rng_init(&rng, 7, RNG_TEST, 0);
	random_event(&rng, &s->arena, EVENT_SUGGESTED, &event);
	event.worker = "w";
	event.meta = "{\"a\":1}";
	buffer_clear(&s->out);
	event_write(&event, &s->out);
	bool done = false;
	for (size_t limit = 1; !done && limit < 65536; limit += 7) {
		struct arena tight;
		struct event back;
		arena_init(&tight, limit);
		event_init(&back, EVENT_RETRIED, 99);
		int rc = event_read(buffer_text(&s->out), s->out.size, &back, &tight, &s->err);
		done = rc == 0;
		assert_true(done || rc == CODE_NO_MEMORY);
		assert_int_equal(back.trial == 99, !done);
		arena_release(&tight);
	}
	assert_true(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_metrics_write),
		cmocka_unit_test(test_metrics_read),
		cmocka_unit_test(test_metrics_digest),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_read_strict),
		cmocka_unit_test(test_read_bounds),
		cmocka_unit_test(test_body_strict),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
