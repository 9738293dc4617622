/* Tuners, assessors, search spaces; teams and quotas. */
#include "tests/unit/api/exchange.h"

#define SPACE                                                                                      \
	"\"search_space\":{"                                                                       \
	"\"lr\":{\"_type\":\"loguniform\",\"_value\":[0.001,1]},"                                  \
	"\"n\":{\"_type\":\"randint\",\"_value\":[1,5]},"                                          \
	"\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"conv\","                            \
	"\"k\":{\"_type\":\"choice\",\"_value\":[1,3]}},{\"_name\":\"pool\"}]}}"

static size_t names(const struct algorithm *const *list)
{
	size_t n = 0;
	while (list[n])
		n++;
	return n;
}

static void check_list(struct world *world, const char *path, const struct algorithm *const *list)
{
	struct exchange *x = get(world, 200, path);
	char member[64];

	assert_int_equal(at_size(x, "items"), names(list));
	for (size_t i = 0; list[i]; i++) {
		snprintf(member, sizeof(member), "items.%zu.name", i);
		assert_string_equal(at_text(x, member), list[i]->name);
		snprintf(member, sizeof(member), "items.%zu.options", i);
		size_t n = 0;
		while (list[i]->options && list[i]->options[n].name)
			n++;
		assert_int_equal(at_size(x, member), n);
		snprintf(member, sizeof(member), "items.%zu.description", i);
		assert_true(strlen(at_text(x, member)) > 10);
	}
	exchange_free(x);
}

static void test_algorithms(void **state)
{
	check_list(*state, "/v1/tuners", engine_catalog.tuners);
	check_list(*state, "/v1/assessors", engine_catalog.assessors);
}

static void test_validate(void **state)
{
	struct exchange *x = post(*state, 200, "/v1/spaces/validate", "{" SPACE "}");

	assert_true(json_is_true(at(x, "valid")));
	assert_true(json_is_false(at(x, "finite")));
	assert_true(json_is_null(at(x, "count")));
	assert_int_equal(at_int(x, "n_parameters"), 4);
	assert_int_equal(at_size(x, "parameters"), 4);
	assert_string_equal(at_text(x, "parameters.0.address"), "lr");
	assert_string_equal(at_text(x, "parameters.0.type"), "loguniform");
	assert_true(json_is_true(at(x, "parameters.0.log")));
	assert_true(at_real(x, "parameters.0.low") == 0.001);
	assert_int_equal(at_int(x, "parameters.1.n_values"), 4);
	assert_int_equal(at_int(x, "parameters.1.high"), 4); /* [1, 5) */
	assert_string_equal(at_text(x, "parameters.2.branches.1"), "pool");
	assert_string_equal(at_text(x, "parameters.3.address"), "op.k");
	assert_int_equal(at_int(x, "parameters.3.values.1"), 3);
	assert_string_equal(at_text(x, "parameters.3.active_when.0.parameter"), "op");
	assert_string_equal(at_text(x, "parameters.3.active_when.0.values.0"), "conv");
	exchange_free(x);
}

static void test_validate_every_type(void **state)
{
	struct exchange *x = post(*state, 200, "/v1/spaces/validate",
		"{\"search_space\":{"
		"\"a\":{\"_type\":\"normal\",\"_value\":[0,2]},"
		"\"b\":{\"_type\":\"quniform\",\"_value\":[0,1,0.25],\"_default\":0.5},"
		"\"c\":{\"_type\":\"bool\"},"
		"\"d\":{\"_type\":\"fixed\",\"_value\":\"x\"},"
		"\"e\":{\"_type\":\"input_choice\",\"_value\":{\"candidates\":[\"p\",\"q\"],"
		"\"n_chosen\":1}},"
		"\"f\":{\"_type\":\"ordinal\",\"_value\":[1,2,4],\"_default\":2},"
		"\"g\":{\"_type\":\"choice\",\"_value\":[8,9],\"_when\":{\"c\":[true]}}}}");
	assert_true(json_is_null(at(x, "parameters.0.low")));
	assert_true(at_real(x, "parameters.0.sigma") == 2);
	assert_true(at_real(x, "parameters.1.q") == 0.25);
	assert_true(at_real(x, "parameters.1.default") == 0.5);
	assert_true(json_is_null(at(x, "parameters.0.default")));
	exchange_free(x);
}

