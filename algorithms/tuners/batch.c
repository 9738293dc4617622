/*
 * Batch: the options of one choice parameter, in the order declared, each once. A list of complete
 * parameter sets is written as NNI writes it, one choice whose options are objects; the trial finds
 * the set under the parameter's name.
 */
#include <assert.h>

#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/unique.h"

static void batch_check(const struct spec *spec, const struct path *at, struct faults *faults)
{
	const struct space *space = spec->space;

	if (space->n != 1 || space->parameters[0].type != TYPE_CHOICE)
		fault_add(faults, at,
			"batch needs a search space of exactly one parameter of type choice, "
			"with options that are not nested");
}

static int batch_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	const struct parameter *list = &view->spec->space->parameters[0];

	(void)rng;
	(void)arena;
	assert(view->spec->space->n == 1); /* batch_check */
	out->arm = "batch";
	for (uint64_t i = 0; i < list->n_values; i++) {
		out->x[0] = parameter_value(list, i);
		if (unique_fresh(view, out->x))
			return 0;
	}
	return fail(err, CODE_EXHAUSTED, "every option has been handed out");
}

const struct tuner tuner_batch = {
	.algorithm = {
		.name = "batch",
		.aliases = "Batch|BatchTuner",
		.summary = "The options of one choice parameter, in order, each once.",
		.caps = TUNER_MULTI_OBJECTIVE | TUNER_OWN_ORDER,
	},
	.check = batch_check,
	.ask = batch_ask,
};
