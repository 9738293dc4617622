/* Migrations: from every step, from nothing, by many at once, never backwards. */
#include "tests/conformance/lab.h"

#include <pthread.h>
#include <sys/wait.h>

#define STARTERS 6

/* Every test has a database of its own: this fixture is per test. */
struct fixture {
	struct back_end back_end;
	struct store *store;
	struct session *session;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = { 0 };
	*state = f;
	if (!back_end_open(back_end_name, &f->back_end))
		return -1;
	const struct store_config config = { .url = f->back_end.url };
	if (store_open(&config, &f->store, &err) || session_open(f->store, &f->session, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	session_close(f->session);
	store_close(f->store);
	back_end_close(&f->back_end);
	free(f);
	return 0;
}

static int64_t step_of(struct fixture *f)
{
	struct error err = { 0 };
	int64_t step = -1;
	int rc = store_schema_version(f->session, &step, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	assert_int_equal(rc, 0);
	return step;
}

/* An experiment goes through the whole schema. */
static void assert_usable(struct fixture *f)
{
	struct error err = { 0 };
	struct lab lab = { .store = f->store, .session = f->session, .now_ms = LAB_NOW };
	arena_init(&lab.arena, 0);
	view_init(&lab.view, &lab_catalog);
	lab_begin(&lab, LAB_PLAIN ",\"labels\":{\"a\":\"1\"}");
	int64_t length, trial = lab_suggest(&lab);
	lab_report(&lab, trial, 1, 0.5);
	lab_observe(&lab, trial, 0.5);
	const struct artifact_row artifact = {
		.trial = trial, .name = "n", .content_type = "t", .size = 1, .sha256 = "00"
	};
	assert_int_equal(store_artifact_put(f->session, lab.id, &artifact, "x", &err), 0);
	assert_int_equal(store_log_append(f->session, lab.id, trial, 0, "x", 1, &length, &err), 0);
	assert_int_equal(store_experiment_delete(f->session, NULL, lab.id, &err), 0);
	view_release(&lab.view);
	arena_release(&lab.arena);
}

static void test_from_nothing(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	assert_int_equal(step_of(f), 0);
	assert_int_equal(store_migrate(f->store, &err), 0);
	assert_int_equal(step_of(f), store_schema_latest());
	assert_usable(f);
	/* and again, which changes nothing */
	assert_int_equal(store_migrate(f->store, &err), 0);
	assert_int_equal(step_of(f), store_schema_latest());
	assert_usable(f);
}

static void test_from_every_step(void **state)
{
	struct error err = { 0 };
	(void)state;
	for (int64_t step = 1; step < store_schema_latest(); step++) {
		void *own = NULL;
		assert_int_equal(setup(&own), 0);
		struct fixture *f = own;
		assert_int_equal(store_migrate_to(f->session, step, &err), 0);
		assert_int_equal(step_of(f), step);
		/* what was there stays */
		const struct team_row team = { .id = "old", .name = "from before" };
		assert_int_equal(store_team_create(f->session, &team, &err), 0);
		assert_int_equal(store_migrate(f->store, &err), 0);
		assert_int_equal(step_of(f), store_schema_latest());
		struct arena arena;
		struct team_row found;
		arena_init(&arena, 0);
		assert_int_equal(store_team_get(f->session, "old", &arena, &found, &err), 0);
		arena_release(&arena);
		assert_usable(f);
		teardown(&own);
	}
}

/* ---- many at once ---- */

static void *migrate_thread(void *arg)
{
	struct fixture *f = arg;
	struct error err = { 0 };
	if (!store_migrate(f->store, &err))
		return NULL;
	fprintf(stderr, "%s\n", err.message);
	return f;
}

static void test_threads(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[STARTERS];
	for (int i = 0; i < STARTERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, migrate_thread, f), 0);
	for (int i = 0; i < STARTERS; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(step_of(f), store_schema_latest());
	assert_usable(f);
}

static int migrate_process(const char *url)
{
	const struct store_config config = { .url = url };
	struct store *store;
	struct error err = { 0 };
	int rc = store_open(&config, &store, &err);
	if (!rc) {
		rc = store_migrate(store, &err);
		store_close(store);
	}
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	return rc;
}

static void test_processes(void **state)
{
	struct fixture *f = *state;
	pid_t children[STARTERS];
	if (!strcmp(f->back_end.name, BACK_END_MEMORY)) {
		print_message("  a database in memory has one process\n");
		return;
	}
	fflush(NULL);
	for (int i = 0; i < STARTERS; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (!children[i])
			_exit(migrate_process(f->back_end.url));
	}
	for (int i = 0; i < STARTERS; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_int_equal(step_of(f), store_schema_latest());
	assert_usable(f);
}

/* ---- refusals ---- */

static void test_newer_database(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	assert_int_equal(store_migrate(f->store, &err), 0);
	assert_int_equal(f->store->ops->script(f->session->sql,
				 "INSERT INTO schema_version VALUES (9999, 'future')", &err),
		0);
	assert_int_equal(store_migrate(f->store, &err), CODE_CONFLICT);
	assert_non_null(strstr(err.message, "newer release"));
}

/* A step that fails leaves nothing behind, and is tried again next time. */
static void test_failed_step(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	assert_int_equal(store_migrate_to(f->session, 2, &err), 0);
	assert_int_equal(f->store->ops->script(f->session->sql,
				 "CREATE TABLE log_chunks (in_the_way BIGINT)", &err),
		0);
	assert_int_not_equal(store_migrate(f->store, &err), 0);
	assert_int_equal(step_of(f), 2);
	assert_int_equal(f->store->ops->script(f->session->sql, "DROP TABLE log_chunks", &err), 0);
	assert_int_equal(store_migrate(f->store, &err), 0);
	assert_usable(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_from_nothing, setup, teardown),
		cmocka_unit_test(test_from_every_step),
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer_database, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_step, setup, teardown),
	};
	return back_end_run("migrate", tests, NULL, NULL);
}
