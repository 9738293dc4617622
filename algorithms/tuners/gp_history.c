#include "algorithms/tuners/gp_history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"

#define AUGMENTATION 0.05

/* Results of the view that count, in order. */
static size_t list_results(const struct view *view, size_t enough, const struct trial **out)
{
	size_t n = 0;

	for (size_t i = 0; i < view->n_finished && n < enough; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		if (!trial->x || trial->state == TRIAL_CANCELLED || trial->state == TRIAL_LOST)
			continue;
		if (out)
			out[n] = trial;
		n++;
	}
	return n;
}

size_t gp_history_count(const struct view *view, size_t enough)
{
	return list_results(view, enough, NULL);
}

void gp_weights_draw(struct rng *rng, size_t n, double *weights)
{
	double sum = 0;

	for (size_t k = 0; k < n; k++) {
		weights[k] = -log(rng_uniform_open(rng));
		sum += weights[k];
	}
	for (size_t k = 0; k < n; k++)
		weights[k] /= sum;
}

/* ---- losses ---- */

static double objective_of(const struct view *view, const struct trial *trial, size_t k)
{
	if (trial->state != TRIAL_SUCCEEDED || !trial->values)
		return (double)NAN;
	return objective_loss(&view->spec->objectives[k], trial->values[k]);
}

static double clip(double x, double low, double high)
{
	return fmin(fmax(x, low), high);
}

static void set_single(const struct trial *const *trials, size_t n, double *loss)
{
	for (size_t i = 0; i < n; i++)
		loss[i] = trials[i]->state == TRIAL_SUCCEEDED ? trials[i]->loss : (double)NAN;
}

/* The least and the largest finite loss of an objective; false if there is none. */
static bool find_range(const struct view *view, const struct trial *const *trials, size_t n,
	size_t k, double *low, double *high)
{
	*low = HUGE_VAL;
	*high = -HUGE_VAL;
	for (size_t i = 0; i < n; i++) {
		double f = objective_of(view, trials[i], k);
		if (!isfinite(f))
			continue;
		*low = fmin(*low, f);
		*high = fmax(*high, f);
	}
	return *low <= *high;
}

static void set_chebyshev(const struct view *view, const struct trial *const *trials, size_t n,
	const double *weights, double *loss)
{
	size_t m = view->spec->n_objectives;

	for (size_t i = 0; i < n; i++)
		loss[i] = 0;
	for (size_t k = 0; k < m; k++) {
		double weight = weights ? weights[k] : 1.0 / (double)m, low, high;
		bool any = find_range(view, trials, n, k, &low, &high);

		for (size_t i = 0; i < n; i++) {
			double f = objective_of(view, trials[i], k);
			double scaled = any && high > low ? (0.5 * clip(f, low, high) - 0.5 * low) /
								    (0.5 * high - 0.5 * low)
							  : 0;
			loss[i] = isnan(f) || isnan(loss[i]) ? (double)NAN
							     : fmax(loss[i], weight * scaled);
		}
	}
	for (size_t k = 0; k < m; k++) { /* the augmentation, once the largest is known */
		double weight = weights ? weights[k] : 1.0 / (double)m, low, high;

		if (!find_range(view, trials, n, k, &low, &high) || !(high > low))
			continue;
		for (size_t i = 0; i < n; i++)
			loss[i] += AUGMENTATION * weight *
				   (0.5 * clip(objective_of(view, trials[i], k), low, high) -
					   0.5 * low) /
				   (0.5 * high - 0.5 * low);
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median of the numbers among values[n]; NaN: none. */
static double median_of(const double *values, size_t n, double *scratch)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(values[i]))
			scratch[kept++] = values[i];
	qsort(scratch, kept, sizeof(*scratch), ascending);
	return kept ? scratch[(kept - 1) / 2] : (double)NAN;
}

static void set_stopped(const struct view *view, const struct trial *const *trials, size_t n,
	double median, double *loss)
{
	for (size_t i = 0; i < n; i++) {
		double last = objective_loss(&view->spec->objectives[0], trials[i]->last_value);
		if (trials[i]->state != TRIAL_STOPPED || trials[i]->last_step < 0 || isnan(last))
			continue;
		loss[i] = isnan(median) ? last : fmax(last, median);
	}
}

/* ---- outcome constraints ---- */

/* How far the value is beyond the constraint's bounds, negative inside. */
static double excess_of(const struct outcome_constraint *constraint, double value)
{
	double above = isfinite(constraint->max) ? value - constraint->max : -HUGE_VAL;
	double below = isfinite(constraint->min) ? constraint->min - value : -HUGE_VAL;

	return fmax(above, below);
}

static double metric_named(const struct metric *metrics, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(metrics[i].name, name) == 0)
			return metrics[i].value;
	return (double)NAN;
}

