/* Experiments: rows, pages and filters, idempotency keys, what a deletion takes with it. */
#include "tests/conformance/lab.h"

#define N_ROWS 25

static void list(
	struct lab *lab, const struct experiment_filter *filter, struct experiment_page *page)
{
	struct error err = { 0 };
	int rc = store_experiment_list(lab->session, filter, &lab->arena, page, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	assert_int_equal(rc, 0);
}

/* An empty table, then N_ROWS experiments: names fold, times repeat in pairs, labels alternate. */
static int rows_setup(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	if (lab_setup(state) || store_experiment_delete(lab->session, LAB_TEAM, lab->id, &err))
		return -1;
	for (int i = 0; i < N_ROWS; i++) {
		char id[ID_SIZE], name[32], more[96];
		snprintf(id, sizeof(id), "exp_%02d", (i * 7) % N_ROWS);
		snprintf(name, sizeof(name), "%s %c%d", i % 2 ? "ÉTUDE" : "étude", 'a' + i % 5, i);
		snprintf(more, sizeof(more),
			LAB_PLAIN ",\"labels\":{\"parity\":\"%s\",\"i\":\"%d\"}",
			i % 2 ? "odd" : "even", i);
		lab_create(lab, id, name, more, LAB_NOW + i / 2);
	}
	return 0;
}

/* Walks all pages; every row once, in order. */
static void walk(struct lab *lab, struct experiment_filter filter, size_t expected)
{
	struct experiment_page page;
	char last_id[ID_SIZE] = "", last_name[64] = "";
	int64_t last_ms = 0;
	size_t n = 0;
	do {
		list(lab, &filter, &page);
		assert_true(page.n <= filter.limit);
		for (size_t i = 0; i < page.n; i++) {
			const struct experiment_row *row = &page.rows[i];
			const char *name = name_fold(&lab->arena, row->name);
			int order = filter.sort == SORT_NAME ? strcmp(name, last_name)
				    : row->created_ms != last_ms
					    ? (row->created_ms > last_ms ? 1 : -1)
					    : 0;
			order = order ? order : strcmp(row->id, last_id);
			if (n)
				assert_true(filter.descending ? order < 0 : order > 0);
			snprintf(last_id, sizeof(last_id), "%s", row->id);
			snprintf(last_name, sizeof(last_name), "%s", name);
			last_ms = row->created_ms;
			n++;
		}
		filter.cursor = page.next;
	} while (page.next);
	assert_int_equal(n, expected);
}

static void test_pages(void **state)
{
	struct lab *lab = *state;
	static const size_t limits[] = { 1, 7, N_ROWS - 1, N_ROWS, N_ROWS + 1 };
	for (size_t i = 0; i < SQL_N(limits); i++) {
		for (int way = 0; way < 2; way++) {
			struct experiment_filter filter = { .limit = limits[i], .descending = way };
			walk(lab, filter, N_ROWS);
			filter.team = LAB_TEAM;
			walk(lab, filter, N_ROWS);
			filter.sort = SORT_UPDATED;
			walk(lab, filter, N_ROWS);
			filter.sort = SORT_NAME;
			walk(lab, filter, N_ROWS);
			filter.team = NULL;
			walk(lab, filter, N_ROWS);
			filter.label_key = "parity";
			filter.label_value = "odd";
			walk(lab, filter, N_ROWS / 2);
		}
	}
}

/* What comes in between two pages neither shifts nor repeats a row. */
static void test_pages_are_stable(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct experiment_page first, second;
	struct experiment_filter filter = { .team = LAB_TEAM, .descending = true, .limit = 10 };
	list(lab, &filter, &first);
	lab_create(lab, "exp_newer", "newer", LAB_PLAIN, LAB_NOW + 1000);
	assert_int_equal(store_experiment_delete(lab->session, NULL, first.rows[9].id, &err), 0);
	filter.cursor = first.next;
	list(lab, &filter, &second);
	for (size_t i = 0; i < first.n; i++) {
		for (size_t k = 0; k < second.n; k++)
			assert_string_not_equal(first.rows[i].id, second.rows[k].id);
	}
	assert_int_equal(second.n, 10);
}

static void test_wrong_cursors(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct experiment_page page;
	static const char *const cursors[] = { "", "x", "|", "12", "12x|exp", "x|exp" };
	for (size_t i = 0; i < SQL_N(cursors); i++) {
		struct experiment_filter filter = { .limit = 3, .cursor = cursors[i] };
		assert_int_equal(
			store_experiment_list(lab->session, &filter, &lab->arena, &page, &err),
			CODE_INVALID);
	}
}

static void expect(struct lab *lab, struct experiment_filter filter, size_t n)
{
	struct experiment_page page;
	filter.limit = 1000;
	list(lab, &filter, &page);
	assert_int_equal(page.n, n);
	assert_null(page.next);
}

static void test_filters(void **state)
{
	struct lab *lab = *state;
	lab_create(lab, "exp_percent", "100%_done \\\\o/", LAB_PLAIN, LAB_NOW + 500);
	expect(lab, (struct experiment_filter){ .team = LAB_TEAM }, N_ROWS + 1);
	expect(lab, (struct experiment_filter){ .team = "nobody" }, 0);
	expect(lab, (struct experiment_filter){ .status = "running" }, N_ROWS + 1);
	expect(lab, (struct experiment_filter){ .status = "paused" }, 0);
	expect(lab, (struct experiment_filter){ .kind = "hpo" }, N_ROWS + 1);
	expect(lab, (struct experiment_filter){ .kind = "nas" }, 0);
	expect(lab, (struct experiment_filter){ .name = "Étude B" }, 5);
	expect(lab, (struct experiment_filter){ .name = "TUDE" }, N_ROWS);
	expect(lab, (struct experiment_filter){ .name = "%" }, 1);
	expect(lab, (struct experiment_filter){ .name = "0%_D" }, 1);
	expect(lab, (struct experiment_filter){ .name = "e_a" }, 0);
	expect(lab, (struct experiment_filter){ .name = "\\O" }, 1);
	expect(lab, (struct experiment_filter){ .name = "" }, N_ROWS + 1);
	expect(lab, (struct experiment_filter){ .label_key = "parity" }, N_ROWS);
	expect(lab, (struct experiment_filter){ .label_key = "i", .label_value = "3" }, 1);
	expect(lab, (struct experiment_filter){ .label_key = "parity", .label_value = "3" }, 0);
	expect(lab, (struct experiment_filter){ .created_after_ms = LAB_NOW + 400 }, 1);
	expect(lab, (struct experiment_filter){ .created_before_ms = LAB_NOW + 1 }, 2);
	expect(lab,
		(struct experiment_filter){ .created_after_ms = LAB_NOW,
			.created_before_ms = LAB_NOW + 3,
			.name = "a" },
		1);
}

static void test_get_and_count(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct experiment_row row;
	int64_t n;
	assert_int_equal(
		store_experiment_get(lab->session, LAB_TEAM, "exp_07", &lab->arena, &row, &err), 0);
	assert_string_equal(row.id, "exp_07");
	assert_string_equal(row.team, LAB_TEAM);
	assert_string_equal(row.name, "ÉTUDE b1");
	assert_string_equal(row.reason, lab->view.reason);
	assert_true(isnan(row.best_value));
	assert_int_equal(row.counts.best, -1);
	assert_int_equal(row.counts.version, 1);
	assert_int_equal(row.counts.active_since_ms, LAB_NOW);
	assert_int_equal(
		store_experiment_get(lab->session, NULL, "exp_07", &lab->arena, &row, &err), 0);
	assert_int_equal(
		store_experiment_get(lab->session, "other", "exp_07", &lab->arena, &row, &err),
		CODE_NOT_FOUND);
	assert_int_equal(
		store_experiment_delete(lab->session, "other", "exp_07", &err), CODE_NOT_FOUND);
	assert_int_equal(store_experiment_count(lab->session, LAB_TEAM, &n, &err), 0);
	assert_int_equal(n, N_ROWS);
	assert_int_equal(store_experiment_count(lab->session, NULL, &n, &err), 0);
	assert_int_equal(n, N_ROWS);
	assert_int_equal(store_experiment_count(lab->session, "other", &n, &err), 0);
	assert_int_equal(n, 0);
}

static void test_versions(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	char names[40][ID_SIZE];
	const char *ids[40];
	uint64_t versions[40];
	lab_begin(lab, LAB_PLAIN);
	lab_suggest(lab);
	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "exp_%02d", i);
		ids[i] = names[i];
	}
	ids[33] = lab->id;
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 40 };
	for (size_t k = 0; k < SQL_N(lengths); k++) {
		memset(versions, 0xff, sizeof(versions));
		assert_int_equal(store_versions(lab->session, lengths[k], ids, versions, &err), 0);
		for (size_t i = 0; i < 40; i++) {
			uint64_t expected = i >= lengths[k] ? UINT64_MAX
					    : i == 33	    ? 2
					    : i < N_ROWS    ? 1
							    : 0;
			assert_true(versions[i] == expected);
		}
	}
}

