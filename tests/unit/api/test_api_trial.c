/* Trials over the api: lists, tables, operations on one, explanations, best, Pareto, progress. */
#include "tests/unit/api/exchange.h"

#include <math.h>

/* ---- one trial ---- */

static void shows_what_became_of_it(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, ",\"constraints\":[{\"metric\":\"ms\",\"max\":20}]", id);
	suggest_one(world, id);
	world->now_ms += 60000;
	post_only(world, 200, url(id, "/observe"), "{\"trial\":0,\"step\":4,\"value\":0.25}");
	post_only(world, 200, url(id, "/observe"),
		"{\"trial\":0,\"values\":{\"default\":0.75,\"ms\":30},\"final\":true}");

	struct exchange *x = get(world, 200, url(id, "/trials/0"));
	assert_string_equal(at_text(x, "state"), "succeeded");
	assert_string_equal(at_text(x, "origin"), "tuner");
	assert_string_equal(at_text(x, "worker"), "w");
	assert_true(at_real(x, "value") == 0.75);
	assert_true(at_real(x, "values.ms") == 30);
	assert_true(json_is_false(at(x, "feasible")));
	assert_int_equal(at_int(x, "last_step"), 4);
	assert_int_equal(at_int(x, "suggested_version"), 2);
	assert_int_equal(at_int(x, "ended_version"), 4);
	assert_string_equal(at_text(x, "ended_at"), "2027-01-15T08:01:00.000Z");
	assert_true(json_is_null(at(x, "lease_expires_at")));
	exchange_free(x);
	get_only(world, 404, url(id, "/trials/1"));
	get_only(world, 404, url(id, "/trials/99999999999"));
	get_only(world, 404, url(id, "/trials/x"));
	get_only(world, 404, url("exp_none", "/trials/0"));
}

static void a_heartbeat_extends_and_commands(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	post_only(world, 200, url(id, "/suggest"), "{\"lease\":\"60s\"}");
	world->now_ms += 40000;
	struct exchange *x = post(world, 200, url(id, "/trials/0/heartbeat"), "{\"attempt\":1}");
	assert_string_equal(at_text(x, "command"), "continue");
	assert_string_equal(at_text(x, "lease_expires_at"), "2027-01-15T08:01:40.000Z");
	assert_true(json_is_null(at(x, "reason")));
	exchange_free(x);
	x = post(world, 200, url(id, "/trials/0/heartbeat"), "{\"lease\":\"10m\"}");
	assert_string_equal(at_text(x, "lease_expires_at"), "2027-01-15T08:10:40.000Z");
	exchange_free(x);
	post_only(world, 200, url(id, "/trials/0/stop"), "{\"message\":\"it diverges\"}");
	x = post(world, 200, url(id, "/trials/0/heartbeat"), "");
	assert_string_equal(at_text(x, "command"), "stop");
	assert_string_equal(at_text(x, "reason"), "it diverges");
	assert_true(json_is_null(at(x, "lease_expires_at")));
	exchange_free(x);
	post_only(world, 404, url(id, "/trials/7/heartbeat"), "");
	x = post(world, 422, url(id, "/trials/0/heartbeat"), "{\"lease\":\"1ms\",\"attempt\":0}");
	assert_true(has_fault(x, "/lease") && has_fault(x, "/attempt"));
	exchange_free(x);
}

static void a_lease_that_went_to_another_is_gone(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, ",\"limits\":{\"max_retries\":2}", id);
	post_only(world, 200, url(id, "/suggest"), "{\"lease\":\"60s\"}");
	world->now_ms += 60001;
	engine_tick(world->engine, world->session);
	post_only(world, 200, url(id, "/suggest"), "{}");
	post_only(world, 410, url(id, "/trials/0/heartbeat"), "{\"attempt\":1}");
	post_only(world, 200, url(id, "/trials/0/heartbeat"), "{\"attempt\":2}");
	post_only(world, 410, url(id, "/trials/0/release"), "{\"attempt\":1}");
}

