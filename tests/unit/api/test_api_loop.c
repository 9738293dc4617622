/* The loop over the api: suggest, observe, customised trials. */
#include "tests/unit/api/exchange.h"

/* ---- suggest ---- */

static void hands_out_what_is_asked_for(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);

	struct exchange *x = post(world, 200, url(id, "/suggest"),
		"{\"count\":2,\"worker\":\"w1\",\"lease\":\"60s\",\"deadline_ms\":200}");
	assert_int_equal(at_size(x, "trials"), 2);
	assert_int_equal(at_int(x, "trials.0.trial"), 0);
	assert_int_equal(at_int(x, "trials.1.trial"), 1);
	assert_int_equal(at_int(x, "trials.1.attempt"), 1);
	assert_string_equal(at_text(x, "trials.0.lease_expires_at"), "2027-01-15T08:01:00.000Z");
	double lr = at_real(x, "trials.0.parameters.lr");
	assert_true(lr >= 0 && lr <= 1);
	assert_string_equal(at_text(x, "trials.0.meta.tuner"), "random");
	assert_int_equal(at_int(x, "trials.0.meta.version"), 1);
	assert_int_equal(at_int(x, "trials.1.meta.version"), 2);
	assert_int_equal(at_int(x, "version"), 3);
	assert_null(at(x, "trials.0.resume_from"));
	assert_null(at(x, "done"));
	assert_non_null(strstr(header(x, "Server-Timing"), "queue;dur="));
	assert_non_null(strstr(header(x, "Server-Timing"), ", db;dur="));
	assert_non_null(strstr(header(x, "Server-Timing"), ", fit;dur=0, ask;dur="));
	exchange_free(x);

	x = post(world, 200, url(id, "/suggest"), ""); /* everything has a default */
	assert_int_equal(at_size(x, "trials"), 1);
	assert_string_equal(at_text(x, "trials.0.lease_expires_at"), "2027-01-16T08:00:00.000Z");
	exchange_free(x);
}

static void suggest_checks_its_bounds(void **state)
{
	static const struct {
		const char *body, *pointer;
	} faults[] = {
		{ "{\"count\":0}", "/count" },
		{ "{\"count\":257}", "/count" },
		{ "{\"count\":1.5}", "/count" },
		{ "{\"count\":null}", "/count" },
		{ "{\"worker\":\"\"}", "/worker" },
		{ "{\"worker\":7}", "/worker" },
		{ "{\"lease\":\"10ms\"}", "/lease" },
		{ "{\"lease\":\"soon\"}", "/lease" },
		{ "{\"lease\":\"31d\"}", "/lease" },
		{ "{\"wait\":\"31s\"}", "/wait" },
		{ "{\"wait\":-1}", "/wait" },
		{ "{\"deadline_ms\":0}", "/deadline_ms" },
		{ "{\"resume\":1}", "/resume" },
		{ "{\"tags\":[]}", "/tags" },
	};
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct exchange *x = post(world, 422, url(id, "/suggest"), faults[i].body);
		if (!has_fault(x, faults[i].pointer))
			fail_msg("%s: %s", faults[i].body, buffer_text(&x->text));
		exchange_free(x);
	}
	post_only(world, 400, url(id, "/suggest"), "{");
	post_only(world, 404, url("exp_none", "/suggest"), "{}");
	get_only(world, 405, url(id, "/suggest"));
	struct exchange *x = get(world, 200, url(id, "/trials"));
	assert_int_equal(at_size(x, "items"), 0);
	exchange_free(x);
	post_only(world, 200, url(id, "/suggest"), "{\"count\":256,\"wait\":30}");
}

static void says_later_and_never_apart(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, ",\"limits\":{\"max_trials\":2,\"concurrency\":1}", id);

	long long first = suggest_one(world, id);
	struct exchange *x = post(world, 200, url(id, "/suggest"), "{}");
	assert_int_equal(at_size(x, "trials"), 0);
	assert_string_equal(at_text(x, "reason"), "concurrency");
	assert_true(at_int(x, "retry_after_ms") > 0);
	assert_null(at(x, "done"));
	exchange_free(x);
	char body[64];
	snprintf(body, sizeof(body), "{\"trial\":%lld,\"value\":1,\"final\":true}", first);
	post_only(world, 200, url(id, "/observe"), body);
	finish_one(world, id, "0.5");
	x = post(world, 200, url(id, "/suggest"), "{}");
	assert_true(json_is_true(at(x, "done")));
	assert_string_equal(at_text(x, "reason"), "max_trials");
	assert_null(at(x, "retry_after_ms"));
	exchange_free(x);
}

