/*
 * The workspace of the Gaussian-process tuner: the factors of the last ask, which the next one
 * extends by the results that have come since.
 *
 * A factor is always built in the same way: the first `base` points at once, the others one by one.
 * base comes from the model, room from the counts, and neither depends on what the workspace holds;
 * so a factor that was extended is bit for bit the one that is built anew.
 */
#ifndef ALGORITHMS_TUNERS_GP_MEMO_H
#define ALGORITHMS_TUNERS_GP_MEMO_H

#include "algorithms/tuners/gp_model.h"

struct gp_wanted {
	unsigned slot; /* below GP_MODEL_SETS */
	const struct gp_input *input;
	const double *theta;
	size_t base; /* <= input->n */
	size_t room;
};

/* A factor of the points of input, the workspace's own (workspace not NULL) or the caller's to
 * free. 0, CODE_NO_MEMORY, CODE_INVALID, CODE_UNAVAILABLE. */
int gp_memo_factor(const struct knowledge *know, const struct gp_wanted *wanted,
	struct gp_factor **out, struct error *err);

/* Truncates the factors to their points and counts the bytes, at the end of an ask. */
void gp_memo_settle(struct workspace *workspace);

#endif
