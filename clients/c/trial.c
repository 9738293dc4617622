/* A trial in a worker's hands: its life, its parameters, its results. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "json_find.h"
#include "json_text.h"

/* How far to train, where the tuner says so, and what there is to go on from. */
static bool read_resource(struct cairn_trial *trial, const json_t *given)
{
	const json_t *from = json_object_get(given, "resume_from");
	const json_t *rung = json_object_get(from, "resource");
	const char *checkpoint = json_string_value(json_object_get(from, "checkpoint"));

	trial->resource = (int64_t)json_number_value(json_object_get(given, "resource"));
	trial->start = json_integer_value(rung ? rung : json_object_get(from, "step"));
	trial->source = from ? json_integer_value(json_object_get(from, "trial")) : -1;
	trial->checkpoint = checkpoint ? strdup(checkpoint) : NULL;
	return trial->checkpoint || !checkpoint;
}

int trial_make(struct cairn *cairn, const char *experiment, const json_t *given, int64_t lease_ms,
	struct cairn_trial **out, struct cairn_error *error)
{
	const json_t *parameters = json_object_get(given, "parameters");
	pthread_condattr_t monotonic;

	if (!json_is_object(parameters) || !json_is_integer(json_object_get(given, "trial")))
		return client_fail(error, CAIRN_UNREACHABLE, 0,
			"%s answers with something that is no trial: is it a Cairn server?",
			cairn->url);
	struct cairn_trial *trial = calloc(1, sizeof(*trial));
	if (!trial)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a trial");
	trial->cairn = cairn;
	snprintf(trial->experiment, sizeof(trial->experiment), "%s", experiment);
	trial->number = json_integer_value(json_object_get(given, "trial"));
	trial->attempt = json_integer_value(json_object_get(given, "attempt"));
	trial->lease_ms = lease_ms;
	trial->parameters = json_deep_copy(parameters);
	trial->text = json_text(parameters);
	pthread_mutex_init(&trial->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&trial->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	bool whole = read_resource(trial, given) && trial->parameters && trial->text;
	int rc = whole ? heart_start(trial, error)
		       : client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a trial");
	if (rc)
		cairn_trial_free(trial);
	else
		*out = trial;
	return rc;
}

/* Whoever asks next gets it; if the server is away its lease runs out. */
static void give_back(const struct cairn_trial *trial)
{
	char path[PATH_SIZE], body[48];
	json_t *answer;

	snprintf(path, sizeof(path), "/v1/experiments/%s/trials/%" PRId64 "/release",
		trial->experiment, trial->number);
	snprintf(body, sizeof(body), "{\"attempt\":%" PRId64 "}", trial->attempt);
	struct client_call call = {
		.method = "POST", .path = path, .body = body, .keyed = true, .tries = 1
	};
	if (client_json(trial->cairn, &call, &answer, NULL) == CAIRN_OK)
		json_decref(answer);
}

void cairn_trial_free(struct cairn_trial *trial)
{
	if (!trial)
		return;
	/* In a forked child there is no heart, and the trial is the parent's. */
	if (!client_forked(trial->cairn)) {
		heart_stop(trial);
		if (!trial->settled)
			give_back(trial);
		pthread_cond_destroy(&trial->wake);
		pthread_mutex_destroy(&trial->lock);
	}
	json_decref(trial->parameters);
	free(trial->text);
	free(trial->checkpoint);
	free(trial);
}

/* ---- what the server says of it ---- */

void trial_settle(struct cairn_trial *trial, bool stopped)
{
	pthread_mutex_lock(&trial->lock);
	trial->settled = true;
	trial->stopped = trial->stopped || stopped;
	pthread_cond_signal(&trial->wake);
	pthread_mutex_unlock(&trial->lock);
}

static bool is_command(const json_t *answer, const char *command)
{
	const char *given = json_string_value(json_object_get(answer, "command"));
	return given && strcmp(given, command) == 0;
}

void trial_note(struct cairn_trial *trial, const json_t *answer)
{
	const char *state = json_string_value(json_object_get(answer, "state"));
	bool stop = is_command(answer, "stop") || is_command(answer, "pause");

	if (state && strcmp(state, "running") != 0) {
		trial_settle(trial, stop);
	} else if (stop) {
		pthread_mutex_lock(&trial->lock);
		trial->stopped = true;
		pthread_mutex_unlock(&trial->lock);
	}
}

bool cairn_trial_stopped(const struct cairn_trial *trial)
{
	/* The lock is not part of what a trial is. */
	struct cairn_trial *mutable = (struct cairn_trial *)(uintptr_t)trial;
	pthread_mutex_lock(&mutable->lock);
	bool stopped = trial->stopped;
	pthread_mutex_unlock(&mutable->lock);
	return stopped;
}

/* ---- parameters ---- */

int64_t cairn_trial_number(const struct cairn_trial *trial)
{
	return trial->number;
}

int64_t cairn_trial_attempt(const struct cairn_trial *trial)
{
	return trial->attempt;
}

int64_t cairn_trial_resource(const struct cairn_trial *trial)
{
	return trial->resource;
}

int64_t cairn_trial_start(const struct cairn_trial *trial)
{
	return trial->start;
}

int64_t cairn_trial_source(const struct cairn_trial *trial)
{
	return trial->source;
}

const char *cairn_trial_checkpoint(const struct cairn_trial *trial)
{
	return trial->checkpoint;
}

const char *cairn_trial_parameters(const struct cairn_trial *trial)
{
	return trial->text;
}

double cairn_trial_real(const struct cairn_trial *trial, const char *address, double fallback)
{
	const json_t *value = json_find(trial->parameters, address);
	return json_is_number(value) ? json_number_value(value) : fallback;
}

int64_t cairn_trial_int(const struct cairn_trial *trial, const char *address, int64_t fallback)
{
	const json_t *value = json_find(trial->parameters, address);
	if (json_is_integer(value))
		return json_integer_value(value);
	bool fits = json_is_real(value) && fabs(json_real_value(value)) < 9.2e18;
	return fits ? (int64_t)llround(json_real_value(value)) : fallback;
}

bool cairn_trial_bool(const struct cairn_trial *trial, const char *address, bool fallback)
{
	const json_t *value = json_find(trial->parameters, address);
	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

const char *cairn_trial_text(
	const struct cairn_trial *trial, const char *address, const char *fallback)
{
	const json_t *value = json_find(trial->parameters, address);
	return json_is_string(value) ? json_string_value(value) : fallback;
}

/* ---- results ---- */

static json_t *number(double value)
{
	if (isnan(value))
		return json_string("nan");
	if (isinf(value))
		return json_string(value > 0 ? "inf" : "-inf");
	return json_real(value);
}

/* Sends item (a reference that is taken) and minds what is answered. */
static int send_item(struct cairn_trial *trial, json_t *item, bool final, struct cairn_error *error)
{
	char path[PATH_SIZE];
	json_t *answer;

	snprintf(path, sizeof(path), "/v1/experiments/%s/observe", trial->experiment);
	bool ok = item && json_object_set_new(item, "trial", json_integer(trial->number)) == 0 &&
		  json_object_set_new(item, "attempt", json_integer(trial->attempt)) == 0;
	char *body = ok ? json_text(item) : NULL;
	json_decref(item);
	if (!body)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for an observation");
	/* keyed: an observation is idempotent by itself. */
	struct client_call call = { .method = "POST", .path = path, .body = body, .keyed = true };
	struct cairn_error mine = { 0 }, *why = error ? error : &mine;
	int rc = client_json(trial->cairn, &call, &answer, why);
	free(body);
	/* Given back, a trial whose result is refused would be tried, and refused, for ever; so its
	 * lease runs out, and the server's retries are counted. */
	if (rc == CAIRN_REFUSED && final && why->status < 500 && why->status != 429)
		trial_settle(trial, false);
	if (rc)
		return rc;
	const json_t *said = json_array_get(json_object_get(answer, "items"), 0);
	bool stop = is_command(said, "stop") || is_command(said, "pause");
	trial_note(trial, said);
	if (final)
		trial_settle(trial, false);
	json_decref(answer);
	return stop && !final ? CAIRN_STOP : CAIRN_OK;
}

int cairn_report(struct cairn_trial *trial, int64_t step, double value, struct cairn_error *error)
{
	return send_item(trial,
		json_pack("{s:I, s:o}", "step", (json_int_t)step, "value", number(value)), false,
		error);
}

int cairn_final(struct cairn_trial *trial, double value, struct cairn_error *error)
{
	return send_item(
		trial, json_pack("{s:b, s:o}", "final", true, "value", number(value)), true, error);
}

int cairn_observe(struct cairn_trial *trial, int64_t step, const struct cairn_value *values,
	size_t n, struct cairn_error *error)
{
	json_t *object = json_object();
	for (size_t i = 0; i < n; i++)
		if (json_object_set_new(object, values[i].name, number(values[i].value)))
			return json_decref(object), client_fail(error, CAIRN_BAD_ARGUMENT, 0,
							    "a metric's name is not UTF-8");
	json_t *item =
		step < 0 ? json_pack("{s:b, s:o}", "final", true, "values", object)
			 : json_pack("{s:I, s:o}", "step", (json_int_t)step, "values", object);
	return send_item(trial, item, step < 0, error);
}

/* The message as the server takes it: UTF-8 (what is not ASCII becomes "?" when it is not), and not
 * too long. */
static json_t *clean_message(const char *message)
{
	char text[MESSAGE_MAX + 1];
	size_t n = strnlen(message, MESSAGE_MAX);

	memcpy(text, message, n);
	/* Not through the middle of a character. */
	if (message[n]) {
		while (n > 0 && ((unsigned char)message[n] & 0xc0) == 0x80)
			n--;
	}
	text[n] = '\0';
	json_t *clean = json_string(text);
	if (clean)
		return clean;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] >= 0x80)
			text[i] = '?';
	}
	return json_string(text);
}