static void is_released_cancelled_stopped_and_retried(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	suggest_one(world, id);

	struct exchange *x = post(world, 200, url(id, "/trials/0/release"), "{\"attempt\":1}");
	assert_string_equal(at_text(x, "state"), "waiting");
	exchange_free(x);
	x = post(world, 200, url(id, "/trials/0/cancel"), "{\"message\":\"no use\"}");
	assert_string_equal(at_text(x, "state"), "cancelled");
	assert_string_equal(at_text(x, "message"), "no use");
	exchange_free(x);
	post_only(world, 409, url(id, "/trials/0/release"), "");
	x = post_key(world, 200, "k", url(id, "/trials/0/retry"), "");
	assert_string_equal(at_text(x, "state"), "waiting");
	exchange_free(x);
	suggest_one(world, id);
	x = post_key(world, 200, "k", url(id, "/trials/0/retry"), "");
	assert_string_equal(header(x, "Idempotency-Replayed"), "true");
	exchange_free(x);
	x = post(world, 200, url(id, "/trials/0/stop"), "");
	assert_string_equal(at_text(x, "state"), "stopped");
	exchange_free(x);
	finish_one(world, id, "1");
	post_only(world, 409, url(id, "/trials/1/retry"), "");
	post_only(world, 409, url(id, "/trials/1/cancel"), "");
	post_only(world, 404, url(id, "/trials/9/cancel"), "");
	x = post(world, 422, url(id, "/trials/0/retry"), "{\"message\":\"m\"}");
	assert_true(has_fault(x, "/message"));
	exchange_free(x);
}

static void shows_its_reports(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE], target[512];
	experiment_make(world, "", id);
	suggest_one(world, id);
	post_only(world, 200, url(id, "/observe"),
		"[{\"trial\":0,\"step\":0,\"value\":0.5},{\"trial\":0,\"step\":1,\"values\":"
		"{\"default\":{\"value\":0.75,\"stderr\":0.5},\"a,b\":\"nan\"}},"
		"{\"trial\":0,\"step\":2,\"value\":\"-inf\"}]");

	struct exchange *x = get(world, 200, url(id, "/trials/0/metrics?limit=2"));
	assert_int_equal(at_size(x, "items"), 2);
	assert_true(at_real(x, "items.0.values.default") == 0.5);
	assert_int_equal(at_int(x, "items.1.step"), 1);
	snprintf(target, sizeof(target), "%s",
		url(id, "/trials/0/metrics?limit=2&cursor=%s", at_text(x, "next_cursor")));
	exchange_free(x);
	x = get(world, 200, target);
	assert_int_equal(at_size(x, "items"), 1);
	assert_string_equal(at_text(x, "items.0.values.default"), "-inf");
	assert_true(json_is_null(at(x, "next_cursor")));
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/0/metrics?since=4"));
	assert_int_equal(at_size(x, "items"), 1);
	exchange_free(x);
	x = get_as(world, 200, "text/csv", url(id, "/trials/0/metrics"));
	assert_non_null(strstr(buffer_text(&x->text), "attempt,step,metric,value,late,at\r\n"));
	assert_non_null(strstr(buffer_text(&x->text), "1,1,\"a,b\",nan,false,2027-"));
	assert_non_null(strstr(buffer_text(&x->text), "1,2,default,-inf,false,2027-"));
	exchange_free(x);
	get_only(world, 404, url(id, "/trials/5/metrics"));
}

