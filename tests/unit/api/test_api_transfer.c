/* Whole experiments and foreign results over the api: export, import, seed, clone. */
#include "tests/unit/api/exchange.h"

/* ---- export and import ---- */

static void make_history(struct world *world, char id[ID_SIZE])
{
	experiment_make(world, ",\"limits\":{\"max_trials\":20}", id);
	post_only(world, 200, url(id, "/seed"),
		"[{\"parameters\":{\"lr\":0.5,\"units\":16},\"value\":0}]");
	finish_one(world, id, "0.5");
	suggest_one(world, id); /* trial 2 runs, and has reported */
	post_only(world, 200, url(id, "/observe"),
		"{\"trial\":2,\"step\":1,\"values\":{\"default\":{\"value\":0.25,\"stderr\":0.5},"
		"\"loss\":\"nan\"},\"checkpoint\":\"c\",\"attributes\":{\"a\":[1]}}");
	post_only(world, 201, url(id, "/trials"), "{\"parameters\":{\"lr\":0.125,\"units\":32}}");
	suggest_one(world, id); /* trial 3 */
	post_only(world, 200, url(id, "/observe"),
		"{\"trial\":3,\"status\":\"failed\",\"message\":\"out of \\\"memory\\\"\"}");
	post_only(world, 200, url(id, "/pause"), "{\"reason\":\"lunch\"}");
	post_only(world, 200, url(id, "/resume"), "");
}

static char *export_text(struct world *world, const char *id)
{
	struct exchange *x = get(world, 200, url(id, "/export"));
	assert_string_equal(x->call.content_type, "application/x-ndjson");
	char *text = strdup(buffer_text(&x->text));
	exchange_free(x);
	return text;
}

static struct exchange *import_key(
	struct world *world, int status, const char *text, size_t size, const char *key)
{
	const char *const headers[] = { "Content-Type", "application/x-ndjson",
		key ? "Idempotency-Key" : NULL, key, NULL };
	return exchange_send(world, status, "POST", "/v1/experiments/import", text, size, headers);
}

static struct exchange *import(struct world *world, int status, const char *text)
{
	return import_key(world, status, text, strlen(text), NULL);
}

static size_t experiments(struct world *world)
{
	struct exchange *x = get(world, 200, "/v1/experiments");
	size_t n = at_size(x, "items");
	exchange_free(x);
	return n;
}

static void an_export_is_whole(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make_history(world, id);
	char *text = export_text(world, id);
	json_t *header = json_loadb(text, strcspn(text, "\n"), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(header, "cairn")), "export");
	const json_t *shown = json_object_get(header, "experiment");
	struct exchange *x = get(world, 200, url(id, "%s", ""));
	assert_true(json_equal(shown, x->json));
	char end[64];
	int n = snprintf(
		end, sizeof(end), "\n{\"end\":true,\"events\":%lld}\n", at_int(x, "version"));
	assert_string_equal(text + strlen(text) - (size_t)n, end);
	exchange_free(x);
	json_decref(header);
	free(text);
}

/* What comes back is the same experiment: the same trials, the same log, the same next proposal. */
static void an_import_goes_on_exactly(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE], copy[ID_SIZE];
	make_history(world, id);
	char *text = export_text(world, id);
	struct exchange *x = import(world, 201, text);
	snprintf(copy, sizeof(copy), "%s", at_text(x, "id"));
	assert_string_not_equal(copy, id);
	assert_int_equal(at_int(x, "tuner.seed"), 7);
	assert_int_equal(at_int(x, "counts.waiting"), 1);
	assert_int_equal(at_int(x, "counts.running"), 0);
	assert_string_equal(at_text(x, "status"), "running");
	exchange_free(x);

	struct exchange *a = get(world, 200, url(id, "/trials"));
	struct exchange *b = get(world, 200, url(copy, "/trials"));
	assert_int_equal(at_size(a, "items"), at_size(b, "items"));
	for (size_t i = 0; i < at_size(a, "items"); i++) {
		json_t *p = json_array_get(at(a, "items"), i);
		json_t *q = json_array_get(at(b, "items"), i);
		if (i == 2) { /* it ran there, here it waits */
			assert_string_equal(
				json_string_value(json_object_get(q, "state")), "waiting");
			json_object_set(q, "state", json_object_get(p, "state"));
			json_object_set(
				q, "lease_expires_at", json_object_get(p, "lease_expires_at"));
		}
		if (!json_equal(p, q))
			fail_msg("trial %zu: %s\n%s", i, buffer_text(&a->text),
				buffer_text(&b->text));
	}
	exchange_free(a);
	exchange_free(b);

	a = get(world, 200, url(id, "/trials/2/metrics"));
	b = get(world, 200, url(copy, "/trials/2/metrics"));
	assert_string_equal(buffer_text(&a->text), buffer_text(&b->text));
	exchange_free(a);
	exchange_free(b);

	assert_int_equal(suggest_one(world, copy), 2); /* the waiting one first */
	a = post(world, 200, url(id, "/suggest"), "{}");
	b = post(world, 200, url(copy, "/suggest"), "{}");
	assert_true(json_equal(at(a, "trials.0.parameters"), at(b, "trials.0.parameters")));
	exchange_free(a);
	exchange_free(b);
	free(text);
}