int cairn_fail(struct cairn_trial *trial, const char *message, struct cairn_error *error)
{
	return send_item(trial,
		json_pack("{s:s, s:o}", "status", "failed", "message",
			clean_message(message ? message : "failed")),
		true, error);
}

int cairn_send(struct cairn_trial *trial, const char *json, struct cairn_error *error)
{
	json_t *item = json_loads(json, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(item)) {
		json_decref(item);
		return client_fail(error, CAIRN_BAD_ARGUMENT, 0, "that is no object in JSON");
	}
	bool final = json_is_true(json_object_get(item, "final")) ||
		     json_is_string(json_object_get(item, "status"));
	return send_item(trial, item, final, error);
}

int cairn_log(struct cairn_trial *trial, int64_t offset, const char *data, size_t n,
	int64_t *length, struct cairn_error *error)
{
	char path[PATH_SIZE], *answer;

	snprintf(path, sizeof(path), "/v1/experiments/%s/trials/%" PRId64 "/log?offset=%" PRId64,
		trial->experiment, trial->number, offset);
	*length = offset;
	struct client_call call = { .method = "POST",
		.path = path,
		.body = n ? data : "",
		.body_size = n,
		.type = "application/octet-stream",
		.length = length,
		.keyed = true };
	int rc = client_text(trial->cairn, &call, &answer, error);
	if (rc == CAIRN_OK)
		free(answer);
	return rc;
}
