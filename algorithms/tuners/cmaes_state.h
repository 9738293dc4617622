/*
 * The distribution CMA-ES draws from, N(mean, sigma^2 A C A) with A the margin's widths, and how a
 * generation of results changes it (Hansen, "The CMA Evolution Strategy: A Tutorial", 2016, with
 * active covariance).
 *
 * All that must outlive an ask stands in one block of plain numbers, head first, so that a block
 * that was written down (cmaes_tag.h) is the state itself, bit for bit. The decomposition C = B D^2
 * B' is derived from it.
 */
#ifndef ALGORITHMS_TUNERS_CMAES_STATE_H
#define ALGORITHMS_TUNERS_CMAES_STATE_H

#include "algorithms/tuners/cmaes_model.h"
#include "algorithms/tuners/tuner_rank.h"

struct cmaes_head {
	uint64_t start;	   /* ended_version of the newest result there was when the search began */
	uint64_t consumed; /* ended_version of the last result that this state knows */
	uint64_t run;	   /* restarts so far */
	uint64_t generation;		   /* of this run */
	uint64_t popsize;		   /* of this run */
	uint64_t results;		   /* in this run */
	uint64_t budget;		   /* results after which a small run ends; 0: none */
	uint64_t doublings;		   /* of popsize, in the last large run */
	uint64_t spent_large, spent_small; /* results in runs that have ended */
	uint64_t frozen; /* converged, and restarts are off: nothing is learnt any more */
	uint64_t flat;	 /* generations in a row with results in flat_low .. flat_high */
	double flat_low, flat_high;
	double sigma, sigma_start;
	double share; /* of path_sigma's squared length that steps cut at bounds leave to expect */
};

struct cmaes {
	const struct cmaes_model *model;
	struct cmaes_head *head;
	/* Arrays of the block: */
	double *mean;	    /* [d] */
	double *path_sigma; /* [d] */
	double *path_c;	    /* [d] */
	double *width;	    /* [d] the diagonal of A; 1 for continuous dimensions */
	double *covariance; /* [d (d + 1) / 2], lower triangle in rows */
	size_t size;	    /* of the block, in bytes */
	/* Derived: */
	double *basis; /* [d][d], eigenvectors in rows */
	double *axes;  /* [d], square roots of the eigenvalues */
	double *work;  /* [d (d + 4)] */
};

/* One result of a generation. */
struct cmaes_member {
	const double *raw; /* [d], as drawn: before rounding to steps */
	struct rank rank;
	bool widened; /* drawn wider than the distribution, which had nothing new */
};

static inline double cmaes_variance(const struct cmaes *cmaes, size_t i)
{
	return cmaes->covariance[i * (i + 1) / 2 + i];
}

/* Memory for a state of model, all zero. 0 or CODE_NO_MEMORY. */
int cmaes_init(struct cmaes *cmaes, const struct cmaes_model *model, struct arena *arena);

/* The first run of a search; what finished until version start, may warm it up. 0 or
 * CODE_NO_MEMORY. */
int cmaes_begin(struct cmaes *cmaes, uint64_t start, struct arena *arena);

/* basis and axes from the covariance. A matrix that is none is replaced by the identity. */
void cmaes_decompose(struct cmaes *cmaes);

/* |C^-1/2 y|^2 of y = A^-1 (raw - mean) / sigma. */
double cmaes_distance2(const struct cmaes *cmaes, const double *raw);

/* A generation has its results (members gets sorted, best first; n >= 2): the next generation, or
 * the first of the next run, decomposed. 0 or CODE_NO_MEMORY. */
int cmaes_update(struct cmaes *cmaes, struct cmaes_member *members, size_t n, struct arena *arena);

/* ---- between the files of cmaes ---- */

/* mean: where it starts. */
void cmaes_begin_run(struct cmaes *cmaes, size_t popsize, double sigma);

/* Moves mean and width so that every stepped dimension keeps its probability to change. */
void cmaes_keep_margin(struct cmaes *cmaes);

/* The first distribution from what is known. False: there is nothing to go by. */
int cmaes_warm_up(struct cmaes *cmaes, struct arena *arena);

/* Has the run come to its end? members: of the last generation, best first. */
bool cmaes_converged(struct cmaes *cmaes, const struct cmaes_member *members, size_t n);

/* Begins the next run, as the option restarts says. */
void cmaes_restart(struct cmaes *cmaes);

#endif
