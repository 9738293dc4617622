#include "tests/unit/core/event_support.h"

/* ---- strictness ---- */

#define HEAD "\"version\":7,\"at\":\"2026-01-31T09:30:00Z\""

static const struct {
	const char *text;
	int code;
} readings[] = {
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
	{ "{\"version\":7,\"type\":\"released\",\"trial\":3,\"at\":\"now\"}", CODE_INVALID },
	{ "{\"type\":\"released\",\"trial\":3,\"at\":\"2026-01-31T09:30:00Z\"}", CODE_INVALID },
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
	{ "{" HEAD ",\"type\":\"released\",\"trial\":3,\"attempt\":4294967296}", CODE_INVALID },
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
	{ "{" HEAD ",\"type\":\"failed\",\"trial\":3,\"metrics\":{\"a\":null}}", CODE_INVALID },
	{ "{" HEAD ",\"type\":\"reported\",\"trial\":3,\"late\":1}", CODE_INVALID },
	{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"lease_ms\":0}", CODE_INVALID },
	{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"lease_ms\":1.5}", CODE_INVALID },
	{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"parent\":-1}", CODE_INVALID },
	{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"resource\":\"nan\"}", CODE_INVALID },
	{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"tag\":\"Zg=\"}", CODE_INVALID },
	{ "{" HEAD ",\"type\":\"assigned\",\"trial\":3,\"tag\":7}", CODE_INVALID },
};

static void test_read_strict(void **state)
{
	struct scratch *s = *state;
	for (size_t i = 0; i < COUNT(readings); i++) {
		struct event event;
		event_init(&event, EVENT_RETRIED, 99);
		int rc = event_read(
			readings[i].text, strlen(readings[i].text), &event, &s->arena, &s->err);
		if (rc != readings[i].code)
			print_error("%s: %s\n", readings[i].text, rc ? s->err.message : "accepted");
		assert_int_equal(rc, readings[i].code);
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
		cmocka_unit_test(test_read_strict),
		cmocka_unit_test(test_read_bounds),
		cmocka_unit_test(test_body_strict),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
