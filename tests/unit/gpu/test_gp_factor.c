/* What every back end must do, and that it agrees with the processor: factors and posteriors. */
#include "tests/unit/gpu/lab.h"

#define D 4 /* the last feature is a category */

static const double sqrt5 = 2.2360679774997896964;

/* k of compute.h, as written there. */
static double kernel(
	const struct problem *problem, const double *theta, const double *a, const double *b)
{
	size_t d = problem->input.d;
	double square = 0;
	for (size_t i = 0; i < d; i++) {
		double delta = problem->category[i] ? a[i] != b[i] : a[i] - b[i];
		square += exp(theta[i]) * delta * delta;
	}
	double r = sqrt(square);
	return exp(theta[d]) * (1 + sqrt5 * r + 5 * square / 3) * exp(-sqrt5 * r);
}

static struct gp_factor *make(struct compute *compute, const struct problem *problem,
	const double *theta, size_t n, size_t room)
{
	struct gp_factor *factor = NULL;
	struct gp_input input = problem->input;
	input.n = n;
	assert_int_equal(gp_factor_new(compute, &input, theta, room, &factor, NULL), 0);
	assert_int_equal(gp_factor_n(factor), n);
	return factor;
}

/* |K alpha - y|: what the factor stands for, without looking inside. */
static double residual(const struct problem *problem, const double *theta, size_t n,
	const double *y, const double *alpha)
{
	double worst = 0;
	for (size_t a = 0; a < n; a++) {
		double sum = exp(theta[D + 1]) * alpha[a];
		for (size_t b = 0; b < n; b++)
			sum += kernel(problem, theta, problem->x + a * D, problem->x + b * D) *
			       alpha[b];
		worst = fmax(worst, fabs(sum - y[a]));
	}
	return worst;
}

static void assert_same_posterior(
	struct gp_factor *a, struct gp_factor *b, const double *y, const double *x, size_t m)
{
	double *alpha = lab_memory(gp_factor_n(a), sizeof(double));
	double *values = lab_memory(4 * m, sizeof(double));
	double *mean_a = values, *mean_b = values + m, *variance_a = values + 2 * m,
	       *variance_b = values + 3 * m;
	assert_int_equal(gp_factor_n(a), gp_factor_n(b));
	assert_int_equal(gp_factor_solve(a, y, 1, alpha, NULL), 0);
	assert_int_equal(gp_posterior(a, alpha, x, m, mean_a, variance_a, NULL), 0);
	assert_int_equal(gp_factor_solve(b, y, 1, alpha, NULL), 0);
	assert_int_equal(gp_posterior(b, alpha, x, m, mean_b, variance_b, NULL), 0);
	for (size_t c = 0; c < m; c++) {
		assert_close(mean_a[c], mean_b[c], 1e-7);
		assert_close(variance_a[c], variance_b[c], 1e-7);
	}
	free(alpha);
	free(values);
}

/* 300 appends one by one, and 300 at once: as a factor made of all at once. */
static void check_extend(struct compute *compute)
{
	enum { first = 20, n = first + 300, m = 70 };
	struct problem problem;
	double theta[D + 2], *alpha = lab_memory(n, sizeof(double)), x[m * D];
	problem_init(&problem, 3, n, D, 1);
	set_theta(theta, D, 0.7, 1.5, 1e-4);
	struct gp_factor *slow = make(compute, &problem, theta, first, n);
	struct gp_factor *fast = make(compute, &problem, theta, first, n);
	struct gp_factor *fresh = make(compute, &problem, theta, n, n);
	for (size_t a = first; a < n; a++)
		assert_int_equal(gp_factor_extend(slow, problem.x + a * D, 1, NULL), 0);
	assert_int_equal(gp_factor_extend(fast, problem.x + first * D, n - first, NULL), 0);
	draw_points(&problem, m, x);
	assert_same_posterior(slow, fresh, problem.y, x, m);
	assert_same_posterior(fast, fresh, problem.y, x, m);
	assert_int_equal(gp_factor_solve(slow, problem.y, 1, alpha, NULL), 0);
	assert_true(residual(&problem, theta, n, problem.y, alpha) < 1e-8);

	/* Full: not one more. */
	assert_int_equal(gp_factor_extend(slow, x, 1, NULL), CODE_INVALID);
	assert_int_equal(gp_factor_n(slow), n);
	assert_true(gp_factor_bytes(slow) >= n * (n + 1) / 2 * sizeof(double));
	gp_factor_free(slow);
	gp_factor_free(fast);
	gp_factor_free(fresh);
	problem_release(&problem);
	free(alpha);
}

static void extending_equals_factoring(void **state)
{
	(void)state;
	on_every_back_end(check_extend);
}

