#include "algorithms/assessors/curve_history.h"

#include <math.h>

#include "algorithms/assessors/curve_reports.h"
#include "algorithms/assessors/statistics.h"

#define OUTLIER 3

/* A completed or stopped trial whose reports say something. */
static bool is_result(const struct trial *trial, const struct trial *judged)
{
	if (trial == judged)
		return false;
	return trial->state == TRIAL_STOPPED ||
	       (trial->state == TRIAL_SUCCEEDED && trial->values && !isnan(trial->values[0]));
}

/* Every k-th report, so that no trial costs more than HISTORY_REPORTS. */
static uint32_t stride_of(const struct trial *trial)
{
	return trial->n_reports / HISTORY_REPORTS + 1;
}

/* The index of the first report that is read: the last one always is. */
static uint32_t first_of(const struct trial *trial)
{
	return trial->n_reports ? (trial->n_reports - 1) % stride_of(trial) : 0;
}

struct extent {
	int64_t first, last; /* steps; first > last: no report counts */
	double value;	     /* at the last */
};

static struct extent extent_of(const struct trial *trial)
{
	struct extent extent = { INT64_MAX, -1, (double)NAN };
	for (uint32_t i = first_of(trial); i < trial->n_reports; i += stride_of(trial)) {
		const struct report *report = &trial->reports[i];
		if (!report_counts(trial, report))
			continue;
		extent.first = report->step < extent.first ? report->step : extent.first;
		if (report->step >= extent.last) {
			extent.last = report->step;
			extent.value = report->value;
		}
	}
	return extent;
}

static double steps_done(const struct extent *extent, int64_t step)
{
	return (double)step + (extent->first == 0);
}

ptrdiff_t history_column(const struct history *history, double x)
{
	double column = floor(x * (double)history->columns / history->horizon) - 1;
	double last = (double)history->columns - 1;
	return (ptrdiff_t)(column < last ? column : last);
}

/* The first column that covers a report, from its step in columns: ceil - 1, and cheap. */
static size_t column_after(double step)
{
	if (!(step < HISTORY_COLUMNS + 1))
		return HISTORY_COLUMNS;
	size_t column = step > 0 ? (size_t)step : 0;
	return column > 0 && (double)column == step ? column - 1 : column;
}

static void fill_row(struct history *history, size_t row, const struct trial *trial,
	const struct extent *extent, const struct objective *objective)
{
	double *best = &history->best[row * history->columns];
	double scale = (double)history->columns / history->horizon;
	for (size_t c = 0; c < history->columns; c++)
		best[c] = (double)NAN;
	for (uint32_t i = first_of(trial); i < trial->n_reports; i += stride_of(trial)) {
		const struct report *report = &trial->reports[i];
		double loss = objective_loss(objective, report->value);
		if (!report_counts(trial, report) || loss == -HUGE_VAL)
			continue;
		size_t c = column_after(steps_done(extent, report->step) * scale);
		if (c < history->columns)
			best[c] = best[c] <= loss ? best[c] : loss;
	}
	for (size_t c = 1; c < history->columns; c++)
		best[c] = best[c] <= best[c - 1] || isnan(best[c - 1]) ? best[c] : best[c - 1];
}

static void add_row(struct history *history, const struct trial *trial, const struct extent *extent,
	const struct objective *objective)
{
	struct history_row *row = &history->rows[history->n];
	*row = (struct history_row){
		.completed = trial->state == TRIAL_SUCCEEDED,
		.candidate = trial_is_candidate(trial),
		.reach = (ptrdiff_t)history->columns - 1,
		.final = (double)NAN,
		.end = (double)NAN,
	};
	if (row->completed) {
		row->final = objective_loss(objective, trial->values[0]);
		row->end = objective_loss(objective, extent->value);
		if (row->final == -HUGE_VAL)
			return;
	} else {
		row->reach = history_column(history, steps_done(extent, extent->last));
		if (row->reach < 0)
			return;
	}
	fill_row(history, history->n, trial, extent, objective);
	history->n_completed += row->completed;
	history->n++;
}

/* v[0 .. n) cut off at OUTLIER times the median's distance from the best; answers the bound. */
static double outlier_bound(double *v, size_t n)
{
	double low = HUGE_VAL;
	for (size_t i = 0; i < n; i++)
		low = fmin(low, v[i]);
	double median = select_kth(v, (ptrdiff_t)n, (ptrdiff_t)(n / 2));
	if (isfinite(median) && median > low)
		return median + OUTLIER * (median - low);
	double high = low; /* most are equal: nothing to measure by */
	for (size_t i = 0; i < n; i++)
		high = isfinite(v[i]) ? fmax(high, v[i]) : high;
	return high;
}

static void bound_finals(struct history *history)
{
	size_t n = 0;
	for (size_t i = 0; i < history->n; i++)
		if (history->rows[i].completed)
			history->scratch[n++] = history->rows[i].final;
	if (n == 0)
		return;
	double bound = outlier_bound(history->scratch, n);
	for (size_t i = 0; i < history->n; i++)
		if (history->rows[i].completed)
			history->rows[i].final = fmin(history->rows[i].final, bound);
}

static size_t oldest_read(const struct view *view)
{
	return view->n_finished > HISTORY_TRIALS ? view->n_finished - HISTORY_TRIALS : 0;
}

/* What the newest ended trials reported, in the order of finished; answers the largest last step of
 * a completed one. */
static double read_extents(
	const struct view *view, const struct trial *judged, struct extent *extents)
{
	size_t oldest = oldest_read(view);
	double longest = 0;
	for (size_t i = oldest; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		struct extent *extent = &extents[i - oldest];
		if (!is_result(trial, judged))
			continue;
		*extent = extent_of(trial);
		if (trial->state == TRIAL_SUCCEEDED && extent->first <= extent->last)
			longest = fmax(longest, steps_done(extent, extent->last));
	}
	return longest;
}

