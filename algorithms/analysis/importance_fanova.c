/*
 * Functional ANOVA of a random forest. A tree is constant on boxes, so its marginals are, too: the
 * space is cut into atoms along one parameter (or two), the boxes that cover an atom are summed
 * with the volume of their other sides, and the variance of that sum over the atoms is what the
 * parameter explains.
 *
 * The measure along a parameter is uniform over the unit interval (over the values where they are
 * evenly spaced), with the share of points that have it; "not active" has the rest.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/analysis/forest.h"
#include "algorithms/analysis/importance.h"
#include "core/error.h"

#define TREES	   64
#define CANDIDATES 6  /* whose pairs are looked at */
#define RUNS_MAX   32 /* of set bits in a set */

_Static_assert(CANDIDATES *(CANDIDATES - 1) / 2 == IMPORTANCE_PAIRS, "all pairs of candidates");

/* What a node covers of one parameter: (low, high], or a set of categories. */
union side {
	struct {
		double low, high;
	};
	uint64_t set;
};

struct fanova {
	const struct importance_points *points;
	struct forest_rows rows;
	struct forest forest;
	double *active;		/* d: share of the points */
	struct arena fit, tree; /* what lives as long as the forest, and as long as a tree's turn */

	/* of the tree at hand */
	uint32_t n_leaves;
	uint32_t *leaves;    /* nodes */
	union side *sides;   /* n_nodes rows of d */
	double *measures;    /* n_leaves rows of d: of the sides */
	double *volume;	     /* n_leaves: the product of all d */
	double *value;	     /* n_leaves: what the tree predicts, less its mean */
	double total, *main; /* variances */
};

/* One parameter, cut where the tree cuts it. */
struct cutting {
	size_t feature, n; /* atoms */
	bool used;	   /* the tree splits on it */
	unsigned categories;
	double *cuts; /* n - 1, ascending, if ordered */
	double *mass; /* n */
};

struct run {
	size_t from, to; /* atoms [from, to) */
};

/* ---- the points as rows of a forest ---- */

struct row {
	double loss;
	const double *u;
	size_t d;
};

/* By loss, then by place (NaN last), so that the order of the points does not matter. */
static int by_loss(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->loss != y->loss)
		return x->loss > y->loss ? 1 : -1;
	for (size_t j = 0; j < x->d; j++) {
		double p = isnan(x->u[j]) ? 2e9 : x->u[j], q = isnan(y->u[j]) ? 2e9 : y->u[j];
		if (p != q)
			return p > q ? 1 : -1;
	}
	return 0;
}

/* Infinite losses become the worst or best finite one. False: there is no finite one. */
static bool clip_losses(struct row *rows, size_t n)
{
	double low = HUGE_VAL, high = -HUGE_VAL;

	for (size_t i = 0; i < n; i++) {
		low = isfinite(rows[i].loss) ? fmin(low, rows[i].loss) : low;
		high = isfinite(rows[i].loss) ? fmax(high, rows[i].loss) : high;
	}
	for (size_t i = 0; i < n; i++)
		rows[i].loss = fmin(fmax(rows[i].loss, low), high);
	return low <= high;
}

/* Mean 0, and of a size that can be squared. */
static void standardise(const struct row *rows, size_t n, double *y)
{
	double size = 0, mean = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		size = fmax(size, fabs(rows[i].loss));
	for (size_t i = 0; i < n; i++)
		mean += rows[i].loss / size / (double)n;
	for (size_t i = 0; i < n; i++) {
		y[i] = rows[i].loss / size - mean;
		squares += y[i] * y[i];
	}
	double deviation = sqrt(squares / (double)n);
	for (size_t i = 0; i < n && deviation > 0; i++)
		y[i] /= deviation;
}

static bool is_set(const struct importance_axis *axis)
{
	return !axis->dropped && axis->n_options > 0 && axis->n_options <= FOREST_CATEGORIES;
}

static double coordinate(const struct importance_axis *axis, double u)
{
	if (axis->dropped)
		return 0;
	if (isnan(u))
		return FOREST_INACTIVE;
	return axis->n_options && !is_set(axis) ? (u + 0.5) / axis->n_options : u;
}

