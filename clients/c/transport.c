/* Requests over libcurl: one connection a thread at a time, tried again when that is safe. */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "internal.h"

#define ANSWER_MAX     (256u << 20)
#define PAUSE_FIRST_MS 200
#define PAUSE_MAX_MS   15000

int client_fail(struct cairn_error *error, enum cairn_code code, int status, const char *fmt, ...)
{
	if (error) {
		va_list args;
		va_start(args, fmt);
		error->code = code;
		error->status = status;
		vsnprintf(error->detail, sizeof(error->detail), fmt, args);
		va_end(args);
	}
	return (int)code;
}

struct answer {
	char *data;
	size_t size, room;
	bool too_large;
	long retry_after_s;
};

static size_t on_data(char *data, size_t size, size_t n, void *context)
{
	struct answer *answer = context;
	size_t bytes = size * n;

	if (bytes > ANSWER_MAX - answer->size) {
		answer->too_large = true;
		return 0;
	}
	if (answer->size + bytes + 1 > answer->room) {
		size_t room = answer->room ? answer->room : 4096;
		while (room < answer->size + bytes + 1)
			room *= 2;
		char *moved = realloc(answer->data, room);
		if (!moved)
			return 0;
		answer->data = moved;
		answer->room = room;
	}
	memcpy(answer->data + answer->size, data, bytes);
	answer->size += bytes;
	answer->data[answer->size] = '\0';
	return bytes;
}

static size_t on_header(char *line, size_t size, size_t n, void *context)
{
	static const char name[] = "retry-after:";
	struct answer *answer = context;
	size_t bytes = size * n, prefix = sizeof(name) - 1;
	char value[16] = "";

	if (bytes > prefix && strncasecmp(line, name, prefix) == 0) {
		size_t length =
			bytes - prefix < sizeof(value) - 1 ? bytes - prefix : sizeof(value) - 1;
		memcpy(value, line + prefix, length);
		answer->retry_after_s = strtol(value, NULL, 10);
	}
	return bytes;
}

static CURL *handle_take(struct cairn *cairn)
{
	CURL *handle = NULL;
	pthread_mutex_lock(&cairn->lock);
	if (cairn->n_handles > 0)
		handle = cairn->handles[--cairn->n_handles];
	pthread_mutex_unlock(&cairn->lock);
	return handle ? handle : curl_easy_init();
}

static void handle_give(struct cairn *cairn, CURL *handle)
{
	curl_easy_reset(handle); /* options go, the connection stays */
	pthread_mutex_lock(&cairn->lock);
	bool keep = cairn->n_handles < HANDLES;
	if (keep)
		cairn->handles[cairn->n_handles++] = handle;
	pthread_mutex_unlock(&cairn->lock);
	if (!keep)
		curl_easy_cleanup(handle);
}

static void make_key(char key[33])
{
	unsigned char raw[16];
	size_t got = 0;
	while (got < sizeof(raw)) {
		ssize_t n = getrandom(raw + got, sizeof(raw) - got, 0);
		got += n > 0 ? (size_t)n : 0;
	}
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(key + 2 * i, 3, "%02x", raw[i]);
}

static bool add_header(struct curl_slist **list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool add_header(struct curl_slist **list, const char *fmt, ...)
{
	char line[SECRET_MAX + 64];
	va_list args;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	struct curl_slist *longer = curl_slist_append(*list, line);
	if (longer)
		*list = longer;
	return longer != NULL;
}

static struct curl_slist *make_headers(
	const struct cairn *cairn, const struct client_call *call, const char *key)
{
	struct curl_slist *list = NULL;
	bool ok = add_header(&list, "Accept: application/json");
	if (call->body)
		ok = ok && add_header(&list, "Content-Type: %s",
				   call->type ? call->type : "application/json");
	if (cairn->token[0])
		ok = ok && add_header(&list, "Authorization: Bearer %s", cairn->token);
	if (call->keyed)
		ok = ok && add_header(&list, "Idempotency-Key: %s", key);
	/* curl asks for permission to send larger bodies; the server never refuses late enough for
	 * that to be worth a round trip. */
	ok = ok && add_header(&list, "Expect:");
	if (!ok) {
		curl_slist_free_all(list);
		return NULL;
	}
	return list;
}

/* One attempt. 0 and *status, or the curl error. */
static CURLcode send_once(CURL *handle, const struct cairn *cairn, const struct client_call *call,
	struct curl_slist *headers, struct answer *answer, long *status)
{
	char url[URL_MAX + PATH_MAX_];

	answer->size = 0;
	answer->retry_after_s = -1;
	snprintf(url, sizeof(url), "%s%s", cairn->url, call->path);
	curl_easy_setopt(handle, CURLOPT_URL, url);
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)cairn->timeout_ms);
	curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, cairn->timeout_ms + call->wait_ms);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(handle, CURLOPT_HEADERDATA, answer);
	if (call->body)
		curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call->body);
	CURLcode rc = curl_easy_perform(handle);
	*status = 0;
	if (rc == CURLE_OK)
		curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, status);
	return rc;
}

