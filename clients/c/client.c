/* Opening a client, experiments and trials. */
#include <curl/curl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define LEASE_DEFAULT_MS 60000
#define WAIT_MS		 20000 /* the server holds a suggest that long before it answers "nothing now" */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static const char *choose(const char *given, const char *variable, const char *fallback)
{
	const char *from_environment = getenv(variable);
	if (given && given[0])
		return given;
	return from_environment && from_environment[0] ? from_environment : fallback;
}

static int set_text(
	char *out, size_t size, const char *text, const char *what, struct cairn_error *error)
{
	size_t n = strlen(text);
	if (n >= size)
		return client_fail(error, CAIRN_BAD_ARGUMENT, 0,
			"%s is too long (%zu bytes, %zu at most)", what, n, size - 1);
	memcpy(out, text, n + 1);
	return CAIRN_OK;
}

static int configure(
	struct cairn *cairn, const struct cairn_options *options, struct cairn_error *error)
{
	char host[128] = "localhost", worker[WORKER_MAX];
	gethostname(host, sizeof(host) - 1);
	snprintf(worker, sizeof(worker), "%s:%d", host, (int)getpid());
	int rc = set_text(cairn->url, sizeof(cairn->url),
		choose(options->url, "CAIRN_URL", "http://127.0.0.1:8080"), "the URL", error);
	if (!rc)
		rc = set_text(cairn->token, sizeof(cairn->token),
			choose(options->token, "CAIRN_TOKEN", ""), "the token", error);
	if (!rc)
		rc = set_text(cairn->worker, sizeof(cairn->worker),
			choose(options->worker, "CAIRN_WORKER", worker), "the worker's name",
			error);
	if (rc)
		return rc;
	size_t n = strlen(cairn->url);
	while (n > 0 && cairn->url[n - 1] == '/')
		cairn->url[--n] = '\0';
	const char *tries = getenv("CAIRN_TRIES");
	cairn->tries = options->tries > 0 ? options->tries
		       : tries		  ? (int)strtol(tries, NULL, 10)
					  : 8;
	if (cairn->tries < 1)
		cairn->tries = 1;
	cairn->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : 60000;
	return CAIRN_OK;
}

int cairn_open(const struct cairn_options *options, struct cairn **out, struct cairn_error *error)
{
	static const struct cairn_options none = { 0 };
	struct cairn *cairn = calloc(1, sizeof(*cairn));

	if (!cairn)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a client");
	pthread_once(&once, start_curl);
	int rc = configure(cairn, options ? options : &none, error);
	if (rc) {
		free(cairn);
		return rc;
	}
	pthread_mutex_init(&cairn->lock, NULL);
	*out = cairn;
	return CAIRN_OK;
}

void cairn_close(struct cairn *cairn)
{
	if (!cairn)
		return;
	for (size_t i = 0; i < cairn->n_handles; i++)
		curl_easy_cleanup(cairn->handles[i]);
	pthread_mutex_destroy(&cairn->lock);
	free(cairn);
}

int cairn_request(struct cairn *cairn, const char *method, const char *path, const char *body,
	char **answer, struct cairn_error *error)
{
	struct client_call call = {
		.method = method, .path = path, .body = body, .keyed = strcmp(method, "POST") == 0
	};
	return client_text(cairn, &call, answer, error);
}

int cairn_create(
	struct cairn *cairn, const char *json, char *id, size_t id_size, struct cairn_error *error)
{
	struct client_call call = {
		.method = "POST", .path = "/v1/experiments", .body = json, .keyed = true
	};
	json_t *answer;
	int rc = client_json(cairn, &call, &answer, error);
	if (rc)
		return rc;
	const char *given = json_string_value(json_object_get(answer, "id"));
	if (given && strlen(given) < id_size)
		memcpy(id, given, strlen(given) + 1);
	else
		rc = client_fail(
			error, CAIRN_BAD_ARGUMENT, 0, "there is no room for the experiment's id");
	json_decref(answer);
	return rc;
}

/* ---- suggest ---- */

