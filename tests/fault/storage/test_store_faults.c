/*
 * The store under failures: the n-th run of a batch fails, for every n until all goes well; memory
 * runs out after n bytes, for growing n until it suffices. Whatever fails is either there or not
 * there as a whole, says so with the right code, and can be tried again.
 */
#include "tests/conformance/lab.h"

enum mishap {
	FAULT_BEFORE, /* the database never saw the batch */
	FAULT_AFTER   /* it was done, and the answer was lost */
};

/* A database that lets the n-th run fail. */
struct sql {
	struct sql *below;
};

struct sql_session {
	struct sql_session *below;
};

static struct {
	enum mishap mishap;
	size_t run, fail_at; /* runs so far; the one to fail, 0: none */
} faults_now;

static int open_faulty(const struct sql_config *config, struct sql **out, struct error *err)
{
	struct sql *sql = calloc(1, sizeof(*sql));
	int rc = sql_sqlite.open(config, &sql->below, err);
	if (rc) {
		free(sql);
		return rc;
	}
	*out = sql;
	return 0;
}

static void close_faulty(struct sql *sql)
{
	sql_sqlite.close(sql->below);
	free(sql);
}

static int session_open_faulty(struct sql *sql, struct sql_session **out, struct error *err)
{
	struct sql_session *session = calloc(1, sizeof(*session));
	int rc = sql_sqlite.session_open(sql->below, &session->below, err);
	if (rc) {
		free(session);
		return rc;
	}
	*out = session;
	return 0;
}

static void session_close_faulty(struct sql_session *session)
{
	sql_sqlite.session_close(session->below);
	free(session);
}

static int run_faulty(
	struct sql_session *session, enum sql_mode mode, struct sql_batch *batch, struct error *err)
{
	bool hit = ++faults_now.run == faults_now.fail_at;
	if (hit && faults_now.mishap == FAULT_BEFORE)
		return fail(err, CODE_UNAVAILABLE, "run %zu was made to fail", faults_now.run);
	int rc = sql_sqlite.run(session->below, mode, batch, err);
	if (hit)
		return fail(
			err, CODE_UNAVAILABLE, "the answer to run %zu was lost", faults_now.run);
	return rc;
}

static int script_faulty(struct sql_session *session, const char *text, struct error *err)
{
	return sql_sqlite.script(session->below, text, err);
}

static const struct sql_ops sql_faulty = {
	.scheme = "sqlite",
	.open = open_faulty,
	.close = close_faulty,
	.session_open = session_open_faulty,
	.session_close = session_close_faulty,
	.run = run_faulty,
	.script = script_faulty,
};

