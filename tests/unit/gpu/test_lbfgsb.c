#include "gpu/lbfgsb.h"

#include "tests/unit/gpu/lab.h"

#define DIM 12

typedef double function(const double *x, size_t n, double *gradient);

/* sum 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2: a curved valley, minimum 0 at (1, ..., 1). */
static double rosenbrock(const double *x, size_t n, double *gradient)
{
	double sum = 0;
	memset(gradient, 0, n * sizeof(*gradient));
	for (size_t i = 0; i + 1 < n; i++) {
		double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
		sum += 100 * a * a + b * b;
		gradient[i] += -400 * a * x[i] - 2 * b;
		gradient[i + 1] += 200 * a;
	}
	return sum;
}

/* sum 10^i (x_i - i)^2 / 2: axes of very different steepness. */
static double ellipsoid(const double *x, size_t n, double *gradient)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) {
		double steep = pow(10, (double)(i % 5)), off = x[i] - (double)i;
		sum += 0.5 * steep * off * off;
		gradient[i] = steep * off;
	}
	return sum;
}

/* -sum ln(x_i) + x_i / 4: infinite for x <= 0, minimum at 4. */
static double barrier(const double *x, size_t n, double *gradient)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) {
		if (x[i] <= 0)
			return HUGE_VAL;
		sum += x[i] / 4 - log(x[i]);
		gradient[i] = 0.25 - 1 / x[i];
	}
	return sum;
}

/* A cosine: whichever way down is found, the gradient ends near 0. */
static double waves(const double *x, size_t n, double *gradient)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) {
		sum += cos(x[i]);
		gradient[i] = -sin(x[i]);
	}
	return sum;
}

struct setting {
	double low[DIM], high[DIM], memory[DIM * 40];
	struct lbfgsb_limits limits;
	struct lbfgsb run;
};

static void minimise(struct setting *setting, function *f, size_t n, const double *start,
	double low, double high, unsigned iterations)
{
	double gradient[DIM];
	for (size_t i = 0; i < n; i++) {
		setting->low[i] = low;
		setting->high[i] = high;
	}
	setting->limits = (struct lbfgsb_limits){ .low = setting->low,
		.high = setting->high,
		.max_iterations = iterations,
		.tolerance = 1e-6,
		.least_gain = 1e-14,
		.curvature = 1 };
	assert_true(lbfgsb_memory(n) <= sizeof(setting->memory) / sizeof(double));
	lbfgsb_init(&setting->run, n, start, &setting->limits, setting->memory);
	while (setting->run.live) {
		double value, *trial = setting->run.trial;
		for (size_t i = 0; i < n; i++)
			assert_true(trial[i] >= low && trial[i] <= high);
		memset(gradient, 0, sizeof(gradient));
		value = f(trial, n, gradient);
		lbfgsb_advance(&setting->run, value, gradient);
	}
}

static void assert_at(const struct setting *setting, const double *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_close(setting->run.x[i], want[i], 1e-4);
}

static void valley(void **state)
{
	(void)state;
	struct setting setting;
	const double start[DIM] = { -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1 };
	const double ones[DIM] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	minimise(&setting, rosenbrock, 2, start, -5, 5, 100);
	assert_at(&setting, ones, 2);
	assert_true(setting.run.evaluations < 70);
	minimise(&setting, rosenbrock, DIM, start, -1.5, 3, 200);
	assert_at(&setting, ones, DIM);
	/* The bounds cut the valley: on x_0 <= 0.5 the minimum is at (0.5, 0.25). */
	minimise(&setting, rosenbrock, 2, start, -2, 0.5, 100);
	assert_at(&setting, (const double[2]){ 0.5, 0.25 }, 2);
	assert_true(setting.run.x[0] == 0.5);
}

static void steep_and_flat_axes(void **state)
{
	(void)state;
	struct setting setting;
	double start[DIM] = { 0 }, want[DIM];
	for (size_t i = 0; i < DIM; i++)
		want[i] = (double)i;
	minimise(&setting, ellipsoid, DIM, start, -100, 100, 200);
	assert_at(&setting, want, DIM);
	assert_true(setting.run.evaluations < 60);
	/* Half of the minima lie outside: those coordinates end at the bound, exactly. */
	minimise(&setting, ellipsoid, DIM, start, -100, 5.5, 200);
	for (size_t i = 0; i < DIM; i++)
		if (i < 6)
			assert_close(setting.run.x[i], (double)i, 1e-4);
		else
			assert_true(setting.run.x[i] == 5.5);
}

/* Starts at bounds, outside of them, and where the minimum is; fixed coordinates stay. */
static void starts_anywhere(void **state)
{
	(void)state;
	struct setting setting;
	double start[3] = { -7, 50, 2 }, gradient[3];
	const double want[3] = { 0, 1, 2 };
	minimise(&setting, ellipsoid, 3, start, -5, 5, 100);
	assert_at(&setting, want, 3);
	minimise(&setting, ellipsoid, 3, want, -5, 5, 100);
	assert_int_equal(setting.run.evaluations, 1);
	assert_int_equal(setting.run.iterations, 0);

	const double corner[3] = { 5, 5, 5 };
	minimise(&setting, ellipsoid, 3, corner, -5, 5, 100);
	assert_at(&setting, want, 3);

	setting.low[1] = setting.high[1] = 3;
	lbfgsb_init(&setting.run, 3, start, &setting.limits, setting.memory);
	while (setting.run.live) {
		double value = ellipsoid(setting.run.trial, 3, gradient);
		assert_true(setting.run.trial[1] == 3);
		lbfgsb_advance(&setting.run, value, gradient);
	}
	assert_at(&setting, (const double[3]){ 0, 3, 2 }, 3);
}

static void infinite_regions(void **state)
{
	(void)state;
	struct setting setting;
	const double near[3] = { 1e-3, 1e-2, 30 }, outside[3] = { -1, 1, 1 };
	const double want[3] = { 4, 4, 4 };
	minimise(&setting, barrier, 3, near, -100, 100, 200);
	assert_at(&setting, want, 3);
	/* Nothing to go on: it ends at once, and says so. */
	minimise(&setting, barrier, 3, outside, -100, 100, 200);
	assert_int_equal(setting.run.evaluations, 1);
	assert_true(setting.run.objective == HUGE_VAL);
}

static void ends_at_stationary_points(void **state)
{
	(void)state;
	struct setting setting;
	struct rng rng;
	rng_init(&rng, 1, RNG_TEST, 0);
	for (int t = 0; t < 50; t++) {
		double start[DIM];
		for (size_t i = 0; i < DIM; i++)
			start[i] = 20 * rng_uniform(&rng) - 10;
		minimise(&setting, waves, DIM, start, -9, 9, 200);
		for (size_t i = 0; i < DIM; i++) {
			double x = setting.run.x[i];
			bool at_bound = fabs(x) == 9;
			assert_true(at_bound || (fabs(sin(x)) < 1e-4 && cos(x) < 0));
		}
	}
}

static void stops_when_told(void **state)
{
	(void)state;
	struct setting setting;
	const double start[2] = { -1.2, 1 };
	minimise(&setting, rosenbrock, 2, start, -5, 5, 7);
	assert_int_equal(setting.run.iterations, 7);
	assert_true(setting.run.objective < 24.2); /* f(start) */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valley),
		cmocka_unit_test(steep_and_flat_axes),
		cmocka_unit_test(starts_anywhere),
		cmocka_unit_test(infinite_regions),
		cmocka_unit_test(ends_at_stationary_points),
		cmocka_unit_test(stops_when_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
