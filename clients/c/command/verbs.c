/* What each verb does. */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CELL 64

static long long member_int(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

/* Adds a member from an option, if it was given. */
static void set_text(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}

static bool set_int(json_t *object, const char *name, const char *text)
{
	char *end;
	if (!text)
		return true;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || *end || end == text) {
		fprintf(stderr, "cairn: %s: %s is not a whole number\n", name, text);
		return false;
	}
	json_object_set_new(object, name, json_integer(value));
	return true;
}

/* ---- experiments ---- */

static enum status run_create(struct context *context)
{
	enum status status;
	char *body = read_file(context->arguments[0]);
	if (!body)
		return STATUS_USAGE;
	json_t *answer = ask(context, "POST", body, &status, "/v1/experiments");
	free(body);
	if (!answer)
		return status;
	if (context->options.json)
		print_json(answer);
	else
		puts(json_string_value(json_object_get(answer, "id")));
	json_decref(answer);
	return STATUS_OK;
}

static void print_experiment_line(const json_t *experiment)
{
	const json_t *counts = json_object_get(experiment, "counts");
	const json_t *best = json_object_get(experiment, "best");
	char a[CELL], b[CELL], c[CELL], d[CELL];
	printf("%-26s  %-8s  %6lld ended  %5lld running  best %-12s  %s\n",
		show(experiment, "id", a, sizeof(a)), show(experiment, "status", b, sizeof(b)),
		member_int(counts, "succeeded") + member_int(counts, "failed") +
			member_int(counts, "stopped") + member_int(counts, "lost"),
		member_int(counts, "running"), show(best, "value", c, sizeof(c)),
		show(experiment, "name", d, sizeof(d)));
}

static enum status run_list(struct context *context)
{
	char query[256] = "", part[128];
	char cursor[512] = "";
	enum status status;
	size_t i;
	json_t *item;

	if (context->options.status) {
		encode(part, sizeof(part), context->options.status);
		snprintf(query, sizeof(query), "&status=%s", part);
	}
	if (context->options.name) {
		size_t used = strlen(query);
		encode(part, sizeof(part), context->options.name);
		snprintf(query + used, sizeof(query) - used, "&name=%s", part);
	}
	do {
		json_t *page = ask(context, "GET", NULL, &status, "/v1/experiments?limit=100%s%s%s",
			query, cursor[0] ? "&cursor=" : "", cursor);
		if (!page)
			return status;
		json_array_foreach(json_object_get(page, "items"), i, item)
		{
			if (context->options.json)
				print_json(item);
			else
				print_experiment_line(item);
		}
		const char *next = json_string_value(json_object_get(page, "next_cursor"));
		cursor[0] = '\0';
		if (next)
			encode(cursor, sizeof(cursor), next);
		json_decref(page);
	} while (cursor[0]);
	return STATUS_OK;
}

static void print_counts(const json_t *counts)
{
	const char *name;
	json_t *count;
	json_object_foreach(
		(json_t *)(uintptr_t)counts, name, count) if (json_integer_value(count) > 0)
		printf("  %s %lld", name, (long long)json_integer_value(count));
	putchar('\n');
}

static enum status run_show(struct context *context)
{
	enum status status;
	char a[CELL];
	json_t *experiment =
		ask(context, "GET", NULL, &status, "/v1/experiments/%s", context->arguments[0]);
	if (!experiment)
		return status;
	if (context->options.json) {
		print_json(experiment);
	} else {
		static const char *const rows[] = { "id", "name", "status", "reason", "created_at",
			"updated_at", "version" };
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			printf("%-12s %s\n", rows[i], show(experiment, rows[i], a, sizeof(a)));
		printf("%-12s %s\n", "tuner",
			show(json_object_get(experiment, "tuner"), "name", a, sizeof(a)));
		printf("%-12s", "trials");
		print_counts(json_object_get(experiment, "counts"));
		const json_t *best = json_object_get(experiment, "best");
		printf("%-12s %s", "best", show(best, "value", a, sizeof(a)));
		if (json_is_object(best))
			printf(" (trial %s)", show(best, "trial", a, sizeof(a)));
		putchar('\n');
	}
	json_decref(experiment);
	return STATUS_OK;
}

