#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "algorithms/tuners/parzen.h" /* before cmocka, whose fail is a macro */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static const struct parzen_rule modern = { .prior_weight = 1, .forgetting = 25 };
static const struct parzen_rule parity = { .prior_weight = 1, .forgetting = 25, .parity = true };

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static const struct parameter *parameter_of(const char *definition)
{
	static struct faults faults;
	struct error err = { 0 };
	const struct space *space;
	const char *text = arena_printf(&arena, "{\"p\":%s}", definition);

	faults_init(&faults);
	if (space_parse(text, NULL, NULL, &arena, &space, &faults, &err) != 0)
		fail_msg("%s: %s", text, faults.n ? faults.items[0].message : err.message);
	return &space->parameters[0];
}

/* p(x) of the mixture of the observations on one axis, for n points x. */
static void densities(const struct axis *axis, const struct parzen_rule *rule, size_t n_seen,
	const double *seen, size_t n, const double *x, double *out)
{
	struct parzen parzen;
	const double **points = arena_array(&arena, n_seen + 1, sizeof(*points));
	double *t = arena_array(&arena, n, sizeof(*t));

	for (size_t k = 0; k < n_seen; k++)
		points[k] = &seen[k];
	assert_int_equal(
		parzen_init(&parzen, n_seen, points, NULL, rule, axis->n_options, n, &arena), 0);
	parzen_fit(&parzen, axis, 0);
	for (size_t i = 0; i < n; i++)
		t[i] = axis_coordinate(axis, x[i]);
	parzen_score(&parzen, x, t);
	for (size_t i = 0; i < n; i++)
		out[i] = exp(parzen_log_density(&parzen, i));
}

/* The sum over all values of a countable parameter. */
static double total_mass(const char *definition, const struct parzen_rule *rule, size_t n_seen,
	const uint64_t *seen_index)
{
	const struct parameter *parameter = parameter_of(definition);
	struct axis axis;
	double seen[64], x[2048], p[2048], sum = 0;
	size_t n = (size_t)parameter->n_values;

	axis_init(&axis, parameter, rule->parity);
	assert_true(n <= 2048);
	for (size_t k = 0; k < n_seen; k++)
		seen[k] = parameter_value(parameter, seen_index[k]);
	for (size_t i = 0; i < n; i++)
		x[i] = parameter_value(parameter, i);
	densities(&axis, rule, n_seen, seen, n, x, p);
	for (size_t i = 0; i < n; i++)
		sum += p[i];
	return sum;
}

static void masses_sum_to_one(void **state)
{
	static const uint64_t seen[] = { 0, 1, 1, 2, 0, 0, 2, 1 };
	static const char *const definitions[] = {
		"{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\",\"d\"]}",
		"{\"_type\":\"bool\"}",
		"{\"_type\":\"ordinal\",\"_value\":[8,16,32]}",
		"{\"_type\":\"randint\",\"_value\":[-3,7]}",
		"{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":900,\"log\":true}}",
		"{\"_type\":\"int\",\"_value\":{\"low\":2,\"high\":20,\"step\":3}}",
		"{\"_type\":\"quniform\",\"_value\":[2,10,5]}",
		"{\"_type\":\"quniform\",\"_value\":[1,11,2.5]}",
		"{\"_type\":\"quniform\",\"_value\":[0,1,0.05]}",
		"{\"_type\":\"qloguniform\",\"_value\":[1,300,1]}",
		"{\"_type\":\"qloguniform\",\"_value\":[0.5,7,2]}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(definitions) / sizeof(definitions[0]); i++) {
		for (size_t n = 0; n <= 8; n++) {
			bool two = i == 1; /* bool has no third value */
			double sum =
				total_mass(definitions[i], &modern, two && n > 3 ? 3 : n, seen);
			if (fabs(sum - 1) > 1e-9)
				fail_msg("%s, %zu seen: %.12g", definitions[i], n, sum);
		}
	}
	assert_true(fabs(total_mass(definitions[0], &parity, 8, seen) - 1) < 1e-9);
}

