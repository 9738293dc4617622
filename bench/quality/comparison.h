/*
 * Contenders on the problems of some suites: every contender with every number of workers on every
 * problem (function and instance) with the same seeds.
 *
 * What is compared is the regret relative to random search: (f_best - f_opt) over the mean of that
 * of some dozens of random runs with the same number of trials on the same problem. 0 is the
 * optimum, 1 is what random search finds, less is better. The random runs of the yardstick have
 * seeds of their own.
 */
#ifndef BENCH_QUALITY_COMPARISON_H
#define BENCH_QUALITY_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/quality/run.h"

#define COMPARISON_FLOOR 1e-12 /* least relative regret in a geometric mean */
#define COMPARISON_FOUND 1e-9  /* at most: the optimum is found */
#define COMPARISON_MAX	 16    /* contenders, budgets, worker counts, suites */

struct plan {
	const struct suite *suite;
	size_t n_contenders;
	const struct contender *contenders;
	size_t n_workers;
	const unsigned *workers;
	size_t n_budgets; /* ascending; a run goes to the last and is read at each */
	const size_t *budgets;
	unsigned seeds;	   /* a problem's runs by each contender */
	unsigned baseline; /* random runs of the yardstick, a problem */
	unsigned threads;
};

struct comparison {
	struct plan plan;
	struct run *runs; /* [workers][contender][problem][seed] */
	size_t n_runs;
	struct run *random; /* [problem][baseline] */
	double *bests;	    /* all runs' */
	double *yardstick;  /* [problem][trial]: mean regret of random search */
};

struct score {
	size_t n; /* runs */
	double mean, geometric;
	double found;	 /* share of the runs that found the optimum */
	double rank;	 /* mean over problems and seeds, among the contenders that can */
	double ask_us;	 /* CPU microseconds a suggestion */
	const char *why; /* NULL, or why it could not do this suite: then the rest is NaN */
};

/* Does it all. The plan's arrays are borrowed. 0, or CODE_NO_MEMORY, or what went wrong with the
 * yardstick; a contender that cannot do a problem is no failure (see score.why). */
int comparison_run(struct comparison *comparison, const struct plan *plan,
	void (*progress)(size_t done, size_t n), struct error *err);
void comparison_release(struct comparison *comparison);

/* The trials of a run: the last budget. */
size_t comparison_trials(const struct comparison *comparison);

const struct run *comparison_of(const struct comparison *comparison, size_t workers,
	size_t contender, size_t problem, size_t seed);

/* Relative regrets after `trials` trials over the problems of a suite (and of that name, unless
 * NULL) and the seeds, in that order; relative to random search after `against` trials. Problems
 * that random search always solves are left out. regrets must have room for problems x seeds.
 * Answers how many. */
size_t comparison_regrets(const struct comparison *comparison, const char *suite, const char *name,
	size_t workers, size_t contender, size_t trials, size_t against, double *regrets);

/* The score in a suite after so many trials. False: no memory. */
bool comparison_score(const struct comparison *comparison, const char *suite, size_t workers,
	size_t contender, size_t trials, struct score *out);

/* Wilcoxon's p of the differences of the log relative regrets of two contenders; NaN if one of them
 * could not do the suite. */
double comparison_p(const struct comparison *comparison, const char *suite, size_t workers,
	size_t a, size_t b, size_t trials);

/* Why a contender cannot do a suite; NULL: it can. */
const char *comparison_obstacle(
	const struct comparison *comparison, const char *suite, size_t workers, size_t contender);

/* The names of the suites, or with a suite of its problems, each once, in order. At most room. */
size_t comparison_names(
	const struct comparison *comparison, const char *suite, size_t room, const char **names);

#endif
