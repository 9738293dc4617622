/*
 * What TPE makes of an experiment's history: which trials count, in which order they rank, and the
 * split into the good ones (below) and the rest (above).
 *
 * Ranking (algorithms.md A.1): feasible results by loss, or by fronts (tpe_fronts.h); trials
 * stopped early, those that got furthest first, then by their last value; infeasible ones by
 * violation; failures last. Pending trials have no rank and stand above, unless a lie gives them
 * one. Only ranks matter, so infinite losses are as good as any.
 */
#ifndef ALGORITHMS_TUNERS_TPE_HISTORY_H
#define ALGORITHMS_TUNERS_TPE_HISTORY_H

#include "core/arena.h"
#include "core/view.h"

/* Above this many points the rest is thinned to KEPT, its newest NEWEST whole. */
#define TPE_ABOVE_LIMIT	 4096
#define TPE_ABOVE_KEPT	 2048
#define TPE_ABOVE_NEWEST 512

enum tpe_liar { LIAR_AUTO, LIAR_ABOVE, LIAR_BEST, LIAR_WORST, LIAR_MEAN, LIAR_NONE };

enum tpe_rank { RANK_RESULT, RANK_STOPPED, RANK_INFEASIBLE, RANK_FAILED, RANK_PENDING };

struct tpe_record {
	const double *x;
	double major, minor; /* within a rank: smaller is better */
	uint32_t number;
	enum tpe_rank rank;
	bool lie; /* ranked, but by a made-up loss */
};

struct tpe_history {
	struct tpe_record *records; /* by trial number */
	size_t n;
	size_t n_results; /* that can tell good from bad: results, stopped, infeasible; no lies */
	uint32_t *order;  /* room for n indexes */
};

struct tpe_split_rule {
	double gamma;
	bool root;	  /* ceil(gamma sqrt n) instead of ceil(gamma n) */
	size_t below_max; /* ceiling of the below side */
	size_t below_min; /* and its floor, as far as there are ranked trials */
};

struct tpe_side {
	size_t n;
	const double **points; /* oldest first */
	double *multiplicity;  /* NULL: every point stands for itself */
};

/* 0 or CODE_NO_MEMORY. */
int tpe_history_init(struct tpe_history *history, const struct view *view, enum tpe_liar liar,
	struct arena *arena);

/* Results (as n_results) in which parameter j is active. */
size_t tpe_history_count(const struct tpe_history *history, size_t j);

/* Ranks the trials in which parameter j is active and splits them. 0 or CODE_NO_MEMORY. */
int tpe_history_split(struct tpe_history *history, size_t j, const struct tpe_split_rule *rule,
	struct arena *arena, struct tpe_side *below, struct tpe_side *above);

#endif
