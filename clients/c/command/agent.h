/*
 * The agent: takes trials and runs a command for each, in a number of slots. A slot is a thread
 * with a client of its own, whose worker is named after it, so that a trial that was handed out
 * with an answer that got lost comes back to it.
 */
#ifndef CLIENTS_C_AGENT_H
#define CLIENTS_C_AGENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "command.h"
#include "process.h"

#define GPUS_MAX  256
#define SLOTS_MAX 1024
#define LIMITS	  4

struct agent_options {
	char *const *argv;    /* the trial's command */
	char code[4096];      /* directory it starts in, absolute; "": the trial's own */
	char directory[4096]; /* absolute: below it are EXPERIMENT/trials/NUMBER/ATTEMPT */
	const char *worker;   /* NULL: host:pid */
	long long slots, retries, trials, max_failures; /* trials, max_failures: 0 is no bound */
	int64_t lease_ms, grace_ms, time_limit_ms;	/* time_limit_ms: 0 is none */
	int gpus[GPUS_MAX];
	size_t n_gpus;
	long long gpus_per_trial; /* -1: GPUs are none of the agent's business */
	struct process_limit limits[LIMITS];
};

enum agent_closing { AGENT_GOES_ON, AGENT_CLOSES, AGENT_HURRIES /* trials get no grace */ };

/* What has been so far. */
struct agent_counts {
	long long taken, running, succeeded, failed, stopped, given_back, failed_in_a_row;
};

struct agent {
	const struct agent_options *options;
	const struct cairn_options *client;
	const char *experiment;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;  /* closing was set */
	enum agent_closing closing;
	struct agent_counts counts;
	size_t open; /* slots that have not ended */
	enum status status;
};

/* Reads the options of the command line. False: what is wrong is explained. */
bool agent_configure(struct agent_options *out, const struct options *given, char **argv);

/*
 * Runs until there is nothing more to do, the bound on trials is reached, too many fail in a row,
 * or SIGTERM, SIGINT or SIGHUP comes: then trials are ended and given back, at a second signal at
 * once. on_tick (may be NULL) is called some times a second; *interrupted: a signal has ended it.
 * The caller has blocked agent_signals in all threads.
 */
enum status agent_run(
	struct agent *agent, void (*on_tick)(void *context), void *context, bool *interrupted);

/* Blocks the signals that agent_run takes. */
void agent_block_signals(void);

/* ---- for the slots ---- */

enum agent_closing agent_closing(struct agent *agent);
void agent_close(struct agent *agent, enum status status);

/* Sleeps, but not beyond closing. */
void agent_rest(struct agent *agent, int64_t ms);

enum job_end { JOB_SUCCEEDED, JOB_FAILED, JOB_STOPPED, JOB_GIVEN_BACK };

/* Runs the trial's command to its end and reports it. slot: its index, from 0. */
enum job_end job_run(struct agent *agent, long long slot, struct cairn_trial *trial);

int64_t clock_ms(void); /* monotonic */

#endif