/* ---- fixture ---- */

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct error err = { 0 };
	const struct store_config config = { .url = "sqlite::memory:" };
	*state = lab;
	faults_now.fail_at = 0;
	view_init(&lab->view, &lab_catalog);
	arena_init(&lab->arena, 0);
	lab->now_ms = LAB_NOW;
	if (store_open_on(&sql_faulty, &config, &lab->store, &err) ||
		store_migrate(lab->store, &err) || session_open(lab->store, &lab->session, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	lab_begin(lab, LAB_CURIOUS);
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;
	view_release(&lab->view);
	session_close(lab->session);
	store_close(lab->store);
	arena_release(&lab->arena);
	free(lab);
	return 0;
}

static void reload(struct lab *lab)
{
	struct experiment_row row;
	struct error err = { 0 };
	view_release(&lab->view);
	view_init(&lab->view, &lab_catalog);
	assert_int_equal(
		store_view_load(lab->session, lab->id, &lab->view, &lab->arena, &row, &err), 0);
}

/* ---- a day in the life of an experiment, in steps that may fail ---- */

#define N_STEPS 10

/* Step i, as somebody would do it who knows only the view. */
static int step_run(struct lab *lab, size_t i, struct error *err)
{
	struct metric metric = lab_loss(0.5);
	struct event event;
	int64_t trial = lab->view.n_trials ? (int64_t)lab->view.n_trials - 1 : 0;
	struct experiment_row row;
	struct experiment_page page;
	const struct experiment_filter filter = { .limit = 10 };
	int64_t length;
	switch (i) {
	case 0:
	case 5:
		event = lab_suggested(&lab->view, LAB_NOW);
		return lab_try(lab, &event, 1, err);
	case 1:
	case 6:
		event = lab_result(EVENT_REPORTED, trial, 1, (int64_t)i, LAB_NOW, &metric);
		return lab_try(lab, &event, 1, err);
	case 2:
		return store_lease_extend(lab->session, lab->id, trial, 1, LAB_NOW + 90000, err);
	case 3:
		length = 0;
		return store_log_append(lab->session, lab->id, trial, 0, "x", 1, &length, err);
	case 4:
		event = lab_result(EVENT_OBSERVED, trial, 1, -1, LAB_NOW, &metric);
		return lab_try(lab, &event, 1, err);
	case 7:
		return store_experiment_get(lab->session, NULL, lab->id, &lab->arena, &row, err);
	case 8:
		return store_experiment_list(lab->session, &filter, &lab->arena, &page, err);
	default:
		event_init(&event, EVENT_PAUSED, trial);
		event.attempt = 1;
		event.at_ms = LAB_NOW;
		return lab_try(lab, &event, 1, err);
	}
}

/* Runs every step until it has happened. A lost answer leaves open whether it has: an append finds
 * out by the version, a log by its length. */
static size_t live(struct lab *lab, enum mishap mishap)
{
	struct error err = { 0 };
	size_t failures = 0;
	for (size_t i = 0; i < N_STEPS; i++) {
		uint64_t version = lab->view.counts.version;
		int rc = step_run(lab, i, &err);
		if (!rc)
			continue;
		failures++;
		assert_int_equal(rc, CODE_UNAVAILABLE);
		assert_int_equal(lab->view.counts.version, version);
		if (mishap == FAULT_BEFORE) {
			assert_int_equal(step_run(lab, i, &err), 0);
			continue;
		}
		bool append = i != 2 && i != 3 && i != 7 && i != 8;
		rc = step_run(lab, i, &err);
		assert_int_equal(rc, append ? CODE_MISS : i == 3 ? CODE_CONFLICT : 0);
		reload(lab);
		assert_int_equal(lab->view.counts.version, version + append);
	}
	return failures;
}

static void assert_lived(struct lab *lab)
{
	reload(lab);
	assert_int_equal(lab->view.counts.version, 7);
	assert_int_equal(lab->view.n_trials, 2);
	assert_int_equal(lab->view.trials[0].state, TRIAL_SUCCEEDED);
	assert_int_equal(lab->view.trials[0].n_reports, 1);
	assert_int_equal(lab->view.trials[1].state, TRIAL_PAUSED);
	assert_int_equal(lab->view.trials[1].n_reports, 1);
}

static void fail_each_run(enum mishap mishap)
{
	size_t n = 1;
	for (;; n++) {
		void *own;
		assert_int_equal(setup(&own), 0);
		struct lab *lab = own;
		faults_now.mishap = mishap;
		faults_now.run = 0;
		faults_now.fail_at = n;
		size_t failures = live(lab, mishap);
		faults_now.fail_at = 0;
		assert_lived(lab);
		teardown(&own);
		if (!failures)
			break;
		assert_int_equal(failures, 1);
	}
	/* each step is one run: one transaction, one trip */
	assert_int_equal(n, N_STEPS + 1);
}

static void test_runs_fail(void **state)
{
	(void)state;
	fail_each_run(FAULT_BEFORE);
}

static void test_answers_are_lost(void **state)
{
	(void)state;
	fail_each_run(FAULT_AFTER);
}

/* ---- memory ---- */

#define MEMORY_STEP 97 /* no multiple of anything */
#define MEMORY_MAX  (1u << 20)

/* Of the session's own memory. */
static void test_scratch_runs_out(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	size_t limit, failures = 0;
	for (size_t i = 0; i < N_STEPS; i++) {
		int rc = CODE_NO_MEMORY;
		for (limit = MEMORY_STEP; rc && limit < MEMORY_MAX; limit += MEMORY_STEP) {
			arena_release(&lab->session->scratch);
			lab->session->scratch.limit = limit;
			rc = step_run(lab, i, &err);
			failures += rc != 0;
			if (rc)
				assert_int_equal(rc, CODE_NO_MEMORY);
		}
		assert_int_equal(rc, 0);
	}
	assert_true(failures > 50);
	lab->session->scratch.limit = 0;
	assert_lived(lab);
}

/* Of the caller's, into which answers go. */
static int answer(struct lab *lab, size_t i, struct arena *arena, struct error *err)
{
	struct experiment_row row;
	struct experiment_page page;
	const struct experiment_filter list = { .name = "a", .sort = SORT_NAME, .limit = 1 };
	const struct trial_filter filter = { .experiment = lab->id, .state = -1, .limit = 1 };
	struct trial_page trials;
	const struct event *events;
	const struct metric_row *reports;
	const struct due *due;
	const void *data;
	int64_t length;
	size_t n;
	struct session *session = lab->session;
	switch (i) {
	case 0:
		return store_experiment_get(session, NULL, lab->id, arena, &row, err);
	case 1:
		return store_experiment_list(session, &list, arena, &page, err);
	case 2:
		return store_events(session, lab->id, 0, 100, arena, &events, &n, err);
	case 3:
		return store_metric_list(session, lab->id, -1, 0, 9, arena, &reports, &n, err);
	case 4:
		return store_due(session, LAB_NOW * 2, 9, arena, &due, &n, err);
	case 5:
		return store_log_read(session, lab->id, 0, 0, 9, arena, &data, &n, &length, err);
	default:
		return store_trial_list(session, &filter, arena, &trials, err);
	}
}

static void test_answers_run_out_of_memory(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	size_t failures = 0;
	live(lab, FAULT_BEFORE);
	lab_create(lab, "exp_second", "a second one", LAB_PLAIN, LAB_NOW);
	for (size_t i = 0; i < 7; i++) {
		int rc = CODE_NO_MEMORY;
		for (size_t limit = 1; rc && limit < MEMORY_MAX; limit += MEMORY_STEP) {
			struct arena arena;
			arena_init(&arena, limit);
			rc = answer(lab, i, &arena, &err);
			failures += rc != 0;
			if (rc)
				assert_int_equal(rc, CODE_NO_MEMORY);
			arena_release(&arena);
		}
		assert_int_equal(rc, 0);
	}
	assert_true(failures >= 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_fail),
		cmocka_unit_test(test_answers_are_lost),
		cmocka_unit_test_setup_teardown(test_scratch_runs_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_run_out_of_memory, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
