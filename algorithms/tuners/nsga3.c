/*
 * NSGA-III (Deb and Jain, IEEE TEC 18, 2014), for more objectives than crowding can see apart: a
 * front that does not fit is thinned by reference directions. The losses are normalised, each
 * member belongs to the direction nearest to it, and the directions with the fewest members are
 * served first. Where the paper draws at random (between directions alike, between members of a
 * direction that has some), we take the first in a shuffled order and the nearest: the fold is the
 * same whenever it is done.
 */
#include <math.h>

#include "algorithms/tuners/nsga3_niche.h"

static const struct option nsga3_options[] = {
	NSGA_OPTIONS,
	{ .name = "divisions",
		.type = OPTION_INT,
		.low = 0,
		.high = 100,
		.fallback = "0",
		.help = "of each objective's axis by the reference directions; 0: as many as the "
			"population has members for" },
	{ .name = NULL },
};

#define DIRECTIONS_MAX 10000

static int nsga3_start(struct nsga_pool *pool, struct arena *arena)
{
	size_t divisions = (size_t)option_int(&pool->spec->tuner_options, "divisions");
	struct directions *directions = arena_array(arena, 1, sizeof(*directions));

	if (!directions)
		return CODE_NO_MEMORY;
	pool->context = directions;
	return directions_make(
		pool->m, pool->capacity, divisions, pool->spec->seed, arena, directions);
}

static void nsga3_check(const struct spec *spec, const struct path *at, struct faults *faults)
{
	size_t divisions = (size_t)option_int(&spec->tuner_options, "divisions");

	if (divisions && directions_count(spec->n_objectives, 0, divisions) > DIRECTIONS_MAX)
		fault_add(faults, at, "divides %zu objectives into more than %d directions",
			spec->n_objectives, DIRECTIONS_MAX);
}

/* Niches of the first n members, and how many each direction has of the first `counted`. */
static int find_niches(
	struct nsga_pool *pool, size_t n, size_t counted, struct niche **niches, uint32_t **counts)
{
	const struct directions *directions = pool->context;
	double scale[LIMIT_OBJECTIVES];

	*niches = arena_array(&pool->scratch, n + 1, sizeof(**niches));
	*counts = arena_array(&pool->scratch, directions->n, sizeof(**counts));
	if (!*niches || !*counts)
		return CODE_NO_MEMORY;
	niche_scale(pool, n, scale);
	for (size_t i = 0; i < n; i++) {
		(*niches)[i] = niche_of(directions, pool, scale, &pool->members[i]);
		(*counts)[(*niches)[i].direction] += i < counted;
	}
	return 0;
}

/* The next survivor among [from, end): of the direction with the fewest, the nearest. */
static size_t pick(const struct niche *niches, const uint32_t *counts, size_t from, size_t end)
{
	size_t best = from;

	for (size_t i = from + 1; i < end; i++) {
		const struct niche *a = &niches[i], *b = &niches[best];
		uint32_t few = counts[a->direction], least = counts[b->direction];

		if (few != least		       ? few < least
			: a->direction != b->direction ? a->direction < b->direction
						       : a->distance < b->distance)
			best = i;
	}
	return best;
}

static int nsga3_thin(struct nsga_pool *pool, size_t kept, size_t end, size_t room)
{
	struct niche *niches;
	uint32_t *counts;

	if (find_niches(pool, end, kept, &niches, &counts) != 0)
		return CODE_NO_MEMORY;
	for (size_t at = kept; at < kept + room; at++) {
		size_t i = pick(niches, counts, at, end);
		struct niche niche = niches[i];
		struct nsga_member member = pool->members[i];

		niches[i] = niches[at];
		pool->members[i] = pool->members[at];
		niches[at] = niche;
		pool->members[at] = member;
		counts[niche.direction]++;
	}
	return 0;
}

/* The fewer share a direction, the more room. */
static int nsga3_measure(struct nsga_pool *pool)
{
	struct niche *niches;
	uint32_t *counts;
	size_t n = 0;

	while (n < pool->n && pool->members[n].losses)
		n++;
	if (find_niches(pool, n, n, &niches, &counts) != 0)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		pool->members[i].room = -(double)counts[niches[i].direction];
	return 0;
}

const struct nsga_rule nsga3_rule = {
	.start = nsga3_start,
	.thin = nsga3_thin,
	.measure = nsga3_measure,
};

static int nsga3_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	return nsga_ask(know, &nsga3_rule, rng, arena, out, err);
}

const struct tuner tuner_nsga3 = {
	.algorithm = {
		.name = "nsga3",
		.aliases = "NSGA-III|NSGAIII",
		.summary = "NSGA-III: as nsga2, with reference directions that keep the population "
			   "spread over four objectives and more.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE,
		.options = nsga3_options,
	},
	.check = nsga3_check,
	.ask = nsga3_ask,
};
