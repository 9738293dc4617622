/*
 * How the curves of an experiment move from step t to their end, learned from its ended trials: a
 * regression of the final value on the best value up to t.
 *
 * A trial that was stopped has no final value, and those that have one are the good ones. To
 * regress on them alone would bias the line, so the final values of stopped trials are filled in
 * from their own last step, from the longest curve to the shortest: the method of factored
 * regressions for data that end early and are missing at random, given what was seen before
 * (Anderson, "Maximum likelihood estimates for a multivariate normal distribution when some
 * observations are missing", JASA 1957). What was filled in carries its own variance.
 *
 * Everything is a loss, to be minimised. A line by least squares is at the mercy of trials that
 * diverged: values worse than the median by more than OUTLIER times its distance from the best
 * count as just that bad.
 *
 * Bounded work: of the newest HISTORY_TRIALS ended trials at most HISTORY_REPORTS reports each are
 * read, onto a grid of at most HISTORY_COLUMNS steps.
 */
#ifndef ALGORITHMS_ASSESSORS_CURVE_HISTORY_H
#define ALGORITHMS_ASSESSORS_CURVE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/view.h"

#define HISTORY_TRIALS	500
#define HISTORY_REPORTS 128
#define HISTORY_COLUMNS 64

struct history_row {
	double final;	 /* loss; of a stopped trial what is expected */
	double variance; /* of final: 0 for a completed trial */
	double end;	 /* the last reported loss of a completed trial; NaN: none */
	ptrdiff_t reach; /* last column its curve covers; the last one for completed trials */
	bool completed, candidate;
};

struct history {
	size_t n, n_completed; /* rows; those of completed trials with reports */
	size_t n_results;      /* completed and stopped trials, with or without reports */
	size_t n_finals;
	double horizon;	 /* steps of a whole trial; 0: unknown */
	size_t columns;	 /* column c: what was reported up to step (c + 1) horizon / columns */
	double *best;	 /* n x columns: lowest loss so far; NaN: nothing yet */
	double *finals;	 /* n_finals: losses of all candidates, with or without reports */
	double *scratch; /* n + n_finals */
	struct history_row *rows;
};

struct prediction {
	double mean, sd;
	size_t df;
};

/* trial, the judged one, is left out. max_steps 0: the largest last step among completed trials.
 * 0 or CODE_NO_MEMORY. */
int history_read(const struct view *view, const struct trial *trial, double max_steps,
	struct arena *arena, struct history *out);

/* The column whose step was reached after x steps; negative: none yet. */
ptrdiff_t history_column(const struct history *history, double x);

/* The loss that the best keep of all results reach: at the end, and as last reported there (NaN: no
 * candidate has reports). There must be a candidate. */
double history_bar(struct history *history, double keep);
double history_reported_bar(struct history *history, double keep);

/* Fills in the final losses of the trials that were stopped at column or later. Call it with
 * descending columns. */
void history_fill(struct history *history, ptrdiff_t column);

/* The final loss of a trial whose lowest loss up to column is best (infinity: it has shown nothing
 * finite). False: fewer than three curves to go by. */
bool history_predict(
	struct history *history, ptrdiff_t column, double best, struct prediction *out);

#endif
