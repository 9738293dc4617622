/* Teams, quotas, tokens, the audit trail. */
#include "tests/conformance/lab.h"

static int empty_setup(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	if (lab_setup(state))
		return -1;
	return lab->store->ops->script(lab->session->sql,
		"DELETE FROM tokens; DELETE FROM audit; DELETE FROM teams WHERE id <> 'default'",
		&err);
}

static void create(struct lab *lab, const char *id)
{
	struct error err = { 0 };
	const struct team_row row = {
		.id = id, .name = "A team", .quota = { 1, 2, 3, 4 }, .created_ms = LAB_NOW
	};
	assert_int_equal(store_team_create(lab->session, &row, &err), 0);
}

static void test_teams(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct team_row row;
	const struct team_row *rows;
	size_t n;
	struct session *session = lab->session;
	create(lab, "b-team");
	create(lab, "a-team");
	create(lab, "Z-team");
	const struct team_row again = { .id = "a-team", .name = "x" };
	assert_int_equal(store_team_create(session, &again, &err), CODE_CONFLICT);
	assert_int_equal(store_team_get(session, "a-team", &lab->arena, &row, &err), 0);
	assert_string_equal(row.name, "A team");
	assert_int_equal(row.created_ms, LAB_NOW);
	assert_int_equal(row.quota.experiments, 1);
	assert_int_equal(row.quota.trials, 2);
	assert_int_equal(row.quota.requests_per_minute, 3);
	assert_int_equal(row.quota.artifact_bytes, 4);
	assert_int_equal(store_team_get(session, "none", &lab->arena, &row, &err), CODE_NOT_FOUND);
	const struct quota quota = { 10, 20, 30, 40 };
	assert_int_equal(store_quota_set(session, "a-team", &quota, &err), 0);
	assert_int_equal(store_quota_set(session, "none", &quota, &err), CODE_NOT_FOUND);
	assert_int_equal(store_team_get(session, "a-team", &lab->arena, &row, &err), 0);
	assert_memory_equal(&row.quota, &quota, sizeof(quota));
	assert_int_equal(store_team_list(session, NULL, 2, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].id, "Z-team");
	assert_string_equal(rows[1].id, "a-team");
	assert_int_equal(store_team_list(session, "a-team", 9, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].id, "b-team");
	assert_string_equal(rows[1].id, "default");
}