/* ---- creating ---- */

static void test_create_refusals(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct view view;
	struct experiment_row row;
	struct event created;
	int64_t before, after;
	struct idempotency key = { .team = LAB_TEAM,
		.key = "k1",
		.digest = "d",
		.experiment = "exp_new",
		.first_version = 1,
		.last_version = 1,
		.status = 201,
		.created_ms = LAB_NOW };
	assert_int_equal(lab_draft(&lab->arena, &view, "exp_new", "new", LAB_PLAIN, LAB_NOW, &row,
				 &created, &err),
		0);
	row.team = "nobody";
	assert_int_equal(
		store_experiment_create(lab->session, &row, &created, NULL, &err), CODE_NOT_FOUND);
	row.team = LAB_TEAM;
	assert_int_equal(store_experiment_create(lab->session, &row, &created, &key, &err), 0);
	assert_int_equal(
		store_experiment_create(lab->session, &row, &created, NULL, &err), CODE_CONFLICT);
	row.id = key.experiment = "exp_newer";
	store_experiment_count(lab->session, NULL, &before, &err);
	assert_int_equal(
		store_experiment_create(lab->session, &row, &created, &key, &err), CODE_CONFLICT);
	assert_non_null(strstr(err.message, "k1"));
	store_experiment_count(lab->session, NULL, &after, &err);
	assert_int_equal(before, after);
	view_release(&view);
}