static void an_export_of_an_import_is_the_same_log(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE], copy[ID_SIZE];
	experiment_make(world, "", id);
	for (int i = 0; i < 1200; i++) /* several pages, several chunks of the import */
		finish_one(world, id, "0.5");
	char *text = export_text(world, id);
	struct exchange *x = import(world, 201, text);
	snprintf(copy, sizeof(copy), "%s", at_text(x, "id"));
	exchange_free(x);
	char *again = export_text(world, copy);
	assert_string_equal(strchr(text, '\n'), strchr(again, '\n'));
	free(text);
	free(again);
}

/* Cut anywhere, or with any line taken out or doubled: a clear refusal, and nothing left behind. */
static void a_damaged_file_leaves_nothing(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make_history(world, id);
	char *text = export_text(world, id);
	size_t size = strlen(text);
	char *damaged = malloc(2 * size + 1);

	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		size_t before = (size_t)(line - text), length = (size_t)(end + 1 - line);
		memcpy(damaged, text, before);
		memcpy(damaged + before, line + length, size - before - length + 1);
		exchange_free(import(world, 422, damaged));
		memcpy(damaged, text, before + length);
		memcpy(damaged + before + length, line, size - before + 1);
		exchange_free(import(world, 422, damaged));
		memcpy(damaged, text, before + length / 2);
		damaged[before + length / 2] = '\0';
		if (before || length / 2) {
			struct exchange *x = exchange_start(world, "POST", "/v1/experiments/import",
				damaged, strlen(damaged),
				(const char *const[]){
					"Content-Type", "application/x-ndjson", NULL });
			exchange_read(world, x);
			assert_true(x->call.status == 400 || x->call.status == 422);
			assert_non_null(strstr(at_text(x, "detail"), "line "));
			exchange_free(x);
		}
	}
	assert_int_equal(experiments(world), 1);
	free(damaged);
	free(text);
}

static void a_fault_names_its_line(void **state)
{
	static const struct {
		const char *text, *want;
		int status;
	} files[] = {
		{ "", "line 0: the body is empty", 422 },
		{ "{\"cairn\":\"dump\",\"format\":1}\n", "line 1: the first line", 422 },
		{ "{\"cairn\":\"export\",\"format\":2}\n", "line 1: this server reads format 1",
			422 },
		{ "[]\n", "line 1:", 422 },
		{ "{\"cairn\":\"export\",\"format\":1}\n", "line 2: the file is cut off", 422 },
		{ "{\"cairn\":\"export\",\"format\":1}\n{\"end\":true,\"events\":0}\n", "no event",
			422 },
		{ "{\"cairn\":\"export\",\"format\":1}\n{\"end\":true,\"events\":5}\n",
			"line 2: it counts 5", 422 },
		{ "{\"cairn\":\"export\",\"format\":1}\n{\"version\":1\n", "line 2:", 400 },
		{ "{\"cairn\":\"export\",\"format\":1}\n{\"version\":1,\"type\":\"odd\","
		  "\"at\":\"2026-01-31T12:00:00.000Z\"}\n",
			"line 2:", 422 },
		{ "{\"cairn\":\"export\",\"format\":1}\n{\"version\":1,\"type\":\"created\","
		  "\"at\":\"2026-01-31T12:00:00.000Z\",\"spec\":{\"name\":\"x\","
		  "\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[1,0]}}}}\n",
			"line 2: spec", 422 },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct exchange *x = import(world, files[i].status, files[i].text);
		if (!strstr(at_text(x, "detail"), files[i].want))
			fail_msg("%s: %s", files[i].text, at_text(x, "detail"));
		exchange_free(x);
	}
	assert_int_equal(experiments(world), 0);
}

