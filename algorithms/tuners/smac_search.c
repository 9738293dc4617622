/*
 * Local search (SMAC's one-exchange neighbourhood): a neighbour differs in one parameter, in a
 * category by any other option, in a number by a normal step on the unit interval. All starts take
 * a step at a time together, each to its best neighbour; a forest is flat in places, so some steps
 * may lead nowhere better. Steps widen with success and narrow without.
 */
#include "algorithms/tuners/smac_search.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/unique.h"
#include "core/special.h"

#define BLOCK	      256 /* random points looked at together */
#define STARTS	      10
#define STEPS	      30     /* of each start at most */
#define PLATEAU_STEPS 10     /* of those, how many to a neighbour that is only as good */
#define FAILURES      3	     /* in a row: the end */
#define NEIGHBOURS    100    /* of one point at most: of more, a part, beginning anywhere */
#define COORDINATES   200000 /* of all neighbours; but room for a block there always is */
#define NUMERIC	      4	     /* neighbours along a number */
#define OPTIONS	      12     /* ... along a category at most */

#define STEP_FIRST 0.05
#define STEP_LEAST 0.005
#define STEP_MOST  0.4
#define WIDEN	   1.6
#define NARROW	   0.5

#define VARIANCE_LEAST 1e-10
#define DIRECT	       -20.0 /* standard deviations: there Phi is still a number */
#define CANCELLED      1e-5  /* of the minuend: less may be rounding, and logarithms are needed */

struct start {
	double *x; /* a point of the space */
	double score;
	double step;
	unsigned plateau, failures;

	/* the best that it saw and that may be handed out */
	double *fresh;
	double fresh_score; /* -HUGE_VAL: none */
};

struct search {
	const struct smac_model *model;
	const struct view *view;
	const struct space *space;
	struct rng *rng;
	struct start starts[STARTS]; /* the best first, at the beginning */
	size_t n_starts;
	struct start drawn; /* only its fresh one: the best of the random points */

	/* what is being looked at: rows of the block or neighbours */
	size_t n, room;
	double *points; /* room rows of space->n; neighbours only */
	double *rows;	/* room rows of d */
	double *mean, *variance;
	uint32_t *owner; /* the start whose neighbour it is */
	double *scratch; /* space->n */
};

double smac_log_improvement(double mean, double variance, double best)
{
	double s = sqrt(fmax(variance, VARIANCE_LEAST)), v = (best - mean) / s;

	if (v > DIRECT) {
		double target = exp(best) * normal_cdf(v);
		double gain = target - exp(0.5 * s * s + mean) * normal_cdf(v - s);
		if (gain > CANCELLED * target)
			return log(gain);
	}
	double target = best + normal_log_cdf(v);
	double loss = 0.5 * s * s + mean + normal_log_cdf(v - s);

	return target > loss ? log_diff_exp(target, loss) : -HUGE_VAL;
}

/* No less than that, and cheap: Phi(v) <= exp(-v^2 / 2). */
static double bound_of(double mean, double variance, double best)
{
	double gap = fmin(best - mean, 0);
	return best - 0.5 * gap * gap / fmax(variance, VARIANCE_LEAST);
}

static int search_init(struct search *search, struct arena *arena)
{
	size_t n = search->space->n, d = search->model->features.d;

	search->room = COORDINATES / n;
	search->room = search->room > STARTS * NEIGHBOURS ? STARTS * NEIGHBOURS
		       : search->room < BLOCK		  ? BLOCK
							  : search->room;
	search->points = arena_array(arena, search->room * n, sizeof(double));
	search->rows = arena_array(arena, search->room * d, sizeof(double));
	search->mean = arena_array(arena, search->room, sizeof(double));
	search->variance = arena_array(arena, search->room, sizeof(double));
	search->owner = arena_array(arena, search->room, sizeof(uint32_t));
	search->scratch = arena_array(arena, n, sizeof(double));
	if (!search->points || !search->rows || !search->mean || !search->variance ||
		!search->owner || !search->scratch)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i <= STARTS; i++) {
		struct start *start = i < STARTS ? &search->starts[i] : &search->drawn;

		start->x = arena_array(arena, n, sizeof(double));
		start->fresh = arena_array(arena, n, sizeof(double));
		start->step = STEP_FIRST;
		start->fresh_score = -HUGE_VAL;
		if (!start->x || !start->fresh)
			return CODE_NO_MEMORY;
	}
	return 0;
}

/* ---- where to start ---- */

/* The scores of the first n rows, in mean. */
static void score_rows(struct search *search, size_t n)
{
	forest_predict(&search->model->forest, search->rows, n, search->mean, search->variance);
	for (size_t i = 0; i < n; i++)
		search->mean[i] = smac_log_improvement(
			search->mean[i], search->variance[i], search->model->best);
}

static void note_fresh(struct search *search, struct start *start, const double *x, double score)
{
	if (score <= start->fresh_score || !unique_fresh(search->view, x))
		return;
	memcpy(start->fresh, x, search->space->n * sizeof(*x));
	start->fresh_score = score;
}

