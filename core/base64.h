/*
 * Base64 (RFC 4648, section 4): the standard alphabet, always padded, nothing else accepted: no
 * white space, no missing padding, no stray bits in the last character. So a byte string has
 * exactly one text.
 */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/buffer.h"

void base64_write(const void *data, size_t size, struct buffer *out);

/* How many bytes text stands for; false when it is not base64. */
bool base64_check(const char *text, size_t length, size_t *size);

/* The bytes of a text that base64_check has accepted; NULL when memory is short. */
void *base64_read(const char *text, size_t length, struct arena *arena);

#endif
