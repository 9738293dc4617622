/*
 * Writing Protocol Buffers messages (the wire format of the public encoding document: varints,
 * little-endian fixed32, length-delimited fields), as much of it as ONNX needs. A message inside a
 * message is written into a buffer of its own first.
 */
#ifndef ALGORITHMS_NAS_PROTOBUF_H
#define ALGORITHMS_NAS_PROTOBUF_H

#include <stdint.h>

#include "core/buffer.h"

void protobuf_int(struct buffer *out, unsigned field, int64_t value); /* int32, int64, enum */
void protobuf_float(struct buffer *out, unsigned field, float value);
void protobuf_bytes(struct buffer *out, unsigned field, const void *data, size_t size);
void protobuf_text(struct buffer *out, unsigned field, const char *text);
/* A message that failed makes out fail. */
void protobuf_message(struct buffer *out, unsigned field, const struct buffer *message);

#endif