static void test_validate_count(void **state)
{
	struct exchange *x = post(*state, 200, "/v1/spaces/validate",
		"{\"search_space\":{\"a\":{\"_type\":\"choice\",\"_value\":[1,2,3]},"
		"\"b\":{\"_type\":\"bool\"}}}");
	assert_true(json_is_true(at(x, "finite")));
	assert_int_equal(at_int(x, "count"), 6);
	exchange_free(x);
}

static void test_validate_faults(void **state)
{
	struct exchange *x = post(*state, 422, "/v1/spaces/validate",
		"{\"search_space\":{\"a\":{\"_type\":\"uniform\",\"_value\":[1,\"x\"]},"
		"\"b\":{\"_type\":\"odd\",\"_value\":[]}},\"colour\":1}");
	assert_true(has_fault(x, "/search_space/a/_value/1"));
	assert_true(has_fault(x, "/search_space/b/_type"));
	assert_true(has_fault(x, "/colour"));
	exchange_free(x);
	x = post(*state, 422, "/v1/spaces/validate", "{}");
	assert_true(has_fault(x, "/search_space"));
	exchange_free(x);
	post_only(*state, 422, "/v1/spaces/validate", "{\"search_space\":null}");
	post_only(*state, 422, "/v1/spaces/validate", "{\"search_space\":[1]}");
}

static void test_no_feasible_point(void **state)
{
	struct exchange *x = post(*state, 422, "/v1/spaces/validate",
		"{\"search_space\":{\"a\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
		"\"parameter_constraints\":[\"a > 2\"]}");
	assert_true(has_fault(x, "/parameter_constraints"));
	exchange_free(x);
}

static void test_sample(void **state)
{
	static const char body[] = "{" SPACE ",\"count\":20,\"seed\":7,"
				   "\"parameter_constraints\":[\"n >= 3\"]}";
	struct exchange *x = post(*state, 200, "/v1/spaces/sample", body);
	struct exchange *same = post(*state, 200, "/v1/spaces/sample", body);
	char member[64];

	assert_int_equal(at_size(x, "items"), 20);
	assert_string_equal(buffer_text(&x->text), buffer_text(&same->text));
	for (int i = 0; i < 20; i++) {
		snprintf(member, sizeof(member), "items.%d.n", i);
		assert_true(at_int(x, member) >= 3 && at_int(x, member) <= 4);
		snprintf(member, sizeof(member), "items.%d.lr", i);
		assert_true(at_real(x, member) >= 0.001 && at_real(x, member) <= 1);
	}
	exchange_free(x);
	exchange_free(same);
	post_only(*state, 422, "/v1/spaces/sample", "{" SPACE ",\"count\":0}");
	post_only(*state, 422, "/v1/spaces/sample", "{" SPACE ",\"count\":1001}");
	post_only(*state, 422, "/v1/spaces/sample", "{" SPACE ",\"seed\":-1}");
}

static void test_sample_of_a_needle(void **state)
{
	/* One draw in 2000 is good: 100000 draws give about 50 points, never 1000, never none. */
	struct exchange *x = post(*state, 200, "/v1/spaces/sample",
		"{\"search_space\":{\"a\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
		"\"parameter_constraints\":[\"a <= 0.0005\"],\"count\":1000}");
	assert_true(at_size(x, "items") > 10 && at_size(x, "items") < 200);
	exchange_free(x);
}

/* ---- teams and quotas ---- */

