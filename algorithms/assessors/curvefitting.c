/*
 * Curve fitting, the assessor of that name in NNI 2.7 without its defects: twelve families of
 * curves are fitted to the reports so far, those that fit and agree are mixed with weights drawn by
 * Metropolis, and the trial is stopped when the mixture's value at the last epoch stays clearly
 * behind the best completed trial.
 *
 * The k-th report is x = k, the end x = epoch_num. The families rise, so a curve is fitted as a
 * gain: a positive metric to maximise divided by its largest value, as NNI would fit it but for the
 * scale; any other (to minimise, or with negative values) mapped linearly, worst report to 1/2,
 * best report to 1.
 *
 * "Clearly behind": the prediction is worse than best by at least (1 - threshold) |best|. To
 * maximise a positive metric this is NNI's prediction <= threshold best; it means the same to
 * minimise and for negative values, where NNI's product would point the wrong way.
 *
 * Unlike NNI's, the mixture's density is normalised by sqrt(2 pi sigma^2), no state is shared
 * between trials, and the agreement of the families is judged where it matters, at the end.
 */
#include "algorithms/assessors/assessor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/assessors/curve_family.h"
#include "algorithms/assessors/curve_reports.h"

#define FAMILIES_NEEDED 4
#define CHAINS		10
#define CHAIN_STEPS	20
#define STEP_SIZE	0.0005
#define WEIGHT_MIN	0.002
#define POINTS_MAX	128   /* of a longer curve every k-th point is fitted, the last always */
#define EXACT		1e-24 /* error variance below which a fit is as good as exact */

static const struct option options[] = {
	{ .name = "epoch_num",
		.type = OPTION_INT,
		.low = 2,
		.high = 1000000,
		.fallback = "20",
		.help = "reports of a whole trial: where the curve is predicted" },
	{ .name = "start_step",
		.type = OPTION_INT,
		.low = 2,
		.high = 1000000,
		.fallback = "6",
		.help = "reports of a trial before it is judged" },
	{ .name = "threshold",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0.95",
		.help = "stop when predicted to miss this share of the best completed result" },
	{ .name = "gap",
		.type = OPTION_INT,
		.low = 1,
		.high = 1000000,
		.fallback = "1",
		.help = "reports between two judgements of a trial" },
	{ 0 },
};

/* A curve as gains: y = offset + scale * value. */
struct curve {
	size_t n_reports;
	size_t n;
	double *x, *y; /* n fitted points */
	double offset, scale;
};

/* The families that remain, and what they say at each point and, last, at the end. */
struct mixture {
	size_t n;
	const double *values[CURVE_FAMILIES]; /* curve->n + 1 each */
	double evidence[CURVE_FAMILIES];      /* log, from the fit: -AIC / 2 */
};

static void choose_scale(
	struct curve *curve, const struct report *const *reports, size_t n, bool maximize)
{
	double low = reports[0]->value, high = low;
	for (size_t i = 1; i < n; i++) {
		low = fmin(low, reports[i]->value);
		high = fmax(high, reports[i]->value);
	}
	if (maximize && low >= 0 && high > 0) {
		curve->scale = 1 / high;
		curve->offset = 0;
		return;
	}
	double range = high > low ? high - low : fabs(high) > 0 ? fabs(high) : 1;
	curve->scale = (maximize ? 0.5 : -0.5) / range;
	curve->offset = 0.5 - curve->scale * (maximize ? low : high);
}

/* 0 or CODE_NO_MEMORY. */
static int curve_init(
	struct curve *curve, const struct trial *trial, bool maximize, struct arena *arena)
{
	struct curve_reports reports;
	*curve = (struct curve){
		.x = arena_array(arena, POINTS_MAX + 1, sizeof(double)),
		.y = arena_array(arena, POINTS_MAX + 1, sizeof(double)),
	};
	if (!curve->x || !curve->y || curve_reports_read(trial, true, arena, &reports) != 0)
		return CODE_NO_MEMORY;
	size_t n = reports.n;
	curve->n_reports = n;
	if (n == 0)
		return 0;
	choose_scale(curve, reports.items, n, maximize);
	size_t stride = (n + POINTS_MAX - 1) / POINTS_MAX;
	for (size_t i = (n - 1) % stride; i < n; i += stride) {
		curve->x[curve->n] = (double)(i + 1);
		curve->y[curve->n] = curve->offset + curve->scale * reports.items[i]->value;
		curve->n++;
	}
	return 0;
}

