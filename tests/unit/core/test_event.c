#include "tests/unit/core/event_support.h"

#define ROUNDS 4000

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_one_line),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
