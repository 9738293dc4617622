#include "algorithms/tuners/sobol.h"
#include "algorithms/tuners/sobol_directions.h"
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* a * b modulo the polynomial, over GF(2). */
static uint32_t product(uint32_t a, uint32_t b, uint32_t polynomial, size_t degree)
{
	uint32_t out = 0;

	for (; b; b >>= 1) {
		if (b & 1)
			out ^= a;
		a <<= 1;
		if (a >> degree & 1)
			a ^= polynomial;
	}
	return out;
}

static uint32_t power_of_x(uint32_t exponent, uint32_t polynomial, size_t degree)
{
	uint32_t out = 1, base = degree == 1 ? 2 ^ polynomial : 2;

	for (; exponent; exponent >>= 1) {
		if (exponent & 1)
			out = product(out, base, polynomial, degree);
		base = product(base, base, polynomial, degree);
	}
	return out;
}

/* Is the order of x 2^degree - 1? */
static bool is_primitive(uint32_t polynomial, size_t degree)
{
	uint32_t order = (1u << degree) - 1, rest = order;

	if (power_of_x(order, polynomial, degree) != 1)
		return false;
	for (uint32_t p = 2; rest > 1; p++) {
		if (rest % p != 0)
			continue;
		while (rest % p == 0)
			rest /= p;
		if (order > 1 && power_of_x(order / p, polynomial, degree) == 1)
			return false;
	}
	return true;
}

/* The table has all primitive polynomials, in order, none left out. */
static void test_polynomials(void **state)
{
	(void)state;
	uint32_t next = 3;

	for (size_t dimension = 1; dimension < SOBOL_DIMENSIONS; dimension++) {
		uint32_t polynomial, m[SOBOL_DEGREE];
		size_t degree = sobol_initial(dimension, &polynomial, m);

		assert_true(degree >= 1 && degree <= SOBOL_DEGREE);
		assert_int_equal(polynomial >> degree, 1);
		for (; next < polynomial; next += 2) {
			size_t at = degree;
			while (next >> at == 0)
				at--;
			assert_false(is_primitive(next, at));
		}
		assert_int_equal(next, polynomial);
		assert_true(is_primitive(polynomial, degree));
		next += 2;
		for (size_t k = 0; k < degree; k++)
			assert_true(m[k] % 2 == 1 && m[k] >> (k + 1) == 0);
	}
}

#define WORDS (SOBOL_DIMENSIONS / 64)

static bool bit_of(const uint64_t *row, size_t i)
{
	return row[i / 64] >> (i % 64) & 1;
}

static void row_add(uint64_t *row, const uint64_t *other)
{
	for (size_t w = 0; w < WORDS; w++)
		row[w] ^= other[w];
}

/* Row j: the leading bits of the first SOBOL_DIMENSIONS direction numbers of dimension j. They
 * follow the polynomial's recurrence; what it shifts in is below them. */
static void leading_bits(size_t dimension, uint64_t *row)
{
	uint32_t polynomial, m[SOBOL_DEGREE];

	memset(row, 0, WORDS * sizeof(*row));
	if (dimension == 0) {
		row[0] = 1;
		return;
	}
	size_t degree = sobol_initial(dimension, &polynomial, m);
	for (size_t k = 0; k < SOBOL_DIMENSIONS; k++) {
		bool bit = k < degree ? m[k] >> k & 1 : bit_of(row, k - degree);
		for (size_t i = 1; k >= degree && i < degree; i++)
			bit ^= (polynomial >> (degree - i) & 1) && bit_of(row, k - i);
		row[k / 64] |= (uint64_t)bit << (k % 64);
	}
}

/* Sobol's property A for the first d dimensions, each d: every leading minor of the matrix of
 * leading bits is odd, which elimination without exchanges shows. */
static void test_property_a(void **state)
{
	(void)state;
	static uint64_t rows[SOBOL_DIMENSIONS][WORDS];

	for (size_t j = 0; j < SOBOL_DIMENSIONS; j++) {
		leading_bits(j, rows[j]);
		for (size_t i = 0; i < j; i++)
			if (bit_of(rows[j], i))
				row_add(rows[j], rows[i]);
		assert_true(bit_of(rows[j], j));
	}
}

