/* The verbs that change an experiment or carry results: update, seed, clone, export in formats. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../json_text.h"
#include "command.h"
#include "document.h"

#define CELL	  256
#define PATH_SIZE 512
#define SEED_ROWS 1000 /* in one request */
#define EDITS	  5    /* attempts, while others edit too */

/* ---- update ---- */

enum kind { KIND_COUNT, KIND_NUMBER, KIND_TEXT, KIND_FILE };

static const struct field {
	const char *name, *nni; /* nni: what nnictl calls it; NULL: nothing */
	enum kind kind;
	bool limit; /* a member of limits */
} fields[] = {
	{ "max_trials", "trialnum", KIND_COUNT, true },
	{ "max_duration", "duration", KIND_TEXT, true },
	{ "max_trial_duration", NULL, KIND_TEXT, true },
	{ "concurrency", NULL, KIND_COUNT, true },
	{ "max_retries", NULL, KIND_COUNT, true },
	{ "patience", NULL, KIND_COUNT, true },
	{ "target", NULL, KIND_NUMBER, true },
	{ "name", NULL, KIND_TEXT, false },
	{ "note", NULL, KIND_TEXT, false },
	{ "search_space", "searchspace", KIND_FILE, false },
	{ "tuner", NULL, KIND_FILE, false },
	{ "assessor", NULL, KIND_FILE, false },
	{ "labels", NULL, KIND_FILE, false },
};

#define FIELDS (sizeof(fields) / sizeof(*fields))

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (strcmp(fields[i].name, name) == 0 ||
			(fields[i].nni && strcmp(fields[i].nni, name) == 0))
			return &fields[i];
	}
	fprintf(stderr, "cairn: update changes");
	for (size_t i = 0; i < FIELDS; i++)
		fprintf(stderr, "%s %s", i ? "," : "", fields[i].name);
	fprintf(stderr, "; not %s\n", name);
	return NULL;
}

static json_t *read_document(const char *name)
{
	struct document document;
	char why[512];
	char *text = read_file(name);

	if (!text)
		return NULL;
	bool ok = document_read(&document, name, text, why, sizeof(why));
	free(text);
	if (!ok) {
		fprintf(stderr, "cairn: %s\n", why);
		return NULL;
	}
	json_t *value = json_incref(document.value);
	document_release(&document);
	return value;
}

/* NULL: what is wrong is explained. */
static json_t *field_value(const struct field *field, const char *text)
{
	long long count;

	if (strcmp(text, "null") == 0)
		return json_null();
	switch (field->kind) {
	case KIND_COUNT:
		return read_int(field->name, text, &count) ? json_integer(count) : NULL;
	case KIND_NUMBER:
		return read_value(text);
	case KIND_FILE:
		return read_document(text);
	case KIND_TEXT:
		break;
	}
	json_t *value = json_string(text);
	if (!value)
		fprintf(stderr, "cairn: an argument is not UTF-8\n");
	return value;
}

/* The edit that sets the field: limits are replaced as a whole, so they come with the others. */
static json_t *make_edit(const json_t *experiment, const struct field *field, json_t *value)
{
	json_t *edit = json_object();

	if (!field->limit) {
		json_object_set(edit, field->name, value);
		return edit;
	}
	json_t *limits = json_deep_copy(json_object_get(experiment, "limits"));
	limits = limits ? limits : json_object();
	json_object_set(limits, field->name, value);
	json_object_set_new(edit, "limits", limits);
	return edit;
}

/* One attempt. *again: somebody else was first. */
static enum status edit_once(struct context *context, const struct field *field, json_t *value,
	json_t **answer, bool *again)
{
	enum status status;
	struct cairn_error error = { 0 };
	char path[PATH_SIZE], tag[40], *text;

	json_t *experiment =
		ask(context, "GET", NULL, &status, "/v1/experiments/%s", context->arguments[0]);
	if (!experiment)
		return status;
	snprintf(path, sizeof(path), "/v1/experiments/%s", context->arguments[0]);
	snprintf(tag, sizeof(tag), "\"%lld\"",
		(long long)json_integer_value(json_object_get(experiment, "spec_version")));
	json_t *edit = make_edit(experiment, field, value);
	char *body = json_text(edit);
	json_decref(edit);
	json_decref(experiment);
	struct cairn_call call = { .method = "PATCH", .path = path, .body = body, .if_match = tag };
	int rc = cairn_exchange(context->cairn, &call, &text, NULL, &error);
	free(body);
	*again = rc == CAIRN_REFUSED && error.status == 412;
	if (rc)
		return *again ? STATUS_REFUSED : complain(&error);
	*answer = json_loads(text, 0, NULL);
	free(text);
	return STATUS_OK;
}

enum status run_update(struct context *context)
{
	const struct field *field = find_field(context->arguments[1]);
	json_t *value = field ? field_value(field, context->arguments[2]) : NULL;
	json_t *answer = NULL;
	enum status status = STATUS_USAGE;
	bool again = value != NULL;
	char cell[CELL];

	for (int i = 0; again && i < EDITS; i++)
		status = edit_once(context, field, value, &answer, &again);
	if (again)
		fprintf(stderr, "cairn: others change it all the time\n");
	if (answer && context->options.json)
		print_json(answer);
	else if (answer)
		puts(show(field->limit ? json_object_get(answer, "limits") : answer, field->name,
			cell, sizeof(cell)));
	json_decref(answer);
	json_decref(value);
	return status;
}