/* Simpson's rule over the model coordinate. */
static double integral(
	const char *definition, double low, double high, size_t n_seen, const double *seen)
{
	enum { CELLS = 20000 };
	const struct parameter *parameter = parameter_of(definition);
	struct axis axis;
	double *x = arena_array(&arena, CELLS + 1, sizeof(*x));
	double *p = arena_array(&arena, CELLS + 1, sizeof(*p));
	double sum = 0, h;

	axis_init(&axis, parameter, false);
	assert_int_equal(axis.kind, AXIS_REAL);
	low = isfinite(axis.low) ? axis.low : low;
	high = isfinite(axis.high) ? axis.high : high;
	h = (high - low) / CELLS;
	for (size_t i = 0; i <= CELLS; i++) {
		double t = low + h * (double)i;
		if (parameter->normal)
			t = parameter->mu + parameter->sigma * t;
		x[i] = parameter->log ? exp(t) : t;
	}
	densities(&axis, &modern, n_seen, seen, CELLS + 1, x, p);
	for (size_t i = 0; i <= CELLS; i++)
		sum += p[i] * (i == 0 || i == CELLS ? 1 : i % 2 ? 4 : 2);
	return sum * h / 3;
}

static void densities_integrate_to_one(void **state)
{
	static const double linear[] = { 0.1, 0.1, 3.9, 2, 2.01, 0, 4 };
	static const double log_[] = { 1e-4, 1e-3, 0.99, 1, 0.5, 1e-4 };
	static const double normal[] = { 5, 4, 11, -3 };
	static const double lognormal[] = { 1, 2.5, 0.3 };
	(void)state;
	for (size_t n = 0; n <= 7; n++) {
		const char *p = "{\"_type\":\"uniform\",\"_value\":[0,4]}";
		assert_true(fabs(integral(p, 0, 0, n, linear) - 1) < 1e-9);
	}
	for (size_t n = 0; n <= 6; n++) {
		const char *p = "{\"_type\":\"loguniform\",\"_value\":[1e-4,1]}";
		assert_true(fabs(integral(p, 0, 0, n, log_) - 1) < 1e-9);
	}
	const char *p = "{\"_type\":\"normal\",\"_value\":[5,2]}";
	for (size_t n = 0; n <= 4; n++)
		assert_true(fabs(integral(p, -15, 15, n, normal) - 1) < 1e-9);
	p = "{\"_type\":\"lognormal\",\"_value\":[0,1]}";
	assert_true(fabs(integral(p, -12, 12, 3, lognormal) - 1) < 1e-9);
}

/* Worked by hand: observations 1 and 3 on [0, 4]. Each looks inwards only: width 2; the floor is
 * 4 / min(100, 2 + 2) = 1 and does not bind. */
static void bandwidths_by_hand(void **state)
{
	static const double seen[] = { 1, 3 };
	const double *points[] = { &seen[0], &seen[1] };
	struct parzen parzen;
	struct axis axis;
	(void)state;
	axis_init(&axis, parameter_of("{\"_type\":\"uniform\",\"_value\":[0,4]}"), false);
	assert_int_equal(parzen_init(&parzen, 2, points, NULL, &modern, 0, 1, &arena), 0);
	parzen_fit(&parzen, &axis, 0);
	assert_true(parzen.width[0] == 2 && parzen.width[1] == 2 && parzen.width[2] == 4);
	assert_true(parzen.centre[2] == 2);

	/* alone, the ends count: max(1 - 0, 4 - 1) */
	assert_int_equal(parzen_init(&parzen, 1, points, NULL, &modern, 0, 1, &arena), 0);
	parzen_fit(&parzen, &axis, 0);
	assert_true(parzen.width[0] == 3);

	/* NNI: the prior's centre 2 is the neighbour of both; alone: half the prior's width */
	assert_int_equal(parzen_init(&parzen, 2, points, NULL, &parity, 0, 1, &arena), 0);
	parzen_fit(&parzen, &axis, 0);
	assert_true(parzen.width[0] == 1 && parzen.width[1] == 1 && parzen.width[2] == 4);
	assert_int_equal(parzen_init(&parzen, 1, points, NULL, &parity, 0, 1, &arena), 0);
	parzen_fit(&parzen, &axis, 0);
	assert_true(parzen.width[0] == 2);
}

