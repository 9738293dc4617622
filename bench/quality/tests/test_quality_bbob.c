/* The BBOB functions against their definitions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/quality/bbob.h"
#include "bench/quality/bbob_transform.h"
#include "core/rng.h"

#define PI 3.14159265358979323846

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static const struct bbob *make(unsigned function, size_t n, unsigned instance)
{
	const struct bbob *bbob = bbob_new(&arena, function, n, instance);

	assert_non_null(bbob);
	return bbob;
}

/* A function without its shift and rotations: x_opt (or peaks and signs) as given, R = Q = I. */
static struct bbob *bare(unsigned function, size_t n, double x_opt)
{
	struct bbob *bbob = arena_alloc(&arena, sizeof(*bbob));

	*bbob = *make(function, n, 1);
	bbob->f_opt = 0;
	memset(bbob->r, 0, n * n * sizeof(double));
	memset(bbob->q, 0, n * n * sizeof(double));
	for (size_t i = 0; i < n; i++) {
		bbob->r[i * n + i] = bbob->q[i * n + i] = 1;
		bbob->x_opt[i] = x_opt;
		bbob->signs[i] = 1;
	}
	return bbob;
}

static void assert_near(double a, double b, double relative)
{
	if (!(fabs(a - b) <= relative * fmax(1, fabs(b))))
		fail_msg("%.17g is not %.17g", a, b);
}

static void test_transforms(void **state)
{
	(void)state;
	double x[3] = { 2, -3, 4 }, y[3] = { 1, 1, 1 };

	/* T_osz keeps 0, 1 and -1 (ln 1 = 0), sign and order. */
	assert_true(bbob_oscillation(0) == 0 && bbob_oscillation(1) == 1);
	assert_true(bbob_oscillation(-1) == -1);
	assert_near(bbob_oscillation(exp(1)), exp(1 + 0.049 * (sin(10) + sin(7.9))), 1e-15);
	assert_near(bbob_oscillation(-exp(1)), -exp(1 + 0.049 * (sin(5.5) + sin(3.1))), 1e-15);
	for (double t = -4; t < 4; t += 0.01)
		assert_true(bbob_oscillation(t + 0.01) > bbob_oscillation(t));
	/* T_asy leaves the first coordinate and the negative ones. */
	bbob_asymmetry(3, 0.5, x);
	assert_true(x[0] == 2 && x[1] == -3);
	assert_near(x[2], pow(4, 1 + 0.5 * 2), 1e-15);
	bbob_condition(3, 100, y);
	assert_near(y[0], 1, 1e-15);
	assert_near(y[1], sqrt(10), 1e-15);
	assert_near(y[2], 10, 1e-15);
	assert_near(bbob_penalty(3, (double[]){ 5, -6, 7 }), 0 + 1 + 4, 1e-15);
	assert_true(bbob_penalty(2, (double[]){ 5, -5 }) == 0);
}

static void test_rotation(void **state)
{
	(void)state;
	double matrix[100], x[10], y[10], back[10];
	struct rng rng;

	rng_init(&rng, 7, RNG_TEST, 0);
	bbob_rotation(&rng, 10, matrix);
	for (size_t i = 0; i < 10; i++)
		for (size_t j = 0; j < 10; j++) {
			double dot = 0;
			for (size_t k = 0; k < 10; k++)
				dot += matrix[10 * i + k] * matrix[10 * j + k];
			assert_near(dot, i == j, 1e-14);
		}
	for (size_t i = 0; i < 10; i++)
		x[i] = rng_normal(&rng);
	bbob_rotate(10, matrix, x, y);
	bbob_rotate_back(10, matrix, y, back);
	for (size_t i = 0; i < 10; i++)
		assert_near(back[i], x[i], 1e-13);
}

/* f_opt at x_opt, no less anywhere tried, and x_opt inside the box; the same again when made again,
 * another when another instance. */
static void test_optimum(void **state)
{
	(void)state;
	static const size_t dimensions[] = { 2, 3, 5, 10, 40 };

	for (unsigned f = 1; f <= BBOB_FUNCTIONS; f++)
		for (size_t d = 0; d < 5; d++)
			for (unsigned instance = 1; instance <= 3; instance++) {
				size_t n = dimensions[d];
				const struct bbob *b = make(f, n, instance);
				struct rng rng;
				double x[BBOB_DIMENSIONS];

				assert_near(bbob_value(b, b->x_opt), b->f_opt, 1e-7);
				rng_init(&rng, instance, RNG_TEST, f);
				for (size_t i = 0; i < n; i++)
					assert_true(fabs(b->x_opt[i]) <= 5);
				for (int k = 0; k < 200; k++) {
					double reach = pow(10, 1 - k % 8);
					for (size_t i = 0; i < n; i++)
						x[i] = b->x_opt[i] + reach * rng_normal(&rng);
					if (f == 5) /* unbounded outside of the box */
						for (size_t i = 0; i < n; i++)
							x[i] = fmax(-5, fmin(5, x[i]));
					assert_true(bbob_value(b, x) >= b->f_opt - 1e-7);
				}
				assert_true(make(f, n, instance)->f_opt == b->f_opt);
				assert_memory_equal(
					make(f, n, instance)->x_opt, b->x_opt, n * sizeof(double));
				assert_true(make(f, n, instance + 3)->f_opt != b->f_opt);
			}
}

