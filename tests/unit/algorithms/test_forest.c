#include "algorithms/analysis/forest.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

#include <cmocka.h>

#define ROOM 4096

struct bench {
	struct arena arena;
	struct rng rng;
	struct forest forest;
	struct forest_rows rows;
	double *x, *y;
	uint8_t categories[16];
};

static void bench_init(struct bench *bench, size_t n, size_t d)
{
	*bench = (struct bench){ .rows = { .n = n, .d = d } };
	arena_init(&bench->arena, 0);
	rng_init(&bench->rng, 11, RNG_TEST, n);
	bench->x = arena_array(&bench->arena, n * d, sizeof(double));
	bench->y = arena_array(&bench->arena, n, sizeof(double));
	assert_non_null(bench->x);
	assert_non_null(bench->y);
	bench->rows.x = bench->x;
	bench->rows.y = bench->y;
	bench->rows.categories = bench->categories;
	for (size_t i = 0; i < n * d; i++)
		bench->x[i] = rng_uniform(&bench->rng);
}

static void bench_fit(struct bench *bench, size_t n_trees)
{
	assert_int_equal(
		forest_fit(&bench->forest, &bench->rows, n_trees, &bench->rng, &bench->arena), 0);
}

static double predict(const struct bench *bench, const double *x, double *variance)
{
	double mean;

	forest_predict(&bench->forest, x, 1, &mean, variance);
	return mean;
}

static void test_learns_a_function(void **state)
{
	(void)state;
	struct bench bench;
	double squares = 0, all = 0;

	bench_init(&bench, 1000, 3);
	for (size_t i = 0; i < 1000; i++) {
		const double *x = bench.x + 3 * i;
		bench.y[i] = 10 * (x[0] > 0.3) + 4 * x[1] + 0 * x[2];
	}
	bench_fit(&bench, 20);
	for (size_t i = 0; i < 500; i++) {
		double x[3], mean, variance;
		for (size_t j = 0; j < 3; j++)
			x[j] = rng_uniform(&bench.rng);
		double truth = 10 * (x[0] > 0.3) + 4 * x[1];
		mean = predict(&bench, x, &variance);
		assert_true(mean >= 0 && mean <= 14);
		assert_true(variance >= 0);
		squares += (mean - truth) * (mean - truth);
		all += (truth - 9) * (truth - 9);
	}
	assert_true(squares < 0.02 * all);
	/* what does not matter is hardly split on to any use */
	assert_true(bench.forest.gain[0] > 5 * bench.forest.gain[1]);
	assert_true(bench.forest.gain[1] > 5 * bench.forest.gain[2]);
	arena_release(&bench.arena);
}

/* No order of the options would do: neighbours differ. */
static void test_categories(void **state)
{
	(void)state;
	static const double worth[] = { 5, 0, 9, 1, 7, 2, 8, 0, 6, 3 };
	struct bench bench;
	double error = 0;

	bench_init(&bench, 600, 2);
	bench.categories[1] = 10;
	for (size_t i = 0; i < 600; i++) {
		size_t c = rng_below(&bench.rng, 10);
		bench.x[2 * i + 1] = (double)c;
		bench.y[i] = worth[c];
	}
	bench_fit(&bench, 10);
	for (size_t c = 0; c < 10; c++) {
		double x[2] = { 0.5, (double)c };
		error = fmax(error, fabs(predict(&bench, x, NULL) - worth[c]));
	}
	assert_true(error < 1);
	arena_release(&bench.arena);
}

/* An inactive parameter is a value of its own, for numbers and for categories. */
static void test_inactive(void **state)
{
	(void)state;
	struct bench bench;

	bench_init(&bench, 400, 2);
	bench.categories[1] = 3;
	for (size_t i = 0; i < 400; i++) {
		double *x = bench.x + 2 * i;
		bool active = i % 2;
		x[1] = (double)rng_below(&bench.rng, 3);
		if (i % 4 < 2)
			x[1] = FOREST_INACTIVE;
		if (!active)
			x[0] = FOREST_INACTIVE;
		bench.y[i] = (active ? 0.1 * x[0] : 5) + (x[1] < 0 ? 2 : 0);
	}
	bench_fit(&bench, 16);
	for (size_t k = 0; k < 4; k++) {
		double x[2] = { k & 1 ? 0.01 : FOREST_INACTIVE, k & 2 ? 1 : FOREST_INACTIVE };
		double truth = (k & 1 ? 0 : 5) + (k & 2 ? 0 : 2);
		assert_true(fabs(predict(&bench, x, NULL) - truth) < 0.2);
	}
	arena_release(&bench.arena);
}

