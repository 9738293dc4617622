/*
 * YAML and JSON files as JSON values that know on which line each part stands.
 *
 * Strict, since what is guessed here would be searched for hours: one document; no anchors, aliases
 * or tags; no key twice; and no plain word that YAML 1.1 and 1.2 read differently (yes, on, 010,
 * 1_000). Numbers are those of YAML 1.2, so that 1e-5 is one.
 */
#ifndef CLIENTS_C_DOCUMENT_H
#define CLIENTS_C_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define DOCUMENT_DEPTH	 64	   /* as the server bounds JSON */
#define DOCUMENT_NODES	 262144	   /* a choice has up to 65536 options */
#define DOCUMENT_POINTER 1024	   /* bytes of the address of one part */
#define DOCUMENT_MAX	 (4 << 20) /* bytes of text */

struct document_mark {
	char *pointer; /* RFC 6901 */
	int line;      /* from 1 */
};

struct document {
	const char *name; /* of the file, borrowed */
	json_t *value;
	struct document_mark *marks;
	size_t n, room;
};

/* text is NUL-terminated. False: why says what is wrong, as "NAME:LINE: ...". */
bool document_read(
	struct document *out, const char *name, const char *text, char *why, size_t size);
void document_release(struct document *document);

/* The line of a part, or of the nearest one around it; 1 for the whole. */
int document_line(const struct document *document, const char *pointer);

#endif
