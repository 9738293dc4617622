/* The processor's loops over points, against the definitions, at lengths that do not fill vectors.
 */
#include "gpu/cpu/cpu.h"

#include "tests/unit/gpu/lab.h"

static void exponential(void **state)
{
	(void)state;
	enum { n = 100003 };
	double *values = lab_memory(n, sizeof(double)), worst = 0;
	for (size_t i = 0; i < n; i++)
		values[i] = -300.0 * (double)i / (n - 1);
	exp_in_place(values, n);
	for (size_t i = 0; i < n; i++) {
		long double want = expl((long double)(-300.0 * (double)i / (n - 1)));
		worst = fmax(worst, fabs((double)(values[i] / want - 1)));
	}
	assert_true(worst < 1e-15);
	assert_true(values[0] == 1);
	free(values);

	double ends[4] = { -0.0, -1e-300, -1e6, -HUGE_VAL };
	exp_in_place(ends, 4);
	assert_true(ends[0] == 1 && ends[1] == 1);
	assert_close(ends[2] / exp(-300), 1, 1e-14);
	assert_true(ends[3] == ends[2]);
}

static void sums(void **state)
{
	(void)state;
	double a[70], b[70];
	for (size_t n = 0; n <= 70; n++) {
		double sum = 0, product = 0;
		for (size_t i = 0; i < n; i++) {
			a[i] = (double)(i + 1);
			b[i] = (double)(i * i) - 7;
			sum += a[i];
			product += a[i] * b[i];
		}
		/* Integers: exact in any order. */
		assert_true(sum_lanes(a, n) == sum);
		assert_true(dot_lanes(a, b, n) == product);
	}
}

/* Rows of k, slopes and sums of squared distances, element by element; more points than one block
 * of the loop, and every remainder. */
static void rows(void **state)
{
	(void)state;
	enum { most = 1100, d = 3 };
	struct problem problem;
	double *columns = lab_memory(most * d, sizeof(double)),
	       *k = lab_memory(most, sizeof(double));
	double *slope = lab_memory(most, sizeof(double)), *same = lab_memory(most, sizeof(double));
	const double weight[d] = { 3, 0.2, 1.5 }, sqrt5 = sqrt(5);
	problem_init(&problem, 1, most, d, 1);
	for (size_t a = 0; a < most; a++)
		for (size_t i = 0; i < d; i++)
			columns[i * most + a] = problem.x[a * d + i];
	struct matern matern = { d, problem.category, weight, 1.7 };
	struct columns points = { columns, most };
	const double *point = problem.x + 5 * d;
	for (size_t n = 0; n <= most; n = n < 20 ? n + 1 : n + 60) {
		double got[d] = { 0 }, want[d] = { 0 };
		matern_row(&matern, points, n, point, k, slope);
		matern_row(&matern, points, n, point, same, NULL);
		assert_memory_equal(k, same, n * sizeof(*k));
		add_squared_distances(&matern, points, n, point, slope, got);
		for (size_t b = 0; b < n; b++) {
			double square = 0;
			for (size_t i = 0; i < d; i++) {
				double delta = point[i] - problem.x[b * d + i];
				delta = problem.category[i] ? delta != 0 : delta;
				square += weight[i] * delta * delta;
				want[i] += slope[b] * delta * delta;
			}
			double r = sqrt5 * sqrt(square), decay = 1.7 * exp(-r);
			assert_close(k[b], (1 + r + 5 * square / 3) * decay, 1e-14);
			assert_close(slope[b], (1 + r) * decay, 1e-14);
		}
		for (size_t i = 0; i < d; i++)
			assert_close(got[i], want[i], 1e-12 * (1 + want[i]));
	}
	problem_release(&problem);
	free(columns);
	free(k);
	free(slope);
	free(same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exponential),
		cmocka_unit_test(sums),
		cmocka_unit_test(rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
