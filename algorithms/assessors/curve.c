/*
 * Our own stopping rule: a trial is stopped when it will hardly end among the best, by two
 * accounts.
 *
 * 1. What this experiment's curves do: its final value is predicted from its best value so far by
 *    the line that ended trials follow (curve_history.h). This knows of learning rates that drop at
 *    epoch 30, which no extrapolation foresees.
 * 2. What this curve does: its end is extrapolated by a mixture of families (curve_forecast.h).
 * This knows a slow starter that is still rising when others are flat.
 *
 * "Among the best" is the bar: the value that the best keep of all results so far reach, stopped
 * trials being results behind all others; keep 0 is the incumbent. The first account decides: its
 * probability to reach the bar must be below p_threshold. The second objects when it reaches the
 * bar (a probability of a half or more) or when the curve still accelerates, of which no family can
 * tell where it will bend. Both must have said the same at the report before. A trial whose best
 * value reaches the bar is never stopped.
 *
 * The rule waits for min_trials completed trials; before that nobody knows what a curve of this
 * experiment looks like. Where completed trials have results but no reports (foreign ones), the
 * second account decides alone, by p_threshold, if max_steps says where a curve ends.
 */
#include "algorithms/assessors/assessor.h"

#include <math.h>
#include <stdio.h>

#include "algorithms/assessors/curve_forecast.h"
#include "algorithms/assessors/curve_history.h"
#include "algorithms/assessors/curve_reports.h"
#include "algorithms/assessors/statistics.h"

#define CHECKS 2 /* consecutive reports that must agree */

/* The probability to reach the bar at which a curve's own forecast objects. */
#define OBJECTION 0.5

/* The least share of a whole trial that is judged. */
#define FIRST_SHARE 0.1

static const struct option options[] = {
	{ .name = "max_steps",
		.type = OPTION_INT,
		.low = 0,
		.high = 1000000000,
		.fallback = "0",
		.alias = "epoch_num",
		.help = "steps of a whole trial; 0: the largest step a completed trial reported" },
	{ .name = "start_step",
		.type = OPTION_INT,
		.low = 4,
		.high = 1000000,
		.fallback = "4",
		.help = "reports of a trial before it is judged, and never before a tenth of the "
			"steps" },
	{ .name = "min_trials",
		.type = OPTION_INT,
		.low = 3,
		.high = 1000000,
		.fallback = "5",
		.help = "completed trials to learn from before any is stopped" },
	{ .name = "keep",
		.type = OPTION_REAL,
		.low = 0,
		.high = 0.9,
		.fallback = "0.2",
		.help = "share of the trials that are good enough to run to their end; 0: only a "
			"new best" },
	{ .name = "p_threshold",
		.type = OPTION_REAL,
		.low = 0,
		.high = 0.5,
		.fallback = "0.05",
		.help = "stop when the probability to end among those is below this" },
	{ 0 },
};

struct account {
	double p, mean; /* NaN: no opinion */
};

struct judgement {
	struct history history;
	double bar, reported_bar;
	size_t n; /* reports that count */
	double *x, *loss;
	size_t n_finite; /* of those, finite ones, by themselves */
	double *finite_x, *finite_loss;
	bool has_forecast;
	struct forecast forecast; /* of the check before: the later report's */
};

static int read_curve(struct judgement *judgement, const struct curve_reports *reports,
	const struct objective *objective, struct arena *arena)
{
	size_t n = reports->n;
	double *room = arena_array(arena, 4 * n, sizeof(*room));
	if (!room)
		return CODE_NO_MEMORY;
	judgement->n = n;
	judgement->x = room;
	judgement->loss = room + n;
	judgement->finite_x = room + 2 * n;
	judgement->finite_loss = room + 3 * n;
	for (size_t i = 0; i < n; i++) {
		judgement->x[i] = curve_reports_x(reports, i);
		judgement->loss[i] = objective_loss(objective, reports->items[i]->value);
	}
	return 0;
}

static double tail(double bar, double mean, double sd, size_t df)
{
	return sd > 0 ? student_tail((mean - bar) / sd, df) : mean <= bar;
}

static struct account by_history(struct judgement *judgement, size_t n)
{
	struct account account = { (double)NAN, (double)NAN };
	struct prediction prediction;
	ptrdiff_t column = history_column(&judgement->history, judgement->x[n - 1]);
	double best = HUGE_VAL;
	for (size_t i = 0; i < n; i++)
		best = fmin(best, judgement->loss[i]);
	if (column < 0)
		return account;
	history_fill(&judgement->history, column);
	if (!history_predict(&judgement->history, column, best, &prediction))
		return account;
	account.mean = prediction.mean;
	account.p = tail(judgement->bar, prediction.mean, prediction.sd, prediction.df);
	return account;
}