static size_t columns_of(double horizon)
{
	if (horizon < 1)
		return 1;
	return horizon < HISTORY_COLUMNS ? (size_t)horizon : HISTORY_COLUMNS;
}

int history_read(const struct view *view, const struct trial *trial, double max_steps,
	struct arena *arena, struct history *out)
{
	const struct objective *objective = &view->spec->objectives[0];
	size_t oldest = oldest_read(view), room = view->n_finished - oldest;
	struct extent *extents = arena_array(arena, room, sizeof(*extents));
	struct history history = { 0 };

	if (!extents)
		return CODE_NO_MEMORY;
	double longest = read_extents(view, trial, extents);
	history.horizon = max_steps > 0 ? max_steps : longest;
	history.columns = columns_of(history.horizon);
	history.best = arena_array(arena, room * history.columns, sizeof(double));
	history.finals = arena_array(arena, room, sizeof(double));
	history.scratch = arena_array(arena, 2 * room, sizeof(double));
	history.rows = arena_array(arena, room, sizeof(*history.rows));
	if (!history.best || !history.finals || !history.scratch || !history.rows)
		return CODE_NO_MEMORY;
	for (size_t i = oldest; i < view->n_finished; i++) {
		const struct trial *other = &view->trials[view->finished[i]];
		if (!is_result(other, trial))
			continue;
		const struct extent *extent = &extents[i - oldest];
		history.n_results++;
		if (trial_is_candidate(other))
			history.finals[history.n_finals++] =
				objective_loss(objective, other->values[0]);
		if (history.horizon > 0 && extent->first <= extent->last)
			add_row(&history, other, extent, objective);
	}
	bound_finals(&history);
	*out = history;
	return 0;
}

/* The trials without a final value of their own are behind all that have one. */
static double bar_of(const struct history *history, double *losses, size_t n, double keep)
{
	size_t k = (size_t)(keep * (double)history->n_results);
	return select_kth(losses, (ptrdiff_t)n, (ptrdiff_t)(k < n ? k : n - 1));
}

double history_bar(struct history *history, double keep)
{
	return bar_of(history, history->finals, history->n_finals, keep);
}

double history_reported_bar(struct history *history, double keep)
{
	size_t n = 0;
	for (size_t i = 0; i < history->n; i++) {
		const struct history_row *row = &history->rows[i];
		if (row->candidate && !isnan(row->end))
			history->scratch[n++] = row->end;
	}
	return n ? bar_of(history, history->scratch, n, keep) : (double)NAN;
}

/* The final loss is known or filled in, and the curve got to column. */
static bool covers(const struct history *history, size_t i, ptrdiff_t column)
{
	const struct history_row *row = &history->rows[i];
	return row->reach >= column && !isnan(row->final) &&
	       !isnan(history->best[i * history->columns + (size_t)column]);
}

struct line {
	size_t n;
	double x, y;   /* means */
	double xx, xy; /* sums of squares and products about them */
	double slope, variance;
	double bound; /* of x */
};

/* Least squares, in two passes against cancellation. The slope is not allowed to be negative: that
 * a curve is worse now never makes its end better. */
static struct line fit_line(struct history *history, ptrdiff_t column)
{
	struct line line = { 0 };
	double yy = 0;
	const double *x = &history->best[column];
	for (size_t i = 0; i < history->n; i++)
		if (covers(history, i, column))
			history->scratch[line.n++] = x[i * history->columns];
	if (line.n < 3)
		return line;
	line.bound = outlier_bound(history->scratch, line.n);
	for (size_t i = 0; i < history->n; i++)
		if (covers(history, i, column)) {
			line.x += fmin(x[i * history->columns], line.bound) / (double)line.n;
			line.y += history->rows[i].final / (double)line.n;
		}
	for (size_t i = 0; i < history->n; i++)
		if (covers(history, i, column)) {
			double dx = fmin(x[i * history->columns], line.bound) - line.x;
			double dy = history->rows[i].final - line.y;
			line.xx += dx * dx;
			line.xy += dx * dy;
			yy += dy * dy + history->rows[i].variance;
		}
	line.slope = line.xx > 0 && line.xy > 0 ? line.xy / line.xx : 0;
	line.variance = fmax(yy - line.slope * line.xy, 0) / (double)(line.n - 2);
	return line;
}

static void predict(const struct line *line, double best, double *mean, double *variance)
{
	double d = fmin(best, line->bound) - line->x;
	*mean = line->y + line->slope * d;
	*variance =
		line->variance * (1 + 1 / (double)line->n + (line->xx > 0 ? d * d / line->xx : 0));
}

void history_fill(struct history *history, ptrdiff_t column)
{
	for (ptrdiff_t c = (ptrdiff_t)history->columns - 1; c >= column; c--) {
		struct line line = { 0 };
		for (size_t i = 0; i < history->n; i++) {
			struct history_row *row = &history->rows[i];
			double best = history->best[i * history->columns + (size_t)c];
			if (row->completed || row->reach != c || !isnan(row->final) || isnan(best))
				continue;
			if (line.n == 0)
				line = fit_line(history, c);
			if (line.n < 3)
				break;
			predict(&line, best, &row->final, &row->variance);
		}
	}
}

bool history_predict(struct history *history, ptrdiff_t column, double best, struct prediction *out)
{
	struct line line = fit_line(history, column);
	double variance = 0;
	if (line.n < 3 || history->n_completed < 3)
		return false;
	predict(&line, best, &out->mean, &variance);
	out->sd = sqrt(variance);
	out->df = history->n_completed - 2;
	return true;
}
