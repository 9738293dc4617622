/*
 * Progressive asynchronous successive halving (Bohdal, Balles, Wistuba, Ermis, Archambeau,
 * Zappella: "PASHA: efficient HPO and NAS with progressive resource allocation", ICLR 2023): as
 * ASHA, but the ladder ends at a cap that is raised only while more training still changes the
 * ranking.
 *
 * The cap is the second rung at first. It rises by one when the two top rungs rank the trials that
 * have reached both differently, where losses within epsilon count as equal. Epsilon is the noise
 * seen in the curves: of the pairs of trials whose order flips and flips back, the 90th percentile
 * of how far they are apart at the last step they share.
 *
 * The cap never falls, since it is at least the highest rung that a trial was ever sent to.
 */
#include <math.h>
#include <stdlib.h>

#include "algorithms/tuners/asha.h"

#define CURVES_MAX 64 /* trials whose curves are compared in pairs: the best at the cap */
#define QUANTILE   0.9

static const struct option options[] = {
	RUNG_OPTIONS(NULL, NULL),
	RUNG_SAMPLER,
	{ 0 },
};

struct standing { /* a trial that has a loss on both top rungs */
	double here, below;
	const struct trial *trial;
};

/* The next counted report of a curve, in ascending order of steps; NULL: no more. A trial that
 * started over tells some steps again: the first time counts. */
static const struct report *next_report(
	const struct trial *trial, uint32_t *at, int64_t last, int64_t level)
{
	for (; *at < trial->n_reports; (*at)++) {
		const struct report *report = &trial->reports[*at];
		if (!report->late && report->step > last && report->step <= level &&
			!isnan(report->value))
			return report;
	}
	return NULL;
}

/* Does the order of two curves flip and flip back, up to level? *apart: at their last common step.
 */
static bool curves_cross(const struct trial *a, const struct trial *b, int64_t level, double *apart)
{
	uint32_t i = 0, j = 0;
	int64_t last = -1;
	int flips = 0, order = 0;
	const struct report *x, *y;

	*apart = 0;
	while ((x = next_report(a, &i, last, level)) && (y = next_report(b, &j, last, level))) {
		if (x->step != y->step) {
			last = x->step < y->step ? y->step - 1 : x->step - 1;
			continue;
		}
		int now = (x->value > y->value) - (x->value < y->value);
		flips += now && order && now != order;
		order = now ? now : order;
		*apart = fabs(x->value - y->value);
		last = x->step;
	}
	return flips >= 2;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* 0 when no two curves cross twice. Negative: no memory. */
static double noise_of(
	const struct standing *standings, size_t n, int64_t level, struct arena *arena)
{
	size_t kept = n < CURVES_MAX ? n : CURVES_MAX, found = 0;
	double *apart = arena_array(arena, kept * kept, sizeof(*apart));

	if (!apart)
		return -1;
	for (size_t i = 0; i < kept; i++)
		for (size_t j = i + 1; j < kept; j++) {
			double distance;
			if (curves_cross(
				    standings[i].trial, standings[j].trial, level, &distance) &&
				isfinite(distance))
				apart[found++] = distance;
		}
	if (found == 0)
		return 0;
	qsort(apart, found, sizeof(*apart), compare_doubles);
	return apart[(size_t)ceil(QUANTILE * (double)found) - 1];
}

static int compare_below(const void *a, const void *b)
{
	const struct standing *x = a, *y = b;

	if (x->below != y->below)
		return x->below < y->below ? -1 : 1;
	return (x->trial->number > y->trial->number) - (x->trial->number < y->trial->number);
}

/* *disagree: do rung cap and the one below it rank the trials of rung cap differently? 0 or
 * CODE_NO_MEMORY. */
static int compare_rungs(struct climbers *climbers, const struct view *view, size_t cap,
	struct arena *arena, bool *disagree, struct error *err)
{
	size_t ranked = rung_rank(climbers, view, 0, climbers->n, 0, cap), n = 0;
	struct standing *here = arena_array(arena, 2 * ranked + 1, sizeof(*here));

	if (!here)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu trials", ranked);
	for (size_t i = 0; i < ranked; i++) {
		const struct rung_result *result = &climbers->results[i];
		const struct climber *climber = &climbers->items[result->climber];
		double below = climber_loss(climbers, view, climber, cap - 1);
		if (isfinite(result->loss) && isfinite(below))
			here[n++] = (struct standing){ result->loss, below, climber->trial };
	}
	double epsilon = noise_of(here, n, climbers->ladder.level[cap], arena);
	if (epsilon < 0)
		return fail(err, CODE_NO_MEMORY, "no memory for the curves of %zu trials", n);
	struct standing *below = here + n;
	for (size_t i = 0; i < n; i++)
		below[i] = here[i];
	if (n > 1)
		qsort(below, n, sizeof(*below), compare_below);
	*disagree = false;
	for (size_t i = 0; i < n && !*disagree; i++)
		*disagree = fabs(here[i].below - below[i].below) > epsilon;
	return 0;
}

static int pasha_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	struct climbers climbers;
	int code = climbers_init(&climbers, know->view, arena, err);

	if (code != 0)
		return code;
	size_t top = climbers.ladder.n - 1, cap = top < 1 ? top : 1;
	for (size_t i = 0; i < climbers.n; i++)
		if (climbers.items[i].rung > cap)
			cap = climbers.items[i].rung;
	if (cap > 0 && cap < top) {
		bool disagree = false;
		code = compare_rungs(&climbers, know->view, cap, arena, &disagree, err);
		if (code != 0)
			return code;
		cap += disagree;
	}
	code = asha_next(know, &climbers, cap, 1, 0, out, err);
	if (code != 0 || out->promote >= 0)
		return code;
	return propose_sample(know, rng, arena, out, err);
}

const struct tuner tuner_pasha = {
	.algorithm = {
		.name = "pasha",
		.aliases = "PASHA",
		.summary = "Asynchronous successive halving that trains longer only while that "
			   "changes the ranking; the best trial may end paused.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_NEEDS_METRICS |
			TUNER_MULTI_FIDELITY,
		.options = options,
	},
	.check = rung_check,
	.ask = pasha_ask,
};