/* Values worked out by hand for two dimensions without shift or rotation. */
static void test_known_values(void **state)
{
	(void)state;
	static const struct {
		unsigned function;
		double x_opt, x[2], value;
	} cases[] = {
		{ 1, 0, { 3, 4 }, 25 },
		{ 2, 0, { 1, 1 }, 1 + 1e6 },
		{ 3, 0, { 1, 0 }, 1 },
		{ 5, 5, { 5, 5 }, 0 },
		{ 5, 5, { 4, 5 }, 1 },
		{ 5, 5, { 5, 4 }, 10 },
		{ 8, 0, { 0, 0 }, 0 },
		{ 8, 0, { -1, -1 }, 1 },
		{ 8, 0, { 1, 0 }, 100 * 9 + 1 },
		{ 9, 0, { 0.5, 0.5 }, 0 },
		{ 10, 0, { 1, 1 }, 1 + 1e6 },
		{ 11, 0, { 1, 1 }, 1e6 + 1 },
		{ 12, 0, { -2, -1 }, 4 + 1e6 },
		{ 13, 0, { 2, 0 }, 4 },
		{ 14, 0, { 1, 1 }, 1.4142135623730951 },
		{ 14, 0, { 0, 2 }, 8 },
		{ 19, 0, { 0.5, 0.5 }, 0 },
		{ 24, 1.25, { 1.25, 1.25 }, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bbob *b = bare(cases[i].function, 2, cases[i].x_opt);
		assert_near(bbob_value(b, cases[i].x), cases[i].value, 1e-12);
	}
	/* f4: a positive step in the first coordinate is ten times as long. */
	struct bbob *b = bare(4, 2, 0);
	assert_near(bbob_value(b, (double[]){ 1, 0 }), 100, 1e-10);
	assert_near(bbob_value(b, (double[]){ -1, 0 }), 1, 1e-10);
	/* f6: towards the optimum's own side costs 100 times as much, before T_osz and ^0.9. */
	b = bare(6, 2, 1);
	assert_near(bbob_value(b, (double[]){ 2, 1 }), pow(bbob_oscillation(1e4), 0.9), 1e-12);
	assert_near(bbob_value(b, (double[]){ 0, 1 }), 1, 1e-12);
	/* f7: steps of 1, of 0.1 near the middle, and a slight slope across the plateau. */
	b = bare(7, 2, 0);
	assert_near(bbob_value(b, (double[]){ 1.2, 0 }), 0.1 * 1, 1e-12);
	assert_near(bbob_value(b, (double[]){ 0.43, 0 }), 0.1 * 0.16, 1e-12);
	assert_near(bbob_value(b, (double[]){ 0.04, 0 }), 0.1 * 0.04 / 1e4, 1e-12);
	/* f17: one pair of coordinates, s = 1. */
	b = bare(17, 2, 0);
	assert_near(bbob_value(b, (double[]){ -1, 0 }), pow(1 + pow(sin(50), 2), 2), 1e-12);
	/* f20: at x = 0, z = 100 ((0 - s) lambda + s) with s = 4.2096874633. */
	b = bare(20, 2, 4.2096874633 / 2);
	double s = 4.2096874633, second = 100 * (s - sqrt(10) * 1.25 * s);
	assert_near(bbob_value(b, (double[]){ 0, 0 }),
		4.189828872724339 - second * sin(sqrt(fabs(second))) / 200 +
			100 * pow(fmax(0, fabs(second / 100) - 5), 2),
		1e-12);
}

/* Rotated functions with R = Q = I are their separable forms. */
static void test_relations(void **state)
{
	(void)state;
	struct rng rng;
	double x[5];

	rng_init(&rng, 1, RNG_TEST, 0);
	for (int k = 0; k < 50; k++) {
		for (size_t i = 0; i < 5; i++)
			x[i] = 3 * rng_normal(&rng);
		assert_near(bbob_value(bare(10, 5, 0.5), x), bbob_value(bare(2, 5, 0.5), x), 1e-12);
		assert_near(bbob_value(bare(15, 5, 0.5), x), bbob_value(bare(3, 5, 0.5), x), 1e-12);
		/* f17 and f18 differ in conditioning, which leaves the first axis alone. */
		double axis[5] = { x[0], 0.5, 0.5, 0.5, 0.5 };
		assert_near(bbob_value(bare(18, 5, 0.5), axis), bbob_value(bare(17, 5, 0.5), axis),
			1e-12);
		double y[5];
		for (size_t i = 0; i < 5; i++)
			y[i] = 2 * 0.5 - x[i];
		/* f1 and f14 are symmetric about the optimum, f2 is not (T_osz). */
		assert_near(bbob_value(bare(1, 5, 0.5), x), bbob_value(bare(1, 5, 0.5), y), 1e-12);
		assert_near(
			bbob_value(bare(14, 5, 0.5), x), bbob_value(bare(14, 5, 0.5), y), 1e-12);
		assert_true(bbob_value(bare(2, 5, 0.5), x) != bbob_value(bare(2, 5, 0.5), y));
	}
}

/* Curvature across the axes of f10, f11, f12, f13, f14 near the optimum is what their names say. */
static void test_conditioning(void **state)
{
	(void)state;
	static const struct {
		unsigned function;
		double ratio; /* of the values one step along the last and the first axis of R */
	} cases[] = { { 1, 1 }, { 10, 1e6 }, { 11, 1e-6 } };
	const size_t n = 5;

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		const struct bbob *b = make(cases[c].function, n, 2);
		double value[2];

		for (int end = 0; end < 2; end++) {
			double x[5], axis[5] = { 0 };
			axis[end ? n - 1 : 0] = 1; /* T_osz(1) = 1 */
			bbob_rotate_back(n, b->r, axis, x);
			for (size_t i = 0; i < n; i++)
				x[i] += b->x_opt[i];
			value[end] = bbob_value(b, x) - b->f_opt;
		}
		assert_near(value[1] / value[0], cases[c].ratio, 1e-7 * fmax(1, cases[c].ratio));
	}
}

