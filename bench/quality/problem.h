/*
 * A problem to optimise: a search space, a function of its points, and the least it can take.
 * Everything is minimised. A problem does not change once made; threads share it.
 */
#ifndef BENCH_QUALITY_PROBLEM_H
#define BENCH_QUALITY_PROBLEM_H

#include <stddef.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/space.h"

struct problem {
	struct arena arena;	  /* everything below lives here */
	const char *name;	  /* "f15 Rastrigin, rotated": the same in all its instances */
	const char *suite;	  /* what it was asked for by: "bbob5" */
	unsigned instance;	  /* 1 ... */
	const char *search_space; /* JSON */
	const struct space *space;
	double optimum; /* the least of value */

	/* The true value at x (a point of space, core/space.h): what a run is scored by. */
	double (*value)(const struct problem *problem, const double *x);
	/* What a trial at x is told, when that is another thing; noise comes from rng. May be
	 * NULL. */
	double (*reported)(const struct problem *problem, const double *x, struct rng *noise);
	const void *state; /* what value needs to know */
};

/* The problems asked for. One is made at a time: suite_begin, then fill in, then suite_end. */
struct suite {
	struct problem **problems;
	size_t n, room;
	char skipped[512]; /* why some are missing; "" if none are */
};

void suite_init(struct suite *suite);
void suite_release(struct suite *suite);

/* Adds the problems of a name: bbob2 ... bbob40 (f1 to f24 in that dimension), classic, mixed,
 * conditional, book, tabular; instances 1 ... n of each (book and tabular have one, n times). 0,
 * CODE_INVALID or CODE_NO_MEMORY. Tables that are not there are noted in skipped. */
int suite_add(struct suite *suite, const char *name, unsigned instances, struct error *err);

/* One BBOB function. */
int suite_add_bbob(struct suite *suite, const char *name, unsigned function, size_t dimension,
	unsigned instance, struct error *err);

/* The families' own files; each adds all of its problems, those without instances once. */
int suite_add_classic(struct suite *suite, unsigned instances, struct error *err);
int suite_add_mixed(struct suite *suite, unsigned instances, struct error *err);
int suite_add_conditional(struct suite *suite, unsigned instances, struct error *err);
int suite_add_book(struct suite *suite, unsigned instances, struct error *err);
int suite_add_tabular(struct suite *suite, unsigned instances, struct error *err);

/* A new problem of that name, to be filled in; NULL when memory is short. */
struct problem *suite_begin(struct suite *suite, const char *name, unsigned instance);

/* Parses its search space, which fmt makes. value and state may be set before or after. */
int problem_set_space(struct problem *problem, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* n uniform parameters x0 ... on [low,high]. */
int problem_set_box(struct problem *problem, size_t n, double low, double high, struct error *err);

#endif