static void is_explained_and_replayed(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	finish_one(world, id, "1");
	post_only(world, 201, url(id, "/trials"), "{\"parameters\":{\"lr\":0.5,\"units\":16}}");
	post_only(world, 200, url(id, "/seed"),
		"[{\"parameters\":{\"lr\":0.5,\"units\":32},\"value\":0}]");

	struct exchange *x = get(world, 200, url(id, "/trials/0/explain"));
	assert_string_equal(at_text(x, "tuner"), "random");
	assert_int_equal(at_int(x, "seed"), 7);
	assert_int_equal(at_int(x, "base_version"), 1);
	assert_int_equal(at_int(x, "suggested_version"), 2);
	assert_non_null(strstr(at_text(x, "sentence"), "Tuner random proposed trial 0"));
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/1/explain"));
	assert_true(json_is_null(at(x, "tuner")));
	assert_true(json_is_null(at(x, "base_version")));
	assert_non_null(strstr(at_text(x, "sentence"), "by request"));
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/2/explain"));
	assert_non_null(strstr(at_text(x, "sentence"), "foreign result"));
	exchange_free(x);
	get_only(world, 404, url(id, "/trials/3/explain"));

	x = post(world, 200, url(id, "/trials/0/replay"), "");
	assert_true(json_is_true(at(x, "equal")));
	assert_true(json_equal(at(x, "recorded"), at(x, "recomputed")));
	exchange_free(x);
	post_only(world, 409, url(id, "/trials/1/replay"), "");
	post_only(world, 404, url(id, "/trials/3/replay"), "");
}

/* ---- lists ---- */

static void numbers_are(struct world *world, const char *target, const char *want)
{
	struct exchange *x = get(world, 200, target);
	char numbers[512] = "";
	for (size_t i = 0; i < at_size(x, "items"); i++) {
		const json_t *item = json_array_get(at(x, "items"), i);
		snprintf(numbers + strlen(numbers), sizeof(numbers) - strlen(numbers), "%lld ",
			(long long)json_integer_value(json_object_get(item, "trial")));
	}
	if (strcmp(numbers, want) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", target, numbers, want);
	exchange_free(x);
}

static void lists_by_state_worker_and_order(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	finish_one(world, id, "0.5");
	finish_one(world, id, "0.75");
	finish_one(world, id, "\"nan\"");
	finish_one(world, id, "0.25");
	post_only(world, 200, url(id, "/suggest"), "{\"worker\":\"other\"}");

	numbers_are(world, url(id, "/trials"), "0 1 2 3 4 ");
	numbers_are(world, url(id, "/trials?sort=-number"), "4 3 2 1 0 ");
	numbers_are(world, url(id, "/trials?sort=best"), "1 0 3 ");
	numbers_are(world, url(id, "/trials?state=running"), "4 ");
	numbers_are(world, url(id, "/trials?worker=w&state=succeeded&limit=2"), "0 1 ");
	numbers_are(world, url(id, "/trials?worker=nobody"), "");
	numbers_are(world, url(id, "/best"), "1 0 3 ");
	numbers_are(world, url(id, "/best?top=1"), "1 ");
	get_only(world, 400, url(id, "/trials?state=odd"));
	get_only(world, 400, url(id, "/trials?sort=worst"));
	get_only(world, 400, url(id, "/best?top=0"));
	get_only(world, 400, url(id, "/best?limit=3"));
	get_only(world, 404, url("exp_none", "/best"));
}

/* Ten points, each three times: one of the bad ones was lucky once. */
static void the_best_by_expectation(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE], body[256];
	experiment_make(world,
		",\"objectives\":[{\"name\":\"acc\",\"goal\":\"maximize\"}],\"constraints\":[{"
		"\"metric\":\"ms\",\"max\":5}]",
		id);
	struct exchange *x = get(world, 200, url(id, "/best?rank=expected"));
	assert_int_equal(at_size(x, "items"), 0);
	assert_true(json_is_null(at(x, "noise")));
	exchange_free(x);
	for (int i = 0; i < 30; i++) {
		double lr = (i % 10 + 0.5) / 10, value = 0.9 - (lr - 0.75) * (lr - 0.75);
		value += 0.02 * ((i * 7 % 5) - 2) / 2;
		snprintf(body, sizeof(body), "{\"parameters\":{\"lr\":%.17g,\"units\":16}}", lr);
		post_only(world, 201, url(id, "/trials"), body);
		suggest_one(world, id);
		snprintf(body, sizeof(body),
			"{\"trial\":%d,\"final\":true,\"values\":{\"acc\":%.17g,\"ms\":%d}}", i,
			i == 12 ? 0.95 : value, i == 7 ? 9 : 1);
		post_only(world, 200, url(id, "/observe"), body);
		if (i != 3)
			continue;
		x = get(world, 200, url(id, "/best?rank=expected")); /* too few */
		assert_int_equal(at_size(x, "items"), 4);
		assert_int_equal(at_int(x, "items.0.trial"), 3);
		assert_true(json_is_null(at(x, "items.0.expected")));
		exchange_free(x);
	}
	numbers_are(world, url(id, "/best?top=1"), "12 ");
	numbers_are(world, url(id, "/best?top=1&rank=value"), "12 ");
	x = get(world, 200, url(id, "/best?rank=expected&top=1000"));
	assert_int_equal(at_size(x, "items"), 29); /* not the one that breaks a constraint */
	assert_int_equal(at_int(x, "results"), 30);
	assert_int_equal(at_int(x, "used"), 30);
	long long first = at_int(x, "items.0.trial") % 10;
	assert_true(first >= 6 && first <= 8);
	assert_true(fabs(at_real(x, "items.0.expected.value") - 0.9) < 0.03);
	double off = at_real(x, "items.0.expected.stderr");
	assert_true(off > 0 && off < 0.05);
	assert_true(at_real(x, "noise") > 0.005 && at_real(x, "noise") < 0.1);
	exchange_free(x);
	get_only(world, 400, url(id, "/best?rank=luck"));
	get_only(world, 404, url("exp_none", "/best?rank=expected"));
}

