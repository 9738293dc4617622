#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../json_text.h"

#define HEADER 8 /* "ME" and six digits */

bool spool_open(struct spool *spool, int64_t start, bool counts_from_one)
{
	*spool = (struct spool){ .file = -1,
		.start = start,
		.last_step = counts_from_one ? start : -1,
		.counts_from_one = counts_from_one,
		.record = malloc(SPOOL_RECORD + 1) };
	return spool->record != NULL;
}

void spool_close(struct spool *spool)
{
	if (spool->file >= 0)
		close(spool->file);
	free(spool->record);
	*spool = (struct spool){ .file = -1 };
}

static bool file_path(const char *directory, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/" SPOOL_FILE, directory);
	return n > 0 && n < PATH_MAX;
}

/* Bytes that are there now, behind the offset. */
static int64_t left(struct spool *spool, const char *directory)
{
	char path[PATH_MAX];
	struct stat about;

	if (spool->file < 0 && file_path(directory, path))
		spool->file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (spool->file < 0 || fstat(spool->file, &about) || !S_ISREG(about.st_mode))
		return 0;
	if (about.st_size < spool->offset)
		spool->offset = 0;
	return about.st_size - spool->offset;
}

/* The length of the record whose header that is; -1: it is none. */
static int64_t length_of(const char *header)
{
	int64_t n = 0;
	if (header[0] != 'M' || header[1] != 'E')
		return -1;
	for (int i = 2; i < HEADER; i++) {
		if (header[i] < '0' || header[i] > '9')
			return -1;
		n = 10 * n + header[i] - '0';
	}
	return n > 0 && n <= SPOOL_RECORD - HEADER ? n : -1;
}

enum spool_next spool_next(struct spool *spool, const char *directory)
{
	char header[HEADER];
	int64_t there = left(spool, directory);

	if (there < HEADER || pread(spool->file, header, HEADER, spool->offset) != HEADER)
		return SPOOL_NOTHING;
	int64_t n = length_of(header);
	if (n < 0)
		return SPOOL_BROKEN;
	if (there < HEADER + n ||
		pread(spool->file, spool->record, (size_t)n, spool->offset + HEADER) != n)
		return SPOOL_NOTHING;
	spool->record[n] = '\0';
	spool->size = HEADER + n;
	spool->step = spool->last_step;
	return SPOOL_RECORD_READY;
}

void spool_done(struct spool *spool)
{
	spool->offset += spool->size;
	spool->last_step = spool->step;
}

/* ---- values ---- */

/* Python writes NaN and Infinity where JSON has no word for them. */
static json_t *special(const char *text)
{
	static const struct {
		const char *text, *name;
	} names[] = { { "NaN", "nan" }, { "Infinity", "inf" }, { "-Infinity", "-inf" },
		{ "inf", "inf" }, { "-inf", "-inf" } };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcasecmp(text, names[i].text) == 0)
			return json_string(names[i].name);
	}
	return NULL;
}

/* A number, or a word for one, as the server takes it (a new reference); NULL: it is neither. */
static json_t *metric_of(json_t *value)
{
	if (json_is_string(value))
		return special(json_string_value(value));
	return json_is_number(value) ? json_incref(value) : NULL;
}

/* Of an object the members that are numbers; NULL: it has none. */
static json_t *metrics_of(json_t *object)
{
	json_t *out = json_object(), *value;
	const char *name;

	json_object_foreach(object, name, value)
	{
		json_t *metric = metric_of(value);
		if (metric)
			json_object_set_new(out, name, metric);
	}
	if (json_object_size(out) > 0)
		return out;
	json_decref(out);
	return NULL;
}

/* The value of a record, as "value" or "values" of item. */
static bool set_value(json_t *item, json_t *given)
{
	const char *text = json_string_value(given);
	json_t *word = text ? special(text) : NULL;
	json_t *value = word ? word : json_incref(given);

	if (text && !word) {
		json_decref(value);
		value = json_loads(text, JSON_DECODE_ANY, NULL);
	}
	bool object = json_is_object(value);
	json_t *metrics = object ? metrics_of(value) : metric_of(value);
	json_decref(value);
	return metrics && json_object_set_new(item, object ? "values" : "value", metrics) == 0;
}

/* ---- records ---- */

static int64_t step_of(const struct spool *spool, const json_t *record)
{
	const json_t *step = json_object_get(record, "step");
	const json_t *sequence = json_object_get(record, "sequence");
	int64_t first = spool->counts_from_one ? spool->start + 1 : 0;

	if (json_is_integer(step))
		return json_integer_value(step);
	if (json_is_integer(sequence) && json_integer_value(sequence) >= 0 &&
		json_integer_value(sequence) < INT64_MAX - first)
		return first + json_integer_value(sequence);
	return spool->last_step + 1;
}

static json_t *observation_of(struct spool *spool, const json_t *record, bool final)
{
	static const char *const others[] = { "checkpoint", "attributes", "stderr" };
	json_t *item = json_object();

	if (!item || !set_value(item, json_object_get(record, "value"))) {
		json_decref(item);
		return NULL;
	}
	if (final) {
		json_object_set_new(item, "final", json_true());
	} else {
		int64_t step = step_of(spool, record);
		json_object_set_new(item, "step", json_integer(step));
		spool->step = step > spool->last_step ? step : spool->last_step;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		json_t *other = json_object_get(record, others[i]);
		if (other)
			json_object_set(item, others[i], other);
	}
	return item;
}

json_t *spool_observation(struct spool *spool, const char **why)
{
	json_t *record = json_loads(spool->record, 0, NULL);
	const char *type = json_string_value(json_object_get(record, "type"));
	json_t *item = NULL;

	*why = NULL;
	if (!record)
		*why = "a report is not JSON";
	else if (type && (strcmp(type, "PERIODICAL") == 0 || strcmp(type, "FINAL") == 0))
		item = observation_of(spool, record, strcmp(type, "FINAL") == 0);
	if (record && type && !item && strcmp(type, "REQUEST_PARAMETER") != 0)
		*why = "a report is neither a number nor an object of numbers";
	json_decref(record);
	return item;
}

bool spool_write(const char *directory, const json_t *record)
{
	char path[PATH_MAX], *line = NULL;
	char *text = json_text(record);
	bool ok = text && file_path(directory, path);

	if (ok && asprintf(&line, "ME%06zu%s\n", strlen(text) + 1, text) < 0)
		line = NULL;
	free(text);
	errno = line ? errno : ENOMEM;
	size_t n = line ? strlen(line) : 0;
	if (n > SPOOL_RECORD)
		errno = EMSGSIZE;
	/* In one piece: others may append at the same time. */
	int file = line && n <= SPOOL_RECORD
			   ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)
			   : -1;
	ok = file >= 0 && write(file, line, n) == (ssize_t)n;
	int why = errno;
	if (file >= 0)
		close(file);
	free(line);
	errno = why;
	return ok;
}