static void test_team_delete(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	int64_t n;
	struct session *session = lab->session;
	create(lab, "a-team");
	const struct token_row token = {
		.id = "tok_1", .team = "a-team", .name = "n", .digest = "d1", .created_ms = LAB_NOW
	};
	assert_int_equal(store_token_create(session, &token, &err), 0);
	assert_int_equal(store_team_delete(session, "a-team", &err), 0);
	assert_int_equal(store_token_count(session, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_team_delete(session, "a-team", &err), CODE_NOT_FOUND);
	/* the lab's experiment is of this one */
	assert_int_equal(store_team_delete(session, LAB_TEAM, &err), CODE_CONFLICT);
	assert_int_equal(store_token_create(session, &token, &err), CODE_NOT_FOUND);
}

static void test_team_trials(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	int64_t n;
	lab_suggest(lab);
	lab_suggest(lab);
	lab_begin(lab, LAB_PLAIN);
	lab_suggest(lab);
	assert_int_equal(store_team_trials(lab->session, LAB_TEAM, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_int_equal(store_team_trials(lab->session, "none", &n, &err), 0);
	assert_int_equal(n, 0);
}

static void test_tokens(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct token_row row;
	const struct token_row *rows;
	size_t n;
	int64_t total;
	struct session *session = lab->session;
	create(lab, "a-team");
	struct token_row token = { .id = "tok_b",
		.team = LAB_TEAM,
		.name = "laptop",
		.digest = "digest-b",
		.scopes = 5,
		.created_ms = LAB_NOW,
		.expires_ms = LAB_NOW + 1 };
	assert_int_equal(store_token_create(session, &token, &err), 0);
	token.id = "tok_a";
	assert_int_equal(store_token_create(session, &token, &err), CODE_CONFLICT);
	token.digest = "digest-a";
	token.team = NULL;
	assert_int_equal(store_token_create(session, &token, &err), 0);
	token.digest = "digest-c";
	assert_int_equal(store_token_create(session, &token, &err), CODE_CONFLICT);
	token.id = "tok_c";
	token.team = "a-team";
	assert_int_equal(store_token_create(session, &token, &err), 0);

	assert_int_equal(store_token_by_digest(session, "digest-b", &lab->arena, &row, &err), 0);
	assert_string_equal(row.id, "tok_b");
	assert_string_equal(row.team, LAB_TEAM);
	assert_string_equal(row.name, "laptop");
	assert_int_equal(row.scopes, 5);
	assert_int_equal(row.expires_ms, LAB_NOW + 1);
	assert_int_equal(row.used_ms, 0);
	assert_int_equal(
		store_token_by_digest(session, "digest", &lab->arena, &row, &err), CODE_NOT_FOUND);
	assert_int_equal(store_token_by_digest(session, "digest-a", &lab->arena, &row, &err), 0);
	assert_null(row.team);

	assert_int_equal(store_token_count(session, &total, &err), 0);
	assert_int_equal(total, 3);
	assert_int_equal(
		store_token_list(session, NULL, NULL, 10, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(rows[0].id, "tok_a");
	assert_int_equal(
		store_token_list(session, NULL, "tok_a", 1, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].id, "tok_b");
	assert_int_equal(
		store_token_list(session, "a-team", NULL, 10, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].id, "tok_c");

	/* the last use never goes back */
	assert_int_equal(store_token_touch(session, "tok_b", LAB_NOW + 50, &err), 0);
	assert_int_equal(store_token_touch(session, "tok_b", LAB_NOW + 40, &err), 0);
	assert_int_equal(store_token_by_digest(session, "digest-b", &lab->arena, &row, &err), 0);
	assert_int_equal(row.used_ms, LAB_NOW + 50);

	assert_int_equal(store_token_delete(session, "a-team", "tok_b", &err), CODE_NOT_FOUND);
	assert_int_equal(store_token_delete(session, LAB_TEAM, "tok_b", &err), 0);
	assert_int_equal(store_token_delete(session, NULL, "tok_a", &err), 0);
	assert_int_equal(store_token_delete(session, NULL, "tok_a", &err), CODE_NOT_FOUND);
}

static void test_audit(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	const struct audit_row *rows;
	size_t n;
	struct session *session = lab->session;
	for (int i = 0; i < 5; i++) {
		const struct audit_row row = { .at_ms = LAB_NOW + i,
			.team = i % 2 ? "a-team" : "b-team",
			.actor = "tok_1",
			.action = "experiment.delete",
			.target = "exp_1",
			.detail = i ? "{\"n\":1}" : NULL,
			.request_id = "req" };
		assert_int_equal(store_audit_add(session, &row, &err), 0);
	}
	assert_int_equal(store_audit_list(session, NULL, 0, 2, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].at_ms, LAB_NOW + 4);
	assert_int_equal(rows[1].at_ms, LAB_NOW + 3);
	assert_true(rows[0].id > rows[1].id);
	assert_string_equal(rows[0].action, "experiment.delete");
	assert_string_equal(rows[0].detail, "{\"n\":1}");
	assert_string_equal(rows[0].request_id, "req");
	assert_int_equal(
		store_audit_list(session, NULL, rows[1].id, 9, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_null(rows[2].detail);
	assert_int_equal(
		store_audit_list(session, "a-team", 0, 9, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].at_ms, LAB_NOW + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_teams, empty_setup),
		cmocka_unit_test_setup(test_team_delete, empty_setup),
		cmocka_unit_test_setup(test_team_trials, empty_setup),
		cmocka_unit_test_setup(test_tokens, empty_setup),
		cmocka_unit_test_setup(test_audit, empty_setup),
	};
	return back_end_run("teams", tests, lab_group_setup, lab_group_teardown);
}