/* sobol_directions agrees with the property's matrix, and with the published sequence. */
static void test_directions(void **state)
{
	(void)state;
	/* v_k = m_k / 2^k of the polynomial x^3 + x + 1 with m = 1, 3, 1: 4 m_2 ^ 8 m_1 ^ m_1 */
	uint32_t v[SOBOL_BITS];

	sobol_directions(0, SOBOL_BITS, v);
	for (size_t k = 0; k < SOBOL_BITS; k++)
		assert_int_equal(v[k], 1u << (31 - k));
	sobol_directions(3, 4, v);
	assert_int_equal(v[0] >> 31, 1);
	assert_int_equal(v[1] >> 30, 3);
	assert_int_equal(v[2] >> 29, 1);
	assert_int_equal(v[3] >> 28, (4 * 3) ^ (8 * 1) ^ 1);
	for (size_t dimension = 1; dimension < SOBOL_DIMENSIONS; dimension += 31) {
		uint64_t row[WORDS];

		leading_bits(dimension, row);
		sobol_directions(dimension, SOBOL_BITS, v);
		for (size_t k = 0; k < SOBOL_BITS; k++)
			assert_int_equal(v[k] >> 31, bit_of(row, k));
	}
}

/* The quality parameter t of a projection to two dimensions at 2^m points: m minus the largest k
 * such that the first i rows of one generator matrix and the first k - i of the other are
 * independent for each i. */
#define T_BITS 10

static bool basis_add(uint32_t basis[T_BITS], uint32_t row)
{
	for (size_t bit = T_BITS; bit-- > 0 && row;) {
		if (!(row >> bit & 1))
			continue;
		if (!basis[bit]) {
			basis[bit] = row;
			return true;
		}
		row ^= basis[bit];
	}
	return false;
}

static void generator_rows(size_t dimension, uint32_t rows[T_BITS])
{
	uint32_t v[T_BITS];

	sobol_directions(dimension, T_BITS, v);
	for (size_t i = 0; i < T_BITS; i++) {
		rows[i] = 0;
		for (size_t k = 0; k < T_BITS; k++)
			rows[i] |= (v[k] >> (31 - i) & 1u) << k;
	}
}

static size_t quality(size_t a, size_t b)
{
	uint32_t of_a[T_BITS], of_b[T_BITS];
	size_t strength = T_BITS;

	generator_rows(a, of_a);
	generator_rows(b, of_b);
	for (size_t i = 0; i <= T_BITS; i++) {
		uint32_t basis[T_BITS] = { 0 };
		size_t j = 0;

		for (size_t k = 0; k < i; k++)
			assert_true(basis_add(basis, of_a[k]));
		while (i + j < T_BITS && basis_add(basis, of_b[j]))
			j++;
		if (i + j < strength)
			strength = i + j;
	}
	return T_BITS - strength;
}

static void test_two_dimensional_quality(void **state)
{
	(void)state;
	size_t sum = 0, n = 0;

	assert_int_equal(quality(0, 1), 0);
	for (size_t j = 1; j < SOBOL_DIMENSIONS; j++)
		for (size_t i = j > 16 ? j - 16 : 0; i < j; i++) {
			size_t t = quality(i, j);
			assert_true(t <= (j < 37 ? 6 : 5));
			sum += t;
			n++;
		}
	assert_true(sum < 5 * n / 2); /* it is about 2.2 */
}

/* Of the first 2^m points, every dyadic interval of length 2^-m has one: every dimension, every m,
 * scrambled. And of every aligned block of 2^m points too. */
static void test_stratified(void **state)
{
	(void)state;
	const size_t dimensions[] = { 0, 1, 2, 5, 20, 36, 37, 38, 99, 500, 1023 };

	for (size_t d = 0; d < sizeof(dimensions) / sizeof(dimensions[0]); d++)
		for (unsigned m = 0; m <= 9; m++)
			for (uint64_t block = 0; block < 3; block++) {
				uint64_t n = (uint64_t)1 << m;
				bool hit[512] = { false };

				for (uint64_t i = 0; i < n; i++) {
					double u = sobol_point(7, dimensions[d], block * n + i);
					assert_true(u > 0 && u < 1);
					size_t cell = (size_t)(u * (double)n);
					assert_false(hit[cell]);
					hit[cell] = true;
				}
			}
}

/* The first two dimensions: every box of 2^-i by 2^-(m-i) has one of the first 2^m points. */
static void test_net(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 4; seed++)
		for (unsigned m = 1; m <= 8; m++)
			for (unsigned i = 0; i <= m; i++) {
				size_t n = (size_t)1 << m;
				bool hit[256] = { false };

				for (size_t k = 0; k < n; k++) {
					size_t a = (size_t)ldexp(sobol_point(seed, 0, k), (int)i);
					size_t b = (size_t)ldexp(
						sobol_point(seed, 1, k), (int)(m - i));
					size_t box = (a << (m - i)) | b;
					assert_false(hit[box]);
					hit[box] = true;
				}
			}
}