static int fill_rows(struct fanova *fanova, const struct row *rows, size_t n)
{
	size_t d = fanova->points->d;
	double *x = arena_array(&fanova->fit, n * d, sizeof(*x));
	double *y = arena_array(&fanova->fit, n, sizeof(*y));
	uint8_t *categories = arena_array(&fanova->fit, d, sizeof(*categories));

	fanova->active = arena_array(&fanova->fit, d, sizeof(*fanova->active));
	fanova->main = arena_array(&fanova->fit, d, sizeof(*fanova->main));
	if (!x || !y || !categories || !fanova->active || !fanova->main)
		return CODE_NO_MEMORY;
	for (size_t j = 0; j < d; j++) {
		const struct importance_axis *axis = &fanova->points->axes[j];
		size_t active = 0;

		categories[j] = is_set(axis) ? (uint8_t)axis->n_options : 0;
		for (size_t i = 0; i < n; i++) {
			x[i * d + j] = coordinate(axis, rows[i].u[j]);
			active += x[i * d + j] != FOREST_INACTIVE;
		}
		fanova->active[j] = (double)active / (double)n;
	}
	standardise(rows, n, y);
	fanova->rows = (struct forest_rows){ n, d, x, y, categories };
	return 0;
}

static int gather(struct fanova *fanova, struct importance *out)
{
	const struct importance_points *points = fanova->points;
	struct row *rows = arena_array(&fanova->fit, points->n + 1, sizeof(*rows));
	size_t n = 0;

	if (!rows)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < points->n; i++)
		if (!isnan(points->loss[i]))
			rows[n++] = (struct row){ points->loss[i], points->u + i * points->d,
				points->d };
	out->n_used = n;
	if (n < IMPORTANCE_FEW || !clip_losses(rows, n)) {
		out->reason = IMPORTANCE_TOO_FEW;
		return 0;
	}
	qsort(rows, n, sizeof(*rows), by_loss);
	if (rows[0].loss == rows[n - 1].loss) {
		out->reason = IMPORTANCE_FLAT;
		return 0;
	}
	return fill_rows(fanova, rows, n);
}

/* ---- one tree ---- */

/* How much of parameter j lies at or below t. */
static double below(const struct fanova *fanova, size_t j, double t)
{
	const struct importance_axis *axis = &fanova->points->axes[j];
	double n = (double)(axis->n_options ? axis->n_options : axis->n_values);
	double active = fanova->active[j], inside = t < 1 ? t : 1;

	if (t < FOREST_INACTIVE)
		return 0;
	if (t < 0)
		return 1 - active;
	if (n > 0) /* value k is at (k + 1/2) / n */
		inside = fmin(floor(inside * n + 0.5), n) / n;
	return 1 - active + active * inside;
}

static double mass_of_category(const struct fanova *fanova, size_t j, size_t bit)
{
	double active = fanova->active[j];
	return bit == 0 ? 1 - active : active / fanova->points->axes[j].n_options;
}

static double measure(const struct fanova *fanova, size_t j, const union side *side)
{
	double sum = 0;

	if (!fanova->rows.categories[j])
		return below(fanova, j, side->high) - below(fanova, j, side->low);
	for (size_t bit = 0; bit <= fanova->rows.categories[j]; bit++)
		if (side->set >> bit & 1)
			sum += mass_of_category(fanova, j, bit);
	return sum;
}

static void narrow(const struct forest_node *node, bool left, unsigned categories, union side *side)
{
	if (categories)
		side->set &= left ? node->left : ~node->left;
	else if (left)
		side->high = fmin(side->high, node->cut);
	else
		side->low = fmax(side->low, node->cut);
}

/* A child stands behind its parent, so one pass gives every node its box. */
static void box_nodes(struct fanova *fanova, const struct forest_tree *tree)
{
	size_t d = fanova->rows.d;

	for (size_t j = 0; j < d; j++) {
		if (fanova->rows.categories[j])
			fanova->sides[j].set = UINT64_MAX;
		else
			fanova->sides[j] = (union side){ { -HUGE_VAL, HUGE_VAL } };
	}
	fanova->n_leaves = 0;
	for (uint32_t i = 0; i < tree->n_nodes; i++) {
		const struct forest_node *node = &tree->nodes[i];
		unsigned categories = fanova->rows.categories[node->feature];

		if (node->child == i) {
			fanova->leaves[fanova->n_leaves++] = i;
			continue;
		}
		for (uint32_t k = 0; k < 2; k++) {
			union side *side = fanova->sides + (node->child + k) * d;
			memcpy(side, fanova->sides + i * d, d * sizeof(*side));
			narrow(node, k == 0, categories, &side[node->feature]);
		}
	}
}