static void holds_a_request_until_something_happens(void **state)
{
	struct world *world = *state;
	const char *wait = "{\"wait\":\"10s\"}";
	char id[ID_SIZE];
	experiment_make(world, ",\"limits\":{\"concurrency\":1}", id);
	suggest_one(world, id);

	struct exchange *held =
		exchange_start(world, "POST", url(id, "/suggest"), wait, strlen(wait), NULL);
	assert_false(held->finished);
	post_only(world, 200, url(id, "/observe"), "{\"trial\":0,\"value\":1,\"final\":true}");
	exchange_read(world, held);
	assert_int_equal(at_int(held, "trials.0.trial"), 1);
	exchange_free(held);

	held = exchange_start(world, "POST", url(id, "/suggest"), wait, strlen(wait), NULL);
	assert_false(held->finished);
	world->now_ms += 9999;
	engine_tick(world->engine, world->session);
	assert_false(held->finished);
	world->now_ms += 1;
	engine_tick(world->engine, world->session);
	exchange_read(world, held);
	assert_string_equal(at_text(held, "reason"), "concurrency");
	exchange_free(held);
}

static void the_same_key_gets_the_same_trials(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);

	struct exchange *a = post_key(world, 200, "k", url(id, "/suggest"), "{\"count\":2}");
	suggest_one(world, id);
	post_only(world, 200, url(id, "/observe"), "{\"trial\":0,\"value\":1,\"final\":true}");
	world->now_ms += 5000;
	struct exchange *b = post_key(world, 200, "k", url(id, "/suggest"), "{\"count\":2}");
	assert_string_equal(buffer_text(&a->text), buffer_text(&b->text));
	assert_string_equal(header(b, "Idempotency-Replayed"), "true");
	exchange_free(a);
	exchange_free(b);
	exchange_free(post_key(world, 422, "k", url(id, "/suggest"), "{\"count\":3}"));
}

/* The answer was lost while the limits were reached: the repeat must still get its trial. */
static void a_key_is_answered_at_the_limits_too(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, ",\"limits\":{\"concurrency\":1}", id);

	struct exchange *a = post_key(world, 200, "k", url(id, "/suggest"), "{}");
	struct exchange *b = post_key(world, 200, "k", url(id, "/suggest"), "{}");
	assert_string_equal(buffer_text(&a->text), buffer_text(&b->text));
	exchange_free(a);
	exchange_free(b);
}

static void a_worker_that_comes_back_resumes(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);

	long long mine = suggest_one(world, id);
	struct exchange *x =
		post(world, 200, url(id, "/suggest"), "{\"worker\":\"w\",\"resume\":true}");
	assert_int_equal(at_int(x, "trials.0.trial"), mine);
	assert_int_equal(at_int(x, "trials.0.attempt"), 1);
	exchange_free(x);
	x = post(world, 200, url(id, "/suggest"), "{\"worker\":\"other\",\"resume\":true}");
	assert_int_equal(at_int(x, "trials.0.trial"), mine + 1);
	exchange_free(x);
}

static void the_next_attempt_goes_on_from_the_checkpoint(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);

	suggest_one(world, id);
	post_only(world, 200, url(id, "/observe"),
		"{\"trial\":0,\"step\":3,\"value\":0.5,\"checkpoint\":\"model.pt\"}");
	post_only(world, 200, url(id, "/trials/0/release"), "{}");
	struct exchange *x = post(world, 200, url(id, "/suggest"), "{}");
	assert_int_equal(at_int(x, "trials.0.trial"), 0);
	assert_int_equal(at_int(x, "trials.0.attempt"), 2);
	assert_int_equal(at_int(x, "trials.0.resume_from.trial"), 0);
	assert_int_equal(at_int(x, "trials.0.resume_from.step"), 3);
	assert_string_equal(at_text(x, "trials.0.resume_from.checkpoint"), "model.pt");
	exchange_free(x);
}

