/* What every back end must do, and that it agrees with the processor: kernel densities. */
#include "tests/unit/gpu/lab.h"

#define D                                                                                          \
	4 /* a real coordinate, a stepped one, a category of 5, a real one far from its kernels    \
	   */
#define OPTIONS 5

struct mixture {
	struct kde kde;
	double *log_weight, *mu, *sigma, *table;
	uint32_t size[D];
	double low[D], high[D], step[D];
	size_t table_at[D];
};

static void mixture_init(struct mixture *mixture, uint64_t seed, size_t n)
{
	struct rng rng;
	rng_init(&rng, seed, RNG_TEST, n);
	*mixture = (struct mixture){ .log_weight = lab_memory(n, sizeof(double)),
		.mu = lab_memory(D * n, sizeof(double)),
		.sigma = lab_memory(D * n, sizeof(double)),
		.table = lab_memory(3 + n * OPTIONS, sizeof(double)),
		.size = { 0, 0, OPTIONS, 0 },
		.low = { 0, 0.5, 0, -50 },
		.high = { 1, 9.5, 0, 50 },
		.step = { 0, 1, 0, 0 },
		.table_at = { 0, 0, 3, 0 } };
	for (size_t k = 0; k < n; k++) {
		mixture->log_weight[k] = log((0.5 + rng_uniform(&rng)) / (double)n);
		for (size_t j = 0; j < D; j++) {
			double low = mixture->low[j], width = mixture->high[j] - low;
			mixture->mu[j * n + k] = low + rng_uniform(&rng) * width;
			mixture->sigma[j * n + k] = (0.02 + rng_uniform(&rng)) * width;
		}
		mixture->mu[3 * n + k] = -49 + rng_uniform(&rng);
		mixture->sigma[3 * n + k] = 0.5;
		for (size_t c = 0; c < OPTIONS; c++)
			mixture->table[3 + k * OPTIONS + c] = rng_uniform_open(&rng) / OPTIONS;
	}
	mixture->kde = (struct kde){ .n = n,
		.d = D,
		.log_weight = mixture->log_weight,
		.size = mixture->size,
		.mu = mixture->mu,
		.sigma = mixture->sigma,
		.low = mixture->low,
		.high = mixture->high,
		.step = mixture->step,
		.table = mixture->table,
		.table_at = mixture->table_at };
}

static void mixture_release(struct mixture *mixture)
{
	free(mixture->log_weight);
	free(mixture->mu);
	free(mixture->sigma);
	free(mixture->table);
}

static void draw(struct rng *rng, size_t m, double *x)
{
	for (size_t c = 0; c < m; c++) {
		x[c * D] = rng_uniform(rng);
		x[c * D + 1] = 1 + (double)rng_below(rng, 9);
		x[c * D + 2] = (double)rng_below(rng, OPTIONS);
		x[c * D + 3] = -50 + 100 * rng_uniform(rng);
	}
}

/* Mass of [a, b] in the tail where nothing cancels; long double reaches to e^-11000. */
static long double mass(long double a, long double b)
{
	const long double half = sqrtl(0.5L);
	if (a > 0)
		return 0.5L * (erfcl(a * half) - erfcl(b * half));
	if (b < 0)
		return 0.5L * (erfcl(-b * half) - erfcl(-a * half));
	return 0.5L * (erfl(b * half) - erfl(a * half));
}

static long double coordinate(const struct mixture *mixture, size_t j, size_t k, double x)
{
	const long double root = sqrtl(2 * 3.14159265358979323846264338L);
	size_t n = mixture->kde.n;
	if (mixture->size[j] > 0)
		return mixture->table[mixture->table_at[j] + k * mixture->size[j] + (size_t)x];
	long double mu = mixture->mu[j * n + k], sigma = mixture->sigma[j * n + k];
	long double whole = mass((mixture->low[j] - mu) / sigma, (mixture->high[j] - mu) / sigma);
	long double half = mixture->step[j] / 2, z = (x - mu) / sigma;
	if (half > 0)
		return mass((x - half - mu) / sigma, (x + half - mu) / sigma) / whole;
	return expl(-z * z / 2) / (sigma * root * whole);
}

