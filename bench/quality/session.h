/*
 * An experiment in memory, made as the server makes it: a spec from its JSON body, a view that
 * events are applied to. No store, no HTTP. Used by one thread at a time.
 */
#ifndef BENCH_QUALITY_SESSION_H
#define BENCH_QUALITY_SESSION_H

#include <stdint.h>

#include "algorithms/tuners/tuner.h"
#include "bench/quality/contender.h"
#include "bench/quality/problem.h"
#include "core/buffer.h"
#include "core/view.h"

struct session {
	struct catalog catalog;
	struct view view;
	struct arena scratch;
	struct buffer text;
	struct model model; /* what the tuner has learnt, if it learns */
	struct buffer model_bytes;
	struct workspace workspace;
	double ask_s; /* CPU time of this thread spent in the tuner: asks and fits */
	size_t asks;
};

/* An experiment that minimises; max_trials and concurrency are its limits. On failure the session
 * is released. 0, CODE_INVALID (the tuner cannot do this space, or an option is wrong) ... */
int session_init(struct session *session, const struct problem *problem,
	const struct contender *contender, uint64_t seed, size_t max_trials, unsigned concurrency,
	struct error *err);
void session_release(struct session *session);

/* Asks the tuner and starts the trial: *number is its number. 0, CODE_WAIT, CODE_EXHAUSTED, or a
 * failure. */
int session_suggest(struct session *session, size_t *number, struct error *err);

/* The trial's final result. */
int session_observe(struct session *session, size_t number, double value, struct error *err);

#endif