/* K (L L')^-1 = I, column by column: L L' is K, whatever form the back end keeps it in. */
static void check_identity(struct compute *compute)
{
	enum { first = 10, n = 130 };
	struct problem problem;
	double theta[D + 2], *unit = lab_memory(n * n, sizeof(double));
	double *inverse = lab_memory(n * n, sizeof(double));
	problem_init(&problem, 4, n, D, 1);
	set_theta(theta, D, 0.4, 0.8, 1e-2);
	struct gp_factor *factor = make(compute, &problem, theta, first, n);
	for (size_t a = first; a < n; a += 3)
		assert_int_equal(gp_factor_extend(factor, problem.x + a * D, 3, NULL), 0);
	for (size_t a = 0; a < n; a++)
		unit[a * n + a] = 1;
	assert_int_equal(gp_factor_solve(factor, unit, n, inverse, NULL), 0);
	for (size_t a = 0; a < n; a++)
		assert_true(residual(&problem, theta, n, unit + a * n, inverse + a * n) < 1e-11);
	gp_factor_free(factor);
	problem_release(&problem);
	free(unit);
	free(inverse);
}

static void inverse_of_many_columns(void **state)
{
	(void)state;
	on_every_back_end(check_identity);
}

/* Pending points go on, come off, and others go on: as if the first had never been. */
static void check_truncate(struct compute *compute)
{
	enum { n = 90, kept = 50, m = 40 };
	struct problem problem, other;
	double theta[D + 2], x[m * D];
	problem_init(&problem, 6, n, D, 1);
	problem_init(&other, 7, n, D, 1);
	set_theta(theta, D, 0.5, 1, 1e-3);
	struct gp_factor *factor = make(compute, &problem, theta, kept, n);
	struct gp_factor *fresh = make(compute, &problem, theta, n, n);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(
			gp_factor_extend(factor, other.x, n - gp_factor_n(factor), NULL), 0);
		gp_factor_truncate(factor, kept + 2 - (size_t)round);
	}
	gp_factor_truncate(factor, kept);
	assert_int_equal(gp_factor_n(factor), kept);
	assert_int_equal(gp_factor_extend(factor, problem.x + kept * D, n - kept, NULL), 0);
	draw_points(&problem, m, x);
	assert_same_posterior(factor, fresh, problem.y, x, m);
	gp_factor_free(factor);
	gp_factor_free(fresh);
	problem_release(&problem);
	problem_release(&other);
}

static void truncating_forgets(void **state)
{
	(void)state;
	on_every_back_end(check_truncate);
}

/* With noise 1e-6 the posterior goes through the points, and does not doubt it. */
static void check_interpolation(struct compute *compute)
{
	enum { n = 40 };
	struct problem problem;
	double theta[D + 2], alpha[n], mean[n], variance[n];
	problem_init(&problem, 8, n, D, 1);
	set_theta(theta, D, 0.3, 2, 1e-6);
	struct gp_factor *factor = make(compute, &problem, theta, n, n);
	assert_int_equal(gp_factor_solve(factor, problem.y, 1, alpha, NULL), 0);
	assert_int_equal(gp_posterior(factor, alpha, problem.x, n, mean, variance, NULL), 0);
	for (size_t a = 0; a < n; a++) {
		assert_close(mean[a], problem.y[a], 1e-4);
		assert_true(variance[a] >= 1e-12 && variance[a] < 1.1e-6);
	}
	/* Far away, in another category: the prior. Mean alone: the same mean. */
	double far[D] = { 500, -500, 500, 7 }, alone = 9;
	assert_int_equal(gp_posterior(factor, alpha, far, 1, mean, variance, NULL), 0);
	assert_int_equal(gp_posterior(factor, alpha, far, 1, &alone, NULL, NULL), 0);
	assert_close(mean[0], 0, 1e-12);
	assert_close(variance[0], 2, 1e-12);
	assert_true(alone == mean[0]);
	assert_int_equal(gp_posterior(factor, alpha, far, 0, NULL, NULL, NULL), 0);
	gp_factor_free(factor);
	problem_release(&problem);
}

static void posterior_interpolates(void **state)
{
	(void)state;
	on_every_back_end(check_interpolation);
}

