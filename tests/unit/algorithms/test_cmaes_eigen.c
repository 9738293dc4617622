/* The decomposition of symmetric matrices. */
#include "tests/unit/algorithms/cmaes_support.h"

#include "algorithms/tuners/cmaes_eigen.h"
#include "core/rng.h"

static void check_eigen(size_t n, const double *matrix, double scale)
{
	double *a = malloc(n * n * sizeof(*a)), *vectors = malloc(n * n * sizeof(*a));
	double *values = malloc(n * sizeof(*a)), *work = malloc(2 * n * sizeof(*a));

	assert_true(a && vectors && values && work);
	memcpy(a, matrix, n * n * sizeof(*a));
	assert_true(eigen_symmetric(n, a, values, vectors, work));
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < n; i++) {
			double product = 0, inner = 0;
			for (size_t j = 0; j < n; j++) {
				product += matrix[i * n + j] * vectors[k * n + j];
				inner += vectors[i * n + j] * vectors[k * n + j];
			}
			assert_true(fabs(product - values[k] * vectors[k * n + i]) < 1e-12 * scale);
			assert_true(fabs(inner - (i == k)) < 1e-12);
		}
	free(a);
	free(vectors);
	free(values);
	free(work);
}

static void test_eigen(void **state)
{
	static double matrix[40 * 40];
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, RNG_TEST, 0);
	for (size_t n = 1; n <= 40; n++) {
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j <= i; j++)
				matrix[i * n + j] = matrix[j * n + i] = rng_normal(&rng);
		check_eigen(n, matrix, 10);
		/* Of rank one, scaled from 1 to 1e-12: n - 1 equal eigenvalues. */
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				matrix[i * n + j] = pow(10, -(double)(i + j) * 6 / (double)n);
		check_eigen(n, matrix, 10);
		memset(matrix, 0, sizeof(matrix));
		check_eigen(n, matrix, 1);
	}
	double bad[4] = { 1, (double)NAN, (double)NAN, 1 }, values[2], vectors[4], work[4];
	assert_false(eigen_symmetric(2, bad, values, vectors, work));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eigen),
	};
	return cmocka_run_group_tests_name("cmaes_eigen", tests, NULL, NULL);
}
