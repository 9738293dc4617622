#include "algorithms/analysis/importance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

#include <cmocka.h>

#define N 1000
#define D 4

struct study {
	struct arena arena;
	struct rng rng;
	struct importance_axis axes[D];
	double u[N * D], loss[N];
	bool feasible[N];
	struct importance_points points;
	struct importance ped, fanova;
};

/* n points uniform in d unit intervals, without losses. */
static void study_init(struct study *study, size_t n, size_t d)
{
	memset(study, 0, sizeof(*study));
	arena_init(&study->arena, 0);
	rng_init(&study->rng, 5, RNG_TEST, n);
	for (size_t i = 0; i < n * d; i++)
		study->u[i] = rng_uniform(&study->rng);
	for (size_t i = 0; i < n; i++)
		study->feasible[i] = true;
	study->points = (struct importance_points){ n, d, study->axes, study->u, study->loss,
		study->feasible };
}

static void study_run(struct study *study)
{
	struct rng rng;

	rng_init(&rng, 1, RNG_TEST, 0);
	assert_int_equal(importance_pedanova(&study->points, &study->arena, &study->ped), 0);
	assert_int_equal(importance_fanova(&study->points, &rng, &study->arena, &study->fanova), 0);
}

static void study_release(struct study *study)
{
	arena_release(&study->arena);
}

static double sum_of(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum;
}

static void test_one_matters(void **state)
{
	(void)state;
	static struct study study;

	study_init(&study, N, 2);
	for (size_t i = 0; i < N; i++)
		study.loss[i] = study.u[2 * i] + study.u[2 * i + 1] / 1000;
	study_run(&study);
	assert_int_equal(study.ped.reason, IMPORTANCE_KNOWN);
	assert_int_equal(study.ped.n_used, N);
	assert_true(study.ped.share[0] > 0.99);
	assert_true(study.fanova.share[0] > 0.99);
	assert_true(study.fanova.variance[0] > 0.97);
	assert_true(fabs(sum_of(study.ped.share, 2) - 1) < 1e-12);
	assert_true(fabs(sum_of(study.fanova.share, 2) - 1) < 1e-12);
	study_release(&study);
}

/* Of 2 x + y, x explains 4 parts of 5; nothing is left for the two together. */
static void test_shares_of_a_sum(void **state)
{
	(void)state;
	static struct study study;

	study_init(&study, N, 2);
	for (size_t i = 0; i < N; i++)
		study.loss[i] = 2 * study.u[2 * i] + study.u[2 * i + 1];
	study_run(&study);
	assert_true(fabs(study.fanova.variance[0] - 0.8) < 0.05);
	assert_true(fabs(study.fanova.variance[1] - 0.2) < 0.05);
	assert_int_equal(study.fanova.n_pairs, 1);
	assert_true(study.fanova.pairs[0].variance < 0.03);
	study_release(&study);
}

/* (x - 1/2) (y - 1/2): neither does anything alone. The third has no part in it. */
static void test_interaction(void **state)
{
	(void)state;
	static struct study study;

	study_init(&study, N, 3);
	for (size_t i = 0; i < N; i++)
		study.loss[i] = (study.u[3 * i] - 0.5) * (study.u[3 * i + 2] - 0.5);
	study_run(&study);
	assert_int_equal(study.fanova.n_pairs, 3);
	assert_int_equal(study.fanova.pairs[0].a, 0);
	assert_int_equal(study.fanova.pairs[0].b, 2);
	assert_true(study.fanova.pairs[0].variance > 0.7);
	assert_true(study.fanova.pairs[1].variance < 0.1);
	assert_true(sum_of(study.fanova.variance, 3) < 0.2);
	study_release(&study);
}

/* The variances of a table of two categories are known: main effects and interaction. */
static void test_categories_exactly(void **state)
{
	(void)state;
	static const double table[3][2] = { { 0, 4 }, { 1, 1 }, { 5, 2 } };
	static struct study study;
	double mean = 0, rows[3] = { 0 }, columns[2] = { 0 }, all = 0, main_a = 0, main_b = 0;

	study_init(&study, N, 2);
	study.axes[0].n_options = 3;
	study.axes[1].n_options = 2;
	for (size_t i = 0; i < N; i++) {
		size_t a = rng_below(&study.rng, 3), b = rng_below(&study.rng, 2);
		study.u[2 * i] = (double)a;
		study.u[2 * i + 1] = (double)b;
		study.loss[i] = table[a][b];
	}
	for (size_t a = 0; a < 3; a++)
		for (size_t b = 0; b < 2; b++) {
			mean += table[a][b] / 6;
			rows[a] += table[a][b] / 2;
			columns[b] += table[a][b] / 3;
		}
	for (size_t a = 0; a < 3; a++)
		for (size_t b = 0; b < 2; b++)
			all += (table[a][b] - mean) * (table[a][b] - mean) / 6;
	for (size_t a = 0; a < 3; a++)
		main_a += (rows[a] - mean) * (rows[a] - mean) / 3;
	for (size_t b = 0; b < 2; b++)
		main_b += (columns[b] - mean) * (columns[b] - mean) / 2;
	study_run(&study);
	assert_true(fabs(study.fanova.variance[0] - main_a / all) < 1e-9);
	assert_true(fabs(study.fanova.variance[1] - main_b / all) < 1e-9);
	assert_true(fabs(study.fanova.pairs[0].variance - (all - main_a - main_b) / all) < 1e-9);
	study_release(&study);
}