static void check_posterior_gradient(struct compute *compute)
{
	enum { n = 60 };
	const double h = 1e-4;
	struct problem problem;
	double theta[D + 2], alpha[n];
	problem_init(&problem, 9, n, D, 1);
	set_theta(theta, D, 0.6, 1.3, 1e-3);
	struct gp_factor *factor = make(compute, &problem, theta, n, n);
	assert_int_equal(gp_factor_solve(factor, problem.y, 1, alpha, NULL), 0);
	for (int t = 0; t < 30; t++) {
		double x[2 * D], mean[2], variance[2], d_mean[D], d_variance[D], m, v;
		draw_points(&problem, 1, x);
		assert_int_equal(gp_posterior(factor, alpha, x, 1, mean, variance, NULL), 0);
		assert_int_equal(
			gp_posterior_gradient(factor, alpha, x, &m, &v, d_mean, d_variance, NULL),
			0);
		assert_close(m, mean[0], 1e-10);
		assert_close(v, variance[0], 1e-10);
		memcpy(x + D, x, D * sizeof(*x));
		for (size_t i = 0; i < D - 1; i++) {
			double at = x[i];
			x[i] = at - h;
			x[D + i] = at + h;
			assert_int_equal(
				gp_posterior(factor, alpha, x, 2, mean, variance, NULL), 0);
			assert_close(d_mean[i], (mean[1] - mean[0]) / (2 * h), 1e-5);
			assert_close(d_variance[i], (variance[1] - variance[0]) / (2 * h), 1e-5);
			x[i] = x[D + i] = at;
		}
		assert_true(d_mean[D - 1] == 0 && d_variance[D - 1] == 0);
	}
	/* On a point itself r = 0, and nothing is divided by it. */
	double m, v, d_mean[D], d_variance[D];
	assert_int_equal(
		gp_posterior_gradient(factor, alpha, problem.x, &m, &v, d_mean, d_variance, NULL),
		0);
	for (size_t i = 0; i < D; i++)
		assert_true(isfinite(d_mean[i]) && isfinite(d_variance[i]));
	gp_factor_free(factor);
	problem_release(&problem);
}

static void posterior_gradient_is_the_posteriors(void **state)
{
	(void)state;
	on_every_back_end(check_posterior_gradient);
}

static void check_covariance(struct compute *compute)
{
	enum { n = 50, m = 30, p = 20 };
	struct problem problem;
	double theta[D + 2], alpha[n], x[m * D], mean[m], variance[m], c[m * m], block[m * p];
	problem_init(&problem, 10, n, D, 1);
	set_theta(theta, D, 0.5, 1.1, 1e-2);
	struct gp_factor *factor = make(compute, &problem, theta, n, n);
	assert_int_equal(gp_factor_solve(factor, problem.y, 1, alpha, NULL), 0);
	draw_points(&problem, m, x);
	assert_int_equal(gp_posterior(factor, alpha, x, m, mean, variance, NULL), 0);
	assert_int_equal(gp_covariance(factor, x, m, x, m, c, NULL), 0);
	for (size_t r = 0; r < m; r++) {
		assert_close(c[r * m + r], variance[r], 1e-10);
		for (size_t s = 0; s < m; s++)
			assert_close(c[r * m + s], c[s * m + r], 1e-12);
	}
	assert_int_equal(gp_covariance(factor, x, m, x + 5 * D, p, block, NULL), 0);
	for (size_t r = 0; r < m; r++)
		for (size_t s = 0; s < p; s++)
			assert_close(block[r * p + s], c[r * m + 5 + s], 1e-10);

	/* By the definition: k(x, z) - k(x, X) K^-1 k(X, z). */
	double cross[n], solved[n], want = kernel(&problem, theta, x, x + D);
	for (size_t a = 0; a < n; a++)
		cross[a] = kernel(&problem, theta, x + D, problem.x + a * D);
	assert_int_equal(gp_factor_solve(factor, cross, 1, solved, NULL), 0);
	for (size_t a = 0; a < n; a++)
		want -= kernel(&problem, theta, x, problem.x + a * D) * solved[a];
	assert_close(c[1], want, 1e-10);
	gp_factor_free(factor);
	problem_release(&problem);
}

static void covariance_is_consistent(void **state)
{
	(void)state;
	on_every_back_end(check_covariance);
}

/* All points the same and no noise: jitter carries it, and appending them too. What overflows is
 * refused. */
static void check_singular(struct compute *compute)
{
	enum { n = 12 };
	struct problem problem;
	struct gp_factor *factor = NULL;
	double theta[D + 2], alpha[n], mean, variance;
	problem_init(&problem, 12, n, D, 1);
	for (size_t a = 1; a < n; a++)
		memcpy(problem.x + a * D, problem.x, D * sizeof(double));
	set_theta(theta, D, 1, 1, 1e-30);
	for (size_t first = 1; first <= n; first += n - 1) {
		factor = make(compute, &problem, theta, first, n);
		assert_int_equal(
			gp_factor_extend(factor, problem.x + first * D, n - first, NULL), 0);
		for (size_t a = 0; a < n; a++)
			problem.y[a] = 0.5;
		assert_int_equal(gp_factor_solve(factor, problem.y, 1, alpha, NULL), 0);
		assert_int_equal(
			gp_posterior(factor, alpha, problem.x, 1, &mean, &variance, NULL), 0);
		assert_close(mean, 0.5, 1e-4);
		assert_true(variance >= 1e-12 && variance < 1e-4);
		gp_factor_free(factor);
	}
	struct error err = { 0 };
	factor = NULL;
	theta[D] = 720;
	assert_int_equal(
		gp_factor_new(compute, &problem.input, theta, n, &factor, &err), CODE_INVALID);
	assert_int_equal(err.code, CODE_INVALID);
	assert_null(factor);
	theta[D] = 0;
	assert_int_equal(
		gp_factor_new(compute, &problem.input, theta, n - 1, &factor, NULL), CODE_INVALID);
	assert_int_equal(
		gp_factor_new(compute, &problem.input, theta, GP_LIMIT_N + 1, &factor, NULL),
		CODE_INVALID);
	gp_factor_free(NULL);
	problem_release(&problem);
}

