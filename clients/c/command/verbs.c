/* The verbs of people: experiments, their state, their results. */
#include "command.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CELL 64
#define NAME 256

static long long member_int(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

/* Trials with an end, whatever it was. */
static long long count_ended(const json_t *counts)
{
	static const char *const states[] = { "succeeded", "failed", "stopped", "lost",
		"cancelled" };
	long long n = 0;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		n += member_int(counts, states[i]);
	return n;
}

/* ---- making experiments ---- */

static enum status make(struct context *context, const char *path)
{
	enum status status;
	char *body = read_file(context->arguments[0]);
	if (!body)
		return STATUS_USAGE;
	json_t *answer = ask(context, "POST", body, &status, "%s", path);
	free(body);
	return print_member(context, answer, "id", status);
}

static enum status run_create(struct context *context)
{
	return make(context, "/v1/experiments");
}

static enum status run_import(struct context *context)
{
	return make(context, "/v1/experiments/import");
}

/* ---- lists ---- */

/* Prints every item behind path, page by page. query: "" or begins with "&". */
static enum status print_items(struct context *context, const char *path, const char *query,
	void (*print)(size_t i, const json_t *item))
{
	enum status status = STATUS_OK;
	char *cursor = NULL;
	size_t i, n = 0;
	json_t *item;

	do {
		json_t *page = ask(context, "GET", NULL, &status, "%s?limit=100%s%s%s", path, query,
			cursor ? "&cursor=" : "", cursor ? cursor : "");
		free(cursor);
		if (!page)
			return status;
		json_array_foreach(json_object_get(page, "items"), i, item)
		{
			if (context->options.json)
				print_line(item);
			else
				print(n, item);
			n++;
		}
		cursor = encode(json_string_value(json_object_get(page, "next_cursor")));
		json_decref(page);
	} while (cursor);
	return status;
}

static void print_experiment_line(size_t i, const json_t *experiment)
{
	const json_t *counts = json_object_get(experiment, "counts");
	const json_t *best = json_object_get(experiment, "best");
	char id[CELL], status[CELL], value[CELL], name[NAME];

	(void)i;
	printf("%-26s  %-7s  %6lld ended  %5lld running  best %-18s  %s\n",
		show(experiment, "id", id, sizeof(id)),
		show(experiment, "status", status, sizeof(status)), count_ended(counts),
		member_int(counts, "running"), show(best, "value", value, sizeof(value)),
		show(experiment, "name", name, sizeof(name)));
}

static enum status run_list(struct context *context)
{
	char query[512];
	char *status = encode(context->options.status), *name = encode(context->options.name);
	int n = snprintf(query, sizeof(query), "%s%s%s%s", status ? "&status=" : "",
		status ? status : "", name ? "&name=" : "", name ? name : "");

	free(status);
	free(name);
	if (n < 0 || (size_t)n >= sizeof(query)) {
		fprintf(stderr, "cairn: the arguments are too long\n");
		return STATUS_USAGE;
	}
	return print_items(context, "/v1/experiments", query, print_experiment_line);
}

static void print_trial_line(size_t i, const json_t *trial)
{
	char number[CELL], state[CELL], value[CELL], parameters[4096];

	(void)i;
	printf("%6s  %-9s  %-18s  %s\n", show(trial, "trial", number, sizeof(number)),
		show(trial, "state", state, sizeof(state)),
		show(trial, "value", value, sizeof(value)),
		show(trial, "parameters", parameters, sizeof(parameters)));
}

static enum status run_trials(struct context *context)
{
	char path[128], query[512];
	char *state = encode(context->options.state), *sort = encode(context->options.sort);
	int n = snprintf(query, sizeof(query), "%s%s%s%s", state ? "&state=" : "",
		state ? state : "", sort ? "&sort=" : "", sort ? sort : "");

	free(state);
	free(sort);
	if (n < 0 || (size_t)n >= sizeof(query)) {
		fprintf(stderr, "cairn: the arguments are too long\n");
		return STATUS_USAGE;
	}
	snprintf(path, sizeof(path), "/v1/experiments/%s/trials", context->arguments[0]);
	return print_items(context, path, query, print_trial_line);
}

static void print_best_line(size_t i, const json_t *trial)
{
	char number[CELL], value[CELL], parameters[4096];

	printf("%3zu  %-18s  trial %-6s  %s\n", i + 1, show(trial, "value", value, sizeof(value)),
		show(trial, "trial", number, sizeof(number)),
		show(trial, "parameters", parameters, sizeof(parameters)));
}

static enum status run_top(struct context *context)
{
	enum status status;
	long long top = 10;
	size_t i;
	json_t *item;

	if (context->n > 1 && !read_int("top", context->arguments[1], &top))
		return STATUS_USAGE;
	json_t *answer = ask(context, "GET", NULL, &status, "/v1/experiments/%s/best?top=%lld",
		context->arguments[0], top);
	if (!answer)
		return status;
	json_array_foreach(json_object_get(answer, "items"), i, item)
	{
		if (context->options.json)
			print_line(item);
		else
			print_best_line(i, item);
	}
	json_decref(answer);
	return STATUS_OK;
}

/* ---- one experiment ---- */

static void print_experiment(const json_t *experiment)
{
	static const char *const rows[] = { "id", "name", "status", "reason", "created_at",
		"updated_at", "version" };
	const json_t *best = json_object_get(experiment, "best");
	json_t *counts = json_object_get(experiment, "counts"), *count;
	const char *state;
	char cell[NAME], number[CELL];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		printf("%-12s %s\n", rows[i], show(experiment, rows[i], cell, sizeof(cell)));
	printf("%-12s %s\n", "tuner",
		show(json_object_get(experiment, "tuner"), "name", cell, sizeof(cell)));
	printf("%-12s", "trials");
	json_object_foreach(counts, state, count)
	{
		if (json_integer_value(count) > 0)
			printf(" %s %lld", state, (long long)json_integer_value(count));
	}
	printf("\n%-12s %s", "best", show(best, "value", cell, sizeof(cell)));
	if (json_is_object(best))
		printf(" (trial %s)", show(best, "trial", number, sizeof(number)));
	putchar('\n');
}

static enum status run_show(struct context *context)
{
	enum status status;
	json_t *experiment =
		ask(context, "GET", NULL, &status, "/v1/experiments/%s", context->arguments[0]);
	if (!experiment)
		return status;
	if (context->options.json)
		print_json(experiment);
	else
		print_experiment(experiment);
	json_decref(experiment);
	return STATUS_OK;
}

static enum status change(struct context *context, const char *verb)
{
	enum status status;
	json_t *answer = ask(context, "POST", NULL, &status, "/v1/experiments/%s/%s",
		context->arguments[0], verb);
	return print_member(context, answer, "status", status);
}

static enum status run_pause(struct context *context)
{
	return change(context, "pause");
}

static enum status run_resume(struct context *context)
{
	return change(context, "resume");
}

static enum status run_stop(struct context *context)
{
	return change(context, "stop");
}

static enum status run_delete(struct context *context)
{
	enum status status;
	char *answer = ask_text(
		context, "DELETE", NULL, &status, "/v1/experiments/%s", context->arguments[0]);
	free(answer);
	return status;
}

/* ---- wait ---- */

void print_progress(FILE *out, const json_t *experiment, bool live)
{
	const json_t *counts = json_object_get(experiment, "counts");
	const json_t *limits = json_object_get(experiment, "limits");
	const json_t *best = json_object_get(experiment, "best");
	const char *most = json_is_integer(json_object_get(limits, "max_trials")) ? " of " : "";
	char status[CELL], max[CELL], value[CELL];

	show(limits, "max_trials", max, sizeof(max));
	fprintf(out, "%s%s  %lld%s%s ended, %lld running, best %s", live ? "\r\033[K" : "",
		show(experiment, "status", status, sizeof(status)), count_ended(counts), most,
		*most ? max : "", member_int(counts, "running"),
		show(best, "value", value, sizeof(value)));
	if (!live)
		putc('\n', out);
	fflush(out);
}

static bool has_ended(const json_t *experiment)
{
	static const char *const ends[] = { "done", "stopped", "error" };
	const char *status = json_string_value(json_object_get(experiment, "status"));
	for (size_t i = 0; status && i < sizeof(ends) / sizeof(*ends); i++) {
		if (strcmp(status, ends[i]) == 0)
			return true;
	}
	return false;
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void sleep_s(double seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds,
		.tv_nsec = (long)(1e9 * (seconds - floor(seconds))) };
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static enum status run_wait(struct context *context)
{
	enum status status = STATUS_NOTHING;
	const char *text = context->options.timeout;
	char *end = NULL;
	double timeout_s = text ? strtod(text, &end) : HUGE_VAL;
	bool live = isatty(STDOUT_FILENO) && !context->options.json, ended = false;

	if (text && (end == text || *end || !(timeout_s >= 0) || isinf(timeout_s))) {
		fprintf(stderr, "cairn: --timeout takes seconds, not %s\n", text);
		return STATUS_USAGE;
	}
	double until_s = now_s() + timeout_s;
	for (;;) {
		json_t *experiment = ask(
			context, "GET", NULL, &status, "/v1/experiments/%s", context->arguments[0]);
		if (!experiment)
			break;
		ended = has_ended(experiment);
		if (ended && context->options.json)
			print_json(experiment);
		else if (live || ended)
			print_progress(stdout, experiment, live);
		json_decref(experiment);
		double left = until_s - now_s();
		if (ended || left <= 0)
			break;
		sleep_s(fmin(left, 1));
	}
	if (live)
		putchar('\n');
	return status == STATUS_OK && !ended ? STATUS_NOTHING : status;
}

#define AGENT_OPTIONS                                                                              \
	"slots dir code own-dir worker lease grace time-limit retries trials max-failures gpus "   \
	"gpus-per-trial memory cpu-time file-size open-files"

const struct verb verbs[] = {
	{ "run", "FILE", 1, 1, "experiment " AGENT_OPTIONS, true,
		"an experiment from NNI's YAML or our own, to its end", run_run, .alone = true,
		.section = "experiments" },
	{ "create", "FILE", 1, 1, "", true,
		"a new experiment from JSON (- for stdin); prints its id", run_create },
	{ "list", "", 0, 0, "status name", false, "the experiments, newest first", run_list },
	{ "show", "EXPERIMENT", 1, 1, "", false, "one experiment", run_show },
	{ "top", "EXPERIMENT [N]", 1, 2, "", false, "the N best trials (10)", run_top },
	{ "update", "EXPERIMENT NAME VALUE", 3, 3, "", false,
		"change max_trials, concurrency, search_space, ...", run_update },
	{ "wait", "EXPERIMENT", 1, 1, "timeout", true, "until it is done or stopped", run_wait },
	{ "pause", "EXPERIMENT", 1, 1, "", false, "no new trials until resume", run_pause },
	{ "resume", "EXPERIMENT", 1, 1, "", false, "go on after pause or stop", run_resume },
	{ "stop", "EXPERIMENT", 1, 1, "", false, "end it; running trials are told to stop",
		run_stop },
	{ "clone", "EXPERIMENT", 1, 1, "name", false, "the same again, without its trials",
		run_clone },
	{ "delete", "EXPERIMENT", 1, 1, "", false, "remove it and everything below it",
		run_delete },
	{ "export", "EXPERIMENT [FILE]", 1, 2, "format", false,
		"the whole log as NDJSON, or the trials", run_export },
	{ "import", "FILE", 1, 1, "", false,
		"an exported experiment under a new id, which it prints", run_import },
	{ "save", "EXPERIMENT FILE", 2, 2, "", false, "the same as export", run_export },
	{ "load", "FILE", 1, 1, "", false, "the same as import", run_import },
	{ "seed", "EXPERIMENT FILE", 2, 2, "", false,
		"results from elsewhere, ours or NNI's, as history", run_seed },
	{ "trials", "EXPERIMENT", 1, 1, "state sort", false, "all its trials", run_trials,
		.section = "trials" },
	{ "trial ls", "EXPERIMENT", 1, 1, "state sort", false, "the same", run_trials },
	{ "trial show", "EXPERIMENT TRIAL", 2, 2, "", false, "one trial", run_trial_show },
	{ "trial log", "EXPERIMENT TRIAL", 2, 2, "follow tail", false, "what it has written",
		run_trial_log },
	{ "trial kill", "EXPERIMENT TRIAL [WHY]", 2, 3, "", false,
		"cancel it; its worker is told to stop", run_trial_kill },
	{ "trial retry", "EXPERIMENT TRIAL", 2, 2, "", false, "have it run again",
		run_trial_retry },
	{ "trial add", "EXPERIMENT PARAMETERS", 2, 2, "", false,
		"one of your own, JSON or a file; it runs next", run_trial_add },
	{ "agent", "EXPERIMENT", 1, 1, "command " AGENT_OPTIONS, true,
		"run a command for trial after trial (-- COMMAND...)", run_agent, .rest = true,
		.section = "workers" },
	{ "suggest", "EXPERIMENT", 1, 1, "count worker wait lease resume", true,
		"take trials: one JSON object a line", run_suggest },
	{ "observe", "EXPERIMENT TRIAL [VALUE]", 2, 3, "step attempt failed", true,
		"report a final value: a number, or an object of several", run_observe },
	{ "heartbeat", "EXPERIMENT TRIAL", 2, 2, "attempt lease", true, "keep the lease of a trial",
		run_heartbeat },
	{ "release", "EXPERIMENT TRIAL", 2, 2, "attempt", true,
		"give a trial back, to be handed out again", run_release },
	{ "trial get", "[NAME] [DEFAULT]", 0, 2, "space", false, "its parameters, or one of them",
		run_trial_get, .alone = true, .section = "inside a trial" },
	{ "trial report", "VALUE", 1, 1, "step checkpoint", false, "an intermediate value",
		run_trial_report, .alone = true },
	{ "trial final", "VALUE", 1, 1, "checkpoint", false, "its result", run_trial_final,
		.alone = true },
	{ "server", "", 0, 0, "dir", false, "serve what cairn run keeps (-- OPTIONS of cairnd)",
		run_server, .alone = true, .rest = true, .section = "this machine" },
	{ "completion", "SHELL", 1, 1, "", false, "a script for bash or zsh", run_completion,
		.alone = true },
	{ 0 },
};
