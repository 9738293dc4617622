/* The agent's slots, and how it begins and ends. */
#include "agent.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS     10000
#define LEASE_MS     60000
#define LEASE_MIN_MS 1000
#define LEASE_MAX_MS (30ll * 24 * 3600 * 1000)
#define PATIENCE_MS  2000 /* a closing agent's open question is answered within */
#define AWAY_MS	     1000 /* between questions while the server is away */
#define ATTEMPT_MS   15000
#define TICK_MS	     200
#define MAX_FAILURES 20

struct slot {
	struct agent *agent;
	pthread_t thread;
	long long index;
	char worker[192];
};

/* ---- what slots share ---- */

enum agent_closing agent_closing(struct agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	enum agent_closing closing = agent->closing;
	pthread_mutex_unlock(&agent->lock);
	return closing;
}

/* The first reason stays. */
void agent_close(struct agent *agent, enum status status)
{
	pthread_mutex_lock(&agent->lock);
	if (!agent->closing) {
		agent->closing = AGENT_CLOSES;
		agent->status = status;
	}
	pthread_cond_broadcast(&agent->wake);
	pthread_mutex_unlock(&agent->lock);
}

static void hurry(struct agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	agent->closing = agent->closing ? AGENT_HURRIES : AGENT_CLOSES;
	pthread_cond_broadcast(&agent->wake);
	pthread_mutex_unlock(&agent->lock);
}

void agent_rest(struct agent *agent, int64_t ms)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000 * 1000000);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&agent->lock);
	enum agent_closing before = agent->closing;
	while (agent->closing == before && rc == 0)
		rc = pthread_cond_timedwait(&agent->wake, &agent->lock, &until);
	pthread_mutex_unlock(&agent->lock);
}

/* May another trial be taken? */
static bool reserve(struct agent *agent)
{
	long long most = agent->options->trials;

	pthread_mutex_lock(&agent->lock);
	bool more = !agent->closing && (!most || agent->counts.taken < most);
	agent->counts.taken += more ? 1 : 0;
	pthread_mutex_unlock(&agent->lock);
	return more;
}

static void unreserve(struct agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	agent->counts.taken--;
	pthread_mutex_unlock(&agent->lock);
}

static void begin(struct agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	agent->counts.running++;
	pthread_mutex_unlock(&agent->lock);
}

/* Counts, and closes the agent when too many have failed in a row. */
static void settle(struct agent *agent, enum job_end end)
{
	struct agent_counts *counts = &agent->counts;
	long long *const by_end[] = { [JOB_SUCCEEDED] = &counts->succeeded,
		[JOB_FAILED] = &counts->failed,
		[JOB_STOPPED] = &counts->stopped,
		[JOB_GIVEN_BACK] = &counts->given_back };
	long long most = agent->options->max_failures;

	pthread_mutex_lock(&agent->lock);
	counts->running--;
	(*by_end[end])++;
	if (end == JOB_SUCCEEDED || end == JOB_STOPPED)
		counts->failed_in_a_row = 0;
	else if (end == JOB_FAILED)
		counts->failed_in_a_row++;
	bool too_many = most && counts->failed_in_a_row >= most && !agent->closing;
	pthread_mutex_unlock(&agent->lock);
	if (!too_many)
		return;
	fprintf(stderr, "cairn: %lld trials in a row have failed: the agent ends\n", most);
	agent_close(agent, STATUS_REFUSED);
}

/* ---- a slot ---- */

static bool is_away(int rc, const struct cairn_error *error)
{
	return rc == CAIRN_UNREACHABLE || rc == CAIRN_NO_MEMORY ||
	       (rc == CAIRN_REFUSED && (error->status == 429 || error->status >= 500));
}

/* Takes a trial, however long that takes. NULL: there will be none. */
static struct cairn_trial *take(struct slot *slot, struct cairn *cairn, bool *in_doubt)
{
	struct agent *agent = slot->agent;
	struct cairn_trial *trial = NULL;
	struct cairn_error error = { 0 };

	while (!agent_closing(agent)) {
		/* An answer that got lost may have given us a trial. */
		struct cairn_suggest_options options = { .lease_ms = agent->options->lease_ms,
			.patience_ms = PATIENCE_MS,
			.resume = *in_doubt };
		int rc = cairn_suggest(cairn, agent->experiment, &options, &trial, &error);
		if (rc == CAIRN_OK) {
			*in_doubt = false;
			return trial;
		}
		if (is_away(rc, &error)) {
			*in_doubt = true;
			agent_rest(agent, AWAY_MS);
		} else if (rc == CAIRN_DONE) {
			return NULL; /* what other slots still run ends in its own time */
		} else if (rc != CAIRN_AGAIN) {
			agent_close(agent, complain(&error));
		}
	}
	return NULL;
}

