/* Experiments over the api: made, listed, edited, paused, stopped, deleted. */
#include "tests/unit/api/exchange.h"

#define SPACE "\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"

static void makes_what_was_asked_for(void **state)
{
	struct world *world = *state;
	struct exchange *x = post(world, 201, "/v1/experiments",
		"{\"name\":\"lenet\"," SPACE ",\"objectives\":[{\"name\":\"loss\",\"goal\":"
		"\"minimize\"}],\"limits\":{\"max_trials\":3},\"labels\":{\"team\":\"vision\"},"
		"\"note\":\"*hi*\"}");

	const char *id = at_text(x, "id");
	assert_int_equal(strncmp(id, "exp_", 4), 0);
	assert_string_equal(at_text(x, "name"), "lenet");
	assert_string_equal(at_text(x, "status"), "running");
	assert_string_equal(at_text(x, "team"), "default");
	assert_string_equal(at_text(x, "objectives.0.goal"), "minimize");
	assert_string_equal(at_text(x, "labels.team"), "vision");
	assert_string_equal(at_text(x, "note"), "*hi*");
	assert_int_equal(at_int(x, "limits.max_trials"), 3);
	assert_int_equal(at_int(x, "version"), 1);
	assert_int_equal(at_int(x, "spec_version"), 1);
	assert_int_equal(at_int(x, "counts.total"), 0);
	assert_true(json_is_null(at(x, "best")));
	assert_string_equal(at_text(x, "created_at"), "2027-01-15T08:00:00.000Z");
	assert_string_equal(header(x, "ETag"), "\"1\"");
	assert_non_null(strstr(header(x, "Location"), id));

	struct exchange *again = get(world, 200, header(x, "Location"));
	assert_true(json_equal(x->json, again->json));
	exchange_free(again);
	exchange_free(x);
}

static void tells_every_fault(void **state)
{
	struct world *world = *state;
	struct exchange *x = post(world, 422, "/v1/experiments",
		"{\"name\":\"\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[1,0]}},"
		"\"limits\":{\"max_trials\":0},\"nonsense\":1}");
	assert_true(has_fault(x, "/name"));
	assert_true(has_fault(x, "/nonsense"));
	assert_true(has_fault(x, "/limits/max_trials"));
	assert_string_equal(x->call.content_type, "application/problem+json");
	exchange_free(x);
	post_only(world, 400, "/v1/experiments", "{\"name\":");
	post_only(world, 400, "/v1/experiments", "{\"name\":\"a\",\"name\":\"b\"}");
	post_only(world, 422, "/v1/experiments", "[]");
	post_only(world, 422, "/v1/experiments", "{\"name\":\"a\"}");
	x = get(world, 200, "/v1/experiments");
	assert_int_equal(at_size(x, "items"), 0);
	exchange_free(x);
}

static void answers_a_key_once(void **state)
{
	struct world *world = *state;
	const char *body = "{\"name\":\"a\"," SPACE "}";
	struct exchange *first = post_key(world, 201, "k1", "/v1/experiments", body);
	assert_null(header(first, "Idempotency-Replayed"));
	struct exchange *second = post_key(world, 201, "k1", "/v1/experiments", body);
	assert_string_equal(header(second, "Idempotency-Replayed"), "true");
	assert_true(json_equal(first->json, second->json));
	exchange_free(first);
	exchange_free(second);
	exchange_free(post_key(world, 422, "k1", "/v1/experiments", "{\"name\":\"b\"," SPACE "}"));
	exchange_free(post_key(world, 400, "with space", "/v1/experiments", body));
	struct exchange *x = get(world, 200, "/v1/experiments");
	assert_int_equal(at_size(x, "items"), 1);
	exchange_free(x);
}

static void quota_is_named_and_spares_repeats(void **state)
{
	struct world *world = *state;
	struct quota quota = { .experiments = 1 };
	const char *body = "{\"name\":\"a\"," SPACE "}";

	assert_int_equal(store_quota_set(world->session, "default", &quota, NULL), 0);
	struct exchange *x = post_key(world, 201, "k", "/v1/experiments", body);
	char clone[256];
	snprintf(clone, sizeof(clone), "/v1/experiments/%s/clone", at_text(x, "id"));
	exchange_free(x);
	x = post(world, 429, "/v1/experiments", body);
	assert_non_null(strstr(at_text(x, "detail"), "\"experiments\""));
	assert_non_null(header(x, "Retry-After"));
	exchange_free(x);
	exchange_free(post_key(world, 201, "k", "/v1/experiments", body));
	post_only(world, 429, clone, "{}");
}

