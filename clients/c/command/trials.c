/* The verbs that look after single trials of an experiment, from outside. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../json_text.h"
#include "command.h"

#define CELL	  256
#define PATH_SIZE 512
#define FOLLOW_MS 500

static bool read_trial(const struct context *context, long long *trial)
{
	return read_count("trial", context->arguments[1], 0, INT64_MAX, trial);
}

/* ---- show ---- */

static void print_rows(const json_t *trial)
{
	static const char *const rows[] = { "trial", "state", "origin", "value", "values",
		"last_step", "last_value", "parameters", "attempt", "worker", "resource",
		"checkpoint", "message", "started_at", "ended_at" };
	char cell[4096];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!json_is_null(json_object_get(trial, rows[i])))
			printf("%-12s %s\n", rows[i], show(trial, rows[i], cell, sizeof(cell)));
	}
}

enum status run_trial_show(struct context *context)
{
	enum status status;
	long long number;

	if (!read_trial(context, &number))
		return STATUS_USAGE;
	json_t *trial = ask(context, "GET", NULL, &status, "/v1/experiments/%s/trials/%lld",
		context->arguments[0], number);
	if (!trial)
		return status;
	if (context->options.json)
		print_json(trial);
	else
		print_rows(trial);
	json_decref(trial);
	return STATUS_OK;
}

/* ---- kill, retry, add ---- */

static enum status act(struct context *context, const char *what, json_t *body)
{
	enum status status;
	long long number;

	if (!read_trial(context, &number))
		return json_decref(body), STATUS_USAGE;
	json_t *answer = ask_with(context, body, &status, "/v1/experiments/%s/trials/%lld/%s",
		context->arguments[0], number, what);
	return print_member(context, answer, "state", status);
}

enum status run_trial_kill(struct context *context)
{
	json_t *body = json_object();

	if (context->n > 2 &&
		json_object_set_new(body, "message", json_string(context->arguments[2]))) {
		fprintf(stderr, "cairn: an argument is not UTF-8\n");
		return json_decref(body), STATUS_USAGE;
	}
	return act(context, "cancel", body);
}

enum status run_trial_retry(struct context *context)
{
	return act(context, "retry", json_object());
}

enum status run_trial_add(struct context *context)
{
	enum status status;
	char cell[CELL];
	const char *given = context->arguments[1];
	char *text = given[0] == '{' ? NULL : read_file(given);
	json_t *parameters = json_loads(given[0] == '{' ? given
					: text		? text
							: "",
		JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(parameters) && (text || given[0] == '{'))
		fprintf(stderr, "cairn: the parameters are no object in JSON\n");
	free(text);
	if (!json_is_object(parameters)) {
		json_decref(parameters);
		return STATUS_USAGE;
	}
	json_t *answer = ask_with(context, json_pack("{s:o}", "parameters", parameters), &status,
		"/v1/experiments/%s/trials", context->arguments[0]);
	if (!answer)
		return status;
	const json_t *items = json_object_get(answer, "items");
	if (context->options.json)
		print_json(answer);
	else
		puts(show(items ? json_array_get(items, 0) : answer, "trial", cell, sizeof(cell)));
	json_decref(answer);
	return STATUS_OK;
}

/* ---- log ---- */

/* To a terminal only what does not steer it. */
static void print_log(char *data, size_t size)
{
	bool careful = isatty(STDOUT_FILENO);

	for (size_t i = 0; careful && i < size; i++) {
		unsigned char c = (unsigned char)data[i];
		if ((c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
			data[i] = '?';
	}
	fwrite(data, 1, size, stdout);
	fflush(stdout);
}

/* Prints what is there from *offset on. */
static enum status read_log(struct context *context, long long trial, const char *query,
	long long *offset, size_t *size)
{
	struct cairn_error error;
	char path[PATH_SIZE], *text;

	snprintf(path, sizeof(path), "/v1/experiments/%s/trials/%lld/log?%s%lld",
		context->arguments[0], trial, query, *offset);
	struct cairn_call call = { .method = "GET", .path = path, .accept = "text/plain" };
	if (cairn_exchange(context->cairn, &call, &text, size, &error))
		return complain(&error);
	print_log(text, *size);
	free(text);
	*offset += (long long)*size;
	return STATUS_OK;
}

static bool is_running(struct context *context, long long trial, enum status *status)
{
	json_t *answer = ask(context, "GET", NULL, status, "/v1/experiments/%s/trials/%lld",
		context->arguments[0], trial);
	const char *state = json_string_value(json_object_get(answer, "state"));
	bool runs = state && (strcmp(state, "running") == 0 || strcmp(state, "waiting") == 0);
	json_decref(answer);
	return runs;
}

static enum status follow(struct context *context, long long trial, long long offset)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000 };
	enum status status = STATUS_OK;
	bool runs = true;
	size_t size = 0;

	/* What was written before its end is read after it is seen to have ended. */
	while (status == STATUS_OK && (runs || size > 0)) {
		runs = is_running(context, trial, &status);
		if (status == STATUS_OK)
			status = read_log(context, trial, "offset=", &offset, &size);
		if (status == STATUS_OK && runs)
			nanosleep(&pause, NULL);
	}
	return status;
}

enum status run_trial_log(struct context *context)
{
	long long trial, offset = 0, tail = 0;
	size_t size;

	if (!read_trial(context, &trial) ||
		!read_count("--tail", context->options.tail, 1, 16 << 20, &tail))
		return STATUS_USAGE;
	if (context->options.follow && tail) {
		fprintf(stderr, "cairn: either --follow or --tail\n");
		return STATUS_USAGE;
	}
	if (context->options.follow)
		return follow(context, trial, 0);
	return tail ? read_log(context, trial, "tail=", &tail, &size)
		    : read_log(context, trial, "offset=", &offset, &size);
}