/* Many options: beyond a set of the forest, PED-ANOVA still counts each. Integers, too: their
 * values are weighed alike, though few. */
static void test_large_choice_and_integer(void **state)
{
	(void)state;
	static struct study study;

	study_init(&study, N, 3);
	study.axes[0].n_options = 100;
	study.axes[1].n_values = 3;
	for (size_t i = 0; i < N; i++) {
		double *u = study.u + 3 * i;
		u[0] = (double)rng_below(&study.rng, 100);
		u[1] = ((double)rng_below(&study.rng, 3) + 0.5) / 3;
		study.loss[i] = u[1] < 0.3 ? 1 : 0;
	}
	study_run(&study);
	assert_true(study.fanova.variance[1] > 0.99 && study.ped.share[1] > 0.5);
	for (size_t i = 0; i < N; i++)
		study.loss[i] = study.u[3 * i] < 50 ? 1 : 0;
	study_run(&study);
	assert_true(study.fanova.variance[0] > 0.98 && study.ped.share[0] > 0.9);
	study_release(&study);
}

static void swap_points(struct study *study, size_t a, size_t b)
{
	for (size_t j = 0; j < study->points.d; j++) {
		double *p = &study->u[a * study->points.d + j];
		double *q = &study->u[b * study->points.d + j], keep = *p;
		*p = *q;
		*q = keep;
	}
	double loss = study->loss[a];
	study->loss[a] = study->loss[b];
	study->loss[b] = loss;
	bool feasible = study->feasible[a];
	study->feasible[a] = study->feasible[b];
	study->feasible[b] = feasible;
}

/* Ties, failures and infeasible results included. */
static void test_order_does_not_matter(void **state)
{
	(void)state;
	static struct study study;
	struct importance ped, fanova;

	study_init(&study, 300, 3);
	for (size_t i = 0; i < 300; i++) {
		double *u = study.u + 3 * i;
		study.loss[i] = floor(5 * u[0]) + u[1] * (i % 3 == 0);
		study.feasible[i] = i % 7 != 0;
		if (i % 11 == 0)
			study.loss[i] = (double)NAN;
		if (u[0] < 0.5)
			u[2] = (double)NAN;
	}
	study_run(&study);
	ped = study.ped;
	fanova = study.fanova;
	for (size_t i = 300; i > 1; i--)
		swap_points(&study, i - 1, rng_below(&study.rng, i));
	study_run(&study);
	assert_int_equal(study.fanova.n_used, fanova.n_used);
	for (size_t j = 0; j < 3; j++) {
		assert_true(study.ped.share[j] == ped.share[j]);
		assert_true(study.fanova.share[j] == fanova.share[j]);
	}
	study_release(&study);
}

/* The second parameter is there in half of the points, where it decides. */
static void test_conditional(void **state)
{
	(void)state;
	static struct study study;

	study_init(&study, N, 3);
	study.axes[0].n_options = 2;
	for (size_t i = 0; i < N; i++) {
		double *u = study.u + 3 * i;
		u[0] = (double)rng_below(&study.rng, 2);
		if (u[0] == 0)
			u[1] = (double)NAN;
		study.loss[i] = u[0] == 0 ? 5 : 10 * u[1];
	}
	study_run(&study);
	assert_true(study.ped.share[1] > study.ped.share[2] * 20);
	assert_true(study.ped.share[0] > study.ped.share[2] * 5); /* all the best have it */
	/* Whether it is there can be told from the first one, too: trees split on either, and the
	 * first gets its part of the merit. */
	assert_int_equal(study.fanova.pairs[0].a, 0);
	assert_int_equal(study.fanova.pairs[0].b, 1);
	assert_true(study.fanova.variance[1] > 0.4);
	assert_true(study.fanova.variance[0] + study.fanova.variance[1] +
			    study.fanova.pairs[0].variance >
		    0.95);
	assert_true(study.fanova.variance[2] < 0.02);
	study_release(&study);
}

/* Failures: what makes trials fail matters to PED-ANOVA; fANOVA does not know of it. */
static void test_failures(void **state)
{
	(void)state;
	static struct study study;

	study_init(&study, N, 2);
	for (size_t i = 0; i < N; i++) {
		bool failed = study.u[2 * i] > 0.5;
		study.loss[i] = failed ? (double)NAN : 0.5;
	}
	study_run(&study);
	assert_int_equal(study.ped.reason, IMPORTANCE_KNOWN);
	assert_true(study.ped.share[0] > 0.9);
	assert_int_equal(study.fanova.reason, IMPORTANCE_FLAT);
	assert_true(study.fanova.share[0] == 0);
	assert_true(study.fanova.n_used < 600);

	study_release(&study);

	/* infeasible results have a value, but are never among the best */
	study_init(&study, N, 2);
	for (size_t i = 0; i < N; i++) {
		study.loss[i] = study.u[2 * i + 1];
		study.feasible[i] = study.u[2 * i] < 0.3;
	}
	study_run(&study);
	assert_true(study.ped.share[0] > 0.1);
	assert_true(study.fanova.variance[0] < 0.02);
	assert_int_equal(study.fanova.n_used, N);
	study_release(&study);
}

