#include "algorithms/tuners/smac_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REFIT_ALWAYS 512    /* below so many results the forest is grown with each */
#define REFIT_STEP   8	    /* ... then with every eighth */
#define ROWS_MAX     8192   /* of one forest, spread over the history */
#define PENDING_MAX  256    /* the newest */
#define NEAR	     0.05   /* the share of results whose distance from the best sets low */
#define NEAR_MIN     1e-6   /* ... but no less than this share of the range */
#define BETTER	     0.1    /* of that distance: what is better still is taken for so good */
#define SHRINK	     0x1p-4 /* of losses, exactly: so differences of the largest are finite */

#define STREAM_ADD (UINT64_C(1) << 40) /* of RNG_FIT, beyond all versions */

/* From losses and violations to y. */
struct scale {
	bool any;		 /* a feasible finite loss */
	double best, low, worst; /* losses, shrunk */
	double spread;		 /* standard deviation of y of the feasible ones */
	double violation;	 /* the median one */
};

/* What the workspace keeps. */
struct memo {
	struct arena arena;
	struct key128 key;
	size_t n_trees;
	struct scale scale;
	double mean; /* of y */
	struct forest forest;
};

/* ---- features ---- */

static bool has_one_value(const struct parameter *parameter)
{
	if (parameter->n_options)
		return parameter->n_options == 1;
	return !parameter->normal &&
	       (parameter->n_values == 1 || !(parameter->low < parameter->high));
}

int smac_features_init(
	struct smac_features *features, const struct space *space, struct arena *arena)
{
	struct smac_features made = {
		.space = space,
		.parameter = arena_array(arena, space->n + 1, sizeof(*made.parameter)),
		.categories = arena_array(arena, space->n + 1, sizeof(*made.categories)),
		.parent = arena_array(arena, space->n + 1, sizeof(*made.parent)),
	};

	if (!made.parameter || !made.categories || !made.parent)
		return CODE_NO_MEMORY;
	for (size_t j = 0; j < space->n; j++) {
		const struct parameter *parameter = &space->parameters[j];

		for (size_t c = 0; c < parameter->n_conditions; c++)
			made.parent[parameter->conditions[c].parent] = true;
		if (has_one_value(parameter))
			continue;
		made.categories[made.d] = (uint8_t)feature_categories(parameter);
		made.parameter[made.d++] = (uint32_t)j;
	}
	*features = made;
	return 0;
}

void smac_features_of(const struct smac_features *features, const double *x, double *out)
{
	for (size_t k = 0; k < features->d; k++) {
		uint32_t j = features->parameter[k];
		out[k] = feature_of(&features->space->parameters[j], x[j]);
	}
}

void smac_point_of(const struct smac_features *features, const double *row, double *x)
{
	const struct space *space = features->space;
	size_t k = 0;

	for (size_t j = 0; j < space->n; j++) {
		bool has = k < features->d && features->parameter[k] == j;
		double u = has ? row[k] : 0;

		x[j] = (double)NAN;
		if (space_active(space, x, j))
			x[j] = has && features->categories[k]
				       ? u
				       : parameter_from_unit(&space->parameters[j], u);
		k += has;
	}
}

/* ---- the scale ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double scaled(const struct scale *scale, double loss)
{
	double range = scale->worst - scale->low;
	double share = (fmin(loss * SHRINK, scale->worst) - scale->low) / range;

	return log(fmax(share, BETTER * (scale->best - scale->low) / range));
}

static double target(const struct scale *scale, const struct rank *rank)
{
	switch (rank->tier) {
	case TIER_FEASIBLE:
		return scale->any ? scaled(scale, rank->score) : 0;
	case TIER_STOPPED:
		return 0;
	case TIER_INFEASIBLE:
		/* Without a bound, a violation is one of many sizes: half way at the median. */
		if (isinf(rank->score))
			return scale->spread;
		return scale->spread * rank->score / (rank->score + scale->violation);
	case TIER_FAILED:
		break;
	}
	return scale->spread;
}

/* The finite scores of a tier, sorted; how many. */
static size_t scores_of(const struct rank *ranks, size_t n, enum rank_tier tier, double *out)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (ranks[i].tier == tier && isfinite(ranks[i].score))
			out[found++] = ranks[i].score;
	qsort(out, found, sizeof(*out), by_value);
	return found;
}

static void find_spread(struct scale *scale, const double *losses, size_t n)
{
	double mean = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		mean += scaled(scale, losses[i]) / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += pow(scaled(scale, losses[i]) - mean, 2);
	if (squares > 0)
		scale->spread = sqrt(squares / (double)n);
}

static int find_scale(const struct rank *ranks, size_t n, struct arena *arena, struct scale *scale)
{
	double *scores = arena_array(arena, n + 1, sizeof(*scores));

	if (!scores)
		return CODE_NO_MEMORY;
	*scale = (struct scale){ .spread = 1, .violation = 1 };
	size_t found = scores_of(ranks, n, TIER_INFEASIBLE, scores);
	if (found > 0)
		scale->violation = scores[found / 2];
	found = scores_of(ranks, n, TIER_FEASIBLE, scores);
	if (found == 0)
		return 0;
	scale->any = true;
	scale->best = scores[0] * SHRINK;
	scale->worst = scores[found - 1] * SHRINK;
	double range = scale->worst - scale->best;
	double near = scores[(size_t)(NEAR * (double)found)] * SHRINK - scale->best;
	/* Equal losses have no range: any will do. */
	scale->low = range > 0 ? scale->best - fmax(near, NEAR_MIN * range)
			       : scale->best - fmax(1e-9, fabs(scale->best));
	find_spread(scale, scores, found);
	return 0;
}

