/* The operators of nsga2 and nsga3; those of evolution are tested with it. */
#include "algorithms/tuners/evolution_vary.h"
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const char nested[] =
	"{\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"none\"},"
	"{\"_name\":\"a\",\"k\":{\"_type\":\"choice\",\"_value\":[1,2,3]},"
	"\"w\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
	"{\"_name\":\"b\",\"k\":{\"_type\":\"choice\",\"_value\":[1,2,3]}}]},"
	"\"one\":{\"_type\":\"fixed\",\"_value\":3},"
	"\"c\":{\"_type\":\"choice\",\"_value\":[1,2,3,4]},"
	"\"i\":{\"_type\":\"randint\",\"_value\":[0,3]},"
	"\"n\":{\"_type\":\"normal\",\"_value\":[0,1]},"
	"\"l\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":4096,\"log\":true}}}";

static void test_recombine(void **state)
{
	double a[16], b[16], x[16], near = 0, all = 0, mothers = 0;
	struct fake fake;
	struct rng rng;

	(void)state;
	fake_init_tuner(&fake, "random", NULL, 1, nested, NULL);
	const struct space *space = fake.view.spec->space;
	assert_true(space->n <= COUNT(a));
	rng_init(&rng, 4, RNG_TEST, 0);
	for (int i = 0; i < 3000; i++) {
		space_sample(space, &rng, a);
		space_sample(space, &rng, b);
		vary_recombine(space, &rng, 15, a, b, x);
		assert_true(space_contains(space, x));
		for (size_t j = 0; j < space->n; j++) {
			const struct parameter *parameter = &space->parameters[j];
			if (isnan(x[j]))
				continue;
			if (parameter->categorical || isnan(a[j]) || isnan(b[j]) || a[j] == b[j]) {
				assert_true(x[j] == a[j] || x[j] == b[j]);
				continue;
			}
			if (parameter->n_values > 0)
				continue;
			double u = parameter_to_unit(parameter, a[j]);
			double v = parameter_to_unit(parameter, b[j]);
			double t = parameter_to_unit(parameter, x[j]);
			all++;
			mothers += x[j] == a[j];
			near += fmin(fabs(t - u), fabs(t - v)) <= 0.1 * fabs(u - v);
		}
	}
	/* Half are the mother's. Of the rest P(spread in 0.8 .. 1.2) = 1 - 0.8^16 / 2 - 1.2^-16 /
	 * 2, about 0.96, and a little more where the ends of the range bound it. */
	assert_true(fabs(mothers / all - 0.5) < 0.04);
	assert_true(near / all > 0.96 && near / all < 1);
	fake_release(&fake);
}

/* Both sides of each parent, and within the range however near its ends they are. */
static void test_recombine_spread(void **state)
{
	double a = 0.3, b = 0.7, low = 0, high = 0.002, x;
	int outside = 0, near_a = 0, near_b = 0;
	struct fake fake;
	struct rng rng;

	(void)state;
	fake_init_tuner(
		&fake, "random", NULL, 1, "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}", NULL);
	rng_init(&rng, 5, RNG_TEST, 0);
	for (int i = 0; i < 4000; i++) {
		vary_recombine(fake.view.spec->space, &rng, 15, &a, &b, &x);
		if (x == a)
			continue;
		outside += x < a || x > b;
		near_a += x < 0.5;
		near_b += x > 0.5;
		vary_recombine(fake.view.spec->space, &rng, 2, &low, &high, &x);
		assert_true(x >= 0 && x <= 1);
	}
	assert_true(fabs((double)(near_a + near_b) - 2000) < 4 * sqrt(1000));
	assert_true(fabs((double)(near_a - near_b)) < 4 * sqrt(2000));
	assert_true(fabs((double)outside - 1000) < 4 * sqrt(500));
	fake_release(&fake);
}

static void test_mutate_each(void **state)
{
	const struct vary vary = { .eta = 20 };
	double x[16], y[16], changes = 0, drawn = 0;
	struct fake fake;
	struct rng rng;

	(void)state;
	fake_init_tuner(&fake, "random", NULL, 1, nested, NULL);
	const struct space *space = fake.view.spec->space;
	rng_init(&rng, 6, RNG_TEST, 0);
	for (int i = 0; i < 4000; i++) {
		size_t differ = 0, flips = 0;

		space_sample(space, &rng, x);
		memcpy(y, x, sizeof(y));
		bool changed = vary_mutate_each(&vary, space, &rng, y);
		assert_true(space_contains(space, y));
		for (size_t j = 0; j < space->n; j++) {
			flips += isnan(x[j]) != isnan(y[j]);
			differ += !isnan(x[j]) && !isnan(y[j]) && x[j] != y[j];
		}
		assert_true(changed == (differ > 0));
		assert_true(flips == 0 || x[0] != y[0]);
		changes += (double)differ;
		drawn += flips > 0;
	}
	/* One on average, a little less for those that a branch switched off. */
	assert_true(changes / 4000 > 0.9 && changes / 4000 < 1.05);
	assert_true(drawn > 300);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recombine),
		cmocka_unit_test(test_recombine_spread),
		cmocka_unit_test(test_mutate_each),
	};
	return cmocka_run_group_tests_name("evolution_vary", tests, NULL, NULL);
}
