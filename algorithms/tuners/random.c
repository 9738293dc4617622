/*
 * Random search: independent draws from the declared distributions (Bergstra and Bengio, JMLR 13,
 * 2012). Trial n's draw depends on the seed and n alone.
 */
#include "algorithms/tuners/tuner.h"

static int random_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	(void)arena;
	(void)err;
	space_sample(view->spec->space, rng, out->x);
	out->arm = "random";
	return 0;
}

const struct tuner tuner_random = {
	.algorithm = {
		.name = "random",
		.aliases = "Random",
		.summary = "Independent draws from the declared distributions, never the same point "
			   "twice.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE,
	},
	.ask = random_ask,
};