static double naive_log_density(const struct mixture *mixture, const double *x)
{
	long double sum = 0;
	for (size_t k = 0; k < mixture->kde.n; k++) {
		long double term = expl(mixture->log_weight[k]);
		for (size_t j = 0; j < D; j++)
			term *= coordinate(mixture, j, k, x[j]);
		sum += term;
	}
	return (double)logl(sum);
}

/* Coordinate 3 lies up to 99 / 0.5 widths from its kernels: e^-19000 is below long double, so there
 * naive says -inf; compare where it does not. */
static void check_naive(struct compute *compute)
{
	static const size_t sizes[][2] = { { 1, 1 }, { 7, 40 }, { 33, 250 } };
	enum { m = 75 };
	for (size_t s = 0; s < 3; s++) {
		struct mixture l, g;
		struct rng rng;
		double x[m * D], ratio[m];
		size_t compared = 0;
		mixture_init(&l, 1, sizes[s][0]);
		mixture_init(&g, 2, sizes[s][1]);
		rng_init(&rng, s, RNG_TEST, 3);
		draw(&rng, m, x);
		assert_int_equal(compute_kde_ratio(compute, &l.kde, &g.kde, x, m, ratio, NULL), 0);
		for (size_t c = 0; c < m; c++) {
			double high = naive_log_density(&l, x + c * D);
			double low = naive_log_density(&g, x + c * D);
			assert_true(isfinite(ratio[c]));
			if (!(fmin(high, low) > -11000))
				continue;
			compared++;
			assert_close(
				ratio[c], high - low, 1e-9 * fmax(fmax(fabs(high), fabs(low)), 1));
		}
		assert_true(compared > m / 2);
		mixture_release(&l);
		mixture_release(&g);
	}
}

static void ratio_equals_the_naive_sum(void **state)
{
	(void)state;
	on_every_back_end(check_naive);
}

/* One kernel over one coordinate. */
struct line {
	double log_weight, mu, sigma, low, high, step, table[2];
	uint32_t size;
	size_t at;
};

static struct kde kde_of(const struct line *line)
{
	return (struct kde){ .n = 1,
		.d = 1,
		.log_weight = &line->log_weight,
		.size = &line->size,
		.mu = &line->mu,
		.sigma = &line->sigma,
		.low = &line->low,
		.high = &line->high,
		.step = &line->step,
		.table = line->table,
		.table_at = &line->at };
}

static double ratio_of(
	struct compute *compute, const struct line *a, const struct line *b, double x)
{
	struct kde l = kde_of(a), g = kde_of(b);
	double ratio;
	assert_int_equal(compute_kde_ratio(compute, &l, &g, &x, 1, &ratio, NULL), 0);
	assert_true(ratio == ratio); /* a number */
	return ratio;
}

