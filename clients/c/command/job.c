/* One trial in a slot: its directory, its process, what it reports and writes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "environment.h"
#include "journal.h"
#include "spool.h"

#define TICK_MS	       100
#define REPORTS_A_TICK 256
#define PAUSE_FIRST_MS 200
#define PAUSE_MAX_MS   10000
#define FAREWELL_MS    10000 /* for what is still unsaid when the agent closes */
#define DIRECTORIES    1000  /* of one attempt: an agent that died may have left some */

extern char **environ;

enum ending {
	ENDING_NOT,
	ENDING_VERDICT,	   /* the server wants it to end */
	ENDING_CLOSING,	   /* the agent ends */
	ENDING_TIME_LIMIT, /* it took too long */
};

struct job {
	struct agent *agent;
	long long slot;
	struct cairn_trial *trial;
	char directory[PATH_MAX];
	struct journal journal; /* its standard output and error */
	struct spool spool;
	struct process process;
	enum ending ending;
	int64_t started_ms, kill_ms;
	int64_t retry_ms, pause_ms; /* reports wait while the server is away */
	bool deaf;		    /* its reports can no longer be read */
	bool final;		    /* the result is delivered */
};

int64_t clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the directory ---- */

/* Everything on the way to it that is missing, for nobody but us. */
static bool make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
		*slash = '/';
		if (!ok)
			return false;
	}
	return mkdir(path, 0700) == 0;
}

/* A directory that nobody has used: N-ATTEMPT, or N-ATTEMPT.2 and so on. */
static bool make_own(struct job *job)
{
	bool made = false;

	errno = EEXIST;
	for (int i = 1; i <= DIRECTORIES && !made && errno == EEXIST; i++) {
		char again[16] = "";
		if (i > 1)
			snprintf(again, sizeof(again), ".%d", i);
		int n = snprintf(job->directory, sizeof(job->directory),
			"%s/%s/trials/%" PRId64 "-%" PRId64 "%s", job->agent->options->directory,
			job->agent->experiment, cairn_trial_number(job->trial),
			cairn_trial_attempt(job->trial), again);
		if (n < 0 || (size_t)n + sizeof("/" SPOOL_FILE) > sizeof(job->directory)) {
			errno = ENAMETOOLONG;
			return false;
		}
		made = make_directories(job->directory);
	}
	char inner[PATH_MAX + 8];
	snprintf(inner, sizeof(inner), "%s/.nni", job->directory);
	return made && mkdir(inner, 0700) == 0;
}

static bool write_file(const struct job *job, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool write_file(const struct job *job, const char *name, const char *fmt, ...)
{
	char path[PATH_MAX + 32];
	va_list args;

	snprintf(path, sizeof(path), "%s/%s", job->directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!file)
		return false;
	va_start(args, fmt);
	bool ok = vfprintf(file, fmt, args) >= 0;
	va_end(args);
	return fclose(file) == 0 && ok;
}

/* The parameters: as JSON, and as NNI's trials read them. */
static bool write_parameters(const struct job *job)
{
	const char *parameters = cairn_trial_parameters(job->trial);
	return write_file(job, "parameters.json", "%s\n", parameters) &&
	       write_file(job, "parameter.cfg",
		       "{\"parameter_id\":%" PRId64 ",\"parameter_source\":\"algorithm\","
		       "\"parameters\":%s,\"parameter_index\":0}\n",
		       cairn_trial_number(job->trial), parameters);
}

/* ---- the process ---- */

/* The GPUs of a slot: they are dealt out in turn. */
static void set_gpus(const struct job *job, struct environment *environment)
{
	const struct agent_options *options = job->agent->options;
	char list[GPUS_MAX * 12] = "";
	size_t used = 0;

	if (options->gpus_per_trial < 0)
		return;
	for (long long i = 0; i < options->gpus_per_trial; i++) {
		unsigned long long at =
			(unsigned long long)(job->slot * options->gpus_per_trial + i);
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%d", i ? "," : "",
			options->gpus[at % options->n_gpus]);
	}
	environment_set(environment, "CUDA_VISIBLE_DEVICES", "%s", *list ? list : "-1");
}

