/*
 * Options as a table: name, type, default, bounds, help. One table serves validation, defaults,
 * GET /v1/tuners, the documentation and the tests. Algorithms read the resolved values.
 */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"

#define OPTIONS_MAX 24

enum option_type {
	OPTION_BOOL,
	OPTION_INT,
	OPTION_REAL,
	OPTION_CHOICE, /* one of choices */
	OPTION_IGNORED /* NNI's, means nothing here: any value is taken and none is kept */
};

struct option {
	const char *name; /* wire name, snake_case */
	enum option_type type;
	double low, high;     /* inclusive bounds of INT and REAL */
	const char *choices;  /* CHOICE: "best|worst|mean" */
	const char *fallback; /* the default, as text: "true", "25", "0.25", "best" */
	const char *help;     /* one line, with the unit if there is one */
	const char *alias;    /* NNI's classArgs name, or NULL */
};

struct option_value {
	bool flag;
	int64_t integer;
	double real;	 /* INT options carry the value here too */
	unsigned choice; /* index into choices */
};

struct option_set {
	const struct option *table; /* NULL for none */
	size_t n;
	struct option_value values[OPTIONS_MAX];
};

/* Every option at its default. The table ends with a NULL name and is borrowed for good. */
void options_init(struct option_set *set, const struct option *table);

/* By name; a name that the table lacks, or of another type, is a programmer's error (assert). */
bool option_flag(const struct option_set *set, const char *name);
int64_t option_int(const struct option_set *set, const char *name);
double option_real(const struct option_set *set, const char *name);
const char *option_choice(const struct option_set *set, const char *name, struct arena *arena);
bool option_is(const struct option_set *set, const char *name, const char *choice);

/* What the wire says of an algorithm: the part of a tuner or assessor that core must know to parse
 * an experiment. aliases: NNI's names, '|'-separated, matched without regard to case. */
#define ALGORITHM_NEEDS_METRICS 8u /* of caps: it reads the reports of ended trials */

struct algorithm {
	const char *name;
	const char *aliases;
	const char *summary; /* one sentence for GET /v1/tuners */
	unsigned caps;	     /* TUNER_* or ASSESSOR_* flags */
	const struct option *options;
};

struct error;
struct faults;
struct space;
struct model_space; /* algorithms/nas/model_space.h */

/* What a parser may choose from. Arrays end with NULL. */
struct catalog {
	const struct algorithm *const *tuners;
	const struct algorithm *const *assessors;
	/* Reads a model space: its points as a search space, that as JSON, and what the points
	 * stand for. 0, CODE_INVALID (see faults), CODE_NO_MEMORY. NULL: there are none. */
	int (*model_space)(const char *json, const char *constraints_json, struct arena *arena,
		const struct model_space **out, const struct space **points,
		const char **points_json, struct faults *faults, struct error *err);
};

const struct algorithm *catalog_find(const struct algorithm *const *list, const char *name);

#endif