static double value_of(const struct curve *curve, double gain)
{
	return (gain - curve->offset) / curve->scale;
}

static void sort_doubles(double *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double key = v[i];
		size_t at = i;
		for (; at > 0 && v[at - 1] > key; at--)
			v[at] = v[at - 1];
		v[at] = key;
	}
}

/* Akaike's criterion with the noise variance profiled out: a family is worth its fit less its
 * parameters. */
static double evidence_of(const struct curve *curve, double sse, size_t n_parameters)
{
	double n = (double)curve->n;
	return -0.5 * n * log(sse / n + EXACT) - (double)n_parameters;
}

/* Fits every family and drops what fits worse than nothing at all: errors as large as the curve. */
static int fit_families(
	const struct curve *curve, double end, struct arena *arena, struct mixture *mixture)
{
	double sum = 0;
	for (size_t i = 0; i < curve->n; i++)
		sum += curve->y[i];
	double ceiling = sum * sum / (double)curve->n;

	mixture->n = 0;
	for (size_t f = 0; f < CURVE_FAMILIES; f++) {
		const struct curve_family *family = &curve_families[f];
		struct curve_fit fit;
		curve_fit(family, curve->n, curve->x, curve->y, &fit);
		double at_end = family->value(fit.p, end);
		if (!(fit.sse < ceiling) || !isfinite(at_end))
			continue;
		double *values = arena_array(arena, curve->n + 1, sizeof(double));
		if (!values)
			return CODE_NO_MEMORY;
		for (size_t i = 0; i < curve->n; i++)
			values[i] = family->value(fit.p, curve->x[i]);
		values[curve->n] = at_end;
		mixture->evidence[mixture->n] = evidence_of(curve, fit.sse, family->n);
		mixture->values[mixture->n++] = values;
	}
	return 0;
}

/* Drops the families whose prediction is further than n / 10 standard deviations from the median
 * one: the longer the curve, the more room for disagreement. */
static void drop_outliers(const struct curve *curve, struct mixture *mixture)
{
	double ends[CURVE_FAMILIES], sum = 0, squares = 0;
	size_t n = mixture->n;
	if (n == 0)
		return;
	for (size_t f = 0; f < n; f++) {
		ends[f] = mixture->values[f][curve->n];
		sum += ends[f];
	}
	double mean = sum / (double)n;
	for (size_t f = 0; f < n; f++)
		squares += (ends[f] - mean) * (ends[f] - mean);
	double room = (double)curve->n_reports / 10 * sqrt(squares / (double)n);
	sort_doubles(ends, n);
	double median = 0.5 * (ends[(n - 1) / 2] + ends[n / 2]);

	mixture->n = 0;
	for (size_t f = 0; f < n; f++)
		if (fabs(mixture->values[f][curve->n] - median) <= room) {
			mixture->evidence[mixture->n] = mixture->evidence[f];
			mixture->values[mixture->n++] = mixture->values[f];
		}
}

static double mixed(const struct mixture *mixture, const double *weights, size_t i)
{
	double sum = 0;
	for (size_t f = 0; f < mixture->n; f++)
		sum += weights[f] * mixture->values[f][i];
	return sum;
}

/* log of likelihood times prior of the weights. The noise variance is the mixture's own mean square
 * error, which leaves -n/2 log sigma^2 (and a constant) of the normal likelihood. -inf: a weight
 * that is not positive, or a mixture that does not rise. */
static double log_posterior(
	const struct curve *curve, const struct mixture *mixture, const double *weights)
{
	for (size_t f = 0; f < mixture->n; f++)
		if (!(weights[f] > 0))
			return -HUGE_VAL;
	if (mixed(mixture, weights, 0) >= mixed(mixture, weights, curve->n))
		return -HUGE_VAL;
	double squares = 0;
	for (size_t i = 0; i < curve->n; i++) {
		double e = curve->y[i] - mixed(mixture, weights, i);
		squares += e * e;
	}
	double n = (double)curve->n;
	return -0.5 * n * log(squares / n + EXACT);
}