static void make_named(struct world *world, const char *name, const char *labels)
{
	char body[512];
	snprintf(body, sizeof(body), "{\"name\":\"%s\"," SPACE ",\"labels\":{%s}}", name, labels);
	world->now_ms += 1000;
	post_only(world, 201, "/v1/experiments", body);
}

static void names_are(struct world *world, const char *target, const char *want)
{
	struct exchange *x = get(world, 200, target);
	char names[512] = "";
	for (size_t i = 0; i < at_size(x, "items"); i++) {
		const json_t *item = json_array_get(at(x, "items"), i);
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
			json_string_value(json_object_get(item, "name")));
	}
	if (strcmp(names, want) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", target, names, want);
	exchange_free(x);
}

static void lists_with_filters(void **state)
{
	struct world *world = *state;
	make_named(world, "beta", "\"team\":\"vision\"");
	make_named(world, "alpha", "\"team\":\"speech\"");
	make_named(world, "gamma", "");

	names_are(world, "/v1/experiments", "gamma alpha beta ");
	names_are(world, "/v1/experiments?sort=created", "beta alpha gamma ");
	names_are(world, "/v1/experiments?sort=name", "alpha beta gamma ");
	names_are(world, "/v1/experiments?sort=-name", "gamma beta alpha ");
	names_are(world, "/v1/experiments?name=ET", "beta ");
	names_are(world, "/v1/experiments?label=team&sort=name", "alpha beta ");
	names_are(world, "/v1/experiments?label=team:vision", "beta ");
	names_are(world, "/v1/experiments?label=team:nobody", "");
	names_are(world, "/v1/experiments?status=paused", "");
	names_are(world, "/v1/experiments?kind=hpo&limit=1", "gamma ");
	names_are(world, "/v1/experiments?created_after=2027-01-15T08:00:02.500Z", "gamma ");
	names_are(world, "/v1/experiments?created_before=2027-01-15T08:00:01.500Z", "beta ");
	get_only(world, 400, "/v1/experiments?status=odd");
	get_only(world, 400, "/v1/experiments?sort=odd");
	get_only(world, 400, "/v1/experiments?kind=odd");
	get_only(world, 400, "/v1/experiments?label=:x");
	get_only(world, 400, "/v1/experiments?created_after=yesterday");
	get_only(world, 400, "/v1/experiments?limit=0");
	get_only(world, 400, "/v1/experiments?limit=1001");
	get_only(world, 400, "/v1/experiments?cursor=made-up");
	get_only(world, 400, "/v1/experiments?colour=red");
}

static void pages_meet_each_other(void **state)
{
	struct world *world = *state;
	char target[512] = "/v1/experiments?limit=2&sort=name", name[8];
	size_t seen = 0;

	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "e%d", i);
		make_named(world, name, "");
	}
	for (int page = 0; page < 3; page++) {
		struct exchange *x = get(world, 200, target);
		for (size_t i = 0; i < at_size(x, "items"); i++, seen++) {
			const json_t *item = json_array_get(at(x, "items"), i);
			snprintf(name, sizeof(name), "e%zu", seen);
			assert_string_equal(json_string_value(json_object_get(item, "name")), name);
		}
		assert_int_equal(json_is_null(at(x, "next_cursor")), page == 2);
		assert_int_equal(header(x, "Link") == NULL, page == 2);
		if (page < 2)
			snprintf(target, sizeof(target),
				"/v1/experiments?limit=2&sort=name&cursor=%s",
				at_text(x, "next_cursor"));
		exchange_free(x);
	}
	assert_int_equal(seen, 5);
}