static void singular_covariances(void **state)
{
	(void)state;
	on_every_back_end(check_singular);
}

static void check_one_point(struct compute *compute)
{
	unsigned char category = 0;
	double x[2] = { 0.2, 0.9 }, theta[3] = { log(4), log(2), log(0.5) };
	double y[2] = { 1, 3 }, alpha[2], mean, variance;
	struct gp_input input = { 1, 1, x, &category };
	struct gp_factor *factor = NULL;
	assert_int_equal(gp_factor_new(compute, &input, theta, 2, &factor, NULL), 0);
	assert_int_equal(gp_factor_solve(factor, y, 2, alpha, NULL), 0);
	assert_close(alpha[0], 1 / 2.5, 1e-14);
	assert_close(alpha[1], 3 / 2.5, 1e-14);
	double r = 1.4, k = 2 * (1 + sqrt5 * r + 5 * r * r / 3) * exp(-sqrt5 * r);
	assert_int_equal(gp_posterior(factor, alpha, x + 1, 1, &mean, &variance, NULL), 0);
	assert_close(mean, k / 2.5, 1e-14);
	assert_close(variance, 2 - k * k / 2.5, 1e-14);
	gp_factor_free(factor);
}

static void one_point_by_hand(void **state)
{
	(void)state;
	on_every_back_end(check_one_point);
}

struct readings {
	double mean[200], variance[200], d_mean[D], d_variance[D], covariance[200];
};

static void read_all(
	struct compute *compute, struct problem *problem, const double *x, struct readings *out)
{
	size_t n = problem->input.n;
	double theta[D + 2], *alpha = lab_memory(n, sizeof(double)), m, v;
	set_theta(theta, D, 0.8, 1.4, 1e-3);
	struct gp_factor *factor = make(compute, problem, theta, n / 2, n);
	assert_int_equal(gp_factor_extend(factor, problem->x + n / 2 * D, n - n / 2, NULL), 0);
	assert_int_equal(gp_factor_solve(factor, problem->y, 1, alpha, NULL), 0);
	assert_int_equal(gp_posterior(factor, alpha, x, 200, out->mean, out->variance, NULL), 0);
	assert_int_equal(
		gp_posterior_gradient(factor, alpha, x, &m, &v, out->d_mean, out->d_variance, NULL),
		0);
	assert_int_equal(gp_covariance(factor, x, 10, x + 50 * D, 20, out->covariance, NULL), 0);
	gp_factor_free(factor);
	free(alpha);
}

static void matches_the_processor(void **state)
{
	(void)state;
	struct compute *cpu = open_back_end("cpu");
	struct problem problem;
	struct readings want, got;
	double x[200 * D];
	problem_init(&problem, 14, 301, D, 1);
	draw_points(&problem, 200, x);
	read_all(cpu, &problem, x, &want);
	for (size_t b = 0; b < BACK_ENDS; b++) {
		struct compute *other = open_back_end(back_ends[b]);
		if (!other)
			continue;
		read_all(other, &problem, x, &got);
		for (size_t c = 0; c < 200; c++) {
			assert_close(got.mean[c], want.mean[c], 1e-7);
			assert_close(got.variance[c], want.variance[c], 1e-7);
			assert_close(got.covariance[c], want.covariance[c], 1e-7);
		}
		for (size_t i = 0; i < D; i++) {
			assert_close(got.d_mean[i], want.d_mean[i], 1e-6);
			assert_close(got.d_variance[i], want.d_variance[i], 1e-6);
		}
		compute_close(other);
	}
	problem_release(&problem);
	compute_close(cpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_point_by_hand),
		cmocka_unit_test(extending_equals_factoring),
		cmocka_unit_test(inverse_of_many_columns),
		cmocka_unit_test(truncating_forgets),
		cmocka_unit_test(posterior_interpolates),
		cmocka_unit_test(posterior_gradient_is_the_posteriors),
		cmocka_unit_test(covariance_is_consistent),
		cmocka_unit_test(singular_covariances),
		cmocka_unit_test(matches_the_processor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