/* ---- clone ---- */

enum status run_clone(struct context *context)
{
	enum status status;
	json_t *body = json_object();

	if (context->options.name &&
		json_object_set_new(body, "name", json_string(context->options.name))) {
		fprintf(stderr, "cairn: an argument is not UTF-8\n");
		return json_decref(body), STATUS_USAGE;
	}
	json_t *answer =
		ask_with(context, body, &status, "/v1/experiments/%s/clone", context->arguments[0]);
	return print_member(context, answer, "id", status);
}

/* ---- export ---- */

/* In which form the trials come. */
static const struct {
	const char *name, *type, *path;
} formats[] = {
	{ "log", NULL, "export" },
	{ "csv", "text/csv", "trials" },
	{ "ndjson", "application/x-ndjson", "trials" },
};

static enum status write_out(const char *name, const char *data, size_t size)
{
	FILE *file = name ? fopen(name, "wb") : stdout;
	bool written = file && fwrite(data, 1, size, file) == size;

	if (name)
		written = file && fclose(file) == 0 && written;
	if (written || !name)
		return STATUS_OK; /* of standard output main asks in the end */
	fprintf(stderr, "cairn: %s: %s\n", name, strerror(errno));
	return STATUS_USAGE;
}

enum status run_export(struct context *context)
{
	const char *given = context->options.format ? context->options.format : "log";
	const char *name = context->n > 1 ? context->arguments[1] : NULL;
	struct cairn_error error;
	char path[PATH_SIZE], *text;
	size_t size, i = 0;

	while (i < sizeof(formats) / sizeof(*formats) && strcmp(formats[i].name, given) != 0)
		i++;
	if (i == sizeof(formats) / sizeof(*formats)) {
		fprintf(stderr, "cairn: --format is log, csv or ndjson, not %s\n", given);
		return STATUS_USAGE;
	}
	snprintf(path, sizeof(path), "/v1/experiments/%s/%s", context->arguments[0],
		formats[i].path);
	struct cairn_call call = { .method = "GET", .path = path, .accept = formats[i].type };
	if (cairn_exchange(context->cairn, &call, &text, &size, &error))
		return complain(&error);
	enum status status = write_out(name, text, size);
	free(text);
	return status;
}

/* ---- seed ---- */

/* NNI's value may be a number in a string, or an object. */
static void set_result(json_t *row, const char *member, json_t *value)
{
	json_t *read = json_is_string(value) ? read_value(json_string_value(value)) : NULL;
	const json_t *shown = read ? read : value;

	if (strcmp(member, "value") == 0 && json_is_object(shown))
		member = "values";
	json_object_set(row, member, read ? read : value);
	json_decref(read);
}

/* A row as the server takes it, from one as NNI exports it; ours are left as they are. */
static json_t *make_row(json_t *given)
{
	json_t *row = json_object(), *value;
	const char *key;

	if (!json_is_object(given)) {
		json_decref(row);
		return json_incref(given);
	}
	json_object_foreach(given, key, value)
	{
		if (strcmp(key, "parameter") == 0)
			json_object_set(row, "parameters", value);
		else if (strcmp(key, "value") == 0)
			set_result(row, key, value);
		else if (strcmp(key, "id") != 0)
			json_object_set(row, key, value);
	}
	return row;
}

/* Sends the rows from first on, and tells which are refused. */
static enum status seed_some(struct context *context, json_t *rows, size_t first,
	long long *accepted, long long *refused)
{
	enum status status;
	json_t *some = json_array(), *item;
	size_t i;
	char message[CELL];

	for (i = first; i < json_array_size(rows) && i < first + SEED_ROWS; i++)
		json_array_append_new(some, make_row(json_array_get(rows, i)));
	json_t *answer =
		ask_with(context, some, &status, "/v1/experiments/%s/seed", context->arguments[0]);
	json_array_foreach(json_object_get(answer, "items"), i, item)
	{
		bool kept = json_is_true(json_object_get(item, "accepted"));
		*accepted += kept;
		*refused += !kept;
		if (!kept)
			fprintf(stderr, "cairn: row %zu: %s\n",
				first + (size_t)json_integer_value(json_object_get(item, "row")),
				show(json_object_get(item, "error"), "detail", message,
					sizeof(message)));
	}
	json_decref(answer);
	return status;
}

enum status run_seed(struct context *context)
{
	long long accepted = 0, refused = 0;
	enum status status = STATUS_OK;
	json_error_t where;
	char *text = read_file(context->arguments[1]);
	json_t *rows = text ? json_loads(text, JSON_REJECT_DUPLICATES, &where) : NULL;

	if (text && !json_is_array(rows))
		fprintf(stderr, "cairn: %s:%d: %s\n", context->arguments[1], rows ? 1 : where.line,
			rows ? "this is no array of rows" : where.text);
	free(text);
	if (!json_is_array(rows)) {
		json_decref(rows);
		return STATUS_USAGE;
	}
	for (size_t i = 0; status == STATUS_OK && i < json_array_size(rows); i += SEED_ROWS)
		status = seed_some(context, rows, i, &accepted, &refused);
	json_decref(rows);
	if (context->options.json)
		printf("{\"accepted\":%lld,\"refused\":%lld}\n", accepted, refused);
	else
		printf("%lld accepted, %lld refused\n", accepted, refused);
	return status == STATUS_OK && refused ? STATUS_REFUSED : status;
}