/* Akaike weights, none below WEIGHT_MIN of an equal share. (NNI starts from equal weights, which
 * its twenty steps of 0.0005 hardly change, so a straight line through six epochs of a saturating
 * curve counts as much as the power law that fits it.) */
static void start_weights(const struct mixture *mixture, double *weights)
{
	double highest = -HUGE_VAL, sum = 0;
	for (size_t f = 0; f < mixture->n; f++)
		highest = fmax(highest, mixture->evidence[f]);
	for (size_t f = 0; f < mixture->n; f++) {
		weights[f] = fmax(exp(mixture->evidence[f] - highest), WEIGHT_MIN);
		sum += weights[f];
	}
	for (size_t f = 0; f < mixture->n; f++)
		weights[f] /= sum;
}

/* The mean, over short Metropolis chains, of the mixture's value at the end. */
static double predict_end(const struct curve *curve, const struct mixture *mixture, struct rng *rng)
{
	double total = 0;
	for (int chain = 0; chain < CHAINS; chain++) {
		double weights[CURVE_FAMILIES], proposed[CURVE_FAMILIES];
		start_weights(mixture, weights);
		double now = log_posterior(curve, mixture, weights);
		for (int step = 0; step < CHAIN_STEPS; step++) {
			double sum = 0;
			for (size_t f = 0; f < mixture->n; f++) {
				proposed[f] = weights[f] + STEP_SIZE * rng_normal(rng);
				sum += proposed[f];
			}
			for (size_t f = 0; f < mixture->n; f++)
				proposed[f] /= sum;
			double next = log_posterior(curve, mixture, proposed);
			double u = rng_uniform_open(rng);
			if (!isfinite(next) || (isfinite(now) && log(u) >= next - now))
				continue;
			memcpy(weights, proposed, sizeof(weights));
			now = next;
		}
		total += mixed(mixture, weights, curve->n);
	}
	return total / CHAINS;
}

/* Judged at start_step reports and every gap reports after, until nothing is left to save. */
static bool is_due(const struct option_set *set, size_t n_reports)
{
	int64_t n = (int64_t)n_reports, start = option_int(set, "start_step");
	return n >= start && (n - start) % option_int(set, "gap") == 0 &&
	       n < option_int(set, "epoch_num");
}

static int curvefitting_judge(const struct view *view, const struct trial *trial, struct rng *rng,
	struct arena *arena, enum verdict *out, char *reason, size_t reason_size, struct error *err)
{
	const struct option_set *set = &view->spec->assessor_options;
	bool maximize = view->spec->objectives[0].maximize;
	const struct trial *incumbent = best_completed(view);
	double threshold = option_real(set, "threshold");
	struct curve curve;
	struct mixture mixture = { 0 };

	*out = VERDICT_CONTINUE;
	if (!incumbent)
		return 0;
	double best = incumbent->values[0];
	int code = curve_init(&curve, trial, maximize, arena);
	if (code == 0 && !is_due(set, curve.n_reports))
		return 0;
	if (code == 0)
		code = fit_families(&curve, option_real(set, "epoch_num"), arena, &mixture);
	if (code)
		return fail(err, CODE_NO_MEMORY, "no memory to judge trial %lld",
			(long long)trial->number);
	drop_outliers(&curve, &mixture);
	if (mixture.n < FAMILIES_NEEDED)
		return 0;

	double prediction = value_of(&curve, predict_end(&curve, &mixture, rng));
	double behind = maximize ? best - prediction : prediction - best;
	if (!(behind >= (1 - threshold) * fabs(best)))
		return 0;
	*out = VERDICT_STOP;
	snprintf(reason, reason_size,
		"%zu of %d curve families, fitted to %zu reports, predict %.6g at report %lld; the "
		"best completed trial has %.6g and the threshold is %g",
		mixture.n, CURVE_FAMILIES, curve.n_reports, prediction,
		(long long)option_int(set, "epoch_num"), best, threshold);
	return 0;
}

const struct assessor assessor_curvefitting = {
	.algorithm = {
		.name = "curvefitting",
		.aliases = "Curvefitting",
		.summary = "Extrapolates a trial's learning curve with a mixture of twelve families "
			   "and stops it when its end stays behind the best completed result.",
		.options = options,
	},
	.judge = curvefitting_judge,
};
