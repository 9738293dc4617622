/* Requests that are not what they seem. Each must be refused, and its connection closed where the
 * end of the request is in doubt: what follows must never be taken for a second request. */
#include "tests/unit/service/harness.h"

struct hostile {
	const char *name;
	const char *text;
	size_t size;
	int status; /* 0: closed without an answer; -1: any refusal, 4xx or 5xx, or closed */
};

#define CASE(name_, text_, status_)                                                                \
	{                                                                                          \
		.name = name_, .text = text_, .size = sizeof(text_) - 1, .status = status_         \
	}
#define SECOND "GET /inline HTTP/1.1\r\nHost: smuggled\r\n\r\n"
#define HOST   "Host: a\r\n"

static const struct hostile framing[] = {
	CASE("two lengths",
		"POST /echo HTTP/1.1\r\n" HOST
		"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd" SECOND,
		-1),
	CASE("two equal lengths",
		"POST /echo HTTP/1.1\r\n" HOST
		"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc" SECOND,
		-1),
	CASE("length list", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc" SECOND,
		-1),
	CASE("length and chunks",
		"POST /echo HTTP/1.1\r\n" HOST
		"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND,
		-1),
	CASE("chunks and length",
		"POST /echo HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" SECOND,
		-1),
	CASE("two encodings",
		"POST /echo HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" SECOND,
		-1),
	CASE("unknown encoding",
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n" SECOND, -1),
	CASE("obfuscated encoding",
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n" SECOND, -1),
	CASE("chunks on HTTP/1.0",
		"POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND,
		-1),
	CASE("negative length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n" SECOND,
		-1),
	CASE("signed length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc" SECOND,
		-1),
	CASE("huge length",
		"POST /echo HTTP/1.1\r\n" HOST
		"Content-Length: 99999999999999999999999\r\n\r\nabc" SECOND,
		-1),
	CASE("hexadecimal length",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc" SECOND, -1),
	CASE("space before the colon",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc" SECOND, -1),
	CASE("bad chunk size",
		"POST /echo HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n" SECOND,
		-1),
	CASE("huge chunk size",
		"POST /echo HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc" SECOND,
		-1),
	CASE("two hosts", "GET /inline HTTP/1.1\r\n" HOST "Host: b\r\n\r\n" SECOND, 400),
	CASE("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" SECOND, -1),
	CASE("HTTP/3.7", "GET /inline HTTP/3.7\r\n" HOST "\r\n" SECOND, -1),
	CASE("no version", "GET /inline\r\n\r\n" SECOND, -1),
	CASE("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" SECOND, -1),
};

static const struct hostile others[] = {
	CASE("no host", "GET /inline HTTP/1.1\r\n\r\n", 400),
	CASE("NUL in the path", "GET /inline%00 HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("raw NUL in the path", "GET /inl\0ine HTTP/1.1\r\n" HOST "\r\n", -1),
	CASE("control in the path", "GET /%1b[31m HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("newline in the path", "GET /inline%0d%0aX:1 HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("bad UTF-8", "GET /%ff HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("overlong UTF-8", "GET /%c0%af HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("surrogate", "GET /%ed%a0%80 HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("cut escape", "GET /inline%2 HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("false escape", "GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("bad query", "GET /inline?a=%ff HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("repeated query", "GET /inline?a=1&a=2 HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("fragment", "GET /inline#x HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("relative path", "GET inline HTTP/1.1\r\n" HOST "\r\n", 400),
	CASE("dots", "GET /../../etc/passwd HTTP/1.1\r\n" HOST "\r\n", 404),
	CASE("absolute form", "GET http://a/inline HTTP/1.1\r\n" HOST "\r\n", 200),
	CASE("asterisk", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 404),
	CASE("unknown method", "BREW /nowhere HTTP/1.1\r\n" HOST "\r\n", 404),
	CASE("other expectation",
		"POST /echo HTTP/1.1\r\n" HOST "Expect: miracle\r\nContent-Length: 1\r\n\r\nx", -1),
	CASE("compressed body",
		"POST /echo HTTP/1.1\r\n" HOST
		"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
		415),
	CASE("control in a header", "GET /inline HTTP/1.1\r\n" HOST "X-A: a\x01z\r\n\r\n", 400),
	CASE("body for GET", "GET /big HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 413),
};

static void expect(const struct hostile *hostile, int status)
{
	bool refused = status == 0 || status >= 400;
	if (hostile->status < 0 ? refused : status == hostile->status)
		return;
	print_error("%s: answered %d\n", hostile->name, status);
	assert_true(false);
}

static void test_framing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(framing) / sizeof(framing[0]); i++) {
		struct client client;
		harness_open(&(struct harness_options){ 0 });
		client_open(&client);
		client_send_bytes(&client, framing[i].text, framing[i].size);
		shutdown(client.fd, SHUT_WR);
		while (client_more(&client))
			;
		int status = client.size > 12 ? (int)strtol(client.text + 9, NULL, 10) : 0;
		expect(&framing[i], status);
		/* Nothing ran, nothing was granted. (libmicrohttpd's own refusal of a bad
		 * Content-Length repeats its head, so heads are not counted.) */
		bool twice = client.size && strstr(client.text, "HTTP/1.1 200");
		if (atomic_load(&harness.runs) || twice)
			print_error("%s: the second request was taken:\n%s\n", framing[i].name,
				client.text);
		assert_int_equal(atomic_load(&harness.runs), 0);
		assert_false(twice);
		client_close(&client);
		harness_close();
	}
}

static void test_others(void **state)
{
	(void)state;
	harness_open(&(struct harness_options){ 0 });
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		expect(&others[i], client_once(others[i].text, others[i].size));
	harness_close();
}

static void test_long_things(void **state)
{
	(void)state;
	static char text[200000];
	harness_open(&(struct harness_options){ 0 });
	int n = snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n" HOST "\r\n", 9000, 0);
	assert_int_equal(client_once(text, (size_t)n), 400);
	n = snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n" HOST "\r\n", 100000, 0);
	assert_in_range(client_once(text, (size_t)n), 400, 499);
	n = snprintf(
		text, sizeof(text), "GET /inline HTTP/1.1\r\n" HOST "X: %0*d\r\n\r\n", 100000, 0);
	assert_in_range(client_once(text, (size_t)n), 400, 499);
	size_t size = (size_t)snprintf(text, sizeof(text), "GET /inline HTTP/1.1\r\n" HOST);
	for (int i = 0; i < 10000; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "X-%d: 1\r\n", i);
	size += (size_t)snprintf(text + size, sizeof(text) - size, "\r\n");
	assert_in_range(client_once(text, size), 400, 499);
	size = (size_t)snprintf(text, sizeof(text), "GET /inline?");
	for (int i = 0; i < 100; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "a%d=1&", i);
	size += (size_t)snprintf(text + size, sizeof(text) - size, " HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(client_once(text, size), 400);
	assert_int_equal(atomic_load(&harness.runs), 0);
	harness_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_long_things),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