static int trial_make(struct cairn *cairn, const char *experiment, const json_t *given,
	int64_t lease_ms, struct cairn_trial **out, struct cairn_error *error)
{
	struct cairn_trial *trial = calloc(1, sizeof(*trial));
	if (!trial)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a trial");
	trial->cairn = cairn;
	snprintf(trial->experiment, sizeof(trial->experiment), "%s", experiment);
	trial->number = json_integer_value(json_object_get(given, "trial"));
	trial->attempt = json_integer_value(json_object_get(given, "attempt"));
	trial->lease_ms = lease_ms;
	trial->parameters = json_deep_copy(json_object_get(given, "parameters"));
	trial->text = json_dumps(trial->parameters, JSON_COMPACT);
	pthread_mutex_init(&trial->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&trial->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int rc = trial->parameters && trial->text
			 ? heart_start(trial, error)
			 : client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a trial");
	if (rc)
		cairn_trial_free(trial);
	else
		*out = trial;
	return rc;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int suggest_once(struct cairn *cairn, const char *experiment,
	const struct cairn_suggest_options *options, int64_t wait_ms, struct cairn_trial **out,
	struct cairn_error *error)
{
	char path[PATH_MAX_];
	json_t *answer;
	int64_t lease_ms = options->lease_ms > 0 ? options->lease_ms : LEASE_DEFAULT_MS;
	char lease[32], wait[32];

	snprintf(path, sizeof(path), "/v1/experiments/%s/suggest", experiment);
	snprintf(lease, sizeof(lease), "%" PRId64 "ms", lease_ms);
	snprintf(wait, sizeof(wait), "%" PRId64 "ms", wait_ms);
	json_t *request = json_pack("{s:s, s:s, s:s, s:b}", "worker", cairn->worker, "lease", lease,
		"wait", wait, "resume", options->resume);
	char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	if (!body)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a request");
	struct client_call call = { .method = "POST",
		.path = path,
		.body = body,
		.keyed = true,
		.wait_ms = (long)wait_ms };
	int rc = client_json(cairn, &call, &answer, error);
	free(body);
	if (rc)
		return rc;
	const json_t *first = json_array_get(json_object_get(answer, "trials"), 0);
	const char *reason = json_string_value(json_object_get(answer, "reason"));
	if (first)
		rc = trial_make(cairn, experiment, first, lease_ms, out, error);
	else if (json_is_true(json_object_get(answer, "done")))
		rc = client_fail(error, CAIRN_DONE, 200, "%s", reason ? reason : "done");
	else
		rc = client_fail(error, CAIRN_AGAIN, 200, "%s", reason ? reason : "nothing now");
	json_decref(answer);
	return rc;
}

int cairn_suggest(struct cairn *cairn, const char *experiment,
	const struct cairn_suggest_options *options, struct cairn_trial **out,
	struct cairn_error *error)
{
	static const struct cairn_suggest_options none = { 0 };
	int64_t until = 0;

	if (strlen(experiment) >= EXPERIMENT_MAX)
		return client_fail(error, CAIRN_BAD_ARGUMENT, 0, "that is no experiment's id");
	if (!options)
		options = &none;
	if (options->patience_ms > 0)
		until = now_ms() + options->patience_ms;
	for (;;) {
		int64_t wait_ms = options->patience_ms < 0 ? 0 : WAIT_MS;
		if (until && until - now_ms() < wait_ms)
			wait_ms = until - now_ms();
		if (wait_ms < 0)
			wait_ms = 0;
		int rc = suggest_once(cairn, experiment, options, wait_ms, out, error);
		if (rc != CAIRN_AGAIN || options->patience_ms < 0 || (until && now_ms() >= until))
			return rc;
	}
}

void cairn_trial_free(struct cairn_trial *trial)
{
	char path[PATH_MAX_], body[48];
	json_t *answer;

	if (!trial)
		return;
	heart_stop(trial);
	if (!trial->ended && !trial->stopped && trial->parameters) {
		/* Whoever asks next gets it; if the server is away its lease runs out. */
		snprintf(path, sizeof(path), "/v1/experiments/%s/trials/%" PRId64 "/release",
			trial->experiment, trial->number);
		snprintf(body, sizeof(body), "{\"attempt\":%" PRId64 "}", trial->attempt);
		struct client_call call = {
			.method = "POST", .path = path, .body = body, .keyed = true, .tries = 1
		};
		if (client_json(trial->cairn, &call, &answer, NULL) == CAIRN_OK)
			json_decref(answer);
	}
	pthread_cond_destroy(&trial->wake);
	pthread_mutex_destroy(&trial->lock);
	json_decref(trial->parameters);
	free(trial->text);
	free(trial);
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

const char *cairn_trial_parameters(const struct cairn_trial *trial)
{
	return trial->text;
}

/* The address as a whole first, since names may hold dots; then part by part. */
static const json_t *find(const json_t *value, const char *address)
{
	const json_t *whole = json_object_get(value, address);
	const char *dot = strchr(address, '.');
	char name[256];

	while (!whole && dot) {
		size_t n = (size_t)(dot - address);
		if (n >= sizeof(name))
			return NULL;
		memcpy(name, address, n);
		name[n] = '\0';
		const json_t *inner = json_object_get(value, name);
		if (inner) {
			value = inner;
			address = dot + 1;
			whole = json_object_get(value, address);
			dot = strchr(address, '.');
		} else {
			dot = strchr(dot + 1, '.');
		}
	}
	return whole;
}

double cairn_trial_real(const struct cairn_trial *trial, const char *address, double fallback)
{
	const json_t *value = find(trial->parameters, address);
	return json_is_number(value) ? json_number_value(value) : fallback;
}

int64_t cairn_trial_int(const struct cairn_trial *trial, const char *address, int64_t fallback)
{
	const json_t *value = find(trial->parameters, address);
	if (json_is_integer(value))
		return json_integer_value(value);
	return json_is_real(value) ? (int64_t)llround(json_real_value(value)) : fallback;
}

bool cairn_trial_bool(const struct cairn_trial *trial, const char *address, bool fallback)
{
	const json_t *value = find(trial->parameters, address);
	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

const char *cairn_trial_text(
	const struct cairn_trial *trial, const char *address, const char *fallback)
{
	const json_t *value = find(trial->parameters, address);
	return json_is_string(value) ? json_string_value(value) : fallback;
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

/* ---- results ---- */

static json_t *number(double value)
{
	if (isnan(value))
		return json_string("nan");
	if (isinf(value))
		return json_string(value > 0 ? "inf" : "-inf");
	return json_real(value);
}

/* Sends item (a reference that is taken) and minds the command in the answer. */
static int send_item(struct cairn_trial *trial, json_t *item, bool final, struct cairn_error *error)
{
	char path[PATH_MAX_];
	json_t *answer;

	snprintf(path, sizeof(path), "/v1/experiments/%s/observe", trial->experiment);
	bool ok = item && json_object_set_new(item, "trial", json_integer(trial->number)) == 0 &&
		  json_object_set_new(item, "attempt", json_integer(trial->attempt)) == 0;
	char *body = ok ? json_dumps(item, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
	json_decref(item);
	if (!body)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for an observation");
	struct client_call call = { .method = "POST", .path = path, .body = body, .keyed = true };
	int rc = client_json(trial->cairn, &call, &answer, error);
	free(body);
	if (rc)
		return rc;
	if (final)
		trial->ended = true;
	const char *command = json_string_value(json_object_get(answer, "command"));
	bool stop = command && strcmp(command, "stop") == 0;
	if (stop) {
		pthread_mutex_lock(&trial->lock);
		trial->stopped = true;
		pthread_mutex_unlock(&trial->lock);
	}
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

int cairn_fail(struct cairn_trial *trial, const char *message, struct cairn_error *error)
{
	return send_item(trial,
		json_pack(
			"{s:s, s:s}", "status", "failed", "message", message ? message : "failed"),
		true, error);
}