/* Far tails, narrow kernels, cells of hardly any width, and options that cannot be. */
static void check_extremes(struct compute *compute)
{
	struct line flat = { .mu = 0.5, .sigma = 1e6, .high = 1 };
	struct line narrow = { .mu = 0.25, .sigma = 1e-9, .high = 1 };
	double z = 0.75 / 1e-9;
	double want = -0.5 * z * z - log(1e-9) - 0.5 * log(2 * 3.14159265358979324);
	assert_close(ratio_of(compute, &narrow, &flat, 1), want, 1e-9 * fabs(want));
	assert_close(ratio_of(compute, &flat, &flat, 0.3), 0, 1e-12);

	/* Stepped: uniform cells have their share, tails of 1e6 widths are finite. */
	struct line cells = { .mu = 5, .sigma = 1e7, .low = 0.5, .high = 10.5, .step = 1 };
	struct line point = cells;
	point.sigma = 1e-6;
	double distance = 3.5 / 1e-6;
	want = -0.5 * distance * distance - log(distance) - 0.5 * log(2 * 3.14159265358979324);
	assert_close(ratio_of(compute, &point, &cells, 9), want + log(10), 1e-9 * fabs(want));
	struct line fine = cells, wide = cells;
	fine.step = 1e-9; /* a billionth of the flat density: 1/10 */
	want = log(1e-9 / 10) - log(0.1);
	assert_close(ratio_of(compute, &fine, &wide, 4), want, 1e-6); /* 4 + step / 2 rounds */
	/* Half of the cell sticks out of the interval; a cell outside has nothing. */
	wide.high = 10;
	assert_close(ratio_of(compute, &wide, &wide, 10), 0, 1e-12);
	assert_close(ratio_of(compute, &wide, &cells, 10), log(0.5 / 9.5) - log(0.1), 1e-9);
	assert_true(ratio_of(compute, &wide, &cells, 12) == -HUGE_VAL);

	struct line never = { .size = 2, .table = { 0, 1 } };
	struct line often = { .size = 2, .table = { 0.5, 0.5 } };
	assert_true(ratio_of(compute, &never, &often, 0) == -HUGE_VAL);
	assert_true(ratio_of(compute, &often, &never, 0) == HUGE_VAL);
	assert_true(ratio_of(compute, &never, &never, 0) == -HUGE_VAL);
	assert_close(ratio_of(compute, &never, &often, 1), log(2), 1e-14);
}

static void extremes_stay_numbers(void **state)
{
	(void)state;
	on_every_back_end(check_extremes);
}

static void check_refusals(struct compute *compute)
{
	struct line flat = { .mu = 0.5, .sigma = 1, .high = 1 };
	struct line category = { .size = 2, .table = { 0.5, 0.5 } };
	struct line bad[3] = { flat, flat, flat };
	double ratio, ones[2] = { 1, 1 };
	struct kde l = kde_of(&flat), c = kde_of(&category);
	bad[0].sigma = 0;
	bad[1].high = 0;
	bad[2].mu = (double)NAN;
	for (size_t b = 0; b < 3; b++) {
		struct kde wrong = kde_of(&bad[b]);
		assert_int_equal(compute_kde_ratio(compute, &l, &wrong, ones, 1, &ratio, NULL),
			CODE_INVALID);
	}
	static const double no_options[] = { 2, -1, 0.5 };
	for (size_t o = 0; o < 3; o++)
		assert_int_equal(
			compute_kde_ratio(compute, &c, &c, &no_options[o], 1, &ratio, NULL),
			CODE_INVALID);
	assert_int_equal(compute_kde_ratio(compute, &l, &c, ones, 1, &ratio, NULL), CODE_INVALID);
	assert_int_equal(compute_kde_ratio(compute, &l, &l, NULL, 0, NULL, NULL), 0);
}

static void refuses_what_makes_no_sense(void **state)
{
	(void)state;
	on_every_back_end(check_refusals);
}

static void matches_the_processor(void **state)
{
	(void)state;
	enum { m = 300 };
	struct compute *cpu = open_back_end("cpu");
	struct mixture l, g;
	struct rng rng;
	double x[m * D], want[m], got[m];
	mixture_init(&l, 5, 30);
	mixture_init(&g, 6, 1111);
	rng_init(&rng, 1, RNG_TEST, 4);
	draw(&rng, m, x);
	assert_int_equal(compute_kde_ratio(cpu, &l.kde, &g.kde, x, m, want, NULL), 0);
	for (size_t b = 0; b < BACK_ENDS; b++) {
		struct compute *other = open_back_end(back_ends[b]);
		if (!other)
			continue;
		assert_int_equal(compute_kde_ratio(other, &l.kde, &g.kde, x, m, got, NULL), 0);
		for (size_t c = 0; c < m; c++)
			assert_close(got[c], want[c], 1e-9 * fmax(fabs(want[c]), 1));
		compute_close(other);
	}
	mixture_release(&l);
	mixture_release(&g);
	compute_close(cpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ratio_equals_the_naive_sum),
		cmocka_unit_test(extremes_stay_numbers),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(matches_the_processor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
