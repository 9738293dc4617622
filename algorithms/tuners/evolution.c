/*
 * Evolution, steady state and asynchronous: every ask makes one child of what has finished by then,
 * and pending trials never hold it up.
 *
 * selection = tournament: regularised evolution (Real, Aggarwal, Huang and Le, AAAI 2019) with the
 * population in order of results. A parent is the best of a sample; the child is the parent with
 * one parameter exchanged, sometimes crossed with a second parent first. survival = age: the
 * population is the last results, so that a lucky noisy one dies; survival = best: the best ones.
 *
 * selection = pair: NNI's Evolution. Two of the population at random; the better one has a child,
 * the worse one dies, which the child's tag remembers.
 *
 * Failed trials stand in the population as the worst. If all that a sample finds has failed, or
 * nothing has finished yet, the next point is a Sobol point, as are the first population_size.
 */
#include <math.h>
#include <string.h>

#include "algorithms/tuners/arm_tag.h"
#include "algorithms/tuners/evolution_vary.h"
#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/unique.h"
#include "algorithms/tuners/tuner_rank.h"

#define POPULATION_MIN	   20 /* of population_size 0, from the budget */
#define POPULATION_MAX	   100
#define POPULATION_DEFAULT 32 /* ... without a budget: NNI's */
#define POPULATIONS	   5  /* generations that a budget should last for */

static const struct option evolution_options[] = {
	{ .name = "population_size",
		.type = OPTION_INT,
		.low = 0,
		.high = 10000,
		.fallback = "0",
		.help = "points of the first generation and size of the population; 0: a fifth of "
			"max_trials, between 20 and 100, or 32 without max_trials" },
	{ .name = "selection",
		.type = OPTION_CHOICE,
		.choices = "tournament|pair",
		.fallback = "tournament",
		.help = "tournament: the best of a sample is the parent; pair: NNI's, the better "
			"of two is, and the worse one dies" },
	{ .name = "sample_size",
		.type = OPTION_INT,
		.low = 0,
		.high = 10000,
		.fallback = "0",
		.help = "points in a tournament; 0: a third of the population" },
	{ .name = "survival",
		.type = OPTION_CHOICE,
		.choices = "age|best",
		.fallback = "age",
		.help = "of a tournament's population: age keeps the newest results (robust to "
			"noise), best the best ones" },
	{ .name = "crossover",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0.1",
		.help = "probability that a child is crossed from two parents before it mutates" },
	{ .name = "eta",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1000,
		.fallback = "20",
		.help = "of the polynomial mutation of numeric parameters: the larger, the smaller "
			"the steps" },
	{ .name = "jump",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0.2",
		.help = "probability that a mutated numeric parameter is drawn anew from its whole "
			"range" },
	{ .name = NULL },
};

struct evolution {
	const struct view *view;
	const struct option_set *options;
	size_t population;
	struct rank *pool; /* who may have children */
	size_t n_pool;
};

static size_t population_size(const struct spec *spec)
{
	int64_t asked = option_int(&spec->tuner_options, "population_size");
	int64_t budget = spec->limits.max_trials / POPULATIONS;

	if (asked > 0)
		return (size_t)asked;
	if (spec->limits.max_trials == 0)
		return POPULATION_DEFAULT;
	return (size_t)(budget < POPULATION_MIN	  ? POPULATION_MIN
			: budget > POPULATION_MAX ? POPULATION_MAX
						  : budget);
}

/* The number in a child's tag, of the one that died for it; -1: no such tag. */
static int64_t victim_of(const struct trial *trial)
{
	struct bytes tag = arm_tag(trial);
	uint32_t victim;

	if (tag.size != sizeof(victim))
		return -1;
	memcpy(&victim, tag.data, sizeof(victim));
	return victim;
}

/* Takes those out of the pool that died for a child. */
static int pool_bury(struct evolution *evolution, struct arena *arena)
{
	const struct view *view = evolution->view;
	bool *dead = arena_array(arena, view->n_trials ? view->n_trials : 1, sizeof(*dead));
	size_t alive = 0;

	if (!dead)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < view->n_trials; i++) {
		int64_t victim = victim_of(&view->trials[i]);
		if (victim >= 0 && (size_t)victim < view->n_trials)
			dead[victim] = true;
	}
	for (size_t i = 0; i < evolution->n_pool; i++)
		if (!dead[evolution->pool[i].number])
			evolution->pool[alive++] = evolution->pool[i];
	evolution->n_pool = alive;
	return 0;
}

