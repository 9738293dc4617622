#include "algorithms/analysis/forest.h"

#include <math.h>
#include <string.h>

#include "core/error.h"

#define TOGETHER 8 /* rows that walk down a tree side by side: their loads overlap */

/* A node still to be split: items [start, end) of the grower's index. */
struct job {
	uint32_t node, start, end;
};

struct grower {
	const struct forest_rows *rows;
	struct rng *rng;
	uint32_t *index;  /* the rows of the bootstrap sample, those of a node together */
	double *weight;	  /* by row: how often it was drawn */
	struct job *jobs; /* a stack */
	size_t n_jobs;
	uint32_t *sets; /* the features that are categories */
	size_t n_sets;
	double *gain;

	/* of the node at hand; by feature where an array */
	double mass, sum;
	double y_low, y_high;
	double *low, *high;
	uint64_t *present, *left;
	double *cut, *left_mass, *left_sum;
};

static uint64_t category_bit(double x)
{
	return UINT64_C(1) << (unsigned)(x + 1.0);
}

static int grower_init(
	struct grower *grower, const struct forest_rows *rows, struct rng *rng, struct arena *arena)
{
	size_t n = rows->n, d = rows->d;

	*grower = (struct grower){
		.rows = rows,
		.rng = rng,
		.index = arena_array(arena, n, sizeof(uint32_t)),
		.weight = arena_array(arena, n, sizeof(double)),
		.jobs = arena_array(arena, n + 1, sizeof(struct job)),
		.sets = arena_array(arena, d, sizeof(uint32_t)),
		.gain = arena_array(arena, d, sizeof(double)),
		.low = arena_array(arena, d, sizeof(double)),
		.high = arena_array(arena, d, sizeof(double)),
		.present = arena_array(arena, d, sizeof(uint64_t)),
		.left = arena_array(arena, d, sizeof(uint64_t)),
		.cut = arena_array(arena, d, sizeof(double)),
		.left_mass = arena_array(arena, d, sizeof(double)),
		.left_sum = arena_array(arena, d, sizeof(double)),
	};
	if (!grower->index || !grower->weight || !grower->jobs || !grower->sets || !grower->gain ||
		!grower->low || !grower->high || !grower->present || !grower->left ||
		!grower->cut || !grower->left_mass || !grower->left_sum)
		return CODE_NO_MEMORY;
	for (size_t j = 0; j < d; j++)
		if (rows->categories[j])
			grower->sets[grower->n_sets++] = (uint32_t)j;
	return 0;
}

/* As many draws as there are rows; the rows drawn, each once. Answers how many those are. */
static uint32_t bootstrap(struct grower *grower)
{
	size_t n = grower->rows->n;
	uint32_t distinct = 0;

	memset(grower->weight, 0, n * sizeof(*grower->weight));
	for (size_t i = 0; i < n; i++)
		grower->weight[rng_below(grower->rng, n)]++;
	for (size_t i = 0; i < n; i++)
		if (grower->weight[i] > 0)
			grower->index[distinct++] = (uint32_t)i;
	return distinct;
}

/* The totals of a node and the range of each feature in it. */
static void measure(struct grower *grower, const struct job *job)
{
	const struct forest_rows *rows = grower->rows;
	size_t d = rows->d;
	double *restrict low = grower->low, *restrict high = grower->high;

	grower->mass = grower->sum = 0;
	grower->y_low = HUGE_VAL;
	grower->y_high = -HUGE_VAL;
	for (size_t j = 0; j < d; j++) {
		low[j] = HUGE_VAL;
		high[j] = -HUGE_VAL;
		grower->present[j] = 0;
	}
	for (uint32_t i = job->start; i < job->end; i++) {
		uint32_t row = grower->index[i];
		const double *restrict x = rows->x + row * d;
		double y = rows->y[row];

		grower->mass += grower->weight[row];
		grower->sum += grower->weight[row] * y;
		grower->y_low = y < grower->y_low ? y : grower->y_low;
		grower->y_high = y > grower->y_high ? y : grower->y_high;
		for (size_t j = 0; j < d; j++) {
			low[j] = x[j] < low[j] ? x[j] : low[j];
			high[j] = x[j] > high[j] ? x[j] : high[j];
		}
		for (size_t k = 0; k < grower->n_sets; k++)
			grower->present[grower->sets[k]] |= category_bit(x[grower->sets[k]]);
	}
}

