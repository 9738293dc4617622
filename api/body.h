/*
 * Request bodies as tables: a row per field. body_decode checks everything and reports every fault
 * with its JSON pointer; unknown fields are faults. Strings and kept JSON live in the call's arena.
 */
#ifndef API_BODY_H
#define API_BODY_H

#include <jansson.h>
#include <stddef.h>

#include "api/call.h"
#include "core/faults.h"

enum field_type {
	FIELD_STRING,	/* const char * */
	FIELD_INT,	/* int64_t */
	FIELD_REAL,	/* double */
	FIELD_BOOL,	/* bool */
	FIELD_DURATION, /* int64_t, ms: "5m", "250ms", or a number of seconds */
	FIELD_TIME,	/* int64_t, ms since the epoch, RFC 3339 */
	FIELD_OBJECT,	/* json_t *, borrowed from the document */
	FIELD_ARRAY,	/* json_t * */
	FIELD_JSON	/* json_t *, anything */
};

#define FIELD_REQUIRED 1u
#define FIELD_NULLABLE 2u /* null is the same as absent */

struct field {
	const char *name;
	enum field_type type;
	unsigned flags;
	size_t offset;	  /* into the output struct; absent fields leave it as it was */
	double low, high; /* numbers: inclusive bounds; strings and arrays: length in bytes, items.
			     0, 0: none */
};

#define FIELD(structure, member, kind, flag_bits, low_, high_)                                     \
	{                                                                                          \
		.name = #member, .type = kind, .flags = flag_bits,                                 \
		.offset = offsetof(structure, member), .low = low_, .high = high_                  \
	}

/* The document of a JSON call: parsed strictly once; NULL and a problem reply when it is malformed.
 * An empty body of a ROUTE_OPTIONAL route is {}. Owned by the call's handler: json_decref it. */
json_t *body_json(struct call *call);

/* fields ends with a NULL name. False: faults were added. at: where document stands, NULL: the
 * root. */
bool body_decode(struct call *call, const json_t *document, const struct path *at,
	const struct field *fields, void *out, struct faults *faults);

/* A kept value as compact text in the call's arena; NULL: no memory. */
const char *body_text(struct call *call, const json_t *value);

#endif