/* The penalty is felt outside of the box where the report has one. */
static void test_penalty(void **state)
{
	(void)state;
	static const struct {
		unsigned function;
		double weight;
	} cases[] = { { 21, 1 }, { 22, 1 }, { 23, 1 }, { 24, 1e4 }, { 16, 10.0 / 3 } };

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		const struct bbob *b = make(cases[c].function, 3, 1);
		double far[3] = { 1e4, 1e4, 1e4 };
		double penalty = cases[c].weight * bbob_penalty(3, far);
		double value = bbob_value(b, far) - b->f_opt;
		assert_true(value >= penalty && value <= 1.1 * penalty + 1e7);
	}
}

/* f21 and f22: the number of peaks, their heights, and the value at the top of one. */
static void test_peaks(void **state)
{
	(void)state;
	for (unsigned f = 21; f <= 22; f++) {
		const struct bbob *b = make(f, 4, 3);
		double x[4];

		assert_int_equal(b->n_peaks, f == 21 ? 101 : 21);
		assert_true(b->peaks[0].height == 10);
		assert_near(b->peaks[1].height, 1.1, 1e-12);
		assert_near(b->peaks[b->n_peaks - 1].height, 9.1, 1e-12);
		for (size_t k = 0; k < b->n_peaks; k++) {
			double product = 1, most = 0, least = 1e9;
			for (size_t i = 0; i < 4; i++) {
				product *= b->peaks[k].shape[i];
				most = fmax(most, b->peaks[k].shape[i]);
				least = fmin(least, b->peaks[k].shape[i]);
			}
			assert_near(product, 1, 1e-9); /* C_i has determinant 1 */
			assert_true(most / least <= 1000 * (1 + 1e-9));
		}
		bbob_rotate_back(4, b->r, b->peaks[5].centre, x);
		double top = bbob_oscillation(10 - b->peaks[5].height);
		assert_true(bbob_value(b, x) - b->f_opt <= top * top + 1e-9);
	}
}

/* f16: 12 waves; f23: a dense fractal above its zeros; f19 has cos(s) = 1 - s^2/2 near its best. */
static void test_rugged(void **state)
{
	(void)state;
	struct bbob *b = bare(16, 2, 0);
	double sum = 0, zero = 0;

	for (int k = 0; k < 12; k++) {
		zero += pow(0.5, k) * cos(2 * PI * pow(3, k) * 0.5);
		sum += pow(0.5, k) * cos(2 * PI * pow(3, k) * (1 + 0.5));
	}
	/* T_osz(1) = 1: a whole period of every wave. */
	assert_near(bbob_value(b, (double[]){ 1, 0 }), 10 * pow((sum - zero) / 2, 3), 1e-9);
	b = bare(23, 2, 0);
	assert_near(bbob_value(b, (double[]){ 1, 0 }), 0, 1e-12);
	/* z = 1/4: 2 z = 1/2 away from an integer by 1/2, over 2; higher powers are whole. */
	double quarter = 10.0 / 4 * (pow(1 + 0.25, 10 / pow(2, 1.2)) - 1);
	assert_near(bbob_value(b, (double[]){ 0.25, 0 }), quarter, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transforms),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_optimum),
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_relations),
		cmocka_unit_test(test_conditioning),
		cmocka_unit_test(test_penalty),
		cmocka_unit_test(test_peaks),
		cmocka_unit_test(test_rugged),
	};
	return cmocka_run_group_tests_name("quality_bbob", tests, set_up, tear_down);
}
