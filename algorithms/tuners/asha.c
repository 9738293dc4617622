/*
 * Asynchronous successive halving, the promotion type (Li, Jamieson, Rostamizadeh, Gonina, Hardt,
 * Recht, Talwalkar: "A system for massively parallel hyperparameter tuning", MLSys 2020). No worker
 * ever waits for a rung to fill up: whoever is free goes on with a trial that is among the best of
 * its rung so far, or starts a new one.
 *
 * brackets: how many groups of trials that start at different rungs, compared among themselves. New
 * trials are shared out in the proportions of Hyperband's brackets.
 */
#include "algorithms/tuners/asha.h"

#include <math.h>

static const struct option options[] = {
	RUNG_OPTIONS(NULL, NULL),
	{ .name = "brackets",
		.type = OPTION_INT,
		.low = 1,
		.high = RUNGS_MAX,
		.fallback = "1",
		.help = "groups of trials; the first starts at min_resource, each other one rung "
			"higher than the one before" },
	RUNG_SAMPLER,
	{ 0 },
};

static bool promote_from(struct climbers *climbers, const struct view *view, uint32_t group,
	size_t k, struct proposal *out)
{
	double eta = option_real(&view->spec->tuner_options, "eta");
	size_t n = rung_rank(climbers, view, 0, climbers->n, group, k);
	size_t keep = rung_share((double)n, eta, 1);

	for (size_t r = 0; r < keep; r++) {
		const struct climber *climber = &climbers->items[climbers->results[r].climber];
		if (climbers->results[r].dead || !climber_waits(climber, k))
			continue;
		propose_promotion(climbers, climber, out);
		return true;
	}
	return false;
}

int asha_next(const struct knowledge *know, struct climbers *climbers, size_t cap, size_t n_groups,
	size_t group_new, struct proposal *out, struct error *err)
{
	for (size_t k = cap; k-- > 0;)
		for (size_t group = 0; group < n_groups && group <= k; group++)
			if (promote_from(climbers, know->view, (uint32_t)group, k, out))
				return 0;
	if (know->promote_only)
		return rung_wait(know->view, err);
	out->resource = (double)climbers->ladder.level[group_new];
	return 0;
}

/* Gives each trial its group, and answers that of the next one: whichever is furthest behind its
 * share. */
static size_t share_out(struct climbers *climbers, size_t n_groups, double eta)
{
	double weight[RUNGS_MAX], given[RUNGS_MAX] = { 0 }, sum = 0;
	size_t next = 0;

	for (size_t g = 0; g < n_groups; g++) {
		size_t s = climbers->ladder.n - 1 - g;
		weight[g] = pow(eta, (double)s) / (double)(s + 1);
		sum += weight[g];
	}
	for (size_t i = 0; i <= climbers->n; i++) {
		double behind = -HUGE_VAL;
		for (size_t g = 0; g < n_groups; g++) {
			double gap = weight[g] / sum * (double)(i + 1) - given[g];
			if (gap > behind) {
				behind = gap;
				next = g;
			}
		}
		given[next]++;
		if (i < climbers->n)
			climbers->items[i].group = (uint32_t)next;
	}
	return next;
}

static int asha_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct option_set *set = &know->view->spec->tuner_options;
	struct climbers climbers;
	int code = climbers_init(&climbers, know->view, arena, err);

	if (code != 0)
		return code;
	size_t n_groups = (size_t)option_int(set, "brackets"), top = climbers.ladder.n - 1;
	if (n_groups > climbers.ladder.n)
		n_groups = climbers.ladder.n;
	size_t group = share_out(&climbers, n_groups, option_real(set, "eta"));
	code = asha_next(know, &climbers, top, n_groups, group, out, err);
	if (code != 0 || out->promote >= 0)
		return code;
	return propose_sample(know, rng, arena, out, err);
}

const struct tuner tuner_asha = {
	.algorithm = {
		.name = "asha",
		.aliases = "ASHA",
		.summary = "Asynchronous successive halving: promotes whenever a trial is among the "
			   "best of its rung; no worker waits.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_NEEDS_METRICS |
			TUNER_MULTI_FIDELITY,
		.options = options,
	},
	.check = rung_check,
	.ask = asha_ask,
};