static void test_nothing_to_split(void **state)
{
	(void)state;
	struct bench bench;
	double variance;

	bench_init(&bench, 50, 2); /* equal targets */
	for (size_t i = 0; i < 50; i++)
		bench.y[i] = 3;
	bench_fit(&bench, 4);
	for (size_t t = 0; t < 4; t++)
		assert_int_equal(bench.forest.trees[t].n_nodes, 1);
	assert_true(predict(&bench, bench.x, &variance) == 3 && variance == 0);
	arena_release(&bench.arena);

	bench_init(&bench, 50, 2); /* equal places */
	for (size_t i = 0; i < 50; i++) {
		bench.x[2 * i] = bench.x[2 * i + 1] = 0.25;
		bench.y[i] = i % 2 ? 1 : -1;
	}
	bench_fit(&bench, 30);
	assert_int_equal(bench.forest.trees[0].n_nodes, 1);
	assert_true(fabs(predict(&bench, bench.x, &variance)) < 0.2);
	assert_true(variance > 0.9 && variance < 1.1); /* all of it within leaves */
	arena_release(&bench.arena);

	bench_init(&bench, 1, 1);
	bench.y[0] = 7;
	bench_fit(&bench, 3);
	assert_true(predict(&bench, bench.x, &variance) == 7 && variance == 0);
	arena_release(&bench.arena);
}

/* A split parts the rows of its node: the leaves hold all of the bootstrap sample. */
static void test_leaves_add_up(void **state)
{
	(void)state;
	struct bench bench;

	bench_init(&bench, 300, 4);
	bench.categories[2] = 63;
	for (size_t i = 0; i < 300; i++) {
		bench.x[4 * i + 2] = (double)rng_below(&bench.rng, 64) - 1; /* the edge of a set */
		bench.y[i] = rng_normal(&bench.rng);
	}
	bench_fit(&bench, 5);
	for (size_t t = 0; t < 5; t++) {
		const struct forest_tree *tree = &bench.forest.trees[t];
		double weight = 0, sum = 0, square = 0;
		size_t leaves = 0;

		for (uint32_t i = 0; i < tree->n_nodes; i++) {
			const struct forest_leaf *leaf = &tree->leaves[i];
			assert_true(tree->nodes[i].child >= i);
			assert_true((tree->nodes[i].child == i) == (leaf->weight > 0));
			leaves += leaf->weight > 0;
			weight += leaf->weight;
			sum += leaf->weight * leaf->mean;
			square += leaf->variance;
		}
		assert_true(weight == 300);
		assert_int_equal(tree->n_nodes, 2 * leaves - 1);
		assert_true(leaves > 150 && leaves < 230); /* 1 - 1/e of the rows, each alone */
		assert_true(fabs(sum) < 100);
		assert_true(square < 1e-20);
	}
	arena_release(&bench.arena);
}

static void test_same_stream_same_forest(void **state)
{
	(void)state;
	struct bench bench;
	struct forest other;

	bench_init(&bench, 200, 3);
	for (size_t i = 0; i < 200; i++)
		bench.y[i] = bench.x[3 * i] * bench.x[3 * i + 1];
	for (uint64_t seed = 1; seed <= 2; seed++) {
		bool same = true;

		rng_init(&bench.rng, 1, RNG_TEST, 0);
		bench_fit(&bench, 3);
		rng_init(&bench.rng, seed, RNG_TEST, 0);
		assert_int_equal(forest_fit(&other, &bench.rows, 3, &bench.rng, &bench.arena), 0);
		for (size_t t = 0; t < 3; t++) {
			const struct forest_tree *a = &bench.forest.trees[t], *b = &other.trees[t];
			same = same && a->n_nodes == b->n_nodes &&
			       memcmp(a->nodes, b->nodes, a->n_nodes * sizeof(*a->nodes)) == 0;
		}
		assert_true(same == (seed == 1));
	}
	arena_release(&bench.arena);
}

/* Rows are walked side by side in blocks: how many there are must not matter. */
static void test_any_number_of_rows(void **state)
{
	(void)state;
	struct bench bench;

	bench_init(&bench, 100, 3);
	bench.categories[0] = 4;
	for (size_t i = 0; i < 100; i++) {
		bench.x[3 * i] = (double)rng_below(&bench.rng, 5) - 1;
		bench.y[i] = bench.x[3 * i] + bench.x[3 * i + 1];
	}
	bench_fit(&bench, 7);
	for (size_t n = 1; n < 40; n++) {
		double means[40], variances[40], mean, variance;

		forest_predict(&bench.forest, bench.x, n, means, variances);
		for (size_t i = 0; i < n; i++) {
			mean = predict(&bench, bench.x + 3 * i, &variance);
			assert_true(mean == means[i] && variance == variances[i]);
		}
	}
	arena_release(&bench.arena);
}

