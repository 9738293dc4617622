/*
 * The history as numbers for a Gaussian process: features and warped results, or a selection of
 * them.
 */
#ifndef ALGORITHMS_TUNERS_GP_DATA_H
#define ALGORITHMS_TUNERS_GP_DATA_H

#include "algorithms/tuners/gp_features.h"
#include "algorithms/tuners/gp_history.h"

struct gp_data {
	size_t n, d;
	double *z;	/* n x d */
	double *y;	/* to maximise: mean 0 and variance 1 over the whole history */
	bool *good;	/* may be the incumbent: a result, and no constraint broken */
	double *excess; /* NULL: no outcome constraints; at most 0 where they hold, root mean square
			   1; 0 where nothing is known */
};

/* 0 or CODE_NO_MEMORY. */
int gp_data_init(struct gp_data *data, const struct gp_features *features,
	const struct gp_history *history, struct arena *arena);

/* Keeps the rows with keep[i], in their order. */
void gp_data_keep(struct gp_data *data, const bool *keep);

/* The n_best best, the n_new newest and n_other of the rest, evenly over time; all if there are no
 * more than that. 0 or CODE_NO_MEMORY. */
int gp_data_thin(
	struct gp_data *data, size_t n_best, size_t n_new, size_t n_other, struct arena *arena);

/* Rows by descending score[i], the earlier first of equals: the first n of order get the indexes
 * of the n best. order: room for data->n. */
void gp_order(const double *score, size_t n, uint32_t *order);

#endif