/* Some but not all of what is present, at random; what is not, too, for rows yet to come. */
static uint64_t draw_set(uint64_t present, struct rng *rng)
{
	uint64_t set = rng_u64(rng);
	unsigned n = (unsigned)__builtin_popcountll(present);

	if ((set & present) != 0 && (set & present) != present)
		return set;
	uint64_t one = present;
	for (uint64_t skip = rng_below(rng, n); skip > 0; skip--)
		one &= one - 1; /* the lowest bit goes */
	one &= ~one + 1;
	return set ^ one;
}

/* One split for each feature; one that cannot be split has an empty left side. */
static void draw_splits(struct grower *grower)
{
	for (size_t j = 0; j < grower->rows->d; j++) {
		double low = grower->low[j], high = grower->high[j];

		grower->cut[j] = -HUGE_VAL;
		grower->left[j] = 0;
		grower->left_mass[j] = grower->left_sum[j] = 0;
		if (low == high)
			continue;
		if (grower->rows->categories[j]) {
			grower->left[j] = draw_set(grower->present[j], grower->rng);
			continue;
		}
		double cut = low + rng_uniform(grower->rng) * (high - low);
		grower->cut[j] = cut < high ? cut : low;
	}
}

static void weigh_splits(struct grower *grower, const struct job *job)
{
	const struct forest_rows *rows = grower->rows;
	size_t d = rows->d;
	const double *restrict cut = grower->cut;
	double *restrict mass = grower->left_mass, *restrict sum = grower->left_sum;

	for (uint32_t i = job->start; i < job->end; i++) {
		uint32_t row = grower->index[i];
		const double *restrict x = rows->x + row * d;
		double w = grower->weight[row], wy = w * rows->y[row];

		for (size_t j = 0; j < d; j++) {
			mass[j] += x[j] <= cut[j] ? w : 0;
			sum[j] += x[j] <= cut[j] ? wy : 0;
		}
		for (size_t k = 0; k < grower->n_sets; k++) {
			uint32_t j = grower->sets[k];
			bool left = (grower->left[j] & category_bit(x[j])) != 0;
			mass[j] += left ? w : 0;
			sum[j] += left ? wy : 0;
		}
	}
}

/* The split that takes away most of the squared error; d when no feature can be split. */
static size_t best_split(struct grower *grower)
{
	size_t d = grower->rows->d, best = d;
	double before = grower->sum * grower->sum / grower->mass, best_after = -1;

	for (size_t j = 0; j < d; j++) {
		double mass = grower->left_mass[j], sum = grower->left_sum[j];
		double rest = grower->sum - sum;

		if (mass <= 0 || mass >= grower->mass)
			continue;
		double after = sum * sum / mass + rest * rest / (grower->mass - mass);
		if (after > best_after) {
			best_after = after;
			best = j;
		}
	}
	if (best < d && best_after > before)
		grower->gain[best] += best_after - before;
	return best;
}

static uint32_t partition(struct grower *grower, const struct job *job, size_t feature)
{
	const struct forest_rows *rows = grower->rows;
	uint32_t *index = grower->index, start = job->start, end = job->end;

	while (start < end) {
		uint32_t row = index[start];
		double x = rows->x[row * rows->d + feature];
		bool left = rows->categories[feature]
				    ? (grower->left[feature] & category_bit(x)) != 0
				    : x <= grower->cut[feature];
		if (left) {
			start++;
		} else {
			index[start] = index[--end];
			index[end] = row;
		}
	}
	return start;
}

