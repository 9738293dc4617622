/*
 * What a Gaussian process learns from: the results in the order in which they came, and where
 * results are still to come.
 *
 * A trial stopped early counts with its last report, but no better than the median: it was stopped
 * for being no better than its peers. Failures (no result, one that is not a number, stopped
 * without a report) count as bad ones. Lost and cancelled trials say nothing, nor do trials that
 * are not points of the current space.
 *
 * Several objectives become one loss for each suggestion (ParEGO: Knowles, IEEE TEC 10, 2006): with
 * each scaled to [0, 1] over the history and random weights w that sum to 1,
 *     loss = max_k w_k f_k + 0.05 sum_k w_k f_k.
 */
#ifndef ALGORITHMS_TUNERS_GP_HISTORY_H
#define ALGORITHMS_TUNERS_GP_HISTORY_H

#include "core/arena.h"
#include "core/rng.h"
#include "core/view.h"

#define GP_PENDING_MAX 256 /* the newest; what is handed out at once is at most that */

struct gp_history {
	size_t n;
	const double **x; /* points of the space */
	double *loss;	  /* NaN: failed */

	/* With outcome constraints, else NULL: at most 0 where they hold; failed: NaN. The largest
	 * of the constraints' excesses, each in units of its own spread. */
	double *excess;
	size_t n_feasible; /* not failed, and no constraint broken */

	size_t n_pending;
	const double **pending; /* by trial number */
};

/* weights: of the objectives; NULL: equal ones. 0 or CODE_NO_MEMORY. */
int gp_history_init(struct gp_history *history, const struct view *view, const double *weights,
	struct arena *arena);

/* Uniform on the simplex. */
void gp_weights_draw(struct rng *rng, size_t n, double *weights);

/* Results there are, failed ones too, counted up to enough of them. */
size_t gp_history_count(const struct view *view, size_t enough);

#endif
