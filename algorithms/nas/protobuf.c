#include "algorithms/nas/protobuf.h"

#include <string.h>

enum wire_type { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

static void varint(struct buffer *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buffer_add_char(out, (char)(0x80 | (value & 0x7f)));
	buffer_add_char(out, (char)value);
}

static void tag(struct buffer *out, unsigned field, enum wire_type type)
{
	varint(out, (uint64_t)field << 3 | type);
}

void protobuf_int(struct buffer *out, unsigned field, int64_t value)
{
	tag(out, field, WIRE_VARINT);
	varint(out, (uint64_t)value);
}

void protobuf_float(struct buffer *out, unsigned field, float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof(bits));
	tag(out, field, WIRE_FIXED32);
	for (int i = 0; i < 4; i++)
		buffer_add_char(out, (char)(bits >> (8 * i) & 0xff));
}

void protobuf_bytes(struct buffer *out, unsigned field, const void *data, size_t size)
{
	tag(out, field, WIRE_BYTES);
	varint(out, size);
	if (size)
		buffer_add(out, data, size);
}

void protobuf_text(struct buffer *out, unsigned field, const char *text)
{
	protobuf_bytes(out, field, text, strlen(text));
}

void protobuf_message(struct buffer *out, unsigned field, const struct buffer *message)
{
	protobuf_bytes(out, field, message->data, message->size);
	out->failed = out->failed || message->failed;
}
