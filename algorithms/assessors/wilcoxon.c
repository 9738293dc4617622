/*
 * For trials that report one value per instance (a fold, a data set, a seed; the step is the
 * instance's number): stops a trial that is worse than the best one by Wilcoxon's signed-rank test
 * of the instances that both have (Wilcoxon, "Individual comparisons by ranking methods",
 * Biometrics 1945), one-sided, as Optuna's WilcoxonPruner does.
 *
 * Without ties and zeros the null distribution is exact up to SIGNED_RANK_EXACT instances.
 * Otherwise it is the normal one, its variance n (n + 1) (2n + 1) / 24 less (t^3 - t) / 48 for each
 * group of t equal ranks, without a correction for continuity; zeros take the lowest ranks, and
 * half of their sum goes to each side (zsplit).
 *
 * A trial is never stopped while its mean is at least as good as the best trial's, over the
 * instances that both have or over all of each: were it to end now, it would be the best.
 */
#include "algorithms/assessors/assessor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "algorithms/assessors/curve_reports.h"
#include "algorithms/assessors/statistics.h"
#include "core/special.h"

static const struct option options[] = {
	{ .name = "p_threshold",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0.1",
		.help = "stop when the test's p is below this" },
	{ .name = "n_startup_steps",
		.type = OPTION_INT,
		.low = 0,
		.high = 1000000,
		.fallback = "2",
		.help = "instances in common with the best trial before a trial is judged" },
	{ 0 },
};

struct pairs {
	size_t n;
	double *differences; /* loss of the judged trial less that of the best one */
	double own, best;    /* sums of losses over the pairs */
};

/* Of several reports of an instance the last counts. */
static bool is_last_of_step(const struct curve_reports *reports, size_t i)
{
	return i + 1 == reports->n || reports->items[i + 1]->step != reports->items[i]->step;
}

static double mean_loss(const struct curve_reports *reports, const struct objective *objective)
{
	double sum = 0;
	size_t n = 0;
	for (size_t i = 0; i < reports->n; i++)
		if (is_last_of_step(reports, i)) {
			sum += objective_loss(objective, reports->items[i]->value);
			n++;
		}
	return sum / (double)n;
}

/* Both lists are by step. Infinities that meet their like are a draw. */
static int pair_up(const struct curve_reports *own, const struct curve_reports *best,
	const struct objective *objective, struct arena *arena, struct pairs *out)
{
	*out = (struct pairs){ .differences = arena_array(arena, own->n, sizeof(double)) };
	if (!out->differences)
		return CODE_NO_MEMORY;
	for (size_t i = 0, j = 0; i < own->n && j < best->n;) {
		int64_t a = own->items[i]->step, b = best->items[j]->step;
		if (a < b || !is_last_of_step(own, i)) {
			i++;
		} else if (b < a || !is_last_of_step(best, j)) {
			j++;
		} else {
			double x = objective_loss(objective, own->items[i++]->value);
			double y = objective_loss(objective, best->items[j++]->value);
			out->differences[out->n++] = x == y ? 0 : x - y;
			out->own += x;
			out->best += y;
		}
	}
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
	return (x > y) - (x < y);
}

/* P(the ranks of the positive differences sum to what they do, or more); sorts d. */
static double signed_rank_p(double *d, size_t n)
{
	double positive = 0, ties = 0;
	bool exact = n <= SIGNED_RANK_EXACT;
	qsort(d, n, sizeof(*d), by_size);
	for (size_t i = 0; i < n;) {
		size_t j = i + 1;
		while (j < n && fabs(d[j]) == fabs(d[i]))
			j++;
		double t = (double)(j - i), rank = 0.5 * (double)(i + j + 1);
		exact &= j == i + 1 && fabs(d[i]) > 0;
		ties += t * (t * t - 1);
		for (; i < j; i++)
			positive += d[i] > 0 ? rank : d[i] < 0 ? 0 : 0.5 * rank;
	}
	if (exact)
		return signed_rank_tail(positive, n);
	double m = (double)n, mean = m * (m + 1) / 4;
	double variance = m * (m + 1) * (2 * m + 1) / 24 - ties / 48;
	return normal_cdf((mean - positive) / sqrt(variance));
}

static int wilcoxon_judge(const struct view *view, const struct trial *trial, struct rng *rng,
	struct arena *arena, enum verdict *out, char *reason, size_t reason_size, struct error *err)
{
	(void)rng;
	const struct option_set *set = &view->spec->assessor_options;
	const struct objective *objective = &view->spec->objectives[0];
	const struct trial *best = best_completed(view);
	struct curve_reports own, other;
	struct pairs pairs;

	*out = VERDICT_CONTINUE;
	if (!best || best == trial)
		return 0;
	if (curve_reports_read(trial, false, arena, &own) != 0 ||
		curve_reports_read(best, false, arena, &other) != 0 ||
		pair_up(&own, &other, objective, arena, &pairs) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory to judge trial %lld",
			(long long)trial->number);
	if (pairs.n == 0 || (int64_t)pairs.n < option_int(set, "n_startup_steps"))
		return 0;
	/* Written so that a mean that is NaN never stops. */
	if (!(pairs.own > pairs.best) ||
		!(mean_loss(&own, objective) > mean_loss(&other, objective)))
		return 0;
	double p = signed_rank_p(pairs.differences, pairs.n);
	if (!(p < option_real(set, "p_threshold")))
		return 0;
	double n = (double)pairs.n;
	*out = VERDICT_STOP;
	snprintf(reason, reason_size,
		"on %zu instances its mean is %.6g and that of trial %lld, the best, %.6g; "
		"Wilcoxon's signed-rank test: p = %.3g",
		pairs.n, objective_loss(objective, pairs.own / n), (long long)best->number,
		objective_loss(objective, pairs.best / n), p);
	return 0;
}

const struct assessor assessor_wilcoxon = {
	.algorithm = {
		.name = "wilcoxon",
		.summary = "For trials that report one value per fold or instance: stops a trial "
			   "that a signed-rank test finds worse than the best one.",
		.caps = ALGORITHM_NEEDS_METRICS,
		.options = options,
	},
	.judge = wilcoxon_judge,
};