static void test_teams(void **state)
{
	struct exchange *x = post(*state, 201, "/v1/teams",
		"{\"id\":\"blue-1\",\"name\":\"Blue\",\"quota\":{\"trials\":5}}");
	assert_string_equal(header(x, "Location"), "/v1/teams/blue-1");
	assert_int_equal(at_int(x, "quota.trials"), 5);
	assert_true(json_is_null(at(x, "quota.experiments")));
	exchange_free(x);
	post_only(*state, 409, "/v1/teams", "{\"id\":\"blue-1\",\"name\":\"Blue\"}");
	post_only(*state, 422, "/v1/teams", "{\"id\":\"Blue\",\"name\":\"Blue\"}");
	post_only(*state, 422, "/v1/teams", "{\"id\":\"-b\",\"name\":\"Blue\"}");
	x = post(*state, 422, "/v1/teams", "{\"name\":\"b\",\"quota\":{\"trials\":0,\"x\":1}}");
	assert_true(has_fault(x, "/quota/trials"));
	assert_true(has_fault(x, "/quota/x"));
	exchange_free(x);
	x = post(*state, 201, "/v1/teams", "{\"name\":\"unnamed\"}");
	assert_memory_equal(at_text(x, "id"), "team_", 5);
	exchange_free(x);
	get_only(*state, 200, "/v1/teams/blue-1");
	get_only(*state, 404, "/v1/teams/green");
	exchange_free(exchange_send(*state, 204, "DELETE", "/v1/teams/blue-1", NULL, 0, NULL));
	get_only(*state, 404, "/v1/teams/blue-1");
}

static void test_team_with_experiments_stays(void **state)
{
	struct world *world = *state;
	struct error err = { 0 };
	char id[ID_SIZE];

	post_only(world, 201, "/v1/teams", "{\"id\":\"blue\",\"name\":\"Blue\"}");
	bool replayed;
	struct faults faults;
	static const char body[] = "{\"name\":\"x\"," SPACE ",\"tuner\":{\"name\":\"random\"}}";
	faults_init(&faults);
	assert_int_equal(engine_experiment_create(world->engine, world->session, "blue", body,
				 strlen(body), NULL, id, &replayed, &faults, &err),
		0);
	exchange_free(exchange_send(world, 409, "DELETE", "/v1/teams/blue", NULL, 0, NULL));
}

static void test_quota(void **state)
{
	static const char body[] = "{\"experiments\":7,\"trials\":null}";
	char id[ID_SIZE];

	experiment_make(*state, "", id);
	suggest_one(*state, id);
	struct exchange *x = exchange_send(
		*state, 200, "PUT", "/v1/teams/default/quota", body, sizeof(body) - 1, NULL);
	assert_int_equal(at_int(x, "experiments"), 7);
	assert_true(json_is_null(at(x, "trials")));
	assert_int_equal(at_int(x, "used.experiments"), 1);
	assert_int_equal(at_int(x, "used.trials"), 1);
	exchange_free(x);
	x = get(*state, 200, "/v1/teams/default/quota");
	assert_int_equal(at_int(x, "experiments"), 7);
	exchange_free(x);
	exchange_free(exchange_send(*state, 404, "PUT", "/v1/teams/none/quota", "{}", 2, NULL));
	exchange_free(exchange_send(
		*state, 422, "PUT", "/v1/teams/default/quota", "{\"trials\":1.5}", 14, NULL));
	x = get(*state, 200, "/v1/audit?limit=1");
	assert_string_equal(at_text(x, "items.0.action"), "quota.set");
	assert_int_equal(at_int(x, "items.0.detail.experiments"), 7);
	exchange_free(x);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_algorithms),
		WORLD_TEST(test_validate),
		WORLD_TEST(test_validate_every_type),
		WORLD_TEST(test_validate_count),
		WORLD_TEST(test_validate_faults),
		WORLD_TEST(test_no_feasible_point),
		WORLD_TEST(test_sample),
		WORLD_TEST(test_sample_of_a_needle),
		WORLD_TEST(test_teams),
		WORLD_TEST(test_team_with_experiments_stays),
		WORLD_TEST(test_quota),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