static void a_repeated_import_makes_one(void **state)
{
	struct world *world = *state;
	struct quota quota = { .experiments = 2 };
	char id[ID_SIZE];
	make_history(world, id);
	char *text = export_text(world, id);
	struct exchange *a = import_key(world, 201, text, strlen(text), "k");
	struct exchange *b = import_key(world, 201, text, strlen(text), "k");
	assert_string_equal(at_text(a, "id"), at_text(b, "id"));
	assert_string_equal(header(b, "Idempotency-Replayed"), "true");
	exchange_free(a);
	exchange_free(b);
	exchange_free(import_key(world, 422, text, strlen(text) - 1, "k"));
	assert_int_equal(experiments(world), 2);
	assert_int_equal(store_quota_set(world->session, "default", &quota, NULL), 0);
	exchange_free(import(world, 429, text));
	exchange_free(import_key(world, 201, text, strlen(text), "k"));
	free(text);
}

/* ---- seeds ---- */

static void zero_is_a_value(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	struct exchange *x = post(world, 200, url(id, "/seed"),
		"[{\"parameters\":{\"lr\":0.5,\"units\":16},\"value\":0,\"stderr\":0.5},"
		"{\"parameters\":{\"lr\":0.25,\"units\":32},\"status\":\"failed\","
		"\"message\":\"oom\"},"
		"{\"parameters\":{\"lr\":0.75,\"units\":32},\"values\":{\"default\":-1,\"t\":3}}]");
	assert_int_equal(at_int(x, "accepted"), 3);
	assert_int_equal(at_int(x, "items.2.trial"), 2);
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/0"));
	assert_string_equal(at_text(x, "origin"), "seed");
	assert_string_equal(at_text(x, "state"), "succeeded");
	assert_true(at_real(x, "value") == 0);
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/1"));
	assert_string_equal(at_text(x, "state"), "failed");
	assert_string_equal(at_text(x, "message"), "oom");
	exchange_free(x);
	x = get(world, 200, url(id, "%s", ""));
	assert_int_equal(at_int(x, "best.trial"), 0);
	assert_int_equal(at_int(x, "counts.seeded"), 3);
	assert_int_equal(at_int(x, "counts.handed_out"), 0);
	exchange_free(x);
}

static void a_bare_seed_is_of_the_only_objective(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, ",\"objectives\":[{\"name\":\"loss\",\"goal\":\"minimize\"}]", id);
	post_only(world, 200, url(id, "/seed"),
		"[{\"parameters\":{\"lr\":0.5,\"units\":16},\"value\":0.25}]");
	struct exchange *x = get(world, 200, url(id, "/trials/0"));
	assert_true(at_real(x, "values.loss") == 0.25);
	exchange_free(x);
}

static void a_seed_brings_its_curve(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	struct exchange *x = post(world, 200, url(id, "/seed"),
		"[{\"parameters\":{\"lr\":0.5,\"units\":16},\"value\":1,"
		"\"curve\":[{\"step\":0,\"value\":0.25},{\"step\":5,\"values\":{\"default\":0.5}}]}"
		"]");
	assert_int_equal(at_int(x, "accepted"), 1);
	exchange_free(x);
	x = get(world, 200, url(id, "/trials/0/metrics"));
	assert_int_equal(at_size(x, "items"), 2);
	assert_int_equal(at_int(x, "items.1.step"), 5);
	assert_true(at_real(x, "items.1.values.default") == 0.5);
	exchange_free(x);
}

static void seed_rows_are_refused_one_by_one(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	const char *body = "[{\"parameters\":{\"lr\":9,\"units\":16},\"value\":1},"
			   "{\"parameters\":{\"lr\":0.5,\"units\":16},\"value\":1},"
			   "{\"parameters\":{\"lr\":0.5,\"units\":16},\"values\":{\"loss\":1}}]";
	struct exchange *a = post_key(world, 200, "k", url(id, "/seed"), body);
	assert_int_equal(at_int(a, "accepted"), 1);
	assert_int_equal(at_int(a, "items.0.error.status"), 422);
	assert_int_equal(at_int(a, "items.1.trial"), 0);
	assert_non_null(strstr(at_text(a, "items.2.error.detail"), "default"));
	struct exchange *b = post_key(world, 200, "k", url(id, "/seed"), body);
	assert_string_equal(header(b, "Idempotency-Replayed"), "true");
	assert_int_equal(at_int(b, "accepted"), 1);
	assert_int_equal(at_int(b, "items.1.trial"), 0);
	exchange_free(a);
	exchange_free(b);
	struct exchange *x = get(world, 200, url(id, "/trials"));
	assert_int_equal(at_size(x, "items"), 1);
	exchange_free(x);
}

