/*
 * What assessors read of a view: a trial's reports as a curve, and the trials worth comparing with.
 */
#ifndef ALGORITHMS_ASSESSORS_CURVE_REPORTS_H
#define ALGORITHMS_ASSESSORS_CURVE_REPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/view.h"

/* Of the trial's current attempt, made in time, and with a value (infinite ones have one). */
bool report_counts(const struct trial *trial, const struct report *report);

struct curve_reports {
	size_t n;
	const struct report **items; /* by step; equal steps in order of arrival */
	int64_t origin;		     /* 1 if the steps begin at 0, else 0 */
};

/* The reports that count; finite: only those with a finite value. Linear time when they came in
 * order. 0 or CODE_NO_MEMORY. */
int curve_reports_read(
	const struct trial *trial, bool finite, struct arena *arena, struct curve_reports *out);

/* Steps done at the i-th report: steps that begin at 0 count from 1. */
double curve_reports_x(const struct curve_reports *reports, size_t i);

/* A completed trial with a value of the first objective that is not NaN and breaks no outcome
 * constraint. */
bool trial_is_candidate(const struct trial *trial);

/* The best of the candidates by the first objective, finite; the first of equals; NULL: none. */
const struct trial *best_completed(const struct view *view);

#endif