static void lists_as_tables(void **state)
{
	struct world *world = *state;
	char name[16];
	size_t lines = 0;

	for (int i = 0; i < 120; i++) { /* more than two pages of the stream */
		snprintf(name, sizeof(name), "e%03d", i);
		make_named(world, i == 7 ? "a, \\\"b\\\"" : name, "");
	}
	struct exchange *x = get_as(world, 200, "text/csv", "/v1/experiments?sort=created");
	const char *text = buffer_text(&x->text);
	assert_int_equal(
		strncmp(text, "id,team,name,status,reason,version,waiting,running,", 51), 0);
	for (const char *c = text; (c = strstr(c, "\r\n")); c += 2)
		lines++;
	assert_int_equal(lines, 121);
	assert_non_null(strstr(text, ",\"a, \"\"b\"\"\",running,"));
	exchange_free(x);

	x = get_as(world, 200, "application/x-ndjson", "/v1/experiments?sort=created&name=e0");
	lines = 0;
	for (char *line = x->text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
		json_t *item = json_loadb(line, (size_t)(end - line), 0, NULL);
		assert_non_null(json_object_get(item, "search_space"));
		json_decref(item);
		lines++;
	}
	assert_int_equal(lines, 99); /* e000 .. e099, without number 7 */
	exchange_free(x);
}

static struct exchange *patch(
	struct world *world, int status, const char *id, const char *if_match, const char *body)
{
	const char *const headers[] = { "If-Match", if_match, NULL };
	return exchange_send(world, status, "PATCH", url(id, "%s", ""), body, strlen(body),
		if_match ? headers : NULL);
}

static void edits_only_what_was_seen(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, ",\"limits\":{\"max_trials\":2,\"patience\":9}", id);

	exchange_free(patch(world, 412, id, "\"9\"", "{\"note\":\"n\"}"));
	exchange_free(patch(world, 412, id, "W/\"1\"", "{\"note\":\"n\"}"));
	exchange_free(patch(world, 412, id, "odd", "{\"note\":\"n\"}"));
	struct exchange *x = patch(world, 200, id, "\"1\"", "{\"note\":\"n\"}");
	assert_string_equal(at_text(x, "note"), "n");
	assert_int_equal(at_int(x, "spec_version"), 2);
	assert_string_equal(header(x, "ETag"), "\"2\"");
	exchange_free(x);
	exchange_free(patch(world, 412, id, "\"1\"", "{\"note\":\"late\"}"));
	exchange_free(patch(world, 200, id, "*", "{\"note\":\"any\"}"));
	x = patch(world, 200, id, NULL, "{\"limits\":{\"max_trials\":5}}");
	assert_int_equal(at_int(x, "limits.max_trials"), 5);
	assert_string_equal(at_text(x, "note"), "any");
	exchange_free(x);
	x = patch(world, 422, id, NULL, "{\"limits\":{\"max_trials\":-1},\"kind\":\"hpo\"}");
	assert_true(has_fault(x, "/limits/max_trials"));
	exchange_free(x);
	exchange_free(patch(world, 400, id, NULL, "{"));
	exchange_free(patch(world, 404, "exp_none", NULL, "{\"note\":\"n\"}"));
	x = get(world, 200, url(id, "%s", ""));
	assert_string_equal(at_text(x, "note"), "any");
	exchange_free(x);
}

static void a_busy_experiment_can_be_edited(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	suggest_one(world, id); /* version 2, spec_version 1 */
	struct exchange *x = patch(world, 200, id, "\"1\"", "{\"name\":\"other\"}");
	assert_string_equal(at_text(x, "name"), "other");
	assert_int_equal(at_int(x, "version"), 3);
	assert_int_equal(at_int(x, "counts.running"), 1);
	exchange_free(x);
}

static void pauses_resumes_and_stops(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);

	struct exchange *x = post(world, 200, url(id, "/pause"), "{\"reason\":\"disk full\"}");
	assert_string_equal(at_text(x, "status"), "paused");
	assert_string_equal(at_text(x, "reason"), "disk full");
	exchange_free(x);
	x = post(world, 200, url(id, "/suggest"), "{}");
	assert_string_equal(at_text(x, "reason"), "paused");
	exchange_free(x);
	x = post(world, 200, url(id, "/resume"), "");
	assert_string_equal(at_text(x, "status"), "running");
	exchange_free(x);
	suggest_one(world, id);
	x = post(world, 200, url(id, "/stop"), "");
	assert_string_equal(at_text(x, "status"), "stopped");
	assert_string_equal(at_text(x, "reason"), "user");
	exchange_free(x);
	x = post(world, 422, url(id, "/pause"), "{\"reason\":5,\"x\":1}");
	assert_true(has_fault(x, "/reason") && has_fault(x, "/x"));
	exchange_free(x);
	post_only(world, 404, url("exp_none", "/pause"), "");
}

