/*
 * The stopping type of asynchronous successive halving (Li et al., "A system for massively parallel
 * hyperparameter tuning", MLSys 2020): rungs at min_resource eta^k steps; a trial that reaches a
 * rung goes on if it is among the best 1/eta of all values recorded there so far, its own included.
 * With fewer than eta values that is the best one alone. Equal values do not stop each other.
 *
 * A trial's value at a rung is its first report with a value at or after it. A trial whose steps
 * skip rungs is judged at the highest it reached. A report without a value where other trials have
 * one (a loss that is NaN) fails the rung: the trial has diverged. A report without a value at a
 * step where nobody has one decides nothing.
 *
 * Trials count at a rung whatever became of them later. One judgement off a rung reads the trial's
 * own reports, one on a rung those of all trials up to the rung.
 */
#include "algorithms/assessors/assessor.h"

#include <math.h>
#include <stdio.h>

static const struct option options[] = {
	{ .name = "min_resource",
		.type = OPTION_INT,
		.low = 1,
		.high = 1000000000,
		.fallback = "1",
		.alias = "grace_period",
		.help = "steps of the lowest rung: no trial is stopped before" },
	{ .name = "eta",
		.type = OPTION_REAL,
		.low = 2,
		.high = 100,
		.fallback = "3",
		.alias = "reduction_factor",
		.help = "one in eta goes on at a rung, and the next rung is eta times as high" },
	{ .name = "max_resource",
		.type = OPTION_INT,
		.low = 0,
		.high = 1000000000,
		.fallback = "0",
		.alias = "max_t",
		.help = "steps of a whole trial, where no rung is needed; 0: unknown" },
	{ 0 },
};

static bool counts(const struct trial *trial, const struct report *report)
{
	return !report->late && report->attempt == trial->attempt;
}

/* 1 if the attempt's steps begin at 0: then step s is the end of s + 1 steps. */
static int64_t origin_of(const struct trial *trial)
{
	for (uint32_t i = 0; i < trial->n_reports; i++)
		if (trial->reports[i].step == 0 && counts(trial, &trial->reports[i]))
			return 1;
	return 0;
}

/* The highest rung at or below done steps; 0: below them all, or at the end of a whole trial. */
static double rung_of(const struct option_set *set, int64_t done)
{
	double low = option_real(set, "min_resource"), eta = option_real(set, "eta");
	double end = option_real(set, "max_resource"), rung = 0;
	if (end > 0 && (double)done >= end)
		return 0;
	/* The allowance keeps a rung like 2.5^3 on its step. */
	double next = low;
	while (next <= (double)done * (1 + 1e-12)) {
		rung = next;
		next *= eta;
	}
	return rung;
}

/* What stands for a trial at a rung; step -1: nothing yet. */
struct entry {
	int64_t step;
	double loss;
};

static struct entry entry_at(
	const struct trial *trial, const struct objective *objective, double rung)
{
	struct entry entry = { -1, (double)NAN };
	int64_t origin = origin_of(trial);
	for (uint32_t i = 0; i < trial->n_reports; i++) {
		const struct report *report = &trial->reports[i];
		if (!counts(trial, report) || isnan(report->value) ||
			(double)(report->step + origin) * (1 + 1e-12) < rung)
			continue;
		if (entry.step < 0 || report->step <= entry.step) {
			entry.step = report->step;
			entry.loss = objective_loss(objective, report->value);
		}
	}
	return entry;
}

struct standing {
	size_t n, better; /* other trials at the rung, and those strictly better */
	bool same_step;	  /* one of them has its value from the judged step */
};

static struct standing standing_at(
	const struct view *view, const struct trial *trial, double rung, const struct entry *own)
{
	struct standing standing = { 0 };
	for (size_t i = 0; i < view->n_trials; i++) {
		const struct trial *other = &view->trials[i];
		if (other == trial || (double)other->last_step + 1 < rung)
			continue;
		struct entry entry = entry_at(other, &view->spec->objectives[0], rung);
		if (entry.step < 0)
			continue;
		standing.n++;
		standing.better += entry.loss < own->loss;
		standing.same_step |= entry.step == own->step;
	}
	return standing;
}

/* The report that was just made; NULL if it says nothing about the current attempt. */
static const struct report *newest(const struct trial *trial)
{
	if (trial->n_reports == 0)
		return NULL;
	const struct report *report = &trial->reports[trial->n_reports - 1];
	return counts(trial, report) ? report : NULL;
}

static int asha_judge(const struct view *view, const struct trial *trial, struct rng *rng,
	struct arena *arena, enum verdict *out, char *reason, size_t reason_size, struct error *err)
{
	(void)rng;
	(void)arena;
	(void)err;
	const struct option_set *set = &view->spec->assessor_options;
	const struct objective *objective = &view->spec->objectives[0];
	const struct report *report = newest(trial);

	*out = VERDICT_CONTINUE;
	if (!report)
		return 0;
	double rung = rung_of(set, report->step + origin_of(trial));
	if (!(rung > 0))
		return 0;
	struct entry own = entry_at(trial, objective, rung);
	bool diverged = isnan(report->value) && own.step < 0;
	if (diverged)
		own.step = report->step;
	else if (own.step != report->step || isnan(report->value))
		return 0; /* the rung was reached, and decided, before */
	struct standing standing = standing_at(view, trial, rung, &own);
	size_t n = standing.n + 1;
	size_t places = (size_t)((double)n / option_real(set, "eta"));
	if (diverged ? !standing.same_step : standing.better < (places > 0 ? places : 1))
		return 0;
	*out = VERDICT_STOP;
	if (diverged)
		snprintf(reason, reason_size,
			"no value at step %lld, where other trials have one at the rung of %g "
			"steps",
			(long long)report->step, rung);
	else
		snprintf(reason, reason_size,
			"%.6g at the rung of %g steps is behind %zu of %zu values there; the best "
			"%zu go on",
			report->value, rung, standing.better, n, places > 0 ? places : 1);
	return 0;
}

const struct assessor assessor_asha = {
	.algorithm = {
		.name = "asha",
		.summary = "Stops a trial at a rung of a geometric ladder of steps unless it is "
			   "among the best 1/eta of the trials that got there.",
		.caps = ALGORITHM_NEEDS_METRICS,
		.options = options,
	},
	.judge = asha_judge,
};