/* Takes a trial; checks where it goes on from. checkpoint "": none. */
static void goes_on(struct world *world, const char *id, long long trial, long long source,
	long long step, long long resource, const char *checkpoint)
{
	struct exchange *x = post(world, 200, url(id, "/suggest"), "{}");
	assert_int_equal(at_int(x, "trials.0.trial"), trial);
	assert_int_equal(at_int(x, "trials.0.resume_from.trial"), source);
	assert_int_equal(at_int(x, "trials.0.resume_from.step"), step);
	assert_int_equal(at_int(x, "trials.0.resume_from.resource"), resource);
	if (*checkpoint)
		assert_string_equal(at_text(x, "trials.0.resume_from.checkpoint"), checkpoint);
	else
		assert_true(json_is_null(at(x, "trials.0.resume_from.checkpoint")));
	exchange_free(x);
}

/* A fork starts from the state its parent had then, whoever gets it and whenever. */
static void a_fork_goes_on_from_its_parent(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	struct exchange *x = post(world, 201, "/v1/experiments",
		"{\"name\":\"p\",\"search_space\":{\"lr\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"
		","
		"\"objectives\":[{\"name\":\"default\",\"goal\":\"minimize\"}],\"tuner\":{\"name\":"
		"\"PBTTuner\",\"seed\":7,\"options\":{\"population_size\":2,\"fraction\":0.5,"
		"\"interval\":2,\"max_resource\":6,\"all_checkpoint_dir\":null}}}");
	snprintf(id, ID_SIZE, "%s", at_text(x, "id"));
	exchange_free(x);
	for (int i = 0; i < 2; i++)
		suggest_one(world, id);
	post_only(world, 200, url(id, "/observe"),
		"[{\"trial\":0,\"step\":2,\"value\":0.5,\"checkpoint\":\"0-2\"},"
		"{\"trial\":1,\"step\":2,\"value\":0.7,\"checkpoint\":\"1-2\"}]");
	goes_on(world, id, 2, 0, 2, 2, "0-2");
	goes_on(world, id, 0, 0, 2, 2, "0-2");
	/* The parent goes on; the fork's worker is lost without a word. */
	post_only(world, 200, url(id, "/observe"),
		"{\"trial\":0,\"step\":3,\"value\":0.4,\"checkpoint\":\"0-3\"}");
	post_only(world, 200, url(id, "/trials/2/release"), "{}");
	goes_on(world, id, 2, 0, 2, 2, "0-2");
	/* With a report, but without a state of its own. */
	x = post(world, 200, url(id, "/observe"), "{\"trial\":2,\"value\":0.45}");
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/2"));
	assert_int_equal(at_int(x, "last_step"), 3); /* it counts on from the fork */
	assert_int_equal(at_int(x, "parent"), 0);
	exchange_free(x);
	post_only(world, 200, url(id, "/trials/2/release"), "{}");
	goes_on(world, id, 2, 0, 2, 2, "0-2");
	/* And with one. */
	post_only(world, 200, url(id, "/observe"),
		"{\"trial\":2,\"step\":3,\"value\":0.45,\"checkpoint\":\"2-3\"}");
	post_only(world, 200, url(id, "/trials/2/release"), "{}");
	goes_on(world, id, 2, 2, 3, 2, "2-3");
	x = post(world, 200, url(id, "/trials/2/replay"), "");
	assert_true(json_is_true(at(x, "equal")));
	exchange_free(x);
	/* Both to the end; 1 is left where it was. */
	post_only(world, 200, url(id, "/observe"), "{\"trial\":2,\"step\":4,\"value\":0.4}");
	goes_on(world, id, 2, 2, 4, 4, "2-3");
	post_only(world, 200, url(id, "/observe"),
		"[{\"trial\":0,\"step\":4,\"value\":0.3},{\"trial\":2,\"final\":true,\"value\":0.2}"
		"]");
	goes_on(world, id, 0, 0, 4, 4, "0-3");
	post_only(world, 200, url(id, "/observe"), "{\"trial\":0,\"final\":true,\"value\":0.1}");
	x = post(world, 200, url(id, "/suggest"), "{}");
	assert_true(json_is_true(at(x, "done")));
	assert_string_equal(at_text(x, "reason"), "exhausted");
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/1"));
	assert_string_equal(at_text(x, "state"), "paused");
	exchange_free(x);
}

