/*
 * One run: a tuner works on a problem with a seed, a budget of trials and a number of workers. With
 * one worker each trial ends before the next is asked for. With more, workers take trials as they
 * come free on a virtual clock; how long a trial takes is drawn from a log-normal distribution
 * (median 1, sigma 1/2), and the tuner sees the others' trials pending.
 *
 * What a run gives depends on nothing but its five inputs; there is no real clock in it but the one
 * that measures the tuner's CPU time.
 */
#ifndef BENCH_QUALITY_RUN_H
#define BENCH_QUALITY_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "bench/quality/contender.h"
#include "bench/quality/problem.h"

#define RUN_WORKERS_MAX 256

struct run {
	const struct problem *problem;
	const struct contender *contender;
	uint64_t seed;
	size_t budget;
	unsigned workers; /* 1 .. RUN_WORKERS_MAX */

	/* [budget], the caller's: the least true value among the first i+1 results. A tuner that
	 * ends early keeps its last. */
	double *best;
	size_t n_trials;
	double ask_s; /* CPU seconds in the tuner */
	int code;     /* 0, or why it could not be done */
	struct error err;
};

void run_execute(struct run *run);

/* All of them on that many threads, in any order; progress, if not NULL, is called by one thread
 * now and then. */
void run_execute_all(
	struct run *runs, size_t n, unsigned threads, void (*progress)(size_t done, size_t n));

#endif
