/*
 * The niches of NSGA-III: which reference direction a member of the population belongs to, once its
 * losses are normalised.
 */
#ifndef ALGORITHMS_TUNERS_NSGA3_NICHE_H
#define ALGORITHMS_TUNERS_NSGA3_NICHE_H

#include "algorithms/tuners/nsga.h"

struct directions {
	size_t n, m;
	const double *rows; /* n of m, of length 1, in the order in which ties are broken */
};

struct niche {
	size_t direction;
	double distance; /* from the direction's line, in normalised losses */
};

/* Das and Dennis's, as many as count does not exceed (m at least). If none of them is inside the
 * simplex, an inner layer takes what count leaves (Deb and Jain, section IV-A). divisions > 0: of
 * the outer layer, whatever count is; then no inner one. Shuffled by the seed, so that no objective
 * is favoured where niches tie. 0 or CODE_NO_MEMORY. */
int directions_make(size_t m, size_t count, size_t divisions, uint64_t seed, struct arena *arena,
	struct directions *out);

/* The number of directions that this makes. */
size_t directions_count(size_t m, size_t count, size_t divisions);

/* What each objective is divided by, once the ideal is taken off: the intercepts of the plane
 * through the extreme points of the n members, or, when there is no such plane or it leaves the
 * members' range, the worst losses of the first front; or of all, or 1. scale: m. Members are
 * feasible and sorted by front; infinite losses count as the worst finite one. */
void niche_scale(const struct nsga_pool *pool, size_t n, double *scale);

/* The nearest direction of a member. */
struct niche niche_of(const struct directions *directions, const struct nsga_pool *pool,
	const double *scale, const struct nsga_member *member);

#endif