/* ---- idempotency keys ---- */

static void test_keys(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct idempotency found, key = { .team = LAB_TEAM,
		.key = "key äö",
		.digest = "abc",
		.experiment = "",
		.answer = "{\"token\":1}",
		.status = 201,
		.created_ms = LAB_NOW };
	assert_int_equal(
		store_idempotency_get(lab->session, LAB_TEAM, key.key, &lab->arena, &found, &err),
		CODE_NOT_FOUND);
	assert_int_equal(store_idempotency_put(lab->session, &key, &err), 0);
	assert_int_equal(store_idempotency_put(lab->session, &key, &err), CODE_CONFLICT);
	assert_int_equal(
		store_idempotency_get(lab->session, LAB_TEAM, key.key, &lab->arena, &found, &err),
		0);
	assert_string_equal(found.key, key.key);
	assert_string_equal(found.digest, "abc");
	assert_string_equal(found.experiment, "");
	assert_string_equal(found.answer, key.answer);
	assert_int_equal(found.status, 201);
	assert_int_equal(found.created_ms, LAB_NOW);
	assert_int_equal(
		store_idempotency_get(lab->session, "other", key.key, &lab->arena, &found, &err),
		CODE_NOT_FOUND);
	key.team = "nobody";
	assert_int_equal(store_idempotency_put(lab->session, &key, &err), CODE_NOT_FOUND);
	assert_int_equal(store_idempotency_expire(lab->session, LAB_NOW, &err), 0);
	assert_int_equal(
		store_idempotency_get(lab->session, LAB_TEAM, key.key, &lab->arena, &found, &err),
		0);
	assert_int_equal(store_idempotency_expire(lab->session, LAB_NOW + 1, &err), 0);
	assert_int_equal(
		store_idempotency_get(lab->session, LAB_TEAM, key.key, &lab->arena, &found, &err),
		CODE_NOT_FOUND);
}