static bool is_start(const struct search *search, const double *x, double score)
{
	for (size_t i = 0; i < search->n_starts; i++)
		if (search->starts[i].score == score &&
			memcmp(search->starts[i].x, x, search->space->n * sizeof(*x)) == 0)
			return true;
	return false;
}

/* Keeps the best STARTS, in order; of equal ones the earlier. */
static void offer_start(struct search *search, const double *x, double score)
{
	size_t at = search->n_starts;

	if (at == STARTS && score <= search->starts[STARTS - 1].score)
		return;
	if (!space_feasible(search->space, x) || is_start(search, x, score))
		return;
	if (at < STARTS)
		search->n_starts++;
	else
		at--;
	struct start own = search->starts[at];
	for (; at > 0 && search->starts[at - 1].score < score; at--)
		search->starts[at] = search->starts[at - 1];
	own.score = score;
	memcpy(own.x, x, search->space->n * sizeof(*x));
	search->starts[at] = own;
}

static double draw_feature(const struct parameter *parameter, unsigned categories, double u)
{
	double n = (double)(categories ? categories : parameter->n_values);
	bool even = parameter->n_options || parameter->type == TYPE_RANDINT ||
		    (parameter->type == TYPE_INT && !parameter->log);

	if (categories)
		return floor(u * n);
	return even ? (floor(u * n) + 0.5) / n : u;
}

/* A random row. Only what activity depends on is looked up as values. */
static void draw_row(struct search *search, double *row)
{
	const struct smac_features *features = &search->model->features;
	double *x = search->scratch;
	size_t k = 0;

	for (size_t j = 0; j < search->space->n; j++) {
		const struct parameter *parameter = &search->space->parameters[j];
		bool has = k < features->d && features->parameter[k] == j;
		bool active = space_active(search->space, x, j);
		/* 32 random bits are enough to choose among points by. */
		double u = has && active ? (rng_u32(search->rng) + 0.5) * 0x1p-32 : 0;

		x[j] = (double)NAN;
		if (active)
			x[j] = features->parent[j] ? parameter_from_unit(parameter, u) : 0;
		if (has) {
			row[k] = active ? draw_feature(parameter, features->categories[k], u)
					: FOREST_INACTIVE;
			k++;
		}
	}
}

/* Of the random points only those get a score that it can be of use to. */
static void offer_row(struct search *search, size_t i)
{
	const struct smac_model *model = search->model;
	double last = search->n_starts == STARTS ? search->starts[STARTS - 1].score : -HUGE_VAL;
	double enough = fmin(last, search->drawn.fresh_score);
	double mean = search->mean[i], variance = search->variance[i];

	if (bound_of(mean, variance, model->best) <= enough)
		return;
	double score = smac_log_improvement(mean, variance, model->best);
	if (score <= enough)
		return;
	smac_point_of(&model->features, search->rows + i * model->features.d, search->scratch);
	offer_start(search, search->scratch, score);
	note_fresh(search, &search->drawn, search->scratch, score);
}

static void start_at_random(struct search *search, size_t n)
{
	size_t d = search->model->features.d;

	for (size_t done = 0; done < n; done += BLOCK) {
		size_t some = n - done < BLOCK ? n - done : BLOCK;

		for (size_t i = 0; i < some; i++)
			draw_row(search, search->rows + i * d);
		forest_predict(
			&search->model->forest, search->rows, some, search->mean, search->variance);
		for (size_t i = 0; i < some; i++)
			offer_row(search, i);
	}
}

/* What was drawn may have been rounded when it became a point. */
static void score_starts(struct search *search)
{
	size_t d = search->model->features.d;

	for (size_t i = 0; i < search->n_starts; i++)
		smac_features_of(
			&search->model->features, search->starts[i].x, search->rows + i * d);
	score_rows(search, search->n_starts);
	for (size_t i = 0; i < search->n_starts; i++) {
		search->starts[i].score = search->mean[i];
		note_fresh(search, &search->starts[i], search->starts[i].x, search->mean[i]);
	}
}

static void start_at_best(struct search *search)
{
	const struct smac_model *model = search->model;
	size_t n = model->n_ranks < SMAC_BEST ? model->n_ranks : SMAC_BEST;

	for (size_t i = 0; i < n; i++)
		smac_features_of(&model->features, search->view->trials[model->ranks[i].number].x,
			search->rows + i * model->features.d);
	score_rows(search, n);
	for (size_t i = 0; i < n; i++)
		offer_start(
			search, search->view->trials[model->ranks[i].number].x, search->mean[i]);
}

/* ---- neighbours ---- */

/* The start's point with parameter j at value; other parameters may come or go with it. */
static void add_neighbour(struct search *search, uint32_t owner, size_t j, double value)
{
	size_t n = search->space->n;
	double *x = search->points + search->n * n;
	const struct start *start = &search->starts[owner];

	if (search->n == search->room || value == start->x[j])
		return;
	memcpy(x, start->x, n * sizeof(*x));
	x[j] = value;
	if (search->model->features.parent[j])
		space_complete(search->space, search->rng, x);
	if (!space_feasible(search->space, x))
		return;
	smac_features_of(
		&search->model->features, x, search->rows + search->n * search->model->features.d);
	search->owner[search->n++] = owner;
}