static void make_leaf(struct grower *grower, const struct job *job, struct forest_tree *tree)
{
	double mean = grower->sum / grower->mass, squares = 0;

	for (uint32_t i = job->start; i < job->end; i++) {
		uint32_t row = grower->index[i];
		double gap = grower->rows->y[row] - mean;
		squares += grower->weight[row] * gap * gap;
	}
	tree->nodes[job->node] = (struct forest_node){ .cut = HUGE_VAL, .child = job->node };
	tree->leaves[job->node] = (struct forest_leaf){
		.weight = grower->mass, .mean = mean, .variance = squares / grower->mass
	};
}

static void grow_node(struct grower *grower, const struct job *job, struct forest_tree *tree)
{
	size_t feature = grower->rows->d;

	measure(grower, job);
	if (job->end - job->start > 1 && grower->y_low < grower->y_high) {
		draw_splits(grower);
		weigh_splits(grower, job);
		feature = best_split(grower);
	}
	if (feature == grower->rows->d) {
		make_leaf(grower, job, tree);
		return;
	}
	uint32_t middle = partition(grower, job, feature), child = tree->n_nodes;
	tree->n_nodes += 2;
	tree->nodes[job->node] = (struct forest_node){ .cut = grower->cut[feature],
		.left = grower->left[feature],
		.child = child,
		.feature = (uint32_t)feature };
	/* Every job holds a row of its own, so there are never more than rows. */
	grower->jobs[grower->n_jobs++] = (struct job){ child + 1, middle, job->end };
	grower->jobs[grower->n_jobs++] = (struct job){ child, job->start, middle };
}

static int grow_tree(struct grower *grower, struct forest_tree *tree, struct arena *arena)
{
	uint32_t distinct = bootstrap(grower);
	size_t room = 2 * (size_t)distinct - 1;

	*tree = (struct forest_tree){
		.nodes = arena_array(arena, room, sizeof(struct forest_node)),
		.leaves = arena_array(arena, room, sizeof(struct forest_leaf)),
		.n_nodes = 1,
	};
	if (!tree->nodes || !tree->leaves)
		return CODE_NO_MEMORY;
	grower->jobs[grower->n_jobs++] = (struct job){ 0, 0, distinct };
	while (grower->n_jobs > 0) {
		struct job job = grower->jobs[--grower->n_jobs];
		grow_node(grower, &job, tree);
	}
	return 0;
}

int forest_fit(struct forest *forest, const struct forest_rows *rows, size_t n_trees,
	struct rng *rng, struct arena *arena)
{
	struct forest made = { .d = rows->d, .n_trees = n_trees };
	struct grower grower;
	int code = grower_init(&grower, rows, rng, arena);

	made.trees = arena_array(arena, n_trees, sizeof(*made.trees));
	made.gain = grower.gain;
	if (!made.trees)
		code = CODE_NO_MEMORY;
	for (size_t t = 0; t < n_trees && code == 0; t++)
		code = grow_tree(&grower, &made.trees[t], arena);
	if (code == 0)
		*forest = made;
	return code;
}

/* ---- prediction ---- */

static uint32_t step(const struct forest_node *nodes, uint32_t at, const double *x)
{
	const struct forest_node *node = &nodes[at];
	double value = x[node->feature];
	uint64_t left = (uint64_t)(value <= node->cut) | (node->left >> (unsigned)(value + 1.0));

	return node->child + !(left & 1);
}

static uint32_t leaf_of(const struct forest_tree *tree, const double *x)
{
	uint32_t at = 0, next;

	while ((next = step(tree->nodes, at, x)) != at)
		at = next;
	return at;
}