static void work(struct slot *slot, struct cairn *cairn)
{
	struct agent *agent = slot->agent;
	bool in_doubt = true; /* an agent of that name may have died with trials in its hands */

	while (reserve(agent)) {
		struct cairn_trial *trial = take(slot, cairn, &in_doubt);
		if (!trial) {
			unreserve(agent);
			break;
		}
		begin(agent);
		settle(agent, job_run(agent, slot->index, trial));
		cairn_trial_free(trial);
	}
}

static void *run_slot(void *context)
{
	struct slot *slot = context;
	struct cairn_options options = *slot->agent->client;
	struct cairn_error error = { 0 };
	struct cairn *cairn;

	options.worker = slot->worker;
	options.tries = 1; /* a slot has to look after its trial between attempts */
	options.timeout_ms = ATTEMPT_MS;
	if (cairn_open(&options, &cairn, &error)) {
		agent_close(slot->agent, complain(&error));
	} else {
		work(slot, cairn);
		cairn_close(cairn);
	}
	pthread_mutex_lock(&slot->agent->lock);
	slot->agent->open--;
	pthread_mutex_unlock(&slot->agent->lock);
	return NULL;
}

static void name_slot(struct slot *slot)
{
	const char *given = slot->agent->options->worker;
	char host[128] = "localhost";

	if (!given || !*given)
		given = getenv("CAIRN_WORKER");
	gethostname(host, sizeof(host) - 1);
	if (given && *given)
		snprintf(slot->worker, sizeof(slot->worker), "%.170s/%lld", given, slot->index);
	else
		snprintf(slot->worker, sizeof(slot->worker), "%s:%d/%lld", host, (int)getpid(),
			slot->index);
}

/* ---- running ---- */

static void fill_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void agent_block_signals(void)
{
	sigset_t set;
	fill_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static size_t count_open(struct agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	size_t open = agent->open;
	pthread_mutex_unlock(&agent->lock);
	return open;
}

/* Until all slots have ended. True: a signal came. */
static bool wait_for_slots(struct agent *agent, void (*on_tick)(void *), void *context)
{
	static const struct timespec tick = { .tv_nsec = TICK_MS * 1000000 };
	bool interrupted = false;
	sigset_t set;

	fill_signals(&set);
	while (count_open(agent) > 0) {
		if (sigtimedwait(&set, NULL, &tick) > 0) {
			if (!interrupted)
				fprintf(stderr, "cairn: ending the trials; once more: at once\n");
			interrupted = true;
			hurry(agent);
		} else if (on_tick) {
			on_tick(context);
		}
	}
	return interrupted;
}

static void agent_init(struct agent *agent)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&agent->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&agent->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	agent->closing = AGENT_GOES_ON;
	agent->status = STATUS_OK;
	agent->counts = (struct agent_counts){ 0 };
	agent->open = (size_t)agent->options->slots;
}

enum status agent_run(
	struct agent *agent, void (*on_tick)(void *), void *context, bool *interrupted)
{
	size_t n = (size_t)agent->options->slots, started = 0;
	struct slot *slots = calloc(n, sizeof(*slots));

	agent_init(agent);
	for (; slots && started < n; started++) {
		struct slot *slot = &slots[started];
		*slot = (struct slot){ .agent = agent, .index = (long long)started };
		name_slot(slot);
		if (pthread_create(&slot->thread, NULL, run_slot, slot))
			break;
	}
	if (started < n) {
		fprintf(stderr, "cairn: %zu of %zu slots cannot be had\n", n - started, n);
		pthread_mutex_lock(&agent->lock);
		agent->open -= n - started;
		pthread_mutex_unlock(&agent->lock);
		agent_close(agent, STATUS_USAGE);
	}
	*interrupted = wait_for_slots(agent, on_tick, context);
	for (size_t i = 0; i < started; i++)
		pthread_join(slots[i].thread, NULL);
	free(slots);
	pthread_cond_destroy(&agent->wake);
	pthread_mutex_destroy(&agent->lock);
	return agent->status;
}

/* ---- options ---- */

/* "0,2,5" */
static bool read_gpus(struct agent_options *out, const char *text)
{
	while (text && *text) {
		char *end;
		long index = strtol(text, &end, 10);
		if (end == text || (*end && *end != ',') || index < 0 || index > INT_MAX ||
			out->n_gpus == GPUS_MAX) {
			fprintf(stderr,
				"cairn: --gpus takes indices such as 0,1, up to %d of them\n",
				GPUS_MAX);
			return false;
		}
		out->gpus[out->n_gpus++] = (int)index;
		text = *end ? end + 1 : end;
	}
	return true;
}

static bool read_limits(struct agent_options *out, const struct options *given)
{
	int64_t memory = -1, cpu_ms = -1, file_size = -1;
	long long files = -1;
	bool ok = read_size("--memory", given->memory, &memory) &&
		  read_duration("--cpu-time", given->cpu_time, &cpu_ms) &&
		  read_size("--file-size", given->file_size, &file_size) &&
		  read_count("--open-files", given->open_files, 8, 1 << 20, &files);

	out->limits[0] = (struct process_limit){ RLIMIT_AS, memory };
	out->limits[1] =
		(struct process_limit){ RLIMIT_CPU, cpu_ms < 0 ? -1 : (cpu_ms + 999) / 1000 };
	out->limits[2] = (struct process_limit){ RLIMIT_FSIZE, file_size };
	out->limits[3] = (struct process_limit){ RLIMIT_NOFILE, files };
	return ok;
}

