/* Starting a program: between fork and exec there are only calls that POSIX allows there. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLIND_MS 20 /* between looks where the system has no pidfd */

/* Tells the parent why, and ends. */
static void give_up(int report)
{
	int why = errno;
	ssize_t n = write(report, &why, sizeof(why));
	_exit(n == (ssize_t)sizeof(why) ? 126 : 125);
}

static bool set_limits(const struct process_plan *plan)
{
	static const struct rlimit none = { 0 };

	if (setrlimit(RLIMIT_CORE, &none))
		return false;
	for (size_t i = 0; i < plan->n_limits; i++) {
		const struct process_limit *limit = &plan->limits[i];
		struct rlimit both = { (rlim_t)limit->value, (rlim_t)limit->value }, before;
		if (limit->value < 0)
			continue;
		if (getrlimit((__rlimit_resource_t)limit->resource, &before))
			return false;
		/* What is stricter already stays. */
		if (before.rlim_max != RLIM_INFINITY && before.rlim_max < both.rlim_max)
			both.rlim_cur = both.rlim_max = before.rlim_max;
		if (setrlimit((__rlimit_resource_t)limit->resource, &both))
			return false;
	}
	return true;
}

static void child(const struct process_plan *plan, int report, pid_t parent)
{
	sigset_t none;
	int input = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL); /* some cannot be set: so be it */
	bool ok = setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && input >= 0 &&
		  dup2(input, STDIN_FILENO) >= 0 && dup2(plan->output, STDOUT_FILENO) >= 0 &&
		  dup2(plan->error, STDERR_FILENO) >= 0 && set_limits(plan) &&
		  chdir(plan->directory) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
	if (ok && getppid() != parent) {
		errno = ESRCH; /* it died before prctl */
		ok = false;
	}
	umask(077);
	if (ok)
		execvpe(plan->argv[0], plan->argv, plan->environment);
	give_up(report);
}

int process_start(struct process *process, const struct process_plan *plan)
{
	int report[2], why = 0;
	ssize_t n;
	pid_t self = getpid();

	if (pipe2(report, O_CLOEXEC))
		return errno;
	pid_t pid = fork();
	if (pid == 0)
		child(plan, report[1], self);
	why = pid < 0 ? errno : 0;
	close(report[1]);
	while (pid > 0 && (n = read(report[0], &why, sizeof(why))) < 0 && errno == EINTR)
		;
	close(report[0]);
	if (why) {
		while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return why;
	}
	*process = (struct process){ .pid = pid };
	process->handle = (int)syscall(SYS_pidfd_open, pid, 0);
	return 0;
}

void process_signal(const struct process *process, int number)
{
	/* Not yet waited for, the leader keeps the group's number from being used again. */
	if (process->pid > 0 && !process->ended)
		kill(-process->pid, number);
}

bool process_wait(struct process *process, int ms)
{
	siginfo_t info = { 0 };

	if (process->ended)
		return true;
	if (process->handle >= 0) {
		struct pollfd end = { .fd = process->handle, .events = POLLIN };
		poll(&end, 1, ms);
	} else {
		poll(NULL, 0, ms < BLIND_MS ? ms : BLIND_MS);
	}
	if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
		info.si_pid != process->pid)
		return false;
	process_signal(process, SIGKILL);
	while (waitpid(process->pid, &process->status, 0) < 0 && errno == EINTR)
		;
	process->ended = true;
	if (process->handle >= 0)
		close(process->handle);
	process->handle = -1;
	return true;
}

void process_describe(const struct process *process, char *out, size_t size)
{
	if (WIFSIGNALED(process->status))
		snprintf(out, size, "signal %d (%s)", WTERMSIG(process->status),
			strsignal(WTERMSIG(process->status)));
	else
		snprintf(out, size, "exit status %d", WEXITSTATUS(process->status));
}