static void seed_checks_the_whole_body_first(void **state)
{
#define P "\"parameters\":{\"lr\":0.5,\"units\":16}"
	static const struct {
		const char *body, *pointer;
	} faults[] = {
		{ "[]", "" },
		{ "{" P ",\"value\":1}", "" },
		{ "[7]", "/0" },
		{ "[{" P "}]", "/0" },
		{ "[{\"value\":1}]", "/0/parameters" },
		{ "[{" P ",\"value\":\"x\"}]", "/0/value" },
		{ "[{" P ",\"value\":1,\"status\":\"failed\"}]", "/0/status" },
		{ "[{" P ",\"value\":1,\"status\":\"odd\"}]", "/0/status" },
		{ "[{" P ",\"value\":1,\"message\":\"m\"}]", "/0/message" },
		{ "[{" P ",\"value\":1,\"curve\":{}}]", "/0/curve" },
		{ "[{" P ",\"value\":1,\"curve\":[{\"step\":0}]}]", "/0/curve/0" },
		{ "[{" P ",\"value\":1,\"curve\":[{\"value\":1}]}]", "/0/curve/0/step" },
		{ "[{" P ",\"value\":1,\"curve\":[{\"step\":1,\"value\":1},"
		  "{\"step\":1,\"value\":1}]}]",
			"/0/curve/1" },
		{ "[{" P ",\"value\":1},{" P ",\"score\":1}]", "/1/score" },
	};
#undef P
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct exchange *x = post(world, 422, url(id, "/seed"), faults[i].body);
		if (!has_fault(x, faults[i].pointer))
			fail_msg("%s: %s", faults[i].body, buffer_text(&x->text));
		exchange_free(x);
	}
	post_only(world, 404, url("exp_none", "/seed"), "[{\"parameters\":{},\"value\":1}]");
	struct exchange *x = get(world, 200, url(id, "%s", ""));
	assert_int_equal(at_int(x, "version"), 1);
	exchange_free(x);
}

static void too_many_events_are_refused_at_once(void **state)
{
	struct world *world = *state;
	struct buffer body;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	buffer_init(&body, LIMIT_BULK_BODY_BYTES);
	buffer_add_text(&body, "[");
	for (int i = 0; i < 2; i++) {
		buffer_printf(&body,
			"%s{\"parameters\":{\"lr\":0.%d,\"units\":16},\"value\":1,\"curve\":[",
			i ? "," : "", i + 1);
		for (int k = 0; k < LIMIT_BATCH_EVENTS / 2; k++)
			buffer_printf(&body, "%s{\"step\":%d,\"value\":1}", k ? "," : "", k);
		buffer_add_text(&body, "]}");
	}
	buffer_add_text(&body, "]");
	post_only(world, 413, url(id, "/seed"), buffer_text(&body));
	buffer_release(&body);
}

/* ---- clones ---- */

static void a_clone_has_the_spec_and_no_history(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make_history(world, id);
	struct exchange *x = post(world, 201, url(id, "/clone"), "{\"name\":\"again \\\"2\\\"\"}");
	assert_string_equal(at_text(x, "name"), "again \"2\"");
	assert_int_equal(at_int(x, "counts.total"), 0);
	assert_int_equal(at_int(x, "tuner.seed"), 7);
	assert_int_equal(at_int(x, "limits.max_trials"), 20);
	assert_non_null(strstr(header(x, "Location"), at_text(x, "id")));
	exchange_free(x);
	struct exchange *a = post_key(world, 201, "k", url(id, "/clone"), "");
	struct exchange *b = post_key(world, 201, "k", url(id, "/clone"), "");
	assert_string_equal(at_text(a, "name"), "lenet");
	assert_string_equal(at_text(a, "id"), at_text(b, "id"));
	exchange_free(a);
	exchange_free(b);
	assert_int_equal(experiments(world), 3);
	x = post(world, 422, url(id, "/clone"), "{\"name\":\"\",\"seed\":1}");
	assert_true(has_fault(x, "/name") && has_fault(x, "/seed"));
	exchange_free(x);
	x = post(world, 422, url(id, "/clone"), "{\"name\":\"a\\nb\"}");
	assert_true(has_fault(x, "/name"));
	exchange_free(x);
	post_only(world, 404, url("exp_none", "/clone"), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_export_is_whole),
		TEST(an_import_goes_on_exactly),
		TEST(an_export_of_an_import_is_the_same_log),
		TEST(a_damaged_file_leaves_nothing),
		TEST(a_fault_names_its_line),
		TEST(a_repeated_import_makes_one),
		TEST(zero_is_a_value),
		TEST(a_bare_seed_is_of_the_only_objective),
		TEST(a_seed_brings_its_curve),
		TEST(seed_rows_are_refused_one_by_one),
		TEST(seed_checks_the_whole_body_first),
		TEST(too_many_events_are_refused_at_once),
		TEST(a_clone_has_the_spec_and_no_history),
	};
	return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
