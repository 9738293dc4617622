/* The verbs of a worker: take trials, report, keep the lease. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

#define CELL 64

/* Adds a member from an option, if it was given. */
static void set_text(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}

static bool set_int(json_t *object, const char *name, const char *text)
{
	long long value;
	if (!text)
		return true;
	if (!read_int(name, text, &value))
		return false;
	json_object_set_new(object, name, json_integer(value));
	return true;
}

static bool is_utf8(const char *text)
{
	json_t *string = json_string(text ? text : "");
	json_decref(string);
	if (!string)
		fprintf(stderr, "cairn: an argument is not UTF-8\n");
	return string != NULL;
}

/* ---- suggest ---- */

static enum status print_suggestions(const struct context *context, const json_t *answer)
{
	const json_t *trials = json_object_get(answer, "trials");
	bool done = json_is_true(json_object_get(answer, "done"));
	char reason[CELL];
	json_t *trial;
	size_t i;

	if (context->options.json)
		print_json(answer);
	else
		json_array_foreach(trials, i, trial) print_line(trial);
	if (json_array_size(trials) > 0)
		return STATUS_OK;
	fprintf(stderr, "cairn: nothing %s: %s\n", done ? "more" : "now",
		show(answer, "reason", reason, sizeof(reason)));
	return done ? STATUS_FINISHED : STATUS_NOTHING;
}

enum status run_suggest(struct context *context)
{
	const struct options *options = &context->options;
	const char *worker = options->worker ? options->worker : getenv("CAIRN_WORKER");
	json_t *request = json_object();
	enum status status;

	if (!is_utf8(worker) || !set_int(request, "count", options->count))
		return json_decref(request), STATUS_USAGE;
	set_text(request, "worker", worker && *worker ? worker : NULL);
	set_text(request, "wait", options->wait);
	set_text(request, "lease", options->lease);
	if (options->resume)
		json_object_set_new(request, "resume", json_true());
	json_t *answer = ask_with(
		context, request, &status, "/v1/experiments/%s/suggest", context->arguments[0]);
	if (!answer)
		return status;
	status = print_suggestions(context, answer);
	json_decref(answer);
	return status;
}

/* ---- observe ---- */

/* The observation that the arguments describe; NULL: usage was explained. */
static json_t *make_observation(const struct context *context)
{
	const struct options *options = &context->options;
	const char *text = context->n > 2 ? context->arguments[2] : NULL;
	json_t *item = json_object();
	bool ok = set_int(item, "trial", context->arguments[1]) &&
		  set_int(item, "step", options->step) &&
		  set_int(item, "attempt", options->attempt) && is_utf8(options->failed) &&
		  is_utf8(text);

	if (ok && (text != NULL) == (options->failed != NULL)) {
		fprintf(stderr, "cairn: observe takes a value, or --failed MESSAGE\n");
		ok = false;
	}
	if (ok && options->failed && options->step) {
		fprintf(stderr, "cairn: a failure has no --step\n");
		ok = false;
	}
	if (!ok)
		return json_decref(item), NULL;
	if (options->failed) {
		set_text(item, "status", "failed");
		set_text(item, "message", options->failed);
		return item;
	}
	json_t *value = read_value(text);
	json_object_set_new(item, json_is_object(value) ? "values" : "value", value);
	if (!options->step)
		json_object_set_new(item, "final", json_true());
	return item;
}

/* Prints the command of an answer to observe or heartbeat. */
static enum status print_command(
	const struct context *context, const json_t *answer, const json_t *said)
{
	const char *command = json_string_value(json_object_get(said, "command"));
	char cell[CELL];

	if (context->options.json)
		print_json(answer);
	else
		puts(show(said, "command", cell, sizeof(cell)));
	return command && strcmp(command, "continue") != 0 ? STATUS_FINISHED : STATUS_OK;
}

enum status run_observe(struct context *context)
{
	enum status status;
	json_t *item = make_observation(context);
	if (!item)
		return STATUS_USAGE;
	bool more = context->options.step != NULL;
	json_t *answer = ask_with(
		context, item, &status, "/v1/experiments/%s/observe", context->arguments[0]);
	if (!answer)
		return status;
	status =
		print_command(context, answer, json_array_get(json_object_get(answer, "items"), 0));
	json_decref(answer);
	return more ? status : STATUS_OK; /* after a final there is no work to end */
}

/* ---- the lease ---- */

static json_t *act(struct context *context, const char *verb, enum status *status)
{
	json_t *body = json_object();
	long long trial;

	*status = STATUS_USAGE;
	if (!read_int("trial", context->arguments[1], &trial) ||
		!set_int(body, "attempt", context->options.attempt))
		return json_decref(body), NULL;
	set_text(body, "lease", context->options.lease);
	return ask_with(context, body, status, "/v1/experiments/%s/trials/%lld/%s",
		context->arguments[0], trial, verb);
}

enum status run_heartbeat(struct context *context)
{
	enum status status;
	json_t *answer = act(context, "heartbeat", &status);
	if (!answer)
		return status;
	status = print_command(context, answer, answer);
	json_decref(answer);
	return status;
}

enum status run_release(struct context *context)
{
	enum status status;
	json_t *answer = act(context, "release", &status);
	return print_member(context, answer, "state", status);
}