static void test_append_with_key(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct idempotency found;
	bool used = true;
	lab_begin(lab, LAB_PLAIN);
	struct idempotency key = { .team = LAB_TEAM,
		.key = "append",
		.digest = "abc",
		.experiment = lab->id,
		.first_version = 2,
		.last_version = 2,
		.status = 200,
		.created_ms = LAB_NOW };
	struct event event = lab_suggested(&lab->view, LAB_NOW);
	assert_int_equal(
		lab_append_with(lab->session, &lab->view, lab->id, &event, 1, &key, &used, &err),
		0);
	assert_false(used);
	event = lab_suggested(&lab->view, LAB_NOW);
	assert_int_equal(
		lab_append_with(lab->session, &lab->view, lab->id, &event, 1, &key, &used, &err),
		CODE_MISS);
	assert_true(used);
	assert_int_equal(
		store_idempotency_get(lab->session, LAB_TEAM, "append", &lab->arena, &found, &err),
		0);
	assert_string_equal(found.experiment, lab->id);
	assert_int_equal(found.first_version, 2);
	assert_null(found.answer);
	/* The refused append left nothing: the next one carries its version. */
	event = lab_suggested(&lab->view, LAB_NOW);
	assert_int_equal(
		lab_append_with(lab->session, &lab->view, lab->id, &event, 1, NULL, NULL, &err), 0);
}

/* ---- deleting ---- */

#define COUNT(table)                                                                               \
	{                                                                                          \
		.name = "count_" table, .text = "SELECT COUNT(*) FROM " table, .types = "",        \
		.columns = "i",                                                                    \
	}

static const struct sql_statement below[] = { COUNT("experiment_labels"), COUNT("events"),
	COUNT("trials"), COUNT("metrics"), COUNT("idempotency_keys"), COUNT("artifacts"),
	COUNT("artifact_chunks"), COUNT("log_chunks") };

static int64_t count_rows(struct lab *lab, size_t i)
{
	struct error err = { 0 };
	int64_t n = -1;
	assert_int_equal(session_run_int(lab->session, &below[i], 0, NULL, &n, &err), 0);
	return n;
}

static void test_delete_takes_all(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	int64_t before[SQL_N(below)], length;
	for (size_t i = 0; i < SQL_N(below); i++)
		before[i] = count_rows(lab, i);
	lab_begin(lab, LAB_PLAIN ",\"labels\":{\"a\":\"1\"}");
	int64_t trial = lab_suggest(lab);
	lab_report(lab, trial, 1, 0.5);
	const struct artifact_row artifact = { .trial = trial,
		.name = "model",
		.content_type = "text/plain",
		.size = 3,
		.sha256 = "00",
		.updated_ms = LAB_NOW };
	assert_int_equal(store_artifact_put(lab->session, lab->id, &artifact, "abc", &err), 0);
	assert_int_equal(
		store_log_append(lab->session, lab->id, trial, 0, "hello", 5, &length, &err), 0);
	const struct idempotency key = { .team = LAB_TEAM,
		.key = "below",
		.digest = "x",
		.experiment = lab->id,
		.created_ms = LAB_NOW };
	assert_int_equal(store_idempotency_put(lab->session, &key, &err), 0);
	for (size_t i = 0; i < SQL_N(below); i++)
		assert_true(count_rows(lab, i) > before[i]);
	assert_int_equal(store_experiment_delete(lab->session, LAB_TEAM, lab->id, &err), 0);
	for (size_t i = 0; i < SQL_N(below); i++)
		assert_int_equal(count_rows(lab, i), before[i]);
	assert_int_equal(
		store_experiment_delete(lab->session, LAB_TEAM, lab->id, &err), CODE_NOT_FOUND);
}

/* ---- the clock ---- */

static void test_clock(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	int64_t first, second;
	assert_int_equal(store_clock(lab->session, &first, &err), 0);
	assert_int_equal(store_clock(lab->session, &second, &err), 0);
	assert_true(first > LAB_NOW && first < LAB_NOW * 2);
	assert_true(second >= first && second < first + 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pages, rows_setup),
		cmocka_unit_test_setup(test_pages_are_stable, rows_setup),
		cmocka_unit_test_setup(test_wrong_cursors, rows_setup),
		cmocka_unit_test_setup(test_filters, rows_setup),
		cmocka_unit_test_setup(test_get_and_count, rows_setup),
		cmocka_unit_test_setup(test_versions, rows_setup),
		cmocka_unit_test_setup(test_create_refusals, lab_setup),
		cmocka_unit_test_setup(test_keys, lab_setup),
		cmocka_unit_test_setup(test_append_with_key, lab_setup),
		cmocka_unit_test_setup(test_delete_takes_all, lab_setup),
		cmocka_unit_test_setup(test_clock, lab_setup),
	};
	return back_end_run("experiments", tests, lab_group_setup, lab_group_teardown);
}