/* --dir, CAIRN_DIR, or where programs keep their state; absolute, and there. */
static bool set_directory(struct agent_options *out, const char *given)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char path[sizeof(out->directory)], *real;
	int n;

	given = given ? given : getenv("CAIRN_DIR");
	if (given && *given)
		n = snprintf(path, sizeof(path), "%s", given);
	else if (state && *state == '/')
		n = snprintf(path, sizeof(path), "%s/cairn", state);
	else
		n = snprintf(path, sizeof(path), "%s/.local/state/cairn", home ? home : "");
	bool fits = n > 0 && (size_t)n < sizeof(path);
	for (char *slash = path + 1; fits && (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0700); /* what is wrong shows in the end */
	}
	mkdir(path, 0700);
	real = fits ? realpath(path, NULL) : NULL;
	if (!real || strlen(real) >= sizeof(out->directory)) {
		fprintf(stderr, "cairn: %s: %s\n", path,
			strerror(real || !fits ? ENAMETOOLONG : errno));
		free(real);
		return false;
	}
	snprintf(out->directory, sizeof(out->directory), "%s", real);
	free(real);
	return true;
}

/* Where trials start. */
static bool set_code(struct agent_options *out, const struct options *given)
{
	const char *code = given->code ? given->code : ".";
	char *real = given->own_dir ? NULL : realpath(code, NULL);

	if (given->own_dir && given->code) {
		fprintf(stderr, "cairn: either --code or --own-dir\n");
		return false;
	}
	if (given->own_dir)
		return true;
	bool ok = real && strlen(real) < sizeof(out->code);
	if (ok)
		snprintf(out->code, sizeof(out->code), "%s", real);
	else
		fprintf(stderr, "cairn: %s: %s\n", code, strerror(real ? ENAMETOOLONG : errno));
	free(real);
	return ok;
}

bool agent_configure(struct agent_options *out, const struct options *given, char **argv)
{
	*out = (struct agent_options){ .argv = argv,
		.worker = given->worker,
		.slots = 1,
		.max_failures = MAX_FAILURES,
		.lease_ms = LEASE_MS,
		.grace_ms = GRACE_MS,
		.gpus_per_trial = given->gpus ? 1 : -1 };
	bool ok = read_count("--slots", given->slots, 1, SLOTS_MAX, &out->slots) &&
		  read_count("--retries", given->retries, 0, 100, &out->retries) &&
		  read_count("--trials", given->trials, 1, 10000000, &out->trials) &&
		  read_count(
			  "--max-failures", given->max_failures, 0, 10000000, &out->max_failures) &&
		  read_duration("--lease", given->lease, &out->lease_ms) &&
		  read_duration("--grace", given->grace, &out->grace_ms) &&
		  read_duration("--time-limit", given->time_limit, &out->time_limit_ms) &&
		  read_gpus(out, given->gpus) &&
		  read_count("--gpus-per-trial", given->gpus_per_trial, 0, (long long)out->n_gpus,
			  &out->gpus_per_trial) &&
		  read_limits(out, given);

	if (ok && (out->lease_ms < LEASE_MIN_MS || out->lease_ms > LEASE_MAX_MS)) {
		fprintf(stderr, "cairn: --lease is from 1s to 30d\n");
		return false;
	}
	return ok && set_code(out, given) && set_directory(out, given->dir);
}

enum status run_agent(struct context *context)
{
	char name[] = "/bin/sh", flag[] = "-c";
	char *shell[] = { name, flag, NULL, NULL };
	const struct options *given = &context->options;
	bool words = context->rest && context->rest[0];
	struct agent_options options;
	bool interrupted;

	if (words == (given->command != NULL)) {
		fprintf(stderr, "cairn: agent takes -- COMMAND... or --command LINE\n");
		return STATUS_USAGE;
	}
	if (!words) {
		/* No parameter is ever part of the line. */
		shell[2] = strdup(given->command);
		if (!shell[2])
			return STATUS_USAGE;
	}
	struct agent agent = {
		.options = &options, .client = &context->client, .experiment = context->arguments[0]
	};
	enum status status = STATUS_USAGE;
	if (agent_configure(&options, given, words ? context->rest : shell)) {
		agent_block_signals();
		status = agent_run(&agent, NULL, NULL, &interrupted);
		const struct agent_counts *counts = &agent.counts;
		printf("%lld succeeded, %lld stopped, %lld failed, %lld given back\n",
			counts->succeeded, counts->stopped, counts->failed, counts->given_back);
	}
	free(shell[2]);
	return status;
}
