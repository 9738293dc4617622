/* Opening a client, experiments, taking trials. */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "json_text.h"

#define LEASE_DEFAULT_MS 60000
#define LEASE_MAX_MS	 (30ll * 24 * 3600 * 1000) /* the server's bounds */
#define WAIT_MS		 20000			   /* how long the server holds a suggest for us */
#define TRIES		 8
#define TRIES_MAX	 100
#define TIMEOUT_MS	 60000
#define WORD_MAX	 200 /* bytes of a header that the caller gives */
#define EXPERIMENT_ID	 32  /* bytes that an id has at most, NUL included */

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

/* These go into URLs and headers, where a line break would begin another header. */
static int set_printable(
	char *out, size_t size, const char *text, const char *what, struct cairn_error *error)
{
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return client_fail(error, CAIRN_BAD_ARGUMENT, 0,
				"%s holds something else than visible ASCII characters", what);
	}
	return set_text(out, size, text, what, error);
}

static int set_worker(struct cairn *cairn, const char *given, struct cairn_error *error)
{
	char host[128] = "", name[sizeof(host) + 16];

	if (gethostname(host, sizeof(host) - 1))
		snprintf(host, sizeof(host), "localhost");
	snprintf(name, sizeof(name), "%s:%d", host, (int)getpid());
	int rc = set_text(cairn->worker, sizeof(cairn->worker), choose(given, "CAIRN_WORKER", name),
		"the worker's name", error);
	json_t *text = rc ? NULL : json_string(cairn->worker);
	if (!rc && !text)
		rc = client_fail(error, CAIRN_BAD_ARGUMENT, 0, "the worker's name is not UTF-8");
	json_decref(text);
	return rc;
}

static int configure(
	struct cairn *cairn, const struct cairn_options *options, struct cairn_error *error)
{
	int rc = set_printable(cairn->url, sizeof(cairn->url),
		choose(options->url, "CAIRN_URL", "http://127.0.0.1:8080"), "the URL", error);
	if (!rc)
		rc = set_printable(cairn->token, sizeof(cairn->token),
			choose(options->token, "CAIRN_TOKEN", ""), "the token", error);
	if (!rc)
		rc = set_worker(cairn, options->worker, error);
	if (rc)
		return rc;
	size_t n = strlen(cairn->url);
	while (n > 0 && cairn->url[n - 1] == '/')
		cairn->url[--n] = '\0';
	const char *from_environment = getenv("CAIRN_TRIES");
	long tries = options->tries;
	if (tries <= 0 && from_environment)
		tries = strtol(from_environment, NULL, 10);
	if (tries <= 0)
		tries = TRIES;
	cairn->tries = tries < TRIES_MAX ? (int)tries : TRIES_MAX;
	cairn->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
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
	cairn->process = getpid();
	pthread_mutex_init(&cairn->lock, NULL);
	*out = cairn;
	return CAIRN_OK;
}

void cairn_close(struct cairn *cairn)
{
	if (!cairn)
		return;
	/* A forked child would say good-bye on connections that its parent uses. */
	for (size_t i = 0; i < cairn->n_handles && !client_forked(cairn); i++)
		curl_easy_cleanup(cairn->handles[i]);
	pthread_mutex_destroy(&cairn->lock);
	free(cairn);
}

int cairn_exchange(struct cairn *cairn, const struct cairn_call *given, char **answer, size_t *size,
	struct cairn_error *error)
{
	const char *const words[] = { given->accept, given->if_match };
	bool import = strcmp(given->path, "/v1/experiments/import") == 0;
	struct client_call call = { .method = given->method,
		.path = given->path,
		.body = given->body,
		.type = import ? "application/x-ndjson" : NULL,
		.accept = given->accept,
		.if_match = given->if_match,
		.answer_size = size,
		.keyed = strcmp(given->method, "POST") == 0 };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const char *word = words[i] ? words[i] : "";
		/* A line break would begin another header. */
		for (const char *c = word; *c; c++) {
			if (*c < ' ' || *c > '~' || c - word >= WORD_MAX)
				return client_fail(error, CAIRN_BAD_ARGUMENT, 0,
					"a header is too long, or holds something else than "
					"visible ASCII characters");
		}
	}
	return client_text(cairn, &call, answer, error);
}

int cairn_request(struct cairn *cairn, const char *method, const char *path, const char *body,
	char **answer, struct cairn_error *error)
{
	struct cairn_call call = { .method = method, .path = path, .body = body };
	return cairn_exchange(cairn, &call, answer, NULL, error);
}

