/* What every back end must do, and that it agrees with the processor: fitting. Factors and kernel
 * densities are in test_gp_factor.c and test_kde.c. */
#include "tests/unit/gpu/lab.h"

#define D_MOST 16

static void evaluate(struct compute *compute, const struct gp_fit *fit, const double *theta,
	double *objective, double *gradient)
{
	struct gp_fit at = *fit;
	at.starts = theta;
	at.n_starts = 1;
	assert_int_equal(compute_gp_objective(compute, &at, 1, objective, &gradient, NULL), 0);
}

/* theta with coordinate i moved by h; the last one moves in ln(noise - 1e-6). */
static void move(const double *theta, size_t d, size_t i, double h, double *moved)
{
	memcpy(moved, theta, (d + 2) * sizeof(*theta));
	if (i <= d)
		moved[i] += h;
	else
		moved[i] = log((exp(theta[i]) - 1e-6) * exp(h) + 1e-6);
}

/* Central differences of the fourth order. */
static double difference(
	struct compute *compute, const struct gp_fit *fit, const double *theta, size_t i)
{
	static const double steps[4] = { -2, -1, 1, 2 }, factors[4] = { 1, -8, 8, -1 };
	const double h = 1e-3;
	double moved[D_MOST + 2], ignored[D_MOST + 2], sum = 0;
	for (size_t k = 0; k < 4; k++) {
		double objective;
		move(theta, fit->input.d, i, steps[k] * h, moved);
		evaluate(compute, fit, moved, &objective, ignored);
		sum += factors[k] * objective;
	}
	return sum / (12 * h);
}

static void check_gradient(struct compute *compute)
{
	struct problem problem;
	problem_init(&problem, 1, 37, 5, 2);
	struct gp_fit fit = { .input = problem.input, .y = problem.y };
	for (int t = 0; t < 100; t++) {
		double theta[D_MOST + 2], gradient[D_MOST + 2], objective;
		draw_theta(&problem, theta);
		evaluate(compute, &fit, theta, &objective, gradient);
		assert_true(isfinite(objective));
		for (size_t i = 0; i < (fit.noiseless ? 6 : 7); i++) {
			double want = difference(compute, &fit, theta, i);
			assert_close(gradient[i], want, 1e-5 * fmax(fabs(want), 0.1));
		}
		assert_true(!fit.noiseless || gradient[6] == 0);
		fit.noiseless = !fit.noiseless;
	}
	problem_release(&problem);
}

static void gradient_is_the_objectives(void **state)
{
	(void)state;
	on_every_back_end(check_gradient);
}

/* J by the definition, for one point and one feature: K is a number. */
static void check_one_point(struct compute *compute)
{
	unsigned char category = 0;
	double x = 0.3, y = 0.7, theta[3] = { 1.2, -0.4, -3 }, gradient[3], objective;
	double k = exp(-0.4) + exp(-3), off = -0.6 - sqrt(2);
	struct gp_fit fit = { .input = { 1, 1, &x, &category }, .y = &y };
	double want = 0.5 * y * y / k + 0.5 * log(k) + off * off / 6 + 0.5 * 0.16 + 0.5;

	evaluate(compute, &fit, theta, &objective, gradient);
	assert_close(objective, want, 1e-13);
	assert_close(gradient[0], -off / 6, 1e-13);
	assert_close(gradient[1], 0.5 * (1 - y * y / k) * exp(-0.4) / k - 0.4, 1e-13);
	fit.noiseless = true;
	evaluate(compute, &fit, theta, &objective, gradient);
	assert_close(objective, want - 0.5, 1e-13);
	assert_true(gradient[2] == 0);

	double found[3];
	fit.starts = theta;
	fit.n_starts = 1;
	fit.theta = found;
	assert_int_equal(compute_gp_fit(compute, &fit, 1, NULL), 0);
	assert_int_equal(fit.code, 0);
	assert_close(found[0], -2 * sqrt(2), 1e-2); /* nothing but the prior speaks of w */
	assert_close(found[2], log(1e-6), 1e-12);
}

static void one_point_by_hand(void **state)
{
	(void)state;
	on_every_back_end(check_one_point);
}

/* The starts of A.2.1, then draws. */
static void set_starts(struct problem *problem, size_t n, double *starts)
{
	size_t d = problem->input.d;
	for (size_t s = 0; s < n; s++) {
		draw_theta(problem, starts + s * (d + 2));
		if (s == 0)
			set_theta(starts, d, exp(sqrt(2) + 0.5 * log((double)d) - 3), 1, exp(-4));
		if (s == 1)
			set_theta(
				starts + d + 2, d, exp(sqrt(2) + 0.5 * log((double)d)), 1, exp(-4));
	}
}

