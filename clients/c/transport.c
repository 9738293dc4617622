/* Requests over libcurl: one connection a thread at a time, tried again when that is safe. */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define ANSWER_MAX     (256u << 20)
#define PAUSE_FIRST_MS 200
#define PAUSE_MAX_MS   15000
#define PAUSE_ASKED_S  300 /* who is told to come back later than that should know, not wait */

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

bool client_forked(const struct cairn *cairn)
{
	return cairn->process != getpid();
}

/* ---- what comes back ---- */

struct answer {
	char *data; /* with a NUL behind it; NULL: nothing came */
	size_t size, room;
	bool too_large;
	long retry_after_s; /* -1: not said, or as a date */
	int64_t length;	    /* Upload-Offset; -1: not said */
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

/* The number behind a header's name; -1: it is another header, or no number. */
static int64_t header_number(const char *line, size_t bytes, const char *name)
{
	size_t prefix = strlen(name);
	char value[24] = "";

	if (bytes <= prefix || strncasecmp(line, name, prefix) != 0)
		return -1;
	size_t n = bytes - prefix < sizeof(value) - 1 ? bytes - prefix : sizeof(value) - 1;
	memcpy(value, line + prefix, n);
	const char *digits = value + strspn(value, " \t");
	return isdigit((unsigned char)*digits) ? strtoll(digits, NULL, 10) : -1;
}

static size_t on_header(char *line, size_t size, size_t n, void *context)
{
	struct answer *answer = context;
	int64_t retry_after_s = header_number(line, size * n, "retry-after:");
	int64_t length = header_number(line, size * n, "upload-offset:");

	if (retry_after_s >= 0)
		answer->retry_after_s = retry_after_s < INT32_MAX ? (long)retry_after_s : INT32_MAX;
	if (length >= 0)
		answer->length = length;
	return size * n;
}

static void answer_clear(struct answer *answer)
{
	answer->size = 0;
	answer->too_large = false;
	answer->retry_after_s = -1;
	answer->length = -1;
	if (answer->data)
		answer->data[0] = '\0';
}

/* ---- connections ---- */

/* Programs that the caller starts must not hold our connections open. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)context;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int on_progress(
	void *context, curl_off_t down_of, curl_off_t down, curl_off_t up_of, curl_off_t up)
{
	const struct client_call *call = context;
	(void)down_of;
	(void)down;
	(void)up_of;
	(void)up;
	return call->is_over(call->context);
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

static bool random_bytes(void *out, size_t size)
{
	unsigned char *bytes = out;
	while (size > 0) {
		ssize_t n = getrandom(bytes, size, 0);
		if (n < 0 && errno != EINTR)
			return false;
		bytes += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool make_key(char key[33])
{
	unsigned char raw[16];
	if (!random_bytes(raw, sizeof(raw)))
		return false;
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(key + 2 * i, 3, "%02x", raw[i]);
	return true;
}

/* ---- sending ---- */

static bool add_header(struct curl_slist **list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool add_header(struct curl_slist **list, const char *fmt, ...)
{
	char line[SECRET_SIZE + 64];
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
	bool ok = add_header(
		&list, "Accept: %s, */*;q=0.5", call->accept ? call->accept : "application/json");
	const char *type = call->type ? call->type : "application/json";

	/* An empty one takes away the form type that curl would send. */
	ok = ok &&
	     add_header(&list, "Content-Type:%s%s", call->body ? " " : "", call->body ? type : "");
	if (cairn->token[0])
		ok = ok && add_header(&list, "Authorization: Bearer %s", cairn->token);
	if (call->keyed)
		ok = ok && add_header(&list, "Idempotency-Key: %s", key);
	if (call->if_match)
		ok = ok && add_header(&list, "If-Match: %s", call->if_match);
	/* curl asks for permission to send larger bodies; the server never refuses late enough for
	 * that to be worth a round trip. */
	ok = ok && add_header(&list, "Expect:");
	if (!ok) {
		curl_slist_free_all(list);
		return NULL;
	}
	return list;
}

static bool is_method(const struct client_call *call, const char *method)
{
	return strcmp(call->method, method) == 0;
}

static void set_options(CURL *handle, const struct cairn *cairn, const struct client_call *call)
{
	int64_t timeout_ms = cairn->timeout_ms;

	if (call->timeout_ms > 0 && call->timeout_ms < timeout_ms)
		timeout_ms = call->timeout_ms;
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	if (is_method(call, "HEAD"))
		curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)(timeout_ms + call->wait_ms));
	if (call->body_size)
		curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size);
	/* Every method that may have a body says how long it is, be it 0. */
	if (call->body || is_method(call, "POST") || is_method(call, "PUT"))
		curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call->body ? call->body : "");
	if (call->is_over) {
		curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(handle, CURLOPT_XFERINFODATA, call);
	}
}

/* While curl works the thread is not cancelled, which would leak, and hears no SIGPIPE: TLS writes
 * with write(2), and a server that goes away must not end the program. */
struct calm {
	sigset_t before;
	bool pending;
	int cancel;
};

static void calm_begin(struct calm *calm)
{
	sigset_t pipe, pending;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &calm->cancel);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	calm->pending = sigismember(&pending, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &pipe, &calm->before);
}

static void calm_end(const struct calm *calm)
{
	static const struct timespec at_once = { 0 };
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (!calm->pending)
		sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &calm->before, NULL);
	pthread_setcancelstate(calm->cancel, NULL);
}

