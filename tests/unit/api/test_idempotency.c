/* Idempotency-Key of POSTs that make no events: teams and tokens. */
#include "tests/unit/api/exchange.h"

#include <pthread.h>

#define TEAM "{\"name\":\"Blue\"}"

static int64_t teams(struct world *world)
{
	struct exchange *x = get(world, 200, "/v1/teams");
	int64_t n = (int64_t)at_size(x, "items");
	exchange_free(x);
	return n;
}

static int64_t tokens(struct world *world)
{
	struct error err = { 0 };
	int64_t n = -1;
	assert_int_equal(store_token_count(world->session, &n, &err), 0);
	return n;
}

static void test_repeat_gets_the_first_answer(void **state)
{
	struct exchange *first = post_key(*state, 201, "k1", "/v1/teams", TEAM);
	struct exchange *again = post_key(*state, 201, "k1", "/v1/teams", TEAM);

	assert_string_equal(buffer_text(&first->text), buffer_text(&again->text));
	assert_null(header(first, "Idempotency-Replayed"));
	assert_string_equal(header(again, "Idempotency-Replayed"), "true");
	exchange_free(first);
	exchange_free(again);
	assert_int_equal(teams(*state), 2);
	exchange_free(post_key(*state, 201, "k2", "/v1/teams", TEAM));
	assert_int_equal(teams(*state), 3);
}

static void test_another_body(void **state)
{
	exchange_free(post_key(*state, 201, "k", "/v1/teams", TEAM));
	struct exchange *x = post_key(*state, 422, "k", "/v1/teams", "{\"name\":\"Red\"}");
	assert_string_equal(at_text(x, "type"), "/docs/problems#idempotency_key_reused");
	exchange_free(x);
	/* Another path, too, also one whose answers are made from events. */
	exchange_free(post_key(*state, 422, "k", "/v1/tokens",
		"{\"name\":\"a\",\"scopes\":[\"admin\"],\"instance_admin\":true}"));
	assert_int_equal(teams(*state), 2);
	assert_int_equal(tokens(*state), 0);
}

static void test_failures_are_not_kept(void **state)
{
	exchange_free(post_key(*state, 422, "k", "/v1/teams", "{\"name\":\"\"}"));
	exchange_free(post_key(*state, 201, "k", "/v1/teams", TEAM));
}

static void test_keys_of_the_wrong_shape(void **state)
{
	char key[LIMIT_IDEMPOTENCY_KEY + 2];

	exchange_free(post_key(*state, 400, "", "/v1/teams", TEAM));
	exchange_free(post_key(*state, 400, "a b", "/v1/teams", TEAM));
	exchange_free(post_key(*state, 400, "\xc3\xa9", "/v1/teams", TEAM));
	exchange_free(post_key(*state, 400, "a\x7f", "/v1/teams", TEAM));
	memset(key, 'k', sizeof(key));
	key[LIMIT_IDEMPOTENCY_KEY + 1] = '\0';
	exchange_free(post_key(*state, 400, key, "/v1/teams", TEAM));
	key[LIMIT_IDEMPOTENCY_KEY] = '\0';
	exchange_free(post_key(*state, 201, key, "/v1/teams", TEAM));
}

static void test_after_a_day(void **state)
{
	struct world *world = *state;

	exchange_free(post_key(world, 201, "k", "/v1/teams", TEAM));
	world->now_ms += IDEMPOTENCY_TTL_MS;
	struct exchange *x = post_key(world, 201, "k", "/v1/teams", TEAM);
	assert_string_equal(header(x, "Idempotency-Replayed"), "true");
	exchange_free(x);
	world->now_ms += 1;
	x = post_key(world, 201, "k", "/v1/teams", TEAM);
	assert_null(header(x, "Idempotency-Replayed"));
	exchange_free(x);
	assert_int_equal(teams(world), 3);
}

static void test_secrets_are_told_once(void **state)
{
	static const char body[] =
		"{\"name\":\"root\",\"scopes\":[\"admin\"],\"instance_admin\":true}";
	struct world *world = *state;
	char bearer[128];

	struct exchange *first = post_key(world, 201, "k", "/v1/tokens", body);
	snprintf(bearer, sizeof(bearer), "Bearer %s", at_text(first, "secret"));
	const char *const headers[] = { "Idempotency-Key", "k", "Authorization", bearer, NULL };
	struct exchange *again =
		exchange_send(world, 201, "POST", "/v1/tokens", body, strlen(body), headers);
	assert_string_equal(at_text(first, "id"), at_text(again, "id"));
	assert_true(json_is_null(at(again, "secret")));
	assert_non_null(strstr(at_text(again, "detail"), "first answer"));
	exchange_free(first);
	exchange_free(again);
	assert_int_equal(tokens(world), 1);
}

/* The other request wins between our look and our put. */
static void test_in_flight(void **state)
{
	struct world *world = *state;
	struct exchange *x = exchange_start(world, "POST", "/v1/teams", TEAM, strlen(TEAM), NULL);
	const struct idempotency *key;
	struct error err = { 0 };

	exchange_add_header(x, "Idempotency-Key", "k");
	assert_true(idempotency_of(&x->call, &key));
	assert_false(idempotency_replay(world->api, world->session, &x->call, key));
	exchange_free(post_key(world, 201, "k", "/v1/teams", TEAM));
	assert_int_equal(
		idempotency_keep(world->api, world->session, key, "{}", 201, &err), CODE_CONFLICT);
	exchange_free(x);
}

/* Two workers get the same requests at the same time. Whoever loses takes back what it did. */
#define ROUNDS 40

struct worker {
	struct world world; /* the shared one, with a session of its own */
	int statuses[ROUNDS];
};

static void *run_worker(void *context)
{
	struct worker *worker = context;

	for (int i = 0; i < ROUNDS; i++) {
		char key[16];
		snprintf(key, sizeof(key), "key-%d", i);
		const char *const headers[] = { "Idempotency-Key", key, NULL };
		struct exchange *x = exchange_start(
			&worker->world, "POST", "/v1/teams", TEAM, strlen(TEAM), headers);
		worker->statuses[i] = x->call.status;
		exchange_free(x);
	}
	return NULL;
}

static void test_at_the_same_time(void **state)
{
	struct world *world = *state;
	struct worker workers[2] = { { .world = *world }, { .world = *world } };
	pthread_t threads[2];
	struct error err = { 0 };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(session_open(world->store, &workers[i].world.session, &err), 0);
		assert_int_equal(pthread_create(&threads[i], NULL, run_worker, &workers[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int a = workers[0].statuses[i], b = workers[1].statuses[i];
		assert_true(a == 201 || b == 201);
		assert_true((a == 201 || a == 409) && (b == 201 || b == 409));
	}
	assert_int_equal(teams(world), 1 + ROUNDS);
	for (int i = 0; i < 2; i++)
		session_close(workers[i].world.session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_repeat_gets_the_first_answer, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_another_body, world_open, world_close),
		cmocka_unit_test_setup_teardown(
			test_failures_are_not_kept, world_open, world_close),
		cmocka_unit_test_setup_teardown(
			test_keys_of_the_wrong_shape, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_after_a_day, world_open, world_close),
		cmocka_unit_test_setup_teardown(
			test_secrets_are_told_once, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_in_flight, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_at_the_same_time, world_open, world_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
