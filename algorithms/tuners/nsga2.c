/*
 * NSGA-II (Deb, Pratap, Agarwal and Meyarivan, IEEE TEC 6, 2002): of a front that does not fit, the
 * members with the most crowding distance go on.
 */
#include <math.h>
#include <stdlib.h>

#include "algorithms/analysis/pareto.h"
#include "algorithms/tuners/nsga.h"

static const struct option nsga2_options[] = {
	NSGA_OPTIONS,
	{ .name = NULL },
};

/* Sets the room of members, which are one front of feasible results. */
static int measure_front(struct nsga_pool *pool, struct nsga_member *members, size_t n)
{
	const double **points = arena_array(&pool->scratch, n, sizeof(*points));
	double *distance = arena_array(&pool->scratch, n, sizeof(*distance));

	if (!points || !distance)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		points[i] = members[i].losses;
	if (pareto_crowding(points, n, pool->m, &pool->scratch, distance) != 0)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		members[i].room = distance[i];
	return 0;
}

static int nsga2_measure(struct nsga_pool *pool)
{
	int code = 0;

	for (size_t i = 0, end; i < pool->n && pool->members[i].losses && code == 0; i = end) {
		for (end = i + 1; end < pool->n; end++)
			if (pool->members[end].front != pool->members[i].front)
				break;
		code = measure_front(pool, pool->members + i, end - i);
	}
	return code;
}

static int by_room(const void *a, const void *b)
{
	const struct nsga_member *x = a, *y = b;

	if (x->room != y->room)
		return x->room > y->room ? -1 : 1;
	return (x->result.number > y->result.number) - (x->result.number < y->result.number);
}

static int nsga2_thin(struct nsga_pool *pool, size_t kept, size_t end, size_t room)
{
	int code = measure_front(pool, pool->members + kept, end - kept);

	(void)room;
	if (code == 0)
		qsort(pool->members + kept, end - kept, sizeof(*pool->members), by_room);
	return code;
}

const struct nsga_rule nsga2_rule = { .thin = nsga2_thin, .measure = nsga2_measure };

static int nsga2_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	return nsga_ask(know, &nsga2_rule, rng, arena, out, err);
}

const struct tuner tuner_nsga2 = {
	.algorithm = {
		.name = "nsga2",
		.aliases = "NSGA-II|NSGAII",
		.summary = "NSGA-II: evolves a population along the Pareto front of several "
			   "objectives.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE,
		.options = nsga2_options,
	},
	.ask = nsga2_ask,
};