/* rows[constraint * n + result]; NaN where nothing is known. */
static int read_excesses(const struct view *view, const struct trial *const *trials, size_t n,
	double *rows, struct arena *scratch)
{
	for (size_t i = 0; i < n; i++) {
		const char *json = trials[i]->values_json;
		const struct metric *metrics;
		size_t n_metrics = 0;
		struct error err;

		arena_reset(scratch);
		if (json && trials[i]->state == TRIAL_SUCCEEDED &&
			metrics_read(json, strlen(json), scratch, &metrics, &n_metrics, &err) ==
				CODE_NO_MEMORY)
			return CODE_NO_MEMORY;
		for (size_t c = 0; c < view->spec->n_constraints; c++) {
			const struct outcome_constraint *constraint = &view->spec->constraints[c];
			double value =
				n_metrics ? metric_named(metrics, n_metrics, constraint->metric)
					  : (double)NAN;
			rows[c * n + i] = excess_of(constraint, value);
		}
	}
	return 0;
}

static double scale_of(const double *row, size_t n)
{
	double squares = 0, count = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(row[i]))
			continue;
		squares += row[i] * row[i];
		count++;
	}
	double scale = count > 0 ? sqrt(squares / count) : 0;
	return scale > 0 && isfinite(scale) ? scale : 1;
}

/* What the row lacks is violated by one unit, as view_objectives has it. */
static void merge_row(const double *row, size_t n, double *excess)
{
	double scale = scale_of(row, n);

	for (size_t i = 0; i < n; i++) {
		double here = isnan(row[i]) ? 1 : clip(row[i] / scale, -3, 3);
		excess[i] = fmax(excess[i], here);
	}
}

static int set_excess(struct gp_history *history, const struct view *view,
	const struct trial *const *trials, struct arena *arena)
{
	size_t n = history->n, n_constraints = view->spec->n_constraints;
	double *rows = arena_array(arena, n * n_constraints + 1, sizeof(*rows));
	struct arena scratch;

	history->excess = arena_array(arena, n + 1, sizeof(double));
	if (!rows || !history->excess)
		return CODE_NO_MEMORY;
	arena_init(&scratch, arena->limit);
	int code = read_excesses(view, trials, n, rows, &scratch);
	arena_release(&scratch);
	for (size_t i = 0; i < n; i++)
		history->excess[i] = -HUGE_VAL;
	for (size_t c = 0; c < n_constraints; c++)
		merge_row(rows + c * n, n, history->excess);
	for (size_t i = 0; i < n; i++) /* whatever rounding or missing metrics say */
		if (trials[i]->state != TRIAL_SUCCEEDED)
			history->excess[i] = (double)NAN;
		else if (trials[i]->violation > 0)
			history->excess[i] = fmax(history->excess[i], 1e-6);
		else
			history->excess[i] = fmin(history->excess[i], 0);
	return code;
}

/* ---- all of it ---- */

static int set_losses(struct gp_history *history, const struct view *view,
	const struct trial *const *trials, const double *weights, struct arena *arena)
{
	size_t n = history->n;
	double *scratch = arena_array(arena, n + 1, sizeof(*scratch));

	if (!scratch)
		return CODE_NO_MEMORY;
	if (view->spec->n_objectives > 1) {
		set_chebyshev(view, trials, n, weights, history->loss);
	} else {
		set_single(trials, n, history->loss);
		set_stopped(view, trials, n, median_of(history->loss, n, scratch), history->loss);
	}
	for (size_t i = 0; i < n; i++)
		history->n_feasible += !isnan(history->loss[i]) && !(trials[i]->violation > 0);
	return 0;
}

static int list_pending(struct gp_history *history, const struct view *view, struct arena *arena)
{
	int64_t left = view_pending(view);
	size_t first = GP_PENDING_MAX;

	history->pending = arena_array(arena, GP_PENDING_MAX, sizeof(*history->pending));
	if (!history->pending)
		return CODE_NO_MEMORY;
	for (size_t i = view->n_trials; i-- > 0 && left > 0 && first > 0;) {
		if (!trial_pending(&view->trials[i]))
			continue;
		left--;
		if (view->trials[i].x)
			history->pending[--first] = view->trials[i].x;
	}
	history->pending += first;
	history->n_pending = GP_PENDING_MAX - first;
	return 0;
}

int gp_history_init(struct gp_history *history, const struct view *view, const double *weights,
	struct arena *arena)
{
	size_t room = view->n_finished + 1;
	const struct trial **trials = arena_array(arena, room, sizeof(*trials));

	*history = (struct gp_history){
		.x = arena_array(arena, room, sizeof(*history->x)),
		.loss = arena_array(arena, room, sizeof(double)),
	};
	if (!trials || !history->x || !history->loss)
		return CODE_NO_MEMORY;
	history->n = list_results(view, SIZE_MAX, trials);
	for (size_t i = 0; i < history->n; i++)
		history->x[i] = trials[i]->x;
	int code = set_losses(history, view, trials, weights, arena);
	if (code == 0 && view->spec->n_constraints)
		code = set_excess(history, view, trials, arena);
	return code ? code : list_pending(history, view, arena);
}
