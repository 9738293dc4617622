/* Trials: pages, the order by loss, reports, leases. */
#include "tests/conformance/lab.h"

static void page(struct lab *lab, struct trial_filter filter, struct trial_page *out)
{
	struct error err = { 0 };
	filter.experiment = lab->id;
	int rc = store_trial_list(lab->session, &filter, &lab->arena, out, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	assert_int_equal(rc, 0);
}

/* All pages, joined; at most room numbers. */
static size_t walk(struct lab *lab, struct trial_filter filter, int64_t *out, size_t room)
{
	struct trial_page found;
	size_t n = 0;
	do {
		page(lab, filter, &found);
		for (size_t i = 0; i < found.n && n < room; i++)
			out[n++] = found.rows[i].number;
		filter.cursor = found.next;
	} while (found.next);
	return n;
}

static void assert_numbers(
	struct lab *lab, struct trial_filter filter, const int64_t *expected, size_t n)
{
	int64_t numbers[64];
	static const size_t limits[] = { 1, 2, 3, 50 };
	for (size_t i = 0; i < SQL_N(limits); i++) {
		filter.limit = limits[i];
		assert_int_equal(walk(lab, filter, numbers, 64), n);
		assert_memory_equal(numbers, expected, n * sizeof(*expected));
	}
}

/* 0 and 3: 0.5; 1: 0.25; 2: infeasible; 4: NaN; 5: failed; 6: -inf; 7: running; 8: waiting. */
static void some_trials(struct lab *lab)
{
	static const double values[] = { 0.5, 0.25, 0.1, 0.5, (double)NAN };
	lab_begin(lab, LAB_PLAIN ",\"constraints\":[{\"metric\":\"size\",\"max\":10}]");
	for (int i = 0; i < 8; i++)
		lab_suggest(lab);
	for (int64_t i = 0; i < 5; i++) {
		struct metric metrics[] = { lab_loss(values[i]), lab_loss(i == 2 ? 11 : 10) };
		metrics[1].name = "size";
		struct event event = lab_result(EVENT_OBSERVED, i, 1, -1, LAB_NOW, metrics);
		event.n_metrics = 2;
		lab_append(lab, &event, 1);
	}
	struct event failed = lab_result(EVENT_FAILED, 5, 1, -1, LAB_NOW, NULL);
	failed.n_metrics = 0;
	failed.message = "why";
	lab_append(lab, &failed, 1);
	struct metric infinite[] = { lab_loss(-(double)INFINITY), lab_loss(0) };
	infinite[1].name = "size";
	struct event event = lab_result(EVENT_OBSERVED, 6, 1, -1, LAB_NOW, infinite);
	event.n_metrics = 2;
	lab_append(lab, &event, 1);
	struct event enqueued;
	event_init(&enqueued, EVENT_ENQUEUED, 8);
	enqueued.parameters = "{\"x\":0.125}";
	enqueued.at_ms = LAB_NOW;
	lab_append(lab, &enqueued, 1);
}

static void test_pages(void **state)
{
	struct lab *lab = *state;
	some_trials(lab);
	static const int64_t up[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const int64_t down[] = { 8, 7, 6, 5, 4, 3, 2, 1, 0 };
	static const int64_t running[] = { 7 }, waiting[] = { 8 };
	assert_numbers(lab, (struct trial_filter){ .state = -1 }, up, 9);
	assert_numbers(lab, (struct trial_filter){ .state = -1, .descending = true }, down, 9);
	assert_numbers(lab, (struct trial_filter){ .state = TRIAL_RUNNING }, running, 1);
	assert_numbers(lab, (struct trial_filter){ .state = TRIAL_WAITING }, waiting, 1);
	assert_numbers(lab, (struct trial_filter){ .state = TRIAL_LOST }, NULL, 0);
	assert_numbers(lab, (struct trial_filter){ .state = -1, .worker = "worker-1" }, up, 8);
	assert_numbers(lab, (struct trial_filter){ .state = -1, .worker = "worker" }, NULL, 0);
}

static void test_best_first(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct experiment_row row;
	some_trials(lab);
	static const int64_t best[] = { 1, 0, 3 };
	int64_t numbers[16];
	size_t n =
		walk(lab, (struct trial_filter){ .state = -1, .sort = TRIAL_BY_LOSS, .limit = 10 },
			numbers, 16);
	/* -inf is a value as good as any. */
	assert_int_equal(n, 4);
	assert_int_equal(numbers[0], 6);
	assert_memory_equal(numbers + 1, best, sizeof(best));
	const int64_t all[] = { 6, 1, 0, 3 };
	assert_numbers(lab, (struct trial_filter){ .state = -1, .sort = TRIAL_BY_LOSS }, all, 4);
	assert_int_equal(
		store_experiment_get(lab->session, NULL, lab->id, &lab->arena, &row, &err), 0);
	assert_int_equal(row.counts.best, 6);
	assert_true(row.best_value == -(double)INFINITY);
}

static void test_wrong_cursors(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct trial_page found;
	static const struct {
		enum trial_sort sort;
		const char *cursor;
	} wrong[] = { { TRIAL_BY_NUMBER, "" }, { TRIAL_BY_NUMBER, "x" }, { TRIAL_BY_NUMBER, "1x" },
		{ TRIAL_BY_LOSS, "" }, { TRIAL_BY_LOSS, "1" }, { TRIAL_BY_LOSS, "nan|1" },
		{ TRIAL_BY_LOSS, "0.5|" } };
	for (size_t i = 0; i < SQL_N(wrong); i++) {
		struct trial_filter filter = { .experiment = lab->id,
			.state = -1,
			.sort = wrong[i].sort,
			.cursor = wrong[i].cursor,
			.limit = 5 };
		assert_int_equal(store_trial_list(lab->session, &filter, &lab->arena, &found, &err),
			CODE_INVALID);
	}
}

static void test_get(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	struct trial trial;
	some_trials(lab);
	assert_int_equal(store_trial_get(lab->session, lab->id, 1, &lab->arena, &trial, &err), 0);
	assert_int_equal(trial.state, TRIAL_SUCCEEDED);
	assert_true(trial.values && trial.values[0] == 0.25);
	assert_string_equal(trial.worker, "worker-1");
	assert_null(trial.x);
	assert_int_equal(trial.n_reports, 0);
	assert_int_equal(store_trial_get(lab->session, lab->id, 9, &lab->arena, &trial, &err),
		CODE_NOT_FOUND);
	assert_int_equal(store_trial_get(lab->session, "exp_none", 0, &lab->arena, &trial, &err),
		CODE_NOT_FOUND);
}

/* ---- reports ---- */

static void test_metrics(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	const struct metric_row *rows;
	struct metric_row row;
	size_t n;
	int64_t a = lab_suggest(lab), b = lab_suggest(lab);
	for (int64_t step = 1; step <= 3; step++) {
		lab_report(lab, a, step, (double)step + 0.5);
		lab_report(lab, b, step, (double)-step - 0.5);
	}
	struct session *session = lab->session;
	assert_int_equal(
		store_metric_list(session, lab->id, -1, 0, 100, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 6);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rows[i].version, 4 + i);
		assert_int_equal(rows[i].trial, i % 2 ? b : a);
		assert_int_equal(rows[i].step, i / 2 + 1);
		assert_int_equal(rows[i].attempt, 1);
		assert_int_equal(rows[i].at_ms, LAB_NOW);
		assert_false(rows[i].late);
	}
	assert_string_equal(rows[1].values, "{\"loss\":-1.5}");
	assert_int_equal(
		store_metric_list(session, lab->id, b, 5, 100, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].step, 2);
	assert_int_equal(
		store_metric_list(session, lab->id, a, 0, 2, &lab->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(rows[1].step, 2);
	assert_int_equal(store_metric_get(session, lab->id, b, 1, 3, &lab->arena, &row, &err), 0);
	assert_string_equal(row.values, "{\"loss\":-3.5}");
	assert_int_equal(store_metric_get(session, lab->id, b, 2, 3, &lab->arena, &row, &err),
		CODE_NOT_FOUND);
	assert_int_equal(store_metric_get(session, lab->id, b, 1, 4, &lab->arena, &row, &err),
		CODE_NOT_FOUND);
}

/* ---- leases ---- */

static int64_t lease_of(struct lab *lab, int64_t number)
{
	struct error err = { 0 };
	struct trial trial;
	assert_int_equal(
		store_trial_get(lab->session, lab->id, number, &lab->arena, &trial, &err), 0);
	return trial.lease_until_ms;
}

static void test_lease_extend(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	int64_t trial = lab_suggest(lab);
	assert_int_equal(lease_of(lab, trial), LAB_NOW + 60000);
	assert_int_equal(
		store_lease_extend(lab->session, lab->id, trial, 1, LAB_NOW + 90000, &err), 0);
	assert_int_equal(lease_of(lab, trial), LAB_NOW + 90000);
	assert_int_equal(store_lease_extend(lab->session, lab->id, trial, 2, LAB_NOW + 95000, &err),
		CODE_GONE);
	assert_int_equal(
		store_lease_extend(lab->session, lab->id, trial + 1, 1, LAB_NOW + 95000, &err),
		CODE_GONE);
	lab_observe(lab, trial, 0.5);
	assert_int_equal(store_lease_extend(lab->session, lab->id, trial, 1, LAB_NOW + 95000, &err),
		CODE_GONE);
	assert_int_equal(lease_of(lab, trial), 0);
}

/* A heartbeat on another replica is not in our view; our append must not take it back. */
static void test_append_keeps_a_longer_lease(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	int64_t trial = lab_suggest(lab);
	assert_int_equal(
		store_lease_extend(lab->session, lab->id, trial, 1, LAB_NOW + 500000, &err), 0);
	lab_report(lab, trial, 1, 0.5);
	assert_int_equal(lab->view.trials[trial].lease_until_ms, LAB_NOW + 60000);
	assert_int_equal(lease_of(lab, trial), LAB_NOW + 500000);
	/* but a report moves a shorter one on */
	lab->now_ms = LAB_NOW + 490000;
	lab_report(lab, trial, 2, 0.5);
	assert_int_equal(lease_of(lab, trial), LAB_NOW + 550000);
	/* and another hand-out starts anew */
	assert_int_equal(
		store_lease_extend(lab->session, lab->id, trial, 1, LAB_NOW + 900000, &err), 0);
	struct event events[2];
	event_init(&events[0], EVENT_RELEASED, trial);
	events[0].attempt = 1;
	events[0].at_ms = lab->now_ms;
	event_init(&events[1], EVENT_ASSIGNED, trial);
	events[1].attempt = 2;
	events[1].at_ms = lab->now_ms;
	events[1].lease_ms = 1000;
	lab_append(lab, events, 2);
	assert_int_equal(lease_of(lab, trial), LAB_NOW + 491000);
}

static void test_due(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	const struct due *due;
	size_t n;
	for (int64_t i = 0; i < 4; i++) {
		int64_t trial = lab_suggest(lab);
		assert_int_equal(trial, i);
		assert_int_equal(store_lease_extend(lab->session, lab->id, trial, 1,
					 LAB_NOW + 1000 * (4 - i), &err),
			0);
	}
	lab_create(lab, "exp_deadline", "d", LAB_PLAIN ",\"limits\":{\"max_duration\":\"3500ms\"}",
		LAB_NOW);
	struct session *session = lab->session;
	assert_int_equal(store_due(session, LAB_NOW + 999, 10, &lab->arena, &due, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_due(session, LAB_NOW + 4000, 10, &lab->arena, &due, &n, &err), 0);
	assert_int_equal(n, 5);
	static const int64_t trials[] = { 3, 2, 1, -1, 0 };
	static const int64_t at[] = { 1000, 2000, 3000, 3500, 4000 };
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(due[i].trial, trials[i]);
		assert_int_equal(due[i].lease_until_ms, LAB_NOW + at[i]);
		assert_string_equal(due[i].experiment, trials[i] < 0 ? "exp_deadline" : lab->id);
		assert_string_equal(due[i].team, LAB_TEAM);
		assert_int_equal(due[i].attempt, trials[i] < 0 ? 0 : 1);
	}
	assert_int_equal(store_due(session, LAB_NOW + 9000, 2, &lab->arena, &due, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(due[1].trial, 2);
	/* What has ended is not due. */
	lab_observe(lab, 3, 0.5);
	assert_int_equal(store_due(session, LAB_NOW + 1500, 10, &lab->arena, &due, &n, &err), 0);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pages, lab_setup),
		cmocka_unit_test_setup(test_best_first, lab_setup),
		cmocka_unit_test_setup(test_wrong_cursors, lab_setup),
		cmocka_unit_test_setup(test_get, lab_setup),
		cmocka_unit_test_setup(test_metrics, lab_setup),
		cmocka_unit_test_setup(test_lease_extend, lab_setup),
		cmocka_unit_test_setup(test_append_keeps_a_longer_lease, lab_setup),
		cmocka_unit_test_setup(test_due, lab_setup),
	};
	return back_end_run("trials", tests, lab_group_setup, lab_group_teardown);
}