/* One attempt. CURLE_OK and *status, or what curl says. */
static CURLcode send_once(CURL *handle, const struct cairn *cairn, const struct client_call *call,
	struct curl_slist *headers, struct answer *answer, long *status)
{
	char url[URL_SIZE + PATH_SIZE];

	answer_clear(answer);
	*status = 0;
	set_options(handle, cairn, call);
	snprintf(url, sizeof(url), "%s%s", cairn->url, call->path);
	curl_easy_setopt(handle, CURLOPT_URL, url);
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(handle, CURLOPT_HEADERDATA, answer);
	CURLcode rc = curl_easy_perform(handle);
	if (rc == CURLE_OK)
		curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, status);
	return rc;
}

/* ---- trying again ---- */

enum fate {
	FATE_ANSWERED, /* nothing to mend, or nothing that sending again would mend */
	FATE_NOT_DONE, /* the server did not do it */
	FATE_UNKNOWN   /* perhaps it did, and the answer was lost */
};

static const struct {
	CURLcode code;
	enum fate fate;
} fates[] = {
	{ CURLE_COULDNT_RESOLVE_PROXY, FATE_NOT_DONE },
	{ CURLE_COULDNT_RESOLVE_HOST, FATE_NOT_DONE },
	{ CURLE_COULDNT_CONNECT, FATE_NOT_DONE },
	{ CURLE_SSL_CONNECT_ERROR, FATE_NOT_DONE },
	{ CURLE_OPERATION_TIMEDOUT, FATE_UNKNOWN },
	{ CURLE_SEND_ERROR, FATE_UNKNOWN },
	{ CURLE_RECV_ERROR, FATE_UNKNOWN },
	{ CURLE_GOT_NOTHING, FATE_UNKNOWN },
	{ CURLE_PARTIAL_FILE, FATE_UNKNOWN },
	{ CURLE_HTTP2, FATE_UNKNOWN },
	{ CURLE_HTTP2_STREAM, FATE_UNKNOWN },
};

/* in_doubt: the fate of an earlier attempt is unknown. Its key is refused while it is under way. */
static enum fate fate_of(CURLcode rc, long status, bool in_doubt)
{
	for (size_t i = 0; i < sizeof(fates) / sizeof(*fates); i++) {
		if (fates[i].code == rc)
			return fates[i].fate;
	}
	if (rc != CURLE_OK)
		return FATE_ANSWERED;
	if (status == 429 || status == 503 || (status == 409 && in_doubt))
		return FATE_NOT_DONE;
	return status == 502 || status == 504 ? FATE_UNKNOWN : FATE_ANSWERED;
}

static bool is_worth_repeating(const struct client_call *call, enum fate fate)
{
	if (fate == FATE_NOT_DONE)
		return true;
	return fate == FATE_UNKNOWN &&
	       (call->keyed || is_method(call, "GET") || is_method(call, "HEAD"));
}

/* Before attempt i + 1, with jitter: those who were sent away together shall not come back
 * together. */
static int64_t pause_before(const struct answer *answer, int i)
{
	uint16_t dice = 0;
	int64_t most = PAUSE_MAX_MS, asked = answer->retry_after_s * 1000;

	if (i < 7 && (PAUSE_FIRST_MS << (i - 1)) < PAUSE_MAX_MS)
		most = PAUSE_FIRST_MS << (i - 1);
	random_bytes(&dice, sizeof(dice));
	if (asked >= 0 && most > 1000)
		most = 1000;
	return (asked >= 0 ? asked : most / 2) + most / 2 * dice / UINT16_MAX;
}

static void sleep_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000 * 1000000) };
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

	if (detail)
		client_fail(error, CAIRN_REFUSED, (int)status, "%s", detail);
	else
		client_fail(error, CAIRN_REFUSED, (int)status, "the server answers with status %ld",
			status);
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

static int send_call(struct cairn *cairn, const struct client_call *call, CURL *handle,
	struct answer *answer, struct cairn_error *error)
{
	char key[33];
	long status;
	CURLcode rc;
	int tries = call->tries ? call->tries : cairn->tries;
	bool in_doubt = false;

	if (!make_key(key))
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no random bytes for a key");
	struct curl_slist *headers = make_headers(cairn, call, key);
	if (!headers)
		return client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a request");
	for (int i = 1;; i++) {
		rc = send_once(handle, cairn, call, headers, answer, &status);
		enum fate fate = fate_of(rc, status, in_doubt);
		in_doubt = in_doubt || fate == FATE_UNKNOWN;
		if (i >= tries || !is_worth_repeating(call, fate) ||
			answer->retry_after_s > PAUSE_ASKED_S)
			break;
		sleep_ms(pause_before(answer, i));
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
	struct calm calm;

	if (strlen(call->path) >= PATH_SIZE)
		return client_fail(error, CAIRN_BAD_ARGUMENT, 0, "the path is too long");
	if (client_forked(cairn))
		return client_fail(error, CAIRN_BAD_ARGUMENT, 0,
			"after fork() the child must open a client of its own");
	calm_begin(&calm);
	CURL *handle = handle_take(cairn);
	int rc = handle ? send_call(cairn, call, handle, &answer, error)
			: client_fail(error, CAIRN_NO_MEMORY, 0, "no memory for a connection");
	if (handle)
		handle_give(cairn, handle);
	calm_end(&calm);
	if (call->length && answer.length >= 0)
		*call->length = answer.length;
	if (call->answer_size)
		*call->answer_size = answer.size;
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