static void test_guards(void **state)
{
	(void)state;
	static struct study study;

	study_init(&study, 3, 2); /* too few */
	for (size_t i = 0; i < 3; i++)
		study.loss[i] = (double)i;
	study_run(&study);
	assert_int_equal(study.ped.reason, IMPORTANCE_TOO_FEW);
	assert_int_equal(study.fanova.reason, IMPORTANCE_TOO_FEW);
	assert_true(study.ped.share[0] == 0 && study.fanova.share[0] == 0);
	study.points.n = 0;
	study_run(&study);
	assert_int_equal(study.ped.reason, IMPORTANCE_TOO_FEW);
	study_release(&study);

	study_init(&study, 50, 2); /* all equal */
	for (size_t i = 0; i < 50; i++)
		study.loss[i] = 7;
	study_run(&study);
	assert_int_equal(study.ped.reason, IMPORTANCE_FLAT);
	assert_int_equal(study.fanova.reason, IMPORTANCE_FLAT);
	study_release(&study);

	study_init(&study, 50, 2); /* not even numbers of a size that can be squared */
	for (size_t i = 0; i < 50; i++)
		study.loss[i] = i % 10 == 0 ? HUGE_VAL : 1e308 * (study.u[2 * i] - 0.5);
	study_run(&study);
	assert_int_equal(study.fanova.reason, IMPORTANCE_KNOWN);
	for (size_t j = 0; j < 2; j++)
		assert_true(isfinite(study.fanova.share[j]) && isfinite(study.ped.share[j]));
	study_release(&study);

	study_init(&study, 200, 2); /* a parameter of one value, and one that never varied */
	study.axes[0] = (struct importance_axis){ .dropped = true, .n_options = 1 };
	for (size_t i = 0; i < 200; i++) {
		study.loss[i] = study.u[2 * i];
		study.u[2 * i] = 0;
	}
	study_run(&study);
	assert_true(study.ped.share[0] == 0 && study.fanova.share[0] == 0);
	assert_true(study.ped.share[1] == 1 && study.fanova.share[1] == 1);
	study_release(&study);
}

static void test_axes_of_parameters(void **state)
{
	(void)state;
	static const char text[] =
		"{\"c\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\"]},"
		" \"u\":{\"_type\":\"uniform\",\"_value\":[2,4]},"
		" \"r\":{\"_type\":\"randint\",\"_value\":[0,4]},"
		" \"o\":{\"_type\":\"ordinal\",\"_value\":[1,2]},"
		" \"f\":{\"_type\":\"fixed\",\"_value\":1},"
		" \"n\":{\"_type\":\"normal\",\"_value\":[0,1]},"
		" \"l\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":64,\"log\":true}}}";
	static const struct importance_axis expected[] = {
		{ false, 3, 0 },
		{ false, 0, 0 },
		{ false, 0, 4 },
		{ false, 0, 2 },
		{ true, 0, 1 },
		{ false, 0, 0 },
		{ false, 0, 0 },
	};
	const struct space *space;
	struct faults faults;
	struct arena arena;
	struct error err;

	arena_init(&arena, 0);
	faults_init(&faults);
	assert_int_equal(space_parse(text, NULL, NULL, &arena, &space, &faults, &err), 0);
	for (size_t i = 0; i < space->n; i++) {
		struct importance_axis axis = importance_axis_of(&space->parameters[i]);
		assert_int_equal(axis.dropped, expected[i].dropped);
		assert_int_equal(axis.n_options, expected[i].n_options);
		if (!axis.dropped)
			assert_int_equal(axis.n_values, expected[i].n_values);
	}
	assert_true(importance_coordinate(&space->parameters[0], 2) == 2);
	assert_true(importance_coordinate(&space->parameters[1], 3) == 0.5);
	assert_true(isnan(importance_coordinate(&space->parameters[1], (double)NAN)));
	arena_release(&arena);
}

static void test_memory(void **state)
{
	(void)state;
	static struct study study;
	struct rng rng;

	study_init(&study, 100, 2);
	for (size_t i = 0; i < 100; i++)
		study.loss[i] = study.u[2 * i];
	arena_init(&study.arena, 16);
	rng_init(&rng, 1, RNG_TEST, 0);
	assert_int_equal(
		importance_pedanova(&study.points, &study.arena, &study.ped), CODE_NO_MEMORY);
	assert_int_equal(importance_fanova(&study.points, &rng, &study.arena, &study.fanova),
		CODE_NO_MEMORY);
	study_release(&study);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_matters),
		cmocka_unit_test(test_shares_of_a_sum),
		cmocka_unit_test(test_interaction),
		cmocka_unit_test(test_categories_exactly),
		cmocka_unit_test(test_large_choice_and_integer),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_conditional),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_axes_of_parameters),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