/* Old observations fade from 1 to 1/n; the newest 25 do not. */
static void old_observations_fade(void **state)
{
	double seen[40];
	const double *points[40];
	struct parzen parzen;
	(void)state;
	for (size_t k = 0; k < 40; k++) {
		seen[k] = 0.5;
		points[k] = &seen[k];
	}
	assert_int_equal(parzen_init(&parzen, 40, points, NULL, &modern, 0, 1, &arena), 0);
	double newest = parzen.weight[39];
	assert_true(fabs(parzen.weight[40] - newest) < 1e-15); /* the prior */
	assert_true(fabs(parzen.weight[0] - newest / 40) < 1e-15);
	assert_true(fabs(parzen.weight[14] - newest) < 1e-15); /* the ramp ends at 1 */
	assert_true(fabs(parzen.weight[15] - newest) < 1e-15);
	assert_true(parzen.weight[7] > parzen.weight[6]);
	assert_true(fabs(parzen.cumulated[40] - 1) < 1e-12);
}

/* Equal weights and any order: the same density. */
static void order_does_not_matter_when_young(void **state)
{
	double seen[] = { 0.1, 0.7, 0.7, 0.3, 0.95 }, swapped[] = { 0.95, 0.7, 0.3, 0.7, 0.1 };
	double x[101], p[101], q[101];
	struct axis axis;
	(void)state;
	axis_init(&axis, parameter_of("{\"_type\":\"uniform\",\"_value\":[0,1]}"), false);
	for (size_t i = 0; i <= 100; i++)
		x[i] = (double)i / 100;
	densities(&axis, &modern, 5, seen, 101, x, p);
	densities(&axis, &modern, 5, swapped, 101, x, q);
	for (size_t i = 0; i <= 100; i++)
		assert_true(fabs(p[i] - q[i]) <= 1e-12 * p[i]);
}

/* Counts, as NNI: (weight of the option + prior) / (all weights + options * prior). */
static void parity_counts_categories(void **state)
{
	double seen[] = { 0, 0, 2 }, x[] = { 0, 1, 2 }, p[3];
	struct axis axis;
	(void)state;
	axis_init(&axis, parameter_of("{\"_type\":\"choice\",\"_value\":[1,2,3]}"), true);
	densities(&axis, &parity, 3, seen, 3, x, p);
	assert_true(fabs(p[0] - 3.0 / 6) < 1e-12);
	assert_true(fabs(p[1] - 1.0 / 6) < 1e-12);
	assert_true(fabs(p[2] - 2.0 / 6) < 1e-12);
}

/* What is drawn has the density that scores it: frequencies of 20,000 draws against masses. */
static void draws_follow_the_density(void **state)
{
	static const char *const definitions[] = {
		"{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\",\"d\"]}",
		"{\"_type\":\"quniform\",\"_value\":[2,10,5]}",
		"{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":12,\"log\":true}}",
	};
	enum { DRAWS = 20000 };
	(void)state;
	for (size_t d = 0; d < 3; d++) {
		const struct parameter *parameter = parameter_of(definitions[d]);
		double seen[] = { parameter_value(parameter, 0), parameter_value(parameter, 2),
			parameter_value(parameter, 2) };
		const double *points[] = { &seen[0], &seen[1], &seen[2] };
		double x[16], p[16], count[16] = { 0 };
		size_t n = (size_t)parameter->n_values;
		struct parzen parzen;
		struct axis axis;
		struct rng rng;

		axis_init(&axis, parameter, false);
		for (size_t i = 0; i < n; i++)
			x[i] = parameter_value(parameter, i);
		densities(&axis, &modern, 3, seen, n, x, p);
		assert_int_equal(parzen_init(&parzen, 3, points, NULL, &modern, 0, 1, &arena), 0);
		parzen_fit(&parzen, &axis, 0);
		rng_init(&rng, 5, RNG_TEST, d);
		for (int i = 0; i < DRAWS; i++) {
			double drawn, t;
			size_t k = parzen_kernel(&parzen, rng_uniform(&rng));
			parzen_draw(&parzen, k, &rng, &drawn, &t);
			count[parameter_index(parameter, drawn)]++;
		}
		for (size_t i = 0; i < n; i++) {
			double deviation = sqrt(p[i] * (1 - p[i]) / DRAWS);
			assert_true(fabs(count[i] / DRAWS - p[i]) < 4.5 * deviation);
		}
	}
}

