/* A program in a process group of its own, with limits, that is waited for and ended as a whole. */
#ifndef CLIENTS_C_PROCESS_H
#define CLIENTS_C_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_limit {
	int resource;  /* RLIMIT_... */
	int64_t value; /* both the soft and the hard limit; less than 0: left alone */
};

struct process_plan {
	char *const *argv; /* argv[0] is looked for in PATH when it has no slash */
	char *const *environment;
	const char *directory; /* to start in */
	int output;	       /* becomes standard output; input is /dev/null */
	int error;	       /* becomes standard error */
	const struct process_limit *limits;
	size_t n_limits;
};

struct process {
	pid_t pid;  /* its group has the same number; 0: not started */
	int handle; /* pidfd; -1: the system has none */
	bool ended;
	int status; /* as of waitpid(2), once ended */
};

/* 0, or the errno of what failed: no such program, no such directory, no right, no process. The
 * program dies with the thread that starts it, so that nothing outlives a killed agent. */
int process_start(struct process *process, const struct process_plan *plan);

/* To all of the group. */
void process_signal(const struct process *process, int number);

/* Waits up to ms for its end. Once true, nothing of its group is left. */
bool process_wait(struct process *process, int ms);

/* "exit status 3", "signal 9 (Killed)". */
void process_describe(const struct process *process, char *out, size_t size);

#endif
