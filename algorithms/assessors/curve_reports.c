#include "algorithms/assessors/curve_reports.h"

#include <math.h>
#include <stdlib.h>

bool report_counts(const struct trial *trial, const struct report *report)
{
	return !report->late && report->attempt == trial->attempt && !isnan(report->value);
}

/* Both point into the trial's reports, which are in order of arrival. */
static int by_step(const void *a, const void *b)
{
	const struct report *x = *(const struct report *const *)a;
	const struct report *y = *(const struct report *const *)b;
	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	return (x > y) - (x < y);
}

int curve_reports_read(
	const struct trial *trial, bool finite, struct arena *arena, struct curve_reports *out)
{
	size_t n = 0;
	bool ordered = true;
	const struct report **items = arena_array(arena, trial->n_reports, sizeof(*items));
	if (!items)
		return CODE_NO_MEMORY;
	for (uint32_t i = 0; i < trial->n_reports; i++) {
		const struct report *report = &trial->reports[i];
		if (!report_counts(trial, report) || (finite && !isfinite(report->value)))
			continue;
		ordered &= n == 0 || items[n - 1]->step <= report->step;
		items[n++] = report;
	}
	if (!ordered)
		qsort(items, n, sizeof(*items), by_step);
	*out = (struct curve_reports){ n, items, n > 0 && items[0]->step == 0 };
	return 0;
}

double curve_reports_x(const struct curve_reports *reports, size_t i)
{
	return (double)(reports->items[i]->step + reports->origin);
}

bool trial_is_candidate(const struct trial *trial)
{
	return trial->state == TRIAL_SUCCEEDED && trial->values && !isnan(trial->values[0]) &&
	       !(trial->violation > 0);
}

const struct trial *best_completed(const struct view *view)
{
	const struct objective *objective = &view->spec->objectives[0];
	const struct trial *best = NULL;
	for (size_t i = 0; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		if (!trial_is_candidate(trial) || !isfinite(trial->values[0]))
			continue;
		if (!best || objective_better(objective, trial->values[0], best->values[0]))
			best = trial;
	}
	return best;
}