static void the_quota_of_trials_is_kept(void **state)
{
	struct world *world = *state;
	struct quota quota = { .trials = 3 };
	char id[ID_SIZE];
	experiment_make(world, "", id);
	assert_int_equal(store_quota_set(world->session, "default", &quota, NULL), 0);

	exchange_free(post_key(world, 200, "k", url(id, "/suggest"), "{\"count\":2}"));
	struct exchange *x = post(world, 429, url(id, "/suggest"), "{\"count\":2}");
	assert_non_null(strstr(at_text(x, "detail"), "\"trials\""));
	exchange_free(x);
	suggest_one(world, id);
	post_only(world, 429, url(id, "/suggest"), "{}");
	exchange_free(post_key(world, 200, "k", url(id, "/suggest"), "{\"count\":2}"));
	quota.trials = 4; /* the count is fresh whenever it would refuse */
	assert_int_equal(store_quota_set(world->session, "default", &quota, NULL), 0);
	suggest_one(world, id);
}

/* ---- observe ---- */

static void keeps_values_of_all_kinds(void **state)
{
	static const char *const finals[] = { "0", "-1.5e-300", "\"nan\"", "\"inf\"", "\"-inf\"" };
	struct world *world = *state;
	char id[ID_SIZE], path[512];
	experiment_make(world, "", id);

	for (size_t i = 0; i < sizeof(finals) / sizeof(*finals); i++) {
		long long n = finish_one(world, id, finals[i]);
		snprintf(path, sizeof(path), "%s", url(id, "/trials/%lld", n));
		struct exchange *x = get(world, 200, path);
		char *text = json_dumps(at(x, "value"), JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
		json_t *want = json_loads(finals[i], JSON_DECODE_ANY, NULL);
		if (json_is_string(want))
			assert_true(json_equal(at(x, "value"), want));
		else
			assert_true(json_number_value(at(x, "value")) == json_number_value(want));
		assert_true(json_equal(at(x, "value"), at(x, "values.default")));
		json_decref(want);
		free(text);
		exchange_free(x);
	}
}

static void one_observation_answers_as_itself(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	suggest_one(world, id);
	const char *observe = url(id, "/observe");

	struct exchange *x = post(world, 200, observe, "{\"trial\":0,\"step\":1,\"value\":0.25}");
	assert_int_equal(at_size(x, "items"), 1);
	assert_true(json_is_true(at(x, "items.0.accepted")));
	assert_string_equal(at_text(x, "items.0.command"), "continue");
	assert_string_equal(at_text(x, "items.0.state"), "running");
	assert_true(json_is_null(at(x, "items.0.reason")));
	exchange_free(x);
	x = post(world, 200, observe, "{\"trial\":0,\"step\":1,\"value\":0.25}");
	assert_true(json_is_true(at(x, "items.0.repeated")));
	exchange_free(x);
	post_only(world, 409, observe, "{\"trial\":0,\"step\":1,\"value\":0.75}");
	x = post(world, 200, observe, "{\"trial\":0,\"value\":1,\"stderr\":0.1,\"final\":true}");
	assert_string_equal(at_text(x, "items.0.state"), "succeeded");
	exchange_free(x);
	post_only(world, 409, observe, "{\"trial\":0,\"value\":2,\"final\":true}");
	x = post(world, 404, observe, "{\"trial\":99,\"value\":2}");
	assert_string_equal(x->call.content_type, "application/problem+json");
	exchange_free(x);
	post_only(world, 404, url("exp_none", "/observe"), "{\"trial\":0,\"value\":2}");
	x = get(world, 200, url(id, "/trials/0"));
	assert_true(at_real(x, "values.default.value") == 1);
	assert_true(at_real(x, "values.default.stderr") == 0.1);
	exchange_free(x);
}

static void an_array_is_answered_item_by_item(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	finish_one(world, id, "1");
	suggest_one(world, id);

	struct exchange *x = post(world, 200, url(id, "/observe"),
		"[{\"trial\":1,\"step\":0,\"value\":0.5},"
		"{\"trial\":77,\"value\":1},"
		"{\"trial\":0,\"value\":2,\"final\":true},"
		"{\"trial\":1,\"status\":\"failed\",\"message\":\"out of memory\"}]");
	assert_int_equal(at_size(x, "items"), 4);
	assert_true(json_is_true(at(x, "items.0.accepted")));
	assert_true(json_is_false(at(x, "items.1.accepted")));
	assert_int_equal(at_int(x, "items.1.trial"), 77);
	assert_int_equal(at_int(x, "items.1.error.status"), 404);
	assert_int_equal(at_int(x, "items.2.error.status"), 409);
	assert_string_equal(at_text(x, "items.3.state"), "failed");
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/1"));
	assert_string_equal(at_text(x, "message"), "out of memory");
	assert_string_equal(at_text(x, "state"), "failed");
	exchange_free(x);
}

static void observe_checks_the_whole_body_first(void **state)
{
	static const struct {
		const char *body, *pointer;
	} faults[] = {
		{ "[]", "" },
		{ "7", "" },
		{ "[{\"trial\":0,\"value\":1},{\"trial\":0}]", "/1" },
		{ "[{\"trial\":0,\"value\":1},7]", "/1" },
		{ "{\"value\":1}", "/trial" },
		{ "{\"trial\":\"0\",\"value\":1}", "/trial" },
		{ "{\"trial\":-1,\"value\":1}", "/trial" },
		{ "{\"trial\":0,\"value\":\"NaN\"}", "/value" },
		{ "{\"trial\":0,\"value\":null}", "/value" },
		{ "{\"trial\":0,\"value\":[1]}", "/value" },
		{ "{\"trial\":0,\"value\":1,\"values\":{\"a\":1}}", "/values" },
		{ "{\"trial\":0,\"values\":{}}", "/values" },
		{ "{\"trial\":0,\"values\":{\"\":1}}", "/values/" },
		{ "{\"trial\":0,\"values\":{\"a\":\"x\"}}", "/values/a" },
		{ "{\"trial\":0,\"values\":{\"a\":{\"value\":\"x\"}}}", "/values/a/value" },
		{ "{\"trial\":0,\"values\":{\"a\":{\"value\":1,\"stderr\":-1}}}",
			"/values/a/stderr" },
		{ "{\"trial\":0,\"values\":{\"a\":{\"mean\":1}}}", "/values/a/mean" },
		{ "{\"trial\":0,\"values\":{\"a\":1},\"stderr\":1}", "/stderr" },
		{ "{\"trial\":0,\"value\":1,\"step\":-1}", "/step" },
		{ "{\"trial\":0,\"value\":1,\"attempt\":0}", "/attempt" },
		{ "{\"trial\":0,\"value\":1,\"status\":\"lost\"}", "/status" },
		{ "{\"trial\":0,\"value\":1,\"message\":\"m\"}", "/message" },
		{ "{\"trial\":0,\"value\":1,\"status\":\"failed\"}", "/value" },
		{ "{\"trial\":0,\"final\":true,\"status\":\"failed\"}", "/status" },
		{ "{\"trial\":0,\"value\":1,\"attributes\":[]}", "/attributes" },
		{ "{\"trial\":0,\"value\":1,\"loss\":2}", "/loss" },
	};
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	suggest_one(world, id);

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct exchange *x = post(world, 422, url(id, "/observe"), faults[i].body);
		if (!has_fault(x, faults[i].pointer))
			fail_msg("%s: %s", faults[i].body, buffer_text(&x->text));
		exchange_free(x);
	}
	post_only(world, 400, url(id, "/observe"), "{\"trial\":0,\"value\":NaN}");
	struct exchange *x = get(world, 200, url(id, "%s", ""));
	assert_int_equal(at_int(x, "version"), 2); /* nothing was stored */
	exchange_free(x);
}

