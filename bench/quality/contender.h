/*
 * What is measured: a tuner of the catalogue with its options, named on the command line as
 * NAME[:OPTION=VALUE]..., for instance tpe:multivariate=false:n_startup=20.
 */
#ifndef BENCH_QUALITY_CONTENDER_H
#define BENCH_QUALITY_CONTENDER_H

#include "core/arena.h"
#include "core/error.h"

struct contender {
	const char *label;   /* as it was named */
	const char *tuner;   /* the catalogue's name */
	const char *options; /* JSON object; checked by the first run */
};

/* Strings live in arena. 0, CODE_INVALID (no such tuner, or an option without a value) or
 * CODE_NO_MEMORY. */
int contender_parse(
	const char *text, struct arena *arena, struct contender *out, struct error *err);

#endif