static void assert_within_bounds(const double *theta, size_t d)
{
	const double slack = 1e-12;
	for (size_t i = 0; i < d; i++) {
		assert_true(theta[i] >= -2 * log(100) - slack);
		assert_true(theta[i] <= -2 * log(0.02) + slack);
	}
	assert_true(theta[d] >= log(0.05) - slack && theta[d] <= log(20) + slack);
	assert_true(theta[d + 1] >= log(1e-6) - slack && theta[d + 1] <= slack);
}

/* Not worse than 40 starts, nor than 500 draws; the same to the last bit again; J is J there. */
static void check_fit_of(struct compute *compute, size_t n, size_t d, size_t n_categories)
{
	struct problem problem;
	double starts[40 * (D_MOST + 2)], theta[D_MOST + 2], again[D_MOST + 2], many[D_MOST + 2];
	double gradient[D_MOST + 2], objective;
	problem_init(&problem, 11, n, d, n_categories);
	set_starts(&problem, 40, starts);
	struct gp_fit fit = { .input = problem.input,
		.y = problem.y,
		.n_starts = 4,
		.starts = starts,
		.theta = theta };
	struct gp_fit second = fit, dense = fit;
	second.theta = again;
	dense.theta = many;
	dense.n_starts = 40;
	assert_int_equal(compute_gp_fit(compute, &fit, 1, NULL), 0);
	assert_int_equal(compute_gp_fit(compute, &second, 1, NULL), 0);
	assert_int_equal(compute_gp_fit(compute, &dense, 1, NULL), 0);
	assert_int_equal(fit.code, 0);
	assert_true(fit.evaluations > 8 && fit.evaluations <= 4 * 60 * 21);
	assert_true(fit.objective <= dense.objective + 1e-3);
	assert_memory_equal(theta, again, (d + 2) * sizeof(*theta));
	assert_true(fit.objective == second.objective);
	assert_within_bounds(theta, d);
	evaluate(compute, &fit, theta, &objective, gradient);
	assert_close(objective, fit.objective, 1e-9 * fabs(objective));
	for (int t = 0; t < 500; t++) {
		double random[D_MOST + 2];
		draw_theta(&problem, random);
		evaluate(compute, &fit, random, &objective, gradient);
		assert_true(fit.objective <= objective + 1e-3);
	}
	problem_release(&problem);
}

static void check_fit(struct compute *compute)
{
	check_fit_of(compute, 40, 3, 1);
	check_fit_of(compute, 25, 1, 0);
	check_fit_of(compute, 60, 6, 0);
}

static void fit_finds_the_minimum(void **state)
{
	(void)state;
	on_every_back_end(check_fit);
}

/* Problems of different shapes at once give what each gives alone, one after the other. */
static void check_batch(struct compute *compute)
{
	static const size_t shapes[4][3] = { { 30, 2, 0 }, { 7, 5, 2 }, { 1, 1, 0 }, { 45, 3, 3 } };
	struct problem problems[4];
	struct gp_fit fits[4], alone[4];
	double starts[4][3 * (D_MOST + 2)], theta[4][D_MOST + 2], single[4][D_MOST + 2];
	for (size_t p = 0; p < 4; p++) {
		problem_init(&problems[p], 20 + p, shapes[p][0], shapes[p][1], shapes[p][2]);
		set_starts(&problems[p], 3, starts[p]);
		fits[p] = (struct gp_fit){ .input = problems[p].input,
			.y = problems[p].y,
			.noiseless = p == 3,
			.n_starts = 1 + p % 3,
			.starts = starts[p],
			.max_iterations = p == 0 ? 5 : 0,
			.theta = theta[p] };
		alone[p] = fits[p];
		alone[p].theta = single[p];
		assert_int_equal(compute_gp_fit(compute, &alone[p], 1, NULL), 0);
	}
	assert_int_equal(compute_gp_fit(compute, fits, 4, NULL), 0);
	for (size_t p = 0; p < 4; p++) {
		assert_int_equal(fits[p].code, 0);
		assert_int_equal(fits[p].evaluations, alone[p].evaluations);
		assert_true(fits[p].objective == alone[p].objective);
		assert_memory_equal(theta[p], single[p], (shapes[p][1] + 2) * sizeof(theta[p][0]));
		problem_release(&problems[p]);
	}
	struct compute_stats stats;
	compute_stats(compute, &stats);
	assert_int_equal(stats.fits, 8);
	assert_true(stats.evaluations >= 16);
}

static void batches_equal_single_fits(void **state)
{
	(void)state;
	on_every_back_end(check_batch);
}

