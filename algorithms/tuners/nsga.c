#include "algorithms/tuners/nsga.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/analysis/pareto.h"
#include "algorithms/tuners/evolution_vary.h"
#include "algorithms/tuners/unique.h"

#define POPULATION_DEFAULT 50
#define POPULATION_MIN	   20 /* of population_size 0, when the budget is small */
#define GENERATIONS	   15 /* that a budget should last for */

#define CHILDREN 32 /* made before a repeated one is handed back: the population is folded once */
#define COURTING 8  /* draws for a father who is not the mother */

static size_t population_size(const struct spec *spec)
{
	int64_t asked = option_int(&spec->tuner_options, "population_size");
	int64_t budget = spec->limits.max_trials / GENERATIONS;

	if (asked > 0)
		return (size_t)asked;
	if (spec->limits.max_trials == 0 || budget > POPULATION_DEFAULT)
		return POPULATION_DEFAULT;
	return (size_t)(budget < POPULATION_MIN ? POPULATION_MIN : budget);
}

/* ---- the history ---- */

/* A feasible result in which an objective is missing has failed. */
static int member_init(struct nsga_pool *pool, const struct view *view, const struct rank *result,
	struct arena *arena, struct nsga_member *member)
{
	const struct trial *trial = &view->trials[result->number];

	*member = (struct nsga_member){ .result = *result };
	if (result->tier != TIER_FEASIBLE)
		return 0;
	double *losses = arena_array(arena, pool->m, sizeof(*losses));
	if (!losses)
		return CODE_NO_MEMORY;
	for (size_t k = 0; k < pool->m; k++) {
		losses[k] = objective_loss(&view->spec->objectives[k], trial->values[k]);
		if (isnan(losses[k])) {
			member->result.tier = TIER_FAILED;
			member->result.score = 0;
			return 0;
		}
	}
	for (size_t k = 0; k < pool->m; k++)
		if (isfinite(losses[k]))
			pool->ideal[k] = fmin(pool->ideal[k], losses[k]);
	member->losses = losses;
	return 0;
}

/* ---- who survives ---- */

static int by_front(const void *a, const void *b)
{
	const struct nsga_member *x = a, *y = b;

	if (x->result.tier != y->result.tier)
		return x->result.tier < y->result.tier ? -1 : 1;
	if (x->losses && x->front != y->front)
		return x->front < y->front ? -1 : 1;
	return rank_better(&x->result, &y->result) ? -1 : rank_better(&y->result, &x->result);
}

/* Within a front the order must not depend on the first objective. */
static int by_front_then_number(const void *a, const void *b)
{
	const struct nsga_member *x = a, *y = b;

	if (x->front != y->front)
		return x->front < y->front ? -1 : 1;
	return (x->result.number > y->result.number) - (x->result.number < y->result.number);
}

/* Numbers the fronts of the unfeasible, who are sorted: one for each score. */
static void front_unfeasible(struct nsga_pool *pool)
{
	const struct nsga_member *before = NULL;

	for (size_t i = 0; i < pool->n; i++) {
		struct nsga_member *member = &pool->members[i];
		if (!member->losses) {
			bool alike = before && before->result.tier == member->result.tier &&
				     before->result.score == member->result.score;
			member->front = before ? before->front + !alike : 0;
		}
		before = member;
	}
}

/* Sets fronts and sorts by them; feasible members that cannot survive may come out unranked, behind
 * the other feasible ones. */
static int pool_sort(struct nsga_pool *pool)
{
	const double **points = arena_array(&pool->scratch, pool->n + 1, sizeof(*points));
	uint32_t *ranks = arena_array(&pool->scratch, pool->n + 1, sizeof(*ranks));
	size_t n = 0;

	if (!points || !ranks)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < pool->n; i++)
		if (pool->members[i].losses)
			points[n++] = pool->members[i].losses;
	if (pareto_sort(points, n, pool->m, pool->capacity, 0, &pool->scratch, ranks) != 0)
		return CODE_NO_MEMORY;
	n = 0;
	for (size_t i = 0; i < pool->n; i++) {
		struct nsga_member *member = &pool->members[i];
		if (!member->losses)
			continue;
		/* Unranked: behind all fronts that there may be. */
		member->front = ranks[n] < pool->n ? ranks[n] : (uint32_t)pool->n;
		n++;
	}
	qsort(pool->members, pool->n, sizeof(*pool->members), by_front);
	front_unfeasible(pool);
	qsort(pool->members, pool->n, sizeof(*pool->members), by_front_then_number);
	return 0;
}