static enum status change(struct context *context, const char *verb)
{
	enum status status;
	char a[CELL];
	json_t *answer = ask(context, "POST", "{}", &status, "/v1/experiments/%s/%s",
		context->arguments[0], verb);
	if (!answer)
		return status;
	if (context->options.json)
		print_json(answer);
	else
		printf("%s\n", show(answer, "status", a, sizeof(a)));
	json_decref(answer);
	return STATUS_OK;
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

static enum status run_top(struct context *context)
{
	enum status status;
	char top[16], a[CELL], b[CELL];
	size_t i;
	json_t *item;

	encode(top, sizeof(top), context->n > 1 ? context->arguments[1] : "10");
	json_t *answer = ask(context, "GET", NULL, &status, "/v1/experiments/%s/best?top=%s",
		context->arguments[0], top);
	if (!answer)
		return status;
	json_array_foreach(json_object_get(answer, "items"), i, item)
	{
		if (context->options.json) {
			print_json(item);
			continue;
		}
		char *parameters = json_dumps(json_object_get(item, "parameters"), JSON_COMPACT);
		printf("%3zu  %-14s  trial %-7s  %s\n", i + 1, show(item, "value", a, sizeof(a)),
			show(item, "trial", b, sizeof(b)), parameters ? parameters : "");
		free(parameters);
	}
	json_decref(answer);
	return STATUS_OK;
}

static enum status run_export(struct context *context)
{
	enum status status;
	char *text = ask_text(
		context, "GET", NULL, &status, "/v1/experiments/%s/export", context->arguments[0]);
	if (!text)
		return status;
	FILE *file = context->n > 1 ? fopen(context->arguments[1], "wb") : stdout;
	bool ok = file && fputs(text, file) >= 0;
	if (file)
		ok = (file == stdout ? fflush(file) : fclose(file)) == 0 && ok;
	if (!ok) {
		fprintf(stderr, "cairn: %s: %s\n",
			context->n > 1 ? context->arguments[1] : "standard output",
			strerror(errno));
		status = STATUS_USAGE;
	}
	free(text);
	return status;
}

/* ---- the loop ---- */

static enum status run_suggest(struct context *context)
{
	enum status status;
	json_t *request = json_object(), *trial;
	size_t i;

	set_text(request, "worker", context->options.worker);
	set_text(request, "wait", context->options.wait);
	set_text(request, "lease", context->options.lease);
	if (!set_int(request, "count", context->options.count))
		return json_decref(request), STATUS_USAGE;
	char *body = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	json_t *answer = ask(context, "POST", body, &status, "/v1/experiments/%s/suggest",
		context->arguments[0]);
	free(body);
	if (!answer)
		return status;
	const json_t *trials = json_object_get(answer, "trials");
	if (context->options.json) {
		print_json(answer);
	} else {
		json_array_foreach(trials, i, trial)
		{
			char *line = json_dumps(trial, JSON_COMPACT);
			puts(line ? line : "");
			free(line);
		}
		if (json_array_size(trials) == 0)
			fprintf(stderr, "cairn: nothing %s: %s\n",
				json_is_true(json_object_get(answer, "done")) ? "more" : "now",
				json_string_value(json_object_get(answer, "reason")));
	}
	if (json_array_size(trials) == 0)
		status = json_is_true(json_object_get(answer, "done")) ? STATUS_FINISHED
								       : STATUS_NOTHING;
	json_decref(answer);
	return status;
}

/* The observation that the arguments describe; NULL: usage was explained. */
static json_t *make_observation(struct context *context)
{
	json_t *item = json_object();
	if (!set_int(item, "trial", context->arguments[1]) ||
		!set_int(item, "step", context->options.step))
		return json_decref(item), NULL;
	if (context->options.failed) {
		set_text(item, "status", "failed");
		set_text(item, "message", context->options.failed);
		return item;
	}
	if (context->n < 3) {
		fprintf(stderr, "cairn: observe needs a value, or --failed MESSAGE\n");
		return json_decref(item), NULL;
	}
	/* A number, "nan", "inf", or an object of several metrics. */
	const char *text = context->arguments[2];
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	bool several = json_is_object(value);
	json_object_set_new(item, several ? "values" : "value", value ? value : json_string(text));
	if (!context->options.step)
		json_object_set_new(item, "final", json_true());
	return item;
}

static enum status run_observe(struct context *context)
{
	enum status status;
	char a[CELL];
	json_t *item = make_observation(context);
	if (!item)
		return STATUS_USAGE;
	char *body = json_dumps(item, JSON_COMPACT);
	json_decref(item);
	json_t *answer = ask(context, "POST", body, &status, "/v1/experiments/%s/observe",
		context->arguments[0]);
	free(body);
	if (!answer)
		return status;
	if (context->options.json)
		print_json(answer);
	else
		printf("%s\n", show(answer, "command", a, sizeof(a)));
	json_decref(answer);
	return STATUS_OK;
}

static void print_progress(const json_t *experiment, bool live)
{
	const json_t *counts = json_object_get(experiment, "counts");
	const json_t *limits = json_object_get(experiment, "limits");
	const json_t *best = json_object_get(experiment, "best");
	char a[CELL], b[CELL], c[CELL];
	if (live)
		printf("\r\033[K");
	printf("%s  %lld of %s ended, %lld running, best %s",
		show(experiment, "status", a, sizeof(a)),
		member_int(counts, "succeeded") + member_int(counts, "failed") +
			member_int(counts, "stopped") + member_int(counts, "lost"),
		show(limits, "max_trials", b, sizeof(b)), member_int(counts, "running"),
		show(best, "value", c, sizeof(c)));
	if (!live)
		putchar('\n');
	fflush(stdout);
}

static bool has_ended(const json_t *experiment)
{
	const char *status = json_string_value(json_object_get(experiment, "status"));
	return status && (strcmp(status, "done") == 0 || strcmp(status, "stopped") == 0);
}

static enum status run_wait(struct context *context)
{
	enum status status;
	char *end = NULL;
	double timeout = context->options.timeout ? strtod(context->options.timeout, &end) : -1;
	bool live = isatty(STDOUT_FILENO) && !context->options.json;
	time_t until = time(NULL) + (time_t)timeout;
	struct timespec pause = { .tv_sec = 1 };