static void weigh_leaves(struct fanova *fanova, const struct forest_tree *tree)
{
	size_t d = fanova->rows.d;
	double mean = 0;

	for (uint32_t l = 0; l < fanova->n_leaves; l++) {
		const union side *sides = fanova->sides + fanova->leaves[l] * d;

		fanova->volume[l] = 1;
		fanova->value[l] = tree->leaves[fanova->leaves[l]].mean;
		for (size_t j = 0; j < d; j++) {
			fanova->measures[l * d + j] = measure(fanova, j, &sides[j]);
			fanova->volume[l] *= fanova->measures[l * d + j];
		}
		mean += fanova->volume[l] * fanova->value[l];
	}
	fanova->total = 0;
	for (uint32_t l = 0; l < fanova->n_leaves; l++) {
		fanova->value[l] -= mean;
		fanova->total += fanova->volume[l] * fanova->value[l] * fanova->value[l];
	}
}

static int take_tree(struct fanova *fanova, const struct forest_tree *tree)
{
	size_t n = tree->n_nodes, d = fanova->rows.d;
	struct arena *arena = &fanova->tree;

	arena_reset(arena);
	fanova->leaves = arena_array(arena, n, sizeof(*fanova->leaves));
	fanova->sides = arena_array(arena, n * d, sizeof(*fanova->sides));
	fanova->measures = arena_array(arena, n * d, sizeof(*fanova->measures));
	fanova->volume = arena_array(arena, n, sizeof(*fanova->volume));
	fanova->value = arena_array(arena, n, sizeof(*fanova->value));
	if (!fanova->leaves || !fanova->sides || !fanova->measures || !fanova->volume ||
		!fanova->value)
		return CODE_NO_MEMORY;
	box_nodes(fanova, tree);
	weigh_leaves(fanova, tree);
	return 0;
}

