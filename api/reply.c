#include "api/reply.h"

#include "api/problem.h"
#include "core/json.h"
#include "core/time_text.h"

void reply_json(struct call *call, int status)
{
	if (call->out.failed) {
		problem_replyf(call, CODE_TOO_LARGE,
			"the answer is larger than %u bytes; ask for less at once", CALL_OUT_BYTES);
		return;
	}
	call->status = status;
	call->content_type = "application/json";
	if (!call_header_find(call, "Cache-Control"))
		call_header(call, "Cache-Control", "private, no-cache");
	call_finish(call);
}

void reply_empty(struct call *call, int status)
{
	buffer_clear(&call->out);
	call->status = status;
	call->content_type = NULL;
	call_finish(call);
}

void write_time(struct buffer *out, int64_t ms)
{
	char text[TIME_TEXT_SIZE];

	if (ms <= 0) {
		buffer_add_text(out, "null");
		return;
	}
	time_write(ms, text);
	buffer_printf(out, "\"%s\"", text);
}

void write_json_member(struct buffer *out, const char *name, const char *json)
{
	buffer_printf(out, ",\"%s\":", name);
	buffer_add_text(out, json ? json : "null");
}

void write_text_member(struct buffer *out, const char *name, const char *text)
{
	buffer_printf(out, ",\"%s\":", name);
	if (text)
		json_write_string(out, text);
	else
		buffer_add_text(out, "null");
}

void write_count_member(struct buffer *out, const char *name, int64_t value)
{
	if (value < 0)
		buffer_printf(out, ",\"%s\":null", name);
	else
		buffer_printf(out, ",\"%s\":%lld", name, (long long)value);
}

void write_time_member(struct buffer *out, const char *name, int64_t ms)
{
	buffer_printf(out, ",\"%s\":", name);
	write_time(out, ms);
}