static void pages_of_the_best_meet(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE], target[512], want[32];
	experiment_make(world, "", id);
	for (int i = 0; i < 5; i++) {
		snprintf(want, sizeof(want), "%d", i / 2); /* ties */
		finish_one(world, id, want);
	}
	static const char *const pages[] = { "4 2 ", "3 0 ", "1 " };
	snprintf(target, sizeof(target), "%s", url(id, "/trials?sort=best&limit=2"));
	for (size_t i = 0; i < 3; i++) {
		numbers_are(world, target, pages[i]);
		struct exchange *x = get(world, 200, target);
		if (i < 2)
			snprintf(target, sizeof(target), "%s",
				url(id, "/trials?sort=best&limit=2&cursor=%s",
					at_text(x, "next_cursor")));
		else
			assert_true(json_is_null(at(x, "next_cursor")));
		exchange_free(x);
	}
}

static void tables_have_a_column_for_each_parameter(void **state)
{
	struct world *world = *state;
	struct exchange *x = post(world, 201, "/v1/experiments",
		"{\"name\":\"nested\",\"search_space\":{"
		"\"op\":{\"_type\":\"choice\",\"_value\":["
		"{\"_name\":\"conv\",\"k\":{\"_type\":\"choice\",\"_value\":[3,5]}},"
		"{\"_name\":\"pool, max\"}]},"
		"\"shape\":{\"_type\":\"choice\",\"_value\":[[1,2],[3,4]]},"
		"\"on\":{\"_type\":\"bool\"}},"
		"\"objectives\":[{\"name\":\"loss\",\"goal\":\"minimize\"}],"
		"\"tuner\":{\"name\":\"random\",\"seed\":1}}");
	char id[ID_SIZE];
	snprintf(id, sizeof(id), "%s", at_text(x, "id"));
	exchange_free(x);
	post_only(world, 200, url(id, "/trials"),
		"[{\"parameters\":{\"op\":{\"_name\":\"conv\",\"k\":5},\"shape\":[3,4],\"on\":true}"
		"},"
		"{\"parameters\":{\"op\":{\"_name\":\"pool, "
		"max\"},\"shape\":[1,2],\"on\":false}}]");
	finish_one(world, id, "\"inf\"");
	x = get_as(world, 200, "text/csv", url(id, "/trials"));
	const char *const want =
		"number,state,attempt,worker,created,started,ended,loss,op,op.k,shape,on\r\n"
		"0,succeeded,1,w,2027-01-15T08:00:00.000Z,2027-01-15T08:00:00.000Z,"
		"2027-01-15T08:00:00.000Z,inf,conv,5,\"[3,4]\",true\r\n"
		"1,waiting,0,,2027-01-15T08:00:00.000Z,,,,\"pool, max\",,\"[1,2]\",false\r\n";
	assert_string_equal(buffer_text(&x->text), want);
	assert_string_equal(x->call.content_type, "text/csv; charset=utf-8");
	exchange_free(x);
}