static void deletes_also_what_runs(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	suggest_one(world, id);

	exchange_free(exchange_send(world, 204, "DELETE", url(id, "%s", ""), NULL, 0, NULL));
	get_only(world, 404, url(id, "%s", ""));
	get_only(world, 404, url(id, "/trials"));
	post_only(world, 404, url(id, "/suggest"), "{}");
	exchange_free(exchange_send(world, 404, "DELETE", url(id, "%s", ""), NULL, 0, NULL));
}

static void keeps_a_trail(void **state)
{
	static const char *const want[] = { "experiment.delete", "experiment.stop",
		"experiment.resume", "experiment.pause", "experiment.edit", "experiment.create" };
	struct world *world = *state;
	const struct audit_row *rows;
	struct arena arena;
	char id[ID_SIZE];
	size_t n;

	experiment_make(world, "", id);
	exchange_free(patch(world, 200, id, NULL, "{\"note\":\"n\"}"));
	exchange_free(patch(world, 412, id, "\"1\"", "{\"note\":\"m\"}"));
	post_only(world, 200, url(id, "/pause"), "");
	post_only(world, 200, url(id, "/resume"), "");
	post_only(world, 200, url(id, "/stop"), "");
	exchange_free(exchange_send(world, 204, "DELETE", url(id, "%s", ""), NULL, 0, NULL));
	arena_init(&arena, 0);
	assert_int_equal(
		store_audit_list(world->session, "default", 0, 100, &arena, &rows, &n, NULL), 0);
	assert_int_equal(n, sizeof(want) / sizeof(*want));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(rows[i].action, want[i]);
		assert_string_equal(rows[i].target, id);
		assert_string_equal(rows[i].request_id, "test");
	}
	arena_release(&arena);
}

/* ---- who may ---- */

/* A token of a team that is made when it is missing; the secret is good as long as the test. */
static void make_token(struct world *world, const char *team, const char *secret, unsigned scopes)
{
	char digest[65];
	struct team_row row = { .id = team, .name = team, .created_ms = world->now_ms };
	struct token_row token = { .id = secret,
		.team = team,
		.name = "test",
		.digest = digest,
		.scopes = scopes,
		.created_ms = world->now_ms };

	if (strcmp(team, "default") != 0)
		store_team_create(world->session, &row, NULL);
	digest_hex(secret, strlen(secret), digest);
	assert_int_equal(store_token_create(world->session, &token, NULL), 0);
}

/* Everything of an experiment: its route, and the least that the route takes. */
static struct exchange *visit(
	struct world *world, const struct route *route, const char *id, const char *secret)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };
	static const struct {
		const char *operation, *body;
	} bodies[] = {
		{ "observe", "{\"trial\":0,\"value\":1}" },
		{ "enqueueTrials", "{\"parameters\":{\"lr\":0.5,\"units\":16}}" },
		{ "seedExperiment", "[{\"parameters\":{\"lr\":0.5,\"units\":16},\"value\":1}]" },
		{ "editExperiment", "{\"note\":\"n\"}" },
		{ "putArtifact", "x" },
		{ "appendLog", "x" },
	};
	char target[512], bearer[80];
	const char *const headers[] = { "Authorization", bearer, NULL };
	const char *body = "";

	snprintf(bearer, sizeof(bearer), "Bearer %s", secret);
	snprintf(target, sizeof(target), "/v1/experiments/%s%s", id,
		route->path + strlen("/v1/experiments/{id}"));
	char *number = strstr(target, "{n}");
	if (number) {
		*number = '0';
		memmove(number + 1, number + 3, strlen(number + 3) + 1);
	}
	char *name = strstr(target, "{name}");
	if (name)
		memcpy(name, "a", 2);
	if (strcmp(route->operation, "appendLog") == 0)
		strncat(target, "?offset=0", sizeof(target) - strlen(target) - 1);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		if (strcmp(route->operation, bodies[i].operation) == 0)
			body = bodies[i].body;
	return exchange_start(world, methods[route->method], target, body, strlen(body), headers);
}