/* The same points twice, all y equal, and a kernel beyond the range of numbers. */
static void check_degenerate(struct compute *compute)
{
	struct problem problem;
	double theta[5], start[5], gradient[5], objective;
	problem_init(&problem, 5, 30, 3, 0);
	memcpy(problem.x + 15 * 3, problem.x, 15 * 3 * sizeof(double));
	memset(problem.y, 0, 30 * sizeof(double));
	set_theta(start, 3, 1, 1, 0.01);
	struct gp_fit fit = { .input = problem.input,
		.y = problem.y,
		.noiseless = true,
		.n_starts = 1,
		.starts = start,
		.theta = theta };
	assert_int_equal(compute_gp_fit(compute, &fit, 1, NULL), 0);
	assert_int_equal(fit.code, 0);
	assert_within_bounds(theta, 3);

	set_theta(start, 3, 1, 1, 0.01);
	start[3] = 720; /* exp of it is infinite */
	evaluate(compute, &fit, start, &objective, gradient);
	assert_true(objective == HUGE_VAL);
	problem_release(&problem);
}

static void degenerate_problems(void **state)
{
	(void)state;
	on_every_back_end(check_degenerate);
}

static void check_refusals(struct compute *compute)
{
	struct problem problem;
	double theta[4], start[4], objective, *gradient = theta;
	problem_init(&problem, 5, 10, 2, 0);
	set_theta(start, 2, 1, 1, 0.01);
	struct gp_fit good = { .input = problem.input,
		.y = problem.y,
		.n_starts = 1,
		.starts = start,
		.theta = theta };
	struct gp_fit bad[6] = { good, good, good, good, good, good };
	bad[0].input.n = 0;
	bad[1].input.n = GP_LIMIT_N + 1;
	bad[2].input.d = GP_LIMIT_D + 1;
	bad[3].n_starts = 0;
	bad[4].y = (double[10]){ 0, (double)NAN };
	bad[5].starts = (double[4]){ 0, 0, 0, HUGE_VAL };
	for (size_t b = 0; b < 6; b++) {
		struct error err = { 0 };
		assert_int_equal(compute_gp_fit(compute, &bad[b], 1, &err), CODE_INVALID);
		assert_int_equal(err.code, CODE_INVALID);
		assert_int_equal(
			compute_gp_objective(compute, &bad[b], 1, &objective, &gradient, NULL),
			CODE_INVALID);
	}
	assert_int_equal(compute_gp_fit(compute, NULL, 0, NULL), 0);
	problem_release(&problem);
}

static void refuses_what_makes_no_sense(void **state)
{
	(void)state;
	on_every_back_end(check_refusals);
}

static void compare_objectives(struct compute *cpu, struct compute *other, size_t n, size_t d)
{
	struct problem problem;
	problem_init(&problem, 31, n, d, d / 3);
	struct gp_fit fit = { .input = problem.input, .y = problem.y };
	for (int t = 0; t < 20; t++) {
		double theta[D_MOST + 2], want[D_MOST + 2], got[D_MOST + 2], j, k, norm = 0;
		draw_theta(&problem, theta);
		evaluate(cpu, &fit, theta, &j, want);
		evaluate(other, &fit, theta, &k, got);
		assert_close(k, j, 1e-9 * fmax(fabs(j), 1));
		for (size_t i = 0; i < d + 2; i++)
			norm = fmax(norm, fabs(want[i]));
		for (size_t i = 0; i < d + 2; i++)
			assert_close(got[i], want[i], 1e-6 * fmax(norm, 1));
	}
	problem_release(&problem);
}

static void matches_the_processor(void **state)
{
	(void)state;
	struct compute *cpu = open_back_end("cpu");
	for (size_t b = 0; b < BACK_ENDS; b++) {
		struct compute *other = open_back_end(back_ends[b]);
		if (!other)
			continue;
		compare_objectives(cpu, other, 1, 1);
		compare_objectives(cpu, other, 33, 4);
		compare_objectives(cpu, other, 150, 16);
		compute_close(other);
	}
	compute_close(cpu);
}

static void opening(void **state)
{
	(void)state;
	struct compute *compute = NULL;
	struct error err = { 0 };
	assert_int_equal(compute_open("abacus", NULL, &compute, &err), CODE_INVALID);
	assert_int_equal(compute_open("cuda", "/nowhere", &compute, &err), CODE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "/nowhere"));
	assert_null(compute);
	assert_int_equal(compute_open("auto", "/nowhere", &compute, &err), 0);
	assert_string_equal(compute_name(compute), "cpu");
	assert_non_null(strstr(compute_trouble(compute), "/nowhere"));
	compute_close(compute);
	assert_int_equal(compute_open("cpu", NULL, &compute, &err), 0);
	assert_null(compute_trouble(compute));
	compute_close(compute);
	compute_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening),
		cmocka_unit_test(one_point_by_hand),
		cmocka_unit_test(gradient_is_the_objectives),
		cmocka_unit_test(fit_finds_the_minimum),
		cmocka_unit_test(batches_equal_single_fits),
		cmocka_unit_test(degenerate_problems),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(matches_the_processor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
