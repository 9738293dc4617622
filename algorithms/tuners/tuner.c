#include "algorithms/tuners/tuner.h"

#include <assert.h>

/* In the order GET /v1/tuners lists them. */
const struct algorithm *const tuner_algorithms[] = {
	&tuner_auto.algorithm,
	&tuner_tpe.algorithm,
	&tuner_gp.algorithm,
	&tuner_smac.algorithm,
	&tuner_cmaes.algorithm,
	&tuner_trustregion.algorithm,
	&tuner_evolution.algorithm,
	&tuner_nsga2.algorithm,
	&tuner_nsga3.algorithm,
	&tuner_anneal.algorithm,
	&tuner_bohb.algorithm,
	&tuner_dehb.algorithm,
	&tuner_hyperband.algorithm,
	&tuner_asha.algorithm,
	&tuner_pasha.algorithm,
	&tuner_pbt.algorithm,
	&tuner_random.algorithm,
	&tuner_sobol.algorithm,
	&tuner_gridsearch.algorithm,
	&tuner_batch.algorithm,
	&tuner_external.algorithm,
	NULL,
};

static_assert(offsetof(struct tuner, algorithm) == 0, "tuner_of casts back");

const struct tuner *tuner_of(const struct algorithm *algorithm)
{
	const struct algorithm *const *known = tuner_algorithms;

	while (*known && *known != algorithm)
		known++;
	assert(*known); /* an assessor, or not one of ours */
	return (const struct tuner *)*known;
}
