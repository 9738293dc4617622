/* The polynomial through results: it finds quadratics, says what it does not know, sees noise. */
#include "algorithms/tuners/trustregion_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "core/rng.h"

#include <cmocka.h>

#define D 3

static const double slope[D] = { 1, -2, 0.5 };
static const double bend[D * D] = { 2, 0.5, 0, 0.5, 1, -0.3, 0, -0.3, 3 };

static double quadratic(const double *y)
{
	double sum = 0;

	for (size_t i = 0; i < D; i++) {
		sum += slope[i] * y[i];
		for (size_t j = 0; j < D; j++)
			sum += 0.5 * bend[i * D + j] * y[i] * y[j];
	}
	return sum;
}

/* n places, the first the centre, the others within a radius; values with noise. */
static void fill(struct region_model *model, size_t n, double noise, uint64_t seed)
{
	struct rng rng;

	rng_init(&rng, seed, RNG_TEST, 2);
	for (size_t k = 0; k < n; k++) {
		double *y = model->y + k * D;
		for (size_t i = 0; i < D; i++)
			y[i] = k == 0 ? 0 : (2 * rng_uniform(&rng) - 1) / sqrt(D);
		model->f[k] = quadratic(y) + noise * rng_normal(&rng);
	}
	model->n = n;
	region_model_fit(model);
}

static void open_model(struct region_model *model, struct arena *arena)
{
	arena_init(arena, 0);
	assert_int_equal(region_model_init(model, D, 64, arena), 0);
}

/* Ten coefficients, sixteen results: all found. */
static void test_quadratic(void **state)
{
	static const double elsewhere[D] = { 0.3, 0.4, -0.5 };
	struct region_model model;
	struct arena arena;

	(void)state;
	open_model(&model, &arena);
	fill(&model, 16, 0, 1);
	assert_true(fabs(model.level) < 1e-3);
	for (size_t i = 0; i < D; i++)
		assert_true(fabs(model.gradient[i] - slope[i]) < 0.02);
	for (size_t i = 0; i < D * D; i++)
		assert_true(fabs(model.hessian[i] - bend[i]) < 0.1);
	assert_true(fabs(region_model_mean(&model, elsewhere) - quadratic(elsewhere)) < 0.02);
	assert_true(region_model_deviation(&model, elsewhere) < 0.1);
	assert_true(region_model_noise(&model) < 1e-3);
	arena_release(&arena);
}

/* The mean is a polynomial that goes by the results; where there are few, it is unsure between
 * them. */
static void test_few(void **state)
{
	static const double across[D] = { 0, 0, 1 };
	struct region_model model;
	struct arena arena;

	(void)state;
	open_model(&model, &arena);
	fill(&model, 3, 0, 1);
	for (size_t k = 0; k < model.n; k++) {
		const double *y = model.y + k * D;
		assert_true(fabs(region_model_mean(&model, y) - model.f[k]) < 0.05);
		assert_true(region_model_deviation(&model, y) <
			    0.2 * region_model_deviation(&model, across));
	}
	arena_release(&arena);
}

/* A pending trial changes what is known, not what is expected. */
static void test_believe(void **state)
{
	static const double there[D] = { 0.2, 0.2, 0.2 }, near_it[D] = { 0.2, 0.18, 0.22 };
	struct region_model model;
	struct arena arena;

	(void)state;
	open_model(&model, &arena);
	fill(&model, 7, 0, 3);
	double mean = region_model_mean(&model, near_it);
	double before = region_model_deviation(&model, near_it);
	region_model_believe(&model, there);
	assert_true(region_model_mean(&model, near_it) == mean);
	assert_true(region_model_deviation(&model, near_it) < before);
	/* The same place again: each counts as one result. */
	for (int i = 0; i < 20; i++)
		region_model_believe(&model, there);
	assert_true(region_model_deviation(&model, near_it) < 0.5 * before);
	arena_release(&arena);
}

static void test_noise(void **state)
{
	struct region_model model;
	struct arena arena;

	(void)state;
	open_model(&model, &arena);
	fill(&model, 60, 0.3, 4);
	assert_true(region_model_noise(&model) > 0.1 && region_model_noise(&model) < 0.6);
	double error = 0;
	for (size_t i = 0; i < D; i++)
		error = fmax(error, fabs(model.gradient[i] - slope[i]));
	assert_true(error < 0.5);
	arena_release(&arena);
}

/* Nothing but equal results, all at one place even: a plane, finite everywhere. */
static void test_degenerate(void **state)
{
	static const double step[D] = { 1, 0, 0 };
	struct region_model model;
	struct arena arena;

	(void)state;
	open_model(&model, &arena);
	for (int same = 0; same < 2; same++) {
		for (size_t k = 0; k < 8; k++)
			for (size_t i = 0; i < D; i++)
				model.y[k * D + i] = same ? 0 : 0.1 * (double)(k * (i + 1) % 5);
		for (size_t k = 0; k < 8; k++)
			model.f[k] = 0;
		model.n = 8;
		region_model_fit(&model);
		assert_true(region_model_mean(&model, step) == 0);
		assert_true(isfinite(region_model_deviation(&model, step)));
		for (size_t i = 0; i < D; i++)
			assert_true(model.gradient[i] == 0);
	}
	arena_release(&arena);
}

static void test_memory(void **state)
{
	struct region_model model;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1024);
	assert_int_equal(region_model_init(&model, D, 64, &arena), CODE_NO_MEMORY);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quadratic),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_believe),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_degenerate),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests_name("trustregion_model", tests, NULL, NULL);
}