/* Every value's cell begins where the one before it ends, and rounding agrees with the cells. */
static void cells_tile_the_interval(void **state)
{
	static const char *const definitions[] = {
		"{\"_type\":\"quniform\",\"_value\":[2,10,5]}",
		"{\"_type\":\"quniform\",\"_value\":[1,11,2.5]}",
		"{\"_type\":\"quniform\",\"_value\":[0,1,0.1]}",
		"{\"_type\":\"qloguniform\",\"_value\":[1,40,3]}",
		"{\"_type\":\"int\",\"_value\":{\"low\":3,\"high\":40,\"log\":true}}",
		"{\"_type\":\"ordinal\",\"_value\":[1,2,4,8]}",
	};
	(void)state;
	for (size_t d = 0; d < sizeof(definitions) / sizeof(definitions[0]); d++) {
		const struct parameter *parameter = parameter_of(definitions[d]);
		struct axis axis;
		double edge, low, high;

		axis_init(&axis, parameter, false);
		assert_int_equal(axis.kind, AXIS_STEPPED);
		edge = axis.low;
		for (uint64_t k = 0; k < parameter->n_values; k++) {
			double x = parameter_value(parameter, k);
			axis_cell(&axis, x, &low, &high);
			assert_true(low == edge && high > low);
			assert_true(axis_value(&axis, low + 1e-6 * (high - low)) == x);
			assert_true(axis_value(&axis, high - 1e-6 * (high - low)) == x);
			edge = high;
		}
		assert_true(edge == axis.high);
	}
}

static void kinds(void **state)
{
	static const struct {
		const char *definition;
		enum axis_kind kind;
	} cases[] = {
		{ "{\"_type\":\"choice\",\"_value\":[1]}", AXIS_DROPPED },
		{ "{\"_type\":\"fixed\",\"_value\":3}", AXIS_DROPPED },
		{ "{\"_type\":\"randint\",\"_value\":[4,5]}", AXIS_DROPPED },
		{ "{\"_type\":\"uniform\",\"_value\":[0,1]}", AXIS_REAL },
		{ "{\"_type\":\"quniform\",\"_value\":[1,10000,0.01]}", AXIS_REAL },
		{ "{\"_type\":\"quniform\",\"_value\":[1,10,1]}", AXIS_STEPPED },
		{ "{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":1000000,\"log\":true}}",
			AXIS_STEPPED },
		{ "{\"_type\":\"qnormal\",\"_value\":[0,1,0.1]}", AXIS_STEPPED },
		{ "{\"_type\":\"qnormal\",\"_value\":[0,10,0.001]}", AXIS_REAL },
		{ "{\"_type\":\"qlognormal\",\"_value\":[0,1,0.5]}", AXIS_STEPPED },
		{ "{\"_type\":\"bool\"}", AXIS_CATEGORICAL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct axis axis;
		axis_init(&axis, parameter_of(cases[i].definition), false);
		if (axis.kind != cases[i].kind)
			fail_msg("%s is %d", cases[i].definition, (int)axis.kind);
	}
}

/* qlognormal rounds to 0, whose logarithm is not a number to model with. */
static void zero_of_a_log_grid(void **state)
{
	double seen[] = { 0, 0, 0.5, 2 }, x[200], p[200], sum = 0;
	struct axis axis;
	(void)state;
	axis_init(&axis, parameter_of("{\"_type\":\"qlognormal\",\"_value\":[0,1,0.5]}"), false);
	for (size_t i = 0; i < 200; i++)
		x[i] = 0.5 * (double)i;
	densities(&axis, &modern, 4, seen, 200, x, p);
	for (size_t i = 0; i < 200; i++)
		sum += p[i];
	assert_true(sum > 0.9999 && sum < 1 + 1e-9); /* the tail beyond 100 is all that lacks */
	assert_true(p[0] > p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masses_sum_to_one),
		cmocka_unit_test(densities_integrate_to_one),
		cmocka_unit_test(bandwidths_by_hand),
		cmocka_unit_test(old_observations_fade),
		cmocka_unit_test(order_does_not_matter_when_young),
		cmocka_unit_test(parity_counts_categories),
		cmocka_unit_test(draws_follow_the_density),
		cmocka_unit_test(cells_tile_the_interval),
		cmocka_unit_test(kinds),
		cmocka_unit_test(zero_of_a_log_grid),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