static void add_options(struct search *search, uint32_t owner, size_t j)
{
	const struct parameter *parameter = &search->space->parameters[j];
	size_t n = parameter->n_options, own = (size_t)search->starts[owner].x[j];

	if (n - 1 <= OPTIONS) {
		for (size_t option = 0; option < n; option++)
			add_neighbour(search, owner, j, (double)option);
		return;
	}
	for (size_t i = 0; i < OPTIONS; i++) {
		uint64_t option = rng_below(search->rng, n - 1);
		add_neighbour(search, owner, j, (double)(option + (option >= own)));
	}
}

/* A step that comes out where it began goes to the next value, if there is one. */
static double step_from(const struct parameter *parameter, double value, double step)
{
	double u = parameter_to_unit(parameter, value) + step;

	u = u < 0 ? -u : u > 1 ? 2 - u : u; /* reflected */
	double next = parameter_from_unit(parameter, fmin(fmax(u, 0), 1));
	if (next != value || parameter->n_values == 0)
		return next;
	uint64_t k = parameter_index(parameter, value);
	if (step < 0)
		return parameter_value(parameter, k > 0 ? k - 1 : k);
	return parameter_value(parameter, k + 1 < parameter->n_values ? k + 1 : k);
}

static void add_neighbours_along(struct search *search, uint32_t owner, size_t j)
{
	const struct parameter *parameter = &search->space->parameters[j];
	const struct start *start = &search->starts[owner];

	if (isnan(start->x[j]))
		return;
	if (parameter->categorical) {
		add_options(search, owner, j);
		return;
	}
	for (int i = 0; i < NUMERIC; i++) {
		double step = rng_normal(search->rng) * start->step;
		add_neighbour(search, owner, j, step_from(parameter, start->x[j], step));
	}
}

static void add_neighbours(struct search *search, uint32_t owner)
{
	const struct smac_features *features = &search->model->features;
	size_t limit = search->n + search->room / STARTS, d = features->d;
	size_t first = (size_t)rng_below(search->rng, d);

	for (size_t k = 0; k < d && search->n + OPTIONS <= limit; k++)
		add_neighbours_along(search, owner, features->parameter[(first + k) % d]);
}

/* ---- steps ---- */

static bool is_over(const struct start *start)
{
	return start->failures >= FAILURES || start->plateau > PLATEAU_STEPS;
}

/* best: its best neighbour; SIZE_MAX: it has none. */
static void take_step(struct search *search, struct start *start, size_t best)
{
	double score = best == SIZE_MAX ? -HUGE_VAL : search->mean[best];

	if (best == SIZE_MAX || score < start->score) {
		start->failures++;
		start->step = fmax(start->step * NARROW, STEP_LEAST);
		return;
	}
	start->failures = 0;
	if (score > start->score)
		start->step = fmin(start->step * WIDEN, STEP_MOST);
	else
		start->plateau++;
	memcpy(start->x, search->points + best * search->space->n,
		search->space->n * sizeof(*start->x));
	start->score = score;
}

/* False: all have come to their ends. */
static bool step_all(struct search *search)
{
	size_t best[STARTS];

	search->n = 0;
	for (uint32_t i = 0; i < search->n_starts; i++) {
		best[i] = SIZE_MAX;
		if (!is_over(&search->starts[i]))
			add_neighbours(search, i);
	}
	score_rows(search, search->n);
	for (size_t k = 0; k < search->n; k++) {
		uint32_t i = search->owner[k];

		note_fresh(search, &search->starts[i], search->points + k * search->space->n,
			search->mean[k]);
		if (best[i] == SIZE_MAX || search->mean[k] > search->mean[best[i]])
			best[i] = k;
	}
	bool any = false;
	for (size_t i = 0; i < search->n_starts; i++) {
		if (is_over(&search->starts[i]))
			continue;
		take_step(search, &search->starts[i], best[i]);
		any = any || !is_over(&search->starts[i]);
	}
	return any;
}

int smac_search(const struct smac_model *model, const struct view *view, size_t n_candidates,
	struct rng *rng, struct arena *arena, double *x, double *score, bool *found)
{
	struct search search = {
		.model = model, .view = view, .space = view->spec->space, .rng = rng
	};
	const struct start *best = &search.drawn;

	if (search_init(&search, arena) != 0)
		return CODE_NO_MEMORY;
	start_at_best(&search);
	start_at_random(&search, n_candidates);
	score_starts(&search);
	for (size_t steps = 0; steps < STEPS && step_all(&search); steps++)
		;
	for (size_t i = 0; i < search.n_starts; i++)
		if (search.starts[i].fresh_score > best->fresh_score)
			best = &search.starts[i];
	*found = best->fresh_score > -HUGE_VAL;
	if (*found) {
		memcpy(x, best->fresh, search.space->n * sizeof(*x));
		*score = best->fresh_score;
	}
	return 0;
}