/* ---- the forest ---- */

static int gather_rows(const struct smac_features *features, const struct view *view,
	const struct rank *ranks, size_t n, struct memo *memo, struct arena *arena,
	struct forest_rows *out)
{
	size_t kept = n < ROWS_MAX ? n : ROWS_MAX, d = features->d;
	double *x = arena_array(arena, kept * d, sizeof(*x));
	double *y = arena_array(arena, kept, sizeof(*y));

	if (!x || !y)
		return CODE_NO_MEMORY;
	memo->mean = 0;
	for (size_t i = 0; i < kept; i++) {
		const struct rank *rank = &ranks[i * n / kept];

		smac_features_of(features, view->trials[rank->number].x, x + i * d);
		y[i] = target(&memo->scale, rank);
		memo->mean += y[i] / (double)kept;
	}
	*out = (struct forest_rows){ kept, d, x, y, features->categories };
	return 0;
}

/* ranks: of the results that the forest is grown on. */
static int grow(struct memo *memo, const struct smac_features *features, const struct view *view,
	const struct rank *ranks, size_t n)
{
	uint64_t version = view->trials[ranks[n - 1].number].ended_version;
	struct forest_rows rows;
	struct arena scratch;
	struct rng rng;

	arena_init(&scratch, 0);
	rng_init(&rng, view->spec->seed, RNG_FIT, version);
	int code = find_scale(ranks, n, &scratch, &memo->scale);
	if (code == 0)
		code = gather_rows(features, view, ranks, n, memo, &scratch, &rows);
	if (code == 0)
		code = forest_fit(&memo->forest, &rows, memo->n_trees, &rng, &memo->arena);
	arena_release(&scratch);
	return code;
}

static void memo_free(void *state)
{
	struct memo *memo = state;

	arena_release(&memo->arena);
	free(memo);
}

/* A trial that is retried leaves the results, and then the key is another one. */
static void key_of(const struct view *view, const struct rank *ranks, size_t n, struct key128 *key)
{
	key_init(key, view->counts.spec_version);
	for (size_t i = 0; i < n; i++) {
		key_mix(key, ranks[i].number);
		key_mix(key, view->trials[ranks[i].number].ended_version);
	}
}

/* The memo that belongs to the first n results: the workspace's, or a new one. NULL: no memory. */
static struct memo *recall(const struct smac_features *features, const struct knowledge *know,
	const struct rank *ranks, size_t n, size_t n_trees)
{
	struct workspace *workspace = know->workspace;
	struct memo *memo = workspace->state;
	struct key128 key;

	key_of(know->view, ranks, n, &key);
	if (memo && memo->n_trees == n_trees && key_equal(&memo->key, &key))
		return memo;
	memo = calloc(1, sizeof(*memo));
	if (!memo)
		return NULL;
	arena_init(&memo->arena, 0);
	memo->key = key;
	memo->n_trees = n_trees;
	if (grow(memo, features, know->view, ranks, n) != 0) {
		memo_free(memo);
		return NULL;
	}
	workspace_clear(workspace);
	*workspace = (struct workspace){ memo, memo_free, sizeof(*memo) + memo->arena.held };
	return memo;
}

/* ---- what has come since ---- */

static void add_point(
	struct smac_model *model, const struct view *view, uint32_t number, double y, double *row)
{
	struct rng rng;

	rng_init(&rng, view->spec->seed, RNG_FIT, STREAM_ADD + number);
	smac_features_of(&model->features, view->trials[number].x, row);
	forest_add(&model->forest, row, y, &rng);
}

static void add_pending(struct smac_model *model, const struct view *view, double y, double *row)
{
	int64_t left = view_pending(view);
	size_t added = 0;

	for (size_t i = view->n_trials; i-- > 0 && left > 0 && added < PENDING_MAX;) {
		const struct trial *trial = &view->trials[i];

		if (!trial_pending(trial))
			continue;
		left--;
		if (!trial->x)
			continue;
		add_point(model, view, (uint32_t)i, y, row);
		added++;
	}
}

static int bring_up_to_date(struct smac_model *model, const struct memo *memo,
	const struct view *view, size_t n_fitted, struct arena *arena)
{
	double *row = arena_array(arena, model->features.d, sizeof(*row));
	int code = row ? forest_copy(&model->forest, &memo->forest, arena) : CODE_NO_MEMORY;

	if (code)
		return code;
	model->best = HUGE_VAL;
	for (size_t i = 0; i < model->n_ranks; i++) {
		double y = target(&memo->scale, &model->ranks[i]);

		model->best = fmin(model->best, y);
		if (i >= n_fitted)
			add_point(model, view, model->ranks[i].number, y, row);
	}
	add_pending(model, view, memo->mean, row);
	return 0;
}

int smac_model_init(
	struct smac_model *model, const struct knowledge *know, size_t n_trees, struct arena *arena)
{
	const struct view *view = know->view;
	int code = CODE_NO_MEMORY;

	model->ranks = rank_finished(view, SIZE_MAX, arena, &model->n_ranks);
	if (!model->ranks)
		return CODE_NO_MEMORY;
	size_t n = model->n_ranks, step = n < REFIT_ALWAYS ? 1 : REFIT_STEP;
	struct memo *memo = recall(&model->features, know, model->ranks, n - n % step, n_trees);
	if (memo)
		code = bring_up_to_date(model, memo, view, n - n % step, arena);
	rank_select(model->ranks, n, SMAC_BEST);
	return code;
}