#define DISCREPANCY_POINTS 256

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The largest |share of points in [0,a)x[0,b) - ab|, over closed and open boxes: it is taken at a
 * pair of coordinates of the points, or at 1. */
static double star_discrepancy(const double (*points)[2])
{
	double xs[DISCREPANCY_POINTS + 1], ys[DISCREPANCY_POINTS + 1], worst = 0;

	for (size_t i = 0; i < DISCREPANCY_POINTS; i++) {
		xs[i] = points[i][0];
		ys[i] = points[i][1];
	}
	xs[DISCREPANCY_POINTS] = ys[DISCREPANCY_POINTS] = 1;
	qsort(xs, DISCREPANCY_POINTS, sizeof(xs[0]), compare_doubles);
	qsort(ys, DISCREPANCY_POINTS, sizeof(ys[0]), compare_doubles);
	for (size_t i = 0; i <= DISCREPANCY_POINTS; i++)
		for (size_t j = 0; j <= DISCREPANCY_POINTS; j++) {
			double open = 0, closed = 0, area = xs[i] * ys[j];

			for (size_t k = 0; k < DISCREPANCY_POINTS; k++) {
				open += points[k][0] < xs[i] && points[k][1] < ys[j];
				closed += points[k][0] <= xs[i] && points[k][1] <= ys[j];
			}
			worst = fmax(worst, area - open / DISCREPANCY_POINTS);
			worst = fmax(worst, closed / DISCREPANCY_POINTS - area);
		}
	return worst;
}

static void test_discrepancy(void **state)
{
	(void)state;
	double sobol[DISCREPANCY_POINTS][2], random[DISCREPANCY_POINTS][2];
	struct rng rng;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		rng_init(&rng, seed, RNG_TEST, 0);
		for (size_t i = 0; i < DISCREPANCY_POINTS; i++)
			for (size_t d = 0; d < 2; d++) {
				sobol[i][d] = sobol_point(seed, d, i);
				random[i][d] = rng_uniform(&rng);
			}
		assert_true(star_discrepancy(sobol) < 0.02);
		assert_true(star_discrepancy(random) > 0.04); /* the yardstick can tell */
	}
}

/* Different seeds and dimensions are scrambled differently; each scrambling is uniform: the mean
 * over seeds of any one point is 1/2, with standard deviation 1/sqrt(12). */
static void test_scrambling(void **state)
{
	(void)state;
	for (uint64_t index = 0; index < 3; index++) {
		double sum = 0, square = 0;
		const int n = 2000;

		for (int seed = 0; seed < n; seed++) {
			double u = sobol_point((uint64_t)seed, 3, index);
			sum += u / n;
			square += u * u / n;
		}
		assert_true(fabs(sum - 0.5) < 4 * sqrt(1.0 / 12 / n));
		assert_true(fabs(square - 1.0 / 3) < 4 * sqrt(4.0 / 45 / n));
	}
	assert_true(sobol_point(1, 0, 0) != sobol_point(1, 1, 0));
	assert_true(sobol_point(1, 0, 0) != sobol_point(2, 0, 0));
	assert_true(sobol_point(1, 0, 0) == sobol_point(1, 0, 0));
	assert_true(sobol_point(1, 1023, 0xffffffff) < 1);
}

/* As a tuner: stratified over choices and ranges together, whoever asks, whatever is pending. */
static void test_tuner(void **state)
{
	(void)state;
	int seen[4] = { 0 }, low = 0;
	struct fake fake;

	fake_init_tuner(&fake, "sobol", NULL, 42,
		"{\"one\":{\"_type\":\"fixed\",\"_value\":1},"
		"\"c\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\",\"d\"]},"
		"\"u\":{\"_type\":\"uniform\",\"_value\":[0,1]}}",
		NULL);
	for (int i = 0; i < 16; i++) {
		int64_t number;

		assert_int_equal(fake_suggest(&fake, &number), 0);
		double u = fake_value(&fake, number, "u");
		/* A parameter with one value takes no dimension. */
		assert_true(fabs(u - sobol_point(42, 1, (uint64_t)number)) < 1e-15);
		seen[(int)fake_value(&fake, number, "c")]++;
		low += u < 0.5;
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(seen[i], 4);
	assert_int_equal(low, 8);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_polynomials),
		cmocka_unit_test(test_property_a),
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_two_dimensional_quality),
		cmocka_unit_test(test_stratified),
		cmocka_unit_test(test_net),
		cmocka_unit_test(test_discrepancy),
		cmocka_unit_test(test_scrambling),
		cmocka_unit_test(test_tuner),
	};
	return cmocka_run_group_tests_name("sobol", tests, NULL, NULL);
}