/* Best fronts first, down to the capacity. */
static int pool_select(struct nsga_pool *pool, const struct nsga_rule *rule)
{
	size_t kept, end = pool->capacity;
	int code = pool_sort(pool);

	if (code != 0 || pool->n <= pool->capacity)
		return code;
	kept = pool->capacity - 1;
	while (kept > 0 && pool->members[kept - 1].front == pool->members[kept].front)
		kept--;
	while (end < pool->n && pool->members[end].front == pool->members[kept].front)
		end++;
	if (end > pool->capacity && pool->members[kept].losses)
		code = rule->thin(pool, kept, end, pool->capacity - kept);
	pool->n = pool->capacity;
	return code;
}

/* ---- the fold ---- */

static int fold(struct nsga_pool *pool, const struct view *view, const struct nsga_rule *rule,
	const struct rank *results, size_t n, struct arena *arena)
{
	int code = 0;

	for (size_t i = 0; i < n && code == 0;) {
		size_t end = n - i < pool->capacity ? n : i + pool->capacity;

		for (; i < end && code == 0; i++)
			code = member_init(
				pool, view, &results[i], arena, &pool->members[pool->n++]);
		arena_reset(&pool->scratch);
		if (code == 0)
			code = pool_select(pool, rule);
	}
	return code ? code : rule->measure(pool);
}

int nsga_population(const struct view *view, const struct nsga_rule *rule, struct arena *arena,
	struct nsga_pool *pool)
{
	struct rank *results;
	size_t n;
	int code = 0;

	*pool = (struct nsga_pool){
		.spec = view->spec,
		.m = view->spec->n_objectives,
		.capacity = population_size(view->spec),
	};
	arena_init(&pool->scratch, arena->limit);
	for (size_t k = 0; k < pool->m; k++)
		pool->ideal[k] = HUGE_VAL;
	pool->members = arena_array(arena, 2 * pool->capacity, sizeof(*pool->members));
	results = rank_finished(view, SIZE_MAX, arena, &n);
	if (!pool->members || !results)
		return CODE_NO_MEMORY;
	if (rule->start)
		code = rule->start(pool, arena);
	return code ? code : fold(pool, view, rule, results, n, arena);
}

/* ---- children ---- */

static bool better(const struct nsga_member *a, const struct nsga_member *b)
{
	if (a->front != b->front)
		return a->front < b->front;
	return a->room > b->room;
}

/* The better of two, which may be the same one. */
static const struct nsga_member *tournament(const struct nsga_pool *pool, struct rng *rng)
{
	const struct nsga_member *a = &pool->members[rng_below(rng, pool->n)];
	const struct nsga_member *b = &pool->members[rng_below(rng, pool->n)];

	return better(b, a) ? b : a;
}

static void propose_child(const struct nsga_pool *pool, const struct view *view, struct rng *rng,
	struct proposal *out)
{
	const struct option_set *options = &view->spec->tuner_options;
	const struct space *space = view->spec->space;
	const struct vary vary = { .eta = option_real(options, "eta_mutation") };
	const struct nsga_member *mother = tournament(pool, rng), *father = mother;
	const double *x = view->trials[mother->result.number].x;

	for (int i = 0; i < COURTING && father == mother; i++)
		father = tournament(pool, rng);
	bool crossed = rng_uniform(rng) < option_real(options, "crossover") && father != mother;
	out->arm = crossed ? "crossover" : "mutation";
	out->parent = mother->result.number;
	if (crossed)
		vary_recombine(space, rng, option_real(options, "eta_crossover"), x,
			view->trials[father->result.number].x, out->x);
	else
		memcpy(out->x, x, space->n * sizeof(*out->x));
	if (!vary_mutate_each(&vary, space, rng, out->x) && !crossed)
		(void)vary_mutate(&vary, space, rng, out->x); /* false: there is one point only */
}

int nsga_ask(const struct knowledge *know, const struct nsga_rule *rule, struct rng *rng,
	struct arena *arena, struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	size_t population = population_size(view->spec);
	struct nsga_pool pool;
	int code;

	if (rank_count(view, population) < population)
		return propose_startup(view, rng, arena, out, err);
	code = nsga_population(view, rule, arena, &pool);
	bool hopeless = pool.n == 0 || pool.members[0].result.tier == TIER_FAILED;
	for (int i = 0; i < CHILDREN && code == 0 && !hopeless; i++) {
		propose_child(&pool, view, rng, out);
		if (unique_fresh(view, out->x))
			break;
	}
	arena_release(&pool.scratch);
	if (code != 0)
		return fail(err, CODE_NO_MEMORY, "out of memory");
	return hopeless ? propose_startup(view, rng, arena, out, err) : 0;
}
