#include <assert.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "service/http_internal.h"

void request_refuse(struct request *request, enum code code, const char *fmt, ...)
{
	if (request->refusal)
		return; /* the first reason is the one to tell */
	va_list args;
	va_start(args, fmt);
	request->refusal = code;
	vsnprintf(request->refusal_detail, sizeof(request->refusal_detail), fmt, args);
	va_end(args);
}

const char *request_header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static enum method method_of(const char *name)
{
	static const char *const names[] = { [METHOD_GET] = "GET",
		[METHOD_HEAD] = "HEAD",
		[METHOD_POST] = "POST",
		[METHOD_PUT] = "PUT",
		[METHOD_PATCH] = "PATCH",
		[METHOD_DELETE] = "DELETE",
		[METHOD_OPTIONS] = "OPTIONS" };
	for (int i = 0; i < METHOD_OTHER; i++)
		if (!strcmp(name, names[i]))
			return (enum method)i;
	return METHOD_OTHER;
}

/* The client's id if it can be trusted in logs and headers, else one of ours: unique, not secret
 * (splitmix64 of a counter). */
static void id_choose(struct request *request)
{
	const char *given = request_header(request, "X-Request-Id");
	if (given && uri_request_id_valid(given)) {
		request->call.request_id = arena_strdup(&request->call.arena, given);
		if (request->call.request_id)
			return;
	}
	uint64_t x = request->http->id_key +
		     atomic_fetch_add(&request->http->next_id, 1) * 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	snprintf(request->own_id, sizeof(request->own_id), "req-%016llx", (unsigned long long)x);
	request->call.request_id = request->own_id;
}

static bool is_loopback(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct sockaddr_storage address = { 0 };
	if (!info || !info->client_addr)
		return false;
	if (info->client_addr->sa_family == AF_UNIX)
		return true;
	if (info->client_addr->sa_family == AF_INET) {
		memcpy(&address, info->client_addr, sizeof(struct sockaddr_in));
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	if (info->client_addr->sa_family != AF_INET6)
		return false;
	memcpy(&address, info->client_addr, sizeof(struct sockaddr_in6));
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)&address)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}

/* RFC 9110, 5.6.2: what methods and names of headers are made of. */
static bool is_token(const char *text)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	return *text && !text[strspn(text, token)];
}

struct framing {
	unsigned lengths, encodings, hosts;
	const char *bad; /* a header that is not one */
};

static enum MHD_Result see_header(
	void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	struct framing *framing = context;
	if (!is_token(name))
		framing->bad = "the name of a header is not a token";
	for (const unsigned char *p = (const unsigned char *)(value ? value : ""); *p; p++)
		if ((*p < ' ' && *p != '\t') || *p == 0x7f)
			framing->bad = "the value of a header has a control character";
	framing->lengths += !strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH);
	framing->encodings += !strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING);
	framing->hosts += !strcasecmp(name, MHD_HTTP_HEADER_HOST);
	return MHD_YES;
}

/* Where a request ends must have one meaning only, or a proxy in front of us could be made to see
 * another one (RFC 9112, 6.1 and 11.2). NULL: it has. */
static const char *framing_fault(
	const struct request *request, const char *method, const char *version)
{
	struct framing framing = { 0 };
	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, see_header, &framing);
	const char *length = request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
	const char *encoding = request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING);
	if (!is_token(method))
		return "the method is not a token";
	if (strcmp(version, MHD_HTTP_VERSION_1_1) && strcmp(version, MHD_HTTP_VERSION_1_0))
		return "the protocol must be HTTP/1.1 or HTTP/1.0";
	if (framing.bad)
		return framing.bad;
	if (framing.lengths > 1 || framing.encodings > 1 || framing.hosts > 1)
		return "Content-Length, Transfer-Encoding and Host may be given once";
	if (length && encoding)
		return "Content-Length and Transfer-Encoding exclude each other";
	if (encoding && strcasecmp(encoding, "chunked"))
		return "the only Transfer-Encoding is chunked";
	if (encoding && !strcmp(version, MHD_HTTP_VERSION_1_0))
		return "HTTP/1.0 has no Transfer-Encoding";
	if (length && (!*length || length[strspn(length, "0123456789")]))
		return "Content-Length must be a number";
	return NULL;
}

bool request_check(struct request *request, const char *method, const char *version)
{
	struct call *call = &request->call;
	struct error err;
	id_choose(request);
	call->method = method_of(method);
	call->method_name = arena_strdup(&call->arena, method);
	call->path = "/";
	call->loopback = is_loopback(request->connection);
	const char *fault = framing_fault(request, method, version);
	if (fault) {
		request->close = true;
		request_refuse(request, CODE_MALFORMED, "%s", fault);
		return false;
	}
	if (!request->target || !call->method_name) {
		request_refuse(request, CODE_NO_MEMORY, "no memory for the request");
		return false;
	}
	if (uri_parse(request->target, &call->arena, &request->uri, &err)) {
		request_refuse(request, err.code, "%s", err.message);
		return false;
	}
	call->path = request->uri.path;
	return true;
}