static void tables_go_over_all_pages(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	size_t lines = 0;
	experiment_make(world, "", id);
	for (int i = 0; i < 6; i++)
		post_only(world, 200, url(id, "/suggest"), "{\"count\":200}");

	struct exchange *x = get_as(world, 200, "application/x-ndjson", url(id, "/trials"));
	for (char *line = x->text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
		json_t *item = json_loadb(line, (size_t)(end - line), 0, NULL);
		assert_int_equal(json_integer_value(json_object_get(item, "trial")), lines);
		json_decref(item);
		lines++;
	}
	assert_int_equal(lines, 1200);
	exchange_free(x);
	x = get_as(world, 200, "text/csv", url(id, "/trials?worker=nobody"));
	assert_string_equal(buffer_text(&x->text),
		"number,state,attempt,worker,created,started,ended,default,lr,units\r\n");
	exchange_free(x);
}

/* ---- the whole ---- */

static void finish_two(struct world *world, const char *id, const char *a, const char *b)
{
	char body[256];
	long long n = suggest_one(world, id);
	snprintf(body, sizeof(body),
		"{\"trial\":%lld,\"values\":{\"a\":%s,\"b\":%s},\"final\":true}", n, a, b);
	post_only(world, 200, url(id, "/observe"), body);
}

static void the_front_is_what_nobody_beats(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE], target[512];
	experiment_make(world,
		",\"objectives\":[{\"name\":\"a\",\"goal\":\"minimize\"},"
		"{\"name\":\"b\",\"goal\":\"maximize\"}],"
		"\"constraints\":[{\"metric\":\"b\",\"max\":100}]",
		id);
	numbers_are(world, url(id, "/pareto"), "");
	finish_two(world, id, "3", "3");       /* 0: beaten by 3 */
	finish_two(world, id, "1", "1");       /* 1 */
	finish_two(world, id, "\"nan\"", "9"); /* 2: no value */
	finish_two(world, id, "2", "3");       /* 3 */
	finish_two(world, id, "2", "3");       /* 4: equal to 3, so not beaten */
	finish_two(world, id, "9", "9");       /* 5 */
	finish_two(world, id, "9", "8");       /* 6: beaten by 5 */
	finish_two(world, id, "0", "101");     /* 7: violates the constraint */
	numbers_are(world, url(id, "/pareto"), "1 3 4 5 ");
	struct exchange *x = get(world, 200, url(id, "/pareto?limit=3"));
	assert_int_equal(at_size(x, "items"), 3);
	assert_true(at_real(x, "items.1.values.a") == 2);
	snprintf(target, sizeof(target), "%s",
		url(id, "/pareto?limit=3&cursor=%s", at_text(x, "next_cursor")));
	exchange_free(x);
	numbers_are(world, target, "5 ");
	get_only(world, 404, url("exp_none", "/pareto"));
}

static void the_front_of_one_objective_is_its_best(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	finish_one(world, id, "1");
	finish_one(world, id, "2");
	finish_one(world, id, "2");
	numbers_are(world, url(id, "/pareto"), "1 2 ");
	/* Maximised: from 0.5 up to 2. */
	struct exchange *x = get(world, 200, url(id, "/pareto?reference=0.5"));
	assert_true(at_real(x, "hypervolume") == 1.5);
	assert_true(at_real(x, "reference.default") == 0.5);
	exchange_free(x);
	/* A front without a range: a tenth of the value beyond it. */
	x = get(world, 200, url(id, "/pareto"));
	assert_true(fabs(at_real(x, "reference.default") - 1.8) < 1e-12);
	assert_true(fabs(at_real(x, "hypervolume") - 0.2) < 1e-12);
	exchange_free(x);
}

