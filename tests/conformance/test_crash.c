/*
 * kill -9 in the middle of appending: what was acknowledged is there, what was not is there as a
 * whole or not at all, and the log has no gap.
 */
#include "tests/conformance/lab.h"

#include <signal.h>
#include <sys/wait.h>

#define ROUNDS	     5
#define KILLED_AFTER 12 /* acknowledged appends */

/* Appends a suggest and a report at a time and writes the version it was promised to fd; for
 * ever. */
static void child_append(const char *url, const char *id, int fd)
{
	const struct store_config config = { .url = url };
	struct store *store;
	struct session *session;
	struct view view;
	struct arena arena;
	struct experiment_row row;
	struct error err = { 0 };
	arena_init(&arena, 0);
	view_init(&view, &lab_catalog);
	if (store_open(&config, &store, &err) || session_open(store, &session, &err) ||
		store_view_load(session, id, &view, &arena, &row, &err))
		_exit(1);
	for (;;) {
		struct metric metric = lab_loss(0.5);
		struct event events[2];
		events[0] = lab_suggested(&view, LAB_NOW);
		events[1] = lab_result(EVENT_REPORTED, events[0].trial, 1, 1, LAB_NOW, &metric);
		if (lab_append_with(session, &view, id, events, 2, NULL, NULL, &err))
			_exit(2);
		uint64_t version = view.counts.version;
		if (write(fd, &version, sizeof(version)) != (ssize_t)sizeof(version))
			_exit(3);
	}
}

/* Runs a child until it has promised enough, kills it, and answers the last version it promised. */
static uint64_t run_and_kill(struct lab *lab)
{
	int fds[2], status;
	uint64_t version = 0, promised = 0;
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(fds[0]);
		child_append(lab->back_end.url, lab->id, fds[1]);
	}
	close(fds[1]);
	for (int i = 0; i < KILLED_AFTER; i++) {
		assert_int_equal(read(fds[0], &version, sizeof(version)), sizeof(version));
		promised = version;
	}
	kill(child, SIGKILL);
	while (read(fds[0], &version, sizeof(version)) == (ssize_t)sizeof(version))
		promised = version; /* promised before it died */
	close(fds[0]);
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
	return promised;
}

static void test_nothing_acknowledged_is_lost(void **state)
{
	struct lab *lab = *state;
	struct error err = { 0 };
	if (!strcmp(lab->back_end.name, BACK_END_MEMORY)) {
		print_message("  a database in memory dies with its process\n");
		return;
	}
	for (int round = 0; round < ROUNDS; round++) {
		const struct event *events;
		const struct metric_row *reports;
		struct view view;
		struct experiment_row row;
		size_t n, n_reports;
		uint64_t promised = run_and_kill(lab);
		/* The server may still be at the last transaction of the child it has lost: each
		 * reading may see one pair more than the one before it, never less. */
		view_init(&view, &lab_catalog);
		assert_int_equal(
			store_view_load(lab->session, lab->id, &view, &lab->arena, &row, &err), 0);
		size_t version = view.counts.version;
		assert_true(version >= promised);
		assert_int_equal(version % 2, 1); /* created, and pairs */
		assert_int_equal(view.n_trials, (version - 1) / 2);
		view_release(&view);
		assert_int_equal(store_events(lab->session, lab->id, 0, 100000, &lab->arena,
					 &events, &n, &err),
			0);
		assert_in_range(n, version, version + 2);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(events[i].version, i + 1);
		assert_int_equal(n % 2, 1);
		assert_int_equal(store_metric_list(lab->session, lab->id, -1, 0, 100000,
					 &lab->arena, &reports, &n_reports, &err),
			0);
		assert_in_range(n_reports, (n - 1) / 2, (n + 1) / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_acknowledged_is_lost, lab_setup),
	};
	return back_end_run("crash", tests, lab_group_setup, lab_group_teardown);
}
