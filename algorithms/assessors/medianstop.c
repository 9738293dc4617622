/*
 * Median stopping (Golovin et al., "Google Vizier", KDD 2017, 3.2.1), with NNI's terms: a trial is
 * stopped when its best value so far is strictly worse than the median of what the completed trials
 * averaged up to the same step.
 *
 * "Same step" goes by the step numbers, not by how many reports there were, so trials that report
 * at different intervals compare fairly; where every trial reports each step the two are one.
 *
 * One judgement reads the reports of every completed trial up to the step once and selects the
 * median in linear time.
 */
#include "algorithms/assessors/assessor.h"

#include <math.h>
#include <stdio.h>

#include "algorithms/assessors/curve_reports.h"
#include "algorithms/assessors/statistics.h"

static const struct option options[] = {
	{ .name = "start_step",
		.type = OPTION_INT,
		.low = 0,
		.high = 1000000,
		.fallback = "0",
		.help = "reports of a trial before it is judged" },
	{ .name = "min_trials",
		.type = OPTION_INT,
		.low = 1,
		.high = 1000000,
		.fallback = "1",
		.help = "completed trials to compare with before any is stopped" },
	{ .name = "median",
		.type = OPTION_CHOICE,
		.choices = "mean|lenient",
		.fallback = "mean",
		.help = "of an even number: the mean of the middle two, or the worse of them "
			"(NNI)" },
	{ .name = "include_stopped",
		.type = OPTION_BOOL,
		.fallback = "false",
		.help = "compare with trials that were stopped early, too, as far as they went" },
	{ 0 },
};

/* What the judged trial has shown, as losses. */
struct standing {
	size_t n;     /* reports that count */
	int64_t step; /* the highest of them */
	double best;
};

static struct standing standing_of(const struct trial *trial, const struct objective *objective)
{
	struct standing standing = { .step = -1, .best = HUGE_VAL };
	for (uint32_t i = 0; i < trial->n_reports; i++) {
		const struct report *report = &trial->reports[i];
		if (!report_counts(trial, report))
			continue;
		double loss = objective_loss(objective, report->value);
		standing.n++;
		standing.step = report->step > standing.step ? report->step : standing.step;
		standing.best = loss < standing.best ? loss : standing.best;
	}
	return standing;
}

/* The mean loss of trial's reports up to step; NaN if it did not get there, or has no mean. */
static double average_loss(
	const struct trial *trial, const struct objective *objective, int64_t step)
{
	double sum = 0;
	size_t n = 0;
	bool reached = false;
	for (uint32_t i = 0; i < trial->n_reports; i++) {
		const struct report *report = &trial->reports[i];
		if (!report_counts(trial, report))
			continue;
		reached |= report->step >= step;
		if (report->step > step)
			continue;
		sum += report->value;
		n++;
	}
	return reached && n ? objective_loss(objective, sum / (double)n) : (double)NAN;
}

/* The lenient middle is the worse one: the upper of losses. (NNI: the lower of values to maximise,
 * the upper of values to minimise.) */
static double median_loss(double *losses, size_t n, bool lenient)
{
	double upper = select_kth(losses, (ptrdiff_t)n, (ptrdiff_t)(n / 2));
	if (n % 2 || lenient)
		return upper;
	double lower = losses[0];
	for (size_t i = 1; i < n / 2; i++)
		lower = losses[i] > lower ? losses[i] : lower;
	return lower == upper ? upper : 0.5 * lower + 0.5 * upper;
}

static int medianstop_judge(const struct view *view, const struct trial *trial, struct rng *rng,
	struct arena *arena, enum verdict *out, char *reason, size_t reason_size, struct error *err)
{
	(void)rng;
	const struct option_set *set = &view->spec->assessor_options;
	const struct objective *objective = &view->spec->objectives[0];
	struct standing standing = standing_of(trial, objective);

	*out = VERDICT_CONTINUE;
	if (standing.n == 0 || (int64_t)standing.n < option_int(set, "start_step"))
		return 0;

	bool stopped_too = option_flag(set, "include_stopped");
	size_t n = 0;
	double *losses = arena_array(arena, view->n_finished, sizeof(double));
	if (!losses)
		return fail(err, CODE_NO_MEMORY, "no memory to judge trial %lld",
			(long long)trial->number);
	for (size_t i = 0; i < view->n_finished; i++) {
		const struct trial *other = &view->trials[view->finished[i]];
		bool comparable = other->state == TRIAL_SUCCEEDED ||
				  (stopped_too && other->state == TRIAL_STOPPED);
		if (!comparable || other == trial)
			continue;
		losses[n] = average_loss(other, objective, standing.step);
		if (!isnan(losses[n]))
			n++;
	}
	if (n == 0 || (int64_t)n < option_int(set, "min_trials"))
		return 0;

	double median = median_loss(losses, n, option_is(set, "median", "lenient"));
	if (!(standing.best > median))
		return 0;
	*out = VERDICT_STOP;
	snprintf(reason, reason_size,
		"after %zu reports the best value is %.6g, worse than %.6g, the median of what %zu "
		"completed trials averaged up to step %lld",
		standing.n, objective_loss(objective, standing.best),
		objective_loss(objective, median), n, (long long)standing.step);
	return 0;
}

const struct assessor assessor_medianstop = {
	.algorithm = {
		.name = "medianstop",
		.aliases = "Medianstop",
		.summary = "Stops a trial whose best value so far is worse than the median of the "
			   "completed trials' averages up to the same step.",
		.caps = ALGORITHM_NEEDS_METRICS,
		.options = options,
	},
	.judge = medianstop_judge,
};
