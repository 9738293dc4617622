#include "local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define RESTARTS_MAX 5
#define START_MS     30000
#define STOP_MS	     30000
#define TICK_MS	     200

extern char **environ;

/* CAIRND, or the one beside this program, or the one in PATH. */
static void find_program(char out[PATH_MAX])
{
	const char *given = getenv("CAIRND");
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 8);
	char *slash = n > 0 ? memrchr(out, '/', (size_t)n) : NULL;

	if (given && *given) {
		snprintf(out, PATH_MAX, "%s", given);
		return;
	}
	if (slash)
		snprintf(slash + 1, 8, "cairnd");
	if (!slash || access(out, X_OK))
		snprintf(out, PATH_MAX, "cairnd");
}

/* Reads the line in which it says where it listens. False: it ended, or says nothing. */
static bool read_address(struct local *local)
{
	static const char before[] = "listening on http://";
	char text[512] = "";
	size_t n = 0;

	for (int waited_ms = 0; waited_ms < START_MS && n < sizeof(text) - 1;) {
		struct pollfd ready = { .fd = local->output, .events = POLLIN };
		if (poll(&ready, 1, TICK_MS) <= 0) {
			waited_ms += TICK_MS;
			continue;
		}
		ssize_t got = read(local->output, text + n, sizeof(text) - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		text[n] = '\0';
		const char *found = strstr(text, before);
		const char *end = found ? strchr(found, '\n') : NULL;
		if (!end)
			continue;
		found += sizeof(before) - 1;
		snprintf(local->address, sizeof(local->address), "%.*s", (int)(end - found), found);
		snprintf(local->url, sizeof(local->url), "http://%s", local->address);
		return true;
	}
	return false;
}

static int open_log(const struct local *local)
{
	char path[PATH_MAX + 16];
	snprintf(path, sizeof(path), "%s/cairnd.log", local->directory);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static bool start(struct local *local)
{
	char program[PATH_MAX], database[PATH_MAX + 32];
	char listen[] = "--listen", at[] = "--database";
	char *argv[] = { program, listen, local->address, at, database, NULL };
	int ends[2], log = open_log(local);

	find_program(program);
	snprintf(database, sizeof(database), "sqlite:///%s/cairn.db", local->directory);
	if (log < 0 || pipe2(ends, O_CLOEXEC)) {
		fprintf(stderr, "cairn: %s/cairnd.log: %s\n", local->directory, strerror(errno));
		if (log >= 0)
			close(log);
		return false;
	}
	struct process_plan plan = { .argv = argv,
		.environment = environ,
		.directory = "/",
		.output = ends[1],
		.error = log };
	int why = process_start(&local->process, &plan);
	close(ends[1]);
	close(log);
	if (local->output >= 0)
		close(local->output);
	local->output = ends[0];
	if (!why && read_address(local))
		return true;
	if (why)
		fprintf(stderr, "cairn: %s: %s\n", program, strerror(why));
	else
		fprintf(stderr, "cairn: the server does not start; %s/cairnd.log says why\n",
			local->directory);
	return false;
}

/* The lock of a directory's database; -1: the reason is printed. */
static int take_lock(const char *directory)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/cairn.lock", directory);
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
		return lock;
	fprintf(stderr, "cairn: %s: %s\n", path,
		lock >= 0 && errno == EWOULDBLOCK
			? "another cairn run or server uses this directory; give it another "
			  "--dir, or both the --url of one server"
			: strerror(errno));
	if (lock >= 0)
		close(lock);
	return -1;
}

bool local_start(struct local *local, const char *directory)
{
	*local = (struct local){ .lock = -1, .output = -1, .address = "127.0.0.1:0" };
	snprintf(local->directory, sizeof(local->directory), "%s", directory);
	local->lock = take_lock(directory);
	if (local->lock >= 0 && start(local))
		return true;
	local_stop(local);
	return false;
}

bool local_keep(struct local *local)
{
	if (!process_wait(&local->process, 0))
		return true;
	if (++local->restarts > RESTARTS_MAX)
		return false;
	fprintf(stderr, "cairn: the server has ended; it is started again\n");
	return start(local);
}

void local_stop(struct local *local)
{
	if (local->process.pid > 0) {
		process_signal(&local->process, SIGTERM);
		for (int waited_ms = 0; !process_wait(&local->process, TICK_MS);) {
			waited_ms += TICK_MS;
			if (waited_ms >= STOP_MS)
				process_signal(&local->process, SIGKILL);
		}
	}
	if (local->output >= 0)
		close(local->output);
	if (local->lock >= 0)
		close(local->lock);
	*local = (struct local){ .lock = -1, .output = -1 };
}

void local_exec(const char *directory, char *const *arguments, size_t n)
{
	char program[PATH_MAX], database[PATH_MAX + 32], at[] = "--database";
	char **argv = calloc(n + 4, sizeof(*argv));
	int lock = take_lock(directory);

	if (argv && lock >= 0) {
		find_program(program);
		snprintf(database, sizeof(database), "sqlite:///%s/cairn.db", directory);
		argv[0] = program;
		argv[1] = at;
		argv[2] = database;
		for (size_t i = 0; i < n; i++)
			argv[3 + i] = arguments[i];
		fcntl(lock, F_SETFD, 0); /* the server holds it on */
		execvp(program, argv);
		fprintf(stderr, "cairn: %s: %s\n", program, strerror(errno));
	}
	if (lock >= 0)
		close(lock);
	free(argv);
}