static const struct route *const tables[] = { routes_experiment, routes_loop, routes_trial,
	routes_artifact, routes_event, routes_transfer };

static void visit_all(struct world *world, const char *id, const char *secret, unsigned scopes,
	int allowed_status)
{
	size_t visited = 0;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (const struct route *route = tables[i]; route->handler; route++) {
			if (strncmp(route->path, "/v1/experiments/{id}", 20) != 0)
				continue;
			struct exchange *x = visit(world, route, id, secret);
			int want = route->scope & scopes ? allowed_status : 403;
			exchange_await(x);
			if (x->call.status != want)
				fail_msg("%s: %d, not %d: %s", route->operation, x->call.status,
					want, buffer_text(&x->call.out));
			visited++;
			exchange_free(x);
		}
	}
	assert_true(visited > 25);
}

static void another_team_finds_nothing(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	suggest_one(world, id);
	make_token(world, "other", "cairn_other", SCOPE_READ | SCOPE_TRIAL | SCOPE_WRITE);
	visit_all(world, id, "cairn_other", SCOPE_READ | SCOPE_TRIAL | SCOPE_WRITE, 404);

	make_token(world, "default", "cairn_own", SCOPE_READ);
	const char *const headers[] = { "Authorization", "Bearer cairn_own", NULL };
	struct exchange *x = exchange_send(world, 200, "GET", url(id, "%s", ""), NULL, 0, headers);
	assert_int_equal(at_int(x, "version"), 2); /* nobody has touched it */
	exchange_free(x);
	const char *const others[] = { "Authorization", "Bearer cairn_other", NULL };
	x = exchange_send(world, 200, "GET", "/v1/experiments", NULL, 0, others);
	assert_int_equal(at_size(x, "items"), 0);
	exchange_free(x);
}

static void a_scope_is_for_its_routes_only(void **state)
{
	struct world *world = *state;
	make_token(world, "default", "cairn_r", SCOPE_READ);
	make_token(world, "default", "cairn_t", SCOPE_TRIAL);
	make_token(world, "default", "cairn_w", SCOPE_WRITE);
	visit_all(world, "exp_none", "cairn_r", SCOPE_READ, 404);
	visit_all(world, "exp_none", "cairn_t", SCOPE_TRIAL, 404);
	visit_all(world, "exp_none", "cairn_w", SCOPE_WRITE, 404);
}

static void validates_without_making(void **state)
{
	struct exchange *x = post(*state, 200, "/v1/experiments/validate",
		"{\"name\":\"a\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"
		"}");
	assert_true(json_is_true(at(x, "valid")));
	assert_string_equal(at_text(x, "spec.tuner.name"), "auto");
	assert_int_equal(at_size(x, "spec.objectives"), 1);
	exchange_free(x);
	x = post(*state, 422, "/v1/experiments/validate",
		"{\"name\":\"a\",\"tuner\":{\"name\":\"none\"},"
		"\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[2,1]}}}");
	assert_true(has_fault(x, "/search_space/x/_value"));
	exchange_free(x);
	x = get(*state, 200, "/v1/experiments"); /* and nothing was made */
	assert_int_equal(at_size(x, "items"), 0);
	exchange_free(x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(validates_without_making),
		TEST(makes_what_was_asked_for),
		TEST(tells_every_fault),
		TEST(answers_a_key_once),
		TEST(quota_is_named_and_spares_repeats),
		TEST(lists_with_filters),
		TEST(pages_meet_each_other),
		TEST(lists_as_tables),
		TEST(edits_only_what_was_seen),
		TEST(a_busy_experiment_can_be_edited),
		TEST(pauses_resumes_and_stops),
		TEST(deletes_also_what_runs),
		TEST(keeps_a_trail),
		TEST(another_team_finds_nothing),
		TEST(a_scope_is_for_its_routes_only),
	};
	return cmocka_run_group_tests_name("experiment", tests, NULL, NULL);
}
