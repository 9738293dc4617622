/*
 * Hyperband (Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: "Hyperband: a novel bandit-based
 * approach to hyperparameter optimization", JMLR 18, 2018), as scheduled in bracket.h.
 */
#include "algorithms/tuners/bracket.h"

static const struct option options[] = {
	RUNG_OPTIONS(NULL, "R"),
	BRACKET_OPTIONS,
	RUNG_SAMPLER,
	{ 0 },
};

static int hyperband_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	struct climbers climbers;
	int code = bracket_next(know, &climbers, arena, out, err);

	if (code != 0 || out->promote >= 0)
		return code;
	return propose_sample(know, rng, arena, out, err);
}

const struct tuner tuner_hyperband = {
	.algorithm = {
		.name = "hyperband",
		.aliases = "Hyperband",
		.summary = "Brackets of successive halving: many trials on few steps, the best of "
			   "them on more; hedges over how many.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_NEEDS_METRICS |
			TUNER_MULTI_FIDELITY,
		.options = options,
	},
	.check = rung_check,
	.ask = hyperband_ask,
};