static struct account by_curve(struct judgement *judgement, size_t n)
{
	struct account account = { (double)NAN, (double)NAN };
	struct forecast forecast;
	size_t points = 0;
	for (size_t i = 0; i < n; i++)
		if (isfinite(judgement->loss[i])) {
			judgement->finite_x[points] = judgement->x[i];
			judgement->finite_loss[points++] = judgement->loss[i];
		}
	if (!curve_forecast(points, judgement->finite_x, judgement->finite_loss,
		    judgement->history.horizon,
		    judgement->has_forecast ? &judgement->forecast : NULL, &forecast))
		return account;
	judgement->has_forecast = true;
	judgement->forecast = forecast;
	account.mean = forecast.mean;
	account.p = forecast.accelerates ? 1
					 : tail(judgement->reported_bar, forecast.mean, forecast.sd,
						   forecast.df);
	return account;
}

/* Nothing is worked out twice: the forecast of a trial that the past still gives a chance is never
 * made. */
static bool past_is_against(
	struct judgement *judgement, double threshold, struct account accounts[CHECKS])
{
	for (size_t c = 0; c < CHECKS; c++) {
		accounts[c] = by_history(judgement, judgement->n - c);
		if (!(accounts[c].p < threshold))
			return false;
	}
	return true;
}

/* With a past to go by, a curve objects when its extrapolation reaches the bar, and one that says
 * nothing (a flat one) does not. Without, it must speak, and be as sure as the past would be. */
static bool curve_is_against(
	struct judgement *judgement, bool has_past, double threshold, struct account *account)
{
	double limit = has_past ? fmax(threshold, OBJECTION) : threshold;
	for (size_t c = 0; c < CHECKS; c++) {
		struct account own = by_curve(judgement, judgement->n - c);
		if (c == 0)
			*account = own;
		if (!(own.p < limit || (has_past && isnan(own.p))))
			return false;
	}
	return true;
}

/* Whether there are results enough to judge by, and something left to save. */
static bool is_due(const struct judgement *judgement, const struct option_set *set)
{
	const struct history *history = &judgement->history;
	size_t start = (size_t)option_int(set, "start_step"), n = judgement->n;
	size_t min_trials = (size_t)option_int(set, "min_trials");
	if (history->n_finals == 0 || history->n_results < min_trials || !(history->horizon > 0))
		return false;
	if (history->n_completed > 0 && history->n_completed < min_trials)
		return false;
	if (n < start + CHECKS - 1)
		return false;
	return judgement->x[n - CHECKS] >= FIRST_SHARE * history->horizon &&
	       judgement->x[n - 1] < history->horizon;
}

static bool reaches_bar(const struct judgement *judgement)
{
	for (size_t i = 0; i < judgement->n; i++)
		if (judgement->loss[i] <= judgement->reported_bar)
			return true;
	return false;
}

static void explain(const struct judgement *judgement, const struct objective *objective,
	const struct account *past, const struct account *own, char *reason, size_t size)
{
	char a[80] = "", b[80] = "";
	if (!isnan(past->p))
		snprintf(a, sizeof(a), "; ended trials suggest %.6g (p = %.2g)",
			objective_loss(objective, past->mean), past->p);
	if (!isnan(own->p))
		snprintf(b, sizeof(b), "; its own curve leads to %.6g (p = %.2g)",
			objective_loss(objective, own->mean), own->p);
	snprintf(reason, size, "after %zu reports it will hardly reach %.6g%s%s", judgement->n,
		objective_loss(objective, judgement->bar), a, b);
}

static int curve_judge(const struct view *view, const struct trial *trial, struct rng *rng,
	struct arena *arena, enum verdict *out, char *reason, size_t reason_size, struct error *err)
{
	(void)rng;
	const struct option_set *set = &view->spec->assessor_options;
	const struct objective *objective = &view->spec->objectives[0];
	double keep = option_real(set, "keep"), threshold = option_real(set, "p_threshold");
	struct judgement judgement = { 0 };
	struct curve_reports reports;
	struct account past[CHECKS] = { { (double)NAN, (double)NAN } }, own;

	*out = VERDICT_CONTINUE;
	if (curve_reports_read(trial, false, arena, &reports) != 0 ||
		read_curve(&judgement, &reports, objective, arena) != 0 ||
		history_read(
			view, trial, option_real(set, "max_steps"), arena, &judgement.history) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory to judge trial %lld",
			(long long)trial->number);
	if (!is_due(&judgement, set))
		return 0;
	judgement.bar = history_bar(&judgement.history, keep);
	judgement.reported_bar = history_reported_bar(&judgement.history, keep);
	if (isnan(judgement.reported_bar))
		judgement.reported_bar = judgement.bar;
	if (reaches_bar(&judgement))
		return 0;
	bool has_past = judgement.history.n_completed > 0;
	if (has_past && !past_is_against(&judgement, threshold, past))
		return 0;
	if (!curve_is_against(&judgement, has_past, threshold, &own))
		return 0;
	*out = VERDICT_STOP;
	explain(&judgement, objective, &past[0], &own, reason, reason_size);
	return 0;
}

const struct assessor assessor_curve = {
	.algorithm = {
		.name = "curve",
		.summary = "Stops a trial when neither the curves of ended trials nor its own give "
			   "it a chance to end among the best.",
		.caps = ALGORITHM_NEEDS_METRICS,
		.options = options,
	},
	.judge = curve_judge,
};
