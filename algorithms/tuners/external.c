/*
 * No tuner of ours: clients propose the points themselves, as customised trials, and the server
 * hands them out and keeps the results.
 */
#include "algorithms/tuners/tuner.h"

static int external_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	(void)view;
	(void)rng;
	(void)arena;
	(void)out;
	return fail(err, CODE_WAIT, "the points of this experiment come from its clients");
}

const struct tuner tuner_external = {
	.algorithm = {
		.name = "external",
		.aliases = "custom|CustomTuner",
		.summary = "Proposes nothing: clients enqueue the points as customised trials.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE | TUNER_OWN_ORDER |
			TUNER_EXTERNAL,
	},
	.ask = external_ask,
};
