/*
 * The faults of one document: where (a JSON pointer, RFC 6901) and what. A validator reports every
 * fault it finds, up to LIMIT_FAULTS, and goes on; the caller asks at the end whether there were
 * any.
 *
 * The place is a struct path: a chain of names and indexes on the C stack, leaf first, so that
 * walking a valid document allocates nothing. Example: {"lr": {"_value": [1, "x"]}} with struct
 * path p0 = { NULL, "search_space", 0 }, p1 = { &p0, "lr", 0 }, p2 = { &p1, "_value", 0 }, p3 = {
 * &p2, NULL, 1 }; fault_add(faults, &p3, "must be a number");     ->  /search_space/lr/_value/1
 */
#ifndef CORE_FAULTS_H
#define CORE_FAULTS_H

#include <stddef.h>

#include "core/limits.h"

#define FAULT_POINTER_MAX 256 /* longer pointers are cut at the front, the leaf stays readable */
#define FAULT_MESSAGE_MAX 256

struct path {
	const struct path *up;
	const char *name; /* NULL: use index */
	size_t index;
};

struct fault {
	char pointer[FAULT_POINTER_MAX];
	char message[FAULT_MESSAGE_MAX];
};

struct faults {
	size_t n; /* all that were found; only the first LIMIT_FAULTS are kept */
	struct fault items[LIMIT_FAULTS];
};

void faults_init(struct faults *faults);

/* at may be NULL: the whole document ("" as a pointer). */
void fault_add(struct faults *faults, const struct path *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* How many are kept: min(n, LIMIT_FAULTS). */
size_t faults_kept(const struct faults *faults);

/* Writes the pointer of at into out, escaped as RFC 6901 says (~0, ~1). */
void path_write(const struct path *at, char *out, size_t size);

#endif
