/*
 * What NSGA-II and NSGA-III share: a population folded from the history, parents from it by
 * tournament, children by simulated binary crossover and polynomial mutation. They differ in the
 * rule by which a front that does not fit into the population whole is thinned.
 *
 * Asynchronous: results enter in the order in which they came, a population's worth at a time, and
 * after each batch (and once more for what has come since) the best of old and new survive. So
 * every ask has parents that are as good as what is known, no ask waits for a generation, and who
 * asked when does not matter. Pending trials are never parents; as points already seen they are
 * never proposed again.
 *
 * Order: feasible results by fronts, then trials stopped early by their last report, those that
 * break outcome constraints by how much, failures (also a result in which an objective is not a
 * number) last.
 */
#ifndef ALGORITHMS_TUNERS_NSGA_H
#define ALGORITHMS_TUNERS_NSGA_H

#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/tuner_rank.h"

struct nsga_member {
	struct rank result;
	const double *losses; /* one per objective, none NaN; NULL: not feasible */
	uint32_t front;	      /* 0 is the best; the unfeasible have theirs after all others */
	double room;	      /* around it in its front: who has more is preferred */
};

struct nsga_pool {
	const struct spec *spec;
	size_t m;	 /* objectives */
	size_t capacity; /* members that survive */
	struct nsga_member *members;
	size_t n;
	double ideal[LIMIT_OBJECTIVES]; /* the least finite loss ever in the pool; or infinity */
	const void *context;		/* what the rule's start made */
	struct arena scratch;		/* forgotten between batches */
};

/* Each answers 0 or CODE_NO_MEMORY. */
struct nsga_rule {
	/* Before the first batch. May be NULL. */
	int (*start)(struct nsga_pool *pool, struct arena *arena);

	/* members[kept .. end) are a front of feasible results of which only `room` survive, 0 <
	 * room < end - kept: moves those to its head. The members before it survive. */
	int (*thin)(struct nsga_pool *pool, size_t kept, size_t end, size_t room);

	/* Sets the members' room, at the end; they are sorted by front. */
	int (*measure)(struct nsga_pool *pool);
};

extern const struct nsga_rule nsga2_rule, nsga3_rule;

/* The options of both: population_size, crossover, eta_crossover, eta_mutation. */
#define NSGA_OPTIONS                                                                               \
	{ .name = "population_size",                                                               \
		.type = OPTION_INT,                                                                \
		.low = 0,                                                                          \
		.high = 1000,                                                                      \
		.fallback = "0",                                                                   \
		.help = "points of the first generation and size of the population; 0: 50, or "    \
			"what lets max_trials last for 15 generations if that is less, but at "    \
			"least 20" },                                                              \
		{ .name = "crossover",                                                             \
			.type = OPTION_REAL,                                                       \
			.low = 0,                                                                  \
			.high = 1,                                                                 \
			.fallback = "0.9",                                                         \
			.help = "probability that a child is crossed from two parents before it "  \
				"mutates" },                                                       \
		{ .name = "eta_crossover",                                                         \
			.type = OPTION_REAL,                                                       \
			.low = 0,                                                                  \
			.high = 1000,                                                              \
			.fallback = "15",                                                          \
			.help = "of the simulated binary crossover of numeric parameters: the "    \
				"larger, the nearer to a parent" },                                \
	{                                                                                          \
		.name = "eta_mutation", .type = OPTION_REAL, .low = 0, .high = 1000,               \
		.fallback = "20",                                                                  \
		.help = "of the polynomial mutation of numeric parameters: the larger, "           \
			"the smaller the steps"                                                    \
	}

/* The population as of view, sorted by front and measured; what it points to lives in arena. The
 * caller releases pool->scratch, also on failure. 0 or CODE_NO_MEMORY. */
int nsga_population(const struct view *view, const struct nsga_rule *rule, struct arena *arena,
	struct nsga_pool *pool);

/* A tuner's ask. */
int nsga_ask(const struct knowledge *know, const struct nsga_rule *rule, struct rng *rng,
	struct arena *arena, struct proposal *out, struct error *err);

#endif