static void a_bare_value_is_of_the_only_objective(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, ",\"objectives\":[{\"name\":\"loss\",\"goal\":\"minimize\"}]", id);
	finish_one(world, id, "0.5");
	struct exchange *x = get(world, 200, url(id, "/trials/0"));
	assert_true(at_real(x, "values.loss") == 0.5);
	exchange_free(x);
}

static void a_final_result_has_every_objective(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world,
		",\"objectives\":[{\"name\":\"a\",\"goal\":\"minimize\"},"
		"{\"name\":\"b\",\"goal\":\"maximize\"}]",
		id);
	suggest_one(world, id);
	post_only(world, 422, url(id, "/observe"), "{\"trial\":0,\"value\":1,\"final\":true}");
	post_only(world, 422, url(id, "/observe"),
		"{\"trial\":0,\"values\":{\"a\":1},\"final\":true}");
	struct exchange *x = post(world, 200, url(id, "/observe"),
		"{\"trial\":0,\"values\":{\"b\":2,\"a\":1,\"extra\":\"nan\"},"
		"\"status\":\"succeeded\"}");
	assert_string_equal(at_text(x, "items.0.state"), "succeeded");
	exchange_free(x);
}

static void takes_as_many_items_as_it_says(void **state)
{
	struct world *world = *state;
	struct buffer body;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	suggest_one(world, id);
	buffer_init(&body, 1 << 20);
	for (int i = 0; i < LIMIT_OBSERVE_ITEMS; i++)
		buffer_printf(
			&body, "%c{\"trial\":0,\"step\":%d,\"value\":%d}", i ? ',' : '[', i, i);
	buffer_add_char(&body, ']');
	struct exchange *x = post(world, 200, url(id, "/observe"), buffer_text(&body));
	assert_int_equal(at_size(x, "items"), LIMIT_OBSERVE_ITEMS);
	exchange_free(x);
	body.data[body.size - 1] = ',';
	buffer_add_text(&body, "{\"trial\":0,\"step\":9999,\"value\":1}]");
	post_only(world, 422, url(id, "/observe"), buffer_text(&body));
	buffer_release(&body);
}