static void set_nni(const struct job *job, struct environment *environment, const char *start)
{
	environment_set(environment, "NNI_PLATFORM", "local");
	environment_set(environment, "NNI_EXP_ID", "%s", job->agent->experiment);
	environment_set(
		environment, "NNI_TRIAL_JOB_ID", "%" PRId64, cairn_trial_number(job->trial));
	environment_set(
		environment, "NNI_TRIAL_SEQ_ID", "%" PRId64, cairn_trial_number(job->trial));
	environment_set(environment, "NNI_SYS_DIR", "%s", job->directory);
	environment_set(environment, "NNI_OUTPUT_DIR", "%s", job->directory);
	environment_set(environment, "NNI_CODE_DIR", "%s", start);
	environment_set(environment, "MULTI_PHASE", "false");
	environment_set(environment, "REUSE_MODE", "false");
}

/* So that a script finds cairn, however the agent was found. */
static void add_own_path(struct environment *environment)
{
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash = n > 0 ? memrchr(own, '/', (size_t)n) : NULL;

	if (slash) {
		*slash = '\0';
		environment_add_path(environment, own);
	}
}

static void make_environment(
	const struct job *job, struct environment *environment, const char *start)
{
	struct cairn_trial *trial = job->trial;
	const char *checkpoint = cairn_trial_checkpoint(trial);
	const char *url = job->agent->client->url;
	json_t *parameters = json_loads(cairn_trial_parameters(trial), 0, NULL);

	environment_init(environment, environ);
	add_own_path(environment);
	if (url)
		environment_set(environment, "CAIRN_URL", "%s", url);
	environment_set(environment, "CAIRN_EXPERIMENT", "%s", job->agent->experiment);
	environment_set(environment, "CAIRN_TRIAL", "%" PRId64, cairn_trial_number(trial));
	environment_set(environment, "CAIRN_ATTEMPT", "%" PRId64, cairn_trial_attempt(trial));
	environment_set(environment, "CAIRN_TRIAL_DIR", "%s", job->directory);
	environment_set(environment, "CAIRN_PARAMETERS", "%s/parameters.json", job->directory);
	environment_set(environment, "CAIRN_START", "%" PRId64, cairn_trial_start(trial));
	if (cairn_trial_source(trial) >= 0)
		environment_set(environment, "CAIRN_SOURCE", "%" PRId64, cairn_trial_source(trial));
	if (cairn_trial_resource(trial) > 0)
		environment_set(
			environment, "CAIRN_RESOURCE", "%" PRId64, cairn_trial_resource(trial));
	if (checkpoint)
		environment_set(environment, "CAIRN_CHECKPOINT", "%s", checkpoint);
	set_nni(job, environment, start);
	set_gpus(job, environment);
	environment_add_parameters(environment, parameters);
	environment->failed = environment->failed || !parameters;
	json_decref(parameters);
}

static int start_process(struct job *job)
{
	const struct agent_options *options = job->agent->options;
	const char *start = options->code[0] ? options->code : job->directory;
	struct environment environment;

	make_environment(job, &environment, start);
	struct process_plan plan = { .argv = options->argv,
		.environment = environment.items,
		.directory = start,
		.output = job->journal.writing,
		.error = job->journal.writing,
		.limits = options->limits,
		.n_limits = LIMITS };
	int why = environment.failed ? ENOMEM : process_start(&job->process, &plan);
	environment_release(&environment);
	job->started_ms = clock_ms();
	return why;
}

/* ---- reports ---- */

static bool is_for_later(int rc, const struct cairn_error *error)
{
	return rc == CAIRN_UNREACHABLE || rc == CAIRN_NO_MEMORY ||
	       (rc == CAIRN_REFUSED && (error->status == 429 || error->status >= 500));
}