static void pause_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* The problem's detail, and its faults a line each. */
static int refused(const struct answer *answer, long status, struct cairn_error *error)
{
	json_t *problem = json_loadb(answer->data ? answer->data : "", answer->size, 0, NULL);
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	size_t i;
	json_t *fault;

	client_fail(error, CAIRN_REFUSED, (int)status, "%s",
		detail ? detail : "the server refused the request");
	json_array_foreach(json_object_get(problem, "errors"), i, fault)
	{
		size_t used = error ? strlen(error->detail) : 0;
		const char *pointer = json_string_value(json_object_get(fault, "pointer"));
		const char *message = json_string_value(json_object_get(fault, "message"));
		if (error && pointer && message)
			snprintf(error->detail + used, sizeof(error->detail) - used, "\n  %s: %s",
				pointer, message);
	}
	json_decref(problem);
	return CAIRN_REFUSED;
}

/* Can this outcome be mended by sending again? */
static bool try_again(const struct client_call *call, CURLcode rc, long status)
{
	if (rc == CURLE_COULDNT_CONNECT || rc == CURLE_COULDNT_RESOLVE_HOST || status == 503 ||
		status == 429)
		return true; /* it was not done */
	bool unknown = rc != CURLE_OK || status == 502 || status == 504;
	return unknown && (call->keyed || strcmp(call->method, "GET") == 0);
}

static int send_call(struct cairn *cairn, const struct client_call *call, CURL *handle,
	struct answer *answer, struct cairn_error *error)
{
	char key[33];
	long status, pause = PAUSE_FIRST_MS;
	int tries = call->tries ? call->tries : cairn->tries;

	make_key(key);
	struct curl_slist *headers = make_headers(cairn, call, key);
	if (!headers)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a request");
	CURLcode rc = send_once(handle, cairn, call, headers, answer, &status);
	for (int i = 1; i < tries && try_again(call, rc, status); i++) {
		pause_ms(answer->retry_after_s >= 0 ? answer->retry_after_s * 1000 : pause);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
		rc = send_once(handle, cairn, call, headers, answer, &status);
	}
	curl_slist_free_all(headers);
	if (rc != CURLE_OK)
		return client_fail(error, CAIRN_UNREACHABLE, 0, "%s: %s", cairn->url,
			answer->too_large ? "the answer is too large" : curl_easy_strerror(rc));
	if (status < 200 || status > 299)
		return refused(answer, status, error);
	return CAIRN_OK;
}

int client_text(
	struct cairn *cairn, const struct client_call *call, char **out, struct cairn_error *error)
{
	struct answer answer = { 0 };

	if (strlen(call->path) >= PATH_MAX_)
		return client_fail(error, CAIRN_BAD_ARGUMENT, 0, "the path is too long");
	CURL *handle = handle_take(cairn);
	if (!handle)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a connection");
	int rc = send_call(cairn, call, handle, &answer, error);
	handle_give(cairn, handle);
	if (rc == CAIRN_OK && !answer.data)
		answer.data = calloc(1, 1);
	if (rc == CAIRN_OK && !answer.data)
		rc = client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for an answer");
	if (rc == CAIRN_OK)
		*out = answer.data;
	else
		free(answer.data);
	return rc;
}

int client_json(struct cairn *cairn, const struct client_call *call, json_t **out,
	struct cairn_error *error)
{
	char *text;
	int rc = client_text(cairn, call, &text, error);
	if (rc)
		return rc;
	json_t *value = text[0] ? json_loads(text, JSON_DECODE_ANY, NULL) : json_null();
	free(text);
	if (!value)
		return client_fail(error, CAIRN_UNREACHABLE, 0,
			"%s answers something that is not JSON: is it a Cairn server?", cairn->url);
	*out = value;
	return CAIRN_OK;
}
