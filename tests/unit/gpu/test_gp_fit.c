/* The driver of fits, on functions whose minima are known. */
#include "tests/unit/gpu/lab.h"

#include "tests/unit/gpu/fake.h"

#define D   2
#define DIM (D + 2)

static double x[6], y[3];
static unsigned char category[D];

static struct gp_fit fit_of(const double *starts, size_t n_starts, double *theta)
{
	return (struct gp_fit){ .input = { 3, D, x, category },
		.y = y,
		.n_starts = n_starts,
		.starts = starts,
		.theta = theta };
}

static struct compute *open_fake(double (*function)(const double *, size_t, double *))
{
	static struct compute_backend backend;
	struct compute *compute = NULL;
	memset(&fake, 0, sizeof(fake));
	fake.function = function;
	fake.fail_after = 1000000;
	backend = fake_backend();
	assert_int_equal(compute_new(&backend, &compute, NULL), 0);
	assert_string_equal(compute_name(compute), "fake");
	return compute;
}

static void close_fake(struct compute *compute)
{
	compute_close(compute);
	assert_int_equal(fake.live, 0);
}

/* The gradient that back ends give is with respect to ln(noise - 1e-6). */
static double noise_part(const double *theta, size_t dim, double centre, double *gradient)
{
	double noise = exp(theta[dim - 1]), off = theta[dim - 1] - centre;
	gradient[dim - 1] = off * (noise - 1e-6) / noise;
	return 0.5 * off * off;
}

/* Rosenbrock's valley in ln w_1, ln w_2; ln s2 at 1; ln noise at -3. */
static double valley(const double *theta, size_t dim, double *gradient)
{
	double a = theta[1] - theta[0] * theta[0], b = 1 - theta[0], c = theta[2] - 1;
	gradient[0] = -400 * a * theta[0] - 2 * b;
	gradient[1] = 200 * a;
	gradient[2] = c;
	return 100 * a * a + b * b + 0.5 * c * c + noise_part(theta, dim, -3, gradient);
}

/* Everything pulls beyond the bounds. */
static double outward(const double *theta, size_t dim, double *gradient)
{
	double sum = 0;
	for (size_t i = 0; i + 1 < dim; i++) {
		gradient[i] = i % 2 ? -1 : 1;
		sum += gradient[i] * theta[i];
	}
	return sum + noise_part(theta, dim, 5, gradient);
}

/* Two minima, at ln w_1 = -2 and 2, the second lower by 1; elsewhere flat. */
static double two_minima(const double *theta, size_t dim, double *gradient)
{
	double a = theta[0] * theta[0] - 4;
	memset(gradient, 0, dim * sizeof(*gradient));
	gradient[0] = 4 * a * theta[0] - 0.25;
	return a * a - 0.25 * theta[0];
}

/* Not a number, or infinite, on half of the space. */
static double half_space(const double *theta, size_t dim, double *gradient)
{
	memset(gradient, 0, dim * sizeof(*gradient));
	if (theta[0] < -1)
		return (double)NAN;
	if (theta[0] < 0)
		return HUGE_VAL;
	gradient[0] = 2 * (theta[0] - 0.5);
	return (theta[0] - 0.5) * (theta[0] - 0.5);
}

static double nowhere(const double *theta, size_t dim, double *gradient)
{
	(void)theta;
	memset(gradient, 0, dim * sizeof(*gradient));
	return HUGE_VAL;
}

static void follows_a_valley(void **state)
{
	(void)state;
	struct compute *compute = open_fake(valley);
	const double start[DIM] = { -1.2, 1, 0, -6 };
	double theta[DIM];
	struct gp_fit fit = fit_of(start, 1, theta);
	assert_int_equal(compute_gp_fit(compute, &fit, 1, NULL), 0);
	assert_int_equal(fit.code, 0);
	assert_close(theta[0], 1, 1e-2);
	assert_close(theta[1], 1, 1e-2);
	assert_close(theta[2], 1, 1e-2);
	assert_close(theta[3], -3, 1e-2);
	assert_int_equal(fit.evaluations, fake.evaluations);
	close_fake(compute);
}

