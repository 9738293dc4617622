/* The verbs of a trial's own script: what shall I try, and this came out. They speak with the agent
 * through the trial's directory, so that they need no server, and never wait for one. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../json_find.h"
#include "../json_text.h"
#include "command.h"
#include "defaults.h"
#include "spool.h"

/* The directory of the trial that this process belongs to; NULL: none, it runs by itself. */
static const char *trial_directory(void)
{
	const char *own = getenv("CAIRN_TRIAL_DIR"), *nni = getenv("NNI_SYS_DIR");
	if (own && *own)
		return own;
	return nni && *nni ? nni : NULL;
}

static json_t *read_json(const char *name)
{
	json_error_t error;
	char *text = read_file(name);
	json_t *value = text ? json_loads(text, JSON_REJECT_DUPLICATES, &error) : NULL;

	if (text && !json_is_object(value))
		fprintf(stderr, "cairn: %s:%d: %s\n", name, value ? 1 : error.line,
			value ? "that is no object" : error.text);
	free(text);
	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

/* The parameters of this trial, or what takes their place. NULL: the reason is printed. */
static json_t *load_parameters(const struct context *context)
{
	const char *file = getenv("CAIRN_PARAMETERS"), *directory = trial_directory();
	char path[PATH_MAX];

	if (file && *file)
		return read_json(file);
	if (directory) {
		snprintf(path, sizeof(path), "%s/parameter.cfg", directory);
		json_t *config = read_json(path);
		json_t *inner = json_incref(json_object_get(config, "parameters"));
		json_decref(config);
		return inner;
	}
	if (!context->options.space)
		return json_object();
	json_t *space = read_json(context->options.space);
	json_t *defaults = space ? defaults_of(space) : NULL;
	json_decref(space);
	return defaults;
}

static void print_value(const struct context *context, const json_t *value)
{
	if (json_is_string(value) && !context->options.json)
		puts(json_string_value(value));
	else
		print_line(value);
}

enum status run_trial_get(struct context *context)
{
	json_t *parameters = load_parameters(context);
	enum status status = STATUS_OK;

	if (!parameters)
		return STATUS_USAGE;
	const char *name = context->arguments[0];
	const json_t *value = name ? json_find(parameters, name) : parameters;
	if (value) {
		print_value(context, value);
	} else if (context->n > 1) {
		puts(context->arguments[1]);
	} else {
		fprintf(stderr, "cairn: there is no parameter %s, and no default\n", name);
		status = STATUS_REFUSED;
	}
	json_decref(parameters);
	return status;
}

/* The record that the arguments describe; NULL: what is wrong is explained. */
static json_t *make_record(const struct context *context, bool final)
{
	const struct options *options = &context->options;
	long long step = 0;
	json_t *value = read_value(context->arguments[0]);
	const char *text = json_string_value(value);
	bool number = !text || strcmp(text, "nan") == 0 || strcmp(text, "inf") == 0 ||
		      strcmp(text, "-inf") == 0;

	if (!value || !number) {
		fprintf(stderr, "cairn: %s is neither a number nor an object of numbers\n",
			context->arguments[0]);
		json_decref(value);
		return NULL;
	}
	if (!read_count("--step", options->step, 0, INT64_MAX / 2, &step))
		return json_decref(value), NULL;
	json_t *record =
		json_pack("{s:s, s:o}", "type", final ? "FINAL" : "PERIODICAL", "value", value);
	if (options->step)
		json_object_set_new(record, "step", json_integer(step));
	if (options->checkpoint &&
		json_object_set_new(record, "checkpoint", json_string(options->checkpoint))) {
		fprintf(stderr, "cairn: --checkpoint is not UTF-8\n");
		json_decref(record);
		return NULL;
	}
	return record;
}

static enum status report(struct context *context, bool final)
{
	const char *directory = trial_directory();
	enum status status = STATUS_OK;
	json_t *record = make_record(context, final);

	if (!record)
		return STATUS_USAGE;
	if (!directory) {
		print_line(record);
	} else if (!spool_write(directory, record)) {
		fprintf(stderr, "cairn: %s/" SPOOL_FILE ": %s\n", directory, strerror(errno));
		status = STATUS_USAGE;
	}
	json_decref(record);
	return status;
}

enum status run_trial_report(struct context *context)
{
	return report(context, false);
}

enum status run_trial_final(struct context *context)
{
	return report(context, true);
}