/* Rows whose best splits cut off one at a time: a tree as deep as it has rows. */
static void test_depth_is_not_stack(void **state)
{
	(void)state;
	struct bench bench;

	bench_init(&bench, ROOM, 1);
	for (size_t i = 0; i < ROOM; i++) {
		bench.x[i] = ldexp(1.0, -(int)(i / 4));
		bench.y[i] = ldexp(1.0, -(int)(i / 4));
	}
	bench_fit(&bench, 2);
	for (size_t i = 0; i < ROOM; i += 100)
		assert_true(fabs(predict(&bench, bench.x + i, NULL) - bench.y[i]) <= 1);
	arena_release(&bench.arena);
}

static void test_rows_can_be_added(void **state)
{
	(void)state;
	struct bench bench;
	struct forest copy;
	double mean, before, variance, here[2] = { 0.4, 0.6 }, far[2] = { 0.95, 0.05 };

	bench_init(&bench, 200, 2);
	for (size_t i = 0; i < 200; i++)
		bench.y[i] = bench.x[2 * i];
	bench_fit(&bench, 10);
	before = predict(&bench, here, NULL);
	assert_int_equal(forest_copy(&copy, &bench.forest, &bench.arena), 0);
	forest_add(&copy, here, 9, &bench.rng);
	forest_predict(&copy, here, 1, &mean, &variance);
	assert_true(mean > before + 1 && variance > 1);
	for (size_t k = 0; k < 2000; k++)
		forest_add(&copy, here, 9, &bench.rng);
	forest_predict(&copy, here, 1, &mean, &variance);
	assert_true(fabs(mean - 9) < 0.1 && variance < 0.1);
	forest_predict(&copy, far, 1, &mean, NULL);
	assert_true(mean == predict(&bench, far, NULL));    /* other leaves stay */
	assert_true(predict(&bench, here, NULL) == before); /* and so does the first forest */
	arena_release(&bench.arena);
}

static void test_memory(void **state)
{
	(void)state;
	struct bench bench;
	size_t refused = 0;
	int code = CODE_NO_MEMORY;

	bench_init(&bench, 64, 2);
	for (size_t i = 0; i < 64; i++)
		bench.y[i] = bench.x[i];
	for (size_t limit = 1024; code != 0; limit *= 2) {
		struct arena tight;
		struct forest forest, copy;

		assert_true(limit < 1u << 24);
		arena_init(&tight, limit);
		code = forest_fit(&forest, &bench.rows, 50, &bench.rng, &tight);
		if (code == 0)
			code = forest_copy(&copy, &forest, &tight);
		assert_true(code == 0 || code == CODE_NO_MEMORY);
		refused += code != 0;
		arena_release(&tight);
	}
	assert_true(refused >= 3);
	arena_release(&bench.arena);
}

static void test_features(void **state)
{
	(void)state;
	static const char text[] = "{\"c\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\"]},"
				   " \"l\":{\"_type\":\"loguniform\",\"_value\":[0.01,100]},"
				   " \"r\":{\"_type\":\"randint\",\"_value\":[0,4]},"
				   " \"o\":{\"_type\":\"ordinal\",\"_value\":[1,2]},"
				   " \"s\":{\"_type\":\"input_choice\",\"_value\":{\"candidates\":"
				   "[1,2,3,4,5,6,7,8],\"n_chosen\":4}}}";
	const struct space *space;
	struct faults faults;
	struct arena arena;
	struct error err;

	arena_init(&arena, 0);
	faults_init(&faults);
	assert_int_equal(space_parse(text, NULL, NULL, &arena, &space, &faults, &err), 0);
	const struct parameter *p = space->parameters;
	assert_int_equal(feature_categories(&p[0]), 3);
	assert_true(feature_of(&p[0], 2) == 2);
	assert_true(feature_of(&p[0], (double)NAN) == FOREST_INACTIVE);
	assert_int_equal(feature_categories(&p[1]), 0);
	assert_true(fabs(feature_of(&p[1], 1) - 0.5) < 1e-12);
	assert_true(feature_of(&p[2], 3) == 0.875);
	assert_int_equal(feature_categories(&p[3]), 0);
	assert_int_equal(feature_categories(&p[4]), 0); /* 70 subsets: more than a set holds */
	assert_true(feature_of(&p[4], 69) == 69.5 / 70);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns_a_function),
		cmocka_unit_test(test_categories),
		cmocka_unit_test(test_inactive),
		cmocka_unit_test(test_nothing_to_split),
		cmocka_unit_test(test_leaves_add_up),
		cmocka_unit_test(test_same_stream_same_forest),
		cmocka_unit_test(test_any_number_of_rows),
		cmocka_unit_test(test_depth_is_not_stack),
		cmocka_unit_test(test_rows_can_be_added),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