int cairn_create(
	struct cairn *cairn, const char *json, char *id, size_t id_size, struct cairn_error *error)
{
	struct client_call call = {
		.method = "POST", .path = "/v1/experiments", .body = json, .keyed = true
	};
	json_t *answer;

	if (id_size < EXPERIMENT_ID)
		return client_fail(error, CAIRN_BAD_ARGUMENT, 0,
			"an experiment's id takes up to %d bytes", EXPERIMENT_ID);
	int rc = client_json(cairn, &call, &answer, error);
	if (rc)
		return rc;
	const char *given = json_string_value(json_object_get(answer, "id"));
	if (given && strlen(given) < id_size)
		memcpy(id, given, strlen(given) + 1);
	else
		rc = client_fail(error, CAIRN_UNREACHABLE, 0,
			"%s answers without an experiment's id: is it a Cairn server?", cairn->url);
	json_decref(answer);
	return rc;
}

/* ---- suggest ---- */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static char *suggest_body(const struct cairn *cairn, int64_t lease_ms, int64_t wait_ms, bool resume)
{
	char lease[32], wait[32];

	snprintf(lease, sizeof(lease), "%" PRId64 "ms", lease_ms);
	snprintf(wait, sizeof(wait), "%" PRId64 "ms", wait_ms);
	json_t *request = json_pack("{s:s, s:s, s:s, s:b}", "worker", cairn->worker, "lease", lease,
		"wait", wait, "resume", resume);
	char *body = request ? json_text(request) : NULL;
	json_decref(request);
	return body;
}

/* CAIRN_AGAIN: *pause_ms is how long to wait before the next. */
static int suggest_once(struct cairn *cairn, const char *experiment,
	const struct cairn_suggest_options *options, int64_t wait_ms, struct cairn_trial **out,
	int64_t *pause_ms, struct cairn_error *error)
{
	char path[PATH_SIZE];
	json_t *answer;
	int64_t lease_ms = options->lease_ms > 0 ? options->lease_ms : LEASE_DEFAULT_MS;
	int64_t asked_ms = now_ms();

	if (lease_ms > LEASE_MAX_MS)
		lease_ms = LEASE_MAX_MS;
	snprintf(path, sizeof(path), "/v1/experiments/%s/suggest", experiment);
	char *body = suggest_body(cairn, lease_ms, wait_ms, options->resume);
	if (!body)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a request");
	struct client_call call = {
		.method = "POST", .path = path, .body = body, .keyed = true, .wait_ms = wait_ms
	};
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
	/* The time it was held counts. */
	*pause_ms = json_integer_value(json_object_get(answer, "retry_after_ms")) -
		    (now_ms() - asked_ms);
	json_decref(answer);
	return rc;
}

/* At most until then (0: no bound); servers that are leaving do not hold requests. */
static void rest(int64_t ms, int64_t until_ms)
{
	if (ms > WAIT_MS)
		ms = WAIT_MS;
	if (until_ms && ms > until_ms - now_ms())
		ms = until_ms - now_ms();
	if (ms <= 0)
		return;
	struct timespec left = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000 * 1000000) };
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static bool is_id(const char *text)
{
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
			return false;
	}
	return n > 0 && n < EXPERIMENT_SIZE;
}

int cairn_suggest(struct cairn *cairn, const char *experiment,
	const struct cairn_suggest_options *options, struct cairn_trial **out,
	struct cairn_error *error)
{
	static const struct cairn_suggest_options none = { 0 };
	int64_t until = 0, pause_ms = 0;

	if (!is_id(experiment))
		return client_fail(error, CAIRN_BAD_ARGUMENT, 0, "that is no experiment's id");
	if (!options)
		options = &none;
	if (options->patience_ms > 0 && options->patience_ms < INT64_MAX / 2)
		until = now_ms() + options->patience_ms;
	for (;;) {
		int64_t wait_ms = options->patience_ms < 0 ? 0 : WAIT_MS;
		if (until && until - now_ms() < wait_ms)
			wait_ms = until - now_ms();
		if (wait_ms < 0)
			wait_ms = 0;
		int rc = suggest_once(cairn, experiment, options, wait_ms, out, &pause_ms, error);
		if (rc != CAIRN_AGAIN || options->patience_ms < 0 || (until && now_ms() >= until))
			return rc;
		rest(pause_ms, until);
	}
}