/* ---- customised trials ---- */

static void runs_a_custom_trial_next(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);

	struct exchange *x = post(
		world, 201, url(id, "/trials"), "{\"parameters\":{\"lr\":0.125,\"units\":32}}");
	assert_int_equal(at_int(x, "trial"), 0);
	assert_string_equal(at_text(x, "state"), "waiting");
	assert_string_equal(at_text(x, "origin"), "custom");
	assert_non_null(strstr(header(x, "Location"), "/trials/0"));
	exchange_free(x);
	x = post(world, 200, url(id, "/suggest"), "{}");
	assert_int_equal(at_int(x, "trials.0.trial"), 0);
	assert_true(at_real(x, "trials.0.parameters.lr") == 0.125);
	exchange_free(x);
}

static void custom_rows_are_refused_one_by_one(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);

	struct exchange *x = post_key(world, 200, "k", url(id, "/trials"),
		"[{\"parameters\":{\"lr\":0.5,\"units\":16}},"
		"{\"parameters\":{\"lr\":2,\"units\":16}},"
		"{\"parameters\":{\"lr\":0.5}}]");
	assert_int_equal(at_int(x, "accepted"), 1);
	assert_int_equal(at_int(x, "refused"), 2);
	assert_int_equal(at_int(x, "items.0.trial"), 0);
	assert_int_equal(at_int(x, "items.1.error.status"), 422);
	assert_non_null(strstr(at_text(x, "items.1.error.detail"), "lr"));
	assert_non_null(strstr(at_text(x, "items.2.error.detail"), "units"));
	exchange_free(x);
	post_only(world, 422, url(id, "/trials"), "{\"parameters\":{\"lr\":2,\"units\":16}}");
	x = post(world, 422, url(id, "/trials"), "[{\"parameters\":[]},{\"params\":{}}]");
	assert_true(has_fault(x, "/0/parameters"));
	assert_true(has_fault(x, "/1/params"));
	assert_true(has_fault(x, "/1/parameters"));
	exchange_free(x);
	post_only(world, 422, url(id, "/trials"), "[]");
	x = get(world, 200, url(id, "/trials"));
	assert_int_equal(at_size(x, "items"), 1);
	exchange_free(x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hands_out_what_is_asked_for),
		TEST(suggest_checks_its_bounds),
		TEST(says_later_and_never_apart),
		TEST(holds_a_request_until_something_happens),
		TEST(the_same_key_gets_the_same_trials),
		TEST(a_key_is_answered_at_the_limits_too),
		TEST(a_worker_that_comes_back_resumes),
		TEST(the_next_attempt_goes_on_from_the_checkpoint),
		TEST(a_fork_goes_on_from_its_parent),
		TEST(the_quota_of_trials_is_kept),
		TEST(keeps_values_of_all_kinds),
		TEST(one_observation_answers_as_itself),
		TEST(an_array_is_answered_item_by_item),
		TEST(observe_checks_the_whole_body_first),
		TEST(a_bare_value_is_of_the_only_objective),
		TEST(a_final_result_has_every_objective),
		TEST(takes_as_many_items_as_it_says),
		TEST(runs_a_custom_trial_next),
		TEST(custom_rows_are_refused_one_by_one),
	};
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
