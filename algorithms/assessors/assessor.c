#include "algorithms/assessors/assessor.h"

#include <assert.h>

/* In the order GET /v1/assessors lists them. */
const struct algorithm *const assessor_algorithms[] = {
	&assessor_medianstop.algorithm,
	&assessor_curvefitting.algorithm,
	&assessor_curve.algorithm,
	&assessor_asha.algorithm,
	&assessor_wilcoxon.algorithm,
	NULL,
};

static_assert(offsetof(struct assessor, algorithm) == 0, "assessor_of casts back");

const struct assessor *assessor_of(const struct algorithm *algorithm)
{
	const struct algorithm *const *known = assessor_algorithms;

	while (*known && *known != algorithm)
		known++;
	assert(*known); /* a tuner, or not one of ours */
	return (const struct assessor *)*known;
}