/* Leaves stay where they are, so rows that are there already may take further steps. */
static void walk_together(const struct forest_tree *tree, const double *x, size_t d, uint32_t *at)
{
	uint32_t moved = 1;

	while (moved) {
		moved = 0;
		for (size_t k = 0; k < TOGETHER; k++) {
			uint32_t next = step(tree->nodes, at[k], x + k * d);
			moved |= next ^ at[k];
			at[k] = next;
		}
	}
}

static void predict_some(
	const struct forest *forest, const double *x, size_t n, double *mean, double *square)
{
	for (size_t k = 0; k < n; k++)
		mean[k] = square[k] = 0;
	for (size_t t = 0; t < forest->n_trees; t++) {
		const struct forest_tree *tree = &forest->trees[t];
		uint32_t at[TOGETHER] = { 0 };

		if (n == TOGETHER)
			walk_together(tree, x, forest->d, at);
		for (size_t k = 0; k < n; k++) {
			if (n < TOGETHER)
				at[k] = leaf_of(tree, x + k * forest->d);
			const struct forest_leaf *leaf = &tree->leaves[at[k]];
			mean[k] += leaf->mean;
			square[k] += leaf->variance + leaf->mean * leaf->mean;
		}
	}
}

void forest_predict(
	const struct forest *forest, const double *x, size_t n, double *mean, double *variance)
{
	double trees = (double)forest->n_trees, means[TOGETHER], squares[TOGETHER];

	for (size_t i = 0; i < n; i += TOGETHER) {
		size_t some = n - i < TOGETHER ? n - i : TOGETHER;

		predict_some(forest, x + i * forest->d, some, means, squares);
		for (size_t k = 0; k < some; k++) {
			double m = means[k] / trees, v = squares[k] / trees - m * m;

			mean[i + k] = m;
			if (variance)
				variance[i + k] = v > 0 ? v : 0;
		}
	}
}

/* ---- more rows ---- */

int forest_copy(struct forest *copy, const struct forest *forest, struct arena *arena)
{
	struct forest made = *forest;

	made.trees = arena_copy(arena, forest->trees, forest->n_trees * sizeof(*made.trees));
	for (size_t t = 0; made.trees && t < made.n_trees; t++) {
		struct forest_tree *tree = &made.trees[t];

		tree->leaves =
			arena_copy(arena, tree->leaves, tree->n_nodes * sizeof(*tree->leaves));
		if (!tree->leaves)
			return CODE_NO_MEMORY;
	}
	if (!made.trees)
		return CODE_NO_MEMORY;
	*copy = made;
	return 0;
}

/* Poisson with mean 1: what the bootstrap comes to for many rows. */
static double poisson_one(struct rng *rng)
{
	double u = rng_uniform(rng), p = exp(-1.0), k = 0;

	while (u >= p && k < 8) {
		u -= p;
		p /= ++k;
	}
	return k;
}

void forest_add(struct forest *forest, const double *x, double y, struct rng *rng)
{
	for (size_t t = 0; t < forest->n_trees; t++) {
		const struct forest_tree *tree = &forest->trees[t];
		struct forest_leaf *leaf = &tree->leaves[leaf_of(tree, x)];
		double w = poisson_one(rng), all = leaf->weight + w;
		double gap = y - leaf->mean;

		/* Chan, Golub and LeVeque's update of mean and variance. */
		leaf->variance =
			(leaf->weight * leaf->variance + leaf->weight * w / all * gap * gap) / all;
		leaf->mean += gap * w / all;
		leaf->weight = all;
	}
}

/* ---- features ---- */

unsigned feature_categories(const struct parameter *parameter)
{
	bool set = parameter->categorical && parameter->n_options <= FOREST_CATEGORIES;
	return set ? (unsigned)parameter->n_options : 0;
}

double feature_of(const struct parameter *parameter, double value)
{
	if (isnan(value))
		return FOREST_INACTIVE;
	return feature_categories(parameter) ? value : parameter_to_unit(parameter, value);
}