static int pool_init(struct evolution *evolution, struct arena *arena)
{
	bool pair = option_is(evolution->options, "selection", "pair");
	bool age = !pair && option_is(evolution->options, "survival", "age");
	size_t population = evolution->population;

	evolution->pool = rank_finished(
		evolution->view, age ? population : SIZE_MAX, arena, &evolution->n_pool);
	if (!evolution->pool)
		return CODE_NO_MEMORY;
	if (pair)
		return pool_bury(evolution, arena);
	if (evolution->n_pool > population) {
		rank_select(evolution->pool, evolution->n_pool, population);
		evolution->n_pool = population;
	}
	return 0;
}

/* The best of a sample, drawn with replacement. NULL: all of it has failed. */
static const struct rank *tournament(const struct evolution *evolution, struct rng *rng)
{
	int64_t asked = option_int(evolution->options, "sample_size");
	size_t size = asked > 0 ? (size_t)asked : (evolution->n_pool + 2) / 3;
	const struct rank *best = NULL;

	for (size_t i = 0; i < size && evolution->n_pool > 0; i++) {
		const struct rank *next = &evolution->pool[rng_below(rng, evolution->n_pool)];
		if (!best || rank_better(next, best))
			best = next;
	}
	return best && best->tier != TIER_FAILED ? best : NULL;
}

/* The better of two different ones; *victim is the other. NULL: fewer than two, or both failed. */
static const struct rank *duel(const struct evolution *evolution, struct rng *rng, uint32_t *victim)
{
	if (evolution->n_pool < 2)
		return NULL;
	size_t i = rng_below(rng, evolution->n_pool);
	size_t j = rng_below(rng, evolution->n_pool - 1);
	const struct rank *a = &evolution->pool[i];
	const struct rank *b = &evolution->pool[j >= i ? j + 1 : j];
	const struct rank *better = rank_better(a, b) ? a : b;

	*victim = better == a ? b->number : a->number;
	return better->tier != TIER_FAILED ? better : NULL;
}

static void propose_child(const struct evolution *evolution, const struct rank *parent,
	struct rng *rng, struct proposal *out)
{
	const struct view *view = evolution->view;
	const struct space *space = view->spec->space;
	const struct vary vary = {
		.eta = option_real(evolution->options, "eta"),
		.jump = option_real(evolution->options, "jump"),
	};
	const struct rank *other = NULL;

	if (rng_uniform(rng) < option_real(evolution->options, "crossover"))
		other = tournament(evolution, rng);
	out->arm = other && other->number != parent->number ? "crossover" : "mutation";
	out->parent = parent->number;
	if (other)
		vary_cross(space, rng, view->trials[parent->number].x,
			view->trials[other->number].x, out->x);
	else
		memcpy(out->x, view->trials[parent->number].x, space->n * sizeof(*out->x));
	(void)vary_mutate(&vary, space, rng, out->x); /* false: the space has one point */
}

static int evolution_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	struct evolution evolution = { .view = view, .options = &view->spec->tuner_options };
	const struct rank *parent;
	uint32_t victim;
	bool pair;

	evolution.population = population_size(view->spec);
	if (rank_count(view, evolution.population) < evolution.population)
		return propose_startup(view, rng, arena, out, err);
	if (pool_init(&evolution, arena) != 0)
		return fail(err, CODE_NO_MEMORY, "out of memory");
	pair = option_is(evolution.options, "selection", "pair");
	parent = pair ? duel(&evolution, rng, &victim) : tournament(&evolution, rng);
	if (!parent)
		return propose_startup(view, rng, arena, out, err);
	propose_child(&evolution, parent, rng, out);
	if (!pair)
		return 0;
	out->tag.data = arena_copy(arena, &victim, sizeof(victim));
	out->tag.size = sizeof(victim);
	return out->tag.data ? 0 : fail(err, CODE_NO_MEMORY, "out of memory");
}

const struct tuner tuner_evolution = {
	.algorithm = {
		.name = "evolution",
		.aliases = "Evolution|RegularizedEvolutionTuner|RegularizedEvolution",
		.summary = "Asynchronous evolution: the child of a tournament's winner differs from "
			   "it in one parameter.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS,
		.options = evolution_options,
	},
	.ask = evolution_ask,
};