/* True: it is said, or will never be. False: the server is away; retry_ms is when to try again. */
static bool is_said(struct job *job, int rc, const struct cairn_error *error)
{
	if (is_for_later(rc, error)) {
		job->pause_ms = job->pause_ms ? 2 * job->pause_ms : PAUSE_FIRST_MS;
		job->pause_ms = job->pause_ms < PAUSE_MAX_MS ? job->pause_ms : PAUSE_MAX_MS;
		job->retry_ms = clock_ms() + job->pause_ms;
		return false;
	}
	job->pause_ms = 0;
	return true;
}

/* The trial has failed. True: the server knows, or does not want to. */
static bool tell_failure(struct job *job, const char *message)
{
	struct cairn_error error = { 0 };
	int rc = cairn_fail(job->trial, message, &error);

	if (!is_said(job, rc, &error))
		return false;
	/* 409: it has its result already, given by the trial itself over HTTP. */
	if (rc == CAIRN_REFUSED && error.status != 409)
		journal_note(&job->journal, "the server refuses the failure: %s", error.detail);
	return true;
}

/* Delivers the current record. True: it is dealt with. */
static bool deliver(struct job *job)
{
	struct cairn_error error = { 0 };
	const char *why;
	json_t *item = spool_observation(&job->spool, &why);

	if (!item) {
		if (why)
			journal_note(&job->journal, "%s", why);
		return true;
	}
	bool final = json_is_true(json_object_get(item, "final"));
	char *text = json_dumps(item, JSON_COMPACT | JSON_REAL_PRECISION(17));
	json_decref(item);
	int rc = text ? cairn_send(job->trial, text, &error) : CAIRN_NO_MEMORY;
	free(text);
	if (!is_said(job, rc, &error))
		return false;
	bool refused = rc == CAIRN_REFUSED || rc == CAIRN_BAD_ARGUMENT;
	if (refused)
		journal_note(&job->journal, "the server refuses a report: %s", error.detail);
	job->final = job->final || (final && !refused);
	return true;
}

/* Delivers what was reported. True: there is nothing left. */
static bool deliver_all(struct job *job, int most)
{
	for (int i = 0; i < most && !job->deaf; i++) {
		if (job->pause_ms && clock_ms() < job->retry_ms)
			return false;
		switch (spool_next(&job->spool, job->directory)) {
		case SPOOL_NOTHING:
			return true;
		case SPOOL_BROKEN:
			journal_note(&job->journal, "what is in " SPOOL_FILE " is no report");
			job->deaf = true;
			return true;
		case SPOOL_RECORD_READY:
			if (!deliver(job))
				return false;
			spool_done(&job->spool);
			break;
		}
	}
	return job->deaf;
}

/* ---- watching ---- */

static void end(struct job *job, enum ending why)
{
	job->ending = why;
	job->kill_ms = clock_ms() + job->agent->options->grace_ms;
	process_signal(&job->process, SIGTERM);
}

/* Shall it go on? */
static void judge(struct job *job)
{
	int64_t now = clock_ms(), limit = job->agent->options->time_limit_ms;
	enum agent_closing closing = agent_closing(job->agent);

	if (job->ending == ENDING_NOT) {
		if (closing)
			end(job, ENDING_CLOSING);
		else if (!job->final && cairn_trial_stopped(job->trial))
			end(job, ENDING_VERDICT);
		else if (limit && now - job->started_ms >= limit)
			end(job, ENDING_TIME_LIMIT);
	}
	if (job->ending && (now >= job->kill_ms || closing == AGENT_HURRIES))
		process_signal(&job->process, SIGKILL);
}

static void watch(struct job *job)
{
	while (!process_wait(&job->process, TICK_MS)) {
		deliver_all(job, REPORTS_A_TICK);
		journal_upload(&job->journal, job->trial, false);
		judge(job);
	}
}