static void ends_at_the_bounds(void **state)
{
	(void)state;
	struct compute *compute = open_fake(outward);
	const double start[2 * DIM] = { 0, 0, 0, -4, 99, -99, 99, 99 };
	double theta[DIM];
	for (size_t s = 0; s < 2; s++) {
		struct gp_fit fit = fit_of(start + s * DIM, 1, theta);
		assert_int_equal(compute_gp_fit(compute, &fit, 1, NULL), 0);
		assert_close(theta[0], -2 * log(100), 1e-12);
		assert_close(theta[1], -2 * log(0.02), 1e-12);
		assert_close(theta[2], log(0.05), 1e-12);
		assert_close(theta[3], 0, 1e-12);
		assert_true(fit.evaluations < 30);

		/* Without noise the last coordinate does not move, whatever the gradient. */
		fit.noiseless = true;
		assert_int_equal(compute_gp_fit(compute, &fit, 1, NULL), 0);
		assert_true(theta[3] == log(1e-6));
	}
	close_fake(compute);
}

/* Every round is one call with all live starts of all problems; the best end counts. */
static void starts_advance_together(void **state)
{
	(void)state;
	struct compute *compute = open_fake(two_minima);
	const double starts[4 * DIM] = { -3, 0, 0, -4, -1, 0, 0, -4, 3, 0, 0, -4, -2.5, 0, 0, -4 };
	double theta[3][DIM];
	struct gp_fit fits[3] = { fit_of(starts, 4, theta[0]), fit_of(starts, 1, theta[1]),
		fit_of(starts, 2, theta[2]) };
	fits[2].max_iterations = 1;
	assert_int_equal(compute_gp_fit(compute, fits, 3, NULL), 0);
	assert_close(theta[0][0], 2.0078, 1e-2);
	assert_close(theta[1][0], -1.9922, 1e-2);
	assert_int_equal(fake.most_at_once, 7);
	assert_int_equal(
		fits[0].evaluations + fits[1].evaluations + fits[2].evaluations, fake.evaluations);
	/* As many calls as the longest start needs, not as many as all need. */
	assert_true(fake.calls < fake.evaluations / 2);
	struct compute_stats stats;
	compute_stats(compute, &stats);
	assert_int_equal(stats.fits, 3);
	assert_int_equal(stats.evaluations, fake.evaluations);
	close_fake(compute);
}

static void backs_off_from_infinity(void **state)
{
	(void)state;
	struct compute *compute = open_fake(half_space);
	const double starts[2 * DIM] = { -0.5, 0, 0, -4, 7, 0, 0, -4 };
	double theta[DIM];
	struct gp_fit fit = fit_of(starts, 2, theta);
	assert_int_equal(compute_gp_fit(compute, &fit, 1, NULL), 0);
	assert_int_equal(fit.code, 0);
	assert_close(theta[0], 0.5, 1e-2);
	close_fake(compute);
}

/* One problem that is infinite at all of its starts does not stop the others. */
static void failures_stay_apart(void **state)
{
	(void)state;
	struct compute *compute = open_fake(half_space);
	const double bad[DIM] = { -0.5, 0, 0, -4 }, good[DIM] = { 3, 0, 0, -4 };
	double theta[2][DIM];
	struct gp_fit fits[2] = { fit_of(bad, 1, theta[0]), fit_of(good, 1, theta[1]) };
	assert_int_equal(compute_gp_fit(compute, fits, 2, NULL), 0);
	assert_int_equal(fits[0].code, CODE_INVALID);
	assert_true(fits[0].objective == HUGE_VAL);
	assert_int_equal(fits[1].code, 0);
	close_fake(compute);

	compute = open_fake(nowhere);
	assert_int_equal(compute_gp_fit(compute, fits, 2, NULL), 0);
	assert_int_equal(fits[1].code, CODE_INVALID);
	assert_int_equal(fits[1].evaluations, 1);
	close_fake(compute);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_a_valley),
		cmocka_unit_test(ends_at_the_bounds),
		cmocka_unit_test(starts_advance_together),
		cmocka_unit_test(backs_off_from_infinity),
		cmocka_unit_test(failures_stay_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