static void health_tells_what_stands_out(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	struct exchange *x = get(world, 200, url(id, "/health"));
	assert_int_equal(at_int(x, "results"), 0);
	assert_int_equal(at_size(x, "findings"), 0);
	exchange_free(x);
	for (int i = 0; i < 6; i++)
		finish_one(world, id, "2");
	x = get(world, 200, url(id, "/health"));
	assert_int_equal(at_int(x, "results"), 6);
	assert_int_equal(at_size(x, "findings"), 1);
	assert_string_equal(at_text(x, "findings.0.kind"), "results_all_equal");
	assert_string_equal(at_text(x, "findings.0.severity"), "warning");
	assert_true(json_is_null(at(x, "findings.0.subject")));
	exchange_free(x);
	get_only(world, 404, url("exp_none", "/health"));
}

static void the_front_has_a_hypervolume(void **state)
{
	static const char *const bad[] = { "", "1", "1,", ",1", "1,2,3", "a,b", "1,inf", "nan,1",
		"0x1,1", "1e999,1", "1;2", "%201,1", "1,1%20" };
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world,
		",\"objectives\":[{\"name\":\"a\",\"goal\":\"minimize\"},"
		"{\"name\":\"b\",\"goal\":\"maximize\"}]",
		id);
	struct exchange *x = get(world, 200, url(id, "/pareto"));
	assert_true(json_is_null(at(x, "hypervolume")));
	assert_true(json_is_null(at(x, "reference")));
	exchange_free(x);
	x = get(world, 200, url(id, "/pareto?reference=3,-3"));
	assert_true(at_real(x, "hypervolume") == 0);
	exchange_free(x);

	finish_two(world, id, "1", "-2");
	finish_two(world, id, "2", "-1");
	finish_two(world, id, "2.5", "-2.5"); /* dominated */
	/* The whole front's, on every page of it. */
	x = get(world, 200, url(id, "/pareto?reference=3,-3&limit=1"));
	assert_int_equal(at_size(x, "items"), 1);
	assert_true(at_real(x, "hypervolume") == 3);
	assert_true(at_real(x, "reference.a") == 3 && at_real(x, "reference.b") == -3);
	assert_non_null(strstr(header(x, "Link"), "reference=3%2C-3&"));
	exchange_free(x);
	x = get(world, 200, url(id, "/pareto?reference=1,-3"));
	assert_true(at_real(x, "hypervolume") == 0);
	exchange_free(x);
	/* The worst are 2 and -2, the ranges 1. */
	x = get(world, 200, url(id, "/pareto"));
	assert_true(fabs(at_real(x, "reference.a") - 2.1) < 1e-12);
	assert_true(fabs(at_real(x, "reference.b") + 2.1) < 1e-12);
	assert_true(fabs(at_real(x, "hypervolume") - (1.1 * 0.1 + 0.1 * 1)) < 1e-12);
	exchange_free(x);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		get_only(world, 400, url(id, "/pareto?reference=%s", bad[i]));

	/* A result without bound: the front stands, its volume has no number. */
	finish_two(world, id, "\"-inf\"", "-9");
	numbers_are(world, url(id, "/pareto"), "0 1 3 ");
	x = get(world, 200, url(id, "/pareto"));
	assert_true(json_is_null(at(x, "hypervolume")) && json_is_null(at(x, "reference")));
	exchange_free(x);
	x = get(world, 200, url(id, "/pareto?reference=3,-10"));
	assert_true(json_is_null(at(x, "hypervolume")));
	exchange_free(x);
	/* ... unless it is beyond the reference. */
	x = get(world, 200, url(id, "/pareto?reference=3,-3"));
	assert_true(at_real(x, "hypervolume") == 3);
	exchange_free(x);
}

