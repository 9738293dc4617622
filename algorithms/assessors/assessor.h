/*
 * An assessor judges a running trial by its intermediate reports: go on, or stop early. Like a
 * tuner it is a pure function of what it is given.
 */
#ifndef ALGORITHMS_ASSESSORS_ASSESSOR_H
#define ALGORITHMS_ASSESSORS_ASSESSOR_H

#include "core/arena.h"
#include "core/error.h"
#include "core/faults.h"
#include "core/option.h"
#include "core/rng.h"
#include "core/view.h"

enum verdict { VERDICT_CONTINUE, VERDICT_STOP };

struct assessor {
	struct algorithm algorithm;

	/* NULL: any spec will do. */
	void (*check)(const struct spec *spec, const struct path *at, struct faults *faults);

	/* trial is a running trial of view whose last report has just been added. On VERDICT_STOP
	 * reason gets one sentence, with the numbers that decided (it is shown to the user). Only
	 * reports with late == false and attempt == trial->attempt count. */
	int (*judge)(const struct view *view, const struct trial *trial, struct rng *rng,
		struct arena *arena, enum verdict *out, char *reason, size_t reason_size,
		struct error *err);
};

extern const struct assessor assessor_medianstop, assessor_curvefitting, assessor_curve,
	assessor_asha, assessor_wilcoxon;

extern const struct algorithm *const assessor_algorithms[];
const struct assessor *assessor_of(const struct algorithm *algorithm);

#endif