/* ---- marginals ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static size_t sort_cuts(struct cutting *cutting, size_t n)
{
	size_t kept = 0;

	qsort(cutting->cuts, n, sizeof(*cutting->cuts), by_value);
	for (size_t k = 0; k < n; k++)
		if (kept == 0 || cutting->cuts[k] > cutting->cuts[kept - 1])
			cutting->cuts[kept++] = cutting->cuts[k];
	return kept;
}

static int cut(
	struct fanova *fanova, const struct forest_tree *tree, size_t feature, struct cutting *out)
{
	struct arena *arena = &fanova->tree;
	size_t n = 0;

	*out = (struct cutting){ .feature = feature,
		.categories = fanova->rows.categories[feature] };
	out->cuts = arena_array(arena, tree->n_nodes, sizeof(*out->cuts));
	if (!out->cuts)
		return CODE_NO_MEMORY;
	for (uint32_t i = 0; i < tree->n_nodes; i++)
		if (tree->nodes[i].child != i && tree->nodes[i].feature == feature)
			out->cuts[n++] = tree->nodes[i].cut;
	out->used = n > 0;
	out->n = out->categories ? out->categories + 1 : sort_cuts(out, n) + 1;
	out->mass = arena_array(arena, out->n, sizeof(*out->mass));
	if (!out->mass)
		return CODE_NO_MEMORY;
	double last = 0;
	for (size_t k = 0; k < out->n; k++) {
		if (out->categories) {
			out->mass[k] = mass_of_category(fanova, feature, k);
			continue;
		}
		double next = k + 1 < out->n ? below(fanova, feature, out->cuts[k]) : 1;
		out->mass[k] = next - last;
		last = next;
	}
	return 0;
}

/* The atom that ends at a cut of the tree. */
static size_t atom_at(const struct cutting *cutting, double at)
{
	size_t low = 0, high = cutting->n - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (cutting->cuts[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The atoms that a side covers, as runs; how many runs. */
static size_t cover(const struct cutting *cutting, const union side *side, struct run *runs)
{
	size_t n = 0;

	if (!cutting->categories) {
		runs[0].from = side->low > -HUGE_VAL ? atom_at(cutting, side->low) + 1 : 0;
		runs[0].to = side->high < HUGE_VAL ? atom_at(cutting, side->high) + 1 : cutting->n;
		return 1;
	}
	for (size_t bit = 0; bit < cutting->n; bit++) {
		bool in = side->set >> bit & 1, before = bit > 0 && (side->set >> (bit - 1) & 1);
		if (in && !before)
			runs[n++].from = bit;
		if (in)
			runs[n - 1].to = bit + 1;
	}
	return n;
}

static const union side *side_of(const struct fanova *fanova, uint32_t leaf, size_t feature)
{
	return &fanova->sides[fanova->leaves[leaf] * fanova->rows.d + feature];
}

/* A leaf's part of the marginal: its value times the volume of its other sides. */
static double part_of(const struct fanova *fanova, uint32_t leaf, size_t a, size_t b)
{
	const double *measures = fanova->measures + leaf * fanova->rows.d;
	double own = a == b ? measures[a] : measures[a] * measures[b];

	/* Without volume there is nothing to share out, though a side may have none. */
	return fanova->volume[leaf] > 0 ? fanova->value[leaf] * (fanova->volume[leaf] / own) : 0;
}

static int explain_one(struct fanova *fanova, const struct cutting *cutting, double *variance)
{
	double *change = arena_array(&fanova->tree, cutting->n + 1, sizeof(*change)), sum = 0;
	struct run runs[RUNS_MAX];

	if (!change)
		return CODE_NO_MEMORY;
	*variance = 0;
	if (!cutting->used) /* nothing, not what rounding leaves of it */
		return 0;
	for (uint32_t l = 0; l < fanova->n_leaves; l++) {
		double part = part_of(fanova, l, cutting->feature, cutting->feature);
		size_t n = cover(cutting, side_of(fanova, l, cutting->feature), runs);

		for (size_t r = 0; r < n; r++) {
			change[runs[r].from] += part;
			change[runs[r].to] -= part;
		}
	}
	for (size_t k = 0; k < cutting->n; k++) {
		sum += change[k];
		*variance += cutting->mass[k] * sum * sum;
	}
	return 0;
}

static void add_leaf(struct fanova *fanova, uint32_t leaf, const struct cutting *a,
	const struct cutting *b, double *change)
{
	double part = part_of(fanova, leaf, a->feature, b->feature);
	struct run over_a[RUNS_MAX], over_b[RUNS_MAX];
	size_t n_a = cover(a, side_of(fanova, leaf, a->feature), over_a);
	size_t n_b = cover(b, side_of(fanova, leaf, b->feature), over_b);

	for (size_t r = 0; r < n_a; r++)
		for (size_t s = 0; s < n_b; s++) {
			double *from = change + over_a[r].from * (b->n + 1);
			double *to = change + over_a[r].to * (b->n + 1);

			from[over_b[s].from] += part;
			from[over_b[s].to] -= part;
			to[over_b[s].from] -= part;
			to[over_b[s].to] += part;
		}
}

static int explain_two(
	struct fanova *fanova, const struct cutting *a, const struct cutting *b, double *variance)
{
	size_t width = b->n + 1;
	double *change = arena_array(&fanova->tree, (a->n + 1) * width, sizeof(*change));

	if (!change)
		return CODE_NO_MEMORY;
	for (uint32_t l = 0; l < fanova->n_leaves; l++)
		add_leaf(fanova, l, a, b, change);
	*variance = 0;
	for (size_t i = 0; i < a->n; i++) {
		double sum = 0;
		for (size_t k = 0; k < b->n; k++) {
			if (i > 0) /* what began in the rows before goes on */
				change[i * width + k] += change[(i - 1) * width + k];
			sum += change[i * width + k];
			*variance += a->mass[i] * b->mass[k] * sum * sum;
		}
	}
	*variance -= fanova->main[a->feature] + fanova->main[b->feature];
	return 0;
}

/* ---- the forest ---- */

static int explain_tree(struct fanova *fanova, const struct forest_tree *tree,
	const size_t *candidates, struct importance *out)
{
	struct cutting cuttings[CANDIDATES], other;
	size_t n_cut = 0, d = fanova->rows.d;
	int code = 0;

	for (size_t j = 0; j < d && code == 0; j++) {
		code = cut(fanova, tree, j, &other);
		if (code == 0)
			code = explain_one(fanova, &other, &fanova->main[j]);
		if (code == 0)
			out->variance[j] += fanova->main[j] / fanova->total;
		if (n_cut < CANDIDATES && candidates[n_cut] == j)
			cuttings[n_cut++] = other;
	}
	size_t pair = 0;
	for (size_t a = 0; a < n_cut; a++)
		for (size_t b = a + 1; b < n_cut && code == 0; b++) {
			double variance = 0;
			code = explain_two(fanova, &cuttings[a], &cuttings[b], &variance);
			out->pairs[pair++].variance += variance / fanova->total;
		}
	return code;
}

/* The parameters with the largest gains, ascending by index; SIZE_MAX where there are no more. Main
 * effects would not do: those of x y are nothing. */
static void find_candidates(const struct fanova *fanova, size_t *candidates)
{
	const double *gain = fanova->forest.gain;
	size_t d = fanova->rows.d, n = 0;

	for (size_t k = 0; k < CANDIDATES; k++)
		candidates[k] = SIZE_MAX;
	for (size_t j = 0; j < d; j++) {
		size_t larger = 0;
		for (size_t k = 0; k < d; k++)
			larger += gain[k] > gain[j] || (gain[k] == gain[j] && k < j);
		if (gain[j] > 0 && larger < CANDIDATES)
			candidates[n++] = j;
	}
}

static int init_pairs(const size_t *candidates, struct importance *out, struct arena *arena)
{
	out->pairs = arena_array(arena, IMPORTANCE_PAIRS, sizeof(*out->pairs));
	if (!out->pairs)
		return CODE_NO_MEMORY;
	for (size_t a = 0; a < CANDIDATES; a++)
		for (size_t b = a + 1; b < CANDIDATES && candidates[b] != SIZE_MAX; b++)
			out->pairs[out->n_pairs++] =
				(struct importance_pair){ candidates[a], candidates[b], 0 };
	return 0;
}

static int by_variance(const void *a, const void *b)
{
	const struct importance_pair *x = a, *y = b;

	if (x->variance != y->variance)
		return x->variance < y->variance ? 1 : -1;
	return x->a != y->a ? (x->a > y->a) - (x->a < y->a) : (x->b > y->b) - (x->b < y->b);
}

static void average(struct importance *out, size_t d, double trees)
{
	for (size_t j = 0; j < d && trees > 0; j++)
		out->share[j] = out->variance[j] /= trees;
	for (size_t k = 0; k < out->n_pairs; k++) /* rounding may leave less than nothing */
		out->pairs[k].variance = trees > 0 ? fmax(0, out->pairs[k].variance / trees) : 0;
	importance_normalise(out->share, d);
	qsort(out->pairs, out->n_pairs, sizeof(*out->pairs), by_variance);
}

static int explain_forest(struct fanova *fanova, struct arena *arena, struct importance *out)
{
	size_t candidates[CANDIDATES];
	double trees = 0;

	find_candidates(fanova, candidates);
	int code = init_pairs(candidates, out, arena);
	for (size_t t = 0; t < fanova->forest.n_trees && code == 0; t++) {
		const struct forest_tree *tree = &fanova->forest.trees[t];

		code = take_tree(fanova, tree);
		if (code || !(fanova->total > 0)) /* a sample of equal losses */
			continue;
		code = explain_tree(fanova, tree, candidates, out);
		trees++;
	}
	average(out, fanova->rows.d, trees);
	return code;
}

int importance_fanova(const struct importance_points *points, struct rng *rng, struct arena *arena,
	struct importance *out)
{
	struct fanova fanova = { .points = points };
	int code = CODE_NO_MEMORY;

	arena_init(&fanova.fit, 0);
	arena_init(&fanova.tree, 0);
	if (importance_init(out, points->d, arena))
		out->variance = arena_array(arena, points->d ? points->d : 1, sizeof(double));
	if (out->variance)
		code = gather(&fanova, out);
	if (code == 0 && out->reason == IMPORTANCE_KNOWN && points->d > 0)
		code = forest_fit(&fanova.forest, &fanova.rows, TREES, rng, &fanova.fit);
	if (code == 0 && out->reason == IMPORTANCE_KNOWN && points->d > 0)
		code = explain_forest(&fanova, arena, out);
	arena_release(&fanova.fit);
	arena_release(&fanova.tree);
	return code;
}