/* No tuner named: one that can, and the trial loop works with it. */
static void several_objectives_get_their_tuner(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	struct exchange *x = post(world, 201, "/v1/experiments",
		"{\"name\":\"n\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
		"\"objectives\":[{\"name\":\"a\",\"goal\":\"minimize\"},"
		"{\"name\":\"b\",\"goal\":\"maximize\"}]}");
	assert_string_equal(at_text(x, "tuner.name"), "auto");
	snprintf(id, ID_SIZE, "%s", at_text(x, "id"));
	exchange_free(x);
	for (int i = 0; i < 60; i++)
		finish_two(world, id, "1", "-2");
	x = get(world, 200, url(id, "/trials/59"));
	assert_string_equal(at_text(x, "meta.tuner"), "auto");
	assert_string_not_equal(at_text(x, "meta.arm"), "startup");
	exchange_free(x);
	post_only(world, 200, url(id, "/trials/59/replay"), "");
}

static void progress_follows_the_results(void **state)
{
	static const char *const values[] = { "0.5", "0.25", "0.75", "\"nan\"", "0.7", "0.9" };
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	struct exchange *x = get(world, 200, url(id, "/progress"));
	assert_int_equal(at_size(x, "items"), 0);
	assert_true(json_is_null(at(x, "durations.mean_ms")));
	exchange_free(x);

	for (size_t i = 0; i < 6; i++) {
		char body[128];
		long long n = suggest_one(world, id);
		world->now_ms += 1000 * (int64_t)(i + 1);
		snprintf(body, sizeof(body), "{\"trial\":%lld,\"value\":%s,\"final\":true}", n,
			values[i]);
		post_only(world, 200, url(id, "/observe"), body);
	}
	x = get(world, 200, url(id, "/progress"));
	static const double best[] = { 0.5, 0.5, 0.75, 0.75, 0.75, 0.9 };
	static const long long who[] = { 0, 0, 2, 2, 2, 5 };
	assert_int_equal(at_size(x, "items"), 6);
	for (size_t i = 0; i < 6; i++) {
		char path[64];
		snprintf(path, sizeof(path), "items.%zu.best", i);
		assert_true(at_real(x, path) == best[i]);
		snprintf(path, sizeof(path), "items.%zu.best_trial", i);
		assert_int_equal(at_int(x, path), who[i]);
		snprintf(path, sizeof(path), "items.%zu.duration_ms", i);
		assert_int_equal(at_int(x, path), 1000 * (i + 1));
	}
	assert_int_equal(at_int(x, "finished"), 6);
	assert_int_equal(at_int(x, "durations.count"), 6);
	assert_int_equal(at_int(x, "durations.mean_ms"), 3500);
	assert_int_equal(at_int(x, "durations.shortest_ms"), 1000);
	assert_int_equal(at_int(x, "durations.longest_ms"), 6000);
	assert_string_equal(at_text(x, "objective.goal"), "maximize");
	exchange_free(x);

	x = get(world, 200, url(id, "/progress?points=2"));
	assert_int_equal(at_size(x, "items"), 2);
	assert_int_equal(at_int(x, "items.0.finished"), 3); /* the improvement, not the last */
	assert_int_equal(at_int(x, "items.0.best_trial"), 2);
	assert_int_equal(at_int(x, "items.1.best_trial"), 5);
	assert_int_equal(at_int(x, "durations.count"), 6);
	exchange_free(x);
	get_only(world, 400, url(id, "/progress?points=0"));
	get_only(world, 404, url("exp_none", "/progress"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shows_what_became_of_it),
		TEST(a_heartbeat_extends_and_commands),
		TEST(a_lease_that_went_to_another_is_gone),
		TEST(is_released_cancelled_stopped_and_retried),
		TEST(shows_its_reports),
		TEST(is_explained_and_replayed),
		TEST(lists_by_state_worker_and_order),
		TEST(the_best_by_expectation),
		TEST(pages_of_the_best_meet),
		TEST(tables_have_a_column_for_each_parameter),
		TEST(tables_go_over_all_pages),
		TEST(the_front_is_what_nobody_beats),
		TEST(the_front_of_one_objective_is_its_best),
		TEST(health_tells_what_stands_out),
		TEST(the_front_has_a_hypervolume),
		TEST(several_objectives_get_their_tuner),
		TEST(progress_follows_the_results),
	};
	return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
