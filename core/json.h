/*
 * The JSON codec: strict reading and canonical writing on jansson. The only core header, with the
 * other *_json.h, that names jansson's types; engine/ and algorithms/ never see them, but for
 * algorithms/nas/, which reads models.
 *
 * Strict means: UTF-8 only, no NUL bytes, no duplicate keys, at most LIMIT_JSON_DEPTH levels, no
 * trailing text, no NaN or Infinity, integers that fit in 64 bits.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <jansson.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/faults.h"
#include "core/hash.h"

/* CODE_MALFORMED with line and column in the message. *out is a new reference. */
int json_read(const char *text, size_t size, json_t **out, struct error *err);

/* Compact, keys in insertion order; reals as the shortest text that reads back equal. */
int json_write(const json_t *value, struct buffer *out, struct error *err);

/* One number as JSON: an integer without a point when it is integral and |x| < 2^53 and integral is
 * set; NaN, inf, -inf as the strings "nan", "inf", "-inf". */
void json_write_number(struct buffer *out, double x, bool integral);
void json_write_string(struct buffer *out, const char *text); /* quoted and escaped */

/* A metric value: a number, or "nan", "inf", "-inf". False if it is neither. */
bool json_metric(const json_t *value, double *out);

/* Equal keys: equal values; numbers by value (1 is 1.0), members of objects in any order. value
 * must be no deeper than json_read accepts. */
void json_key(const json_t *value, struct key128 *key);
void json_number_key(double x, struct key128 *key); /* the key of the JSON number x */

/* Deep equality of two texts, numbers by value. False when either does not parse. */
bool json_text_equal(const char *a, const char *b);

#endif