/* Holds on to what the server does not know until it is there, or until the agent closes. */
static bool insist(struct job *job, bool (*attempt)(struct job *, const char *), const char *what)
{
	int64_t closed_ms = 0;

	while (!attempt(job, what)) {
		if (agent_closing(job->agent) && !closed_ms)
			closed_ms = clock_ms();
		if (agent_closing(job->agent) == AGENT_HURRIES ||
			(closed_ms && clock_ms() - closed_ms > FAREWELL_MS))
			return false;
		agent_rest(job->agent, TICK_MS);
	}
	return true;
}

static bool attempt_reports(struct job *job, const char *unused)
{
	(void)unused;
	return deliver_all(job, REPORTS_A_TICK);
}

static bool attempt_failure(struct job *job, const char *message)
{
	if (job->pause_ms && clock_ms() < job->retry_ms)
		return false;
	return tell_failure(job, message);
}

/* ---- the end ---- */

static enum job_end fail_job(struct job *job, const char *message)
{
	fprintf(stderr, "cairn: trial %" PRId64 " failed: %s (%s)\n",
		cairn_trial_number(job->trial), message, job->directory);
	return insist(job, attempt_failure, message) ? JOB_FAILED : JOB_GIVEN_BACK;
}

static bool has_failed(const struct job *job)
{
	return job->process.status != 0;
}

/* By itself, without a result. */
static enum job_end fail_or_retry(struct job *job)
{
	char how[64], last[512], message[sizeof(how) + sizeof(last) + 8];

	process_describe(&job->process, how, sizeof(how));
	journal_last_line(&job->journal, last, sizeof(last));
	if (has_failed(job) && cairn_trial_attempt(job->trial) <= job->agent->options->retries) {
		fprintf(stderr, "cairn: trial %" PRId64 ": %s, to be tried again (%s)\n",
			cairn_trial_number(job->trial), how, job->directory);
		return JOB_GIVEN_BACK;
	}
	snprintf(message, sizeof(message), "%s%s%s",
		has_failed(job) ? how : "it ended without a final value", *last ? ": " : "", last);
	return fail_job(job, message);
}

static enum job_end conclude(struct job *job)
{
	bool said = insist(job, attempt_reports, NULL);
	char limit[96];

	journal_upload(&job->journal, job->trial, true);
	if (job->final)
		return JOB_SUCCEEDED;
	if (!said || job->ending == ENDING_CLOSING)
		return JOB_GIVEN_BACK;
	if (cairn_trial_stopped(job->trial))
		return JOB_STOPPED;
	if (job->ending == ENDING_TIME_LIMIT) {
		snprintf(limit, sizeof(limit), "it ran longer than the limit of %" PRId64 " ms",
			job->agent->options->time_limit_ms);
		return fail_job(job, limit);
	}
	return fail_or_retry(job);
}

/* It could not even begin: that is no trial's fault, and so the agent ends. */
static enum job_end cannot(struct job *job, const char *what, int why)
{
	fprintf(stderr, "cairn: %s: %s\n", what, strerror(why));
	agent_close(job->agent, STATUS_USAGE);
	return JOB_GIVEN_BACK;
}

static enum job_end run_in_directory(struct job *job)
{
	int64_t resource = cairn_trial_resource(job->trial);

	if (!write_parameters(job))
		return cannot(job, job->directory, errno);
	if (!spool_open(&job->spool, cairn_trial_start(job->trial), resource > 0))
		return cannot(job, "reports", ENOMEM);
	int why = start_process(job);
	enum job_end how = JOB_GIVEN_BACK;
	if (why) {
		cannot(job, job->agent->options->argv[0], why);
	} else {
		watch(job);
		how = conclude(job);
	}
	spool_close(&job->spool);
	return how;
}

enum job_end job_run(struct agent *agent, long long slot, struct cairn_trial *trial)
{
	struct job job = { .agent = agent, .slot = slot, .trial = trial };

	if (!make_own(&job))
		return cannot(&job, job.directory, errno);
	if (!journal_open(&job.journal, job.directory))
		return cannot(&job, job.directory, errno);
	enum job_end how = run_in_directory(&job);
	journal_close(&job.journal);
	return how;
}