	if (context->options.timeout && (*end || timeout < 0)) {
		fprintf(stderr, "cairn: --timeout takes seconds\n");
		return STATUS_USAGE;
	}
	for (;;) {
		json_t *experiment = ask(
			context, "GET", NULL, &status, "/v1/experiments/%s", context->arguments[0]);
		if (!experiment)
			return status;
		bool ended = has_ended(experiment);
		if (ended && context->options.json)
			print_json(experiment);
		else if (live || ended)
			print_progress(experiment, live);
		json_decref(experiment);
		if (ended && live)
			putchar('\n');
		if (ended)
			return STATUS_OK;
		if (timeout >= 0 && time(NULL) >= until)
			return STATUS_NOTHING;
		nanosleep(&pause, NULL);
	}
}

static enum status run_import(struct context *context)
{
	enum status status;
	char *body = read_file(context->arguments[0]);
	if (!body)
		return STATUS_USAGE;
	json_t *answer = ask(context, "POST", body, &status, "/v1/experiments/import");
	free(body);
	if (!answer)
		return status;
	if (context->options.json)
		print_json(answer);
	else
		puts(json_string_value(json_object_get(answer, "id")));
	json_decref(answer);
	return STATUS_OK;
}

const struct verb verbs[] = {
	{ "create", "FILE", 1, 1, "",
		"create an experiment from JSON (- for standard input); prints its id",
		run_create },
	{ "list", "", 0, 0, "status name", "the experiments, newest first", run_list },
	{ "show", "EXPERIMENT", 1, 1, "", "one experiment", run_show },
	{ "suggest", "EXPERIMENT", 1, 1, "count worker wait lease",
		"take trials; one JSON object a line", run_suggest },
	{ "observe", "EXPERIMENT TRIAL [VALUE]", 2, 3, "step failed",
		"report a final value (a number, or an object of several), with --step an "
		"intermediate one",
		run_observe },
	{ "top", "EXPERIMENT [N]", 1, 2, "", "the N best trials (10)", run_top },
	{ "wait", "EXPERIMENT", 1, 1, "timeout", "until the experiment is done or stopped",
		run_wait },
	{ "pause", "EXPERIMENT", 1, 1, "", "no new trials until resume", run_pause },
	{ "resume", "EXPERIMENT", 1, 1, "", "go on after pause or stop", run_resume },
	{ "stop", "EXPERIMENT", 1, 1, "", "end it; running trials are told to stop", run_stop },
	{ "delete", "EXPERIMENT", 1, 1, "", "remove it and everything below it", run_delete },
	{ "export", "EXPERIMENT [FILE]", 1, 2, "", "the whole log as NDJSON", run_export },
	{ "import", "FILE", 1, 1, "", "an exported experiment, under a new id; prints it",
		run_import },
	{ 0 },
};
